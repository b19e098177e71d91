//! Connections: a tenant's accounts at providers, and their secrets. No answer holds a secret.

use std::collections::BTreeMap;

use axum::extract::State;
use domain::ConnectionName;
use runtime::{Json, Path, Problem};
use secrecy::ExposeSecret as _;
use secrets::SecretName;
use serde::{Deserialize, Serialize};
use store::NewConnection;
use utoipa::{IntoParams, ToSchema};

use crate::{
    Deps,
    auth::{TenantAdmin, TenantReader},
    faults::{BODY, Faults},
    problems::{self, BodyProblems, Conflict, TenantProblems},
    secret_text::SecretText,
    words,
};

/// The longest secret that is taken.
const MAX_SECRET_BYTES: usize = 8 * 1024;
/// The longest value of a setting.
const MAX_SETTING_BYTES: usize = 1_000;

/// What a connection to a provider takes beside its secret.
struct ProviderSpec {
    slug: &'static str,
    /// The only name that a connection to it has its use under.
    only_name: Option<&'static str>,
    /// The settings without which it is of no use.
    required: &'static [&'static str],
    /// The others.
    optional: &'static [&'static str],
}

/// The providers that are no CRM.
const OTHERS: [ProviderSpec; 2] = [
    ProviderSpec {
        slug: "callrail",
        only_name: Some("callrail"),
        required: &["account_id"],
        optional: &["company_ids"],
    },
    ProviderSpec {
        slug: "sendgrid",
        only_name: None,
        required: &[],
        optional: &[],
    },
];

/// Every provider that this build can connect to.
fn providers() -> impl Iterator<Item = ProviderSpec> {
    let crms = crm::CONNECTORS.iter().map(|connector| ProviderSpec {
        slug: connector.slug,
        only_name: None,
        required: &[],
        optional: &[],
    });
    OTHERS.into_iter().chain(crms)
}

/// A tenant's account at a provider.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Connection {
    /// What the tenant calls it.
    name: String,
    /// The provider's slug.
    provider: String,
    /// Grows by one with every new secret.
    version: u64,
    /// Whether the provider takes the secret, as far as is known.
    state: words::ConnectionState,
    /// What is no secret: account and company ids.
    settings: BTreeMap<String, String>,
}

/// A tenant's connections, by name.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ConnectionList {
    /// The connections, all of them.
    items: Vec<Connection>,
    /// Always null: there is one page.
    next_cursor: Option<String>,
}

/// Which connection.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub(crate) struct ConnectionPath {
    /// The connection's name: 1 to 63 of `a-z`, `0-9`, `_` and `-`, the first a letter or a digit.
    #[param(value_type = String, example = "hubspot")]
    connection: ConnectionName,
}

/// A connection's new secret.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "secret": "pat-na1-0f1e2d3c", "provider": "hubspot" }))]
pub(crate) struct NewSecret {
    /// The secret: an API key or an access token.
    #[schema(value_type = String, format = Password, write_only)]
    secret: SecretText,
    /// The provider's slug: `callrail`, `hubspot`, `sendgrid`. Needed for a connection that is not there yet.
    provider: Option<String>,
    /// What is no secret. For CallRail: `account_id`, and `company_ids` parted by commas. Replaces what the
    /// connection has; left out, that stays.
    settings: Option<BTreeMap<String, String>>,
}

/// What came of a new secret.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SecretSet {
    /// The connection's name.
    name: String,
    /// The provider's slug.
    provider: String,
    /// The connection's version now.
    version: u64,
    /// How many steps were held for the connection and go on now.
    released: u64,
}

/// A tenant's connections.
#[utoipa::path(
    get,
    path = "/v1/tenants/{tenant_id}/connections",
    tag = "connections",
    security(("bearer" = [])),
    params(("tenant_id" = String, Path, description = "The tenant's slug.")),
    responses((status = OK, description = "The connections.", body = ConnectionList), TenantProblems)
)]
pub(crate) async fn list_connections(
    reader: TenantReader,
    State(deps): State<Deps>,
) -> Result<Json<ConnectionList>, Problem> {
    let connections = deps.store.connections(reader.tenant()).await;
    let connections = connections.map_err(|error| problems::of_store(&error))?;
    let items = connections.into_iter().map(|connection| Connection {
        name: connection.name.to_string(),
        provider: connection.provider,
        version: connection.version,
        state: connection.state.into(),
        settings: connection.settings,
    });
    Ok(Json(ConnectionList {
        items: items.collect(),
        next_cursor: None,
    }))
}

/// Sets a connection's secret, and lets what was held for it go on. A connection that is not there is created.
#[utoipa::path(
    put,
    path = "/v1/tenants/{tenant_id}/connections/{connection}/secret",
    tag = "connections",
    security(("bearer" = [])),
    params(("tenant_id" = String, Path, description = "The tenant's slug."), ConnectionPath),
    request_body = NewSecret,
    responses(
        (status = OK, description = "What came of it.", body = SecretSet),
        Conflict,
        BodyProblems,
        TenantProblems
    )
)]
pub(crate) async fn set_connection_secret(
    caller: TenantAdmin,
    Path(path): Path<ConnectionPath>,
    State(deps): State<Deps>,
    Json(new): Json<NewSecret>,
) -> Result<Json<SecretSet>, Problem> {
    let (tenant, name) = (caller.tenant(), &path.connection);
    let known = deps.store.connection(tenant, name).await;
    let known = known.map_err(|error| problems::of_store(&error))?;
    let connection = new.read(name, known.as_ref())?;
    let secret_name = SecretName::new(name.as_str()).map_err(Problem::internal)?;
    let secret_version = deps
        .secrets
        .put(tenant, &secret_name, &new.secret.0)
        .await
        .map_err(Problem::internal)?;
    let act = caller
        .act("secret.set", name)
        .saying(format!("to {}", connection.provider));
    // Should this fail, the connection goes on with the version of the secret that it has.
    let replaced = deps
        .store
        .replace_secret(tenant, name, secret_version, Some(&connection), &act)
        .await
        .map_err(|error| problems::of_store(&error))?;
    deps.hand_over(replaced.wakes).await;
    Ok(Json(SecretSet {
        name: name.to_string(),
        provider: connection.provider,
        version: replaced.version,
        released: replaced.released,
    }))
}

impl NewSecret {
    /// The connection as it should be.
    fn read(
        &self,
        name: &ConnectionName,
        known: Option<&store::Connection>,
    ) -> Result<NewConnection, Problem> {
        let mut faults = Faults::default();
        let secret = self.secret.0.expose_secret();
        let is_secret = (1..=MAX_SECRET_BYTES).contains(&secret.len())
            && secret.bytes().all(|byte| byte.is_ascii_graphic());
        if !is_secret {
            faults.add(
                "secret",
                format!("1 to {MAX_SECRET_BYTES} letters, digits and signs, without white space"),
            );
        }
        let slugs = || {
            providers()
                .map(|known| known.slug)
                .collect::<Vec<_>>()
                .join(", ")
        };
        let provider = match (&self.provider, known) {
            (Some(given), Some(known)) if *given != known.provider => {
                return Err(Problem::conflict(format!(
                    "The connection `{name}` is one to {}. Take another name for one to another provider.",
                    known.provider
                )));
            }
            (Some(given), _) => Some(given.clone()),
            (None, Some(known)) => Some(known.provider.clone()),
            (None, None) => {
                faults.add(
                    "provider",
                    format!(
                        "there is no connection `{name}` yet; say to whom: one of {}",
                        slugs()
                    ),
                );
                None
            }
        };
        if let Some(provider) = &provider {
            match providers().find(|spec| spec.slug == provider) {
                Some(spec) => self.check(&spec, name, known, &mut faults),
                None => faults.add("provider", format!("one of {}", slugs())),
            }
        }
        faults.finish(BODY)?;
        Ok(NewConnection {
            provider: provider.unwrap_or_default(),
            settings: self.settings.clone().unwrap_or_default(),
        })
    }

    fn check(
        &self,
        spec: &ProviderSpec,
        name: &ConnectionName,
        known: Option<&store::Connection>,
        faults: &mut Faults,
    ) {
        if let Some(only) = spec.only_name.filter(|only| *only != name.as_str()) {
            faults.add(
                "provider",
                format!("a connection to {} is called `{only}`", spec.slug),
            );
        }
        let settings = match (&self.settings, known) {
            (Some(given), _) => given.clone(),
            (None, Some(known)) => known.settings.clone(),
            (None, None) => BTreeMap::new(),
        };
        let is_known = |key: &str| spec.required.contains(&key) || spec.optional.contains(&key);
        let is_value = |value: &str| {
            (1..=MAX_SETTING_BYTES).contains(&value.len())
                && value
                    .bytes()
                    .all(|byte| byte.is_ascii_graphic() || byte == b' ')
        };
        let is_whole = spec.required.iter().all(|key| settings.contains_key(*key));
        let is_valid = settings
            .iter()
            .all(|(key, value)| is_known(key) && is_value(value));
        if !is_whole || !is_valid {
            let (required, optional) = (spec.required.join(", "), spec.optional.join(", "));
            faults.add(
                "settings",
                match (spec.required, spec.optional) {
                    ([], []) => format!("none: a connection to {} takes no settings", spec.slug),
                    (_, []) => format!("{required}, each with a text"),
                    _ => format!("{required}, and where it applies {optional}, each with a text"),
                },
            );
        }
    }
}
