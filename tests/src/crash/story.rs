//! How the story goes: lives of the product, one after the other, then quiet, then the reckoning.

use std::{
    ops::Range,
    path::Path,
    sync::{Arc, atomic::Ordering},
    time::{Duration, Instant},
};

use domain::TenantId;
use pipeline::demo;
use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};
use runtime::SystemClock;
use store::Store as _;
use store_sqlite::SqliteStore;
use tokio::task::JoinSet;

use super::{
    checker::{self, Finding},
    collect::{self, Asking},
    evidence::{Evidence, GIVEN_UP},
    outcome::{Folder, Outcome, kinds},
    plan::Plan,
    process::{self, Product, Program, Simulators},
    sender::Sender,
    trouble::trouble,
};

/// What a story is like.
#[derive(Debug, Clone)]
pub struct Options {
    /// How many deliveries are sent.
    pub webhooks: usize,
    /// How often the product is killed.
    pub kills: usize,
    /// In how many of its lives it is frozen for longer than its leases.
    pub freezes: usize,
    /// What everything random comes from.
    pub seed: u64,
    /// How long the product's leases are.
    pub lease: Duration,
    /// How long a mail whose fate is unknown is waited for, beside the deadline of its call. Longer than a freeze.
    pub unknown_wait: Duration,
    /// How long a life lasts until its end, in milliseconds.
    pub life_ms: Range<u64>,
    /// How many connections the sender has.
    pub connections: u64,
    /// Whether some calls are so long that an operation transcribes them.
    pub has_long_calls: bool,
    /// Longest wait for quiet.
    pub patience: Duration,
}

impl Options {
    /// A story of less than a minute.
    pub fn short(seed: u64) -> Self {
        Self {
            webhooks: 2_000,
            kills: 6,
            freezes: 1,
            seed,
            lease: Duration::from_secs(2),
            unknown_wait: Duration::from_secs(4),
            life_ms: 200..2_000,
            connections: 32,
            has_long_calls: false,
            patience: Duration::from_secs(600),
        }
    }

    /// A story with the leases that the product has by default.
    pub fn long(seed: u64, webhooks: usize, kills: usize) -> Self {
        Self {
            webhooks,
            kills,
            freezes: 1,
            lease: Duration::from_secs(60),
            unknown_wait: Duration::from_secs(90),
            life_ms: 1_000..15_000,
            has_long_calls: true,
            patience: Duration::from_secs(1_800),
            ..Self::short(seed)
        }
    }

    /// How long the product is frozen.
    fn freeze(&self) -> Duration {
        self.lease + Duration::from_secs(1)
    }
}

struct Story<'a> {
    options: Options,
    rng: StdRng,
    plan: Arc<Plan>,
    simulators: Simulators,
    product: Product,
    sender: Arc<Sender>,
    http: reqwest::Client,
    /// How long each start took.
    starts: Vec<Duration>,
    kills: usize,
    began: Instant,
    say: &'a dyn Fn(&str),
}

/// Tells a story with this program as the product, and says now and then how it goes. The data folder and the
/// product's log are kept of a story that went wrong.
pub async fn tell(program: &Program, options: Options, say: &dyn Fn(&str)) -> Outcome {
    let mut folder = Folder(Some(tempfile::tempdir().unwrap()));
    let path = folder.0.as_ref().unwrap().path().to_owned();
    let data = path.join("data");
    say(&format!("seed {}, in {}", options.seed, path.display()));
    let mut story = Story::begin(program, options, &path, &data, say).await;
    story.told().await;
    let is_quiet = story.await_quiet(program, &data).await;
    let mut outcome = story.reckon(program, &data).await;
    if !is_quiet {
        outcome.figures.push(("quiet", "never".to_owned()));
    }
    drop(story);
    if !outcome.findings.is_empty() {
        let kept = folder.0.take().unwrap().keep();
        say(&format!("kept in {}", kept.display()));
    }
    outcome
}

impl<'a> Story<'a> {
    async fn begin(
        program: &Program,
        options: Options,
        folder: &Path,
        data: &Path,
        say: &'a dyn Fn(&str),
    ) -> Self {
        let began = Instant::now();
        let plan = Plan::draw(options.seed, options.webhooks, options.has_long_calls);
        let port = process::fixed_port();
        let hook = format!(
            "sendgrid=http://127.0.0.1:{port}/v1/hooks/{}",
            demo::token("sendgrid")
        );
        let blobs = data.join("blobs").display().to_string();
        let arguments = [
            "--webhook",
            &hook,
            "--webhook-retry-ms",
            "100",
            "--blobs",
            &blobs,
        ];
        let simulators = Simulators::start(program, &arguments);
        let settings = [
            ("WORK_LEASE", format!("{}s", options.lease.as_secs())),
            ("TENANT_QUOTA_PER_SECOND", "1000000".to_owned()),
            ("TENANT_QUOTA_BURST", "1000000".to_owned()),
            ("LOG", "warn".to_owned()),
        ];
        let log = folder.join("product.log");
        let mut product = Product::new(program, data, &log, port, &simulators, &settings);
        let http = process::client();
        for part in plan.registrations() {
            let url = format!("{}/_sim/calls", simulators.url("CALLRAIL_BASE_URL"));
            let answer = http.put(url).json(&part).send().await.unwrap();
            assert!(answer.status().is_success(), "{answer:?}");
        }
        // The first life only makes the demo tenant.
        product.start().await;
        product.kill();
        wait_shorter(data, options.unknown_wait).await;
        let plan = Arc::new(plan);
        Self {
            rng: StdRng::seed_from_u64(options.seed ^ 1),
            sender: Arc::new(Sender::new(plan.clone(), product.base(), false)),
            options,
            plan,
            simulators,
            product,
            http,
            starts: Vec::new(),
            kills: 0,
            began,
            say,
        }
    }

    fn say(&self, what: &str) {
        (self.say)(&format!(
            "{:>5.1} s  {what}",
            self.began.elapsed().as_secs_f64()
        ));
    }

    /// All lives, and all deliveries.
    async fn told(&mut self) {
        let workers = self
            .sender
            .start(self.options.connections, self.options.seed);
        let lives = self.options.kills + 1;
        let frozen_in: Vec<_> = (0..self.options.freezes)
            .map(|_| self.rng.random_range(0..lives))
            .collect();
        for life in 0..lives {
            let share = |life: usize| self.plan.deliveries.len() * life / lives;
            self.sender.release(share(life)..share(life + 1));
            let of = |key| self.simulators.url(key);
            let providers = [of("HUBSPOT_BASE_URL"), of("SENDGRID_BASE_URL")];
            trouble(&self.http, &mut self.rng, providers).await;
            let took = self.product.start().await;
            self.starts.push(took);
            for _ in frozen_in.iter().filter(|frozen| **frozen == life) {
                self.live().await;
                self.say("freezing");
                self.product.freeze(self.options.freeze()).await;
            }
            if life < self.options.kills {
                self.live().await;
                self.kill().await;
            }
        }
        self.sender.close();
        self.await_sender(workers).await;
    }

    /// A random part of a life.
    async fn live(&mut self) {
        let time = self.rng.random_range(self.options.life_ms.clone());
        tokio::time::sleep(Duration::from_millis(time)).await;
    }

    /// Kills the product; now and then once more while it is still starting.
    async fn kill(&mut self) {
        self.product.kill();
        self.kills += 1;
        if self.rng.random_bool(0.25) {
            self.product.spawn();
            let time = self.rng.random_range(0..150);
            tokio::time::sleep(Duration::from_millis(time)).await;
            self.product.kill();
            self.kills += 1;
        }
        let counts = &self.sender.counts;
        self.say(&format!(
            "killed {} times, {} of {} acknowledged",
            self.kills,
            counts.acknowledged.load(Ordering::Relaxed),
            self.plan.deliveries.len()
        ));
    }

    async fn await_sender(&self, mut workers: JoinSet<()>) {
        let all = async { while workers.join_next().await.is_some() {} };
        match tokio::time::timeout(self.options.patience, all).await {
            Ok(()) => self.say("every delivery is acknowledged"),
            Err(_) => self.say("the sender gives up"),
        }
    }

    fn asking(&self, program: &Program, data: &Path) -> Asking {
        let data = data.display().to_string();
        Asking {
            http: self.http.clone(),
            token: program.output(&["token", "--minutes", "1440", "--data-dir", &data]),
            api: self.product.base(),
            hubspot: self.simulators.url("HUBSPOT_BASE_URL").to_owned(),
            sendgrid: self.simulators.url("SENDGRID_BASE_URL").to_owned(),
        }
    }

    /// Waits until nothing is done any more; whether that came to be.
    async fn await_quiet(&mut self, program: &Program, data: &Path) -> bool {
        let asking = self.asking(program, data);
        let waiting = Instant::now();
        loop {
            self.product.must_run();
            if asking.is_quiet().await {
                break;
            }
            if waiting.elapsed() > self.options.patience {
                self.say("it never is quiet");
                return false;
            }
            tokio::time::sleep(Duration::from_millis(250)).await;
        }
        self.say("quiet");
        true
    }

    /// Collects what there is, ends the product and compares.
    async fn reckon(&mut self, program: &Program, data: &Path) -> Outcome {
        let asking = self.asking(program, data);
        let shown = asking.shown().await;
        let (contacts, deals) = (asking.contacts().await, asking.deals().await);
        let mails = asking.mails().await;
        self.product.stop().await;
        let evidence = Evidence {
            calls: collect::calls(&self.plan),
            sent: collect::sent(&self.plan, self.sender.log()),
            stored: collect::stored(&data.join("pipeline.sqlite3")).unwrap(),
            shown,
            contacts,
            deals,
            mails,
        };
        let findings = checker::check(&evidence);
        self.say("compared");
        Outcome {
            figures: self.figures(&evidence, &findings),
            findings,
            seed: self.options.seed,
        }
    }

    fn figures(&self, evidence: &Evidence, findings: &[Finding]) -> Vec<(&'static str, String)> {
        let counts = &self.sender.counts;
        let count =
            |counter: &std::sync::atomic::AtomicUsize| counter.load(Ordering::Relaxed).to_string();
        let stored = &evidence.stored;
        let merged = stored
            .requests
            .iter()
            .filter(|request| request.merged_into.is_some())
            .count();
        let given_up = stored
            .messages
            .iter()
            .filter(|(_, outcome)| outcome == GIVEN_UP)
            .count();
        let starts = u32::try_from(self.starts.len()).unwrap_or(u32::MAX).max(1);
        let mean = self.starts.iter().sum::<Duration>() / starts;
        let longest = self.starts.iter().max().copied().unwrap_or_default();
        let mut figures = vec![
            ("seed", self.options.seed.to_string()),
            ("webhooks", self.plan.deliveries.len().to_string()),
            ("acknowledged", count(&counts.acknowledged)),
            ("of these as repeats", count(&counts.duplicates)),
            ("sent again without an answer", count(&counts.unanswered)),
            ("sent again after 503 or 429", count(&counts.put_off)),
            ("kills", self.kills.to_string()),
            ("freezes", self.options.freezes.to_string()),
            (
                "claims lost to another",
                self.product.said("claim").to_string(),
            ),
            ("restart to ready, mean", format!("{} ms", mean.as_millis())),
            (
                "restart to ready, longest",
                format!("{} ms", longest.as_millis()),
            ),
            ("requests", stored.requests.len().to_string()),
            ("of these merged into others", merged.to_string()),
            ("contacts", evidence.contacts.len().to_string()),
            ("deals", evidence.deals.len().to_string()),
            ("mails", evidence.mails.len().to_string()),
            ("mails given up", given_up.to_string()),
            (
                "took",
                format!("{:.1} s", self.began.elapsed().as_secs_f64()),
            ),
        ];
        figures.extend(kinds(findings));
        figures
    }
}

/// Lets the demo tenant's office wait this long for a mail whose fate is unknown.
async fn wait_shorter(data: &Path, wait: Duration) {
    let clock = Arc::new(SystemClock::default());
    let store = SqliteStore::open(&data.join("pipeline.sqlite3"), clock).unwrap();
    let tenant = TenantId::new(demo::TENANT).unwrap();
    for mut office in store.offices(&tenant).await.unwrap() {
        office.config.notifications.unknown_wait_seconds = wait.as_secs();
        office.config_version += 1;
        store.put_office(&office).await.unwrap();
    }
}
