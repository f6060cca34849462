//! Goes through the values of a file in their order, opens those that are sealed, and computes the MAC.

use std::fmt::Write as _;

use serde_json::{Map, Value};
use sha2::{Digest, Sha256, Sha512};
use trueup_yaml::{Document, Kind, NodeId, Resolved, Schema};

use super::{
    Error, Form,
    cipher::{Cipher, Opened},
    metadata::Metadata,
};

/// One walk through all that one MAC is of.
pub(super) struct Walk<'a> {
    metadata: &'a Metadata,
    cipher: Cipher,
    mac: Sha512,
}

impl<'a> Walk<'a> {
    pub(super) fn new(metadata: &'a Metadata, key: &[u8]) -> Result<Self, Error> {
        let mut mac = Sha512::new();
        if metadata.mac_only_encrypted {
            // So that it differs from a MAC over everything; the digest of the name, as upstream has it.
            mac.update(Sha256::digest(b"sops"));
        }
        Ok(Self {
            metadata,
            cipher: Cipher::new(key)?,
            mac,
        })
    }

    /// A document in clear, without what SOPS wrote beside the values.
    pub(super) fn document(&mut self, document: &Document, form: Form) -> Result<Value, Error> {
        let mut path = Vec::new();
        let root = document.root();
        if document.kind(root) != Kind::Mapping {
            return Err(Error::NotSops("it is no mapping".to_owned()));
        }
        self.mapping(document, root, &mut path, form)
    }

    /// Lines in clear, as a mapping of texts.
    pub(super) fn lines(&mut self, lines: &[(String, String)]) -> Result<Value, Error> {
        let mut opened = Map::new();
        for (name, text) in lines {
            let value = self.leaf(Leaf::Text(text), std::slice::from_ref(name))?;
            opened.extend(value.map(|value| (name.clone(), value)));
        }
        Ok(Value::Object(opened))
    }

    /// Compares the MAC with the one that SOPS wrote.
    pub(super) fn finish(self) -> Result<(), Error> {
        let written = self
            .cipher
            .open(&self.metadata.mac, &self.metadata.last_modified);
        let mut computed = String::new();
        for byte in self.mac.finalize() {
            // Writing to a string cannot fail.
            let _ = write!(computed, "{byte:02X}");
        }
        match written {
            Some(written) if *written.text == computed.as_bytes() => Ok(()),
            _ => Err(Error::Mac),
        }
    }

    fn node(
        &mut self,
        document: &Document,
        node: NodeId,
        path: &mut Vec<String>,
        form: Form,
    ) -> Result<Option<Value>, Error> {
        let node = document.target(node);
        match document.kind(node) {
            Kind::Mapping => self.mapping(document, node, path, form).map(Some),
            // Where an item stands is not part of what it is bound to.
            Kind::Sequence => {
                let items = document.items(node);
                let items = items.map(|item| self.node(document, item, path, form));
                // A comment among items stands there as one of them.
                let items = items.filter(|item| !matches!(item, Ok(None)));
                let items: Result<Vec<Option<Value>>, Error> = items.collect();
                Ok(Some(items?.into_iter().flatten().collect()))
            }
            _ => self.leaf(Leaf::of(document, node, form)?, path),
        }
    }

    fn mapping(
        &mut self,
        document: &Document,
        mapping: NodeId,
        path: &mut Vec<String>,
        form: Form,
    ) -> Result<Value, Error> {
        let mut opened = Map::new();
        for (key, value) in document.entries(mapping) {
            let name = document.text(key).unwrap_or_default().to_owned();
            if path.is_empty() && name == "sops" {
                continue;
            }
            path.push(name.clone());
            let value = self.node(document, value, path, form)?;
            path.pop();
            opened.extend(value.map(|value| (name, value)));
        }
        Ok(Value::Object(opened))
    }

    /// A value in clear; none for a comment.
    fn leaf(&mut self, leaf: Leaf<'_>, path: &[String]) -> Result<Option<Value>, Error> {
        if matches!(leaf, Leaf::Null) {
            return Ok(Some(Value::Null));
        }
        let sealed = self.metadata.selection.takes(path);
        if !sealed {
            if !self.metadata.mac_only_encrypted {
                self.mac.update(leaf.bytes());
            }
            return Ok(Some(leaf.value()));
        }
        let unreadable = || Error::Value(path.join("."));
        let Leaf::Text(text) = leaf else {
            return Err(unreadable());
        };
        // An empty text is left as it is.
        if text.is_empty() {
            return Ok(Some(Value::String(String::new())));
        }
        let bound = path.join(":") + ":";
        let opened = self.cipher.open(text, &bound).ok_or_else(unreadable)?;
        if opened.kind == "comment" {
            return Ok(None);
        }
        let leaf = typed(&opened).ok_or_else(unreadable)?;
        self.mac.update(leaf.bytes());
        Ok(Some(leaf.value()))
    }
}

/// What a value was before it was sealed.
fn typed(opened: &Opened) -> Option<Leaf<'_>> {
    let text = std::str::from_utf8(&opened.text).ok()?;
    Some(match opened.kind.as_str() {
        "str" | "time" | "bytes" => Leaf::Text(text),
        "int" => Leaf::Int(text.parse().ok()?),
        "float" => Leaf::Float(text.parse().ok()?),
        "bool" => Leaf::Bool(match text {
            "1" | "t" | "T" | "true" | "TRUE" | "True" => true,
            "0" | "f" | "F" | "false" | "FALSE" | "False" => false,
            _ => return None,
        }),
        _ => return None,
    })
}

/// One value.
enum Leaf<'a> {
    Null,
    Text(&'a str),
    /// A time, in the form that it is hashed in.
    Time(String),
    Bool(bool),
    Int(i64),
    Float(f64),
}

impl<'a> Leaf<'a> {
    /// A value as it stands in a file.
    fn of(document: &'a Document, node: NodeId, form: Form) -> Result<Self, Error> {
        let schema = if form == Form::Json {
            Schema::Json
        } else {
            Schema::Kyaml
        };
        Ok(match document.resolve(node, schema) {
            Resolved::Null => Self::Null,
            Resolved::Bool(flag) => Self::Bool(flag),
            #[expect(
                clippy::cast_precision_loss,
                reason = "as Go reads the numbers of JSON"
            )]
            Resolved::Int(number) if form == Form::Json => Self::Float(number as f64),
            Resolved::Int(number) => Self::Int(number),
            Resolved::Float(number) => Self::Float(number),
            // Go prints it as RFC 3339, and so does the emitter that kustomize is read with.
            Resolved::Timestamp(_) => {
                let printed = document.to_json(node, schema);
                let printed = printed
                    .ok()
                    .and_then(|text| text.as_str().map(str::to_owned));
                Self::Time(printed.ok_or_else(|| Error::Unread("a time".to_owned()))?)
            }
            Resolved::Str(text) | Resolved::Binary(text) => Self::Text(text),
            Resolved::Uint(_) | Resolved::Merge => {
                return Err(Error::Unread(
                    "a number above 2⁶³, or a merge key,".to_owned(),
                ));
            }
        })
    }

    /// The bytes that the MAC is of.
    fn bytes(&self) -> Vec<u8> {
        match self {
            Self::Null => Vec::new(),
            Self::Text(text) => text.as_bytes().to_vec(),
            Self::Time(text) => text.as_bytes().to_vec(),
            Self::Bool(true) => b"True".to_vec(),
            Self::Bool(false) => b"False".to_vec(),
            Self::Int(number) => number.to_string().into_bytes(),
            Self::Float(number) => number.to_string().into_bytes(),
        }
    }

    fn value(self) -> Value {
        match self {
            Self::Null => Value::Null,
            Self::Text(text) => text.into(),
            Self::Time(text) => text.into(),
            Self::Bool(flag) => flag.into(),
            Self::Int(number) => number.into(),
            Self::Float(number) => whole(number).map_or_else(|| number.into(), Value::from),
        }
    }
}

/// A number without a fraction, which is one to whoever reads it.
fn whole(number: f64) -> Option<i64> {
    #[expect(
        clippy::cast_possible_truncation,
        reason = "compared with what it was before"
    )]
    let whole = number as i64;
    #[expect(
        clippy::cast_precision_loss,
        clippy::float_cmp,
        reason = "exact or not at all"
    )]
    let same = whole as f64 == number && number.abs() < 9_007_199_254_740_992.0;
    same.then_some(whole)
}
