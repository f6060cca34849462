//! Random schemas and configurations: `openapi`, `crds`, `configurations`, field specs of transformers.

use super::{
    dice::Dice,
    kustomizations::{Files, indent},
};

/// `fieldSpecs:` of a transformer, mostly with the usual one first.
pub fn specs(dice: &mut Dice<'_>, usual: &str) -> String {
    if dice.once_in(10) {
        return String::new();
    }
    let mut out = "fieldSpecs:\n".to_owned();
    if !dice.once_in(4) {
        out.push_str(&format!("- path: {usual}\n"));
        // Upstream hides labels in a map that is null, and a later step may show them.
        if dice.once_in(2) || usual == "metadata/labels" {
            out.push_str("  create: true\n");
        }
        filter(dice, &mut out);
    }
    for _ in 0..dice.few(2) {
        out.push_str(&format!("- path: {}\n", path(dice)));
        if dice.once_in(2) {
            out.push_str("  create: true\n");
        }
        filter(dice, &mut out);
    }
    if out.ends_with("fieldSpecs:\n") {
        "fieldSpecs: []\n".to_owned()
    } else {
        out
    }
}

fn filter(dice: &mut Dice<'_>, out: &mut String) {
    match dice.below(8) {
        0 => out.push_str("  kind: Widget\n"),
        1 => out.push_str("  kind: Deployment\n"),
        2 => out.push_str("  group: apps\n"),
        3 => out.push_str("  version: v1\n"),
        4 => out.push_str("  group: example.com\n  kind: Widget\n"),
        _ => {}
    }
}

fn path(dice: &mut Dice<'_>) -> &'static str {
    const PATHS: [&str; 15] = [
        "spec/a",
        "spec/custom/deep",
        "spec/list",
        "spec/list[]/v",
        "spec/template/metadata/labels",
        "spec/template/spec/containers[]/image",
        "metadata/labels/app",
        "metadata/annotations/note",
        "spec/selector/matchLabels",
        "spec/new[]/x",
        "data",
        "spec/custom/labels",
        "spec/nested/spec/template/spec/containers[]/name",
        "metadata/annotations/a.b\\/c",
        "spec/template/spec/containers[]/env[]/value",
    ];
    PATHS[dice.below(PATHS.len())]
}

/// `configurations`, one or two files with any of the sections.
pub fn configurations(dice: &mut Dice<'_>, files: &mut Files, dir: &str, out: &mut String) {
    out.push_str("configurations:\n");
    for index in 0..=dice.few(1) {
        let mut text = String::new();
        for _ in 0..=dice.few(2) {
            let (section, body) = section(dice);
            if !text.contains(section) {
                text.push_str(&format!("{section}:\n{body}"));
            }
        }
        let path = format!("c{index}.yaml");
        files.insert(format!("{dir}/{path}"), text);
        out.push_str(&format!("- {path}\n"));
    }
}

fn section(dice: &mut Dice<'_>) -> (&'static str, String) {
    let own = str::to_owned;
    match dice.below(12) {
        0 => (
            "nameReference",
            format!(
                "- kind: {}\n  version: v1\n  fieldSpecs:\n  - {{path: '{}', kind: Widget}}\n",
                dice.pick(&["ConfigMap", "Secret", "Service"]),
                dice.pick(&[
                    "spec/a",
                    "spec/list[]/v",
                    "spec/list",
                    "spec/b",
                    "spec/nested/ref/name"
                ])
            ),
        ),
        1 => (
            "nameReference",
            own(
                "- kind: Widget\n  group: example.com\n  fieldSpecs:\n  - {path: data/k, kind: ConfigMap}\n  - {path: 'spec/template/spec/containers[]/env[]/value', group: apps}\n- kind: Deployment\n  fieldSpecs:\n  - {path: spec/scaleTargetRef/name, kind: Widget}\n",
            ),
        ),
        2 => (
            "varReference",
            own(
                "- {path: spec/a, kind: Widget}\n- {path: data}\n- {path: spec/list, kind: Widget}\n",
            ),
        ),
        3 => ("namePrefix", own("- {path: spec/a, kind: Widget}\n")),
        4 => (
            "nameSuffix",
            own("- {path: spec/a, kind: Widget}\n- {path: metadata/name, kind: Widget}\n"),
        ),
        5 => (
            "images",
            own("- {path: spec/a, kind: Widget}\n- {path: 'spec/list[]/v', kind: Widget}\n"),
        ),
        6 => (
            "commonLabels",
            own("- {path: spec/custom/labels, create: true, kind: Widget}\n"),
        ),
        7 => (
            "commonAnnotations",
            own(
                "- {path: spec/custom/annotations, create: true, kind: Widget}\n- {path: spec/template/metadata/annotations, create: true}\n",
            ),
        ),
        8 => (
            "namespace",
            own(
                "- {path: spec/ns, create: true, kind: Widget}\n- {path: metadata/namespace, create: true}\n",
            ),
        ),
        9 => (
            "replicas",
            own("- {path: spec/count, create: true, kind: Widget}\n"),
        ),
        10 => (
            "labels",
            own("- {path: spec/template/metadata/labels, create: true, kind: Deployment}\n"),
        ),
        _ => (
            "templateLabels",
            own("- {path: spec/custom/template, create: true, kind: Widget}\n"),
        ),
    }
}

/// `crds`: definitions as upstream reads them, in the form of OpenAPI.
pub fn crds(dice: &mut Dice<'_>, files: &mut Files, dir: &str, out: &mut String) {
    let reference = match dice.below(3) {
        0 => {
            "x-kubernetes-object-ref-api-version: v1\nx-kubernetes-object-ref-kind: Secret\nx-kubernetes-object-ref-name-key: nn\n"
        }
        1 => "x-kubernetes-object-ref-api-version: v1\nx-kubernetes-object-ref-kind: ConfigMap\n",
        _ => {
            "x-kubernetes-annotation: ''\nx-kubernetes-label-selector: ''\nx-kubernetes-identity: ''\n"
        }
    };
    let field = *dice.pick(&[&"a", &"custom", &"b"]);
    let mut text = format!(
        "example.com/v1alpha1.Widget:\n  Schema:\n    properties:\n      apiVersion: {{type: string}}\n      kind: {{type: string}}\n      metadata: {{type: object}}\n      spec:\n        $ref: WidgetSpec\n  Dependencies: []\nWidgetSpec:\n  Schema:\n    properties:\n      {field}:\n        type: object\n{}",
        indent(reference, 8)
    );
    if dice.once_in(3) {
        "{}\n".clone_into(&mut text);
    }
    if dice.once_in(40) {
        "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: widgets.example.com}\nspec: {group: example.com}\n".clone_into(&mut text);
    }
    files.insert(format!("{dir}/crd.yaml"), text);
    out.push_str("crds: [crd.yaml]\n");
}

/// `openapi`: a version that is built in, or a schema with merge keys for a kind of our own.
pub fn openapi(dice: &mut Dice<'_>, files: &mut Files, dir: &str, out: &mut String) {
    if dice.once_in(4) {
        out.push_str("openapi: {version: v1.21.2}\n");
        return;
    }
    let merge = match dice.below(4) {
        0 => {
            ", \"x-kubernetes-patch-merge-key\": \"name\", \"x-kubernetes-patch-strategy\": \"merge\""
        }
        1 => {
            ", \"x-kubernetes-list-map-keys\": [\"name\", \"v\"], \"x-kubernetes-list-type\": \"map\""
        }
        2 => ", \"x-kubernetes-patch-strategy\": \"replace\"",
        _ => "",
    };
    let scope = match dice.below(3) {
        0 => "",
        1 => {
            ", \"paths\": {\"/apis/example.com/v1alpha1/namespaces/{namespace}/widgets/{name}\": {\"get\": {\"x-kubernetes-action\": \"get\", \"x-kubernetes-group-version-kind\": {\"group\": \"example.com\", \"kind\": \"Widget\", \"version\": \"v1alpha1\"}}}}"
        }
        _ => {
            ", \"paths\": {\"/apis/example.com/v1alpha1/widgets/{name}\": {\"get\": {\"x-kubernetes-action\": \"get\", \"x-kubernetes-group-version-kind\": {\"group\": \"example.com\", \"kind\": \"Widget\", \"version\": \"v1alpha1\"}}}}"
        }
    };
    let text = format!(
        "{{\"definitions\": {{\"v1alpha1.Widget\": {{\"type\": \"object\", \"x-kubernetes-group-version-kind\": [{{\"group\": \"example.com\", \"kind\": \"Widget\", \"version\": \"v1alpha1\"}}], \"properties\": {{\"spec\": {{\"$ref\": \"#/definitions/v1alpha1.WidgetSpec\"}}}}}}, \"v1alpha1.WidgetSpec\": {{\"type\": \"object\", \"properties\": {{\"list\": {{\"type\": \"array\", \"items\": {{\"type\": \"object\"}}{merge}}}, \"template\": {{\"$ref\": \"#/definitions/io.k8s.api.core.v1.PodTemplateSpec\"}}}}}}}}{scope}}}\n"
    );
    files.insert(format!("{dir}/schema.json"), text);
    out.push_str("openapi: {path: schema.json}\n");
}
