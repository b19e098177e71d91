//! The way to a source's account at its provider, within what the account may be asked.

use std::time::Duration;

use ::sources::{ApiError, Apis, Quota, SourceSpec};
use accounts::AccountError;
use domain::{Account, Classify as _, Disposition, StoreError};

use super::Outward;
use crate::Deps;

/// The share of an account's requests that audits take at most; the rest is left to leads that came.
const SHARE: u32 = 70;

/// The way to a source's account.
pub(crate) struct Access<'a> {
    deps: &'a Deps,
    outward: &'a Outward,
    pub(crate) source: &'a store::Source,
    pub(crate) spec: &'static SourceSpec,
    pub(crate) apis: &'a Apis,
    pub(crate) account: Account,
}

/// Why a provider could not be asked.
#[derive(Debug)]
pub(crate) enum Fault {
    /// The account's requests are used up; there may be room after so long.
    NoRoom(Duration),
    /// The provider, or the account. Says what to do.
    Provider {
        reason: String,
        /// Not before this time, where the provider says one.
        wait: Option<Duration>,
    },
    /// Ours.
    Store(StoreError),
}

impl From<StoreError> for Fault {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<ApiError> for Fault {
    fn from(error: ApiError) -> Self {
        let wait = match error.disposition() {
            Disposition::Retry { after } => after,
            Disposition::Hold | Disposition::Park => None,
        };
        let remedy = match &error {
            ApiError::Unauthorized { .. } => ": enter the account's secret again",
            _ => "",
        };
        Self::Provider {
            reason: format!("{error}{remedy}"),
            wait,
        }
    }
}

impl<'a> Access<'a> {
    /// Opens the account of a source. `None` if its provider has no API, or the account is not connected.
    pub(crate) async fn open(
        deps: &'a Deps,
        outward: &'a Outward,
        source: &'a store::Source,
    ) -> Result<Option<Self>, Fault> {
        let known = deps.sources.get(&source.provider);
        let Some((known, apis)) = known.zip(outward.apis.get(&source.provider)) else {
            return Ok(None);
        };
        let name = source.connection_name();
        let opened = outward
            .accounts
            .open(&source.tenant, &name, &source.provider);
        match opened.await {
            Ok(account) => Ok(Some(Self {
                deps,
                outward,
                source,
                spec: known.spec(),
                apis,
                account,
            })),
            Err(AccountError::NotConnected(_)) => Ok(None),
            Err(error) => Err(Fault::Provider {
                reason: error.to_string(),
                wait: None,
            }),
        }
    }

    /// Counts requests that are about to be made.
    pub(crate) async fn admit(&self, requests: u32) -> Result<(), Fault> {
        admit(self.deps, self.spec, &self.account, requests).await
    }

    /// The provider's error, after an access token that it refused was forgotten: the next attempt takes another.
    pub(crate) async fn failed(&self, error: ApiError) -> Fault {
        if matches!(error, ApiError::Unauthorized { .. }) {
            self.outward.accounts.invalidate(&self.account).await;
        }
        error.into()
    }
}

/// Counts requests that are about to be made of an account, within the audits' share.
pub(crate) async fn admit(
    deps: &Deps,
    spec: &SourceSpec,
    account: &Account,
    requests: u32,
) -> Result<(), Fault> {
    let Some(Quota {
        account: setting,
        windows,
    }) = spec.quota
    else {
        return Ok(());
    };
    let key = format!("{}/{}", spec.slug, account.setting(setting));
    let admitted = deps
        .store
        .admit_requests_across_tenants(&key, windows, requests, SHARE);
    match admitted.await? {
        None => Ok(()),
        Some(wait) => Err(Fault::NoRoom(wait)),
    }
}
