//! How kustomize splits the two kinds of paths: `a/b` with `\/`, and `a.b.[k=v.w].c`.

/// Splits a path at a delimiter; a backslash before the delimiter keeps it, a leading delimiter is
/// dropped.
pub(crate) fn split_path(path: &str, delimiter: char) -> Vec<String> {
    let mut pieces: Vec<&str> = path.split(delimiter).collect();
    if pieces.len() > 1 && pieces.first() == Some(&"") {
        pieces.remove(0);
    }
    let mut parts: Vec<String> = Vec::with_capacity(pieces.len());
    for piece in pieces {
        match parts.last_mut() {
            Some(last) if last.ends_with('\\') => {
                last.pop();
                last.push(delimiter);
                last.push_str(piece);
            }
            _ => parts.push(piece.to_owned()),
        }
    }
    parts
}

/// Splits a path at dots, but not inside brackets: `[name=a.b]` selects list items and stays whole,
/// `[a.b]` is a key with a dot and loses its brackets.
pub(crate) fn smart_split(path: &str) -> Vec<String> {
    let mut parts = Vec::new();
    let mut pieces = split_path(path, '.').into_iter();
    while let Some(piece) = pieces.next() {
        if !piece.starts_with('[') || piece.ends_with(']') {
            parts.push(piece);
            continue;
        }
        let mut whole = piece;
        for next in pieces.by_ref() {
            whole.push('.');
            whole.push_str(&next);
            if next.ends_with(']') {
                break;
            }
        }
        if whole.contains('=') {
            parts.push(whole);
        } else {
            parts.push(whole.trim_matches(['[', ']']).to_owned());
        }
    }
    parts
}

/// Whether a part of a path selects list items by a field: `[name=web]`.
pub(crate) fn is_selector(part: &str) -> bool {
    part.starts_with('[') && part.ends_with(']')
}

/// The index that a part of a path names, as Go's `strconv.Atoi` reads it.
pub(crate) fn is_index(part: &str) -> Option<i64> {
    part.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_splits_at_its_delimiter_unless_escaped() {
        for (path, parts) in [
            ("a/b/c", &["a", "b", "c"][..]),
            ("/a/b", &["a", "b"]),
            (
                r"metadata/annotations/x\/y",
                &["metadata", "annotations", "x/y"],
            ),
            ("a//b", &["a", "", "b"]),
            ("", &[""]),
        ] {
            assert_eq!(split_path(path, '/'), parts, "{path}");
        }
    }

    #[test]
    fn a_dotted_path_keeps_what_brackets_hold() {
        for (path, parts) in [
            (
                "spec.containers.[name=a.b].image",
                &["spec", "containers", "[name=a.b]", "image"][..],
            ),
            (
                "metadata.annotations.[config.io/x]",
                &["metadata", "annotations", "config.io/x"],
            ),
            ("spec.0.x", &["spec", "0", "x"]),
            (r"data.a\.b", &["data", "a.b"]),
            ("spec.[=x].y", &["spec", "[=x]", "y"]),
        ] {
            assert_eq!(smart_split(path), parts, "{path}");
        }
    }
}
