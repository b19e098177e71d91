//! Which request takes which time in which calendar.

use std::collections::BTreeMap;

use domain::{RequestId, Slot, Span};

/// The time that a booking takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Booked {
    /// Its request.
    pub request: RequestId,
    /// When.
    pub span: Span,
    /// What the provider calls the slot, where several people may book one.
    pub event: Option<String>,
}

impl Booked {
    /// The most that are found for one slot.
    pub const LIMIT: usize = 50;

    /// Of what was found in the slot's calendars one after another: those that overlap it, each request once.
    pub fn of_slot(found: impl IntoIterator<Item = Self>, slot: &Slot) -> Vec<Self> {
        let overlapping = found
            .into_iter()
            .filter(|booked| booked.span.overlaps(&slot.span));
        let by_request: BTreeMap<_, _> = overlapping
            .map(|booked| ((booked.span, booked.request), booked))
            .collect();
        by_request.into_values().take(Self::LIMIT).collect()
    }
}
