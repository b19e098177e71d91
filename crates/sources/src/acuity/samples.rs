//! What Acuity sends, by the actions of its documents. The signatures were made elsewhere.

use crate::{ReadAs, Recorded, Sample};

const APPOINTMENT: ReadAs = ReadAs::News(&["914402217"]);

macro_rules! sample {
    ($name:literal, $read_as:expr, $signature:literal) => {
        Sample::form(
            $name,
            include_bytes!(concat!("fixtures/", $name, ".txt")),
            $read_as,
        )
        .signed(Recorded {
            key: "a1b2c3d4e5f60718293a4b5c6d7e8f90",
            headers: &[("x-acuity-signature", $signature)],
            at: 1_773_760_000,
        })
    };
}

pub(super) static SAMPLES: &[Sample] = &[
    sample!(
        "scheduled",
        APPOINTMENT,
        "CNOGtVeJPKY6ezDEQdmaTXXQQ0KYB67MAq4el3uwuSI="
    ),
    sample!(
        "rescheduled",
        APPOINTMENT,
        "o9Vt5bGMKUzVZ9rt/E5nIsITbgZAMRIxdhUqsVef4dk="
    ),
    sample!(
        "canceled",
        APPOINTMENT,
        "6HdUJwXuq+oKEjqw83qRcgsuXv/IiMe1lcNmKMkHatA="
    ),
    sample!(
        "changed",
        APPOINTMENT,
        "88Cc1/dkSRz2IZfL6eUhub56lwDgIbahu7vqtmIM9QA="
    ),
    sample!(
        "order-completed",
        ReadAs::Ignored,
        "QjiMzbooY1/S4/J37S1c0Tiase2yysE7nsxDYyNxQyc="
    ),
];
