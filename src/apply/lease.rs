//! One writer at a time: a Lease that a run holds for as long as it writes, and a fence that lets no write
//! through once it is lost.
//!
//! A run that has nothing to write takes none. Whoever finds it held waits until it is given back or was
//! not renewed for as long as it says, by the waiter's own clock: clocks that differ cannot split it.

use std::{sync::Arc, time::Duration};

use jiff::Timestamp;
use serde_json::{Value, json};
use tokio::{
    sync::{oneshot, watch},
    task::JoinHandle,
    time::{Instant, sleep, sleep_until, timeout_at},
};
use trueup_manifest::Diagnostic;

use super::{
    cancel::{Stop, Stopped},
    event::{Event, Events},
    fence::{Fenced, Gate},
    health::{Health, Status},
};
use crate::{
    cluster::{ApplyOptions, Cluster, Error, ErrorKind, Freshness, Kinds, Live, Patch, Target},
    plan::FIELD_MANAGER,
};

/// The namespace of all leases: one that every cluster has.
const NAMESPACE: &str = "kube-system";

/// How leases are held.
#[derive(Clone, Debug)]
pub struct LeaseTerms {
    /// Under which name; no other process may have the same one.
    pub holder: String,
    /// How long it holds without being renewed; whole seconds.
    pub duration: Duration,
}

impl Default for LeaseTerms {
    fn default() -> Self {
        let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
        Self {
            holder: format!(
                "{}_{}_{:08x}",
                host.trim(),
                std::process::id(),
                fastrand::u32(..)
            ),
            duration: Duration::from_secs(15),
        }
    }
}

/// What came of asking for a lease.
pub(super) enum Turn {
    /// It is ours.
    Ours(Lease),
    /// The run goes on without: it writes nothing, or the lease cannot be had, and why.
    Without(Option<Diagnostic>),
    /// The run is to stop.
    Stopped(Stop),
}

/// A lease that is held, until [`Lease::give_back`].
pub(super) struct Lease {
    seat: Seat,
    gate: watch::Receiver<Gate>,
    /// Ends the renewal when it is sent or dropped.
    end: oneshot::Sender<()>,
    renewing: JoinHandle<Live>,
    /// Whether somebody else may have written since this process last looked.
    pub others_wrote: bool,
}

/// What is asked for, and by whom.
#[derive(Clone)]
pub(super) struct Seat {
    pub cluster: Arc<dyn Cluster>,
    pub target: Target,
    pub terms: LeaseTerms,
    /// What the holder writes to, for people.
    pub what: String,
}

impl Seat {
    /// The lease of an environment; none where the server has no leases.
    pub(super) fn of(
        cluster: &Arc<dyn Cluster>,
        kinds: &Kinds,
        parent: &str,
        terms: &LeaseTerms,
    ) -> Option<Self> {
        let resource = kinds.preferred("coordination.k8s.io", "Lease")?;
        Some(Self {
            cluster: Arc::clone(cluster),
            target: Target {
                resource: Arc::clone(resource),
                namespace: NAMESPACE.to_owned(),
                name: format!("trueup-{parent}"),
            },
            terms: terms.clone(),
            what: "this environment".to_owned(),
        })
    }

    /// Takes the lease as soon as nobody else holds it.
    pub(super) async fn take(
        self,
        patience: Duration,
        events: &Events,
        mut stopped: Stopped,
    ) -> Result<Turn, Diagnostic> {
        let mut sight = Sight::default();
        let asked = tokio::select! {
            asked = tokio::time::timeout(patience, self.try_take(events, &mut sight)) => asked,
            stop = stopped.stopped() => return Ok(Turn::Stopped(stop)),
        };
        match asked {
            Ok(Ok((live, since, others_wrote))) => {
                Ok(Turn::Ours(self.hold(live, since, others_wrote)))
            }
            // Who cannot ask now could not write either; and were the server back in between, unguarded.
            Ok(Err(error)) if error.is_transient() => {
                let failure = Diagnostic::error("apply/unreachable", error.to_string());
                let help = error
                    .help()
                    .unwrap_or_else(|| "nothing was written: run it again".to_owned());
                Err(failure.help(help))
            }
            Ok(Err(error)) => {
                let message = format!("nothing keeps a second process from writing: {error}");
                let warning = Diagnostic::warning("apply/no-lease", message);
                Ok(Turn::Without(Some(match error.help() {
                    Some(help) => warning.help(help),
                    None => warning,
                })))
            }
            Err(_) => Err(self.still_held(patience, &sight)),
        }
    }

    /// The lease once it is ours, the time that it counts from, and whether somebody else held it lately. What is
    /// seen of it meanwhile is kept in `sight`.
    async fn try_take(
        &self,
        events: &Events,
        sight: &mut Sight,
    ) -> Result<(Live, Instant, bool), Error> {
        const PAUSE: Duration = Duration::from_millis(250);
        let mut waited = false;
        loop {
            let now = Instant::now();
            let live = match self.cluster.get(&self.target).await? {
                Some(live) => live,
                None => self.create().await?,
            };
            let since = sight.see(&live, now);
            let holder = holder(&live);
            let is_free = holder.is_empty()
                || holder == self.terms.holder
                || now.duration_since(since) >= duration(&live);
            if is_free {
                let others_wrote = waited || self.was_others(&live);
                match self.claim(&live).await {
                    Ok(live) => return Ok((live, now, others_wrote)),
                    // Somebody was faster, and is waited for.
                    Err(error) if matches!(error.kind(), ErrorKind::Conflict { .. }) => {}
                    Err(error) => return Err(error),
                }
            } else if !waited {
                events.send(Event::Waiting {
                    id: self.target.id(),
                    health: Health {
                        status: Status::InProgress,
                        message: format!(
                            "`{holder}` holds the lease of {}; {}",
                            self.what,
                            until_free(&live, since, now)
                        ),
                    },
                });
            }
            waited = true;
            sleep(PAUSE).await;
        }
    }

    /// Whether somebody else gave it back so lately that a plan may have been made before.
    fn was_others(&self, live: &Live) -> bool {
        let last = live.annotation(LAST_HOLDER).unwrap_or_default();
        !last.is_empty() && last != self.terms.holder
    }

    async fn create(&self) -> Result<Live, Error> {
        let body = json!({
            "apiVersion": self.target.resource.api_version(),
            "kind": "Lease",
            "metadata": {"name": self.target.name, "namespace": self.target.namespace},
        });
        let options = ApplyOptions {
            field_manager: FIELD_MANAGER.into(),
            force: true,
            dry_run: false,
            subresource: None,
        };
        let applied = self
            .cluster
            .apply(&self.target, body.to_string().into(), &options);
        Ok(applied.await?.live)
    }

    /// Writes our name into the lease, if it is still as it was seen.
    async fn claim(&self, live: &Live) -> Result<Live, Error> {
        let transitions = live
            .at(&["spec", "leaseTransitions"])
            .and_then(Value::as_i64)
            .unwrap_or_default();
        let time = micro_time();
        self.patch(
            live,
            json!({
                "holderIdentity": self.terms.holder,
                "leaseDurationSeconds": self.terms.duration.as_secs().max(1),
                "acquireTime": time,
                "renewTime": time,
                "leaseTransitions": transitions + 1,
            }),
        )
        .await
    }

    async fn patch(&self, live: &Live, spec: Value) -> Result<Live, Error> {
        let patch = Patch::Merge(json!({
            "metadata": {
                "resourceVersion": live.resource_version(),
                "annotations": {LAST_HOLDER: self.terms.holder},
            },
            "spec": spec,
        }));
        self.cluster.patch(&self.target, &patch, false).await
    }

    fn hold(self, live: Live, since: Instant, others_wrote: bool) -> Lease {
        let (sender, gate) = watch::channel(Gate::Open);
        let (end, ended) = oneshot::channel();
        let renewal = Renewal {
            seat: self.clone(),
            live,
            since,
            gate: sender,
        };
        let renewing = tokio::spawn(renewal.run(ended));
        Lease {
            seat: self,
            gate,
            end,
            renewing,
            others_wrote,
        }
    }

    /// The error about a holder that did not let go in time: one that is at work, or one that may be gone.
    fn still_held(&self, patience: Duration, sight: &Sight) -> Diagnostic {
        let Sight {
            last, is_renewed, ..
        } = sight;
        let Some((live, since)) = last else {
            let message = format!(
                "the lease of {} could not be read within {} s",
                self.what,
                patience.as_secs()
            );
            return Diagnostic::error("apply/lease", message)
                .help("nothing was written: run it again once the server answers");
        };
        let (holder, now) = (holder(live), Instant::now());
        let waited = patience.as_secs();
        let until = until_free(live, *since, now);
        let (message, help) = if *is_renewed {
            (
                format!(
                    "`{holder}` writes to {}, and has not finished after {waited} s; {until}",
                    self.what
                ),
                format!("wait for it or end it; its lease is `{}`", self.target),
            )
        } else {
            let Target {
                namespace, name, ..
            } = &self.target;
            (
                format!(
                    "`{holder}` holds the lease of {}, and has not renewed it in the {waited} s that this run waited; {until}",
                    self.what
                ),
                format!(
                    "it seems to be gone: wait until its lease expires, or, where you know that it writes no more, `kubectl delete lease -n {namespace} {name}`"
                ),
            )
        };
        Diagnostic::error("apply/lease", message).help(help)
    }
}

/// What was seen of a lease that somebody else holds.
#[derive(Default)]
struct Sight {
    /// As it was last, and since when it has been like that, by our own clock.
    last: Option<(Live, Instant)>,
    /// Whether its holder has renewed it meanwhile.
    is_renewed: bool,
}

impl Sight {
    /// Takes in what is there now; gives since when it has been like that.
    fn see(&mut self, live: &Live, now: Instant) -> Instant {
        let since = match &self.last {
            Some((known, since)) if known.resource_version() == live.resource_version() => *since,
            Some((known, _)) => {
                self.is_renewed = holder(known) == holder(live);
                now
            }
            None => now,
        };
        self.last = Some((live.clone(), since));
        since
    }
}

/// When a lease was renewed, by its holder's clock, and when it runs out, by ours, if it is not renewed.
fn until_free(live: &Live, since: Instant, now: Instant) -> String {
    let renewed = match live.text(&["spec", "renewTime"]) {
        "" => "it does not say when it was last renewed".to_owned(),
        time => format!("it was last renewed at {time} by its holder's clock"),
    };
    let left = (since + duration(live)).saturating_duration_since(now);
    format!(
        "{renewed}, and expires in {} s unless it is renewed",
        left.as_secs_f64().ceil()
    )
}

/// The annotation that says who wrote last.
const LAST_HOLDER: &str = "trueup.dev/last-holder";

fn holder(live: &Live) -> &str {
    live.text(&["spec", "holderIdentity"])
}

/// How long a lease holds by its own words.
fn duration(live: &Live) -> Duration {
    let seconds = live
        .at(&["spec", "leaseDurationSeconds"])
        .and_then(Value::as_u64)
        .unwrap_or_default();
    Duration::from_secs(seconds)
}

fn micro_time() -> String {
    Timestamp::now()
        .strftime("%Y-%m-%dT%H:%M:%S.%6fZ")
        .to_string()
}

/// Renews a lease.
struct Renewal {
    seat: Seat,
    live: Live,
    /// When it was renewed last.
    since: Instant,
    gate: watch::Sender<Gate>,
}

impl Renewal {
    /// Renews until the lease is lost or nobody needs it any more; gives it as it was last. One that ran out
    /// lets no write through until it is renewed, which it can be while nobody else has taken it.
    async fn run(mut self, mut ended: oneshot::Receiver<()>) -> Live {
        let duration = self.seat.terms.duration;
        loop {
            let next = Instant::now() + duration / 3;
            tokio::select! {
                () = sleep_until(next.min(self.since + duration)) => {}
                _ = &mut ended => return self.live,
            }
            if Instant::now() >= self.since + duration && *self.gate.borrow() == Gate::Open {
                tracing::warn!(lease = %self.seat.target, "the lease ran out: no write until it is renewed");
                self.gate.send_replace(Gate::Shut);
            }
            let now = Instant::now();
            let runs_out = (self.since + duration).max(now + duration / 3);
            match timeout_at(runs_out, self.renew()).await {
                Ok(Ok(newer)) => {
                    (self.live, self.since) = (newer, now);
                    self.gate
                        .send_if_modified(|gate| std::mem::replace(gate, Gate::Open) != Gate::Open);
                }
                Ok(Err(error)) if error.is_transient() => {
                    tracing::debug!(%error, "the lease could not be renewed yet");
                }
                Ok(Err(error)) => {
                    tracing::warn!(lease = %self.seat.target, %error, "the lease is lost");
                    self.gate.send_replace(Gate::Lost);
                    return self.live;
                }
                Err(_) => {}
            }
        }
    }

    async fn renew(&self) -> Result<Live, Error> {
        let seat = &self.seat;
        let error = match seat
            .patch(&self.live, json!({"renewTime": micro_time()}))
            .await
        {
            Err(error) if matches!(error.kind(), ErrorKind::Conflict { .. }) => error,
            answer => return answer,
        };
        // An answer that got lost on its way makes our own write look like another's.
        match seat.cluster.get(&seat.target).await? {
            Some(live) if holder(&live) == seat.terms.holder => Ok(live),
            _ => Err(error),
        }
    }
}

/// A lease that is held for work beside the objects of an environment, by a name of its own.
pub struct Held(Lease);

impl Held {
    /// Takes the lease of this name as soon as nobody else holds it. `what` is what its holder writes to,
    /// for people.
    pub async fn take(
        cluster: &Arc<dyn Cluster>,
        name: &str,
        what: &str,
        patience: Duration,
    ) -> Result<Self, Diagnostic> {
        let unable = |error: &Error| {
            let message = format!("nothing keeps a second process from writing to {what}: {error}");
            let diagnostic = Diagnostic::error("apply/no-lease", message);
            match error.help() {
                Some(help) => diagnostic.help(help),
                None => diagnostic,
            }
        };
        let kinds = cluster.kinds(Freshness::Cached).await;
        let kinds = kinds.map_err(|error| unable(&error))?;
        let Some(mut seat) = Seat::of(cluster, &kinds, name, &LeaseTerms::default()) else {
            let message = format!("the server has no leases, so nothing guards {what}");
            return Err(Diagnostic::error("apply/no-lease", message));
        };
        what.clone_into(&mut seat.what);
        let (events, mut sight) = (Events::default(), Sight::default());
        let asked = tokio::time::timeout(patience, seat.try_take(&events, &mut sight)).await;
        match asked {
            Ok(Ok((live, since, others_wrote))) => Ok(Self(seat.hold(live, since, others_wrote))),
            Ok(Err(error)) => Err(unable(&error)),
            Err(_) => Err(seat.still_held(patience, &sight)),
        }
    }

    /// Whether it is still held: nothing may be written once it is not.
    pub fn is_ours(&self) -> bool {
        *self.0.gate.borrow() == Gate::Open
    }

    /// Lets others write.
    pub async fn give_back(self) {
        self.0.give_back().await;
    }
}

impl Lease {
    /// The cluster, with no write let through any more once the lease is lost.
    pub(super) fn cluster(&self) -> Arc<dyn Cluster> {
        Arc::new(Fenced::new(
            Arc::clone(&self.seat.cluster),
            self.gate.clone(),
            self.seat.terms.duration.saturating_mul(2),
        ))
    }

    /// Lets others write.
    pub(super) async fn give_back(self) {
        drop(self.end);
        // A renewal may be under way, and leaves a newer version behind.
        let Ok(live) = self.renewing.await else {
            return;
        };
        if *self.gate.borrow() == Gate::Lost {
            return;
        }
        let given = self
            .seat
            .patch(&live, json!({"holderIdentity": null}))
            .await;
        if let Err(error) = given {
            // It runs out by itself.
            tracing::debug!(%error, "the lease was not given back");
        }
    }
}
