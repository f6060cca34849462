//! Plain scalars.

use super::scan::{
    BREAK, COLON, FLOW, HASH, ODD, class, is_blank, is_blank_or_end, is_flow_indicator,
};
use super::{Parsed, Parser};
use crate::comments::TokenKind;
use crate::error::Error;
use crate::node::{NodeId, SIMPLE};
use crate::source::saturating_u32;

/// One line of a plain scalar.
struct Line {
    start: usize,
    end: usize,
    /// It has nothing but printable ASCII.
    ascii: bool,
}

impl Parser<'_> {
    /// The first line of a plain scalar in block context, as a node. Stops after its text.
    pub(super) fn plain_first_line(&mut self) -> Parsed<NodeId> {
        self.check_plain_start(false)?;
        let line = self.plain_line(false);
        self.log(TokenKind::Plain, line.start);
        Ok(self.plain_node(&line))
    }

    fn plain_node(&mut self, line: &Line) -> NodeId {
        let first = (
            self.at(line.start),
            self.at(line.start + 1),
            self.at(line.start + 2),
        );
        let like_marker = matches!(first, (b'-', b'-', b'-') | (b'.', b'.', b'.'));
        let ends_in_colon = self
            .bytes
            .get(line.start..line.end)
            .is_some_and(|text| text.ends_with(b":"));
        let is_indicator = line.end == line.start + 1 && matches!(first.0, b'-' | b'?');
        let simple = line.ascii && !like_marker && !ends_in_colon && !is_indicator;
        self.build.plain(line.start, line.end - line.start, simple)
    }

    /// Takes the text of a line up to `: `, ` #`, the end, or in flow context an indicator.
    fn plain_line(&mut self, flow: bool) -> Line {
        let start = self.pos;
        let stop = BREAK | COLON | HASH | if flow { FLOW } else { 0 };
        let mut seen = 0;
        let mut end = self.bytes.len();
        let rest = self.bytes.get(start..).unwrap_or(&[]);
        for (at, &byte) in rest.iter().enumerate() {
            let class = class(byte);
            seen |= class;
            if class & stop == 0 {
                continue;
            }
            let at = start + at;
            let stops = match byte {
                b':' => {
                    let next = self.at(at + 1);
                    is_blank_or_end(next) || (flow && is_flow_indicator(next))
                }
                b'#' => at > start && is_blank(self.at(at - 1)),
                _ => true,
            };
            if stops {
                end = at;
                break;
            }
        }
        self.pos = end;
        while end > start && is_blank(self.at(end - 1)) {
            end -= 1;
        }
        self.pos = self.pos.min(end.max(start));
        Line {
            start,
            end,
            ascii: seen & ODD == 0,
        }
    }

    /// Refuses what cannot begin a plain scalar.
    fn check_plain_start(&self, flow: bool) -> Parsed<()> {
        let byte = self.peek();
        let next = self.at(self.pos + 1);
        let bad = match byte {
            b'-' | b'?' | b':' => is_blank_or_end(next) || (flow && is_flow_indicator(next)),
            b',' | b'[' | b']' | b'{' | b'}' | b'#' | b'&' | b'*' | b'!' | b'|' | b'>' | b'\''
            | b'"' | b'%' | b'@' | b'`' => true,
            _ => false,
        };
        if bad {
            Err(self.start_error(byte))
        } else {
            Ok(())
        }
    }

    fn start_error(&self, byte: u8) -> Error {
        let c = char::from(byte);
        let shown = if byte == b'`' {
            "a backtick".to_owned()
        } else {
            format!("`{c}`")
        };
        let error = self.error_here(format!("a value cannot begin with {shown}"));
        match byte {
            b'|' | b'>' => error.with_help("a block scalar cannot stand here; quote the value"),
            b']' | b'}' => error.with_help("there is no bracket open that this could close"),
            b',' => error.with_help("remove the extra `,`, or quote the value"),
            b'-' => error.with_help("a `- ` item cannot stand here"),
            _ => error.with_help("quote the value"),
        }
    }

    /// The further lines of a plain scalar in block context, and the way to the next content.
    pub(super) fn plain_rest(&mut self, id: NodeId, n: i32) -> Parsed<()> {
        self.skip_blanks();
        if self.is_comment() {
            self.next_content();
            return Ok(());
        }
        let mut heap = None;
        loop {
            let mut breaks = 0_usize;
            while self.newline() {
                breaks += 1;
                self.skip_blanks();
            }
            let column = i32::try_from(self.indent).unwrap_or(i32::MAX);
            if breaks == 0 || self.at_end() || column <= n || self.peek() == b'#' {
                self.next_content();
                break;
            }
            if heap.is_none() {
                heap = Some(self.build.heap.len());
                let first = self.build.text(self.build.node(id), self.text).to_owned();
                self.build.heap.push_str(&first);
            }
            self.fold(breaks);
            let line = self.plain_line(false);
            let text = self.text.get(line.start..line.end).unwrap_or("");
            self.build.heap.push_str(text);
            self.extend_log(line.end);
            self.skip_blanks();
            if self.is_indicator(b':') {
                return Err(self.multiline_key_error(id, &line));
            }
            if self.is_comment() {
                self.next_content();
                break;
            }
        }
        if let Some(begin) = heap {
            let text = self.build.heap_since(begin);
            if let Some(node) = self.build.node_mut(id) {
                node.set_text(text);
                node.put(SIMPLE, false);
            }
        }
        Ok(())
    }

    /// `key: value` on a line that goes on the scalar above it.
    fn multiline_key_error(&self, id: NodeId, line: &Line) -> Error {
        let at = self.build.node(id).at as usize;
        let before = self.text.get(..at).unwrap_or("");
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        if before
            .get(line_start..)
            .is_some_and(|indent| indent.len() == self.indent && indent.trim().is_empty())
        {
            // Both lines are meant to be keys, and the first lacks its `: `.
            return self.missing_colon(at);
        }
        let (above, _) = self.source.line_col(saturating_u32(at));
        self.error(
            line.start,
            line.end,
            format!("this key is indented into the value of line {above}"),
        )
        .with_help("indent the key as its siblings, or end the value above it")
    }

    /// The last token noted goes on up to `end`.
    fn extend_log(&mut self, end: usize) {
        if let Some(last) = self.log.as_mut().and_then(|log| log.last_mut()) {
            last.end = saturating_u32(end);
        }
    }

    /// Folds line breaks into a space or into the breaks after the first.
    pub(super) fn fold(&mut self, breaks: usize) {
        if breaks == 1 {
            self.build.heap.push(' ');
        }
        for _ in 1..breaks {
            self.build.heap.push('\n');
        }
    }

    /// A plain scalar in flow context.
    pub(super) fn flow_plain(&mut self) -> Parsed<NodeId> {
        self.check_plain_start(true)?;
        let line = self.plain_line(true);
        self.log(TokenKind::Plain, line.start);
        let id = self.plain_node(&line);
        let mut heap = None;
        loop {
            let (pos, line_start) = (self.pos, self.line_start);
            let (indent, tab_indent) = (self.indent, self.tab_indent);
            self.skip_blanks();
            let mut breaks = 0_usize;
            while self.newline() {
                breaks += 1;
                self.skip_blanks();
            }
            let next = self.peek();
            let ends = breaks == 0
                || self.at_end()
                || next == b'#'
                || is_flow_indicator(next)
                || (next == b':' && {
                    let after = self.at(self.pos + 1);
                    is_blank_or_end(after) || is_flow_indicator(after)
                });
            if ends {
                self.pos = pos;
                self.line_start = line_start;
                self.indent = indent;
                self.tab_indent = tab_indent;
                break;
            }
            if heap.is_none() {
                heap = Some(self.build.heap.len());
                let first = self.text.get(line.start..line.end).unwrap_or("");
                self.build.heap.push_str(first);
            }
            self.fold(breaks);
            let line = self.plain_line(true);
            let text = self.text.get(line.start..line.end).unwrap_or("");
            self.build.heap.push_str(text);
            self.extend_log(line.end);
        }
        if let Some(begin) = heap {
            let text = self.build.heap_since(begin);
            if let Some(node) = self.build.node_mut(id) {
                node.set_text(text);
                node.put(SIMPLE, false);
            }
        }
        Ok(id)
    }
}
