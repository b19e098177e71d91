//! What it means, and what follows from that.

use domain::{AnalysisSection, QualificationSection, Verdict};
use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

use super::summary;
use crate::words::{
    Area, AreaBasis, Budget, Decision, Engine, Intent, MapOutcome, ProjectStart, ProjectType,
    Sentiment, SpamGate,
};

/// What the conversation means.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Analysis {
    /// Who judged.
    engine: Engine,
    /// The model's id, or the lexicon's version.
    engine_version: String,
    /// Version of our prompt and schema, or of our lexicon.
    prompt_version: String,
    /// What the caller wants.
    intent: Intent,
    /// How they feel about it.
    sentiment: Sentiment,
    /// What is to be remodeled.
    project_type: ProjectType,
    /// When it should start.
    timeline: ProjectStart,
    /// What it may cost.
    budget: Budget,
    /// How promising the lead is.
    #[schema(minimum = 0, maximum = 100)]
    lead_score: u8,
    /// How sure the engine is of the score.
    #[schema(minimum = 0, maximum = 1)]
    confidence: f64,
    /// Why, each with the words that show it.
    reasons: Vec<Reason>,
    /// How likely it is spam, in percent.
    #[schema(minimum = 0, maximum = 100)]
    spam_likelihood: f64,
    /// A few sentences.
    summary: String,
    /// ZIP code as said.
    postal_code: Option<String>,
    /// Address as said.
    address: Option<String>,
    /// Whether the model refused for safety: then a person decides.
    is_blocked: bool,
    /// Tokens that were used.
    tokens: Tokens,
}

/// One reason for a score.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Reason {
    /// The reason in a few words.
    reason: String,
    /// What was said, word for word.
    quote: String,
}

/// Tokens that a model counted.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Tokens {
    /// What was sent.
    prompt: u32,
    /// What it answered.
    output: u32,
    /// What it thought; billed as output.
    thoughts: u32,
}

impl From<AnalysisSection> for Analysis {
    fn from(section: AnalysisSection) -> Self {
        let (engine, engine_version) = match section.engine {
            domain::Engine::Model(id) => (Engine::Model, id),
            domain::Engine::Rules(version) => (Engine::Rules, version),
        };
        let reason = |reason: domain::Reason| Reason {
            reason: reason.reason,
            quote: reason.quote,
        };
        Self {
            engine,
            engine_version,
            prompt_version: section.prompt_version,
            intent: section.intent.into(),
            sentiment: section.sentiment.into(),
            project_type: section.project_type.into(),
            timeline: section.timeline.into(),
            budget: section.budget.into(),
            lead_score: section.lead_score,
            confidence: section.confidence,
            reasons: section.reasons.into_iter().map(reason).collect(),
            spam_likelihood: section.spam_likelihood,
            summary: section.summary,
            postal_code: section.postal_code.map(String::from),
            address: section.address,
            is_blocked: section.is_blocked,
            tokens: Tokens {
                prompt: section.tokens.prompt,
                output: section.tokens.output,
                thoughts: section.tokens.thoughts,
            },
        }
    }
}

/// What follows from the analysis for this tenant.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Qualification {
    /// What the spam gate says.
    gate: SpamGate,
    /// Why, where it was not the analysis that decided: `marked by the source`.
    gate_reason: Option<String>,
    /// Whether the project is in the service area.
    area: Area,
    /// What that rests on.
    area_because: Option<AreaBasis>,
    /// What came of asking a map for the address, where nothing that was said decided; null where none was asked.
    map: Option<MapOutcome>,
    /// Version of the configuration that decided.
    config_version: u64,
    /// The CRMs that get it.
    destinations: Vec<Destination>,
    /// Whether people are told.
    notify: bool,
}

/// A CRM that gets a request.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Destination {
    /// The connection's name.
    connection: String,
    /// The connector's slug.
    connector: String,
}

impl From<QualificationSection> for Qualification {
    fn from(section: QualificationSection) -> Self {
        let (area, area_because) = summary::area(section.area);
        Self {
            gate: section.gate.into(),
            gate_reason: section.gate_reason,
            area,
            area_because,
            map: section.map.map(Into::into),
            config_version: section.config_version,
            destinations: section
                .destinations
                .into_iter()
                .map(|(connection, connector)| Destination {
                    connection: connection.to_string(),
                    connector,
                })
                .collect(),
            notify: section.notify,
        }
    }
}

/// A person's decision about a request that was held back.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Verdict)]
pub(super) struct PersonsVerdict {
    /// What was decided.
    decision: Decision,
    /// Who decided.
    by: String,
    /// When.
    at: Timestamp,
    /// Whether it goes on although the project is outside the service area.
    overrules_area: bool,
}

impl From<Verdict> for PersonsVerdict {
    fn from(verdict: Verdict) -> Self {
        Self {
            decision: verdict.decision.into(),
            by: verdict.by,
            at: verdict.at,
            overrules_area: verdict.overrules_area,
        }
    }
}
