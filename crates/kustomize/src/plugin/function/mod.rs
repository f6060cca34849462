//! KRM functions: programs that generate or change objects, by the protocol of `ResourceList`s.
//!
//! Flows in: an object with the annotation that makes it the configuration of a function. Flows out:
//! what the program prints, as objects that keep their former names. It runs nothing itself: whoever
//! lends a [`FunctionRunner`] does, and containers are not run at all.

mod exchange;

use std::collections::HashMap;

use trueup_manifest::{Diagnostic, Diagnostics, TreePath};
use trueup_yaml::{Document, Source};

use crate::{
    Context,
    accumulate::Target,
    load::{Decoder, Rules},
    resource::{Chain, Key, ResMap, Resource},
    transform::Transform,
};

/// One run of a program.
#[derive(Clone, Copy, Debug)]
pub struct FunctionCall<'a> {
    /// The program: a path relative to [`Self::dir`], or a name to look up.
    pub path: &'a str,
    /// What to pass to it.
    pub arguments: &'a [String],
    /// `NAME=VALUE` pairs for its environment.
    pub environment: &'a [String],
    /// The folder of the kustomization, in the tree that is built; where the program runs.
    pub dir: &'a TreePath,
    /// What it reads on standard input: a `ResourceList`.
    pub input: &'a str,
}

/// Runs the programs that kustomizations name as functions.
pub trait FunctionRunner: Send + Sync {
    /// What the program printed on standard output, or why it did not end well.
    fn run(&self, call: &FunctionCall<'_>) -> Result<String, Diagnostic>;
}

/// The annotations that hold the description of a function.
const ANNOTATIONS: [&str; 2] = ["config.kubernetes.io/function", "config.k8s.io/function"];
/// One that names a container and nothing else.
const CONTAINER: &str = "config.kubernetes.io/container";

/// A program to run as a function.
pub(super) struct Function {
    path: String,
    arguments: Vec<String>,
    environment: Vec<String>,
    dir: TreePath,
    chain: Chain,
    config: Resource,
}

/// The function that an object configures; none where it configures none.
pub(super) fn load(
    target: &Target<'_, '_>,
    config: &Resource,
) -> Result<Option<Function>, Diagnostics> {
    let annotations = config.metadata_map("annotations");
    let find = |name: &str| {
        let found = annotations.iter().find(|(key, _)| *key == name);
        found.map(|(_, text)| *text).filter(|text| !text.is_empty())
    };
    let Some(text) = ANNOTATIONS.iter().find_map(|name| find(name)) else {
        let legacy = find(CONTAINER).is_some();
        let inline = config.doc.at(config.root(), &["metadata", "configFn"]);
        return if legacy || inline.is_some() {
            Err(container(config).into())
        } else {
            Ok(None)
        };
    };
    let place = config.location();
    let name = place.map_or_else(|| "function".to_owned(), |at| format!("{at} (function)"));
    let doc = Document::parse_one(&Source::new(name, text))?;
    let decoder = Decoder::new(&doc, Rules::StrictCoerced);
    let fields = decoder.fields(
        doc.root(),
        "a function",
        &["container", "deferFailure", "exec", "starlark"],
    );
    if fields.node("starlark").is_some() {
        return Err(starlark(config).into());
    }
    if fields.node("container").is_some() {
        return Err(container(config).into());
    }
    let exec = fields.node("exec").map(|node| {
        let exec = decoder.fields(node, "`exec`", &["path", "args", "envs"]);
        let texts = |name: &str| -> Vec<String> {
            let items = exec.strings(name).into_iter();
            items.map(|item| item.value).collect()
        };
        (exec.string("path"), texts("args"), texts("envs"))
    });
    let Some((path, arguments, environment)) = decoder.finish(exec)? else {
        return Err(fault(config, "names neither `exec` nor `container`").into());
    };
    if path.is_empty() {
        return Err(fault(config, "names no program: `exec.path` is empty").into());
    }
    permitted(target, config, &path)?;
    Ok(Some(Function {
        path,
        arguments,
        environment,
        dir: target.place.dir().clone(),
        chain: Chain::clone(&target.chain),
        config: config.clone(),
    }))
}

/// Programs run only where that was asked for, and only from the files at hand.
fn permitted(target: &Target<'_, '_>, config: &Resource, path: &str) -> Result<(), Diagnostic> {
    if target.context.options().functions.is_none() {
        return Err(fault(
            config,
            &format!("runs the program `{path}`, and programs are not run here"),
        )
        .help(
            "`trueup render DIR --enable-alpha-plugins --enable-exec` runs it, with your rights: \
             trust every file first; or commit what it makes",
        ));
    }
    if target.place.is_fetched() {
        return Err(fault(
            config,
            &format!("runs the program `{path}` of a fetched repository"),
        )
        .help("programs run only from files of your own: copy the base and read what it runs"));
    }
    Ok(())
}

fn fault(config: &Resource, message: &str) -> Diagnostic {
    let message = format!("the function `{}` {message}", config.id());
    Diagnostic::error("kustomize/function", message).at(config.location())
}

fn container(config: &Resource) -> Diagnostic {
    fault(config, "needs a container, and containers are not run here").help(
        "a render must give the same bytes wherever it runs, with no engine beside it: do the same \
         with patches or replacements, or commit what the function makes",
    )
}

fn starlark(config: &Resource) -> Diagnostic {
    fault(config, "is a Starlark script, which kustomize runs no more")
        .help("do the same with patches or replacements, or with a program under `exec`")
}

impl Function {
    /// The objects that the program makes of `items`, and what it says about them.
    fn run(&self, context: &Context<'_>, items: &[Document]) -> Result<Vec<Resource>, Diagnostics> {
        let Some(runner) = context.functions() else {
            return Ok(Vec::new());
        };
        let schemas = context.schemas();
        let input = exchange::resource_list(items, &exchange::config(&self.config))
            .map_err(|error| fault(&self.config, &format!("cannot be asked: {error}")))?;
        let call = FunctionCall {
            path: &self.path,
            arguments: &self.arguments,
            environment: &self.environment,
            dir: &self.dir,
            input: &input,
        };
        let output = runner.run(&call).map_err(|finding| Diagnostic {
            message: format!("the function `{}`: {}", self.config.id(), finding.message),
            ..finding.at(self.config.location())
        })?;
        let source = Source::new(format!("output of {}", self.path), output);
        let answer = exchange::read(context, &source)?;
        for result in answer.results {
            context.warn(
                Diagnostic::warning(
                    "kustomize/function-result",
                    format!("the function `{}` says: {result}", self.config.id()),
                )
                .at(self.config.location()),
            );
        }
        let objects = answer.objects.into_iter().map(|doc| {
            let mut object = Resource::new(doc, Chain::clone(&self.chain), &schemas);
            object.set_location(self.config.location());
            object
        });
        Ok(objects.collect())
    }

    /// The objects that the function makes from nothing but its configuration.
    pub(super) fn generate(&self, context: &Context<'_>) -> Result<Vec<Resource>, Diagnostics> {
        // It gets its configuration as the one object too, as upstream has it.
        let own = exchange::config(&self.config);
        let mut made = self.run(context, &[exchange::numbered(own, 1)])?;
        for object in &mut made {
            object.take_generator_options().map_err(|value| {
                let message =
                    format!("answers with `needs-hash: {value}`, which is neither true nor false");
                fault(&self.config, &message)
            })?;
        }
        Ok(made)
    }
}

impl Transform for Function {
    fn apply(&self, context: &Context<'_>, resources: &mut ResMap) -> Result<(), Diagnostics> {
        let items: Vec<Document> = resources
            .iter()
            .enumerate()
            .map(|(index, resource)| exchange::numbered(resource.with_bookkeeping(), index + 1))
            .collect();
        if items.is_empty() {
            return Ok(());
        }
        let mut answered = ResMap::default();
        for mut object in self.run(context, &items)? {
            object.drop_annotations(&[exchange::ID]);
            let id = object.id().clone();
            if answered.append(object).is_err() {
                return Err(fault(&self.config, &format!("answers with `{id}` twice")).into());
            }
        }
        let answered = answered.into_items();
        let places: HashMap<Key, usize> = answered
            .iter()
            .enumerate()
            .map(|(at, object)| (object.id().key(), at))
            .collect();
        let mut left: Vec<Option<Resource>> = answered.into_iter().map(Some).collect();
        let mut all = Vec::with_capacity(left.len());
        for mut old in std::mem::take(resources.edit()) {
            let at = places.get(&old.id().key());
            // One that is not in the answer is gone.
            if let Some(new) = at.and_then(|at| left.get_mut(*at)).and_then(Option::take) {
                old.become_as(new);
                all.push(old);
            }
        }
        all.extend(left.into_iter().flatten());
        resources.set_items(all);
        Ok(())
    }
}
