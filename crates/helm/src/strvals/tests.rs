use super::*;

fn shown(text: &str, into: &Map) -> String {
    match parse(text, into) {
        Ok(()) => crate::values::to_json(&Value::Map(into.clone())).to_string(),
        Err(error) => error,
    }
}

#[test]
fn an_expression_sets_what_helm_sets() {
    // The whole table is in the conformance corpus; these are its corners.
    for (text, expected) in [
        (
            "a=1,b=true,c=null,d=x",
            r#"{"a":1,"b":true,"c":null,"d":"x"}"#,
        ),
        ("a.b[1].c=x", r#"{"a":{"b":[null,{"c":"x"}]}}"#),
        ("a={1,2},b=", r#"{"a":[1,2],"b":""}"#),
        ("a\\.b=1\\,2", r#"{"a.b":"1,2"}"#),
        ("a=0644", r#"{"a":"0644"}"#),
        ("a", "key \"a\" has no value"),
        ("a[0]=1,a[2]=3", r#"{"a":[1,null,3]}"#),
        ("a={x", "list must terminate with '}'"),
        ("a[1", "error parsing index: EOF"),
        (
            "a=1,a.b=2",
            "unable to parse key: interface conversion: interface {} is int64, not map[string]interface {}",
        ),
    ] {
        assert_eq!(shown(text, &Map::new()), expected, "{text}");
    }
}

#[test]
fn keys_nest_no_deeper_than_helm_allows() {
    let deep = format!("{}a=1", "a.".repeat(31));
    assert!(shown(&deep, &Map::new()).contains("maximum supported nested level of 30"));
}

#[test]
fn a_file_is_read_by_the_caller() {
    let map = Map::new();
    let mut read = |path: &str| Ok(Value::from(format!("content of {path}")));
    parse_file("a.b=x.txt", &map, &mut read).unwrap();
    let json = crate::values::to_json(&Value::Map(map)).to_string();
    assert_eq!(json, r#"{"a":{"b":"content of x.txt"}}"#);
}

/// JSON of the value, then its shape with Go's type names at the leaves, as the corpus has it.
fn with_types(value: &Value) -> (serde_json::Value, serde_json::Value) {
    match value {
        Value::Map(map) => {
            let (mut values, mut types) = (serde_json::Map::new(), serde_json::Map::new());
            for (key, value) in map.entries() {
                let (value, kind) = with_types(&value);
                values.insert(key.to_text().into_owned(), value);
                types.insert(key.to_text().into_owned(), kind);
            }
            (values.into(), types.into())
        }
        Value::List(list) => {
            let pairs: Vec<_> = list.items().iter().map(with_types).collect();
            let (values, types): (Vec<_>, Vec<_>) = pairs.into_iter().unzip();
            (values.into(), types.into())
        }
        Value::Float(number) if number.fract() == 0.0 => {
            #[allow(clippy::cast_possible_truncation)]
            let whole = *number as i64;
            (whole.into(), value.type_name().into())
        }
        other => (crate::values::to_json(other), other.type_name().into()),
    }
}

#[test]
#[allow(clippy::print_stderr)]
fn every_expression_of_the_corpus_sets_what_helm_sets() {
    let beside = std::path::Path::new(env!("CARGO_MANIFEST_DIR"))
        .ancestors()
        .map(|folder| folder.join("shared/conformance"))
        .find(|folder| folder.is_dir());
    let root = std::env::var_os("TRUEUP_CONFORMANCE")
        .map(Into::into)
        .or(beside);
    let Some(text) =
        root.and_then(|root| std::fs::read_to_string(root.join("helm/gotemplate.json")).ok())
    else {
        eprintln!("!!! NOT TESTED: the conformance corpus is absent; set TRUEUP_CONFORMANCE");
        return;
    };
    let corpus: serde_json::Value = serde_json::from_str(&text).unwrap();
    let mut seen = 0;
    for case in corpus["cases"].as_array().unwrap() {
        if case["engine"] != "strvals" {
            continue;
        }
        seen += 1;
        let values = case["values"].as_str().unwrap();
        let map = crate::values::Values::parse("v", values.as_bytes())
            .unwrap()
            .fresh();
        let text = case["template"].as_str().unwrap();
        let outcome = match case["mode"].as_str().unwrap() {
            "set" => parse(text, &map),
            "set-string" => parse_string(text, &map),
            "set-json" => parse_json(text, &map),
            "set-literal" => parse_literal(text, &map),
            other => panic!("unknown mode {other}"),
        };
        let actual = outcome.map(|()| {
            let (values, types) = with_types(&Value::Map(map));
            format!("{values} {types}")
        });
        let expected = match case["expected"].as_str() {
            Some(expected) => Ok(expected.to_owned()),
            None => Err(case["error"].as_str().unwrap().to_owned()),
        };
        assert_eq!(actual, expected, "{} {text}", case["id"]);
    }
    assert!(seen > 100, "{seen} cases");
}
