//! The limits of the edge, over real sockets: slow clients, full queues, addresses that fail.

use std::{
    collections::BTreeSet,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use futures::{
    StreamExt as _,
    future::join_all,
    stream::{self, FuturesUnordered},
};
use http::StatusCode;
use pipeline::demo;
use serde_json::json;
use testkit::StoppedTime;
use tests::{Answer, CallBody, World, sha1_signature};
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpSocket, TcpStream},
    time::timeout,
};

/// Addresses of this machine that stand for others'.
const GENUINE: &str = "127.0.0.1";
const ATTACKER: &str = "127.0.0.66";
/// Within this, everything that is to happen has happened, on a busy machine too.
const LONG: Duration = Duration::from_secs(120);
/// Pause of those who trickle.
const DRIP: Duration = Duration::from_millis(20);

fn token_url() -> String {
    format!("/v1/hooks/{}/post-call", demo::token("callrail"))
}

/// Connects from an address; `takes` bounds what is buffered for a client that does not read.
async fn connect(world: &World, from: &str, takes: Option<u32>) -> TcpStream {
    let address: SocketAddr = world.base.trim_start_matches("http://").parse().unwrap();
    let socket = TcpSocket::new_v4().unwrap();
    if let Some(bytes) = takes {
        socket.set_recv_buffer_size(bytes).unwrap();
    }
    socket.bind(format!("{from}:0").parse().unwrap()).unwrap();
    socket.connect(address).await.unwrap()
}

/// What the server sends until it closes the connection, orderly or with a reset.
async fn read_to_end(stream: &mut (impl AsyncRead + Unpin)) -> String {
    let mut text = Vec::new();
    let mut buffer = [0; 1024];
    while let Ok(read @ 1..) = timeout(LONG, stream.read(&mut buffer))
        .await
        .expect("an end")
    {
        text.extend_from_slice(&buffer[..read]);
    }
    String::from_utf8_lossy(&text).into_owned()
}

/// A whole delivery of the demo tenant, as it goes over the wire.
fn delivery(call: &str) -> Vec<u8> {
    delivery_of(CallBody::post_call(call).json(), "connection: close\r\n")
}

fn call(number: usize) -> String {
    format!("CAL{number:05}")
}

fn delivery_of(body: Vec<u8>, more: &str) -> Vec<u8> {
    let signature = sha1_signature(simulators::callrail::SIGNING_KEY, &body);
    let head = format!(
        "POST {} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\nsignature: {signature}\r\n{more}content-length: {}\r\n\r\n",
        token_url(),
        body.len()
    );
    [head.into_bytes(), body].concat()
}

/// A genuine delivery of almost a MiB.
fn large_delivery(number: usize) -> Vec<u8> {
    let body = CallBody::post_call(&format!("CALlarge{number}"))
        .with("note", json!("x".repeat(1_000_000)));
    delivery_of(body.json(), "connection: close\r\n")
}

async fn signed(world: &World, path: &str, headers: &[(&str, &str)], call: &str) -> Answer {
    let body = CallBody::post_call(call).json();
    let signature = sha1_signature(simulators::callrail::SIGNING_KEY, &body);
    let own = [
        ("content-type", "application/json"),
        ("signature", signature.as_str()),
    ];
    world.post(path, &[&own, headers].concat(), body).await
}

async fn forged(world: &World, path: &str, headers: &[(&str, &str)]) -> StatusCode {
    let own = [("content-type", "application/json"), ("signature", "none")];
    let body = CallBody::post_call("CALforged").json();
    let answer = world.post(path, &[&own, headers].concat(), body).await;
    answer.status
}

/// Sends one byte after another until the server has had enough, and answers what it said.
async fn trickle(stream: TcpStream, bytes: Vec<u8>) -> String {
    let (mut read, mut write) = stream.into_split();
    let dripping = tokio::spawn(async move {
        for byte in bytes {
            if write.write_all(&[byte]).await.is_err() {
                return;
            }
            tokio::time::sleep(DRIP).await;
        }
        panic!("the server took it all");
    });
    let said = read_to_end(&mut read).await;
    dripping.await.unwrap();
    said
}

/// Asks again and again and never takes an answer.
async fn never_read(mut stream: TcpStream) {
    let request = b"GET /v1/openapi.json HTTP/1.1\r\nhost: x\r\n\r\n".repeat(20);
    while stream.write_all(&request).await.is_ok() {}
}

/// Slow clients, and deliveries that are taken while they all are there.
const SLOW_CLIENTS: usize = 11;
const SERVED: usize = 5;

#[tokio::test]
async fn slow_clients_are_cut_and_a_genuine_sender_is_served() {
    let world = World::with_settings([
        ("HEAD_TIMEOUT", "600ms"),
        ("BODY_IDLE_TIMEOUT", "600ms"),
        ("BODY_TIMEOUT", "1500ms"),
        ("WRITE_STALL_TIMEOUT", "600ms"),
        ("IDLE_TIMEOUT", "600ms"),
        ("MAX_CONNECTIONS_PER_ADDRESS", "12"),
    ])
    .await;
    let whole = delivery("CALslow");
    let head_end = whole
        .windows(4)
        .position(|four| four == b"\r\n\r\n")
        .unwrap()
        + 4;
    let (head, body) = whole.split_at(head_end);
    let time = StoppedTime::begin();
    let connected = AtomicUsize::new(0);
    let connect_slow = async |takes| {
        let stream = connect(&world, ATTACKER, takes).await;
        connected.fetch_add(1, Ordering::Relaxed);
        stream
    };
    let attack = async {
        let silent = join_all((0..2).map(|_| async {
            let mut stream = connect_slow(None).await;
            assert_eq!(read_to_end(&mut stream).await, "", "silent");
        }));
        let heads = join_all((0..2).map(|_| async {
            let stream = connect_slow(None).await;
            assert_eq!(trickle(stream, head.to_vec()).await, "", "head by bytes");
        }));
        let bodies = join_all((0..2).map(|_| async {
            let mut stream = connect_slow(None).await;
            stream.write_all(head).await.unwrap();
            let said = trickle(stream, body.to_vec()).await;
            assert!(said.starts_with("HTTP/1.1 408"), "body by bytes: {said}");
        }));
        let stopped = join_all((0..2).map(|_| async {
            let mut stream = connect_slow(None).await;
            stream.write_all(&whole[..head_end + 10]).await.unwrap();
            let said = read_to_end(&mut stream).await;
            assert!(said.starts_with("HTTP/1.1 408"), "body stops: {said}");
        }));
        let deaf = join_all((0..2).map(|_| async {
            never_read(connect_slow(Some(4_096)).await).await;
        }));
        let idle = async {
            let mut stream = connect_slow(None).await;
            let request = b"GET /v1/health HTTP/1.1\r\nhost: x\r\n\r\n";
            stream.write_all(request).await.unwrap();
            let said = read_to_end(&mut stream).await;
            assert!(said.starts_with("HTTP/1.1 200"), "idle: {said}");
        };
        tokio::join!(silent, heads, bodies, stopped, deaf, idle);
    };
    let mut attack = Box::pin(attack);
    let genuine = async {
        while connected.load(Ordering::Relaxed) < SLOW_CLIENTS {
            time.breathe().await;
        }
        for number in 0..SERVED {
            let mut stream = connect(&world, GENUINE, None).await;
            stream.write_all(&delivery(&call(number))).await.unwrap();
            let said = read_to_end(&mut stream).await;
            assert!(said.starts_with("HTTP/1.1 200"), "{said}");
        }
    };
    // As long as no time passes, nobody is cut.
    tokio::select! {
        biased;
        () = &mut attack => panic!("they were cut before their time"),
        () = time.stand_until("the genuine ones are served", genuine) => {}
    }
    time.pass_until("all of them are cut", attack).await;
    drop(time);
    world.finish().await;
}

#[tokio::test]
async fn an_address_out_of_connections_keeps_no_other_out() {
    let limits = [
        ("MAX_CONNECTIONS_PER_ADDRESS", "3"),
        ("HEAD_TIMEOUT", "10m"),
    ];
    let world = World::with_settings(limits).await;
    let mut held = Vec::new();
    for _ in 0..3 {
        held.push(connect(&world, ATTACKER, None).await);
    }
    let said = read_to_end(&mut connect(&world, ATTACKER, None).await).await;
    assert!(
        said.starts_with("HTTP/1.1 503") && said.contains("retry-after: 5"),
        "{said}"
    );
    let answer = world
        .deliver("post-call", &CallBody::post_call("CAL1"))
        .await;
    assert_eq!(answer.status, StatusCode::OK);
    drop(held);
    world.finish().await;
}

#[tokio::test]
async fn behind_a_trusted_proxy_clients_are_told_apart() {
    let world = World::on_manual_clock_with([
        ("TRUSTED_PROXIES", "1"),
        ("FAILED_SIGNATURES_PER_MINUTE", "5"),
    ])
    .await;
    // What a client writes itself comes before what the proxy adds.
    let attacker = [("x-forwarded-for", "203.0.113.7, 192.0.2.66")];
    let neighbour = [("x-forwarded-for", "192.0.2.1")];
    let unknown = "/v1/hooks/unknown/post-call";
    for _ in 0..5 {
        assert_eq!(
            forged(&world, unknown, &attacker).await,
            StatusCode::UNAUTHORIZED
        );
    }
    let body = CallBody::post_call("CALforged").json();
    let answer = world.post(unknown, &attacker, body).await;
    assert_eq!(answer.status, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(answer.headers["content-type"], "application/problem+json");
    let wait: u64 = answer.headers["retry-after"]
        .to_str()
        .unwrap()
        .parse()
        .unwrap();
    assert_eq!(wait, 12);
    assert_eq!(
        forged(&world, unknown, &neighbour).await,
        StatusCode::UNAUTHORIZED
    );

    // A genuine sender behind the attacker's address loses nothing.
    for (path, call) in [
        (token_url(), "CAL1"),
        ("/v1/callrail/webhook".to_owned(), "CAL2"),
    ] {
        let answer = signed(&world, &path, &attacker, call).await;
        assert_eq!(answer.status, StatusCode::OK, "{path}");
    }
    world
        .eventually(
            "the attacker's failures are recorded as its own",
            async || {
                let events = world
                    .store
                    .security_events_across_tenants(100)
                    .await
                    .unwrap();
                let count = |address: &str, reason: &str| {
                    let these = events
                        .iter()
                        .filter(|event| event.address == address && event.reason == reason);
                    these.map(|event| event.count).sum::<u64>()
                };
                count("192.0.2.66", "unknown_tenant") == 5
                    && count("192.0.2.66", "too_many_failures") == 1
                    && count("192.0.2.1", "unknown_tenant") == 1
            },
        )
        .await;
    world.finish().await;
}

#[tokio::test]
async fn without_a_trusted_proxy_nobody_can_write_an_address() {
    let world = World::on_manual_clock_with([("FAILED_SIGNATURES_PER_MINUTE", "5")]).await;
    let unknown = "/v1/hooks/unknown/post-call";
    for number in 0..5 {
        let claimed = format!("192.0.2.{number}");
        let status = forged(&world, unknown, &[("x-forwarded-for", &claimed)]).await;
        assert_eq!(status, StatusCode::UNAUTHORIZED);
    }
    let another = [("x-forwarded-for", "192.0.2.99")];
    assert_eq!(
        forged(&world, unknown, &another).await,
        StatusCode::TOO_MANY_REQUESTS
    );
    world.finish().await;
}

/// Counts of what the store holds, read beside the product.
struct Held {
    /// Calls with their request and its first step.
    whole: BTreeSet<String>,
    events: usize,
    requests: usize,
    steps: usize,
}

fn held(world: &World) -> Held {
    let database =
        rusqlite::Connection::open(world.data_folder().join("pipeline.sqlite3")).unwrap();
    let count = |table: &str| {
        let sql = format!("SELECT count(*) FROM {table}");
        let count: i64 = database.query_row(&sql, [], |row| row.get(0)).unwrap();
        usize::try_from(count).unwrap()
    };
    const WHOLE: &str = "SELECT about FROM webhook_events JOIN requests USING (tenant_id, request_id) \
                         JOIN work USING (tenant_id, request_id)";
    let mut statement = database.prepare(WHOLE).unwrap();
    let whole = statement
        .query_map([], |row| row.get(0))
        .unwrap()
        .map(Result::unwrap)
        .collect();
    Held {
        whole,
        events: count("webhook_events"),
        requests: count("requests"),
        steps: count("work"),
    }
}

/// More than 4 MiB hold.
const FLOOD: usize = 1_200;
/// Sent when the store writes again.
const LATER: usize = 50;

#[tokio::test]
async fn what_the_store_was_too_slow_for_is_taken_as_a_repeat() {
    let world = World::with_settings([("WORKERS_PER_STAGE", "0")]).await;
    world
        .deliver("convert-assist", &CallBody::post_call("CALfirst"))
        .await;
    let blocker = rusqlite::Connection::open(world.data_folder().join("pipeline.sqlite3")).unwrap();
    let mut number = 0;
    // Where a try takes the machine seconds, the store gives the write up before it is let through.
    world
        .eventually("one that was put off is a repeat later", async || {
            number += 1;
            let body = CallBody::post_call(&call(number));
            blocker.execute_batch("BEGIN IMMEDIATE").unwrap();
            let time = StoppedTime::begin();
            let sending = world.deliver_once("post-call", &body);
            let (answer, ()) = tokio::join!(time.pass_until("it is put off", sending), async {
                for _ in 0..50 {
                    time.breathe().await;
                }
                // It is at the store by now.
                time.pass(Duration::from_secs(3)).await;
            });
            assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
            blocker.execute_batch("ROLLBACK").unwrap();
            drop(time);
            world.deliver("post-call", &body).await.body["duplicate"] == true
        })
        .await;
    world.stop_early().await;
}

#[tokio::test]
async fn what_was_answered_503_is_there_whole_or_not_at_all() {
    let settings = [("WORKERS_PER_STAGE", "0"), ("BODY_MEMORY_MIB", "4")];
    let world = Arc::new(World::with_settings(settings).await);
    // The source is known by now: only writing is in the way.
    world
        .deliver("convert-assist", &CallBody::post_call("CALfirst"))
        .await;
    let blocker = rusqlite::Connection::open(world.data_folder().join("pipeline.sqlite3")).unwrap();
    blocker.execute_batch("BEGIN IMMEDIATE").unwrap();
    let sent = Arc::new(AtomicUsize::new(0));
    let send = |number: usize| {
        let (world, sent) = (world.clone(), sent.clone());
        tokio::spawn(async move {
            let mut stream = connect(&world, GENUINE, None).await;
            stream.write_all(&delivery(&call(number))).await.unwrap();
            sent.fetch_add(1, Ordering::Relaxed);
            let said = read_to_end(&mut stream).await;
            let is_taken = match said.get(9..12) {
                Some("200") => true,
                Some("503") if said.contains("retry-after: ") => false,
                _ => panic!("{said}"),
            };
            (number, is_taken)
        })
    };
    let time = StoppedTime::begin();
    let flood: Vec<_> = (0..FLOOD - 1).map(&send).collect();
    let is_sent = async {
        while sent.load(Ordering::Relaxed) < flood.len() {
            time.breathe().await;
        }
    };
    time.stand_until("the flood is sent", is_sent).await;
    // This one comes last. It finds no memory, and no time has passed that could free any.
    let last = send(FLOOD - 1);
    let last = time.stand_until("the memory is full", last).await;
    // The others are refused for want of memory as well, or because the store takes too long.
    let mut answers = time.pass_until("all are refused", join_all(flood)).await;
    answers.push(last);
    blocker.execute_batch("ROLLBACK").unwrap();
    drop(time);
    answers.extend(join_all((FLOOD..FLOOD + LATER).map(&send)).await);
    let answers: Vec<_> = answers.into_iter().map(Result::unwrap).collect();
    // Nobody waits any more. What is still queued is written before this one.
    let unused = CallBody::post_call("CALlast");
    world
        .eventually("the queue is empty", async || {
            world.deliver("convert-assist", &unused).await.status == StatusCode::OK
        })
        .await;
    let there = held(&world);
    for (number, is_taken) in &answers {
        let call = call(*number);
        assert!(
            !is_taken || there.whole.contains(&call),
            "{call} was answered 200"
        );
    }
    let none_of_it = call(FLOOD - 1);
    assert!(!there.whole.contains(&none_of_it), "it found no memory");
    let whole = there.whole.len();
    // The two that are not used have no request.
    assert_eq!(
        (there.events - 2, there.requests, there.steps),
        (whole, whole, whole)
    );

    let refused = answers.into_iter().filter(|(_, is_taken)| !is_taken);
    let again = refused.map(|(number, _)| {
        let world = &world;
        async move {
            let body = CallBody::post_call(&call(number));
            let answer = world.deliver("post-call", &body).await;
            assert_eq!(answer.status, StatusCode::OK, "sent again");
        }
    });
    let again = stream::iter(again).buffer_unordered(16);
    again.collect::<()>().await;
    let (there, all) = (held(&world), FLOOD + LATER);
    assert_eq!(there.whole.len(), all);
    assert_eq!((there.events - 2, there.requests), (all, all));
    let Some(world) = Arc::into_inner(world) else {
        panic!("somebody still uses the world");
    };
    world.stop_early().await;
}

/// Deliveries of almost a MiB, of which four at most find memory.
const LARGE: usize = 40;

#[tokio::test]
async fn deliveries_that_wait_take_no_more_memory_than_they_may() {
    let world = World::with_settings([("WORKERS_PER_STAGE", "0"), ("BODY_MEMORY_MIB", "4")]).await;
    world
        .deliver("convert-assist", &CallBody::post_call("CALfirst"))
        .await;
    let blocker = rusqlite::Connection::open(world.data_folder().join("pipeline.sqlite3")).unwrap();
    blocker.execute_batch("BEGIN IMMEDIATE").unwrap();
    let time = StoppedTime::begin();
    let sending = (0..LARGE).map(large_delivery).map(|delivery| {
        let world = &world;
        async move {
            let stream = connect(world, GENUINE, None).await;
            let (mut read, mut write) = stream.into_split();
            let writing = tokio::spawn(async move {
                // Refused in the middle, the rest of it is not taken.
                write.write_all(&delivery).await.ok();
                write
            });
            let said = read_to_end(&mut read).await;
            writing.await.unwrap();
            said
        }
    });
    let mut sending: FuturesUnordered<_> = sending.collect();
    let mut sent = Vec::new();
    // Most find no memory, at once. Then time passes for those that wait for the store.
    let most = async {
        while sent.len() < LARGE - 4 {
            sent.extend(sending.next().await);
        }
    };
    time.stand_until("most are refused", most).await;
    let waiting = sending.collect::<Vec<_>>();
    sent.extend(time.pass_until("all are refused", waiting).await);
    drop(time);
    assert!(
        sent.iter().all(|said| said.starts_with("HTTP/1.1 503")),
        "{sent:?}"
    );
    let held = sent
        .iter()
        .filter(|said| !said.contains("We are at capacity"));
    assert!((1..=4).contains(&held.count()), "{sent:?}");

    blocker.execute_batch("ROLLBACK").unwrap();
    world
        .eventually("there is room again", async || {
            let answer = world
                .deliver("post-call", &CallBody::post_call("CALsmall"))
                .await;
            answer.status == StatusCode::OK
        })
        .await;
    world.stop_early().await;
}
