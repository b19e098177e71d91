//! The shell around every request.

use std::{
    any::Any,
    convert::Infallible,
    panic::AssertUnwindSafe,
    sync::Arc,
    task::{Context, Poll},
    time::Instant,
};

use axum::{
    Router,
    extract::{DefaultBodyLimit, MatchedPath, Request},
    response::{IntoResponse, Response},
};
use futures::{FutureExt as _, future::BoxFuture};
use http::{
    HeaderMap, HeaderName, HeaderValue, Method, StatusCode,
    header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS},
};
use tower::{Service, layer::layer_fn};
use tracing::Instrument as _;

use domain::metric_names;

use crate::{Problem, TraceContext, extract::MAX_JSON_BYTES};

/// The target of the one log line per request.
const ACCESS: &str = "http";

static REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Wraps routes: [`observed`], and problems for paths and methods that do not exist. A router with its own fallback uses
/// [`observed`] alone.
pub fn with_shell(routes: Router) -> Router {
    let no_path = async || {
        Problem::not_found("There is nothing at this path. Check it against the API's description.")
    };
    observed(
        routes
            .layer(DefaultBodyLimit::max(MAX_JSON_BYTES))
            .fallback(no_path)
            .method_not_allowed_fallback(async || Problem::method_not_allowed()),
    )
}

/// Wraps routes, so that each request gets a trace context (the caller's, if it sent a valid one), a span, one log line,
/// metrics, a 500 instead of a panic, `x-request-id`, and safe headers where the handler set none.
///
/// The log line has level `debug`, for failures of ours `warn`, so that the default level does not log every webhook. A 503
/// is `debug`, too: it sheds load, and must not cause more. Metrics count it.
pub fn observed(routes: Router) -> Router {
    routes.layer(layer_fn(|inner| Observed { inner }))
}

#[derive(Clone)]
struct Observed<S> {
    inner: S,
}

impl<S> Service<Request> for Observed<S>
where
    S: Service<Request, Response = Response, Error = Infallible, Future: Send + 'static>,
{
    type Response = Response;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Response, Infallible>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request) -> Self::Future {
        let started = Instant::now();
        let method = request.method().clone();
        let path = request.extensions().get::<MatchedPath>().cloned();
        let trace = match TraceContext::from_headers(request.headers()) {
            Some(parent) => parent.child(),
            None => TraceContext::generate(),
        };
        // A span costs more than everything else here, and log lines have the trace's id without it.
        let span = tracing::debug_span!(
            "request",
            method = method_name(&method),
            path = shown(path.as_ref())
        );
        let answer = AssertUnwindSafe(self.inner.call(request)).catch_unwind();
        let observed = async move {
            let mut response = match answer.await {
                Ok(Ok(response)) => response,
                Err(panic) => {
                    let cause = format!("panicked: {}", words_in_code(&*panic));
                    Problem::internal(cause).into_response()
                }
            };
            finish(&mut response, trace);
            report(&method, path.as_ref(), response.status(), trace, started);
            Ok(response)
        };
        Box::pin(trace.scope(observed).instrument(span))
    }
}

fn shown(path: Option<&MatchedPath>) -> &str {
    path.map_or("none", MatchedPath::as_str)
}

/// A panic's message, if it is a literal. A message that was formatted at run time may repeat what somebody sent, so then
/// only its place in the code is logged.
pub(crate) fn words_in_code(panic: &(dyn Any + Send)) -> &'static str {
    panic
        .downcast_ref::<&'static str>()
        .copied()
        .unwrap_or("with a message that is not logged")
}

/// Adds the request's id, and safe headers where the handler set none.
fn finish(response: &mut Response, trace: TraceContext) {
    let headers = response.headers_mut();
    if let Ok(id) = HeaderValue::try_from(trace.trace_id().to_string()) {
        headers.insert(REQUEST_ID.clone(), id);
    }
    or_else(headers, X_CONTENT_TYPE_OPTIONS, "nosniff");
    or_else(headers, CACHE_CONTROL, "no-store");
    or_else(headers, REFERRER_POLICY, "no-referrer");
    or_else(
        headers,
        CONTENT_SECURITY_POLICY,
        "default-src 'none'; frame-ancestors 'none'",
    );
}

fn or_else(headers: &mut HeaderMap, name: HeaderName, value: &'static str) {
    headers
        .entry(name)
        .or_insert(HeaderValue::from_static(value));
}

fn report(
    method: &Method,
    path: Option<&MatchedPath>,
    status: StatusCode,
    trace: TraceContext,
    started: Instant,
) {
    let latency = started.elapsed();
    let label: Arc<str> = Arc::from(shown(path));
    metrics::counter!(
        metric_names::HTTP_REQUESTS_TOTAL,
        "method" => method_name(method), "path" => label.clone(), "status" => status_class(status)
    )
    .increment(1);
    metrics::histogram!(metric_names::HTTP_REQUEST_DURATION_SECONDS, "path" => label)
        .record(latency);

    let is_failure = status.is_server_error() && status != StatusCode::SERVICE_UNAVAILABLE;
    let (method, path, status) = (method_name(method), shown(path), status.as_u16());
    let (trace_id, latency_ms) = (trace.trace_id(), latency.as_secs_f64() * 1_000.0);
    if is_failure {
        tracing::warn!(target: ACCESS, method, path, status, latency_ms, %trace_id, "answered");
    } else {
        tracing::debug!(target: ACCESS, method, path, status, latency_ms, %trace_id, "answered");
    }
}

/// Callers may invent methods, but metrics must not grow by that, and logs must not repeat it.
fn method_name(method: &Method) -> &'static str {
    match method.as_str() {
        "GET" => "GET",
        "HEAD" => "HEAD",
        "POST" => "POST",
        "PUT" => "PUT",
        "PATCH" => "PATCH",
        "DELETE" => "DELETE",
        "OPTIONS" => "OPTIONS",
        _ => "other",
    }
}

fn status_class(status: StatusCode) -> &'static str {
    match status.as_u16() {
        ..200 => "1xx",
        200..300 => "2xx",
        300..400 => "3xx",
        400..500 => "4xx",
        500.. => "5xx",
    }
}
