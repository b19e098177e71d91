//! Calendly: what its webhooks say, and its API client against the simulated Calendly.

use std::{collections::BTreeMap, time::Duration};

use bytes::Bytes;
use domain::{
    About, Account, BookingFacts, BookingStatus, Classify as _, ConnectionName, Disposition, Facts,
    News, Reading, TenantId,
};
use http::{HeaderMap, HeaderValue};
use http_client::{Client, Options};
use jiff::Timestamp;
use serde_json::{Value, json};
use simulators::{
    Fault, Simulators,
    calendly::{self, Submission, Wanted},
};
use sources::{
    ApiError, ApiSet, Config, Details, Source as _, SourceSpec, Sources, Verified, verify,
};

const SOURCE: &sources::calendly::Calendly = &sources::calendly::Calendly;
const INVITEE: &str = "1b2c3d4e-5f60-4718-8293-a4b5c6d7e8f9";
const EVENT: &str =
    "https://api.calendly.com/scheduled_events/7f3c2b1a-0d9e-4c8b-a7f6-5e4d3c2b1a00";

fn spec() -> &'static SourceSpec {
    SOURCE.spec()
}

fn body(name: &str) -> Value {
    let mut samples = spec().samples.iter();
    let sample = samples.find(|sample| sample.name == name).unwrap();
    serde_json::from_slice(sample.body).unwrap()
}

fn read(body: &Value) -> Reading {
    let body = Bytes::from(body.to_string());
    let delivery = Verified::restored(spec(), "calendly-v1", BTreeMap::new(), body).unwrap();
    SOURCE.read(&delivery, None).unwrap()
}

fn news(body: &Value) -> News {
    match read(body) {
        Reading::News(news) => *news,
        other => panic!("{other:?}"),
    }
}

fn booking(facts: &Facts) -> &BookingFacts {
    match &facts.about {
        About::Calendar(booking) => booking,
        other => panic!("{other:?}"),
    }
}

fn at(text: &str) -> Option<Timestamp> {
    Some(text.parse().unwrap())
}

#[test]
fn a_booking_says_who_what_when_and_where() {
    let News {
        facts, is_modified, ..
    } = news(&body("invitee-created"));
    assert!(!is_modified);
    let person = &facts.person;
    assert_eq!(person.name.as_deref(), Some("Dana Whitfield"));
    assert_eq!(person.email.as_deref(), Some("dana.whitfield@example.com"));
    assert_eq!(person.phone.as_deref(), Some("+1 512-555-0142"));
    let booking = booking(&facts);
    assert_eq!(
        booking.service.as_deref(),
        Some("In-home kitchen estimate (60 min)")
    );
    assert_eq!(booking.starts_at, at("2026-03-21T15:00:00Z"));
    assert_eq!(booking.ends_at, at("2026-03-21T16:00:00Z"));
    assert_eq!(booking.time_zone.as_deref(), Some("America/Chicago"));
    assert_eq!(booking.location.as_deref(), Some("78664, Round Rock TX"));
    assert_eq!(booking.host.as_deref(), Some("Luis Ortega"));
    // A comma is between two people, and in no name.
    let mut named = body("invitee-created");
    named["payload"]["scheduled_event"]["event_memberships"][0]["user_name"] =
        json!("Ortega, Luis");
    let named = news(&named).facts;
    assert_eq!(self::booking(&named).host.as_deref(), Some("Ortega Luis"));
    assert_eq!(booking.status, Some(BookingStatus::Booked));
    assert_eq!(
        booking.answers["What is the project?"],
        "Kitchen remodel, 200 sq ft"
    );
    assert_eq!(facts.attribution["utm_campaign"], "austin-kitchen-remodel");
    assert_eq!(
        facts.extra["event_type"],
        "https://api.calendly.com/event_types/KITCHEN000000001"
    );
    assert!(facts.extra["reschedule_url"].starts_with("https://calendly.com/"));
    assert!(facts.unread_fields.is_empty());
}

#[test]
fn an_invitee_with_hardly_any_field_is_a_lead() {
    let facts = news(&body("invitee-created-sparse")).facts;
    assert_eq!(facts.person.name.as_deref(), Some("Pia Voss"));
    assert_eq!(facts.person.phone, None);
    assert_eq!(booking(&facts).status, Some(BookingStatus::Booked));
    // A form may ask for the parts of a name alone.
    let mut parts = body("invitee-created-sparse");
    parts["payload"]["name"] = json!(null);
    parts["payload"]["first_name"] = json!("Pia");
    parts["payload"]["last_name"] = json!("Voss");
    assert_eq!(news(&parts).facts.person.name.as_deref(), Some("Pia Voss"));
}

#[test]
fn a_telephone_number_is_found_wherever_it_stands() {
    let bare = || {
        let mut bare = body("invitee-created");
        bare["payload"]["text_reminder_number"] = json!(null);
        bare["payload"]["questions_and_answers"] = json!([]);
        bare
    };
    let phone = |body: &Value| news(body).facts.person.phone;
    assert_eq!(phone(&bare()), None);
    let mut answered = bare();
    answered["payload"]["questions_and_answers"] =
        json!([{"question": "Mobile?", "answer": "(512) 555-0142", "position": 0}]);
    assert_eq!(phone(&answered).as_deref(), Some("(512) 555-0142"));
    let mut called = bare();
    called["payload"]["scheduled_event"]["location"] =
        json!({"type": "outbound_call", "location": "+1 512-555-0142"});
    assert_eq!(phone(&called).as_deref(), Some("+1 512-555-0142"));
    let location = booking(&news(&called).facts).location.clone();
    assert_eq!(location.as_deref(), Some("by phone, the company calls"));
    let mut elsewhere = bare();
    elsewhere["payload"]["scheduled_event"]["text_reminder_number"] = json!("+1 512-555-0142");
    assert_eq!(phone(&elsewhere).as_deref(), Some("+1 512-555-0142"));
}

#[test]
fn a_link_to_a_meeting_is_not_kept() {
    let mut online = body("invitee-created");
    online["payload"]["scheduled_event"]["location"] =
        json!({"type": "zoom_conference", "join_url": "https://zoom.example/j/1?pwd=s3cret"});
    let facts = news(&online).facts;
    assert_eq!(booking(&facts).location.as_deref(), Some("online (zoom)"));
    assert!(!serde_json::to_string(&facts).unwrap().contains("s3cret"));
}

/// What is known after these deliveries, in this order, as a request takes them over.
fn after(names: &[&str]) -> Facts {
    let mut known = Facts::default();
    let mut is_modified = false;
    for name in names {
        let news = news(&body(name));
        if is_modified && !news.is_modified {
            known = known.or(&news.facts);
        } else {
            known.overlay(&news.facts);
        }
        is_modified |= news.is_modified;
    }
    known
}

#[test]
fn a_moved_booking_is_the_same_in_whatever_order_it_is_told() {
    let told = [
        "invitee-created",
        "invitee-canceled-rescheduled",
        "invitee-created-rescheduled",
    ];
    let orders = [
        [0, 1, 2],
        [0, 2, 1],
        [1, 0, 2],
        [1, 2, 0],
        [2, 0, 1],
        [2, 1, 0],
    ];
    for order in orders {
        let facts = after(&order.map(|at| told[at]));
        let booking = booking(&facts);
        assert_eq!(booking.status, Some(BookingStatus::Booked), "{order:?}");
        assert_eq!(booking.starts_at, at("2026-03-24T18:00:00Z"), "{order:?}");
        let id = facts.external_id.unwrap();
        assert!(id.ends_with("-b5c6d7e8f90a"), "{order:?}: {id}");
    }
    // Each names the new booking and the old one, so that they are one request.
    let names = |name: &str| -> Vec<String> {
        let aliases = news(&body(name)).aliases;
        aliases.into_iter().map(|alias| alias.value).collect()
    };
    let old = format!("{EVENT}/invitees/{INVITEE}");
    for name in told {
        assert!(names(name).contains(&old), "{name}");
    }
    assert!(
        news(&body("invitee-canceled-rescheduled")).is_thin,
        "the API is asked"
    );
}

#[test]
fn what_was_last_said_of_a_booking_stands() {
    let status = |names: &[&str]| booking(&after(names)).status;
    for (names, expected) in [
        (
            &["invitee-created", "invitee-canceled"][..],
            BookingStatus::Canceled,
        ),
        (
            &["invitee-canceled", "invitee-created"],
            BookingStatus::Canceled,
        ),
        (
            &["invitee-created", "invitee-no-show-created"],
            BookingStatus::NoShow,
        ),
        (
            &["invitee-no-show-created", "invitee-created"],
            BookingStatus::NoShow,
        ),
        (
            &["invitee-no-show-created", "invitee-no-show-deleted"],
            BookingStatus::Booked,
        ),
        (
            &["invitee-no-show-deleted", "invitee-no-show-created"],
            BookingStatus::Booked,
        ),
    ] {
        assert_eq!(status(names), Some(expected), "{names:?}");
    }
}

#[test]
fn a_group_event_is_no_name_of_one_persons_booking() {
    let mut group = body("invitee-created");
    group["payload"]["scheduled_event"]["invitees_counter"]["limit"] = json!(8);
    let names: Vec<_> = news(&group)
        .aliases
        .into_iter()
        .map(|alias| alias.kind)
        .collect();
    assert_eq!(names, ["invitee"]);
}

#[test]
fn answers_that_led_to_no_booking_are_a_lead_after_a_while() {
    let mut alone = body("routing-form-submission-created");
    assert_eq!(news(&alone).delay, Duration::ZERO, "the booking is there");
    alone["payload"]["submitter"] = json!(null);
    let news = news(&alone);
    assert_eq!(news.delay, Duration::from_mins(10));
    assert_eq!(
        news.facts.external_id,
        Some("https://api.calendly.com/routing_form_submissions/RFS00001".to_owned())
    );
    assert_eq!(
        booking(&news.facts).answers["What are you remodeling?"],
        "Kitchen"
    );
    // The booking names them.
    let mut booked = body("invitee-created");
    booked["payload"]["routing_form_submission"] =
        json!("https://api.calendly.com/routing_form_submissions/RFS00001");
    let aliases = self::news(&booked).aliases;
    assert!(aliases.contains(&news.aliases[0]));
}

#[test]
fn one_right_signature_among_several_is_enough() {
    let sample = spec().samples[0];
    let recorded = sample.recorded.unwrap();
    let (_, right) = recorded.headers[0].1.split_once(",v1=").unwrap();
    let now = Timestamp::from_second(recorded.at).unwrap();
    let wrong = "0".repeat(64);
    let check = |value: String| {
        let mut headers = HeaderMap::new();
        headers.insert(
            "calendly-webhook-signature",
            HeaderValue::from_str(&value).unwrap(),
        );
        let keys = [recorded.key.into()];
        verify(spec(), &[], &keys, &headers, sample.body.into(), now).is_ok()
    };
    let t = recorded.at;
    for good in [
        format!("t={t},v1={wrong},v1={right}"),
        format!("v1={right},t={t}"),
        format!("t={t}, v0={wrong}, v1={right}"),
    ] {
        assert!(check(good));
    }
    for bad in [
        format!("t={t},v0={right}"),
        format!("t=0{t},v1={right}"),
        format!("t={t}.0,v1={right}"),
        format!("t={t},t={t},v1={right}"),
        format!("v1={right}"),
    ] {
        assert!(!check(bad.clone()), "{bad}");
    }
}

struct World {
    simulators: Simulators,
    account: Account,
}

impl World {
    async fn start() -> Self {
        Self {
            simulators: Simulators::start(simulators::Config::default())
                .await
                .unwrap(),
            account: Account {
                tenant: TenantId::new("tenant_demo").unwrap(),
                connection: ConnectionName::new("calendly").unwrap(),
                version: 1,
                secret: "simulated-calendly-token".to_owned().into(),
                settings: BTreeMap::new(),
            },
        }
    }

    fn calendly(&self) -> &calendly::Simulator {
        self.simulators.calendly()
    }

    async fn details(&self, uri: &str) -> Result<Details, ApiError> {
        let options = Options {
            allow_loopback: true,
            ..Options::default()
        };
        let client = Client::new(options).unwrap();
        let config =
            Config::default().with_url("calendly", self.calendly().base_url().parse().unwrap());
        let set = ApiSet::new(&client, &Sources::standard(), &config);
        let facts = Facts {
            external_id: Some(uri.to_owned()),
            ..Facts::default()
        };
        let details = &set.get("calendly").unwrap().details;
        details.details(&self.account, &[], &facts).await
    }

    async fn error(&self, uri: &str) -> ApiError {
        self.details(uri).await.unwrap_err()
    }
}

fn uri() -> String {
    format!("{EVENT}/invitees/{INVITEE}")
}

#[tokio::test]
async fn the_api_says_what_a_delivery_left_out() {
    let world = World::start().await;
    let Details { facts, aliases } = world.details(&uri()).await.unwrap();
    let names: Vec<_> = aliases.iter().map(|alias| alias.value.as_str()).collect();
    assert_eq!(names, [uri().as_str(), EVENT]);
    assert_eq!(facts.external_id.as_deref(), Some(uri().as_str()));
    assert_eq!(facts.person.postal_code.as_deref(), Some("78664"));
    let booking = booking(&facts);
    assert_eq!(booking.status, Some(BookingStatus::Booked));
    assert_eq!(booking.host.as_deref(), Some("Luis Ortega"));
    assert!(booking.starts_at.is_some() && booking.stated_at.is_some());
    assert_eq!(world.calendly().requests().len(), 2);
}

#[tokio::test]
async fn a_booking_is_followed_to_where_it_was_moved() {
    let world = World::start().await;
    let first = world.calendly().book(Wanted::default());
    let second = world
        .calendly()
        .reschedule(&first, at("2026-12-09T16:00:00Z").unwrap())
        .unwrap();
    let third = world
        .calendly()
        .reschedule(&second, at("2026-12-10T16:00:00Z").unwrap())
        .unwrap();
    let uri_of = |id: &str| {
        let shown = world.calendly().bookings();
        let shown = shown
            .iter()
            .find(|shown| shown["uri"].as_str().unwrap().ends_with(id));
        shown.unwrap()["uri"].as_str().unwrap().to_owned()
    };
    let all = [&third, &second, &first].map(|id| uri_of(id));
    for asked in &all {
        let Details { facts, aliases } = world.details(asked).await.unwrap();
        assert_eq!(facts.external_id.as_ref(), Some(&all[0]));
        assert_eq!(booking(&facts).starts_at, at("2026-12-10T16:00:00Z"));
        assert_eq!(booking(&facts).status, Some(BookingStatus::Booked));
        let names: Vec<_> = aliases.iter().map(|alias| &alias.value).collect();
        assert_eq!(names[0], &all[0]);
        assert!(names.contains(&asked), "{names:?}");
    }
    world.calendly().cancel(&third);
    let facts = world.details(&all[2]).await.unwrap().facts;
    assert_eq!(booking(&facts).status, Some(BookingStatus::Canceled));
    assert_eq!(facts.extra["canceled_by"], "invitee");
}

#[tokio::test]
async fn a_submission_names_the_booking_that_it_led_to() {
    let world = World::start().await;
    let id = world.calendly().submit(&Submission {
        answers: vec![("Rooms".to_owned(), "Kitchen".to_owned())],
        invitee: Some(INVITEE.to_owned()),
    });
    let uri = format!("https://api.calendly.com/routing_form_submissions/{id}");
    let Details { facts, aliases } = world.details(&uri).await.unwrap();
    assert_eq!(booking(&facts).answers["Rooms"], "Kitchen");
    assert!(aliases[0].value.ends_with(INVITEE));
    assert_eq!(aliases[1].value, uri);
}

#[tokio::test]
async fn another_companys_booking_is_refused() {
    let mut world = World::start().await;
    let people = |users: &str| BTreeMap::from([("users".to_owned(), users.to_owned())]);
    world.account.settings = people("https://api.calendly.com/users/SOMEBODYELSE");
    let error = world.error(&uri()).await;
    assert!(matches!(error, ApiError::Foreign), "{error:?}");
    world.account.settings = people(&format!(
        " https://api.calendly.com/users/X, {} ",
        calendly::USER
    ));
    world.details(&uri()).await.unwrap();

    // Answers are of whoever chose the form; who names people alone has none.
    let id = world.calendly().submit(&Submission::default());
    let submission = format!("https://api.calendly.com/routing_form_submissions/{id}");
    let error = world.error(&submission).await;
    assert!(matches!(error, ApiError::Foreign), "{error:?}");
    let form = "https://api.calendly.com/routing_forms/RF00001".to_owned();
    world
        .account
        .settings
        .insert("routing_forms".to_owned(), form);
    world.details(&submission).await.unwrap();
}

/// What is kept of a booking that does not say whose it is has the API asked, which says the rest.
#[test]
fn a_booking_without_its_person_is_asked_for() {
    let mut reduced = body("invitee-created-sparse");
    let uri = reduced["payload"]["uri"].clone();
    reduced["payload"] = json!({ "uri": uri });
    reduced["reduced"] = json!(true);
    let News {
        facts,
        aliases,
        is_thin,
        ..
    } = news(&reduced);
    assert!(is_thin);
    assert_eq!(aliases[0].value, uri.as_str().unwrap());
    assert_eq!(facts.person, domain::PersonFacts::default());
    assert_eq!(booking(&facts).status, Some(BookingStatus::Booked));

    // A cancellation that broke off may be the first half of a move: only the API knows.
    reduced["event"] = json!("invitee.canceled");
    let canceled = news(&reduced);
    assert!(canceled.is_thin);
    assert_eq!(booking(&canceled.facts).status, None);
    reduced["payload"]["rescheduled"] = json!(false);
    let canceled = news(&reduced).facts;
    assert_eq!(booking(&canceled).status, Some(BookingStatus::Canceled));
}

#[tokio::test]
async fn each_failure_says_what_to_do_next() {
    let world = World::start().await;
    let calendly = world.calendly();
    let retry = |after: Option<u64>| Disposition::Retry {
        after: after.map(Duration::from_secs),
    };
    for (fault, expected) in [
        (Fault::RateLimit, retry(Some(30))),
        (Fault::RevokedToken, Disposition::Hold),
        (Fault::Status(503), retry(None)),
        (Fault::Status(404), retry(None)),
        (Fault::Status(400), Disposition::Park),
        (Fault::Malformed, retry(None)),
        (Fault::ResetAfterWrite, retry(None)),
    ] {
        calendly.answer_next(fault.clone());
        let error = world.error(&uri()).await;
        assert_eq!(error.disposition(), expected, "{fault:?}: {error:?}");
    }
    calendly.register(
        INVITEE,
        Wanted {
            missing: true,
            ..Wanted::default()
        },
    );
    for strange in [
        uri(),
        "https://api.calendly.com/users/X".to_owned(),
        "https://evil.example/scheduled_events/../../users/invitees/me".to_owned(),
        format!("{EVENT}/invitees/{INVITEE}?x=1"),
    ] {
        let error = world.error(&strange).await;
        assert!(matches!(error, ApiError::NotFound), "{strange}: {error:?}");
    }
}
