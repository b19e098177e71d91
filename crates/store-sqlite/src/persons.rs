//! A tenant's people.

use std::time::Duration;

use domain::{Link, PersonId, RequestId, StoreError, TenantId};
use jiff::Timestamp;
use rusqlite::{Connection, params};
use store::{
    IdSource, Identified, PersonIdentity, Result,
    persons::{self, Circles},
    stored,
};

use crate::{requests, rows::micros, sql};

pub(crate) fn for_request(
    db: &Connection,
    ids: &IdSource,
    now: Timestamp,
    tenant: &TenantId,
    request: RequestId,
    identities: &[PersonIdentity],
    link_within: Duration,
) -> Result<Identified> {
    const ALIAS: &str = "INSERT INTO person_aliases (tenant_id, kind, fingerprint, person_id) VALUES (?1, ?2, ?3, ?4)";
    let found = requests::one(db, tenant, request)?.ok_or(StoreError::NotFound)?;
    let mut owners = Vec::new();
    for identity in identities {
        owners.push((identity.clone(), owner_of(db, tenant, identity)?));
    }
    let resolved = persons::resolve(found.person, &owners);
    let person = match resolved.person {
        Some(person) => person,
        None => create(db, ids, now, tenant)?,
    };
    for identity in resolved.free {
        let (kind, fingerprint) = (identity.kind(), identity.fingerprint());
        let values = params![tenant.as_str(), kind, fingerprint, person.to_string()];
        sql::execute(db, ALIAS, values)?;
    }
    if found.person.is_none() {
        sql::execute(
            db,
            "UPDATE requests SET person_id = ?3 WHERE tenant_id = ?1 AND request_id = ?2",
            params![tenant.as_str(), request.to_string(), person.to_string()],
        )?;
    }
    let links = link(db, now, tenant, request, identities, link_within)?;
    Ok(Identified { person, links })
}

/// Links the request to others that have one of its identities, and remembers that it has them.
fn link(
    db: &Connection,
    now: Timestamp,
    tenant: &TenantId,
    request: RequestId,
    identities: &[PersonIdentity],
    within: Duration,
) -> Result<Vec<Link>> {
    const OTHERS: &str = "SELECT request_id FROM request_identities WHERE tenant_id = ?1 AND kind = ?2 AND fingerprint = ?3 \
                          AND request_id <> ?4 ORDER BY request_id DESC LIMIT ?5";
    const KEEP: &str = "INSERT INTO request_identities (tenant_id, kind, fingerprint, request_id) VALUES (?1, ?2, ?3, ?4) \
                        ON CONFLICT DO NOTHING";
    const FORGET: &str = "DELETE FROM request_identities WHERE tenant_id = ?1 AND kind = ?2 AND fingerprint = ?3 \
                          AND request_id = ?4";
    let own = requests::own_state(db, tenant, request)?.ok_or(StoreError::NotFound)?;
    let mut circles = Circles::around(own);
    for identity in identities {
        let Some(reason) = identity.link_reason() else {
            continue;
        };
        let (kind, fingerprint) = (identity.kind(), identity.fingerprint());
        let (tenant_id, id) = (tenant.as_str(), request.to_string());
        let wanted = u32::try_from(persons::MAX_CIRCLE + 1).unwrap_or(u32::MAX);
        let values = params![tenant_id, kind, fingerprint, id, wanted];
        let others = sql::all(db, OTHERS, values, |row| row.parsed("request_id"))?;
        let mut states = Vec::new();
        for other in &others {
            let state = requests::state(db, tenant, *other);
            let state = stored::readable("requests", || other.to_string(), state)?.flatten();
            states.extend(state.map(|state| (*other, state)));
        }
        circles.add(identity, reason, others.len(), states);
        sql::execute(db, KEEP, params![tenant_id, kind, fingerprint, id])?;
    }
    for other in circles.linked_before() {
        let state = requests::state(db, tenant, other);
        let state = stored::readable("requests", || other.to_string(), state)?.flatten();
        for gone in state.map_or_else(Vec::new, |state| circles.compare(other, state)) {
            let (kind, fingerprint) = (gone.kind(), gone.fingerprint());
            let values = params![tenant.as_str(), kind, fingerprint, request.to_string()];
            sql::execute(db, FORGET, values)?;
        }
    }
    let (plan, links) = circles.linked(within, now);
    requests::write(db, &plan)?;
    Ok(links)
}

/// Takes two requests apart.
pub(crate) fn unlink(
    db: &Connection,
    now: Timestamp,
    tenant: &TenantId,
    request: RequestId,
    other: RequestId,
    by: &str,
) -> Result<()> {
    let state = |id| requests::state(db, tenant, id)?.ok_or(StoreError::NotFound);
    let plan = persons::unlinked((request, state(request)?), (other, state(other)?), by, now)?;
    requests::write(db, &plan)
}

fn owner_of(
    db: &Connection,
    tenant: &TenantId,
    identity: &PersonIdentity,
) -> Result<Option<PersonId>> {
    const SQL: &str = "SELECT person_id FROM person_aliases WHERE tenant_id = ?1 AND kind = ?2 AND fingerprint = ?3";
    let values = params![tenant.as_str(), identity.kind(), identity.fingerprint()];
    sql::first(db, SQL, values, |row| row.parsed("person_id"))
}

fn create(db: &Connection, ids: &IdSource, now: Timestamp, tenant: &TenantId) -> Result<PersonId> {
    const SQL: &str = "INSERT INTO persons (tenant_id, person_id, created_at) VALUES (?1, ?2, ?3)";
    let person = PersonId::from_uuid(ids.next());
    let values = params![tenant.as_str(), person.to_string(), micros(now)];
    sql::execute(db, SQL, values)?;
    Ok(person)
}
