//! Who uses the fleet from outside: a sender of webhooks, and an admin of the demo tenant.

use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};
use domain::{Clock as _, RequestId, TenantId};
use http::StatusCode;
use management_api::auth::{Grant, Role, SigningKey};
use pipeline::{app::trust, demo};
use runtime::SystemClock;
use secrecy::ExposeSecret as _;
use serde_json::Value;

use super::Fleet;
use crate::{CallBody, sha1_signature};

/// Longest wait for a request to get where it should. The emulators are slow on a loaded machine.
const PATIENCE: Duration = Duration::from_secs(120);
/// Between two looks.
const LOOK: Duration = Duration::from_millis(100);

/// Somebody outside.
pub struct Visitor {
    http: reqwest::Client,
    base: String,
    token: String,
}

impl Visitor {
    /// A visitor of this fleet.
    ///
    /// # Errors
    /// When the fleet's key cannot be read.
    #[expect(
        clippy::disallowed_methods,
        reason = "it stands for whoever uses the product"
    )]
    pub fn of(fleet: &Fleet) -> anyhow::Result<Self> {
        let key = SigningKey::open(fleet.folder.path())?;
        let grant = Grant {
            subject: "visitor".to_owned(),
            roles: vec![Role::TenantAdmin],
            tenants: vec![TenantId::new(demo::TENANT)?],
            valid_for: Duration::from_secs(24 * 60 * 60),
        };
        let token = key.mint(&trust(), &grant, SystemClock::default().now())?;
        let http = reqwest::Client::builder()
            .no_proxy()
            .timeout(PATIENCE)
            .build()?;
        Ok(Self {
            http,
            base: fleet.base(),
            token: token.expose_secret().to_owned(),
        })
    }

    /// Its way there.
    pub(crate) fn http(&self) -> &reqwest::Client {
        &self.http
    }

    /// Its token for the API.
    pub(crate) fn token(&self) -> &str {
        &self.token
    }

    /// Lets the simulated CallRail know calls.
    pub(crate) async fn register_calls(&self, fleet: &Fleet, calls: &Value) -> anyhow::Result<()> {
        let url = format!("{}/_sim/calls", fleet.simulators.callrail().base_url());
        let answer = self.http.put(url).json(calls).send().await?;
        ensure!(answer.status().is_success(), "{answer:?}");
        Ok(())
    }

    /// Posts a call's webhook to the demo tenant's URL for the event, signed as CallRail signs, and again while it is
    /// told to come back later; the request that its acknowledgement names.
    ///
    /// # Errors
    /// When it is not acknowledged.
    pub async fn deliver(&self, event: &str, body: &CallBody) -> anyhow::Result<RequestId> {
        let (body, token) = (body.json(), demo::token("callrail"));
        let request = self
            .http
            .post(format!("{}/v1/hooks/{token}/{event}", self.base))
            .header("content-type", "application/json")
            .header(
                "signature",
                sha1_signature(simulators::callrail::SIGNING_KEY, &body),
            )
            .body(body);
        let answer = answer(request).await?;
        let id = answer["request_id"].as_str();
        Ok(id
            .with_context(|| format!("no request in {answer}"))?
            .parse()?)
    }

    /// A request as the API shows it.
    ///
    /// # Errors
    /// When the API does not show it.
    pub async fn shown(&self, request: RequestId) -> anyhow::Result<Value> {
        let path = format!("/v1/tenants/{}/requests/{request}", demo::TENANT);
        let url = format!("{}{path}", self.base);
        answer(self.http.get(url).bearer_auth(&self.token)).await
    }

    /// Waits until a request has this status, and shows it.
    ///
    /// # Errors
    /// When it does not get there.
    pub async fn becomes(&self, request: RequestId, status: &str) -> anyhow::Result<Value> {
        let waiting = Instant::now();
        loop {
            let shown = self.shown(request).await?;
            if shown["status"] == status {
                return Ok(shown);
            }
            if waiting.elapsed() > PATIENCE {
                bail!("{request} never is {status}: {shown:#}");
            }
            tokio::time::sleep(LOOK).await;
        }
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the product's own answers are bounded"
)]
async fn answer(request: reqwest::RequestBuilder) -> anyhow::Result<Value> {
    let asking = Instant::now();
    loop {
        let again = request.try_clone().context("its body can be sent again")?;
        let answer = again.send().await?;
        let (status, text) = (answer.status(), answer.text().await?);
        if status == StatusCode::SERVICE_UNAVAILABLE && asking.elapsed() < PATIENCE {
            tokio::time::sleep(LOOK).await;
            continue;
        }
        ensure!(status.is_success(), "{status}: {text}");
        return Ok(serde_json::from_str(&text)?);
    }
}
