//! What was said or written, or why nothing was.

use std::{borrow::Cow, collections::BTreeMap, fmt};

use jiff::tz::TimeZone;

use super::{MAX_UTTERANCE, bounded_line, line, local_time};
use crate::{
    lead::{About, Audio, Author, ChatMessage, Document, NoAudio, TranscriptState, Turn, thread},
    loops,
};

/// What was said or written, or why nothing was.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Conversation {
    /// Each thing that was said or written, in order.
    pub utterances: Vec<Utterance>,
    /// Why there are no words although there is a recording, in a sentence.
    pub no_words: Option<NoWords>,
    /// Our name of the recording; no link.
    pub recording: Option<String>,
    /// Why there is no recording.
    pub no_recording: Option<NoAudio>,
    /// Whether messages in its middle are left out.
    pub is_cut: bool,
}

/// Why a recording has no transcript.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NoWords {
    /// Nobody spoke.
    Silent,
    /// Nothing but words that come again and again, as recognition hears them in silence.
    Repeated,
    /// No transcript could be made; says why.
    Unavailable(String),
}

/// What one person said or wrote before another did.
#[derive(Clone, PartialEq)]
pub struct Utterance {
    /// When: `0:12` into a recording, or the office's time.
    pub at: Option<String>,
    /// Who.
    pub speaker: Speaker,
    /// The words, on one line.
    pub text: String,
}

/// Who said something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Speaker {
    /// One voice of a recording. The number tells voices apart; it does not say which one is the caller.
    Voice(String),
    /// The lead.
    Customer,
    /// Somebody of the company.
    Agent,
    /// The company's software.
    Bot,
}

impl Conversation {
    pub(super) fn new(document: &Document, about: &About, zone: &TimeZone) -> Self {
        let written = |utterances| Self {
            utterances,
            ..Self::default()
        };
        match about {
            About::Phone(_) => Self::spoken(document),
            About::Text(facts) => written(messages(&facts.messages, zone)),
            About::Chat(facts) => Self {
                is_cut: facts.is_cut == Some(true),
                ..written(messages(&facts.messages, zone))
            },
            About::Form(facts) => written(own_words(facts.message.as_deref())),
            About::Calendar(facts) => written(own_words(facts.message.as_deref())),
            About::Api(facts) => written(own_words(facts.message.as_deref())),
            About::Unrecognized(_) => Self::default(),
        }
    }

    fn spoken(document: &Document) -> Self {
        let (recording, no_recording) = match document.recording.as_ref().map(|found| &found.audio)
        {
            Some(Audio::Stored { name, .. }) => (line(name), None),
            Some(Audio::Absent { reason }) => (None, Some(*reason)),
            None => (None, None),
        };
        let (utterances, no_words) = match document.transcript.as_ref() {
            None => (Vec::new(), None),
            Some(section) => match &section.state {
                TranscriptState::Spoken if says_nothing(&section.turns) => {
                    (Vec::new(), Some(NoWords::Repeated))
                }
                TranscriptState::Spoken => (said(&section.turns), None),
                TranscriptState::Silent => (Vec::new(), Some(NoWords::Silent)),
                TranscriptState::Unavailable { reason } => {
                    let reason = line(reason).unwrap_or_default();
                    (Vec::new(), Some(NoWords::Unavailable(reason)))
                }
            },
        };
        Self {
            utterances,
            no_words,
            recording,
            no_recording,
            is_cut: false,
        }
    }

    /// Why there are no words although there is a recording, in a sentence.
    pub fn why_no_words(&self) -> Option<String> {
        self.no_words.as_ref().map(|why| match why {
            NoWords::Silent => "nobody spoke".to_owned(),
            NoWords::Repeated => {
                "nothing but words that come again and again, as silence is often heard; listen to the recording"
                    .to_owned()
            }
            NoWords::Unavailable(reason) => format!("none, it could not be made: {reason}"),
        })
    }

    /// A line for each utterance: `[0:12] Speaker 1: …`. Cut at an utterance, with a mark, so that it has at most `max`
    /// UTF-16 code units: the strictest way in which a CRM may count characters.
    pub fn script(&self, max: usize) -> Option<String> {
        const MARK: &str = "[cut here: the whole conversation is in the dashboard]";
        let capacity = max.saturating_sub(MARK.len() + 1);
        let (mut script, mut length) = (String::new(), 0);
        for utterance in &self.utterances {
            let line = utterance.to_string();
            length += line.encode_utf16().count() + 1;
            if length > capacity {
                script.push_str(MARK);
                break;
            }
            script.push_str(&line);
            script.push('\n');
        }
        let script = script.trim_end();
        (!script.is_empty()).then(|| script.to_owned())
    }
}

impl fmt::Display for Utterance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(at) = &self.at {
            write!(f, "[{at}] ")?;
        }
        write!(f, "{}: {}", self.speaker, self.text)
    }
}

impl fmt::Display for Speaker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Voice(number) => write!(f, "Speaker {number}"),
            Self::Customer => f.write_str("Customer"),
            Self::Agent => f.write_str("Company"),
            Self::Bot => f.write_str("Bot"),
        }
    }
}

impl NoAudio {
    /// Why a call has no audio, as the second half of a sentence.
    pub const fn sentence(self) -> &'static str {
        match self {
            Self::NeverArrived => "it never arrived",
            Self::NotRecorded => "the call was not recorded",
            Self::Empty => "it was empty",
            Self::Unreadable => "it could not be read",
            Self::TooLarge => "it was too large",
            Self::UnknownCall => "the call tracker does not know the call",
            Self::NotConnected => "no account of the call tracker is connected",
        }
    }
}

impl fmt::Debug for Utterance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Utterance")
            .field("speaker", &self.speaker)
            .finish_non_exhaustive()
    }
}

/// A thread's messages in order, without those that were taken back.
fn messages(messages: &BTreeMap<String, ChatMessage>, zone: &TimeZone) -> Vec<Utterance> {
    let utterance = |message: &ChatMessage| {
        Some(Utterance {
            at: message.at.map(|at| local_time(at, zone)),
            speaker: match message.from {
                Author::Customer => Speaker::Customer,
                Author::Agent => Speaker::Agent,
                Author::Bot => Speaker::Bot,
            },
            text: bounded_line(&words(message), MAX_UTTERANCE)?,
        })
    };
    let sorted = thread::in_order(messages).into_iter();
    sorted
        .map(|(_, message)| message)
        .filter(|message| message.says_something())
        .filter_map(utterance)
        .collect()
}

/// What a message says, with the names of its files.
fn words(message: &ChatMessage) -> Cow<'_, str> {
    if message.attachments.is_empty() {
        return Cow::Borrowed(&message.text);
    }
    let files = message.attachments.iter().map(|file| file.name.as_str());
    let files: Vec<_> = files.collect();
    Cow::Owned(format!("{} [attached: {}]", message.text, files.join(", ")))
}

/// What the person wrote in their own words.
fn own_words(message: Option<&str>) -> Vec<Utterance> {
    let text = message.and_then(|message| bounded_line(message, MAX_UTTERANCE));
    let utterance = text.map(|text| Utterance {
        at: None,
        speaker: Speaker::Customer,
        text,
    });
    Vec::from_iter(utterance)
}

/// Whether the turns together say nothing: a loop may be divided among voices.
fn says_nothing(turns: &[Turn]) -> bool {
    let words: Vec<&str> = turns.iter().map(|turn| turn.text.as_str()).collect();
    loops::say_nothing(&words.join(" "))
}

/// What was said, each loop once.
fn said(turns: &[Turn]) -> Vec<Utterance> {
    let turn = |turn: &Turn| match loops::shortened(&turn.text) {
        Some(text) => spoken_turn(&Turn {
            text,
            ..turn.clone()
        }),
        None => spoken_turn(turn),
    };
    turns.iter().flat_map(turn).collect()
}

/// A turn. A very long one is in parts: speech recognition that hears one voice makes one turn of a whole call.
fn spoken_turn(turn: &Turn) -> Vec<Utterance> {
    let seconds = turn.start_ms / 1_000;
    let mut at = Some(format!("{}:{:02}", seconds / 60, seconds % 60));
    let speaker = Speaker::Voice(bounded_line(&turn.speaker, 40).unwrap_or_default());
    let mut parts = Vec::new();
    let mut rest = turn.text.as_str();
    while !rest.is_empty() {
        let (part, after) = rest.split_at(end_of_part(rest));
        rest = after;
        if let Some(text) = bounded_line(part, MAX_UTTERANCE) {
            let speaker = speaker.clone();
            parts.push(Utterance {
                at: at.take(),
                speaker,
                text,
            });
        }
    }
    parts
}

/// Where the first part ends: between words if there are any.
fn end_of_part(text: &str) -> usize {
    let Some((limit, _)) = text.char_indices().nth(MAX_UTTERANCE) else {
        return text.len();
    };
    let (head, _) = text.split_at(limit);
    let space = head.rfind(char::is_whitespace);
    space.filter(|at| *at > 0).unwrap_or(limit)
}
