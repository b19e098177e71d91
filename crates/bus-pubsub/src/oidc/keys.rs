//! Google's public keys.

use std::sync::Arc;

use domain::Clock;
use http_client::Client;
use jwks::{Algorithm, FetchedKeys, Keys, VerifyError};
use serde::de::DeserializeOwned;

/// Google's public keys. One set serves every verifier of a process.
///
/// While the endpoint is down, the last fetched keys stay in use: Google announces new ones days ahead.
#[derive(Debug)]
pub struct GoogleKeys(Keys);

impl GoogleKeys {
    /// Where Google publishes the keys of its ID tokens.
    ///
    /// Source: Pub/Sub, "Authenticate push subscriptions"; the same as in Google's discovery document.
    pub const URL: &str = "https://www.googleapis.com/oauth2/v3/certs";

    /// The keys at `url`: [`Self::URL`], except in tests. Nothing is fetched yet.
    pub fn new(client: Client, url: impl Into<String>, clock: Arc<dyn Clock>) -> Arc<Self> {
        // Google signs with nothing else.
        let keys = FetchedKeys::new(client, url, &[Algorithm::RS256], clock);
        Arc::new(Self(Keys::Fetched(keys)))
    }

    pub(super) async fn verify<C: DeserializeOwned>(&self, token: &str) -> Result<C, VerifyError> {
        self.0.verify(token).await
    }
}
