//! The header `Idempotency-Key`: a call that its caller named is done once, and a repeat is answered as the first was.
//!
//! The name is the caller's own, in their present role, and its tenant's. Successful answers are kept for 24 hours; after one that failed, the
//! name is free again. An answer with a secret is not kept: the handler says so with [`NotKept`], or with [`Itself`] if
//! what it creates tells a repeat by itself. A process that dies after a handler has written and before its answer is kept
//! leaves the name free after a minute.

use std::{sync::Arc, time::Duration};

use axum::{
    body::Body,
    extract::{FromRequestParts, Request},
    middleware::Next,
    response::{IntoResponse as _, Response},
};
use domain::TenantId;
use http::{
    HeaderMap, HeaderName, HeaderValue, StatusCode,
    header::{CONTENT_TYPE, ETAG, IF_MATCH, LOCATION},
    request::Parts,
};
use runtime::{Problem, TraceContext, read_body};
use store::{Begun, Call, CallAnswer, Store};
use tracing::Instrument as _;

use crate::{Deps, auth::Role};

/// The header's name.
pub(crate) const HEADER: &str = "Idempotency-Key";

/// Says of an answer that an earlier call made it.
static REPLAYED: HeaderName = HeaderName::from_static("idempotent-replayed");

const MAX_CHARS: usize = 255;
/// The largest body of a call with a name: as of any other.
const MAX_BODY_BYTES: usize = 2 * 1024 * 1024;
/// The longest answer that is kept.
const MAX_KEPT_BYTES: usize = 64 * 1024;
/// When to ask again after a call that still runs.
const RUNNING_PAUSE: Duration = Duration::from_secs(1);

/// An answer that must not be kept: it holds a secret.
#[derive(Debug, Clone, Copy)]
pub(crate) struct NotKept;

/// An answer to a call whose handler tells repeats by itself.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Itself;

/// What a caller calls a call, so that it can be repeated: none, or 1 to 255 visible ASCII characters.
#[derive(Debug)]
pub(crate) struct IdempotencyKey(pub(crate) Option<String>);

impl IdempotencyKey {
    /// What is to name that which this call creates, however often it is made; none for a call without a name. Each
    /// caller has names of their own.
    pub(crate) fn of_call(&self, subject: &str) -> Option<String> {
        // A key holds no white space.
        self.0.as_ref().map(|key| format!("call/{key} {subject}"))
    }
}

impl FromRequestParts<Deps> for IdempotencyKey {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &Deps) -> Result<Self, Problem> {
        key(&parts.headers).map(Self)
    }
}

/// The name that a call has.
///
/// # Errors
/// 422 for one that is none.
pub(crate) fn key(headers: &HeaderMap) -> Result<Option<String>, Problem> {
    let mut values = headers.get_all(HEADER).iter();
    let Some(value) = values.next() else {
        return Ok(None);
    };
    value
        .to_str()
        .ok()
        .filter(|key| (1..=MAX_CHARS).contains(&key.len()) && values.next().is_none())
        .filter(|key| key.bytes().all(|byte| byte.is_ascii_graphic()))
        .map(|key| Some(key.to_owned()))
        .ok_or_else(|| {
            Problem::unprocessable("A header is not valid. See `errors`.").with_error(
                HEADER,
                format!(
                    "one key of 1 to {MAX_CHARS} letters, digits and signs, without white space"
                ),
            )
        })
}

/// Whose call it is, and what they call it.
pub(crate) struct Named {
    pub(crate) tenant: Option<TenantId>,
    pub(crate) subject: String,
    /// As what they call: whoever lost a role is not answered what they might ask for before.
    pub(crate) role: Option<Role>,
    pub(crate) key: String,
}

/// Answers a call that has a name.
///
/// # Errors
/// 409 while an equal one runs, or if its answer is gone; 422 if the name belongs to another call.
pub(crate) async fn answer(
    store: Arc<dyn Store>,
    named: Named,
    request: Request,
    next: Next,
) -> Result<Response, Problem> {
    let (parts, body) = request.into_parts();
    let body = read_body(body, MAX_BODY_BYTES).await?;
    let target = parts
        .uri
        .path_and_query()
        .map_or("/", |target| target.as_str());
    let mut asked = vec![parts.method.as_str().as_bytes(), target.as_bytes(), &body];
    // Another version is another change.
    asked.extend(
        parts
            .headers
            .get_all(IF_MATCH)
            .iter()
            .map(HeaderValue::as_bytes),
    );
    let role = named.role.map_or("none", Role::as_str);
    let subject = format!("{role} {}", named.subject);
    let call = Call::new(named.tenant, &subject, &named.key, &asked);
    let is_repeat = match store.begin_call_across_tenants(&call).await? {
        Begun::Now => false,
        Begun::Before(CallAnswer::Itself) => true,
        Begun::Before(CallAnswer::Kept {
            status,
            content_type,
            location,
            etag,
            body,
        }) => {
            let headers = [
                (CONTENT_TYPE, Some(content_type)),
                (LOCATION, location),
                (ETAG, etag),
            ];
            return kept(status, headers, body);
        }
        Begun::Before(CallAnswer::NotKept) => return Err(Problem::idempotency_answer_gone()),
        Begun::Running => return Err(Problem::idempotency_key_in_use(RUNNING_PAUSE)),
        Begun::Other => {
            return Err(Problem::idempotency_key_reused().with_error(
                HEADER,
                "a key that was not used before: this one named another call",
            ));
        }
    };
    let request = Request::from_parts(parts, Body::from(body));
    // Its handler runs to the end, whether its caller still waits or not: whoever repeats the call wants its answer.
    let run = async move {
        let response = next.run(request).await;
        if is_repeat {
            return Ok(response);
        }
        let (response, answer) = keep(response).await?;
        if let Err(error) = store.end_call_across_tenants(&call, answer.as_ref()).await {
            // The call was done; a repeat within a minute is told that it still runs.
            tracing::warn!("the answer of a named call was not kept: {error}");
        }
        Ok(response)
    };
    let run = run.in_current_span();
    let task = match TraceContext::current() {
        Some(trace) => tokio::spawn(trace.scope(run)),
        None => tokio::spawn(run),
    };
    task.await
        .map_err(|error| Problem::internal(format!("the handler did not end: {error}")))?
}

/// The answer, and what to keep of it.
async fn keep(response: Response) -> Result<(Response, Option<CallAnswer>), Problem> {
    if !response.status().is_success() {
        return Ok((response, None));
    }
    if response.extensions().get::<Itself>().is_some() {
        return Ok((response, Some(CallAnswer::Itself)));
    }
    if response.extensions().get::<NotKept>().is_some() {
        return Ok((response, Some(CallAnswer::NotKept)));
    }
    let (parts, body) = response.into_parts();
    let body = read_body(body, usize::MAX).await?;
    let text = |name: HeaderName| {
        let value = parts.headers.get(name)?.to_str().ok()?;
        Some(value.to_owned())
    };
    let answer = if body.len() <= MAX_KEPT_BYTES {
        CallAnswer::Kept {
            status: parts.status.as_u16(),
            content_type: text(CONTENT_TYPE).unwrap_or_default(),
            location: text(LOCATION),
            etag: text(ETAG),
            body: body.to_vec(),
        }
    } else {
        CallAnswer::NotKept
    };
    Ok((Response::from_parts(parts, Body::from(body)), Some(answer)))
}

/// What the first call was answered.
fn kept(
    status: u16,
    kept: [(HeaderName, Option<String>); 3],
    body: Vec<u8>,
) -> Result<Response, Problem> {
    let status = StatusCode::from_u16(status).map_err(Problem::internal)?;
    let mut response = (status, body).into_response();
    let headers = response.headers_mut();
    headers.remove(CONTENT_TYPE);
    for (name, value) in kept {
        let value = value.filter(|value| !value.is_empty());
        if let Some(Ok(value)) = value.map(HeaderValue::try_from) {
            headers.insert(name, value);
        }
    }
    headers.insert(REPLAYED.clone(), HeaderValue::from_static("true"));
    Ok(response)
}
