//! From the text of a file to the objects in it.

use trueup_manifest::{Diagnostic, Diagnostics};
use trueup_yaml::{
    Document, DuplicateKeys, Kind, Location, NodeId, ParseOptions, Schema, Source, Span, Style,
    emit,
};

use crate::{Context, node};

/// What a text turned out to be.
pub(crate) type Parsed = Result<Vec<Document>, Diagnostics>;

/// The objects of a text, lists taken apart. Each has a kind, and a name unless it is a list.
pub(crate) fn documents(context: &Context<'_>, source: &Source) -> Parsed {
    let parse = || parse_documents(context, source);
    let mut parsed = match context.cache() {
        Some(cache) => cache.documents(source, context.limits().nesting, parse)?,
        None => parse()?,
    };
    if let [only] = parsed.as_slice()
        && !is_cut(source.text())
        && let Some(items) = unwrapped(only)
    {
        parsed = items;
    }
    let mut complaints = Diagnostics::new();
    let mut objects = Vec::with_capacity(parsed.len());
    let mut queue = std::collections::VecDeque::from(parsed);
    while let Some(doc) = queue.pop_front() {
        if node::is_empty(&doc, Some(doc.root())) {
            continue;
        }
        if let Err(complaint) = validate(&doc, source) {
            complaints.push(complaint);
            continue;
        }
        match inner(&doc) {
            Ok(Some(items)) => queue.extend(items),
            Ok(None) => objects.push(doc),
            Err(complaint) => complaints.push(complaint),
        }
        if objects.len() + queue.len() > context.limits().objects {
            let message = format!(
                "`{}` holds more than {} objects",
                source.name(),
                context.limits().objects
            );
            return Err(Diagnostic::error("kustomize/too-large", message).into());
        }
    }
    complaints.into_result(objects)
}

/// A key that is set twice. Upstream minds it only where it makes values of an object: when it prints it, not
/// when it leaves it out.
pub(crate) fn refuse_equal_keys(doc: &Document) -> Result<(), Diagnostic> {
    let Some((first, second)) = doc.equal_keys(doc.root()) else {
        return Ok(());
    };
    let key = doc.text(second).unwrap_or_default();
    let diagnostic = Diagnostic::error("yaml/syntax", format!("the key `{key}` is set twice"))
        .at(doc.location(second))
        .help("keep one of the two");
    Err(match doc.location(first) {
        Some(first) => diagnostic.label(Some(first), "the first"),
        None => diagnostic,
    })
}

/// The documents of a patch, with a warning for each that holds a key twice: the first one counts, as upstream
/// has it.
pub(crate) fn patch_documents(context: &Context<'_>, source: &Source) -> Parsed {
    let found = documents(context, source)?;
    for doc in &found {
        if let Some((_, second)) = doc.equal_keys(doc.root()) {
            let key = doc.text(second).unwrap_or_default();
            context.warn(
                Diagnostic::warning(
                    "yaml/twice",
                    format!("the patch sets `{key}` twice, and only the first counts"),
                )
                .at(doc.location(second))
                .help("keep one of the two"),
            );
        }
    }
    Ok(found)
}

/// The documents of a stream. What follows `---` on its line must be a comment.
pub(crate) fn parse_documents(context: &Context<'_>, source: &Source) -> Parsed {
    let text = source.text();
    for at in memchr::memmem::find_iter(text.as_bytes(), b"\n---") {
        let after = text.get(at + 4..).unwrap_or_default();
        let Some((after, _)) = after.split_once('\n') else {
            continue;
        };
        let after = after.trim();
        if !after.is_empty() && !after.starts_with('#') {
            let start = u32::try_from(at + 1).unwrap_or(u32::MAX);
            let location = Location {
                source: source.clone(),
                span: Span {
                    start,
                    end: start + 3,
                },
            };
            return Err(Diagnostic::error(
                "kustomize/separator",
                "a document separator stands alone on its line",
            )
            .at(location)
            .help("move what follows `---` to the next line")
            .into());
        }
    }
    refuse_directives(source)?;
    let options = ParseOptions {
        duplicate_keys: DuplicateKeys::Keep,
        ..context.parse_options()
    };
    let mut documents = Document::parse_with(source, &options)?;
    // Upstream resolves anchors as it loads, so that steps see the fields that a merge key brings.
    if memchr::memmem::find(text.as_bytes(), b"<<").is_some() {
        for doc in &mut documents {
            doc.apply_merge_keys(doc.root()).map_err(Diagnostic::from)?;
        }
    }
    Ok(documents)
}

/// Whether upstream cuts a text at some `---`, be there nothing on one side of it.
fn is_cut(text: &str) -> bool {
    let mut found = memchr::memmem::find_iter(text.as_bytes(), b"\n---");
    found.any(|at| text.get(at + 4..).is_some_and(|rest| rest.contains('\n')))
}

/// Upstream cuts a file at each `---` before it parses it: a directive (`%YAML 1.1`) ends up in a document
/// that does not begin with the `---` it calls for.
fn refuse_directives(source: &Source) -> Result<(), Diagnostic> {
    let text = source.text();
    if !text.contains('%') {
        return Ok(());
    }
    let mut start = 0;
    let mut at_start = true;
    for line in text.split_inclusive('\n') {
        if at_start && line.starts_with('%') {
            let at = u32::try_from(start).unwrap_or(u32::MAX);
            let location = Location {
                source: source.clone(),
                span: Span {
                    start: at,
                    end: at + 1,
                },
            };
            return Err(Diagnostic::error(
                "kustomize/directive",
                "a file of objects cannot have YAML directives",
            )
            .at(location)
            .help("remove the line; YAML 1.1 is what is read anyway"));
        }
        let blank = line.trim().is_empty() || line.starts_with('#');
        at_start = line.starts_with("---") || at_start && blank;
        start += line.len();
    }
    Ok(())
}

/// The items of the one `List` or `ResourceList` that a file may be wrapped in.
fn unwrapped(doc: &Document) -> Option<Vec<Document>> {
    let root = doc.root();
    if !matches!(node::value_at(doc, &["kind"]), "List" | "ResourceList") {
        return None;
    }
    let items = doc.get(root, "items");
    (items.is_some() || doc.get(root, "functionConfig").is_some())
        .then(|| items.map_or_else(Vec::new, |items| taken_out(doc, items)))
}

fn taken_out(doc: &Document, items: NodeId) -> Vec<Document> {
    doc.items(items).map(|item| doc.extract(item)).collect()
}

/// The items of a list of any kind; none where this is no list.
fn inner(doc: &Document) -> Result<Option<Vec<Document>>, Diagnostic> {
    if !node::value_at(doc, &["kind"]).ends_with("List") {
        return Ok(None);
    }
    match doc.get(doc.root(), "items") {
        None => Ok(None),
        Some(items) if doc.is_null(items) => Ok(Some(Vec::new())),
        Some(items) if doc.kind(items) == Kind::Sequence => {
            refuse_equal_keys(doc)?;
            let mut objects = taken_out(doc, items);
            for object in &mut objects {
                through_json(object, object.root());
            }
            Ok(Some(objects))
        }
        Some(items) => {
            let found = node::kind_name(doc.kind(items));
            Err(Diagnostic::error(
                "kustomize/wrong-type",
                format!("expected a list of items, found {found}"),
            )
            .at(doc.location(items)))
        }
    }
}

/// Leaves every scalar as it is after a trip through JSON, which upstream sends the items of such a list
/// on: numbers as JSON writes them, timestamps and strings in double quotes.
fn through_json(doc: &mut Document, node: NodeId) {
    let below: Vec<NodeId> = match doc.kind(node) {
        Kind::Mapping => doc.entries(node).map(|(_, value)| value).collect(),
        Kind::Sequence => doc.items(node).collect(),
        Kind::Scalar | Kind::Alias => Vec::new(),
    };
    for inner in below {
        through_json(doc, inner);
    }
    if doc.kind(node) != Kind::Scalar {
        doc.set_style(node, Style::Flow);
        return;
    }
    if doc.str(node).is_some() {
        doc.set_tag(node, None);
        doc.set_style(node, Style::DoubleQuoted);
        return;
    }
    let mut json = String::new();
    // What is no JSON is refused when it is printed.
    let _ = emit::json(doc, node, Schema::Kyaml, &mut json);
    let text = json.trim_matches('"');
    if text.is_empty() || doc.text(node) == Some(text) && doc.style(node) == Style::Plain {
        return;
    }
    let style = if json.starts_with('"') {
        Style::DoubleQuoted
    } else {
        Style::Plain
    };
    let new = doc.new_scalar(text, style, None);
    doc.replace(node, new);
}

/// An object has a kind and a name; a list needs no name.
pub(crate) fn validate(doc: &Document, source: &Source) -> Result<(), Diagnostic> {
    let root = doc.root();
    let place = || {
        doc.location(root).unwrap_or_else(|| Location {
            source: source.clone(),
            span: Span { start: 0, end: 0 },
        })
    };
    if doc.kind(root) != Kind::Mapping {
        let message = format!(
            "expected an object, found {}",
            node::kind_name(doc.kind(root))
        );
        return Err(Diagnostic::error("kustomize/no-object", message).at(place()));
    }
    let kind = node::value(doc, doc.get(root, "kind"));
    if kind.is_empty() {
        return Err(Diagnostic::error("kustomize/no-kind", "the object has no `kind`").at(place()));
    }
    if kind.ends_with("List") {
        return Ok(());
    }
    let name = doc
        .get(root, "metadata")
        .and_then(|metadata| doc.get(metadata, "name"));
    if node::value(doc, name).is_empty() {
        let message = format!("the {kind} has no `metadata.name`");
        return Err(Diagnostic::error("kustomize/no-name", message).at(place()));
    }
    Ok(())
}
