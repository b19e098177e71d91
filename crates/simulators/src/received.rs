//! The log of requests: everything but secrets.

use axum::body::Bytes;
use jiff::Timestamp;
use serde_json::{Value, json};

/// A request as a simulator received and answered it, without secrets.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Received {
    /// When it arrived.
    pub at: Timestamp,
    /// `GET`, `POST`, …
    pub method: String,
    /// Path and query. Secrets in the query are hidden.
    pub path: String,
    /// JSON as such, anything else as text. Secrets are hidden.
    pub body: Value,
    /// The status of the answer. `None` if there was no whole answer.
    pub status: Option<u16>,
    /// The name of the fault that was injected.
    pub fault: Option<&'static str>,
}

/// A request as it is stored. Its body is parsed only when somebody asks for it.
pub(crate) struct Entry {
    pub(crate) at: Timestamp,
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) body: Bytes,
    pub(crate) body_bytes: usize,
    pub(crate) status: Option<u16>,
    pub(crate) fault: Option<&'static str>,
}

impl Entry {
    /// Of larger bodies only the size is recorded.
    pub(crate) const BODY_LIMIT_BYTES: usize = 64 * 1024;

    pub(crate) fn render(&self) -> Received {
        let body = if self.body_bytes > Self::BODY_LIMIT_BYTES {
            json!(format!("({} bytes)", self.body_bytes))
        } else if let Ok(mut json) = serde_json::from_slice(&self.body) {
            hide_secrets(&mut json);
            json
        } else {
            json!(hide_in_query(&String::from_utf8_lossy(&self.body)))
        };
        Received {
            at: self.at,
            method: self.method.clone(),
            path: self.path.clone(),
            body,
            status: self.status,
            fault: self.fault,
        }
    }
}

const HIDDEN: &str = "(hidden)";

fn is_secret(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    [
        "access_key",
        "token",
        "secret",
        "password",
        "signature",
        "api_key",
    ]
    .iter()
    .any(|part| name.ends_with(part))
}

/// A query, or a form, without the values of its secrets.
pub(crate) fn hide_in_query(query: &str) -> String {
    let hide = |pair: &str| match pair.split_once('=') {
        Some((name, _)) if is_secret(name) || name == "key" => format!("{name}={HIDDEN}"),
        _ => pair.to_owned(),
    };
    query.split('&').map(hide).collect::<Vec<_>>().join("&")
}

fn hide_secrets(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            for (name, field) in fields {
                if field.is_string() && is_secret(name) {
                    *field = json!(HIDDEN);
                } else {
                    hide_secrets(field);
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(hide_secrets),
        _ => {}
    }
}
