//! The fields of a CRM, as it describes them.

use axum::extract::State;
use crm::{CrmObject, Inspection};
use domain::Classify as _;
use runtime::{Json, Path, Problem};
use serde::Serialize;
use utoipa::ToSchema;

use super::Place;
use crate::{
    Deps,
    auth::TenantAdmin,
    connection_test::ConnectionObject,
    connections::ConnectionPath,
    problems::{Conflict, TenantProblems},
};

/// The fields of a connection's CRM.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ConnectionSchema {
    /// Whether the CRM's own fields are here.
    is_available: bool,
    /// What came of it; where they are not, why, and what to do.
    detail: String,
    /// What the CRM said when it refused.
    answer: Option<String>,
    /// The kinds of record that leads become, as the CRM describes them.
    objects: Vec<ConnectionObject>,
    /// What is still to be done there before leads can be written, a sentence each.
    notes: Vec<String>,
}

/// What a CRM said of its fields.
pub(crate) enum Asked {
    /// It told them.
    Told(Inspection),
    /// It takes any.
    Open(Vec<CrmObject>),
    /// It could not be asked, or refused; says why, and what it answered.
    Silent(String, Option<String>),
}

impl Asked {
    pub(crate) const fn is_available(&self) -> bool {
        matches!(self, Self::Told(_))
    }

    pub(crate) fn objects(&self) -> &[CrmObject] {
        match self {
            Self::Told(inspection) => &inspection.objects,
            Self::Open(objects) => objects,
            Self::Silent(..) => &[],
        }
    }

    pub(crate) fn detail(&self) -> String {
        match self {
            Self::Told(_) => "The CRM was asked for its fields.".to_owned(),
            Self::Open(_) => "The receiver takes any field: there is nothing to ask.".to_owned(),
            Self::Silent(why, _) => format!(
                "The CRM could not be asked for its fields, so nobody knows whether it takes these: {why}."
            ),
        }
    }
}

/// The kinds of record of a connection's CRM with their fields: types, options, and which it requires.
///
/// The CRM is asked, and nothing is written. A custom CRM describes none: what is sent to it without any mapping is shown.
#[utoipa::path(
    get,
    path = "/v1/tenants/{tenant_id}/connections/{connection}/schema",
    tag = "connections",
    security(("bearer" = [])),
    params(("tenant_id" = String, Path, description = "The tenant's slug."), ConnectionPath),
    responses(
        (status = OK, description = "The fields.", body = ConnectionSchema),
        Conflict,
        TenantProblems
    )
)]
pub(crate) async fn show_connection_schema(
    caller: TenantAdmin,
    Path(path): Path<ConnectionPath>,
    State(deps): State<Deps>,
) -> Result<Json<ConnectionSchema>, Problem> {
    let place = Place::of(&deps, caller.tenant(), &path.connection).await?;
    let asked = place.ask(&deps).await?;
    let (is_available, detail) = (asked.is_available(), asked.detail());
    let (objects, notes, answer) = match asked {
        Asked::Told(Inspection { objects, notes }) => (objects, notes, None),
        Asked::Open(objects) => (objects, Vec::new(), None),
        Asked::Silent(_, answer) => (Vec::new(), Vec::new(), answer),
    };
    Ok(Json(ConnectionSchema {
        is_available,
        detail,
        answer,
        objects: objects.into_iter().map(Into::into).collect(),
        notes,
    }))
}

/// Asks a connection's CRM for its fields.
pub(super) async fn ask(deps: &Deps, connection: &store::Connection) -> Result<Asked, Problem> {
    let Some(outward) = deps.outward.as_ref() else {
        let why = "no server runs, and this command calls nobody".to_owned();
        return Ok(Asked::Silent(why, None));
    };
    let silent = |why: String, answer| Ok(Asked::Silent(why, answer));
    let Some(crm) = outward.crms.get(&connection.provider) else {
        return silent("this build has no connector to it".to_owned(), None);
    };
    let open = || outward.accounts.open_connection(connection.clone());
    let account = match open().await {
        Ok(account) => account,
        Err(error) => return silent(error.to_string(), error.answer()),
    };
    let mut inspected = crm.inspect(&account).await;
    let is_stale = matches!(inspected, Err(crm::PushError::Unauthorized { .. }));
    if is_stale && outward.accounts.invalidate(&account).await {
        inspected = match open().await {
            Ok(account) => crm.inspect(&account).await,
            Err(error) => return silent(error.to_string(), error.answer()),
        };
    }
    match inspected {
        Ok(inspection) => Ok(Asked::Told(inspection)),
        Err(error) => silent(error.to_string(), error.answer()),
    }
}
