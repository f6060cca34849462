//! `spec.source` of an Environment file.

use trueup_manifest::Diagnostic;

use crate::config::{
    decode::{Field, Shape, Type, Value},
    repository::{Auth, Reference, SecretRef, SourceRef},
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
    let url = fields.required("url").and_then(|value| {
        let text = value.text()?;
        if has_password(&text) {
            value.hide();
            value.invalid(
                "`url` holds a password",
                "take it out of the address and say in `auth` where it is to be found",
            );
            return None;
        }
        Some(text)
    });
    let reference = fields
        .optional("ref")
        .map_or(Some(Reference::Default), decode_ref);
    let path = fields.optional("path").and_then(Value::path);
    let auth = match fields.optional("auth") {
        Some(value) => decode_auth(value).map(Some),
        None => Some(None),
    };
    let known_hosts_file = fields.optional("knownHostsFile").and_then(Value::text);
    let ca_file = fields.optional("caFile").and_then(Value::text);
    Some(SourceRef {
        url: url?,
        reference: reference?,
        path,
        auth: auth?,
        known_hosts_file,
        ca_file,
    })
}

fn has_password(url: &str) -> bool {
    let Some((_, rest)) = url.split_once("://") else {
        return false;
    };
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    host.rsplit_once('@')
        .is_some_and(|(user, _)| user.contains(':'))
}

fn decode_ref(value: Value<'_>) -> Option<Reference> {
    let (which, value) = value.fields(&REF)?.choice()?;
    let text = value.text()?;
    Some(match which {
        "branch" => Reference::Branch(text),
        "tag" => Reference::Tag(text),
        "semver" => Reference::Semver(text),
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
                username,
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
                username: username?,
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

fn decode_secret(value: Value<'_>) -> Option<SecretRef> {
    let (which, value) = mapping_of_secrets(value)?.fields(&SECRET)?.choice()?;
    let text = value.text()?;
    Some(if which == "env" {
        SecretRef::Env(text)
    } else {
        SecretRef::File(text)
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
