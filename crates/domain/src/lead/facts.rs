//! Facts about a lead, as a delivery or a provider's API states them. Absent means: not said.

mod about;
mod channels;
mod fact;

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use self::fact::{Entry, Fact, facts};
use super::{
    Channel, ContactSection,
    normalized::{state_code, state_of},
    thread::ChatMessage,
};
use crate::{E164, EmailAddress, PostalCode, name, text};

pub use about::About;

/// Longest name, in characters.
const MAX_NAME: usize = 200;

impl Entry for ChatMessage {
    fn overlay(&mut self, newer: &Self) {
        self.join(newer);
    }
}

impl Entry for DocumentFacts {
    fn overlay(&mut self, newer: &Self) {
        self.clone_from(newer);
    }
}

facts! {
    /// Everything that is said about a lead.
    pub struct Facts {
        /// The provider's own id of the thing, in its canonical form where that is known: what its API is asked for.
        external_id: Option<String>,
        /// The id that the provider gives to one thing only, where a statement names it: two that differ are two
        /// things, whatever other ids they share.
        canonical_id: Option<String>,
        /// Who it is from, as delivered.
        person: PersonFacts,
        /// What people wrote about it at the provider.
        labels: Labels,
        /// How the person found the company: source, medium, campaign, keywords, pages, click ids.
        attribution: BTreeMap<String, String>,
        /// What the person agreed to.
        consent: Option<Consent>,
        /// Whether the provider itself says that it is spam.
        marked_spam: Option<bool>,
        /// Fields that we have no place for, by the provider's name.
        extra: BTreeMap<String, String>,
        /// Fields whose value could not be read, or only in part, by the names that our own code has for them: at most
        /// some tens, and never a value.
        unread_fields: BTreeSet<String>,
        /// Fields that its source wants of each lead, beside those that the company wants: words of
        /// [`RequiredField`](crate::RequiredField), or of a newer build.
        required_fields: BTreeSet<String>,
        /// Fields that were not said and follow from others, by our own names.
        derived_fields: Option<Vec<String>>,
        /// What speaks against the lead, as its source judged it when it came.
        suspicions: Option<Vec<String>>,
        /// What the channel says.
        about: About,
    }

    /// Who a lead is from: nothing of it is checked.
    pub struct PersonFacts {
        /// The name.
        name: Option<String>,
        /// A telephone number in any form.
        phone: Option<String>,
        /// An e-mail address.
        email: Option<String>,
        /// The town; for a call, that of the caller's number.
        city: Option<String>,
        /// The state; for a call, that of the caller's number.
        state: Option<String>,
        /// The country.
        country: Option<String>,
        /// The ZIP code.
        postal_code: Option<String>,
        /// The street address, as typed.
        address: Option<String>,
    }

    /// What people wrote about a lead at its provider.
    pub struct Labels {
        /// Labels. An empty list says that there are none.
        tags: Option<Vec<String>>,
        /// A person's note. An empty one says that there is none.
        note: Option<String>,
        /// What the job is worth, as written.
        value: Option<String>,
        /// The provider's own judgment: `good_lead`.
        status: Option<String>,
    }

    /// A telephone call.
    pub struct CallFacts {
        /// Whether somebody picked up.
        is_answered: Option<bool>,
        /// Whether it ended on the answering machine.
        is_voicemail: Option<bool>,
        /// Length in seconds, as the provider counts it.
        duration_seconds: Option<u32>,
        /// When it began.
        started_at: Option<Timestamp>,
        /// The number that was dialed.
        tracking_number: Option<String>,
        /// The company's number that it rang at.
        business_number: Option<String>,
        /// Whether the provider says that there is a recording.
        has_recording: Option<bool>,
    }

    /// Text messages.
    pub struct TextFacts {
        /// The company's number.
        company_number: Option<String>,
        /// The messages, by the provider's id of each.
        messages: BTreeMap<String, ChatMessage>,
    }

    /// A submitted form.
    pub struct FormFacts {
        /// The form's name.
        form: Option<String>,
        /// The page that it is on.
        page_url: Option<String>,
        /// When it was submitted.
        submitted_at: Option<Timestamp>,
        /// What the person wrote in their own words.
        message: Option<String>,
        /// The other answers, by the form's own labels.
        answers: BTreeMap<String, String>,
        /// Files that came with it, by names that follow from their contents: `file-5f3d3ebe065cd800`.
        documents: BTreeMap<String, DocumentFacts>,
    }

    /// A booking.
    pub struct BookingFacts {
        /// What was booked: `Kitchen consultation`.
        service: Option<String>,
        /// When it begins.
        starts_at: Option<Timestamp>,
        /// When it ends.
        ends_at: Option<Timestamp>,
        /// The IANA time zone of the person who booked.
        time_zone: Option<String>,
        /// Whether it stands.
        status: Option<BookingStatus>,
        /// Where it takes place.
        location: Option<String>,
        /// Who of the company it is with.
        host: Option<String>,
        /// The provider's own ids of the calendars that it is in.
        calendar_ids: Option<Vec<String>>,
        /// The provider's own id of the slot, which those who may book it together share.
        event_id: Option<String>,
        /// What the person wrote in their own words.
        message: Option<String>,
        /// The answers to the booking page's questions, by question.
        answers: BTreeMap<String, String>,
        /// When the provider stated all this, by its own clock. Of two statements with a time the later one counts, in
        /// whatever order they arrive: a booking that was moved twice is not moved back by the first report.
        stated_at: Option<Timestamp>,
    }

    /// A lead that another system posted.
    pub struct ApiFacts {
        /// When the lead came to that system.
        occurred_at: Option<Timestamp>,
        /// What the person wrote in their own words.
        message: Option<String>,
        /// What is known of the project, by what it is called: `Project type`, `Budget`.
        answers: BTreeMap<String, String>,
    }

    /// A chat.
    pub struct ChatFacts {
        /// The subject.
        subject: Option<String>,
        /// The page that it began on.
        page_url: Option<String>,
        /// When it began.
        started_at: Option<Timestamp>,
        /// Whether it goes on.
        status: Option<ChatStatus>,
        /// The messages, by the provider's id of each.
        messages: BTreeMap<String, ChatMessage>,
        /// Whether messages in its middle are left out, because there are more than are kept or than the provider shows.
        is_cut: Option<bool>,
        /// Whether the provider says that the whole conversation was deleted. Then it has no words any more.
        is_deleted: Option<bool>,
        /// When the provider stated all this but the messages, by its own clock. Of two statements with a time the later
        /// one counts, in whatever order they arrive.
        stated_at: Option<Timestamp>,
    }
}

/// A file that came with a form. Its bytes are a part of the stored delivery's body; nothing that its sender says of it
/// is trusted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DocumentFacts {
    /// The field that it came in.
    pub field: String,
    /// What its sender calls it, on one line. It is shown, and never part of a path.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Its media type, by its first bytes; `application/octet-stream` where they tell nothing.
    pub kind: String,
    /// Its length.
    pub bytes: u64,
    /// SHA-256 of it in hexadecimal.
    pub sha256: String,
}

/// What the person agreed to, word for word.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Consent {
    /// The text that they agreed to.
    pub text: String,
    /// When.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<Timestamp>,
}

/// Whether a booking stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BookingStatus {
    /// It stands.
    Booked,
    /// It was called off.
    Canceled,
    /// The person did not come.
    NoShow,
    /// A word of a newer build.
    #[serde(other)]
    Unrecognized,
}

/// Whether a chat goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChatStatus {
    /// It goes on.
    Open,
    /// Somebody closed it. A later message may open it again.
    Closed,
    /// A word of a newer build.
    #[serde(other)]
    Unrecognized,
}

impl BookingStatus {
    /// As people read it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Booked => "booked",
            Self::Canceled => "canceled",
            Self::NoShow => "no_show",
            Self::Unrecognized => "unrecognized",
        }
    }
}

impl Facts {
    /// Nothing yet, of a channel.
    pub fn nothing(channel: Channel) -> Self {
        Self {
            about: About::nothing(channel),
            ..Self::default()
        }
    }

    /// Takes over what `newer` says; what it leaves out stays. What only stands in for a name replaces none.
    pub fn overlay(&mut self, newer: &Self) {
        let name = self.person.name_beside(&newer.person).cloned();
        Fact::overlay(self, newer);
        self.person.name = name;
        if self.canonical_id.is_some() {
            // A later statement may know it by another id alone.
            self.external_id.clone_from(&self.canonical_id);
        }
    }

    /// Gives each text message without a time the one at which it was received: they are shown in order of time.
    pub fn date_messages(&mut self, received_at: Timestamp) {
        if let About::Text(facts) = &mut self.about {
            for message in facts.messages.values_mut() {
                message.at.get_or_insert(received_at);
            }
        }
    }

    /// `self` where it says something, else `older`.
    #[must_use]
    pub fn or(&self, older: &Self) -> Self {
        let mut merged = older.clone();
        merged.overlay(self);
        merged
    }

    /// How the person can be reached. The company's own numbers, withheld ones and what stands in for one reach nobody.
    pub fn contact(&self) -> ContactSection {
        let own = self.about.own_numbers();
        let own = own.map(|raw| raw.and_then(|raw| E164::parse(raw).ok()));
        let line = |raw: &Option<String>, max| raw.as_deref().and_then(|raw| text::line(raw, max));
        let PersonFacts {
            name,
            phone,
            email,
            city,
            state,
            country,
            postal_code,
            address,
        } = &self.person;
        let phone = phone
            .as_deref()
            .and_then(|raw| {
                let one = E164::parse_with_extension(raw).ok();
                one.or_else(|| E164::first_of(raw))
            })
            .filter(|(phone, _)| !phone.reaches_nobody() && !own.contains(&Some(phone.clone())));
        let (phone, extension) = phone.unzip();
        let real_name =
            |raw: &str| name::real_name(raw, MAX_NAME, city.as_deref(), state.as_deref());
        let code = postal_code
            .as_deref()
            .and_then(|raw| PostalCode::parse(raw).ok())
            .filter(|code| !code.is_placeholder());
        let said = line(state, 50).map(|state| state_code(&state).unwrap_or(state));
        let of_code = || state_of(code.as_ref()?, country.as_deref(), phone.as_ref());
        let state = said.or_else(of_code);
        ContactSection {
            name: name.as_deref().and_then(real_name),
            phone,
            extension: extension.flatten(),
            email: email.as_deref().and_then(EmailAddress::find),
            city: line(city, 100),
            state,
            postal_code: code,
            address: line(address, 200),
        }
    }
}

impl Facts {
    /// Whether both can be one person's: one number or one address is enough unless the names differ, and where they
    /// have neither in common, nothing that both say may differ. Whoever has all of these in common may have misspelled
    /// the name.
    pub fn can_be_of_one_person(&self, other: &Self) -> bool {
        let (mine, others) = (self.contact(), other.contact());
        let phones = mine.phone.as_ref().zip(others.phone.as_ref());
        let emails = mine.email.as_ref().zip(others.email.as_ref());
        let same_phone = phones.map(|(a, b)| a == b);
        let same_email = emails.map(|(a, b)| a.as_str().eq_ignore_ascii_case(b.as_str()));
        let has_one = same_phone == Some(true) || same_email == Some(true);
        let is_all_the_same = has_one
            && same_phone.unwrap_or(mine.phone == others.phone)
            && same_email.unwrap_or(mine.email == others.email);
        let names = mine.name.as_deref().zip(others.name.as_deref());
        let are_other_names = names.is_some_and(|(a, b)| {
            !name::are_same(&name::distinguishing(a), &name::distinguishing(b))
        });
        let differs_in_nothing = same_phone.is_none() && same_email.is_none();
        is_all_the_same || (!are_other_names && (has_one || differs_in_nothing))
    }
}

impl Labels {
    /// Takes over what `newer` says; what it leaves out stays.
    pub fn overlay(&mut self, newer: &Self) {
        Fact::overlay(self, newer);
    }
}

impl PersonFacts {
    /// A field by its name.
    pub fn get(&self, field: &str) -> Option<&str> {
        let Self {
            name,
            phone,
            email,
            city,
            state,
            country,
            postal_code,
            address,
        } = self;
        let found = match field {
            "name" => name,
            "phone" => phone,
            "email" => email,
            "city" => city,
            "state" => state,
            "country" => country,
            "postal_code" => postal_code,
            "address" => address,
            _ => &None,
        };
        found.as_deref()
    }

    /// The names of its fields.
    pub const FIELDS: [&str; 8] = [
        "name",
        "phone",
        "email",
        "city",
        "state",
        "country",
        "postal_code",
        "address",
    ];

    /// `self` where it says something, else `older`.
    #[must_use]
    pub fn or(&self, older: &Self) -> Self {
        let mut merged = older.clone();
        let name = older.name_beside(self).cloned();
        Fact::overlay(&mut merged, self);
        merged.name = name;
        merged
    }

    /// The name that is known once `newer` is: the newer one, unless it only stands in for one and this one does not.
    fn name_beside<'a>(&'a self, newer: &'a Self) -> Option<&'a String> {
        let city = newer.city.as_deref().or(self.city.as_deref());
        let state = newer.state.as_deref().or(self.state.as_deref());
        let is_real = |name: &str| name::real_name(name, MAX_NAME, city, state).is_some();
        match (&self.name, &newer.name) {
            (Some(mine), Some(newer)) if mine != newer && !is_real(newer) && is_real(mine) => {
                Some(mine)
            }
            (mine, newer) => newer.as_ref().or(mine.as_ref()),
        }
    }
}
