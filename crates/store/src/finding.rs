//! Finding requests: by filter, in several orders, by words.

use async_trait::async_trait;
use domain::{
    Channel, Intent, LeadRequest, OfficeId, ProjectType, RequestId, SourceId, Status, TenantId,
};
use jiff::Timestamp;

use crate::{Page, RequestQuery, Result, jobs, tokens::SearchText};

/// Requests of the newest changes that are looked at one by one, because they are not in the index yet.
pub const MAX_FRESH: usize = 200;
/// Requests that are counted exactly.
pub const MAX_EXACT: u32 = 10_000;

/// What a store is searched by.
#[async_trait]
pub trait Finding: Send + Sync {
    /// A page of a tenant's requests that a filter means, without those that this build cannot read.
    ///
    /// A change shows at once: what is not in the index yet is looked at itself. Only where more than [`MAX_FRESH`] of a
    /// tenant's requests changed within the last moments, or while an index is built for old data, later ones show as
    /// they were before, or not yet.
    async fn find_requests(
        &self,
        tenant: &TenantId,
        query: &FindQuery,
    ) -> Result<Page<LeadRequest>>;

    /// How many requests a filter means, counted up to [`MAX_EXACT`].
    async fn count_requests(&self, tenant: &TenantId, filter: &RequestFilter) -> Result<Count>;

    /// Takes at most `limit` requests that changed, or are older than the index, into it. Several may do it at once; one
    /// that dies in between leaves what it did not finish to the next.
    async fn index_requests_across_tenants(&self, limit: u32) -> Result<Indexed>;
}

/// Which requests are meant: those that agree with everything that is given.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RequestFilter {
    /// In one of these states; empty means any.
    pub statuses: Vec<Status>,
    /// Of this channel.
    pub channel: Option<Channel>,
    /// Whose first delivery came to this source.
    pub source: Option<SourceId>,
    /// Of this office.
    pub office: Option<OfficeId>,
    /// Together with `office`: also those whose source names none. They belong to a tenant's first office.
    pub or_no_office: bool,
    /// With this score, 0 to 100, or a higher one.
    pub score_from: Option<u8>,
    /// With this score, 0 to 100, or a lower one.
    pub score_to: Option<u8>,
    /// In the service area, out of it, or nobody knows.
    pub area: Option<Area>,
    /// For a project of this type.
    pub project_type: Option<ProjectType>,
    /// Who want this.
    pub intent: Option<Intent>,
    /// Stored then, or later.
    pub from: Option<Timestamp>,
    /// Stored before then.
    pub to: Option<Timestamp>,
    /// Whose person somebody should call.
    pub needs_call: bool,
    /// In which these words are said.
    pub text: Option<SearchText>,
}

/// Where a project is, as far as it is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Area {
    /// In the service area.
    In,
    /// Outside.
    Out,
    /// Nobody knows.
    Unknown,
}

impl Area {
    /// As a word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::In => "in",
            Self::Out => "out",
            Self::Unknown => "unknown",
        }
    }
}

/// The order of a list.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum RequestSort {
    /// The newest first.
    #[default]
    Newest,
    /// The oldest first.
    Oldest,
    /// Only those that wait for something or somebody ([`RequestSort::WAITING`]), the oldest first.
    Waiting,
    /// The highest score first, of equal ones the newest; those without a score come last.
    Score,
}

impl RequestSort {
    /// The states of requests that wait for something or somebody.
    pub const WAITING: [Status; 5] = [
        Status::Received,
        Status::Processing,
        Status::InReview,
        Status::Held,
        Status::Parked,
    ];

    /// Whether the newest come first.
    pub const fn is_descending(self) -> bool {
        matches!(self, Self::Newest | Self::Score)
    }
}

/// A page to find.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FindQuery {
    /// Which requests.
    pub filter: RequestFilter,
    /// In which order.
    pub sort: RequestSort,
    /// At most so many, 1 to 200.
    pub limit: u32,
    /// Behind this place.
    pub after: Option<Place>,
}

/// The place of a request in a list, as it was when it was listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// The request.
    pub request: RequestId,
    /// Its score then.
    pub score: Option<u8>,
}

impl Place {
    /// The place of a request.
    pub fn of(request: &LeadRequest) -> Self {
        Self {
            request: request.id,
            score: score(request),
        }
    }
}

/// A request's score, when it has one.
pub fn score(request: &LeadRequest) -> Option<u8> {
    let analysis = request.document.analysis.as_ref();
    analysis.map(|analysis| analysis.lead_score.min(100))
}

impl RequestFilter {
    /// An id that sorts before every request that is meant, where the filter says from when on.
    pub fn first_id(&self) -> Option<RequestId> {
        jobs::first_id_since(self.from?)
    }

    /// An id that sorts behind every request that is meant, where the filter says until when.
    pub fn end_id(&self) -> Option<RequestId> {
        self.to.map(jobs::end_id_before)
    }

    /// Whether it asks for one status at most, and nothing else: for that, requests have an index of their own.
    pub fn is_of_one_status(&self) -> bool {
        let statuses = self.statuses.clone();
        statuses.len() <= 1
            && *self
                == Self {
                    statuses,
                    ..Self::default()
                }
    }
}

impl FindQuery {
    /// The same as a plain list, if it is one.
    pub fn as_list(&self) -> Option<RequestQuery> {
        let is_plain = self.sort == RequestSort::Newest && self.filter.is_of_one_status();
        is_plain.then(|| RequestQuery {
            status: self.filter.statuses.first().copied(),
            channel: None,
            limit: self.limit,
            before: self.after.map(|place| place.request),
        })
    }

    /// The filter with what its order leaves out; none when nothing can be meant.
    pub fn meant(&self) -> Option<RequestFilter> {
        let mut filter = self.filter.clone();
        if self.sort == RequestSort::Waiting {
            let is_meant =
                |status: &Status| filter.statuses.is_empty() || filter.statuses.contains(status);
            let waiting = RequestSort::WAITING.into_iter().filter(is_meant).collect();
            filter.statuses = waiting;
            if filter.statuses.is_empty() {
                return None;
            }
        }
        let is_empty = filter
            .score_from
            .zip(filter.score_to)
            .is_some_and(|(from, to)| from > to)
            || filter
                .from
                .zip(filter.to)
                .is_some_and(|(from, to)| from >= to);
        (!is_empty).then_some(filter)
    }
}

/// How many there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Count {
    /// The number, at most [`MAX_EXACT`].
    pub count: u32,
    /// Whether it is that many, and not more.
    pub is_exact: bool,
}

impl Count {
    /// What was counted up to one more than [`MAX_EXACT`]; `is_complete` unless something may have been left out.
    pub const fn of(counted: u32, is_complete: bool) -> Self {
        if counted > MAX_EXACT {
            return Self {
                count: MAX_EXACT,
                is_exact: false,
            };
        }
        Self {
            count: counted,
            is_exact: is_complete,
        }
    }
}

/// What came of indexing.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Indexed {
    /// Requests that were taken in.
    pub requests: u32,
    /// Whether more wait.
    pub has_more: bool,
}
