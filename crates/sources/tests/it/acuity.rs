//! Acuity: what its webhooks say, and its API client against the simulated Acuity.

use std::{collections::BTreeMap, time::Duration};

use bytes::Bytes;
use domain::{
    About, Account, BookingFacts, BookingStatus, Classify as _, ConnectionName, Disposition, Facts,
    News, Reading, TenantId,
};
use http_client::{Client, Options};
use jiff::Timestamp;
use simulators::{
    Fault, Simulators,
    acuity::{self, Wanted},
};
use sources::{
    ApiError, ApiSet, Config, Details, ReadError, Source as _, SourceSpec, Sources, Verified,
};

const SOURCE: &sources::acuity::Acuity = &sources::acuity::Acuity;
const ID: &str = "914402217";

fn spec() -> &'static SourceSpec {
    SOURCE.spec()
}

fn read(body: &str, event: Option<&str>) -> Result<Reading, ReadError> {
    let body = Bytes::copy_from_slice(body.as_bytes());
    let delivery = Verified::restored(spec(), "acuity-v1", BTreeMap::new(), body).unwrap();
    SOURCE.read(&delivery, event)
}

fn news(body: &str, event: Option<&str>) -> News {
    match read(body, event) {
        Ok(Reading::News(news)) => *news,
        other => panic!("{body}: {other:?}"),
    }
}

fn booking(facts: &Facts) -> &BookingFacts {
    match &facts.about {
        About::Calendar(booking) => booking,
        other => panic!("{other:?}"),
    }
}

#[test]
fn every_action_names_one_appointment_and_says_nothing_else() {
    for (body, event) in [
        (
            "action=scheduled&id=914402217&calendarID=1&appointmentTypeID=2",
            None,
        ),
        ("action=canceled&id=914402217", Some("scheduled")),
        ("action=appointment.rescheduled&id=914402217", None),
        ("id=914402217&action=changed", None),
        ("id=914402217", Some("canceled")),
    ] {
        let news = news(body, event);
        assert!(news.is_thin, "the API is asked: {body}");
        assert_eq!(news.facts.canonical_id.as_deref(), Some(ID));
        assert_eq!(booking(&news.facts), &BookingFacts::default(), "{body}");
        let names: Vec<_> = news
            .aliases
            .iter()
            .map(|alias| alias.value.as_str())
            .collect();
        assert_eq!(names, [ID]);
    }
}

#[test]
fn what_is_no_appointment_is_not_used_and_what_names_none_is_not_understood() {
    for body in ["action=order.completed&id=55810", "action=label.added&id=1"] {
        assert!(
            matches!(read(body, None), Ok(Reading::Ignored { .. })),
            "{body}"
        );
    }
    for body in [
        "",
        "id=914402217",
        "action=scheduled",
        "action=scheduled&id=",
        "action=scheduled&id=../me",
        "action=scheduled&id=123456789012345678901",
    ] {
        assert!(read(body, None).is_err(), "{body}");
    }
}

struct World {
    simulators: Simulators,
    account: Account,
    calendars: Vec<String>,
}

impl World {
    async fn start() -> Self {
        let settings = [("user_id".to_owned(), acuity::USER_ID.to_owned())];
        Self {
            simulators: Simulators::start(simulators::Config::default())
                .await
                .unwrap(),
            account: Account {
                tenant: TenantId::new("tenant_demo").unwrap(),
                connection: ConnectionName::new("acuity").unwrap(),
                version: 1,
                secret: acuity::API_KEY.to_owned().into(),
                settings: BTreeMap::from(settings),
            },
            calendars: Vec::new(),
        }
    }

    fn acuity(&self) -> &acuity::Simulator {
        self.simulators.acuity()
    }

    async fn details(&self, id: &str) -> Result<Details, ApiError> {
        let options = Options {
            allow_loopback: true,
            ..Options::default()
        };
        let client = Client::new(options).unwrap();
        let config =
            Config::default().with_url("acuity", self.acuity().base_url().parse().unwrap());
        let set = ApiSet::new(&client, &Sources::standard(), &config);
        let facts = Facts {
            external_id: Some(id.to_owned()),
            ..Facts::default()
        };
        let details = &set.get("acuity").unwrap().details;
        details
            .details(&self.account, &self.calendars, &facts)
            .await
    }

    async fn error(&self, id: &str) -> ApiError {
        self.details(id).await.unwrap_err()
    }
}

#[tokio::test]
async fn an_appointment_says_who_what_when_and_where() {
    let world = World::start().await;
    // Either side of a clock change: the offset is the one of that day.
    for (starts_at, ends_at) in [
        ("2026-10-31T15:00:00Z", "2026-10-31T16:00:00Z"),
        ("2026-11-02T16:00:00Z", "2026-11-02T17:00:00Z"),
    ] {
        let (starts_at, ends_at): (Timestamp, Timestamp) =
            (starts_at.parse().unwrap(), ends_at.parse().unwrap());
        world.acuity().register(
            ID,
            Wanted {
                starts_at,
                ..Wanted::default()
            },
        );
        let Details { facts, aliases } = world.details(ID).await.unwrap();
        let booking = booking(&facts);
        assert_eq!(
            (booking.starts_at, booking.ends_at),
            (Some(starts_at), Some(ends_at))
        );
        assert_eq!(booking.status, Some(BookingStatus::Booked));
        assert_eq!(booking.service.as_deref(), Some("In-home kitchen estimate"));
        assert_eq!(booking.host.as_deref(), Some("Luis Ortega"));
        assert_eq!(booking.location.as_deref(), Some("78664, Round Rock TX"));
        assert_eq!(booking.answers["Square feet"], "200");
        assert!(!booking.answers.contains_key("ZIP code"));
        let person = &facts.person;
        assert_eq!(person.name.as_deref(), Some("Dana Whitfield"));
        assert_eq!(person.phone.as_deref(), Some("5125550142"));
        assert_eq!(person.postal_code.as_deref(), Some("78664"));
        assert_eq!(facts.labels.tags, Some(vec!["New lead".to_owned()]));
        assert_eq!(facts.labels.note.as_deref(), Some(""), "the API says: none");
        assert!(facts.unread_fields.is_empty());
        assert_eq!(aliases.len(), 1);
    }
}

#[tokio::test]
async fn what_became_of_an_appointment_is_what_the_api_says() {
    let world = World::start().await;
    for (canceled, no_show, expected) in [
        (false, false, BookingStatus::Booked),
        (true, false, BookingStatus::Canceled),
        (true, true, BookingStatus::NoShow),
    ] {
        world.acuity().register(
            ID,
            Wanted {
                canceled,
                no_show,
                phone: String::new(),
                ..Wanted::default()
            },
        );
        let facts = world.details(ID).await.unwrap().facts;
        assert_eq!(booking(&facts).status, Some(expected));
        assert_eq!(facts.person.phone, None);
    }
}

#[tokio::test]
async fn an_appointment_in_another_calendar_is_refused() {
    let mut world = World::start().await;
    world.calendars = vec!["42".to_owned()];
    let error = world.error(ID).await;
    assert!(matches!(error, ApiError::Foreign), "{error:?}");
    world.calendars.push("7714021".to_owned());
    world.details(ID).await.unwrap();
}

#[tokio::test]
async fn each_failure_says_what_to_do_next() {
    let mut world = World::start().await;
    let retry = Disposition::Retry { after: None };
    for (fault, expected) in [
        (Fault::RateLimit, retry),
        (Fault::RevokedToken, Disposition::Hold),
        (Fault::Status(403), Disposition::Hold),
        (Fault::Status(500), retry),
        (
            Fault::Answer {
                status: 503,
                retry_after_seconds: Some(7),
                body: None,
            },
            Disposition::Retry {
                after: Some(Duration::from_secs(7)),
            },
        ),
        (Fault::Status(400), Disposition::Park),
        (Fault::Malformed, retry),
    ] {
        world.acuity().answer_next(fault.clone());
        let error = world.error(ID).await;
        assert_eq!(error.disposition(), expected, "{fault:?}: {error:?}");
    }
    let missing = Wanted {
        missing: true,
        ..Wanted::default()
    };
    world.acuity().register("5", missing);
    for strange in ["5", "me", "../me", ""] {
        let error = world.error(strange).await;
        assert!(matches!(error, ApiError::NotFound), "{strange}: {error:?}");
    }
    world.account.settings.clear();
    let error = world.error(ID).await;
    assert!(matches!(error, ApiError::NotConfigured(_)), "{error:?}");
    assert!(!format!("{error:?} {error}").contains(acuity::API_KEY));
}
