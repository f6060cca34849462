//! The connection to a Git server: what it advertises, and what is fetched from it.

use std::{cell::RefCell, path::Path};

use git2::{
    AutotagOption, ConfigLevel, Error, ErrorClass, ErrorCode, FetchOptions, ProxyOptions,
    RemoteCallbacks, RemoteRedirect, Repository, cert::Cert,
};

use super::{
    authorities::Authorities,
    classify::{Stage, classify},
    known_hosts::KnownHosts,
    login::Login,
    refs::{Head, Target, choose},
};
use crate::source::{
    config::GitConfig, deadline::Cancel, error::SourceError, secret::Secret, url::Scheme,
};

/// All that is needed to talk to one server during one poll.
pub(super) struct Link<'a> {
    config: &'a GitConfig,
    cancel: &'a Cancel,
    login: Login,
    trust: Trust,
    /// What a callback found wrong; libgit2 itself would only say that a callback failed.
    verdict: RefCell<Option<SourceError>>,
}

/// Whom to take for the server.
enum Trust {
    /// The system's certificate authorities.
    System,
    /// These certificate authorities.
    Authorities(Authorities),
    /// These SSH host keys.
    Hosts(KnownHosts),
}

impl<'a> Link<'a> {
    /// Reads the secrets and the trusted keys that the settings name.
    pub(super) fn new(config: &'a GitConfig, cancel: &'a Cancel) -> Result<Self, SourceError> {
        let trust = match (&config.ca_file, config.url.scheme()) {
            (Some(file), _) => Trust::Authorities(Authorities::load(file)?),
            (None, Scheme::Ssh) => Trust::Hosts(known_hosts(config)?),
            (None, _) => Trust::System,
        };
        let login = Login::read(config)?;
        Ok(Self {
            config,
            cancel,
            login,
            trust,
            verdict: RefCell::new(None),
        })
    }

    /// Asks what there is, and gives it to `decide` together with a way to fetch it over the same
    /// connection.
    pub(super) fn open<T>(
        &self,
        repository: &Repository,
        decide: impl FnOnce(
            Target,
            &mut dyn FnMut() -> Result<(), SourceError>,
        ) -> Result<T, SourceError>,
    ) -> Result<T, SourceError> {
        let url = self.config.url.to_string();
        let wire = self.config.url.wire(self.login.ssh_user(&self.config.url));
        let header = self.login.header();
        // The remote keeps pointers into the options, so these are declared before it.
        let mut options = self.options(header.as_ref());
        let local = |error: Error| self.meaning(&error, Stage::Local, repository.path());
        pin_address(repository, &wire).map_err(local)?;
        let mut remote = repository.remote_anonymous(&wire).map_err(local)?;
        // A ref that no server has: the answer is the list of those it has. It is done this way
        // because only a download takes headers and a rule for redirects.
        let nothing = ["+refs/trueup/none:refs/trueup/none"];
        remote
            .download(&nothing, Some(&mut options))
            .map_err(|error| self.meaning(&error, Stage::Connect, repository.path()))?;
        let heads = remote
            .list()
            .map_err(|error| self.meaning(&error, Stage::Connect, repository.path()))?
            .iter()
            .map(|head| Head {
                name: head.name().to_owned(),
                id: head.oid(),
                symref: head.symref_target().map(str::to_owned),
            })
            .collect::<Vec<_>>();
        let target = choose(&self.config.reference, &heads, &url)?;
        let source = target.source.clone();
        let outcome = decide(target, &mut || {
            self.fetch(&mut remote, &mut options, &source, repository.path())
        });
        // Its failure would hide the outcome and changes nothing about it.
        let _ = remote.disconnect();
        outcome
    }

    fn fetch(
        &self,
        remote: &mut git2::Remote<'_>,
        options: &mut FetchOptions<'_>,
        source: &str,
        cache: &Path,
    ) -> Result<(), SourceError> {
        let refspec = format!("+{source}:refs/trueup/fetched");
        // The local transport cannot fetch a part of the history.
        let depth = if self.config.url.scheme() == Scheme::File {
            0
        } else {
            self.config.depth
        };
        options.depth(i32::try_from(depth).unwrap_or(0));
        let outcome = remote.download(&[&refspec], Some(options));
        let Err(error) = outcome else { return Ok(()) };
        let message = error.message().to_owned();
        if depth > 0 && message.contains("doesn't support shallow") {
            options.depth(0);
            return remote
                .download(&[&refspec], Some(options))
                .map_err(|error| self.meaning(&error, Stage::Transfer, cache));
        }
        if message.contains("cannot fetch a specific object") {
            // The server gives out no bare commits, so the commit must be in what it advertises.
            options.depth(0);
            let all = [
                "+refs/heads/*:refs/trueup/heads/*",
                "+refs/tags/*:refs/trueup/tags/*",
            ];
            return remote
                .download(&all, Some(options))
                .map_err(|error| self.meaning(&error, Stage::Transfer, cache));
        }
        if message.contains("not our ref") {
            return Err(SourceError::NoReference {
                url: self.config.url.to_string(),
                reference: self.config.reference.to_string(),
                nearest: None,
            });
        }
        Err(self.meaning(&error, Stage::Transfer, cache))
    }

    fn meaning(&self, error: &Error, stage: Stage, cache: &Path) -> SourceError {
        if let Some(verdict) = self.verdict.borrow_mut().take() {
            return verdict;
        }
        let url = self.config.url.to_string();
        match classify(error, stage, &url, cache) {
            SourceError::AuthRefused { url, .. } if !self.login.is_some() => {
                SourceError::AuthRequired { url }
            }
            other => other,
        }
    }

    fn options<'b>(&'b self, header: Option<&Secret>) -> FetchOptions<'b> {
        let mut proxy = ProxyOptions::new();
        proxy.auto();
        let mut options = FetchOptions::new();
        options
            .remote_callbacks(self.callbacks())
            .proxy_options(proxy)
            .download_tags(AutotagOption::None)
            .update_fetchhead(false)
            // A header would be sent along to wherever the server points.
            .follow_redirects(if self.login.is_some() {
                RemoteRedirect::None
            } else {
                RemoteRedirect::Initial
            });
        if let Some(header) = header {
            options.custom_headers(&[header.expose()]);
        }
        options
    }

    fn callbacks(&self) -> RemoteCallbacks<'_> {
        let mut callbacks = RemoteCallbacks::new();
        let mut attempts = 0;
        callbacks.credentials(move |asked, _, allowed| {
            attempts += 1;
            let answer = self
                .login
                .answer(&self.config.url, asked, allowed, attempts);
            answer.map_err(|error| self.judge(error))
        });
        callbacks.certificate_check(|certificate, host| {
            self.check_host(certificate, host)
                .map_err(|error| self.judge(error))
        });
        callbacks.transfer_progress(|progress| {
            if progress.received_bytes() as u64 > self.config.max_bytes {
                let limit = self.config.max_bytes;
                self.judge(SourceError::TooLarge {
                    url: self.config.url.to_string(),
                    limit,
                });
                return false;
            }
            !self.cancel.is_set()
        });
        callbacks.sideband_progress(|_| !self.cancel.is_set());
        callbacks
    }

    fn check_host(
        &self,
        certificate: &Cert<'_>,
        host: &str,
    ) -> Result<git2::CertificateCheckStatus, SourceError> {
        use git2::CertificateCheckStatus::{CertificateOk, CertificatePassthrough};
        let key = certificate
            .as_hostkey()
            .map(|host| host.hostkey().unwrap_or_default());
        let x509 = certificate.as_x509().map(git2::cert::CertX509::data);
        match (&self.trust, key, x509) {
            (Trust::Hosts(known), Some(key), _) => {
                known.check(self.config.url.host(), self.config.url.port(), key)?;
                Ok(CertificateOk)
            }
            (Trust::Authorities(authorities), _, Some(der)) => {
                authorities.check(der, host)?;
                Ok(CertificateOk)
            }
            _ => Ok(CertificatePassthrough),
        }
    }

    /// Keeps what a callback found, and gives libgit2 something to stop with.
    fn judge(&self, error: SourceError) -> Error {
        self.verdict.borrow_mut().get_or_insert(error);
        Error::new(ErrorCode::User, ErrorClass::Callback, "stopped by trueup")
    }
}

/// Rules like `url.….insteadOf` in the settings of the user would send us, and the credentials,
/// somewhere else. The longest match wins, and none is longer than the whole address itself.
fn pin_address(repository: &Repository, wire: &str) -> Result<(), Error> {
    let key = format!("url.{wire}.insteadof");
    let mut own = repository.config()?.open_level(ConfigLevel::Local)?;
    if own.get_string(&key).is_ok_and(|address| address == wire) {
        return Ok(());
    }
    own.set_str(&key, wire)
}

fn known_hosts(config: &GitConfig) -> Result<KnownHosts, SourceError> {
    if let Some(path) = &config.known_hosts_file {
        let text = std::fs::read_to_string(path).map_err(|error| SourceError::Io {
            path: path.clone(),
            reason: error.to_string(),
        })?;
        return Ok(KnownHosts::parse(&text));
    }
    let home = std::env::var_os("HOME").map(std::path::PathBuf::from);
    let own = home.map(|home| home.join(".ssh/known_hosts"));
    let mut text = String::new();
    for path in own
        .iter()
        .map(std::path::PathBuf::as_path)
        .chain([Path::new("/etc/ssh/ssh_known_hosts")])
    {
        // One that is not there trusts nobody.
        if let Ok(found) = std::fs::read_to_string(path) {
            text.push_str(&found);
            text.push('\n');
        }
    }
    Ok(KnownHosts::parse(&text))
}
