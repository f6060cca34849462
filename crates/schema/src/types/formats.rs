//! The string formats that the server checks in custom resources; any other name is ignored, as it is there.

use std::net::{Ipv4Addr, Ipv6Addr};

use super::time;

/// A string format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    Byte,
    Cidr,
    Date,
    DateTime,
    Duration,
    Email,
    HexColor,
    Hostname,
    Ipv4,
    Ipv6,
    Mac,
    ObjectId,
    ShortName,
    LongName,
    Ssn,
    Uri,
    /// Any version, or the one given.
    Uuid(Option<u8>),
}

impl Format {
    /// The format of this name, if the server checks it. Dashes do not count.
    pub(crate) fn named(name: &str) -> Option<Self> {
        Some(match name.replace('-', "").as_str() {
            "byte" => Self::Byte,
            "cidr" => Self::Cidr,
            "date" => Self::Date,
            "datetime" => Self::DateTime,
            "duration" => Self::Duration,
            "email" => Self::Email,
            "hexcolor" => Self::HexColor,
            "hostname" => Self::Hostname,
            "ipv4" => Self::Ipv4,
            "ipv6" => Self::Ipv6,
            "mac" => Self::Mac,
            "bsonobjectid" => Self::ObjectId,
            "k8sshortname" => Self::ShortName,
            "k8slongname" => Self::LongName,
            "ssn" => Self::Ssn,
            "uri" => Self::Uri,
            "uuid" => Self::Uuid(None),
            "uuid3" => Self::Uuid(Some(b'3')),
            "uuid4" => Self::Uuid(Some(b'4')),
            "uuid5" => Self::Uuid(Some(b'5')),
            _ => return None,
        })
    }

    /// The normalised name, which error messages print.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Byte => "byte",
            Self::Cidr => "cidr",
            Self::Date => "date",
            Self::DateTime => "date-time",
            Self::Duration => "duration",
            Self::Email => "email",
            Self::HexColor => "hexcolor",
            Self::Hostname => "hostname",
            Self::Ipv4 => "ipv4",
            Self::Ipv6 => "ipv6",
            Self::Mac => "mac",
            Self::ObjectId => "bsonobjectid",
            Self::ShortName => "k8s-short-name",
            Self::LongName => "k8s-long-name",
            Self::Ssn => "ssn",
            Self::Uri => "uri",
            Self::Uuid(None) => "uuid",
            Self::Uuid(Some(b'3')) => "uuid3",
            Self::Uuid(Some(b'4')) => "uuid4",
            Self::Uuid(Some(_)) => "uuid5",
        }
    }

    /// Whether the text has this format.
    pub(crate) fn accepts(self, text: &str) -> bool {
        match self {
            Self::Byte => is_base64(text),
            Self::Cidr => is_cidr(text),
            Self::Date => text.len() == 10 && time::is_date_time(&format!("{text}T00:00:00Z")),
            Self::DateTime => time::is_date_time(text),
            Self::Duration => is_duration(text),
            Self::Email => text.split_once('@').is_some_and(|(name, host)| {
                !name.is_empty() && !host.is_empty() && !text.contains(char::is_whitespace)
            }),
            Self::HexColor => {
                let digits = text.strip_prefix('#').unwrap_or(text);
                matches!(digits.len(), 3 | 6) && is_hex(digits)
            }
            Self::Hostname => is_dns(text, 255, 63, true),
            Self::Ipv4 => text.parse::<Ipv4Addr>().is_ok(),
            Self::Ipv6 => text.parse::<Ipv6Addr>().is_ok(),
            Self::Mac => is_mac(text),
            Self::ObjectId => text.len() == 24 && is_hex(text),
            Self::ShortName => !text.contains('.') && is_dns(text, 63, 63, false),
            Self::LongName => is_dns(text, 253, 253, false),
            Self::Ssn => {
                let digits: String = text.chars().filter(|c| !matches!(c, '-' | ' ')).collect();
                digits.len() == 9 && digits.bytes().all(|byte| byte.is_ascii_digit())
            }
            Self::Uri => is_uri(text),
            Self::Uuid(version) => is_uuid(text, version),
        }
    }
}

fn is_hex(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn is_base64(text: &str) -> bool {
    let body = text.trim_end_matches('=');
    text.len().is_multiple_of(4)
        && text.len() - body.len() <= 2
        && body
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/'))
}

fn is_cidr(text: &str) -> bool {
    text.split_once('/').is_some_and(|(address, length)| {
        let most = if address.parse::<Ipv4Addr>().is_ok() {
            32
        } else if address.parse::<Ipv6Addr>().is_ok() {
            128
        } else {
            return false;
        };
        length.parse::<u8>().is_ok_and(|length| length <= most)
            && (length == "0" || !length.starts_with(['0', '+']))
    })
}

/// Whether the text is a Go duration, or a number with a unit in words.
fn is_duration(text: &str) -> bool {
    const UNITS: [&str; 21] = [
        "ns", "us", "µs", "μs", "ms", "s", "m", "h", "nano", "micro", "milli", "second", "minute",
        "hour", "day", "week", "sec", "min", "hr", "d", "w",
    ];
    let text = text.trim().trim_start_matches(['+', '-']);
    if text == "0" {
        return true;
    }
    let mut rest = text;
    while !rest.is_empty() {
        let digits = rest.trim_start_matches(|c: char| c.is_ascii_digit() || c == '.');
        if digits.len() == rest.len() {
            return false;
        }
        let unit_start = digits.trim_start();
        let end = unit_start
            .find(|c: char| c.is_ascii_digit() || c == '.')
            .unwrap_or(unit_start.len());
        let Some((unit, next)) = unit_start.split_at_checked(end) else {
            return false;
        };
        let unit = unit.trim_end();
        if !UNITS.contains(&unit) && !UNITS.contains(&unit.trim_end_matches('s')) {
            return false;
        }
        rest = next;
    }
    !text.is_empty()
}

fn is_dns(text: &str, most: usize, label: usize, upper: bool) -> bool {
    text.len() <= most
        && text.split('.').all(|part| {
            (1..=label).contains(&part.len())
                && !part.starts_with('-')
                && !part.ends_with('-')
                && part.bytes().all(|byte| {
                    byte.is_ascii_lowercase()
                        || byte.is_ascii_digit()
                        || byte == b'-'
                        || upper && byte.is_ascii_uppercase()
                })
        })
}

fn is_mac(text: &str) -> bool {
    [':', '-'].into_iter().any(|separator| {
        let parts: Vec<_> = text.split(separator).collect();
        matches!(parts.len(), 6 | 8 | 20)
            && parts.iter().all(|part| part.len() == 2 && is_hex(part))
    })
}

fn is_uri(text: &str) -> bool {
    if text.contains([' ', '\x7f']) || text.chars().any(char::is_control) {
        return false;
    }
    text.starts_with('/')
        || text.split_once(':').is_some_and(|(scheme, _)| {
            scheme.starts_with(|c: char| c.is_ascii_alphabetic())
                && scheme
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.'))
        })
}

fn is_uuid(text: &str, version: Option<u8>) -> bool {
    let mut digits = Vec::with_capacity(32);
    let mut rest = text.bytes().peekable();
    while let Some(byte) = rest.next() {
        if !byte.is_ascii_hexdigit() {
            return false;
        }
        digits.push(byte.to_ascii_lowercase());
        if matches!(digits.len(), 8 | 12 | 16 | 20) {
            rest.next_if_eq(&b'-');
        }
    }
    digits.len() == 32
        && version.is_none_or(|version| {
            digits.get(12) == Some(&version)
                && (version == b'3' || matches!(digits.get(16), Some(b'8' | b'9' | b'a' | b'b')))
        })
}
