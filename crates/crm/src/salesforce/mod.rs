//! Salesforce: a lead for the person, a task at it for the request.
//!
//! - Auth: an access token of an external client app, got by a refresh token, a signed assertion, or the app's own
//!   credentials at `POST /services/oauth2/token` (by `accounts`). The answer names the org's address and no end of the
//!   token, so that 401 ends it.
//! - Persons: who calls from one number is one person to us. A lead that has our key, or the number, is taken while no other
//!   name speaks against it; else there is a lead of its own, under a key of its own, with a notice.
//! - Once: leads and tasks are written by unique fields, `Lead_External_Id__c` (the person) and `Task_External_Id__c`
//!   (the request). An administrator adds both; nothing is written without them. Both writes are one composite request
//!   that is done whole or not at all, so each can be repeated after an answer that was lost. Of two first writes at the
//!   same time one is told `DUPLICATE_VALUE`, and becomes an update.
//! - Duplicates: a lead that others made is found by e-mail address, then by number and name, and completed. What the
//!   org's own rules find is decided by the setting `duplicates`.
//! - The company's fields are filled while they are empty and never changed; the task's description is ours and shows the
//!   newest. A converted lead is left alone: the task is at its contact.
//! - Texts are cut to what the org says is their longest; keys and addresses are never cut, but left out. The task's
//!   description has all of it. A value that Salesforce refuses is left out.
//! - Calls are counted by the org for all its programs: from a share on we pause (`api_share`).
//!
//! Source: Salesforce developer documentation, "REST API", "Composite", "sObject Rows by External ID", "Duplicate Rule
//! Header", "API Request Limits" (read 2026-11). UNCONFIRMED: members of `duplicateResult` over REST; how SOSL compares
//! telephone numbers; whether a composite request hands its headers to its parts (they are sent in both); whether a
//! company's name that may be empty means person accounts.

mod api;
mod fault;
mod mapping;
mod org;

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use async_trait::async_trait;
use domain::{
    Account, AccountFault, AccountSpec, BaseUrl, Brief, ClientProof, Clock, ConnectionName,
    Effects, EmailAddress, Grant, Lookup, ProviderAnswer, RefreshSpec, RemoteIds, SettingSpec,
    TenantId,
};
use futures::lock::Mutex;
use http_client::{Client, Url};
use moka::future::Cache;
use secrecy::SecretString;

use self::{
    api::{Api, Part, Record},
    fault::Refusal,
    mapping::{LEAD_KEY, LEAD_OBJECT, TASK_KEY, TASK_OBJECT},
    org::Org,
};
use crate::{
    Connector, ConnectorSpec, CrmObject, Inspection, Known, Mapped, Mapping, Place, PushError,
    Pushed, names,
    once::{First, Once},
};

/// Salesforce, before it is made.
pub(crate) static SPEC: ConnectorSpec = ConnectorSpec {
    slug: "salesforce",
    name: "Salesforce",
    account: AccountSpec {
        secret: "JSON of an external client app: client_id with refresh_token and, where it has one, client_secret; or \
            client_id with username and private_key; or client_id with client_secret alone",
        settings: &[
            SettingSpec {
                key: LOGIN_URL,
                about: "where to log in, if not at https://login.salesforce.com: My Domain (client_secret alone needs \
                    it), or https://test.salesforce.com",
                is_required: false,
                is_url: true,
            },
            SettingSpec {
                key: INSTANCE_URL,
                about: "where the org's API is: only for an access token that is entered as it is",
                is_required: false,
                is_url: true,
            },
            SettingSpec {
                key: DUPLICATES,
                about: "what happens to a lead that the org's duplicate rules find: `attach` it to what they found (the \
                    default), `save` it all the same where the rule lets us, or `hold` it for a person",
                is_required: false,
                is_url: false,
            },
            SettingSpec {
                key: API_SHARE,
                about: "how much of the org's daily calls may be used up before we pause, in percent: 80 unless it says",
                is_required: false,
                is_url: false,
            },
        ],
        refresh: Some(RefreshSpec {
            path: "/services/oauth2/token",
            grants: &[
                Grant::RefreshToken,
                Grant::JwtBearer,
                Grant::ClientCredentials,
            ],
            server: None,
            server_setting: Some(LOGIN_URL),
            proof: ClientProof::InForm,
            address: Some(INSTANCE_URL),
        }),
        check: Some(check),
    },
    place: Place::Known {
        base_url: BaseUrl {
            key: "SALESFORCE_BASE_URL",
            url: "https://login.salesforce.com",
            about: "Base URL of Salesforce's login server.",
        },
        new: |http, clock, url, timeout| Arc::new(Salesforce::new(http, url, clock, timeout)),
    },
    mapping: &mapping::MAPPING,
};

const LOGIN_URL: &str = "login_url";
const INSTANCE_URL: &str = "instance_url";
const DUPLICATES: &str = "duplicates";
const API_SHARE: &str = "api_share";

/// How long what we know of an org is taken for true.
const ORG_KEPT: Duration = Duration::from_secs(3_600);
/// How long we pause once the org's calls are used up to the share: they come back by and by.
const PAUSE: Duration = Duration::from_secs(15 * 60);
/// How often a write is tried at once, against others' writes and without what is refused.
const MAX_WRITES: usize = 8;
/// Our words for the records that a request becomes.
const LEAD: &str = "lead";
/// The first lead of a person, in our record of effects.
const FIRST_LEAD: &str = "first_lead";
const TASK: &str = "task";

/// Pushes leads into Salesforce.
struct Salesforce {
    api: Api,
    orgs: Cache<OrgKey, Arc<Org>>,
    /// Orgs whose calls are used up to the share.
    spent: Cache<OrgKey, ()>,
    clock: Arc<dyn Clock>,
    /// One lock for each person that is being pushed.
    persons: Cache<(OrgKey, String), Arc<Mutex<()>>>,
}

/// Tenant, connection and version of its secret.
type OrgKey = (TenantId, (ConnectionName, u64));

/// What one push brings: the lead, and what the mapping says of it.
#[derive(Clone, Copy)]
struct Lead<'a> {
    brief: &'a Brief,
    mapped: &'a Mapped,
}

/// Whose task it becomes.
enum Person {
    /// Nobody's yet: the lead is made.
    New,
    /// A lead that is there.
    Lead(Record),
    /// A contact, or what else a task can be at.
    Other(String),
}

/// Who it is from, in the org.
struct Found {
    person: Person,
    /// The key of their lead: another one than the person's own, where that leads to somebody of another name.
    key: String,
    /// What people should know of a lead that is made although others have the number.
    notice: Option<String>,
}

/// What the tenant wants of leads that the org's duplicate rules find.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Duplicates {
    Attach,
    Save,
    Hold,
}

impl Duplicates {
    fn parse(text: &str) -> Option<Self> {
        match text {
            "" | "attach" => Some(Self::Attach),
            "save" => Some(Self::Save),
            "hold" => Some(Self::Hold),
            _ => None,
        }
    }
}

#[async_trait]
impl Connector for Salesforce {
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
        let lead = &Lead { brief, mapped };
        let fields_hash = mapped.hash(mapping::fields_hash(brief));
        if known.fields_hash.as_deref() == Some(&fields_hash) {
            return Ok(Pushed {
                remote_ids: known.remote_ids.clone(),
                fields_hash,
                is_changed: false,
            });
        }
        if self.spent.get(&org_key(account)).await.is_some() {
            return Err(PushError::Throttled {
                retry_after: Some(PAUSE),
            });
        }
        let mut written = self.write(lead, account, known, effects).await;
        if matches!(written, Err(PushError::Outdated { .. })) && !mapped.is_empty() {
            // A query names all fields at once, and its refusal none.
            if let Some(field) = self.gone(mapped, account).await? {
                written = Err(PushError::gone(&field));
            }
        }
        if matches!(
            written,
            Err(PushError::Outdated { .. }
                | PushError::Misconfigured(_)
                | PushError::Unmapped { .. })
        ) {
            self.orgs.invalidate(&org_key(account)).await;
        }
        Ok(Pushed {
            remote_ids: written?,
            fields_hash,
            is_changed: true,
        })
    }

    async fn inspect(&self, account: &Account) -> Result<Inspection, PushError> {
        let (mut objects, mut notes) = (Vec::new(), Vec::new());
        for (name, key) in [("Lead", LEAD_KEY), ("Task", TASK_KEY)] {
            let described = self.api.describe(account, name).await?;
            notes.extend(org::missing_key(name, key, &described));
            objects.push(CrmObject {
                name: name.to_owned(),
                fields: described.into_iter().map(Into::into).collect(),
            });
        }
        Ok(Inspection { objects, notes })
    }
}

impl Salesforce {
    fn new(http: Client, base_url: &Url, clock: Arc<dyn Clock>, timeout: Duration) -> Self {
        let kept = |time| Cache::builder().max_capacity(10_000).time_to_live(time);
        Self {
            api: Api::new(http, base_url, clock.clone(), timeout),
            clock,
            persons: Cache::builder()
                .max_capacity(100_000)
                .time_to_idle(ORG_KEPT)
                .build(),
            orgs: kept(ORG_KEPT).build(),
            spent: Cache::builder()
                .max_capacity(10_000)
                .time_to_live(PAUSE)
                .build(),
        }
    }

    /// A field that the mapping speaks of and that the org does not have.
    async fn gone(&self, mapped: &Mapped, account: &Account) -> Result<Option<String>, PushError> {
        for object in [LEAD_OBJECT, TASK_OBJECT] {
            if mapped.fields(object).next().is_none() {
                continue;
            }
            let described = self.api.describe(account, object).await?;
            let is_there = |name: &str| {
                let mut fields = described.iter();
                fields.any(|field| field.name.eq_ignore_ascii_case(name))
            };
            if let Some((name, _)) = mapped.fields(object).find(|(name, _)| !is_there(name)) {
                return Ok(Some(name.to_owned()));
            }
        }
        Ok(None)
    }

    async fn write(
        &self,
        lead: &Lead<'_>,
        account: &Account,
        known: &Known,
        effects: &Effects,
    ) -> Result<RemoteIds, PushError> {
        let org = self.org(account).await?;
        let lock = (org_key(account), lead.brief.person_key());
        let lock = self.persons.get_with(lock, async { Arc::default() }).await;
        let _alone = lock.lock().await;
        let found = self.find(lead, account).await?;
        if !matches!(found.person, Person::New) {
            return Box::pin(self.compose(lead, account, known, &org, found)).await;
        }
        // Two people can have one number, and so one key. Of two first writes, the second one looks at the first.
        let once = Once {
            effects,
            clock: self.clock.clone(),
            target: account.connection.as_str(),
            call_deadline: self.api.timeout(),
            lag: Duration::ZERO,
        };
        let key = found.key.clone();
        let look = async || {
            let leads = self.api.leads_by(account, "Id", &key, None).await?;
            let lead = leads.first().map(|lead| lead.id().to_owned());
            Ok(lead.map_or(Lookup::Absent, Lookup::Found))
        };
        let write = async || {
            let ids = self.compose(lead, account, known, &org, found).await?;
            Ok((ids.get(LEAD).unwrap_or_default().to_owned(), ids))
        };
        match once.first(FIRST_LEAD, &key, look, write).await? {
            First::Made(ids) => Ok(ids),
            First::Before => {
                let found = self.find(lead, account).await?;
                Box::pin(self.compose(lead, account, known, &org, found)).await
            }
        }
    }

    /// Writes the lead and the task, and meets what the org says to that.
    async fn compose(
        &self,
        lead: &Lead<'_>,
        account: &Account,
        known: &Known,
        org: &Org,
        found: Found,
    ) -> Result<RemoteIds, PushError> {
        let Lead { brief, mapped } = *lead;
        let mut found = found;
        // The ids of an account that the connection led to before say nothing of this one.
        let is_ours = |person: &Person| match person {
            Person::New => false,
            Person::Lead(lead) => lead.get(LEAD_KEY) == found.key,
            Person::Other(id) => known.remote_ids.get(LEAD) == Some(id),
        };
        let is_known = known.remote_ids.get(TASK).is_some() && is_ours(&found.person);
        let has_task = is_known || self.has_task(brief, account).await?;
        let policy = Duplicates::parse(account.setting(DUPLICATES)).unwrap_or(Duplicates::Attach);
        let mut is_saved_anyway = policy == Duplicates::Save;
        let mut left_out = Vec::new();
        for _ in 0..MAX_WRITES {
            let parts = self.parts(lead, org, &found, has_task, &left_out);
            let written = self.api.composite(account, &parts, is_saved_anyway).await?;
            self.note_usage(account, written.share_used).await;
            match written.ids {
                Ok(ids) => return Ok(remote_ids(&found.person, &ids)),
                Err(Refusal::Taken) => found = self.find(lead, account).await?,
                Err(Refusal::Value { field, error }) => {
                    let is_mapped = |name: &str| {
                        [LEAD_OBJECT, TASK_OBJECT]
                            .iter()
                            .any(|it| mapped.has(it, name))
                    };
                    if is_mapped(&field) {
                        return Err(error.of_mapped(is_mapped));
                    }
                    let is_needed = matches!(&*field, "LastName" | "Company" | LEAD_KEY | TASK_KEY);
                    if is_needed || left_out.contains(&field) {
                        return Err(error);
                    }
                    left_out.push(field);
                }
                Err(Refusal::Duplicates {
                    found: other,
                    answer,
                }) => {
                    let refused = || PushError::Refused {
                        code: "DUPLICATES_DETECTED".to_owned(),
                        answer: ProviderAnswer::new(&answer),
                    };
                    let other = match (policy, other) {
                        (Duplicates::Hold, _) => return Err(refused()),
                        (Duplicates::Attach, Some(id)) if matches!(found.person, Person::New) => {
                            self.attached(lead, account, id).await?
                        }
                        _ => None,
                    };
                    match other {
                        Some(other) => found.person = other,
                        None if is_saved_anyway => return Err(refused()), // the rule blocks
                        None => is_saved_anyway = true,
                    }
                }
                Err(Refusal::Other(error)) => return Err(error),
            }
        }
        Err(PushError::Moved { holder: None })
    }

    /// What is written: the lead unless it is left alone, and the task.
    fn parts(
        &self,
        lead: &Lead<'_>,
        org: &Org,
        found: &Found,
        has_task: bool,
        left_out: &[String],
    ) -> Vec<Part> {
        let Lead { brief, mapped } = *lead;
        let mut lead = mapping::mapped_lead(brief, mapped, org);
        lead.retain(|name, _| !left_out.iter().any(|out| out == name));
        let task = |who: &str| {
            Part::upsert("Task", TASK_KEY, &brief.request.to_string(), {
                let mut fields = mapping::task(brief, !has_task, org, mapped);
                fields.retain(|name, _| !left_out.iter().any(|out| out == name));
                fields.insert("WhoId".to_owned(), who.into());
                mapping::add_notice(&mut fields, found.notice.as_deref());
                fields
            })
        };
        match &found.person {
            Person::New => {
                mapping::part_new(&mut lead, brief, mapped);
                mapping::add_notice(&mut lead, found.notice.as_deref());
                vec![
                    Part::upsert("Lead", LEAD_KEY, &found.key, lead),
                    task("@{lead.id}"),
                ]
            }
            Person::Lead(existing) => {
                let missing = mapping::missing(existing, lead, brief, mapped, &found.key);
                let mut parts = Vec::new();
                if !missing.is_empty() {
                    parts.push(Part::update("Lead", existing.id(), missing));
                }
                parts.push(task(existing.id()));
                parts
            }
            Person::Other(id) => vec![task(id)],
        }
    }

    /// The org, described once for each version of the account's secret; pushes that come meanwhile wait for that.
    async fn org(&self, account: &Account) -> Result<Arc<Org>, PushError> {
        let described = async {
            let lead = self.api.describe(account, "Lead").await?;
            let task = self.api.describe(account, "Task").await?;
            Org::new(&lead, &task).map(Arc::new)
        };
        let org = self.orgs.try_get_with(org_key(account), described).await;
        org.map_err(|error: Arc<PushError>| PushError::clone(&error))
    }

    /// Looks by our key, by e-mail address, then by number and name. What has our key is another person's if its name
    /// clearly differs, and it has not the address.
    async fn find(&self, lead: &Lead<'_>, account: &Account) -> Result<Found, PushError> {
        let Lead { brief, mapped } = *lead;
        let read = mapping::read(mapped);
        let email = brief.email.as_ref().map(EmailAddress::as_str);
        let mut key = brief.person_key();
        let mut found = self.api.leads_by(account, &read, &key, email).await?;
        let has_address = |lead: &Record| {
            email.is_some_and(|email| lead.get("Email").eq_ignore_ascii_case(email))
        };
        let is_another =
            |lead: &Record| !has_address(lead) && names::is_another(brief, &mapping::name(lead));
        let mut anothers = Vec::new();
        if let Some(at) = found.iter().position(|lead| lead.get(LEAD_KEY) == key) {
            let by_key = found.remove(at);
            if !is_another(&by_key) {
                return Ok(Found::of(person(by_key), key));
            }
            anothers.push(by_key);
            key = names::own_key(brief);
            let own = self.api.leads_by(account, &read, &key, None).await?;
            if let Some(own) = own.into_iter().next() {
                return Ok(Found::of(person(own), key));
            }
        }
        if let Some(lead) = found.into_iter().find(has_address) {
            return Ok(Found::of(person(lead), key));
        }
        let Some(phone) = &brief.phone else {
            return Ok(Found::of(Person::New, key));
        };
        let found = self.api.leads_by_phone(account, &read, phone).await?;
        anothers.retain(|other| !found.iter().any(|found| found.id() == other.id()));
        anothers.extend(found);
        let holders: Vec<Record> = anothers
            .into_iter()
            .filter(|lead| mapping::has_phone(lead, phone))
            .collect();
        let count = holders.len();
        let fits = |lead: &Record| names::fits(brief, &mapping::name(lead), count == 1);
        Ok(match holders.into_iter().find(fits) {
            Some(lead) => Found::of(person(lead), key),
            None => Found {
                person: Person::New,
                key,
                notice: (count > 0)
                    .then(|| names::notice(brief, "lead", count))
                    .flatten(),
            },
        })
    }

    /// What the org's duplicate rules found, if the lead can be attached to it: it is nobody of another name.
    async fn attached(
        &self,
        lead: &Lead<'_>,
        account: &Account,
        id: String,
    ) -> Result<Option<Person>, PushError> {
        let read = mapping::read(lead.mapped);
        let found = self.api.lead(account, &read, &id).await?;
        let is_another = |found: &Record| {
            let email = lead.brief.email.as_ref().map(EmailAddress::as_str);
            let has_address =
                email.is_some_and(|email| found.get("Email").eq_ignore_ascii_case(email));
            !has_address && names::is_another(lead.brief, &mapping::name(found))
        };
        Ok(match found {
            Some(found) if is_another(&found) => None,
            Some(found) => Some(person(found)),
            None => Some(Person::Other(id)),
        })
    }

    async fn has_task(&self, brief: &Brief, account: &Account) -> Result<bool, PushError> {
        self.api.has_task(account, &brief.request.to_string()).await
    }

    async fn note_usage(&self, account: &Account, used_percent: Option<u64>) {
        let share = account.setting(API_SHARE).parse().unwrap_or(80);
        if used_percent.is_some_and(|used| used >= share) {
            self.spent.insert(org_key(account), ()).await;
        }
    }
}

/// A lead as whose a task is written: one that was converted is a contact by now.
fn person(lead: Record) -> Person {
    match lead.get("ConvertedContactId") {
        "" => Person::Lead(lead),
        contact => Person::Other(contact.to_owned()),
    }
}

impl Found {
    const fn of(person: Person, key: String) -> Self {
        Self {
            person,
            key,
            notice: None,
        }
    }
}

fn remote_ids(person: &Person, ids: &BTreeMap<String, String>) -> RemoteIds {
    let of = |reference: &str| ids.get(reference).cloned();
    let lead = of(LEAD).or_else(|| match person {
        Person::Lead(lead) => Some(lead.id().to_owned()),
        Person::Other(id) => Some(id.clone()),
        Person::New => None,
    });
    RemoteIds::default()
        .with(LEAD, lead.unwrap_or_default())
        .with(TASK, of(TASK).unwrap_or_default())
}

fn org_key(account: &Account) -> OrgKey {
    (account.tenant.clone(), account.held_by())
}

/// Says what of the settings cannot be right, when they are entered.
fn check(_: &SecretString, settings: &BTreeMap<String, String>) -> Vec<AccountFault> {
    let setting = |key: &str| settings.get(key).map_or("", String::as_str);
    let mut faults = Vec::new();
    if Duplicates::parse(setting(DUPLICATES)).is_none() {
        faults.push(AccountFault::of_setting(DUPLICATES, "attach, save or hold"));
    }
    let share = setting(API_SHARE);
    let is_percent = share
        .parse::<u64>()
        .is_ok_and(|share| (1..=100).contains(&share));
    if !share.is_empty() && !is_percent {
        faults.push(AccountFault::of_setting(
            API_SHARE,
            "a number from 1 to 100",
        ));
    }
    faults
}
