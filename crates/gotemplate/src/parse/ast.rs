//! The syntax tree: an arena of nodes over one text.

use std::sync::Arc;

use super::number::Number;

/// A node's index in its tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NodeId(pub(crate) u32);

/// A range of the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) start: u32,
    pub(crate) end: u32,
}

/// Some of a tree's [`ids`](Tree::ids) or [`spans`](Tree::spans), one after the other.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Run {
    pub(crate) start: u32,
    pub(crate) end: u32,
}

/// A text and what was parsed of it.
#[derive(Debug)]
pub(crate) struct Tree {
    /// The name under which the text was parsed.
    pub(crate) name: Arc<str>,
    pub(crate) text: Arc<str>,
    pub(crate) nodes: Vec<Node>,
    /// The children of nodes, those of one together.
    pub(crate) ids: Vec<NodeId>,
    /// The names in fields and variables, those of one node together.
    pub(crate) spans: Vec<Span>,
    /// The templates of the text: those defined in it, and itself last.
    pub(crate) templates: Vec<(Arc<str>, NodeId)>,
}

/// A node and where errors at it point to.
#[derive(Debug)]
pub(crate) struct Node {
    pub(crate) pos: u32,
    pub(crate) kind: NodeKind,
}

/// What a node is.
#[derive(Debug)]
pub(crate) enum NodeKind {
    /// Nodes one after the other.
    List(Run),
    /// Plain text.
    Text(Span),
    /// A pipeline whose value is printed.
    Action(NodeId),
    If(Branch),
    Range(Branch),
    With(Branch),
    Break,
    Continue,
    /// `{{template "name" pipeline}}`, also left behind by `{{block}}`.
    Template {
        name: Arc<str>,
        pipe: Option<NodeId>,
    },
    Pipe {
        decl: Run,
        is_assign: bool,
        commands: Run,
    },
    /// A command's operands.
    Command(Run),
    /// A function's name.
    Identifier(Span),
    /// `.a.b`, without the points.
    Field(Run),
    /// `$x.a.b`: the name with its dollar sign, then fields.
    Variable(Run),
    /// `(pipeline).a.b`.
    Chain {
        node: NodeId,
        fields: Run,
    },
    Dot,
    Nil,
    Bool(bool),
    Number(Box<Number>),
    /// A string as it was written.
    String(Span),
    /// `{{else}}`; never in a tree.
    Else,
    /// `{{end}}`; never in a tree.
    End,
}

/// What `if`, `range` and `with` have alike.
#[derive(Debug)]
pub(crate) struct Branch {
    pub(crate) pipe: NodeId,
    pub(crate) list: NodeId,
    pub(crate) else_list: Option<NodeId>,
}

impl Tree {
    pub(crate) fn node(&self, id: NodeId) -> &Node {
        const NONE: &Node = &Node {
            pos: 0,
            kind: NodeKind::Nil,
        };
        self.nodes.get(id.0 as usize).unwrap_or(NONE)
    }

    pub(crate) fn kind(&self, id: NodeId) -> &NodeKind {
        &self.node(id).kind
    }

    /// The nodes of a list, a pipeline or a command.
    pub(crate) fn children(&self, run: Run) -> &[NodeId] {
        let children = self.ids.get(run.start as usize..run.end as usize);
        children.unwrap_or_default()
    }

    /// The names of a field or a variable.
    pub(crate) fn names(&self, run: Run) -> &[Span] {
        let names = self.spans.get(run.start as usize..run.end as usize);
        names.unwrap_or_default()
    }

    pub(crate) fn span(&self, span: Span) -> &str {
        self.text
            .get(span.start as usize..span.end as usize)
            .unwrap_or_default()
    }

    /// Whether there is nothing but space.
    pub(crate) fn is_empty(&self, id: NodeId) -> bool {
        match self.kind(id) {
            NodeKind::List(nodes) => self
                .children(*nodes)
                .iter()
                .all(|&node| self.is_empty(node)),
            NodeKind::Text(span) => self.span(*span).trim().is_empty(),
            _ => false,
        }
    }
}
