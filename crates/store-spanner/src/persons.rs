//! A tenant's people.

use domain::{PersonId, RequestId, StoreError, TenantId};
use google_cloud_spanner::key::KeySet;
use store::{IdSource, PersonIdentity, persons};

use crate::{
    fault::Fault,
    requests,
    rows::{Write, key, mutation, time_value},
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
    let owners = owners(tx, tenant, identities).await?;
    let resolved = persons::resolve(found.person, &owners);
    let person = match resolved.person {
        Some(person) => person,
        None => create(tx, ids, tenant)?,
    };
    for identity in resolved.free {
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

/// These identities, each with the person whom it belongs to.
async fn owners(
    reader: &Reader,
    tenant: &TenantId,
    identities: &[PersonIdentity],
) -> Result<Vec<(PersonIdentity, Option<PersonId>)>> {
    if identities.is_empty() {
        return Ok(Vec::new());
    }
    let mut keys = KeySet::builder();
    for identity in identities {
        let fingerprint = identity.fingerprint();
        keys = keys.add_key(key([tenant.as_str(), identity.kind(), &fingerprint]));
    }
    let columns = "kind, fingerprint, person_id";
    let mut owners: Vec<_> = identities
        .iter()
        .map(|known| (known.clone(), None))
        .collect();
    for row in reader.rows("person_aliases", columns, keys.build()).await? {
        let (kind, fingerprint) = (row.text("kind")?, row.text("fingerprint")?);
        let person: PersonId = row.parsed("person_id")?;
        for (identity, owner) in &mut owners {
            if identity.kind() == kind && identity.fingerprint() == fingerprint {
                *owner = Some(person);
            }
        }
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
