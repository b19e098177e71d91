//! Creating a source: its URLs are shown once, and what is kept of them is a hash.

use std::collections::BTreeSet;

use ::sources::SourceSpec;
use axum::{Extension, extract::State};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use domain::{ConnectionName, OfficeId, SourceId, TenantId, text};
use http::{HeaderName, HeaderValue, StatusCode};
use runtime::{Json, Problem};
use serde::{Deserialize, Serialize};
use store::{SourceState, TokenHash};
use utoipa::ToSchema;
use uuid::Uuid;

use super::{Source, find, keys, keys::SigningKey};
use crate::{
    Deps,
    auth::TenantAdmin,
    body::Body,
    faults::{BODY, Faults},
    idempotency::{self, IdempotencyKey, Itself},
    preconditions::etag,
    problems::{BodyProblems, Conflict, TenantProblems},
    providers::SourceProvider,
    random_bytes,
    reconcile::urls,
    secret_text::SecretText,
};

/// The longest name, in characters.
const MAX_NAME: usize = 100;
/// Most accounts of one source.
const MAX_ACCOUNTS: usize = 20;
/// Random bytes of a URL's token.
pub(super) const TOKEN_BYTES: usize = 32;

/// A source to be created.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewSource {
    /// The provider's slug.
    #[schema(value_type = SourceProvider)]
    provider: String,
    /// What you call it: up to 100 characters on one line. Left out: nothing.
    #[schema(min_length = 1, max_length = 100)]
    name: Option<String>,
    /// The connection that opens the tenant's account at the provider. Left out: the one named like the provider.
    #[schema(value_type = Option<String>, pattern = "^[a-z0-9][a-z0-9_-]{0,62}$")]
    connection: Option<ConnectionName>,
    /// The office that its requests belong to. Left out: the tenant's first.
    #[schema(value_type = Option<String>, pattern = "^ofc_[0-9a-f]{32}$")]
    office_id: Option<OfficeId>,
    /// The tenant's account ids at the provider, in every form that it sends, such as a company's number and its text
    /// id. A body that names another one is kept for a person.
    #[serde(default)]
    #[schema(value_type = Vec<AccountId>, max_items = 20)]
    accounts: Vec<String>,
    /// The signature schemes that are taken. Left out: all that the provider has.
    #[serde(default)]
    schemes: Vec<String>,
    /// The key that signs deliveries, as the provider shows it. Left out where the sender takes one of our choice
    /// (the scheme `sha256-hex` alone): then one is made.
    #[schema(value_type = Option<String>, min_length = 1, format = Password, write_only)]
    signing_key: Option<SecretText>,
}

/// A source that was created.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CreatedSource {
    /// The source.
    source: Source,
    /// Its URLs. They hold a token that is shown this once; a repeated call has none.
    webhooks: Vec<Webhook>,
    /// The signing key when it was made here. It is shown this once.
    signing_key: Option<String>,
    /// What to do at the provider.
    set_up: String,
}

/// It holds secrets, so a repeat is told by the source's id.
type Answer = (
    StatusCode,
    [(HeaderName, HeaderValue); 1],
    Extension<Itself>,
    Json<CreatedSource>,
);

/// A URL that a provider posts to.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Webhook {
    /// The provider's name of the event; null where one URL takes everything.
    event: Option<String>,
    /// The URL. Whoever knows it can try to post there, so it is treated like a key.
    url: String,
}

/// Creates a source.
///
/// The answer has the URLs to enter at the provider. With an `Idempotency-Key` it can be repeated: the same key and
/// body answer the same source again, without its URLs.
#[utoipa::path(
    post,
    path = "/v1/tenants/{tenant_id}/sources",
    tag = "sources",
    security(("bearer" = [])),
    params(
        ("tenant_id" = String, Path, description = "The tenant's slug."),
        ("Idempotency-Key" = Option<String>, Header, description = "Any text that names this call.")
    ),
    request_body = NewSource,
    responses(
        (
            status = CREATED,
            description = "The source, and its URLs this once.",
            body = CreatedSource,
            headers(("ETag" = String, description = "The source's version, for `If-Match`."))
        ),
        Conflict,
        BodyProblems,
        TenantProblems
    )
)]
pub(crate) async fn create_source(
    caller: TenantAdmin,
    key: IdempotencyKey,
    State(deps): State<Deps>,
    body: Body<NewSource>,
) -> Result<Answer, Problem> {
    let tenant = caller.tenant();
    let id = match key.of_call(caller.subject()) {
        Some(call) => id_of_call(tenant, &call),
        None => SourceId::from_uuid(deps.ids.next()),
    };
    let (new, faults) = body.open();
    let (mut source, spec, signing_key) = new.read(&deps, tenant, id, faults).await?;
    if let Some(known) = find(&deps, tenant, id).await? {
        return repeated(&deps, &source, signing_key.as_ref(), known, spec).await;
    }
    // The key of a public form stands in the page's source: the id does as well, and the URL can be shown again.
    let token = if spec.verification.is_public() {
        id.to_string()
    } else {
        URL_SAFE_NO_PAD.encode(random_bytes::<TOKEN_BYTES>()?)
    };
    source.token = Some(TokenHash::of(&token));
    let name = match &signing_key {
        Some(key) => Some(key.keep(&deps, tenant).await?),
        None => None,
    };
    source.key_names = name.iter().map(ToString::to_string).collect();
    let with = name.as_ref().map_or_else(
        || "without a key".to_owned(),
        |name| format!("with the key {name}"),
    );
    let act = caller
        .act("source.create", &id)
        .saying(format!("{} {with}", spec.name));
    if let Err(error) = deps.store.create_source(&source, &act).await {
        if let Some(name) = &name {
            keys::forget(&deps, tenant, name).await;
        }
        // The same call may have come twice at once.
        return match find(&deps, tenant, id).await? {
            Some(known) => repeated(&deps, &source, signing_key.as_ref(), known, spec).await,
            None => Err(error.into()),
        };
    }
    let known = deps.sources.get(&source.provider);
    if !spec.verification.is_public() && known.is_some_and(|known| known.test("").is_some()) {
        // A test posts to it.
        urls::keep(&deps, tenant, id, &url(&deps, spec, &token)).await?;
    }
    let created = CreatedSource {
        source: source.into(),
        webhooks: webhooks(spec, &url(&deps, spec, &token)),
        signing_key: signing_key.and_then(|key| key.shown()),
        set_up: spec.set_up.to_owned(),
    };
    Ok(answer(created))
}

fn answer(created: CreatedSource) -> Answer {
    let tag = etag(created.source.version);
    (StatusCode::CREATED, tag, Extension(Itself), Json(created))
}

impl NewSource {
    /// The source as far as the body says it, with its key.
    async fn read(
        self,
        deps: &Deps,
        tenant: &TenantId,
        id: SourceId,
        mut faults: Faults,
    ) -> Result<(store::Source, &'static SourceSpec, Option<SigningKey>), Problem> {
        let spec = deps.sources.get(&self.provider).map(|source| source.spec());
        if spec.is_none() {
            let sources = deps.sources.iter();
            let slugs: Vec<_> = sources.map(|source| source.spec().slug).collect();
            faults.add("provider", format!("one of {}", slugs.join(", ")));
        }
        if let Some(name) = &self.name {
            check_name(name, &mut faults);
        }
        check_accounts(&self.accounts, &mut faults);
        if let Some(office) = self.office_id {
            check_office(deps, tenant, office, &mut faults).await?;
        }
        let key = spec.and_then(|spec| {
            let names = spec.verification.names();
            let is_unknown = |(_, scheme): &(usize, &String)| !names.contains(&scheme.as_str());
            let unknown: Vec<_> = self.schemes.iter().enumerate().filter(is_unknown).collect();
            for (index, _) in &unknown {
                let wanted = match names.as_slice() {
                    [] => "nothing: the provider has no schemes to choose from".to_owned(),
                    names => format!("one of {}", names.join(", ")),
                };
                faults.add(format!("schemes.{index}"), wanted);
            }
            if !unknown.is_empty() {
                return None;
            }
            SigningKey::read(spec, &self.schemes, self.signing_key, &mut faults)
        });
        faults.finish(BODY)?;
        let Some(spec) = spec else {
            return Err(Problem::internal("a fault was not noted"));
        };
        let source = store::Source {
            id,
            tenant: tenant.clone(),
            provider: self.provider,
            connection: self.connection,
            office: self.office_id,
            token: None,
            accounts: distinct(self.accounts),
            key_names: Vec::new(),
            schemes: distinct(self.schemes),
            state: SourceState::Active,
            name: self.name,
            version: 1,
        };
        Ok((source, spec, key))
    }
}

/// Notes it when a name is none.
pub(super) fn check_name(name: &str, faults: &mut Faults) {
    if text::line(name, MAX_NAME).as_deref() != Some(name) {
        let wanted = format!("1 to {MAX_NAME} characters on one line, without spare white space");
        faults.add("name", wanted);
    }
}

/// Notes it when an office is not the tenant's.
pub(super) async fn check_office(
    deps: &Deps,
    tenant: &TenantId,
    office: OfficeId,
    faults: &mut Faults,
) -> Result<(), Problem> {
    let offices = deps.store.offices(tenant).await?;
    if !offices.iter().any(|known| known.id == office) {
        faults.add("office_id", "an office of this tenant");
    }
    Ok(())
}

/// A tenant's account at a provider, as its webhooks name it: 1 to 64 letters, digits, `_` and `-`.
#[derive(ToSchema)]
#[schema(pattern = "^[A-Za-z0-9_-]{1,64}$")]
pub(super) struct AccountId(#[expect(dead_code, reason = "its schema alone is used")] String);

/// Notes what is wrong with a source's accounts.
pub(super) fn check_accounts(accounts: &[String], faults: &mut Faults) {
    let is_account = |account: &String| {
        (1..=64).contains(&account.len())
            && account
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'))
    };
    if accounts.len() > MAX_ACCOUNTS {
        let wanted = format!("at most {MAX_ACCOUNTS} ids");
        faults.add_coded("accounts", "wrong_length", wanted);
        return;
    }
    for (index, account) in accounts.iter().enumerate() {
        if !is_account(account) {
            let wanted = "an id of 1 to 64 letters, digits, `_` and `-`";
            faults.add(format!("accounts.{index}"), wanted);
        }
    }
}

/// Answers a call whose source is there already.
async fn repeated(
    deps: &Deps,
    wanted: &store::Source,
    key: Option<&SigningKey>,
    known: store::Source,
    spec: &SourceSpec,
) -> Result<Answer, Problem> {
    let has_key = match key {
        None => true,
        Some(key) => key.is_ours || key.is_of(deps, &known).await?,
    };
    let is_same = known.provider == wanted.provider
        && known.name == wanted.name
        && known.connection == wanted.connection
        && known.office == wanted.office
        && known.accounts == wanted.accounts
        && known.schemes == wanted.schemes
        && has_key;
    if !is_same {
        return Err(
            Problem::unprocessable("A header is not valid. See `errors`.").with_error(
                idempotency::HEADER,
                "a key that was not used before: this one created another source",
            ),
        );
    }
    let created = CreatedSource {
        source: known.into(),
        webhooks: Vec::new(),
        signing_key: None,
        set_up: format!(
            "The source was created by an earlier call, whose answer showed its URLs. {}",
            spec.set_up
        ),
    };
    Ok(answer(created))
}

/// The source that a call of this name creates in this tenant, however often it is made.
pub(super) fn id_of_call(tenant: &TenantId, call: &str) -> SourceId {
    const SPACE: Uuid = Uuid::from_u128(0x9c1f_7a52_3d64_4b0e_8f6b_2e51_c7a4_90d3);
    // A slug holds no slash.
    let name = format!("{tenant}/{call}");
    SourceId::from_uuid(Uuid::new_v5(&SPACE, name.as_bytes()))
}

/// The URL of a source with this token.
pub(crate) fn url(deps: &Deps, spec: &SourceSpec, token: &str) -> String {
    let path = spec.hook().replace("{token}", token);
    format!("{}{path}", deps.public_url)
}

/// The URLs of a source, one for each of its events.
pub(super) fn webhooks(spec: &SourceSpec, url: &str) -> Vec<Webhook> {
    if spec.events.is_empty() {
        return vec![Webhook {
            event: None,
            url: url.to_owned(),
        }];
    }
    spec.events
        .iter()
        .map(|(name, label)| Webhook {
            event: Some((*label).to_owned()),
            url: format!("{url}/{name}"),
        })
        .collect()
}

/// The same in the same order, each once.
pub(super) fn distinct(mut texts: Vec<String>) -> Vec<String> {
    let mut seen = BTreeSet::new();
    texts.retain(|text| seen.insert(text.clone()));
    texts
}
