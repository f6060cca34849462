//! What templates draw that their inputs do not determine, remembered: random texts, keys, certificates, the time.
//!
//! Flows in: a call of a function that draws, by its place in the chart and its arguments. Flows out: what the same call
//! gave before, where somebody kept it. It must never draw itself, nor decide what is kept: that is the [`Draws`] of the
//! caller.

use std::{
    borrow::Cow,
    cell::RefCell,
    collections::HashMap,
    fmt,
    hash::{Hash, Hasher},
};

use serde_json::{Value as Json, json};
use trueup_gotemplate::{
    Call, Error, Function, Functions, Map, Place, Str, Value,
    sprig::{self, Time},
};

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

/// Where the templates of a render are, as far as draws must be told apart.
#[derive(Default)]
pub(crate) struct Trail {
    steps: RefCell<Vec<Step>>,
}

/// A template of a file that is being rendered, from the top or by `include`: what it draws is the same either way, so
/// that a checksum of a Secret's template is that of the Secret.
struct Step {
    file: String,
    /// How often each call was made since the file was begun.
    calls: HashMap<u64, u32>,
}

impl Trail {
    /// A file is begun.
    pub(crate) fn enter(&self, file: &str) {
        self.steps.borrow_mut().push(Step {
            file: file.to_owned(),
            calls: HashMap::new(),
        });
    }

    /// The file begun last is done.
    pub(crate) fn leave(&self) {
        self.steps.borrow_mut().pop();
    }

    /// The identity of a call.
    fn identity(&self, function: &str, site: &str, arguments: &[u8]) -> Vec<u8> {
        let mut steps = self.steps.borrow_mut();
        let mut identity = Vec::new();
        let mut part = |part: &[u8]| {
            identity.extend_from_slice(&(part.len() as u64).to_le_bytes());
            identity.extend_from_slice(part);
        };
        part(steps.last().map_or("", |step| &step.file).as_bytes());
        part(site.as_bytes());
        part(function.as_bytes());
        part(arguments);
        let mut hasher = std::hash::DefaultHasher::new();
        identity.hash(&mut hasher);
        let ordinal = steps.last_mut().map_or(0, |step| {
            let calls = step.calls.entry(hasher.finish()).or_default();
            *calls += 1;
            *calls
        });
        identity.extend_from_slice(&ordinal.to_le_bytes());
        identity
    }
}

/// What stands for the place of a call: its file, its line's text, and which of the lines with this text it is. Other
/// lines may come and go without changing what is drawn.
fn site(place: &Place, text: Option<&str>) -> String {
    let name = place.template.to_text();
    let Some(text) = text else {
        return format!("{name}:{}:{}", place.line, place.column);
    };
    let lines: Vec<&str> = text.split('\n').map(str::trim).collect();
    let at = (place.line as usize).saturating_sub(1);
    let line = lines.get(at).copied().unwrap_or_default();
    let before = lines
        .iter()
        .take(at)
        .filter(|other| **other == line)
        .count();
    format!("{name}:{before}:{}:{line}", within(text, place, line))
}

/// The column within a line whose indentation does not count.
fn within(text: &str, place: &Place, line: &str) -> usize {
    let whole = text
        .split('\n')
        .nth((place.line as usize).saturating_sub(1))
        .unwrap_or(line);
    (place.column as usize).saturating_sub(whole.len() - whole.trim_start().len())
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
    let place = call.context().place();
    let identity = {
        let Some(scene) = call.context().state::<S>() else {
            return original.run(call);
        };
        if scene.draws().is_none() {
            return original.run(call);
        }
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

#[cfg(test)]
mod tests {
    use std::{
        collections::BTreeMap,
        sync::{Arc, Mutex},
    };

    use trueup_manifest::{MemoryTree, TreePath};

    use super::*;
    use crate::{Capabilities, Overlay, Release, Request, Secret};

    #[derive(Default)]
    struct Kept(Mutex<BTreeMap<Vec<u8>, Json>>);

    impl Draws for Kept {
        fn recall(&self, draw: &Draw<'_>) -> Option<Json> {
            self.0.lock().unwrap().get(draw.identity).cloned()
        }

        fn keep(&self, draw: &Draw<'_>, drawn: Drawn) {
            let before = self
                .0
                .lock()
                .unwrap()
                .insert(draw.identity.to_vec(), drawn.value);
            assert!(before.is_none(), "one call has one identity");
        }
    }

    fn render(
        templates: &[(&str, &str)],
        draws: &Arc<Kept>,
        secret: &str,
    ) -> Result<Release, String> {
        let mut tree = MemoryTree::new();
        tree.add("Chart.yaml", "{apiVersion: v2, name: c, version: 1.0.0}")
            .unwrap();
        for (path, text) in templates {
            tree.add(&format!("templates/{path}"), *text).unwrap();
        }
        let chart = crate::chart::load_dir(&tree, &TreePath::root()).unwrap();
        let overlay = Overlay {
            secrets: vec![Secret {
                path: "auth.token".into(),
                text: secret.into(),
                hidden: true,
            }],
            ..Overlay::default()
        };
        let capabilities = Capabilities::default();
        let mut request = Request::new(&chart, "r", "n", &overlay, &capabilities);
        request.draws = Some(Arc::clone(draws) as Arc<dyn Draws>);
        let rendered = request.render(&mut |path| Err(path.to_owned()));
        rendered.map_err(|error| error.text().to_owned())
    }

    fn text(release: &Release) -> String {
        release.print(crate::Print::default())
    }

    const SECRET: &str = "kind: Secret\nfirst: {{ randAlphaNum 20 }}\nsecond: {{ randAlphaNum 20 }}\nloop: [{{ range until 3 }}{{ uuidv4 }}, {{ end }}]\n";
    const SUM: &str = "kind: ConfigMap\nsum: {{ include (print $.Template.BasePath \"/secret.yaml\") . | sha256sum }}\n";

    #[test]
    fn a_call_draws_once_and_lines_beside_it_may_come_and_go() {
        let draws = Arc::new(Kept::default());
        let first = render(&[("secret.yaml", SECRET), ("sum.yaml", SUM)], &draws, "x").unwrap();
        let count = draws.0.lock().unwrap().len();
        assert_eq!(
            count, 5,
            "included elsewhere, a template draws what it draws at its place"
        );
        let again = render(&[("secret.yaml", SECRET), ("sum.yaml", SUM)], &draws, "x").unwrap();
        assert_eq!(text(&first), text(&again));
        // New lines before and between draw on their own, and leave the others what they were.
        let longer = SECRET.replace("second", "between: {{ randAlphaNum 20 }}\nsecond");
        let longer = render(
            &[("secret.yaml", &format!("# note\n{longer}"))],
            &draws,
            "x",
        )
        .unwrap();
        let longer = text(&longer);
        for line in text(&first)
            .lines()
            .filter(|line| line.starts_with("first") || line.starts_with("second"))
        {
            assert!(longer.contains(line), "{line} in\n{longer}");
        }
        // Another argument is another call.
        let other = SECRET.replacen("20", "30", 1);
        let other = text(&render(&[("secret.yaml", &other)], &draws, "x").unwrap());
        let line = other
            .lines()
            .find(|line| line.starts_with("first"))
            .unwrap();
        assert_eq!(line.len(), "first: ".len() + 30);
    }

    #[test]
    fn what_comes_of_a_secret_value_is_marked_wherever_it_is_printed() {
        let draws = Arc::new(Kept::default());
        let template = "kind: ConfigMap\nplain: {{ .Values.auth.token }}\ncoded: {{ printf \"u:%s\" .Values.auth.token | b64enc }}\n\
                        yaml:\n{{ toYaml .Values.auth | indent 2 }}\njson: '{{ toJson .Values.auth }}'\n\
                        tpl: {{ tpl (printf \"%s!\" .Values.auth.token) . }}\nopen: yes\n";
        let release = render(&[("a.yaml", template)], &draws, "swordfish").unwrap();
        let manifest = &release.manifests[0];
        let mut shown = String::new();
        let mut from = 0;
        for range in &manifest.secrets {
            shown.push_str(&manifest.content[from..range.start]);
            shown.push_str("***");
            from = range.end;
        }
        shown.push_str(&manifest.content[from..]);
        assert!(
            manifest.content.contains("swordfish"),
            "{}",
            manifest.content
        );
        assert!(
            !shown.contains("swordfish") && !shown.contains("dTpzd29yZGZpc2g"),
            "{shown}"
        );
        assert!(
            shown.contains("open: yes") && shown.contains("token: ***"),
            "{shown}"
        );
    }

    #[test]
    fn an_error_that_a_template_makes_of_a_secret_shows_none_of_it() {
        let draws = Arc::new(Kept::default());
        for template in [
            "{{ fail (printf \"no: %s\" .Values.auth.token) }}",
            "{{ required (printf \"no: %s\" .Values.auth.token) .Values.none }}",
        ] {
            let error = render(&[("a.yaml", template)], &draws, "swordfish").unwrap_err();
            assert!(!error.contains("swordfish"), "{error}");
            assert!(error.contains("***"), "{error}");
        }
    }
}
