//! The files of a form, to be kept by whoever asks for one.

use axum::{body::Body, extract::State, response::Response};
use blobs::{BlobError, BlobKey};
use domain::{About, RequestId};
use http::{
    HeaderName, HeaderValue,
    header::{
        CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_LENGTH, CONTENT_SECURITY_POLICY, CONTENT_TYPE,
        X_CONTENT_TYPE_OPTIONS,
    },
};
use runtime::{Path, Problem};
use serde::Deserialize;
use utoipa::IntoParams;

use super::find;
use crate::{Deps, auth::TenantOperator, problems::TenantProblems};

/// The longest name that a file is offered under, without its ending.
const MAX_NAME: usize = 80;

/// Which file of which request.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub(crate) struct DocumentPath {
    /// The request's id.
    #[param(value_type = String, example = "req_0199f3a100007000800000000000002a")]
    request_id: RequestId,
    /// The file's name among the request's `documents`.
    #[param(example = "file-5f3d3ebe065cd800")]
    document: String,
}

/// A file that came with a form, as it came.
///
/// Strangers send these files, and nobody has looked for harm in them: browsers are told to save them, never to show them.
#[utoipa::path(
    get,
    path = "/v1/tenants/{tenant_id}/requests/{request_id}/documents/{document}",
    tag = "requests",
    security(("bearer" = [])),
    params(("tenant_id" = String, Path, description = "The tenant's slug."), DocumentPath),
    responses(
        (status = OK, description = "The file, of the type that its bytes say.", content_type = "*/*",
         body = Vec<u8>),
        TenantProblems
    )
)]
pub(crate) async fn download_document(
    caller: TenantOperator,
    Path(path): Path<DocumentPath>,
    State(deps): State<Deps>,
) -> Result<Response, Problem> {
    let none = || Problem::not_found("There is no such file, or it is not kept yet.");
    let tenant = caller.tenant();
    let document = find(&deps, tenant, path.request_id).await?.request.document;
    let kept = document.documents.as_ref();
    let kept = kept.and_then(|section| section.files.get(&path.document));
    let blob = kept
        .and_then(|file| file.blob.as_deref())
        .ok_or_else(none)?;
    let About::Form(form) = &document.source.said.about else {
        return Err(none());
    };
    let facts = form.documents.get(&path.document);
    let kind = facts.map_or("application/octet-stream", |facts| facts.kind.as_str());
    let key = BlobKey::new(tenant, blob).map_err(Problem::internal)?;
    let opened = deps.blobs.get(&key).await.map_err(|error| match error {
        BlobError::NotFound => none(),
        error => Problem::internal(error),
    })?;
    let given = facts.and_then(|facts| facts.name.as_deref());
    let name = file_name(given.unwrap_or(&path.document), blob);
    let mut response = Response::new(Body::from_stream(opened.content));
    let headers = response.headers_mut();
    let text = |text: String| HeaderValue::try_from(text).map_err(Problem::internal);
    headers.insert(CONTENT_TYPE, text(kind.to_owned())?);
    headers.insert(CONTENT_LENGTH, HeaderValue::from(opened.size_bytes));
    headers.insert(
        CONTENT_DISPOSITION,
        text(format!("attachment; filename=\"{name}\""))?,
    );
    const FIXED: [(HeaderName, &str); 3] = [
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (CACHE_CONTROL, "private, no-store"),
        (CONTENT_SECURITY_POLICY, "sandbox; default-src 'none'"),
    ];
    for (name, value) in FIXED {
        headers.insert(name, HeaderValue::from_static(value));
    }
    Ok(response)
}

/// A name under which the file is harmless to save: plain letters of what its sender calls it, and the ending of what it is.
fn file_name(given: &str, blob: &str) -> String {
    // Only a plain ending is one.
    let ends = |ending: &str| (1..=5).contains(&ending.len()) && !ending.contains(['/', '\\']);
    let stem = match given.rsplit_once('.') {
        Some((stem, ending)) if ends(ending) => stem,
        _ => given,
    };
    let plain: String = stem
        .chars()
        .map(|c| {
            if c.is_ascii_alphanumeric() || c == '-' {
                c
            } else {
                '_'
            }
        })
        .take(MAX_NAME)
        .collect();
    let stem = match plain.trim_matches('_') {
        "" => "document",
        plain => plain,
    };
    let ending = blob.rsplit_once('.').map_or("bin", |(_, ending)| ending);
    format!("{stem}.{ending}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_saved_under_a_harmless_name() {
        for (given, expected) in [
            ("kitchen plan.pdf", "kitchen_plan.pdf"),
            ("../../etc/passwd", "etc_passwd.pdf"),
            ("..\\..\\run.exe", "run.pdf"),
            ("a\"; filename=\"b.html", "a___filename__b.pdf"),
            ("Küche\r\nX: y", "K_che__X__y.pdf"),
            ("", "document.pdf"),
            ("....", "document.pdf"),
            ("file-5f3d", "file-5f3d.pdf"),
        ] {
            assert_eq!(file_name(given, "req_1-5e5e.pdf"), expected, "{given}");
        }
        assert_eq!(file_name(&"x".repeat(500), "a.bin").len(), MAX_NAME + 4);
    }
}
