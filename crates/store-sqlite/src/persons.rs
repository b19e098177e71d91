//! A tenant's people.

use domain::{PersonId, RequestId, StoreError, TenantId};
use jiff::Timestamp;
use rusqlite::{Connection, params};
use store::{IdSource, PersonIdentity, Result, persons};

use crate::{requests, rows::micros, sql};

pub(crate) fn for_request(
    db: &Connection,
    ids: &IdSource,
    now: Timestamp,
    tenant: &TenantId,
    request: RequestId,
    identities: &[PersonIdentity],
) -> Result<PersonId> {
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
    Ok(person)
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
