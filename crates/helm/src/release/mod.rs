//! What a chart renders to: objects and hooks in the order in which Helm installs them.
//!
//! Flows in: the rendered text of each template. Flows out: a [`Release`], and its text as
//! `helm template` prints it. It must never change a byte of an object's text.

mod order;
mod split;
#[cfg(test)]
mod tests;

use std::{borrow::Cow, collections::BTreeMap, fmt::Write as _, ops::Range};

pub use order::INSTALL_ORDER;
pub use split::split;

use crate::{chart::Crd, engine::Rendered, error::Error};

/// One object as a template printed it.
#[derive(Clone, Debug)]
pub struct Manifest {
    /// The template's path with the chart's: `web/templates/deployment.yaml`.
    pub path: String,
    /// The text, without the white space around it.
    pub content: String,
    /// The bytes of the text that are secret, in order.
    pub secrets: Vec<Range<usize>>,
    /// `kind`; empty where there is none.
    pub kind: String,
    /// `apiVersion`; empty where there is none.
    pub api_version: String,
    /// `metadata.name`; empty where there is none.
    pub name: String,
}

/// An object that belongs to an event of the release, not to its state.
#[derive(Clone, Debug)]
pub struct Hook {
    /// The object.
    pub manifest: Manifest,
    /// When it is run.
    pub events: Vec<Event>,
    /// Hooks of one event are run by weight, then by kind, then by name.
    pub weight: i64,
    /// When it is deleted; empty means before the next run of it.
    pub delete_policies: Vec<String>,
}

impl Hook {
    /// Whether it is a test, which no install or upgrade runs.
    pub fn is_test(&self) -> bool {
        self.events.contains(&Event::Test)
    }
}

/// When a hook is run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Event {
    /// `pre-install`.
    PreInstall,
    /// `post-install`.
    PostInstall,
    /// `pre-delete`.
    PreDelete,
    /// `post-delete`.
    PostDelete,
    /// `pre-upgrade`.
    PreUpgrade,
    /// `post-upgrade`.
    PostUpgrade,
    /// `pre-rollback`.
    PreRollback,
    /// `post-rollback`.
    PostRollback,
    /// `test`, or `test-success` of Helm 2.
    Test,
}

impl Event {
    fn parse(text: &str) -> Option<Self> {
        Some(match text {
            "pre-install" => Self::PreInstall,
            "post-install" => Self::PostInstall,
            "pre-delete" => Self::PreDelete,
            "post-delete" => Self::PostDelete,
            "pre-upgrade" => Self::PreUpgrade,
            "post-upgrade" => Self::PostUpgrade,
            "pre-rollback" => Self::PreRollback,
            "post-rollback" => Self::PostRollback,
            "test" | "test-success" => Self::Test,
            _ => return None,
        })
    }
}

/// All that a chart renders to.
#[derive(Clone, Debug, Default)]
pub struct Release {
    /// The files of `crds/`, which no template engine touches.
    pub crds: Vec<Crd>,
    /// The objects, in the order in which Helm installs them.
    pub manifests: Vec<Manifest>,
    /// The hooks, in the same order of kinds.
    pub hooks: Vec<Hook>,
    /// `NOTES.txt`, rendered.
    pub notes: String,
    /// What Helm would log, in its words.
    pub warnings: Vec<String>,
}

/// What of a release is printed.
#[derive(Clone, Copy, Debug, Default)]
pub struct Print {
    /// The files of `crds/`, first: `--include-crds`.
    pub crds: bool,
    /// No hooks at all: `--no-hooks`.
    pub no_hooks: bool,
    /// Hooks, but no tests: `--skip-tests`.
    pub skip_tests: bool,
}

/// All that templates printed, whatever it is.
fn print_raw(rendered: &BTreeMap<String, Rendered>) -> String {
    let mut out = String::new();
    let texts = rendered
        .iter()
        .map(|(path, rendered)| (path, &rendered.text));
    for (path, text) in texts.filter(|(_, text)| !text.trim().is_empty()) {
        // Writing to a string cannot fail.
        let _ = write!(out, "---\n# Source: {path}\n{text}\n");
    }
    out
}

/// A document with its head, in pieces.
fn document<'d>(path: &'d str, content: Cow<'d, str>) -> [Cow<'d, str>; 5] {
    let head = Cow::Borrowed("---\n# Source: ");
    [head, path.into(), "\n".into(), content, "\n".into()]
}

/// Takes the white space from the end of a text in pieces.
fn trim_end(pieces: &mut Vec<Cow<'_, str>>) {
    while let Some(last) = pieces.last_mut() {
        let length = split::go_trim_end(last).len();
        if length == last.len() {
            return;
        }
        if length > 0 {
            last.to_mut().truncate(length);
            return;
        }
        pieces.pop();
    }
}

impl Release {
    /// Takes the rendered templates by path: notes apart, partials and empty texts left out, the rest
    /// split into objects and put in order.
    pub(crate) fn assemble(
        &mut self,
        name: &str,
        mut rendered: BTreeMap<String, Rendered>,
        notes_of_all: bool,
    ) -> Result<(), Error> {
        let own = format!("{name}/templates/NOTES.txt");
        rendered.retain(|path, text| {
            let notes = path.ends_with("NOTES.txt");
            if notes && (notes_of_all || *path == own) {
                if !self.notes.is_empty() {
                    self.notes.push('\n');
                }
                self.notes.push_str(&text.text);
            }
            !notes
        });
        for (path, Rendered { text, secrets }) in &rendered {
            let base = path.rsplit('/').next().unwrap_or(path);
            if base.starts_with('_') || text.trim().is_empty() {
                continue;
            }
            for document in split(text) {
                let secrets = split::within(text, document, secrets);
                match split::Head::read(path, document) {
                    Ok(head) => self.add(path, document, head, secrets),
                    Err(error) => {
                        // The text around the place may be secret.
                        let error = if secrets.is_empty() {
                            error
                        } else {
                            error.without_texts()
                        };
                        return Err(error.with_rendered(print_raw(&rendered)));
                    }
                }
            }
        }
        self.manifests
            .sort_by(|a, b| order::compare(&a.kind, &b.kind));
        self.hooks
            .sort_by(|a, b| order::compare(&a.manifest.kind, &b.manifest.kind));
        Ok(())
    }

    fn add(&mut self, path: &str, document: &str, head: split::Head, secrets: Vec<Range<usize>>) {
        let manifest = Manifest {
            path: path.to_owned(),
            content: document.to_owned(),
            secrets,
            kind: head.kind,
            api_version: head.api_version,
            name: head.name,
        };
        let Some(hook) = head.annotations.get("helm.sh/hook") else {
            self.manifests.push(manifest);
            return;
        };
        let events: Option<Vec<Event>> = hook
            .split(',')
            .map(|event| Event::parse(&event.trim().to_lowercase()))
            .collect();
        let Some(events) = events else {
            let hook = crate::go::quote(hook);
            self.warnings
                .push(format!("info: skipping unknown hook: {hook}"));
            return;
        };
        let weight = head.annotations.get("helm.sh/hook-weight");
        self.hooks.push(Hook {
            manifest,
            events,
            weight: weight.and_then(|text| text.parse().ok()).unwrap_or(0),
            delete_policies: head
                .annotations
                .get("helm.sh/hook-delete-policy")
                .map(|text| {
                    text.split(',')
                        .map(|one| one.trim().to_lowercase())
                        .collect()
                })
                .unwrap_or_default(),
        });
    }

    /// The release as `helm template` prints it.
    pub fn print(&self, what: Print) -> String {
        self.pieces(what).concat()
    }

    /// What [`print`](Self::print) gives, in pieces to be written one after the other: large releases are not copied.
    pub fn pieces(&self, what: Print) -> Vec<Cow<'_, str>> {
        let mut pieces = Vec::new();
        if what.crds {
            for crd in &self.crds {
                pieces.extend(document(&crd.path, crd.file.text()));
            }
        }
        for Manifest { path, content, .. } in &self.manifests {
            pieces.extend(document(path, content.into()));
        }
        trim_end(&mut pieces);
        pieces.push("\n".into());
        let hooks = self.hooks.iter().filter(|hook| {
            let is_left_out = what.no_hooks || what.skip_tests && hook.is_test();
            !is_left_out
        });
        for hook in hooks {
            let Manifest { path, content, .. } = &hook.manifest;
            pieces.extend(document(path, content.into()));
        }
        pieces
    }

    /// Of a printed release only what some templates printed: `--show-only`, whose patterns are
    /// relative to the chart.
    pub fn show_only(printed: &str, patterns: &[String]) -> Result<String, Error> {
        let documents = split(printed);
        let mut out = String::new();
        for pattern in patterns {
            let mut found = false;
            for document in &documents {
                let matches = split::source(document)
                    .is_some_and(|path| crate::chart::matches(pattern, path));
                if matches {
                    found = true;
                    let _ = write!(out, "---\n{document}\n");
                }
            }
            if !found {
                return Err(Error::new(
                    "helm/no-template",
                    format!("could not find template {pattern} in chart"),
                )
                .help("name a template as in `# Source:`, without the chart's name"));
            }
        }
        Ok(out)
    }
}
