//! A request with everything that is known of it. One file per part: [`about`] is what was delivered, by channel.

mod about;
mod analysis;
mod booking;
mod conversation;
mod dispatches;
mod documents;
mod normalized;
mod work;

use std::collections::{BTreeMap, BTreeSet};

use domain::{Brief, ContactSection, RequestId, SourceSection};
use jiff::Timestamp;
use serde::Serialize;
use store::RequestView;
use utoipa::ToSchema;

use self::{
    about::{About, Consent, Labels, Person},
    analysis::{Analysis, PersonsVerdict, Qualification},
    booking::BookingCheck,
    conversation::{Recording, Transcript},
    dispatches::{Attempt, Dispatch, NotificationAttempt, Notifications},
    documents::KeptDocument,
    normalized::{Normalized, Visits},
    work::{OpenWork, TimelineEntry, UsageLine},
};
use super::{
    links::{self, Link},
    summary,
    touch::Touch,
};
use crate::words::{Channel, Flag, RequiredField, Status};

/// A request, whole.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RequestDetail {
    /// Its id.
    request_id: String,
    /// The id that was asked for, when that request turned out to be the same as this one.
    merged_from: Option<String>,
    /// Where it stands.
    status: Status,
    /// Grows by one with every write.
    version: u64,
    /// How the lead reached the company.
    channel: Channel,
    /// What happened and whose it is, in a few words: `missed call from Ann Lee`.
    headline: String,
    /// When its first delivery was stored.
    created_at: Timestamp,
    /// When it was last written.
    updated_at: Timestamp,
    /// Who it is from, once that was asked.
    person_id: Option<String>,
    /// What a reader should know.
    flags: Vec<Flag>,
    /// Names of the fields that could not be read, or only in part; `body` if a delivery broke off.
    unread_fields: BTreeSet<String>,
    /// Fields that nobody said and that follow from others, such as a name of first and last name.
    derived_fields: Vec<String>,
    /// What spoke against it when it came, the weightiest first.
    suspicions: Vec<String>,
    /// Where it came from.
    source: Source,
    /// How the person can be reached.
    contact: Contact,
    /// The contact in one form, each field with what it comes from.
    normalized: Normalized,
    /// The fields that the company, or the lead's source, wants of every lead (`required_fields` of the workflow configuration
    /// and of the source's settings) and that this one lacks.
    missing_required_fields: Vec<RequiredField>,
    /// The person as delivered: nothing of it is checked.
    person: Person,
    /// What people wrote about the lead at its provider.
    labels: Labels,
    /// How the person found the company, by the provider's name for each fact.
    attribution: BTreeMap<String, String>,
    /// The same in our words: the first visit, and the last.
    visits: Visits,
    /// What the person agreed to.
    consent: Option<Consent>,
    /// Fields of the deliveries that have no place here, by the provider's names.
    extra: BTreeMap<String, String>,
    /// What the channel says of it.
    about: About,
    /// The files that came with a form, by the names that a download asks for; null until they are kept, and where there are
    /// none.
    documents: Option<BTreeMap<String, KeptDocument>>,
    /// The audio of a call.
    recording: Option<Recording>,
    /// What was said.
    transcript: Option<Transcript>,
    /// Whether something else takes a booking's time, too; null until that was looked at, and for what is no booking.
    booking: Option<BookingCheck>,
    /// What it means.
    analysis: Option<Analysis>,
    /// What follows from that for this tenant.
    qualification: Option<Qualification>,
    /// Requests of the same person, who came by another door.
    links: Vec<Link>,
    /// Requests that were linked to it until somebody said that they are another person's.
    links_taken_back: Vec<Link>,
    /// A person's decision; it outranks the analysis.
    verdict: Option<PersonsVerdict>,
    /// Whether somebody should call: a genuine lead inside the service area with a number, about whom nobody did anything.
    needs_call: bool,
    /// Who got in touch with the person, or tried to, in order.
    touches: Vec<Touch>,
    /// Where it stands with each CRM.
    dispatches: Vec<Dispatch>,
    /// Every attempt to push it into a CRM, in order.
    dispatch_attempts: Vec<Attempt>,
    /// Messages to people, once they are due.
    notifications: Option<Notifications>,
    /// Every attempt to send one, in order.
    notification_attempts: Vec<NotificationAttempt>,
    /// What happened, in order.
    timeline: Vec<TimelineEntry>,
    /// What is still to be done.
    open_work: Vec<OpenWork>,
    /// Every paid operation, in order.
    usage: Vec<UsageLine>,
}

impl RequestDetail {
    pub(super) fn of(view: RequestView, asked_for: RequestId) -> Self {
        let RequestView {
            request,
            timeline,
            work,
            attempts,
            notifications,
            usage,
        } = view;
        let mut document = request.document;
        let facts = document.facts();
        let headline = Brief::headline(&facts, document.channel());
        let flags = summary::flags(&document, &facts);
        let normalized = domain::Normalized::of_request(&document);
        let needs_call = document.needs_call();
        let about = facts.about;
        let (links, links_taken_back) = links::shown(std::mem::take(&mut document.links));
        Self {
            request_id: request.id.to_string(),
            merged_from: (asked_for != request.id).then(|| asked_for.to_string()),
            status: request.status.into(),
            version: request.version,
            channel: document.channel().into(),
            headline,
            created_at: request.created_at,
            updated_at: request.updated_at,
            person_id: request.person.map(|id| id.to_string()),
            flags,
            unread_fields: facts.unread_fields,
            derived_fields: facts.derived_fields.unwrap_or_default(),
            suspicions: facts.suspicions.unwrap_or_default(),
            contact: document.contact().into(),
            normalized: normalized.into(),
            missing_required_fields: document
                .qualification
                .iter()
                .flat_map(|section| &section.missing_fields)
                .map(|field| (*field).into())
                .collect(),
            person: facts.person.into(),
            labels: facts.labels.into(),
            visits: domain::Visits::of(&facts.attribution).into(),
            attribution: facts.attribution,
            consent: facts.consent.map(Into::into),
            extra: facts.extra,
            source: document.source.into(),
            documents: document
                .documents
                .map(|section| documents::shown(section, &about)),
            about: About::of(about, facts.external_id),
            recording: document.recording.map(|section| section.audio.into()),
            transcript: document.transcript.map(Into::into),
            booking: document.booking.map(Into::into),
            analysis: document.analysis.map(Into::into),
            qualification: document.qualification.map(Into::into),
            links,
            links_taken_back,
            verdict: document.verdict.map(Into::into),
            needs_call,
            touches: document.touches.into_iter().map(Into::into).collect(),
            dispatches: document.dispatches.into_iter().map(Into::into).collect(),
            dispatch_attempts: attempts.into_iter().map(Into::into).collect(),
            notifications: document.notifications.map(Into::into),
            notification_attempts: notifications.into_iter().map(Into::into).collect(),
            timeline: timeline.into_iter().map(Into::into).collect(),
            open_work: work.into_iter().map(Into::into).collect(),
            usage: usage.into_iter().map(Into::into).collect(),
        }
    }
}

/// Where a request came from.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = RequestSource)]
struct Source {
    /// The provider's slug.
    provider: String,
    /// The configured source of the first delivery.
    source_id: String,
    /// The office that it belongs to, when one is set.
    office_id: Option<String>,
    /// How many deliveries it was made of.
    deliveries: u32,
    /// The newest of them.
    last_event_id: String,
    /// Why its delivery could not be read, while it could not.
    unread_reason: Option<String>,
    /// Set if an audit found it at the provider, because its webhook had not come.
    recovered: Option<Recovered>,
}

/// That an audit found a request at its provider.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = RecoveredRequest)]
struct Recovered {
    /// When it was found.
    at: Timestamp,
    /// When it happened, by the provider.
    happened_at: Timestamp,
    /// Minutes between the two.
    minutes_late: u64,
}

impl From<SourceSection> for Source {
    fn from(section: SourceSection) -> Self {
        Self {
            provider: section.provider,
            source_id: section.source.to_string(),
            office_id: section.office.map(|id| id.to_string()),
            deliveries: section.events,
            last_event_id: section.last_event.to_string(),
            unread_reason: section.unread,
            recovered: section.recovered.map(|recovered| Recovered {
                at: recovered.at,
                happened_at: recovered.happened_at,
                minutes_late: recovered.minutes_late(),
            }),
        }
    }
}

/// How the person can be reached.
#[derive(Debug, Serialize, ToSchema)]
struct Contact {
    /// Name as delivered, on one line; null when what was delivered only stands in for one.
    name: Option<String>,
    /// Telephone number in E.164 form; null when it was withheld, or stands in for one.
    phone: Option<String>,
    /// What is dialed behind the number.
    extension: Option<String>,
    /// E-mail address.
    email: Option<String>,
    /// Town.
    city: Option<String>,
    /// State.
    state: Option<String>,
    /// ZIP code, as delivered.
    postal_code: Option<String>,
    /// Street address, as typed.
    address: Option<String>,
}

impl From<ContactSection> for Contact {
    fn from(section: ContactSection) -> Self {
        Self {
            name: section.name,
            phone: section.phone.map(String::from),
            extension: section.extension,
            email: section.email.map(String::from),
            city: section.city,
            state: section.state,
            postal_code: section.postal_code.map(String::from),
            address: section.address,
        }
    }
}

/// Empty text stands for none where it is stored.
fn given(text: String) -> Option<String> {
    (!text.is_empty()).then_some(text)
}
