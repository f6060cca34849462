//! What a kustomization tells whoever inflates its charts.

#![allow(clippy::unwrap_used, reason = "a test says what is wrong by failing")]

use trueup_kustomize::{Chart, ChartInflator, Inflated, Options, ValuesMerge, build, merge_values};
use trueup_manifest::{MemoryTree, Tree, TreePath};

/// Inflates every chart to one object that says what was asked for.
struct Told;

impl ChartInflator for Told {
    fn inflate(&self, _: &dyn Tree, _: &TreePath, chart: &Chart) -> Result<Inflated, String> {
        let text = format!(
            "kind: Told\nmetadata: {{name: {}}}\nnamespace: '{}'\n",
            chart.name, chart.namespace
        );
        let repeatable = true;
        Ok(Inflated { text, repeatable })
    }

    fn settings(&self) -> String {
        String::new()
    }
}

/// What is printed for `top`, or why it is refused.
fn built(base: &str, top: &str) -> Result<String, String> {
    let mut tree = MemoryTree::new();
    tree.add("base/kustomization.yaml", base).unwrap();
    tree.add("base/charts/app/values.yaml", "").unwrap();
    let generator = "apiVersion: builtin\nkind: HelmChartInflationGenerator\nmetadata: {name: app}\nname: app\n";
    tree.add("base/chart.yaml", generator).unwrap();
    tree.add("top/kustomization.yaml", top).unwrap();
    let options = Options {
        charts: Some(&Told),
        ..Options::default()
    };
    build(&tree, &TreePath::new("top").unwrap(), &options)
        .map(|built| built.to_yaml())
        .map_err(|findings| findings.to_string())
}

#[test]
fn the_nearest_namespace_is_that_of_the_release() {
    let chart = "helmCharts: [{name: app}]\n";
    let named = "helmCharts: [{name: app, namespace: own}]\nnamespace: base\n";
    let of_base = "helmCharts: [{name: app}]\nnamespace: base\n";
    let component = "helmCharts: [{name: app}]\nkind: Component\nnamespace: component\n";
    let plain = "resources: [../base]\n";
    let of_top = "resources: [../base]\nnamespace: top\n";
    for (base, top, expected) in [
        (chart, plain, ""),
        (chart, of_top, "top"),
        (of_base, plain, "base"),
        (of_base, of_top, "base"),
        (named, of_top, "own"),
        (
            component,
            "components: [../base]\nnamespace: top\n",
            "component",
        ),
        ("generators: [chart.yaml]\nnamespace: base\n", of_top, ""),
    ] {
        let found = built(base, top).unwrap();
        let expected = format!("namespace: {expected}\n").replace(": \n", ": \"\"\n");
        assert!(found.contains(&expected), "{base}{top}{found}");
    }
}

#[test]
fn a_release_has_a_name_or_a_template_of_it() {
    let both = "helmCharts: [{name: app, releaseName: a, nameTemplate: b}]\n";
    let refused = built(both, "resources: [../base]\n").unwrap_err();
    assert!(
        refused.contains("both `releaseName` and `nameTemplate`"),
        "{refused}"
    );
}

#[test]
fn a_number_over_a_quoted_value_stays_a_number() {
    let file = "a: \"true\"\nb: 'x'\nc: {d: \"1\"}\ne: \"2\"\n";
    let inline = "{\"a\":16,\"b\":true,\"c\":{\"d\":1.5},\"e\":\"3\"}";
    let merged = merge_values(inline, file, ValuesMerge::Override).unwrap();
    assert_eq!(merged, inline);
}
