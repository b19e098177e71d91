//! Whether a source brings what it should.

use std::time::Duration;

use axum::extract::State;
use domain::EventId;
use jiff::{SignedDuration, Timestamp};
use runtime::{Json, Path, Problem};
use serde::Serialize;
use store::{
    DeliveryQuery, DeliverySummary, SecurityQuery,
    sweeps::{SweepState, WEBHOOKS},
};
use utoipa::ToSchema;

use super::{SourcePath, find, no_source};
use crate::{Deps, auth::TenantReader, problems::TenantProblems, reconcile};

/// Deliveries that are looked at for today's counts.
const MAX_COUNTED: usize = 2_000;
/// Deliveries from which the usual gap is taken.
const MAX_GAPS: usize = 100;
/// Silence counts from so many usual gaps on, and not below an hour: nights are quiet everywhere.
const QUIET_AFTER_GAPS: u32 = 5;
const QUIET_AFTER: Duration = Duration::from_secs(60 * 60);

/// What is said while deliveries are refused.
const REFUSED: &str = "Deliveries are refused, and none was genuine since: compare the source's signing key with the provider's.";

/// How a source is.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SourceHealth {
    /// In a word.
    state: HealthState,
    /// The same in a sentence, with what to do.
    detail: String,
    /// When its last delivery was stored. What an audit found does not count, and neither does a test.
    last_at: Option<Timestamp>,
    /// When a test of the provider's last came: it makes no lead, and shows that the connection works. Null if none of the
    /// last deliveries was one.
    last_ping_at: Option<Timestamp>,
    /// When our own last test of it came (`…/test`): it shows that its URL and its key work, and not that the provider posts.
    /// Null if none of the last deliveries was one.
    last_test_at: Option<Timestamp>,
    /// The usual time between two deliveries, in seconds; null while there are too few to tell.
    usual_gap_s: Option<u64>,
    /// What came since midnight by the office's clock.
    today: HealthToday,
    /// When the audit last compared it with its provider; null if it never did.
    audited_at: Option<Timestamp>,
    /// Why the last audit did not come to its end.
    audit_fault: Option<String>,
}

/// What came since midnight. Counts end at 2,000.
#[derive(Debug, Default, Serialize, ToSchema)]
pub(crate) struct HealthToday {
    /// Deliveries that were stored.
    accepted: u64,
    /// Times that a stored one came again.
    repeated: u64,
    /// Deliveries of this provider that were refused.
    refused: u64,
}

/// How a source is, in a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum HealthState {
    /// It brings what it should.
    Healthy,
    /// Nothing of the provider's has come yet, or nothing for longer than usual.
    Quiet,
    /// Its deliveries are refused, or do not get through, or its test failed.
    Failing,
    /// Its webhooks are switched off at the provider.
    OffAtProvider,
}

/// How a source is.
#[utoipa::path(
    get,
    path = "/v1/tenants/{tenant_id}/sources/{source_id}/health",
    tag = "sources",
    security(("bearer" = [])),
    params(("tenant_id" = String, Path, description = "The tenant's slug."), SourcePath),
    responses((status = OK, description = "How it is.", body = SourceHealth), TenantProblems)
)]
pub(crate) async fn show_source_health(
    reader: TenantReader,
    Path(path): Path<SourcePath>,
    State(deps): State<Deps>,
) -> Result<Json<SourceHealth>, Problem> {
    let tenant = reader.tenant();
    let source = find(&deps, tenant, path.source_id)
        .await?
        .ok_or_else(no_source)?;
    let now = deps.clock.now();
    let zone = reconcile::zone(&deps, &source).await?;
    let midnight = now.to_zoned(zone).start_of_day();
    let midnight = midnight.map_or(now, |midnight| midnight.timestamp());
    let mut deliveries = newest(&deps, &source, midnight).await?;
    let is_ping = |delivery: &DeliverySummary| delivery.remark.as_deref() == Some(store::PING);
    let is_test =
        |delivery: &DeliverySummary| delivery.remark.as_deref() == Some(::sources::TEST_REMARK);
    let last = |is_it: &dyn Fn(&DeliverySummary) -> bool| {
        let mut all = deliveries.iter();
        all.find(|delivery| is_it(delivery))
            .map(|delivery| delivery.received_at)
    };
    let (last_ping_at, last_test_at) = (last(&is_ping), last(&is_test));
    deliveries.retain(|delivery| !is_ping(delivery) && !is_test(delivery));
    let last_at = deliveries.first().map(|delivery| delivery.received_at);
    let times: Vec<_> = deliveries
        .iter()
        .map(|delivery| delivery.received_at)
        .collect();
    let gap = usual_gap(&times);
    let of_today = deliveries
        .iter()
        .filter(|delivery| delivery.received_at >= midnight);
    let (refused, refused_at) = refused(&deps, &source, midnight).await?;
    let mut today = HealthToday {
        refused,
        ..HealthToday::default()
    };
    for delivery in of_today {
        today.accepted += 1;
        today.repeated += delivery.repeats;
    }
    let sweeps = deps.store.sweeps(tenant).await?;
    let mine: Vec<_> = sweeps
        .iter()
        .filter(|sweep| sweep.source == source.id)
        .collect();
    let webhooks = mine.iter().find(|sweep| sweep.kind == WEBHOOKS);
    let webhooks = webhooks.map(|sweep| &sweep.state);
    let looks = mine.iter().filter(|sweep| sweep.kind != WEBHOOKS);
    let is_wired =
        webhooks.is_some_and(|state| state.checked_at.is_some() && !state.posted.is_empty());
    let theirs_at = last_at.max(last_ping_at);
    let proven_at = theirs_at.max(last_test_at);
    let trouble = Trouble {
        off: webhooks.and_then(off_in_words),
        refused: refused_at.map(|at| (at, REFUSED.to_owned())),
        failing: webhooks.and_then(|state| failing_in_words(&deps, &source, state)),
        test: (deps.store.source_test(tenant, source.id).await?).and_then(test_in_words),
    };
    let (state, trouble) = match trouble.now(proven_at) {
        Some((state, words)) => (state, Some(words)),
        None => (state(theirs_at, gap, now), None),
    };
    let provider = deps.sources.get(&source.provider);
    let provider = provider.map_or(source.provider.as_str(), |known| known.spec().name);
    let detail = match (state, trouble) {
        (_, Some(words)) => words,
        (HealthState::Healthy, _) if last_at.is_none() => {
            "The connection works: a test of the provider's came. Nothing else has come yet.".to_owned()
        }
        (HealthState::Quiet, _) if last_at.is_none() => {
            nothing_yet(provider, last_test_at.is_some(), is_wired)
        }
        (HealthState::Quiet, _) => {
            "Nothing has come for longer than usual. What the provider has is compared all the same, where it is audited."
                .to_owned()
        }
        _ => "It brings what it should.".to_owned(),
    };
    Ok(Json(SourceHealth {
        state,
        detail,
        last_at,
        last_ping_at,
        last_test_at,
        usual_gap_s: gap.map(|gap| gap.as_secs()),
        today,
        audited_at: looks
            .clone()
            .filter_map(|sweep| sweep.state.checked_at)
            .min(),
        audit_fault: mine.iter().find_map(|sweep| sweep.state.fault.clone()),
    }))
}

/// What is known of a source to which nothing of the provider's has come.
fn nothing_yet(provider: &str, is_tested: bool, is_wired: bool) -> String {
    match (is_tested, is_wired) {
        (true, true) => format!(
            "Connected: our own test arrived, and {provider} has the webhooks. Nothing genuine has come yet."
        ),
        (false, true) => format!(
            "Connected: {provider} has the webhooks. Nothing genuine has come yet: test the source."
        ),
        (true, false) => format!(
            "Our own test arrived, so its URL and its key work. Nothing genuine has come yet: look whether the URL is entered at \
             {provider}."
        ),
        (false, false) => format!(
            "Nothing has come yet: test the source, and look whether its URLs are entered at {provider}."
        ),
    }
}

fn off_in_words(state: &SweepState) -> Option<String> {
    let off = state.off.as_ref()?;
    let events = off.events.join(", ");
    Some(format!(
        "The provider has not posted {events} since {} or earlier. {}",
        off.since, off.remedy
    ))
}

/// What the provider says of webhooks that do not get through, and when it was asked.
fn failing_in_words(
    deps: &Deps,
    source: &store::Source,
    state: &SweepState,
) -> Option<(Timestamp, String)> {
    let (since, asked_at) = (state.failing_since?, state.checked_at?);
    let spec = deps.sources.get(&source.provider).map(|known| known.spec());
    let provider = spec.map_or(source.provider.as_str(), |spec| spec.name);
    let words = format!(
        "{provider} has got nothing through to us since {since:.0}, as it says. It tries again, and switches the webhook off in \
         the end. Test the source: the test says what is in the way."
    );
    Some((asked_at, words))
}

fn test_in_words(test: store::SourceTest) -> Option<(Timestamp, String)> {
    let fault = test.fault?;
    let words = format!(
        "Its test of {:.0} failed: {fault} Then test it again.",
        test.at
    );
    Some((test.at, words))
}

/// What is wrong with a source, in words, each but the first with when that was known.
#[derive(Default)]
struct Trouble {
    /// The provider has switched its webhooks off.
    off: Option<String>,
    /// Deliveries were refused.
    refused: Option<(Timestamp, String)>,
    /// The provider gets nothing through.
    failing: Option<(Timestamp, String)>,
    /// Its test failed.
    test: Option<(Timestamp, String)>,
}

impl Trouble {
    /// The worst of it. What was stored at `proven_at` has shown that what was known before is over.
    fn now(self, proven_at: Option<Timestamp>) -> Option<(HealthState, String)> {
        let is_now = |(at, _): &(Timestamp, String)| proven_at.is_none_or(|proven| *at > proven);
        let off = self.off.map(|words| (HealthState::OffAtProvider, words));
        let failing = [self.refused, self.failing, self.test];
        let failing = failing.into_iter().flatten().find(is_now);
        off.or(failing.map(|(_, words)| (HealthState::Failing, words)))
    }
}

/// How a source is with which nothing is wrong, as far as that can be told.
fn state(last_at: Option<Timestamp>, gap: Option<Duration>, now: Timestamp) -> HealthState {
    let Some(last_at) = last_at else {
        return HealthState::Quiet;
    };
    let usual = gap.unwrap_or_default().saturating_mul(QUIET_AFTER_GAPS);
    let quiet_after = SignedDuration::try_from(usual.max(QUIET_AFTER));
    let silence = now.duration_since(last_at);
    if gap.is_some() && quiet_after.is_ok_and(|after| silence > after) {
        HealthState::Quiet
    } else {
        HealthState::Healthy
    }
}

/// The middle one of the gaps between deliveries, the newest first; none of fewer than five.
fn usual_gap(times: &[Timestamp]) -> Option<Duration> {
    const LEAST: usize = 5;
    let pairs = times.iter().zip(times.iter().skip(1)).take(MAX_GAPS);
    let mut gaps: Vec<_> = pairs
        .filter_map(|(newer, older)| Duration::try_from(newer.duration_since(*older)).ok())
        .collect();
    gaps.sort_unstable();
    (gaps.len() >= LEAST).then(|| gaps.get(gaps.len() / 2).copied())?
}

/// The source's deliveries since a time, and before it as many as the usual gap is taken from; the newest first.
async fn newest(
    deps: &Deps,
    source: &store::Source,
    since: Timestamp,
) -> Result<Vec<DeliverySummary>, Problem> {
    const PAGE: u32 = 200;
    let mut found: Vec<DeliverySummary> = Vec::new();
    let mut before: Option<EventId> = None;
    loop {
        let query = DeliveryQuery {
            sources: Some([source.id].into()),
            limit: PAGE,
            before,
            ..DeliveryQuery::default()
        };
        let page = deps.store.deliveries(&source.tenant, &query).await?;
        before = page.items.last().map(|last| last.id);
        let is_past = page
            .items
            .last()
            .is_none_or(|last| last.received_at < since);
        let came = page
            .items
            .into_iter()
            .filter(|delivery| delivery.scheme != store::RECOVERED);
        found.extend(came);
        let is_enough = is_past && found.len() > MAX_GAPS;
        if !page.has_more || is_enough || found.len() >= MAX_COUNTED {
            return Ok(found);
        }
    }
}

/// How many deliveries of the source's provider were refused since a time, and when the last was, whenever that was: at
/// midnight nothing is mended.
async fn refused(
    deps: &Deps,
    source: &store::Source,
    since: Timestamp,
) -> Result<(u64, Option<Timestamp>), Problem> {
    let query = SecurityQuery {
        address: None,
        reason: None,
        limit: 200,
        after: None,
    };
    let page = deps.store.security_events(&source.tenant, &query).await?;
    let of_source = page
        .items
        .iter()
        .filter(|refused| refused.provider == source.provider);
    let of_today = of_source.clone().filter(|refused| refused.minute >= since);
    let count = of_today.map(|refused| refused.count).sum();
    Ok((count, of_source.map(|refused| refused.minute).max()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(minute: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + minute * 60).unwrap()
    }

    #[test]
    fn silence_is_quiet_only_beyond_what_is_usual() {
        let gap = Some(Duration::from_secs(30 * 60));
        let of = |silence: i64, gap| state(Some(at(0)), gap, at(silence));
        assert_eq!(of(149, gap), HealthState::Healthy);
        assert_eq!(of(151, gap), HealthState::Quiet);
        assert_eq!(of(50, Some(Duration::from_secs(60))), HealthState::Healthy);
        assert_eq!(of(61, Some(Duration::from_secs(60))), HealthState::Quiet);
        assert_eq!(of(10_000, None), HealthState::Healthy, "too few to tell");
        assert_eq!(state(None, None, at(0)), HealthState::Quiet);
    }

    #[test]
    fn the_worst_is_told_until_a_delivery_proves_it_over() {
        let known = |words: &str| Some((at(5), words.to_owned()));
        let of = |trouble: Trouble, proven: i64| trouble.now(Some(at(proven)));
        let failing = |words: &str| Some((HealthState::Failing, words.to_owned()));
        let all = || Trouble {
            off: None,
            refused: known("refused"),
            failing: known("failing"),
            test: known("test"),
        };
        assert_eq!(of(all(), 4), failing("refused"));
        assert_eq!(of(all(), 5), None);
        assert_eq!(all().now(None), failing("refused"));
        let test = Trouble {
            test: known("test"),
            ..Trouble::default()
        };
        assert_eq!(of(test, 4), failing("test"));
        let off = Trouble {
            off: Some("off".to_owned()),
            ..all()
        };
        let off = of(off, 9);
        assert_eq!(off, Some((HealthState::OffAtProvider, "off".to_owned())));
    }

    #[test]
    fn the_usual_gap_is_the_middle_one() {
        let times: Vec<_> = [100, 99, 90, 88, 85, 40].into_iter().map(at).collect();
        assert_eq!(usual_gap(&times), Some(Duration::from_secs(180)));
        assert_eq!(usual_gap(&times[..4]), None);
    }
}
