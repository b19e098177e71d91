//! Collects what is compared: from the sender's log, the database, the API and the simulators' views.

use std::{collections::HashMap, path::Path};

use pipeline::demo;
use rusqlite::{Connection, OpenFlags, Row};
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use store_spanner::SpannerConfig;

use super::{
    evidence::{Call, Contact, Deal, DeliveryKey, Mail, Request, Sent, Stored},
    plan::Plan,
    sender,
};
use crate::fleet::read_rows;

/// How many items a page of a view has.
const PAGE: usize = 1_000;

pub(crate) fn calls(plan: &Plan) -> Vec<Call> {
    let calls = plan.calls.iter().map(|call| Call {
        id: call.id.clone(),
        phone: call.phone.clone(),
        fate: call.fate,
        newest_tag: call.newest_tag.clone(),
    });
    calls.collect()
}

pub(crate) fn sent(plan: &Plan, log: Vec<sender::Sent>) -> Vec<Sent> {
    let pairs = plan.deliveries.iter().zip(log);
    pairs
        .map(|(delivery, sent)| Sent {
            key: key(delivery.event, &delivery.body),
            call: delivery.call,
            attempts: sent.attempts,
            acknowledged: sent.acknowledged,
            refused: sent.refused,
        })
        .collect()
}

fn key(event: &str, body: &[u8]) -> DeliveryKey {
    (event.to_owned(), Sha256::digest(body).into())
}

/// Reads the database of a product that has ended.
pub(crate) fn stored(database: &Path) -> rusqlite::Result<Stored> {
    let db = Connection::open_with_flags(database, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    let mut timelines: HashMap<String, Vec<String>> = HashMap::new();
    all(&db, "SELECT request_id, opening FROM requests", |row| {
        let opening = json(&row.get::<_, String>(1)?);
        let words = opening.as_array().into_iter().flatten().map(word);
        timelines.insert(row.get(0)?, words.collect());
        Ok(())
    })?;
    let later = "SELECT request_id, entry FROM request_log ORDER BY version, position";
    all(&db, later, |row| {
        let entry = json(&row.get::<_, String>(1)?);
        timelines.entry(row.get(0)?).or_default().push(word(&entry));
        Ok(())
    })?;
    Ok(Stored {
        events: all(
            &db,
            "SELECT event, body, request_id FROM webhook_events WHERE provider = 'callrail'",
            |row| {
                let event: Option<String> = row.get(0)?;
                let body = row.get_ref(1)?.as_blob()?;
                Ok((key(&event.unwrap_or_default(), body), row.get(2)?))
            },
        )?,
        requests: all(
            &db,
            "SELECT request_id, status, document ->> 'merged_into' FROM requests",
            |row| {
                let id: String = row.get(0)?;
                Ok(Request {
                    timeline: timelines.remove(&id).unwrap_or_default(),
                    id,
                    status: row.get(1)?,
                    merged_into: row.get(2)?,
                })
            },
        )?,
        aliases: all(&db, "SELECT value, request_id FROM request_aliases", pair)?,
        work: all(
            &db,
            "SELECT format('%s of %s is %s (%s)', stage, request_id, state, reason) FROM work",
            |row| row.get(0),
        )?,
        effects: all(&db, "SELECT effect_key, state FROM effects", pair)?,
        messages: all(
            &db,
            "SELECT request_id, message ->> 'outcome' FROM notifications",
            pair,
        )?,
    })
}

/// Reads the database of a fleet. What the outbox keeps counts as work that is left.
pub(crate) async fn stored_on_spanner(config: &SpannerConfig) -> anyhow::Result<Stored> {
    let mut timelines: HashMap<String, Vec<String>> = HashMap::new();
    let entries = "SELECT request_id, IFNULL(JSON_VALUE(entry, '$.outcome'), '') AS word \
                   FROM request_log ORDER BY version, position";
    for row in read_rows(config, entries).await? {
        let words = timelines.entry(row.get("request_id")?).or_default();
        words.push(row.get("word")?);
    }
    let mut stored = Stored::default();
    let events = "SELECT event, body, request_id FROM webhook_events WHERE provider = 'callrail'";
    for row in read_rows(config, events).await? {
        let (event, body): (Option<String>, Vec<u8>) = (row.get("event")?, row.get("body")?);
        let key = key(&event.unwrap_or_default(), &body);
        stored.events.push((key, row.get("request_id")?));
    }
    let requests = "SELECT request_id, status, JSON_VALUE(document, '$.merged_into') AS survivor \
                    FROM requests";
    for row in read_rows(config, requests).await? {
        let id: String = row.get("request_id")?;
        stored.requests.push(Request {
            timeline: timelines.remove(&id).unwrap_or_default(),
            id,
            status: row.get("status")?,
            merged_into: row.get("survivor")?,
        });
    }
    stored.aliases = pairs(config, "SELECT value, request_id FROM request_aliases").await?;
    stored.effects = pairs(config, "SELECT effect_key, state FROM effects").await?;
    let messages = "SELECT request_id, IFNULL(JSON_VALUE(message, '$.outcome'), '') \
                    FROM notifications";
    stored.messages = pairs(config, messages).await?;
    let work = "SELECT FORMAT('%s of %s is %s (%s)', stage, request_id, state, IFNULL(reason, '')) \
                FROM work \
                UNION ALL SELECT FORMAT('event %s is not published', event_id) FROM outbox";
    for row in read_rows(config, work).await? {
        stored.work.push(row.get(0)?);
    }
    Ok(stored)
}

/// The two columns of a query.
async fn pairs(config: &SpannerConfig, sql: &str) -> anyhow::Result<Vec<(String, String)>> {
    let mut pairs = Vec::new();
    for row in read_rows(config, sql).await? {
        pairs.push((row.get(0)?, row.get(1)?));
    }
    Ok(pairs)
}

fn all<T>(
    db: &Connection,
    sql: &str,
    read: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
) -> rusqlite::Result<Vec<T>> {
    db.prepare(sql)?.query_map([], read)?.collect()
}

fn pair(row: &Row<'_>) -> rusqlite::Result<(String, String)> {
    Ok((row.get(0)?, row.get(1)?))
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

fn word(entry: &Value) -> String {
    entry["outcome"].as_str().unwrap_or_default().to_owned()
}

/// Asks over HTTP.
pub(crate) struct Asking {
    pub(crate) http: reqwest::Client,
    pub(crate) token: String,
    /// The product's API.
    pub(crate) api: String,
    pub(crate) hubspot: String,
    pub(crate) sendgrid: String,
}

impl Asking {
    /// Whether no request is being worked on, and no receipt is on its way. Whoever stands still for a person or a
    /// connection counts as quiet: the checker finds it.
    pub(crate) async fn is_quiet(&self) -> bool {
        for status in ["received", "processing"] {
            let open = self.requests(&format!("limit=1&status={status}")).await;
            if !items(&open, "items").is_empty() {
                return false;
            }
        }
        let counts = &self
            .get(&format!("{}/_sim/mails?limit=0", self.sendgrid))
            .await["counts"];
        counts["event_batches_waiting"] == 0 && counts["event_batches_posting"] == 0
    }

    /// Every request that the API lists, with its status.
    pub(crate) async fn shown(&self) -> Vec<(String, String)> {
        let (mut shown, mut cursor) = (Vec::new(), String::new());
        loop {
            let page = self.requests(&format!("limit=200{cursor}")).await;
            let items = items(&page, "items");
            shown.extend(
                items
                    .iter()
                    .map(|item| (text(&item["request_id"]), text(&item["status"]))),
            );
            match page["next_cursor"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => return shown,
            }
        }
    }

    pub(crate) async fn contacts(&self) -> Vec<Contact> {
        let url = format!("{}/_sim/view?properties=phone", self.hubspot);
        let contact = |contact: &Value| Contact {
            id: text(&contact["id"]),
            phone: text(&contact["properties"]["phone"]),
            deals: items(contact, "deals")
                .iter()
                .map(|deal| text(&deal["id"]))
                .collect(),
        };
        self.pages(&url, "contacts", contact).await
    }

    pub(crate) async fn deals(&self) -> Vec<Deal> {
        let properties = "deal_external_id,lead_intake_tags";
        let url = format!("{}/_sim/deals?properties={properties}", self.hubspot);
        let deal = |deal: &Value| Deal {
            id: text(&deal["id"]),
            request: text(&deal["properties"]["deal_external_id"]),
            tags: text(&deal["properties"]["lead_intake_tags"]),
        };
        self.pages(&url, "deals", deal).await
    }

    pub(crate) async fn mails(&self) -> Vec<Mail> {
        let url = format!("{}/_sim/mails?", self.sendgrid);
        let mail = |mail: &Value| Mail {
            request: text(&mail["custom_args"]["request_id"]),
            message: text(&mail["custom_args"]["message_id"]),
        };
        self.pages(&url, "mails", mail).await
    }

    async fn pages<T>(&self, url: &str, name: &str, read: impl Fn(&Value) -> T) -> Vec<T> {
        let (mut found, mut after) = (Vec::new(), 0);
        loop {
            let page = self.get(&format!("{url}&limit={PAGE}&after={after}")).await;
            found.extend(items(&page, name).iter().map(&read));
            match page["next"].as_u64() {
                Some(next) => after = next,
                None => return found,
            }
        }
    }

    async fn requests(&self, query: &str) -> Value {
        self.get(&format!(
            "{}/v1/tenants/{}/requests?{query}",
            self.api,
            demo::TENANT
        ))
        .await
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "the product's own answers, in pages"
    )]
    async fn get(&self, url: &str) -> Value {
        let answer = self
            .http
            .get(url)
            .bearer_auth(&self.token)
            .send()
            .await
            .unwrap();
        assert!(
            answer.status().is_success(),
            "{} for {url}",
            answer.status()
        );
        answer.json().await.unwrap()
    }
}

fn items<'a>(value: &'a Value, name: &str) -> &'a [Value] {
    value[name]
        .as_array()
        .map(Vec::as_slice)
        .unwrap_or_default()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
