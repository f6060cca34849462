//! Random values of a type, and random changes of them. The domains are small, so that values meet.

use serde_json::{Map, Value, json};
use trueup_schema::{Kind, ListType, Type};

use super::random::Random;

/// How wild the values are.
#[derive(Clone, Copy)]
pub(crate) struct Wild {
    /// Unknown fields and values of the wrong type.
    pub(crate) wrong: bool,
    /// Explicit nulls.
    pub(crate) nulls: bool,
    /// Repeated items in sets and keyed lists.
    pub(crate) repeats: bool,
}

/// Values that any server takes.
pub(crate) const TAME: Wild = Wild {
    wrong: false,
    nulls: false,
    repeats: false,
};

const TEXTS: [&str; 4] = ["a", "b", "c", "dd"];
const QUANTITIES: [&str; 8] = ["1", "1000m", "0.5", "1Gi", "1024Mi", "1e3", "100M", "0"];
const TIMES: [&str; 3] = [
    "2020-01-02T03:04:05Z",
    "2020-01-02T03:04:05.123456Z",
    "2020-06-02T03:04:05+02:00",
];

/// A whole object of a kind.
pub(crate) fn object(
    random: &mut Random,
    ty: &Type,
    api_version: &str,
    kind: &str,
    wild: Wild,
) -> Value {
    let mut object = value(random, ty, 7, wild);
    if !object.is_object() {
        object = json!({});
    }
    identify(&mut object, api_version, kind, ty, random);
    object
}

/// Gives an object its names, and metadata that every server keeps.
fn identify(object: &mut Value, api_version: &str, kind: &str, ty: &Type, random: &mut Random) {
    object["apiVersion"] = api_version.into();
    object["kind"] = kind.into();
    let mut metadata = json!({"name": "x", "namespace": "default"});
    if let Some(meta) = ty.field("metadata") {
        for name in ["labels", "annotations", "finalizers", "ownerReferences"] {
            if random.one_in(3)
                && let Some(field) = meta.field(name)
            {
                metadata[name] = value(random, &field, 2, TAME);
            }
        }
    }
    object["metadata"] = metadata;
}

/// A value of a type.
pub(crate) fn value(random: &mut Random, ty: &Type, depth: usize, wild: Wild) -> Value {
    if wild.nulls && random.one_in(25) {
        return Value::Null;
    }
    if wild.wrong && random.one_in(25) {
        return random
            .pick(&[
                json!("wrong"),
                json!(7),
                json!(true),
                json!([1]),
                json!({"a": "b"}),
                json!(1.5),
            ])
            .clone();
    }
    match ty.kind() {
        Kind::String => (*random.pick(&TEXTS)).into(),
        Kind::Bytes => (*random.pick(&["", "YQ==", "YWI="])).into(),
        Kind::DateTime => (*random.pick(&TIMES)).into(),
        Kind::MicroTime => TIMES[1].into(),
        Kind::Int32 | Kind::Int64 | Kind::Integer => random.below(4).into(),
        Kind::Number => random
            .pick(&[json!(0), json!(1), json!(1.5), json!(2.0)])
            .clone(),
        Kind::Boolean => random.one_in(2).into(),
        Kind::IntOrString => random.pick(&[json!(1), json!("1"), json!("50%")]).clone(),
        Kind::Quantity => (*random.pick(&QUANTITIES)).into(),
        Kind::Any | Kind::Raw => anything(random, depth.min(2)),
        Kind::List => Value::Array(list(random, ty, depth, wild)),
        Kind::Object => Value::Object(fields(random, ty, depth, wild)),
    }
}

fn anything(random: &mut Random, depth: usize) -> Value {
    match random.below(if depth == 0 { 3 } else { 5 }) {
        0 => json!("x"),
        1 => json!(1),
        2 => json!(true),
        3 => json!([anything(random, depth - 1)]),
        _ => {
            let value = anything(random, depth - 1);
            json!({ *random.pick(&TEXTS): value })
        }
    }
}

fn fields(random: &mut Random, ty: &Type, depth: usize, wild: Wild) -> Map<String, Value> {
    let mut map = Map::new();
    let names: Vec<&str> = ty.field_names().collect();
    if names.is_empty() {
        for _ in 0..random.below(3) {
            if let Some(item) = ty.additional() {
                let name = *random.pick(&TEXTS);
                map.insert(
                    name.to_owned(),
                    value(random, &item, depth.saturating_sub(1), wild),
                );
            }
        }
        return map;
    }
    if depth == 0 {
        return map;
    }
    // Of large structs only a few fields, of small ones most.
    let wanted = 2 + random.below(4);
    for name in &names {
        if random.below(names.len()) < wanted
            && let Some(field) = ty.field(name)
        {
            map.insert((*name).to_owned(), value(random, &field, depth - 1, wild));
        }
    }
    if wild.wrong && random.one_in(10) {
        map.insert("unknown".to_owned(), anything(random, 1));
    }
    map
}

fn list(random: &mut Random, ty: &Type, depth: usize, wild: Wild) -> Vec<Value> {
    let Some(item) = ty.items() else {
        return Vec::new();
    };
    let mut items: Vec<Value> = Vec::new();
    let depth = depth.saturating_sub(1);
    for _ in 0..random.below(4) {
        let mut made = value(random, &item, depth, wild);
        let keys = match ty.list_type() {
            Some(ListType::Map(keys)) => {
                for key in &keys {
                    // A key may be left out when it has a default.
                    let is_required = key == "k" || item.requires(key);
                    if made.is_object()
                        && made.get(key).is_none()
                        && (is_required || !random.one_in(3))
                        && let Some(field) = item.field(key)
                    {
                        made[key] = value(random, &field, 0, TAME);
                    }
                }
                keys
            }
            Some(ListType::Set) => Vec::new(),
            _ => {
                items.push(made);
                continue;
            }
        };
        let key = |value: &Value| -> Vec<Value> {
            if keys.is_empty() {
                return vec![value.clone()];
            }
            let of = |key: &String| value.get(key).cloned().unwrap_or(Value::Null);
            keys.iter().map(of).collect()
        };
        let absent_equals_default = keys.len() > 1;
        let same = |other: &Value| {
            key(other) == key(&made) || absent_equals_default && key(other)[0] == key(&made)[0]
        };
        if wild.repeats && random.one_in(4) || !items.iter().any(same) {
            items.push(made);
        }
    }
    items
}

/// The value with some parts changed, dropped or added.
pub(crate) fn change(
    random: &mut Random,
    ty: &Type,
    old: &Value,
    depth: usize,
    wild: Wild,
) -> Value {
    match old {
        Value::Object(old) if ty.kind() == Kind::Object => {
            let mut map = Map::new();
            for (key, old) in old {
                let field = ty.field(key).or_else(|| ty.additional());
                let Some(field) = field else {
                    map.insert(key.clone(), old.clone());
                    continue;
                };
                let new = match random.below(8) {
                    0 => continue,
                    1 => value(random, &field, depth.saturating_sub(1), wild),
                    2..=4 => old.clone(),
                    _ => change(random, &field, old, depth.saturating_sub(1), wild),
                };
                map.insert(key.clone(), new);
            }
            if random.one_in(3) {
                map.extend(fields(random, ty, depth, wild));
            }
            Value::Object(map)
        }
        Value::Array(old) if ty.kind() == Kind::List && random.one_in(2) => {
            let mut items = old.clone();
            if !items.is_empty() && random.one_in(2) {
                let at = random.below(items.len());
                items.remove(at);
            }
            if items.len() > 1 && random.one_in(3) {
                items.rotate_left(1);
            }
            if let Some(item) = ty.items() {
                for old in &mut items {
                    if random.one_in(2) && old.is_object() {
                        let keys = match ty.list_type() {
                            Some(ListType::Map(keys)) => keys,
                            _ => Vec::new(),
                        };
                        let mut new = change(random, &item, old, depth.saturating_sub(1), wild);
                        for key in keys {
                            match old.get(&key) {
                                Some(value) => new[&key] = value.clone(),
                                None => {
                                    new.as_object_mut().unwrap().remove(&key);
                                }
                            }
                        }
                        *old = new;
                    }
                }
            }
            Value::Array(items)
        }
        _ => value(random, ty, depth, wild),
    }
}

/// A changed object, still of the same name.
pub(crate) fn change_object(random: &mut Random, ty: &Type, old: &Value, wild: Wild) -> Value {
    let (api_version, kind) = (old["apiVersion"].clone(), old["kind"].clone());
    let mut new = change(random, ty, old, 7, wild);
    if !new.is_object() {
        new = json!({});
    }
    identify(
        &mut new,
        api_version.as_str().unwrap_or_default(),
        kind.as_str().unwrap_or_default(),
        ty,
        random,
    );
    new
}
