//! Leads that are not calls: from invented sources that a newcomer wrote, a folder and a line each, and from calendars.

use domain::{RequestId, SourceId, Status};
use jiff::Timestamp;
use serde_json::{Value, json};
use simulators::{Simulators, acuity, calendly};
use sources::{Sample, Source, contract::Signer};
use tests::{Answer, Form, TRIAL, World, in_both_forms};
use uuid::Uuid;

in_both_forms![
    a_booking_reaches_the_crm_and_a_mail,
    a_canceled_booking_shows_in_the_same_deal,
    a_form_reaches_the_crm_and_a_mail,
    a_booking_at_calendly_is_one_request_whatever_becomes_of_it,
    a_booking_at_acuity_is_one_request_whatever_becomes_of_it,
    an_edit_that_changes_nothing_of_ours_reaches_nobody,
];

/// A calendar's provider, and what people do there. Each answers the booking's id.
struct Calendar {
    book: fn(&Simulators) -> String,
    reschedule: fn(&Simulators, &str, Timestamp) -> String,
    cancel: fn(&Simulators, &str),
}

const CALENDLY: Calendar = Calendar {
    book: |simulators| simulators.calendly().book(calendly::Wanted::default()),
    reschedule: |simulators, id, to| simulators.calendly().reschedule(id, to).unwrap(),
    cancel: |simulators, id| simulators.calendly().cancel(id),
};

async fn a_booking_at_calendly_is_one_request_whatever_becomes_of_it(form: Form) {
    is_one_request(form, &CALENDLY).await;
}

const ACUITY: Calendar = Calendar {
    book: |simulators| simulators.acuity().book(acuity::Wanted::default()),
    reschedule: |simulators, id, to| {
        simulators.acuity().reschedule(id, to);
        id.to_owned()
    },
    cancel: |simulators, id| simulators.acuity().cancel(id),
};

async fn a_booking_at_acuity_is_one_request_whatever_becomes_of_it(form: Form) {
    is_one_request(form, &ACUITY).await;
}

/// Each edit of an appointment is told as `changed`, byte for byte the same.
async fn an_edit_that_changes_nothing_of_ours_reaches_nobody(form: Form) {
    let world = World::of(form).await;
    let acuity = world.simulators().acuity();
    let id = (ACUITY.book)(world.simulators());
    let request = only_request(&world).await;
    world.becomes(request, Status::Completed).await;
    let asked = || {
        let requests = acuity.requests();
        let of_it = |request: &&simulators::Received| request.path.ends_with(&id);
        requests.iter().filter(of_it).count()
    };
    world
        .eventually("the booking's own webhooks are settled", async || {
            acuity.webhooks_waiting() == 0
        })
        .await;
    world.becomes(request, Status::Completed).await;
    let writes = || {
        let requests = world.simulators().hubspot().requests();
        let is_write = |request: &&simulators::Received| request.method != "GET";
        let is_search = |request: &simulators::Received| request.path.contains("/search");
        let writes = requests.iter().filter(is_write);
        writes.filter(|request| !is_search(request)).count()
    };
    let before = writes();
    for _ in 0..3 {
        let known = asked();
        acuity.change(&id, "");
        world
            .eventually("the appointment is read again", async || asked() > known)
            .await;
        world.becomes(request, Status::Completed).await;
    }
    assert_eq!(writes(), before, "the CRM is left alone");
    assert_eq!(world.simulators().sendgrid().mails().len(), 1);

    acuity.change(&id, "Wants to be called after five.");
    world
        .eventually("the deal shows the note", async || {
            let notes = world.simulators().hubspot().notes();
            let notes = serde_json::to_string(&notes).unwrap();
            notes.contains("after five") || deal(&world).to_string().contains("after five")
        })
        .await;
    world.becomes(request, Status::Completed).await;
    assert_eq!(only_request(&world).await, request);
    assert_eq!(world.simulators().sendgrid().mails().len(), 1);
    world.finish().await;
}

/// The demo tenant's only request, once there is one.
async fn only_request(world: &World) -> RequestId {
    let list = async || {
        let answer = world.get("/v1/tenants/tenant_demo/requests").await;
        answer.body["items"].as_array().cloned().unwrap_or_default()
    };
    world
        .eventually("the webhook arrives", async || !list().await.is_empty())
        .await;
    let items = list().await;
    assert_eq!(items.len(), 1, "{items:?}");
    items[0]["request_id"].as_str().unwrap().parse().unwrap()
}

/// From the provider's own webhooks to CRM and mail: booked, moved, called off.
async fn is_one_request(form: Form, calendar: &Calendar) {
    let world = World::of(form).await;
    let simulators = world.simulators();
    let id = (calendar.book)(simulators);
    let request = only_request(&world).await;
    world.becomes(request, Status::Completed).await;

    let shown = world.shown(request).await;
    assert_eq!(shown["channel"], "calendar");
    assert_eq!(shown["headline"], "booking from Dana Whitfield");
    assert_eq!(shown["contact"]["phone"], "+15125550142");
    assert_eq!(shown["contact"]["postal_code"], "78664");
    let about = &shown["about"];
    assert_eq!(about["starts_at"], "2026-11-30T16:00:00Z", "{about}");
    assert_eq!(about["ends_at"], "2026-11-30T17:00:00Z", "{about}");
    assert_eq!(about["status"], "booked", "{about}");
    assert_eq!(about["host"], "Luis Ortega", "{about}");
    let first = deal(&world).to_string();
    assert!(first.contains("30 Nov 2026, 10:00 AM CST"), "{first}");
    assert_speaks_of_no_call(&first);
    let mail = mail(&world);
    assert!(mail.contains("Dana Whitfield"), "{mail}");
    assert_speaks_of_no_call(&mail);

    let id = (calendar.reschedule)(simulators, &id, "2026-12-02T19:00:00Z".parse().unwrap());
    world
        .eventually("the deal shows the new time", async || {
            deal(&world).to_string().contains("2 Dec 2026, 1:00 PM CST")
        })
        .await;
    world.becomes(request, Status::Completed).await;
    assert_eq!(world.shown(request).await["about"]["status"], "booked");

    (calendar.cancel)(simulators, &id);
    world
        .eventually("the deal shows that it is called off", async || {
            deal(&world).to_string().contains("canceled")
        })
        .await;
    world.becomes(request, Status::Completed).await;
    assert_eq!(only_request(&world).await, request);
    let about = &world.shown(request).await["about"];
    assert_eq!(about["status"], "canceled", "{about}");
    assert_eq!(about["starts_at"], "2026-12-02T19:00:00Z", "{about}");
    let mails = simulators.sendgrid().mails();
    assert_eq!(mails.len(), 1, "nobody is told twice");
    world.finish().await;
}

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
