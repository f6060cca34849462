//! A worker on simulated time, with a script in place of the pipeline.

use futures::{FutureExt, future::BoxFuture};
use serde_json::json;
use tokio::{sync::oneshot, time::timeout};
use trueup_manifest::MemoryTree;

use super::*;
use crate::{
    apply::Stopped,
    cluster::Live,
    daemon::drift::Desire,
    source::{Revision, SourceError},
    telemetry::Action,
};

const INTERVAL: Duration = Duration::from_mins(1);

/// Wants objects of which every live form is right unless it holds `bad`.
#[derive(Debug, Default)]
struct Wanted(BTreeSet<ObjectId>);

impl Desire for Wanted {
    fn ids(&self) -> impl Iterator<Item = &ObjectId> {
        self.0.iter()
    }

    fn wants(&self, id: &ObjectId) -> bool {
        self.0.contains(id)
    }

    fn differs(&self, live: &Live) -> bool {
        live.at(&["bad"]).is_some()
    }
}

/// Hands each pass to the test.
struct Script(mpsc::UnboundedSender<Call>);

struct Call {
    revision: String,
    news: mpsc::UnboundedSender<News<Wanted>>,
    stopped: Stopped,
    answer: oneshot::Sender<Ended>,
}

impl Passes for Script {
    type Desire = Wanted;

    fn pass(
        &self,
        snapshot: Snapshot,
        news: mpsc::UnboundedSender<News<Wanted>>,
        stopped: Stopped,
    ) -> BoxFuture<'static, Ended> {
        let (answer, answered) = oneshot::channel();
        let revision = snapshot.revision().id.clone();
        self.0
            .send(Call {
                revision,
                news,
                stopped,
                answer,
            })
            .unwrap();
        async move { answered.await.expect("the test answers") }.boxed()
    }
}

fn ended(outcome: Outcome) -> Ended {
    let error = matches!(outcome, Outcome::Failed | Outcome::Refused);
    let errors = error.then(|| "x.yaml:1:1: error[x]: broken".to_owned());
    Ended {
        errors: errors.into_iter().collect(),
        ..Ended::new(outcome)
    }
}

fn id(name: &str) -> ObjectId {
    let (kind, name) = ("ConfigMap".to_owned(), name.to_owned());
    ObjectId {
        kind,
        name,
        ..ObjectId::default()
    }
}

impl Call {
    /// Accepts the revision, settles the object `a`, and ends well.
    fn converge(self, written: bool) {
        let desire = Wanted([id("a")].into());
        self.news
            .send(News::Accepted {
                desire,
                interval: INTERVAL,
            })
            .unwrap();
        self.news
            .send(News::Settled {
                id: id("a"),
                written,
                live: None,
            })
            .unwrap();
        let actions = vec![(Action::Configure, u64::from(written))];
        self.answer
            .send(Ended {
                actions,
                ..ended(Outcome::Converged)
            })
            .unwrap();
    }

    fn end(self, outcome: Outcome) {
        self.answer.send(ended(outcome)).unwrap();
    }
}

/// A worker and all that is around it.
struct Stage {
    source: watch::Sender<SourceState>,
    looked: watch::Sender<u64>,
    calls: mpsc::UnboundedReceiver<Call>,
    seen: mpsc::Sender<Sighting>,
    bell: Arc<Notify>,
    shared: Shared,
    stop: CancellationToken,
    worker: JoinHandle<Result<(), DaemonError>>,
}

impl Stage {
    fn new() -> Self {
        let (source, state) = watch::channel(SourceState::default());
        let (looked, looks) = watch::channel(0);
        let (sender, calls) = mpsc::unbounded_channel();
        let shared = Shared {
            board: Board::default(),
            metrics: Metrics::new().unwrap(),
        };
        shared.board.appear("dev", "file:///repo");
        let (bell, stop) = (Arc::new(Notify::new()), CancellationToken::new());
        let worker = Worker::new(
            "dev",
            Script(sender),
            Feed {
                state,
                looks,
                waker: Waker::default(),
            },
            Arc::clone(&bell),
            shared.clone(),
            stop.clone(),
        );
        let seen = worker.followers.mouth();
        let worker = tokio::spawn(worker.run());
        Self {
            source,
            looked,
            calls,
            seen,
            bell,
            shared,
            stop,
            worker,
        }
    }

    /// The source was looked at and has news.
    fn tell(&self, tell: impl FnOnce(&mut SourceState)) {
        self.source.send_modify(tell);
        self.looked.send_modify(|looks| *looks += 1);
    }

    fn push(&self, revision: &str) {
        let tree = Arc::new(MemoryTree::new());
        let snapshot = Snapshot::new(Revision::new("main", revision), tree);
        self.tell(|state| {
            state.good = Some(snapshot);
            state.error = None;
        });
    }

    fn break_source(&self) {
        let error = SourceError::AuthRequired {
            url: "https://git.example".to_owned(),
        };
        self.tell(|state| state.error = Some(Arc::new(error)));
    }

    /// The next pass and how long it took to come.
    async fn call(&mut self) -> (Call, Duration) {
        let began = Instant::now();
        let call = timeout(Duration::from_hours(1), self.calls.recv()).await;
        (call.expect("a pass").expect("a worker"), began.elapsed())
    }

    /// No pass begins for so long.
    async fn quiet(&mut self, long: Duration) {
        if let Ok(Some(call)) = timeout(long, self.calls.recv()).await {
            panic!("an unexpected pass over {}", call.revision);
        }
    }

    /// Lets the worker take in what it was told.
    async fn settle(&self) {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }

    async fn converged(revision: &str) -> Self {
        let mut stage = Self::new();
        stage.push(revision);
        stage.call().await.0.converge(true);
        stage.settle().await;
        stage
    }

    /// Somebody changes the object `a`.
    async fn vandalise(&self) {
        let live = Live::new(json!({
            "apiVersion": "v1", "kind": "ConfigMap", "bad": true, "metadata": {
                "name": "a",
                "managedFields": [{"manager": "vandal", "operation": "Update"}],
            },
        }));
        self.seen
            .send(Sighting::Present(Box::new(live)))
            .await
            .unwrap();
    }

    /// The watch shows the object `a` as it should be.
    async fn heal(&self) {
        let live = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}});
        self.seen
            .send(Sighting::Present(Box::new(Live::new(live))))
            .await
            .unwrap();
        self.settle().await;
    }

    fn status(&self) -> super::super::EnvironmentStatus {
        self.shared.board.get("dev").unwrap()
    }

    fn metric(&self, line: &str) -> bool {
        let text = String::from_utf8(self.shared.metrics.encode().unwrap()).unwrap();
        text.lines().any(|found| found == line)
    }
}

#[tokio::test(start_paused = true)]
async fn a_new_revision_is_taken_at_once_and_shown_when_the_cluster_is_there() {
    let mut stage = Stage::new();
    stage.quiet(INTERVAL * 3).await;
    assert_eq!(stage.status().state, State::Starting);
    stage.push("a1");
    let (call, wait) = stage.call().await;
    assert_eq!((call.revision.as_str(), wait), ("a1", Duration::ZERO));
    assert_eq!(stage.status().state, State::Reconciling);
    assert!(!stage.status().ready);
    call.converge(true);
    stage.settle().await;
    let status = stage.status();
    assert_eq!(status.state, State::Converged);
    assert!(status.ready);
    assert_eq!(status.applied_revision.as_deref(), Some("a1"));
    assert!(stage.metric(r#"trueup_applied_revision_info{environment="dev",revision="a1"} 1"#));
    assert!(stage.metric(r#"trueup_actions_total{action="configure",environment="dev"} 1"#));
}

#[tokio::test(start_paused = true)]
async fn a_converged_environment_is_looked_at_every_interval() {
    let mut stage = Stage::converged("a1").await;
    for _ in 0..3 {
        let (call, wait) = stage.call().await;
        assert!(wait > INTERVAL / 2 && wait <= INTERVAL, "{wait:?}");
        call.converge(false);
        stage.settle().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_broken_revision_keeps_the_last_good_one_and_a_fixed_one_recovers() {
    let mut stage = Stage::converged("good").await;
    stage.push("broken");
    stage.call().await.0.end(Outcome::Refused);
    stage.settle().await;
    let status = stage.status();
    assert_eq!(status.state, State::Failing);
    assert!(status.ready);
    assert_eq!(status.revision.as_deref(), Some("broken"));
    assert_eq!(status.applied_revision.as_deref(), Some("good"));
    let error = status.error.unwrap();
    assert_eq!(error.messages, ["x.yaml:1:1: error[x]: broken"]);
    assert!(stage.metric(r#"trueup_consecutive_failures{environment="dev"} 1"#));

    stage.vandalise().await;
    let (call, _) = stage.call().await;
    assert_eq!(call.revision, "good", "drift goes by the revision in force");
    call.converge(true);
    stage.heal().await;
    assert_eq!(
        stage.status().state,
        State::Failing,
        "the newest revision is still broken"
    );

    let (call, _) = stage.call().await;
    assert_eq!(call.revision, "broken", "it is tried again");
    call.end(Outcome::Refused);
    stage.settle().await;
    assert_eq!(
        stage.status().error.unwrap().since,
        error.since,
        "the same error all along"
    );

    stage.push("fixed");
    let (call, wait) = stage.call().await;
    assert_eq!((call.revision.as_str(), wait), ("fixed", Duration::ZERO));
    call.converge(true);
    stage.settle().await;
    assert_eq!(stage.status().state, State::Converged);
    assert!(stage.status().error.is_none());
    assert!(stage.metric(r#"trueup_consecutive_failures{environment="dev"} 0"#));
}

#[tokio::test(start_paused = true)]
async fn a_newer_revision_supersedes_a_pass_in_progress() {
    let mut stage = Stage::new();
    stage.push("a1");
    let (mut first, _) = stage.call().await;
    for revision in ["a2", "a3", "a4"] {
        stage.push(revision);
    }
    assert_eq!(first.stopped.stopped().await, Stop::Superseded);
    first.end(Outcome::Superseded);
    let (call, wait) = stage.call().await;
    assert_eq!(
        (call.revision.as_str(), wait),
        ("a4", Duration::ZERO),
        "only the newest counts"
    );
    assert_eq!(call.stopped.why(), None);
}

#[tokio::test(start_paused = true)]
async fn drift_is_repaired_within_a_second_and_counted() {
    let mut stage = Stage::converged("a1").await;
    stage.vandalise().await;
    let (call, wait) = stage.call().await;
    assert!(wait <= Duration::from_secs(1), "{wait:?}");
    call.converge(true);
    stage.heal().await;
    assert!(stage.metric(r#"trueup_drift_repaired_total{environment="dev"} 1"#));
    assert!(stage.metric(r#"trueup_drift_detected_total{environment="dev",kind="changed"} 1"#));
    stage.quiet(INTERVAL * 9 / 10).await;
}

#[tokio::test(start_paused = true)]
async fn a_deleted_object_is_drift_as_well() {
    let mut stage = Stage::converged("a1").await;
    stage.seen.send(Sighting::Gone(id("a"))).await.unwrap();
    let (call, wait) = stage.call().await;
    assert!(wait <= Duration::from_secs(1), "{wait:?}");
    call.converge(true);
    stage.settle().await;
    assert!(stage.metric(r#"trueup_drift_detected_total{environment="dev",kind="deleted"} 1"#));
}

#[tokio::test(start_paused = true)]
async fn an_object_that_only_looks_different_costs_one_pass() {
    let mut stage = Stage::converged("a1").await;
    stage.vandalise().await;
    stage.call().await.0.converge(false);
    stage.settle().await;
    stage.vandalise().await;
    stage.quiet(INTERVAL / 2).await;
}

#[tokio::test(start_paused = true)]
async fn a_fight_is_named_and_backed_off_from_and_taken_up_again() {
    let mut stage = Stage::converged("a1").await;
    for _ in 0..5 {
        stage.vandalise().await;
        let (call, wait) = stage.call().await;
        assert!(wait <= Duration::from_secs(1), "{wait:?}");
        call.converge(true);
        stage.heal().await;
    }
    stage.vandalise().await;
    stage.quiet(INTERVAL / 2).await;
    assert!(stage.metric(r#"trueup_contested_objects{environment="dev"} 1"#));
    let contested = stage.status().contested;
    assert_eq!(contested[0].object, "ConfigMap a");
    assert_eq!(contested[0].writers, ["vandal"]);
    let (call, _) = stage.call().await;
    call.converge(true);
    stage.settle().await;
    stage.push("a2");
    stage.call().await.0.converge(true);
    stage.settle().await;
    assert!(
        stage.status().contested.is_empty(),
        "a new revision may have ended it"
    );
}

#[tokio::test(start_paused = true)]
async fn a_ring_has_the_source_looked_at_and_then_makes_a_pass() {
    let mut stage = Stage::converged("a1").await;
    stage.bell.notify_one();
    stage.quiet(Duration::from_secs(1)).await;
    stage.looked.send_modify(|looks| *looks += 1);
    let (call, wait) = stage.call().await;
    assert_eq!((call.revision.as_str(), wait), ("a1", Duration::ZERO));
}

#[tokio::test(start_paused = true)]
async fn a_source_that_fails_touches_nothing_and_is_shown_until_it_answers() {
    let mut stage = Stage::converged("a1").await;
    stage.break_source();
    stage.quiet(INTERVAL / 2).await;
    let status = stage.status();
    assert_eq!(status.state, State::Failing);
    let error = status.source_error.unwrap().messages.join("");
    assert_eq!(
        error,
        "`https://git.example` asks for credentials and none are set"
    );
    stage.push("a1");
    stage.settle().await;
    assert_eq!(stage.status().state, State::Converged);
}

#[tokio::test(start_paused = true)]
async fn an_unreachable_cluster_is_tried_again_and_at_once_when_it_is_back() {
    let mut stage = Stage::new();
    stage.push("a1");
    for _ in 0..4 {
        stage.call().await.0.end(Outcome::Failed);
    }
    stage.settle().await;
    assert_eq!(stage.status().failures, 4);
    stage.seen.send(Sighting::Back).await.unwrap();
    let (call, wait) = stage.call().await;
    assert!(wait < Duration::from_millis(10), "{wait:?}");
    call.converge(true);
    stage.settle().await;
    assert_eq!(stage.status().state, State::Converged);
}

#[tokio::test(start_paused = true)]
async fn the_request_to_end_lets_a_pass_finish_what_it_has_in_hand() {
    let mut stage = Stage::new();
    stage.push("a1");
    let (mut call, _) = stage.call().await;
    stage.stop.cancel();
    assert_eq!(call.stopped.stopped().await, Stop::Shutdown);
    stage.settle().await;
    assert!(
        !stage.worker.is_finished(),
        "the pass has something in hand"
    );
    call.end(Outcome::Interrupted);
    stage.worker.await.unwrap().unwrap();
    let text = String::from_utf8(stage.shared.metrics.encode().unwrap()).unwrap();
    let line = r#"trueup_reconcile_total{environment="dev",result="interrupted"} 1"#;
    assert!(text.lines().any(|found| found == line), "{text}");
}

#[tokio::test(start_paused = true)]
async fn a_panic_in_a_pass_ends_the_worker_with_its_message() {
    let mut stage = Stage::new();
    stage.push("a1");
    drop(stage.call().await.0.answer);
    let error = stage.worker.await.unwrap().unwrap_err().to_string();
    assert!(error.starts_with("`pass over "), "{error}");
    assert!(error.contains("panicked: the test answers"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_worker_gives_signs_of_life_whatever_it_waits_for() {
    let mut stage = Stage::new();
    stage.push("a1");
    let (call, _) = stage.call().await;
    for _ in 0..20 {
        tokio::time::sleep(BEAT).await;
        assert!(stage.shared.board.stuck(Instant::now()).is_empty());
    }
    call.converge(true);
}
