//! Go's date layouts: how `Mon Jan _2 15:04:05 MST 2006` is read as a pattern, and printing by it.

use super::moment::Moment;

/// The names of the days, Sunday first.
pub(super) const DAYS: [&str; 7] = [
    "Sunday",
    "Monday",
    "Tuesday",
    "Wednesday",
    "Thursday",
    "Friday",
    "Saturday",
];
/// The names of the months.
pub(super) const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

/// How a time zone's offset is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct OffsetForm {
    /// `Z` stands for UTC.
    pub z: bool,
    pub colon: bool,
    pub minutes: bool,
    pub seconds: bool,
}

/// One element of a layout.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Element {
    LongMonth,
    Month,
    NumMonth,
    ZeroMonth,
    LongWeekDay,
    WeekDay,
    Day,
    UnderDay,
    ZeroDay,
    UnderYearDay,
    ZeroYearDay,
    Hour,
    Hour12,
    ZeroHour12,
    Minute,
    ZeroMinute,
    Second,
    ZeroSecond,
    LongYear,
    Year,
    UpperPm,
    LowerPm,
    ZoneName,
    Offset(OffsetForm),
    /// `.000`: so many digits, always; the byte is the separator.
    Fraction(usize, u8),
    /// `.999`: at most so many digits, none when they are zero.
    FractionTrimmed(usize, u8),
}

/// An element and how the layout spells it.
pub(super) type Spelled<'l> = (Element, &'l [u8]);

/// Splits a layout at its first element: the literal text before it, the element with its length, and the rest.
pub(super) fn next(layout: &[u8]) -> (&[u8], Option<Spelled<'_>>, &[u8]) {
    for at in 0..layout.len() {
        let Some((before, here)) = layout.split_at_checked(at) else {
            break;
        };
        let Some((skip, element, length)) = element_at(here) else {
            continue;
        };
        let (literal, _) = layout.split_at_checked(at + skip).unwrap_or((before, here));
        let here = here.get(skip..).unwrap_or_default();
        let (text, rest) = here.split_at_checked(length).unwrap_or((here, &[]));
        return (literal, Some((element, text)), rest);
    }
    (layout, None, &[])
}

/// The element at the beginning of `text`: bytes to leave to the literal before it, the element, its length.
fn element_at(text: &[u8]) -> Option<(usize, Element, usize)> {
    use Element as E;
    let is = |prefix: &str| text.starts_with(prefix.as_bytes());
    let lower_after = |length: usize| text.get(length).is_some_and(u8::is_ascii_lowercase);
    let found = |element, length| Some((0, element, length));
    match text.first()? {
        b'J' if is("January") => found(E::LongMonth, 7),
        b'J' if is("Jan") && !lower_after(3) => found(E::Month, 3),
        b'M' if is("Monday") => found(E::LongWeekDay, 6),
        b'M' if is("Mon") && !lower_after(3) => found(E::WeekDay, 3),
        b'M' if is("MST") => found(E::ZoneName, 3),
        b'0' => match text.get(1)? {
            b'1' => found(E::ZeroMonth, 2),
            b'2' => found(E::ZeroDay, 2),
            b'3' => found(E::ZeroHour12, 2),
            b'4' => found(E::ZeroMinute, 2),
            b'5' => found(E::ZeroSecond, 2),
            b'6' => found(E::Year, 2),
            b'0' if is("002") => found(E::ZeroYearDay, 3),
            _ => None,
        },
        b'1' if is("15") => found(E::Hour, 2),
        b'1' => found(E::NumMonth, 1),
        b'2' if is("2006") => found(E::LongYear, 4),
        b'2' => found(E::Day, 1),
        // The underscore of `_2006` belongs to the text before it.
        b'_' if is("_2006") => Some((1, E::LongYear, 4)),
        b'_' if is("_2") => found(E::UnderDay, 2),
        b'_' if is("__2") => found(E::UnderYearDay, 3),
        b'3' => found(E::Hour12, 1),
        b'4' => found(E::Minute, 1),
        b'5' => found(E::Second, 1),
        b'P' if is("PM") => found(E::UpperPm, 2),
        b'p' if is("pm") => found(E::LowerPm, 2),
        b'-' | b'Z' => offset_at(text),
        separator @ (b'.' | b',') => {
            let digit = *text.get(1)?;
            let digits = text
                .iter()
                .skip(1)
                .take_while(|byte| **byte == digit)
                .count();
            if text.get(1 + digits).is_some_and(u8::is_ascii_digit) {
                return None;
            }
            match digit {
                b'0' => found(E::Fraction(digits, *separator), 1 + digits),
                b'9' => found(E::FractionTrimmed(digits, *separator), 1 + digits),
                _ => None,
            }
        }
        _ => None,
    }
}

fn offset_at(text: &[u8]) -> Option<(usize, Element, usize)> {
    let z = text.first() == Some(&b'Z');
    let rest = text.get(1..)?;
    // Longest forms first, as Go tries them.
    let forms = [
        ("070000", false, true, true),
        ("07:00:00", true, true, true),
        ("0700", false, true, false),
        ("07:00", true, true, false),
        ("07", false, false, false),
    ];
    forms
        .iter()
        .find(|(form, ..)| rest.starts_with(form.as_bytes()))
        .map(|&(form, colon, minutes, seconds)| {
            (
                0,
                Element::Offset(OffsetForm {
                    z,
                    colon,
                    minutes,
                    seconds,
                }),
                1 + form.len(),
            )
        })
}

/// Go's `Time.Format`.
pub(crate) fn format(moment: &Moment, layout: &[u8]) -> Vec<u8> {
    let parts = moment.parts();
    let mut out = Vec::with_capacity(layout.len() + 8);
    let mut layout = layout;
    loop {
        let (literal, element, rest) = next(layout);
        out.extend_from_slice(literal);
        let Some((element, _)) = element else {
            return out;
        };
        layout = rest;
        let hour12 = if parts.hour % 12 == 0 {
            12
        } else {
            parts.hour % 12
        };
        let day_name = DAYS.get(parts.weekday).copied().unwrap_or_default();
        let month_name = usize::try_from(parts.month - 1)
            .ok()
            .and_then(|at| MONTHS.get(at))
            .copied()
            .unwrap_or_default();
        let afternoon = parts.hour >= 12;
        match element {
            Element::Year => integer(&mut out, parts.year.abs() % 100, 2),
            Element::LongYear => integer(&mut out, parts.year, 4),
            Element::Month => out.extend(month_name.bytes().take(3)),
            Element::LongMonth => out.extend(month_name.bytes()),
            Element::NumMonth => integer(&mut out, parts.month, 0),
            Element::ZeroMonth => integer(&mut out, parts.month, 2),
            Element::WeekDay => out.extend(day_name.bytes().take(3)),
            Element::LongWeekDay => out.extend(day_name.bytes()),
            Element::Day => integer(&mut out, parts.day, 0),
            Element::UnderDay => out.extend(format!("{:2}", parts.day).bytes()),
            Element::ZeroDay => integer(&mut out, parts.day, 2),
            Element::UnderYearDay => out.extend(format!("{:3}", parts.year_day).bytes()),
            Element::ZeroYearDay => integer(&mut out, parts.year_day, 3),
            Element::Hour => integer(&mut out, parts.hour, 2),
            Element::Hour12 => integer(&mut out, hour12, 0),
            Element::ZeroHour12 => integer(&mut out, hour12, 2),
            Element::Minute => integer(&mut out, parts.minute, 0),
            Element::ZeroMinute => integer(&mut out, parts.minute, 2),
            Element::Second => integer(&mut out, parts.second, 0),
            Element::ZeroSecond => integer(&mut out, parts.second, 2),
            Element::UpperPm => out.extend(if afternoon { b"PM" } else { b"AM" }),
            Element::LowerPm => out.extend(if afternoon { b"pm" } else { b"am" }),
            Element::ZoneName if !parts.zone.is_empty() => out.extend(parts.zone.bytes()),
            Element::ZoneName => {
                offset(
                    &mut out,
                    parts.offset,
                    OffsetForm {
                        z: false,
                        colon: false,
                        minutes: true,
                        seconds: false,
                    },
                );
            }
            Element::Offset(form) => offset(&mut out, parts.offset, form),
            Element::Fraction(digits, separator) => {
                fraction(&mut out, moment.nanos, digits, separator, false);
            }
            Element::FractionTrimmed(digits, separator) => {
                fraction(&mut out, moment.nanos, digits, separator, true);
            }
        }
    }
}

/// A number with zeros in front up to a width, which does not count the sign.
fn integer(out: &mut Vec<u8>, number: i64, width: usize) {
    if number < 0 {
        out.push(b'-');
    }
    out.extend(format!("{:0width$}", number.unsigned_abs()).bytes());
}

fn offset(out: &mut Vec<u8>, seconds: i64, form: OffsetForm) {
    if form.z && seconds == 0 {
        out.push(b'Z');
        return;
    }
    let minutes = seconds / 60;
    out.push(if minutes < 0 { b'-' } else { b'+' });
    let size = seconds.abs();
    integer(out, minutes.abs() / 60, 2);
    let fields = [
        (form.minutes, minutes.abs() % 60),
        (form.seconds, size % 60),
    ];
    for (_, value) in fields.into_iter().filter(|(shown, _)| *shown) {
        if form.colon {
            out.push(b':');
        }
        integer(out, value, 2);
    }
}

fn fraction(out: &mut Vec<u8>, nanos: u32, digits: usize, separator: u8, trim: bool) {
    let all = format!("{nanos:09}");
    let mut shown = all.get(..digits.min(9)).unwrap_or(&all);
    if trim {
        shown = shown.trim_end_matches('0');
        if shown.is_empty() {
            return;
        }
    }
    out.push(separator);
    out.extend(shown.bytes());
}
