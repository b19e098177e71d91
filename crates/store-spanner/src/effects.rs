//! The record of outside effects.

use std::{collections::BTreeMap, time::Duration};

use domain::{Claim, Effect, EffectEnd, EffectIntent, EffectKey, Receipt, TenantId, effect};
use google_cloud_spanner::key::KeySet;
use store::rows;

use crate::{
    fault::{Fault, readable},
    rows::{Write, key, mutation, time_value},
    tx::{Reader, Tx},
    work,
};

type Result<T, E = Fault> = std::result::Result<T, E>;

/// The records of these effects; those that nobody intended are not among them.
async fn known<'a>(
    reader: &Reader,
    tenant: &TenantId,
    effects: impl IntoIterator<Item = &'a EffectKey>,
) -> Result<BTreeMap<EffectKey, Result<Effect>>> {
    const COLUMNS: &str = "effect_key, owner, state, intended_at, attempts, remote_id";
    let mut keys = KeySet::builder();
    for effect in effects {
        keys = keys.add_key(key([tenant.as_str(), effect.as_str()]));
    }
    let mut known = BTreeMap::new();
    for row in reader.rows("effects", COLUMNS, keys.build()).await? {
        let effect = rows::effect(&row).map_err(Fault::from);
        known.insert(EffectKey::from_stored(row.text("effect_key")?), effect);
    }
    Ok(known)
}

fn write(tx: &Tx, tenant: &TenantId, effect: &EffectKey, record: Effect) -> Result<()> {
    tx.write([mutation(
        Write::Put,
        "effects",
        [
            ("tenant_id", tenant.as_str().to_owned().into()),
            ("effect_key", effect.as_str().to_owned().into()),
            ("owner", record.owner.into()),
            ("state", record.state.as_str().to_owned().into()),
            ("intended_at", time_value(record.intended_at)),
            ("attempts", i64::from(record.attempts).into()),
            ("remote_id", record.remote_id.into()),
        ],
    )])
}

/// Records an effect as intended, if it may begin. `is_seen_absent`: see [`effect::intend`].
pub(crate) async fn intend(
    tx: &Tx,
    claim: &Claim,
    key: &EffectKey,
    call_deadline: Duration,
    is_seen_absent: bool,
) -> Result<EffectIntent> {
    if !work::renew(tx, claim, call_deadline + effect::LEASE_MARGIN).await? {
        return Ok(EffectIntent::Stale);
    }
    let tenant = &claim.key.tenant;
    let known = known(tx, tenant, [key]).await?.remove(key).transpose()?;
    let (intent, begun) = effect::intend(known.as_ref(), claim, tx.now(), is_seen_absent);
    if let Some(begun) = begun {
        write(tx, tenant, key, begun)?;
    }
    Ok(intent)
}

/// Records how an effect ended, as the claim that began it knows.
pub(crate) async fn conclude(
    tx: &Tx,
    claim: &Claim,
    key: &EffectKey,
    end: &EffectEnd,
) -> Result<()> {
    let tenant = &claim.key.tenant;
    let known = known(tx, tenant, [key]).await?.remove(key).transpose()?;
    match known.and_then(|known| effect::conclude(known, claim, end)) {
        Some(ended) => write(tx, tenant, key, ended),
        None => Ok(()),
    }
}

/// Records what the outside reports: these effects happened.
pub(crate) async fn happened(tx: &Tx, tenant: &TenantId, receipts: &[Receipt]) -> Result<()> {
    if receipts.is_empty() {
        return Ok(());
    }
    let effects = receipts.iter().map(|receipt| &receipt.effect);
    let mut known = known(tx, tenant, effects).await?;
    for receipt in receipts {
        // Taken out, and put back as it is now: a transaction does not see what it wrote.
        let Some(effect) = known.remove(&receipt.effect) else {
            continue;
        };
        let Some(effect) = readable("effects", "of a receipt", effect)? else {
            continue;
        };
        let reported = effect::happened(effect.clone(), receipt);
        if let Some(reported) = &reported {
            write(tx, tenant, &receipt.effect, reported.clone())?;
        }
        known.insert(receipt.effect.clone(), Ok(reported.unwrap_or(effect)));
    }
    Ok(())
}
