//! What planning costs over objects that did not change: `cargo bench --bench plan`, in time on the processor.
//!
//! The objects are applied to the embedded server once and read back, so that what is planned over has the
//! `managedFields` and the defaults that a server gives. Then addresses are found, each object is compared
//! with what is live, and the plan is put together, as `trueup diff` does after it has read the cluster.
//! `TRUEUP_BENCH_OBJECTS` asks for another number of objects.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a benchmark fails by panicking, and prints what it measured"
)]

use std::{collections::HashMap, fmt::Write as _, fs, sync::Arc, time::Duration};

use trueup::{
    apply::{Options, Session},
    cluster::{Access, Cluster, Freshness, Kinds, Live, RetryPolicy, Selection, Target, connect},
    config::reconcile::Reconcile,
    plan::{ActionKind, ApplySet, Consent, Inputs, Memory, Observed, Seen, build, resolve},
    render::{Desired, DesiredPhase},
    report::Outcome,
};
use trueup_embedded::Server;
use trueup_manifest::{Manifest, Origin};
use trueup_yaml::{Document, Source};

const OBJECTS: usize = 5_000;
const RUNS: usize = 20;

fn main() {
    let asked = std::env::var("TRUEUP_BENCH_OBJECTS").ok();
    let objects = asked
        .and_then(|number| number.parse().ok())
        .unwrap_or(OBJECTS);
    let world = tokio::runtime::Runtime::new()
        .unwrap()
        .block_on(World::new(objects));
    let mut best = [Duration::MAX; 4];
    for _ in 0..RUNS {
        for (best, took) in best.iter_mut().zip(world.plan()) {
            *best = (*best).min(took);
        }
    }
    let [addresses, comparing, ordering, all] = best.map(|took| took.as_secs_f64() * 1e3);
    println!(
        "planning {objects} unchanged objects: {all:.1} ms on the processor (best of {RUNS}): \
         addresses {addresses:.1}, comparing {comparing:.1}, graph and plan {ordering:.1}"
    );
}

struct World {
    desired: Desired,
    kinds: Arc<Kinds>,
    owned: Vec<(Target, Live)>,
    applyset: ApplySet,
    policy: Reconcile,
}

impl World {
    async fn new(objects: usize) -> Self {
        let server = Server::builder().start().await.unwrap();
        let access = Access::Url {
            url: server.url(),
            token: None,
        };
        let cluster: Arc<dyn Cluster> =
            Arc::new(connect(&access, RetryPolicy::default()).await.unwrap());
        let (desired, policy) = (desired(objects), Reconcile::default());
        let session = Session::new(Arc::clone(&cluster));
        let report = session
            .reconcile(&desired, &policy, &Options::default())
            .await;
        assert_eq!(report.outcome, Outcome::Converged, "{report}");
        let applyset = ApplySet::of(&desired.environment).unwrap();
        let kinds = cluster.kinds(Freshness::Latest).await.unwrap();
        let mut owned = Vec::new();
        for kind in [
            "Namespace",
            "ConfigMap",
            "Secret",
            "Service",
            "ServiceAccount",
            "Deployment",
        ] {
            let group = if kind == "Deployment" { "apps" } else { "" };
            let resource = Arc::clone(kinds.preferred(group, kind).unwrap());
            let selection = Selection::labelled(applyset.selector());
            for live in cluster.list(&resource, &selection).await.unwrap().items {
                let id = live.id();
                let target = Target {
                    resource: Arc::clone(&resource),
                    namespace: id.namespace,
                    name: id.name,
                };
                owned.push((target, live));
            }
        }
        server.stop().await.unwrap();
        Self {
            desired,
            kinds,
            owned,
            applyset,
            policy,
        }
    }

    /// Plans once; how long the steps took, and all of them.
    fn plan(&self) -> [Duration; 4] {
        let live: HashMap<&Target, &Live> = self
            .owned
            .iter()
            .map(|(target, live)| (target, live))
            .collect();
        let owned = self.owned.clone();
        let start = on_processor();
        let objects = resolve(&self.desired, &self.kinds, &self.applyset).unwrap();
        let resolved = on_processor();
        let seen = objects.items.iter().map(|object| {
            let mut seen = Seen::of(live.get(&object.target).map(|live| (*live).clone()));
            assert!(
                !seen.wants_dry_run(object, &self.applyset, &self.policy),
                "{object:?}"
            );
            seen
        });
        let observed = Observed {
            seen: seen.collect(),
            owned,
            ..Observed::default()
        };
        let compared = on_processor();
        let plan = build(&Inputs {
            desired: &self.desired,
            objects: &objects,
            observed: &observed,
            policy: &self.policy,
            applyset: &self.applyset,
            memory: &Memory::default(),
            consent: Consent::default(),
        });
        let end = on_processor();
        let plan = plan.unwrap();
        assert_eq!(plan.count(ActionKind::None), plan.actions.len());
        assert!(plan.is_empty());
        [
            resolved.saturating_sub(start),
            compared.saturating_sub(resolved),
            end.saturating_sub(compared),
            end.saturating_sub(start),
        ]
    }
}

/// How long this thread has been on a processor.
fn on_processor() -> Duration {
    let text = fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    let nanoseconds = text
        .split(' ')
        .next()
        .and_then(|number| number.parse().ok());
    Duration::from_nanos(nanoseconds.unwrap())
}

/// Services of five objects each, in namespaces of a hundred.
fn desired(objects: usize) -> Desired {
    let mut text = String::new();
    for at in 0..objects / 5 {
        if at % 20 == 0 {
            let _ = write!(
                text,
                "---\napiVersion: v1\nkind: Namespace\nmetadata: {{name: n{}}}\n",
                at / 20
            );
        }
        let _ = write!(
            text,
            "---\napiVersion: v1\nkind: ServiceAccount\nmetadata: {{name: s{at}, namespace: n{n}}}\n\
             ---\napiVersion: v1\nkind: ConfigMap\nmetadata: {{name: s{at}, namespace: n{n}, labels: {{app: s{at}}}}}\n\
             data:\n  LEVEL: info\n  ADDRESS: http://s{at}.n{n}.svc:8080\n  config.yaml: |\n    a: 1\n    b: [1, 2, 3]\n\
             ---\napiVersion: v1\nkind: Secret\nmetadata: {{name: s{at}, namespace: n{n}}}\nstringData: {{password: p{at}}}\n\
             ---\napiVersion: v1\nkind: Service\nmetadata: {{name: s{at}, namespace: n{n}, labels: {{app: s{at}}}}}\n\
             spec:\n  selector: {{app: s{at}}}\n  ports: [{{name: http, port: 80, targetPort: 8080}}]\n\
             ---\napiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: s{at}, namespace: n{n}, labels: {{app: s{at}}}}}\n\
             spec:\n  replicas: 2\n  selector: {{matchLabels: {{app: s{at}}}}}\n  template:\n    metadata: {{labels: {{app: s{at}}}}}\n\
             \x20   spec:\n      serviceAccountName: s{at}\n      containers:\n      - name: main\n        image: registry.example.com/s:1.{at}\n\
             \x20       envFrom: [{{configMapRef: {{name: s{at}}}}}, {{secretRef: {{name: s{at}}}}}]\n\
             \x20       ports: [{{containerPort: 8080}}]\n        resources: {{requests: {{cpu: 100m, memory: 64Mi}}, limits: {{memory: 128Mi}}}}\n\
             \x20       readinessProbe: {{httpGet: {{path: /ready, port: 8080}}}}\n",
            n = at / 20,
        );
    }
    let source = Source::new("objects.yaml", text);
    let manifests = Document::parse(&source).unwrap().into_iter().map(|doc| {
        let origin = doc.location(doc.root()).map(Origin::at).unwrap_or_default();
        Manifest::new(doc, origin).unwrap()
    });
    Desired {
        environment: "bench".to_owned(),
        phases: vec![DesiredPhase {
            name: "all".to_owned(),
            depends_on: Vec::new(),
            timeout: Duration::from_mins(1),
            wait: false,
            atomic: false,
            cleaned_up_with: None,
            manifests: manifests.collect(),
        }],
        ..Desired::default()
    }
}
