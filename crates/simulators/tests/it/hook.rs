//! A receiver of webhooks.

use std::sync::{Arc, Mutex};

use aws_lc_rs::hmac;
use axum::Router;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use serde_json::Value;

/// A webhook as it arrived.
#[derive(Debug, Clone)]
pub(crate) struct Told {
    headers: HeaderMap,
    pub(crate) body: String,
}

impl Told {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers[name].to_str().unwrap()
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.headers.contains_key(name)
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }
}

/// Answers every webhook with one status, and keeps them.
pub(crate) struct Hook {
    base: String,
    received: Arc<Mutex<Vec<Told>>>,
}

impl Hook {
    pub(crate) async fn start(status: u16) -> Self {
        let received: Arc<Mutex<Vec<Told>>> = Arc::default();
        let status = StatusCode::from_u16(status).unwrap();
        let kept = Arc::clone(&received);
        let app = Router::new().route(
            "/hook",
            post(move |headers: HeaderMap, body: String| {
                kept.lock().unwrap().push(Told { headers, body });
                std::future::ready(status)
            }),
        );
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        Self { base, received }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }

    pub(crate) fn received(&self) -> Vec<Told> {
        self.received.lock().unwrap().clone()
    }
}

/// HMAC-SHA256.
pub(crate) fn hmac_sha256(key: &str, message: &str) -> Vec<u8> {
    let key = hmac::Key::new(hmac::HMAC_SHA256, key.as_bytes());
    hmac::sign(&key, message.as_bytes()).as_ref().to_vec()
}
