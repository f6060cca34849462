//! What is shown, act by act. Each act ends with what was seen on the API server.

use std::{sync::Arc, time::Duration};

use tokio::time::{Instant, sleep};

use super::{
    DemoError,
    eyes::{BLINK, Eyes, Look, PATIENCE, image},
    repository::Repository,
    voice::Voice,
};
use crate::{
    cluster::{Cluster, DeleteOptions, Live},
    daemon::{Board, EnvironmentStatus, State, Wake},
};

/// The environment that is shown.
pub(super) const ENVIRONMENT: &str = "local_tilt_dev";

const OVERLAY: &str = "overlays/local_tilt_dev/kustomization.yaml";

const BACKEND: Look = Look {
    api_version: "apps/v1",
    kind: "Deployment",
    namespace: "hub",
    name: "backend",
};
const FRONTEND: Look = Look {
    api_version: "v1",
    kind: "Service",
    namespace: "hub",
    name: "frontend",
};
const ROUTES: Look = Look {
    api_version: "traefik.io/v1alpha1",
    kind: "IngressRoute",
    namespace: "hub",
    name: "hub",
};

/// Everything the acts need.
pub(super) struct Stage<'a, 'v> {
    pub(super) repository: &'a Repository,
    pub(super) board: &'a Board,
    pub(super) wake: &'a Wake,
    pub(super) cluster: Arc<dyn Cluster>,
    pub(super) voice: &'a mut Voice<'v>,
}

impl Stage<'_, '_> {
    /// All acts in their order.
    pub(super) async fn play(&mut self, revision: &str) -> Result<(), DemoError> {
        self.first_reconcile(revision).await?;
        self.change_an_image().await?;
        self.delete_a_service().await?;
        self.remove_a_file().await
    }

    /// trueup brings an empty cluster to what the repository says.
    async fn first_reconcile(&mut self, revision: &str) -> Result<(), DemoError> {
        self.voice
            .act(&format!("trueup reconciles the environment {ENVIRONMENT}"))?;
        let began = Instant::now();
        let status = self.converged(revision).await?;
        let took = began.elapsed();
        for (look, what) in [
            (FRONTEND, "service/frontend is there"),
            (BACKEND, "deployment/backend is there"),
            (ROUTES, "ingressroute/hub is there"),
        ] {
            self.eyes().wait(look, what, |live| live.map(drop)).await?;
        }
        let objects: u64 = status.objects.values().sum();
        self.voice
            .seen(&format!("{objects} objects, all healthy"), &seconds(took))?;
        Ok(())
    }

    /// A commit changes an image.
    async fn change_an_image(&mut self) -> Result<(), DemoError> {
        self.voice.act("A commit changes an image")?;
        let eyes = self.eyes();
        let told = |live: Option<&Live>| live.and_then(image).map(str::to_owned);
        let (before, _) = eyes
            .wait(BACKEND, "deployment/backend has an image", told)
            .await?;
        let (from, to) = ("newTag: dev}", "newTag: v2}");
        let line = |tag: &str| format!("{{name: hub/backend, {tag}");
        self.repository.edit(OVERLAY, &line(from), &line(to))?;
        let commit = self.commit("Use backend v2")?;
        let what = "deployment/backend runs another image";
        let other = |live: Option<&Live>| told(live).filter(|image| *image != before);
        let (after, took) = eyes.wait(BACKEND, what, other).await?;
        if after != "hub/backend:v2" {
            return Err(DemoError::Otherwise {
                what: "hub/backend:v2".to_owned(),
                found: after,
            });
        }
        self.voice.seen(
            &format!("deployment/backend: {before} → {after}"),
            &seconds(took),
        )?;
        self.converged(&commit).await.map(drop)
    }

    /// Somebody deletes a Service by hand.
    async fn delete_a_service(&mut self) -> Result<(), DemoError> {
        self.voice.act("Somebody deletes a Service by hand")?;
        self.voice.note("kubectl delete service frontend -n hub")?;
        let eyes = self.eyes();
        let uid = |live: Option<&Live>| live.map(|live| live.uid().to_owned());
        let (before, _) = eyes
            .wait(FRONTEND, "service/frontend is there", uid)
            .await?;
        let Some(target) = eyes.target(FRONTEND).await? else {
            let (what, found) = ("Services".to_owned(), "no such kind".to_owned());
            return Err(DemoError::Otherwise { what, found });
        };
        self.cluster
            .delete(&target, &DeleteOptions::default())
            .await?;
        let what = "service/frontend is back";
        let anew = |live: Option<&Live>| uid(live).filter(|uid| *uid != before);
        let (_, took) = eyes.wait(FRONTEND, what, anew).await?;
        self.voice.seen(what, &seconds(took))?;
        Ok(())
    }

    /// A commit removes a file.
    async fn remove_a_file(&mut self) -> Result<(), DemoError> {
        self.voice.act("A commit removes a file")?;
        self.repository
            .edit("bases/proxy/kustomization.yaml", "  - routes.yaml\n", "")?;
        self.repository.remove("bases/proxy/routes.yaml")?;
        let commit = self.commit("Remove the routes")?;
        let eyes = self.eyes();
        let what = "ingressroute/hub is pruned";
        let gone = |live: Option<&Live>| live.is_none().then_some(());
        let ((), took) = eyes.wait(ROUTES, what, gone).await?;
        self.voice.seen(what, &seconds(took))?;
        self.converged(&commit).await?;
        for look in [BACKEND, FRONTEND] {
            eyes.wait(look, "all else is still there", |live| live.map(drop))
                .await?;
        }
        Ok(())
    }

    fn eyes(&self) -> Eyes {
        Eyes {
            cluster: Arc::clone(&self.cluster),
        }
    }

    /// Commits, and rings the daemon's bell as a webhook would.
    fn commit(&mut self, message: &str) -> Result<String, DemoError> {
        let id = self.repository.commit(message)?;
        let short = id.get(..7).unwrap_or(&id);
        self.voice.note(&format!("commit {short}  {message}"))?;
        self.wake.all();
        Ok(id)
    }

    /// Waits until trueup says that the cluster is at a revision.
    async fn converged(&self, revision: &str) -> Result<EnvironmentStatus, DemoError> {
        let began = Instant::now();
        let mut last = EnvironmentStatus::default();
        while began.elapsed() < PATIENCE {
            if let Some(status) = self.board.get(ENVIRONMENT) {
                let there = status.applied_revision.as_deref() == Some(revision);
                if there && status.state == State::Converged {
                    return Ok(status);
                }
                last = status;
            }
            sleep(BLINK).await;
        }
        let what = format!("{ENVIRONMENT} at {revision}{}", why_not(&last));
        Err(DemoError::NotSeen {
            what,
            within: PATIENCE,
        })
    }
}

/// What stands in the way of an environment, as far as is known.
fn why_not(status: &EnvironmentStatus) -> String {
    if let Some(trouble) = status.error.as_ref().or(status.source_error.as_ref()) {
        return format!(": {}", trouble.messages.join("; "));
    }
    let waiting: Vec<String> = status
        .waiting
        .iter()
        .map(|(object, says)| format!("{object} ({says})"))
        .collect();
    if waiting.is_empty() {
        String::new()
    } else {
        format!(", waiting for {}", waiting.join(", "))
    }
}

/// `0.4 s`
fn seconds(took: Duration) -> String {
    format!("{:.1} s", took.as_secs_f64())
}
