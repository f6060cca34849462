use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use trueup_manifest::{MemoryTree, TreePath};

use super::*;
use crate::{Capabilities, Overlay, Release, Request, Secret};

#[derive(Default)]
struct Kept(Mutex<BTreeMap<Vec<u8>, Json>>);

impl Draws for Kept {
    fn recall(&self, draw: &Draw<'_>) -> Option<Json> {
        self.0.lock().unwrap().get(draw.identity).cloned()
    }

    fn keep(&self, draw: &Draw<'_>, drawn: Drawn) {
        let before = self
            .0
            .lock()
            .unwrap()
            .insert(draw.identity.to_vec(), drawn.value);
        assert!(before.is_none(), "one call has one identity");
    }
}

fn render(templates: &[(&str, &str)], draws: &Arc<Kept>, secret: &str) -> Result<Release, String> {
    let mut tree = MemoryTree::new();
    tree.add("Chart.yaml", "{apiVersion: v2, name: c, version: 1.0.0}")
        .unwrap();
    for (path, text) in templates {
        tree.add(&format!("templates/{path}"), *text).unwrap();
    }
    let chart = crate::chart::load_dir(&tree, &TreePath::root()).unwrap();
    let overlay = Overlay {
        secrets: vec![Secret {
            path: "auth.token".into(),
            text: secret.into(),
            hidden: true,
        }],
        ..Overlay::default()
    };
    let capabilities = Capabilities::default();
    let mut request = Request::new(&chart, "r", "n", &overlay, &capabilities);
    request.draws = Some(Arc::clone(draws) as Arc<dyn Draws>);
    let rendered = request.render(&mut |path| Err(path.to_owned()));
    rendered.map_err(|error| error.text().to_owned())
}

fn text(release: &Release) -> String {
    release.print(crate::Print::default())
}

const SECRET: &str = "kind: Secret\nfirst: {{ randAlphaNum 20 }}\nsecond: {{ randAlphaNum 20 }}\nloop: [{{ range until 3 }}{{ uuidv4 }}, {{ end }}]\n";
const SUM: &str = "kind: ConfigMap\nsum: {{ include (print $.Template.BasePath \"/secret.yaml\") . | sha256sum }}\n";

#[test]
fn a_call_draws_once_and_lines_beside_it_may_come_and_go() {
    let draws = Arc::new(Kept::default());
    let first = render(&[("secret.yaml", SECRET), ("sum.yaml", SUM)], &draws, "x").unwrap();
    let count = draws.0.lock().unwrap().len();
    assert_eq!(
        count, 5,
        "included elsewhere, a template draws what it draws at its place"
    );
    let again = render(&[("secret.yaml", SECRET), ("sum.yaml", SUM)], &draws, "x").unwrap();
    assert_eq!(text(&first), text(&again));
    // New lines before and between draw on their own, and leave the others what they were.
    let longer = SECRET.replace("second", "between: {{ randAlphaNum 20 }}\nsecond");
    let longer = render(
        &[("secret.yaml", &format!("# note\n{longer}"))],
        &draws,
        "x",
    )
    .unwrap();
    let longer = text(&longer);
    for line in text(&first)
        .lines()
        .filter(|line| line.starts_with("first") || line.starts_with("second"))
    {
        assert!(longer.contains(line), "{line} in\n{longer}");
    }
    // Another argument is another call.
    let other = SECRET.replacen("20", "30", 1);
    let other = text(&render(&[("secret.yaml", &other)], &draws, "x").unwrap());
    let line = other
        .lines()
        .find(|line| line.starts_with("first"))
        .unwrap();
    assert_eq!(line.len(), "first: ".len() + 30);
}

#[test]
fn what_comes_of_a_secret_value_is_marked_wherever_it_is_printed() {
    let draws = Arc::new(Kept::default());
    let template = "kind: ConfigMap\nplain: {{ .Values.auth.token }}\ncoded: {{ printf \"u:%s\" .Values.auth.token | b64enc }}\n\
                    yaml:\n{{ toYaml .Values.auth | indent 2 }}\njson: '{{ toJson .Values.auth }}'\n\
                    tpl: {{ tpl (printf \"%s!\" .Values.auth.token) . }}\nopen: yes\n";
    let release = render(&[("a.yaml", template)], &draws, "swordfish").unwrap();
    let manifest = &release.manifests[0];
    let mut shown = String::new();
    let mut from = 0;
    for range in &manifest.secrets {
        shown.push_str(&manifest.content[from..range.start]);
        shown.push_str("***");
        from = range.end;
    }
    shown.push_str(&manifest.content[from..]);
    assert!(
        manifest.content.contains("swordfish"),
        "{}",
        manifest.content
    );
    assert!(
        !shown.contains("swordfish") && !shown.contains("dTpzd29yZGZpc2g"),
        "{shown}"
    );
    assert!(
        shown.contains("open: yes") && shown.contains("token: ***"),
        "{shown}"
    );
}

#[test]
fn an_error_that_a_template_makes_of_a_secret_shows_none_of_it() {
    let draws = Arc::new(Kept::default());
    for template in [
        "{{ fail (printf \"no: %s\" .Values.auth.token) }}",
        "{{ required (printf \"no: %s\" .Values.auth.token) .Values.none }}",
    ] {
        let error = render(&[("a.yaml", template)], &draws, "swordfish").unwrap_err();
        assert!(!error.contains("swordfish"), "{error}");
        assert!(error.contains("***"), "{error}");
    }
}

/// A token as charts make them: the one of the cluster, or a new one; by its name, and by a helper below it.
const TOKEN: &str = r#"{{- define "hex" }}{{ range until 4 }}{{ randNumeric 3 }}{{ end }}{{ end }}
{{- define "token" }}
  {{- $found := lookup "v1" "Secret" "n" (index . 1) | default (dict "data" dict) }}
  {{- if hasKey $found.data (index . 2) }}{{ index $found.data (index . 2) | b64dec }}
  {{- else }}{{ include "hex" 4 }}-{{ randAlphaNum 8 }}{{ end }}
{{- end }}
{{- define "nested" }}{{ include "token" . }}{{ end }}"#;

#[test]
fn a_template_that_looks_up_what_it_draws_draws_it_once_for_all_that_include_it() {
    let draws = Arc::new(Kept::default());
    let secret = "kind: Secret\na: {{ include \"token\" (list . \"x\" \"a\") }}\nb: {{ include \"token\" (list . \"x\" \"b\") }}\n\
                  other: {{ include \"token\" (list . \"y\" \"a\") }}\n";
    let user = "kind: ConfigMap\nb: {{ include \"nested\" (list $ \"x\" \"b\") }}\nagain: {{ include \"token\" (list $ \"x\" \"b\") }}\n\
                a: {{ template \"token\" (list $ \"x\" \"a\") }}\nby: {{ block \"nested\" (list $ \"x\" \"b\") }}{{ end }}\n\
                own: {{ randAlphaNum 8 }}\n";
    let files = [
        ("_token.tpl", TOKEN),
        ("secret.yaml", secret),
        ("user.yaml", user),
    ];
    let release = render(&files, &draws, "s").unwrap();
    let value = |file: usize, key: &str| {
        let lines = release.manifests[file].content.lines();
        let mut found = lines.filter_map(|line| line.strip_prefix(key)?.strip_prefix(": "));
        found.next().unwrap().to_owned()
    };
    let is_secret_first = release.manifests[0].content.contains("kind: Secret");
    let (secret, user) = if is_secret_first { (0, 1) } else { (1, 0) };
    let (a, b, other) = (
        value(secret, "a"),
        value(secret, "b"),
        value(secret, "other"),
    );
    assert!(
        a.len() == 21 && a != b && a != other && b != other,
        "{a} {b} {other}"
    );
    assert_eq!(value(user, "a"), a);
    for key in ["b", "again", "by"] {
        assert_eq!(value(user, key), b, "{key}");
    }
    let again = render(&files, &draws, "s").unwrap();
    assert_eq!(text(&again), text(&release));
}

#[test]
fn a_template_that_looks_nothing_up_draws_for_each_file_by_itself() {
    let draws = Arc::new(Kept::default());
    let helper = r#"{{- define "password" }}{{ randAlphaNum 12 }}{{ end }}"#;
    let file =
        "kind: Secret\nfirst: {{ include \"password\" . }}\nsecond: {{ include \"password\" . }}\n";
    let files = [("_p.tpl", helper), ("a.yaml", file), ("b.yaml", file)];
    let first = text(&render(&files, &draws, "s").unwrap());
    let drawn: std::collections::BTreeSet<&str> = first
        .lines()
        .filter_map(|line| {
            let (key, value) = line.split_once(": ")?;
            matches!(key, "first" | "second").then_some(value)
        })
        .collect();
    assert_eq!(drawn.len(), 4, "{first}");
    assert_eq!(first, text(&render(&files, &draws, "s").unwrap()));
}

#[test]
fn what_a_template_is_given_may_hold_itself() {
    let draws = Arc::new(Kept::default());
    let helper = r#"{{- define "token" }}{{ $_ := lookup "v1" "Secret" "n" "x" }}{{ randAlphaNum 12 }}{{ end }}"#;
    let file = "{{- $own := dict }}{{ $_ := set $own \"own\" $own }}\nkind: Secret\nfirst: {{ include \"token\" $own }}\n";
    let files = [("_p.tpl", helper), ("a.yaml", file)];
    let first = text(&render(&files, &draws, "s").unwrap());
    assert_eq!(first, text(&render(&files, &draws, "s").unwrap()));
}
