//! Finding requests: by sets of facts, by the index of tokens, and by looking at what is not in them yet.
//!
//! A place is a row's number in `requests`. Rows are numbered as they come, so places are in the order of time.

use std::{cmp::Reverse, collections::BTreeMap};

use async_trait::async_trait;
use domain::{LeadRequest, RequestId, TenantId};
use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, params};
use store::{
    Count, FindQuery, Finding, Indexed, Page, RequestFilter, RequestSort, Result,
    finding::{self, MAX_EXACT, MAX_FRESH},
    rows::{self, REQUEST_COLUMNS, signed},
    stored::{PageReader, readable},
    tokens::{Clause, EVERY, NO_SCORE, SCORE_LEVELS, score_token},
};

use crate::{
    SqliteStore, indexing, requests,
    rows::{micros, store_error},
    sets::{self, RowSet},
    sql,
};

/// Rows with a filter's words that are looked up before its facts.
const FEW: usize = 10_000;

#[async_trait]
impl Finding for SqliteStore {
    async fn find_requests(
        &self,
        tenant: &TenantId,
        query: &FindQuery,
    ) -> Result<Page<LeadRequest>> {
        let (tenant, query) = (tenant.clone(), query.clone());
        self.read(move |db| find(db, &tenant, &query)).await
    }

    async fn count_requests(&self, tenant: &TenantId, filter: &RequestFilter) -> Result<Count> {
        let (tenant, filter) = (tenant.clone(), filter.clone());
        self.read(move |db| count(db, &tenant, filter)).await
    }

    async fn index_requests_across_tenants(&self, limit: u32) -> Result<Indexed> {
        // Read and cut into tokens beside the writer, which only writes them down.
        let batch = self
            .read(move |db| indexing::Batch::read(db, limit))
            .await?;
        match batch {
            Some(batch) => self.write(move |db| indexing::write(db, &batch)).await,
            None => Ok(Indexed::default()),
        }
    }
}

fn find(db: &Connection, tenant: &TenantId, query: &FindQuery) -> Result<Page<LeadRequest>> {
    let mut page = PageReader::new(query.limit);
    let Some(filter) = query.meant() else {
        return Ok(page.finish());
    };
    if let Some(list) = query.as_list() {
        return requests::list(db, tenant, &list);
    }
    let snapshot = db.unchecked_transaction().map_err(store_error)?;
    let is_by_score = query.sort == RequestSort::Score;
    let search = Search::begin(&snapshot, tenant, &filter, is_by_score)?;
    let mut after = match query.after {
        Some(place) => {
            let row = search.row_of(place.request, query.sort.is_descending())?;
            Some(Spot {
                row,
                score: place.score,
            })
        }
        None => None,
    };
    loop {
        let spots = search.spots(query.sort, after, page.wanted())?;
        after = spots.last().copied().or(after);
        let mut read = Vec::with_capacity(spots.len());
        for spot in spots {
            let request = search.read(spot.row)?;
            // Where too much is fresh, the index may still know a row as it was.
            let is_meant = |request: &LeadRequest| search.is_complete || filter.is_met_by(request);
            read.push(request.filter(is_meant));
        }
        if !page.take(read) {
            return Ok(page.finish());
        }
    }
}

fn count(db: &Connection, tenant: &TenantId, filter: RequestFilter) -> Result<Count> {
    let snapshot = db.unchecked_transaction().map_err(store_error)?;
    count_within(&snapshot, tenant, filter)
}

/// The same in a transaction that has begun.
pub(crate) fn count_within(
    db: &Connection,
    tenant: &TenantId,
    filter: RequestFilter,
) -> Result<Count> {
    let query = FindQuery {
        filter,
        ..FindQuery::default()
    };
    let Some(filter) = query.meant() else {
        return Ok(Count::of(0, true));
    };
    let most = MAX_EXACT + 1;
    if filter.is_of_one_status() {
        let of_status = match filter.statuses.first().map(|status| status.as_str()) {
            None => "AND ?2 IS NULL",
            Some("received") => "AND ?2 = 'received' AND status = 'received'",
            Some(_) => "AND status = ?2 AND status <> 'received'",
        };
        let sql = format!(
            "SELECT count(*) AS rows FROM (SELECT 1 FROM requests WHERE tenant_id = ?1 {of_status} LIMIT ?3)"
        );
        let status = filter.statuses.first().map(|status| status.as_str());
        let counted = sql::first(db, &sql, params![tenant.as_str(), status, most], |row| {
            row.number("rows")
        })?;
        return Ok(Count::of(counted.unwrap_or_default(), true));
    }
    let search = Search::begin(db, tenant, &filter, false)?;
    let most = usize::try_from(most).unwrap_or(usize::MAX);
    let found = search.rows(None, most, true)?;
    Ok(Count::of(
        u32::try_from(found.len()).unwrap_or(u32::MAX),
        search.is_complete,
    ))
}

/// A place in a list.
#[derive(Debug, Clone, Copy)]
struct Spot {
    row: i64,
    score: Option<u8>,
}

impl Spot {
    /// Where it stands in the order of scores: the smaller, the earlier.
    fn in_order_of_scores(&self) -> impl Ord + use<> {
        (Reverse(self.score), Reverse(self.row))
    }
}

/// What a filter says in words.
struct Words {
    /// What the index is asked for: the words, and every fact of the filter.
    expression: String,
    /// The rows that have the words, if those are few: then the facts are looked up for them.
    few: Option<RowSet>,
}

/// A filter at work at one point in time.
///
/// Without words it is answered from sets of rows alone, and with words that few have, too. Words that many have are
/// looked up together with the facts, from the list's beginning on until a page is full.
struct Search<'a> {
    db: &'a Connection,
    tenant: &'a TenantId,
    /// What is asked for beside words.
    facts: Vec<Clause>,
    words: Option<Words>,
    /// The rows that came in the time that is asked for: from the first of them up to the end, exclusive.
    first: i64,
    end: i64,
    /// Rows that the index does not know, or not as they are: their score, if they are meant.
    fresh: BTreeMap<i64, Option<Option<u8>>>,
    /// Whether nothing can be missing.
    is_complete: bool,
}

impl<'a> Search<'a> {
    fn begin(
        db: &'a Connection,
        tenant: &'a TenantId,
        filter: &RequestFilter,
        is_by_score: bool,
    ) -> Result<Self> {
        let (words, mut facts): (Vec<_>, Vec<_>) = filter
            .clauses()
            .into_iter()
            .partition(|clause| clause.is_of_words);
        let first = filter.from.map_or(Ok(0), |from| first_row_at(db, from))?;
        let end = match filter.to {
            Some(to) => first_row_at(db, to)?,
            None => indexing::newest(db)?.saturating_add(1),
        };
        let words = match words.is_empty() {
            true => None,
            // With facts, or once for each score, the index may go through long lists that have little in common.
            false => Some(Words {
                few: match is_by_score || !facts.is_empty() {
                    true => few(db, &indexing::expression(tenant, &words), (first, end))?,
                    false => None,
                },
                expression: indexing::expression(tenant, words.iter().chain(&facts)),
            }),
        };
        if facts.is_empty() {
            facts.push(Clause::fact(EVERY));
        }
        let mut search = Self {
            db,
            tenant,
            facts,
            words,
            first,
            end,
            fresh: BTreeMap::new(),
            is_complete: true,
        };
        let (places, is_complete) = indexing::fresh(db, tenant, MAX_FRESH)?;
        search.is_complete = is_complete;
        for place in places {
            let request = search.read(place)?;
            let meant = request.filter(|request| filter.is_met_by(request));
            search
                .fresh
                .insert(place, meant.as_ref().map(finding::score));
        }
        Ok(search)
    }

    /// The row behind which a list goes on. Where it is gone, its neighbor's.
    fn row_of(&self, request: RequestId, is_descending: bool) -> Result<i64> {
        const SQL: &str = "SELECT rowid AS place, request_id FROM requests \
                           WHERE tenant_id = ?1 AND request_id <= ?2 ORDER BY request_id DESC LIMIT 1";
        let id = request.to_string();
        let values = params![self.tenant.as_str(), id];
        let found = sql::first(self.db, SQL, values, |row| {
            Ok((row.integer("place")?, row.text("request_id")?))
        })?;
        Ok(match found {
            Some((row, found)) if found == id || !is_descending => row,
            Some((row, _)) => row + 1,
            None => 0,
        })
    }

    fn read(&self, row: i64) -> Result<Option<LeadRequest>> {
        let sql =
            format!("SELECT {REQUEST_COLUMNS} FROM requests WHERE rowid = ?1 AND tenant_id = ?2");
        let found = sql::first(self.db, &sql, params![row, self.tenant.as_str()], |row| {
            let name = || row.text("request_id").unwrap_or_default();
            readable("requests", name, rows::request(row))
        })?;
        Ok(found.flatten())
    }

    fn spots(&self, sort: RequestSort, after: Option<Spot>, wanted: usize) -> Result<Vec<Spot>> {
        if sort == RequestSort::Score {
            return self.by_score(after, wanted);
        }
        let row = after.map(|after| after.row);
        let rows = self.rows(row, wanted, sort.is_descending())?;
        Ok(rows
            .into_iter()
            .map(|row| Spot { row, score: None })
            .collect())
    }

    /// Rows in the order of time.
    fn rows(&self, after: Option<i64>, wanted: usize, is_descending: bool) -> Result<Vec<i64>> {
        let (mut first, mut end) = (self.first, self.end);
        match after {
            Some(after) if is_descending => end = end.min(after),
            Some(after) => first = first.max(after.saturating_add(1)),
            None => {}
        }
        // As many more as may have to be left out.
        let limit = wanted + self.fresh.len();
        let mut rows = self.indexed((first, end), limit, is_descending)?;
        rows.retain(|row| !self.fresh.contains_key(row));
        let fresh = self.fresh.range(first..end.max(first));
        rows.extend(fresh.filter_map(|(row, meant)| meant.map(|_| *row)));
        rows.sort_unstable();
        if is_descending {
            rows.reverse();
        }
        rows.truncate(wanted);
        Ok(rows)
    }

    /// The rows that the index has.
    fn indexed(&self, range: (i64, i64), limit: usize, is_descending: bool) -> Result<Vec<i64>> {
        if let Some(Words {
            expression,
            few: None,
        }) = &self.words
        {
            return matching(self.db, expression, range, limit, is_descending);
        }
        let mut rows = Vec::new();
        for range in sets::ranges(range.0, range.1, is_descending) {
            let set = self.meeting(range)?;
            rows.extend(set.rows(is_descending).take(limit - rows.len()));
            if rows.len() >= limit {
                break;
            }
        }
        Ok(rows)
    }

    /// The rows that have every fact, and the words where few have those.
    fn meeting(&self, range: (i64, i64)) -> Result<RowSet> {
        let mut set = RowSet::meeting(self.db, self.tenant, &self.facts, range)?;
        if let Some(few) = self.words.as_ref().and_then(|words| words.few.as_ref()) {
            set.keep(few);
        }
        Ok(set)
    }

    /// The highest scores first.
    fn by_score(&self, after: Option<Spot>, wanted: usize) -> Result<Vec<Spot>> {
        let mut meeting = self.meeting((self.first, self.end))?;
        let fresh: Vec<i64> = self.fresh.keys().copied().collect();
        meeting.leave_out(&RowSet::of(&fresh));
        let without = meeting.with(self.db, self.tenant, NO_SCORE)?;
        meeting.leave_out(&without);
        let list = ByScore {
            search: self,
            after,
            wanted,
        };
        let mut found = Vec::new();
        if after.is_none_or(|after| after.score.is_some()) {
            list.descend((SCORE_LEVELS, 0), meeting, &mut found)?;
        }
        list.take(&without, None, &mut found)?;
        let fresh = self.fresh.iter().filter_map(|(row, meant)| {
            let spot = Spot {
                row: *row,
                score: (*meant)?,
            };
            list.is_behind(&spot).then_some(spot)
        });
        found.extend(fresh);
        found.sort_by_key(Spot::in_order_of_scores);
        found.truncate(wanted);
        Ok(found)
    }
}

/// A page in the order of scores.
struct ByScore<'a> {
    search: &'a Search<'a>,
    after: Option<Spot>,
    wanted: usize,
}

impl ByScore<'_> {
    /// The scores are halved again and again, and halves without a row are passed over.
    fn descend(&self, (level, node): (u32, u32), set: RowSet, found: &mut Vec<Spot>) -> Result<()> {
        let last = self.after.and_then(|after| after.score);
        let is_passed = last.is_some_and(|last| node << level > last.into());
        if found.len() >= self.wanted || is_passed || set.is_empty() {
            return Ok(());
        }
        let Some(below) = level.checked_sub(1) else {
            return self.take(&set, u8::try_from(node).ok(), found);
        };
        let search = self.search;
        let higher = score_token(below, 2 * node + 1);
        let higher = set.with(search.db, search.tenant, &higher)?;
        let mut lower = set;
        lower.leave_out(&higher);
        self.descend((below, 2 * node + 1), higher, found)?;
        self.descend((below, 2 * node), lower, found)
    }

    /// Rows of one score, until the page is full.
    fn take(&self, set: &RowSet, score: Option<u8>, found: &mut Vec<Spot>) -> Result<()> {
        let left = self.wanted.saturating_sub(found.len());
        if left == 0 || set.is_empty() {
            return Ok(());
        }
        let search = self.search;
        let rows: Box<dyn Iterator<Item = i64> + '_> = match &search.words {
            Some(Words {
                expression,
                few: None,
            }) => {
                let token = score.map_or(NO_SCORE.to_owned(), |score| score_token(0, score.into()));
                let token = indexing::expression(search.tenant, [&Clause::fact(token)]);
                let expression = format!("{token} AND {expression}");
                let same = self.after.filter(|after| after.score == score);
                let end = same.map_or(search.end, |after| after.row);
                let limit = left + search.fresh.len();
                let rows = matching(search.db, &expression, (search.first, end), limit, true)?;
                let is_known = |row: &i64| !search.fresh.contains_key(row);
                Box::new(rows.into_iter().filter(is_known))
            }
            _ => set.rows(true),
        };
        let spots = rows.map(|row| Spot { row, score });
        found.extend(spots.filter(|spot| self.is_behind(spot)).take(left));
        Ok(())
    }

    fn is_behind(&self, spot: &Spot) -> bool {
        self.after
            .is_none_or(|after| spot.in_order_of_scores() > after.in_order_of_scores())
    }
}

/// The rows that the index has for an expression, if they are few.
fn few(db: &Connection, expression: &str, range: (i64, i64)) -> Result<Option<RowSet>> {
    let rows = matching(db, expression, range, FEW + 1, true)?;
    Ok((rows.len() <= FEW).then(|| RowSet::of(&rows)))
}

/// The rows that the index has for an expression, in the order of time.
fn matching(
    db: &Connection,
    expression: &str,
    (first, end): (i64, i64),
    limit: usize,
    is_descending: bool,
) -> Result<Vec<i64>> {
    const NEWEST: &str = "SELECT rowid AS place FROM request_tokens WHERE request_tokens MATCH ?1 \
                          AND rowid >= ?2 AND rowid < ?3 ORDER BY rowid DESC LIMIT ?4";
    const OLDEST: &str = "SELECT rowid AS place FROM request_tokens WHERE request_tokens MATCH ?1 \
                          AND rowid >= ?2 AND rowid < ?3 ORDER BY rowid LIMIT ?4";
    let sql = if is_descending { NEWEST } else { OLDEST };
    let values = params![expression, first, end, signed(limit)];
    sql::all(db, sql, values, |row| row.integer("place"))
}

/// The first row that was stored then, or later.
fn first_row_at(db: &Connection, at: Timestamp) -> Result<i64> {
    const NEXT: &str =
        "SELECT rowid, created_at FROM requests WHERE rowid >= ?1 ORDER BY rowid LIMIT 1";
    let newest: Option<i64> = db
        .query_row("SELECT max(rowid) FROM requests", [], |row| row.get(0))
        .optional()
        .map_err(store_error)?
        .flatten();
    let (mut first, mut end) = (0, newest.unwrap_or(0) + 1);
    let mut next = db.prepare_cached(NEXT).map_err(store_error)?;
    while first < end {
        let middle = first + (end - first) / 2;
        let found = next
            .query_row([middle], |row| {
                Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?))
            })
            .optional()
            .map_err(store_error)?;
        match found {
            Some((row, created_at)) if created_at < micros(at) => first = row + 1,
            _ => end = middle,
        }
    }
    Ok(first)
}
