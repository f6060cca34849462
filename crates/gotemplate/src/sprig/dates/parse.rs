//! Reading a text by one of Go's date layouts, with the errors of Go's `time.Parse`.

use super::{
    layout::{DAYS, Element, MONTHS, OffsetForm, next},
    moment::{Moment, Zone, days_in, is_leap},
};

/// Why an element does not fit the text.
enum Misfit {
    /// The text is not of the element's form.
    Bad,
    /// It is, but no such month, hour … exists.
    Range(&'static str),
}

/// What was read so far.
#[derive(Default)]
struct Fields {
    year: i64,
    month: Option<i64>,
    day: Option<i64>,
    year_day: Option<i64>,
    hour: i64,
    minute: i64,
    second: i64,
    nanos: u32,
    afternoon: Option<bool>,
    utc: bool,
    offset: Option<i32>,
    zone_name: Vec<u8>,
}

/// Go's `time.ParseInLocation` with the zone that the text does not name taken for UTC.
pub(crate) fn parse(layout: &[u8], text: &[u8]) -> Result<Moment, String> {
    let mut fields = Fields::default();
    let (mut pattern, mut value) = (layout, text);
    loop {
        let (literal, element, rest) = next(pattern);
        value = skip(value, literal).map_err(|at| cannot(layout, text, literal, at))?;
        let Some((element, spelled)) = element else {
            break;
        };
        pattern = rest;
        let hold = value;
        fields
            .read(element, rest, &mut value)
            .map_err(|misfit| match misfit {
                Misfit::Bad => cannot(layout, text, spelled, hold),
                Misfit::Range(what) => out_of_range(text, what),
            })?;
    }
    if !value.is_empty() {
        return Err(format!(
            "parsing time {}: extra text: {}",
            quote(text),
            quote(value)
        ));
    }
    fields.moment(text)
}

fn cannot(layout: &[u8], text: &[u8], element: &[u8], at: &[u8]) -> String {
    format!(
        "parsing time {} as {}: cannot parse {} as {}",
        quote(text),
        quote(layout),
        quote(at),
        quote(element)
    )
}

fn out_of_range(text: &[u8], what: &str) -> String {
    format!("parsing time {}: {what} out of range", quote(text))
}

/// Quotes as the `time` package does: everything but printable ASCII as bytes in hexadecimal.
pub(super) fn quote(text: &[u8]) -> String {
    let mut out = String::from('"');
    for byte in text {
        match byte {
            b'"' | b'\\' => {
                out.push('\\');
                out.push(char::from(*byte));
            }
            b' '..=0x7f => out.push(char::from(*byte)),
            _ => out.extend([
                "\\x".to_owned(),
                crate::sprig::encoding::hexadecimal(&[*byte]),
            ]),
        }
    }
    out.push('"');
    out
}

/// Passes the literal `prefix`, in which one blank stands for any number of them.
fn skip<'t>(mut value: &'t [u8], mut prefix: &[u8]) -> Result<&'t [u8], &'t [u8]> {
    fn past_blanks(text: &[u8]) -> &[u8] {
        let blanks = text.iter().take_while(|byte| **byte == b' ').count();
        text.get(blanks..).unwrap_or_default()
    }
    while let Some((expected, after)) = prefix.split_first() {
        match value.split_first() {
            Some((byte, _)) if *expected == b' ' && *byte != b' ' => return Err(value),
            _ if *expected == b' ' => {
                prefix = past_blanks(prefix);
                value = past_blanks(value);
            }
            Some((byte, rest)) if byte == expected => {
                prefix = after;
                value = rest;
            }
            _ => return Err(value),
        }
    }
    Ok(value)
}

fn digit(text: &[u8], at: usize) -> Option<i64> {
    text.get(at)
        .filter(|byte| byte.is_ascii_digit())
        .map(|byte| i64::from(byte - b'0'))
}

/// Takes `count` bytes off the front.
fn take<'t>(value: &mut &'t [u8], count: usize) -> Result<&'t [u8], Misfit> {
    let (front, rest) = value.split_at_checked(count).ok_or(Misfit::Bad)?;
    *value = rest;
    Ok(front)
}

/// One or two digits; exactly two when `fixed`.
fn number(value: &mut &[u8], fixed: bool) -> Result<i64, Misfit> {
    let first = digit(value, 0).ok_or(Misfit::Bad)?;
    match digit(value, 1) {
        Some(second) => {
            take(value, 2)?;
            Ok(first * 10 + second)
        }
        None if fixed => Err(Misfit::Bad),
        None => {
            take(value, 1)?;
            Ok(first)
        }
    }
}

fn within(
    number: i64,
    range: std::ops::RangeInclusive<i64>,
    what: &'static str,
) -> Result<i64, Misfit> {
    if range.contains(&number) {
        Ok(number)
    } else {
        Err(Misfit::Range(what))
    }
}

/// The name of `names`, cut to `length`, that the text begins with in whatever case.
fn name(value: &mut &[u8], names: &[&str], length: usize) -> Result<i64, Misfit> {
    for (at, name) in (0..).zip(names) {
        let name = name.as_bytes().get(..length).unwrap_or(name.as_bytes());
        if value
            .get(..name.len())
            .is_some_and(|front| front.eq_ignore_ascii_case(name))
        {
            take(value, name.len())?;
            return Ok(at);
        }
    }
    Err(Misfit::Bad)
}

/// `atoi` of Go's `time` package on a text of fixed width: a sign is let through.
fn signed(text: &[u8]) -> Result<i64, Misfit> {
    let (negative, digits) = match text.split_first() {
        Some((b'-', rest)) => (true, rest),
        Some((b'+', rest)) => (false, rest),
        _ => (false, text),
    };
    let mut sum = 0_i64;
    for at in 0..digits.len() {
        sum = sum
            .saturating_mul(10)
            .saturating_add(digit(digits, at).ok_or(Misfit::Bad)?);
    }
    Ok(if negative { -sum } else { sum })
}

/// A separator and digits, `width` bytes together, as nanoseconds; digits past the ninth are dropped.
fn nanoseconds(text: &[u8]) -> Result<u32, Misfit> {
    let text = text.get(..10).unwrap_or(text);
    let (separator, digits) = text.split_first().ok_or(Misfit::Bad)?;
    if !matches!(separator, b'.' | b',') {
        return Err(Misfit::Bad);
    }
    let count = u32::try_from(digits.len()).map_err(|_| Misfit::Bad)?;
    let number = signed(digits)?;
    let number = u32::try_from(number).map_err(|_| Misfit::Range("fractional second"))?;
    Ok(number * 10_u32.pow(9_u32.saturating_sub(count)))
}

impl Fields {
    fn read(&mut self, element: Element, rest: &[u8], value: &mut &[u8]) -> Result<(), Misfit> {
        match element {
            Element::Year => {
                let year = signed(take(value, 2)?)?;
                self.year = if year >= 69 { year + 1900 } else { year + 2000 };
            }
            Element::LongYear => {
                digit(value, 0).ok_or(Misfit::Bad)?;
                self.year = signed(take(value, 4)?)?;
            }
            Element::Month => self.month = Some(name(value, &MONTHS, 3)? + 1),
            Element::LongMonth => self.month = Some(name(value, &MONTHS, usize::MAX)? + 1),
            Element::NumMonth | Element::ZeroMonth => {
                let month = number(value, element == Element::ZeroMonth)?;
                self.month = Some(within(month, 1..=12, "month")?);
            }
            Element::WeekDay => drop(name(value, &DAYS, 3)?),
            Element::LongWeekDay => drop(name(value, &DAYS, usize::MAX)?),
            Element::Day | Element::UnderDay | Element::ZeroDay => {
                if element == Element::UnderDay {
                    *value = value.strip_prefix(b" ").unwrap_or(value);
                }
                self.day = Some(number(value, element == Element::ZeroDay)?);
            }
            Element::UnderYearDay | Element::ZeroYearDay => {
                self.read_year_day(element == Element::ZeroYearDay, value)?;
            }
            Element::UpperPm | Element::LowerPm => {
                self.read_half(element == Element::UpperPm, value)?;
            }
            Element::ZoneName => self.read_zone_name(value)?,
            Element::Offset(form) => self.read_offset(form, value)?,
            Element::Fraction(digits, _) => self.nanos = nanoseconds(take(value, digits + 1)?)?,
            Element::FractionTrimmed(..) => self.read_fraction(value)?,
            _ => self.read_clock(element, rest, value)?,
        }
        Ok(())
    }

    fn read_clock(
        &mut self,
        element: Element,
        rest: &[u8],
        value: &mut &[u8],
    ) -> Result<(), Misfit> {
        match element {
            Element::Hour => self.hour = within(number(value, false)?, 0..=23, "hour")?,
            Element::Hour12 => self.hour = within(number(value, false)?, 0..=12, "hour")?,
            Element::ZeroHour12 => self.hour = within(number(value, true)?, 0..=12, "hour")?,
            Element::Minute => self.minute = within(number(value, false)?, 0..=59, "minute")?,
            Element::ZeroMinute => self.minute = within(number(value, true)?, 0..=59, "minute")?,
            _ => {
                self.second = within(
                    number(value, element == Element::ZeroSecond)?,
                    0..=59,
                    "second",
                )?;
                // Fractions may follow seconds even where the layout has none.
                let (_, after, _) = next(rest);
                let named = matches!(
                    after,
                    Some((Element::Fraction(..) | Element::FractionTrimmed(..), _))
                );
                if !named {
                    self.read_fraction(value)?;
                }
            }
        }
        Ok(())
    }

    /// A fraction of a second, if the text has one here.
    fn read_fraction(&mut self, value: &mut &[u8]) -> Result<(), Misfit> {
        if matches!(value.first(), Some(b'.' | b',')) && digit(value, 1).is_some() {
            let digits = value
                .iter()
                .skip(1)
                .take_while(|byte| byte.is_ascii_digit())
                .count();
            self.nanos = nanoseconds(take(value, 1 + digits)?)?;
        }
        Ok(())
    }

    fn read_year_day(&mut self, fixed: bool, value: &mut &[u8]) -> Result<(), Misfit> {
        for _ in 0..if fixed { 0 } else { 2 } {
            *value = value.strip_prefix(b" ").unwrap_or(value);
        }
        let digits = value
            .iter()
            .take(3)
            .take_while(|byte| byte.is_ascii_digit())
            .count();
        if digits == 0 || fixed && digits != 3 {
            return Err(Misfit::Bad);
        }
        self.year_day = Some(signed(take(value, digits)?)?);
        Ok(())
    }

    fn read_half(&mut self, upper: bool, value: &mut &[u8]) -> Result<(), Misfit> {
        self.afternoon = match (take(value, 2)?, upper) {
            (b"PM", true) | (b"pm", false) => Some(true),
            (b"AM", true) | (b"am", false) => Some(false),
            _ => return Err(Misfit::Bad),
        };
        Ok(())
    }

    fn read_offset(&mut self, form: OffsetForm, value: &mut &[u8]) -> Result<(), Misfit> {
        if form.z && value.first() == Some(&b'Z') {
            take(value, 1)?;
            self.utc = true;
            return Ok(());
        }
        let fields = 1 + usize::from(form.minutes) + usize::from(form.seconds);
        let text = take(
            value,
            1 + 2 * fields + if form.colon { fields - 1 } else { 0 },
        )?;
        let (sign, digits) = text.split_first().ok_or(Misfit::Bad)?;
        let mut numbers = [0; 3];
        let mut fits = true;
        for (slot, group) in numbers
            .iter_mut()
            .zip(digits.chunks(if form.colon { 3 } else { 2 }))
        {
            let mut field = group;
            if group.get(2).is_some_and(|byte| *byte != b':') {
                return Err(Misfit::Bad);
            }
            match number(&mut field, true) {
                Ok(number) if fits => *slot = number,
                _ => fits = false,
            }
        }
        // As in Go an hour out of range is told even where what follows it is no number.
        let [hours, minutes, seconds] = numbers;
        within(seconds, 0..=60, "time zone offset second")?;
        within(minutes, 0..=60, "time zone offset minute")?;
        within(hours, 0..=24, "time zone offset hour")?;
        if !fits {
            return Err(Misfit::Bad);
        }
        let total =
            i32::try_from((hours * 60 + minutes) * 60 + seconds).map_err(|_| Misfit::Bad)?;
        self.offset = Some(match sign {
            b'+' => total,
            b'-' => -total,
            _ => return Err(Misfit::Bad),
        });
        Ok(())
    }

    fn read_zone_name(&mut self, value: &mut &[u8]) -> Result<(), Misfit> {
        if value.starts_with(b"UTC") {
            take(value, 3)?;
            self.utc = true;
            return Ok(());
        }
        let length = zone_name_length(value).ok_or(Misfit::Bad)?;
        self.zone_name = take(value, length)?.to_vec();
        Ok(())
    }

    fn moment(mut self, text: &[u8]) -> Result<Moment, String> {
        match self.afternoon {
            Some(true) if self.hour < 12 => self.hour += 12,
            Some(false) if self.hour == 12 => self.hour = 0,
            _ => {}
        }
        let (month, day) = self.date(text)?;
        let at = |zone| {
            Moment::from_parts(
                (self.year, month, day),
                (self.hour, self.minute, self.second),
                self.nanos,
                zone,
            )
        };
        if self.utc {
            return Ok(at(Zone::Utc));
        }
        let name = String::from_utf8_lossy(&self.zone_name);
        if let Some(offset) = self.offset {
            // The local zone is UTC, so an offset of nothing is local time.
            if offset == 0 && self.zone_name.is_empty() {
                return Ok(at(Zone::Utc));
            }
            return Ok(at(Zone::Fixed(name.into(), offset)));
        }
        if self.zone_name.is_empty() {
            return Ok(at(Zone::Utc));
        }
        // An unknown abbreviation counts as UTC that bears its name, but `GMT+3` says its offset.
        let hours = name
            .strip_prefix("GMT")
            .and_then(|hours| hours.parse::<i32>().ok())
            .unwrap_or(0);
        let mut moment = at(Zone::Utc);
        moment.zone = Zone::Fixed(name.into(), hours * 3600);
        Ok(moment)
    }

    fn date(&self, text: &[u8]) -> Result<(i64, i64), String> {
        let Some(mut left) = self.year_day else {
            let (month, day) = (self.month.unwrap_or(1), self.day.unwrap_or(1));
            if day < 1 || day > days_in(self.year, month) {
                return Err(out_of_range(text, "day"));
            }
            return Ok((month, day));
        };
        if left < 1 || left > 365 + i64::from(is_leap(self.year)) {
            return Err(out_of_range(text, "day-of-year"));
        }
        let mut month = 1;
        while left > days_in(self.year, month) {
            left -= days_in(self.year, month);
            month += 1;
        }
        let mismatch = |part| {
            format!(
                "parsing time {}: day-of-year does not match {part}",
                quote(text)
            )
        };
        if self.month.is_some_and(|named| named != month) {
            return Err(mismatch("month"));
        }
        if self.day.is_some_and(|named| named != left) {
            return Err(mismatch("day"));
        }
        Ok((month, left))
    }
}

/// The length of the zone's abbreviation at the beginning of `text`.
fn zone_name_length(text: &[u8]) -> Option<usize> {
    if text.len() < 3 {
        return None;
    }
    if text.starts_with(b"ChST") || text.starts_with(b"MeST") {
        return Some(4);
    }
    if let Some(rest) = text.strip_prefix(b"GMT") {
        return Some(3 + signed_hours_length(rest));
    }
    if matches!(text.first(), Some(b'+' | b'-')) {
        return Some(signed_hours_length(text)).filter(|length| *length > 0);
    }
    let upper = text
        .iter()
        .take(6)
        .take_while(|byte| byte.is_ascii_uppercase())
        .count();
    match upper {
        3 => Some(3),
        4 if text.get(3) == Some(&b'T') || text.starts_with(b"WITA") => Some(4),
        5 if text.get(4) == Some(&b'T') => Some(5),
        _ => None,
    }
}

/// The length of `+03` and the like, nothing where there is none or past 23 hours.
fn signed_hours_length(text: &[u8]) -> usize {
    let Some((b'+' | b'-', digits)) = text.split_first() else {
        return 0;
    };
    let count = digits
        .iter()
        .take_while(|byte| byte.is_ascii_digit())
        .count();
    let hours = digits.iter().take(count).fold(0_u64, |sum, byte| {
        sum.saturating_mul(10)
            .saturating_add(u64::from(byte - b'0'))
    });
    if count == 0 || hours > 23 {
        0
    } else {
        1 + count
    }
}
