//! Connecting a source in one call: from a secret to webhooks that are registered.
//!
//! Every step can be repeated, and finds what an earlier call did: the source's id follows from provider and connection,
//! its URL is kept before the source is created, and registering adds nothing twice.
//!
//! A provider without an API for webhooks is connected as far as that goes: `by_hand` says what is left to a person.

mod by_hand;

use std::collections::BTreeMap;

use ::sources::{SourceSpec, WebhooksApi, our_url};
use axum::{Extension, extract::State};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use domain::{Account, Classify as _, ConnectionName, OfficeId, StoreError, TenantId};
use http::HeaderMap;
use runtime::{Json, Problem};
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use store::{SourceChange, SourceState, SourceUpdate, TokenHash};
use utoipa::ToSchema;

use super::{
    Source,
    create::{self, TOKEN_BYTES, Webhook},
    keys::{self, SigningKey},
};
use crate::{
    Deps,
    auth::TenantAdmin,
    body::Body,
    connections::{self, NewSecret},
    faults::{BODY, Faults},
    idempotency::NotKept,
    preconditions::etag,
    problems::{BodyProblems, Conflict, TenantProblems},
    providers::SourceProvider,
    random_bytes,
    reconcile::{self, Fault, Outward, urls},
    secret_text::SecretText,
};

/// A source to be connected.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewConnectedSource {
    /// The provider's slug.
    #[schema(value_type = SourceProvider)]
    provider: String,
    /// The secret of the tenant's account at the provider. Left out: the one that was entered before, or none where the
    /// provider has no account.
    #[schema(value_type = Option<String>, min_length = 1, format = Password, write_only)]
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
    #[schema(value_type = Vec<create::AccountId>, max_items = 20)]
    accounts: Vec<String>,
}

/// What came of connecting a source.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ConnectedSource {
    /// Whether all steps were done. If not, the last one says what to do; the same call goes on from there.
    is_connected: bool,
    /// The source, once it is there.
    source: Option<Source>,
    /// What was done, in this order, up to the first step that failed or is a person's.
    steps: Vec<ConnectStep>,
    /// What a person does at a provider that has no API for it, in this order. Empty where the call does all.
    by_hand: Vec<String>,
    /// The URLs to enter there, until the first delivery has come by them. They hold a token, so they are as good as a key.
    webhooks: Vec<Webhook>,
    /// The signing key to enter there, where it was made by this call. It is shown this once.
    signing_key: Option<String>,
}

/// A step of connecting a source.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ConnectStep {
    /// Which.
    step: StepName,
    /// Whether it was done.
    is_done: bool,
    /// What was done; of one that was not, why, and what to do.
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
/// Where the catalogue says that a provider is not connected by a call, the source is created all the same, and `by_hand`
/// says what is left to do there, with the URLs to enter.
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
        (
            status = OK,
            description = "What was done, step by step.",
            body = ConnectedSource,
            headers(("ETag" = String, description = "The source's version, for `If-Match`, once it is there."))
        ),
        Conflict,
        BodyProblems,
        TenantProblems
    )
)]
pub(crate) async fn connect_source(
    caller: TenantAdmin,
    State(deps): State<Deps>,
    Body(new): Body<NewConnectedSource>,
) -> Result<(HeaderMap, Extension<NotKept>, Json<ConnectedSource>), Problem> {
    let outward = deps.outward.clone();
    let outward = outward.ok_or_else(|| Problem::conflict("This server reaches no provider."))?;
    let spec = new.check(&deps, caller.tenant()).await?;
    let connecting = Connecting {
        deps: &deps,
        outward: &outward,
        caller: &caller,
        spec,
    };
    let apis = outward.apis.get(spec.slug);
    let answer = match apis.and_then(|apis| apis.webhooks.as_deref()) {
        Some(api) => connecting.by_call(api, new).await?,
        None => connecting.by_hand(new).await?,
    };
    let source = answer.source.iter();
    let tag = source.flat_map(|source| etag(source.version)).collect();
    Ok((tag, Extension(NotKept), Json(answer)))
}

struct Connecting<'a> {
    deps: &'a Deps,
    outward: &'a Outward,
    caller: &'a TenantAdmin,
    spec: &'static SourceSpec,
}

/// A source that was found or made, with its URL.
struct Made {
    source: store::Source,
    url: String,
    /// The key that was made for it now.
    key: Option<SigningKey>,
}

/// The source as far as it came, and the step that failed.
type Stopped = (Option<store::Source>, Failed);

impl ConnectStep {
    fn done(step: StepName, detail: String) -> Self {
        Self {
            step,
            is_done: true,
            detail,
        }
    }

    fn failed(Failed(step, detail): Failed) -> Self {
        Self {
            step,
            is_done: false,
            detail,
        }
    }
}

impl Connecting<'_> {
    /// Connects by the provider's API.
    async fn by_call(
        &self,
        api: &dyn WebhooksApi,
        new: NewConnectedSource,
    ) -> Result<ConnectedSource, Problem> {
        let mut steps = Vec::new();
        let (source, is_connected) = match self.run(api, new, &mut steps).await? {
            Ok(source) => (Some(source), true),
            Err((source, failed)) => {
                steps.push(ConnectStep::failed(failed));
                (source, false)
            }
        };
        Ok(ConnectedSource {
            is_connected,
            source: source.map(Into::into),
            steps,
            by_hand: Vec::new(),
            webhooks: Vec::new(),
            signing_key: None,
        })
    }

    async fn run(
        &self,
        api: &dyn WebhooksApi,
        new: NewConnectedSource,
        steps: &mut Vec<ConnectStep>,
    ) -> Result<Result<store::Source, Stopped>, Problem> {
        let tenant = self.caller.tenant();
        let mut done = |step, detail: String| steps.push(ConnectStep::done(step, detail));
        let name = self.name(&new)?;
        let known = self.known(&name).await?;

        // 1. The secret, and whose accounts it opens, before anything is kept.
        let account = match self.account(&new, &name).await? {
            Ok(account) => account,
            Err(detail) => return Ok(Err((None, Failed(StepName::Credentials, detail)))),
        };
        let entered = match &known {
            // What was chosen before stays chosen where nothing else is said.
            Some(source) if new.accounts.is_empty() && new.settings.is_none() => &source.accounts,
            Some(_) | None => &new.accounts,
        };
        match self.check(api, &account, entered).await? {
            Ok(whose) => done(
                StepName::Credentials,
                format!("{} takes it: {whose}.", self.spec.name),
            ),
            Err(detail) => return Ok(Err((None, Failed(StepName::Credentials, detail)))),
        }
        let chosen = match api.accounts(&account, entered).await {
            Ok(chosen) => chosen,
            Err(error) => {
                let detail = format!("{}: {error}. Nothing was kept.", self.spec.name);
                return Ok(Err((None, Failed(StepName::Credentials, detail))));
            }
        };
        let accounts = create::distinct(chosen.clone().unwrap_or_else(|| entered.clone()));
        let mut faults = Faults::default();
        create::check_accounts(&accounts, &mut faults);
        faults.finish(BODY)?;
        if let Some(detail) = self.taken(&accounts, known.as_ref()).await? {
            return Ok(Err((known, Failed(StepName::Source, detail))));
        }
        let gone = match (&chosen, &known) {
            (Some(_), Some(source)) => self.gone(api, &account, source, &accounts).await?,
            _ => None,
        };

        // 2. The connection.
        let kept = self.keep(&name, new.secret, &account).await?;
        done(StepName::Connection, kept);

        // 3. The source, and its URL.
        let there = self.registered(api, &account, &accounts).await?;
        let there = match there {
            Ok(there) => there,
            Err(detail) => return Ok(Err((None, Failed(StepName::Webhooks, detail)))),
        };
        let made = match known {
            Some(mut source) => {
                if chosen.is_some() {
                    // Those of before count until nothing is posted of them any more.
                    let all = source.accounts.iter().chain(&accounts).cloned();
                    let all = create::distinct(all.collect());
                    if let Err(detail) = self.choose(&mut source, all).await? {
                        return Ok(Err((Some(source), Failed(StepName::Source, detail))));
                    }
                }
                let is_ours = |token: &str| source.token == Some(TokenHash::of(token));
                let url = our_url(&there, is_ours);
                let url = url.map(|url| urls::here(self.deps, self.spec, &url));
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
                Ok(Made {
                    source,
                    url,
                    key: None,
                })
            }
            None => {
                let made = self.create(&name, new.office_id, accounts.clone()).await?;
                if let Ok(made) = &made {
                    let detail = format!("The source {} is created.", made.source.id);
                    done(StepName::Source, detail);
                }
                made
            }
        };
        let Made {
            mut source, url, ..
        } = match made {
            Ok(made) => made,
            Err(detail) => return Ok(Err((None, Failed(StepName::Source, detail)))),
        };

        // 4. The webhooks.
        let key = reconcile::newest_key(self.deps, &source).await;
        let wanted = api.wanted(&account, &url);
        let of_source = match &chosen {
            Some(_) => &accounts,
            None => &source.accounts,
        };
        let registered = api
            .register(&account, of_source, &wanted, key.as_ref())
            .await;
        let signing_key = match registered {
            Ok(signing_key) => signing_key,
            Err(error) => {
                let answer = error.answer();
                let answer = answer.map(|answer| format!(" ({answer})"));
                let detail = format!(
                    "{} did not register the webhooks: {error}{}. Call this again; what is done stays.",
                    self.spec.name,
                    answer.unwrap_or_default()
                );
                return Ok(Err((Some(source), Failed(StepName::Webhooks, detail))));
            }
        };
        let events: Vec<_> = wanted.into_iter().map(|(event, _)| event).collect();
        let mut detail = format!("{} posts {}.", self.spec.name, events.join(", "));
        let mut stale = Vec::new();
        if let Some((before, gone)) = &gone {
            match api.withdraw(before, gone, &accounts, &url).await {
                Ok(keys) => stale = keys,
                Err(error) => {
                    let gone = gone.join(", ");
                    detail = format!(
                        "{detail} It did not take our URL away from {gone} ({error}): remove it there by hand."
                    );
                }
            }
        }
        done(StepName::Webhooks, detail);

        // 5. The key.
        if source.key_names.len() >= store::Source::MAX_KEYS {
            self.drop_keys(&mut source, &stale).await?;
        }
        match self.key(&mut source, signing_key).await? {
            Ok(detail) => done(StepName::SigningKey, detail),
            Err(detail) => {
                return Ok(Err((Some(source), Failed(StepName::SigningKey, detail))));
            }
        }
        self.drop_keys(&mut source, &stale).await?;
        if chosen.is_some()
            && let Err(detail) = self.choose(&mut source, accounts).await?
        {
            return Ok(Err((Some(source), Failed(StepName::Source, detail))));
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

    /// The connection's name.
    fn name(&self, new: &NewConnectedSource) -> Result<ConnectionName, Problem> {
        let name = new.connection.clone();
        let name = name.map_or_else(|| ConnectionName::new(self.spec.slug), Ok);
        name.map_err(Problem::internal)
    }

    /// The source of this provider and connection.
    async fn known(&self, name: &ConnectionName) -> Result<Option<store::Source>, Problem> {
        let known = self.deps.store.sources(self.caller.tenant()).await?;
        let is_it = |known: &store::Source| {
            known.provider == self.spec.slug && known.connection_name() == *name
        };
        Ok(known.into_iter().find(is_it))
    }

    /// What to do where another source has one of these accounts already; none if nobody has.
    async fn taken(
        &self,
        accounts: &[String],
        known: Option<&store::Source>,
    ) -> Result<Option<String>, Problem> {
        for account in accounts {
            let (store, slug) = (&self.deps.store, self.spec.slug);
            let owner = store
                .source_by_account_across_tenants(slug, account)
                .await?;
            if owner.is_some_and(|owner| known.is_none_or(|known| known.id != owner.id)) {
                return Ok(Some(refused(&format!(
                    "the {slug} account belongs to another source"
                ))));
            }
        }
        Ok(None)
    }

    /// The accounts that the source had, or its connection chose, and that are chosen no more, with the account that opens
    /// them. None if there are none.
    async fn gone(
        &self,
        api: &dyn WebhooksApi,
        account: &Account,
        source: &store::Source,
        chosen: &[String],
    ) -> Result<Option<(Account, Vec<String>)>, Problem> {
        let name = source.connection_name();
        let stored = self.deps.store.connection(&source.tenant, &name).await?;
        let before = Account {
            settings: stored.map_or_else(|| account.settings.clone(), |stored| stored.settings),
            ..account.clone()
        };
        let had = api.accounts(&before, &source.accounts).await;
        // Where the provider no longer tells, the source does.
        let had = had.ok().flatten();
        let mut had = create::distinct(had.unwrap_or_else(|| source.accounts.clone()));
        had.retain(|id| !chosen.contains(id));
        Ok((!had.is_empty()).then_some((before, had)))
    }

    /// Has the source stand for these accounts; an error says what to do.
    async fn choose(
        &self,
        source: &mut store::Source,
        accounts: Vec<String>,
    ) -> Result<Result<(), String>, Problem> {
        if source.accounts == accounts {
            return Ok(Ok(()));
        }
        let act = self
            .caller
            .act("source.change", &source.id)
            .saying(format!("of the accounts {}", accounts.join(", ")))
            .making(source.version + 1);
        let change = SourceChange::Update(SourceUpdate {
            expected: source.version,
            name: source.name.clone(),
            office: source.office,
            accounts,
        });
        let (store, tenant) = (&self.deps.store, self.caller.tenant());
        match store.change_source(tenant, source.id, change, &act).await {
            Ok(changed) => {
                *source = changed;
                Ok(Ok(()))
            }
            Err(StoreError::Conflict(reason)) => Ok(Err(refused(&reason))),
            Err(error) => Err(error.into()),
        }
    }

    /// Forgets keys that sign for accounts which are no longer the source's. The last one stays: a source without a key
    /// takes nothing.
    async fn drop_keys(
        &self,
        source: &mut store::Source,
        stale: &[SecretString],
    ) -> Result<(), Problem> {
        for key in stale {
            let key = SigningKey::of(key.clone());
            let Some(name) = key.name_in(self.deps, source).await else {
                continue;
            };
            if source.key_names.len() < 2 {
                break;
            }
            let act = self
                .caller
                .act("source.remove_key", &source.id)
                .saying(format!("the key {name}, of an account that is gone"));
            let change = SourceChange::RemoveKey(name.clone());
            let (store, tenant) = (&self.deps.store, self.caller.tenant());
            *source = store.change_source(tenant, source.id, change, &act).await?;
            if let Ok(name) = name.parse() {
                keys::forget(self.deps, tenant, &name).await;
            }
        }
        Ok(())
    }

    /// Keeps the account's secret, if one was entered. Returns what was done.
    async fn keep(
        &self,
        name: &ConnectionName,
        secret: Option<SecretText>,
        account: &Account,
    ) -> Result<String, Problem> {
        let Some(secret) = secret else {
            return Ok(format!("The connection `{name}` was there already."));
        };
        let secret = NewSecret {
            secret,
            provider: Some(self.spec.slug.to_owned()),
            settings: Some(account.settings.clone()),
        };
        connections::set(self.deps, self.caller, name, &secret, true).await?;
        Ok(format!("The connection `{name}` is kept."))
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
        api: &dyn WebhooksApi,
        account: &Account,
        accounts: &[String],
    ) -> Result<Result<String, String>, Problem> {
        if let Err(detail) = self.admit(account).await? {
            return Ok(Err(detail));
        }
        let checked = api.check(account, accounts).await;
        Ok(checked.map_err(|error| {
            format!(
                "{}: {error}. Nothing was kept; check what was entered.",
                self.spec.name
            )
        }))
    }

    async fn registered(
        &self,
        api: &dyn WebhooksApi,
        account: &Account,
        accounts: &[String],
    ) -> Result<Result<Vec<::sources::Registration>, String>, Problem> {
        let registered = api.registered(account, accounts).await;
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
    ) -> Result<Result<Made, String>, Problem> {
        let (deps, tenant) = (self.deps, self.caller.tenant());
        if deps.public_url.is_empty() {
            let detail = "This server does not know where senders reach it: set PUBLIC_URL, and call this again.";
            return Ok(Err(detail.to_owned()));
        }
        let id = create::id_of_call(tenant, &format!("connect/{}/{name}", self.spec.slug));
        // The id of a public form's source stands in its page.
        let token = if self.spec.verification.is_public() {
            id.to_string()
        } else {
            URL_SAFE_NO_PAD.encode(random_bytes::<TOKEN_BYTES>()?)
        };
        let url = create::url(deps, self.spec, &token);
        let random = random_bytes::<32>()?;
        let made = self.spec.verification.made_key(&[], &random);
        let made = made.map(SigningKey::made);
        let key = match &made {
            Some(key) => Some(key.keep(deps, tenant).await?),
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
            Ok(()) => Ok(Ok(Made {
                source,
                url,
                key: made,
            })),
            Err(StoreError::Conflict(reason)) => Ok(Err(refused(&reason))),
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

/// Why a source cannot have an account, and what to do.
fn refused(reason: &str) -> String {
    format!(
        "The source cannot be connected: {reason}. Disable the other source, or enter other accounts."
    )
}

impl NewConnectedSource {
    /// Checks what does not need the provider.
    async fn check(&self, deps: &Deps, tenant: &TenantId) -> Result<&'static SourceSpec, Problem> {
        let mut faults = Faults::default();
        let spec = deps.sources.get(&self.provider).map(|known| known.spec());
        if spec.is_none() {
            let slugs = deps.sources.iter().map(|source| source.spec().slug);
            let slugs: Vec<_> = slugs.collect();
            faults.add("provider", format!("one of {}", slugs.join(", ")));
        }
        if let Some(spec) = spec
            && spec.account.is_none()
            && (self.secret.is_some() || self.settings.is_some())
        {
            let given = [
                ("secret", self.secret.is_some()),
                ("settings", self.settings.is_some()),
            ];
            for (field, _) in given.into_iter().filter(|(_, is_given)| *is_given) {
                faults.add(
                    field,
                    format!("nothing: {} has no account to open", spec.name),
                );
            }
        }
        create::check_accounts(&self.accounts, &mut faults);
        if let Some(office) = self.office_id {
            create::check_office(deps, tenant, office, &mut faults).await?;
        }
        faults.finish(BODY)?;
        spec.ok_or_else(|| Problem::internal("a fault was not noted"))
    }
}
