use trueup_manifest::{MemoryTree, TreePath};

use super::*;
use crate::chart::{Chart, load_archive, load_dir};

const INDEX: &str = "\
apiVersion: v1
entries:
  web:
    - {version: 1.2.0, urls: [web-1.2.0.tgz], digest: aa}
    - {version: 1.10.0, urls: ['https://elsewhere.test/web-1.10.0.tgz'], digest: bb}
    - {version: 2.0.0-rc.1, urls: [web-2.0.0-rc.1.tgz]}
    - {version: none, urls: [x]}
    - {version: 3.0.0}
  db: []
generated: '2024-01-01T00:00:00Z'
";

#[test]
fn a_range_means_the_newest_version_that_fits_and_a_version_itself() {
    let index = Index::parse("index.yaml", INDEX).unwrap();
    let find = |chart, range| index.find(chart, range).unwrap().map(|entry| entry.version);
    for (range, expected) in [
        ("", Some("1.10.0")),
        ("^1.2", Some("1.10.0")),
        ("~1.2", Some("1.2.0")),
        ("1.2.0", Some("1.2.0")),
        ("2.0.0-rc.1", Some("2.0.0-rc.1")),
        (">=2.0.0-0", Some("2.0.0-rc.1")),
        (">3", None),
    ] {
        assert_eq!(find("web", range).as_deref(), expected, "{range}");
    }
    assert_eq!(find("db", ""), None);
    assert_eq!(find("nothing", ""), None);
    assert_eq!(index.charts(), ["db", "web"]);
    assert!(
        index
            .find("web", "so new")
            .unwrap_err()
            .text()
            .contains("`so new`")
    );
}

#[test]
fn what_is_no_index_is_refused_with_its_name() {
    for text in ["", "a: 1", "<html>", "entries: ["] {
        let error = Index::parse("https://x.test/index.yaml", text)
            .err()
            .unwrap();
        assert!(
            error.text().contains("https://x.test/index.yaml"),
            "{}",
            error.text()
        );
    }
}

fn chart(metadata: &str, lock: Option<&str>) -> Chart {
    let mut tree = MemoryTree::new();
    tree.add("Chart.yaml", metadata).unwrap();
    if let Some(lock) = lock {
        tree.add("Chart.lock", lock).unwrap();
    }
    load_dir(&tree, &TreePath::root()).unwrap()
}

/// The wrapper chart of the estate and the lock that Helm made for it.
const WRAPPER: &str = "\
apiVersion: v2
name: daft-jupyterhub
version: 0.1.0
dependencies:
- name: jupyterhub
  version: \"1.2.0\"
  repository: \"https://jupyterhub.github.io/helm-chart/\"
";

#[test]
fn the_digest_of_a_lock_is_that_of_helm_and_a_changed_chart_is_out_of_sync() {
    let Some(text) = estate_lock() else { return };
    let locked = check_lock(&chart(WRAPPER, Some(&text))).unwrap();
    assert_eq!(locked.len(), 1);
    assert_eq!(locked[0].version, "1.2.0");
    // Written anew, it is the same but for the time.
    let own = lock_file(&chart(WRAPPER, None), &locked, "T");
    let digest = |text: &str| {
        let line = text.lines().find(|line| line.starts_with("digest"));
        line.unwrap().to_owned()
    };
    assert_eq!(digest(&own), digest(&text));
    assert!(check_lock(&chart(WRAPPER, Some(&own))).is_ok());
    let other = WRAPPER.replace("1.2.0", "1.3.0");
    let error = check_lock(&chart(&other, Some(&text))).unwrap_err();
    assert!(error.text().contains("out of sync"), "{}", error.text());
}

fn estate_lock() -> Option<String> {
    let root = std::env::var_os("TRUEUP_CONFORMANCE")
        .map(std::path::PathBuf::from)
        .or_else(|| {
            let mut folder = std::path::PathBuf::from(env!("CARGO_MANIFEST_DIR"));
            while folder.pop() {
                let beside = folder.join("shared/conformance");
                if beside.is_dir() {
                    return Some(beside);
                }
            }
            None
        });
    let file = root.map(|root| root.join("estate/charts/jupyterhub/Chart.lock"));
    let text = file.and_then(|file| std::fs::read_to_string(file).ok());
    if text.is_none() {
        println!("SKIPPED: no conformance corpus; set TRUEUP_CONFORMANCE");
    }
    text
}

#[test]
fn a_packed_chart_is_the_chart_and_the_same_bytes_each_time() {
    let mut tree = MemoryTree::new();
    for (path, text) in [
        (
            "db/Chart.yaml",
            "{apiVersion: v2, name: db, version: 1.0.0}",
        ),
        ("db/values.yaml", "a: 1"),
        ("db/templates/x.yaml", "kind: X"),
        ("db/secret.txt", "not packed"),
        ("db/.helmignore", "*.txt"),
    ] {
        tree.add(path, text).unwrap();
    }
    let folder = TreePath::new("db").unwrap();
    let (chart, packed) = pack(&tree, &folder).unwrap();
    assert_eq!(chart.name(), "db");
    let loaded = load_archive(&packed, "db.tgz").unwrap();
    assert_eq!(loaded.templates.len(), 1);
    assert!(loaded.files.iter().all(|file| &*file.name != "secret.txt"));
    assert_eq!(pack(&tree, &folder).unwrap().1, packed);
}
