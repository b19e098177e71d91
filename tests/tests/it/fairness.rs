//! A tenant that floods, and its neighbours.
//!
//! Two things are held: the neighbours' times, and how much of the flood goes before them. Times are judged only where
//! the machine let the test run: a thread that sleeps and wakes tells (see [`Canary`]). The order is judged always.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use domain::RequestId;
use futures::future::join_all;
use jiff::Timestamp;
use serde_json::json;
use simulators::Fault;
use tests::{CallBody, Company, World};
use tokio::task::JoinHandle;

/// Tenants that send little, and how often each of them does. Of so many deliveries one is a lead; the others are
/// events of calls that are stored only.
const QUIET_TENANTS: u32 = 9;
const QUIET_INTERVAL: Duration = Duration::from_secs(1);
const OF_DELIVERIES: u32 = 3;
/// How many times the load of one of them the loud tenant sends.
const TIMES: u32 = 50;
/// What a provider takes to answer: a dispatch takes three seconds then, so that the flood is more than all workers of
/// the stage get done.
const PROVIDERS_TAKE: Duration = Duration::from_millis(600);
/// How long is measured, alone and beside the flood, and in how many slices.
const PHASE: Duration = Duration::from_secs(12);
const SLICES: u32 = 4;
/// What may be added to a figure that was measured alone. Beyond it, twice the figure is the limit.
const FLOOR: Duration = Duration::from_millis(50);
/// How late a thread may wake where the machine lets it run, and how many slices must be so.
const CALM: Duration = Duration::from_millis(3);
const LEAST_CALM_SLICES: usize = 2;
/// Leads of the flood that may come into the CRM while one of a neighbour's is on its way: what the loud tenant's
/// workers get done in that time, twice over. In the order of arrival it would be all that came before.
const MOST_BETWEEN: usize = 40;

/// What the quiet tenants saw in one slice of a phase.
#[derive(Debug, Clone, Copy)]
struct Figures {
    accept_p99: Duration,
    end_to_end_p95: Duration,
    /// How late the canary woke.
    late_p90: Duration,
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            accept_p99,
            end_to_end_p95,
            late_p90,
        } = self;
        write!(
            f,
            "accept p99 {accept_p99:.1?}, end to end p95 {end_to_end_p95:.1?} (woken {late_p90:.1?} late)"
        )
    }
}

impl Figures {
    /// What counts of the slices in which the machine let us run; none when there are too few. Of accepting the best:
    /// one write of somebody else's to the disk is a slice's p99, while a queue of the flood's would be in all of them.
    /// Of the whole way the median: the longer the flood lasts, the longer a queue would be.
    fn of(slices: &[Self]) -> Option<Self> {
        let calm: Vec<_> = slices
            .iter()
            .filter(|figures| figures.late_p90 <= CALM)
            .collect();
        let of_calm = |percent, figure: fn(&Self) -> Duration| {
            percentile(calm.iter().map(|figures| figure(figures)), percent)
        };
        (calm.len() >= LEAST_CALM_SLICES).then(|| Self {
            accept_p99: of_calm(0, |figures| figures.accept_p99),
            end_to_end_p95: of_calm(50, |figures| figures.end_to_end_p95),
            late_p90: of_calm(50, |figures| figures.late_p90),
        })
    }
}

/// A thread that sleeps again and again: how late it wakes is the machine's doing, not the product's.
struct Canary {
    is_stopped: Arc<AtomicBool>,
    running: thread::JoinHandle<Vec<(Duration, Duration)>>,
}

impl Canary {
    const SLEEPS: Duration = Duration::from_millis(5);

    fn start() -> Self {
        let is_stopped = Arc::new(AtomicBool::new(false));
        let stopped = is_stopped.clone();
        let running = thread::spawn(move || {
            let (started, mut woken) = (Instant::now(), Vec::new());
            while !stopped.load(Ordering::Relaxed) {
                let slept = Instant::now();
                thread::sleep(Self::SLEEPS);
                woken.push((started.elapsed(), slept.elapsed() - Self::SLEEPS));
            }
            woken
        });
        Self {
            is_stopped,
            running,
        }
    }

    /// When it woke, and how late.
    fn stop(self) -> Vec<(Duration, Duration)> {
        self.is_stopped.store(true, Ordering::Relaxed);
        self.running.join().unwrap()
    }
}

fn percentile(durations: impl IntoIterator<Item = Duration>, percent: usize) -> Duration {
    let mut sorted: Vec<_> = durations.into_iter().collect();
    sorted.sort();
    sorted[(sorted.len() * percent).div_ceil(100).max(1) - 1]
}

/// A delivery as its sender saw it.
struct Sent {
    slice: u32,
    took: Duration,
    /// What it became, and when that was acknowledged, where it is a lead.
    lead: Option<(RequestId, Timestamp)>,
}

/// Deliveries that were made, and leads among them. No two are of one call.
static DELIVERIES: AtomicU32 = AtomicU32::new(0);
static LEADS: AtomicU32 = AtomicU32::new(0);

/// Sends a company's next delivery; answers the request if it is a lead.
async fn deliver(world: &World, company: &Company, turn: u32) -> Option<RequestId> {
    let number = DELIVERIES.fetch_add(1, Ordering::Relaxed);
    let is_lead = turn.is_multiple_of(OF_DELIVERIES);
    let event = if is_lead { "post-call" } else { "pre-call" };
    let body = CallBody::post_call(&format!("CAL{number:032x}")).with(
        "customer_phone_number",
        json!(format!("+1512{:07}", 2_000_000 + number)),
    );
    let answer = company.deliver(world, event, &body).await;
    assert!(answer.status.is_success(), "{answer:?}");
    is_lead.then(|| {
        LEADS.fetch_add(1, Ordering::Relaxed);
        answer.request_id()
    })
}

/// What came of a phase.
struct Phase {
    slices: Vec<Figures>,
    /// For each lead of a quiet tenant, how many of the flood came into the CRM while it was on its way.
    between: Vec<usize>,
}

fn slice_of(since_begin: Duration) -> u32 {
    let slice = since_begin.as_millis() * u128::from(SLICES) / PHASE.as_millis();
    u32::try_from(slice).unwrap()
}

/// Lets the quiet tenants send for a phase, each at moments of its own, and waits until the CRM has their leads.
async fn phase(world: &Arc<World>, quiet: &[Company]) -> Phase {
    let canary = Canary::start();
    let begin = tokio::time::Instant::now();
    let senders = quiet.iter().zip(0..).map(|(company, number)| {
        let (world, company) = (world.clone(), company.clone());
        tokio::spawn(async move {
            let mut due = begin + QUIET_INTERVAL * number / QUIET_TENANTS;
            let mut sent = Vec::new();
            for turn in number.. {
                tokio::time::sleep_until(due).await;
                let started = tokio::time::Instant::now();
                let slice @ 0..SLICES = slice_of(started - begin) else {
                    break;
                };
                let request = deliver(&world, &company, turn).await;
                sent.push(Sent {
                    slice,
                    took: started.elapsed(),
                    lead: request.map(|request| (request, world.now())),
                });
                due += QUIET_INTERVAL;
            }
            sent
        })
    });
    let senders: Vec<_> = senders.collect();
    let sent: Vec<_> = join_all(senders)
        .await
        .into_iter()
        .flat_map(Result::unwrap)
        .collect();
    let woken = canary.stop();
    let mut made = BTreeMap::new();
    world
        .eventually("every quiet tenant's lead is in the CRM", async || {
            // Looking is work, too.
            tokio::time::sleep(Duration::from_millis(200)).await;
            made = deals(world);
            let mut leads = sent.iter().filter_map(|sent| sent.lead);
            leads.all(|(request, _)| made.contains_key(&request))
        })
        .await;
    let of_slice = |slice| {
        let sent = || sent.iter().filter(move |sent| sent.slice == slice);
        let to_crm = sent().filter_map(|sent| sent.lead).map(|(request, at)| {
            Duration::try_from(made[&request].duration_since(at)).unwrap_or_default()
        });
        let late = woken.iter().filter(|(at, _)| slice_of(*at) == slice);
        Figures {
            accept_p99: percentile(sent().map(|sent| sent.took), 99),
            end_to_end_p95: percentile(to_crm, 95),
            late_p90: percentile(late.map(|(_, late)| *late), 90),
        }
    };
    let leads: BTreeMap<_, _> = sent.iter().filter_map(|sent| sent.lead).collect();
    let flood: Vec<_> = made
        .iter()
        .filter(|(request, _)| !leads.contains_key(request))
        .map(|(_, at)| *at)
        .collect();
    let between = leads.iter().map(|(request, acknowledged)| {
        let on_its_way = *acknowledged..made[request];
        flood.iter().filter(|at| on_its_way.contains(at)).count()
    });
    Phase {
        slices: (0..SLICES).map(of_slice).collect(),
        between: between.collect(),
    }
}

/// A tenant that sends so many times as much as a quiet one, until it is told to stop.
struct Flood {
    is_stopped: Arc<AtomicBool>,
    sending: JoinHandle<u32>,
    began: Instant,
}

impl Flood {
    fn begin(world: &Arc<World>, company: &Company) -> Self {
        let is_stopped = Arc::new(AtomicBool::new(false));
        let (world, company, stopped) = (world.clone(), company.clone(), is_stopped.clone());
        let sending = tokio::spawn(async move {
            let mut due = tokio::time::Instant::now();
            let mut sent = Vec::new();
            for turn in 0.. {
                if stopped.load(Ordering::Relaxed) {
                    break;
                }
                tokio::time::sleep_until(due).await;
                let (world, company) = (world.clone(), company.clone());
                sent.push(tokio::spawn(async move {
                    deliver(&world, &company, turn).await;
                }));
                due += QUIET_INTERVAL / TIMES;
            }
            let count = u32::try_from(sent.len()).unwrap();
            for one in sent {
                one.await.unwrap();
            }
            count
        });
        Self {
            is_stopped,
            sending,
            began: Instant::now(),
        }
    }

    /// Stops, and answers how many times as much as a quiet tenant it sent.
    async fn end(self) -> f64 {
        let lasted = self.began.elapsed();
        self.is_stopped.store(true, Ordering::Relaxed);
        let sent = self.sending.await.unwrap();
        f64::from(sent) * QUIET_INTERVAL.as_secs_f64() / lasted.as_secs_f64()
    }
}

/// When the CRM made each request's deal.
fn deals(world: &World) -> BTreeMap<RequestId, Timestamp> {
    let deals = world.simulators().hubspot().deals();
    deals
        .into_iter()
        .filter_map(|deal| {
            let request = deal.properties.get("deal_external_id")?.parse().ok()?;
            Some((request, deal.created_at))
        })
        .collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_tenant_that_floods_leaves_its_neighbours_as_they_were() {
    let world = Arc::new(World::start().await);
    let loud = world.add_tenant("loud").await;
    let mut quiet = Vec::new();
    for number in 0..QUIET_TENANTS {
        quiet.push(world.add_tenant(&format!("quiet_{number}")).await);
    }
    // What is done once: connections, caches.
    for company in quiet.iter().chain([&loud]) {
        deliver(&world, company, 0).await;
    }
    world
        .eventually("the first leads are in the CRM", async || {
            deals(&world).len() > quiet.len()
        })
        .await;
    let simulators = world.simulators();
    simulators.gemini().always(Fault::Slow(PROVIDERS_TAKE));
    simulators.hubspot().always(Fault::Slow(PROVIDERS_TAKE));

    let alone = phase(&world, &quiet).await;
    let flood = Flood::begin(&world, &loud);
    let beside = phase(&world, &quiet).await;
    let times = flood.end().await;
    let behind = LEADS.load(Ordering::Relaxed) as usize - deals(&world).len();
    for (slice, (alone, beside)) in alone.slices.iter().zip(&beside.slices).enumerate() {
        println!("slice {slice}: alone {alone}; beside the flood {beside}");
    }
    let mut between = beside.between;
    between.sort_unstable();
    let between = between[between.len() / 2];
    println!(
        "{times:.0} times as much, {behind} leads behind; {between} of them while one of a neighbour's is on its way"
    );
    assert!(
        times > f64::from(TIMES) * 0.8,
        "the flood was only {times:.0} times as much"
    );
    assert!(behind > MOST_BETWEEN, "the flood was worked off");
    assert!(
        between <= MOST_BETWEEN,
        "{between} leads of the flood went before one of a neighbour's"
    );
    match (Figures::of(&alone.slices), Figures::of(&beside.slices)) {
        (Some(alone), Some(beside)) => {
            println!("alone {alone}\nbeside the flood {beside}");
            is_within("accept p99", alone.accept_p99, beside.accept_p99);
            is_within(
                "end to end p95",
                alone.end_to_end_p95,
                beside.end_to_end_p95,
            );
        }
        _ => println!("times are not judged: the machine was too busy with something else"),
    }
    simulators.gemini().clear_faults();
    simulators.hubspot().clear_faults();
    let Some(world) = Arc::into_inner(world) else {
        panic!("somebody still uses the world");
    };
    world.stop_early().await;
}

fn is_within(figure: &str, alone: Duration, beside: Duration) {
    let limit = (alone * 2).max(alone + FLOOR);
    assert!(
        beside <= limit,
        "{figure}: {beside:?} beside a flood, {alone:?} alone"
    );
}
