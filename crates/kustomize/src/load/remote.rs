//! Which paths name a Git repository, as kustomize reads them.

/// The default host when a path names GitHub without a scheme.
const GITHUB: &str = "github.com";

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
    /// Branch, tag or commit; empty for the default branch.
    reference: String,
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
        let value = |name: &str| {
            query.split('&').find_map(|pair| {
                pair.strip_prefix(name)?
                    .strip_prefix('=')
                    .filter(|value| !value.is_empty())
            })
        };
        let reference = value("ref")
            .or_else(|| value("version"))
            .unwrap_or_default()
            .to_owned();
        Some(Self {
            raw: raw.to_owned(),
            host,
            path,
            dir: dir.trim_start_matches('/').to_owned(),
            reference,
        })
    }

    /// As it was written.
    pub(crate) fn raw(&self) -> &str {
        &self.raw
    }

    /// What `git clone` would take.
    pub(crate) fn clone_url(&self) -> String {
        format!("{}{}", self.host, self.path)
    }

    pub(crate) fn dir(&self) -> &str {
        &self.dir
    }

    pub(crate) fn reference(&self) -> &str {
        &self.reference
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
}
