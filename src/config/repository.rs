//! Where the files of an environment come from, where it is not the repository of its own file.

use trueup_manifest::TreePath;

use super::decode::Spanned;

/// A Git repository that the phases of an environment are read from.
#[derive(Clone, Debug, PartialEq)]
pub struct SourceRef {
    /// The address: `https://`, `ssh://`, `git@host:path` or `file://`.
    pub url: Spanned<String>,
    /// What to follow.
    pub reference: Reference,
    /// The folder of the repository that becomes the root; nothing outside it can be read.
    pub path: Option<Spanned<TreePath>>,
    /// How to prove who we are.
    pub auth: Option<Auth>,
    /// Which SSH hosts to trust.
    pub known_hosts_file: Option<Spanned<String>>,
    /// Which authorities may sign the certificate of the host.
    pub ca_file: Option<Spanned<String>>,
}

/// What to follow in a Git repository.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Reference {
    /// The branch that the repository names as its default.
    #[default]
    Default,
    /// A branch.
    Branch(Spanned<String>),
    /// A tag.
    Tag(Spanned<String>),
    /// The highest tag that is a version in this range.
    Semver(Spanned<String>),
    /// A commit.
    Commit(Spanned<String>),
}

/// How to prove to a Git server who we are.
#[derive(Clone, Debug, PartialEq)]
pub enum Auth {
    /// An access token, sent as the password of a basic login.
    Token {
        /// The token.
        token: SecretRef,
        /// The user to name.
        username: Option<Spanned<String>>,
    },
    /// A token in an `Authorization: Bearer` header.
    Bearer {
        /// The token.
        token: SecretRef,
    },
    /// A user and a password.
    Basic {
        /// The user.
        username: Spanned<String>,
        /// The password.
        password: SecretRef,
    },
    /// A private key over SSH.
    SshKey {
        /// The private key itself.
        key: SecretRef,
        /// What unlocks it.
        passphrase: Option<SecretRef>,
    },
    /// The keys of the running `ssh-agent`.
    SshAgent,
}

/// Where a secret is to be found. A configuration file never holds one.
#[derive(Clone, Debug, PartialEq)]
pub enum SecretRef {
    /// In an environment variable of the process.
    Env(Spanned<String>),
    /// In a file of the machine that runs trueup.
    File(Spanned<String>),
}
