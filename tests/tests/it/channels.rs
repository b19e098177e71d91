//! Leads that are not calls, from invented sources that a newcomer wrote: a folder and a line each.

use domain::{SourceId, Status};
use serde_json::{Value, json};
use sources::{Sample, Source, contract::Signer};
use tests::{Answer, Form, TRIAL, World, in_both_forms};
use uuid::Uuid;

in_both_forms![
    a_booking_reaches_the_crm_and_a_mail,
    a_canceled_booking_shows_in_the_same_deal,
    a_form_reaches_the_crm_and_a_mail,
];

/// A source of the demo tenant, and its sender.
struct Sender {
    source: &'static dyn Source,
    signer: Signer,
    path: String,
}

impl Sender {
    async fn new(world: &World, slug: &str) -> Self {
        let mut sources = TRIAL.iter().copied();
        let source = sources.find(|source| source.spec().slug == slug).unwrap();
        let signer = Signer::all(source.spec()).remove(0);
        let id = SourceId::from_uuid(Uuid::new_v5(&Uuid::nil(), slug.as_bytes()));
        let token = world.add_source(id, slug, &signer.key()).await;
        Self {
            source,
            signer,
            path: format!("/v1/hooks/{token}"),
        }
    }

    fn sample(&self, name: &str) -> &'static Sample {
        let mut samples = self.source.spec().samples.iter();
        samples.find(|sample| sample.name == name).unwrap()
    }

    /// Posts a sample, signed now.
    async fn send(&self, world: &World, name: &str) -> Answer {
        let sample = self.sample(name);
        let signed = self.signer.sign(sample.body, world.now());
        let signed = signed.iter();
        let mut headers: Vec<_> = signed
            .map(|(name, value)| (name.as_str(), value.to_str().unwrap()))
            .collect();
        headers.push(("content-type", sample.content_type));
        world.post(&self.path, &headers, sample.body).await
    }
}

/// The only deal of the CRM.
fn deal(world: &World) -> Value {
    let deals = serde_json::to_value(world.simulators().hubspot().deals()).unwrap();
    let deals = deals.as_array().unwrap();
    assert_eq!(deals.len(), 1, "{deals:?}");
    deals[0]["properties"].clone()
}

/// All text of the only mail.
fn mail(world: &World) -> String {
    let mails = world.simulators().sendgrid().mails();
    assert_eq!(mails.len(), 1, "{mails:?}");
    format!("{:?}", mails[0])
}

/// Whatever speaks of a lead that is no call must not speak of one.
fn assert_speaks_of_no_call(text: &str) {
    for word in [
        "missed call",
        "caller",
        "Caller",
        "recording",
        "Recording",
        "call tracker",
    ] {
        assert!(!text.contains(word), "`{word}` in {text}");
    }
}

async fn a_booking_reaches_the_crm_and_a_mail(form: Form) {
    let world = World::of(form).await;
    let sender = Sender::new(&world, "booking").await;
    let request = sender.send(&world, "created").await.request_id();
    world.becomes(request, Status::Completed).await;

    let shown = world.shown(request).await;
    assert_eq!(shown["channel"], "calendar");
    assert_eq!(shown["headline"], "booking from Dana Whitfield");
    assert_eq!(shown["contact"]["phone"], "+15125550142");
    let about = &shown["about"];
    assert_eq!(about["channel"], "calendar", "{about}");
    assert_eq!(about["service"], "Kitchen consultation", "{about}");
    assert_eq!(about["starts_at"], "2026-11-09T16:00:00Z", "{about}");
    assert_eq!(shown["recording"], Value::Null);

    let deal = deal(&world).to_string();
    // In the time of the office, in Austin.
    assert!(
        deal.contains("Booking: Mon 9 Nov 2026, 10:00 AM CST"),
        "{deal}"
    );
    assert_speaks_of_no_call(&deal);
    let mail = mail(&world);
    assert!(
        mail.contains("Dana Whitfield") && mail.contains("10:00 AM CST"),
        "{mail}"
    );
    assert_speaks_of_no_call(&mail);

    // Its sender repeats what it was answered.
    let repeated = sender.send(&world, "created").await;
    assert_eq!(repeated.request_id(), request);
    assert_eq!(repeated.body["duplicate"], json!(true));
    world.finish().await;
}

async fn a_canceled_booking_shows_in_the_same_deal(form: Form) {
    let world = World::of(form).await;
    let sender = Sender::new(&world, "booking").await;
    let request = sender.send(&world, "created").await.request_id();
    world.becomes(request, Status::Completed).await;
    let canceled = sender.send(&world, "canceled").await.request_id();
    assert_eq!(canceled, request);
    world
        .eventually("the deal shows that the booking is canceled", async || {
            deal(&world).to_string().contains("canceled")
        })
        .await;
    world.becomes(request, Status::Completed).await;
    let shown = world.shown(request).await;
    assert_eq!(shown["about"]["status"], "canceled");
    // What the later event left out stays.
    assert_eq!(shown["about"]["starts_at"], "2026-11-09T16:00:00Z");
    assert_eq!(
        world.simulators().sendgrid().mails().len(),
        1,
        "nobody is told twice"
    );
    world.finish().await;
}

async fn a_form_reaches_the_crm_and_a_mail(form: Form) {
    let world = World::of(form).await;
    let sender = Sender::new(&world, "form").await;
    let request = sender.send(&world, "submission").await.request_id();
    world.becomes(request, Status::Completed).await;

    let shown = world.shown(request).await;
    assert_eq!(shown["channel"], "form");
    assert_eq!(shown["analysis"]["project_type"], "bathroom", "{shown}");
    assert_eq!(shown["about"]["answers"]["square_feet"], "80");
    assert_eq!(shown["attribution"]["utm_source"], "newsletter");
    let deal = deal(&world).to_string();
    assert!(deal.contains("walk-in shower"), "{deal}");
    assert_speaks_of_no_call(&deal);
    let mail = mail(&world);
    assert!(mail.contains("Luis Ortega"), "{mail}");
    assert_speaks_of_no_call(&mail);

    // The same tool posts as a browser does, too.
    let other = sender
        .send(&world, "submission-urlencoded")
        .await
        .request_id();
    assert_ne!(other, request);
    world.becomes(other, Status::Completed).await;
    world.finish().await;
}
