//! The people of a tenant: who they are, and what they may do.

pub(crate) mod api_keys;
pub(crate) mod invitations;

use axum::extract::State;
use domain::UserId;
use jiff::Timestamp;
use runtime::{Json, Path, Problem};
use serde::{Deserialize, Serialize};
use store::{Member, TenantRole};
use utoipa::ToSchema;

use crate::{
    Deps,
    auth::TenantAdmin,
    body::Body,
    cursor::Cursor as _,
    faults::{BODY, Paging},
    problems::{BodyProblems, Conflict, QueryProblems, TenantProblems},
    query::Query,
    words,
};

/// A person of a tenant.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = TenantPerson)]
pub(crate) struct Person {
    /// Their id, as the audit log shows it.
    user_id: String,
    /// Their e-mail address, in lower case.
    email: String,
    /// Their name; empty when nobody said it.
    name: String,
    /// What they may do in this tenant.
    role: words::TenantRole,
    /// Since when they belong to it.
    since: Timestamp,
}

impl From<Member> for Person {
    fn from(member: Member) -> Self {
        Self {
            user_id: member.user.id.to_string(),
            email: member.user.email.as_str().to_owned(),
            name: member.user.name,
            role: member.role.into(),
            since: member.since,
        }
    }
}

/// A page of a tenant's people, by id.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = TenantPersonList)]
pub(crate) struct PersonList {
    /// The people.
    items: Vec<Person>,
    /// Send this as `cursor` to get those behind; null when there are none.
    next_cursor: Option<String>,
}

/// What a person may do.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "role": "operator" }))]
pub(crate) struct NewRole {
    /// One of `viewer`, `operator` and `tenant_admin`.
    #[schema(value_type = words::TenantRole)]
    role: String,
}

/// The people of a tenant, by id.
#[utoipa::path(
    get,
    path = "/v1/tenants/{tenant_id}/people",
    tag = "people",
    security(("bearer" = [])),
    params(("tenant_id" = String, Path, description = "The tenant's slug."), Paging),
    responses((status = OK, description = "A page.", body = PersonList), QueryProblems, TenantProblems)
)]
pub(crate) async fn list_people(
    caller: TenantAdmin,
    paging: Query<Paging>,
    State(deps): State<Deps>,
) -> Result<Json<PersonList>, Problem> {
    let (limit, after): (_, Option<UserId>) = paging.read()?;
    let page = deps.store.members(caller.tenant(), after, limit).await?;
    let last = page.items.last().filter(|_| page.has_more);
    Ok(Json(PersonList {
        next_cursor: last.map(|member| member.user.id.encode()),
        items: page.items.into_iter().map(Into::into).collect(),
    }))
}

/// Gives a person another role in the tenant.
///
/// It counts from their next token on, which is within 10 minutes. The last administrator stays one.
#[utoipa::path(
    put,
    path = "/v1/tenants/{tenant_id}/people/{user_id}",
    tag = "people",
    security(("bearer" = [])),
    params(
        ("tenant_id" = String, Path, description = "The tenant's slug."),
        ("user_id" = String, Path, description = "The person's id.", example = "usr_0199f3a100007000800000000000002a")
    ),
    request_body = NewRole,
    responses(
        (status = OK, description = "The person as they are now.", body = Person),
        Conflict,
        BodyProblems,
        TenantProblems
    )
)]
pub(crate) async fn set_person_role(
    caller: TenantAdmin,
    path: Path<(String, UserId)>,
    State(deps): State<Deps>,
    body: Body<NewRole>,
) -> Result<Json<Person>, Problem> {
    let Path((_, user)) = path;
    let (new, mut faults) = body.open();
    let role = faults.read("role", Some(&new.role), str::parse::<TenantRole>);
    faults.finish(BODY)?;
    let role = role.unwrap_or(TenantRole::Viewer);
    may_give(&caller, role)?;
    let act = caller
        .act("person.role", &user)
        .saying(format!("role {role}"));
    let changed = deps
        .store
        .set_member_role(caller.tenant(), user, role, &act);
    Ok(Json(changed.await?.into()))
}

/// Removes a person from the tenant.
///
/// Their tokens are good for 10 minutes at most. The last administrator cannot be removed.
#[utoipa::path(
    delete,
    path = "/v1/tenants/{tenant_id}/people/{user_id}",
    tag = "people",
    security(("bearer" = [])),
    params(
        ("tenant_id" = String, Path, description = "The tenant's slug."),
        ("user_id" = String, Path, description = "The person's id.", example = "usr_0199f3a100007000800000000000002a")
    ),
    responses((status = OK, description = "The person as they were.", body = Person), Conflict, TenantProblems)
)]
pub(crate) async fn remove_person(
    caller: TenantAdmin,
    path: Path<(String, UserId)>,
    State(deps): State<Deps>,
) -> Result<Json<Person>, Problem> {
    let Path((_, user)) = path;
    let act = caller.act("person.remove", &user);
    let removed = deps.store.remove_member(caller.tenant(), user, &act);
    Ok(Json(removed.await?.into()))
}

/// Nobody gives more than they have.
fn may_give(caller: &TenantAdmin, role: TenantRole) -> Result<(), Problem> {
    if caller.role() >= role.into() {
        return Ok(());
    }
    Err(Problem::forbidden(format!(
        "You are `{}` here and cannot give the role `{role}`. Ask somebody who has it.",
        caller.role()
    )))
}
