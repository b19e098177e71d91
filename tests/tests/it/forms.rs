//! Website forms and signed webhooks: from a visitor's click, or another system's post, to CRM and mail.

use std::collections::BTreeSet;

use domain::{RequestId, Status};
use http::StatusCode;
use pipeline::demo;
use serde_json::{Value, json};
use simulators::{
    Choices, Fault, SIMULATORS, Trouble, signedwebhook, turnstile,
    webforms::{ORIGIN, Told, Tool, Wanted},
};
use tests::{Form, World, in_both_forms};

in_both_forms![
    a_website_form_reaches_the_crm_and_a_mail_once,
    a_signed_webhook_reaches_the_crm_and_a_mail_by_the_tenants_mapping,
    a_test_of_a_source_goes_through_its_url_and_makes_no_lead,
];

async fn a_test_of_a_source_goes_through_its_url_and_makes_no_lead(form: Form) {
    let world = World::of(form).await;
    let tenant = world.tenant();
    for provider in ["webforms", "signedwebhook"] {
        let new = json!({ "provider": provider });
        let created = world.post_as_admin(&tenant, "sources", &new).await;
        assert_eq!(created.status, StatusCode::CREATED, "{created:?}");
        let source = created.body["source"]["source_id"].as_str().unwrap();
        if provider == "webforms" {
            // Whoever signs needs no page.
            let path = format!("/v1/tenants/{tenant}/sources/{source}/settings");
            let settings = json!({ "settings": { "domains": ["remodel.example.com"] } });
            let saved = world.put_to_api(&path, &settings).await;
            assert_eq!(saved.status, StatusCode::OK, "{saved:?}");
        }
        let path = format!("sources/{source}/test");
        let tested = world.post_as_admin(&tenant, &path, &json!({})).await;
        assert_eq!(tested.body["is_arrived"], json!(true), "{tested:?}");
        let event = tested.body["event_id"].as_str().unwrap();
        let stored = world
            .get(&format!("/v1/tenants/{tenant}/events/{event}"))
            .await;
        assert_eq!(stored.body["outcome"], "unused");
        assert_eq!(stored.body["remark"], "a test of the source");
    }
    world.rest().await;
    assert_eq!(requests(&world).await, Vec::<Value>::new());
    assert_eq!(crm(&world).0, 0);
    world.finish().await;
}

/// Saves the settings of the demo tenant's source.
async fn set(world: &World, provider: &str, settings: Value) {
    let source = demo::source_id(provider);
    let path = format!("/v1/tenants/tenant_demo/sources/{source}/settings");
    let body = json!({ "settings": settings });
    let answer = world.put_to_api(&path, &body).await;
    assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
}

async fn requests(world: &World) -> Vec<Value> {
    let answer = world.get("/v1/tenants/tenant_demo/requests").await;
    answer.body["items"].as_array().cloned().unwrap_or_default()
}

/// The newest of so many requests, once they are there.
async fn newest_of(world: &World, count: usize) -> RequestId {
    world
        .eventually("the lead arrives", async || {
            requests(world).await.len() >= count
        })
        .await;
    let items = requests(world).await;
    assert_eq!(items.len(), count, "{items:?}");
    items[0]["request_id"].as_str().unwrap().parse().unwrap()
}

/// How many deals the CRM has, and all that is written in it.
fn crm(world: &World) -> (usize, String) {
    let hubspot = world.simulators().hubspot();
    let deals = serde_json::to_value(hubspot.deals()).unwrap();
    let notes = serde_json::to_string(&hubspot.notes()).unwrap();
    (deals.as_array().unwrap().len(), format!("{deals} {notes}"))
}

fn went_on(told: &Told) {
    assert_eq!(told.status, 303, "{told:?}");
    let page = told.location.as_deref();
    assert_eq!(page, Some("https://www.remodel.example.com/thanks"));
}

async fn a_website_form_reaches_the_crm_and_a_mail_once(form: Form) {
    let world = World::of(form).await;
    let settings = json!({
        "domains": ["remodel.example.com"], "thank_you_url": "https://www.remodel.example.com/thanks",
        "required_fields": ["phone", "consent"], "bot_check": { "service": "turnstile", "action": "quote" },
    });
    set(&world, "webforms", settings).await;
    let (website, turnstile) = (
        world.simulators().webforms(),
        world.simulators().turnstile(),
    );

    // People click twice. The bot check's token is good once, and the second click is known for the first's repeat.
    let clicked = Wanted {
        tool: Tool::Multipart,
        token: turnstile.issue(turnstile::Visitor::default()),
        ..Wanted::default()
    };
    for told in website.submit_by_clicks(clicked, 2).await {
        went_on(&told);
        assert_eq!(told.readable_by.as_deref(), Some(ORIGIN));
    }
    let request = newest_of(&world, 1).await;
    world.becomes(request, Status::Completed).await;
    let shown = world.shown(request).await;
    assert_eq!(shown["channel"], "form");
    assert_eq!(shown["contact"]["phone"], "+15125550142");
    assert_eq!(shown["contact"]["state"], "TX");
    assert_eq!(shown["missing_required_fields"], json!(["consent"]));
    assert_eq!(shown["derived_fields"], json!([]));
    assert_eq!(shown["extra"]["bot_check"], "passed");
    assert_eq!(shown["suspicions"], json!([]));
    let documents = shown["about"]["documents"].as_object().unwrap();
    let photo = documents.values().next().unwrap();
    assert_eq!(
        (documents.len(), &photo["field"], &photo["kind"]),
        (1, &json!("photo"), &json!("image/jpeg"))
    );
    let (deals, written) = crm(&world);
    assert_eq!(deals, 1);
    assert!(written.contains("dining room"), "{written}");
    let mails = world.simulators().sendgrid().mails();
    assert_eq!(mails.len(), 1);
    assert!(format!("{:?}", mails[0]).contains("Dana Whitfield"));

    // While the bot check hangs, leads are taken and marked.
    turnstile.always_to("siteverify", Fault::TimeoutAfterWrite);
    let told = website
        .submit(Wanted {
            first_name: "Ada".to_owned(),
            last_name: "Fenn".to_owned(),
            email: "ada.fenn@example.com".to_owned(),
            phone: "(512) 555-0171".to_owned(),
            token: "anything".to_owned(),
            ..Wanted::default()
        })
        .await;
    assert_eq!(told.status, 202, "{told:?}");
    turnstile.clear_faults();
    let hung: RequestId = told.body["lead_id"].as_str().unwrap().parse().unwrap();
    world.becomes(hung, Status::Completed).await;
    let shown = world.shown(hung).await;
    assert_eq!(shown["extra"]["bot_check"], "unknown");
    assert_eq!(
        shown["suspicions"],
        json!(["the bot check could not be asked"])
    );

    // A program fills in every field. It is told the same, and no CRM sees it.
    let told = website
        .submit(Wanted {
            tool: Tool::Urlencoded,
            email: "bot@example.com".to_owned(),
            phone: "(512) 555-0199".to_owned(),
            trap: "https://spam.example.com".to_owned(),
            token: turnstile.issue(turnstile::Visitor::default()),
            ..Wanted::default()
        })
        .await;
    went_on(&told);
    let spam = newest_of(&world, 3).await;
    world.becomes(spam, Status::Quarantined).await;
    let shown = world.shown(spam).await;
    assert_eq!(
        shown["suspicions"][0],
        "a field that nobody sees was filled in"
    );

    // Nobody else's page posts here, and nobody posts what no form is.
    let path = demo::hook("webforms");
    let elsewhere = [
        ("origin", "https://evil.example.net"),
        ("content-type", "application/json"),
    ];
    let refused = world.post(&path, &elsewhere, "{\"name\": \"x\"}").await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN, "{refused:?}");
    let text = [("origin", ORIGIN), ("content-type", "text/plain")];
    let refused = world.post(&path, &text, "name=x").await;
    assert_eq!(refused.status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
    assert_eq!(requests(&world).await.len(), 3);
    assert_eq!(crm(&world).0, 2);
    assert_eq!(world.simulators().sendgrid().mails().len(), 2);
    world.finish().await;
}

async fn a_signed_webhook_reaches_the_crm_and_a_mail_by_the_tenants_mapping(form: Form) {
    let world = World::of(form).await;
    let settings = json!({
        "mapping": {
            "name": ["data.person.full"], "email": ["data.person.mail"], "phone": ["data.person.numbers.0.value"],
            "zip": ["data.place.postcode"], "project_type": ["data.wish"], "message": ["data.words"],
            "submission_id": ["data.lead_id"],
        },
        "required_fields": ["consent"], "event_path": "type", "events": ["lead.created"],
    });
    set(&world, "signedwebhook", settings).await;
    let sender = world.simulators().signedwebhook();
    sender.trouble(Trouble {
        repeat: 1,
        ..Trouble::default()
    });
    let id = sender.make(&signedwebhook::Wanted::default());
    let request = newest_of(&world, 1).await;
    world.becomes(request, Status::Completed).await;
    world
        .eventually("both posts are taken", async || {
            sender.webhooks_waiting() == 0
        })
        .await;

    let shown = world.shown(request).await;
    assert_eq!(shown["headline"], "website form from Dana Whitfield");
    assert_eq!(shown["contact"]["phone"], "+15125550142");
    assert_eq!(shown["contact"]["postal_code"], "78664");
    assert_eq!(shown["about"]["answers"]["project_type"], "Kitchen");
    assert_eq!(shown["missing_required_fields"], json!(["consent"]));
    assert_eq!(shown["extra"]["data.channel"], "home_show");
    assert_eq!(requests(&world).await.len(), 1, "{id} is one lead");
    let (deals, written) = crm(&world);
    assert_eq!(deals, 1);
    assert!(written.contains("home show"), "{written}");
    assert_eq!(world.simulators().sendgrid().mails().len(), 1);

    // Another's signature, and an event that is not wanted.
    let spec = SIMULATORS.iter().find(|spec| spec.slug == "signedwebhook");
    let samples = spec.unwrap().demo.unwrap().samples;
    let sample = samples.iter().find(|sample| sample.event == "lead.created");
    let delivery = sample.unwrap().deliver(&Choices {
        at: world.now(),
        ..Choices::default()
    });
    let mut headers = vec![("content-type", delivery.content_type)];
    let signature = delivery.signature.iter();
    headers.extend(signature.map(|(name, value)| (*name, value.as_str())));
    let path = demo::hook("signedwebhook");
    let mut forged = delivery.body.clone();
    forged.push(b' ');
    let refused = world.post(&path, &headers, forged).await;
    assert_eq!(refused.status, StatusCode::UNAUTHORIZED);
    let unsigned = world.post(&path, &headers[..1], delivery.body).await;
    assert_eq!(unsigned.status, StatusCode::UNAUTHORIZED);
    assert_eq!(requests(&world).await.len(), 1);
    world.finish().await;
}

/// What `pipeline send` sends of both sources, each as it stands.
#[tokio::test]
async fn every_sample_is_a_lead_of_its_own() {
    let world = World::start().await;
    let mut made = BTreeSet::new();
    for slug in ["webforms", "signedwebhook"] {
        let spec = SIMULATORS.iter().find(|spec| spec.slug == slug).unwrap();
        for sample in spec.demo.unwrap().samples {
            let delivery = sample.deliver(&Choices {
                at: world.now(),
                ..Choices::default()
            });
            let mut headers = vec![("content-type", delivery.content_type)];
            let signature = delivery.signature.iter();
            headers.extend(signature.map(|(name, value)| (*name, value.as_str())));
            let path = demo::hook_of(slug, sample.event);
            let answer = world.post(&path, &headers, delivery.body).await;
            assert!(answer.status.is_success(), "{}: {answer:?}", sample.event);
            let id = ["lead_id", "request_id"]
                .iter()
                .find_map(|name| answer.body[name].as_str());
            let request: RequestId = id.unwrap().parse().unwrap();
            assert!(made.insert(request), "{} is another lead", sample.event);
            let status = if sample.event == "honeypot-tripped" {
                Status::Quarantined
            } else {
                Status::Completed
            };
            world.becomes(request, status).await;
            let shown = world.shown(request).await;
            for (field, expected) in [
                ("name", "Dana Whitfield"),
                ("phone", "+15125550142"),
                ("email", "dana.whitfield@example.com"),
            ] {
                assert_eq!(shown["contact"][field], expected, "{}", sample.event);
            }
        }
    }
    world.finish().await;
}
