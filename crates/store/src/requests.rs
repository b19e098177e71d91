//! Reading requests.

use domain::{
    Channel, DispatchAttempt, LeadRequest, LogEntry, NotificationRecord, RequestId, Status, Usage,
    WorkRow,
};
use jiff::Timestamp;

/// Which requests to list.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RequestQuery {
    /// Only these, when given.
    pub status: Option<Status>,
    /// Only those of this channel, when given.
    pub channel: Option<Channel>,
    /// At most so many, 1 to 200.
    pub limit: u32,
    /// Only older ones than this: the last of the page before.
    pub before: Option<RequestId>,
}

/// A request with all that belongs to it.
#[derive(Debug, Clone)]
pub struct RequestView {
    /// The request.
    pub request: LeadRequest,
    /// What happened, in order.
    pub timeline: Vec<LogEntry>,
    /// What is still to be done.
    pub work: Vec<WorkRow>,
    /// Every attempt to push it into a CRM, in order.
    pub attempts: Vec<DispatchAttempt>,
    /// Every message to people, in order.
    pub notifications: Vec<NotificationRecord>,
    /// Every paid operation, with its time.
    pub usage: Vec<(Timestamp, Usage)>,
}
