//! Deliveries as CallRail makes them.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::{Value, json};
use sha1::Sha1;
use sha2::Sha256;

/// The body of a call's webhook, changed field by field from the documented sample.
#[derive(Debug, Clone)]
pub struct CallBody(Value);

impl CallBody {
    /// A finished call with an id of its own.
    pub fn post_call(call_id: &str) -> Self {
        let sample = include_str!("../../crates/simulators/src/callrail/samples/post-call.json");
        let mut body: Value = serde_json::from_str(sample).unwrap();
        let fields = body.as_object_mut().unwrap();
        fields.insert("resource_id".into(), json!(call_id));
        // Two ids of one call: the number would join it with every other sample.
        fields.remove("id");
        Self(body)
    }

    /// An edit of a call.
    pub fn modified(call_id: &str) -> Self {
        Self::post_call(call_id).with("changes", json!(["tags"]))
    }

    /// The same with another value for a field.
    #[must_use]
    pub fn with(mut self, field: &str, value: Value) -> Self {
        self.0.as_object_mut().unwrap().insert(field.into(), value);
        self
    }

    /// The same without a field.
    #[must_use]
    pub fn without(mut self, field: &str) -> Self {
        self.0.as_object_mut().unwrap().remove(field);
        self
    }

    /// As JSON.
    pub fn json(&self) -> Vec<u8> {
        serde_json::to_vec(&self.0).unwrap()
    }

    /// As a form: every value a string, as some deliveries come.
    pub fn form(&self) -> Vec<u8> {
        form_encoded(&self.0)
    }
}

/// An object as a form: scalars as text, lists and objects left out.
pub fn form_encoded(body: &Value) -> Vec<u8> {
    let pairs: Vec<(String, String)> = body
        .as_object()
        .unwrap()
        .iter()
        .filter_map(|(key, value)| match value {
            Value::String(text) => Some((key.clone(), text.clone())),
            Value::Bool(_) | Value::Number(_) => Some((key.clone(), value.to_string())),
            Value::Null | Value::Array(_) | Value::Object(_) => None,
        })
        .collect();
    serde_urlencoded::to_string(pairs).unwrap().into_bytes()
}

/// The body of the product's brief.
pub fn brief(call_id: &str) -> Value {
    json!({
        "call_id": call_id,
        "caller_id": "+15551234567",
        "duration": "180",
        "answered": true,
        "tenant_id": "tenant_demo",
        "callrail_company_id": "12345",
    })
}

/// The value of `Signature`.
pub fn sha1_signature(key: &str, body: &[u8]) -> String {
    let mut mac = Hmac::<Sha1>::new_from_slice(key.as_bytes()).unwrap();
    mac.update(body);
    STANDARD.encode(mac.finalize().into_bytes())
}

/// The value of `x-callrail-signature`.
pub fn sha256_signature(key: &str, body: &[u8]) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(key.as_bytes()).unwrap();
    mac.update(body);
    format!("sha256={}", hex::encode(mac.finalize().into_bytes()))
}
