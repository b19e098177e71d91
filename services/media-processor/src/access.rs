//! The way to a lead at its provider: the API's clients, and the tenant's account.

use accounts::AccountError;
use domain::{Account, Claimed, ConnectionName, StageError};
use sources::{ApiError, Apis};

use crate::Deps;

/// The way to a lead at its provider.
pub(crate) struct Access<'a> {
    deps: &'a Deps,
    provider: &'a str,
    pub(crate) apis: &'a Apis,
    pub(crate) account: Account,
    /// The tenant's account ids at the provider, as the lead's source has them.
    pub(crate) accounts_of_source: Vec<String>,
}

impl<'a> Access<'a> {
    /// Opens the account of the lead's source. `None` if the source has no API, or if the tenant has not connected its
    /// account.
    pub(crate) async fn open(deps: &'a Deps, job: &'a Claimed) -> Result<Option<Self>, StageError> {
        let section = &job.request.document.source;
        let provider = section.provider.as_str();
        let Some(apis) = deps.apis.get(provider) else {
            return Ok(None);
        };
        let tenant = &job.request.tenant;
        let sources = deps.store.sources(tenant).await;
        let sources = sources.map_err(|error| StageError::ours(&error))?;
        let source = sources
            .into_iter()
            .find(|source| source.id == section.source);
        let name = match &source {
            Some(source) => source.connection_name(),
            None => ConnectionName::new(provider)
                .map_err(|error| StageError::permanent(error.to_string()))?,
        };
        match deps.accounts.open(tenant, &name, provider).await {
            Ok(account) => Ok(Some(Self {
                deps,
                provider,
                apis,
                account,
                accounts_of_source: source.map(|source| source.accounts).unwrap_or_default(),
            })),
            Err(AccountError::NotConnected(_)) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Counts requests that are about to be made of the account, so that audits leave room. A lead that came is not held up
    /// by our own count: only the provider knows what an account has left, and its refusal is waited for in the lanes.
    pub(crate) async fn count(&self, requests: u32) -> Result<(), StageError> {
        const ALL: u32 = 100;
        let source = self.deps.sources.get(self.provider);
        let Some(quota) = source.and_then(|source| source.spec().quota) else {
            return Ok(());
        };
        let account = format!("{}/{}", self.provider, self.account.setting(quota.account));
        self.deps
            .store
            .admit_requests_across_tenants(&account, quota.windows, requests, ALL)
            .await
            .map(drop)
            .map_err(|error| StageError::ours(&error))
    }

    /// Whether the provider refused an access token that could be refreshed. Then the call is worth repeating once.
    pub(crate) async fn is_refreshed(&mut self, error: &ApiError) -> Result<bool, StageError> {
        let accounts = &self.deps.accounts;
        let is_refused = matches!(error, ApiError::Unauthorized { .. });
        if !is_refused || !accounts.invalidate(&self.account).await {
            return Ok(false);
        }
        let Account {
            tenant, connection, ..
        } = &self.account;
        self.account = accounts.open(tenant, connection, self.provider).await?;
        Ok(true)
    }

    /// A failure of the provider. What its account has to be fixed for is held for that account.
    pub(crate) fn failed(&self, error: &ApiError) -> StageError {
        StageError::from_provider(error, Some(self.account.held_by()))
    }
}
