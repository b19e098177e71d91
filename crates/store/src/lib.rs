//! What the product keeps: the trait [`Store`], the types that cross it, and the suite that every adapter must pass.
//!
//! A method takes a `&TenantId`, or is named `…_across_tenants`. Another tenant's ids are not found.
#![warn(missing_docs)]

mod connections;
pub mod contract;
mod events;
mod id_source;
mod persons;
mod requests;
mod security;
mod sources;

use async_trait::async_trait;
use domain::{
    ConnectionName, EffectLog, EventId, Office, PersonId, RequestId, StoreError, Tenant, TenantId,
    Wake, WorkQueue, WorkRow,
};

pub use connections::{Connection, ConnectionState};
pub use events::{Accepted, Delivery, Reading, Receipt, StoredEvent};
pub use id_source::IdSource;
pub use persons::PersonIdentity;
pub use requests::{RequestPage, RequestQuery, RequestView};
pub use security::SecurityEvent;
pub use sources::{Source, SourceState, TokenHash};

/// Result of a store's method.
pub type Result<T, E = StoreError> = std::result::Result<T, E>;

/// The product's memory. Every method can be repeated; writes are durable when they return.
#[async_trait]
pub trait Store: WorkQueue + EffectLog {
    /// Creates a tenant, or changes its name and status.
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

    /// Creates a source, or changes it.
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
    /// held for it is released, in one transaction. Answers the new version and the rows that are due now.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when there is no such connection.
    async fn replace_secret(
        &self,
        tenant: &TenantId,
        name: &ConnectionName,
        secret_version: u64,
    ) -> Result<(u64, Vec<Wake>)>;

    /// Adds refusals to their minutes' counts.
    async fn record_security_events_across_tenants(&self, events: Vec<SecurityEvent>)
    -> Result<()>;

    /// The newest refusals, for operators and tests.
    async fn security_events_across_tenants(&self, limit: u32) -> Result<Vec<SecurityEvent>>;
}
