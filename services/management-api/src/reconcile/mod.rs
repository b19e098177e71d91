//! The audit of sources: compares what a provider has with what came, takes what is missing, and notices webhooks that
//! were switched off.
//!
//! It is here and not at the edge, because it calls providers and waits for them, and because jobs, the audit log and the
//! routes about sources are here; several processes of a fleet share the work, each sweep having one owner.

mod access;
mod page;
pub(crate) mod urls;
mod webhooks;

use std::{sync::Arc, time::Duration};

use ::sources::{ApiSet, Apis};
use accounts::Accounts;
use crm::Connectors;
use domain::{StoreError, TenantStatus, later, metric_names};
use futures::future::join_all;
use http_client::Client;
use jiff::{Timestamp, tz::TimeZone};
use notify::Channels;
use settings::Reader;
use store::{
    Source, SourceState, Sweep, SweepStep,
    sweeps::{SweepState, WEBHOOKS},
};
use tokio_util::sync::CancellationToken;

use crate::Deps;
pub(crate) use access::{Access, Fault, admit};
pub(crate) use page::compare;
pub(crate) use webhooks::newest_key;

/// Who acts, in the audit log.
const ACTOR: &str = "audit of sources";

/// How long a sweep is its owner's without a step. One step makes a few requests of a provider.
const LEASE: Duration = Duration::from_secs(180);
/// The pause between two searches that find nothing.
const IDLE: Duration = Duration::from_secs(15);
/// The pause after an error of the store.
const AFTER_ERROR: Duration = Duration::from_secs(30);
/// How often new sources are looked for. Those that are connected here begin at once.
const DISCOVER_EVERY: Duration = Duration::from_secs(5 * 60);
/// Sweeps that are done at once: a provider that is slow holds up no other.
const AT_ONCE: usize = 4;
/// Pages of one turn. Then whoever waited longest is next.
const PAGES_OF_A_TURN: u32 = 5;
/// The pause of a sweep whose source is disabled, or has nothing that could be asked.
const RESTING: Duration = Duration::from_secs(60 * 60);

/// What the service reaches providers with.
#[derive(Clone)]
pub struct Outward {
    /// Opens tenants' accounts.
    pub accounts: Accounts,
    /// The clients of the sources' APIs.
    pub apis: ApiSet,
    /// The connectors to CRMs.
    pub crms: Connectors,
    /// What messages leave by.
    pub channels: Channels,
    /// The way to our own public URL, for tests of it.
    pub http: Client,
    /// Whether sources are audited.
    pub config: AuditConfig,
}

/// Whether sources are audited.
#[derive(Debug, Clone, Copy)]
pub struct AuditConfig {
    /// If not, nobody looks for what did not come.
    pub is_on: bool,
}

impl AuditConfig {
    /// Reads the settings.
    pub fn read(reader: &mut Reader<'_>) -> Self {
        Self {
            is_on: reader.flag(
                "AUDIT_SOURCES",
                true,
                "Compares every few minutes what providers have with what came, and takes what is missing.",
            ),
        }
    }
}

/// The kinds of sweeps of a source with these clients.
pub(crate) fn kinds(apis: &Apis) -> Vec<&'static str> {
    let listing = apis.listing.as_ref().map(|listing| listing.kinds());
    let webhooks = apis.webhooks.as_ref().map(|_| WEBHOOKS);
    let listed = listing.into_iter().flatten().copied();
    listed.chain(webhooks).collect()
}

/// Audits until `stop`.
pub(crate) async fn run(deps: Deps, stop: CancellationToken) {
    let Some(outward) = deps.outward.clone().filter(|outward| outward.config.is_on) else {
        stop.cancelled().await;
        return;
    };
    let outward = Arc::new(outward);
    let sweeping = (0..AT_ONCE).map(|_| sweep(&deps, &outward, &stop));
    tokio::join!(discover(&deps, &outward, &stop), join_all(sweeping));
}

/// Makes the sweeps of sources that have none yet, again and again.
async fn discover(deps: &Deps, outward: &Outward, stop: &CancellationToken) {
    loop {
        if let Err(error) = discover_once(deps, outward, stop).await {
            tracing::warn!("sources to be audited could not be looked for: {error}");
        }
        let next = later(deps.clock.now(), DISCOVER_EVERY);
        if stop
            .run_until_cancelled(deps.clock.sleep_until(next))
            .await
            .is_none()
        {
            return;
        }
    }
}

async fn discover_once(
    deps: &Deps,
    outward: &Outward,
    stop: &CancellationToken,
) -> Result<(), StoreError> {
    for tenant in deps.store.tenants_across_tenants().await? {
        if stop.is_cancelled() {
            break;
        }
        if tenant.status != TenantStatus::Active {
            continue;
        }
        for source in deps.store.sources(&tenant.id).await? {
            if let Some(apis) = outward.apis.get(&source.provider)
                && source.state == SourceState::Active
            {
                let kinds = kinds(apis);
                deps.store
                    .ensure_sweeps(&tenant.id, source.id, &kinds)
                    .await?;
            }
        }
    }
    Ok(())
}

/// Does what is due, one sweep after the other.
async fn sweep(deps: &Deps, outward: &Outward, stop: &CancellationToken) {
    while !stop.is_cancelled() {
        let pause = match turn(deps, outward, stop).await {
            Ok(true) => continue,
            Ok(false) => IDLE,
            Err(error) => {
                tracing::warn!("the audit of sources pauses: {error}");
                AFTER_ERROR
            }
        };
        let next = later(deps.clock.now(), pause);
        stop.run_until_cancelled(deps.clock.sleep_until(next)).await;
    }
}

/// Claims a sweep and goes on with it for a while; false when none is due.
async fn turn(
    deps: &Deps,
    outward: &Outward,
    stop: &CancellationToken,
) -> Result<bool, StoreError> {
    let Some(claimed) = deps.store.claim_sweep_across_tenants(LEASE).await? else {
        return Ok(false);
    };
    let sources = deps.store.sources(&claimed.tenant).await?;
    let source = sources.into_iter().find(|known| known.id == claimed.source);
    // Of a tenant that is suspended nothing is taken: what it lacks then is found once it takes part again.
    let tenant = deps.store.tenant(&claimed.tenant).await?;
    let takes_part = tenant.is_some_and(|tenant| tenant.status == TenantStatus::Active);
    let source = source.filter(|source| takes_part && source.state == SourceState::Active);
    let opened = match &source {
        Some(source) => Access::open(deps, outward, source).await,
        None => Ok(None),
    };
    let now = deps.clock.now();
    let mut state = claimed.state.clone();
    let access = match opened {
        Ok(Some(access)) => access,
        Ok(None) => {
            state.fault = source.map(|_| {
                "the tenant's account is not connected, so nobody can compare: enter its secret"
                    .to_owned()
            });
            write(deps, &claimed, state, later(now, RESTING)).await?;
            return Ok(true);
        }
        Err(fault) => {
            let due_at = noted(&claimed, &mut state, fault, now)?;
            write(deps, &claimed, state, due_at).await?;
            return Ok(true);
        }
    };
    if claimed.kind == WEBHOOKS {
        webhooks::look(deps, &access, &claimed, state).await?;
        return Ok(true);
    }
    let zone = zone(deps, access.source).await?;
    for number in 1.. {
        let now = deps.clock.now();
        let span = state.span(now, &zone);
        let place = state.place.clone();
        let compared = compare(
            deps,
            &access,
            &claimed.kind,
            span,
            place.as_deref(),
            &mut state,
            &zone,
        );
        let compared = match compared.await {
            Ok(compared) => compared,
            Err(fault) => {
                let due_at = noted(&claimed, &mut state, fault, now)?;
                write(deps, &claimed, state, due_at).await?;
                return Ok(true);
            }
        };
        compared.add_to(&mut state.days);
        let Some(next) = compared.next else {
            let (lines, due_at) = state.ended(claimed.source, &claimed.kind, now);
            let step = SweepStep {
                state,
                due_at,
                lines,
                act: None,
            };
            deps.store.step_sweep(&claimed.proof(), step).await?;
            return Ok(true);
        };
        state.went_on(next);
        let is_over = number >= PAGES_OF_A_TURN || stop.is_cancelled();
        let due_at = if is_over { now } else { later(now, LEASE) };
        if !write(deps, &claimed, state.clone(), due_at).await? || is_over {
            return Ok(true);
        }
    }
    Ok(true)
}

/// Writes how far a sweep is; false when somebody else has it.
async fn write(
    deps: &Deps,
    claimed: &Sweep,
    state: SweepState,
    due_at: Timestamp,
) -> Result<bool, StoreError> {
    let step = SweepStep {
        state,
        due_at,
        lines: Vec::new(),
        act: None,
    };
    deps.store.step_sweep(&claimed.proof(), step).await
}

/// Notes why a look did not come to its end. Returns when to go on.
fn noted(
    claimed: &Sweep,
    state: &mut SweepState,
    fault: Fault,
    now: Timestamp,
) -> Result<Timestamp, StoreError> {
    let (reason, wait) = match fault {
        Fault::NoRoom(wait) => return Ok(state.waits(wait, now)),
        Fault::Store(error) => return Err(error),
        Fault::Provider { reason, wait } => (reason, wait),
    };
    metrics::counter!(metric_names::AUDIT_FAILURES_TOTAL).increment(1);
    tracing::warn!(
        tenant.id = %claimed.tenant, source.id = %claimed.source,
        "the audit of source {}, {}, was put off: {reason}", claimed.source, claimed.kind
    );
    Ok(state.failed(reason, wait, now))
}

/// The time zone of a source's office.
pub(crate) async fn zone(deps: &Deps, source: &Source) -> Result<TimeZone, StoreError> {
    let offices = deps.store.offices(&source.tenant).await?;
    let office = source
        .office
        .and_then(|id| offices.iter().find(|office| office.id == id))
        .or(offices.first());
    let zone = office.and_then(|office| TimeZone::get(&office.time_zone).ok());
    Ok(zone.unwrap_or(TimeZone::UTC))
}
