//! Reads files that SOPS sealed: YAML, JSON and dotenv.
//!
//! Flows in: the text of a file and, for each of its parts, the key that its values are sealed with, which whoever asks
//! has opened with an age identity of theirs, or [`Keys`] with those of this machine. Flows out: its values in clear, once its MAC fits.
//! It must never give a value of a file that was changed without SOPS, nor say anything of what is sealed.
//!
//! The format is that of SOPS 3 (`sops.go`, `aes/cipher.go` and `stores/` of getsops/sops 3.13).

mod cipher;
mod dotenv;
mod keys;
mod metadata;
mod walk;

#[cfg(test)]
mod tests;

use serde_json::{Map, Value};
use trueup_yaml::{Document, Source};

pub use self::keys::{KeyError, Keys};
use self::metadata::Metadata;

/// How a file is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// YAML, of one or more documents.
    Yaml,
    /// JSON.
    Json,
    /// Lines of `NAME=value`.
    Dotenv,
}

impl Form {
    /// By the end of a file's name, as SOPS tells it; YAML where that says nothing.
    pub fn of_name(name: &str) -> Self {
        let end = name.rsplit('/').next().unwrap_or(name);
        match end.rsplit_once('.').map(|(_, end)| end) {
            Some("json") => Self::Json,
            Some("env") => Self::Dotenv,
            _ => Self::Yaml,
        }
    }
}

/// Why a file cannot be used. It holds nothing of what is sealed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// It cannot be read at all.
    #[error("it cannot be read: {0}")]
    Syntax(String),
    /// SOPS did not write it.
    #[error("it is no file of SOPS: {0}")]
    NotSops(String),
    /// It is sealed in a way that is not read here.
    #[error("{0} is not read here")]
    Unread(String),
    /// A value cannot be opened.
    #[error("the value at `{0}` cannot be opened")]
    Value(String),
    /// It is not as SOPS wrote it.
    #[error("its MAC does not fit: it was changed without SOPS")]
    Mac,
}

/// A sealed file.
pub struct File(Vec<Part>);

/// Documents that are sealed with one key.
pub struct Part {
    metadata: Metadata,
    content: Content,
}

enum Content {
    Documents(Vec<Document>, Form),
    Lines(Vec<(String, String)>),
}

impl File {
    /// Whether a text looks like one that SOPS sealed: it has what SOPS writes beside the values.
    pub fn is_sealed(text: &str, form: Form) -> bool {
        match form {
            Form::Dotenv => text.lines().any(|line| line.starts_with("sops_mac=")),
            Form::Yaml | Form::Json => documents(text).is_ok_and(|documents| {
                let mut documents = documents.iter();
                documents.any(|document| document.get(document.root(), "sops").is_some())
            }),
        }
    }

    /// Reads a file.
    pub fn parse(text: &str, form: Form) -> Result<Self, Error> {
        if form == Form::Dotenv {
            let (lines, metadata) = dotenv::split(text)?;
            let content = Content::Lines(lines);
            let metadata = Metadata::of(&metadata)?;
            return Ok(Self(vec![Part { metadata, content }]));
        }
        let mut parts: Vec<Part> = Vec::new();
        for document in documents(text)? {
            let metadata = document
                .get(document.root(), "sops")
                .ok_or_else(|| Error::NotSops("it has no `sops`".to_owned()))?;
            let metadata = document
                .to_json(metadata, trueup_yaml::Schema::Json)
                .map_err(|error| Error::NotSops(error.to_string()))?;
            let metadata = Metadata::of(&metadata)?;
            // SOPS writes the same beside each document of one file. Files of their own may be put together too.
            match parts.last_mut() {
                Some(Part {
                    metadata: last,
                    content: Content::Documents(documents, _),
                }) if last.mac == metadata.mac => documents.push(document),
                _ => parts.push(Part {
                    metadata,
                    content: Content::Documents(vec![document], form),
                }),
            }
        }
        if parts.is_empty() {
            return Err(Error::NotSops("it is empty".to_owned()));
        }
        Ok(Self(parts))
    }

    /// What is to be opened, each with a key of its own.
    pub fn parts(&self) -> &[Part] {
        &self.0
    }
}

fn documents(text: &str) -> Result<Vec<Document>, Error> {
    let source = Source::new("sealed", text.to_owned());
    Document::parse(&source).map_err(|errors| {
        // Only what is wrong: an excerpt would show what is beside.
        let first = errors.into_iter().next();
        Error::Syntax(first.map_or_else(String::new, |error| error.message().to_owned()))
    })
}

impl Part {
    /// The key, once for each age recipient, sealed and armoured: any one of them will do. None where it is sealed to
    /// others than age recipients.
    pub fn sealed_keys(&self) -> impl Iterator<Item = &str> {
        self.metadata.age.iter().map(String::as_str)
    }

    /// Its documents in clear, once the MAC fits.
    pub fn open(&self, key: &[u8]) -> Result<Vec<Value>, Error> {
        let mut walk = walk::Walk::new(&self.metadata, key)?;
        let opened = match &self.content {
            Content::Documents(documents, form) => documents
                .iter()
                .map(|document| walk.document(document, *form))
                .collect::<Result<_, _>>()?,
            Content::Lines(lines) => vec![walk.lines(lines)?],
        };
        walk.finish()?;
        Ok(opened)
    }

    /// A document in clear as two: what stands in clear in the file too, and what is sealed there. A list of which anything is
    /// sealed counts as sealed, as it has no meaning in parts.
    pub fn split(&self, document: Value) -> (Value, Value) {
        self.split_below(document, &mut Vec::new())
    }

    fn split_below(&self, value: Value, path: &mut Vec<String>) -> (Value, Value) {
        let Value::Object(entries) = value else {
            return if self.is_sealed(&value, path) {
                (Value::Null, value)
            } else {
                (value, Value::Null)
            };
        };
        let (mut clear, mut sealed) = (Map::new(), Map::new());
        for (name, value) in entries {
            path.push(name.clone());
            let is_sealed = self.is_sealed(&value, path);
            let parts = self.split_below(value, path);
            path.pop();
            // A mapping is in both where both have something of it.
            if !is_sealed || has_entries(&parts.0) {
                clear.insert(name.clone(), parts.0);
            }
            if is_sealed {
                sealed.insert(name, parts.1);
            }
        }
        (Value::Object(clear), Value::Object(sealed))
    }

    /// Whether any of a value is sealed.
    fn is_sealed(&self, value: &Value, path: &mut Vec<String>) -> bool {
        match value {
            Value::Null => false,
            Value::Array(items) => items.iter().any(|item| self.is_sealed(item, path)),
            Value::Object(entries) => entries.iter().any(|(name, value)| {
                path.push(name.clone());
                let sealed = self.is_sealed(value, path);
                path.pop();
                sealed
            }),
            _ => self.metadata.selection.takes(path),
        }
    }
}

fn has_entries(value: &Value) -> bool {
    value.as_object().is_some_and(|entries| !entries.is_empty())
}
