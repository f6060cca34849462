//! What `benches/helm.sh` measures: `helm template NAME CHART --kube-version V` as `trueup` does it, without
//! the rest of `trueup`, and `releases N CHART`, which renders N releases of a chart in one process.

#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "it is a program for the command line"
)]

use std::process::ExitCode;

use trueup_helm::{Capabilities, Chart, Error, Overlay, Print, Request};
use trueup_manifest::{DiskTree, TreePath};

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let done = match args.as_slice() {
        ["helm", "template", name, chart, "--kube-version", version] => {
            load(chart).and_then(|chart| render(&chart, name, version))
        }
        ["releases", count, chart] => load(chart).and_then(|chart| {
            let count: usize = count.parse().unwrap_or(1);
            (1..=count).try_fold(String::new(), |_, n| {
                render(&chart, &format!("rel-{n}"), "1.33")
            })
        }),
        _ => {
            eprintln!("usage: template helm template NAME CHART --kube-version VERSION");
            return ExitCode::FAILURE;
        }
    };
    match done {
        Ok(text) => {
            print!("{text}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("Error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn load(folder: &str) -> Result<Chart, Error> {
    let tree = DiskTree::new(folder)?;
    trueup_helm::chart::load_dir(&tree, &TreePath::root())
}

fn render(chart: &Chart, name: &str, version: &str) -> Result<String, Error> {
    let overlay = Overlay::default();
    let capabilities = Capabilities::default().with_kube_version(version)?;
    let request = Request::new(chart, name, "default", &overlay, &capabilities);
    let release = request.render(&mut |path| Err(format!("no file `{path}`")))?;
    Ok(release.print(Print::default()))
}
