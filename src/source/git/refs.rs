//! Which of the refs that a server advertises is the one to follow.

use git2::Oid;
use trueup_manifest::nearest;

use crate::source::{config::Reference, error::SourceError, range::versions};

/// A ref that a server advertises.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Head {
    /// The whole name: `HEAD`, `refs/heads/main`, or `refs/tags/v1^{}` for what the tag object
    /// `refs/tags/v1` stands for.
    pub(super) name: String,
    pub(super) id: Oid,
    /// For `HEAD`, the branch it stands for, where the server says so.
    pub(super) symref: Option<String>,
}

/// What to fetch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Target {
    /// The name that people know it by.
    pub(super) name: String,
    /// The commit.
    pub(super) commit: Oid,
    /// What to ask the server for: the whole name of a ref, or the commit id itself.
    pub(super) source: String,
}

const BRANCHES: &str = "refs/heads/";
const TAGS: &str = "refs/tags/";

/// Chooses what `reference` means among the advertised refs.
pub(super) fn choose(
    reference: &Reference,
    heads: &[Head],
    url: &str,
) -> Result<Target, SourceError> {
    let none = |near: Option<&str>| SourceError::NoReference {
        url: url.to_owned(),
        reference: reference.to_string(),
        nearest: near.map(str::to_owned),
    };
    match reference {
        Reference::Default => default_branch(heads).ok_or_else(|| none(None)),
        Reference::Branch(name) => {
            target(heads, BRANCHES, name).ok_or_else(|| none(nearest(name, names(heads, BRANCHES))))
        }
        Reference::Tag(name) => {
            target(heads, TAGS, name).ok_or_else(|| none(nearest(name, names(heads, TAGS))))
        }
        Reference::Version(range) => {
            let chosen = range.highest(names(heads, TAGS));
            chosen
                .and_then(|(_, tag)| target(heads, TAGS, tag))
                .ok_or_else(|| SourceError::NoVersion {
                    url: url.to_owned(),
                    range: range.to_string(),
                    highest: versions(names(heads, TAGS))
                        .max()
                        .map(|(_, tag)| tag.to_owned()),
                })
        }
        Reference::Named(name) => ["", "refs/", TAGS, BRANCHES]
            .iter()
            .find_map(|prefix| target(heads, prefix, name))
            .ok_or_else(|| {
                none(nearest(
                    name,
                    names(heads, TAGS).chain(names(heads, BRANCHES)),
                ))
            }),
        Reference::Commit(id) => {
            let commit = Oid::from_str(id).map_err(|_| none(None))?;
            // A ref that stands at it is within the reach of servers that give out no bare ids.
            let at = heads
                .iter()
                .find(|head| head.id == commit && !head.name.ends_with("^{}"));
            let source = at.map_or_else(|| commit.to_string(), |head| head.name.clone());
            Ok(Target {
                name: "HEAD".to_owned(),
                commit,
                source,
            })
        }
    }
}

fn target(heads: &[Head], prefix: &str, name: &str) -> Option<Target> {
    let whole = format!("{prefix}{name}");
    let peeled = format!("{whole}^{{}}");
    let find = |name: &str| heads.iter().find(|head| head.name == name);
    let head = find(&whole)?;
    let commit = find(&peeled).unwrap_or(head).id;
    Some(Target {
        name: name.to_owned(),
        commit,
        source: whole,
    })
}

fn default_branch(heads: &[Head]) -> Option<Target> {
    let head = heads.iter().find(|head| head.name == "HEAD")?;
    let named = head
        .symref
        .as_deref()
        .and_then(|branch| branch.strip_prefix(BRANCHES));
    let name = named.unwrap_or("HEAD").to_owned();
    Some(Target {
        name,
        commit: head.id,
        source: "HEAD".to_owned(),
    })
}

/// The short names of the refs below `prefix`.
fn names<'a>(heads: &'a [Head], prefix: &'static str) -> impl Iterator<Item = &'a str> {
    heads
        .iter()
        .filter_map(move |head| head.name.strip_prefix(prefix))
        .filter(|name| !name.ends_with("^{}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(digit: char) -> Oid {
        Oid::from_str(&digit.to_string().repeat(40)).unwrap()
    }

    fn heads() -> Vec<Head> {
        let head = |name: &str, digit| Head {
            name: name.to_owned(),
            id: id(digit),
            symref: None,
        };
        vec![
            Head {
                symref: Some("refs/heads/main".to_owned()),
                ..head("HEAD", '1')
            },
            head("refs/heads/main", '1'),
            head("refs/heads/release", '2'),
            head("refs/tags/v1.0.0", '3'),
            head("refs/tags/v1.1.0", '4'),
            head("refs/tags/v1.1.0^{}", '5'),
            head("refs/pull/1/head", '6'),
        ]
    }

    fn chosen(reference: &Reference) -> Result<(String, Oid, String), SourceError> {
        choose(reference, &heads(), "url").map(|t| (t.name, t.commit, t.source))
    }

    #[test]
    fn each_form_of_reference_finds_its_commit() {
        let text = str::to_owned;
        for (reference, name, commit, source) in [
            (Reference::Default, "main", '1', "HEAD"),
            (
                Reference::Branch(text("release")),
                "release",
                '2',
                "refs/heads/release",
            ),
            (
                Reference::Tag(text("v1.0.0")),
                "v1.0.0",
                '3',
                "refs/tags/v1.0.0",
            ),
            (
                Reference::Tag(text("v1.1.0")),
                "v1.1.0",
                '5',
                "refs/tags/v1.1.0",
            ),
            (
                Reference::Version("1.x".parse().unwrap()),
                "v1.1.0",
                '5',
                "refs/tags/v1.1.0",
            ),
            (
                Reference::Version("<1.1".parse().unwrap()),
                "v1.0.0",
                '3',
                "refs/tags/v1.0.0",
            ),
            (
                Reference::Named(text("v1.1.0")),
                "v1.1.0",
                '5',
                "refs/tags/v1.1.0",
            ),
            (
                Reference::Named(text("main")),
                "main",
                '1',
                "refs/heads/main",
            ),
            (
                Reference::Named(text("pull/1/head")),
                "pull/1/head",
                '6',
                "refs/pull/1/head",
            ),
            (
                Reference::Commit("6".repeat(40)),
                "HEAD",
                '6',
                "refs/pull/1/head",
            ),
            (
                Reference::Commit("9".repeat(40)),
                "HEAD",
                '9',
                &"9".repeat(40),
            ),
        ] {
            let expected = Ok((text(name), id(commit), text(source)));
            assert_eq!(chosen(&reference), expected, "{reference}");
        }
    }

    #[test]
    fn what_is_not_there_is_named_with_what_comes_close() {
        for (reference, message, help) in [
            (
                Reference::Branch("mian".to_owned()),
                "`url` has no branch `mian`",
                Some("did you mean `main`?"),
            ),
            (
                Reference::Tag("release".to_owned()),
                "`url` has no tag `release`",
                None,
            ),
            (
                Reference::Named("v1.0".to_owned()),
                "`url` has no branch or tag `v1.0`",
                Some("did you mean `v1.0.0`?"),
            ),
            (
                Reference::Version(">=2".parse().unwrap()),
                "`url` has no tag that is a version in `>=2`",
                Some("the highest version there is `v1.1.0`"),
            ),
        ] {
            let error = chosen(&reference).unwrap_err();
            assert_eq!(error.to_string(), message);
            assert_eq!(error.help().as_deref(), help);
        }
        let error = choose(&Reference::Default, &[], "url").unwrap_err();
        assert_eq!(error.to_string(), "`url` has no default branch");
    }
}
