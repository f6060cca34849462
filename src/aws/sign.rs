//! Signature version 4: proves a request with a secret key that is not sent.
//!
//! As AWS documents it in “Create a signed AWS API request”; checked with the vectors that AWS publishes
//! for makers of its clients (`vectors.json`, from the signing suite of the `aws-sigv4` crate, Apache-2.0).

use std::fmt::Write;

use aws_lc_rs::{digest, hmac};
use jiff::Timestamp;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

use super::credentials::Credentials;

/// What stands as it is in a canonical request.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'~');

/// What stands as it is in a path that is encoded already.
const IN_PATH: &AsciiSet = &RESERVED.remove(b'/').remove(b'%');

/// What stands as it is in a path that is encoded once more.
const IN_PATH_AGAIN: &AsciiSet = &RESERVED.remove(b'/');

/// A request as it will be sent.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// The method.
    pub method: &'a str,
    /// The path, encoded as it will be sent.
    pub path: &'a str,
    /// The query, encoded, without its `?`.
    pub query: &'a str,
    /// The headers to sign; `host` among them.
    pub headers: &'a [(String, String)],
    /// The body.
    pub body: &'a [u8],
}

/// What a signature is good for.
#[derive(Clone, Copy, Debug)]
pub struct Scope<'a> {
    /// The region.
    pub region: &'a str,
    /// The service, by its name in signatures: `sts`.
    pub service: &'a str,
    /// The time.
    pub at: Timestamp,
    /// How the service reads paths.
    pub paths: Paths,
    /// Whether the digest of the body is sent and signed, as S3 wants it.
    pub sign_body: bool,
}

/// How a service reads paths.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Paths {
    /// As they are sent: S3.
    AsSent,
    /// As they are sent, with `.`, `..` and empty parts resolved.
    Resolved,
    /// Resolved, and encoded once more: all services but S3.
    EncodedAgain,
}

/// The headers that a signature adds to a request: `x-amz-date`, those of a session and of the body where
/// there are any, and `authorization`.
pub fn sign(
    request: &Request<'_>,
    scope: &Scope<'_>,
    credentials: &Credentials,
) -> Vec<(String, String)> {
    let time = scope.at.strftime("%Y%m%dT%H%M%SZ").to_string();
    let day = scope.at.strftime("%Y%m%d").to_string();
    let mut added = vec![("x-amz-date".to_owned(), time.clone())];
    if let Some(token) = &credentials.session_token {
        added.push(("x-amz-security-token".to_owned(), token.expose().to_owned()));
    }
    if scope.sign_body {
        added.push(("x-amz-content-sha256".to_owned(), sha256(request.body)));
    }
    let (canonical, names) = canonical(request, &added, scope.paths);
    let within = format!("{day}/{}/{}/aws4_request", scope.region, scope.service);
    let to_sign = format!(
        "AWS4-HMAC-SHA256\n{time}\n{within}\n{}",
        sha256(canonical.as_bytes())
    );
    let secret = format!("AWS4{}", credentials.secret_access_key.expose());
    let mut key = mac(secret.as_bytes(), &day);
    for part in [scope.region, scope.service, "aws4_request"] {
        key = mac(&key, part);
    }
    let signature = hex(&mac(&key, &to_sign));
    added.push((
        "authorization".to_owned(),
        format!(
            "AWS4-HMAC-SHA256 Credential={}/{within}, SignedHeaders={names}, Signature={signature}",
            credentials.access_key_id
        ),
    ));
    added
}

/// The one form of a request that both sides sign, and the names of its headers.
fn canonical(request: &Request<'_>, added: &[(String, String)], paths: Paths) -> (String, String) {
    let mut headers: Vec<(String, String)> = request
        .headers
        .iter()
        .chain(added)
        .map(|(name, value)| (name.to_ascii_lowercase(), trimmed(value)))
        .collect();
    // Stable: values of one name stay in their order.
    headers.sort_by(|a, b| a.0.cmp(&b.0));
    headers.dedup_by(|later, first| {
        let same = later.0 == first.0;
        if same {
            // Writing to a string cannot fail.
            let _ = write!(first.1, ",{}", later.1);
        }
        same
    });
    let names: Vec<&str> = headers.iter().map(|(name, _)| name.as_str()).collect();
    let names = names.join(";");
    let mut text = format!(
        "{}\n{}\n{}\n",
        request.method,
        canonical_path(request.path, paths),
        canonical_query(request.query)
    );
    for (name, value) in &headers {
        let _ = writeln!(text, "{name}:{value}");
    }
    let _ = write!(text, "\n{names}\n{}", sha256(request.body));
    (text, names)
}

fn canonical_path(path: &str, paths: Paths) -> String {
    let sent = utf8_percent_encode(path, IN_PATH).to_string();
    let path = match paths {
        Paths::AsSent => {
            return if sent.is_empty() {
                "/".to_owned()
            } else {
                sent
            };
        }
        Paths::Resolved | Paths::EncodedAgain => resolved(&sent),
    };
    match paths {
        Paths::EncodedAgain => utf8_percent_encode(&path, IN_PATH_AGAIN).to_string(),
        _ => path,
    }
}

/// A path without `.`, `..` and empty parts.
fn resolved(path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    let ends = ["/", "/.", "/.."].iter().any(|end| path.ends_with(end));
    let slash = if ends && !parts.is_empty() { "/" } else { "" };
    format!("/{}{slash}", parts.join("/"))
}

fn canonical_query(query: &str) -> String {
    let encoded = |text: &str| {
        let decoded: Vec<u8> = percent_decode_str(text).collect();
        percent_encoding::percent_encode(&decoded, RESERVED).to_string()
    };
    let mut pairs: Vec<(String, String)> = query
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            (encoded(name), encoded(value))
        })
        .collect();
    pairs.sort();
    let pairs: Vec<String> = pairs
        .iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    pairs.join("&")
}

/// A header's value with runs of white space as one space.
fn trimmed(value: &str) -> String {
    value.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn mac(key: &[u8], text: &str) -> Vec<u8> {
    let key = hmac::Key::new(hmac::HMAC_SHA256, key);
    hmac::sign(&key, text.as_bytes()).as_ref().to_vec()
}

fn sha256(bytes: &[u8]) -> String {
    hex(digest::digest(&digest::SHA256, bytes).as_ref())
}

fn hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        let _ = write!(text, "{byte:02x}");
    }
    text
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::source::Secret;

    fn credentials(token: Option<&str>) -> Credentials {
        Credentials {
            access_key_id: "AKIDEXAMPLE".to_owned(),
            secret_access_key: Secret::new("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"),
            session_token: token.map(Secret::new),
            expires: None,
        }
    }

    #[test]
    fn the_vectors_that_aws_publishes_are_signed_as_published() {
        let vectors: Value = serde_json::from_str(include_str!("vectors.json")).unwrap();
        let mut checked = 0;
        for vector in vectors.as_array().unwrap() {
            let text = |name: &str| vector[name].as_str().unwrap_or_default();
            let name = text("name");
            let mut headers: Vec<(String, String)> = vector["headers"]
                .as_array()
                .unwrap()
                .iter()
                .map(|pair| {
                    let part = |at: usize| pair[at].as_str().unwrap().to_owned();
                    (part(0), part(1))
                })
                .collect();
            headers.retain(|(name, _)| !name.eq_ignore_ascii_case("x-amz-date"));
            let (path, query) = text("target")
                .split_once('?')
                .unwrap_or_else(|| (text("target"), ""));
            let request = Request {
                method: text("method"),
                path,
                query,
                headers: &headers,
                body: text("body").as_bytes(),
            };
            let scope = Scope {
                region: "us-east-1",
                service: "service",
                at: "2015-08-30T12:36:00Z".parse().unwrap(),
                paths: match vector["normalize"].as_bool() {
                    Some(false) => Paths::AsSent,
                    _ => Paths::Resolved,
                },
                sign_body: vector["signBody"].as_bool().unwrap_or(false),
            };
            let omitted = vector["omitToken"].as_bool() == Some(true);
            let token = vector["token"].as_str().filter(|_| !omitted);
            let added = sign(&request, &scope, &credentials(token));
            let (canonical, _) = canonical(&request, &added[..added.len() - 1], scope.paths);
            assert_eq!(canonical, text("canonical"), "{name}");
            let (_, authorization) = added.last().unwrap();
            let end = format!("Signature={}", text("signature"));
            assert!(authorization.ends_with(&end), "{name}: {authorization}");
            checked += 1;
        }
        assert!(checked >= 38, "{checked}");
    }

    #[test]
    fn a_path_is_encoded_once_more_for_services_other_than_s3() {
        let path = "/functions/arn%3Aaws%3Alambda/invocations";
        assert_eq!(canonical_path(path, Paths::AsSent), path);
        assert_eq!(
            canonical_path(path, Paths::EncodedAgain),
            "/functions/arn%253Aaws%253Alambda/invocations"
        );
    }

    #[test]
    fn nothing_secret_is_shown() {
        let shown = format!("{:?}", credentials(Some("a-session")));
        assert!(
            !shown.contains("wJalr") && !shown.contains("a-session"),
            "{shown}"
        );
    }
}
