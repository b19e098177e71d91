//! What was delivered: the person, and what the channel says of the lead.

use std::collections::BTreeMap;

use domain::{ChatMessage, PersonFacts, lead::thread};
use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

use crate::words::{Author, BookingStatus, ChatStatus};

/// A person as delivered.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Person {
    /// Name.
    name: Option<String>,
    /// Telephone number.
    phone: Option<String>,
    /// E-mail address.
    email: Option<String>,
    /// Town; for a call, that of the caller's number.
    city: Option<String>,
    /// State; for a call, that of the caller's number.
    state: Option<String>,
    /// Country.
    country: Option<String>,
    /// ZIP code.
    postal_code: Option<String>,
    /// Street address.
    address: Option<String>,
}

impl From<PersonFacts> for Person {
    fn from(person: PersonFacts) -> Self {
        Self {
            name: person.name,
            phone: person.phone,
            email: person.email,
            city: person.city,
            state: person.state,
            country: person.country,
            postal_code: person.postal_code,
            address: person.address,
        }
    }
}

/// What people wrote about a lead at its provider.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Labels {
    /// Labels.
    tags: Option<Vec<String>>,
    /// A person's note.
    note: Option<String>,
    /// What the job is worth, as written.
    value: Option<String>,
    /// The provider's own judgment: `good_lead`.
    status: Option<String>,
}

impl From<domain::Labels> for Labels {
    fn from(labels: domain::Labels) -> Self {
        Self {
            tags: labels.tags,
            note: labels.note,
            value: labels.value,
            status: labels.status,
        }
    }
}

/// What the person agreed to.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Consent {
    /// The text that they agreed to, word for word.
    text: String,
    /// When.
    at: Option<Timestamp>,
}

impl From<domain::Consent> for Consent {
    fn from(consent: domain::Consent) -> Self {
        Self {
            text: consent.text,
            at: consent.at,
        }
    }
}

/// A file that came with a form, as it was told when the form came.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct FormDocument {
    /// The form's field that it came in.
    field: String,
    /// What its sender calls it: any text at all.
    name: Option<String>,
    /// Its media type by its first bytes; `application/octet-stream` where they tell nothing.
    kind: String,
    /// Its length.
    bytes: u64,
    /// Its SHA-256 in hexadecimal.
    sha256: String,
}

impl From<domain::DocumentFacts> for FormDocument {
    fn from(facts: domain::DocumentFacts) -> Self {
        Self {
            field: facts.field,
            name: facts.name,
            kind: facts.kind,
            bytes: facts.bytes,
            sha256: facts.sha256,
        }
    }
}

/// What the channel says of a lead, as it is best known.
#[derive(Debug, Serialize, ToSchema)]
#[serde(tag = "channel", rename_all = "snake_case")]
pub(super) enum About {
    /// A telephone call.
    Phone {
        /// The provider's id of the call.
        external_id: Option<String>,
        /// Whether somebody picked up.
        is_answered: Option<bool>,
        /// Whether it ended on the answering machine.
        is_voicemail: Option<bool>,
        /// Length as the provider counts it.
        duration_seconds: Option<u32>,
        /// When it began.
        started_at: Option<Timestamp>,
        /// The number that was dialed.
        tracking_number: Option<String>,
        /// The company's number that it rang at.
        business_number: Option<String>,
        /// Whether the provider says that there is a recording.
        has_recording: Option<bool>,
    },
    /// Text messages.
    Text {
        /// The company's number.
        company_number: Option<String>,
        /// The messages, in order.
        messages: Vec<Message>,
        /// When the person asked for no more text messages, such as by `STOP`; null if that does not hold.
        opted_out_at: Option<Timestamp>,
    },
    /// A form on a website.
    Form {
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
        /// Files that came with it, by their places in the delivery.
        documents: BTreeMap<String, FormDocument>,
    },
    /// A booking.
    Calendar {
        /// The provider's id of the booking.
        external_id: Option<String>,
        /// What was booked.
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
        /// What the person wrote in their own words.
        message: Option<String>,
        /// The answers to the booking page's questions, by question.
        answers: BTreeMap<String, String>,
    },
    /// A chat.
    Chat {
        /// The provider's id of the chat.
        external_id: Option<String>,
        /// The subject.
        subject: Option<String>,
        /// The page that it began on.
        page_url: Option<String>,
        /// When it began.
        started_at: Option<Timestamp>,
        /// Whether it goes on.
        status: Option<ChatStatus>,
        /// The messages, in order.
        messages: Vec<Message>,
        /// Whether messages in its middle are left out, because there are more than are kept.
        is_cut: bool,
    },
    /// A lead that another system posted.
    Api {
        /// That system's id of the lead.
        external_id: Option<String>,
        /// When the lead came to that system.
        occurred_at: Option<Timestamp>,
        /// What the person wrote in their own words.
        message: Option<String>,
        /// What is known of the project.
        answers: BTreeMap<String, String>,
    },
}

impl About {
    /// Of facts, and the provider's id of the thing.
    pub(super) fn of(about: domain::About, external_id: Option<String>) -> Self {
        match about {
            domain::About::Phone(call) => Self::Phone {
                external_id,
                is_answered: call.is_answered,
                is_voicemail: call.is_voicemail,
                duration_seconds: call.duration_seconds,
                started_at: call.started_at,
                tracking_number: call.tracking_number,
                business_number: call.business_number,
                has_recording: call.has_recording,
            },
            domain::About::Text(text) => Self::Text {
                opted_out_at: text.opt_out().and_then(|message| message.at),
                company_number: text.company_number,
                messages: messages(&text.messages),
            },
            domain::About::Form(form) => Self::Form {
                form: form.form,
                page_url: form.page_url,
                submitted_at: form.submitted_at,
                message: form.message,
                answers: form.answers,
                documents: form
                    .documents
                    .into_iter()
                    .map(|(part, file)| (part, file.into()))
                    .collect(),
            },
            domain::About::Calendar(booking) => Self::Calendar {
                external_id,
                service: booking.service,
                starts_at: booking.starts_at,
                ends_at: booking.ends_at,
                time_zone: booking.time_zone,
                status: booking.status.map(Into::into),
                location: booking.location,
                host: booking.host,
                message: booking.message,
                answers: booking.answers,
            },
            domain::About::Chat(chat) => Self::Chat {
                external_id,
                subject: chat.subject,
                page_url: chat.page_url,
                started_at: chat.started_at,
                status: chat.status.map(Into::into),
                is_cut: chat.is_cut == Some(true),
                messages: messages(&chat.messages),
            },
            // A channel of a newer build is worked like one of the API, so it is shown like one.
            domain::About::Unrecognized(_) => Self::Api {
                external_id,
                occurred_at: None,
                message: None,
                answers: BTreeMap::new(),
            },
            domain::About::Api(lead) => Self::Api {
                external_id,
                occurred_at: lead.occurred_at,
                message: lead.message,
                answers: lead.answers,
            },
        }
    }
}

/// One message of a chat or of a text conversation.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ChatMessage)]
pub(super) struct Message {
    /// Who wrote it.
    from: Author,
    /// The writer's name, as the provider shows it.
    name: Option<String>,
    /// When.
    at: Option<Timestamp>,
    /// When it was last changed.
    edited_at: Option<Timestamp>,
    /// Whether it was taken back. Then it has no words.
    is_deleted: bool,
    /// The words.
    text: String,
    /// The files that came with it.
    attachments: Vec<Attachment>,
}

/// A file that came with a message.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ChatAttachment)]
pub(super) struct Attachment {
    /// Its name.
    name: String,
    /// Its type.
    content_type: Option<String>,
    /// Its size in bytes.
    size_bytes: Option<u64>,
}

impl From<&domain::Attachment> for Attachment {
    fn from(file: &domain::Attachment) -> Self {
        Self {
            name: file.name.clone(),
            content_type: file.content_type.clone(),
            size_bytes: file.size_bytes,
        }
    }
}

fn messages(messages: &BTreeMap<String, ChatMessage>) -> Vec<Message> {
    let shown = thread::in_order(messages).into_iter();
    let shown = shown.map(|(_, message)| Message {
        from: message.from.into(),
        name: message.name.clone(),
        at: message.at,
        edited_at: message.edited_at,
        is_deleted: message.is_deleted,
        text: message.text.clone(),
        attachments: message.attachments.iter().map(Into::into).collect(),
    });
    shown.collect()
}
