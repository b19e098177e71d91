//! Where it went: CRMs and people.

use std::collections::BTreeMap;

use domain::{
    ConnectionName, DispatchAttempt, DispatchSection, NotificationRecord, NotificationsSection,
    RemoteIds,
};
use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

use crate::words::DispatchState;

/// Where a request stands with one CRM.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Dispatch {
    /// The connection's name.
    connection: String,
    /// The connector's slug.
    connector: String,
    /// The state.
    state: DispatchState,
    /// What the CRM calls the records that it has, by the connector's word for each: `contact`, `deal`.
    remote_ids: BTreeMap<String, String>,
    /// When it was last written.
    dispatched_at: Option<Timestamp>,
    /// Why it is not there yet.
    reason: Option<String>,
}

impl From<(ConnectionName, DispatchSection)> for Dispatch {
    fn from((connection, section): (ConnectionName, DispatchSection)) -> Self {
        Self {
            connection: connection.to_string(),
            connector: section.connector,
            state: section.state.into(),
            remote_ids: ids(&section.remote_ids),
            dispatched_at: section.dispatched_at,
            reason: section.reason,
        }
    }
}

/// An attempt to push a request into a CRM.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = DispatchAttempt)]
pub(super) struct Attempt {
    /// The connection's name.
    connection: String,
    /// The connector's slug.
    connector: String,
    /// When it began.
    at: Timestamp,
    /// How long it took, in milliseconds.
    latency_ms: u64,
    /// `done`, or what went wrong in a word.
    outcome: String,
    /// What the CRM calls what was written.
    external_ids: BTreeMap<String, String>,
    /// The CRM's answer where it failed: its explanation, else the beginning of its last answer.
    answer: Option<String>,
    /// The status of the CRM's last answer; null when none came.
    status: Option<u16>,
    /// The beginning of what was sent last, where it failed.
    sent: Option<String>,
    /// How many bytes of what was sent and answered last are not shown.
    bytes_cut: u64,
    /// The version of the connection's field mapping that it went by; 0: everything as usual.
    mapping_version: u64,
}

impl From<DispatchAttempt> for Attempt {
    fn from(attempt: DispatchAttempt) -> Self {
        Self {
            connection: attempt.connection.to_string(),
            connector: attempt.connector,
            at: attempt.at,
            latency_ms: attempt.latency_ms,
            outcome: attempt.outcome,
            external_ids: ids(&attempt.external_ids),
            answer: attempt.answer,
            status: attempt.status,
            sent: attempt.sent,
            bytes_cut: attempt.bytes_cut,
            mapping_version: attempt.mapping_version,
        }
    }
}

/// Messages to people about this request.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Notifications {
    /// Whether all of them have ended.
    is_done: bool,
    /// One for each recipient.
    messages: Vec<Message>,
}

/// One message to one person.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Message {
    /// By what way: `email`, or the slug of the chat's provider.
    channel: String,
    /// Who gets it: an address, or a connection and the place that it leads to.
    recipient: String,
    /// Whether the provider took it, and has not reported since that it will not arrive.
    is_sent: bool,
    /// The provider's id of it.
    provider_id: Option<String>,
    /// Why it was not sent.
    reason: Option<String>,
}

impl From<NotificationsSection> for Notifications {
    fn from(section: NotificationsSection) -> Self {
        let message = |message: domain::Message| Message {
            channel: message.channel,
            recipient: message.recipient,
            is_sent: message.is_sent,
            provider_id: message.provider_id,
            reason: message.reason,
        };
        Self {
            is_done: section.is_done,
            messages: section.messages.into_iter().map(message).collect(),
        }
    }
}

/// An attempt to send a message to a person.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct NotificationAttempt {
    /// By what way: `email`, or the slug of the chat's provider.
    channel: String,
    /// Who it was for.
    recipient: String,
    /// The template and its version.
    template: String,
    /// When.
    at: Timestamp,
    /// `sent`, or why not in a word.
    outcome: String,
    /// The provider's id of it.
    provider_id: Option<String>,
    /// How long the provider took, in milliseconds; null where it was not called.
    latency_ms: Option<u64>,
    /// The status of its answer; null when none came.
    status: Option<u16>,
    /// The beginning of its answer, where it failed.
    answer: Option<String>,
    /// How many bytes of the answer, and of what was sent, are not shown.
    bytes_cut: u64,
}

impl From<NotificationRecord> for NotificationAttempt {
    fn from(record: NotificationRecord) -> Self {
        Self {
            channel: record.channel,
            recipient: record.recipient,
            template: record.template,
            at: record.at,
            outcome: record.outcome,
            provider_id: record.provider_id,
            latency_ms: record.latency_ms,
            status: record.status,
            answer: record.answer,
            bytes_cut: record.bytes_cut,
        }
    }
}

fn ids(ids: &RemoteIds) -> BTreeMap<String, String> {
    ids.iter()
        .map(|(record, id)| (record.to_owned(), id.to_owned()))
        .collect()
}
