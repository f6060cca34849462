//! `.Chart`.

use std::{any::Any, borrow::Cow};

use trueup_gotemplate::{List, Map, Object, Str, Type, Value};

use crate::chart::{Dependency, Import, Maintainer, Metadata};

/// The metadata of a chart as its templates see it.
pub(crate) fn chart(metadata: &Metadata, is_root: bool) -> Value {
    Value::object(Chart {
        fields: fields(metadata),
        is_root,
    })
}

/// `struct { chart.Metadata; IsRoot bool }`: the fields of the inner one are its own, too.
struct Chart {
    fields: Vec<Field>,
    is_root: bool,
}

/// A field with its name in Go and in JSON.
struct Field {
    name: &'static str,
    json: &'static str,
    value: Value,
}

/// A Go struct behind a pointer.
struct Pointer {
    type_name: &'static str,
    fields: Vec<Field>,
}

/// The struct without the pointer, for how it prints.
struct Inner(Vec<(&'static str, Value)>);

fn field(name: &'static str, json: &'static str, value: impl Into<Value>) -> Field {
    Field {
        name,
        json,
        value: value.into(),
    }
}

fn text(text: &str) -> Value {
    Value::from(text)
}

/// A slice that is nil where it is empty, as Go decodes an absent list.
fn strings(items: &[String]) -> Value {
    if items.is_empty() {
        return Value::List(List::nil(Type::String));
    }
    Value::strings(items.iter().map(String::as_str))
}

fn pointers(elem: &'static str, items: Vec<Value>) -> Value {
    let elem = Type::Named(elem);
    if items.is_empty() {
        Value::List(List::nil(elem))
    } else {
        Value::List(List::typed(elem, items))
    }
}

fn fields(metadata: &Metadata) -> Vec<Field> {
    let maintainers = metadata.maintainers.iter().map(maintainer).collect();
    let dependencies = metadata
        .dependencies
        .iter()
        .flatten()
        .map(dependency)
        .collect();
    let annotations: Vec<(Str, Value)> = metadata
        .annotations
        .iter()
        .map(|(key, value)| (Str::from(key), text(value)))
        .collect();
    let annotations = if annotations.is_empty() {
        Map::nil(Type::String)
    } else {
        Map::typed(Type::String, annotations)
    };
    vec![
        field("Name", "name", text(&metadata.name)),
        field("Home", "home", text(&metadata.home)),
        field("Sources", "sources", strings(&metadata.sources)),
        field("Version", "version", text(&metadata.version)),
        field("Description", "description", text(&metadata.description)),
        field("Keywords", "keywords", strings(&metadata.keywords)),
        field(
            "Maintainers",
            "maintainers",
            pointers("*chart.Maintainer", maintainers),
        ),
        field("Icon", "icon", text(&metadata.icon)),
        field("APIVersion", "apiVersion", text(&metadata.api_version)),
        field("Condition", "condition", text(&metadata.condition)),
        field("Tags", "tags", text(&metadata.tags)),
        field("AppVersion", "appVersion", text(&metadata.app_version)),
        field("Deprecated", "deprecated", metadata.deprecated),
        field("Annotations", "annotations", annotations),
        field("KubeVersion", "kubeVersion", text(&metadata.kube_version)),
        field(
            "Dependencies",
            "dependencies",
            pointers("*chart.Dependency", dependencies),
        ),
        field("Type", "type", text(&metadata.kind)),
    ]
}

fn maintainer(maintainer: &Maintainer) -> Value {
    Value::object(Pointer {
        type_name: "*chart.Maintainer",
        fields: vec![
            field("Name", "name", text(&maintainer.name)),
            field("Email", "email", text(&maintainer.email)),
            field("URL", "url", text(&maintainer.url)),
        ],
    })
}

fn dependency(dependency: &Dependency) -> Value {
    // Where values were imported, Helm leaves the pairs of paths that it made of them.
    let imports = dependency.import_values.iter().map(|import| {
        let (child, parent) = match import {
            Import::Export(name) => (format!("exports.{name}"), "."),
            Import::Table { child, parent } => (child.clone(), parent.as_str()),
        };
        let pairs = vec![
            (Str::from("child"), Value::from(child)),
            (Str::from("parent"), Value::from(parent)),
        ];
        Value::Map(Map::typed(Type::String, pairs))
    });
    let imports: Vec<Value> = imports.collect();
    let imports = if imports.is_empty() {
        Value::List(List::nil(Type::Any))
    } else {
        Value::list(imports)
    };
    Value::object(Pointer {
        type_name: "*chart.Dependency",
        fields: vec![
            field("Name", "name", text(&dependency.name)),
            field("Version", "version", text(&dependency.version)),
            field("Repository", "repository!", text(&dependency.repository)),
            field("Condition", "condition", text(&dependency.condition)),
            field("Tags", "tags", strings(&dependency.tags)),
            field("Enabled", "enabled", dependency.enabled),
            field("ImportValues", "import-values", imports),
            field("Alias", "alias", text(&dependency.alias)),
        ],
    })
}

/// Whether `omitempty` leaves it out.
fn is_empty(value: &Value) -> bool {
    match value {
        Value::Nil => true,
        Value::Bool(flag) => !flag,
        Value::Str(text) => text.is_empty(),
        Value::List(list) => list.is_empty(),
        Value::Map(map) => map.is_empty(),
        _ => false,
    }
}

/// The fields as JSON has them; a `!` at the end of a name keeps it even if it is empty.
fn json(fields: &[Field]) -> Vec<(&'static str, Value)> {
    fields
        .iter()
        .filter_map(|field| {
            let (name, kept) = match field.json.strip_suffix('!') {
                Some(name) => (name, true),
                None => (field.json, false),
            };
            (kept || !is_empty(&field.value)).then(|| (name, field.value.clone()))
        })
        .collect()
}

fn named(fields: &[Field]) -> Vec<(&'static str, Value)> {
    fields
        .iter()
        .map(|field| (field.name, field.value.clone()))
        .collect()
}

impl Object for Chart {
    fn type_name(&self) -> Cow<'static, str> {
        "struct { chart.Metadata; IsRoot bool }".into()
    }

    fn field(&self, name: &str) -> Option<Value> {
        if name == "IsRoot" {
            return Some(Value::Bool(self.is_root));
        }
        if name == "Metadata" {
            return Some(Value::object(Inner(named(&self.fields))));
        }
        let field = self.fields.iter().find(|field| field.name == name)?;
        Some(field.value.clone())
    }

    fn fields(&self) -> Vec<(&'static str, Value)> {
        vec![
            ("Metadata", Value::object(Inner(named(&self.fields)))),
            ("IsRoot", Value::Bool(self.is_root)),
        ]
    }

    fn json_fields(&self) -> Vec<(&'static str, Value)> {
        let mut fields = json(&self.fields);
        fields.push(("IsRoot", Value::Bool(self.is_root)));
        fields
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

impl Object for Pointer {
    fn type_name(&self) -> Cow<'static, str> {
        self.type_name.into()
    }

    fn fields(&self) -> Vec<(&'static str, Value)> {
        named(&self.fields)
    }

    fn json_fields(&self) -> Vec<(&'static str, Value)> {
        json(&self.fields)
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

impl Object for Inner {
    fn type_name(&self) -> Cow<'static, str> {
        "chart.Metadata".into()
    }

    fn fields(&self) -> Vec<(&'static str, Value)> {
        self.0.clone()
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}
