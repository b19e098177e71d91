//! What people changed: an entry for each change, written in its transaction, in a chain that shows tampering.

use domain::{AuditId, TenantId};
use jiff::Timestamp;
use sha2::{Digest, Sha256};

use crate::IdRange;

/// Who does what to what, as the caller of a change says it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditAction {
    /// The subject of their token, or the name of the program that acts by itself.
    pub actor: String,
    /// What is done, `{object}.{verb}`: `work.redrive`.
    pub action: &'static str,
    /// What it is done to: an id or a name.
    pub object: String,
    /// What else is worth knowing, as a sentence. Never a secret or personal data.
    pub detail: String,
    /// The version of the object that it makes, where the caller knows it. It is told to whoever watches, and not part of
    /// the entry.
    pub version: Option<u64>,
}

impl AuditAction {
    /// An act that says no more than who did what to what.
    pub fn new(
        actor: impl Into<String>,
        action: &'static str,
        object: &(impl ToString + ?Sized),
    ) -> Self {
        Self {
            actor: actor.into(),
            action,
            object: object.to_string(),
            detail: String::new(),
            version: None,
        }
    }

    /// With a sentence of detail.
    #[must_use]
    pub fn saying(mut self, detail: impl Into<String>) -> Self {
        self.detail = detail.into();
        self
    }

    /// With the version that it makes.
    #[must_use]
    pub const fn making(mut self, version: u64) -> Self {
        self.version = Some(version);
        self
    }
}

/// An entry of a tenant's audit log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditEntry {
    /// Its id; in order of time.
    pub id: AuditId,
    /// Whose log it is in.
    pub tenant: TenantId,
    /// When.
    pub at: Timestamp,
    /// Who.
    pub actor: String,
    /// What was done.
    pub action: String,
    /// To what.
    pub object: String,
    /// What else is worth knowing.
    pub detail: String,
    /// Hash of the entry before it in the tenant's log; empty for the first.
    pub previous: String,
    /// SHA-256 over all of the above, in hexadecimal.
    pub hash: String,
}

/// Which entries of a tenant's audit log to list: those that agree with everything that is given.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AuditQuery {
    /// Who.
    pub actor: Option<String>,
    /// What was done.
    pub action: Option<String>,
    /// To what.
    pub object: Option<String>,
    /// Only those of then or later.
    pub from: Option<Timestamp>,
    /// Only those of before.
    pub to: Option<Timestamp>,
    /// At most so many, 1 to 200.
    pub limit: u32,
    /// Only older ones than this: the last of the page before.
    pub before: Option<AuditId>,
}

impl AuditQuery {
    /// The newest entries, whatever they say.
    pub fn newest(limit: u32) -> Self {
        Self {
            limit,
            ..Self::default()
        }
    }

    /// The columns of `audit_log` that must have a value, and the value.
    pub fn columns(&self) -> impl Iterator<Item = (&'static str, &String)> {
        [
            ("actor", &self.actor),
            ("action", &self.action),
            ("object", &self.object),
        ]
        .into_iter()
        .filter_map(|(column, value)| Some((column, value.as_ref()?)))
    }

    /// The index, of either store, that holds a tenant's entries with these values next to each other, in their order;
    /// `None` for the table itself.
    pub fn index(&self) -> Option<String> {
        let columns: Vec<_> = self.columns().map(|(column, _)| column).collect();
        (!columns.is_empty()).then(|| format!("audit_log_by_{}", columns.join("_and_")))
    }

    /// Where a walk begins and ends.
    pub fn ids(&self) -> IdRange {
        let before = self.before.map(|before| before.to_string());
        IdRange::of(AuditId::PREFIX, self.from, self.to, before)
    }
}

impl AuditEntry {
    /// The entry that follows `previous`, the hash of the log's last one.
    pub fn new(
        id: AuditId,
        tenant: &TenantId,
        at: Timestamp,
        act: &AuditAction,
        previous: Option<String>,
    ) -> Self {
        let mut entry = Self {
            id,
            tenant: tenant.clone(),
            at,
            actor: act.actor.clone(),
            action: act.action.to_owned(),
            object: act.object.clone(),
            detail: act.detail.clone(),
            previous: previous.unwrap_or_default(),
            hash: String::new(),
        };
        entry.hash = entry.own_hash();
        entry
    }

    /// Whether the entry is as it was written, and follows `before`.
    pub fn follows(&self, before: Option<&Self>) -> bool {
        self.previous == before.map_or("", |before| &before.hash) && self.hash == self.own_hash()
    }

    fn own_hash(&self) -> String {
        let mut hash = Sha256::new();
        for part in [
            &self.id.to_string(),
            self.tenant.as_str(),
            &self.at.as_microsecond().to_string(),
            &self.actor,
            &self.action,
            &self.object,
            &self.detail,
            &self.previous,
        ] {
            hash.update(u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
            hash.update(part);
        }
        hex::encode(hash.finalize())
    }
}
