//! Intercom's API, as far as a conversation and the person who began it.
//!
//! - Auth: `Authorization: Bearer …`, a token of one workspace. What another workspace has is not found.
//! - Addresses: each region has its own, and a token is good at one alone.
//! - A conversation shows at most its 500 newest parts, and says how many there are. What it does not show, deliveries may
//!   have told.
//! - Limits: for each app and workspace; over them 429, and `X-RateLimit-Reset` says when they begin anew, in Unix seconds.
//!   A chat takes two requests each time that it pauses.
//! - Redirects are not followed.
//!
//! Source: Intercom's OpenAPI description 2.14 (read 2026-11). UNCONFIRMED: the headers of a 429.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use domain::{About, Account, Facts, Labels};
use http_client::{Client, Response, Url, header};
use jiff::{Timestamp, fmt::rfc2822};
use secrecy::{ExposeSecret as _, SecretString};

use super::payload;
use crate::{
    ApiError, Apis, Details, DetailsApi, Fields, aliases, api::json_fields, fields::Field,
};

/// The API of workspaces in the United States.
pub(super) const BASE_URL: &str = "https://api.intercom.io";

/// The version whose shapes are read.
const VERSION: &str = "2.14";

/// The longest time for one request of the API.
const DEADLINE: Duration = Duration::from_secs(15);

/// The longest answer: 500 parts with all that comes with them.
const MAX_ANSWER_BYTES: u64 = 8 * 1024 * 1024;

/// Calls the API.
struct Api {
    client: Client,
    base_url: Url,
}

/// The API at this address.
pub(super) fn apis(client: &Client, base_url: &Url) -> Apis {
    Apis {
        details: Arc::new(Api {
            client: client.clone(),
            base_url: base_url.clone(),
        }),
        recordings: None,
        busy: None,
        listing: None,
        webhooks: None,
    }
}

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
        let answer = self
            .get(
                account,
                &["conversations", id],
                &[("display_as", "plaintext")],
            )
            .await?;
        let conversation = json_fields(&answer, payload::is_wanted)?;
        if conversation.text("id") != Some(id) {
            return Err(ApiError::Unreadable(
                "it is about another conversation".into(),
            ));
        }
        let mut facts = payload::facts(&conversation);
        facts.external_id = Some(id.to_owned());
        facts.canonical_id = Some(id.to_owned());
        facts.labels = labels(&conversation);
        if let About::Chat(chat) = &mut facts.about
            && shows_less_than_all(&conversation)
        {
            chat.is_cut = Some(true);
        }
        if let Some(contact) = contact_id(&conversation) {
            let is_author = began_by(&conversation) == Some(contact);
            self.add_person(
                account,
                accounts_of_source,
                (contact, is_author),
                &mut facts,
            )
            .await?;
        }
        Ok(Details {
            facts,
            aliases: aliases("intercom", "conversation", &[id]),
        })
    }
}

impl Api {
    /// What the workspace knows of the person. One who was deleted is not known any more.
    async fn add_person(
        &self,
        account: &Account,
        accounts_of_source: &[String],
        (contact, is_author): (&str, bool),
        facts: &mut Facts,
    ) -> Result<(), ApiError> {
        let answer = match self.get(account, &["contacts", contact], &[]).await {
            Err(ApiError::NotFound) => return Ok(()),
            answer => answer?,
        };
        let contact = json_fields(&answer, payload::is_wanted)?;
        let workspace = contact.text("workspace_id");
        let is_theirs = |known: &String| workspace.is_none_or(|workspace| known == workspace);
        if !accounts_of_source.is_empty() && !accounts_of_source.iter().any(is_theirs) {
            return Err(ApiError::Foreign);
        }
        let known = payload::who(&contact);
        // Who wrote may be somebody else than the contact that the conversation is kept with.
        facts.person = if is_author || payload::are_one(&known, &facts.person, true) {
            known.or(&facts.person)
        } else {
            known
        };
        let campaign = payload::campaign(contact.object("custom_attributes"));
        for (name, value) in campaign {
            facts.attribution.entry(name).or_insert(value);
        }
        Ok(())
    }

    async fn get(
        &self,
        account: &Account,
        path: &[&str],
        query: &[(&str, &str)],
    ) -> Result<Response, ApiError> {
        let mut url = self.of_region(account)?;
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(path);
        }
        let token = format!("Bearer {}", account.secret.expose_secret());
        let request = self
            .client
            .get(url.as_str())
            .query(query)
            .header(header::ACCEPT, "application/json")
            .header("intercom-version", VERSION)
            .secret_header(header::AUTHORIZATION, &SecretString::from(token))
            .max_body_bytes(MAX_ANSWER_BYTES);
        let answer = request.deadline(DEADLINE).send().await?;
        let reset = time_until_reset(&answer);
        ApiError::of_status(answer).map_err(|error| match error {
            ApiError::Throttled { retry_after: None } => ApiError::Throttled { retry_after: reset },
            error => error,
        })
    }

    /// Where the workspace's region is asked. An address of the operator's own, as of a simulator, stands for every region.
    fn of_region(&self, account: &Account) -> Result<Url, ApiError> {
        let region = account.setting("region").trim().to_ascii_lowercase();
        let host = match region.as_str() {
            "" | "us" => "api.intercom.io",
            "eu" => "api.eu.intercom.io",
            "au" => "api.au.intercom.io",
            _ => {
                return Err(ApiError::NotConfigured(
                    "the connection's region is unknown: enter us, eu or au",
                ));
            }
        };
        let mut url = self.base_url.clone();
        let is_standard = url.host_str() == Some("api.intercom.io");
        if is_standard && url.set_host(Some(host)).is_err() {
            return Err(ApiError::NotConfigured(
                "the address of the API takes no region: mend INTERCOM_BASE_URL",
            ));
        }
        Ok(url)
    }
}

/// The person of a conversation, by an id that is safe in a path: who wrote first, else the first who takes part.
fn contact_id<'f>(conversation: &'f Fields<'_>) -> Option<&'f str> {
    let ids = || payload::contacts(conversation).filter_map(|contact| contact.text("id"));
    let began = began_by(conversation);
    let id = ids().find(|id| Some(*id) == began).or_else(|| ids().next());
    id.filter(|id| payload::is_id(id))
}

/// Who began a conversation.
fn began_by<'f>(conversation: &'f Fields<'_>) -> Option<&'f str> {
    conversation.object("source").object("author").text("id")
}

/// Whether a conversation has parts that the answer does not show.
fn shows_less_than_all(conversation: &Fields<'_>) -> bool {
    let all = conversation
        .object("conversation_parts")
        .text("total_count");
    let all = all.and_then(|count| count.parse::<usize>().ok());
    all.is_some_and(|all| all > payload::parts(conversation).len())
}

/// The names of its tags. An empty list says that there are none.
fn labels(conversation: &Fields<'_>) -> Labels {
    const MAX: usize = 50;
    let Some(Field::List(tags)) = conversation.object("tags").get("tags") else {
        return Labels::default();
    };
    let names = tags.iter().filter_map(|tag| match tag {
        Field::Object(tag) => tag.line(&["name"], 100),
        _ => None,
    });
    Labels {
        tags: Some(names.take(MAX).collect()),
        ..Labels::default()
    }
}

/// How long until the limit begins anew, by the server's own clock.
fn time_until_reset(answer: &Response) -> Option<Duration> {
    const LONGEST: Duration = Duration::from_secs(60 * 60);
    let text = |name: &str| answer.headers.get(name)?.to_str().ok();
    let reset = text("x-ratelimit-reset")?.trim().parse().ok()?;
    let reset = Timestamp::from_second(reset).ok()?;
    let date = text("date")?.trim();
    let now = rfc2822::DateTimeParser::new().parse_timestamp(date).ok()?;
    let wait = Duration::try_from(reset.duration_since(now)).ok()?;
    (wait <= LONGEST).then_some(wait)
}
