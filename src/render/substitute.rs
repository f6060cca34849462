//! Puts the values of variables into the objects that opted in.

use trueup_manifest::{Diagnostic, Diagnostics, Manifest, nearest};
use trueup_yaml::{Document, Kind, NodeId, Style};

use crate::config::{Literal, Spanned, Substitution, Variables, is_variable};

/// Replaces `${name}` in those values of the manifests that a rule covers, and reports all that
/// cannot be replaced.
pub(super) fn apply(
    manifests: &mut [Manifest],
    rules: &[Substitution],
    variables: &Variables,
) -> Result<(), Diagnostics> {
    let mut findings = Diagnostics::new();
    for manifest in manifests {
        let file = manifest
            .origin
            .location
            .as_ref()
            .map(|location| location.source.name());
        let gvk = manifest.gvk();
        let covering: Vec<&Substitution> = rules
            .iter()
            .filter(|rule| rule.covers(&gvk, file))
            .collect();
        if covering.is_empty() {
            continue;
        }
        let nodes = places(&manifest.doc, &covering);
        for node in nodes {
            if let Err(finding) = replace(&mut manifest.doc, node, variables) {
                findings.push(finding.via(&manifest.origin.chain));
            }
        }
    }
    findings.into_result(())
}

/// Replaces `${name}` in all values of a document.
pub(super) fn document(doc: &mut Document, variables: &Variables) -> Result<(), Diagnostics> {
    let mut found = Vec::new();
    below(doc, doc.root(), &mut found);
    let mut findings = Diagnostics::new();
    for node in found {
        findings.keep(replace(doc, node, variables));
    }
    findings.into_result(())
}

/// A text with the values of its variables.
pub(super) fn text(written: &Spanned<String>, variables: &Variables) -> Result<String, Diagnostic> {
    let at = |finding: Diagnostic| finding.at(written.location.clone());
    let mut out = String::new();
    for part in split(written).map_err(at)? {
        match part {
            Part::Text(text) => out.push_str(text),
            Part::Variable(name) => {
                let literal = variables
                    .get(name)
                    .ok_or_else(|| at(undefined(name, variables)))?;
                out.push_str(&literal.text);
            }
        }
    }
    Ok(out)
}

/// The scalars, keys among them, that the rules cover, each once.
fn places(doc: &Document, rules: &[&Substitution]) -> Vec<Place> {
    let mut found = Vec::new();
    if rules.iter().any(|rule| rule.fields.is_empty()) {
        below(doc, doc.root(), &mut found);
        return found;
    }
    for path in rules.iter().flat_map(|rule| &rule.fields) {
        at(doc, doc.root(), path.keys(), &mut found);
    }
    found.sort_by_key(|place| place.node());
    found.dedup_by_key(|place| place.node());
    found
}

/// A scalar that may hold variables.
#[derive(Clone, Copy)]
enum Place {
    Key(NodeId),
    Value(NodeId),
}

impl Place {
    fn node(self) -> NodeId {
        match self {
            Self::Key(node) | Self::Value(node) => node,
        }
    }
}

fn at(doc: &Document, node: NodeId, keys: &[String], found: &mut Vec<Place>) {
    if doc.kind(node) == Kind::Sequence {
        for item in doc.items(node) {
            at(doc, item, keys, found);
        }
        return;
    }
    match keys.split_first() {
        None => below(doc, node, found),
        Some((key, rest)) => {
            if let Some(value) = doc.get(node, key) {
                at(doc, value, rest, found);
            }
        }
    }
}

fn below(doc: &Document, node: NodeId, found: &mut Vec<Place>) {
    match doc.kind(node) {
        Kind::Mapping => {
            for (key, value) in doc.entries(node) {
                found.push(Place::Key(key));
                below(doc, value, found);
            }
        }
        Kind::Sequence => {
            for item in doc.items(node) {
                below(doc, item, found);
            }
        }
        Kind::Scalar => found.push(Place::Value(node)),
        Kind::Alias => {}
    }
}

fn replace(doc: &mut Document, place: Place, variables: &Variables) -> Result<(), Diagnostic> {
    let node = place.node();
    let Some(text) = doc.text(node).filter(|text| text.contains("${")) else {
        return Ok(());
    };
    let parts = split(text).map_err(|finding| finding.at(doc.location(node)))?;
    if let Place::Key(_) = place
        && parts.iter().any(|part| matches!(part, Part::Variable(_)))
    {
        return Err(
            Diagnostic::error("render/variable-in-key", "a key cannot hold a variable")
                .at(doc.location(node))
                .help("write the key out; values may hold variables"),
        );
    }
    let whole = match (parts.as_slice(), doc.style(node)) {
        ([Part::Variable(name)], Style::Plain) => Some(*name),
        _ => None,
    };
    let mut result = String::with_capacity(text.len());
    let mut typed = None;
    for part in &parts {
        match part {
            Part::Text(text) => result.push_str(text),
            Part::Variable(name) => {
                let literal = variables
                    .get(name)
                    .ok_or_else(|| undefined(name, variables).at(doc.location(node)))?;
                result.push_str(&literal.text);
                typed = Some(literal);
            }
        }
    }
    match (whole, typed) {
        (
            Some(_),
            Some(Literal {
                is_text: false,
                text,
            }),
        ) => {
            let scalar = doc.new_scalar(text, Style::Plain, None);
            doc.replace(node, scalar);
        }
        _ => set_string(doc, node, &result),
    }
    Ok(())
}

/// Gives a scalar another text that is a string whatever it looks like.
fn set_string(doc: &mut Document, node: NodeId, text: &str) {
    if doc.style(node) == Style::Plain {
        let scalar = doc.new_str(text);
        doc.replace(node, scalar);
    } else {
        doc.set_text(node, text);
    }
}

/// A piece of a text that may hold variables.
#[derive(Debug, PartialEq, Eq)]
enum Part<'a> {
    Text(&'a str),
    Variable(&'a str),
}

/// Takes a text apart at its variables. `$${` stands for `${`.
fn split(text: &str) -> Result<Vec<Part<'_>>, Diagnostic> {
    let mut parts = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find("${") {
        let (before, after) = rest.split_at_checked(at).unwrap_or((rest, ""));
        if let Some(plain) = before.strip_suffix('$') {
            parts.push(Part::Text(plain));
            parts.push(Part::Text("${"));
            rest = after.strip_prefix("${").unwrap_or_default();
            continue;
        }
        parts.push(Part::Text(before));
        let inside = after.strip_prefix("${").unwrap_or_default();
        match inside.split_once('}') {
            Some((name, after)) if is_variable(name) => {
                parts.push(Part::Variable(name));
                rest = after;
            }
            closed => {
                let message = match closed {
                    Some((name, _)) => {
                        format!(
                            "`${{{}}}` is not a variable",
                            name.lines().next().unwrap_or_default()
                        )
                    }
                    None => {
                        format!(
                            "`${{{}` is not closed",
                            inside.lines().next().unwrap_or_default()
                        )
                    }
                };
                return Err(Diagnostic::error("render/not-a-variable", message).help(
                    "write `${name}` with letters, digits, `_` and `-`; `$${` stands for `${` \
                     itself; or leave this object out of `substitute`",
                ));
            }
        }
    }
    parts.push(Part::Text(rest));
    parts.retain(|part| *part != Part::Text(""));
    Ok(parts)
}

fn undefined(name: &str, variables: &Variables) -> Diagnostic {
    let error = Diagnostic::error(
        "render/undefined-variable",
        format!("`${{{name}}}` has no value"),
    );
    if name.contains('.') {
        return error.help("facts of the cluster are not built yet; declare a variable");
    }
    let help = match nearest(name, variables.names()) {
        Some(meant) => format!("did you mean `${{{meant}}}`?"),
        None => format!(
            "declare it in `spec.variables` of the environment or in a context; `$${{{name}}}` \
             keeps the text as it is"
        ),
    };
    error.help(help)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_taken_apart_at_its_variables() {
        use Part::{Text, Variable};
        for (text, expected) in [
            ("${a}", vec![Variable("a")]),
            (
                "x-${a}.${b-c}/y",
                vec![
                    Text("x-"),
                    Variable("a"),
                    Text("."),
                    Variable("b-c"),
                    Text("/y"),
                ],
            ),
            ("$${a}", vec![Text("${"), Text("a}")]),
            ("$a $(a) $", vec![Text("$a $(a) $")]),
            ("${eks.oidc}", vec![Variable("eks.oidc")]),
        ] {
            assert_eq!(split(text).unwrap(), expected, "{text}");
        }
        for text in ["${", "${a", "${}", "${a:-b}", "${9}", "${a b}"] {
            assert!(split(text).is_err(), "{text}");
        }
    }
}
