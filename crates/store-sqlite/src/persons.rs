//! A tenant's people.

use std::collections::BTreeSet;

use domain::{PersonId, RequestId, StoreError, TenantId};
use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, params};
use store::{IdSource, PersonIdentity};

use crate::{
    requests,
    rows::{corrupt, micros, store_error},
};

type Result<T> = std::result::Result<T, StoreError>;

pub(crate) fn for_request(
    db: &Connection,
    ids: &IdSource,
    now: Timestamp,
    tenant: &TenantId,
    request: RequestId,
    identities: &[PersonIdentity],
) -> Result<PersonId> {
    let found = requests::one(db, tenant, request)?.ok_or(StoreError::NotFound)?;
    // Numbers sort before addresses: where they belong to two people, the number wins.
    let identities: BTreeSet<_> = identities.iter().collect();
    let mut owner = None;
    for identity in &identities {
        if owner.is_none() {
            owner = owner_of(db, tenant, identity)?;
        }
    }
    let person = match found.person.or(owner) {
        Some(person) => person,
        None => create(db, ids, now, tenant)?,
    };
    for identity in &identities {
        db.prepare_cached(
            "INSERT INTO person_aliases (tenant_id, kind, fingerprint, person_id) VALUES (?1, ?2, ?3, ?4) \
             ON CONFLICT DO NOTHING",
        )
        .map_err(store_error)?
        .execute(params![tenant.as_str(), identity.kind(), identity.fingerprint(), person.to_string()])
        .map_err(store_error)?;
    }
    if found.person.is_none() {
        db.prepare_cached(
            "UPDATE requests SET person_id = ?3 WHERE tenant_id = ?1 AND request_id = ?2",
        )
        .map_err(store_error)?
        .execute(params![
            tenant.as_str(),
            request.to_string(),
            person.to_string()
        ])
        .map_err(store_error)?;
    }
    Ok(person)
}

fn owner_of(
    db: &Connection,
    tenant: &TenantId,
    identity: &PersonIdentity,
) -> Result<Option<PersonId>> {
    let text: Option<String> = db
        .prepare_cached(
            "SELECT person_id FROM person_aliases WHERE tenant_id = ?1 AND kind = ?2 AND fingerprint = ?3",
        )
        .map_err(store_error)?
        .query_row(params![tenant.as_str(), identity.kind(), identity.fingerprint()], |row| row.get(0))
        .optional()
        .map_err(store_error)?;
    text.map(|text| {
        text.parse()
            .map_err(|error| corrupt("a person's id", error))
    })
    .transpose()
}

fn create(db: &Connection, ids: &IdSource, now: Timestamp, tenant: &TenantId) -> Result<PersonId> {
    let person = PersonId::from_uuid(ids.next());
    db.prepare_cached("INSERT INTO persons (tenant_id, person_id, created_at) VALUES (?1, ?2, ?3)")
        .map_err(store_error)?
        .execute(params![tenant.as_str(), person.to_string(), micros(now)])
        .map_err(store_error)?;
    Ok(person)
}
