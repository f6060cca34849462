//! What `benches/helm.sh` measures: `helm template NAME CHART` as `trueup` does it, without the rest of
//! `trueup`, and `releases N CHART`, which renders N releases of a chart in one process.

#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "it is a program for the command line"
)]

use std::{mem::ManuallyDrop, process::ExitCode};

use trueup_helm::{Capabilities, Chart, Error, Overlay, Print, Request, Values};
use trueup_manifest::{DiskTree, TreePath};

/// The flags that it knows, with `helm`'s defaults.
struct Flags {
    namespace: String,
    kube_version: Option<String>,
    values: Vec<String>,
}

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let done = match args.as_slice() {
        ["helm", "template", name, chart, rest @ ..] => match flags(rest) {
            Some(flags) => {
                // As `trueup` does it: the process ends with this.
                load(chart).and_then(|chart| render(&ManuallyDrop::new(chart), name, &flags))
            }
            None => return usage(),
        },
        ["releases", count, chart, rest @ ..] => match flags(rest) {
            Some(flags) => load(chart).and_then(|chart| {
                let count: usize = count.parse().unwrap_or(1);
                (1..=count).try_fold(String::new(), |_, n| {
                    render(&chart, &format!("rel-{n}"), &flags)
                })
            }),
            None => return usage(),
        },
        _ => return usage(),
    };
    match done {
        Ok(text) => {
            print!("{text}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            let hint = if error.is_in_render() {
                "\n\nUse --debug flag to render out invalid YAML"
            } else {
                ""
            };
            eprintln!("Error: {}{hint}", error.text().trim_end());
            ExitCode::FAILURE
        }
    }
}

fn usage() -> ExitCode {
    eprintln!(
        "usage: template helm template NAME CHART [--namespace N] [--kube-version V] [--values FILE]…\n       \
         template releases COUNT CHART [the same flags]"
    );
    ExitCode::FAILURE
}

fn flags(mut rest: &[&str]) -> Option<Flags> {
    let mut flags = Flags {
        namespace: "default".to_owned(),
        kube_version: None,
        values: Vec::new(),
    };
    while let [flag, value, more @ ..] = rest {
        match *flag {
            "--namespace" => (*value).clone_into(&mut flags.namespace),
            "--kube-version" => flags.kube_version = Some((*value).to_owned()),
            "--values" => flags.values.push((*value).to_owned()),
            _ => return None,
        }
        rest = more;
    }
    rest.is_empty().then_some(flags)
}

fn load(folder: &str) -> Result<Chart, Error> {
    let tree = DiskTree::new(folder)?;
    trueup_helm::chart::load_dir(&tree, &TreePath::root())
}

fn render(chart: &Chart, name: &str, flags: &Flags) -> Result<String, Error> {
    let mut overlay = Overlay::default();
    for file in &flags.values {
        let data = std::fs::read(file)
            .map_err(|error| Error::new("helm/values", format!("open {file}: {error}")))?;
        let values = Values::parse(file, &data)
            .map_err(|error| error.wrap(&format!("failed to parse {file}")))?;
        overlay.files.push(values);
    }
    let mut capabilities = Capabilities::default();
    if let Some(version) = &flags.kube_version {
        capabilities = capabilities.with_kube_version(version)?;
    }
    let request = Request::new(chart, name, &flags.namespace, &overlay, &capabilities);
    let release = request.render(&mut |path| Err(format!("no file `{path}`")))?;
    Ok(release.print(Print::default()))
}
