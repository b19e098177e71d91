//! The time that figures are asked for, and the steps that it is cut into.

use domain::{
    Office, OfficeId, TenantId,
    figures::{Dimension, Slot, Sums},
};
use jiff::{
    Timestamp, ToSpan as _, Zoned,
    civil::{Date, Weekday},
    tz::TimeZone,
};
use runtime::Problem;
use serde::Deserialize;
use store::{Config, ConfigKind};

use crate::{Deps, faults::Faults};

/// How long a range is when nobody says, in days.
const DEFAULT_DAYS: i64 = 30;
/// The longest range, in days.
const MAX_DAYS: i64 = 3_660;
/// The most steps of a series.
pub(super) const MAX_STEPS: usize = 1_000;

const WHEN: &str = "a time such as 2026-11-01T08:00:00Z, or a day such as 2026-11-01";

/// How long a step is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Step {
    /// An hour.
    Hour,
    /// A day.
    Day,
    /// A week, from Monday on.
    Week,
    /// A month.
    Month,
    /// The whole range is one step.
    All,
}

/// A range as it was asked for: two times, each a day or to the second.
#[derive(Debug, Clone)]
pub(super) struct Range {
    from: Timestamp,
    to: Timestamp,
    /// Its first day and the day behind it, if it is of whole days.
    days: Option<(Date, Date)>,
    zone: TimeZone,
}

/// A tenant's offices, as far as a question for figures needs them.
pub(super) struct Offices {
    /// Those that are there.
    there: Vec<Office>,
    /// The one that was asked for, with its time zone, if it was removed: its leads keep it.
    removed: Option<(OfficeId, String)>,
}

impl Offices {
    pub(super) async fn of(
        deps: &Deps,
        tenant: &TenantId,
        asked: Option<&str>,
    ) -> Result<Self, Problem> {
        let there = deps.store.offices(tenant).await?;
        let asked = asked.and_then(|asked| asked.parse::<OfficeId>().ok());
        let mut removed = None;
        if let Some(id) = asked.filter(|id| there.iter().all(|office| office.id != *id)) {
            let name = id.to_string();
            let found = deps.store.config(tenant, ConfigKind::Office, &name, None);
            if let Some(found) = found.await?.filter(Config::is_removed) {
                removed = Some((id, found.details()?.time_zone));
            }
        }
        Ok(Self { there, removed })
    }

    /// The office that was asked for, and the time zone that days begin by: that office's, else the tenant's first one's,
    /// else UTC.
    pub(super) fn asked(
        &self,
        asked: Option<&str>,
        faults: &mut Faults,
    ) -> (Option<OfficeId>, TimeZone) {
        let there = self.there.iter();
        let there = there.map(|office| (office.id, office.time_zone.as_str()));
        let removed = self.removed.iter().map(|(id, zone)| (*id, zone.as_str()));
        let asked = faults.read("office", asked, |text| {
            let id = text.parse::<OfficeId>().ok();
            let mut known = there.chain(removed);
            let office = known.find(|(known, _)| Some(*known) == id);
            office.ok_or("the id of one of the tenant's offices, which may have been removed since")
        });
        let zone = asked.map(|(_, zone)| zone);
        let zone = zone.or(self.there.first().map(|first| first.time_zone.as_str()));
        let zone = zone.and_then(|zone| TimeZone::get(zone).ok());
        (asked.map(|(id, _)| id), zone.unwrap_or(TimeZone::UTC))
    }

    /// What comes of sources without an office belongs to the tenant's first one.
    pub(super) fn give_unnamed(&self, sums: &mut Sums, dimension: Dimension) {
        if let (Dimension::Office, Some(first)) = (dimension, self.there.first()) {
            sums.give_unnamed_to(&first.id.to_string());
        }
    }
}

impl Range {
    /// Reads what was asked for. Without an end it ends now, without a beginning it begins 30 days before.
    pub(super) fn read(
        from: Option<&str>,
        to: Option<&str>,
        zone: &TimeZone,
        now: Timestamp,
        faults: &mut Faults,
    ) -> Option<Self> {
        let from_read = faults.read("from", from, |text| when(text, zone, false));
        let to_read = faults.read("to", to, |text| when(text, zone, true));
        if (from.is_some() && from_read.is_none()) || (to.is_some() && to_read.is_none()) {
            return None;
        }
        // What happens now belongs to what ends now.
        let end = || Slot(Slot::of(now).0.saturating_add(1)).begin();
        let (to_at, to_day) = to_read.unwrap_or_else(|| (end(), None));
        let (from_at, from_day) = match from_read {
            Some(read) => read,
            None => {
                let begin = to_at
                    .to_zoned(zone.clone())
                    .checked_sub(DEFAULT_DAYS.days());
                (
                    begin.map_or(Timestamp::MIN, |begin| begin.timestamp()),
                    None,
                )
            }
        };
        if from_at >= to_at {
            faults.add("from", "a time before `to`; without `to`, before now");
            return None;
        }
        let seconds = to_at.as_second().saturating_sub(from_at.as_second());
        if seconds > MAX_DAYS * 24 * 60 * 60 {
            faults.add("from", format!("at most {MAX_DAYS} days before `to`"));
            return None;
        }
        Some(Self {
            from: from_at,
            to: to_at,
            days: from_day.zip(to_day),
            zone: zone.clone(),
        })
    }

    /// Where it begins and ends.
    pub(super) fn slots(&self) -> (Slot, Slot) {
        (Slot::of(self.from), Slot::from(self.to))
    }

    /// Where the range of the same length before it begins; it ends where this one begins. Days count as days, however
    /// many hours they have.
    pub(super) fn previous(&self) -> Slot {
        let begin = match self.days {
            Some((from, to)) => from
                .since(to)
                .and_then(|length| from.checked_add(length))
                .and_then(|date| date.to_zoned(self.zone.clone()))
                .map(|begin| begin.timestamp()),
            None => self.from.checked_sub(self.to.duration_since(self.from)),
        };
        Slot::of(begin.unwrap_or(Timestamp::MIN))
    }

    /// Where each step begins, and behind them where the last one ends. The first and the last step can be shorter than
    /// the others. None if they are more than [`MAX_STEPS`].
    pub(super) fn steps(&self, step: Step) -> Option<Vec<Slot>> {
        let (first, end) = self.slots();
        if step == Step::All {
            return Some(vec![first, end]);
        }
        let mut bounds = vec![first];
        let mut at = first;
        loop {
            at = Slot::of(next(&at.begin().to_zoned(self.zone.clone()), step)?);
            let last = bounds.last().copied()?;
            if at >= end || at <= last {
                bounds.push(end);
                return Some(bounds);
            }
            if bounds.len() >= MAX_STEPS {
                return None;
            }
            bounds.push(at);
        }
    }
}

/// Where the next step begins.
fn next(at: &Zoned, step: Step) -> Option<Timestamp> {
    let date = at.date();
    let next = match step {
        Step::Hour => {
            let into = i64::from(at.minute()) * 60 + i64::from(at.second());
            return at.timestamp().checked_add((3_600 - into).seconds()).ok();
        }
        Step::Day => date.tomorrow().ok()?,
        Step::Week => date.nth_weekday(1, Weekday::Monday).ok()?,
        Step::Month => date.last_of_month().tomorrow().ok()?,
        Step::All => return None,
    };
    Some(next.to_zoned(at.time_zone().clone()).ok()?.timestamp())
}

/// A time, or the beginning of a day; the end of a range is the end of its day. With the day that it is the beginning of.
fn when(
    text: &str,
    zone: &TimeZone,
    is_end: bool,
) -> Result<(Timestamp, Option<Date>), &'static str> {
    if text.len() != 10 {
        return text.parse().map(|at| (at, None)).map_err(|_| WHEN);
    }
    let day: Date = text.parse().map_err(|_| WHEN)?;
    let day = match is_end {
        true => day.tomorrow().map_err(|_| WHEN)?,
        false => day,
    };
    let begin = day.to_zoned(zone.clone()).map_err(|_| WHEN)?;
    Ok((begin.timestamp(), Some(day)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn range(zone: &str, from: &str, to: &str) -> Range {
        let zone = TimeZone::get(zone).unwrap();
        let mut faults = Faults::default();
        let range = Range::read(Some(from), Some(to), &zone, Timestamp::MAX, &mut faults);
        faults.finish("").unwrap();
        range.unwrap()
    }

    fn steps(range: &Range, step: Step) -> Vec<String> {
        let steps = range.steps(step).unwrap();
        steps.iter().map(|slot| slot.begin().to_string()).collect()
    }

    #[test]
    fn days_follow_the_offices_clock() {
        // On 8 March 2026 clocks in Chicago go forward: that day has 23 hours.
        let range = range("America/Chicago", "2026-03-07", "2026-03-08");
        assert_eq!(
            steps(&range, Step::Day),
            [
                "2026-03-07T06:00:00Z",
                "2026-03-08T06:00:00Z",
                "2026-03-09T05:00:00Z"
            ]
        );
        assert_eq!(range.steps(Step::Hour).unwrap().len(), 24 + 23 + 1);
        assert_eq!(range.previous().begin().to_string(), "2026-03-05T06:00:00Z");
    }

    #[test]
    fn the_day_on_which_clocks_go_back_has_25_hours() {
        let range = range("America/Chicago", "2026-11-01", "2026-11-01");
        assert_eq!(range.steps(Step::Hour).unwrap().len(), 25 + 1);
    }

    #[test]
    fn weeks_begin_on_monday_and_months_on_the_first() {
        let range = range("UTC", "2026-01-28", "2026-03-02");
        assert_eq!(
            steps(&range, Step::Month),
            [
                "2026-01-28T00:00:00Z",
                "2026-02-01T00:00:00Z",
                "2026-03-01T00:00:00Z",
                "2026-03-03T00:00:00Z"
            ]
        );
        assert_eq!(
            steps(&range, Step::Week)[..3],
            [
                "2026-01-28T00:00:00Z",
                "2026-02-02T00:00:00Z",
                "2026-02-09T00:00:00Z"
            ]
        );
    }

    #[test]
    fn times_are_cut_to_quarters_of_an_hour() {
        let range = range(
            "Asia/Kolkata",
            "2026-03-01T10:05:00Z",
            "2026-03-01T12:31:00Z",
        );
        assert_eq!(
            steps(&range, Step::Hour),
            [
                "2026-03-01T10:00:00Z",
                "2026-03-01T10:30:00Z",
                "2026-03-01T11:30:00Z",
                "2026-03-01T12:30:00Z",
                "2026-03-01T12:45:00Z"
            ]
        );
        let (from, previous) = (range.slots().0, range.previous());
        assert_eq!(previous.begin().to_string(), "2026-03-01T07:30:00Z");
        assert!(previous < from);
    }

    #[test]
    fn too_many_steps_are_none() {
        let range = range("UTC", "2026-01-01", "2026-12-31");
        assert_eq!(range.steps(Step::Hour), None);
        assert_eq!(range.steps(Step::Day).unwrap().len(), 366);
    }
}
