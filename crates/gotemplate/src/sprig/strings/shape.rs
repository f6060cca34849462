//! Shortening, cutting and wrapping, on bytes as Go does it.

/// `goutils.AbbreviateFull`: `...` in place of what is left out on either side.
pub(super) fn abbreviate(text: &[u8], offset: i64, width: i64) -> Vec<u8> {
    let length = i64::try_from(text.len()).unwrap_or(i64::MAX);
    if text.is_empty() || width < 4 {
        return Vec::new();
    }
    if length <= width {
        return text.to_vec();
    }
    let shown = width - 3;
    let mut offset = offset.min(length);
    if length.wrapping_sub(offset) < shown {
        offset = length - shown;
    }
    let at = |at: i64| usize::try_from(at).unwrap_or_default();
    if offset <= 4 {
        return [text.get(..at(shown)).unwrap_or_default(), b"..."].concat();
    }
    if width < 7 {
        return Vec::new();
    }
    let from = |start: i64| text.get(at(start)..).unwrap_or_default();
    if offset.wrapping_add(shown) < length {
        return [b"...".as_slice(), &abbreviate(from(offset), 0, shown)].concat();
    }
    [b"...", from(length - shown)].concat()
}

/// The Go runtime's words for slicing a string out of its bounds.
fn out_of_range(start: i64, end: Option<i64>, length: i64) -> String {
    let what = match end {
        Some(end) if end < 0 => format!("[:{end}]"),
        Some(end) if end > length => format!("[:{end}] with length {length}"),
        Some(end) => format!("[{start}:{end}]"),
        None => format!("[{start}:{length}]"),
    };
    format!("runtime error: slice bounds out of range {what}")
}

/// Sprig's `substr` as a range; bounds that Go would panic on are its error.
pub(super) fn substring(
    start: i64,
    end: i64,
    length: usize,
) -> Result<std::ops::Range<usize>, String> {
    let size = i64::try_from(length).unwrap_or(i64::MAX);
    let to_end = start >= 0 && (end < 0 || end > size);
    let (from, to) = (start.max(0), if to_end { size } else { end });
    match (usize::try_from(from), usize::try_from(to)) {
        (Ok(from), Ok(to)) if from <= to && to <= length => Ok(from..to),
        _ => Err(out_of_range(
            from,
            if to_end { None } else { Some(to) },
            size,
        )),
    }
}

/// Sprig's `trunc` as a range: the first bytes, or the last ones for a negative count.
pub(super) fn truncation(count: i64, length: usize) -> std::ops::Range<usize> {
    let size = usize::try_from(count.unsigned_abs()).unwrap_or(usize::MAX);
    if size >= length {
        0..length
    } else if count < 0 {
        length - size..length
    } else {
        0..size
    }
}

/// `goutils.WrapCustom`: lines broken at blanks, and within long words only where asked.
pub(super) fn wrap(text: &[u8], width: i64, newline: &[u8], break_words: bool) -> Vec<u8> {
    let newline = if newline.is_empty() { b"\n" } else { newline };
    let width = usize::try_from(width).unwrap_or(1).max(1);
    let mut out = Vec::with_capacity(text.len() + 16);
    let mut rest = text;
    while rest.len() > width {
        if let Some(after) = rest.strip_prefix(b" ") {
            rest = after;
            continue;
        }
        let window = rest.get(..=width).unwrap_or(rest);
        let blank = window.iter().rposition(|byte| *byte == b' ');
        let (end, skip) = if let Some(at) = blank {
            (at, 1)
        } else if break_words {
            (width, 0)
        } else if let Some(at) = rest.iter().skip(width).position(|byte| *byte == b' ') {
            (width + at, 1)
        } else {
            break;
        };
        out.extend_from_slice(rest.get(..end).unwrap_or_default());
        out.extend_from_slice(newline);
        rest = rest.get(end + skip..).unwrap_or_default();
    }
    out.extend_from_slice(rest);
    out
}
