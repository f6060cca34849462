//! The `ResourceList`s that go to a function and come from it.

use trueup_manifest::Diagnostics;
use trueup_yaml::{Document, Error, Kind, NodeId, Source, emit};

use crate::{Context, load::documents, node, resource::Resource};

/// Where upstream notes which object an answer is about.
pub(super) const ID: &str = "kustomize.config.k8s.io/id";
/// The annotations by which functions' libraries number the objects of a list.
const NUMBERS: [&str; 2] = ["config.k8s.io/id", "internal.config.kubernetes.io/id"];
/// What only tools look at is left out of a build.
const LOCAL: &str = "config.kubernetes.io/local-config";

/// What a function answered.
pub(super) struct Answer {
    pub(super) objects: Vec<Document>,
    /// What it found, each as a line.
    pub(super) results: Vec<String>,
}

/// The configuration of a function, as the function gets it.
pub(super) fn config(config: &Resource) -> Document {
    let mut doc = config.with_bookkeeping();
    annotate(&mut doc, LOCAL, "true");
    doc
}

/// An object with its number in the list.
pub(super) fn numbered(mut doc: Document, number: usize) -> Document {
    for key in NUMBERS {
        annotate(&mut doc, key, &number.to_string());
    }
    doc
}

fn annotate(doc: &mut Document, key: &str, text: &str) {
    let root = doc.root();
    let Ok(Some(map)) = node::lookup_create(doc, root, &["metadata", "annotations"], Kind::Mapping)
    else {
        return;
    };
    let value = doc.new_str(text);
    doc.set(map, key, value);
}

/// The list that a function reads, keys in the order of upstream.
pub(super) fn resource_list(items: &[Document], config: &Document) -> Result<String, Error> {
    let mut out = String::from("apiVersion: config.kubernetes.io/v1\nkind: ResourceList\nitems:\n");
    for item in items {
        indented(item, "- ", &mut out)?;
    }
    out.push_str("functionConfig:\n");
    indented(config, "  ", &mut out)?;
    Ok(out)
}

/// Prints an object two columns in, its first line behind `first`.
fn indented(doc: &Document, first: &str, out: &mut String) -> Result<(), Error> {
    let mut text = String::new();
    emit::kustomize(doc, doc.root(), &mut text)?;
    let mut indent = first;
    for line in text.lines() {
        if !line.is_empty() {
            out.push_str(indent);
            out.push_str(line);
            indent = "  ";
        }
        out.push('\n');
    }
    Ok(())
}

/// Reads what a function printed: a list, or the objects themselves.
pub(super) fn read(context: &Context<'_>, source: &Source) -> Result<Answer, Diagnostics> {
    let mut results = Vec::new();
    for doc in Document::parse_with(source, &context.parse_options())? {
        let list = doc.get(doc.root(), "results");
        if node::value_at(&doc, &["kind"]) == "ResourceList"
            && let Some(list) = list
        {
            results.extend(doc.items(list).map(|item| result(&doc, item)));
        }
    }
    Ok(Answer {
        objects: documents(context, source)?,
        results,
    })
}

/// `error: what is wrong (spec.replicas)`.
fn result(doc: &Document, item: NodeId) -> String {
    let text = |path: &[&str]| node::value(doc, doc.at(item, path)).to_owned();
    let mut line = text(&["message"]);
    let (severity, field) = (text(&["severity"]), text(&["field", "path"]));
    if !severity.is_empty() {
        line = format!("{severity}: {line}");
    }
    if !field.is_empty() {
        line = format!("{line} (`{field}`)");
    }
    line
}
