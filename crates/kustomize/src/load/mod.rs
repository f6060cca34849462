//! Reading what a build starts from: kustomization files, objects, patches, remote bases.
//!
//! Flows in: a [`trueup_manifest::Tree`] and, where allowed, a [`crate::RemoteFetcher`]. Flows out:
//! typed kustomizations and documents, every complaint with its place.
//! It must never follow a path out of where it may read, and never act on what it read.

mod decode;
mod documents;
mod kustomization;
mod model;
mod place;
mod read;
mod remote;

pub(crate) use self::{
    decode::{At, Decoder, Rules},
    documents::{Parsed, documents, parse_documents},
    kustomization::load as load_kustomization,
    model::*,
    place::{Place, is_url},
    read::{field_spec, gvk, patch, replacement, replacement_field, selector},
    remote::RepoSpec,
};
