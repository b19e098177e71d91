//! What the product keeps: the trait [`Store`], the types that cross it, and the suite that every adapter must pass.
//!
//! A method takes a `&TenantId`, or is named `…_across_tenants`. Another tenant's ids are not found.
#![warn(missing_docs)]

mod audit;
mod connections;
pub mod contract;
mod events;
mod id_source;
mod persons;
mod requests;
mod security;
mod sources;
mod work;

use async_trait::async_trait;
use domain::{
    AuditId, ConnectionName, EffectLog, EventId, Office, PersonId, RequestId, Ruling, SourceId,
    Stage, StoreError, Tenant, TenantId, TenantStatus, Wake, WorkKey, WorkQueue, WorkRow,
};
use jiff::Timestamp;

pub use audit::{Act, AuditEntry, AuditPage};
pub use connections::{Connection, ConnectionState, NewConnection, ReplacedSecret};
pub use events::{Accepted, Delivery, Reading, Receipt, StoredEvent};
pub use id_source::IdSource;
pub use persons::PersonIdentity;
pub use requests::{RequestPage, RequestQuery, RequestView};
pub use security::SecurityEvent;
pub use sources::{Source, SourceChange, SourceState, TokenHash};
pub use work::{Redriven, Stop, StoppedCount, WorkFilter, WorkPage, WorkQuery};

/// Result of a store's method.
pub type Result<T, E = StoreError> = std::result::Result<T, E>;

/// The product's memory. Every method can be repeated; writes are durable when they return. What a person asks for
/// takes an [`Act`], which is written to the tenant's audit log in the same transaction, or not at all.
#[async_trait]
pub trait Store: WorkQueue + EffectLog {
    /// Creates a tenant that is not there yet.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when it is.
    async fn create_tenant(&self, tenant: &Tenant, act: &Act) -> Result<()>;

    /// Suspends a tenant, or lets it take part again.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when there is no such tenant.
    async fn set_tenant_status(
        &self,
        tenant: &TenantId,
        status: TenantStatus,
        act: &Act,
    ) -> Result<()>;

    /// Every tenant, by id.
    async fn tenants_across_tenants(&self) -> Result<Vec<Tenant>>;

    /// Creates a tenant, or changes its name and status: for the set-up of demos and tests.
    async fn put_tenant(&self, tenant: &Tenant) -> Result<()>;

    /// A tenant; none when there is no such.
    async fn tenant(&self, tenant: &TenantId) -> Result<Option<Tenant>>;

    /// Creates an office, or changes it; its configuration's version grows when the configuration differs.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when the configuration is not valid.
    async fn put_office(&self, office: &Office) -> Result<()>;

    /// A tenant's offices, by id.
    async fn offices(&self, tenant: &TenantId) -> Result<Vec<Office>>;

    /// Creates a source that is not there yet.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when it is, or when its token, or one of its accounts, belongs to another source;
    /// [`StoreError::NotFound`] when there is no such tenant or office.
    async fn create_source(&self, source: &Source, act: &Act) -> Result<()>;

    /// Changes a source; answers what it is now.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when there is no such source; [`StoreError::Conflict`] when the change is not possible.
    async fn change_source(
        &self,
        tenant: &TenantId,
        source: SourceId,
        change: SourceChange,
        act: &Act,
    ) -> Result<Source>;

    /// Creates a source, or changes it: for the set-up of demos and tests.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when its token, or one of its accounts, belongs to another source.
    async fn put_source(&self, source: &Source) -> Result<()>;

    /// A tenant's sources, by id.
    async fn sources(&self, tenant: &TenantId) -> Result<Vec<Source>>;

    /// The active source of an active tenant whose URL token has this hash.
    async fn source_by_token_across_tenants(&self, token: &TokenHash) -> Result<Option<Source>>;

    /// The active source of an active tenant that has this account at the provider.
    async fn source_by_account_across_tenants(
        &self,
        provider: &str,
        account: &str,
    ) -> Result<Option<Source>>;

    /// Stores a proven delivery, once: event, request, aliases and first step in one transaction.
    ///
    /// A repeat changes nothing and answers what the first did. Equal deliveries that come at once become one.
    ///
    /// # Errors
    /// [`StoreError::Busy`] when it cannot be taken now; nothing is stored then.
    async fn accept(&self, delivery: Delivery) -> Result<Accepted>;

    /// A stored delivery.
    async fn event(&self, tenant: &TenantId, event: EventId) -> Result<Option<StoredEvent>>;

    /// A page of a tenant's requests, newest first.
    async fn list_requests(&self, tenant: &TenantId, query: &RequestQuery) -> Result<RequestPage>;

    /// A request with its timeline, open work and records; a merged one leads to the one that goes on.
    async fn request(&self, tenant: &TenantId, request: RequestId) -> Result<Option<RequestView>>;

    /// The open work of a request.
    async fn open_work(&self, tenant: &TenantId, request: RequestId) -> Result<Vec<WorkRow>>;

    /// The person behind a request: found by telephone number, then by e-mail address, else made. Asked again with
    /// other identities it answers the same person, and remembers the new ones that belong to nobody else.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when there is no such request.
    async fn person_for_request(
        &self,
        tenant: &TenantId,
        request: RequestId,
        identities: &[PersonIdentity],
    ) -> Result<PersonId>;

    /// Creates a connection at version 1, or changes what is not its version, state or secret. What was held before
    /// it existed is released by [`Store::replace_secret`].
    async fn put_connection(&self, connection: &Connection) -> Result<()>;

    /// A tenant's connection.
    async fn connection(
        &self,
        tenant: &TenantId,
        name: &ConnectionName,
    ) -> Result<Option<Connection>>;

    /// Tells that a connection's secret is now the one of `secret_version`: its version grows by one and what was
    /// held for it is released, in one transaction. With `new`, a connection that is not there is created.
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
        act: &Act,
    ) -> Result<ReplacedSecret>;

    /// A tenant's connections, by name.
    async fn connections(&self, tenant: &TenantId) -> Result<Vec<Connection>>;

    /// Writes the verdict of the actor of `act` on a request that was kept back, and goes on from there; answers what
    /// is due now. A merged request leads to the one that goes on.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when there is no such request; [`StoreError::Conflict`] when it waits for no such
    /// verdict.
    async fn decide(
        &self,
        tenant: &TenantId,
        request: RequestId,
        ruling: Ruling,
        act: &Act,
    ) -> Result<Vec<Wake>>;

    /// Has a request run again from a stage on, by the actor of `act`; answers what is due now. A merged request leads
    /// to the one that goes on.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when there is no such request; [`StoreError::Conflict`] when the stage cannot run.
    async fn replay(
        &self,
        tenant: &TenantId,
        request: RequestId,
        from: Stage,
        act: &Act,
    ) -> Result<Vec<Wake>>;

    /// A page of a tenant's work that is held or parked.
    async fn stopped_work(&self, tenant: &TenantId, query: &WorkQuery) -> Result<WorkPage>;

    /// How much of a tenant's work is held and parked, by reason.
    async fn stopped_counts(&self, tenant: &TenantId) -> Result<Vec<StoppedCount>>;

    /// Lets those of `keys` that are held or parked run again as if they were new. Others, and those of other tenants,
    /// are left as they are. Nothing is written to the audit log when nothing runs.
    async fn redrive(&self, tenant: &TenantId, keys: &[WorkKey], act: &Act) -> Result<Redriven>;

    /// A page of a tenant's audit log, newest first; `before` is the last of the page before, `limit` 1 to 200.
    async fn audit_log(
        &self,
        tenant: &TenantId,
        before: Option<AuditId>,
        limit: u32,
    ) -> Result<AuditPage>;

    /// Adds refusals to their minutes' counts.
    async fn record_security_events_across_tenants(&self, events: Vec<SecurityEvent>)
    -> Result<()>;

    /// The newest refusals, for operators and tests.
    async fn security_events_across_tenants(&self, limit: u32) -> Result<Vec<SecurityEvent>>;

    /// Removes refusals of minutes that began before `before`, the oldest first, at most `limit` of them. Answers how
    /// many.
    async fn prune_security_events_across_tenants(
        &self,
        before: Timestamp,
        limit: u32,
    ) -> Result<u32>;
}
