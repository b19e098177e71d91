//! The stage `booking`: whether something else takes a booking's time, too.

use std::collections::BTreeSet;

use async_trait::async_trait;
use domain::{
    About, BookingSection, Busy, Claimed, Conflict, Disposition, Outcome, Section, Slot, Stage,
    StageError, StageHandler, UnknownBusy, conflicts,
};
use sources::ApiError;

use crate::{Deps, access::Access};

/// Looks for what overlaps a booking: the tenant's other bookings, and the times at which the provider says that its host
/// is busy.
///
/// In: a booking. Out: its `booking` section. Nothing that is found stops the booking. A provider that cannot tell leaves
/// its part unknown, which is not free. A repeat looks again.
pub(crate) struct Booking(pub(crate) Deps);

/// What the provider says.
enum Told {
    Busy(Vec<Busy>),
    Unknown(UnknownBusy),
}

#[async_trait]
impl StageHandler for Booking {
    fn stage(&self) -> Stage {
        Stage::Booking
    }

    async fn handle(&self, job: &Claimed) -> Result<Outcome, StageError> {
        let (tenant, document) = (&job.request.tenant, &job.request.document);
        let Some(slot) = document.slot() else {
            let is_on =
                matches!(&document.facts().about, About::Calendar(booking) if booking.stands());
            self.tell_others(job, &[]).await?;
            return Ok(done(
                job,
                BookingSection {
                    unknown: is_on.then_some(UnknownBusy::NoTime),
                    ..BookingSection::default()
                },
            ));
        };
        let told = match self.told(job, &slot).await {
            Err(error) if gives_up(job, &error) => Told::Unknown(UnknownBusy::Unavailable),
            told => told?,
        };
        let (busy, unknown) = match told {
            Told::Busy(busy) => (busy, None),
            Told::Unknown(why) => (Vec::new(), Some(why)),
        };
        // Asked last: a booking that came in meanwhile is among them.
        let booked = self.0.store.booked(tenant, &slot, job.request.id).await;
        let booked = booked.map_err(|error| StageError::ours(&error))?;
        let booked = booked
            .into_iter()
            .map(|booked| (booked.request, booked.span, booked.event));
        let conflicts = conflicts(&slot, booked, &document.source.provider, busy);
        self.tell_others(job, &conflicts).await?;
        Ok(done(
            job,
            BookingSection {
                span: Some(slot.span),
                conflicts,
                unknown,
                ..BookingSection::default()
            },
        ))
    }
}

impl Booking {
    /// Has those looked at again that still show a conflict with this booking, or do not show it yet: it was made, moved
    /// or called off. Whoever shows what is so is left alone, so that two that overlap do not go on for ever.
    async fn tell_others(&self, job: &Claimed, now: &[Conflict]) -> Result<(), StageError> {
        let (store, request) = (&self.0.store, &job.request);
        let known = request.document.booking.as_ref();
        let before = known.map_or(&[][..], |section| &section.conflicts);
        let others: BTreeSet<_> = before
            .iter()
            .chain(now)
            .filter_map(|one| one.request)
            .collect();
        for other in others {
            let found = store.request(&request.tenant, other).await;
            let found = found.map_err(|error| StageError::ours(&error))?;
            let Some(shown) = found.and_then(|found| found.request.document.booking) else {
                continue;
            };
            let names =
                |conflicts: &[Conflict], id| conflicts.iter().any(|one| one.request == Some(id));
            if names(&shown.conflicts, request.id) != names(now, other) {
                let woken = store.recheck_booking(&request.tenant, other).await;
                job.wake(woken.map_err(|error| StageError::ours(&error))?);
            }
        }
        Ok(())
    }

    /// When the provider says that the host is busy.
    async fn told(&self, job: &Claimed, slot: &Slot) -> Result<Told, StageError> {
        let facts = job.request.document.facts();
        let (About::Calendar(booking), Some(id)) = (&facts.about, &facts.external_id) else {
            return Ok(Told::Unknown(UnknownBusy::NoTime));
        };
        let Some(mut access) = Access::open(&self.0, job).await? else {
            return Ok(Told::Unknown(UnknownBusy::NotConnected));
        };
        let Some(api) = access.apis.busy.clone() else {
            return Ok(Told::Unknown(UnknownBusy::NotConnected));
        };
        if slot.span.from <= self.0.clock.now() {
            return Ok(Told::Unknown(UnknownBusy::Past));
        }
        access.count(api.requests(booking)).await?;
        let mut answer = api.busy(&access.account, id, booking, slot.span).await;
        if let Err(error) = &answer
            && access.is_refreshed(error).await?
        {
            answer = api.busy(&access.account, id, booking, slot.span).await;
        }
        match answer {
            Ok(busy) => Ok(Told::Busy(busy)),
            Err(error) => unknown(&error)
                .map(Told::Unknown)
                .ok_or_else(|| access.failed(&error)),
        }
    }
}

/// What a failure leaves unknown, if trying again is of no use. A lead is not held for what only its neighbors are asked
/// by: a credential that is no longer good shows in the stage before.
fn unknown(error: &ApiError) -> Option<UnknownBusy> {
    match error {
        ApiError::NotFound => Some(UnknownBusy::NoTime),
        ApiError::Unauthorized { .. }
        | ApiError::Foreign
        | ApiError::NotConfigured(_)
        | ApiError::Full(_)
        | ApiError::Rejected { .. }
        | ApiError::Unreadable(_)
        | ApiError::BadLink(_) => Some(UnknownBusy::Refused),
        ApiError::Throttled { .. } | ApiError::Unavailable { .. } | ApiError::Http(_) => None,
    }
}

/// Whether a booking has waited long enough for its provider: it used up the fast lane.
fn gives_up(job: &Claimed, error: &StageError) -> bool {
    let failures = usize::try_from(job.row.failures).unwrap_or(usize::MAX);
    matches!(error.disposition, Disposition::Retry { .. })
        && failures >= job.config.workflow.retry.fast_ms.len()
}

fn done(job: &Claimed, section: BookingSection) -> Outcome {
    Outcome::done(Section::Booking(BookingSection {
        revision: job.request.document.revisions.of(Stage::Booking),
        ..section
    }))
}
