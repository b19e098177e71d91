//! The demo tenant: made on the first start of the embedded product, and nowhere else. What it has at each provider comes
//! with the provider's simulator, fixed and public, so that documented samples verify as they stand.

use std::collections::BTreeMap;

use anyhow::Context as _;
use catalogue::Provider;
use domain::{
    City, ConnectionName, Destination, EmailAddress, NotificationRules, Office, OfficeId,
    ServiceArea, SourceId, Tenant, TenantId, TenantStatus, WorkflowConfig,
};
use secrecy::SecretString;
use secrets::{SecretName, SecretRef, Secrets};
use simulators::{Demo, SIMULATORS, SimulatorSpec};
use sources::SourceSpec;
use store::{Connection, ConnectionState, Source, SourceState, Store, TokenHash};
use uuid::Uuid;

/// The tenant's id.
pub const TENANT: &str = "tenant_demo";
/// Who is told of leads.
pub const MAIL_TO: &str = "sales@example.com";

/// The token in the URLs that a provider posts the tenant's webhooks to. That of a URL which is no secret is the source's
/// id, as the API makes it.
pub fn token(provider: &str) -> String {
    if spec(provider).is_some_and(|spec| spec.verification.is_public()) {
        return source_id(provider).to_string();
    }
    format!("demo-{provider}")
}

/// The path that a provider posts the tenant's webhooks to; what stands behind it names the event, where a provider has
/// URLs for each.
pub fn hook(provider: &str) -> String {
    let path = spec(provider).map_or(::sources::HOOK, SourceSpec::hook);
    path.replace("{token}", &token(provider))
}

/// The URL's path for one event.
pub fn hook_of(provider: &str, event: &str) -> String {
    let hook = hook(provider);
    if spec(provider).is_some_and(|spec| spec.verification.is_public()) {
        return hook;
    }
    format!("{hook}/{event}")
}

/// The id of the tenant's source.
pub fn source_id(provider: &str) -> SourceId {
    SourceId::from_uuid(fixed(provider))
}

fn spec(provider: &str) -> Option<&'static SourceSpec> {
    let mut specs = ::sources::SOURCES.iter().map(|source| source.spec());
    specs.find(|spec| spec.slug == provider)
}

/// Makes the demo tenant where it is missing. What somebody changed since stays. `webhook_key` tells the key of a
/// provider that makes its own; without one, that source stays as it is.
///
/// # Errors
/// When store or secrets fail.
pub async fn ensure(
    store: &dyn Store,
    secrets: &dyn Secrets,
    webhook_key: impl Fn(&SimulatorSpec) -> Option<String>,
) -> anyhow::Result<()> {
    let seed = Seed {
        store,
        secrets,
        tenant: TenantId::new(TENANT).context("the demo tenant's id")?,
    };
    let providers = catalogue::providers();
    let simulated: Vec<_> = providers.iter().filter_map(simulated).collect();
    for (provider, spec, demo) in &simulated {
        if provider.is_source
            && demo.signing_key.is_none()
            && let Some(key) = webhook_key(spec)
        {
            seed.change_key(provider.slug, &key).await?;
        }
    }
    if store.tenant(&seed.tenant).await?.is_some() {
        return Ok(());
    }
    let office = office(&seed.tenant, &simulated)?;
    for (provider, spec, demo) in &simulated {
        if provider.account.is_some() {
            seed.connect(provider.slug, spec.credential, demo).await?;
        }
        if let Some(key) = demo.signing_key.filter(|_| provider.is_source) {
            let name = format!("{}_signing_key", provider.slug);
            let key = seed.put_secret(&name, key).await?;
            let source = seed.source(provider.slug, Some(office.id), demo.accounts, &key);
            store.put_source(&source).await?;
        }
    }
    store.put_office(&office).await?;
    // Last, because it marks that all of this is there.
    store
        .put_tenant(&Tenant {
            id: seed.tenant,
            name: "Demo Company".to_owned(),
            status: TenantStatus::Active,
        })
        .await?;
    Ok(())
}

/// Whether the demo tenant is there.
///
/// # Errors
/// When the store fails.
pub async fn is_there(store: &dyn Store) -> anyhow::Result<bool> {
    let tenant = TenantId::new(TENANT).context("the demo tenant's id")?;
    Ok(store.tenant(&tenant).await?.is_some())
}

/// A provider, its simulator, and what the tenant has there.
type Simulated<'a> = (&'a Provider, &'static SimulatorSpec, &'static Demo);

fn simulated(provider: &Provider) -> Option<Simulated<'_>> {
    let spec = SIMULATORS.iter().find(|spec| spec.slug == provider.slug)?;
    Some((provider, spec, spec.demo?))
}

/// Where the tenant is written.
struct Seed<'a> {
    store: &'a dyn Store,
    secrets: &'a dyn Secrets,
    tenant: TenantId,
}

impl Seed<'_> {
    async fn connect(&self, provider: &str, credential: &str, demo: &Demo) -> anyhow::Result<()> {
        let secret = self.put_secret(provider, credential).await?;
        let settings = demo.settings.iter();
        self.store
            .put_connection(&Connection {
                tenant: self.tenant.clone(),
                name: ConnectionName::new(provider)?,
                provider: provider.to_owned(),
                version: 1,
                secret_version: secret.version,
                state: ConnectionState::Active,
                settings: settings
                    .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
                    .collect::<BTreeMap<_, _>>(),
            })
            .await?;
        Ok(())
    }

    /// Tells a source the key that its webhooks are signed with now: a simulator makes one at each start. Nothing else
    /// of a source that is there changes.
    async fn change_key(&self, provider: &str, key: &str) -> anyhow::Result<()> {
        let key = self
            .put_secret(&format!("{provider}_signing_key"), key)
            .await?;
        let mut source = self.source(provider, None, &[], &key);
        let sources = self.store.sources(&self.tenant).await?;
        if let Some(known) = sources.into_iter().find(|known| known.id == source.id) {
            source = Source {
                key_names: source.key_names,
                ..known
            };
        }
        Ok(self.store.put_source(&source).await?)
    }

    fn source(
        &self,
        provider: &str,
        office: Option<OfficeId>,
        accounts: &[&str],
        key: &SecretRef,
    ) -> Source {
        Source {
            id: source_id(provider),
            tenant: self.tenant.clone(),
            provider: provider.to_owned(),
            connection: None,
            office,
            token: Some(TokenHash::of(&token(provider))),
            accounts: accounts.iter().map(|id| (*id).to_owned()).collect(),
            key_names: vec![key.to_string()],
            schemes: Vec::new(),
            state: SourceState::Active,
            name: None,
            version: 1,
        }
    }

    async fn put_secret(&self, name: &str, value: &str) -> anyhow::Result<SecretRef> {
        let name = SecretName::new(name)?;
        let version = self
            .secrets
            .put(&self.tenant, &name, &SecretString::from(value))
            .await?;
        Ok(SecretRef { name, version })
    }
}

/// An office that sends its leads to every CRM in which the tenant has an account.
fn office(tenant: &TenantId, simulated: &[Simulated<'_>]) -> anyhow::Result<Office> {
    let crms = simulated.iter().filter(|(provider, ..)| provider.is_crm);
    let destinations = crms.map(|(crm, ..)| {
        Ok(Destination {
            connector: crm.slug.to_owned(),
            connection: ConnectionName::new(crm.slug)?,
        })
    });
    let config = WorkflowConfig {
        service_area: ServiceArea {
            postal_codes: vec!["786xx".to_owned(), "787xx".to_owned()],
            cities: vec![City {
                name: "Round Rock".to_owned(),
                state: "TX".to_owned(),
            }],
            ..ServiceArea::default()
        },
        destinations: destinations.collect::<anyhow::Result<_>>()?,
        notifications: NotificationRules {
            email: vec![EmailAddress::parse(MAIL_TO)?],
            from: Some(EmailAddress::parse("leads@example.com")?),
            ..NotificationRules::default()
        },
        ..WorkflowConfig::default()
    };
    config.check()?;
    Ok(Office {
        id: OfficeId::from_uuid(fixed("office")),
        tenant: tenant.clone(),
        name: "Austin".to_owned(),
        address: "500 Example Ave, Austin, TX 78701".to_owned(),
        time_zone: "America/Chicago".to_owned(),
        config,
        config_version: 1,
    })
}

/// Ids of the demo tenant are the same on every machine, unlike any that a generator makes.
fn fixed(name: &str) -> Uuid {
    Uuid::new_v5(&Uuid::nil(), name.as_bytes())
}
