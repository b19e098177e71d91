//! Tenants' accounts at providers: the one place where a connection and its secret become something to call with.
//!
//! [`Accounts::open`] loads both, checks the provider, and exchanges what an OAuth app has for an access token.
//! An [`AccountError`] says what becomes of the work: a missing or refused secret holds it until the secret is entered
//! again, and a token endpoint that is down has it tried again.
#![warn(missing_docs)]

mod app;
mod error;
mod refresh;

use std::{collections::BTreeMap, fmt, sync::Arc};

use domain::{Account, Clock, ConnectionName, TenantId, TokenEndpoint};
use http_client::Client;
use secrets::{SecretName, Secrets, SecretsError};
use store::{Connection, Store};

pub use error::AccountError;

use refresh::Refresher;

/// Opens tenants' accounts. Cheap to clone; clones share their access tokens.
#[derive(Clone)]
pub struct Accounts(Arc<Parts>);

struct Parts {
    store: Arc<dyn Store>,
    secrets: Arc<dyn Secrets>,
    refresher: Refresher,
}

impl Accounts {
    /// Accounts of this store and these secrets. `endpoints` are the token endpoints of the providers whose secret may
    /// be an OAuth app's, by slug.
    pub fn new(
        store: Arc<dyn Store>,
        secrets: Arc<dyn Secrets>,
        http: Client,
        clock: Arc<dyn Clock>,
        endpoints: BTreeMap<&'static str, TokenEndpoint>,
    ) -> Self {
        Self(Arc::new(Parts {
            store,
            secrets,
            refresher: Refresher::new(http, clock, endpoints),
        }))
    }

    /// Opens the account of a connection to this provider. Opening the same account at the same time refreshes its
    /// access token once.
    ///
    /// # Errors
    /// [`AccountError`] says what to do next.
    pub async fn open(
        &self,
        tenant: &TenantId,
        name: &ConnectionName,
        provider: &str,
    ) -> Result<Account, AccountError> {
        let connection = self.0.store.connection(tenant, name).await?;
        let connection = connection.ok_or_else(|| AccountError::NotConnected(name.clone()))?;
        if connection.provider != provider {
            return Err(AccountError::OtherProvider {
                connection: connection.name,
                provider: connection.provider,
                expected: provider.to_owned(),
            });
        }
        self.open_connection(connection).await
    }

    /// Opens the account of a connection that was loaded already.
    ///
    /// # Errors
    /// [`AccountError`] says what to do next.
    pub async fn open_connection(&self, connection: Connection) -> Result<Account, AccountError> {
        let Connection {
            tenant,
            name,
            provider,
            version,
            secret_version,
            settings,
            state: _, // a refused secret is tried again: only the provider knows whether it is good by now
        } = connection;
        let secret = SecretName::new(name.as_str()).expect("both kinds of name have the same rule");
        let secrets = &self.0.secrets;
        let found = secrets.get(&tenant, &secret, Some(secret_version)).await;
        let secret = match found {
            Ok(secret) => secret,
            Err(SecretsError::Store(error)) => return Err(AccountError::SecretStore(error)),
            Err(source @ (SecretsError::NotFound | SecretsError::Damaged)) => {
                let held_by = (name, version);
                return Err(AccountError::Secret { source, held_by });
            }
        };
        let mut account = Account {
            tenant,
            connection: name,
            version,
            secret,
            settings,
        };
        if let Some(opened) = self.0.refresher.access_token(&provider, &account).await? {
            account.secret = opened.token;
            if let Some((setting, address)) = opened.address {
                let known = account.settings.entry(setting.to_owned());
                known.or_insert(address);
            }
        }
        Ok(account)
    }

    /// Forgets the access token that the provider has just refused. Returns whether opening the account again gives
    /// another one, so that the call is worth repeating once. A secret that is used as it is gives no other.
    pub async fn invalidate(&self, refused: &Account) -> bool {
        self.0.refresher.invalidate(refused).await
    }
}

impl fmt::Debug for Accounts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Accounts").finish_non_exhaustive()
    }
}
