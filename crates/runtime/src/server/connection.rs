//! One connection: its requests, and the timeouts of its client.
//!
//! One timer per connection watches what the client must do next: finish the head of a request, read what it is sent, or
//! send any request at all. It is moved only to an earlier deadline, so that a busy connection does not touch it.

use std::{
    collections::BTreeSet,
    convert::Infallible,
    future::poll_fn,
    io,
    net::SocketAddr,
    pin::Pin,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering},
    },
    task::{Context, Poll},
};

use axum::{Router, body::Body as AxumBody};
use hyper::{
    Request, Response, Version,
    body::{Body, Frame, Incoming, SizeHint},
    service::service_fn,
};
use hyper_util::rt::TokioIo;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
    time::{Duration, Instant, sleep_until},
};
use tokio_util::sync::CancellationToken;
use tower::Service as _;

use super::{ClientAddr, Draining, Http, ServeOptions, body::TimedBody};
use domain::metric_names;

pub(crate) struct Connection {
    pub(crate) endpoint: &'static str,
    pub(crate) peer: SocketAddr,
    pub(crate) routes: Router,
    pub(crate) options: ServeOptions,
    pub(crate) draining: CancellationToken,
    pub(crate) http: Arc<Http>,
}

impl Connection {
    pub(crate) async fn serve(self, stream: TcpStream) {
        let Self {
            endpoint,
            peer,
            routes,
            options,
            draining,
            http,
        } = self;
        drop(stream.set_nodelay(true)); // without it, only slower
        let open = metrics::gauge!(metric_names::CONNECTIONS_OPEN, "endpoint" => endpoint);
        open.increment(1);

        let activity = Arc::new(Activity::default());
        let io = TokioIo::new(WatchedIo {
            inner: stream,
            activity: activity.clone(),
        });
        let (body_idle, body_total) = (options.body_idle_timeout, options.body_timeout);
        let trusted_proxies = options.trusted_proxies;
        let (service_activity, service_draining) = (activity.clone(), draining.clone());
        let service = service_fn(move |request: Request<Incoming>| {
            let running = Running::begin(&service_activity, request.version());
            let mut request =
                request.map(|body| AxumBody::new(TimedBody::new(body, body_idle, body_total)));
            let client = ClientAddr::of(peer, request.headers(), trusted_proxies);
            request.extensions_mut().insert(client);
            request
                .extensions_mut()
                .insert(Draining(service_draining.clone()));
            let answer = routes.clone().call(request);
            async move {
                let response: Response<AxumBody> = answer.await?;
                Ok::<_, Infallible>(response.map(|body| RunningBody::new(body, running)))
            }
        });

        let connection = http.serve_connection(io, service);
        let drained = draining.cancelled();
        let mut watch = Watch::new(options, activity);
        let timer = sleep_until(watch.opened_at + watch.options.head_timeout);
        tokio::pin!(connection, drained, timer);
        let mut is_ending = false;
        let closed = poll_fn(|cx| {
            if !is_ending && drained.as_mut().poll(cx).is_ready() {
                is_ending = true;
                connection.as_mut().graceful_shutdown();
            }
            if connection.as_mut().poll(cx).is_ready() {
                return Poll::Ready(None); // however the client left
            }
            loop {
                let now = Instant::now();
                let Some((due, at)) = watch.next_due(now) else {
                    return Poll::Pending;
                };
                if now < at {
                    if at < timer.deadline() || timer.is_elapsed() {
                        timer.as_mut().reset(at);
                    }
                    if timer.as_mut().poll(cx).is_pending() {
                        return Poll::Pending;
                    }
                } else if due == Due::AnyRequest && !is_ending {
                    is_ending = true;
                    watch.give_grace(now);
                    connection.as_mut().graceful_shutdown();
                    if connection.as_mut().poll(cx).is_ready() {
                        return Poll::Ready(Some(due));
                    }
                } else {
                    return Poll::Ready(Some(due));
                }
            }
        })
        .await;
        open.decrement(1);
        if let Some(due) = closed {
            let reason = due.as_str();
            metrics::counter!(metric_names::CONNECTIONS_CLOSED_TOTAL, "endpoint" => endpoint, "reason" => reason).increment(1);
            tracing::debug!(endpoint, %peer, reason, "closed a connection");
        }
    }
}

/// What a client must do next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Due {
    Head,
    Reading,
    AnyRequest,
}

impl Due {
    fn as_str(self) -> &'static str {
        match self {
            Self::Head => "slow_head",
            Self::Reading => "write_stalled",
            Self::AnyRequest => "idle",
        }
    }
}

/// The state of a connection, written by its parts and read by its [`Watch`]. On HTTP/1 all run in one task.
#[derive(Default)]
struct Activity {
    read_bytes: AtomicU64,
    /// `read_bytes` when the last request ended. More than that is the next head.
    read_bytes_at_rest: AtomicU64,
    written_bytes: AtomicU64,
    is_write_blocked: AtomicBool,
    requests: AtomicU64,
    running: AtomicUsize,
    is_http2: AtomicBool,
    /// On HTTP/2, answers with a piece that the client has not read yet: since when, and which answer. A client that reads
    /// nothing of one stream does not block the socket.
    unread: Mutex<BTreeSet<(Instant, u64)>>,
}

impl Activity {
    fn unread(&self) -> MutexGuard<'_, BTreeSet<(Instant, u64)>> {
        self.unread.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A request from its head to the end of its answer.
struct Running {
    activity: Arc<Activity>,
    number: u64,
}

impl Running {
    fn begin(activity: &Arc<Activity>, version: Version) -> Self {
        let number = activity.requests.fetch_add(1, Ordering::Relaxed);
        activity.running.fetch_add(1, Ordering::Relaxed);
        activity
            .is_http2
            .store(version == Version::HTTP_2, Ordering::Relaxed);
        Self {
            activity: activity.clone(),
            number,
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let activity = &self.activity;
        activity.read_bytes_at_rest.store(
            activity.read_bytes.load(Ordering::Relaxed),
            Ordering::Relaxed,
        );
        activity.running.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Finds what is due next. It takes times whenever the connection is polled, because whatever changes the state also
/// polls the connection.
struct Watch {
    options: ServeOptions,
    activity: Arc<Activity>,
    opened_at: Instant,
    /// Since when no request is running, and how many there were then.
    at_rest: Option<(Instant, u64)>,
    head_begun: Option<Instant>,
    /// Since when the client reads nothing, and how much it had read by then.
    write_blocked: Option<(Instant, u64)>,
}

impl Watch {
    fn new(options: ServeOptions, activity: Arc<Activity>) -> Self {
        Self {
            options,
            activity,
            opened_at: Instant::now(),
            at_rest: None,
            head_begun: None,
            write_blocked: None,
        }
    }

    fn next_due(&mut self, now: Instant) -> Option<(Due, Instant)> {
        let reading = self.due_reading(now);
        let request = self.due_request(now);
        reading.into_iter().chain(request).min_by_key(|(_, at)| *at)
    }

    fn due_reading(&mut self, now: Instant) -> Option<(Due, Instant)> {
        let is_http2 = self.activity.is_http2.load(Ordering::Relaxed);
        let unread = is_http2
            .then(|| self.activity.unread().first().map(|(since, _)| *since))
            .flatten();
        let since = unread.into_iter().chain(self.blocked_since(now)).min()?;
        Some((Due::Reading, since + self.options.write_stall_timeout))
    }

    fn blocked_since(&mut self, now: Instant) -> Option<Instant> {
        if !self.activity.is_write_blocked.load(Ordering::Relaxed) {
            self.write_blocked = None;
            return None;
        }
        let written = self.activity.written_bytes.load(Ordering::Relaxed);
        if self.write_blocked.is_none_or(|(_, then)| then != written) {
            self.write_blocked = Some((now, written));
        }
        self.write_blocked.map(|(since, _)| since)
    }

    fn due_request(&mut self, now: Instant) -> Option<(Due, Instant)> {
        let activity = &self.activity;
        if activity.running.load(Ordering::Relaxed) > 0 {
            (self.at_rest, self.head_begun) = (None, None);
            return None;
        }
        let requests = activity.requests.load(Ordering::Relaxed);
        if requests == 0 {
            return Some((Due::Head, self.opened_at + self.options.head_timeout));
        }
        if self.at_rest.is_none_or(|(_, then)| then != requests) {
            (self.at_rest, self.head_begun) = (Some((now, requests)), None);
        }
        // On HTTP/2 bytes between requests may be a ping.
        let has_more = activity.read_bytes.load(Ordering::Relaxed)
            > activity.read_bytes_at_rest.load(Ordering::Relaxed);
        if has_more && !activity.is_http2.load(Ordering::Relaxed) {
            let begun = *self.head_begun.get_or_insert(now);
            return Some((Due::Head, begun + self.options.head_timeout));
        }
        self.at_rest
            .map(|(since, _)| (Due::AnyRequest, since + self.options.idle_timeout))
    }

    /// Gives an idle connection that must end a moment to do so.
    fn give_grace(&mut self, now: Instant) {
        self.options.idle_timeout = Duration::from_secs(1);
        self.at_rest = Some((now, self.activity.requests.load(Ordering::Relaxed)));
    }
}

/// Counts the bytes that are read and written.
struct WatchedIo {
    inner: TcpStream,
    activity: Arc<Activity>,
}

impl WatchedIo {
    fn note_write(&self, written: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        self.activity
            .is_write_blocked
            .store(written.is_pending(), Ordering::Relaxed);
        if let Poll::Ready(Ok(bytes)) = written {
            self.activity
                .written_bytes
                .fetch_add(bytes as u64, Ordering::Relaxed);
        }
        written
    }
}

impl AsyncRead for WatchedIo {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let result = Pin::new(&mut self.inner).poll_read(cx, buffer);
        let read = buffer.filled().len() - before;
        self.activity
            .read_bytes
            .fetch_add(read as u64, Ordering::Relaxed);
        result
    }
}

impl AsyncWrite for WatchedIo {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.inner).poll_write(cx, bytes);
        self.note_write(written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.inner).poll_write_vectored(cx, slices);
        self.note_write(written)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }
}

/// An answer's body. Its request counts as running until the body is dropped.
struct RunningBody {
    body: AxumBody,
    running: Running,
    unread_since: Option<Instant>,
}

impl RunningBody {
    fn new(body: AxumBody, running: Running) -> Self {
        let mut body = Self {
            body,
            running,
            unread_since: None,
        };
        if !body.body.is_end_stream() {
            body.note_unread();
        }
        body
    }

    fn note_unread(&mut self) {
        let Running { activity, number } = &self.running;
        if activity.is_http2.load(Ordering::Relaxed) {
            let now = Instant::now();
            self.unread_since = Some(now);
            activity.unread().insert((now, *number));
        }
    }

    fn note_read(&mut self) {
        if let Some(since) = self.unread_since.take() {
            let Running { activity, number } = &self.running;
            activity.unread().remove(&(since, *number));
        }
    }
}

impl Drop for RunningBody {
    fn drop(&mut self) {
        self.note_read();
    }
}

impl Body for RunningBody {
    type Data = bytes::Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<bytes::Bytes>, axum::Error>>> {
        // hyper asks for more only after the client has read the piece before.
        self.note_read();
        let frame = Pin::new(&mut self.body).poll_frame(cx);
        if matches!(frame, Poll::Ready(Some(Ok(_)))) {
            self.note_unread();
        }
        frame
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
