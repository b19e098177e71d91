//! The settings of signing in where the fleet runs.

use std::collections::BTreeSet;

use domain::EmailAddress;
use secrecy::{ExposeSecret as _, SecretString};
use settings::Reader;

use super::SessionKey;
use crate::auth::is_trustworthy;

/// How people sign in, where tokens are an outside issuer's otherwise.
pub struct SignInConfig {
    /// What signs and seals; none where nobody signs in here.
    pub session_key: Option<SessionKey>,
    /// The company's own sign-in.
    pub oidc: Option<OidcConfig>,
}

impl SignInConfig {
    /// Reads `SESSION_KEY` and the settings of an issuer to sign in at.
    pub fn read(reader: &mut Reader<'_>) -> Self {
        const SESSION_KEY: &str = "SESSION_KEY";
        let given = reader.secret(
            SESSION_KEY,
            "Key that signs the tokens of who signs in here: 32 bytes in base64, the same in every process.",
        );
        let session_key = given
            .as_ref()
            .and_then(|given| SessionKey::parse(given.expose_secret()));
        if given.is_some() && session_key.is_none() {
            let remedy = "make one with `openssl rand -base64 32`";
            reader.fault(SESSION_KEY, "it is not 32 bytes in base64", remedy);
        }
        let oidc = OidcConfig::read(reader);
        if oidc.is_some() && given.is_none() {
            let remedy = "people who sign in at OIDC_ISSUER need it: make one with `openssl rand -base64 32`";
            reader.fault(SESSION_KEY, "it is missing", remedy);
        }
        Self { session_key, oidc }
    }
}

/// Who vouches for people, and what we are to it.
#[derive(Debug, Clone)]
pub struct OidcConfig {
    /// The issuer's URL, letter by letter: its discovery document is below it.
    pub issuer: String,
    /// What it calls us.
    pub client_id: String,
    /// By what it knows us.
    pub client_secret: SecretString,
    /// What is asked for.
    pub scopes: String,
    /// Who administers the platform, in lower case.
    pub platform_admins: BTreeSet<EmailAddress>,
}

impl OidcConfig {
    /// Reads `OIDC_ISSUER` and what belongs to it; none where it is not set.
    pub fn read(reader: &mut Reader<'_>) -> Option<Self> {
        const ISSUER: &str = "OIDC_ISSUER";
        const ADMINS: &str = "PLATFORM_ADMINS";
        let issuer = reader.optional::<String>(
            ISSUER,
            "URL of the OpenID Connect issuer that people sign in at. It needs SESSION_KEY and PUBLIC_URL.",
        );
        let client_id =
            reader.optional::<String>("OIDC_CLIENT_ID", "What that issuer calls this server.");
        let client_secret = reader.secret(
            "OIDC_CLIENT_SECRET",
            "By what that issuer knows this server.",
        );
        let scopes = reader.get(
            "OIDC_SCOPES",
            "openid email profile offline_access".to_owned(),
            "What that issuer is asked for. Without a refresh token people stay signed in until their session ends.",
        );
        let admins = reader.optional::<String>(
            ADMINS,
            "E-mail addresses, separated by commas, of who administers the platform when they come from that issuer.",
        );
        let mut platform_admins = BTreeSet::new();
        for text in admins
            .iter()
            .flat_map(|admins| admins.split(','))
            .map(str::trim)
            .filter(|text| !text.is_empty())
        {
            match EmailAddress::parse(&text.to_lowercase()) {
                Ok(email) => drop(platform_admins.insert(email)),
                Err(error) => reader.fault(ADMINS, "one of them is no address", error.to_string()),
            }
        }
        let issuer = issuer?;
        if !is_trustworthy(&issuer) {
            reader.fault(
                ISSUER,
                "it is no URL that people can be trusted to sign in at",
                "write it in full with https, as in https://accounts.example.com",
            );
        }
        let missing = "it is missing";
        if client_id.is_none() {
            reader.fault(
                "OIDC_CLIENT_ID",
                missing,
                "register this server at the issuer, and copy its client id",
            );
        }
        if client_secret.is_none() {
            reader.fault(
                "OIDC_CLIENT_SECRET",
                missing,
                "copy the client secret from the issuer",
            );
        }
        Some(Self {
            issuer,
            client_id: client_id.unwrap_or_default(),
            client_secret: client_secret.unwrap_or_default(),
            scopes,
            platform_admins,
        })
    }
}
