//! The product as one process, which is killed while it works and starts again on its folder.

use std::{path::Path, sync::Arc, time::Duration};

use http::Method;
use management_api::auth::{Grant, Role, SigningKey};
use pipeline::{app::trust, demo};
use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};
use runtime::SystemClock;
use rusqlite::{Connection, OpenFlags};
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};
use tokio::{
    sync::{oneshot, watch},
    task::JoinSet,
    time::{Instant, sleep},
};

use super::{
    Options, Outcome, PATIENCE, Told,
    watcher::{Habits, Servers, Watcher},
};
use crate::{
    crash::{
        Program,
        process::{Product, Simulators, client, fixed_port},
    },
    sha1_signature,
};

/// Requests that are set going again and again.
const REQUESTS: usize = 150;
/// How long a process lives, in milliseconds.
const LIFE_MS: std::ops::Range<u64> = 600..2_000;

/// Whoever makes things happen.
#[derive(Clone)]
struct Caller {
    http: reqwest::Client,
    base: String,
    token: String,
}

impl Caller {
    #[expect(
        clippy::disallowed_methods,
        reason = "the product's own answers are small"
    )]
    async fn call(&self, method: Method, path: &str, body: Option<&Value>) -> Option<Value> {
        let url = format!("{}/v1/tenants/{}/{path}", self.base, demo::TENANT);
        let mut request = self.http.request(method, url).bearer_auth(&self.token);
        if let Some(body) = body {
            request = request.json(body);
        }
        let answer = request.send().await.ok()?;
        let is_good = answer.status().is_success();
        let body = answer.json().await.ok()?;
        is_good.then_some(body)
    }

    /// Sends a genuine delivery that nobody can read, until it is acknowledged: its request stops at once.
    async fn deliver(&self, number: usize) {
        let body = json!({ "nothing": number }).to_string();
        let source = demo::token("callrail");
        let url = format!("{}/v1/hooks/{source}/post-call", self.base);
        loop {
            let signature = sha1_signature(simulators::callrail::SIGNING_KEY, body.as_bytes());
            let request = self.http.post(&url).header("signature", signature);
            let request = request.header("content-type", "application/json");
            let answer = request.body(body.clone()).send().await;
            if answer.is_ok_and(|answer| answer.status().is_success()) {
                return;
            }
            sleep(Duration::from_millis(50)).await;
        }
    }

    /// Sets everything going again that stopped, and changes a source, as long as it may.
    async fn stir(self, number: usize) {
        let sources = self.call(Method::GET, "sources", None).await;
        let sources = sources.unwrap_or_default();
        let source = sources["items"][number]["source_id"].as_str();
        let source = source.unwrap_or_default().to_owned();
        for verb in ["disable", "enable"].iter().cycle() {
            let path = format!("sources/{source}/{verb}");
            let changed = self.call(Method::POST, &path, None).await;
            if number == 0 {
                let all = json!({ "all": true });
                self.call(Method::POST, "work/redrive", Some(&all)).await;
                sleep(Duration::from_millis(100)).await;
            }
            if changed.is_none() {
                sleep(Duration::from_millis(20)).await;
            }
        }
    }
}

/// Kills the product so often, while at least so many events come about.
///
/// # Panics
/// When the product does not start, or does not get that far in time.
pub async fn in_one_process(program: &Program, options: Options) -> Outcome {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let database = data.join("pipeline.sqlite3");
    let simulators = Simulators::start(program, &[]);
    let settings = [
        ("TENANT_QUOTA_PER_SECOND", "1000000".to_owned()),
        ("TENANT_QUOTA_BURST", "1000000".to_owned()),
        ("LOG", "warn".to_owned()),
    ];
    let log = folder.path().join("product.log");
    let port = fixed_port();
    let mut product = Product::new(program, &data, &log, port, &simulators, &settings);
    product.start().await;
    let caller = Caller {
        http: client(),
        base: product.base(),
        token: token(&data),
    };

    let (last_is, last) = watch::channel(None);
    let (mut watchers, mut starts) = (JoinSet::new(), Vec::new());
    for (number, (hangs_up_after, looks_for_ms)) in
        [(1..700, 0), (100_000..100_001, 0), (500..3_000, 300)]
            .into_iter()
            .enumerate()
    {
        let (begun, begins) = oneshot::channel();
        let base = caller.base.clone();
        let servers: Servers = Arc::new(move |_| Some(base.clone()));
        let watcher = Watcher {
            servers,
            path: format!("/v1/tenants/{}/live", demo::TENANT),
            token: caller.token.clone(),
            habits: Habits {
                hangs_up_after,
                looks_for: Duration::from_millis(looks_for_ms),
                asks_by_query: number == 0,
            },
            seed: options.seed ^ number as u64,
            last: last.clone(),
            begun: Some(begun),
        };
        watchers.spawn(async move { (number, watcher.watch().await) });
        starts.push(begins.await.unwrap());
    }
    assert!(starts.iter().all(|start| *start == starts[0]), "{starts:?}");

    let mut stirring = JoinSet::new();
    for number in 0..3 {
        stirring.spawn(caller.clone().stir(number));
    }
    let sender = caller.clone();
    let sending = tokio::spawn(async move {
        for number in 0..REQUESTS {
            sender.deliver(number).await;
        }
    });

    let began = Instant::now();
    let mut rng = StdRng::seed_from_u64(options.seed);
    let mut kills = 0;
    while kills < options.kills || kept(&database).len() < options.events {
        sleep(Duration::from_millis(rng.random_range(LIFE_MS))).await;
        if kills < options.kills {
            product.kill();
            product.start().await;
            kills += 1;
        }
        assert!(
            began.elapsed() < PATIENCE,
            "{} events",
            kept(&database).len()
        );
    }
    sending.await.unwrap();
    stirring.shutdown().await;
    let mut kept = rested(&database).await;
    // They began behind what making the demo tenant told.
    let before = kept.iter().position(|told| told.id == starts[0]);
    kept.drain(..before.map_or(0, |place| place + 1));
    last_is.send_replace(kept.last().map(|told| told.id.clone()));
    let mut seen: Vec<_> = watchers.join_all().await;
    seen.sort_by_key(|(number, _)| *number);
    Outcome {
        kept,
        seen: seen.into_iter().map(|(_, seen)| seen).collect(),
    }
}

/// The events once no more come.
async fn rested(database: &Path) -> Vec<Told> {
    loop {
        let before = kept(database);
        sleep(Duration::from_secs(1)).await;
        if kept(database).len() == before.len() {
            return before;
        }
    }
}

/// The events that the table holds.
fn kept(database: &Path) -> Vec<Told> {
    let db = Connection::open_with_flags(database, OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap();
    db.busy_timeout(Duration::from_secs(5)).unwrap();
    let sql = "SELECT seq, kind, object, cause FROM live_events WHERE tenant_id = ?1 ORDER BY seq";
    let mut statement = db.prepare(sql).unwrap();
    let rows = statement.query_map([demo::TENANT], |row| {
        Ok(Told {
            id: row.get::<_, i64>(0)?.to_string(),
            kind: row.get(1)?,
            object: row.get(2)?,
            cause: row.get(3)?,
        })
    });
    rows.unwrap().collect::<Result<_, _>>().unwrap()
}

/// The token of a platform administrator.
fn token(data: &Path) -> String {
    use domain::Clock as _;
    let grant = Grant {
        subject: "story".to_owned(),
        roles: vec![Role::PlatformAdmin],
        tenants: Vec::new(),
        valid_for: Duration::from_secs(3_600),
    };
    let key = SigningKey::open(data).unwrap();
    let now = SystemClock::default().now();
    let token = key.mint(&trust(), &grant, now).unwrap();
    token.expose_secret().to_owned()
}
