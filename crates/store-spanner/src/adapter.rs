//! The store's traits, each method one transaction or one read.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use async_trait::async_trait;
use domain::{
    Claim, Claimed, ConnectionName, DueWake, EffectEnd, EffectIntent, EffectKey, EffectLog,
    EventId, LeadRequest, NewTouch, Outbox, OutboxRow, Outcome, Record, RequestId, ReviewAction,
    SettleResult, Slot, SourceId, Stage, Tenant, TenantId, TenantStatus, Wake, Wanted, WorkKey,
    WorkQueue, WorkRow,
    transition::{self, ReleaseReason},
};
use google_cloud_spanner::key::Key;
use jiff::Timestamp;
use store::{
    Accepted, AuditAction, AuditEntry, AuditQuery, Booked, Config, ConfigKind, Connection,
    Delivery, Identified, LastWrite, NewConfig, NewConnection, Page, PersonIdentity, Redriven,
    Released, ReplacedSecret, RequestQuery, RequestView, Result, SecurityEvent, Settle, Source,
    SourceChange, SourceTest, StoppedCount, Store, StoredEvent, TokenHash, WorkQuery,
};

use crate::{
    MOVED_AT_ONCE, SpannerStore, audit, bookings, configs, connections, effects, events, outbox,
    persons, security, sources, stopped, tenants, views, wakes, work,
};

/// A closure for a transaction that is run again when Spanner aborts it: what it names is cloned for every run.
macro_rules! again {
    ([$($name:ident),*] |$tx:ident| $work:expr) => {
        move |$tx| {
            $(let $name = $name.clone();)*
            async move { $work.await }
        }
    };
}
pub(crate) use again;

impl SpannerStore {
    /// Releases what is left of what is held for a connection. A revoked key can hold thousands of steps, more than one
    /// transaction can write.
    async fn release_rest(
        &self,
        tenant: TenantId,
        name: ConnectionName,
        reason: ReleaseReason,
    ) -> Result<Released> {
        let mut all = Released::default();
        loop {
            let (tenant, name) = (tenant.clone(), name.clone());
            let rest = again!(
                [tenant, name] | tx | connections::release_some(&tx, &tenant, &name, reason)
            );
            let released = self.write("secret.release", rest).await?;
            if released.rows == 0 {
                return Ok(all);
            }
            all.rows += released.rows;
            all.wakes.extend(released.wakes);
        }
    }
}

#[async_trait]
impl Store for SpannerStore {
    async fn create_tenant(&self, tenant: &Tenant, act: &AuditAction) -> Result<()> {
        let new = tenant.clone();
        self.act(
            &tenant.id,
            act,
            again!([new] | tx | tenants::create(&tx, &new)),
        )
        .await
    }

    async fn set_tenant_status(
        &self,
        tenant: &TenantId,
        status: TenantStatus,
        act: &AuditAction,
    ) -> Result<()> {
        let id = tenant.clone();
        let change = again!([id] | tx | tenants::set_status(&tx, &id, status));
        self.act(tenant, act, change).await
    }

    async fn rename_tenant(&self, tenant: &TenantId, name: &str, act: &AuditAction) -> Result<()> {
        let (id, name) = (tenant.clone(), name.to_owned());
        let change = again!([id, name] | tx | tenants::rename(&tx, &id, &name));
        self.act(tenant, act, change).await
    }

    async fn tenants_across_tenants(&self) -> Result<Vec<Tenant>> {
        self.read(async |reader| tenants::all_across_tenants(&reader).await)
            .await
    }

    async fn page_of_tenants_across_tenants(
        &self,
        after: Option<&TenantId>,
        limit: u32,
    ) -> Result<Page<Tenant>> {
        self.read(async |reader| tenants::page_across_tenants(&reader, after, limit).await)
            .await
    }

    async fn put_tenant(&self, tenant: &Tenant) -> Result<()> {
        let tenant = tenant.clone();
        let change = again!([tenant] | tx | async { tenants::put_tenant(&tx, &tenant) });
        self.write("tenant.put", change).await?;
        self.configs.clear();
        Ok(())
    }

    async fn tenant(&self, tenant: &TenantId) -> Result<Option<Tenant>> {
        self.read(async |reader| tenants::tenant(&reader, tenant).await)
            .await
    }

    async fn put_config(&self, new: &NewConfig, act: &AuditAction) -> Result<u64> {
        new.check()?;
        let (tenant, author) = (new.tenant.clone(), act.actor.clone());
        let new = new.clone();
        let change = again!([new, author] | tx | configs::put(&tx, &new, &author));
        let put = self.act_if(&tenant, act, change, |(_, is_new)| *is_new);
        let (version, _) = put.await?;
        self.configs.clear();
        Ok(version)
    }

    async fn config(
        &self,
        tenant: &TenantId,
        kind: ConfigKind,
        name: &str,
        version: Option<u64>,
    ) -> Result<Option<Config>> {
        self.read(async |reader| configs::one(&reader, tenant, kind, name, version).await)
            .await
    }

    async fn configs(&self, tenant: &TenantId, kind: ConfigKind) -> Result<Vec<Config>> {
        self.read(async |reader| configs::newest(&reader, tenant, &[kind]).await)
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
        self.read(async |reader| configs::history(&reader, tenant, kind, name, before, limit).await)
            .await
    }

    async fn create_source(&self, source: &Source, act: &AuditAction) -> Result<()> {
        let (new, author) = (source.clone(), act.actor.clone());
        let change = again!([new, author] | tx | sources::create(&tx, &new, &author));
        self.act(&source.tenant, act, change).await
    }

    async fn change_source(
        &self,
        tenant: &TenantId,
        source: SourceId,
        change: SourceChange,
        act: &AuditAction,
    ) -> Result<Source> {
        let (id, by) = (tenant.clone(), act.actor.clone());
        let change = again!([id, change, by] | tx | sources::change(&tx, &id, source, change, &by));
        self.act(tenant, act, change).await
    }

    async fn put_source(&self, source: &Source) -> Result<()> {
        let source = source.clone();
        let change = again!([source] | tx | sources::put(&tx, &source));
        self.write("source.put", change).await
    }

    async fn sources(&self, tenant: &TenantId) -> Result<Vec<Source>> {
        self.read(async |reader| sources::of_tenant(&reader, tenant).await)
            .await
    }

    async fn note_source_test(
        &self,
        tenant: &TenantId,
        source: SourceId,
        test: &SourceTest,
    ) -> Result<()> {
        let (id, test) = (tenant.clone(), test.clone());
        let change = again!([id, test] | tx | sources::note_test(&tx, &id, source, &test));
        self.write("source.test", change).await
    }

    async fn source_test(&self, tenant: &TenantId, source: SourceId) -> Result<Option<SourceTest>> {
        self.read(async |reader| sources::last_test(&reader, tenant, source).await)
            .await
    }

    async fn source_by_token_across_tenants(&self, token: &TokenHash) -> Result<Option<Source>> {
        self.read(async |reader| sources::by_token_across_tenants(&reader, token).await)
            .await
    }

    async fn source_by_account_across_tenants(
        &self,
        provider: &str,
        account: &str,
    ) -> Result<Option<Source>> {
        self.read(async |reader| {
            sources::by_account_across_tenants(&reader, provider, account).await
        })
        .await
    }

    async fn accept(&self, delivery: Delivery) -> Result<Accepted> {
        let (tenant, key) = (delivery.tenant.clone(), delivery.deduplication_key());
        let (delivery, ids) = (Arc::new(delivery), self.ids.clone());
        // Equal deliveries at once would abort each other's transactions for seconds, so they wait for the first and take
        // its result.
        let stripe = self.stripe(key);
        let before = stripe.stored.load(Ordering::Acquire);
        let mut last = stripe.last.lock().await;
        let same = last.as_ref();
        if let Some(accepted) = same.and_then(|stored| stored.again(before, &tenant, key)) {
            return Ok(accepted);
        }
        let work = again!([delivery, ids] | tx | events::accept(&tx, &ids, &delivery));
        let kept = self.write("event.accept", work).await?;
        let number = stripe.stored.fetch_add(1, Ordering::AcqRel) + 1;
        *last = Some(kept.stored(number, tenant, key));
        Ok(kept.committed())
    }

    async fn event(&self, tenant: &TenantId, event: EventId) -> Result<Option<StoredEvent>> {
        self.read(async |reader| events::event(&reader, tenant, event).await)
            .await
    }

    async fn list_requests(
        &self,
        tenant: &TenantId,
        query: &RequestQuery,
    ) -> Result<Page<LeadRequest>> {
        self.read(async |reader| views::list(&reader, tenant, query).await)
            .await
    }

    async fn request(&self, tenant: &TenantId, request: RequestId) -> Result<Option<RequestView>> {
        self.read(async |reader| views::view(&reader, tenant, request).await)
            .await
    }

    async fn open_work(&self, tenant: &TenantId, request: RequestId) -> Result<Vec<WorkRow>> {
        self.read(async |reader| views::open_work(&reader, tenant, request).await)
            .await
    }

    async fn person_for_request(
        &self,
        tenant: &TenantId,
        request: RequestId,
        identities: &[PersonIdentity],
        link_within: Duration,
    ) -> Result<Identified> {
        let (id, ids) = (tenant.clone(), self.ids.clone());
        let identities: Arc<[PersonIdentity]> = identities.into();
        let work = again!(
            [id, ids, identities] | tx | {
                persons::for_request(&tx, &ids, &id, request, &identities, link_within)
            }
        );
        self.write("person.find", work).await
    }

    async fn unlink(
        &self,
        tenant: &TenantId,
        request: RequestId,
        other: RequestId,
        act: &AuditAction,
    ) -> Result<()> {
        let (id, actor) = (tenant.clone(), act.actor.clone());
        let change = again!([id, actor] | tx | persons::unlink(&tx, &id, request, other, &actor));
        self.act(tenant, act, change).await
    }

    async fn booked(
        &self,
        tenant: &TenantId,
        slot: &Slot,
        except: RequestId,
    ) -> Result<Vec<Booked>> {
        self.read(async |reader| bookings::of_slot(&reader, tenant, slot, except).await)
            .await
    }

    async fn recheck_booking(&self, tenant: &TenantId, request: RequestId) -> Result<Vec<Wake>> {
        let tenant = tenant.clone();
        let change = again!([tenant] | tx | bookings::recheck(&tx, &tenant, request));
        self.write("booking.recheck", change).await
    }

    async fn put_connection(&self, connection: &Connection) -> Result<()> {
        let connection = connection.clone();
        let change = again!([connection] | tx | connections::put(&tx, &connection));
        self.write("connection.put", change).await
    }

    async fn connection(
        &self,
        tenant: &TenantId,
        name: &ConnectionName,
    ) -> Result<Option<Connection>> {
        self.read(async |reader| connections::one(&reader, tenant, name).await)
            .await
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
        let (also, named) = (id.clone(), name.clone());
        let change = again!(
            [id, name, new] | tx | {
                connections::replace_secret(&tx, (&id, &name), secret_version, new.as_ref())
            }
        );
        let mut replaced = self.act(tenant, act, change).await?;
        // The first are released with the new secret; if the process dies before the rest, setting the secret again
        // releases it.
        let rest = self
            .release_rest(also, named, ReleaseReason::Replaced)
            .await?;
        replaced.released += rest.rows;
        replaced.wakes.extend(rest.wakes);
        Ok(replaced)
    }

    async fn accept_secret(
        &self,
        tenant: &TenantId,
        name: &ConnectionName,
        version: u64,
    ) -> Result<Released> {
        let (id, named) = (tenant.clone(), name.clone());
        let change =
            again!([id, named] | tx | connections::accept_secret(&tx, (&id, &named), version));
        let Some(mut released) = self.write("secret.accept", change).await? else {
            return Ok(Released::default());
        };
        let (tenant, name) = (tenant.clone(), name.clone());
        let rest = self
            .release_rest(tenant, name, ReleaseReason::Accepted)
            .await?;
        released.rows += rest.rows;
        released.wakes.extend(rest.wakes);
        Ok(released)
    }

    async fn remove_connection(
        &self,
        tenant: &TenantId,
        name: &ConnectionName,
        act: &AuditAction,
    ) -> Result<Released> {
        let (id, named) = (tenant.clone(), name.clone());
        let change = again!([id, named] | tx | connections::remove(&tx, (&id, &named)));
        let mut released = self.act(tenant, act, change).await?;
        let (tenant, name) = (tenant.clone(), name.clone());
        let rest = self
            .release_rest(tenant, name, ReleaseReason::Removed)
            .await?;
        released.rows += rest.rows;
        released.wakes.extend(rest.wakes);
        Ok(released)
    }

    async fn connections(&self, tenant: &TenantId) -> Result<Vec<Connection>> {
        self.read(async |reader| connections::all(&reader, tenant).await)
            .await
    }

    async fn decide(
        &self,
        tenant: &TenantId,
        request: RequestId,
        action: ReviewAction,
        act: &AuditAction,
    ) -> Result<Vec<Wake>> {
        let (id, actor) = (tenant.clone(), act.actor.clone());
        let change = again!(
            [id, actor] | tx | {
                stopped::decided(&tx, &id, request, |state, now| {
                    transition::decide(state, action, &actor, now)
                })
            }
        );
        self.act(tenant, act, change).await
    }

    async fn touch(
        &self,
        tenant: &TenantId,
        request: RequestId,
        touch: NewTouch,
        act: &AuditAction,
    ) -> Result<Vec<Wake>> {
        let (id, actor) = (tenant.clone(), act.actor.clone());
        let change = again!(
            [id, actor, touch] | tx | {
                stopped::decided(&tx, &id, request, |state, now| {
                    transition::touch(state, touch.clone(), &actor, now)
                })
            }
        );
        self.act(tenant, act, change).await
    }

    async fn replay(
        &self,
        tenant: &TenantId,
        request: RequestId,
        from: Stage,
        act: &AuditAction,
    ) -> Result<Vec<Wake>> {
        let (id, actor) = (tenant.clone(), act.actor.clone());
        let change = again!(
            [id, actor] | tx | {
                stopped::decided(&tx, &id, request, |state, now| {
                    transition::replay(state, from, &actor, now)
                })
            }
        );
        self.act(tenant, act, change).await
    }

    async fn stopped_work(&self, tenant: &TenantId, query: &WorkQuery) -> Result<Page<WorkRow>> {
        self.read(async |reader| stopped::page(&reader, tenant, query).await)
            .await
    }

    async fn stopped_counts(&self, tenant: &TenantId) -> Result<Vec<StoppedCount>> {
        self.read(async |reader| stopped::counts(&reader, tenant).await)
            .await
    }

    async fn redrive(
        &self,
        tenant: &TenantId,
        keys: &[WorkKey],
        act: &AuditAction,
    ) -> Result<Redriven> {
        let (id, actor) = (tenant.clone(), act.actor.clone());
        let keys: Arc<[WorkKey]> = keys.into();
        let change = again!([id, keys, actor] | tx | stopped::redrive(&tx, &id, &keys, &actor));
        self.act_if(tenant, act, change, |redriven| !redriven.keys.is_empty())
            .await
    }

    async fn audit_log(&self, tenant: &TenantId, query: &AuditQuery) -> Result<Page<AuditEntry>> {
        self.read(async |reader| audit::page(&reader, tenant, query).await)
            .await
    }

    async fn record_security_events_across_tenants(
        &self,
        events: Vec<SecurityEvent>,
    ) -> Result<()> {
        let events: Arc<[SecurityEvent]> = events.into();
        let id: Arc<str> = format!("refused.{}", self.ids.next()).into();
        let work = again!([events, id] | tx | security::record(&tx, &id, &events));
        self.write("security.record", work).await
    }

    async fn security_events_across_tenants(&self, limit: u32) -> Result<Vec<SecurityEvent>> {
        self.read(async |reader| security::newest_across_tenants(&reader, limit).await)
            .await
    }

    async fn prune_security_events_across_tenants(
        &self,
        before: Timestamp,
        limit: u32,
    ) -> Result<u32> {
        let old = self
            .read(async |reader| security::old_across_tenants(&reader, before, limit).await)
            .await?;
        if old.is_empty() {
            return Ok(0);
        }
        let removed = u32::try_from(old.len()).unwrap_or(u32::MAX);
        let old: Arc<[Key]> = old.into();
        let work = again!([old] | tx | async { security::remove_across_tenants(&tx, &old) });
        self.write("security.prune", work).await?;
        Ok(removed)
    }

    fn last_write(&self) -> &LastWrite {
        &self.last_write
    }
}

#[async_trait]
impl WorkQueue for SpannerStore {
    async fn claim(&self, wake: &Wake, lease: Duration) -> Result<Option<Claimed>> {
        let (wake, configs) = (wake.clone(), self.configs.clone());
        let work = again!([wake, configs] | tx | work::claim(&tx, &configs, &wake, lease));
        self.write("work.claim", work).await
    }

    async fn renew(&self, claim: &Claim, lease: Duration) -> Result<bool> {
        let claim = claim.clone();
        let work = again!([claim] | tx | work::renew(&tx, &claim, lease));
        self.write("work.renew", work).await
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
        let settle = Arc::new(settle);
        let ids = self.ids.clone();
        let work = again!([settle, ids] | tx | work::settle(&tx, &ids, &settle));
        self.write("work.settle", work).await
    }

    async fn due_wakes_across_tenants(&self, per_tenant: u32, limit: u32) -> Result<Vec<DueWake>> {
        self.read(async |reader| wakes::due_across_tenants(&reader, per_tenant, limit).await)
            .await
    }

    async fn move_wakes_across_tenants(&self, due: Vec<DueWake>) -> Result<Vec<Wake>> {
        let mut moved = Vec::new();
        for part in due.chunks(MOVED_AT_ONCE) {
            let part: Arc<[DueWake]> = part.into();
            let work = again!([part] | tx | wakes::move_across_tenants(&tx, &part));
            moved.extend(self.write("work.wake", work).await?);
        }
        Ok(moved)
    }

    async fn due_work(&self, tenant: &TenantId, stage: Stage, limit: u32) -> Result<Vec<Wake>> {
        self.read(async |reader| wakes::due_work(&reader, tenant, stage, limit).await)
            .await
    }
}

#[async_trait]
impl Outbox for SpannerStore {
    async fn unpublished_across_tenants(&self, limit: u32) -> Result<Vec<OutboxRow>> {
        self.read(async |reader| outbox::oldest_across_tenants(&reader, limit).await)
            .await
    }

    async fn published_across_tenants(&self, rows: Vec<OutboxRow>) -> Result<()> {
        let rows: Arc<[OutboxRow]> = rows.into();
        let work = again!([rows] | tx | async { outbox::remove_across_tenants(&tx, &rows) });
        self.write("outbox.published", work).await
    }
}

#[async_trait]
impl EffectLog for SpannerStore {
    async fn intend(
        &self,
        claim: &Claim,
        key: &EffectKey,
        call_deadline: Duration,
    ) -> Result<EffectIntent> {
        let (claim, key) = (claim.clone(), key.clone());
        let work = again!(
            [claim, key] | tx | { effects::intend(&tx, &claim, &key, call_deadline, false) }
        );
        self.write("effect.intend", work).await
    }

    async fn intend_again(
        &self,
        claim: &Claim,
        key: &EffectKey,
        call_deadline: Duration,
    ) -> Result<EffectIntent> {
        let (claim, key) = (claim.clone(), key.clone());
        let work =
            again!([claim, key] | tx | { effects::intend(&tx, &claim, &key, call_deadline, true) });
        self.write("effect.intend_again", work).await
    }

    async fn conclude(&self, claim: &Claim, key: &EffectKey, end: EffectEnd) -> Result<()> {
        let (claim, key) = (claim.clone(), key.clone());
        let work = again!([claim, key, end] | tx | effects::conclude(&tx, &claim, &key, &end));
        self.write("effect.conclude", work).await
    }
}
