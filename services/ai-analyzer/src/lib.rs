//! Judges what was said or written, and decides where a request goes.
//!
//! A model judges what a request's [`domain::Brief`] says ([`google::Gemini`]); its answer is checked word by word before
//! it counts. If no model is available, a lexicon of our own fills in, so that a lead never waits for Google.
//! Qualification follows from the analysis and the office's configuration, and, where these do not tell whether a project is
//! in an area drawn on a map, from what a map says of its address.

mod analysis;
mod analysis_input;
mod answer;
mod judgment;
mod map;
mod prompt;
mod rules;
mod words;
mod zip;

use std::sync::Arc;

use domain::{AnalysisSection, Brief, Engine, StageHandler, Tokens};
use google::Gemini;
use runtime::Service;
use serde_json::Value;
use settings::Reader;

use crate::analysis_input::AnalysisInput;

pub use map::{MapLimits, MapLookup};

/// What the service needs.
#[derive(Debug, Clone)]
pub struct Deps {
    /// The models.
    pub gemini: Gemini,
    /// The map that is asked where projects are. None where no key is set.
    pub map: Option<MapLookup>,
    /// How it behaves.
    pub config: Config,
}

/// How the service behaves.
#[derive(Debug, Clone)]
pub struct Config {
    /// How often the models are asked before the rules fill in; at least once. Each try after the first costs a pause
    /// of the fast lane, and the lead waits for it.
    pub model_tries: u32,
    /// How often the map is asked.
    pub map: MapLimits,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            model_tries: 2,
            map: MapLimits::default(),
        }
    }
}

impl Config {
    /// Reads the settings.
    pub fn read(reader: &mut Reader<'_>) -> Self {
        let about = "How often the models are asked about a lead before our own rules judge it.";
        Self {
            model_tries: reader.get("MODEL_TRIES", Self::default().model_tries, about),
            map: MapLimits::read(reader),
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
