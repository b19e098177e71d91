//! Uploads: resumable ones, and those of one request.

use std::collections::BTreeMap;
use std::io::{self, SeekFrom};
use std::sync::Arc;

use axum::Json;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use futures::{Stream, StreamExt as _};
use serde_json::Value;
use tokio::fs::{File, OpenOptions};
use tokio::io::{AsyncReadExt as _, AsyncSeekExt as _, AsyncWriteExt as _};
use tokio::sync::Mutex;
use tokio::task::spawn_blocking;

use super::multipart::{multipart, text};
use super::objects::{Content, Draft, Object, Sums};
use super::{Parameters, Sim, Storage, disk, invalid};
use crate::extract::{Authorized, Path};
use crate::fault::Fault;
use crate::provider::{Provider as _, Shared, lock};

/// All pieces but the last are a multiple of this, and so is what is kept of one that broke off.
const QUANTUM_BYTES: u64 = 256 * 1024;
const METADATA_LIMIT_BYTES: usize = 1024 * 1024;
/// The number of uploads that are kept. The real ones expire after a week.
const KEPT_UPLOADS: usize = 1000;

/// The resumable uploads.
#[derive(Default)]
pub(super) struct Uploads {
    last: u64,
    by_id: BTreeMap<u64, Arc<Mutex<Upload>>>,
}

/// A resumable upload.
struct Upload {
    draft: Draft,
    stage: Stage,
}

enum Stage {
    Open {
        content: Content,
        written_bytes: u64,
    },
    /// Its content was refused.
    Failed,
    Finished(Arc<Object>),
}

impl Uploads {
    pub(super) fn open(&self) -> usize {
        let uploads = self.by_id.values();
        // One that is locked is being written, so it is not finished.
        uploads
            .filter(|upload| {
                upload
                    .try_lock()
                    .map_or(true, |upload| matches!(upload.stage, Stage::Open { .. }))
            })
            .count()
    }

    fn begin(&mut self, upload: Upload) -> u64 {
        self.last += 1;
        self.by_id.insert(self.last, Arc::new(Mutex::new(upload)));
        if self.by_id.len() > KEPT_UPLOADS {
            self.by_id.pop_first();
        }
        self.last
    }
}

/// `POST`: starts a resumable upload, or stores a whole object.
pub(super) async fn start(
    State(sim): Sim,
    _: Authorized<Storage>,
    Path(bucket): Path<String>,
    parameters: Parameters,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Response> {
    let line = format!("POST /upload/storage/v1/b/{bucket}/o");
    match parameters.upload_type.as_deref() {
        Some("resumable") => begin(&sim, bucket, parameters, &headers, body).await,
        Some("multipart") => {
            let (json, media, trailer) = multipart(&headers, body).await?;
            let mut draft = Draft::new(bucket, parameters.name, &json, parameters.conditions)?;
            draft.expected.add(&headers);
            draft.expected.add_json(&trailer);
            draft.content_type = draft.content_type.or(media.content_type);
            let pieces = futures::stream::iter([Ok::<_, io::Error>(media.bytes)]);
            whole(&sim, &line, draft, pieces).await
        }
        Some("media") => {
            let mut draft =
                Draft::new(bucket, parameters.name, &Value::Null, parameters.conditions)?;
            draft.expected.add(&headers);
            draft.content_type = text(&headers, "content-type");
            whole(&sim, &line, draft, body.into_data_stream()).await
        }
        _ => Err(invalid("uploadType must be media, multipart or resumable.")),
    }
}

async fn begin(
    sim: &Shared<Storage>,
    bucket: String,
    parameters: Parameters,
    headers: &HeaderMap,
    body: Body,
) -> Result<Response, Response> {
    let json = to_bytes(body, METADATA_LIMIT_BYTES).await;
    let json = json.map_err(|_| invalid("The metadata is too large."))?;
    let json: Value = if json.is_empty() {
        Value::Null
    } else {
        serde_json::from_slice(&json).map_err(|_| invalid("Parse Error"))?
    };
    let mut draft = Draft::new(
        bucket.clone(),
        parameters.name,
        &json,
        parameters.conditions,
    )?;
    let announced = text(headers, "x-upload-content-type");
    draft.content_type = draft.content_type.or(announced);
    let objects = &sim.provider.objects;
    let before = objects.find(&draft.bucket, &draft.name);
    draft
        .conditions
        .check(before.map_or(0, |object| object.generation))?;
    let stage = Stage::Open {
        content: objects.new_content().map_err(|error| disk(&error))?,
        written_bytes: 0,
    };
    let id = lock(&sim.provider.uploads).begin(Upload { draft, stage });
    let path = format!("/upload/storage/v1/b/{bucket}/o?uploadType=resumable&upload_id={id}");
    let location = format!("{}{path}", sim.base_url);
    let location = HeaderValue::from_str(&location).map_err(|_| invalid("Invalid bucket name."))?;
    Ok(([(header::LOCATION, location)], StatusCode::OK).into_response())
}

/// `PUT`: a piece of a resumable upload, or a request for its status. Whoever knows the URL may do it.
pub(super) async fn resume(
    State(sim): Sim,
    Path(bucket): Path<String>,
    parameters: Parameters,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Response> {
    let upload = parameters
        .upload_id
        .and_then(|id| lock(&sim.provider.uploads).by_id.get(&id).cloned());
    let upload = upload.ok_or_else(|| Storage::refuse(StatusCode::NOT_FOUND))?;
    let piece =
        Piece::read(&headers).ok_or_else(|| invalid("Failed to parse Content-Range header."))?;
    let mut upload = upload.lock().await;
    let Upload { draft, stage } = &mut *upload;
    let (content, written_bytes) = match stage {
        Stage::Open {
            content,
            written_bytes,
        } => (content, written_bytes),
        Stage::Finished(object) => {
            return Ok(Json(object.resource(&sim.base_url)).into_response());
        }
        Stage::Failed => return Err(Storage::refuse(StatusCode::GONE)),
    };
    let kept = *written_bytes / QUANTUM_BYTES * QUANTUM_BYTES;
    let is_last = match piece {
        Piece::Status { total } => total == Some(*written_bytes),
        Piece::Bytes { start, .. } if start > kept => false,
        Piece::Bytes { start, end, total } => {
            *written_bytes = kept;
            let sent = write(
                content,
                kept,
                kept - start,
                written_bytes,
                body.into_data_stream(),
            )
            .await;
            sent.map_err(|error| disk(&error))?;
            piece.check(*written_bytes)?;
            total.is_some() && total == end || end.is_none()
        }
    };
    if !is_last {
        return Ok(incomplete(*written_bytes / QUANTUM_BYTES * QUANTUM_BYTES));
    }
    draft.expected.add(&headers);
    let Stage::Open { content, .. } = std::mem::replace(stage, Stage::Failed) else {
        return Err(Storage::refuse(StatusCode::GONE));
    };
    let line = format!("PUT /upload/storage/v1/b/{bucket}/o");
    let object = finish(&sim, &line, draft.clone(), content).await?;
    *stage = Stage::Finished(Arc::clone(&object));
    Ok(Json(object.resource(&sim.base_url)).into_response())
}

/// `DELETE`: cancels a resumable upload.
pub(super) async fn cancel(State(sim): Sim, parameters: Parameters) -> Response {
    let found = parameters
        .upload_id
        .and_then(|id| lock(&sim.provider.uploads).by_id.remove(&id));
    match found {
        // Source: "Performing resumable uploads", cancelling: 499 is its success.
        Some(_) => StatusCode::from_u16(499).map_or_else(
            |_| StatusCode::NO_CONTENT.into_response(),
            IntoResponse::into_response,
        ),
        None => Storage::refuse(StatusCode::NOT_FOUND),
    }
}

/// The meaning of `content-range`. An end is the byte after the last, a total is the length of the object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Piece {
    Status {
        total: Option<u64>,
    },
    Bytes {
        start: u64,
        end: Option<u64>,
        total: Option<u64>,
    },
}

impl Piece {
    /// Without the header, the body is the whole object.
    fn read(headers: &HeaderMap) -> Option<Self> {
        match headers.get(header::CONTENT_RANGE) {
            None => Some(Self::Bytes {
                start: 0,
                end: None,
                total: None,
            }),
            Some(range) => Self::parse(range.to_str().ok()?),
        }
    }

    fn parse(text: &str) -> Option<Self> {
        let known = |text: &str| match text {
            "*" => Some(None),
            number => number.parse::<u64>().ok().map(Some),
        };
        let (range, total) = text.strip_prefix("bytes ")?.split_once('/')?;
        let total = known(total)?;
        if range == "*" {
            return Some(Self::Status { total });
        }
        let (start, last) = range.split_once('-')?;
        let start = start.parse().ok()?;
        let end = known(last)?.map(|last| last.saturating_add(1));
        let fits = end.is_none_or(|end| end > start && total.is_none_or(|total| end <= total));
        fits.then_some(Self::Bytes { start, end, total })
    }

    /// Checks that the header describes what was received.
    fn check(self, written_bytes: u64) -> Result<(), Response> {
        let Self::Bytes {
            end: Some(end),
            total,
            ..
        } = self
        else {
            return Ok(());
        };
        if written_bytes != end {
            return Err(invalid(
                "Invalid request. The body is not as long as Content-Range says.",
            ));
        }
        if total != Some(end) && end % QUANTUM_BYTES != 0 {
            return Err(invalid(
                "Invalid request. The number of bytes uploaded is required to be a multiple of 262144, except for the final request.",
            ));
        }
        Ok(())
    }
}

/// 308 with the bytes that are stored.
fn incomplete(kept_bytes: u64) -> Response {
    let mut response = StatusCode::PERMANENT_REDIRECT.into_response();
    if let Some(last) = kept_bytes.checked_sub(1)
        && let Ok(range) = HeaderValue::from_str(&format!("bytes=0-{last}"))
    {
        response.headers_mut().insert(header::RANGE, range);
    }
    response
}

/// Writes a body at `start`, without its first `skipped` bytes. `written_bytes` is updated after every piece, so that it
/// is correct even if this future is dropped.
async fn write<E: Into<axum::BoxError>>(
    content: &Content,
    start: u64,
    skipped: u64,
    written_bytes: &mut u64,
    pieces: impl Stream<Item = Result<Bytes, E>>,
) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).open(content.path()).await?;
    file.set_len(start).await?;
    file.seek(SeekFrom::Start(start)).await?;
    let mut pieces = std::pin::pin!(pieces);
    let mut skipped = usize::try_from(skipped).unwrap_or(usize::MAX);
    while let Some(piece) = pieces.next().await {
        let mut piece = piece.map_err(io::Error::other)?;
        let skip = skipped.min(piece.len());
        skipped -= skip;
        let piece = piece.split_off(skip);
        file.write_all(&piece).await?;
        file.flush().await?;
        *written_bytes += piece.len() as u64;
    }
    Ok(())
}

/// Stores an object whose whole content is in one request.
async fn whole<E: Into<axum::BoxError>>(
    sim: &Shared<Storage>,
    line: &str,
    draft: Draft,
    pieces: impl Stream<Item = Result<Bytes, E>>,
) -> Result<Response, Response> {
    let content = sim
        .provider
        .objects
        .new_content()
        .map_err(|error| disk(&error))?;
    let sent = write(&content, 0, 0, &mut 0, pieces).await;
    sent.map_err(|error| disk(&error))?;
    let object = finish(sim, line, draft, content).await?;
    Ok(Json(object.resource(&sim.base_url)).into_response())
}

/// Checks the content and stores the object.
async fn finish(
    sim: &Shared<Storage>,
    line: &str,
    draft: Draft,
    content: Content,
) -> Result<Arc<Object>, Response> {
    if sim.control.strikes(line, &Fault::Altered) {
        alter(&content).await.map_err(|error| disk(&error))?;
    }
    let path = content.path().to_owned();
    let sums = spawn_blocking(move || Sums::of(&path))
        .await
        .map_err(io::Error::other);
    let sums = sums.and_then(|sums| sums).map_err(|error| disk(&error))?;
    sim.provider
        .objects
        .store(draft, content, sums, sim.control.now())
}

/// Inverts the first byte.
async fn alter(content: &Content) -> io::Result<()> {
    let mut file: File = OpenOptions::new()
        .read(true)
        .write(true)
        .open(content.path())
        .await?;
    let first = file.read_u8().await?;
    file.rewind().await?;
    file.write_u8(!first).await?;
    file.flush().await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_ranges_are_read_in_all_forms() {
        let bytes = |start, end, total| Some(Piece::Bytes { start, end, total });
        for (text, expected) in [
            ("bytes */*", Some(Piece::Status { total: None })),
            ("bytes */0", Some(Piece::Status { total: Some(0) })),
            ("bytes 0-9/10", bytes(0, Some(10), Some(10))),
            ("bytes 0-9/*", bytes(0, Some(10), None)),
            ("bytes 5-*/*", bytes(5, None, None)),
            ("bytes 5-9/9", None),
            ("bytes 5-4/9", None),
            ("5-9/10", None),
            ("bytes 5/10", None),
            ("bytes a-9/10", None),
        ] {
            assert_eq!(Piece::parse(text), expected, "{text}");
        }
    }
}
