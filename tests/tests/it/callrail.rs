//! What CallRail tells beside ended calls, by its own webhooks: texts, forms, calls that still ring, voicemails, and calls
//! of the company.

use domain::{RequestId, Status};
use jiff::Timestamp;
use serde_json::{Value, json};
use simulators::Choices;
use tests::{Form, World, in_both_forms};

in_both_forms![
    a_text_and_what_follows_are_one_request_in_order,
    a_form_of_callrail_reaches_the_crm_and_a_mail,
    a_call_is_one_request_from_its_first_ring,
    a_voicemail_is_called_one,
    what_the_company_does_makes_no_lead,
];

/// What happens at CallRail, now.
fn at(world: &World) -> Choices {
    Choices {
        at: world.now(),
        ..Choices::default()
    }
}

async fn requests(world: &World) -> Vec<Value> {
    let answer = world.get("/v1/tenants/tenant_demo/requests").await;
    answer.body["items"].as_array().cloned().unwrap_or_default()
}

/// The demo tenant's only request, once there is one.
async fn only_request(world: &World) -> RequestId {
    world
        .eventually("the webhook arrives", async || {
            !requests(world).await.is_empty()
        })
        .await;
    let items = requests(world).await;
    assert_eq!(items.len(), 1, "{items:?}");
    items[0]["request_id"].as_str().unwrap().parse().unwrap()
}

/// The only deal of the CRM, with its notes.
fn deal(world: &World) -> String {
    let hubspot = world.simulators().hubspot();
    let deals = serde_json::to_value(hubspot.deals()).unwrap();
    assert_eq!(deals.as_array().unwrap().len(), 1, "{deals:?}");
    let notes = serde_json::to_string(&hubspot.notes()).unwrap();
    format!("{deals} {notes}")
}

/// All text of the only mail.
fn mail(world: &World) -> String {
    let mails = world.simulators().sendgrid().mails();
    assert_eq!(mails.len(), 1, "{mails:?}");
    format!("{:?}", mails[0])
}

/// Sets how long texts have to be quiet.
pub(crate) async fn quiet_for(world: &World, seconds: u64) {
    for mut office in world.store.offices(&world.tenant()).await.unwrap() {
        office.config.texts.quiet_seconds = seconds;
        office.config.texts.longest_seconds = 24 * 60 * 60;
        world.store.put_office(&office).await.unwrap();
    }
}

/// The words of a text's messages, in the order in which they are shown.
async fn words(world: &World, request: RequestId) -> Vec<String> {
    let shown = world.shown(request).await;
    let messages = shown["about"]["messages"].as_array().cloned();
    let words = messages.unwrap_or_default().into_iter();
    let words = words.map(|message| message["text"].as_str().unwrap().to_owned());
    words.collect()
}

#[tokio::test]
async fn texts_are_judged_once_after_a_pause_in_their_order() {
    const HOUR: u64 = 60 * 60;
    let world = World::on_manual_clock().await;
    quiet_for(&world, HOUR).await;
    let (callrail, gemini) = (world.simulators().callrail(), world.simulators().gemini());
    let begun: Timestamp = world.now();
    // What was written last comes first.
    let written = [
        (40, "Before spring, please."),
        (20, "With an island."),
        (0, "Can you quote a kitchen remodel in 78664?"),
    ];
    for (count, (seconds, said)) in (1..).zip(written) {
        let text = Choices {
            id: Some("kPause".to_owned()),
            words: Some(said.to_owned()),
            at: begun + std::time::Duration::from_secs(seconds),
            ..Choices::default()
        };
        callrail.happen("sms-received", &text).unwrap();
        let request = only_request(&world).await;
        world
            .eventually("the message is there", async || {
                words(&world, request).await.len() == count
            })
            .await;
    }
    let request = only_request(&world).await;
    world.rest().await;
    assert!(
        gemini.requests().is_empty(),
        "somebody may be writing still"
    );
    assert!(world.simulators().hubspot().deals().is_empty());
    world.pass(std::time::Duration::from_secs(HOUR));
    world.becomes(request, Status::Completed).await;
    assert_eq!(gemini.requests().len(), 1, "once for all of them");
    let expected = written.map(|(_, said)| said.to_owned());
    let expected: Vec<_> = expected.into_iter().rev().collect();
    assert_eq!(words(&world, request).await, expected);
    let asked = gemini.requests()[0].body.to_string();
    let places = expected.iter().map(|said| asked.find(said).unwrap());
    assert!(places.is_sorted(), "{asked}");
    mail(&world);
    world.finish().await;
}

async fn a_text_and_what_follows_are_one_request_in_order(form: Form) {
    let world = World::of(form).await;
    quiet_for(&world, 0).await;
    let callrail = world.simulators().callrail();
    let begun: Timestamp = world.now();
    let text = |seconds: u64, words: &str| Choices {
        id: Some("kOne".to_owned()),
        words: Some(words.to_owned()),
        at: begun + std::time::Duration::from_secs(seconds),
        ..Choices::default()
    };
    let question = "Can you quote a kitchen remodel in 78664, about 200 sq ft?";
    callrail.happen("sms-received", &text(0, question)).unwrap();
    let request = only_request(&world).await;
    world.becomes(request, Status::Completed).await;
    let shown = world.shown(request).await;
    assert_eq!(shown["channel"], "text");
    assert_eq!(shown["contact"]["phone"], "+15125550142");
    assert_eq!(shown["analysis"]["project_type"], "kitchen", "{shown}");
    assert!(deal(&world).contains("kitchen remodel"), "{}", deal(&world));
    assert!(mail(&world).contains("kitchen remodel"), "{}", mail(&world));

    // Two more, the later one first, and the company's answer in between.
    let messages = async || words(&world, request).await;
    let more = [
        ("sms-received", text(120, "STOP")),
        ("sms-sent", text(60, "We do. When?")),
        ("sms-received", text(30, "With an island.")),
    ];
    for (number, (event, choices)) in more.iter().enumerate() {
        callrail.happen(event, choices).unwrap();
        world
            .eventually("the message is there", async || {
                messages().await.len() == number + 2
            })
            .await;
    }
    assert_eq!(
        messages().await,
        [question, "With an island.", "We do. When?", "STOP"]
    );
    world
        .eventually("the deal shows the opt-out", async || {
            deal(&world).contains("No more texts: STOP")
        })
        .await;
    world.becomes(request, Status::Completed).await;
    let about = &world.shown(request).await["about"];
    assert!(about["opted_out_at"].is_string(), "{about}");
    assert_eq!(only_request(&world).await, request);
    mail(&world);
    world.finish().await;
}

async fn a_form_of_callrail_reaches_the_crm_and_a_mail(form: Form) {
    let world = World::of(form).await;
    let callrail = world.simulators().callrail();
    callrail.happen("form-submission", &at(&world)).unwrap();
    let request = only_request(&world).await;
    world.becomes(request, Status::Completed).await;
    let shown = world.shown(request).await;
    assert_eq!(shown["channel"], "form");
    assert_eq!(shown["headline"], "website form from Dana Whitfield");
    assert_eq!(shown["contact"]["email"], "dana.whitfield@example.com");
    assert_eq!(shown["contact"]["phone"], "+15125550142");
    let about = &shown["about"];
    assert_eq!(about["message"], "200 sq ft kitchen, start in May, 78664");
    assert_eq!(about["answers"]["budget"], "$40k-$60k", "{about}");
    assert_eq!(shown["attribution"]["utm_source"], "google");
    let deal = deal(&world);
    assert!(deal.contains("200 sq ft kitchen"), "{deal}");
    let mail = mail(&world);
    assert!(mail.contains("Dana Whitfield"), "{mail}");
    for text in [&deal, &mail] {
        assert!(
            !text.contains("Recording") && !text.contains("caller"),
            "{text}"
        );
    }
    world.finish().await;
}

/// Whoever watches is told while it still rings, and hears of the same request when it has ended.
#[tokio::test]
async fn a_watcher_sees_a_call_before_it_ends() {
    let world = World::start().await;
    let mut watcher = world.watch().await;
    let callrail = world.simulators().callrail();
    let call = |world: &World| Choices {
        id: Some("CAL0199f3a1c2d47e5fb8a61234567abcd".to_owned()),
        recording: Some("kitchen-quote".to_owned()),
        ..at(world)
    };
    callrail.happen("pre-call", &call(&world)).unwrap();
    let rings = watcher
        .told("it rings", |told| told["cause"] == json!("received"))
        .await;
    let (id, early) = (&rings["request_id"], &rings["request"]);
    assert_eq!(early["status"], json!("received"), "{rings}");
    assert_eq!(early["contact"]["phone"], json!("+15125550142"), "{rings}");
    assert_eq!(world.simulators().hubspot().deals().len(), 0);

    callrail.happen("post-call", &call(&world)).unwrap();
    let ended = watcher
        .told("it is completed", |told| {
            told["request"]["status"] == json!("completed")
        })
        .await;
    assert_eq!(ended["request_id"], *id);
    assert_eq!(only_request(&world).await.to_string(), id.as_str().unwrap());
    world.finish().await;
}

async fn a_call_is_one_request_from_its_first_ring(form: Form) {
    let world = World::of(form).await;
    let callrail = world.simulators().callrail();
    let call = |world: &World| Choices {
        id: Some("CAL0199f3a1c2d47e5fb8a6123456789ff".to_owned()),
        recording: Some("kitchen-quote".to_owned()),
        ..at(world)
    };
    callrail.happen("pre-call", &call(&world)).unwrap();
    let request = only_request(&world).await;
    let shown = world.shown(request).await;
    assert_eq!(shown["status"], "received", "nothing is done yet");
    assert_eq!(shown["contact"]["phone"], "+15125550142");
    assert_eq!(shown["about"]["is_answered"], Value::Null);
    callrail
        .happen("call-routing-complete", &call(&world))
        .unwrap();
    world
        .eventually("it is known that it was routed", async || {
            world.view(request).await.request.document.source.events == 2
        })
        .await;
    assert_eq!(world.shown(request).await["status"], "received");
    assert!(world.simulators().sendgrid().mails().is_empty());

    callrail.happen("post-call", &call(&world)).unwrap();
    world.becomes(request, Status::Completed).await;
    let shown = world.shown(request).await;
    assert_eq!(shown["about"]["is_answered"], json!(true));
    assert_eq!(
        shown["transcript"]["turns"].as_array().map(Vec::is_empty),
        Some(false)
    );
    assert_eq!(only_request(&world).await, request);
    deal(&world);
    mail(&world);
    world.finish().await;
}

async fn a_voicemail_is_called_one(form: Form) {
    let world = World::of(form).await;
    let callrail = world.simulators().callrail();
    callrail.happen("voicemail", &at(&world)).unwrap();
    let request = only_request(&world).await;
    world.becomes(request, Status::Completed).await;
    let shown = world.shown(request).await;
    assert_eq!(shown["about"]["is_voicemail"], json!(true));
    assert!(shown["headline"].as_str().unwrap().starts_with("voicemail"));
    assert_eq!(
        shown["transcript"]["turns"].as_array().map(Vec::is_empty),
        Some(false)
    );
    let mail = mail(&world);
    assert!(mail.contains("Voicemail: "), "{mail}");
    world.finish().await;
}

async fn what_the_company_does_makes_no_lead(form: Form) {
    let world = World::of(form).await;
    let callrail = world.simulators().callrail();
    for event in ["outbound-post-call", "outbound-call-modified", "sms-sent"] {
        callrail.happen(event, &at(&world)).unwrap();
    }
    let remarks = async || {
        let answer = world.get("/v1/tenants/tenant_demo/events").await;
        let items = answer.body["items"].as_array().cloned().unwrap_or_default();
        let remarks = items.iter().map(|event| event["remark"].to_string());
        remarks.collect::<Vec<_>>().join(" ")
    };
    world
        .eventually(
            "all three are stored, and say why they are no lead",
            async || {
                let remarks = remarks().await;
                remarks.matches("a call from the company").count() == 2
                    && remarks.contains("makes none by itself")
            },
        )
        .await;
    assert_eq!(requests(&world).await, Vec::<Value>::new());
    world.finish().await;
}
