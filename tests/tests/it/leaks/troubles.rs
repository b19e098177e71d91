//! Providers that fail in every known way, and repeat in their errors what they were sent.

use http::Method;
use serde_json::{Value, json};

use super::{
    product::Product,
    story::{Hook, Marked, Told, comes_to_rest, deliver},
};

/// What Speech-to-Text is asked for calls of a minute and longer.
const BATCHES: &str = ":batchRecognize";
const OPERATIONS: &str = "/operations/";

/// A provider's error that repeats what it was sent.
struct Trouble {
    provider: String,
    path: &'static str,
    fault: Value,
}

/// Every way in which providers are known to fail, a few at a time: a call meets all of one line.
fn troubles(product: &Product<'_>, marked: &Marked) -> Vec<Vec<Trouble>> {
    let [callrail, speech, gemini, hubspot, sendgrid] =
        ["callrail", "speech", "gemini", "hubspot", "sendgrid"]
            .map(|slug| product.providers[slug].clone());
    let of = |name: &str| marked.person.of(name);
    let echo = format!(
        "{} {} {} {}",
        of("providerwords"),
        of("name"),
        of("transcript"),
        marked.phone
    );
    let plain = |kind: &str| json!({ "kind": kind });
    let status =
        |status: u16, body: Value| json!({ "kind": "status", "status": status, "body": body });
    let of_callrail = |code| status(code, json!({ "error": echo }));
    let of_google = |code: u16| {
        let words = json!({ "code": code, "message": echo, "status": echo, "details": [{ "reason": echo }] });
        status(code, json!({ "error": words }))
    };
    let of_hubspot = |code| {
        let fault = json!({
            "message": echo, "in": "email", "code": "INVALID_EMAIL", "context": { "propertyName": ["email"], "value": [echo] },
        });
        status(
            code,
            json!({ "status": "error", "message": echo, "category": "VALIDATION_ERROR", "errors": [fault] }),
        )
    };
    let without_fields = |category: &str| {
        status(
            400,
            json!({ "status": "error", "message": echo, "category": category, "correlationId": echo }),
        )
    };
    let of_row = |category: &str| {
        let row = json!({ "status": "error", "category": category, "message": echo, "context": { "ids": [echo] } });
        status(
            207,
            json!({ "status": "COMPLETE", "results": [], "numErrors": 1, "errors": [row] }),
        )
    };
    let of_sendgrid = |code| {
        let words =
            json!({ "message": echo, "field": "personalizations.0.to.0.email", "help": echo });
        status(code, json!({ "errors": [words] }))
    };
    let at = |provider: &String, path, fault| Trouble {
        provider: provider.clone(),
        path,
        fault,
    };
    let callrail = |fault| at(&callrail, "/v3/", fault);
    let file = |fault| at(&product.providers["callrail"], "/media/", fault);
    let batch = |fault| at(&product.providers["speech"], BATCHES, fault);
    let operation = |fault| at(&product.providers["speech"], OPERATIONS, fault);
    let ended = |code: u32| {
        status(
            200,
            json!({ "name": "projects/p/locations/us/operations/o", "done": true, "error": { "code": code, "message": echo } }),
        )
    };
    let speech = |fault| at(&speech, ":recognize", fault);
    let gemini = |fault| at(&gemini, ":generateContent", fault);
    let hubspot = |fault| at(&hubspot, "batch/upsert", fault);
    let sendgrid = |fault| at(&sendgrid, "/v3/mail/send", fault);

    vec![
        vec![callrail(plain("revoked_token"))],
        vec![callrail(of_callrail(400))],
        vec![callrail(of_callrail(403))],
        vec![callrail(of_callrail(503))],
        vec![callrail(plain("malformed"))],
        vec![callrail(status(
            200,
            json!({ "company_id": echo, "id": { "x": echo }, "resource_id": echo }),
        ))],
        vec![callrail(plain("reset_after_write"))],
        vec![file(of_callrail(403))],
        vec![file(plain("reset_after_write"))],
        vec![speech(of_google(503))],
        vec![speech(of_google(401))],
        vec![speech(plain("malformed"))],
        vec![
            speech(of_google(400)),
            gemini(of_google(400)),
            hubspot(of_hubspot(400)),
            sendgrid(of_sendgrid(400)),
        ],
        vec![
            speech(of_google(404)),
            gemini(of_google(401)),
            hubspot(of_hubspot(401)),
            sendgrid(of_sendgrid(401)),
        ],
        vec![
            gemini(of_google(403)),
            hubspot(of_hubspot(403)),
            sendgrid(of_sendgrid(403)),
        ],
        vec![
            gemini(of_google(404)),
            hubspot(without_fields("VALIDATION_ERROR")),
            sendgrid(of_sendgrid(413)),
        ],
        vec![
            gemini(of_google(429)),
            hubspot(of_row("VALIDATION_ERROR")),
            sendgrid(of_sendgrid(404)),
        ],
        vec![gemini(of_google(503)), hubspot(without_fields(&echo))],
        vec![gemini(plain("outside_schema")), hubspot(of_hubspot(409))],
        vec![gemini(plain("max_tokens")), hubspot(of_hubspot(503))],
        vec![gemini(plain("blocked")), hubspot(plain("malformed"))],
        vec![
            gemini(plain("malformed")),
            hubspot(plain("reset_after_write")),
        ],
        vec![gemini(status(
            200,
            json!({ "candidates": [{ "content": { "parts": [{ "text": echo }] } }], "x": echo }),
        ))],
        vec![gemini(status(
            200,
            json!({ "promptFeedback": { "blockReason": "OTHER", "blockReasonMessage": echo } }),
        ))],
        vec![batch(of_google(400))],
        vec![batch(of_google(503))],
        vec![operation(of_google(404))],
        vec![operation(ended(3))],
        vec![operation(ended(13))],
        vec![sendgrid(of_sendgrid(503))],
        vec![sendgrid(plain("reset_after_write"))],
    ]
}

/// Calls that meet providers in trouble, in every known way or in one of so many.
pub(super) async fn trouble(
    product: &Product<'_>,
    marked: &Marked,
    hook: &Hook,
    told: &mut Told,
    of: usize,
) {
    for (number, troubles) in troubles(product, marked)
        .into_iter()
        .enumerate()
        .step_by(of)
    {
        for Trouble {
            provider,
            path,
            fault,
        } in &troubles
        {
            product.fault(provider, path, fault).await;
        }
        let call = format!("CALtrouble{number}");
        if troubles
            .iter()
            .any(|trouble| [BATCHES, OPERATIONS].contains(&trouble.path))
        {
            let long = json!({ "recording": "long-call" });
            product
                .order(
                    &product.providers["callrail"],
                    Method::PUT,
                    &format!("calls/{call}"),
                    &long,
                )
                .await;
        }
        let request = deliver(product, hook, &marked.call(&call), told).await;
        comes_to_rest(product, &request).await;
        product.clear_faults().await;
    }
    // A model that says what is on no list.
    for field in ["intent", "spam_likelihood", "reasons", "summary"] {
        let wrong = match field {
            "summary" => json!({ "x": marked.person.of("answer") }),
            _ => json!(marked.person.of("answer")),
        };
        let order = json!({ "override": { field: wrong }, "times": 1 });
        product
            .order(&product.providers["gemini"], Method::PUT, "answers", &order)
            .await;
        let request = deliver(
            product,
            hook,
            &marked.call(&format!("CALanswer{field}")),
            told,
        )
        .await;
        comes_to_rest(product, &request).await;
    }
    // The providers' own words are kept, for those who may read them.
    let parked = product
        .get("work?state=parked&stage=dispatch")
        .await
        .to_string();
    assert!(
        parked.contains(&marked.person.of("providerwords")),
        "{parked}"
    );
}
