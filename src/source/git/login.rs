//! The credentials of one poll.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use git2::{Cred, CredentialType};
use zeroize::Zeroizing;

use crate::source::{
    config::{Auth, GitConfig},
    error::SourceError,
    secret::Secret,
    url::{GitUrl, Scheme},
};

/// How to prove who we are, with the secrets read.
#[derive(Debug)]
pub(super) enum Login {
    None,
    Password {
        user: String,
        password: Secret,
    },
    Bearer {
        token: Secret,
    },
    Key {
        key: Secret,
        passphrase: Option<Secret>,
    },
    Agent,
}

impl Login {
    /// Reads the secrets that the settings name.
    pub(super) fn read(config: &GitConfig) -> Result<Self, SourceError> {
        Ok(match config.effective_auth() {
            Auth::None => Self::None,
            Auth::Token { token, username } => Self::Password {
                user: username.unwrap_or_else(|| "x-access-token".to_owned()),
                password: token.read("token")?,
            },
            Auth::Basic { username, password } => Self::Password {
                user: username,
                password: password.read("password")?,
            },
            Auth::Bearer { token } => {
                let secret = token.read("token")?;
                if !secret.expose().bytes().all(|byte| byte.is_ascii_graphic()) {
                    return Err(SourceError::Credential {
                        what: "token",
                        place: "its setting".to_owned(),
                        reason: "it holds characters that no HTTP header can".to_owned(),
                    });
                }
                Self::Bearer { token: secret }
            }
            Auth::SshKey {
                key: source,
                passphrase,
            } => {
                let key = source.read("SSH key")?;
                if passphrase.is_none() && is_locked(key.expose()) {
                    return Err(SourceError::Credential {
                        what: "SSH key",
                        place: source.place(),
                        reason: "it is locked by a passphrase and none is set".to_owned(),
                    });
                }
                let passphrase = passphrase
                    .map(|passphrase| passphrase.read("passphrase of the SSH key"))
                    .transpose()?;
                Self::Key { key, passphrase }
            }
            Auth::SshAgent if std::env::var_os("SSH_AUTH_SOCK").is_some() => Self::Agent,
            Auth::SshAgent => {
                return Err(SourceError::Credential {
                    what: "keys of the SSH agent",
                    place: "`$SSH_AUTH_SOCK`".to_owned(),
                    reason: "the variable is not set".to_owned(),
                });
            }
        })
    }

    /// Whether there is anything that must not reach another host.
    pub(super) fn is_some(&self) -> bool {
        !matches!(self, Self::None)
    }

    /// Who to log in as over SSH.
    pub(super) fn ssh_user<'a>(&'a self, url: &'a GitUrl) -> &'a str {
        match self {
            Self::Password { user, .. } if !user.is_empty() => user,
            _ => url.user().unwrap_or("git"),
        }
    }

    /// The header that carries a bearer token.
    pub(super) fn header(&self) -> Option<Secret> {
        match self {
            Self::Bearer { token } => Some(Secret::new(format!(
                "Authorization: Bearer {}",
                token.expose()
            ))),
            _ => None,
        }
    }

    /// The answer to a server at `asked` that wants credentials of one of the kinds `allowed`, for
    /// the repository `url`, for the `attempt`th time.
    pub(super) fn answer(
        &self,
        url: &GitUrl,
        asked: &str,
        allowed: CredentialType,
        attempt: u32,
    ) -> Result<Cred, SourceError> {
        let refused = |reason: &str| SourceError::AuthRefused {
            url: url.to_string(),
            reason: reason.to_owned(),
        };
        if !is_same_host(url, asked) {
            return Err(SourceError::Redirected {
                url: url.to_string(),
                reason: "it wants credentials there".to_owned(),
            });
        }
        if attempt > 1 {
            return Err(refused("the login failed"));
        }
        let made = match self {
            Self::None => {
                return Err(SourceError::AuthRequired {
                    url: url.to_string(),
                });
            }
            Self::Bearer { .. } => return Err(refused("it does not accept the token")),
            Self::Password { user, password }
                if allowed.contains(CredentialType::USER_PASS_PLAINTEXT) =>
            {
                Cred::userpass_plaintext(user, password.expose())
            }
            Self::Key { key, passphrase } if allowed.contains(CredentialType::SSH_MEMORY) => {
                let passphrase = passphrase.as_ref().map(Secret::expose);
                Cred::ssh_key_from_memory(self.ssh_user(url), None, key.expose(), passphrase)
            }
            Self::Agent if allowed.contains(CredentialType::SSH_KEY) => {
                Cred::ssh_key_from_agent(self.ssh_user(url))
            }
            Self::Password { .. } => return Err(refused("it takes no password")),
            Self::Key { .. } | Self::Agent => return Err(refused("it takes no SSH key")),
        };
        made.map_err(|_| refused("the credentials hold a NUL character"))
    }
}

/// Whether a private key needs a passphrase: libssh2 would only say that it cannot read it. In the
/// form of OpenSSH the name of the cipher follows the magic bytes; in PEM the header tells.
fn is_locked(key: &str) -> bool {
    let body = key
        .trim()
        .strip_prefix("-----BEGIN OPENSSH PRIVATE KEY-----");
    let Some(body) = body.and_then(|body| body.split("-----END").next()) else {
        return key.contains("ENCRYPTED");
    };
    let body: Zeroizing<String> = body.split_whitespace().collect::<String>().into();
    let Ok(blob) = STANDARD.decode(body.as_bytes()).map(Zeroizing::new) else {
        return false;
    };
    blob.strip_prefix(b"openssh-key-v1\0")
        .is_some_and(|rest| !rest.starts_with(b"\0\0\0\x04none"))
}

/// Credentials go to the host that was named, and not from an encrypted to a plain connection.
fn is_same_host(named: &GitUrl, asked: &str) -> bool {
    let Ok(asked) = asked.parse::<GitUrl>() else {
        return false;
    };
    if named.scheme() == Scheme::Ssh {
        // SSH has no redirects, and libgit2 writes the short form in its own way.
        return true;
    }
    let upgraded = named.scheme() == Scheme::Http && asked.scheme() == Scheme::Https;
    named.host().eq_ignore_ascii_case(asked.host())
        && (upgraded || (named.scheme() == asked.scheme() && named.port() == asked.port()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_go_only_to_the_host_that_was_named() {
        for (named, asked, same) in [
            ("https://host/r", "https://host/r", true),
            ("https://host/r", "https://HOST/moved/r", true),
            ("https://host/r", "https://other/r", false),
            ("https://host/r", "http://host/r", false),
            ("https://host/r", "https://host:8443/r", false),
            ("http://host/r", "https://host/r", true),
            ("https://host/r", "nonsense", false),
        ] {
            assert_eq!(
                is_same_host(&named.parse().unwrap(), asked),
                same,
                "{named} {asked}"
            );
        }
    }

    #[test]
    fn a_second_question_means_that_the_answer_was_refused() {
        let url: GitUrl = "https://host/r".parse().unwrap();
        let login = Login::Password {
            user: "me".to_owned(),
            password: Secret::new("pw"),
        };
        let kinds = CredentialType::USER_PASS_PLAINTEXT;
        assert!(login.answer(&url, "https://host/r", kinds, 1).is_ok());
        let error = login
            .answer(&url, "https://host/r", kinds, 2)
            .err()
            .unwrap();
        assert_eq!(
            error.to_string(),
            "`https://host/r` refuses the credentials: the login failed"
        );
        let error = Login::None
            .answer(&url, "https://host/r", kinds, 1)
            .err()
            .unwrap();
        assert_eq!(
            error,
            SourceError::AuthRequired {
                url: "https://host/r".to_owned()
            }
        );
    }
}
