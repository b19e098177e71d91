//! What senders post: one as Standard Webhooks have it, one as GitHub signs. The signatures were made elsewhere.

use crate::{ReadAs, Recorded, Sample};

pub(super) static SAMPLES: &[Sample] = &[
    Sample::json(
        "lead-created",
        include_bytes!("fixtures/lead-created.json"),
        ReadAs::News(&["ld_01HQ"]),
    )
    .signed(Recorded {
        key: "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        headers: &[
            ("webhook-id", "msg_2lead0000000000000000000001"),
            ("webhook-timestamp", "1773758179"),
            (
                "webhook-signature",
                "v1,YPvQt9l7gN0qjSVlT/VbD3ehC0GdpQYTTYnmbA54Dno=",
            ),
        ],
        at: 1_773_758_179,
    }),
    Sample::json(
        "contact",
        include_bytes!("fixtures/contact.json"),
        ReadAs::News(&["90211"]),
    )
    .signed(Recorded {
        key: "webhook-key-0001",
        headers: &[(
            "x-hub-signature-256",
            "sha256=733fb2524bcb0c1b8e5c8b509036996709f95420c22a32bc05ca41527fbbd1b0",
        )],
        at: 1_773_758_179,
    }),
];
