//! Acuity Scheduling's API v1, as far as one appointment, and what else is in its calendar.
//!
//! - Auth: HTTP Basic, the numeric user id and the API key.
//! - Limits: 10 requests a second and 20 connections for each address that asks, so all tenants share them; over them 429,
//!   without a time to wait. An appointment takes one request for each delivery. Work that meets the limit waits in its
//!   lanes.
//! - A canceled appointment stays readable.
//!
//! Source: developers.acuityscheduling.com, "GET /appointments/:id" and "API errors" (read 2026-11).

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use domain::{About, Account, BookingFacts, Busy, Facts, Span};
use http_client::{Client, Request, Response, Url, header};
use jiff::SignedDuration;
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::Value;

use super::payload;
use crate::{
    ApiError, Apis, BusyApi, Details, DetailsApi, Fields, Wanted, aliases, api::json_fields,
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

/// Appointments that are asked for at a time: more are not within three days of one calendar.
const MAX_APPOINTMENTS: usize = 250;

/// The longest time for one request of the API.
const DEADLINE: Duration = Duration::from_secs(15);

#[async_trait]
impl DetailsApi for Api {
    async fn details(
        &self,
        account: &Account,
        accounts_of_source: &[String],
        facts: &Facts,
    ) -> Result<Details, ApiError> {
        let id = facts.external_id.as_deref();
        let id = id
            .filter(|id| payload::is_id(id))
            .ok_or(ApiError::NotFound)?;
        let answer = self.get(account, &["appointments", id], &[]).await?;
        let appointment = json_fields(&answer, payload::is_wanted)?;
        if appointment.text("id") != Some(id) {
            return Err(ApiError::Unreadable(
                "it is about another appointment".into(),
            ));
        }
        let calendar = appointment.text("calendarID");
        let is_theirs = |known: &String| Some(known.as_str()) == calendar;
        if !accounts_of_source.is_empty() && !accounts_of_source.iter().any(is_theirs) {
            return Err(ApiError::Foreign);
        }
        Ok(Details {
            facts: payload::facts(id, &appointment),
            aliases: aliases("acuity", "appointment", &[id]),
        })
    }
}

/// What is in a calendar beside the appointment: other appointments that stand, and times that were blocked off.
///
/// `availability/check-times` is of no use here: it says of a booked time that it is taken, by the booking itself.
///
/// UNCONFIRMED: `GET /blocks`, its parameters and its `start` and `end`.
#[async_trait]
impl BusyApi for Api {
    async fn busy(
        &self,
        account: &Account,
        external_id: &str,
        booking: &BookingFacts,
        span: Span,
    ) -> Result<Vec<Busy>, ApiError> {
        let calendars = booking.calendar_ids.iter().flatten();
        let calendars: Vec<_> = calendars.filter(|id| payload::is_id(id)).collect();
        if calendars.is_empty() {
            return Err(ApiError::NotFound);
        }
        // Days are those of the calendar's own zone, which is at most a day off.
        let day = SignedDuration::from_hours(24);
        let from = span.from.checked_sub(day).unwrap_or(span.from);
        let to = span.to.checked_add(day).unwrap_or(span.to);
        let (from, to) = (
            from.strftime("%Y-%m-%d").to_string(),
            to.strftime("%Y-%m-%d").to_string(),
        );
        let max = MAX_APPOINTMENTS.to_string();
        let mut busy = Vec::new();
        for calendar in calendars {
            let days = [
                ("calendarID", calendar.as_str()),
                ("minDate", from.as_str()),
                ("maxDate", to.as_str()),
                ("max", max.as_str()),
            ];
            let others = [("canceled", "false"), ("excludeForms", "true")];
            let others = [days.as_slice(), &others].concat();
            let answer = self.get(account, &["appointments"], &others).await?;
            let appointments = list(&answer, payload::is_wanted, MAX_APPOINTMENTS)?;
            if appointments.len() >= MAX_APPOINTMENTS {
                return Err(ApiError::Unreadable(
                    "there are more appointments than can be read".into(),
                ));
            }
            busy.extend(appointments.iter().filter_map(|other| {
                let id = other.text("id")?;
                let facts = payload::facts(id, other);
                let About::Calendar(other) = facts.about else {
                    return None;
                };
                let is_own = id == external_id;
                let is_shared = other.event_id.is_some() && other.event_id == booking.event_id;
                let is_other = !is_own && !is_shared && other.stands();
                let span = other.span().filter(|_| is_other)?;
                let event = other.event_id;
                Some(Busy { span, event })
            }));
            let answer = self.get(account, &["blocks"], &days).await;
            let answer = answer.map_err(|error| match error {
                // Not that the booking has no calendar.
                ApiError::NotFound => ApiError::Unreadable("it has no blocked times".into()),
                error => error,
            })?;
            let blocks = list(
                &answer,
                |name| matches!(name, "start" | "end"),
                MAX_APPOINTMENTS,
            )?;
            busy.extend(blocks.iter().filter_map(|block| {
                let time = |name| payload::instant(block.text(name)?);
                // Of one that takes long, the part that matters; one that tells no time may take all of it.
                let (from, to) = (time("start"), time("end"));
                let span = Span::new(
                    from.unwrap_or(span.from)
                        .max(span.from.checked_sub(day).ok()?),
                    to.unwrap_or(span.to).min(span.to.checked_add(day).ok()?),
                );
                span.map(|span| Busy { span, event: None })
            }));
        }
        Ok(busy)
    }

    /// Appointments and blocked times of each calendar.
    fn requests(&self, booking: &BookingFacts) -> u32 {
        let calendars = booking.calendar_ids.iter().flatten().count();
        u32::try_from(calendars).map_or(u32::MAX, |calendars| calendars.saturating_mul(2))
    }
}

/// The objects of an answer that is a list.
fn list(answer: &Response, wanted: Wanted, max: usize) -> Result<Vec<Fields<'_>>, ApiError> {
    Ok(Fields::read_list(&answer.body, wanted, max)?)
}

impl Api {
    pub(super) async fn get(
        &self,
        account: &Account,
        path: &[&str],
        query: &[(&str, &str)],
    ) -> Result<Response, ApiError> {
        let request = self.client.get(self.url(path).as_str()).query(query);
        answered(account, request).await
    }

    pub(super) async fn post(
        &self,
        account: &Account,
        path: &[&str],
        body: &Value,
    ) -> Result<Response, ApiError> {
        let request = self.client.post(self.url(path).as_str()).json(body);
        answered(account, request).await
    }

    /// What is gone already counts as deleted.
    pub(super) async fn delete(&self, account: &Account, path: &[&str]) -> Result<(), ApiError> {
        let request = self.client.delete(self.url(path).as_str());
        match answered(account, request).await {
            Ok(_) | Err(ApiError::NotFound) => Ok(()),
            Err(error) => Err(error),
        }
    }

    fn url(&self, path: &[&str]) -> Url {
        let mut url = self.base_url.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(["api", "v1"]).extend(path);
        }
        url
    }
}

async fn answered(account: &Account, request: Request<'_>) -> Result<Response, ApiError> {
    let user = account.setting("user_id");
    if user.is_empty() {
        return Err(ApiError::NotConfigured(
            "the connection names no user: enter its user_id",
        ));
    }
    let pair = format!("{user}:{}", account.secret.expose_secret());
    let basic = format!("Basic {}", STANDARD.encode(pair));
    let request = request.secret_header(header::AUTHORIZATION, &SecretString::from(basic));
    ApiError::of_status(request.deadline(DEADLINE).send().await?)
}
