//! The values of a phase: files, what is written inline, and what Secrets and ConfigMaps of the cluster, Vaults and sealed
//! files hold.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::Value;
use trueup_helm::{Overlay, Secret, Values};
use trueup_manifest::{Diagnostic, Diagnostics, Tree, TreePath};

use super::{Asked, DEFAULT_NAMESPACE, Hidden, absent, placed, substitute};
use crate::{
    config::{Helm, ValuesFrom, ValuesHolder, Variables},
    render::{
        asked::{VaultPath, Wanted, as_text, texts_of},
        supplied::STAND_IN,
    },
    sops::{Form, Keys},
};

/// What is set over a chart's values.
#[derive(Default)]
pub(super) struct Gathered {
    pub(super) overlay: Overlay,
    /// The secrets among them.
    pub(super) hidden: Hidden,
    pub(super) warnings: Vec<Diagnostic>,
    /// Why some cannot be had for now.
    pub(super) unavailable: Vec<Diagnostic>,
    /// Whether some of a Vault are not known yet.
    pub(super) waits: bool,
}

pub(super) fn gather(
    tree: &dyn Tree,
    helm: &Helm,
    variables: &Variables,
    namespace: Option<&str>,
    asked: &Asked,
    keys: Option<&Keys>,
) -> Result<Gathered, Diagnostics> {
    let mut findings = Diagnostics::new();
    let mut gathered = Gathered::default();
    for path in &helm.values {
        if tree.entry(path).map_err(Diagnostic::from)?.is_none() {
            findings.push(absent(tree, path));
            continue;
        }
        let data = tree.read(path).map_err(Diagnostic::from)?;
        let values = Values::parse(&tree.display(path), &data);
        let values = findings.keep(values.map_err(|error| placed(error, path)));
        gathered.overlay.files.extend(values);
    }
    if let Some(inline) = &helm.inline {
        let mut document = inline.value.clone();
        if findings
            .keep(substitute::document(&mut document, variables))
            .is_some()
        {
            let values = Values::of_document(document).map_err(|error| placed(error, inline));
            gathered.overlay.files.extend(findings.keep(values));
        }
    }
    for from in &helm.values_from {
        let namespace = match &from.namespace {
            Some(namespace) => findings.keep(substitute::text(namespace, variables)),
            None => namespace.map(str::to_owned),
        };
        let namespace = namespace.unwrap_or_else(|| DEFAULT_NAMESPACE.to_owned());
        if from.holder == ValuesHolder::Vault {
            gathered.take_of_vault(from, asked);
            continue;
        }
        if from.holder == ValuesHolder::Sops {
            let taken = gathered.take_of_file(from, tree, asked, keys);
            findings.extend(taken.err());
            continue;
        }
        if let Err(finding) = gathered.take(from, &namespace, asked) {
            findings.push(finding);
        }
    }
    findings.into_result(gathered)
}

impl Gathered {
    fn take(
        &mut self,
        from: &ValuesFrom,
        namespace: &str,
        asked: &Asked,
    ) -> Result<(), Diagnostic> {
        let kind = from.holder.kind();
        let shown = format!("`{kind} {namespace}/{}`", from.name);
        let found = asked.object(Wanted {
            api_version: "v1".to_owned(),
            kind: kind.to_owned(),
            namespace: namespace.to_owned(),
            name: from.name.value.clone(),
        });
        let path = from.target_path.as_ref().map_or("", |path| &path.value);
        let key = from.key.as_ref().map_or("values.yaml", |key| &key.value);
        if !asked.is_online() {
            self.stand_in(
                from,
                &format!("{shown} is not read, as no cluster is asked"),
            );
            return Ok(());
        }
        if asked.has_questions() {
            // It will be rendered again once everything is known.
            return Ok(());
        }
        match found.as_ref().and_then(|object| held(object, key)) {
            Some(text) => {
                if from.holder.is_secret() {
                    self.hidden.add(&text);
                }
                self.set(from, path, text);
                Ok(())
            }
            None if from.optional => Ok(()),
            None => {
                let message = if found.is_none() {
                    format!("{shown} is not there")
                } else {
                    format!("{shown} has no text at the key `{key}`")
                };
                Err(Diagnostic::error("helm/values-from", message)
                    .at(from.name.location.clone())
                    .help("create it before, in an environment of its own or by hand; or set `optional: true`"))
            }
        }
    }

    /// Takes what a Vault holds. What is not there may be put there by a phase before this one, so that it is no
    /// fault of the files.
    fn take_of_vault(&mut self, from: &ValuesFrom, asked: &Asked) {
        let phase = from.vault.phase();
        let shown = format!("`{}` of the Vault of phase `{phase}`", from.name);
        if !asked.is_online() {
            self.stand_in(from, &format!("{shown} is not read, as no Vault is asked"));
            return;
        }
        let answer = asked.value(VaultPath {
            phase: phase.to_owned(),
            path: from.name.value.clone(),
        });
        let Some(answer) = answer else {
            self.waits = true;
            return;
        };
        for text in answer.texts() {
            self.hidden.add(&text);
        }
        let key = from.key.as_ref().map(|key| key.value.as_str());
        let path = from.target_path.as_ref().map_or("", |path| &path.value);
        if let Some(text) = answer.text(key) {
            self.set(from, path, text);
        } else {
            let missing = answer.missing(&shown, key, from.optional);
            let missing = missing.map(|why| why.at(from.name.location.clone()));
            self.unavailable.extend(missing);
        }
    }

    /// Takes what a sealed file holds.
    fn take_of_file(
        &mut self,
        from: &ValuesFrom,
        tree: &dyn Tree,
        asked: &Asked,
        keys: Option<&Keys>,
    ) -> Result<(), Diagnostic> {
        let shown = format!("`{}`", from.name);
        let fail = |message: String| {
            Diagnostic::error("helm/values-from", message).at(from.name.location.clone())
        };
        let file = TreePath::new(&from.name.value)?;
        if tree.entry(&file)?.is_none() {
            if from.optional {
                return Ok(());
            }
            return Err(fail(format!("{shown} is not there")).help("name a file of the repository"));
        }
        let (true, Some(keys)) = (asked.is_online(), keys) else {
            self.stand_in(
                from,
                &format!("{shown} is not opened, as no cluster is asked"),
            );
            return Ok(());
        };
        let text = tree.read_text(&file)?;
        let opened = keys.open(&text, Form::of_name(&from.name.value));
        let (clear, sealed) = opened
            .map_err(|error| fail(format!("{shown} cannot be used: {error}")).help(error.help()))?;
        for text in texts_of(&sealed) {
            self.hidden.add(&text);
        }
        let at_key = |all: &Value| match &from.key {
            Some(key) => all.get(&key.value).cloned(),
            None => Some(all.clone()),
        };
        let parts = [(at_key(&clear), false), (at_key(&sealed), true)];
        let path = from.target_path.as_ref().map_or("", |path| &path.value);
        let mut found = false;
        for (value, hidden) in parts {
            let Some(value) = value.filter(|value| !value.is_null()) else {
                continue;
            };
            found = true;
            if value.is_object() && !path.is_empty() {
                return Err(fail(format!("{shown} holds no text there")).help(
                    "name the `key` of a text, or remove `targetPath` to take all values below",
                ));
            }
            self.overlay.secrets.push(Secret {
                path: path.to_owned(),
                text: as_text(&value),
                hidden,
            });
        }
        match &from.key {
            Some(key) if !found && !from.optional => {
                Err(fail(format!("{shown} has no `{}` at its top", key.value))
                    .help("name a key of the file, or set `optional: true`"))
            }
            _ => Ok(()),
        }
    }

    /// Puts something in place of a secret that nobody is asked for.
    fn stand_in(&mut self, from: &ValuesFrom, message: &str) {
        let path = from.target_path.as_ref().map_or("", |path| &path.value);
        let help = if path.is_empty() {
            "its values are left out".to_owned()
        } else {
            format!("`{STAND_IN}` stands at `{path}`")
        };
        self.warnings.push(
            Diagnostic::warning("helm/values-from", message)
                .at(from.name.location.clone())
                .help(help),
        );
        if !path.is_empty() {
            self.set(from, path, STAND_IN.to_owned());
        }
    }

    /// Sets a text over all other values. What a ConfigMap holds is handled alike; only it is not hidden.
    fn set(&mut self, from: &ValuesFrom, path: &str, text: String) {
        let path = path.to_owned();
        if path.is_empty() && from.holder.is_secret() {
            self.hide_values(&text);
        }
        self.overlay.secrets.push(Secret {
            path,
            text,
            hidden: from.holder.is_secret(),
        });
    }

    /// Hides each value of a text that is a mapping of values.
    fn hide_values(&mut self, text: &str) {
        let Ok(values) = Values::parse("a secret", text.as_bytes()) else {
            return;
        };
        if let Some(document) = values.document() {
            hide_scalars(document, document.root(), &mut self.hidden);
        }
    }
}

fn hide_scalars(document: &trueup_yaml::Document, node: trueup_yaml::NodeId, hidden: &mut Hidden) {
    for (_, value) in document.entries(node) {
        hide_scalars(document, value, hidden);
    }
    for item in document.items(node) {
        hide_scalars(document, item, hidden);
    }
    if let Some(text) = document.text(node) {
        hidden.add(text);
    }
}

/// What an object holds at a key.
fn held(object: &Value, key: &str) -> Option<String> {
    let text = object.get("data")?.get(key)?.as_str()?;
    if object.get("kind").and_then(Value::as_str) == Some("Secret") {
        return String::from_utf8(STANDARD.decode(text).ok()?).ok();
    }
    Some(text.to_owned())
}
