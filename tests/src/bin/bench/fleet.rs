//! The fleet on fresh emulators: six processes, each as it is deployed.

use std::{
    fs,
    time::{Duration, Instant},
};

use serde_json::Value;
use tests::fleet::{Fleet, FleetOptions};

use crate::load::{Load, Outcome};

/// Longest wait for one call's deal.
const PATIENCE: Duration = Duration::from_secs(30);
/// How often the CRM is asked: a part of what is measured.
const PAUSE: Duration = Duration::from_millis(5);

pub(crate) struct FleetFigures {
    /// Each service, how long it took from its start to ready, and its memory when idle, in bytes.
    pub(crate) services: Vec<(&'static str, Duration, u64)>,
    /// From acknowledgement to the CRM's record: the first call of all, when nothing is connected yet.
    pub(crate) first_call: Duration,
    /// The same of all later calls, one at a time.
    pub(crate) calls: Outcome,
}

pub(crate) async fn measure(calls: u32) -> FleetFigures {
    let folder = tempfile::tempdir().unwrap();
    let itself = std::env::current_exe().unwrap();
    let options = FleetOptions {
        port: 0,
        programs: itself.parent().unwrap().to_owned(),
        ingest: "webhook-ingest",
        settings: vec![("LOG".to_owned(), "warn".to_owned())],
        simulators: simulators::Config::default(),
    };
    let started = Box::pin(Fleet::start(&folder.path().join("fleet"), options)).await;
    let fleet = started.unwrap_or_else(|error| panic!("{error:#}"));
    tokio::time::sleep(Duration::from_secs(2)).await;
    let services = fleet
        .instances
        .iter()
        .map(|instance| {
            let process = instance.process().unwrap();
            (
                instance.name.as_str(),
                instance.ready_after,
                resident(process),
            )
        })
        .collect();

    let target = format!("/v1/hooks/{}/post-call", pipeline::demo::token("callrail"));
    let load = Load::new(fleet.address, &target);
    let began = Instant::now();
    let mut latencies = Vec::new();
    for _ in 0..=calls {
        let (_, request) = load.request();
        let (status, body) = load.connect().await.exchange(&request).await;
        assert_eq!(status, 200, "{body}");
        let acknowledged = Instant::now();
        let body: Value = serde_json::from_str(&body).unwrap();
        let request = body["request_id"].as_str().unwrap();
        while !has_deal(&fleet, request) {
            assert!(acknowledged.elapsed() < PATIENCE, "{request} has no deal");
            tokio::time::sleep(PAUSE).await;
        }
        latencies.push(acknowledged.elapsed());
    }
    let first_call = latencies.remove(0);
    latencies.sort();
    FleetFigures {
        services,
        first_call,
        calls: Outcome {
            latencies,
            refused: 0,
            took: began.elapsed(),
        },
    }
}

fn has_deal(fleet: &Fleet, request: &str) -> bool {
    let deals = fleet.simulators.hubspot().deals();
    deals.iter().any(|deal| {
        deal.properties
            .get("deal_external_id")
            .is_some_and(|id| id == request)
    })
}

/// What a process has in memory, in bytes.
fn resident(process: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib: u64 = line
        .unwrap()
        .trim()
        .trim_end_matches(" kB")
        .parse()
        .unwrap();
    kib * 1024
}
