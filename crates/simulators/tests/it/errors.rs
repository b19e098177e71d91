//! Whatever a client does wrong, it is answered in the provider's shape, never in the web framework's.

use reqwest::RequestBuilder;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE};
use serde_json::Value;
use simulators::{SIMULATORS, SimulatorSpec};

use crate::world::{Answer, World, client, get, send};

/// A path of a provider that takes `POST` with JSON.
fn json_path(slug: &str) -> Option<&'static str> {
    match slug {
        "acuity" => Some("/api/v1/webhooks"),
        "address_validation" => Some("/v1:validateAddress?key=simulated-google-maps-key"),
        "calendly" => Some("/webhook_subscriptions"),
        "document_ai" => Some("/v1/projects/p/locations/us/processors/form-parser:process"),
        "gemini" => Some(
            "/v1/projects/p/locations/us/publishers/google/models/gemini-3.5-flash-lite:generateContent",
        ),
        "hubspot" => Some("/crm/v3/objects/contacts"),
        "secret_manager" => Some("/v1/projects/p/secrets?secretId=key"),
        "sendgrid" => Some("/v3/mail/send"),
        "speech" => Some("/v2/projects/p/locations/us/recognizers/_:recognize"),
        "pipedrive" => Some("/api/v2/persons"),
        "salesforce" => Some("/services/data/v62.0/composite"),
        "callrail" => Some("/v3/a/ACC1/integrations.json"),
        "customcrm" | "geocoding" | "intercom" | "issuer" | "recaptcha" | "signedwebhook"
        | "slack" | "storage" | "turnstile" | "webforms" | "zendesk" => None,
        other => panic!("add a path of {other} to this test"),
    }
}

/// A path with a parameter, which no value can make valid, and that does not take `PUT`.
fn parameter_path(slug: &str) -> &'static str {
    match slug {
        "acuity" => "/api/v1/appointments/%FF",
        "address_validation" => "/v1:validateAddress/%FF",
        "calendly" => "/scheduled_events/%FF",
        "callrail" => "/v3/a/ACC1/calls/%FF.json",
        "document_ai" => "/v1/projects/p/locations/us/processors/%FF",
        "gemini" => "/v1/projects/p/locations/us/publishers/google/models/%FF",
        "geocoding" => "/maps/api/geocode/%FF",
        "hubspot" => "/crm/v3/objects/contacts/%FF",
        "intercom" => "/conversations/%FF",
        "issuer" => "/keys/%FF",
        "pipedrive" => "/api/v2/persons/%FF",
        "salesforce" => "/services/data/v62.0/sobjects/%FF/describe",
        "recaptcha" => "/recaptcha/api/siteverify/%FF",
        "secret_manager" => "/v1/projects/%FF/secrets",
        "sendgrid" => "/v3/user/webhooks/event/settings/signed/%FF",
        "customcrm" | "signedwebhook" | "webforms" => "/%FF",
        "slack" => "/api/%FF",
        "speech" => "/v2/projects/p/locations/us/operations/%FF",
        "storage" => "/storage/v1/b/calls/o/%FF",
        "turnstile" => "/turnstile/v0/siteverify/%FF",
        "zendesk" => "/api/v2/tickets/%FF",
        other => panic!("add a path of {other} to this test"),
    }
}

fn assert_shape(spec: &SimulatorSpec, answer: &Answer, what: &str) {
    let what = format!("{}, {what}: {answer:?}", spec.slug);
    // Geocoding and Slack say it in the body.
    let is_told_by_status = !matches!(spec.slug, "geocoding" | "slack");
    assert!(answer.status >= 400 || !is_told_by_status, "{what}");
    assert_eq!(answer.header("content-type"), "application/json", "{what}");
    let body = answer.json();
    let has_text = |pointer: &str| {
        let text = body.pointer(pointer).and_then(Value::as_str);
        text.is_some_and(|text| !text.is_empty())
    };
    let texts: &[&str] = match spec.slug {
        "acuity" => &["/message", "/error"],
        "calendly" => &["/title", "/message"],
        "callrail" | "customcrm" | "issuer" | "signedwebhook" | "slack" | "webforms" => &["/error"],
        "geocoding" => &["/status", "/error_message"],
        "hubspot" => &["/status", "/message", "/correlationId", "/category"],
        "pipedrive" => &["/error", "/error_info"],
        "salesforce" => &["/0/errorCode", "/0/message"],
        "intercom" => &["/errors/0/code", "/errors/0/message"],
        "recaptcha" | "turnstile" => &["/error-codes/0"],
        "sendgrid" => &["/errors/0/message"],
        "storage" => &["/error/message", "/error/errors/0/reason"],
        "zendesk" => &["/error", "/description"],
        _ => &["/error/message", "/error/status"],
    };
    assert!(texts.iter().all(|pointer| has_text(pointer)), "{what}");
    if spec.is_google {
        assert_eq!(body["error"]["code"], answer.status, "{what}");
    }
}

fn authorized(spec: &SimulatorSpec, request: RequestBuilder) -> RequestBuilder {
    match spec.slug {
        "acuity" => request.basic_auth(simulators::acuity::USER_ID, Some(spec.credential)),
        "pipedrive" => request.header("x-api-token", spec.credential),
        "zendesk" => {
            let user = format!("{}/token", simulators::zendesk::EMAIL);
            request.basic_auth(user, Some(spec.credential))
        }
        "callrail" => request.header(
            AUTHORIZATION,
            format!("Token token=\"{}\"", spec.credential),
        ),
        _ => request.bearer_auth(spec.credential),
    }
}

#[tokio::test]
async fn unknown_paths_and_methods_have_the_providers_shape() {
    let world = World::start().await;
    let urls = world.simulators.urls();
    for spec in SIMULATORS {
        let base = &urls[spec.slug];
        let unknown = send(authorized(
            spec,
            client().get(format!("{base}/no/such/path")),
        ))
        .await;
        assert_eq!(unknown.status, 404);
        assert_shape(spec, &unknown, "unknown path");
        let path = parameter_path(spec.slug);
        let invalid = send(authorized(spec, client().get(format!("{base}{path}")))).await;
        assert_shape(spec, &invalid, "a parameter that is not UTF-8");
        let method = send(authorized(spec, client().put(format!("{base}{path}")))).await;
        assert_shape(spec, &method, "wrong method");
    }
    let base = &urls["hubspot"];
    let wrong = send(client().put(format!("{base}/crm/v3/objects/contacts"))).await;
    assert_eq!(
        (wrong.status, wrong.header("allow")),
        (405, "GET,HEAD,POST")
    );
}

#[tokio::test]
async fn unreadable_bodies_have_the_providers_shape() {
    let world = World::start().await;
    for spec in SIMULATORS {
        let Some(path) = json_path(spec.slug) else {
            continue;
        };
        let url = format!("{}{path}", world.simulators.urls()[spec.slug]);
        for (kind, body, status) in [
            ("application/json", "{\"a\":", 400),
            ("application/json; charset=utf-8", "not JSON", 400),
            ("application/json", "", 400),
            (
                "application/x-www-form-urlencoded",
                "a=b",
                if spec.is_google || spec.slug == "address_validation" {
                    400
                } else {
                    415
                },
            ),
        ] {
            let request = client().post(&url).header(CONTENT_TYPE, kind).body(body);
            let refused = send(authorized(spec, request)).await;
            assert_eq!(refused.status, status, "{}, {kind}: {body}", spec.slug);
            assert_shape(spec, &refused, body);
        }
        let missing = send(authorized(spec, client().post(&url))).await;
        assert_shape(spec, &missing, "no body");
    }
}

#[tokio::test]
async fn a_body_over_the_limit_is_refused_after_it_was_read() {
    let world = World::start().await;
    let spec = SIMULATORS
        .iter()
        .find(|spec| spec.slug == "sendgrid")
        .unwrap();
    let url = format!("{}/v3/mail/send", world.simulators.sendgrid().base_url());
    let body = vec![b' '; 31 * 1024 * 1024];
    let request = client()
        .post(url)
        .header(CONTENT_TYPE, "application/json")
        .body(body);
    let refused = send(authorized(spec, request)).await;
    assert_eq!(refused.status, 413);
    assert_shape(spec, &refused, "too large");
}

#[tokio::test]
async fn injected_statuses_have_the_providers_shape() {
    let world = World::start().await;
    for spec in SIMULATORS {
        let base = &world.simulators.urls()[spec.slug];
        for fault in [
            serde_json::json!({ "kind": "status", "status": 503 }),
            serde_json::json!({ "kind": "rate_limit" }),
            serde_json::json!({ "kind": "revoked_token" }),
        ] {
            let order = serde_json::json!({ "fault": fault });
            let url = format!("{base}/_sim/faults");
            send(client().post(url).json(&order)).await.expect(201);
            let refused = get(&format!("{base}/any")).await;
            let is_hubspots_limit = spec.slug == "hubspot" && refused.status == 429;
            if is_hubspots_limit {
                assert_eq!(refused.json()["errorType"], "RATE_LIMIT");
            } else {
                assert_shape(spec, &refused, &fault.to_string());
            }
        }
    }
}

#[tokio::test]
async fn every_simulator_has_a_view_and_refuses_odd_pages() {
    let world = World::start().await;
    for (slug, base) in world.simulators.urls() {
        assert!(
            get(&format!("{base}/_sim/view"))
                .await
                .expect(200)
                .is_object()
        );
        for query in ["limit=many", "after=-1", "page=2"] {
            let refused = get(&format!("{base}/_sim/view?{query}")).await.expect(400);
            assert!(refused["error"].is_string(), "{slug}, {query}: {refused}");
        }
    }
}

#[tokio::test]
async fn googles_apis_refuse_parameters_they_do_not_have() {
    let world = World::start().await;
    let urls = world.simulators.urls();
    for (slug, path) in [
        ("secret_manager", "/v1/projects/p/secrets"),
        ("speech", "/v2/projects/p/locations/us"),
    ] {
        let spec = SIMULATORS.iter().find(|spec| spec.slug == slug).unwrap();
        let ask = async |query: &str| {
            let url = format!("{}{path}?{query}", urls[slug]);
            send(authorized(spec, client().get(url))).await
        };
        ask("alt=json&prettyPrint=false").await.expect(200);
        // As Google's generated clients ask.
        ask("$alt=json%3Benum-encoding=int").await.expect(200);
        let refused = ask("limit=5").await;
        assert_eq!(refused.status, 400);
        assert_shape(spec, &refused, "unknown parameter");
    }
}
