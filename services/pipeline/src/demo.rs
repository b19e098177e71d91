//! The demo tenant: made on the first start of the embedded product, and nowhere else. Its ids and keys are fixed and
//! public, so that documented samples verify as they stand.

use std::collections::BTreeMap;

use anyhow::Context as _;
use domain::{
    City, ConnectionName, Destination, EmailAddress, NotificationRules, Office, OfficeId,
    ServiceArea, SourceId, Tenant, TenantId, TenantStatus, WorkflowConfig,
};
use secrecy::SecretString;
use secrets::{SecretName, SecretRef, Secrets};
use store::{Connection, ConnectionState, Source, SourceState, Store, TokenHash};
use uuid::Uuid;

/// The tenant's id.
pub const TENANT: &str = "tenant_demo";
/// CallRail's account of the tenant.
pub const CALLRAIL_ACCOUNT: &str = "ACC1a2b3c4d5e6f47089a0b1c2d3e4f5a6b";
/// CallRail's company, in every form that deliveries name it.
pub const CALLRAIL_COMPANIES: [&str; 3] =
    ["481516234", "COM3f2a9c7d51e84b0aa6c1d2e3f4a5b6c7", "12345"];
/// The key that signs the tenant's CallRail deliveries.
pub const CALLRAIL_SIGNING_KEY: &str = "5f3d3ebe065cd800b8c154347437e958";
/// The token in the tenant's CallRail URLs.
pub const CALLRAIL_TOKEN: &str = "demo-callrail";
/// The token in the URL that SendGrid posts its events to.
pub const SENDGRID_TOKEN: &str = "demo-sendgrid";
/// Who is told of leads.
pub const MAIL_TO: &str = "sales@example.com";

/// Makes the demo tenant where it is missing. What somebody changed since stays. `event_key` proves SendGrid's events;
/// without one, the tenant's SendGrid source stays as it is.
///
/// # Errors
/// When store or secrets fail.
pub async fn ensure(
    store: &dyn Store,
    secrets: &dyn Secrets,
    event_key: Option<&str>,
) -> anyhow::Result<()> {
    let tenant = TenantId::new(TENANT).context("the demo tenant's id")?;
    if let Some(key) = event_key {
        ensure_sendgrid_key(store, secrets, key, &tenant).await?;
    }
    if store.tenant(&tenant).await?.is_some() {
        return Ok(());
    }
    let signing_key = put_secret(
        secrets,
        &tenant,
        "callrail_signing_key",
        CALLRAIL_SIGNING_KEY,
    )
    .await?;
    connect(
        store,
        secrets,
        &tenant,
        "callrail",
        &simulators::callrail::Config::default().api_keys,
        [
            ("account_id", CALLRAIL_ACCOUNT.to_owned()),
            ("company_ids", CALLRAIL_COMPANIES.join(",")),
        ],
    )
    .await?;
    connect(
        store,
        secrets,
        &tenant,
        "hubspot",
        &simulators::hubspot::Config::default().tokens,
        [],
    )
    .await?;
    connect(
        store,
        secrets,
        &tenant,
        "sendgrid",
        &simulators::sendgrid::Config::default().api_keys,
        [],
    )
    .await?;
    let office = office(&tenant)?;
    store.put_office(&office).await?;
    store
        .put_source(&Source {
            id: SourceId::from_uuid(fixed(2)),
            tenant: tenant.clone(),
            provider: "callrail".to_owned(),
            office: Some(office.id),
            token: Some(TokenHash::of(CALLRAIL_TOKEN)),
            accounts: CALLRAIL_COMPANIES.map(str::to_owned).to_vec(),
            key_names: vec![signing_key.to_string()],
            schemes: Vec::new(),
            state: SourceState::Active,
        })
        .await?;
    // Last, because it marks that all of this is there.
    store
        .put_tenant(&Tenant {
            id: tenant,
            name: "Demo Company".to_owned(),
            status: TenantStatus::Active,
        })
        .await?;
    Ok(())
}

/// Lets the tenant's SendGrid source know the key that events are signed with: a simulator has a new one each time.
/// Nothing else of a source that is there changes.
async fn ensure_sendgrid_key(
    store: &dyn Store,
    secrets: &dyn Secrets,
    key: &str,
    tenant: &TenantId,
) -> anyhow::Result<()> {
    let key = put_secret(secrets, tenant, "sendgrid_event_key", key).await?;
    let id = SourceId::from_uuid(fixed(3));
    let known = store
        .sources(tenant)
        .await?
        .into_iter()
        .find(|source| source.id == id);
    if let Some(mut source) = known {
        source.key_names = vec![key.to_string()];
        return Ok(store.put_source(&source).await?);
    }
    store
        .put_source(&Source {
            id,
            tenant: tenant.clone(),
            provider: "sendgrid".to_owned(),
            office: None,
            token: Some(TokenHash::of(SENDGRID_TOKEN)),
            accounts: Vec::new(),
            key_names: vec![key.to_string()],
            schemes: Vec::new(),
            state: SourceState::Active,
        })
        .await?;
    Ok(())
}

fn office(tenant: &TenantId) -> anyhow::Result<Office> {
    let config = WorkflowConfig {
        service_area: ServiceArea {
            postal_codes: vec!["786xx".to_owned(), "787xx".to_owned()],
            cities: vec![City {
                name: "Round Rock".to_owned(),
                state: "TX".to_owned(),
            }],
            radius: None,
        },
        destinations: vec![Destination {
            connector: "hubspot".to_owned(),
            connection: ConnectionName::new("hubspot")?,
        }],
        notifications: NotificationRules {
            email: vec![EmailAddress::parse(MAIL_TO)?],
            from: Some(EmailAddress::parse("leads@example.com")?),
            ..NotificationRules::default()
        },
        ..WorkflowConfig::default()
    };
    config.check()?;
    Ok(Office {
        id: OfficeId::from_uuid(fixed(1)),
        tenant: tenant.clone(),
        name: "Austin".to_owned(),
        address: "500 Example Ave, Austin, TX 78701".to_owned(),
        time_zone: "America/Chicago".to_owned(),
        config,
        config_version: 1,
    })
}

/// Ids of the demo tenant are fixed, unlike any that a generator makes.
fn fixed(number: u128) -> Uuid {
    Uuid::from_u128(number)
}

async fn connect<const N: usize>(
    store: &dyn Store,
    secrets: &dyn Secrets,
    tenant: &TenantId,
    provider: &str,
    keys: &[String],
    settings: [(&str, String); N],
) -> anyhow::Result<()> {
    let key = keys
        .first()
        .with_context(|| format!("the simulated {provider} takes no key"))?;
    let reference = put_secret(secrets, tenant, provider, key).await?;
    store
        .put_connection(&Connection {
            tenant: tenant.clone(),
            name: ConnectionName::new(provider)?,
            provider: provider.to_owned(),
            version: 1,
            secret_version: reference.version,
            state: ConnectionState::Active,
            settings: settings
                .into_iter()
                .map(|(key, value)| (key.to_owned(), value))
                .collect::<BTreeMap<_, _>>(),
        })
        .await?;
    Ok(())
}

async fn put_secret(
    secrets: &dyn Secrets,
    tenant: &TenantId,
    name: &str,
    value: &str,
) -> anyhow::Result<SecretRef> {
    let name = SecretName::new(name)?;
    let version = secrets
        .put(tenant, &name, &SecretString::from(value))
        .await?;
    Ok(SecretRef { name, version })
}
