//! Judges what was said, and decides where a request goes.
//!
//! A model judges the conversation ([`google::Gemini`]); its answer is checked word by word before it counts. When no
//! model is to be had, a lexicon of our own fills in, so that a lead never waits for Google. Qualification follows
//! from the analysis and the office's configuration alone.

mod analysis;
mod answer;
mod judgement;
mod material;
mod prompt;
mod rules;
mod words;

use std::sync::Arc;

use domain::StageHandler;
use google::Gemini;
use runtime::Service;
use settings::Reader;

/// What the service needs.
#[derive(Debug, Clone)]
pub struct Deps {
    /// The models.
    pub gemini: Gemini,
    /// How it behaves.
    pub config: Config,
}

/// How the service behaves.
#[derive(Debug, Clone)]
pub struct Config {
    /// How often the models are asked before the rules fill in; at least once. Each try after the first costs a pause
    /// of the fast lane, and the lead waits for it.
    pub model_tries: u32,
}

impl Default for Config {
    fn default() -> Self {
        Self { model_tries: 2 }
    }
}

impl Config {
    /// Reads the settings.
    pub fn read(reader: &mut Reader<'_>) -> Self {
        let about = "How often the models are asked about a lead before our own rules judge it.";
        Self {
            model_tries: reader.get("MODEL_TRIES", Self::default().model_tries, about),
        }
    }
}

/// The handlers of this service's stages.
pub fn stages(deps: Deps) -> Vec<Arc<dyn StageHandler>> {
    vec![Arc::new(analysis::Analysis::new(deps))]
}

/// The whole service.
pub fn service(deps: Deps) -> Service {
    Service {
        name: "ai-analyzer",
        routes: axum::Router::new(),
        stages: stages(deps),
        tasks: Vec::new(),
    }
}
