//! `urlParse` and `urlJoin`: Go's `net/url`, which keeps parts apart that the `url` crate normalises.

#[cfg(test)]
mod tests;

use std::net::Ipv6Addr;

use super::bind::{STRING, quote};
use crate::{
    error::Error,
    function::{Functions, Signature},
    value::{Kind, Map, Str, Type, Value},
};

/// Where a text stands in a URL, which decides what must be escaped.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    Path,
    Host,
    Zone,
    User,
    Fragment,
}

/// A URL taken apart, all parts unescaped but the query and the opaque part.
#[derive(Default)]
struct Url {
    scheme: Vec<u8>,
    opaque: Vec<u8>,
    /// User name, and password if there is one.
    user: Option<(Vec<u8>, Option<Vec<u8>>)>,
    host: Vec<u8>,
    path: Vec<u8>,
    query: Vec<u8>,
    fragment: Vec<u8>,
}

fn must_escape(byte: u8, part: Part) -> bool {
    match byte {
        b'a'..=b'z'
        | b'A'..=b'Z'
        | b'0'..=b'9'
        | b'-'
        | b'_'
        | b'.'
        | b'~'
        | b'$'
        | b'&'
        | b'+'
        | b','
        | b';'
        | b'=' => false,
        b'!' | b'(' | b')' | b'*' => !matches!(part, Part::Host | Part::Zone | Part::Fragment),
        b'\'' | b'[' | b']' | b'<' | b'>' | b'"' => !matches!(part, Part::Host | Part::Zone),
        b'/' | b'@' => !matches!(part, Part::Path | Part::Fragment),
        b'?' => part != Part::Fragment,
        b':' => part == Part::User,
        _ => true,
    }
}

fn escape(text: &[u8], part: Part) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len() + 8);
    for byte in text {
        if must_escape(*byte, part) {
            out.extend(format!("%{byte:02X}").bytes());
        } else {
            out.push(*byte);
        }
    }
    out
}

fn unescape(text: &[u8], part: Part) -> Result<Vec<u8>, String> {
    let bad = |escape: &[u8]| {
        format!(
            "invalid URL escape {}",
            quote(escape.get(..3).unwrap_or(escape))
        )
    };
    let in_host = matches!(part, Part::Host | Part::Zone);
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((byte, after)) = rest.split_first() {
        if *byte != b'%' {
            if in_host && *byte < 0x80 && must_escape(*byte, part) {
                return Err(format!(
                    "invalid character {} in host name",
                    quote(&[*byte])
                ));
            }
            out.push(*byte);
            rest = after;
            continue;
        }
        let digits = after
            .first_chunk::<2>()
            .map(|digits| digits.map(|digit| char::from(digit).to_digit(16)));
        let Some([Some(high), Some(low)]) = digits else {
            return Err(bad(rest));
        };
        let value = u8::try_from(high << 4 | low).unwrap_or_default();
        let percent = rest.starts_with(b"%25");
        if part == Part::Host && high < 8 && !percent
            || part == Part::Zone && !percent && value != b' ' && must_escape(value, Part::Host)
        {
            return Err(bad(rest));
        }
        out.push(value);
        rest = after.get(2..).unwrap_or_default();
    }
    Ok(out)
}

/// `text` before and after the first `mark`; nothing after where there is none.
fn cut(text: &[u8], mark: u8) -> (&[u8], Option<&[u8]>) {
    match text.iter().position(|byte| *byte == mark) {
        Some(at) => (text.get(..at).unwrap_or_default(), text.get(at + 1..)),
        None => (text, None),
    }
}

impl Url {
    /// Go's `url.Parse`, with its error.
    fn parse(text: &[u8]) -> Result<Self, String> {
        let (main, fragment) = cut(text, b'#');
        let mut url =
            Self::parse_main(main).map_err(|error| format!("parse {}: {error}", quote(main)))?;
        url.fragment = unescape(fragment.unwrap_or_default(), Part::Fragment)
            .map_err(|error| format!("parse {}: {error}", quote(text)))?;
        Ok(url)
    }

    fn parse_main(text: &[u8]) -> Result<Self, String> {
        if text.iter().any(|byte| *byte < b' ' || *byte == 0x7f) {
            return Err("net/url: invalid control character in URL".into());
        }
        let mut url = Self::default();
        if text == b"*" {
            url.path = text.to_vec();
            return Ok(url);
        }
        let (scheme, rest) = split_scheme(text)?;
        url.scheme = scheme.to_ascii_lowercase();
        let (rest, query) = cut(rest, b'?');
        url.query = query.unwrap_or_default().to_vec();
        if !rest.starts_with(b"/") {
            if !scheme.is_empty() {
                url.opaque = rest.to_vec();
                return Ok(url);
            }
            if cut(rest, b'/').0.contains(&b':') {
                return Err("first path segment in URL cannot contain colon".into());
            }
        }
        let authority = if scheme.is_empty() && rest.starts_with(b"///") {
            None
        } else {
            rest.strip_prefix(b"//")
        };
        let mut path = rest;
        if let Some(authority) = authority {
            let end = authority
                .iter()
                .position(|byte| *byte == b'/')
                .unwrap_or(authority.len());
            let (authority, after) = authority.split_at_checked(end).unwrap_or((authority, &[]));
            url.parse_authority(authority)?;
            path = after;
        }
        url.path = unescape(path, Part::Path)?;
        Ok(url)
    }

    fn parse_authority(&mut self, authority: &[u8]) -> Result<(), String> {
        let at = authority.iter().rposition(|byte| *byte == b'@');
        let (user, host) = match at {
            Some(at) => (
                authority.get(..at),
                authority.get(at + 1..).unwrap_or_default(),
            ),
            None => (None, authority),
        };
        self.host = self.parse_host(host)?;
        let Some(user) = user else { return Ok(()) };
        if !user
            .iter()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-._:~!$&'()*+,;=%@".contains(byte))
        {
            return Err("net/url: invalid userinfo".into());
        }
        let (name, password) = cut(user, b':');
        let password = password.map(|password| unescape(password, Part::User));
        // The name's error comes first.
        let name = unescape(name, Part::User)?;
        self.user = Some((name, password.transpose()?));
        Ok(())
    }

    fn parse_host(&self, host: &[u8]) -> Result<Vec<u8>, String> {
        let invalid_port = |port: &[u8]| format!("invalid port {} after host", quote(port));
        match host.iter().rposition(|byte| *byte == b'[') {
            Some(0) => {
                let Some(end) = host.iter().rposition(|byte| *byte == b']') else {
                    return Err("missing ']' in host".into());
                };
                let port = host.get(end + 1..).unwrap_or_default();
                if !is_optional_port(port) {
                    return Err(invalid_port(port));
                }
                let name = host.get(1..end).unwrap_or_default();
                let zone = super::strings::find(name, b"%25").unwrap_or(name.len());
                let (address, zone) = name.split_at_checked(zone).unwrap_or((name, &[]));
                let name = [unescape(address, Part::Host)?, unescape(zone, Part::Zone)?].concat();
                check_address(&name)?;
                Ok([b"[", name.as_slice(), b"]", port].concat())
            }
            Some(_) => Err("invalid IP-literal".into()),
            None => {
                // Only in the two schemes of the web is a second colon looked at.
                let web = matches!(self.scheme.as_slice(), b"http" | b"https");
                let colon = |byte: &u8| *byte == b':';
                let at = if web {
                    host.iter().position(colon)
                } else {
                    host.iter().rposition(colon)
                };
                let port = at.and_then(|at| host.get(at..)).unwrap_or_default();
                if !is_optional_port(port) {
                    return Err(invalid_port(port));
                }
                unescape(host, Part::Host)
            }
        }
    }

    fn hostname(&self) -> &[u8] {
        let mut name = self.host.as_slice();
        if let Some(at) = name.iter().rposition(|byte| *byte == b':')
            && let Some((before, port)) = name.split_at_checked(at)
            && is_optional_port(port)
        {
            name = before;
        }
        name.strip_prefix(b"[")
            .and_then(|inner| inner.strip_suffix(b"]"))
            .unwrap_or(name)
    }

    fn userinfo(&self) -> Vec<u8> {
        let Some((name, password)) = &self.user else {
            return Vec::new();
        };
        let mut out = escape(name, Part::User);
        if let Some(password) = password {
            out.push(b':');
            out.extend(escape(password, Part::User));
        }
        out
    }

    /// Go's `URL.String` for a URL put together from its parts.
    fn print(&self) -> Vec<u8> {
        let mut out = Vec::new();
        if !self.scheme.is_empty() {
            out.extend_from_slice(&self.scheme);
            out.push(b':');
        }
        if self.opaque.is_empty() {
            if !self.scheme.is_empty() || !self.host.is_empty() || self.user.is_some() {
                if !self.host.is_empty() || !self.path.is_empty() || self.user.is_some() {
                    out.extend_from_slice(b"//");
                }
                if self.user.is_some() {
                    out.extend(self.userinfo());
                    out.push(b'@');
                }
                out.extend(escape(&self.host, Part::Host));
            }
            let path = if self.path == b"*" {
                b"*".to_vec()
            } else {
                escape(&self.path, Part::Path)
            };
            if !path.is_empty() && !path.starts_with(b"/") && !self.host.is_empty() {
                out.push(b'/');
            }
            if out.is_empty() && cut(&path, b'/').0.contains(&b':') {
                out.extend_from_slice(b"./");
            }
            out.extend(path);
        } else {
            out.extend_from_slice(&self.opaque);
        }
        if !self.query.is_empty() {
            out.push(b'?');
            out.extend_from_slice(&self.query);
        }
        if !self.fragment.is_empty() {
            out.push(b'#');
            out.extend(escape(&self.fragment, Part::Fragment));
        }
        out
    }
}

fn split_scheme(text: &[u8]) -> Result<(&[u8], &[u8]), String> {
    for (at, byte) in text.iter().enumerate() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' => {}
            b'0'..=b'9' | b'+' | b'-' | b'.' if at > 0 => {}
            b':' if at == 0 => return Err("missing protocol scheme".into()),
            b':' => {
                return Ok((
                    text.get(..at).unwrap_or_default(),
                    text.get(at + 1..).unwrap_or_default(),
                ));
            }
            _ => break,
        }
    }
    Ok((&[], text))
}

fn is_optional_port(text: &[u8]) -> bool {
    match text.split_first() {
        None => true,
        Some((first, digits)) => *first == b':' && digits.iter().all(u8::is_ascii_digit),
    }
}

/// In brackets stands an IPv6 address, with a zone perhaps.
fn check_address(name: &[u8]) -> Result<(), String> {
    let text = String::from_utf8_lossy(name);
    let (address, zone) = text
        .split_once('%')
        .map_or((&*text, None), |(address, zone)| (address, Some(zone)));
    if zone.is_none() && address.parse::<std::net::Ipv4Addr>().is_ok() {
        return Err("invalid IP-literal".into());
    }
    if zone == Some("") {
        return Err(format!(
            "invalid host: ParseAddr({}): zone must be a non-empty string",
            quote(name)
        ));
    }
    address.parse::<Ipv6Addr>().map(drop).map_err(|_| {
        format!(
            "invalid host: ParseAddr({}): unable to parse IP",
            quote(name)
        )
    })
}

pub(super) fn add(functions: &mut Functions) {
    functions.add("urlParse", Signature::of(&[STRING]), |call| {
        let url =
            Url::parse(call.bytes(0)).map_err(|error| format!("unable to parse url: {error}"))?;
        let parts: [(&str, &[u8]); 8] = [
            ("scheme", &url.scheme),
            ("host", &url.host),
            ("hostname", url.hostname()),
            ("path", &url.path),
            ("query", &url.query),
            ("opaque", &url.opaque),
            ("fragment", &url.fragment),
            ("userinfo", &url.userinfo()),
        ];
        Ok(Value::map(parts.map(|(name, part)| {
            (name, Value::Str(Str::from_bytes(part)))
        })))
    });
    functions.add("urlJoin", Signature::of(&[Type::MAP]), |call| {
        join(&call.map(0))
    });
}

fn join(parts: &Map) -> Result<Value, Error> {
    let part = |name: &str| match parts.get(name) {
        None => Ok(Vec::new()),
        Some(Value::Str(text)) => Ok(text.as_bytes().to_vec()),
        Some(Value::Nil) => Err(Error::from(super::bind::NIL_DEREFERENCE)),
        Some(other) if other.kind() == Kind::String => {
            Ok(super::bind::text_of(&other).as_bytes().to_vec())
        }
        Some(other) => {
            let kind = other.kind().name();
            Err(
                format!("unable to parse {name} key, must be of type string, but {kind} found")
                    .into(),
            )
        }
    };
    let mut url = Url {
        scheme: part("scheme")?,
        host: part("host")?,
        path: part("path")?,
        query: part("query")?,
        opaque: part("opaque")?,
        fragment: part("fragment")?,
        user: None,
    };
    let user = part("userinfo")?;
    if !user.is_empty() {
        let parsed = Url::parse(&[b"proto://", user.as_slice(), b"@host"].concat())
            .map_err(|error| format!("unable to parse userinfo in dict: {error}"))?;
        url.user = parsed.user;
    }
    Ok(Value::Str(Str::from_bytes(url.print())))
}
