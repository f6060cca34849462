//! Compiling and rendering a template of a chart's kind: helpers, loops, conditions, `include` and
//! `printf`. `tests/go/template bench` does the same in Go.

use std::sync::Arc;

use trueup_gotemplate::{Functions, Options, Signature, Templates, Type, Value};
use trueup_yaml::{Document, Source};

const TEMPLATE: &str = include_str!("deployment.tpl");
const DATA: &str = include_str!("data.json");

fn main() {
    divan::main();
}

fn empty() -> Templates {
    let mut functions = Functions::new();
    functions.add(
        "include",
        Signature::of(&[Type::String, Type::Any]),
        |call| {
            let args = call.args();
            call.render(&args.text(0), args.value(1)).map(Value::Str)
        },
    );
    Templates::new(Arc::new(functions))
}

fn compiled() -> Option<Templates> {
    let mut set = empty();
    set.parse("deployment.yaml", TEMPLATE).ok()?;
    Some(set)
}

fn data() -> Option<Value> {
    let document = Document::parse_one(&Source::new("data.json", DATA)).ok()?;
    let document = Arc::new(document);
    Some(Value::from_yaml(&document, document.root()))
}

#[divan::bench]
fn compile(bencher: divan::Bencher) {
    let set = empty();
    bencher.bench(|| {
        let mut set = set.clone();
        set.parse("deployment.yaml", divan::black_box(TEMPLATE))
            .is_ok()
    });
}

#[divan::bench]
fn render(bencher: divan::Bencher) {
    let (Some(set), Some(data)) = (compiled(), data()) else {
        return;
    };
    bencher.bench(|| {
        set.execute(
            "deployment.yaml",
            divan::black_box(&data),
            &Options::default(),
        )
    });
}

#[divan::bench]
fn render_values_never_seen_before(bencher: divan::Bencher) {
    let Some(set) = compiled() else { return };
    bencher.with_inputs(data).bench_values(|data| {
        let data = data.unwrap_or_default();
        set.execute("deployment.yaml", &data, &Options::default())
    });
}
