//! Rows, keys and mutations of Spanner.

use std::ops::Deref;

use google_cloud_spanner::{
    key::{Key, KeyRange, KeySet},
    mutation::Mutation,
    value::{FromValue, Value},
};
use jiff::Timestamp;
use store::{Result, stored::corrupt};

/// A row that was found.
pub(crate) struct Row(pub(crate) google_cloud_spanner::result::Row);

impl Row {
    pub(crate) fn get<T: FromValue>(&self, column: &str) -> Result<T> {
        // The crate's own words may repeat the value.
        self.0
            .get(column)
            .map_err(|_| corrupt(column, "a value of another type"))
    }
}

/// It is read alike in every store.
impl Deref for Row {
    type Target = dyn store::rows::Row;

    fn deref(&self) -> &Self::Target {
        self
    }
}

impl store::rows::Row for Row {
    fn text_option(&self, column: &str) -> Result<Option<String>> {
        self.get(column)
    }

    fn integer(&self, column: &str) -> Result<i64> {
        self.get(column)
    }

    fn flag(&self, column: &str) -> Result<bool> {
        self.get(column)
    }

    fn bytes_option(&self, column: &str) -> Result<Option<Vec<u8>>> {
        self.get(column)
    }

    fn time_option(&self, column: &str) -> Result<Option<Timestamp>> {
        self.parsed_option(column)
    }
}

/// A time as it is stored: to the microsecond, as every store of ours keeps it.
pub(crate) fn time_value(at: Timestamp) -> Value {
    truncated(at).to_string().into()
}

/// The time that [`time_value`] stores.
pub(crate) fn truncated(at: Timestamp) -> Timestamp {
    Timestamp::from_microsecond(at.as_microsecond()).unwrap_or(at)
}

/// A key of a row, or the beginning of one.
pub(crate) fn key<const N: usize>(parts: [&str; N]) -> Key {
    Key::new(parts.map(|part| part.to_owned().into()).to_vec())
}

/// What a mutation does when the row is there, or is not.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Write {
    /// The row must not be there.
    Insert,
    /// The row must be there; columns that are not named stay.
    Update,
    /// The row is made or changed; columns that are not named stay.
    Put,
}

/// A mutation of one row.
pub(crate) fn mutation<const N: usize>(
    write: Write,
    table: &str,
    columns: [(&str, Value); N],
) -> Mutation {
    let mut builder = match write {
        Write::Insert => Mutation::new_insert_builder(table),
        Write::Update => Mutation::new_update_builder(table),
        Write::Put => Mutation::new_insert_or_update_builder(table),
    };
    for (column, value) in columns {
        builder = builder.set(column).to(value);
    }
    builder.build()
}

/// Every row whose key begins with these parts.
pub(crate) fn under<const N: usize>(parts: [&str; N]) -> KeySet {
    KeyRange::closed_closed(key(parts), key(parts)).into()
}

/// Columns of `work`.
pub(crate) const WORK: &str = "tenant_id, request_id, stage, target, state, lane, token, due_at, next_wake_at, lease_until, \
                               wakes, claims, failures, waits, rerun_requested, deadline, held_for, held_version, park_cause, \
                               traceparent, reason, answer, created_at";
