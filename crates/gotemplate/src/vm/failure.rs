//! Errors of an execution: Go's words, and all places on the way.

use super::Machine;
use crate::compile::Code;
use crate::error::{Error, ErrorKind, Frame, Place};
use crate::fmt::quote;
use crate::parse::NodeId;
use crate::value::Value;

impl Machine<'_, '_> {
    /// An error at the node that was looked at last.
    #[cold]
    pub(super) fn fail(&self, reason: impl Into<String>) -> Error {
        self.place(Error::new(reason), self.node(self.at), "")
    }

    pub(super) fn node(&self, op: usize) -> NodeId {
        self.code.nodes.get(op).copied().unwrap_or(NodeId(0))
    }

    /// An error with its place at a node, `prefix` before its text.
    #[cold]
    pub(super) fn place(&self, error: Error, node: NodeId, prefix: &str) -> Error {
        let expression = self.code.tree.show(node);
        let place = place(self.code, node);
        let tree = &self.code.tree;
        let text = format!(
            "template: {}:{}:{}: executing {} at <{expression}>: {prefix}{}",
            tree.name,
            place.line,
            go_column(&tree.text, place.offset as usize),
            quote(self.code.name.as_bytes()),
            error.text(),
        );
        let frame = Frame {
            place,
            executing: self.code.name.as_ref().into(),
            expression,
        };
        let mut error = error.framed(text, frame);
        for caller in self.frames.iter().rev() {
            let node = caller.code.nodes.get(caller.pc.saturating_sub(1)).copied();
            let node = node.unwrap_or(NodeId(0));
            error = error.called_from(Frame {
                place: self::place(caller.code, node),
                executing: caller.code.name.as_ref().into(),
                expression: caller.code.tree.show(node),
            });
        }
        error
    }

    #[cold]
    pub(super) fn fail_with(&self, message: u32) -> Result<(), Error> {
        let message = self.code.messages.get(message as usize);
        Err(self.fail(message.map_or("", String::as_str)))
    }

    #[cold]
    pub(super) fn too_deep(&self) -> Error {
        let depth = self.shared.limits.depth;
        let error = Error::new(format!("exceeded maximum template depth ({depth})"));
        let error = error.of_kind(ErrorKind::Limit);
        self.place(error, self.node(self.at), "")
            .with_help("a template calls itself, directly or through others, without an end")
    }

    #[cold]
    pub(super) fn too_long(&self) -> Error {
        let bytes = self.shared.limits.output;
        let error = Error::new(format!("the output is larger than {bytes} bytes"));
        let error = error.of_kind(ErrorKind::Limit);
        self.place(error, self.node(self.at), "")
    }

    #[cold]
    pub(super) fn out_of_fuel(&self) -> Error {
        let fuel = self.shared.limits.fuel;
        let error = Error::new(format!("the templates took more than {fuel} steps"));
        let error = error.of_kind(ErrorKind::Limit);
        self.place(error, self.node(self.at), "")
            .with_help("look for a loop over too many things, here or in what includes it")
    }

    #[cold]
    pub(super) fn cannot_print(&self, value: &Value) -> Error {
        let node = self.node(self.pc.saturating_sub(1));
        let reason = format!(
            "can't print {} of type {}",
            self.code.tree.show(node),
            value.type_name()
        );
        self.place(Error::new(reason), node, "")
    }
}

pub(super) fn place(code: &Code, node: NodeId) -> Place {
    let tree = &code.tree;
    Place::new(&tree.name, &tree.text, tree.node(node).pos as usize)
}

/// The column as Go counts it: bytes, from 0.
fn go_column(text: &str, offset: usize) -> usize {
    let before = text.get(..offset.min(text.len())).unwrap_or_default();
    before
        .rfind('\n')
        .map_or(before.len(), |at| before.len() - at - 1)
}
