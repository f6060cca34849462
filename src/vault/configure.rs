//! Carries a plan out: what may go side by side does, what must come first comes first, and the
//! ledger knows of each thing before it is made.

use futures::{FutureExt, StreamExt, future::BoxFuture, stream};
use serde_json::Value;
use trueup_manifest::{Diagnostic, Diagnostics};

use super::{
    client::Client,
    error::{ErrorKind, VaultError},
    ledger::Ledger,
    plan::{Action, Kind, Write},
    store::KeyStore,
    wanted::Wanted,
};

/// How many writes are in flight.
const AT_ONCE: usize = 16;

/// How often a write is tried where the server says that it may yet go well.
const TRIES: u32 = 5;

/// What became of a plan.
#[derive(Debug, Default)]
pub(super) struct Done {
    /// What was written, by path.
    pub written: Vec<String>,
    /// What failed.
    pub errors: Diagnostics,
    /// What the server warned of.
    pub warnings: Diagnostics,
}

/// What the server warned of while an action was carried out, or why it was not.
type Carried = Result<Vec<String>, VaultError>;

/// Writes what a plan says, step by step: all audit devices, then all mounts, policies, configurations
/// and roles, then deletions. A step that failed ends it: what comes after builds on it.
pub(super) async fn configure(
    client: &Client,
    wanted: &[Wanted],
    actions: &[Action],
    ledger: &mut Ledger,
    store: &dyn KeyStore,
) -> Result<Done, VaultError> {
    let mut done = Done::default();
    for action in actions {
        if let Some(blocked) = &action.blocked {
            done.errors.push(blocked.clone());
        }
    }
    // Known before it is there: a crash in between leaves nothing that is ours and forgotten.
    let before = ledger.clone();
    for action in actions.iter().filter(|action| action.blocked.is_none()) {
        if matches!(action.kind, Kind::Create | Kind::Recreate) {
            ledger
                .made
                .insert(action.path.clone(), word(wanted, action));
        }
    }
    if *ledger != before {
        ledger.save(store).await?;
    }
    let mut step = 0;
    let (kept, pruned): (Vec<&Action>, Vec<&Action>) = actions
        .iter()
        .filter(|action| action.kind != Kind::None && action.blocked.is_none())
        .partition(|action| action.kind != Kind::Prune);
    while step <= LAST_STEP && !done.errors.has_errors() {
        let now = kept
            .iter()
            .copied()
            .filter(|action| step_of(action) == step);
        run(client, now.collect(), ledger, &mut done).await;
        step += 1;
    }
    if !done.errors.has_errors() {
        // In order: a role before the policy it names, that before the mount it lies in.
        for action in pruned {
            run(client, vec![action], ledger, &mut done).await;
        }
    }
    if *ledger != before {
        ledger.save(store).await?;
    }
    Ok(done)
}

const LAST_STEP: u8 = 4;

fn step_of(action: &Action) -> u8 {
    match action.word {
        "audit device" => 0,
        "auth method" | "secrets engine" => 1,
        "policy" => 2,
        "configuration" => 3,
        _ => LAST_STEP,
    }
}

/// What the ledger calls it: of a mount also whether it may be deleted.
fn word(wanted: &[Wanted], action: &Action) -> String {
    use super::wanted::What;
    let found = wanted.iter().find(|one| one.path == action.path);
    match found.map(|one| &one.what) {
        Some(What::Auth(mount) | What::Secrets(mount)) if mount.may_delete => {
            format!("{} (may be deleted)", action.word)
        }
        _ => action.word.to_owned(),
    }
}

async fn run(client: &Client, actions: Vec<&Action>, ledger: &mut Ledger, done: &mut Done) {
    let works: Vec<BoxFuture<'_, (&Action, Carried)>> = actions
        .into_iter()
        .map(|action| async move { (action, carry_out(client, action).await) }.boxed())
        .collect();
    let mut running = stream::iter(works).buffer_unordered(AT_ONCE);
    while let Some((action, result)) = running.next().await {
        match result {
            Ok(warnings) => {
                for warning in warnings {
                    let text = format!("{}: {warning}", action.path);
                    done.warnings
                        .push(Diagnostic::warning("vault/warning", text));
                }
                if action.kind == Kind::Prune {
                    ledger.made.remove(&action.path);
                    let prefix = format!("{}#", action.path);
                    ledger
                        .digests
                        .retain(|place, _| !place.starts_with(&prefix));
                }
                ledger.digests.extend(action.digests.iter().cloned());
                done.written.push(action.path.clone());
            }
            Err(error) => done.errors.push(Diagnostic::from(error)),
        }
    }
}

async fn carry_out(client: &Client, action: &Action) -> Result<Vec<String>, VaultError> {
    let mut warnings = Vec::new();
    for write in &action.writes {
        let answer = patiently(client, write).await?;
        let said = answer.get("warnings").and_then(Value::as_array);
        let said = said.into_iter().flatten().filter_map(Value::as_str);
        warnings.extend(said.map(str::to_owned));
    }
    Ok(warnings)
}

/// A write, again and again while it may yet go well: AWS takes its time to know a role that was just
/// made, and a server that changes its leader is back in a moment.
async fn patiently(client: &Client, write: &Write) -> Result<Value, VaultError> {
    let mut tried = 0;
    loop {
        let result = match write {
            Write::Post(path, body) => client.write(path, body).await,
            Write::Put(path, body) => client.put(path, body).await,
            Write::Delete(path) => client.delete(path).await.map(|()| Value::Null),
        };
        tried += 1;
        match result {
            Err(error) if tried < TRIES && may_pass(&error) => {
                let wait = std::time::Duration::from_millis(200 << tried.min(6));
                tokio::time::sleep(wait.mul_f64(0.5 + fastrand::f64())).await;
            }
            result => return result,
        }
    }
}

fn may_pass(error: &VaultError) -> bool {
    let aws = ["InvalidClientTokenId", "NoSuchEntity"];
    error.kind != ErrorKind::Sealed
        && (error.is_transient() || aws.iter().any(|code| error.message.contains(code)))
}
