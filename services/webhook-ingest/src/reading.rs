//! The stage `reading`: reads a stored delivery again, once somebody has looked at why it could not be read.

use std::sync::Arc;

use async_trait::async_trait;
use domain::{Claimed, Outcome, ParkCause, Section, Stage, StageError, StageHandler};
use sources::{Reading, Verified};
use store::Store;

use crate::directory::foreign_account;

/// Reads deliveries that could not be read when they came.
///
/// In: a request whose `source` section is unread. Out: the section, read. A repeat reads the same delivery again.
pub(crate) struct ReadingStage {
    pub(crate) store: Arc<dyn Store>,
}

#[async_trait]
impl StageHandler for ReadingStage {
    fn stage(&self) -> Stage {
        Stage::Reading
    }

    async fn handle(&self, job: &Claimed) -> Result<Outcome, StageError> {
        let section = &job.request.document.source;
        let event = self
            .store
            .event(&job.request.tenant, section.last_event)
            .await
            .map_err(|error| StageError::ours(&error))?
            .ok_or_else(|| StageError::permanent("the delivery is not kept any more"))?;
        let source = sources::source(&section.provider)
            .ok_or_else(|| StageError::permanent("this build has no such source"))?;
        let delivery =
            Verified::restored(&event.scheme, event.headers, event.body).ok_or_else(|| {
                StageError::permanent("this build does not know the delivery's signature scheme")
            })?;
        let hint = source.hint(delivery.content_type(), delivery.body());
        let named = hint.map(|hint| hint.accounts).unwrap_or_default();
        let configured = self.source(job).await?;
        if let Some(reason) = configured.and_then(|source| foreign_account(&source, &named)) {
            return Ok(unreadable(reason.to_owned()));
        }
        Ok(match source.read(&delivery, event.event.as_deref()) {
            Ok(Reading::Lead(inbound)) => {
                let mut read = section.clone();
                read.unread = None;
                read.hear(&inbound);
                Outcome::Done {
                    sections: vec![Section::Source(Box::new(read))],
                    aliases: inbound.aliases,
                }
            }
            Ok(Reading::Ignored { reason }) => unreadable(reason.to_owned()),
            Ok(Reading::Receipts(_)) => unreadable("the delivery is no lead".to_owned()),
            Err(error) => unreadable(error.to_string()),
        })
    }
}

impl ReadingStage {
    /// The request's source as it is configured now: what was wrong with it may have been mended.
    async fn source(&self, job: &Claimed) -> Result<Option<store::Source>, StageError> {
        let sources = self.store.sources(&job.request.tenant).await;
        let sources = sources.map_err(|error| StageError::ours(&error))?;
        let id = job.request.document.source.source;
        Ok(sources.into_iter().find(|source| source.id == id))
    }
}

fn unreadable(reason: String) -> Outcome {
    Outcome::Park {
        cause: ParkCause::Unreadable,
        reason,
        answer: None,
    }
}
