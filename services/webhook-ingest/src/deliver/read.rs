//! Step two: the body, and whom it names.

use axum::body::Body;
use bytes::Bytes;
use http::{HeaderMap, header::CONTENT_TYPE};
use runtime::Sender;

use super::{Addressed, Ingest, Refused};

/// A delivery with its body, still unverified.
pub(super) struct Read {
    pub(super) addressed: Addressed,
    pub(super) body: Bytes,
    /// Account ids that the body names. Nothing of it may be trusted yet.
    pub(super) named: Vec<String>,
}

impl Ingest {
    pub(super) async fn read(
        &self,
        mut addressed: Addressed,
        headers: &HeaderMap,
        body: Body,
    ) -> Result<Read, Refused> {
        let spec = addressed.source.spec();
        let sender = match addressed.known {
            Some(_) => Sender::Known,
            None => Sender::Unknown,
        };
        let body = self
            .body_memory
            .read(body, spec.body_limit_bytes, sender)
            .await
            .inspect_err(|problem| {
                if problem.status().is_client_error() {
                    self.count_failure(addressed.network);
                }
            })?;
        let content_type = headers
            .get(CONTENT_TYPE)
            .and_then(|value| value.to_str().ok());
        let hint = addressed.source.hint(content_type, &body);
        let named = hint
            .as_ref()
            .map(|hint| hint.accounts.clone())
            .unwrap_or_default();
        if let Some(hint) = hint.filter(|_| addressed.is_shared) {
            addressed.known = self.directory.by_hint(spec.slug, hint).await?;
        }
        Ok(Read {
            addressed,
            body,
            named,
        })
    }
}
