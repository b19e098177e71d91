//! The rules: a judgment without a model.
//!
//! A lexicon of our own, open to inspection and always of the same opinion. It fills in when no model is available, so
//! it is modest: it says what it found, in the words that were said, and claims little confidence.
//!
//! Spam likelihood is a sum that only grows: nothing that anybody says can lower it. So neither a pretended project
//! nor an order to the machine helps a robocall. Somebody who tries to steer the machine is a sign of spam itself, and
//! the likelihood found here then is the floor for a model's judgment too ([`floor`]).

mod lexicon;
mod said;
mod score;
mod spam;
#[cfg(test)]
mod tests;
mod timeline;

use domain::{
    Budget, Channel, Intent, PostalCode, ProjectType, Sentiment, Timeline, lead::brief::label, text,
};

use self::{
    said::{Finding, Said},
    score::score,
    spam::{spam, steering},
    timeline::timeline,
};
use crate::{
    analysis_input::AnalysisInput,
    judgment::{Judgment, MAX_SUMMARY},
    zip,
};

/// Version of lexicon and sums together. It is stored with each analysis.
pub(crate) const RULES_VERSION: &str = "rules-3";

/// What everybody gets who said or wrote something, or about whom a note was taken.
const SCORE_WORDS: i32 = 25;
/// What a lead gets that came without a word: somebody wanted something.
const SCORE_WORDLESS: i32 = 30;

/// What the person said, and what they chose. Their own words count first.
struct Customer<'a> {
    own: Said<'a>,
    choices: Said<'a>,
}

/// What was found of a request.
struct Findings {
    spam: Finding<f64>,
    intent: Option<Finding<Intent>>,
    project: Option<Finding<ProjectType>>,
    timeline: Option<Finding<Timeline>>,
    dollars: Option<Finding<u64>>,
    postal_code: Option<Finding<PostalCode>>,
    call_back: Option<Finding<()>>,
}

/// Judges a request by what was said alone.
pub(crate) fn judge(input: &AnalysisInput) -> Judgment {
    let customer = Customer {
        own: Said::of(input.own_words()),
        choices: Said::of(input.choices()),
    };
    let found = Findings::of(input, &customer);
    let is_wordless = input.is_wordless();
    let base = if is_wordless {
        SCORE_WORDLESS
    } else {
        SCORE_WORDS
    };
    let (lead_score, reasons) = score(base, &found);
    Judgment {
        summary: if is_wordless {
            wordless(input)
        } else {
            found.summary(speaker(input), &customer)
        },
        intent: found.intent(),
        sentiment: sentiment(&customer.own),
        project_type: found.project_type(),
        timeline: value_or(found.timeline.as_ref(), Timeline::Unknown),
        budget: found.budget(),
        lead_score,
        confidence: if is_wordless { 0.1 } else { 0.3 },
        reasons,
        spam_likelihood: found.spam.value,
        postal_code: found.postal_code.map(|found| found.value),
        address: None,
    }
}

/// The least spam likelihood that any engine may find, when somebody tries to steer the machine.
pub(crate) fn floor(input: &AnalysisInput) -> Option<f64> {
    let claims = Said::of(input.claims());
    steering(&claims).map(|_| spam(&claims).value)
}

impl<'a> Customer<'a> {
    fn find<T>(&self, find: impl Fn(&Said<'a>) -> Option<T>) -> Option<T> {
        find(&self.own).or_else(|| find(&self.choices))
    }
}

impl Findings {
    fn of(input: &AnalysisInput, customer: &Customer<'_>) -> Self {
        let spam = spam(&Said::of(input.claims()));
        let intent = if spam.value >= 50.0 {
            Some(Finding {
                value: Intent::Solicitation,
                quote: spam.quote.clone(),
            })
        } else {
            intent(input, customer)
        };
        Self {
            spam,
            intent,
            project: project(customer),
            timeline: customer.find(timeline),
            dollars: customer.find(Said::amount),
            postal_code: postal_code(input, &customer.own),
            call_back: customer.own.any_of(lexicon::CALL_BACK),
        }
    }

    fn intent(&self) -> Intent {
        value_or(self.intent.as_ref(), Intent::Other)
    }

    fn project_type(&self) -> ProjectType {
        value_or(self.project.as_ref(), ProjectType::Unknown)
    }

    fn budget(&self) -> Budget {
        self.dollars.as_ref().map_or(Budget::Unknown, |found| {
            budget(self.project_type(), found.value)
        })
    }

    fn summary(&self, speaker: &str, customer: &Customer<'_>) -> String {
        let project = self.project.as_ref().map(|found| found.value.as_str());
        let start = self.timeline.as_ref().map(|found| found.value.as_str());
        let code = self.postal_code.as_ref().map(|found| found.value.as_str());
        let parts = [
            Some(format!("Intent: {}", plain(self.intent().as_str()))),
            project.map(|word| format!("project: {}", plain(word))),
            start.map(|word| format!("start: {}", plain(word))),
            self.dollars
                .as_ref()
                .map(|found| format!("sum named: ${}", found.value)),
            code.map(|code| format!("ZIP code: {code}")),
        ];
        let parts: Vec<_> = parts.into_iter().flatten().collect();
        // The first that is more than a greeting.
        let begins = customer.find(|said| {
            let words = said.0.iter().find(|words| words.len() >= 5)?;
            let said = words.text(&(0..words.len()))?;
            Some(format!(
                " The {speaker} begins: \"{}\"",
                text::bounded(said, 300)
            ))
        });
        let found = format!(
            "{}.{} (Found by keywords.)",
            parts.join(", "),
            begins.unwrap_or_default()
        );
        text::line(&found, MAX_SUMMARY).unwrap_or_default()
    }
}

fn value_or<T: Copy>(found: Option<&Finding<T>>, otherwise: T) -> T {
    found.map_or(otherwise, |found| found.value)
}

/// Who begins. A recording in which one voice is heard may have two people, so it is not said to be the caller.
fn speaker(input: &AnalysisInput) -> &'static str {
    if input.has_one_voice() {
        "recording"
    } else {
        input.role
    }
}

/// The summary of a lead that came without a word.
fn wordless(input: &AnalysisInput) -> String {
    let what = label(input.happened.what);
    let summary = if input.channel == Channel::Phone {
        format!("{what}. There is no recording of anybody speaking, and no note.")
    } else {
        let described = input.happened.describe();
        let parts = [what, described]
            .into_iter()
            .filter(|part| !part.is_empty());
        let what = parts.collect::<Vec<_>>().join(": ");
        format!("{what}. The customer wrote nothing, and there is no note.")
    };
    text::line(&summary, MAX_SUMMARY).unwrap_or_default()
}

fn intent(input: &AnalysisInput, customer: &Customer<'_>) -> Option<Finding<Intent>> {
    let found = customer.find(|said| said.first_of(lexicon::INTENTS));
    let is_vague = found
        .as_ref()
        .is_none_or(|found| found.value == Intent::Information);
    if input.channel == Channel::Calendar && is_vague {
        // Whoever books a time wants an appointment at least.
        let quote = Some(input.happened.describe()).filter(|quote| !quote.is_empty());
        return Some(Finding {
            value: Intent::Appointment,
            quote,
        });
    }
    found
}

/// The ZIP code as said, else as answered.
fn postal_code(input: &AnalysisInput, own: &Said<'_>) -> Option<Finding<PostalCode>> {
    let answers = zip::answers(input);
    let found = own
        .postal_code(zip::is_asked(input))
        .or_else(|| Said::of(answers.iter().map(String::as_str)).postal_code(false))?;
    (!zip::is_outranked(input, &found.value)).then_some(found)
}

fn project(customer: &Customer<'_>) -> Option<Finding<ProjectType>> {
    let whole = |said: &Said<'_>| {
        said.any_of(lexicon::WHOLE_HOME)
            .map(|home| home.with(ProjectType::WholeHome))
    };
    let named = |said: &Said<'_>| {
        let counted = lexicon::PROJECTS
            .iter()
            .map(|(project, phrases)| (said.count(phrases), *project, *phrases));
        // Of equals `max_by_key` would take the last.
        let (_, project, phrases) = counted.rev().max_by_key(|(count, ..)| *count)?;
        said.any_of(phrases).map(|words| words.with(project))
    };
    let other = |said: &Said<'_>| {
        said.any_of(lexicon::ANY_PROJECT)
            .map(|work| work.with(ProjectType::Other))
    };
    customer
        .find(|said| whole(said).or_else(|| named(said)))
        .or_else(|| customer.find(other))
}

/// What a sum means for a kind of project: under the first it is low, from the second on high.
fn budget(project: ProjectType, dollars: u64) -> Budget {
    let (usual, large) = match project {
        ProjectType::Kitchen => (20_000, 60_000),
        ProjectType::Bathroom => (10_000, 30_000),
        ProjectType::WholeHome => (80_000, 200_000),
        ProjectType::Addition => (50_000, 150_000),
        ProjectType::Basement => (25_000, 75_000),
        ProjectType::Roofing => (8_000, 25_000),
        ProjectType::WindowsDoors | ProjectType::Flooring => (5_000, 20_000),
        ProjectType::Outdoor | ProjectType::Other | ProjectType::Unknown => (10_000, 40_000),
    };
    if dollars < usual {
        Budget::Low
    } else if dollars < large {
        Budget::Medium
    } else {
        Budget::High
    }
}

fn sentiment(own: &Said<'_>) -> Sentiment {
    let (pleased, displeased) = (own.count(lexicon::PLEASED), own.count(lexicon::DISPLEASED));
    if displeased > pleased {
        Sentiment::Negative
    } else if pleased > displeased {
        Sentiment::Positive
    } else {
        Sentiment::Neutral
    }
}

/// A word of a list, for people.
fn plain(word: &str) -> String {
    word.replace('_', " ")
}
