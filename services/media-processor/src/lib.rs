//! Fetches calls and what was said in them: details and audio from CallRail, text from Speech-to-Text.
//!
//! Neither stage stops a lead: a call without audio, or audio without text, goes on marked as such.
#![warn(missing_docs)]

mod probe;
mod recording;
mod transcript;

use std::sync::Arc;

use blobs::Blobs;
use domain::{Claimed, Clock, Disposition, EffectLog, StageError, StageHandler};
use google::Speech;
use runtime::Service;
use secrets::Secrets;
use sources::callrail::api::Api;
use store::Store;

/// What the service needs.
#[derive(Clone)]
pub struct Deps {
    /// Connections and sources.
    pub store: Arc<dyn Store>,
    /// The record of paid operations that were started.
    pub effects: Arc<dyn EffectLog>,
    /// Where audio is archived.
    pub blobs: Arc<dyn Blobs>,
    /// The tenants' credentials.
    pub secrets: Arc<dyn Secrets>,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// CallRail's API.
    pub callrail: Api,
    /// Turns audio into text.
    pub speech: Speech,
}

/// The handlers of this service's stages.
pub fn stages(deps: Deps) -> Vec<Arc<dyn StageHandler>> {
    vec![
        Arc::new(recording::Recording(deps.clone())),
        Arc::new(transcript::Transcript(deps)),
    ]
}

/// The whole service.
pub fn service(deps: Deps) -> Service {
    Service {
        name: "media-processor",
        routes: axum::Router::new(),
        stages: stages(deps),
        tasks: Vec::new(),
    }
}

/// Tries in the slow lane before a call goes on without its audio or its text.
const SLOW_TRIES: usize = 3;

/// Whether a lead has waited long enough for what this error keeps from it: the lanes were used up, as far as that.
fn gives_up(job: &Claimed, error: &StageError) -> bool {
    let retry = &job.config.workflow.retry;
    let tries = retry.fast_ms.len() + if retry.slow_lane { SLOW_TRIES } else { 0 };
    let failures = usize::try_from(job.row.failures).unwrap_or(usize::MAX);
    matches!(error.disposition, Disposition::Retry { .. }) && failures >= tries
}
