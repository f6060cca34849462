//! Carries a plan out: what may go side by side does, what must come first comes first, and the
//! ledger knows of each thing before it is made.

use std::{collections::BTreeSet, time::Duration};

use futures::{FutureExt, StreamExt, future::BoxFuture, stream};
use serde_json::{Value, json};
use trueup_manifest::{Diagnostic, Diagnostics};

use super::{
    client::Client,
    error::{ErrorKind, VaultError},
    guard::Guard,
    ledger::Ledger,
    patience::patiently,
    plan::{Action, Kind, Write, stand_in},
    references,
    store::KeyStore,
    wanted::Wanted,
};

/// How many writes are in flight.
const AT_ONCE: usize = 16;

/// What became of a plan.
#[derive(Debug, Default)]
pub(super) struct Done {
    /// What was written, by path.
    pub written: Vec<String>,
    /// Audit devices that the server leaves to its own configuration.
    pub unmanaged: Vec<String>,
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
    guard: &Guard,
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
        announce(wanted, action, ledger);
    }
    if *ledger != before {
        ledger.save(store).await?;
    }
    let (kept, pruned): (Vec<&Action>, Vec<&Action>) = actions
        .iter()
        .filter(|action| action.kind != Kind::None && action.blocked.is_none())
        .partition(|action| action.kind != Kind::Prune);
    let steps: BTreeSet<u8> = kept.iter().map(|action| action.step).collect();
    for step in steps {
        if done.errors.has_errors() {
            break;
        }
        let now = kept.iter().copied().filter(|action| action.step == step);
        guard.ensure().await?;
        run(client, now.collect(), ledger, guard, &mut done).await;
    }
    if !done.errors.has_errors() {
        // In order: a role before the policy it names, that before the mount it lies in.
        for action in pruned {
            guard.ensure().await?;
            run(client, vec![action], ledger, guard, &mut done).await;
        }
    }
    for action in actions.iter().filter(|one| one.kind == Kind::None) {
        if let Some(known) = ledger.fields.get_mut(&action.path) {
            let declared = declared(wanted, &action.path);
            known.retain(|field| declared.contains(field));
        }
    }
    for path in &done.written {
        if ledger.fields.contains_key(path) {
            ledger.fields.insert(path.clone(), declared(wanted, path));
        }
    }
    ledger.fields.retain(|_, fields| !fields.is_empty());
    if *ledger != before {
        ledger.save(store).await?;
    }
    Ok(done)
}

/// Tells the ledger what an action is about to make and to write.
fn announce(wanted: &[Wanted], action: &Action, ledger: &mut Ledger) {
    let path = &action.path;
    let makes = matches!(action.kind, Kind::Create | Kind::Recreate);
    // Whether a mount may be deleted is what the file said last.
    let keeps = action.kind != Kind::Prune && ledger.made.contains_key(path);
    if makes || keeps {
        ledger.made.insert(path.clone(), word(wanted, action));
    }
    if action.word == "audit device" && action.kind == Kind::Recreate {
        ledger.made.insert(stand_in(path), action.word.to_owned());
    }
    if makes || action.kind == Kind::Configure {
        let declared = declared(wanted, path);
        let known = ledger.fields.entry(path.clone()).or_default();
        known.extend(declared);
        if known.is_empty() {
            ledger.fields.remove(path);
        }
    }
}

/// The fields that the file declares at a path.
fn declared(wanted: &[Wanted], path: &str) -> BTreeSet<String> {
    let found = wanted.iter().find(|one| one.path == path);
    let names = found.and_then(|one| one.what.field_names());
    names.unwrap_or_default()
}

/// Whether the ledger knows fields that the file no longer declares, of things that are as they should be.
pub(super) fn knows_too_much(wanted: &[Wanted], actions: &[Action], ledger: &Ledger) -> bool {
    let same = actions.iter().filter(|one| one.kind == Kind::None);
    let mut known = same.filter_map(|one| Some((one, ledger.fields.get(&one.path)?)));
    known.any(|(one, known)| !known.is_subset(&declared(wanted, &one.path)))
}

/// What the ledger calls it.
fn word(wanted: &[Wanted], action: &Action) -> String {
    let found = wanted.iter().find(|one| one.path == action.path);
    found.map_or_else(|| action.word.to_owned(), |one| one.what.ledger_word())
}

async fn run(
    client: &Client,
    actions: Vec<&Action>,
    ledger: &mut Ledger,
    guard: &Guard,
    done: &mut Done,
) {
    let works: Vec<BoxFuture<'_, (&Action, Carried)>> = actions
        .into_iter()
        .map(|action| async move { (action, carry_out(client, action, guard).await) }.boxed())
        .collect();
    let mut stopped = None;
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
                    ledger.forget(&action.path);
                }
                if action.word == "audit device" {
                    ledger.unmanaged.remove(&action.path);
                    ledger.forget(&stand_in(&action.path));
                }
                for write in &action.writes {
                    if let Write::Move(from, to) = write {
                        ledger.moved(from, to);
                    }
                }
                if !action.digests.is_empty() {
                    ledger.rotated.remove(&action.path);
                }
                ledger.digests.extend(action.digests.iter().cloned());
                done.written.push(action.path.clone());
            }
            Err(error) if is_unmanaged(action, &error) => {
                ledger.made.remove(&action.path);
                done.unmanaged.push(action.path.clone());
                ledger.unmanaged.insert(action.path.clone());
                done.warnings.push(left_to_the_server(&action.path));
            }
            Err(error) if error.kind == ErrorKind::Stopped => stopped = Some(error),
            // A version of the server may bring something that nobody knows of here.
            Err(error) if action.kind == Kind::Prune && error.message.contains("cannot delete") => {
                let kept = Diagnostic::warning("vault/kept", error.message);
                done.warnings
                    .push(kept.help("it is the server's own: name it in the file, or leave it"));
            }
            Err(error) => done.errors.push(Diagnostic::from(error)),
        }
    }
    // Once for all that was not begun.
    done.errors.extend(stopped.map(Diagnostic::from));
}

/// Says of audit devices that the server refused before that they are none of ours, where nothing else is to be done: a
/// server that is configured otherwise by now is asked again beside other changes.
pub(super) fn leave_unmanaged(
    actions: &mut [Action],
    ledger: &Ledger,
    only_looks: bool,
) -> Diagnostics {
    let is_left = |action: &Action| {
        action.word == "audit device"
            && action.kind == Kind::Create
            && ledger.unmanaged.contains(&action.path)
    };
    let mut warnings = Diagnostics::new();
    let others = actions
        .iter()
        .any(|one| one.kind != Kind::None && !is_left(one));
    if others && !only_looks {
        return warnings;
    }
    for action in actions.iter_mut().filter(|action| is_left(action)) {
        warnings.push(left_to_the_server(&action.path));
        action.kind = Kind::None;
        action.changes.clear();
        action.writes.clear();
    }
    warnings
}

fn left_to_the_server(path: &str) -> Diagnostic {
    let text = format!("{path}: the server leaves its audit devices to its own configuration");
    Diagnostic::warning("vault/audit-unmanaged", text)
        .help("declare the device in the configuration of the server, and remove it here")
}

/// Whether a server refuses audit devices by its API at all, as `OpenBao` does.
fn is_unmanaged(action: &Action, error: &VaultError) -> bool {
    action.word == "audit device"
        && (error.kind == ErrorKind::Unsupported
            || error.message.contains("cannot enable audit device via API"))
}

async fn carry_out(
    client: &Client,
    action: &Action,
    guard: &Guard,
) -> Result<Vec<String>, VaultError> {
    let mut warnings = Vec::new();
    guard.go_on()?;
    for write in &action.writes {
        let answer = patiently(|| send(client, write).boxed()).await?;
        let said = answer.get("warnings").and_then(Value::as_array);
        let said = said.into_iter().flatten().filter_map(Value::as_str);
        warnings.extend(said.map(str::to_owned));
    }
    Ok(warnings)
}

async fn send(client: &Client, write: &Write) -> Result<Value, VaultError> {
    match write {
        Write::Post(path, body) => {
            let body = references::settle(client, body).await?;
            client.write(path, &body).await
        }
        Write::Once(path, body) => match client.write(path, body).await {
            Err(error) if error.message.contains("check-and-set") => {
                Ok(json!({"warnings": ["somebody put a value there meanwhile; it stays"]}))
            }
            other => other,
        },
        Write::Put(path, body) => {
            let body = references::settle(client, body).await?;
            client.put(path, &body).await
        }
        Write::Delete(path) => client.delete(path).await.map(|()| Value::Null),
        Write::Move(from, to) => move_mount(client, from, to).await,
    }
}

/// Moves a mount and waits until it is there.
async fn move_mount(client: &Client, from: &str, to: &str) -> Result<Value, VaultError> {
    let body = json!({"from": from, "to": to});
    let begun = client.write("sys/remount", &body).await?;
    let id = begun.pointer("/data/migration_id").and_then(Value::as_str);
    let Some(id) = id else {
        return Ok(begun);
    };
    for _ in 0..MOVE_POLLS {
        let status = client.read(&format!("sys/remount/status/{id}")).await?;
        let status = status.pointer("/data/migration_info/status");
        match status.and_then(Value::as_str) {
            Some("success") => return Ok(Value::Null),
            Some("failure") => {
                let message = format!("`{from}` could not be moved to `{to}`");
                return Err(
                    VaultError::new(ErrorKind::Server, message).help("the server's log says why")
                );
            }
            _ => tokio::time::sleep(MOVE_POLL).await,
        }
    }
    let message = format!("`{from}` is still being moved to `{to}`");
    Err(VaultError::new(ErrorKind::Unreachable, message).help("run again when it is done"))
}

/// How long a mount may take to be moved, and how often that is asked.
const MOVE_POLL: Duration = Duration::from_millis(200);
const MOVE_POLLS: u32 = 600;
