//! The HTTP face of the daemon: health, readiness, metrics, status, and a bell.
//!
//! ```text
//!  GET  /healthz            200 while every worker gives signs of life, else 503 with their names
//!  GET  /readyz             200 once every environment converged; each with revision and last error
//!  GET  /metrics            Prometheus, as docs/instrumentation.md says
//!  GET  /api/v1/status      all that is known, reports included
//!  POST /api/v1/reconcile   looks at the sources now and makes a pass; ?environment=NAME for one
//! ```

use axum::{
    Json, Router,
    extract::{Query, State as With},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use serde::{Deserialize, Serialize};
use serde_json::json;
use tokio::{net::TcpListener, time::Instant};
use tokio_util::sync::CancellationToken;

use super::{Board, DaemonError, Wake, board::EnvironmentStatus};
use crate::telemetry::Metrics;

/// What the handlers read.
#[derive(Clone, Debug)]
pub(super) struct Face {
    pub(super) board: Board,
    pub(super) metrics: Metrics,
    pub(super) wake: Wake,
}

/// Answers until it is asked to stop; then takes no more connections and finishes those it has.
pub(super) async fn serve(
    listener: TcpListener,
    face: Face,
    stop: CancellationToken,
) -> Result<(), DaemonError> {
    axum::serve(listener, router(face))
        .with_graceful_shutdown(stop.cancelled_owned())
        .await
        .map_err(DaemonError::Http)
}

/// The routes, for the server and for tests in process.
pub(super) fn router(face: Face) -> Router {
    Router::new()
        .route("/", get(index))
        .route("/healthz", get(healthz))
        .route("/readyz", get(readyz))
        .route("/metrics", get(metrics))
        .route("/api/v1/status", get(status))
        .route("/api/v1/reconcile", post(reconcile))
        .fallback(async || problem(StatusCode::NOT_FOUND, "no such page; `/` lists them"))
        .with_state(face)
}

async fn index() -> &'static str {
    concat!(
        "trueup ",
        env!("CARGO_PKG_VERSION"),
        "\n\n",
        "GET  /healthz\nGET  /readyz\nGET  /metrics\nGET  /api/v1/status\n",
        "POST /api/v1/reconcile[?environment=NAME]\n",
    )
}

async fn healthz(With(face): With<Face>) -> Response {
    let stuck = face.board.stuck(Instant::now());
    if stuck.is_empty() {
        return "ok\n".into_response();
    }
    let message = format!("no sign of life from: {}", stuck.join(", "));
    problem(StatusCode::SERVICE_UNAVAILABLE, &message)
}

/// What `/readyz` says of an environment.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Readiness {
    name: String,
    ready: bool,
    revision: Option<String>,
    applied_revision: Option<String>,
    error: Option<String>,
}

impl From<EnvironmentStatus> for Readiness {
    fn from(status: EnvironmentStatus) -> Self {
        let trouble = status.error.or(status.source_error);
        Self {
            name: status.name,
            ready: status.ready,
            revision: status.revision,
            applied_revision: status.applied_revision,
            error: trouble.map(|trouble| trouble.messages.join("\n")),
        }
    }
}

async fn readyz(With(face): With<Face>) -> Response {
    let environments: Vec<Readiness> = face.board.all().into_iter().map(Into::into).collect();
    // None at all: the source has not been read yet.
    let ready = !environments.is_empty() && environments.iter().all(|one| one.ready);
    let code = if ready {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    (
        code,
        Json(json!({"ready": ready, "environments": environments})),
    )
        .into_response()
}

async fn metrics(With(face): With<Face>) -> Response {
    match face.metrics.encode() {
        Ok(text) => ([(header::CONTENT_TYPE, Metrics::CONTENT_TYPE)], text).into_response(),
        Err(error) => problem(StatusCode::INTERNAL_SERVER_ERROR, &error.to_string()),
    }
}

async fn status(With(face): With<Face>) -> Response {
    let version = env!("CARGO_PKG_VERSION");
    Json(json!({"version": version, "environments": face.board.all()})).into_response()
}

#[derive(Deserialize)]
struct Which {
    environment: Option<String>,
}

async fn reconcile(
    With(face): With<Face>,
    Query(which): Query<Which>,
    headers: HeaderMap,
) -> Response {
    if is_foreign(&headers) {
        return problem(
            StatusCode::FORBIDDEN,
            "a page of another origin may not do this",
        );
    }
    let woken = match which.environment {
        None => face.wake.all(),
        Some(name) if face.wake.one(&name) => vec![name],
        Some(name) => {
            let message = format!("no environment `{name}` is kept here");
            return problem(StatusCode::NOT_FOUND, &message);
        }
    };
    (StatusCode::ACCEPTED, Json(json!({"woken": woken}))).into_response()
}

/// Whether a browser sent it for a page that is not ours. The server stands on loopback, where every
/// page that a user opens could reach it.
fn is_foreign(headers: &HeaderMap) -> bool {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    match text(header::ORIGIN) {
        None => false,
        Some(origin) => {
            let host = origin.split_once("://").map(|(_, host)| host);
            host.is_none() || host != text(header::HOST)
        }
    }
}

fn problem(code: StatusCode, message: &str) -> Response {
    (code, Json(json!({"error": message}))).into_response()
}

#[cfg(test)]
mod tests {
    use axum::{body::Body, http::Request};
    use serde_json::Value;
    use tower::ServiceExt;

    use super::*;

    fn face() -> Face {
        let board = Board::default();
        let wake = Wake::default();
        board.appear("dev", "file:///repo");
        wake.bell("dev");
        Face {
            board,
            metrics: Metrics::new().unwrap(),
            wake,
        }
    }

    async fn ask(face: &Face, request: Request<Body>) -> (StatusCode, Value) {
        let answer = router(face.clone()).oneshot(request).await.unwrap();
        let code = answer.status();
        let body = axum::body::to_bytes(answer.into_body(), 1 << 20)
            .await
            .unwrap();
        (code, serde_json::from_slice(&body).unwrap_or(Value::Null))
    }

    fn get(path: &str) -> Request<Body> {
        Request::get(path).body(Body::empty()).unwrap()
    }

    #[tokio::test]
    async fn an_environment_is_ready_once_it_converged_and_stays_so_with_an_error() {
        let face = face();
        let (code, body) = ask(&face, get("/readyz")).await;
        assert_eq!(
            (code, &body["ready"]),
            (StatusCode::SERVICE_UNAVAILABLE, &json!(false))
        );
        face.board.update("dev", |status| status.ready = true);
        assert_eq!(ask(&face, get("/readyz")).await.0, StatusCode::OK);
        face.board.update("dev", |status| {
            let found = (vec!["x.yaml:1:2: error[yaml/syntax]: oh".to_owned()], None);
            super::super::board::note_trouble(&mut status.error, Some(found));
        });
        let (code, body) = ask(&face, get("/readyz")).await;
        assert_eq!(code, StatusCode::OK);
        let error = &body["environments"][0]["error"];
        assert_eq!(error, "x.yaml:1:2: error[yaml/syntax]: oh");
    }

    #[tokio::test]
    async fn a_daemon_that_knows_no_environment_yet_is_not_ready() {
        let face = Face {
            board: Board::default(),
            ..face()
        };
        assert_eq!(
            ask(&face, get("/readyz")).await.0,
            StatusCode::SERVICE_UNAVAILABLE
        );
    }

    #[tokio::test(start_paused = true)]
    async fn health_ends_with_the_signs_of_life() {
        let face = face();
        assert_eq!(ask(&face, get("/healthz")).await.0, StatusCode::OK);
        tokio::time::advance(super::super::board::STALE * 2).await;
        let (code, body) = ask(&face, get("/healthz")).await;
        assert_eq!(code, StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(body["error"], "no sign of life from: dev");
    }

    #[tokio::test]
    async fn the_bell_rings_for_one_or_all_and_says_so_for_none() {
        let face = face();
        let post = |path: &str| Request::post(path).body(Body::empty()).unwrap();
        let (code, body) = ask(&face, post("/api/v1/reconcile")).await;
        assert_eq!(
            (code, body),
            (StatusCode::ACCEPTED, json!({"woken": ["dev"]}))
        );
        let (code, _) = ask(&face, post("/api/v1/reconcile?environment=dev")).await;
        assert_eq!(code, StatusCode::ACCEPTED);
        let (code, body) = ask(&face, post("/api/v1/reconcile?environment=prod")).await;
        assert_eq!(code, StatusCode::NOT_FOUND);
        assert_eq!(body["error"], "no environment `prod` is kept here");
        let (code, _) = ask(&face, get("/api/v1/reconcile")).await;
        assert_eq!(code, StatusCode::METHOD_NOT_ALLOWED);
    }

    #[tokio::test]
    async fn a_page_of_another_origin_cannot_ring_the_bell() {
        let face = face();
        for (origin, expected) in [
            ("http://evil.example", StatusCode::FORBIDDEN),
            ("null", StatusCode::FORBIDDEN),
            ("http://127.0.0.1:8440", StatusCode::ACCEPTED),
        ] {
            let request = Request::post("/api/v1/reconcile")
                .header("origin", origin)
                .header("host", "127.0.0.1:8440");
            let (code, _) = ask(&face, request.body(Body::empty()).unwrap()).await;
            assert_eq!(code, expected, "{origin}");
        }
    }

    #[tokio::test]
    async fn an_unknown_page_is_said_to_be_unknown() {
        let (code, body) = ask(&face(), get("/nope")).await;
        assert_eq!(code, StatusCode::NOT_FOUND);
        assert_eq!(body["error"], "no such page; `/` lists them");
    }
}
