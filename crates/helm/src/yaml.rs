//! YAML as `sigs.k8s.io/yaml` reads it for Helm, with the messages of Go's parser.

use trueup_manifest::{Diagnostic, Diagnostics};
use trueup_yaml::{Document, DuplicateKeys, NodeId, ParseOptions, Resolved, Schema, Source};

use crate::{error::Error, go};

/// The first document of a file, the last of equal keys winning.
pub(crate) fn document(name: &str, data: &[u8]) -> Result<Document, Error> {
    parse(&Source::new(name, &*String::from_utf8_lossy(data)))
}

/// [`document`] of a source that is already made.
pub(crate) fn parse(source: &Source) -> Result<Document, Error> {
    let options = ParseOptions {
        duplicate_keys: DuplicateKeys::LastWins,
        ..ParseOptions::default()
    };
    match Document::parse_with(source, &options) {
        Ok(documents) => Ok(documents
            .into_iter()
            .next()
            .unwrap_or_else(|| Document::from_json_value(&serde_json::Value::Null))),
        Err(errors) => {
            let text = format!("error converting YAML to JSON: {}", go_error(&errors));
            Err(Error::found(
                text,
                errors
                    .into_iter()
                    .map(Diagnostic::from)
                    .collect::<Diagnostics>(),
            ))
        }
    }
}

/// What Go's parser says where ours found errors: `yaml: line 5: did not find expected ',' or ']'`.
pub(crate) fn go_error(errors: &[trueup_yaml::Error]) -> String {
    let Some(error) = errors.first() else {
        return "yaml: unknown error".to_owned();
    };
    let (line, _) = error.location().line_col();
    let text = error.location().source.text();
    let last = u32::try_from(text.lines().count()).unwrap_or(u32::MAX);
    if error.message() == "the alias has no anchor before it" {
        let name = unknown_anchor(error);
        return format!("yaml: unknown anchor '{name}' referenced");
    }
    let (stage, says) = in_block(error).unwrap_or_else(|| translate(error.message()));
    // The scanner counts lines from 1, the parser from 0 and calls a place on the first line none.
    let line = match stage {
        Stage::Scanner => line,
        Stage::Parser => line - 1,
        Stage::Next => line + 1,
        Stage::End => last,
        Stage::Nowhere => 0,
    };
    if line == 0 || line == 1 && matches!(stage, Stage::Scanner) {
        format!("yaml: {says}")
    } else {
        format!("yaml: line {line}: {says}")
    }
}

/// The name of the alias that an error is about.
fn unknown_anchor(error: &trueup_yaml::Error) -> &str {
    let location = error.location();
    let text = location.source.text();
    let alias = text.get(location.span.start as usize..).unwrap_or_default();
    let name = alias.trim_start_matches('*');
    let ends = |c: char| c.is_whitespace() || matches!(c, ',' | ']' | '}');
    name.find(ends)
        .and_then(|end| name.get(..end))
        .unwrap_or(name)
}

/// Where Go's parser notices an error.
enum Stage {
    /// At the place, counted from 1.
    Scanner,
    /// At the place, counted from 0.
    Parser,
    /// On the line after it.
    Next,
    /// At the end of the text.
    End,
    /// It names no place.
    Nowhere,
}

/// What depends on the text around the place.
fn in_block(error: &trueup_yaml::Error) -> Option<(Stage, String)> {
    let location = error.location();
    let (before, after) = location
        .source
        .text()
        .split_at_checked(location.span.start as usize)?;
    let message = error.message();
    if message.starts_with("expected `key: value`") && after.starts_with(['{', '[']) {
        return Some((Stage::Parser, "did not find expected key".to_owned()));
    }
    if message.starts_with("unexpected text after a value") && after.starts_with("- ") {
        let says = "block sequence entries are not allowed in this context";
        return Some((Stage::Scanner, says.to_owned()));
    }
    if !message.ends_with("is indented as no line above it") {
        return None;
    }
    let (above, indent) = before.rsplit_once('\n').unwrap_or(("", before));
    let wanted = if is_in_list(above, indent.len()) {
        "'-' indicator"
    } else {
        "key"
    };
    Some((Stage::Parser, format!("did not find expected {wanted}")))
}

/// Whether the innermost collection that a column is inside of is a list that is indented below its key, going by the
/// lines above.
fn is_in_list(above: &str, column: usize) -> bool {
    let mut lines = above.lines().rev().filter_map(|line| {
        let content = line.trim_start_matches(' ');
        let counts = !content.is_empty() && !content.starts_with('#');
        counts.then_some((line.len() - content.len(), content))
    });
    let Some((indent, content)) = lines.find(|(indent, _)| *indent < column) else {
        return false;
    };
    let Some(item) = content.strip_prefix("- ") else {
        return false;
    };
    // `- a: 1` begins a mapping where its key is.
    let key = indent + 2 + item.len() - item.trim_start().len();
    let is_item = |content: &str| content == "-" || content.starts_with("- ");
    let around =
        lines.find(|(other, content)| *other < indent || *other == indent && !is_item(content));
    column <= key && around.is_none_or(|(other, _)| other < indent)
}

/// The words of `libyaml` and its ports for what our parser says in its own.
fn translate(message: &str) -> (Stage, String) {
    let says = |stage, text: &str| (stage, text.to_owned());
    let starts = |prefix: &str| message.starts_with(prefix);
    if starts("the bracket `[`") {
        return says(Stage::End, "did not find expected ',' or ']'");
    }
    if starts("the bracket `{`") {
        return says(Stage::End, "did not find expected ',' or '}'");
    }
    if starts("expected `,` or `") {
        let close = if message.contains("or `}`") { '}' } else { ']' };
        return (
            Stage::Parser,
            format!("did not find expected ',' or '{close}'"),
        );
    }
    if starts("a tab is not allowed") {
        return says(
            Stage::Scanner,
            "found character that cannot start any token",
        );
    }
    if let Some(rest) = message.strip_prefix("a value cannot begin with ") {
        return if rest.contains('@') || rest.contains("backtick") || rest.contains('%') {
            says(
                Stage::Scanner,
                "found character that cannot start any token",
            )
        } else {
            says(Stage::Parser, "did not find expected node content")
        };
    }
    if starts("a mapping is not allowed here") || starts("this key is indented into") {
        return says(
            Stage::Scanner,
            "mapping values are not allowed in this context",
        );
    }
    if starts("expected `key: value`") || starts("a key is longer") {
        return says(Stage::Next, "could not find expected ':'");
    }
    if starts("a `- ` item is not allowed between") {
        return says(Stage::Parser, "did not find expected key");
    }
    if starts("a `- ` item is not allowed") || starts("a block collection must start") {
        return says(
            Stage::Scanner,
            "block sequence entries are not allowed in this context",
        );
    }
    if message.contains("does not belong to the collection") {
        return says(Stage::Parser, "did not find expected key");
    }
    if starts("unexpected text after a value") {
        return says(Stage::Parser, "did not find expected key");
    }
    if starts("the quote `") {
        return says(Stage::End, "found unexpected end of stream");
    }
    if starts("the escape needs") {
        return says(Stage::Scanner, "did not find expected hexdecimal number");
    }
    if message.ends_with("is not an escape") {
        return says(Stage::Scanner, "found unknown escape character");
    }
    if starts("the name of the anchor is missing") {
        let says = "did not find expected alphabetic or numeric character";
        return (Stage::Scanner, says.to_owned());
    }
    if starts("control character") {
        return says(Stage::Nowhere, "control characters are not allowed");
    }
    (Stage::Scanner, message.replace('`', "'"))
}

/// A scalar as `sigs.k8s.io/yaml` writes it into a string field: numbers and booleans in their
/// shortest form. Mapping keys are written so, too.
pub(crate) fn text(doc: &Document, node: NodeId) -> String {
    match doc.resolve(node, Schema::Sigs) {
        Resolved::Bool(flag) => flag.to_string(),
        Resolved::Int(number) => number.to_string(),
        Resolved::Uint(number) => number.to_string(),
        Resolved::Float(number) => match go::format_g(number, true).as_str() {
            "+Inf" => ".inf".to_owned(),
            "-Inf" => "-.inf".to_owned(),
            "NaN" => ".nan".to_owned(),
            text => text.to_owned(),
        },
        _ => doc.text(node).unwrap_or_default().to_owned(),
    }
}
