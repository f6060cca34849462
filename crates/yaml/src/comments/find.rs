//! The part of the scanner that finds the comments between two tokens.

use super::scan::{Found, Kind, Mark, Scanner};
use crate::source::saturating_u32;

/// How far the scanner of `yaml.v3` looks for comments over blanks and breaks.
const PEEK: i64 = 512;

/// The lines of comments that are being collected.
struct Run {
    /// Where the scan began, or the comment before ended.
    scan: Mark,
    /// The token that a foot comment belongs to.
    token: Mark,
    token_is_value: bool,
    /// The line where a comment must start to be the foot of what is before it.
    foot_line: i64,
    start: Mark,
    text: String,
    line: i64,
    column: i64,
    /// No empty line has been seen yet.
    first_empty: bool,
    /// The last line was empty.
    recent_empty: bool,
}

impl Run {
    fn is_dedented(&self, indent: i64) -> bool {
        self.start.column - 1 < indent
    }

    /// Turns the lines so far to a foot comment.
    fn foot(&mut self, end: Mark) -> Option<Found> {
        if self.text.is_empty() {
            return None;
        }
        let found = Found {
            scan: self.scan,
            token: self.token,
            start: self.start,
            end,
            foot: std::mem::take(&mut self.text),
            ..Found::default()
        };
        self.scan = end;
        self.token = end;
        Some(found)
    }

    /// At a line break, the end of the text or a closing bracket: the lines so far may be a foot.
    fn pause(&mut self, indent: i64, close_flow: bool, at_end: bool, here: Mark) -> Option<Found> {
        if self.recent_empty && !close_flow {
            return None;
        }
        let below = self.start.line == self.foot_line && !self.token_is_value;
        let dedented = self.is_dedented(indent);
        if close_flow || (self.first_empty && (below || dedented)) {
            if dedented && !self.text.is_empty() {
                // It has nothing to do with the token before.
                self.token = self.start;
            }
            return self.foot(here);
        }
        if !self.text.is_empty() && !at_end {
            self.text.push('\n');
        }
        None
    }

    fn pass_break(&mut self) {
        self.first_empty = false;
        self.recent_empty = true;
        self.column = 0;
        self.line += 1;
    }
}

impl<'s> Scanner<'s> {
    pub(super) fn scan_to_next_token(&mut self) {
        let scan_mark = self.mark;
        loop {
            if self.mark.column == 0 && self.rest().starts_with('\u{FEFF}') {
                self.mark.index += 3;
                self.mark.column += 1;
            }
            self.skip_blanks();
            self.turn_line_comment_of_entry();
            if self.at(self.mark.index) == b'#' {
                self.scan_comments(scan_mark);
            }
            if !self.is_break(self.mark.index) {
                return;
            }
            self.skip_line();
            if self.flow_level == 0 {
                self.simple_key_allowed = true;
            }
        }
    }

    fn rest(&self) -> &str {
        let index = usize::try_from(self.mark.index).unwrap_or(0);
        self.text.get(index..).unwrap_or("")
    }

    /// A line comment before the first entry of a sequence is the head of what follows.
    fn turn_line_comment_of_entry(&mut self) {
        let &[.., before, last] = self.items.as_slice() else {
            return;
        };
        let here = self.mark;
        if before.kind != Kind::SequenceStart
            || last.kind != Kind::Entry
            || self.is_break(here.index)
        {
            return;
        }
        let Some(comment) = self.found.last_mut() else {
            return;
        };
        if !comment.line.is_empty() {
            comment.head = std::mem::take(&mut comment.line);
            if comment.start.line == here.line - 1 {
                comment.token = here;
            }
        }
    }

    pub(super) fn scan_block_header(&mut self, start: Mark) {
        self.mark.index += 1;
        self.mark.column += 1;
        while matches!(self.at(self.mark.index), b'0'..=b'9' | b'+' | b'-') {
            self.mark.index += 1;
            self.mark.column += 1;
        }
        self.scan_line_comment(start);
    }

    /// The rest of the line as text.
    fn take_line(&mut self) -> &'s str {
        let start = usize::try_from(self.mark.index).unwrap_or(0);
        let rest = self.bytes.get(start..).unwrap_or(&[]);
        let len = memchr::memchr2(b'\n', b'\r', rest).unwrap_or(rest.len());
        self.advance(saturating_u32(start + len));
        self.text.get(start..start + len).unwrap_or("")
    }

    pub(super) fn scan_line_comment(&mut self, token: Mark) {
        if self.newlines() > 0 {
            return;
        }
        let mut peek = 0;
        while peek < PEEK && self.is_blank(self.mark.index + peek) {
            peek += 1;
        }
        if peek == PEEK || self.at(self.mark.index + peek) != b'#' {
            return;
        }
        self.skip_blanks();
        let start = self.mark;
        let line = self.take_line().to_owned();
        self.found.push(Found {
            token,
            start,
            line,
            ..Found::default()
        });
    }

    fn begin_run(&self, scan: Mark) -> Run {
        let mut token = self.items.last().copied();
        if let &[.., before, last] = self.items.as_slice()
            && last.kind == Kind::FlowEntry
        {
            token = Some(before);
        }
        let newlines = self.newlines();
        let mut foot_line = -1;
        if scan.line > 0 {
            foot_line = self.mark.line - newlines + 1;
            foot_line += i64::from(newlines == 0 && self.mark.column > 1);
        }
        Run {
            scan,
            token: token.map_or_else(Mark::default, |token| token.start),
            token_is_value: token.is_some_and(|token| token.kind == Kind::Value),
            foot_line,
            start: Mark::default(),
            text: String::new(),
            line: self.mark.line,
            column: self.mark.column,
            first_empty: newlines <= 1,
            recent_empty: false,
        }
    }

    fn scan_comments(&mut self, scan_mark: Mark) {
        let mut run = self.begin_run(scan_mark);
        let indent = self.indent.max(0);
        let mut peek = 0;
        while peek < PEEK {
            run.column += 1;
            let index = self.mark.index + peek;
            peek += 1;
            if self.is_blank(index) {
                continue;
            }
            let c = self.at(index);
            let here = Mark {
                index,
                line: run.line,
                column: run.column,
            };
            let close_flow = self.flow_level > 0 && matches!(c, b']' | b'}');
            if close_flow || self.is_break(index) || c == 0 {
                let foot = run.pause(indent, close_flow, c == 0, here);
                self.found.extend(foot);
                if !self.is_break(index) {
                    peek -= 1;
                    break;
                }
                run.pass_break();
                continue;
            }
            if run.column - 1 < indent && run.column != run.start.column {
                // A comment at another indentation is the foot of what is before it.
                self.found.extend(run.foot(here));
            }
            if c != b'#' {
                peek -= 1;
                break;
            }
            self.take_comment(&mut run, here);
            // The break after the comment is passed over.
            peek = 1;
        }
        if !run.text.is_empty() {
            let end = Mark {
                index: self.mark.index + peek - 1,
                line: run.line,
                column: run.column,
            };
            self.found.push(Found {
                scan: run.scan,
                token: run.start,
                start: run.start,
                end,
                head: run.text,
                ..Found::default()
            });
        }
    }

    fn take_comment(&mut self, run: &mut Run, here: Mark) {
        if run.text.is_empty() {
            run.start = here;
        } else {
            run.text.push('\n');
        }
        run.recent_empty = false;
        self.advance(u32::try_from(here.index).unwrap_or(u32::MAX));
        run.text.push_str(self.take_line());
        run.column = 0;
        run.line = self.mark.line;
    }
}
