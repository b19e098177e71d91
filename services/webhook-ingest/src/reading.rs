//! The stage `reading`: reads a stored delivery again, after somebody has checked why it could not be read.

use std::sync::Arc;

use async_trait::async_trait;
use domain::{
    Apart, Claimed, Outcome, ParkCause, Reading, Section, Stage, StageError, StageHandler,
};
use sources::{Sources, Verified, read_as_set};
use store::{Store, configs::source_settings};

/// Reads deliveries that could not be read when they came.
///
/// In: a request whose `source` section is unread. Out: the section, read. A repeat reads the same delivery again.
pub(crate) struct ReadingStage {
    pub(crate) sources: Sources,
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
            .ok_or_else(|| StageError::permanent("the delivery is no longer stored"))?;
        let source = self
            .sources
            .reader_of(&section.provider)
            .ok_or_else(|| StageError::permanent("this build has no such source"))?;
        let delivery = Verified::restored(source.spec(), &event.scheme, event.headers, event.body)
            .ok_or_else(|| {
                StageError::permanent("this build does not know the delivery's signature scheme")
            })?;
        let accounts = self.accounts(job).await?;
        let settings = source_settings(&*self.store, &job.request.tenant, section.source).await;
        let settings = settings.map_err(|error| StageError::ours(&error))?;
        Ok(
            match read_as_set(
                source,
                section.source,
                &accounts,
                &settings,
                &delivery,
                event.event.as_deref(),
            ) {
                Ok(Reading::News(news)) => {
                    let mut read = section.clone();
                    read.unread = None;
                    read.absorb(&news);
                    read.said.date_messages(event.received_at);
                    // Names that several people may have would merge their requests.
                    let aliases = match news.apart {
                        Apart::Never | Apart::OfOtherPerson => news.aliases,
                        Apart::OfOtherName => Vec::new(),
                    };
                    Outcome::Done {
                        sections: vec![Section::Source(Box::new(read))],
                        aliases,
                    }
                }
                Ok(Reading::Ignored { reason }) => unreadable(reason.into_owned()),
                Ok(Reading::Receipts(_) | Reading::Ping) => {
                    unreadable("the delivery is no lead".to_owned())
                }
                Err(reason) => unreadable(reason),
            },
        )
    }
}

impl ReadingStage {
    /// The accounts of the request's source as it is configured now: what was wrong with it may have been fixed.
    async fn accounts(&self, job: &Claimed) -> Result<Vec<String>, StageError> {
        let sources = self.store.sources(&job.request.tenant).await;
        let sources = sources.map_err(|error| StageError::ours(&error))?;
        let id = job.request.document.source.source;
        let source = sources.into_iter().find(|source| source.id == id);
        Ok(source.map(|source| source.accounts).unwrap_or_default())
    }
}

fn unreadable(reason: String) -> Outcome {
    Outcome::Park {
        cause: ParkCause::Unreadable,
        reason,
        answer: None,
    }
}
