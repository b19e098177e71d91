//! What Pub/Sub posts to a push endpoint, and the wake-up in it.

use std::collections::BTreeMap;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use domain::{Wake, text};
use runtime::TraceContext;
use serde::Deserialize;

use crate::publish::TRACE_ATTRIBUTE;

/// How many characters of a message's id are logged. Pub/Sub's ids have about twenty.
const MAX_ID: usize = 64;

/// A wake-up that was pushed.
#[derive(Debug)]
pub(crate) struct Pushed {
    pub(crate) wake: Wake,
    /// The trace that it was published in.
    pub(crate) trace: Option<TraceContext>,
}

/// Why a body holds no wake-up. Repeats nothing of its content.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NoWake {
    /// Pub/Sub did not send it.
    #[error("it is not the envelope that Pub/Sub pushes")]
    Envelope,
    /// It was published by somebody else, or by another version of ours.
    #[error("message {message_id} is not a wake-up: {what}")]
    Message {
        message_id: String,
        what: &'static str,
    },
}

/// The wrapped form. Pub/Sub writes each name in two ways, and adds `subscription`, `publishTime` and sometimes
/// `orderingKey` and `deliveryAttempt`. Unused fields are not read, so that their shape cannot matter.
///
/// Source: Pub/Sub, "Push subscriptions", the wrapped message.
#[derive(Deserialize)]
struct Envelope {
    message: Message,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Message {
    /// Base64; absent when a message has attributes only.
    #[serde(default)]
    data: Option<String>,
    #[serde(default)]
    attributes: Option<BTreeMap<String, String>>,
    message_id: String,
}

/// Reads the body of a push.
pub(crate) fn read(body: &[u8]) -> Result<Pushed, NoWake> {
    let Envelope { message } = serde_json::from_slice(body).map_err(|_| NoWake::Envelope)?;
    let no_wake = |what| NoWake::Message {
        message_id: text::bounded(&message.message_id, MAX_ID),
        what,
    };
    let data = message.data.as_deref().unwrap_or_default();
    let data = STANDARD
        .decode(data)
        .map_err(|_| no_wake("its data is not base64"))?;
    let wake =
        serde_json::from_slice(&data).map_err(|_| no_wake("this version cannot read its data"))?;
    let trace = message
        .attributes
        .as_ref()
        .and_then(|attributes| TraceContext::parse(attributes.get(TRACE_ATTRIBUTE)?));
    Ok(Pushed { wake, trace })
}

#[cfg(test)]
mod tests {
    use bus::contract::wake;
    use domain::Stage;
    use serde_json::{Value, json};

    use super::*;

    fn body(data: &str) -> Value {
        json!({
            "message": { "data": data, "messageId": "1", "message_id": "1", "publishTime": "2026-11-20T15:04:01Z" },
            "subscription": "projects/p/subscriptions/s",
        })
    }

    fn read(body: &Value) -> Result<Pushed, NoWake> {
        super::read(body.to_string().as_bytes())
    }

    #[test]
    fn a_wake_up_and_its_trace_are_read_from_the_envelope() {
        let sent = wake("tenant_a", Stage::Dispatch, 7);
        let mut body = body(&STANDARD.encode(serde_json::to_vec(&sent).unwrap()));
        let pushed = read(&body).unwrap();
        assert_eq!((pushed.wake, pushed.trace), (sent.clone(), None));

        let trace = TraceContext::generate();
        body["message"]["attributes"] = json!({ TRACE_ATTRIBUTE: trace.to_string(), "other": "x" });
        body["message"]["orderingKey"] = json!("k");
        body["deliveryAttempt"] = json!(3);
        let pushed = read(&body).unwrap();
        assert_eq!((pushed.wake, pushed.trace), (sent, Some(trace)));

        body["message"]["attributes"] = json!({ TRACE_ATTRIBUTE: "no trace" });
        assert_eq!(read(&body).unwrap().trace, None);
        body["message"]["attributes"] = Value::Null;
        assert_eq!(read(&body).unwrap().trace, None);
    }

    #[test]
    fn a_message_that_is_no_wake_up_is_named_by_its_id() {
        let secret = STANDARD.encode("512-555-0101");
        for data in ["%%%", "", &secret, &STANDARD.encode(r#"{"v":2,"rows":[]}"#)] {
            let error = read(&body(data)).unwrap_err();
            assert!(
                matches!(&error, NoWake::Message { message_id, .. } if message_id == "1"),
                "{data}: {error}"
            );
        }
        let mut without_data = body("");
        without_data["message"] = json!({ "messageId": "1" });
        assert!(matches!(
            read(&without_data).unwrap_err(),
            NoWake::Message { .. }
        ));
        for other in [
            json!({}),
            json!([]),
            json!({ "message": { "data": "" } }),
            json!("x"),
        ] {
            assert_eq!(read(&other).unwrap_err(), NoWake::Envelope, "{other}");
        }
    }
}
