//! Sets of templates, and executing them.

use std::any::Any;
use std::ops::Range;
use std::sync::Arc;

use crate::compile::Template;
use crate::error::Error;
use crate::fmt::quote;
use crate::function::Functions;
use crate::parse;
use crate::value::Value;
use crate::vm::{Codes, Machine, Scope, Shared, Texts, is_function};

/// What begins and ends an action.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delims {
    /// `{{` unless set.
    pub left: String,
    /// `}}` unless set.
    pub right: String,
}

impl Default for Delims {
    fn default() -> Self {
        Self {
            left: "{{".to_owned(),
            right: "}}".to_owned(),
        }
    }
}

/// What a key that a map does not have evaluates to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MissingKey {
    /// No value, printed as `<no value>`: Go's `default` and `invalid`.
    #[default]
    Invalid,
    /// The zero value of the map's element type.
    Zero,
    /// An error.
    Error,
}

/// Bounds on one execution.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Rounds of loops, calls, what these make by its size, and what functions account for.
    pub fuel: u64,
    /// Templates within templates.
    pub depth: u32,
    /// Bytes of output, those of all nested outputs together included.
    pub output: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            fuel: 20_000_000,
            depth: 2_000,
            output: 64 << 20,
        }
    }
}

/// Is told which templates an execution goes into by `{{template}}` and `{{block}}`. Functions that render know themselves what
/// they begin.
pub trait Watch {
    /// A template begins with a value as its dot.
    fn begins(&self, template: &str, dot: &Value);

    /// The one that has begun last is done. Nothing is said of those that an error ends.
    fn ends(&self);
}

/// How to execute.
#[derive(Clone, Copy, Default)]
pub struct Options<'o> {
    /// The rule for missing keys.
    pub missing_key: MissingKey,
    /// Bounds.
    pub limits: Limits,
    /// Whether some of the data is marked secret. Then what functions make of secret arguments is
    /// secret too.
    pub secrets: bool,
    /// For functions: see [`Context::state`](crate::Context::state).
    pub state: Option<&'o dyn Any>,
    /// Who follows the execution, if anybody does.
    pub watch: Option<&'o dyn Watch>,
}

/// What a template printed.
#[derive(Clone, PartialEq, Eq)]
pub struct Output {
    /// The text; bytes that are not UTF-8 are U+FFFD.
    pub text: String,
    /// The byte ranges of the text that are secret, in order.
    pub secrets: Vec<Range<usize>>,
}

/// Templates that know each other by name. Cheap to clone; texts are parsed once, compiled when
/// first executed, and run on any thread.
#[derive(Clone)]
pub struct Templates {
    functions: Arc<Functions>,
    delims: Delims,
    name: Arc<str>,
    codes: Arc<Codes>,
    texts: Arc<Texts>,
}

impl Templates {
    /// An empty set whose templates may call these functions.
    pub fn new(functions: Arc<Functions>) -> Self {
        Self {
            functions,
            delims: Delims::default(),
            name: "".into(),
            codes: Arc::default(),
            texts: Arc::default(),
        }
    }

    /// Names the set, as errors about templates that are not in it say. Helm's is `gotpl`.
    pub fn with_name(mut self, name: &str) -> Self {
        self.name = name.into();
        self
    }

    /// Sets the delimiters of what is parsed from here on.
    pub fn set_delims(&mut self, delims: Delims) {
        self.delims = delims;
        self.texts = Arc::default();
    }

    /// Parses a text as the template `name`, with those that it defines; they replace earlier ones of
    /// the same name unless they are empty.
    pub fn parse(&mut self, name: &str, text: &str) -> Result<(), Error> {
        self.parse_shared(name, &text.into())
    }

    /// As [`parse`](Self::parse), without a copy of the text.
    pub fn parse_shared(&mut self, name: &str, text: &Arc<str>) -> Result<(), Error> {
        let scope = self.scope();
        let tree = parse::parse(&name.into(), text, &self.delims, &|name| {
            is_function(&scope, name)
        })?;
        self.texts = Arc::default();
        let codes = Arc::make_mut(&mut self.codes);
        for template in Template::all(tree) {
            if !template.is_empty || !codes.contains_key(&template.name) {
                codes.insert(Arc::clone(&template.name), template);
            }
        }
        Ok(())
    }

    /// Whether a template of this name is there.
    pub fn contains(&self, name: &str) -> bool {
        self.codes.contains_key(name)
    }

    /// The names of all templates, in order.
    pub fn names(&self) -> Vec<&str> {
        let mut names: Vec<&str> = self.codes.keys().map(|name| &**name).collect();
        names.sort_unstable();
        names
    }

    /// Executes a template with `data` as its dot.
    pub fn execute(
        &self,
        name: &str,
        data: &Value,
        options: &Options<'_>,
    ) -> Result<Output, Error> {
        let Some(template) = self.codes.get(name) else {
            let (name, of) = (quote(name.as_bytes()), quote(self.name.as_bytes()));
            return Err(Error::new(format!(
                "template: no template {name} associated with template {of}"
            )));
        };
        let mut shared = Shared::new(options);
        let scope = self.scope();
        let code = template.code(&self.functions);
        Machine::execute(&mut shared, &scope, code, data, |out| {
            let (bytes, secrets) = std::mem::take(out).into_parts();
            match String::from_utf8(bytes) {
                Ok(text) => Output { text, secrets },
                Err(error) => Output::lossy(error.as_bytes(), &secrets),
            }
        })
    }

    fn scope(&self) -> Scope<'_> {
        Scope {
            own: &self.codes,
            parent: None,
            functions: &self.functions,
            delims: &self.delims,
            name: &self.name,
            texts: &self.texts,
        }
    }
}

impl std::fmt::Debug for Output {
    /// The sizes only: the text may hold secrets.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (bytes, secrets) = (self.text.len(), self.secrets.len());
        write!(f, "Output({bytes} bytes, {secrets} secret ranges)")
    }
}

impl Output {
    /// Of bytes that are not UTF-8; the marks move with the text.
    #[cold]
    fn lossy(bytes: &[u8], secrets: &[Range<usize>]) -> Self {
        let length = |end: usize| {
            let before = bytes.get(..end).unwrap_or_default();
            String::from_utf8_lossy(before).len()
        };
        let secrets = secrets.iter();
        Self {
            text: String::from_utf8_lossy(bytes).into_owned(),
            secrets: secrets
                .map(|range| length(range.start)..length(range.end))
                .collect(),
        }
    }
}
