//! Google's public keys.

use std::{fmt, sync::Arc};

use domain::Clock;
use http_client::Client;
use jwks::{Algorithm, FetchedKeys, Key, Unavailable};

/// Google's public keys. One set serves every verifier of a process.
///
/// When the endpoint is down, the keys that are there are used on: Google announces new ones days ahead.
pub struct GoogleKeys(FetchedKeys);

impl GoogleKeys {
    /// Where Google publishes the keys of its ID tokens.
    ///
    /// Source: Pub/Sub, "Authenticate push subscriptions"; the same as in Google's discovery document.
    pub const URL: &str = "https://www.googleapis.com/oauth2/v3/certs";

    /// The keys at `url`, [`Self::URL`] but in tests. Nothing is fetched yet.
    pub fn new(client: Client, url: impl Into<String>, clock: Arc<dyn Clock>) -> Arc<Self> {
        // Google signs with nothing else.
        let keys = FetchedKeys::new(client, url, &[Algorithm::RS256], clock);
        Arc::new(Self(keys))
    }

    /// The key with this `kid`; none when Google has none, as far as we know.
    pub(super) async fn find(&self, kid: &str) -> Result<Option<Arc<Key>>, Unavailable> {
        self.0.find(kid).await
    }
}

impl fmt::Debug for GoogleKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GoogleKeys").finish_non_exhaustive()
    }
}
