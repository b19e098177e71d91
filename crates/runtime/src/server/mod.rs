//! A server that withstands slow, idle and too many clients.

mod body;
mod client;
mod connection;
mod permits;

use std::{io, net::SocketAddr, sync::Arc, time::Duration};

use axum::Router;
pub(crate) use body::is_late;
pub use client::{ClientAddr, Network};
use connection::Connection;
use hyper_util::{
    rt::{TokioExecutor, TokioTimer},
    server::conn::auto,
};
use permits::Permits;
use settings::Reader;
use tokio::{
    net::{TcpListener, TcpStream},
    task::JoinSet,
};
use tokio_util::sync::CancellationToken;

use domain::metric_names;

/// What a connection without a permit is sent before it is closed.
const FULL: &[u8] = b"HTTP/1.1 503 Service Unavailable\r\nretry-after: 5\r\nconnection: close\r\ncontent-length: 0\r\n\r\n";

/// Limits of connections and requests.
#[derive(Debug, Clone)]
pub struct ServeOptions {
    /// Longest time for the head of a request, from its first byte; for the first one, from the connection's start.
    pub head_timeout: Duration,
    /// Longest wait for the next piece of a request's body.
    pub body_idle_timeout: Duration,
    /// Longest time for the whole body of a request, from its first poll.
    pub body_timeout: Duration,
    /// Longest time in which a client may read nothing of what it is sent.
    pub write_stall_timeout: Duration,
    /// How long a connection without a request is kept. Longer than senders keep theirs, so that they close first.
    pub idle_timeout: Duration,
    /// Most open connections.
    pub max_connections: usize,
    /// Most open connections from one IPv4 address or IPv6 /64. Not applied behind trusted proxies, whose connections
    /// carry everybody's requests.
    pub max_connections_per_address: usize,
    /// Longest time for open requests to end when the process ends.
    pub drain_deadline: Duration,
    /// Proxies in front of us that append the address they saw to `X-Forwarded-For`. With none, that header is ignored,
    /// because any client can write it.
    pub trusted_proxies: u8,
}

impl Default for ServeOptions {
    fn default() -> Self {
        Self {
            head_timeout: Duration::from_secs(5),
            body_idle_timeout: Duration::from_secs(10),
            body_timeout: Duration::from_secs(60),
            write_stall_timeout: Duration::from_secs(30),
            idle_timeout: Duration::from_secs(120),
            max_connections: 10_000,
            max_connections_per_address: 2_000,
            drain_deadline: Duration::from_secs(8),
            trusted_proxies: 0,
        }
    }
}

impl ServeOptions {
    pub fn read(reader: &mut Reader<'_>) -> Self {
        let defaults = Self::default();
        Self {
            head_timeout: timeout(
                reader,
                "HEAD_TIMEOUT",
                defaults.head_timeout,
                "Longest time for the head of a request.",
            ),
            body_idle_timeout: timeout(
                reader,
                "BODY_IDLE_TIMEOUT",
                defaults.body_idle_timeout,
                "Longest wait for the next piece of a request's body.",
            ),
            body_timeout: timeout(
                reader,
                "BODY_TIMEOUT",
                defaults.body_timeout,
                "Longest time for the whole body of a request.",
            ),
            write_stall_timeout: timeout(
                reader,
                "WRITE_STALL_TIMEOUT",
                defaults.write_stall_timeout,
                "Longest time that a client may not take what it is sent.",
            ),
            idle_timeout: timeout(
                reader,
                "IDLE_TIMEOUT",
                defaults.idle_timeout,
                "How long a connection without a request is kept.",
            ),
            max_connections: most(
                reader,
                "MAX_CONNECTIONS",
                defaults.max_connections,
                "Most open connections.",
            ),
            max_connections_per_address: most(
                reader,
                "MAX_CONNECTIONS_PER_ADDRESS",
                defaults.max_connections_per_address,
                "Most open connections from one address.",
            ),
            drain_deadline: reader.duration(
                "DRAIN_DEADLINE",
                defaults.drain_deadline,
                "Longest time for open requests to end when the process ends.",
            ),
            trusted_proxies: reader.get(
                "TRUSTED_PROXIES",
                defaults.trusted_proxies,
                "Proxies in front that add the client's address to X-Forwarded-For; behind Cloud Run's front end 1.",
            ),
        }
    }
}

/// Reads a time above zero: with zero, nothing would ever be in time.
fn timeout(
    reader: &mut Reader<'_>,
    key: &'static str,
    default: Duration,
    about: &'static str,
) -> Duration {
    let time = reader.duration(key, default, about);
    if time.is_zero() {
        reader.fault(
            key,
            "it is zero",
            "write a time above zero, or leave it out",
        );
    }
    time
}

fn most(reader: &mut Reader<'_>, key: &'static str, default: usize, about: &'static str) -> usize {
    let most = reader.get(key, default, about);
    if most == 0 {
        reader.fault(
            key,
            "it is zero",
            "write a number above zero, or leave it out",
        );
    }
    most
}

/// Tells endless answers, such as event streams, that the process is ending. A request extension.
#[derive(Debug, Clone)]
pub struct Draining(CancellationToken);

impl Draining {
    /// Resolves when draining begins.
    pub async fn begun(self) {
        self.0.cancelled_owned().await;
    }
}

/// A bound address that is not served yet.
#[derive(Debug)]
pub struct Listener {
    tcp: TcpListener,
}

impl Listener {
    /// Binds an address; port 0 picks a free one.
    ///
    /// # Errors
    /// The system's error: the address is in use, or not ours.
    pub async fn bind(address: SocketAddr) -> io::Result<Self> {
        Ok(Self {
            tcp: TcpListener::bind(address).await?,
        })
    }

    /// The address with its real port.
    ///
    /// # Errors
    /// The system's error.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.tcp.local_addr()
    }
}

/// Serves HTTP/1 and HTTP/2 until `shutdown` resolves. Then it accepts no more connections, lets open requests end, and
/// returns once all have or the drain deadline has passed. `endpoint` names the listener in logs and metrics.
pub async fn serve(
    endpoint: &'static str,
    listener: Listener,
    routes: Router,
    options: &ServeOptions,
    shutdown: impl Future<Output = ()>,
) {
    if let Ok(address) = listener.local_addr() {
        tracing::info!(endpoint, %address, "listening");
    }
    let draining = CancellationToken::new();
    let most_per_address = if options.trusted_proxies == 0 {
        options.max_connections_per_address
    } else {
        options.max_connections
    };
    let permits = Permits::new(options.max_connections, most_per_address);
    let http = Arc::new(protocols());
    let mut open = JoinSet::new();
    tokio::pin!(shutdown);
    loop {
        let (stream, peer) = tokio::select! {
            biased;
            () = &mut shutdown => break,
            accepted = accept(&listener.tcp) => accepted,
            Some(_) = open.join_next() => continue,
        };
        let permit = match permits.acquire(Network::of(peer.ip())) {
            Ok(permit) => permit,
            Err(reason) => {
                metrics::counter!(metric_names::CONNECTIONS_REFUSED_TOTAL, "endpoint" => endpoint, "reason" => reason)
                    .increment(1);
                refuse(&stream);
                continue;
            }
        };
        metrics::counter!(metric_names::CONNECTIONS_TOTAL, "endpoint" => endpoint).increment(1);
        let connection = Connection {
            endpoint,
            peer,
            routes: routes.clone(),
            options: options.clone(),
            draining: draining.clone(),
            http: http.clone(),
        };
        open.spawn(async move {
            let _permit = permit;
            connection.serve(stream).await;
        });
    }

    drop(listener);
    draining.cancel();
    let all_ended = async { while open.join_next().await.is_some() {} };
    if tokio::time::timeout(options.drain_deadline, all_ended)
        .await
        .is_err()
    {
        tracing::warn!(
            endpoint,
            connections = open.len(),
            "connections did not end in time and were closed"
        );
        open.shutdown().await;
    }
}

type Http = auto::Builder<TokioExecutor>;

fn protocols() -> Http {
    let mut http = auto::Builder::new(TokioExecutor::new());
    http.http1()
        .timer(TokioTimer::new())
        // `Connection` times heads and idle connections. This timer would treat both alike, and starts only once the
        // protocol is known.
        .header_read_timeout(None)
        .max_buf_size(64 * 1024);
    http.http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(250)
        .max_header_list_size(64 * 1024)
        .keep_alive_interval(Duration::from_secs(20))
        .keep_alive_timeout(Duration::from_secs(10));
    http
}

async fn accept(listener: &TcpListener) -> (TcpStream, SocketAddr) {
    loop {
        match listener.accept().await {
            Ok(accepted) => return accepted,
            // The client is gone already, so there is no reason to wait.
            Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => {}
            Err(error) => {
                tracing::warn!(%error, "could not accept a connection; trying again shortly");
                tokio::time::sleep(Duration::from_millis(200)).await;
            }
        }
    }
}

/// Best effort: it does not wait if the send buffer cannot take the answer.
fn refuse(stream: &TcpStream) {
    drop(stream.try_write(FULL));
}
