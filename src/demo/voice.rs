//! How the demo speaks: short lines, colour only where somebody sees it.

use std::io::{self, Write};

/// Writes the narration.
pub struct Voice<'a> {
    out: &'a mut (dyn Write + Send),
    color: bool,
    act: u32,
}

const BOLD: &str = "1";
const DIM: &str = "2";
const GREEN: &str = "32";
const CYAN: &str = "36";

impl<'a> Voice<'a> {
    /// A voice that speaks to `out`, in colour or not.
    pub fn new(out: &'a mut (dyn Write + Send), color: bool) -> Self {
        Self { out, color, act: 0 }
    }

    fn paint(&self, style: &str, text: &str) -> String {
        if self.color {
            format!("\x1b[{style}m{text}\x1b[0m")
        } else {
            text.to_owned()
        }
    }

    /// The first line.
    pub(super) fn title(&mut self, text: &str, beside: &str) -> io::Result<()> {
        let (text, beside) = (self.paint(BOLD, text), self.paint(DIM, beside));
        writeln!(self.out, "\n  {text}  {beside}")
    }

    /// An act begins.
    pub(super) fn act(&mut self, text: &str) -> io::Result<()> {
        self.act += 1;
        let (number, text) = (
            self.paint(CYAN, &self.act.to_string()),
            self.paint(BOLD, text),
        );
        writeln!(self.out, "\n  {number}  {text}")?;
        self.out.flush()
    }

    /// Something the spectator should know.
    pub(super) fn note(&mut self, text: &str) -> io::Result<()> {
        let text = self.paint(DIM, text);
        writeln!(self.out, "     {text}")?;
        self.out.flush()
    }

    /// Something was seen to be so on the server.
    pub(super) fn seen(&mut self, what: &str, after: &str) -> io::Result<()> {
        let (tick, after) = (self.paint(GREEN, "✓"), self.paint(DIM, after));
        writeln!(self.out, "     {tick} {what}  {after}")?;
        self.out.flush()
    }

    /// A heading of what to do next.
    pub(super) fn heading(&mut self, text: &str) -> io::Result<()> {
        let text = self.paint(BOLD, text);
        writeln!(self.out, "\n  {text}")
    }

    /// A command or address to copy, with what it is for.
    pub(super) fn command(&mut self, command: &str, what_for: &str) -> io::Result<()> {
        if what_for.is_empty() {
            writeln!(self.out, "     {}", self.paint(CYAN, command))?;
            return self.out.flush();
        }
        let padded = self.paint(CYAN, &format!("{command:<44}"));
        let what_for = self.paint(DIM, what_for);
        writeln!(self.out, "     {padded}  {what_for}")?;
        self.out.flush()
    }

    /// The last line.
    pub(super) fn end(&mut self, text: &str) -> io::Result<()> {
        writeln!(self.out, "\n  {text}\n")?;
        self.out.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(color: bool) -> String {
        let mut out = Vec::new();
        let mut voice = Voice::new(&mut out, color);
        voice.title("trueup demo", "0.1.0").unwrap();
        voice.act("Somebody deletes a Service").unwrap();
        voice.seen("service/frontend is back", "0.3 s").unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn it_speaks_plainly_where_nobody_sees_colour() {
        assert_eq!(
            said(false),
            "\n  trueup demo  0.1.0\n\n  1  Somebody deletes a Service\n     ✓ service/frontend is back  0.3 s\n"
        );
    }

    #[test]
    fn commands_and_what_they_are_for_stand_in_two_columns() {
        let mut out = Vec::new();
        let mut voice = Voice::new(&mut out, false);
        voice.command("export KUBECONFIG=x", "").unwrap();
        voice.command("kubectl get all", "what is there").unwrap();
        voice.command("curl y", "what it counts").unwrap();
        let text = String::from_utf8(out).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[0], "     export KUBECONFIG=x");
        assert_eq!(lines[1].find("what"), lines[2].find("what"));
    }

    #[test]
    fn colour_changes_nothing_but_colour() {
        let plain = said(true);
        let mut bare = String::new();
        let mut escape = false;
        for c in plain.chars() {
            match c {
                '\x1b' => escape = true,
                'm' if escape => escape = false,
                c if !escape => bare.push(c),
                _ => {}
            }
        }
        assert_eq!(bare, said(false));
        assert!(plain.contains("\x1b["));
    }
}
