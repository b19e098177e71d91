//! What Calendly sends, by the events of its documents. The signatures were made elsewhere.

use crate::{ReadAs, Recorded, Sample};

const INVITEE: &str = "https://api.calendly.com/scheduled_events/7f3c2b1a-0d9e-4c8b-a7f6-5e4d3c2b1a00/invitees/1b2c3d4e-5f60-4718-8293-a4b5c6d7e8f9";
const EVENT: &str =
    "https://api.calendly.com/scheduled_events/7f3c2b1a-0d9e-4c8b-a7f6-5e4d3c2b1a00";
const NEW_INVITEE: &str = "https://api.calendly.com/scheduled_events/99aa88bb-77cc-46dd-95ee-44ff33001122/invitees/2c3d4e5f-6071-4829-93a4-b5c6d7e8f90a";
const NEW_EVENT: &str =
    "https://api.calendly.com/scheduled_events/99aa88bb-77cc-46dd-95ee-44ff33001122";
const SPARSE: &str = "https://api.calendly.com/scheduled_events/5566aabb-77cc-46dd-95ee-44ff33001133/invitees/5e6f7081-92a3-44b5-86c7-d8e9f0a1b2c3";
const SUBMISSION: &str = "https://api.calendly.com/routing_form_submissions/RFS00001";

const BOOKING: ReadAs = ReadAs::News(&[INVITEE, EVENT]);

macro_rules! sample {
    ($name:literal, $read_as:expr, $at:literal, $signature:literal) => {
        Sample::json(
            $name,
            include_bytes!(concat!("fixtures/", $name, ".json")),
            $read_as,
        )
        .signed(Recorded {
            key: "cal-sign-7b1f3c55d0e94a6f",
            headers: &[(
                "calendly-webhook-signature",
                concat!("t=", $at, ",v1=", $signature),
            )],
            at: $at,
        })
    };
}

pub(super) static SAMPLES: &[Sample] = &[
    sample!(
        "invitee-created",
        BOOKING,
        1773759131,
        "2080acc008410a0793707a41e5e5eb6cca76d0a21f3c0e0b4c43594ac429a4ce"
    ),
    sample!(
        "invitee-canceled",
        BOOKING,
        1773838802,
        "7014347a8c189d9ba57bc095fea21bd8fead14715b6ada79edbd1b9c699c5a90"
    ),
    // The two halves of a move.
    sample!(
        "invitee-canceled-rescheduled",
        ReadAs::News(&[NEW_INVITEE, INVITEE, EVENT]),
        1773839102,
        "83565b1309edd42d1e3a18046fb8606d6afd24430248b773e2103cededdefc3c"
    ),
    sample!(
        "invitee-created-rescheduled",
        ReadAs::News(&[NEW_INVITEE, INVITEE, NEW_EVENT]),
        1773839101,
        "85dbf21cd9233d19ed40b8ee958f246580e03f9f853494bc909e6eb9e3667708"
    ),
    sample!(
        "invitee-no-show-created",
        BOOKING,
        1774107001,
        "28701c1e7c94c0882bde90730a1c09b6667d73b78eae8ef2b587e889db263e25"
    ),
    sample!(
        "invitee-no-show-deleted",
        BOOKING,
        1774107901,
        "09cd545ee12afc8ada5a8493e1fd3128a53ba6bb48b8230ad3a523306e2d8e03"
    ),
    sample!(
        "routing-form-submission-created",
        ReadAs::News(&[INVITEE, SUBMISSION]),
        1773759001,
        "120ac4abd3ee5a7513132660b6c16e9afc1d535a56a53ab29a1ba205ceae3100"
    ),
    // Hardly any field, and no event within.
    sample!(
        "invitee-created-sparse",
        ReadAs::News(&[SPARSE]),
        1773763201,
        "6cffed286f157e0d94d96b76d3ba7404d05b5fbfa9a9bbb2eed85c755af4f37f"
    ),
    sample!(
        "event-type-updated",
        ReadAs::Ignored,
        1773748801,
        "6cae381836a0961d2ce8aac1fb6242d2ff3a466812f655d168e43aaa6288a1b0"
    ),
    // What else can be subscribed says nothing of a booking. UNCONFIRMED: what contacts and recaps hold, and that a recap is
    // told as `created`.
    sample!(
        "event-type-created",
        ReadAs::Ignored,
        1773748701,
        "1d5cfb1754034c5cbe36cefefcea0e5fdaa70b01dc1289f3e6f032079baef211"
    ),
    sample!(
        "event-type-deleted",
        ReadAs::Ignored,
        1773748901,
        "919342b75f12d4ba539df99b6d560592ba9fcb7f4209f51bfdfe028692fd29c0"
    ),
    sample!(
        "contact-created",
        ReadAs::Ignored,
        1773748702,
        "be953f60a76c3b2175eef84f60b7cc187873e2f145acfd8d6bcc01e449325dc3"
    ),
    sample!(
        "contact-updated",
        ReadAs::Ignored,
        1773748703,
        "a95613d2b1fc791232d116283420f54d790a44324ab2f9db7029b8d390af01cc"
    ),
    sample!(
        "contact-deleted",
        ReadAs::Ignored,
        1773748704,
        "1899a302fd63f26cc5859b853ecf8e0bd72271817d8a113d5d81e6a975187455"
    ),
    sample!(
        "meeting-recap-created",
        ReadAs::Ignored,
        1774107001,
        "714d409a7704cfa7bfc40799de315f6532d805e9431a79603be5b15eb19da15d"
    ),
];
