//! A tenant's people.

use std::time::Duration;

use domain::{Link, PersonId, RequestId, RequestState, StoreError, TenantId};
use google_cloud_spanner::{key::KeySet, mutation::Mutation, statement::Statement};
use store::{
    IdSource, Identified, PersonIdentity,
    persons::{self, Circles},
};

use crate::{
    fault::{Fault, readable},
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
    link_within: Duration,
) -> Result<Identified> {
    let own = requests::own_state(tx, tenant, request)
        .await?
        .ok_or(StoreError::NotFound)?;
    let found = own.request();
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
    let own = own.of_person(person);
    let links = link(tx, tenant, own, identities, link_within).await?;
    Ok(Identified { person, links })
}

/// Links the request to others that have one of its identities, and remembers that it has them.
async fn link(
    tx: &Tx,
    tenant: &TenantId,
    own: RequestState,
    identities: &[PersonIdentity],
    within: Duration,
) -> Result<Vec<Link>> {
    let request = own.request().id.to_string();
    let mut circles = Circles::around(own);
    for identity in identities {
        let Some(reason) = identity.link_reason() else {
            continue;
        };
        let others = others(tx, tenant, identity, &request).await?;
        let mut states = Vec::new();
        for other in &others {
            let state = requests::state(tx, tenant, *other).await;
            let state = readable("requests", other, state)?.flatten();
            states.extend(state.map(|state| (*other, state)));
        }
        circles.add(identity, reason, others.len(), states);
        tx.write([mutation(
            Write::Put,
            "request_identities",
            [
                ("tenant_id", tenant.as_str().to_owned().into()),
                ("kind", identity.kind().to_owned().into()),
                ("fingerprint", identity.fingerprint().into()),
                ("request_id", request.clone().into()),
            ],
        )])?;
    }
    for other in circles.linked_before() {
        let state = requests::state(tx, tenant, other).await;
        let state = readable("requests", other, state)?.flatten();
        let gone = state.map_or_else(Vec::new, |state| circles.compare(other, state));
        tx.write(gone.iter().map(|gone| {
            let row = [tenant.as_str(), gone.kind(), &gone.fingerprint(), &request];
            Mutation::delete("request_identities", KeySet::from(key(row)))
        }))?;
    }
    let (plan, links) = circles.linked(within, tx.now());
    requests::write(tx, &plan)?;
    Ok(links)
}

/// The newest other requests that have this identity, one more than are looked at.
async fn others(
    tx: &Tx,
    tenant: &TenantId,
    identity: &PersonIdentity,
    request: &str,
) -> Result<Vec<RequestId>> {
    let wanted = i64::try_from(persons::MAX_CIRCLE + 1).unwrap_or(i64::MAX);
    let statement = Statement::builder(
        "SELECT request_id FROM request_identities WHERE tenant_id = @tenant AND kind = @kind \
         AND fingerprint = @fingerprint AND request_id != @request ORDER BY request_id DESC LIMIT @wanted",
    )
    .add_param("tenant", tenant.as_str().to_owned())
    .add_param("kind", identity.kind().to_owned())
    .add_param("fingerprint", identity.fingerprint())
    .add_param("request", request.to_owned())
    .add_param("wanted", wanted)
    .build();
    let rows = tx.query(statement).await?;
    let ids = rows.iter().map(|row| row.parsed("request_id"));
    Ok(ids.collect::<Result<_, _>>()?)
}

/// Takes two requests apart.
pub(crate) async fn unlink(
    tx: &Tx,
    tenant: &TenantId,
    request: RequestId,
    other: RequestId,
    by: &str,
) -> Result<()> {
    let state = async |id| -> Result<RequestState> {
        let found = requests::state(tx, tenant, id).await?;
        Ok(found.ok_or(StoreError::NotFound)?)
    };
    let (one, another) = (state(request).await?, state(other).await?);
    let plan = persons::unlinked((request, one), (other, another), by, tx.now())?;
    requests::write(tx, &plan)
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
