//! `spec.source` of an Environment file.

use std::path::PathBuf;

use trueup_manifest::{Diagnostic, TreePath};

use super::reconcile::LEAST;
use crate::{
    config::{
        decode::{Field, Fields, Shape, Spanned, Type, Value},
        environment::SourceRef,
    },
    source::{Auth, GitConfig, GitUrl, Reference, SecretSource, SourceError},
};

pub(super) const SOURCE: Shape = Shape {
    name: "a source",
    title: "Source",
    about: "Where the files that the phases name come from. Without it they lie in the repository \
            that holds the Environment file.",
    fields: &[Field::required(
        "git",
        Type::Shape(&GIT),
        "A Git repository.",
    )],
    one_of: &[],
    example: r"git:
  url: https://git.example.com/platform/config.git
  ref: {branch: main}
  auth: {token: {token: {env: GIT_TOKEN}}}",
};

const GIT: Shape = Shape {
    name: "a Git source",
    title: "Git",
    about: "",
    fields: &[
        Field::required(
            "url",
            Type::Text("`https://…`, `ssh://…`, `git@host:path` or `file://…`"),
            "The address, without a password.",
        ),
        Field::optional(
            "ref",
            Type::Shape(&REF),
            "What to follow. Without it: the default branch of the repository.",
        ),
        Field::optional(
            "path",
            Type::Path,
            "The folder of the repository that becomes the root; nothing outside it can be read.",
        ),
        Field::optional("auth", Type::Shape(&AUTH), "How to prove who we are."),
        Field::optional(
            "knownHostsFile",
            Type::Text("a path on the machine that runs trueup"),
            "Which SSH hosts to trust. Without it: `~/.ssh/known_hosts` and \
             `/etc/ssh/ssh_known_hosts`.",
        ),
        Field::optional(
            "caFile",
            Type::Text("a path on the machine that runs trueup"),
            "Which authorities may sign the certificate of an `https://` host, in PEM, in place of \
             the system's.",
        ),
        Field::default(
            "timeout",
            Type::Duration,
            "1m",
            "How long one fetch may take. At least `1s`.",
        ),
        Field::default(
            "depth",
            Type::Count("a whole number from 0"),
            "1",
            "How many commits of history to fetch; 0 for all.",
        ),
        Field::default(
            "insecureAuth",
            Type::Bool,
            "false",
            "Whether credentials may go over plain `http://` to another machine.",
        ),
    ],
    one_of: &[],
    example: r"url: ssh://git@git.example.com/platform/config.git
ref: {semver: ~1.4}",
};

const REF: Shape = Shape {
    name: "`ref`",
    title: "Ref",
    about: "Exactly one is given.",
    fields: &[
        Field::optional("branch", Type::Text("a branch"), "A branch."),
        Field::optional("tag", Type::Text("a tag"), "A tag."),
        Field::optional(
            "semver",
            Type::Text("a version range"),
            "The highest tag that is a version in this range, such as `^1.2` or `>=2.0, <3`.",
        ),
        Field::optional("commit", Type::Text("40 digits"), "A commit."),
    ],
    one_of: &["branch", "tag", "semver", "commit"],
    example: "branch: main",
};

const AUTH: Shape = Shape {
    name: "`auth`",
    title: "Auth",
    about: "How to prove to the Git server who we are. Exactly one is given.",
    fields: &[
        Field::optional(
            "token",
            Type::Shape(&TOKEN),
            "An access token over HTTPS, sent as the password of a basic login, as GitHub, GitLab \
             and Gitea want it.",
        ),
        Field::optional(
            "bearer",
            Type::Shape(&BEARER),
            "A token in an `Authorization: Bearer` header, as Azure DevOps wants it.",
        ),
        Field::optional("basic", Type::Shape(&BASIC), "A user and a password."),
        Field::optional("sshKey", Type::Shape(&SSH_KEY), "A private key over SSH."),
        Field::optional(
            "sshAgent",
            Type::Shape(&SSH_AGENT),
            "The keys of the running `ssh-agent`.",
        ),
    ],
    one_of: &["token", "bearer", "basic", "sshKey", "sshAgent"],
    example: r"sshKey:
  key: {file: /etc/trueup/id_ed25519}",
};

const TOKEN: Shape = Shape {
    name: "a token login",
    title: "Token",
    about: "",
    fields: &[
        Field::required("token", Type::Shape(&SECRET), "The token."),
        Field::default(
            "username",
            Type::Text("a name"),
            "x-access-token",
            "The user to name; most servers do not look at it.",
        ),
    ],
    one_of: &[],
    example: "token: {env: GIT_TOKEN}",
};

const BEARER: Shape = Shape {
    name: "a bearer login",
    title: "Bearer",
    about: "",
    fields: &[Field::required("token", Type::Shape(&SECRET), "The token.")],
    one_of: &[],
    example: "token: {env: GIT_TOKEN}",
};

const BASIC: Shape = Shape {
    name: "a basic login",
    title: "Basic",
    about: "",
    fields: &[
        Field::required("username", Type::Text("a name"), "The user."),
        Field::required("password", Type::Shape(&SECRET), "The password."),
    ],
    one_of: &[],
    example: r"username: deploy
password: {file: /etc/trueup/password}",
};

const SSH_KEY: Shape = Shape {
    name: "an SSH key",
    title: "SshKey",
    about: "",
    fields: &[
        Field::required(
            "key",
            Type::Shape(&SECRET),
            "The private key, in OpenSSH or PEM form.",
        ),
        Field::optional("passphrase", Type::Shape(&SECRET), "What unlocks it."),
    ],
    one_of: &[],
    example: r"key: {file: /etc/trueup/id_ed25519}
passphrase: {env: KEY_PASSPHRASE}",
};

const SSH_AGENT: Shape = Shape {
    name: "`sshAgent`",
    title: "SshAgent",
    about: "It has no fields: write `sshAgent: {}`.",
    fields: &[],
    one_of: &[],
    example: "{}",
};

const SECRET: Shape = Shape {
    name: "a secret",
    title: "Secret",
    about: "Where a secret is to be found; it is never written into the file itself. Exactly one \
            is given. It is read anew for each poll, so that a renewed one needs no restart.",
    fields: &[
        Field::optional(
            "env",
            Type::Text("a name"),
            "An environment variable of the process.",
        ),
        Field::optional(
            "file",
            Type::Text("a path on the machine that runs trueup"),
            "A file; one line end at its end is dropped.",
        ),
    ],
    one_of: &["env", "file"],
    example: "env: GIT_TOKEN",
};

pub(super) fn decode(value: Value<'_>) -> Option<SourceRef> {
    let fields = value.fields(&SOURCE)?.required("git")?.fields(&GIT)?;
    let url = fields.required("url").and_then(decode_url);
    let reference = fields
        .optional("ref")
        .map_or(Some(Reference::Default), decode_ref);
    let path = fields
        .optional("path")
        .map_or_else(|| Some(Spanned::bare(TreePath::root())), Value::path);
    let auth = fields
        .optional("auth")
        .map_or(Some(Auth::None), decode_auth);
    let file = |name| {
        let value = fields.optional(name)?;
        value.text().map(|text| PathBuf::from(text.value))
    };
    let known_hosts_file = file("knownHostsFile");
    let ca_file = file("caFile");
    let timeout = fields
        .optional("timeout")
        .and_then(|value| value.duration(LEAST));
    let depth = fields
        .optional("depth")
        .and_then(|value| value.count(0, i32::MAX.unsigned_abs()));
    let insecure_auth = fields.optional("insecureAuth").and_then(Value::bool);
    let default = GitConfig::new(url?);
    let config = GitConfig {
        reference: reference?,
        path: path?.as_str().to_owned(),
        auth: auth?,
        known_hosts_file,
        ca_file,
        timeout: timeout.unwrap_or(default.timeout),
        depth: depth.unwrap_or(default.depth),
        insecure_auth: insecure_auth.unwrap_or(default.insecure_auth),
        ..default
    };
    report_contradictions(value, &fields, &config);
    Some(SourceRef {
        git: Box::new(config),
        location: fields.location(),
    })
}

/// Every contradiction between the settings, at the field it is about.
fn report_contradictions(value: Value<'_>, fields: &Fields<'_>, config: &GitConfig) {
    let Err(SourceError::Config(problems)) = config.validate() else {
        return;
    };
    for problem in problems {
        let error = Diagnostic::error(
            "source/config",
            format!("`{}`: {}", problem.field, problem.message),
        )
        .at(fields
            .key_location(problem.field)
            .or_else(|| fields.location()));
        value.report(match problem.help {
            Some(help) => error.help(help),
            None => error,
        });
    }
}

fn decode_url(value: Value<'_>) -> Option<GitUrl> {
    let text = value.text()?;
    let url: GitUrl = match text.parse() {
        Ok(url) => url,
        Err(error) => {
            // A malformed address may hold a password in a place where nobody looks for one.
            if text.contains('@') {
                value.hide();
            }
            let help = "write it as `https://host/path` or `ssh://user@host/path`";
            let help = error.help.clone().unwrap_or_else(|| help.to_owned());
            value.invalid(error.to_string(), help);
            return None;
        }
    };
    if url.password().is_some() {
        value.hide();
        value.invalid(
            "`url` holds a password",
            "take it out of the address and say in `auth` where it is to be found",
        );
        return None;
    }
    Some(url)
}

fn decode_ref(value: Value<'_>) -> Option<Reference> {
    let (which, value) = value.fields(&REF)?.choice()?;
    let text = value.text()?.value;
    Some(match which {
        "branch" => Reference::Branch(text),
        "tag" => Reference::Tag(text),
        "semver" => match text.parse() {
            Ok(range) => Reference::Version(range),
            Err(message) => {
                value.invalid(message, "write it as `^1.2`, `~1.4` or `>=2.0 <3`");
                return None;
            }
        },
        _ => Reference::Commit(text),
    })
}

fn decode_auth(value: Value<'_>) -> Option<Auth> {
    let (which, value) = value.fields(&AUTH)?.choice()?;
    match which {
        "token" => {
            let value = mapping_of_secrets(value)?;
            let fields = value.fields(&TOKEN)?;
            let token = fields.required("token").and_then(decode_secret);
            let username = fields.optional("username").and_then(Value::text);
            Some(Auth::Token {
                token: token?,
                username: username.map(|name| name.value),
            })
        }
        "bearer" => {
            let fields = mapping_of_secrets(value)?.fields(&BEARER)?;
            Some(Auth::Bearer {
                token: fields.required("token").and_then(decode_secret)?,
            })
        }
        "basic" => {
            let fields = mapping_of_secrets(value)?.fields(&BASIC)?;
            let username = fields.required("username").and_then(Value::text);
            let password = fields.required("password").and_then(decode_secret);
            Some(Auth::Basic {
                username: username?.value,
                password: password?,
            })
        }
        "sshKey" => {
            let fields = mapping_of_secrets(value)?.fields(&SSH_KEY)?;
            let key = fields.required("key").and_then(decode_secret);
            let passphrase = fields.optional("passphrase").and_then(decode_secret);
            Some(Auth::SshKey {
                key: key?,
                passphrase,
            })
        }
        _ => value.fields(&SSH_AGENT).map(|_| Auth::SshAgent),
    }
}

/// The value, unless somebody wrote a secret in its place.
fn mapping_of_secrets(value: Value<'_>) -> Option<Value<'_>> {
    if value.is_scalar() {
        report_literal(value);
        return None;
    }
    Some(value)
}

fn decode_secret(value: Value<'_>) -> Option<SecretSource> {
    let (which, value) = mapping_of_secrets(value)?.fields(&SECRET)?.choice()?;
    let text = value.text()?.value;
    Some(if which == "env" {
        SecretSource::Env(text)
    } else {
        SecretSource::File(text.into())
    })
}

fn report_literal(value: Value<'_>) {
    value.hide();
    value.report(
        Diagnostic::error("config/literal-secret", "a secret is written into the file")
            .at(value.location())
            .help(
                "say where it is to be found, `{env: NAME}` or `{file: PATH}`, and change the \
                 secret: whoever can read the repository knows it",
            ),
    );
}
