//! Comments of a node, as `yaml.v3` attaches them.

/// The comments around a node, each with its `#` signs and inner line breaks, without the last one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Comments {
    /// Lines above the node.
    pub head: String,
    /// At the end of the node's line.
    pub line: String,
    /// Lines below the node, before an empty line.
    pub foot: String,
}

impl Comments {
    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.head.is_empty() && self.line.is_empty() && self.foot.is_empty()
    }
}
