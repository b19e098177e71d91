//! What the simulated bot checks have in common: tokens that pages get, each good once and for a while.

use std::collections::BTreeMap;
use std::sync::Mutex;

use axum::http::{HeaderMap, header};
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use url::form_urlencoded;

use crate::provider::lock;

/// For which page a token is, and what is thought of whoever earned it.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Visitor {
    /// The page's host.
    pub hostname: String,
    /// The action that the page names.
    pub action: String,
    /// How likely it is a person, from 0 to 1. Only reCAPTCHA says so.
    pub score: f64,
}

impl Default for Visitor {
    fn default() -> Self {
        Self {
            hostname: "www.remodel.example.com".to_owned(),
            action: "quote".to_owned(),
            score: 0.9,
        }
    }
}

/// A token that was handed out.
#[derive(Debug, Clone)]
pub(crate) struct Issued {
    pub(crate) visitor: Visitor,
    pub(crate) at: Timestamp,
    is_spent: bool,
    /// With what it was shown: a repeat of that call is answered as it was.
    shown_with: Option<String>,
}

/// Why a token is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Bad {
    /// Nobody was given it.
    Unknown,
    /// It was shown before, or is too old.
    TimeoutOrDuplicate,
}

/// The tokens of one service.
pub(crate) struct Tokens {
    lives: SignedDuration,
    issued: Mutex<BTreeMap<String, Issued>>,
}

impl Tokens {
    pub(crate) fn new(lives: SignedDuration) -> Self {
        Self {
            lives,
            issued: Mutex::default(),
        }
    }

    /// Gives a page a token.
    pub(crate) fn issue(&self, visitor: Visitor, at: Timestamp) -> String {
        let token = format!("sim.{}", hex::encode(rand::random::<[u8; 24]>()));
        let issued = Issued {
            visitor,
            at,
            is_spent: false,
            shown_with: None,
        };
        lock(&self.issued).insert(token.clone(), issued);
        token
    }

    /// Takes a token, which nobody can show again, but for whoever repeats the call by its idempotency key.
    pub(crate) fn take(
        &self,
        token: &str,
        key: Option<&str>,
        now: Timestamp,
    ) -> Result<Issued, Bad> {
        let mut all = lock(&self.issued);
        let issued = all.get_mut(token).ok_or(Bad::Unknown)?;
        let is_old = now.duration_since(issued.at) > self.lives;
        let is_repeat = key.is_some() && issued.shown_with.as_deref() == key;
        if is_old || (issued.is_spent && !is_repeat) {
            issued.is_spent = true;
            return Err(Bad::TimeoutOrDuplicate);
        }
        issued.is_spent = true;
        issued.shown_with = key.map(str::to_owned);
        Ok(issued.clone())
    }

    /// How many were handed out, and how many of them were shown.
    pub(crate) fn counts(&self) -> (usize, usize) {
        let all = lock(&self.issued);
        let spent = all.values().filter(|issued| issued.is_spent).count();
        (all.len(), spent)
    }
}

/// The fields of a body, which is a form or, where that is taken, an object.
pub(crate) fn fields(
    headers: &HeaderMap,
    body: &[u8],
    takes_json: bool,
) -> BTreeMap<String, String> {
    let kind = headers.get(header::CONTENT_TYPE);
    let kind = kind.and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    if takes_json && kind.starts_with("application/json") {
        return serde_json::from_slice(body).unwrap_or_default();
    }
    form_urlencoded::parse(body).into_owned().collect()
}
