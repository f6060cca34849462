//! What a user sets over a chart's defaults: values files, then `--set` and its siblings.

use trueup_gotemplate::{Map, Value};

use super::Values;
use crate::{error::Error, strvals};

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
        Ok(base)
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
