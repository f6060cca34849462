//! The flags that say where the files come from.

use std::{path::PathBuf, time::Duration};

use clap::{ArgGroup, Args};
use trueup_manifest::Diagnostic;

use super::{exit::Failure, global::Global, repository};
use crate::{
    config::parse_duration,
    source::{
        Auth, DirectoryConfig, GitConfig, GitUrl, Reference, SecretSource, SourceConfig, UrlError,
        VersionRange,
    },
};

/// Where the files come from: the folder of `-C`, or a Git repository that is polled.
#[derive(Debug, Args)]
#[command(next_help_heading = "Source")]
#[command(group(ArgGroup::new("follow").requires("git")))]
#[command(group(ArgGroup::new("login").requires("git")))]
pub(super) struct SourceFlags {
    /// Follow this Git repository, in place of the folder of `-C`: `https://`, `ssh://`,
    /// `user@host:path`, `file://` or an absolute path
    #[arg(long, value_name = "URL")]
    git: Option<String>,
    /// Follow this branch, in place of the repository's default
    #[arg(long, value_name = "NAME", group = "follow")]
    branch: Option<String>,
    /// Stay at this tag
    #[arg(long, value_name = "NAME", group = "follow")]
    tag: Option<String>,
    /// Follow the highest tag that is a version in this range, such as `^1.2`
    #[arg(long, value_name = "RANGE", group = "follow")]
    semver: Option<VersionRange>,
    /// Stay at this commit, by its 40 digits
    #[arg(long, value_name = "ID", group = "follow")]
    commit: Option<String>,
    /// The folder of the repository to use as its root
    #[arg(
        long,
        value_name = "FOLDER",
        requires = "git",
        default_value = "",
        hide_default_value = true
    )]
    path: String,
    /// How often to look
    #[arg(long, value_name = "DURATION", default_value = "1m", value_parser = parse_duration)]
    poll: Duration,
    /// Log in with the access token in this file
    #[arg(long, value_name = "FILE", group = "login")]
    token_file: Option<PathBuf>,
    /// Log in with the access token in this environment variable
    #[arg(long, value_name = "VARIABLE", group = "login")]
    token_env: Option<String>,
    /// Log in with the password in this file, as `--username`
    #[arg(long, value_name = "FILE", group = "login", requires = "username")]
    password_file: Option<PathBuf>,
    /// Log in with the SSH key in this file
    #[arg(long, value_name = "FILE", group = "login")]
    ssh_key_file: Option<PathBuf>,
    /// Log in with the keys of the running ssh-agent
    #[arg(long, group = "login")]
    ssh_agent: bool,
    /// The user to log in as
    #[arg(long, value_name = "NAME", requires = "login")]
    username: Option<String>,
    /// The SSH hosts to trust, in place of `~/.ssh/known_hosts`
    #[arg(long, value_name = "FILE", requires = "git")]
    known_hosts_file: Option<PathBuf>,
    /// The authorities that may sign the host's certificate, in PEM, in place of the system's
    #[arg(long, value_name = "FILE", requires = "git")]
    ca_file: Option<PathBuf>,
}

impl SourceFlags {
    /// How often to look.
    pub(super) fn poll(&self) -> Duration {
        self.poll
    }

    /// The source that the flags name.
    pub(super) fn source(&self, global: &Global) -> Result<SourceConfig, Failure> {
        let Some(url) = &self.git else {
            let folder = repository::root(global)?;
            let config = DirectoryConfig {
                interval: self.poll,
                ..DirectoryConfig::new(folder)
            };
            return Ok(SourceConfig::Directory(config));
        };
        // Not parsed by clap, whose errors repeat the value: it may hold a password.
        let url: GitUrl = url.parse().map_err(|error| url_failure(&error))?;
        let config = GitConfig {
            reference: self.reference(),
            path: self.path.clone(),
            auth: self.auth(),
            known_hosts_file: self.known_hosts_file.clone(),
            ca_file: self.ca_file.clone(),
            interval: self.poll,
            ..GitConfig::new(url)
        };
        config.validate()?;
        Ok(SourceConfig::Git(Box::new(config)))
    }

    fn reference(&self) -> Reference {
        let named = self.branch.clone().map(Reference::Branch);
        named
            .or_else(|| self.tag.clone().map(Reference::Tag))
            .or_else(|| self.semver.clone().map(Reference::Version))
            .or_else(|| self.commit.clone().map(Reference::Commit))
            .unwrap_or_default()
    }

    fn auth(&self) -> Auth {
        let username = self.username.clone();
        if let Some(file) = &self.password_file {
            let password = SecretSource::File(file.clone());
            return Auth::Basic {
                username: username.unwrap_or_default(),
                password,
            };
        }
        if let Some(file) = &self.ssh_key_file {
            return Auth::SshKey {
                key: SecretSource::File(file.clone()),
                passphrase: None,
            };
        }
        if self.ssh_agent {
            return Auth::SshAgent;
        }
        let file = self.token_file.clone().map(SecretSource::File);
        match file.or_else(|| self.token_env.clone().map(SecretSource::Env)) {
            Some(token) => Auth::Token { token, username },
            None => Auth::None,
        }
    }
}

fn url_failure(error: &UrlError) -> Failure {
    let diagnostic = Diagnostic::error("source/url", format!("`--git`: {error}"));
    match &error.help {
        Some(help) => diagnostic.help(help).into(),
        None => diagnostic.into(),
    }
}
