//! The audio of a call, as it was archived: whole, or the part that a player asks for.
//!
//! Players of browsers send no token. They get a link that is good for one recording and a few minutes.

mod link;
mod range;

use axum::{Extension, body::Body, extract::State, response::Response};
use blobs::{BlobError, BlobKey};
use domain::{Audio, NoAudio, RequestId, TenantId};
use http::{
    HeaderMap, HeaderName, HeaderValue, StatusCode,
    header::{
        ACCEPT_RANGES, CACHE_CONTROL, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_SECURITY_POLICY,
        CONTENT_TYPE, ETAG, X_CONTENT_TYPE_OPTIONS,
    },
};
use jiff::Timestamp;
use runtime::{Json, Path, Problem};
use serde::Serialize;
use utoipa::ToSchema;

pub(crate) use self::link::Listener;
use super::{RequestPath, find};
use crate::{
    Deps,
    auth::TenantReader,
    idempotency::NotKept,
    problems::{Conflict, TenantProblems},
    sign_in::sign_in_of,
};

/// A link to a recording.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RecordingLink {
    /// The path of the recording with what opens it. Whoever has it can hear the recording, so it is treated like a token.
    url: String,
    /// Until when it is good.
    expires_at: Timestamp,
}

/// Makes a link by which a player hears the recording of a call, without a token.
///
/// It is good for 5 minutes, and for this recording alone.
#[utoipa::path(
    post,
    path = "/v1/tenants/{tenant_id}/requests/{request_id}/recording/link",
    tag = "requests",
    security(("bearer" = [])),
    params(("tenant_id" = String, Path, description = "The tenant's slug."), RequestPath),
    responses((status = OK, description = "The link.", body = RecordingLink), Conflict, TenantProblems)
)]
pub(crate) async fn link_recording(
    reader: TenantReader,
    Path(path): Path<RequestPath>,
    State(deps): State<Deps>,
) -> Result<(Extension<NotKept>, Json<RecordingLink>), Problem> {
    let (tenant, request) = (reader.tenant(), path.request_id);
    stored(&deps, tenant, request).await?;
    let (token, expires_at) =
        sign_in_of(&deps)?.link_to(reader.subject(), tenant, request, deps.clock.now())?;
    let link = RecordingLink {
        url: format!("/v1/tenants/{tenant}/requests/{request}/recording?link={token}"),
        expires_at,
    };
    Ok((Extension(NotKept), Json(link)))
}

/// The recording of a call, as it was archived.
///
/// A `Range` of bytes is answered with that part. One that cannot be read or that begins behind the end, and several at
/// once, are answered with the whole.
#[utoipa::path(
    get,
    path = "/v1/tenants/{tenant_id}/requests/{request_id}/recording",
    tag = "requests",
    security(("bearer" = [])),
    params(
        ("tenant_id" = String, Path, description = "The tenant's slug."),
        RequestPath,
        ("link" = Option<String>, Query, description = "What a link to it has, in place of a token."),
        ("Range" = Option<String>, Header, description = "The bytes that are asked for, such as `bytes=65536-`."),
        ("If-Range" = Option<String>, Header, description = "The `ETag` that the part must be of; else the whole is answered.")
    ),
    responses(
        (status = OK, description = "The whole file.", content_type = "audio/*", body = Vec<u8>,
         headers(("ETag" = String, description = "Its SHA-256."))),
        (status = PARTIAL_CONTENT, description = "The part that was asked for.", content_type = "audio/*", body = Vec<u8>,
         headers(
            ("ETag" = String, description = "The SHA-256 of the whole."),
            ("Content-Range" = String, description = "Which part it is, and how long the whole is."))),
        Conflict,
        TenantProblems
    )
)]
pub(crate) async fn hear_recording(
    listener: Listener,
    Path(path): Path<RequestPath>,
    State(deps): State<Deps>,
    asked: HeaderMap,
) -> Result<Response, Problem> {
    let tenant = listener.tenant();
    let file = stored(&deps, tenant, path.request_id).await?;
    let key = BlobKey::new(tenant, &file.name).map_err(Problem::internal)?;
    let tag = HeaderValue::try_from(format!("\"{}\"", file.sha256)).map_err(Problem::internal)?;
    let part = range::part(&asked, &tag, file.size_bytes);
    let failed = |error| match error {
        BlobError::NotFound => Problem::not_found("The recording is not kept any more."),
        error => Problem::internal(error),
    };
    let (status, length, content) = match &part {
        Some(part) => {
            let length = part.end - part.start;
            let content = deps.blobs.get_part(&key, part.start, length);
            let content = content.await.map_err(failed)?;
            (StatusCode::PARTIAL_CONTENT, length, content)
        }
        None => {
            let opened = deps.blobs.get(&key).await.map_err(failed)?;
            (StatusCode::OK, opened.size_bytes, opened.content)
        }
    };
    let mut response = Response::new(Body::from_stream(content));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    if let Some(part) = part {
        let which = format!("bytes {}-{}/{}", part.start, part.end - 1, file.size_bytes);
        let which = HeaderValue::try_from(which).map_err(Problem::internal)?;
        headers.insert(CONTENT_RANGE, which);
    }
    headers.insert(CONTENT_LENGTH, HeaderValue::from(length));
    headers.insert(ETAG, tag);
    let kind = HeaderValue::from_static(media_type(&file.name));
    headers.insert(CONTENT_TYPE, kind);
    const FIXED: [(HeaderName, &str); 4] = [
        (ACCEPT_RANGES, "bytes"),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (CACHE_CONTROL, "private, no-store"),
        (CONTENT_SECURITY_POLICY, "sandbox; default-src 'none'"),
    ];
    for (name, value) in FIXED {
        headers.insert(name, HeaderValue::from_static(value));
    }
    Ok(response)
}

/// A recording that is archived.
struct File {
    name: String,
    sha256: String,
    size_bytes: u64,
}

/// The recording of a request, or why there is none.
async fn stored(deps: &Deps, tenant: &TenantId, request: RequestId) -> Result<File, Problem> {
    let document = find(deps, tenant, request).await?.request.document;
    match document.recording.map(|section| section.audio) {
        Some(Audio::Stored {
            name,
            sha256,
            size_bytes,
            duration_ms: _,
        }) => Ok(File {
            name,
            sha256,
            size_bytes,
        }),
        Some(Audio::Absent { reason }) => Err(Problem::conflict(silence(reason))),
        None => Err(Problem::conflict(
            "The request has no recording: it did not come by phone, or its recording is still waited for.",
        )),
    }
}

/// Why a call cannot be heard.
const fn silence(reason: NoAudio) -> &'static str {
    match reason {
        NoAudio::NeverArrived => "The call has no recording: it was waited for, and never came.",
        NoAudio::NotRecorded => "The call was not recorded.",
        NoAudio::Empty => "The call has no recording: the file was empty.",
        NoAudio::Unreadable => "The call has no recording: the file was no audio that can be read.",
        NoAudio::UnknownCall => {
            "The call has no recording: its provider does not know the call any more."
        }
        NoAudio::NotConnected => {
            "The call has no recording: the account at its provider is not connected. Connect it and replay the request from \
             its stage `recording`."
        }
        NoAudio::TooLarge => "The call has no recording: the file was too large.",
    }
}

/// What a file is, by the ending that it was archived under.
fn media_type(name: &str) -> &'static str {
    match name.rsplit_once('.').map_or("", |(_, ending)| ending) {
        "mp3" => "audio/mpeg",
        "wav" => "audio/wav",
        _ => "application/octet-stream",
    }
}
