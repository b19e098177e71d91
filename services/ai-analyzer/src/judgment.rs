//! What an engine makes of a request, whichever engine it is.

use domain::{
    AnalysisSection, Budget, Engine, Intent, PostalCode, ProjectType, Reason, Sentiment, Timeline,
    Tokens, text,
};

use crate::analysis_input::AnalysisInput;

/// Most reasons that are kept.
pub(crate) const MAX_REASONS: usize = 8;
/// Longest reason, in characters.
pub(crate) const MAX_REASON: usize = 200;
/// Longest quote, in bytes.
pub(crate) const MAX_QUOTE_BYTES: usize = 400;
/// Longest summary, in characters.
pub(crate) const MAX_SUMMARY: usize = 1_000;
/// Longest address, in characters.
pub(crate) const MAX_ADDRESS: usize = 200;

/// A judgment: checked and bounded.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Judgment {
    pub(crate) intent: Intent,
    pub(crate) sentiment: Sentiment,
    pub(crate) project_type: ProjectType,
    pub(crate) timeline: Timeline,
    pub(crate) budget: Budget,
    /// 0 to 100.
    pub(crate) lead_score: u8,
    /// 0 to 1.
    pub(crate) confidence: f64,
    pub(crate) reasons: Vec<Reason>,
    /// 0 to 100.
    pub(crate) spam_likelihood: f64,
    pub(crate) summary: String,
    pub(crate) postal_code: Option<PostalCode>,
    pub(crate) address: Option<String>,
}

impl Judgment {
    /// A ZIP code that a model took from somewhere, and that nobody said of the project, stands among other words of
    /// the place: it may be an office's, a former home's, or that of the caller's record. So it can speak for the
    /// service area, and not send a lead away.
    pub(crate) fn keep_from_deciding(
        &mut self,
        input: &AnalysisInput,
        is_said: impl Fn(&PostalCode) -> bool,
    ) {
        let Some(code) = self.postal_code.take_if(|code| !is_said(code)) else {
            return;
        };
        // What is on file counts by itself, as what it is.
        if input.is_on_file(&code) {
            return;
        }
        let address = match self.address.take() {
            Some(address) if address.contains(code.as_str()) => address,
            Some(address) => format!("{address}, {}", code.as_str()),
            None => format!("ZIP code {}", code.as_str()),
        };
        self.address = text::line(&address, MAX_ADDRESS);
    }

    /// The section of the document. `version` is that of the prompt or the lexicon.
    pub(crate) fn into_section(
        self,
        revision: u32,
        engine: Engine,
        version: &str,
        tokens: Tokens,
    ) -> AnalysisSection {
        AnalysisSection {
            revision,
            engine,
            prompt_version: version.to_owned(),
            intent: self.intent,
            sentiment: self.sentiment,
            project_type: self.project_type,
            timeline: self.timeline,
            budget: self.budget,
            lead_score: self.lead_score,
            confidence: self.confidence,
            reasons: self.reasons,
            spam_likelihood: self.spam_likelihood,
            summary: self.summary,
            postal_code: self.postal_code,
            address: self.address,
            is_blocked: false,
            tokens,
        }
    }
}
