//! What an audit asks of a provider's API: everything that happened in a time, and where the provider posts webhooks.
//!
//! A source whose API has neither is not audited, and says so.

use async_trait::async_trait;
use bytes::Bytes;
use domain::{Account, Alias};
use jiff::Timestamp;
use secrecy::SecretString;

use crate::ApiError;

/// Lists what happened in an account, whether its webhook came or not.
#[async_trait]
pub trait ListingApi: Send + Sync {
    /// The kinds of things that are listed apart from each other: `calls`. Stored, so a name stays for ever.
    fn kinds(&self) -> &'static [&'static str];

    /// A page of the things of a kind that happened in a time. One page is one request, unless the page says that more
    /// had to be asked.
    ///
    /// What happens while pages are read may move others to another page: a later listing, which overlaps this one, has
    /// them.
    ///
    /// # Errors
    /// [`ApiError`].
    async fn list(
        &self,
        account: &Account,
        accounts_of_source: &[String],
        asked: &Asked<'_>,
    ) -> Result<ListPage, ApiError>;

    /// The things behind [`Found::Elsewhere`].
    ///
    /// # Errors
    /// [`ApiError`].
    async fn fetch(
        &self,
        account: &Account,
        accounts_of_source: &[String],
        place: &str,
    ) -> Result<Vec<Listed>, ApiError>;

    /// Further ids of the source's accounts, which the provider was asked for and which never change: kept with the source,
    /// nobody has to ask for them again.
    fn learned(&self, _account: &Account, _accounts_of_source: &[String]) -> Vec<String> {
        Vec::new()
    }
}

/// What is listed.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'a> {
    /// One of [`ListingApi::kinds`].
    pub kind: &'a str,
    /// Things that happened at this time or later.
    pub from: Timestamp,
    /// Things that happened before this time.
    pub to: Timestamp,
    /// [`ListPage::next`] of the page before.
    pub place: Option<&'a str>,
}

/// A page of a list.
#[derive(Debug, Clone, Default)]
pub struct ListPage {
    /// The things.
    pub things: Vec<Listed>,
    /// Where the next page begins; none behind the last. It is good for later processes, too.
    pub next: Option<String>,
    /// Requests that the page took.
    pub requests: u32,
}

/// Something that happened.
#[derive(Debug, Clone)]
pub struct Listed {
    /// Its names, as its webhook would say them, canonical first.
    pub aliases: Vec<Alias>,
    /// When it happened. A provider that tells only the day has the day's end here.
    pub at: Timestamp,
    /// Until when its webhook may still come. None where that cannot be said of it: then it counts from when it was
    /// first seen.
    pub due_at: Option<Timestamp>,
    /// Of a booking that is canceled, the time that it was at: a request that says that it stands at this time lacks the
    /// cancellation. None of anything else, and of a provider that does not say it.
    pub canceled: Option<Timestamp>,
    /// What there is of it.
    pub found: Found,
}

/// What a list has of a thing.
#[derive(Debug, Clone)]
pub enum Found {
    /// All.
    Here(Thing),
    /// Its names alone: the rest is asked for if the thing is missing.
    Elsewhere(String),
}

/// A body that the source's own reader understands, as if its webhook had brought it.
#[derive(Debug, Clone)]
pub struct Thing {
    /// The event of the URL that it would have come to.
    pub event: Option<&'static str>,
    /// The body's type.
    pub content_type: &'static str,
    /// The body.
    pub body: Bytes,
}

impl Thing {
    /// A test in JSON: nothing but its mark, as the member of this name.
    pub(crate) fn test(member: &str, mark: &str) -> Self {
        Self {
            event: None,
            content_type: "application/json",
            body: Bytes::from(serde_json::json!({ member: mark }).to_string()),
        }
    }
}

/// Where a provider posts webhooks to.
#[async_trait]
pub trait WebhooksApi: Send + Sync {
    /// Whose account it is, in words: tells that the credential is good.
    ///
    /// # Errors
    /// [`ApiError`].
    async fn check(
        &self,
        account: &Account,
        accounts_of_source: &[String],
    ) -> Result<String, ApiError>;

    /// The ids that bodies name the accounts by which settings and source choose, in every form: they are kept with the
    /// source, so that nobody else's body is taken, and no other source has them. None where settings choose nothing.
    ///
    /// # Errors
    /// [`ApiError`].
    async fn accounts(
        &self,
        _account: &Account,
        _accounts_of_source: &[String],
    ) -> Result<Option<Vec<String>>, ApiError> {
        Ok(None)
    }

    /// Takes a source's URL away from accounts that are `gone`: chosen before, and now no more. `kept` are those that are
    /// chosen. Registrations of other URLs stay as they are. A repeat finds what is left to do.
    ///
    /// Returns the keys that sign for those accounts alone, which are the source's no more.
    ///
    /// # Errors
    /// [`ApiError`].
    async fn withdraw(
        &self,
        _account: &Account,
        _gone: &[String],
        _kept: &[String],
        _url: &str,
    ) -> Result<Vec<SecretString>, ApiError> {
        Ok(Vec::new())
    }

    /// Each event of a source that has this URL, by the provider's name, and the URL that it is to be posted to.
    fn wanted(&self, account: &Account, url: &str) -> Vec<(String, String)>;

    /// Every registration of the account, others' too.
    ///
    /// # Errors
    /// [`ApiError`].
    async fn registered(
        &self,
        account: &Account,
        accounts_of_source: &[String],
    ) -> Result<Vec<Registration>, ApiError>;

    /// Has each of these events posted to its URL, and switches on what is off. They are [`WebhooksApi::wanted`], or some
    /// of them: who entered a URL by hand may have chosen. Registrations of other URLs stay as they are, and so do other
    /// events of ours. What is there already is not made again.
    ///
    /// Returns the key that signs, where the provider or the account has it; else `signing_key` signs.
    ///
    /// # Errors
    /// [`ApiError`]. What was registered before an error stays; a repeat goes on from there.
    async fn register(
        &self,
        account: &Account,
        accounts_of_source: &[String],
        wanted: &[(String, String)],
        signing_key: Option<&SecretString>,
    ) -> Result<Option<SecretString>, ApiError>;

    /// A body that the source stores and does not use, to be posted as a test, with the name of its event in the URL.
    /// `mark` tells tests apart.
    fn test(&self, mark: &str) -> Thing;

    /// Requests that [`WebhooksApi::registered`] takes at most.
    fn requests(&self) -> u32 {
        1
    }
}

/// A URL to which an event is posted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Registration {
    /// The provider's name of the event.
    pub event: String,
    /// The URL.
    pub url: String,
    /// Whether it is posted to. A provider may have switched it off after failures.
    pub is_on: bool,
    /// Since when nothing that was posted to it is taken, where the provider tells: it tries again, and will switch it off.
    pub failing_since: Option<Timestamp>,
}

/// How a source's URL is registered at its provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wiring {
    /// Every event is posted.
    Whole,
    /// These events are switched off, or posted elsewhere only.
    Off(Vec<String>),
}

impl Wiring {
    /// Compares what is wanted with what is there.
    pub fn of(wanted: &[(String, String)], there: &[Registration]) -> Self {
        let is_posted = |(event, url): &&(String, String)| {
            there
                .iter()
                .any(|known| known.is_on && known.event == *event && known.url == *url)
        };
        let off: Vec<_> = wanted
            .iter()
            .filter(|wanted| !is_posted(wanted))
            .map(|(event, _)| event.clone())
            .collect();
        if off.is_empty() {
            Self::Whole
        } else {
            Self::Off(off)
        }
    }
}

/// Each of these events at the URL, for a provider that posts all of them to one.
pub(crate) fn all_at(url: &str, events: &[&str]) -> Vec<(String, String)> {
    let events = events.iter();
    events
        .map(|event| ((*event).to_owned(), url.to_owned()))
        .collect()
}

/// A webhook that a provider has for several events: a registration for each.
pub(crate) fn registrations(
    events: impl IntoIterator<Item = String>,
    url: &str,
    is_on: bool,
    failing_since: Option<Timestamp>,
) -> Vec<Registration> {
    let of = |event| Registration {
        event,
        url: url.to_owned(),
        is_on,
        failing_since,
    };
    events.into_iter().map(of).collect()
}

/// What stands before the token in a URL of ours.
const MARK: &str = "/v1/hooks/";

/// The URL of ours, without an event, that is among these registrations; `is_ours` says it of a token.
pub fn our_url(there: &[Registration], is_ours: impl Fn(&str) -> bool) -> Option<String> {
    there.iter().find_map(|known| {
        let (before, token) = parts(&known.url)?;
        is_ours(token).then(|| format!("{before}{MARK}{token}"))
    })
}

/// Whether a URL leads to the source that this one of ours leads to, for whatever event and at whatever address the server
/// was.
pub(crate) fn leads_to(known: &str, ours: &str) -> bool {
    let token = |url| parts(url).map(|(_, token)| token);
    token(ours).is_some_and(|ours| token(known) == Some(ours))
}

/// What stands before the mark, and the token.
fn parts(url: &str) -> Option<(&str, &str)> {
    let (before, behind) = url.split_once(MARK)?;
    Some((before, behind.split(['/', '?']).next().unwrap_or_default()))
}

/// How many requests an account may make, shared by everybody who uses it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quota {
    /// The setting of the connection that names the account at the provider: `account_id`. Empty where all accounts share
    /// the requests, because the provider counts them by the address that they come from.
    pub account: &'static str,
    /// So many requests in so many seconds, each.
    pub windows: &'static [(u32, u64)],
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known(event: &str, url: &str, is_on: bool) -> Registration {
        Registration {
            event: event.to_owned(),
            url: url.to_owned(),
            is_on,
            failing_since: None,
        }
    }

    #[test]
    fn what_is_off_or_gone_or_elsewhere_is_not_whole() {
        let wanted = [
            ("made".to_owned(), "https://a/1".to_owned()),
            ("canceled".to_owned(), "https://a/1".to_owned()),
        ];
        let there = [
            known("made", "https://other/", true),
            known("made", "https://a/1", true),
            known("canceled", "https://a/1", true),
        ];
        assert_eq!(Wiring::of(&wanted, &there), Wiring::Whole);
        for (broken, expected) in [
            (vec![], vec!["made", "canceled"]),
            (vec![there[0].clone(), there[2].clone()], vec!["made"]),
            (
                vec![there[1].clone(), known("canceled", "https://a/1", false)],
                vec!["canceled"],
            ),
        ] {
            let expected = expected.into_iter().map(str::to_owned).collect();
            assert_eq!(Wiring::of(&wanted, &broken), Wiring::Off(expected));
        }
    }

    #[test]
    fn our_url_is_known_by_its_token() {
        let there = [
            known("a", "https://other.example/v1/hooks/theirs/a", true),
            known("a", "not a url", true),
            known("b", "https://leads.example/v1/hooks/mine/b?x=1", false),
        ];
        assert_eq!(
            our_url(&there, |token| token == "mine").as_deref(),
            Some("https://leads.example/v1/hooks/mine")
        );
        assert_eq!(our_url(&there, |_| false), None);
    }
}
