//! Field specs: which fields of which kinds a transformer touches, by default and as configured.

use std::{
    borrow::Cow,
    sync::{Arc, LazyLock},
};

use crate::{
    load::FieldSpec,
    node::FieldPath,
    order,
    resource::{Gvk, Resource},
};

/// A field of some kinds, its path split once.
#[derive(Clone, Debug)]
pub(crate) struct Spec {
    /// The kinds; empty parts are any.
    pub(crate) gvk: Gvk,
    pub(crate) path: Cow<'static, str>,
    /// Whether a missing field is made.
    pub(crate) create: bool,
    pub(crate) fields: FieldPath,
}

impl From<FieldSpec> for Spec {
    fn from(spec: FieldSpec) -> Self {
        Self::new(spec.gvk, spec.path, spec.create)
    }
}

impl Spec {
    pub(crate) fn new(gvk: Gvk, path: impl Into<Cow<'static, str>>, create: bool) -> Self {
        let path = path.into();
        Self {
            gvk,
            fields: FieldPath::new(path.clone()),
            path,
            create,
        }
    }

    /// Whether the object is of one of these kinds.
    pub(crate) fn is_for(&self, resource: &Resource) -> bool {
        resource.gvk().selected_by(&self.gvk)
    }
}

/// Two configurations disagree on whether a field is made.
#[derive(Clone, Debug)]
pub(crate) struct Conflict {
    pub(crate) path: String,
}

/// Field specs in the order in which they apply.
#[derive(Clone, Debug, Default)]
pub(crate) struct Specs(Vec<Spec>);

impl Specs {
    pub(crate) fn iter(&self) -> std::slice::Iter<'_, Spec> {
        self.0.iter()
    }

    /// Adds a spec unless one that covers it is there.
    pub(crate) fn add(&mut self, spec: &Spec) -> Result<(), Conflict> {
        let same = |known: &&Spec| known.path == spec.path && known.gvk.selected_by(&spec.gvk);
        match self.0.iter().find(same) {
            Some(known) if known.create != spec.create => Err(Conflict {
                path: spec.path.to_string(),
            }),
            Some(_) => Ok(()),
            None => {
                self.0.push(spec.clone());
                Ok(())
            }
        }
    }

    pub(crate) fn merge(&mut self, other: &Self) -> Result<(), Conflict> {
        other.iter().try_for_each(|spec| self.add(spec))
    }

    fn sort(&mut self) {
        self.0.sort_by_cached_key(|spec| order::kind_key(&spec.gvk));
    }
}

impl FromIterator<Spec> for Specs {
    fn from_iter<I: IntoIterator<Item = Spec>>(specs: I) -> Self {
        Self(specs.into_iter().collect())
    }
}

/// The fields that refer to objects of one kind by name.
#[derive(Clone, Debug, Default)]
pub(crate) struct BackReferences {
    /// The kind referred to.
    pub(crate) gvk: Gvk,
    pub(crate) referrers: Specs,
}

/// All field specs that one kustomization works with.
#[derive(Clone, Debug, Default)]
pub(crate) struct Config {
    pub(crate) name_prefix: Specs,
    pub(crate) name_suffix: Specs,
    pub(crate) namespace: Specs,
    pub(crate) common_labels: Specs,
    pub(crate) labels: Specs,
    pub(crate) template_labels: Specs,
    pub(crate) volume_claim_template_labels: Specs,
    pub(crate) common_annotations: Specs,
    pub(crate) name_reference: Vec<BackReferences>,
    pub(crate) var_reference: Specs,
    pub(crate) images: Specs,
    pub(crate) replicas: Specs,
}

impl Config {
    pub(crate) fn section(&mut self, name: &str) -> Option<&mut Specs> {
        Some(match name {
            "namePrefix" => &mut self.name_prefix,
            "nameSuffix" => &mut self.name_suffix,
            "namespace" => &mut self.namespace,
            "commonLabels" => &mut self.common_labels,
            "labels" => &mut self.labels,
            "templateLabels" => &mut self.template_labels,
            "volumeClaimTemplateLabels" => &mut self.volume_claim_template_labels,
            "commonAnnotations" => &mut self.common_annotations,
            "varReference" => &mut self.var_reference,
            "images" => &mut self.images,
            "replicas" => &mut self.replicas,
            _ => return None,
        })
    }

    const SECTIONS: [&'static str; 11] = [
        "namePrefix",
        "nameSuffix",
        "namespace",
        "commonAnnotations",
        "commonLabels",
        "labels",
        "templateLabels",
        "volumeClaimTemplateLabels",
        "varReference",
        "images",
        "replicas",
    ];

    /// Sorts every section as upstream does after each step.
    pub(crate) fn sort(&mut self) {
        for name in Self::SECTIONS {
            if let Some(specs) = self.section(name) {
                specs.sort();
            }
        }
        self.name_reference
            .sort_by_cached_key(|reference| order::kind_key(&reference.gvk));
    }

    pub(crate) fn add_back_references(&mut self, other: &BackReferences) -> Result<(), Conflict> {
        let mut found = false;
        for known in &mut self.name_reference {
            if known.gvk == other.gvk {
                known.referrers.merge(&other.referrers)?;
                found = true;
            }
        }
        if !found {
            self.name_reference.push(other.clone());
        }
        Ok(())
    }

    /// Lays another configuration over this one.
    pub(crate) fn merge(&mut self, other: &Self) -> Result<(), Conflict> {
        let mut other = other.clone();
        for name in Self::SECTIONS {
            if let (Some(ours), Some(theirs)) = (self.section(name), other.section(name)) {
                ours.merge(theirs)?;
            }
        }
        for reference in &other.name_reference {
            self.add_back_references(reference)?;
        }
        self.sort();
        Ok(())
    }
}

/// A configuration that many kustomizations share.
pub(crate) type SharedConfig = Arc<Config>;

/// The default, as loaded.
static DEFAULT: LazyLock<SharedConfig> = LazyLock::new(|| {
    let mut config = parse(include_str!("fieldspecs.txt"));
    config.sort();
    Arc::new(config)
});

/// The default as it is after it was merged once, which drops what it says twice.
static MERGED: LazyLock<SharedConfig> = LazyLock::new(|| {
    let mut config = Config::default();
    // The default does not contradict itself: a test holds it to that.
    let _ = config.merge(&DEFAULT);
    Arc::new(config)
});

static EMPTY: LazyLock<SharedConfig> = LazyLock::new(SharedConfig::default);

pub(crate) fn default_config() -> SharedConfig {
    Arc::clone(&DEFAULT)
}

pub(crate) fn empty_config() -> SharedConfig {
    Arc::clone(&EMPTY)
}

/// Whether a configuration says nothing but what is built in.
pub(crate) fn is_default(config: &SharedConfig) -> bool {
    [&DEFAULT, &MERGED, &EMPTY]
        .iter()
        .any(|known| Arc::ptr_eq(config, known))
}

/// Lays one configuration over another; the usual ones cost nothing.
pub(crate) fn merge(ours: &SharedConfig, theirs: &SharedConfig) -> Result<SharedConfig, Conflict> {
    let is = |config: &SharedConfig, known: &SharedConfig| Arc::ptr_eq(config, known);
    let usual = |config: &SharedConfig| is(config, &DEFAULT) || is(config, &MERGED);
    if is(theirs, &EMPTY) && (is(ours, &MERGED) || is(ours, &EMPTY)) {
        return Ok(Arc::clone(ours));
    }
    if usual(theirs) && (is(ours, &EMPTY) || is(ours, &MERGED)) {
        return Ok(Arc::clone(&MERGED));
    }
    let mut merged = Config::default();
    merged.clone_from(ours);
    merged.merge(theirs)?;
    Ok(Arc::new(merged))
}

/// Reads `fieldspecs.txt`.
fn parse(text: &'static str) -> Config {
    let mut config = Config::default();
    let mut section = "";
    for line in text
        .lines()
        .filter(|line| !line.starts_with('#') && !line.is_empty())
    {
        if let Some(name) = line.strip_prefix('[') {
            section = name.trim_end_matches(']');
            continue;
        }
        let mut words = line.strip_prefix("> ").unwrap_or(line).split(' ');
        let mut word = || words.next().filter(|word| *word != "-").unwrap_or_default();
        let gvk = Gvk::new(word(), word(), word());
        if line.starts_with('>') {
            config.name_reference.push(BackReferences {
                gvk,
                referrers: Specs::default(),
            });
            continue;
        }
        let path = word();
        let spec = Spec::new(gvk, path, word() == "create");
        if section == "nameReference" {
            if let Some(target) = config.name_reference.last_mut() {
                target.referrers.0.push(spec);
            }
        } else if let Some(specs) = config.section(section) {
            specs.0.push(spec);
        }
    }
    config
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_is_whole_and_does_not_contradict_itself() {
        let mut config = Config::default();
        config.merge(&DEFAULT).unwrap();
        assert_eq!(DEFAULT.name_reference.len(), 16);
        assert_eq!(DEFAULT.var_reference.iter().count(), 72);
        assert_eq!(config.name_prefix.iter().count(), 1);
    }

    #[test]
    fn a_spec_that_is_covered_is_not_added_and_one_that_disagrees_is_refused() {
        let any = |path: &'static str, create| Spec::new(Gvk::default(), path, create);
        let of = |kind: &str, path: &'static str| Spec::new(Gvk::new("", "", kind), path, true);
        let mut specs = Specs::default();
        specs.add(&of("Deployment", "a/b")).unwrap();
        specs.add(&of("Job", "a/b")).unwrap();
        // Any kind is covered by the first that has the path: upstream reads it that way round.
        specs.add(&any("a/b", true)).unwrap();
        assert_eq!(specs.iter().count(), 2);
        assert!(specs.add(&any("a/b", false)).is_err());
    }
}
