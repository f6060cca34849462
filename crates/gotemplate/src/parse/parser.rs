//! Tokens to nodes: the state of the parser, and what stands outside of actions.

use std::sync::Arc;

use super::ast::{Node, NodeId, NodeKind, Run, Span, Tree};
use super::lex::{Item, Kind, Lexer};
use super::literal::unquote;
use crate::error::{Error, ErrorKind, Frame, Place};
use crate::template::Delims;

/// What each template within a text has of its own while it is parsed.
pub(super) struct Scope<'t> {
    pub(super) token: [Item<'t>; 3],
    pub(super) peek_count: usize,
    pub(super) vars: Vec<&'t str>,
    /// Where the action that is being parsed began.
    pub(super) action: Option<usize>,
    pub(super) range_depth: u32,
    pub(super) paren_depth: u32,
}

impl Scope<'_> {
    fn new() -> Self {
        Self {
            token: [Item::NONE; 3],
            peek_count: 0,
            vars: vec!["$"],
            action: None,
            range_depth: 0,
            paren_depth: 0,
        }
    }
}

/// The parser of one text.
pub(super) struct Parser<'t> {
    pub(super) text: &'t str,
    pub(super) tree: Tree,
    pub(super) lexer: Lexer<'t>,
    pub(super) scope: Scope<'t>,
    pub(super) has_function: &'t dyn Fn(&str) -> bool,
    /// How many control structures are open.
    pub(super) depth: u32,
    /// Children of nodes that are still being read.
    pub(super) pending: Vec<NodeId>,
}

impl<'t> Parser<'t> {
    pub(super) fn new(
        name: &Arc<str>,
        text: &'t Arc<str>,
        delims: &'t Delims,
        has_function: &'t dyn Fn(&str) -> bool,
    ) -> Self {
        Self {
            text,
            tree: Tree {
                name: Arc::clone(name),
                text: Arc::clone(text),
                nodes: Vec::with_capacity(text.len() / 16),
                ids: Vec::with_capacity(text.len() / 16),
                spans: Vec::with_capacity(text.len() / 64),
                templates: Vec::new(),
            },
            lexer: Lexer::new(text, delims, has_function),
            scope: Scope::new(),
            has_function,
            depth: 0,
            pending: Vec::new(),
        }
    }

    /// The whole text.
    pub(super) fn parse(mut self) -> Result<Tree, Error> {
        if u32::try_from(self.text.len()).is_err() {
            return Err(self.error("the template is larger than 4 GiB"));
        }
        let pos = self.peek().pos;
        let first = self.pending.len();
        while self.peek().kind != Kind::Eof {
            if self.peek().kind == Kind::LeftDelim {
                let delim = self.next();
                if self.next_non_space().kind == Kind::Define {
                    let outer = std::mem::replace(&mut self.scope, Scope::new());
                    self.definition()?;
                    self.scope = outer;
                    continue;
                }
                self.backup2(delim);
            }
            let node = self.text_or_action()?;
            match self.tree.kind(node) {
                NodeKind::End => return Err(self.error("unexpected {{end}}")),
                NodeKind::Else => return Err(self.error("unexpected {{else}}")),
                _ => self.pending.push(node),
            }
        }
        let nodes = self.settle(first);
        let root = self.add(pos, NodeKind::List(nodes));
        let name = Arc::clone(&self.tree.name);
        self.define(name, root)?;
        Ok(self.tree)
    }

    /// `{{define "name"}} … {{end}}`, of which `define` has been read.
    fn definition(&mut self) -> Result<(), Error> {
        let context = "define clause";
        let token = self.next_non_space();
        if !matches!(token.kind, Kind::String | Kind::RawString) {
            return Err(self.unexpected(&token, context));
        }
        let name = self.unquoted(&token)?;
        self.expect(Kind::RightDelim, context)?;
        let (list, end) = self.item_list()?;
        if !matches!(self.tree.kind(end), NodeKind::End) {
            return Err(self.error(format!("unexpected {{{{else}}}} in {context}")));
        }
        self.define(name, list)
    }

    /// The body of a `block`, in a scope of its own.
    pub(super) fn block_body(&mut self, name: Arc<str>, context: &str) -> Result<(), Error> {
        let outer = std::mem::replace(&mut self.scope, Scope::new());
        let (list, end) = self.item_list()?;
        let inner = std::mem::replace(&mut self.scope, outer);
        if !matches!(self.tree.kind(end), NodeKind::End) {
            return Err(self.error(format!("unexpected {{{{else}}}} in {context}")));
        }
        let outer = std::mem::replace(&mut self.scope, inner);
        self.define(name, list)?;
        self.scope = outer;
        Ok(())
    }

    /// Puts a template into the tree. An empty one never replaces another.
    fn define(&mut self, name: Arc<str>, root: NodeId) -> Result<(), Error> {
        let old = self.tree.templates.iter().position(|(old, _)| *old == name);
        let Some(at) = old else {
            self.tree.templates.push((name, root));
            return Ok(());
        };
        let old_root = self.tree.templates.get(at).map_or(root, |entry| entry.1);
        if self.tree.is_empty(old_root) {
            if let Some(entry) = self.tree.templates.get_mut(at) {
                entry.1 = root;
            }
            return Ok(());
        }
        if self.tree.is_empty(root) {
            return Ok(());
        }
        let name = crate::fmt::quote(name.as_bytes());
        Err(self.error(format!("template: multiple definition of template {name}")))
    }

    /// Nodes up to `{{end}}` or `{{else}}`, and that one.
    pub(super) fn item_list(&mut self) -> Result<(NodeId, NodeId), Error> {
        let pos = self.peek_non_space().pos;
        let first = self.pending.len();
        while self.peek_non_space().kind != Kind::Eof {
            let node = self.text_or_action()?;
            if matches!(self.tree.kind(node), NodeKind::End | NodeKind::Else) {
                let nodes = self.settle(first);
                return Ok((self.add(pos, NodeKind::List(nodes)), node));
            }
            self.pending.push(node);
        }
        Err(self.error("unexpected EOF"))
    }

    fn text_or_action(&mut self) -> Result<NodeId, Error> {
        let token = self.next_non_space();
        match token.kind {
            Kind::Text => {
                let span = span(token.pos, token.text.len());
                Ok(self.add(token.pos, NodeKind::Text(span)))
            }
            Kind::LeftDelim => {
                self.scope.action = Some(token.pos);
                let node = stacker::maybe_grow(64 << 10, 1 << 20, || self.action())?;
                self.scope.action = None;
                Ok(node)
            }
            _ => Err(self.unexpected(&token, "input")),
        }
    }

    pub(super) fn add(&mut self, pos: usize, kind: NodeKind) -> NodeId {
        let id = NodeId(u32::try_from(self.tree.nodes.len()).unwrap_or(u32::MAX));
        let pos = u32::try_from(pos).unwrap_or(u32::MAX);
        self.tree.nodes.push(Node { pos, kind });
        id
    }

    /// The pending children from one on become those of a node.
    pub(super) fn settle(&mut self, first: usize) -> Run {
        let start = self.tree.ids.len();
        self.tree.ids.extend(self.pending.drain(first..));
        run(start, self.tree.ids.len())
    }

    /// All names from one on are those of a node.
    pub(super) fn names_from(&self, start: usize) -> Run {
        run(start, self.tree.spans.len())
    }

    /// Names become those of a node.
    pub(super) fn name(&mut self, names: impl IntoIterator<Item = Span>) -> Run {
        let start = self.tree.spans.len();
        self.tree.spans.extend(names);
        run(start, self.tree.spans.len())
    }

    pub(super) fn unquoted(&self, token: &Item<'_>) -> Result<Arc<str>, Error> {
        match unquote(token.text) {
            Some(text) => Ok(text.to_text().into()),
            None => Err(self.error("invalid syntax")),
        }
    }

    // Tokens, with three of them to look ahead.

    pub(super) fn next(&mut self) -> Item<'t> {
        if self.scope.peek_count > 0 {
            self.scope.peek_count -= 1;
        } else {
            self.scope.token[0] = self.lexer.next_item();
        }
        self.looked_at()
    }

    fn looked_at(&self) -> Item<'t> {
        let [first, second, third] = &self.scope.token;
        match self.scope.peek_count {
            0 => *first,
            1 => *second,
            _ => *third,
        }
    }

    pub(super) fn backup(&mut self) {
        self.scope.peek_count += 1;
    }

    pub(super) fn backup2(&mut self, first: Item<'t>) {
        self.scope.token[1] = first;
        self.scope.peek_count = 2;
    }

    pub(super) fn backup3(&mut self, first: Item<'t>, second: Item<'t>) {
        self.scope.token[1] = second;
        self.scope.token[2] = first;
        self.scope.peek_count = 3;
    }

    pub(super) fn peek(&mut self) -> Item<'t> {
        if self.scope.peek_count == 0 {
            self.scope.peek_count = 1;
            self.scope.token[0] = self.lexer.next_item();
        }
        let [first, second, third] = &self.scope.token;
        match self.scope.peek_count {
            1 => *first,
            2 => *second,
            _ => *third,
        }
    }

    pub(super) fn next_non_space(&mut self) -> Item<'t> {
        loop {
            let token = self.next();
            if token.kind != Kind::Space {
                return token;
            }
        }
    }

    pub(super) fn peek_non_space(&mut self) -> Item<'t> {
        let token = self.next_non_space();
        self.backup();
        token
    }

    pub(super) fn expect(&mut self, kind: Kind, context: &str) -> Result<Item<'t>, Error> {
        let token = self.next_non_space();
        if token.kind != kind {
            return Err(self.unexpected(&token, context));
        }
        Ok(token)
    }

    // Errors.

    fn line(&self, pos: usize) -> u32 {
        Place::new("", self.text, pos).line
    }

    /// An error at the token that was read last.
    pub(super) fn error(&self, message: impl Into<String>) -> Error {
        let pos = self.scope.token[0].pos;
        let line = self.line(pos);
        let error = Error::new(message).of_kind(ErrorKind::Parse);
        let name = &self.tree.name;
        let text = format!("template: {name}:{line}: {}", error.reason());
        let frame = Frame {
            place: Place::new(name, self.text, pos),
            executing: name.as_ref().into(),
            expression: String::new(),
        };
        error.framed(text, frame)
    }

    pub(super) fn unexpected(&self, token: &Item<'_>, context: &str) -> Error {
        if token.kind != Kind::Error {
            return self.error(format!("unexpected {} in {context}", token.show()));
        }
        let mistake = self.lexer.mistake(token);
        let started = self.scope.action.map(|pos| self.line(pos));
        let extra = match started {
            Some(line) if line != self.line(token.pos) => {
                let name = &self.tree.name;
                let of = if mistake.ends_with(" action") {
                    ""
                } else {
                    " in action"
                };
                format!("{of} started at {name}:{line}")
            }
            _ => String::new(),
        };
        self.error(format!("{mistake}{extra}"))
    }
}

fn run(start: usize, end: usize) -> Run {
    Run {
        start: u32::try_from(start).unwrap_or(u32::MAX),
        end: u32::try_from(end).unwrap_or(u32::MAX),
    }
}

pub(super) fn span(start: usize, len: usize) -> Span {
    let end = start + len;
    Span {
        start: u32::try_from(start).unwrap_or(u32::MAX),
        end: u32::try_from(end).unwrap_or(u32::MAX),
    }
}
