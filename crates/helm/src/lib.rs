//! Helm, natively: loads charts and renders what `helm template` of Helm 3.22 prints, byte for byte.
//!
//! Flows in: a chart from a [`trueup_manifest::Tree`] or an archive, values and what is known of the
//! cluster. Flows out: a [`Release`] of objects and hooks in Helm's order, or an [`Error`] in Helm's
//! words with findings in ours. It must never do I/O, read a clock or reach a network; what it needs
//! from outside comes in as arguments.

pub mod chart;
mod dependencies;
mod draws;
mod engine;
mod error;
pub mod functions;
mod go;
mod objects;
pub mod release;
mod render;
pub mod repository;
mod schema;
mod strvals;
mod values;
mod version;
mod yaml;

pub use chart::Chart;
pub use draws::{Draw, Drawn, Draws, drawing};
pub use engine::Lookup;
pub use error::Error;
pub use objects::{Capabilities, DEFAULT_KUBE_VERSION, HELM_VERSION};
pub use release::{Event, Hook, Manifest, Print, Release};
pub use render::{ReleaseInfo, Request, check_release_name, name_of};
pub use trueup_gotemplate::Limits;
pub use values::{Overlay, Secret, SetFile, Values};
