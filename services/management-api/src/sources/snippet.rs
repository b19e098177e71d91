//! What a web designer pastes into a page.

use axum::extract::State;
use runtime::{Json, Path, Problem};
use serde::Serialize;
use store::{TokenHash, configs::source_settings};
use utoipa::ToSchema;

use super::{SourcePath, create::url, find, no_source};
use crate::{Deps, auth::TenantReader, problems::TenantProblems};

/// A form to paste into a page.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Snippet {
    /// HTML with a small script, which the form works without.
    html: String,
}

/// A form to paste into a page of the company's website.
///
/// It has what the source's settings ask for: the field that nobody sees, the words of consent, the bot check's place.
/// Only sources of forms have one.
#[utoipa::path(
    get,
    path = "/v1/tenants/{tenant_id}/sources/{source_id}/snippet",
    tag = "sources",
    security(("bearer" = [])),
    params(("tenant_id" = String, Path, description = "The tenant's slug."), SourcePath),
    responses((status = OK, description = "The form.", body = Snippet), TenantProblems)
)]
pub(crate) async fn show_source_snippet(
    reader: TenantReader,
    Path(path): Path<SourcePath>,
    State(deps): State<Deps>,
) -> Result<Json<Snippet>, Problem> {
    let tenant = reader.tenant();
    let source = find(&deps, tenant, path.source_id)
        .await?
        .ok_or_else(no_source)?;
    let known = deps.sources.get(&source.provider);
    let found = known.and_then(|known| Some((known.spec(), known.door()?)));
    let (spec, door) =
        found.ok_or_else(|| Problem::not_found("Only a source of website forms has a snippet."))?;
    let token = source.id.to_string();
    if source.token != Some(TokenHash::of(&token)) {
        return Err(Problem::not_found(
            "The URL of this source is not known any more. Create another source of forms.",
        ));
    }
    let settings = source_settings(&*deps.store, tenant, source.id).await?;
    let html = door.snippet(&settings, &url(&deps, spec, &token));
    Ok(Json(Snippet { html }))
}
