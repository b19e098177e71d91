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
#[derive(Debug, Clone, Copy)]
pub struct AccountSpec {
    /// What to enter as the secret: `a private app's access token`.
    pub secret: &'static str,
    /// What to enter beside it.
    pub settings: &'static [SettingSpec],
    /// How access tokens are refreshed, if the secret may be an OAuth app's.
    pub refresh: Option<RefreshSpec>,
    /// Says what of secret and settings cannot be right, when they are entered. `None` if any text may be.
    pub check: Option<CheckAccount>,
}

/// Checks a secret and the settings beside it. Pure; says all that cannot be right, and what is expected instead.
pub type CheckAccount = fn(&SecretString, &BTreeMap<String, String>) -> Vec<AccountFault>;

/// What of an account as it was entered cannot be right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountFault {
    /// Where it stands: `secret`, or a setting as `settings.account_id`.
    pub path: String,
    /// What is expected there. Never what was entered: it may be a secret.
    pub expected: String,
}

impl AccountFault {
    /// What is wrong with the secret.
    pub fn of_secret(expected: impl Into<String>) -> Self {
        Self {
            path: "secret".to_owned(),
            expected: expected.into(),
        }
    }

    /// What is wrong with the setting of this name.
    pub fn of_setting(key: &str, expected: impl Into<String>) -> Self {
        Self {
            path: format!("settings.{key}"),
            expected: expected.into(),
        }
    }
}

/// How access tokens are got. The secret of such an account is a JSON object with what an OAuth app needs; a secret that
/// is no object is used as it is. Which grant is asked for follows from what the object has:
/// - `refresh_token`, with `client_id` and, where the app has one, `client_secret`: a person's consent;
/// - `private_key` (PKCS #8 or PKCS #1 in PEM), with `client_id` and `username`: a signed assertion;
/// - else `client_id` and `client_secret`: the app itself.
///
/// A refresh token that is replaced with every use is used in its newest form as long as the process lives, and not stored.
///
/// Source: RFC 6749, sections 4.4 and 6; RFC 7523.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RefreshSpec {
    /// The token endpoint's path: `/oauth/v1/token`.
    pub path: &'static str,
    /// The grants that the provider knows.
    pub grants: &'static [Grant],
    /// The server of the token endpoint, if it is another than the API's. Where the API's base URL is not the real one,
    /// as with a simulator, both are there.
    pub server: Option<&'static str>,
    /// The account's setting that names another server, if it can have one.
    pub server_setting: Option<&'static str>,
    /// How the app proves itself.
    pub proof: ClientProof,
    /// The member of the answer that says where the account is, if there is one. It becomes the setting of this name,
    /// unless the account has that.
    pub address: Option<&'static str>,
}

/// A way to get an access token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Grant {
    /// By a refresh token.
    RefreshToken,
    /// By an assertion that the app's key signs.
    JwtBearer,
    /// By the app's own credentials.
    ClientCredentials,
}

/// How an OAuth app proves itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClientProof {
    /// Its id and secret stand in the form.
    InForm,
    /// `Authorization: Basic`.
    Basic,
}

/// Where the access tokens of one provider's accounts come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenEndpoint {
    /// The server, without the path.
    pub server: String,
    /// The rest.
    pub spec: RefreshSpec,
}

impl RefreshSpec {
    /// An endpoint at the API's own server, with refresh tokens alone.
    pub const fn at(path: &'static str) -> Self {
        Self {
            path,
            grants: &[Grant::RefreshToken],
            server: None,
            server_setting: None,
            proof: ClientProof::InForm,
            address: None,
        }
    }

    /// The endpoint, where the API is at `base_url` and would really be at `real`.
    pub fn endpoint(self, base_url: &str, real: &str) -> TokenEndpoint {
        let base_url = base_url.trim_end_matches('/');
        let own = self
            .server
            .filter(|_| base_url == real.trim_end_matches('/'));
        TokenEndpoint {
            server: own.unwrap_or(base_url).to_owned(),
            spec: self,
        }
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
    /// Whether it is a URL that is called: then it must lead to a public address.
    pub is_url: bool,
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
