//! Providers that fail.

use rand::{RngExt as _, rngs::StdRng};
use serde_json::json;

/// Lets providers fail the next few requests, mostly when these have done their work. By their base URLs.
pub(crate) async fn trouble(http: &reqwest::Client, rng: &mut StdRng, providers: [&str; 2]) {
    for base in providers {
        let fault = match rng.random_range(0..4) {
            0 => json!({ "kind": "reset_after_write" }),
            1 => json!({ "kind": "malformed" }),
            2 => json!({ "kind": "slow", "delay_ms": 500 }),
            _ => json!({ "kind": "status", "status": 503 }),
        };
        let order = json!({ "fault": fault, "times": rng.random_range(1..4) });
        let url = format!("{base}/_sim/faults");
        // What the life before left over would strike one request again and again.
        http.delete(&url).send().await.unwrap();
        let answer = http.post(url).json(&order).send().await.unwrap();
        assert!(answer.status().is_success(), "{answer:?}");
    }
}
