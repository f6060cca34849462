//! Values of any form, by files and by expressions, end in a release or in an error; the same each time.
//!
//! The input is the chart's `values.yaml`; after lines `%%%` follow a values file, then expressions, one a line: `s` before
//! it for `--set`, `t` for `--set-string`, `j` for `--set-json`, `l` for `--set-literal`, `f` for `--set-file`.

#![no_main]

use libfuzzer_sys::fuzz_target;
use trueup_helm::{Capabilities, Limits, Overlay, Print, Request, Values, chart::load_dir};
use trueup_manifest::{MemoryTree, TreePath};

const TEMPLATE: &str = "a: {{ toJson .Values | quote }}\nb: {{ .Values.db.x }}\n{{ range $k, $v := .Values }}\
                        # {{ $k | quote }} {{ kindOf $v }}\n{{ end }}";
const CHART: &str = "apiVersion: v2\nname: web\nversion: 1.0.0\ndependencies:\n- {name: db, version: '*', condition: db.on, \
                     tags: [t], import-values: [out, {child: c, parent: p}]}\n";

fuzz_target!(|input: &[u8]| {
    let text = String::from_utf8_lossy(input);
    let mut parts = text.split("\n%%%\n");
    let mut tree = MemoryTree::new();
    for (path, content) in [
        ("Chart.yaml", CHART),
        ("values.yaml", parts.next().unwrap_or_default()),
        ("templates/a.yaml", TEMPLATE),
        ("charts/db/Chart.yaml", "name: db\nversion: 1.2.3\n"),
        ("charts/db/values.yaml", "x: 1\nexports: {out: {y: 2}}\nc: {z: [1]}\nglobal: {g: {h: 1}}\n"),
        ("charts/db/templates/b.yaml", TEMPLATE),
    ] {
        tree.add(path, content).expect("the path is plain");
    }
    let Ok(chart) = load_dir(&tree, &TreePath::root()) else {
        return;
    };
    let mut overlay = Overlay::default();
    if let Ok(values) = Values::parse("values", parts.next().unwrap_or_default().as_bytes()) {
        overlay.files.push(values);
    }
    for line in parts.next().unwrap_or_default().lines() {
        let (kind, expression) = line.split_at_checked(1).unwrap_or(("", ""));
        let expression = expression.to_owned();
        match kind {
            "s" => overlay.set.push(expression),
            "t" => overlay.strings.push(expression),
            "j" => overlay.json.push(expression),
            "l" => overlay.literals.push(expression),
            "f" => overlay.set_files.push(expression),
            _ => {}
        }
    }
    let capabilities = Capabilities::default();
    let mut request = Request::new(&chart, "rel", "ns", &overlay, &capabilities);
    request.limits = Limits {
        fuel: 50_000,
        depth: 50,
        output: 1 << 20,
    };
    let render = || {
        let release = request.render(&mut |path| Ok(path.as_bytes().to_vec()));
        release
            .map(|release| release.print(Print::default()))
            .map_err(|error| error.text().to_owned())
    };
    let first = render();
    assert_eq!(first, render(), "twice the same");
});
