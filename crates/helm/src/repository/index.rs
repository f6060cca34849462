//! The index of an HTTP repository.

use std::collections::HashMap;

use trueup_gotemplate::sprig::{Constraints, Version};
use trueup_yaml::{Document, DuplicateKeys, NodeId, ParseOptions, Source};

use crate::error::Error;

/// `index.yaml`: which versions of which charts there are.
pub struct Index {
    doc: Document,
    /// The list of versions of each chart.
    entries: HashMap<String, NodeId>,
}

/// One version of a chart in an index.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The version, as the index writes it.
    pub version: String,
    /// Where it lies: absolute, or relative to the index.
    pub url: String,
    /// SHA-256 of the archive in hexadecimal; empty where the index says none.
    pub digest: String,
}

impl Index {
    /// Reads an index; `name` is how to show it to a person.
    pub fn parse(name: &str, text: &str) -> Result<Self, Error> {
        let options = ParseOptions {
            duplicate_keys: DuplicateKeys::LastWins,
            ..ParseOptions::default()
        };
        let refuse = |reason: &str| {
            Error::new(
                "helm/index",
                format!("`{name}` is no index of charts: {reason}"),
            )
            .help("name the folder in which the repository's `index.yaml` lies")
        };
        let documents = Document::parse_with(&Source::new(name, text), &options)
            .map_err(|errors| refuse(&crate::yaml::go_error(&errors)))?;
        let Some(doc) = documents.into_iter().next() else {
            return Err(refuse("it is empty"));
        };
        if doc.get(doc.root(), "apiVersion").is_none() {
            return Err(refuse("it has no `apiVersion`"));
        }
        let mut entries = HashMap::new();
        if let Some(all) = doc.get(doc.root(), "entries") {
            for (key, value) in doc.entries(all) {
                if let Some(key) = doc.text(key) {
                    entries.insert(key.to_owned(), value);
                }
            }
        }
        Ok(Self { doc, entries })
    }

    /// The version of a chart that a range means: the very one that it names, or the newest that fits; the newest stable one
    /// where it is empty. None where there is none.
    pub fn find(&self, chart: &str, range: &str) -> Result<Option<Entry>, Error> {
        let Some(list) = self.entries.get(chart) else {
            return Ok(None);
        };
        let all: Vec<Entry> = self
            .doc
            .items(*list)
            .map(|item| self.entry(item))
            .filter(|entry| !entry.url.is_empty())
            .collect();
        let versions = all.iter().map(|entry| entry.version.as_str());
        let found = newest(versions, range)?;
        Ok(found
            .and_then(|version| all.iter().find(|entry| entry.version == version))
            .cloned())
    }

    /// The names of all charts, in order.
    pub fn charts(&self) -> Vec<&str> {
        let mut names: Vec<&str> = self.entries.keys().map(String::as_str).collect();
        names.sort_unstable();
        names
    }

    fn entry(&self, item: NodeId) -> Entry {
        let text = |key: &str| {
            let node = self.doc.get(item, key)?;
            self.doc.text(node).map(str::to_owned)
        };
        let urls = self.doc.get(item, "urls");
        let url = urls.and_then(|urls| self.doc.text(self.doc.item(urls, 0)?));
        Entry {
            version: text("version").unwrap_or_default(),
            url: url.unwrap_or_default().to_owned(),
            digest: text("digest").unwrap_or_default(),
        }
    }
}

/// Of some versions the one that a range means: see [`Index::find`]. What is no version is passed over.
pub fn newest<'v>(
    versions: impl Iterator<Item = &'v str> + Clone,
    range: &str,
) -> Result<Option<&'v str>, Error> {
    if let Some(exact) = versions.clone().find(|version| *version == range) {
        return Ok(Some(exact));
    }
    let wanted = if range.is_empty() { "*" } else { range };
    let constraints = Constraints::parse(wanted).map_err(|reason| {
        Error::new(
            "helm/version",
            format!("`{range}` is no version and no range of versions: {reason}"),
        )
        .help("write it as `1.2.3`, `^1.2` or `>=1.2 <2`")
    })?;
    let mut best: Option<(Version, &str)> = None;
    for text in versions {
        let Ok(version) = Version::parse(text) else {
            continue;
        };
        let is_better = best
            .as_ref()
            .is_none_or(|(known, _)| known.compare(&version).is_lt());
        if is_better && constraints.check(&version) {
            best = Some((version, text));
        }
    }
    Ok(best.map(|(_, text)| text))
}
