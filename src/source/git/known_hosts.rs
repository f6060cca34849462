//! Whether an SSH host is who it says, by the `known_hosts` files of OpenSSH (the format is
//! described in `sshd(8)`).

use aws_lc_rs::{digest, hmac};
use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, STANDARD_NO_PAD},
};

use crate::source::error::{HostKeyProblem, SourceError};

/// The keys of known hosts.
#[derive(Clone, Debug, Default)]
pub(super) struct KnownHosts(Vec<Line>);

#[derive(Clone, Debug)]
struct Line {
    revoked: bool,
    hosts: Hosts,
    key: Vec<u8>,
}

#[derive(Clone, Debug)]
enum Hosts {
    /// Patterns with `*` and `?`, each perhaps negated by `!`.
    Patterns(Vec<String>),
    /// A name hidden by HMAC-SHA1 (`HashKnownHosts yes`).
    Hashed { salt: Vec<u8>, hash: Vec<u8> },
}

impl KnownHosts {
    /// Reads the lines of a file. Those that make no sense are passed over, as OpenSSH does, and so
    /// are those of certificate authorities: libssh2 has no host certificates.
    pub(super) fn parse(text: &str) -> Self {
        Self(text.lines().filter_map(parse_line).collect())
    }

    /// Whether the host may show this key: the blob of the wire protocol, which begins with the name
    /// of its type.
    pub(super) fn check(&self, host: &str, port: u16, key: &[u8]) -> Result<(), SourceError> {
        let named = if port == 22 {
            host.to_owned()
        } else {
            format!("[{host}]:{port}")
        };
        let verdict = match self.judge(&named, key) {
            // As OpenSSH: a host known without its port is known on every port.
            Err(HostKeyProblem::Unknown) if port != 22 && self.judge(host, key).is_ok() => Ok(()),
            verdict => verdict,
        };
        let shown = key_type(key).unwrap_or("a key of unknown type");
        verdict.map_err(|problem| SourceError::HostKey {
            host: named.clone(),
            problem,
            key_type: shown.to_owned(),
            fingerprint: fingerprint(key),
            line: format!("{named} {shown} {}", STANDARD.encode(key)),
        })
    }

    fn judge(&self, host: &str, key: &[u8]) -> Result<(), HostKeyProblem> {
        let about: Vec<&Line> = self.0.iter().filter(|line| line.hosts.hold(host)).collect();
        if about.iter().any(|line| line.revoked && line.key == key) {
            return Err(HostKeyProblem::Revoked);
        }
        let mut trusted = about.iter().filter(|line| !line.revoked).peekable();
        if trusted.peek().is_none() {
            return Err(HostKeyProblem::Unknown);
        }
        let mut same_type = false;
        for line in trusted {
            if line.key == key {
                return Ok(());
            }
            same_type |= key_type(&line.key) == key_type(key);
        }
        Err(if same_type {
            HostKeyProblem::Changed
        } else {
            HostKeyProblem::OtherType
        })
    }
}

/// `SHA256:` and base64 without padding, as `ssh-keygen -l` and the hosts themselves show it.
fn fingerprint(key: &[u8]) -> String {
    let hash = digest::digest(&digest::SHA256, key);
    format!("SHA256:{}", STANDARD_NO_PAD.encode(hash.as_ref()))
}

/// The name of the type, with which each key begins after its length.
fn key_type(key: &[u8]) -> Option<&str> {
    let (length, rest) = key.split_first_chunk::<4>()?;
    let name = rest.get(..usize::try_from(u32::from_be_bytes(*length)).ok()?)?;
    std::str::from_utf8(name)
        .ok()
        .filter(|name| name.bytes().all(|byte| byte.is_ascii_graphic()))
}

fn parse_line(line: &str) -> Option<Line> {
    let mut words = line.split_ascii_whitespace().peekable();
    let revoked = match words.peek()?.strip_prefix('@') {
        None => false,
        Some("revoked") => words.next().is_some(),
        Some(_) => return None,
    };
    let hosts = words.next().filter(|word| !word.starts_with('#'))?;
    let _type = words.next()?;
    let key = STANDARD.decode(words.next()?).ok()?;
    let hosts = match hosts.strip_prefix("|1|") {
        Some(hashed) => {
            let (salt, hash) = hashed.split_once('|')?;
            Hosts::Hashed {
                salt: STANDARD.decode(salt).ok()?,
                hash: STANDARD.decode(hash).ok()?,
            }
        }
        None => Hosts::Patterns(hosts.split(',').map(str::to_ascii_lowercase).collect()),
    };
    Some(Line {
        revoked,
        hosts,
        key,
    })
}

impl Hosts {
    fn hold(&self, host: &str) -> bool {
        let host = host.to_ascii_lowercase();
        match self {
            Self::Hashed { salt, hash } => {
                let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, salt);
                hmac::verify(&key, host.as_bytes(), hash).is_ok()
            }
            Self::Patterns(patterns) => {
                let mut held = false;
                for pattern in patterns {
                    match pattern.strip_prefix('!') {
                        Some(not) if matches(not.as_bytes(), host.as_bytes()) => return false,
                        Some(_) => {}
                        None => held |= matches(pattern.as_bytes(), host.as_bytes()),
                    }
                }
                held
            }
        }
    }
}

/// `*` stands for any text, `?` for any one character. It takes at most the product of the lengths.
fn matches(pattern: &[u8], text: &[u8]) -> bool {
    let (mut at, mut star) = ((0, 0), None);
    while let Some(byte) = text.get(at.1) {
        match pattern.get(at.0) {
            Some(b'*') => {
                star = Some(at);
                at.0 += 1;
            }
            Some(wanted) if *wanted == b'?' || wanted == byte => {
                at = (at.0 + 1, at.1 + 1);
            }
            _ => match star {
                // Let the last star take one more character.
                Some((pattern_at, text_at)) => {
                    star = Some((pattern_at, text_at + 1));
                    at = (pattern_at + 1, text_at + 1);
                }
                None => return false,
            },
        }
    }
    pattern
        .get(at.0..)
        .is_some_and(|rest| rest.iter().all(|byte| *byte == b'*'))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A key of some type, as the wire protocol writes it.
    fn key(kind: &str, secret: u8) -> Vec<u8> {
        let length = u32::try_from(kind.len()).unwrap().to_be_bytes();
        [length.as_slice(), kind.as_bytes(), &[0, 0, 0, 1, secret]].concat()
    }

    fn line(hosts: &str, key: &[u8]) -> String {
        format!(
            "{hosts} {} {}\n",
            key_type(key).unwrap(),
            STANDARD.encode(key)
        )
    }

    fn judged(text: &str, host: &str, port: u16, key: &[u8]) -> Option<HostKeyProblem> {
        match KnownHosts::parse(text).check(host, port, key) {
            Ok(()) => None,
            Err(SourceError::HostKey { problem, .. }) => Some(problem),
            Err(other) => panic!("{other}"),
        }
    }

    #[test]
    fn a_host_is_trusted_by_its_key_and_nothing_else() {
        use HostKeyProblem::{Changed, OtherType, Revoked, Unknown};
        let good = key("ssh-ed25519", 1);
        let bad = key("ssh-ed25519", 2);
        let rsa = key("ssh-rsa", 3);
        let known = [
            "# a comment\n\nnonsense\n",
            &line("git.example.com,10.0.0.1", &good),
            &line("[git.example.com]:2222", &bad),
            &line("*.wild.example.com,!not.wild.example.com", &good),
            &line("rsa.example.com", &rsa),
            &line("@revoked *", &key("ssh-ed25519", 9)),
            &line("@cert-authority *", &bad),
        ]
        .concat();
        for (host, port, key, problem) in [
            ("git.example.com", 22, &good, None),
            ("GIT.example.com", 22, &good, None),
            ("10.0.0.1", 22, &good, None),
            ("git.example.com", 22, &bad, Some(Changed)),
            ("git.example.com", 22, &rsa, Some(OtherType)),
            ("git.example.com", 2222, &bad, None),
            ("git.example.com", 2222, &good, Some(Changed)),
            ("10.0.0.1", 2222, &good, None),
            ("10.0.0.1", 2222, &bad, Some(Unknown)),
            ("a.wild.example.com", 22, &good, None),
            ("not.wild.example.com", 22, &good, Some(Unknown)),
            ("rsa.example.com", 22, &good, Some(OtherType)),
            ("other.example.com", 22, &good, Some(Unknown)),
            ("git.example.com", 22, &key("ssh-ed25519", 9), Some(Revoked)),
        ] {
            assert_eq!(judged(&known, host, port, key), problem, "{host}:{port}");
        }
    }

    #[test]
    fn a_hashed_name_is_found() {
        // Made by `ssh-keygen -H` for `git.example.com`; the salt and hash are the test's own.
        let salt = [7_u8; 20];
        let hmac_key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, &salt);
        let hash = hmac::sign(&hmac_key, b"git.example.com");
        let hosts = format!(
            "|1|{}|{}",
            STANDARD.encode(salt),
            STANDARD.encode(hash.as_ref())
        );
        let good = key("ssh-ed25519", 1);
        assert_eq!(
            judged(&line(&hosts, &good), "git.example.com", 22, &good),
            None
        );
        assert!(judged(&line(&hosts, &good), "example.com", 22, &good).is_some());
    }

    #[test]
    fn an_unknown_host_shows_its_fingerprint_and_the_line_to_add() {
        // The key and fingerprint that GitHub publishes.
        let github = STANDARD
            .decode("AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl")
            .unwrap();
        let error = KnownHosts::default()
            .check("github.com", 22, &github)
            .unwrap_err();
        assert_eq!(
            error.to_string(),
            "the SSH host key of `github.com` is not trusted: the host is not in `known_hosts` (it \
             shows ssh-ed25519 `SHA256:+DiY3wvvV6TuJJhbpZisF/zLDA0zPMSvHdkr4UvCOqU`)"
        );
        assert!(error.help().unwrap().ends_with(
            "\ngithub.com ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl"
        ));
    }

    #[test]
    fn patterns_match_as_in_openssh() {
        for (pattern, text, expected) in [
            ("*", "", true),
            ("a?c", "abc", true),
            ("a?c", "ac", false),
            ("*.b.*", "a.b.c", true),
            ("*a*b*c", "xxaxxbxxc", true),
            ("*a*b*c", "xxaxxbxxd", false),
            ("", "", true),
            ("", "a", false),
        ] {
            assert_eq!(
                matches(pattern.as_bytes(), text.as_bytes()),
                expected,
                "{pattern} {text}"
            );
        }
        // Not exponential.
        assert!(!matches(&b"*a".repeat(40), &b"a".repeat(39)));
    }
}
