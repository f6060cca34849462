//! Block scalars: `|` and `>`.

use super::anchor::Props;
use super::scan::{is_blank, is_break_or_end, without_indent_after_separators};
use super::{Parsed, Parser};
use crate::comments::TokenKind;
use crate::node::{NodeId, Style};

#[derive(Clone, Copy, PartialEq, Eq)]
enum Chomp {
    Strip,
    Clip,
    Keep,
}

struct Header {
    folded: bool,
    chomp: Chomp,
    /// The explicit indentation, relative to the parent.
    indent: Option<usize>,
}

impl<'s> Parser<'s> {
    /// Reads a block scalar of a parent at column `n`, and goes to the next content.
    pub(super) fn block_scalar(&mut self, n: i32, props: Props<'s>) -> Parsed<NodeId> {
        let start = self.pos;
        let header = self.block_header()?;
        let heap = self.build.heap.len();
        let parent = usize::try_from(n).unwrap_or(0);
        let least = usize::try_from(n + 1).unwrap_or(0);
        let end = match header.indent {
            Some(relative) => self.block_text(&header, parent + relative),
            None => match self.detect_indent(least)? {
                Some(indent) => self.block_text(&header, indent),
                None => self.blank_block(),
            },
        };
        self.log(TokenKind::BlockScalar, start);
        self.chomp(header.chomp, heap, end);
        let style = if header.folded {
            Style::Folded
        } else {
            Style::Literal
        };
        let text = self.build.heap_since(heap);
        let id = self.build.scalar(style, text, start);
        if !props.is_none() {
            self.apply(id, props);
        }
        // We are at the start of a line.
        self.measure_indent();
        self.next_content();
        Ok(id)
    }

    fn block_header(&mut self) -> Parsed<Header> {
        let mut header = Header {
            folded: self.peek() == b'>',
            chomp: Chomp::Clip,
            indent: None,
        };
        self.pos += 1;
        loop {
            match self.peek() {
                b'-' if header.chomp == Chomp::Clip => header.chomp = Chomp::Strip,
                b'+' if header.chomp == Chomp::Clip => header.chomp = Chomp::Keep,
                digit @ b'1'..=b'9' if header.indent.is_none() => {
                    header.indent = Some(usize::from(digit - b'0'));
                }
                _ => break,
            }
            self.pos += 1;
        }
        self.skip_blanks();
        if self.is_comment() {
            self.skip_line();
        }
        if !is_break_or_end(self.peek()) {
            return Err(self
                .error_here("unexpected text after the start of a block scalar")
                .with_help("only `+`, `-` and a digit may follow `|` or `>`; the text starts on the next line"));
        }
        // Not `newline()`: the indentation belongs to the text.
        self.pass_break();
        Ok(header)
    }

    /// Passes a line break and stays at the start of the line.
    fn pass_break(&mut self) -> bool {
        match self.peek() {
            b'\n' => self.pos += 1,
            b'\r' => {
                self.pos += 1;
                if self.peek() == b'\n' {
                    self.pos += 1;
                }
            }
            _ => return false,
        }
        self.line_start = self.pos;
        true
    }

    fn count_spaces(&self, from: usize) -> usize {
        let rest = self.bytes.get(from..).unwrap_or(&[]);
        rest.iter()
            .position(|&byte| byte != b' ')
            .unwrap_or(rest.len())
    }

    /// The indentation of the first line that is not empty; `None` if the scalar has no such line.
    fn detect_indent(&mut self, least: usize) -> Parsed<Option<usize>> {
        let mut at = self.pos;
        let mut longest = 0;
        let mut longest_at = at;
        loop {
            let spaces = self.count_spaces(at);
            let first = self.at(at + spaces);
            match first {
                b'\n' | b'\r' => {
                    if spaces > longest {
                        longest = spaces;
                        longest_at = at;
                    }
                    at += spaces + 1;
                    if first == b'\r' && self.at(at) == b'\n' {
                        at += 1;
                    }
                }
                0 => return Ok(None),
                _ if spaces < least || (spaces == 0 && self.is_marker_at(at)) => {
                    if first == b'\t' {
                        self.line_start = at;
                        self.pos = at + spaces;
                        return Err(self
                            .error_here("a tab is not allowed in indentation")
                            .with_help("indent with spaces"));
                    }
                    return Ok(None);
                }
                _ => {
                    if longest > spaces {
                        return Err(self
                            .error(
                                longest_at,
                                longest_at + longest,
                                "an empty line before the text has more spaces than the text's indentation",
                            )
                            .with_help("remove the spaces of that line, or give the indentation as in `|2`"));
                    }
                    return Ok(Some(spaces));
                }
            }
        }
    }

    fn is_marker_at(&self, at: usize) -> bool {
        let byte = self.at(at);
        matches!(byte, b'-' | b'.')
            && self.at(at + 1) == byte
            && self.at(at + 2) == byte
            && (is_blank(self.at(at + 3)) || is_break_or_end(self.at(at + 3)))
    }

    /// A scalar of empty lines only: pushes their breaks; they all trail.
    fn blank_block(&mut self) -> usize {
        let end = self.build.heap.len();
        loop {
            let spaces = self.count_spaces(self.pos);
            if !matches!(self.at(self.pos + spaces), b'\n' | b'\r') {
                return end;
            }
            self.pos += spaces;
            self.pass_break();
            self.build.heap.push('\n');
        }
    }

    /// Pushes the text of all lines with at least `indent` spaces, with a break after each; returns
    /// the end of the last line's text in the heap.
    fn block_text(&mut self, header: &Header, indent: usize) -> usize {
        let mut end = self.build.heap.len();
        let begin = end;
        // Whether the line before was indented more, or began with a tab.
        let mut was_more = false;
        let mut breaks = 0_usize;
        let mut any = false;
        loop {
            let spaces = self.count_spaces(self.pos).min(indent);
            let first = self.at(self.pos + spaces);
            if spaces < indent {
                if matches!(first, b'\n' | b'\r') {
                    self.pos += spaces;
                    self.pass_break();
                    breaks += 1;
                    self.build.heap.push('\n');
                    continue;
                }
                break;
            }
            if first == 0 || (indent == 0 && self.is_marker_at(self.pos)) {
                // Spaces at the very end are an empty line without a break.
                self.pos += spaces;
                break;
            }
            self.pos += spaces;
            if matches!(first, b'\n' | b'\r') {
                self.pass_break();
                breaks += 1;
                self.build.heap.push('\n');
                continue;
            }
            let more = is_blank(first);
            if header.folded && any && !more && !was_more {
                self.build.heap.truncate(end);
                self.fold(breaks);
            } else if !any && header.folded {
                self.build.heap.truncate(begin + breaks);
            }
            let line = self.pos;
            self.skip_line();
            let text = self.text.get(line..self.pos).unwrap_or("");
            match without_indent_after_separators(text, indent) {
                Some(text) => self.build.heap.push_str(&text),
                None => self.build.heap.push_str(text),
            }
            end = self.build.heap.len();
            any = true;
            was_more = more;
            if !self.pass_break() {
                break;
            }
            breaks = 1;
            self.build.heap.push('\n');
        }
        if self.pos < self.bytes.len() && self.pos != self.line_start {
            // The line's indentation was passed, but the line is not ours.
            self.pos = self.line_start;
        }
        end
    }

    /// Cuts the breaks after the text, which ends at `end` in the heap.
    fn chomp(&mut self, chomp: Chomp, start: usize, end: usize) {
        let trailing = self.build.heap.len() > end;
        match chomp {
            Chomp::Keep => {}
            Chomp::Clip if trailing && end > start => self.build.heap.truncate(end + 1),
            Chomp::Clip | Chomp::Strip => self.build.heap.truncate(end),
        }
    }
}
