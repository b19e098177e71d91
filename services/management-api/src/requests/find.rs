//! Finding requests: the list with its filters and orders, and how many there are.

use std::collections::BTreeMap;

use aws_lc_rs::digest::{SHA256, digest};
use axum::extract::State;
use domain::{Channel, Intent, Office, OfficeId, ProjectType, RequestId, SourceId, Status};
use jiff::{Timestamp, civil::Date, tz::TimeZone};
use runtime::{Json, Problem};
use serde::Serialize;
use store::{
    FindQuery, RequestFilter, RequestSort, SearchText,
    finding::{Area, MAX_EXACT, Place},
};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::summary::RequestSummary;
use crate::{
    Deps,
    auth::TenantReader,
    cursor::Cursor,
    faults::{Faults, PARAMETERS},
    problems::{QueryProblems, TenantProblems},
    query::Pairs,
    words,
};

/// A page of requests.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RequestList {
    /// The requests.
    items: Vec<RequestSummary>,
    /// Send this as `cursor`, with the same filter and order, to get what follows; null when there is no more.
    next_cursor: Option<String>,
}

/// How many requests there are.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RequestCount {
    /// The number, up to 10,000.
    #[schema(minimum = 0, maximum = 10_000)]
    count: u32,
    /// Whether there are exactly that many. Otherwise there are more, or not all old requests can be found yet.
    is_exact: bool,
}

/// Which requests: those that agree with everything that is given.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(
    dead_code,
    reason = "describes what `Asked` reads, which may be repeated and is refused all at once"
)]
pub(crate) struct FilterParams {
    /// Only those that stand here. Can be repeated: then in one of these.
    status: Option<Vec<words::AskedStatus>>,
    /// Only those that reached the company in this way.
    channel: Option<words::Channel>,
    /// Only those whose first delivery came to this source.
    #[param(example = "src_0199f3a100007000800000000000002a")]
    source_id: Option<String>,
    /// Only those of this office. The tenant's first one has those of sources without an office, too.
    #[param(example = "ofc_0199f3a100007000800000000000002a")]
    office_id: Option<String>,
    /// Only those with this score or a higher one.
    #[param(minimum = 0, maximum = 100)]
    score_from: Option<u8>,
    /// Only those with this score or a lower one.
    #[param(minimum = 0, maximum = 100)]
    score_to: Option<u8>,
    /// Only those in the service area, out of it, or of which nobody knows.
    area: Option<words::Area>,
    /// Only those for such a project.
    project_type: Option<words::ProjectType>,
    /// Only those who want this.
    intent: Option<words::Intent>,
    /// Only those whose person somebody should call: genuine leads inside the service area with a number, about whom
    /// nobody did anything yet (see `touches`). `false` changes nothing.
    needs_call: Option<bool>,
    /// Only those that came then or later: a time (RFC 3339), or a day (`2026-11-01`) in the zone of the given office,
    /// else of the first one.
    #[param(example = "2026-11-01")]
    from: Option<String>,
    /// Only those that came before this time (RFC 3339), or up to the end of this day.
    #[param(example = "2026-11-27")]
    to: Option<String>,
    /// Only those in which all of this is said: a name, a telephone number in any form, its last digits, an e-mail
    /// address, words of the summary, of what was written and of the transcript. Of names and towns, their beginning will
    /// do.
    #[param(min_length = 1, max_length = 200)]
    q: Option<String>,
}

/// How the list is shown.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "describes what `Asked` reads")]
pub(crate) struct OrderParams {
    /// The order. `waiting` shows only those that are received, processing, in review, held or parked, the oldest
    /// first; `score` the highest first, and those without one last.
    #[param(default = "newest")]
    sort: Option<words::RequestSort>,
    /// At most this many.
    #[param(minimum = 1, maximum = 200, default = 50)]
    limit: Option<u32>,
    /// Where the page before ended: its `next_cursor`.
    cursor: Option<String>,
}

const FILTERS: [&str; 13] = [
    "status",
    "channel",
    "source_id",
    "office_id",
    "score_from",
    "score_to",
    "area",
    "project_type",
    "intent",
    "needs_call",
    "from",
    "to",
    "q",
];
const ORDER: [&str; 3] = ["sort", "limit", "cursor"];
/// What may be given more than once.
const REPEATED: &str = "status";

/// A tenant's requests.
///
/// Following `next_cursor` to its end shows every request once that was there when the first page was asked for, and
/// agrees with the filter all the time; what comes or changes meanwhile may show, or not. With `sort=score` that holds
/// for requests whose score stays as it is.
#[utoipa::path(
    get,
    path = "/v1/tenants/{tenant_id}/requests",
    tag = "requests",
    security(("bearer" = [])),
    params(("tenant_id" = String, Path, description = "The tenant's slug."), OrderParams, FilterParams),
    responses(
        (status = OK, description = "A page.", body = RequestList),
        QueryProblems,
        TenantProblems
    )
)]
pub(crate) async fn list_requests(
    reader: TenantReader,
    pairs: Pairs,
    State(deps): State<Deps>,
) -> Result<Json<RequestList>, Problem> {
    let (asked, mut faults) = Asked::read(pairs, &[FILTERS.as_slice(), &ORDER].concat());
    let offices = asked.offices(&deps, &reader).await?;
    let limit = faults.limit(asked.one("limit"));
    let filter = asked.filter(&mut faults, &offices);
    let sort = faults.read("sort", asked.one("sort"), sort_of);
    let list = asked.fingerprint();
    let cursor: Option<ListCursor> = faults.cursor(asked.one("cursor"));
    if cursor.is_some_and(|cursor| cursor.list != list) {
        faults.add(
            "cursor",
            "the `next_cursor` of a page with the same filter and order: this one is of another list",
        );
    }
    faults.finish(PARAMETERS)?;
    let query = FindQuery {
        filter,
        sort: sort.unwrap_or_default(),
        limit,
        after: cursor.map(|cursor| cursor.place),
    };
    let page = deps.store.find_requests(reader.tenant(), &query).await?;
    let last = page.items.last().filter(|_| page.has_more);
    let cursor = last.map(|request| ListCursor {
        list,
        place: Place::of(request),
    });
    Ok(Json(RequestList {
        next_cursor: cursor.map(|cursor| cursor.encode()),
        items: page.items.iter().map(RequestSummary::of).collect(),
    }))
}

/// How many of a tenant's requests agree with a filter, exactly up to 10,000.
#[utoipa::path(
    get,
    path = "/v1/tenants/{tenant_id}/requests/count",
    tag = "requests",
    security(("bearer" = [])),
    params(("tenant_id" = String, Path, description = "The tenant's slug."), FilterParams),
    responses(
        (status = OK, description = "The number.", body = RequestCount),
        QueryProblems,
        TenantProblems
    )
)]
pub(crate) async fn count_requests(
    reader: TenantReader,
    pairs: Pairs,
    State(deps): State<Deps>,
) -> Result<Json<RequestCount>, Problem> {
    let (asked, mut faults) = Asked::read(pairs, &FILTERS);
    let offices = asked.offices(&deps, &reader).await?;
    let filter = asked.filter(&mut faults, &offices);
    faults.finish(PARAMETERS)?;
    let counted = deps.store.count_requests(reader.tenant(), &filter).await?;
    debug_assert!(counted.count <= MAX_EXACT);
    Ok(Json(RequestCount {
        count: counted.count,
        is_exact: counted.is_exact,
    }))
}

/// What a query string gives, by name.
struct Asked(BTreeMap<String, Vec<String>>);

impl Asked {
    /// What is given under names that are known, each once, but for [`REPEATED`].
    fn read(pairs: Pairs, known: &[&'static str]) -> (Self, Faults) {
        let (asked, faults) = pairs.known(known, Some(REPEATED));
        (Self(asked), faults)
    }

    fn all(&self, name: &str) -> &[String] {
        self.0.get(name).map_or(&[], Vec::as_slice)
    }

    fn one(&self, name: &str) -> Option<&str> {
        self.all(name).first().map(String::as_str)
    }

    /// The offices, where one is given, or a day, whose zone one of them says.
    async fn offices(&self, deps: &Deps, reader: &TenantReader) -> Result<Vec<Office>, Problem> {
        let mut times = ["from", "to"].into_iter().filter_map(|name| self.one(name));
        if self.one("office_id").is_some() || times.any(|time| time.parse::<Timestamp>().is_err()) {
            return Ok(deps.store.offices(reader.tenant()).await?);
        }
        Ok(Vec::new())
    }

    fn filter(&self, faults: &mut Faults, offices: &[Office]) -> RequestFilter {
        let mut statuses = Vec::new();
        for text in self.all("status") {
            let status = faults.read("status", Some(text), str::parse::<Status>);
            statuses.extend(status.filter(|status| !statuses.contains(status)));
        }
        let office = faults.read("office_id", self.one("office_id"), |text| {
            text.parse::<OfficeId>()
                .map_err(|_| "the id of an office: `ofc_` and 32 characters")
        });
        let score_from = faults.read("score_from", self.one("score_from"), score);
        let score_to = faults.read("score_to", self.one("score_to"), score);
        if score_from.zip(score_to).is_some_and(|(from, to)| from > to) {
            faults.add("score_to", "no lower than `score_from`");
        }
        let zone = zone(offices, office);
        let from = faults.read("from", self.one("from"), |text| time(text, &zone, false));
        let to = faults.read("to", self.one("to"), |text| time(text, &zone, true));
        if from.zip(to).is_some_and(|(from, to)| from >= to) {
            faults.add("to", "later than `from`");
        }
        RequestFilter {
            channel: faults.read("channel", self.one("channel"), str::parse::<Channel>),
            source: faults.read("source_id", self.one("source_id"), |text| {
                text.parse::<SourceId>()
                    .map_err(|_| "the id of a source: `src_` and 32 characters")
            }),
            area: faults.read("area", self.one("area"), area),
            project_type: faults.read(
                "project_type",
                self.one("project_type"),
                str::parse::<ProjectType>,
            ),
            intent: faults.read("intent", self.one("intent"), str::parse::<Intent>),
            needs_call: faults
                .read("needs_call", self.one("needs_call"), |text| {
                    text.parse::<bool>().map_err(|_| "`true` or `false`")
                })
                .unwrap_or_default(),
            text: faults.read("q", self.one("q"), SearchText::parse),
            statuses,
            office,
            or_no_office: office.is_some() && offices.first().map(|first| first.id) == office,
            score_from,
            score_to,
            from,
            to,
        }
    }

    /// What tells this list from another.
    fn fingerprint(&self) -> [u8; 8] {
        let mut told = String::new();
        let lists = self
            .0
            .iter()
            .filter(|(name, _)| !["limit", "cursor"].contains(&name.as_str()));
        for (name, values) in lists {
            let mut values = values.clone();
            values.sort();
            // Neither names nor lengths can be mistaken for a value's end.
            for value in values {
                told.push_str(&format!("{name}={}:{value};", value.len()));
            }
        }
        let hash = digest(&SHA256, told.as_bytes());
        let mut fingerprint = [0; 8];
        for (byte, hashed) in fingerprint.iter_mut().zip(hash.as_ref()) {
            *byte = *hashed;
        }
        fingerprint
    }
}

fn score(text: &str) -> Result<u8, &'static str> {
    match text.parse() {
        Ok(score @ 0..=100) => Ok(score),
        _ => Err("a whole number from 0 to 100"),
    }
}

fn area(text: &str) -> Result<Area, &'static str> {
    match text {
        "in" => Ok(Area::In),
        "out" => Ok(Area::Out),
        "unknown" => Ok(Area::Unknown),
        _ => Err("one of in, out, unknown"),
    }
}

fn sort_of(text: &str) -> Result<RequestSort, &'static str> {
    match text {
        "newest" => Ok(RequestSort::Newest),
        "oldest" => Ok(RequestSort::Oldest),
        "waiting" => Ok(RequestSort::Waiting),
        "score" => Ok(RequestSort::Score),
        _ => Err("one of newest, oldest, waiting, score"),
    }
}

/// The zone that days are read in.
pub(crate) fn zone(offices: &[Office], given: Option<OfficeId>) -> TimeZone {
    let office = match given {
        Some(id) => offices.iter().find(|office| office.id == id),
        None => None,
    };
    let office = office.or(offices.first());
    let zone = office.and_then(|office| TimeZone::get(&office.time_zone).ok());
    zone.unwrap_or(TimeZone::UTC)
}

/// A time, or the beginning or the end of a day.
pub(crate) fn time(text: &str, zone: &TimeZone, is_end: bool) -> Result<Timestamp, &'static str> {
    if let Ok(time) = text.parse::<Timestamp>() {
        return Ok(time);
    }
    let of_day = || {
        let day: Date = Some(text).filter(|text| text.len() == 10)?.parse().ok()?;
        let begin = if is_end { day.tomorrow().ok()? } else { day };
        let begin = begin.to_zoned(zone.clone()).ok()?;
        Some(begin.timestamp())
    };
    of_day().ok_or("a time as in 2026-11-01T09:00:00Z, or a day as in 2026-11-01")
}

/// Where a page of a list ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct ListCursor {
    list: [u8; 8],
    place: Place,
}

/// In place of a score, for those without one.
const NO_SCORE: u8 = u8::MAX;

impl Cursor for ListCursor {
    const KIND: u8 = 21;

    fn bytes(&self) -> Vec<u8> {
        let score = self.place.score.unwrap_or(NO_SCORE);
        let request = self.place.request.as_uuid();
        [self.list.as_slice(), request.as_bytes(), &[score]].concat()
    }

    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (list, rest) = bytes.split_first_chunk::<8>()?;
        let (request, score) = rest.split_first_chunk::<16>()?;
        let score = match score {
            [NO_SCORE] => None,
            [score @ 0..=100] => Some(*score),
            _ => return None,
        };
        Some(Self {
            list: *list,
            place: Place {
                request: RequestId::from_uuid(Uuid::from_bytes(*request)),
                score,
            },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_reads_back_what_it_was_made_of() {
        for score in [None, Some(0), Some(100)] {
            let cursor = ListCursor {
                list: *b"of a lis",
                place: Place {
                    request: RequestId::from_uuid(Uuid::from_u128(7)),
                    score,
                },
            };
            assert_eq!(ListCursor::decode(&cursor.encode()), Ok(cursor));
            let request = cursor.place.request;
            assert!(ListCursor::decode(&request.encode()).is_err());
        }
    }

    #[test]
    fn a_day_begins_and_ends_in_its_zone() {
        let zone = TimeZone::get("America/Chicago").unwrap();
        let read = |text: &str, is_end| time(text, &zone, is_end).map(|time| time.to_string());
        let winter = Ok("2026-12-01T06:00:00Z".to_owned());
        assert_eq!(read("2026-12-01", false), winter);
        assert_eq!(read("2026-11-30", true), winter);
        assert_eq!(
            read("2026-07-01", false),
            Ok("2026-07-01T05:00:00Z".to_owned())
        );
        let plain = "2026-07-01T05:00:00Z";
        assert_eq!(read(plain, true), Ok(plain.to_owned()));
        for text in [
            "",
            "today",
            "2026-13-01",
            "2026-02-30",
            "2026-11-01T09:00",
            "20261101",
            "9999-12-31",
        ] {
            assert!(read(text, true).is_err(), "{text}");
        }
    }
}
