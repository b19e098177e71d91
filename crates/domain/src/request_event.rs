//! Events published for analytics: one per status change, except `received → processing`. They hold no names, numbers,
//! addresses or words of people.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    AreaVerdict, Budget, DispatchState, Engine, Intent, LeadRequest, OfficeId, ProjectType,
    RequestId, Sentiment, TenantId, Timeline,
};

/// A request's new status, and what is known of it then. Its fields are the columns of the analytics table, whose
/// schema is checked in beside the migrations; times are RFC 3339 in UTC.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RequestEvent {
    /// Tells repeats: the request and its version.
    pub event_id: String,
    /// `request.` and the status.
    pub event_type: String,
    /// Whose it is.
    pub tenant_id: TenantId,
    /// The request.
    pub request_id: RequestId,
    /// Its version; a higher one is newer.
    pub request_version: u64,
    /// When the status changed.
    pub occurred_at: Timestamp,
    /// When the first delivery came.
    pub received_at: Timestamp,
    /// The status.
    pub status: String,
    /// The source's provider.
    pub provider: String,
    /// How the lead reached the company.
    pub channel: String,
    /// The source's office.
    pub office_id: Option<OfficeId>,
    /// How many deliveries were about it.
    pub deliveries: u32,
    /// How long the call took, in seconds.
    pub call_seconds: Option<u32>,
    /// Whether somebody answered the call.
    pub is_answered: Option<bool>,
    /// What the caller wants.
    pub intent: Option<Intent>,
    /// How the caller feels.
    pub sentiment: Option<Sentiment>,
    /// What is to be remodeled.
    pub project_type: Option<ProjectType>,
    /// When it should start.
    pub timeline: Option<Timeline>,
    /// What it may cost.
    pub budget: Option<Budget>,
    /// From 0 to 100.
    pub lead_score: Option<u8>,
    /// From 0 to 100.
    pub spam_likelihood: Option<f64>,
    /// `model` or `rules`.
    pub engine: Option<String>,
    /// `in`, `out` or `unknown`.
    pub area: Option<String>,
    /// CRMs that it is meant for.
    pub destinations: u32,
    /// CRMs that have it.
    pub dispatched: u32,
}

impl RequestEvent {
    /// Of a request as it is now.
    pub fn of(request: &LeadRequest) -> Self {
        let document = &request.document;
        let facts = document.facts();
        let call = facts.about.call();
        let analysis = document.analysis.as_ref();
        let dispatches = document.dispatches.values();
        let dispatched = dispatches.filter(|section| section.state == DispatchState::Done);
        let status = request.status.as_str();
        Self {
            event_id: format!("{}.{}", request.id, request.version),
            event_type: format!("request.{status}"),
            tenant_id: request.tenant.clone(),
            request_id: request.id,
            request_version: request.version,
            occurred_at: request.updated_at,
            received_at: request.created_at,
            status: status.to_owned(),
            provider: document.source.provider.clone(),
            channel: document.channel_word().to_owned(),
            office_id: document.source.office,
            deliveries: document.source.events,
            call_seconds: call.and_then(|call| call.duration_seconds),
            is_answered: call.and_then(|call| call.is_answered),
            intent: analysis.map(|analysis| analysis.intent),
            sentiment: analysis.map(|analysis| analysis.sentiment),
            project_type: analysis.map(|analysis| analysis.project_type),
            timeline: analysis.map(|analysis| analysis.timeline),
            budget: analysis.map(|analysis| analysis.budget),
            lead_score: analysis.map(|analysis| analysis.lead_score),
            spam_likelihood: analysis.map(|analysis| analysis.spam_likelihood),
            engine: analysis.map(|analysis| {
                let word = match analysis.engine {
                    Engine::Model(_) => "model",
                    Engine::Rules(_) => "rules",
                };
                word.to_owned()
            }),
            area: document.qualification.as_ref().map(|qualification| {
                let word = match qualification.area {
                    AreaVerdict::In(_) => "in",
                    AreaVerdict::Out(_) => "out",
                    AreaVerdict::Unknown => "unknown",
                };
                word.to_owned()
            }),
            destinations: count(document.dispatches.len()),
            dispatched: count(dispatched.count()),
        }
    }
}

fn count(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}
