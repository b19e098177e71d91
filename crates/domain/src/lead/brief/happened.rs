//! What happened, in words.

use std::collections::BTreeMap;

use jiff::{Timestamp, tz::TimeZone};

use super::{MAX_ITEMS, bounded_line, first_time, line, local_time};
use crate::lead::{About, BookingFacts, BookingStatus, CallFacts};

/// What happened, in words.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Happened {
    /// What it is called in a list of facts: `Call`, `Booking`.
    pub label: &'static str,
    /// What it is called in a sentence: `missed call`, `canceled booking`.
    pub what: &'static str,
    /// Whether somebody waits to be called back.
    pub is_missed: bool,
    /// When, in the office's time: `Mon 2 Nov 2026, 9:04 AM CST`.
    pub at: Option<String>,
    /// What else the channel says, a few words each: `3:05 min`, `voicemail`.
    pub notes: Vec<String>,
    /// Answers to the questions of a form or a booking page, by question.
    pub answers: Vec<(String, String)>,
}

impl Happened {
    pub(super) fn new(about: &About, zone: &TimeZone) -> Self {
        let what = Self::what(about);
        let time = |at: Option<Timestamp>| at.map(|at| local_time(at, zone));
        match about {
            About::Phone(call) => Self::call(call, what, zone),
            About::Text(facts) => Self {
                label: "Text message",
                what,
                at: time(first_time(&facts.messages)),
                ..Self::default()
            },
            About::Form(form) => Self {
                label: "Form",
                what,
                at: time(form.submitted_at),
                notes: notes([form.form.as_deref(), form.page_url.as_deref()]),
                answers: answers(&form.answers),
                ..Self::default()
            },
            About::Calendar(booking) => Self::booking(booking, what, zone),
            About::Chat(chat) => Self {
                label: "Chat",
                what,
                at: time(chat.started_at.or_else(|| first_time(&chat.messages))),
                notes: notes([chat.subject.as_deref(), chat.page_url.as_deref()]),
                ..Self::default()
            },
            About::Api(lead) => Self {
                label: "Lead",
                what,
                at: time(lead.occurred_at),
                answers: answers(&lead.answers),
                ..Self::default()
            },
            About::Unrecognized(_) => Self {
                label: "Lead",
                what,
                ..Self::default()
            },
        }
    }

    /// What it is called in a sentence.
    pub(super) const fn what(about: &About) -> &'static str {
        match about {
            About::Phone(call) => match (call.is_voicemail, call.is_answered) {
                (Some(true), _) => "voicemail",
                (_, Some(false)) => "missed call",
                _ => "phone call",
            },
            About::Text(_) => "text message",
            About::Form(_) => "website form",
            About::Calendar(booking) => match booking.status {
                Some(BookingStatus::Canceled) => "canceled booking",
                Some(BookingStatus::NoShow) => "missed appointment",
                Some(BookingStatus::Booked | BookingStatus::Unrecognized) | None => "booking",
            },
            About::Chat(_) => "chat",
            About::Api(_) | About::Unrecognized(_) => "lead",
        }
    }

    fn call(call: &CallFacts, what: &'static str, zone: &TimeZone) -> Self {
        let is_missed = call.is_answered == Some(false);
        let is_voicemail = call.is_voicemail == Some(true);
        let seconds = call.duration_seconds;
        // Nobody talked in a missed call: a provider's duration is how long it rang.
        let length = seconds.map(minutes);
        let notes = match (is_voicemail, is_missed) {
            (true, _) => notes([length.as_deref(), Some("voicemail")]),
            (false, true) => notes([Some("missed call"), seconds.and_then(rang).as_deref()]),
            (false, false) => notes([length.as_deref(), None]),
        };
        Self {
            label: "Call",
            what,
            is_missed: is_missed || is_voicemail,
            at: call.started_at.map(|at| local_time(at, zone)),
            notes,
            answers: Vec::new(),
        }
    }

    fn booking(booking: &BookingFacts, what: &'static str, zone: &TimeZone) -> Self {
        let note = match booking.status {
            Some(BookingStatus::Canceled) => Some("canceled"),
            Some(BookingStatus::NoShow) => Some("the customer did not come"),
            Some(BookingStatus::Booked | BookingStatus::Unrecognized) | None => None,
        };
        let length = booking
            .starts_at
            .zip(booking.ends_at)
            .map(|(from, to)| to.duration_since(from).as_mins())
            .filter(|minutes| *minutes > 0)
            .map(|minutes| format!("{minutes} min"));
        Self {
            label: "Booking",
            what,
            is_missed: false,
            at: booking.starts_at.map(|at| local_time(at, zone)),
            notes: notes([
                length.as_deref(),
                booking.service.as_deref(),
                booking.location.as_deref(),
                note,
            ]),
            answers: answers(&booking.answers),
        }
    }

    /// When, and what the channel says of it, on one line: `Mon 2 Nov 2026, 9:04 AM CST, 3:05 min, voicemail`.
    pub fn describe(&self) -> String {
        let parts: Vec<_> = self
            .at
            .iter()
            .chain(&self.notes)
            .map(String::as_str)
            .collect();
        parts.join(", ")
    }
}

fn rang(seconds: u32) -> Option<String> {
    match seconds {
        0 => None,
        1..120 => Some(format!("rang {seconds} s")),
        _ => Some(format!("rang {}", minutes(seconds))),
    }
}

fn minutes(seconds: u32) -> String {
    format!("{}:{:02} min", seconds / 60, seconds % 60)
}

fn notes<const N: usize>(notes: [Option<&str>; N]) -> Vec<String> {
    notes.into_iter().flatten().filter_map(line).collect()
}

fn answers(answers: &BTreeMap<String, String>) -> Vec<(String, String)> {
    let answers = answers.iter().take(MAX_ITEMS);
    answers
        .filter_map(|(question, answer)| Some((bounded_line(question, 100)?, line(answer)?)))
        .collect()
}
