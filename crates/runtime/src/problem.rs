//! Errors at the HTTP edge. Source: RFC 9457, Problem Details for HTTP APIs.

use std::{fmt, time::Duration};

use axum::response::{IntoResponse, Response};
use domain::StoreError;
use http::{
    HeaderMap, HeaderName, HeaderValue, StatusCode,
    header::{CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE},
};
use serde::Serialize;
use serde_json::{Map, Value};

use crate::{
    TraceContext,
    problem_types::{self as types, ProblemType},
};

/// An error as a caller gets it: a stable type, and a `detail` that says what to do.
///
/// The log gets another field, [`with_cause`](Self::with_cause), which is never shown to the caller.
pub struct Problem(Box<Parts>);

struct Parts {
    of: &'static ProblemType,
    detail: String,
    errors: Vec<FieldError>,
    members: Map<String, Value>,
    headers: HeaderMap,
    cause: Option<String>,
}

/// One thing that is wrong with a request's content.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FieldError {
    /// The path of the field: `offices[0].zip`.
    pub field: String,
    /// What kind of fault, for programs: `missing`; `invalid` where nothing more is known.
    pub code: &'static str,
    /// What is wrong with it.
    pub message: String,
}

#[derive(Serialize)]
struct Document<'a> {
    r#type: fmt::Arguments<'a>,
    title: &'a str,
    status: u16,
    detail: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    request_id: Option<String>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    errors: &'a [FieldError],
    #[serde(flatten)]
    members: &'a Map<String, Value>,
}

impl Problem {
    /// A problem of this type.
    pub fn new(of: &'static ProblemType, detail: impl Into<String>) -> Self {
        Self(Box::new(Parts {
            of,
            detail: detail.into(),
            errors: Vec::new(),
            members: Map::new(),
            headers: HeaderMap::new(),
            cause: None,
        }))
    }

    /// 400: the request cannot be understood.
    pub fn bad_request(detail: impl Into<String>) -> Self {
        Self::new(&types::BAD_REQUEST, detail)
    }

    /// 401, with the `WWW-Authenticate` header that RFC 9110 requires.
    pub fn unauthorized(detail: impl Into<String>) -> Self {
        Self::new(&types::UNAUTHORIZED, detail)
            .with_header(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"))
    }

    /// 403: the caller is known and may not do this.
    pub fn forbidden(detail: impl Into<String>) -> Self {
        Self::new(&types::FORBIDDEN, detail)
    }

    /// 404, also for another tenant's things.
    pub fn not_found(detail: impl Into<String>) -> Self {
        Self::new(&types::NOT_FOUND, detail)
    }

    pub fn method_not_allowed() -> Self {
        let detail =
            "The path exists, the method does not. Use one of those in the `Allow` header.";
        Self::new(&types::METHOD_NOT_ALLOWED, detail)
    }

    /// 408: the body did not arrive in time.
    pub fn request_timeout() -> Self {
        let detail = "The body did not arrive in time. Send the request again.";
        Self::new(&types::REQUEST_TIMEOUT, detail)
    }

    /// 409: the current state does not allow it.
    pub fn conflict(detail: impl Into<String>) -> Self {
        Self::new(&types::CONFLICT, detail)
    }

    /// 409: an equal call under the same `Idempotency-Key` is still running.
    pub fn idempotency_key_in_use(retry_after: Duration) -> Self {
        let detail =
            "An equal call is still running. Try again after the time in the `Retry-After` header.";
        Self::new(&types::IDEMPOTENCY_KEY_IN_USE, detail).with_retry_after(retry_after)
    }

    /// 409: an equal call succeeded, and its answer was not kept.
    pub fn idempotency_answer_gone() -> Self {
        let detail = "The call succeeded before, and its answer is not kept. Look at what it made.";
        Self::new(&types::IDEMPOTENCY_ANSWER_GONE, detail)
    }

    /// 422: the `Idempotency-Key` named another call.
    pub fn idempotency_key_reused() -> Self {
        let detail =
            "The `Idempotency-Key` was used for another call. Send this one under a new key.";
        Self::new(&types::IDEMPOTENCY_KEY_REUSED, detail)
    }

    /// 412: the caller saw another version than the newest.
    pub fn precondition_failed(detail: impl Into<String>) -> Self {
        Self::new(&types::PRECONDITION_FAILED, detail)
    }

    /// 413: the body is larger than any that is taken here.
    pub fn too_large_here() -> Self {
        Self::new(&types::TOO_LARGE, "Send less.")
    }

    /// 413: the body is larger than `limit_bytes`.
    pub fn too_large(limit_bytes: usize) -> Self {
        let detail = format!("The body is larger than {limit_bytes} bytes. Send less.");
        Self::new(&types::TOO_LARGE, detail)
    }

    /// 415: the body has another media type than `expected`.
    pub fn unsupported_media_type(expected: &'static str) -> Self {
        let detail =
            format!("Send the body as `{expected}` and say so in the `Content-Type` header.");
        Self::new(&types::UNSUPPORTED_MEDIA_TYPE, detail)
    }

    /// 422: the content is not valid. Say why with [`with_error`](Self::with_error).
    pub fn unprocessable(detail: impl Into<String>) -> Self {
        Self::new(&types::UNPROCESSABLE, detail)
    }

    /// 428: the caller must say which version they change.
    pub fn precondition_required(detail: impl Into<String>) -> Self {
        Self::new(&types::PRECONDITION_REQUIRED, detail)
    }

    /// 429: this caller is over its rate limit.
    pub fn too_many_requests(retry_after: Duration) -> Self {
        let detail = "You are over your rate limit. Wait for the time in the `Retry-After` header.";
        Self::new(&types::TOO_MANY_REQUESTS, detail).with_retry_after(retry_after)
    }

    /// 500. The cause goes to the log alone.
    pub fn internal(cause: impl fmt::Display) -> Self {
        let detail =
            "It failed on our side. Try again; if it fails again, send us the `request_id`.";
        Self::new(&types::INTERNAL, detail).with_cause(cause)
    }

    /// 503: we are at capacity, starting or ending.
    pub fn unavailable(detail: impl Into<String>, retry_after: Duration) -> Self {
        Self::new(&types::UNAVAILABLE, detail).with_retry_after(retry_after)
    }

    /// Adds one fault of the content.
    #[must_use]
    pub fn with_error(self, field: impl Into<String>, message: impl Into<String>) -> Self {
        self.with_coded_error(field, "invalid", message)
    }

    /// Adds one fault of the content, with a code for programs.
    #[must_use]
    pub fn with_coded_error(
        mut self,
        field: impl Into<String>,
        code: &'static str,
        message: impl Into<String>,
    ) -> Self {
        self.0.errors.push(FieldError {
            field: field.into(),
            code,
            message: message.into(),
        });
        self
    }

    /// Adds a member of the problem's own, beside those that every problem has.
    #[must_use]
    pub fn with_member(mut self, name: impl Into<String>, value: Value) -> Self {
        self.0.members.insert(name.into(), value);
        self
    }

    /// Adds `Retry-After`, in whole seconds, rounded up.
    #[must_use]
    pub fn with_retry_after(self, wait: Duration) -> Self {
        let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
        self.with_header(RETRY_AFTER, HeaderValue::from(seconds))
    }

    /// Adds a header, or replaces the one of this name.
    #[must_use]
    pub fn with_header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.0.headers.insert(name, value);
        self
    }

    /// Adds what the log gets when the problem is sent. Never shown to the caller.
    #[must_use]
    pub fn with_cause(mut self, cause: impl fmt::Display) -> Self {
        self.0.cause = Some(cause.to_string());
        self
    }

    pub fn status(&self) -> StatusCode {
        self.0.of.status
    }
}

/// What the store could not do.
impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Busy => Self::unavailable(
                "The service is busy. Try again after the time in the `Retry-After` header.",
                Duration::from_secs(1),
            ),
            StoreError::NotFound => Self::not_found("There is no such thing."),
            StoreError::Conflict(reason) => Self::conflict(sentence(&reason)),
            StoreError::Outdated { .. } => Self::precondition_failed(sentence(&error.to_string())),
            StoreError::Failed(_) | StoreError::Corrupt(_) => Self::internal(error),
        }
    }
}

/// Words as a sentence; sentences stay as they are.
fn sentence(words: &str) -> String {
    let mut letters = words.trim_end_matches('.').chars();
    let first = letters.next().into_iter().flat_map(char::to_uppercase);
    first.chain(letters).chain(['.']).collect()
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let Parts {
            of:
                ProblemType {
                    kind,
                    status,
                    title,
                    ..
                },
            detail,
            errors,
            members,
            mut headers,
            cause,
        } = *self.0;
        if let Some(cause) = cause {
            if status.is_server_error() {
                tracing::error!(%cause, kind, "sent a problem");
            } else {
                tracing::info!(%cause, kind, "sent a problem");
            }
        }
        let request_id = TraceContext::current().map(|trace| trace.trace_id().to_string());
        let (detail, errors) = (detail.as_str(), errors.as_slice());
        let body = serde_json::to_vec(&Document {
            r#type: format_args!("/problems/{kind}"),
            title,
            status: status.as_u16(),
            detail,
            request_id,
            errors,
            members: &members,
        })
        .expect("a problem is expressible in JSON");
        headers.insert(
            CONTENT_TYPE,
            HeaderValue::from_static("application/problem+json"),
        );
        (*status, headers, body).into_response()
    }
}

impl fmt::Debug for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "Problem({} {}: {})",
            self.0.of.status.as_u16(),
            self.0.of.kind,
            self.0.detail
        )
    }
}
