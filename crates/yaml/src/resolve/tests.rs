use super::*;

#[test]
fn the_two_schemas_differ_in_old_booleans_only() {
    for text in ["yes", "Yes", "on", "ON", "y", "Y"] {
        assert_eq!(resolve_plain(Schema::Kyaml, text), Resolved::Str(text));
        assert_eq!(resolve_plain(Schema::Sigs, text), Resolved::Bool(true));
        assert!(is_old_bool(text));
    }
    for text in ["no", "Off", "n", "N"] {
        assert_eq!(resolve_plain(Schema::Kyaml, text), Resolved::Str(text));
        assert_eq!(resolve_plain(Schema::Sigs, text), Resolved::Bool(false));
    }
    for text in ["true", "null", "yEs", "oN", "nope", "~x"] {
        assert!(!is_old_bool(text));
    }
}

#[test]
fn numbers_read_as_go_reads_them() {
    let cases: &[(&str, Resolved<'_>)] = &[
        ("0", Resolved::Int(0)),
        ("017", Resolved::Int(15)),
        ("08", Resolved::Float(8.0)),
        ("0o17", Resolved::Int(15)),
        ("0b101", Resolved::Int(5)),
        ("0b-1", Resolved::Int(-1)),
        ("-0x1F", Resolved::Int(-31)),
        ("1_000", Resolved::Int(1000)),
        ("+12", Resolved::Int(12)),
        ("9223372036854775807", Resolved::Int(i64::MAX)),
        ("-9223372036854775808", Resolved::Int(i64::MIN)),
        ("9223372036854775808", Resolved::Uint(1 << 63)),
        (
            "18446744073709551616",
            Resolved::Float(18_446_744_073_709_551_616.0),
        ),
        ("1e3", Resolved::Float(1000.0)),
        ("1.", Resolved::Float(1.0)),
        (".5", Resolved::Float(0.5)),
        (".1_5", Resolved::Float(0.15)),
        ("-.5", Resolved::Float(-0.5)),
        ("1e999", Resolved::Str("1e999")),
        ("1:30", Resolved::Str("1:30")),
        ("0x", Resolved::Str("0x")),
        ("-", Resolved::Str("-")),
        ("+", Resolved::Str("+")),
        (".", Resolved::Str(".")),
        ("._1", Resolved::Str("._1")),
        ("1.2.3", Resolved::Str("1.2.3")),
        ("0x1p-2", Resolved::Str("0x1p-2")),
        (".inf", Resolved::Float(f64::INFINITY)),
        ("-.INF", Resolved::Float(f64::NEG_INFINITY)),
        (".NaN", Resolved::Float(f64::NAN)),
        ("+.nan", Resolved::Str("+.nan")),
    ];
    for (text, want) in cases {
        assert_eq!(resolve_plain(Schema::Sigs, text), *want, "{text}");
        assert_eq!(resolve_plain(Schema::Kyaml, text), *want, "{text}");
    }
}

#[test]
fn timestamps_print_as_go_prints_them() {
    for (text, want) in [
        ("2001-01-01", Some("2001-01-01T00:00:00Z")),
        ("2001-1-1", Some("2001-01-01T00:00:00Z")),
        (
            "2001-12-14t21:59:43.10-05:00",
            Some("2001-12-14T21:59:43.1-05:00"),
        ),
        ("2001-12-14 21:59:43.10", Some("2001-12-14T21:59:43.1Z")),
        ("2001-12-14T21:59:43Z", Some("2001-12-14T21:59:43Z")),
        ("2001-02-29", None),
        ("2000-02-29", Some("2000-02-29T00:00:00Z")),
        ("2001-12-14 21:59:43.10 -5", None),
        ("2001-13-01", None),
        ("20010-1-1", None),
    ] {
        let printed = is_timestamp(text).then(|| rfc3339(text)).flatten();
        assert_eq!(printed.as_deref(), want, "{text}");
    }
}

#[test]
fn base_60_numbers_are_known() {
    for text in ["1:30", "190:20:30", "-1:59.5", "+1_0:00.", "0:0"] {
        assert!(is_base60(text), "{text}");
    }
    for text in ["1:60", "1:", ":30", "a:30", "1.5:30", "1:30:", "12"] {
        assert!(!is_base60(text), "{text}");
    }
}

#[test]
fn a_tag_that_does_not_fit_is_refused() {
    assert_eq!(resolve_tagged(Schema::Kyaml, "!!int", "x"), None);
    assert_eq!(
        resolve_tagged(Schema::Kyaml, "!!float", "1"),
        Some(Resolved::Float(1.0))
    );
    assert_eq!(
        resolve_tagged(Schema::Kyaml, "!!str", "1"),
        Some(Resolved::Str("1"))
    );
    assert_eq!(
        resolve_tagged(Schema::Sigs, "!!bool", "yes"),
        Some(Resolved::Bool(true))
    );
    assert_eq!(resolve_tagged(Schema::Kyaml, "!!bool", "yes"), None);
    assert_eq!(
        resolve_tagged(Schema::Kyaml, "!local", "1"),
        Some(Resolved::Str("1"))
    );
}
