//! What the product is compared with: a handler that checks the same HMAC and parses the same JSON, and stores nothing.

use std::{
    io::{BufRead as _, BufReader},
    net::SocketAddr,
    process::{Child, Command, Stdio},
    time::Duration,
};

use axum::{Router, body::Bytes, routing::post};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use hmac::{Hmac, KeyInit as _, Mac as _};
use http::{HeaderMap, StatusCode};
use serde_json::Value;
use sha1::Sha1;

use crate::process;

pub(crate) struct Baseline {
    pub(crate) address: SocketAddr,
    process: Child,
}

impl Baseline {
    pub(crate) fn start() -> Self {
        let mut process = Command::new(std::env::current_exe().unwrap())
            .arg("baseline")
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(process.stdout.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        Self {
            address: line.trim().parse().unwrap(),
            process,
        }
    }
}

impl Baseline {
    /// Processor time that it has used.
    pub(crate) fn cpu_time(&self) -> Duration {
        process::cpu_time(&self.process)
    }
}

impl Drop for Baseline {
    fn drop(&mut self) {
        self.process.kill().ok();
        self.process.wait().ok();
    }
}

/// Serves until the process is killed.
pub(crate) async fn serve() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    println!("{}", listener.local_addr().unwrap());
    axum::serve(listener, Router::new().route("/", post(verify)))
        .await
        .unwrap();
}

async fn verify(headers: HeaderMap, body: Bytes) -> (StatusCode, &'static str) {
    let mut mac =
        Hmac::<Sha1>::new_from_slice(simulators::callrail::SIGNING_KEY.as_bytes()).unwrap();
    mac.update(&body);
    let sent = headers
        .get("signature")
        .map(|value| STANDARD.decode(value.as_bytes()));
    let is_genuine = matches!(sent, Some(Ok(sent)) if mac.verify_slice(&sent).is_ok());
    match serde_json::from_slice::<Value>(&body) {
        Ok(_) if is_genuine => (StatusCode::OK, r#"{"success":true}"#),
        _ => (StatusCode::UNAUTHORIZED, "{}"),
    }
}
