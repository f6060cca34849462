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
    decode::{At, Decoder, Fields, Rules},
    documents::{documents, patch_documents, refuse_equal_keys},
    kustomization::{DEPRECATED, FILE_NAMES, load as load_kustomization},
    model::*,
    place::{Place, is_url},
    read::{
        config_map as read_config_map, field_spec, gvk, helm_chart as read_helm_chart,
        helm_globals as read_helm_globals, image as read_image, patch as read_patch,
        replacement as read_replacement, replacement_field as read_replacement_field,
        replica as read_replica, secret as read_secret, selector as read_selector,
    },
    remote::{RepoSpec, hidden, is_remote},
};
