//! Simulators with a clock of their own, and a client that reads whole answers.

use std::sync::{Arc, LazyLock, Mutex};
use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value;
use simulators::{Config, Simulators};

/// Simulators and a clock that only tests move.
pub(crate) struct World {
    pub(crate) simulators: Simulators,
    time: Arc<Mutex<Timestamp>>,
}

impl World {
    pub(crate) async fn start() -> Self {
        Self::with(|_| {}).await
    }

    pub(crate) async fn with(configure: impl FnOnce(&mut Config)) -> Self {
        let time = Arc::new(Mutex::new(
            "2026-11-20T15:00:00Z".parse::<Timestamp>().unwrap(),
        ));
        let clock = Arc::clone(&time);
        let mut config = Config {
            now: Arc::new(move || *clock.lock().unwrap()),
            ..Config::default()
        };
        configure(&mut config);
        Self {
            simulators: Simulators::start(config).await.unwrap(),
            time,
        }
    }

    pub(crate) fn pass(&self, time: Duration) {
        *self.time.lock().unwrap() += time;
    }

    pub(crate) fn now(&self) -> Timestamp {
        *self.time.lock().unwrap()
    }
}

/// An answer, read to its end.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: reqwest::header::HeaderMap,
    pub(crate) bytes: Vec<u8>,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        let text = String::from_utf8_lossy(&self.bytes);
        serde_json::from_slice(&self.bytes)
            .unwrap_or_else(|error| panic!("{} {text}: {error}", self.status))
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map_or("", |value| value.to_str().unwrap())
    }

    /// The JSON of an answer that must have this status.
    pub(crate) fn expect(self, status: u16) -> Value {
        let text = String::from_utf8_lossy(&self.bytes).into_owned();
        assert_eq!(self.status, status, "{text}");
        if self.bytes.is_empty() {
            Value::Null
        } else {
            self.json()
        }
    }
}

/// One client for all tests; it keeps no connection, as each test has a runtime of its own.
static CLIENT: LazyLock<reqwest::Client> = LazyLock::new(|| {
    #[expect(clippy::disallowed_methods, reason = "tests talk to simulators only")]
    reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .timeout(Duration::from_secs(20))
        .pool_max_idle_per_host(0)
        .build()
        .unwrap()
});

pub(crate) fn client() -> &'static reqwest::Client {
    &CLIENT
}

/// Sends and reads the whole answer; an error when the connection breaks on the way.
pub(crate) async fn try_send(request: reqwest::RequestBuilder) -> Result<Answer, reqwest::Error> {
    let response = request.send().await?;
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    #[expect(clippy::disallowed_methods, reason = "tests talk to simulators only")]
    let bytes = response.bytes().await?;
    Ok(Answer {
        status,
        headers,
        bytes: bytes.to_vec(),
    })
}

pub(crate) async fn send(request: reqwest::RequestBuilder) -> Answer {
    try_send(request).await.unwrap()
}

pub(crate) async fn get(url: &str) -> Answer {
    send(client().get(url)).await
}

pub(crate) async fn put(url: &str, body: &Value) -> Answer {
    send(client().put(url).json(body)).await
}

/// Waits until something is so, for at most ten seconds.
pub(crate) async fn eventually(what: &str, mut is_so: impl FnMut() -> bool) {
    for _ in 0..1000 {
        if is_so() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("it never came about: {what}");
}
