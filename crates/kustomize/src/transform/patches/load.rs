//! From an entry of a kustomization to a patch: its text or file, and which kind of patch that is.

use trueup_manifest::{Diagnostic, Diagnostics};
use trueup_yaml::{Document, Kind, Location, Source};

use super::{
    Loaded, Patch,
    merge::{Allow, annotations_as_text},
    target::matcher,
};
use crate::{
    Context,
    load::{At, PatchSpec, Place, patch_documents},
    patch::json6902::JsonPatch,
    resource::{Chain, Resource},
};

impl Patch {
    /// An entry of `patches`.
    pub(crate) fn load(
        context: &Context<'_>,
        place: &Place<'_>,
        chain: &Chain,
        spec: &PatchSpec,
    ) -> Result<Self, Diagnostics> {
        let text = spec.patch.trim();
        let fault =
            |message: &str| Diagnostic::error("kustomize/patch", message).at(spec.place.clone());
        let source = match (text, spec.path.as_str()) {
            ("", "") => {
                return Err(fault("the patch has neither `patch` nor `path`")
                    .help("write the patch under `patch: |-`, or name its file in `path`")
                    .into());
            }
            ("", path) => place.read_source(context, path, spec.path.place.as_ref())?,
            (_, "") => inline(text, spec.patch.place.as_ref(), "inline patch"),
            _ => {
                return Err(fault("the patch has both `patch` and `path`")
                    .help("keep one of them")
                    .into());
            }
        };
        let mut loaded = classify(context, chain, &source)?;
        let target = spec
            .target
            .as_ref()
            .map(|selector| Ok::<_, Diagnostic>((selector.clone(), matcher(selector)?)));
        let target = target.transpose()?;
        let allow = Allow {
            name: spec.allow_name_change,
            kind: spec.allow_kind_change,
        };
        if let Loaded::Strategic(patches) = &mut loaded
            && (allow.name || allow.kind)
        {
            for patch in patches {
                annotations_as_text(&mut patch.doc);
            }
        }
        match &mut loaded {
            Loaded::Strategic(patches) if target.is_some() && patches.len() > 1 => {
                return Err(fault(
                    "a patch with a `target` holds one document, this one has several",
                )
                .help("give each document an entry of its own, or remove the target")
                .into());
            }
            Loaded::Json(patch) if target.is_none() && !patch.is_empty() => {
                return Err(fault("a JSON patch needs a `target`")
                    .help("say which objects it is for: `target: {kind: …, name: …}`")
                    .into());
            }
            _ => {}
        }
        Ok(Self {
            loaded,
            target,
            allow,
            remembers: true,
            place: spec.place.clone(),
        })
    }

    /// An entry of `patchesJson6902`.
    pub(crate) fn load_json(
        context: &Context<'_>,
        place: &Place<'_>,
        spec: &PatchSpec,
    ) -> Result<Self, Diagnostics> {
        let fault =
            |message: String| Diagnostic::error("kustomize/patch", message).at(spec.place.clone());
        let Some(target) = spec
            .target
            .as_ref()
            .filter(|target| !target.name.is_empty())
        else {
            return Err(fault("the target of a JSON patch needs a `name`".to_owned()).into());
        };
        let source = match (spec.patch.as_str(), spec.path.as_str()) {
            ("", "") => {
                return Err(fault("the JSON patch is empty".to_owned())
                    .help("write it under `patch: |-`, or name its file in `path`")
                    .into());
            }
            ("", path) => place.read_source(context, path, spec.path.place.as_ref())?,
            (text, "") => inline(text, spec.patch.place.as_ref(), "inline patch"),
            _ => {
                return Err(
                    fault("the JSON patch has both `patch` and `path`".to_owned())
                        .help("keep one of them")
                        .into(),
                );
            }
        };
        let patch = JsonPatch::parse(&source, &context.parse_options())?;
        if patch.is_empty() {
            return Err(fault(format!("the JSON patch `{}` is empty", source.name())).into());
        }
        Ok(Self {
            loaded: Loaded::Json(Box::new(patch)),
            target: Some((target.clone(), matcher(target)?)),
            allow: Allow::default(),
            remembers: false,
            place: spec.place.clone(),
        })
    }
}

/// A text inside a kustomization file as a source of its own.
pub(super) fn inline(text: &str, place: Option<&Location>, what: &str) -> Source {
    let name = match place {
        Some(place) => format!("{place} ({what})"),
        None => what.to_owned(),
    };
    Source::new(name, text)
}

/// Reads a text as a strategic merge patch and as a JSON patch, and takes the one it is.
fn classify(context: &Context<'_>, chain: &Chain, source: &Source) -> Result<Loaded, Diagnostics> {
    let strategic = patch_documents(context, source);
    let json = JsonPatch::parse(source, &context.parse_options());
    match (strategic, json) {
        (Ok(patches), Ok(json)) if !patches.is_empty() && !json.is_empty() => {
            let message = format!(
                "`{}` is both a strategic merge patch and a JSON patch",
                source.name()
            );
            Err(Diagnostic::error("kustomize/patch", message).into())
        }
        (Ok(patches), _) => Ok(Loaded::Strategic(as_resources(context, chain, patches))),
        (Err(_), Ok(json)) => Ok(Loaded::Json(Box::new(json))),
        (Err(strategic), Err(json)) => {
            let list = Document::parse(source).is_ok_and(|docs| {
                docs.iter()
                    .any(|doc| doc.kind(doc.root()) == Kind::Sequence)
            });
            let scalar = Document::parse(source)
                .is_ok_and(|docs| docs.iter().all(|doc| doc.kind(doc.root()) == Kind::Scalar));
            if scalar {
                let message = format!(
                    "`{}` is neither a strategic merge patch nor a JSON patch",
                    source.name()
                );
                let start = trueup_yaml::Location {
                    source: source.clone(),
                    span: trueup_yaml::Span::new(0, 0),
                };
                return Err(Diagnostic::error("kustomize/patch", message)
                    .at(start)
                    .help("to name a file, write `path:` instead of `patch:`")
                    .into());
            }
            Err(if list { json } else { strategic })
        }
    }
}

pub(super) fn as_resources(
    context: &Context<'_>,
    chain: &Chain,
    documents: Vec<Document>,
) -> Vec<Resource> {
    let schemas = context.schemas();
    documents
        .into_iter()
        .map(|doc| Resource::new(doc, Chain::clone(chain), &schemas))
        .collect()
}

pub(super) fn load_text_or_file(
    context: &Context<'_>,
    place: &Place<'_>,
    text: &At<String>,
) -> Result<Vec<Document>, Diagnostics> {
    let source = inline(text, text.place.as_ref(), "inline patch");
    match patch_documents(context, &source) {
        Ok(documents) => Ok(documents),
        Err(complaints) if text.contains('\n') => Err(complaints),
        Err(_) => patch_documents(
            context,
            &place.read_source(context, text, text.place.as_ref())?,
        ),
    }
}
