//! What stands before the services: by the path of a request it finds the service, and takes its processes in turns.

use std::{
    collections::HashMap,
    net::SocketAddr,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use axum::{
    Router,
    body::{Body, to_bytes},
    extract::{Path, Request, State},
    http::{HeaderMap, HeaderName, StatusCode, header},
    response::{IntoResponse as _, Response},
};
use domain::Stage;

use super::Name;

/// Largest body that is passed on.
const MAX_BODY: usize = 16 << 20;
/// A push is answered when its step is settled.
const LONGEST_ANSWER: Duration = Duration::from_secs(600);
/// Headers that are between two neighbours only. Source: RFC 9110, 7.6.1.
const BETWEEN_NEIGHBOURS: [HeaderName; 4] = [
    header::CONNECTION,
    header::TRANSFER_ENCODING,
    header::HOST,
    header::CONTENT_LENGTH,
];

pub(super) struct Front {
    http: reqwest::Client,
    addresses: Mutex<HashMap<Name, Vec<SocketAddr>>>,
    turn: AtomicUsize,
}

impl Front {
    #[expect(clippy::disallowed_methods, reason = "it is no part of the product")]
    pub(super) fn new() -> anyhow::Result<Self> {
        let http = reqwest::Client::builder()
            .timeout(LONGEST_ANSWER)
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .build()?;
        Ok(Self {
            http,
            addresses: Mutex::default(),
            turn: AtomicUsize::default(),
        })
    }

    /// What the internet sees.
    pub(super) fn public_routes(self: Arc<Self>) -> Router {
        Router::new().fallback(public).with_state(self)
    }

    /// Where Pub/Sub pushes to: one path for each stage.
    pub(super) fn push_routes(self: Arc<Self>) -> Router {
        Router::new()
            .route("/{stage}", axum::routing::post(push))
            .with_state(self)
    }

    pub(super) fn push_url(address: SocketAddr, stage: Stage) -> String {
        format!("http://{address}/{stage}")
    }

    /// Lets requests reach a process.
    pub(super) fn open(&self, name: Name, address: SocketAddr) {
        self.lock().entry(name).or_default().push(address);
    }

    /// Lets none reach it any more.
    pub(super) fn close(&self, name: Name, address: SocketAddr) {
        self.lock()
            .entry(name)
            .or_default()
            .retain(|known| *known != address);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<Name, Vec<SocketAddr>>> {
        self.addresses
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Passes a request on to the next process of a service. Where none can be reached it answers 503, as a load
    /// balancer does.
    async fn pass(&self, name: Name, path: &str, request: Request) -> Response {
        let (parts, body) = request.into_parts();
        let Ok(body) = to_bytes(body, MAX_BODY).await else {
            return StatusCode::PAYLOAD_TOO_LARGE.into_response();
        };
        let mut addresses = self.lock().get(&name).cloned().unwrap_or_default();
        if !addresses.is_empty() {
            let turn = self.turn.fetch_add(1, Ordering::Relaxed) % addresses.len();
            addresses.rotate_left(turn);
        }
        for address in addresses {
            let sent = self
                .http
                .request(parts.method.clone(), format!("http://{address}{path}"))
                .headers(kept(&parts.headers))
                .body(body.clone())
                .send()
                .await;
            match sent {
                Ok(answer) => return answered(answer).await,
                Err(error) if error.is_connect() => {}
                // It was reached: what came of it is not known, and is not for us to repeat.
                Err(_) => return StatusCode::BAD_GATEWAY.into_response(),
            }
        }
        StatusCode::SERVICE_UNAVAILABLE.into_response()
    }
}

async fn public(State(front): State<Arc<Front>>, request: Request) -> Response {
    let path = request
        .uri()
        .path_and_query()
        .map_or("/", |path| path.as_str());
    let path = path.to_owned();
    // What is internal is not reached from outside.
    if path.starts_with("/internal") {
        return StatusCode::NOT_FOUND.into_response();
    }
    let hooks = ["/v1/hooks/", "/v1/forms/", "/v1/callrail/"];
    let is_webhook = hooks.iter().any(|hook| path.starts_with(hook));
    let name = if is_webhook {
        Name::WebhookIngest
    } else {
        Name::ManagementApi
    };
    front.pass(name, &path, request).await
}

async fn push(
    State(front): State<Arc<Front>>,
    Path(stage): Path<String>,
    request: Request,
) -> Response {
    match stage.parse::<Stage>() {
        Ok(stage) => {
            front
                .pass(Name::of_stage(stage), "/internal/push", request)
                .await
        }
        Err(_) => StatusCode::NOT_FOUND.into_response(),
    }
}

fn kept(headers: &HeaderMap) -> HeaderMap {
    let mut kept = headers.clone();
    for name in BETWEEN_NEIGHBOURS {
        kept.remove(name);
    }
    kept
}

#[expect(
    clippy::disallowed_methods,
    reason = "it is no part of the product, and passes on what our services answer"
)]
async fn answered(answer: reqwest::Response) -> Response {
    let (status, headers) = (answer.status(), kept(answer.headers()));
    let kind = headers.get(header::CONTENT_TYPE);
    if kind.is_some_and(|kind| kind == "text/event-stream") {
        // It goes on for as long as somebody listens.
        return (status, headers, Body::from_stream(answer.bytes_stream())).into_response();
    }
    let Ok(body) = answer.bytes().await else {
        return StatusCode::BAD_GATEWAY.into_response();
    };
    (status, headers, Body::from(body)).into_response()
}
