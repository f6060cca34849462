use std::io::Write as _;

use flate2::{Compression, write::GzEncoder};
use trueup_manifest::{MemoryTree, TreePath};

use super::*;

fn packed(entries: &[(&str, &[u8])]) -> Vec<u8> {
    let mut tar = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::fast()));
    for (name, data) in entries {
        let mut header = tar::Header::new_gnu();
        // Set by hand: the builder refuses what a hostile archive holds.
        let bytes = header.as_old_mut();
        bytes.name[..name.len()].copy_from_slice(name.as_bytes());
        header.set_size(data.len() as u64);
        header.set_entry_type(tar::EntryType::Regular);
        header.set_mode(0o644);
        header.set_cksum();
        tar.append(&header, *data).unwrap();
    }
    tar.into_inner().unwrap().finish().unwrap()
}

const CHART: &[u8] = b"apiVersion: v2\nname: web\nversion: 1.2.3\nappVersion: 1.10\n";

#[test]
fn a_packed_chart_is_read_without_its_top_folder() {
    let packed = packed(&[
        ("web/Chart.yaml", CHART),
        ("web/values.yaml", b"\xef\xbb\xbfa: 1\n"),
        ("web/templates/a.yaml", b"a"),
        ("web/README.md", b"text"),
        ("web/charts/db/Chart.yaml", b"name: db\nversion: 0.1.0\n"),
        ("web/charts/_skipped/Chart.yaml", b"name: no\n"),
    ]);
    let chart = load_archive(&packed, "web.tgz").unwrap();
    assert_eq!((chart.name(), &*chart.metadata.app_version), ("web", "1.1"));
    assert_eq!(&*chart.templates[0].name, "templates/a.yaml");
    assert_eq!(&*chart.files[0].name, "README.md");
    assert_eq!(chart.dependencies.len(), 1);
    assert_eq!(chart.dependencies[0].metadata.api_version, "v1");
    assert_eq!(&*chart.dependencies[0].origin, "web.tgz/charts/db");
}

#[test]
fn an_archive_that_would_escape_or_explode_is_refused() {
    for (name, expected) in [
        (
            "web/../../etc/passwd",
            "chart illegally references parent directory",
        ),
        ("web//etc/passwd", "chart illegally contains absolute paths"),
        (
            "web",
            "chart illegally contains content outside the base directory: \"web\"",
        ),
        ("web/c:/x", "chart contains illegally named files"),
        (
            "Chart.yaml",
            "chart illegally contains content outside the base directory: \"Chart.yaml\"",
        ),
        ("Chart.yaml/x", "chart yaml not in base directory"),
    ] {
        let error = load_archive(&packed(&[(name, b"x")]), "a.tgz").unwrap_err();
        assert_eq!(error.text(), expected);
    }
    let big = vec![0; 5 * 1024 * 1024 + 1];
    let error = load_archive(&packed(&[("web/big", &big)]), "a.tgz").unwrap_err();
    assert!(
        error
            .text()
            .contains("larger than the maximum file size 5242880")
    );
    let almost = vec![0; 5 * 1024 * 1024];
    let names: Vec<String> = (0..21).map(|n| format!("web/{n}")).collect();
    let many: Vec<(&str, &[u8])> = names
        .iter()
        .map(|n| (n.as_str(), almost.as_slice()))
        .collect();
    let error = load_archive(&packed(&many), "a.tgz").unwrap_err();
    assert!(
        error
            .text()
            .contains("larger than the maximum file size 104857600")
    );
    assert_eq!(
        load_archive(b"plain", "a.tgz").unwrap_err().text(),
        "gzip: invalid header"
    );
    assert_eq!(
        load_archive(&packed(&[]), "a.tgz").unwrap_err().text(),
        "no files in chart archive"
    );
}

#[test]
fn what_is_no_archive_of_anything_is_an_error_and_no_panic() {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(&[7; 700]).unwrap();
    assert!(load_archive(&encoder.finish().unwrap(), "a.tgz").is_err());
    let whole = packed(&[("web/Chart.yaml", CHART), ("web/a", &[1; 4000])]);
    for cut in [3, 20, whole.len() / 2] {
        assert!(
            load_archive(&whole[..cut], "a.tgz").is_err(),
            "cut at {cut}"
        );
    }
}

fn folder(files: &[(&str, &str)]) -> Result<Chart, crate::Error> {
    let mut tree = MemoryTree::new();
    for (name, text) in files {
        tree.add(&format!("c/{name}"), text).unwrap();
    }
    load_dir(&tree, &TreePath::new("c").unwrap())
}

#[test]
fn a_folder_is_read_but_for_what_helmignore_names() {
    let chart = folder(&[
        ("Chart.yaml", "apiVersion: v1\nname: old\nversion: 1.0.0\n"),
        (
            "requirements.yaml",
            "dependencies: [{name: db, version: ^1, repository: ''}]\n",
        ),
        (".helmignore", "*.bak\n/secret\n"),
        ("x.bak", ""),
        ("secret/a", ""),
        ("keep/secret/a", ""),
        ("templates/.hidden", ""),
        ("crds/b.yaml", "b"),
        ("crds/a.JSON", "a"),
        ("crds/a.txt", ""),
    ])
    .unwrap();
    let files: Vec<&str> = chart.files.iter().map(|f| &*f.name).collect();
    assert_eq!(
        files,
        [
            ".helmignore",
            "crds/a.JSON",
            "crds/a.txt",
            "crds/b.yaml",
            "keep/secret/a",
            "requirements.yaml"
        ]
    );
    assert!(chart.templates.is_empty());
    assert_eq!(
        chart.metadata.dependencies.as_ref().unwrap()[0].version,
        "^1"
    );
    let crds: Vec<String> = chart.crds().into_iter().map(|crd| crd.path).collect();
    assert_eq!(crds, ["old/crds/a.JSON", "old/crds/b.yaml"]);
}

#[test]
fn a_chart_that_helm_refuses_is_refused_in_its_words() {
    for (yaml, expected) in [
        (
            "version: 1.0.0",
            "validation: chart.metadata.name is required",
        ),
        ("name: a", "validation: chart.metadata.version is required"),
        (
            "name: a\nversion: x",
            "validation: chart.metadata.version \"x\" is invalid",
        ),
        (
            "name: a/b\nversion: 1.0.0",
            "validation: chart.metadata.name \"a/b\" is invalid",
        ),
        (
            "name: a\nversion: 1.0.0\ntype: x",
            "validation: chart.metadata.type must be application or library",
        ),
        (
            "name: a\nversion: 1.0.0\ndependencies: [{name: b}, {name: c, alias: b}]",
            "validation: more than one dependency with name or alias \"b\"",
        ),
        (
            "name: a\nversion: 1.0.0\nkeywords: text",
            "cannot load Chart.yaml: error unmarshaling JSON: while decoding JSON: json: cannot unmarshal string into Go struct field Metadata.keywords of type []string",
        ),
    ] {
        assert_eq!(
            folder(&[("Chart.yaml", yaml)]).unwrap_err().text(),
            expected
        );
    }
    assert_eq!(
        folder(&[("a", "")]).unwrap_err().text(),
        "Chart.yaml file is missing"
    );
}
