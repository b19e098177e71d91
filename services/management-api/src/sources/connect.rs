//! Connecting a source in one call: from a secret to webhooks that are registered.
//!
//! Every step can be repeated, and finds what an earlier call did: the source's id follows from provider and connection,
//! its URL is kept before the source is created, and registering adds nothing twice.

use std::collections::BTreeMap;

use ::sources::{SourceSpec, WebhooksApi, our_url};
use axum::{Extension, extract::State};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use domain::{Account, ConnectionName, OfficeId, StoreError, TenantId};
use runtime::{Json, Problem};
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use store::{SourceChange, SourceState, TokenHash};
use utoipa::ToSchema;

use super::{
    Source,
    create::{self, TOKEN_BYTES},
    keys::SigningKey,
};
use crate::{
    Deps,
    auth::TenantAdmin,
    body::Body,
    connections::{self, NewSecret},
    faults::{BODY, Faults},
    idempotency::NotKept,
    problems::{BodyProblems, Conflict, TenantProblems},
    random_bytes,
    reconcile::{self, Fault, Outward, urls},
    secret_text::SecretText,
};

/// A source to be connected.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewConnectedSource {
    /// The provider's slug.
    provider: String,
    /// The secret of the tenant's account at the provider. Left out: the one that was entered before.
    #[schema(value_type = Option<String>, format = Password, write_only)]
    secret: Option<SecretText>,
    /// What the account needs beside its secret, by name: see the catalogue.
    settings: Option<BTreeMap<String, String>>,
    /// The name of the connection. Left out: the provider's slug.
    #[schema(value_type = Option<String>, pattern = "^[a-z0-9][a-z0-9_-]{0,62}$")]
    connection: Option<ConnectionName>,
    /// The office that its requests belong to. Left out: the tenant's first.
    #[schema(value_type = Option<String>, pattern = "^ofc_[0-9a-f]{32}$")]
    office_id: Option<OfficeId>,
    /// The tenant's account ids at the provider, in every form that its webhooks name it.
    #[serde(default)]
    accounts: Vec<String>,
}

/// What came of connecting a source.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ConnectedSource {
    /// Whether all steps were done. If not, the last one says what to do; the same call goes on from there.
    is_connected: bool,
    /// The source, once it is there.
    source: Option<Source>,
    /// What was done, in this order, up to the first step that failed.
    steps: Vec<ConnectStep>,
}

/// A step of connecting a source.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ConnectStep {
    /// Which.
    step: StepName,
    /// Whether it was done.
    is_done: bool,
    /// What was done; of one that failed, why, and what to do.
    detail: String,
}

/// The steps of connecting a source.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = ConnectStepName)]
pub(crate) enum StepName {
    /// The secret is checked at the provider.
    Credentials,
    /// Secret and settings are kept.
    Connection,
    /// The source is created, or found.
    Source,
    /// Its webhooks are registered at the provider.
    Webhooks,
    /// The key that signs them is kept.
    SigningKey,
}

/// A step that failed.
struct Failed(StepName, String);

/// Connects a source: checks the secret at the provider, keeps it, creates the source, registers its webhooks beside those
/// of others, and keeps the key that signs them.
///
/// It can be repeated: what was done before is found, and it goes on where it stopped.
#[utoipa::path(
    post,
    path = "/v1/tenants/{tenant_id}/sources/connect",
    tag = "sources",
    security(("bearer" = [])),
    params(("tenant_id" = String, Path, description = "The tenant's slug.")),
    request_body = NewConnectedSource,
    responses(
        (status = OK, description = "What was done, step by step.", body = ConnectedSource),
        Conflict,
        BodyProblems,
        TenantProblems
    )
)]
pub(crate) async fn connect_source(
    caller: TenantAdmin,
    State(deps): State<Deps>,
    Body(new): Body<NewConnectedSource>,
) -> Result<(Extension<NotKept>, Json<ConnectedSource>), Problem> {
    let outward = deps.outward.clone();
    let outward = outward.ok_or_else(|| Problem::conflict("This server reaches no provider."))?;
    let (spec, api) = new.check(&deps, &outward, caller.tenant()).await?;
    let mut steps = Vec::new();
    let connecting = Connecting {
        deps: &deps,
        outward: &outward,
        caller: &caller,
        spec,
        api: &*api,
    };
    let connected = connecting.run(new, &mut steps).await?;
    let (source, is_connected) = match connected {
        Ok(source) => (Some(source), true),
        Err((source, Failed(step, detail))) => {
            steps.push(ConnectStep {
                step,
                is_done: false,
                detail,
            });
            (source, false)
        }
    };
    let answer = ConnectedSource {
        is_connected,
        source: source.map(Into::into),
        steps,
    };
    Ok((Extension(NotKept), Json(answer)))
}

struct Connecting<'a> {
    deps: &'a Deps,
    outward: &'a Outward,
    caller: &'a TenantAdmin,
    spec: &'static SourceSpec,
    api: &'a dyn WebhooksApi,
}

/// The source as far as it came, and the step that failed.
type Stopped = (Option<store::Source>, Failed);

impl Connecting<'_> {
    async fn run(
        &self,
        new: NewConnectedSource,
        steps: &mut Vec<ConnectStep>,
    ) -> Result<Result<store::Source, Stopped>, Problem> {
        let tenant = self.caller.tenant();
        let mut done = |step, detail: String| {
            steps.push(ConnectStep {
                step,
                is_done: true,
                detail,
            });
        };
        let name = new.connection.clone();
        let name = name.map_or_else(|| ConnectionName::new(self.spec.slug), Ok);
        let name = name.map_err(Problem::internal)?;

        // 1. The secret, before anything is kept.
        let account = match self.account(&new, &name).await? {
            Ok(account) => account,
            Err(detail) => return Ok(Err((None, Failed(StepName::Credentials, detail)))),
        };
        match self.check(&account, &new.accounts).await? {
            Ok(whose) => done(
                StepName::Credentials,
                format!("{} takes it: {whose}.", self.spec.name),
            ),
            Err(detail) => return Ok(Err((None, Failed(StepName::Credentials, detail)))),
        }

        // 2. The connection.
        if let Some(secret) = new.secret {
            let secret = NewSecret {
                secret,
                provider: Some(self.spec.slug.to_owned()),
                settings: Some(account.settings.clone()),
            };
            connections::set(self.deps, self.caller, &name, &secret).await?;
            done(
                StepName::Connection,
                format!("The connection `{name}` is kept."),
            );
        } else {
            done(
                StepName::Connection,
                format!("The connection `{name}` was there already."),
            );
        }

        // 3. The source, and its URL.
        let there = self.registered(&account, &new.accounts).await?;
        let there = match there {
            Ok(there) => there,
            Err(detail) => return Ok(Err((None, Failed(StepName::Webhooks, detail)))),
        };
        let known = self.deps.store.sources(tenant).await?;
        let is_it = |known: &&store::Source| {
            known.provider == self.spec.slug && known.connection_name() == name
        };
        let known = known.iter().find(is_it).cloned();
        let (mut source, url) = match known {
            Some(source) => {
                let is_ours = |token: &str| source.token == Some(TokenHash::of(token));
                let url = our_url(&there, is_ours);
                let kept = urls::find(self.deps, &source).await?;
                let Some(url) = url.or(kept) else {
                    let detail = format!(
                        "The source {} was created by hand, and its URL, which was shown once, is not registered at {}. \
                         Enter the URL there, or disable the source and connect under another `connection`.",
                        source.id, self.spec.name
                    );
                    return Ok(Err((Some(source), Failed(StepName::Source, detail))));
                };
                urls::keep(self.deps, tenant, source.id, &url).await?;
                done(
                    StepName::Source,
                    format!("The source {} was there already.", source.id),
                );
                (source, url)
            }
            None => match self.create(&name, new.office_id, new.accounts).await? {
                Ok((source, url)) => {
                    done(
                        StepName::Source,
                        format!("The source {} is created.", source.id),
                    );
                    (source, url)
                }
                Err(detail) => return Ok(Err((None, Failed(StepName::Source, detail)))),
            },
        };

        // 4. The webhooks.
        let key = reconcile::newest_key(self.deps, &source).await;
        let wanted = self.api.wanted(&url);
        let registered = self
            .api
            .register(&account, &source.accounts, &wanted, key.as_ref())
            .await;
        let signing_key = match registered {
            Ok(signing_key) => signing_key,
            Err(error) => {
                let detail = format!(
                    "{} did not register the webhooks: {error}. Call this again; what is done stays.",
                    self.spec.name
                );
                return Ok(Err((Some(source), Failed(StepName::Webhooks, detail))));
            }
        };
        let events: Vec<_> = self
            .api
            .wanted(&url)
            .into_iter()
            .map(|(event, _)| event)
            .collect();
        done(
            StepName::Webhooks,
            format!("{} posts {}.", self.spec.name, events.join(", ")),
        );

        // 5. The key.
        match self.key(&mut source, signing_key).await? {
            Ok(detail) => done(StepName::SigningKey, detail),
            Err(detail) => {
                return Ok(Err((Some(source), Failed(StepName::SigningKey, detail))));
            }
        }
        if let Some(apis) = self.outward.apis.get(self.spec.slug) {
            let kinds = reconcile::kinds(apis);
            self.deps
                .store
                .ensure_sweeps(tenant, source.id, &kinds)
                .await?;
        }
        Ok(Ok(source))
    }

    /// The account as it would be; an error says what is missing.
    async fn account(
        &self,
        new: &NewConnectedSource,
        name: &ConnectionName,
    ) -> Result<Result<Account, String>, Problem> {
        let tenant = self.caller.tenant();
        let known = self.deps.store.connection(tenant, name).await?;
        let settings = new.settings.clone();
        let settings = settings.or_else(|| known.as_ref().map(|known| known.settings.clone()));
        let settings = settings.unwrap_or_default();
        let secret = match &new.secret {
            Some(secret) => secret.0.clone(),
            None if known.is_some() => {
                let opened = self
                    .outward
                    .accounts
                    .open(tenant, name, self.spec.slug)
                    .await;
                match opened {
                    Ok(account) => account.secret,
                    Err(error) => return Ok(Err(format!("{error}: enter the secret."))),
                }
            }
            None => {
                let what = self
                    .spec
                    .account
                    .map_or("the account's secret", |spec| spec.secret);
                return Ok(Err(format!("Enter `secret`: {what}.")));
            }
        };
        let required = self.spec.account.map_or(&[][..], |spec| spec.settings);
        let is_missing = |key: &str| {
            settings
                .get(key)
                .is_none_or(|value| value.trim().is_empty())
        };
        if let Some(setting) = required
            .iter()
            .find(|setting| setting.is_required && is_missing(setting.key))
        {
            return Ok(Err(format!(
                "Enter `settings.{}`: {}.",
                setting.key, setting.about
            )));
        }
        Ok(Ok(Account {
            tenant: tenant.clone(),
            connection: name.clone(),
            version: known.map_or(0, |known| known.version),
            secret,
            settings,
        }))
    }

    /// Whose account it is; an error says why the provider does not take it.
    async fn check(
        &self,
        account: &Account,
        accounts: &[String],
    ) -> Result<Result<String, String>, Problem> {
        if let Err(detail) = self.admit(account).await? {
            return Ok(Err(detail));
        }
        let checked = self.api.check(account, accounts).await;
        Ok(checked.map_err(|error| {
            format!(
                "{}: {error}. Nothing was kept; check what was entered.",
                self.spec.name
            )
        }))
    }

    async fn registered(
        &self,
        account: &Account,
        accounts: &[String],
    ) -> Result<Result<Vec<::sources::Registration>, String>, Problem> {
        let registered = self.api.registered(account, accounts).await;
        Ok(registered.map_err(|error| {
            format!(
                "{} does not say which webhooks there are: {error}. Call this again.",
                self.spec.name
            )
        }))
    }

    async fn admit(&self, account: &Account) -> Result<Result<(), String>, Problem> {
        const REQUESTS: u32 = 5;
        match reconcile::admit(self.deps, self.spec, account, REQUESTS).await {
            Ok(()) => Ok(Ok(())),
            Err(Fault::NoRoom(wait)) => Ok(Err(format!(
                "The requests of this account at {} are used up: try again in {} s.",
                self.spec.name,
                wait.as_secs()
            ))),
            Err(Fault::Provider { reason, .. }) => Ok(Err(reason)),
            Err(Fault::Store(error)) => Err(error.into()),
        }
    }

    /// Creates the source with a URL that is kept; an error says what to do.
    async fn create(
        &self,
        name: &ConnectionName,
        office: Option<OfficeId>,
        accounts: Vec<String>,
    ) -> Result<Result<(store::Source, String), String>, Problem> {
        let (deps, tenant) = (self.deps, self.caller.tenant());
        if deps.public_url.is_empty() {
            let detail = "This server does not know where senders reach it: set PUBLIC_URL, and call this again.";
            return Ok(Err(detail.to_owned()));
        }
        let id = create::id_of_call(tenant, &format!("connect/{}/{name}", self.spec.slug));
        let token = URL_SAFE_NO_PAD.encode(random_bytes::<TOKEN_BYTES>()?);
        let url = format!("{}/v1/hooks/{token}", deps.public_url);
        let random = random_bytes::<32>()?;
        let made = self.spec.verification.made_key(&[], &random);
        let key = match made {
            Some(key) => Some(SigningKey::of(key).keep(deps, tenant).await?),
            None => None,
        };
        let source = store::Source {
            id,
            tenant: tenant.clone(),
            provider: self.spec.slug.to_owned(),
            connection: (name.as_str() != self.spec.slug).then(|| name.clone()),
            office,
            token: Some(TokenHash::of(&token)),
            accounts: create::distinct(accounts),
            key_names: key.iter().map(ToString::to_string).collect(),
            schemes: Vec::new(),
            state: SourceState::Active,
            name: None,
            version: 1,
        };
        urls::keep(deps, tenant, id, &url).await?;
        let act = self
            .caller
            .act("source.create", &id)
            .saying(format!("{} by connecting it", self.spec.name));
        match deps.store.create_source(&source, &act).await {
            Ok(()) => Ok(Ok((source, url))),
            Err(StoreError::Conflict(reason)) => Ok(Err(format!(
                "The source cannot be created: {reason}. Disable the other source, or enter other `accounts`."
            ))),
            Err(error) => Err(error.into()),
        }
    }

    /// Keeps the key that signs, if the source has it not yet.
    async fn key(
        &self,
        source: &mut store::Source,
        given: Option<SecretString>,
    ) -> Result<Result<String, String>, Problem> {
        let (deps, tenant) = (self.deps, self.caller.tenant());
        let Some(given) = given else {
            return Ok(if source.key_names.is_empty() {
                Err(format!(
                    "{} does not tell its signing key: add it to the source by hand.",
                    self.spec.name
                ))
            } else {
                Ok("Deliveries are signed with the source's own key.".to_owned())
            });
        };
        let key = SigningKey::of(given);
        if key.is_of(deps, source).await? {
            return Ok(Ok("The signing key was kept already.".to_owned()));
        }
        let name = key.keep(deps, tenant).await?;
        let act = self
            .caller
            .act("source.add_key", &source.id)
            .saying(format!("the key {name}"));
        let change = SourceChange::AddKey(name.to_string());
        match deps
            .store
            .change_source(tenant, source.id, change, &act)
            .await
        {
            Ok(changed) => {
                *source = changed;
                Ok(Ok("The key that signs deliveries is kept.".to_owned()))
            }
            Err(StoreError::Conflict(reason)) => Ok(Err(format!(
                "The signing key is another one, and {reason}."
            ))),
            Err(error) => Err(error.into()),
        }
    }
}

impl NewConnectedSource {
    /// Checks what does not need the provider.
    async fn check(
        &self,
        deps: &Deps,
        outward: &Outward,
        tenant: &TenantId,
    ) -> Result<(&'static SourceSpec, std::sync::Arc<dyn WebhooksApi>), Problem> {
        let mut faults = Faults::default();
        let api = |slug: &str| {
            outward
                .apis
                .get(slug)
                .and_then(|apis| apis.webhooks.clone())
        };
        let known = deps.sources.get(&self.provider).map(|known| known.spec());
        let found = known.and_then(|spec| Some((spec, api(spec.slug)?)));
        if found.is_none() {
            let by_call = deps.sources.iter().map(|source| source.spec().slug);
            let by_call: Vec<_> = by_call.filter(|slug| api(slug).is_some()).collect();
            faults.add(
                "provider",
                format!(
                    "one of {}; the webhooks of others are entered by hand, with the URLs of a source that is created",
                    by_call.join(", ")
                ),
            );
        }
        create::check_accounts(&self.accounts, &mut faults);
        if let Some(office) = self.office_id {
            let offices = deps.store.offices(tenant).await?;
            if !offices.iter().any(|known| known.id == office) {
                faults.add("office_id", "an office of this tenant");
            }
        }
        faults.finish(BODY)?;
        found.ok_or_else(|| Problem::internal("a fault was not noted"))
    }
}
