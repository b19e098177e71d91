//! An invented calendar. It posts JSON with everything under `payload`, and repeats it until it is answered 2xx.

use domain::{About, BookingFacts, BookingStatus, Channel, Facts, PersonFacts, Reading};
use sources::{ReadAs, ReadError, Sample, Scheme, Source, SourceSpec, Verification, Verified};

pub(super) struct Booking;

const BOOKING: ReadAs = ReadAs::News(&["https://api.booking.example/bookings/7f3ad0c2"]);
static SPEC: SourceSpec = SourceSpec {
    slug: "booking",
    name: "Booking",
    channels: &[Channel::Calendar],
    verification: Verification::Signed(&[Scheme {
        name: "booking-v1",
        header: "booking-signature",
        ..Scheme::TIMESTAMP_LIST
    }]),
    set_up: "Enter the URL and the signing key under Integrations, Webhooks.",
    samples: &[
        Sample::json("created", include_bytes!("created.json"), BOOKING),
        Sample::json("canceled", include_bytes!("canceled.json"), BOOKING),
        Sample::json("reminder", include_bytes!("reminder.json"), ReadAs::Ignored),
    ],
    ..SourceSpec::DEFAULT
};

impl Source for Booking {
    fn spec(&self) -> &'static SourceSpec {
        &SPEC
    }

    fn read(&self, delivery: &Verified, _: Option<&str>) -> Result<Reading, ReadError> {
        let body = delivery.fields(|_| true)?;
        let status = match body.id(&["event"])? {
            "booking.created" => BookingStatus::Booked,
            "booking.canceled" => BookingStatus::Canceled,
            _ => return Ok(sources::ignored("an event that is not used")),
        };
        let booking = body.object("payload");
        let guest = booking.object("guest");
        let facts = Facts {
            person: PersonFacts {
                name: guest.line(&["name"], 200),
                email: guest.line(&["email"], 254),
                phone: guest.line(&["phone"], 64),
                ..PersonFacts::default()
            },
            about: About::Calendar(BookingFacts {
                service: booking.object("service").line(&["name"], 200),
                starts_at: booking.time("starts_at"),
                status: Some(status),
                message: booking.line(&["note"], 2_000),
                ..BookingFacts::default()
            }),
            ..Facts::default()
        };
        let news = delivery.news("booking", &[booking.id(&["uri"])?], facts);
        Ok(Reading::News(news))
    }
}
