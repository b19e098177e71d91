//! Views of lists that people saved, for themselves or for everybody in the tenant.

use axum::extract::State;
use domain::{StoreError, text};
use jiff::Timestamp;
use runtime::{Json, Path, Problem};
use serde::{Deserialize, Serialize};
use store::SavedView;
use utoipa::ToSchema;

use crate::{
    Deps,
    auth::{Role, TenantReader},
    body::Body,
    cursor::lists,
    faults::{BODY, WholePaging},
    problems::{BodyProblems, Conflict, QueryProblems, TenantProblems},
    query::Query,
};

/// Longest parts of a view, in characters.
const MAX_ID: usize = 64;
const MAX_NAME: usize = 100;
const MAX_SEARCH: usize = 2_000;

/// A view of a list.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SavedView)]
pub(crate) struct View {
    /// Its id.
    id: String,
    /// Its name, as people read it.
    name: String,
    /// The page that it is of, such as `leads`.
    page: String,
    /// What is asked for there, as in a URL.
    search: String,
    /// Whether everybody in the tenant sees it.
    is_shared: bool,
    /// Whether the caller saved it.
    is_own: bool,
    /// When it was last changed.
    updated_at: Timestamp,
}

impl View {
    fn of(view: SavedView, subject: &str) -> Self {
        Self {
            is_own: view.owner == subject,
            id: view.id,
            name: view.name,
            page: view.page,
            search: view.search,
            is_shared: view.is_shared,
            updated_at: view.updated_at,
        }
    }
}

/// The views that the caller sees.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SavedViewList)]
pub(crate) struct ViewList {
    /// The views, by id.
    items: Vec<View>,
    /// Send this as `cursor` to get those behind; null when there are none.
    next_cursor: Option<String>,
}

/// A view to be saved.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(
    as = NewSavedView,
    example = json!({ "name": "Kitchens", "page": "leads", "search": "q=kitchen&sort=waiting", "is_shared": false })
)]
pub(crate) struct NewView {
    /// Its name: up to 100 characters on one line.
    #[schema(min_length = 1, max_length = 100)]
    name: String,
    /// The page that it is of: up to 64 of `a-z`, `0-9`, `_` and `-`.
    #[schema(min_length = 1, max_length = 64)]
    page: String,
    /// What is asked for there, as in a URL: up to 2,000 characters.
    #[schema(max_length = 2_000)]
    search: String,
    /// Whether everybody in the tenant sees it.
    is_shared: bool,
}

/// The views of a tenant that the caller sees: their own, and those that are shared.
#[utoipa::path(
    get,
    path = "/v1/tenants/{tenant_id}/views",
    tag = "me",
    security(("bearer" = [])),
    params(("tenant_id" = String, Path, description = "The tenant's slug."), WholePaging),
    responses((status = OK, description = "A page.", body = ViewList), QueryProblems, TenantProblems)
)]
pub(crate) async fn list_views(
    caller: TenantReader,
    paging: Query<WholePaging>,
    State(deps): State<Deps>,
) -> Result<Json<ViewList>, Problem> {
    let part = paging.read::<{ lists::VIEWS }>()?;
    let subject = caller.subject();
    let views = deps.store.views(caller.tenant(), subject).await?;
    let (views, next_cursor) = part.of(views, |view| view.id.clone());
    let items = views.into_iter().map(|view| View::of(view, subject));
    Ok(Json(ViewList {
        items: items.collect(),
        next_cursor,
    }))
}

/// A view.
#[utoipa::path(
    get,
    path = "/v1/tenants/{tenant_id}/views/{view_id}",
    tag = "me",
    security(("bearer" = [])),
    params(
        ("tenant_id" = String, Path, description = "The tenant's slug."),
        ("view_id" = String, Path, description = "The view's id.", example = "kitchens")
    ),
    responses((status = OK, description = "The view.", body = View), TenantProblems)
)]
pub(crate) async fn show_view(
    caller: TenantReader,
    path: Path<(String, String)>,
    State(deps): State<Deps>,
) -> Result<Json<View>, Problem> {
    let Path((_, id)) = path;
    find(&deps, &caller, &id).await.map(Json)
}

/// Saves a view under an id of the caller's choice: up to 64 of `a-z`, `0-9`, `_` and `-`.
///
/// What others keep to themselves takes no id. An id under which another person shares a view is refused; one's own view
/// stays when another shares one with its id later, and hides that.
#[utoipa::path(
    put,
    path = "/v1/tenants/{tenant_id}/views/{view_id}",
    tag = "me",
    security(("bearer" = [])),
    params(
        ("tenant_id" = String, Path, description = "The tenant's slug."),
        ("view_id" = String, Path, description = "The view's id.", example = "kitchens")
    ),
    request_body = NewView,
    responses(
        (status = OK, description = "The view as it is now.", body = View),
        Conflict,
        BodyProblems,
        TenantProblems
    )
)]
pub(crate) async fn put_view(
    caller: TenantReader,
    path: Path<(String, String)>,
    State(deps): State<Deps>,
    body: Body<NewView>,
) -> Result<Json<View>, Problem> {
    let Path((_, id)) = path;
    if caller.is_program() {
        let refused =
            "A program has no views. Sign in, and save yours; it takes the role `viewer`.";
        return Err(Problem::forbidden(refused));
    }
    let (new, mut faults) = body.open();
    let word = format!("1 to {MAX_ID} of a-z, 0-9, `_` and `-`");
    if !is_word(&id) {
        faults.add("view_id", word.clone());
    }
    if text::line(&new.name, MAX_NAME).as_ref() != Some(&new.name) {
        let wanted = format!("1 to {MAX_NAME} characters on one line, without spare white space");
        faults.add("name", wanted);
    }
    if !is_word(&new.page) {
        faults.add("page", word);
    }
    let is_search =
        new.search.chars().count() <= MAX_SEARCH && !new.search.chars().any(|c| c.is_control());
    if !is_search {
        faults.add(
            "search",
            format!("up to {MAX_SEARCH} characters on one line"),
        );
    }
    faults.finish(BODY)?;
    let view = SavedView {
        tenant: caller.tenant().clone(),
        id,
        owner: caller.subject().to_owned(),
        name: new.name,
        page: new.page,
        search: new.search,
        is_shared: new.is_shared,
        updated_at: deps.clock.now(),
    };
    let act = caller.act("view.put", &view.id);
    deps.store.put_view(&view, &act).await?;
    find(&deps, &caller, &view.id).await.map(Json)
}

/// Removes a view: one's own, or, with the role `tenant_admin`, one that is shared.
#[utoipa::path(
    delete,
    path = "/v1/tenants/{tenant_id}/views/{view_id}",
    tag = "me",
    security(("bearer" = [])),
    params(
        ("tenant_id" = String, Path, description = "The tenant's slug."),
        ("view_id" = String, Path, description = "The view's id.", example = "kitchens")
    ),
    responses((status = OK, description = "The view as it was.", body = View), Conflict, TenantProblems)
)]
pub(crate) async fn remove_view(
    caller: TenantReader,
    path: Path<(String, String)>,
    State(deps): State<Deps>,
) -> Result<Json<View>, Problem> {
    let Path((_, id)) = path;
    let view = find(&deps, &caller, &id).await?;
    let act = caller.act("view.remove", &id);
    let is_admin = caller.role() >= Role::TenantAdmin;
    let removed = deps
        .store
        .remove_view(caller.tenant(), &id, caller.subject(), is_admin, &act);
    removed.await?;
    Ok(Json(view))
}

async fn find(deps: &Deps, caller: &TenantReader, id: &str) -> Result<View, Problem> {
    let subject = caller.subject();
    let found = match is_word(id) {
        true => deps.store.view(caller.tenant(), id, subject).await?,
        false => None,
    };
    let view = found.ok_or(StoreError::NotFound)?;
    Ok(View::of(view, subject))
}

fn is_word(text: &str) -> bool {
    (1..=MAX_ID).contains(&text.len())
        && text.bytes().all(|byte| {
            byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'_' | b'-')
        })
}
