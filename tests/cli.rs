//! The command line as a person or a script meets it: the built binary, run.

#[path = "cli/check.rs"]
mod check;
#[path = "cli/general.rs"]
mod general;
#[cfg(test)]
#[path = "config/page.rs"]
mod page;
#[path = "cli/render.rs"]
mod render;
#[cfg(test)]
#[path = "cli/run.rs"]
mod run;
