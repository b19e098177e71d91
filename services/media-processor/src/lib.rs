//! Gathers what a delivery does not carry: facts from the provider's API, a call's audio, and text from Speech-to-Text;
//! keeps a form's files, and has them read by Document AI.
//!
//! None of the stages stops a lead: one without details, audio or text goes on marked as such.
#![warn(missing_docs)]

mod access;
mod booking;
mod details;
mod documents;
mod probe;
mod recording;
mod transcript;

use std::sync::Arc;

use accounts::Accounts;
use blobs::Blobs;
use domain::{Claimed, Clock, Disposition, EffectLog, Outcome, StageError, later};
use google::{DocumentAi, Speech};
use runtime::Service;
use sources::{ApiSet, Sources};
use store::Store;

/// What the service needs.
#[derive(Clone)]
pub struct Deps {
    /// The tenants' sources.
    pub store: Arc<dyn Store>,
    /// The record of paid operations that were started.
    pub effects: Arc<dyn EffectLog>,
    /// Where audio and files are archived.
    pub blobs: Arc<dyn Blobs>,
    /// Opens the tenants' accounts.
    pub accounts: Accounts,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Where leads come from.
    pub sources: Sources,
    /// The API clients of the sources that have one.
    pub apis: ApiSet,
    /// Turns audio into text.
    pub speech: Speech,
    /// Reads the files of forms.
    pub documents: DocumentAi,
}

/// The whole service.
pub fn service(deps: Deps) -> Service {
    Service {
        name: "media-processor",
        routes: axum::Router::new(),
        stages: vec![
            Arc::new(details::Details(deps.clone())),
            Arc::new(documents::Documents(deps.clone())),
            Arc::new(booking::Booking(deps.clone())),
            Arc::new(recording::Recording(deps.clone())),
            Arc::new(transcript::Transcript(deps)),
        ],
        tasks: Vec::new(),
    }
}

impl Deps {
    /// The provider's name for people.
    fn provider(&self, job: &Claimed) -> &'static str {
        let source = self.sources.get(&job.request.document.source.provider);
        source.map_or("the provider", |source| source.spec().name)
    }

    /// Waits as the office's recording policy says, `max_waits` times at most. `None` if it is time to go on: at once
    /// for what the provider itself marked as spam, because its API may hide it for good.
    fn wait(&self, job: &Claimed, max_waits: u32, reason: &str) -> Option<Outcome> {
        if is_marked_spam(job) {
            return None;
        }
        let waits = job.row.waits;
        let policy = &job.config.workflow.recording;
        let pause = policy.wait(waits).filter(|_| waits < max_waits)?;
        Some(Outcome::wait(later(self.clock.now(), pause), reason))
    }
}

/// Tries in the slow lane before a lead goes on without its details, its audio or its text.
const SLOW_TRIES: usize = 3;

/// Whether a lead has waited long enough for what this error withholds: it used up the fast lane, and a few tries of the
/// slow one.
fn gives_up(job: &Claimed, error: &StageError) -> bool {
    let retry = &job.config.workflow.retry;
    let tries = retry.fast_ms.len() + if retry.slow_lane { SLOW_TRIES } else { 0 };
    let failures = usize::try_from(job.row.failures).unwrap_or(usize::MAX);
    matches!(error.disposition, Disposition::Retry { .. })
        && (failures >= tries || is_marked_spam(job))
}

fn is_marked_spam(job: &Claimed) -> bool {
    job.request.document.facts().marked_spam == Some(true)
}
