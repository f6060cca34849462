//! Where variables are put into rendered objects.

use trueup_manifest::{Gvk, TreePath};

use super::{names, reconcile::KindPattern};

/// A rule that says in which objects, and where in them, `${name}` is replaced. Empty parts mean
/// no restriction.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Substitution {
    /// Objects of these kinds.
    pub kinds: Vec<KindPattern>,
    /// Objects written in files whose path fits one of these patterns.
    pub files: Vec<String>,
    /// The values at and below these fields.
    pub fields: Vec<FieldPath>,
}

impl Substitution {
    /// Whether an object is meant. `file` is where it was written, if anywhere.
    pub fn covers(&self, gvk: &Gvk, file: Option<&str>) -> bool {
        (self.kinds.is_empty()
            || self
                .kinds
                .iter()
                .any(|kind| kind.matches(&gvk.group, &gvk.kind)))
            && (self.files.is_empty()
                || file.is_some_and(|file| {
                    self.files.iter().any(|pattern| names::glob(pattern, file))
                }))
    }
}

/// The keys that lead to a field: `metadata/annotations`. In a list they lead into every item.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FieldPath(Vec<String>);

impl FieldPath {
    /// Reads keys with `/` between them; `\/` is a slash inside a key.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut keys = vec![String::new()];
        let mut letters = text.chars().peekable();
        while let Some(letter) = letters.next() {
            match letter {
                '\\' if letters.next_if_eq(&'/').is_some() => {
                    if let Some(key) = keys.last_mut() {
                        key.push('/');
                    }
                }
                '/' => keys.push(String::new()),
                letter => {
                    if let Some(key) = keys.last_mut() {
                        key.push(letter);
                    }
                }
            }
        }
        if keys.iter().any(String::is_empty) {
            return Err(format!("`{text}` has an empty key"));
        }
        Ok(Self(keys))
    }

    /// The keys, outermost first.
    pub fn keys(&self) -> &[String] {
        &self.0
    }
}

/// How a pattern of `files` is to be written: as a path in the repository.
pub(super) fn check_file_pattern(text: &str) -> Result<(), (String, String)> {
    TreePath::new(text).map(|_| ()).map_err(|_| {
        (
            format!("must stay inside the repository, but is `{text}`"),
            "write it from the root of the repository, such as `bases/irsa/*.yaml`".to_owned(),
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_path_splits_at_slashes_that_are_not_escaped() {
        for (text, keys) in [
            (
                "metadata/annotations",
                Some(vec!["metadata", "annotations"]),
            ),
            (
                r"metadata/annotations/eks.amazonaws.com\/role-arn",
                Some(vec![
                    "metadata",
                    "annotations",
                    "eks.amazonaws.com/role-arn",
                ]),
            ),
            (r"data/a\b", Some(vec!["data", r"a\b"])),
            ("", None),
            ("/data", None),
            ("data//x", None),
        ] {
            let found = FieldPath::parse(text).ok();
            let found = found
                .as_ref()
                .map(|path| path.keys().iter().map(String::as_str).collect::<Vec<_>>());
            assert_eq!(found, keys, "{text}");
        }
    }

    #[test]
    fn a_rule_covers_objects_that_fit_every_part() {
        let rule = Substitution {
            kinds: vec![KindPattern::new("ServiceAccount")],
            files: vec!["bases/irsa/*".to_owned()],
            fields: Vec::new(),
        };
        let account = Gvk::new("v1", "ServiceAccount");
        assert!(rule.covers(&account, Some("bases/irsa/sa.yaml")));
        assert!(!rule.covers(&account, Some("bases/hub/sa.yaml")));
        assert!(!rule.covers(&account, None));
        assert!(!rule.covers(&Gvk::new("v1", "Pod"), Some("bases/irsa/sa.yaml")));
        assert!(Substitution::default().covers(&Gvk::new("v1", "Pod"), None));
    }
}
