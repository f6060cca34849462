use trueup_gotemplate::{Type, Value, sprig};

use super::{decode, encode};

fn json(value: &Value) -> String {
    let layout = sprig::Layout {
        escape_html: false,
        indent: false,
    };
    sprig::encode_json(value, layout)
        .unwrap()
        .to_text()
        .into_owned()
}

#[test]
fn a_text_that_was_written_reads_back() {
    let texts = [
        "a = 1\nb = \"x\"\n\n[[l]]\n  e = 1\n\n[[l]]\n  e = 2\n\n[t]\n  c = 2.5\n  [t.u]\n    d = [true, false]\n",
        "\"a.b\" = \"q\\\"\\n\"\nmixed = [1, {a = 2}]\n",
    ];
    for text in texts {
        let map = decode(text.as_bytes()).unwrap();
        assert_eq!(encode(&Value::Map(map)).unwrap().to_text(), text);
    }
}

#[test]
fn values_of_every_kind_are_read() {
    let text = "# comment\ni = 1_000\nh = 0xff\no = 0o17\nb = 0b11\nf = 6.5e-1\nneg = -1\ns = 'raw\\'\n\
        l = \"\"\"\none \\\n   two\"\"\"\nr = '''\na'b'''\nd = 2020-03-04T05:06:07Z\nx.y.z = true\nt = {a = 1, b.c = 2}\n\
        arr = [\n 1, # one\n 2,\n]\n[a.b]\nk = 1\n[a]\nk = 2\n";
    let map = decode(text.as_bytes()).unwrap();
    assert_eq!(
        json(&Value::Map(map)),
        "{\"a\":{\"b\":{\"k\":1},\"k\":2},\"arr\":[1,2],\"b\":3,\"d\":\"2020-03-04T05:06:07Z\",\"f\":0.65,\"h\":255,\
         \"i\":1000,\"l\":\"one two\",\"neg\":-1,\"o\":15,\"r\":\"a'b\",\"s\":\"raw\\\\\",\"t\":{\"a\":1,\"b\":{\"c\":2}},\
         \"x\":{\"y\":{\"z\":true}}}"
    );
}

#[test]
fn errors_are_worded_as_in_go() {
    let cases = [
        (
            "bad",
            "toml: line 1: unexpected EOF; expected key separator '='",
        ),
        (
            "a = ",
            "toml: line 1 (last key \"a\"): unexpected EOF; expected value",
        ),
        (
            "a = 1\na = 2\n",
            "toml: line 2 (last key \"a\"): Key 'a' has already been defined.",
        ),
        (
            "a = 1 b",
            "toml: line 1: expected a top-level item to end with a newline, comment, or EOF, but got 'b' instead",
        ),
        (
            "[t]\nk = yes\n",
            "toml: line 2 (last key \"t.k\"): expected value but found \"yes\" instead",
        ),
        (
            "a = 01\n",
            "toml: line 1 (last key \"a\"): Invalid integer \"01\": cannot have leading zeroes",
        ),
        (
            "a = \"x\n",
            "toml: line 1 (last key \"a\"): strings cannot contain newlines",
        ),
        (
            "a = [1 2]",
            "toml: line 1 (last key \"a\"): expected a comma (',') or array terminator (']'), but got '2'",
        ),
        (
            "= 1",
            "toml: line 1: unexpected '=': key name appears blank",
        ),
    ];
    for (text, error) in cases {
        assert_eq!(
            decode(text.as_bytes()).err().as_deref(),
            Some(error),
            "{text}"
        );
    }
}

#[test]
fn what_toml_cannot_hold_is_an_error() {
    let nil = Value::map([("a", Value::list([Value::Nil]))]);
    assert_eq!(
        encode(&nil).unwrap_err(),
        "toml: cannot encode array with nil element"
    );
    let tables = Value::list([Value::map([("a", Value::Int(1))])]);
    assert_eq!(
        encode(&tables).unwrap_err(),
        "toml: top-level values must be Go maps or structs"
    );
    let nothing = Value::Map(trueup_gotemplate::Map::nil(Type::Any));
    assert_eq!(encode(&nothing).unwrap().to_text(), "");
}
