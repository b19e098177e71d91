//! The product as senders, callers of the API and operators see it, in this process or in one of its own.

use std::time::{Duration, Instant};

use domain::TenantId;
use http::{HeaderMap, Method, StatusCode};
use jiff::Timestamp;
use management_api::auth::{Grant, Role, SigningKey};
use pipeline::{app::trust, demo};
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};
use simulators::Urls;
use tests::sha1_signature;

/// Longest wait for anything.
const PATIENCE: Duration = Duration::from_secs(120);
const LOOK_EVERY: Duration = Duration::from_millis(10);

/// A running product with the demo tenant and simulated providers.
pub(super) struct Product<'a> {
    pub(super) base: String,
    pub(super) providers: Urls,
    /// Bearer tokens: of an admin of the demo tenant, and of a platform administrator.
    pub(super) admin: String,
    pub(super) platform: String,
    /// Lets a little time pass where the clock is a manual one.
    pub(super) pass: Box<dyn Fn() + 'a>,
    pub(super) http: reqwest::Client,
}

/// What was answered, to the byte.
#[derive(Debug, Clone)]
pub(super) struct Reply {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: Vec<u8>,
}

impl Reply {
    pub(super) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or(Value::Null)
    }

    /// Everything that it says, headers included.
    pub(super) fn whole(&self) -> Vec<u8> {
        let mut whole = format!("{:?}\n", self.headers).into_bytes();
        whole.extend(&self.body);
        whole
    }
}

impl Product<'_> {
    /// Calls a path with headers and a body as they are.
    pub(super) async fn send(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: impl Into<Vec<u8>>,
    ) -> Reply {
        let url = format!("{}{path}", self.base);
        reply_of(&self.http, method, &url, headers, body.into()).await
    }

    /// The same with a body that may be refused before it is sent: then the answer can be lost, and is asked for again.
    pub(super) async fn send_large(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Reply {
        let url = format!("{}{path}", self.base);
        for _ in 0..20 {
            // On a connection of its own: the product closes it.
            let http = client().build().unwrap();
            let reply = try_reply_of(&http, method.clone(), &url, headers, body.to_vec()).await;
            if let Ok(reply) = reply {
                return reply;
            }
        }
        panic!("{url}: it never answers a body that is too large");
    }

    /// Posts a webhook, signed as CallRail signs with this key, with more headers.
    pub(super) async fn post_signed(
        &self,
        path: &str,
        key: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Reply {
        let signature = sha1_signature(key, body);
        let mut all = vec![
            ("content-type", "application/json"),
            ("signature", signature.as_str()),
        ];
        all.extend(headers);
        self.send(Method::POST, path, &all, body).await
    }

    /// The same, sent again while the product says to come back later, as senders do.
    pub(super) async fn deliver_signed(
        &self,
        path: &str,
        key: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Reply {
        let mut reply = self.post_signed(path, key, headers, body).await;
        self.eventually("a delivery is accepted", async || {
            let is_late = reply.status == StatusCode::SERVICE_UNAVAILABLE;
            if is_late {
                reply = self.post_signed(path, key, headers, body).await;
            }
            !is_late
        })
        .await;
        reply
    }

    /// Calls the API below the demo tenant.
    pub(super) async fn api(&self, method: Method, path: &str, body: Option<&Value>) -> Reply {
        let bearer = format!("Bearer {}", self.admin);
        let path = format!("/v1/tenants/{}/{path}", demo::TENANT);
        let headers = [
            ("authorization", bearer.as_str()),
            ("content-type", "application/json"),
        ];
        let body = body
            .map(|body| serde_json::to_vec(body).unwrap())
            .unwrap_or_default();
        self.send(method, &path, &headers, body).await
    }

    /// The answer to a question to the API that must be answered.
    pub(super) async fn get(&self, path: &str) -> Value {
        let reply = self.api(Method::GET, path, None).await;
        assert_eq!(reply.status, StatusCode::OK, "{path}: {:?}", reply.json());
        reply.json()
    }

    /// Gives an order to a simulated provider.
    pub(super) async fn order(&self, provider: &str, method: Method, path: &str, body: &Value) {
        let url = format!("{provider}/_sim/{path}");
        let headers = [("content-type", "application/json")];
        let reply = reply_of(
            &self.http,
            method,
            &url,
            &headers,
            serde_json::to_vec(body).unwrap(),
        )
        .await;
        assert!(
            reply.status.is_success(),
            "{url}: {}",
            String::from_utf8_lossy(&reply.body)
        );
    }

    /// Has a simulated provider go wrong in this way until the faults are cleared.
    pub(super) async fn fault(&self, provider: &str, path_contains: &str, fault: &Value) {
        let order = json!({ "fault": fault, "times": null, "path_contains": path_contains });
        self.order(provider, Method::POST, "faults", &order).await;
    }

    /// Has every simulated provider work again.
    pub(super) async fn clear_faults(&self) {
        for provider in self.providers.values() {
            self.order(provider, Method::DELETE, "faults", &Value::Null)
                .await;
        }
    }

    /// What a simulated provider shows.
    pub(super) async fn view(&self, provider: &str, path: &str) -> Vec<u8> {
        let url = format!("{provider}/_sim/{path}");
        let reply = reply_of(&self.http, Method::GET, &url, &[], Vec::new()).await;
        assert_eq!(reply.status, StatusCode::OK, "{url}");
        reply.body
    }

    /// Waits until `look` is true.
    pub(super) async fn eventually(&self, what: &str, mut look: impl AsyncFnMut() -> bool) {
        let started = Instant::now();
        while !look().await {
            assert!(started.elapsed() < PATIENCE, "never: {what}");
            (self.pass)();
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }
}

/// A bearer token for the demo tenant that lasts longer than any story.
pub(super) fn token(key: &SigningKey, role: Role, now: Timestamp) -> String {
    let grant = Grant {
        subject: "story".to_owned(),
        roles: vec![role],
        tenants: vec![TenantId::new(demo::TENANT).unwrap()],
        valid_for: Duration::from_secs(30 * 24 * 3_600),
    };
    let token = key.mint(&trust(), &grant, now).unwrap();
    token.expose_secret().to_owned()
}

/// A client of the product and of the simulated providers.
#[expect(
    clippy::disallowed_methods,
    reason = "it calls the product, not the outside"
)]
pub(super) fn client() -> reqwest::ClientBuilder {
    reqwest::Client::builder().no_proxy().timeout(PATIENCE)
}

pub(super) async fn reply_of(
    http: &reqwest::Client,
    method: Method,
    url: &str,
    headers: &[(&str, &str)],
    body: Vec<u8>,
) -> Reply {
    try_reply_of(http, method, url, headers, body)
        .await
        .unwrap()
}

#[expect(
    clippy::disallowed_methods,
    reason = "the product's own answers are small"
)]
async fn try_reply_of(
    http: &reqwest::Client,
    method: Method,
    url: &str,
    headers: &[(&str, &str)],
    body: Vec<u8>,
) -> reqwest::Result<Reply> {
    let mut request = http.request(method, url).body(body);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let response = request.send().await?;
    Ok(Reply {
        status: response.status(),
        headers: response.headers().clone(),
        body: response.bytes().await?.to_vec(),
    })
}
