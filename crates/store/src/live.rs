//! What changes in a tenant, as events for whoever watches: written in the change's transaction, read in the order of
//! commits, kept for at least [`KEPT_FOR`].
//!
//! An event says which thing changed, not how it looks now: that is read when the event is sent, so rows stay small.

use std::{fmt, str::FromStr, time::Duration};

use async_trait::async_trait;
use domain::{Change, LeadRequest, LogEntry, RequestId, Status, TenantId};
use jiff::Timestamp;
use tokio::sync::watch;

use crate::{AuditAction, Connection, Job, Result};

/// How long an event is kept at least.
pub const KEPT_FOR: Duration = Duration::from_secs(24 * 60 * 60);
/// Most events of one read.
pub const MAX_READ: u32 = 500;
/// Counts of [`LiveCounts`] end here.
pub const MAX_COUNT: u32 = 10_000;
/// The longest cause that is kept, in characters.
const MAX_CAUSE: usize = 64;
/// The longest id of a thing that is kept, in characters.
const MAX_OBJECT: usize = 200;

/// A place in a tenant's events: an event's id, or the place behind all that were there at a moment.
///
/// Ids of one tenant rise in the order of commits. What the numbers mean is the store's business; as text they are
/// `{major}` or `{major}-{minor}`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LiveId {
    /// A sequence number, or a commit's time in microseconds.
    pub major: u64,
    /// Tells events of one commit's time apart.
    pub minor: u64,
}

impl fmt::Display for LiveId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.minor {
            0 => write!(f, "{}", self.major),
            minor => write!(f, "{}-{minor}", self.major),
        }
    }
}

/// What was sent as an id is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no id of an event")]
pub struct NoLiveId;

impl FromStr for LiveId {
    type Err = NoLiveId;

    fn from_str(text: &str) -> Result<Self, NoLiveId> {
        let number = |text: &str| {
            let is_plain = text.bytes().all(|byte| byte.is_ascii_digit());
            let number = text.parse().ok().filter(|_| is_plain);
            // Both stores keep signed numbers.
            number.filter(|number| i64::try_from(*number).is_ok())
        };
        let (major, minor) = text.split_once('-').unwrap_or((text, "0"));
        match (number(major), number(minor)) {
            (Some(major), Some(minor)) => Ok(Self { major, minor }),
            _ => Err(NoLiveId),
        }
    }
}

/// What kind of thing changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LiveKind {
    /// A request.
    Request,
    /// A tenant's account at a provider.
    Connection,
    /// A source of webhooks.
    Source,
    /// A version of a configuration.
    Config,
    /// The tenant itself.
    Tenant,
    /// A job.
    Job,
    /// A person of the tenant, or an invitation.
    Person,
    /// A key by which programs call.
    ApiKey,
}

impl LiveKind {
    /// As it is stored and sent.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Request => "request",
            Self::Connection => "connection",
            Self::Source => "source",
            Self::Config => "config",
            Self::Tenant => "tenant",
            Self::Job => "job",
            Self::Person => "person",
            Self::ApiKey => "api_key",
        }
    }

    /// What a person's act changes, by the first word of `secret.set`; none for what is told by the things themselves,
    /// and for what nobody watches.
    pub fn of_action(action: &str) -> Option<Self> {
        match action.split_once('.')?.0 {
            "connection" | "secret" => Some(Self::Connection),
            "source" => Some(Self::Source),
            "config" | "office" => Some(Self::Config),
            "tenant" => Some(Self::Tenant),
            "person" | "invitation" => Some(Self::Person),
            "api_key" => Some(Self::ApiKey),
            _ => None,
        }
    }
}

/// A change that is about to be committed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LiveChange {
    /// What kind of thing.
    pub kind: LiveKind,
    /// Its id or name.
    pub object: String,
    /// Its version after the change, where it has one.
    pub version: Option<u64>,
    /// What changed it, in a word or two: `analysis.done`, `secret.set`.
    pub cause: String,
}

impl LiveChange {
    /// A change of a thing. Texts that are too long are cut.
    pub fn new(kind: LiveKind, object: &impl ToString, version: Option<u64>, cause: &str) -> Self {
        let mut object = object.to_string();
        if let Some((end, _)) = object.char_indices().nth(MAX_OBJECT) {
            object.truncate(end);
        }
        Self {
            kind,
            object,
            version,
            cause: cause.chars().take(MAX_CAUSE).collect(),
        }
    }

    /// A change of a request that readers see: of its status, or one that its timeline tells. Claims, renewals and
    /// polls are none.
    pub fn of_request(change: &Change) -> Option<Self> {
        let request = &change.request;
        let cause = match change.log.last() {
            Some(LogEntry {
                stage: Some(stage),
                outcome,
                ..
            }) => format!("{stage}.{outcome}"),
            Some(LogEntry { outcome, .. }) => outcome.clone(),
            None if change.is_published => request.status.as_str().to_owned(),
            None => return None,
        };
        let version = Some(request.version);
        Some(Self::new(LiveKind::Request, &request.id, version, &cause))
    }

    /// A request's new status, which came without a change of anything else.
    pub fn of_status(request: RequestId, version: u64, status: Status) -> Self {
        Self::new(LiveKind::Request, &request, Some(version), status.as_str())
    }

    /// A job that was created, claimed, or went on.
    pub fn of_job(job: &Job) -> Self {
        let cause = format!("job.{}", job.state.as_str());
        Self::new(LiveKind::Job, &job.id, None, &cause)
    }

    /// A connection whose secret was refused.
    pub fn of_refusal(refused: &Connection) -> Self {
        let version = Some(refused.version);
        Self::new(
            LiveKind::Connection,
            &refused.name,
            version,
            "secret.refused",
        )
    }

    /// What a person's act changes beside requests.
    pub fn of_act(act: &AuditAction) -> Option<Self> {
        let kind = LiveKind::of_action(act.action)?;
        Some(Self::new(kind, &act.object, act.version, act.action))
    }
}

/// A change that was committed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LiveEvent {
    /// Its id, which rises from event to event.
    pub id: LiveId,
    /// When it was committed.
    pub at: Timestamp,
    /// What kind of thing changed: [`LiveKind::as_str`], or a word of a newer build.
    pub kind: String,
    /// Its id or name.
    pub object: String,
    /// Its version after the change, where it has one.
    pub version: Option<u64>,
    /// What changed it.
    pub cause: String,
}

/// What a read found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LiveRead {
    /// The events, in their order.
    pub events: Vec<LiveEvent>,
    /// Where to go on: nothing that is committed after this read comes before it.
    pub until: LiveId,
}

/// How much of a tenant waits for a person. Each count ends at [`MAX_COUNT`].
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LiveCounts {
    /// Requests whose person somebody should call.
    pub call_now: u32,
    /// Requests in review.
    pub in_review: u32,
    /// Requests in quarantine.
    pub quarantined: u32,
    /// Steps that are held.
    pub held: u32,
    /// Steps that are parked.
    pub parked: u32,
}

/// What changed, for whoever watches.
#[async_trait]
pub trait Live: Send + Sync {
    /// The place behind all events that a tenant has by now.
    async fn live_now(&self, tenant: &TenantId) -> Result<LiveId>;

    /// Whether everything behind a place is still there: not if it is too old, of the future, or never was one.
    async fn live_reaches(&self, tenant: &TenantId, place: LiveId) -> Result<bool>;

    /// The first events behind a place, `limit` of them at most, 1 to [`MAX_READ`].
    ///
    /// The order is that of commits, and nothing that is committed later comes before what was read: who goes on from
    /// [`LiveRead::until`] misses none and sees none twice.
    async fn live_after(&self, tenant: &TenantId, place: LiveId, limit: u32) -> Result<LiveRead>;

    /// Requests as they are now, without those that are gone or that this build cannot read. A merged one is itself.
    async fn live_requests(
        &self,
        tenant: &TenantId,
        requests: &[RequestId],
    ) -> Result<Vec<LeadRequest>>;

    /// How much waits for a person.
    async fn live_counts(&self, tenant: &TenantId) -> Result<LiveCounts>;

    /// Changes whenever a commit of this process brought events of a tenant. None where other processes write, too:
    /// then whoever watches must ask again and again.
    fn live_changes(&self, tenant: &TenantId) -> Option<watch::Receiver<u64>>;

    /// Removes events that were committed before `before`, each tenant's oldest first, and never its newest, at most
    /// `limit` of them. Returns how many. A store whose database removes them by itself has none to remove.
    async fn prune_live_events_across_tenants(&self, before: Timestamp, limit: u32) -> Result<u32>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_reads_back_what_it_is_written_as() {
        for (major, minor, text) in [
            (0, 0, "0"),
            (7, 0, "7"),
            (1_764_284_400_000_000, 5, "1764284400000000-5"),
        ] {
            let id = LiveId { major, minor };
            assert_eq!(id.to_string(), text);
            assert_eq!(text.parse(), Ok(id));
        }
    }

    #[test]
    fn anything_else_is_no_id() {
        for text in [
            "",
            "-",
            "1-",
            "-1",
            "+1",
            "1-2-3",
            " 1",
            "1.0",
            "x",
            "18446744073709551615",
            "1-18446744073709551615",
        ] {
            assert_eq!(text.parse::<LiveId>(), Err(NoLiveId), "{text}");
        }
    }

    #[test]
    fn ids_are_in_the_order_of_commits() {
        let id = |text: &str| text.parse::<LiveId>().unwrap();
        assert!(id("9") < id("10") && id("10") < id("10-1") && id("10-9") < id("11"));
    }

    #[test]
    fn an_act_tells_what_it_changes() {
        for (action, kind) in [
            ("secret.set", Some(LiveKind::Connection)),
            ("source.add_key", Some(LiveKind::Source)),
            ("config.put", Some(LiveKind::Config)),
            ("tenant.suspend", Some(LiveKind::Tenant)),
            ("invitation.accept", Some(LiveKind::Person)),
            ("api_key.revoke", Some(LiveKind::ApiKey)),
            ("request.approve", None),
            ("work.redrive", None),
            ("nothing", None),
        ] {
            assert_eq!(LiveKind::of_action(action), kind, "{action}");
        }
        let long = "x".repeat(1_000);
        let act = AuditAction::new("ann", "source.create", &long);
        let change = LiveChange::of_act(&act).unwrap();
        assert_eq!((change.object.len(), change.version), (MAX_OBJECT, None));
        let act = AuditAction::new("ann", "config.save", "office").making(7);
        assert_eq!(LiveChange::of_act(&act).unwrap().version, Some(7));
    }
}
