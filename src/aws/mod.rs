//! Requests to AWS: who asks, and the signature that proves it.
//!
//! Flows in: where credentials come from, and what is asked. Flows out: signed requests and their answers.
//! It must never log, print or keep a secret key or a session token, and never ask a host that was not
//! named by the service, the region or the `AWS_ENDPOINT_URL` of the user.

mod call;
mod credentials;
mod sign;

pub use self::{
    call::{Aws, AwsError, Object},
    credentials::{Credentials, Provider},
    sign::{Paths, Request, Scope, sign},
};
