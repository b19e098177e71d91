//! The record of outside effects.

use std::time::Duration;

use domain::{Claim, Effect, EffectEnd, EffectIntent, EffectKey, Receipt, TenantId, effect};
use jiff::Timestamp;
use rusqlite::{Connection, params};
use store::{Result, rows, stored::readable};

use crate::{rows::micros, sql, work};

fn one(db: &Connection, tenant: &TenantId, key: &EffectKey) -> Result<Option<Effect>> {
    const SQL: &str = "SELECT owner, state, intended_at, attempts, remote_id FROM effects \
                       WHERE tenant_id = ?1 AND effect_key = ?2";
    sql::first(
        db,
        SQL,
        params![tenant.as_str(), key.as_str()],
        rows::effect,
    )
}

fn write(db: &Connection, tenant: &TenantId, key: &EffectKey, effect: &Effect) -> Result<()> {
    const SQL: &str = "INSERT OR REPLACE INTO effects (tenant_id, effect_key, owner, state, intended_at, attempts, \
                       remote_id) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
    let values = params![
        tenant.as_str(),
        key.as_str(),
        effect.owner,
        effect.state.as_str(),
        micros(effect.intended_at),
        effect.attempts,
        effect.remote_id,
    ];
    sql::execute(db, SQL, values).map(drop)
}

/// Records an effect as intended, if it may begin. `is_seen_absent`: see [`effect::intend`].
pub(crate) fn intend(
    db: &Connection,
    now: Timestamp,
    claim: &Claim,
    key: &EffectKey,
    call_deadline: Duration,
    is_seen_absent: bool,
) -> Result<EffectIntent> {
    if !work::renew(db, now, claim, call_deadline + effect::LEASE_MARGIN)? {
        return Ok(EffectIntent::Stale);
    }
    let tenant = &claim.key.tenant;
    let known = one(db, tenant, key)?;
    let (intent, begun) = effect::intend(known.as_ref(), claim, now, is_seen_absent);
    if let Some(begun) = begun {
        write(db, tenant, key, &begun)?;
    }
    Ok(intent)
}

/// Records how an effect ended, as the claim that began it knows.
pub(crate) fn conclude(
    db: &Connection,
    claim: &Claim,
    key: &EffectKey,
    end: &EffectEnd,
) -> Result<()> {
    let tenant = &claim.key.tenant;
    let known = one(db, tenant, key)?;
    match known.and_then(|known| effect::conclude(known, claim, end)) {
        Some(ended) => write(db, tenant, key, &ended),
        None => Ok(()),
    }
}

/// Records what the outside reports: these effects happened.
pub(crate) fn happened(db: &Connection, tenant: &TenantId, receipts: &[Receipt]) -> Result<()> {
    for receipt in receipts {
        let key = &receipt.effect;
        let known = readable(
            "effects",
            || "of a receipt".to_owned(),
            one(db, tenant, key),
        )?
        .flatten();
        if let Some(done) = known.and_then(|known| effect::happened(known, receipt)) {
            write(db, tenant, key, &done)?;
        }
    }
    Ok(())
}
