//! What the machine has to do with it: its disk, its proxy, its Git settings, its users. Such a test
//! runs itself again in a process of its own, where the machine is as it needs it.

use std::{
    env, fs,
    os::unix::fs::chown,
    path::PathBuf,
    process::{Command, Output},
    sync::{Arc, Mutex},
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};
use trueup::source::{Auth, ErrorKind, GitConfig, WorkTree};

use crate::{
    http::Server,
    repository::{Repository, failure, git, open, poll, skipped, text},
    ssh::Sshd,
};

/// Set in the process in which a test runs again.
const INNER: &str = "TRUEUP_TEST_INNER";

fn inner() -> Option<String> {
    env::var(INNER).ok()
}

/// The command that runs just `test` again and gives it `input`, after `wrapper` where there is one.
fn again(wrapper: &[&str], test: &str, input: &str) -> Command {
    let program = env::current_exe().unwrap();
    let mut words = wrapper.iter().copied().chain([program.to_str().unwrap()]);
    let mut command = Command::new(words.next().unwrap());
    command
        .args(words)
        .args(["--exact", &format!("machine::{test}"), "--nocapture"]);
    command.env(INNER, input);
    command
}

async fn run(mut command: Command) -> Output {
    tokio::task::spawn_blocking(move || command.output().unwrap())
        .await
        .unwrap()
}

fn assert_passed(output: &Output) {
    let shown = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success() && shown.contains("1 passed"),
        "{shown}{errors}"
    );
}

#[tokio::test]
async fn a_full_disk_keeps_the_last_good_revision_until_there_is_space() {
    let Some(disk) = inner() else {
        let folder = tempfile::tempdir().unwrap();
        let disk = folder.path().to_str().unwrap();
        // A small disk of its own, which only this process and its children see.
        let mount = "mount -t tmpfs -o size=4m tmpfs \"$TRUEUP_TEST_INNER\" && exec \"$0\" \"$@\"";
        let probe = ["unshare", "-rm", "sh", "-c", mount];
        let allowed = Command::new("unshare")
            .args(&probe[1..])
            .arg("true")
            .env(INNER, disk)
            .status();
        if !allowed.is_ok_and(|status| status.success()) {
            skipped("this machine does not let us mount a small disk (`unshare -rm`)");
            return;
        }
        let name = "a_full_disk_keeps_the_last_good_revision_until_there_is_space";
        assert_passed(&run(again(&probe, name, disk)).await);
        return;
    };
    let repository = Repository::new();
    let server = Server::start(&repository.bare()).await;
    let cache_dir = PathBuf::from(disk);
    let source = open(GitConfig {
        cache_dir: cache_dir.clone(),
        ..repository.config(&server.url)
    });
    let good = poll(&source).await;
    repository.commit("noise", &crate::failures::noise(1 << 20), "second");
    let filler = cache_dir.join("filler");
    assert!(
        fs::write(&filler, vec![1; 8 << 20]).is_err(),
        "the disk is not full"
    );
    let error = failure(&source).await;
    assert_eq!(error.code(), "source/disk-full", "{error}");
    assert_eq!(error.kind(), ErrorKind::Transient);
    assert_eq!(text(&good, "file"), "one");
    // A fresh start on a full disk fails alike.
    let other = open(GitConfig {
        path: ".".to_owned(),
        cache_dir,
        ..repository.config(&server.url)
    });
    assert_eq!(failure(&other).await.code(), "source/disk-full");
    fs::remove_file(filler).unwrap();
    assert_eq!(text(&poll(&source).await, "noise").len(), 1 << 20);
    poll(&other).await;
}

/// libgit2 uses a proxy for HTTPS only; for plain HTTP it goes to the host itself.
#[tokio::test]
async fn the_proxy_of_the_environment_is_used_for_https() {
    let repository = Repository::new();
    if let Some(input) = inner() {
        let (url, ca_file) = input.split_once(' ').unwrap();
        let ca_file = Some(PathBuf::from(ca_file));
        let source = open(GitConfig {
            ca_file,
            ..repository.config(url)
        });
        assert_eq!(text(&poll(&source).await, "file"), "behind the proxy");
        return;
    }
    repository.commit("file", "behind the proxy", "second");
    let (server, ca_file) = crate::https::serve_as(&repository, "git.invalid").await;
    let (proxy, asked) = proxy_to(server.url.clone()).await;
    let url = format!(
        "https://git.invalid{}",
        server.url.rsplit_once("localhost").unwrap().1
    );
    let input = format!("{url} {}", ca_file.display());
    let name = "the_proxy_of_the_environment_is_used_for_https";
    let mut command = again(&[], name, &input);
    command
        .env("https_proxy", proxy)
        .env_remove("no_proxy")
        .env_remove("NO_PROXY");
    assert_passed(&run(command).await);
    let asked = asked.lock().unwrap();
    assert!(
        asked
            .iter()
            .all(|line| line.starts_with("CONNECT git.invalid:")),
        "{asked:?}"
    );
    assert!(!asked.is_empty());
}

/// A proxy that leads every tunnel to the server at `url`, and the requests it has seen.
async fn proxy_to(url: String) -> (String, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let asked = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&asked);
    let port = url
        .split(':')
        .nth(2)
        .unwrap()
        .split('/')
        .next()
        .unwrap()
        .to_owned();
    tokio::spawn(async move {
        loop {
            let (mut client, _) = listener.accept().await.unwrap();
            let mut request = Vec::new();
            while !request.ends_with(b"\r\n\r\n") {
                request.push(client.read_u8().await.unwrap());
            }
            seen.lock()
                .unwrap()
                .push(String::from_utf8(request).unwrap());
            client.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.unwrap();
            let mut server = TcpStream::connect(format!("127.0.0.1:{port}"))
                .await
                .unwrap();
            tokio::spawn(async move {
                let _ = tokio::io::copy_bidirectional(&mut client, &mut server).await;
            });
        }
    });
    (address, asked)
}

#[tokio::test]
async fn rewriting_rules_in_the_git_settings_of_the_user_have_no_say() {
    let repository = Repository::new();
    if let Some(url) = inner() {
        assert_eq!(
            text(&poll(&open(repository.config(&url))).await, "file"),
            "as told"
        );
        return;
    }
    repository.commit("file", "as told", "second");
    let server = Server::start(&repository.bare()).await;
    let home = tempfile::tempdir().unwrap();
    let rule = "[url \"ssh://git@elsewhere.invalid/\"]\n\tinsteadOf = http://\n";
    fs::write(home.path().join(".gitconfig"), rule).unwrap();
    let name = "rewriting_rules_in_the_git_settings_of_the_user_have_no_say";
    let mut command = again(&[], name, &server.url);
    command
        .env("HOME", home.path())
        .env_remove("XDG_CONFIG_HOME");
    assert_passed(&run(command).await);
}

#[tokio::test]
async fn a_key_of_the_running_agent_is_used() {
    let repository = Repository::new();
    let Some(sshd) = Sshd::start(&repository) else {
        return;
    };
    if inner().is_some() {
        let key = sshd.folder.join("client");
        let added = Command::new("ssh-add").arg("-q").arg(key).status().unwrap();
        assert!(added.success());
        let config = sshd.config(&repository, "none");
        let source = open(GitConfig {
            auth: Auth::SshAgent,
            ..config
        });
        assert_eq!(text(&poll(&source).await, "file"), "one");
        return;
    }
    let name = "a_key_of_the_running_agent_is_used";
    // The agent lives as long as the command it starts.
    let mut command = again(&["ssh-agent"], name, "with an agent");
    command.env_remove("SSH_AUTH_SOCK");
    assert_passed(&run(command).await);
}

#[test]
fn a_checkout_of_another_user_is_refused_with_the_way_to_trust_it() {
    if !is_root() {
        skipped("only root can give a folder to another user");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    git(folder.path(), &["init", "-q"]);
    chown(folder.path(), Some(65534), Some(65534)).unwrap();
    let error = WorkTree::discover(folder.path()).err().unwrap();
    let shown = folder.path().display();
    assert_eq!(
        error.to_string(),
        format!("Git does not trust `{shown}`: it belongs to another user")
    );
    assert_eq!(
        error.help().unwrap(),
        format!("if you trust it, run `git config --global --add safe.directory {shown}`")
    );
}

fn is_root() -> bool {
    Command::new("id").arg("-u").output().unwrap().stdout == b"0\n"
}
