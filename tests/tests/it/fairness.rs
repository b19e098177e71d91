//! A tenant that floods, and its neighbors.
//!
//! What holds is who goes before whom, counted at a [`Gate`] before the CRM that a story opens by hand. How long it takes
//! is for the machine to say: `make bench` reports it.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, OnceLock},
};

use axum::{
    Router,
    body::{Body, Bytes},
    extract::{Request, State},
    response::Response,
};
use domain::RequestId;
use futures::{StreamExt as _, stream};
use serde_json::{Value, json};
use tests::{CallBody, Company, World};
use tokio::{net::TcpListener, sync::oneshot};

/// What the local bus lets run at once of a stage, and of one tenant's.
const WORKERS: usize = 32;
const OF_ONE_TENANT: usize = 16;
/// Leads of a flood. More than run and wait on the bus, so that some are known to the store alone.
const FLOOD: usize = 300;
/// Tenants with one lead each.
const NEIGHBORS: usize = 9;
/// Deliveries that a sender has under way at once.
const CONNECTIONS: usize = 16;

/// A lead that waits at the gate, and what lets it through.
struct Waiting {
    request: RequestId,
    pass: oneshot::Sender<()>,
}

/// Stands between the product and the simulated HubSpot. A deal that is to be written waits here until its story lets
/// it through; everything else passes.
#[derive(Default)]
struct Gate {
    /// Whom it asks, and how.
    hubspot: OnceLock<(reqwest::Client, String)>,
    /// Who waits, the longest first. None once the gate stands open.
    waiting: Mutex<Option<Vec<Waiting>>>,
}

impl Gate {
    /// A world whose dispatches come to a gate.
    async fn before_a_world() -> (Arc<Self>, World) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let gate = Arc::new(Self {
            waiting: Mutex::new(Some(Vec::new())),
            ..Self::default()
        });
        let routes = Router::new().fallback(take).with_state(gate.clone());
        tokio::spawn(async move { axum::serve(listener, routes).await });
        // Nothing but the story ends a wait.
        let settings = [("HUBSPOT_BASE_URL", url.as_str()), ("CRM_TIMEOUT", "1h")];
        let world = World::with_settings(settings).await;
        let hubspot = world.simulators().hubspot().base_url();
        gate.hubspot.set((world.http.clone(), hubspot)).unwrap();
        (gate, world)
    }

    /// The requests whose leads wait, the longest first.
    fn waiting(&self) -> Vec<RequestId> {
        let waiting = self.waiting.lock().unwrap();
        let waiting = waiting.iter().flatten();
        waiting.map(|waiting| waiting.request).collect()
    }

    /// How many of these wait.
    fn count(&self, requests: &BTreeSet<RequestId>) -> usize {
        let waiting = self.waiting();
        waiting.iter().filter(|id| requests.contains(id)).count()
    }

    /// Lets a lead through.
    fn let_through(&self, request: RequestId) {
        let mut waiting = self.waiting.lock().unwrap();
        let waiting = waiting.as_mut().expect("the gate is not open yet");
        let index = waiting.iter().position(|one| one.request == request);
        let lead = waiting.remove(index.expect("it waits"));
        lead.pass.send(()).expect("the product waits for it");
    }

    /// Lets everybody through, from now on.
    fn open(&self) {
        drop(self.waiting.lock().unwrap().take());
    }

    /// Waits until it is this request's turn. An opened gate drops the other side of the channel.
    async fn wait(&self, request: RequestId) {
        let passed = {
            let mut waiting = self.waiting.lock().unwrap();
            let Some(waiting) = waiting.as_mut() else {
                return;
            };
            let (pass, passed) = oneshot::channel();
            waiting.push(Waiting { request, pass });
            passed
        };
        passed.await.ok();
    }
}

/// Holds back what writes a deal, and hands everything on as it is.
#[expect(
    clippy::disallowed_methods,
    reason = "it stands before a simulated provider"
)]
async fn take(State(gate): State<Arc<Gate>>, request: Request) -> Response {
    let (head, body) = request.into_parts();
    let body = axum::body::to_bytes(body, usize::MAX).await.unwrap();
    if head.uri.path().ends_with("/deals/batch/upsert") {
        gate.wait(request_of(&body)).await;
    }
    let (http, hubspot) = gate.hubspot.get().unwrap();
    let url = format!("{hubspot}{}", head.uri);
    let asked = http.request(head.method, url).headers(head.headers);
    let answer = asked.body(body).send().await.unwrap();
    let mut response = Response::new(Body::empty());
    *response.status_mut() = answer.status();
    *response.headers_mut() = answer.headers().clone();
    *response.body_mut() = answer.bytes().await.unwrap().into();
    response
}

/// The request whose deal a body writes.
fn request_of(body: &Bytes) -> RequestId {
    let body: Value = serde_json::from_slice(body).unwrap();
    let id = body["inputs"][0]["id"].as_str().unwrap();
    id.parse().unwrap()
}

/// Delivers so many leads of a company, each of a caller of its own.
async fn deliver(world: &World, company: &Company, leads: usize) -> BTreeSet<RequestId> {
    let deliveries = (0..leads).map(|number| async move {
        let call = format!("CAL{}{number}", company.tenant);
        let phone = format!("+1512{:07}", 2_000_000 + number);
        let body = CallBody::post_call(&call).with("customer_phone_number", json!(phone));
        company
            .deliver(world, "post-call", &body)
            .await
            .request_id()
    });
    let requests = stream::iter(deliveries).buffer_unordered(CONNECTIONS);
    requests.collect().await
}

/// How many of a company's leads are at the stage that pushes them.
fn at_dispatch(world: &World, company: &Company) -> usize {
    let database = world.data_folder().join("pipeline.sqlite3");
    let database = rusqlite::Connection::open(database).unwrap();
    let sql = "SELECT count(*) FROM work WHERE stage = 'dispatch' AND tenant_id = ?1";
    let count = database.query_row(sql, [company.tenant.as_str()], |row| row.get::<_, i64>(0));
    usize::try_from(count.unwrap()).unwrap()
}

/// The requests whose deals the CRM has.
fn dispatched(world: &World) -> BTreeSet<RequestId> {
    let deals = world.simulators().hubspot().deals().into_iter();
    let ids = deals.map(|deal| deal.properties["deal_external_id"].parse().unwrap());
    ids.collect()
}

#[tokio::test]
async fn leads_pass_a_neighbors_whole_flood_that_is_stuck() {
    let (gate, world) = Gate::before_a_world().await;
    let loud = world.add_tenant("loud").await;
    let flood = deliver(&world, &loud, FLOOD).await;
    world
        .eventually("the flood is stuck before the CRM", async || {
            at_dispatch(&world, &loud) == FLOOD && gate.count(&flood) == OF_ONE_TENANT
        })
        .await;

    let mut neighbors = BTreeSet::new();
    for number in 0..NEIGHBORS {
        let quiet = world.add_tenant(&format!("quiet_{number}")).await;
        neighbors.extend(deliver(&world, &quiet, 1).await);
    }
    world
        .eventually("every neighbor's lead comes to the CRM", async || {
            gate.count(&neighbors) == NEIGHBORS
        })
        .await;
    assert_eq!(gate.count(&flood), OF_ONE_TENANT, "of the flood");
    neighbors.iter().for_each(|lead| gate.let_through(*lead));
    world
        .eventually("the CRM has every neighbor's lead", async || {
            dispatched(&world).len() >= NEIGHBORS
        })
        .await;
    assert_eq!(dispatched(&world), neighbors, "none of the flood");
    gate.open();
    world.stop_early().await;
}

#[tokio::test]
async fn a_lead_waits_for_one_of_each_flood_that_fills_all_workers() {
    let (gate, world) = Gate::before_a_world().await;
    let mut floods = Vec::new();
    for (name, running) in [("first", 16), ("second", 10), ("third", 6)] {
        let loud = world.add_tenant(name).await;
        let flood = deliver(&world, &loud, 2 * OF_ONE_TENANT).await;
        let what = format!("{running} of the {name} flood wait at the CRM");
        world
            .eventually(&what, async || gate.count(&flood) == running)
            .await;
        floods.push(flood);
    }
    assert_eq!(gate.waiting().len(), WORKERS, "every worker is taken");

    let quiet = world.add_tenant("quiet").await;
    let lead = deliver(&world, &quiet, 1).await;
    world
        .eventually("the lead waits for a worker", async || {
            at_dispatch(&world, &quiet) == 1
        })
        .await;
    assert_eq!(gate.count(&lead), 0);
    // The floods go on one by one, the one that has least first: it may run another at once.
    let mut before = 0;
    for flood in floods.iter().rev().cycle() {
        let waiting = gate.waiting();
        let next = waiting.iter().find(|id| flood.contains(id)).unwrap();
        gate.let_through(*next);
        before += 1;
        world
            .eventually("the free worker takes somebody's lead", async || {
                gate.waiting().len() == WORKERS
            })
            .await;
        if gate.count(&lead) == 1 {
            break;
        }
        assert!(before < floods.len(), "{before} went before the lead");
    }
    gate.open();
    world.stop_early().await;
}
