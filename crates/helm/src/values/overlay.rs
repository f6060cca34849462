//! What a user sets over a chart's defaults: values files, then `--set` and its siblings.

use std::fmt;

use trueup_gotemplate::{Map, Str, Value};

use super::Values;
use crate::{draws, error::Error, strvals};

/// Reads the file of a `--set-file` expression.
pub type SetFile<'r> = &'r mut dyn FnMut(&str) -> Result<Vec<u8>, String>;

/// Values files and expressions, in the order of each kind. Kinds apply in the order of the fields, as in
/// Helm, whatever their order on the command line.
#[derive(Clone, Debug, Default)]
pub struct Overlay {
    /// `--values`: later ones win.
    pub files: Vec<Values>,
    /// `--set-json`.
    pub json: Vec<String>,
    /// `--set`.
    pub set: Vec<String>,
    /// `--set-string`.
    pub strings: Vec<String>,
    /// `--set-file`.
    pub set_files: Vec<String>,
    /// `--set-literal`.
    pub literals: Vec<String>,
    /// Texts from elsewhere, which win over all.
    pub secrets: Vec<Secret>,
}

/// A text that a value is set to, whatever it looks like. Its `Debug` shows none of it.
#[derive(Clone)]
pub struct Secret {
    /// Where it goes: `hub.config.Auth0OAuthenticator.client_secret`; empty where its text is a mapping of values.
    pub path: String,
    /// The text.
    pub text: String,
    /// Whether it is a secret: then all that comes of it is marked.
    pub hidden: bool,
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Secret({})", self.path)
    }
}

impl Overlay {
    /// All in one map.
    pub fn merged(&self, read: SetFile<'_>) -> Result<Map, Error> {
        let mut base = Map::new();
        for file in &self.files {
            base = over(&base, &file.fresh());
        }
        for text in &self.json {
            apply_json(text, &base)?;
        }
        for text in &self.set {
            wrap("--set", strvals::parse(text, &base))?;
        }
        for text in &self.strings {
            wrap("--set-string", strvals::parse_string(text, &base))?;
        }
        for text in &self.set_files {
            let parsed = strvals::parse_file(text, &base, &mut |path| {
                read(path).map(|bytes| Value::Str(trueup_gotemplate::Str::from_bytes(bytes)))
            });
            wrap("--set-file", parsed)?;
        }
        for text in &self.literals {
            wrap("--set-literal", strvals::parse_literal(text, &base))?;
        }
        for secret in &self.secrets {
            base = secret.over(&base)?;
        }
        Ok(base)
    }

    /// Whether some of the values are secret.
    pub fn has_secrets(&self) -> bool {
        self.secrets.iter().any(|secret| secret.hidden)
    }
}

impl Secret {
    fn over(&self, base: &Map) -> Result<Map, Error> {
        if self.path.is_empty() {
            // No word of the text may get into an error.
            let values = Values::parse("a secret", self.text.as_bytes()).map_err(|_| {
                Error::new("helm/secret-values", "a secret that should hold values holds no mapping")
                    .help("it must be YAML or JSON, as a values file is; or set one value by `targetPath`")
            })?;
            let fresh = Value::Map(values.fresh());
            let marked = if self.hidden {
                draws::all_secret(&fresh)
            } else {
                fresh
            };
            return Ok(match marked {
                Value::Map(marked) => over(base, &marked),
                _ => base.clone(),
            });
        }
        // The grammar of `--set` puts a stand-in there, which no text can be mistaken for.
        wrap(
            "targetPath",
            strvals::parse_file(&format!("{}=secret", self.path), base, &mut |_| {
                Ok(Value::Str(if self.hidden {
                    Str::secret(self.text.as_str())
                } else {
                    Str::from(self.text.as_str())
                }))
            }),
        )?;
        Ok(base.clone())
    }
}

fn apply_json(text: &str, base: &Map) -> Result<(), Error> {
    strvals::parse_json(text, base).map_err(|reason| {
        Error::new("helm/set", format!("failed parsing --set-json data {text}"))
            .help(format!("{reason}; write `--set-json 'key=JSON'`"))
    })
}

fn wrap(flag: &str, parsed: Result<(), String>) -> Result<(), Error> {
    parsed.map_err(|reason| {
        Error::new("helm/set", format!("failed parsing {flag} data: {reason}"))
            .help("a `,` in a value is written `\\,`, a `.` in a key `\\.`")
    })
}

/// `mergeMaps` of Helm: tables are merged, everything else of the upper one wins, nulls included.
fn over(base: &Map, upper: &Map) -> Map {
    let out = base.copy();
    for (key, value) in upper.entries() {
        let merged = match (&value, out.get(&key.to_text())) {
            (Value::Map(upper), Some(Value::Map(base))) => Value::Map(over(&base, upper)),
            _ => value,
        };
        out.insert(key, merged);
    }
    out
}
