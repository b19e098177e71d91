//! What of an organization that serves several companies is one tenant's.
//!
//! A booking is with people, and answers belong to a routing form: the tenant names both. What is of others is neither used
//! nor kept, apart from the names by which the API knows it. A body that does not say whose it is may be theirs, so it is
//! kept without the person, and the API is asked.

use std::collections::BTreeMap;

use bytes::Bytes;
use serde_json::{Map, Value, json};

use super::payload::{self, is_uri};
use crate::{
    Share, Verified,
    fields::{Field, Fields},
};

/// The setting that names the tenant's people.
pub(super) const USERS: &str = "users";
/// The setting that names the tenant's routing forms.
pub(super) const FORMS: &str = "routing_forms";

/// The member of a body from which everything about the person was left out.
pub(super) const REDUCED: &str = "reduced";

/// Whose bookings and which forms are the tenant's. Nothing is said: all are.
pub(super) struct Narrowing<'a> {
    users: Vec<&'a str>,
    forms: Vec<&'a str>,
}

impl<'a> Narrowing<'a> {
    /// As the settings of a connection say it.
    pub(super) fn of(settings: &'a BTreeMap<String, String>) -> Self {
        let uris = |key: &str| {
            let uris = settings.get(key).map_or("", String::as_str).split(',');
            uris.map(str::trim).filter(|uri| !uri.is_empty()).collect()
        };
        Self {
            users: uris(USERS),
            forms: uris(FORMS),
        }
    }

    /// Whether all is the tenant's.
    fn takes_all(&self) -> bool {
        self.users.is_empty() && self.forms.is_empty()
    }

    /// Whether a booking with these people is the tenant's.
    pub(super) fn takes_event<'h>(&self, mut hosts: impl Iterator<Item = &'h str>) -> bool {
        self.users.is_empty() || hosts.any(|host| self.users.contains(&host))
    }

    /// Whether answers to this form are the tenant's. Who names people and no form gets none: nothing tells whose they are.
    pub(super) fn takes_form(&self, form: Option<&str>) -> bool {
        self.takes_all() || form.is_some_and(|form| self.forms.contains(&form))
    }

    /// The settings that hold something else than addresses of the API.
    pub(super) fn has_names(&self) -> bool {
        let is_of = |part: &str, uri: &&str| is_uri(uri) && uri.contains(part);
        !(self.users.iter().all(|uri| is_of("/users/", uri))
            && self.forms.iter().all(|uri| is_of("/routing_forms/", uri)))
    }
}

/// The URIs of those whom an event is with.
pub(super) fn hosts<'f>(event: &'f Fields<'_>) -> impl Iterator<Item = &'f str> {
    let members = event.get("event_memberships").map_or(&[][..], Field::items);
    members.iter().filter_map(|member| match member {
        Field::Object(member) => member.text("user"),
        _ => None,
    })
}

/// A person by URI, and by its last part, which can be entered as an account of a source.
pub(super) fn names_of(uri: &str) -> Vec<String> {
    let id = uri.rsplit('/').next().filter(|id| *id != uri);
    [Some(uri), id]
        .into_iter()
        .flatten()
        .map(str::to_owned)
        .collect()
}

/// How much of a delivery is the tenant's.
pub(super) fn of(
    settings: &BTreeMap<String, String>,
    accounts: &[String],
    delivery: &Verified,
) -> Share {
    let narrowing = Narrowing::of(settings);
    if narrowing.takes_all() && accounts.is_empty() {
        return Share::Whole;
    }
    let Ok(body) = delivery.fields(is_wanted) else {
        // Whatever it says, nobody can tell whose it is.
        return Share::Names(Bytes::from(json!({ REDUCED: true }).to_string()));
    };
    let subscriber = body.text("created_by").map(names_of).unwrap_or_default();
    let is_ours = |name: &String| accounts.contains(name);
    if !accounts.is_empty() && !subscriber.is_empty() && !subscriber.iter().any(is_ours) {
        // A person sees that it came, and not whom it is about.
        return Share::Names(reduced(&body));
    }
    if narrowing.takes_all() {
        return Share::Whole;
    }
    let payload = body.object("payload");
    let is_theirs = match body.text("event") {
        // A test of ours.
        Some("test") => Some(true),
        Some("routing_form_submission.created") => {
            let form = payload.text("routing_form");
            let is_told = form.is_some() || !body.is_cut() || narrowing.forms.is_empty();
            is_told.then(|| narrowing.takes_form(form))
        }
        Some(event) if event.starts_with("invitee") => {
            let event = payload.object("scheduled_event");
            let is_taken = narrowing.takes_event(hosts(event));
            let is_told = is_taken || (hosts(event).next().is_some() && !body.is_cut());
            is_told.then_some(is_taken)
        }
        // It is not used, whosoever it is.
        Some(_) => Some(false),
        None => None,
    };
    match is_theirs {
        Some(true) => Share::Whole,
        Some(false) => Share::Foreign(reduced(&body)),
        None => Share::Names(reduced(&body)),
    }
}

/// A body with nothing but what it is about: addresses of the API, times and marks.
fn reduced(body: &Fields<'_>) -> Bytes {
    let mut kept = Map::new();
    if let Some(event) = body.text("event").filter(|event| is_word(event)) {
        kept.insert("event".to_owned(), json!(event));
    }
    keep(&mut kept, body, &["created_at", "created_by"]);
    let mut about = Map::new();
    let payload = body.object("payload");
    keep(
        &mut about,
        payload,
        &[
            "uri",
            "event",
            "invitee",
            "old_invitee",
            "new_invitee",
            "submitter",
            "routing_form",
            "routing_form_submission",
            "updated_at",
        ],
    );
    for flag in ["rescheduled", "canceled"] {
        if let Some(is_so) = payload.flag(flag) {
            about.insert(flag.to_owned(), json!(is_so));
        }
    }
    if let Some(status) = payload.text("status").filter(|status| is_word(status)) {
        about.insert("status".to_owned(), json!(status));
    }
    kept.insert("payload".to_owned(), Value::Object(about));
    kept.insert(REDUCED.to_owned(), json!(true));
    Bytes::from(Value::Object(kept).to_string())
}

/// Keeps those of these members that are addresses or times: such names no person.
fn keep(kept: &mut Map<String, Value>, of: &Fields<'_>, names: &[&str]) {
    for name in names {
        let text = of.text(name);
        if let Some(text) = text.filter(|text| is_uri(text) || of.time(name).is_some()) {
            kept.insert((*name).to_owned(), json!(text));
        }
    }
}

/// A word of Calendly's, such as `invitee.created` or `active`.
fn is_word(text: &str) -> bool {
    let is_sign = |byte: u8| byte.is_ascii_lowercase() || matches!(byte, b'_' | b'.');
    (1..=64).contains(&text.len()) && text.bytes().all(is_sign)
}

fn is_wanted(name: &str) -> bool {
    name == "created_by" || payload::is_wanted(name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{SourceSpec, calendly::SPEC};

    const OURS: &str = "https://api.calendly.com/users/CDRSTN0000000001";
    const OTHERS: &str = "https://api.calendly.com/users/OTHERS0000000001";
    const FORM: &str = "https://api.calendly.com/routing_forms/RF00001";
    const BOOKED: &[u8] = include_bytes!("fixtures/invitee-created.json");
    const SPARSE: &[u8] = include_bytes!("fixtures/invitee-created-sparse.json");
    const ANSWERED: &[u8] = include_bytes!("fixtures/routing-form-submission-created.json");

    fn share_of(settings: &[(&str, &str)], accounts: &[&str], body: &[u8]) -> Share {
        let spec: &SourceSpec = &SPEC;
        let text = |text: &str| text.to_owned();
        let settings = settings.iter().map(|(key, value)| (text(key), text(value)));
        let accounts: Vec<_> = accounts.iter().map(|account| text(account)).collect();
        let body = Bytes::copy_from_slice(body);
        let delivery = Verified::recovered(spec, "application/json", body);
        of(&settings.collect(), &accounts, &delivery)
    }

    /// Nothing of it is about a person.
    fn assert_names_nobody(body: &Bytes) {
        let text = std::str::from_utf8(body).unwrap();
        for said in [
            "Dana",
            "Pia",
            "example.com",
            "512",
            "78664",
            "Kitchen",
            "cancellations",
            "Luis",
        ] {
            assert!(!text.contains(said), "{said}: {text}");
        }
    }

    #[test]
    fn who_names_nobody_has_everything() {
        for body in [BOOKED, SPARSE, ANSWERED] {
            assert_eq!(share_of(&[], &[], body), Share::Whole);
            assert_eq!(share_of(&[(USERS, " , ")], &[], body), Share::Whole);
        }
    }

    #[test]
    fn a_booking_is_of_those_whom_it_is_with() {
        let both = format!("{OTHERS}, {OURS}");
        assert_eq!(share_of(&[(USERS, &both)], &[], BOOKED), Share::Whole);
        let Share::Foreign(kept) = share_of(&[(USERS, OTHERS)], &[], BOOKED) else {
            panic!("it is another company's");
        };
        assert_names_nobody(&kept);
        // Its names are kept: who adds the person can have it read again.
        let kept: Value = serde_json::from_slice(&kept).unwrap();
        let uri = kept["payload"]["uri"].as_str().unwrap();
        assert!(uri.contains("/invitees/1b2c3d4e"), "{uri}");
    }

    #[test]
    fn what_does_not_say_whose_it_is_is_kept_without_the_person() {
        let Share::Names(kept) = share_of(&[(USERS, OURS)], &[], SPARSE) else {
            panic!("it does not say whose it is");
        };
        assert_names_nobody(&kept);
        let cut = BOOKED.len() - 40;
        assert_eq!(
            share_of(&[(USERS, OURS)], &[], &BOOKED[..cut]),
            Share::Whole
        );
        let Share::Names(kept) = share_of(&[(USERS, OTHERS)], &[], &BOOKED[..cut]) else {
            panic!("what broke off may be anybody's");
        };
        assert_names_nobody(&kept);
        let Share::Names(kept) = share_of(&[(USERS, OURS)], &[], b"Dana Whitfield") else {
            panic!("nobody knows whose it is");
        };
        assert_names_nobody(&kept);
    }

    #[test]
    fn answers_are_of_those_who_chose_the_form() {
        assert_eq!(share_of(&[(FORMS, FORM)], &[], ANSWERED), Share::Whole);
        let with_people = [(USERS, OTHERS), (FORMS, FORM)];
        assert_eq!(share_of(&with_people, &[], ANSWERED), Share::Whole);
        // Who chose a form and names nobody has every booking.
        assert_eq!(share_of(&[(FORMS, FORM)], &[], BOOKED), Share::Whole);
        let other = FORM.replace("RF00001", "RF00002");
        for settings in [[(USERS, OURS)], [(FORMS, other.as_str())]] {
            let Share::Foreign(kept) = share_of(&settings, &[], ANSWERED) else {
                panic!("{settings:?}: it is another company's");
            };
            assert_names_nobody(&kept);
        }
    }

    #[test]
    fn events_that_are_not_used_are_kept_without_what_they_say() {
        let contact: &[u8] = include_bytes!("fixtures/contact-created.json");
        let Share::Foreign(kept) = share_of(&[(USERS, OURS)], &[], contact) else {
            panic!("a contact is of the whole organization");
        };
        assert!(!std::str::from_utf8(&kept).unwrap().contains('@'));
        let test = br#"{"event":"test","mark":"0011"}"#;
        assert_eq!(share_of(&[(USERS, OURS)], &[], test), Share::Whole);
    }

    #[test]
    fn what_another_person_subscribed_shows_nobody() {
        for account in [OURS, "CDRSTN0000000001"] {
            assert_eq!(share_of(&[], &[account], BOOKED), Share::Whole);
        }
        let Share::Names(kept) = share_of(&[], &["OTHERS0000000001"], BOOKED) else {
            panic!("a person looks");
        };
        assert_names_nobody(&kept);
    }
}
