//! `images`: names, tags and digests of container images.

use regex::Regex;
use trueup_manifest::Diagnostics;
use trueup_yaml::{Document, Kind, NodeId};

use super::{ByKind, Specs, Transform, misfit};
use crate::{
    Context,
    load::ImageSpec,
    node::{self, Create, Misfit, Write, each_field},
    parallel,
    resource::{ResMap, Resource, compile_regex},
};

/// Changes images; one after the other, but each object is walked once for all.
pub(crate) struct Images {
    images: Vec<(ImageSpec, Option<Pattern>)>,
    specs: Specs,
}

/// The name of an image: upstream takes it for a regular expression.
enum Pattern {
    Literal(String),
    /// A text in which a dot is any character.
    Dotted(String),
    Regex(Regex),
}

/// What may follow a name: a tag, then a digest.
const REST: &str = r"(:[a-zA-Z0-9_.{}-]*)?(@[a-zA-Z0-9]+([.+_-][a-zA-Z0-9]+)*:[a-zA-Z0-9_.{}-]*)?$";

impl Pattern {
    /// None where the name is no valid pattern: it matches nothing then.
    fn new(name: &str) -> Option<Self> {
        let plain = name
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"-_/:@".contains(&b));
        if plain {
            return Some(Self::Literal(name.to_owned()));
        }
        let dotted = name
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"-_/:@.".contains(&b));
        if dotted {
            return Some(Self::Dotted(name.to_owned()));
        }
        compile_regex(&format!("^{name}{REST}"))
            .ok()
            .map(Self::Regex)
    }

    fn accepts(&self, image: &str) -> bool {
        match self {
            Self::Regex(regex) => regex.is_match(image),
            Self::Literal(name) => image
                .strip_prefix(name.as_str())
                .is_some_and(is_tag_and_digest),
            Self::Dotted(name) => {
                let mut chars = image.chars();
                let begins = name.chars().all(|wanted| {
                    let found = chars.next();
                    found == Some(wanted) || (wanted == '.' && found.is_some_and(|c| c != '\n'))
                });
                begins && is_tag_and_digest(chars.as_str())
            }
        }
    }
}

/// Whether a text is what [`REST`] accepts.
fn is_tag_and_digest(rest: &str) -> bool {
    let body = |text: &str| {
        text.bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"_.{}-".contains(&b))
    };
    let (tag, digest) = match rest.split_once('@') {
        Some((tag, digest)) => (tag, Some(digest)),
        None => (rest, None),
    };
    let tag_fits = tag.is_empty() || tag.strip_prefix(':').is_some_and(body);
    let digest_fits = digest.is_none_or(|digest| {
        digest.split_once(':').is_some_and(|(algorithm, hash)| {
            body(hash)
                && algorithm
                    .split(['.', '+', '_', '-'])
                    .all(|part| !part.is_empty() && part.bytes().all(|b| b.is_ascii_alphanumeric()))
        })
    });
    tag_fits && digest_fits
}

impl Images {
    pub(crate) fn new(images: Vec<ImageSpec>, specs: Specs) -> Self {
        let images = images
            .into_iter()
            .map(|image| {
                let pattern = Pattern::new(&image.name);
                (image, pattern)
            })
            .collect();
        Self { images, specs }
    }
}

impl Transform for Images {
    fn apply(&self, _: &Context<'_>, resources: &mut ResMap) -> Result<(), Diagnostics> {
        let by_kind = ByKind::new(&self.specs, resources);
        let complaints = parallel::change(resources.edit_fields(), |resource| {
            if *resource.gvk().kind == *"CustomResourceDefinition" {
                return Ok(());
            }
            self.apply_to(resource, &by_kind)
                .map_err(|wrong| misfit(resource, &wrong, "setting images"))
        });
        complaints.into_result(())
    }

    fn count(&self) -> usize {
        self.images.len()
    }
}

impl Images {
    fn apply_to(&self, resource: &mut Resource, by_kind: &ByKind<'_>) -> Result<(), Misfit> {
        let root = resource.root();
        let mut in_containers = Vec::new();
        find_containers(&resource.doc, root, &mut in_containers)?;
        let mut in_specs = Vec::new();
        for spec in by_kind.of(resource.gvk()) {
            each_field::<Misfit>(
                &mut resource.doc,
                root,
                &spec.fields,
                Create::No,
                &mut |_, field| {
                    in_specs.push(field);
                    Ok(())
                },
            )?;
        }
        let doc = &mut resource.doc;
        for (image, pattern) in &self.images {
            let Some(pattern) = pattern else { continue };
            for field in in_containers.iter().chain(&in_specs) {
                update(doc, *field, image, pattern)?;
            }
        }
        Ok(())
    }
}

/// The images of every list called `containers` or `initContainers`, wherever it lies.
fn find_containers(doc: &Document, node: NodeId, found: &mut Vec<NodeId>) -> Result<(), Misfit> {
    match doc.kind(node) {
        Kind::Mapping => {
            for (key, value) in doc.entries(node) {
                let kind = doc.kind(value);
                if kind == Kind::Scalar {
                    continue;
                }
                find_containers(doc, value, found)?;
                if kind == Kind::Sequence
                    && matches!(doc.text(key), Some("containers" | "initContainers"))
                {
                    for container in doc.items(value) {
                        node::expect(doc, container, Kind::Mapping)?;
                        found.extend(doc.get(container, "image"));
                    }
                }
            }
            Ok(())
        }
        Kind::Sequence => doc
            .items(node)
            .try_for_each(|item| find_containers(doc, item, found)),
        Kind::Scalar | Kind::Alias => Ok(()),
    }
}

fn update(
    doc: &mut Document,
    field: NodeId,
    image: &ImageSpec,
    pattern: &Pattern,
) -> Result<(), Misfit> {
    node::expect(doc, field, Kind::Scalar)?;
    let old = doc.text(field).unwrap_or_default();
    if !pattern.accepts(old) {
        return Ok(());
    }
    let new = renamed(old, image);
    node::write_scalar(doc, field, &new, Write::Raw)
}

fn renamed(old: &str, image: &ImageSpec) -> String {
    let (name, tag, digest) = split(old);
    let name = if image.new_name.is_empty() {
        name
    } else {
        &image.new_name
    };
    let suffixed = format!("{tag}{}", image.tag_suffix);
    let (tag, digest) = match (image.new_tag.as_str(), image.digest.as_str()) {
        ("", "") if !image.tag_suffix.is_empty() => (suffixed.as_str(), ""),
        ("", "") => (tag, digest),
        ("", digest) => ("", digest),
        (tag, digest) => (tag, digest),
    };
    let mut new = name.to_owned();
    for (mark, part) in [(':', tag), ('@', digest)] {
        if !part.is_empty() {
            new.push(mark);
            new.push_str(part);
        }
    }
    new
}

/// Name, tag and digest of an image. A colon before the first slash is a port.
fn split(image: &str) -> (&str, &str, &str) {
    let start = image.find('/').unwrap_or(0);
    let search = image.get(start..).unwrap_or_default();
    let at = search.find('@').map(|at| at + start);
    let colon = search
        .find(':')
        .map(|at| at + start)
        .filter(|colon| at.is_none_or(|at| *colon < at));
    let piece = |from: usize, to: usize| image.get(from..to).unwrap_or_default();
    let end = image.len();
    match (colon, at) {
        (None, None) => (image, "", ""),
        (None, Some(at)) => (piece(0, at), "", piece(at + 1, end)),
        (Some(colon), None) => (piece(0, colon), piece(colon + 1, end), ""),
        (Some(colon), Some(at)) => (piece(0, colon), piece(colon + 1, at), piece(at + 1, end)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_splits_into_name_tag_and_digest() {
        for (image, parts) in [
            ("nginx", ("nginx", "", "")),
            ("nginx:1.2", ("nginx", "1.2", "")),
            ("host:5000/a/b", ("host:5000/a/b", "", "")),
            (
                "host:5000/a/b:1@sha256:ff",
                ("host:5000/a/b", "1", "sha256:ff"),
            ),
            ("a@sha256:ff", ("a", "", "sha256:ff")),
        ] {
            assert_eq!(split(image), parts, "{image}");
        }
    }

    #[test]
    fn a_name_matches_with_any_tag_and_digest_and_nothing_longer() {
        for (name, image, matches) in [
            ("nginx", "nginx", true),
            ("nginx", "nginx:1.2@sha256:ab", true),
            ("nginx", "nginx-x", false),
            ("nginx", "foo/nginx", false),
            ("foo/.*", "foo/bar:1", true),
            ("foo.bar", "fooxbar", true),
            ("a.b/c", "a.b/c:1@sha256:ab", true),
            ("a.b/c", "a\u{e9}b/c", true),
            ("a.b/c", "a\nb/c", false),
            ("a.b", "a.", false),
            ("a.b", "a.b.c", false),
            ("[", "[", false),
            ("nginx", "nginx:{tag}", true),
            ("nginx", "nginx@sha256", false),
        ] {
            let found = Pattern::new(name).is_some_and(|pattern| pattern.accepts(image));
            assert_eq!(found, matches, "{name} {image}");
        }
    }
}
