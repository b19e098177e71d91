//! What Zendesk's three senders send, by the events of its documents. The signatures were made elsewhere, with the secret
//! that Zendesk publishes for tests.

use super::TEST_SECRET;
use crate::{ReadAs, Recorded, Sample};

const TICKET: ReadAs = ReadAs::News(&["5158"]);
const MESSAGING: ReadAs = ReadAs::News(&["5161", "67ab5f53a96f98663935c3f2"]);
const CONVERSATION: ReadAs = ReadAs::News(&["67ab5f53a96f98663935c3f2"]);

macro_rules! sample {
    ($name:literal, $read_as:expr, $at:literal, $seconds:literal, $signature:literal) => {
        Sample::json(
            $name,
            include_bytes!(concat!("fixtures/", $name, ".json")),
            $read_as,
        )
        .signed(Recorded {
            key: TEST_SECRET,
            headers: &[
                ("x-zendesk-webhook-signature", $signature),
                ("x-zendesk-webhook-signature-timestamp", $at),
            ],
            at: $seconds,
        })
    };
    ($name:literal, $read_as:expr) => {
        Sample::json(
            $name,
            include_bytes!(concat!("fixtures/", $name, ".json")),
            $read_as,
        )
        .signed(Recorded {
            key: "sunco-shared-secret-0001",
            headers: &[("x-api-key", "sunco-shared-secret-0001")],
            at: 1_773_760_000,
        })
    };
}

pub(super) static SAMPLES: &[Sample] = &[
    sample!(
        "ticket-created",
        TICKET,
        "2026-03-17T14:42:08Z",
        1773758528,
        "OKOhCM8HdpWfER9VpsOmPjkrKrB8viRxvnailfNjgb4="
    ),
    sample!(
        "ticket-comment-added",
        TICKET,
        "2026-03-17T14:55:31Z",
        1773759331,
        "g7f1TJzsWxXWGzBi7LyTgLaRyrt4MQUxbPafsYNbvsQ="
    ),
    sample!(
        "ticket-comment-added-staff",
        TICKET,
        "2026-03-17T14:56:31Z",
        1773759391,
        "5kHbsano2B4s2ALfB1I4LVTy1HAwfhaAiT5JjPX/Z8g="
    ),
    sample!(
        "ticket-status-changed",
        TICKET,
        "2026-03-17T15:30:01Z",
        1773761401,
        "pMQqdT8j1TZK5KmzvpUs9x0pcCCQ8lRWEf8C1V2xe/I="
    ),
    sample!(
        "ticket-marked-as-spam",
        TICKET,
        "2026-03-17T14:42:08Z",
        1773758528,
        "96ZEE1V3LJkKISc9+i1q+y1RJfForeeZmq4W63TFnM8="
    ),
    sample!(
        "ticket-permanently-deleted",
        TICKET,
        "2026-03-17T14:42:08Z",
        1773758528,
        "GOsBi/0pgLt04cKGuzs0mIHIglapJ9U+0XSsoPvxJ0I="
    ),
    sample!(
        "messaging-message-added",
        MESSAGING,
        "2026-03-17T15:02:06Z",
        1773759726,
        "7MtymwqActEM94mUgOGHu58KDq3Eo1ZnQqX4Ci9kYg0="
    ),
    sample!(
        "messaging-message-added-agent",
        MESSAGING,
        "2026-03-17T15:02:07Z",
        1773759727,
        "oSq5zm0pXf3u+s6lLKMJZCnuhtKltXZgWJDjXAXnwis="
    ),
    sample!(
        "trigger-ticket",
        TICKET,
        "2026-03-17T14:56:00Z",
        1773759360,
        "cb8gtoFaqwBUubMupiuNs7O3YvZocjYfAXDc27rIR38="
    ),
    sample!(
        "trigger-ticket-unfilled",
        TICKET,
        "2026-03-17T14:56:00Z",
        1773759360,
        "8K5NSS5hoo9Y88X651AqfLHbY/MhOcxAwfxkdpiPzzQ="
    ),
    sample!(
        "ticket-comment-added-internal",
        ReadAs::Ignored,
        "2026-03-17T14:57:00Z",
        1773759420,
        "eqPfNQJxdlEnntAMt9cJ6xwAZnYsibrPNQA8N3edQdA="
    ),
    sample!(
        "ticket-priority-changed",
        ReadAs::Ignored,
        "2026-03-17T14:57:00Z",
        1773759420,
        "sboSJ6X01zYnq1Y5kH3SdSGohLq7Oc1xbTEuxxbrydc="
    ),
    sample!("conversation-message", CONVERSATION),
    sample!("conversation-messages", CONVERSATION),
    sample!("conversation-read", ReadAs::Ignored),
    sample!(
        "ticket-agent-assignment-changed",
        ReadAs::Ignored,
        "2026-03-17T14:57:00Z",
        1773759420,
        "z4sJ7+ysQyi69+NToBW1iUTMDDcf5Shu8b7QtmPuXaM="
    ),
    sample!("conversation-create", ReadAs::Ignored),
    sample!("conversation-postback", ReadAs::Ignored),
    sample!("conversation-referral", ReadAs::Ignored),
];
