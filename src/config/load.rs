//! Finds and reads every configuration file of a repository.

use std::collections::{BTreeMap, HashSet};

use trueup_manifest::{Diagnostic, Diagnostics, Entry, Tree, TreePath, nearest};
use trueup_yaml::{Document, Location, Source, Span};

use super::{
    context::Context,
    decode::{Decoder, Spanned},
    environment::{Environment, not_built},
    format,
    variables::Variables,
};

/// The folder of the Environment files.
pub const ENVIRONMENTS: &str = "environments";
/// The folder of the Context files.
pub const CONTEXTS: &str = "contexts";

/// All configuration files of a repository. A file with errors stands in the way of its own
/// environment only; a context with errors, of all of them, since its variables could be anyone's.
#[derive(Debug, Default)]
pub struct Config {
    environments: Vec<Found>,
    contexts: Vec<Context>,
    context_findings: Diagnostics,
    warnings: Diagnostics,
}

/// One Environment file.
#[derive(Debug)]
struct Found {
    file: TreePath,
    /// Where the environment is named, if it could be read.
    name: Option<Spanned<String>>,
    environment: Result<Environment, Diagnostics>,
}

impl Config {
    /// Reads `environments/*.yaml` and `contexts/*.yaml` of a tree. It fails only where a folder
    /// cannot be listed; what is wrong with a file is told when its environment is asked for, and
    /// all of it by [`Self::findings`].
    pub fn load(tree: &dyn Tree) -> Result<Self, Diagnostics> {
        let mut config = Self::default();
        for file in files(tree, CONTEXTS)? {
            match read(tree, &file, "the file", format::decode_context) {
                Ok((Some(context), _)) => config.contexts.push(context),
                Ok((None, _)) => {}
                Err((_, findings)) => config.context_findings.extend(findings),
            }
        }
        config.refuse_duplicate_contexts();
        for file in files(tree, ENVIRONMENTS)? {
            config.add_environment(tree, file);
        }
        config.refuse_duplicate_names();
        config.warn_of_idle_contexts();
        Ok(config)
    }

    /// The environments that could be read, in the order of their files.
    pub fn environments(&self) -> impl Iterator<Item = &Environment> {
        self.environments
            .iter()
            .filter_map(|found| found.environment.as_ref().ok())
    }

    /// The contexts that could be read, in the order of their files.
    pub fn contexts(&self) -> &[Context] {
        &self.contexts
    }

    /// The names of all environments that have one, readable or not, in the order of their files.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.environments
            .iter()
            .filter_map(|found| found.name.as_deref().map(String::as_str))
    }

    /// Whether a file is about the environment of this name, readable or not.
    pub fn knows(&self, name: &str) -> bool {
        self.find(name).is_some()
    }

    /// The environment of this name, or everything that stands in its way.
    pub fn environment(&self, name: &str) -> Result<&Environment, Diagnostics> {
        match self.find(name).map(|found| &found.environment) {
            Some(Ok(_)) if self.context_findings.has_errors() => Err(self.context_findings.clone()),
            Some(Ok(environment)) => Ok(environment),
            Some(Err(findings)) => Err(findings.clone()),
            None => Err(self.unknown(name).into()),
        }
    }

    /// Everything that is wrong or doubtful in any file.
    pub fn findings(&self) -> Diagnostics {
        let broken = self
            .environments
            .iter()
            .filter_map(|found| found.environment.as_ref().err());
        let all = std::iter::once(&self.context_findings)
            .chain(broken)
            .chain([&self.warnings])
            .flatten();
        // What is wrong between two files is kept with both.
        let mut seen = HashSet::new();
        all.filter(|finding| seen.insert(finding.to_string()))
            .cloned()
            .collect()
    }

    fn find(&self, name: &str) -> Option<&Found> {
        let named = |found: &&Found| found.name.as_deref().is_some_and(|known| known == name);
        // A file that is too broken to tell its name is known by the name of the file.
        let filed = |found: &&Found| found.name.is_none() && stem(&found.file) == name;
        let found = self.environments.iter().find(named);
        found.or_else(|| self.environments.iter().find(filed))
    }

    fn unknown(&self, name: &str) -> Diagnostic {
        let names: Vec<&str> = self.names().collect();
        let help = match nearest(name, names.iter().copied()) {
            Some(meant) => format!("did you mean `{meant}`?"),
            None if self.environments.is_empty() => {
                format!("there is no file in `{ENVIRONMENTS}/`; `-C` says where the repository is")
            }
            None if names.is_empty() => {
                "no Environment file could be read; see `trueup check`".to_owned()
            }
            None => format!("the environments are `{}`", names.join("`, `")),
        };
        Diagnostic::error(
            "config/unknown-environment",
            format!("no environment is called `{name}`"),
        )
        .help(help)
    }

    fn add_environment(&mut self, tree: &dyn Tree, file: TreePath) {
        let (draft, findings) = match read(tree, &file, "the file", format::decode_environment) {
            Ok(read) => read,
            Err((draft, findings)) => {
                let name = draft.and_then(|draft| draft.name);
                self.environments.push(Found {
                    file,
                    name,
                    environment: Err(findings),
                });
                return;
            }
        };
        let (Some(name), Some(body)) = (draft.name.clone(), draft.body) else {
            self.environments.push(Found {
                file,
                name: draft.name,
                environment: Err(findings),
            });
            return;
        };
        let (variables, conflicts) =
            Variables::gather(&name, &body.labels, &body.variables, &self.contexts);
        let environment = Environment {
            not_built: self.not_built(&name, &body.labels),
            name: name.clone(),
            file: file.clone(),
            labels: body.labels,
            source: body.source,
            cluster: body.cluster,
            variables,
            phases: body.phases,
            waits: body.waits,
            patches: body.patches,
            reconcile: body.reconcile,
        };
        let conflicts: Diagnostics = conflicts.into_iter().collect();
        let environment = conflicts.into_result(environment);
        self.environments.push(Found {
            file,
            name: Some(name),
            environment,
        });
    }

    fn not_built(&self, name: &str, labels: &BTreeMap<String, String>) -> Diagnostics {
        let attached = self
            .contexts
            .iter()
            .filter(|context| context.attachment(name, labels).is_some());
        attached
            .flat_map(|context| &context.not_built)
            .map(|field| {
                let what = format!("`{}` of a context", field.value);
                not_built(&what, &field.clone().map(|_| ()), "remove it until then")
            })
            .collect()
    }

    fn refuse_duplicate_contexts(&mut self) {
        for (index, context) in self.contexts.iter().enumerate() {
            let first = self
                .contexts
                .iter()
                .take(index)
                .find(|first| first.name == context.name);
            if let Some(first) = first {
                let message = format!("two contexts are called `{}`", context.name);
                self.context_findings
                    .push(duplicate(message, &context.name, &first.name));
            }
        }
    }

    /// Two environments with one name, or with names that are one in the cluster, are both refused:
    /// nobody can tell which was meant.
    fn refuse_duplicate_names(&mut self) {
        let mut refused: Vec<(usize, Diagnostic)> = Vec::new();
        let named: Vec<(usize, &Spanned<String>)> = self
            .environments
            .iter()
            .enumerate()
            .filter_map(|(index, found)| found.name.as_ref().map(|name| (index, name)))
            .collect();
        for (place, (index, name)) in named.iter().enumerate() {
            let same = |(_, first): &&(usize, &Spanned<String>)| {
                first.replace('_', "-") == name.replace('_', "-")
            };
            let Some((first_index, first)) = named.iter().take(place).find(same) else {
                continue;
            };
            let message = if first == name {
                format!("two environments are called `{}`", name.value)
            } else {
                format!(
                    "environments `{}` and `{}` have one name in the cluster, where `_` is `-`",
                    first.value, name.value
                )
            };
            let finding = duplicate(message, name, first);
            refused.push((*first_index, finding.clone()));
            refused.push((*index, finding));
        }
        for (index, finding) in refused {
            if let Some(found) = self.environments.get_mut(index) {
                found.environment = Err(finding.into());
            }
        }
    }

    fn warn_of_idle_contexts(&mut self) {
        // With an unreadable environment about, it may be the one that a context is for.
        if self
            .environments
            .iter()
            .any(|found| found.environment.is_err())
        {
            return;
        }
        let idle = |context: &&Context| {
            !self.environments().any(|environment| {
                context
                    .attachment(&environment.name, &environment.labels)
                    .is_some()
            })
        };
        let warnings: Vec<Diagnostic> = self
            .contexts
            .iter()
            .filter(idle)
            .map(|context| {
                Diagnostic::warning(
                    "config/idle-context",
                    format!("context `{}` is attached to no environment", context.name),
                )
                .at(context.name.location.clone())
                .help("look at `attach`, or remove the file")
            })
            .collect();
        self.warnings.extend(warnings);
    }
}

fn duplicate(message: String, again: &Spanned<String>, first: &Spanned<String>) -> Diagnostic {
    Diagnostic::error("config/duplicate-name", message)
        .label(again.location.clone(), "again here")
        .label(first.location.clone(), "first here")
        .help("give one of them another name")
}

fn stem(file: &TreePath) -> &str {
    let name = file.file_name();
    name.rsplit_once('.').map_or(name, |(stem, _)| stem)
}

/// The `*.yaml` and `*.yml` files right inside a folder of the root; none where it is absent.
fn files(tree: &dyn Tree, folder: &str) -> Result<Vec<TreePath>, Diagnostics> {
    let folder = TreePath::new(folder).map_err(Diagnostic::from)?;
    if tree.entry(&folder).map_err(Diagnostic::from)?.is_none() {
        return Ok(Vec::new());
    }
    let mut files = Vec::new();
    for (name, entry) in tree.list(&folder).map_err(Diagnostic::from)? {
        let is_yaml = name
            .rsplit_once('.')
            .is_some_and(|(stem, ending)| !stem.is_empty() && matches!(ending, "yaml" | "yml"));
        if entry == Entry::File && is_yaml {
            files.push(folder.join(&name).map_err(Diagnostic::from)?);
        }
    }
    Ok(files)
}

/// Reads one file that holds one document. With errors, what could be read comes along.
fn read<T>(
    tree: &dyn Tree,
    file: &TreePath,
    what: &'static str,
    decode: impl FnOnce(super::decode::Value<'_>) -> T,
) -> Result<(T, Diagnostics), (Option<T>, Diagnostics)> {
    let text = tree
        .read_text(file)
        .map_err(|error| (None, Diagnostics::from(Diagnostic::from(error))))?;
    let source = Source::new(tree.display(file), text);
    let documents = Document::parse(&source).map_err(|errors| (None, errors.into()))?;
    let mut documents = documents.into_iter().filter(|doc| !doc.is_null(doc.root()));
    let Some(doc) = documents.next() else {
        let place = Location {
            source,
            span: Span { start: 0, end: 0 },
        };
        let error = Diagnostic::error("config/empty-file", "the file holds nothing").at(place);
        return Err((
            None,
            error.help("remove it, or say in it what it is for").into(),
        ));
    };
    if let Some(second) = documents.next() {
        let error = Diagnostic::error(
            "config/several-documents",
            "the file holds several documents",
        )
        .label(second.location(second.root()), "the second begins here")
        .help("move it into a file of its own");
        return Err((None, error.into()));
    }
    let decoder = Decoder::new(&doc);
    let value = decode(decoder.root(what));
    let findings = decoder.finish();
    if findings.has_errors() {
        Err((Some(value), findings))
    } else {
        Ok((value, findings))
    }
}
