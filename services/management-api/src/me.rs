//! Who calls, and what they set up for themselves.

use axum::extract::State;
use domain::{TenantId, UserId};
use runtime::{Json, Problem};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use store::people::views::MAX_PREFERENCES_BYTES;
use utoipa::ToSchema;

use crate::{
    Deps,
    auth::{Anybody, Caller},
    body::Body,
    faults::BODY,
    problems::{BodyProblems, CallerProblems},
    words,
};

/// Most tenants that are named.
const MAX_TENANTS: usize = 1_000;

/// Who calls, and what they may do.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Me {
    /// Who it is, as the audit log shows it.
    subject: String,
    /// Their name; empty when nobody said it.
    name: String,
    /// The address that they sign in by; null for whoever brings a token of another kind.
    email: Option<String>,
    /// Whether it is a program that calls by a key of its own.
    is_program: bool,
    /// The highest role that they have in any tenant; null: none.
    #[schema(inline)]
    role: Option<words::Role>,
    /// The tenants that they see, by id.
    tenants: Vec<MyTenant>,
    /// What they prefer, as they saved it.
    #[schema(value_type = Object)]
    preferences: Map<String, Value>,
    /// What serves them.
    product: Product,
}

/// A tenant that the caller sees.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct MyTenant {
    /// Its slug.
    tenant_id: String,
    /// Its name.
    name: String,
    /// Whether its webhooks are taken.
    status: words::TenantStatus,
    /// What they may do there; null: nothing.
    #[schema(inline)]
    role: Option<words::Role>,
}

/// What serves the caller.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Product {
    /// Its version.
    version: String,
    /// Whether providers are simulated.
    is_simulated: bool,
    /// How people sign in.
    sign_in: SignInWay,
}

/// How people sign in: by one-time codes alone, also by the company's own sign-in (`OpenID` Connect), or not here.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum SignInWay {
    Code,
    Oidc,
    None,
}

/// Who calls, and what they may do where.
#[utoipa::path(
    get,
    path = "/v1/me",
    tag = "me",
    security(("bearer" = [])),
    responses((status = OK, description = "The caller.", body = Me), CallerProblems)
)]
pub(crate) async fn show_me(
    caller: Anybody,
    State(deps): State<Deps>,
) -> Result<Json<Me>, Problem> {
    let subject = caller.subject();
    let user = match subject.parse::<UserId>() {
        Ok(user) => deps.store.user_across_tenants(user).await?,
        Err(_) => None,
    };
    let tenants = tenants(&deps, &caller.0).await?;
    let roles = tenants
        .iter()
        .filter_map(|tenant| caller.0.role_in(&tenant.id));
    let platform = caller
        .0
        .is_platform_admin()
        .then_some(crate::auth::Role::PlatformAdmin);
    let role = roles.max().max(platform);
    let preferences = deps.store.preferences_across_tenants(&subject).await?;
    let preferences = match preferences {
        Some(Value::Object(preferences)) => preferences,
        _ => Map::new(),
    };
    let sign_in = match &deps.sign_in {
        Some(sign_in) if sign_in.has_oidc() => SignInWay::Oidc,
        Some(_) => SignInWay::Code,
        None => SignInWay::None,
    };
    let shown = |tenant: domain::Tenant| MyTenant {
        role: caller.0.role_in(&tenant.id).map(Into::into),
        tenant_id: tenant.id.to_string(),
        name: tenant.name,
        status: tenant.status.into(),
    };
    Ok(Json(Me {
        subject,
        name: user
            .as_ref()
            .map_or_else(String::new, |user| user.name.clone()),
        email: user.map(|user| user.email.as_str().to_owned()),
        is_program: caller.0.is_program(),
        role: role.map(Into::into),
        tenants: tenants.into_iter().map(shown).collect(),
        preferences,
        product: Product {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            is_simulated: deps.is_simulated,
            sign_in,
        },
    }))
}

/// The tenants that they see, by id.
pub(crate) async fn tenants(deps: &Deps, caller: &Caller) -> Result<Vec<domain::Tenant>, Problem> {
    if caller.is_platform_admin() {
        let mut all = deps.store.tenants_across_tenants().await?;
        all.truncate(MAX_TENANTS);
        return Ok(all);
    }
    let mut tenants = Vec::new();
    let named: Vec<TenantId> = caller.tenants().into_iter().take(MAX_TENANTS).collect();
    for tenant in named {
        tenants.extend(deps.store.tenant(&tenant).await?);
    }
    Ok(tenants)
}

/// What a person prefers.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "preferences": { "theme": "dark" } }))]
pub(crate) struct NewPreferences {
    /// Whatever a client keeps for the person, up to 8 KiB of JSON. Replaces what was there.
    #[schema(value_type = Object)]
    preferences: Map<String, Value>,
}

/// What a person prefers, as it is kept.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Preferences {
    /// As it was saved.
    #[schema(value_type = Object)]
    preferences: Map<String, Value>,
}

/// Replaces what the caller prefers.
#[utoipa::path(
    put,
    path = "/v1/me/preferences",
    tag = "me",
    security(("bearer" = [])),
    request_body = NewPreferences,
    responses(
        (status = OK, description = "What is kept now.", body = Preferences),
        BodyProblems,
        CallerProblems
    )
)]
pub(crate) async fn put_preferences(
    caller: Anybody,
    State(deps): State<Deps>,
    body: Body<NewPreferences>,
) -> Result<Json<Preferences>, Problem> {
    if caller.0.is_program() {
        let refused = "A program has no preferences. Sign in, and save yours.";
        return Err(Problem::forbidden(refused));
    }
    let (new, mut faults) = body.open();
    let preferences = Value::Object(new.preferences.clone());
    if preferences.to_string().len() > MAX_PREFERENCES_BYTES {
        let wanted = format!("at most {MAX_PREFERENCES_BYTES} bytes of JSON");
        faults.add("preferences", wanted);
    }
    faults.finish(BODY)?;
    let subject = caller.subject();
    let put = deps
        .store
        .put_preferences_across_tenants(&subject, &preferences);
    put.await?;
    Ok(Json(Preferences {
        preferences: new.preferences,
    }))
}
