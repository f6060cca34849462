//! From the engine's errors to what Helm prints, and to findings that name the place, the value that was
//! missing and who set it.

use std::collections::BTreeMap;

use trueup_gotemplate::{Error as TemplateError, Frame};
use trueup_manifest::Diagnostic;
use trueup_yaml::{Document, Location, Source, Span};

use super::{
    functions::{MESSAGE_END, MESSAGE_START},
    scope::{Facts, Scope},
};
use crate::error::Error;

type Scopes = BTreeMap<String, Scope>;

/// A template that is none.
pub(super) fn parse(path: &str, error: &TemplateError, scopes: &Scopes) -> Error {
    let tokens: Vec<&str> = error.text().split(": ").collect();
    let text = match tokens.as_slice() {
        [_, location, .., last] => format!("parse error at ({location}): {last}"),
        [_, last] => format!("parse error at ({last}): {last}"),
        _ => format!("parse error in ({path}): {}", error.text()),
    };
    let finding = Diagnostic::error("helm/template-syntax", error.reason());
    Error::found(text, with_places(finding, error, scopes, None)).in_render()
}

/// A template that could not be executed.
pub(super) fn execute(error: &TemplateError, scopes: &Scopes, facts: &Facts<'_>) -> Error {
    let message = between_marks(error.text());
    let location = error.text().split(": ").nth(1).unwrap_or_default();
    let (text, finding) = match message {
        Some(message) => (
            format!("execution error at ({location}): {message}"),
            Diagnostic::error("helm/required", message)
                .help("the chart itself asks for this; set the value that it names"),
        ),
        None => (
            error.text().to_owned(),
            Diagnostic::error("helm/template", error.reason()),
        ),
    };
    Error::found(text, with_places(finding, error, scopes, Some(facts))).in_render()
}

/// The message of `required` or `fail`.
fn between_marks(text: &str) -> Option<&str> {
    let (_, rest) = text.split_once(MESSAGE_START)?;
    let (message, _) = rest.rsplit_once(MESSAGE_END)?;
    Some(message)
}

fn with_places(
    mut finding: Diagnostic,
    error: &TemplateError,
    scopes: &Scopes,
    facts: Option<&Facts<'_>>,
) -> Diagnostic {
    for (index, frame) in error.frames().iter().enumerate() {
        let Some(location) = place(frame, scopes) else {
            continue;
        };
        let text = match (index, frame.expression.as_str()) {
            (0, _) | (_, "") => String::new(),
            (_, expression) => format!("from `{}`, by `{expression}`", frame.executing.to_text()),
        };
        finding = finding.label(location, text);
    }
    if let Some(help) = error.help() {
        return finding.help(help);
    }
    match (error.nil_path(), facts) {
        (Some(path), Some(facts)) => missing(finding, path, error.frames(), scopes, facts),
        _ => finding,
    }
}

fn place(frame: &Frame, scopes: &Scopes) -> Option<Location> {
    let scope = scopes.get(&*frame.place.template.to_text())?;
    let text = scope.file.text();
    let source = Source::new(format!("{}/{}", scope.origin, scope.file.name), &*text);
    // The end of the action, or of the line, is as far as an excerpt should point.
    let start = frame.place.offset;
    let rest = text.get(start as usize..).unwrap_or_default();
    let shown = match frame.expression.len() {
        0 => rest.find(['\n', '}']).unwrap_or(rest.len()),
        _ if rest.starts_with(&frame.expression) => frame.expression.len(),
        _ => rest.find([' ', '\n', '}', ')', '|']).unwrap_or(rest.len()),
    };
    let end = start.saturating_add(u32::try_from(shown).unwrap_or(0));
    Some(Location {
        source,
        span: Span::new(start, end),
    })
}

/// Says which value was missing, and where its nearest table is set.
fn missing(
    finding: Diagnostic,
    path: &str,
    frames: &[Frame],
    scopes: &Scopes,
    facts: &Facts<'_>,
) -> Diagnostic {
    let Some(inner) = path
        .strip_prefix(".Values.")
        .or_else(|| path.strip_prefix("$.Values."))
    else {
        return finding.help(format!("`{path}` has no value here"));
    };
    let below = frames
        .iter()
        .find_map(|frame| scopes.get(&*frame.place.template.to_text()))
        .map(|scope| scope.below.as_slice())
        .unwrap_or_default();
    let mut parts: Vec<&str> = below.iter().map(String::as_str).collect();
    parts.extend(inner.split('.'));
    let full = parts.join(".");
    let documents = facts
        .overlay
        .files
        .iter()
        .rev()
        .chain(std::iter::once(&facts.chart.values))
        .filter_map(|values| values.document());
    // The document that goes furthest along the path; the user's files first.
    let mut best: Option<(usize, &Document, _)> = None;
    for document in documents {
        if let Some((depth, node)) = furthest(document, &parts)
            && best.as_ref().is_none_or(|(known, ..)| depth > *known)
        {
            best = Some((depth, document, node));
        }
    }
    let finding = match best {
        Some((depth, document, node)) => {
            let set = parts.get(..depth).unwrap_or_default().join(".");
            let text = if depth == parts.len() {
                format!("`{set}` is null here")
            } else {
                format!(
                    "`{set}` is set here, without `{}`",
                    parts.get(depth).unwrap_or(&"")
                )
            };
            finding.label(document.location(node), text)
        }
        None => finding,
    };
    finding.help(format!(
        "`{full}` has no value: set it in a values file or with `--set {full}=…`"
    ))
}

/// How far a document follows a path, and the last node on it.
fn furthest(document: &Document, parts: &[&str]) -> Option<(usize, trueup_yaml::NodeId)> {
    let mut at = document.root();
    let mut found = None;
    for (index, part) in parts.iter().enumerate() {
        let Some((key, value)) = document.get_entry(at, part) else {
            break;
        };
        found = Some((index + 1, key));
        at = value;
    }
    found
}
