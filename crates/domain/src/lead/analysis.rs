//! What the conversation means, in words that the model, our rules, CRMs and the API share.

use serde::{Deserialize, Serialize};

use crate::{PostalCode, words::words};

words! {
    /// What the person wants.
    #[derive(PartialOrd, Ord)]
    pub enum Intent ("an intent") {
        /// A price for a project.
        Quote => "quote_request",
        /// A visit or a meeting.
        Appointment => "appointment",
        /// Something broke.
        Repair => "repair",
        /// A question before a project.
        Information => "information",
        /// About a project that runs already.
        ExistingProject => "existing_project",
        /// A complaint.
        Complaint => "complaint",
        /// To sell something.
        Solicitation => "solicitation",
        /// Somebody else.
        WrongNumber => "wrong_number",
        /// None of these.
        Other => "other",
    }
}

words! {
    /// How the caller feels about it.
    #[derive(PartialOrd, Ord)]
    pub enum Sentiment ("a sentiment") {
        /// Well.
        Positive => "positive",
        /// Neither way.
        Neutral => "neutral",
        /// Badly.
        Negative => "negative",
    }
}

words! {
    /// What is to be remodeled.
    #[derive(PartialOrd, Ord)]
    pub enum ProjectType ("a type of project") {
        /// Kitchen.
        Kitchen => "kitchen",
        /// Bathroom.
        Bathroom => "bathroom",
        /// The whole home.
        WholeHome => "whole_home",
        /// A room more.
        Addition => "addition",
        /// Basement.
        Basement => "basement",
        /// Roof.
        Roofing => "roofing",
        /// Windows and doors.
        WindowsDoors => "windows_doors",
        /// Floors.
        Flooring => "flooring",
        /// Deck, patio, outside.
        Outdoor => "outdoor",
        /// Something else.
        Other => "other",
        /// Not said.
        Unknown => "unknown",
    }
}

words! {
    /// When it should start.
    #[derive(PartialOrd, Ord)]
    pub enum Timeline ("a timeline") {
        /// At once.
        Immediate => "immediate",
        /// Within three months.
        OneToThreeMonths => "1_3_months",
        /// Three to six months from now.
        ThreeToSixMonths => "3_6_months",
        /// Later.
        SixMonthsPlus => "6_plus_months",
        /// Not said.
        Unknown => "unknown",
    }
}

words! {
    /// What it may cost.
    #[derive(PartialOrd, Ord)]
    pub enum Budget ("a budget") {
        /// Large for its kind.
        High => "high",
        /// Usual for its kind.
        Medium => "medium",
        /// Small for its kind.
        Low => "low",
        /// Not said.
        Unknown => "unknown",
    }
}

/// What the conversation means.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AnalysisSection {
    /// The input that was seen; see [`Revisions`](super::Revisions).
    pub revision: u32,
    /// Who judged.
    pub engine: Engine,
    /// Version of our prompt and schema, or of our lexicon.
    pub prompt_version: String,
    /// What the person wants.
    pub intent: Intent,
    /// How they feel about it.
    pub sentiment: Sentiment,
    /// What is to be remodeled.
    pub project_type: ProjectType,
    /// When.
    pub timeline: Timeline,
    /// For how much.
    pub budget: Budget,
    /// How promising the lead is, 0 to 100.
    pub lead_score: u8,
    /// How sure the engine is of the score, 0 to 1.
    pub confidence: f64,
    /// Why, each with the words that show it.
    pub reasons: Vec<Reason>,
    /// How likely it is spam, 0 to 100.
    pub spam_likelihood: f64,
    /// A few sentences.
    pub summary: String,
    /// ZIP code as said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub postal_code: Option<PostalCode>,
    /// Address as said: free text, for people only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// Whether the model refused for safety: then a person decides.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_blocked: bool,
    /// Tokens that were used, all attempts together.
    #[serde(default)]
    pub tokens: Tokens,
}

/// Who judged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "engine", content = "version")]
pub enum Engine {
    /// A model, by the id that answered.
    Model(String),
    /// Our own lexicon, while no model could be had.
    Rules(String),
}

/// One reason for a score.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reason {
    /// The reason in a few words.
    pub reason: String,
    /// What was said, word for word.
    pub quote: String,
}

/// Tokens that a model counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Tokens {
    /// What we sent.
    pub prompt: u32,
    /// What it answered.
    pub output: u32,
    /// What it thought; billed as output.
    pub thoughts: u32,
}
