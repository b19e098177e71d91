//! The schema: numbered steps that are only ever added. A step only adds nullable or defaulted columns, so that the build
//! before can go on: the first file says the rule, and a test keeps it.

use domain::StoreError;
use rusqlite::{Connection, params};

use crate::rows::{micros, store_error};

/// Every step, in order. A file lands here with its number.
const MIGRATIONS: &[(u32, &str, &str)] = &[
    (
        1,
        "first_tables",
        include_str!("../../../migrations/sqlite/0001_first_tables.sql"),
    ),
    (
        2,
        "accepting_touches_fewer_pages",
        include_str!("../../../migrations/sqlite/0002_accepting_touches_fewer_pages.sql"),
    ),
    (
        3,
        "handles_for_people",
        include_str!("../../../migrations/sqlite/0003_handles_for_people.sql"),
    ),
    (
        4,
        "lists_beside_a_backlog",
        include_str!("../../../migrations/sqlite/0004_lists_beside_a_backlog.sql"),
    ),
    (
        6,
        "finding_leads",
        include_str!("../../../migrations/sqlite/0006_finding_leads.sql"),
    ),
    (
        7,
        "live_events",
        include_str!("../../../migrations/sqlite/0007_live_events.sql"),
    ),
    (
        8,
        "jobs",
        include_str!("../../../migrations/sqlite/0008_jobs.sql"),
    ),
    (
        9,
        "people_and_keys",
        include_str!("../../../migrations/sqlite/0009_people_and_keys.sql"),
    ),
    (
        10,
        "figures",
        include_str!("../../../migrations/sqlite/0010_figures.sql"),
    ),
    (
        11,
        "what_came_in",
        include_str!("../../../migrations/sqlite/0011_what_came_in.sql"),
    ),
    (
        24,
        "audit_of_sources",
        include_str!("../../../migrations/sqlite/0024_audit_of_sources.sql"),
    ),
    (
        26,
        "bookings",
        include_str!("../../../migrations/sqlite/0026_bookings.sql"),
    ),
    (
        27,
        "requests_of_one_person",
        include_str!("../../../migrations/sqlite/0027_requests_of_one_person.sql"),
    ),
    (
        29,
        "calls_to_make",
        include_str!("../../../migrations/sqlite/0029_calls_to_make.sql"),
    ),
    (
        30,
        "places",
        include_str!("../../../migrations/sqlite/0030_places.sql"),
    ),
    (
        39,
        "lists_of_jobs",
        include_str!("../../../migrations/sqlite/0039_lists_of_jobs.sql"),
    ),
    (
        40,
        "answers_with_etags",
        include_str!("../../../migrations/sqlite/0040_answers_with_etags.sql"),
    ),
    (
        58,
        "names_of_sources",
        include_str!("../../../migrations/sqlite/0058_names_of_sources.sql"),
    ),
    (
        60,
        "early_messages",
        include_str!("../../../migrations/sqlite/0060_early_messages.sql"),
    ),
    (
        65,
        "lists_of_stopped_work",
        include_str!("../../../migrations/sqlite/0065_lists_of_stopped_work.sql"),
    ),
    (
        66,
        "lists_of_refusals",
        include_str!("../../../migrations/sqlite/0066_lists_of_refusals.sql"),
    ),
    (
        67,
        "lists_of_the_audit_log",
        include_str!("../../../migrations/sqlite/0067_lists_of_the_audit_log.sql"),
    ),
    (
        75,
        "tests_of_sources",
        include_str!("../../../migrations/sqlite/0075_tests_of_sources.sql"),
    ),
    (
        76,
        "sets_of_facts",
        include_str!("../../../migrations/sqlite/0076_sets_of_facts.sql"),
    ),
];

/// The step that figures came with.
const FIGURES: u32 = 10;

/// Brings the schema to this build's version; returns how many steps were taken. A newer schema is refused.
pub(crate) fn apply(db: &mut Connection, now: jiff::Timestamp) -> Result<u32, StoreError> {
    db.execute_batch(
        "CREATE TABLE IF NOT EXISTS schema_migrations \
         (version INTEGER NOT NULL PRIMARY KEY, name TEXT NOT NULL, applied_at INTEGER NOT NULL)",
    )
    .map_err(store_error)?;
    let current: Option<u32> = db
        .query_row("SELECT max(version) FROM schema_migrations", [], |row| {
            row.get(0)
        })
        .map_err(store_error)?;
    let current = current.unwrap_or(0);
    let newest = MIGRATIONS.last().map_or(0, |(version, ..)| *version);
    if current > newest {
        return Err(StoreError::Conflict(format!(
            "the data was written by a newer build (schema {current}, this build knows {newest}): run that build"
        )));
    }
    // Files are only ever added since the first release; before it, what they say has changed.
    let tells = match current {
        0..FIGURES => "configs",
        _ => "metric_sums",
    };
    let is_of_this_line: bool = db
        .query_row(
            "SELECT count(*) > 0 FROM sqlite_master WHERE name = ?1",
            [tells],
            |row| row.get(0),
        )
        .map_err(store_error)?;
    if current > 0 && !is_of_this_line {
        return Err(StoreError::Conflict(
            "the data was written before the first release, in a shape that is no longer read: use another data folder, \
             or remove this one"
                .to_owned(),
        ));
    }
    let mut applied = 0;
    for (version, name, sql) in MIGRATIONS.iter().filter(|(version, ..)| *version > current) {
        let transaction = db.transaction().map_err(store_error)?;
        transaction.execute_batch(sql).map_err(store_error)?;
        transaction
            .execute(
                "INSERT INTO schema_migrations (version, name, applied_at) VALUES (?1, ?2, ?3)",
                params![version, name, micros(now)],
            )
            .map_err(store_error)?;
        transaction.commit().map_err(store_error)?;
        applied += 1;
    }
    Ok(applied)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_numbered_and_only_widen() {
        let mut before = 0;
        for (version, name, sql) in MIGRATIONS {
            assert!(*version > before, "{name}");
            before = *version;
            assert_eq!(store::contract::narrowing(sql), None::<String>, "{name}");
        }
    }
}
