//! Nothing is missing: what a provider has is compared with what came.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use domain::{RequestId, TenantId};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use simulators::{Trouble, acuity, callrail};
use store::{RequestQuery, sweeps::WEBHOOKS};
use tests::{Form, World, in_both_forms};

const MINUTES: fn(u64) -> Duration = |minutes| Duration::from_secs(minutes * 60);

/// Calls of the day, one after the other.
const CALLS: u64 = 206;
/// Between two calls.
const PAUSE: Duration = Duration::from_secs(90);
/// CallRail reports a call this late at the latest.
const LATEST_REPORT: Duration = Duration::from_secs(20 * 60);

/// An audited product on a manual clock.
pub(crate) async fn audited() -> World {
    World::on_manual_clock_with([("AUDIT_SOURCES", "true")]).await
}

/// Lets so much time pass, and the audit do what is due by then.
pub(crate) async fn pass(world: &World, time: Duration) {
    world.pass(time);
    let now = world.now();
    let tenant = world.tenant();
    // Looks are 5 minutes apart; the task looks for what is due every 15 seconds.
    let behind = now.checked_sub(SignedDuration::from_mins(7)).unwrap();
    let keeps_up = async || {
        let sweeps = world.store.sweeps(&tenant).await.unwrap();
        !sweeps.is_empty()
            && sweeps
                .iter()
                .all(|sweep| sweep.state.checked_at > Some(behind))
    };
    world.eventually("the audit keeps up", keeps_up).await;
}

/// Every request of a tenant.
pub(crate) async fn requests(world: &World, tenant: &TenantId) -> Vec<domain::LeadRequest> {
    let mut all: Vec<domain::LeadRequest> = Vec::new();
    loop {
        let before: Option<RequestId> = all.last().map(|request| request.id);
        let query = RequestQuery {
            limit: 200,
            before,
            ..RequestQuery::default()
        };
        let page = world.store.list_requests(tenant, &query).await.unwrap();
        all.extend(page.items);
        if !page.has_more {
            return all;
        }
    }
}

/// The demo company's webhooks, ours first, and perhaps somebody else's URL behind it.
fn webhooks(world: &World, other: Option<&str>) -> BTreeMap<String, Vec<String>> {
    let hook = format!(
        "{}/v1/hooks/{}",
        world.base,
        pipeline::demo::token("callrail")
    );
    let events = [
        ("post_call_webhook", "post-call"),
        ("updated_call_webhook", "call-modified"),
    ];
    let urls = |name: &str| {
        let ours = format!("{hook}/{name}");
        [ours].into_iter().chain(other.map(str::to_owned)).collect()
    };
    let lists = events.into_iter();
    lists
        .map(|(list, name)| (list.to_owned(), urls(name)))
        .collect()
}

/// No number makes an id of nothing but zeros: that one names no call.
fn call_id(number: u64) -> String {
    format!("CAL{:032x}", number + 1)
}

/// A call that nobody answered, so that there is no recording to wait for.
fn fields(now: Timestamp, number: u64) -> Value {
    let start = now.checked_sub(SignedDuration::from_secs(50)).unwrap();
    json!({
        "numeric_id": 700_000_000 + number, "recording": null, "duration": 0, "answered": false, "call_type": "missed",
        "start_time": start.to_string(), "created_at": start.to_string(),
        "customer_phone_number": format!("+1512{:07}", 5_550_000 + number),
    })
}

/// CallRail loses 5 % of the webhooks, doubles 3 %, reports some 20 minutes late, and switches the webhook off once.
#[tokio::test]
async fn no_lead_is_missing_whatever_becomes_of_webhooks() {
    let world = audited().await;
    let (tenant, callrail) = (world.tenant(), world.simulators().callrail());
    // Somebody else's URL stands beside ours, in each event.
    let other = format!("{}/nobodys-hook", world.base);
    callrail.set_webhooks(webhooks(&world, Some(&other)));
    pass(&world, MINUTES(1)).await;

    let (mut switched_off_at, mut noticed_after) = (None, None);
    let mut lost = BTreeSet::new();
    for number in 0..CALLS {
        let trouble = Trouble {
            lose: u32::from(number % 20 == 7),
            repeat: u32::from(number % 33 == 5),
            delay_ms: if number % 25 == 11 {
                LATEST_REPORT.as_secs() * 1_000
            } else {
                0
            },
        };
        if trouble.lose > 0 {
            lost.insert(number);
        }
        if number == 75 {
            callrail.switch_webhooks(false);
            switched_off_at = Some(world.now());
        }
        let (before, is_late) = (callrail.webhooks_waiting(), trouble.delay_ms > 0);
        callrail.trouble(trouble);
        callrail
            .ring(&call_id(number), fields(world.now(), number))
            .unwrap();
        // What is late waits at CallRail meanwhile.
        world
            .eventually("the webhook is posted", async || {
                is_late || callrail.webhooks_waiting() <= before
            })
            .await;
        pass(&world, PAUSE).await;
        world.rest().await;
        let is_off = callrail.webhook_urls().iter().any(|(_, is_on)| !is_on);
        if let (Some(at), None, false) = (switched_off_at, noticed_after, is_off) {
            noticed_after = Some(world.now().duration_since(at));
        }
    }
    // What was lost last is missing after 25 minutes, and looked for every 5.
    callrail.trouble(Trouble::default());
    for _ in 0..30 {
        pass(&world, PAUSE).await;
        world.rest().await;
    }

    // The switch-off was noticed within 10 minutes, and mended without a word about others' URLs.
    let noticed_after = noticed_after.expect("it is on again");
    assert!(
        noticed_after <= SignedDuration::from_mins(10),
        "{noticed_after}"
    );
    let urls = callrail.webhook_urls();
    assert_eq!(
        urls.iter().filter(|(url, _)| *url == other).count(),
        2,
        "{urls:?}"
    );
    assert!(urls.iter().all(|(_, is_on)| *is_on), "{urls:?}");
    let log = world
        .store
        .audit_log(&tenant, &store::AuditQuery::newest(50))
        .await
        .unwrap()
        .items;
    for action in ["source.webhook_off", "source.webhook_registered"] {
        assert_eq!(
            log.iter().filter(|entry| entry.action == action).count(),
            1,
            "{action}"
        );
    }
    assert!(world.logs().contains("CallRail no longer posts"));

    // Missing 0, doubled 0.
    let all = requests(&world, &tenant).await;
    let ids: BTreeSet<_> = all
        .iter()
        .filter_map(|request| request.document.source.said.canonical_id.clone())
        .collect();
    let rang: BTreeSet<_> = (0..CALLS).map(call_id).collect();
    assert_eq!(ids, rang);
    assert_eq!(u64::try_from(all.len()).unwrap(), CALLS);
    let recovered: Vec<_> = all
        .iter()
        .filter_map(|request| request.document.source.recovered)
        .collect();
    assert!(recovered.len() >= lost.len(), "{}", recovered.len());
    // Nothing was taken while its webhook could still come.
    assert!(
        recovered.iter().all(|one| one.minutes_late() >= 25),
        "{recovered:?}"
    );

    let shown = world
        .get(&format!(
            "/v1/tenants/{tenant}/completeness?from=2026-03-17&to=2026-03-17"
        ))
        .await;
    let lines = shown.body["items"].as_array().unwrap();
    let line = lines
        .iter()
        .find(|line| line["at_provider"] == json!(CALLS))
        .unwrap_or_else(|| panic!("{lines:?}"));
    assert_eq!(
        (&line["held"], &line["missing"]),
        (&json!(CALLS), &json!(0))
    );
    assert_eq!(line["recovered"], json!(recovered.len()));

    // Asked from outside: never more than CallRail allows.
    let (most, refused) = callrail.most_requests();
    let allowed = usize::try_from(callrail::GENERAL_REQUESTS_PER_HOUR).unwrap();
    assert!(most <= allowed, "{most}");
    assert_eq!(refused, 0);
    world.stop_early().await;
}

/// What an audit took is the lead that its webhook would have made, and the webhook makes no other when it comes after all.
#[tokio::test]
async fn a_webhook_that_comes_after_the_audit_makes_no_second_lead() {
    let world = audited().await;
    let (tenant, callrail) = (world.tenant(), world.simulators().callrail());
    callrail.set_webhooks(webhooks(&world, None));
    pass(&world, MINUTES(1)).await;
    let late = Trouble {
        delay_ms: MINUTES(90).as_secs() * 1_000,
        ..Trouble::default()
    };
    callrail.trouble(late);
    callrail.ring(&call_id(1), fields(world.now(), 1)).unwrap();
    callrail.trouble(Trouble::default());
    for _ in 0..9 {
        pass(&world, MINUTES(4)).await;
    }
    world.rest().await;
    let found = requests(&world, &tenant).await;
    assert_eq!(found.len(), 1, "{found:?}");
    let shown = world.shown(found[0].id).await;
    assert!(
        shown["source"]["recovered"]["minutes_late"]
            .as_u64()
            .unwrap()
            >= 25,
        "{shown}"
    );
    assert_eq!(shown["flags"][0], json!("recovered"));

    for _ in 0..17 {
        pass(&world, MINUTES(4)).await;
    }
    world
        .eventually("the webhook is posted", async || {
            callrail.webhooks_waiting() == 0
        })
        .await;
    world.rest().await;
    let found = requests(&world, &tenant).await;
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(found[0].document.source.events, 2);
    world.finish().await;
}

/// A source is connected by its secret alone, tested through the public URL, and works; connecting again changes nothing.
#[tokio::test]
async fn a_source_is_connected_in_one_call() {
    let world = World::start().await;
    let company = world.add_tenant("acme").await;
    let tenant = company.tenant.clone();
    let wrong = json!({ "provider": "calendly", "secret": "not-the-token" });
    let refused = world
        .post_as_admin(&tenant, "sources/connect", &wrong)
        .await;
    assert_eq!(refused.body["is_connected"], json!(false), "{refused:?}");
    assert_eq!(refused.body["steps"][0]["step"], json!("credentials"));
    assert!(
        world
            .store
            .connections(&tenant)
            .await
            .unwrap()
            .iter()
            .all(|known| known.provider != "calendly")
    );

    let right = json!({ "provider": "calendly", "secret": "simulated-calendly-token" });
    let connected = world
        .post_as_admin(&tenant, "sources/connect", &right)
        .await;
    assert_eq!(connected.body["is_connected"], json!(true), "{connected:?}");
    let source = connected.body["source"]["source_id"]
        .as_str()
        .unwrap()
        .to_owned();
    let again = world
        .post_as_admin(
            &tenant,
            "sources/connect",
            &json!({ "provider": "calendly" }),
        )
        .await;
    assert_eq!(again.body["is_connected"], json!(true), "{again:?}");
    assert_eq!(again.body["source"], connected.body["source"]);

    let path = format!("sources/{source}/test");
    let tested = world.post_as_admin(&tenant, &path, &json!({})).await;
    assert_eq!(tested.body["is_arrived"], json!(true), "{tested:?}");
    let sweeps = world.store.sweeps(&tenant).await.unwrap();
    assert!(
        sweeps.iter().any(|sweep| sweep.kind == WEBHOOKS),
        "{sweeps:?}"
    );
    assert!(
        requests(&world, &tenant).await.is_empty(),
        "a test makes no lead"
    );

    world
        .simulators()
        .calendly()
        .book(simulators::calendly::Wanted::default());
    world
        .eventually("the booking arrives", async || {
            requests(&world, &tenant).await.len() == 1
        })
        .await;
    world.stop_early().await;
}

in_both_forms![a_job_finds_what_did_not_come];

async fn a_job_finds_what_did_not_come(form: Form) {
    let world = World::of(form).await;
    let tenant = world.tenant();
    let wanted = acuity::Wanted {
        starts_at: world
            .now()
            .checked_add(SignedDuration::from_hours(72))
            .unwrap(),
        ..acuity::Wanted::default()
    };
    world.simulators().acuity().register("914500777", wanted);
    let ended = reconciled(&world).await;
    assert_eq!(ended["result"]["changed"], json!(1), "{ended}");
    let found = requests(&world, &tenant).await;
    assert_eq!(found.len(), 1);
    assert!(found[0].document.source.recovered.is_some());

    // Once is enough.
    let ended = reconciled(&world).await;
    assert_eq!(ended["result"]["changed"], json!(0), "{ended}");
    assert_eq!(requests(&world, &tenant).await.len(), 1);
    // A cancellation whose webhook did not come is taken, too. It is no further lead.
    world.simulators().acuity().switch_webhooks(false);
    world.simulators().acuity().cancel("914500777");
    let ended = reconciled(&world).await;
    assert_eq!(ended["result"]["changed"], json!(0), "{ended}");
    world
        .eventually("the booking is canceled", async || {
            let found = requests(&world, &tenant).await;
            let facts = found[0].document.facts();
            matches!(facts.about, domain::About::Calendar(booking)
                if booking.status == Some(domain::BookingStatus::Canceled))
        })
        .await;
    assert_eq!(requests(&world, &tenant).await.len(), 1);

    // By a source that is disabled nothing comes, whichever way.
    let sources = world.store.sources(&tenant).await.unwrap();
    let of_acuity = sources.iter().find(|source| source.provider == "acuity");
    let path = format!("sources/{}", of_acuity.unwrap().id);
    let disabled = world
        .post_as_admin(&tenant, &format!("{path}/disable"), &json!({}))
        .await;
    assert_eq!(disabled.status, 200, "{disabled:?}");
    let wanted = acuity::Wanted {
        starts_at: world.now() + SignedDuration::from_hours(96),
        ..acuity::Wanted::default()
    };
    world.simulators().acuity().register("914500778", wanted);
    reconciled(&world).await;
    assert_eq!(requests(&world, &tenant).await.len(), 1);
    let named = json!({ "kind": "reconcile", "source_id": of_acuity.unwrap().id.to_string(), "filter": {} });
    let refused = world.post_as_admin(&tenant, "jobs", &named).await;
    assert_eq!(refused.status, 422, "{refused:?}");
    world
        .post_as_admin(&tenant, &format!("{path}/enable"), &json!({}))
        .await;

    // What was compared is told by the day, also where nothing happened.
    let day = world.now().to_zoned(jiff::tz::TimeZone::UTC).date();
    let (from, to) = (day.yesterday().unwrap(), day.tomorrow().unwrap());
    let shown = world
        .get(&format!(
            "/v1/tenants/{tenant}/completeness?from={from}&to={to}"
        ))
        .await;
    let lines = shown.body["items"].as_array().unwrap();
    let sum = |name: &str| {
        lines
            .iter()
            .filter_map(|line| line[name].as_u64())
            .sum::<u64>()
    };
    assert_eq!((sum("at_provider"), sum("recovered")), (1, 1), "{lines:?}");
    assert!(lines.iter().any(|line| line["at_provider"] == json!(0)));

    // An account that is refused keeps no other from being compared, and is named.
    assert_eq!(ended["result"]["faults"], json!([]));
    let path = format!("/v1/tenants/{tenant}/connections/acuity/secret");
    let replaced = world
        .put_to_api(&path, &json!({ "secret": "another-key" }))
        .await;
    assert!(replaced.status.is_success(), "{replaced:?}");
    let ended = reconciled(&world).await;
    let faults = ended["result"]["faults"].as_array().unwrap();
    assert_eq!(faults.len(), 1, "{ended}");
    let reason = faults[0]["reason"].as_str().unwrap();
    assert!(
        reason.contains("enter the account's secret again"),
        "{reason}"
    );
    world.finish().await;
}

/// A job that compares everything, once it has ended.
pub(crate) async fn reconciled(world: &World) -> Value {
    let tenant = world.tenant();
    let new = json!({ "kind": "reconcile", "filter": {} });
    let started = world.post_as_admin(&tenant, "jobs", &new).await;
    assert_eq!(started.status, http::StatusCode::ACCEPTED, "{started:?}");
    let job = started.body["job_id"].as_str().unwrap().to_owned();
    let path = format!("/v1/tenants/{tenant}/jobs/{job}");
    world
        .eventually("the job ends", async || {
            !world.get(&path).await.body["finished_at"].is_null()
        })
        .await;
    let ended = world.get(&path).await.body;
    assert_eq!(ended["state"], json!("done"), "{ended}");
    ended
}
