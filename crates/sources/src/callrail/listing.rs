//! CallRail's lists, as an audit needs them: calls, text messages and forms.
//!
//! - Lists have no time of change: everything is asked for by the days on which it began. Calls are asked for in the order
//!   of their beginning, so that what comes in meanwhile stands on the last page; of the others no order is documented, so
//!   a page may show again what the one before it showed.
//! - Calls have the ids of their webhooks.
//! - Text messages are listed by conversations, which have the ids of their webhooks, the newest messages of each with it.
//!   The messages have no ids: they are known by conversation, minute and words. Only what people wrote is compared, since
//!   what the company writes makes no lead.
//! - Forms are listed as `FOR…`, and told by their webhooks under a number. They are known by the second in which they were
//!   submitted, and whom they say to call or to write to.
//!
//! Source: apidocs.callrail.com, "Listing All Calls", "Text Messages", "Form Submissions" (read 2026-11); the fields of a
//! conversation as a public client of the API has them (github.com/predictive-data-lab/pycallrail). UNCONFIRMED: that a
//! list and a webhook give a message the same minute, and a form the same second; that conversations are listed by the day
//! of their last message; how many messages of a conversation a list shows. What has other words in a list than in its
//! webhook is taken a second time: into the same conversation, if it is a text.

mod written;

use async_trait::async_trait;
use bytes::Bytes;
use domain::Account;
use jiff::{SignedDuration, Timestamp, ToSpan as _, tz::TimeZone};
use serde_json::{Value, json};

use super::{
    api::{Api, FIELDS},
    payload,
};
use crate::{
    ApiError, Asked, Found, ListPage, Listed, ListingApi, Thing, aliases, api::json_value,
};

/// The most things of a page.
pub(super) const PER_PAGE: &str = "250";

/// A call is reported at most 20 minutes after its end, and a little later where nobody hurries.
const REPORTED_WITHIN: SignedDuration = SignedDuration::from_mins(25);

/// A list of the API.
struct List {
    kind: &'static str,
    path: &'static str,
    /// Where an answer has the things.
    member: &'static str,
    /// What is asked for beside days and page.
    query: &'static [(&'static str, &'static str)],
    read: fn(&Value) -> Vec<Listed>,
}

static LISTS: [List; 3] = [
    List {
        kind: "calls",
        path: "calls.json",
        member: "calls",
        query: &[("sort", "start_time"), ("order", "asc"), ("fields", FIELDS)],
        read: |call| listed(call).into_iter().collect(),
    },
    List {
        kind: "texts",
        path: "text-messages.json",
        member: "conversations",
        query: &[],
        read: written::texts,
    },
    List {
        kind: "forms",
        path: "form_submissions.json",
        member: "form_submissions",
        query: &[("fields", written::FORM_FIELDS)],
        read: |form| written::form(form).into_iter().collect(),
    },
];

#[async_trait]
impl ListingApi for Api {
    fn kinds(&self) -> &'static [&'static str] {
        &["calls", "texts", "forms"]
    }

    async fn list(
        &self,
        account: &Account,
        accounts_of_source: &[String],
        asked: &Asked<'_>,
    ) -> Result<ListPage, ApiError> {
        let Some(list) = LISTS.iter().find(|list| list.kind == asked.kind) else {
            return Ok(ListPage::default());
        };
        let companies = self.companies(account, accounts_of_source).await?;
        let companies: Vec<&str> = companies.iter().map(String::as_str).collect();
        let asked_for = companies_to_ask(&companies);
        // `{which company}:{page}`
        let place = asked.place.and_then(|place| place.split_once(':'));
        let place =
            place.and_then(|(company, page)| Some((company.parse().ok()?, page.parse().ok()?)));
        let (index, number): (usize, u64) = place.unwrap_or((0, 1));
        let Some(company) = asked_for.get(index) else {
            return Ok(ListPage::default());
        };
        // Days are the company's own, and those of no zone begin more than a day away from UTC's.
        let day = |at: Timestamp| at.to_zoned(TimeZone::UTC).date();
        let first = day(asked.from).saturating_sub(1.day()).to_string();
        let last = day(asked.to).saturating_add(1.day()).to_string();
        let page = number.to_string();
        let mut query = vec![
            ("company_id", *company),
            ("start_date", first.as_str()),
            ("end_date", last.as_str()),
            ("per_page", PER_PAGE),
            ("page", page.as_str()),
        ];
        query.extend(list.query);
        let answer = self.get(account, &[list.path], &query).await?;
        let answer = json_value(&answer)?;
        let things = answer[list.member].as_array();
        let things = things
            .ok_or_else(|| ApiError::Unreadable(format!("it lists no {}", list.kind).into()))?;
        let things = theirs(things, &companies)?.into_iter().flat_map(list.read);
        let in_time = |thing: &Listed| thing.at >= asked.from && thing.at < asked.to;
        let has_more = number < answer["total_pages"].as_u64().unwrap_or(1);
        let next = if has_more {
            Some(format!("{index}:{}", number + 1))
        } else {
            (index + 1 < asked_for.len()).then(|| format!("{}:1", index + 1))
        };
        Ok(ListPage {
            things: things.filter(in_time).collect(),
            next,
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

    fn learned(&self, account: &Account, accounts_of_source: &[String]) -> Vec<String> {
        let learned = |number| self.company_of(account, number);
        accounts_of_source
            .iter()
            .filter_map(|number| learned(number))
            .collect()
    }
}

/// The ids of the tenant's company, in every form.
pub(super) fn companies<'a>(
    account: &'a Account,
    accounts_of_source: &'a [String],
) -> Result<Vec<&'a str>, ApiError> {
    let companies = account.setting("company_ids").split(',').map(str::trim);
    let companies: Vec<_> = companies
        .filter(|id| !id.is_empty())
        .chain(accounts_of_source.iter().map(String::as_str))
        .collect();
    if companies.is_empty() {
        return Err(ApiError::NotConfigured(
            "it is not known whose calls the tenant may see: enter the ids of its company, as number and as `COM…`, as \
             company_ids of the connection or as accounts of the source",
        ));
    }
    Ok(companies)
}

/// Those of these things that are of these companies.
///
/// # Errors
/// [`ApiError::NotConfigured`] if none is and there are some: else the audit would say for ever that nothing is missing,
/// and have looked at nothing.
fn theirs<'a>(things: &'a [Value], companies: &[&str]) -> Result<Vec<&'a Value>, ApiError> {
    let is_theirs = |thing: &&Value| {
        let company = thing["company_id"].as_str().unwrap_or_default();
        companies.contains(&company)
    };
    let theirs: Vec<_> = things.iter().filter(is_theirs).collect();
    if theirs.is_empty() && !things.is_empty() {
        return Err(ApiError::NotConfigured(
            "CallRail lists only things of other companies than the one that is entered: check company_ids of the \
             connection, or the accounts of the source, and enter the company's id as `COM…`",
        ));
    }
    Ok(theirs)
}

/// Whether an id is the one that answers have.
pub(super) fn is_company(id: &str) -> bool {
    id.starts_with("COM")
}

/// Companies by the id that the API asks for, each once: a number names the same company as the `COM…` beside it.
pub(super) fn companies_to_ask<'a>(companies: &[&'a str]) -> Vec<&'a str> {
    let mut asked: Vec<&str> = Vec::new();
    for id in companies.iter().filter(|id| is_company(id)) {
        if !asked.contains(id) {
            asked.push(id);
        }
    }
    if asked.is_empty() {
        asked.extend(companies.first());
    }
    asked
}

/// A call of a list, as its webhook would say it. One that is going on, or has no id, is left to a later list.
fn listed(call: &Value) -> Option<Listed> {
    let id = call["id"].as_str().filter(|id| payload::is_canonical(id))?;
    let at: Timestamp = call["start_time"].as_str()?.parse().ok()?;
    if call["call_type"] == json!("in_progress") {
        return None;
    }
    let seconds = call["duration"].as_i64().unwrap_or(0);
    let ended_at = at.checked_add(SignedDuration::from_secs(seconds.clamp(0, 86_400)));
    let due_at = ended_at.and_then(|at| at.checked_add(REPORTED_WITHIN)).ok();
    Some(Listed {
        aliases: aliases("callrail", "call", &[id]),
        at,
        due_at,
        canceled: None,
        found: Found::Here(Thing {
            event: Some("post-call"),
            content_type: "application/json",
            body: Bytes::from(call.to_string()),
        }),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_of_which_nothing_is_theirs_is_a_fault() {
        let things = [
            json!({ "company_id": "COM1" }),
            json!({ "company_id": "COM2" }),
        ];
        assert_eq!(theirs(&things, &["7", "COM2"]).unwrap(), [&things[1]]);
        assert!(theirs(&[], &["7"]).unwrap().is_empty());
        let error = theirs(&things, &["7"]).unwrap_err();
        assert!(matches!(error, ApiError::NotConfigured(_)), "{error:?}");
    }

    #[test]
    fn a_company_is_asked_for_once() {
        assert_eq!(
            companies_to_ask(&["7", "COM1", "COM1", "COM2"]),
            ["COM1", "COM2"]
        );
        assert_eq!(companies_to_ask(&["7", "8"]), ["7"]);
    }
}
