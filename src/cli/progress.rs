//! What happens during a run, on standard error: a line that changes on a terminal, plain lines
//! elsewhere.

use std::{
    collections::BTreeMap,
    io::{self, IsTerminal, Write},
    sync::Arc,
    time::Duration,
};

use tokio::{
    sync::mpsc::UnboundedReceiver,
    time::{self, Instant},
};
use trueup_manifest::ObjectId;

use crate::{
    apply::{Event, health::Health},
    plan::{ActionKind, Plan},
};

/// The longest changing line where the width of the terminal is not known.
const WIDTH: usize = 100;

/// How long an object may take before a plain line says what it waits for: most are healthy sooner,
/// and a line for each of those would hide the news.
const PATIENCE: Duration = Duration::from_secs(3);

/// How many failures and skipped objects have a line each: the report says of all of them what is to be said.
const TROUBLES: usize = 20;

/// Shows events until the run is over.
///
/// Where the report follows on the same stream, what it says in full is said in brief.
pub(super) async fn show(mut events: UnboundedReceiver<Event>, report_follows: bool) {
    let mut progress = Progress::new(io::stderr(), io::stderr().is_terminal());
    progress.report_follows = report_follows;
    let mut clock = time::interval(Duration::from_secs(1));
    loop {
        tokio::select! {
            event = events.recv() => match event {
                Some(event) => progress.take(&event),
                None => break,
            },
            now = clock.tick() => progress.tick(now),
        }
    }
    progress.tell_rest();
    progress.clear();
}

/// What has happened so far.
struct Progress<W> {
    out: W,
    /// Whether a line can be written over.
    live: bool,
    /// Whether the report follows on the same stream.
    report_follows: bool,
    plan: Option<Arc<Plan>>,
    /// A phase that has begun, and in which nothing worth a line has happened yet.
    begun: Option<String>,
    done: usize,
    /// How many objects failed or were skipped.
    troubles: usize,
    waiting: BTreeMap<ObjectId, Waiting>,
}

/// An object that isn't healthy yet.
struct Waiting {
    since: Instant,
    health: Health,
    /// Whether a line has said so already.
    told: bool,
}

impl<W: Write> Progress<W> {
    fn new(out: W, live: bool) -> Self {
        Self {
            out,
            live,
            report_follows: false,
            plan: None,
            begun: None,
            done: 0,
            troubles: 0,
            waiting: BTreeMap::new(),
        }
    }

    fn take(&mut self, event: &Event) {
        match event {
            Event::Planned(plan) => self.plan = Some(Arc::clone(plan)),
            Event::PhaseStarted { phase } => self.begun = Some(phase.clone()),
            Event::Done { id, action, .. } => {
                self.done += 1;
                if action.is_change() {
                    self.line(&format!("{:>3} {id}", action.sign()));
                }
            }
            Event::Failed { id, action, error } => {
                self.waiting.remove(id);
                let why = if self.report_follows {
                    String::new()
                } else {
                    format!(": {}", error.message)
                };
                let what = match *action {
                    // What is there and not ours, or claimed by somebody else, was never tried.
                    ActionKind::None if error.code.starts_with("plan/") => "refused".to_owned(),
                    action => format!("{} failed", verb(action)),
                };
                self.trouble(&format!("  ! {id}: {what}{why}"));
            }
            Event::Skipped { .. } if self.report_follows => {}
            Event::Skipped { id, because } => {
                self.trouble(&format!("    {id} skipped: {because}"));
            }
            Event::Waiting { id, health } => {
                let waiting = self.waiting.entry(id.clone()).or_insert_with(|| Waiting {
                    since: Instant::now(),
                    health: health.clone(),
                    told: false,
                });
                if waiting.health != *health {
                    waiting.health = health.clone();
                    if waiting.told && !self.live {
                        self.line(&format!("    {id}: {}", said(health)));
                    }
                }
            }
            Event::Healthy { id } => {
                self.waiting.remove(id);
            }
            Event::Pruned { id } => self.line(&format!("  - {id}")),
            Event::CleaningUp { .. } | Event::PhaseFinished { .. } | Event::Finished { .. } => {}
        }
        self.status();
    }

    /// Says what has been waited for long enough to be news.
    fn tick(&mut self, now: Instant) {
        if self.live {
            return;
        }
        let mut lines = Vec::new();
        for (id, waiting) in &mut self.waiting {
            if !waiting.told && now.duration_since(waiting.since) >= PATIENCE {
                waiting.told = true;
                lines.push(format!("    {id}: {}", said(&waiting.health)));
            }
        }
        for line in lines {
            self.line(&line);
        }
    }

    /// A line about an object that is not as it should be, unless there were many.
    fn trouble(&mut self, text: &str) {
        self.troubles += 1;
        if self.troubles <= TROUBLES {
            self.line(text);
        }
    }

    /// Says that there was more trouble than was told.
    fn tell_rest(&mut self) {
        let rest = self.troubles.saturating_sub(TROUBLES);
        if rest > 0 {
            self.line(&format!(
                "    … and {rest} more that failed or were skipped"
            ));
        }
    }

    /// A line that stays.
    fn line(&mut self, text: &str) {
        self.clear();
        if let Some(phase) = self.begun.take() {
            let _ = writeln!(self.out, "phase {phase}");
        }
        // Progress that cannot be shown is no reason to stop.
        let _ = writeln!(self.out, "{text}");
    }

    /// The line that changes.
    fn status(&mut self) {
        if !self.live {
            return;
        }
        let Some(plan) = &self.plan else { return };
        let mut text = format!("{}/{}", self.done, plan.actions.len());
        if let Some((id, waiting)) = self.waiting.first_key_value() {
            let more = self.waiting.len() - 1;
            let others = if more == 0 {
                String::new()
            } else {
                format!(" and {more} more")
            };
            text = format!(
                "{text}, waiting for {id}{others}: {}",
                said(&waiting.health)
            );
        }
        let line: String = text.chars().take(WIDTH).collect();
        let _ = write!(self.out, "\r\u{1b}[K{line}");
        let _ = self.out.flush();
    }

    fn clear(&mut self) {
        if self.live {
            let _ = write!(self.out, "\r\u{1b}[K");
        }
    }
}

fn verb(action: ActionKind) -> &'static str {
    match action {
        ActionKind::Create => "create",
        ActionKind::Configure => "configure",
        ActionKind::Recreate => "recreate",
        ActionKind::Adopt => "adopt",
        ActionKind::Patch => "patch",
        ActionKind::None => "health",
    }
}

fn said(health: &Health) -> String {
    if health.message.is_empty() {
        format!("{:?}", health.status)
    } else {
        health.message.clone()
    }
}

#[cfg(test)]
mod tests {
    use trueup_manifest::Diagnostic;

    use super::*;
    use crate::{apply::health::Status, report::Outcome};

    fn id(name: &str) -> ObjectId {
        ObjectId {
            kind: "Pod".to_owned(),
            name: name.to_owned(),
            ..ObjectId::default()
        }
    }

    fn live_object() -> crate::cluster::Live {
        crate::cluster::Live::new(serde_json::Value::Null)
    }

    fn shown(live: bool) -> String {
        let waiting = |name: &str, message: &str| Event::Waiting {
            id: id(name),
            health: Health {
                status: Status::InProgress,
                message: message.to_owned(),
            },
        };
        let mut progress = Progress::new(Vec::new(), live);
        for event in [
            Event::Planned(Arc::new(Plan::default())),
            Event::PhaseStarted {
                phase: "hub".to_owned(),
            },
            Event::Done {
                id: id("a"),
                action: ActionKind::Create,
                live: live_object(),
            },
            Event::Done {
                id: id("b"),
                action: ActionKind::None,
                live: live_object(),
            },
            waiting("a", "0 of 1 ready"),
            waiting("a", "0 of 1 ready"),
            waiting("f", "soon there"),
            Event::Healthy { id: id("f") },
            Event::Failed {
                id: id("c"),
                action: ActionKind::Configure,
                error: Diagnostic::error("x/y", "it broke"),
            },
            Event::Skipped {
                id: id("d"),
                because: "`c` failed".to_owned(),
            },
            Event::Pruned { id: id("e") },
        ] {
            progress.take(&event);
        }
        let later = Instant::now() + PATIENCE;
        progress.tick(later);
        progress.tick(later);
        for event in [
            waiting("a", "1 of 2 ready"),
            Event::Healthy { id: id("a") },
            Event::Finished {
                outcome: Outcome::Failed,
            },
        ] {
            progress.take(&event);
        }
        progress.clear();
        String::from_utf8(progress.out).unwrap()
    }

    #[test]
    fn without_a_terminal_there_is_a_plain_line_for_each_piece_of_news() {
        insta::assert_snapshot!(shown(false), @"
        phase hub
          + Pod a
          ! Pod c: configure failed: it broke
            Pod d skipped: `c` failed
          - Pod e
            Pod a: 0 of 1 ready
            Pod a: 1 of 2 ready
        ");
    }

    #[test]
    fn of_many_failures_the_first_have_a_line_each_and_the_rest_are_counted() {
        let mut progress = Progress::new(Vec::new(), false);
        progress.report_follows = true;
        for at in 0..300 {
            progress.take(&Event::Failed {
                id: id(&format!("c{at}")),
                action: ActionKind::Create,
                error: Diagnostic::error("apply/invalid", "it broke"),
            });
        }
        progress.tell_rest();
        let text = String::from_utf8(progress.out).unwrap();
        assert_eq!(text.lines().count(), TROUBLES + 1, "{text}");
        assert!(
            text.ends_with("    … and 280 more that failed or were skipped\n"),
            "{text}"
        );
    }

    #[test]
    fn on_a_terminal_one_line_says_what_is_waited_for_and_is_gone_at_the_end() {
        let text = shown(true);
        assert!(text.contains("waiting for Pod a: 1 of 2 ready"), "{text:?}");
        assert!(text.ends_with("\r\u{1b}[K"), "{text:?}");
    }
}
