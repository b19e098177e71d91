//! Keys by which programs call the API for a tenant.

use axum::{Extension, extract::State};
use domain::{ApiKeyId, text};
use http::StatusCode;
use jiff::Timestamp;
use runtime::{Json, Path, Problem};
use serde::{Deserialize, Serialize};
use store::Scope;
use utoipa::ToSchema;

use super::may_give;
use crate::{
    Deps,
    auth::{NewKey, TenantAdmin},
    body::Body,
    cursor::lists,
    faults::{BODY, Faults, WholePaging},
    idempotency::NotKept,
    problems::{BodyProblems, Conflict, QueryProblems, TenantProblems},
    query::Query,
    words,
};

/// The longest name of a key, in characters.
const MAX_NAME: usize = 100;

/// A key of a tenant, without the key itself.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ApiKey {
    /// Its id, as the audit log shows it.
    key_id: String,
    /// How the key begins.
    prefix: String,
    /// What it is for.
    name: String,
    /// What it opens.
    scopes: Vec<words::Scope>,
    /// Who made it: the subject of their token.
    created_by: String,
    /// When.
    created_at: Timestamp,
    /// When it was last used, to the minute; null: never.
    last_used_at: Option<Timestamp>,
    /// Until when it is taken; null: until it is revoked.
    expires_at: Option<Timestamp>,
    /// When it was revoked; null: it was not.
    revoked_at: Option<Timestamp>,
}

impl From<store::ApiKey> for ApiKey {
    fn from(key: store::ApiKey) -> Self {
        Self {
            key_id: key.id.to_string(),
            prefix: key.prefix,
            name: key.name,
            scopes: key.scopes.into_iter().map(Into::into).collect(),
            created_by: key.created_by,
            created_at: key.created_at,
            last_used_at: key.last_used_at,
            expires_at: key.expires_at,
            revoked_at: key.revoked_at,
        }
    }
}

/// The keys of a tenant.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ApiKeyList {
    /// The keys, by id, those that were revoked lately among them.
    items: Vec<ApiKey>,
    /// Send this as `cursor` to get those behind; null when there are none.
    next_cursor: Option<String>,
}

/// A key that was made.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CreatedApiKey {
    /// What is kept of it.
    api_key: ApiKey,
    /// The key: it is sent as `Authorization: Bearer <key>`, and shown this once.
    key: String,
}

/// A key to be made.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "name": "Weekly report", "scopes": ["read"], "expires_at": "2099-12-31T00:00:00Z" }))]
pub(crate) struct NewApiKey {
    /// What it is for: up to 100 characters on one line.
    #[schema(min_length = 1, max_length = 100)]
    name: String,
    /// What it opens, at least one of `ingest` (posts leads, nothing here), `read`, `operate` and `admin`.
    #[schema(value_type = Vec<words::Scope>, min_items = 1, max_items = 4)]
    scopes: Vec<String>,
    /// Until when it is taken. Left out: until it is revoked.
    expires_at: Option<Timestamp>,
}

/// The keys of a tenant.
#[utoipa::path(
    get,
    path = "/v1/tenants/{tenant_id}/api-keys",
    tag = "people",
    security(("bearer" = [])),
    params(("tenant_id" = String, Path, description = "The tenant's slug."), WholePaging),
    responses((status = OK, description = "A page.", body = ApiKeyList), QueryProblems, TenantProblems)
)]
pub(crate) async fn list_api_keys(
    caller: TenantAdmin,
    paging: Query<WholePaging>,
    State(deps): State<Deps>,
) -> Result<Json<ApiKeyList>, Problem> {
    let part = paging.read::<{ lists::API_KEYS }>()?;
    let keys = deps.store.api_keys(caller.tenant()).await?;
    let (keys, next_cursor) = part.of(keys, |key| key.id.to_string());
    Ok(Json(ApiKeyList {
        items: keys.into_iter().map(Into::into).collect(),
        next_cursor,
    }))
}

/// Makes a key. It is shown once: what is kept of it is a hash.
#[utoipa::path(
    post,
    path = "/v1/tenants/{tenant_id}/api-keys",
    tag = "people",
    security(("bearer" = [])),
    params(("tenant_id" = String, Path, description = "The tenant's slug.")),
    request_body = NewApiKey,
    responses(
        (status = CREATED, description = "The key, this once.", body = CreatedApiKey),
        Conflict,
        BodyProblems,
        TenantProblems
    )
)]
pub(crate) async fn create_api_key(
    caller: TenantAdmin,
    State(deps): State<Deps>,
    body: Body<NewApiKey>,
) -> Result<(StatusCode, Extension<NotKept>, Json<CreatedApiKey>), Problem> {
    let now = deps.clock.now();
    let (new, faults) = body.open();
    let scopes = new.read(now, faults)?;
    for role in scopes.iter().filter_map(|scope| scope.role()) {
        may_give(&caller, role)?;
    }
    let NewKey { text, prefix, hash } = NewKey::draw()?;
    let key = store::ApiKey {
        id: ApiKeyId::from_uuid(deps.ids.next()),
        tenant: caller.tenant().clone(),
        hash,
        prefix,
        name: new.name,
        scopes,
        created_by: caller.subject().to_owned(),
        created_at: now,
        last_used_at: None,
        expires_at: new.expires_at,
        revoked_at: None,
    };
    let words: Vec<_> = key.scopes.iter().map(|scope| scope.as_str()).collect();
    let act = caller
        .act("api_key.create", &key.id)
        .saying(format!("scopes {}", words.join(", ")));
    deps.store.create_api_key(&key, &act).await?;
    let created = CreatedApiKey {
        api_key: key.into(),
        key: text,
    };
    Ok((StatusCode::CREATED, Extension(NotKept), Json(created)))
}

impl NewApiKey {
    /// The scopes, sorted, each once.
    fn read(&self, now: Timestamp, mut faults: Faults) -> Result<Vec<Scope>, Problem> {
        if text::line(&self.name, MAX_NAME).as_ref() != Some(&self.name) {
            let wanted =
                format!("1 to {MAX_NAME} characters on one line, without spare white space");
            faults.add("name", wanted);
        }
        let mut scopes = Vec::new();
        for (index, word) in self.scopes.iter().take(Scope::ALL.len() + 1).enumerate() {
            match word.parse::<Scope>() {
                Ok(scope) => scopes.push(scope),
                Err(wanted) => faults.add(format!("scopes.{index}"), wanted.to_string()),
            }
        }
        scopes.sort();
        scopes.dedup();
        if self.scopes.is_empty() || self.scopes.len() > Scope::ALL.len() {
            faults.add("scopes", "each scope once, and at least one");
        }
        if self.expires_at.is_some_and(|expires_at| expires_at <= now) {
            faults.add("expires_at", "a time that has not passed");
        }
        faults.finish(BODY)?;
        Ok(scopes)
    }
}

/// Revokes a key: it is refused within 5 seconds. Revoking it again changes nothing.
#[utoipa::path(
    delete,
    path = "/v1/tenants/{tenant_id}/api-keys/{key_id}",
    tag = "people",
    security(("bearer" = [])),
    params(
        ("tenant_id" = String, Path, description = "The tenant's slug."),
        ("key_id" = String, Path, description = "The key's id.", example = "key_0199f3a100007000800000000000002a")
    ),
    responses((status = OK, description = "The key as it is now.", body = ApiKey), TenantProblems)
)]
pub(crate) async fn revoke_api_key(
    caller: TenantAdmin,
    path: Path<(String, ApiKeyId)>,
    State(deps): State<Deps>,
) -> Result<Json<ApiKey>, Problem> {
    let Path((_, id)) = path;
    let act = caller.act("api_key.revoke", &id);
    let revoked = deps.store.revoke_api_key(caller.tenant(), id, &act).await?;
    deps.api_keys.forget(&revoked).await;
    Ok(Json(revoked.into()))
}
