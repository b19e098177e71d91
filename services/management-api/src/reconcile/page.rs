//! One page of a provider's list, compared with what came.

use std::collections::BTreeMap;

use ::sources::{Asked, Found, Listed, Scope, Thing, Verified, read_as_set};
use domain::{About, Alias, BookingStatus, Reading, StoreError, metric_names};
use jiff::{Timestamp, civil::Date, tz::TimeZone};
use serde_json::Value;
use store::{
    AuditAction, Delivery, HAPPENED_AT, SourceChange, SourceUpdate,
    jobs::NotTaken,
    sweeps::{DayCount, Span, SweepState},
};

use super::{ACTOR, Access, Fault};
use crate::Deps;

/// Requests that fetching a thing takes at most.
const REQUESTS_OF_A_FETCH: u32 = 3;

/// What a page came to.
#[derive(Debug, Default)]
pub(crate) struct Compared {
    /// What was counted, by day.
    days: BTreeMap<Date, DayCount>,
    /// Things that were looked at.
    pub(crate) through: u64,
    /// Those of them that were taken.
    pub(crate) taken: u64,
    /// Those of them that are missing still, and why.
    pub(crate) not_taken: NotTaken,
    /// Where the next page begins.
    pub(crate) next: Option<String>,
}

impl Compared {
    /// Adds what was counted.
    pub(crate) fn add_to(&self, days: &mut BTreeMap<Date, DayCount>) {
        for (day, count) in &self.days {
            days.entry(*day).or_default().add(*count);
        }
    }

    fn count(&mut self, at: Timestamp, zone: &TimeZone, count: DayCount) {
        let day = at.to_zoned(zone.clone()).date();
        self.days.entry(day).or_default().add(count);
    }
}

const HELD: DayCount = DayCount {
    at_provider: 1,
    held: 1,
    recovered: 0,
    missing: 0,
};
const RECOVERED: DayCount = DayCount {
    recovered: 1,
    ..HELD
};
const MISSING: DayCount = DayCount {
    at_provider: 1,
    held: 0,
    recovered: 0,
    missing: 1,
};

/// Compares a page, and takes what is missing. A repeat finds what was taken as held.
///
/// # Errors
/// [`Fault`]. What was taken before it stays taken.
pub(crate) async fn compare(
    deps: &Deps,
    access: &Access<'_>,
    kind: &str,
    span: Span,
    place: Option<&str>,
    state: &mut SweepState,
    zone: &TimeZone,
) -> Result<Compared, Fault> {
    let mut compared = Compared::default();
    let Some(listing) = &access.apis.listing else {
        return Ok(compared);
    };
    access.admit(1).await?;
    let asked = Asked {
        kind,
        from: span.from,
        to: span.to,
        place,
    };
    let accounts = &access.source.accounts;
    let page = match listing.list(&access.account, accounts, &asked).await {
        Ok(page) => page,
        Err(error) => return Err(access.failed(error).await),
    };
    compared.next = page.next;
    keep_learned(deps, access, listing.learned(&access.account, accounts)).await?;
    let known = known(deps, access, &page.things).await?;
    for (listed, held) in page.things.into_iter().zip(known) {
        compared.through += 1;
        if let Some(held) = held {
            if is_to_be_canceled(deps, access, &listed).await? {
                cancel(deps, access, &listed).await?;
            }
            compared.count(listed.at, zone, held);
            continue;
        }
        let Some(name) = listed.aliases.first() else {
            continue;
        };
        let now = deps.clock.now();
        let is_missing = state.is_missing(&name.value.clone(), listed.due_at, now);
        match &listed.found {
            Found::Here(thing) => {
                let count = take(deps, access, &listed, thing, is_missing, &mut compared).await?;
                count_if(&mut compared, listed.at, zone, count);
            }
            Found::Elsewhere(_) if !is_missing => {
                compared.not_taken.wait(listed.due_at);
                compared.count(listed.at, zone, MISSING);
            }
            Found::Elsewhere(place) => {
                access.admit(REQUESTS_OF_A_FETCH).await?;
                let fetched = match listing.fetch(&access.account, accounts, place).await {
                    Ok(fetched) => fetched,
                    Err(error) => return Err(access.failed(error).await),
                };
                let known = self::known(deps, access, &fetched).await?;
                for (listed, held) in fetched.into_iter().zip(known) {
                    let count = match (held, &listed.found) {
                        (Some(held), _) => Some(held),
                        (None, Found::Here(thing)) => {
                            take(deps, access, &listed, thing, true, &mut compared).await?
                        }
                        (None, Found::Elsewhere(_)) => None,
                    };
                    count_if(&mut compared, listed.at, zone, count);
                }
            }
        }
    }
    Ok(compared)
}

/// Keeps further ids of the source's accounts with the source. Whoever takes every account is left so.
async fn keep_learned(deps: &Deps, access: &Access<'_>, learned: Vec<String>) -> Result<(), Fault> {
    let source = access.source;
    let is_new = |id: &String| !source.accounts.contains(id);
    let new: Vec<_> = learned.into_iter().filter(is_new).collect();
    if new.is_empty() || source.accounts.is_empty() {
        return Ok(());
    }
    let said = format!(
        "{} names its account {}, too",
        access.spec.name,
        new.join(", ")
    );
    let update = SourceUpdate {
        expected: source.version,
        name: source.name.clone(),
        office: source.office,
        accounts: source.accounts.iter().cloned().chain(new).collect(),
    };
    let act = AuditAction::new(ACTOR, "source.change", &source.id).saying(said);
    let change = SourceChange::Update(update);
    let changed = deps
        .store
        .change_source(&source.tenant, source.id, change, &act)
        .await;
    match changed {
        Ok(_) => Ok(()),
        // Somebody else changed it meanwhile, or has the id: the next page sees how it is.
        Err(StoreError::Outdated { .. } | StoreError::Conflict(_) | StoreError::NotFound) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// Whether our request says that a booking stands at the time at which it was canceled. One that was moved stands at
/// another.
async fn is_to_be_canceled(
    deps: &Deps,
    access: &Access<'_>,
    listed: &Listed,
) -> Result<bool, Fault> {
    let (Some(canceled), Some(name)) = (listed.canceled, listed.aliases.first()) else {
        return Ok(false);
    };
    let tenant = &access.source.tenant;
    let Some(id) = deps.store.request_named(tenant, name).await? else {
        return Ok(false);
    };
    let view = deps.store.request(tenant, id).await?;
    Ok(view.is_some_and(|view| {
        let facts = view.request.document.facts();
        matches!(&facts.about, About::Calendar(booking)
            if booking.status == Some(BookingStatus::Booked) && booking.starts_at == Some(canceled))
    }))
}

/// Takes the cancellation of a booking that is held, as its webhook would have brought it.
async fn cancel(deps: &Deps, access: &Access<'_>, listed: &Listed) -> Result<(), Fault> {
    let fetched = match &listed.found {
        Found::Here(_) => vec![listed.clone()],
        Found::Elsewhere(place) => {
            let Some(listing) = &access.apis.listing else {
                return Ok(());
            };
            access.admit(REQUESTS_OF_A_FETCH).await?;
            let accounts = &access.source.accounts;
            match listing.fetch(&access.account, accounts, place).await {
                Ok(fetched) => fetched,
                Err(error) => return Err(access.failed(error).await),
            }
        }
    };
    for listed in fetched.iter().filter(|listed| listed.canceled.is_some()) {
        if let Found::Here(thing) = &listed.found
            && let Read::News(delivery) = delivery_of(deps, access, listed, thing)
        {
            let accepted = deps.store.accept(*delivery).await?;
            let (source, spec) = (access.source, access.spec);
            let request = accepted.request().map(|id| id.to_string());
            tracing::warn!(
                tenant.id = %source.tenant, source.id = %source.id,
                "the booking of request {} is canceled at {}: its webhook had not come",
                request.unwrap_or_default(), spec.name
            );
            deps.hand_over(accepted.into_wakes()).await;
        }
    }
    Ok(())
}

fn count_if(compared: &mut Compared, at: Timestamp, zone: &TimeZone, count: Option<DayCount>) {
    if let Some(count) = count {
        compared.count(at, zone, count);
    }
}

/// How each of these things is held; none if it is not.
async fn known(
    deps: &Deps,
    access: &Access<'_>,
    things: &[Listed],
) -> Result<Vec<Option<DayCount>>, Fault> {
    let mut names = Vec::new();
    for thing in things {
        names.extend(thing.aliases.iter().cloned());
        names.extend(thing.aliases.first().map(mark));
    }
    let known = deps.store.are_known(&access.source.tenant, &names).await?;
    let mut known = known.into_iter();
    let held = things.iter().map(|thing| {
        let is_held = known
            .by_ref()
            .take(thing.aliases.len())
            .fold(false, |any, known| any | known);
        let has_mark = !thing.aliases.is_empty();
        let is_recovered = has_mark && known.next().unwrap_or(false);
        is_held.then_some(if is_recovered { RECOVERED } else { HELD })
    });
    Ok(held.collect())
}

/// The name that marks what an audit took.
fn mark(of: &Alias) -> Alias {
    Alias {
        kind: Alias::RECOVERED.to_owned(),
        ..of.clone()
    }
}

/// What a thing of a list is to its source.
enum Read {
    /// News, as its webhook would have brought them.
    News(Box<Delivery>),
    /// Nothing that is used.
    Unused,
    /// It cannot be read.
    Unreadable,
}

fn delivery_of(deps: &Deps, access: &Access<'_>, listed: &Listed, thing: &Thing) -> Read {
    let (source, spec) = (access.source, access.spec);
    let Some(reader) = deps.sources.get(spec.slug) else {
        return Read::Unused;
    };
    let delivery = Verified::recovered(spec, thing.content_type, thing.body.clone());
    let nothing = Value::Object(serde_json::Map::new());
    let (id, accounts) = (source.id, &source.accounts);
    let news = match read_as_set(reader, id, accounts, &nothing, &delivery, thing.event) {
        Ok(Reading::News(news)) => news,
        Ok(Reading::Ignored { .. } | Reading::Receipts(_) | Reading::Ping) => return Read::Unused,
        Err(reason) => {
            tracing::error!(
                tenant.id = %source.tenant, source.id = %source.id,
                "a lead that is missing cannot be read as {} lists it: {reason}", spec.name
            );
            return Read::Unreadable;
        }
    };
    let scope = Scope::of(reader, id, &delivery).of_deliveries();
    let (mut headers, body) = delivery.into_parts();
    headers.insert(HAPPENED_AT.to_owned(), listed.at.to_string());
    Read::News(Box::new(Delivery {
        tenant: source.tenant.clone(),
        provider: source.provider.clone(),
        source: source.id,
        channel: spec.usual_channel(),
        office: source.office,
        event: thing.event.map(str::to_owned),
        is_told_by_body: spec.is_told_by_body,
        scope,
        delivery_id: None,
        scheme: store::RECOVERED.to_owned(),
        headers,
        body,
        traceparent: None,
        reading: Ok(Reading::News(news)),
    }))
}

/// Takes a thing if it is missing, as its webhook would have brought it. `None` if it is no lead that is used.
async fn take(
    deps: &Deps,
    access: &Access<'_>,
    listed: &Listed,
    thing: &Thing,
    is_missing: bool,
    compared: &mut Compared,
) -> Result<Option<DayCount>, Fault> {
    let (source, spec) = (access.source, access.spec);
    let mut delivery = match delivery_of(deps, access, listed, thing) {
        Read::News(delivery) if is_missing => delivery,
        Read::News(_) => {
            compared.not_taken.wait(listed.due_at);
            return Ok(Some(MISSING));
        }
        Read::Unreadable => {
            compared.not_taken.unreadable += 1;
            return Ok(Some(MISSING));
        }
        Read::Unused => return Ok(None),
    };
    // It marks the request in the transaction that makes it, so that no count is lost with a process.
    if let Ok(Reading::News(news)) = &mut delivery.reading {
        news.aliases.extend(listed.aliases.first().map(mark));
    }
    let accepted = deps.store.accept(*delivery).await?;
    compared.taken += 1;
    metrics::counter!(metric_names::LEADS_RECOVERED_TOTAL, "provider" => spec.slug).increment(1);
    let request = accepted.request().map(|id| id.to_string());
    let request = request.unwrap_or_default();
    tracing::warn!(
        tenant.id = %source.tenant, source.id = %source.id, request.id = %request,
        "request {request} was found at {}: its webhook had not come", spec.name
    );
    deps.hand_over(accepted.into_wakes()).await;
    Ok(Some(RECOVERED))
}
