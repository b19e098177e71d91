//! The fleet's store: Google Cloud Spanner. Every write is one transaction that reads what it decides by, and is run
//! again when Spanner aborts it; decisions are made in `domain`, here is only reading and writing.
#![warn(missing_docs)]

mod adapter;
mod api_keys;
mod audit;
mod bookings;
mod calls;
mod configs;
mod connect;
mod connections;
mod deliveries;
mod early;
mod effects;
mod events;
mod fault;
mod figures;
mod finding;
mod indexing;
mod jobs;
mod live;
mod migrations;
mod outbox;
mod people;
mod persons;
mod places;
mod records;
mod requests;
mod rows;
mod saved_views;
mod security;
mod sessions;
mod sources;
mod stopped;
mod sweeps;
mod tenants;
mod tx;
mod views;
mod wakes;
mod work;

use std::{
    future::Future,
    sync::{Arc, atomic::AtomicU64},
    time::Duration,
};

use domain::{Clock, StoreError, TenantId};
use google_cloud_spanner::{
    client::DatabaseClient,
    transaction::{BasicTransactionRetryPolicy, MultiUseReadOnlyTransaction, ReadWriteTransaction},
};
use store::{AuditAction, ConfigCache, IdSource, LastWrite, LiveChange, Result};
use tokio::sync::{Mutex, MutexGuard};

pub use crate::connect::{Emulator, SpannerConfig};
use crate::{
    fault::Fault,
    tx::{Reader, Time, Tx},
};

/// How long a transaction may take in all, with every run that Spanner aborted; and how long a read may.
const LONGEST_TRANSACTION: Duration = Duration::from_secs(20);
/// Wake-ups that one transaction moves on. Longer ones would hold up whoever works on the same rows.
const MOVED_AT_ONCE: usize = 200;
/// How often a write is run in all if another process inserts the same row at the same moment.
const RUNS_OF_A_RACE: u32 = 3;
/// How long another service's change of a configuration may stay unseen.
const CONFIG_AGE: Duration = Duration::from_secs(5);
/// Locks among which deliveries are spread by their keys: enough that one rarely waits for another that is not its equal.
const STRIPES: usize = 1024;

/// The emulator knows one transaction of a session at a time, a snapshot's too, and invalidates the one before, with an
/// error that asks for no retry. Spanner itself needs no such lock.
static EMULATOR: Mutex<()> = Mutex::const_new(());

/// The lock of some keys: what was stored last of them, and how many were.
#[derive(Default)]
struct Stripe {
    last: Mutex<Option<events::Stored>>,
    stored: AtomicU64,
}

/// Spanner as the product's store. Cheap to share; a fleet opens one in each process.
pub struct SpannerStore {
    db: DatabaseClient,
    time: Time,
    ids: Arc<IdSource>,
    configs: Arc<ConfigCache>,
    last_write: LastWrite,
    accepting: Arc<[Stripe; STRIPES]>,
    is_emulator: bool,
}

impl SpannerStore {
    /// Opens a database whose schema is up to date. Times are Spanner's own; `clock` only orders new ids.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when the schema is older than this build's; [`StoreError::Busy`] or
    /// [`StoreError::Failed`] when the database cannot be reached.
    pub async fn open(config: &SpannerConfig, clock: Arc<dyn Clock>) -> Result<Self> {
        Self::with_time(config, clock, Time::Database).await
    }

    /// Like [`SpannerStore::open`], but the time is this clock's: for tests that move it.
    ///
    /// # Errors
    /// As [`SpannerStore::open`].
    pub async fn open_with_clock(config: &SpannerConfig, clock: Arc<dyn Clock>) -> Result<Self> {
        Self::with_time(config, clock.clone(), Time::Clock(clock)).await
    }

    async fn with_time(config: &SpannerConfig, clock: Arc<dyn Clock>, time: Time) -> Result<Self> {
        let db = config.client().await?;
        migrations::check(&db).await?;
        Ok(Self {
            db,
            time,
            ids: Arc::new(IdSource::new(clock)),
            configs: Arc::new(ConfigCache::new(CONFIG_AGE)),
            last_write: LastWrite::default(),
            accepting: Arc::new(std::array::from_fn(|_| Stripe::default())),
            is_emulator: config.emulator.is_some(),
        })
    }

    /// Brings the schema up to date; returns how many steps were taken. On the emulator, instance and database are
    /// created when they are not there. Can be repeated, and several may do it at once.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when a newer build wrote the schema; [`StoreError::Failed`] when Spanner refuses.
    pub async fn migrate(config: &SpannerConfig, clock: &dyn Clock) -> Result<u32> {
        migrations::apply(config, clock.now()).await
    }

    /// One read-write transaction. `work` is run again when Spanner aborts it, or when a row came to be that it was
    /// about to insert: then it reads it.
    async fn write<T, W, F>(&self, tag: &'static str, work: W) -> Result<T>
    where
        T: Send + 'static,
        W: Fn(Tx) -> F + Send + Sync + 'static,
        F: Future<Output = Result<T, Fault>> + Send + 'static,
    {
        self.last_write.watch(self.transact(tag, work)).await
    }

    async fn transact<T, W, F>(&self, tag: &'static str, work: W) -> Result<T>
    where
        T: Send + 'static,
        W: Fn(Tx) -> F + Send + Sync + 'static,
        F: Future<Output = Result<T, Fault>> + Send + 'static,
    {
        let work = Arc::new(work);
        let mut runs = 1;
        loop {
            let retries =
                BasicTransactionRetryPolicy::new().with_total_timeout(LONGEST_TRANSACTION);
            let runner = self
                .db
                .read_write_transaction()
                .set_transaction_tag(tag)
                .with_transaction_timeout(LONGEST_TRANSACTION)
                .with_retry_policy(retries)
                .build();
            let (time, work) = (self.time.clone(), work.clone());
            let attempt = move |tx: ReadWriteTransaction| {
                let (time, work) = (time.clone(), work.clone());
                async move {
                    let tx = Tx::begin(tx, &time).await.map_err(Fault::into_error)?;
                    work(tx).await.map_err(Fault::into_error)
                }
            };
            let done = {
                let _lock = self.lock_emulator().await;
                Box::pin(runner.run(attempt)).await
            };
            match done {
                Err(error) if fault::is_already_there(&error) && runs < RUNS_OF_A_RACE => runs += 1,
                Err(error) => return Err(fault::store_error(&error)),
                Ok(done) => return Ok(done.into_inner()),
            }
        }
    }

    /// The lock that a delivery shares with those of the same key, and few others.
    fn stripe(&self, key: [u8; 32]) -> &Stripe {
        let number = usize::from(u16::from_be_bytes([key[0], key[1]])) % STRIPES;
        &self.accepting[number]
    }

    /// Does what a person asked for, and writes it to the audit log, or neither.
    async fn act<T, W, F>(&self, tenant: &TenantId, act: &AuditAction, change: W) -> Result<T>
    where
        T: Send + 'static,
        W: Fn(Tx) -> F + Send + Sync + 'static,
        F: Future<Output = Result<T, Fault>> + Send + 'static,
    {
        self.act_if(tenant, act, change, |_| true).await
    }

    /// The same, where it may turn out that nothing changes: that leaves no entry in the audit log.
    async fn act_if<T, W, F>(
        &self,
        tenant: &TenantId,
        act: &AuditAction,
        change: W,
        is_change: fn(&T) -> bool,
    ) -> Result<T>
    where
        T: Send + 'static,
        W: Fn(Tx) -> F + Send + Sync + 'static,
        F: Future<Output = Result<T, Fault>> + Send + 'static,
    {
        let (tenant, act, ids) = (tenant.clone(), act.clone(), self.ids.clone());
        let change = Arc::new(change);
        self.write(act.action, move |tx| {
            let (tenant, act, ids, change) =
                (tenant.clone(), act.clone(), ids.clone(), change.clone());
            async move {
                let done = change(tx.clone()).await?;
                if is_change(&done) {
                    audit::record(&tx, &ids, &tenant, &act).await?;
                    if let Some(change) = LiveChange::of_act(&act) {
                        live::append(&tx, &tenant, &change)?;
                    }
                }
                Ok(done)
            }
        })
        .await
    }

    /// Reads at one point in time.
    async fn read<T, F>(&self, work: impl FnOnce(Reader) -> F) -> Result<T>
    where
        F: Future<Output = Result<T, Fault>>,
    {
        let begin = async |snapshot| Reader::begin(snapshot, &self.time).await;
        self.read_from(begin, work).await
    }

    /// The same for what needs no time: a question less.
    async fn read_without_time<T, F>(&self, work: impl FnOnce(Reader) -> F) -> Result<T>
    where
        F: Future<Output = Result<T, Fault>>,
    {
        let begin = async |snapshot| Ok(Reader::without_time(snapshot));
        self.read_from(begin, work).await
    }

    async fn read_from<T, F, B>(
        &self,
        begin: impl FnOnce(MultiUseReadOnlyTransaction) -> B,
        work: impl FnOnce(Reader) -> F,
    ) -> Result<T>
    where
        F: Future<Output = Result<T, Fault>>,
        B: Future<Output = Result<Reader, Fault>>,
    {
        let read = async {
            let _lock = self.lock_emulator().await;
            let snapshot = Box::pin(self.db.read_only_transaction().build()).await?;
            work(begin(snapshot).await?).await
        };
        match tokio::time::timeout(LONGEST_TRANSACTION, read).await {
            Ok(read) => read.map_err(Fault::into_store_error),
            Err(_) => Err(StoreError::Busy),
        }
    }

    async fn lock_emulator(&self) -> Option<MutexGuard<'static, ()>> {
        match self.is_emulator {
            true => Some(EMULATOR.lock().await),
            false => None,
        }
    }
}
