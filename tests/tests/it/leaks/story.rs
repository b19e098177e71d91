//! The story that is told to every kind of running product: marked secrets and marked people go in, through deliveries
//! that are fine and in every known way not, and through calls of the API that are wrong.

use domain::Stage;
use http::{Method, StatusCode};
use pipeline::demo;
use serde_json::{Value, json};
use tests::CallBody;

use super::{
    markers::Markers,
    product::{Product, Reply, client, reply_of},
};

/// What CallRail takes at most.
const TOO_LARGE: usize = (1 << 20) + 1;
/// What Speech-to-Text is asked for calls of a minute and longer.
const BATCHES: &str = ":batchRecognize";
const OPERATIONS: &str = "/operations/";

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
            demo::CALLRAIL_SIGNING_KEY,
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
    fn refused_body(&self) -> Vec<u8> {
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
            &product.providers.speech,
            Method::PUT,
            &format!("scripts/{sha256}"),
            &script,
        )
        .await;
    let judged = json!({
        "override": { "summary": marked.person.of("summary"), "address": marked.person.of("address") },
    });
    product
        .order(&product.providers.gemini, Method::PUT, "answers", &judged)
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
    let accepted = product.post_signed(&path, &hook.key, &headers, &body).await;
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
    let crm = product.view(&product.providers.hubspot, "view").await;
    let crm = String::from_utf8_lossy(&crm);
    for name in ["name", "email", "note", "tag", "transcript", "summary"] {
        assert!(
            crm.contains(&marked.person.of(name)),
            "the CRM does not have the {name}: {crm}"
        );
    }
    assert!(crm.contains(&marked.phone), "{crm}");
    let mails = product.view(&product.providers.sendgrid, "mails").await;
    let mails = String::from_utf8_lossy(&mails);
    for name in ["name", "transcript", "summary"] {
        assert!(
            mails.contains(&marked.person.of(name)),
            "no mail has the {name}: {mails}"
        );
    }
    assert!(mails.contains(&marked.phone), "{mails}");
}

/// Deliveries that are not genuine, and such as nobody can read.
pub(super) async fn bad_deliveries(
    product: &Product<'_>,
    marked: &Marked,
    hook: &Hook,
    told: &mut Told,
) {
    let secret = |name: &str| marked.secret.of(name);
    let body = marked.refused_body();
    let post = Method::POST;
    let json_type = ("content-type", "application/json");
    let genuine = tests::sha1_signature(&hook.key, &body);
    let signed = ("signature", genuine.as_str());
    let wrong_key = tests::sha1_signature("another key", &body);
    let wrong = ("signature", wrong_key.as_str());
    let marked_signature = secret("signature");
    let garbage = ("signature", marked_signature.as_str());
    let header = secret("refusedheader");
    let custom = ("x-custom", header.as_str());
    let url = format!("{}/post-call?q={}", hook.path, secret("refusedquery"));
    let unknown = format!("/v1/hooks/{}/post-call", secret("unknowntoken"));
    let not_text = format!("/v1/hooks/%FF{}/post-call", secret("tokenthatisnotext"));
    let long = format!("{}/{}", hook.path, secret("event").repeat(40));
    let invented: Method = secret("method").parse().unwrap();
    let shared = "/v1/callrail/webhook";
    let of_nobody = CallBody::post_call("CALnobody")
        .with("tenant_id", json!(secret("unknowntenant")))
        .with("company_id", json!(secret("unknowncompany")))
        .with("company_resource_id", json!(secret("unknowncompany")))
        .json();
    let large = |filling: String| filling.repeat(TOO_LARGE / filling.len() + 1).into_bytes();
    let large_signature = tests::sha1_signature(&hook.key, &large(secret("oversized")));
    let large_signed = ("signature", large_signature.as_str());

    for (what, reply) in [
        (
            "a wrong signature",
            product
                .send(
                    post.clone(),
                    &url,
                    &[json_type, wrong, custom],
                    body.clone(),
                )
                .await,
        ),
        (
            "a signature that is none",
            product
                .send(post.clone(), &url, &[json_type, garbage], body.clone())
                .await,
        ),
        (
            "no signature",
            product
                .send(post.clone(), &url, &[json_type, custom], body.clone())
                .await,
        ),
        (
            "an unknown token",
            product
                .send(post.clone(), &unknown, &[json_type, signed], body.clone())
                .await,
        ),
        (
            "a token that is no text",
            product
                .send(post.clone(), &not_text, &[json_type, signed], body.clone())
                .await,
        ),
        (
            "an unknown tenant",
            product
                .send(post.clone(), shared, &[json_type, garbage], of_nobody)
                .await,
        ),
        (
            "too large a body",
            product
                .send_large(
                    post.clone(),
                    &url,
                    &[json_type, large_signed],
                    &large(secret("oversized")),
                )
                .await,
        ),
        (
            "another method",
            product
                .send(Method::PUT, &url, &[json_type, signed], body.clone())
                .await,
        ),
        (
            "a method that nobody knows",
            product
                .send(invented, &url, &[json_type, signed], body.clone())
                .await,
        ),
        (
            "a path too far",
            product
                .send(
                    post.clone(),
                    &format!("{long}/more"),
                    &[json_type],
                    body.clone(),
                )
                .await,
        ),
    ] {
        assert!(reply.status.is_client_error(), "{what}: {}", reply.status);
        told.errors.push((what.to_owned(), reply));
    }

    // Genuine, and kept as it came.
    let person = |name: &str| marked.person.of(name);
    for body in [
        format!(r#"{{"customer_name": "{}", "note": "#, person("unreadable")),
        format!(
            r#"{{"resource_id": {{"{0}": "{0}"}}}}"#,
            person("unreadable")
        ),
        format!(r#"{{"resource_id": "no id: {}"}}"#, person("unreadable")),
        format!(r#"{{"customer_name": "{}"}}"#, person("unreadable")),
        format!(r#""{}""#, person("unreadable")),
        format!(r#"{{"x": {}"{}""#, "[".repeat(10_000), person("unreadable")),
        person("unreadable"),
    ] {
        let path = format!("{}/post-call", hook.path);
        let accepted = product
            .post_signed(&path, &hook.key, &[], body.as_bytes())
            .await;
        let request = request_of(&accepted, told);
        becomes(product, &request, "parked").await;
    }
    let unused = format!("{}/{}", hook.path, person("event"));
    let ignored = product
        .post_signed(&unused, &hook.key, &[], &marked.call("CALunused").json())
        .await;
    assert_eq!(
        (ignored.status, &ignored.json()["request_id"]),
        (StatusCode::OK, &Value::Null)
    );
}

/// A provider's error that repeats what it was sent.
struct Trouble {
    provider: String,
    path: &'static str,
    fault: Value,
}

/// Every way in which providers are known to fail, a few at a time: a call meets all of one line.
fn troubles(product: &Product<'_>, marked: &Marked) -> Vec<Vec<Trouble>> {
    let simulators::Urls {
        callrail,
        speech,
        gemini,
        hubspot,
        sendgrid,
    } = product.providers.clone();
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
    let file = |fault| at(&product.providers.callrail, "/media/", fault);
    let batch = |fault| at(&product.providers.speech, BATCHES, fault);
    let operation = |fault| at(&product.providers.speech, OPERATIONS, fault);
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
                    &product.providers.callrail,
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
            .order(&product.providers.gemini, Method::PUT, "answers", &order)
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

/// Calls of the API that are wrong, with marks in all that is wrong.
pub(super) async fn bad_calls(
    product: &Product<'_>,
    marked: &Marked,
    hook: &Hook,
    told: &mut Told,
) {
    let mark = marked.secret.of("wrong");
    let below = |path: &str| format!("/v1/tenants/{}/{path}", demo::TENANT);
    let admin = format!("Bearer {}", product.admin);
    let platform = format!("Bearer {}", product.platform);
    let nobody = uuid::Uuid::nil().simple();

    for path in [
        format!("/v1/{mark}?{mark}={mark}"),
        format!("/v1/tenants/{mark}/requests"),
        format!("/v1/tenants/{}/requests", mark.to_uppercase()),
        below(&format!("requests/{mark}")),
        below(&format!("requests/req_{nobody}?q={mark}")),
        below(&format!("requests?status={mark}")),
        below(&format!("requests?limit={mark}")),
        below(&format!("requests?cursor={mark}")),
        below(&format!("work?stage={mark}")),
        below(&format!("work?state={mark}")),
        below(&format!("work?cause={mark}")),
        below(&format!("work?request={mark}")),
        below(&format!("work?connection={}", mark.to_uppercase())),
        below(&format!("work?cursor={mark}&limit=9999")),
        below(&format!("audit?cursor={mark}")),
        below(&format!("audit?limit=%22{mark}%FF")),
    ] {
        let reply = product
            .send(Method::GET, &path, &[("authorization", &admin)], "")
            .await;
        note(told, format!("GET {path}"), reply);
    }

    let (post, put) = (Method::POST, Method::PUT);
    let secret = below("connections/hubspot/secret");
    let keys = below(&format!("sources/{}/keys", hook.id));
    let approve = |request: &str| below(&format!("requests/{request}/approve"));
    let replay = below(&format!("requests/{}/replay", told.requests[0]));
    let bodies = [
        // A secret in the wrong place or shape.
        (&put, secret.clone(), json!(mark)),
        (&put, secret.clone(), json!([mark])),
        (&put, secret.clone(), json!({ "secret": { "x": mark } })),
        (&put, secret.clone(), json!({ "secret": [mark] })),
        (
            &put,
            secret.clone(),
            json!({ "secret": format!("{mark} with white space") }),
        ),
        (
            &put,
            secret.clone(),
            json!({ "secret": mark, "provider": [mark] }),
        ),
        (
            &put,
            secret.clone(),
            json!({ "secret": mark, "provider": mark }),
        ),
        (
            &put,
            secret.clone(),
            json!({ "secret": mark, "settings": mark }),
        ),
        (
            &put,
            secret.clone(),
            json!({ "secret": mark, "settings": { "account_id": [mark] } }),
        ),
        (
            &put,
            secret.clone(),
            json!({ "secret": mark, "settings": { "account_id": mark } }),
        ),
        (
            &put,
            below(&format!("connections/{}/secret", mark.to_uppercase())),
            json!({ "secret": mark }),
        ),
        (
            &post,
            below("sources"),
            json!({ "provider": mark, "signing_key": mark }),
        ),
        (
            &post,
            below("sources"),
            json!({ "provider": "callrail", "signing_key": { "x": mark } }),
        ),
        (
            &post,
            below("sources"),
            json!({ "provider": "callrail", "signing_key": format!("{mark} ü") }),
        ),
        (
            &post,
            below("sources"),
            json!({ "provider": "callrail", "signing_key": mark, "schemes": [mark] }),
        ),
        (
            &post,
            below("sources"),
            json!({ "provider": "callrail", "signing_key": mark, "accounts": [format!("{mark}!")] }),
        ),
        (
            &post,
            below("sources"),
            json!({ "provider": "callrail", "signing_key": mark, "accounts": { "x": mark } }),
        ),
        (
            &post,
            below("sources"),
            json!({ "provider": "callrail", "signing_key": mark, "office_id": mark }),
        ),
        (
            &post,
            below("sources"),
            json!({ "provider": "sendgrid", "signing_key": mark }),
        ),
        (&post, keys.clone(), json!({ "signing_key": [mark] })),
        (&post, keys.clone(), json!({ "signing_key": hook.key })),
        (
            &post,
            below(&format!("sources/{mark}/keys")),
            json!({ "signing_key": mark }),
        ),
        (
            &Method::DELETE,
            below(&format!("sources/{}/keys/{mark}", hook.id)),
            Value::Null,
        ),
        (&post, below("work/redrive"), json!({ "stage": mark })),
        (
            &post,
            below("work/redrive"),
            json!({ "limit": mark, "all": mark }),
        ),
        (&post, below("work/redrive"), json!({ "request_id": mark })),
        (
            &post,
            below("work/redrive"),
            json!({ "connection": mark.to_uppercase() }),
        ),
        (
            &post,
            below("work/redrive"),
            json!({ "all": true, "cursor": mark }),
        ),
        (&post, replay, json!({ "from": mark })),
        (&post, approve(&mark), Value::Null),
        (&post, approve(&told.requests[0]), Value::Null),
    ];
    for (method, path, body) in bodies {
        let headers = [
            ("authorization", admin.as_str()),
            ("content-type", "application/json"),
        ];
        let body = serde_json::to_vec(&body).unwrap();
        let reply = product
            .send(method.clone(), &path, &headers, body.clone())
            .await;
        note(
            told,
            format!("{method} {path} {}", String::from_utf8_lossy(&body)),
            reply,
        );
    }
    let tenants = [
        json!(mark),
        json!({ "tenant_id": mark.to_uppercase(), "name": "x" }),
        json!({ "tenant_id": mark, "name": format!(" {mark}\n") }),
        json!({ "tenant_id": [mark], "name": { "x": mark } }),
    ];
    for body in tenants {
        let headers = [
            ("authorization", platform.as_str()),
            ("content-type", "application/json"),
        ];
        let reply = product
            .send(
                Method::POST,
                "/v1/tenants",
                &headers,
                serde_json::to_vec(&body).unwrap(),
            )
            .await;
        note(told, format!("POST /v1/tenants {body}"), reply);
    }

    let json_type = ("content-type", "application/json");
    let long_key = format!("{mark} {mark}");
    let text_type = format!("text/{mark}");
    for (what, headers, body) in [
        (
            "broken JSON",
            vec![json_type],
            format!(r#"{{"secret": "{mark}"#),
        ),
        ("no JSON", vec![json_type], mark.clone()),
        (
            "another type",
            vec![("content-type", text_type.as_str())],
            mark.clone(),
        ),
        ("no type", vec![], mark.clone()),
        (
            "too large a body",
            vec![json_type],
            format!(r#"{{"secret": "{}"}}"#, mark.repeat(1 << 17)),
        ),
        (
            "a wrong idempotency key",
            vec![json_type, ("idempotency-key", long_key.as_str())],
            mark.clone(),
        ),
    ] {
        let mut headers = headers;
        headers.push(("authorization", &admin));
        for path in [&secret, &keys, &below("sources")] {
            let method = if *path == secret {
                Method::PUT
            } else {
                Method::POST
            };
            let reply = product
                .send_large(method, path, &headers, body.as_bytes())
                .await;
            note(told, format!("{what} to {path}"), reply);
        }
    }

    let parts: Vec<_> = admin.split('.').collect();
    for token in [
        mark.clone(),
        format!("Bearer {mark}"),
        format!("Basic {mark}"),
        format!("Bearer {mark}.{mark}.{mark}"),
        format!("{}.{}.{mark}", parts[0], parts[1]),
        format!("{}.{mark}.{}", parts[0], parts[2]),
        format!("Bearer {}", mark.repeat(2_000)),
    ] {
        let reply = product
            .send(
                Method::GET,
                &below("requests"),
                &[("authorization", &token)],
                "",
            )
            .await;
        note(told, "a token that is none".to_owned(), reply);
    }
}

fn note(told: &mut Told, what: String, reply: Reply) {
    assert!(
        reply.status.is_client_error(),
        "{what}: {} {:?}",
        reply.status,
        reply.json()
    );
    let kind = reply
        .headers
        .get("content-type")
        .and_then(|kind| kind.to_str().ok());
    // Too large a head is answered before there is a problem to speak of.
    assert!(
        kind == Some("application/problem+json") || reply.body.is_empty(),
        "{what}: {kind:?}"
    );
    told.errors.push((what, reply));
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
        .order(&product.providers.gemini, Method::PUT, "answers", &spam)
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
        ("work/redrive".to_owned(), json!({ "all": true })),
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
        .post_signed(&path, &hook.key, &[], &body.json())
        .await;
    request_of(&accepted, told)
}

fn request_of(accepted: &Reply, told: &mut Told) -> String {
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
async fn comes_to_rest(product: &Product<'_>, request: &str) {
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
