//! The demo as a newcomer runs it: what it tells, and that it tells only what happened.

#[cfg(test)]
#[path = "demo/show.rs"]
mod show;

use std::{
    fs,
    path::{Path, PathBuf},
};

use git2::{IndexAddOption, Repository};

use self::show::{Show, demo, get, until};

/// The lines of the narration without what differs from run to run: times, ports, commits, folders.
fn plain(text: &str) -> Vec<String> {
    text.lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .map(|line| {
            let words = line.split_whitespace().map(|word| {
                let is_time = word.parse::<f64>().is_ok() && word.contains('.');
                let is_commit = word.len() == 7 && word.bytes().all(|b| b.is_ascii_hexdigit());
                match word {
                    _ if is_time => "N",
                    _ if is_commit => "COMMIT",
                    _ if word.starts_with("http://127.0.0.1:") => "URL",
                    _ if word.starts_with('/') => "FOLDER",
                    word => word,
                }
            });
            words.collect::<Vec<_>>().join(" ")
        })
        .collect()
}

#[test]
fn the_demo_shows_every_act_and_ends_by_itself_with_0() {
    let output = demo(&["--once"]).output().unwrap();
    let (out, err) = (
        String::from_utf8(output.stdout),
        String::from_utf8(output.stderr),
    );
    let (out, err) = (out.unwrap(), err.unwrap());
    assert_eq!(output.status.code(), Some(0), "{out}\n{err}");
    assert_eq!(err, "");
    assert!(
        !out.contains('\x1b'),
        "no colour where nobody sees it: {out:?}"
    );
    assert_eq!(
        plain(&out),
        [
            "trueup demo a Git repository becomes a cluster",
            "1 An API server starts, inside this process",
            "URL",
            "2 The reference estate becomes a Git repository",
            "FOLDER",
            "3 trueup reconciles the environment local_tilt_dev",
            "✓ 25 objects, all healthy N s",
            "4 A commit changes an image",
            "commit COMMIT Use backend v2",
            "✓ deployment/backend: hub/backend:dev → hub/backend:v2 N s",
            "5 Somebody deletes a Service by hand",
            "kubectl delete service frontend -n hub",
            "✓ service/frontend is back N s",
            "6 A commit removes a file",
            "commit COMMIT Remove the routes",
            "✓ ingressroute/hub is pruned N s",
            "That was all. Every step was seen on the API server.",
        ]
    );
    let folder = out
        .lines()
        .find(|line| line.trim().starts_with('/'))
        .unwrap();
    assert!(!Path::new(folder.trim()).exists(), "it cleans up");
}

#[test]
fn a_folder_to_keep_that_holds_something_is_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("mine"), "precious").unwrap();
    let output = demo(&["--once", "--keep", dir.path().to_str().unwrap()])
        .output()
        .unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{stderr}");
    assert!(stderr.contains("is not empty"), "{stderr}");
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
}

#[test]
fn a_port_that_is_taken_is_said_so() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let output = demo(&["--once", "--port", &port]).output().unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{stderr}");
    assert!(
        stderr.contains(&format!("cannot listen on 127.0.0.1:{port}")),
        "{stderr}"
    );
}

#[test]
fn it_stays_up_to_be_played_with_until_ctrl_c() {
    let dir = tempfile::tempdir().unwrap();
    let home = dir.path().join("demo");
    let show = Show::begin(&["--keep", home.to_str().unwrap()]);
    show.line("Your turn");
    let export = show.line("export KUBECONFIG=");
    let kubeconfig = PathBuf::from(export.strip_prefix("export KUBECONFIG=").unwrap());
    let text = fs::read_to_string(&kubeconfig).unwrap();
    let server = text
        .lines()
        .find_map(|line| line.trim().strip_prefix("server: "))
        .unwrap();
    let status = show.line("/api/v1/status");
    let status = status.split_whitespace().nth(1).unwrap();
    assert!(get(status).contains("local_tilt_dev"));
    let metrics = show.line("/metrics");
    let metrics = metrics.split_whitespace().nth(1).unwrap();
    assert!(get(metrics).contains("trueup_environment_ready{environment=\"local_tilt_dev\"} 1"));

    // A spectator edits and commits, and rings no bell.
    let overlay = home.join("repository/overlays/local_tilt_dev/kustomization.yaml");
    let text = fs::read_to_string(&overlay).unwrap();
    fs::write(&overlay, text.replace("newTag: v2}", "newTag: mine}")).unwrap();
    let git = Repository::open(home.join("repository")).unwrap();
    let mut index = git.index().unwrap();
    index.add_all(["*"], IndexAddOption::DEFAULT, None).unwrap();
    let tree = git.find_tree(index.write_tree().unwrap()).unwrap();
    let author = git2::Signature::now("a spectator", "spectator@trueup.invalid").unwrap();
    let head = git.head().unwrap().peel_to_commit().unwrap();
    git.commit(Some("HEAD"), &author, &author, "Mine", &tree, &[&head])
        .unwrap();
    let backend = format!("{server}/apis/apps/v1/namespaces/hub/deployments/backend");
    until("the spectator's commit", || {
        get(&backend).contains("hub/backend:mine")
    });

    assert_eq!(show.interrupt(), Some(0));
    assert!(overlay.exists(), "what was to be kept is kept");
}
