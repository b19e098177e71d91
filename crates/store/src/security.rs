//! Refused deliveries, counted so that an attacker cannot fill the disk.

use jiff::Timestamp;

/// Every reason for which this build refuses a delivery: nothing else is noted, and nothing else can be asked for.
/// `too_many_failures` is of what was not checked because its address had failed too often; those from `too_many_posts` on
/// are of public forms.
pub const REFUSAL_REASONS: [&str; 11] = [
    "unknown_tenant",
    "missing_signature",
    "wrong_signature",
    "stale_signature",
    "too_many_failures",
    "too_many_posts",
    "wrong_content_type",
    "wrong_origin",
    "no_origin",
    "too_much",
    "broken_body",
];

/// Refusals of one kind from one address within one minute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecurityEvent {
    /// Start of the minute.
    pub minute: Timestamp,
    /// The address that it came from; of IPv6, its network, as `2001:db8::/64`.
    pub address: String,
    /// Why: one of [`REFUSAL_REASONS`]; rows of another build may have another.
    pub reason: String,
    /// The provider's slug.
    pub provider: String,
    /// The tenant that it claimed to be for, when that is one of ours.
    pub tenant: Option<String>,
    /// How many.
    pub count: u64,
    /// One of their request ids, to find the logs by.
    pub trace_id: String,
}
