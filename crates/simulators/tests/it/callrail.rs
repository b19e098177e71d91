use std::time::Duration;

use serde_json::json;
use simulators::{Fault, Late, recordings};

use crate::world::{Answer, World, client, get, put, send};

const ACCOUNT: &str = "ACC1a2b3c4d5e6f47089a0b1c2d3e4f5a6b";
const AUTH: &str = "Token token=\"simulated-callrail-key\"";

async fn ask(world: &World, path: &str) -> Answer {
    let url = format!(
        "{}/v3/a/{ACCOUNT}/{path}",
        world.simulators.callrail().base_url()
    );
    send(client().get(url).header("authorization", AUTH)).await
}

#[tokio::test]
async fn a_wrong_key_is_refused_and_never_shown() {
    let world = World::start().await;
    let url = format!("{}/v3/a.json", world.simulators.callrail().base_url());
    let wrong = client()
        .get(&url)
        .header("authorization", "Token token=\"not-it-at-all\"");
    assert!(send(wrong).await.expect(401)["error"].is_string());
    get(&url).await.expect(401);
    let good = client().get(&url).header("authorization", AUTH);
    assert_eq!(send(good).await.expect(200)["accounts"][0]["id"], ACCOUNT);
    let seen = get(&format!(
        "{}/_sim/requests",
        world.simulators.callrail().base_url()
    ))
    .await;
    let seen = String::from_utf8(seen.bytes).unwrap();
    assert!(
        !seen.contains("not-it-at-all") && !seen.contains("simulated-callrail-key"),
        "{seen}"
    );
}

#[tokio::test]
async fn any_call_exists_with_the_default_fields_and_those_asked_for() {
    let world = World::start().await;
    let call = ask(&world, "calls/CAL123456789.json").await.expect(200);
    assert_eq!(call["id"], "CAL123456789");
    assert_eq!(call["recording_duration"], "38");
    assert!(call.get("company_id").is_none(), "{call}");
    let call = ask(
        &world,
        "calls/CAL123456789.json?fields=company_id,tags,transcription",
    )
    .await
    .expect(200);
    assert_eq!(call["company_id"], "COM3f2a9c7d51e84b0aa6c1d2e3f4a5b6c7");
    assert_eq!(call["transcription"], json!(null));
}

#[tokio::test]
async fn a_numeric_id_and_a_cal_id_are_one_call() {
    let world = World::start().await;
    let base = world.simulators.callrail().base_url();
    let fields = json!({ "recording": "bathroom-leak", "numeric_id": 902134477, "customer_name": "Pat Example" });
    assert_eq!(
        put(&format!("{base}/_sim/calls/CAL77"), &fields)
            .await
            .status,
        204
    );
    let call = ask(&world, "calls/902134477.json").await.expect(200);
    assert_eq!(
        (&call["id"], &call["customer_name"]),
        (&json!("CAL77"), &json!("Pat Example"))
    );
    let unknown = ask(&world, "calls/12345.json").await.expect(200);
    assert_eq!(
        ask(&world, "calls/12345.json").await.expect(200)["id"],
        unknown["id"]
    );
    let refused = put(
        &format!("{base}/_sim/calls/CAL78"),
        &json!({ "recording": "no-such" }),
    )
    .await;
    assert!(
        refused.expect(400)["error"]
            .as_str()
            .unwrap()
            .contains("kitchen-quote")
    );
}

#[tokio::test]
async fn odd_and_missing_calls_are_not_found() {
    let world = World::start().await;
    world
        .simulators
        .callrail()
        .register("CAL404", json!({ "missing": true }))
        .unwrap();
    for id in ["CAL404", "..%2f..%2fetc", "call", "CAL-1", "%00", "1e9"] {
        ask(&world, &format!("calls/{id}.json")).await.expect(404);
        assert_eq!(
            ask(&world, &format!("calls/{id}/recording.json"))
                .await
                .status,
            404,
            "{id}"
        );
    }
}

#[tokio::test]
async fn a_recording_is_reached_by_link_and_redirect_without_the_key() {
    let world = World::start().await;
    world
        .simulators
        .callrail()
        .register("CAL1", json!({ "recording": "out-of-area" }))
        .unwrap();
    let link = ask(&world, "calls/CAL1/recording.json").await.expect(200)["url"]
        .as_str()
        .unwrap()
        .to_owned();
    let redirect = get(&link).await;
    assert_eq!(redirect.status, 302);
    let audio = get(redirect.header("location")).await;
    assert_eq!(audio.header("content-type"), "audio/mpeg");
    assert_eq!(
        audio.bytes,
        recordings::recording("out-of-area").unwrap().mp3
    );
    let without_key = link.split('?').next().unwrap();
    assert_eq!(get(without_key).await.status, 404);
}

#[tokio::test]
async fn a_late_recording_appears_after_its_time() {
    let world = World::start().await;
    let callrail = world.simulators.callrail();
    callrail.answer_next(Fault::LateRecording(Late::After(Duration::from_secs(90))));
    assert_eq!(
        ask(&world, "calls/CAL1.json").await.expect(200)["recording"],
        json!(null)
    );
    ask(&world, "calls/CAL1/recording.json").await.expect(404);
    ask(&world, "calls/CAL2/recording.json").await.expect(200);
    world.pass(Duration::from_secs(90));
    ask(&world, "calls/CAL1/recording.json").await.expect(200);

    callrail.always(Fault::LateRecording(Late::Never));
    ask(&world, "calls/CAL3/recording.json").await.expect(404);
    callrail.clear_faults();
    ask(&world, "calls/CAL3/recording.json").await.expect(200);
}

#[tokio::test]
async fn recordings_can_be_empty_tiny_or_huge() {
    let world = World::start().await;
    let callrail = world.simulators.callrail();
    callrail
        .register("CAL9", json!({ "recording_bytes": 3_000_000 }))
        .unwrap();
    let fetch = async || {
        let link = ask(&world, "calls/CAL9/recording.json").await.expect(200)["url"]
            .as_str()
            .unwrap()
            .to_owned();
        get(get(&link).await.header("location")).await
    };
    callrail.answer_next(Fault::EmptyRecording);
    assert_eq!(fetch().await.bytes.len(), 0);
    callrail.answer_next(Fault::TinyRecording);
    assert_eq!(fetch().await.bytes.len(), 44);
    let huge = fetch().await;
    assert_eq!(huge.header("content-length"), "3000000");
    assert_eq!(huge.bytes.len(), 3_000_000);
    assert_eq!(huge.bytes[..2], [0xff, 0xfb]);
}

#[tokio::test]
async fn an_account_over_its_hourly_limit_waits_out_the_hour() {
    let world =
        World::with(|config| config.of::<simulators::callrail::Config>().hourly_limit = Some(3))
            .await;
    for _ in 0..3 {
        ask(&world, "calls/CAL1.json").await.expect(200);
    }
    let refused = ask(&world, "calls/CAL1.json").await;
    assert_eq!(refused.header("retry-after"), "");
    assert!(refused.expect(429)["error"].is_string());
    world.pass(Duration::from_secs(3601));
    ask(&world, "calls/CAL1.json").await.expect(200);
}

#[tokio::test]
async fn calls_are_listed_by_company_page_by_page() {
    let world = World::start().await;
    for number in 0..5 {
        let company = if number == 4 { "COMother" } else { "COMone" };
        world
            .simulators
            .callrail()
            .register(&format!("CAL{number}"), json!({ "company_id": company }))
            .unwrap();
    }
    let list = ask(&world, "calls.json?company_id=COMone&per_page=3")
        .await
        .expect(200);
    assert_eq!(
        (&list["total_records"], &list["total_pages"]),
        (&json!(4), &json!(2))
    );
    let first = ask(
        &world,
        "calls.json?company_id=COMone&per_page=3&relative_pagination=true",
    )
    .await
    .expect(200);
    assert_eq!(first["has_next_page"], true);
    let next = first["next_page"].as_str().unwrap();
    let second = send(client().get(next).header("authorization", AUTH))
        .await
        .expect(200);
    assert_eq!(
        (
            second["calls"].as_array().unwrap().len(),
            &second["has_next_page"]
        ),
        (1, &json!(false))
    );
}

#[tokio::test]
async fn many_calls_are_registered_at_once() {
    let world = World::start().await;
    let url = format!("{}/_sim/calls", world.simulators.callrail().base_url());
    let calls = json!({ "CAL81": { "customer_name": "Ann" }, "CAL82": { "recording": null } });
    assert_eq!(put(&url, &calls).await.status, 204);
    let ann = ask(&world, "calls/CAL81.json").await.expect(200);
    assert_eq!(ann["customer_name"], "Ann");
    let silent = ask(&world, "calls/CAL82.json").await.expect(200);
    assert_eq!(silent["recording"], json!(null));
    let refused = put(&url, &json!({ "CAL83": { "recording": "no-such" } })).await;
    assert_eq!(refused.status, 400);
}

#[tokio::test]
async fn every_list_is_paged_and_odd_pages_are_refused() {
    let world = World::start().await;
    for list in ["calls.json", "form_submissions.json"] {
        let page = ask(&world, &format!("{list}?page=2&per_page=1000")).await;
        let page = page.expect(200);
        assert_eq!((&page["page"], &page["per_page"]), (&json!(2), &json!(250)));
        for query in ["page=0", "page=two", "per_page=0", "per_page=-1"] {
            let refused = ask(&world, &format!("{list}?{query}")).await.expect(400);
            assert!(refused["error"].is_string(), "{query}: {refused}");
        }
    }
    for query in ["start_date=yesterday", "end_date=2026-13-01"] {
        ask(&world, &format!("calls.json?{query}"))
            .await
            .expect(400);
    }
}

#[tokio::test]
async fn fields_may_be_repeated_or_separated_by_commas() {
    let world = World::start().await;
    for query in ["fields=tags,company_id", "fields=tags&fields=company_id"] {
        let call = ask(&world, &format!("calls/CAL1.json?{query}"))
            .await
            .expect(200);
        assert!(
            call["tags"].is_array() && call["company_id"].is_string(),
            "{query}"
        );
    }
}
