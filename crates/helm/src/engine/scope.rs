//! What each template of a chart and its dependencies sees.

use std::{collections::BTreeMap, sync::Arc};

use trueup_gotemplate::{Map, Value};

use crate::{
    chart::{Chart, File},
    objects,
    render::ReleaseInfo,
    values::{self, Overlay},
};

/// What all templates of a render share.
pub(crate) struct Facts<'f> {
    /// `.Release`.
    pub(crate) release: &'f ReleaseInfo,
    /// `.Capabilities`.
    pub(crate) capabilities: Value,
    /// The values of the chart itself.
    pub(crate) values: Map,
    /// What the user set, for telling where a value comes from.
    pub(crate) overlay: &'f Overlay,
    /// The chart as loaded, for the same.
    pub(crate) chart: &'f Chart,
    /// Whether keys that are missing are errors.
    pub(crate) strict: bool,
}

/// A template with what it sees.
pub(crate) struct Scope {
    pub(crate) file: File,
    /// Where the chart that holds it was read.
    pub(crate) origin: Arc<str>,
    /// The dot, shared by all templates of a chart.
    pub(crate) values: Map,
    pub(crate) base_path: String,
    /// The names of the chart below the root, which lead its values: `db`, `cache`.
    pub(crate) below: Vec<String>,
}

/// All templates by path.
pub(crate) fn collect(chart: &Chart, facts: &Facts<'_>) -> BTreeMap<String, Scope> {
    let mut scopes = BTreeMap::new();
    let walk = Walk {
        release: facts.release.to_value(),
        capabilities: facts.capabilities.clone(),
    };
    walk.chart(chart, chart.name(), None, &facts.values, &[], &mut scopes);
    scopes
}

struct Walk {
    release: Value,
    capabilities: Value,
}

impl Walk {
    fn chart(
        &self,
        chart: &Chart,
        path: &str,
        parent: Option<&Map>,
        root_values: &Map,
        below: &[String],
        scopes: &mut BTreeMap<String, Scope>,
    ) -> Map {
        let own = match parent {
            None => root_values.clone(),
            Some(parent) => values_of(parent)
                .and_then(|values| values::table(&values, chart.name()))
                .unwrap_or_default(),
        };
        let subcharts = Map::new();
        let scope = Map::new();
        scope.insert("Chart", objects::chart(&chart.metadata, parent.is_none()));
        scope.insert("Files", objects::files(&chart.files));
        scope.insert("Release", self.release.clone());
        scope.insert("Capabilities", self.capabilities.clone());
        scope.insert("Values", objects::values(own));
        scope.insert("Subcharts", Value::Map(subcharts.clone()));
        for dependency in &chart.dependencies {
            let mut names = below.to_vec();
            names.push(dependency.name().to_owned());
            let path = chart.path_of(path, dependency);
            let inner = self.chart(dependency, &path, Some(&scope), root_values, &names, scopes);
            subcharts.insert(dependency.name(), Value::Map(inner));
        }
        for file in &chart.templates {
            let base = file.name.rsplit('/').next().unwrap_or(&file.name);
            if chart.is_library() && !base.starts_with('_') {
                continue;
            }
            scopes.insert(
                format!("{path}/{}", file.name),
                Scope {
                    file: file.clone(),
                    origin: Arc::clone(&chart.origin),
                    values: scope.clone(),
                    base_path: format!("{path}/templates"),
                    below: below.to_vec(),
                },
            );
        }
        scope
    }
}

fn values_of(scope: &Map) -> Option<Map> {
    match scope.get("Values")?.underlying()? {
        Value::Map(map) => Some(map),
        _ => None,
    }
}
