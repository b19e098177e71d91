//! Calls of the API that their callers named, so that a repeat is answered as the first was.

use std::time::Duration;

use async_trait::async_trait;
use domain::{TenantId, later};
use jiff::Timestamp;
use sha2::{Digest, Sha256};

use crate::Result;

/// How long a call is remembered.
pub const KEPT_FOR: Duration = Duration::from_secs(24 * 3_600);
/// How long a call that has no answer yet keeps its repeats waiting: its process may have died.
const RUNS_FOR: Duration = Duration::from_secs(60);

/// Remembering calls by their `Idempotency-Key`.
#[async_trait]
pub trait Calls: Send + Sync {
    /// Begins a call, unless it was begun before; forgets some that are too old.
    async fn begin_call_across_tenants(&self, call: &Call) -> Result<Begun>;

    /// Keeps the answer of a call that was begun. Without one the call is forgotten: a repeat begins anew.
    async fn end_call_across_tenants(&self, call: &Call, answer: Option<&CallAnswer>)
    -> Result<()>;
}

/// A call that its caller named.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// Whose; none for one that is about no tenant.
    pub tenant: Option<TenantId>,
    /// Whom it is of and what it is called, hashed.
    pub id: [u8; 32],
    /// What it asks for, hashed.
    pub request: [u8; 32],
}

impl Call {
    /// A call by `subject` under `key`, which asks for `request`: its method, path and body.
    pub fn new(tenant: Option<TenantId>, subject: &str, key: &str, request: &[&[u8]]) -> Self {
        let id = hash(&[subject.as_bytes(), key.as_bytes()]);
        Self {
            tenant,
            id,
            request: hash(request),
        }
    }

    /// The tenant, as tables have it.
    pub fn tenant_column(&self) -> &str {
        self.tenant.as_ref().map_or("", TenantId::as_str)
    }
}

/// SHA-256 of these parts; where one ends is part of it.
pub(crate) fn hash(parts: &[&[u8]]) -> [u8; 32] {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
        hash.update(part);
    }
    hash.finalize().into()
}

/// What a store says of a call that begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Begun {
    /// It is the first of this name.
    Now,
    /// One of this name and content has ended.
    Before(CallAnswer),
    /// One of this name and content is still running.
    Running,
    /// One of this name had another content.
    Other,
}

/// What a call was answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CallAnswer {
    /// A repeat is answered the same.
    Kept {
        /// The status.
        status: u16,
        /// The media type.
        content_type: String,
        /// Where the thing is that was made, if the answer said so.
        location: Option<String>,
        /// Its version, if the answer said so.
        etag: Option<String>,
        /// The body.
        body: Vec<u8>,
    },
    /// It held a secret, or was too long, and is not kept.
    NotKept,
    /// Whatever the call creates tells a repeat by itself.
    Itself,
}

/// A call as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredCall {
    /// What it asked for, hashed.
    pub request: Vec<u8>,
    /// When it began.
    pub started_at: Timestamp,
    /// Its answer, once it has ended.
    pub answer: Option<CallAnswer>,
}

impl StoredCall {
    /// What it means for a call of the same name.
    pub fn begun(known: Option<Self>, call: &Call, now: Timestamp) -> Begun {
        let Some(known) = known.filter(|known| later(known.started_at, KEPT_FOR) > now) else {
            return Begun::Now;
        };
        match known.answer {
            _ if known.request != call.request => Begun::Other,
            Some(answer) => Begun::Before(answer),
            None if later(known.started_at, RUNS_FOR) > now => Begun::Running,
            None => Begun::Now,
        }
    }
}

/// The columns of a call that its answer takes.
#[derive(Debug, Default)]
pub struct AnswerColumns<'a> {
    /// The answer's kind.
    pub state: &'static str,
    /// Of a kept one.
    pub status: Option<i64>,
    /// Of a kept one.
    pub content_type: Option<&'a str>,
    /// Of a kept one.
    pub location: Option<&'a str>,
    /// Of a kept one.
    pub etag: Option<&'a str>,
    /// Of a kept one.
    pub body: Option<&'a [u8]>,
}

impl CallAnswer {
    /// What [`rows::call`](crate::rows::call) reads as this answer.
    pub fn columns(answer: &Self) -> AnswerColumns<'_> {
        let mut columns = AnswerColumns::default();
        match answer {
            Self::NotKept => columns.state = "not_kept",
            Self::Itself => columns.state = "itself",
            Self::Kept {
                status,
                content_type,
                location,
                etag,
                body,
            } => {
                columns.state = "kept";
                columns.status = Some((*status).into());
                columns.content_type = Some(content_type);
                columns.location = location.as_deref();
                columns.etag = etag.as_deref();
                columns.body = Some(body);
            }
        }
        columns
    }
}
