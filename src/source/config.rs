//! The settings of a source, as plain values that a configuration file or a flag fills in.

use std::{
    env, fmt, io,
    path::{Path, PathBuf},
    time::Duration,
};

use trueup_manifest::TreePath;

use super::{
    error::{Problem, SourceError},
    range::VersionRange,
    secret::Secret,
    url::{GitUrl, Scheme},
};

/// Where the files come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SourceConfig {
    /// A folder on this machine.
    Directory(DirectoryConfig),
    /// A Git repository.
    Git(Box<GitConfig>),
}

/// A folder on this machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DirectoryConfig {
    /// The folder.
    pub path: PathBuf,
    /// How often to look for changes.
    pub interval: Duration,
    /// How long one look may take.
    pub timeout: Duration,
}

/// A Git repository, what to take from it and how to reach it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GitConfig {
    /// The address.
    pub url: GitUrl,
    /// The branch, tag, version range or commit to follow.
    pub reference: Reference,
    /// The folder of the repository that becomes the root of the tree; nothing outside it can be
    /// read. Empty for the whole repository.
    pub path: String,
    /// How to prove who we are.
    pub auth: Auth,
    /// Which SSH hosts to trust, in the format of OpenSSH. `~/.ssh/known_hosts` and
    /// `/etc/ssh/ssh_known_hosts` where it is not set.
    pub known_hosts_file: Option<PathBuf>,
    /// Which authorities may sign the certificate of the host, in PEM, in place of the system's.
    pub ca_file: Option<PathBuf>,
    /// How often to poll.
    pub interval: Duration,
    /// How long one poll may take.
    pub timeout: Duration,
    /// How many commits of history to fetch; 0 for all. One is enough to render. All of it is
    /// fetched where the transport has no shallow fetch (`file://`).
    pub depth: u32,
    /// Where local copies are kept, each in a folder of its own.
    pub cache_dir: PathBuf,
    /// After so many fetches into one local copy a fresh one replaces it: packs and the list of
    /// shallow commits grow with each fetch, and libgit2 collects no garbage.
    pub reclone_after: u32,
    /// The most bytes that one fetch may receive.
    pub max_bytes: u64,
    /// Whether credentials may go over plain `http://` to another machine.
    pub insecure_auth: bool,
    /// How to verify the signature of commits. Not built yet: any value is an error.
    pub verify: Option<String>,
}

/// What to follow in a Git repository.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Reference {
    /// The branch that the repository names as its default.
    #[default]
    Default,
    /// A branch.
    Branch(String),
    /// A tag.
    Tag(String),
    /// The highest tag that is a version in this range.
    Version(VersionRange),
    /// One commit, by its 40 digits.
    Commit(String),
    /// Whatever goes by this name: a whole ref, else a tag, else a branch, in the order of Git.
    Named(String),
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default branch"),
            Self::Branch(name) => write!(f, "branch `{name}`"),
            Self::Tag(name) => write!(f, "tag `{name}`"),
            Self::Version(range) => write!(f, "version `{range}`"),
            Self::Commit(id) => write!(f, "commit `{id}`"),
            Self::Named(name) => write!(f, "branch or tag `{name}`"),
        }
    }
}

/// How to prove to a Git server who we are. Secrets are read anew for each poll, so that a renewed
/// one needs no restart.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Auth {
    /// Nothing, or what the address holds.
    #[default]
    None,
    /// An access token over HTTP(S), sent as the password of a basic login, as GitHub, GitLab,
    /// Gitea and Bitbucket want it.
    Token {
        /// The token.
        token: SecretSource,
        /// The user to name; `x-access-token` where it is not set.
        username: Option<String>,
    },
    /// A token in an `Authorization: Bearer` header, as Azure DevOps and Bitbucket Data Center
    /// want it.
    Bearer {
        /// The token.
        token: SecretSource,
    },
    /// A user and a password, over HTTP(S) or SSH.
    Basic {
        /// The user.
        username: String,
        /// The password.
        password: SecretSource,
    },
    /// A private key over SSH, in OpenSSH or PEM form.
    SshKey {
        /// The private key itself.
        key: SecretSource,
        /// What unlocks it.
        passphrase: Option<SecretSource>,
    },
    /// The keys of the running `ssh-agent`.
    SshAgent,
}

/// Where a secret is to be found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SecretSource {
    /// In a file; one newline at its end is dropped.
    File(PathBuf),
    /// In an environment variable.
    Env(String),
    /// Here.
    Value(Secret),
}

impl SecretSource {
    /// What to call the place in messages.
    pub(super) fn place(&self) -> String {
        match self {
            Self::Value(_) => "the settings".to_owned(),
            Self::File(path) => format!("`{}`", path.display()),
            Self::Env(name) => format!("`${name}`"),
        }
    }

    /// Reads the secret; `what` names it in the error.
    pub fn read(&self, what: &'static str) -> Result<Secret, SourceError> {
        let found = match self {
            Self::Value(secret) => return Ok(secret.clone()),
            Self::File(path) => std::fs::read_to_string(path).map_err(|error| match error.kind() {
                io::ErrorKind::NotFound => "no such file".to_owned(),
                io::ErrorKind::InvalidData => "it is not text".to_owned(),
                _ => error.to_string(),
            }),
            Self::Env(name) => env::var(name).map_err(|error| match error {
                env::VarError::NotPresent => "the variable is not set".to_owned(),
                env::VarError::NotUnicode(_) => "it is not UTF-8".to_owned(),
            }),
        };
        let failed = |reason: String| SourceError::Credential {
            what,
            place: self.place(),
            reason,
        };
        let text = Secret::new(found.map_err(failed)?);
        let bare = text.expose();
        let bare = bare.strip_suffix('\n').unwrap_or(bare);
        let bare = bare.strip_suffix('\r').unwrap_or(bare);
        if bare.is_empty() {
            return Err(failed("it is empty".to_owned()));
        }
        Ok(Secret::new(bare))
    }
}

impl SourceConfig {
    /// How often to poll.
    pub fn interval(&self) -> Duration {
        match self {
            Self::Directory(config) => config.interval,
            Self::Git(config) => config.interval,
        }
    }
}

impl DirectoryConfig {
    /// The folder `path`, looked at every minute.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            interval: Duration::from_mins(1),
            timeout: Duration::from_mins(1),
        }
    }
}

impl GitConfig {
    /// The default branch of `url`, polled every minute, with no credentials but those in the
    /// address and a cache in [`default_cache_dir`].
    pub fn new(url: GitUrl) -> Self {
        Self {
            url,
            reference: Reference::Default,
            path: String::new(),
            auth: Auth::None,
            known_hosts_file: None,
            ca_file: None,
            interval: Duration::from_mins(1),
            timeout: Duration::from_mins(1),
            depth: 1,
            cache_dir: default_cache_dir(),
            reclone_after: 100,
            max_bytes: 1 << 30,
            insecure_auth: false,
            verify: None,
        }
    }

    /// The credentials in force: those set, or those in the address.
    pub(super) fn effective_auth(&self) -> Auth {
        match (&self.auth, self.url.password(), self.url.user()) {
            (Auth::None, Some(password), user) => Auth::Basic {
                username: user.unwrap_or_default().to_owned(),
                password: SecretSource::Value(password.clone()),
            },
            // `https://token@host`: some servers take a token as the user.
            (Auth::None, None, Some(user)) if self.url.scheme() != Scheme::Ssh => Auth::Basic {
                username: user.to_owned(),
                password: SecretSource::Value(Secret::new("")),
            },
            (auth, ..) => auth.clone(),
        }
    }

    /// Every contradiction in the settings, at once.
    pub fn validate(&self) -> Result<(), SourceError> {
        let mut problems = Vec::new();
        self.check_reference(&mut problems);
        self.check_auth(&mut problems);
        let mut problem = |field, message: &str, help: Option<&str>| {
            problems.push(Problem {
                field,
                message: message.to_owned(),
                help: help.map(str::to_owned),
            });
        };
        match TreePath::new(&self.path) {
            Err(error) => problem(
                "path",
                &error.to_string(),
                Some("name a folder of the repository"),
            ),
            Ok(path) if path.parts().any(|part| part.eq_ignore_ascii_case(".git")) => {
                problem("path", "`.git` is not part of the files", None);
            }
            Ok(_) => {}
        }
        if self.known_hosts_file.is_some() && self.url.scheme() != Scheme::Ssh {
            problem("knownHostsFile", "it is of use only with `ssh://`", None);
        }
        if self.ca_file.is_some() && self.url.scheme() != Scheme::Https {
            problem("caFile", "it is of use only with `https://`", None);
        }
        for (field, duration) in [("interval", self.interval), ("timeout", self.timeout)] {
            if duration.is_zero() {
                problem(field, "it must be longer than nothing", None);
            }
        }
        if i32::try_from(self.depth).is_err() {
            problem(
                "depth",
                "it is too large",
                Some("0 fetches the whole history"),
            );
        }
        if self.reclone_after == 0 {
            problem("recloneAfter", "it must be at least 1", None);
        }
        if self.verify.is_some() {
            problem(
                "verify",
                "verifying the signature of commits is not built yet",
                Some("drop `verify`; nothing is verified today"),
            );
        }
        if problems.is_empty() {
            Ok(())
        } else {
            Err(SourceError::Config(problems))
        }
    }

    fn check_reference(&self, problems: &mut Vec<Problem>) {
        let mut problem = |message: String, help: &str| {
            problems.push(Problem {
                field: "ref",
                message,
                help: Some(help.to_owned()),
            });
        };
        match &self.reference {
            Reference::Branch(name) if !is_ref_name(name) => {
                problem(
                    format!("`{name}` cannot be the name of a branch"),
                    "name one, such as `main`",
                );
            }
            Reference::Tag(name) if !is_ref_name(name) => {
                problem(
                    format!("`{name}` cannot be the name of a tag"),
                    "name one, such as `v1.2.3`",
                );
            }
            Reference::Named(name) if !is_ref_name(name) => {
                problem(
                    format!("`{name}` cannot be the name of a branch or tag"),
                    "name one, or write all 40 digits of a commit",
                );
            }
            Reference::Commit(id)
                if id.len() != 40 || !id.bytes().all(|byte| byte.is_ascii_hexdigit()) =>
            {
                problem(
                    format!("`{id}` is not a whole commit id"),
                    "write all 40 digits: a server finds no commit by a part of its id",
                );
            }
            _ => {}
        }
    }

    fn check_auth(&self, problems: &mut Vec<Problem>) {
        let mut problem = |message: &str, help: Option<&str>| {
            problems.push(Problem {
                field: "auth",
                message: message.to_owned(),
                help: help.map(str::to_owned),
            });
        };
        if self.auth != Auth::None && self.url.password().is_some() {
            problem(
                "the address holds a password as well",
                Some("take it out of `url`"),
            );
        }
        match (self.effective_auth(), self.url.scheme()) {
            (Auth::None, _)
            | (Auth::Basic { .. }, Scheme::Https | Scheme::Http | Scheme::Ssh)
            | (Auth::Token { .. } | Auth::Bearer { .. }, Scheme::Https | Scheme::Http)
            | (Auth::SshKey { .. } | Auth::SshAgent, Scheme::Ssh) => {}
            (_, Scheme::File) => problem("a `file://` repository takes no credentials", None),
            (_, Scheme::Ssh) => problem("SSH takes no token", Some("use a key: `auth.sshKey`")),
            _ => problem("an SSH key is of use only with `ssh://`", None),
        }
        let insecure = self.url.scheme() == Scheme::Http && !self.url.is_loopback();
        if insecure && self.effective_auth() != Auth::None && !self.insecure_auth {
            problem(
                "credentials would go over the network unencrypted",
                Some("use `https://`, or set `insecureAuth` if you must"),
            );
        }
    }
}

/// The rules of `git check-ref-format` for a name below `refs/heads` or `refs/tags`.
fn is_ref_name(name: &str) -> bool {
    let forbidden = |c: char| c.is_control() || " ~^:?*[\\".contains(c);
    !name.is_empty()
        && name != "@"
        && !name.starts_with('-')
        && !name.ends_with('.')
        && !name.contains(forbidden)
        && !name.contains("..")
        && !name.contains("@{")
        && name
            .split('/')
            .all(|part| !part.is_empty() && !part.starts_with('.') && !has_lock_suffix(part))
}

fn has_lock_suffix(part: &str) -> bool {
    Path::new(part)
        .extension()
        .is_some_and(|extension| extension == "lock")
}

/// `$XDG_CACHE_HOME/trueup`, `~/.cache/trueup`, or a folder in the system's temporary one.
pub fn default_cache_dir() -> PathBuf {
    let absolute = |name| {
        env::var_os(name)
            .map(PathBuf::from)
            .filter(|path| path.is_absolute())
    };
    absolute("XDG_CACHE_HOME")
        .or_else(|| absolute("HOME").map(|home| home.join(".cache")))
        .unwrap_or_else(env::temp_dir)
        .join("trueup")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(url: &str) -> GitConfig {
        GitConfig::new(url.parse().unwrap())
    }

    fn value(text: &str) -> SecretSource {
        SecretSource::Value(Secret::new(text))
    }

    #[test]
    fn all_contradictions_are_told_at_once() {
        let config = GitConfig {
            reference: Reference::Commit("abc".to_owned()),
            path: "../up".to_owned(),
            auth: Auth::SshAgent,
            known_hosts_file: Some(PathBuf::from("known_hosts")),
            interval: Duration::ZERO,
            verify: Some("gpg".to_owned()),
            ..config("https://host/r")
        };
        let SourceError::Config(problems) = config.validate().unwrap_err() else {
            unreachable!()
        };
        let fields: Vec<&str> = problems.iter().map(|problem| problem.field).collect();
        assert_eq!(
            fields,
            [
                "ref",
                "auth",
                "path",
                "knownHostsFile",
                "interval",
                "verify"
            ]
        );
    }

    #[test]
    fn credentials_must_fit_the_way_the_repository_is_reached() {
        let token = || Auth::Token {
            token: value("t"),
            username: None,
        };
        let basic = || Auth::Basic {
            username: "me".to_owned(),
            password: value("p"),
        };
        for (url, auth, problem) in [
            ("https://host/r", token(), None),
            ("https://me:pw@host/r", Auth::None, None),
            (
                "https://me:pw@host/r",
                token(),
                Some("the address holds a password as well"),
            ),
            ("http://127.0.0.1/r", basic(), None),
            ("http://host/r", Auth::None, None),
            (
                "http://host/r",
                basic(),
                Some("credentials would go over the network unencrypted"),
            ),
            (
                "http://me:pw@host/r",
                Auth::None,
                Some("credentials would go over the network unencrypted"),
            ),
            (
                "https://host/r",
                Auth::SshAgent,
                Some("an SSH key is of use only with `ssh://`"),
            ),
            ("git@host:r", Auth::SshAgent, None),
            ("git@host:r", token(), Some("SSH takes no token")),
            (
                "/srv/r.git",
                token(),
                Some("a `file://` repository takes no credentials"),
            ),
        ] {
            let found = GitConfig {
                auth,
                ..config(url)
            }
            .validate()
            .err()
            .map(|error| match error {
                SourceError::Config(mut problems) => problems.remove(0).message,
                other => other.to_string(),
            });
            assert_eq!(found.as_deref(), problem, "{url}");
        }
    }

    #[test]
    fn a_name_that_git_would_refuse_is_refused_before_any_request() {
        for (name, good) in [
            ("main", true),
            ("feature/x", true),
            ("v1.2.3", true),
            ("", false),
            ("a..b", false),
            ("a b", false),
            ("-x", false),
            ("a/.b", false),
            ("a.lock", false),
            ("a//b", false),
            ("x:y", false),
            ("x@{1}", false),
        ] {
            assert_eq!(is_ref_name(name), good, "{name}");
        }
    }

    #[test]
    fn a_secret_is_read_from_its_place_and_its_absence_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("token");
        std::fs::write(&file, "s3cret\r\n").unwrap();
        assert_eq!(
            SecretSource::File(file.clone())
                .read("token")
                .unwrap()
                .expose(),
            "s3cret"
        );
        std::fs::write(&file, "\n").unwrap();
        let error = SecretSource::File(file).read("token").unwrap_err();
        assert!(error.to_string().ends_with("it is empty"), "{error}");
        let error = SecretSource::Env("TRUEUP_NO_SUCH_VARIABLE".to_owned())
            .read("password")
            .unwrap_err();
        assert_eq!(
            error.to_string(),
            "cannot read the password from `$TRUEUP_NO_SUCH_VARIABLE`: the variable is not set"
        );
    }

    #[test]
    fn settings_can_be_printed_without_their_secrets() {
        let config = GitConfig {
            auth: Auth::Basic {
                username: "me".to_owned(),
                password: value("hunter2"),
            },
            ..config("https://you:hunter3@host/r")
        };
        assert!(!format!("{config:?}").contains("hunter"));
    }
}
