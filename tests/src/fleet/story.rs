//! The fleet under fire: processes are killed and started again, Pub/Sub and Spanner hang, while deliveries come in
//! through the front; and nothing may be lost or done twice.
//!
//! As with the crash story of one process, everything random comes from one seed, but for what is killed in the middle
//! of what.

use std::{
    fs,
    ops::Range,
    path::Path,
    sync::{Arc, atomic::Ordering},
    time::{Duration, Instant},
};

use anyhow::{Context as _, ensure};
use domain::TenantId;
use pipeline::demo;
use rand::{RngExt as _, SeedableRng as _, rngs::StdRng, seq::SliceRandom as _};
use store::Store as _;

use super::{Fleet, FleetOptions, Name, StoryOptions, Visitor, read_rows};
use crate::crash::{
    Outcome,
    checker::{self, Finding},
    collect::{self, Asking},
    evidence::{Evidence, GIVEN_UP},
    outcome::{Folder, kinds},
    plan::Plan,
    sender::Sender,
    trouble::trouble,
};

/// Between two looks at whether all is quiet.
const LOOK: Duration = Duration::from_millis(500);

/// What happens to the fleet.
#[derive(Debug, Clone, Copy)]
enum Event {
    Kill(usize),
    PubSubHangs,
    SpannerHangs,
}

struct Story<'a> {
    options: StoryOptions,
    rng: StdRng,
    plan: Arc<Plan>,
    fleet: Fleet,
    sender: Arc<Sender>,
    visitor: Visitor,
    /// How long each restart took until the process was ready.
    restarts: Vec<Duration>,
    began: Instant,
    say: &'a dyn Fn(&str),
}

/// Tells a story with the services' programs in this folder, and says now and then how it goes. The folder with the
/// services' logs and the evidence is kept of a story that went wrong.
///
/// # Errors
/// When the fleet does not start, which may be for want of an emulator, or does not behave as a whole.
pub async fn tell(
    programs: &Path,
    options: StoryOptions,
    say: &dyn Fn(&str),
) -> anyhow::Result<Outcome> {
    let mut folder = Folder(Some(tempfile::tempdir()?));
    let path = folder.0.as_ref().unwrap().path().to_owned();
    let seed = options.seed;
    say(&format!("seed {seed}, in {}", path.display()));
    let mut story = Box::pin(Story::begin(programs, options, &path, say)).await?;
    let outcome = Box::pin(story.whole(&path)).await;
    drop(story);
    if outcome
        .as_ref()
        .is_ok_and(|outcome| outcome.findings.is_empty())
    {
        return outcome;
    }
    let kept = folder.0.take().unwrap().keep();
    say(&format!("kept in {}", kept.display()));
    outcome.with_context(|| format!("seed {seed}, logs in {}", kept.display()))
}

impl<'a> Story<'a> {
    async fn begin(
        programs: &Path,
        options: StoryOptions,
        folder: &Path,
        say: &'a dyn Fn(&str),
    ) -> anyhow::Result<Self> {
        let began = Instant::now();
        let plan = Arc::new(Plan::draw(options.seed, options.webhooks, false));
        let simulators = simulators::Config {
            webhook_retry: Duration::from_millis(100),
            ..simulators::Config::default()
        };
        let settings = [
            ("WORK_LEASE", format!("{}s", options.lease.as_secs())),
            ("TENANT_QUOTA_PER_SECOND", "1000000".to_owned()),
            ("TENANT_QUOTA_BURST", "1000000".to_owned()),
            ("LOG", "warn".to_owned()),
        ];
        let fleet_options = FleetOptions {
            port: 0,
            programs: programs.to_owned(),
            ingest: "webhook-ingest",
            settings: settings.map(|(key, value)| (key.to_owned(), value)).into(),
            simulators,
        };
        let mut fleet = Box::pin(Fleet::start(folder, fleet_options)).await?;
        for _ in 1..options.instances {
            for name in Name::ALL {
                fleet.add(name).await?;
            }
        }
        let visitor = Visitor::of(&fleet)?;
        for part in plan.registrations() {
            visitor.register_calls(&fleet, &part).await?;
        }
        wait_shorter(&fleet, options.unknown_wait).await?;
        let story = Self {
            rng: StdRng::seed_from_u64(options.seed ^ 1),
            sender: Arc::new(Sender::new(plan.clone(), fleet.base(), true)),
            options,
            plan,
            fleet,
            visitor,
            restarts: Vec::new(),
            began,
            say,
        };
        story.say("the fleet is up");
        Ok(story)
    }

    async fn whole(&mut self, folder: &Path) -> anyhow::Result<Outcome> {
        self.told().await?;
        let is_quiet = self.await_quiet().await?;
        let mut outcome = self.reckon(folder).await?;
        if !is_quiet {
            outcome.figures.push(("quiet", "never".to_owned()));
        }
        Ok(outcome)
    }

    fn say(&self, what: &str) {
        (self.say)(&format!(
            "{:>5.1} s  {what}",
            self.began.elapsed().as_secs_f64()
        ));
    }

    /// All events and all deliveries.
    async fn told(&mut self) -> anyhow::Result<()> {
        let events = self.events();
        let mut workers = self
            .sender
            .start(self.options.connections, self.options.seed);
        let parts = events.len() + 1;
        let share = |part: usize| self.plan.deliveries.len() * part / parts;
        let shares: Vec<_> = (0..parts)
            .map(|part| share(part)..share(part + 1))
            .collect();
        for (part, deliveries) in shares.into_iter().enumerate() {
            let half = deliveries.start + deliveries.len() / 2;
            self.sender.release(deliveries.start..half);
            let rest = half..deliveries.end;
            match events.get(part) {
                Some(event) => {
                    self.trouble().await;
                    self.pause().await;
                    self.happens(*event, rest).await?;
                }
                None => self.sender.release(rest),
            }
        }
        self.sender.close();
        let all = async { while workers.join_next().await.is_some() {} };
        match tokio::time::timeout(self.options.patience, all).await {
            Ok(()) => self.say("every delivery is acknowledged"),
            Err(_) => self.say("the sender gives up"),
        }
        Ok(())
    }

    /// Every process is killed in its turn; what hangs does so somewhere between.
    fn events(&mut self) -> Vec<Event> {
        let mut turns = Vec::new();
        while turns.len() < self.options.kills {
            let mut round: Vec<_> = (0..self.fleet.instances.len()).collect();
            round.shuffle(&mut self.rng);
            turns.extend(round);
        }
        turns.truncate(self.options.kills);
        let mut events: Vec<_> = turns.into_iter().map(Event::Kill).collect();
        let hanging = [
            (self.options.pubsub_hangs, Event::PubSubHangs),
            (self.options.spanner_hangs, Event::SpannerHangs),
        ];
        for (_, event) in hanging.into_iter().filter(|(time, _)| !time.is_zero()) {
            let place = self.rng.random_range(0..=events.len());
            events.insert(place, event);
        }
        events
    }

    /// Something happens while these deliveries are sent.
    async fn happens(&mut self, event: Event, deliveries: Range<usize>) -> anyhow::Result<()> {
        match event {
            Event::Kill(index) => {
                self.sender.release(deliveries);
                self.kill(index).await
            }
            Event::PubSubHangs => {
                self.say("Pub/Sub hangs");
                self.fleet.pubsub.emulator.suspend()?;
                self.sender.release(deliveries);
                let index = self.rng.random_range(0..self.fleet.instances.len());
                let until = Instant::now() + self.options.pubsub_hangs;
                self.kill(index).await?;
                tokio::time::sleep(until.saturating_duration_since(Instant::now())).await;
                self.fleet.pubsub.emulator.resume()?;
                self.say("Pub/Sub goes on");
                Ok(())
            }
            Event::SpannerHangs => self.spanner_hangs(deliveries).await,
        }
    }

    async fn kill(&mut self, index: usize) -> anyhow::Result<()> {
        let down = Duration::from_millis(self.rng.random_range(self.options.down_ms.clone()));
        let killing = Instant::now();
        self.fleet.kill_and_restart(index, down).await?;
        self.restarts.push(killing.elapsed().saturating_sub(down));
        let acknowledged = self.acknowledged();
        let name = self.fleet.instances[index].name.as_str();
        self.say(&format!(
            "killed {name}, {acknowledged} of {} acknowledged",
            self.plan.deliveries.len()
        ));
        Ok(())
    }

    /// While Spanner hangs nothing is acknowledged, and senders are told when to come again.
    async fn spanner_hangs(&mut self, deliveries: Range<usize>) -> anyhow::Result<()> {
        let until = Instant::now() + self.options.spanner_hangs;
        self.fleet.spanner.emulator.suspend()?;
        self.say("Spanner hangs");
        // What was committed before is acknowledged still.
        self.sender.until_answered().await;
        let before = self.acknowledged();
        self.sender.release(deliveries);
        // The first delivery is a call of its own, so that it can be sent again at any time.
        let answer = self.sender.probe(0).await;
        tokio::time::sleep(until.saturating_duration_since(Instant::now())).await;
        let after = self.acknowledged();
        self.fleet.spanner.emulator.resume()?;
        self.say("Spanner goes on");
        ensure!(
            matches!(&answer, Some((503, Some(_)))),
            "a post while Spanner hangs got {answer:?}, not 503 with Retry-After"
        );
        ensure!(
            before == after,
            "{} deliveries were acknowledged while Spanner hung",
            after - before
        );
        Ok(())
    }

    fn acknowledged(&self) -> usize {
        self.sender.counts.acknowledged.load(Ordering::Relaxed)
    }

    async fn trouble(&mut self) {
        if self.options.has_trouble {
            let urls = self.fleet.simulators.urls();
            let providers = [urls["hubspot"].as_str(), urls["sendgrid"].as_str()];
            trouble(self.visitor.http(), &mut self.rng, providers).await;
        }
    }

    async fn pause(&mut self) {
        let time = self.rng.random_range(self.options.pause_ms.clone());
        tokio::time::sleep(Duration::from_millis(time)).await;
    }

    /// Waits until nothing is done any more; whether that came to be.
    async fn await_quiet(&self) -> anyhow::Result<bool> {
        let waiting = Instant::now();
        while !self.is_quiet().await? {
            if waiting.elapsed() > self.options.patience {
                self.say("it never is quiet");
                return Ok(false);
            }
            tokio::time::sleep(LOOK).await;
        }
        self.say("quiet");
        Ok(true)
    }

    /// Whether no work can go on by itself, no event waits and no receipt is on its way. What stands still for a person
    /// counts as quiet: the checker finds it.
    async fn is_quiet(&self) -> anyhow::Result<bool> {
        let left = "SELECT (SELECT COUNT(*) FROM work WHERE state IN ('ready', 'in_flight')) \
                    + (SELECT COUNT(*) FROM outbox)";
        for row in read_rows(&self.fleet.database, left).await? {
            if row.get::<i64>(0)? > 0 {
                return Ok(false);
            }
        }
        Ok(self.fleet.simulators.sendgrid().events_waiting() == 0)
    }

    /// Collects what there is and compares.
    async fn reckon(&mut self, folder: &Path) -> anyhow::Result<Outcome> {
        let urls = self.fleet.simulators.urls();
        let asking = Asking {
            http: self.visitor.http().clone(),
            token: self.visitor.token().to_owned(),
            api: self.fleet.base(),
            hubspot: urls["hubspot"].clone(),
            sendgrid: urls["sendgrid"].clone(),
        };
        let evidence = Evidence {
            calls: collect::calls(&self.plan),
            sent: collect::sent(&self.plan, self.sender.log()),
            shown: asking.shown().await,
            contacts: asking.contacts().await,
            deals: asking.deals().await,
            mails: asking.mails().await,
            stored: collect::stored_on_spanner(&self.fleet.database).await?,
        };
        let findings = checker::check(&evidence);
        fs::write(folder.join("evidence.txt"), format!("{evidence:#?}"))?;
        self.say("compared");
        Ok(Outcome {
            figures: self.figures(&evidence, &findings),
            findings,
            seed: self.options.seed,
        })
    }

    fn figures(&self, evidence: &Evidence, findings: &[Finding]) -> Vec<(&'static str, String)> {
        let counts = &self.sender.counts;
        let messages = &evidence.stored.messages;
        let given_up = messages.iter().filter(|(_, outcome)| outcome == GIVEN_UP);
        let restarts = u32::try_from(self.restarts.len()).unwrap_or(u32::MAX);
        let mean = self.restarts.iter().sum::<Duration>() / restarts.max(1);
        let number = |count: usize| count.to_string();
        let mut figures = vec![
            ("seed", self.options.seed.to_string()),
            ("webhooks", number(self.plan.deliveries.len())),
            ("acknowledged", number(self.acknowledged())),
            (
                "of these as repeats",
                number(counts.duplicates.load(Ordering::Relaxed)),
            ),
            (
                "sent again without an answer",
                number(counts.unanswered.load(Ordering::Relaxed)),
            ),
            (
                "sent again after 503 or 429",
                number(counts.put_off.load(Ordering::Relaxed)),
            ),
            ("processes", number(self.fleet.instances.len())),
            ("kills", number(self.restarts.len())),
            ("restart to ready, mean", format!("{} ms", mean.as_millis())),
            ("requests", number(evidence.stored.requests.len())),
            ("contacts", number(evidence.contacts.len())),
            ("deals", number(evidence.deals.len())),
            ("mails", number(evidence.mails.len())),
            ("mails given up", number(given_up.count())),
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
async fn wait_shorter(fleet: &Fleet, wait: Duration) -> anyhow::Result<()> {
    for mut office in fleet.store.offices(&TenantId::new(demo::TENANT)?).await? {
        office.config.notifications.unknown_wait_seconds = wait.as_secs();
        office.config_version += 1;
        fleet.store.put_office(&office).await?;
    }
    Ok(())
}
