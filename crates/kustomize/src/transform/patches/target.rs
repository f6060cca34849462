//! The objects that a patch is for, and what comes close where there are none.

use trueup_manifest::{Diagnostic, nearest};
use trueup_yaml::Location;

use crate::{
    Context,
    load::Selector,
    resource::{LabelSelector, Matcher, Pattern, ResId, ResMap, Resource},
};

/// Compiles the patterns of a selector.
pub(crate) fn matcher(selector: &Selector) -> Result<Matcher, Diagnostic> {
    let wrong = |field: &str, why: &str| {
        Diagnostic::error(
            "kustomize/selector",
            format!("`{field}` of the target: {why}"),
        )
        .at(selector.place.clone())
    };
    let pattern = |field: &str, text: &str| Pattern::new(text).map_err(|why| wrong(field, &why));
    let labels =
        |field: &str, text: &str| LabelSelector::parse(text).map_err(|why| wrong(field, &why));
    Ok(Matcher {
        group: pattern("group", &selector.group)?,
        version: pattern("version", &selector.version)?,
        kind: pattern("kind", &selector.kind)?,
        name: pattern("name", &selector.name)?,
        namespace: pattern("namespace", &selector.namespace)?,
        labels: labels("labelSelector", &selector.labels)?,
        annotations: labels("annotationSelector", &selector.annotations)?,
    })
}

/// The targets of a selector; a warning where there are none.
pub(super) fn select(
    context: &Context<'_>,
    resources: &ResMap,
    selector: &Selector,
    matcher: &Matcher,
    place: Option<&Location>,
) -> Vec<usize> {
    let targets: Vec<usize> = resources
        .iter()
        .enumerate()
        .filter(|(_, resource)| matcher.accepts(resource))
        .map(|(at, _)| at)
        .collect();
    if targets.is_empty() {
        let names = resources
            .iter()
            .filter(|resource| matcher.accepts_gvk(resource.gvk()))
            .map(Resource::name);
        let warning = Diagnostic::warning(
            "kustomize/no-target",
            "the patch's target selects no object",
        )
        .at(selector.place.clone().or_else(|| place.cloned()));
        context.warn(match nearest(&selector.name, names) {
            Some(name) => warning.help(format!("did you mean `name: {name}`?")),
            None => warning,
        });
    }
    targets
}

/// The one object that a patch names.
pub(super) fn the_one(
    resources: &mut ResMap,
    id: &ResId,
    place: Option<Location>,
) -> Result<usize, Diagnostic> {
    match resources
        .find_by_any_id(&id.name, |candidate| candidate.equals(id))
        .as_slice()
    {
        [at] => Ok(*at),
        [] => {
            resources.settle();
            Err(nothing_to_patch(resources, id, place))
        }
        several => {
            let message = format!("{} objects match the patch for `{id}`", several.len());
            let diagnostic = Diagnostic::error("kustomize/ambiguous-target", message)
                .at(place)
                .help("give the patch a `target` that tells them apart, or patch in the base");
            let found = several.iter().filter_map(|at| resources.get(*at));
            Err(found.take(4).fold(diagnostic, |diagnostic, resource| {
                diagnostic.label(
                    resource.location(),
                    format!("matches as `{}`", resource.id()),
                )
            }))
        }
    }
}

/// A patch for an object that is not there, with what comes close.
fn nothing_to_patch(resources: &ResMap, id: &ResId, place: Option<Location>) -> Diagnostic {
    let message = format!("no object matches the patch for `{id}`");
    let diagnostic = Diagnostic::error("kustomize/no-target", message).at(place);
    let same_kind = || {
        resources
            .iter()
            .filter(|resource| resource.gvk().kind == id.gvk.kind)
    };
    let elsewhere = same_kind().find(|resource| *resource.name() == *id.name);
    if let Some(close) = elsewhere {
        let close_id = close.id();
        let differs = if close_id.gvk != id.gvk {
            format!("it has `apiVersion: {}`", close_id.gvk.api_version())
        } else if close_id.namespace.is_empty() {
            "it has no namespace".to_owned()
        } else {
            format!("it has `namespace: {}`", close_id.namespace)
        };
        return diagnostic
            .label(close.location(), "this one comes close")
            .help(differs);
    }
    if let Some(close) = resources
        .iter()
        .find(|resource| *resource.name() == *id.name)
    {
        return diagnostic
            .label(close.location(), "this one has the name")
            .help(format!("did you mean `kind: {}`?", close.gvk().kind));
    }
    if let Some(name) = nearest(&id.name, same_kind().map(Resource::name)) {
        return diagnostic.help(format!("did you mean `name: {name}`?"));
    }
    let names: Vec<&str> = same_kind().map(Resource::name).take(8).collect();
    if names.is_empty() {
        diagnostic.help(format!(
            "there is no object of kind `{}` at all",
            id.gvk.kind
        ))
    } else {
        diagnostic.help(format!("objects of that kind: {}", names.join(", ")))
    }
}
