//! What a model answered about a conversation.
//!
//! The input is JSON. An object is laid over a good answer, so that one strange member meets a whole one; its `said` is
//! what was said in the conversation.

use domain::{
    AnalysisSection, Brief, Document, LeadRequest, OfficeConfig, RequestId, Status, TenantId,
};
use jiff::Timestamp;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::text::assert_line;

/// Reads `data` as an answer.
pub fn check(data: &[u8]) {
    let Ok(answer) = serde_json::from_slice::<Value>(data) else {
        return;
    };
    let brief = brief(said(&answer["said"]));
    let utterances = brief.conversation.utterances.iter();
    let said: Vec<_> = utterances.map(|one| one.text.clone()).collect();
    for answer in [over_a_good_one(&answer), answer] {
        let read = ai_analyzer::read_answer(&answer, brief.clone());
        if let Some(section) = &read {
            assert_section(section, &said);
        }
        let again = ai_analyzer::read_answer(&answer, brief.clone());
        assert_eq!(again, read, "another reading");
    }
}

/// The bounds of everything that an analysis holds.
fn assert_section(section: &AnalysisSection, said: &[String]) {
    assert!(section.lead_score <= 100);
    assert!((0.0..=1.0).contains(&section.confidence));
    assert!((0.0..=100.0).contains(&section.spam_likelihood));
    assert!(section.reasons.len() <= 8);
    for reason in &section.reasons {
        assert_line(&reason.reason, 200);
        let quote = reason.quote.as_str();
        assert!((1..=400).contains(&quote.len()), "{quote:?}");
        let is_said = said.iter().any(|text| text.contains(quote));
        assert!(is_said, "nobody said {quote:?}");
    }
    assert_line(&section.summary, 1_000);
    if let Some(address) = &section.address {
        assert_line(address, 200);
    }
    if let Some(code) = &section.postal_code {
        let code = String::from(code.clone());
        let is_code = code.len() == 5 && code.bytes().all(|byte| byte.is_ascii_digit());
        assert!(is_code, "{code:?}");
    }
    assert!(!section.is_blocked);
}

fn over_a_good_one(answer: &Value) -> Value {
    let mut whole = json!({
        "summary": "A homeowner wants a quote for a kitchen.",
        "intent": "quote_request",
        "sentiment": "positive",
        "project_type": "kitchen",
        "timeline": "1_3_months",
        "budget": "unknown",
        "postal_code": "78664",
        "address": null,
        "reasons": [{ "reason": "Asks for a quote", "quote": "a quote for my kitchen" }],
        "lead_score": 82,
        "confidence": 0.8,
        "spam_likelihood": 2.5,
    });
    if let (Some(whole), Some(members)) = (whole.as_object_mut(), answer.as_object()) {
        let members = members
            .iter()
            .map(|(name, value)| (name.clone(), value.clone()));
        whole.extend(members);
    }
    whole
}

/// What was said, where the input does not say it.
fn said(said: &Value) -> Vec<String> {
    let said: Vec<_> = said
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|text| text.as_str().map(str::to_owned))
        .collect();
    if said.is_empty() {
        vec!["I’d like a quote for my kitchen. We’re at seven eight six six four.".to_owned()]
    } else {
        said
    }
}

/// A call in which that was said, as the analyzer reads it.
fn brief(said: Vec<String>) -> Brief {
    let turns: Vec<_> = said
        .into_iter()
        .map(|text| json!({ "speaker": "1", "start_ms": 0, "end_ms": 1, "text": text }))
        .collect();
    let document = json!({
        "v": Document::VERSION,
        "source": {
            "provider": "callrail",
            "source": "src_00000000000070008000000000000001",
            "events": 1,
            "last_event": "evt_00000000000070008000000000000001",
            "said": { "about": { "channel": "phone" } },
        },
        "transcript": {
            "audio_sha256": "",
            "engine": "chirp_3",
            "state": { "outcome": "spoken" },
            "turns": turns,
            "billed_seconds": 1,
        },
    });
    let (document, tenant) = match (serde_json::from_value(document), TenantId::new("tenant")) {
        (Ok(document), Ok(tenant)) => (document, tenant),
        (document, _) => panic!("a document has another shape now: {document:?}"),
    };
    let request = LeadRequest {
        id: RequestId::from_uuid(Uuid::nil()),
        tenant,
        version: 1,
        created_at: Timestamp::UNIX_EPOCH,
        updated_at: Timestamp::UNIX_EPOCH,
        status: Status::Processing,
        person: None,
        counted: std::sync::Arc::default(),
        document,
    };
    Brief::new(&request, &OfficeConfig::default())
}
