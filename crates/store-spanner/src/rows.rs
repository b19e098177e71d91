//! How values stand in the tables.

use std::str::FromStr;

use domain::{
    ConnectionName, Lane, LeadRequest, Status, StoreError, TenantId, WorkKey, WorkRow, WorkState,
};
use google_cloud_spanner::{
    key::{Key, KeyRange, KeySet},
    mutation::Mutation,
    result::Row,
    value::{FromValue, Value},
};
use jiff::Timestamp;
use serde::de::DeserializeOwned;
use store::stored::{self, corrupt, from_json, park_cause};

type Result<T> = std::result::Result<T, StoreError>;

/// A time as it is stored: to the microsecond, as every store of ours keeps it.
pub(crate) fn time_value(at: Timestamp) -> Value {
    truncated(at).to_string().into()
}

/// The time that [`time_value`] stores.
pub(crate) fn truncated(at: Timestamp) -> Timestamp {
    Timestamp::from_microsecond(at.as_microsecond()).unwrap_or(at)
}

pub(crate) fn get<T: FromValue>(row: &Row, column: &str) -> Result<T> {
    // The crate's own words may repeat the value.
    row.get(column)
        .map_err(|_| corrupt(column, "a value of another type"))
}

pub(crate) fn json<T: DeserializeOwned>(row: &Row, column: &str, what: &str) -> Result<T> {
    from_json(what, &get::<String>(row, column)?)
}

pub(crate) fn parsed<T: FromStr<Err: std::fmt::Display>>(row: &Row, column: &str) -> Result<T> {
    get::<String>(row, column)?
        .parse()
        .map_err(|error| corrupt(column, error))
}

pub(crate) fn parsed_option<T: FromStr<Err: std::fmt::Display>>(
    row: &Row,
    column: &str,
) -> Result<Option<T>> {
    get::<Option<String>>(row, column)?
        .map(|text| text.parse().map_err(|error| corrupt(column, error)))
        .transpose()
}

pub(crate) fn time(row: &Row, column: &str) -> Result<Timestamp> {
    parsed(row, column)
}

pub(crate) fn time_option(row: &Row, column: &str) -> Result<Option<Timestamp>> {
    parsed_option(row, column)
}

pub(crate) fn unsigned(row: &Row, column: &str) -> Result<u64> {
    u64::try_from(get::<i64>(row, column)?).map_err(|error| corrupt(column, error))
}

pub(crate) fn small(row: &Row, column: &str) -> Result<u32> {
    u32::try_from(get::<i64>(row, column)?).map_err(|error| corrupt(column, error))
}

pub(crate) fn signed(value: impl TryInto<i64>) -> i64 {
    value.try_into().unwrap_or(i64::MAX)
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

/// Columns that [`request`] reads.
pub(crate) const REQUEST: [&str; 8] = [
    "tenant_id",
    "request_id",
    "status",
    "version",
    "person_id",
    "created_at",
    "updated_at",
    "document",
];

pub(crate) fn request(row: &Row) -> Result<LeadRequest> {
    Ok(LeadRequest {
        id: parsed(row, "request_id")?,
        tenant: parsed(row, "tenant_id")?,
        version: unsigned(row, "version")?,
        created_at: time(row, "created_at")?,
        updated_at: time(row, "updated_at")?,
        status: Status::from_stored(&get::<String>(row, "status")?),
        person: parsed_option(row, "person_id")?,
        document: stored::document(&get::<String>(row, "document")?)?,
    })
}

/// Columns that [`work_row`] reads.
pub(crate) const WORK: [&str; 23] = [
    "tenant_id",
    "request_id",
    "stage",
    "target",
    "state",
    "lane",
    "token",
    "due_at",
    "next_wake_at",
    "lease_until",
    "wakes",
    "claims",
    "failures",
    "waits",
    "rerun_requested",
    "deadline",
    "held_for",
    "held_version",
    "park_cause",
    "traceparent",
    "reason",
    "answer",
    "created_at",
];

pub(crate) fn work_key(row: &Row) -> Result<WorkKey> {
    Ok(WorkKey {
        tenant: parsed::<TenantId>(row, "tenant_id")?,
        request: parsed(row, "request_id")?,
        stage: parsed(row, "stage")?,
        target: get(row, "target")?,
    })
}

/// Names a row of work in the log, even if it cannot be read.
pub(crate) fn work_name(row: &Row) -> String {
    ["request_id", "stage", "target"]
        .map(|column| get::<String>(row, column).unwrap_or_default())
        .join("/")
}

pub(crate) fn work_row(row: &Row) -> Result<WorkRow> {
    let state = match get::<String>(row, "state")?.as_str() {
        "ready" => WorkState::Ready,
        "in_flight" => WorkState::InFlight {
            lease_until: time(row, "lease_until")?,
        },
        "held" => WorkState::Held {
            connection: parsed::<ConnectionName>(row, "held_for")?,
            version: unsigned(row, "held_version")?,
        },
        "parked" => WorkState::Parked {
            cause: park_cause(&get::<String>(row, "park_cause")?)?,
        },
        other => return Err(corrupt("work.state", other)),
    };
    Ok(WorkRow {
        key: work_key(row)?,
        state,
        lane: Lane::from_stored(&get::<String>(row, "lane")?),
        token: unsigned(row, "token")?,
        due_at: time(row, "due_at")?,
        next_wake_at: time_option(row, "next_wake_at")?,
        wakes: small(row, "wakes")?,
        claims: small(row, "claims")?,
        failures: small(row, "failures")?,
        waits: small(row, "waits")?,
        rerun_requested: get(row, "rerun_requested")?,
        deadline: time_option(row, "deadline")?,
        traceparent: get(row, "traceparent")?,
        reason: get(row, "reason")?,
        answer: get(row, "answer")?,
        created_at: time(row, "created_at")?,
    })
}

/// Every row whose key begins with these parts.
pub(crate) fn under<const N: usize>(parts: [&str; N]) -> KeySet {
    KeyRange::closed_closed(key(parts), key(parts)).into()
}
