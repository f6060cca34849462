//! The engine as functions see it: rendering from within a rendering.

use std::any::Any;
use std::sync::{Arc, Mutex, PoisonError};

use foldhash::{HashMap, HashMapExt as _};

use super::{Codes, Machine, Scope, Shared};
use crate::compile::{Code, Template};
use crate::error::{Error, ErrorKind, Place};
use crate::fmt::quote;
use crate::function::Engine;
use crate::parse::{self, NodeId};
use crate::value::{Buffer, Str, Value};

/// The most texts that are kept compiled.
const MAX_TEXTS: usize = 1_000;
/// The most bytes of texts that are kept compiled.
const MAX_TEXT: usize = 1 << 20;
/// What compiling a text costs, besides its length.
const COMPILE: u64 = 100;

/// Texts that were rendered from within templates, parsed.
#[derive(Default)]
pub(crate) struct Texts(Mutex<Kept>);

#[derive(Default)]
struct Kept {
    by_text: HashMap<(Arc<str>, Str), Arc<Codes>>,
    bytes: usize,
}

impl Texts {
    fn get(&self, key: &(Arc<str>, Str)) -> Option<Arc<Codes>> {
        self.lock().by_text.get(key).map(Arc::clone)
    }

    fn keep(&self, key: (Arc<str>, Str), codes: &Arc<Codes>) {
        let mut kept = self.lock();
        if kept.by_text.len() >= MAX_TEXTS || kept.bytes >= MAX_TEXT {
            *kept = Kept::default();
        }
        kept.bytes += key.1.len();
        kept.by_text.insert(key, Arc::clone(codes));
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a function may reach of the machine that calls it.
pub(super) struct Host<'h, 'o> {
    pub(super) shared: &'h mut Shared<'o>,
    pub(super) scope: &'h Scope<'h>,
    /// The template that calls, and at which of its nodes.
    pub(super) code: &'h Code,
    pub(super) node: NodeId,
}

impl Host<'_, '_> {
    fn execute(&mut self, scope: &Scope<'_>, code: &Code, data: &Value) -> Result<Str, Error> {
        if self.shared.depth >= self.shared.limits.depth {
            let depth = self.shared.limits.depth;
            let error = Error::new(format!("exceeded maximum template depth ({depth})"));
            return Err(error.of_kind(ErrorKind::Limit).with_help(
                "a template includes itself, directly or through others, without an end",
            ));
        }
        self.shared.depth += 1;
        let result = stacker::maybe_grow(128 << 10, 2 << 20, || {
            Machine::execute(self.shared, scope, code, data, |out: &mut Buffer| {
                out.to_str()
            })
        });
        self.shared.depth -= 1;
        result
    }

    /// The templates of a text, compiled now or before.
    fn compiled(&mut self, name: &str, text: &Str) -> Result<Arc<Codes>, Error> {
        let key = (Arc::from(name), text.clone());
        if let Some(codes) = self.scope.texts.get(&key) {
            return Ok(codes);
        }
        self.spend(COMPILE + text.len() as u64)?;
        let scope = self.scope;
        let source: Arc<str> = text.to_text().into();
        let is_function = |name: &str| is_function(scope, name);
        let tree = parse::parse(&key.0, &source, scope.delims, &is_function)?;
        let mut codes = Codes::new();
        for template in Template::all(tree) {
            if !template.is_empty || scope.find(&template.name).is_none() {
                codes.insert(Arc::clone(&template.name), template);
            }
        }
        let codes = Arc::new(codes);
        // What is secret is not held on to.
        if !text.has_secrets() {
            scope.texts.keep(key, &codes);
        }
        Ok(codes)
    }
}

/// Whether an identifier is a function of the scope.
pub(crate) fn is_function(scope: &Scope<'_>, name: &str) -> bool {
    scope.functions.get(name).is_some() || crate::builtin::Builtin::named(name).is_some()
}

impl Engine for Host<'_, '_> {
    fn render(&mut self, name: &str, data: &Value) -> Result<Str, Error> {
        let scope = self.scope;
        let Some(code) = scope.code(name) else {
            let (name, of) = (quote(name.as_bytes()), quote(scope.name.as_bytes()));
            return Err(Error::new(format!(
                "template: no template {name} associated with template {of}"
            )));
        };
        self.execute(scope, code, data)
    }

    fn render_text(&mut self, name: &str, text: &Str, data: &Value) -> Result<Str, Error> {
        let codes = self.compiled(name, text)?;
        let scope = Scope {
            own: &codes,
            parent: Some(self.scope),
            functions: self.scope.functions,
            delims: self.scope.delims,
            name: self.scope.name,
            texts: self.scope.texts,
        };
        let Some(template) = codes.get(name) else {
            // An empty text.
            return Ok(Str::default());
        };
        let code = template.code(scope.functions);
        self.execute(&scope, code, data)
    }

    fn is_defined(&self, name: &str) -> bool {
        self.scope.find(name).is_some()
    }

    fn spend(&mut self, work: u64) -> Result<(), Error> {
        let left = self.shared.fuel.checked_sub(work);
        self.shared.fuel = left.unwrap_or_default();
        if left.is_some() {
            return Ok(());
        }
        let fuel = self.shared.limits.fuel;
        let error = Error::new(format!("the templates took more than {fuel} steps"));
        Err(error.of_kind(ErrorKind::Limit))
    }

    fn state(&self) -> Option<&dyn Any> {
        self.shared.state
    }

    fn has_secrets(&self) -> bool {
        self.shared.secrets
    }

    fn place(&self) -> Place {
        super::failure::place(self.code, self.node)
    }
}
