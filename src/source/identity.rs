//! What tells one repository from another, however it is reached.
//!
//! An environment's name is not enough: two repositories may both have a `dev`. The cluster remembers
//! which of them an environment comes from, so that neither prunes what the other made.

use std::path::Path;

use super::{url::GitUrl, worktree::WorkTree};

/// The variable that says which repository the files outside of a Git repository come from.
const SOURCE_VARIABLE: &str = "TRUEUP_SOURCE";

/// What CI systems say of the repository that a job is for, where they say it in one variable: GitLab,
/// Azure Pipelines, Bitbucket, Jenkins, Circle CI and Buildkite.
const ADDRESSES: &[&str] = &[
    "CI_REPOSITORY_URL",
    "BUILD_REPOSITORY_URI",
    "BITBUCKET_GIT_HTTP_ORIGIN",
    "GIT_URL",
    "CIRCLE_REPOSITORY_URL",
    "BUILDKITE_REPO",
];

/// The identity of the files in a folder: that of the Git repository round it, and which of its folders
/// it is. Outside Git, as where CI unpacks a tarball each time elsewhere, it is what [`SOURCE_VARIABLE`]
/// or the CI system says, and the folder itself where nobody says anything.
pub fn identity(folder: &Path) -> String {
    identity_by(folder, &|name| std::env::var(name).ok())
}

fn identity_by(folder: &Path, variable: &dyn Fn(&str) -> Option<String>) -> String {
    let found = WorkTree::discover(folder).ok().and_then(|work_tree| {
        let here = work_tree.here().clone();
        Some(with_folder(work_tree.identity()?, here.as_str()))
    });
    found.or_else(|| told(variable)).unwrap_or_else(|| {
        let real = folder.canonicalize();
        let folder = real.as_deref().unwrap_or(folder);
        format!("folder {}", folder.display())
    })
}

/// The repository that the environment of the process names.
fn told(variable: &dyn Fn(&str) -> Option<String>) -> Option<String> {
    let set = |name: &str| variable(name).filter(|value| !value.trim().is_empty());
    let normal = |address: String| match address.parse::<GitUrl>() {
        Ok(url) => url.identity(),
        Err(_) => address.trim().trim_end_matches('/').to_owned(),
    };
    if let Some(told) = set(SOURCE_VARIABLE) {
        return Some(normal(told));
    }
    if let (Some(server), Some(repository)) = (set("GITHUB_SERVER_URL"), set("GITHUB_REPOSITORY")) {
        return Some(normal(format!("{server}/{repository}")));
    }
    // An address that cannot be read says nothing, and may hold a password.
    let mut addresses = ADDRESSES.iter().filter_map(|name| set(name));
    addresses.find_map(|address| Some(address.parse::<GitUrl>().ok()?.identity()))
}

/// The identity of a folder in a repository: one repository may hold several, each with its own
/// environments.
pub(super) fn with_folder(repository: String, folder: &str) -> String {
    match folder.trim_matches('/') {
        "" | "." => repository,
        folder => format!("{repository}//{folder}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outside_git_the_repository_is_the_one_that_somebody_names() {
        let folder = tempfile::tempdir().unwrap();
        let is = |set: &[(&str, &str)]| {
            identity_by(folder.path(), &|name| {
                let found = set.iter().find(|(known, _)| *known == name);
                found.map(|(_, value)| (*value).to_owned())
            })
        };
        let cases: &[(&[(&str, &str)], &str)] = &[
            (
                &[("TRUEUP_SOURCE", "https://git.example.com/team/estate.git")],
                "git.example.com/team/estate",
            ),
            (
                &[
                    ("TRUEUP_SOURCE", "estate"),
                    ("GIT_URL", "https://x.example.com/y"),
                ],
                "estate",
            ),
            (
                &[
                    ("GITHUB_SERVER_URL", "https://github.com"),
                    ("GITHUB_REPOSITORY", "team/estate"),
                ],
                "github.com/team/estate",
            ),
            (
                &[(
                    "CI_REPOSITORY_URL",
                    "https://gitlab-ci-token:secret@git.example.com/team/estate.git",
                )],
                "git.example.com/team/estate",
            ),
            (
                &[("GIT_URL", "git@git.example.com:team/estate.git")],
                "git.example.com/team/estate",
            ),
        ];
        for (set, identity) in cases {
            assert_eq!(is(set), *identity, "{set:?}");
        }
        let real = folder.path().canonicalize().unwrap();
        assert_eq!(is(&[]), format!("folder {}", real.display()));
        assert_eq!(
            is(&[("TRUEUP_SOURCE", " ")]),
            format!("folder {}", real.display())
        );
    }
}
