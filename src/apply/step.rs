//! Does one action: the requests it takes, from the first to the last.

use std::time::Duration;

use trueup_manifest::Diagnostic;

use super::{contest, wait::until_gone};
use crate::{
    cluster::{
        ApplyOptions, Cluster, DeleteOptions, Error, ErrorKind, Freshness, Live, Patch, Target,
    },
    config::reconcile::Reconcile,
    plan::{Action, ActionKind, ApplySet, ForeignStep, Migration, is_immutable, may_take},
};

/// What came of an action.
#[derive(Debug)]
pub(super) struct Done {
    /// The object afterwards.
    pub live: Live,
    /// What was done in the end: an immutable field may have turned a change into a recreation.
    pub kind: ActionKind,
    /// What the server warned of.
    pub warnings: Vec<String>,
}

/// What an action needs beside itself.
#[derive(Clone, Copy)]
pub(super) struct Step<'a> {
    pub cluster: &'a dyn Cluster,
    pub policy: &'a Reconcile,
    /// How long to wait for an object to be gone.
    pub patience: Duration,
}

impl Step<'_> {
    /// Does an action.
    pub(super) async fn run(&self, action: &Action) -> Result<Done, Diagnostic> {
        if let Some(blocked) = &action.blocked {
            return Err(blocked.clone());
        }
        if let Some(foreign) = &action.foreign {
            let done = self.patch(action, foreign).await;
            return done.map_err(|error| action.refusal(&error));
        }
        if action.kind == ActionKind::Recreate {
            return self.recreate(action).await;
        }
        if let Some(live) = action.live.as_ref().filter(|live| live.is_terminating()) {
            self.wait_until_gone(action, live.uid()).await?;
        }
        if action.migration.is_some() {
            let moved = self.move_ownership(action).await;
            moved.map_err(|error| explain(action, &error))?;
        }
        match self.apply(action).await {
            Ok(done) => Ok(done),
            Err(error) if is_immutable(&error) => self.immutable(action, &error).await,
            Err(error) => Err(explain(action, &error)),
        }
    }

    /// Creates an object whose kind came during the run. Whoever brought the kind may have made the object,
    /// too: then it is taken over, if it may be.
    pub(super) async fn run_arrived(
        &self,
        action: &Action,
        applyset: &ApplySet,
    ) -> Result<Done, Diagnostic> {
        let live = self.cluster.get(&action.target).await;
        let kind = match live.map_err(|error| explain(action, &error))? {
            Some(live) => may_take(action, &live, applyset, self.policy)?,
            None => action.kind,
        };
        Ok(Done {
            kind,
            ..self.run(action).await?
        })
    }

    /// Patches an object of somebody else's: puts back what is no longer patched, then applies what is.
    /// Such an object is never created and never deleted.
    async fn patch(&self, action: &Action, foreign: &ForeignStep) -> Result<Done, Error> {
        let target = &action.target;
        if !foreign.restore.is_empty() {
            let operations = Patch::Json(foreign.restore.clone().into());
            self.cluster.patch(target, &operations, false).await?;
        }
        // An apply would create an object that has gone since.
        let Some(live) = self.cluster.get(target).await? else {
            return Err(Error::new(
                ErrorKind::NotFound,
                "patch",
                target.to_string(),
                "it has gone",
            ));
        };
        if action.uid().is_some_and(|uid| uid != live.uid()) {
            return Err(another(target));
        }
        let options = ApplyOptions {
            field_manager: foreign.manager.clone().into(),
            force: true,
            dry_run: false,
            subresource: None,
        };
        let applied = self
            .cluster
            .apply(target, action.body.bytes(), &options)
            .await?;
        Ok(Done {
            live: applied.live,
            kind: action.kind,
            warnings: applied.warnings,
        })
    }

    /// Moves the fields of the tool that made the object to us, whatever it looks like by now. The apply
    /// that follows takes with it what Git does not say.
    async fn move_ownership(&self, action: &Action) -> Result<(), Error> {
        const TRIES: usize = 5;
        let target = &action.target;
        let mut live = action.live.clone();
        for tried in 1.. {
            let Some(migration) = live.as_ref().and_then(Migration::of) else {
                return Ok(());
            };
            match self.cluster.patch(target, &migration.patch(), false).await {
                Ok(_) => return Ok(()),
                // Somebody wrote to it since.
                Err(error) if tried < TRIES && error.is_stale() => {
                    live = self.cluster.get(target).await?;
                    let uid = live.as_ref().map(Live::uid);
                    if uid.is_some_and(|uid| action.uid() != Some(uid)) {
                        return Err(another(target));
                    }
                }
                Err(error) if error.is_not_found() => return Ok(()),
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    async fn apply(&self, action: &Action) -> Result<Done, Error> {
        const PAUSE: Duration = Duration::from_millis(200);
        let (cluster, policy) = (self.cluster, self.policy);
        let mut tries = 0;
        loop {
            tries += 1;
            match contest::apply(cluster, policy, action, false).await {
                Ok(applied) => {
                    let (live, warnings) = (applied.live, applied.warnings);
                    return Ok(Done {
                        live,
                        kind: action.kind,
                        warnings,
                    });
                }
                // A kind that has just been established is served a moment later.
                Err(error) if tries < 10 && self.kind_is_on_its_way(action, &error).await => {
                    tokio::time::sleep(PAUSE).await;
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// Whether the server says that the kind is not there although its CRD is.
    async fn kind_is_on_its_way(&self, action: &Action, error: &Error) -> bool {
        let is_custom = action.target.resource.group.contains('.');
        if !is_custom || action.live.is_some() || !error.is_not_found() {
            return false;
        }
        // The text of a missing namespace names it; that of a missing kind is this one.
        error
            .message()
            .contains("could not find the requested resource")
            || error.message().contains("the server answered 404")
            || self
                .cluster
                .kinds(Freshness::Latest)
                .await
                .is_ok_and(|kinds| kinds.get(&action.target.resource.gvk()).is_none())
    }

    async fn immutable(&self, action: &Action, error: &Error) -> Result<Done, Diagnostic> {
        let resource = &action.target.resource;
        let is_allowed = action.hook
            || self
                .policy
                .recreate
                .iter()
                .any(|kind| kind.matches(&resource.group, &resource.kind));
        if is_allowed && self.is_unprotected(&action.target) {
            return self.recreate(action).await;
        }
        let help = format!(
            "to have it deleted and created anew, add `{}` to `reconcile.recreate`",
            resource.kind
        );
        Err(action
            .error("apply/immutable", error.to_string())
            .help(help))
    }

    fn is_unprotected(&self, target: &Target) -> bool {
        !self
            .policy
            .protect
            .iter()
            .any(|selector| selector.matches(&target.id()))
    }

    /// Deletes the object, waits until it is gone, and creates it anew. Only the object that the plan
    /// saw is deleted.
    async fn recreate(&self, action: &Action) -> Result<Done, Diagnostic> {
        let uid = action.uid().unwrap_or_default().to_owned();
        let options = DeleteOptions {
            uid: Some(uid.clone()),
            ..DeleteOptions::default()
        };
        let deleted = self.cluster.delete(&action.target, &options).await;
        deleted.map_err(|error| explain(action, &error))?;
        self.wait_until_gone(action, &uid).await?;
        let whole = action.whole.clone().map(|body| Action {
            body,
            ..action.clone()
        });
        let done = self
            .apply(whole.as_ref().unwrap_or(action))
            .await
            .map_err(|error| explain(action, &error))?;
        Ok(Done {
            kind: ActionKind::Recreate,
            ..done
        })
    }

    async fn wait_until_gone(&self, action: &Action, uid: &str) -> Result<(), Diagnostic> {
        let left = until_gone(self.cluster, &action.target, uid, self.patience).await;
        match left.map_err(|error| explain(action, &error))? {
            None => Ok(()),
            Some(live) => Err(still_there(&action.target, &live, self.patience)
                .at(action.origin.location.clone())
                .via(&action.origin.chain)),
        }
    }
}

/// An object that does not go, with what holds it.
pub(super) fn still_there(target: &Target, live: &Live, patience: Duration) -> Diagnostic {
    let (why, help) = what_holds(target, live);
    let message = format!(
        "`{target}` is still there {} s after it was deleted: {why}",
        patience.as_secs()
    );
    Diagnostic::error("apply/not-gone", message).help(help)
}

fn what_holds(target: &Target, live: &Live) -> (String, &'static str) {
    let finalizers = live.finalizers();
    if !finalizers.is_empty() {
        let why = format!("it waits for its finalizers: `{}`", finalizers.join("`, `"));
        let help = "look for the controller that should remove the finalizer, and at its log";
        return (why, help);
    }
    if target.resource.kind != "Namespace" {
        return (
            "it has no finalizers left".to_owned(),
            "look at it with `kubectl get -o yaml`",
        );
    }
    // A namespace tells by its conditions what is left in it.
    let conditions = live
        .at(&["status", "conditions"])
        .and_then(serde_json::Value::as_array);
    let text = |condition: &serde_json::Value, key: &str| {
        let text = condition.get(key).and_then(serde_json::Value::as_str);
        text.unwrap_or_default().to_owned()
    };
    let said = conditions.into_iter().flatten();
    let said = said.filter(|condition| text(condition, "status") == "True");
    let said: Vec<String> = said.map(|condition| text(condition, "message")).collect();
    if said.is_empty() {
        (
            "nobody has begun to empty it".to_owned(),
            "the controller manager of the cluster empties namespaces: see that it runs",
        )
    } else {
        (
            said.join("; "),
            "look at what is left in it, and for the controllers that should remove its finalizers",
        )
    }
}

fn another(target: &Target) -> Error {
    let message = "it is another object since the plan was made";
    Error::new(ErrorKind::NotFound, "patch", target.to_string(), message)
}

/// A server's refusal, with more help where we know more.
fn explain(action: &Action, error: &Error) -> Diagnostic {
    let refusal = action.refusal(error);
    if *error.kind() != ErrorKind::NotFound {
        return refusal;
    }
    let namespace = &action.target.namespace;
    if error
        .message()
        .contains(&format!("namespaces \"{namespace}\" not found"))
    {
        return refusal.help(format!(
            "add the namespace `{namespace}` to this phase or one before it"
        ));
    }
    refusal.help(format!(
        "the server no longer serves `{}` in `{}`: look at its CustomResourceDefinition",
        action.target.resource.kind, action.api_version
    ))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use serde_json::json;

    use super::*;
    use crate::cluster::Resource;

    #[test]
    fn what_does_not_go_says_what_holds_it() {
        let said = |kind: &str, live: serde_json::Value| {
            let target = Target {
                resource: Arc::new(Resource {
                    group: String::new(),
                    version: "v1".to_owned(),
                    kind: kind.to_owned(),
                    plural: kind.to_lowercase(),
                    namespaced: false,
                    has_status: true,
                }),
                namespace: String::new(),
                name: "a".to_owned(),
            };
            still_there(&target, &Live::new(live), Duration::from_secs(5)).message
        };
        let stuck = "`Namespace a` is still there 5 s after it was deleted: ";
        let finalizers = json!({"metadata": {"finalizers": ["demo.dev/x"]}});
        assert_eq!(
            said("Namespace", finalizers),
            format!("{stuck}it waits for its finalizers: `demo.dev/x`")
        );
        let nobody =
            json!({"spec": {"finalizers": ["kubernetes"]}, "status": {"phase": "Terminating"}});
        assert_eq!(
            said("Namespace", nobody),
            format!("{stuck}nobody has begun to empty it")
        );
        let conditions = json!({"status": {"conditions": [
            {"type": "NamespaceDeletionDiscoveryFailure", "status": "False", "message": "fine"},
            {"type": "NamespaceFinalizersRemaining", "status": "True", "message": "Some content has finalizers remaining: x in 1 resource instances"},
        ]}});
        assert_eq!(
            said("Namespace", conditions),
            format!("{stuck}Some content has finalizers remaining: x in 1 resource instances")
        );
    }
}
