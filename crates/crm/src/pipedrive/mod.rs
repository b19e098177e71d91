//! Pipedrive: a person, a lead or a deal for the request, and a note with everything.
//!
//! - Auth: `x-api-token` with a user's token of 40 characters, or a bearer token of an OAuth app, refreshed at
//!   `https://oauth.pipedrive.com/oauth/token` (by `accounts`); the answer names the company's `api_domain`.
//! - Once: nothing here is unique, and no write can be repeated. So each person, lead and note is begun once
//!   by our own record of effects; after an answer that was lost, it is looked for when the search index must show it,
//!   and only written again when it is not there. Our ids are in a field of ours, `Lead external ID`, and in the note.
//! - Persons are searched before one is made: by our id, by e-mail address, by number. Who calls from one number is one
//!   person to us; here, whoever clearly has another name is a person of their own. Within a process one push at a
//!   time searches for a person; across processes the record of effects stands in.
//! - Keys of own fields are 40 hexadecimal digits that differ from company to company: they are read by the field's name,
//!   passed on as they are, and read again when a write is refused.
//! - A person's fields are filled while they are empty. A lead or a deal is never changed once it is there: an update of
//!   its value has been seen to reset other fields. The note is ours, and shows the newest. Where people have deleted the
//!   lead, the note is at the person.
//!
//! Source: Pipedrive developer documentation, API v2 for persons, deals, fields and search, API v1 for leads and notes
//! (read 2026-11). UNCONFIRMED: how far search lags behind writes; `x-ratelimit-reset` in seconds; whether a lead that was
//! turned into a deal still answers by its id.

mod api;
mod fault;
mod mapping;

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use async_trait::async_trait;
use domain::{
    Account, AccountFault, AccountSpec, BaseUrl, Brief, ClientProof, Clock, ConnectionName,
    Effects, EmailAddress, Grant, Lookup, RefreshSpec, RemoteIds, SettingSpec, TenantId,
};
use futures::lock::Mutex;
use http_client::{Client, Url};
use moka::future::Cache;
use secrecy::SecretString;

use self::{
    api::{Api, Found, Kind, Person},
    mapping::{DEALS, Keys, PERSONS},
};
use crate::{
    Connector, ConnectorSpec, CrmObject, Inspection, Known, Mapped, Mapping, Place, PushError,
    Pushed, names, once::Once,
};

/// Pipedrive, before it is made.
pub(crate) static SPEC: ConnectorSpec = ConnectorSpec {
    slug: "pipedrive",
    name: "Pipedrive",
    account: AccountSpec {
        secret: "an API token, or JSON with an OAuth app's client_id, client_secret and refresh_token",
        settings: &[
            SettingSpec {
                key: BECOMES,
                about: "what a request becomes: `lead` (the default), or `deal`, in the first stage of the first pipeline",
                is_required: false,
                is_url: false,
            },
            SettingSpec {
                key: CURRENCY,
                about: "the currency of values, in three capital letters: USD unless it says",
                is_required: false,
                is_url: false,
            },
        ],
        refresh: Some(RefreshSpec {
            path: "/oauth/token",
            grants: &[Grant::RefreshToken],
            server: Some("https://oauth.pipedrive.com"),
            server_setting: None,
            proof: ClientProof::Basic,
            address: Some(API_DOMAIN),
        }),
        check: Some(check),
    },
    place: Place::Known {
        base_url: BaseUrl {
            key: "PIPEDRIVE_BASE_URL",
            url: "https://api.pipedrive.com",
            about: "Base URL of Pipedrive's API.",
        },
        new: |http, clock, url, timeout| Arc::new(Pipedrive::new(http, url, clock, timeout)),
    },
    mapping: &mapping::MAPPING,
};

const BECOMES: &str = "becomes";
const CURRENCY: &str = "currency";
const API_DOMAIN: &str = "api_domain";

/// How long the keys of fields are taken for true.
const KEYS_KEPT: Duration = Duration::from_secs(3_600);
/// How long the search index may take to show a record.
const LAG: Duration = Duration::from_secs(30);
/// How often a record that people have deleted is made again.
const MAX_REVISIONS: u32 = 5;
/// Our words for the records that a request becomes.
const PERSON: &str = "person";
const LEAD: &str = "lead";
const DEAL: &str = "deal";
const NOTE: &str = "note";

/// Pushes leads into Pipedrive.
struct Pipedrive {
    api: Api,
    clock: Arc<dyn Clock>,
    keys: Cache<AccountKey, Arc<KeysOfAll>>,
    /// One lock for each person that is being pushed.
    persons: Cache<(AccountKey, String), Arc<Mutex<()>>>,
}

/// Tenant, connection and version of its secret.
type AccountKey = (TenantId, (ConnectionName, u64));

/// The keys of each kind of record.
#[derive(Debug, PartialEq)]
struct KeysOfAll {
    person: Keys,
    /// Leads share them.
    deal: Keys,
}

/// What one push brings: the lead, what the mapping says of it, and what is known of it.
#[derive(Clone, Copy)]
struct Lead<'a> {
    brief: &'a Brief,
    mapped: &'a Mapped,
    known: &'a Known,
}

/// What one push works with.
struct Push<'a> {
    brief: &'a Brief,
    mapped: &'a Mapped,
    account: &'a Account,
    known: &'a Known,
    keys: Arc<KeysOfAll>,
    once: Once<'a>,
    /// Whether the last push was to another person.
    is_moved: bool,
    /// What people should know of the person.
    notice: Option<String>,
}

impl Push<'_> {
    /// The currency of values.
    fn currency(&self) -> &str {
        match self.account.setting(CURRENCY) {
            "" => "USD",
            currency => currency,
        }
    }

    /// What a record of the request is called in our record of effects.
    fn subject(&self, person: u64) -> String {
        let request = self.brief.request;
        if self.is_moved {
            format!("{request}.{person}")
        } else {
            request.to_string()
        }
    }
}

/// A person that was written.
struct Written {
    person: u64,
    /// What people should know of one that was made although others have the number.
    notice: Option<String>,
}

/// Who it is from, in Pipedrive.
struct Match {
    person: Option<Person>,
    /// The key of the person in our field: another one than their own, where that leads to somebody of another name.
    key: String,
    /// What people should know of a person that is made although others have the number.
    notice: Option<String>,
}

#[async_trait]
impl Connector for Pipedrive {
    fn slug(&self) -> &'static str {
        SPEC.slug
    }

    async fn push(
        &self,
        brief: &Brief,
        mapping: &Mapping,
        account: &Account,
        known: &Known,
        effects: &Effects,
    ) -> Result<Pushed, PushError> {
        let mapped = &mapping.of(brief);
        let lead = Lead {
            brief,
            mapped,
            known,
        };
        let fields_hash = mapped.hash(mapping::fields_hash(brief));
        if known.fields_hash.as_deref() == Some(&fields_hash) {
            return Ok(Pushed {
                remote_ids: known.remote_ids.clone(),
                fields_hash,
                is_changed: false,
            });
        }
        let keys = self.keys(account, effects).await?;
        let mut written = self.write(lead, account, effects, &keys).await;
        if matches!(
            written,
            Err(PushError::Refused { .. }
                | PushError::Outdated { .. }
                | PushError::Unmapped { .. })
        ) {
            // A field that was deleted and made again has another key.
            self.keys.invalidate(&account_key(account)).await;
            let newer = self.keys(account, effects).await?;
            if newer != keys {
                written = self.write(lead, account, effects, &newer).await;
            }
        }
        Ok(Pushed {
            remote_ids: written?,
            fields_hash,
            is_changed: true,
        })
    }

    async fn inspect(&self, account: &Account) -> Result<Inspection, PushError> {
        let mut objects = Vec::new();
        for kind in [Kind::Person, Kind::Deal] {
            let fields = self.api.fields(account, kind).await?;
            objects.push(CrmObject {
                name: kind.word().to_owned(),
                fields: fields.into_iter().map(Into::into).collect(),
            });
        }
        Ok(Inspection {
            objects,
            notes: Vec::new(),
        })
    }
}

impl Pipedrive {
    fn new(http: Client, base_url: &Url, clock: Arc<dyn Clock>, timeout: Duration) -> Self {
        Self {
            api: Api::new(http, base_url, clock.clone(), timeout),
            clock,
            keys: Cache::builder()
                .max_capacity(10_000)
                .time_to_live(KEYS_KEPT)
                .build(),
            persons: Cache::builder()
                .max_capacity(100_000)
                .time_to_idle(KEYS_KEPT)
                .build(),
        }
    }

    async fn write(
        &self,
        lead: Lead<'_>,
        account: &Account,
        effects: &Effects,
        keys: &Arc<KeysOfAll>,
    ) -> Result<RemoteIds, PushError> {
        let Lead {
            brief,
            mapped,
            known,
        } = lead;
        // What is unknown to Pipedrive it drops without a word, so we look before anything is written.
        let gone = keys.person.gone(mapped, PERSONS);
        if let Some(gone) = gone.or_else(|| keys.deal.gone(mapped, DEALS)) {
            return Err(PushError::gone(gone));
        }
        let push = Push {
            brief,
            mapped,
            account,
            known,
            keys: keys.clone(),
            once: self.once(account, effects),
            is_moved: false,
            notice: None,
        };
        let lock = (account_key(account), brief.person_key());
        let lock = self.persons.get_with(lock, async { Arc::default() }).await;
        let _alone = lock.lock().await;
        let Written { person, notice } = self.write_person(&push).await?;
        // What is known of another person is not this one's: their account was replaced, or merged with another's.
        let before = known.remote_ids.get(PERSON);
        let is_moved = before.is_some_and(|before| before != person.to_string());
        let nothing = Known::default();
        let push = Push {
            known: if is_moved { &nothing } else { known },
            is_moved,
            notice,
            ..push
        };
        let (word, job) = self.write_job(&push, person).await?;
        let note = self.write_note(&push, word, &job, person).await?;
        Ok(RemoteIds::default()
            .with(PERSON, person.to_string())
            .with(word, job)
            .with(NOTE, note))
    }

    fn once<'a>(&self, account: &'a Account, effects: &'a Effects) -> Once<'a> {
        Once {
            effects,
            clock: self.clock.clone(),
            target: account.connection.as_str(),
            call_deadline: self.api.timeout(),
            lag: LAG,
        }
    }

    /// The keys of our fields, found or made once for each version of the account's secret; pushes that come meanwhile
    /// wait for that.
    async fn keys(
        &self,
        account: &Account,
        effects: &Effects,
    ) -> Result<Arc<KeysOfAll>, PushError> {
        let prepared = async {
            let once = self.once(account, effects);
            Ok(Arc::new(KeysOfAll {
                person: self.key(account, &once, Kind::Person).await?,
                deal: self.key(account, &once, Kind::Deal).await?,
            }))
        };
        let keys = self.keys.try_get_with(account_key(account), prepared).await;
        keys.map_err(|error: Arc<PushError>| PushError::clone(&error))
    }

    async fn key(&self, account: &Account, once: &Once<'_>, kind: Kind) -> Result<Keys, PushError> {
        for revision in 1..=MAX_REVISIONS + 1 {
            let mut keys = self.api.keys(account, kind).await?;
            if !keys.own.is_empty() {
                return Ok(keys);
            }
            let mut is_new = false;
            let made = once.make(
                "field",
                kind.word(),
                account.connection.as_str(),
                revision,
                async || match self.api.keys(account, kind).await?.own {
                    own if own.is_empty() => Ok(Lookup::Absent),
                    own => Ok(Lookup::Found(own)),
                },
                async || {
                    let key = self.api.add_field(account, kind).await?;
                    is_new = true;
                    Ok(key)
                },
            );
            // Read again unless it is new: what was made in an earlier life of the account may have been deleted since.
            let made = made.await?;
            if is_new {
                keys.own = made;
                return Ok(keys);
            }
        }
        Err(PushError::NeverSeen { record: "field" })
    }

    /// The person, completed or made.
    async fn write_person(&self, push: &Push<'_>) -> Result<Written, PushError> {
        let (brief, keys) = (push.brief, &push.keys.person);
        let known = push
            .known
            .remote_ids
            .get(PERSON)
            .and_then(|id| id.parse().ok());
        if let Some(id) = known
            && let Some(person) = self.api.person(push.account, id).await?
            && mapping::is_known(&person, brief, keys)
        {
            return self.complete(push, person, &brief.person_key()).await;
        }
        let Match {
            person,
            mut key,
            mut notice,
        } = self.find_person(push).await?;
        if let Some(person) = person {
            return self.complete(push, person, &key).await;
        }
        let mut revision = 1;
        while revision <= MAX_REVISIONS {
            let look = async || match self.find_own_person(push, &key).await? {
                Some(person) => Ok(Lookup::Found(person.id.to_string())),
                None => Ok(Lookup::Absent),
            };
            let mut is_new = false;
            let write = async || {
                let currency = push.currency();
                let body = mapping::mapped_person(brief, push.mapped, keys, &key, currency)?;
                let id = self.api.add_person(push.account, &body).await?;
                is_new = true;
                Ok(id.to_string())
            };
            let made = push.once.make(PERSON, PERSON, &key, revision, look, write);
            let id: u64 = made.await?.parse().unwrap_or_default();
            if is_new {
                return Ok(Written { person: id, notice });
            }
            // Whoever made it may have been another push, long ago: people may have deleted it since, or have connected
            // another account. Or it was just now, of somebody else with the same number.
            let own = names::own_key(brief);
            match self.api.person(push.account, id).await? {
                Some(person) if mapping::is_another(&person, brief) && key != own => {
                    if let Some(person) = self.find_own_person(push, &own).await? {
                        return self.complete(push, person, &own).await;
                    }
                    notice = notice.or_else(|| names::notice(brief, PERSON, 1));
                    (key, revision) = (own, 1);
                }
                Some(person) if mapping::is_known(&person, brief, keys) => {
                    return self.complete(push, person, &key).await;
                }
                Some(_) | None => revision += 1,
            }
        }
        Err(PushError::NeverSeen { record: PERSON })
    }

    /// Looks by our id, by e-mail address, then by number and name. Whoever has our id is another person if their name
    /// clearly differs, and they have not the address.
    async fn find_person(&self, push: &Push<'_>) -> Result<Match, PushError> {
        let (account, brief) = (push.account, push.brief);
        let mut key = brief.person_key();
        let found = |person, key| Match {
            person,
            key,
            notice: None,
        };
        let mut other = None;
        if let Some(person) = self.find_own_person(push, &key).await? {
            if !mapping::is_another(&person, brief) {
                return Ok(found(Some(person), key));
            }
            other = Some(person.id);
            key = names::own_key(brief);
            if let Some(person) = self.find_own_person(push, &key).await? {
                return Ok(found(Some(person), key));
            }
        }
        if let Some(email) = brief.email.as_ref().map(EmailAddress::as_str) {
            let all = self.api.search_persons(account, email, "email").await?;
            let has_it = |found: &&Found| {
                found
                    .emails
                    .iter()
                    .any(|other| other.eq_ignore_ascii_case(email))
            };
            if let Some(first) = all.iter().filter(has_it).min_by_key(|found| found.id) {
                let person = self.api.person(account, first.id).await?;
                return Ok(found(person, key));
            }
        }
        let Some(phone) = &brief.phone else {
            return Ok(found(None, key));
        };
        let mut holders: BTreeMap<u64, Found> = BTreeMap::new();
        for form in mapping::phone_forms(phone) {
            let found = self.api.search_persons(account, &form, "phone").await?;
            let found = found.into_iter().filter(|found| found.has_phone(phone));
            holders.extend(found.map(|found| (found.id, found)));
        }
        let is_hidden = other.is_some_and(|other| !holders.contains_key(&other));
        let count = holders.len() + usize::from(is_hidden);
        let fits =
            |found: &&Found| names::fits(brief, mapping::known_name(&found.name), count == 1);
        Ok(match holders.values().find(fits) {
            Some(first) => found(self.api.person(account, first.id).await?, key),
            None => Match {
                person: None,
                key,
                notice: (count > 0)
                    .then(|| names::notice(brief, PERSON, count))
                    .flatten(),
            },
        })
    }

    /// The person with our id, as far as the search index has it.
    async fn find_own_person(
        &self,
        push: &Push<'_>,
        key: &str,
    ) -> Result<Option<Person>, PushError> {
        let found = self
            .api
            .search_persons(push.account, key, "custom_fields")
            .await?;
        let own = found.iter().filter(|found| found.has_own(key));
        match own.min_by_key(|found| found.id) {
            Some(found) => self.api.person(push.account, found.id).await,
            None => Ok(None),
        }
    }

    /// Fills what a person lacks.
    async fn complete(
        &self,
        push: &Push<'_>,
        existing: Person,
        key: &str,
    ) -> Result<Written, PushError> {
        let (keys, currency) = (&push.keys.person, push.currency());
        let (brief, mapped) = (push.brief, push.mapped);
        let missing = mapping::mapped_missing(&existing, brief, mapped, keys, key, currency)?;
        if !missing.is_empty() {
            self.api
                .update_person(push.account, existing.id, &missing)
                .await?;
        }
        Ok(Written {
            person: existing.id,
            notice: None,
        })
    }

    /// The request's lead or deal, made once and left to people then.
    async fn write_job(
        &self,
        push: &Push<'_>,
        person: u64,
    ) -> Result<(&'static str, String), PushError> {
        // What it has become it stays, whatever the setting says by now.
        let known = [LEAD, DEAL].into_iter().find_map(|word| {
            let id = push.known.remote_ids.get(word)?;
            Some((word, id.to_owned()))
        });
        if let Some(known) = known {
            return Ok(known);
        }
        let kind = match push.account.setting(BECOMES) {
            DEAL => Kind::Deal,
            _ => Kind::Lead,
        };
        let request = push.brief.request.to_string();
        let currency = push.currency();
        if push.is_moved
            && let Some(there) = self.api.search_job(push.account, kind, &request).await?
        {
            return Ok((kind.word(), there));
        }
        let look = async || {
            let found = self.api.search_job(push.account, kind, &request).await?;
            Ok(found.map_or(Lookup::Absent, Lookup::Found))
        };
        let write = async || {
            let (mapped, keys) = (push.mapped, &push.keys.deal);
            let body = mapping::mapped_job(push.brief, mapped, keys, kind, person, currency)?;
            self.api.add_job(push.account, kind, &body).await
        };
        let subject = push.subject(person);
        let made = push
            .once
            .make(kind.word(), kind.word(), &subject, 1, look, write);
        Ok((kind.word(), made.await?))
    }

    /// The note with everything, made or brought up to date.
    async fn write_note(
        &self,
        push: &Push<'_>,
        word: &str,
        job: &str,
        person: u64,
    ) -> Result<String, PushError> {
        let content = mapping::note(push.brief, push.notice.as_deref());
        let request = push.brief.request.to_string();
        if let Some(known) = push.known.remote_ids.get(NOTE)
            && self.api.update_note(push.account, known, &content).await?
        {
            return Ok(known.to_owned());
        }
        for revision in 1..=MAX_REVISIONS {
            let mut is_new = false;
            let look = async || {
                let found = self.api.find_note(push.account, person, &request).await?;
                Ok(found.map_or(Lookup::Absent, Lookup::Found))
            };
            let write = async || {
                let body = mapping::note_body(&content, word, job, person);
                let mut added = self.api.add_note(push.account, &body).await;
                if let Err(PushError::Moved { .. } | PushError::Refused { .. }) = &added
                    && !self.api.has_job(push.account, word, job).await?
                {
                    // People have deleted the lead, or the deal: that was their decision, and the person is left.
                    let body = mapping::note_body(&content, PERSON, "", person);
                    added = self.api.add_note(push.account, &body).await;
                }
                let id = added?;
                is_new = true;
                Ok(id)
            };
            let made = push
                .once
                .make(NOTE, NOTE, &push.subject(person), revision, look, write)
                .await?;
            if is_new || self.api.update_note(push.account, &made, &content).await? {
                return Ok(made);
            }
        }
        Err(PushError::NeverSeen { record: NOTE })
    }
}

fn account_key(account: &Account) -> AccountKey {
    (account.tenant.clone(), account.held_by())
}

/// Says what of the settings cannot be right, when they are entered.
fn check(_: &SecretString, settings: &BTreeMap<String, String>) -> Vec<AccountFault> {
    let setting = |key: &str| settings.get(key).map_or("", String::as_str);
    let mut faults = Vec::new();
    if !matches!(setting(BECOMES), "" | LEAD | DEAL) {
        faults.push(AccountFault::of_setting(BECOMES, "lead or deal"));
    }
    let currency = setting(CURRENCY);
    let is_code = currency.len() == 3 && currency.bytes().all(|byte| byte.is_ascii_uppercase());
    if !currency.is_empty() && !is_code {
        let expected = "three capital letters, such as USD";
        faults.push(AccountFault::of_setting(CURRENCY, expected));
    }
    faults
}
