//! Flags of `helm template` that cannot be honoured, and flags that change nothing of what is printed.

use clap::Args as ClapArgs;
use trueup_manifest::Diagnostic;

use crate::cli::exit::Failure;

/// Flags that are refused with what to do instead, and flags that are taken and not used, as they are about
/// installing, or about a cluster that is not asked.
#[derive(Debug, ClapArgs)]
pub(super) struct Unused {
    #[command(flatten)]
    refused: Refused,
    #[command(flatten)]
    ignored: Ignored,
}

#[derive(Debug, ClapArgs)]
struct Refused {
    #[arg(long, hide = true)]
    validate: bool,
    #[arg(long, hide = true, num_args = 0..=1, default_missing_value = "client")]
    dry_run: Option<String>,
    #[arg(long, hide = true)]
    post_renderer: Option<String>,
    #[arg(long, hide = true)]
    post_renderer_args: Vec<String>,
    #[arg(long, hide = true)]
    enable_dns: bool,
    #[arg(long, hide = true)]
    verify: bool,
}

#[derive(Debug, ClapArgs)]
struct Ignored {
    #[arg(long, hide = true)]
    create_namespace: bool,
    #[arg(long, hide = true)]
    skip_crds: bool,
    #[arg(long, hide = true)]
    render_subchart_notes: bool,
    #[arg(long, hide = true)]
    hide_notes: bool,
    #[arg(long, hide = true)]
    disable_openapi_validation: bool,
    #[arg(long, hide = true)]
    replace: bool,
    #[arg(long, hide = true)]
    force: bool,
    #[arg(long, hide = true)]
    wait: bool,
    #[arg(long, hide = true)]
    wait_for_jobs: bool,
    #[arg(long, hide = true)]
    atomic: bool,
    #[arg(long, hide = true)]
    take_ownership: bool,
    #[arg(long, hide = true)]
    timeout: Option<String>,
    #[arg(long, hide = true)]
    description: Option<String>,
    #[arg(short, long, hide = true)]
    labels: Vec<String>,
    #[arg(long, hide = true)]
    keyring: Option<String>,
    #[arg(long, hide = true)]
    repository_cache: Option<String>,
    #[arg(long, hide = true)]
    burst_limit: Option<String>,
    #[arg(long, hide = true)]
    qps: Option<String>,
    #[arg(long, hide = true)]
    kube_apiserver: Option<String>,
    #[arg(long, hide = true)]
    kube_as_group: Vec<String>,
    #[arg(long, hide = true)]
    kube_as_user: Option<String>,
    #[arg(long, hide = true)]
    kube_ca_file: Option<String>,
    #[arg(long, hide = true)]
    kube_context: Option<String>,
    #[arg(long, hide = true)]
    kube_insecure_skip_tls_verify: bool,
    #[arg(long, hide = true)]
    kube_tls_server_name: Option<String>,
    #[arg(long, hide = true)]
    kube_token: Option<String>,
}

impl Unused {
    /// An error for the first flag that would have to change what is printed and cannot.
    pub(super) fn refuse(&self) -> Result<(), Failure> {
        const CLUSTER: &str =
            "put the chart into a `helm` phase, for which `trueup diff` asks the cluster";
        let flags = &self.refused;
        let refusals = [
            (flags.validate, "--validate", CLUSTER),
            (
                flags.dry_run.as_deref() == Some("server"),
                "--dry-run=server",
                CLUSTER,
            ),
            (
                flags.post_renderer.is_some(),
                "--post-renderer",
                "pipe the output through the program; a `helm` phase has `patches`",
            ),
            (
                !flags.post_renderer_args.is_empty(),
                "--post-renderer-args",
                "pipe the output through the program; a `helm` phase has `patches`",
            ),
            (
                flags.enable_dns,
                "--enable-dns",
                "rendering asks nobody, so that it gives the same every time",
            ),
            (
                flags.verify,
                "--verify",
                "signatures are not checked yet; digests of indexes and registries always are",
            ),
        ];
        for (set, flag, help) in refusals {
            if set {
                let message = format!("`{flag}` is not supported");
                return Err(Diagnostic::error("cli/helm-flag", message)
                    .help(help)
                    .into());
            }
        }
        Ok(())
    }
}
