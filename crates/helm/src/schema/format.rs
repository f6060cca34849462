//! `format`, as drafts up to 7 assert it.

use std::net::{Ipv4Addr, Ipv6Addr};

/// Why the text is not of the format; none where it is, or where the format is not checked. What
/// Kubernetes types name (`int32`, `int64`) is unknown to the validator too and lets all pass.
pub(super) fn failure(format: &str, text: &str) -> Option<&'static str> {
    let fits = match format {
        "ipv4" => text.parse::<Ipv4Addr>().is_ok(),
        "ipv6" => text.parse::<Ipv6Addr>().is_ok(),
        "regex" => regex::Regex::new(text).is_ok(),
        "uuid" => is_uuid(text),
        "hostname" => is_hostname(text),
        "email" => text
            .rsplit_once('@')
            .is_some_and(|(local, domain)| !local.is_empty() && is_hostname(domain)),
        "date" => is_date(text),
        "date-time" => text
            .split_once(['T', 't', ' '])
            .is_some_and(|(date, time)| is_date(date) && is_time(time)),
        "uri" => text.split_once(':').is_some_and(|(scheme, _)| {
            scheme.starts_with(|c: char| c.is_ascii_alphabetic())
                && scheme
                    .chars()
                    .all(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.'))
                && !text.contains(char::is_whitespace)
        }),
        _ => return None,
    };
    (!fits).then_some("it does not have that form")
}

fn is_uuid(text: &str) -> bool {
    let parts: Vec<usize> = text.split('-').map(str::len).collect();
    parts == [8, 4, 4, 4, 12] && text.chars().all(|c| c == '-' || c.is_ascii_hexdigit())
}

fn is_hostname(text: &str) -> bool {
    let text = text.strip_suffix('.').unwrap_or(text);
    text.len() <= 253
        && text.split('.').all(|label| {
            (1..=63).contains(&label.len())
                && !label.starts_with('-')
                && !label.ends_with('-')
                && label.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
        })
}

fn numbers(text: &str, separator: char) -> Option<Vec<u32>> {
    text.split(separator)
        .map(|part| {
            part.parse()
                .ok()
                .filter(|_| part.bytes().all(|b| b.is_ascii_digit()))
        })
        .collect()
}

fn is_date(text: &str) -> bool {
    let days = |year: u32, month: u32| match month {
        4 | 6 | 9 | 11 => 30,
        2 if year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400)) => {
            29
        }
        2 => 28,
        _ => 31,
    };
    text.len() == 10
        && matches!(numbers(text, '-').as_deref(), Some([year, month, day])
            if (1..=12).contains(month) && (1..=days(*year, *month)).contains(day))
}

fn is_time(text: &str) -> bool {
    let (clock, zone) = match text.strip_suffix(['Z', 'z']) {
        Some(clock) => (clock, None),
        None => match text.rfind(['+', '-']) {
            Some(at) => (text.get(..at).unwrap_or_default(), text.get(at + 1..)),
            None => return false,
        },
    };
    let clock = clock.split_once('.').map_or(clock, |(clock, _)| clock);
    let clock =
        matches!(numbers(clock, ':').as_deref(), Some([h, m, s]) if *h < 24 && *m < 60 && *s <= 60);
    let zone = zone.is_none_or(
        |zone| matches!(numbers(zone, ':').as_deref(), Some([h, m]) if *h < 24 && *m < 60),
    );
    clock && zone
}
