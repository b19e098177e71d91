//! Load: deliveries of 1 KiB, each new and signed, over connections that are kept.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use serde_json::json;
use tests::sha1_signature;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    sync::Mutex,
};

/// Where to send what.
#[derive(Clone)]
pub(crate) struct Load {
    address: SocketAddr,
    path: String,
}

/// What came of a load.
pub(crate) struct Outcome {
    /// Answered 200, in order of size: how long each took.
    pub(crate) latencies: Vec<Duration>,
    /// Answered otherwise.
    pub(crate) refused: u64,
    /// How long all took.
    pub(crate) took: Duration,
}

impl Outcome {
    pub(crate) fn per_second(&self) -> f64 {
        self.latencies.len() as f64 / self.took.as_secs_f64()
    }

    pub(crate) fn percentile(&self, percent: f64) -> Duration {
        let index = (self.latencies.len() as f64 * percent / 100.0)
            .ceil()
            .max(1.0);
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "an index"
        )]
        self.latencies
            .get(index as usize - 1)
            .copied()
            .unwrap_or_default()
    }
}

/// Numbers that no two deliveries share, across all loads of a run.
static NUMBER: AtomicU64 = AtomicU64::new(0);

impl Load {
    pub(crate) fn new(address: SocketAddr, path: &str) -> Self {
        Self {
            address,
            path: path.to_owned(),
        }
    }

    /// One request, whole.
    pub(crate) fn request(&self) -> (String, Vec<u8>) {
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let call = format!("CAL{:08x}{number:024x}", std::process::id());
        let mut body = json!({
            "resource_id": call,
            "company_resource_id": simulators::callrail::COMPANIES[1],
            "answered": true,
            "direction": "inbound",
            "call_type": "answered",
            "duration": "31",
            "start_time": jiff::Timestamp::from_millisecond(1_773_758_462_101 + number.cast_signed()).unwrap(),
            "customer_name": "Dana Whitfield",
            "customer_phone_number": format!("+1512{}", 2_000_000 + number % 8_000_000),
            "customer_city": "Round Rock",
            "customer_state": "TX",
            "business_phone_number": "+15125550100",
            "tracking_phone_number": "+15125550117",
            "source": "Google Ads",
            "recording": "https://app.callrail.com/calls/1/recording/redirect",
            "tags": ["kitchen"],
            "custom": "",
        });
        let missing = 1024usize.saturating_sub(body.to_string().len());
        body["custom"] = json!("x".repeat(missing));
        let body = body.to_string();
        let signature = sha1_signature(simulators::callrail::SIGNING_KEY, body.as_bytes());
        let head = format!(
            "POST {} HTTP/1.1\r\nhost: bench\r\ncontent-type: application/json\r\nsignature: {signature}\r\n\
             content-length: {}\r\n\r\n",
            self.path,
            body.len()
        );
        (call, [head.as_bytes(), body.as_bytes()].concat())
    }

    pub(crate) async fn connect(&self) -> Connection {
        let stream = TcpStream::connect(self.address).await.unwrap();
        stream.set_nodelay(true).unwrap();
        Connection {
            stream,
            buffer: Vec::with_capacity(4096),
        }
    }
}

/// A connection that is kept.
pub(crate) struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Connection {
    /// Sends a request and reads its answer: status and body.
    pub(crate) async fn exchange(&mut self, request: &[u8]) -> (u16, String) {
        self.stream.write_all(request).await.unwrap();
        self.buffer.clear();
        loop {
            let head_end = self
                .buffer
                .windows(4)
                .position(|window| window == b"\r\n\r\n");
            if let Some(end) = head_end {
                let head = String::from_utf8_lossy(&self.buffer[..end]).to_lowercase();
                let length: usize = head
                    .lines()
                    .find_map(|line| line.strip_prefix("content-length: "))
                    .map_or(0, |length| length.trim().parse().unwrap());
                if self.buffer.len() >= end + 4 + length {
                    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
                    let body = String::from_utf8_lossy(&self.buffer[end + 4..end + 4 + length]);
                    return (status, body.into_owned());
                }
            }
            let read = self.stream.read_buf(&mut self.buffer).await.unwrap();
            assert!(read > 0, "the server closed a connection");
        }
    }
}

/// Every connection sends its next delivery as soon as the last is answered.
pub(crate) async fn closed_loop(load: &Load, connections: usize, duration: Duration) -> Outcome {
    let started = Instant::now();
    send(load, connections, move || started.elapsed() < duration).await
}

/// The same, until so many are sent.
pub(crate) async fn closed_loop_of(load: &Load, connections: usize, count: u64) -> Outcome {
    let left = AtomicU64::new(count);
    let take = move || {
        let taken = left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| {
            left.checked_sub(1)
        });
        taken.is_ok()
    };
    send(load, connections, take).await
}

async fn send(
    load: &Load,
    connections: usize,
    goes_on: impl Fn() -> bool + Send + Sync + 'static,
) -> Outcome {
    let started = Instant::now();
    let goes_on = Arc::new(goes_on);
    let workers: Vec<_> = (0..connections)
        .map(|_| {
            let (load, goes_on) = (load.clone(), goes_on.clone());
            tokio::spawn(async move {
                let mut connection = load.connect().await;
                let (mut latencies, mut refused) = (Vec::new(), 0);
                while goes_on() {
                    let (_, request) = load.request();
                    let sent = Instant::now();
                    match connection.exchange(&request).await.0 {
                        200 => latencies.push(sent.elapsed()),
                        _ => refused += 1,
                    }
                }
                (latencies, refused)
            })
        })
        .collect();
    let (mut latencies, mut refused) = (Vec::new(), 0);
    for worker in workers {
        let (some, others) = worker.await.unwrap();
        latencies.extend(some);
        refused += others;
    }
    latencies.sort();
    Outcome {
        latencies,
        refused,
        took: started.elapsed(),
    }
}

/// Deliveries at a fixed rate, whatever the answers do; each is timed from when it was due.
pub(crate) async fn open_loop(load: &Load, per_second: u32, duration: Duration) -> Outcome {
    let idle: Arc<Mutex<Vec<Connection>>> = Arc::default();
    let started = Instant::now();
    let mut due = started;
    let mut sent = Vec::new();
    while started.elapsed() < duration {
        tokio::time::sleep_until(due.into()).await;
        let (load, idle, due_at) = (load.clone(), idle.clone(), due);
        sent.push(tokio::spawn(async move {
            let (_, request) = load.request();
            let kept = idle.lock().await.pop();
            let mut connection = match kept {
                Some(connection) => connection,
                None => load.connect().await,
            };
            let (status, _) = connection.exchange(&request).await;
            let took = due_at.elapsed();
            idle.lock().await.push(connection);
            (status, took)
        }));
        due += Duration::from_secs(1) / per_second;
    }
    let (mut latencies, mut refused) = (Vec::new(), 0);
    for one in sent {
        match one.await.unwrap() {
            (200, took) => latencies.push(took),
            _ => refused += 1,
        }
    }
    latencies.sort();
    Outcome {
        latencies,
        refused,
        took: started.elapsed(),
    }
}
