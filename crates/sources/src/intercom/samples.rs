//! What Intercom sends, by the topics of its documents. The signatures were made elsewhere.

use crate::{ReadAs, Recorded, Sample};

const CONVERSATION: ReadAs = ReadAs::News(&["215471000123456"]);

macro_rules! sample {
    ($name:literal, $read_as:expr, $signature:literal) => {
        Sample::json(
            $name,
            include_bytes!(concat!("fixtures/", $name, ".json")),
            $read_as,
        )
        .signed(Recorded {
            key: "7c0ffee1-intercom-client-secret",
            headers: &[("x-hub-signature", concat!("sha1=", $signature))],
            at: 1_773_760_000,
        })
    };
}

pub(super) static SAMPLES: &[Sample] = &[
    sample!(
        "conversation-user-created",
        CONVERSATION,
        "f290c6510f4f0348778f1c3a6c7b1fe7b41ce41e"
    ),
    sample!(
        "conversation-user-replied",
        CONVERSATION,
        "811197f7b4f9ee9a67bd4106d7617394c116f87c"
    ),
    sample!(
        "conversation-user-replied-bot",
        CONVERSATION,
        "486d22e1d46a2f720100f941f247b86e955a0a15"
    ),
    sample!(
        "conversation-admin-replied",
        CONVERSATION,
        "fbd65e5131ed0f1fa1ffc6499fe43b36fa00be4c"
    ),
    sample!(
        "conversation-admin-closed",
        CONVERSATION,
        "4a4c78a71b64c046aaaa109378cf2741cb7a39ca"
    ),
    sample!(
        "conversation-admin-opened",
        CONVERSATION,
        "6b0ab50966e973e178c09ed7f52f9fbc91839d4e"
    ),
    sample!(
        "conversation-part-redacted",
        CONVERSATION,
        "3cdf47c125bb77966771c7f6a471bb0c069e042f"
    ),
    sample!(
        "conversation-part-redacted-alone",
        CONVERSATION,
        "9d7f123bdefd75a260911f1a868081956cb22429"
    ),
    sample!(
        "conversation-deleted",
        CONVERSATION,
        "b57f67c1698771b10304fdd47d29febe17b62e42"
    ),
    sample!(
        "conversation-user-created-older",
        CONVERSATION,
        "ba2647ab40f0849b01e376bd5286a8feb3e90463"
    ),
    sample!(
        "conversation-user-created-unnamed",
        ReadAs::News(&["215471000123999"]),
        "bc1abcb1ec2926d95baf472353bf4fb474621b7d"
    ),
    sample!(
        "ping",
        ReadAs::Ping,
        "cdfdbfe9db870eac12526ef0b849b42ab524d10f"
    ),
    sample!(
        "ping-bare",
        ReadAs::Ping,
        "39a6db622900c8ea8ab6e14c30ae4a8afc2b9bab"
    ),
    sample!(
        "conversation-admin-noted",
        ReadAs::Ignored,
        "8c5e4ec42f8a1cf1ede7898ac8600854a7cf1fe9"
    ),
    sample!(
        "contact-lead-created",
        ReadAs::Ignored,
        "e9a2e630a4ef08c89b70d9e902f954cd43660fa1"
    ),
    sample!(
        "contact-email-updated",
        ReadAs::Ignored,
        "bd2c0c51dd0e8a0e66845026123d5103c2864200"
    ),
    sample!(
        "ticket-created",
        ReadAs::Ignored,
        "198846f5f93fc23d89fd04a4e51dc047a4683ebb"
    ),
    sample!(
        "conversation-admin-assigned",
        ReadAs::Ignored,
        "ff16ed740c49171ffd0fe3fd9f9a2fd42f3bd524"
    ),
    sample!(
        "contact-user-created",
        ReadAs::Ignored,
        "a51312f8833b01accb7d8f746a6f8aec2cade016"
    ),
];
