//! The record of outside effects.

use std::time::Duration;

use domain::{Claim, EffectEnd, EffectKey, Intent, TenantId};
use jiff::Timestamp;

use crate::{
    fault::Fault,
    rows::{self, Write, get, key, mutation, time_value},
    tx::{Reader, Tx},
    work,
};

type Result<T, E = Fault> = std::result::Result<T, E>;

/// How far past a call's deadline the lease reaches.
const LEASE_MARGIN: Duration = Duration::from_secs(10);

struct Effect {
    owner: String,
    state: String,
    intended_at: Timestamp,
    attempts: u32,
    remote_id: Option<String>,
}

async fn one(reader: &Reader, tenant: &TenantId, effect: &EffectKey) -> Result<Option<Effect>> {
    let columns = ["owner", "state", "intended_at", "attempts", "remote_id"];
    let key = key([tenant.as_str(), effect.as_str()]);
    let Some(row) = reader.row("effects", &columns, key).await? else {
        return Ok(None);
    };
    Ok(Some(Effect {
        owner: get(&row, "owner")?,
        state: get(&row, "state")?,
        intended_at: rows::time(&row, "intended_at")?,
        attempts: rows::small(&row, "attempts")?,
        remote_id: get(&row, "remote_id")?,
    }))
}

/// Writes an effect down as intended. One that is intended already is begun again only where `again` says that its
/// absence was seen.
pub(crate) async fn intend(
    tx: &Tx,
    claim: &Claim,
    effect: &EffectKey,
    call_deadline: Duration,
    again: bool,
) -> Result<Intent> {
    if !work::renew(tx, claim, call_deadline + LEASE_MARGIN).await? {
        return Ok(Intent::Stale);
    }
    let tenant = &claim.key.tenant;
    let attempts = match one(tx, tenant, effect).await? {
        Some(known) if known.state == "done" => {
            return Ok(Intent::Done {
                remote_id: known.remote_id.unwrap_or_default(),
            });
        }
        Some(known) if known.state == "intended" && !again => {
            return Ok(Intent::Unknown {
                intended_at: known.intended_at,
                attempts: known.attempts,
            });
        }
        // A refused attempt did nothing outside: it does not count.
        Some(known) if known.state == "refused" => known.attempts.saturating_sub(1),
        Some(known) => known.attempts,
        None => 0,
    };
    tx.write([mutation(
        Write::Put,
        "effects",
        [
            ("tenant_id", tenant.as_str().to_owned().into()),
            ("effect_key", effect.as_str().to_owned().into()),
            ("owner", owner(claim).into()),
            ("state", "intended".to_owned().into()),
            ("intended_at", time_value(tx.now())),
            ("attempts", i64::from(attempts + 1).into()),
            ("remote_id", Option::<String>::None.into()),
        ],
    )])?;
    Ok(Intent::Begin)
}

/// Which run of which step an effect was begun by.
fn owner(claim: &Claim) -> String {
    let Claim { key, token } = claim;
    format!("{}/{}#{token}", key.request, key.stage)
}

/// Writes down how an effect ended, as the claim that begun it knows.
pub(crate) async fn conclude(
    tx: &Tx,
    claim: &Claim,
    effect: &EffectKey,
    end: &EffectEnd,
) -> Result<()> {
    let tenant = &claim.key.tenant;
    match end {
        EffectEnd::Done { remote_id } => happened(tx, tenant, effect, remote_id).await,
        EffectEnd::Refused => {
            let known = one(tx, tenant, effect).await?;
            if known.is_some_and(|known| known.state == "intended" && known.owner == owner(claim)) {
                write_state(tx, tenant, effect, "refused", None)?;
            }
            Ok(())
        }
    }
}

/// Writes down that an effect happened. What is done stays done, and an effect that nobody intended is not made.
pub(crate) async fn happened(
    tx: &Tx,
    tenant: &TenantId,
    effect: &EffectKey,
    remote_id: &str,
) -> Result<()> {
    let known = one(tx, tenant, effect).await?;
    if known.is_some_and(|known| known.state != "done") {
        write_state(tx, tenant, effect, "done", Some(remote_id))?;
    }
    Ok(())
}

fn write_state(
    tx: &Tx,
    tenant: &TenantId,
    effect: &EffectKey,
    state: &str,
    remote_id: Option<&str>,
) -> Result<()> {
    tx.write([mutation(
        Write::Update,
        "effects",
        [
            ("tenant_id", tenant.as_str().to_owned().into()),
            ("effect_key", effect.as_str().to_owned().into()),
            ("state", state.to_owned().into()),
            ("remote_id", remote_id.map(str::to_owned).into()),
        ],
    )])
}
