//! The index of tokens and the sets of facts: what is not in them yet, and taking it in.

use domain::TenantId;
use rusqlite::{Connection, params};
use store::{
    Indexed, Result,
    rows::{self, REQUEST_COLUMNS, signed},
    stored::scanned,
    tokens::{self, Clause},
};

use crate::{rows::store_error, sets::Changes, sql};

/// Data with up to so many requests is indexed as if all of them were new: until then they are looked at one by one.
const FEW: i64 = 1_000;

/// How far the index is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Progress {
    front: i64,
    back: i64,
}

/// A row as it was read.
struct Entry {
    place: i64,
    tenant: String,
    version: i64,
    status: String,
    tokens: String,
    facts: String,
}

/// Rows to be taken in together.
pub(crate) struct Batch {
    /// What the index was when they were read, and where it will be with them.
    before: Option<Progress>,
    after: Progress,
    entries: Vec<Entry>,
    has_more: bool,
}

/// What the index is asked for: every clause.
pub(crate) fn expression<'a>(
    tenant: &TenantId,
    clauses: impl IntoIterator<Item = &'a Clause>,
) -> String {
    let any_of = |clause: &Clause| {
        let tokens = clause.any_of.iter();
        let tokens = tokens.map(|token| format!("\"{}\"", stored(tenant.as_str(), token)));
        format!("({})", tokens.collect::<Vec<_>>().join(" OR "))
    };
    let clauses = clauses.into_iter().map(any_of);
    clauses.collect::<Vec<_>>().join(" AND ")
}

/// A token as the index has it: in characters that it takes for parts of a token.
fn stored(tenant: &str, token: &str) -> String {
    let mut stored = String::with_capacity(tenant.len() + token.len() + 1);
    for byte in tenant.bytes().chain([b'/']).chain(token.bytes()) {
        match byte {
            b'a'..=b'z' | b'0'..=b'9' | b'_' | b'-' | b'.' | b'/' | b':' | b'@' => {
                stored.push(char::from(byte));
            }
            other => stored.push_str(&format!("%{other:02x}")),
        }
    }
    stored
}

fn progress(db: &Connection) -> Result<Option<Progress>> {
    // An index of before there were sets is made again, from the newest row back.
    const SQL: &str = "SELECT front, iif(has_sets, back, front) AS back FROM request_index";
    sql::first(db, SQL, [], |row| {
        Ok(Progress {
            front: row.integer("front")?,
            back: row.integer("back")?,
        })
    })
}

/// The row that came last.
pub(crate) fn newest(db: &Connection) -> Result<i64> {
    let sql = "SELECT ifnull(max(rowid), 0) AS place FROM requests";
    let newest = sql::first(db, sql, [], |row| row.integer("place"))?;
    Ok(newest.unwrap_or_default())
}

/// A tenant's rows that the index does not know as they are, at most `limit` of each kind; and whether those and the
/// index are everything.
pub(crate) fn fresh(db: &Connection, tenant: &TenantId, limit: usize) -> Result<(Vec<i64>, bool)> {
    const CHANGED: &str =
        "SELECT place FROM request_changes WHERE tenant_id = ?1 ORDER BY place DESC LIMIT ?2";
    const NEWEST: &str = "SELECT rowid AS place FROM requests INDEXED BY requests_by_id WHERE tenant_id = ?1 \
                          ORDER BY request_id DESC LIMIT ?2";
    let progress = progress(db)?.unwrap_or(Progress { front: 0, back: 0 });
    let (tenant, one_more) = (tenant.as_str(), signed(limit + 1));
    let values = params![tenant, one_more];
    let mut places = sql::all(db, CHANGED, values, |row| row.integer("place"))?;
    let mut is_complete = progress.back == 0 && places.len() <= limit;
    places.truncate(limit);
    if newest(db)? > progress.front {
        let mut new = sql::all(db, NEWEST, values, |row| row.integer("place"))?;
        new.retain(|place| *place > progress.front);
        is_complete &= new.len() <= limit;
        new.truncate(limit);
        places.extend(new);
    }
    Ok((places, is_complete))
}

/// Notes that a request was written, if the index has it as it was before.
pub(crate) fn changed(db: &Connection, tenant: &str, request: &str) -> Result<()> {
    const SQL: &str = "INSERT OR IGNORE INTO request_changes (tenant_id, place) \
                       SELECT requests.tenant_id, requests.rowid FROM request_index CROSS JOIN requests \
                       WHERE requests.tenant_id = ?1 AND requests.request_id = ?2 AND requests.rowid <= front";
    sql::execute(db, SQL, params![tenant, request]).map(drop)
}

impl Batch {
    /// Reads what is to be taken in next; none when nothing is.
    pub(crate) fn read(db: &Connection, limit: u32) -> Result<Option<Self>> {
        const FRONT: &str =
            "SELECT rowid AS place FROM requests WHERE rowid > ?1 ORDER BY rowid LIMIT ?2";
        const BACK: &str =
            "SELECT rowid AS place FROM requests WHERE rowid <= ?1 ORDER BY rowid DESC LIMIT ?2";
        let limit = usize::try_from(limit.max(1)).unwrap_or(usize::MAX);
        let snapshot = db.unchecked_transaction().map_err(store_error)?;
        let db: &Connection = &snapshot;
        let before = progress(db)?;
        let mut after = match before {
            Some(progress) => progress,
            None => {
                let newest = newest(db)?;
                let all = if newest > FEW { newest } else { 0 };
                Progress {
                    front: all,
                    back: all,
                }
            }
        };
        let mut places = changes(db, limit)?;
        let left = |places: &[i64]| signed(limit.saturating_sub(places.len()));
        let place = |row: &dyn rows::Row| row.integer("place");
        let new = sql::all(db, FRONT, params![after.front, left(&places)], place)?;
        after.front = new.last().copied().unwrap_or(after.front);
        places.extend(new);
        if after.back > 0 && places.len() < limit {
            let old = sql::all(db, BACK, params![after.back, left(&places)], place)?;
            // Those that are left out were never there.
            after.back = match old.last() {
                Some(last) if places.len() + old.len() >= limit => *last - 1,
                _ => 0,
            };
            places.extend(old);
        }
        if places.is_empty() && before == Some(after) {
            return Ok(None);
        }
        let has_more = places.len() >= limit || after.back > 0;
        // Out of their order, each would be written to the index by itself.
        places.sort_unstable();
        places.dedup();
        let mut entries = Vec::with_capacity(places.len());
        for place in places {
            entries.extend(entry(db, place)?);
        }
        Ok(Some(Self {
            before,
            after,
            entries,
            has_more,
        }))
    }
}

/// Rows that changed, of each tenant as many as of the others, as far as they have any.
fn changes(db: &Connection, limit: usize) -> Result<Vec<i64>> {
    const NEXT: &str =
        "SELECT tenant_id FROM request_changes WHERE tenant_id > ?1 ORDER BY tenant_id LIMIT 1";
    const OF_TENANT: &str =
        "SELECT place FROM request_changes WHERE tenant_id = ?1 ORDER BY place LIMIT ?2";
    let mut tenants: Vec<String> = Vec::new();
    loop {
        let last = tenants.last().map_or("", String::as_str);
        match sql::first(db, NEXT, [last], |row| row.text("tenant_id"))? {
            Some(tenant) => tenants.push(tenant),
            None => break,
        }
    }
    let mut places = Vec::new();
    for (index, tenant) in tenants.iter().enumerate() {
        let share = limit.saturating_sub(places.len()) / (tenants.len() - index);
        let values = params![tenant, signed(share.max(1))];
        places.extend(sql::all(db, OF_TENANT, values, |row| row.integer("place"))?);
    }
    places.truncate(limit);
    Ok(places)
}

fn entry(db: &Connection, place: i64) -> Result<Option<Entry>> {
    let sql = format!("SELECT {REQUEST_COLUMNS}, channel FROM requests WHERE rowid = ?1");
    sql::first(db, &sql, [place], |row| {
        let tenant = row.text("tenant_id")?;
        let status = row.text("status")?;
        let (tokens, facts) = match scanned("requests", rows::request(row))? {
            Some(request) => (tokens::of_request(&request), tokens::facts_of(&request)),
            None => {
                let facts = tokens::of_unreadable(&status, row.text_option("channel")?.as_deref());
                (facts.clone(), facts)
            }
        };
        let tokens = tokens.iter().map(|token| stored(&tenant, token));
        Ok(Entry {
            place,
            version: row.integer("version")?,
            tokens: tokens.collect::<Vec<_>>().join(" "),
            facts: facts.into_iter().collect::<Vec<_>>().join(" "),
            status,
            tenant,
        })
    })
}

/// Writes a batch. What changed since it was read stays for the next.
pub(crate) fn write(db: &Connection, batch: &Batch) -> Result<Indexed> {
    const NOW: &str = "SELECT version, status FROM requests WHERE rowid = ?1 AND tenant_id = ?2";
    const IS_KNOWN: &str = "SELECT id FROM request_tokens_docsize WHERE id = ?1";
    const FORGET: &str = "DELETE FROM request_tokens WHERE rowid = ?1";
    const KEEP: &str = "INSERT INTO request_tokens (rowid, tokens) VALUES (?1, ?2)";
    const DONE: &str = "DELETE FROM request_changes WHERE tenant_id = ?1 AND place = ?2";
    const AGAIN: &str = "INSERT OR IGNORE INTO request_changes (tenant_id, place) VALUES (?1, ?2)";
    const PROGRESS: &str =
        "INSERT OR REPLACE INTO request_index (id, front, back, has_sets) VALUES (1, ?1, ?2, 1)";
    // Somebody else was at it meanwhile.
    if progress(db)? != batch.before {
        return Ok(Indexed {
            requests: 0,
            has_more: true,
        });
    }
    let mut indexed = Indexed {
        requests: 0,
        has_more: batch.has_more,
    };
    let mut sets = Changes::default();
    for entry in &batch.entries {
        let values = params![entry.place, entry.tenant];
        let now = sql::first(db, NOW, values, |row| {
            Ok((row.integer("version")?, row.text("status")?))
        })?;
        let is_same =
            now.is_some_and(|(version, status)| version == entry.version && status == entry.status);
        if !is_same {
            sql::execute(db, AGAIN, params![entry.tenant, entry.place])?;
            indexed.has_more = true;
            continue;
        }
        if sql::first(db, IS_KNOWN, [entry.place], |_| Ok(()))?.is_some() {
            sql::execute(db, FORGET, [entry.place])?;
        }
        sql::execute(db, KEEP, params![entry.place, entry.tokens])?;
        sets.put(db, entry.place, &entry.tenant, &entry.facts)?;
        sql::execute(db, DONE, params![entry.tenant, entry.place])?;
        indexed.requests += 1;
    }
    sets.write(db)?;
    if batch.before != Some(batch.after) {
        sql::execute(db, PROGRESS, params![batch.after.front, batch.after.back])?;
    }
    Ok(indexed)
}
