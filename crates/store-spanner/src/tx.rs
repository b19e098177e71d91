//! One attempt of a transaction: its time, its reads, and the writes that its commit makes.

use std::{ops::Deref, sync::Arc};

use domain::{Clock, StoreError};
use google_cloud_spanner::{
    key::KeySet,
    mutation::Mutation,
    read::ReadRequest,
    result::ResultSet,
    statement::Statement,
    transaction::{MultiUseReadOnlyTransaction, ReadWriteTransaction},
};
use jiff::Timestamp;

use crate::{
    fault::Fault,
    rows::{Row, truncated},
};

type Result<T, E = Fault> = std::result::Result<T, E>;

/// Whose time counts.
#[derive(Clone)]
pub(crate) enum Time {
    /// Spanner's: the services of a fleet need not agree about theirs.
    Database,
    /// This clock's.
    Clock(Arc<dyn Clock>),
}

/// Reads at one point in time.
#[derive(Clone)]
pub(crate) struct Reader {
    access: Access,
    now: Timestamp,
}

#[derive(Clone)]
enum Access {
    Snapshot(Arc<MultiUseReadOnlyTransaction>),
    Write(Arc<ReadWriteTransaction>),
}

/// Reads, and writes that become visible with the commit, not before: also not to this transaction's own reads.
#[derive(Clone)]
pub(crate) struct Tx {
    reader: Reader,
    write: Arc<ReadWriteTransaction>,
}

impl Deref for Tx {
    type Target = Reader;

    fn deref(&self) -> &Reader {
        &self.reader
    }
}

impl Tx {
    pub(crate) async fn begin(write: ReadWriteTransaction, time: &Time) -> Result<Self> {
        let write = Arc::new(write);
        let reader = Reader::at(Access::Write(write.clone()), time).await?;
        Ok(Self { reader, write })
    }

    /// Has the commit make these writes, in their order.
    pub(crate) fn write(&self, mutations: impl IntoIterator<Item = Mutation>) -> Result<()> {
        Ok(self.write.buffer(mutations)?)
    }
}

impl Reader {
    pub(crate) async fn begin(snapshot: MultiUseReadOnlyTransaction, time: &Time) -> Result<Self> {
        Self::at(Access::Snapshot(Arc::new(snapshot)), time).await
    }

    /// One whose reader asks for no time: [`Reader::now`] tells none.
    pub(crate) fn without_time(snapshot: MultiUseReadOnlyTransaction) -> Self {
        Self {
            access: Access::Snapshot(Arc::new(snapshot)),
            now: Timestamp::UNIX_EPOCH,
        }
    }

    /// The commit time up to which a snapshot shows everything, to the microsecond; known after its first read.
    pub(crate) fn shows_until(&self) -> Option<Timestamp> {
        let Access::Snapshot(snapshot) = &self.access else {
            return None;
        };
        let until = snapshot.read_timestamp()?;
        let at = Timestamp::new(until.seconds(), until.nanos()).ok()?;
        Some(truncated(at))
    }

    async fn at(access: Access, time: &Time) -> Result<Self> {
        let mut reader = Self {
            access,
            now: Timestamp::UNIX_EPOCH,
        };
        reader.now = match time {
            Time::Clock(clock) => truncated(clock.now()),
            Time::Database => reader.database_time().await?,
        };
        Ok(reader)
    }

    async fn database_time(&self) -> Result<Timestamp> {
        let asked = Statement::builder("SELECT CURRENT_TIMESTAMP() AS now").build();
        let row = self.query(asked).await?.pop();
        let row =
            row.ok_or_else(|| StoreError::Failed("Spanner returned no timestamp".to_owned()))?;
        Ok(truncated(row.time("now")?))
    }

    /// The transaction's time.
    pub(crate) const fn now(&self) -> Timestamp {
        self.now
    }

    /// The rows of these keys, in the order of their keys. Columns are named as in a query: `tenant_id, name`.
    pub(crate) async fn rows(
        &self,
        table: &str,
        columns: &str,
        keys: impl Into<KeySet>,
    ) -> Result<Vec<Row>> {
        let read = ReadRequest::builder(table, columns.split(", ")).with_keys(keys.into());
        self.read(read.build()).await
    }

    /// The row of this key.
    pub(crate) async fn row(
        &self,
        table: &str,
        columns: &str,
        key: impl Into<KeySet>,
    ) -> Result<Option<Row>> {
        Ok(self.rows(table, columns, key).await?.pop())
    }

    /// The rows of these keys of an index.
    pub(crate) async fn rows_by(
        &self,
        (table, index): (&str, &str),
        columns: &str,
        keys: impl Into<KeySet>,
    ) -> Result<Vec<Row>> {
        let read = ReadRequest::builder(table, columns.split(", ")).with_index(index, keys.into());
        self.read(read.build()).await
    }

    // The client's futures are large: they are kept on the heap.
    async fn read(&self, read: ReadRequest) -> Result<Vec<Row>> {
        let found = match &self.access {
            Access::Snapshot(tx) => Box::pin(tx.execute_read(read)).await?,
            Access::Write(tx) => Box::pin(tx.execute_read(read)).await?,
        };
        collected(found).await
    }

    /// What a query finds.
    pub(crate) async fn query(&self, statement: Statement) -> Result<Vec<Row>> {
        let found = match &self.access {
            Access::Snapshot(tx) => Box::pin(tx.execute_query(statement)).await?,
            Access::Write(tx) => Box::pin(tx.execute_query(statement)).await?,
        };
        collected(found).await
    }
}

async fn collected(mut found: ResultSet) -> Result<Vec<Row>> {
    let mut rows = Vec::new();
    while let Some(row) = Box::pin(found.next()).await {
        rows.push(Row(row?));
    }
    Ok(rows)
}
