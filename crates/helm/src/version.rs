//! Versions and ranges of them, by the rules of `Masterminds/semver`.

use trueup_gotemplate::sprig::{Constraints, Version};

/// Whether the text is a version.
pub fn is_version(text: &str) -> bool {
    Version::parse(text).is_ok()
}

/// Whether a version lies in a range; false where either cannot be read.
pub fn fits(range: &str, version: &str) -> bool {
    match (Constraints::parse(range), Version::parse(version)) {
        (Ok(range), Ok(version)) => range.check(&version),
        _ => false,
    }
}
