//! Leads that another system posts to the direct API.

use domain::{RequestId, Status};
use http::StatusCode;
use serde_json::{Value, json};
use tests::{CallBody, Form, World, in_both_forms};

in_both_forms![
    a_posted_lead_reaches_the_crm_and_a_mail,
    one_person_by_two_doors_is_one_contact_and_two_linked_requests,
];

fn lead(id: &str) -> Value {
    json!({
        "external_id": id,
        "occurred_at": "2026-11-02T15:04:05Z",
        "contact": { "name": "Nora Whitlock", "phone": "(512) 555-0188", "email": "nora.whitlock@example.com" },
        "place": { "city": "Round Rock", "state": "TX", "postal_code": "78664" },
        "project": { "type": "Bathroom", "budget": "$25,000" },
        "message": "We would like a quote for remodeling our bathroom with a walk-in shower.",
        "attribution": { "last": { "source": "newsletter" } },
    })
}

/// Posts a lead of the demo tenant; its request.
async fn post(world: &World, lead: &Value) -> RequestId {
    let posted = world
        .post_to_api("/v1/tenants/tenant_demo/leads", lead)
        .await;
    assert_eq!(posted.status, StatusCode::ACCEPTED, "{posted:?}");
    posted.body["request_id"].as_str().unwrap().parse().unwrap()
}

async fn a_posted_lead_reaches_the_crm_and_a_mail(form: Form) {
    let world = World::of(form).await;
    let request = post(&world, &lead("L-1")).await;
    assert_eq!(post(&world, &lead("L-1")).await, request);
    world.becomes(request, Status::Completed).await;

    let shown = world.shown(request).await;
    assert_eq!(shown["channel"], "api");
    assert_eq!(shown["headline"], "lead from Nora Whitlock");
    assert_eq!(shown["contact"]["phone"], "+15125550188");
    assert_eq!(shown["analysis"]["project_type"], "bathroom", "{shown}");
    let deals = serde_json::to_value(world.simulators().hubspot().deals()).unwrap();
    let deals = deals.as_array().unwrap().clone();
    assert_eq!(deals.len(), 1, "{deals:?}");
    let deal = deals[0].to_string();
    assert!(deal.contains("walk-in shower"), "{deal}");
    // In the time of the office, in Austin.
    assert!(deal.contains("Lead: Mon 2 Nov 2026, 9:04 AM CST"), "{deal}");
    assert!(deal.contains("Budget: $25,000"), "{deal}");
    let mails = world.simulators().sendgrid().mails();
    assert_eq!(mails.len(), 1, "{mails:?}");
    assert!(format!("{:?}", mails[0]).contains("Nora Whitlock"));

    // A later post changes the same deal, and nobody is told twice.
    let mut changed = lead("L-1");
    changed["message"] = json!("We would like two walk-in showers and a tub.");
    assert_eq!(post(&world, &changed).await, request);
    world
        .eventually("the deal shows the new words", async || {
            let deals = serde_json::to_string(&world.simulators().hubspot().deals()).unwrap();
            deals.contains("two walk-in showers")
        })
        .await;
    world.becomes(request, Status::Completed).await;
    assert_eq!(world.simulators().hubspot().deals().len(), 1);
    assert_eq!(world.simulators().sendgrid().mails().len(), 1);
    world.finish().await;
}

async fn one_person_by_two_doors_is_one_contact_and_two_linked_requests(form: Form) {
    let world = World::of(form).await;
    let call = CallBody::post_call("CALnora1")
        .with("customer_name", json!("Nora Whitlock"))
        .with("callername", json!("WHITLOCK NORA"))
        .with("customer_phone_number", json!("+15125550188"))
        .with("callernum", json!("+15125550188"));
    let call = world.deliver("post-call", &call).await.request_id();
    world.becomes(call, Status::Completed).await;
    let posted = post(&world, &lead("L-1")).await;
    world.becomes(posted, Status::Completed).await;

    for (one, other) in [(call, posted), (posted, call)] {
        let links = world.shown(one).await["links"].clone();
        assert_eq!(links.as_array().unwrap().len(), 1, "{links}");
        assert_eq!(links[0]["request_id"], other.to_string());
        assert_eq!(links[0]["reason"], "phone");
    }
    let mails = world.simulators().sendgrid().mails();
    let told = |mail: &simulators::sendgrid::Mail| mail.text.contains("The same person called");
    assert_eq!(
        mails.iter().filter(|mail| told(mail)).count(),
        1,
        "{mails:?}"
    );
    let contact = |shown: &Value| shown["dispatches"][0]["remote_ids"]["contact"].clone();
    let (first, second) = (world.shown(call).await, world.shown(posted).await);
    assert_eq!(contact(&first), contact(&second));
    assert!(contact(&first).is_string(), "{first}");

    let path = format!("/v1/tenants/tenant_demo/requests/{call}/links/{posted}/unlink");
    let parted = world.post_to_api(&path, &Value::Null).await;
    assert_eq!(parted.status, StatusCode::OK, "{parted:?}");
    for request in [call, posted] {
        assert_eq!(world.shown(request).await["links"], json!([]));
    }
    world.finish().await;
}
