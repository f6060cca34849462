//! The variables of an environment: which values there are, and which wins.

use std::{collections::BTreeMap, fmt};

use trueup_manifest::Diagnostic;
use trueup_yaml::{Document, Location, NodeId, Resolved, Schema, Style};

use super::{context::Context, decode::Spanned, names};

/// The value of a variable, of the type it was written with: `"true"` is text for ever, `3` a
/// number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Literal {
    /// As written.
    pub text: String,
    /// Whether it is text, rather than a number or a boolean.
    pub is_text: bool,
}

impl Literal {
    /// A value as it would be read from a file without quotes: a number or boolean where it looks
    /// like one, otherwise text.
    pub fn read(text: &str) -> Self {
        let mut doc = Document::empty_mapping();
        let node = doc.new_scalar(text, Style::Plain, None);
        Self {
            text: text.to_owned(),
            is_text: is_text(&doc, node),
        }
    }
}

/// Whether a scalar is text, rather than a number or a boolean. A date is text, as it is for
/// Kubernetes.
pub(super) fn is_text(doc: &Document, node: NodeId) -> bool {
    !matches!(
        doc.resolve(node, Schema::Kyaml),
        Resolved::Bool(_) | Resolved::Int(_) | Resolved::Uint(_) | Resolved::Float(_)
    )
}

/// Variables as one file declares them.
pub(super) type Declared = Vec<(Spanned<String>, Spanned<Literal>)>;

/// One value that a variable was given.
#[derive(Clone, Debug, PartialEq)]
pub struct Given {
    /// The value.
    pub value: Spanned<Literal>,
    /// Who gave it.
    pub by: Giver,
}

/// Who gave a variable its value, strongest first.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Giver {
    /// `--var` on the command line.
    CommandLine,
    /// `spec.variables` of the environment.
    Environment,
    /// A context that names the environment; the lower number wins.
    Named {
        /// `spec.priority` of the context.
        priority: i64,
        /// The name of the context.
        context: String,
    },
    /// A context attached by labels; the first name in the alphabet wins.
    Labelled {
        /// The name of the context.
        context: String,
    },
}

impl fmt::Display for Giver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::CommandLine => f.write_str("the command line"),
            Self::Environment => f.write_str("the environment"),
            Self::Named { priority, context } => {
                write!(f, "context `{context}` (by name, priority {priority})")
            }
            Self::Labelled { context } => write!(f, "context `{context}` (by labels)"),
        }
    }
}

/// The variables of an environment, each with all values that it was given, the winner first.
#[derive(Clone, Debug, Default)]
pub struct Variables(BTreeMap<String, Vec<Given>>);

impl Variables {
    /// Gathers what the environment and the contexts attached to it declare. Two contexts of equal
    /// priority that would decide a value and do not agree on it are an error.
    pub(super) fn gather(
        environment: &str,
        labels: &BTreeMap<String, String>,
        own: &Declared,
        contexts: &[Context],
    ) -> (Self, Vec<Diagnostic>) {
        let mut all: BTreeMap<String, Vec<Given>> = BTreeMap::new();
        let mut give = |declared: &Declared, by: &Giver| {
            for (name, value) in declared {
                let given = Given {
                    value: value.clone(),
                    by: by.clone(),
                };
                all.entry(name.value.clone()).or_default().push(given);
            }
        };
        give(own, &Giver::Environment);
        for context in contexts {
            if let Some(giver) = context.attachment(environment, labels) {
                give(&context.variables, &giver);
            }
        }
        let mut findings = Vec::new();
        for (name, given) in &mut all {
            given.sort_by(|one, other| one.by.cmp(&other.by));
            if let [first, second, ..] = given.as_slice()
                && let (
                    Giver::Named {
                        priority: one,
                        context,
                    },
                    Giver::Named {
                        priority: other,
                        context: rival,
                    },
                ) = (&first.by, &second.by)
                && one == other
                && first.value != second.value
            {
                findings.push(
                    Diagnostic::error(
                        "config/variable-conflict",
                        format!(
                            "contexts `{context}` and `{rival}` both have priority {one} and give \
                             `{name}` different values"
                        ),
                    )
                    .label(second.value.location.clone(), format!("by `{rival}`"))
                    .label(first.value.location.clone(), format!("by `{context}`"))
                    .help("give one of them a lower `priority`, which wins, or set the variable in the environment"),
                );
            }
        }
        (Self(all), findings)
    }

    /// Sets a variable above all others. The value is text unless it reads as a number or boolean.
    pub fn set(&mut self, name: &str, value: Literal) -> Result<(), Diagnostic> {
        names::variable(name).map_err(|(message, help)| {
            Diagnostic::error(
                "config/invalid-value",
                format!("the name of a variable {message}"),
            )
            .help(help)
        })?;
        let given = Given {
            value: Spanned::bare(value),
            by: Giver::CommandLine,
        };
        self.0.entry(name.to_owned()).or_default().insert(0, given);
        Ok(())
    }

    /// The value of a variable.
    pub fn get(&self, name: &str) -> Option<&Literal> {
        self.explain(name).first().map(|given| &given.value.value)
    }

    /// All values that a variable was given, the winner first.
    pub fn explain(&self, name: &str) -> &[Given] {
        self.0.get(name).map(Vec::as_slice).unwrap_or_default()
    }

    /// The names, in order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Where the winning value was written.
    pub fn location(&self, name: &str) -> Option<&Location> {
        self.explain(name)
            .first()
            .and_then(|given| given.value.location.as_ref())
    }
}
