//! Search: groups of filters over an index that may lag.

use std::collections::BTreeMap;

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::{Value, json};

use super::portal::{Kind, Portal, Record};
use super::{HubSpot, Provider, Sim, lock};
use crate::extract::{Authorized, Path, json};

const GROUPS: usize = 5;
const FILTERS_PER_GROUP: usize = 6;
const FILTERS: usize = 18;
const ROWS_PER_PAGE: usize = 200;
const ROWS_PER_QUERY: usize = 10_000;
const QUERY_CHARACTERS: usize = 3000;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Body {
    #[serde(default)]
    filter_groups: Vec<Group>,
    #[serde(default)]
    query: Option<String>,
    #[serde(default)]
    properties: Vec<String>,
    #[serde(default)]
    sorts: Vec<Value>,
    #[serde(default)]
    limit: Option<usize>,
    #[serde(default)]
    after: Option<Value>,
}

#[derive(Deserialize)]
struct Group {
    filters: Vec<Filter>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Filter {
    property_name: String,
    operator: Operator,
    #[serde(default)]
    value: Option<String>,
    #[serde(default)]
    high_value: Option<String>,
    #[serde(default)]
    values: Vec<String>,
}

#[derive(Deserialize, Clone, Copy, PartialEq, Eq)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
enum Operator {
    Eq,
    Neq,
    Lt,
    Lte,
    Gt,
    Gte,
    Between,
    In,
    NotIn,
    HasProperty,
    NotHasProperty,
    ContainsToken,
    NotContainsToken,
}

/// `POST /{kind}/search`.
pub(super) async fn search(
    State(sim): Sim,
    Authorized(account): Authorized<HubSpot>,
    Path(kind): Path<Kind>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Response> {
    let invalid = |message: &str| HubSpot::error(StatusCode::BAD_REQUEST, message);
    if body.len() > 4 * QUERY_CHARACTERS {
        return Err(invalid("The search request is too long"));
    }
    let body: Body = json::<HubSpot, _>(&headers, &body)?;
    let limit = body.limit.unwrap_or(10);
    let after = body.after.as_ref().map_or(Some(0), |after| match after {
        Value::String(text) if text.is_empty() => Some(0),
        Value::String(text) => text.parse().ok(),
        other => other
            .as_u64()
            .and_then(|number| usize::try_from(number).ok()),
    });
    let after = after.filter(|after| after + limit <= ROWS_PER_QUERY);
    let Some(after) = after else {
        return Err(invalid("Paging beyond 10000 results is not possible"));
    };
    if !(1..=ROWS_PER_PAGE).contains(&limit) {
        return Err(invalid("limit must be between 1 and 200"));
    }
    let filters: usize = body
        .filter_groups
        .iter()
        .map(|group| group.filters.len())
        .sum();
    let is_allowed = |group: &Group| (1..=FILTERS_PER_GROUP).contains(&group.filters.len());
    if body.filter_groups.len() > GROUPS
        || filters > FILTERS
        || !body.filter_groups.iter().all(is_allowed)
    {
        return Err(invalid(
            "There are too many filters or filter groups, or a group is empty",
        ));
    }
    let portal = lock(&account.portal);
    let properties = portal.properties.get(&kind);
    let names = body
        .filter_groups
        .iter()
        .flat_map(|group| &group.filters)
        .map(|filter| &filter.property_name);
    for name in names {
        if !properties.is_some_and(|properties| properties.contains_key(name)) {
            return Err(invalid(&format!(
                "There was a problem with the request: no property \"{name}\""
            )));
        }
    }
    let now = sim.control.now();
    let lag = *lock(&sim.provider.search_lag);
    let is_indexed = |at: jiff::Timestamp| at.checked_add(lag).is_ok_and(|due| due <= now);
    let mut found: Vec<_> = candidates(&portal, kind, &body.filter_groups)
        .into_iter()
        .filter(|record| is_indexed(record.created_at))
        .filter(|record| {
            let seen = match &record.before {
                Some(before) if !is_indexed(record.updated_at) => before,
                _ => &record.properties,
            };
            let by_filters = body.filter_groups.is_empty()
                || body
                    .filter_groups
                    .iter()
                    .any(|group| group.filters.iter().all(|filter| filter.matches(seen)));
            by_filters
                && body
                    .query
                    .as_deref()
                    .is_none_or(|query| matches_query(kind, seen, query))
        })
        .collect();
    sort(&mut found, &body.sorts);
    let total = found.len();
    let standard = [
        "createdate",
        if kind == Kind::Contacts {
            "lastmodifieddate"
        } else {
            "hs_lastmodifieddate"
        },
        "hs_object_id",
    ];
    let results: Vec<_> = found
        .iter()
        .skip(after)
        .take(limit)
        .map(|record| record.render(Some(&body.properties), &standard))
        .collect();
    let mut answer = json!({ "total": total, "results": results });
    if after + limit < total {
        answer["paging"] = json!({ "next": { "after": (after + limit).to_string() } });
    }
    Ok(Json(answer).into_response())
}

/// The records that can match. These are few if every group wants a value that is indexed.
fn candidates<'a>(portal: &'a Portal, kind: Kind, groups: &[Group]) -> Vec<&'a Record> {
    let of_group = |group: &Group| -> Option<Vec<&'a Record>> {
        group.filters.iter().find_map(|filter| {
            let value = filter
                .value
                .as_deref()
                .filter(|_| filter.operator == Operator::Eq)?;
            Some(
                portal
                    .holders(kind, &filter.property_name, value)?
                    .collect(),
            )
        })
    };
    let few: Option<Vec<_>> = groups.iter().map(of_group).collect();
    match few {
        Some(few) if !groups.is_empty() => {
            let in_order: BTreeMap<u64, _> = few
                .into_iter()
                .flatten()
                .map(|record| (record.number(), record))
                .collect();
            in_order.into_values().collect()
        }
        _ => portal.records(kind).collect(),
    }
}

impl Filter {
    fn matches(&self, properties: &BTreeMap<String, String>) -> bool {
        let found = properties
            .get(&self.property_name)
            .map(|value| value.to_lowercase());
        let wanted = self.value.as_deref().unwrap_or_default().to_lowercase();
        let order = found.as_ref().map(|found| compare(found, &wanted));
        let is_in = || {
            self.values.iter().any(|value| {
                found
                    .as_ref()
                    .is_some_and(|found| *found == value.to_lowercase())
            })
        };
        let has_token = || {
            found
                .as_ref()
                .is_some_and(|found| contains_token(found, &wanted))
        };
        match self.operator {
            Operator::Eq => found.as_ref() == Some(&wanted),
            Operator::Neq => found.as_ref() != Some(&wanted),
            Operator::Lt => order.is_some_and(std::cmp::Ordering::is_lt),
            Operator::Lte => order.is_some_and(std::cmp::Ordering::is_le),
            Operator::Gt => order.is_some_and(std::cmp::Ordering::is_gt),
            Operator::Gte => order.is_some_and(std::cmp::Ordering::is_ge),
            Operator::Between => {
                let high = self
                    .high_value
                    .as_deref()
                    .unwrap_or_default()
                    .to_lowercase();
                order.is_some_and(std::cmp::Ordering::is_ge)
                    && found.is_some_and(|found| compare(&found, &high).is_le())
            }
            Operator::In => is_in(),
            Operator::NotIn => !is_in(),
            Operator::HasProperty => found.is_some(),
            Operator::NotHasProperty => found.is_none(),
            Operator::ContainsToken => has_token(),
            Operator::NotContainsToken => !has_token(),
        }
    }
}

/// Compares numbers and times by value, anything else as text.
fn compare(a: &str, b: &str) -> std::cmp::Ordering {
    let number = |text: &str| {
        let at = text
            .to_uppercase()
            .parse::<jiff::Timestamp>()
            .ok()
            .map(|at| at.as_millisecond() as f64);
        text.parse::<f64>().ok().or(at)
    };
    match (number(a), number(b)) {
        (Some(a), Some(b)) => a.total_cmp(&b),
        _ => a.cmp(b),
    }
}

/// Whether a word of the text is the wanted one. A `*` at either end matches anything.
fn contains_token(text: &str, wanted: &str) -> bool {
    let bare = wanted.trim_matches('*');
    let mut tokens = text.split(|letter: char| letter.is_whitespace() || ";,".contains(letter));
    tokens.any(
        |token| match (wanted.starts_with('*'), wanted.ends_with('*')) {
            (true, true) => token.contains(bare),
            (true, false) => token.ends_with(bare),
            (false, true) => token.starts_with(bare),
            (false, false) => token == bare,
        },
    )
}

/// Whether the default searchable properties contain the query.
fn matches_query(kind: Kind, properties: &BTreeMap<String, String>, query: &str) -> bool {
    let searched: &[&str] = match kind {
        Kind::Contacts => &[
            "firstname",
            "lastname",
            "email",
            "phone",
            "company",
            "hs_object_id",
        ],
        Kind::Deals => &["dealname", "description", "pipeline", "dealstage"],
        Kind::Notes => &["hs_note_body"],
    };
    let query = query.to_lowercase();
    searched.iter().any(|name| {
        properties
            .get(*name)
            .is_some_and(|value| value.to_lowercase().contains(&query))
    })
}

fn sort(found: &mut [&Record], sorts: &[Value]) {
    let Some(sort) = sorts.first() else { return };
    let (name, descending) = match sort {
        Value::String(text) => (text.trim_start_matches('-'), text.starts_with('-')),
        other => (
            other["propertyName"].as_str().unwrap_or_default(),
            other["direction"] == "DESCENDING",
        ),
    };
    found.sort_by(|a, b| {
        let order = compare(a.property(name), b.property(name));
        if descending { order.reverse() } else { order }
    });
}
