//! Connections: a tenant's accounts at providers, and their secrets. No answer holds a secret.

use std::collections::{BTreeMap, BTreeSet};

use axum::extract::State;
use catalogue::Provider;
use domain::{AccountFault, AccountSpec, ConnectionName, SettingSpec, TenantId, text};
use runtime::{Json, Path, Problem};
use secrecy::ExposeSecret as _;
use secrets::SecretName;
use serde::{Deserialize, Serialize};
use store::NewConnection;
use utoipa::{IntoParams, ToSchema};

use crate::{
    Deps,
    auth::{TenantAdmin, TenantReader},
    body::Body,
    cursor::lists,
    faults::{BODY, Faults, WholePaging},
    problems::{BodyProblems, Conflict, QueryProblems, TenantProblems},
    providers::AccountProvider,
    query::Query,
    secret_text::SecretText,
    words,
};

/// The longest secret that is taken.
const MAX_SECRET_BYTES: usize = 8 * 1024;
/// How much of the name of a setting that there is not is repeated, in characters.
const MAX_NAME: usize = 60;
/// The longest value of a setting.
const MAX_SETTING_BYTES: usize = 4_000;

/// A tenant's account at a provider.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Connection {
    /// What the tenant calls it.
    name: String,
    /// The provider's slug.
    provider: String,
    /// What the provider does for the tenant; empty if this build does not know it.
    uses: Vec<ConnectionUse>,
    /// Grows by one with every new secret.
    version: u64,
    /// Whether the provider takes the secret, as far as is known.
    state: words::ConnectionState,
    /// What is no secret: account and company ids.
    settings: BTreeMap<String, String>,
}

/// What a provider does for a tenant: leads come from it (`source`) or are pushed into it (`crm`); messages to people leave
/// by it as e-mail (`email`) or are posted to a team's chat (`chat`).
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ConnectionUse {
    Source,
    Crm,
    Email,
    Chat,
}

impl ConnectionUse {
    fn all_of(provider: &Provider) -> Vec<Self> {
        let uses = [
            (provider.is_source, Self::Source),
            (provider.is_crm, Self::Crm),
            (provider.is_mailer, Self::Email),
            (provider.chat.is_some(), Self::Chat),
        ];
        let uses = uses.into_iter().filter(|(is_one, _)| *is_one);
        uses.map(|(_, what)| what).collect()
    }
}

/// A tenant's connections, by name.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ConnectionList {
    /// The connections.
    items: Vec<Connection>,
    /// Send this as `cursor` to get those behind; null when there are none.
    next_cursor: Option<String>,
}

/// Which connection.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub(crate) struct ConnectionPath {
    /// The connection's name: 1 to 63 of `a-z`, `0-9`, `_` and `-`, the first a letter or a digit.
    #[param(value_type = String, example = "crm")]
    pub(crate) connection: ConnectionName,
}

/// A connection's new secret.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewSecret {
    /// The secret: an API key or an access token.
    #[schema(value_type = String, format = Password, write_only)]
    pub(crate) secret: SecretText,
    /// The provider's slug. Needed for a connection that is not there yet.
    #[schema(value_type = Option<AccountProvider>)]
    pub(crate) provider: Option<String>,
    /// What the account needs beside its secret, by name; a missing one is answered with what it is. Replaces what the
    /// connection has; left out, that stays.
    pub(crate) settings: Option<BTreeMap<String, String>>,
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
    params(("tenant_id" = String, Path, description = "The tenant's slug."), WholePaging),
    responses((status = OK, description = "A page.", body = ConnectionList), QueryProblems, TenantProblems)
)]
pub(crate) async fn list_connections(
    reader: TenantReader,
    paging: Query<WholePaging>,
    State(deps): State<Deps>,
) -> Result<Json<ConnectionList>, Problem> {
    let part = paging.read::<{ lists::CONNECTIONS }>()?;
    let connections = deps.store.connections(reader.tenant()).await?;
    let (connections, next_cursor) = part.of(connections, |one| one.name.to_string());
    let providers = catalogue::providers();
    let uses = |slug: &str| {
        let provider = providers.iter().find(|provider| provider.slug == slug);
        provider.map(ConnectionUse::all_of).unwrap_or_default()
    };
    let items = connections.into_iter().map(|connection| Connection {
        name: connection.name.to_string(),
        uses: uses(&connection.provider),
        provider: connection.provider,
        version: connection.version,
        state: connection.state.into(),
        settings: connection.settings,
    });
    Ok(Json(ConnectionList {
        items: items.collect(),
        next_cursor,
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
    body: Body<NewSecret>,
) -> Result<Json<SecretSet>, Problem> {
    let (new, faults) = body.open();
    let set = set(&deps, &caller, &path.connection, (&new, faults), false).await;
    set.map(Json)
}

/// Sets a connection's secret. `is_used_next`: its caller makes the source that uses it.
pub(crate) async fn set(
    deps: &Deps,
    caller: &TenantAdmin,
    name: &ConnectionName,
    (new, mut faults): (&NewSecret, Faults),
    is_used_next: bool,
) -> Result<SecretSet, Problem> {
    let tenant = caller.tenant();
    let known = deps.store.connection(tenant, name).await?;
    let connection = new.read(name, known.as_ref(), &mut faults)?;
    check_urls(deps, new, &connection.provider, &mut faults).await?;
    faults.finish(BODY)?;
    is_used(deps, tenant, name, &connection.provider, is_used_next).await?;
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
        .await?;
    deps.hand_over(replaced.wakes).await;
    Ok(SecretSet {
        name: name.to_string(),
        provider: connection.provider,
        version: replaced.version,
        released: replaced.released,
    })
}

/// Notes URLs that lead to what is not public, as they and their names are now. Every call checks again.
async fn check_urls(
    deps: &Deps,
    new: &NewSecret,
    provider: &str,
    faults: &mut Faults,
) -> Result<(), Problem> {
    let providers = catalogue::providers();
    let spec = providers.iter().find(|known| known.slug == provider);
    let settings = spec
        .and_then(|spec| spec.account)
        .map(|account| account.settings);
    for setting in settings
        .into_iter()
        .flatten()
        .filter(|setting| setting.is_url)
    {
        let entered = new.settings.as_ref().and_then(|all| all.get(setting.key));
        let Some(url) = entered else { continue };
        let outward = deps.outward.as_ref();
        let outward = outward.ok_or_else(|| Problem::internal("this process calls nobody"))?;
        if let Err(error) = outward.http.check_tenants_url(url).await {
            faults.add(
                format!("settings.{}", setting.key),
                format!("a URL of yours that the internet reaches: {error}"),
            );
        }
    }
    Ok(())
}

/// A source finds its connection by name: the one that it names, else the one that is called like its provider. A
/// connection under another name would be there and never be used.
async fn is_used(
    deps: &Deps,
    tenant: &TenantId,
    name: &ConnectionName,
    provider: &str,
    is_used_next: bool,
) -> Result<(), Problem> {
    let providers = catalogue::providers();
    let is_of_a_source = |slug: &str| {
        providers
            .iter()
            .any(|provider| provider.is_source && provider.slug == slug)
    };
    if name.as_str() == provider {
        return Ok(());
    }
    if is_of_a_source(name.as_str()) {
        return Err(Problem::conflict(format!(
            "The name `{name}` is for a connection to {name}. Choose another one for {provider}."
        )));
    }
    if is_used_next {
        return Ok(());
    }
    let is_named_by_offices =
        |known: &Provider| known.slug == provider && (known.is_crm || known.is_channel());
    if providers.iter().any(is_named_by_offices) {
        return Ok(());
    }
    let sources = deps.store.sources(tenant).await?;
    let names_it = |source: &store::Source| {
        source.provider == provider && source.connection.as_ref() == Some(name)
    };
    if sources.iter().any(names_it) {
        return Ok(());
    }
    Err(Problem::conflict(format!(
        "No source uses a connection to {provider} of this name. Call it `{provider}`, or first create the source with \
         `connection` set to `{name}`."
    )))
}

impl NewSecret {
    /// The connection as it should be; notes what is wrong.
    fn read(
        &self,
        name: &ConnectionName,
        known: Option<&store::Connection>,
        faults: &mut Faults,
    ) -> Result<NewConnection, Problem> {
        let secret = self.secret.0.expose_secret();
        // An app's credentials are an object, in which a private key has spaces of its own.
        let is_object = secret.starts_with('{');
        let is_of_secret =
            |byte: u8| byte.is_ascii_graphic() || (is_object && b" \t\r\n".contains(&byte));
        let is_secret =
            (1..=MAX_SECRET_BYTES).contains(&secret.len()) && secret.bytes().all(is_of_secret);
        if !is_secret && !is_object && secret.contains(text::is_unseen) {
            faults.add(
                "secret",
                "the secret without white space: a blank, a line end or a character that is not shown came into it when it \
                 was copied",
            );
        } else if !is_secret {
            faults.add(
                "secret",
                format!(
                    "1 to {MAX_SECRET_BYTES} letters, digits and signs, without white space but within an object"
                ),
            );
        }
        let accounts: Vec<(&str, AccountSpec)> = catalogue::providers()
            .iter()
            .filter_map(|provider: &Provider| Some((provider.slug, provider.account?)))
            .collect();
        let slugs: Vec<_> = accounts.iter().map(|(slug, _)| *slug).collect();
        let slugs = slugs.join(", ");
        let known_provider = known.map(|known| &known.provider);
        let provider = self.provider.as_ref().or(known_provider);
        let spec = |provider: &str| accounts.iter().find(|(slug, _)| *slug == provider);
        match provider.map(|provider| spec(provider)) {
            None => faults.add(
                "provider",
                format!("there is no connection `{name}` yet; name its provider: one of {slugs}"),
            ),
            // It is not repeated: people paste secrets into the wrong field.
            Some(None) => faults.add("provider", format!("one of {slugs}")),
            Some(Some((slug, spec))) => {
                if let Some(known) = known
                    && known.provider != *slug
                {
                    return Err(Problem::conflict(format!(
                        "The connection `{name}` already belongs to {}. Choose another name for {slug}.",
                        known.provider
                    )));
                }
                self.check(slug, spec, known, faults);
            }
        }
        Ok(NewConnection {
            provider: provider.cloned().unwrap_or_default(),
            settings: self.settings.clone().unwrap_or_default(),
        })
    }

    fn check(
        &self,
        provider: &str,
        spec: &AccountSpec,
        known: Option<&store::Connection>,
        faults: &mut Faults,
    ) {
        let nothing = BTreeMap::new();
        let given = self.settings.as_ref();
        let settings = given
            .or(known.map(|known| &known.settings))
            .unwrap_or(&nothing);
        let is_value = |value: &str| {
            (1..=MAX_SETTING_BYTES).contains(&value.len())
                && value
                    .bytes()
                    .all(|byte| byte.is_ascii_graphic() || byte == b' ')
        };
        let mut faulty = BTreeSet::new();
        let mut tell = |name: &str, code, message: String| {
            let path = format!("settings.{}", text::bounded(name, MAX_NAME));
            if faulty.insert(path.clone()) {
                faults.add_coded(path, code, message);
            }
        };
        let is_lost =
            |setting: &&SettingSpec| setting.is_required && !settings.contains_key(setting.key);
        for setting in spec.settings.iter().filter(is_lost) {
            tell(
                setting.key,
                "missing",
                format!("is missing: {}", setting.about),
            );
        }
        // What was there before may be a newer build's, and stays.
        for (name, value) in given.unwrap_or(&nothing) {
            match spec.settings.iter().find(|setting| setting.key == name) {
                None => {
                    let keys: Vec<_> = spec.settings.iter().map(|setting| setting.key).collect();
                    let known = match keys.as_slice() {
                        [] => "none".to_owned(),
                        keys => keys.join(", "),
                    };
                    let message = format!("not a setting of {provider}; there are {known}");
                    tell(name, "unknown_field", message);
                }
                Some(_) if is_value(value) => {}
                Some(setting) => {
                    let message = format!(
                        "1 to {MAX_SETTING_BYTES} letters, digits, signs and spaces. {}",
                        setting.about
                    );
                    tell(name, "invalid", message);
                }
            }
        }
        let further = spec.check.map(|check| check(&self.secret.0, settings));
        for AccountFault { path, expected } in further.into_iter().flatten() {
            if !faulty.contains(&path) {
                faults.add(path, expected);
            }
        }
    }
}
