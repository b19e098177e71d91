//! The product's own tokens in the form of Google's client, so that there is one cache of tokens.

use google::Tokens;
use google_cloud_auth::{
    credentials::{CacheableResource, CredentialsProvider, EntityTag},
    errors::CredentialsError,
};
use http::{Extensions, HeaderMap, HeaderValue, header::AUTHORIZATION};
use secrecy::ExposeSecret as _;

/// Bearer tokens for Google's client.
#[derive(Debug)]
pub(crate) struct Bearer(pub(crate) Tokens);

impl CredentialsProvider for Bearer {
    async fn headers(
        &self,
        _extensions: Extensions,
    ) -> Result<CacheableResource<HeaderMap>, CredentialsError> {
        let token = self.0.bearer().await;
        // Getting a token has its own deadline. Retries are the caller's.
        let token = token.map_err(|error| CredentialsError::from_source(false, error))?;
        let value = HeaderValue::from_str(&format!("Bearer {}", token.expose_secret()));
        let mut value = value.map_err(|_| {
            CredentialsError::from_msg(false, "the token is not a valid header value")
        })?;
        value.set_sensitive(true);
        Ok(CacheableResource::New {
            entity_tag: EntityTag::new(),
            data: HeaderMap::from_iter([(AUTHORIZATION, value)]),
        })
    }

    async fn universe_domain(&self) -> Option<String> {
        None
    }
}
