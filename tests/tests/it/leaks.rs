//! Nothing that is secret or personal comes out where it does not belong: not in logs, however much is logged, nor in
//! metrics, errors, reasons, the audit log, the names of files.

mod bad_calls;
mod deliveries;
mod markers;
mod places;
mod process;
mod product;
mod story;
mod troubles;

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use http::{Method, StatusCode};
use management_api::auth::{Role, SigningKey};
use rusqlite::Connection;
use serde_json::json;
use tests::World;

use self::{
    places::Finds,
    process::{Running, command},
    product::{Product, client, reply_of, token},
    story::{Hook, Marked, Told, becomes, deliver},
};

/// Says what every run has in common: a model that fails is asked once, so that nobody waits for the second time.
const ASKED_ONCE: (&str, &str) = ("MODEL_TRIES", "1");
/// How far a manual clock moves between two looks.
const MOVES_BY: Duration = Duration::from_millis(100);

/// A product in this process.
fn of_world(world: &World) -> Product<'_> {
    let key = SigningKey::open(&world.data_folder()).unwrap();
    Product {
        base: world.base.clone(),
        providers: world.simulators().urls(),
        admin: token(&key, Role::TenantAdmin, world.now()),
        platform: token(&key, Role::PlatformAdmin, world.now()),
        pass: Box::new(|| world.pass(MOVES_BY)),
        http: client().build().unwrap(),
    }
}

fn database(world: &World) -> PathBuf {
    world.data_folder().join("pipeline.sqlite3")
}

/// How every story begins: with a call that goes through everything.
async fn begin(product: &Product<'_>, marked: &mut Marked, told: &mut Told) -> Hook {
    for token in [&product.admin, &product.platform] {
        marked.secret.also(token.rsplit('.').next().unwrap());
    }
    let hook = story::source(product, marked).await;
    story::success(product, marked, &hook, told).await;
    hook
}

/// The store is locked by somebody else, and has a request that is damaged.
async fn store_errors(
    world: &World,
    product: &Product<'_>,
    marked: &Marked,
    hook: &Hook,
    told: &mut Told,
) {
    let other = Connection::open(database(world)).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let body = marked.call("CALlocked").json();
    let path = format!("{}/post-call", hook.path);
    let reply = product.post_signed(&path, &hook.key, &[], &body).await;
    assert_eq!(reply.status, StatusCode::SERVICE_UNAVAILABLE);
    told.errors
        .push(("a delivery to a locked store".to_owned(), reply));
    other.execute_batch("ROLLBACK").unwrap();

    let unavailable = json!({ "kind": "status", "status": 503 });
    product
        .fault(&product.providers["hubspot"], "", &unavailable)
        .await;
    let request = deliver(product, hook, &marked.call("CALdamaged"), told).await;
    let path = format!("requests/{request}");
    let is_tried_again = async || {
        let shown = product.get(&path).await;
        shown["open_work"][0]["stage"] == json!("dispatch")
            && shown["open_work"][0]["attempts"] == json!(1)
    };
    product
        .eventually("the dispatch is tried again", is_tried_again)
        .await;
    let read = "SELECT document FROM requests WHERE request_id = ?1";
    let sound: String = other.query_row(read, [&request], |row| row.get(0)).unwrap();
    let write = "UPDATE requests SET document = ?2 WHERE request_id = ?1";
    for member in ["revisions", "contact", "source", "analysis"] {
        let mut damaged: serde_json::Value = serde_json::from_str(&sound).unwrap();
        damaged[member] = json!(marked.person.of("damaged"));
        other
            .execute(write, [&request, &damaged.to_string()])
            .unwrap();
        let shown = product.api(Method::GET, &path, None).await;
        assert_eq!(shown.status, StatusCode::INTERNAL_SERVER_ERROR, "{member}");
        told.errors
            .push((format!("a request whose {member} are damaged"), shown));
        let failures = || {
            world
                .logs()
                .matches("skipped what this build cannot read")
                .count()
        };
        let before = failures();
        // What could not be claimed is looked at less and less often.
        world.pass(Duration::from_secs(20 * 60));
        let what = format!("nobody can work on a request whose {member} are damaged");
        product
            .eventually(&what, async || failures() > before)
            .await;
    }
    other.execute(write, [&request, &sound]).unwrap();
    product.clear_faults().await;
    world.pass(Duration::from_secs(20 * 60));
    becomes(product, &request, "completed").await;
}

/// All providers are out of order until everything has been given up.
async fn long_outage(
    world: &World,
    product: &Product<'_>,
    marked: &Marked,
    hook: &Hook,
    told: &mut Told,
) {
    let words = json!({ "error": { "message": marked.person.of("outage") }, "message": marked.person.of("outage") });
    let unavailable = json!({ "kind": "status", "status": 503, "body": words });
    for provider in product.providers.values() {
        product.fault(provider, "", &unavailable).await;
    }
    let request = deliver(product, hook, &marked.call("CALoutage"), told).await;
    let database = Connection::open(database(world)).unwrap();
    let next = "SELECT min(due_at) FROM work WHERE state = 'ready'";
    let busy =
        "SELECT count(*) FROM work WHERE state = 'in_flight' OR (state = 'ready' AND due_at <= ?1)";
    loop {
        let is_done = async || {
            let now = world.now().as_microsecond();
            database
                .query_row(busy, [now], |row| row.get::<_, u32>(0))
                .unwrap()
                == 0
        };
        product.eventually("what was due was tried", is_done).await;
        let Some(due) = database
            .query_row(next, [], |row| row.get::<_, Option<i64>>(0))
            .unwrap()
        else {
            break;
        };
        let micros = due - world.now().as_microsecond();
        world.pass(Duration::from_micros(u64::try_from(micros).unwrap_or(0)));
    }
    becomes(product, &request, "parked").await;
    product.clear_faults().await;
}

#[tokio::test]
async fn a_store_in_trouble_and_an_outage_show_no_secret_and_nobody() {
    let world = World::on_manual_clock_with([ASKED_ONCE]).await;
    let product = of_world(&world);
    let (mut marked, mut told) = (Marked::new(), Told::default());
    let hook = begin(&product, &mut marked, &mut told).await;
    store_errors(&world, &product, &marked, &hook, &mut told).await;
    long_outage(&world, &product, &marked, &hook, &mut told).await;

    let mut finds = Finds::default();
    finds.errors(&told, &marked);
    finds.reasons(&product, &told, &marked).await;
    let metrics = runtime::install_metrics().render();
    assert!(metrics.contains("/v1/hooks/{token}/{event}"), "{metrics}");
    finds.forbid(
        "the metrics",
        metrics.as_bytes(),
        &[&marked.secret, &marked.person],
    );
    finds.database(&database(&world), &marked);
    finds.folder(&world.data_folder(), &marked);
    let log = world.logs();
    assert!(
        log.contains("/v1/hooks/{token}/{event}") && log.contains("hyper"),
        "it is not all there"
    );
    finds.log("the log", log.as_bytes(), &marked);
    drop(product);
    world.finish().await;
    finds.assert_none();
}

/// A program of its own, and what was found in all that it leaves.
struct Scene {
    running: Running,
    product: Product<'static>,
    marked: Marked,
    told: Told,
    hook: Hook,
}

impl Scene {
    /// A program that logs as these settings say, after a call that went through everything.
    async fn begin(settings: &[(&str, &str)]) -> Self {
        let running = Running::start(&[settings, &[ASKED_ONCE]].concat());
        let product = running.product();
        let (mut marked, mut told) = (Marked::new(), Told::default());
        let hook = begin(&product, &mut marked, &mut told).await;
        Self {
            running,
            product,
            marked,
            told,
            hook,
        }
    }

    /// Ends the program, and looks everywhere. Answers its log.
    async fn end(self) -> String {
        let Self {
            mut running,
            product,
            marked,
            told,
            hook: _,
        } = self;
        let mut finds = Finds::default();
        finds.errors(&told, &marked);
        finds.reasons(&product, &told, &marked).await;
        let metrics = reply_of(
            &product.http,
            Method::GET,
            &running.metrics,
            &[],
            Vec::new(),
        )
        .await;
        assert!(!metrics.body.is_empty());
        let all = [&marked.secret, &marked.person];
        finds.forbid("the metrics", &metrics.body, &all);
        let folder = running.data_folder();
        finds.folder(&folder, &marked);
        running.stop();
        finds.database(&folder.join("pipeline.sqlite3"), &marked);
        finds.forbid("what is printed", running.printed().as_bytes(), &all);
        let log = running.log();
        finds.log("the log", &log, &marked);
        finds.assert_none();
        String::from_utf8(log).unwrap()
    }
}

/// As much as an operator can have logged.
const ALL: [(&str, &str); 2] = [("LOG", "trace"), ("LOG_FORMAT", "json")];

#[tokio::test]
async fn senders_and_deciders_leave_no_secret_and_nobody_behind() {
    let mut scene = Scene::begin(&ALL).await;
    let Scene {
        product,
        marked,
        told,
        hook,
        ..
    } = &mut scene;
    deliveries::bad_deliveries(product, marked, hook, told).await;
    story::bad_secrets(product, marked, hook, told).await;
    story::decisions(product, marked, hook, told).await;
    bad_calls::bad_calls(product, marked, hook, told).await;
    let log = scene.end().await;
    for part in [
        "hyper",
        "reqwest",
        "/v1/hooks/{token}/{event}",
        "called out",
    ] {
        assert!(log.contains(part), "nothing of `{part}` is in the log");
    }
}

#[tokio::test]
async fn providers_in_trouble_leave_no_secret_and_nobody_behind() {
    let mut scene = Scene::begin(&ALL).await;
    let Scene {
        product,
        marked,
        told,
        hook,
        ..
    } = &mut scene;
    troubles::trouble(product, marked, hook, told, 1).await;
    let log = scene.end().await;
    assert!(
        log.contains("parked dispatch") && log.contains("was judged by rules"),
        "{log}"
    );
}

#[tokio::test]
async fn a_program_that_logs_leaves_no_secret_and_nobody_behind() {
    let mut scene = Scene::begin(&[("LOG_FORMAT", "plain")]).await;
    let Scene {
        product,
        marked,
        told,
        hook,
        ..
    } = &mut scene;
    deliveries::bad_deliveries(product, marked, hook, told).await;
    troubles::trouble(product, marked, hook, told, 4).await;
    let log = scene.end().await;
    assert!(log.contains("parked dispatch"), "{log}");
}

#[tokio::test]
async fn commands_print_no_secret_whatever_is_wrong() {
    let marked = Marked::new();
    let mut running = Running::start(&ALL);
    let folder = running.data_folder();
    let mut finds = Finds::default();
    let secret = marked.secret.of("setting");
    let set = ["secret", "set", "hubspot", "--env", "NEW"];
    let to_nobody = [
        "secret",
        "set",
        "hubspot",
        "--env",
        "NEW",
        "--provider",
        "nobody",
    ];
    let to_a_server: &[Case<'_>] = &[
        (&[("NEW", &secret)], &to_nobody, false),
        (&[("NEW", &secret)], &set, true),
        (&[], &["audit", "list"], true),
    ];
    run_all(&folder, to_a_server, &marked, &mut finds);
    running.stop();

    let file = folder.with_file_name("settings");
    fs::write(
        &file,
        format!("SEALING_KEY {secret}\n{secret}\nSEALING_KEY={secret}\n"),
    )
    .unwrap();
    let file = file.to_str().unwrap();
    let user = format!("https://{secret}:{secret}@crm.example/{secret}?{secret}");
    let no_url = format!("ftp://{secret}@crm.example/");
    let white = format!("{secret} with white space");
    let nowhere = folder.with_file_name("nowhere");
    let nowhere = nowhere.to_str().unwrap();
    let sealing = [("SEALING_KEY", secret.as_str())];
    let cases: &[Case<'_>] = &[
        (
            &[("SEALING_KEY", &secret), ("HUBSPOT_BASE_URL", &user)],
            &["check-config"],
            true,
        ),
        (
            &[
                ("SEALING_KEY", &secret),
                ("HUBSPOT_BASE_URL", &no_url),
                ("PORT", "x"),
            ],
            &["check-config"],
            false,
        ),
        (&[("CALLRAIL_BASE_URL", &secret)], &["check-config"], false),
        (&[], &["--env-file", file, "check-config"], false),
        (&sealing, &["run", "--port", "0"], false),
        (
            &sealing,
            &["run", "--port", "0", "--data-dir", nowhere],
            false,
        ),
        (&sealing, &["work", "list"], false),
        (&sealing, &["token", "--data-dir", nowhere], false),
        (
            &sealing,
            &["send", "callrail", "--data-dir", nowhere],
            false,
        ),
        (&[("NEW", &white)], &set, false),
        (&[("NEW", &secret)], &to_nobody, false),
        (&[("NEW", &secret)], &set, true),
        (
            &[("NEW", &secret)],
            &["secret", "set", "hubspot", "--file", nowhere],
            false,
        ),
    ];
    run_all(&folder, cases, &marked, &mut finds);
    finds.folder(&folder, &marked);
    finds.log("the log", &running.log(), &marked);
    finds.assert_none();
}

/// A command: its settings, its words, and whether it does what it is told.
type Case<'a> = (&'a [(&'a str, &'a str)], &'a [&'a str], bool);

fn run_all(folder: &Path, cases: &[Case<'_>], marked: &Marked, finds: &mut Finds) {
    for (settings, words, is_success) in cases {
        let output = command(folder, settings, words);
        let printed = String::from_utf8_lossy(&output.printed).into_owned();
        assert_eq!(output.is_success, *is_success, "{words:?}: {printed}");
        finds.forbid(
            &format!("what `{}` prints", words.join(" ")),
            &output.printed,
            &[&marked.secret],
        );
    }
}
