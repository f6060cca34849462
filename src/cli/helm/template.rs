//! `trueup helm template`: prints what a chart renders to.

use std::{
    io::IsTerminal,
    mem::ManuallyDrop,
    path::{Path, PathBuf},
};

use clap::Args as ClapArgs;
use trueup_helm::{Capabilities, Error, Overlay, Print, Release, Request, Values};

use super::{source::Whence, tell, unused::Unused};
use crate::cli::{
    console::Console,
    exit::{Exit, Failure},
    global::Global,
};

/// Print what a chart renders to, byte for byte as `helm template` 3.22
///
/// The flags are those of Helm. Errors are told in Helm's words; on a terminal, or with `--explain`,
/// the place in the chart and what to do follow.
#[derive(Debug, ClapArgs)]
pub(super) struct Args {
    /// The name of the release, and the chart: a folder, an archive, `oci://REGISTRY/CHART`, a chart of `--repo`, or
    /// `REPOSITORY/CHART` of Helm's file of repositories
    #[arg(value_name = "NAME] [CHART", num_args = 1..=2, required = true)]
    name_and_chart: Vec<String>,
    /// Values files; later ones win
    #[arg(
        short = 'f',
        long = "values",
        value_name = "FILE",
        value_delimiter = ','
    )]
    values: Vec<String>,
    /// Set values: `key1=val1,key2=val2`
    #[arg(long, value_name = "KEY=VALUE", allow_hyphen_values = true)]
    set: Vec<String>,
    /// Set values that are text whatever they look like
    #[arg(long, value_name = "KEY=VALUE", allow_hyphen_values = true)]
    set_string: Vec<String>,
    /// Set values from files: `key1=path1,key2=path2`
    #[arg(long, value_name = "KEY=FILE", allow_hyphen_values = true)]
    set_file: Vec<String>,
    /// Set values from JSON: `key1=json1,key2=json2`
    #[arg(long, value_name = "KEY=JSON", allow_hyphen_values = true)]
    set_json: Vec<String>,
    /// Set one value to all that follows the `=`
    #[arg(long, value_name = "KEY=TEXT", allow_hyphen_values = true)]
    set_literal: Vec<String>,
    /// The namespace of the release
    #[arg(short, long, default_value = "default", env = "HELM_NAMESPACE")]
    namespace: String,
    /// The Kubernetes version that the chart takes the cluster to have
    #[arg(long, value_name = "VERSION")]
    kube_version: Option<String>,
    /// APIs that the chart takes the cluster to serve, besides those of Kubernetes
    #[arg(short = 'a', long, value_name = "API", value_delimiter = ',')]
    api_versions: Vec<String>,
    /// Print the files of `crds/` first
    #[arg(long)]
    include_crds: bool,
    /// Print no hooks
    #[arg(long)]
    no_hooks: bool,
    /// Print hooks, but no tests
    #[arg(long)]
    skip_tests: bool,
    /// Render as for an upgrade
    #[arg(long)]
    is_upgrade: bool,
    /// Print only what these templates printed: `templates/a.yaml`
    #[arg(short = 's', long, value_name = "TEMPLATE")]
    show_only: Vec<String>,
    /// Make the name of the release from a template
    #[arg(long, value_name = "TEMPLATE")]
    name_template: Option<String>,
    /// Taken, and not used: without a name, it is `release-name`, as in Helm
    #[arg(short = 'g', long)]
    generate_name: bool,
    /// Write one file for each template below this folder
    #[arg(long, value_name = "DIR")]
    output_dir: Option<PathBuf>,
    /// Put the name of the release into the paths below `--output-dir`
    #[arg(long)]
    release_name: bool,
    /// Do not check values against the chart's schema
    #[arg(long)]
    skip_schema_validation: bool,
    /// Print what was rendered even where it is no YAML
    #[arg(long)]
    debug: bool,
    /// Say where an error is and what to do; always done on a terminal
    #[arg(long)]
    explain: bool,
    #[command(flatten)]
    whence: Whence,
    #[command(flatten)]
    unused: Unused,
}

impl Args {
    pub(super) fn run(&self, global: &Global, console: &Console) -> Result<Exit, Failure> {
        self.unused.refuse()?;
        let explain = self.explain || std::io::stderr().is_terminal();
        match self.render(global, console) {
            Ok(Ok(())) => Ok(Exit::Done),
            Ok(Err(failure)) => Err(failure),
            Err(error) => {
                for warning in error.warnings() {
                    console.message(warning);
                }
                Ok(tell(&error, explain, console))
            }
        }
    }

    fn render(&self, global: &Global, console: &Console) -> Result<Result<(), Failure>, Error> {
        let (name, chart) = self.name_and_chart()?;
        // The process ends with this command: to free a chart piece by piece would take a tenth of it.
        let chart = ManuallyDrop::new(self.whence.load(chart, global)?);
        let overlay = self.overlay()?;
        let mut capabilities = Capabilities::default();
        if let Some(version) = &self.kube_version {
            capabilities = capabilities.with_kube_version(version)?;
        }
        let capabilities = capabilities.with_api_versions(self.api_versions.iter().cloned());
        let namespace = match self.namespace.as_str() {
            "" => "default",
            given => given,
        };
        let mut request = Request::new(&chart, &name, namespace, &overlay, &capabilities);
        request.release.is_upgrade = self.is_upgrade;
        request.skip_schema = self.skip_schema_validation;
        let release = match request.render(&mut read_file) {
            Ok(release) => ManuallyDrop::new(release),
            Err(error) => {
                if self.debug
                    && let Some(text) = error.rendered()
                    && let Err(failure) = console.data(text)
                {
                    return Ok(Err(failure));
                }
                return Err(error);
            }
        };
        for warning in &release.warnings {
            console.message(warning);
        }
        self.print(&name, &release, console)
    }

    fn print(
        &self,
        name: &str,
        release: &Release,
        console: &Console,
    ) -> Result<Result<(), Failure>, Error> {
        let what = Print {
            crds: self.include_crds,
            no_hooks: self.no_hooks,
            skip_tests: self.skip_tests,
        };
        if let Some(folder) = &self.output_dir {
            let folder = if self.release_name {
                folder.join(name)
            } else {
                folder.clone()
            };
            let written = write(&folder, release, what, console);
            if self.show_only.is_empty() {
                // What Helm prints then: no objects, on a line.
                return Ok(written.and_then(|()| console.data("\n")));
            }
            // Helm writes all files, and then finds none of the templates among what it would have printed.
            let found = Release::show_only("", &self.show_only);
            return found.map(|_| written);
        }
        if self.show_only.is_empty() {
            return Ok(console.pieces(&release.pieces(what)));
        }
        let text = Release::show_only(&release.print(what), &self.show_only)?;
        Ok(console.data(&text))
    }

    /// The release's name and the chart, by the rules of Helm.
    fn name_and_chart(&self) -> Result<(String, &str), Error> {
        let refuse = |flag: &str| {
            Error::new(
                "cli/helm-name",
                format!("cannot set {flag} and also specify a name"),
            )
        };
        let (name, chart) = match self.name_and_chart.as_slice() {
            [name, chart] => {
                if self.generate_name {
                    return Err(refuse("--generate-name"));
                }
                if self.name_template.is_some() {
                    return Err(refuse("--name-template"));
                }
                (name.clone(), chart)
            }
            [chart] => {
                let name = match &self.name_template {
                    Some(template) => trueup_helm::name_of(template)?,
                    None => "release-name".to_owned(),
                };
                (name, chart)
            }
            _ => return Err(Error::new("cli/helm-name", "no chart provided")),
        };
        trueup_helm::check_release_name(&name)?;
        Ok((name, chart))
    }

    fn overlay(&self) -> Result<Overlay, Error> {
        let files = self.values.iter().map(|path| {
            let data = read_file(path).map_err(|reason| {
                Error::new("cli/helm-values", reason).help("name a file that exists")
            })?;
            Values::parse(path, &data)
                .map_err(|error| error.wrap(&format!("failed to parse {path}")))
        });
        Ok(Overlay {
            files: files.collect::<Result<_, _>>()?,
            json: self.set_json.clone(),
            set: self.set.clone(),
            strings: self.set_string.clone(),
            set_files: self.set_file.clone(),
            literals: self.set_literal.clone(),
            secrets: Vec::new(),
        })
    }
}

/// A file on this machine; `-` is standard input.
fn read_file(path: &str) -> Result<Vec<u8>, String> {
    use std::io::Read as _;
    if path.trim() == "-" {
        let mut data = Vec::new();
        let read = std::io::stdin().read_to_end(&mut data);
        return read.map(|_| data).map_err(|error| error.to_string());
    }
    std::fs::read(path).map_err(|error| {
        let reason = match error.kind() {
            std::io::ErrorKind::NotFound => "no such file or directory".to_owned(),
            std::io::ErrorKind::PermissionDenied => "permission denied".to_owned(),
            _ => error.to_string(),
        };
        format!("open {path}: {reason}")
    })
}

/// Writes what each template printed to a file of its path.
fn write(folder: &Path, release: &Release, what: Print, console: &Console) -> Result<(), Failure> {
    let mut files: Vec<(String, String)> = Vec::new();
    let mut add = |path: &str, content: &str| {
        let text = format!("---\n# Source: {path}\n{content}\n");
        match files.iter_mut().find(|(known, _)| known == path) {
            Some((_, file)) => file.push_str(&text),
            None => files.push((path.to_owned(), text)),
        }
    };
    if what.crds {
        for crd in &release.crds {
            add(&crd.path, &crd.file.text());
        }
    }
    for manifest in &release.manifests {
        add(&manifest.path, &manifest.content);
    }
    for hook in &release.hooks {
        if !(what.no_hooks || what.skip_tests && hook.is_test()) {
            add(&hook.manifest.path, &hook.manifest.content);
        }
    }
    for (path, text) in files {
        let file = folder.join(&path);
        let parent = file.parent().unwrap_or(folder);
        let shown = file.display().to_string();
        std::fs::create_dir_all(parent)
            .and_then(|()| std::fs::write(&file, text))
            .map_err(|error| Failure::write(&format!("`{shown}`"), &error))?;
        console.data(&format!("wrote {shown}\n"))?;
    }
    Ok(())
}
