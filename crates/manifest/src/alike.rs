//! Findings that say the same of many places, so that a person reads them once.

use std::collections::HashMap;

use crate::diagnostic::Diagnostic;

/// How many places are listed before the rest is counted.
const LISTED: usize = 20;

/// A finding and those that say the same of other places.
#[derive(Clone, Debug)]
pub struct Alike<'a> {
    /// The one to show whole.
    pub first: &'a Diagnostic,
    /// The others, in their order.
    pub others: Vec<&'a Diagnostic>,
}

impl<'a> Alike<'a> {
    /// Puts together the warnings of the same code, message and help, each where the first of them
    /// stands. An error stays by itself: what led to it and its excerpt are what mends it.
    pub fn group(findings: impl IntoIterator<Item = &'a Diagnostic>) -> Vec<Self> {
        let mut groups: Vec<Self> = Vec::new();
        let mut known = HashMap::new();
        for finding in findings {
            let index = if finding.is_error() || finding.location().is_none() {
                groups.len()
            } else {
                let says = (finding.code, &finding.message, &finding.help);
                *known.entry(says).or_insert(groups.len())
            };
            match groups.get_mut(index) {
                Some(group) => group.others.push(finding),
                None => groups.push(Self {
                    first: finding,
                    others: Vec::new(),
                }),
            }
        }
        groups
    }

    /// `the same at 3 more places:`, and a line for each; empty where there is none.
    pub fn places(&self) -> Vec<String> {
        let count = self.others.len();
        if count == 0 {
            return Vec::new();
        }
        let noun = if count == 1 { "place" } else { "places" };
        let listed = self.others.iter().take(LISTED);
        let mut lines = vec![format!("the same at {count} more {noun}:")];
        lines.extend(listed.filter_map(|finding| Some(format!("  {}", finding.location()?))));
        if let Some(rest) = count.checked_sub(LISTED).filter(|rest| *rest > 0) {
            lines.push(format!("  … and {rest} more"));
        }
        lines
    }
}

#[cfg(test)]
mod tests {
    use trueup_yaml::{Location, Source, Span};

    use super::*;

    fn at(name: &str) -> Location {
        Location {
            source: Source::new(name, "a: 1\n"),
            span: Span { start: 0, end: 1 },
        }
    }

    #[test]
    fn warnings_that_say_the_same_are_one_with_a_list_of_places() {
        let old = |file: &str| Diagnostic::warning("x/old", "`a` is old").at(at(file));
        let findings = [
            old("one.yaml"),
            Diagnostic::warning("x/old", "`b` is old").at(at("one.yaml")),
            old("two.yaml"),
            old("three.yaml"),
        ];
        let groups = Alike::group(&findings);
        let lines: Vec<Vec<String>> = groups.iter().map(Alike::places).collect();
        assert_eq!(
            lines,
            [
                vec![
                    "the same at 2 more places:".to_owned(),
                    "  two.yaml:1:1".to_owned(),
                    "  three.yaml:1:1".to_owned(),
                ],
                vec![],
            ]
        );
    }

    #[test]
    fn errors_stay_by_themselves() {
        let error = |file: &str| Diagnostic::error("x/bad", "bad").at(at(file));
        let findings = [error("one.yaml"), error("two.yaml")];
        assert_eq!(Alike::group(&findings).len(), 2);
    }
}
