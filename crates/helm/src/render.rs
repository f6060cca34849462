//! One release: from a chart and what is set over it to what `helm template` prints.

use std::{borrow::Cow, fmt::Write as _, sync::Arc};

use trueup_gotemplate::{Limits, Map, Value};
use trueup_manifest::{Diagnostic, Diagnostics};
use trueup_yaml::{Location, Source, Span};

use crate::{
    chart::Chart,
    dependencies,
    draws::Draws,
    engine::{self, Beside, Facts, Lookup},
    error::Error,
    objects::Capabilities,
    release::Release,
    schema,
    values::{self, Overlay, SetFile},
    version,
};

/// `.Release`.
#[derive(Clone, Debug)]
pub struct ReleaseInfo {
    /// `.Release.Name`.
    pub name: String,
    /// `.Release.Namespace`.
    pub namespace: String,
    /// `.Release.IsUpgrade`; an install otherwise.
    pub is_upgrade: bool,
    /// `.Release.Revision`: 1 for `helm template`.
    pub revision: i64,
}

impl ReleaseInfo {
    pub(crate) fn to_value(&self) -> Value {
        Value::map([
            ("Name", Value::from(self.name.as_str())),
            ("Namespace", Value::from(self.namespace.as_str())),
            ("IsUpgrade", Value::Bool(self.is_upgrade)),
            ("IsInstall", Value::Bool(!self.is_upgrade)),
            ("Revision", Value::Int(self.revision)),
            ("Service", Value::from("Helm")),
        ])
    }
}

/// The release's name from a template of it: `--name-template`.
pub fn name_of(template: &str) -> Result<String, Error> {
    engine::name(template)
}

/// Refuses a release name that Helm refuses: labels of DNS, with `.` between, 53 characters at most.
pub fn check_release_name(name: &str) -> Result<(), Error> {
    let is_label = |label: &str| {
        let inner = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        !label.is_empty()
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.chars().all(inner)
    };
    if !name.is_empty() && name.len() <= 53 && name.split('.').all(is_label) {
        return Ok(());
    }
    let quoted = crate::go::quote(name);
    let reason = if name.is_empty() {
        "no name provided".to_owned()
    } else {
        "invalid release name, must match regex \
         ^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$ and the length must not be \
         longer than 53"
            .to_owned()
    };
    Err(Error::new(
        "helm/release-name",
        format!("release name {quoted}: {reason}"),
    )
    .help("use lower-case letters, digits, `-` and `.`; at most 53 characters"))
}

/// How to render a chart.
pub struct Request<'r> {
    /// The chart.
    pub chart: &'r Chart,
    /// `.Release`.
    pub release: ReleaseInfo,
    /// What is set over the chart's values.
    pub overlay: &'r Overlay,
    /// The cluster's version and APIs.
    pub capabilities: &'r Capabilities,
    /// What is in the cluster; `lookup` finds nothing without it.
    pub lookup: Option<Arc<dyn Lookup>>,
    /// What earlier renders drew; without it all is drawn anew.
    pub draws: Option<Arc<dyn Draws>>,
    /// `--skip-schema-validation`.
    pub skip_schema: bool,
    /// `--render-subchart-notes`.
    pub notes_of_all: bool,
    /// Whether a key that a template asks for and the values do not have is an error, as in `helm lint --strict`.
    pub strict: bool,
    /// Bounds on templates.
    pub limits: Limits,
}

impl<'r> Request<'r> {
    /// A first install of a chart with what is set over its values.
    pub fn new(
        chart: &'r Chart,
        name: &str,
        namespace: &str,
        overlay: &'r Overlay,
        capabilities: &'r Capabilities,
    ) -> Self {
        Self {
            chart,
            release: ReleaseInfo {
                name: name.to_owned(),
                namespace: namespace.to_owned(),
                is_upgrade: false,
                revision: 1,
            },
            overlay,
            capabilities,
            lookup: None,
            draws: None,
            skip_schema: false,
            notes_of_all: false,
            strict: false,
            limits: Limits::default(),
        }
    }

    /// Renders; `read` gives the files of `--set-file`.
    pub fn render(&self, read: SetFile<'_>) -> Result<Release, Error> {
        let mut release = Release::default();
        match self.render_into(&mut release, read) {
            Ok(()) => Ok(release),
            Err(error) => Err(error.with_warnings(release.warnings)),
        }
    }

    fn render_into(&self, release: &mut Release, read: SetFile<'_>) -> Result<(), Error> {
        let set = self.overlay.merged(read)?;
        if !matches!(&*self.chart.metadata.kind, "" | "application") {
            let kind = &self.chart.metadata.kind;
            return Err(
                Error::new("helm/library", format!("{kind} charts are not installable"))
                    .help("depend on it from a chart of your own"),
            );
        }
        dependencies::check(self.chart)?;
        if self.chart.metadata.deprecated {
            release
                .warnings
                .push("WARNING: This chart is deprecated".to_owned());
        }
        // Most charts depend on none: those are used as they are.
        let mut chart = Cow::Borrowed(self.chart);
        if self.chart.metadata.dependencies.is_some() {
            dependencies::process(chart.to_mut(), &set, &mut release.warnings)?;
        }
        let all = values::coalesce(&chart, &set, &mut release.warnings)?;
        if !self.skip_schema {
            check_schemas(&chart, &all)?;
        }
        self.check_kube_version(&chart)?;
        let facts = Facts {
            release: &self.release,
            capabilities: self.capabilities.to_value(),
            values: all,
            overlay: self.overlay,
            chart: self.chart,
            strict: self.strict,
        };
        let beside = Beside {
            lookup: self.lookup.clone(),
            draws: self.draws.clone(),
            secrets: self.overlay.has_secrets(),
        };
        let rendered = engine::render(&chart, &facts, beside, self.limits)?;
        release.crds = chart.crds();
        release
            .assemble(chart.name(), rendered, self.notes_of_all)
            .map_err(Error::in_render)
    }

    fn check_kube_version(&self, chart: &Chart) -> Result<(), Error> {
        let range = &chart.metadata.kube_version;
        let have = self.capabilities.kube_version();
        if range.is_empty() || version::fits(range, have) {
            return Ok(());
        }
        Err(Error::new(
            "helm/kube-version",
            format!("chart requires kubeVersion: {range} which is incompatible with Kubernetes {have}"),
        )
        .help("use a version of the chart that is made for this cluster, or name the cluster's version with `--kube-version`")
        .in_render())
    }
}

/// The values against the schemas of the chart and all it depends on.
fn check_schemas(chart: &Chart, values: &Map) -> Result<(), Error> {
    let mut text = String::new();
    let mut findings = Diagnostics::new();
    schemas_below(chart, values, "", &mut text, &mut findings);
    if text.is_empty() {
        return Ok(());
    }
    let text = format!(
        "values don't meet the specifications of the schema(s) in the following chart(s):\n{text}"
    );
    Err(Error::found(text, findings))
}

fn schemas_below(
    chart: &Chart,
    values: &Map,
    path: &str,
    text: &mut String,
    findings: &mut Diagnostics,
) {
    // Writing to a string cannot fail.
    if let Some(schema) = &chart.schema {
        let checker = chart.prepared.schema(|| schema::Checker::read(schema));
        let checked = checker
            .as_ref()
            .map(|checker| checker.check(&values::to_json(&Value::Map(values.clone()))));
        match checked {
            Ok(None) => {}
            Ok(Some(found)) => {
                let _ = write!(text, "{}:\n{}", chart.name(), schema::print(&found));
                let mut leaves = Vec::new();
                for finding in &found {
                    finding.leaves(&mut leaves);
                }
                for leaf in leaves {
                    findings.push(schema_finding(chart, path, leaf));
                }
            }
            Err(reason) => {
                let _ = writeln!(text, "{}:\n{reason}", chart.name());
                let file = format!("{}/values.schema.json", chart.origin);
                findings.push(
                    Diagnostic::error("helm/schema", format!("`{file}` is no schema: {reason}"))
                        .help("correct the chart, or render with `--skip-schema-validation`"),
                );
            }
        }
    }
    for dependency in &chart.dependencies {
        let name = dependency.name();
        match values.get(name) {
            None | Some(Value::Nil) => {}
            Some(Value::Map(inner)) => {
                schemas_below(
                    dependency,
                    &inner,
                    &format!("{path}{name}."),
                    text,
                    findings,
                );
            }
            Some(other) => {
                let found = other.type_name();
                let _ = writeln!(
                    text,
                    "{name}:\ninvalid type for values: expected object (map), got {found}"
                );
                findings.push(Diagnostic::error(
                    "helm/schema",
                    format!("the values of `{path}{name}` must be a mapping, not {found}"),
                ));
            }
        }
    }
}

fn schema_finding(chart: &Chart, path: &str, leaf: &schema::Finding) -> Diagnostic {
    let inner = leaf.path.join(".");
    let full = format!("{path}{inner}");
    let at = full.trim_end_matches('.');
    let message = if at.is_empty() {
        format!("values: {}", leaf.summary())
    } else {
        format!("`{at}`: {}", leaf.summary())
    };
    // The chart's default tells what the value should look like.
    let default = chart.values.document().and_then(|document| {
        let parts: Vec<&str> = leaf.path.iter().map(String::as_str).collect();
        document.location(document.at(document.root(), &parts)?)
    });
    let default = default.filter(|_| !leaf.path.is_empty());
    let file = format!("{}/values.schema.json", chart.origin);
    let place = default.or_else(|| {
        Some(Location {
            source: Source::new(file.clone(), ""),
            span: Span::new(0, 0),
        })
    });
    Diagnostic::error("helm/schema", message)
        .label(place, "")
        .help(format!("`{file}` says what the values must be"))
}
