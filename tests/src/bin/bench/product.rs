//! The product as a process of its own, and what is seen of it from outside.

use std::{
    collections::BTreeMap,
    fs,
    net::SocketAddr,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use jiff::Timestamp;
use pipeline::data_folder::{ServerFile, running_server};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::load::{Load, Outcome};

/// Longest wait for anything.
const PATIENCE: Duration = Duration::from_secs(120);

pub(crate) struct Product {
    pub(crate) address: SocketAddr,
    pub(crate) ready_after: Duration,
    server: ServerFile,
    process: Child,
    http: reqwest::Client,
    _folder: TempDir,
}

/// How much memory a large recording took.
pub(crate) struct LargeRecording {
    pub(crate) bytes: u64,
    pub(crate) peak_before: u64,
    pub(crate) peak_after: u64,
    pub(crate) took: Duration,
}

impl Product {
    /// Starts the release build of `pipeline`, which lies beside this program.
    pub(crate) async fn start(settings: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let program = std::env::current_exe().unwrap().with_file_name("pipeline");
        let started = Instant::now();
        let process = Command::new(program)
            .args(["run", "--port", "0", "--data-dir"])
            .arg(folder.path())
            .envs(settings.iter().copied())
            .env("TENANT_QUOTA_PER_SECOND", "1000000")
            .env("TENANT_QUOTA_BURST", "1000000")
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
            _folder: folder,
        }
    }

    /// Processor time that the process has used.
    pub(crate) fn cpu_time(&self) -> Duration {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.process.id())).unwrap();
        // Fields 14 and 15 count ticks of 10 ms; the second field is a name in parentheses.
        let fields: Vec<&str> = stat
            .rsplit_once(')')
            .unwrap()
            .1
            .split_whitespace()
            .collect();
        let ticks: u64 = fields[11..13]
            .iter()
            .map(|field| field.parse::<u64>().unwrap())
            .sum();
        Duration::from_millis(ticks * 10)
    }

    pub(crate) fn resident_bytes(&self) -> u64 {
        self.status("VmRSS:")
    }

    fn status(&self, field: &str) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.process.id())).unwrap();
        let line = status
            .lines()
            .find_map(|line| line.strip_prefix(field))
            .unwrap();
        line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() * 1024
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
        let peak_before = self.status("VmHWM:");
        let started = Instant::now();
        let (_, body) = load.connect().await.exchange(&request).await;
        let body: Value = serde_json::from_str(&body).unwrap();
        let request = body["request_id"].as_str().unwrap().to_owned();
        loop {
            let deals = self.deals(0).await;
            if deals.contains_key(&request) {
                let peak_after = self.status("VmHWM:");
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
