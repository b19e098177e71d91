//! What a webhook's body says, which is little, and what the API says of an appointment.

use std::collections::{BTreeMap, BTreeSet};

use domain::{
    About, BookingFacts, BookingStatus, Channel, Facts, Labels, PersonFacts, Reading, text,
};
use jiff::{SignedDuration, Timestamp};

use crate::{
    ReadError, TEST_REMARK, Verified,
    answers::Answers,
    fields::{Field, Fields, line},
    ignored,
};

/// Reads a body; `event` is the action in its URL, where the body names none.
///
/// Nothing of it but the id is taken over: a signature covers no time, so only the API says what holds now.
pub(super) fn read(delivery: &Verified, event: Option<&str>) -> Result<Reading, ReadError> {
    let body = &delivery.fields(|name| matches!(name, "action" | "id"))?;
    let action = match body.text("action").or(event) {
        Some(action) => action.strip_prefix("appointment.").unwrap_or(action),
        None => body.id(&["action"])?,
    };
    match action {
        "scheduled" | "rescheduled" | "canceled" | "changed" => {}
        "test" => return Ok(ignored(TEST_REMARK)),
        "order.completed" => return Ok(ignored("an order, not an appointment")),
        _ => return Ok(ignored("an action that is not used")),
    }
    let id = body.id(&["id"])?;
    if !is_id(id) {
        return Err(ReadError::BadId {
            field: "id",
            expected: "1 to 20 digits",
        });
    }
    let facts = Facts {
        canonical_id: Some(id.to_owned()),
        ..Facts::nothing(Channel::Calendar)
    };
    let mut news = delivery.news("appointment", &[id], facts);
    news.is_modified = action != "scheduled";
    news.is_thin = true;
    Ok(Reading::News(news))
}

/// Whether an id can be an appointment's. Such an id is safe in a path.
pub(super) fn is_id(id: &str) -> bool {
    (1..=20).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_digit())
}

/// What the API says of an appointment.
pub(super) fn facts(id: &str, appointment: &Fields<'_>) -> Facts {
    let mut unread = BTreeSet::new();
    let starts_at = appointment.text("datetime").and_then(instant);
    if starts_at.is_none() && appointment.has("datetime") {
        unread.insert("datetime".to_owned());
    }
    let minutes = appointment.text("duration").and_then(minutes);
    if minutes.is_none() && appointment.has("duration") {
        unread.insert("duration".to_owned());
    }
    let length = minutes.map(SignedDuration::from_mins);
    let ends_at = starts_at.zip(length);
    unread.extend(appointment.mended().iter().cloned());
    let Answers { person, others } = answers(appointment);
    let names = ["firstName", "lastName"].map(|name| appointment.text(name).unwrap_or_default());
    Facts {
        external_id: Some(id.to_owned()),
        canonical_id: Some(id.to_owned()),
        person: PersonFacts {
            name: line(&names.join(" "), 200).or(person.name),
            phone: appointment.line(&["phone"], 64).or(person.phone),
            email: appointment.line(&["email"], 254).or(person.email),
            ..person
        },
        labels: Labels {
            tags: tags(appointment),
            note: appointment
                .get("notes")
                .map(|_| text::bounded(appointment.text("notes").unwrap_or_default(), 5_000)),
            ..Labels::default()
        },
        extra: extra(appointment),
        unread_fields: unread,
        about: About::Calendar(BookingFacts {
            service: appointment.line(&["type"], 200),
            starts_at,
            ends_at: ends_at.and_then(|(start, length)| start.checked_add(length).ok()),
            time_zone: appointment.line(&["timezone"], 64),
            status: Some(status(appointment)),
            location: appointment.line(&["location"], 200),
            // Commas are between hosts: `Team A, Austin` and `Team B, Austin` have none in common.
            host: appointment
                .line(&["calendar"], 200)
                .and_then(|calendar| line(&calendar.replace(',', " "), 200)),
            calendar_ids: appointment.text("calendarID").map(|id| vec![id.to_owned()]),
            // Those who attend a class share its time.
            event_id: appointment
                .text("classID")
                .filter(|id| is_id(id))
                .map(str::to_owned),
            answers: others,
            ..BookingFacts::default()
        }),
        ..Facts::default()
    }
}

/// An appointment stands unless it says otherwise. A person who did not come is marked on one that was canceled for it.
fn status(appointment: &Fields<'_>) -> BookingStatus {
    if appointment.flag("noShow") == Some(true) {
        BookingStatus::NoShow
    } else if appointment.flag("canceled") == Some(true) {
        BookingStatus::Canceled
    } else {
        BookingStatus::Booked
    }
}

/// `2026-03-21T10:00:00-0500`: unlike RFC 3339, without a colon in the offset.
pub(super) fn instant(raw: &str) -> Option<Timestamp> {
    let time = Timestamp::strptime("%Y-%m-%dT%H:%M:%S%z", raw);
    time.ok().or_else(|| raw.parse().ok())
}

/// `"60"`; no appointment takes longer than a week.
fn minutes(raw: &str) -> Option<i64> {
    raw.parse()
        .ok()
        .filter(|minutes| (1..=7 * 24 * 60).contains(minutes))
}

/// The answers to every intake form.
fn answers(appointment: &Fields<'_>) -> Answers {
    let mut answers = Answers::default();
    let forms = appointment.get("forms").map_or(&[][..], Field::items);
    for form in forms {
        let Field::Object(form) = form else { continue };
        for value in form.get("values").map_or(&[][..], Field::items) {
            if let Field::Object(value) = value {
                let question = value.text("name").unwrap_or_default();
                answers.add(question, value.text("value").unwrap_or_default());
            }
        }
    }
    answers
}

/// The names of its labels. An empty list says that there are none.
fn tags(appointment: &Fields<'_>) -> Option<Vec<String>> {
    const MAX: usize = 50;
    let Some(Field::List(labels)) = appointment.get("labels") else {
        return None;
    };
    let names = labels.iter().filter_map(|label| match label {
        Field::Object(label) => label.line(&["name"], 100),
        _ => None,
    });
    Some(names.take(MAX).collect())
}

fn extra(appointment: &Fields<'_>) -> BTreeMap<String, String> {
    const KEPT: [(&str, &str); 6] = [
        ("category", "category"),
        ("confirmation_page", "confirmationPage"),
        ("price", "price"),
        ("amount_paid", "amountPaid"),
        ("paid", "paid"),
        ("certificate", "certificate"),
    ];
    let kept = KEPT.iter().filter_map(|(as_name, name)| {
        Some(((*as_name).to_owned(), appointment.line(&[name], 500)?))
    });
    kept.collect()
}

/// The members of an appointment that anything here asks for, at every depth.
pub(super) fn is_wanted(name: &str) -> bool {
    matches!(
        name,
        "id" | "firstName"
            | "lastName"
            | "phone"
            | "email"
            | "datetime"
            | "duration"
            | "timezone"
            | "type"
            | "calendar"
            | "calendarID"
            | "classID"
            | "location"
            | "category"
            | "confirmationPage"
            | "price"
            | "amountPaid"
            | "paid"
            | "certificate"
            | "notes"
            | "noShow"
            | "canceled"
            | "forms"
            | "values"
            | "value"
            | "name"
            | "labels"
    )
}
