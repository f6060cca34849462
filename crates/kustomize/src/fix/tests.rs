use trueup_yaml::Source;

use super::*;

fn fixed(text: &str) -> Fixed {
    let is_file = |path: &str| !path.contains(' ');
    let vars = Err("it has no successor".to_owned());
    fix(&Source::new("kustomization.yaml", text), &is_file, &vars).unwrap()
}

#[test]
fn each_deprecated_field_becomes_its_successor_and_comments_stay() {
    for (old, new) in [
        (
            "# top\nbases: # all of them\n- ../a # first\n# second\n- ../b\n\n# then\nnamePrefix: x-\n",
            "# top\nresources: # all of them\n- ../a # first\n# second\n- ../b\n\n# then\nnamePrefix: x-\n",
        ),
        (
            "resources:\n  - a.yaml\n# bases\nbases:\n- ../b\nnamePrefix: x-\n",
            "resources:\n  - a.yaml\n  - ../b\n# bases\nnamePrefix: x-\n",
        ),
        (
            "bases: [../b, ../c]\nresources: [a.yaml, b.yaml]\n",
            "resources:\n- a.yaml\n- b.yaml\n- ../b\n- ../c\n",
        ),
        (
            "imageTags:\n- name: nginx\n  newTag: v1\n",
            "images:\n- name: nginx\n  newTag: v1\n",
        ),
        (
            "commonLabels:\n  # who\n  team: a\n  app: b\nresources: []\n",
            "labels:\n- includeSelectors: true\n  pairs:\n    # who\n    team: a\n    app: b\nresources: []\n",
        ),
        (
            "commonLabels: {team: a}\nlabels:\n- pairs: {x: y}\n",
            "labels:\n- pairs: {x: y}\n- includeSelectors: true\n  pairs: {team: a}\n",
        ),
        (
            "patchesStrategicMerge:\n- a.yaml # why\n- |-\n  kind: X\n  a:\n    b: c\n\n  d: e\n- b.yaml\n",
            "patches:\n- path: a.yaml # why\n- patch: |-\n    kind: X\n    a:\n      b: c\n\n    d: e\n- path: b.yaml\n",
        ),
        (
            "patchesJson6902:\n- target: {kind: X}\n  path: j.yaml\npatchesStrategicMerge: [a.yaml]\npatches:\n- path: p.yaml\n",
            "patches:\n- path: p.yaml\n- target: {kind: X}\n  path: j.yaml\n- path: a.yaml\n",
        ),
        ("bases: []\nresources:\n- a\n", "resources:\n- a\n"),
        (
            "configMapGenerator:\n- name: a\n  env: a.env # why\n- {name: b, env: 'b.env'}\nsecretGenerator:\n- env: c.env\n  name: c\n",
            "configMapGenerator:\n- name: a\n  envs: [a.env] # why\n- {name: b, envs: ['b.env']}\nsecretGenerator:\n- envs: [c.env]\n  name: c\n",
        ),
        (
            "helmChartInflationGenerator:\n# the one\n- helmBin: helm\n  chartName: web # here\n  chartHome: ./charts\n  valuesLocal:\n    name: x\n    # deep\n    list:\n    - a: b\n  extraArgs:\n  - --debug\n  releaseName: r\n",
            "helmCharts:\n# the one\n- name: web # here\n  valuesInline:\n    name: x\n    # deep\n    list:\n    - a: b\n  releaseName: r\nhelmGlobals:\n  chartHome: ./charts\n",
        ),
    ] {
        let fixed = fixed(old);
        assert_eq!(fixed.text.as_deref(), Some(new), "{old}");
        assert!(fixed.left.is_empty(), "{old}: {:?}", fixed.left);
    }
}

#[test]
fn what_cannot_be_moved_line_by_line_is_left_and_said() {
    for (text, message) in [
        ("{bases: [../a]}\n", "not one field after another"),
        ("bases: &x [../a]\ncomponents: *x\n", "an anchor or alias"),
        (
            "commonLabels: {a: b}\nlabels:\n- pairs: {a: c}\n",
            "the label `a` is in `labels` too",
        ),
        ("vars:\n- name: X\n", "`vars` is left as it is"),
        (
            "resources:\nbases: [../a]\n",
            "`resources` is there and empty",
        ),
    ] {
        let fixed = fixed(text);
        assert_eq!(fixed.text, None, "{text}");
        assert!(fixed.left[0].message.contains(message), "{:?}", fixed.left);
    }
    assert!(fixed("resources: [a]\n").left.is_empty());
}
