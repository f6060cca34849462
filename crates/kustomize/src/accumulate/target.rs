//! One kustomization: loading it and running its steps in order.

use std::{borrow::Cow, sync::Arc};

use trueup_manifest::{Diagnostic, Diagnostics, Entry, Found, Tree, TreePath};
use trueup_yaml::{Location, Source};

use super::{Accumulator, OriginNote, steps};
use crate::{
    Context,
    generate::{self, What},
    load::{
        At, FileKind, HelmChart, Kustomization, Place, RepoSpec, documents, hidden, is_url,
        load_kustomization,
    },
    openapi::{CustomSchema, Schemas},
    parallel, plugin,
    resource::{Chain, ResMap, Resource},
    trace::{self, TracedFile, TracedStep},
    transform::{self, Transform},
};

/// The one version of Kubernetes' schemas that is built in, as upstream has it.
const BUILTIN_VERSION: &str = "v1.21.2";

/// One kustomization under work.
pub(crate) struct Target<'c, 'a> {
    pub(crate) context: &'c Context<'a>,
    pub(crate) place: Arc<Place<'a>>,
    pub(crate) file: Kustomization,
    file_name: &'static str,
    pub(crate) chain: Chain,
    /// Where this came from, when `buildMetadata` of the outermost kustomization asks for notes.
    pub(crate) origin: Option<OriginNote>,
    /// The namespace that charts of `helmCharts` get which set none.
    pub(crate) chart_namespace: String,
    /// The file with its places, in a build that is traced.
    pub(crate) traced: Option<Arc<TracedFile>>,
}

/// What a generator made, with its step in a build that is traced.
pub(crate) type Made = (Resource, Option<Arc<TracedStep>>);

/// A transformer with the note it leaves.
pub(crate) struct Step {
    pub(crate) transform: Box<dyn Transform>,
    pub(crate) note: Option<Arc<OriginNote>>,
    /// What it is called where the build is traced.
    pub(crate) traced: Option<Arc<TracedStep>>,
}

impl<'c, 'a> Target<'c, 'a> {
    /// The kustomization that is built.
    pub(super) fn start(
        context: &'c Context<'a>,
        tree: &'a dyn Tree,
        dir: &TreePath,
    ) -> Result<Self, Diagnostics> {
        let place = Place::start(tree, dir, context.options().load_restrictor)?;
        Self::outermost(context, place)
    }

    /// As [`Self::start`], for one that lies in a repository elsewhere.
    pub(super) fn start_remote(
        context: &'c Context<'a>,
        tree: &'a dyn Tree,
        address: &str,
    ) -> Result<Self, Diagnostics> {
        let restrictor = context.options().load_restrictor;
        let here = Arc::new(Place::start(tree, &TreePath::root(), restrictor)?);
        let address = At {
            value: address.to_owned(),
            place: None,
        };
        Self::outermost(context, here.enter(context, &address)?)
    }

    fn outermost(context: &'c Context<'a>, place: Place<'a>) -> Result<Self, Diagnostics> {
        let target = Self::load(context, Arc::new(place), &Chain::default())?;
        target
            .choose_schemas(true)
            .map_err(|complaint| target.explain(complaint.into()))?;
        let origin = (!target.file.build_metadata.is_empty()).then(OriginNote::default);
        Ok(Self { origin, ..target })
    }

    fn load(
        context: &'c Context<'a>,
        place: Arc<Place<'a>>,
        above: &Chain,
    ) -> Result<Self, Diagnostics> {
        context.visit()?;
        let chain: Chain = above
            .iter()
            .cloned()
            .chain(std::iter::once(Arc::from(place.show())))
            .collect();
        let (file, file_name) =
            load_kustomization(context, &place).map_err(|wrong| with_chain(wrong, &chain))?;
        let chart_namespace = file.namespace.value.clone();
        let traced = TracedFile::of(context, &place, file_name);
        Ok(Self {
            context,
            traced,
            place,
            file,
            file_name,
            chain,
            origin: None,
            chart_namespace,
        })
    }

    /// Takes the schemas that the kustomization names. The first to name some does so for the build.
    fn choose_schemas(&self, outermost: bool) -> Result<(), Diagnostic> {
        let version = self.file.openapi.get("version");
        let text = match self.file.openapi.get("path") {
            Some(path) => Some((
                path,
                self.place
                    .read_source(self.context, path, path.place.as_ref())?,
            )),
            None => None,
        };
        if !outermost && self.context.schemas_chosen() {
            return Ok(());
        }
        match (version, text) {
            (Some(version), Some(_)) => Err(Diagnostic::error(
                "kustomize/openapi",
                "`openapi` has both `version` and `path`",
            )
            .at(version.place.clone())
            .help("keep one of them")),
            (None, Some((path, source))) => {
                let schema = CustomSchema::parse(&source).map_err(|why| {
                    let message = format!("`{}` is no OpenAPI document: {why}", path.value);
                    Diagnostic::error("kustomize/openapi", message).at(path.place.clone())
                })?;
                let schemas = self.context.schemas().with(schema);
                self.context.choose_schemas(schemas);
                Ok(())
            }
            (Some(version), None) if version.value == BUILTIN_VERSION => {
                let schemas = Schemas::clone(&self.context.schemas());
                self.context.choose_schemas(schemas);
                Ok(())
            }
            (Some(version), None) if !version.is_empty() => {
                let message = format!("the OpenAPI version `{}` is not built in", version.value);
                Err(Diagnostic::error("kustomize/openapi", message)
                    .at(version.place.clone())
                    .help(format!(
                        "write `{BUILTIN_VERSION}`, or name a schema file in `path`"
                    )))
            }
            _ => Ok(()),
        }
    }

    /// Findings of this kustomization say what led to it.
    pub(crate) fn explain(&self, complaints: Diagnostics) -> Diagnostics {
        with_chain(complaints, &self.chain)
    }

    /// All steps of the kustomization on top of `so_far`: nothing, or for a component the objects of
    /// the kustomization that names it.
    pub(super) fn accumulate(&self, so_far: Accumulator) -> Result<Accumulator, Diagnostics> {
        self.steps(so_far)
            .map_err(|complaints| self.explain(complaints))
    }

    fn steps(&self, mut all: Accumulator) -> Result<Accumulator, Diagnostics> {
        let mut complaints = Diagnostics::new();
        complaints.keep(self.add_paths(&mut all));
        self.record(&mut all.resources, "resources");
        let files = &self.file;
        for config in [
            transform::configurations::load(self.context, &self.place, &files.configurations),
            transform::crds::load(self.context, &self.place, &files.crds),
        ] {
            let merged = config.and_then(|config| Ok(all.merge_config(&config)?));
            complaints.keep(merged);
        }
        let made = complaints.keep(self.generate());
        let Some(made) = made.filter(|_| !complaints.has_errors()) else {
            // What is wrong with patches and transformers themselves shows without any object.
            complaints.keep(steps::builtin(self, &all.config));
            complaints.keep(plugin::transformers(self, &files.transformers));
            return Err(complaints);
        };
        self.absorb(&mut all, made)?;
        for path in &self.file.components {
            all = self.add_component(all, path)?;
        }
        self.transform(&mut all)?;
        plugin::validate(self, &mut all)?;
        all.add_vars(&self.file.vars)?;
        Ok(all)
    }

    /// Notes what a field of this kustomization left of each object, in a build that is traced.
    fn record(&self, resources: &mut ResMap, field: &str) {
        if let Some(traced) = &self.traced {
            trace::record(resources, &traced.step(field, None));
        }
    }

    /// As [`Self::record`], for what is done once at the end of a build.
    pub(super) fn record_last(
        &self,
        all: &mut Accumulator,
        name: &str,
        places: impl FnOnce(&Accumulator) -> Vec<(String, Location)>,
    ) {
        if let Some(traced) = &self.traced {
            let step = traced.last_step(name, places(all).into_iter());
            trace::record(&mut all.resources, &step);
        }
    }

    /// Adds what `resources` names, in order. Files that follow each other are read side by side; what
    /// stands after a base waits for it, for it may bring schemas.
    fn add_paths(&self, all: &mut Accumulator) -> Result<(), Diagnostics> {
        let paths = &self.file.resources;
        let found = parallel::map(paths, |path| self.place.find(path));
        let mut complaints = Diagnostics::new();
        let mut at = 0;
        while let Some(rest) = paths.get(at..).filter(|rest| !rest.is_empty()) {
            let run: Vec<(&At<String>, Found)> = rest
                .iter()
                .zip(found.iter().skip(at))
                .map_while(|(path, found)| {
                    let file = found.clone().filter(|found| found.entry == Entry::File);
                    Some((path, file?))
                })
                .collect();
            at += run.len().max(1);
            if run.is_empty() {
                complaints.keep(rest.first().map_or(Ok(()), |path| self.add_path(all, path)));
                continue;
            }
            let loaded = parallel::map(&run, |(path, found)| self.load_found(path, found));
            for resources in loaded {
                complaints.keep(resources.and_then(|resources| all.append_all(resources)));
            }
        }
        complaints.into_result(())
    }

    /// Adds what one entry of `resources` leads to: a file of objects, or a kustomization.
    pub(crate) fn add_path(
        &self,
        all: &mut Accumulator,
        path: &At<String>,
    ) -> Result<(), Diagnostics> {
        if is_url(path) {
            return self.add_url(all, path);
        }
        let local = self.place.entry(path);
        let is_repo = RepoSpec::parse(path).is_some();
        if local == Some(Entry::File) {
            let resources = self.load_file(path)?;
            return all.append_all(resources);
        }
        if local.is_none() && !is_repo && path.starts_with('/') {
            self.place.read(self.context, path, path.place.as_ref())?;
            let resources = self.load_file(path)?;
            return all.append_all(resources);
        }
        let chosen = self.context.schemas_chosen();
        let base = self.enter(path, FileKind::Kustomization)?;
        let base = base.accumulate(Accumulator::default())?;
        self.ask_scopes(all, chosen);
        all.merge(base)
    }

    /// Where a base or component has just chosen the schemas, they count for the objects that came before it as well.
    fn ask_scopes(&self, all: &mut Accumulator, chosen_before: bool) {
        if !chosen_before && self.context.schemas_chosen() {
            let schemas = self.context.schemas();
            parallel::each(all.resources.edit(), |resource| {
                resource.ask_scope(&schemas);
            });
        }
    }

    /// Adds what an address over HTTP leads to. Only asking tells whether that is a file or a
    /// repository; what holds objects is a file. The likelier way is tried first.
    fn add_url(&self, all: &mut Accumulator, path: &At<String>) -> Result<(), Diagnostics> {
        let spec = RepoSpec::parse(path);
        let as_base = |all: &mut Accumulator, base: Self| {
            let accumulated = base.accumulate(Accumulator::default())?;
            all.merge(accumulated)
        };
        let mut wrong = Diagnostics::new();
        let marked = spec.as_ref().is_some_and(RepoSpec::is_marked);
        if marked {
            match self.enter(path, FileKind::Kustomization) {
                Ok(base) => return as_base(all, base),
                Err(findings) => wrong.extend(findings),
            }
        }
        let of_file = match self.load_file(path) {
            Ok(resources) => return all.append_all(resources),
            Err(findings) => findings,
        };
        if marked {
            return Err(wrong);
        }
        if spec.is_none() {
            return Err(of_file);
        }
        match self.enter(path, FileKind::Kustomization) {
            Ok(base) => as_base(all, base),
            Err(findings) => Err(neither(path, of_file, findings)),
        }
    }

    /// The objects of a file, with notes of their origin.
    fn load_file(&self, path: &At<String>) -> Result<Vec<Resource>, Diagnostics> {
        let source = self
            .place
            .read_source(self.context, path, path.place.as_ref())?;
        self.objects(path, &source)
    }

    /// [`Self::load_file`] for a file that was found already.
    fn load_found(&self, path: &At<String>, found: &Found) -> Result<Vec<Resource>, Diagnostics> {
        let source = self.place.read_found(path, found, path.place.as_ref())?;
        self.objects(path, &source)
    }

    fn objects(&self, path: &At<String>, source: &Source) -> Result<Vec<Resource>, Diagnostics> {
        let note = self
            .origin
            .as_ref()
            .map(|origin| Arc::new(origin.append(path)));
        let schemas = self.context.schemas();
        let resources = documents(self.context, source)?.into_iter().map(|doc| {
            let mut resource = Resource::new(doc, Chain::clone(&self.chain), &schemas);
            resource.set_origin(note.clone());
            resource
        });
        Ok(resources.collect())
    }

    /// The kustomization that a path names.
    fn enter(&self, path: &At<String>, kind: FileKind) -> Result<Self, Diagnostics> {
        let place = Arc::new(self.place.enter(self.context, path)?);
        let target = Self::load(self.context, place, &self.chain)
            .map_err(|findings| named_at(findings, path))?;
        target
            .choose_schemas(false)
            .map_err(|complaint| target.explain(complaint.into()))?;
        if target.file.kind != kind {
            let (message, help) = match kind {
                FileKind::Component => (
                    "is no component",
                    "name it under `resources`, or write `kind: Component` in it",
                ),
                FileKind::Kustomization => ("is a component", "name it under `components`"),
            };
            return Err(Diagnostic::error(
                "kustomize/wrong-kind",
                format!("`{}` {message}", path.value),
            )
            .at(path.place.clone())
            .help(help)
            .into());
        }
        let chart_namespace = if target.file.namespace.is_empty() {
            self.chart_namespace.clone()
        } else {
            target.chart_namespace
        };
        Ok(Self {
            origin: self.origin.as_ref().map(|origin| origin.append(path)),
            chart_namespace,
            ..target
        })
    }

    /// Runs a component on what is there so far.
    fn add_component(
        &self,
        mut all: Accumulator,
        path: &At<String>,
    ) -> Result<Accumulator, Diagnostics> {
        let chosen = self.context.schemas_chosen();
        let component = self.enter(path, FileKind::Component)?;
        self.ask_scopes(&mut all, chosen);
        let mut all = component.accumulate(all)?;
        // Upstream merges the result into an empty one: what a narrower field spec before it covers is lost.
        let config = std::mem::replace(&mut all.config, transform::empty_config());
        all.merge_config(&config)?;
        let unique = transform::refuse_duplicates(&mut all.resources);
        unique.map_err(|complaint| component.explain(complaint.into()))?;
        Ok(all)
    }

    /// The note that a builtin of this kustomization leaves.
    pub(super) fn note(&self, kind: &str) -> Option<Arc<OriginNote>> {
        let origin = self.origin.as_ref()?;
        Some(Arc::new(origin.builtin(self.file_name, kind)))
    }

    /// The note of something written inside this kustomization's file.
    pub(crate) fn inline_note(&self) -> Option<Arc<OriginNote>> {
        let origin = self.origin.as_ref()?;
        Some(Arc::new(origin.append(self.file_name)))
    }

    /// What the generators make.
    fn generate(&self) -> Result<Vec<Made>, Diagnostics> {
        let mut complaints = Diagnostics::new();
        let mut made: Vec<Made> = Vec::new();
        for (what, specs, kind, field) in [
            (
                What::ConfigMap,
                &self.file.config_map_generator,
                "ConfigMapGenerator",
                "configMapGenerator",
            ),
            (
                What::Secret,
                &self.file.secret_generator,
                "SecretGenerator",
                "secretGenerator",
            ),
        ] {
            let note = if specs.is_empty() {
                None
            } else {
                self.note(kind)
            };
            for spec in specs {
                let global = self.file.generator_options.as_ref();
                let options = generate::with_global(spec.options.as_ref(), global);
                let resource = generate::generate(
                    self.context,
                    &self.place,
                    &self.chain,
                    what,
                    spec,
                    options.as_ref(),
                );
                if let Some(mut resource) = complaints.keep(resource) {
                    resource.set_origin(note.clone());
                    let traced = self.traced.as_ref();
                    let step = |file: &Arc<TracedFile>| {
                        file.generated(field, self.context, &self.place, spec)
                    };
                    made.push((resource, traced.map(step)));
                }
            }
        }
        let note = self.note("HelmChartInflationGenerator");
        for (index, chart) in self.file.helm_charts.iter().enumerate() {
            let traced = self.traced.as_ref();
            let step = traced.map(|file| file.step("helmCharts", Some(index)));
            let chart = self.in_namespace(chart);
            let objects = plugin::chart::inflate(self, &chart, &self.file.helm_globals);
            for mut resource in complaints.keep(objects).unwrap_or_default() {
                resource.set_origin(note.clone());
                made.push((resource, step.clone()));
            }
        }
        let configured = plugin::generate(self);
        made.extend(complaints.keep(configured).unwrap_or_default());
        complaints.into_result(made)
    }

    /// A chart of `helmCharts` in the nearest namespace there is. One of a generator's file has its own or none
    /// (upstream's `kusttarget_configplugin.go`).
    fn in_namespace<'h>(&self, chart: &'h HelmChart) -> Cow<'h, HelmChart> {
        if !chart.namespace.is_empty() || self.chart_namespace.is_empty() {
            return Cow::Borrowed(chart);
        }
        Cow::Owned(HelmChart {
            namespace: self.chart_namespace.clone(),
            ..chart.clone()
        })
    }

    /// Adds what generators made, or merges it into what is there.
    fn absorb(&self, all: &mut Accumulator, made: Vec<Made>) -> Result<(), Diagnostics> {
        let mut complaints = Diagnostics::new();
        for (resource, step) in made {
            complaints.keep(all.absorb(self.context, resource));
            if let Some(step) = step {
                trace::record(&mut all.resources, &step);
            }
        }
        complaints.into_result(())
    }

    fn transform(&self, all: &mut Accumulator) -> Result<(), Diagnostics> {
        let mut complaints = Diagnostics::new();
        let mut steps = complaints
            .keep(steps::builtin(self, &all.config))
            .unwrap_or_default();
        let configured = plugin::transformers(self, &self.file.transformers);
        steps.extend(complaints.keep(configured).unwrap_or_default());
        complaints.into_result(())?;
        run_steps(self.context, &steps, &mut all.resources)
    }
}

/// Runs transformers one after the other.
pub(crate) fn run_steps(
    context: &Context<'_>,
    steps: &[Step],
    resources: &mut ResMap,
) -> Result<(), Diagnostics> {
    for step in steps {
        if !step.transform.minds_no_gaps() {
            resources.settle();
        }
        step.transform.apply(context, resources)?;
        if let Some(traced) = &step.traced {
            trace::record(resources, traced);
        }
        let Some(note) = &step.note else { continue };
        for _ in 0..step.transform.count() {
            for resource in resources.edit_fields() {
                resource.annotations_to_text();
                match resource.book.origin {
                    None => resource.set_origin(Some(Arc::clone(note))),
                    Some(_) => resource.book.transformations.push(Arc::clone(note)),
                }
            }
        }
    }
    resources.settle();
    Ok(())
}

/// Findings about a kustomization that have no place of their own get that of what names it.
fn named_at(findings: Diagnostics, path: &At<String>) -> Diagnostics {
    let place = |finding: Diagnostic| {
        if finding.labels.is_empty() {
            finding.at(path.place.clone())
        } else {
            finding
        }
    };
    findings.into_iter().map(place).collect()
}

/// Why an address is neither a file nor a repository: one error where there is one reason for each.
fn neither(path: &At<String>, file: Diagnostics, repository: Diagnostics) -> Diagnostics {
    let both: Vec<Diagnostic> = file.into_iter().chain(repository).collect();
    let [of_file, of_repository] = both.as_slice() else {
        return both.into_iter().collect();
    };
    let message = format!(
        "`{}` can be had neither as a file nor as a repository",
        hidden(path)
    );
    let help = of_repository.help.iter().chain(&of_file.help).next();
    let reasons = format!(
        "as a file: {}; as a repository: {}",
        of_file.message, of_repository.message
    );
    Diagnostic::error(of_repository.code, message)
        .at(path.place.clone())
        .help(help.map_or_else(|| reasons.clone(), |help| format!("{reasons}; {help}")))
        .into()
}

/// Findings that do not say yet what led to them.
fn with_chain(complaints: Diagnostics, chain: &Chain) -> Diagnostics {
    complaints
        .into_iter()
        .map(|complaint| {
            if complaint.chain.is_empty() {
                complaint.via(chain)
            } else {
                complaint
            }
        })
        .collect()
}
