//! Rendering: a chart's templates over its values, as Helm's engine does.
//!
//! Flows in: a chart whose dependencies are chosen, and its values. Flows out: the text of each template,
//! or an [`Error`] that names template, line and the value that was missing. It must never read
//! a clock or a file; what a cluster holds comes through [`Lookup`].

mod explain;
mod functions;
mod scope;

use std::{
    cell::RefCell,
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use trueup_gotemplate::{Limits, MissingKey, Options, Templates, Value};

pub(crate) use scope::Facts;

use crate::{chart::Chart, error::Error};

/// Answers `lookup` of templates.
pub trait Lookup: Send + Sync {
    /// The object, or the list of them where `name` is empty, as JSON; none where there is none. An error is shown
    /// by the template that asked.
    fn lookup(
        &self,
        api_version: &str,
        kind: &str,
        namespace: &str,
        name: &str,
    ) -> Result<Option<serde_json::Value>, String>;
}

/// What the functions of one render share.
pub(crate) struct State {
    /// How often each template is being included right now.
    pub(crate) included: RefCell<HashMap<String, u32>>,
    /// The cluster, if there is one.
    pub(crate) lookup: Option<Arc<dyn Lookup>>,
}

/// The rendered templates by path, partials left out.
pub(crate) fn render(
    chart: &Chart,
    facts: &Facts<'_>,
    lookup: Option<Arc<dyn Lookup>>,
    limits: Limits,
) -> Result<BTreeMap<String, String>, Error> {
    let scopes = scope::collect(chart, facts);
    // Deeper templates first, so that those of a parent replace theirs of the same name.
    let mut order: Vec<&String> = scopes.keys().collect();
    order.sort_by(|a, b| {
        let depth = |path: &str| path.matches('/').count();
        depth(b).cmp(&depth(a)).then_with(|| b.cmp(a))
    });
    let sources = order
        .iter()
        .filter_map(|path| Some(((*path).clone(), Arc::clone(&scopes.get(*path)?.file.data))))
        .collect();
    let templates = chart.prepared.templates(sources, |sources| {
        let mut templates = Templates::new(functions::all()).with_name("gotpl");
        for (path, data) in sources {
            templates
                .parse(path, &crate::chart::text(data))
                .map_err(|error| explain::parse(path, &error, &scopes))?;
        }
        Ok::<_, Error>(templates)
    })?;
    let state = State {
        included: RefCell::default(),
        lookup,
    };
    let options = Options {
        missing_key: if facts.strict {
            MissingKey::Error
        } else {
            MissingKey::Zero
        },
        limits,
        state: Some(&state),
        ..Options::default()
    };
    let mut rendered = BTreeMap::new();
    for path in order {
        let base = path.rsplit('/').next().unwrap_or(path);
        let Some(scope) = scopes.get(path).filter(|_| !base.starts_with('_')) else {
            continue;
        };
        scope.values.insert(
            "Template",
            crate::objects::values(
                [
                    ("Name".into(), Value::from(path.as_str())),
                    ("BasePath".into(), Value::from(scope.base_path.as_str())),
                ]
                .into_iter()
                .collect(),
            ),
        );
        let dot = crate::objects::values(scope.values.clone());
        let output = templates
            .execute(path, &dot, &options)
            .map_err(|error| explain::execute(&error, &scopes, facts))?;
        let text = output.text;
        rendered.insert(
            path.clone(),
            if memchr::memmem::find(text.as_bytes(), b"<no value>").is_some() {
                text.replace("<no value>", "")
            } else {
                text
            },
        );
    }
    Ok(rendered)
}

/// A text made by a template without data: the name of a release.
pub(crate) fn name(template: &str) -> Result<String, Error> {
    let mut templates = Templates::new(functions::all());
    let name = "name-template";
    templates
        .parse(name, template)
        .and_then(|()| templates.execute(name, &Value::Nil, &Options::default()))
        .map(|output| output.text)
        .map_err(|error| Error::new("helm/name-template", error.text()))
}
