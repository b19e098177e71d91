//! Extractors whose rejections are [`Problem`]s.

use axum::{
    body::Body,
    extract::{FromRequest, FromRequestParts, Request, rejection::JsonRejection},
    response::{IntoResponse, Response},
};
use bytes::{Bytes, BytesMut};
use domain::text;
use http::request::Parts;
use http_body_util::BodyExt as _;
use serde::{Serialize, de::DeserializeOwned};

use crate::{Problem, server::is_late};

/// How much of a parser's message is shown, in characters.
const MAX_REASON: usize = 300;
/// How much of the path to what is no JSON is shown, in characters.
const MAX_PATH: usize = 60;
/// The largest JSON body that is read, in bytes, where a route sets no other limit.
pub(crate) const MAX_JSON_BYTES: usize = 2 * 1024 * 1024;

/// A JSON body, in and out. Rejections: 400 no JSON, 408 too slow, 413 too large, 415 other type, 422 other shape.
#[derive(Debug, Clone, Copy, Default)]
pub struct Json<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Json<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        match axum::Json::from_request(request, state).await {
            Ok(axum::Json(value)) => Ok(Self(value)),
            Err(rejection) => Err(json_problem(&rejection)),
        }
    }
}

impl<T: Serialize> IntoResponse for Json<T> {
    fn into_response(self) -> Response {
        axum::Json(self.0).into_response()
    }
}

/// Reads what a body says into a type.
///
/// # Errors
/// 422, as of [`Json`].
pub fn read_json<T: DeserializeOwned>(value: &serde_json::Value) -> Result<T, Problem> {
    if let Ok(read) = T::deserialize(value) {
        return Ok(read);
    }
    // A second time, so that the fault has its path.
    let bytes = serde_json::to_vec(value).map_err(Problem::internal)?;
    match axum::Json::from_bytes(&bytes) {
        Ok(axum::Json(read)) => Ok(read),
        Err(rejection) => Err(json_problem(&rejection)),
    }
}

/// A JSON body as it was sent, and what it says. Rejections: those of [`Json`].
#[derive(Debug, Clone)]
pub struct RawJson<T> {
    /// The body, byte for byte.
    pub bytes: Bytes,
    /// What it says.
    pub value: T,
}

impl<T> RawJson<T> {
    /// The largest body that is read.
    pub const MAX_BYTES: usize = 256 * 1024;
}

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for RawJson<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let (parts, body) = request.into_parts();
        let bytes = read_body(body, Self::MAX_BYTES).await?;
        let request = Request::from_parts(parts, Body::from(bytes.clone()));
        let Json(value) = Json::from_request(request, state).await?;
        Ok(Self { bytes, value })
    }
}

fn json_problem(rejection: &JsonRejection) -> Problem {
    let reason = innermost(rejection);
    match rejection {
        JsonRejection::MissingJsonContentType(_) => {
            Problem::unsupported_media_type("application/json")
        }
        JsonRejection::JsonSyntaxError(_) => {
            // Of a long path the end is left off, never the reason behind it.
            let (path, reason) = reason.rsplit_once(": ").unwrap_or(("", &reason));
            let reason = text::bounded(&without_value(reason), MAX_REASON);
            let at = match path {
                "" => String::new(),
                path => format!("at {}, ", text::bounded(path, MAX_PATH)),
            };
            Problem::bad_request(format!("The body is not JSON: {at}{reason}."))
        }
        JsonRejection::JsonDataError(_) => {
            // The path of the field comes before the first colon, unless it is the whole body.
            let (field, message) = reason
                .split_once(": ")
                .filter(|(path, _)| !path.contains(' '))
                .unwrap_or(("", &reason));
            let message = text::bounded(&without_value(message), MAX_REASON);
            Problem::unprocessable(
                "The body does not have the shape that this endpoint expects. See `errors`.",
            )
            .with_error(field, message)
        }
        _ if is_late(rejection) => Problem::request_timeout(),
        _ if rejection.status() == http::StatusCode::PAYLOAD_TOO_LARGE => {
            Problem::too_large(MAX_JSON_BYTES)
        }
        _ => Problem::bad_request("The body could not be read to its end. Send the request again."),
    }
}

/// The query string. Rejection: 400.
#[derive(Debug, Clone, Copy, Default)]
pub struct Query<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for Query<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let query = axum::extract::Query::try_from_uri(&parts.uri);
        query
            .map(|axum::extract::Query(value)| Self(value))
            .map_err(|rejection| {
                let reason = without_value(&innermost(&rejection));
                let reason = text::bounded(&reason, MAX_REASON);
                Problem::bad_request(format!("The query string is not valid: {reason}."))
            })
    }
}

/// The parameters of the path. Rejection: 404, because nothing is at a path that does not parse.
#[derive(Debug, Clone, Copy, Default)]
pub struct Path<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned + Send> FromRequestParts<S> for Path<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        match axum::extract::Path::from_request_parts(parts, state).await {
            Ok(axum::extract::Path(value)) => Ok(Self(value)),
            Err(_) => Err(Problem::not_found(
                "There is nothing at this path. Check the ids in it.",
            )),
        }
    }
}

/// Reads a body as it was sent, byte for byte.
///
/// # Errors
/// 413 over `limit_bytes`, before reading if the length is announced; 408 if it is too slow; 400 if it ends early.
pub async fn read_body(body: Body, limit_bytes: usize) -> Result<Bytes, Problem> {
    read_admitted(body, limit_bytes, |_| Ok(())).await
}

/// Reads a body. Before each piece is kept, `admit` decides whether that many bytes in all may be held.
pub(crate) async fn read_admitted(
    mut body: Body,
    limit_bytes: usize,
    mut admit: impl FnMut(usize) -> Result<(), Problem>,
) -> Result<Bytes, Problem> {
    let announced = hyper::body::Body::size_hint(&body).lower();
    if announced > limit_bytes as u64 {
        return Err(Problem::too_large(limit_bytes));
    }
    let mut first = Bytes::new();
    let mut all = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| {
            if is_late(&error) {
                Problem::request_timeout()
            } else {
                Problem::bad_request("The body ended early. Send the request again.")
            }
        })?;
        let Ok(piece) = frame.into_data() else {
            continue;
        };
        let so_far = first.len() + all.len() + piece.len();
        if so_far > limit_bytes {
            return Err(Problem::too_large(limit_bytes));
        }
        admit(so_far)?;
        // Most bodies arrive in one piece, which needs no copy then.
        if first.is_empty() && all.is_empty() {
            first = piece;
        } else {
            if all.is_empty() {
                all = BytesMut::from(std::mem::take(&mut first));
            }
            all.extend_from_slice(&piece);
        }
    }
    Ok(if all.is_empty() { first } else { all.freeze() })
}

/// A parser's message without the value that it is about. The value may be a secret in the wrong field, and answers are
/// stored by more programs than the one that asked. Names of fields stay.
pub fn without_value(reason: &str) -> String {
    const ABOUT_VALUES: [&str; 4] = [
        "invalid type: ",
        "invalid value: ",
        "invalid length ",
        "unknown variant ",
    ];
    if !ABOUT_VALUES.iter().any(|words| reason.starts_with(words)) {
        return reason.to_owned();
    }
    // The value comes first, and may contain these words, too.
    match reason.rsplit_once(", expected ") {
        Some((_, expected)) => format!("expected {expected}"),
        None => "it has the wrong type".to_owned(),
    }
}

fn innermost(error: &(dyn std::error::Error + 'static)) -> String {
    // One below the outermost is the parser's own error, with the field's path if there is one.
    error.source().unwrap_or(error).to_string()
}
