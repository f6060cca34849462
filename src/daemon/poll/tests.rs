use std::{collections::VecDeque, sync::Mutex};

use trueup_manifest::MemoryTree;

use super::*;
use crate::source::Revision;

/// What the next poll of a [`Script`] gives.
enum Step {
    Good(&'static str),
    Noted(&'static str),
    Bad(&'static str),
    Hang,
}

/// A source that does as it is told, and notes when it was polled.
struct Script {
    steps: Mutex<VecDeque<Step>>,
    recalled: Option<&'static str>,
    polls: Arc<Mutex<Vec<Instant>>>,
}

fn snapshot(id: &str) -> Snapshot {
    Snapshot::new(Revision::new("main", id), Arc::new(MemoryTree::new()))
}

fn failure(url: &str) -> SourceError {
    SourceError::AuthRequired {
        url: url.to_owned(),
    }
}

impl Source for Script {
    async fn poll(&self) -> Result<Polled, SourceError> {
        self.polls.lock().unwrap().push(Instant::now());
        let step = {
            let mut steps = self.steps.lock().unwrap();
            // The last step goes on for ever.
            if steps.len() > 1 {
                steps.pop_front()
            } else {
                None
            }
            .unwrap_or_else(|| match steps.front() {
                Some(Step::Good(id)) => Step::Good(id),
                Some(Step::Bad(url)) => Step::Bad(url),
                _ => Step::Hang,
            })
        };
        match step {
            Step::Good(id) => Ok(Polled {
                snapshot: snapshot(id),
                notes: Vec::new(),
            }),
            Step::Noted(id) => Ok(Polled {
                snapshot: snapshot(id),
                notes: vec![Note::CacheRebuilt {
                    reason: "test".to_owned(),
                }],
            }),
            Step::Bad(url) => Err(failure(url)),
            Step::Hang => std::future::pending().await,
        }
    }

    async fn recall(&self) -> Option<Snapshot> {
        self.recalled.map(snapshot)
    }

    fn describe(&self) -> String {
        "script".to_owned()
    }
}

struct Stage {
    poller: Poller,
    stop: CancellationToken,
    polls: Arc<Mutex<Vec<Instant>>>,
    outcomes: Arc<Mutex<Vec<Outcome>>>,
    began: Instant,
}

const SCHEDULE: Schedule = Schedule {
    interval: Duration::from_mins(1),
    least: Duration::from_secs(1),
    backoff: Backoff {
        first: Duration::from_secs(2),
        longest: Duration::from_mins(5),
    },
};

fn play(recalled: Option<&'static str>, steps: impl IntoIterator<Item = Step>) -> Stage {
    let polls = Arc::default();
    let outcomes = Arc::<Mutex<Vec<Outcome>>>::default();
    let steps = Mutex::new(steps.into_iter().collect());
    let source = Script {
        steps,
        recalled,
        polls: Arc::clone(&polls),
    };
    let seen = Arc::clone(&outcomes);
    let stop = CancellationToken::new();
    let began = Instant::now();
    let observe = move |outcome| seen.lock().unwrap().push(outcome);
    let poller = spawn(source, SCHEDULE, observe, stop.clone());
    Stage {
        poller,
        stop,
        polls,
        outcomes,
        began,
    }
}

impl Stage {
    /// Lets time pass, and a little more: timers of tokio are late by up to a millisecond each.
    async fn pass(&self, seconds: u64) {
        sleep(Duration::from_secs(seconds) + Duration::from_millis(100)).await;
    }

    /// When it polled, in whole seconds from the start.
    fn polled_at(&self) -> Vec<u64> {
        let since = |at: &Instant| at.duration_since(self.began).as_secs();
        self.polls.lock().unwrap().iter().map(since).collect()
    }

    fn outcomes(&self) -> Vec<Outcome> {
        self.outcomes.lock().unwrap().clone()
    }

    /// The id in force, and the address in the error.
    fn now(&self) -> (Option<String>, Option<SourceError>) {
        let state = self.poller.state.borrow();
        let id = state.good.as_ref().map(|good| good.revision().id.clone());
        (id, state.error.as_deref().cloned())
    }
}

fn good(id: &str) -> (Option<String>, Option<SourceError>) {
    (Some(id.to_owned()), None)
}

#[tokio::test(start_paused = true)]
async fn it_polls_at_once_and_then_by_its_interval() {
    let stage = play(None, [Step::Good("1"), Step::Good("1"), Step::Good("2")]);
    stage.pass(0).await;
    assert_eq!(stage.now(), good("1"));
    stage.pass(150).await;
    assert_eq!(stage.polled_at(), [0, 60, 120]);
    assert_eq!(stage.now(), good("2"));
    assert_eq!(
        stage.outcomes(),
        [Outcome::Changed, Outcome::Unchanged, Outcome::Changed]
    );
}

#[tokio::test(start_paused = true)]
async fn a_poll_that_finds_nothing_new_wakes_nobody() {
    let mut stage = play(None, [Step::Good("1")]);
    stage.poller.state.changed().await.unwrap();
    stage.poller.state.mark_unchanged();
    stage.pass(600).await;
    assert_eq!(stage.polled_at().len(), 11);
    assert!(!stage.poller.state.has_changed().unwrap());
}

#[tokio::test(start_paused = true)]
async fn a_note_without_a_new_revision_is_told() {
    let stage = play(None, [Step::Good("1"), Step::Noted("1"), Step::Good("1")]);
    stage.pass(61).await;
    assert_eq!(stage.poller.state.borrow().notes.len(), 1);
    assert_eq!(stage.outcomes(), [Outcome::Changed, Outcome::Unchanged]);
}

#[tokio::test(start_paused = true)]
async fn a_failure_keeps_the_last_good_revision_and_is_told_once() {
    let mut stage = play(
        None,
        [
            Step::Good("1"),
            Step::Bad("a"),
            Step::Bad("a"),
            Step::Bad("b"),
            Step::Good("1"),
        ],
    );
    stage.pass(0).await;
    let mut told = Vec::new();
    for _ in 0..3 {
        stage.poller.state.mark_unchanged();
        stage.poller.state.changed().await.unwrap();
        told.push(stage.now());
    }
    let failed = |url| (Some("1".to_owned()), Some(failure(url)));
    assert_eq!(told, [failed("a"), failed("b"), good("1")]);
    assert_eq!(stage.poller.state.borrow().failures, 0);
    let outcomes = stage.outcomes();
    assert_eq!(
        outcomes
            .iter()
            .filter(|outcome| **outcome == Outcome::Failed)
            .count(),
        3
    );
}

#[tokio::test(start_paused = true)]
async fn failures_in_a_row_are_waited_out_longer_and_longer() {
    let stage = play(None, [Step::Bad("a")]);
    stage.pass(3600).await;
    let at = stage.polls.lock().unwrap().clone();
    let waits: Vec<Duration> = at.windows(2).map(|pair| pair[1] - pair[0]).collect();
    for (wait, most) in waits
        .iter()
        .zip([2, 4, 8, 16, 32, 64, 128, 256, 300, 300, 300])
    {
        let most = Duration::from_secs(most);
        assert!(
            *wait >= most / 2 && *wait <= most + Duration::from_millis(2),
            "{waits:?}"
        );
    }
    assert!(waits.len() >= 11, "{waits:?}");
}

#[tokio::test(start_paused = true)]
async fn it_can_be_woken_while_it_waits_out_a_failure_too() {
    let stage = play(None, [Step::Bad("a"), Step::Good("1"), Step::Good("2")]);
    stage.pass(0).await;
    stage.poller.waker.wake();
    stage.pass(1).await;
    assert_eq!(stage.now(), good("1"));
    stage.pass(10).await;
    stage.poller.waker.wake();
    stage.pass(0).await;
    assert_eq!(stage.now(), good("2"));
    assert_eq!(stage.polled_at(), [0, 1, 11]);
}

#[tokio::test(start_paused = true)]
async fn a_flood_of_wakes_is_one_poll_a_second() {
    let stage = play(None, [Step::Good("1")]);
    for _ in 0..500 {
        stage.poller.waker.wake();
        sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(stage.polled_at(), [0, 1, 2, 3, 4]);
}

#[tokio::test(start_paused = true)]
async fn a_wake_during_a_poll_is_not_lost() {
    let stage = play(None, [Step::Good("1"), Step::Good("2")]);
    // The task has not run yet, so this comes before or during its first poll.
    stage.poller.waker.wake();
    stage.pass(2).await;
    assert_eq!(stage.now(), good("2"));
    assert_eq!(stage.polled_at(), [0, 1]);
}

#[tokio::test(start_paused = true)]
async fn it_ends_when_told_to_even_while_a_poll_hangs() {
    for steps in [
        vec![Step::Hang],
        vec![Step::Good("1")],
        vec![Step::Bad("a")],
    ] {
        let stage = play(None, steps);
        stage.pass(1).await;
        stage.stop.cancel();
        stage.poller.task.await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn it_ends_when_nobody_listens() {
    let Stage {
        poller: Poller { state, task, .. },
        ..
    } = play(None, [Step::Hang]);
    drop(state);
    task.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_start_without_the_other_side_goes_on_with_what_was_left() {
    let stage = play(Some("old"), [Step::Bad("a"), Step::Good("new")]);
    stage.pass(0).await;
    assert_eq!(stage.now(), (Some("old".to_owned()), Some(failure("a"))));
    assert!(stage.poller.state.borrow().recalled);
    stage.pass(2).await;
    assert_eq!(stage.now(), good("new"));
    assert!(!stage.poller.state.borrow().recalled);
}

#[tokio::test(start_paused = true)]
async fn what_was_left_is_not_told_when_the_first_poll_succeeds() {
    let mut stage = play(Some("old"), [Step::Good("new")]);
    stage.poller.state.changed().await.unwrap();
    assert_eq!(stage.now(), good("new"));
}

#[tokio::test(start_paused = true)]
async fn what_was_left_counts_as_known_when_it_is_confirmed() {
    let stage = play(Some("1"), [Step::Bad("a"), Step::Good("1")]);
    stage.pass(2).await;
    assert_eq!(stage.now(), good("1"));
    assert_eq!(stage.outcomes(), [Outcome::Failed, Outcome::Unchanged]);
}
