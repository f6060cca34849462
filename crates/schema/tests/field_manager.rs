//! Random writes by several managers, held against the field manager and merge library of the published modules.

#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests, each of which uses a part of what they share"
)]

mod support;

use serde_json::{Value, json};
use support::objects::{TAME, Wild, change_object, object};
use support::oracle::Oracle;
use support::random::{Random, cases, seed};
use support::schemas;
use trueup_schema::apply::{ApplyError, Endpoint, Versions, Writer, apply, update};
use trueup_schema::crd::Crd;
use trueup_schema::{FieldSet, Type, builtin, value};

/// The kind under test, in the form that each side needs.
struct Subject {
    group: String,
    kind: String,
    versions: Vec<(String, Type)>,
    crd: Value,
    /// Whether the Go side goes through Go types.
    typed: bool,
    reset: Vec<Vec<&'static str>>,
    reset_set: FieldSet,
}

impl Versions for Subject {
    fn type_of(&self, api_version: &str) -> Option<&Type> {
        self.versions
            .iter()
            .find(|found| found.0 == api_version)
            .map(|found| &found.1)
    }

    fn convert(&self, object: &Value, api_version: &str) -> Result<Option<Value>, String> {
        if self.type_of(api_version).is_none() {
            return Ok(None);
        }
        let mut out = object.clone();
        if out["apiVersion"] != api_version {
            out["apiVersion"] = api_version.into();
            let [v1, v2] = schemas::RENAMED;
            let (from, to) = if api_version.ends_with("v1") {
                (v2, v1)
            } else {
                (v1, v2)
            };
            if self.group == "example.com"
                && let Some(spec) = out.get_mut("spec").and_then(Value::as_object_mut)
                && let Some(value) = spec.remove(from)
            {
                spec.insert(to.to_owned(), value);
            }
        }
        Ok(Some(out))
    }

    fn reset_fields(&self, _: &str) -> Option<&FieldSet> {
        Some(&self.reset_set)
    }

    fn empty(&self, api_version: &str) -> Value {
        if self.typed {
            self.type_of(api_version).unwrap().zero()
        } else {
            json!({})
        }
    }

    fn settle(&self, api_version: &str, object: &mut Value) {
        if self.typed
            && let Some(ty) = self.type_of(api_version)
        {
            ty.normalize(object);
        }
    }
}

impl Subject {
    fn custom(random: &mut Random) -> Self {
        let crd = schemas::definition(random);
        let parsed = Crd::parse(&crd).unwrap();
        let versions = parsed
            .versions
            .iter()
            .map(|version| (format!("example.com/{}", version.name), version.ty.clone()));
        Self {
            group: "example.com".into(),
            kind: "Thing".into(),
            versions: versions.collect(),
            crd,
            typed: false,
            reset: Vec::new(),
            reset_set: FieldSet::new(),
        }
    }

    fn builtin(random: &mut Random, typed: bool) -> Self {
        const KINDS: [(&str, &str, &str); 12] = [
            ("apps", "v1", "Deployment"),
            ("apps", "v1", "StatefulSet"),
            ("", "v1", "Pod"),
            ("", "v1", "Service"),
            ("", "v1", "ConfigMap"),
            ("", "v1", "Secret"),
            ("", "v1", "ServiceAccount"),
            ("batch", "v1", "CronJob"),
            ("networking.k8s.io", "v1", "NetworkPolicy"),
            ("rbac.authorization.k8s.io", "v1", "ClusterRole"),
            ("", "v1", "PersistentVolume"),
            ("autoscaling", "v2", "HorizontalPodAutoscaler"),
        ];
        let (group, version, kind) = *random.pick(&KINDS);
        let api_version = if group.is_empty() {
            version.to_owned()
        } else {
            format!("{group}/{version}")
        };
        Self {
            group: group.into(),
            kind: kind.into(),
            versions: vec![(api_version, builtin::kind(group, version, kind).unwrap())],
            crd: Value::Null,
            typed,
            reset: Vec::new(),
            reset_set: FieldSet::new(),
        }
    }

    fn with_reset(mut self, paths: &[&'static [&'static str]]) -> Self {
        self.reset = paths.iter().map(|path| path.to_vec()).collect();
        self.reset_set = FieldSet::of(paths);
        self
    }
}

struct Case<'a> {
    random: Random,
    subject: Subject,
    oracle: &'a mut Oracle,
    live: Option<Value>,
    configs: Vec<(String, Value)>,
    log: Vec<Value>,
    refused: usize,
    conflicts: usize,
}

/// The first four write most cases; all of them write the long ones, which fold old entries.
const MANAGERS: [&str; 14] = [
    "one", "two", "three", "kubectl", "e", "f", "g", "h", "i", "j", "k", "l", "m", "",
];

const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

impl Case<'_> {
    /// One random write on both sides. Returns what differs.
    fn step(&mut self, number: u64, is_long: bool, wild: Wild) -> Option<String> {
        let now = format!("2020-01-01T00:00:{number:02}Z");
        let few = if is_long { MANAGERS.len() } else { 4 };
        let manager = *self.random.pick(&MANAGERS[..few]);
        let versions: Vec<String> = self
            .subject
            .versions
            .iter()
            .map(|found| found.0.clone())
            .collect();
        let api_version = self.random.pick(&versions).clone();
        let ty = self.subject.type_of(&api_version).unwrap().clone();
        let is_apply = match (&self.live, is_long) {
            (None, _) => true,
            (Some(_), true) => self.random.one_in(6),
            (Some(_), false) => !self.random.one_in(3),
        };
        let force = self.random.one_in(3);
        let mut input = self.input(&ty, &api_version, manager, is_apply, wild);
        if self.subject.typed && !is_apply {
            // In an atomic list Go tells an empty slice from none, though it prints both alike.
            ty.normalize(&mut input);
        }
        let live = self
            .live
            .clone()
            .map(|live| self.subject.convert(&live, &api_version).unwrap().unwrap());
        let subresource = if self.random.one_in(8) { "status" } else { "" };
        let request = json!({
            "op": if is_apply { "apply" } else { "update" },
            "apiVersion": api_version, "kind": self.subject.kind, "subresource": subresource,
            "crd": self.subject.crd, "typed": self.subject.typed, "reset": self.subject.reset, "rename": schemas::RENAMED,
            "live": live, "object": input, "manager": manager, "force": force, "now": now,
        });
        let endpoint = Endpoint {
            api_version: &api_version,
            kind: &self.subject.kind,
            subresource,
            versions: &self.subject,
        };
        let writer = Writer { manager, now: &now };
        let ours = if is_apply {
            apply(&endpoint, live.as_ref(), &input, &writer, force)
        } else {
            Ok(update(&endpoint, live.as_ref(), input.clone(), &writer))
        };
        let theirs = self.oracle.ask(&request);
        let difference = self.compare(&ours, &theirs);
        if difference.is_some() {
            self.log.push(request);
            self.log.push(json!({"ours": ours.as_ref().map_or_else(|e| json!(e.to_string()), Clone::clone), "theirs": theirs}));
        }
        if let Ok(mut object) = ours {
            object["metadata"]["uid"] = "1".into();
            self.live = Some(object);
            if is_apply {
                self.configs.retain(|known| known.0 != manager);
                self.configs.push((manager.to_owned(), input));
            }
        }
        difference
    }

    /// What is written: for an apply a change of the manager's last configuration, for an update one of the live object.
    fn input(
        &mut self,
        ty: &Type,
        api_version: &str,
        manager: &str,
        is_apply: bool,
        wild: Wild,
    ) -> Value {
        let last = if is_apply {
            let known = self.configs.iter().find(|known| known.0 == manager);
            let other = if self.random.one_in(2) {
                self.configs.first()
            } else {
                None
            };
            known.or(other).map(|known| known.1.clone())
        } else {
            self.live.clone()
        };
        let wild = if is_apply {
            Wild {
                repeats: false,
                ..wild
            }
        } else {
            wild
        };
        let Some(mut last) = last.filter(|_| !self.random.one_in(6)) else {
            return object(&mut self.random, ty, api_version, &self.subject.kind, wild);
        };
        let metadata = last["metadata"].clone();
        last["apiVersion"] = api_version.into();
        let mut new = change_object(&mut self.random, ty, &last, wild);
        if !is_apply && manager == "kubectl" && self.random.one_in(2) {
            // Client-side apply leaves what it applied behind.
            new["metadata"]["annotations"][LAST_APPLIED] = new.to_string().into();
        }
        if !is_apply {
            new["metadata"]["uid"] = "1".into();
            match self.random.below(4) {
                // Some clients send managed fields back, some leave them out, some wipe them.
                0 => {}
                1 if self.random.one_in(4) => new["metadata"]["managedFields"] = json!([]),
                _ => {
                    if let Some(fields) = metadata.get("managedFields") {
                        new["metadata"]["managedFields"] = fields.clone();
                    }
                }
            }
        }
        new
    }

    fn compare(&mut self, ours: &Result<Value, ApplyError>, theirs: &Value) -> Option<String> {
        match (ours, theirs.get("error").and_then(Value::as_str)) {
            (Ok(object), None) => {
                (!value::equal(object, &theirs["object"])).then(|| "objects differ".to_owned())
            }
            (Err(ApplyError::Conflict(conflicts)), Some(message)) => {
                self.conflicts += 1;
                let mut theirs: Vec<(String, String)> = theirs["conflicts"]
                    .as_array()
                    .into_iter()
                    .flatten()
                    .map(|c| {
                        (
                            c["message"].as_str().unwrap().to_owned(),
                            c["field"].as_str().unwrap().to_owned(),
                        )
                    })
                    .collect();
                let mut ours: Vec<_> = conflicts
                    .causes
                    .iter()
                    .map(|c| (c.message.clone(), c.field.clone()))
                    .collect();
                ours.sort();
                theirs.sort();
                (ours != theirs || conflicts.to_string() != message)
                    .then(|| "conflicts differ".to_owned())
            }
            (Err(error), Some(message)) => {
                self.refused += 1;
                (!same_words(&error.to_string(), message)).then(|| "errors differ".to_owned())
            }
            (Ok(_), Some(_)) => Some("only the real one refuses".to_owned()),
            (Err(_), None) => Some("only ours refuses".to_owned()),
        }
    }
}

/// Whether two errors say the same. Go prints values by their layout in memory, and stops at a random one of the
/// undeclared fields of a map.
fn same_words(ours: &str, theirs: &str) -> bool {
    let problems = |message: &str| -> Vec<String> {
        let lines = message
            .split('\n')
            .map(|line| line.split(", got ").next().unwrap());
        let mut lines: Vec<String> = lines
            .map(|line| line.trim().replace("errors:", ""))
            .collect();
        lines.sort();
        lines
    };
    let (ours, theirs) = (problems(ours), problems(theirs));
    if theirs
        .iter()
        .any(|line| line.contains("not declared in schema"))
    {
        let last = |line: &str| {
            line.rsplit("smd typed: ")
                .next()
                .unwrap()
                .rsplit("): ")
                .next()
                .unwrap()
                .to_owned()
        };
        let ours: Vec<String> = ours.iter().map(|line| last(line)).collect();
        return theirs
            .iter()
            .map(|line| last(line))
            .all(|line| line.is_empty() || ours.contains(&line));
    }
    ours == theirs
}

fn run(name: &str, wild: Wild, subject: impl Fn(&mut Random) -> Subject) {
    let Some(mut oracle) = Oracle::start() else {
        return;
    };
    let (first, count) = (seed(), cases());
    let (mut writes, mut conflicts, mut refused) = (0, 0, 0);
    for seed in first..first + count {
        let mut random = Random::new(seed);
        let subject = subject(&mut random);
        let mut case = Case {
            random,
            subject,
            oracle: &mut oracle,
            live: None,
            configs: Vec::new(),
            log: Vec::new(),
            refused: 0,
            conflicts: 0,
        };
        let is_long = seed % 10 == 0;
        for number in 1..=if is_long { 40 } else { 8 } {
            writes += 1;
            if let Some(difference) = case.step(number, is_long, wild) {
                let log: Vec<String> = case
                    .log
                    .iter()
                    .map(|entry| serde_json::to_string_pretty(entry).unwrap())
                    .collect();
                panic!(
                    "{name}: seed {seed}, write {number}: {difference}\n{}",
                    log.join("\n")
                );
            }
        }
        conflicts += case.conflicts;
        refused += case.refused;
    }
    support::say(&format!(
        "{name}: {writes} writes in {count} cases from seed {first} agree ({conflicts} conflicts, {refused} other refusals)"
    ));
}

#[test]
fn custom_kinds_are_written_as_by_the_real_field_manager() {
    run(
        "custom kinds",
        Wild {
            nulls: true,
            repeats: true,
            wrong: false,
        },
        Subject::custom,
    );
}

#[test]
fn custom_kinds_with_odd_values_are_refused_as_by_the_real_field_manager() {
    run(
        "custom kinds, odd values",
        Wild {
            nulls: true,
            repeats: true,
            wrong: true,
        },
        Subject::custom,
    );
}

#[test]
fn endpoints_that_ignore_fields_are_written_as_by_the_real_field_manager() {
    run("custom kinds, ignored fields", TAME, |random| {
        Subject::custom(random).with_reset(&[&["status"], &["metadata", "labels"]])
    });
}

#[test]
fn builtin_kinds_are_written_as_by_the_real_field_manager() {
    run("builtin kinds", TAME, |random| {
        Subject::builtin(random, false)
    });
}

#[test]
fn builtin_kinds_in_go_types_are_written_as_by_the_real_field_manager() {
    run(
        "builtin kinds in Go types",
        Wild {
            nulls: true,
            ..TAME
        },
        |random| Subject::builtin(random, true),
    );
}
