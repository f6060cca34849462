//! A semantic version as `github.com/Masterminds/semver/v3` 3.5.0 reads, compares and prints it.

use std::{cmp::Ordering, fmt};

/// The longest version text that is read.
const MAX_VERSION_LEN: usize = 256;

const INVALID: &str = "invalid semantic version";

/// A version such as `v1.31.2-eks-abc`: loosely read (`1.2` is `1.2.0`), strictly compared.
#[derive(Debug, Clone)]
pub struct Version {
    /// The first number.
    pub major: u64,
    /// The second number.
    pub minor: u64,
    /// The third number.
    pub patch: u64,
    /// What follows `-`, or nothing.
    pub pre: String,
    /// What follows `+`, or nothing.
    pub metadata: String,
    /// The text that was read.
    pub original: String,
}

impl fmt::Display for Version {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}.{}.{}", self.major, self.minor, self.patch)?;
        if !self.pre.is_empty() {
            write!(out, "-{}", self.pre)?;
        }
        if !self.metadata.is_empty() {
            write!(out, "+{}", self.metadata)?;
        }
        Ok(())
    }
}

impl Version {
    /// Reads `text` as Go's `semver.NewVersion` does: a leading `v`, missing numbers and leading zeros are let through.
    pub fn parse(text: &str) -> Result<Self, String> {
        if text.len() > MAX_VERSION_LEN {
            return Err(format!(
                "version string is too long (max {MAX_VERSION_LEN} bytes)"
            ));
        }
        let rest = text.strip_prefix('v').unwrap_or(text);
        let (major, mut rest) = digits(rest).ok_or(INVALID)?;
        let mut more = [None; 2];
        for slot in &mut more {
            let Some((number, after)) = rest.strip_prefix('.').and_then(digits) else {
                break;
            };
            *slot = Some(number);
            rest = after;
        }
        let (pre, rest) = suffix(rest, '-').ok_or(INVALID)?;
        let (metadata, rest) = suffix(rest, '+').ok_or(INVALID)?;
        if !rest.is_empty() {
            return Err(INVALID.into());
        }
        let [minor, patch] = more;
        let version = Self {
            major: segment(major)?,
            minor: minor.map_or(Ok(0), segment)?,
            patch: patch.map_or(Ok(0), segment)?,
            pre: pre.into(),
            metadata: metadata.into(),
            original: text.into(),
        };
        if !pre.is_empty() {
            check_prerelease(pre)?;
        }
        Ok(version)
    }

    /// Go's `Compare`: by numbers, then a release after its prereleases. Metadata is not looked at.
    pub fn compare(&self, other: &Self) -> Ordering {
        let numbers = |v: &Self| (v.major, v.minor, v.patch);
        numbers(self).cmp(&numbers(other)).then_with(|| {
            match (self.pre.is_empty(), other.pre.is_empty()) {
                (true, true) => Ordering::Equal,
                (true, false) => Ordering::Greater,
                (false, true) => Ordering::Less,
                (false, false) => compare_prerelease(&self.pre, &other.pre),
            }
        })
    }

    /// The version after this one that differs in its third number; a prerelease steps to its release.
    pub fn next_patch(&self) -> Result<Self, String> {
        let patch = if self.pre.is_empty() {
            increment(self.patch, "patch")?
        } else {
            self.patch
        };
        Ok(self.next(self.major, self.minor, patch))
    }

    /// The next version with a new second number.
    pub fn next_minor(&self) -> Result<Self, String> {
        Ok(self.next(self.major, increment(self.minor, "minor")?, 0))
    }

    /// The next version with a new first number.
    pub fn next_major(&self) -> Result<Self, String> {
        Ok(self.next(increment(self.major, "major")?, 0, 0))
    }

    /// This version with another prerelease.
    pub fn with_prerelease(&self, pre: &str) -> Result<Self, String> {
        if !pre.is_empty() {
            check_prerelease(pre)?;
        }
        Ok(Self {
            pre: pre.into(),
            ..self.clone()
        }
        .renamed(&self.original))
    }

    /// This version with other metadata.
    pub fn with_metadata(&self, metadata: &str) -> Result<Self, String> {
        if !metadata.is_empty()
            && !metadata
                .split('.')
                .all(|part| !part.is_empty() && part.bytes().all(in_identifier))
        {
            return Err("invalid metadata string".into());
        }
        Ok(Self {
            metadata: metadata.into(),
            ..self.clone()
        }
        .renamed(&self.original))
    }

    fn next(&self, major: u64, minor: u64, patch: u64) -> Self {
        Self {
            major,
            minor,
            patch,
            pre: String::new(),
            metadata: String::new(),
            original: String::new(),
        }
        .renamed(&self.original)
    }

    /// The same version whose original text is its own, with the `v` that `before` had.
    fn renamed(mut self, before: &str) -> Self {
        let prefix = if before.starts_with('v') { "v" } else { "" };
        self.original = format!("{prefix}{self}");
        self
    }
}

fn increment(number: u64, name: &str) -> Result<u64, String> {
    number
        .checked_add(1)
        .ok_or_else(|| format!("{name} version increment would overflow uint64"))
}

/// The run of digits that `text` begins with, and the rest; nothing when it begins with no digit.
fn digits(text: &str) -> Option<(&str, &str)> {
    let end = text.bytes().take_while(u8::is_ascii_digit).count();
    if end == 0 {
        None
    } else {
        text.split_at_checked(end)
    }
}

fn segment(digits: &str) -> Result<u64, String> {
    digits.parse().map_err(|_| {
        format!("error parsing version segment: strconv.ParseUint: parsing \"{digits}\": value out of range")
    })
}

fn in_identifier(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'-'
}

/// Dotted identifiers after `mark`, and the rest; nothing when the mark has no identifier after it.
fn suffix(text: &str, mark: char) -> Option<(&str, &str)> {
    let Some(after) = text.strip_prefix(mark) else {
        return Some(("", text));
    };
    let mut end = 0;
    loop {
        let run = after
            .bytes()
            .skip(end)
            .take_while(|byte| in_identifier(*byte))
            .count();
        if run == 0 {
            return None;
        }
        end += run;
        if after.as_bytes().get(end) != Some(&b'.') {
            return after.split_at_checked(end);
        }
        end += 1;
    }
}

fn check_prerelease(pre: &str) -> Result<(), String> {
    for part in pre.split('.') {
        let numeric = part.bytes().all(|byte| byte.is_ascii_digit());
        if part.is_empty() || !part.bytes().all(in_identifier) {
            return Err("invalid prerelease string".into());
        }
        if numeric && part.len() > 1 && part.starts_with('0') {
            return Err("version segment starts with 0".into());
        }
    }
    Ok(())
}

/// Compares two prereleases part by part: numbers by value and before words, a missing part first.
pub(super) fn compare_prerelease(left: &str, right: &str) -> Ordering {
    let (mut left, mut right) = (left.split('.'), right.split('.'));
    loop {
        let order = match (left.next(), right.next()) {
            (None, None) => return Ordering::Equal,
            (a, b) => compare_part(a.unwrap_or_default(), b.unwrap_or_default()),
        };
        if order.is_ne() {
            return order;
        }
    }
}

fn compare_part(left: &str, right: &str) -> Ordering {
    if left == right {
        return Ordering::Equal;
    }
    if left.is_empty() || right.is_empty() {
        return left.len().cmp(&right.len());
    }
    match (go_uint(left), go_uint(right)) {
        (None, None) => left.cmp(right),
        (Some(_), None) => Ordering::Less,
        (None, Some(_)) => Ordering::Greater,
        // Two texts of one number (`1` and `01`) are not equal to Go: the left one is the lesser.
        (Some(a), Some(b)) => a.cmp(&b).then(Ordering::Less),
    }
}

/// `strconv.ParseUint(text, 10, 64)`: no sign, unlike `str::parse`.
fn go_uint(text: &str) -> Option<u64> {
    if text.bytes().all(|byte| byte.is_ascii_digit()) {
        text.parse().ok()
    } else {
        None
    }
}
