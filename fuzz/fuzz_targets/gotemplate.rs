//! Whatever the template, nothing panics, hangs or overflows: neither the lexer, the parser and the
//! compiler, nor the VM over data of all kinds, nor the printing of an error.

#![no_main]

use std::sync::{Arc, LazyLock};

use libfuzzer_sys::fuzz_target;
use trueup_gotemplate::{
    Functions, Limits, MissingKey, Options, Signature, Str, Templates, Type, Value, sprig,
};

static BARE: LazyLock<Arc<Functions>> = LazyLock::new(|| Arc::new(with_rendering(Functions::new())));

static SPRIG: LazyLock<Arc<Functions>> = LazyLock::new(|| {
    let mut functions = Functions::new();
    sprig::add(&mut functions);
    // What reads clocks, the network or much entropy, and what is slow on purpose.
    for name in [
        "now", "ago", "getHostByName", "genPrivateKey", "genCA", "genCAWithKey", "genSelfSignedCert",
        "genSelfSignedCertWithKey", "genSignedCert", "genSignedCertWithKey", "derivePassword",
        "bcrypt", "htpasswd", "env", "expandenv",
    ] {
        functions.remove(name);
    }
    Arc::new(with_rendering(functions))
});

fn with_rendering(mut functions: Functions) -> Functions {
    functions.add("include", Signature::of(&[Type::String, Type::Any]), |call| {
        let args = call.args();
        call.render(&args.text(0), args.value(1)).map(Value::Str)
    });
    functions.add("tpl", Signature::of(&[Type::String, Type::Any]), |call| {
        let args = call.args();
        let text = args.string(0);
        let rendered = call.context().render_text("tpl", &text, args.value(1));
        rendered.map(Value::Str)
    });
    functions
}

fn data() -> Value {
    Value::map([
        ("a", Value::Float(1.5)),
        ("b", Value::Bool(true)),
        ("s", Value::from("text é")),
        ("n", Value::Nil),
        ("p", Value::Str(Str::secret("hunter2"))),
        ("l", Value::list([Value::Int(1), Value::from("x"), Value::Nil])),
        ("m", Value::map([("k", Value::from("v")), ("d", Value::map([("e", Value::byte(7))]))])),
        ("w", Value::strings(["x", "y"])),
        ("y", Value::bytes([0xFF, 0x00, b'a'])),
    ])
}

fuzz_target!(|input: &[u8]| {
    let [choice, input @ ..] = input else {
        return;
    };
    let text = String::from_utf8_lossy(input);
    let mut set = Templates::new(Arc::clone(if choice & 8 == 0 { &BARE } else { &SPRIG }));
    if let Err(error) = set.parse("t", &text) {
        assert!(error.place().is_some());
        return;
    }
    let options = Options {
        missing_key: match choice % 3 {
            0 => MissingKey::Invalid,
            1 => MissingKey::Zero,
            _ => MissingKey::Error,
        },
        limits: Limits {
            fuel: 20_000,
            depth: 50,
            output: 1 << 18,
        },
        secrets: choice & 4 != 0,
        state: None,
        watch: None,
    };
    match set.execute("t", &data(), &options) {
        Ok(output) => {
            for range in output.secrets {
                assert!(output.text.get(range).is_some());
            }
        }
        Err(error) => assert!(!error.frames().is_empty()),
    }
});
