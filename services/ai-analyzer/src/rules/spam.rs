//! Signs of spam, and of somebody who gives orders to the machine.

use super::{
    lexicon,
    said::{Finding, Said},
};

/// Everybody's spam likelihood.
const BASE: f64 = 5.0;
/// What a strong sign adds: one asks for a person, two decide.
const STRONG: f64 = 45.0;
/// What a weak sign adds.
const WEAK: f64 = 20.0;
/// What all weak signs add together at most: alone they never decide.
const WEAK_MAX: f64 = 70.0;
const MAX: f64 = 95.0;

/// How likely it is spam, from all that strangers claim.
pub(super) fn spam(claims: &Said<'_>) -> Finding<f64> {
    let found = |phrases: &[&str]| {
        phrases
            .iter()
            .filter(|phrase| claims.any_of(&[phrase]).is_some())
            .count()
    };
    let steering = steering(claims);
    let (strong, weak) = (
        found(lexicon::SPAM) + usize::from(steering.is_some()),
        found(lexicon::PITCH),
    );
    let times = |count: usize| f64::from(u32::try_from(count).unwrap_or(u32::MAX));
    let weak = (WEAK * times(weak)).min(WEAK_MAX);
    let value = (BASE + STRONG * times(strong) + weak).min(MAX);
    let sign = claims
        .any_of(lexicon::SPAM)
        .or(steering)
        .or_else(|| claims.any_of(lexicon::PITCH));
    Finding {
        value,
        quote: sign.and_then(|found| found.quote),
    }
}

/// Somebody talks to the machine that listens.
pub(super) fn steering(claims: &Said<'_>) -> Option<Finding<()>> {
    let (verbs, things) = lexicon::GIVES_ORDERS;
    let order = claims.0.iter().find_map(|words| {
        let is_order = |at: &usize| {
            let is_negated = matches!(words.before(*at, 1), "dont" | "not" | "never");
            let near = *at + 1..=*at + 5;
            verbs.contains(&words.get(*at))
                && !is_negated
                && near.into_iter().any(|at| things.contains(&words.get(at)))
        };
        let verb = (0..words.len()).find(is_order)?;
        Some(Finding::at((), words, &(verb..verb + 1)))
    });
    order.or_else(|| claims.any_of(lexicon::STEERING))
}
