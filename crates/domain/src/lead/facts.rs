//! Facts about a lead, as a delivery or a provider's API states them. Absent means: not said.

use std::{
    collections::{BTreeMap, BTreeSet},
    mem,
};

use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serialize, de::Error as _};

use super::{
    Channel, ContactSection,
    normalized::{state_code, state_of},
    thread::{self, Attachment, Author, ChatMessage},
};
use crate::{E164, EmailAddress, PostalCode, Stage, name, text};

/// Longest name, in characters.
const MAX_NAME: usize = 200;

/// A fact that may be unsaid, and that a newer statement overlays.
trait Fact {
    fn is_unsaid(&self) -> bool;

    /// Takes over what `newer` says; what it leaves out stays.
    fn overlay(&mut self, newer: &Self);
}

impl<T: Clone> Fact for Option<T> {
    fn is_unsaid(&self) -> bool {
        self.is_none()
    }

    fn overlay(&mut self, newer: &Self) {
        if newer.is_some() {
            self.clone_from(newer);
        }
    }
}

/// What a map of facts holds: two statements of one entry become one.
trait Entry: Clone {
    fn overlay(&mut self, newer: &Self);
}

impl Entry for String {
    fn overlay(&mut self, newer: &Self) {
        self.clone_from(newer);
    }
}

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

/// Maps are united: each statement may carry a part, such as one message of a chat.
impl<K: Ord + Clone, V: Entry> Fact for BTreeMap<K, V> {
    fn is_unsaid(&self) -> bool {
        self.is_empty()
    }

    fn overlay(&mut self, newer: &Self) {
        for (key, value) in newer {
            match self.get_mut(key) {
                Some(known) => known.overlay(value),
                None => {
                    self.insert(key.clone(), value.clone());
                }
            }
        }
    }
}

/// Sets are united, too.
impl<T: Ord + Clone> Fact for BTreeSet<T> {
    fn is_unsaid(&self) -> bool {
        self.is_empty()
    }

    fn overlay(&mut self, newer: &Self) {
        self.extend(newer.iter().cloned());
    }
}

/// Declares a struct of facts: every field may be unsaid, and `overlay` covers every field, so that a new one cannot be
/// forgotten.
macro_rules! facts {
    ($(
        $(#[$doc:meta])*
        pub struct $name:ident { $($(#[$field_doc:meta])* $field:ident: $type:ty),+ $(,)? }
    )+) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
        #[serde(default)]
        pub struct $name {
            $($(#[$field_doc])* #[serde(skip_serializing_if = "Fact::is_unsaid")] pub $field: $type),+
        }

        impl Fact for $name {
            fn is_unsaid(&self) -> bool {
                $(self.$field.is_unsaid())&&+
            }

            fn overlay(&mut self, newer: &Self) {
                $(self.$field.overlay(&newer.$field);)+
            }
        }
    )+};
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

/// What a channel says of a lead.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "channel", rename_all = "snake_case")]
pub enum About {
    /// A telephone call.
    Phone(CallFacts),
    /// Text messages.
    Text(TextFacts),
    /// A form.
    Form(FormFacts),
    /// A booking.
    Calendar(BookingFacts),
    /// A chat.
    Chat(ChatFacts),
    /// A lead that another system posted.
    Api(ApiFacts),
    /// A channel of a newer build. It is kept as it is, and worked like [`About::Api`].
    #[serde(untagged, deserialize_with = "of_a_newer_build")]
    Unrecognized(serde_json::Map<String, serde_json::Value>),
}

impl Default for About {
    fn default() -> Self {
        Self::Api(ApiFacts::default())
    }
}

/// Only a channel that this build does not know may have any content: what cannot be read of a known one is damaged or
/// newer, and must not be worked as if it were nothing.
fn of_a_newer_build<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<serde_json::Map<String, serde_json::Value>, D::Error> {
    let map = serde_json::Map::deserialize(deserializer)?;
    let channel = map.get("channel").and_then(serde_json::Value::as_str);
    if channel.is_some_and(|word| word.parse::<Channel>().is_err()) {
        Ok(map)
    } else {
        Err(D::Error::custom("a known channel with unknown content"))
    }
}

impl Fact for About {
    fn is_unsaid(&self) -> bool {
        false
    }

    fn overlay(&mut self, newer: &Self) {
        match (self, newer) {
            (Self::Phone(mine), Self::Phone(newer)) => mine.overlay(newer),
            (Self::Text(mine), Self::Text(newer)) => {
                mine.overlay(newer);
                thread::join_unnamed(&mut mine.messages);
            }
            (Self::Form(mine), Self::Form(newer)) => mine.overlay(newer),
            (Self::Calendar(mine), Self::Calendar(newer)) => mine.overlay_in_time(newer),
            (Self::Chat(mine), Self::Chat(newer)) => mine.overlay_in_time(newer),
            (Self::Api(mine), Self::Api(newer)) => mine.overlay(newer),
            // Aliases belong to one channel each, so a request changes its channel only while nothing is known of it.
            (mine, newer) if mine.is_empty() => mine.clone_from(newer),
            _ => {}
        }
    }
}

impl About {
    /// Nothing yet, of a channel.
    pub fn nothing(channel: Channel) -> Self {
        match channel {
            Channel::Phone => Self::Phone(CallFacts::default()),
            Channel::Text => Self::Text(TextFacts::default()),
            Channel::Form => Self::Form(FormFacts::default()),
            Channel::Calendar => Self::Calendar(BookingFacts::default()),
            Channel::Chat => Self::Chat(ChatFacts::default()),
            Channel::Api => Self::Api(ApiFacts::default()),
        }
    }

    /// The channel.
    pub const fn channel(&self) -> Channel {
        match self {
            Self::Phone(_) => Channel::Phone,
            Self::Text(_) => Channel::Text,
            Self::Form(_) => Channel::Form,
            Self::Calendar(_) => Channel::Calendar,
            Self::Chat(_) => Channel::Chat,
            Self::Api(_) | Self::Unrecognized(_) => Channel::Api,
        }
    }

    fn is_empty(&self) -> bool {
        match self {
            Self::Phone(facts) => facts.is_unsaid(),
            Self::Text(facts) => facts.is_unsaid(),
            Self::Form(facts) => facts.is_unsaid(),
            Self::Calendar(facts) => facts.is_unsaid(),
            Self::Chat(facts) => facts.is_unsaid(),
            Self::Api(facts) => facts.is_unsaid(),
            Self::Unrecognized(_) => false,
        }
    }

    /// The call's facts, if it is a call.
    pub const fn call(&self) -> Option<&CallFacts> {
        match self {
            Self::Phone(call) => Some(call),
            _ => None,
        }
    }

    /// The chat's facts, if it is a chat.
    pub const fn chat(&self) -> Option<&ChatFacts> {
        match self {
            Self::Chat(chat) => Some(chat),
            _ => None,
        }
    }

    /// Leaves nothing of the words that `newer` says were taken back.
    pub(crate) fn take_back(&mut self, newer: &Self) {
        if let (Self::Chat(mine), Self::Chat(newer)) = (self, newer) {
            mine.take_back(newer);
        }
    }

    /// The first stage that this difference makes run again: a recording that became available, words that changed.
    pub fn gather_again(&self, after: &Self) -> Option<Stage> {
        let has_recording = |call: &CallFacts| call.has_recording == Some(true);
        match (self, after) {
            (Self::Phone(before), Self::Phone(after)) => {
                (!has_recording(before) && has_recording(after)).then_some(Stage::Recording)
            }
            (before, after) => (before.words() != after.words()).then_some(Stage::Analysis),
        }
    }

    /// The files that came with it: by their names and contents.
    pub(crate) fn files(&self) -> BTreeMap<&str, &str> {
        let Self::Form(form) = self else {
            return BTreeMap::new();
        };
        let files = form.documents.iter();
        files
            .map(|(name, file)| (name.as_str(), file.sha256.as_str()))
            .collect()
    }

    /// Whether a CRM shows something else after this difference, apart from what an analysis of it brings.
    pub fn is_shown_differently(&self, after: &Self) -> bool {
        match (self, after) {
            // A call's length and outcome are settled when its first report arrives; edits of them are noise.
            (Self::Phone(_), Self::Phone(_)) => false,
            (Self::Calendar(before), Self::Calendar(after)) => {
                before.timeless() != after.timeless()
            }
            (Self::Chat(before), Self::Chat(after)) => before.shown() != after.shown(),
            (before, after) => before != after,
        }
    }

    /// The free text that the analysis reads, in a form that can be compared.
    fn words(&self) -> impl PartialEq + '_ {
        let no_answers = || None::<&BTreeMap<String, String>>;
        let none = Vec::new;
        match self {
            Self::Phone(_) | Self::Unrecognized(_) => (None, no_answers(), none(), None),
            Self::Text(facts) => (None, no_answers(), said(&facts.messages), None),
            Self::Form(facts) => (facts.message.as_deref(), Some(&facts.answers), none(), None),
            Self::Api(facts) => (facts.message.as_deref(), Some(&facts.answers), none(), None),
            Self::Calendar(facts) => (
                facts.message.as_deref(),
                Some(&facts.answers),
                none(),
                facts.service.as_deref(),
            ),
            Self::Chat(facts) => (
                None,
                no_answers(),
                said(&facts.messages),
                facts.subject.as_deref(),
            ),
        }
    }

    /// The company's own numbers: nobody is reached by them.
    fn own_numbers(&self) -> [Option<&str>; 2] {
        match self {
            Self::Phone(call) => [
                call.tracking_number.as_deref(),
                call.business_number.as_deref(),
            ],
            Self::Text(facts) => [facts.company_number.as_deref(), None],
            _ => [None, None],
        }
    }
}

/// What was said and by whom, in order: when it was told or changed makes no other words of it.
fn said(messages: &BTreeMap<String, ChatMessage>) -> Vec<(Author, &str, &[Attachment])> {
    let messages = thread::in_order(messages).into_iter();
    messages
        .map(|(_, message)| message)
        .filter(|message| message.says_something())
        .map(|message| (message.from, message.text.as_str(), &*message.attachments))
        .collect()
}

impl ChatFacts {
    /// Takes over what `other` says. Messages are united, one by one; of the rest the later statement counts, as with
    /// bookings.
    fn overlay_in_time(&mut self, other: &Self) {
        let is_any = |mine: Option<bool>, other: Option<bool>| {
            (mine == Some(true) || other == Some(true)).then_some(true)
        };
        let is_cut = is_any(self.is_cut, other.is_cut);
        let is_deleted = is_any(self.is_deleted, other.is_deleted);
        let is_older = self
            .stated_at
            .zip(other.stated_at)
            .is_some_and(|(mine, other)| other < mine);
        if is_older {
            let newer = mem::replace(self, other.clone());
            self.overlay(&newer);
        } else {
            self.overlay(other);
        }
        (self.is_cut, self.is_deleted) = (is_cut, is_deleted);
        self.bound();
    }

    /// Leaves out what is more than is kept, and the words of a conversation that was deleted.
    pub fn bound(&mut self) {
        if self.is_deleted == Some(true) {
            self.messages.values_mut().for_each(ChatMessage::take_back);
        }
        if thread::bound(&mut self.messages) {
            self.is_cut = Some(true);
        }
    }

    /// Whether it was closed and, as far as is known, not opened again.
    pub fn is_closed(&self) -> bool {
        self.status == Some(ChatStatus::Closed) || self.is_deleted == Some(true)
    }

    /// Leaves nothing of the words that `newer` says were taken back.
    fn take_back(&mut self, newer: &Self) {
        for (id, message) in &mut self.messages {
            let is_deleted = newer.is_deleted == Some(true)
                || newer.messages.get(id).is_some_and(|newer| newer.is_deleted);
            if is_deleted {
                message.take_back();
            }
        }
    }

    /// What readers are shown of it.
    fn shown(&self) -> impl PartialEq + '_ {
        let words = thread::in_order(&self.messages).into_iter();
        let words = words.filter(|(_, message)| message.says_something());
        let words: Vec<_> = words
            .map(|(_, message)| {
                (
                    message.from,
                    message.at,
                    message.text.as_str(),
                    &message.attachments,
                )
            })
            .collect();
        (&self.subject, &self.page_url, self.started_at, words)
    }
}

impl TextFacts {
    /// The message by which the person asked for no more texts, if that is the last word on it. Carriers take a message
    /// for such a word only if there is nothing else in it.
    pub fn opt_out(&self) -> Option<&ChatMessage> {
        const STOP: [&str; 8] = [
            "STOP",
            "STOPALL",
            "UNSUBSCRIBE",
            "CANCEL",
            "END",
            "QUIT",
            "OPTOUT",
            "REVOKE",
        ];
        const START: [&str; 3] = ["START", "UNSTOP", "OPTIN"];
        let word = |message: &ChatMessage| {
            let letters = message.text.chars().filter(|c| c.is_alphanumeric());
            letters.collect::<String>().to_uppercase()
        };
        let words = self
            .messages
            .values()
            .filter(|message| message.from == Author::Customer)
            .map(|message| (message, word(message)));
        let said = words.filter(|(_, word)| {
            let word = word.as_str();
            STOP.contains(&word) || START.contains(&word)
        });
        let (message, word) = said.max_by_key(|(message, _)| message.at)?;
        STOP.contains(&word.as_str()).then_some(message)
    }
}

impl BookingFacts {
    /// Takes over what `other` says, unless it is known to be older: then it only fills what is unsaid.
    fn overlay_in_time(&mut self, other: &Self) {
        let is_older = self
            .stated_at
            .zip(other.stated_at)
            .is_some_and(|(mine, other)| other < mine);
        if is_older {
            let newer = mem::replace(self, other.clone());
            self.overlay(&newer);
        } else {
            self.overlay(other);
        }
    }

    /// The same without its time and the provider's own ids, which nobody is shown.
    fn timeless(&self) -> Self {
        Self {
            stated_at: None,
            calendar_ids: None,
            event_id: None,
            ..self.clone()
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
            .and_then(|raw| E164::parse_with_extension(raw).ok())
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
