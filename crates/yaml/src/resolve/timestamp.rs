//! Timestamps as the loaders read them with Go's `time.Parse`, and print them as RFC 3339.

use std::fmt::Write as _;

/// A parsed timestamp: local fields and the zone's offset in minutes (`None` where the format has no
/// zone, which means UTC).
struct Timestamp<'a> {
    date: (u32, u32, u32),
    time: (u32, u32, u32),
    /// Digits of the fraction of a second, at most nine count.
    fraction: &'a str,
    offset: i32,
}

/// Whether one of the four accepted formats fits: RFC 3339 with short fields and `T` or `t`, a date
/// and a time after one space without a zone, or a date.
pub(crate) fn is_timestamp(text: &str) -> bool {
    let bytes = text.as_bytes();
    let year = bytes.iter().take_while(|b| b.is_ascii_digit()).count();
    year == 4 && bytes.get(4) == Some(&b'-') && parse(text).is_some()
}

/// The timestamp as Go's `encoding/json` prints a `time.Time`; `None` where that fails.
pub(crate) fn rfc3339(text: &str) -> Option<String> {
    let stamp = parse(text)?;
    let ((year, month, day), (hour, minute, second)) = (stamp.date, stamp.time);
    let mut out = format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}");
    let nanos = stamp.fraction.get(..9).unwrap_or(stamp.fraction);
    let nanos = nanos.trim_end_matches('0');
    if !nanos.is_empty() {
        out.push('.');
        out.push_str(nanos);
    }
    if stamp.offset == 0 {
        out.push('Z');
    } else {
        let sign = if stamp.offset < 0 { '-' } else { '+' };
        let minutes = stamp.offset.abs();
        let hours = minutes / 60;
        if hours > 23 {
            return None;
        }
        write!(out, "{sign}{hours:02}:{:02}", minutes % 60).ok()?;
    }
    Some(out)
}

fn parse(text: &str) -> Option<Timestamp<'_>> {
    let year = text.get(..4)?.parse().ok()?;
    let rest = text.get(4..)?.strip_prefix('-')?;
    let (month, rest) = short(rest)?;
    let rest = rest.strip_prefix('-')?;
    let (day, rest) = short(rest)?;
    let date = (year, month, day);
    if !(1..=12).contains(&month) || day < 1 || day > days_in(year, month) {
        return None;
    }
    if rest.is_empty() {
        return Some(Timestamp {
            date,
            time: (0, 0, 0),
            fraction: "",
            offset: 0,
        });
    }
    let zoned = rest.starts_with(['T', 't']);
    let rest = rest.strip_prefix(['T', 't', ' '])?;
    // Go's layouts match runs of spaces for one space.
    let rest = if zoned {
        rest
    } else {
        rest.trim_start_matches(' ')
    };
    let (hour, rest) = short(rest)?;
    let (minute, rest) = short(rest.strip_prefix(':')?)?;
    let (second, rest) = short(rest.strip_prefix(':')?)?;
    if hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let (fraction, rest) = fraction(rest);
    let offset = if zoned {
        zone(rest)?
    } else if rest.is_empty() {
        0
    } else {
        return None;
    };
    Some(Timestamp {
        date,
        time: (hour, minute, second),
        fraction,
        offset,
    })
}

/// One or two digits.
fn short(text: &str) -> Option<(u32, &str)> {
    let len = text.bytes().take(2).take_while(u8::is_ascii_digit).count();
    let (digits, rest) = text.split_at_checked(len)?;
    Some((digits.parse().ok()?, rest))
}

fn fraction(text: &str) -> (&str, &str) {
    let Some(rest) = text.strip_prefix(['.', ',']) else {
        return ("", text);
    };
    let len = rest.bytes().take_while(u8::is_ascii_digit).count();
    if len == 0 {
        return ("", text);
    }
    rest.split_at(len)
}

fn zone(text: &str) -> Option<i32> {
    if text == "Z" {
        return Some(0);
    }
    let bytes = text.as_bytes();
    let &[sign, h1, h2, b':', m1, m2] = bytes else {
        return None;
    };
    let two = |a: u8, b: u8| {
        let digits = a.is_ascii_digit() && b.is_ascii_digit();
        digits.then(|| i32::from(a - b'0') * 10 + i32::from(b - b'0'))
    };
    let (hours, minutes) = (two(h1, h2)?, two(m1, m2)?);
    if hours > 24 || minutes > 60 {
        return None;
    }
    match sign {
        b'+' => Some(hours * 60 + minutes),
        b'-' => Some(-(hours * 60 + minutes)),
        _ => None,
    }
}

fn days_in(year: u32, month: u32) -> u32 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400)) => {
            29
        }
        2 => 28,
        _ => 31,
    }
}
