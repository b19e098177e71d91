//! No tenant sees what is another's, or is touched by what another does.

mod alone;
mod description;
mod makers;
mod names;
mod parts;
mod routes;

use std::time::Duration;

use domain::TenantId;
use http::{Method, StatusCode};
use jiff::Timestamp;
use management_api::auth::{Grant, Role, SigningKey};
use pipeline::app::trust;
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};
use tests::{CallBody, Company, World};

/// The company that the simulated CallRail's calls are of.
const CALLRAIL_COMPANY: &str = "COM3f2a9c7d51e84b0aa6c1d2e3f4a5b6c7";

/// A tenant with accounts of its own at every provider, and its admin.
struct Tenant {
    company: Company,
    /// Its account at CallRail, which is part of what CallRail is asked.
    account: String,
    /// Its token at HubSpot, which opens an account of its own.
    crm_token: String,
    admin: String,
}

/// The API, called by whoever.
struct Api<'a> {
    world: &'a World,
    key: SigningKey,
}

/// What the API answered.
#[derive(Debug, Clone, PartialEq)]
struct Reply {
    status: StatusCode,
    body: Value,
    /// The version of what is shown.
    etag: Option<String>,
}

impl<'a> Api<'a> {
    fn of(world: &'a World) -> Self {
        let key = SigningKey::open(&world.data_folder()).unwrap();
        Self { world, key }
    }

    /// A bearer token, as of a time.
    fn token(&self, role: Role, tenants: &[&TenantId], now: Timestamp) -> String {
        let grant = Grant {
            subject: "story".to_owned(),
            roles: vec![role],
            tenants: tenants.iter().copied().cloned().collect(),
            valid_for: Duration::from_secs(90 * 24 * 3_600),
        };
        let token = self.key.mint(&trust(), &grant, now).unwrap();
        token.expose_secret().to_owned()
    }

    async fn call(
        &self,
        token: Option<&str>,
        method: &Method,
        path: &str,
        body: Option<&Value>,
    ) -> Reply {
        self.call_with(token, method, path, body, &[]).await
    }

    async fn call_with(
        &self,
        token: Option<&str>,
        method: &Method,
        path: &str,
        body: Option<&Value>,
        headers: &[(&str, &str)],
    ) -> Reply {
        let mut request = self
            .world
            .http
            .request(method.clone(), format!("{}{path}", self.world.base));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if let Some(token) = token {
            request = request.bearer_auth(token);
        }
        if let Some(body) = body {
            request = request.json(body);
        }
        let response = request.send().await.unwrap();
        let status = response.status();
        let etag = response.headers().get("etag");
        let etag = etag.map(|tag| tag.to_str().unwrap().to_owned());
        let content_type = response.headers().get("content-type");
        if content_type.is_some_and(|kind| kind == "text/event-stream") {
            // It does not end.
            let body = Value::Null;
            return Reply { status, body, etag };
        }
        #[expect(
            clippy::disallowed_methods,
            reason = "the product's own answers are small"
        )]
        let body = response.bytes().await.unwrap();
        Reply {
            status,
            body: serde_json::from_slice(&body).unwrap_or(Value::Null),
            etag,
        }
    }
}

impl Tenant {
    /// Makes the tenant `tenant_<name>`.
    async fn create(api: &Api<'_>, name: &str) -> Self {
        let company = api.world.add_tenant(name).await;
        let now = api.world.now();
        let tenant = Self {
            admin: api.token(Role::TenantAdmin, &[&company.tenant], now),
            account: format!("ACC{name}"),
            crm_token: format!("pat-na1-of-{name}"),
            company,
        };
        api.world
            .simulators()
            .hubspot()
            .add_account(&tenant.crm_token);
        for connection in ["callrail", "hubspot"] {
            tenant.mend(api, connection).await;
        }
        tenant
    }

    fn id(&self) -> &TenantId {
        &self.company.tenant
    }

    /// Calls the API below the tenant, as its admin.
    async fn call(&self, api: &Api<'_>, method: Method, path: &str, body: Option<&Value>) -> Reply {
        let path = format!("/v1/tenants/{}/{path}", self.id());
        api.call(Some(&self.admin), &method, &path, body).await
    }

    /// Everything of a list.
    async fn list(&self, api: &Api<'_>, path: &str) -> Vec<Value> {
        let (mut items, mut cursor) = (Vec::new(), String::new());
        loop {
            let page = self
                .call(api, Method::GET, &format!("{path}{cursor}"), None)
                .await;
            assert_eq!(page.status, StatusCode::OK, "{path}: {page:?}");
            items.extend(page.body["items"].as_array().unwrap().iter().cloned());
            match page.body["next_cursor"].as_str() {
                Some(next) => cursor = format!("?cursor={next}"),
                None => return items,
            }
        }
    }

    /// Gives a connection the secret that its provider takes.
    async fn mend(&self, api: &Api<'_>, connection: &str) {
        let secret = match connection {
            "callrail" => &simulators::callrail::Config::default().api_keys[0],
            "hubspot" => &self.crm_token,
            _ => &simulators::sendgrid::Config::default().api_keys[0],
        };
        self.set_secret(api, connection, secret).await;
    }

    /// Gives a connection a secret that its provider does not take.
    async fn spoil(&self, api: &Api<'_>, connection: &str) {
        self.set_secret(api, connection, "not-the-secret").await;
    }

    async fn set_secret(&self, api: &Api<'_>, connection: &str, secret: &str) {
        let mut body = json!({ "secret": secret, "provider": connection });
        if connection == "callrail" {
            let account = json!({ "account_id": self.account, "company_ids": CALLRAIL_COMPANY });
            body["settings"] = account;
        }
        let path = format!("connections/{connection}/secret");
        let set = self.call(api, Method::PUT, &path, Some(&body)).await;
        assert_eq!(set.status, StatusCode::OK, "{set:?}");
    }

    /// Delivers a call's webhook; its request's id.
    async fn deliver(&self, api: &Api<'_>, event: &str, body: &CallBody) -> String {
        let answer = self.company.deliver(api.world, event, body).await;
        answer.request_id().to_string()
    }
}
