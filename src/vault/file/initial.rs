//! `spec.initialValues`: secrets that are put into a KV engine once.

use std::collections::BTreeMap;

use serde_json::Value as Json;
use trueup_manifest::Tree;
use trueup_yaml::{Document, Kind, Source};

use super::{Reference, mounts::sound_path, roles, server};
use crate::{
    config::{Field, Shape, Type, Value},
    sops::{File, Form},
    source::Secret,
    vault::{
        error::{ErrorKind, VaultError},
        normal::FieldKind,
        sealer::Sealer,
        wanted::{Class, Data, Wanted, What},
    },
};

/// A sealed file whose content goes to a path.
#[derive(Clone, Debug)]
pub struct Sealed {
    /// The path.
    pub path: String,
    /// The file, for people.
    pub file: String,
    /// What is in it, as it is in the repository.
    pub bytes: Vec<u8>,
    /// How it is sealed.
    pub format: Format,
}

impl Sealed {
    /// The values by their names. Nothing of what is inside is in an error.
    pub(in crate::vault) async fn open(
        &self,
        sealer: Option<&Sealer>,
    ) -> Result<BTreeMap<String, Secret>, VaultError> {
        let failed = |why: &str| {
            VaultError::new(
                ErrorKind::Keys,
                format!("`{}` cannot be used: {why}", self.file),
            )
        };
        let sealer = sealer.filter(|sealer| sealer.opens()).ok_or_else(|| {
            failed("there is no age identity here").help("name it in `keys.identityFrom`")
        })?;
        match self.format {
            Format::Age => {
                let clear = sealer.open(&self.bytes).await.map_err(|_| {
                    failed("the age identity of `keys.identityFrom` does not open it")
                })?;
                let text = std::str::from_utf8(&clear).map_err(|_| failed("it holds no text"))?;
                values(text)
            }
            Format::Sops(form) => {
                let opened = of_sops(&self.bytes, form, sealer).await;
                texts(&opened.map_err(|why| failed(&why))?)
            }
        }
        .ok_or_else(|| failed("what is in it is no mapping of names to texts"))
    }
}

/// What SOPS sealed, its MAC verified.
async fn of_sops(bytes: &[u8], form: Form, sealer: &Sealer) -> Result<Json, String> {
    let text = std::str::from_utf8(bytes).map_err(|_| "it holds no text".to_owned())?;
    let file = File::parse(text, form).map_err(|error| error.to_string())?;
    let [part] = file.parts() else {
        return Err("it is of several files".to_owned());
    };
    if part.sealed_keys().next().is_none() {
        return Err("it is sealed to no age recipient".to_owned());
    }
    for sealed in part.sealed_keys() {
        let Ok(key) = sealer.open(sealed.as_bytes()).await else {
            continue;
        };
        let mut documents = part.open(&key).map_err(|error| error.to_string())?;
        return match (documents.pop(), documents.is_empty()) {
            (Some(document), true) => Ok(document),
            _ => Err("it has several documents".to_owned()),
        };
    }
    Err("the age identity of `keys.identityFrom` is that of none of its recipients".to_owned())
}

/// The texts of a mapping of scalars.
fn texts(value: &Json) -> Option<BTreeMap<String, Secret>> {
    let entries = value.as_object()?.iter();
    let entries = entries.map(|(name, value)| {
        let text = match value {
            Json::String(text) => text.clone(),
            Json::Bool(flag) => flag.to_string(),
            Json::Number(number) => number.to_string(),
            _ => return None,
        };
        Some((name.clone(), Secret::new(text)))
    });
    entries.collect()
}

/// The texts of a mapping.
fn values(text: &str) -> Option<BTreeMap<String, Secret>> {
    let source = Source::new("sealed", text.to_owned());
    let documents = Document::parse(&source).ok()?;
    let [document] = documents.as_slice() else {
        return None;
    };
    let root = document.root();
    if document.kind(root) != Kind::Mapping {
        return None;
    }
    document
        .entries(root)
        .map(|(name, value)| {
            let scalar = document.kind(value) == Kind::Scalar;
            let text = document.text(value).filter(|_| scalar)?;
            Some((document.text(name)?.to_owned(), Secret::new(text)))
        })
        .collect()
}

/// How a file is sealed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// By age as a whole: a mapping of names to texts, in YAML or JSON.
    Age,
    /// By SOPS, value by value.
    Sops(Form),
}

pub(super) const INITIAL: Shape = Shape {
    name: "an initial value",
    title: "InitialValue",
    about: "A secret that is put into a KV engine once. Where something is at its path, whatever it is, it \
            stays; a value is never compared, never changed and never deleted.",
    fields: &[
        Field::default(
            "mount",
            Type::Text("the path of a KV engine"),
            "secret",
            "Where the engine is.",
        ),
        Field::required("path", Type::Text("a path"), "The path in it."),
        Field::default(
            "data",
            Type::Map(&Type::Shape(&server::REFERENCE)),
            "{}",
            "The values by their names, each from where it is found.",
        ),
        Field::optional(
            "dataFrom",
            Type::Shape(&DATA_FROM),
            "A sealed file with values by their names.",
        ),
    ],
    one_of: &[],
    example: "{path: jupyterhub/auth0, dataFrom: {sops: secrets/auth0.enc.yaml}}",
};

pub(super) const DATA_FROM: Shape = Shape {
    name: "`dataFrom`",
    title: "DataFrom",
    about: "A sealed file of the repository. The identity in `keys.identityFrom` opens it.",
    fields: &[
        Field::optional(
            "age",
            Type::Path,
            "A file that is sealed by age as a whole: a mapping of names to texts, in YAML or JSON.",
        ),
        Field::optional(
            "sops",
            Type::Path,
            "A file that SOPS sealed to age recipients: a mapping of names to texts, in YAML, JSON or lines of \
             `NAME=value` (`.env`). One that was changed without SOPS is refused.",
        ),
    ],
    one_of: &["age", "sops"],
    example: "sops: secrets/auth0.enc.yaml",
};

pub(super) fn decode(
    value: Value<'_>,
    tree: &dyn Tree,
    secrets: &mut Vec<(String, String, Reference)>,
    sealed: &mut Vec<Sealed>,
) -> Option<Wanted> {
    let fields = value.fields(&INITIAL)?;
    let mount = match fields.optional("mount") {
        Some(value) => sound_path(value)?,
        None => "secret".to_owned(),
    };
    let rest = fields.required("path").and_then(Value::text)?;
    let inner = rest.trim_matches('/');
    if !inner
        .split('/')
        .all(|part| roles::name_with_at(part).is_ok())
    {
        value.invalid(
            format!("`{}` is no path for a secret here", rest.value),
            "use letters, digits, `_`, `-`, `.` and `@`, with `/` between",
        );
        return None;
    }
    let path = format!("{mount}/{inner}");
    let entries = fields.optional("data").and_then(Value::entries);
    let mut any = false;
    for (name, value) in entries.unwrap_or_default() {
        secrets.push((path.clone(), name.value, server::reference(value)?));
        any = true;
    }
    if let Some(from) = fields.optional("dataFrom") {
        let from_fields = from.fields(&DATA_FROM)?;
        let (which, file) = from_fields.choice()?;
        let file = file.path()?;
        let shown = tree.display(&file.value);
        let Ok(bytes) = tree.read(&file.value) else {
            from.invalid(
                format!("`{shown}` cannot be read"),
                "name a file of the repository",
            );
            return None;
        };
        let format = match which {
            "sops" => Format::Sops(Form::of_name(&shown)),
            _ => Format::Age,
        };
        sealed.push(Sealed {
            path: path.clone(),
            file: shown,
            bytes: bytes.to_vec(),
            format,
        });
        any = true;
    }
    if !any {
        value.invalid(
            "an initial value without values",
            "add `data` or `dataFrom`",
        );
        return None;
    }
    Some(Wanted {
        path,
        what: What::Data(
            Class::InitialValue,
            Data {
                read_from: Some(mount),
                ..Data::default()
            },
        ),
        location: value.location(),
    })
}

/// Says of initial values which version of KV their mounts will be, where the file itself says so: a
/// mount that is not there yet cannot be asked.
pub(super) fn versions(wanted: &mut [Wanted]) {
    let declared: Vec<(String, String)> = wanted
        .iter()
        .filter_map(|one| match &one.what {
            What::Secrets(mount) => Some((one.path.clone(), mount.options.get("version")?.clone())),
            _ => None,
        })
        .collect();
    for one in wanted {
        let What::Data(Class::InitialValue, data) = &mut one.what else {
            continue;
        };
        let mount = data.read_from.as_deref();
        let found = declared
            .iter()
            .find(|(path, _)| Some(path.as_str()) == mount);
        if let Some((_, version)) = found {
            let version = (FieldKind::Passing, version.as_str().into());
            data.fields.insert("version".to_owned(), version);
        }
    }
}
