//! The command line as a person or a script meets it: the built binary, run.

#[path = "cli/blame.rs"]
mod blame;
#[cfg(test)]
#[path = "cli/charts.rs"]
mod charts;
#[path = "cli/check.rs"]
mod check;
#[cfg(test)]
#[path = "cli/cluster.rs"]
mod cluster;
#[path = "cli/diff.rs"]
mod diff;
#[cfg(test)]
#[path = "cli/fix.rs"]
mod fix;
#[cfg(test)]
#[path = "cli/functions.rs"]
mod functions;
#[path = "cli/general.rs"]
mod general;
#[path = "cli/kustomize.rs"]
mod kustomize;
#[cfg(test)]
#[path = "config/page.rs"]
mod page;
#[cfg(test)]
#[path = "cli/remote.rs"]
mod remote;
#[path = "cli/render.rs"]
mod render;
#[cfg(test)]
#[path = "cli/run.rs"]
mod run;
