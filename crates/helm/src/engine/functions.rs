//! The functions that need the engine or the cluster: `include`, `tpl`, `required`, `fail`, `lookup`.

use std::sync::{Arc, LazyLock};

use trueup_gotemplate::{
    Call, Error, ErrorKind, Functions, Map, Signature, Str, Type, Value, sprig,
};

use super::State;
use crate::{draws, go, values};

/// How often a template may include itself, directly or not.
const MAX_INCLUDES: u32 = 1000;
/// Around messages of `required` and `fail`, which Helm shows without Go's chain before them.
pub(super) const MESSAGE_START: &str = "HELM_ERR_START";
pub(super) const MESSAGE_END: &str = "HELM_ERR_END";

/// Everything that a chart's templates may call.
pub(super) fn all() -> Arc<Functions> {
    static ALL: LazyLock<Arc<Functions>> = LazyLock::new(|| {
        let mut functions = Functions::new();
        sprig::add(&mut functions);
        crate::functions::add(&mut functions);
        // Templates of a chart must not see the machine they are rendered on.
        functions.remove("env");
        functions.remove("expandenv");
        add(&mut functions);
        draws::remember::<State>(&mut functions);
        Arc::new(functions)
    });
    Arc::clone(&ALL)
}

fn add(functions: &mut Functions) {
    const NAMED: Signature = Signature::of(&[Type::String, Type::Any]);
    const TEXT: Signature = Signature::of(&[Type::String]);
    const OBJECT: Signature = Signature::of(&[Type::String; 4]);
    functions.add("include", NAMED, include);
    functions.add("tpl", NAMED, tpl);
    functions.add("required", NAMED, required);
    functions.add("fail", TEXT, |call| Err(message(&call.string(0))));
    functions.add("lookup", OBJECT, lookup);
    functions.add("getHostByName", TEXT, |_| Ok(Value::from("")));
}

fn message(text: &Str) -> Error {
    let mut shown = String::new();
    let mut from = 0;
    for secret in text.secrets() {
        shown.push_str(&text.slice(from..secret.start).to_text());
        shown.push_str("***");
        from = secret.end;
    }
    shown.push_str(&text.slice(from..text.len()).to_text());
    Error::new(format!("{MESSAGE_START}{shown}{MESSAGE_END}"))
}

fn include(call: &mut Call<'_, '_>) -> Result<Value, Error> {
    let name = call.text(0).into_owned();
    let data = call.value(1).clone();
    let counted = count(call, &name, 1)?;
    let followed = call
        .context()
        .state::<State>()
        .is_some_and(|state| state.follow(&name, &data));
    let rendered = call.render(&name, &data);
    if let Some(state) = call.context().state::<State>().filter(|_| followed) {
        state.trail.leave();
    }
    if counted {
        count(call, &name, -1)?;
    }
    rendered.map(Value::Str)
}

/// Counts a template up or down; whether there is anything that counts.
fn count(call: &mut Call<'_, '_>, name: &str, by: i32) -> Result<bool, Error> {
    let Some(state) = call.context().state::<State>() else {
        return Ok(false);
    };
    let mut included = state.included.borrow_mut();
    let count = match included.get_mut(name) {
        Some(count) => count,
        None => included.entry(name.to_owned()).or_default(),
    };
    if by > 0 && *count > MAX_INCLUDES {
        return Err(Error::new(format!(
            "rendering template has a nested reference name: {name}: unable to execute template"
        ))
        .with_help(format!(
            "`{name}` includes itself without an end; give it a condition to stop at"
        )));
    }
    *count = count.saturating_add_signed(by);
    Ok(true)
}

fn tpl(call: &mut Call<'_, '_>) -> Result<Value, Error> {
    let text = call.string(0);
    let data = call.value(1).clone();
    let shown = || {
        if text.has_secrets() {
            "\"***\"".to_owned()
        } else {
            go::quote(&text.to_text())
        }
    };
    match call.context().render_text("gotpl", &text, &data) {
        // Marks are of the texts that values are, not of what a template says: all of it counts.
        Ok(out) if text.has_secrets() => Ok(Value::Str(Str::secret(without_no_value(out)))),
        Ok(out) => Ok(Value::Str(without_no_value(out))),
        Err(error) => {
            let parsing = error.kind() == ErrorKind::Parse
                && error
                    .frames()
                    .iter()
                    .all(|frame| frame.expression.is_empty());
            let doing = if parsing {
                format!("cannot parse template {}: ", shown())
            } else {
                format!("error during tpl function execution for {}: ", shown())
            };
            Err(error.with_prefix(&doing))
        }
    }
}

/// Helm prints nothing for a missing value.
fn without_no_value(text: Str) -> Str {
    const GONE: &str = "<no value>";
    let Some(plain) = text.as_utf8().filter(|plain| plain.contains(GONE)) else {
        return text;
    };
    let mut out = trueup_gotemplate::Buffer::new();
    let mut from = 0;
    for (at, _) in plain.match_indices(GONE) {
        out.push_text(&text.slice(from..at));
        from = at + GONE.len();
    }
    out.push_text(&text.slice(from..text.len()));
    out.to_str()
}

fn required(call: &mut Call<'_, '_>) -> Result<Value, Error> {
    let value = call.value(1);
    let missing = match value {
        Value::Nil => true,
        Value::Str(text) => text.is_empty(),
        _ => false,
    };
    if missing {
        return Err(message(&call.string(0)));
    }
    Ok(value.clone())
}

fn lookup(call: &mut Call<'_, '_>) -> Result<Value, Error> {
    let args = call.args();
    let object = [0, 1, 2, 3].map(|at| args.text(at));
    let [api_version, kind, namespace, name] = object.each_ref().map(|text| &**text);
    let Some(state) = call.context().state::<State>() else {
        return Ok(Value::Map(Map::new()));
    };
    state.trail.looks_up(&[api_version, kind, namespace, name]);
    let Some(cluster) = state.lookup.clone() else {
        return Ok(Value::Map(Map::new()));
    };
    let found = cluster
        .lookup(api_version, kind, namespace, name)
        .map_err(Error::new)?;
    Ok(match found {
        Some(object) => secret_or_plain(&object),
        None => Value::Map(Map::new()),
    })
}

/// An object of the cluster; what Secrets hold is marked.
fn secret_or_plain(object: &serde_json::Value) -> Value {
    let value = values::from_json(object);
    let hide = |object: &Map| {
        for key in ["data", "stringData"] {
            if let Some(held) = object.get(key) {
                object.insert(key, draws::all_secret(&held));
            }
        }
    };
    let Value::Map(map) = &value else {
        return value;
    };
    match map.get("kind") {
        Some(Value::Str(kind)) if kind.to_text() == "Secret" => hide(map),
        Some(Value::Str(kind)) if kind.to_text() == "SecretList" => {
            if let Some(Value::List(items)) = map.get("items") {
                for item in items.items() {
                    if let Value::Map(item) = item {
                        hide(item);
                    }
                }
            }
        }
        _ => {}
    }
    value
}
