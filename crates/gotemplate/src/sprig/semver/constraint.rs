//! Constraints on versions (`>=1.2 <2 || ~3.1`) as `github.com/Masterminds/semver/v3` 3.5.0 reads and checks them.

use std::{cmp::Ordering, sync::LazyLock};

use regex::{Captures, Regex};

use super::plain;
use super::version::{Version, compare_prerelease};

const MAX_CONSTRAINT_LEN: usize = 512;
const MAX_GROUPS: usize = 32;

/// A version in a constraint, whose numbers may be wildcards; the bar in the classes is Masterminds' own.
const VERSION: &str = concat!(
    r"v?([0-9|xX*]+)(\.[0-9|xX*]+)?(\.[0-9|xX*]+)?",
    r"(-([0-9A-Za-z\-]+(?:\.[0-9A-Za-z\-]+)*))?",
    r"(\+([0-9A-Za-z\-]+(?:\.[0-9A-Za-z\-]+)*))?"
);
/// The operators, in the order in which the original tries them.
const OPERATORS: &str = r"=||!=|>|<|>=|=>|<=|=<|~|~>|\^";
/// Go's `\s`.
const SPACE: &str = r"[\t\n\f\r ]";

/// Compiles one of the patterns below, which are constants and known to be valid.
#[expect(
    clippy::expect_used,
    reason = "the patterns are constants, and each is used by a test"
)]
fn pattern(text: &str) -> Regex {
    let text = text
        .replace("OPS", OPERATORS)
        .replace("VER", VERSION)
        .replace("WS", SPACE);
    Regex::new(&text).expect("a valid pattern")
}

static ONE: LazyLock<Regex> = LazyLock::new(|| pattern("^WS*(OPS)WS*(VER)WS*$"));
static FIND: LazyLock<Regex> = LazyLock::new(|| pattern("(?:OPS)WS*(?:VER)"));
static RANGE: LazyLock<Regex> = LazyLock::new(|| pattern("WS*(?<from>VER)WS+-WS+(?<to>VER)WS*"));
static VALID: LazyLock<Regex> = LazyLock::new(|| {
    pattern(r"^(?:WS*(?:OPS)WS*(?:VER)WS*)(?:(?:WS+|,WS*)(?:OPS)WS*(?:VER)WS*)*$")
});

/// Alternatives (`||`) of constraints that must all hold.
#[derive(Debug)]
pub struct Constraints {
    groups: Vec<Group>,
}

#[derive(Debug)]
struct Group {
    constraints: Vec<Constraint>,
    /// Prereleases are looked at only where the group names one.
    names_prerelease: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Operator {
    TildeOrEqual,
    NotEqual,
    Greater,
    Less,
    GreaterOrEqual,
    LessOrEqual,
    Tilde,
    Caret,
}

#[derive(Debug)]
pub(super) struct Constraint {
    operator: Operator,
    version: Version,
    /// Some number was missing or a wildcard; `minor_dirty` and `patch_dirty` say from where on.
    dirty: bool,
    minor_dirty: bool,
    patch_dirty: bool,
}

impl Constraints {
    /// Reads a constraint, with Go's error text.
    pub fn parse(text: &str) -> Result<Self, String> {
        if text.len() > MAX_CONSTRAINT_LEN {
            return Err(format!(
                "constraint string is too long (max {MAX_CONSTRAINT_LEN} bytes)"
            ));
        }
        let text = rewrite_ranges(text);
        let alternatives: Vec<&str> = text.split("||").collect();
        if alternatives.len() > MAX_GROUPS {
            return Err(format!("too many constraint groups (max {MAX_GROUPS})"));
        }
        let groups = alternatives
            .into_iter()
            .map(Group::parse)
            .collect::<Result<_, _>>()?;
        Ok(Self { groups })
    }

    /// Whether `version` satisfies one of the alternatives.
    pub fn check(&self, version: &Version) -> bool {
        self.groups.iter().any(|group| {
            group
                .constraints
                .iter()
                .all(|one| (version.pre.is_empty() || group.names_prerelease) && one.holds(version))
        })
    }
}

impl Group {
    fn parse(text: &str) -> Result<Self, String> {
        match plain::read(text) {
            Some(constraints) => Ok(Self::of(constraints)),
            None => Self::match_patterns(text),
        }
    }

    fn match_patterns(text: &str) -> Result<Self, String> {
        if !VALID.is_match(text) {
            return Err(format!(
                "improper constraint: {}",
                crate::sprig::bind::quote(text.as_bytes())
            ));
        }
        let constraints = FIND
            .find_iter(text)
            .map(|found| Constraint::parse(found.as_str()))
            .collect::<Result<Vec<_>, _>>()?;
        Ok(Self::of(constraints))
    }

    fn of(constraints: Vec<Constraint>) -> Self {
        Self {
            names_prerelease: constraints.iter().any(|one| !one.version.pre.is_empty()),
            constraints,
        }
    }
}

impl Constraint {
    fn parse(text: &str) -> Result<Self, String> {
        let found = ONE.captures(text).ok_or_else(|| {
            format!(
                "improper constraint: {}",
                crate::sprig::bind::quote(text.as_bytes())
            )
        })?;
        let part = |index: usize| found.get(index).map_or("", |part| part.as_str());
        let numbers = [part(3), part(4), part(5)];
        Self::of(part(1), part(2), numbers, part(6))
    }

    /// Of an operator and a version with its parts: the numbers with their points, the prerelease with its dash.
    pub(super) fn of(
        operator_text: &str,
        whole: &str,
        [major, minor, patch]: [&str; 3],
        pre: &str,
    ) -> Result<Self, String> {
        let wild = |number: &str| matches!(number.trim_start_matches('.'), "" | "x" | "X" | "*");
        let (mut minor_dirty, mut patch_dirty) = (false, false);
        let mut dirty = true;
        let version = if wild(major) {
            format!("0.0.0{pre}")
        } else if wild(minor) {
            minor_dirty = true;
            format!("{major}.0.0{pre}")
        } else if wild(patch) {
            patch_dirty = true;
            format!("{major}{minor}.0{pre}")
        } else {
            dirty = false;
            whole.to_owned()
        };
        let version = Version::parse(&version).map_err(|_| "constraint parser error")?;
        Ok(Self {
            operator: operator(operator_text),
            version,
            dirty,
            minor_dirty,
            patch_dirty,
        })
    }

    fn holds(&self, version: &Version) -> bool {
        let order = version.compare(&self.version);
        match self.operator {
            Operator::TildeOrEqual if self.dirty => self.tilde(version),
            Operator::TildeOrEqual => order.is_eq(),
            Operator::NotEqual => self.differs(version),
            Operator::Greater => self.greater(version, order),
            Operator::Less => order.is_lt(),
            Operator::GreaterOrEqual => order.is_ge(),
            Operator::LessOrEqual => self.less_or_equal(version, order),
            Operator::Tilde => self.tilde(version),
            Operator::Caret => self.caret(version),
        }
    }

    fn differs(&self, version: &Version) -> bool {
        let own = &self.version;
        if self.dirty {
            if own.major != version.major {
                return true;
            }
            if self.minor_dirty {
                return false;
            }
            if own.minor != version.minor {
                return true;
            }
            if self.patch_dirty {
                return (!version.pre.is_empty() || !own.pre.is_empty())
                    && compare_prerelease(&version.pre, &own.pre).is_ne();
            }
            if own.patch != version.patch {
                return true;
            }
        }
        version.compare(own).is_ne()
    }

    fn greater(&self, version: &Version, order: Ordering) -> bool {
        if !self.dirty {
            return order.is_gt();
        }
        match version.major.cmp(&self.version.major) {
            Ordering::Greater => true,
            Ordering::Less => false,
            Ordering::Equal if self.minor_dirty => false,
            Ordering::Equal if self.patch_dirty => version.minor > self.version.minor,
            Ordering::Equal => order.is_gt(),
        }
    }

    fn less_or_equal(&self, version: &Version, order: Ordering) -> bool {
        if !self.dirty {
            return order.is_le();
        }
        match version.major.cmp(&self.version.major) {
            Ordering::Greater => false,
            Ordering::Less => true,
            Ordering::Equal => self.minor_dirty || version.minor <= self.version.minor,
        }
    }

    fn tilde(&self, version: &Version) -> bool {
        let own = &self.version;
        if version.compare(own).is_lt() {
            return false;
        }
        // `~0.0.0` is one case where Masterminds lets every version through.
        if (own.major, own.minor, own.patch) == (0, 0, 0) && !self.minor_dirty && !self.patch_dirty
        {
            return true;
        }
        version.major == own.major && (version.minor == own.minor || self.minor_dirty)
    }

    fn caret(&self, version: &Version) -> bool {
        let own = &self.version;
        if version.compare(own).is_lt() || version.major != own.major {
            return false;
        }
        if own.major > 0 || self.minor_dirty {
            return true;
        }
        if own.minor > 0 || self.patch_dirty {
            return version.minor == own.minor;
        }
        version.minor == 0 && own.patch == version.patch
    }
}

fn operator(text: &str) -> Operator {
    match text {
        "!=" => Operator::NotEqual,
        ">" => Operator::Greater,
        "<" => Operator::Less,
        ">=" | "=>" => Operator::GreaterOrEqual,
        "<=" | "=<" => Operator::LessOrEqual,
        "~" | "~>" => Operator::Tilde,
        "^" => Operator::Caret,
        _ => Operator::TildeOrEqual,
    }
}

/// Turns each `1.2 - 1.4` into `>= 1.2, <= 1.4 `.
fn rewrite_ranges(text: &str) -> String {
    // Only a dash between spaces makes a range; most constraints are spared the pattern.
    let is_space = |byte: &u8| matches!(byte, b' ' | b'\t' | b'\n' | b'\x0c' | b'\r');
    let is_dash = |three: &[u8]| matches!(three, [a, b'-', b] if is_space(a) && is_space(b));
    if !text.as_bytes().windows(3).any(is_dash) {
        return text.to_owned();
    }
    let mut out = text.to_owned();
    for range in RANGE.captures_iter(text) {
        let named = |captures: &Captures<'_>, name: &str| {
            captures
                .name(name)
                .map_or_else(String::new, |m| m.as_str().to_owned())
        };
        let whole = range.get(0).map_or("", |m| m.as_str());
        out = out.replacen(
            whole,
            &format!(">= {}, <= {} ", named(&range, "from"), named(&range, "to")),
            1,
        );
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_constraints_are_read_as_the_patterns_read_them() {
        let versions = [
            "1",
            "v1",
            "1.2",
            "1.2.3",
            "v1.2.3-rc.1",
            "1.x",
            "1.2.*",
            "*",
            "X",
            "x.2",
            "1.2.3.4",
            "01.2",
            "1.2-0",
            "1.2.3-a-b.0",
            "1.2.3-",
            "1.2.3-a..b",
            "1.2.3+m",
            "1.",
            ".1",
            "1x",
            "",
            "1|2",
            "99999999999999999999",
        ];
        let operators = [
            "", "=", "!=", ">", "<", ">=", "=>", "<=", "=<", "~", "~>", "^", "==", "> =", "!",
        ];
        let mut plain = 0;
        for version in versions {
            for operator in operators {
                for text in [
                    format!("{operator}{version}"),
                    format!("  {operator} {version}  "),
                    format!("{operator}{version}, <2"),
                    format!(">0 {operator}{version}"),
                    format!(">0,\t{operator}\t{version} ,1"),
                    format!("{operator}{version}{operator}{version}"),
                ] {
                    if let Some(read) = plain::read(&text) {
                        plain += 1;
                        let matched = Group::match_patterns(&text);
                        let read: Result<Group, String> = Ok(Group::of(read));
                        assert_eq!(format!("{read:?}"), format!("{matched:?}"), "{text}");
                    }
                }
            }
        }
        assert!(plain > 400, "{plain}");
    }
}
