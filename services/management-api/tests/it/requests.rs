//! Listing and showing requests.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use domain::{
    AnalysisSection, AreaVerdict, Audio, Budget, ConnectionName, DetailsAnswer, DetailsSection,
    DispatchAttempt, DispatchSection, DispatchState, Engine, Facts, Intent, Labels, Message,
    NoAudio, NotificationRecord, NotificationsSection, Outcome, ProjectType, QualificationSection,
    Reading, Reason, Record, RecordingSection, RemoteIds, RequestId, Section, Sentiment, SpamGate,
    Stage, Status, Timeline, Tokens, TranscriptSection, TranscriptState, Turn, Usage,
};
use serde_json::{Value, json};

use crate::{
    openapi::assert_is_as_described,
    world::{World, body, news, problem, wrong_fields},
};

const LIST: &str = "/v1/tenants/a/requests";

fn ids(list: &Value) -> Vec<String> {
    let items = list["items"].as_array().unwrap();
    items
        .iter()
        .map(|item| item["request_id"].as_str().unwrap().to_owned())
        .collect()
}

#[tokio::test]
async fn a_limit_outside_1_to_200_is_named() {
    let world = World::start().await;
    for number in 0..201 {
        world.call(number).await;
    }
    for (limit, count) in [
        ("", 50),
        ("?limit=1", 1),
        ("?limit=200", 200),
        ("?limit=199", 199),
    ] {
        let list = body(&world.get(&format!("{LIST}{limit}")).await);
        assert_eq!(ids(&list).len(), count, "{limit}");
        assert!(list["next_cursor"].is_string(), "{limit}");
    }
    for limit in [
        "0",
        "201",
        "-1",
        "abc",
        "",
        "1.5",
        "%201",
        "99999999999999999999",
    ] {
        let shown = problem(&world.get(&format!("{LIST}?limit={limit}")).await, 422);
        assert_eq!(shown["errors"][0]["field"], "limit", "{limit}: {shown}");
    }
}

#[tokio::test]
async fn every_parameter_that_is_wrong_is_named_at_once() {
    let world = World::start().await;
    let path = format!("{LIST}?limit=0&status=done&cursor=garbage");
    let shown = problem(&world.get(&path).await, 422);
    let fields: Vec<_> = shown["errors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|error| &error["field"])
        .collect();
    assert_eq!(fields, ["limit", "status", "cursor"]);
    assert!(
        shown["errors"][1]["message"]
            .as_str()
            .unwrap()
            .contains("in_review"),
        "{shown}"
    );

    let path = format!("{LIST}?foo=1&limit=0&status=zz&bar=2&channel=phone&channel=text&foo=3");
    assert_eq!(
        wrong_fields(&world.get(&path).await),
        ["foo", "bar", "channel", "limit", "status"]
    );
    for cursor in ["", "req_0", "AAAA", "%00", "🦀"] {
        problem(&world.get(&format!("{LIST}?cursor={cursor}")).await, 422);
    }
}

#[tokio::test]
async fn the_cursor_walks_every_request_once_while_more_arrive() {
    let world = World::start().await;
    let mut expected = Vec::new();
    for number in 0..25 {
        expected.push(world.call(number).await.to_string());
        world.call_of("b", number).await;
    }
    expected.reverse();

    let walk = async {
        let (mut walked, mut next) = (Vec::new(), String::new());
        loop {
            let page = body(&world.get(&format!("{LIST}?limit=2{next}")).await);
            walked.extend(ids(&page));
            match page["next_cursor"].as_str() {
                Some(cursor) => next = format!("&cursor={cursor}"),
                None => return walked,
            }
        }
    };
    let arrive = async {
        for number in 100..150 {
            world.clock.advance(Duration::from_millis(1));
            world.call(number).await;
            let again = Reading::News(Box::new(news(number % 25)));
            world.accept("a", Ok(again), 1_000 + number).await;
        }
    };
    let (mut walked, ()) = tokio::join!(walk, arrive);
    walked.retain(|id| expected.contains(id)); // the first page may begin with newer ones
    assert_eq!(walked, expected);
}

#[tokio::test]
async fn a_page_that_ends_with_the_last_request_has_no_cursor() {
    let world = World::start().await;
    let list = body(&world.get(LIST).await);
    assert_eq!(list, json!({ "items": [], "next_cursor": null }));
    for number in 0..2 {
        world.call(number).await;
    }
    let list = body(&world.get(&format!("{LIST}?limit=2")).await);
    assert_eq!((ids(&list).len(), &list["next_cursor"]), (2, &Value::Null));
}

#[tokio::test]
async fn the_list_is_filtered_by_status() {
    let world = World::start().await;
    let (held, fresh) = (world.call(1).await, world.call(2).await);
    let hold = Outcome::Park {
        cause: domain::ParkCause::Permanent,
        reason: "the call is gone".to_owned(),
        answer: None,
    };
    world.settle(Stage::Details, hold, Vec::new()).await;

    for status in Status::ALL {
        let list = body(
            &world
                .get(&format!("{LIST}?status={}", status.as_str()))
                .await,
        );
        let expected = match status {
            Status::Parked => vec![held.to_string()],
            Status::Received => vec![fresh.to_string()],
            _ => Vec::new(),
        };
        assert_eq!(ids(&list), expected, "{status:?}");
    }
    problem(&world.get(&format!("{LIST}?status=Parked")).await, 422);
}

#[tokio::test]
async fn what_could_not_be_read_is_named() {
    let world = World::start().await;
    let mut odd = news(1);
    odd.facts.unread_fields = ["duration", "tags"].map(str::to_owned).into();
    let reading = Ok(Reading::News(Box::new(odd)));
    let id = world.accept("a", reading, 1).await;
    let list = body(&world.get(LIST).await);
    assert_is_as_described(&list, "RequestList");
    let detail = body(&world.get(&format!("{LIST}/{id}")).await);
    assert_is_as_described(&detail, "RequestDetail");
    for shown in [&list["items"][0], &detail] {
        assert_eq!(shown["flags"], json!(["unread_fields"]));
        assert_eq!(shown["unread_fields"], json!(["duration", "tags"]));
    }
}

#[tokio::test]
async fn a_fresh_request_shows_what_the_delivery_said() {
    let world = World::start().await;
    let id = world.call(1).await;
    let list = body(&world.get(LIST).await);
    assert_is_as_described(&list, "RequestList");
    assert_eq!(
        list["items"][0],
        json!({
            "request_id": id.to_string(), "status": "received", "channel": "phone",
            "version": 1, "provider": "callrail", "stage": "details", "person_id": null,
            "headline": "phone call from Ann Example",
            "created_at": "2020-06-01T12:00:00Z", "updated_at": "2020-06-01T12:00:00Z",
            "started_at": null, "duration_seconds": 180, "is_voicemail": null,
            "attribution": { "source": null, "campaign": null },
            "confidence": null, "timeline": null, "budget": null,
            "contact": { "name": "Ann Example", "phone": "+15125550142", "city": "Round Rock" },
            "lead_score": null, "intent": null, "project_type": null, "spam_likelihood": null,
            "area": null, "summary": null, "dispatches": [], "flags": [], "unread_fields": [], "merged_into": null, "needs_call": false, "touch": null,
        })
    );
    let answer = world.get(&format!("{LIST}/{id}")).await;
    assert_eq!(answer.header("etag"), Some("W/\"1\""));
    let detail = body(&answer);
    assert_is_as_described(&detail, "RequestDetail");
    assert_eq!(detail["contact"]["phone"], "+15125550142");
    assert_eq!(detail["person"]["phone"], "5125550142");
    assert_eq!(detail["about"]["channel"], "phone");
    assert_eq!(detail["about"]["external_id"], "CAL1");
    assert_eq!(detail["about"]["duration_seconds"], 180);
    assert_eq!(detail["labels"]["note"], Value::Null);
    assert_eq!(detail["recording"], Value::Null);
    assert_eq!(detail["timeline"][0]["outcome"], "received");
    assert_eq!(detail["open_work"][0]["stage"], "details");
    assert_eq!(detail["open_work"][0]["state"], "ready");
}

#[tokio::test]
async fn a_finished_request_shows_everything() {
    let world = World::start().await;
    let id = world.call(1).await;
    let usage = |unit: &str, amount| {
        let (unit, by) = (unit.to_owned(), "chirp_3".to_owned());
        Record::Usage(Usage { unit, amount, by })
    };
    world
        .settle(Stage::Details, Outcome::done(details()), Vec::new())
        .await;
    world
        .settle(Stage::Recording, Outcome::done(stored_audio()), Vec::new())
        .await;
    world
        .settle(
            Stage::Transcript,
            Outcome::done(transcript()),
            vec![usage("speech_seconds", 181)],
        )
        .await;
    let judged = Outcome::Done {
        sections: vec![
            analysis(Engine::Model("gemini-flash".to_owned())),
            qualification(AreaVerdict::In(domain::AreaBasis::PostalCode), true),
        ],
        aliases: Vec::new(),
    };
    world.settle(Stage::Analysis, judged, Vec::new()).await;
    let attempt = DispatchAttempt {
        connector: "hubspot".to_owned(),
        connection: hubspot(),
        at: world.now(),
        latency_ms: 80,
        outcome: "done".to_owned(),
        external_ids: RemoteIds::default().with("contact", "51"),
        answer: None,
        status: Some(200),
        sent: None,
        bytes_cut: 0,
        mapping_version: 0,
    };
    let job = world.claim(Stage::Dispatch).await;
    let done = Outcome::done(dispatched(
        job.request.document.revisions.of(Stage::Dispatch),
    ));
    world
        .settle_claimed(&job, done, vec![Record::Dispatch(attempt)])
        .await;
    let message = NotificationRecord {
        channel: "email".to_owned(),
        recipient: "sales@example.com".to_owned(),
        template: "new_lead/1".to_owned(),
        at: world.now(),
        outcome: "sent".to_owned(),
        provider_id: Some("msg-1".to_owned()),
        latency_ms: None,
        status: None,
        answer: None,
        bytes_cut: 0,
    };
    world
        .settle(
            Stage::Notification,
            Outcome::done(notified()),
            vec![Record::Notification(message)],
        )
        .await;

    let detail = body(&world.get(&format!("{LIST}/{id}")).await);
    assert_is_as_described(&detail, "RequestDetail");
    assert_eq!(detail["status"], "completed");
    assert_eq!(
        detail["recording"],
        json!({
            "state": "stored", "duration_ms": 180_400, "size_bytes": 720_000,
            "sha256": "ab".repeat(32), "reason": null,
        })
    );
    assert_eq!(detail["transcript"]["outcome"], "spoken");
    assert_eq!(
        detail["transcript"]["turns"][0],
        json!({ "speaker": "1", "start_ms": 0, "end_ms": 900, "text": "I want a new kitchen." })
    );
    let analysis = &detail["analysis"];
    assert_eq!(
        [
            &analysis["engine"],
            &analysis["engine_version"],
            &analysis["intent"],
            &analysis["timeline"]
        ],
        ["model", "gemini-flash", "quote_request", "1_3_months"]
    );
    assert_eq!(analysis["reasons"][0]["quote"], "a new kitchen");
    assert_eq!(
        detail["qualification"],
        json!({
            "gate": "pass", "gate_reason": null, "area": "in", "area_because": "postal_code", "config_version": 3,
            "destinations": [{ "connection": "hubspot", "connector": "hubspot" }], "notify": true,
            "map": null,
        })
    );
    assert_eq!(detail["dispatches"][0]["state"], "done");
    assert_eq!(detail["dispatches"][0]["remote_ids"]["deal"], "77");
    assert_eq!(
        detail["dispatch_attempts"][0]["external_ids"]["contact"],
        "51"
    );
    assert_eq!(
        detail["notifications"]["messages"][0]["provider_id"],
        "msg-1"
    );
    assert_eq!(detail["notification_attempts"][0]["template"], "new_lead/1");
    assert_eq!(detail["usage"][0]["amount"], 181);
    assert_eq!(detail["open_work"], json!([]));
    assert_eq!(detail["flags"], json!([]));
    let stages: BTreeSet<_> = detail["timeline"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|entry| entry["stage"].as_str())
        .collect();
    assert_eq!(
        stages,
        BTreeSet::from([
            "details",
            "recording",
            "transcript",
            "analysis",
            "dispatch",
            "notification"
        ])
    );
    let dispatch = detail["timeline"]
        .as_array()
        .unwrap()
        .iter()
        .find(|entry| entry["stage"] == "dispatch")
        .unwrap();
    assert_eq!(
        (
            &dispatch["target"],
            &dispatch["outcome"],
            &dispatch["duration_ms"]
        ),
        (&json!("hubspot"), &json!("done"), &json!(120))
    );
    assert!(
        !detail.to_string().contains("CAL1.mp3"),
        "where audio is kept is not told"
    );

    let list = body(&world.get(LIST).await);
    assert_is_as_described(&list, "RequestList");
    let item = &list["items"][0];
    assert_eq!(
        [&item["lead_score"], &item["spam_likelihood"]],
        [&json!(82), &json!(3.5)]
    );
    assert_eq!(
        [&item["area"], &item["project_type"], &item["summary"]],
        ["in", "kitchen", "Wants a kitchen."]
    );
    assert_eq!(
        item["dispatches"],
        json!([{ "connection": "hubspot", "connector": "hubspot", "state": "done" }])
    );
    assert_eq!(
        [&item["timeline"], &item["budget"], &item["confidence"]],
        [&json!("1_3_months"), &json!("medium"), &json!(0.9)]
    );
    assert_eq!(item["stage"], Value::Null);
}

#[tokio::test]
async fn what_a_reader_should_know_is_flagged() {
    let world = World::start().await;
    let id = world.call(1).await;
    world.ask().await;
    let no_audio = Section::Recording(RecordingSection {
        revision: 0,
        audio: Audio::Absent {
            reason: NoAudio::NeverArrived,
        },
    });
    world
        .settle(Stage::Recording, Outcome::done(no_audio), Vec::new())
        .await;
    let judged = Outcome::Done {
        sections: vec![
            analysis(Engine::Rules("lexicon-1".to_owned())),
            qualification(AreaVerdict::Unknown, false),
        ],
        aliases: Vec::new(),
    };
    world.settle(Stage::Analysis, judged, Vec::new()).await;
    let hold = Outcome::Hold {
        connection: hubspot(),
        version: 1,
        reason: "the CRM no longer accepts the credentials".to_owned(),
        answer: Some("401".to_owned()),
    };
    put_connection(&world).await;
    world.settle(Stage::Dispatch, hold, Vec::new()).await;

    let detail = body(&world.get(&format!("{LIST}/{id}")).await);
    assert_is_as_described(&detail, "RequestDetail");
    assert_eq!(
        detail["flags"],
        json!(["no_recording", "analyzed_by_rules", "area_unknown"])
    );
    assert_eq!(detail["recording"]["reason"], "never_arrived");
    assert_eq!(detail["status"], "held");
    let held = &detail["open_work"][0];
    assert_eq!(
        [
            &held["state"],
            &held["target"],
            &held["held_for"],
            &held["answer"]
        ],
        ["held", "hubspot", "hubspot", "401"]
    );
    assert_eq!(detail["dispatches"][0]["state"], "held");
}

#[tokio::test]
async fn a_delivery_that_could_not_be_read_is_a_request_too() {
    let world = World::start().await;
    let reading = Err("line 1: an early end".to_owned());
    let id = world.accept("a", reading, 1).await;
    let detail = body(&world.get(&format!("{LIST}/{id}")).await);
    assert_is_as_described(&detail, "RequestDetail");
    assert_eq!(detail["status"], "parked");
    assert_eq!(detail["source"]["unread_reason"], "line 1: an early end");
    assert_eq!(detail["open_work"][0]["park_cause"], "unreadable");
}

#[tokio::test]
async fn a_merged_request_leads_to_the_one_that_goes_on() {
    let world = World::start().await;
    let first = world.call(1).await;
    world.clock.advance(Duration::from_secs(1));
    let second = world.call(2).await;
    world
        .settle(Stage::Details, Outcome::Merge { other: second }, Vec::new())
        .await;

    let detail = body(&world.get(&format!("{LIST}/{second}")).await);
    assert_is_as_described(&detail, "RequestDetail");
    assert_eq!(detail["request_id"], first.to_string());
    assert_eq!(detail["merged_from"], second.to_string());
    let detail = body(&world.get(&format!("{LIST}/{first}")).await);
    assert_eq!(detail["merged_from"], Value::Null);

    let merged = body(&world.get(&format!("{LIST}?status=merged")).await);
    assert_eq!(ids(&merged), [second.to_string()]);
    assert_eq!(merged["items"][0]["merged_into"], first.to_string());
    problem(
        &world.get(&format!("/v1/tenants/b/requests/{second}")).await,
        404,
    );
}

#[tokio::test]
async fn an_id_that_is_none_or_unknown_is_not_found() {
    let world = World::start().await;
    let unknown = RequestId::from_uuid(uuid::Uuid::from_u128(7)).to_string();
    let other_kind = unknown.replace("req_", "evt_");
    let upper = unknown.to_uppercase();
    for id in [
        "x",
        "req_",
        "req_0",
        "%ff",
        "..%2f",
        "%00",
        &unknown,
        &other_kind,
        &upper,
    ] {
        problem(&world.get(&format!("{LIST}/{id}")).await, 404);
    }
}

#[tokio::test]
async fn paths_and_methods_that_do_not_exist_are_problems() {
    let world = World::start().await;
    for path in [
        "/v1",
        "/v1/tenants/a/other",
        "/v1/tenants/a/requests/",
        "/v1/other",
    ] {
        problem(&world.get(path).await, 404);
    }
    for method in ["POST", "PUT", "DELETE", "PATCH"] {
        let answer = world.send(method, LIST, None).await;
        problem(&answer, 405);
        assert_eq!(answer.header("allow"), Some("GET,HEAD"));
    }
}

fn hubspot() -> ConnectionName {
    ConnectionName::new("hubspot").unwrap()
}

async fn put_connection(world: &World) {
    use store::Store as _;
    let connection = store::Connection {
        tenant: crate::world::tenant("a"),
        name: hubspot(),
        provider: "hubspot".to_owned(),
        version: 1,
        secret_version: 1,
        state: store::ConnectionState::Active,
        settings: BTreeMap::new(),
    };
    world.store.put_connection(&connection).await.unwrap();
}

fn details() -> Section {
    Section::Details(DetailsSection {
        revision: 0,
        answer: DetailsAnswer::Known(Box::new(Facts {
            labels: Labels {
                note: Some("called twice".to_owned()),
                ..Labels::default()
            },
            ..Facts::default()
        })),
        is_newer: false,
    })
}

fn stored_audio() -> Section {
    Section::Recording(RecordingSection {
        revision: 0,
        audio: Audio::Stored {
            name: "CAL1.mp3".to_owned(),
            sha256: "ab".repeat(32),
            size_bytes: 720_000,
            duration_ms: 180_400,
        },
    })
}

fn transcript() -> Section {
    Section::Transcript(TranscriptSection {
        audio_sha256: "ab".repeat(32),
        engine: "chirp_3".to_owned(),
        state: TranscriptState::Spoken,
        language: Some("en-US".to_owned()),
        turns: vec![Turn {
            speaker: "1".to_owned(),
            start_ms: 0,
            end_ms: 900,
            text: "I want a new kitchen.".to_owned(),
        }],
        billed_seconds: 181,
        revision: 0,
    })
}

pub(crate) fn analysis(engine: Engine) -> Section {
    Section::Analysis(Box::new(AnalysisSection {
        revision: 0,
        engine,
        prompt_version: "1".to_owned(),
        intent: Intent::Quote,
        sentiment: Sentiment::Positive,
        project_type: ProjectType::Kitchen,
        timeline: Timeline::OneToThreeMonths,
        budget: Budget::Medium,
        lead_score: 82,
        confidence: 0.9,
        reasons: vec![Reason {
            reason: "names a project".to_owned(),
            quote: "a new kitchen".to_owned(),
        }],
        spam_likelihood: 3.5,
        summary: "Wants a kitchen.".to_owned(),
        postal_code: None,
        address: None,
        is_blocked: false,
        tokens: Tokens::default(),
    }))
}

pub(crate) fn qualification(area: AreaVerdict, notify: bool) -> Section {
    Section::Qualification(QualificationSection {
        missing_fields: Default::default(),
        revision: 0,
        gate: SpamGate::Pass,
        gate_reason: None,
        area,
        map: None,
        config_version: 3,
        destinations: BTreeMap::from([(hubspot(), "hubspot".to_owned())]),
        notify,
    })
}

fn dispatched(revision: u32) -> Section {
    let section = DispatchSection {
        connector: "hubspot".to_owned(),
        state: DispatchState::Done,
        revision,
        remote_ids: RemoteIds::default()
            .with("contact", "51")
            .with("deal", "77"),
        fields_hash: None,
        dispatched_at: None,
        reason: None,
    };
    Section::Dispatch(hubspot(), section)
}

fn notified() -> Section {
    Section::Notifications(NotificationsSection {
        is_done: true,
        messages: vec![Message {
            channel: "email".to_owned(),
            recipient: "sales@example.com".to_owned(),
            id: None,
            is_sent: true,
            provider_id: Some("msg-1".to_owned()),
            reason: None,
        }],
    })
}
