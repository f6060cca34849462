//! Ranges of versions, to choose a tag by.

use std::{fmt, str::FromStr};

use semver::{Comparator, Op, Version, VersionReq};

/// A range of semantic versions as people of this field write it: `1.x`, `~1.2`, `^2.0.0`,
/// `>=1.0.0 <2.0.0`, `1.2 - 1.4`, alternatives joined by `||`. A bare version means just that one
/// (`1.2` any patch of it), as in Helm and Flux. A pre-release is chosen only where the range names
/// one of the same version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VersionRange {
    text: String,
    alternatives: Vec<VersionReq>,
}

impl VersionRange {
    /// Whether `version` lies in the range.
    pub fn matches(&self, version: &Version) -> bool {
        self.alternatives
            .iter()
            .any(|alternative| alternative.matches(version))
    }

    /// The highest version in the range among `tags`, with the tag that names it. A `v` in front
    /// is allowed; tags that are no versions are passed over. Of two tags for one version the one
    /// that sorts last wins, so that the choice does not depend on the order of `tags`.
    pub fn highest<'a>(&self, tags: impl Iterator<Item = &'a str>) -> Option<(Version, &'a str)> {
        versions(tags)
            .filter(|(version, _)| self.matches(version))
            .max()
    }
}

/// The tags that are versions.
pub(super) fn versions<'a>(
    tags: impl Iterator<Item = &'a str>,
) -> impl Iterator<Item = (Version, &'a str)> {
    tags.filter_map(|tag| {
        let version = tag.strip_prefix('v').unwrap_or(tag);
        Some((Version::parse(version).ok()?, tag))
    })
}

impl FromStr for VersionRange {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let alternatives = text.split("||").map(parse_all).collect::<Result<_, _>>();
        let alternatives = alternatives
            .map_err(|error| format!("`{text}` is not a range of versions: {error}"))?;
        Ok(Self {
            text: text.trim().to_owned(),
            alternatives,
        })
    }
}

impl fmt::Display for VersionRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// Conditions that must all hold, joined by commas or blanks.
fn parse_all(text: &str) -> Result<VersionReq, String> {
    let mut comparators = Vec::new();
    for part in text.split(',') {
        if let Some((low, high)) = part.split_once(" - ") {
            comparators.push(parse_one(&format!(">={}", low.trim()))?);
            comparators.push(parse_one(&format!("<={}", high.trim()))?);
            continue;
        }
        let mut operator = String::new();
        for word in part.split_whitespace() {
            operator.push_str(word);
            // A blank may stand between an operator and its version.
            if word.ends_with(|c: char| "<>=~^".contains(c)) {
                continue;
            }
            comparators.push(parse_one(&operator)?);
            operator.clear();
        }
        if !operator.is_empty() {
            return Err(format!("`{operator}` lacks a version"));
        }
    }
    if comparators.is_empty() {
        return Err("a condition is empty".to_owned());
    }
    comparators.retain(Option::is_some);
    Ok(VersionReq {
        comparators: comparators.into_iter().flatten().collect(),
    })
}

/// One condition; none for `*`, which every version fulfils.
fn parse_one(text: &str) -> Result<Option<Comparator>, String> {
    let digits = text
        .find(|c: char| !"<>=~^!".contains(c))
        .unwrap_or(text.len());
    let (operator, version) = text.split_at(digits);
    let version = version.strip_prefix('v').unwrap_or(version);
    if matches!(version, "*" | "x" | "X") && matches!(operator, "" | "=" | "~" | "^" | ">=" | "<=")
    {
        return Ok(None);
    }
    let wild = version
        .split('.')
        .any(|part| matches!(part, "*" | "x" | "X"));
    let bare = if wild {
        let numbers: Vec<&str> = version
            .split('.')
            .take_while(|part| !matches!(*part, "*" | "x" | "X"))
            .collect();
        numbers.join(".")
    } else {
        version.to_owned()
    };
    let operator = if operator.is_empty() { "=" } else { operator };
    let comparator: Comparator = format!("{operator}{bare}")
        .parse()
        .map_err(|error| format!("`{text}`: {error}"))?;
    // `semver` reads `=1.2` as any patch of 1.2, which is what a bare `1.2` and `1.2.x` mean here.
    debug_assert!(operator != "=" || comparator.op == Op::Exact);
    Ok(Some(comparator))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_chooses_the_highest_version_in_it() {
        let tags = [
            "v1.0.0",
            "1.2.0",
            "v1.2.3",
            "v1.10.0",
            "v2.0.0-rc.1",
            "v2.0.0",
            "v2.1.0-beta",
            "latest",
            "v3",
            "release-9.9.9",
        ];
        for (range, expected) in [
            ("*", Some("v2.0.0")),
            ("1.x", Some("v1.10.0")),
            ("1", Some("v1.10.0")),
            ("1.2", Some("v1.2.3")),
            ("1.2.*", Some("v1.2.3")),
            ("1.2.0", Some("1.2.0")),
            ("=v1.2.3", Some("v1.2.3")),
            ("~1.2", Some("v1.2.3")),
            ("^1.2.0", Some("v1.10.0")),
            (">=1.0.0 <1.10.0", Some("v1.2.3")),
            (">= 1.0.0, < 1.10.0", Some("v1.2.3")),
            ("1.0 - 1.2", Some("v1.2.3")),
            ("<1.1.0 || 2.x", Some("v2.0.0")),
            (">=2.0.0-0 <2.0.0", Some("v2.0.0-rc.1")),
            (">=3.0.0", None),
        ] {
            let parsed: VersionRange = range.parse().unwrap();
            let chosen = parsed.highest(tags.into_iter()).map(|(_, tag)| tag);
            assert_eq!(chosen, expected, "{range}");
        }
    }

    #[test]
    fn what_is_no_range_is_refused() {
        for range in ["", "main", ">=", "1.2.3.4", "1 ||", ">=1.0.0 <"] {
            let error = range.parse::<VersionRange>().unwrap_err();
            assert!(
                error.starts_with(&format!("`{range}` is not a range of versions: ")),
                "{error}"
            );
        }
    }
}
