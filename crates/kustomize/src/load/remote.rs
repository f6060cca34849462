//! Which paths name a Git repository, as kustomize reads them.

use std::{borrow::Cow, time::Duration};

use percent_encoding::percent_decode_str;

use crate::RemoteRepository;

/// The default host when a path names GitHub without a scheme.
const GITHUB: &str = "github.com";

/// How long a fetch may take where the path does not say.
const TIMEOUT: Duration = Duration::from_secs(27);

/// A path that names a directory of a Git repository.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RepoSpec {
    raw: String,
    /// Scheme, user and host, ending in `/` or `:`.
    host: String,
    /// The repository below the host.
    path: String,
    /// The directory in the repository.
    dir: String,
    query: Query,
}

/// What follows the `?` of a path.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Query {
    /// Branch, tag or commit; empty for the default branch.
    reference: String,
    timeout: Duration,
    submodules: bool,
}

/// Whether a path is the address of a repository.
pub(crate) fn is_remote(path: &str) -> bool {
    RepoSpec::parse(path).is_some()
}

impl RepoSpec {
    /// Reads a path; none where it does not name a repository.
    pub(crate) fn parse(raw: &str) -> Option<Self> {
        if raw.starts_with('/') {
            return None;
        }
        let (rest, query) = raw.split_once('?').unwrap_or((raw, ""));
        let (host, rest) = split_host(rest)?;
        let (path, dir) = split_repo(rest, host.starts_with("file://"))?;
        if path.is_empty() || leaves_repo(&dir) {
            return None;
        }
        Some(Self {
            raw: raw.to_owned(),
            host,
            path,
            dir: dir.trim_start_matches('/').to_owned(),
            query: Query::parse(query),
        })
    }

    /// As it was written.
    pub(crate) fn raw(&self) -> &str {
        &self.raw
    }

    /// As it was written, fit for messages.
    pub(crate) fn shown(&self) -> String {
        hidden(&self.raw).into_owned()
    }

    /// What `git clone` would take.
    pub(crate) fn clone_url(&self) -> String {
        format!("{}{}", self.host, self.path)
    }

    pub(crate) fn dir(&self) -> &str {
        &self.dir
    }

    pub(crate) fn reference(&self) -> &str {
        &self.query.reference
    }

    /// What is to be fetched.
    pub(crate) fn repository(&self) -> RemoteRepository {
        RemoteRepository {
            url: self.clone_url(),
            reference: self.query.reference.clone(),
            timeout: self.query.timeout,
            submodules: self.query.submodules,
        }
    }

    /// Whether the path says where the repository ends, so that it can hardly be a file.
    pub(crate) fn is_marked(&self) -> bool {
        let path = self.raw.split('?').next().unwrap_or_default();
        let path = path.split_once("://").map_or(path, |(_, rest)| rest);
        let path = format!("{path}/");
        ["_git/", "//", ".git/"]
            .iter()
            .any(|mark| path.contains(mark))
    }
}

impl Query {
    /// A query that is malformed counts as none, and so does a value that is.
    fn parse(text: &str) -> Self {
        let pairs = pairs(text).unwrap_or_default();
        let value = |name: &str| {
            let found = pairs.iter().find(|(key, _)| key == name);
            found.map_or("", |(_, value)| value.as_str())
        };
        let reference = [value("ref"), value("version")]
            .into_iter()
            .find(|text| !text.is_empty());
        Self {
            reference: reference.unwrap_or_default().to_owned(),
            timeout: duration(value("timeout")).unwrap_or(TIMEOUT),
            submodules: !matches!(
                value("submodules"),
                "0" | "f" | "F" | "false" | "FALSE" | "False"
            ),
        }
    }
}

/// The pairs of a query, decoded; none where it is malformed.
fn pairs(query: &str) -> Option<Vec<(String, String)>> {
    let decode = |text: &str| {
        let malformed = text.split('%').skip(1).any(|after| {
            !after
                .get(..2)
                .is_some_and(|hex| hex.bytes().all(|digit| digit.is_ascii_hexdigit()))
        });
        let text = text.replace('+', " ");
        let decoded = percent_decode_str(&text).decode_utf8().ok()?;
        (!malformed).then(|| decoded.into_owned())
    };
    query
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            if pair.contains(';') {
                return None;
            }
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            Some((decode(key)?, decode(value)?))
        })
        .collect()
}

/// Whole seconds, or a duration as Go writes it (`1m30s`); none where it is neither, or nothing.
fn duration(text: &str) -> Option<Duration> {
    if let Ok(seconds) = text.parse::<u64>() {
        return (seconds > 0).then(|| Duration::from_secs(seconds));
    }
    let mut total = 0.0;
    let mut rest = text.strip_prefix('+').unwrap_or(text);
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let (number, after) = rest.split_at_checked(digits)?;
        let letters = after
            .find(|c: char| c.is_ascii_digit() || c == '.')
            .unwrap_or(after.len());
        let (unit, after) = after.split_at_checked(letters)?;
        let seconds = match unit {
            "ns" => 1e-9,
            "us" | "µs" => 1e-6,
            "ms" => 1e-3,
            "s" => 1.0,
            "m" => 60.0,
            "h" => 3600.0,
            _ => return None,
        };
        total += number.parse::<f64>().ok()? * seconds;
        rest = after;
    }
    let total = Duration::try_from_secs_f64(total).ok()?;
    (!total.is_zero()).then_some(total)
}

/// An address without the user and password in it.
pub(crate) fn hidden(address: &str) -> Cow<'_, str> {
    let Some((scheme, rest)) = address.split_once("://") else {
        return Cow::Borrowed(address);
    };
    let authority = rest.split(['/', '?']).next().unwrap_or_default();
    match authority.rfind('@') {
        Some(at) => {
            let rest = rest.get(at..).unwrap_or_default();
            Cow::Owned(format!("{scheme}://***{rest}"))
        }
        None => Cow::Borrowed(address),
    }
}

fn strip_prefix_ignoring_case<'a>(text: &'a str, prefix: &str) -> Option<&'a str> {
    let head = text.get(..prefix.len())?;
    head.eq_ignore_ascii_case(prefix)
        .then(|| text.get(prefix.len()..))
        .flatten()
}

/// Splits off scheme, user and host; none where there are none.
fn split_host(text: &str) -> Option<(String, &str)> {
    let text = strip_prefix_ignoring_case(text, "git::").unwrap_or(text);
    let (scheme, text) = ["ssh://", "https://", "http://", "file://"]
        .into_iter()
        .find_map(|scheme| Some((scheme, strip_prefix_ignoring_case(text, scheme)?)))
        .unwrap_or(("", text));
    let (user, text) = match text.split_once('@') {
        Some((user, rest)) if is_user(user) => (format!("{user}@"), rest),
        _ => (String::new(), text),
    };
    let github = ["/", ":"].iter().any(|end| {
        strip_prefix_ignoring_case(text, GITHUB).is_some_and(|rest| rest.starts_with(end))
    });
    let scp = scheme.is_empty() && (!user.is_empty() || github);
    if scheme.is_empty() && !scp {
        return None;
    }
    if scheme == "file://" {
        return (user.is_empty()).then(|| (scheme.to_owned(), text));
    }
    let slash = text.find('/');
    let colon = text
        .find(':')
        .filter(|colon| scp && *colon > 0 && slash.is_none_or(|slash| *colon < slash));
    let end = colon.or(slash)?;
    let (host, rest) = text.split_at_checked(end + 1)?;
    if github {
        return Some(if scheme == "ssh://" || !user.is_empty() {
            (format!("{user}{GITHUB}:"), rest)
        } else {
            (format!("https://{GITHUB}/"), rest)
        });
    }
    Some((format!("{scheme}{user}{host}"), rest))
}

fn is_user(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
}

/// Splits repository and directory: at `_git/NAME`, `//` or `.git`, else after two parts.
fn split_repo(text: &str, is_file: bool) -> Option<(String, String)> {
    if let Some((head, tail)) = text.split_once("_git/") {
        let (name, dir) = tail.split_once('/').unwrap_or((tail, ""));
        return Some((format!("{head}_git/{name}"), dir.to_owned()));
    }
    if let Some((repo, dir)) = text.split_once("//") {
        return Some((repo.to_owned(), dir.to_owned()));
    }
    if let Some((repo, dir)) = text.split_once(".git") {
        return Some((format!("{repo}.git"), dir.to_owned()));
    }
    if is_file {
        return Some((text.to_owned(), String::new()));
    }
    let (owner, rest) = text.split_once('/')?;
    let (name, dir) = rest.split_once('/').unwrap_or((rest, ""));
    Some((format!("{owner}/{name}"), dir.to_owned()))
}

/// Whether a directory climbs out of its repository.
fn leaves_repo(dir: &str) -> bool {
    let mut depth = 0_i32;
    dir.split('/').any(|part| {
        match part {
            "" | "." => {}
            ".." => depth -= 1,
            _ => depth += 1,
        }
        depth < 0
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_names_a_repository_only_where_kustomize_says_so() {
        for (raw, expected) in [
            (
                "github.com/org/repo/a/b?ref=v1",
                Some(("https://github.com/org/repo", "a/b", "v1")),
            ),
            (
                "https://github.com/org/repo//a?ref=x",
                Some(("https://github.com/org/repo", "a", "x")),
            ),
            (
                "git@github.com:org/repo.git/a",
                Some(("git@github.com:org/repo.git", "a", "")),
            ),
            (
                "ssh://git@example.com/org/repo/a",
                Some(("ssh://git@example.com/org/repo", "a", "")),
            ),
            (
                "https://example.com/org/repo",
                Some(("https://example.com/org/repo", "", "")),
            ),
            (
                "https://example.com/o/p/_git/r/d/e",
                Some(("https://example.com/o/p/_git/r", "d/e", "")),
            ),
            (
                "git::https://example.com/o/r",
                Some(("https://example.com/o/r", "", "")),
            ),
            ("file:///srv/repo//a", Some(("file:///srv/repo", "a", ""))),
            ("../base", None),
            ("base/x", None),
            ("example.com/org/repo", None),
            ("/abs/path", None),
            ("https://example.com/one", None),
            ("github.com/org/repo//../x", None),
        ] {
            let spec = RepoSpec::parse(raw);
            let found = spec.as_ref().map(|spec| {
                (
                    spec.clone_url(),
                    spec.dir().to_owned(),
                    spec.reference().to_owned(),
                )
            });
            let expected = expected.map(|(a, b, c)| (a.to_owned(), b.to_owned(), c.to_owned()));
            assert_eq!(found, expected, "{raw}");
        }
    }

    #[test]
    fn a_query_says_revision_timeout_and_submodules() {
        for (query, reference, seconds, submodules) in [
            ("", "", 27.0, true),
            ("ref=v1&timeout=61", "v1", 61.0, true),
            ("version=v1&timeout=1m30s", "v1", 90.0, true),
            ("version=a&ref=b&submodules=false", "b", 27.0, false),
            ("ref=a%2Fb&submodules=no", "a/b", 27.0, true),
            ("ref=a+b&timeout=1.5s", "a b", 1.5, true),
            ("ref=v1&timeout=-3", "v1", 27.0, true),
            ("ref=v1&timeout=soon", "v1", 27.0, true),
            ("ref=%zz", "", 27.0, true),
            ("ref=v1;timeout=3", "", 27.0, true),
        ] {
            let expected = Query {
                reference: reference.to_owned(),
                timeout: Duration::from_secs_f64(seconds),
                submodules,
            };
            assert_eq!(Query::parse(query), expected, "{query}");
        }
    }

    #[test]
    fn a_message_never_shows_the_credentials_of_an_address() {
        for (address, shown) in [
            ("https://me:pw@host/r?ref=x", "https://***@host/r?ref=x"),
            ("https://host/r@v1", "https://host/r@v1"),
            ("git@host:r", "git@host:r"),
        ] {
            assert_eq!(hidden(address), shown);
        }
    }
}
