//! Stored objects: shown, read, listed, deleted.

use std::io::{self, SeekFrom};

use axum::Json;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use futures::stream;
use serde_json::{Value, json};
use tokio::fs::File;
use tokio::io::{AsyncReadExt as _, AsyncSeekExt as _, Take};

use super::objects::{Object, missing};
use super::{Parameters, Provider as _, Sim, Storage, disk};
use crate::extract::{Authorized, Path};
use crate::fault::Fault;

const PIECE_BYTES: usize = 64 * 1024;
/// Source: "Objects: list", `maxResults`.
const PAGE_MAX: usize = 1000;

/// `GET …/o/{object}`: its metadata, or with `alt=media` its content.
pub(super) async fn show(
    State(sim): Sim,
    _: Authorized<Storage>,
    Path((bucket, name)): Path<(String, String)>,
    parameters: Parameters,
    headers: HeaderMap,
) -> Result<Response, Response> {
    let is_media = parameters.alt.as_deref() == Some("media");
    let object = sim.provider.objects.find(&bucket, &name);
    let wanted = |object: &Object| {
        let wanted = parameters.generation;
        wanted.is_none_or(|wanted| wanted == object.generation)
    };
    let Some(object) = object.filter(|object| wanted(object)) else {
        // For content, the real one answers in plain text.
        let text = format!("No such object: {bucket}/{name}");
        return Err(if is_media {
            (StatusCode::NOT_FOUND, text).into_response()
        } else {
            missing(&bucket, &name)
        });
    };
    parameters.conditions.check(object.generation)?;
    if !is_media {
        return Ok(Json(object.resource(&sim.base_url)).into_response());
    }
    let line = format!("GET /storage/v1/b/{bucket}/o/{name}");
    let is_altered = sim.control.strikes(&line, &Fault::Altered);
    download(&object, &headers, is_altered).await
}

async fn download(
    object: &Object,
    headers: &HeaderMap,
    is_altered: bool,
) -> Result<Response, Response> {
    let size_bytes = object.sums.size_bytes;
    let (start, end) = match headers
        .get(header::RANGE)
        .and_then(|range| range.to_str().ok())
    {
        None => (0, size_bytes),
        Some(range) => wanted(range, size_bytes).ok_or_else(|| {
            let message = "The requested range cannot be satisfied.";
            Storage::error(StatusCode::RANGE_NOT_SATISFIABLE, message)
        })?,
    };
    let opened = open(object, start, end - start).await;
    let content = opened.map_err(|error| disk(&error))?;
    let pieces = stream::try_unfold((content, is_altered), async |(mut content, is_altered)| {
        let mut piece = vec![0; PIECE_BYTES];
        let read = content.read(&mut piece).await?;
        piece.truncate(read);
        if let (Some(first), true) = (piece.first_mut(), is_altered) {
            *first = !*first;
        }
        Ok::<_, io::Error>((read > 0).then(|| (Bytes::from(piece), (content, false))))
    });
    let mut response = Response::new(Body::from_stream(pieces));
    let mut set = |name: &'static str, value: &str| {
        if let Ok(value) = HeaderValue::from_str(value) {
            response.headers_mut().insert(name, value);
        }
    };
    let kind = object.draft.content_type.as_deref();
    set("content-type", kind.unwrap_or("application/octet-stream"));
    set("content-length", &(end - start).to_string());
    set("accept-ranges", "bytes");
    set("etag", &object.etag());
    set("x-goog-generation", &object.generation.to_string());
    set("x-goog-metageneration", "1");
    set("x-goog-storage-class", "STANDARD");
    set("x-goog-stored-content-encoding", "identity");
    set("x-goog-stored-content-length", &size_bytes.to_string());
    set(
        "x-goog-hash",
        &format!("crc32c={},md5={}", object.sums.crc32c(), object.sums.md5()),
    );
    if headers.contains_key(header::RANGE) {
        set(
            "content-range",
            &format!("bytes {start}-{}/{size_bytes}", end.saturating_sub(1)),
        );
        *response.status_mut() = StatusCode::PARTIAL_CONTENT;
    }
    Ok(response)
}

async fn open(object: &Object, start: u64, length: u64) -> io::Result<Take<File>> {
    let mut file = File::open(object.path()).await?;
    file.seek(SeekFrom::Start(start)).await?;
    Ok(file.take(length))
}

/// The bytes that a `Range` asks for: the first, and the one after the last.
fn wanted(range: &str, size_bytes: u64) -> Option<(u64, u64)> {
    let (start, last) = range.strip_prefix("bytes=")?.split_once('-')?;
    let (start, end) = match (start, last) {
        ("", last) => (size_bytes.saturating_sub(last.parse().ok()?), size_bytes),
        (start, "") => (start.parse().ok()?, size_bytes),
        (start, last) => {
            let end = last.parse::<u64>().ok()?.saturating_add(1);
            (start.parse().ok()?, end.min(size_bytes))
        }
    };
    (start < end).then_some((start, end))
}

/// `DELETE …/o/{object}`.
pub(super) async fn delete(
    State(sim): Sim,
    _: Authorized<Storage>,
    Path((bucket, name)): Path<(String, String)>,
    parameters: Parameters,
) -> Result<StatusCode, Response> {
    let mut conditions = parameters.conditions;
    conditions.if_generation_match = parameters.generation.or(conditions.if_generation_match);
    sim.provider.objects.remove(&bucket, &name, &conditions)?;
    Ok(StatusCode::NO_CONTENT)
}

/// `GET …/o`: the objects with a prefix, in pages.
pub(super) async fn list(
    State(sim): Sim,
    _: Authorized<Storage>,
    Path(bucket): Path<String>,
    parameters: Parameters,
) -> Response {
    let limit = parameters
        .max_results
        .unwrap_or(PAGE_MAX)
        .clamp(1, PAGE_MAX);
    let after = parameters.page_token.as_deref();
    let mut found = sim
        .provider
        .objects
        .list(&bucket, &parameters.prefix, after);
    let has_more = found.len() > limit;
    found.truncate(limit);
    let items: Vec<_> = found
        .iter()
        .map(|object| object.resource(&sim.base_url))
        .collect();
    let mut page = json!({ "kind": "storage#objects", "items": items });
    if let (Some(last), true) = (found.last(), has_more) {
        page["nextPageToken"] = Value::from(last.draft.name.as_str());
    }
    Json(page).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_cut_to_the_content() {
        for (range, expected) in [
            ("bytes=0-4", Some((0, 5))),
            ("bytes=8-20", Some((8, 10))),
            ("bytes=3-", Some((3, 10))),
            ("bytes=-4", Some((6, 10))),
            ("bytes=-40", Some((0, 10))),
            ("bytes=10-", None),
            ("bytes=5-4", None),
            ("bytes=a-", None),
            ("0-4", None),
        ] {
            assert_eq!(wanted(range, 10), expected, "{range}");
        }
    }
}
