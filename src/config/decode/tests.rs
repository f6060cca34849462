use std::time::Duration;

use proptest::prelude::*;
use trueup_yaml::Source;

use super::*;

#[test]
fn a_duration_is_read_with_its_units() {
    for (text, millis) in [
        ("10m", 600_000),
        ("1m30s", 90_000),
        ("1h", 3_600_000),
        ("500ms", 500),
        ("0s", 0),
        ("1h2m3s4ms", 3_723_004),
    ] {
        assert_eq!(
            parse_duration(text),
            Ok(Duration::from_millis(millis)),
            "{text}"
        );
    }
    for (text, error) in [
        ("", "it is empty"),
        ("10", "`10` in `10` has no unit"),
        ("m10", "`m10` has no number before `m10`"),
        ("1.5h", "`.` is not a unit"),
        ("-1m", "`-1m` has no number before `-1m`"),
        ("1d", "`d` is not a unit"),
        (
            "1s1m",
            "the units of `1s1m` must go from large to small, each once",
        ),
        (
            "1m1m",
            "the units of `1m1m` must go from large to small, each once",
        ),
        (
            "99999999999999999999s",
            "`99999999999999999999s` is too long",
        ),
        ("9999999999999999999h", "`9999999999999999999h` is too long"),
    ] {
        assert_eq!(parse_duration(text), Err(error.to_owned()), "{text}");
    }
}

proptest! {
    #[test]
    fn a_duration_that_is_written_reads_as_itself(millis in 0..10_u64.pow(15)) {
        let duration = Duration::from_millis(millis);
        prop_assert_eq!(parse_duration(&format_duration(duration)), Ok(duration));
    }

    #[test]
    fn no_text_makes_the_reader_of_durations_panic(text in "\\PC*") {
        let _ = parse_duration(&text);
    }
}

#[test]
fn a_hidden_value_is_not_shown_and_places_stay_what_they_were() {
    let source = Source::new("x.yaml", "a: geheim-ä # x\nb: 1\n");
    let hidden = [Span { start: 3, end: 12 }];
    let shown = redacted(&source, &hidden);
    assert_eq!(shown.text(), "a: ********* # x\nb: 1\n");
    assert_eq!(shown.text().len(), source.text().len());
    let all = redacted(
        &source,
        &[Span {
            start: 3,
            end: u32::MAX,
        }],
    );
    assert_eq!(all.text(), "a: *************\n****\n");
}
