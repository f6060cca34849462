//! How a chart's defaults, its parents' values and the user's become one, by the rules of Helm 3.22
//! (`pkg/chartutil/coalesce.go`).
//!
//! The user's values win; a null of the user deletes a default; a null among the defaults stays.

use trueup_gotemplate::{Map, Value};

use super::deep_copy;
use crate::{chart::Chart, error::Error};

const GLOBAL: &str = "global";

/// The values that the chart's templates see; `values` is not changed.
pub(crate) fn coalesce(
    chart: &Chart,
    values: &Map,
    warnings: &mut Vec<String>,
) -> Result<Map, Error> {
    run(chart, values, false, warnings)
}

/// As [`coalesce`], but nulls of the user stay, to delete what another chart brings.
pub(crate) fn merge(chart: &Chart, values: &Map, warnings: &mut Vec<String>) -> Result<Map, Error> {
    run(chart, values, true, warnings)
}

fn run(chart: &Chart, values: &Map, merge: bool, warnings: &mut Vec<String>) -> Result<Map, Error> {
    let dest = deep_copy(values);
    Coalesce { merge, warnings }.chart(chart, &dest, "")?;
    Ok(dest)
}

struct Coalesce<'w> {
    merge: bool,
    warnings: &'w mut Vec<String>,
}

fn join(prefix: &str, name: &str) -> String {
    if prefix.is_empty() {
        name.to_owned()
    } else {
        format!("{prefix}.{name}")
    }
}

impl Coalesce<'_> {
    fn warn(&mut self, text: String) {
        self.warnings.push(text);
    }

    fn chart(&mut self, chart: &Chart, dest: &Map, prefix: &str) -> Result<(), Error> {
        self.own_values(chart, dest, prefix);
        let below = join(prefix, chart.name());
        for dependency in &chart.dependencies {
            let name = dependency.name();
            let table = match dest.get(name) {
                None => {
                    let table = Map::new();
                    dest.insert(name, Value::Map(table.clone()));
                    table
                }
                Some(Value::Map(table)) => table,
                Some(other) => {
                    let text = format!("type mismatch on {name}: {}", percent_t(&other));
                    return Err(Error::new("helm/values", text).help(format!(
                        "`{name}` is a chart that `{}` depends on: set a mapping of its values",
                        chart.name()
                    )));
                }
            };
            self.globals(&table, dest, &below);
            self.chart(dependency, &table, &below)?;
        }
        Ok(())
    }

    /// The parent's globals into those of a dependency; the parent's win.
    fn globals(&mut self, dest: &Map, source: &Map, prefix: &str) {
        let ours = match dest.get(GLOBAL) {
            None => Map::new(),
            Some(Value::Map(map)) => map,
            Some(_) => {
                return self.warn(format!(
                    "warning: skipping globals because destination {GLOBAL} is not a table."
                ));
            }
        };
        let theirs = match source.get(GLOBAL) {
            None => Map::new(),
            Some(Value::Map(map)) => map,
            Some(_) => {
                return self.warn(format!(
                    "warning: skipping globals because source {GLOBAL} is not a table."
                ));
            }
        };
        for (key, value) in theirs.entries() {
            let name = key.to_text().into_owned();
            match (value, ours.get(&name)) {
                (Value::Map(table), None) => ours.insert(key, Value::Map(table.copy())),
                (Value::Map(table), Some(Value::Map(own))) => {
                    let copy = table.copy();
                    self.tables(&copy, &own, &join(prefix, &name), true);
                    ours.insert(key, Value::Map(copy));
                }
                (Value::Map(_), Some(_)) => self.warn(format!(
                    "Conflict: cannot merge map onto non-map for {}. Skipping.",
                    crate::go::quote(&name)
                )),
                (_, Some(Value::Map(_))) => self.warn(format!("key {name} is table. Skipping")),
                (value, _) => ours.insert(key, value),
            }
        }
        dest.insert(GLOBAL, Value::Map(ours));
    }

    /// The chart's defaults under what is set.
    fn own_values(&mut self, chart: &Chart, dest: &Map, prefix: &str) {
        let below = join(prefix, chart.name());
        for (key, value) in chart.values.fresh().entries() {
            let name = key.to_text().into_owned();
            match dest.get(&name) {
                None => dest.insert(key, value),
                Some(Value::Nil) if !self.merge => {
                    dest.remove(&name);
                }
                Some(Value::Map(table)) => match value {
                    Value::Map(defaults) => {
                        let is_chart = chart.dependencies.iter().any(|d| d.name() == name);
                        let path = join(&below, &name);
                        self.tables(&table, &defaults, &path, self.merge || is_chart);
                    }
                    Value::Nil => {}
                    _ => self.warn(format!(
                        "warning: skipped value for {below}.{name}: Not a table."
                    )),
                },
                Some(_) => {}
            }
        }
    }

    /// One table under another, whose values win.
    fn tables(&mut self, dest: &Map, source: &Map, prefix: &str, merge: bool) {
        let mut entries: Vec<(_, Value, bool)> = source
            .entries()
            .into_iter()
            .map(|(key, value)| {
                let set = !value.is_nil();
                (key, value, set)
            })
            .collect();
        // What is null in the destination is null in the source from here on, but only a default that
        // was there is deleted by it.
        for (key, value) in dest.entries() {
            if value.is_nil() {
                match entries.iter_mut().find(|(known, ..)| *known == key) {
                    Some(entry) => entry.1 = Value::Nil,
                    None => entries.push((key, Value::Nil, false)),
                }
            }
        }
        for (key, value, was_set) in entries {
            let name = key.to_text().into_owned();
            let path = join(prefix, &name);
            match (dest.get(&name), value) {
                (Some(Value::Nil), _) if !merge && was_set => {
                    dest.remove(&name);
                }
                (None, value) => dest.insert(key, value),
                (Some(Value::Map(table)), Value::Map(defaults)) => {
                    self.tables(&table, &defaults, &path, merge);
                }
                (Some(_), Value::Map(defaults)) => self.warn(format!(
                    "warning: cannot overwrite table with non table for {path} ({})",
                    shown(&Value::Map(defaults))
                )),
                (Some(Value::Map(_)), value) if !value.is_nil() => self.warn(format!(
                    "warning: destination for {path} is a table. Ignoring non-table value ({})",
                    shown(&value)
                )),
                (Some(_), _) => {}
            }
        }
    }
}

/// `MergeTables` of Helm: one table under another, nulls kept.
pub(crate) fn merge_tables(dest: &Map, source: &Map, warnings: &mut Vec<String>) {
    Coalesce {
        merge: true,
        warnings,
    }
    .tables(dest, source, "", true);
}

/// `%v`, which is how Helm's warnings show values.
fn shown(value: &Value) -> String {
    match value {
        Value::Nil => "<nil>".to_owned(),
        Value::Bool(flag) => flag.to_string(),
        Value::Str(text) if text.has_secrets() => "***".to_owned(),
        Value::Str(text) => text.to_text().into_owned(),
        Value::List(list) => {
            let items: Vec<String> = list.items().iter().map(shown).collect();
            format!("[{}]", items.join(" "))
        }
        Value::Map(map) => {
            let pairs: Vec<String> = map
                .entries()
                .iter()
                .map(|(key, value)| format!("{}:{}", key.to_text(), shown(value)))
                .collect();
            format!("map[{}]", pairs.join(" "))
        }
        other => match (other.as_int(), other.as_float()) {
            (Some(number), _) => number.to_string(),
            (_, Some(number)) => crate::go::format_g(number, false),
            _ => String::new(),
        },
    }
}

/// `%t` of something that is hardly ever a boolean.
fn percent_t(value: &Value) -> String {
    match value {
        Value::Bool(flag) => flag.to_string(),
        Value::Nil => "%!t(<nil>)".to_owned(),
        other => format!("%!t({}={})", other.type_name(), shown(other)),
    }
}
