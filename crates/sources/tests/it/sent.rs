//! What `pipeline send` sends, beside what the contract runs on: each event of the one is among the other, and is read
//! alike.

use std::collections::BTreeMap;

use bytes::Bytes;
use domain::Reading;
use http::{HeaderMap, HeaderName, HeaderValue, header::CONTENT_TYPE};
use jiff::Timestamp;
use secrecy::SecretString;
use serde_json::Value;
use simulators::{Choices, SIMULATORS};
use sources::{ReadAs, SOURCES, Sample, Source};

/// What is made of a delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Made {
    Lead,
    Nothing,
    Ping,
}

/// Of what event a body tells, as far as the body says it; `name` is that of its sample.
fn event_of(slug: &str, name: &str, body: &[u8]) -> String {
    let json = || serde_json::from_slice::<Value>(body).unwrap();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    match slug {
        "calendly" => text(&json()["event"]),
        "intercom" => text(&json()["topic"]),
        "zendesk" => {
            let body = json();
            let kind = [&body["events"][0]["type"], &body["type"]];
            let kind = kind.into_iter().find_map(Value::as_str);
            kind.map_or_else(|| "trigger".to_owned(), str::to_owned)
        }
        "acuity" => {
            let mut pairs = url::form_urlencoded::parse(body);
            pairs.find(|(name, _)| name == "action").unwrap().1.into()
        }
        // No body of CallRail names its event.
        _ => match name {
            "post-call-form-encoded" | "published-vector" | "call-completed" => "post-call".into(),
            "post-call-voicemail" => "voicemail".into(),
            "lead-created" => "lead.created".into(),
            name => name.to_owned(),
        },
    }
}

fn of_contract(slug: &str, sample: &Sample) -> (String, Made) {
    let made = match sample.read_as {
        ReadAs::News(_) | ReadAs::Receipts(_) => Made::Lead,
        ReadAs::Ignored => Made::Nothing,
        ReadAs::Ping => Made::Ping,
    };
    (event_of(slug, sample.name, sample.body), made)
}

/// Every event that can be sent by hand, and what its source makes of it: it is verified by the demo's key, and read.
fn sendable(source: &dyn Source) -> Vec<(String, Made)> {
    let spec = source.spec();
    let simulator = SIMULATORS.iter().find(|known| known.slug == spec.slug);
    let demo = simulator.and_then(|simulator| simulator.demo);
    let Some(demo) = demo else { return Vec::new() };
    let at: Timestamp = "2026-03-17T15:00:00Z".parse().unwrap();
    let mut all = Vec::new();
    for sample in demo.samples {
        let sent = sample.deliver(&Choices {
            at,
            ..Choices::default()
        });
        let kind = HeaderValue::from_static(sent.content_type);
        let mut headers = HeaderMap::from_iter([(CONTENT_TYPE, kind)]);
        for (name, value) in &sent.signature {
            let name = HeaderName::from_static(name);
            headers.insert(name, HeaderValue::from_str(value).unwrap());
        }
        let keys: Vec<_> = demo
            .signing_key
            .map(SecretString::from)
            .into_iter()
            .collect();
        let event = event_of(spec.slug, sample.event, &sent.body);
        let body = Bytes::from(sent.body);
        let delivery = sources::verify(spec, &[], &keys, &headers, body, at);
        let delivery = delivery.unwrap_or_else(|error| panic!("{event}: {error}"));
        let made = match source.read(&delivery, None) {
            Ok(Reading::News(_) | Reading::Receipts(_)) => Made::Lead,
            Ok(Reading::Ignored { .. }) => Made::Nothing,
            Ok(Reading::Ping) => Made::Ping,
            Err(error) => panic!("{event}: {error}"),
        };
        all.push((event, made));
    }
    all
}

#[test]
fn every_sample_of_the_contract_can_be_sent_by_hand() {
    let mut without = Vec::new();
    for source in SOURCES {
        let spec = source.spec();
        let sendable = sendable(*source);
        if sendable.is_empty() {
            without.push(spec.slug);
            continue;
        }
        let mut made: BTreeMap<&str, Vec<Made>> = BTreeMap::new();
        for (event, what) in &sendable {
            made.entry(event).or_default().push(*what);
        }
        for sample in spec.samples {
            let (event, what) = of_contract(spec.slug, sample);
            let sent = made.get(event.as_str());
            let sent = sent.unwrap_or_else(|| panic!("{}: nobody can send {event}", spec.slug));
            // Of one event, some samples may say something and others nothing, such as a note in a ticket.
            let is_alike = sent.contains(&what) || what == Made::Nothing;
            assert!(is_alike, "{}: {event} is {sent:?}", spec.slug);
        }
    }
    // Receipts of mail come back for what the product has sent, and nobody else has the key that signs them.
    assert_eq!(without, ["sendgrid"]);
}

#[test]
fn what_says_nothing_is_sent_as_nothing() {
    let made = |slug: &str, wanted: &str| {
        let source = SOURCES.iter().find(|source| source.spec().slug == slug);
        let all = sendable(*source.unwrap());
        let found = all.into_iter().find(|(event, _)| event == wanted);
        found.unwrap_or_else(|| panic!("{slug}: {wanted}")).1
    };
    for (slug, event) in [
        ("callrail", "outbound-call-modified"),
        ("callrail", "convert-assist-complete"),
        ("callrail", "voice-assist-answered"),
        ("calendly", "event_type.created"),
        ("calendly", "event_type.updated"),
        ("calendly", "event_type.deleted"),
        ("calendly", "contact.created"),
        ("calendly", "contact.updated"),
        ("calendly", "contact.deleted"),
        ("calendly", "meeting_recap.created"),
        ("intercom", "conversation.admin.assigned"),
        ("intercom", "conversation.admin.noted"),
        ("intercom", "contact.user.created"),
        ("zendesk", "zen:event-type:ticket.priority_changed"),
        ("zendesk", "zen:event-type:ticket.agent_assignment_changed"),
        ("zendesk", "conversation:create"),
        ("zendesk", "conversation:read"),
        ("zendesk", "conversation:postback"),
        ("zendesk", "conversation:referral"),
    ] {
        assert_eq!(made(slug, event), Made::Nothing, "{slug}: {event}");
    }
    let spam = "zen:event-type:ticket.marked_as_spam";
    assert_eq!(made("zendesk", spam), Made::Lead);
    assert_eq!(made("intercom", "ping"), Made::Ping);
}
