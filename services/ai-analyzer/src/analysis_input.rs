//! What there is to judge of a request. Strangers said or typed nearly all of it.

use domain::{
    Brief, Channel,
    lead::brief::{Happened, Speaker, Utterance},
};

use crate::zip;

/// Longest conversation that is read, in bytes: several hours of talk.
const MAX_TEXT_BYTES: usize = 400_000;

/// What there is to judge.
#[derive(Clone)]
pub(crate) struct AnalysisInput {
    pub(crate) channel: Channel,
    /// What the company calls the person: the caller, the customer.
    pub(crate) role: &'static str,
    /// What happened, with the answers to the questions of a form or a booking page.
    pub(crate) happened: Happened,
    /// What was said or written, in order. Empty if nobody spoke or wrote, or if nothing was recorded.
    pub(crate) utterances: Vec<Utterance>,
    /// A person's note.
    pub(crate) note: Option<String>,
    /// What else is known.
    pub(crate) facts: Vec<Fact>,
}

/// A fact about the inquiry.
#[derive(Clone)]
pub(crate) struct Fact {
    pub(crate) name: String,
    pub(crate) value: String,
    /// Whether somebody outside the company can make it say what they like.
    pub(crate) is_claim: bool,
}

impl AnalysisInput {
    /// The input of a brief that holds no earlier analysis: what was judged before is no fact.
    pub(crate) fn new(brief: Brief) -> Self {
        let facts = facts(&brief);
        let role = brief.role();
        let mut capacity = MAX_TEXT_BYTES;
        let fits = |utterance: &Utterance| {
            let fits = utterance.text.len() <= capacity;
            capacity = capacity.saturating_sub(utterance.text.len());
            fits
        };
        let utterances = brief.conversation.utterances.into_iter();
        Self {
            channel: brief.channel,
            role,
            happened: brief.happened,
            utterances: utterances.take_while(fits).collect(),
            note: brief.note,
            facts,
        }
    }

    /// Whether there is nothing to read.
    pub(crate) fn is_wordless(&self) -> bool {
        self.utterances.is_empty() && self.happened.answers.is_empty() && self.note.is_none()
    }

    /// Each thing that was said or written, the company's part included: what a quote may be taken from.
    pub(crate) fn texts(&self) -> impl Iterator<Item = &str> {
        let utterances = self.utterances.iter();
        utterances
            .map(|utterance| utterance.text.as_str())
            .chain(self.answers())
            .chain(self.note.as_deref())
    }

    /// All that people outside the company can have written: their words, the note, and the facts that they can
    /// choose. The questions count too, because whoever posts a form names its fields.
    pub(crate) fn claims(&self) -> impl Iterator<Item = &str> {
        let is_outside =
            |utterance: &&Utterance| !matches!(utterance.speaker, Speaker::Agent | Speaker::Bot);
        let utterances = self.utterances.iter().filter(is_outside);
        let questions = self.happened.answers.iter();
        let facts = self.facts.iter().filter(|fact| fact.is_claim);
        utterances
            .map(|utterance| utterance.text.as_str())
            .chain(questions.map(|(question, _)| question.as_str()))
            .chain(self.answers())
            .chain(self.note.as_deref())
            .chain(facts.map(|fact| fact.value.as_str()))
    }

    /// Whether a recording tells no voices apart.
    pub(crate) fn has_one_voice(&self) -> bool {
        let mut speakers = self.utterances.iter().map(|utterance| &utterance.speaker);
        match speakers.next() {
            Some(first @ Speaker::Voice(_)) => speakers.all(|speaker| speaker == first),
            _ => false,
        }
    }

    /// What the person said or wrote in their own words. The note is somebody's own words about them.
    pub(crate) fn own_words(&self) -> impl Iterator<Item = &str> {
        let first = self.utterances.first().map(|utterance| &utterance.speaker);
        let has_others = self
            .utterances
            .iter()
            .any(|utterance| Some(&utterance.speaker) != first);
        let is_own = move |utterance: &&Utterance| match &utterance.speaker {
            Speaker::Customer => true,
            Speaker::Agent | Speaker::Bot => false,
            // Of several voices the first is whoever answered the telephone.
            voice @ Speaker::Voice(_) => !has_others || Some(voice) != first,
        };
        let utterances = self.utterances.iter().filter(is_own);
        utterances
            .map(|utterance| utterance.text.as_str())
            .chain(self.note.as_deref())
    }

    /// What the person chose: answers, and the names of what they booked, filled in or wrote about.
    pub(crate) fn choices(&self) -> impl Iterator<Item = &str> {
        let is_name = |note: &&String| self.channel != Channel::Phone && !note.contains("://");
        let names = self.happened.notes.iter().filter(is_name);
        self.answers().chain(names.map(String::as_str))
    }

    fn answers(&self) -> impl Iterator<Item = &str> {
        let answers = self.happened.answers.iter();
        answers.map(|(_, answer)| answer.as_str())
    }
}

fn facts(brief: &Brief) -> Vec<Fact> {
    let (city, state) = match brief.channel {
        Channel::Phone => (
            "city of the caller's number",
            "state of the caller's number",
        ),
        _ => ("city", "state"),
    };
    let zip = brief.postal_code.as_ref();
    let described = brief.happened.describe();
    let happened = if described.is_empty() {
        brief.happened.what.to_owned()
    } else {
        format!("{}, {described}", brief.happened.what)
    };
    let claims = [
        (format!("{} name", brief.role()), brief.name.clone()),
        (city.to_owned(), brief.city.clone()),
        (state.to_owned(), brief.state.clone()),
        (
            zip::ON_FILE.to_owned(),
            zip.map(|zip| zip.as_str().to_owned()),
        ),
        ("address on file".to_owned(), brief.address.clone()),
        (brief.happened.label.to_lowercase(), Some(happened)),
        ("found the company by".to_owned(), brief.found_by()),
        (
            "search keywords".to_owned(),
            brief.attribution.get("keywords").cloned(),
        ),
    ];
    let tags = brief.tags.join(", ");
    let labels = [
        (
            "tags".to_owned(),
            Some(tags).filter(|tags| !tags.is_empty()),
        ),
        (
            "the provider's own judgment".to_owned(),
            brief.lead_status.clone(),
        ),
    ];
    let fact = |is_claim| {
        move |(name, value): (String, Option<String>)| {
            Some(Fact {
                name,
                value: value?,
                is_claim,
            })
        }
    };
    let claims = claims.into_iter().filter_map(fact(true));
    claims
        .chain(labels.into_iter().filter_map(fact(false)))
        .collect()
}

#[cfg(test)]
pub(crate) mod tests {
    use std::collections::BTreeMap;

    use domain::{About, Author, ChatMessage, LeadRequest};
    use testkit::lead;

    use super::*;

    pub(crate) fn voice(number: &str, text: &str) -> Utterance {
        Utterance {
            at: None,
            speaker: Speaker::Voice(number.to_owned()),
            text: text.to_owned(),
        }
    }

    fn of(mut request: LeadRequest) -> AnalysisInput {
        request.document.analysis = None;
        AnalysisInput::new(Brief::new(&request, &lead::office()))
    }

    /// Everything that a lead of this channel can say.
    pub(crate) fn input(channel: Channel) -> AnalysisInput {
        of(lead::qualified(channel))
    }

    /// A lead of this channel whose person says nothing but this: by telephone to somebody of the company.
    pub(crate) fn with(channel: Channel, text: &str) -> AnalysisInput {
        let mut request = lead::qualified(channel);
        let words = || Some(text.to_owned());
        let message = ChatMessage::new(Author::Customer, None, text);
        let messages = || BTreeMap::from([("msg-1".to_owned(), message.clone())]);
        let document = &mut request.document;
        match &mut document.source.said.about {
            About::Text(facts) => facts.messages = messages(),
            About::Chat(facts) => facts.messages = messages(),
            About::Form(facts) => facts.message = words(),
            About::Calendar(facts) => facts.message = words(),
            About::Phone(_) => {
                if let Some(transcript) = &mut document.transcript {
                    transcript.turns.truncate(1);
                    transcript.turns.push(lead::turn("2", 3_100, text));
                }
            }
            About::Api(facts) => facts.message = words(),
            About::Unrecognized(_) => document.source.said.labels.note = words(),
        }
        document.details = None;
        of(request)
    }

    /// A lead of this channel that comes without a word.
    pub(crate) fn wordless(channel: Channel) -> AnalysisInput {
        AnalysisInput {
            channel,
            role: match channel {
                Channel::Phone => "caller",
                _ => "customer",
            },
            happened: Happened::default(),
            utterances: Vec::new(),
            note: None,
            facts: Vec::new(),
        }
    }

    #[test]
    fn the_companys_side_claims_nothing() {
        let chat = input(Channel::Chat);
        let claims: Vec<&str> = chat.claims().collect();
        assert!(claims.contains(&"Hello, we want a new kitchen."));
        assert!(!claims.iter().any(|claim| claim.contains("budget?")));
        assert!(chat.texts().any(|text| text == "What is your budget?"));
        assert!(!claims.contains(&"good_lead") && !claims.contains(&"kitchen, call back"));
    }

    #[test]
    fn own_words_leave_out_whoever_answered() {
        for channel in [Channel::Text, Channel::Chat] {
            let own = input(channel);
            let own: Vec<&str> = own.own_words().take(2).collect();
            let said = [
                "Hello, we want a new kitchen.",
                "About forty thousand, before spring.",
            ];
            assert_eq!(own, said, "{channel}");
        }
        let mut call = wordless(Channel::Phone);
        call.utterances = vec![voice("1", "Hello?"), voice("2", "I need a roof.")];
        assert_eq!(call.own_words().collect::<Vec<_>>(), ["I need a roof."]);
        call.utterances.truncate(1);
        assert_eq!(
            call.own_words().collect::<Vec<_>>(),
            ["Hello?"],
            "a voicemail"
        );
    }

    #[test]
    fn choices_are_answers_and_names_but_no_addresses() {
        let choices = |channel| {
            let input = input(channel);
            input.choices().map(str::to_owned).collect::<Vec<_>>()
        };
        assert_eq!(
            choices(Channel::Form),
            ["about forty thousand", "Free estimate"]
        );
        assert_eq!(choices(Channel::Chat), ["Kitchen"]);
        assert!(choices(Channel::Calendar).contains(&"Kitchen consultation".to_owned()));
        assert_eq!(choices(Channel::Phone), [""; 0]);
    }

    #[test]
    fn a_lead_without_words_has_only_facts() {
        for channel in Channel::ALL {
            assert!(!input(channel).is_wordless(), "{channel}");
            assert!(wordless(channel).is_wordless(), "{channel}");
        }
        let mut form = wordless(Channel::Form);
        form.happened.answers = vec![("Room".to_owned(), "Kitchen".to_owned())];
        assert!(!form.is_wordless());
    }

    #[test]
    fn very_long_conversations_end_at_an_utterance() {
        let mut request = lead::qualified(Channel::Phone);
        let words: String = (0..1_500).map(|number| format!("word{number} ")).collect();
        let turns = vec![lead::turn("2", 0, &words); 100];
        if let Some(transcript) = &mut request.document.transcript {
            transcript.turns = turns;
        }
        let read = of(request);
        assert_eq!(read.utterances.len(), MAX_TEXT_BYTES / words.trim().len());
    }
}
