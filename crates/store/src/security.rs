//! Refused deliveries, counted so that an attacker cannot fill the disk.

use jiff::Timestamp;

/// Refusals of one kind from one address within one minute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecurityEvent {
    /// Start of the minute.
    pub minute: Timestamp,
    /// The address that it came from; of IPv6, its network, as `2001:db8::/64`.
    pub address: String,
    /// Why: `unknown_tenant`, `missing_signature`, `wrong_signature`, `stale_signature`, or `too_many_failures` for
    /// what was not checked because its address had failed too often.
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
