//! The product as a process of its own, and what is seen of it from outside.

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    path::PathBuf,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use jiff::Timestamp;
use pipeline::data_folder::{ServerFile, running_server};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{
    load::{Load, Outcome},
    process,
};

/// Longest wait for anything.
const PATIENCE: Duration = Duration::from_secs(120);

pub(crate) struct Product {
    pub(crate) address: SocketAddr,
    pub(crate) ready_after: Duration,
    server: ServerFile,
    process: Child,
    http: reqwest::Client,
    folder: Option<TempDir>,
}

/// How much memory a large recording took.
pub(crate) struct LargeRecording {
    pub(crate) bytes: u64,
    pub(crate) peak_before: u64,
    pub(crate) peak_after: u64,
    pub(crate) took: Duration,
}

impl Product {
    /// Starts the release build of `pipeline`, which lies beside this program, on a fresh data folder.
    pub(crate) async fn start(settings: &[(&str, &str)]) -> Self {
        Self::start_in(tempfile::tempdir().unwrap(), settings).await
    }

    /// The same on a given folder.
    pub(crate) async fn start_in(folder: TempDir, settings: &[(&str, &str)]) -> Self {
        let started = Instant::now();
        let process = Command::new(program())
            .args(["run", "--port", "0", "--data-dir"])
            .arg(folder.path())
            .envs(settings.iter().copied())
            .env("TENANT_QUOTA_PER_SECOND", "1000000")
            .env("TENANT_QUOTA_BURST", "1000000")
            .env("API_CALLS_PER_MINUTE", "1000000")
            .env("API_CALLS_PER_MINUTE_OF_TENANT", "1000000")
            .env("LOG", "warn")
            .stdout(Stdio::null())
            .spawn()
            .expect("the program `pipeline` lies beside this one: build it first");
        let http = client();
        let (server, ready_after) = loop {
            if let Ok(server) = running_server(folder.path())
                && let Ok(answer) = http
                    .get(format!("http://{}/v1/health/ready", server.address))
                    .send()
                    .await
                && answer.status().is_success()
            {
                break (server, started.elapsed());
            }
            assert!(started.elapsed() < PATIENCE, "the product does not start");
            tokio::time::sleep(Duration::from_millis(5)).await;
        };
        Self {
            address: server.address,
            ready_after,
            server,
            process,
            http,
            folder: Some(folder),
        }
    }

    /// Kills the process and leaves what it has stored.
    pub(crate) fn kill(mut self) -> TempDir {
        self.folder.take().unwrap()
    }

    /// Processor time that the process has used.
    pub(crate) fn cpu_time(&self) -> Duration {
        process::cpu_time(&self.process)
    }

    pub(crate) fn resident_bytes(&self) -> u64 {
        process::memory(&self.process, "VmRSS:")
    }

    pub(crate) fn written_bytes(&self) -> u64 {
        process::written_bytes(&self.process)
    }

    /// Sends calls at a rate; answers how long each took from its acknowledgement to the CRM's record.
    pub(crate) async fn end_to_end(&self, per_second: u32, duration: Duration) -> Outcome {
        let load = Load::new(
            self.address,
            &format!("/v1/hooks/{}/post-call", pipeline::demo::token("callrail")),
        );
        let started = Instant::now();
        let mut due = started;
        let mut sent = Vec::new();
        while started.elapsed() < duration {
            tokio::time::sleep_until(due.into()).await;
            let load = load.clone();
            sent.push(tokio::spawn(async move {
                let (_, request) = load.request();
                let (status, body) = load.connect().await.exchange(&request).await;
                assert_eq!(status, 200, "{body}");
                let body: Value = serde_json::from_str(&body).unwrap();
                (body["request_id"].as_str().unwrap().to_owned(), now())
            }));
            due += Duration::from_secs(1) / per_second;
        }
        let mut acknowledged = BTreeMap::new();
        for one in sent {
            let (request, at) = one.await.unwrap();
            acknowledged.insert(request, at);
        }
        let took = started.elapsed();
        let deals = self.deals(acknowledged.len()).await;
        let mut latencies: Vec<_> = acknowledged
            .iter()
            .map(|(request, at)| {
                let created = deals.get(request).expect("every request has a deal");
                Duration::try_from(created.duration_since(*at)).unwrap_or_default()
            })
            .collect();
        latencies.sort();
        Outcome {
            latencies,
            refused: 0,
            took,
        }
    }

    /// When the CRM made each request's deal, once it has as many.
    async fn deals(&self, count: usize) -> BTreeMap<String, Timestamp> {
        let url = format!("{}/_sim/deals", self.server.simulators["hubspot"]);
        let started = Instant::now();
        loop {
            let deals = self.json(&url).await;
            let found: BTreeMap<_, _> = items(&deals)
                .iter()
                .map(|deal| {
                    let id = deal["properties"]["deal_external_id"]
                        .as_str()
                        .unwrap_or_default()
                        .to_owned();
                    (id, deal["createdAt"].as_str().unwrap().parse().unwrap())
                })
                .collect();
            if found.len() >= count {
                return found;
            }
            assert!(
                started.elapsed() < PATIENCE,
                "{} of {count} deals",
                found.len()
            );
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }

    /// Lets a recording of `bytes` pass.
    pub(crate) async fn large_recording(&self, bytes: u64) -> LargeRecording {
        let load = Load::new(
            self.address,
            &format!("/v1/hooks/{}/post-call", pipeline::demo::token("callrail")),
        );
        let (call, request) = load.request();
        let order = format!("{}/_sim/calls/{call}", self.server.simulators["callrail"]);
        let answer = self
            .http
            .put(order)
            .json(&json!({ "recording_bytes": bytes }))
            .send()
            .await
            .unwrap();
        assert!(
            answer.status().is_success(),
            "the simulated CallRail takes the order"
        );
        let peak_before = process::memory(&self.process, "VmHWM:");
        let started = Instant::now();
        let (_, body) = load.connect().await.exchange(&request).await;
        let body: Value = serde_json::from_str(&body).unwrap();
        let request = body["request_id"].as_str().unwrap().to_owned();
        loop {
            let deals = self.deals(0).await;
            if deals.contains_key(&request) {
                let peak_after = process::memory(&self.process, "VmHWM:");
                return LargeRecording {
                    bytes,
                    peak_before,
                    peak_after,
                    took: started.elapsed(),
                };
            }
            assert!(
                started.elapsed() < PATIENCE,
                "the large recording never passed"
            );
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// How many deals the CRM has.
    pub(crate) async fn deal_count(&self) -> u64 {
        let url = format!("{}/_sim/view?limit=1", self.server.simulators["hubspot"]);
        self.json(&url).await["counts"]["deals"].as_u64().unwrap()
    }

    /// How long the API takes to answer about the demo tenant, the median of some.
    pub(crate) async fn answers_after(&self, path: &str) -> Duration {
        let times = self.times_of(path, 15).await;
        times[times.len() / 2]
    }

    /// How long each of so many answers took, the shortest first.
    #[expect(clippy::disallowed_methods, reason = "the product's own answers")]
    pub(crate) async fn times_of(&self, path: &str, rounds: usize) -> Vec<Duration> {
        let url = self.url(path);
        let token = self.token();
        let mut times = Vec::new();
        for _ in 0..rounds {
            let asked = Instant::now();
            let answer = self.http.get(&url).bearer_auth(&token).send().await;
            let answer = answer.unwrap().error_for_status().unwrap();
            answer.bytes().await.unwrap();
            times.push(asked.elapsed());
        }
        times.sort();
        times
    }

    /// How long the API takes to answer about the demo tenant: each path in turn, so many times.
    #[expect(clippy::disallowed_methods, reason = "the product's own answers")]
    pub(crate) async fn answers_to(&self, paths: &[String], rounds: usize) -> Vec<Duration> {
        let token = self.token();
        let mut times = Vec::new();
        for round in 0..=rounds {
            for path in paths {
                let url = self.url(path);
                let asked = Instant::now();
                let answer = self.http.get(&url).bearer_auth(&token).send().await;
                let answer = answer.unwrap().error_for_status().unwrap();
                answer.bytes().await.unwrap();
                // The first answers fill the caches.
                if round > 0 {
                    times.push(asked.elapsed());
                }
            }
        }
        times
    }

    /// What the API answers about the demo tenant.
    #[expect(clippy::disallowed_methods, reason = "the product's own answers")]
    pub(crate) async fn ask(&self, path: &str) -> Value {
        let answer = self.http.get(self.url(path)).bearer_auth(self.token());
        let answer = answer.send().await.unwrap().error_for_status().unwrap();
        answer.json().await.unwrap()
    }

    fn url(&self, path: &str) -> String {
        format!(
            "http://{}/v1/tenants/{}/{path}",
            self.address,
            pipeline::demo::TENANT
        )
    }

    /// A token of the demo tenant's administrator.
    fn token(&self) -> String {
        let folder = self.folder.as_ref().unwrap().path();
        let made = Command::new(program())
            .args(["token", "--data-dir"])
            .arg(folder)
            .output()
            .unwrap();
        String::from_utf8(made.stdout).unwrap().trim().to_owned()
    }

    #[expect(clippy::disallowed_methods, reason = "the simulators' own answers")]
    async fn json(&self, url: &str) -> Value {
        self.http
            .get(url)
            .send()
            .await
            .unwrap()
            .json()
            .await
            .unwrap()
    }
}

impl Drop for Product {
    fn drop(&mut self) {
        self.process.kill().ok();
        self.process.wait().ok();
    }
}

/// The release build of `pipeline`.
pub(crate) fn program() -> PathBuf {
    std::env::current_exe().unwrap().with_file_name("pipeline")
}

fn items(list: &Value) -> Vec<Value> {
    list.as_array()
        .or_else(|| list["deals"].as_array())
        .cloned()
        .unwrap_or_default()
}

#[expect(
    clippy::disallowed_methods,
    reason = "compared with the simulators' clock"
)]
fn now() -> Timestamp {
    Timestamp::now()
}

#[expect(clippy::disallowed_methods, reason = "a tool for developers")]
fn client() -> reqwest::Client {
    reqwest::Client::builder().no_proxy().build().unwrap()
}
