//! Tenants that send little, alone and beside one that floods: what the flood costs them.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use domain::RequestId;
use futures::future::join_all;
use jiff::Timestamp;
use serde_json::json;
use simulators::Fault;
use tests::{CallBody, Company, World};
use tokio::task::JoinHandle;

use crate::load::Outcome;

/// Tenants that send little, and how often each of them does. Of so many deliveries one is a lead; the others are
/// events of calls that are stored only.
const NEIGHBORS: u32 = 9;
const INTERVAL: Duration = Duration::from_secs(1);
const OF_DELIVERIES: u32 = 3;
/// How many times as much as one of them the flooding tenant sends.
const TIMES: u32 = 50;
/// What a provider takes to answer: a dispatch takes three seconds then, so that the flood is more than all workers of
/// the stage get done.
const PROVIDERS_TAKE: Duration = Duration::from_millis(600);

/// What the neighbors saw.
pub(crate) struct Seen {
    /// How long each of their deliveries took to be acknowledged.
    pub(crate) accepting: Outcome,
    /// From a lead's acknowledgement to the CRM's record.
    pub(crate) end_to_end: Outcome,
}

pub(crate) struct FloodFigures {
    pub(crate) alone: Seen,
    pub(crate) beside: Seen,
    /// How many times as much as a neighbor the flooding tenant sent.
    pub(crate) times: f64,
    /// Leads of the flood that the CRM did not have when it ended.
    pub(crate) behind: usize,
}

/// Measures for so long alone, and for as long beside the flood.
pub(crate) async fn measure(duration: Duration) -> FloodFigures {
    let unlimited = [
        ("TENANT_QUOTA_PER_SECOND", "1000000"),
        ("TENANT_QUOTA_BURST", "1000000"),
        ("LOG", "warn"),
    ];
    let world = Arc::new(World::with_settings(unlimited).await);
    let loud = world.add_tenant("loud").await;
    let mut neighbors = Vec::new();
    for number in 0..NEIGHBORS {
        neighbors.push(world.add_tenant(&format!("quiet_{number}")).await);
    }
    // What is done once: connections, caches.
    for company in neighbors.iter().chain([&loud]) {
        deliver(&world, company, 0).await;
    }
    world
        .eventually("the first leads are in the CRM", async || {
            deals(&world).len() > neighbors.len()
        })
        .await;
    let simulators = world.simulators();
    simulators.gemini().always(Fault::Slow(PROVIDERS_TAKE));
    simulators.hubspot().always(Fault::Slow(PROVIDERS_TAKE));

    let alone = seen(&world, &neighbors, duration).await;
    let flood = Flood::begin(&world, &loud);
    let beside = seen(&world, &neighbors, duration).await;
    let (times, leads) = flood.end().await;
    let of_neighbors = alone.end_to_end.latencies.len() + beside.end_to_end.latencies.len();
    let warm_up = neighbors.len() + 1;
    let done = deals(&world).len() - of_neighbors - warm_up;
    simulators.gemini().clear_faults();
    simulators.hubspot().clear_faults();
    let world = Arc::into_inner(world).expect("nobody else uses the world any more");
    world.stop_early().await;
    FloodFigures {
        alone,
        beside,
        times,
        behind: leads.saturating_sub(done),
    }
}

/// Deliveries that were made: no two are of one call, and none of call zero, which names nobody.
static DELIVERIES: AtomicU32 = AtomicU32::new(1);

/// Sends a company's next delivery; answers the request if it is a lead.
async fn deliver(world: &World, company: &Company, number: u32) -> Option<RequestId> {
    let call = DELIVERIES.fetch_add(1, Ordering::Relaxed);
    let is_lead = number.is_multiple_of(OF_DELIVERIES);
    let event = if is_lead {
        "post-call"
    } else {
        "convert-assist"
    };
    let body = CallBody::post_call(&format!("CAL{call:032x}")).with(
        "customer_phone_number",
        json!(format!("+1512{:07}", 2_000_000 + call)),
    );
    let answer = company.deliver(world, event, &body).await;
    assert!(answer.status.is_success(), "{answer:?}");
    is_lead.then(|| answer.request_id())
}

/// Lets the neighbors send, each at moments of its own, and waits until the CRM has their leads.
async fn seen(world: &Arc<World>, neighbors: &[Company], duration: Duration) -> Seen {
    let begin = Instant::now();
    let senders = neighbors.iter().zip(0..).map(|(company, index)| {
        let (world, company) = (world.clone(), company.clone());
        tokio::spawn(async move {
            let (mut latencies, mut leads) = (Vec::new(), Vec::new());
            let mut due = begin + INTERVAL * index / NEIGHBORS;
            for number in index.. {
                tokio::time::sleep_until(due.into()).await;
                if begin.elapsed() >= duration {
                    break;
                }
                let sent = Instant::now();
                let request = deliver(&world, &company, number).await;
                latencies.push(sent.elapsed());
                leads.extend(request.map(|request| (request, world.now())));
                due += INTERVAL;
            }
            (latencies, leads)
        })
    });
    let (mut accepting, mut leads) = (Vec::new(), Vec::new());
    for sender in join_all(senders.collect::<Vec<_>>()).await {
        let (latencies, acknowledged) = sender.unwrap();
        accepting.extend(latencies);
        leads.extend(acknowledged);
    }
    let mut made = BTreeMap::new();
    world
        .eventually("every neighbor's lead is in the CRM", async || {
            // Looking is work, too.
            tokio::time::sleep(Duration::from_millis(200)).await;
            made = deals(world);
            leads.iter().all(|(request, _)| made.contains_key(request))
        })
        .await;
    let end_to_end = leads
        .iter()
        .map(|(request, at)| Duration::try_from(made[request].duration_since(*at)));
    Seen {
        accepting: outcome(accepting, duration),
        end_to_end: outcome(
            end_to_end.map(Result::unwrap_or_default).collect(),
            duration,
        ),
    }
}

fn outcome(mut latencies: Vec<Duration>, took: Duration) -> Outcome {
    latencies.sort();
    Outcome {
        latencies,
        refused: 0,
        took,
    }
}

/// A tenant that sends so many times as much as a neighbor, until it is told to stop.
struct Flood {
    is_stopped: Arc<AtomicBool>,
    leads: Arc<AtomicUsize>,
    sending: JoinHandle<u32>,
    began: Instant,
}

impl Flood {
    fn begin(world: &Arc<World>, company: &Company) -> Self {
        let (is_stopped, leads) = (Arc::new(AtomicBool::new(false)), Arc::default());
        let (world, company, stopped) = (world.clone(), company.clone(), is_stopped.clone());
        let counted: Arc<AtomicUsize> = Arc::clone(&leads);
        let sending = tokio::spawn(async move {
            let mut due = Instant::now();
            let mut sent = Vec::new();
            for number in 0.. {
                if stopped.load(Ordering::Relaxed) {
                    break;
                }
                tokio::time::sleep_until(due.into()).await;
                let (world, company, leads) = (world.clone(), company.clone(), counted.clone());
                sent.push(tokio::spawn(async move {
                    let lead = deliver(&world, &company, number).await;
                    leads.fetch_add(usize::from(lead.is_some()), Ordering::Relaxed);
                }));
                due += INTERVAL / TIMES;
            }
            let count = u32::try_from(sent.len()).unwrap();
            for one in sent {
                one.await.unwrap();
            }
            count
        });
        Self {
            is_stopped,
            leads,
            sending,
            began: Instant::now(),
        }
    }

    /// Stops; answers how many times as much as a neighbor it sent, and how many leads.
    async fn end(self) -> (f64, usize) {
        let lasted = self.began.elapsed();
        self.is_stopped.store(true, Ordering::Relaxed);
        let sent = self.sending.await.unwrap();
        let times = f64::from(sent) * INTERVAL.as_secs_f64() / lasted.as_secs_f64();
        (times, self.leads.load(Ordering::Relaxed))
    }
}

/// When the CRM made each request's deal.
fn deals(world: &World) -> BTreeMap<RequestId, Timestamp> {
    let deals = world.simulators().hubspot().deals().into_iter();
    deals
        .filter_map(|deal| {
            let request = deal.properties.get("deal_external_id")?.parse().ok()?;
            Some((request, deal.created_at))
        })
        .collect()
}
