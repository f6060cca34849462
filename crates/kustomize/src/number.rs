//! Numbers as Go prints them into YAML.

/// `strconv.FormatFloat(value, 'g', -1, 64)`: the shortest digits, with an exponent from 1e+06 on.
pub(crate) fn general(value: f64) -> String {
    if !value.is_finite() {
        let word = if value.is_nan() { ".nan" } else { ".inf" };
        return if value < 0.0 {
            format!("-{word}")
        } else {
            word.to_owned()
        };
    }
    let scientific = format!("{value:e}");
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if (-4..6).contains(&exponent) || value == 0.0 {
        return format!("{value}");
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{mantissa}e{sign}{:02}", exponent.unsigned_abs())
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_number_prints_as_go_prints_it() {
        for (value, text) in [
            (0.0, "0"),
            (8080.0, "8080"),
            (123_456.0, "123456"),
            (1_000_000.0, "1e+06"),
            (1_234_567.0, "1.234567e+06"),
            (0.5, "0.5"),
            (0.0001, "0.0001"),
            (0.00001, "1e-05"),
            (-2.5e30, "-2.5e+30"),
        ] {
            assert_eq!(super::general(value), text);
        }
    }
}
