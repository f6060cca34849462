//! Input that means harm ends in an error, or in its result, soon.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::format_push_string,
    reason = "a test says what is wrong by failing"
)]

use std::sync::Arc;

use trueup_kustomize::{Limits, LoadRestrictor, Options, RemoteFetcher, RemoteRepository, build};
use trueup_manifest::{Diagnostic, DiskTree, MemoryTree, Tree, TreePath};

const WIDGET: &str = "apiVersion: e.com/v1\nkind: Widget\nmetadata: {name: web}\nspec: {a: b}\n";

fn tree(files: &[(&str, &str)]) -> MemoryTree {
    let mut tree = MemoryTree::new();
    for (path, text) in files {
        tree.add(path, *text).unwrap();
    }
    tree
}

fn outcome(tree: &dyn Tree, options: &Options<'_>) -> Result<String, String> {
    match build(tree, &TreePath::new("app").unwrap(), options) {
        Ok(built) => Ok(built.to_yaml()),
        Err(findings) => Err(findings.to_string()),
    }
}

/// The error of a kustomization `app` beside an object `app/w.yaml`.
fn refusal(kustomization: &str, object: &str, more: &[(&str, &str)]) -> String {
    let mut files = vec![
        ("app/kustomization.yaml", kustomization),
        ("app/w.yaml", object),
    ];
    files.extend(more);
    match outcome(&tree(&files), &Options::default()) {
        Ok(built) => panic!("it builds: {}", built.get(..200).unwrap_or(&built)),
        Err(findings) => findings,
    }
}

#[test]
fn circles_are_found_however_they_are_closed() {
    for (kustomization, more) in [
        ("resources: [.]\n", &[][..]),
        ("resources: [../app]\n", &[]),
        ("resources: [./x/..]\n", &[("app/x/f", "")]),
        (
            "resources: [../b]\n",
            &[("b/kustomization.yaml", "resources: [../app]\n")],
        ),
        (
            "components: [../c]\n",
            &[(
                "c/kustomization.yaml",
                "apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\ncomponents: [../c]\n",
            )],
        ),
        (
            "transformers: [../t]\n",
            &[(
                "t/kustomization.yaml",
                "transformers: [../t]\nresources: [../t]\n",
            )],
        ),
    ] {
        let found = refusal(kustomization, WIDGET, more);
        assert!(
            found.contains("leads back to itself") || found.contains("which names it"),
            "{kustomization}: {found}"
        );
    }
}

#[test]
fn depth_and_aliases_are_bounded() {
    let deep = format!("{WIDGET}deep: {}\n", "[".repeat(100_000));
    let flat = "resources: [w.yaml]\n";
    assert!(refusal(flat, &deep, &[]).contains("deep"));
    let lines: Vec<String> = (0..5_000).map(|depth| " ".repeat(depth) + "a:\n").collect();
    let nested = WIDGET.to_owned() + &lines.concat();
    let found = refusal(flat, &nested, &[]);
    assert!(found.contains("deep") || found.contains("nest"), "{found}");
    let mut laughs = String::from(
        "apiVersion: e.com/v1\nkind: Widget\nmetadata: {name: web}\nl0: &l0 [ha, ha]\n",
    );
    for level in 1..64 {
        let below = level - 1;
        laughs.push_str(&format!(
            "l{level}: &l{level} [*l{below}, *l{below}, *l{below}]\n"
        ));
    }
    let found = refusal(flat, &laughs, &[]);
    assert!(found.contains("alias"), "{found}");
    let merged = laughs
        .replace("[ha, ha]", "{ha: ha}")
        .replace('[', "{<<: [")
        .replace(']', "]}");
    let found = refusal(flat, &merged, &[]);
    assert!(!found.is_empty());
}

#[test]
fn patterns_cannot_hang_a_build() {
    // Matched in linear time, or refused for its size.
    let long = format!("{WIDGET}---\n{}", WIDGET.replace("web", &"a".repeat(5_000)));
    for (pattern, refused) in [
        ("(a*)*b", false),
        ("(a+)+$", false),
        ("((a{500}){500}){500}", true),
        ("(", true),
    ] {
        let kustomization = format!(
            "resources: [w.yaml]\npatches:\n- target: {{kind: Widget, name: \"{pattern}\"}}\n  patch: '[{{\"op\": \"add\", \"path\": \"/x\", \"value\": 1}}]'\n"
        );
        let files = [
            ("app/kustomization.yaml", kustomization.as_str()),
            ("app/w.yaml", &long),
        ];
        let outcome = outcome(&tree(&files), &Options::default());
        assert_eq!(outcome.is_err(), refused, "{pattern}");
    }
}

#[test]
fn far_positions_and_odd_paths_are_errors_not_memory() {
    for path in [
        "/list/99999999999999999999",
        "/list/4000000000",
        "/list/-99",
        "/spec/a/b/c",
    ] {
        let kustomization = format!(
            "resources: [w.yaml]\npatches:\n- target: {{kind: Widget}}\n  patch: '[{{\"op\": \"add\", \"path\": \"{path}\", \"value\": 1}}]'\n"
        );
        let found = refusal(&kustomization, &format!("{WIDGET}list: [a]\n"), &[]);
        assert!(found.contains("json-patch"), "{path}: {found}");
    }
    let far = "resources: [w.yaml]\nreplacements:\n- source: {kind: Widget, name: web, fieldPath: spec.a}\n  targets:\n  - select: {kind: Widget}\n    fieldPaths: [list.4000000000]\n    options: {create: true}\n";
    refusal(far, &format!("{WIDGET}list: [a]\n"), &[]);
}

#[test]
fn a_fan_of_bases_is_counted() {
    // Each level names the one below it by two names.
    let mut tree = MemoryTree::new();
    for level in 0..40 {
        let below = format!("resources: [../l{0}, ../l{0}/../l{0}]\n", level + 1);
        tree.add(&format!("l{level}/kustomization.yaml"), below)
            .unwrap();
    }
    tree.add("l40/kustomization.yaml", "namePrefix: x-\n")
        .unwrap();
    tree.add("app/kustomization.yaml", "resources: [../l0]\n")
        .unwrap();
    let options = Options {
        limits: Limits {
            kustomizations: 1_000,
            ..Limits::default()
        },
        ..Options::default()
    };
    let found = outcome(&tree, &options).unwrap_err();
    assert!(
        found.contains("kustomize/too-many"),
        "{}",
        found.get(..500).unwrap_or(&found)
    );
}

/// A repository that names itself under ever new names.
struct Endless;

impl RemoteFetcher for Endless {
    fn file(&self, url: &str) -> Result<Arc<[u8]>, Diagnostic> {
        Err(Diagnostic::error("test", url))
    }

    fn repository(&self, repository: &RemoteRepository) -> Result<Arc<dyn Tree>, Diagnostic> {
        let next = repository.url.trim_end_matches(".git");
        let text = format!("resources:\n- {next}r.git\n");
        Ok(Arc::new(tree(&[("kustomization.yaml", &text)])))
    }
}

#[test]
fn repositories_that_lead_on_and_on_end() {
    let files = [(
        "app/kustomization.yaml",
        "resources:\n- https://host/o/r.git\n",
    )];
    let options = Options {
        remote: Some(&Endless),
        ..Options::default()
    };
    let found = outcome(&tree(&files), &options).unwrap_err();
    assert!(
        found.contains("nested more than"),
        "{}",
        found.get(..500).unwrap_or(&found)
    );
}

#[test]
fn a_symlink_leads_neither_out_of_the_tree_nor_out_of_the_kustomization() {
    let dir = tempfile::tempdir().unwrap();
    let write = |path: &str, text: &str| {
        let path = dir.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    };
    write("secret.yaml", WIDGET);
    write("tree/beside.yaml", WIDGET);
    write(
        "tree/app/kustomization.yaml",
        "resources: [out.yaml, beside.yaml]\n",
    );
    let link = |to: &str, from: &str| {
        std::os::unix::fs::symlink(to, dir.path().join("tree/app").join(from)).unwrap();
    };
    link("../../secret.yaml", "out.yaml");
    link("../beside.yaml", "beside.yaml");
    link("loop.yaml", "loop.yaml");
    let tree = DiskTree::new(dir.path().join("tree")).unwrap();
    for load_restrictor in [LoadRestrictor::RootOnly, LoadRestrictor::None] {
        let options = Options {
            load_restrictor,
            ..Options::default()
        };
        let found = outcome(&tree, &options).unwrap_err();
        assert!(found.contains("out.yaml"), "{found}");
        let inside = found.contains("is not in or below");
        assert_eq!(
            inside,
            load_restrictor == LoadRestrictor::RootOnly,
            "{found}"
        );
        write(
            "tree/app/kustomization.yaml",
            "resources: [out.yaml, beside.yaml, loop.yaml]\n",
        );
        assert!(outcome(&tree, &options).is_err());
        write(
            "tree/app/kustomization.yaml",
            "resources: [out.yaml, beside.yaml]\n",
        );
    }
}

#[test]
fn a_file_of_a_gigabyte_is_refused_wherever_it_is_named() {
    let scratch = tempfile::tempdir().unwrap();
    let app = scratch.path().join("app");
    std::fs::create_dir(&app).unwrap();
    std::fs::write(app.join("w.yaml"), WIDGET).unwrap();
    // Nothing of it is written down: the file system only says how long it is.
    let huge = std::fs::File::create(app.join("huge.yaml")).unwrap();
    huge.set_len(1 << 30).unwrap();
    for kustomization in [
        "resources: [huge.yaml]\n",
        "resources: [w.yaml]\npatches: [{path: huge.yaml}]\n",
        "configMapGenerator: [{name: a, files: [huge.yaml]}]\n",
        "configMapGenerator: [{name: a, envs: [huge.yaml]}]\n",
        "resources: [w.yaml]\nconfigurations: [huge.yaml]\n",
        "resources: [w.yaml]\nopenapi: {path: huge.yaml}\n",
        "resources: [w.yaml]\ntransformers: [huge.yaml]\n",
        "resources: [w.yaml]\nreplacements: [{path: huge.yaml}]\n",
    ] {
        std::fs::write(app.join("kustomization.yaml"), kustomization).unwrap();
        let tree = DiskTree::new(scratch.path()).unwrap();
        let found = outcome(&tree, &Options::default()).unwrap_err();
        assert!(
            found.contains("larger than 256 MiB"),
            "{kustomization}: {found}"
        );
    }
    std::fs::rename(app.join("huge.yaml"), app.join("kustomization.yaml")).unwrap();
    let tree = DiskTree::new(scratch.path()).unwrap();
    let found = outcome(&tree, &Options::default()).unwrap_err();
    assert!(found.contains("larger than 256 MiB"), "{found}");
}
