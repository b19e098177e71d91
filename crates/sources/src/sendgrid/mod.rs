//! SendGrid's event webhook: what became of the e-mails that we sent.
//!
//! - Delivery: `POST`, a JSON list of events, collected up to 768 KB; repeated for a day until answered 2xx.
//! - Identity: `sg_event_id`, the same on every repeat. Order is not promised.
//! - Ours: `message_id`, which we put into `custom_args` and which comes back at the top level of each event.
//! - Signature: ECDSA over the timestamp's header and the raw body, with a public key that SendGrid shows. It is good for
//!   a day, because deliveries are repeated for a day.
//!
//! Source: docs.sendgrid.com, "Event Webhook Reference" and "Getting Started with the Event Webhook Security Features"
//! (read 2026-11). UNCONFIRMED: the size at which events are sent, and whether a repeat is signed anew.

use std::time::Duration;

use domain::{EffectKey, Reading, Receipt};
use jiff::Timestamp;

use crate::{
    Encoding, Fields, Ids, Mac, Piece, ReadAs, ReadError, Sample, Scheme, Sent, SignedTime, Source,
    SourceSpec, TimeForm, Verification, Verified, ignored,
};

/// The source.
pub struct SendGrid;

static SPEC: SourceSpec = SourceSpec {
    slug: "sendgrid",
    name: "SendGrid",
    verification: Verification::Signed(&[Scheme {
        name: "sendgrid-ecdsa",
        mac: Mac::EcdsaP256Sha256,
        header: "x-twilio-email-event-webhook-signature",
        sent: Sent::Alone { prefix: "" },
        encoding: Encoding::Base64,
        signed: &[Piece::Time, Piece::Body],
        time: Some(SignedTime {
            header: Some("x-twilio-email-event-webhook-timestamp"),
            form: TimeForm::UnixSeconds,
            max_age: Duration::from_hours(24),
            max_ahead: Duration::from_mins(10),
        }),
        delivery_id: None,
        is_key_ours: false,
    }]),
    set_up: "In SendGrid, open Settings, Mail Settings, Event Webhooks. Enter the URL as the Post URL, choose the \
             delivery events, and enable Signed Event Webhook. The verification key stands there.",
    samples: &[Sample::json(
        "events",
        include_bytes!("fixtures/events.json"),
        ReadAs::Receipts(3),
    )],
    ids: Ids::OfProvider,
    ..SourceSpec::DEFAULT
};

/// The most events of one delivery that are read.
const MAX_EVENTS: usize = 5_000;

impl Source for SendGrid {
    fn spec(&self) -> &'static SourceSpec {
        &SPEC
    }

    fn read(&self, delivery: &Verified, _event: Option<&str>) -> Result<Reading, ReadError> {
        let events = Fields::read_list(delivery.body(), is_wanted, MAX_EVENTS)?;
        let receipts: Vec<_> = events.iter().filter_map(receipt).collect();
        Ok(if receipts.is_empty() {
            ignored("no event of a message of ours")
        } else {
            Reading::Receipts(receipts)
        })
    }
}

fn is_wanted(name: &str) -> bool {
    matches!(
        name,
        "message_id" | "event" | "type" | "sg_message_id" | "timestamp" | "reason" | "response"
    )
}

/// An event of a message of ours; none for others that leave by the same account.
fn receipt(event: &Fields<'_>) -> Option<Receipt> {
    let (word, kind) = (event.line(&["event"], 50)?, event.text("type"));
    // A bounce of the type `blocked`: our sender was refused, and the address is good.
    let is_blocked = word == "bounce" && kind == Some("blocked");
    Some(Receipt {
        effect: EffectKey::of_message(event.text("message_id")?)?,
        // `deferred` is not final: SendGrid tries on for days.
        is_undelivered: matches!(word.as_str(), "dropped" | "bounce" | "blocked"),
        event: if is_blocked {
            "blocked".to_owned()
        } else {
            word
        },
        remote_id: event.line(&["sg_message_id"], 200).unwrap_or_default(),
        at: event
            .text("timestamp")
            .and_then(|raw| Timestamp::from_second(raw.parse().ok()?).ok()),
        reason: event
            .line(&["reason"], 500)
            .or_else(|| event.line(&["response"], 500)),
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    const MESSAGE: &str = "req_0199f3a1c2d47e5fb8a61234567890ab.0a1b2c3d4e5f6071.0";

    fn read(body: &str) -> Result<Reading, ReadError> {
        let body = body.to_owned().into();
        SendGrid.read(
            &Verified::restored(&SPEC, "sendgrid-ecdsa", BTreeMap::new(), body).unwrap(),
            None,
        )
    }

    #[test]
    fn events_of_our_messages_are_read() {
        let reading = read(include_str!("fixtures/events.json")).unwrap();
        let Reading::Receipts(receipts) = reading else {
            panic!("{reading:?}")
        };
        assert_eq!(receipts.len(), 3);
        assert_eq!(
            receipts[0],
            Receipt {
                effect: EffectKey::of_message(MESSAGE).unwrap(),
                event: "processed".to_owned(),
                is_undelivered: false,
                remote_id: "14c5d75ce93.dfd.64b469.filter0001".to_owned(),
                at: Some("2026-11-02T15:04:08Z".parse().unwrap()),
                reason: None,
            }
        );
        assert_eq!(receipts[1].reason.as_deref(), Some("250 OK"));
        assert_eq!(
            (receipts[2].event.as_str(), receipts[2].reason.as_deref()),
            ("dropped", Some("Bounced Address"))
        );
    }

    #[test]
    fn what_is_not_about_us_is_ignored() {
        for body in [
            "[]",
            "[{}]",
            r#"[{"event": "open", "message_id": ""}, {"message_id": "a"}]"#,
            r#"[{"event": "open", "message_id": "another.program.0"}]"#,
            &format!(r#"[{{"message_id": "{MESSAGE}"}}]"#),
        ] {
            assert!(matches!(read(body), Ok(Reading::Ignored { .. })), "{body}");
        }
    }

    #[test]
    fn what_is_no_event_is_skipped_alone() {
        let event = format!(r#"{{"event": "open", "message_id": "{MESSAGE}"}}"#);
        for other in ["1", "null", "true", r#""open""#, "[{}]", "1.5e3"] {
            for body in [
                format!("[{other}, {event}]"),
                format!("[{event}, {other}]\r\n"),
                format!("[{other},\r\n{event},\r\n{other}]"),
            ] {
                let reading = read(&body);
                let is_read = matches!(&reading, Ok(Reading::Receipts(found)) if found.len() == 1);
                assert!(is_read, "{body}: {reading:?}");
            }
        }
    }

    #[test]
    fn a_bounce_without_ids_settles_no_message() {
        let bare = r#"{"email": "mara.quill@example.com", "event": "bounce", "type": "bounce",
            "timestamp": 1793631848, "reason": "550 no such user", "sg_message_id": ""}"#;
        let left = r#"{"email": "mara.quill@example.com", "event": "group_unsubscribe", "asm_group_id": 10}"#;
        let body = format!("[{bare}, {left}, {left}]");
        assert!(matches!(read(&body), Ok(Reading::Ignored { .. })));
        let known = format!(r#"{{"event": "delivered", "message_id": "{MESSAGE}"}}"#);
        let reading = read(&format!("[{bare}, {known}, {left}]"));
        assert!(
            matches!(&reading, Ok(Reading::Receipts(found)) if found.len() == 1 && found[0].event == "delivered"),
            "{reading:?}"
        );
    }

    #[test]
    fn a_refused_sender_is_no_dead_address() {
        for (event, kind, expected) in [
            ("bounce", r#""blocked""#, "blocked"),
            ("bounce", r#""bounce""#, "bounce"),
            ("bounce", "null", "bounce"),
            ("deferred", r#""blocked""#, "deferred"),
        ] {
            let body =
                format!(r#"[{{"event": "{event}", "type": {kind}, "message_id": "{MESSAGE}"}}]"#);
            let reading = read(&body);
            assert!(
                matches!(&reading, Ok(Reading::Receipts(found)) if found[0].event == expected),
                "{body}: {reading:?}"
            );
        }
    }

    #[test]
    fn other_shapes_are_read_errors() {
        for (body, expected) in [
            ("{}", "the body is not a JSON list of objects"),
            ("[1]", "the body is not a JSON list of objects"),
            ("[1, null, []]", "the body is not a JSON list of objects"),
            ("{]", "the body is not readable JSON (line 1, column 2)"),
            ("", "the body is not readable JSON (line 1, column 0)"),
        ] {
            assert_eq!(read(body).unwrap_err().to_string(), expected, "{body}");
        }
    }

    #[test]
    fn a_long_list_is_cut() {
        let event = format!(r#"{{"event": "open", "message_id": "{MESSAGE}", "timestamp": 1}}"#);
        let body = format!("[{}]", vec![event; MAX_EVENTS + 10].join(","));
        assert!(
            matches!(read(&body), Ok(Reading::Receipts(receipts)) if receipts.len() == MAX_EVENTS)
        );
    }
}
