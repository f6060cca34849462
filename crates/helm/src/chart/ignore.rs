//! `.helmignore`: which files of a chart's folder are left out.

use super::glob;
use crate::error::Error;

/// The rules of one `.helmignore`, with Helm's default rule.
#[derive(Debug)]
pub(super) struct Rules(Vec<Rule>);

#[derive(Debug)]
struct Rule {
    pattern: String,
    form: Form,
    place: Place,
    negated: bool,
    folders_only: bool,
}

/// What a pattern is made of: most are simpler than what the language has.
#[derive(Debug, PartialEq, Eq)]
enum Form {
    /// It means itself.
    Plain,
    /// A `*`, and what means itself.
    Suffix,
    /// Anything that begins with so many bytes which mean themselves.
    Any(usize),
}

impl Form {
    fn of(pattern: &str) -> Self {
        const SPECIAL: [char; 4] = ['*', '?', '[', '\\'];
        match (pattern.find(SPECIAL), pattern.strip_prefix('*')) {
            (None, _) => Self::Plain,
            (_, Some(rest)) if !rest.contains(SPECIAL) => Self::Suffix,
            (Some(at), _) => Self::Any(at),
        }
    }
}

/// What of a path a rule is compared with.
#[derive(Debug, PartialEq, Eq)]
enum Place {
    Path,
    Name,
}

impl Rules {
    /// Reads the rules; `text` is that of `.helmignore`, empty where there is none.
    pub(super) fn parse(text: &str) -> Result<Self, Error> {
        let mut rules = text
            .trim_start_matches('\u{feff}')
            .lines()
            .filter_map(|line| Rule::parse(line).transpose())
            .collect::<Result<Vec<_>, _>>()?;
        rules.extend(Rule::parse("templates/.?*")?);
        Ok(Self(rules))
    }

    /// Whether the file or folder is left out. A negated rule leaves out what it does not match, as
    /// it does in Helm.
    pub(super) fn ignores(&self, path: &str, is_folder: bool) -> bool {
        let name = path.rsplit('/').next().unwrap_or(path);
        for rule in &self.0 {
            if rule.negated {
                if rule.folders_only && !is_folder || !rule.matches(path, name) {
                    return true;
                }
            } else if (is_folder || !rule.folders_only) && rule.matches(path, name) {
                return true;
            }
        }
        false
    }
}

impl Rule {
    fn parse(line: &str) -> Result<Option<Self>, Error> {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            return Ok(None);
        }
        if line.contains("**") {
            return Err(
                Error::new("helm/ignore", "double-star (**) syntax is not supported")
                    .help("write one rule for each depth in `.helmignore`"),
            );
        }
        if !glob::is_valid(line) {
            return Err(
                Error::new("helm/ignore", "syntax error in pattern").help(format!(
                    "close the `[` or `\\` of `{line}` in `.helmignore`"
                )),
            );
        }
        let (negated, line) = match line.strip_prefix('!') {
            Some(rest) => (true, rest),
            None => (false, line),
        };
        let (folders_only, line) = match line.strip_suffix('/') {
            Some(rest) => (true, rest),
            None => (false, line),
        };
        let place = if line.contains('/') {
            Place::Path
        } else {
            Place::Name
        };
        let pattern = line.strip_prefix('/').unwrap_or(line);
        Ok(Some(Self {
            form: Form::of(pattern),
            pattern: pattern.to_owned(),
            place,
            negated,
            folders_only,
        }))
    }

    fn matches(&self, path: &str, name: &str) -> bool {
        let text = match self.place {
            Place::Path => path,
            Place::Name => name,
        };
        match self.form {
            Form::Plain => self.pattern == text,
            Form::Suffix => {
                let rest = self.pattern.get(1..).unwrap_or_default();
                text.strip_suffix(rest)
                    .is_some_and(|any| !any.contains('/'))
            }
            Form::Any(plain) => {
                let begins = self.pattern.as_bytes().get(..plain) == text.as_bytes().get(..plain);
                begins && glob::matches(&self.pattern, text)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_leave_out_what_helm_leaves_out() {
        // The cases of Helm's own `pkg/ignore/rules_test.go`.
        for (rule, path, is_folder, expected) in [
            ("helm.txt", "helm.txt", false, true),
            ("helm.*", "rudder.txt", false, false),
            ("*.txt", "cargo/a.txt", false, true),
            ("cargo/*.txt", "mast/a.txt", false, false),
            ("ru[c-e]?er.txt", "rudder.txt", false, true),
            ("templates/.?*", "templates/.dotfile", false, true),
            (".*", ".joonix", false, true),
            ("cargo/", "cargo", true, true),
            ("helm.txt/", "helm.txt", false, false),
            ("!helm.txt", "helm.txt", false, false),
            ("!helm.txt", "tiller.txt", false, true),
            ("!cargo/", "mast", true, true),
            ("/a.txt", "a.txt", false, true),
            ("/a.txt", "cargo/a.txt", false, false),
            ("/cargo/a.txt", "cargo/a.txt", false, true),
            ("/*.txt", "a.txt", false, true),
            ("/*.txt", "cargo/a.txt", false, false),
            ("*~", "a.yaml~", false, true),
            ("*", "cargo", true, true),
            ("a?", "b", false, false),
            ("a?", "", false, false),
        ] {
            let rules = Rules::parse(rule).unwrap();
            assert_eq!(rules.ignores(path, is_folder), expected, "{rule} {path}");
        }
        assert!(Rules::parse("foo/**/bar").is_err());
        assert!(Rules::parse("[z-").is_err());
    }
}
