//! Tenants, their offices, and the typed configuration that drives a request through the workflow.

use std::{borrow::Cow, fmt, time::Duration};

use serde::{Deserialize, Deserializer, Serialize};

use crate::{
    ConnectionName, EmailAddress, OfficeId, RequiredField, RetryPolicy, ServiceArea, TenantId,
    words::words,
};

/// A remodeling company.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tenant {
    /// Its slug.
    pub id: TenantId,
    /// Its name, as people read it.
    pub name: String,
    /// Whether its webhooks are taken.
    pub status: TenantStatus,
}

words! {
    /// Whether a tenant takes part.
    pub enum TenantStatus ("a tenant's status") {
        /// Webhooks are accepted.
        Active => "active",
        /// Webhooks are refused as if the tenant did not exist.
        Suspended => "suspended",
    }
}

/// One office of a tenant, with its own configuration.
#[derive(Debug, Clone, PartialEq)]
pub struct Office {
    /// Its id.
    pub id: OfficeId,
    /// The tenant that it belongs to.
    pub tenant: TenantId,
    /// Its name, as people read it.
    pub name: String,
    /// Where it stands, in one line.
    pub address: String,
    /// IANA name: `America/Chicago`.
    pub time_zone: String,
    /// What happens with this office's requests.
    pub config: WorkflowConfig,
    /// Grows by one with every change of `config`; recorded on each request.
    pub config_version: u64,
}

/// What happens with an office's requests. Strict when it is written ([`WorkflowConfig::read`]), lenient when it is read
/// ([`WorkflowConfig::from_stored`]): a field of a newer build must not stop the tenant in an older one.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct WorkflowConfig {
    /// Where the company works. Empty: everywhere.
    pub service_area: ServiceArea,
    /// From which likelihood on a request is held back as spam.
    pub spam: SpamThresholds,
    /// The CRMs that get each qualified request.
    pub destinations: Vec<Destination>,
    /// Who is told of a qualified request.
    pub notifications: NotificationRules,
    /// How failed steps are tried again.
    pub retry: RetryPolicy,
    /// How long a recording is waited for.
    pub recording: RecordingPolicy,
    /// Which requests are taken for one person's.
    pub links: LinkPolicy,
    /// The fields that the company wants of every lead. One that is missing is told, and the lead goes on.
    #[serde(deserialize_with = "known_fields")]
    pub required_fields: Vec<RequiredField>,
    /// When a chat is judged.
    pub chat: ChatPolicy,
    /// When texts are judged.
    pub texts: ChatPolicy,
    /// What becomes of the files of forms.
    pub documents: DocumentPolicy,
}

/// What becomes of the files of forms, beside being kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct DocumentPolicy {
    /// Who reads them. None: nobody, or a reader of a newer build.
    #[serde(deserialize_with = "known_reader")]
    pub read_by: Option<DocumentReader>,
}

words! {
    /// Who reads a file. Which processor that is says the installation.
    pub enum DocumentReader ("a reader of documents") {
        /// Document AI's form parser: labels and what stands beside them, of any form.
        FormParser => "form_parser",
        /// A custom extractor of Document AI's, which knows the fields of the company's own forms.
        Extractor => "extractor",
    }
}

fn known_reader<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<DocumentReader>, D::Error> {
    let word = Option::<Cow<'de, str>>::deserialize(deserializer)?;
    Ok(word.and_then(|word| DocumentReader::from_word(&word)))
}

/// A field of a newer build is none that this one can ask for.
fn known_fields<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Vec<RequiredField>, D::Error> {
    let words = Vec::<Cow<'de, str>>::deserialize(deserializer)?;
    let known = words
        .iter()
        .filter_map(|word| RequiredField::from_word(word));
    Ok(known.collect())
}

/// Which requests are linked as one person's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct LinkPolicy {
    /// How many days two requests may be apart. 0: none are linked.
    pub window_days: u32,
}

impl Default for LinkPolicy {
    fn default() -> Self {
        Self { window_days: 7 }
    }
}

impl LinkPolicy {
    /// How far two requests may be apart.
    pub const fn window(self) -> Duration {
        Duration::from_secs(self.window_days as u64 * 24 * 60 * 60)
    }
}

/// Spam likelihoods, in percent, at which a request leaves the straight way.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct SpamThresholds {
    /// From here on, inclusive, a person decides.
    pub review_from: f64,
    /// Above this, exclusive, the request is quarantined.
    pub quarantine_above: f64,
}

impl Default for SpamThresholds {
    fn default() -> Self {
        Self {
            review_from: 50.0,
            quarantine_above: 85.0,
        }
    }
}

/// One CRM that gets requests.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Destination {
    /// The connector's slug: `hubspot`.
    pub connector: String,
    /// Whose credentials are used.
    pub connection: ConnectionName,
}

/// Who is told, and how.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct NotificationRules {
    /// E-mail recipients; each gets a message of its own.
    pub email: Vec<EmailAddress>,
    /// The sender: an address that the e-mail provider has verified. Without one no e-mail is sent.
    pub from: Option<EmailAddress>,
    /// The sender's name as mail programs show it. Default: the tenant's name.
    pub from_name: Option<String>,
    /// The connection that the e-mail leaves by. `None`: the tenant's first connection, by name, to a provider that
    /// carries e-mail.
    pub connection: Option<ConnectionName>,
    /// Who is told by another way than e-mail; each gets a message of its own.
    pub channels: Vec<ChannelRecipient>,
    /// How long a mail whose answer was lost is waited for before it is sent once more, in seconds.
    pub unknown_wait_seconds: u64,
}

/// A recipient that is no e-mail address: a channel of a team's chat.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChannelRecipient {
    /// The provider's slug, as `notify::CHANNELS` has it.
    pub channel: String,
    /// Whose credentials are used.
    pub connection: ConnectionName,
    /// The provider's id of where the message goes. `None`: where the connection leads by itself.
    #[serde(default)]
    pub to: Option<String>,
    /// Whether the lead's telephone number and e-mail address are shown whole.
    #[serde(default)]
    pub shows_contact: bool,
}

impl ChannelRecipient {
    /// Whether both lead to the same place.
    pub fn is_same_place(&self, other: &Self) -> bool {
        (&self.channel, &self.connection, &self.to)
            == (&other.channel, &other.connection, &other.to)
    }
}

impl fmt::Display for ChannelRecipient {
    /// How people are told of it: the connection, and the place where one is named.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.to {
            Some(to) => write!(f, "{}/{to}", self.connection),
            None => write!(f, "{}", self.connection),
        }
    }
}

impl NotificationRules {
    /// Whether anybody is told.
    pub fn has_recipients(&self) -> bool {
        !(self.email.is_empty() && self.channels.is_empty())
    }
}

impl Default for NotificationRules {
    fn default() -> Self {
        Self {
            email: Vec::new(),
            from: None,
            from_name: None,
            connection: None,
            channels: Vec::new(),
            unknown_wait_seconds: 600,
        }
    }
}

/// How long a recording is waited for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct RecordingPolicy {
    /// The pauses between attempts, in seconds. After the last one the call goes on without its recording.
    pub wait_seconds: Vec<u64>,
}

impl Default for RecordingPolicy {
    fn default() -> Self {
        Self {
            wait_seconds: vec![30, 60, 120, 300, 600, 1200],
        }
    }
}

/// When a chat is judged: after a pause, not after each message. A chat that is closed is judged at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ChatPolicy {
    /// How long nobody has to have written, in seconds.
    pub quiet_seconds: u64,
    /// The longest time from the first message that was not judged, in seconds, however much is written meanwhile.
    pub longest_seconds: u64,
}

impl Default for ChatPolicy {
    fn default() -> Self {
        Self {
            quiet_seconds: 60,
            longest_seconds: 600,
        }
    }
}

impl ChatPolicy {
    pub(crate) const fn quiet(&self) -> Duration {
        Duration::from_secs(self.quiet_seconds)
    }

    pub(crate) const fn longest(&self) -> Duration {
        Duration::from_secs(self.longest_seconds)
    }
}

impl RecordingPolicy {
    /// The pause before the next attempt, after `waits` attempts. `None` when it is time to go on without.
    pub fn wait(&self, waits: u32) -> Option<Duration> {
        self.wait_seconds
            .get(usize::try_from(waits).unwrap_or(usize::MAX))
            .copied()
            .map(Duration::from_secs)
    }
}

impl WorkflowConfig {
    /// Reads a configuration that was checked when it was stored, perhaps by a newer build: fields that this build does
    /// not have are ignored.
    ///
    /// # Errors
    /// What makes it unreadable.
    pub fn from_stored(json: &str) -> Result<Self, serde_json::Error> {
        serde_json::from_str(json)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_configuration_has_the_defaults() {
        let config = WorkflowConfig::parse("{}").unwrap();
        assert_eq!(config, WorkflowConfig::default());
        assert_eq!(config.recording.wait(0), Some(Duration::from_secs(30)));
        assert_eq!(config.recording.wait(6), None);
    }

    #[test]
    fn an_unknown_field_is_refused_when_written_only() {
        let json = r#"{"spma":{},"spam":{"review_from":40,"model":"new"},"service_area":{"cities":[{"name":"Austin","state":"TX","zone":1}]}}"#;
        let error = WorkflowConfig::parse(json).unwrap_err();
        for path in ["spma", "spam.model", "service_area.cities.0.zone"] {
            let is_named = error.faults.iter().any(|fault| fault.path == path);
            assert!(is_named, "{path} is not named: {error}");
        }
        let read = WorkflowConfig::from_stored(json).unwrap();
        assert_eq!(read.spam.review_from, 40.0);
        assert_eq!(read.service_area.cities.len(), 1);
    }
}
