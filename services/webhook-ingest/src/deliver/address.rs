//! Step one: whose delivery it is, as far as the URL tells.

use std::sync::Arc;

use axum::response::IntoResponse as _;
use http::request::Parts;
use runtime::{ClientAddr, Network, Problem};
use sources::Source;
use tokio::sync::OwnedSemaphorePermit;

use super::{Ingest, Refused};
use crate::{answer, directory::KeyedSource};

/// Longest event name in a URL that is stored.
const MAX_EVENT_NAME: usize = 64;

/// Where a delivery was sent.
pub(crate) enum Target<'c> {
    /// To a URL of one tenant's source; the token names it.
    Token {
        token: &'c str,
        event: Option<&'c str>,
        /// The sources that have this endpoint. Empty: every source has it.
        of: &'c [&'static dyn Source],
    },
    /// To a URL that all tenants of a source share; the body names the tenant.
    Shared { of: &'static dyn Source },
}

/// A delivery whose provider is known, and its tenant if the URL names it.
pub(crate) struct Addressed {
    pub(super) source: &'static dyn Source,
    pub(crate) known: Option<Arc<KeyedSource>>,
    pub(super) is_shared: bool,
    pub(super) event: Option<String>,
    pub(crate) client: Option<ClientAddr>,
    pub(crate) network: Option<Network>,
    /// What a limited address at a shared URL holds until its delivery is verified.
    pub(super) permit: Option<OwnedSemaphorePermit>,
}

impl Ingest {
    pub(super) async fn address(
        &self,
        target: Target<'_>,
        parts: &Parts,
    ) -> Result<Addressed, Refused> {
        let (of, is_shared, known, event) = match &target {
            Target::Token { token, event, of } => {
                let known = self.directory.by_token(token).await?;
                (*of, false, known, event.filter(|name| is_event_name(name)))
            }
            Target::Shared { of } => (std::slice::from_ref(of), true, None, None),
        };
        // At an endpoint that its source does not have, a token is unknown.
        let has = |provider: &str| of.iter().any(|source| source.spec().slug == provider);
        let known = known.filter(|known| of.is_empty() || has(&known.source.provider));
        let source = match &known {
            Some(known) => self.sources.get(&known.source.provider),
            // Nobody's delivery is refused as one of the endpoint's first source, or of the first of all.
            None => of.first().copied().or_else(|| self.sources.iter().next()),
        };
        let source = source.ok_or_else(|| {
            tracing::error!("a delivery is of a provider that this build does not have");
            answer::busy()
        })?;
        let client = parts.extensions.get::<ClientAddr>().copied();
        let network = client.map(ClientAddr::network);
        let permit = match network {
            Some(network) if known.is_none() => {
                self.permit_for(network, source.spec().slug, is_shared)
                    .await?
            }
            _ => None,
        };
        Ok(Addressed {
            source,
            known,
            is_shared,
            event: event.map(str::to_owned),
            client,
            network,
            permit,
        })
    }

    /// Lets nobody in whose address has sent too many invalid signatures, except for a few at once if the body is needed
    /// to tell whose delivery it is.
    async fn permit_for(
        &self,
        network: Network,
        provider: &'static str,
        is_shared: bool,
    ) -> Result<Option<OwnedSemaphorePermit>, Refused> {
        let Some((limit, wait)) = self.failed_signatures.limit_of(network) else {
            return Ok(None);
        };
        let permit = if is_shared {
            limit.permit().await
        } else {
            None
        };
        if permit.is_none() {
            self.refusals
                .note("too_many_failures", provider, None, Some(network));
            return Err(Problem::too_many_requests(wait).into_response().into());
        }
        Ok(permit)
    }
}

fn is_event_name(name: &str) -> bool {
    (1..=MAX_EVENT_NAME).contains(&name.len())
        && name
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
}
