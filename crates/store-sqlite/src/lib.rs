//! The embedded store: SQLite in one file, one writer that commits in groups, readers beside it.

mod api_keys;
mod audit;
mod bookings;
mod calls;
mod checkpoints;
mod configs;
mod connections;
mod deliveries;
mod early;
mod effects;
mod events;
mod figures;
mod finding;
mod indexing;
mod jobs;
mod live;
mod memo;
mod migrations;
mod noted;
mod people;
mod persons;
mod places;
mod readers;
mod requests;
mod rows;
mod saved_views;
mod security;
mod sessions;
mod sources;
mod sql;
mod stopped;
mod sweeps;
mod tenants;
mod work;
mod writer;

use std::{
    path::Path,
    sync::{Arc, atomic::AtomicBool},
    time::Duration,
};

use async_trait::async_trait;
use domain::{
    Claim, Claimed, Clock, ConnectionName, DueWake, EffectEnd, EffectIntent, EffectKey, EffectLog,
    EventId, LeadRequest, NewTouch, Outcome, Record, RequestId, ReviewAction, SettleResult, Slot,
    SourceId, Stage, StoreError, Tenant, TenantId, TenantStatus, Wake, Wanted, WorkKey, WorkQueue,
    WorkRow, transition,
};
use jiff::Timestamp;
use rusqlite::{Connection as Db, config::DbConfig};
use store::{
    Accepted, AuditAction, AuditEntry, AuditQuery, Booked, Config, ConfigCache, ConfigKind,
    Connection, Delivery, IdSource, Identified, LastWrite, LiveChange, NewConfig, NewConnection,
    Page, PersonIdentity, Redriven, Released, ReplacedSecret, RequestQuery, RequestView, Result,
    SecurityEvent, Settle, Source, SourceChange, SourceTest, StoppedCount, Store, StoredEvent,
    TokenHash, WorkQuery,
};

use crate::{
    checkpoints::Checkpoints, live::Watchers, memo::Memo, readers::Readers, writer::Writer,
};

/// SQLite as the product's store. One process at a time opens a file; the caller holds the folder's lock.
pub struct SqliteStore {
    writer: Writer,
    readers: Readers,
    watchers: Arc<Watchers>,
    clock: Arc<dyn Clock>,
    ids: Arc<IdSource>,
    configs: Arc<ConfigCache>,
    last_write: LastWrite,
    connection: Memo<(TenantId, ConnectionName), Option<Connection>>,
    connections: Memo<TenantId, Vec<Connection>>,
    sources: Memo<TenantId, Vec<Source>>,
    _checkpoints: Checkpoints,
}

impl SqliteStore {
    /// Opens or creates the file, brings its schema up to date, and voids the leases of whoever had it open before.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when a newer build wrote it, [`StoreError::Failed`] when it cannot be opened.
    pub fn open(path: &Path, clock: Arc<dyn Clock>) -> Result<Self> {
        let mut db = open(path)?;
        migrations::apply(&mut db, clock.now())?;
        let voided = work::void_leases(&db, clock.now())?;
        let voided = voided + jobs::void_leases(&db, clock.now())?;
        if voided > 0 {
            tracing::info!(voided, "voided the leases of an earlier run");
        }
        let is_checkpoint_due = Arc::<AtomicBool>::default();
        let watchers = Arc::<Watchers>::default();
        let writer = Writer::start(db, is_checkpoint_due.clone(), watchers.clone())
            .map_err(|error| StoreError::Failed(error.to_string()))?;
        let checkpoints = Checkpoints::start(path, is_checkpoint_due)?;
        Ok(Self {
            writer,
            readers: Readers::new(path),
            watchers,
            ids: Arc::new(IdSource::new(clock.clone())),
            clock,
            // Whoever changes a configuration passes through this store.
            configs: Arc::new(ConfigCache::new(Duration::MAX)),
            last_write: LastWrite::default(),
            connection: Memo::default(),
            connections: Memo::default(),
            sources: Memo::default(),
            _checkpoints: checkpoints,
        })
    }

    /// Brings the file's schema up to date and closes it; returns how many steps were taken.
    ///
    /// # Errors
    /// As [`SqliteStore::open`].
    pub fn migrate(path: &Path, clock: &dyn Clock) -> Result<u32> {
        migrations::apply(&mut open(path)?, clock.now())
    }

    /// New ids by this store's clock.
    pub fn ids(&self) -> &IdSource {
        &self.ids
    }

    async fn write<T: Send + 'static>(
        &self,
        work: impl Fn(&Db) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        self.last_write.watch(self.writer.write(work)).await
    }

    /// Writes what [`Memo`]s keep.
    async fn write_kept<T: Send + 'static>(
        &self,
        work: impl Fn(&Db) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let writing = self.writer.write_then(work, self.forget());
        self.last_write.watch(writing).await
    }

    /// Forgets what [`Memo`]s keep.
    fn forget(&self) -> impl FnOnce() + Send + 'static {
        let (connection, connections) = (self.connection.clone(), self.connections.clone());
        let sources = self.sources.clone();
        move || {
            connection.forget();
            connections.forget();
            sources.forget();
        }
    }

    async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Db) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        self.readers.read(work).await
    }

    /// Does what a person asked for, and writes it to the audit log, or neither.
    async fn act<T: Send + 'static>(
        &self,
        tenant: &TenantId,
        act: &AuditAction,
        change: impl Fn(&Db, Timestamp) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        self.act_if(tenant, act, change, |_| true).await
    }

    /// The same, where it may turn out that nothing changes: that leaves no entry in the audit log.
    async fn act_if<T: Send + 'static>(
        &self,
        tenant: &TenantId,
        act: &AuditAction,
        change: impl Fn(&Db, Timestamp) -> Result<T> + Send + 'static,
        is_change: fn(&T) -> bool,
    ) -> Result<T> {
        let (tenant, act) = (tenant.clone(), act.clone());
        let (ids, clock) = (self.ids.clone(), self.clock.clone());
        self.write_kept(move |db| {
            let now = clock.now();
            let done = change(db, now)?;
            if is_change(&done) {
                audit::record(db, &ids, now, &tenant, &act)?;
                if let Some(change) = LiveChange::of_act(&act) {
                    noted::tell(now, &tenant, change);
                }
            }
            Ok(done)
        })
        .await
    }
}

fn open(path: &Path) -> Result<Db> {
    let db = Db::open(path).map_err(rows::store_error)?;
    db.busy_timeout(Duration::from_secs(5))
        .map_err(rows::store_error)?;
    db.set_prepared_statement_cache_capacity(128);
    // A statement is planned once, not again for each value: no plan here depends on one.
    db.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)
        .map_err(rows::store_error)?;
    // A commit is on the disk before anybody hears of it; checkpoints run beside the writer. Each commit walks over the
    // whole cache of pages, so it holds what a group of units touches, not the database.
    db.execute_batch(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 0; \
         PRAGMA cache_size = -8192; PRAGMA temp_store = MEMORY; PRAGMA foreign_keys = ON;",
    )
    .map_err(rows::store_error)?;
    Ok(db)
}

#[async_trait]
impl Store for SqliteStore {
    async fn create_tenant(&self, tenant: &Tenant, act: &AuditAction) -> Result<()> {
        let new = tenant.clone();
        self.act(&tenant.id, act, move |db, _| tenants::create(db, &new))
            .await
    }

    async fn set_tenant_status(
        &self,
        tenant: &TenantId,
        status: TenantStatus,
        act: &AuditAction,
    ) -> Result<()> {
        let id = tenant.clone();
        self.act(tenant, act, move |db, _| {
            tenants::set_status(db, &id, status)
        })
        .await
    }

    async fn rename_tenant(&self, tenant: &TenantId, name: &str, act: &AuditAction) -> Result<()> {
        let (id, name) = (tenant.clone(), name.to_owned());
        self.act(tenant, act, move |db, _| tenants::rename(db, &id, &name))
            .await
    }

    async fn tenants_across_tenants(&self) -> Result<Vec<Tenant>> {
        self.read(tenants::all).await
    }

    async fn page_of_tenants_across_tenants(
        &self,
        after: Option<&TenantId>,
        limit: u32,
    ) -> Result<Page<Tenant>> {
        let after = after.cloned();
        self.read(move |db| tenants::page(db, after.as_ref(), limit))
            .await
    }

    async fn put_tenant(&self, tenant: &Tenant) -> Result<()> {
        let (tenant, configs) = (tenant.clone(), self.configs.clone());
        self.write(move |db| {
            configs.clear();
            tenants::put_tenant(db, &tenant)
        })
        .await
    }

    async fn tenant(&self, tenant: &TenantId) -> Result<Option<Tenant>> {
        let tenant = tenant.clone();
        self.read(move |db| tenants::tenant(db, &tenant)).await
    }

    async fn put_config(&self, new: &NewConfig, act: &AuditAction) -> Result<u64> {
        new.check()?;
        let (tenant, author) = (new.tenant.clone(), act.actor.clone());
        let (new, configs) = (new.clone(), self.configs.clone());
        let change = move |db: &Db, now| {
            configs.clear();
            configs::put(db, now, &new, &author)
        };
        let put = self.act_if(&tenant, act, change, |(_, is_new)| *is_new);
        Ok(put.await?.0)
    }

    async fn config(
        &self,
        tenant: &TenantId,
        kind: ConfigKind,
        name: &str,
        version: Option<u64>,
    ) -> Result<Option<Config>> {
        let (tenant, name) = (tenant.clone(), name.to_owned());
        self.read(move |db| configs::one(db, &tenant, kind, &name, version))
            .await
    }

    async fn configs(&self, tenant: &TenantId, kind: ConfigKind) -> Result<Vec<Config>> {
        let tenant = tenant.clone();
        self.read(move |db| configs::newest(db, &tenant, kind))
            .await
    }

    async fn config_history(
        &self,
        tenant: &TenantId,
        kind: ConfigKind,
        name: &str,
        before: Option<u64>,
        limit: u32,
    ) -> Result<Page<Config>> {
        let (tenant, name) = (tenant.clone(), name.to_owned());
        self.read(move |db| configs::history(db, &tenant, kind, &name, before, limit))
            .await
    }

    async fn create_source(&self, source: &Source, act: &AuditAction) -> Result<()> {
        let (new, author) = (source.clone(), act.actor.clone());
        self.act(&source.tenant, act, move |db, now| {
            sources::create(db, now, &new, &author)
        })
        .await
    }

    async fn change_source(
        &self,
        tenant: &TenantId,
        source: SourceId,
        change: SourceChange,
        act: &AuditAction,
    ) -> Result<Source> {
        let (id, author) = (tenant.clone(), act.actor.clone());
        self.act(tenant, act, move |db, now| {
            sources::change(db, now, (&id, source), change.clone(), &author)
        })
        .await
    }

    async fn put_source(&self, source: &Source) -> Result<()> {
        let source = source.clone();
        self.write_kept(move |db| sources::put(db, &source)).await
    }

    async fn sources(&self, tenant: &TenantId) -> Result<Vec<Source>> {
        let key = tenant.clone();
        let read = self.read(move |db| sources::of_tenant(db, &key));
        self.sources.get(tenant.clone(), read).await
    }

    async fn note_source_test(
        &self,
        tenant: &TenantId,
        source: SourceId,
        test: &SourceTest,
    ) -> Result<()> {
        let (tenant, test) = (tenant.clone(), test.clone());
        self.write(move |db| sources::note_test(db, &tenant, source, &test))
            .await
    }

    async fn source_test(&self, tenant: &TenantId, source: SourceId) -> Result<Option<SourceTest>> {
        let tenant = tenant.clone();
        self.read(move |db| sources::last_test(db, &tenant, source))
            .await
    }

    async fn source_by_token_across_tenants(&self, token: &TokenHash) -> Result<Option<Source>> {
        let token = *token;
        self.read(move |db| sources::by_token(db, &token)).await
    }

    async fn source_by_account_across_tenants(
        &self,
        provider: &str,
        account: &str,
    ) -> Result<Option<Source>> {
        let (provider, account) = (provider.to_owned(), account.to_owned());
        self.read(move |db| sources::by_account(db, &provider, &account))
            .await
    }

    async fn accept(&self, delivery: Delivery) -> Result<Accepted> {
        let (ids, clock) = (self.ids.clone(), self.clock.clone());
        // Hashed here, because the writer is the bottleneck.
        let key = events::Key::of(&delivery);
        self.write(move |db| events::accept(db, &ids, clock.now(), &delivery, &key))
            .await
    }

    async fn event(&self, tenant: &TenantId, event: EventId) -> Result<Option<StoredEvent>> {
        let tenant = tenant.clone();
        self.read(move |db| events::event(db, &tenant, event)).await
    }

    async fn list_requests(
        &self,
        tenant: &TenantId,
        query: &RequestQuery,
    ) -> Result<Page<LeadRequest>> {
        let (tenant, query) = (tenant.clone(), query.clone());
        self.read(move |db| requests::list(db, &tenant, &query))
            .await
    }

    async fn request(&self, tenant: &TenantId, request: RequestId) -> Result<Option<RequestView>> {
        let tenant = tenant.clone();
        self.read(move |db| requests::view(db, &tenant, request))
            .await
    }

    async fn open_work(&self, tenant: &TenantId, request: RequestId) -> Result<Vec<WorkRow>> {
        let tenant = tenant.clone();
        self.read(move |db| {
            Ok(requests::work(db, &tenant, request)?
                .iter()
                .cloned()
                .collect())
        })
        .await
    }

    async fn person_for_request(
        &self,
        tenant: &TenantId,
        request: RequestId,
        identities: &[PersonIdentity],
        link_within: Duration,
    ) -> Result<Identified> {
        let (tenant, identities) = (tenant.clone(), identities.to_vec());
        let (ids, clock) = (self.ids.clone(), self.clock.clone());
        self.write(move |db| {
            let now = clock.now();
            persons::for_request(db, &ids, now, &tenant, request, &identities, link_within)
        })
        .await
    }

    async fn unlink(
        &self,
        tenant: &TenantId,
        request: RequestId,
        other: RequestId,
        act: &AuditAction,
    ) -> Result<()> {
        let (id, actor) = (tenant.clone(), act.actor.clone());
        self.act(tenant, act, move |db, now| {
            persons::unlink(db, now, &id, request, other, &actor)
        })
        .await
    }

    async fn booked(
        &self,
        tenant: &TenantId,
        slot: &Slot,
        except: RequestId,
    ) -> Result<Vec<Booked>> {
        let (tenant, slot) = (tenant.clone(), slot.clone());
        self.read(move |db| bookings::of_slot(db, &tenant, &slot, except))
            .await
    }

    async fn recheck_booking(&self, tenant: &TenantId, request: RequestId) -> Result<Vec<Wake>> {
        let (tenant, clock) = (tenant.clone(), self.clock.clone());
        self.write(move |db| bookings::recheck(db, &tenant, request, clock.now()))
            .await
    }

    async fn put_connection(&self, connection: &Connection) -> Result<()> {
        let connection = connection.clone();
        self.write_kept(move |db| connections::put(db, &connection))
            .await
    }

    async fn connection(
        &self,
        tenant: &TenantId,
        name: &ConnectionName,
    ) -> Result<Option<Connection>> {
        let key = (tenant.clone(), name.clone());
        let read = self.read({
            let (tenant, name) = key.clone();
            move |db| connections::one(db, &tenant, &name)
        });
        self.connection.get(key, read).await
    }

    async fn replace_secret(
        &self,
        tenant: &TenantId,
        name: &ConnectionName,
        secret_version: u64,
        new: Option<&NewConnection>,
        act: &AuditAction,
    ) -> Result<ReplacedSecret> {
        let (id, name, new) = (tenant.clone(), name.clone(), new.cloned());
        self.act(tenant, act, move |db, now| {
            connections::replace_secret(db, now, (&id, &name), secret_version, new.as_ref())
        })
        .await
    }

    async fn accept_secret(
        &self,
        tenant: &TenantId,
        name: &ConnectionName,
        version: u64,
    ) -> Result<Released> {
        let (tenant, name, clock) = (tenant.clone(), name.clone(), self.clock.clone());
        self.write_kept(move |db| {
            connections::accept_secret(db, clock.now(), (&tenant, &name), version)
        })
        .await
    }

    async fn remove_connection(
        &self,
        tenant: &TenantId,
        name: &ConnectionName,
        act: &AuditAction,
    ) -> Result<Released> {
        let (id, name) = (tenant.clone(), name.clone());
        self.act(tenant, act, move |db, now| {
            connections::remove(db, now, (&id, &name))
        })
        .await
    }

    async fn connections(&self, tenant: &TenantId) -> Result<Vec<Connection>> {
        let key = tenant.clone();
        let read = self.read(move |db| connections::all(db, &key));
        self.connections.get(tenant.clone(), read).await
    }

    async fn decide(
        &self,
        tenant: &TenantId,
        request: RequestId,
        action: ReviewAction,
        act: &AuditAction,
    ) -> Result<Vec<Wake>> {
        let (id, actor) = (tenant.clone(), act.actor.clone());
        self.act(tenant, act, move |db, now| {
            stopped::decided(db, &id, request, |state| {
                transition::decide(state, action, &actor, now)
            })
        })
        .await
    }

    async fn touch(
        &self,
        tenant: &TenantId,
        request: RequestId,
        touch: NewTouch,
        act: &AuditAction,
    ) -> Result<Vec<Wake>> {
        let (id, actor) = (tenant.clone(), act.actor.clone());
        self.act(tenant, act, move |db, now| {
            stopped::decided(db, &id, request, |state| {
                transition::touch(state, touch.clone(), &actor, now)
            })
        })
        .await
    }

    async fn replay(
        &self,
        tenant: &TenantId,
        request: RequestId,
        from: Stage,
        act: &AuditAction,
    ) -> Result<Vec<Wake>> {
        let (id, actor) = (tenant.clone(), act.actor.clone());
        self.act(tenant, act, move |db, now| {
            stopped::decided(db, &id, request, |state| {
                transition::replay(state, from, &actor, now)
            })
        })
        .await
    }

    async fn stopped_work(&self, tenant: &TenantId, query: &WorkQuery) -> Result<Page<WorkRow>> {
        let (tenant, query) = (tenant.clone(), query.clone());
        self.read(move |db| stopped::page(db, &tenant, &query))
            .await
    }

    async fn stopped_counts(&self, tenant: &TenantId) -> Result<Vec<StoppedCount>> {
        let tenant = tenant.clone();
        self.read(move |db| stopped::counts(db, &tenant)).await
    }

    async fn redrive(
        &self,
        tenant: &TenantId,
        keys: &[WorkKey],
        act: &AuditAction,
    ) -> Result<Redriven> {
        let (id, keys, actor) = (tenant.clone(), keys.to_vec(), act.actor.clone());
        let change = move |db: &Db, now| stopped::redrive(db, now, &id, &keys, &actor);
        self.act_if(tenant, act, change, |redriven| !redriven.keys.is_empty())
            .await
    }

    async fn audit_log(&self, tenant: &TenantId, query: &AuditQuery) -> Result<Page<AuditEntry>> {
        let (tenant, query) = (tenant.clone(), query.clone());
        self.read(move |db| audit::page(db, &tenant, &query)).await
    }

    async fn record_security_events_across_tenants(
        &self,
        events: Vec<SecurityEvent>,
    ) -> Result<()> {
        self.write(move |db| security::record(db, &events)).await
    }

    async fn security_events_across_tenants(&self, limit: u32) -> Result<Vec<SecurityEvent>> {
        self.read(move |db| security::newest(db, limit)).await
    }

    async fn prune_security_events_across_tenants(
        &self,
        before: Timestamp,
        limit: u32,
    ) -> Result<u32> {
        self.write(move |db| security::prune(db, before, limit))
            .await
    }

    fn last_write(&self) -> &LastWrite {
        &self.last_write
    }
}

#[async_trait]
impl WorkQueue for SqliteStore {
    async fn claim(&self, wake: &Wake, lease: Duration) -> Result<Option<Claimed>> {
        let (wake, clock, configs) = (wake.clone(), self.clock.clone(), self.configs.clone());
        self.write(move |db| work::claim(db, &configs, clock.now(), &wake, lease))
            .await
    }

    async fn renew(&self, claim: &Claim, lease: Duration) -> Result<bool> {
        let (claim, clock) = (claim.clone(), self.clock.clone());
        self.write(move |db| work::renew(db, clock.now(), &claim, lease))
            .await
    }

    async fn settle_and_claim(
        &self,
        job: &Claimed,
        outcome: Outcome,
        records: Vec<Record>,
        duration: Duration,
        wanted: Option<Wanted>,
    ) -> Result<(SettleResult, Option<Claimed>)> {
        let settle = Settle::new(job, outcome, records, duration, rand::random(), wanted);
        let (ids, clock) = (self.ids.clone(), self.clock.clone());
        let is_hold = settle.holds_for().is_some();
        let work = move |db: &Db| work::settle(db, &ids, clock.now(), &settle);
        if is_hold {
            // It says of the connection that its secret is refused.
            self.write_kept(work).await
        } else {
            self.write(work).await
        }
    }

    async fn waiting_across_tenants(&self) -> Result<Vec<(TenantId, Stage)>> {
        self.read(work::waiting).await
    }

    async fn due_wakes_across_tenants(&self, per_tenant: u32, limit: u32) -> Result<Vec<DueWake>> {
        let clock = self.clock.clone();
        self.read(move |db| work::due_wakes(db, clock.now(), per_tenant, limit))
            .await
    }

    async fn move_wakes_across_tenants(&self, due: Vec<DueWake>) -> Result<Vec<Wake>> {
        let clock = self.clock.clone();
        self.write(move |db| work::move_wakes(db, clock.now(), &due))
            .await
    }

    async fn due_work(&self, tenant: &TenantId, stage: Stage, limit: u32) -> Result<Vec<Wake>> {
        let (tenant, clock) = (tenant.clone(), self.clock.clone());
        self.read(move |db| work::due_work(db, clock.now(), &tenant, stage, limit))
            .await
    }
}

#[async_trait]
impl EffectLog for SqliteStore {
    async fn intend(
        &self,
        claim: &Claim,
        key: &EffectKey,
        call_deadline: Duration,
    ) -> Result<EffectIntent> {
        let (claim, key, clock) = (claim.clone(), key.clone(), self.clock.clone());
        self.write(move |db| effects::intend(db, clock.now(), &claim, &key, call_deadline, false))
            .await
    }

    async fn intend_again(
        &self,
        claim: &Claim,
        key: &EffectKey,
        call_deadline: Duration,
    ) -> Result<EffectIntent> {
        let (claim, key, clock) = (claim.clone(), key.clone(), self.clock.clone());
        self.write(move |db| effects::intend(db, clock.now(), &claim, &key, call_deadline, true))
            .await
    }

    async fn conclude(&self, claim: &Claim, key: &EffectKey, end: EffectEnd) -> Result<()> {
        let (claim, key) = (claim.clone(), key.clone());
        self.write(move |db| effects::conclude(db, &claim, &key, &end))
            .await
    }
}
