//! Pipedrive's wire: one method for each call that we make.

use std::{sync::Arc, time::Duration};

use domain::{Account, Clock, E164};
use http_client::{Client, Request, Response, Url};
use secrecy::ExposeSecret as _;
use serde::{
    Deserialize, Deserializer,
    de::{DeserializeOwned, IgnoredAny},
};
use serde_json::{Map, Value, json};

use super::{
    API_DOMAIN, DEAL, LEAD, PERSON,
    fault::refusal,
    mapping::{FIELD_NAME, Form, Keys, Own},
};
use crate::{CrmField, Holds, PushError, mapping::Takes};

/// How many fields one page has: the most there is.
const PAGE: &str = "500";
/// How many pages of fields are read.
const MAX_PAGES: usize = 20;

/// What stands in a rehearsal for the key of a field that would be made. Its records have the id 0.
const NEW_KEY: &str = "0000000000000000000000000000000000000000";

/// The kinds of record that have fields.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Person,
    /// Has the fields of deals.
    Lead,
    Deal,
}

impl Kind {
    /// Our word for it.
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Person => PERSON,
            Self::Lead => LEAD,
            Self::Deal => DEAL,
        }
    }

    const fn fields(self) -> &'static str {
        match self {
            Self::Person => "/api/v2/personFields",
            Self::Lead | Self::Deal => "/api/v2/dealFields",
        }
    }
}

/// A field as Pipedrive shows it.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Field {
    field_name: String,
    field_code: String,
    #[serde(default)]
    field_type: String,
    #[serde(default, deserialize_with = "or_default")]
    options: Vec<Choice>,
    #[serde(default, deserialize_with = "or_default")]
    is_mandatory_flag: bool,
}

/// A value that a field takes.
#[derive(Debug, Clone, Deserialize)]
struct Choice {
    #[serde(default)]
    id: Value,
    #[serde(default)]
    label: String,
}

impl From<Field> for CrmField {
    fn from(field: Field) -> Self {
        Self {
            max_length: (field.field_type == "varchar").then_some(255),
            holds: match (field.field_type.as_str(), field.field_code.as_str()) {
                // Their wrappings are ours to write.
                ("monetary", code) if code == "value" || is_key(code) => Holds::Number,
                ("address", code) if is_key(code) => Holds::Text,
                (kind, _) => holds(kind),
            },
            is_read_only: field.field_name == FIELD_NAME,
            name: field.field_code,
            label: field.field_name,
            kind: field.field_type,
            is_required: field.is_mandatory_flag,
            options: field
                .options
                .into_iter()
                .map(|choice| choice.label)
                .collect(),
        }
    }
}

/// Source: Pipedrive, "Fields", "Field types" (read 2026-11).
fn holds(kind: &str) -> Holds {
    match kind {
        "varchar" | "varchar_auto" | "text" | "phone" => Holds::Text,
        "double" | "int" => Holds::Number,
        "date" => Holds::Date,
        "enum" => Holds::Choice,
        "set" => Holds::Choices,
        _ => Holds::Other,
    }
}

/// A person as Pipedrive shows it.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Person {
    pub(super) id: u64,
    #[serde(default)]
    pub(super) name: String,
    #[serde(default, deserialize_with = "or_default")]
    pub(super) emails: Vec<Value>,
    #[serde(default, deserialize_with = "or_default")]
    pub(super) phones: Vec<Value>,
    #[serde(default, deserialize_with = "or_default")]
    pub(super) custom_fields: Map<String, Value>,
    #[serde(default)]
    is_deleted: bool,
}

/// A person as the search index shows it.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Found {
    pub(super) id: u64,
    #[serde(default)]
    pub(super) name: String,
    #[serde(default, deserialize_with = "or_default")]
    pub(super) emails: Vec<String>,
    #[serde(default, deserialize_with = "or_default")]
    phones: Vec<String>,
    #[serde(default, deserialize_with = "or_default")]
    custom_fields: Vec<Value>,
}

impl Found {
    /// Whether one of its numbers is this one, however it was typed.
    pub(super) fn has_phone(&self, phone: &E164) -> bool {
        let mut phones = self.phones.iter();
        phones.any(|typed| E164::parse(typed).as_ref() == Ok(phone))
    }

    /// Whether one of its own fields has this value.
    pub(super) fn has_own(&self, value: &str) -> bool {
        self.custom_fields.iter().any(|own| own == value)
    }
}

#[derive(Deserialize)]
struct Envelope<T> {
    data: T,
    #[serde(default, deserialize_with = "or_default")]
    additional_data: Additional,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Additional {
    next_cursor: Option<String>,
}

#[derive(Deserialize)]
struct Items<T> {
    items: Vec<Item<T>>,
}

#[derive(Deserialize)]
struct Item<T> {
    item: T,
}

#[derive(Deserialize)]
struct Named {
    id: Value,
    #[serde(default, deserialize_with = "or_default")]
    custom_fields: Vec<Value>,
}

#[derive(Deserialize)]
struct Note {
    id: u64,
    #[serde(default)]
    content: String,
}

/// Calls Pipedrive.
pub(super) struct Api {
    http: Client,
    base_url: String,
    clock: Arc<dyn Clock>,
    timeout: Duration,
}

impl Api {
    pub(super) fn new(
        http: Client,
        base_url: &Url,
        clock: Arc<dyn Clock>,
        timeout: Duration,
    ) -> Self {
        Self {
            http,
            base_url: base_url.as_str().trim_end_matches('/').to_owned(),
            clock,
            timeout,
        }
    }

    pub(super) const fn timeout(&self) -> Duration {
        self.timeout
    }

    /// Every field of a kind.
    pub(super) async fn fields(
        &self,
        account: &Account,
        kind: Kind,
    ) -> Result<Vec<Field>, PushError> {
        let (mut fields, mut cursor) = (Vec::new(), None::<String>);
        for _ in 0..MAX_PAGES {
            let mut query = vec![("limit", PAGE)];
            query.extend(cursor.as_deref().map(|cursor| ("cursor", cursor)));
            let request = self
                .http
                .get(self.url(account, kind.fields()))
                .query(&query);
            let page: Envelope<Vec<Field>> = self.call(request, account).await?;
            fields.extend(page.data);
            cursor = page.additional_data.next_cursor;
            if cursor.is_none() {
                break;
            }
        }
        Ok(fields)
    }

    /// The keys of a kind's own fields; ours is empty while there is none.
    pub(super) async fn keys(&self, account: &Account, kind: Kind) -> Result<Keys, PushError> {
        let fields = self.fields(account, kind).await?;
        let own = fields.into_iter().filter(|field| is_key(&field.field_code));
        let mut keys = Keys::default();
        for field in own {
            if keys.own.is_empty() && field.field_name == FIELD_NAME {
                keys.own = field.field_code;
                continue;
            }
            let form = match field.field_type.as_str() {
                "enum" | "set" => Form::Options {
                    is_many: field.field_type == "set",
                    ids: field
                        .options
                        .iter()
                        .map(|choice| (choice.label.clone(), choice.id.clone()))
                        .collect(),
                },
                "monetary" => Form::Money,
                "address" => Form::Address,
                _ => Form::Plain,
            };
            let code = field.field_code.clone();
            let takes = Takes::of(field.into(), false);
            keys.all.insert(code, Own { takes, form });
        }
        Ok(keys)
    }

    /// Makes our field of a kind: its key.
    pub(super) async fn add_field(
        &self,
        account: &Account,
        kind: Kind,
    ) -> Result<String, PushError> {
        let body = json!({ "field_name": FIELD_NAME, "field_type": "varchar" });
        let request = self.http.post(self.url(account, kind.fields())).json(&body);
        let request = request
            .stand_in(|| json!({ "data": { "field_name": FIELD_NAME, "field_code": NEW_KEY } }));
        let made: Envelope<Field> = self.call(request, account).await?;
        Ok(made.data.field_code)
    }

    /// Persons that the search index has with exactly this text.
    pub(super) async fn search_persons(
        &self,
        account: &Account,
        term: &str,
        fields: &str,
    ) -> Result<Vec<Found>, PushError> {
        self.search(account, "/api/v2/persons/search", term, fields)
            .await
    }

    /// A person by its id; `None` if it is gone.
    pub(super) async fn person(
        &self,
        account: &Account,
        id: u64,
    ) -> Result<Option<Person>, PushError> {
        let path = format!("/api/v2/persons/{id}");
        let request = self.http.get(self.url(account, &path));
        match self.call::<Envelope<Person>>(request, account).await {
            Ok(found) => Ok(Some(found.data).filter(|person| !person.is_deleted)),
            Err(PushError::Moved { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Makes a person: its id.
    pub(super) async fn add_person(
        &self,
        account: &Account,
        person: &Map<String, Value>,
    ) -> Result<u64, PushError> {
        let url = self.url(account, "/api/v2/persons");
        let request = self.http.post(url).json(person);
        let request = request.stand_in(|| json!({ "data": { "id": 0 } }));
        let made: Envelope<Person> = self.call(request, account).await?;
        Ok(made.data.id)
    }

    /// Changes the given fields of a person.
    pub(super) async fn update_person(
        &self,
        account: &Account,
        id: u64,
        fields: &Map<String, Value>,
    ) -> Result<(), PushError> {
        let url = self.url(account, &format!("/api/v2/persons/{id}"));
        let request = self.http.patch(url).json(fields);
        let request = request.stand_in(|| json!({ "data": { "id": id } }));
        self.call::<Envelope<Person>>(request, account).await?;
        Ok(())
    }

    /// The lead or deal with our id, as far as the search index has it.
    pub(super) async fn search_job(
        &self,
        account: &Account,
        kind: Kind,
        request: &str,
    ) -> Result<Option<String>, PushError> {
        let path = match kind {
            Kind::Deal => "/api/v2/deals/search",
            Kind::Lead | Kind::Person => "/api/v2/leads/search",
        };
        let found = self.search::<Named>(account, path, request, "custom_fields");
        let found = found.await?.into_iter();
        let mut own = found.filter(|found| found.custom_fields.iter().any(|own| own == request));
        Ok(own.next().and_then(|found| id(&found.id)))
    }

    /// Whether a lead or a deal, by our word for it, is there.
    pub(super) async fn has_job(
        &self,
        account: &Account,
        word: &str,
        id: &str,
    ) -> Result<bool, PushError> {
        let path = match word {
            DEAL => format!("/api/v2/deals/{id}"),
            _ => format!("/api/v1/leads/{id}"),
        };
        let request = self.http.get(self.url(account, &path));
        match self.call::<Envelope<IgnoredAny>>(request, account).await {
            Ok(_) => Ok(true),
            Err(PushError::Moved { .. }) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Makes a lead or a deal: its id.
    pub(super) async fn add_job(
        &self,
        account: &Account,
        kind: Kind,
        job: &Map<String, Value>,
    ) -> Result<String, PushError> {
        let path = match kind {
            Kind::Deal => "/api/v2/deals",
            Kind::Lead | Kind::Person => "/api/v1/leads",
        };
        #[derive(Deserialize)]
        struct Made {
            id: Value,
        }
        let request = self.http.post(self.url(account, path)).json(job);
        let request = request.stand_in(|| json!({ "data": { "id": 0 } }));
        let made: Envelope<Made> = self.call(request, account).await?;
        id(&made.data.id).ok_or(PushError::Moved { holder: None })
    }

    /// A person's note that has this text in it.
    pub(super) async fn find_note(
        &self,
        account: &Account,
        person: u64,
        text: &str,
    ) -> Result<Option<String>, PushError> {
        let person = person.to_string();
        let query = [
            ("person_id", person.as_str()),
            ("sort", "add_time DESC"),
            ("limit", PAGE),
        ];
        let url = self.url(account, "/api/v1/notes");
        let request = self.http.get(url).query(&query);
        // Without any, `data` is null.
        let found: Envelope<Option<Vec<Note>>> = self.call(request, account).await?;
        let mut notes = found.data.unwrap_or_default().into_iter();
        let own = notes.find(|note| note.content.contains(text));
        Ok(own.map(|note| note.id.to_string()))
    }

    /// Makes a note: its id.
    pub(super) async fn add_note(
        &self,
        account: &Account,
        note: &Map<String, Value>,
    ) -> Result<String, PushError> {
        let url = self.url(account, "/api/v1/notes");
        let request = self.http.post(url).json(note);
        let request = request.stand_in(|| json!({ "data": { "id": 0 } }));
        let made: Envelope<Note> = self.call(request, account).await?;
        Ok(made.data.id.to_string())
    }

    /// Replaces a note's text; false if it is gone.
    pub(super) async fn update_note(
        &self,
        account: &Account,
        id: &str,
        content: &str,
    ) -> Result<bool, PushError> {
        let url = self.url(account, &format!("/api/v1/notes/{id}"));
        let request = self.http.put(url).json(&json!({ "content": content }));
        let request = request.stand_in(|| json!({ "data": { "id": 0 } }));
        match self.call::<Envelope<Note>>(request, account).await {
            Ok(_) => Ok(true),
            Err(PushError::Moved { .. }) => Ok(false),
            Err(error) => Err(error),
        }
    }

    async fn search<T: DeserializeOwned>(
        &self,
        account: &Account,
        path: &str,
        term: &str,
        fields: &str,
    ) -> Result<Vec<T>, PushError> {
        let query = [
            ("term", term),
            ("fields", fields),
            ("exact_match", "true"),
            ("limit", "20"),
        ];
        let request = self.http.get(self.url(account, path)).query(&query);
        let found: Envelope<Items<T>> = self.call(request, account).await?;
        Ok(found.data.items.into_iter().map(|item| item.item).collect())
    }

    /// Where the company is: as logging in has told, or where all are.
    fn url(&self, account: &Account, path: &str) -> String {
        let domain = match account.setting(API_DOMAIN) {
            "" => &self.base_url,
            domain => domain.trim_end_matches('/'),
        };
        format!("{domain}{path}")
    }

    async fn call<T: DeserializeOwned>(
        &self,
        request: Request<'_>,
        account: &Account,
    ) -> Result<T, PushError> {
        let secret = account.secret.expose_secret();
        let is_api_token = secret.len() == 40 && secret.bytes().all(|b| b.is_ascii_alphanumeric());
        let request = if is_api_token {
            request.secret_header("x-api-token", &account.secret)
        } else {
            request.bearer(&account.secret)
        };
        let answer: Response = request.deadline(self.timeout).send().await?;
        if answer.status.is_success() {
            Ok(answer.json()?)
        } else {
            Err(refusal(&answer, self.clock.now()))
        }
    }
}

/// A null counts as nothing.
fn or_default<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de> + Default,
{
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

/// Whether this is the key of a company's own field.
fn is_key(text: &str) -> bool {
    text.len() == 40 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// A record's id: a number, or for leads a UUID, so that it can stand in a path.
fn id(value: &Value) -> Option<String> {
    match value {
        Value::Number(number) => Some(number.to_string()),
        Value::String(text) => {
            let is_id = (1..=36).contains(&text.len())
                && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
            is_id.then(|| text.clone())
        }
        _ => None,
    }
}
