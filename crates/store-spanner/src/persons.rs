//! A tenant's people.

use std::collections::{BTreeMap, BTreeSet};

use domain::{PersonId, RequestId, StoreError, TenantId};
use google_cloud_spanner::key::KeySet;
use store::{IdSource, PersonIdentity};

use crate::{
    fault::Fault,
    requests,
    rows::{self, Write, get, key, mutation, time_value},
    tx::{Reader, Tx},
};

type Result<T, E = Fault> = std::result::Result<T, E>;

pub(crate) async fn for_request(
    tx: &Tx,
    ids: &IdSource,
    tenant: &TenantId,
    request: RequestId,
    identities: &[PersonIdentity],
) -> Result<PersonId> {
    let found = requests::one(tx, tenant, request)
        .await?
        .ok_or(StoreError::NotFound)?;
    // Numbers sort before addresses: where they belong to two people, the number wins.
    let identities: BTreeSet<_> = identities.iter().collect();
    let owners = owners(tx, tenant, &identities).await?;
    let owner = identities.iter().find_map(|identity| owners.get(identity));
    let person = match found.person.or(owner.copied()) {
        Some(person) => person,
        None => create(tx, ids, tenant)?,
    };
    for identity in identities {
        if !owners.contains_key(identity) {
            tx.write([mutation(
                Write::Insert,
                "person_aliases",
                [
                    ("tenant_id", tenant.as_str().to_owned().into()),
                    ("kind", identity.kind().to_owned().into()),
                    ("fingerprint", identity.fingerprint().into()),
                    ("person_id", person.to_string().into()),
                ],
            )])?;
        }
    }
    if found.person.is_none() {
        tx.write([mutation(
            Write::Update,
            "requests",
            [
                ("tenant_id", tenant.as_str().to_owned().into()),
                ("request_id", request.to_string().into()),
                ("person_id", person.to_string().into()),
            ],
        )])?;
    }
    Ok(person)
}

/// Whom these identities belong to; those of nobody are not among them.
async fn owners<'a>(
    reader: &Reader,
    tenant: &TenantId,
    identities: &BTreeSet<&'a PersonIdentity>,
) -> Result<BTreeMap<&'a PersonIdentity, PersonId>> {
    if identities.is_empty() {
        return Ok(BTreeMap::new());
    }
    let mut keys = KeySet::builder();
    for identity in identities {
        let fingerprint = identity.fingerprint();
        keys = keys.add_key(key([tenant.as_str(), identity.kind(), &fingerprint]));
    }
    let columns = ["kind", "fingerprint", "person_id"];
    let mut owners = BTreeMap::new();
    for row in reader
        .rows("person_aliases", &columns, keys.build())
        .await?
    {
        let (kind, fingerprint): (String, String) = (get(&row, "kind")?, get(&row, "fingerprint")?);
        let person: PersonId = rows::parsed(&row, "person_id")?;
        let owned = identities
            .iter()
            .find(|identity| identity.kind() == kind && identity.fingerprint() == fingerprint);
        owners.extend(owned.map(|identity| (*identity, person)));
    }
    Ok(owners)
}

fn create(tx: &Tx, ids: &IdSource, tenant: &TenantId) -> Result<PersonId> {
    let person = PersonId::from_uuid(ids.next());
    tx.write([mutation(
        Write::Insert,
        "persons",
        [
            ("tenant_id", tenant.as_str().to_owned().into()),
            ("person_id", person.to_string().into()),
            ("created_at", time_value(tx.now())),
        ],
    )])?;
    Ok(person)
}
