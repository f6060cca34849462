//! `.Files`.

use std::{
    any::Any,
    borrow::Cow,
    sync::{Arc, OnceLock},
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use trueup_gotemplate::{Call, Error, Kind, List, Map, Object, Signature, Str, Type, Value};
use trueup_yaml::{Document, emit};

use super::glob::Glob;
use crate::chart::{Data, File};

/// The files of a chart as its templates see them.
pub(crate) fn files(files: &[File]) -> Value {
    let mut files: Vec<File> = files.to_vec();
    files.sort_by(|a, b| a.name.cmp(&b.name));
    Value::object(Files::new(files.into()))
}

/// `engine.files`, which is a `map[string][]byte` with methods.
struct Files {
    files: Arc<[File]>,
    /// As a plain map, once something asked for it.
    plain: OnceLock<Map>,
}

impl Files {
    fn new(files: Arc<[File]>) -> Self {
        Self {
            files,
            plain: OnceLock::new(),
        }
    }

    fn find(&self, name: &str) -> Data {
        let file = self.files.iter().find(|file| &*file.name == name);
        file.map(|file| file.data.clone()).unwrap_or_default()
    }

    fn glob(&self, pattern: &str) -> Self {
        // Helm takes all where the pattern cannot be read.
        let glob = Glob::parse(pattern);
        Self::new(
            self.files
                .iter()
                .filter(|file| glob.as_ref().is_none_or(|glob| glob.matches(&file.name)))
                .cloned()
                .collect(),
        )
    }

    /// A YAML mapping from file names without folders to what `show` makes of the content; of files of one name
    /// the last wins.
    fn yaml(&self, show: impl Fn(&Data) -> Str) -> Value {
        let entries = self.files.iter().map(|file| {
            let base = file.name.rsplit('/').next().unwrap_or(&file.name);
            (Str::from(base), Value::Str(show(&file.data)))
        });
        let map: Map = entries.collect();
        let mut doc = Document::empty_mapping();
        let root = doc.root();
        for (key, value) in map.entries() {
            let text = value.as_str().map(Str::to_text).unwrap_or_default();
            let node = doc.new_str(&text);
            doc.set(root, &key.to_text(), node);
        }
        let mut out = String::new();
        match emit::sigs(&doc, root, &mut out) {
            Ok(()) => Value::from(out.strip_suffix('\n').unwrap_or(&out)),
            // As `toYaml`: what cannot be printed is nothing.
            Err(_) => Value::from(""),
        }
    }
}

const TEXT: Signature = Signature::of(&[Type::String]);
const NONE: Signature = Signature::of(&[]);

impl Object for Files {
    fn type_name(&self) -> Cow<'static, str> {
        "engine.files".into()
    }

    fn kind(&self) -> Kind {
        Kind::Map
    }

    fn underlying(&self) -> Option<Value> {
        let plain = self.plain.get_or_init(|| {
            let entries = self
                .files
                .iter()
                .map(|file| (Str::from(&*file.name), Value::bytes(file.data.to_vec())));
            Map::typed(Type::BYTES, entries.collect())
        });
        Some(Value::Map(plain.clone()))
    }

    fn with_underlying(&self, value: Value) -> Option<Value> {
        let Value::Map(map) = value else {
            return None;
        };
        let files = map.entries().into_iter().map(|(name, data)| {
            let data = match &data {
                Value::Bytes(data) => data.as_bytes().into(),
                _ => Data::default(),
            };
            let name = name.to_text().into();
            File { name, data }
        });
        Some(Value::object(Self::new(files.collect())))
    }

    fn method(&self, name: &str) -> Option<Signature> {
        match name {
            "Get" | "GetBytes" | "Glob" | "Lines" => Some(TEXT),
            "AsConfig" | "AsSecrets" => Some(NONE),
            _ => None,
        }
    }

    fn call(&self, name: &str, call: &mut Call<'_, '_>) -> Result<Value, Error> {
        let text = call.text(0);
        Ok(match name {
            "Get" => Value::Str(self.find(&text).to_str()),
            "GetBytes" => Value::bytes(self.find(&text).to_vec()),
            "Glob" => Value::object(self.glob(&text)),
            "Lines" => {
                let whole = self.find(&text);
                let data = whole.strip_suffix(b"\n").unwrap_or(&whole);
                let lines: Vec<Value> = if whole.is_empty() {
                    Vec::new()
                } else {
                    data.split(|byte| *byte == b'\n')
                        .map(|line| Value::Str(Str::from_bytes(line.to_vec())))
                        .collect()
                };
                Value::List(List::typed(Type::String, lines))
            }
            "AsConfig" => self.yaml(Data::to_str),
            "AsSecrets" => self.yaml(|data| Str::from(STANDARD.encode(&**data))),
            _ => return Err(Error::new(format!("no method `{name}`"))),
        })
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}
