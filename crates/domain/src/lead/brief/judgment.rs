//! What the conversation means.

use std::fmt;

use super::{Lines, MAX_ITEMS, label, line, paragraphs};
use crate::lead::{AnalysisSection, Budget, Engine, Intent, ProjectType, Sentiment, Timeline};

/// What the conversation means.
#[derive(Clone, PartialEq)]
pub struct Judgment {
    /// What the person wants.
    pub intent: Intent,
    /// How they feel about it.
    pub sentiment: Sentiment,
    /// What is to be remodeled.
    pub project_type: ProjectType,
    /// When it should start.
    pub timeline: Timeline,
    /// What it may cost.
    pub budget: Budget,
    /// 0 to 100.
    pub score: u8,
    /// How sure the engine is of the score, in percent.
    pub confidence_percent: u8,
    /// How likely it is spam, in percent.
    pub spam_percent: u8,
    /// A few sentences.
    pub summary: String,
    /// Why, each with the words that show it.
    pub reasons: Vec<(String, String)>,
    /// Whether our own rules judged, because no model was available.
    pub is_by_rules: bool,
}

impl Judgment {
    pub(super) fn new(analysis: &AnalysisSection) -> Self {
        let reasons = analysis.reasons.iter().take(MAX_ITEMS);
        Self {
            intent: analysis.intent,
            sentiment: analysis.sentiment,
            project_type: analysis.project_type,
            timeline: analysis.timeline,
            budget: analysis.budget,
            score: analysis.lead_score.min(100),
            confidence_percent: percent(analysis.confidence * 100.0),
            spam_percent: percent(analysis.spam_likelihood),
            summary: paragraphs(&analysis.summary).unwrap_or_default(),
            reasons: reasons
                .filter_map(|reason| {
                    let quote = line(&reason.quote).unwrap_or_default();
                    Some((line(&reason.reason)?, quote))
                })
                .collect(),
            is_by_rules: matches!(analysis.engine, Engine::Rules(_)),
        }
    }

    pub(super) fn describe(&self, lines: &mut Lines) {
        let wants = format!(
            "{} ({})",
            label(self.project_type.as_str()),
            label(self.intent.as_str())
        );
        lines.add("Wants", Some(&wants));
        lines.add("Timeline", Some(&label(self.timeline.as_str())));
        lines.add("Budget", Some(&label(self.budget.as_str())));
        let score = format!("{} of 100, {} % sure", self.score, self.confidence_percent);
        lines.add("Score", Some(&score));
        let sentiment = format!("{}; spam: {} %", self.sentiment.as_str(), self.spam_percent);
        lines.add("Sentiment", Some(&sentiment));
        if self.is_by_rules {
            lines.add(
                "Judged by",
                Some("word rules, because no model was available"),
            );
        }
        lines.add("Summary", Some(&self.summary));
        for (reason, quote) in &self.reasons {
            lines.0.push(if quote.is_empty() {
                format!("- {reason}")
            } else {
                format!("- {reason}: “{quote}”")
            });
        }
    }
}

impl fmt::Debug for Judgment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Judgment")
            .field("score", &self.score)
            .finish_non_exhaustive()
    }
}

fn percent(value: f64) -> u8 {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "clamped to 0 to 100, and no number becomes 0"
    )]
    {
        value.clamp(0.0, 100.0).round() as u8
    }
}
