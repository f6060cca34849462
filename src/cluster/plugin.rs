//! Asks a credential plugin of a kubeconfig for credentials: a program such as `aws eks get-token`.
//!
//! The client would run it three times for each connection; here it runs once, and again when the server
//! refuses what it gave. Protocol: `client.authentication.k8s.io/v1`.

use std::process::{Command, Stdio};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use kube::config::{AuthInfo, ExecConfig, ExecInteractiveMode};
use serde::Deserialize;
use serde_json::json;
use trueup_yaml::{Document, Schema, Source, emit};

use super::error::{Error, ErrorKind};

/// What a plugin prints.
#[derive(Deserialize)]
struct Printed {
    status: Option<Credential>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Credential {
    token: Option<String>,
    client_certificate_data: Option<String>,
    client_key_data: Option<String>,
}

/// Puts what the plugin of a user gives in its place; a user without a plugin stays as it is.
pub(super) async fn ask(user: &mut AuthInfo) -> Result<(), Error> {
    let Some(exec) = user.exec.take() else {
        return Ok(());
    };
    let asked = tokio::task::spawn_blocking(move || run(&exec)).await;
    let credential =
        asked.map_err(|error| failed("the credential plugin", &error.to_string()))??;
    if let Some(token) = credential.token {
        user.token = Some(token.into());
    }
    user.client_certificate_data = credential
        .client_certificate_data
        .map(|pem| STANDARD.encode(pem))
        .or_else(|| user.client_certificate_data.take());
    if let Some(key) = credential.client_key_data {
        user.client_key_data = Some(STANDARD.encode(key).into());
    }
    Ok(())
}

fn run(exec: &ExecConfig) -> Result<Credential, Error> {
    let program = exec.command.as_deref().unwrap_or_default();
    let interactive = exec.interactive_mode != Some(ExecInteractiveMode::Never);
    let mut command = Command::new(program);
    command.args(exec.args.iter().flatten());
    for variable in exec.env.iter().flatten() {
        if let (Some(name), Some(value)) = (variable.get("name"), variable.get("value")) {
            command.env(name, value);
        }
    }
    // A person may be asked for a password, and sees what it says.
    if interactive {
        command.stdin(Stdio::inherit()).stderr(Stdio::inherit());
    } else {
        command.stdin(Stdio::null());
    }
    let cluster = exec.cluster.as_ref().filter(|_| exec.provide_cluster_info);
    let spec = match cluster {
        Some(cluster) => json!({"interactive": interactive, "cluster": cluster}),
        None => json!({"interactive": interactive}),
    };
    let asked = json!({"apiVersion": exec.api_version, "kind": "ExecCredential", "spec": spec});
    command.env("KUBERNETES_EXEC_INFO", asked.to_string());
    let output = command.output().map_err(|error| {
        let hint = exec
            .install_hint
            .as_deref()
            .map(str::trim)
            .unwrap_or_default();
        let colon = if hint.is_empty() { "" } else { ": " };
        failed(program, &format!("it cannot be run: {error}{colon}{hint}"))
    })?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        let said = said.trim();
        let colon = if said.is_empty() { "" } else { ": " };
        return Err(failed(program, &format!("{}{colon}{said}", output.status)));
    }
    let printed = read(program, &output.stdout);
    let printed = printed.ok_or_else(|| failed(program, "it printed no credential"))?;
    let nothing = "it printed a credential without a `status`";
    printed.status.ok_or_else(|| failed(program, nothing))
}

/// What a plugin printed: JSON, or YAML, as some do.
fn read(program: &str, printed: &[u8]) -> Option<Printed> {
    let source = Source::new(program, String::from_utf8_lossy(printed).into_owned());
    let documents = Document::parse(&source).ok()?;
    let document = documents.first()?;
    let mut json = String::new();
    emit::json(document, document.root(), Schema::Sigs, &mut json).ok()?;
    serde_json::from_str(&json).ok()
}

/// What the program printed is never quoted: it may be a credential.
fn failed(program: &str, why: &str) -> Error {
    Error::new(
        ErrorKind::Unauthorized,
        "get credentials from",
        program,
        why,
    )
}
