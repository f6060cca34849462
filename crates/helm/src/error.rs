//! Why a chart cannot be loaded or rendered.

use std::fmt;

use trueup_manifest::{Diagnostic, Diagnostics, TreeError};

/// A failed load or render: the text that `helm` prints after `Error: `, and the findings that say
/// where it is wrong and what to do.
///
/// The text is Helm's own, word for word, so that it can be searched for and compared; the findings
/// are ours.
#[derive(Clone, Debug)]
pub struct Error {
    text: String,
    findings: Diagnostics,
    in_render: bool,
    rendered: Option<String>,
    warnings: Vec<String>,
}

impl Error {
    /// An error whose text is Helm's, with one finding of the same words.
    pub fn new(code: &'static str, text: impl Into<String>) -> Self {
        let text = text.into();
        Self {
            findings: Diagnostic::error(code, text.clone()).into(),
            text,
            in_render: false,
            rendered: None,
            warnings: Vec::new(),
        }
    }

    /// An error with a finding of its own.
    pub fn found(text: impl Into<String>, finding: impl Into<Diagnostics>) -> Self {
        Self {
            text: text.into(),
            findings: finding.into(),
            in_render: false,
            rendered: None,
            warnings: Vec::new(),
        }
    }

    /// Puts what was being done before the text, as Go wraps errors.
    #[must_use]
    pub fn wrap(mut self, doing: &str) -> Self {
        self.text = format!("{doing}: {}", self.text);
        self
    }

    /// Says what to do, on the first finding that does not say it yet.
    #[must_use]
    pub fn help(self, help: impl Into<String>) -> Self {
        let mut help = Some(help.into());
        Self {
            text: self.text,
            findings: self
                .findings
                .into_iter()
                .map(|finding| match (&finding.help, help.take()) {
                    (None, Some(help)) => finding.help(help),
                    _ => finding,
                })
                .collect(),
            in_render: self.in_render,
            rendered: self.rendered,
            warnings: self.warnings,
        }
    }

    /// Takes away the texts that places stand in: they may hold a secret.
    #[must_use]
    pub(crate) fn without_texts(mut self) -> Self {
        self.findings = self
            .findings
            .into_iter()
            .map(|mut finding| {
                finding.labels.clear();
                finding
            })
            .collect();
        self
    }

    /// Marks an error of templates, after which Helm says that `--debug` shows more.
    #[must_use]
    pub(crate) fn in_render(mut self) -> Self {
        self.in_render = true;
        self
    }

    /// Keeps what was rendered before it turned out to be no YAML.
    #[must_use]
    pub(crate) fn with_rendered(mut self, text: String) -> Self {
        self.rendered = Some(text);
        self
    }

    /// What was rendered, where the error is that it is no YAML: all of it, in no particular order.
    pub fn rendered(&self) -> Option<&str> {
        self.rendered.as_deref()
    }

    /// Keeps what Helm would have logged before it failed.
    #[must_use]
    pub(crate) fn with_warnings(mut self, warnings: Vec<String>) -> Self {
        self.warnings = warnings;
        self
    }

    /// What Helm logs before this error, in its words.
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// Whether templates had begun to be rendered.
    pub fn is_in_render(&self) -> bool {
        self.in_render
    }

    /// What `helm` prints after `Error: `.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Where it is wrong and what to do.
    pub fn findings(&self) -> &Diagnostics {
        &self.findings
    }

    /// [`Self::findings`], taken.
    pub fn into_findings(self) -> Diagnostics {
        self.findings
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl std::error::Error for Error {}

impl From<TreeError> for Error {
    fn from(error: TreeError) -> Self {
        Self {
            text: error.to_string(),
            findings: error.into(),
            in_render: false,
            rendered: None,
            warnings: Vec::new(),
        }
    }
}
