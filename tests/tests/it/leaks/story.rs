//! The story that is told to every kind of running product: a call with marked people, from a source with marked
//! secrets, goes through everything; connections break, and people decide.

use domain::Stage;
use http::{Method, StatusCode};
use serde_json::{Value, json};
use tests::CallBody;

use super::{
    markers::Markers,
    product::{Product, Reply, client, reply_of},
};

/// The markers of a story, by where they may be.
pub(super) struct Marked {
    /// Nowhere but in the sealed file: keys, tokens, and all that was refused.
    pub(super) secret: Markers,
    /// Where people's data belongs: the request's document, the API, the CRM, mails.
    pub(super) person: Markers,
    /// The caller's telephone number.
    pub(super) phone: String,
}

/// What came of a story.
#[derive(Default)]
pub(super) struct Told {
    /// Answers that are errors, and what was asked.
    pub(super) errors: Vec<(String, Reply)>,
    /// The requests that came about.
    pub(super) requests: Vec<String>,
}

/// The source that the story's calls come from.
pub(super) struct Hook {
    /// Its path, up to and without the event.
    pub(super) path: String,
    pub(super) id: String,
    pub(super) key: String,
}

impl Marked {
    pub(super) fn new() -> Self {
        let mut person = Markers::new();
        let phone = person.phone();
        let mut secret = Markers::new();
        for known in [
            simulators::callrail::SIGNING_KEY,
            "simulated-callrail-key",
            "pat-na1-simulated-hubspot-token",
            "SG.simulated-sendgrid-key",
            simulators::GOOGLE_TOKEN,
        ] {
            secret.also(known);
        }
        Self {
            secret,
            person,
            phone,
        }
    }

    /// A call with a mark in everything that says something of a person.
    pub(super) fn call(&self, id: &str) -> CallBody {
        let of = |name| self.person.of(name);
        let name = format!("Zoë \"{}\" Ünal", of("name"));
        CallBody::post_call(id)
            .with("customer_name", json!(name))
            .with("callername", json!(name))
            .with("formatted_customer_name", json!(name))
            .with("customer_phone_number", json!(self.phone))
            .with("callernum", json!(self.phone))
            .with("formatted_customer_phone_number", json!(self.phone))
            .with(
                "customer_email",
                json!(format!("{}@mail.example", of("email"))),
            )
            .with("note", json!(of("note")))
            .with("tags", json!([of("tag"), "kitchen"]))
            .with("lead_status", json!(of("leadstatus")))
            .with("utm_campaign", json!(of("campaign")))
            .with("gclid", json!(of("click")))
            .with(
                "landing_page_url",
                json!(format!("https://site.example/?who={}", of("landing"))),
            )
            .with("transcription", json!(of("bodytranscript")))
            .with("call_summary", json!(of("bodysummary")))
            .with("custom", json!({ "x": [of("unknownfield")] }))
    }

    /// A body that is refused, or sent where nobody takes it.
    pub(super) fn refused_body(&self) -> Vec<u8> {
        CallBody::post_call("CALrefused")
            .with("customer_name", json!(self.secret.of("refusedname")))
            .with("note", json!(self.secret.of("refusednote")))
            .json()
    }
}

/// Adds a marked source to the demo tenant, as its admin does.
pub(super) async fn source(product: &Product<'_>, marked: &mut Marked) -> Hook {
    let key = marked.secret.of("signingkey");
    let new = json!({ "provider": "callrail", "signing_key": key });
    let created = product.api(Method::POST, "sources", Some(&new)).await;
    assert_eq!(created.status, StatusCode::CREATED, "{:?}", created.json());
    let created = created.json();
    let url = created["webhooks"][0]["url"].as_str().unwrap().to_owned();
    let (_, behind) = url.split_once("/v1/hooks/").unwrap();
    let token = behind.split('/').next().unwrap();
    marked.secret.also(token);
    Hook {
        path: format!("/v1/hooks/{token}"),
        id: created["source"]["source_id"].as_str().unwrap().to_owned(),
        key,
    }
}

/// A call that goes through everything, marked in all that people say and providers answer.
pub(super) async fn success(product: &Product<'_>, marked: &Marked, hook: &Hook, told: &mut Told) {
    // An earlier call tells how the default recording is known.
    let plain = deliver(product, hook, &CallBody::post_call("CALplain"), told).await;
    becomes(product, &plain, "completed").await;
    let shown = product.get(&format!("requests/{plain}")).await;
    let sha256 = shown["recording"]["sha256"].as_str().unwrap();
    let words = format!(
        "Hi, I would like a quote for a kitchen remodel in Round Rock, and it is {} who asks.",
        marked.person.of("transcript")
    );
    let script = json!({
        "title": "", "language": "en-US", "duration_seconds": 38.0,
        "caller": { "name": "", "city": "", "state": "" },
        "turns": [
            { "speaker": "1", "text": "How can I help?", "start_seconds": 0.0, "end_seconds": 2.0 },
            { "speaker": "2", "text": words, "start_seconds": 2.5, "end_seconds": 9.0 },
        ],
    });
    product
        .order(
            &product.providers["speech"],
            Method::PUT,
            &format!("scripts/{sha256}"),
            &script,
        )
        .await;
    let judged = json!({
        "override": { "summary": marked.person.of("summary"), "address": marked.person.of("address") },
    });
    product
        .order(
            &product.providers["gemini"],
            Method::PUT,
            "answers",
            &judged,
        )
        .await;

    let body = marked.call("CALsuccess").json();
    let path = format!("{}/post-call?who={}", hook.path, marked.secret.of("query"));
    let invented = marked.secret.of("header");
    let agent = marked.person.of("useragent");
    let headers = [
        ("user-agent", agent.as_str()),
        ("x-request-id", agent.as_str()),
        ("x-custom", invented.as_str()),
        ("cookie", invented.as_str()),
        ("authorization", invented.as_str()),
        ("baggage", invented.as_str()),
        ("tracestate", invented.as_str()),
        ("traceparent", invented.as_str()),
        ("x-forwarded-for", invented.as_str()),
    ];
    let accepted = product
        .deliver_signed(&path, &hook.key, &headers, &body)
        .await;
    let request = request_of(&accepted, told);
    becomes(product, &request, "completed").await;

    // The same over HTTP/2, which has logs of its own.
    let signature = tests::sha1_signature(&hook.key, &body);
    let headers = [
        ("content-type", "application/json"),
        ("signature", signature.as_str()),
        ("x-custom", invented.as_str()),
    ];
    let http2 = client().http2_prior_knowledge().build().unwrap();
    let repeated = reply_of(
        &http2,
        Method::POST,
        &format!("{}{path}", product.base),
        &headers,
        body,
    )
    .await;
    assert_eq!(
        repeated.json()["duplicate"],
        json!(true),
        "{:?}",
        repeated.json()
    );

    // What was marked has travelled.
    let shown = product
        .get(&format!("requests/{request}"))
        .await
        .to_string();
    for name in [
        "name",
        "email",
        "note",
        "tag",
        "leadstatus",
        "campaign",
        "click",
        "landing",
        "transcript",
        "summary",
        "address",
    ] {
        assert!(
            shown.contains(&marked.person.of(name)),
            "the API does not show the {name}: {shown}"
        );
    }
    assert!(shown.contains(&marked.phone), "{shown}");
    let crm = product.view(&product.providers["hubspot"], "view").await;
    let crm = String::from_utf8_lossy(&crm);
    for name in ["name", "email", "note", "tag", "transcript", "summary"] {
        assert!(
            crm.contains(&marked.person.of(name)),
            "the CRM does not have the {name}: {crm}"
        );
    }
    assert!(crm.contains(&marked.phone), "{crm}");
    let mails = product.view(&product.providers["sendgrid"], "mails").await;
    let mails = String::from_utf8_lossy(&mails);
    for name in ["name", "transcript", "summary"] {
        assert!(
            mails.contains(&marked.person.of(name)),
            "no mail has the {name}: {mails}"
        );
    }
    assert!(mails.contains(&marked.phone), "{mails}");
}

/// Connections whose marked secrets the providers do not take, and work that stops for them.
pub(super) async fn bad_secrets(
    product: &Product<'_>,
    marked: &Marked,
    hook: &Hook,
    told: &mut Told,
) {
    for connection in ["callrail", "hubspot", "sendgrid"] {
        set_secret(
            product,
            connection,
            &marked.secret.of(&format!("{connection}key")),
        )
        .await;
        let request = deliver(
            product,
            hook,
            &marked.call(&format!("CALbad{connection}")),
            told,
        )
        .await;
        becomes(product, &request, "held").await;
    }
    for (connection, good) in [
        ("sendgrid", "SG.simulated-sendgrid-key"),
        ("hubspot", "pat-na1-simulated-hubspot-token"),
        ("callrail", "simulated-callrail-key"),
    ] {
        set_secret(product, connection, good).await;
    }
}

async fn set_secret(product: &Product<'_>, connection: &str, secret: &str) {
    let path = format!("connections/{connection}/secret");
    let set = product
        .api(Method::PUT, &path, Some(&json!({ "secret": secret })))
        .await;
    assert_eq!(set.status, StatusCode::OK, "{:?}", set.json());
}

/// What a person does about what stopped.
pub(super) async fn decisions(
    product: &Product<'_>,
    marked: &Marked,
    hook: &Hook,
    told: &mut Told,
) {
    let spam = json!({ "override": { "spam_likelihood": 60 }, "when_contains": "reviewmark" });
    product
        .order(&product.providers["gemini"], Method::PUT, "answers", &spam)
        .await;
    let call = marked.call("CALreview").with("tags", json!(["reviewmark"]));
    let request = deliver(product, hook, &call, told).await;
    becomes(product, &request, "in_review").await;
    for (path, body) in [
        (format!("requests/{request}/approve"), Value::Null),
        (
            format!("requests/{request}/replay"),
            json!({ "from": Stage::Analysis }),
        ),
        (
            "jobs".to_owned(),
            json!({ "kind": "redrive", "filter": { "all": true } }),
        ),
        (
            format!("sources/{}/keys", hook.id),
            json!({ "signing_key": marked.secret.of("secondkey") }),
        ),
    ] {
        let reply = product.api(Method::POST, &path, Some(&body)).await;
        assert!(reply.status.is_success(), "{path}: {:?}", reply.json());
    }
}

/// Delivers a finished call; its request's id.
pub(super) async fn deliver(
    product: &Product<'_>,
    hook: &Hook,
    body: &CallBody,
    told: &mut Told,
) -> String {
    let path = format!("{}/post-call", hook.path);
    let accepted = product
        .deliver_signed(&path, &hook.key, &[], &body.json())
        .await;
    request_of(&accepted, told)
}

pub(super) fn request_of(accepted: &Reply, told: &mut Told) -> String {
    assert_eq!(accepted.status, StatusCode::OK, "{:?}", accepted.json());
    let request = accepted.json()["request_id"].as_str().unwrap().to_owned();
    told.requests.push(request.clone());
    request
}

/// Waits until a request has a status.
pub(super) async fn becomes(product: &Product<'_>, request: &str, status: &str) {
    let what = format!("{request} becomes {status}");
    let path = format!("requests/{request}");
    product
        .eventually(&what, async || {
            product.get(&path).await["status"] == json!(status)
        })
        .await;
}

/// Waits until every step of a request was tried and stopped, or waits for a later try.
pub(super) async fn comes_to_rest(product: &Product<'_>, request: &str) {
    let path = format!("requests/{request}");
    let was_tried = |row: &Value| {
        let is_positive = |name: &str| row[name].as_u64().is_some_and(|number| number > 0);
        let has_stopped = row["state"] == json!("held") || row["state"] == json!("parked");
        has_stopped || is_positive("attempts") || is_positive("waits")
    };
    let what = format!("{request} comes to rest");
    product
        .eventually(&what, async || {
            let shown = product.get(&path).await;
            shown["status"] != json!("received")
                && shown["open_work"].as_array().unwrap().iter().all(was_tried)
        })
        .await;
}
