//! Judges what was said or written, and decides where a request goes.
//!
//! A model judges what a request's [`domain::Brief`] says ([`google::Gemini`]); its answer is checked word by word before
//! it counts. If no model is available, a lexicon of our own fills in, so that a lead never waits for Google.
//! Qualification follows from the analysis and the office's configuration alone.

mod analysis;
mod analysis_input;
mod answer;
mod judgment;
mod prompt;
mod rules;
mod words;

use std::sync::Arc;

use domain::{AnalysisSection, Brief, Engine, StageHandler, Tokens};
use google::Gemini;
use runtime::Service;
use serde_json::Value;
use settings::Reader;

use crate::analysis_input::AnalysisInput;

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
    vec![Arc::new(analysis::Analysis(deps))]
}

/// What a model's answer about a request comes to once it is checked; `None` when it is refused. The entry point of the
/// fuzz targets.
#[doc(hidden)]
pub fn read_answer(answer: &Value, brief: Brief) -> Option<AnalysisSection> {
    let judgment = answer::read(answer, &AnalysisInput::new(brief)).ok()?;
    let engine = Engine::Model(String::new());
    Some(judgment.into_section(0, engine, prompt::PROMPT_VERSION, Tokens::default()))
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
