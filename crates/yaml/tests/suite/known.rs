//! Cases that we read otherwise than the suite, and why.

const FLOW_INDENT: &str = "Go's loaders do not ask flow collections for indentation, and people \
    close brackets at the column of the key";
const QUOTED_INDENT: &str = "Go's loaders do not ask the lines of a quoted scalar for indentation";
const COMMENT: &str = "Go's loaders take a `#` after a closing bracket or quote for a comment";

const DIFFERENT: &[(&str, &str)] = &[
    (
        "2JQS",
        "two empty keys are duplicates, which `yaml.v3` refuses too",
    ),
    ("9C9N", FLOW_INDENT),
    ("9JBA", COMMENT),
    ("CVW2", COMMENT),
    ("DK95/01", QUOTED_INDENT),
    ("HRE5", "Go's loaders know the escape `\\'`"),
    (
        "L24T/01",
        "at the end of a text without a line break Go's loaders add none to a block scalar",
    ),
    ("QB6E", QUOTED_INDENT),
    ("SU5Z", COMMENT),
    ("VJP3/00", FLOW_INDENT),
    ("X4QW", COMMENT),
    ("Y79Y/03", FLOW_INDENT),
];

pub(crate) fn reason(name: &str) -> Option<&'static str> {
    let row = DIFFERENT.iter().find(|(id, _)| *id == name);
    row.map(|(_, reason)| *reason)
}

pub(crate) fn count() -> usize {
    DIFFERENT.len()
}
