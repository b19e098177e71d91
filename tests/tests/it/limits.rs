//! The limits of the edge, over real sockets: slow clients, full queues, addresses that fail.

use std::{
    collections::BTreeSet,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use futures::future::join_all;
use http::StatusCode;
use pipeline::demo;
use serde_json::json;
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
const LONG: Duration = Duration::from_secs(30);
/// Pause of those who trickle.
const DRIP: Duration = Duration::from_millis(20);

fn token_url() -> String {
    format!("/v1/hooks/{}/post-call", demo::CALLRAIL_TOKEN)
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
    let signature = sha1_signature(demo::CALLRAIL_SIGNING_KEY, &body);
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
    let signature = sha1_signature(demo::CALLRAIL_SIGNING_KEY, &body);
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

#[tokio::test]
async fn slow_clients_are_cut_and_a_genuine_sender_is_served_meanwhile() {
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
    let attack = async {
        let silent = join_all((0..2).map(|_| async {
            let mut stream = connect(&world, ATTACKER, None).await;
            assert_eq!(read_to_end(&mut stream).await, "", "silent");
        }));
        let heads = join_all((0..2).map(|_| async {
            let stream = connect(&world, ATTACKER, None).await;
            assert_eq!(trickle(stream, head.to_vec()).await, "", "head by bytes");
        }));
        let bodies = join_all((0..2).map(|_| async {
            let mut stream = connect(&world, ATTACKER, None).await;
            stream.write_all(head).await.unwrap();
            let said = trickle(stream, body.to_vec()).await;
            assert!(said.starts_with("HTTP/1.1 408"), "body by bytes: {said}");
        }));
        let stopped = join_all((0..2).map(|_| async {
            let mut stream = connect(&world, ATTACKER, None).await;
            stream.write_all(&whole[..head_end + 10]).await.unwrap();
            let said = read_to_end(&mut stream).await;
            assert!(said.starts_with("HTTP/1.1 408"), "body stops: {said}");
        }));
        let deaf = join_all((0..2).map(|_| async {
            never_read(connect(&world, ATTACKER, Some(4_096)).await).await;
        }));
        let idle = async {
            let mut stream = connect(&world, ATTACKER, None).await;
            let request = b"GET /v1/health HTTP/1.1\r\nhost: x\r\n\r\n";
            stream.write_all(request).await.unwrap();
            let said = read_to_end(&mut stream).await;
            assert!(said.starts_with("HTTP/1.1 200"), "idle: {said}");
        };
        tokio::join!(silent, heads, bodies, stopped, deaf, idle);
    };
    let (mut served, mut slowest) = (0, Duration::ZERO);
    let genuine = async {
        loop {
            let started = Instant::now();
            let mut stream = connect(&world, GENUINE, None).await;
            stream.write_all(&delivery(&call(served))).await.unwrap();
            let said = read_to_end(&mut stream).await;
            assert!(said.starts_with("HTTP/1.1 200"), "{said}");
            served += 1;
            slowest = slowest.max(started.elapsed());
            tokio::time::sleep(DRIP).await;
        }
    };
    tokio::select! {
        attacked = timeout(LONG, attack) => attacked.expect("all of them are cut"),
        () = genuine => {}
    }
    assert!(served >= 3, "only {served} were served meanwhile");
    assert!(slowest < Duration::from_secs(5), "one took {slowest:?}");
    world.finish().await;
}

#[tokio::test]
async fn an_address_that_has_used_up_its_connections_keeps_no_other_out() {
    let world = World::with_settings([("MAX_CONNECTIONS_PER_ADDRESS", "3")]).await;
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
async fn behind_a_trusted_proxy_an_attacker_is_told_from_its_neighbours() {
    let world =
        World::with_settings([("TRUSTED_PROXIES", "1"), ("FAILED_PROOFS_PER_MINUTE", "5")]).await;
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
    assert!((1..=12).contains(&wait), "{wait}");
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
    let world = World::with_settings([("FAILED_PROOFS_PER_MINUTE", "5")]).await;
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

/// More than 4 MiB hold, and how many are refused before the store writes again: those that found no room, and some of
/// those that have waited.
const FLOOD: usize = 1_200;
const REFUSED: usize = 900;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_answered_200_is_there_and_what_was_answered_503_is_there_whole_or_not_at_all() {
    let settings = [("WORKERS_PER_STAGE", "0"), ("BODY_MEMORY_MIB", "4")];
    let world = Arc::new(World::with_settings(settings).await);
    // The source is known by now: only writing is in the way.
    world
        .deliver("pre-call", &CallBody::post_call("CALfirst"))
        .await;
    let blocker = rusqlite::Connection::open(world.data_folder().join("pipeline.sqlite3")).unwrap();
    blocker.execute_batch("BEGIN IMMEDIATE").unwrap();
    let refusals = Arc::new(AtomicUsize::new(0));
    let send = |number: usize| {
        let (world, refusals) = (world.clone(), refusals.clone());
        tokio::spawn(async move {
            let mut stream = connect(&world, GENUINE, None).await;
            stream.write_all(&delivery(&call(number))).await.unwrap();
            let said = read_to_end(&mut stream).await;
            let is_taken = match said.get(9..12) {
                Some("200") => true,
                Some("503") if said.contains("retry-after: ") => false,
                _ => panic!("{said}"),
            };
            refusals.fetch_add(usize::from(!is_taken), Ordering::Relaxed);
            (number, is_taken)
        })
    };
    let flood: Vec<_> = (0..FLOOD).map(&send).collect();
    world
        .eventually("many are refused", async || {
            refusals.load(Ordering::Relaxed) >= REFUSED
        })
        .await;
    blocker.execute_batch("ROLLBACK").unwrap();
    let after: Vec<_> = (FLOOD..FLOOD + 50).map(&send).collect();
    let mut answers = Vec::new();
    for answer in flood.into_iter().chain(after) {
        answers.push(answer.await.unwrap());
    }
    // Nobody waits any more. What is still queued is written before this one.
    let unused = CallBody::post_call("CALlast");
    world
        .eventually("the queue is empty", async || {
            world.deliver("pre-call", &unused).await.status == StatusCode::OK
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
    let whole = there.whole.len();
    let taken = answers.iter().filter(|(_, is_taken)| *is_taken).count();
    assert!(whole > taken, "nothing of what was refused is there");
    assert!(whole < FLOOD, "all of what was refused is there");
    // The two that are not used have no request.
    assert_eq!(
        (there.events - 2, there.requests, there.steps),
        (whole, whole, whole)
    );

    for (number, is_taken) in answers {
        if !is_taken {
            let again = delivery(&call(number));
            world
                .eventually("it is taken when it is sent again", async || {
                    let mut stream = connect(&world, GENUINE, None).await;
                    stream.write_all(&again).await.unwrap();
                    read_to_end(&mut stream).await.starts_with("HTTP/1.1 200")
                })
                .await;
        }
    }
    let (there, all) = (held(&world), FLOOD + 50);
    assert_eq!(there.whole.len(), all);
    assert_eq!((there.events - 2, there.requests), (all, all));
    let Some(world) = Arc::into_inner(world) else {
        panic!("somebody still uses the world");
    };
    world.stop_early().await;
}

#[tokio::test]
async fn deliveries_that_wait_for_the_store_take_no_more_memory_than_they_may() {
    let world = World::with_settings([("WORKERS_PER_STAGE", "0"), ("BODY_MEMORY_MIB", "4")]).await;
    world
        .deliver("pre-call", &CallBody::post_call("CALfirst"))
        .await;
    let blocker = rusqlite::Connection::open(world.data_folder().join("pipeline.sqlite3")).unwrap();
    blocker.execute_batch("BEGIN IMMEDIATE").unwrap();
    let sent = join_all((0..40).map(large_delivery).map(|delivery| {
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
    }))
    .await;
    assert!(
        sent.iter().all(|said| said.starts_with("HTTP/1.1 503")),
        "{sent:?}"
    );
    let held = sent
        .iter()
        .filter(|said| !said.contains("We hold as much as we can"));
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
