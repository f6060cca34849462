//! Deprecated fields inside others: `env` of a generator, and the fields of
//! `helmChartInflationGenerator`.

use trueup_yaml::{Document, Kind, NodeId, Source, Style};

use super::{lines::Item, parse};

/// The text with `envs: [file]` in place of each `env: file` of a generator, or why one stays.
pub(super) fn envs(source: &Source) -> Result<Option<String>, String> {
    let doc = parse(source).map_err(|_| "its lines are unusual".to_owned())?;
    let mut edits: Vec<(std::ops::Range<usize>, String)> = Vec::new();
    for field in ["configMapGenerator", "secretGenerator"] {
        let list = doc.get(doc.root(), field);
        for item in list.into_iter().flat_map(|list| doc.items(list)) {
            let Some((key, value)) = doc.get_entry(item, "env") else {
                continue;
            };
            if doc.get(item, "envs").is_some() {
                return Err("a generator has `env` and `envs`".to_owned());
            }
            if doc.kind(value) != Kind::Scalar || doc.anchor(value).is_some() {
                return Err("an `env` is not written as one word".to_owned());
            }
            let written = written(&doc, source, value).ok_or("an `env` is written oddly")?;
            edits.push((
                range(&doc, key).ok_or("its lines are unusual")?,
                "envs".to_owned(),
            ));
            edits.push((written.0, format!("[{}]", written.1)));
        }
    }
    if edits.is_empty() {
        return Ok(None);
    }
    edits.sort_by_key(|(range, _)| std::cmp::Reverse(range.start));
    let mut text = source.text().to_owned();
    for (range, new) in edits {
        text.replace_range(range, &new);
    }
    Ok(Some(text))
}

fn range(doc: &Document, node: NodeId) -> Option<std::ops::Range<usize>> {
    let span = doc.location(node)?.span;
    Some(span.start as usize..span.end as usize)
}

/// Where a value is written and how, quotes and all.
fn written(
    doc: &Document,
    source: &Source,
    node: NodeId,
) -> Option<(std::ops::Range<usize>, String)> {
    let range = range(doc, node)?;
    let text = source.text().get(range.clone())?;
    let one_line = !text.is_empty() && !text.contains('\n');
    let plain = doc.style(node) == Style::Plain && text.contains([',', '[', ']', '{', '}']);
    (one_line && !plain).then(|| (range, text.to_owned()))
}

/// Old fields of a chart and their successors.
const CHART_FIELDS: [(&str, &str); 7] = [
    ("chartName", "name"),
    ("chartVersion", "version"),
    ("chartRepoUrl", "repo"),
    ("values", "valuesFile"),
    ("valuesLocal", "valuesInline"),
    ("valuesMerge", "valuesMerge"),
    ("releaseName", "releaseName"),
];
/// Old fields that are `helmGlobals` now.
const GLOBALS: [(&str, &str); 2] = [("chartHome", "chartHome"), ("helmHome", "configHome")];
/// Old fields that upstream reads and does nothing with.
const UNUSED: [&str; 4] = ["chartRepoName", "helmBin", "extraArgs", "releaseNamespace"];

/// Items of `helmChartInflationGenerator` as items of `helmCharts`, and the lines of `helmGlobals`.
pub(super) fn charts(items: Vec<Item>) -> Result<(Vec<Item>, Vec<String>), String> {
    let mut globals: Vec<String> = Vec::new();
    let mut charts = Vec::new();
    for item in items {
        let mut out = Item::new();
        let mut dropping = false;
        let mut first = true;
        for line in item {
            let body = line.strip_prefix("- ").or_else(|| line.strip_prefix("  "));
            let own = body.filter(|body| !body.starts_with([' ', '#', '-']) && !body.is_empty());
            let Some(body) = own else {
                if !dropping {
                    out.push(line);
                }
                continue;
            };
            let (key, rest) = body.split_once(':').ok_or("a line is no field")?;
            if key.starts_with('{') {
                return Err("a chart is written on one line".to_owned());
            }
            dropping = false;
            if let Some((_, new)) = CHART_FIELDS.iter().find(|(old, _)| *old == key) {
                let dash = if first { "- " } else { "  " };
                out.push(format!("{dash}{new}:{rest}"));
                first = false;
            } else if let Some((_, new)) = GLOBALS.iter().find(|(old, _)| *old == key) {
                let global = format!("  {new}:{rest}");
                globals.retain(|line| !line.starts_with(&format!("  {new}:")));
                globals.push(global);
            } else if UNUSED.contains(&key) {
                dropping = true;
            } else {
                return Err(format!("`{key}` has no successor"));
            }
        }
        charts.push(out);
    }
    Ok((charts, globals))
}
