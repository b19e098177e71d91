//! Calendly's list of events, and its subscriptions, as an audit needs them.
//!
//! - The list is by the time at which an event begins, so everything that is to come is looked through. It names no
//!   invitee: of an event that one person may book, its own URI tells whether it is known; of a group's event, the
//!   invitees are asked for each time.
//! - A subscription is a URL with its events, made with the key that signs. One that was switched off is made anew.
//! - Answers to routing forms are not listed by time, so they are not audited.
//!
//! Source: developer.calendly.com, "List Events", "List Event Invitees", "Webhook Subscriptions" (read 2026-11).

use std::collections::BTreeSet;

use async_trait::async_trait;
use bytes::Bytes;
use domain::Account;
use jiff::{SignedDuration, Timestamp};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Value, json};

use super::{api::Api, share::Narrowing};
use crate::{
    ApiError, Asked, Found, ListPage, Listed, ListingApi, Registration, Thing, WebhooksApi,
    aliases,
    api::json_value,
    audit::{all_at, registrations},
};

/// Events, invitees or subscriptions of a page.
const PER_PAGE: &str = "100";

/// A webhook is posted within seconds; one that was not taken comes again after a while.
const REPORTED_WITHIN: SignedDuration = SignedDuration::from_mins(5);

/// The events that are subscribed.
const EVENTS: [&str; 5] = [
    "invitee.created",
    "invitee.canceled",
    "invitee_no_show.created",
    "invitee_no_show.deleted",
    "routing_form_submission.created",
];

#[async_trait]
impl ListingApi for Api {
    fn kinds(&self) -> &'static [&'static str] {
        &["bookings"]
    }

    async fn list(
        &self,
        account: &Account,
        _accounts_of_source: &[String],
        asked: &Asked<'_>,
    ) -> Result<ListPage, ApiError> {
        let me = self.me(account).await?;
        let from = format!("{:.6}", asked.from);
        let mut query = vec![
            ("organization", me.organization.as_str()),
            ("min_start_time", from.as_str()),
            ("sort", "start_time:asc"),
            ("count", PER_PAGE),
        ];
        query.extend(asked.place.map(|token| ("page_token", token)));
        let answer = self.ask(account, &["scheduled_events"], &query).await?;
        let answer = json_value(&answer)?;
        let events = collection(&answer)?;
        let mut page = ListPage {
            next: next_token(&answer),
            requests: 2,
            ..ListPage::default()
        };
        let in_time = |at: Timestamp| at >= asked.from && at < asked.to;
        for event in events {
            let Some(id) = event_id(event).filter(|_| is_of_tenant(account, event)) else {
                continue;
            };
            let is_for_one = event["invitees_counter"]["limit"] == json!(1);
            if is_for_one {
                let made = time(&event["created_at"]);
                let canceled = canceled(event, event);
                let made = made.filter(|at| in_time(*at) || canceled.is_some());
                page.things.extend(made.map(|at| Listed {
                    aliases: aliases(
                        "calendly",
                        "event",
                        &[event["uri"].as_str().unwrap_or_default()],
                    ),
                    at,
                    due_at: at.checked_add(REPORTED_WITHIN).ok(),
                    canceled,
                    found: Found::Elsewhere(id.to_owned()),
                }));
                continue;
            }
            let invitees = self.invitees(account, id, event, &me.user).await?;
            page.requests += 1;
            let is_meant = |invitee: &Listed| in_time(invitee.at) || invitee.canceled.is_some();
            page.things.extend(invitees.into_iter().filter(is_meant));
        }
        Ok(page)
    }

    async fn fetch(
        &self,
        account: &Account,
        _accounts_of_source: &[String],
        place: &str,
    ) -> Result<Vec<Listed>, ApiError> {
        let me = self.me(account).await?;
        let answer = self.ask(account, &["scheduled_events", place], &[]).await?;
        let event = json_value(&answer)?["resource"].take();
        if !is_of_tenant(account, &event) {
            // It went to somebody else since it was listed.
            return Ok(Vec::new());
        }
        self.invitees(account, place, &event, &me.user).await
    }
}

/// Whose token it is.
struct Me {
    user: String,
    organization: String,
    name: String,
}

impl Api {
    async fn me(&self, account: &Account) -> Result<Me, ApiError> {
        let answer = self.ask(account, &["users", "me"], &[]).await?;
        let shown = json_value(&answer)?["resource"].take();
        let text = |name: &str| {
            let text = shown[name].as_str();
            let text = text.ok_or_else(|| ApiError::Unreadable("it does not say who asks".into()));
            text.map(str::to_owned)
        };
        Ok(Me {
            user: text("uri")?,
            organization: text("current_organization")?,
            name: text("name")?,
        })
    }

    /// The first 100 invitees of an event, as their webhooks would say them.
    async fn invitees(
        &self,
        account: &Account,
        id: &str,
        event: &Value,
        user: &str,
    ) -> Result<Vec<Listed>, ApiError> {
        let path = ["scheduled_events", id, "invitees"];
        let answer = self.ask(account, &path, &[("count", PER_PAGE)]).await?;
        let answer = json_value(&answer)?;
        let all = collection(&answer)?.iter();
        Ok(all
            .filter_map(|invitee| listed(invitee, event, user))
            .collect())
    }
}

fn collection(answer: &Value) -> Result<&Vec<Value>, ApiError> {
    let list = answer["collection"].as_array();
    list.ok_or_else(|| ApiError::Unreadable("it lists nothing".into()))
}

fn next_token(answer: &Value) -> Option<String> {
    let token = answer["pagination"]["next_page_token"].as_str()?;
    (!token.is_empty()).then(|| token.to_owned())
}

fn time(value: &Value) -> Option<Timestamp> {
    value.as_str()?.parse().ok()
}

/// The last part of an event's URI, safe in a path.
fn event_id(event: &Value) -> Option<&str> {
    let (_, id) = event["uri"].as_str()?.split_once("/scheduled_events/")?;
    let is_sign = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    ((1..=64).contains(&id.len()) && id.bytes().all(is_sign)).then_some(id)
}

/// Whether an event is with one of the tenant's people, where the tenant names them.
fn is_of_tenant(account: &Account, event: &Value) -> bool {
    let members = event["event_memberships"].as_array();
    let members = members.into_iter().flatten();
    let hosts = members.filter_map(|member| member["user"].as_str());
    Narrowing::of(&account.settings).takes_event(hosts)
}

/// The time of an event that is canceled, or whose invitee canceled.
fn canceled(of: &Value, event: &Value) -> Option<Timestamp> {
    let is_canceled = of["status"] == json!("canceled");
    time(&event["start_time"]).filter(|_| is_canceled)
}

/// An invitee, as its webhook would say it.
fn listed(invitee: &Value, event: &Value, user: &str) -> Option<Listed> {
    let uri = invitee["uri"].as_str()?;
    let at = time(&invitee["created_at"])?;
    let is_canceled = invitee["status"] == json!("canceled");
    let name = if is_canceled { EVENTS[1] } else { EVENTS[0] };
    let mut payload = invitee.clone();
    payload["scheduled_event"] = event.clone();
    // What the API says holds as of its last change.
    let stated_at = invitee["updated_at"]
        .as_str()
        .or(invitee["created_at"].as_str());
    let body = json!({
        "event": name, "created_at": stated_at, "created_by": user, "payload": payload,
    });
    Some(Listed {
        aliases: aliases("calendly", "invitee", &[uri]),
        at,
        due_at: at.checked_add(REPORTED_WITHIN).ok(),
        canceled: canceled(invitee, event),
        found: Found::Here(Thing {
            event: None,
            content_type: "application/json",
            body: Bytes::from(body.to_string()),
        }),
    })
}

#[async_trait]
impl WebhooksApi for Api {
    async fn check(
        &self,
        account: &Account,
        _accounts_of_source: &[String],
    ) -> Result<String, ApiError> {
        // A name in the place of an address would turn everything away.
        if Narrowing::of(&account.settings).has_names() {
            return Err(ApiError::NotConfigured(
                "`users` and `routing_forms` take addresses in Calendly's API, such as https://api.calendly.com/users/AAAA and \
                 https://api.calendly.com/routing_forms/BBBB, with commas between them, and no names: leave both out to take \
                 everybody's",
            ));
        }
        let me = self.me(account).await?;
        Ok(format!("the token is that of {}", me.name))
    }

    fn wanted(&self, _account: &Account, url: &str) -> Vec<(String, String)> {
        all_at(url, &EVENTS)
    }

    async fn registered(
        &self,
        account: &Account,
        _accounts_of_source: &[String],
    ) -> Result<Vec<Registration>, ApiError> {
        let me = self.me(account).await?;
        let all = self.subscriptions(account, &me).await?;
        let each = all.into_iter();
        let each = each.flat_map(|known| {
            registrations(known.events, &known.url, known.is_on, known.failing_since)
        });
        Ok(each.collect())
    }

    async fn register(
        &self,
        account: &Account,
        _accounts_of_source: &[String],
        wanted: &[(String, String)],
        signing_key: Option<&SecretString>,
    ) -> Result<Option<SecretString>, ApiError> {
        // All of them go to one URL.
        let Some((_, url)) = wanted.first() else {
            return Ok(None);
        };
        let me = self.me(account).await?;
        let known = self.subscriptions(account, &me).await?;
        let ours: Vec<_> = known
            .into_iter()
            .filter(|known| known.url == *url)
            .collect();
        let mut events: BTreeSet<_> = wanted.iter().map(|(event, _)| event.clone()).collect();
        let is_whole = |known: &Subscription| {
            known.is_on && events.iter().all(|event| known.events.contains(event))
        };
        if ours.iter().any(is_whole) {
            return Ok(None);
        }
        let Some(key) = signing_key else {
            return Err(ApiError::NotConfigured(
                "the source has no signing key: without one, deliveries could not be verified",
            ));
        };
        // A URL is subscribed once, and one that was switched off has to be made anew, with what it had beside.
        for off in ours {
            events.extend(off.events);
            self.unsubscribe(account, &off.id).await?;
        }
        let body = json!({
            "url": url, "events": events, "organization": me.organization, "scope": "organization",
            "signing_key": key.expose_secret(),
        });
        self.subscribe(account, &body).await?;
        Ok(None)
    }

    fn test(&self, mark: &str) -> Thing {
        // An event that is not used, so it is stored and makes no lead.
        Thing {
            event: None,
            content_type: "application/json",
            body: Bytes::from(json!({ "event": "test", "mark": mark }).to_string()),
        }
    }

    fn requests(&self) -> u32 {
        2
    }
}

struct Subscription {
    id: String,
    url: String,
    events: Vec<String>,
    is_on: bool,
    failing_since: Option<Timestamp>,
}

impl Api {
    async fn subscriptions(
        &self,
        account: &Account,
        me: &Me,
    ) -> Result<Vec<Subscription>, ApiError> {
        const MAX_PAGES: usize = 10;
        let mut all = Vec::new();
        let mut token: Option<String> = None;
        for _ in 0..MAX_PAGES {
            let mut query = vec![
                ("organization", me.organization.as_str()),
                ("scope", "organization"),
                ("count", PER_PAGE),
            ];
            query.extend(token.as_deref().map(|token| ("page_token", token)));
            let answer = self
                .ask(account, &["webhook_subscriptions"], &query)
                .await?;
            let answer = json_value(&answer)?;
            all.extend(collection(&answer)?.iter().filter_map(Subscription::read));
            token = next_token(&answer);
            if token.is_none() {
                break;
            }
        }
        Ok(all)
    }
}

impl Subscription {
    fn read(shown: &Value) -> Option<Self> {
        let (_, id) = shown["uri"]
            .as_str()?
            .split_once("/webhook_subscriptions/")?;
        let is_sign = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        let is_id = (1..=64).contains(&id.len()) && id.bytes().all(is_sign);
        let events = shown["events"].as_array().into_iter().flatten();
        is_id.then(|| Self {
            id: id.to_owned(),
            url: shown["callback_url"]
                .as_str()
                .unwrap_or_default()
                .to_owned(),
            events: events
                .filter_map(Value::as_str)
                .map(str::to_owned)
                .collect(),
            is_on: shown["state"] == json!("active"),
            failing_since: time(&shown["retry_started_at"]),
        })
    }
}
