//! What templates draw that their inputs do not determine, remembered: random texts, keys, certificates, the time.
//!
//! Flows in: a call of a function that draws, by its place in the chart and its arguments. Flows out: what the same call
//! gave before, where somebody kept it. It must never draw itself, nor decide what is kept: that is the [`Draws`] of the
//! caller.

mod trail;

#[cfg(test)]
mod tests;

use std::{borrow::Cow, fmt};

use serde_json::{Value as Json, json};
use trueup_gotemplate::{
    Call, Error, Function, Functions, Map, Str, Value,
    sprig::{self, Time},
};

pub(crate) use self::trail::Trail;
use self::trail::site;

/// Functions that draw, whatever their arguments.
const ALWAYS: [&str; 20] = [
    "bcrypt",
    "encryptAES",
    "genCA",
    "genCAWithKey",
    "genPrivateKey",
    "genSelfSignedCert",
    "genSelfSignedCertWithKey",
    "genSignedCert",
    "genSignedCertWithKey",
    "htpasswd",
    "now",
    "randAlpha",
    "randAlphaNum",
    "randAscii",
    "randBytes",
    "randInt",
    "randNumeric",
    "shuffle",
    "uuidv4",
    "ago",
];
/// Functions that take the time where an argument is none, and the index of that argument.
const SOMETIMES: [(&str, usize); 6] = [
    ("date", 1),
    ("dateInZone", 1),
    ("date_in_zone", 1),
    ("htmlDate", 0),
    ("htmlDateInZone", 0),
    ("durationRound", 0),
];
/// The names of all functions that draw random bytes, keys or the time, or may do so.
pub fn drawing() -> impl Iterator<Item = &'static str> {
    let sometimes = SOMETIMES.iter().map(|(name, _)| *name);
    ALWAYS.iter().copied().chain(sometimes)
}

/// Of the time for which a certificate holds, the part after which a new one is drawn.
const RENEWED: (i64, i64) = (4, 5);
const SECONDS_A_DAY: i64 = 86_400;

/// One call of a function that draws.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Draw<'d> {
    /// The function: `randAlphaNum`.
    pub function: &'static str,
    /// What tells the call from all others of the release: where it stands, and its arguments. They may be secret: it is
    /// for hashing, never for showing.
    pub identity: &'d [u8],
}

/// What a call drew.
#[derive(Clone, PartialEq, Eq)]
pub struct Drawn {
    /// The value.
    pub value: Json,
    /// For how many seconds it is good; none where that has no end. A certificate is drawn anew before it expires.
    pub lasts: Option<i64>,
}

impl fmt::Debug for Drawn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Drawn(***)")
    }
}

/// Remembers what the templates of one release draw.
pub trait Draws: Send + Sync {
    /// What the same call drew before, if that is kept and still good.
    fn recall(&self, draw: &Draw<'_>) -> Option<Json>;

    /// Takes what a call has drawn.
    fn keep(&self, draw: &Draw<'_>, drawn: Drawn);
}

/// What a render gives these functions: the draws that are kept, where it is, and the texts of files by name.
pub(crate) trait Scene {
    fn draws(&self) -> Option<&dyn Draws>;
    fn trail(&self) -> &Trail;
    fn text(&self, file: &str) -> Option<Cow<'_, str>>;
}

/// Stands in front of all functions that draw; `scene` is what the render has.
pub(crate) fn remember<S: Scene + 'static>(functions: &mut Functions) {
    let always = ALWAYS.into_iter().map(|name| (name, None));
    let sometimes = SOMETIMES.into_iter().map(|(name, at)| (name, Some(at)));
    for (name, argument) in always.chain(sometimes) {
        let Some(original) = functions.get(name).cloned() else {
            continue;
        };
        functions.add(name, original.signature(), move |call| {
            if argument.is_some_and(|at| !takes_the_time(name, call.value(at))) {
                return original.run(call);
            }
            remembered::<S>(name, &original, call)
        });
    }
}

/// Whether an argument makes a function of dates look at the clock.
fn takes_the_time(function: &str, value: &Value) -> bool {
    let is_time = matches!(value, Value::Object(object) if object.as_any().is::<Time>());
    if function == "durationRound" {
        return is_time;
    }
    !is_time && !matches!(value, Value::Int(_) | Value::Int64(_) | Value::SmallInt(..))
}

fn remembered<S: Scene + 'static>(
    name: &'static str,
    original: &Function,
    call: &mut Call<'_, '_>,
) -> Result<Value, Error> {
    let arguments = call.args();
    let scene = call.context().state::<S>();
    if scene.is_none_or(|scene| scene.draws().is_none()) {
        return original.run(call);
    }
    // Found by counting lines, which takes its time.
    let place = call.context().place();
    let identity = {
        let Some(scene) = call.context().state::<S>() else {
            return original.run(call);
        };
        let mut bytes = Vec::new();
        for argument in arguments.all() {
            flatten(argument, &mut bytes);
        }
        let text = scene.text(&place.template.to_text());
        let site = site(&place, text.as_deref());
        scene.trail().identity(name, &site, &bytes)
    };
    let draw = Draw {
        function: name,
        identity: &identity,
    };
    let draws = |call: &mut Call<'_, '_>, act: &mut dyn FnMut(&dyn Draws)| {
        if let Some(draws) = call.context().state::<S>().and_then(Scene::draws) {
            act(draws);
        }
    };
    let mut kept = None;
    draws(call, &mut |draws| kept = draws.recall(&draw));
    if let Some(value) = kept.as_ref().and_then(|kept| read(kept, is_secret(name))) {
        return Ok(value);
    }
    let value = original.run(call)?;
    if let Some(written) = write(&value) {
        let drawn = Drawn {
            value: written,
            lasts: lasts(name, &value, &arguments),
        };
        draws(call, &mut |draws| draws.keep(&draw, drawn.clone()));
        // The second time it is read: both times it is the same.
        return Ok(read(&drawn.value, is_secret(name)).unwrap_or(value));
    }
    Ok(value)
}

/// Whether what a function draws is to be shown to nobody.
fn is_secret(function: &str) -> bool {
    function.starts_with("rand") && function != "randInt"
        || matches!(
            function,
            "genPrivateKey" | "htpasswd" | "bcrypt" | "encryptAES"
        )
}

/// For how long a certificate is used.
fn lasts(function: &str, value: &Value, arguments: &trueup_gotemplate::Args<'_>) -> Option<i64> {
    let days = match function {
        "genCA" | "genCAWithKey" => arguments.int(1),
        name if name.starts_with("gen") && name != "genPrivateKey" => arguments.int(3),
        _ => return None,
    };
    let seconds = days.checked_mul(SECONDS_A_DAY)?.checked_mul(RENEWED.0)? / RENEWED.1;
    matches!(value, Value::Object(_)).then_some(seconds)
}

/// Bytes that tell arguments apart.
fn flatten(value: &Value, out: &mut Vec<u8>) {
    let mut part = |kind: u8, bytes: &[u8]| {
        out.push(kind);
        out.extend_from_slice(&(bytes.len() as u64).to_le_bytes());
        out.extend_from_slice(bytes);
    };
    match value {
        Value::Str(text) => part(b's', text.as_bytes()),
        Value::Bytes(text) => part(b's', text.as_bytes()),
        Value::List(list) => {
            part(b'l', &(list.len() as u64).to_le_bytes());
            for item in list.items() {
                flatten(item, out);
            }
        }
        Value::Object(object) => match (object.field("Cert"), object.field("Key")) {
            (Some(cert), Some(key)) => {
                flatten(&cert, out);
                flatten(&key, out);
            }
            _ => part(b'o', trueup_gotemplate::fmt::display(value).as_bytes()),
        },
        other => part(b'v', trueup_gotemplate::fmt::display(other).as_bytes()),
    }
}

/// A value as it is kept; none for what no function here gives.
fn write(value: &Value) -> Option<Json> {
    match value {
        Value::Str(text) => text.as_utf8().map(|text| json!({"text": text})),
        Value::Int(number) => Some(json!({"number": number})),
        Value::Object(object) => {
            if let Some(time) = object.as_any().downcast_ref::<Time>() {
                return Some(json!({"time": time.unix()}));
            }
            let part = |name| match object.field(name) {
                Some(Value::Str(text)) => text.as_utf8().map(str::to_owned),
                _ => None,
            };
            Some(json!({"cert": part("Cert")?, "key": part("Key")?}))
        }
        _ => None,
    }
}

fn read(kept: &Json, secret: bool) -> Option<Value> {
    if let Some(text) = kept.get("text") {
        let text = text.as_str()?;
        return Some(Value::Str(if secret {
            Str::secret(text)
        } else {
            Str::from(text)
        }));
    }
    if let Some(number) = kept.get("number") {
        return number.as_i64().map(Value::Int);
    }
    if let Some(time) = kept.get("time") {
        return time
            .as_i64()
            .map(|time| Value::object(Time::from_unix(time)));
    }
    Some(sprig::certificate(
        kept.get("cert")?.as_str()?,
        kept.get("key")?.as_str()?,
    ))
}

/// Text marks of everything in a value, as what a Secret of the cluster holds has them.
pub(crate) fn all_secret(value: &Value) -> Value {
    match value {
        Value::Str(text) => Value::Str(match text.as_utf8() {
            Some(text) => Str::secret(text),
            None => text.clone(),
        }),
        Value::Map(map) => {
            let marked: Map = map
                .entries()
                .into_iter()
                .map(|(key, value)| (key, all_secret(&value)))
                .collect();
            Value::Map(marked)
        }
        Value::List(list) => Value::list(list.items().iter().map(all_secret)),
        other => other.clone(),
    }
}
