//! The types of problems, as people read them: a page for each `type` of a problem document, and the page of all.

use axum::response::{Html, IntoResponse};
use http::{HeaderValue, header::CONTENT_SECURITY_POLICY};
use runtime::{PROBLEM_TYPES, Path, Problem, ProblemType};
use serde::Deserialize;
use utoipa::IntoParams;

use crate::docs;

/// Which type of problem.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub(crate) struct ProblemPath {
    /// The last part of the problem's `type`.
    #[param(example = "not-found")]
    problem: String,
}

/// What a type of problem means, and what to do about it: the page at a problem's `type`.
#[utoipa::path(
    get,
    path = "/problems/{problem}",
    tag = "service",
    params(ProblemPath),
    responses(
        (status = OK, description = "A page.", content_type = "text/html", body = String),
        crate::problems::NoSuchPage
    )
)]
pub(crate) async fn show_problem_type(
    Path(path): Path<ProblemPath>,
) -> Result<impl IntoResponse, Problem> {
    let known = PROBLEM_TYPES.iter().find(|of| of.kind == path.problem);
    let of = known.ok_or_else(|| Problem::not_found("There is no such type of problem."))?;
    let page = docs::problem_page(of).map_err(Problem::internal)?;
    Ok(([(CONTENT_SECURITY_POLICY, policy()?)], Html(page)))
}

/// What a page of ours may load: its own style, and nothing else.
pub(crate) fn policy() -> Result<HeaderValue, Problem> {
    HeaderValue::try_from(docs::POLICY.as_str()).map_err(Problem::internal)
}

/// Every type of problem, as the page that is checked in.
pub fn errors_markdown() -> String {
    let mut page = String::from(
        "# Problems\n\n\
         <!-- Generated from `crates/runtime/src/problem_types.rs`. -->\n\n\
         Every failure is answered with a problem document (RFC 9457, `application/problem+json`): `type`, `title`,\n\
         `status`, `detail`, which says what went wrong here and what to do about it, and `request_id`, by which the call\n\
         is found in the logs. `errors` lists every fault of the content with its field. The `type` does not change; it\n\
         is the path of a page that the server has.\n\n\
         | type | status | title | what to do |\n| --- | --- | --- | --- |\n",
    );
    for ProblemType {
        kind,
        status,
        title,
        about,
    } in PROBLEM_TYPES
    {
        let status = status.as_u16();
        page.push_str(&format!(
            "| `/problems/{kind}` | {status} | {title} | {about} |\n"
        ));
    }
    page
}
