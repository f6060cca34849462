//! What watches and clocks bring while objects are waited for.

use tokio::time::Instant;

use super::{Answer, Execution};
use crate::{
    apply::{
        event::Event,
        explain,
        health::{Health, Status},
        wait::Sighting,
    },
    cluster::Live,
};

impl Execution<'_> {
    pub(super) fn see(&mut self, sighting: Sighting) {
        match sighting {
            Sighting::Present(live) => self.see_present(live),
            Sighting::Gone(live) => {
                if let Some(at) = self.places.get(&live.id()).copied() {
                    self.see_gone(at, live.uid());
                }
            }
            Sighting::All {
                resource,
                namespace,
                items,
            } => {
                let there: Vec<String> = items.iter().map(|live| live.uid().to_owned()).collect();
                for live in items {
                    self.see_present(live);
                }
                let missing: Vec<(usize, String)> = self
                    .waiting
                    .iter()
                    .filter(|(at, waiting)| {
                        self.target(**at).is_some_and(|target| {
                            target.resource == resource && target.namespace == namespace
                        }) && !there.iter().any(|uid| uid == waiting.live.uid())
                    })
                    .map(|(at, waiting)| (*at, waiting.live.uid().to_owned()))
                    .collect();
                for (at, uid) in missing {
                    self.see_gone(at, &uid);
                }
            }
        }
    }

    fn see_present(&mut self, live: Live) {
        let Some(at) = self.places.get(&live.id()).copied() else {
            return;
        };
        let now = self.health(&live);
        let Some(waiting) = self.waiting.get_mut(&at) else {
            if self.ends.get(at).is_some_and(|end| end.result.is_none()) {
                self.early.insert(at, live);
            }
            return;
        };
        if now.status == Status::Current || now.status == Status::Failed {
            self.waiting.remove(&at);
            if now.status == Status::Failed {
                return self.explain(at, live, now);
            }
            self.setting.events.send(Event::Healthy { id: live.id() });
            return self.current(at, live);
        }
        let changed = waiting.health != now;
        waiting.live = live;
        if changed {
            waiting.health.clone_from(&now);
            if let Some(end) = self.ends.get_mut(at) {
                end.health.clone_from(&now.message);
            }
            let id = waiting.live.id();
            self.setting.events.send(Event::Waiting { id, health: now });
        }
    }

    /// An object went while it was waited for. A Job that cleans up after itself may do so once it is
    /// done; anything else was deleted by somebody.
    fn see_gone(&mut self, at: usize, uid: &str) {
        if self
            .waiting
            .get(&at)
            .is_none_or(|waiting| waiting.live.uid() != uid)
        {
            return;
        }
        let Some(waiting) = self.waiting.remove(&at) else {
            return;
        };
        let Some(action) = self.setting.plan.actions.get(at) else {
            return;
        };
        let cleans_up = waiting
            .live
            .at(&["spec", "ttlSecondsAfterFinished"])
            .is_some();
        let has_failed = waiting.live.at(&["status", "failed"]).is_some();
        if action.target.resource.kind == "Job" && cleans_up && !has_failed {
            return self.healthy(at);
        }
        let message = format!(
            "`{}` was deleted by somebody while it was waited for",
            action.id()
        );
        let error = action
            .error("apply/deleted", message)
            .help("reconcile again to create it anew");
        self.unhealthy(at, error);
    }

    /// The time of some objects is over.
    pub(super) fn expire(&mut self) {
        let now = Instant::now();
        let over: Vec<usize> = self
            .waiting
            .iter()
            .filter(|(_, waiting)| waiting.deadline <= now)
            .map(|(at, _)| *at)
            .collect();
        for at in over {
            if let Some(waiting) = self.waiting.remove(&at) {
                self.explain(at, waiting.live, waiting.health);
            }
        }
        for at in self.arrivals.over(now) {
            self.did_not_arrive(at);
        }
    }

    /// Finds out more about an object that is not healthy, for the report.
    pub(super) fn explain(&mut self, at: usize, live: Live, health: Health) {
        let Some(action) = self.setting.plan.actions.get(at) else {
            return;
        };
        let cluster = self.setting.cluster.as_ref();
        let patience = self.patience(action);
        self.in_hand.push(Box::pin(async move {
            let why = explain::unhealthy(cluster, action, &live, &health, patience).await;
            Answer::Unhealthy(at, why)
        }));
    }
}
