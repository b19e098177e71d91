//! A test of a connection: whether a CRM takes the account, and what its records are made of; whether a team's chat takes
//! it.

use axum::extract::State;
use crm::{CrmField, CrmObject, Inspection};
use domain::{Account, Classify};
use runtime::{Json, Path, Problem};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    Deps,
    auth::TenantAdmin,
    connections::ConnectionPath,
    problems::{Conflict, TenantProblems},
};

/// What came of a connection's test.
#[derive(Debug, Default, Serialize, ToSchema)]
pub(crate) struct ConnectionTest {
    /// Whether the provider takes the account.
    is_accepted: bool,
    /// What happened; of a test that failed, why, and what to do.
    detail: String,
    /// What the provider said when it refused.
    answer: Option<String>,
    /// The kinds of record that leads become, as the CRM describes them; none of a team's chat.
    objects: Vec<ConnectionObject>,
    /// What is still to be done there before leads can be written, a sentence each.
    notes: Vec<String>,
    /// How many steps were held because the provider refused the secret, and go on now that it takes it.
    released: u64,
}

/// A kind of record of a CRM.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ConnectionObject {
    /// The CRM's name of it.
    name: String,
    /// Its fields, in the CRM's order.
    fields: Vec<ConnectionField>,
}

/// A field of a CRM's record.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ConnectionField {
    /// The CRM's name of it.
    name: String,
    /// What people call it.
    label: String,
    /// The CRM's type of its values.
    kind: String,
    /// Whether a record cannot be made without it.
    is_required: bool,
    /// The values that it takes; empty if any.
    options: Vec<String>,
    /// The longest text, in characters.
    max_length: Option<u32>,
    /// What its values are, in a word that all CRMs share: `text`, `number`, `flag`, `date`, `time`, `choice`, `choices`,
    /// `anything` or `other`.
    holds: &'static str,
    /// Whether the CRM alone fills it.
    is_read_only: bool,
}

impl From<CrmField> for ConnectionField {
    fn from(field: CrmField) -> Self {
        let CrmField {
            name,
            label,
            kind,
            is_required,
            options,
            max_length,
            holds,
            is_read_only,
        } = field;
        Self {
            holds: holds.as_str(),
            is_read_only,
            name,
            label,
            kind,
            is_required,
            options,
            max_length,
        }
    }
}

impl From<CrmObject> for ConnectionObject {
    fn from(object: CrmObject) -> Self {
        Self {
            name: object.name,
            fields: object.fields.into_iter().map(Into::into).collect(),
        }
    }
}

/// Asks a connection's provider whether it takes the account, and a CRM for the fields of its records.
///
/// Nothing is written there that stays, and nothing is posted to a team's chat. A custom CRM gets a signed `connection.test`.
#[utoipa::path(
    post,
    path = "/v1/tenants/{tenant_id}/connections/{connection}/test",
    tag = "connections",
    security(("bearer" = [])),
    params(("tenant_id" = String, Path, description = "The tenant's slug."), ConnectionPath),
    responses(
        (status = OK, description = "What came of it.", body = ConnectionTest),
        Conflict,
        TenantProblems
    )
)]
pub(crate) async fn test_connection(
    caller: TenantAdmin,
    Path(path): Path<ConnectionPath>,
    State(deps): State<Deps>,
) -> Result<Json<ConnectionTest>, Problem> {
    let connection = deps
        .store
        .connection(caller.tenant(), &path.connection)
        .await?;
    let connection = connection.ok_or_else(|| {
        Problem::not_found(format!("There is no connection `{}`.", path.connection))
    })?;
    let outward = deps
        .outward
        .as_ref()
        .ok_or_else(|| Problem::internal("this process calls nobody"))?;
    let name = catalogue::name(&connection.provider).to_owned();
    if let Some(chat) = outward.channels.chat(&connection.provider) {
        let account = match outward.accounts.open_connection(connection).await {
            Ok(account) => account,
            Err(error) => return Ok(Json(refused(&error))),
        };
        return Ok(Json(match chat.inspect(&account).await {
            Ok(detail) => ConnectionTest {
                is_accepted: true,
                detail,
                released: accepted(&deps, &account).await?,
                ..ConnectionTest::default()
            },
            Err(error) => refused(&error),
        }));
    }
    let Some(crm) = outward.crms.get(&connection.provider) else {
        return Err(Problem::conflict(format!(
            "{name} is no CRM and no team's chat: its connection shows whether it works by the source or the mail that uses it."
        )));
    };
    let account = match outward.accounts.open_connection(connection.clone()).await {
        Ok(account) => account,
        Err(error) => return Ok(Json(refused(&error))),
    };
    let mut inspected = crm.inspect(&account).await;
    let is_stale = matches!(inspected, Err(crm::PushError::Unauthorized { .. }));
    if is_stale && outward.accounts.invalidate(&account).await {
        inspected = match outward.accounts.open_connection(connection).await {
            Ok(account) => crm.inspect(&account).await,
            Err(error) => return Ok(Json(refused(&error))),
        };
    }
    Ok(Json(match inspected {
        Ok(Inspection { objects, notes }) => ConnectionTest {
            is_accepted: true,
            detail: match notes.len() {
                0 => format!("{name} takes the account."),
                _ => {
                    format!("{name} takes the account, and needs something before it takes leads.")
                }
            },
            answer: None,
            objects: objects.into_iter().map(Into::into).collect(),
            notes,
            released: accepted(&deps, &account).await?,
        },
        Err(error) => refused(&error),
    }))
}

/// Notes that the provider takes the account, and lets what was held for it go on.
async fn accepted(deps: &Deps, account: &Account) -> Result<u64, Problem> {
    let (name, version) = account.held_by();
    let released = deps.store.accept_secret(&account.tenant, &name, version);
    let released = released.await?;
    deps.hand_over(released.wakes).await;
    Ok(released.rows)
}

fn refused(error: &(impl Classify + std::fmt::Display)) -> ConnectionTest {
    ConnectionTest {
        detail: error.to_string(),
        answer: error.answer(),
        ..ConnectionTest::default()
    }
}
