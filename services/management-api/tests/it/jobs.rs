//! Bulk work: started, watched, cancelled, and resumed after a kill.

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use bus::{Bus, BusError};
use domain::{
    AnalysisSection, Budget, Channel, Coordinates, Engine, Intent, MapAddress, MapAnswer, Outcome,
    ParkCause, ProjectType, RequestId, Section, Sentiment, Stage, TenantId, Timeline, Tokens, Wake,
    WorkQueue as _, qualification,
};
use management_api::{
    Deps, JobBell, LimitsConfig,
    auth::{
        KeyRing,
        Role::{Operator, TenantAdmin, Viewer},
        SigningKey, Trust, Verifier,
    },
};
use runtime::ServeOptions;
use secrets::{KeySource, SealedSecrets};
use serde_json::{Value, json};
use sources::Sources;
use store::{
    AuditAction, Delivery, IdSource, Jobs as _, NewJob, PlaceKey, Places as _, RequestQuery,
    Store as _, WorkFilter,
    jobs::{JobState, JobTask},
};
use store_sqlite::SqliteStore;
use testkit::ManualClock;
use tokio::{runtime::Runtime, sync::Notify};

use crate::{
    openapi::assert_is_as_described,
    work::{hold, park, stopped},
    world::{World, body, created, news, problem, started, tenant, wrong_fields},
};

const PATH: &str = "/v1/tenants/a/jobs";

async fn start(world: &World, new: &Value) -> Value {
    let answer = world.call_as(Operator, "POST", PATH, Some(new)).await;
    let shown = started(&answer);
    assert_is_as_described(&shown, "Job");
    let id = shown["job_id"].as_str().unwrap();
    let place = format!("{PATH}/{id}");
    assert_eq!(answer.header("location"), Some(place.as_str()));
    shown
}

async fn show(world: &World, job: &Value) -> Value {
    let id = job["job_id"].as_str().unwrap();
    let answer = world.get(&format!("{PATH}/{id}")).await;
    let shown = body(&answer);
    assert_is_as_described(&shown, "Job");
    shown
}

/// The job once it has ended.
async fn ended(world: &World, job: &Value) -> Value {
    loop {
        let shown = show(world, job).await;
        if !shown["finished_at"].is_null() {
            return shown;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

async fn run(world: &World, new: Value) -> Value {
    let job = start(world, &new).await;
    let done = ended(world, &job).await;
    assert_eq!(done["state"], "done", "{done}");
    done
}

/// A request of tenant `a` that is analyzed, with this spam likelihood, by its office's configuration.
async fn analyzed(world: &World, number: u32, spam_likelihood: f64) -> RequestId {
    analyzed_at(world, number, spam_likelihood, None).await
}

/// The same, with an address that was said.
async fn analyzed_at(
    world: &World,
    number: u32,
    spam_likelihood: f64,
    address: Option<&str>,
) -> RequestId {
    let id = world.call(number).await;
    world.gather().await;
    let job = world.claim(Stage::Analysis).await;
    let analysis = AnalysisSection {
        revision: job.request.document.revisions.of(Stage::Analysis),
        engine: Engine::Rules("1".to_owned()),
        prompt_version: "1".to_owned(),
        intent: Intent::Quote,
        sentiment: Sentiment::Neutral,
        project_type: ProjectType::Kitchen,
        timeline: Timeline::Unknown,
        budget: Budget::Unknown,
        lead_score: 60,
        confidence: 0.5,
        reasons: Vec::new(),
        spam_likelihood,
        summary: "A kitchen.".to_owned(),
        postal_code: None,
        address: address.map(ToOwned::to_owned),
        is_blocked: false,
        tokens: Tokens::default(),
    };
    let qualified = qualification::qualify(&job.request.document, &analysis, &job.config, None);
    let sections = vec![
        Section::Analysis(Box::new(analysis)),
        Section::Qualification(qualified),
    ];
    let aliases = Vec::new();
    let outcome = Outcome::Done { sections, aliases };
    world.settle_claimed(&job, outcome, Vec::new()).await;
    id
}

#[tokio::test]
async fn a_redrive_by_a_filter_is_a_job() {
    let world = World::start().await;
    let held = stopped(&world, 1, hold()).await;
    stopped(&world, 2, park(ParkCause::Permanent)).await;
    stopped(&world, 3, park(ParkCause::Exhausted)).await;
    let parked = json!({ "kind": "redrive", "filter": { "state": "parked" } });
    let done = run(&world, parked).await;
    assert_eq!(
        (&done["done"], &done["total"], &done["result"]["changed"]),
        (&json!(2), &json!(2), &json!(2))
    );
    assert_eq!(done["filter"]["state"], "parked");
    assert_eq!(done["by"], "ann");
    assert_eq!(world.handed_over(Stage::Details), 2);
    let one = json!({ "kind": "redrive", "filter": { "request_id": held.to_string() } });
    assert_eq!(run(&world, one).await["result"]["changed"], 1);
    let nothing = run(
        &world,
        json!({ "kind": "redrive", "filter": { "all": true } }),
    )
    .await;
    assert_eq!(
        (&nothing["done"], &nothing["total"]),
        (&json!(0), &json!(0))
    );
    let entries = world.audit("a").await;
    assert_eq!(entries.len(), 3);
    assert_eq!(entries[0].action, "job.create");
    assert_eq!(entries[0].object, done["job_id"].as_str().unwrap());
    assert_eq!(entries[0].detail, "redrive: state parked");
}

#[tokio::test]
async fn what_stopped_again_is_shown() {
    let world = World::start().await;
    for number in 0..2 {
        stopped(&world, number, park(ParkCause::Permanent)).await;
    }
    let done = run(
        &world,
        json!({ "kind": "redrive", "filter": { "all": true } }),
    )
    .await;
    assert_eq!(done["stopped"], 0);
    world
        .settle(Stage::Details, park(ParkCause::Exhausted), Vec::new())
        .await;
    let shown = show(&world, &done).await;
    assert_eq!(shown["stopped"], 1);
    let step = &shown["result"]["first_stopped"][0];
    assert_eq!(
        (&step["stage"], &step["state"], &step["reason"]),
        (
            &json!("details"),
            &json!("parked"),
            &json!("the call is gone")
        )
    );
}

#[tokio::test]
async fn requests_are_replayed_by_filter_and_by_name() {
    let world = World::start().await;
    let mut requests = Vec::new();
    for number in 0..3 {
        requests.push(analyzed(&world, number, 99.0).await);
    }
    let by_status = json!({
        "kind": "replay", "from_stage": "analysis", "filter": { "status": "quarantined" },
    });
    let done = run(&world, by_status).await;
    assert_eq!(
        (
            &done["done"],
            &done["total"],
            &done["result"]["changed"],
            &done["from_stage"]
        ),
        (&json!(3), &json!(3), &json!(3), &json!("analysis"))
    );
    assert_eq!(world.handed_over(Stage::Analysis), 3);
    let nobody = format!("req_{}", "0".repeat(32));
    let by_name = json!({
        "kind": "replay", "from_stage": "dispatch",
        "filter": { "request_ids": [requests[0].to_string(), nobody, requests[0].to_string()] },
    });
    let done = run(&world, by_name).await;
    assert_eq!(
        (&done["done"], &done["result"]["skipped"]),
        (&json!(2), &json!(2))
    );
    let skipped = done["result"]["first_skipped"].to_string();
    assert!(
        skipped.contains("withheld") && skipped.contains("no such request"),
        "{skipped}"
    );
}

#[tokio::test]
async fn a_named_call_is_its_callers_own() {
    let world = World::start().await;
    let new = json!({ "kind": "redrive", "filter": { "state": "parked" } });
    let mut jobs = Vec::new();
    for (number, subject) in [(1, "operator"), (2, "bob")] {
        stopped(&world, number, park(ParkCause::Permanent)).await;
        let token = world.token_of(subject, &[Operator], &["a"]);
        let answer = world
            .call_with_token(&token, "POST", PATH, Some(&new), Some("j1"))
            .await;
        let done = ended(&world, &started(&answer)).await;
        assert_eq!(done["result"]["changed"], 1, "{subject}: {done}");
        jobs.push(done["job_id"].clone());
    }
    assert_ne!(jobs[0], jobs[1]);
}

#[tokio::test]
async fn a_dry_run_compares_what_came_since_the_first_office_was_removed() {
    let world = World::start().await;
    let first = world.office_of("a").await;
    let offices = "/v1/tenants/a/offices";
    world.clock.advance(Duration::from_secs(1));
    let new = json!({ "name": "Denver", "time_zone": "America/Denver" });
    let made = world
        .call_as(TenantAdmin, "POST", offices, Some(&new))
        .await;
    let second: Value = made.json().unwrap();
    let gone = format!("{offices}/{first}");
    body(
        &world
            .call_on(TenantAdmin, ("DELETE", &gone), "*", &Value::Null)
            .await,
    );
    analyzed(&world, 1, 60.0).await;
    let id = second["office_id"].as_str().unwrap();
    let trial = json!({ "config": { "spam": { "review_from": 70 } }, "days": 7 });
    let path = format!("{offices}/{id}/config/dry-run");
    let answer = world
        .call_as(TenantAdmin, "POST", &path, Some(&trial))
        .await;
    let done = ended(&world, &started(&answer)).await;
    assert_eq!(done["result"]["changed_total"], 1, "{done}");
}

#[tokio::test]
async fn what_is_withheld_is_released() {
    let world = World::start().await;
    for number in 0..2 {
        analyzed(&world, number, 99.0).await;
    }
    let in_review = analyzed(&world, 3, 60.0).await;
    let quarantined = json!({ "kind": "release", "filter": { "status": "quarantined" } });
    assert_eq!(run(&world, quarantined).await["result"]["changed"], 2);
    let named = json!({ "kind": "release", "filter": { "request_ids": [in_review.to_string()] } });
    let done = run(&world, named).await;
    assert_eq!(done["result"]["skipped"], 1);
    let reason = done["result"]["first_skipped"][0]["reason"]
        .as_str()
        .unwrap();
    assert!(reason.contains("approve it"), "{reason}");
}

#[tokio::test]
async fn a_dry_run_says_what_would_be_different() {
    let world = World::start().await;
    let office = world.office_of("a").await;
    world.mail_connection().await;
    let unsure = analyzed(&world, 1, 60.0).await;
    analyzed(&world, 2, 5.0).await;
    analyzed(&world, 3, 99.0).await;
    world.call(4).await;
    let before = world.audit("a").await.len();
    let path = format!("/v1/tenants/a/offices/{office}/config/dry-run");
    let trial = json!({
        "config": {
            "spam": { "review_from": 70, "quarantine_above": 85 },
            "notifications": { "email": ["sales@example.com"], "from": "leads@example.com" },
        },
        "days": 7,
    });
    let answer = world
        .call_as(TenantAdmin, "POST", &path, Some(&trial))
        .await;
    let job = started(&answer);
    let done = ended(&world, &job).await;
    assert_eq!(
        (&done["kind"], &done["state"]),
        (&json!("dry_run"), &json!("done"))
    );
    assert_eq!(done["filter"]["office_id"], office.to_string());
    assert_eq!(done["filter"]["days"], 7);
    let result = &done["result"];
    assert_eq!(result["requests"], 4);
    let counts = |dispatched: u64, unreached: u64, in_review: u64| {
        json!({
            "dispatched": dispatched, "unreached": unreached, "in_review": in_review, "quarantined": 1,
            "out_of_area": 0, "unknown": 1,
        })
    };
    assert_eq!(result["counts"]["before"], counts(0, 1, 1));
    assert_eq!(result["counts"]["after"], counts(2, 0, 0));
    assert_eq!(result["changed_total"], 2);
    let changed = result["changed"].as_array().unwrap();
    let of_unsure = changed
        .iter()
        .find(|changed| changed["request_id"] == unsure.to_string())
        .unwrap();
    assert_eq!(
        (
            &of_unsure["what"],
            &of_unsure["before"],
            &of_unsure["after"]
        ),
        (&json!("outcome"), &json!("in_review"), &json!("dispatched"))
    );
    assert!(of_unsure["because"].as_str().unwrap().contains("60 %"));
    // Nothing was sent, changed, or saved.
    let now = world
        .store
        .request(&tenant("a"), unsure)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(now.request.status, domain::Status::InReview);
    assert_eq!(world.audit("a").await.len(), before + 1);

    for (trial, fields) in [
        (json!({ "config": {}, "days": 0 }), ["days"].as_slice()),
        (json!({ "config": [], "days": 91 }), &["days", "config"]),
        (
            json!({ "config": { "spma": 1, "spam": { "review_from": 200 } } }),
            &["config.spam.review_from", "config.spma"],
        ),
        (
            json!({
                "config": {
                    "destinations": [{ "connector": "hubspot", "connection": "nowhere" }],
                    "notifications": { "connection": "nobody" },
                },
            }),
            &[
                "config.destinations.0.connection",
                "config.notifications.connection",
            ],
        ),
    ] {
        let answer = world
            .call_as(TenantAdmin, "POST", &path, Some(&trial))
            .await;
        let told = wrong_fields(&answer);
        assert!(told.len() >= fields.len().min(2), "{trial}: {told:?}");
        assert!(
            told.iter().all(|field| fields.contains(&field.as_str())),
            "{told:?}"
        );
    }
    let nowhere = path.replace(&office.to_string(), &format!("ofc_{}", "0".repeat(32)));
    let answer = world
        .call_as(TenantAdmin, "POST", &nowhere, Some(&trial))
        .await;
    problem(&answer, 404);
}

#[tokio::test]
async fn every_fault_of_a_job_is_told_at_once() {
    let world = World::start().await;
    for (new, fields) in [
        (json!({ "kind": "redrive" }), ["filter"].as_slice()),
        (
            json!({ "kind": "replay", "filter": {} }),
            &["filter", "from_stage"],
        ),
        (
            json!({ "kind": "release", "filter": { "all": true } }),
            &["filter.status"],
        ),
        (
            json!({ "kind": "release", "filter": { "status": "completed" }, "from_stage": "analysis" }),
            &["from_stage", "filter.status"],
        ),
        (
            json!({ "kind": "redrive", "filter": { "all": true, "stage": "details" } }),
            &["filter.all"],
        ),
        (
            json!({ "kind": "redrive", "filter": { "status": "completed" } }),
            &["filter"],
        ),
        (
            json!({ "kind": "dry_run", "filter": { "all": true } }),
            &["kind"],
        ),
        (
            json!({
                "kind": "nothing", "from_stage": "nowhere",
                "filter": {
                    "state": "ready", "stage": "x", "cause": "y", "connection": "A", "request_id": "1",
                    "status": "z", "channel": "q", "from": "yesterday", "to": "1", "request_ids": [],
                },
            }),
            &[
                "kind",
                "filter.state",
                "filter.stage",
                "filter.cause",
                "filter.connection",
                "filter.request_id",
                "filter.from",
                "filter.to",
                "filter.status",
                "filter.channel",
                "filter.request_ids",
                "from_stage",
            ],
        ),
        (
            json!({
                "kind": "release",
                "filter": { "status": "quarantined", "from": "2026-01-02T00:00:00Z", "to": "2026-01-01T00:00:00Z" },
            }),
            &["filter.to"],
        ),
        (
            json!({ "kind": "replay", "from_stage": "analysis", "filter": { "request_ids": [
                "req_0199f3a100007000800000000000002a", "req_1", "2",
            ] } }),
            &["filter.request_ids.1", "filter.request_ids.2"],
        ),
        (
            json!({ "kind": "redrive", "filter": { "everything": true } }),
            &["filter.everything"],
        ),
        (
            json!({ "kind": "reconcile", "filter": { "from": "2999-01-01" } }),
            &["filter.from"],
        ),
    ] {
        let answer = world.call_as(Operator, "POST", PATH, Some(&new)).await;
        assert_eq!(wrong_fields(&answer), fields, "{new}");
    }
    let answer = world
        .get(&format!("{PATH}?state=x&kind=y&limit=0&cursor=z"))
        .await;
    assert_eq!(wrong_fields(&answer), ["limit", "state", "kind", "cursor"]);
    assert!(world.acts().await.is_empty());
}

#[tokio::test]
async fn days_are_read_by_the_offices_clock() {
    let world = World::start().await;
    world.office_of("a").await;
    let filter = json!({ "from": "2020-05-30", "to": "2020-05-31" });
    let new = json!({ "kind": "replay", "from_stage": "analysis", "filter": filter });
    let shown = started(&world.call_as(Operator, "POST", PATH, Some(&new)).await);
    assert_eq!(shown["filter"]["from"], "2020-05-30T05:00:00Z");
    assert_eq!(shown["filter"]["to"], "2020-06-01T05:00:00Z");
}

#[tokio::test]
async fn jobs_are_listed_and_cancelled() {
    let world = World::start().await;
    let new = json!({ "kind": "redrive", "filter": { "all": true } });
    let done = run(&world, new.clone()).await;
    let again = run(&world, new).await;
    let list = async |query: &str| {
        let shown = body(&world.get(&format!("{PATH}{query}")).await);
        assert_is_as_described(&shown, "JobList");
        shown
    };
    let page = list("?limit=1&state=done&kind=redrive").await;
    assert_eq!(page["items"][0]["job_id"], again["job_id"]);
    assert_eq!(page["items"][0]["result"], Value::Null);
    let cursor = page["next_cursor"].as_str().unwrap();
    let page = list(&format!("?limit=1&cursor={cursor}")).await;
    assert_eq!(page["items"][0]["job_id"], done["job_id"]);
    assert_eq!(page["next_cursor"], Value::Null);
    assert_eq!(list("?kind=replay").await["items"], json!([]));

    let one = |job: &Value| format!("{PATH}/{}", job["job_id"].as_str().unwrap());
    let late = world.call_as(Operator, "DELETE", &one(&done), None).await;
    let shown = problem(&late, 409);
    assert!(
        shown["detail"].as_str().unwrap().contains("done already"),
        "{shown}"
    );
    // One that waits behind another owner's.
    let mine = world.job_of("a").await;
    let lease = Duration::from_secs(60);
    let owned = world.store.claim_job(&tenant("a"), "another", lease).await;
    assert_eq!(owned.unwrap().unwrap().id, mine);
    let waiting = start(
        &world,
        &json!({ "kind": "redrive", "filter": { "all": true } }),
    )
    .await;
    assert_eq!(waiting["state"], "queued");
    for _ in 0..2 {
        let answer = world
            .call_as(Operator, "DELETE", &one(&waiting), None)
            .await;
        let cancelled = body(&answer);
        assert_is_as_described(&cancelled, "Job");
        assert_eq!(cancelled["state"], "cancelled");
    }
    let cancels = world.acts().await;
    let cancels = cancels
        .iter()
        .filter(|(_, action, _)| action == "job.cancel");
    assert_eq!(cancels.count(), 1);
    problem(
        &world.call_as(Viewer, "DELETE", &one(&waiting), None).await,
        403,
    );
    let nobody = format!("{PATH}/job_{}", "0".repeat(32));
    problem(&world.get(&nobody).await, 404);
    problem(&world.call_as(Operator, "DELETE", &nobody, None).await, 404);
}

#[tokio::test]
async fn a_call_that_is_repeated_starts_one_job() {
    let world = World::start().await;
    let new = json!({ "kind": "redrive", "filter": { "stage": "details" } });
    let call = async |new: &Value| {
        world
            .call_with(Operator, "POST", PATH, Some(new), Some("call-1"))
            .await
    };
    let first = started(&call(&new).await);
    let again = started(&call(&new).await);
    assert_eq!(first["job_id"], again["job_id"]);
    let other = json!({ "kind": "redrive", "filter": { "stage": "dispatch" } });
    assert_eq!(wrong_fields(&call(&other).await), ["Idempotency-Key"]);
    assert_eq!(world.acts().await.len(), 1);
}

/// A bus behind which a process dies: the first batch is committed, and nobody hears of it.
#[derive(Default)]
struct Deathbed {
    has_died: AtomicBool,
    dies: Notify,
}

#[async_trait]
impl Bus for Deathbed {
    async fn publish(&self, _: Vec<Wake>) -> Result<(), BusError> {
        self.has_died.store(true, Ordering::SeqCst);
        self.dies.notify_one();
        std::future::pending().await
    }

    fn capacity(&self, _: &TenantId, _: Stage) -> u32 {
        0
    }

    fn take_overflowed(&self, _: &TenantId, _: Stage) -> bool {
        false
    }
}

async fn deps(
    folder: &Path,
    clock: &ManualClock,
    store: Arc<SqliteStore>,
    bus: Arc<dyn Bus>,
) -> Deps {
    let clock = Arc::new(clock.clone());
    let secrets = SealedSecrets::open(folder, KeySource::File).await.unwrap();
    let trust = Trust {
        issuer: "https://pipeline.example".to_owned(),
        audience: "management-api".to_owned(),
    };
    let key = SigningKey::open(folder).unwrap();
    let blobs = blobs::FolderBlobs::open(folder.join("blobs")).await;
    Deps {
        blobs: Arc::new(blobs.unwrap()),
        api_keys: Arc::new(KeyRing::new(store.clone(), clock.clone())),
        sign_in: None,
        is_simulated: false,
        store,
        bus,
        sources: Sources::standard(),
        secrets: Arc::new(secrets),
        job_bell: JobBell::default(),
        ids: Arc::new(IdSource::new(clock.clone())),
        clock,
        verifier: Arc::new(Verifier::new(trust, key.key_set())),
        public_url: String::new(),
        limits: LimitsConfig::default(),
        outward: None,
        demo: None,
    }
}

/// Calls of tenant `a` whose first step is parked.
async fn park_many(store: &SqliteStore, count: u32) {
    let accept = (0..count).map(|number| {
        let news = domain::Reading::News(Box::new(news(number)));
        store.accept(Delivery {
            tenant: tenant("a"),
            provider: "callrail".to_owned(),
            source: domain::SourceId::from_uuid(uuid::Uuid::from_u128(1)),
            channel: Channel::Phone,
            office: None,
            event: None,
            is_told_by_body: false,
            scope: None,
            delivery_id: None,
            scheme: "test".to_owned(),
            headers: std::collections::BTreeMap::new(),
            body: number.to_string().into(),
            traceparent: None,
            reading: Ok(news),
        })
    });
    for accepted in futures::future::join_all(accept).await {
        accepted.unwrap();
    }
    let due = store.due_work(&tenant("a"), Stage::Details, count).await;
    let settle = due.unwrap().into_iter().map(async |wake| {
        let lease = Duration::from_secs(60);
        let job = store.claim(&wake, lease).await.unwrap().unwrap();
        let outcome = park(ParkCause::Permanent);
        store
            .settle(&job, outcome, Vec::new(), lease)
            .await
            .unwrap();
    });
    futures::future::join_all(settle).await;
}

#[tokio::test]
async fn a_killed_redrive_of_a_thousand_steps_does_each_once() {
    const STEPS: u32 = 1_000;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("store.db");
    let clock = ManualClock::at("2026-06-01T12:00:00Z".parse().unwrap());
    let open = || Arc::new(SqliteStore::open(&file, Arc::new(clock.clone())).unwrap());
    let mut store = open();
    park_many(&store, STEPS).await;
    let new = NewJob {
        tenant: tenant("a"),
        task: JobTask::Redrive {
            filter: WorkFilter::default(),
        },
        by: "ann".to_owned(),
        call: None,
    };
    let act = AuditAction::new("ann", "job.create", "job");
    let id = store.create_job(&new, &act).await.unwrap().job.id;
    let mut kills = 0;
    let job = loop {
        let bus = Arc::new(Deathbed::default());
        let deps = deps(folder.path(), &clock, store.clone(), bus.clone()).await;
        let tasks = management_api::service(deps).tasks;
        // A process of its own, as far as its tasks are concerned: they end wherever they are.
        let process = Runtime::new().unwrap();
        let options = ServeOptions::default();
        process.spawn(runtime::run(
            Vec::new(),
            tasks,
            options,
            std::future::pending(),
        ));
        bus.dies.notified().await;
        process.shutdown_background();
        kills += 1;
        // The next start voids the lease, and goes on at once: the clock stands still.
        store = open();
        let job = store.job(&tenant("a"), id).await.unwrap().unwrap();
        if job.state == JobState::Done {
            break job;
        }
        assert_eq!((job.state, job.done), (JobState::Running, 100 * kills));
    };
    assert_eq!((kills, job.done, job.result.changed), (10, 1_000, 1_000));
    let (mut before, mut seen) = (None, 0);
    loop {
        let query = RequestQuery {
            limit: 200,
            before,
            ..RequestQuery::default()
        };
        let page = store.list_requests(&tenant("a"), &query).await.unwrap();
        for request in &page.items {
            let view = store
                .request(&tenant("a"), request.id)
                .await
                .unwrap()
                .unwrap();
            let entries = view.timeline.iter().map(|entry| entry.outcome.as_str());
            assert_eq!(entries.filter(|outcome| *outcome == "redriven").count(), 1);
            seen += 1;
        }
        before = page.items.last().map(|request| request.id);
        if !page.has_more {
            break;
        }
    }
    assert_eq!(seen, STEPS);
}

#[tokio::test]
async fn a_dry_run_of_a_drawn_area_knows_what_the_map_said() {
    let world = World::start().await;
    let office = world.office_of("a").await;
    let (kept, never_asked) = ("12 Elm St, Dallas, TX", "14 Elm St, Dallas, TX");
    for (number, address) in [(1, Some(kept)), (2, Some(never_asked)), (3, None)] {
        analyzed_at(&world, number, 5.0, address).await;
    }
    let key = PlaceKey::of(&MapAddress::new(kept, None, None).unwrap());
    let at = Coordinates {
        latitude: 32.7767,
        longitude: -96.797,
    };
    let said = MapAnswer::Found { at };
    world
        .store
        .keep_place(&tenant("a"), &key, &said)
        .await
        .unwrap();
    let path = format!("/v1/tenants/a/offices/{office}/config/dry-run");
    let trial = json!({
        "config": { "service_area": { "radius": { "latitude": 30.2672, "longitude": -97.7431, "miles": 25 } } },
    });
    let answer = world
        .call_as(TenantAdmin, "POST", &path, Some(&trial))
        .await;
    let done = ended(&world, &started(&answer)).await;
    let after = &done["result"]["counts"]["after"];
    assert_eq!(
        (
            &after["out_of_area"],
            &after["unknown"],
            &after["unreached"]
        ),
        (&json!(1), &json!(1), &json!(1)),
        "{done}"
    );
}

#[tokio::test]
async fn a_comparison_is_refused_for_a_source_that_is_not_there() {
    let world = World::start().await;
    let of_another = world.source_of("b").await;
    for source in [
        "src_00000000000000000000000000000000",
        &of_another.to_string(),
    ] {
        let new = json!({ "kind": "reconcile", "source_id": source, "filter": {} });
        let answer = world.call_as(Operator, "POST", "/v1/tenants/a/jobs", Some(&new));
        assert_eq!(wrong_fields(&answer.await), ["source_id"], "{source}");
    }
}

#[tokio::test]
async fn a_comparison_is_refused_for_a_provider_without_a_list() {
    let world = World::start().await;
    let new = json!({ "provider": "webforms" });
    let sources = "/v1/tenants/a/sources";
    let made = world
        .call_as(TenantAdmin, "POST", sources, Some(&new))
        .await;
    let source = created(&made)["source"]["source_id"].clone();
    let new = json!({ "kind": "reconcile", "source_id": source });
    let answer = world.call_as(Operator, "POST", PATH, Some(&new)).await;
    assert_eq!(wrong_fields(&answer), ["source_id"]);
    assert_eq!(body(&world.get(PATH).await)["items"], json!([]));
}

#[tokio::test]
async fn a_recount_corrects_what_was_counted_otherwise() {
    const LEADS: u32 = 450;
    let world = World::start().await;
    for number in 1..=LEADS {
        world.call(number).await;
    }
    let count = json!({ "kind": "recount" });
    let right = run(&world, count.clone()).await;
    assert_eq!(
        (&right["done"], &right["total"], &right["result"]["changed"]),
        (&json!(LEADS), &json!(LEADS), &json!(0))
    );
    // As an older version left them: never counted.
    let db = rusqlite::Connection::open(world.folder().join("store.db")).unwrap();
    let changed = db.execute(
        "UPDATE requests SET counted = NULL WHERE request_id IN \
         (SELECT request_id FROM requests ORDER BY request_id LIMIT 300)",
        [],
    );
    assert_eq!(changed.unwrap(), 300);
    let corrected = run(
        &world,
        json!({ "kind": "recount", "filter": { "all": true } }),
    )
    .await;
    assert_eq!(corrected["result"]["changed"], 300);
    assert_eq!(run(&world, count).await["result"]["changed"], 0);
    let acts = world.acts().await;
    let recounts = acts.iter().filter(|(_, act, _)| act == "figures.recount");
    // One for each page on which something was wrong.
    assert_eq!(recounts.count(), 3);
    let some =
        json!({ "kind": "recount", "filter": { "status": "parked" }, "from_stage": "dispatch" });
    let answer = world.call_as(Operator, "POST", PATH, Some(&some)).await;
    assert_eq!(wrong_fields(&answer), ["from_stage", "filter"]);
}
