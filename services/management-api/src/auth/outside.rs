//! Tokens of an issuer outside of the product.

use std::sync::Arc;

use domain::Clock;
use http_client::{Client, Url};
use jwks::{Algorithm, FetchedKeys};
use settings::Reader;

use super::{Trust, Verifier};

/// What an issuer's tokens may be signed with.
const ALGORITHMS: [Algorithm; 3] = [Algorithm::EdDSA, Algorithm::ES256, Algorithm::RS256];

/// Whose tokens count where the product does not sign them itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutsideConfig {
    /// Where the issuer publishes its keys, as a JSON Web Key Set.
    pub jwks_url: String,
    /// Its name, and ours.
    pub trust: Trust,
}

impl OutsideConfig {
    /// Reads `JWT_JWKS_URL`, `JWT_ISSUER` and `JWT_AUDIENCE`; all are required.
    pub fn read(reader: &mut Reader<'_>) -> Self {
        const JWKS_URL: &str = "JWT_JWKS_URL";
        let jwks_url: String = reader.required(
            JWKS_URL,
            "Where the issuer of the API's tokens publishes its keys (JWKS).",
        );
        if !jwks_url.is_empty() && !is_trustworthy(&jwks_url) {
            reader.fault(
                JWKS_URL,
                "it is no URL that keys can be trusted from",
                "write it in full with https, as in https://issuer.example.com/.well-known/jwks.json",
            );
        }
        Self {
            jwks_url,
            trust: Trust {
                issuer: reader.required(
                    "JWT_ISSUER",
                    "Who issues the API's tokens: their `iss`, letter by letter.",
                ),
                audience: reader.required(
                    "JWT_AUDIENCE",
                    "Whom the API's tokens must be for: one of their `aud`.",
                ),
            },
        }
    }

    /// A verifier of the issuer's tokens, which fetches its keys through this client. Nothing is fetched yet.
    pub fn verifier(self, client: Client, clock: Arc<dyn Clock>) -> Verifier {
        let keys = FetchedKeys::new(client, self.jwks_url, &ALGORITHMS, clock);
        Verifier::of_issuer(self.trust, keys)
    }
}

/// Whoever can change the answer on its way can sign tokens: it comes over TLS, or from this machine.
pub(crate) fn is_trustworthy(url: &str) -> bool {
    let Ok(url) = Url::parse(url) else {
        return false;
    };
    let is_here = url.host_str().is_some_and(|host| {
        let address = host.trim_matches(['[', ']']).parse::<std::net::IpAddr>();
        host == "localhost" || address.is_ok_and(|address| address.is_loopback())
    });
    match url.scheme() {
        "https" => url.has_host(),
        "http" => is_here,
        _ => false,
    }
}
