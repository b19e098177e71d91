//! Finding requests: by the table of tokens, and by looking at what is not in it yet.

use std::{collections::BTreeMap, sync::Arc};

use async_trait::async_trait;
use domain::{LeadRequest, RequestId, TenantId};
use google_cloud_spanner::{
    key::KeySet,
    statement::{Statement, StatementBuilder},
    types,
};
use store::{
    Count, FindQuery, Finding, Indexed, Page, RequestFilter, RequestSort,
    finding::{self, MAX_EXACT, MAX_FRESH},
    rows::{self, REQUEST_COLUMNS, signed},
    stored::{PageReader, readable},
    tokens::{Clause, EVERY},
};

use crate::{
    SpannerStore,
    fault::Fault,
    indexing,
    rows::{key, time_value},
    tx::Reader,
    views,
};

type Result<T, E = Fault> = std::result::Result<T, E>;

/// Requests that one transaction takes in: with as many tokens as they may have, its commit stays within Spanner's limits.
const INDEXED_AT_ONCE: usize = 8;
/// Joins that Spanner takes in one query.
const MAX_JOINS: usize = 20;
/// Row by row, by key: a walk along one token must not read all of another.
const LOOKED_UP: &str = "@{JOIN_METHOD=APPLY_JOIN}";
const ONCE: &str = " GROUP BY k.request_id, k.score, k.ranked";
// Each request is in this index once. The emulator cannot see that by itself; Spanner ignores the hint that says so.
const BY_RANK: &str = "@{FORCE_INDEX=request_tokens_by_rank, spanner_emulator.disable_query_null_filtered_index_check=true}";

#[async_trait]
impl Finding for SpannerStore {
    async fn find_requests(
        &self,
        tenant: &TenantId,
        query: &FindQuery,
    ) -> store::Result<Page<LeadRequest>> {
        self.read(async |reader| find(&reader, tenant, query).await)
            .await
    }

    async fn count_requests(
        &self,
        tenant: &TenantId,
        filter: &RequestFilter,
    ) -> store::Result<Count> {
        self.read(async |reader| count(&reader, tenant, filter).await)
            .await
    }

    async fn index_requests_across_tenants(&self, limit: u32) -> store::Result<Indexed> {
        let waiting = self
            .read(async |reader| indexing::waiting_across_tenants(&reader, limit).await)
            .await?;
        let mut indexed = Indexed {
            requests: 0,
            has_more: waiting.len() >= usize::try_from(limit).unwrap_or(usize::MAX),
        };
        for batch in waiting.chunks(INDEXED_AT_ONCE) {
            let batch = Arc::new(batch.to_vec());
            let taken = self.write("requests.index", move |tx| {
                let batch = batch.clone();
                async move { indexing::take_in(&tx, &batch).await }
            });
            indexed.requests += taken.await?;
        }
        Ok(indexed)
    }
}

async fn find(reader: &Reader, tenant: &TenantId, query: &FindQuery) -> Result<Page<LeadRequest>> {
    let mut page = PageReader::new(query.limit);
    let Some(filter) = query.meant() else {
        return Ok(page.finish());
    };
    if let Some(list) = query.as_list() {
        return views::list(reader, tenant, &list).await;
    }
    let search = Search::begin(reader, tenant, filter).await?;
    let mut after = query.after.map(|place| Spot {
        request: place.request.to_string(),
        score: score_value(place.score),
    });
    loop {
        let spots = search
            .spots(query.sort, after.as_ref(), page.wanted())
            .await?;
        let mut read = search.read(&spots).await?;
        if !search.is_complete {
            // Where too much is fresh, the table may still know a request as it was.
            for request in &mut read {
                request.take_if(|request| !search.filter.is_met_by(request));
            }
        }
        after = spots.into_iter().next_back().or(after);
        if !page.take(read) {
            return Ok(page.finish());
        }
    }
}

pub(crate) async fn count(
    reader: &Reader,
    tenant: &TenantId,
    filter: &RequestFilter,
) -> Result<Count> {
    let query = FindQuery {
        filter: filter.clone(),
        ..FindQuery::default()
    };
    let Some(filter) = query.meant() else {
        return Ok(Count::of(0, true));
    };
    let search = Search::begin(reader, tenant, filter).await?;
    let most = usize::try_from(MAX_EXACT).unwrap_or(usize::MAX) + 1;
    let counted = match search.fresh.is_empty() {
        true => search.count(most).await?,
        false => search.spots(RequestSort::Newest, None, most).await?.len(),
    };
    let counted = u32::try_from(counted).unwrap_or(u32::MAX);
    Ok(Count::of(counted, search.is_complete))
}

/// A score as the table has it.
pub(crate) fn score_value(score: Option<u8>) -> i64 {
    score.map_or(-1, i64::from)
}

/// A place in a list.
#[derive(Debug, Clone)]
struct Spot {
    request: String,
    score: i64,
}

/// A filter at work at one point in time.
struct Search<'a> {
    reader: &'a Reader,
    tenant: &'a TenantId,
    filter: RequestFilter,
    /// The clauses, the one whose tokens are read first in front.
    clauses: Vec<Clause>,
    /// Requests that the table does not know, or not as they are; their score, if they are meant.
    fresh: BTreeMap<String, Option<i64>>,
    /// Whether nothing can be missing.
    is_complete: bool,
}

impl<'a> Search<'a> {
    async fn begin(
        reader: &'a Reader,
        tenant: &'a TenantId,
        filter: RequestFilter,
    ) -> Result<Self> {
        let mut clauses = filter.clauses();
        if clauses.is_empty() {
            clauses.push(Clause::fact(EVERY));
        }
        // Words are rarer than facts, and one token's requests come in their order.
        clauses.sort_by_key(|clause| (!clause.is_of_words, clause.any_of.len()));
        let mut search = Self {
            reader,
            tenant,
            filter,
            clauses,
            fresh: BTreeMap::new(),
            is_complete: true,
        };
        let fresh = indexing::of_tenant(reader, tenant, MAX_FRESH + 1).await?;
        search.is_complete = fresh.len() <= MAX_FRESH;
        for row in fresh.iter().take(MAX_FRESH) {
            let id = row.text("request_id")?;
            let request = readable("requests", || id.clone(), rows::request(row))?;
            let meant = request.filter(|request| search.filter.is_met_by(request));
            let score = meant.map(|request| score_value(finding::score(&request)));
            search.fresh.insert(id, score);
        }
        Ok(search)
    }

    async fn spots(
        &self,
        sort: RequestSort,
        after: Option<&Spot>,
        wanted: usize,
    ) -> Result<Vec<Spot>> {
        // As many more as may have to be left out.
        let limit = wanted + self.fresh.len();
        let mut spots = match (sort, after) {
            (RequestSort::Score, after) if self.has_words() => {
                self.walk(Lead::SortedWords, after, limit).await?
            }
            (RequestSort::Score, None) => self.walk(Lead::Ranks, None, limit).await?,
            (RequestSort::Score, after) => {
                let mut spots = self.walk(Lead::OneRank, after, limit).await?;
                if spots.len() < limit {
                    let lower = limit - spots.len();
                    spots.extend(self.walk(Lead::Ranks, after, lower).await?);
                }
                spots
            }
            (RequestSort::Newest, after) => self.walk(Lead::Newest, after, limit).await?,
            (RequestSort::Oldest | RequestSort::Waiting, after) => {
                self.walk(Lead::Oldest, after, limit).await?
            }
        };
        spots.retain(|spot| !self.fresh.contains_key(&spot.request));
        let fresh = self.fresh.iter().filter_map(|(request, score)| {
            Some(Spot {
                request: request.clone(),
                score: (*score)?,
            })
        });
        spots.extend(fresh.filter(|spot| after.is_none_or(|after| is_behind(sort, spot, after))));
        spots.sort_by(|one, other| order(sort, one, other));
        spots.truncate(wanted);
        Ok(spots)
    }

    /// Whether words are searched for. They are rarer than scores: all that have them are read and sorted.
    fn has_words(&self) -> bool {
        self.clauses
            .first()
            .is_some_and(|clause| clause.is_of_words)
    }

    /// What the table has.
    async fn walk(&self, lead: Lead, after: Option<&Spot>, limit: usize) -> Result<Vec<Spot>> {
        let statement = self.with_parameters(self.sql(lead, after.is_some()), after, limit);
        let found = self.reader.query(statement.build());
        let mut spots = Vec::new();
        for row in found.await? {
            spots.push(Spot {
                request: row.text("request_id")?,
                score: row.integer("score")?,
            });
        }
        Ok(spots)
    }

    /// How many the table has, up to a limit.
    async fn count(&self, limit: usize) -> Result<usize> {
        let sql = self.sql(Lead::Newest, false);
        let sql = format!("SELECT COUNT(*) AS found FROM ({sql})");
        let found = self
            .reader
            .query(self.with_parameters(sql, None, limit).build());
        let found = found.await?.first().map(|row| row.integer("found"));
        Ok(usize::try_from(found.transpose()?.unwrap_or_default()).unwrap_or_default())
    }

    fn sql(&self, lead: Lead, is_begun: bool) -> String {
        let by = lead.order();
        let behind = lead.behind(is_begun);
        let met = self.met();
        if matches!(lead, Lead::Ranks | Lead::OneRank) {
            let (joined, once) = (self.joined(0), self.once(0));
            return format!(
                "SELECT k.request_id, k.score FROM request_tokens{BY_RANK} AS k{joined} \
                 WHERE k.tenant_id = @tenant AND k.ranked IS NOT NULL AND {behind}{met}{once} \
                 ORDER BY k.ranked DESC, k.request_id DESC LIMIT @limit"
            );
        }
        // Words are rarer than facts, and the requests of one token lie in the order of time: a list that one token
        // leads reads no more of it than it returns, but for what fails the rest.
        let (tokens, joined, once) = (self.leading().len(), self.joined(1), self.once(1));
        let list = |led: &str, once: &str| {
            format!(
                "SELECT k.request_id, k.score FROM request_tokens AS k{joined} WHERE k.tenant_id = @tenant AND {led} \
                 AND {behind}{met}{once} ORDER BY {by} LIMIT @limit"
            )
        };
        match tokens {
            1 => list("k.token = @lead0", once),
            _ if tokens * self.clauses.len() <= MAX_JOINS => {
                let lists = (0..tokens)
                    .map(|number| format!("({})", list(&format!("k.token = @lead{number}"), once)));
                let lists = lists.collect::<Vec<_>>().join(" UNION ALL ");
                // A request may have several tokens of a clause.
                format!(
                    "SELECT DISTINCT request_id, score FROM ({lists}) ORDER BY {by} LIMIT @limit"
                )
            }
            _ => list("k.token IN UNNEST(@clause0)", ONCE),
        }
    }

    fn leading(&self) -> &[String] {
        self.clauses.first().map_or(&[], |clause| &clause.any_of)
    }

    /// The clauses from this one on, looked up for each request that the walk comes by. No `EXISTS`: the emulator looks
    /// through the whole table for each row then, and needs minutes for some thousand tokens.
    fn joined(&self, first: usize) -> String {
        let mut joined = String::new();
        for number in first..self.clauses.len() {
            joined.push_str(&format!(
                " JOIN{LOOKED_UP} request_tokens AS k{number} ON k{number}.tenant_id = @tenant \
                 AND k{number}.token IN UNNEST(@clause{number}) AND k{number}.request_id = k.request_id"
            ));
        }
        if self.filter.from.is_some() || self.filter.to.is_some() {
            joined.push_str(&format!(
                " JOIN{LOOKED_UP} requests AS r ON r.tenant_id = @tenant AND r.request_id = k.request_id"
            ));
        }
        joined
    }

    /// What keeps a request that has several tokens of a clause from being found several times.
    fn once(&self, first: usize) -> &'static str {
        let mut joined = self.clauses.iter().skip(first);
        match joined.any(|clause| clause.any_of.len() > 1) {
            true => ONCE,
            false => "",
        }
    }

    /// The conditions that the times make.
    fn met(&self) -> String {
        let mut met = String::new();
        // Ids rise with time, nearly: they bound the walk, and the time itself decides.
        let ids = [
            self.filter.from.map(|_| " AND k.request_id >= @first"),
            self.filter.to.map(|_| " AND k.request_id < @end"),
        ];
        met.extend(ids.into_iter().flatten());
        let times = [
            self.filter.from.map(|_| " AND r.created_at >= @from"),
            self.filter.to.map(|_| " AND r.created_at < @to"),
        ];
        met.extend(times.into_iter().flatten());
        met
    }

    fn with_parameters(&self, sql: String, after: Option<&Spot>, limit: usize) -> StatementBuilder {
        let mut statement = Statement::builder(sql)
            .add_param("tenant", self.tenant.as_str().to_owned())
            .add_param("limit", signed(limit));
        for (number, clause) in self.clauses.iter().enumerate() {
            statement = statement.add_param(format!("clause{number}"), clause.any_of.clone());
        }
        for (number, token) in self.leading().iter().enumerate() {
            statement = statement.add_param(format!("lead{number}"), token.clone());
        }
        for (name, time) in [("from", self.filter.from), ("to", self.filter.to)] {
            if let Some(time) = time {
                statement = statement.add_typed_param(name, time_value(time), types::timestamp());
            }
        }
        let ids = [
            ("first", self.filter.first_id()),
            ("end", self.filter.end_id()),
        ];
        for (name, id) in ids {
            if let Some(id) = id {
                statement = statement.add_param(name, id.to_string());
            }
        }
        match after {
            Some(after) => statement
                .add_param("after", after.request.clone())
                .add_param("score", after.score),
            None => statement,
        }
    }

    /// The requests of these places, in their order.
    async fn read(&self, spots: &[Spot]) -> Result<Vec<Option<LeadRequest>>> {
        if spots.is_empty() {
            return Ok(Vec::new());
        }
        let mut keys = KeySet::builder();
        for spot in spots {
            keys = keys.add_key(key([self.tenant.as_str(), &spot.request]));
        }
        let found = self.reader.rows("requests", REQUEST_COLUMNS, keys.build());
        let mut by_id: BTreeMap<RequestId, LeadRequest> = BTreeMap::new();
        for row in found.await? {
            let name = || row.text("request_id").unwrap_or_default();
            let request = readable("requests", name, rows::request(&row))?;
            by_id.extend(request.map(|request| (request.id, request)));
        }
        let read = spots.iter().map(|spot| {
            let id = spot.request.parse().ok()?;
            by_id.remove(&id)
        });
        Ok(read.collect())
    }
}

/// Along what a list is read.
#[derive(Debug, Clone, Copy)]
enum Lead {
    /// The tokens of the first clause, the newest first.
    Newest,
    /// The same, the oldest first.
    Oldest,
    /// All that have a word, sorted by score.
    SortedWords,
    /// Every request by its score; behind a place, those with lower ones.
    Ranks,
    /// Those with the score of a place, behind it.
    OneRank,
}

impl Lead {
    const fn order(self) -> &'static str {
        match self {
            Self::Newest => "request_id DESC",
            Self::Oldest => "request_id",
            Self::SortedWords | Self::Ranks | Self::OneRank => "score DESC, request_id DESC",
        }
    }

    /// What lies behind the last page. No index is read from within an OR: ranks are walked in two steps.
    const fn behind(self, is_begun: bool) -> &'static str {
        match self {
            _ if !is_begun => "TRUE",
            Self::Newest => "k.request_id < @after",
            Self::Oldest => "k.request_id > @after",
            Self::SortedWords => {
                "(k.score < @score OR (k.score = @score AND k.request_id < @after))"
            }
            Self::Ranks => "k.ranked < @score",
            Self::OneRank => "k.ranked = @score AND k.request_id < @after",
        }
    }
}

/// The order of a list.
fn order(sort: RequestSort, one: &Spot, other: &Spot) -> std::cmp::Ordering {
    match sort {
        RequestSort::Newest => other.request.cmp(&one.request),
        RequestSort::Oldest | RequestSort::Waiting => one.request.cmp(&other.request),
        RequestSort::Score => (other.score, &other.request).cmp(&(one.score, &one.request)),
    }
}

fn is_behind(sort: RequestSort, spot: &Spot, after: &Spot) -> bool {
    order(sort, after, spot).is_lt()
}
