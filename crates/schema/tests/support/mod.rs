//! What the differential tests share: the Go program they ask, and seeded random values.

pub(crate) mod objects;
pub(crate) mod oracle;
pub(crate) mod random;
pub(crate) mod schemas;
