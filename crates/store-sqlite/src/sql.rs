//! Statements: run, and what they find read row by row.

use rusqlite::{Connection, Params};
use store::{Result, rows::Row};

use crate::rows::{self, store_error};

/// Runs a statement; returns how many rows it changed.
pub(crate) fn execute(db: &Connection, sql: &str, params: impl Params) -> Result<usize> {
    db.prepare_cached(sql)
        .and_then(|mut statement| statement.execute(params))
        .map_err(store_error)
}

/// The first row that a query finds.
pub(crate) fn first<T>(
    db: &Connection,
    sql: &str,
    params: impl Params,
    read: impl FnOnce(&dyn Row) -> Result<T>,
) -> Result<Option<T>> {
    let mut statement = db.prepare_cached(sql).map_err(store_error)?;
    let mut found = statement.query(params).map_err(store_error)?;
    let row = found.next().map_err(store_error)?;
    row.map(|row| read(&rows::Row(row))).transpose()
}

/// Every row that a query finds.
pub(crate) fn all<T>(
    db: &Connection,
    sql: &str,
    params: impl Params,
    mut read: impl FnMut(&dyn Row) -> Result<T>,
) -> Result<Vec<T>> {
    let mut statement = db.prepare_cached(sql).map_err(store_error)?;
    let mut found = statement.query(params).map_err(store_error)?;
    let mut all = Vec::new();
    while let Some(row) = found.next().map_err(store_error)? {
        all.push(read(&rows::Row(row))?);
    }
    Ok(all)
}

/// Checks SQLite's own plan of a statement: one walk along an index of `table`, on which `equal` columns are fixed and
/// which begins at the page's place, which is said of `place`. So it reads what it shows, and sorts nothing.
#[cfg(test)]
pub(crate) fn assert_walks(sql: &str, table: &str, equal: &[&str], place: &str) {
    let mut db = Connection::open_in_memory().unwrap();
    crate::migrations::apply(&mut db, jiff::Timestamp::UNIX_EPOCH).unwrap();
    let mut statement = db.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
    let steps = statement.raw_query().mapped(|row| row.get("detail"));
    let steps: Vec<String> = steps.map(std::result::Result::unwrap).collect();
    let [step] = steps.as_slice() else {
        panic!("more than a walk: {steps:?}\n{sql}");
    };
    assert!(
        step.starts_with(&format!("SEARCH {table} USING ")),
        "{step}"
    );
    for column in equal {
        assert!(step.contains(&format!("{column}=?")), "{column}: {step}");
    }
    assert!(step.contains(place), "{place}: {step}");
}
