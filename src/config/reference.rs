//! The reference pages of the configuration files, made from the shapes that read them.

use std::fmt::Write;

use super::{
    decode::{Field, Need, Shape, Type},
    format::{CONTEXT, ENVIRONMENT},
};

const NOTE: &str =
    "<!-- Made from the code: `TRUEUP_BLESS=1 cargo test --test config` writes it anew. -->";

const STRICT: &str = "A field that is not listed here is an error, and so is a value of another type; \
`trueup check` tells all errors of all files at once. A field without a value is one that is not \
there. Fields marked *not built yet* are checked like the others; using one is an error that says so.";

const VARIABLES: &str = r#"## Variables

`${name}` in a rendered object is replaced by the value of the variable, in those places only that a
phase declares with `substitute`. Everywhere else it stays as it is: `${HOME}` in a script is safe.

```yaml
spec:
  variables: {domain: dev.example.com, replicas: 3, encrypted: "true"}
  phases:
    - name: hub
      kustomize: {path: overlays/cluster_dev}
      substitute:
        - kinds: [Ingress, StorageClass]                        # all their values
        - files: [bases/irsa/*.yaml]
          fields: [metadata/annotations]                        # of these only the annotations
```

- A name is made of letters, digits, `_` and `-`. Names with a `.` are facts, such as
  `${eks.oidcIssuer}`; none are built yet.
- A variable that has no value is an error with its place; there are no defaults. What looks like a
  variable and is none, such as `${NAME:-x}`, is an error too. `$${name}` stands for `${name}` itself.
- A value keeps the type it was written with. Text stays text: `encrypted: "true"` never becomes a
  boolean. A number or boolean is one only where an unquoted `${replicas}` is the whole value; inside
  a longer text or in quotes it is text.
- Keys are not touched: `${name}` in a key is an error.
- The values of variables are not searched for variables.

Which value wins, strongest first:

1. `--var name=value` of `trueup render` and `trueup diff`
2. `spec.variables` of the Environment
3. contexts that name the environment (`attach.environments`), the lowest `priority` first; two of
   equal priority that disagree are an error
4. contexts attached by labels (`attach.labels`), the first name in the alphabet first
"#;

/// `docs/reference/environment.md`.
pub fn environment_page() -> String {
    let intro = "An Environment says what runs on one cluster, and in which order. There is one \
                 file for each in `environments/`, named `*.yaml` or `*.yml`; folders inside it are \
                 left alone.";
    page("Environment", intro, &ENVIRONMENT, VARIABLES)
}

/// `docs/reference/context.md`.
pub fn context_page() -> String {
    let intro = "A Context holds variables that several environments share. There is one file for \
                 each in `contexts/`, named `*.yaml` or `*.yml`.";
    let more = "How variables are used, and which value wins, is told in \
                [Environment](environment.md#variables).\n";
    page("Context", intro, &CONTEXT, more)
}

/// `docs/reference/vault.md`.
pub fn vault_page() -> String {
    let intro = "A VaultBootstrap says how a Vault goes from an empty server to a configured one. A \
                 `vault` phase of an [Environment](environment.md#phase) names its file; \
                 [the guide](../guides/vault.md) shows it at work.";
    let more = "Parameters of paths that trueup knows are checked by its own tables: Vault takes an \
                unknown one without a word and forgets it. Their older names (`policies`, `ttl`, …) stand \
                for those of today. A path that is declared twice is an error.\n";
    page(
        "VaultBootstrap",
        intro,
        &crate::vault::file::BOOTSTRAP,
        more,
    )
}

fn page(title: &str, intro: &str, shape: &'static Shape, more: &str) -> String {
    let mut out = format!("{NOTE}\n\n# {title}\n\n{intro}\n\n{STRICT}\n");
    for shape in shape.all() {
        section(&mut out, shape);
    }
    let _ = write!(out, "\n{more}");
    out
}

fn section(out: &mut String, shape: &Shape) {
    // Writing to a string cannot fail.
    let _ = writeln!(out, "\n## {}\n", shape.title);
    if !shape.about.is_empty() {
        let _ = writeln!(out, "{}\n", shape.about);
    }
    if !shape.fields.is_empty() {
        let _ = writeln!(
            out,
            "| field | holds | default | |\n| --- | --- | --- | --- |"
        );
        for field in shape.fields {
            let _ = writeln!(
                out,
                "| `{}` | {} | {} | {} |",
                field.name,
                holds(&field.holds).replace('|', "\\|"),
                need(field, shape),
                about(field)
            );
        }
    }
    if !shape.example.is_empty() && shape.example != "{}" {
        let _ = writeln!(out, "\n```yaml\n{}\n```", shape.example);
    }
}

fn about(field: &Field) -> String {
    if field.built {
        field.about.to_owned()
    } else {
        format!("{} *Not built yet.*", field.about)
            .trim_start()
            .to_owned()
    }
}

fn need(field: &Field, shape: &Shape) -> String {
    match field.need {
        Need::Required => "**required**".to_owned(),
        Need::Default(value) => format!("`{value}`"),
        Need::Optional if shape.one_of.contains(&field.name) => "*one of*".to_owned(),
        Need::Optional => String::new(),
    }
}

fn holds(holds: &Type) -> String {
    match holds {
        Type::Text(what) | Type::Count(what) => (*what).to_owned(),
        Type::Path => "a path in the repository".to_owned(),
        Type::Bool => "`true` or `false`".to_owned(),
        Type::Duration => "a duration: `90s`, `10m`, `1m30s`".to_owned(),
        Type::Words(words) => {
            let words: Vec<String> = words.iter().map(|word| format!("`{word}`")).collect();
            words.join(", ")
        }
        Type::Word(word) => format!("`{word}`"),
        Type::List(inner) => format!("list of: {}", self::holds(inner)),
        Type::Map(inner) => format!("mapping of names to: {}", self::holds(inner)),
        Type::Shape(shape) => {
            format!("[{}](#{})", shape.title, shape.title.to_ascii_lowercase())
        }
        Type::Scalar => "text, a number or a boolean".to_owned(),
        Type::Any => "anything".to_owned(),
        Type::Either(one, other) => format!("{}; or {}", self::holds(one), self::holds(other)),
    }
}
