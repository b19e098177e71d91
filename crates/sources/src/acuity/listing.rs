//! Acuity's list of appointments, and its subscriptions, as an audit needs them.
//!
//! - The list is by the day on which an appointment takes place, so everything that is to come is looked through. Of when
//!   an appointment was made, only the day is told, as text in the account's time zone.
//! - There are no pages, only a largest number: the next page begins with the day of the last appointment.
//! - A subscription is one event and one URL; there are 25 at most. One that was switched off is made anew.
//!
//! Source: developers.acuityscheduling.com, "GET /appointments", "Webhooks" (read 2026-11). UNCONFIRMED: the largest `max`.

use async_trait::async_trait;
use bytes::Bytes;
use domain::Account;
use jiff::{Timestamp, ToSpan as _, civil, tz::TimeZone};
use secrecy::SecretString;
use serde_json::{Value, json};

use super::{api::Api, payload};
use crate::{
    ApiError, Asked, Found, ListPage, Listed, ListingApi, Registration, Thing, WebhooksApi,
    aliases, api::json_value, audit::all_at,
};

/// Appointments of a page.
const PER_PAGE: usize = 250;

/// Those that stand, and those that were canceled: a list has only the ones or the others.
const KINDS: &[&str] = &["appointments", CANCELED];

/// The kind of those that were canceled, and the webhook's action.
const CANCELED: &str = "canceled";

/// Webhooks that an account may have, whoever made them.
const MAX_WEBHOOKS: usize = 25;

/// The events that are subscribed.
const EVENTS: [&str; 4] = [
    "appointment.scheduled",
    "appointment.rescheduled",
    "appointment.canceled",
    "appointment.changed",
];

#[async_trait]
impl ListingApi for Api {
    fn kinds(&self) -> &'static [&'static str] {
        KINDS
    }

    async fn list(
        &self,
        account: &Account,
        accounts_of_source: &[String],
        asked: &Asked<'_>,
    ) -> Result<ListPage, ApiError> {
        // `{day}:{appointments of a page}`
        let place = asked.place.and_then(|place| place.split_once(':'));
        let place = place.and_then(|(day, max)| Some((day.parse().ok()?, max.parse().ok()?)));
        let from = asked.from.to_zoned(TimeZone::UTC).date();
        let first = from.saturating_sub(1.day());
        let (day, max): (civil::Date, usize) = place.unwrap_or((first, PER_PAGE));
        let (min_date, most) = (day.to_string(), max.to_string());
        let canceled = if asked.kind == KINDS[1] {
            "true"
        } else {
            "false"
        };
        let query = [
            ("minDate", min_date.as_str()),
            ("max", most.as_str()),
            ("direction", "ASC"),
            ("canceled", canceled),
        ];
        let answer = self.get(account, &["appointments"], &query).await?;
        let answer = json_value(&answer)?;
        let all = answer.as_array();
        let all = all.ok_or_else(|| ApiError::Unreadable("it lists no appointments".into()))?;
        let is_theirs = |appointment: &&Value| {
            let calendar = id(&appointment["calendarID"]);
            accounts_of_source.is_empty()
                || calendar.is_some_and(|calendar| accounts_of_source.contains(&calendar))
        };
        let action = if asked.kind == KINDS[1] {
            CANCELED
        } else {
            "scheduled"
        };
        let things = all.iter().filter(is_theirs);
        let things = things.filter_map(|appointment| listed(appointment, action));
        let in_time = |thing: &Listed| thing.at >= asked.from && thing.at < asked.to;
        Ok(ListPage {
            things: things
                .filter(|thing| in_time(thing) || thing.canceled.is_some())
                .collect(),
            next: next(all, day, max),
            requests: 1,
        })
    }

    async fn fetch(
        &self,
        _account: &Account,
        _accounts_of_source: &[String],
        _place: &str,
    ) -> Result<Vec<Listed>, ApiError> {
        Ok(Vec::new()) // a list has everything
    }
}

/// Where the next page begins. A day that fills a page alone is asked for with a larger one.
fn next(all: &[Value], day: civil::Date, max: usize) -> Option<String> {
    if all.len() < max {
        return None;
    }
    let last = all.last().and_then(|last| last["datetime"].as_str());
    let last = last.and_then(|text| text.get(..10)?.parse::<civil::Date>().ok());
    match last {
        Some(last) if last > day => Some(format!("{last}:{PER_PAGE}")),
        _ => Some(format!("{day}:{}", max.saturating_mul(2))),
    }
}

fn id(value: &Value) -> Option<String> {
    match value {
        Value::Number(number) => Some(number.to_string()),
        Value::String(text) => Some(text.clone()),
        _ => None,
    }
}

/// An appointment of a list, as its webhook would say it: by its ids.
fn listed(appointment: &Value, action: &str) -> Option<Listed> {
    let id_of = |name: &str| id(&appointment[name]).filter(|id| payload::is_id(id));
    let id = id_of("id")?;
    let mut body = format!("action={action}&id={id}");
    for name in ["calendarID", "appointmentTypeID"] {
        if let Some(id) = id_of(name) {
            body.push_str(&format!("&{name}={id}"));
        }
    }
    Some(Listed {
        aliases: aliases("acuity", "appointment", &[&id]),
        at: made_on(appointment["dateCreated"].as_str()?)?,
        due_at: None,
        canceled: (action == CANCELED)
            .then(|| payload::instant(appointment["datetime"].as_str()?))
            .flatten(),
        found: Found::Here(Thing {
            event: None,
            content_type: "application/x-www-form-urlencoded",
            body: Bytes::from(body),
        }),
    })
}

/// `November 2, 2026`. The zone is not told: noon of UTC is of that day nearly everywhere.
fn made_on(text: &str) -> Option<Timestamp> {
    let day = civil::Date::strptime("%B %d, %Y", text).ok()?;
    let noon = day.at(12, 0, 0, 0).to_zoned(TimeZone::UTC).ok()?;
    Some(noon.timestamp())
}

#[async_trait]
impl WebhooksApi for Api {
    async fn check(
        &self,
        account: &Account,
        _accounts_of_source: &[String],
    ) -> Result<String, ApiError> {
        let answer = self.get(account, &["me"], &[]).await?;
        let me = json_value(&answer)?;
        let name = me["name"].as_str().or(me["email"].as_str());
        Ok(format!(
            "the key opens the account of {}",
            name.unwrap_or("somebody")
        ))
    }

    fn wanted(&self, _account: &Account, url: &str) -> Vec<(String, String)> {
        all_at(url, &EVENTS)
    }

    async fn registered(
        &self,
        account: &Account,
        _accounts_of_source: &[String],
    ) -> Result<Vec<Registration>, ApiError> {
        let known = self.subscriptions(account).await?;
        Ok(known.into_iter().map(|known| known.registration).collect())
    }

    async fn register(
        &self,
        account: &Account,
        _accounts_of_source: &[String],
        wanted: &[(String, String)],
        _signing_key: Option<&SecretString>,
    ) -> Result<Option<SecretString>, ApiError> {
        let known = self.subscriptions(account).await?;
        let ours = |event: &str, url: &str| -> Vec<&Subscription> {
            let is_ours = |known: &&Subscription| {
                known.registration.event == event && known.registration.url == url
            };
            known.iter().filter(is_ours).collect()
        };
        let missing = wanted
            .iter()
            .filter(|(event, url)| ours(event, url).is_empty());
        // Rather none than some of them.
        if known.len() + missing.count() > MAX_WEBHOOKS {
            return Err(ApiError::Full(
                "Acuity takes 25 webhooks for an account, and it has no room for ours: remove some that nobody needs, in \
                 Acuity under Integrations, Webhooks, or by its API",
            ));
        }
        for (event, url) in wanted {
            let ours = ours(event, url);
            if ours.iter().any(|known| known.registration.is_on) {
                continue;
            }
            // A subscription that is off is made anew; its place is needed where there are 25.
            for off in ours {
                self.delete(account, &["webhooks", &off.id]).await?;
            }
            let body = json!({ "event": event, "target": url });
            self.post(account, &["webhooks"], &body).await?;
        }
        // The API key of whoever subscribed signs.
        Ok(Some(account.secret.clone()))
    }

    fn test(&self, mark: &str) -> Thing {
        // An action that is not used, so it is stored and makes no lead.
        Thing {
            event: None,
            content_type: "application/x-www-form-urlencoded",
            body: Bytes::from(format!("action=test&id=0&mark={mark}")),
        }
    }
}

struct Subscription {
    id: String,
    registration: Registration,
}

impl Api {
    async fn subscriptions(&self, account: &Account) -> Result<Vec<Subscription>, ApiError> {
        let answer = self.get(account, &["webhooks"], &[]).await?;
        let answer = json_value(&answer)?;
        let all = answer.as_array();
        let all = all.ok_or_else(|| ApiError::Unreadable("it lists no webhooks".into()))?;
        let read = |known: &Value| {
            Some(Subscription {
                id: id(&known["id"]).filter(|id| payload::is_id(id))?,
                registration: Registration {
                    event: known["event"].as_str()?.to_owned(),
                    url: known["target"].as_str()?.to_owned(),
                    is_on: known["status"] != json!("disabled"),
                    failing_since: None,
                },
            })
        };
        Ok(all.iter().filter_map(read).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_is_read_as_it_is_written() {
        let at = |text: &str| made_on(text).map(|at| at.to_string());
        assert_eq!(
            at("November 2, 2026").as_deref(),
            Some("2026-11-02T12:00:00Z")
        );
        assert_eq!(at("July 12, 2013").as_deref(), Some("2013-07-12T12:00:00Z"));
        assert_eq!(at("yesterday"), None);
    }

    #[test]
    fn a_full_page_goes_on_with_its_last_day() {
        let on = |day: &str| json!({ "datetime": format!("{day}T10:00:00-0500") });
        let day = civil::date(2026, 3, 1);
        assert_eq!(next(&[on("2026-03-01")], day, 2), None);
        let two = [on("2026-03-01"), on("2026-03-04")];
        assert_eq!(next(&two, day, 2).as_deref(), Some("2026-03-04:250"));
        let same = [on("2026-03-01"), on("2026-03-01")];
        assert_eq!(next(&same, day, 2).as_deref(), Some("2026-03-01:4"));
    }
}
