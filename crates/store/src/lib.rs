//! What the product keeps: the trait [`Store`], the types that cross it, and the suite that every adapter must pass.
//!
//! A method takes a `&TenantId`, or is named `…_across_tenants`. Another tenant's ids are not found.
//!
//! An adapter only reads and writes. What is decided about a request is decided in `domain`; what is decided about the
//! rest stands here, in pure functions: [`Connection::with_secret`], [`Delivery::received`], [`NewConfig::after`],
//! [`Settle::decide`], [`persons::resolve`].
//!
//! During a rollout or after a rollback, rows of a newer build lie beside those of this one. What this build cannot read
//! ([`StoreError::Corrupt`]) is skipped and counted in scans and lists, is never claimed, and is never overwritten.
#![warn(missing_docs)]

mod audit;
mod bookings;
pub mod calls;
pub mod configs;
pub mod connections;
pub mod contract;
pub mod deliveries;
mod early;
mod events;
pub mod figures;
pub mod finding;
mod id_range;
mod id_source;
pub mod jobs;
mod last_write;
pub mod live;
pub mod people;
pub mod persons;
pub mod places;
mod requests;
pub mod rows;
mod security;
mod settle;
mod sources;
pub mod stored;
pub mod sweeps;
pub mod tokens;
pub mod work;

use std::time::Duration;

use async_trait::async_trait;
use domain::{
    ConnectionName, EffectLog, EventId, LeadRequest, NewTouch, Office, OfficeDetails, RequestId,
    ReviewAction, Slot, SourceId, Stage, StoreError, Tenant, TenantId, TenantStatus, Wake, WorkKey,
    WorkQueue, WorkRow,
};
use jiff::Timestamp;

pub use audit::{AuditAction, AuditEntry, AuditQuery};
pub use bookings::Booked;
pub use calls::{Begun, Call, CallAnswer, Calls};
pub use configs::{Config, ConfigCache, ConfigKind, NewConfig};
pub use connections::{Connection, ConnectionState, NewConnection, Released, ReplacedSecret};
pub use deliveries::{
    Deliveries, DeliveryOutcome, DeliveryQuery, DeliverySummary, ReplayedDelivery, SecurityKey,
    SecurityQuery,
};
pub use early::{Early, MAX_EARLY};
pub use events::{Accepted, Delivery, HAPPENED_AT, PING, RECOVERED, Received, StoredEvent};
pub use figures::{Figures, Recounted};
pub use finding::{Count, FindQuery, Finding, Indexed, RequestFilter, RequestSort};
pub use id_range::IdRange;
pub use id_source::IdSource;
pub use jobs::{Job, JobQuery, Jobs, NewJob};
pub use last_write::LastWrite;
pub use live::{Live, LiveChange, LiveCounts, LiveEvent, LiveId, LiveKind, LiveRead};
pub use people::{
    ApiKey, ApiKeys, Device, Holder, Invitation, Member, NewSession, OneTimeCode, People, Purpose,
    Refreshed, SavedView, SavedViews, Scope, Session, SessionCookie, Sessions, TenantRole, User,
};
pub use persons::{Identified, PersonIdentity};
pub use places::{PlaceKey, Places};
pub use requests::{RequestQuery, RequestView};
pub use security::{REFUSAL_REASONS, SecurityEvent};
pub use settle::{Settle, Settled};
pub use sources::{Source, SourceChange, SourceState, SourceTest, SourceUpdate, TokenHash};
pub use stored::Page;
pub use sweeps::{Completeness, DayLine, Sweep, SweepClaim, SweepState, SweepStep, Sweeps};
pub use tokens::SearchText;
pub use work::{Redriven, StopKind, StoppedCount, WorkFilter, WorkQuery};

/// Result of a store's method.
pub type Result<T, E = StoreError> = std::result::Result<T, E>;

/// The product's memory. Every method can be repeated; writes are durable when they return. What a person asks for
/// takes an [`AuditAction`], which is written to the tenant's audit log in the same transaction, or not at all.
#[async_trait]
pub trait Store:
    WorkQueue
    + EffectLog
    + Calls
    + Deliveries
    + Figures
    + Finding
    + Live
    + Jobs
    + People
    + Places
    + Sessions
    + ApiKeys
    + SavedViews
    + Sweeps
{
    /// Creates a tenant that is not there yet.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when it is.
    async fn create_tenant(&self, tenant: &Tenant, act: &AuditAction) -> Result<()>;

    /// Suspends a tenant, or lets it take part again.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when there is no such tenant.
    async fn set_tenant_status(
        &self,
        tenant: &TenantId,
        status: TenantStatus,
        act: &AuditAction,
    ) -> Result<()>;

    /// Gives a tenant another name.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when there is no such tenant.
    async fn rename_tenant(&self, tenant: &TenantId, name: &str, act: &AuditAction) -> Result<()>;

    /// Every tenant, by id.
    async fn tenants_across_tenants(&self) -> Result<Vec<Tenant>>;

    /// A page of them; `after` is the last of the page before, `limit` 1 to 200.
    async fn page_of_tenants_across_tenants(
        &self,
        after: Option<&TenantId>,
        limit: u32,
    ) -> Result<Page<Tenant>>;

    /// Creates a tenant, or changes its name and status: for the set-up of demos and tests.
    async fn put_tenant(&self, tenant: &Tenant) -> Result<()>;

    /// A tenant; none when there is no such.
    async fn tenant(&self, tenant: &TenantId) -> Result<Option<Tenant>>;

    /// Adds a version of a configuration; returns the newest version. One that is equal to the newest adds none, and
    /// leaves no entry in the audit log.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] if it is not valid; [`StoreError::Outdated`] if its author saw another version than the
    /// newest.
    async fn put_config(&self, new: &NewConfig, act: &AuditAction) -> Result<u64>;

    /// A version of a configuration; `None` stands for the newest.
    async fn config(
        &self,
        tenant: &TenantId,
        kind: ConfigKind,
        name: &str,
        version: Option<u64>,
    ) -> Result<Option<Config>>;

    /// The newest version of each configuration of a kind, the first created first; of one moment, by name.
    async fn configs(&self, tenant: &TenantId, kind: ConfigKind) -> Result<Vec<Config>>;

    /// A page of a configuration's versions, newest first; `before` is the last of the page before, `limit` 1 to 200.
    async fn config_history(
        &self,
        tenant: &TenantId,
        kind: ConfigKind,
        name: &str,
        before: Option<u64>,
        limit: u32,
    ) -> Result<Page<Config>>;

    /// Creates an office, or changes it: for the set-up of demos and tests. Its `config_version` is not used.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when the configuration is not valid.
    async fn put_office(&self, office: &Office) -> Result<()> {
        let name = office.id.to_string();
        let known = self.config(&office.tenant, ConfigKind::Office, &name, None);
        let known = known.await?.map(|known| known.details()).transpose()?;
        let fields = OfficeDetails {
            name: office.name.clone(),
            address: office.address.clone(),
            time_zone: office.time_zone.clone(),
            business_hours: known.and_then(|known| known.business_hours),
        };
        let (workflow, fields_json) = (configs::json(&office.config)?, configs::json(&fields)?);
        // The office comes last: nobody sees it with a configuration of defaults.
        for (kind, json) in [
            (ConfigKind::Workflow, workflow),
            (ConfigKind::Office, fields_json),
        ] {
            let name = office.id.to_string();
            let known = self.config(&office.tenant, kind, &name, None).await?;
            // What a newer build wrote beside it stays, if the rest says the same.
            let is_known = known.is_some_and(|known| match kind {
                ConfigKind::Workflow => known.says(&office.config),
                ConfigKind::Office => known.says(&fields),
                ConfigKind::Source | ConfigKind::SourceVersion | ConfigKind::Mapping => false,
            });
            if is_known {
                continue;
            }
            let act = AuditAction::new("set-up", "config.put", &name);
            let new = NewConfig {
                tenant: office.tenant.clone(),
                kind,
                name,
                json,
                expected: None,
                note: String::new(),
            };
            self.put_config(&new, &act).await?;
        }
        Ok(())
    }

    /// A tenant's offices, the first created first, without those that this build cannot read.
    async fn offices(&self, tenant: &TenantId) -> Result<Vec<Office>> {
        let offices = self.configs(tenant, ConfigKind::Office).await?;
        let workflows = self.configs(tenant, ConfigKind::Workflow).await?;
        configs::read_offices(&offices, &workflows)
    }

    /// Creates a source that is not there yet.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when it is, or when its token, or one of its accounts, belongs to another source;
    /// [`StoreError::NotFound`] when there is no such tenant or office.
    async fn create_source(&self, source: &Source, act: &AuditAction) -> Result<()>;

    /// Changes a source; returns it as it is now.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when there is no such source or office; [`StoreError::Conflict`] when the change is not
    /// possible; [`StoreError::Outdated`] when an update is of another version.
    async fn change_source(
        &self,
        tenant: &TenantId,
        source: SourceId,
        change: SourceChange,
        act: &AuditAction,
    ) -> Result<Source>;

    /// Creates a source, or changes it: for the set-up of demos and tests.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when its token, or one of its accounts, belongs to another source.
    async fn put_source(&self, source: &Source) -> Result<()>;

    /// A tenant's sources, by id.
    async fn sources(&self, tenant: &TenantId) -> Result<Vec<Source>>;

    /// Keeps what came of a source's test, in place of the one before. It is no change of the source.
    ///
    /// # Errors
    /// [`StoreError::NotFound`].
    async fn note_source_test(
        &self,
        tenant: &TenantId,
        source: SourceId,
        test: &SourceTest,
    ) -> Result<()>;

    /// What came of a source's last test; none if it was never tested.
    async fn source_test(&self, tenant: &TenantId, source: SourceId) -> Result<Option<SourceTest>>;

    /// The active source of an active tenant whose URL token has this hash.
    async fn source_by_token_across_tenants(&self, token: &TokenHash) -> Result<Option<Source>>;

    /// The active source of an active tenant that has this account at the provider.
    async fn source_by_account_across_tenants(
        &self,
        provider: &str,
        account: &str,
    ) -> Result<Option<Source>>;

    /// Stores a verified delivery, once: event, request, aliases and first step in one transaction.
    ///
    /// A repeat changes nothing and returns what the first did. Equal deliveries that arrive at once become one.
    ///
    /// # Errors
    /// [`StoreError::Busy`] when it cannot be taken now; [`StoreError::Corrupt`] when it is news of a request that this
    /// build cannot read. Nothing is stored then.
    async fn accept(&self, delivery: Delivery) -> Result<Accepted>;

    /// A stored delivery.
    async fn event(&self, tenant: &TenantId, event: EventId) -> Result<Option<StoredEvent>>;

    /// A page of a tenant's requests, newest first, without those that this build cannot read.
    async fn list_requests(
        &self,
        tenant: &TenantId,
        query: &RequestQuery,
    ) -> Result<Page<LeadRequest>>;

    /// A request with its timeline, open work and records; a merged one leads to the one that goes on.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] when this build cannot read its document.
    async fn request(&self, tenant: &TenantId, request: RequestId) -> Result<Option<RequestView>>;

    /// The open work of a request, without rows that this build cannot read.
    async fn open_work(&self, tenant: &TenantId, request: RequestId) -> Result<Vec<WorkRow>>;

    /// The person behind a request: found by telephone number, then by e-mail address, else made. Asked again with
    /// other identities it returns the same person, and remembers the new ones that belong to nobody else. Requests with
    /// one of the identities that came `link_within` of each other are linked on both sides; see
    /// [`domain::transition::link`].
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when there is no such request.
    async fn person_for_request(
        &self,
        tenant: &TenantId,
        request: RequestId,
        identities: &[PersonIdentity],
        link_within: Duration,
    ) -> Result<Identified>;

    /// Takes two linked requests apart, on both sides. They are not linked again for the same reason.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when one of them is not there; [`StoreError::Conflict`] when they are not linked.
    async fn unlink(
        &self,
        tenant: &TenantId,
        request: RequestId,
        other: RequestId,
        act: &AuditAction,
    ) -> Result<()>;

    /// The bookings of other requests that take a part of this slot in one of its calendars, those of `except` left out,
    /// in order of time, each request once, 50 at most. What was called off or merged takes none.
    async fn booked(
        &self,
        tenant: &TenantId,
        slot: &Slot,
        except: RequestId,
    ) -> Result<Vec<Booked>>;

    /// Has a booking looked at again, because another one that takes a part of its time, or took it, has changed. What is
    /// not there, or is no booking that was looked at, stays as it is.
    async fn recheck_booking(&self, tenant: &TenantId, request: RequestId) -> Result<Vec<Wake>>;

    /// Creates a connection at version 1, or changes what is not its version, state or secret. What was held before
    /// it existed is released by [`Store::replace_secret`].
    async fn put_connection(&self, connection: &Connection) -> Result<()>;

    /// A tenant's connection.
    async fn connection(
        &self,
        tenant: &TenantId,
        name: &ConnectionName,
    ) -> Result<Option<Connection>>;

    /// Records that a connection's secret is now the one of `secret_version`: its version grows by one, and what was held
    /// for it is released before this returns. With `new`, a connection that is not there is created.
    ///
    /// The version grows in one transaction, together with as many releases as fit. A store that must split the rest
    /// releases it in further ones: if the process dies between them, setting the secret again releases what is left.
    /// Requests that this build cannot read stay held.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when there is no such connection; [`StoreError::Conflict`] when it is one to another
    /// provider than `new` says.
    async fn replace_secret(
        &self,
        tenant: &TenantId,
        name: &ConnectionName,
        secret_version: u64,
        new: Option<&NewConnection>,
        act: &AuditAction,
    ) -> Result<ReplacedSecret>;

    /// Notes that a provider took a connection's secret of `version`, and releases what was held for it. Where that secret
    /// does not count as refused nothing is written.
    ///
    /// A store that must split the releases does the rest before this returns; if the process dies between them, the next
    /// hold and what is accepted after it release what is left.
    async fn accept_secret(
        &self,
        tenant: &TenantId,
        name: &ConnectionName,
        version: u64,
    ) -> Result<Released>;

    /// Removes a connection, and lets what was held for it run again, so that it says that there is no such connection.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when there is no such connection.
    async fn remove_connection(
        &self,
        tenant: &TenantId,
        name: &ConnectionName,
        act: &AuditAction,
    ) -> Result<Released>;

    /// A tenant's connections, by name.
    async fn connections(&self, tenant: &TenantId) -> Result<Vec<Connection>>;

    /// Writes the verdict of the actor of `act` on a request that is withheld, and goes on from there; returns what
    /// is due now. A merged request leads to the one that goes on.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when there is no such request; [`StoreError::Conflict`] when it waits for no such
    /// verdict.
    async fn decide(
        &self,
        tenant: &TenantId,
        request: RequestId,
        action: ReviewAction,
        act: &AuditAction,
    ) -> Result<Vec<Wake>>;

    /// Notes that the actor of `act` got in touch with whom a request is from, or tried to. A merged request leads to the
    /// one that goes on.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when there is no such request; [`StoreError::Conflict`] when nothing more is noted of it.
    async fn touch(
        &self,
        tenant: &TenantId,
        request: RequestId,
        touch: NewTouch,
        act: &AuditAction,
    ) -> Result<Vec<Wake>>;

    /// Makes a request run again from a stage on, by the actor of `act`; returns what is due now. A merged request leads
    /// to the one that goes on.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when there is no such request; [`StoreError::Conflict`] when the stage cannot run.
    async fn replay(
        &self,
        tenant: &TenantId,
        request: RequestId,
        from: Stage,
        act: &AuditAction,
    ) -> Result<Vec<Wake>>;

    /// A page of a tenant's work that is held or parked, without rows that this build cannot read.
    async fn stopped_work(&self, tenant: &TenantId, query: &WorkQuery) -> Result<Page<WorkRow>>;

    /// How much of a tenant's work is held and parked, by reason.
    async fn stopped_counts(&self, tenant: &TenantId) -> Result<Vec<StoppedCount>>;

    /// Lets those of `keys` that are held or parked run again as if they were new. Others, and those of other tenants,
    /// are left as they are. Nothing is written to the audit log when nothing runs.
    async fn redrive(
        &self,
        tenant: &TenantId,
        keys: &[WorkKey],
        act: &AuditAction,
    ) -> Result<Redriven>;

    /// A page of a tenant's audit log, newest first.
    async fn audit_log(&self, tenant: &TenantId, query: &AuditQuery) -> Result<Page<AuditEntry>>;

    /// Adds refusals to their minutes' counts.
    async fn record_security_events_across_tenants(&self, events: Vec<SecurityEvent>)
    -> Result<()>;

    /// The newest refusals, for operators and tests.
    async fn security_events_across_tenants(&self, limit: u32) -> Result<Vec<SecurityEvent>>;

    /// Removes refusals of minutes that began before `before`, the oldest first, at most `limit` of them. Returns how
    /// many.
    async fn prune_security_events_across_tenants(
        &self,
        before: Timestamp,
        limit: u32,
    ) -> Result<u32>;

    /// How the adapter's writes went: it has every write watched.
    fn last_write(&self) -> &LastWrite;

    /// Checks that the store reads, and, after a write that failed, that it writes again. Leaves nothing behind.
    ///
    /// # Errors
    /// [`StoreError`] while it does not.
    async fn check_across_tenants(&self) -> Result<()> {
        let anybody =
            TenantId::new("readiness").map_err(|error| StoreError::Failed(error.to_string()))?;
        self.tenant(&anybody).await?;
        if self.last_write().take_failure() {
            // A write of our own: while the process is not ready, nobody sends it another.
            let trace = last_write::trace_of_check();
            let after = trace.minute + std::time::Duration::from_secs(60);
            self.record_security_events_across_tenants(vec![trace])
                .await?;
            self.prune_security_events_across_tenants(after, 10).await?;
        }
        Ok(())
    }
}
