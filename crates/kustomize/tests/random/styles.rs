//! Odd ways to write YAML down: what the parser and printer have to get through unchanged.

use super::dice::Dice;

/// A file as somebody else's editor or generator would have written it.
pub fn restyle(dice: &mut Dice<'_>, text: String) -> String {
    match dice.below(40) {
        0 => text.replace('\n', "\r\n"),
        1 => format!("---\n{text}"),
        // Upstream adds a line to a text that keeps its last ones (`|+`) where a comment follows it.
        2 if !text.contains("|+") => format!("# head\n\n---\n# second\n{text}# foot\n"),
        3 => format!("{text}---\n"),
        4 => format!("---\n---\n{text}---\n# nothing\n---\n"),
        5 => format!("{text}...\n"),
        6 => text.trim_end().to_owned(),
        7 if dice.once_in(6) => format!("%YAML 1.1\n---\n{text}"),
        8 => text
            .replace("\nkind:", "\n\"kind\":")
            .replace("\nspec:", "\n'spec':"),
        9 => text.replace(
            "\nmetadata:\n  name:",
            "\nmetadata: # of it\n  # the name\n  name:",
        ),
        10 => format!("\n\n{text}\n\n"),
        11 => text.replace(": ", ":   "),
        12 => format!("\u{feff}{text}"),
        13 => format!("--- # comment\n{text}"),
        _ => text,
    }
}

/// Fields of an object that say nothing but try the printer.
pub fn oddities(dice: &mut Dice<'_>) -> String {
    const ODD: [&str; 22] = [
        "  folded: >-\n    one two\n    three\n\n    four\n",
        "  literal: |+\n    keep\n\n\n",
        "  indented: |2\n      two more\n    back\n",
        "  long: this is a text that goes on for a good while longer than the eighty columns at which printers fold their lines\n",
        "  quoted: \"tab\\t and \\\"quotes\\\" and \\\\ and \\u00e9 and \\x07\"\n",
        "  single: 'it''s # not a comment: really'\n",
        "  empty: {}\n  none: []\n  nested: {a: {}, b: [[], {}]}\n",
        "  anchored: &x {a: 1, b: [c]}\n  aliased: *x\n",
        "  base: &b\n    k: v\n    l: 1\n  merged:\n    <<: *b\n    l: 2\n",
        "  multi: plain\n    over two\n    lines\n",
        "  emoji: \"\u{1f600} \u{4e16}\u{754c}\"\n",
        "  seq:\n  - - a\n    - b\n  - - c\n",
        "  seq:\n    - indented\n    - more:  x\n      y: z\n",
        "  flow: [a, 'b', \"c\", {d: e}, 1, null, ~]\n",
        "  multiline: \"one\\ntwo\\n\"\n  spaces: \"trailing \\nx\"\n",
        "  bin: !!binary aGVsbG8=\n",
        "  ? complex\n  : value\n",
        "  # a comment above\n  key: value # and beside\n  # and below\n",
        "  octal: 0644\n  hex: 0xFF\n  exp: 1e5\n  inf: .inf\n  nan: .NaN\n",
        "  \"quoted key\": a\n  'single key': b\n  5: number\n  true: bool\n",
        "  tabs: \"a\\tb\"\n  block: |\n    a\tb\n",
        "  crlf: \"a\\r\\nb\"\n  nel: \"a\\u0085b\"\n  nbsp: \"a\\u00a0b\"\n",
    ];
    ODD[dice.below(ODD.len())].to_owned()
}
