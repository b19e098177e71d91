//! What of a request a mapping can name: dotted paths, each with its kind and what it says.

use domain::{
    Brief, Channel, EmailAddress, PostalCode,
    lead::{Budget, Intent, ProjectType, Sentiment, Timeline, brief::Judgment},
};

use super::datum::{Datum, Kind};
use crate::cell::is_formula;

/// A path that every request may have.
pub struct PathSpec {
    /// The path: `contact.phone`.
    pub name: &'static str,
    /// The kind of its value.
    pub kind: Kind,
    /// The words that it can be; empty if anything.
    pub words: &'static [&'static str],
    /// What it says.
    pub about: &'static str,
    get: fn(&Brief) -> Option<Datum>,
}

/// Paths that begin alike, of which each request has its own.
pub struct FamilySpec {
    /// What they begin with: `attribution.`.
    pub prefix: &'static str,
    /// What stands behind that, and what it says.
    pub about: &'static str,
    get: fn(&Brief, &str) -> Option<Datum>,
}

/// What an expression reads.
#[derive(Clone)]
pub(super) enum Path {
    Known(&'static PathSpec),
    Of(&'static FamilySpec, String),
}

/// The longest name behind a family's prefix, in characters.
const MAX_NAME: usize = 200;
/// The longest conversation, in UTF-16 code units.
const MAX_CONVERSATION: usize = 60_000;

impl Path {
    /// Reads a path; none if there is no such.
    pub(super) fn parse(text: &str) -> Option<Self> {
        if let Some(known) = PATHS.iter().find(|path| path.name == text) {
            return Some(Self::Known(known));
        }
        FAMILIES.iter().find_map(|family| {
            let name = text.strip_prefix(family.prefix)?;
            let is_name = (1..=MAX_NAME).contains(&name.chars().count());
            is_name.then(|| Self::Of(family, name.to_owned()))
        })
    }

    pub(super) fn get(&self, brief: &Brief) -> Option<Datum> {
        match self {
            Self::Known(spec) => (spec.get)(brief),
            Self::Of(family, name) => (family.get)(brief, name),
        }
    }

    pub(super) const fn kind(&self) -> Kind {
        match self {
            Self::Known(spec) => spec.kind,
            Self::Of(..) => Kind::Text,
        }
    }

    pub(super) const fn words(&self) -> &'static [&'static str] {
        match self {
            Self::Known(spec) => spec.words,
            Self::Of(..) => &[],
        }
    }
}

/// The path that looks most like this one, for whoever mistyped it.
pub(super) fn nearest(text: &str) -> &'static str {
    let shared = |path: &&PathSpec| {
        let ends = |name: &str| name.rsplit('.').next().unwrap_or_default().to_owned();
        let common = path
            .name
            .chars()
            .zip(text.chars())
            .take_while(|(one, other)| one == other);
        (ends(path.name) == ends(text), common.count())
    };
    PATHS
        .iter()
        .max_by_key(shared)
        .map_or("contact.name", |path| path.name)
}

fn of(text: Option<&str>) -> Option<Datum> {
    Datum::text(text?)
}

fn judged(brief: &Brief, get: fn(&Judgment) -> &'static str) -> Option<Datum> {
    Datum::text(get(brief.judgment.as_ref()?))
}

fn list(items: &[String]) -> Option<Datum> {
    (!items.is_empty()).then(|| Datum::List(items.to_vec()))
}

const fn path(
    name: &'static str,
    kind: Kind,
    about: &'static str,
    get: fn(&Brief) -> Option<Datum>,
) -> PathSpec {
    PathSpec {
        name,
        kind,
        words: &[],
        about,
        get,
    }
}

const fn word(
    name: &'static str,
    words: &'static [&'static str],
    about: &'static str,
    get: fn(&Brief) -> Option<Datum>,
) -> PathSpec {
    PathSpec {
        words,
        ..path(name, Kind::Text, about, get)
    }
}

/// Every path, in the order in which people are shown them.
pub static PATHS: &[PathSpec] = &[
    path("lead_id", Kind::Text, "Our id of the request", |it| {
        Datum::text(it.request.to_string())
    }),
    path(
        "version",
        Kind::Number,
        "Grows with everything that CRMs are told anew",
        |it| Some(Datum::Number(f64::from(it.version))),
    ),
    word(
        "channel",
        Channel::WORDS,
        "How the lead reached the company",
        |it| Datum::text(it.channel.as_str()),
    ),
    path(
        "source",
        Kind::Text,
        "How the person found the company; else the channel",
        |it| Datum::text(it.found_by().unwrap_or_else(|| it.channel.to_string())),
    ),
    path("received_at", Kind::Time, "When the lead came", |it| {
        Some(Datum::Time(it.received_at))
    }),
    path(
        "title",
        Kind::Text,
        "What people call the lead: name, else number, else address",
        |it| Datum::text(it.title()),
    ),
    path("contact.name", Kind::Text, "The whole name", |it| {
        of(it.name.as_deref())
    }),
    path(
        "contact.first_name",
        Kind::Text,
        "All of the name but its last word; a name of one word",
        |it| of(it.split_name().0),
    ),
    path(
        "contact.last_name",
        Kind::Text,
        "The last word of a name of several",
        |it| of(it.split_name().1),
    ),
    path("contact.email", Kind::Text, "E-mail address", |it| {
        let email = it.email.as_ref().map(EmailAddress::as_str);
        of(email.filter(|email| !is_formula(email)))
    }),
    path("contact.phone", Kind::Phone, "Telephone number", |it| {
        it.phone.clone().map(Datum::Phone)
    }),
    path(
        "contact.extension",
        Kind::Text,
        "What is dialed behind the number",
        |it| of(it.extension.as_deref()),
    ),
    path(
        "contact.person_id",
        Kind::Text,
        "Our id of the person",
        |it| Datum::text(it.person_key()),
    ),
    path(
        "contact.opted_out",
        Kind::Text,
        "The words by which the person asked for no more text messages",
        |it| of(it.opted_out.as_deref()),
    ),
    path(
        "property.street",
        Kind::Text,
        "Address of the project",
        |it| of(it.address.as_deref()),
    ),
    path("property.city", Kind::Text, "Town", |it| {
        of(it.city.as_deref())
    }),
    path("property.state", Kind::Text, "State", |it| {
        of(it.state.as_deref())
    }),
    path("property.postal_code", Kind::Text, "ZIP code", |it| {
        of(it.postal_code.as_ref().map(PostalCode::as_str))
    }),
    path(
        "property.is_area_unknown",
        Kind::Flag,
        "Whether nobody could tell if it is in the service area",
        |it| Some(Datum::Flag(it.is_area_unknown)),
    ),
    word(
        "project.type",
        ProjectType::WORDS,
        "What is to be remodeled",
        |it| judged(it, |judgment| judgment.project_type.as_str()),
    ),
    word(
        "project.timeline",
        Timeline::WORDS,
        "When it should start",
        |it| judged(it, |judgment| judgment.timeline.as_str()),
    ),
    word("project.budget", Budget::WORDS, "What it may cost", |it| {
        judged(it, |judgment| judgment.budget.as_str())
    }),
    path(
        "project.value",
        Kind::Text,
        "What the job is worth, as written",
        |it| of(it.value.as_deref()),
    ),
    path(
        "project.summary",
        Kind::Text,
        "The conversation in a few sentences",
        |it| of(Some(it.judgment.as_ref()?.summary.as_str())),
    ),
    path("judgment.score", Kind::Number, "0 to 100", |it| {
        Some(Datum::Number(f64::from(it.judgment.as_ref()?.score)))
    }),
    path(
        "judgment.confidence",
        Kind::Number,
        "How sure the score is, in percent",
        |it| {
            Some(Datum::Number(f64::from(
                it.judgment.as_ref()?.confidence_percent,
            )))
        },
    ),
    path(
        "judgment.spam",
        Kind::Number,
        "How likely it is spam, in percent",
        |it| Some(Datum::Number(f64::from(it.judgment.as_ref()?.spam_percent))),
    ),
    word(
        "judgment.intent",
        Intent::WORDS,
        "What the person wants",
        |it| judged(it, |judgment| judgment.intent.as_str()),
    ),
    word(
        "judgment.sentiment",
        Sentiment::WORDS,
        "How they feel about it",
        |it| judged(it, |judgment| judgment.sentiment.as_str()),
    ),
    path("tags", Kind::List, "Labels from the provider", |it| {
        list(&it.tags)
    }),
    path("note", Kind::Text, "A person's note", |it| {
        of(it.note.as_deref())
    }),
    path(
        "lead_status",
        Kind::Text,
        "The provider's own judgment",
        |it| of(it.lead_status.as_deref()),
    ),
    path(
        "missing",
        Kind::List,
        "The fields that the company wants and that are missing",
        |it| list(&it.missing),
    ),
    path(
        "before",
        Kind::List,
        "What the same person did before",
        |it| list(&it.before),
    ),
    path(
        "happened",
        Kind::Text,
        "What happened, and when, in words",
        |it| Datum::text(it.happened.describe()),
    ),
    path(
        "details",
        Kind::Text,
        "Everything but the conversation, a line for each fact",
        |it| Datum::text(it.details()),
    ),
    path(
        "conversation",
        Kind::Text,
        "What was said or written",
        |it| Datum::text(it.conversation.script(MAX_CONVERSATION)?),
    ),
    path("recording", Kind::Text, "Our name of the recording", |it| {
        of(it.conversation.recording.as_deref())
    }),
];

/// Every family of paths.
pub static FAMILIES: &[FamilySpec] = &[
    FamilySpec {
        prefix: "attribution.",
        about: "then the provider's name of a fact of how the person found the company: `attribution.utm_campaign`",
        get: |brief, name| of(brief.attribution.get(name).map(String::as_str)),
    },
    FamilySpec {
        prefix: "answers.",
        about: "then a question of a form or a booking page, letter by letter: `answers.How did you hear of us?`",
        get: |brief, question| {
            let mut answers = brief.happened.answers.iter();
            let found = answers.find(|(asked, _)| asked == question);
            of(found.map(|(_, answer)| answer.as_str()))
        },
    },
];
