//! The stage `reading`: reads a stored delivery again, once somebody has looked at why it could not be read.

use std::sync::Arc;

use async_trait::async_trait;
use domain::{Claimed, Outcome, ParkCause, Section, Stage, StageError, StageHandler};
use sources::{Reading, Verified};
use store::Store;

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
        Ok(match source.read(&delivery, event.event.as_deref()) {
            Ok(Reading::Lead(inbound)) => {
                let mut read = section.clone();
                read.unread = None;
                read.is_modified |= inbound.is_modified;
                read.call.overlay(&inbound.call);
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

fn unreadable(reason: String) -> Outcome {
    Outcome::Park {
        cause: ParkCause::Unreadable,
        reason,
        answer: None,
    }
}
