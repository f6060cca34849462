//! From files to a chart.

use std::{collections::BTreeMap, sync::Arc};

use trueup_manifest::{Diagnostic, Entry, Tree, TreePath};
use trueup_yaml::{Document, Source};

use super::{
    Chart, File, Lock, Metadata, Prepared,
    archive::{self, MAX_FILE},
    ignore::Rules,
};
use crate::{
    error::Error,
    values::{Values, check_keys},
    yaml,
};

/// Folders in folders: no chart comes near, and a circle of links ends here at the latest.
const MAX_DEPTH: usize = 64;

/// Loads the chart in a folder. The tree resolves symlinks and refuses those that leave it.
pub fn load_dir(tree: &dyn Tree, folder: &TreePath) -> Result<Chart, Error> {
    assemble(files(tree, folder)?, &tree.display(folder).into(), 0)
}

/// The files of the chart in a folder, but for those that `.helmignore` leaves out.
pub(crate) fn files(tree: &dyn Tree, folder: &TreePath) -> Result<Vec<File>, Error> {
    let rules = folder.join(".helmignore")?;
    let rules = match tree.entry(&rules)? {
        Some(Entry::File) => Rules::parse(&String::from_utf8_lossy(&tree.read(&rules)?))?,
        _ => Rules::parse("")?,
    };
    let mut walk = Walk {
        tree,
        top: folder,
        rules: &rules,
        buffer: Vec::new(),
        files: Vec::new(),
    };
    walk.folder(folder, 0)?;
    Ok(walk.files)
}

/// Loads a packed chart; `origin` is how to show it to a person.
pub fn load_archive(packed: &[u8], origin: &str) -> Result<Chart, Error> {
    assemble(archive::files(packed)?, &origin.into(), 0)
}

/// A walk through a chart's folder.
struct Walk<'w> {
    tree: &'w dyn Tree,
    top: &'w TreePath,
    rules: &'w Rules,
    /// One for all files: what is kept of a file is a copy of the right size.
    buffer: Vec<u8>,
    files: Vec<File>,
}

impl Walk<'_> {
    fn folder(&mut self, folder: &TreePath, depth: usize) -> Result<(), Error> {
        if depth > MAX_DEPTH {
            return Err(Error::new(
                "helm/too-deep",
                format!("folders of the chart are nested more than {MAX_DEPTH} deep"),
            )
            .help("look for a symlink that leads back into the chart"));
        }
        for (name, entry) in self.tree.list(folder)? {
            let path = folder.join(&name)?;
            let relative = path.relative_to(self.top);
            match entry {
                Entry::Dir if !self.rules.ignores(&relative, true) => {
                    self.folder(&path, depth + 1)?;
                }
                Entry::File if !self.rules.ignores(&relative, false) => {
                    self.file(&path, &name, &relative)?;
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn file(&mut self, path: &TreePath, name: &str, relative: &str) -> Result<(), Error> {
        self.buffer.clear();
        self.tree.read_into(path, &mut self.buffer)?;
        if self.buffer.len() as u64 > MAX_FILE {
            return Err(Error::new(
                "helm/too-large",
                format!(
                    "chart file {} is larger than the maximum file size {MAX_FILE}",
                    crate::go::quote(name)
                ),
            )
            .help("leave it out with a rule in `.helmignore`"));
        }
        self.files.push(File {
            name: relative.into(),
            data: archive::without_mark(&self.buffer).into(),
        });
        Ok(())
    }
}

/// Puts a chart together from its files, in the order in which Helm looks at them.
fn assemble(files: Vec<File>, origin: &Arc<str>, depth: usize) -> Result<Chart, Error> {
    if depth > MAX_DEPTH {
        return Err(Error::new(
            "helm/too-deep",
            format!("charts are nested more than {MAX_DEPTH} deep"),
        ));
    }
    let source = |file: &File| format!("{origin}/{}", file.name);
    let mut metadata = Metadata::default();
    let mut present = false;
    for file in files.iter().filter(|file| &*file.name == "Chart.yaml") {
        let read = document(&source(file), file).and_then(|doc| metadata.read(&doc));
        read.map_err(|error| error.wrap("cannot load Chart.yaml"))?;
        present = true;
        if metadata.api_version.is_empty() {
            "v1".clone_into(&mut metadata.api_version);
        }
    }
    let mut chart = Chart {
        origin: Arc::clone(origin),
        metadata,
        lock: None,
        templates: Vec::new(),
        values: Values::default(),
        schema: None,
        files: Vec::new(),
        dependencies: Vec::new(),
        parent_name: None,
        prepared: Prepared::default(),
    };
    let mut below: BTreeMap<String, Vec<File>> = BTreeMap::new();
    for file in files {
        match &*file.name {
            "Chart.yaml" => {}
            "Chart.lock" => chart.lock = Some(lock(&source(&file), &file)?),
            "values.yaml" => {
                chart.values = Values::of_text(&source(&file), file.data.text())
                    .map_err(|error| error.wrap("cannot load values.yaml"))?;
            }
            "values.schema.json" => chart.schema = Some(file.data),
            "requirements.yaml" => {
                document(&source(&file), &file)
                    .and_then(|doc| chart.metadata.read(&doc))
                    .map_err(|error| error.wrap("cannot load requirements.yaml"))?;
                present = true;
                chart.keep_for_v1(file);
            }
            "requirements.lock" => {
                chart.lock = Some(lock(&source(&file), &file)?);
                present = true;
                chart.keep_for_v1(file);
            }
            name if name.starts_with("templates/") => chart.templates.push(file),
            name => match name.strip_prefix("charts/") {
                Some(rest) if name.strip_suffix(".prov").is_none() => {
                    let (top, _) = rest.split_once('/').unwrap_or((rest, ""));
                    below.entry(top.to_owned()).or_default().push(File {
                        name: rest.into(),
                        data: file.data,
                    });
                }
                _ => chart.files.push(file),
            },
        }
    }
    if !present {
        let finding = Diagnostic::error(
            "helm/no-chart",
            format!("`{origin}` is no chart: it has no `Chart.yaml`"),
        )
        .help("name the folder that holds `Chart.yaml`");
        return Err(Error::found("Chart.yaml file is missing", finding));
    }
    chart.metadata.validate()?;
    for (name, files) in below {
        if name.starts_with(['_', '.']) {
            continue;
        }
        let dependency = dependency(&name, files, &chart, depth).map_err(|error| {
            error.wrap(&format!(
                "error unpacking subchart {name} in {}",
                chart.name()
            ))
        })?;
        chart.dependencies.push(dependency);
    }
    Ok(chart)
}

/// A chart of `charts/`: a folder or an archive.
fn dependency(name: &str, files: Vec<File>, chart: &Chart, depth: usize) -> Result<Chart, Error> {
    let origin: Arc<str> = format!("{}/charts/{name}", chart.origin).into();
    if name.strip_suffix(".tgz").is_some() {
        let Some(file) = files.first().filter(|file| &*file.name == name) else {
            let got = files.first().map(|file| &*file.name).unwrap_or_default();
            return Err(Error::new(
                "helm/archive",
                format!(
                    "error unpacking subchart tar in {}: expected {name}, got {got}",
                    chart.name()
                ),
            ));
        };
        return assemble(archive::files(&file.data)?, &origin, depth + 1);
    }
    let files = files
        .into_iter()
        .filter_map(|file| {
            let (_, name) = file.name.split_once('/')?;
            Some(File {
                name: name.into(),
                data: file.data,
            })
        })
        .collect();
    assemble(files, &origin, depth + 1)
}

/// A file of the chart's own, as a document.
fn document(source: &str, file: &File) -> Result<Document, Error> {
    let document = yaml::parse(&Source::new(source, file.data.text()))?;
    check_keys(&document, document.root())?;
    Ok(document)
}

fn lock(source: &str, file: &File) -> Result<Lock, Error> {
    document(source, file)
        .and_then(|doc| Lock::read(&doc))
        .map_err(|error| error.wrap(&format!("cannot load {}", file.name)))
}

impl Chart {
    /// The files of version 1 stay visible to templates.
    fn keep_for_v1(&mut self, file: File) {
        if self.metadata.api_version == "v1" {
            self.files.push(file);
        }
    }
}
