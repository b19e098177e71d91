//! The stage `booking`: whether something else takes a booking's time, too.

use async_trait::async_trait;
use domain::{
    About, BookingSection, Claimed, Disposition, Outcome, Section, Slot, Span, Stage, StageError,
    StageHandler, UnknownBusy, conflicts,
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
enum Busy {
    At(Vec<Span>),
    Unknown(UnknownBusy),
}

#[async_trait]
impl StageHandler for Booking {
    fn stage(&self) -> Stage {
        Stage::Booking
    }

    async fn handle(&self, job: &Claimed) -> Result<Outcome, StageError> {
        let document = &job.request.document;
        let Some(slot) = document.slot() else {
            let is_off = match &document.facts().about {
                About::Calendar(booking) => !booking.stands(),
                _ => true,
            };
            let unknown = (!is_off).then_some(UnknownBusy::NoTime);
            return Ok(done(
                job,
                None,
                Vec::new(),
                Busy::Unknown(UnknownBusy::NoTime),
                unknown,
            ));
        };
        let busy = match self.busy(job, &slot).await {
            Err(error) if gives_up(job, &error) => Busy::Unknown(UnknownBusy::Unavailable),
            busy => busy?,
        };
        let tenant = &job.request.tenant;
        // Asked last: a booking that came in meanwhile is among them.
        let booked = self.0.store.booked(tenant, &slot, job.request.id).await;
        let booked = booked.map_err(|error| StageError::ours(&error))?;
        let bookings = booked
            .into_iter()
            .map(|booked| (booked.request, booked.span, booked.event))
            .collect();
        Ok(done(job, Some(&slot), bookings, busy, None))
    }
}

impl Booking {
    /// When the provider says that the host is busy.
    async fn busy(&self, job: &Claimed, slot: &Slot) -> Result<Busy, StageError> {
        let facts = job.request.document.facts();
        let (About::Calendar(booking), Some(id)) = (&facts.about, &facts.external_id) else {
            return Ok(Busy::Unknown(UnknownBusy::NoTime));
        };
        let Some(mut access) = Access::open(&self.0, job).await? else {
            return Ok(Busy::Unknown(UnknownBusy::NotConnected));
        };
        let Some(api) = access.apis.busy.clone() else {
            return Ok(Busy::Unknown(UnknownBusy::NotConnected));
        };
        if slot.span.from <= self.0.clock.now() {
            return Ok(Busy::Unknown(UnknownBusy::Past));
        }
        let mut answer = api.busy(&access.account, id, booking, slot.span).await;
        if let Err(error) = &answer
            && access.is_refreshed(error).await?
        {
            answer = api.busy(&access.account, id, booking, slot.span).await;
        }
        match answer {
            Ok(busy) => Ok(Busy::At(busy)),
            Err(error) => unknown(&error)
                .map(Busy::Unknown)
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

fn done(
    job: &Claimed,
    slot: Option<&Slot>,
    bookings: Vec<(domain::RequestId, Span, Option<String>)>,
    busy: Busy,
    without_slot: Option<UnknownBusy>,
) -> Outcome {
    let (busy, unknown) = match busy {
        Busy::At(busy) => (busy, None),
        Busy::Unknown(why) => (Vec::new(), Some(why)),
    };
    Outcome::done(Section::Booking(BookingSection {
        revision: job.request.document.revisions.of(Stage::Booking),
        span: slot.map(|slot| slot.span),
        conflicts: slot.map_or_else(Vec::new, |slot| conflicts(slot, bookings, busy)),
        unknown: if slot.is_some() {
            unknown
        } else {
            without_slot
        },
    }))
}
