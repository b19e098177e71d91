//! What every simulator has: a listener of its own, faults on order and a memory of what it received.

use std::collections::VecDeque;
use std::fmt;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use futures::StreamExt;
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinSet;

use crate::fault::{Fault, GENERAL, Order, OrderBody};
use crate::received::{Entry, Received, hide_in_query};

/// Tells the time; tests put a clock of their own here.
pub type Now = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// The system's clock.
pub fn system_clock() -> Now {
    #[expect(
        clippy::disallowed_methods,
        reason = "a simulator stands outside the product and has a clock of its own"
    )]
    Arc::new(Timestamp::now)
}

/// The largest request that any simulator reads.
const BODY_LIMIT_BYTES: usize = 40 * 1024 * 1024;

/// How long an answer that never comes is held back.
const NEVER: Duration = Duration::from_secs(120);

/// How many requests are remembered, and how much of them.
const REMEMBERED_REQUESTS: usize = 1000;
const REMEMBERED_BYTES: usize = 8 * 1024 * 1024;

/// What a provider brings along: its routes and its own way to say no.
pub(crate) trait Provider: Sized + Send + Sync + 'static {
    /// Its name in logs.
    const NAME: &'static str;
    /// The faults that it knows besides the general ones.
    const FAULTS: &'static [&'static str];
    /// What becomes of the bodies of requests.
    const BODIES: Bodies = Bodies::Remembered;

    fn routes() -> Router<Arc<Shared<Self>>>;
    fn error(status: StatusCode) -> Response;
    fn rate_limited(now: Timestamp) -> Response;
    fn revoked() -> Response;

    /// Called when all faults are cleared.
    fn faults_cleared(&self) {}
}

/// What becomes of the bodies of requests, besides being handled.
#[derive(Clone, Copy)]
pub(crate) enum Bodies {
    /// Read whole, and shown to whoever asks.
    Remembered,
    /// Read whole, never shown: they hold secrets under names that do not say so.
    Hidden,
    /// Handed on piece by piece, and not kept: they are too large.
    Streamed,
}

impl Bodies {
    /// The body to handle, and what is remembered of it.
    async fn observe(self, body: Body) -> Result<(Body, Bytes, usize), axum::Error> {
        if let Self::Streamed = self {
            return Ok((body, Bytes::from_static(b"\"(streamed)\""), 0));
        }
        let body = to_bytes(body, BODY_LIMIT_BYTES).await?;
        let (shown, size_bytes) = match self {
            Self::Hidden if !body.is_empty() => (Bytes::from_static(b"\"(hidden)\""), 0),
            _ if body.len() > Entry::BODY_LIMIT_BYTES => (Bytes::new(), body.len()),
            _ => (body.clone(), body.len()),
        };
        Ok((Body::from(body), shown, size_bytes))
    }
}

/// What a provider's handlers share.
pub(crate) struct Shared<P> {
    pub(crate) base_url: String,
    pub(crate) control: Control,
    pub(crate) provider: P,
}

/// A provider that answers on a listener of its own until it is dropped.
pub struct Simulator<P> {
    pub(crate) shared: Arc<Shared<P>>,
    pub(crate) tasks: JoinSet<()>,
    address: SocketAddr,
    _stop: oneshot::Sender<()>,
}

impl<P> fmt::Debug for Simulator<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Simulator")
            .field("base_url", &self.shared.base_url)
            .finish_non_exhaustive()
    }
}

#[expect(
    private_bounds,
    reason = "only the providers of this crate can be simulated"
)]
impl<P: Provider> Simulator<P> {
    pub(crate) async fn serve(
        host: IpAddr,
        port: Option<u16>,
        now: Now,
        provider: P,
    ) -> io::Result<Self> {
        let listener = TcpListener::bind((host, port.unwrap_or(0))).await?;
        let address = listener.local_addr()?;
        let reachable = if host.is_unspecified() {
            IpAddr::from(Ipv4Addr::LOCALHOST)
        } else {
            host
        };
        let base_url = format!("http://{}", SocketAddr::new(reachable, address.port()));
        let shared = Arc::new(Shared {
            base_url,
            control: Control::new(now),
            provider,
        });
        let (stop, stopped) = oneshot::channel::<()>();
        let app = P::routes()
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
            .fallback(async || P::error(StatusCode::NOT_FOUND))
            .layer(middleware::from_fn_with_state(
                Arc::clone(&shared),
                observe::<P>,
            ))
            .layer(DefaultBodyLimit::disable())
            .with_state(Arc::clone(&shared));
        tokio::spawn(async move {
            let served = axum::serve(listener, app).with_graceful_shutdown(async {
                // The sender is dropped, never used.
                drop(stopped.await);
            });
            if let Err(error) = served.await {
                tracing::warn!(%error, "a simulator stopped listening");
            }
        });
        tracing::info!(provider = P::NAME, %address, "simulating {} on {address}", P::NAME);
        Ok(Self {
            shared,
            tasks: JoinSet::new(),
            address,
            _stop: stop,
        })
    }

    /// Lets this fault happen to the next request that it concerns.
    ///
    /// # Panics
    /// When this provider does not know the fault.
    pub fn answer_next(&self, fault: Fault) {
        self.order(Order {
            fault,
            times: Some(1),
            path_contains: None,
        });
    }

    /// Lets this fault happen to the next `times` requests whose `METHOD /path` contains a text.
    ///
    /// # Panics
    /// When this provider does not know the fault.
    pub fn answer_next_to(&self, path_contains: &str, fault: Fault, times: u32) {
        self.order(Order {
            fault,
            times: Some(times),
            path_contains: Some(path_contains.to_owned()),
        });
    }

    /// Lets this fault happen until the faults are cleared.
    ///
    /// # Panics
    /// When this provider does not know the fault.
    pub fn always(&self, fault: Fault) {
        self.order(Order {
            fault,
            times: None,
            path_contains: None,
        });
    }

    /// Lets this fault happen until the faults are cleared, where `METHOD /path` contains a text.
    ///
    /// # Panics
    /// When this provider does not know the fault.
    pub fn always_to(&self, path_contains: &str, fault: Fault) {
        self.order(Order {
            fault,
            times: None,
            path_contains: Some(path_contains.to_owned()),
        });
    }

    /// Forgets all faults, those that still act included.
    pub fn clear_faults(&self) {
        self.shared.clear_faults();
    }

    fn order(&self, order: Order) {
        assert!(
            knows::<P>(&order.fault),
            "{} does not know the fault `{}`",
            P::NAME,
            order.fault.kind()
        );
        lock(&self.shared.control.orders).push(order);
    }
}

impl<P> Simulator<P> {
    /// Scheme, host and port, without a path.
    pub fn base_url(&self) -> String {
        self.shared.base_url.clone()
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The last requests, oldest first.
    pub fn requests(&self) -> Vec<Received> {
        self.shared.control.requests()
    }

    /// Forgets the requests of the past.
    pub fn forget_requests(&self) {
        lock(&self.shared.control.log).clear();
    }
}

impl<P: Provider> Shared<P> {
    fn clear_faults(&self) {
        lock(&self.control.orders).clear();
        self.provider.faults_cleared();
    }
}

/// Faults on order and requests received.
pub(crate) struct Control {
    now: Now,
    orders: Mutex<Vec<Order>>,
    log: Mutex<VecDeque<Entry>>,
}

impl Control {
    fn new(now: Now) -> Self {
        Self {
            now,
            orders: Mutex::default(),
            log: Mutex::default(),
        }
    }

    pub(crate) fn now(&self) -> Timestamp {
        (self.now)()
    }

    /// Uses up one time of the first order that concerns this request and is wanted.
    pub(crate) fn take<T>(
        &self,
        request_line: &str,
        wanted: impl Fn(&Fault) -> Option<T>,
    ) -> Option<T> {
        let mut orders = lock(&self.orders);
        let (index, found) = orders.iter().enumerate().find_map(|(index, order)| {
            let found = order
                .concerns(request_line)
                .then(|| wanted(&order.fault))
                .flatten();
            found.map(|found| (index, found))
        })?;
        if let Some(times) = orders.get_mut(index).and_then(|order| order.times.as_mut()) {
            *times = times.saturating_sub(1);
            if *times == 0 {
                orders.remove(index);
            }
        }
        Some(found)
    }

    /// Whether this very fault is on order for this request; uses it up.
    pub(crate) fn strikes(&self, request_line: &str, fault: &Fault) -> bool {
        self.take(request_line, |ordered| (ordered == fault).then_some(()))
            .is_some()
    }

    fn requests(&self) -> Vec<Received> {
        lock(&self.log).iter().map(Entry::render).collect()
    }

    fn remember(&self, entry: Entry) {
        let mut log = lock(&self.log);
        log.push_back(entry);
        let mut bytes: usize = log.iter().map(|entry| entry.body.len()).sum();
        while log.len() > REMEMBERED_REQUESTS || bytes > REMEMBERED_BYTES {
            bytes -= log.pop_front().map_or(0, |entry| entry.body.len());
        }
    }
}

/// Lets faults happen and remembers what was received.
async fn observe<P: Provider>(
    State(shared): State<Arc<Shared<P>>>,
    request: Request,
    next: Next,
) -> Response {
    if request.uri().path().starts_with("/_sim/") {
        return next.run(request).await;
    }
    let control = &shared.control;
    let at = control.now();
    let (parts, body) = request.into_parts();
    let Ok((body, shown, body_bytes)) = P::BODIES.observe(body).await else {
        return P::error(StatusCode::PAYLOAD_TOO_LARGE);
    };
    let line = format!("{} {}", parts.method, parts.uri.path());
    let fault = control.take(&line, |fault| fault.is_general().then(|| fault.clone()));
    let entry = |status| Entry {
        at,
        method: parts.method.to_string(),
        path: parts
            .uri
            .path_and_query()
            .map_or_else(String::new, |path| match path.query() {
                Some(query) => format!("{}?{}", path.path(), hide_in_query(query)),
                None => path.path().to_owned(),
            }),
        body: shown.clone(),
        body_bytes,
        status,
        fault: fault.as_ref().map(Fault::kind),
    };
    let mut request = Request::from_parts(parts.clone(), body);
    if fault.as_ref().is_some_and(Fault::is_refusal) {
        discard(std::mem::take(request.body_mut())).await;
    }
    let response = match &fault {
        None => next.run(request).await,
        Some(Fault::Status(status)) => refuse::<P>(*status, None, None),
        Some(Fault::Answer {
            status,
            retry_after_seconds,
            body,
        }) => refuse::<P>(*status, *retry_after_seconds, body.as_ref()),
        Some(Fault::RateLimit) => P::rate_limited(at),
        Some(Fault::RevokedToken) => P::revoked(),
        Some(Fault::Slow(delay)) => {
            tokio::time::sleep(*delay).await;
            next.run(request).await
        }
        Some(Fault::TimeoutAfterWrite) => {
            drop(next.run(request).await);
            control.remember(entry(None));
            tokio::time::sleep(NEVER).await;
            return broken(Body::empty());
        }
        Some(Fault::ResetAfterWrite) => {
            let response = next.run(request).await;
            control.remember(entry(None));
            let (head, body) = response.into_parts();
            let mut response = broken(body);
            if let Bodies::Streamed = P::BODIES {
                // What is streamed goes on where it broke off, by what its head said.
                (*response.status_mut(), *response.headers_mut()) = (head.status, head.headers);
            }
            return response;
        }
        Some(Fault::Malformed) => cut_off(next.run(request).await).await,
        // The others belong to a provider and are never taken here.
        Some(_) => next.run(request).await,
    };
    control.remember(entry(Some(response.status().as_u16())));
    response
}

/// Reads a body that nobody wants: an answer in the middle of it would break the connection.
pub(crate) async fn discard(body: Body) {
    let mut pieces = body.into_data_stream();
    while let Some(Ok(_)) = pieces.next().await {}
}

fn refuse<P: Provider>(
    status: u16,
    retry_after_seconds: Option<u64>,
    body: Option<&Value>,
) -> Response {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = match body {
        Some(body) => (status, Json(body)).into_response(),
        None => P::error(status),
    };
    if let Some(seconds) = retry_after_seconds {
        response
            .headers_mut()
            .insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    response
}

/// An answer of which at most a part arrives; the connection breaks.
fn broken(body: Body) -> Response {
    let begun = body.into_data_stream().take(1).map(|piece| {
        let piece = piece.unwrap_or_default();
        Ok(piece.slice(..piece.len() / 2))
    });
    let end = futures::stream::once(async { Err(io::Error::other("connection broken on order")) });
    Response::new(Body::from_stream(begun.chain(end)))
}

/// The same answer as 200, with only the first half of its JSON.
async fn cut_off(response: Response) -> Response {
    let body = to_bytes(response.into_body(), BODY_LIMIT_BYTES)
        .await
        .unwrap_or_default();
    let half = if body.len() < 2 {
        Bytes::from_static(b"{\"")
    } else {
        body.slice(..body.len() / 2)
    };
    ([(header::CONTENT_TYPE, "application/json")], half).into_response()
}

fn knows<P: Provider>(fault: &Fault) -> bool {
    fault.is_general() || P::FAULTS.contains(&fault.kind())
}

async fn list_faults<P: Provider>(State(shared): State<Arc<Shared<P>>>) -> Response {
    let orders: Vec<_> = lock(&shared.control.orders)
        .iter()
        .map(Order::to_json)
        .collect();
    let known = [GENERAL, P::FAULTS].concat();
    pretty(&json!({ "faults": orders, "known": known }))
}

async fn add_fault<P: Provider>(State(shared): State<Arc<Shared<P>>>, body: Bytes) -> Response {
    let order = match read::<OrderBody>(&body).and_then(Order::try_from) {
        Ok(order) => order,
        Err(reason) => return unclear(&reason),
    };
    if !knows::<P>(&order.fault) {
        return unclear(&format!(
            "{} does not know the fault `{}`",
            P::NAME,
            order.fault.kind()
        ));
    }
    let json = order.to_json();
    lock(&shared.control.orders).push(order);
    (StatusCode::CREATED, pretty(&json)).into_response()
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

/// Which part of a long list to show; all of it where nothing is said.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Page {
    /// At most so many.
    limit: Option<usize>,
    /// Only what comes behind this, as `next` of the page before says.
    pub(crate) after: Option<u64>,
    /// The names of the properties to show, parted by commas.
    properties: Option<String>,
}

impl Page {
    /// The first so many, and where the next page begins when there are more.
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

/// Refuses an order of the control API.
pub(crate) fn unclear(reason: &str) -> Response {
    (StatusCode::BAD_REQUEST, pretty(&json!({ "error": reason }))).into_response()
}

/// Reads a body of the control API.
pub(crate) fn read<T: serde::de::DeserializeOwned>(body: &[u8]) -> Result<T, String> {
    serde_json::from_slice(body).map_err(|error| error.to_string())
}

/// Whether the request carries this bearer token.
pub(crate) fn has_bearer(headers: &HeaderMap, tokens: &[String]) -> bool {
    let sent = headers
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok());
    let sent = sent.and_then(|value| value.strip_prefix("Bearer "));
    sent.is_some_and(|sent| tokens.iter().any(|token| token == sent))
}

/// Locks, also after a panic elsewhere: what is kept here is only ever replaced whole.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
