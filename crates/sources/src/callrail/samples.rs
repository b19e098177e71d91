//! What CallRail sends, by the events of its documents. The signatures were made elsewhere.

use crate::{ReadAs, Recorded, Sample};

const KEY: &str = "5f3d3ebe065cd800b8c154347437e958";
const CALL: ReadAs = ReadAs::News(&["CAL0199f3a1c2d47e5fb8a61234567890ab", "902134477"]);
/// A text that a person wrote has a name by its circumstances, too.
const RECEIVED: ReadAs = ReadAs::News(&["k7pQx", "29562665-e95717a4a374597a45d8a33d8dce5345"]);
const SENT: ReadAs = ReadAs::News(&["k7pQx"]);

macro_rules! file {
    ($name:literal) => {
        include_bytes!(concat!("fixtures/", $name))
    };
}

const fn by(key: &'static str, headers: &'static [(&'static str, &'static str)]) -> Recorded {
    Recorded {
        key,
        headers,
        at: 1_773_760_000,
    }
}

pub(super) static SAMPLES: &[Sample] = &[
    Sample::json("post-call", file!("post-call.json"), CALL)
        .of_event("post-call")
        .signed(by(KEY, &[("signature", "gTeU+aZD12v9M8MNfSx4VDPTH10=")])),
    Sample::json("call-modified", file!("call-modified.json"), CALL)
        .of_event("call-modified")
        .signed(by(KEY, &[("signature", "7WmCbixUkcS/WJtIQ8XRx0e8nzY=")])),
    Sample::json(
        "post-call-voicemail",
        file!("post-call-voicemail.json"),
        CALL,
    )
    .signed(by(KEY, &[("signature", "eAnQHKnQhHFMIUKO475XichSh9w=")])),
    Sample::json("pre-call", file!("pre-call.json"), CALL)
        .of_event("pre-call")
        .signed(by(KEY, &[("signature", "E7Ryb8R2eDe1ee8fxQGw7DJt7X8=")])),
    Sample::json(
        "call-routing-complete",
        file!("call-routing-complete.json"),
        CALL,
    )
    .of_event("call-routing-complete")
    .signed(by(KEY, &[("signature", "8NFPvttLU+yQj2zi4CQH/s4CP5g=")])),
    Sample::form(
        "post-call-form-encoded",
        file!("post-call-form-encoded.txt"),
        ReadAs::News(&["CAL0199f3a1c2d47e5fb8a61234567890ab"]),
    )
    .signed(by(KEY, &[("signature", "Dt4OA40iN0aOVH8SNkFHLNHklAY=")])),
    Sample::json(
        "published-vector",
        file!("published-vector.json"),
        ReadAs::News(&[
            "766970532",
            "1519065660236-ee7f525d676589ad785df59f1dd4e5ae7cd42b2cee25accc5f8255c253ea5224",
        ]),
    )
    .signed(by(
        "072e77e426f92738a72fe23c4d1953b4",
        &[("signature", "UZAHbUdfm3GqL7qzilGozGzWV64=")],
    )),
    // The documented sample, with its own scheme.
    Sample::json(
        "call-completed",
        file!("call-completed.json"),
        ReadAs::News(&["CAL123456789"]),
    )
    .signed(by(
        KEY,
        &[(
            "x-callrail-signature",
            "sha256=e8069bf64df972c466ec910c1f2f401116d90e5c5c3ddbf0bd3d129b5b150b0e",
        )],
    )),
    Sample::json(
        "outbound-post-call",
        file!("outbound-post-call.json"),
        ReadAs::Ignored,
    )
    .of_event("outbound-post-call")
    .signed(by(KEY, &[("signature", "2tk6jtJIcncMM46FlJbDKPwuvUU=")])),
    Sample::json(
        "outbound-call-modified",
        file!("outbound-call-modified.json"),
        ReadAs::Ignored,
    )
    .of_event("outbound-call-modified")
    .signed(by(KEY, &[("signature", "f9wNv0m7TKuhydnquNiKOq3j7TE=")])),
    Sample::json(
        "form-submission",
        file!("form-submission.json"),
        ReadAs::News(&["330091245", "1773758178-e359a76929b9bb0d9e4632bbb638fd2e"]),
    )
    .of_event("form-submission")
    .signed(by(KEY, &[("signature", "9WF+1YIZpbSo/K3f/EBJF23KmOc=")])),
    Sample::json("sms-received", file!("sms-received.json"), RECEIVED)
        .of_event("sms-received")
        .signed(by(KEY, &[("signature", "ulRNdjYfhLlvLGR3d0dFTQNyi88=")])),
    Sample::json("sms-sent", file!("sms-sent.json"), SENT)
        .of_event("sms-sent")
        .signed(by(KEY, &[("signature", "9ohkE8PAuYAvnXQE5vMHKHy4arE=")])),
    Sample::json(
        "convert-assist-complete",
        file!("convert-assist-complete.json"),
        ReadAs::Ignored,
    )
    .signed(by(KEY, &[("signature", "+kEAIZfu2gJgTQ60AkiEnuVt70E=")])),
    Sample::json(
        "voice-assist-answered",
        file!("voice-assist-answered.json"),
        ReadAs::Ignored,
    )
    .signed(by(KEY, &[("signature", "7MiPZt0YAylkuA7F52/wWsPGMak=")])),
];
