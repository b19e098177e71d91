//! What a lead costs over all stages. The simulators are a process of their own, so that the product's is measured alone.

use std::{
    io::{BufRead as _, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use futures::future::join_all;
use tempfile::TempDir;

use crate::{
    load::Load,
    product::{self, Product},
};

/// Leads before anything is measured: caches fill, connections open.
const WARM_UP: u64 = 600;
/// Leads that are measured.
const MEASURED: u64 = 4_200;
/// How long the product rests before its memory is read for the last time.
const REST: Duration = Duration::from_secs(20);
/// Connections that deliver.
const SENDERS: u64 = 16;
/// Longest wait for all leads.
const PATIENCE: Duration = Duration::from_secs(300);

/// What was measured.
pub(crate) struct Figures {
    pub(crate) leads: u64,
    /// From the first delivery to the last deal.
    pub(crate) took: Duration,
    /// Of the product's process alone.
    pub(crate) cpu_per_lead: Duration,
    /// Handed to the file system, recordings included.
    pub(crate) written_per_lead: u64,
    /// After the warm-up, after all leads, and after a rest.
    pub(crate) memory: [u64; 3],
}

/// `pipeline simulate`.
struct Simulators {
    process: Child,
    /// Settings that point a product at them.
    settings: Vec<(String, String)>,
}

impl Simulators {
    fn start(blobs: &Path) -> Self {
        let mut process = Command::new(product::program())
            .args(["simulate", "--blobs"])
            .arg(blobs)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let settings = lines
            .map(Result::unwrap)
            .skip(1)
            .map_while(|line| {
                let (key, value) = line.split_once('=')?;
                Some((key.to_owned(), value.to_owned()))
            })
            .collect();
        Self { process, settings }
    }
}

impl Drop for Simulators {
    fn drop(&mut self) {
        self.process.kill().ok();
        self.process.wait().ok();
    }
}

pub(crate) async fn measure(target: &str) -> Figures {
    let folder = tempfile::tempdir().unwrap();
    let simulators = Simulators::start(&folder.path().join("blobs"));
    let product = start(folder, &simulators).await;
    pass(&product, target, 0, WARM_UP).await;
    let after_warm_up = product.resident_bytes();
    let (cpu, written) = (product.cpu_time(), product.written_bytes());
    let took = pass(&product, target, WARM_UP, MEASURED).await;
    let cpu_per_lead = (product.cpu_time() - cpu) / u32::try_from(MEASURED).unwrap();
    let written_per_lead = (product.written_bytes() - written) / MEASURED;
    let after_all = product.resident_bytes();
    tokio::time::sleep(REST).await;
    Figures {
        leads: MEASURED,
        took,
        cpu_per_lead,
        written_per_lead,
        memory: [after_warm_up, after_all, product.resident_bytes()],
    }
}

async fn start(folder: TempDir, simulators: &Simulators) -> Product {
    let settings = simulators.settings.iter();
    let settings: Vec<_> = settings
        .map(|(key, value)| (key.as_str(), value.as_str()))
        .collect();
    Product::start_in(folder, &settings).await
}

/// Delivers leads at once and waits for their deals; `before` is how many the CRM has already.
async fn pass(product: &Product, target: &str, before: u64, count: u64) -> Duration {
    let load = Load::new(product.address, target);
    let started = Instant::now();
    let senders = (0..SENDERS).map(|sender| {
        let load = load.clone();
        async move {
            let mut connection = load.connect().await;
            for _ in (sender..count).step_by(usize::try_from(SENDERS).unwrap()) {
                let (_, request) = load.request();
                let (status, body) = connection.exchange(&request).await;
                assert_eq!(status, 200, "{body}");
            }
        }
    });
    join_all(senders).await;
    loop {
        let deals = product.deal_count().await;
        if deals >= before + count {
            return started.elapsed();
        }
        assert!(
            started.elapsed() < PATIENCE,
            "{deals} of {} deals",
            before + count
        );
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
