//! Tenants beside the demo tenant.

use std::collections::BTreeMap;

use domain::{
    ConnectionName, Destination, EmailAddress, NotificationRules, Office, OfficeId, ServiceArea,
    SourceId, Tenant, TenantId, TenantStatus, WorkflowConfig,
};
use secrecy::SecretString;
use secrets::{SecretName, SecretRef, Secrets};
use store::{Connection, ConnectionState, Source, SourceState, Store, TokenHash};
use uuid::Uuid;

use crate::{
    callrail::{CallBody, sha1_signature},
    world::{Answer, World},
};

/// A tenant with a CallRail source, whose leads go to the simulated HubSpot and by e-mail. It is not connected to
/// CallRail's API, so that its calls go on without a recording.
#[derive(Debug, Clone)]
pub struct Company {
    /// Its id.
    pub tenant: TenantId,
    /// The URL that its CallRail posts to, without the event.
    pub hook: String,
    /// The key that its CallRail signs with.
    pub signing_key: String,
}

impl Company {
    /// Makes the tenant `tenant_<name>`.
    pub(crate) async fn create(store: &dyn Store, secrets: &dyn Secrets, name: &str) -> Self {
        let tenant = TenantId::new(&format!("tenant_{name}")).unwrap();
        let signing_key = format!("the signing key of {name}");
        let put = async |secret: &str, value: &str| {
            let name = SecretName::new(secret).unwrap();
            let version = secrets
                .put(&tenant, &name, &SecretString::from(value))
                .await;
            SecretRef {
                name,
                version: version.unwrap(),
            }
        };
        let key = put("callrail_signing_key", &signing_key).await;
        let connections = [
            ("hubspot", &simulators::hubspot::Config::default().tokens[0]),
            (
                "sendgrid",
                &simulators::sendgrid::Config::default().api_keys[0],
            ),
        ];
        for (provider, secret) in connections {
            let reference = put(provider, secret).await;
            store
                .put_connection(&Connection {
                    tenant: tenant.clone(),
                    name: ConnectionName::new(provider).unwrap(),
                    provider: provider.to_owned(),
                    version: 1,
                    secret_version: reference.version,
                    state: ConnectionState::Active,
                    settings: BTreeMap::new(),
                })
                .await
                .unwrap();
        }
        let office = office(&tenant);
        store.put_office(&office).await.unwrap();
        store
            .put_source(&Source {
                id: SourceId::from_uuid(Uuid::from_u128(1)),
                tenant: tenant.clone(),
                provider: "callrail".to_owned(),
                connection: None,
                office: Some(office.id),
                token: Some(TokenHash::of(&format!("{name}-callrail"))),
                accounts: Vec::new(),
                key_names: vec![key.to_string()],
                schemes: Vec::new(),
                state: SourceState::Active,
                name: None,
                version: 1,
            })
            .await
            .unwrap();
        store
            .put_tenant(&Tenant {
                id: tenant.clone(),
                name: name.to_owned(),
                status: TenantStatus::Active,
            })
            .await
            .unwrap();
        Self {
            tenant,
            hook: format!("/v1/hooks/{name}-callrail"),
            signing_key,
        }
    }

    /// Posts a call's webhook to the tenant's URL for the event, signed as CallRail signs; as [`World::post`].
    pub async fn deliver(&self, world: &World, event: &str, body: &CallBody) -> Answer {
        let body = body.json();
        let signature = sha1_signature(&self.signing_key, &body);
        let headers = [
            ("content-type", "application/json"),
            ("signature", signature.as_str()),
        ];
        let path = format!("{}/{event}", self.hook);
        world.post(&path, &headers, body).await
    }
}

fn office(tenant: &TenantId) -> Office {
    let config = WorkflowConfig {
        service_area: ServiceArea {
            postal_codes: vec!["786xx".to_owned(), "787xx".to_owned()],
            ..ServiceArea::default()
        },
        destinations: vec![Destination {
            connector: "hubspot".to_owned(),
            connection: ConnectionName::new("hubspot").unwrap(),
        }],
        notifications: NotificationRules {
            email: vec![EmailAddress::parse("sales@example.com").unwrap()],
            from: Some(EmailAddress::parse("leads@example.com").unwrap()),
            ..NotificationRules::default()
        },
        ..WorkflowConfig::default()
    };
    config.check().unwrap();
    Office {
        id: OfficeId::from_uuid(Uuid::from_u128(1)),
        tenant: tenant.clone(),
        name: "Austin".to_owned(),
        address: String::new(),
        time_zone: "America/Chicago".to_owned(),
        config,
        config_version: 1,
    }
}
