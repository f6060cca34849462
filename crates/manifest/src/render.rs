//! Diagnostics drawn for a person: message, place with an excerpt, chain, help.

use std::{borrow::Cow, ops::Range};

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};

use crate::{
    alike::Alike,
    diagnostic::{Diagnostic, Diagnostics, Label, Severity},
    manifest::holds_secret,
};

/// Lines shown before and after the place.
const CONTEXT_LINES: u32 = 1;
/// A longer line (minified JSON, a certificate) is not worth an excerpt.
const LONGEST_LINE: usize = 400;

impl Diagnostic {
    /// The finding as a person reads it on a terminal, without a trailing newline. The excerpt of a
    /// file that holds a Secret is withheld: only the place is named.
    pub fn render(&self, color: bool) -> String {
        self.render_with(color, None)
    }

    fn render_with(&self, color: bool, note: Option<String>) -> String {
        let level = match self.severity {
            Severity::Error => Level::ERROR,
            Severity::Warning => Level::WARNING,
        };
        let mut group = Group::with_title(level.primary_title(self.message.as_str()).id(self.code));
        let mut bare = Vec::new();
        for (index, label) in self.labels.iter().enumerate() {
            let kind = if index == 0 {
                AnnotationKind::Primary
            } else {
                AnnotationKind::Context
            };
            match excerpt(label) {
                Some((line, text, span)) => {
                    let annotation = if label.text.is_empty() {
                        kind.span(span)
                    } else {
                        kind.span(span).label(label.text.as_str())
                    };
                    group = group.element(
                        Snippet::source(text)
                            .line_start(line)
                            .fold(false)
                            .path(label.location.source.name())
                            .annotation(annotation),
                    );
                }
                None if label.text.is_empty() => bare.push(format!("at {}", label.location)),
                None => bare.push(format!("at {}: {}", label.location, label.text)),
            }
        }
        let notes = bare
            .into_iter()
            .chain((!self.chain.is_empty()).then(|| format!("through {}", self.chain.join(" → "))))
            .chain(note);
        for note in notes {
            group = group.element(Level::NOTE.message(Cow::Owned(note)));
        }
        if let Some(help) = &self.help {
            group = group.element(Level::HELP.message(help.as_str()));
        }
        let renderer = if color {
            Renderer::styled()
        } else {
            Renderer::plain()
        };
        renderer.render(&[group])
    }
}

impl Alike<'_> {
    /// The first finding as a person reads it, with a note of where else the same holds.
    pub fn render(&self, color: bool) -> String {
        let places = self.places();
        let note = (!places.is_empty()).then(|| places.join("\n"));
        self.first.render_with(color, note)
    }
}

impl Diagnostics {
    /// All findings as a person reads them, an empty line between two.
    pub fn render(&self, color: bool) -> String {
        let parts: Vec<String> = self
            .iter()
            .map(|diagnostic| diagnostic.render(color))
            .collect();
        parts.join("\n\n")
    }
}

/// The lines round a label: number of the first, text, and the label's range inside the text.
fn excerpt(label: &Label) -> Option<(usize, String, Range<usize>)> {
    let source = &label.location.source;
    let whole = source.text();
    if holds_secret(whole) {
        return None;
    }
    let start = (label.location.span.start as usize).min(whole.len());
    let first_end = whole
        .get(start..)?
        .find('\n')
        .map_or(whole.len(), |at| start + at);
    // A label over many lines is shown by its first.
    let end = (label.location.span.end as usize).clamp(start, first_end.max(start));
    let (line, _) = label.location.line_col();
    let from = line.saturating_sub(CONTEXT_LINES).max(1);
    let back = usize::try_from(line - from).ok()?;
    let window_start = nth_line_back(whole, start, back)?;
    let window_end = whole
        .get(first_end..)?
        .match_indices('\n')
        .nth(CONTEXT_LINES as usize)
        .map_or(whole.len(), |(at, _)| first_end + at);
    let text = whole.get(window_start..window_end)?;
    if text.lines().any(|line| line.len() > LONGEST_LINE) {
        return None;
    }
    let span = start - window_start..(end - window_start).max(start - window_start);
    Some((usize::try_from(from).ok()?, text.to_owned(), span))
}

/// The start of the line that lies `back` lines before the one that holds `offset`.
fn nth_line_back(text: &str, offset: usize, back: usize) -> Option<usize> {
    let before = text.get(..offset)?;
    Some(
        before
            .rmatch_indices('\n')
            .nth(back)
            .map_or(0, |(at, _)| at + 1),
    )
}

#[cfg(test)]
mod tests {
    use trueup_yaml::{Location, Source, Span};

    use super::*;

    fn at(source: &Source, needle: &str) -> Location {
        let start = u32::try_from(source.text().find(needle).unwrap()).unwrap();
        let end = start + u32::try_from(needle.len()).unwrap();
        Location {
            source: source.clone(),
            span: Span { start, end },
        }
    }

    #[test]
    fn a_finding_shows_its_place_its_chain_and_the_way_out() {
        let source = Source::new(
            "overlays/dev/kustomization.yaml",
            "resources:\n- a.yaml\nreosurces: []\n",
        );
        let diagnostic = Diagnostic::error("kustomize/unknown-field", "unknown field `reosurces`")
            .label(at(&source, "reosurces"), "not a field of a kustomization")
            .via(&["cluster_dev".into(), "overlays/dev".into()])
            .help("did you mean `resources`?");
        insta::assert_snapshot!(diagnostic.render(false), @r"
        error[kustomize/unknown-field]: unknown field `reosurces`
         --> overlays/dev/kustomization.yaml:3:1
          |
        2 | - a.yaml
        3 | reosurces: []
          | ^^^^^^^^^ not a field of a kustomization
          |
          = note: through cluster_dev → overlays/dev
          = help: did you mean `resources`?
        ");
    }

    #[test]
    fn an_excerpt_of_a_secret_is_withheld() {
        let source = Source::new(
            "s.yaml",
            "kind: Secret\nstringData:\n  password: hunter2: x\n",
        );
        let diagnostic =
            Diagnostic::error("yaml/syntax", "bad").label(at(&source, "hunter2"), "here");
        let text = diagnostic.render(false);
        assert!(!text.contains("hunter2"), "{text}");
        assert!(text.contains("s.yaml:3:13"), "{text}");
    }

    #[test]
    fn a_finding_without_a_place_is_still_one_clear_line() {
        let diagnostic = Diagnostic::warning("x/y", "something is odd");
        assert_eq!(diagnostic.render(false), "warning[x/y]: something is odd");
        assert_eq!(diagnostic.to_string(), "warning[x/y]: something is odd");
    }
}
