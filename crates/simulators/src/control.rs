//! What every simulator has: a listener of its own, injected faults, a log of requests, and the control API.

use std::any::Any;
use std::collections::VecDeque;
use std::fmt;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::body::{Body, BodyDataStream, Bytes, to_bytes};
use axum::extract::{DefaultBodyLimit, FromRequestParts, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use futures::future::BoxFuture;
use futures::{StreamExt, stream};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinSet;

use crate::config::{Now, Setup};
use crate::fault::{Fault, GENERAL, Injection, InjectionBody};
use crate::provider::{Bodies, Provider, Shared, Webhooks, lock};
use crate::received::{Entry, Received, hide_in_query};

/// How long an answer that never comes keeps its connection open.
const NEVER: Duration = Duration::from_secs(120);

/// How many requests are kept in the log, and how much of their bodies.
const LOGGED_REQUESTS: usize = 1000;
const LOGGED_BYTES: usize = 8 * 1024 * 1024;

/// A simulated provider. It serves until it is dropped.
pub struct Simulator<P> {
    pub(crate) shared: Arc<Shared<P>>,
    address: SocketAddr,
    _background: JoinSet<()>,
    _stop: oneshot::Sender<()>,
}

impl<P> fmt::Debug for Simulator<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Simulator")
            .field("base_url", &self.shared.base_url)
            .finish_non_exhaustive()
    }
}

/// A running simulator of any provider.
pub(crate) trait Running: Any + Send + Sync {
    fn base_url(&self) -> String;
    fn webhooks(&self) -> Option<&dyn Webhooks>;
}

impl<P: Provider> Running for Simulator<P> {
    fn base_url(&self) -> String {
        self.shared.base_url.clone()
    }

    fn webhooks(&self) -> Option<&dyn Webhooks> {
        self.shared.provider.webhooks()
    }
}

/// The `start` of a provider's line in the table.
pub(crate) fn start<P: Provider>(setup: &Setup) -> BoxFuture<'_, io::Result<Box<dyn Running>>> {
    Box::pin(async move {
        let simulator: Simulator<P> = Simulator::start(setup).await?;
        Ok(Box::new(simulator) as Box<dyn Running>)
    })
}

#[expect(
    private_bounds,
    reason = "only the providers of this crate can be simulated"
)]
impl<P: Provider> Simulator<P> {
    async fn start(setup: &Setup) -> io::Result<Self> {
        let host = setup.config.host;
        let port = setup.config.ports.get(P::SLUG).copied().unwrap_or(0);
        let listener = TcpListener::bind((host, port)).await?;
        let address = listener.local_addr()?;
        let reachable = if host.is_unspecified() {
            IpAddr::from(Ipv4Addr::LOCALHOST)
        } else {
            host
        };
        let shared = Arc::new(Shared {
            base_url: format!("http://{}", SocketAddr::new(reachable, address.port())),
            control: Control::new(Arc::clone(&setup.config.now)),
            provider: P::new(setup.of(), setup),
        });
        let app = routes::<P>(&shared);
        let (stop, stopped) = oneshot::channel::<()>();
        tokio::spawn(async move {
            let served = axum::serve(listener, app).with_graceful_shutdown(async {
                // The sender is dropped, never used.
                drop(stopped.await);
            });
            if let Err(error) = served.await {
                tracing::warn!(%error, "a simulator stopped listening");
            }
        });
        tracing::info!(provider = P::SLUG, %address, "simulating {} on {address}", P::SLUG);
        let mut background = JoinSet::new();
        if let Some(work) = P::background(Arc::clone(&shared)) {
            background.spawn(work);
        }
        Ok(Self {
            shared,
            address,
            _background: background,
            _stop: stop,
        })
    }

    /// Injects a fault into the next request to which it can happen.
    ///
    /// # Panics
    /// If this provider does not know the fault.
    pub fn answer_next(&self, fault: Fault) {
        self.inject(fault, Some(1), None);
    }

    /// Injects a fault into the next `times` requests whose `METHOD /path` contains a text.
    ///
    /// # Panics
    /// If this provider does not know the fault.
    pub fn answer_next_to(&self, path_contains: &str, fault: Fault, times: u32) {
        self.inject(fault, Some(times), Some(path_contains));
    }

    /// Injects a fault into every request until the faults are cleared.
    ///
    /// # Panics
    /// If this provider does not know the fault.
    pub fn always(&self, fault: Fault) {
        self.inject(fault, None, None);
    }

    /// Injects a fault until the faults are cleared, into every request whose `METHOD /path` contains a text.
    ///
    /// # Panics
    /// If this provider does not know the fault.
    pub fn always_to(&self, path_contains: &str, fault: Fault) {
        self.inject(fault, None, Some(path_contains));
    }

    /// Clears all faults, including those that still have an effect, such as a late recording.
    pub fn clear_faults(&self) {
        self.shared.clear_faults();
    }

    fn inject(&self, fault: Fault, times: Option<u32>, path_contains: Option<&str>) {
        if let Err(reason) = check_known::<P>(&fault) {
            panic!("{reason}");
        }
        lock(&self.shared.control.injections).push(Injection {
            fault,
            times,
            path_contains: path_contains.map(str::to_owned),
        });
    }
}

impl<P> Simulator<P> {
    /// Scheme, host and port, without a path.
    pub fn base_url(&self) -> String {
        self.shared.base_url.clone()
    }

    /// The bound address.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The last 1,000 requests, oldest first.
    pub fn requests(&self) -> Vec<Received> {
        self.shared.control.requests()
    }

    /// Empties the log of requests.
    pub fn forget_requests(&self) {
        lock(&self.shared.control.log).clear();
    }
}

impl<P: Provider> Shared<P> {
    fn clear_faults(&self) {
        lock(&self.control.injections).clear();
        self.provider.faults_cleared();
    }
}

/// The clock, the injected faults and the log of a simulator.
pub(crate) struct Control {
    now: Now,
    injections: Mutex<Vec<Injection>>,
    log: Mutex<VecDeque<Entry>>,
}

impl Control {
    fn new(now: Now) -> Self {
        Self {
            now,
            injections: Mutex::default(),
            log: Mutex::default(),
        }
    }

    pub(crate) fn now(&self) -> Timestamp {
        (self.now)()
    }

    /// Uses up the first injection that applies to this request and is wanted.
    pub(crate) fn take<T>(
        &self,
        request_line: &str,
        wanted: impl Fn(&Fault) -> Option<T>,
    ) -> Option<T> {
        let mut injections = lock(&self.injections);
        let (index, found) = injections
            .iter()
            .enumerate()
            .filter(|(_, injection)| injection.applies_to(request_line))
            .find_map(|(index, injection)| Some((index, wanted(&injection.fault)?)))?;
        let times = injections
            .get_mut(index)
            .and_then(|injection| injection.times.as_mut());
        if let Some(times) = times {
            *times = times.saturating_sub(1);
            if *times == 0 {
                injections.remove(index);
            }
        }
        Some(found)
    }

    /// Whether exactly this fault is injected into this request. Uses it up.
    pub(crate) fn strikes(&self, request_line: &str, fault: &Fault) -> bool {
        self.take(request_line, |injected| (injected == fault).then_some(()))
            .is_some()
    }

    fn requests(&self) -> Vec<Received> {
        lock(&self.log).iter().map(Entry::render).collect()
    }

    fn record(&self, entry: Entry) {
        let mut log = lock(&self.log);
        log.push_back(entry);
        let mut bytes: usize = log.iter().map(|entry| entry.body.len()).sum();
        while log.len() > LOGGED_REQUESTS || bytes > LOGGED_BYTES {
            bytes -= log.pop_front().map_or(0, |entry| entry.body.len());
        }
    }
}

/// The provider's routes and those of the control API. Whatever has no route is answered in the provider's shape.
fn routes<P: Provider>(shared: &Arc<Shared<P>>) -> Router {
    P::routes()
        .route(
            "/_sim/faults",
            get(list_faults::<P>)
                .post(add_fault::<P>)
                .delete(delete_faults::<P>),
        )
        .route(
            "/_sim/requests",
            get(list_requests::<P>).delete(delete_requests::<P>),
        )
        .route("/_sim/view", get(view::<P>))
        .fallback(async || P::refuse(StatusCode::NOT_FOUND))
        .method_not_allowed_fallback(async || P::refuse(StatusCode::METHOD_NOT_ALLOWED))
        .layer(middleware::from_fn_with_state(
            Arc::clone(shared),
            observe::<P>,
        ))
        .layer(DefaultBodyLimit::disable())
        .with_state(Arc::clone(shared))
}

/// Injects faults, and records what was received and answered.
async fn observe<P: Provider>(
    State(shared): State<Arc<Shared<P>>>,
    request: Request,
    next: Next,
) -> Response {
    if request.uri().path().starts_with("/_sim/") {
        return next.run(request).await;
    }
    let control = &shared.control;
    let (parts, body) = request.into_parts();
    let incoming = Incoming::read::<P>(body).await;
    let line = format!("{} {}", parts.method, parts.uri.path());
    let fault = control.take(&line, |fault| fault.is_general().then(|| fault.clone()));
    let mut entry = Entry {
        at: control.now(),
        method: parts.method.to_string(),
        path: match parts.uri.query() {
            Some(query) => format!("{}?{}", parts.uri.path(), hide_in_query(query)),
            None => parts.uri.path().to_owned(),
        },
        body: incoming.shown,
        body_bytes: incoming.size_bytes,
        status: None,
        fault: fault.as_ref().map(Fault::kind),
    };
    let mut response = match (&fault, incoming.refusal) {
        (Some(fault), _) if fault.is_refusal() => refuse::<P>(fault, entry.at),
        (_, Some(status)) => P::refuse(status),
        (fault, None) => {
            if let Some(Fault::Slow(delay)) = fault {
                tokio::time::sleep(*delay).await;
            }
            let request = Request::from_parts(parts.clone(), incoming.body);
            next.run(request).await
        }
    };
    P::finish(&shared, &parts, &mut response);
    // An answer in the middle of the request would break the connection before the client reads it.
    if let Some(unread) = incoming.unread {
        while let Some(Ok(_)) = unread.lock().await.next().await {}
    }
    match fault {
        Some(Fault::TimeoutAfterWrite) => {
            drop(response);
            control.record(entry);
            tokio::time::sleep(NEVER).await;
            broken(Body::empty())
        }
        Some(Fault::ResetAfterWrite) => {
            control.record(entry);
            let (head, body) = response.into_parts();
            let mut response = broken(body);
            if P::BODIES == Bodies::Streamed {
                // A client resumes a stream where it broke off, and needs the head for that.
                (*response.status_mut(), *response.headers_mut()) = (head.status, head.headers);
            }
            response
        }
        fault => {
            if fault == Some(Fault::Malformed) {
                response = truncated(response).await;
            }
            entry.status = Some(response.status().as_u16());
            control.record(entry);
            response
        }
    }
}

/// A request's body: for the handler and for the log.
struct Incoming {
    body: Body,
    shown: Bytes,
    size_bytes: usize,
    /// Why the body cannot be handled.
    refusal: Option<StatusCode>,
    /// What the handler has not read of a stream.
    unread: Option<Arc<tokio::sync::Mutex<BodyDataStream>>>,
}

impl Incoming {
    async fn read<P: Provider>(body: Body) -> Self {
        let mut pieces = body.into_data_stream();
        if P::BODIES == Bodies::Streamed {
            let unread = Arc::new(tokio::sync::Mutex::new(pieces));
            let pieces = stream::unfold(Arc::clone(&unread), async |unread| {
                let piece = unread.lock().await.next().await?;
                Some((piece, unread))
            });
            return Self {
                body: Body::from_stream(pieces),
                shown: Bytes::from_static(b"\"(streamed)\""),
                size_bytes: 0,
                refusal: None,
                unread: Some(unread),
            };
        }
        let (mut whole, mut size_bytes, mut refusal) = (Vec::new(), 0, None);
        while let Some(piece) = pieces.next().await {
            let Ok(piece) = piece else {
                refusal = Some(StatusCode::BAD_REQUEST);
                break;
            };
            size_bytes += piece.len();
            if size_bytes > P::BODY_LIMIT_BYTES {
                refusal = Some(StatusCode::PAYLOAD_TOO_LARGE);
            } else {
                whole.extend_from_slice(&piece);
            }
        }
        let whole = Bytes::from(whole);
        let shown = match P::BODIES {
            Bodies::Hidden if size_bytes > 0 => Bytes::from_static(b"\"(hidden)\""),
            _ if size_bytes > Entry::BODY_LIMIT_BYTES => Bytes::new(),
            _ => whole.clone(),
        };
        Self {
            body: Body::from(whole),
            shown,
            size_bytes,
            refusal,
            unread: None,
        }
    }
}

/// The answer to a request that a fault keeps from being handled.
fn refuse<P: Provider>(fault: &Fault, now: Timestamp) -> Response {
    let (status, retry_after_seconds, body) = match fault {
        Fault::RateLimit => return P::rate_limited(now),
        Fault::Status(status) => (*status, None, None),
        Fault::Answer {
            status,
            retry_after_seconds,
            body,
        } => (*status, *retry_after_seconds, body.as_ref()),
        _ => return P::refuse(StatusCode::UNAUTHORIZED),
    };
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = match body {
        Some(body) => (status, Json(body)).into_response(),
        None => P::refuse(status),
    };
    if let Some(seconds) = retry_after_seconds {
        response
            .headers_mut()
            .insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    response
}

/// An answer of which at most a part arrives before the connection breaks.
fn broken(body: Body) -> Response {
    let begun = body.into_data_stream().take(1).map(|piece| {
        let piece = piece.unwrap_or_default();
        Ok(piece.slice(..piece.len() / 2))
    });
    let end = stream::once(async { Err(io::Error::other("connection broken by a fault")) });
    Response::new(Body::from_stream(begun.chain(end)))
}

/// The same answer as 200, with only the first half of its JSON.
async fn truncated(response: Response) -> Response {
    let body = to_bytes(response.into_body(), usize::MAX)
        .await
        .unwrap_or_default();
    let half = if body.len() < 2 {
        Bytes::from_static(b"{\"")
    } else {
        body.slice(..body.len() / 2)
    };
    ([(header::CONTENT_TYPE, "application/json")], half).into_response()
}

fn check_known<P: Provider>(fault: &Fault) -> Result<(), String> {
    if fault.is_general() || P::FAULTS.contains(&fault.kind()) {
        Ok(())
    } else {
        Err(format!(
            "{} does not know the fault `{}`",
            P::SLUG,
            fault.kind()
        ))
    }
}

async fn list_faults<P: Provider>(State(shared): State<Arc<Shared<P>>>) -> Response {
    let injected: Vec<_> = lock(&shared.control.injections)
        .iter()
        .map(Injection::to_json)
        .collect();
    let known = [GENERAL, P::FAULTS].concat();
    pretty(&json!({ "faults": injected, "known": known }))
}

async fn add_fault<P: Provider>(State(shared): State<Arc<Shared<P>>>, body: Bytes) -> Response {
    let injection = read::<InjectionBody>(&body)
        .and_then(Injection::try_from)
        .and_then(|injection| check_known::<P>(&injection.fault).map(|()| injection));
    match injection {
        Ok(injection) => {
            let json = injection.to_json();
            lock(&shared.control.injections).push(injection);
            (StatusCode::CREATED, pretty(&json)).into_response()
        }
        Err(reason) => invalid(&reason),
    }
}

async fn delete_faults<P: Provider>(State(shared): State<Arc<Shared<P>>>) -> StatusCode {
    shared.clear_faults();
    StatusCode::NO_CONTENT
}

async fn list_requests<P: Provider>(State(shared): State<Arc<Shared<P>>>) -> Response {
    pretty(&json!({ "requests": shared.control.requests() }))
}

async fn delete_requests<P: Provider>(State(shared): State<Arc<Shared<P>>>) -> StatusCode {
    lock(&shared.control.log).clear();
    StatusCode::NO_CONTENT
}

async fn view<P: Provider>(State(shared): State<Arc<Shared<P>>>, page: Page) -> Response {
    pretty(&P::view(&shared, &page))
}

/// Which part of a long view to show. The default is all of it.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Page {
    /// At most this many.
    limit: Option<usize>,
    /// Only what follows this, which is `next` of the page before.
    pub(crate) after: Option<u64>,
    /// The names of the properties to show, separated by commas.
    properties: Option<String>,
}

impl<S: Send + Sync> FromRequestParts<S> for Page {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Self::Rejection> {
        let query = axum::extract::Query::from_request_parts(parts, state).await;
        query
            .map(|axum::extract::Query(page)| page)
            .map_err(|rejection| invalid(&rejection.body_text()))
    }
}

impl Page {
    /// The items of this page, and where the next page begins if there are more.
    pub(crate) fn cut<T>(
        &self,
        items: impl Iterator<Item = T>,
        number: impl Fn(&T) -> u64,
    ) -> (Vec<T>, Option<u64>) {
        let limit = self.limit.unwrap_or(usize::MAX);
        let mut shown: Vec<T> = items.take(limit.saturating_add(1)).collect();
        let has_more = shown.len() > limit;
        shown.truncate(limit);
        let last = shown.last().map(number).or(self.after);
        (shown, last.filter(|_| has_more))
    }

    /// Whether a property is to be shown.
    pub(crate) fn shows(&self, property: &str) -> bool {
        self.properties
            .as_ref()
            .is_none_or(|names| names.split(',').any(|name| name.trim() == property))
    }
}

/// JSON laid out for people.
pub(crate) fn pretty(value: &Value) -> Response {
    (
        [(header::CONTENT_TYPE, "application/json")],
        format!("{value:#}\n"),
    )
        .into_response()
}

/// 400 of the control API.
pub(crate) fn invalid(reason: &str) -> Response {
    (StatusCode::BAD_REQUEST, pretty(&json!({ "error": reason }))).into_response()
}

/// Reads a body of the control API.
pub(crate) fn read<T: serde::de::DeserializeOwned>(body: &[u8]) -> Result<T, String> {
    serde_json::from_slice(body).map_err(|error| error.to_string())
}

/// Answers a `PUT` of the control API, once its body has been read and applied.
pub(crate) fn done(result: Result<(), String>) -> Response {
    match result {
        Ok(()) => StatusCode::NO_CONTENT.into_response(),
        Err(reason) => invalid(&reason),
    }
}
