//! Expressions in CEL over an object: compiled when the file is read, evaluated within bounds.
//!
//! An expression sees the parts of the object by their names (`status.ready`) and all of it as `object`.
//! What it names must be known when it is compiled; what the object does not have yet is no error.

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, LazyLock},
};

use cel::{
    Context, Env, ExecutionError, IdedExpr, Program, Value as Cel,
    common::ast::{ComprehensionExpr, EntryExpr, Expr},
};
use serde_json::Value;
use trueup_manifest::nearest;

/// The parts of an object that an expression may name; everything else of it is in `object`.
const PARTS: &[&str] = &["apiVersion", "kind", "metadata", "spec", "status", "data"];
/// The name of the whole object.
const OBJECT: &str = "object";
/// Functions of the standard library; those of times are not among them.
const FUNCTIONS: &[&str] = &[
    "bool",
    "bytes",
    "contains",
    "double",
    "dyn",
    "endsWith",
    "hasValue",
    "int",
    "matches",
    "or",
    "orValue",
    "optional.none",
    "optional.of",
    "optional.ofNonZeroValue",
    "size",
    "startsWith",
    "string",
    "type",
    "uint",
    "value",
];
/// The names of types, which are values, too.
const TYPES: &[&str] = &[
    "bool",
    "bytes",
    "double",
    "int",
    "list",
    "map",
    "null_type",
    "string",
    "type",
    "uint",
];
/// The longest expression, in bytes.
const LONGEST: usize = 4096;
/// How deep brackets, and choices (`a ? b : c`), may be nested.
const NESTED: usize = 64;
/// How many characters of operators there may be.
const OPERATORS: usize = 512;
/// How deep loops may be nested.
const DEEPEST: u32 = 3;
/// How many rounds all loops of an expression may make together, at most.
const ROUNDS: usize = 1_000_000;

static ENV: LazyLock<Arc<Env>> = LazyLock::new(|| Arc::new(Env::stdlib()));

/// An expression that says whether something holds of an object. Cheap to clone.
#[derive(Clone)]
pub struct Expression(Arc<Compiled>);

struct Compiled {
    text: String,
    program: Program,
    /// Which parts of an object it looks at.
    parts: Vec<&'static str>,
    /// How deep its loops are nested.
    depth: u32,
}

/// What is wrong with the text of an expression.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub help: String,
    /// Where in the text, in characters.
    pub at: usize,
}

/// What an expression says of an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It holds.
    True,
    /// It does not hold.
    False,
    /// The object does not have yet what the expression looks at.
    Missing(String),
    /// It cannot be evaluated, and why; no values of the object are told.
    Broken(String),
}

impl Expression {
    /// Compiles an expression, and checks that it names only what there is.
    pub fn compile(text: &str) -> Result<Self, Vec<Fault>> {
        if text.len() > LONGEST {
            return Err(vec![Fault {
                message: format!("the expression has more than {LONGEST} bytes"),
                help: "make it shorter".to_owned(),
                at: 0,
            }]);
        }
        if let Some((message, at)) = too_deep(text) {
            let help = "make it simpler".to_owned();
            return Err(vec![Fault { message, help, at }]);
        }
        with_stack(|| Self::compile_bounded(text))
    }

    fn compile_bounded(text: &str) -> Result<Self, Vec<Fault>> {
        let program = ENV.compile(text).map_err(|errors| {
            let errors = errors.errors.iter();
            errors.map(|error| syntax(text, error)).collect::<Vec<_>>()
        })?;
        let mut check = Check {
            program: &program,
            bound: Vec::new(),
            parts: Vec::new(),
            depth: 0,
            faults: Vec::new(),
        };
        check.walk(program.expression(), 0);
        let (faults, parts, depth) = (check.faults, check.parts, check.depth);
        if !faults.is_empty() {
            return Err(faults);
        }
        Ok(Self(Arc::new(Compiled {
            text: text.to_owned(),
            program,
            parts,
            depth,
        })))
    }

    /// As written.
    pub fn text(&self) -> &str {
        &self.0.text
    }

    /// What it says of an object.
    pub fn judge(&self, object: &Value) -> Verdict {
        let mut context = Context::with_env(Arc::clone(&ENV));
        let mut longest = self.0.text.len();
        for part in &self.0.parts {
            let value = if *part == OBJECT {
                Some(object)
            } else {
                object.get(part)
            };
            let Some(value) = value else { continue };
            longest = longest.max(longest_of(value));
            context.add_variable_from_value(*part, cel(value));
        }
        let rounds = longest.checked_pow(self.0.depth);
        if self.0.depth > 0 && rounds.is_none_or(|rounds| rounds > ROUNDS) {
            return Verdict::Broken(format!("its loops could go round more than {ROUNDS} times"));
        }
        match with_stack(|| self.0.program.execute(&context)) {
            Ok(Cel::Bool(true)) => Verdict::True,
            Ok(Cel::Bool(false)) => Verdict::False,
            Ok(_) => Verdict::Broken("it gives neither true nor false".to_owned()),
            Err(error) => failure(&error),
        }
    }
}

impl fmt::Debug for Expression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.text(), f)
    }
}

impl PartialEq for Expression {
    fn eq(&self, other: &Self) -> bool {
        self.text() == other.text()
    }
}

impl Eq for Expression {}

/// Parser and evaluator go down into an expression by calls, and a long chain of operators is deep, too.
fn with_stack<T>(work: impl FnOnce() -> T) -> T {
    const ENOUGH: usize = 16 << 20;
    stacker::maybe_grow(ENOUGH, 4 * ENOUGH, work)
}

/// What makes an expression too deep, and where, in characters: brackets in brackets, and chains of operators,
/// which are as deep as they are long. Texts in quotes may hold anything.
fn too_deep(text: &str) -> Option<(String, usize)> {
    let (mut depth, mut operators) = (0_usize, 0_usize);
    let mut quote = None;
    let mut escaped = false;
    for (at, c) in text.chars().enumerate() {
        if escaped {
            escaped = false;
        } else if let Some(end) = quote {
            escaped = c == '\\';
            quote = quote.filter(|_| c != end);
        } else if matches!(c, '\'' | '"') {
            quote = Some(c);
        } else if "([{?".contains(c) {
            depth += 1;
        } else if ")]}".contains(c) {
            depth = depth.saturating_sub(1);
        } else if "+-*/%!.<>=&|".contains(c) {
            operators += 1;
        }
        if depth > NESTED {
            return Some((format!("brackets are nested more than {NESTED} deep"), at));
        }
        if operators > OPERATORS {
            return Some((format!("it has more than {OPERATORS} operators"), at));
        }
    }
    None
}

fn syntax(text: &str, error: &cel::ParseError) -> Fault {
    let (line, column) = error.pos;
    let before: usize = text
        .lines()
        .take(usize::try_from(line).unwrap_or(1).saturating_sub(1))
        .map(|line| line.chars().count() + 1)
        .sum();
    let column = usize::try_from(column).unwrap_or(1).saturating_sub(1);
    Fault {
        message: format!("this is no CEL: {}", error.msg.trim().to_lowercase()),
        help: "see https://cel.dev; an example: `status.conditions.exists(c, c.type == 'Ready' && c.status == 'True')`"
            .to_owned(),
        at: (before + column).min(text.chars().count()),
    }
}

/// Finds what an expression names and there is none of.
struct Check<'a> {
    program: &'a Program,
    /// The variables of the loops round the node.
    bound: Vec<&'a str>,
    parts: Vec<&'static str>,
    depth: u32,
    faults: Vec<Fault>,
}

impl<'a> Check<'a> {
    fn walk(&mut self, node: &'a IdedExpr, depth: u32) {
        match &node.expr {
            Expr::Ident(name) => self.name(node.id, name),
            Expr::Call(call) => {
                self.function(node.id, &call.func_name, call.target.as_deref());
                let is_namespace = |target: &IdedExpr| matches!(&target.expr, Expr::Ident(name) if name == "optional");
                for part in call
                    .target
                    .as_deref()
                    .filter(|target| !is_namespace(target))
                    .into_iter()
                    .chain(&call.args)
                {
                    self.walk(part, depth);
                }
            }
            Expr::Select(select) => self.walk(&select.operand, depth),
            Expr::List(list) => list.elements.iter().for_each(|item| self.walk(item, depth)),
            Expr::Map(map) => {
                for entry in &map.entries {
                    if let EntryExpr::MapEntry(entry) = &entry.expr {
                        self.walk(&entry.key, depth);
                        self.walk(&entry.value, depth);
                    }
                }
            }
            Expr::Comprehension(looped) => self.looped(node.id, looped, depth),
            Expr::Struct(_) => self.fault(node.id, "messages cannot be made here".to_owned(), None),
            Expr::Literal(_) | Expr::Unspecified => {}
        }
    }

    fn looped(&mut self, id: u64, looped: &'a ComprehensionExpr, depth: u32) {
        self.walk(&looped.iter_range, depth);
        self.walk(&looped.accu_init, depth);
        let depth = depth + 1;
        self.depth = self.depth.max(depth);
        if depth > DEEPEST {
            let message = format!("loops are nested more than {DEEPEST} deep");
            return self.fault(id, message, None);
        }
        let outer = self.bound.len();
        self.bound.push(&looped.iter_var);
        self.bound.extend(looped.iter_var2.as_deref());
        self.bound.push(&looped.accu_var);
        for part in [&looped.loop_cond, &looped.loop_step, &looped.result] {
            self.walk(part, depth);
        }
        self.bound.truncate(outer);
    }

    fn name(&mut self, id: u64, name: &str) {
        if self.bound.contains(&name) || TYPES.contains(&name) {
            return;
        }
        let known = PARTS.iter().chain([&OBJECT]).find(|part| **part == name);
        let Some(part) = known else {
            let meant = nearest(name, PARTS.iter().copied());
            let help = match meant {
                Some(meant) => format!("did you mean `{meant}`?"),
                None => format!("everything of the object is in `object`: `object.{name}`"),
            };
            return self.fault(id, format!("there is no `{name}`"), Some(help));
        };
        if !self.parts.contains(part) {
            self.parts.push(part);
        }
    }

    fn function(&mut self, id: u64, name: &str, target: Option<&IdedExpr>) {
        let is_operator = name.starts_with(['_', '@', '-', '!']);
        let full = match target.map(|target| &target.expr) {
            Some(Expr::Ident(namespace)) if namespace == "optional" => format!("optional.{name}"),
            _ => name.to_owned(),
        };
        if is_operator || FUNCTIONS.contains(&&*full) {
            return;
        }
        let help = match nearest(name, FUNCTIONS.iter().copied()) {
            Some(meant) => format!("did you mean `{meant}`?"),
            None => {
                "there are the functions and macros of CEL's standard library but those of times"
                    .to_owned()
            }
        };
        self.fault(id, format!("there is no function `{name}`"), Some(help));
    }

    fn fault(&mut self, id: u64, message: String, help: Option<String>) {
        let at = self.program.source_info().offset_for(id);
        self.faults.push(Fault {
            message,
            help: help.unwrap_or_else(|| "write it otherwise".to_owned()),
            at: at.map_or(0, |(start, _)| start as usize),
        });
    }
}

/// Why an expression gave nothing. The errors of the library hold values, which may be secret: only names of
/// fields are told.
fn failure(error: &ExecutionError) -> Verdict {
    match error {
        ExecutionError::NoSuchKey(key) => Verdict::Missing(format!("`{key}`")),
        // What an expression may name is known: this part is not there yet.
        ExecutionError::UndeclaredReference(name) => Verdict::Missing(format!("`{name}`")),
        ExecutionError::IndexOutOfBounds(_) => Verdict::Missing("an item of a list".to_owned()),
        ExecutionError::NoSuchOverload(error) => Verdict::Broken(format!(
            "`{}` cannot be done with {}",
            error.function().trim_matches('_'),
            error.argument_types().join(" and ")
        )),
        ExecutionError::DivisionByZero(_) | ExecutionError::RemainderByZero(_) => {
            Verdict::Broken("it divides by zero".to_owned())
        }
        _ => Verdict::Broken("values have other types than it needs".to_owned()),
    }
}

/// A value as CEL has it: whole numbers are `int`s, so that they may be compared and added as written.
fn cel(value: &Value) -> Cel {
    match value {
        Value::Null => Cel::Null,
        Value::Bool(value) => Cel::Bool(*value),
        Value::Number(number) => number
            .as_i64()
            .map(Cel::Int)
            .or_else(|| number.as_u64().map(Cel::UInt))
            .unwrap_or_else(|| Cel::Float(number.as_f64().unwrap_or(f64::NAN))),
        Value::String(text) => text.as_str().into(),
        Value::Array(items) => items.iter().map(cel).collect::<Vec<_>>().into(),
        Value::Object(entries) => {
            let entries = entries
                .iter()
                .map(|(key, value)| (key.as_str(), cel(value)));
            entries.collect::<HashMap<_, _>>().into()
        }
    }
}

/// The length of the longest list or map in a value.
fn longest_of(value: &Value) -> usize {
    match value {
        Value::Array(items) => items.iter().map(longest_of).fold(items.len(), usize::max),
        Value::Object(entries) => entries
            .values()
            .map(longest_of)
            .fold(entries.len(), usize::max),
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn judge(text: &str, object: &Value) -> Verdict {
        Expression::compile(text).unwrap().judge(object)
    }

    #[test]
    fn what_an_expression_says_of_an_object() {
        let object = json!({
            "kind": "Widget", "spec": {"replicas": 2}, "webhooks": [1],
            "status": {"ready": 2, "share": 0.5, "phase": "Running",
                       "conditions": [{"type": "Ready", "status": "True"}]},
        });
        for (text, expected) in [
            ("status.ready == spec.replicas", Verdict::True),
            ("status.ready + 1 > spec.replicas", Verdict::True),
            ("status.share < 1.0", Verdict::True),
            ("status.phase in ['Running', 'Done']", Verdict::True),
            (
                "status.phase.startsWith('Run') && status.phase.matches('^R.*g$')",
                Verdict::True,
            ),
            (
                "status.phase.contains('unn') && status.phase.endsWith('g')",
                Verdict::True,
            ),
            (
                "status.conditions.exists(c, c.type == 'Ready' && c.status == 'True')",
                Verdict::True,
            ),
            (
                "status.conditions.all(c, c.status == 'False')",
                Verdict::False,
            ),
            (
                "status.conditions.filter(c, c.type == 'Ready').size() == 1",
                Verdict::True,
            ),
            ("size(object.webhooks) == 1", Verdict::True),
            ("has(status.missing)", Verdict::False),
            (
                "status.missing == 1",
                Verdict::Missing("`missing`".to_owned()),
            ),
            (
                "status.conditions[3].type == 'a'",
                Verdict::Missing("an item of a list".to_owned()),
            ),
            ("data.a == 'b'", Verdict::Missing("`data`".to_owned())),
            ("status.?missing.orValue(0) == 0", Verdict::True),
            ("optional.of(1).hasValue()", Verdict::True),
            (
                "!has(status.observed) || status.observed == 1",
                Verdict::True,
            ),
            (
                "status.ready",
                Verdict::Broken("it gives neither true nor false".to_owned()),
            ),
            (
                "1 / (status.ready - 2) == 1",
                Verdict::Broken("it divides by zero".to_owned()),
            ),
        ] {
            assert_eq!(judge(text, &object), expected, "{text}");
        }
    }

    #[test]
    fn values_that_do_not_fit_are_told_by_their_types_alone() {
        let verdict = judge(
            "data.password > 3",
            &json!({"data": {"password": "hunter2"}}),
        );
        let Verdict::Broken(why) = verdict else {
            panic!("{verdict:?}")
        };
        assert!(!why.contains("hunter2"), "{why}");
    }

    #[test]
    fn what_is_wrong_is_told_with_its_place() {
        for (text, at, message) in [
            ("status.ready ==", 15, "this is no CEL"),
            ("stats.ready == 1", 0, "there is no `stats`"),
            (
                "status.a == 1 && webhooks == 2",
                17,
                "there is no `webhooks`",
            ),
            (
                "status.conditions.exist(c, c.a)",
                0,
                "there is no function `exist`",
            ),
            ("status.a.exists(x, y.b)", 19, "there is no `y`"),
        ] {
            let faults = Expression::compile(text).unwrap_err();
            let fault = &faults[0];
            assert!(fault.message.contains(message), "{text}: {fault:?}");
            if !message.contains("function") {
                assert_eq!(fault.at, at, "{text}: {fault:?}");
            }
        }
        let faults = Expression::compile("stats.ready == 1").unwrap_err();
        assert_eq!(faults[0].help, "did you mean `status`?");
    }

    #[test]
    fn an_expression_that_would_take_too_long_is_not_evaluated() {
        let items: Vec<usize> = (0..2_000).collect();
        let object = json!({"data": {"items": items}});
        let twice = "data.items.all(a, data.items.all(b, a + b >= 0))";
        assert!(matches!(judge(twice, &object), Verdict::Broken(why) if why.contains("go round")));
        let once = "data.items.all(a, a >= 0)";
        assert_eq!(judge(once, &object), Verdict::True);
        let deep = "data.a.all(a, data.a.all(b, data.a.all(c, data.a.all(d, true))))";
        assert!(
            Expression::compile(deep).unwrap_err()[0]
                .message
                .contains("deep")
        );
        let long = format!("'{}' == ''", "a".repeat(5_000));
        assert!(
            Expression::compile(&long).unwrap_err()[0]
                .message
                .contains("bytes")
        );
        let nested = format!("{}1{} == 1", "(".repeat(500), ")".repeat(500));
        assert!(Expression::compile(&nested).is_err());
        // A chain is deep, too.
        let chain = |length: usize| format!("{}1 > 0", "1+".repeat(length));
        assert_eq!(judge(&chain(500), &object), Verdict::True);
        assert!(
            Expression::compile(&chain(1_000)).unwrap_err()[0]
                .message
                .contains("operators")
        );
        let deep = format!("{}true{}", "!(".repeat(60), ")".repeat(60));
        assert_eq!(judge(&deep, &object), Verdict::True);
    }
}
