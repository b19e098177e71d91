//! What a group's units add to figures and tell watchers: noted while they run, written once for each tenant before the
//! group's COMMIT.
//!
//! Deliveries of one group mostly add to the same sums, so what they add is one row; and the numbers of what they tell are
//! asked for once. Written by each unit itself, both were a tenth of what accepting costs.

use std::{cell::RefCell, collections::BTreeMap};

use domain::{TenantId, figures::Additions};
use jiff::Timestamp;
use rusqlite::Connection;
use store::{LiveChange, Result};

use crate::{figures, live};

thread_local! {
    /// The writer's.
    static NOTED: RefCell<Noted> = RefCell::default();
}

#[derive(Default)]
struct Noted {
    /// Of the unit that runs.
    unit: Vec<(TenantId, Note)>,
    /// Of those of its group that are done.
    group: BTreeMap<TenantId, OfTenant>,
}

enum Note {
    Added(Additions),
    Told(Timestamp, LiveChange),
}

#[derive(Default)]
struct OfTenant {
    added: Additions,
    told: Vec<(Timestamp, LiveChange)>,
}

/// Adds to a tenant's sums. To be called by a unit of the writer's, as all of these.
pub(crate) fn add(tenant: &TenantId, additions: &Additions) {
    if !additions.is_empty() {
        note(tenant, Note::Added(additions.clone()));
    }
}

/// Tells an event, behind the tenant's last one.
pub(crate) fn tell(now: Timestamp, tenant: &TenantId, change: LiveChange) {
    note(tenant, Note::Told(now, change));
}

fn note(tenant: &TenantId, note: Note) {
    NOTED.with_borrow_mut(|noted| noted.unit.push((tenant.clone(), note)));
}

/// Forgets everything: a group begins, or begins anew.
pub(crate) fn begin() {
    NOTED.take();
}

/// Keeps what a unit noted if it is done; else nothing of it happened.
pub(crate) fn end_unit(is_done: bool) {
    NOTED.with_borrow_mut(|Noted { unit, group }| {
        for (tenant, note) in unit.drain(..).filter(|_| is_done) {
            let of_tenant = group.entry(tenant).or_default();
            match note {
                Note::Added(additions) => of_tenant.added.extend(additions),
                Note::Told(at, change) => of_tenant.told.push((at, change)),
            }
        }
    });
}

/// Writes what the group's units noted. Returns the tenants that were told something.
pub(crate) fn write(db: &Connection) -> Result<Vec<TenantId>> {
    let group = NOTED.take().group;
    let mut told = Vec::new();
    for (tenant, of_tenant) in group {
        figures::write(db, &tenant, &of_tenant.added)?;
        if !of_tenant.told.is_empty() {
            live::write(db, &tenant, &of_tenant.told)?;
            told.push(tenant);
        }
    }
    Ok(told)
}
