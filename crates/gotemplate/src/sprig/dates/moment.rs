//! A point in time with its zone: what Go's `time.Time` is, as far as templates see it.

use std::sync::Arc;

use jiff::{
    Timestamp,
    tz::{TimeZone, TimeZoneDatabase},
};

const SECONDS_PER_DAY: i64 = 86_400;

/// Where a moment's clock stands.
#[derive(Debug, Clone)]
pub enum Zone {
    /// UTC, which is also what `Local` means here: a rendering must not depend on the machine's zone.
    Utc,
    /// A zone of the IANA database.
    Named(TimeZone),
    /// An offset in seconds east of UTC, with the name that the parsed text gave it (may be empty).
    Fixed(Arc<str>, i32),
}

impl Zone {
    /// Go's `time.LoadLocation`; nothing when there is no such zone. Names are matched exactly, as files are.
    pub fn load(name: &str) -> Option<Self> {
        if matches!(name, "" | "UTC" | "Local") {
            return Some(Self::Utc);
        }
        let zone = TimeZoneDatabase::bundled().get(name).ok()?;
        if zone.iana_name() == Some(name) {
            Some(Self::Named(zone))
        } else {
            None
        }
    }

    /// The zone's abbreviation and its offset east of UTC in seconds at a moment given in Unix seconds.
    pub fn at(&self, seconds: i64) -> (String, i64) {
        match self {
            Self::Utc => ("UTC".into(), 0),
            Self::Fixed(name, offset) => (name.to_string(), i64::from(*offset)),
            Self::Named(zone) => {
                let bounded = seconds.clamp(Timestamp::MIN.as_second(), Timestamp::MAX.as_second());
                let stamp = Timestamp::from_second(bounded).unwrap_or_default();
                let info = zone.to_offset_info(stamp);
                (
                    info.abbreviation().to_owned(),
                    i64::from(info.offset().seconds()),
                )
            }
        }
    }
}

/// A point in time: seconds and nanoseconds since 1970, shown in a zone.
#[derive(Debug, Clone)]
pub struct Moment {
    /// Whole seconds since 1970-01-01T00:00:00Z.
    pub seconds: i64,
    /// Nanoseconds within the second.
    pub nanos: u32,
    /// The zone in which it is shown.
    pub zone: Zone,
}

/// A moment taken apart by the calendar and the clock of its zone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parts {
    /// The year, which may be negative.
    pub year: i64,
    /// 1 to 12.
    pub month: i64,
    /// 1 to 31.
    pub day: i64,
    /// 1 to 366.
    pub year_day: i64,
    /// 0 is Sunday.
    pub weekday: usize,
    /// 0 to 23.
    pub hour: i64,
    /// 0 to 59.
    pub minute: i64,
    /// 0 to 59.
    pub second: i64,
    /// The zone's abbreviation; may be empty.
    pub zone: String,
    /// Seconds east of UTC.
    pub offset: i64,
}

impl Moment {
    /// Go's zero time, which a failed `toDate` gives: the first second of year 1.
    pub fn zero() -> Self {
        Self {
            seconds: -62_135_596_800,
            nanos: 0,
            zone: Zone::Utc,
        }
    }

    /// So many seconds after 1970.
    pub fn from_unix(seconds: i64) -> Self {
        Self {
            seconds,
            nanos: 0,
            zone: Zone::Utc,
        }
    }

    /// Go's `time.Date` with the clock read in `zone`; months and days past their ends carry over.
    pub fn from_parts(
        date: (i64, i64, i64),
        clock: (i64, i64, i64),
        nanos: u32,
        zone: Zone,
    ) -> Self {
        let (year, month, day) = date;
        let year = year.saturating_add((month - 1).div_euclid(12));
        let month = (month - 1).rem_euclid(12) + 1;
        let days = days_before(year, month).saturating_add(day - 1);
        let (hour, minute, second) = clock;
        let local = days
            .saturating_mul(SECONDS_PER_DAY)
            .saturating_add(hour * 3600 + minute * 60 + second);
        // As Go does it: the offset at the clock's reading taken for UTC, unless that leads over a change.
        let first = zone.at(local).1;
        let second_guess = zone.at(local - first).1;
        let seconds = if first == second_guess {
            local - first
        } else {
            local - second_guess
        };
        Self {
            seconds,
            nanos,
            zone,
        }
    }

    /// The same moment in another zone.
    pub fn in_zone(&self, zone: Zone) -> Self {
        Self {
            zone,
            ..self.clone()
        }
    }

    /// This moment moved by so many nanoseconds.
    pub fn plus(&self, nanos: i64) -> Self {
        let total = i64::from(self.nanos) + nanos.rem_euclid(1_000_000_000);
        let seconds = self
            .seconds
            .wrapping_add(nanos.div_euclid(1_000_000_000))
            .wrapping_add(total / 1_000_000_000);
        let nanos = u32::try_from(total % 1_000_000_000).unwrap_or_default();
        Self {
            seconds,
            nanos,
            zone: self.zone.clone(),
        }
    }

    /// Go's `Sub`: the nanoseconds from `other` to this moment, at the bounds of an `int64` where there are more.
    pub fn since(&self, other: &Self) -> i64 {
        let seconds = i128::from(self.seconds) - i128::from(other.seconds);
        let nanos = seconds * 1_000_000_000 + i128::from(self.nanos) - i128::from(other.nanos);
        i64::try_from(nanos).unwrap_or(if nanos < 0 { i64::MIN } else { i64::MAX })
    }

    /// Whether the zone keeps daylight saving time then.
    pub fn is_dst(&self) -> bool {
        let Zone::Named(zone) = &self.zone else {
            return false;
        };
        Timestamp::from_second(self.seconds)
            .is_ok_and(|stamp| zone.to_offset_info(stamp).dst().is_dst())
    }

    /// Go's `AddDate`.
    pub fn add_date(&self, years: i64, months: i64, days: i64) -> Self {
        let parts = self.parts();
        let date = (
            parts.year.saturating_add(years),
            parts.month.saturating_add(months),
            parts.day.saturating_add(days),
        );
        Self::from_parts(
            date,
            (parts.hour, parts.minute, parts.second),
            self.nanos,
            self.zone.clone(),
        )
    }

    /// The calendar's and the clock's reading in the moment's zone.
    pub fn parts(&self) -> Parts {
        let (zone, offset) = self.zone.at(self.seconds);
        let local = self.seconds.saturating_add(offset);
        let (days, rest) = (
            local.div_euclid(SECONDS_PER_DAY),
            local.rem_euclid(SECONDS_PER_DAY),
        );
        let (year, month, day) = civil(days);
        Parts {
            year,
            month,
            day,
            year_day: days - days_before(year, 1) + 1,
            weekday: usize::try_from((days + 4).rem_euclid(7)).unwrap_or_default(),
            hour: rest / 3600,
            minute: rest / 60 % 60,
            second: rest % 60,
            zone,
            offset,
        }
    }
}

/// Whether the Gregorian calendar has a February 29 in that year.
pub(super) fn is_leap(year: i64) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

/// The number of days of a month.
pub(super) fn days_in(year: i64, month: i64) -> i64 {
    match month {
        2 => 28 + i64::from(is_leap(year)),
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days from 1970-01-01 to the first of a month (Gregorian, without end either way).
fn days_before(year: i64, month: i64) -> i64 {
    // Years begin in March, so that the leap day is the last one.
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let of_era = year.rem_euclid(400);
    let of_year = (153 * ((month + 9) % 12) + 2) / 5;
    era.saturating_mul(146_097)
        .saturating_add(of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468)
}

/// Year, month and day of a number of days since 1970-01-01.
fn civil(days: i64) -> (i64, i64, i64) {
    let days = days.saturating_add(719_468);
    let (era, of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * of_year + 2) / 153;
    let day = of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 {
        shifted + 3
    } else {
        shifted - 9
    };
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}
