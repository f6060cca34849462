//! The 16-byte node of a document's arena.

/// A node of one `Document`; meaningless in any other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NodeId(pub(crate) u32);

/// What a node is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Text, to be resolved by a schema.
    Scalar,
    /// An ordered list of nodes.
    Sequence,
    /// An ordered list of key and value nodes.
    Mapping,
    /// A reference to an anchored node, where the document was read without expanding them.
    Alias,
}

/// How a node is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Style {
    /// A scalar without quotes.
    Plain,
    /// A scalar in single quotes.
    SingleQuoted,
    /// A scalar in double quotes.
    DoubleQuoted,
    /// A scalar after `|`.
    Literal,
    /// A scalar after `>`.
    Folded,
    /// A collection in brackets or braces.
    Flow,
    /// A collection by indentation.
    Block,
}

/// Text: a range of a source, or of the document's heap.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Text {
    pub(crate) start: u32,
    pub(crate) len: u32,
    pub(crate) heap: bool,
}

/// Scalars: `a` and `b` are start and length of the text.
/// Collections: `a` and `b` are start and length in the items or entries table.
/// Aliases: `a` is the target. `at` is the offset in the source that the node came from.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Node {
    meta: u32,
    pub(crate) a: u32,
    pub(crate) b: u32,
    pub(crate) at: u32,
}

/// The node's text lies in the heap, not in the source.
pub(crate) const HEAP: u32 = 1 << 5;
/// A plain scalar that is a string whatever it looks like (as a `yaml.v3` node tagged `!!str`).
pub(crate) const STRING: u32 = 1 << 6;
/// The node has a row in the table of tags.
pub(crate) const TAGGED: u32 = 1 << 7;
/// The tag was written in the source or asked for, so it is printed even if it is implied.
pub(crate) const EXPLICIT_TAG: u32 = 1 << 8;
/// The node has a row in the table of anchors.
pub(crate) const ANCHORED: u32 = 1 << 9;
/// The node has a row in the table of comments.
pub(crate) const COMMENTED: u32 = 1 << 10;
/// A plain scalar of printable ASCII as it was read in block context, which the emitters' analysis
/// would let stand as it is there.
pub(crate) const SIMPLE: u32 = 1 << 11;
/// The range of children was moved and has room up to the next power of two.
pub(crate) const GROWN: u32 = 1 << 12;
/// The mapping has an index of its keys.
pub(crate) const INDEXED: u32 = 1 << 13;
/// A plain scalar without a type (as a `yaml.v3` node without a tag).
pub(crate) const UNTYPED: u32 = 1 << 14;

const KIND: u32 = 0b11;
const STYLE_SHIFT: u32 = 2;
const STYLE: u32 = 0b111 << STYLE_SHIFT;
const SOURCE_SHIFT: u32 = 15;
/// The most sources that one document can name; beyond that nodes lose their place, not their text.
pub(crate) const MAX_SOURCES: usize = (u32::MAX >> SOURCE_SHIFT) as usize;

impl Node {
    pub(crate) fn new(kind: Kind, style: Style) -> Self {
        let kind = match kind {
            Kind::Scalar => 0,
            Kind::Sequence => 1,
            Kind::Mapping => 2,
            Kind::Alias => 3,
        };
        Self {
            meta: kind | style_bits(style),
            a: 0,
            b: 0,
            at: 0,
        }
    }

    pub(crate) fn scalar(style: Style, text: Text) -> Self {
        let mut node = Self::new(Kind::Scalar, style);
        node.set_text(text);
        node
    }

    /// A plain scalar that is a range of the first source of its document.
    #[inline]
    pub(crate) fn plain_of_first_source(start: u32, len: u32, simple: bool) -> Self {
        let flags = if simple { SIMPLE } else { 0 };
        Self {
            meta: (1 << SOURCE_SHIFT) | flags,
            a: start,
            b: len,
            at: start,
        }
    }

    #[inline]
    pub(crate) fn kind(self) -> Kind {
        match self.meta & KIND {
            0 => Kind::Scalar,
            1 => Kind::Sequence,
            2 => Kind::Mapping,
            _ => Kind::Alias,
        }
    }

    #[inline]
    pub(crate) fn style(self) -> Style {
        match (self.meta & STYLE) >> STYLE_SHIFT {
            0 => Style::Plain,
            1 => Style::SingleQuoted,
            2 => Style::DoubleQuoted,
            3 => Style::Literal,
            4 => Style::Folded,
            5 => Style::Flow,
            _ => Style::Block,
        }
    }

    pub(crate) fn set_style(&mut self, style: Style) {
        self.meta = (self.meta & !STYLE) | style_bits(style);
    }

    #[inline]
    pub(crate) fn has(self, flag: u32) -> bool {
        self.meta & flag != 0
    }

    #[inline]
    pub(crate) fn has_any(self, flags: u32) -> bool {
        self.meta & flags != 0
    }

    #[inline]
    pub(crate) fn with(mut self, flag: u32) -> Self {
        self.meta |= flag;
        self
    }

    pub(crate) fn put(&mut self, flag: u32, on: bool) {
        if on {
            self.meta |= flag;
        } else {
            self.meta &= !flag;
        }
    }

    #[inline]
    pub(crate) fn text(self) -> Text {
        Text {
            start: self.a,
            len: self.b,
            heap: self.has(HEAP),
        }
    }

    pub(crate) fn set_text(&mut self, text: Text) {
        self.a = text.start;
        self.b = text.len;
        self.put(HEAP, text.heap);
    }

    /// Index of the source, from 1; 0 for a node made in memory.
    #[inline]
    pub(crate) fn source(self) -> usize {
        (self.meta >> SOURCE_SHIFT) as usize
    }

    #[inline]
    pub(crate) fn set_source(&mut self, source: usize, at: u32) {
        let index = u32::try_from(source.min(MAX_SOURCES)).unwrap_or(0);
        self.meta = (self.meta & ((1 << SOURCE_SHIFT) - 1)) | (index << SOURCE_SHIFT);
        self.at = at;
    }

    #[inline]
    pub(crate) fn is_collection(self) -> bool {
        matches!(self.kind(), Kind::Sequence | Kind::Mapping)
    }
}

#[inline]
const fn style_bits(style: Style) -> u32 {
    (match style {
        Style::Plain => 0,
        Style::SingleQuoted => 1,
        Style::DoubleQuoted => 2,
        Style::Literal => 3,
        Style::Folded => 4,
        Style::Flow => 5,
        Style::Block => 6,
    }) << STYLE_SHIFT
}

/// A key and a value of a mapping, with the hash of the key's text.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Entry {
    pub(crate) hash: u32,
    pub(crate) key: NodeId,
    pub(crate) value: NodeId,
}

const _: () = assert!(size_of::<Node>() == 16, "a node is 16 bytes");
const _: () = assert!(size_of::<Entry>() == 12, "an entry is 12 bytes");
