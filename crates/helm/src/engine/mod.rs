//! Rendering: a chart's templates over its values, as Helm's engine does.
//!
//! Flows in: a chart whose dependencies are chosen, and its values. Flows out: the text of each template,
//! or an [`Error`] that names template, line and the value that was missing. It must never read
//! a clock or a file; what a cluster holds comes through [`Lookup`].

mod explain;
mod functions;
mod scope;

use std::{borrow::Cow, cell::RefCell, collections::BTreeMap, ops::Range, sync::Arc};

use foldhash::HashMap;
use trueup_gotemplate::{
    Functions, Limits, MissingKey, Options, Output, Templates, Value, Watch, sprig,
};

use self::scope::Scope;

pub(crate) use scope::Facts;

use crate::{
    chart::Chart,
    draws::{Draws, Scene, Trail},
    error::Error,
};

/// Answers `lookup` of templates.
pub trait Lookup: Send + Sync {
    /// The object, or the list of them where `name` is empty, as JSON; none where there is none. An error is shown
    /// by the template that asked. What a Secret holds is marked: it is masked wherever it gets to.
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
    /// What was drawn before, if that is kept.
    draws: Option<Arc<dyn Draws>>,
    /// Where the render is.
    pub(crate) trail: Trail,
    scopes: Arc<BTreeMap<String, Scope>>,
}

impl State {
    /// Notes that a template is begun, where anybody keeps what it draws. Whether that was noted.
    fn follow(&self, name: &str, given: &Value) -> bool {
        if self.draws.is_none() {
            return false;
        }
        if self.scopes.contains_key(name) {
            self.trail.enter(name);
        } else {
            self.trail.enter_named(name, given.clone());
        }
        true
    }
}

impl Watch for State {
    fn begins(&self, template: &str, dot: &Value) {
        self.follow(template, dot);
    }

    fn ends(&self) {
        self.trail.leave();
    }
}

impl Scene for State {
    fn draws(&self) -> Option<&dyn Draws> {
        self.draws.as_deref()
    }

    fn trail(&self) -> &Trail {
        &self.trail
    }

    fn text(&self, file: &str) -> Option<Cow<'_, str>> {
        Some(self.scopes.get(file)?.file.text())
    }
}

/// A rendered template.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Rendered {
    pub(crate) text: String,
    /// The bytes of the text that are secret, in order.
    pub(crate) secrets: Vec<Range<usize>>,
}

/// What a render may ask beside its values.
#[derive(Clone, Default)]
pub(crate) struct Beside {
    pub(crate) lookup: Option<Arc<dyn Lookup>>,
    pub(crate) draws: Option<Arc<dyn Draws>>,
    /// Whether some of the values are marked secret.
    pub(crate) secrets: bool,
}

/// The rendered templates by path, partials left out.
pub(crate) fn render(
    chart: &Chart,
    facts: &Facts<'_>,
    beside: Beside,
    limits: Limits,
) -> Result<BTreeMap<String, Rendered>, Error> {
    let scopes = Arc::new(scope::collect(chart, facts));
    // Deeper templates first, so that those of a parent replace theirs of the same name.
    let mut order: Vec<&String> = scopes.keys().collect();
    order.sort_by(|a, b| {
        let depth = |path: &str| path.matches('/').count();
        depth(b).cmp(&depth(a)).then_with(|| b.cmp(a))
    });
    let sources = order
        .iter()
        .filter_map(|path| Some(((*path).clone(), scopes.get(*path)?.file.data.clone())))
        .collect();
    let templates = chart.prepared.templates(sources, |sources| {
        let mut templates = Templates::new(functions::all()).with_name("gotpl");
        for (path, data) in sources {
            templates
                .parse_shared(path, &data.text())
                .map_err(|error| explain::parse(path, &error, &scopes))?;
        }
        Ok::<_, Error>(templates)
    })?;
    let state = State {
        included: RefCell::default(),
        lookup: beside.lookup,
        draws: beside.draws,
        trail: Trail::default(),
        scopes: Arc::clone(&scopes),
    };
    let options = Options {
        missing_key: if facts.strict {
            MissingKey::Error
        } else {
            MissingKey::Zero
        },
        limits,
        secrets: beside.secrets || state.lookup.is_some() || state.draws.is_some(),
        state: Some(&state),
        // Nobody else wants to know.
        watch: state.draws.is_some().then_some(&state as &dyn Watch),
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
        state.trail.enter(path);
        let output = templates.execute(path, &dot, &options);
        state.trail.leave();
        let output = output.map_err(|error| explain::execute(&error, &scopes, facts))?;
        rendered.insert(path.clone(), without_no_value(output));
    }
    Ok(rendered)
}

/// Helm prints nothing for a missing value.
fn without_no_value(output: Output) -> Rendered {
    const GONE: &str = "<no value>";
    let Output { text, mut secrets } = output;
    if memchr::memmem::find(text.as_bytes(), GONE.as_bytes()).is_none() {
        return Rendered { text, secrets };
    }
    let gone: Vec<usize> = text.match_indices(GONE).map(|(at, _)| at).collect();
    let moved = |offset: usize| {
        let before = gone.partition_point(|at| at + GONE.len() <= offset);
        offset - before * GONE.len()
    };
    for range in &mut secrets {
        *range = moved(range.start)..moved(range.end);
    }
    secrets.retain(|range| !range.is_empty());
    Rendered {
        text: text.replace(GONE, ""),
        secrets,
    }
}

/// A text made by a template without data: the name of a release.
pub(crate) fn name(template: &str) -> Result<String, Error> {
    // With Sprig alone, as Helm reads it.
    let mut functions = Functions::new();
    sprig::add(&mut functions);
    functions.remove("env");
    functions.remove("expandenv");
    let mut templates = Templates::new(Arc::new(functions));
    let name = "name-template";
    templates
        .parse(name, template)
        .and_then(|()| templates.execute(name, &Value::Nil, &Options::default()))
        .map(|output| output.text)
        .map_err(|error| Error::new("helm/name-template", error.text()))
}
