//! PEM blocks as Go's `encoding/pem` writes and reads them.

use base64::{Engine, engine::general_purpose::STANDARD};

/// One block.
pub(super) struct Block {
    pub(super) label: String,
    pub(super) bytes: Vec<u8>,
}

/// The text of a block: lines of 64 characters.
pub(super) fn encode(label: &str, bytes: &[u8]) -> String {
    let body = STANDARD.encode(bytes);
    let mut out = format!("-----BEGIN {label}-----\n");
    for (at, character) in body.chars().enumerate() {
        if at > 0 && at % 64 == 0 {
            out.push('\n');
        }
        out.push(character);
    }
    if !body.is_empty() {
        out.push('\n');
    }
    for part in ["-----END ", label, "-----\n"] {
        out.push_str(part);
    }
    out
}

/// The first well-formed block of a text; what stands before it is passed over.
pub(super) fn decode(text: &[u8]) -> Option<Block> {
    let text = String::from_utf8_lossy(text);
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        let Some(label) = line
            .strip_prefix("-----BEGIN ")
            .and_then(|rest| rest.trim_end().strip_suffix("-----"))
        else {
            continue;
        };
        let end = format!("-----END {label}-----");
        let mut body = String::new();
        let mut inner = lines.clone();
        let closed = inner.by_ref().any(|line| {
            let closing = line.trim_end() == end;
            // Headers (`Proc-Type: …`) belong to no key that Sprig reads.
            if !closing && !line.contains(':') {
                body.extend(
                    line.chars()
                        .filter(|character| !character.is_ascii_whitespace()),
                );
            }
            closing
        });
        if let (true, Ok(bytes)) = (closed, STANDARD.decode(&body)) {
            return Some(Block {
                label: label.to_owned(),
                bytes,
            });
        }
    }
    None
}
