//! Files as SOPS writes them, made here with a key that is known.

use std::fmt::Write as _;

use serde_json::{Value, json};
use sha2::{Digest, Sha256, Sha512};

use super::{Error, File, Form, cipher::Cipher};

const KEY: [u8; 32] = [7; 32];
const WHEN: &str = "2026-11-21T20:00:00Z";

/// A value of a file: its name on the top level, what is in it, and the word for its type; none where it is in clear.
type Entry<'a> = (&'a str, &'a str, Option<&'a str>);

/// The MAC over texts, sealed.
fn mac(texts: &[&str], only_encrypted: bool) -> String {
    let mut hash = Sha512::new();
    if only_encrypted {
        hash.update(Sha256::digest(b"sops"));
    }
    for text in texts {
        hash.update(text);
    }
    let mut digits = String::new();
    for byte in hash.finalize() {
        write!(digits, "{byte:02X}").unwrap();
    }
    Cipher::new(&KEY).unwrap().seal(&digits, "str", WHEN)
}

fn sealed(entries: &[Entry<'_>], rules: &str) -> String {
    let cipher = Cipher::new(&KEY).unwrap();
    let only = rules.contains("mac_only_encrypted");
    let mut text = String::new();
    let mut hashed = Vec::new();
    for (name, clear, kind) in entries {
        if let Some(kind) = kind {
            let value = cipher.seal(clear, kind, &format!("{name}:"));
            writeln!(text, "{name}: {value}").unwrap();
            hashed.push(*clear);
        } else {
            writeln!(text, "{name}: {clear}").unwrap();
            let hashes = !only && *clear != "null" && *clear != "\"\"";
            hashed.extend(hashes.then_some(*clear));
        }
    }
    writeln!(
        text,
        "sops:\n  age: [{{recipient: age1x, enc: sealed}}]\n  lastmodified: \"{WHEN}\"\n  mac: {}\n{rules}  version: 3.13.3",
        mac(&hashed, only)
    )
    .unwrap();
    text
}

fn open(text: &str, form: Form) -> Result<Vec<Value>, Error> {
    let file = File::parse(text, form)?;
    let mut all = Vec::new();
    for part in file.parts() {
        assert_eq!(part.sealed_keys().count(), 1);
        all.extend(part.open(&KEY)?);
    }
    Ok(all)
}

const ALL: [Entry<'_>; 9] = [
    ("text", "hello: world", Some("str")),
    ("number", "42", Some("int")),
    ("part", "1.5", Some("float")),
    ("flag", "True", Some("bool")),
    ("when", "2026-11-21T00:00:00Z", Some("time")),
    ("empty", "\"\"", None),
    ("nothing", "null", None),
    ("plain_unencrypted", "clear", None),
    ("count_unencrypted", "7", None),
];

#[test]
fn values_come_back_with_their_types_and_what_sops_wrote_beside_them_is_gone() {
    let opened = open(&sealed(&ALL, ""), Form::Yaml).unwrap();
    let expected = json!({
        "text": "hello: world", "number": 42, "part": 1.5, "flag": true, "when": "2026-11-21T00:00:00Z",
        "empty": "", "nothing": null, "plain_unencrypted": "clear", "count_unencrypted": 7,
    });
    assert_eq!(opened, [expected]);
}

/// Files of `functional-tests/res` of getsops/sops 3.13.3 (MPL-2.0), which SOPS itself wrote, and the keys of their
/// values: those lie there sealed to the `OpenPGP` key of its tests, and were left out here.
const GOLDEN: [(&str, &str, &str, &str); 4] = [
    (
        "format.enc.yaml",
        include_str!("golden/format.enc.yaml"),
        "af5e68dd342b72c6a0475f81a50da4fde898f4b7742c92cbcf1668211411f4e4",
        r#"{"foo": "bar"}"#,
    ),
    (
        "format.enc.json",
        include_str!("golden/format.enc.json"),
        "9f6aeda6383502c38f7dae6fbbb8cb6890582adb0335effa8952fe590d7a9596",
        r#"{"foo": "bar"}"#,
    ),
    (
        "format.enc.env",
        include_str!("golden/format.enc.env"),
        "322d9a97997823fb2bf42f55a6c26100cbaf0520cf88bb7ebee1cf47dd6d318d",
        r#"{"foo ": " bar"}"#,
    ),
    (
        "comments.enc.yaml",
        include_str!("golden/comments.enc.yaml"),
        "61bec946f5783fd4cea3d1b1ce407fce2b6e81fc301cc539c422015e27f6d1be",
        r#"{"lorem": "ipsum", "dolor": "sit"}"#,
    ),
];

#[test]
fn files_that_sops_itself_wrote_are_opened_and_their_macs_fit() {
    for (name, text, key, expected) in GOLDEN {
        let key: Vec<u8> = (0..32)
            .map(|at| u8::from_str_radix(&key[2 * at..2 * at + 2], 16).unwrap())
            .collect();
        let form = Form::of_name(name);
        assert!(File::is_sealed(text, form), "{name}");
        let file = File::parse(text, form).unwrap();
        let [part] = file.parts() else {
            unreachable!("{name} is one file");
        };
        let expected: Value = serde_json::from_str(expected).unwrap();
        assert_eq!(part.open(&key).unwrap(), [expected], "{name}");
        assert_eq!(part.sealed_keys().count(), 0, "{name}");
    }
}

#[test]
fn which_values_are_sealed_is_told_in_one_of_four_ways() {
    for rules in [
        "  unencrypted_suffix: _unencrypted\n",
        "  encrypted_suffix: _secret\n",
        "  encrypted_regex: ^(a_secret)$\n",
        "  unencrypted_regex: ^b_\n",
        "  encrypted_suffix: _secret\n  mac_only_encrypted: true\n",
    ] {
        let entries = [("a_secret", "x", Some("str")), ("b_unencrypted", "y", None)];
        let opened = open(&sealed(&entries, rules), Form::Yaml);
        let expected = json!({"a_secret": "x", "b_unencrypted": "y"});
        assert_eq!(opened.unwrap(), [expected], "{rules}");
    }
    for (rules, says) in [
        ("  encrypted_comment_regex: x\n", "by comments"),
        ("  shamir_threshold: 2\n", "in several groups"),
        (
            "  encrypted_regex: a\n  encrypted_suffix: b\n",
            "in two ways",
        ),
    ] {
        let error = open(&sealed(&ALL, rules), Form::Yaml).unwrap_err();
        assert!(error.to_string().contains(says), "{error}");
    }
}

#[test]
fn what_was_changed_without_sops_is_refused_and_nothing_of_it_is_said() {
    let good = sealed(&ALL, "");
    assert!(open(&good, Form::Yaml).is_ok());
    let mut lines: Vec<&str> = good.lines().collect();
    lines.swap(7, 8);
    let turned = lines.join("\n");
    let renamed = good.replacen("text: ENC", "texts: ENC", 1);
    let data = good.find("data:").unwrap() + 5;
    let flipped = {
        let other = if good.get(data..=data) == Some("A") {
            "B"
        } else {
            "A"
        };
        format!("{}{other}{}", &good[..data], &good[data + 1..])
    };
    let unsealed = good.replacen(good.lines().next().unwrap(), "text: by hand", 1);
    for (name, text, is_mac) in [
        (
            "another plain value",
            good.replace("count_unencrypted: 7", "count_unencrypted: 8"),
            true,
        ),
        ("another order", turned, true),
        (
            "a value more",
            good.replace("nothing: null", "nothing: null\nmore_unencrypted: 1"),
            true,
        ),
        ("another name", renamed, false),
        ("another byte", flipped, false),
        ("a value that is not sealed", unsealed, false),
        (
            "another time",
            good.replace(WHEN, "2026-11-21T20:00:01Z"),
            true,
        ),
    ] {
        let error = open(&text, Form::Yaml).expect_err(name);
        assert_eq!(error == Error::Mac, is_mac, "{name}: {error}");
        assert!(!error.to_string().contains("hello"), "{name}: {error}");
    }
    let without = good
        .lines()
        .filter(|line| !line.contains("mac: "))
        .collect::<Vec<_>>();
    let error = open(&without.join("\n"), Form::Yaml).unwrap_err();
    assert!(error.to_string().contains("no MAC"), "{error}");
    let error = open("a: 1\n", Form::Yaml).unwrap_err();
    assert!(error.to_string().contains("no file of SOPS"), "{error}");
}

#[test]
fn lists_do_not_bind_their_items_to_their_places_and_mappings_do() {
    let cipher = Cipher::new(&KEY).unwrap();
    let one = cipher.seal("one", "str", "a:b:");
    let two = cipher.seal("two", "str", "a:b:");
    let comment = cipher.seal(" a comment", "comment", "a:b:");
    let text = format!(
        "a:\n  b:\n    - {one}\n    - {comment}\n    - {two}\nsops:\n  age: [{{recipient: r, enc: e}}]\n  lastmodified: \"{WHEN}\"\n  mac: {}\n",
        mac(&["one", "two"], false)
    );
    assert_eq!(
        open(&text, Form::Yaml).unwrap(),
        [json!({"a": {"b": ["one", "two"]}})]
    );
}

#[test]
fn documents_of_one_file_have_one_mac_and_files_put_together_one_each() {
    let body = |name: &str, clear: &str, mac: &str| {
        let value = Cipher::new(&KEY)
            .unwrap()
            .seal(clear, "str", &format!("{name}:"));
        format!(
            "{name}: {value}\nsops:\n  age: [{{recipient: r, enc: e}}]\n  lastmodified: \"{WHEN}\"\n  mac: {mac}\n"
        )
    };
    let both = mac(&["x", "y"], false);
    let one_file = format!("{}---\n{}", body("a", "x", &both), body("b", "y", &both));
    let two_files = format!(
        "{}---\n{}",
        body("a", "x", &mac(&["x"], false)),
        body("b", "y", &mac(&["y"], false))
    );
    for (text, parts) in [(one_file, 1), (two_files, 2)] {
        assert_eq!(File::parse(&text, Form::Yaml).unwrap().parts().len(), parts);
        assert_eq!(
            open(&text, Form::Yaml).unwrap(),
            [json!({"a": "x"}), json!({"b": "y"})]
        );
    }
}

#[test]
fn lines_keep_what_sops_writes_beside_them_in_lines_of_its_own() {
    let cipher = Cipher::new(&KEY).unwrap();
    let text = format!(
        "# a comment\nUSER={}\nKEY={}\nHOST_unencrypted=h\nsops_age__list_0__map_enc=-----BEGIN\\nsealed\\n-----END\n\
         sops_age__list_0__map_recipient=age1x\nsops_lastmodified={WHEN}\nsops_mac={}\nsops_version=3.13.3\n\
         sops_unencrypted_suffix=_unencrypted\n",
        cipher.seal("ann", "str", "USER:"),
        cipher.seal("line\nline", "str", "KEY:"),
        mac(&["ann", "line\nline", "h"], false)
    );
    assert!(File::is_sealed(&text, Form::Dotenv));
    let file = File::parse(&text, Form::Dotenv).unwrap();
    let key: Vec<&str> = file.parts()[0].sealed_keys().collect();
    assert_eq!(key, ["-----BEGIN\nsealed\n-----END"]);
    assert_eq!(
        open(&text, Form::Dotenv).unwrap(),
        [json!({"USER": "ann", "KEY": "line\nline", "HOST_unencrypted": "h"})]
    );
}

#[test]
fn what_stands_in_clear_and_what_is_sealed_are_told_apart() {
    let text = sealed(
        &[("a", "b", Some("str"))],
        "  encrypted_regex: ^(token|all)$\n",
    )
    .replace("\na:", "\nall:");
    let file = File::parse(&text, Form::Yaml).unwrap();
    let document = json!({
        "token": "t", "mode": "open", "nothing": {"token": null}, "empty": {}, "all": {"x": 1, "y": []},
        "both": {"token": ["s"], "n": 3}, "list": [{"n": 1}, {"token": "u"}], "plain": [{"n": 1}],
    });
    let (clear, sealed) = file.parts()[0].split(document);
    assert_eq!(
        clear,
        json!({
            "mode": "open", "nothing": {"token": null}, "empty": {}, "all": {"y": []}, "both": {"n": 3},
            "plain": [{"n": 1}],
        })
    );
    assert_eq!(
        sealed,
        json!({
            "token": "t", "all": {"x": 1}, "both": {"token": ["s"]}, "list": [{"n": 1}, {"token": "u"}],
        })
    );
}
