//! A tenant's versioned configuration: one table, which is only ever added to. Strict when it is written, lenient when it
//! is read: a field of a newer build must not stop the tenant in an older one.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use domain::{
    ConnectionName, Office, OfficeConfig, OfficeDetails, OfficeId, SourceId, Status, StoreError,
    TenantId, WorkflowConfig, says_the_same,
};
use jiff::Timestamp;
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;

use crate::{RequestFilter, Result, Source, SourceState, Store, stored};

/// What a configuration is of. The words are on the wire for ever. Rows of a kind that this build does not know stay as
/// they are: nothing asks for them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ConfigKind {
    /// An office: [`OfficeDetails`]. Named by the office's id.
    Office,
    /// What happens with an office's requests: [`WorkflowConfig`]. Named by the office's id.
    Workflow,
    /// The settings of a source of webhooks, in the shape that its provider's source declares. Named by the source's id.
    Source,
    /// What a source was in each of its versions, beside the row that says what it is: [`Source::as_version`]. Named by
    /// the source's id, and written with every change of it alone.
    SourceVersion,
    /// What stands in a CRM's fields, in the shape that connectors read. Named by the connection.
    Mapping,
}

impl ConfigKind {
    /// Every kind.
    pub const ALL: [Self; 5] = [
        Self::Office,
        Self::Workflow,
        Self::Source,
        Self::SourceVersion,
        Self::Mapping,
    ];

    /// As it is stored and shown.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Office => "office",
            Self::Workflow => "workflow",
            Self::Source => "source",
            Self::SourceVersion => "source_version",
            Self::Mapping => "mapping",
        }
    }

    /// Reads [`ConfigKind::as_str`]; `None` for a word that this build does not know.
    pub fn from_stored(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text)
    }

    /// A configuration as it is read and shown: with the defaults in place of what it leaves out, where this crate knows
    /// them.
    pub fn as_read(self, json: &Value) -> Value {
        match self {
            Self::Office => OfficeDetails::with_defaults(json),
            Self::Workflow => WorkflowConfig::with_defaults(json),
            Self::Source | Self::SourceVersion | Self::Mapping => json.clone(),
        }
    }

    /// How long it may be, where only others know its shape.
    const fn max_bytes(self) -> usize {
        match self {
            Self::Mapping => MAX_MAPPING,
            Self::Office | Self::Workflow | Self::Source | Self::SourceVersion => {
                MAX_SOURCE_SETTINGS
            }
        }
    }

    /// Checks a configuration before it is stored. Of a source's settings and of a mapping it is checked that they are an
    /// object of bearable size: only the source and the connector know their shape, and whoever saves them asks those.
    fn check(self, name: &str, json: &Value) -> Result<()> {
        let refused = |error: &dyn std::fmt::Display| StoreError::Conflict(error.to_string());
        match self {
            Self::Office | Self::Workflow => name
                .parse::<OfficeId>()
                .map(drop)
                .map_err(|error| refused(&error))?,
            Self::Source | Self::SourceVersion => name
                .parse::<SourceId>()
                .map(drop)
                .map_err(|error| refused(&error))?,
            Self::Mapping => ConnectionName::new(name)
                .map(drop)
                .map_err(|error| refused(&error))?,
        }
        let checked = match self {
            Self::Office => OfficeDetails::read(&without_mark(json)).map(drop),
            Self::Workflow => WorkflowConfig::read(json).map(drop),
            Self::Source | Self::Mapping
                if json.is_object() && json.to_string().len() <= self.max_bytes() =>
            {
                return Ok(());
            }
            Self::SourceVersion => {
                return Err(refused(&"a source's versions follow from its changes"));
            }
            Self::Source | Self::Mapping => {
                return Err(refused(&format_args!(
                    "{} an object of at most {} bytes",
                    match self {
                        Self::Mapping => "a field mapping is",
                        _ => "a source's settings are",
                    },
                    self.max_bytes()
                )));
            }
        };
        checked.map_err(|error| refused(&error))
    }
}

/// Where requests are that something is still to be done for, or decided about.
const UNDER_WAY: [Status; 5] = [
    Status::Received,
    Status::Processing,
    Status::InReview,
    Status::Held,
    Status::Parked,
];

/// The longest settings of a source, in bytes as JSON.
const MAX_SOURCE_SETTINGS: usize = 64 * 1024;
/// The longest mapping of a connection, in bytes as JSON.
const MAX_MAPPING: usize = 256 * 1024;

/// The mark of an office that was removed. What it was stays beside it: its requests go on as it said.
const REMOVED: &str = "is_removed";

/// An office as it was described, without the mark.
fn without_mark(json: &Value) -> Value {
    let mut json = json.clone();
    if let Some(fields) = json.as_object_mut() {
        fields.remove(REMOVED);
    }
    json
}

/// One version of a configuration.
#[derive(Debug, Clone, PartialEq)]
pub struct Config {
    /// Whose it is.
    pub tenant: TenantId,
    /// What it is of.
    pub kind: ConfigKind,
    /// Its name, unique among those of its kind.
    pub name: String,
    /// From 1, growing by one with every change.
    pub version: u64,
    /// The configuration itself.
    pub json: Value,
    /// Who wrote this version.
    pub author: String,
    /// Why, in their words.
    pub note: String,
    /// When.
    pub created_at: Timestamp,
}

/// A configuration to be written.
#[derive(Debug, Clone, PartialEq)]
pub struct NewConfig {
    /// Whose it is.
    pub tenant: TenantId,
    /// What it is of.
    pub kind: ConfigKind,
    /// Its name: 1 to 128 characters.
    pub name: String,
    /// The configuration itself.
    pub json: Value,
    /// The version that it changes, as its author saw it: 0 for one that is not there. `None`: whatever is there.
    pub expected: Option<u64>,
    /// Why, in the author's words; may be empty.
    pub note: String,
}

/// What a store looks up before it writes a configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asked {
    /// Nothing.
    Nothing,
    /// The tenant's offices and sources, and how many [requests are under way](NewConfig::requests_under_way), for
    /// [`NewConfig::check_removal`].
    WhatLeadsToIt,
    /// The office, for [`NewConfig::check_office`].
    Office,
}

impl NewConfig {
    /// Longest name, in characters.
    pub const MAX_NAME: usize = 128;

    /// Checks what can be checked without knowing what is there. It takes time, so it is done outside of transactions.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] if the configuration is not valid.
    pub fn check(&self) -> Result<()> {
        if !(1..=Self::MAX_NAME).contains(&self.name.chars().count()) {
            let reason = "the name must have 1 to 128 characters".to_owned();
            return Err(StoreError::Conflict(reason));
        }
        self.kind.check(&self.name, &self.json)
    }

    /// What must be known of the tenant before it is written: asked for in the transaction that writes it, because an office
    /// may be removed, and a source led to it, at the same moment.
    pub fn asks(&self) -> Asked {
        match self.kind {
            ConfigKind::Office if self.json[REMOVED] == true => Asked::WhatLeadsToIt,
            ConfigKind::Workflow => Asked::Office,
            ConfigKind::Office
            | ConfigKind::Source
            | ConfigKind::SourceVersion
            | ConfigKind::Mapping => Asked::Nothing,
        }
    }

    /// The requests of an office for which something is still to be done, or decided about.
    pub fn requests_under_way(&self) -> Option<RequestFilter> {
        Some(RequestFilter {
            statuses: UNDER_WAY.to_vec(),
            office: Some(self.name.parse().ok()?),
            ..RequestFilter::default()
        })
    }

    /// Checks the removal of an office, beside these offices and sources of its tenant, and so many of its requests under
    /// way.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when it is the last office, a source leads to it, or a request of it is under way.
    pub fn check_removal(
        &self,
        offices: &[Config],
        sources: &[Source],
        under_way: u32,
    ) -> Result<()> {
        let others = offices.iter().filter(|office| office.name != self.name);
        if others.into_iter().all(Config::is_removed) {
            return Err(StoreError::Conflict(
                "it is the tenant's only office: add another one first".to_owned(),
            ));
        }
        let leads_here = |source: &Source| {
            let office = source.office.map(|office| office.to_string());
            office.as_ref() == Some(&self.name) && source.state == SourceState::Active
        };
        if let Some(source) = sources.iter().find(|source| leads_here(source)) {
            return Err(StoreError::Conflict(format!(
                "the source {} leads to the office: give it another office, or disable it, first",
                source.id
            )));
        }
        if under_way > 0 {
            return Err(StoreError::Conflict(format!(
                "requests of it are under way, {under_way} in all: let them end, decide about those in review, and redrive \
                 what is parked or held; then remove it"
            )));
        }
        Ok(())
    }

    /// Checks that what is configured of an office is not of one that was removed.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when it was.
    pub fn check_office(office: Option<&Config>) -> Result<()> {
        if office.is_some_and(Config::is_removed) {
            return Err(StoreError::Conflict("the office was removed".to_owned()));
        }
        Ok(())
    }

    /// The version that follows the newest, `known`, or `None` if it would be read as the same.
    ///
    /// # Errors
    /// [`StoreError::Outdated`] if its author saw another version.
    pub fn after(
        &self,
        known: Option<&Config>,
        author: &str,
        now: Timestamp,
    ) -> Result<Option<Config>> {
        let version = known.map_or(0, |known| known.version);
        if self.expected.is_some_and(|expected| expected != version) {
            return Err(StoreError::Outdated { current: version });
        }
        let read = |json: &Value| self.kind.as_read(json);
        if known.is_some_and(|known| says_the_same(&read(&known.json), &read(&self.json))) {
            return Ok(None);
        }
        Ok(Some(Config {
            tenant: self.tenant.clone(),
            kind: self.kind,
            name: self.name.clone(),
            version: version + 1,
            json: self.json.clone(),
            author: author.to_owned(),
            note: self.note.clone(),
            created_at: now,
        }))
    }
}

impl Config {
    fn read<T: DeserializeOwned>(&self) -> Result<T> {
        T::deserialize(&self.json).map_err(|_| {
            let Self { kind, name, .. } = self;
            let what = format!("version {} of {} `{name}`", self.version, kind.as_str());
            stored::corrupt(&what, "another shape")
        })
    }

    /// Whether it is of an office that was removed.
    pub fn is_removed(&self) -> bool {
        self.kind == ConfigKind::Office && self.json[REMOVED] == true
    }

    /// The same as the version that removes the office.
    pub fn removed(&self) -> Value {
        let mut json = self.json.clone();
        if let Some(fields) = json.as_object_mut() {
            fields.insert(REMOVED.to_owned(), Value::Bool(true));
        }
        json
    }

    /// The office that it describes.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] if this build cannot read it.
    pub fn details(&self) -> Result<OfficeDetails> {
        self.read()
    }

    /// Whether it says the same as `value`, as far as this build can read it.
    pub(crate) fn says<T: DeserializeOwned + PartialEq>(&self, value: &T) -> bool {
        self.read::<T>().is_ok_and(|read| read == *value)
    }
}

/// The settings of a source, as they were saved last; an empty object where nobody has saved any.
///
/// # Errors
/// Those of [`Store::config`].
pub async fn source_settings(
    store: &dyn Store,
    tenant: &TenantId,
    source: SourceId,
) -> Result<Value> {
    let name = source.to_string();
    let found = store
        .config(tenant, ConfigKind::Source, &name, None)
        .await?;
    Ok(found.map_or_else(|| Value::Object(serde_json::Map::new()), |found| found.json))
}

/// A value as a configuration.
pub(crate) fn json(value: &impl Serialize) -> Result<Value> {
    serde_json::to_value(value)
        .map_err(|error| stored::corrupt("a configuration cannot be written", error))
}

/// The office that a request belongs to whose source names `named`: that one, also if it was removed since; else the
/// tenant's first that was not. `offices` are as [`Store::configs`] lists them.
pub fn office_of(offices: &[Config], named: Option<OfficeId>) -> Option<&Config> {
    let name = named.map(|id| id.to_string());
    offices
        .iter()
        .find(|office| Some(&office.name) == name.as_ref())
        .or_else(|| offices.iter().find(|office| !office.is_removed()))
}

/// The configuration that applies to an office's requests. `offices` and `workflows` are the newest of the tenant's
/// configurations, as [`Store::configs`] lists them. Without any office, the defaults apply.
///
/// # Errors
/// [`StoreError::Corrupt`] if this build cannot read it: the office's requests wait for a build that can.
pub fn office_config(
    tenant_name: String,
    offices: &[Config],
    workflows: &[Config],
    office: Option<OfficeId>,
) -> Result<OfficeConfig> {
    let Some(chosen) = office_of(offices, office) else {
        return Ok(OfficeConfig {
            tenant_name,
            ..OfficeConfig::default()
        });
    };
    let office = read_office(chosen, workflows)?;
    Ok(OfficeConfig {
        tenant_name,
        time_zone: office.time_zone,
        workflow: office.config,
        version: office.config_version,
    })
}

/// The offices that were not removed and that this build can read.
pub(crate) fn read_offices(offices: &[Config], workflows: &[Config]) -> Result<Vec<Office>> {
    let mut read = Vec::new();
    for config in offices.iter().filter(|office| !office.is_removed()) {
        let name = || config.name.clone();
        read.extend(stored::readable(
            "configs",
            name,
            read_office(config, workflows),
        )?);
    }
    Ok(read)
}

fn read_office(config: &Config, workflows: &[Config]) -> Result<Office> {
    let OfficeDetails {
        name,
        address,
        time_zone,
        ..
    } = config.details()?;
    let workflow = workflows
        .iter()
        .find(|workflow| workflow.name == config.name);
    Ok(Office {
        id: config
            .name
            .parse()
            .map_err(|error| stored::corrupt("an office's id", error))?,
        tenant: config.tenant.clone(),
        name,
        address,
        time_zone,
        config: workflow.map_or_else(|| Ok(WorkflowConfig::default()), Config::read)?,
        config_version: workflow.map_or(0, |workflow| workflow.version),
    })
}

type Key = (TenantId, Option<OfficeId>);

/// Configurations in memory, by tenant and office. What this process writes empties it.
#[derive(Debug)]
pub struct ConfigCache {
    max_age: Duration,
    configs: Mutex<HashMap<Key, (Arc<OfficeConfig>, Instant)>>,
}

impl ConfigCache {
    /// A cache that is empty. For `max_age` another process's change may stay unseen.
    pub fn new(max_age: Duration) -> Self {
        Self {
            max_age,
            configs: Mutex::default(),
        }
    }

    /// The configuration of an office, if it was kept a short time ago.
    pub fn get(&self, tenant: &TenantId, office: Option<OfficeId>) -> Option<Arc<OfficeConfig>> {
        let configs = self.lock();
        let (config, read_at) = configs.get(&(tenant.clone(), office))?;
        (read_at.elapsed() < self.max_age).then(|| config.clone())
    }

    /// Keeps a configuration that was read at `read_at`, before its reading began.
    pub fn keep(
        &self,
        tenant: &TenantId,
        office: Option<OfficeId>,
        read_at: Instant,
        config: OfficeConfig,
    ) -> Arc<OfficeConfig> {
        let config = Arc::new(config);
        let key = (tenant.clone(), office);
        self.lock().insert(key, (config.clone(), read_at));
        config
    }

    /// Forgets everything.
    pub fn clear(&self) {
        self.lock().clear();
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Key, (Arc<OfficeConfig>, Instant)>> {
        self.configs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
