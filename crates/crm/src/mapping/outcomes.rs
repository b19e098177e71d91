//! What an expression can come to, whatever the lead: what is said of a mapping before any lead came.

use std::collections::{BTreeMap, BTreeSet};

use domain::text;

use super::{
    datum::Kind,
    functions::{DateForm, PhoneForm, Scalar, Step},
    paths::Path,
    rules::{Expression, Taken},
};

/// What an expression can come to, whatever the lead.
pub(super) struct Outcomes {
    pub(super) kinds: BTreeSet<Kind>,
    /// The texts that it can be; none if any.
    pub(super) words: Option<BTreeSet<String>>,
    /// Whether it comes to something for every lead.
    pub(super) is_always: bool,
}

impl Expression {
    /// What it can come to.
    pub(super) fn outcomes(&self) -> Outcomes {
        let mut outcomes = match &self.source {
            Taken::Path(path) => Outcomes {
                kinds: [path.kind()].into(),
                words: Some(path.words())
                    .filter(|words| !words.is_empty())
                    .map(|words| words.iter().map(|word| (*word).to_owned()).collect()),
                is_always: matches!(path, Path::Known(path) if ALWAYS.contains(&path.name)),
            },
            Taken::Value(value) => Outcomes::of(value),
            Taken::Concat { parts, .. } => Outcomes {
                kinds: [Kind::Text].into(),
                words: None,
                is_always: parts.iter().any(|part| part.outcomes().is_always),
            },
            Taken::First(parts) => {
                let mut all = parts.iter().map(Self::outcomes);
                let first = all.next().unwrap_or_else(Outcomes::nothing);
                all.fold(first, Outcomes::or)
            }
        };
        for step in &self.then {
            outcomes = outcomes.behind(step);
        }
        outcomes
    }
}

/// Paths that no lead is without.
const ALWAYS: [&str; 9] = [
    "lead_id",
    "version",
    "channel",
    "source",
    "received_at",
    "title",
    "contact.person_id",
    "property.is_area_unknown",
    "details",
];

impl Outcomes {
    fn nothing() -> Self {
        Self {
            kinds: BTreeSet::new(),
            words: Some(BTreeSet::new()),
            is_always: false,
        }
    }

    fn of(value: &Scalar) -> Self {
        let text = value.datum().map(|datum| datum.plain());
        Self {
            kinds: [value.kind()].into(),
            is_always: text.is_some(),
            words: Some(text.into_iter().collect()),
        }
    }

    fn only(kind: Kind, is_always: bool) -> Self {
        Self {
            kinds: [kind].into(),
            words: None,
            is_always,
        }
    }

    /// What comes to one of both.
    fn or(mut self, other: Self) -> Self {
        self.kinds.extend(other.kinds);
        self.words = self
            .words
            .zip(other.words)
            .map(|(one, two)| one.union(&two).cloned().collect());
        self.is_always |= other.is_always;
        self
    }

    fn worded(self, change: impl Fn(&str) -> String) -> Self {
        let words = self.words.map(|words| {
            let words = words.iter().map(|word| change(word));
            words.collect()
        });
        Self {
            kinds: [Kind::Text].into(),
            words,
            ..self
        }
    }

    fn behind(self, step: &Step) -> Self {
        match step {
            Step::Cut(max) => self.worded(|word| text::bounded(word, *max)),
            Step::Label => self.worded(domain::lead::brief::label),
            Step::Lower => self.worded(str::to_lowercase),
            Step::Upper => self.worded(str::to_uppercase),
            Step::Join(_) => self.joined(),
            Step::Date(DateForm::Date) => Self::only(Kind::Date, false),
            Step::Date(DateForm::Time) => Self::only(Kind::Time, false),
            Step::Date(DateForm::UsDate | DateForm::Words) => Self::only(Kind::Text, false),
            Step::Number(_) => Self::only(Kind::Number, false),
            Step::Phone(PhoneForm::E164) => Self::only(Kind::Phone, false),
            Step::Phone(_) => Self::only(Kind::Text, false),
            Step::Default(instead) => self.or(Self::of(instead)),
            Step::Map { values, otherwise } => self.mapped(values, otherwise.as_ref()),
        }
    }

    /// Only a list is joined; anything else stays.
    fn joined(mut self) -> Self {
        if self.kinds.remove(&Kind::List) {
            self.kinds.insert(Kind::Text);
            self.words = None;
        }
        self
    }

    fn mapped(self, values: &BTreeMap<String, Scalar>, otherwise: Option<&Option<Scalar>>) -> Self {
        let is_list = self.kinds.contains(&Kind::List);
        let mut mapped = Self {
            is_always: self.is_always,
            ..Self::nothing()
        };
        let instead = otherwise.and_then(Option::as_ref);
        for value in values.values().chain(instead) {
            let becomes = Self::of(value);
            let is_always = mapped.is_always && becomes.is_always;
            mapped = mapped.or(becomes);
            mapped.is_always = is_always;
        }
        match otherwise {
            Some(Some(_)) => {}
            Some(None) => mapped.is_always = false,
            None => {
                // What is not replaced stays as it was.
                let left = self.words.as_ref().map(|words| {
                    let left = words
                        .iter()
                        .filter(|word| !values.contains_key(&word.to_lowercase()));
                    left.cloned().collect::<BTreeSet<_>>()
                });
                if left.as_ref().is_none_or(|left| !left.is_empty()) {
                    let kept = Self {
                        words: left,
                        kinds: self.kinds,
                        is_always: false,
                    };
                    mapped = mapped.or(kept);
                }
            }
        }
        if is_list {
            mapped.kinds.insert(Kind::List);
        }
        mapped
    }
}
