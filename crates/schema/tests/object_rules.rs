//! What is asked of one object at a time, held against the published modules: the round trip through Go types,
//! pruning, defaulting and validation of custom resources, strategic merge patches, quantities, field sets.

#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests, each of which uses a part of what they share"
)]

mod support;

use std::cmp::Ordering;

use serde_json::{Value, json};
use support::objects::{self, TAME, Wild};
use support::oracle::Oracle;
use support::random::{Random, cases, seed};
use support::schemas;
use trueup_schema::quantity::{self, Quantity};
use trueup_schema::{Type, builtin, strategic, value};

/// Runs one question for every seed, and says what agreed.
fn run(name: &str, mut case: impl FnMut(&mut Random, &mut Oracle) -> Result<(), String>) {
    let Some(mut oracle) = Oracle::start() else {
        return;
    };
    let (first, count) = (seed(), cases());
    for seed in first..first + count {
        if let Err(difference) = case(&mut Random::new(seed), &mut oracle) {
            panic!("{name}: seed {seed}: {difference}");
        }
    }
    support::say(&format!("{name}: {count} cases from seed {first} agree"));
}

fn differ(what: &str, request: &Value, ours: &Value, theirs: &Value) -> Result<(), String> {
    Err(format!(
        "{what} differ\n  request {request}\n  ours    {ours}\n  theirs  {theirs}"
    ))
}

/// A random builtin kind that is served by default and has a Go type.
fn builtin_kind(random: &mut Random) -> (String, &'static str, Type) {
    loop {
        let resource = random.pick(builtin::resources());
        if !resource.verbs.contains(&"patch") {
            continue;
        }
        let api_version = match resource.group {
            "" => resource.version.to_owned(),
            group => format!("{group}/{}", resource.version),
        };
        let missing_in_client_go = ["apiextensions.k8s.io", "apiregistration.k8s.io"];
        if !missing_in_client_go.contains(&resource.group) {
            let ty = builtin::kind(resource.group, resource.version, resource.kind).unwrap();
            return (api_version, resource.kind, ty);
        }
    }
}

#[test]
fn objects_of_builtin_kinds_are_printed_as_go_prints_them() {
    run("normalize", |random, oracle| {
        let (api_version, kind, ty) = builtin_kind(random);
        let wild = Wild {
            nulls: true,
            ..TAME
        };
        let mut ours = objects::object(random, &ty, &api_version, kind, wild);
        let request =
            json!({"op": "normalize", "apiVersion": api_version, "kind": kind, "object": ours});
        let theirs = oracle.ask(&request);
        if theirs.get("error").is_some() {
            return Err(format!("Go does not take {request}: {theirs}"));
        }
        ty.normalize(&mut ours);
        if let Some(metadata) = ours["metadata"].as_object_mut() {
            metadata.retain(|_, value| *value != json!([]));
        }
        if value::equal(&ours, &theirs["object"]) {
            return Ok(());
        }
        differ("objects", &request, &ours, &theirs["object"])
    });
}

#[test]
fn the_empty_object_of_every_builtin_kind_is_gos() {
    let Some(mut oracle) = Oracle::start() else {
        return;
    };
    for resource in builtin::resources() {
        if ["apiextensions.k8s.io", "apiregistration.k8s.io"].contains(&resource.group)
            || !resource.verbs.contains(&"patch")
        {
            continue;
        }
        let api_version = match resource.group {
            "" => resource.version.to_owned(),
            group => format!("{group}/{}", resource.version),
        };
        let request = json!({"op": "normalize", "apiVersion": api_version, "kind": resource.kind, "object": {}});
        let mut ours = builtin::kind(resource.group, resource.version, resource.kind)
            .unwrap()
            .zero();
        ours["apiVersion"] = api_version.into();
        ours["kind"] = resource.kind.into();
        assert_eq!(oracle.ask(&request)["object"], ours);
    }
}

#[test]
fn the_fields_of_an_object_are_found_as_by_the_merge_library() {
    run("extract", |random, oracle| {
        let (api_version, kind, ty) = builtin_kind(random);
        let wild = Wild {
            nulls: true,
            repeats: true,
            ..TAME
        };
        let object = objects::object(random, &ty, &api_version, kind, wild);
        let request =
            json!({"op": "extract", "apiVersion": api_version, "kind": kind, "object": object});
        let theirs = oracle.ask(&request);
        let ours = match ty.extract(&object) {
            Ok(set) => {
                let mut text = String::new();
                set.write_fields_v1(&mut text);
                text
            }
            Err(error) => error.to_string(),
        };
        let expected = theirs["texts"][0]
            .as_str()
            .or_else(|| theirs["error"].as_str());
        if expected.is_some_and(|expected| same_problems(&ours, expected)) {
            return Ok(());
        }
        differ("fields", &request, &Value::from(ours), &theirs)
    });
}

/// Compares texts but for the order of lines, and the layout of Go values.
fn same_problems(ours: &str, theirs: &str) -> bool {
    let sorted = |text: &str| {
        let mut lines: Vec<String> = text
            .lines()
            .map(|line| line.split(", got ").next().unwrap().to_owned())
            .collect();
        lines.sort();
        lines
    };
    sorted(ours) == sorted(theirs)
}

#[test]
fn custom_resources_are_pruned_defaulted_and_validated_as_by_the_server() {
    run("custom resources", |random, oracle| {
        let schema = schemas::root(random, true);
        let ty = Type::of_custom_kind(&schema, "").map_err(|problems| format!("{problems:?}"))?;
        let wild = Wild {
            wrong: true,
            nulls: true,
            repeats: true,
        };
        let mut object = objects::object(random, &ty, "example.com/v1", "Thing", wild);
        object.as_object_mut().unwrap().remove("metadata");
        let request = json!({"op": "custom", "patch": schema, "object": object});
        let theirs = oracle.ask(&request);
        let unknown = ty.unknown_fields(&object);
        let mut expected: Vec<String> = theirs["unknown"]
            .as_array()
            .into_iter()
            .flatten()
            .map(|path| format!("unknown field {path}"))
            .collect();
        expected.sort();
        if unknown != expected {
            return differ("unknown fields", &request, &json!(unknown), &theirs);
        }
        ty.prune(&mut object);
        ty.drop_nulls(&mut object);
        ty.default(&mut object);
        if !value::equal(&object, &theirs["object"]) {
            return differ("objects", &request, &object, &theirs["object"]);
        }
        let mut problems: Vec<String> = ty
            .validate(&object)
            .iter()
            .map(ToString::to_string)
            .collect();
        problems.sort();
        let expected: Vec<&str> = theirs["errors"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .collect();
        if problems != expected {
            return differ("errors", &request, &json!(problems), &json!(expected));
        }
        Ok(())
    });
}

#[test]
fn strategic_patches_do_what_they_do_on_the_server() {
    run("strategic patches", |random, oracle| {
        let (api_version, kind, ty) = builtin_kind(random);
        let original = objects::object(random, &ty, &api_version, kind, TAME);
        let mut patch = objects::change_object(random, &ty, &original, TAME);
        sprinkle_directives(random, &mut patch, &ty, &original);
        let request = json!({"op": "strategic", "apiVersion": api_version, "kind": kind, "object": original, "patch": patch});
        let theirs = oracle.ask(&request);
        if theirs["error"]
            .as_str()
            .is_some_and(|error| error.starts_with("panic"))
        {
            return Ok(());
        }
        match (
            strategic::patch(&original, &patch, &ty),
            theirs.get("error"),
        ) {
            (Ok(ours), None) if value::equal(&ours, &theirs["object"]) => Ok(()),
            (Err(_), Some(_)) => Ok(()),
            (Ok(ours), _) => differ("objects", &request, &ours, &theirs),
            (Err(error), _) => differ("errors", &request, &json!(error.to_string()), &theirs),
        }
    });
}

/// Puts directives into a patch: nulls, deletes, replaces, kept keys and orders.
fn sprinkle_directives(random: &mut Random, patch: &mut Value, ty: &Type, original: &Value) {
    match patch {
        Value::Object(map) => {
            let keys: Vec<String> = map.keys().cloned().collect();
            for key in keys {
                let field = ty.field(&key).or_else(|| ty.additional());
                let Some(field) = field else { continue };
                if random.one_in(12) && key != "metadata" && key != "apiVersion" && key != "kind" {
                    map.insert(key.clone(), Value::Null);
                    continue;
                }
                let below = original.get(&key).unwrap_or(&Value::Null);
                sprinkle_directives(random, &mut map[&key], &field, below);
                if random.one_in(8)
                    && let Some(items) = map[&key].as_array()
                    && items.iter().all(|item| item.get("$patch").is_none())
                {
                    let order = items.clone();
                    map.insert(format!("$setElementOrder/{key}"), Value::Array(order));
                }
                if random.one_in(8)
                    && let Some(items) = below.as_array()
                    && items.iter().all(Value::is_string)
                    && !items.is_empty()
                {
                    map.remove(&key);
                    let gone = random.pick(items).clone();
                    map.insert(format!("$deleteFromPrimitiveList/{key}"), json!([gone]));
                }
            }
            let draw = random.below(20);
            if draw == 0 {
                map.insert(
                    "$patch".into(),
                    (*random.pick(&["replace", "delete"])).into(),
                );
            } else if draw == 1 {
                let keys: Vec<Value> = map
                    .keys()
                    .filter(|key| !key.starts_with('$'))
                    .map(|key| json!(key))
                    .collect();
                map.insert("$retainKeys".into(), Value::Array(keys));
            }
        }
        Value::Array(items) => {
            let Some(item_ty) = ty.items() else { return };
            for item in items.iter_mut() {
                if random.one_in(8) && item.is_object() {
                    item["$patch"] = "delete".into();
                } else {
                    sprinkle_directives(random, item, &item_ty, &Value::Null);
                }
            }
            if random.one_in(15) && items.first().is_some_and(Value::is_object) {
                items.push(json!({"$patch": "replace"}));
            }
        }
        _ => {}
    }
}

#[test]
fn quantities_are_canonical_and_ordered_as_apimachinerys() {
    const SUFFIXES: [&str; 22] = [
        "", "n", "u", "m", "k", "M", "G", "T", "P", "E", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei", "e3",
        "E-2", "e10", "K", "e", "x",
    ];
    run("quantities", |random, oracle| {
        let texts: Vec<String> = (0..20)
            .map(|_| {
                let sign = *random.pick(&["", "", "", "+", "-"]);
                let limit = *random.pick(&[10, 2000, 1_000_000, usize::MAX]);
                let whole = random.below(limit);
                let fraction = match random.below(5) {
                    0 => format!(".{}", random.below(1000)),
                    1 => format!(".{}", random.next()),
                    2 => ".".to_owned(),
                    _ => String::new(),
                };
                format!("{sign}{whole}{fraction}{}", random.pick(&SUFFIXES))
            })
            .collect();
        let mut ours: Vec<String> = texts
            .iter()
            .map(|text| quantity::canonical(text).unwrap_or_default())
            .collect();
        for pair in texts.windows(2) {
            let order = match (Quantity::parse(&pair[0]), Quantity::parse(&pair[1])) {
                (Ok(a), Ok(b)) => match a.cmp(&b) {
                    Ordering::Less => "<",
                    Ordering::Equal => "=",
                    Ordering::Greater => ">",
                },
                _ => "",
            };
            ours.push(order.to_owned());
        }
        let request = json!({"op": "quantity", "texts": texts});
        let theirs = oracle.ask(&request);
        if json!(ours) == theirs["texts"] {
            return Ok(());
        }
        let pairs: Vec<String> = texts
            .iter()
            .zip(&ours)
            .zip(theirs["texts"].as_array().unwrap())
            .filter(|((_, ours), theirs)| *ours != theirs.as_str().unwrap())
            .map(|((text, ours), theirs)| format!("{text} → {ours:?}, not {theirs}"))
            .collect();
        Err(pairs.join("; "))
    });
}
