//! What a map said of addresses, so that it is not asked twice.

use std::{fmt, time::Duration};

use async_trait::async_trait;
use domain::{MapAddress, MapAnswer, TenantId};
use jiff::Timestamp;
use sha2::{Digest as _, Sha256};

use crate::{Result, rows::Row};

/// How long coordinates are kept. Google allows 30 days, and Spanner takes up to three to remove a row.
///
/// Source: Google Maps Platform, service specific terms, "Caching" (read 2026-11).
const COORDINATES_KEPT_FOR: Duration = Duration::from_secs(25 * 24 * 3_600);
/// How long it is kept that an address leads nowhere: maps are amended.
const NOTHING_KEPT_FOR: Duration = Duration::from_secs(24 * 3_600);

/// Remembering what a map said.
#[async_trait]
pub trait Places: Send + Sync {
    /// What a map said of an address, unless that is too old by now.
    async fn place(&self, tenant: &TenantId, key: &PlaceKey) -> Result<Option<MapAnswer>>;

    /// Keeps what a map said of an address, in place of what it said before; forgets some of what is too old.
    async fn keep_place(&self, tenant: &TenantId, key: &PlaceKey, answer: &MapAnswer)
    -> Result<()>;
}

/// The hash of an address. Ways of writing one address have one.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct PlaceKey([u8; 32]);

impl PlaceKey {
    /// The hash of an address.
    pub fn of(address: &MapAddress) -> Self {
        Self(Sha256::digest(address.normalized()).into())
    }

    /// The hash's bytes.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for PlaceKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PlaceKey(redacted)")
    }
}

/// Until when an answer is kept.
pub fn kept_until(answer: &MapAnswer, now: Timestamp) -> Timestamp {
    let kept_for = match answer {
        MapAnswer::Found { .. } => COORDINATES_KEPT_FOR,
        MapAnswer::Doubtful | MapAnswer::NotFound => NOTHING_KEPT_FOR,
    };
    domain::later(now, kept_for)
}

/// The answer of a row: none if it is too old, or of a newer build, for then the map is asked again.
pub fn answer(row: &dyn Row, now: Timestamp) -> Result<Option<MapAnswer>> {
    if row.time("kept_until")? <= now {
        return Ok(None);
    }
    Ok(serde_json::from_str(&row.text("answer")?).ok())
}
