//! Whether something else takes a booking's time, too.

use domain::BookingSection;
use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

/// What was found when a booking's time was looked at.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct BookingCheck {
    /// `free`, `conflict`, `unknown`, or `none` for a booking that takes no time, such as one that was called off. What is
    /// not known is not free.
    result: &'static str,
    /// The beginning of the time that was looked at.
    starts_at: Option<Timestamp>,
    /// Its end.
    ends_at: Option<Timestamp>,
    /// What takes it, too, in order of time.
    conflicts: Vec<BookingConflict>,
    /// Why it is not known whether the provider has anything else then, as the second half of a sentence. Conflicts with
    /// other bookings are known all the same.
    unknown_reason: Option<&'static str>,
}

/// Something that takes the time of a booking, too.
#[derive(Debug, Serialize, ToSchema)]
struct BookingConflict {
    /// `request` for another booking, `busy` for what the provider has in the calendar.
    with: &'static str,
    /// The other booking.
    request_id: Option<String>,
    /// When it begins.
    starts_at: Timestamp,
    /// When it ends.
    ends_at: Timestamp,
}

impl From<BookingSection> for BookingCheck {
    fn from(section: BookingSection) -> Self {
        Self {
            result: section.word(),
            starts_at: section.span.map(|span| span.from),
            ends_at: section.span.map(|span| span.to),
            unknown_reason: section.unknown.map(domain::UnknownBusy::sentence),
            conflicts: section
                .conflicts
                .into_iter()
                .map(|conflict| BookingConflict {
                    with: if conflict.request.is_some() {
                        "request"
                    } else {
                        "busy"
                    },
                    request_id: conflict.request.map(|id| id.to_string()),
                    starts_at: conflict.span.from,
                    ends_at: conflict.span.to,
                })
                .collect(),
        }
    }
}
