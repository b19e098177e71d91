//! Two bookings at one time: found and told, and never dropped.

use domain::{RequestId, Status};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use simulators::{Fault, Simulators, acuity, calendly};
use tests::{Form, World, in_both_forms};

in_both_forms![
    a_double_booking_at_calendly_is_told_and_a_neighbor_is_not,
    a_double_booking_at_acuity_is_told_and_a_neighbor_is_not,
    what_the_provider_does_not_tell_is_not_free,
];

/// A calendar's provider, and what people do there. Each answers the booking's id.
struct Calendar {
    book: fn(&Simulators, Timestamp) -> String,
    reschedule: fn(&Simulators, &str, Timestamp),
    cancel: fn(&Simulators, &str),
    /// Something else comes into the calendar, for an hour.
    keep_busy: fn(&Simulators, Timestamp),
}

const CALENDLY: Calendar = Calendar {
    book: |simulators, starts_at| {
        simulators.calendly().book(calendly::Wanted {
            starts_at,
            ..calendly::Wanted::default()
        })
    },
    reschedule: |simulators, id, to| {
        simulators.calendly().reschedule(id, to).unwrap();
    },
    cancel: |simulators, id| simulators.calendly().cancel(id),
    keep_busy: |simulators, from| simulators.calendly().keep_busy(from, from + HOUR),
};

const ACUITY: Calendar = Calendar {
    book: |simulators, starts_at| {
        simulators.acuity().book(acuity::Wanted {
            starts_at,
            ..acuity::Wanted::default()
        })
    },
    reschedule: |simulators, id, to| simulators.acuity().reschedule(id, to),
    cancel: |simulators, id| simulators.acuity().cancel(id),
    keep_busy: |simulators, from| {
        let calendar = acuity::Wanted::default().calendar_id;
        simulators.acuity().block(calendar, from, from + HOUR);
    },
};

const HOUR: SignedDuration = SignedDuration::from_hours(1);

async fn a_double_booking_at_calendly_is_told_and_a_neighbor_is_not(form: Form) {
    is_told(form, &CALENDLY).await;
}

async fn a_double_booking_at_acuity_is_told_and_a_neighbor_is_not(form: Form) {
    is_told(form, &ACUITY).await;
}

/// A full hour, three days from now: providers tell of times that lie ahead.
fn soon(world: &World) -> Timestamp {
    let hour = world.now().as_second().div_euclid(3_600) + 3 * 24;
    Timestamp::from_second(hour * 3_600).unwrap()
}

async fn requests(world: &World) -> Vec<RequestId> {
    let answer = world.get("/v1/tenants/tenant_demo/requests").await;
    let items = answer.body["items"].as_array().cloned().unwrap_or_default();
    let ids = items
        .iter()
        .map(|item| item["request_id"].as_str().unwrap().parse().unwrap());
    ids.collect()
}

/// Books, and waits until all is done. Answers the booking's id and its request.
async fn booked(world: &World, calendar: &Calendar, at: Timestamp) -> (String, RequestId) {
    let before = requests(world).await;
    let id = (calendar.book)(world.simulators(), at);
    world
        .eventually("the booking is there", async || {
            requests(world).await.len() > before.len()
        })
        .await;
    let mut new = requests(world).await;
    new.retain(|request| !before.contains(request));
    world.becomes(new[0], Status::Completed).await;
    (id, new[0])
}

async fn check(world: &World, request: RequestId) -> Value {
    world.shown(request).await["booking"].clone()
}

/// The requests that a check names.
fn with(check: &Value) -> Vec<String> {
    let conflicts = check["conflicts"].as_array().unwrap().iter();
    let names = conflicts.map(|conflict| {
        assert_eq!(conflict["with"], "request");
        conflict["request_id"].as_str().unwrap().to_owned()
    });
    names.collect()
}

/// The mail about a request.
fn mail(world: &World, request: RequestId) -> String {
    let mails = world.simulators().sendgrid().mails();
    let mails: Vec<_> = mails.iter().map(|mail| format!("{mail:?}")).collect();
    let mut of_it = mails
        .into_iter()
        .filter(|mail| mail.contains(&request.to_string()));
    let mail = of_it.next().unwrap();
    assert_eq!(of_it.next(), None, "nobody is told twice");
    mail
}

async fn is_told(form: Form, calendar: &Calendar) {
    let world = World::of(form).await;
    let ten = soon(&world);
    let (first_id, first) = booked(&world, calendar, ten).await;
    assert_eq!(check(&world, first).await["result"], "free");
    let (_, neighbor) = booked(&world, calendar, ten + HOUR).await;
    let found = check(&world, neighbor).await;
    assert_eq!(found["result"], "free", "back to back: {found}");
    assert!(!mail(&world, neighbor).contains("Double booking"));

    let (double_id, double) = booked(&world, calendar, ten + HOUR / 2).await;
    let found = check(&world, double).await;
    assert_eq!(found["result"], "conflict", "{found}");
    assert_eq!(with(&found), [first.to_string(), neighbor.to_string()]);
    let told = mail(&world, double);
    assert!(
        told.contains("Double booking: this appointment overlaps another booking"),
        "{told}"
    );
    let crm = || {
        let hubspot = world.simulators().hubspot();
        let deals = serde_json::to_string(&hubspot.deals()).unwrap();
        format!(
            "{deals} {}",
            serde_json::to_string(&hubspot.notes()).unwrap()
        )
    };
    assert!(crm().contains("Overlaps: another booking"), "{}", crm());

    world
        .eventually("whoever was there before shows it, too", async || {
            with(&check(&world, first).await) == [double.to_string()]
                && with(&check(&world, neighbor).await) == [double.to_string()]
        })
        .await;

    // The first is called off, and the second takes its time.
    (calendar.cancel)(world.simulators(), &first_id);
    world
        .eventually(
            "the first takes no time, and is in nobody's way",
            async || {
                check(&world, first).await["result"] == "none"
                    && with(&check(&world, double).await) == [neighbor.to_string()]
            },
        )
        .await;
    (calendar.reschedule)(world.simulators(), &double_id, ten);
    world
        .eventually("it is free now", async || {
            check(&world, double).await["result"] == "free"
        })
        .await;
    world
        .eventually("its neighbor is free, too", async || {
            check(&world, neighbor).await["result"] == "free"
        })
        .await;
    world.becomes(double, Status::Completed).await;
    world.becomes(neighbor, Status::Completed).await;

    // Something that is no booking.
    (calendar.keep_busy)(world.simulators(), ten + HOUR * 5);
    let (_, taken) = booked(&world, calendar, ten + HOUR * 4 + HOUR / 2).await;
    let found = check(&world, taken).await;
    assert_eq!(found["result"], "conflict", "{found}");
    assert_eq!(found["conflicts"][0]["with"], "busy", "{found}");
    assert_eq!(found["conflicts"][0]["request_id"], Value::Null);
    let told = mail(&world, taken);
    assert!(
        told.contains("overlaps something else in the calendar"),
        "{told}"
    );
    let (_, behind) = booked(&world, calendar, ten + HOUR * 6).await;
    assert_eq!(check(&world, behind).await["result"], "free");
    world.finish().await;
}

async fn what_the_provider_does_not_tell_is_not_free(form: Form) {
    let world = World::of(form).await;
    let calendly = world.simulators().calendly();
    calendly.always_to("GET /user_busy_times", Fault::Status(424));
    let (_, request) = booked(&world, &CALENDLY, soon(&world)).await;
    let found = check(&world, request).await;
    assert_eq!(found["result"], "unknown", "{found}");
    assert_eq!(
        found["unknown_reason"],
        json!("the calendar's provider refuses to tell")
    );
    let told = mail(&world, request);
    assert!(told.contains("Other appointments"), "{told}");
    // What is known of other bookings counts all the same.
    let (_, double) = booked(&world, &CALENDLY, soon(&world)).await;
    let found = check(&world, double).await;
    assert_eq!(found["result"], "conflict", "{found}");
    assert_eq!(
        found["conflicts"][0]["request_id"],
        json!(request.to_string())
    );
    assert!(found["unknown_reason"].is_string());
    world.finish().await;
}
