//! SSH through a real `sshd`, with the host key checked.

use std::{
    fs,
    net::TcpListener,
    os::fd::OwnedFd,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    thread,
};

use trueup::source::{Auth, ErrorKind, GitConfig, SecretSource};

use crate::repository::{Repository, failure, open, poll, skipped, text};

/// An `sshd` that serves connections of one test, each from a process of its own.
pub(crate) struct Sshd {
    pub(crate) folder: PathBuf,
    port: u16,
}

impl Sshd {
    /// Starts it, or says loudly why these tests cannot run.
    pub(crate) fn start(repository: &Repository) -> Option<Self> {
        let Some(sshd) = find("sshd") else {
            skipped("there is no `sshd` here (`apt-get install openssh-server`)");
            return None;
        };
        // It will not start without its folder, which only its own service makes.
        if is_root() {
            fs::create_dir_all("/run/sshd").unwrap();
        }
        let folder = repository.path().join("ssh");
        fs::create_dir(&folder).unwrap();
        for (name, kind, passphrase) in [
            ("host", "ed25519", ""),
            ("client", "ed25519", ""),
            ("locked", "ed25519", "open sesame"),
            ("rsa", "rsa", ""),
        ] {
            keygen(&folder.join(name), kind, passphrase);
        }
        let known: Vec<String> = ["client.pub", "locked.pub", "rsa.pub"]
            .map(|name| fs::read_to_string(folder.join(name)).unwrap())
            .to_vec();
        fs::write(folder.join("authorized_keys"), known.concat()).unwrap();
        let config = format!(
            "HostKey {0}/host\nAuthorizedKeysFile {0}/authorized_keys\nStrictModes no\nUsePAM no\n\
             PasswordAuthentication no\nPermitRootLogin yes\nPidFile none\nLogLevel ERROR\n",
            folder.display()
        );
        fs::write(folder.join("sshd_config"), config).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let config = folder.join("sshd_config");
        thread::spawn(move || {
            for stream in listener.incoming() {
                let stream = OwnedFd::from(stream.unwrap());
                let output = stream.try_clone().unwrap();
                let child = Command::new(&sshd)
                    .args(["-i", "-e", "-f"])
                    .arg(&config)
                    .stdin(Stdio::from(stream))
                    .stdout(Stdio::from(output))
                    .stderr(Stdio::null())
                    .spawn();
                thread::spawn(move || child.unwrap().wait());
            }
        });
        Some(Self { folder, port })
    }

    pub(crate) fn config(&self, repository: &Repository, key: &str) -> GitConfig {
        let user = Command::new("id").arg("-un").output().unwrap().stdout;
        let user = String::from_utf8(user).unwrap();
        let path = repository.bare();
        let url = format!(
            "ssh://{}@127.0.0.1:{}{}",
            user.trim(),
            self.port,
            path.display()
        );
        let known_hosts = self.folder.join("known_hosts");
        if !known_hosts.exists() {
            fs::write(&known_hosts, self.known_hosts_line("host")).unwrap();
        }
        GitConfig {
            auth: Auth::SshKey {
                key: SecretSource::File(self.folder.join(key)),
                passphrase: None,
            },
            known_hosts_file: Some(known_hosts),
            ..repository.config(&url)
        }
    }

    fn known_hosts_line(&self, key: &str) -> String {
        let public = fs::read_to_string(self.folder.join(key).with_extension("pub")).unwrap();
        format!("[127.0.0.1]:{} {public}", self.port)
    }
}

fn find(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let sbin = ["/usr/sbin", "/usr/local/sbin", "/sbin"].map(PathBuf::from);
    std::env::split_paths(&path)
        .chain(sbin)
        .map(|dir| dir.join(program))
        .find(|path| path.exists())
}

fn is_root() -> bool {
    Command::new("id").arg("-u").output().unwrap().stdout == b"0\n"
}

fn keygen(file: &Path, kind: &str, passphrase: &str) {
    let status = Command::new("ssh-keygen")
        .args(["-q", "-t", kind, "-N", passphrase, "-C", "test", "-f"])
        .arg(file)
        .status();
    assert!(status.expect("`sshd` comes with `ssh-keygen`").success());
}

#[tokio::test]
async fn a_repository_is_read_over_ssh_with_a_key() {
    let repository = Repository::new();
    let Some(sshd) = Sshd::start(&repository) else {
        return;
    };
    for (key, passphrase) in [
        ("client", None),
        ("rsa", None),
        ("locked", Some("open sesame")),
    ] {
        let secret = |text: &str| SecretSource::Value(trueup::source::Secret::new(text));
        let auth = Auth::SshKey {
            key: SecretSource::File(sshd.folder.join(key)),
            passphrase: passphrase.map(secret),
        };
        let cache_dir = repository.cache().join(key);
        let source = open(GitConfig {
            auth,
            cache_dir,
            ..sshd.config(&repository, key)
        });
        assert_eq!(text(&poll(&source).await, "file"), "one", "{key}");
        repository.commit("file", "two", "second");
        assert_eq!(text(&poll(&source).await, "file"), "two", "{key}");
        repository.commit("file", "one", "third");
    }
}

#[tokio::test]
async fn a_key_that_the_host_does_not_know_is_refused() {
    let repository = Repository::new();
    let Some(sshd) = Sshd::start(&repository) else {
        return;
    };
    keygen(&sshd.folder.join("stranger"), "ed25519", "");
    let error = failure(&open(sshd.config(&repository, "stranger"))).await;
    assert_eq!(error.kind(), ErrorKind::Auth, "{error}");
    assert!(
        error
            .to_string()
            .ends_with("refuses the credentials: the login failed"),
        "{error}"
    );
}

#[tokio::test]
async fn a_locked_key_needs_its_passphrase() {
    let repository = Repository::new();
    let Some(sshd) = Sshd::start(&repository) else {
        return;
    };
    let config = sshd.config(&repository, "locked");
    let error = failure(&open(config.clone())).await;
    assert!(
        error
            .to_string()
            .ends_with("it is locked by a passphrase and none is set"),
        "{error}"
    );
    let auth = Auth::SshKey {
        key: SecretSource::File(sshd.folder.join("locked")),
        passphrase: Some(SecretSource::Value(trueup::source::Secret::new("wrong"))),
    };
    let error = failure(&open(GitConfig { auth, ..config })).await;
    assert_eq!(error.kind(), ErrorKind::Auth, "{error}");
}

#[tokio::test]
async fn a_host_that_is_not_known_is_refused_with_its_fingerprint_and_the_line_to_add() {
    let repository = Repository::new();
    let Some(sshd) = Sshd::start(&repository) else {
        return;
    };
    let config = sshd.config(&repository, "client");
    let known_hosts = config.known_hosts_file.clone().unwrap();
    fs::write(&known_hosts, "# nobody\n").unwrap();
    let error = failure(&open(config.clone())).await;
    let listed = Command::new("ssh-keygen")
        .arg("-lf")
        .arg(sshd.folder.join("host.pub"))
        .output()
        .unwrap();
    let listed = String::from_utf8(listed.stdout).unwrap();
    let fingerprint = listed.split(' ').nth(1).unwrap();
    assert_eq!(
        error.to_string(),
        format!(
            "the SSH host key of `[127.0.0.1]:{}` is not trusted: the host is not in `known_hosts` \
             (it shows ssh-ed25519 `{fingerprint}`)",
            sshd.port
        )
    );
    assert_eq!(error.kind(), ErrorKind::Auth);
    // The line it names is the one that helps.
    let help = error.help().unwrap();
    fs::write(&known_hosts, help.lines().last().unwrap()).unwrap();
    poll(&open(config)).await;
}

#[tokio::test]
async fn a_host_that_shows_another_key_is_refused() {
    let repository = Repository::new();
    let Some(sshd) = Sshd::start(&repository) else {
        return;
    };
    let config = sshd.config(&repository, "client");
    let known_hosts = config.known_hosts_file.clone().unwrap();
    for (key, reason) in [
        ("client", "it is not the key in `known_hosts`"),
        (
            "rsa",
            "`known_hosts` has only keys of other types for the host",
        ),
    ] {
        fs::write(&known_hosts, sshd.known_hosts_line(key)).unwrap();
        let error = failure(&open(config.clone())).await;
        assert!(error.to_string().contains(reason), "{error}");
    }
}

#[tokio::test]
async fn what_is_no_repository_on_the_host_is_said_to_be_none() {
    let repository = Repository::new();
    let Some(sshd) = Sshd::start(&repository) else {
        return;
    };
    let config = sshd.config(&repository, "client");
    let url = config.url.to_string().replace("r.git", "none.git");
    let error = failure(&open(GitConfig {
        url: url.parse().unwrap(),
        ..config
    }))
    .await;
    assert_eq!(error.code(), "source/no-repository", "{error}");
}

#[tokio::test]
async fn a_missing_list_of_known_hosts_is_an_error() {
    let repository = Repository::new();
    let config = GitConfig {
        known_hosts_file: Some(repository.path().join("none")),
        ..repository.config("ssh://git@127.0.0.1:1/r.git")
    };
    let error = failure(&open(config)).await;
    assert!(error.to_string().starts_with("cannot use `"), "{error}");
}
