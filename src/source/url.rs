//! Addresses of Git repositories, which never show the credentials in them.

use std::{fmt, str::FromStr};

use percent_encoding::percent_decode_str;

use super::secret::Secret;

/// How a Git repository is reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Scheme {
    /// `https://`
    Https,
    /// `http://`
    Http,
    /// `ssh://`, or the short form `user@host:path`
    Ssh,
    /// `file://`, or an absolute path
    File,
}

impl Scheme {
    fn as_str(self) -> &'static str {
        match self {
            Self::Https => "https",
            Self::Http => "http",
            Self::Ssh => "ssh",
            Self::File => "file",
        }
    }
}

/// The address of a Git repository. A password in it is taken out when it is parsed; `Display` and
/// `Debug` show `***` in its place, and what goes to libgit2 ([`GitUrl::wire`]) is without it.
#[derive(Clone, PartialEq, Eq)]
pub struct GitUrl {
    scheme: Scheme,
    user: Option<String>,
    password: Option<Secret>,
    host: String,
    port: Option<u16>,
    /// With its leading slash, but for the short form of SSH, whose path starts at the home folder.
    path: String,
}

/// Why a text is not the address of a Git repository.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct UrlError {
    message: String,
    /// What to write in its place.
    pub help: Option<String>,
}

impl UrlError {
    fn new(message: impl Into<String>, help: Option<&str>) -> Self {
        Self {
            message: message.into(),
            help: help.map(str::to_owned),
        }
    }
}

impl GitUrl {
    /// How the repository is reached.
    pub fn scheme(&self) -> Scheme {
        self.scheme
    }

    /// The host name or address; empty for a path on this machine. IPv6 addresses are without brackets.
    pub fn host(&self) -> &str {
        self.host.trim_start_matches('[').trim_end_matches(']')
    }

    /// The port in use, the scheme's own where the address names none.
    pub fn port(&self) -> u16 {
        self.port.unwrap_or(match self.scheme {
            Scheme::Https => 443,
            Scheme::Http => 80,
            Scheme::Ssh => 22,
            Scheme::File => 0,
        })
    }

    /// The user in the address.
    pub fn user(&self) -> Option<&str> {
        self.user.as_deref()
    }

    /// The password in the address.
    pub fn password(&self) -> Option<&Secret> {
        self.password.as_ref()
    }

    /// Whether the host is this machine by its name or loopback address.
    pub fn is_loopback(&self) -> bool {
        self.host() == "localhost"
            || self
                .host()
                .parse::<std::net::IpAddr>()
                .is_ok_and(|address| address.is_loopback())
    }

    /// What tells the repository from others, the same by HTTPS as by SSH: its host and path. A port of
    /// SSH is left out, as the same server has another one for HTTPS.
    pub fn identity(&self) -> String {
        let path = self.path.trim_matches('/');
        let path = path.strip_suffix(".git").unwrap_or(path);
        match (self.scheme, self.port) {
            (Scheme::File, _) => format!("file:///{path}"),
            (Scheme::Https | Scheme::Http, Some(port)) => {
                format!("{}:{port}/{path}", self.host.to_lowercase())
            }
            _ => format!("{}/{path}", self.host.to_lowercase()),
        }
    }

    /// What is handed to libgit2: no password, and a user only for SSH, whose protocol needs one.
    pub(super) fn wire(&self, ssh_user: &str) -> String {
        match self.scheme {
            Scheme::Ssh => self.text(Some(ssh_user)),
            _ => self.text(None),
        }
    }

    fn text(&self, user: Option<&str>) -> String {
        let user = user.map(|user| format!("{user}@")).unwrap_or_default();
        if self.scheme == Scheme::Ssh && !self.path.starts_with('/') {
            return format!("{user}{}:{}", self.host, self.path);
        }
        let port = self.port.map(|port| format!(":{port}")).unwrap_or_default();
        format!(
            "{}://{user}{}{port}{}",
            self.scheme.as_str(),
            self.host,
            self.path
        )
    }

    fn parse_url(text: &str) -> Result<Self, UrlError> {
        // The text itself is never quoted: it may hold a password.
        let url = url::Url::parse(text).map_err(|error| {
            UrlError::new(format!("the Git address is malformed: {error}"), None)
        })?;
        let scheme = match url.scheme() {
            "https" => Scheme::Https,
            "http" => Scheme::Http,
            "ssh" | "git+ssh" | "ssh+git" => Scheme::Ssh,
            "file" => Scheme::File,
            "git" => {
                return Err(UrlError::new(
                    "`git://` is neither encrypted nor authenticated",
                    Some("use `https://` or `ssh://`"),
                ));
            }
            other => {
                return Err(UrlError::new(
                    format!("`{other}://` is not a way to reach a Git repository"),
                    Some("use `https://`, `http://`, `ssh://` or `file://`"),
                ));
            }
        };
        if url.query().is_some() || url.fragment().is_some() {
            return Err(UrlError::new(
                "the Git address has a `?` or `#` part",
                Some("drop it; branch, tag, version or commit belong into `ref`"),
            ));
        }
        let host = url.host_str().unwrap_or_default().to_owned();
        if host.is_empty() != (scheme == Scheme::File) {
            return Err(UrlError::new(
                if host.is_empty() {
                    "the Git address has no host"
                } else {
                    "a `file://` address names a host"
                },
                (!host.is_empty()).then_some("write three slashes: `file:///srv/repo.git`"),
            ));
        }
        if url.path().trim_matches('/').is_empty() {
            return Err(UrlError::new("the Git address names no repository", None));
        }
        let decode = |part: &str| {
            percent_decode_str(part)
                .decode_utf8()
                .map(std::borrow::Cow::into_owned)
                .map_err(|_| {
                    UrlError::new("the user or password in the Git address is not UTF-8", None)
                })
        };
        let path = if scheme == Scheme::File {
            decode(url.path())?
        } else {
            url.path().to_owned()
        };
        Ok(Self {
            scheme,
            user: match url.username() {
                "" => None,
                user => Some(decode(user)?),
            },
            password: url.password().map(decode).transpose()?.map(Secret::new),
            host,
            port: url.port(),
            path,
        })
    }

    /// `[user@]host:path`, as Git and SSH write it.
    fn parse_short(text: &str) -> Option<Self> {
        let (before, path) = text.split_once(':')?;
        if before.contains('/') || path.is_empty() {
            return None;
        }
        let (user, host) = match before.rsplit_once('@') {
            Some((user, host)) => (Some(user), host),
            None => (None, before),
        };
        let named = |name: &str| {
            !name.is_empty()
                && !name.starts_with('-')
                && name
                    .chars()
                    .all(|c| c.is_ascii_alphanumeric() || "-._+".contains(c))
        };
        if !named(host) || user.is_some_and(|user| !named(user)) {
            return None;
        }
        Some(Self {
            scheme: Scheme::Ssh,
            user: user.map(str::to_owned),
            password: None,
            host: host.to_owned(),
            port: None,
            path: path.to_owned(),
        })
    }
}

impl FromStr for GitUrl {
    type Err = UrlError;

    fn from_str(text: &str) -> Result<Self, UrlError> {
        let text = text.trim();
        if text.contains("://") {
            return Self::parse_url(text);
        }
        if text.starts_with('/') {
            return Ok(Self {
                scheme: Scheme::File,
                user: None,
                password: None,
                host: String::new(),
                port: None,
                path: text.to_owned(),
            });
        }
        Self::parse_short(text).ok_or_else(|| {
            UrlError::new(
                "this is not the address of a Git repository",
                Some(
                    "write `https://host/path.git`, `ssh://user@host/path.git`, \
                     `user@host:path.git` or an absolute path",
                ),
            )
        })
    }
}

impl fmt::Display for GitUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.scheme, &self.user) {
            (Scheme::Ssh, user) if self.password.is_none() => {
                f.write_str(&self.text(user.as_deref()))
            }
            (_, user) if user.is_some() || self.password.is_some() => {
                f.write_str(&self.text(Some("***")))
            }
            _ => f.write_str(&self.text(None)),
        }
    }
}

impl fmt::Debug for GitUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "GitUrl({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_repository_is_the_same_one_however_it_is_reached() {
        for (text, identity) in [
            ("https://Example.com/org/repo.git", "example.com/org/repo"),
            (
                "https://someone:secret@example.com/org/repo",
                "example.com/org/repo",
            ),
            ("git@example.com:org/repo.git", "example.com/org/repo"),
            (
                "ssh://git@example.com:2222/org/repo.git/",
                "example.com/org/repo",
            ),
            (
                "https://example.com:8443/org/repo",
                "example.com:8443/org/repo",
            ),
            ("file:///srv/git/repo.git", "file:///srv/git/repo"),
        ] {
            let url: GitUrl = text.parse().unwrap();
            assert_eq!(url.identity(), identity, "{text}");
        }
    }

    #[test]
    fn an_address_is_understood_in_every_form_and_shown_without_its_secrets() {
        for (text, shown, wire, host, port) in [
            (
                "https://host/a/b.git",
                "https://host/a/b.git",
                "https://host/a/b.git",
                "host",
                443,
            ),
            (
                "http://127.0.0.1:8080/r",
                "http://127.0.0.1:8080/r",
                "http://127.0.0.1:8080/r",
                "127.0.0.1",
                8080,
            ),
            (
                "https://me:p%40ss@host/r",
                "https://***@host/r",
                "https://host/r",
                "host",
                443,
            ),
            (
                "https://ghp_token@host/r",
                "https://***@host/r",
                "https://host/r",
                "host",
                443,
            ),
            (
                "https://[::1]:7/r",
                "https://[::1]:7/r",
                "https://[::1]:7/r",
                "::1",
                7,
            ),
            (
                "ssh://git@host:2222/r",
                "ssh://git@host:2222/r",
                "ssh://git@host:2222/r",
                "host",
                2222,
            ),
            (
                "ssh://me:pw@host/r",
                "ssh://***@host/r",
                "ssh://me@host/r",
                "host",
                22,
            ),
            (
                "ssh://host/r",
                "ssh://host/r",
                "ssh://git@host/r",
                "host",
                22,
            ),
            (
                "git@host:org/r.git",
                "git@host:org/r.git",
                "git@host:org/r.git",
                "host",
                22,
            ),
            (
                "host:org/r.git",
                "host:org/r.git",
                "git@host:org/r.git",
                "host",
                22,
            ),
            (
                "file:///srv/a%20b.git",
                "file:///srv/a b.git",
                "file:///srv/a b.git",
                "",
                0,
            ),
            (
                "/srv/r.git",
                "file:///srv/r.git",
                "file:///srv/r.git",
                "",
                0,
            ),
        ] {
            let url: GitUrl = text.parse().unwrap();
            assert_eq!(url.to_string(), shown, "{text}");
            assert_eq!(format!("{url:?}"), format!("GitUrl({shown})"));
            assert_eq!(url.wire(url.user().unwrap_or("git")), wire, "{text}");
            assert_eq!((url.host(), url.port()), (host, port), "{text}");
        }
        let url: GitUrl = "https://me:p%40ss@host/r".parse().unwrap();
        assert_eq!(url.user(), Some("me"));
        assert_eq!(url.password().map(Secret::expose), Some("p@ss"));
    }

    #[test]
    fn what_is_no_address_is_refused_without_repeating_it() {
        for (text, message) in [
            (
                "git://host/r",
                "`git://` is neither encrypted nor authenticated",
            ),
            (
                "ftp://host/r",
                "`ftp://` is not a way to reach a Git repository",
            ),
            ("https://", "the Git address is malformed: empty host"),
            ("https://host", "the Git address names no repository"),
            (
                "https://host/r?ref=x",
                "the Git address has a `?` or `#` part",
            ),
            ("file://srv/r.git", "a `file://` address names a host"),
            (
                "https://me:hunter2@host:port/r",
                "the Git address is malformed: invalid port number",
            ),
            ("./repo", "this is not the address of a Git repository"),
            (
                "-oProxyCommand=x:y",
                "this is not the address of a Git repository",
            ),
        ] {
            let error = text.parse::<GitUrl>().unwrap_err();
            assert_eq!(error.to_string(), message, "{text}");
            assert!(!format!("{error:?}").contains("hunter2"));
        }
    }
}
