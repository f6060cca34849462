//! Speed of reading and printing a 10 MB stream of Kubernetes objects, beside `yaml_serde`, in CPU time
//! of one thread, best of several runs; allocations are counted.
//!
//! `cargo bench -p trueup-yaml --bench yaml`; `benches/yaml.sh` adds Go in the same run. With
//! `-- --json FILE` the stream is written to FILE and each row printed as a line of JSON; with
//! `-- --only WORD` only rows with that word in their name are measured.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a benchmark: it may panic, and prints its figures"
)]

mod corpus;

use std::hint::black_box;
use std::time::{Duration, Instant};

use serde::Deserialize as _;
use trueup_yaml::{Document, Schema, Source, emit};

const BYTES: usize = 10_000_000;
const ROUNDS: usize = 5;
const ROUND: Duration = Duration::from_millis(400);

/// CPU time of this thread; wall time where the kernel does not tell.
fn cpu() -> Duration {
    let stat = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let nanos = stat.split(' ').next().and_then(|n| n.parse().ok());
    nanos.map_or_else(
        || {
            static START: std::sync::OnceLock<Instant> = std::sync::OnceLock::new();
            START.get_or_init(Instant::now).elapsed()
        },
        Duration::from_nanos,
    )
}

struct Row {
    name: &'static str,
    seconds: f64,
    /// Of the stream, not of what is printed.
    bytes: usize,
    allocations: u64,
}

/// The best of several rounds. The kernel counts CPU time in ticks of some milliseconds, so a round
/// repeats the run until it is long against them; dropping the result counts.
fn measure<T>(name: &'static str, bytes: usize, run: impl Fn() -> T) -> Option<Row> {
    if argument("--only").is_some_and(|word| !name.contains(&word)) {
        return None;
    }
    let allocations = allocation_counter::measure(|| {
        black_box(run());
    });
    let best = (0..ROUNDS)
        .map(|_| {
            let (start, mut repeats) = (cpu(), 0);
            loop {
                drop(black_box(run()));
                repeats += 1;
                let took = cpu().saturating_sub(start);
                if took > ROUND {
                    return took.as_secs_f64() / f64::from(repeats);
                }
            }
        })
        .fold(f64::INFINITY, f64::min);
    Some(Row {
        name,
        seconds: best,
        bytes,
        allocations: allocations.count_total,
    })
}

/// What follows an argument of this name.
fn argument(name: &str) -> Option<String> {
    let mut arguments = std::env::args().skip_while(|argument| argument != name);
    arguments.nth(1)
}

/// Prints all documents into one string.
fn print(docs: &[Document], bytes: usize, emit: impl Fn(&Document, &mut String)) -> String {
    let mut out = String::with_capacity(bytes * 2);
    for doc in docs {
        emit(doc, &mut out);
    }
    out
}

fn rows(text: &str) -> impl Iterator<Item = Row> {
    let bytes = text.len();
    let source = Source::new("bench.yaml", text);
    let docs = Document::parse(&source).unwrap();
    let mut nodes = 0;
    for doc in &docs {
        nodes += doc.arena_len();
    }
    println!("{} documents, {bytes} bytes, {nodes} nodes", docs.len());
    let values: Vec<serde_yaml::Value> = serde_yaml::Deserializer::from_str(text)
        .map(|document| serde_yaml::Value::deserialize(document).unwrap())
        .collect();
    let rows = [
        measure("trueup parse", bytes, || Document::parse(&source).unwrap()),
        measure("trueup clone", bytes, || docs.clone()),
        measure("trueup emit kyaml", bytes, || {
            print(&docs, bytes, |doc, out| emit::kyaml(doc, doc.root(), out))
        }),
        measure("trueup emit sigs", bytes, || {
            print(&docs, bytes, |doc, out| {
                emit::sigs(doc, doc.root(), out).unwrap();
            })
        }),
        measure("trueup emit kustomize", bytes, || {
            print(&docs, bytes, |doc, out| {
                emit::kustomize(doc, doc.root(), out).unwrap();
            })
        }),
        measure("trueup emit json", bytes, || {
            print(&docs, bytes, |doc, out| {
                emit::json(doc, doc.root(), Schema::Sigs, out).unwrap();
            })
        }),
        measure("yaml_serde parse to Value", bytes, || {
            serde_yaml::Deserializer::from_str(text)
                .map(|document| serde_yaml::Value::deserialize(document).unwrap())
                .collect::<Vec<_>>()
        }),
        measure("yaml_serde emit", bytes, || {
            let print = |value| serde_yaml::to_string(value).unwrap();
            values.iter().map(print).collect::<Vec<_>>()
        }),
    ];
    rows.into_iter().flatten()
}

fn main() {
    let json = argument("--json");
    let (text, _) = corpus::stream(BYTES);
    if let Some(file) = &json {
        std::fs::write(file, &text).unwrap();
    }
    for Row {
        name,
        seconds,
        bytes,
        allocations,
    } in rows(&text)
    {
        if json.is_some() {
            println!(
                "{{\"name\":\"{name}\",\"seconds\":{seconds},\"bytes\":{bytes},\"allocations\":{allocations}}}"
            );
        } else {
            let megabytes = f64::from(u32::try_from(bytes).unwrap()) / 1e6;
            println!(
                "{name:<28} {:>8.1} ms {:>7.0} MB/s {allocations:>9} allocations",
                seconds * 1e3,
                megabytes / seconds
            );
        }
    }
}
