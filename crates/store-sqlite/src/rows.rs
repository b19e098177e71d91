//! Values and errors of SQLite as the store's own.

use domain::StoreError;
use jiff::Timestamp;
use rusqlite::types::FromSql;
use store::{Result, stored::corrupt};

/// A row that a statement found.
pub(crate) struct Row<'a>(pub(crate) &'a rusqlite::Row<'a>);

impl Row<'_> {
    fn get<T: FromSql>(&self, column: &str) -> Result<T> {
        self.0.get(column).map_err(store_error)
    }
}

impl store::rows::Row for Row<'_> {
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
        let time = self.get::<Option<i64>>(column)?;
        let time = time.map(Timestamp::from_microsecond).transpose();
        time.map_err(|error| corrupt("a time", error))
    }
}

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
