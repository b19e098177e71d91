//! Which requests a job is about.

use std::time::Duration;

use domain::{Channel, LeadRequest, RequestId, Status, later};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Ids are drawn by other clocks than `created_at`: where ids bound a walk, it goes so much further.
const SKEW: Duration = Duration::from_secs(60);

/// Which requests are meant: those that agree with everything that is given.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct RequestFilter {
    /// Where they stand.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<Status>,
    /// How they reached the company.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub channel: Option<Channel>,
    /// Created at this time or later.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<Timestamp>,
    /// Created before this time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<Timestamp>,
    /// Only these, when there are any: the newest first, each once.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub request_ids: Vec<RequestId>,
}

impl RequestFilter {
    /// Most requests that are named one by one.
    pub const MAX_IDS: usize = 1_000;

    /// Whether nothing is given.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Whether a request agrees, whatever its id.
    pub fn takes(&self, request: &LeadRequest) -> bool {
        let is_of_channel = |channel| request.document.channel() == channel;
        self.status.is_none_or(|status| status == request.status)
            && self.channel.is_none_or(is_of_channel)
            && self.from.is_none_or(|from| request.created_at >= from)
            && self.to.is_none_or(|to| request.created_at < to)
    }

    /// The filter of a job that was created at `now`: what comes in later is not meant.
    #[must_use]
    pub fn until(mut self, now: Timestamp) -> Self {
        if self.request_ids.is_empty() {
            // Times are kept to the microsecond.
            let end = later(now, Duration::from_micros(1));
            self.to = Some(self.to.map_or(end, |to| to.min(end)));
        }
        self
    }

    /// An id that sorts behind every request that is meant, where the filter says so.
    pub fn behind(&self) -> Option<RequestId> {
        self.to.map(end_id_before)
    }

    /// An id that sorts before every request that is meant, where the filter says so.
    pub fn before(&self) -> Option<RequestId> {
        first_id_since(self.from?)
    }
}

/// An id that sorts behind the ids of all requests that were created before `to`.
pub fn end_id_before(to: Timestamp) -> RequestId {
    first_id_at(later(to, SKEW))
}

/// An id that sorts before the ids of all requests that were created at `from` or later; none where time begins.
pub fn first_id_since(from: Timestamp) -> Option<RequestId> {
    Some(first_id_at(from.checked_sub(SKEW).ok()?))
}

/// An id that sorts before all that are drawn at `at` or later.
pub fn first_id_at(at: Timestamp) -> RequestId {
    let millis = u128::try_from(at.as_millisecond()).unwrap_or(0);
    RequestId::from_uuid(Uuid::from_u128(millis << 80))
}
