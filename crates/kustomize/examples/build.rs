//! `kustomize build DIR` without a cluster, a daemon or flags beyond the two that tests need:
//!
//! ```sh
//! cargo run -p trueup-kustomize --example build -- [--reorder none] [--load-restrictor LoadRestrictionsNone] DIR
//! ```

#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command-line example"
)]

use std::process::ExitCode;

use trueup_kustomize::{LoadRestrictor, Options, Reorder, build};
use trueup_manifest::{DiskTree, TreePath};

/// The allocator of the program that we ship.
#[cfg(feature = "jemalloc")]
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    let mut options = Options::default();
    let mut dir = None;
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--reorder" if arguments.next().as_deref() == Some("none") => {
                options.reorder = Reorder::None;
            }
            "--load-restrictor" if arguments.next().as_deref() == Some("LoadRestrictionsNone") => {
                options.load_restrictor = LoadRestrictor::None;
            }
            "--enable-managedby-label" => options.managed_by_label = true,
            "--reorder" | "--load-restrictor" => {}
            _ => dir = Some(argument),
        }
    }
    let dir = std::path::PathBuf::from(dir.unwrap_or_else(|| ".".to_owned()));
    let dir = dir.canonicalize().unwrap_or(dir);
    let Some(path) = dir.to_str().map(|path| path.trim_start_matches('/')) else {
        eprintln!("the path is not UTF-8");
        return ExitCode::FAILURE;
    };
    options.tree_root = Some("/");
    let result = DiskTree::new("/")
        .map_err(|error| error.to_string())
        .and_then(|tree| {
            let path = TreePath::new(path).map_err(|error| error.to_string())?;
            build(&tree, &path, &options).map_err(|findings| findings.to_string())
        });
    match result {
        Ok(built) => {
            for warning in &built.warnings {
                eprintln!("{warning}");
            }
            for piece in built.to_yaml_pieces() {
                print!("{piece}");
            }
            ExitCode::SUCCESS
        }
        Err(findings) => {
            eprintln!("{findings}");
            ExitCode::FAILURE
        }
    }
}
