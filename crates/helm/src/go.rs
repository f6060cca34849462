//! How Go prints what appears in Helm's messages.

/// `%q` of a text.
pub(crate) fn quote(text: &str) -> String {
    trueup_yaml::go::quote(text)
}

/// `strconv.FormatFloat(value, 'g', -1, bits)` for 32 bits (`narrow`) or 64: the shortest text, with an
/// exponent below -4 and from 6 on.
pub(crate) fn format_g(value: f64, narrow: bool) -> String {
    if value.is_nan() {
        return "NaN".to_owned();
    }
    if value.is_infinite() {
        return if value > 0.0 { "+Inf" } else { "-Inf" }.to_owned();
    }
    #[expect(clippy::cast_possible_truncation, reason = "that is what is asked for")]
    let (shortest, plain) = if narrow {
        (format!("{:e}", value as f32), (value as f32).to_string())
    } else {
        (format!("{value:e}"), value.to_string())
    };
    let (mantissa, exponent) = shortest.split_once('e').unwrap_or((&shortest, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if (-4..6).contains(&exponent) {
        return plain;
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{mantissa}e{sign}{:02}", exponent.abs())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn floats_print_as_strconv_prints_them() {
        for (value, narrow, expected) in [
            (1.1, true, "1.1"),
            (1.10, false, "1.1"),
            (100_000.0, false, "100000"),
            (1_000_000.0, false, "1e+06"),
            (1_234_567.5, false, "1.2345675e+06"),
            (0.0001, false, "0.0001"),
            (0.00001, false, "1e-05"),
            (0.0, false, "0"),
        ] {
            assert_eq!(format_g(value, narrow), expected);
        }
    }
}
