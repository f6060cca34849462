//! The builtin generators, configured by objects.

use trueup_manifest::{Diagnostic, Diagnostics};
use trueup_yaml::Document;

use crate::{
    accumulate::Target,
    generate::{self, What},
    load::{Decoder, Rules, read_config_map, read_helm_chart, read_helm_globals, read_secret},
    plugin::chart,
    resource::{Chain, Resource},
};

/// The kinds there are.
pub(super) const KINDS: &[&str] = &[
    "ConfigMapGenerator",
    "SecretGenerator",
    "HelmChartInflationGenerator",
    "IAMPolicyGenerator",
];

/// What one generator makes; none where there is no generator of this kind.
pub(super) fn generate(
    target: &Target<'_, '_>,
    kind: &str,
    config: &Resource,
) -> Option<Result<Vec<Resource>, Diagnostics>> {
    Some(match kind {
        "ConfigMapGenerator" => data(target, What::ConfigMap, config),
        "SecretGenerator" => data(target, What::Secret, config),
        "HelmChartInflationGenerator" => helm(target, config),
        "IAMPolicyGenerator" => iam_policy(target, config),
        _ => return None,
    })
}

fn data(
    target: &Target<'_, '_>,
    what: What,
    config: &Resource,
) -> Result<Vec<Resource>, Diagnostics> {
    let decoder = Decoder::new(&config.doc, Rules::Object);
    let mut spec = match what {
        What::ConfigMap => read_config_map(&decoder, config.root()),
        What::Secret => read_secret(&decoder, config.root()),
    };
    if spec.name.is_empty() {
        config.name().clone_into(&mut spec.name);
    }
    if spec.namespace.is_empty() {
        config.namespace().clone_into(&mut spec.namespace);
    }
    let spec = decoder.finish(spec)?;
    if let Some((key, _)) = config.doc.get_entry(config.root(), "env") {
        let message = "`env` of a generator in an object of its own is not read";
        target.context.warn(
            Diagnostic::warning("kustomize/ignored", message)
                .at(config.doc.location(key))
                .help("write `envs` and a list; upstream reads nothing else there"),
        );
    }
    let options = spec.options.as_ref();
    let made = generate::generate(
        target.context,
        &target.place,
        &target.chain,
        what,
        &spec,
        options,
    );
    Ok(vec![made?])
}

fn helm(target: &Target<'_, '_>, config: &Resource) -> Result<Vec<Resource>, Diagnostics> {
    let decoder = Decoder::new(&config.doc, Rules::Object);
    let chart = read_helm_chart(&config.doc, &decoder, config.root());
    let globals = read_helm_globals(&decoder, config.root());
    let (chart, globals) = decoder.finish((chart, globals))?;
    chart::inflate(target, &chart, &globals)
}

/// A service account bound to one of Google's.
fn iam_policy(target: &Target<'_, '_>, config: &Resource) -> Result<Vec<Resource>, Diagnostics> {
    let decoder = Decoder::new(&config.doc, Rules::Object);
    let fields = decoder.fields(
        config.root(),
        "an `IAMPolicyGenerator`",
        &["cloud", "kubernetesService", "serviceAccount"],
    );
    let cloud = fields.string("cloud");
    let part = |name: &str, known: &'static [&'static str]| {
        fields
            .node(name)
            .map(|node| decoder.fields(node, name, known))
    };
    let service = part("kubernetesService", &["name", "namespace"]);
    let account = part("serviceAccount", &["name", "projectId"]);
    let text = |of: &Option<crate::load::Fields<'_, '_>>, name: &str| {
        of.as_ref()
            .map_or_else(String::new, |fields| fields.string(name))
    };
    let (name, namespace) = (text(&service, "name"), text(&service, "namespace"));
    let (account, project) = (text(&account, "name"), text(&account, "projectId"));
    decoder.finish(())?;
    if cloud != "gke" {
        let message = format!("the cloud `{cloud}` is not supported");
        return Err(Diagnostic::error("kustomize/generator", message)
            .at(config.location())
            .help("write `cloud: gke`")
            .into());
    }
    let mut doc = Document::empty_mapping();
    let root = doc.root();
    let metadata = doc.new_mapping();
    let annotations = doc.new_mapping();
    let mut set = |map, key: &str, text: &str| {
        let value = doc.new_str(text);
        doc.set(map, key, value);
    };
    set(root, "apiVersion", "v1");
    set(root, "kind", "ServiceAccount");
    set(metadata, "name", &name);
    if !namespace.is_empty() {
        set(metadata, "namespace", &namespace);
    }
    let email = format!("{account}@{project}.iam.gserviceaccount.com");
    set(annotations, "iam.gke.io/gcp-service-account", &email);
    doc.set(metadata, "annotations", annotations);
    doc.set(root, "metadata", metadata);
    let chain = Chain::clone(&target.chain);
    let mut made = Resource::new(doc, chain, &target.context.schemas());
    made.set_location(config.location());
    Ok(vec![made])
}
