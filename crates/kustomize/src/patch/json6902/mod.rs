//! JSON patches (RFC 6902), with the leniencies of the library upstream uses: negative indexes,
//! `replace` of a field that is not there.

mod apply;
mod value;

use trueup_manifest::{Diagnostic, Diagnostics};
use trueup_yaml::{Document, Kind, Location, NodeId, ParseOptions, Source};

pub(crate) use self::apply::Failure;

/// One operation, its values in the patch's own document.
#[derive(Clone, Debug)]
struct Operation {
    op: String,
    path: Option<String>,
    from: Option<String>,
    /// None where the operation has no `value` or a null one.
    value: Option<NodeId>,
    place: Option<Location>,
}

/// A parsed patch.
#[derive(Clone, Debug)]
pub(crate) struct JsonPatch {
    doc: Document,
    operations: Vec<Operation>,
}

impl JsonPatch {
    /// Reads a patch in JSON (a text that begins with `[`) or YAML. An empty YAML text is a patch
    /// without operations.
    pub(crate) fn parse(source: &Source, options: &ParseOptions) -> Result<Self, Diagnostics> {
        let text = source.text();
        let fault = |message: String, place: Option<Location>| {
            Diagnostics::from(Diagnostic::error("kustomize/json-patch", message).at(place))
        };
        if text.is_empty() {
            return Err(fault(
                format!("the patch `{}` is empty", source.name()),
                None,
            ));
        }
        if text.starts_with('[')
            && let Err(error) = serde_json::from_str::<serde::de::IgnoredAny>(text)
        {
            return Err(fault(
                format!("a patch that begins with `[` must be JSON: {error}"),
                None,
            )
            .into_iter()
            .map(|diagnostic| diagnostic.help("write it as JSON, or as a YAML list of `- op: …`"))
            .collect());
        }
        // The loader behind upstream lets the last of two equal keys win.
        let options = ParseOptions {
            duplicate_keys: trueup_yaml::DuplicateKeys::LastWins,
            ..options.clone()
        };
        let mut documents = Document::parse_with(source, &options)?.into_iter();
        let Some(mut doc) = documents.next() else {
            return Ok(Self {
                doc: Document::empty_mapping(),
                operations: Vec::new(),
            });
        };
        let root = doc.root();
        if doc.is_null(root) {
            return Ok(Self {
                doc,
                operations: Vec::new(),
            });
        }
        if doc.kind(root) != Kind::Sequence {
            return Err(fault(
                "a JSON patch is a list of operations".to_owned(),
                doc.location(root),
            ));
        }
        value::canonical(&mut doc, root, trueup_yaml::Schema::Sigs);
        let mut operations = Vec::with_capacity(doc.len(root));
        for item in doc.items(root) {
            if doc.kind(item) != Kind::Mapping && !doc.is_null(item) {
                return Err(fault(
                    "an operation is a mapping with `op` and `path`".to_owned(),
                    doc.location(item),
                ));
            }
            operations.push(operation(&doc, item));
        }
        Ok(Self { doc, operations })
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.operations.is_empty()
    }

    /// Applies all operations to an object. On failure the object is in between and must not be used.
    pub(crate) fn apply(&self, object: &mut Document) -> Result<(), Failure> {
        // Upstream takes the object through JSON: nothing is shared any more, numbers are floats.
        *object = object.extract(object.root());
        let root = object.root();
        value::canonical(object, root, trueup_yaml::Schema::Kyaml);
        self.operations
            .iter()
            .try_for_each(|one| apply::operation(object, &self.doc, one))
    }
}

fn operation(doc: &Document, item: NodeId) -> Operation {
    let text = |name: &str| {
        doc.get(item, name)
            .and_then(|node| doc.str(node))
            .map(str::to_owned)
    };
    Operation {
        op: text("op").unwrap_or_default(),
        path: text("path"),
        from: text("from"),
        value: doc.get(item, "value").filter(|value| !doc.is_null(*value)),
        place: doc.location(item),
    }
}
