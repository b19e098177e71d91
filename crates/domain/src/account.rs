//! A tenant's account at a provider, as the code that calls the provider's API is given it.

use std::{collections::BTreeMap, fmt};

use secrecy::SecretString;

use crate::{ConnectionName, TenantId, text};

/// What opens a tenant's account. Cheap to clone beside the network call that it is for.
#[derive(Debug, Clone)]
pub struct Account {
    /// Whose it is.
    pub tenant: TenantId,
    /// The connection's name.
    pub connection: ConnectionName,
    /// Grows with every new secret: whatever is remembered of an account is forgotten then.
    pub version: u64,
    /// The secret: an API key, or an access token that was refreshed when it had to be.
    pub secret: SecretString,
    /// What the tenant entered beside the secret: an account's id, an instance's URL.
    pub settings: BTreeMap<String, String>,
}

impl Account {
    /// A setting; empty if the tenant did not enter it.
    pub fn setting(&self, key: &str) -> &str {
        self.settings.get(key).map_or("", String::as_str)
    }

    /// The connection and the version of its secret: what work that the provider refuses is held for.
    pub fn held_by(&self) -> (ConnectionName, u64) {
        (self.connection.clone(), self.version)
    }
}

/// What a provider's accounts need from a tenant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AccountSpec {
    /// What to enter as the secret: `a private app's access token`.
    pub secret: &'static str,
    /// What to enter beside it.
    pub settings: &'static [SettingSpec],
    /// How access tokens are refreshed, if the secret may be an OAuth app's.
    pub refresh: Option<RefreshSpec>,
}

/// How access tokens are refreshed. The secret of such an account is the JSON object
/// `{"client_id":"…","client_secret":"…","refresh_token":"…"}`; a secret that is no object is used as it is. The refresh
/// token must stay valid: one that is replaced with every use is not stored.
///
/// Source: RFC 6749, section 6; the client's id and secret are sent in the form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RefreshSpec {
    /// The token endpoint's path under the API's base URL: `/oauth/v1/token`.
    pub path: &'static str,
}

impl RefreshSpec {
    /// The token endpoint of an API at this base URL.
    pub fn url(&self, base_url: &str) -> String {
        format!("{}{}", base_url.trim_end_matches('/'), self.path)
    }
}

/// A setting of an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SettingSpec {
    /// Its name: `account_id`.
    pub key: &'static str,
    /// What to enter, and where to find it.
    pub about: &'static str,
    /// Whether an account cannot do without it.
    pub is_required: bool,
}

/// Where a provider's API is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BaseUrl {
    /// The setting that names another address, such as a simulator's: `…_BASE_URL`.
    pub key: &'static str,
    /// The real one.
    pub url: &'static str,
    /// What the setting is for.
    pub about: &'static str,
}

/// What a provider says when it refuses, for the person who looks into it. It may repeat personal data, so it is capped,
/// and `Debug` redacts it.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct ProviderAnswer(String);

impl ProviderAnswer {
    /// The first 2,000 characters of what a provider says.
    pub fn new(raw: &str) -> Self {
        Self(text::bounded(raw, 2_000))
    }

    /// The text; `None` if the provider said nothing.
    pub fn text(&self) -> Option<String> {
        Some(self.0.clone()).filter(|text| !text.is_empty())
    }
}

impl fmt::Debug for ProviderAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ProviderAnswer(redacted)")
    }
}
