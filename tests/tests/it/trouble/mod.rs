//! What becomes of a lead when a provider, the network or the disk is in trouble.
//!
//! A story's name is its outcome. All are told on the manual clock, so that a day of outage takes milliseconds.

mod gemini;
mod hubspot;
mod sendgrid;
mod slack;
mod speech;
mod storage;

use std::time::Duration;

use domain::{RequestId, Status, WorkRow, WorkState};
use jiff::Timestamp;
use serde_json::{Value, json};
use simulators::sendgrid::Mail;
use store::{RequestQuery, RequestView};
use tests::{CallBody, World};

/// Longest outage of a story, and more.
const LONGEST: Duration = Duration::from_secs(6 * 24 * 3_600);

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3_600);

/// The webhook of a call by a caller of its own.
fn body(number: u32) -> CallBody {
    CallBody::post_call(&call_id(number)).with(
        "customer_phone_number",
        json!(format!("+1512555{:04}", 200 + number)),
    )
}

fn call_id(number: u32) -> String {
    format!("CALtrouble{number}")
}

/// Delivers a call by a caller of its own.
async fn call(world: &World, number: u32) -> RequestId {
    world.deliver("post-call", &body(number)).await.request_id()
}

/// Contacts, deals and mails, as the providers have them.
fn counts(world: &World) -> (usize, usize, usize) {
    let simulators = world.simulators();
    (
        simulators.hubspot().contacts().len(),
        simulators.hubspot().deals().len(),
        simulators.sendgrid().mails().len(),
    )
}

/// The mails about a request, as the provider took them.
fn mails(world: &World, request: RequestId) -> Vec<Mail> {
    let mut mails = world.simulators().sendgrid().mails();
    mails.retain(|mail| mail.custom_args.get("request_id") == Some(&request.to_string()));
    mails
}

/// The only mail about a request.
fn mail(world: &World, request: RequestId) -> Mail {
    let mut mails = mails(world, request);
    assert_eq!(mails.len(), 1, "{mails:?}");
    mails.remove(0)
}

/// What happened in a stage, as the API shows it: a word each.
fn outcomes(shown: &Value, stage: &str) -> Vec<String> {
    let entries = shown["timeline"].as_array().unwrap().iter();
    entries
        .filter(|entry| entry["stage"] == stage)
        .map(|entry| entry["outcome"].as_str().unwrap().to_owned())
        .collect()
}

/// Everything that is still to be done.
async fn open_work(world: &World) -> Vec<WorkRow> {
    let query = RequestQuery {
        limit: 200,
        ..RequestQuery::default()
    };
    let tenant = world.tenant();
    let page = world.store.list_requests(&tenant, &query).await.unwrap();
    let mut rows = Vec::new();
    for request in page.items {
        rows.extend(world.store.open_work(&tenant, request.id).await.unwrap());
    }
    rows
}

/// Waits until nobody works and nothing is due; answers what is left. The clock stands still meanwhile, so that a busy
/// machine makes no time of a story longer.
async fn at_rest(world: &World) -> Vec<WorkRow> {
    world.rest().await;
    open_work(world).await
}

/// When the next of these steps is due.
fn next_due(rows: &[WorkRow]) -> Option<Timestamp> {
    let ready = rows.iter().filter(|row| row.state == WorkState::Ready);
    ready.map(|row| row.due_at).min()
}

/// How long it is until then.
fn until(world: &World, at: Timestamp) -> Duration {
    Duration::try_from(at.duration_since(world.now())).unwrap_or_default()
}

/// Lets time pass, from one due step to the next, each of them worked.
async fn let_pass(world: &World, time: Duration) {
    let end = domain::later(world.now(), time);
    loop {
        let rows = at_rest(world).await;
        match next_due(&rows).filter(|due| *due <= end) {
            Some(due) => world.pass(until(world, due)),
            None => return world.pass(until(world, end)),
        }
    }
}

/// Lets as much time pass as a request needs to come to a status at which it rests.
async fn comes_to(world: &World, request: RequestId, status: Status) -> RequestView {
    let end = domain::later(world.now(), LONGEST);
    loop {
        let rows = at_rest(world).await;
        let view = world.view(request).await;
        if view.request.status == status {
            return view;
        }
        let due = next_due(&rows).filter(|due| *due < end);
        let Some(due) = due else {
            panic!(
                "{request} never comes to {}: {view:#?}\nlogs:\n{}",
                status.as_str(),
                world.logs()
            )
        };
        world.pass(until(world, due));
    }
}

/// Ends a story after which nothing is left to do, for nobody.
async fn finish_with_nothing_open(world: World) {
    let rows = at_rest(&world).await;
    assert!(rows.is_empty(), "{rows:#?}");
    world.finish().await;
}
