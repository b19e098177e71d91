//! One delivery: whose it is, whether it is genuine, what it says; stored, then acknowledged.
//!
//! Each step gives the next one a type that only it can make: [`Addressed`], [`Genuine`], and what the store has
//! accepted.

mod address;
mod screen;
mod store;
mod verify;

use std::{sync::Arc, time::Duration};

use ::store::Store;
use axum::{
    extract::Request,
    response::{IntoResponse, Response},
};
use bus::Bus;
use domain::{Clock, StoreError};
use runtime::{BodyMemory, Network, Problem};
use sources::{BotChecks, Sources};

use self::{address::Addressed, screen::Readers, verify::Genuine};
pub(crate) use self::{address::Target, screen::Pace};
use crate::{
    answer, directory::Directory, failed_signatures::FailedSignatures, quota::Quota,
    refusal_runs::RefusalRuns, refusals::Refusals,
};

/// Takes deliveries.
pub(crate) struct Ingest {
    pub(crate) sources: Sources,
    pub(crate) directory: Directory,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) bus: Arc<dyn Bus>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) failed_signatures: FailedSignatures,
    pub(crate) body_memory: BodyMemory,
    pub(crate) quota: Quota,
    pub(crate) pace: Pace,
    pub(crate) bot_checks: BotChecks,
    pub(crate) refusals: Refusals,
    pub(crate) refusal_runs: RefusalRuns,
}

/// The answer to a delivery that goes no further.
pub(crate) struct Refused(Box<Response>);

impl From<Response> for Refused {
    fn from(response: Response) -> Self {
        Self(Box::new(response))
    }
}

impl From<Problem> for Refused {
    fn from(problem: Problem) -> Self {
        problem.into_response().into()
    }
}

impl From<StoreError> for Refused {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Busy => tracing::debug!("the store is busy: a delivery was put off"),
            error => tracing::error!("a delivery could not be stored: {error}"),
        }
        answer::busy().into()
    }
}

impl Ingest {
    /// Takes one delivery and answers its sender.
    pub(crate) async fn deliver(&self, target: Target<'_>, request: Request) -> Response {
        let started = self.clock.monotonic();
        match self.try_deliver(target, request, started).await {
            Ok(response) => response,
            Err(Refused(response)) => *response,
        }
    }

    async fn try_deliver(
        &self,
        target: Target<'_>,
        request: Request,
        started: Duration,
    ) -> Result<Response, Refused> {
        let (parts, body) = request.into_parts();
        let addressed: Addressed = self.address(target, &parts).await?;
        let readers = Readers::of(&addressed, &parts.headers);
        let answered = async {
            let genuine: Genuine = self.verify(addressed, &parts.headers, body).await?;
            self.accept(genuine, readers.wants_page, started).await
        };
        let answered = answered.await;
        let response = answered.unwrap_or_else(|Refused(response)| *response);
        Ok(readers.tell(response))
    }

    /// Answers a provider that tests whether a URL works.
    pub(crate) async fn ping(&self, target: Target<'_>, request: Request) -> Response {
        let (parts, _) = request.into_parts();
        match self.address(target, &parts).await {
            Ok(addressed) if addressed.known.is_some() => answer::ping(),
            Ok(addressed) => {
                self.count_failure(addressed.network);
                answer::not_verified()
            }
            Err(Refused(response)) => *response,
        }
    }

    fn count_failure(&self, network: Option<Network>) {
        if let Some(network) = network {
            self.failed_signatures.count(network);
        }
    }
}
