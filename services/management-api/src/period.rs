//! `from` and `to` of a list: times, or days by the clock of the tenant's first office.

use domain::TenantId;
use jiff::{Timestamp, tz::TimeZone};
use runtime::Problem;

use crate::{Deps, faults::Faults, requests};

/// From when, and until when, as a caller writes it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Period<'a> {
    /// Then or later.
    pub(crate) from: Option<&'a str>,
    /// Before, or up to the end of a day.
    pub(crate) to: Option<&'a str>,
}

impl Period<'_> {
    /// The zone that days are read in, where one is given.
    pub(crate) async fn zone(self, deps: &Deps, tenant: &TenantId) -> Result<TimeZone, Problem> {
        let mut times = [self.from, self.to].into_iter().flatten();
        if times.all(|time| time.parse::<Timestamp>().is_ok()) {
            return Ok(TimeZone::UTC);
        }
        let offices = deps.store.offices(tenant).await?;
        Ok(requests::zone(&offices, None))
    }

    /// Both times; `fields` are what they are called.
    pub(crate) fn read(
        self,
        faults: &mut Faults,
        fields: [&'static str; 2],
        zone: &TimeZone,
    ) -> (Option<Timestamp>, Option<Timestamp>) {
        let from = faults.read(fields[0], self.from, |text| {
            requests::time(text, zone, false)
        });
        let to = faults.read(fields[1], self.to, |text| requests::time(text, zone, true));
        if from.zip(to).is_some_and(|(from, to)| from >= to) {
            faults.add(fields[1], "later than `from`");
        }
        (from, to)
    }
}
