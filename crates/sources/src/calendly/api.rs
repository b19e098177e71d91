//! Calendly's API v2, as far as an invitee, its event, and a routing form's answers.
//!
//! - Auth: `Authorization: Bearer …`, a token of a person, who sees their organization. What another organization has is
//!   not found.
//! - Limits: for each token, in numbers that are not published; over them 429, which says how many seconds to wait in
//!   `Retry-After` or `X-RateLimit-Reset`. A booking takes two requests, and two more for each time that it was moved.
//! - A URI of a delivery is never followed: its ids are asked for at the API's own address.
//!
//! Source: developer.calendly.com, "API reference" (read 2026-11). UNCONFIRMED: the headers of a 429.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use domain::{About, Account, BookingFacts, Busy, Facts, Span};
use http_client::{Client, Request, Response, Url, header};
use jiff::SignedDuration;
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::Value;

use super::{
    payload::{self, Ids, Invitee},
    share::{self, Narrowing},
};
use crate::{
    ApiError, Apis, BusyApi, Details, DetailsApi, Fields, aliases, api::json_fields, fields::Field,
};

/// Calls the API.
pub(super) struct Api {
    client: Client,
    base_url: Url,
}

/// The API at this address.
pub(super) fn apis(client: &Client, base_url: &Url) -> Apis {
    let api = Arc::new(Api {
        client: client.clone(),
        base_url: base_url.clone(),
    });
    Apis {
        details: api.clone(),
        recordings: None,
        busy: Some(api.clone()),
        listing: Some(api.clone()),
        webhooks: Some(api),
    }
}

/// The longest time for one request of the API.
const DEADLINE: Duration = Duration::from_secs(15);

/// How often a booking may have been moved since.
const MAX_MOVES: usize = 10;

#[async_trait]
impl DetailsApi for Api {
    async fn details(
        &self,
        account: &Account,
        _accounts_of_source: &[String],
        facts: &Facts,
    ) -> Result<Details, ApiError> {
        let uri = facts.external_id.as_deref().ok_or(ApiError::NotFound)?;
        match payload::submission_id(uri) {
            Some(id) => self.submission(account, id, uri).await,
            None => self.booking(account, uri).await,
        }
    }
}

impl Api {
    /// An invitee as it is now: one that was moved is followed to where it went.
    async fn booking(&self, account: &Account, uri: &str) -> Result<Details, ApiError> {
        let mut uri = uri.to_owned();
        let mut names: Vec<String> = Vec::new();
        for _ in 0..=MAX_MOVES {
            let Some(Invitee { event, invitee }) = Invitee::parse(&uri) else {
                return Err(ApiError::NotFound);
            };
            let path = ["scheduled_events", event, "invitees", invitee];
            let answer = self.get(account, &path).await?;
            let body = json_fields(&answer, payload::is_wanted)?;
            let resource = body.object("resource");
            let ids = Ids::of(resource)?;
            let is_same = ids
                .invitees()
                .iter()
                .any(|id| Invitee::parse(id).is_some_and(|id| id.invitee == invitee));
            if !is_same {
                return Err(ApiError::Unreadable("it is about another invitee".into()));
            }
            if !names.contains(&uri) {
                names.insert(0, uri.clone());
            }
            if let Some(new) = ids.new_invitee()
                && !names.iter().any(|known| known == new)
            {
                uri = new.to_owned();
                continue;
            }
            let older = ids.invitees().into_iter().map(str::to_owned);
            for name in older {
                if !names.contains(&name) {
                    names.push(name);
                }
            }
            names.truncate(MAX_NAMES);
            let event = self.get(account, &["scheduled_events", event]).await?;
            let event = json_fields(&event, payload::is_wanted)?;
            let event = event.object("resource");
            is_of_tenant(account, event)?;
            return Ok(details(&uri, &names, &ids, resource, event));
        }
        Err(ApiError::Unreadable("it was moved too often".into()))
    }

    /// What somebody answered, and the booking that it led to.
    async fn submission(
        &self,
        account: &Account,
        id: &str,
        uri: &str,
    ) -> Result<Details, ApiError> {
        let answer = self.get(account, &["routing_form_submissions", id]).await?;
        let body = json_fields(&answer, payload::is_wanted)?;
        let resource = body.object("resource");
        if !Narrowing::of(&account.settings).takes_form(resource.text("routing_form")) {
            return Err(ApiError::Foreign);
        }
        let mut facts = payload::submission_facts(resource);
        let submitter = resource.text("submitter");
        let submitter = submitter.filter(|uri| Invitee::parse(uri).is_some());
        let mut names = aliases("calendly", "invitee", submitter.as_slice());
        names.extend(aliases("calendly", "routing_form_submission", &[uri]));
        facts.external_id = names.first().map(|alias| alias.value.clone());
        Ok(Details {
            facts,
            aliases: names,
        })
    }

    async fn get(&self, account: &Account, path: &[&str]) -> Result<Response, ApiError> {
        self.ask(account, path, &[]).await
    }

    pub(super) async fn ask(
        &self,
        account: &Account,
        path: &[&str],
        query: &[(&str, &str)],
    ) -> Result<Response, ApiError> {
        let request = self.client.get(self.url(path).as_str()).query(query);
        answered(account, request).await
    }

    pub(super) async fn subscribe(&self, account: &Account, body: &Value) -> Result<(), ApiError> {
        let url = self.url(&["webhook_subscriptions"]);
        let request = self.client.post(url.as_str()).json(body);
        answered(account, request).await.map(drop)
    }

    /// What is gone already counts as unsubscribed.
    pub(super) async fn unsubscribe(&self, account: &Account, id: &str) -> Result<(), ApiError> {
        let url = self.url(&["webhook_subscriptions", id]);
        match answered(account, self.client.delete(url.as_str())).await {
            Ok(_) | Err(ApiError::NotFound) => Ok(()),
            Err(error) => Err(error),
        }
    }

    fn url(&self, path: &[&str]) -> Url {
        let mut url = self.base_url.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(path);
        }
        url
    }
}

async fn answered(account: &Account, request: Request<'_>) -> Result<Response, ApiError> {
    let token = format!("Bearer {}", account.secret.expose_secret());
    let request = request.secret_header(header::AUTHORIZATION, &SecretString::from(token));
    let answer = request.deadline(DEADLINE).send().await?;
    let reset = seconds_until_reset(&answer);
    ApiError::of_status(answer).map_err(|error| match error {
        ApiError::Throttled { retry_after: None } => ApiError::Throttled { retry_after: reset },
        error => error,
    })
}

/// Invitees of one booking that are kept as its names.
const MAX_NAMES: usize = 5;

/// `X-RateLimit-Reset`, as far as it can be a number of seconds to wait.
fn seconds_until_reset(answer: &Response) -> Option<Duration> {
    const LONGEST: u64 = 60 * 60;
    let seconds = answer.headers.get("x-ratelimit-reset")?.to_str().ok()?;
    let seconds = seconds
        .trim()
        .parse()
        .ok()
        .filter(|seconds| *seconds <= LONGEST)?;
    Some(Duration::from_secs(seconds))
}

/// Whether an event is with one of the tenant's people, where the tenant names them.
fn is_of_tenant(account: &Account, event: &Fields<'_>) -> Result<(), ApiError> {
    if Narrowing::of(&account.settings).takes_event(share::hosts(event)) {
        Ok(())
    } else {
        Err(ApiError::Foreign)
    }
}

fn details(
    uri: &str,
    names: &[String],
    ids: &Ids<'_>,
    invitee: &Fields<'_>,
    event: &Fields<'_>,
) -> Details {
    let mut facts = payload::facts(invitee, event);
    facts.external_id = Some(uri.to_owned());
    if let About::Calendar(booking) = &mut facts.about {
        booking.status = payload::status(invitee);
        let changes = [
            invitee.time("updated_at"),
            event.time("updated_at"),
            invitee.object("no_show").time("created_at"),
        ];
        booking.stated_at = changes.into_iter().flatten().max();
    }
    let mut all = aliases("calendly", "invitee", names);
    if payload::is_for_one(event)
        && let Some(uri) = event.text("uri")
    {
        all.extend(aliases("calendly", "event", &[uri]));
    }
    all.extend(ids.others());
    Details {
        facts,
        aliases: all,
    }
}

/// When people are busy: by their events at Calendly, with the time before and behind that is kept free, and by the
/// calendars that they have it look into.
///
/// A range has at most seven days and lies ahead. 424 says that the way to such a calendar is broken: nothing is known
/// then. UNCONFIRMED: that the copy of an event in such a calendar is not told as a busy time of its own.
///
/// Source: developer.calendly.com, "List User Busy Times" (read 2026-11).
#[async_trait]
impl BusyApi for Api {
    async fn busy(
        &self,
        account: &Account,
        _external_id: &str,
        booking: &BookingFacts,
        span: Span,
    ) -> Result<Vec<Busy>, ApiError> {
        const MAX_BUSY: usize = 100;
        let users: Vec<_> = booking.calendar_ids.iter().flatten().collect();
        if users.is_empty() {
            return Err(ApiError::NotFound);
        }
        let (from, to) = (span.from.to_string(), span.to.to_string());
        let day = SignedDuration::from_hours(24);
        let around = Span {
            from: span.from.checked_sub(day).unwrap_or(span.from),
            to: span.to.checked_add(day).unwrap_or(span.to),
        };
        let mut busy = Vec::new();
        for user in users {
            let range = [
                ("user", user.as_str()),
                ("start_time", from.as_str()),
                ("end_time", to.as_str()),
            ];
            let answer = self.ask(account, &["user_busy_times"], &range).await?;
            let body = json_fields(&answer, is_of_busy_times)?;
            let unreadable = |what: &'static str| ApiError::Unreadable(what.into());
            let Some(Field::List(items)) = body.get("collection") else {
                return Err(unreadable("it lists no busy times"));
            };
            if items.len() > MAX_BUSY {
                return Err(unreadable("there are more busy times than can be read"));
            }
            for item in items {
                let Field::Object(item) = item else { continue };
                let event = item.object("event").text("uri");
                if event.is_some() && event == booking.event_id.as_deref() {
                    continue;
                }
                let time = |buffered, name| item.time(buffered).or_else(|| item.time(name));
                let from = time("buffered_start_time", "start_time");
                let to = time("buffered_end_time", "end_time");
                // What tells no time may be at this one: that is not free.
                let (from, to) = from
                    .zip(to)
                    .ok_or_else(|| unreadable("a busy time tells no time"))?;
                // Of a vacation of weeks, the part that matters.
                let span = Span::new(from.max(around.from), to.min(around.to));
                busy.extend(span.map(|span| Busy {
                    span,
                    event: event.map(str::to_owned),
                }));
            }
        }
        Ok(busy)
    }

    /// One for each person.
    fn requests(&self, booking: &BookingFacts) -> u32 {
        let users = booking.calendar_ids.iter().flatten().count();
        u32::try_from(users).unwrap_or(u32::MAX)
    }
}

fn is_of_busy_times(name: &str) -> bool {
    matches!(
        name,
        "collection"
            | "start_time"
            | "end_time"
            | "buffered_start_time"
            | "buffered_end_time"
            | "event"
            | "uri"
    )
}
