//! Whether the account that a connection leads to now fits what is configured for it.

use crm::{Mapping, mapping::check};
use domain::{ConnectionName, TenantId};
use runtime::Problem;
use serde::Serialize;
use utoipa::ToSchema;

use super::{MappingFault, Place, fields::Asked};
use crate::Deps;

/// What the CRM of a new secret says of what is configured for its connection. Nothing of it keeps the secret from being
/// used.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AccountCheck {
    /// Whether the CRM was asked, and takes the account.
    is_asked: bool,
    /// What came of it, in a sentence.
    detail: String,
    /// What is still to be done there before leads can be written, a sentence each.
    notes: Vec<String>,
    /// What of the connection's field mapping this account does not take, by path: another account has other fields.
    mapping: Vec<MappingFault>,
}

/// Asks the CRM of a connection whose secret was set for what its leads would meet. None of what is no CRM, describes
/// nothing, or cannot be asked because no server runs.
pub(crate) async fn check_account(
    deps: &Deps,
    tenant: &TenantId,
    name: &ConnectionName,
) -> Result<Option<AccountCheck>, Problem> {
    let Ok(place) = Place::of(deps, tenant, name).await else {
        return Ok(None);
    };
    if place.spec.mapping.is_open || deps.outward.is_none() {
        return Ok(None);
    }
    let asked = place.ask(deps).await?;
    let saved = place.version(deps, None).await?;
    let saved = saved.and_then(|saved| {
        let spec = place.spec.mapping;
        Mapping::saved(spec, &saved.json, saved.version).ok()
    });
    let mut mapping = Vec::new();
    if asked.is_available()
        && let Some(saved) = saved
    {
        let found = check::check(&saved, place.spec.mapping, asked.objects());
        let found = found.faults.into_iter().chain(found.warnings);
        mapping.extend(found.map(MappingFault::from));
    }
    let is_asked = asked.is_available();
    let (notes, detail) = match asked {
        Asked::Told(inspection) => {
            let notes = inspection.notes;
            let detail = match (notes.is_empty(), mapping.is_empty()) {
                (true, true) => "The CRM takes the account.",
                (_, true) => {
                    "The CRM takes the account, and needs something before it takes leads."
                }
                (_, false) => {
                    "The CRM takes the account, and the connection's field mapping does not fit it: change the mapping."
                }
            };
            (notes, detail.to_owned())
        }
        other => (Vec::new(), other.detail()),
    };
    Ok(Some(AccountCheck {
        is_asked,
        detail,
        notes,
        mapping,
    }))
}
