//! Which of the charts that a chart depends on take part, and what values it takes from them
//! (`pkg/chartutil/dependencies.go` of Helm 3.22).

use trueup_gotemplate::{Map, Value};

use crate::{
    chart::{Chart, Dependency, Import},
    error::Error,
    values::{self, Values},
    version,
};

/// Refuses a chart whose `charts/` lacks one that it depends on.
pub(crate) fn check(chart: &Chart) -> Result<(), Error> {
    let missing: Vec<&str> = chart
        .metadata
        .dependencies
        .iter()
        .flatten()
        .filter(|wanted| {
            !chart
                .dependencies
                .iter()
                .any(|have| have.name() == wanted.name)
        })
        .map(|wanted| wanted.name.as_str())
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    let text = format!(
        "An error occurred while checking for chart dependencies. You may need to run `helm \
         dependency build` to fetch missing dependencies: found in Chart.yaml, but missing in \
         charts/ directory: {}",
        missing.join(", ")
    );
    Err(Error::new("helm/missing-dependency", text).help(format!(
        "run `trueup helm dependency build {}` and commit `charts/`, or remove the dependency",
        chart.origin
    )))
}

/// Drops the charts that conditions and tags turn off, makes copies for aliases, and takes over
/// `import-values`; for the chart and all below it.
pub(crate) fn process(
    chart: &mut Chart,
    values: &Map,
    warnings: &mut Vec<String>,
) -> Result<(), Error> {
    choose(chart, values, "", warnings)?;
    import(chart, warnings)
}

fn choose(
    chart: &mut Chart,
    values: &Map,
    path: &str,
    warnings: &mut Vec<String>,
) -> Result<(), Error> {
    let Some(mut wanted) = chart.metadata.dependencies.clone() else {
        return Ok(());
    };
    let fits = |have: &Chart, wanted: &Dependency| {
        have.name() == wanted.name && version::fits(&wanted.version, &have.metadata.version)
    };
    // What is in `charts/` but not in the list always takes part, and comes first.
    let mut chosen: Vec<Chart> = chart
        .dependencies
        .iter()
        .filter(|have| !wanted.iter().any(|wanted| fits(have, wanted)))
        .cloned()
        .collect();
    for wanted in &mut wanted {
        if let Some(have) = chart.dependencies.iter().find(|have| fits(have, wanted)) {
            let mut copy = have.clone();
            if !wanted.alias.is_empty() {
                copy.metadata.name = wanted.alias.as_str().into();
                copy.parent_name = Some(have.metadata.name.clone());
            }
            chosen.push(copy);
        }
        if !wanted.alias.is_empty() {
            wanted.name.clone_from(&wanted.alias);
        }
        wanted.enabled = true;
    }
    chart.dependencies = chosen;
    // From here on the dependencies have this very chart as their parent.
    chart.parent_name = None;
    chart.metadata.dependencies = Some(wanted.clone());
    let all = values::coalesce(chart, values, warnings)?;
    by_tags(&mut wanted, &all, warnings);
    by_conditions(&mut wanted, &all, path, warnings);
    let off: Vec<&str> = wanted
        .iter()
        .filter(|wanted| !wanted.enabled)
        .map(|wanted| wanted.name.as_str())
        .collect();
    chart
        .dependencies
        .retain(|have| !off.contains(&have.name()));
    let kept: Vec<Dependency> = wanted
        .iter()
        .filter(|wanted| !off.contains(&wanted.name.as_str()))
        .cloned()
        .collect();
    for dependency in &mut chart.dependencies {
        let path = format!("{path}{}.", dependency.name());
        choose(dependency, &all, &path, warnings)?;
    }
    // Helm leaves no list at all where nothing is left of it.
    chart.metadata.dependencies = (!kept.is_empty()).then_some(kept);
    Ok(())
}

fn by_tags(wanted: &mut [Dependency], values: &Map, warnings: &mut Vec<String>) {
    let Some(tags) = values::table(values, "tags") else {
        return;
    };
    for wanted in wanted {
        let (mut on, mut off) = (false, false);
        for tag in &wanted.tags {
            match tags.get(tag) {
                Some(Value::Bool(true)) => on = true,
                Some(Value::Bool(false)) => off = true,
                Some(_) => warnings.push(format!(
                    "Warning: Tag '{tag}' for chart {} returned non-bool value",
                    wanted.name
                )),
                None => {}
            }
        }
        wanted.enabled = on || !off;
    }
}

fn by_conditions(wanted: &mut [Dependency], values: &Map, path: &str, warnings: &mut Vec<String>) {
    for wanted in wanted {
        for condition in wanted.condition.trim().split(',') {
            if condition.is_empty() {
                continue;
            }
            match values::path_value(values, &format!("{path}{condition}")) {
                Some(Value::Bool(enabled)) => {
                    wanted.enabled = enabled;
                    break;
                }
                Some(_) => warnings.push(format!(
                    "Warning: Condition path '{condition}' for chart {} returned non-bool value",
                    wanted.name
                )),
                None => {}
            }
        }
    }
}

/// Takes over `import-values`, the innermost charts first.
fn import(chart: &mut Chart, warnings: &mut Vec<String>) -> Result<(), Error> {
    for dependency in &mut chart.dependencies {
        import(dependency, warnings)?;
    }
    let Some(wanted) = &chart.metadata.dependencies else {
        return Ok(());
    };
    let all = values::merge(chart, &Map::new(), warnings)?;
    let imported = Map::new();
    for wanted in wanted {
        for import in &wanted.import_values {
            let (child, parent) = match import {
                Import::Table { child, parent } => (child.clone(), parent.as_str()),
                Import::Export(name) => (format!("exports.{name}"), "."),
            };
            let Some(found) = values::table(&all, &format!("{}.{child}", wanted.name)) else {
                let from = match import {
                    Import::Table { .. } => format!(" from chart {}", wanted.name),
                    Import::Export(_) => String::new(),
                };
                let last = child.rsplit('.').next().unwrap_or_default();
                warnings.push(format!(
                    "Warning: ImportValues missing table{from}: {} is not a table",
                    crate::go::quote(last)
                ));
                continue;
            };
            values::merge_tables(&imported, &nested(parent, found), warnings);
        }
    }
    // What the parent sets itself wins over what it imports.
    let own = values::deep_copy(&all);
    values::merge_tables(&own, &imported, warnings);
    chart.values = Values::of_map(own);
    Ok(())
}

/// A table put at a dotted path.
fn nested(path: &str, table: Map) -> Map {
    if path == "." {
        return table;
    }
    path.rsplit('.').fold(table, |inner, key| {
        Value::map([(key, Value::Map(inner))])
            .as_map()
            .cloned()
            .unwrap_or_default()
    })
}
