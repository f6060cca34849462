//! `docs/scenarios.md` and `docs/vault-scenarios.md` name tests that exist and say where they run.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

use std::{collections::BTreeSet, fs, path::Path};

/// Harness calls, and the server that a test which makes them runs on.
const CALLS: [(&str, &[&str]); 7] = [
    ("on_every_server(", &["embedded", "real"]),
    ("on_embedded(", &["embedded"]),
    ("walk(", &["embedded"]),
    ("on_a_real_server_of_its_own(", &["real"]),
    ("on_a_cluster_with_nodes(", &["real"]),
    ("with_the_real_server(", &["real"]),
    ("with_a_real_server_for_users(", &["real"]),
];

/// Calls of the tests of the Vault bootstrap, and the real server that each one starts.
const VAULT_CALLS: [(&str, &str); 5] = [
    ("server_program(", "vault"),
    ("on_a_vault(", "vault"),
    ("refused_before_a_vault(", "vault"),
    ("bao::program(", "bao"),
    ("moto::program(", "moto"),
];

/// Tests of the whole program, which brings its own server.
const PROGRAMS: [&str; 3] = ["daemon", "cli/cluster", "cli/charts"];

struct Row {
    number: u32,
    runs_on: BTreeSet<String>,
    /// Files with the names of tests in them.
    tests: Vec<(String, String)>,
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn rows(page: &str) -> Vec<Row> {
    let page = fs::read_to_string(root().join("docs").join(page)).unwrap();
    let rows = page.lines().filter_map(|line| {
        let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
        let number = cells[0].parse().ok()?;
        let tests = cells[3].split('`').filter_map(|word| word.split_once("::"));
        Some(Row {
            number,
            runs_on: cells[2].split(", ").map(ToOwned::to_owned).collect(),
            tests: tests
                .map(|(file, name)| (file.to_owned(), name.to_owned()))
                .collect(),
        })
    });
    rows.collect()
}

/// The text of a test, from its name on.
fn body_of(page: &str, file: &str, name: &str) -> String {
    let place = if file.starts_with("src/") {
        root().join(file)
    } else {
        root().join("tests").join(file)
    };
    let text = fs::read_to_string(&place).unwrap_or_default();
    let start = text.find(&format!("fn {name}("));
    assert!(
        start.is_some(),
        "docs/{page} names `{file}::{name}`, which is not there"
    );
    let (before, body) = text.split_at(start.unwrap());
    let attribute = before.trim_end().trim_end_matches("async").trim_end();
    assert!(
        attribute.ends_with(']') && attribute.lines().next_back().unwrap().contains("test"),
        "`{file}::{name}` is no test"
    );
    body[..body.find("\n}\n").unwrap_or(body.len())].to_owned()
}

/// Where a test runs, by what it calls.
fn runs_on(file: &str, name: &str) -> Vec<&'static str> {
    let body = body_of("scenarios.md", file, name);
    if file.starts_with("vault/") {
        return of_vault(&body);
    }
    let calls = CALLS.iter().filter(|(call, _)| body.contains(call));
    let servers: Vec<&str> = calls
        .flat_map(|(_, servers)| servers.iter().copied())
        .collect();
    if !servers.is_empty() {
        return servers;
    }
    let is_program = PROGRAMS.iter().any(|program| file.starts_with(program));
    vec![if is_program { "embedded" } else { "no server" }]
}

/// The servers of the Vault bootstrap that a test starts.
fn of_vault(body: &str) -> Vec<&'static str> {
    let called = VAULT_CALLS.iter().filter(|(call, _)| body.contains(call));
    called.map(|(_, server)| *server).collect()
}

#[test]
fn every_test_that_the_page_names_exists_and_runs_where_it_says() {
    for row in rows("scenarios.md") {
        let mut servers: BTreeSet<String> = BTreeSet::new();
        for (file, name) in &row.tests {
            servers.extend(runs_on(file, name).into_iter().map(ToOwned::to_owned));
        }
        if servers.is_empty() {
            servers.insert("–".to_owned());
        }
        assert_eq!(row.runs_on, servers, "scenario {}", row.number);
    }
}

#[test]
fn every_scenario_of_planning_and_applying_is_on_the_page_once() {
    let numbers: Vec<u32> = rows("scenarios.md").iter().map(|row| row.number).collect();
    let expected: Vec<u32> = (1..=45).chain(55..=57).chain(59..=72).collect();
    assert_eq!(numbers, expected);
}

#[test]
fn every_test_of_the_vault_page_exists_and_starts_the_servers_that_it_says() {
    let page = "vault-scenarios.md";
    let rows = rows(page);
    let numbers: Vec<u32> = rows.iter().map(|row| row.number).collect();
    assert_eq!(numbers, (1..=56).collect::<Vec<u32>>());
    for row in rows {
        let mut servers: BTreeSet<String> = BTreeSet::new();
        for (file, name) in &row.tests {
            let body = body_of(page, file, name);
            servers.extend(of_vault(&body).into_iter().map(ToOwned::to_owned));
        }
        if servers.is_empty() {
            servers.insert("–".to_owned());
        }
        assert_eq!(row.runs_on, servers, "scenario {}", row.number);
    }
}
