//! The record of outside effects.

use std::time::Duration;

use domain::{Claim, EffectEnd, EffectKey, Intent, StoreError, TenantId};
use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, params};

use crate::{
    rows::{self, get, micros, store_error},
    work,
};

type Result<T> = std::result::Result<T, StoreError>;

/// How far past a call's deadline the lease reaches.
const LEASE_MARGIN: Duration = Duration::from_secs(10);

struct Effect {
    state: String,
    intended_at: Timestamp,
    attempts: u32,
    remote_id: Option<String>,
}

fn one(db: &Connection, tenant: &TenantId, key: &EffectKey) -> Result<Option<Effect>> {
    db.prepare_cached(
        "SELECT state, intended_at, attempts, remote_id FROM effects WHERE tenant_id = ?1 AND effect_key = ?2",
    )
    .map_err(store_error)?
    .query_row(params![tenant.as_str(), key.as_str()], |row| {
        Ok((|| {
            Ok(Effect {
                state: get(row, "state")?,
                intended_at: rows::time(row, "intended_at")?,
                attempts: rows::small(row, "attempts")?,
                remote_id: get(row, "remote_id")?,
            })
        })())
    })
    .optional()
    .map_err(store_error)?
    .transpose()
}

/// Writes an effect down as intended. One that is intended already is begun again only where `again` says that its
/// absence was seen.
pub(crate) fn intend(
    db: &Connection,
    now: Timestamp,
    claim: &Claim,
    key: &EffectKey,
    call_deadline: Duration,
    again: bool,
) -> Result<Intent> {
    if !work::renew(db, now, claim, call_deadline + LEASE_MARGIN)? {
        return Ok(Intent::Stale);
    }
    let tenant = &claim.key.tenant;
    let attempts = match one(db, tenant, key)? {
        Some(Effect {
            state, remote_id, ..
        }) if state == "done" => {
            return Ok(Intent::Done {
                remote_id: remote_id.unwrap_or_default(),
            });
        }
        Some(Effect {
            state,
            intended_at,
            attempts,
            ..
        }) if state == "intended" && !again => {
            return Ok(Intent::Unknown {
                intended_at,
                attempts,
            });
        }
        // A refused attempt did nothing outside: it does not count.
        Some(effect) if effect.state == "refused" => effect.attempts.saturating_sub(1),
        Some(effect) => effect.attempts,
        None => 0,
    };
    db.prepare_cached(
        "INSERT OR REPLACE INTO effects (tenant_id, effect_key, owner, state, intended_at, attempts, remote_id) \
         VALUES (?1, ?2, ?3, 'intended', ?4, ?5, NULL)",
    )
    .map_err(store_error)?
    .execute(params![
        tenant.as_str(),
        key.as_str(),
        owner(claim),
        micros(now),
        attempts + 1
    ])
    .map_err(store_error)?;
    Ok(Intent::Begin)
}

/// Which run of which step an effect was begun by.
fn owner(claim: &Claim) -> String {
    let Claim { key, token } = claim;
    format!("{}/{}#{token}", key.request, key.stage)
}

/// Writes down how an effect ended, as the claim that begun it knows.
pub(crate) fn conclude(
    db: &Connection,
    claim: &Claim,
    key: &EffectKey,
    end: &EffectEnd,
) -> Result<()> {
    let tenant = &claim.key.tenant;
    match end {
        EffectEnd::Done { remote_id } => happened(db, tenant, key, remote_id),
        EffectEnd::Refused => {
            db.prepare_cached(
                "UPDATE effects SET state = 'refused' \
                 WHERE tenant_id = ?1 AND effect_key = ?2 AND state = 'intended' AND owner = ?3",
            )
            .map_err(store_error)?
            .execute(params![tenant.as_str(), key.as_str(), owner(claim)])
            .map_err(store_error)?;
            Ok(())
        }
    }
}

/// Writes down that an effect happened. What is done stays done, and an effect that nobody intended is not made.
pub(crate) fn happened(
    db: &Connection,
    tenant: &TenantId,
    key: &EffectKey,
    remote_id: &str,
) -> Result<()> {
    db.prepare_cached(
        "UPDATE effects SET state = 'done', remote_id = ?3 \
         WHERE tenant_id = ?1 AND effect_key = ?2 AND state <> 'done'",
    )
    .map_err(store_error)?
    .execute(params![tenant.as_str(), key.as_str(), remote_id])
    .map_err(store_error)?;
    Ok(())
}
