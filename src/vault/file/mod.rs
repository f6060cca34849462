//! The file of a `vault` phase: `kind: VaultBootstrap`.
//!
//! Flows in: one file and the tree that it lies in, from which it may name other files (policies).
//! Flows out: a [`Bootstrap`], or every error of the file at once, each with its place. It must never
//! hold a secret: it only says where secrets are to be found.

mod identity;
mod initial;
mod keys;
mod login;
mod mounts;
mod prune;
mod roles;
mod server;
mod spec;
mod system;

use trueup_manifest::{Diagnostic, Diagnostics, Tree, TreePath, nearest};
use trueup_yaml::{Document, Location, Source};

use super::{normal::normal, rules::Rules, wanted::Wanted};
use crate::config::{Decoder, Value};

pub use self::{
    initial::Sealed,
    keys::{KeysAt, Seal, Store},
    login::{Check, LoginAt, LoginBy},
    prune::Prune,
    server::{Address, PodsAt, Reference, SecretKey, Server, Tls, Via},
    spec::{BOOTSTRAP, RootToken},
};

/// What a file says.
#[derive(Clone, Debug)]
pub struct Bootstrap {
    /// Its name.
    pub name: String,
    /// How the servers are reached.
    pub server: Server,
    /// How it is initialised; none where that is left to others.
    pub init: Option<super::init::Init>,
    /// Where the keys are kept.
    pub keys: Option<KeysAt>,
    /// What becomes of the first token.
    pub root_token: RootToken,
    /// How trueup logs in on later runs.
    pub auth: Option<LoginAt>,
    /// What has to work once everything is configured.
    pub verify: Vec<Check>,
    /// A token that somebody gives, instead of one that the shares make.
    pub token: Option<Reference>,
    /// What is to be in the Vault, in the order in which it is brought about. Fields that hold secrets
    /// are in [`Self::secrets`].
    pub wanted: Vec<Wanted>,
    /// The secrets that its fields name: path, field, and where to find the text.
    pub secrets: Vec<(String, String, Reference)>,
    /// Files of the repository whose sealed content goes to a path.
    pub sealed: Vec<Sealed>,
    /// What happens to things that the file does not name.
    pub prune: Prune,
    /// Where it is written.
    pub location: Option<Location>,
}

impl Bootstrap {
    /// Whether it names anything that is in a cluster.
    pub fn needs_cluster(&self) -> bool {
        let keys = self.keys.as_ref();
        matches!(self.server.address, Address::Pods(_))
            || self.server.tls.ca_secret.is_some()
            || keys.is_some_and(|keys| matches!(keys.store, Store::Secret { .. }))
    }

    /// Everything that this file and another one of the same environment both claim.
    pub fn clashes(&self, first: &Self, phase: &str, first_phase: &str) -> Diagnostics {
        let mut findings = Diagnostics::new();
        let kept = |file: &Self| file.keys.as_ref().map(|keys| keys.store.describe());
        if kept(self).is_some() && kept(self) == kept(first) {
            findings.push(
                Diagnostic::error(
                    "vault/keys-twice",
                    format!(
                        "the phases `{first_phase}` and `{phase}` keep their keys in one place"
                    ),
                )
                .at(self.location.clone())
                .help("say all of it in one file, or give one of them a place of its own"),
            );
        }
        if !self.server.is_also(&first.server) {
            return findings;
        }
        for one in &self.wanted {
            let Some(other) = first.wanted.iter().find(|other| other.path == one.path) else {
                continue;
            };
            let at = other.location.as_ref().map(ToString::to_string);
            let message = format!(
                "`{}` is declared twice for one Vault, first in phase `{first_phase}` at {}",
                one.path,
                at.unwrap_or_default()
            );
            findings.push(
                Diagnostic::error("vault/declared-twice", message)
                    .at(one.location.clone())
                    .help("keep one of them"),
            );
        }
        findings
    }
}

/// Reads a file of a tree.
pub fn load(tree: &dyn Tree, path: &TreePath) -> Result<Bootstrap, Diagnostics> {
    let shown = tree.display(path);
    let bytes = tree.read(path).map_err(|error| {
        Diagnostics::from(Diagnostic::error(
            "vault/no-file",
            format!("`{shown}` cannot be read: {error}"),
        ))
    })?;
    let text = String::from_utf8(bytes.to_vec()).map_err(|_| {
        let message = format!("`{shown}` is not UTF-8 text");
        Diagnostics::from(Diagnostic::error("yaml/not-text", message))
    })?;
    let source = Source::new(shown, text);
    let documents = Document::parse(&source).map_err(|errors| {
        errors
            .into_iter()
            .map(Diagnostic::from)
            .collect::<Diagnostics>()
    })?;
    let [document] = documents.as_slice() else {
        let message = format!(
            "one document is expected here, but there are {}",
            documents.len()
        );
        return Err(Diagnostic::error("config/invalid-value", message).into());
    };
    let decoder = Decoder::new(document);
    let bootstrap = spec::decode(decoder.root("a VaultBootstrap"), tree);
    let findings = decoder.finish();
    match bootstrap {
        Some(bootstrap) if !findings.has_errors() => Ok(bootstrap),
        _ => Err(findings),
    }
}

/// A value as JSON, by the rules of YAML 1.2's core.
fn json(value: Value<'_>) -> Option<serde_json::Value> {
    let document = value.any();
    let mut text = String::new();
    let root = document.root();
    let _ = trueup_yaml::emit::json(&document, root, trueup_yaml::Schema::Kyaml, &mut text);
    serde_json::from_str(&text).ok()
}

/// The fields of one object: those of `rules`, by the names of today and in their one form. Older
/// names are taken; both names with different values are an error, and so is an unknown one.
fn data(
    value: Value<'_>,
    path: &str,
    rules: Option<&Rules>,
    secrets: &mut Vec<(String, String, Reference)>,
) -> Option<super::wanted::Data> {
    use super::normal::FieldKind;
    let mut data = super::wanted::Data::default();
    let mut sound = true;
    for (key, value) in value.entries()? {
        let name = rules.map_or(key.value.as_str(), |rules| rules.canonical(&key));
        if name == "allowReplace" {
            data.may_replace = value.bool().unwrap_or_default();
            continue;
        }
        let kind = match rules {
            None => FieldKind::Any,
            Some(rules) => {
                let Some(kind) = rules.field(name) else {
                    value.report(unknown(&key, rules));
                    sound = false;
                    continue;
                };
                kind
            }
        };
        if kind == FieldKind::WriteOnly {
            match server::reference(value) {
                Some(reference) => secrets.push((path.to_owned(), name.to_owned(), reference)),
                None => sound = false,
            }
            continue;
        }
        let Some(written) = json(value) else {
            sound = false;
            continue;
        };
        match normal(kind, &written) {
            Ok(value_now) => {
                let before = data
                    .fields
                    .insert(name.to_owned(), (kind, value_now.clone()));
                if before.is_some_and(|(_, before)| before != value_now) {
                    value.invalid(
                        format!(
                            "`{name}` has two values: `{}` is an older name of it",
                            key.value
                        ),
                        format!("keep `{name}` alone"),
                    );
                    sound = false;
                }
            }
            Err(expected) => {
                value.invalid(
                    format!("`{}` must be {expected}", key.value),
                    "see Vault's own documentation of this path",
                );
                sound = false;
            }
        }
    }
    data.rules = rules.copied();
    sound.then_some(data)
}

/// A name as one part of a path that stands for a thing here.
pub(super) fn in_path(name: &str) -> String {
    name.replace('%', "%25").replace('/', "%2F")
}

fn unknown(key: &crate::config::Spanned<String>, rules: &Rules) -> Diagnostic {
    let message = format!("`{}` is no parameter of this path", key.value);
    let diagnostic = Diagnostic::error("vault/unknown-parameter", message).at(key.location.clone());
    match nearest(key, rules.names()) {
        Some(near) => diagnostic.help(format!("did you mean `{near}`?")),
        None => diagnostic.help("Vault would take it without a word and forget it"),
    }
}
