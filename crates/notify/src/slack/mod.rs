//! Slack: `chat.postMessage` with a bot's token, and incoming webhooks.
//!
//! - Auth: `Authorization: Bearer xoxb-…`, scope `chat:write` (`chat:write.public` for channels that the bot is no member
//!   of); or none, for an incoming webhook: its URL is the secret. Of an entered URL the path alone is used, so that no
//!   other host than Slack's, or the configured base URL's, is ever called.
//! - The Web API answers 200 to refusals, too: `{"ok": false, "error": …}`. Webhooks answer by status and a word.
//! - Once: neither call has an idempotency key. What a bot posted is looked for in the channel's history by our name of it
//!   in `metadata` (scope `channels:history`). Where that may not be read, and for a webhook, nobody tells what became of a
//!   message whose answer was lost, and it is not posted again.
//! - Rate: one message a second for each channel, short bursts tolerated; 429 with `Retry-After`.
//!
//! Source: docs.slack.dev, "chat.postMessage", "conversations.history", "Sending messages using incoming webhooks", "Rate
//! limits", "Formatting message text" (read 2026-11). UNCONFIRMED: that a webhook answers an empty message with `no_text` or
//! `invalid_payload` only where the webhook exists.

mod answers;
mod blocks;
mod secret;

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use domain::{Account, AccountSpec, BaseUrl, Clock, Lookup, SettingSpec};
use http_client::{Client, Response, Url};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{
    CALL_DEADLINE, ChannelSpec, ChatChannel, MakeChannel, Post, PostError, ProviderMessageId,
};
use answers::{Answered, refusal, webhooks_refusal};
use secret::{CHANNEL, Secret};

/// Slack, before it is made.
pub(crate) static SPEC: ChannelSpec = ChannelSpec {
    slug: "slack",
    name: "Slack",
    account: AccountSpec {
        secret: "a bot's token (xoxb-…) with the scope chat:write, or the URL of an incoming webhook",
        settings: &[SettingSpec {
            key: CHANNEL,
            about: "with a bot's token: the id of the channel that messages go to unless a recipient names another, such as \
                    C08LEADS12X. At the end of the channel's details in Slack",
            is_required: false,
            is_url: false,
        }],
        refresh: None,
        check: Some(secret::check),
    },
    base_url: BaseUrl {
        key: "SLACK_BASE_URL",
        url: REAL,
        about: "Base URL of Slack's Web API. Another one, such as a simulator's, answers incoming webhooks, too.",
    },
    make: MakeChannel::Chat {
        new: |http, clock, url| Arc::new(Slack::new(http, clock, url)),
        check: secret::check_place,
    },
};

/// Where the Web API is.
const REAL: &str = "https://slack.com";
/// Where incoming webhooks are.
const HOOKS: &str = "https://hooks.slack.com";

/// What our messages' metadata is called.
const EVENT: &str = "lead_notification";
/// Messages of one page of a channel's history. Apps that Slack has not reviewed get 15 whatever they ask for.
const PAGE: u32 = 100;
/// Pages that are read for one message.
const MAX_PAGES: u32 = 5;
/// How far Slack's clock may be behind ours.
const CLOCKS_APART: Duration = Duration::from_secs(60);

/// Posts messages to Slack.
struct Slack {
    http: Client,
    clock: Arc<dyn Clock>,
    /// Of the Web API.
    api: String,
    /// Of incoming webhooks.
    hooks: String,
}

#[derive(Deserialize)]
struct Posted {
    channel: String,
    ts: String,
}

#[derive(Deserialize)]
struct History {
    #[serde(default)]
    messages: Vec<Message>,
    #[serde(default)]
    has_more: bool,
    #[serde(default)]
    response_metadata: Next,
}

#[derive(Deserialize, Default)]
struct Next {
    #[serde(default)]
    next_cursor: String,
}

#[derive(Deserialize)]
struct Message {
    ts: String,
    #[serde(default)]
    metadata: Value,
}

#[derive(Deserialize)]
struct Identity {
    team: String,
    user: String,
}

#[async_trait]
impl ChatChannel for Slack {
    fn slug(&self) -> &'static str {
        SPEC.slug
    }

    async fn post(
        &self,
        post: &Post<'_>,
        account: &Account,
    ) -> Result<ProviderMessageId, PostError> {
        let text = blocks::fallback(post.content);
        let mut message = json!({ "text": text, "blocks": blocks::blocks(post.content) });
        match Secret::of(account)? {
            Secret::Webhook(path) => {
                self.call_webhook(&path, &message).await?;
                Ok(ProviderMessageId(post.message_id.to_owned()))
            }
            Secret::Bot(token) => {
                message["channel"] = json!(secret::place(post.to, account)?);
                message["unfurl_links"] = json!(false);
                message["unfurl_media"] = json!(false);
                message["metadata"] = json!({
                    "event_type": EVENT,
                    "event_payload": {
                        "message_id": post.message_id,
                        "request_id": post.request.to_string(),
                    },
                });
                let url = format!("{}/api/chat.postMessage", self.api);
                let call = self.http.post(url).bearer(&token).json(&message);
                let answer = call.deadline(CALL_DEADLINE).send().await?;
                let posted: Posted = self.read(&answer)?;
                Ok(named(&posted.channel, &posted.ts))
            }
        }
    }

    async fn find(
        &self,
        post: &Post<'_>,
        since: Timestamp,
        account: &Account,
    ) -> Result<Lookup, PostError> {
        let Secret::Bot(token) = Secret::of(account)? else {
            return Ok(Lookup::CannotTell);
        };
        let channel = secret::place(post.to, account)?;
        let oldest = since.checked_sub(CLOCKS_APART).unwrap_or(since);
        let oldest = oldest.as_second().to_string();
        let mut cursor = String::new();
        for _ in 0..MAX_PAGES {
            let url = format!("{}/api/conversations.history", self.api);
            let call = self.http.get(url).bearer(&token).query(&[
                ("channel", channel),
                ("oldest", &oldest),
                ("limit", &PAGE.to_string()),
                ("include_all_metadata", "true"),
            ]);
            let call = match cursor.as_str() {
                "" => call,
                cursor => call.query(&[("cursor", cursor)]),
            };
            let answer = call.deadline(CALL_DEADLINE).send().await;
            let answer = answer.map_err(|error| looked_in_vain(error.into()))?;
            let history: History = match self.read(&answer) {
                Ok(history) => history,
                // A private channel, a person, a token without the scope: there is no history to read.
                Err(PostError::Refused { .. }) => return Ok(Lookup::CannotTell),
                Err(PostError::Unauthorized { .. }) if answers::lacks_a_scope(&answer) => {
                    return Ok(Lookup::CannotTell);
                }
                Err(error) => return Err(looked_in_vain(error)),
            };
            let is_ours = |message: &&Message| {
                message.metadata["event_payload"]["message_id"] == json!(post.message_id)
            };
            if let Some(found) = history.messages.iter().find(is_ours) {
                return Ok(Lookup::Found(named(channel, &found.ts).0));
            }
            cursor = history.response_metadata.next_cursor;
            if !history.has_more {
                return Ok(Lookup::Absent);
            }
            if cursor.is_empty() {
                break;
            }
        }
        Ok(Lookup::CannotTell)
    }

    async fn inspect(&self, account: &Account) -> Result<String, PostError> {
        match Secret::of(account)? {
            Secret::Bot(token) => {
                let url = format!("{}/api/auth.test", self.api);
                let call = self.http.post(url).bearer(&token).json(&json!({}));
                let answer = call.deadline(CALL_DEADLINE).send().await;
                let answer = answer.map_err(|error| looked_in_vain(error.into()))?;
                let who: Identity = self.read(&answer).map_err(looked_in_vain)?;
                Ok(format!(
                    "Slack takes the token: it is the bot {} of {}. Invite it to the channel.",
                    shown(&who.user),
                    shown(&who.team)
                ))
            }
            Secret::Webhook(path) => match self.call_webhook(&path, &json!({})).await {
                // It was read, and has nothing to post: so it is there.
                Err(PostError::Refused { answer, .. })
                    if matches!(
                        answer.text().as_deref(),
                        Some("no_text" | "invalid_payload")
                    ) =>
                {
                    Ok("Slack knows the incoming webhook.".to_owned())
                }
                Err(error) => Err(looked_in_vain(error)),
                Ok(()) => Err(PostError::Unexpected { status: 200 }),
            },
        }
    }
}

impl Slack {
    fn new(http: Client, clock: Arc<dyn Clock>, base_url: &Url) -> Self {
        let api = base_url.as_str().trim_end_matches('/').to_owned();
        let hooks = if api == REAL { HOOKS } else { &api };
        Self {
            hooks: hooks.to_owned(),
            http,
            clock,
            api,
        }
    }

    /// What the Web API answered, if it is no refusal.
    fn read<T: for<'a> Deserialize<'a>>(&self, answer: &Response) -> Result<T, PostError> {
        match Answered::of(answer) {
            Answered::Done => answer.json().map_err(|_| PostError::Failed {
                what: "an answer that cannot be read".to_owned(),
            }),
            refused => Err(refusal(refused, answer, self.clock.now())),
        }
    }

    async fn call_webhook(&self, path: &str, message: &Value) -> Result<(), PostError> {
        let call = self.http.post(format!("{}{path}", self.hooks));
        let call = call.secret_path().json(message);
        let answer = call.deadline(CALL_DEADLINE).send().await?;
        if answer.status.is_success() {
            return Ok(());
        }
        Err(webhooks_refusal(&answer, self.clock.now()))
    }
}

/// What a call that posts nothing came to: what was lost of it may be asked again.
fn looked_in_vain(error: PostError) -> PostError {
    match error {
        PostError::Failed { what } => PostError::NotPosted { what },
        PostError::OutcomeUnknown(error) => PostError::NotPosted {
            what: error.to_string(),
        },
        other => other,
    }
}

/// Slack's name of a message: the channel, and the time that is unique in it.
fn named(channel: &str, ts: &str) -> ProviderMessageId {
    ProviderMessageId(shown(&format!("{channel}/{ts}")))
}

fn shown(text: &str) -> String {
    domain::text::line(text, 100).unwrap_or_default()
}
