//! How values stand in the tables.

use std::str::FromStr;

use domain::{
    ConnectionName, Lane, LeadRequest, Status, StoreError, TenantId, WorkKey, WorkRow, WorkState,
};
use jiff::Timestamp;
use rusqlite::{Row, types::FromSql};
use serde::de::DeserializeOwned;
use store::stored::{self, corrupt, from_json, park_cause};

/// An error of SQLite as the store's own: a full or locked database is busy, not broken.
#[expect(clippy::needless_pass_by_value, reason = "handed to `map_err`")]
pub(crate) fn store_error(error: rusqlite::Error) -> StoreError {
    use rusqlite::ErrorCode::{DatabaseBusy, DatabaseLocked};
    match error.sqlite_error_code() {
        Some(DatabaseBusy | DatabaseLocked) => StoreError::Busy,
        _ => StoreError::Failed(error.to_string()),
    }
}

pub(crate) fn micros(at: Timestamp) -> i64 {
    at.as_microsecond()
}

pub(crate) fn timestamp(micros: i64) -> Result<Timestamp, StoreError> {
    Timestamp::from_microsecond(micros).map_err(|error| corrupt("a time", error))
}

pub(crate) fn json<T: DeserializeOwned>(
    row: &Row<'_>,
    column: &str,
    what: &str,
) -> Result<T, StoreError> {
    from_json(what, &get::<String>(row, column)?)
}

pub(crate) fn get<T: FromSql>(row: &Row<'_>, column: &str) -> Result<T, StoreError> {
    row.get(column).map_err(store_error)
}

pub(crate) fn parsed<T: FromStr<Err: std::fmt::Display>>(
    row: &Row<'_>,
    column: &str,
) -> Result<T, StoreError> {
    get::<String>(row, column)?
        .parse()
        .map_err(|error| corrupt(column, error))
}

pub(crate) fn parsed_option<T: FromStr<Err: std::fmt::Display>>(
    row: &Row<'_>,
    column: &str,
) -> Result<Option<T>, StoreError> {
    get::<Option<String>>(row, column)?
        .map(|text| text.parse().map_err(|error| corrupt(column, error)))
        .transpose()
}

pub(crate) fn time(row: &Row<'_>, column: &str) -> Result<Timestamp, StoreError> {
    timestamp(get(row, column)?)
}

pub(crate) fn time_option(row: &Row<'_>, column: &str) -> Result<Option<Timestamp>, StoreError> {
    get::<Option<i64>>(row, column)?.map(timestamp).transpose()
}

pub(crate) fn unsigned(row: &Row<'_>, column: &str) -> Result<u64, StoreError> {
    u64::try_from(get::<i64>(row, column)?).map_err(|error| corrupt(column, error))
}

pub(crate) fn small(row: &Row<'_>, column: &str) -> Result<u32, StoreError> {
    u32::try_from(get::<i64>(row, column)?).map_err(|error| corrupt(column, error))
}

pub(crate) fn signed(value: impl TryInto<i64>) -> i64 {
    value.try_into().unwrap_or(i64::MAX)
}

/// Columns that [`request`] reads.
pub(crate) const REQUEST_COLUMNS: &str =
    "tenant_id, request_id, status, version, person_id, created_at, updated_at, document";

pub(crate) fn request(row: &Row<'_>) -> Result<LeadRequest, StoreError> {
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

pub(crate) fn work_key(row: &Row<'_>) -> Result<WorkKey, StoreError> {
    Ok(WorkKey {
        tenant: parsed::<TenantId>(row, "tenant_id")?,
        request: parsed(row, "request_id")?,
        stage: parsed(row, "stage")?,
        target: get(row, "target")?,
    })
}

/// Names a row of work in the log, even if it cannot be read.
pub(crate) fn work_name(row: &Row<'_>) -> String {
    ["request_id", "stage", "target"]
        .map(|column| get::<String>(row, column).unwrap_or_default())
        .join("/")
}

pub(crate) fn work_row(row: &Row<'_>) -> Result<WorkRow, StoreError> {
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
