//! The rooms of `src/` and the crates depend on one another in one direction.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

fn rust_files(folder: &Path, found: &mut Vec<PathBuf>) {
    let Ok(entries) = fs::read_dir(folder) else {
        return;
    };
    for entry in entries.flatten() {
        let path = entry.path();
        if path.is_dir() {
            rust_files(&path, found);
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            found.push(path);
        }
    }
}

/// The lines of a file that are code, with their numbers.
fn code_lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.lines()
        .enumerate()
        .map(|(index, line)| (index + 1, line.trim()))
        .filter(|(_, line)| !line.starts_with("//"))
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// Each room with the rooms it must not know: those that come after it in the flow of data.
const LATER_ROOMS: &[(&str, &[&str])] = &[
    (
        "config",
        &[
            "render", "plan", "cluster", "apply", "daemon", "demo", "cli",
        ],
    ),
    (
        "source",
        &[
            "render", "plan", "cluster", "apply", "daemon", "demo", "cli",
        ],
    ),
    (
        "render",
        &[
            "source", "plan", "cluster", "apply", "daemon", "demo", "cli",
        ],
    ),
    ("plan", &["source", "apply", "daemon", "demo", "cli"]),
    (
        "cluster",
        &["source", "render", "apply", "daemon", "demo", "cli"],
    ),
    ("report", &["source", "daemon", "demo", "cli"]),
    ("apply", &["source", "daemon", "demo", "cli"]),
    ("daemon", &["cli", "demo"]),
];

#[test]
fn data_flows_one_way_through_the_rooms() {
    let mut wrong = Vec::new();
    for (room, later) in LATER_ROOMS {
        let mut files = Vec::new();
        rust_files(&root().join("src").join(room), &mut files);
        for file in files {
            let text = fs::read_to_string(&file).unwrap();
            for (number, line) in code_lines(&text) {
                for other in *later {
                    let names = line.contains(&format!("crate::{other}::"))
                        || line.contains(&format!("crate::{{{other}"));
                    if names {
                        wrong.push(format!("{}:{number}: {line}", file.display()));
                    }
                }
            }
        }
    }
    assert!(
        wrong.is_empty(),
        "a room names one that comes after it:\n{}",
        wrong.join("\n")
    );
}

#[test]
fn an_outside_system_is_known_to_one_room_only() {
    for (library, room) in [
        ("kube", "cluster"),
        ("git2", "source"),
        ("prometheus", "telemetry"),
    ] {
        let mut files = Vec::new();
        rust_files(&root().join("src"), &mut files);
        let mut rooms = BTreeSet::new();
        for file in files {
            let text = fs::read_to_string(&file).unwrap();
            let named = code_lines(&text).any(|(_, line)| {
                line.contains(&format!("{library}::"))
                    || line.starts_with(&format!("use {library}"))
            });
            if named {
                let inside = file.strip_prefix(root().join("src")).unwrap();
                rooms.insert(inside.iter().next().unwrap().to_string_lossy().into_owned());
            }
        }
        // A demo makes the Git repository that it then reconciles.
        rooms.remove("demo");
        rooms.remove(room);
        assert!(
            rooms.is_empty(),
            "`{library}` belongs to `{room}` alone, but {rooms:?} name it"
        );
    }
}

#[test]
fn an_engine_never_depends_on_a_runtime_or_a_client() {
    for engine in ["yaml", "manifest", "schema", "kustomize"] {
        let manifest = root().join("crates").join(engine).join("Cargo.toml");
        let text = fs::read_to_string(manifest).unwrap();
        let dependencies = text.split("[dev-dependencies]").next().unwrap();
        for library in ["tokio", "kube", "git2", "axum", "reqwest", "hyper"] {
            let named = dependencies.lines().any(|line| {
                line.split(['.', ' ', '='])
                    .next()
                    .is_some_and(|name| name == library)
            });
            assert!(!named, "crates/{engine} depends on {library}");
        }
    }
}
