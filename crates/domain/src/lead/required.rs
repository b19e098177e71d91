//! Fields that a company wants of every lead. One that is missing is told; the lead is kept.

use crate::{
    About, AnalysisSection, Budget, Document, Normalized, ProjectType, Timeline, words::words,
    workflow,
};

words! {
    /// A field that a company may want of every lead.
    #[derive(PartialOrd, Ord)]
    pub enum RequiredField ("a field") {
        /// The name.
        Name => "name",
        /// A telephone number at which somebody is reached.
        Phone => "phone",
        /// An e-mail address.
        Email => "email",
        /// The street address.
        Address => "address",
        /// The town.
        City => "city",
        /// The state.
        State => "state",
        /// The ZIP code.
        PostalCode => "postal_code",
        /// Words of their own, spoken or written.
        Message => "message",
        /// What is to be remodeled.
        ProjectType => "project_type",
        /// What it may cost.
        Budget => "budget",
        /// When it should begin.
        Timeline => "timeline",
        /// What they agreed to.
        Consent => "consent",
    }
}

impl RequiredField {
    /// Whether a lead lacks it, by what was delivered, derived and judged.
    pub fn is_missing(
        self,
        document: &Document,
        normalized: &Normalized,
        analysis: &AnalysisSection,
    ) -> bool {
        match self {
            Self::Address => normalized.get(self.as_str()).is_none() && analysis.address.is_none(),
            Self::PostalCode => {
                normalized.get(self.as_str()).is_none() && analysis.postal_code.is_none()
            }
            Self::Name | Self::Phone | Self::Email | Self::City | Self::State => {
                normalized.get(self.as_str()).is_none()
            }
            Self::Message => !has_words(document),
            Self::ProjectType => analysis.project_type == ProjectType::Unknown,
            Self::Budget => analysis.budget == Budget::Unknown,
            Self::Timeline => analysis.timeline == Timeline::Unknown,
            Self::Consent => document.facts().consent.is_none(),
        }
    }
}

fn has_words(document: &Document) -> bool {
    match &document.facts().about {
        About::Phone(_) => workflow::is_spoken(document),
        About::Text(facts) => !facts.messages.is_empty(),
        About::Chat(facts) => !facts.messages.is_empty(),
        About::Form(facts) => facts.message.is_some(),
        About::Calendar(facts) => facts.message.is_some(),
        About::Api(facts) => facts.message.is_some(),
        About::Unrecognized(_) => false,
    }
}
