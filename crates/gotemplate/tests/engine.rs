//! What the engine does beyond Go: limits, marks of secrets, structured errors, rendering in functions.

#![expect(clippy::unwrap_used, reason = "a test: it may panic")]

use std::sync::Arc;

use trueup_gotemplate::{
    Call, Delims, Error, ErrorKind, Functions, Limits, Object, Options, Output, Signature, Str,
    Templates, Type, Value,
};

fn functions() -> Functions {
    let mut functions = Functions::new();
    functions.add(
        "include",
        Signature::of(&[Type::String, Type::Any]),
        |call| {
            let args = call.args();
            call.render(&args.text(0), args.value(1)).map(Value::Str)
        },
    );
    functions.add("tpl", Signature::of(&[Type::String, Type::Any]), |call| {
        let args = call.args();
        let text = args.string(0);
        let rendered = call.context().render_text("tpl", &text, args.value(1));
        rendered.map(Value::Str)
    });
    functions.add("list", Signature::variadic(&[], Type::Any), |call| {
        Ok(Value::list(call.all().iter().cloned()))
    });
    functions.add("upper", Signature::of(&[Type::String]), |call| {
        Ok(Value::from(call.text(0).to_uppercase()))
    });
    functions.add(
        "set",
        Signature::of(&[Type::MAP, Type::String, Type::Any]),
        |call| {
            call.map(0).insert(call.string(1), call.value(2).clone());
            Ok(call.value(0).clone())
        },
    );
    functions.add("work", Signature::of(&[Type::INT]), |call| {
        let work = u64::try_from(call.int(0)).unwrap_or(u64::MAX);
        call.context().spend(work).map(|()| Value::Nil)
    });
    functions
}

fn set(templates: &[(&str, &str)]) -> Templates {
    let mut set = Templates::new(Arc::new(functions())).with_name("gotpl");
    for (name, text) in templates {
        set.parse(name, text).unwrap();
    }
    set
}

fn run(templates: &[(&str, &str)], data: &Value, options: &Options<'_>) -> Result<Output, Error> {
    set(templates).execute("t", data, options)
}

fn print(text: &str, data: &Value) -> String {
    run(&[("t", text)], data, &Options::default()).unwrap().text
}

fn failure(text: &str, data: &Value, limits: Limits) -> Error {
    let options = Options {
        limits,
        ..Options::default()
    };
    run(&[("t", text)], data, &options).err().unwrap()
}

#[test]
fn a_template_that_includes_itself_is_stopped() {
    let direct = failure(r#"{{ include "t" . }}"#, &Value::Nil, Limits::default());
    assert_eq!(direct.kind(), ErrorKind::Limit);
    let called = failure(r#"{{ template "t" . }}"#, &Value::Nil, Limits::default());
    assert_eq!(called.reason(), "exceeded maximum template depth (2000)");
    assert!(called.help().unwrap().contains("calls itself"));
    let text = r#"{{ tpl "{{ include \"t\" . }}" . }}"#;
    let through_text = failure(text, &Value::Nil, Limits::default());
    assert_eq!(through_text.kind(), ErrorKind::Limit);
}

#[test]
fn loops_functions_and_output_are_bounded() {
    let limits = Limits {
        fuel: 1_000,
        depth: 10,
        output: 1_000,
    };
    for text in [
        "{{ range 9223372036854775807 }}{{ end }}",
        "{{ work 1001 }}",
        "{{ range 600 }}{{ print }}{{ end }}",
        r#"{{ range $i := 100 }}{{ $x := tpl (print "{{ 1 }}" $i) . }}{{ end }}"#,
    ] {
        let error = failure(text, &Value::Nil, limits);
        assert_eq!(error.kind(), ErrorKind::Limit, "{text}");
        assert!(error.text().contains("more than 1000 steps"), "{error}");
    }
    for text in [
        "{{ range 900 }}ab{{ end }}",
        r#"{{ $x := "x" }}{{ range 30 }}{{ $x = print $x $x }}{{ end }}"#,
        r#"{{ printf "%1001d" 1 }}"#,
        r#"{{ define "a" }}{{ range 60 }}0123456789{{ end }}{{ end }}{{ $x := include "a" . }}{{ include "a" . }}"#,
    ] {
        let error = failure(text, &Value::Nil, limits);
        assert_eq!(error.kind(), ErrorKind::Limit, "{text}: {error}");
    }
}

#[test]
fn a_map_that_holds_itself_is_an_error_where_it_is_printed() {
    let text = r#"{{ $x := set . "self" . }}{{ .self.self.self.a }}{{ . }}"#;
    let data = Value::map([("a", Value::Int(1))]);
    let error = failure(text, &data, Limits::default());
    assert_eq!(error.kind(), ErrorKind::Limit);
    data.as_map().unwrap().remove("self");
}

#[test]
fn values_nested_beyond_any_stack_are_freed() {
    let text = "{{ $x := list }}{{ range 300000 }}{{ $x = list $x }}{{ end }}done";
    assert_eq!(print(text, &Value::Nil), "done");
}

#[test]
fn texts_nested_beyond_any_stack_are_parsed_or_refused() {
    let deep = format!(
        "{}1{}",
        "{{ if 1 }}".repeat(9_000),
        "{{ end }}".repeat(9_000)
    );
    assert_eq!(print(&deep, &Value::Nil), "1");
    let parens = format!("{{{{ {}1{} }}}}", "(".repeat(9_000), ")".repeat(9_000));
    assert_eq!(print(&parens, &Value::Nil), "1");
    let mut set = set(&[]);
    let deeper = format!("{{{{ {}1{} }}}}", "(".repeat(10_001), ")".repeat(10_001));
    let error = set.parse("t", &deeper).unwrap_err();
    assert_eq!(
        error.to_string(),
        "template: t:1: max expression depth exceeded"
    );
    let fields = format!("{{{{ .a{} }}}}", ".b".repeat(70_000));
    assert_eq!(print(&fields, &Value::Nil), "<no value>");
}

#[test]
fn secrets_are_marked_in_the_output() {
    let data = Value::map([
        ("password", Value::Str(Str::secret("hunter2"))),
        ("user", Value::from("me")),
    ]);
    let options = Options {
        secrets: true,
        ..Options::default()
    };
    let templates = [
        ("auth", "{{ .user }}:{{ .password }}"),
        (
            "t",
            r#"{{ .password }} {{ include "auth" . }} {{ printf "<%5s|%q>" .user .password }} {{ upper .password }} {{ tpl "{{ .password }}" . }} {{ print .user .password }} {{ .user | upper }}"#,
        ),
    ];
    let output = run(&templates, &data, &options).unwrap();
    let marked: Vec<&str> = output
        .secrets
        .iter()
        .map(|range| &output.text[range.clone()])
        .collect();
    assert_eq!(
        output.text,
        r#"hunter2 me:hunter2 <   me|"hunter2"> HUNTER2 hunter2 mehunter2 ME"#
    );
    assert_eq!(
        marked,
        [
            "hunter2",
            "hunter2",
            "\"hunter2\"",
            "HUNTER2",
            "hunter2",
            "hunter2"
        ]
    );
}

#[test]
fn an_error_tells_every_place_on_the_way_to_it() {
    let templates = [
        (
            "helpers",
            "{{ define \"labels\" }}\n  tag: {{ .Values.image.tag }}{{ end }}",
        ),
        ("mid", "{{ template \"labels\" . }}"),
        ("t", "a: 1\nb: {{ include \"mid\" . }}\n"),
    ];
    let data = Value::map([("Values", Value::map([("image", Value::Nil)]))]);
    let error = run(&templates, &data, &Options::default()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "template: t:2:6: executing \"t\" at <include \"mid\" .>: error calling include: \
         template: helpers:2:17: executing \"labels\" at <.Values.image.tag>: \
         nil pointer evaluating interface {}.tag"
    );
    assert_eq!(error.reason(), "nil pointer evaluating interface {}.tag");
    assert_eq!(error.nil_path(), Some(".Values.image"));
    let frames: Vec<String> = error
        .frames()
        .iter()
        .map(|frame| {
            let place = &frame.place;
            let file = place.template.to_text();
            format!(
                "{file}:{}:{} {}",
                place.line, place.column, frame.expression
            )
        })
        .collect();
    assert_eq!(
        frames,
        [
            "helpers:2:18 .Values.image.tag",
            "mid:1:13 {{template \"labels\" .}}",
            "t:2:7 include \"mid\" .",
        ]
    );
}

#[test]
fn what_a_rendered_text_defines_is_forgotten_after() {
    let text = r#"{{ tpl "{{ define \"x\" }}inner{{ end }}{{ include \"x\" . }}" . }} {{ include "x" . }}"#;
    let output = run(
        &[("x", "outer"), ("t", text)],
        &Value::Nil,
        &Options::default(),
    );
    assert_eq!(output.unwrap().text, "inner outer");
    let missing = failure(r#"{{ include "nope" . }}"#, &Value::Nil, Limits::default());
    assert!(
        missing
            .text()
            .ends_with("error calling include: template: no template \"nope\" associated with template \"gotpl\""),
        "{missing}"
    );
}

#[test]
fn delimiters_may_be_others() {
    let mut set = Templates::new(Arc::new(Functions::new()));
    set.set_delims(Delims {
        left: "<<".to_owned(),
        right: ">>".to_owned(),
    });
    set.parse("t", "{{ <<- . >> }}").unwrap();
    let output = set.execute("t", &Value::Int(1), &Options::default());
    assert_eq!(output.unwrap().text, "{{1 }}");
}

/// A struct as Helm's `.Files`: a named map with a method.
struct Files;

impl Object for Files {
    fn type_name(&self) -> std::borrow::Cow<'static, str> {
        "engine.files".into()
    }

    fn underlying(&self) -> Option<Value> {
        Some(Value::map([("a.txt", Value::bytes("text"))]))
    }

    fn method(&self, name: &str) -> Option<Signature> {
        (name == "Get").then_some(Signature::of(&[Type::String]))
    }

    fn call(&self, _: &str, call: &mut Call<'_, '_>) -> Result<Value, Error> {
        if call.text(0) == "a.txt" {
            return Ok("text".into());
        }
        Err("no such file".into())
    }

    fn as_any(&self) -> &dyn std::any::Any {
        self
    }
}

#[test]
fn objects_have_fields_and_methods() {
    let data = Value::map([("Files", Value::object(Files)), ("name", "a.txt".into())]);
    let print = |text: &str| print(text, &data);
    assert_eq!(print(r#"{{ .Files.Get "a.txt" }}"#), "text");
    assert_eq!(print("{{ .name | .Files.Get }}"), "text");
    assert_eq!(
        print("{{ range $k, $v := .Files }}{{ $k }}{{ $v | print }}{{ end }}"),
        "a.txt[116 101 120 116]"
    );
    assert_eq!(
        print("{{ len .Files }}{{ printf \"%T\" .Files }}"),
        "1engine.files"
    );
    let fails = |text: &str| failure(text, &data, Limits::default()).reason().to_owned();
    assert_eq!(
        fails("{{ .Files.Get 1 }}"),
        "wrong type for value; expected string; got int"
    );
    assert_eq!(
        fails("{{ .Files.Get }}"),
        "wrong number of args for Get: want 1 got 0"
    );
    assert_eq!(fails(r#"{{ .Files.Get "b" }}"#), "no such file");
    assert_eq!(
        fails(r#"{{ .Files.Put "b" }}"#),
        "Put is not a method but has arguments"
    );
}

#[test]
fn templates_run_on_any_thread() {
    let set = set(&[("t", "{{ range $i := . }}{{ $i }}{{ end }}")]);
    let data = Value::list([Value::Int(1), Value::Int(2)]);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let output = set.execute("t", &data, &Options::default()).unwrap();
                assert_eq!(output.text, "12");
            });
        }
    });
}
