//! One kustomization: loading it and running its steps in order.

use std::sync::Arc;

use trueup_manifest::{Diagnostic, Diagnostics, Entry, Found, Tree, TreePath};
use trueup_yaml::Source;

use super::{Accumulator, OriginNote};
use crate::{
    Context,
    generate::{self, What},
    load::{At, FileKind, Kustomization, Place, RepoSpec, documents, is_url, load_kustomization},
    openapi::{CustomSchema, Schemas},
    parallel, plugin,
    resource::{Chain, ResMap, Resource},
    transform::{self, SharedConfig, Transform},
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
    /// The namespace that charts get where the kustomization sets none.
    pub(crate) chart_namespace: String,
}

/// A transformer with the note it leaves.
pub(crate) struct Step {
    pub(crate) transform: Box<dyn Transform>,
    pub(crate) note: Option<Arc<OriginNote>>,
}

impl<'c, 'a> Target<'c, 'a> {
    /// The kustomization that is built.
    pub(super) fn start(
        context: &'c Context<'a>,
        tree: &'a dyn Tree,
        dir: &TreePath,
    ) -> Result<Self, Diagnostics> {
        let place = Arc::new(Place::start(tree, dir, context.options().load_restrictor)?);
        let target = Self::load(context, place, &Chain::default())?;
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
        Ok(Self {
            context,
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
        self.add_paths(&mut all)?;
        let config =
            transform::configurations::load(self.context, &self.place, &self.file.configurations)?;
        all.merge_config(&config)?;
        let config = transform::crds::load(self.context, &self.place, &self.file.crds)?;
        all.merge_config(&config)?;
        self.generate(&mut all)?;
        for path in &self.file.components {
            all = self.add_component(all, path)?;
        }
        self.transform(&mut all)?;
        plugin::validate(self, &mut all)?;
        all.add_vars(&self.file.vars)?;
        Ok(all)
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
        let base = self.enter(path, FileKind::Kustomization)?;
        all.merge(base.accumulate(Accumulator::default())?)
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
            Err(findings) => {
                wrong.extend(of_file);
                wrong.extend(findings);
                Err(wrong)
            }
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
            resource.book.origin.clone_from(&note);
            resource
        });
        Ok(resources.collect())
    }

    /// The kustomization that a path names.
    fn enter(&self, path: &At<String>, kind: FileKind) -> Result<Self, Diagnostics> {
        let place = Arc::new(self.place.enter(self.context, path)?);
        let target = Self::load(self.context, place, &self.chain)?;
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
        let chart_namespace = if self.file.namespace.is_empty() {
            self.chart_namespace.clone()
        } else {
            self.file.namespace.value.clone()
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
        all: Accumulator,
        path: &At<String>,
    ) -> Result<Accumulator, Diagnostics> {
        let component = self.enter(path, FileKind::Component)?;
        let mut all = component.accumulate(all)?;
        let unique = transform::refuse_duplicates(&mut all.resources);
        unique.map_err(|complaint| component.explain(complaint.into()))?;
        Ok(all)
    }

    /// The note that a builtin of this kustomization leaves.
    fn note(&self, kind: &str) -> Option<Arc<OriginNote>> {
        let origin = self.origin.as_ref()?;
        Some(Arc::new(origin.builtin(self.file_name, kind)))
    }

    /// The note of something written inside this kustomization's file.
    pub(crate) fn inline_note(&self) -> Option<Arc<OriginNote>> {
        let origin = self.origin.as_ref()?;
        Some(Arc::new(origin.append(self.file_name)))
    }

    fn generate(&self, all: &mut Accumulator) -> Result<(), Diagnostics> {
        let mut complaints = Diagnostics::new();
        let mut made = Vec::new();
        for (what, specs, kind) in [
            (
                What::ConfigMap,
                &self.file.config_map_generator,
                "ConfigMapGenerator",
            ),
            (What::Secret, &self.file.secret_generator, "SecretGenerator"),
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
                    resource.book.origin.clone_from(&note);
                    made.push(resource);
                }
            }
        }
        let note = self.note("HelmChartInflationGenerator");
        for chart in &self.file.helm_charts {
            let objects = plugin::chart::inflate(self, chart, &self.file.helm_globals);
            for mut resource in complaints.keep(objects).unwrap_or_default() {
                resource.book.origin.clone_from(&note);
                made.push(resource);
            }
        }
        let configured = plugin::generate(self);
        made.extend(complaints.keep(configured).unwrap_or_default());
        for resource in made {
            complaints.keep(all.absorb(self.context, resource));
        }
        complaints.into_result(())
    }

    fn transform(&self, all: &mut Accumulator) -> Result<(), Diagnostics> {
        let mut complaints = Diagnostics::new();
        let mut steps = complaints
            .keep(self.builtin_steps(&all.config))
            .unwrap_or_default();
        let configured = plugin::transformers(self, &self.file.transformers);
        steps.extend(complaints.keep(configured).unwrap_or_default());
        complaints.into_result(())?;
        run_steps(self.context, &steps, &mut all.resources)
    }

    /// The transformers that fields of the kustomization file stand for, in upstream's order.
    fn builtin_steps(&self, config: &SharedConfig) -> Result<Vec<Step>, Diagnostics> {
        let mut builder = Builder {
            target: self,
            steps: Vec::new(),
            complaints: Diagnostics::new(),
        };
        builder.patches();
        builder.names(config);
        builder.labels(config);
        builder.json_patches();
        builder.rest(config);
        builder.complaints.into_result(builder.steps)
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
        let Some(note) = &step.note else { continue };
        for _ in 0..step.transform.count() {
            for resource in resources.edit_fields() {
                resource.annotations_to_text();
                match resource.book.origin {
                    None => resource.book.origin = Some(Arc::clone(note)),
                    Some(_) => resource.book.transformations.push(Arc::clone(note)),
                }
            }
        }
    }
    resources.settle();
    Ok(())
}

/// Gathers the steps of one kustomization file, and every complaint about them.
struct Builder<'t, 'c, 'a> {
    target: &'t Target<'c, 'a>,
    steps: Vec<Step>,
    complaints: Diagnostics,
}

impl Builder<'_, '_, '_> {
    fn add<T: Transform + 'static>(&mut self, kind: &str, made: Result<T, Diagnostics>) {
        if let Some(transform) = self.complaints.keep(made) {
            let note = self.target.note(kind);
            self.steps.push(Step {
                transform: Box::new(transform),
                note,
            });
        }
    }

    fn patches(&mut self) {
        let Target {
            context,
            place,
            file,
            chain,
            ..
        } = self.target;
        if !file.patches_strategic_merge.is_empty() {
            let texts = &file.patches_strategic_merge;
            let made = transform::StrategicPatches::load(context, place, chain, texts);
            self.add("PatchStrategicMergeTransformer", made);
        }
        for spec in &file.patches {
            self.add(
                "PatchTransformer",
                transform::Patch::load(context, place, chain, spec),
            );
        }
    }

    fn names(&mut self, config: &SharedConfig) {
        let file = &self.target.file;
        if !file.namespace.is_empty() {
            let namespace = transform::Namespace {
                value: file.namespace.value.clone(),
                specs: config.namespace.clone(),
                unset_only: false,
                subjects: transform::Subjects::default(),
            };
            self.add("NamespaceTransformer", Ok(namespace));
        }
        for (side, text, specs, kind) in [
            (
                transform::Side::Prefix,
                &file.name_prefix,
                &config.name_prefix,
                "PrefixTransformer",
            ),
            (
                transform::Side::Suffix,
                &file.name_suffix,
                &config.name_suffix,
                "SuffixTransformer",
            ),
        ] {
            if !text.is_empty() {
                let affix = transform::Affix {
                    side,
                    text: text.clone(),
                    specs: specs.clone(),
                };
                self.add(kind, Ok(affix));
            }
        }
    }

    fn labels(&mut self, config: &SharedConfig) {
        let file = &self.target.file;
        for label in &file.labels {
            let specs = label_specs(label, config).map_err(|conflict| {
                let message = format!(
                    "`labels` disagrees with the defaults on `create` of `{}`",
                    conflict.path
                );
                Diagnostics::from(
                    Diagnostic::error("kustomize/config-conflict", message).at(label.place.clone()),
                )
            });
            let made = specs.map(|specs| transform::Labels {
                labels: label.pairs.clone(),
                specs,
            });
            self.add("LabelTransformer", made);
        }
        if !file.labels.is_empty() || !file.common_labels.is_empty() {
            let labels = file.common_labels.clone();
            let specs = config.common_labels.clone();
            self.add("LabelTransformer", Ok(transform::Labels { labels, specs }));
        }
        if !file.common_annotations.is_empty() {
            let annotations = file.common_annotations.clone();
            let specs = config.common_annotations.clone();
            self.add(
                "AnnotationsTransformer",
                Ok(transform::Annotations { annotations, specs }),
            );
        }
    }

    fn json_patches(&mut self) {
        let Target {
            context,
            place,
            file,
            ..
        } = self.target;
        for spec in &file.patches_json6902 {
            self.add(
                "PatchJson6902Transformer",
                transform::Patch::load_json(context, place, spec),
            );
        }
    }

    fn rest(&mut self, config: &SharedConfig) {
        let Target {
            context,
            place,
            file,
            ..
        } = self.target;
        for replica in &file.replicas {
            let replica = replica.clone();
            let specs = config.replicas.clone();
            self.add(
                "ReplicaCountTransformer",
                Ok(transform::Replicas { replica, specs }),
            );
        }
        if !file.images.is_empty() {
            let images = transform::Images::new(file.images.clone(), config.images.clone());
            self.add("ImageTagTransformer", Ok(images));
        }
        if !file.replacements.is_empty() {
            let made = transform::Replacements::load(context, place, &file.replacements);
            self.add("ReplacementTransformer", made);
        }
    }
}

/// The fields that one entry of `labels` touches.
fn label_specs(
    label: &crate::load::LabelSpec,
    config: &SharedConfig,
) -> Result<transform::Specs, transform::Conflict> {
    let mut specs: transform::Specs = label
        .fields
        .iter()
        .cloned()
        .map(transform::Spec::from)
        .collect();
    specs.merge(&config.labels)?;
    if label.include_selectors {
        specs.merge(&config.common_labels)?;
        return Ok(specs);
    }
    if label.include_templates {
        specs.merge(&config.template_labels)?;
    }
    if label.include_volume_claim_templates {
        specs.merge(&config.volume_claim_template_labels)?;
    }
    specs.add(&transform::Spec::new(
        crate::resource::Gvk::default(),
        "metadata/labels",
        true,
    ))?;
    Ok(specs)
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
