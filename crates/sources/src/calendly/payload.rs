//! What a webhook's body says. The API shows an invitee and an event by the same names, so its answers are read here too.
//!
//! Empty lists and nulls are normal. What is odd is left out alone, and its name is kept.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use domain::{About, Alias, BookingFacts, BookingStatus, Facts, PersonFacts, Reading};
use jiff::Timestamp;

use crate::{
    ReadError, TEST_REMARK, Verified, aliases,
    answers::Answers,
    fields::{Field, Fields, line},
    ignored,
};

use super::share;

const PROVIDER: &str = "calendly";

/// How long answers that lead to a booking page wait for the booking: whoever is choosing a time is not called yet.
const CHOOSING_DELAY: Duration = Duration::from_mins(10);

/// Reads a body.
pub(super) fn read(delivery: &Verified) -> Result<Reading, ReadError> {
    let body = &delivery.fields(is_wanted)?;
    let payload = body.object("payload");
    match body.id(&["event"])? {
        "invitee.created" => invitee(delivery, body, Some(BookingStatus::Booked)),
        "invitee.canceled" => invitee(delivery, body, Some(BookingStatus::Canceled)),
        "invitee_no_show.created" => invitee(delivery, body, Some(BookingStatus::NoShow)),
        "invitee_no_show.deleted" => invitee(delivery, body, None),
        "routing_form_submission.created" => submission(delivery, body, payload),
        "test" => Ok(ignored(TEST_REMARK)),
        _ => Ok(ignored("an event that is not used")),
    }
}

/// News of an invitee. `told` is what the event alone tells: none if it takes something back.
fn invitee(
    delivery: &Verified,
    body: &Fields<'_>,
    told: Option<BookingStatus>,
) -> Result<Reading, ReadError> {
    let payload = body.object("payload");
    let mut ids = Ids::of(payload)?;
    let event = payload.object("scheduled_event");
    let mut facts = facts(payload, event);
    note_unread(&mut facts, body);
    let is_canceled = told == Some(BookingStatus::Canceled);
    // A part of a body may lack the word that it was only moved.
    let is_moved = is_canceled && (ids.new.is_some() || payload.flag("rescheduled") == Some(true));
    let is_part = body.is_cut() || is_reduced(body);
    let is_half_told = is_canceled && is_part && payload.get("rescheduled").is_none();
    let is_first_report = told == Some(BookingStatus::Booked) && ids.old.is_none();
    if let About::Calendar(booking) = &mut facts.about {
        booking.status = match told {
            Some(BookingStatus::Canceled | BookingStatus::NoShow) => told,
            _ => status(payload).or(Some(BookingStatus::Booked)),
        };
        booking.stated_at = body
            .time("created_at")
            .or_else(|| payload.time("updated_at"));
        if is_moved || is_half_told {
            // When and where it is now, the new one says. This one is not the later statement, whenever it was made.
            *booking = BookingFacts::default();
        }
    }
    if !is_moved {
        ids.new = None;
    }
    let mut news = delivery.news("invitee", &ids.invitees(), facts);
    news.aliases.extend(ids.others());
    news.is_modified = !is_first_report;
    news.is_thin = is_moved || is_half_told || is_reduced(body);
    Ok(Reading::News(news))
}

/// Answers to a routing form. They belong to a booking where they led to one, and are a lead of their own otherwise.
fn submission(
    delivery: &Verified,
    body: &Fields<'_>,
    payload: &Fields<'_>,
) -> Result<Reading, ReadError> {
    let id = payload.id(&["uri"])?;
    let submitter = payload
        .text("submitter")
        .filter(|uri| Invitee::parse(uri).is_some());
    let mut facts = submission_facts(payload);
    note_unread(&mut facts, body);
    let ids: Vec<_> = submitter.into_iter().collect();
    let mut news = delivery.news("invitee", &ids, facts);
    news.aliases.extend(aliases(PROVIDER, SUBMISSION, &[id]));
    news.facts.external_id = news.aliases.first().map(|alias| alias.value.clone());
    let leads_on = payload.object("result").text("type") == Some("event_type");
    if submitter.is_none() && leads_on {
        news.delay = CHOOSING_DELAY;
    }
    news.is_thin = is_reduced(body);
    Ok(Reading::News(news))
}

/// Whether only the names were kept of it, so that the API has to say the rest.
fn is_reduced(body: &Fields<'_>) -> bool {
    body.flag(share::REDUCED) == Some(true)
}

const SUBMISSION: &str = "routing_form_submission";

/// The names of an invitee, and of what it came from or became.
#[derive(Debug)]
pub(super) struct Ids<'f> {
    this: &'f str,
    old: Option<&'f str>,
    new: Option<&'f str>,
    /// The event, where no other person may book it.
    event: Option<&'f str>,
    submission: Option<&'f str>,
}

impl<'f> Ids<'f> {
    /// Those that an invitee names.
    ///
    /// # Errors
    /// [`ReadError`] if it has no name of its own.
    pub(super) fn of(invitee: &'f Fields<'_>) -> Result<Self, ReadError> {
        let id = |fields: &'f Fields<'_>, name| {
            let uri = fields.text(name)?;
            is_uri(uri).then_some(uri)
        };
        let this = match invitee.id(&["uri"]) {
            // The mark of a no-show, which names whose it is.
            Ok(uri) if uri.contains("/invitee_no_shows/") => invitee.id(&["invitee"])?,
            this => this?,
        };
        let other = |name| id(invitee, name).filter(|uri| *uri != this);
        let event = invitee.object("scheduled_event");
        Ok(Self {
            this,
            old: other("old_invitee"),
            new: other("new_invitee"),
            event: Some(event)
                .filter(|event| is_for_one(event))
                .and_then(|event| id(event, "uri")),
            submission: id(invitee, SUBMISSION),
        })
    }

    /// The invitee that it became.
    pub(super) const fn new_invitee(&self) -> Option<&'f str> {
        self.new
    }

    /// The invitees that are one booking, the newest first.
    pub(super) fn invitees(&self) -> Vec<&'f str> {
        let mut all: Vec<_> = self.new.into_iter().chain([self.this]).collect();
        all.extend(self.old.filter(|old| !all.contains(old)));
        all
    }

    /// Its other names.
    pub(super) fn others(&self) -> Vec<Alias> {
        let mut others = aliases(PROVIDER, "event", self.event.as_slice());
        others.extend(aliases(PROVIDER, SUBMISSION, self.submission.as_slice()));
        others
    }
}

/// Whether only one person may book an event, so that its name is the booking's.
pub(super) fn is_for_one(event: &Fields<'_>) -> bool {
    event.object("invitees_counter").text("limit") == Some("1")
}

pub(super) fn is_uri(text: &str) -> bool {
    text.starts_with("https://") && text.len() <= 200 && text.bytes().all(|b| b.is_ascii_graphic())
}

/// The parts of an invitee's URI.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Invitee<'u> {
    pub(super) event: &'u str,
    pub(super) invitee: &'u str,
}

impl<'u> Invitee<'u> {
    /// The parts of a URI, each safe in a path.
    pub(super) fn parse(uri: &'u str) -> Option<Self> {
        let (_, path) = uri.split_once("/scheduled_events/")?;
        let (event, invitee) = path.split_once("/invitees/")?;
        (is_id(event) && is_id(invitee)).then_some(Self { event, invitee })
    }
}

/// The id in a routing form submission's URI.
pub(super) fn submission_id(uri: &str) -> Option<&str> {
    let (_, id) = uri.split_once("/routing_form_submissions/")?;
    is_id(id).then_some(id)
}

fn is_id(id: &str) -> bool {
    let is_sign = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    (1..=64).contains(&id.len()) && id.bytes().all(is_sign)
}

/// Whether an invitee's booking stands, as far as it says so. One that was moved is told of by its new invitee.
pub(super) fn status(invitee: &Fields<'_>) -> Option<BookingStatus> {
    let is_canceled =
        invitee.text("status") == Some("canceled") || invitee.flag("canceled") == Some(true);
    if is_canceled {
        Some(BookingStatus::Canceled)
    } else if invitee.has("no_show") {
        Some(BookingStatus::NoShow)
    } else if invitee.text("status") == Some("active") {
        Some(BookingStatus::Booked)
    } else {
        None
    }
}

/// Everything that is said of a booking, apart from whether it stands.
pub(super) fn facts(invitee: &Fields<'_>, event: &Fields<'_>) -> Facts {
    let mut unread = BTreeSet::new();
    let mut time = |name: &str| {
        let time = event.time(name).filter(is_likely);
        if time.is_none() && event.has(name) {
            unread.insert(name.to_owned());
        }
        time
    };
    let (starts_at, ends_at) = (time("start_time"), time("end_time"));
    let Answers { person, others } = answers(invitee);
    let place = event.object("location");
    // A call to the person names their number as the place; some bodies have the reminder's number elsewhere.
    let called = (place.text("type") == Some("outbound_call"))
        .then(|| place.line(&["location"], 64))
        .flatten();
    let phone = [invitee, event]
        .iter()
        .find_map(|fields| fields.line(&["text_reminder_number"], 64));
    let asked = (place.text("type") == Some("ask_invitee"))
        .then(|| place.line(&["location"], 200))
        .flatten()
        .filter(|place| place.contains(|c: char| c.is_ascii_digit()));
    Facts {
        person: PersonFacts {
            name: name(invitee).or(person.name),
            phone: phone.or(called).or(person.phone),
            email: invitee.line(&["email"], 254).or(person.email),
            address: person.address.or(asked),
            ..person
        },
        attribution: attribution(invitee),
        extra: extra(invitee, event),
        unread_fields: unread,
        about: About::Calendar(BookingFacts {
            service: event.line(&["name"], 200),
            starts_at,
            ends_at: ends_at.filter(|end| starts_at.is_none_or(|start| start <= *end)),
            time_zone: invitee.line(&["timezone"], 64),
            location: location(place),
            host: hosts(event),
            calendar_ids: users(event),
            event_id: event
                .text("uri")
                .filter(|uri| is_uri(uri))
                .map(str::to_owned),
            answers: others,
            ..BookingFacts::default()
        }),
        ..Facts::default()
    }
}

/// What the answers to a routing form say.
pub(super) fn submission_facts(submission: &Fields<'_>) -> Facts {
    let Answers { person, others } = answers(submission);
    let mut extra = BTreeMap::new();
    let result = submission.object("result");
    keep(&mut extra, "routing_form", submission, "routing_form");
    keep(&mut extra, "routed_to", result, "value");
    Facts {
        person,
        attribution: attribution(submission),
        extra,
        about: About::Calendar(BookingFacts {
            answers: others,
            ..BookingFacts::default()
        }),
        ..Facts::default()
    }
}

/// Notes what a broken body lost.
fn note_unread(facts: &mut Facts, body: &Fields<'_>) {
    let nested = [
        body,
        body.object("payload"),
        body.object("payload").object("scheduled_event"),
    ];
    let mended = nested.iter().flat_map(|fields| fields.mended());
    facts.unread_fields.extend(mended.cloned());
    if body.is_cut() {
        facts.unread_fields.insert("body".to_owned());
    }
}

/// The whole name; some forms ask for its parts alone.
fn name(invitee: &Fields<'_>) -> Option<String> {
    let whole = invitee.line(&["name"], 200);
    whole.or_else(|| {
        let parts = ["first_name", "last_name"].map(|name| invitee.text(name).unwrap_or_default());
        line(&parts.join(" "), 200)
    })
}

fn answers(asked: &Fields<'_>) -> Answers {
    let mut answers = Answers::default();
    let items = asked
        .get("questions_and_answers")
        .map_or(&[][..], Field::items);
    for item in items {
        if let Field::Object(item) = item {
            let question = item.text("question").unwrap_or_default();
            match item.get("answer") {
                Some(Field::List(chosen)) => {
                    let chosen: Vec<_> = chosen.iter().filter_map(Field::text).collect();
                    answers.add(question, &chosen.join("\n"));
                }
                Some(answer) => answers.add(question, answer.text().unwrap_or_default()),
                None => {}
            }
        }
    }
    answers
}

fn attribution(of: &Fields<'_>) -> BTreeMap<String, String> {
    let is_tag = |name: &str| name.starts_with("utm_") && name.len() <= 50;
    of.object("tracking").lines(is_tag, 500)
}

/// Where it takes place, in words. A link to a meeting is as good as a key, so it is left out.
fn location(place: &Fields<'_>) -> Option<String> {
    let stated = place.line(&["location"], 200);
    let kind = place.text("type")?;
    match kind {
        "outbound_call" => Some("by phone, the company calls".to_owned()),
        "inbound_call" => Some("by phone, the customer calls".to_owned()),
        _ => match kind.strip_suffix("_conference") {
            Some(tool) => line(&format!("online ({})", tool.replace('_', " ")), 200),
            None => stated,
        },
    }
}

/// The names of those whom it is with, with commas between them: one in a name would make two of it.
fn hosts(event: &Fields<'_>) -> Option<String> {
    let members = event.get("event_memberships").map_or(&[][..], Field::items);
    let names = members.iter().filter_map(|member| match member {
        Field::Object(member) => {
            let name = member.line(&["user_name", "user_email"], 100)?;
            line(&name.replace(',', " "), 100)
        }
        _ => None,
    });
    let names: Vec<_> = names.take(5).collect();
    line(&names.join(", "), 200)
}

/// The URIs of those whom it is with.
fn users(event: &Fields<'_>) -> Option<Vec<String>> {
    let members = event.get("event_memberships").map_or(&[][..], Field::items);
    let users = members.iter().filter_map(|member| match member {
        Field::Object(member) => member.text("user").filter(|uri| is_uri(uri)),
        _ => None,
    });
    let users: Vec<_> = users.take(5).map(str::to_owned).collect();
    (!users.is_empty()).then_some(users)
}

fn extra(invitee: &Fields<'_>, event: &Fields<'_>) -> BTreeMap<String, String> {
    let mut extra = BTreeMap::new();
    let cancellation = invitee.object("cancellation");
    for name in ["cancel_url", "reschedule_url", "event"] {
        keep(&mut extra, name, invitee, name);
    }
    keep(&mut extra, "event_type", event, "event_type");
    keep(&mut extra, "cancel_reason", cancellation, "reason");
    keep(&mut extra, "canceled_by", cancellation, "canceler_type");
    let tracking = invitee.object("tracking");
    keep(&mut extra, "salesforce_uuid", tracking, "salesforce_uuid");
    extra
}

fn keep(extra: &mut BTreeMap<String, String>, as_name: &str, of: &Fields<'_>, name: &str) {
    if let Some(text) = of.text(name).and_then(|text| line(text, 500)) {
        extra.insert(as_name.to_owned(), text);
    }
}

/// Whether somebody can meet then: in this century.
fn is_likely(time: &Timestamp) -> bool {
    const FROM: i64 = 946_684_800; // 2000-01-01
    const TO: i64 = 4_102_444_800; // 2100-01-01
    (FROM..TO).contains(&time.as_second())
}

/// The members that anything here asks for, at every depth.
pub(super) fn is_wanted(name: &str) -> bool {
    matches!(
        name,
        "event" | "created_at" | "payload" | "resource" | share::REDUCED
            // An invitee.
            | "uri" | "invitee" | "email" | "name" | "first_name" | "last_name" | "status" | "canceled" | "timezone"
            | "text_reminder_number" | "questions_and_answers" | "question" | "answer" | "tracking"
            | "salesforce_uuid" | "rescheduled" | "old_invitee" | "new_invitee" | "no_show" | "cancellation" | "reason"
            | "canceler_type" | "cancel_url" | "reschedule_url" | "routing_form_submission" | "updated_at"
            // Its event.
            | "scheduled_event" | "start_time" | "end_time" | "event_type" | "location" | "type" | "event_memberships"
            | "user" | "user_name" | "user_email" | "invitees_counter" | "limit"
            // A routing form.
            | "routing_form" | "submitter" | "result" | "value"
    ) || (name.starts_with("utm_") && name.len() <= 50)
}
