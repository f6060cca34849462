//! Differential test of Sprig's functions against Go: random calls of each, by the program in
//! `tests/go/sprig`. Seed and counts are printed; set `TRUEUP_SPRIG_SEED` and `TRUEUP_SPRIG_CALLS` for
//! other or more calls.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a test: it may panic, and says what it has done"
)]

mod generate;
mod wire;

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::{Arc, Mutex};

use generate::Random;
use serde_json::{Value as Json, json};
use trueup_gotemplate::{Functions, Options, Signature, Templates, Type, Value, sprig};

/// Functions whose results nothing determines.
const DRAWING: [&str; 24] = [
    "ago",
    "bcrypt",
    "encryptAES",
    "genCA",
    "genCAWithKey",
    "genPrivateKey",
    "genSelfSignedCert",
    "genSelfSignedCertWithKey",
    "genSignedCert",
    "genSignedCertWithKey",
    "getHostByName",
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
    // A certificate cannot be sent, and the last two take a second each.
    "buildCustomCert",
    "derivePassword",
    "values",
];

/// The Go program, asked line by line.
struct Go {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Go {
    /// `None`, said loudly, where there is no Go.
    fn start() -> Option<Self> {
        if Command::new("go").arg("version").output().is_err() {
            println!("SKIPPED: no `go` on the path, so Sprig itself was not asked");
            return None;
        }
        let module = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../tests/go/sprig");
        let program = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("gosprig");
        let built = Command::new("go")
            .args(["build", "-mod=readonly", "-o"])
            .arg(&program)
            .arg(".")
            .current_dir(module)
            .status()
            .unwrap();
        assert!(built.success(), "tests/go/sprig does not build");
        let mut child = Command::new(program)
            .env("TZ", "UTC")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        Some(Self {
            input: child.stdin.take().unwrap(),
            output: BufReader::new(child.stdout.take().unwrap()),
            child,
        })
    }

    fn ask(&mut self, name: &str, args: &[Json]) -> Result<Json, String> {
        writeln!(self.input, "{}", json!({"name": name, "args": args})).unwrap();
        let mut line = String::new();
        self.output.read_line(&mut line).unwrap();
        let answer: Json = serde_json::from_str(&line).unwrap();
        match answer["failed"].as_bool() {
            Some(true) => Err(answer["error"].as_str().unwrap_or_default().to_owned()),
            _ => Ok(answer["value"].clone()),
        }
    }
}

impl Drop for Go {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Our functions, called through a template that hands their result over.
struct Ours {
    functions: Arc<Functions>,
    result: Arc<Mutex<Value>>,
}

impl Ours {
    fn new() -> Self {
        let mut functions = Functions::new();
        sprig::add(&mut functions);
        let result = Arc::new(Mutex::new(Value::Nil));
        let handed = Arc::clone(&result);
        functions.add("handOver", Signature::of(&[Type::Any]), move |call| {
            *handed.lock().unwrap() = call.value(0).clone();
            Ok(Value::from(""))
        });
        Self {
            functions: Arc::new(functions),
            result,
        }
    }

    fn ask(&self, name: &str, args: &[Value]) -> Result<Json, String> {
        let names: Vec<String> = (0..args.len()).map(|at| format!("a{at}")).collect();
        let mut set = Templates::new(Arc::clone(&self.functions)).with_name("t");
        set.parse(
            "t",
            &format!(
                "{{{{ handOver ({name} {}) }}}}",
                names
                    .iter()
                    .map(|name| format!(".{name}"))
                    .collect::<Vec<_>>()
                    .join(" ")
            ),
        )
        .unwrap();
        let data = Value::map(names.iter().map(String::as_str).zip(args.iter().cloned()));
        match set.execute("t", &data, &Options::default()) {
            Ok(_) if name == "keys" => Ok(wire::encode_sorted(&self.result.lock().unwrap())),
            Ok(_) => Ok(wire::encode(&self.result.lock().unwrap())),
            Err(error) => {
                let text = error.to_string();
                let mark = format!("error calling {name}: ");
                Err(text
                    .split_once(&mark)
                    .map_or(text.as_str(), |(_, reason)| reason)
                    .to_owned())
            }
        }
    }
}

fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |value| value.parse().unwrap())
}

#[test]
fn random_calls_of_each_function_give_what_go_gives() {
    let Some(mut go) = Go::start() else { return };
    let ours = Ours::new();
    let seed = setting("TRUEUP_SPRIG_SEED", 1);
    let calls = setting("TRUEUP_SPRIG_CALLS", 20_000);
    println!("seed {seed}, {calls} calls");
    let mut random = Random::new(seed);
    let mut names: Vec<&str> = ours.functions.names().collect();
    names.retain(|name| *name != "handOver" && !DRAWING.contains(name));
    names.sort_unstable();
    let mut wrong: BTreeMap<&str, (usize, String)> = BTreeMap::new();
    for at in 0..calls {
        let name = names[usize::try_from(at).unwrap() % names.len()];
        let signature = ours.functions.get(name).unwrap().signature();
        let args = random.arguments(name, signature);
        // Before the call, which may change them.
        let shown: Vec<Json> = args.iter().map(wire::encode_argument).collect();
        let (given, expected) = (ours.ask(name, &args), go.ask(name, &shown));
        if given != expected {
            let entry = wrong.entry(name).or_default();
            entry.0 += 1;
            if entry.0 <= 3 {
                let shown: Vec<String> = shown.iter().map(wire::show).collect();
                let result = |result: &Result<Json, String>| match result {
                    Ok(value) => wire::show(value),
                    Err(error) => format!("ERROR {error}"),
                };
                let text = format!(
                    "{name} {}\n  ours {}\n  go   {}\n",
                    shown.join(" "),
                    result(&given),
                    result(&expected)
                );
                entry.1.push_str(&text);
            }
        }
    }
    println!("{} functions, {calls} calls", names.len());
    let texts: Vec<String> = wrong
        .values()
        .map(|(count, text)| format!("{count} differ:\n{text}"))
        .collect();
    assert!(wrong.is_empty(), "{}", texts.join("\n"));
}
