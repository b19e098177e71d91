//! The stage `details`: what the provider's API says of a lead.

use async_trait::async_trait;
use domain::{
    Alias, Claimed, DetailsAnswer, DetailsSection, NoDetails, Outcome, Section, Stage, StageError,
    StageHandler,
};
use sources::{ApiError, Details as Found, Scope};

use crate::{Deps, access::Access, gives_up};

/// How often a lead that the provider does not know is waited for: a new one may take a while to show.
const MAX_UNKNOWN_WAITS: u32 = 3;

/// Asks the provider's API about a lead.
///
/// In: a lead. Out: its `details` section, and every id of the lead that the provider names. A lead that cannot be asked
/// about goes on with what was delivered, and says why. A repeat asks again; one that is not answered keeps the facts
/// that are known.
pub(crate) struct Details(pub(crate) Deps);

#[async_trait]
impl StageHandler for Details {
    fn stage(&self) -> Stage {
        Stage::Details
    }

    async fn handle(&self, job: &Claimed) -> Result<Outcome, StageError> {
        match self.details(job).await {
            Err(error) if gives_up(job, &error) => Ok(without(job, NoDetails::Unavailable)),
            result => result,
        }
    }
}

impl Details {
    async fn details(&self, job: &Claimed) -> Result<Outcome, StageError> {
        let Some(mut access) = Access::open(&self.0, job).await? else {
            return Ok(without(job, NoDetails::NotConnected));
        };
        if job.request.document.source.said.external_id.is_none() {
            return Ok(without(job, NoDetails::Unknown));
        }
        access.count(1).await?;
        let mut answer = ask(&access, job).await;
        if let Err(error) = &answer
            && access.is_refreshed(error).await?
        {
            answer = ask(&access, job).await;
        }
        match answer {
            Ok(Found { facts, aliases }) => Ok(Outcome::Done {
                sections: vec![section(job, DetailsAnswer::Known(Box::new(facts)))],
                aliases: self.scoped(job, aliases),
            }),
            Err(ApiError::NotFound) => {
                let reason = format!("{} does not know the lead yet", self.0.provider(job));
                let wait = self.0.wait(job, MAX_UNKNOWN_WAITS, &reason);
                Ok(wait.unwrap_or_else(|| without(job, NoDetails::Unknown)))
            }
            Err(error) => Err(access.failed(&error)),
        }
    }

    /// The names that the API gives, as those of the lead's source.
    fn scoped(&self, job: &Claimed, aliases: Vec<Alias>) -> Vec<Alias> {
        let section = &job.request.document.source;
        match self.0.sources.get(&section.provider) {
            Some(source) => Scope::of_source(source.spec(), section.source).named(aliases),
            None => aliases,
        }
    }
}

async fn ask(access: &Access<'_>, job: &Claimed) -> Result<Found, ApiError> {
    let said = &job.request.document.source.said;
    let Access {
        apis,
        account,
        accounts_of_source,
        ..
    } = access;
    apis.details
        .details(account, accounts_of_source, said)
        .await
}

/// On without the API.
fn without(job: &Claimed, reason: NoDetails) -> Outcome {
    Outcome::done(section(job, DetailsAnswer::Absent(reason)))
}

/// The section. If it is absent, the settle keeps the facts that are known.
fn section(job: &Claimed, answer: DetailsAnswer) -> Section {
    let revision = job.request.document.revisions.of(Stage::Details);
    let is_newer = revision > 0 && matches!(answer, DetailsAnswer::Known(_));
    Section::Details(DetailsSection {
        revision,
        answer,
        is_newer,
    })
}
