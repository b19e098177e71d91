//! A server under clients that are slow, idle, or many.

use std::{
    future::pending,
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{
    Extension, Router,
    body::{Body, Bytes},
    http::Request,
    routing::{get, post},
};
use futures::{StreamExt as _, stream};
use hyper_util::rt::{TokioExecutor, TokioIo};
use runtime::{ClientAddr, Draining, Json, Listener, ServeOptions, read_body, serve};
use testkit::StoppedTime;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    sync::{Notify, oneshot},
    task::JoinHandle,
    time::{Instant, sleep, timeout},
};

/// A limit that passes in a test. A test in which one passes has [`StoppedTime`], so that none passes too early.
const SHORT: Duration = Duration::from_millis(100);
/// Within this, everything that is to happen has happened, on a busy machine too.
const LONG: Duration = Duration::from_secs(60);

/// A server that runs until it is stopped.
struct Server {
    address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    ended: JoinHandle<()>,
}

impl Server {
    async fn start(routes: Router, options: ServeOptions) -> Self {
        let listener = Listener::bind("127.0.0.1:0".parse().unwrap())
            .await
            .unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel();
        let ended = tokio::spawn(async move {
            serve("test", listener, routes, &options, async {
                drop(stopped.await);
            })
            .await;
        });
        Self {
            address,
            stop: Some(stop),
            ended,
        }
    }

    async fn connect(&self) -> Client {
        Client {
            stream: TcpStream::connect(self.address).await.unwrap(),
        }
    }

    fn stop(&mut self) {
        self.stop.take().unwrap().send(()).unwrap();
    }

    async fn has_ended(self) {
        timeout(LONG, self.ended)
            .await
            .expect("the server ends")
            .unwrap();
    }
}

/// A client that writes its requests by hand.
struct Client {
    stream: TcpStream,
}

impl Client {
    async fn send(&mut self, text: &str) {
        self.stream.write_all(text.as_bytes()).await.unwrap();
    }

    /// Reads until the answer ends with `end`.
    async fn read_until(&mut self, end: &str) -> String {
        let mut text = Vec::new();
        let mut buffer = [0; 1024];
        while !text.ends_with(end.as_bytes()) {
            let read = timeout(LONG, self.stream.read(&mut buffer))
                .await
                .expect("an answer")
                .unwrap();
            assert!(
                read > 0,
                "closed after {:?}",
                String::from_utf8_lossy(&text)
            );
            text.extend_from_slice(&buffer[..read]);
        }
        String::from_utf8(text).unwrap()
    }

    /// Reads until the server closes the connection.
    async fn read_to_end(&mut self) -> String {
        let mut text = Vec::new();
        let mut buffer = [0; 1024];
        // A connection may end orderly or with a reset.
        while let Ok(read) = timeout(LONG, self.stream.read(&mut buffer))
            .await
            .expect("an end")
        {
            if read == 0 {
                break;
            }
            text.extend_from_slice(&buffer[..read]);
        }
        String::from_utf8(text).unwrap()
    }

    async fn ask(&mut self) -> String {
        self.send("GET / HTTP/1.1\r\nhost: x\r\n\r\n").await;
        self.read_until("ok").await
    }
}

pub(crate) async fn exchange(address: SocketAddr, request: &'static str) -> String {
    let mut client = Client {
        stream: TcpStream::connect(address).await.unwrap(),
    };
    client.send(request).await;
    client.read_to_end().await
}

fn ok() -> Router {
    Router::new().route("/", get(async || "ok"))
}

/// Options under which nothing times out in a test.
fn patient() -> ServeOptions {
    ServeOptions {
        head_timeout: LONG * 10,
        body_idle_timeout: LONG * 10,
        body_timeout: LONG * 10,
        write_stall_timeout: LONG * 10,
        idle_timeout: LONG * 10,
        drain_deadline: LONG * 10,
        ..ServeOptions::default()
    }
}

fn told_client() -> Router {
    Router::new().route(
        "/",
        get(async |Extension(ClientAddr(client)): Extension<ClientAddr>| format!("{client} asked")),
    )
}

#[tokio::test]
async fn requests_are_answered_over_http_1_and_know_their_client() {
    let server = Server::start(told_client(), patient()).await;
    let mut client = server.connect().await;
    for _ in 0..3 {
        client
            .send("GET / HTTP/1.1\r\nhost: x\r\nx-forwarded-for: 192.0.2.1\r\n\r\n")
            .await;
        let answer = client.read_until("asked").await;
        assert!(
            answer.starts_with("HTTP/1.1 200 OK") && answer.ends_with("127.0.0.1 asked"),
            "{answer}"
        );
    }
}

#[tokio::test]
async fn behind_a_trusted_proxy_the_client_is_whom_the_proxy_saw() {
    let options = ServeOptions {
        trusted_proxies: 1,
        ..patient()
    };
    let server = Server::start(told_client(), options).await;
    let mut client = server.connect().await;
    client
        .send("GET / HTTP/1.1\r\nhost: x\r\nx-forwarded-for: 203.0.113.66, 192.0.2.1\r\n\r\n")
        .await;
    let answer = client.read_until("asked").await;
    assert!(answer.ends_with("192.0.2.1 asked"), "{answer}");
}

type Http2 = hyper::client::conn::http2::SendRequest<Body>;

async fn http_2(server: &Server) -> (Http2, JoinHandle<hyper::Result<()>>) {
    let stream = TokioIo::new(TcpStream::connect(server.address).await.unwrap());
    let (sender, connection) = hyper::client::conn::http2::handshake(TokioExecutor::new(), stream)
        .await
        .unwrap();
    (sender, tokio::spawn(connection))
}

fn asking(path: &str) -> Request<Body> {
    Request::get(format!("http://x{path}"))
        .body(Body::empty())
        .unwrap()
}

#[tokio::test]
async fn requests_are_answered_over_http_2_and_the_connection_drains() {
    let mut server = Server::start(ok(), patient()).await;
    let (mut sender, connection) = http_2(&server).await;
    for _ in 0..3 {
        assert_eq!(
            sender.send_request(asking("/")).await.unwrap().status(),
            200
        );
    }
    server.stop();
    server.has_ended().await;
    connection.await.unwrap().unwrap();
}

#[tokio::test]
async fn a_connection_without_a_whole_head_is_closed() {
    let time = StoppedTime::begin();
    let server = Server::start(
        ok(),
        ServeOptions {
            head_timeout: SHORT,
            ..patient()
        },
    )
    .await;
    for begun in [
        "",
        "G",
        "GET / HTTP/1.1\r\nhost: x\r\n",
        "PRI * HTTP/2.0\r\n\r\n",
    ] {
        let opened = Instant::now();
        let mut client = server.connect().await;
        client.send(begun).await;
        let answer = time.pass_until("it is closed", client.read_to_end());
        assert_eq!(answer.await, "", "{begun:?}");
        assert!(opened.elapsed() >= SHORT, "{begun:?}");
    }
}

#[tokio::test]
async fn a_trickle_of_header_lines_does_not_hold_a_connection() {
    let time = StoppedTime::begin();
    let server = Server::start(
        ok(),
        ServeOptions {
            head_timeout: SHORT,
            ..patient()
        },
    )
    .await;
    let mut client = server.connect().await;
    client.send("GET / HTTP/1.1\r\n").await;
    let trickle = async {
        while client.stream.write_all(b"x: y\r\n").await.is_ok() {
            sleep(SHORT / 10).await;
        }
    };
    time.pass_until("the connection is closed", trickle).await;
}

#[tokio::test]
async fn the_second_head_on_a_connection_has_to_come_in_time_too() {
    let time = StoppedTime::begin();
    let server = Server::start(
        ok(),
        ServeOptions {
            head_timeout: SHORT,
            ..patient()
        },
    )
    .await;
    let mut client = server.connect().await;
    client.ask().await;
    client.send("GET / HTTP/1.1\r\n").await;
    let answer = time.pass_until("it is closed", client.read_to_end());
    assert_eq!(answer.await, "");
}

#[tokio::test]
async fn an_idle_connection_is_kept_longer_than_a_head_may_take() {
    let time = StoppedTime::begin();
    let server = Server::start(
        ok(),
        ServeOptions {
            head_timeout: SHORT,
            ..patient()
        },
    )
    .await;
    let mut client = server.connect().await;
    for _ in 0..3 {
        client.ask().await;
        time.pass(SHORT * 2).await;
    }
}

#[tokio::test]
async fn an_idle_connection_is_closed_in_the_end() {
    let time = StoppedTime::begin();
    let server = Server::start(
        ok(),
        ServeOptions {
            idle_timeout: SHORT,
            ..patient()
        },
    )
    .await;
    let mut client = server.connect().await;
    client.ask().await;
    let answered = Instant::now();
    let end = time.pass_until("it is closed", client.read_to_end());
    assert_eq!(end.await, "");
    assert!(answered.elapsed() >= SHORT);
}

#[tokio::test]
async fn a_request_that_takes_long_is_not_cut() {
    let time = StoppedTime::begin();
    let (has_begun, may_end) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let (begun, end) = (has_begun.clone(), may_end.clone());
    let slow = async move || {
        begun.notify_one();
        end.notified().await;
        "ok"
    };
    let hasty = ServeOptions {
        head_timeout: SHORT,
        idle_timeout: SHORT,
        write_stall_timeout: SHORT,
        ..patient()
    };
    let server = Server::start(Router::new().route("/", get(slow)), hasty).await;
    let mut client = server.connect().await;
    client.send("GET / HTTP/1.1\r\nhost: x\r\n\r\n").await;
    has_begun.notified().await;
    for _ in 0..5 {
        time.pass(SHORT).await;
    }
    may_end.notify_one();
    client.read_until("ok").await;
}

fn reading() -> Router {
    Router::new()
        .route(
            "/raw",
            post(async |body: Body| read_body(body, 1_000).await),
        )
        .route(
            "/json",
            post(async |Json(value): Json<u32>| value.to_string()),
        )
}

#[tokio::test]
async fn a_body_that_stops_coming_is_answered_with_408() {
    let time = StoppedTime::begin();
    let server = Server::start(
        reading(),
        ServeOptions {
            body_idle_timeout: SHORT,
            ..patient()
        },
    )
    .await;
    for path in ["/raw", "/json"] {
        let mut client = server.connect().await;
        let head = "HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 10";
        client.send(&format!("POST {path} {head}\r\n\r\n12")).await;
        let answer = time.pass_until("it is answered", client.read_to_end());
        let answer = answer.await;
        assert!(answer.starts_with("HTTP/1.1 408"), "{answer}");
        assert!(answer.contains("/problems/request-timeout"), "{answer}");
    }
}

#[tokio::test]
async fn a_body_that_trickles_is_answered_with_408() {
    let time = StoppedTime::begin();
    let server = Server::start(
        reading(),
        ServeOptions {
            body_timeout: SHORT * 3,
            ..patient()
        },
    )
    .await;
    let mut client = server.connect().await;
    client
        .send("POST /raw HTTP/1.1\r\nhost: x\r\ncontent-length: 900\r\n\r\n")
        .await;
    let (mut read, mut write) = client.stream.into_split();
    let trickle = tokio::spawn(async move {
        while write.write_all(b"x").await.is_ok() {
            sleep(SHORT / 10).await;
        }
    });
    let mut head = [0; 12];
    time.pass_until("it is answered", read.read_exact(&mut head))
        .await
        .unwrap();
    assert_eq!(&head, b"HTTP/1.1 408");
    trickle.abort();
}

/// An answer without an end, and word of when it is dropped.
fn endless() -> (Router, oneshot::Receiver<()>) {
    struct Signal(Option<oneshot::Sender<()>>);
    impl Drop for Signal {
        fn drop(&mut self) {
            if let Some(sender) = self.0.take() {
                sender.send(()).unwrap();
            }
        }
    }
    let (sender, is_let_go) = oneshot::channel();
    let signal = Arc::new(Mutex::new(Some(Signal(Some(sender)))));
    let endless = async move || {
        let held = signal.lock().unwrap().take();
        Body::from_stream(stream::repeat_with(move || {
            assert!(held.is_some());
            Ok::<_, axum::Error>(Bytes::from(vec![0; 64 * 1024]))
        }))
    };
    (Router::new().route("/", get(endless)), is_let_go)
}

#[tokio::test]
async fn a_client_that_does_not_take_its_answer_is_let_go() {
    let time = StoppedTime::begin();
    let (routes, is_let_go) = endless();
    let options = ServeOptions {
        write_stall_timeout: SHORT,
        ..patient()
    };
    let server = Server::start(routes, options).await;
    let mut client = server.connect().await;
    client.send("GET / HTTP/1.1\r\nhost: x\r\n\r\n").await;
    time.pass_until("the answer is dropped", is_let_go)
        .await
        .unwrap();
}

#[tokio::test]
async fn a_client_of_http_2_that_takes_no_answer_is_let_go() {
    let time = StoppedTime::begin();
    let (routes, is_let_go) = endless();
    let routes = routes.route("/other", get(async || "ok"));
    let options = ServeOptions {
        write_stall_timeout: SHORT,
        ..patient()
    };
    let server = Server::start(routes, options).await;
    let (mut sender, _connection) = http_2(&server).await;
    let untaken = sender.send_request(asking("/")).await.unwrap();
    // What else it asks does not help it.
    let busy = tokio::spawn(async move {
        while let Ok(answer) = sender.send_request(asking("/other")).await {
            drop(answer);
            sleep(SHORT / 10).await;
        }
    });
    time.pass_until("the answer is dropped", is_let_go)
        .await
        .unwrap();
    time.pass_until("it can ask no more", busy).await.unwrap();
    drop(untaken);
}

#[tokio::test]
async fn an_answer_of_http_2_that_waits_for_us_is_not_cut() {
    let time = StoppedTime::begin();
    let slow = async || {
        Body::from_stream(stream::iter(["first ", "last"]).then(async |piece| {
            sleep(SHORT * 3).await;
            Ok::<_, axum::Error>(piece)
        }))
    };
    let options = ServeOptions {
        write_stall_timeout: SHORT,
        ..patient()
    };
    let server = Server::start(Router::new().route("/", get(slow)), options).await;
    let (mut sender, _connection) = http_2(&server).await;
    let answer = sender.send_request(asking("/")).await.unwrap();
    let body = axum::body::to_bytes(Body::new(answer.into_body()), 100);
    let body = time.pass_until("the answer ends", body).await;
    assert_eq!(body.unwrap(), "first last");
}

#[tokio::test]
async fn connections_over_the_cap_are_told_to_come_later() {
    for options in [
        ServeOptions {
            max_connections_per_address: 2,
            ..patient()
        },
        ServeOptions {
            max_connections: 2,
            ..patient()
        },
    ] {
        let server = Server::start(ok(), options).await;
        let (mut first, mut second) = (server.connect().await, server.connect().await);
        first.ask().await;
        second.ask().await;
        let answer = server.connect().await.read_to_end().await;
        assert!(
            answer.starts_with("HTTP/1.1 503") && answer.contains("retry-after: 5"),
            "{answer}"
        );

        drop(first);
        let ends = Instant::now() + LONG;
        loop {
            let mut next = server.connect().await;
            // A connection that is turned away may be gone before it can be written to.
            let is_sent = next
                .stream
                .write_all(b"GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
                .await
                .is_ok();
            if is_sent && next.read_to_end().await.ends_with("ok") {
                break;
            }
            assert!(Instant::now() < ends, "the place is not given back");
        }
    }
}

#[tokio::test]
async fn draining_ends_idle_connections_at_once() {
    let mut server = Server::start(ok(), patient()).await;
    let (mut used, mut fresh) = (server.connect().await, server.connect().await);
    used.ask().await;
    server.stop();
    assert_eq!(
        (used.read_to_end().await, fresh.read_to_end().await),
        (String::new(), String::new())
    );
    server.has_ended().await;
}

#[tokio::test]
async fn draining_ends_streams_that_ask_for_it() {
    let events = async |Extension(draining): Extension<Draining>| {
        let first = stream::iter([Ok::<_, axum::Error>("first")]);
        Body::from_stream(first.chain(stream::pending()).take_until(draining.begun()))
    };
    let mut server = Server::start(Router::new().route("/", get(events)), patient()).await;
    let mut client = server.connect().await;
    client.send("GET / HTTP/1.1\r\nhost: x\r\n\r\n").await;
    client.read_until("first\r\n").await;
    server.stop();
    assert_eq!(client.read_to_end().await, "0\r\n\r\n");
    server.has_ended().await;
}

#[tokio::test]
async fn a_request_that_does_not_end_is_cut_at_the_deadline() {
    let time = StoppedTime::begin();
    let (arrived, has_arrived) = oneshot::channel();
    let arrived = Arc::new(Mutex::new(Some(arrived)));
    let hang = async move || {
        drop(arrived.lock().unwrap().take());
        pending::<&'static str>().await
    };
    let options = ServeOptions {
        drain_deadline: SHORT,
        ..patient()
    };
    let mut server = Server::start(Router::new().route("/", get(hang)), options).await;
    let mut client = server.connect().await;
    client.send("GET / HTTP/1.1\r\nhost: x\r\n\r\n").await;
    let _dropped: Result<(), _> = has_arrived.await;
    server.stop();
    time.pass_until("the server ends", server.has_ended()).await;
    assert_eq!(client.read_to_end().await, "");
}

#[test]
fn limits_that_let_nothing_through_are_all_reported() {
    let settings = settings::Settings::from_pairs([
        ("HEAD_TIMEOUT", "0s"),
        ("BODY_TIMEOUT", "soon"),
        ("MAX_CONNECTIONS", "0"),
        ("TRUSTED_PROXIES", "-1"),
    ]);
    let error = settings.load(ServeOptions::read).unwrap_err().to_string();
    for key in [
        "HEAD_TIMEOUT",
        "BODY_TIMEOUT",
        "MAX_CONNECTIONS",
        "TRUSTED_PROXIES",
    ] {
        assert!(error.contains(key), "{key} is not in: {error}");
    }
}
