//! Zendesk's API, as far as a ticket with its comments and its requester, and a conversation of Sunshine Conversations.
//!
//! - Auth: Basic. For tickets `{email}/token` and an API token; for Sunshine Conversations the id and the secret of an app's
//!   key.
//! - Addresses: each account has its own, `{subdomain}.zendesk.com`.
//! - Comments come in pages of 100 with a cursor. Addresses of further pages are never followed: their cursor is asked for
//!   at the account's own address.
//! - Limits: for each account; over them 429 with `Retry-After`. A ticket takes a request, and one for each 100 comments.
//!
//! Source: developer.zendesk.com, "Tickets", "Ticket comments", "Cursor pagination"; the OpenAPI description of Sunshine
//! Conversations (read 2026-11).

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use async_trait::async_trait;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use domain::{
    About, Account, Attachment, Author, ChatFacts, ChatMessage, Facts, Labels, PersonFacts,
    lead::thread,
};
use http_client::{Client, Request, Response, Url, header};
use jiff::Timestamp;
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::Value;

use super::{
    payload::{self, DESCRIPTION},
    sunshine,
};
use crate::{
    ApiError, Apis, Details, DetailsApi, Fields, aliases, api::json_fields, fields::Field, mapping,
};

/// What accounts' addresses end in.
pub(super) const BASE_URL: &str = "https://zendesk.com";

/// The longest time for one request of the API.
const DEADLINE: Duration = Duration::from_secs(15);
const MAX_ANSWER_BYTES: u64 = 8 * 1024 * 1024;
const PAGE: &str = "100";
/// Pages of one thread that are read. Of a longer one the rest is missing, which is said.
const MAX_PAGES: usize = 10;

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
        busy: None,
        listing: None,
        webhooks: Some(api),
    }
}

#[async_trait]
impl DetailsApi for Api {
    async fn details(
        &self,
        account: &Account,
        _accounts_of_source: &[String],
        facts: &Facts,
    ) -> Result<Details, ApiError> {
        match facts.external_id.as_deref() {
            Some(id) if payload::is_ticket_id(id) => self.ticket(account, id).await,
            Some(id) if payload::is_id(id) => self.conversation(account, id).await,
            _ => Err(ApiError::NotFound),
        }
    }
}

/// People by id.
type People = BTreeMap<String, Person>;

struct Person {
    facts: PersonFacts,
    is_staff: bool,
}

impl Api {
    /// A ticket as it is now, with its thread.
    async fn ticket(&self, account: &Account, id: &str) -> Result<Details, ApiError> {
        let user = agent(account)?;
        let file = format!("{id}.json");
        let path = ["api", "v2", "tickets", &file];
        let answer = self
            .get(account, &user, &path, &[("include", "users")])
            .await?;
        let body = json_fields(&answer, payload::is_wanted)?;
        let ticket = body.object("ticket");
        if ticket.text("id") != Some(id) {
            return Err(ApiError::Unreadable("it is about another ticket".into()));
        }
        let mut people = people(&body);
        let mut chat = ChatFacts {
            subject: ticket.line(&["subject"], 200),
            started_at: ticket.time("created_at"),
            status: payload::status(ticket),
            stated_at: ticket.time("updated_at"),
            ..ChatFacts::default()
        };
        let requester = ticket.text("requester_id").unwrap_or_default().to_owned();
        let mut cursor: Option<String> = None;
        let mut is_first = true;
        for page in 0..MAX_PAGES {
            let mut query = vec![("include", "users"), ("page[size]", PAGE)];
            query.extend(cursor.as_deref().map(|cursor| ("page[after]", cursor)));
            let path = ["api", "v2", "tickets", id, "comments.json"];
            let answer = self.get(account, &user, &path, &query).await?;
            let body = json_fields(&answer, payload::is_wanted)?;
            people.extend(self::people(&body));
            for comment in comments(&body) {
                let is_description = std::mem::take(&mut is_first);
                let told = message(comment, &requester, &people, chat.stated_at);
                if let Some(id) = comment.text("id") {
                    let id = if is_description { DESCRIPTION } else { id };
                    chat.messages.insert(id.to_owned(), told);
                }
            }
            let meta = body.object("meta");
            cursor = meta.text("after_cursor").map(str::to_owned);
            if meta.flag("has_more") != Some(true) || cursor.is_none() {
                break;
            }
            if page + 1 == MAX_PAGES {
                chat.is_cut = Some(true);
            }
        }
        chat.bound();
        let person = people.remove(&requester).map(|person| person.facts);
        let facts = Facts {
            external_id: Some(id.to_owned()),
            canonical_id: Some(id.to_owned()),
            person: person.unwrap_or_default(),
            labels: Labels {
                tags: tags(ticket),
                ..Labels::default()
            },
            about: About::Chat(chat),
            ..Facts::default()
        };
        Ok(Details {
            facts,
            aliases: aliases(payload::PROVIDER, "ticket", &[id]),
        })
    }

    /// A conversation of Sunshine Conversations. Without a key for it, what its deliveries said is all that is known.
    async fn conversation(&self, account: &Account, id: &str) -> Result<Details, ApiError> {
        let mut chat = ChatFacts::default();
        let mut person = sunshine::Person::default();
        let (app, key) = (account.setting("app_id"), account.setting("key_id"));
        if payload::is_id(app) && !key.is_empty() {
            let mut cursor: Option<String> = None;
            for page in 0..MAX_PAGES {
                let mut query = vec![("page[size]", PAGE)];
                query.extend(cursor.as_deref().map(|cursor| ("page[before]", cursor)));
                let path = ["sc", "v2", "apps", app, "conversations", id, "messages"];
                let answer = self.get(account, key, &path, &query).await?;
                let body = json_fields(&answer, payload::is_wanted)?;
                chat.messages.extend(sunshine::messages(&body));
                person.add_all(&body);
                let meta = body.object("meta");
                cursor = meta.text("beforeCursor").map(str::to_owned);
                if meta.flag("hasMore") != Some(true) || cursor.is_none() {
                    break;
                }
                if page + 1 == MAX_PAGES {
                    chat.is_cut = Some(true);
                }
            }
            chat.bound();
        }
        Ok(Details {
            facts: Facts {
                external_id: Some(id.to_owned()),
                person: person.facts,
                about: About::Chat(chat),
                ..Facts::default()
            },
            aliases: sunshine::names(id),
        })
    }

    pub(super) async fn get(
        &self,
        account: &Account,
        user: &str,
        path: &[&str],
        query: &[(&str, &str)],
    ) -> Result<Response, ApiError> {
        let request = self.client.get(self.url(account, path)?.as_str());
        answered(account, user, request.query(query)).await
    }

    pub(super) async fn post(
        &self,
        account: &Account,
        user: &str,
        path: &[&str],
        body: &Value,
    ) -> Result<Response, ApiError> {
        let request = self.client.post(self.url(account, path)?.as_str());
        answered(account, user, request.json(body)).await
    }

    pub(super) async fn patch(
        &self,
        account: &Account,
        user: &str,
        path: &[&str],
        body: &Value,
    ) -> Result<Response, ApiError> {
        let request = self.client.patch(self.url(account, path)?.as_str());
        answered(account, user, request.json(body)).await
    }

    fn url(&self, account: &Account, path: &[&str]) -> Result<Url, ApiError> {
        let mut url = self.of_account(account)?;
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(path);
        }
        Ok(url)
    }

    /// The account's own address. An address of the operator's own, as of a simulator, stands for every account.
    fn of_account(&self, account: &Account) -> Result<Url, ApiError> {
        let subdomain = account.setting("subdomain").trim().to_ascii_lowercase();
        let is_sign = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
        let is_label = (1..=63).contains(&subdomain.len()) && subdomain.bytes().all(is_sign);
        if !is_label {
            return Err(ApiError::NotConfigured(
                "the connection names no account: enter what stands before .zendesk.com as its subdomain",
            ));
        }
        let mut url = self.base_url.clone();
        let host = format!("{subdomain}.zendesk.com");
        let is_standard = url.host_str() == Some("zendesk.com");
        if is_standard && url.set_host(Some(&host)).is_err() {
            return Err(ApiError::NotConfigured(
                "the account's address is none: mend the connection's subdomain",
            ));
        }
        Ok(url)
    }
}

/// Who asks about tickets and webhooks: the agent whom the API token is of.
pub(super) fn agent(account: &Account) -> Result<String, ApiError> {
    let email = account.setting("email");
    if email.is_empty() {
        return Err(ApiError::NotConfigured(
            "the connection names no agent: enter the e-mail address of the API token as its email",
        ));
    }
    Ok(format!("{email}/token"))
}

async fn answered(
    account: &Account,
    user: &str,
    request: Request<'_>,
) -> Result<Response, ApiError> {
    let pair = format!("{user}:{}", account.secret.expose_secret());
    let basic = format!("Basic {}", STANDARD.encode(pair));
    let request = request
        .secret_header(header::AUTHORIZATION, &SecretString::from(basic))
        .max_body_bytes(MAX_ANSWER_BYTES);
    ApiError::of_status(request.deadline(DEADLINE).send().await?)
}

/// The people whom an answer brings along.
fn people(body: &Fields<'_>) -> People {
    let users = body.get("users").map_or(&[][..], Field::items);
    let users = users.iter().filter_map(|user| match user {
        Field::Object(user) => Some((
            user.text("id")?.to_owned(),
            Person {
                facts: PersonFacts {
                    name: user.line(&["name"], 200),
                    email: user.line(&["email"], 254),
                    phone: user.line(&["phone"], 64),
                    ..PersonFacts::default()
                }
                .or(&mapping::contact_in(user.object("user_fields"))),
                is_staff: matches!(user.text("role"), Some("agent" | "admin")),
            },
        )),
        _ => None,
    });
    users.collect()
}

fn comments<'f, 'a>(body: &'f Fields<'a>) -> impl Iterator<Item = &'f Fields<'a>> {
    let items = body.get("comments").map_or(&[][..], Field::items);
    items.iter().filter_map(|item| match item {
        Field::Object(comment) => Some(comment),
        _ => None,
    })
}

/// A comment. A note among the company's people has no words here, so that one that was public before is taken back.
fn message(
    comment: &Fields<'_>,
    requester: &str,
    people: &People,
    stated_at: Option<Timestamp>,
) -> ChatMessage {
    let author = comment.text("author_id").unwrap_or_default();
    let known = people.get(author);
    let via = comment.object("via").text("channel").unwrap_or_default();
    let from = match known {
        _ if author == requester => Author::Customer,
        _ if matches!(via, "rule" | "system") => Author::Bot,
        Some(person) if person.is_staff => Author::Agent,
        Some(_) => Author::Customer,
        None => Author::Agent,
    };
    let at = comment.time("created_at");
    if comment.flag("public") == Some(false) {
        return ChatMessage::deleted(from, at);
    }
    let words = comment.text("plain_body").or(comment.text("body"));
    let words = words.unwrap_or_default();
    // Redacting leaves blocks where the words were, and no time of its own.
    let edited_at = words.contains('\u{2587}').then_some(stated_at).flatten();
    ChatMessage {
        name: known.and_then(|person| person.facts.name.clone()),
        edited_at,
        attachments: attachments(comment),
        ..ChatMessage::new(from, at, words)
    }
}

/// The names of its files. Their addresses are as good as keys, so they are left out.
fn attachments(comment: &Fields<'_>) -> Vec<Attachment> {
    let files = comment.get("attachments").map_or(&[][..], Field::items);
    let files = files.iter().filter_map(|file| match file {
        Field::Object(file) => Some(Attachment {
            name: file.line(&["file_name"], 200)?,
            content_type: file.line(&["content_type"], 100),
            size_bytes: file.text("size").and_then(|size| size.parse().ok()),
        }),
        _ => None,
    });
    files.take(thread::MAX_ATTACHMENTS).collect()
}

/// An empty list says that there are none.
fn tags(ticket: &Fields<'_>) -> Option<Vec<String>> {
    const MAX: usize = 50;
    let Some(Field::List(tags)) = ticket.get("tags") else {
        return None;
    };
    let tags = tags.iter().filter_map(Field::text);
    let tags = tags.filter_map(|tag| domain::text::line(tag, 100));
    Some(tags.take(MAX).collect())
}
