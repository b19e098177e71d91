//! A request, from its first part to its answer.

use std::{fmt, time::Duration};

use bytes::Bytes;
use http::{
    HeaderMap, HeaderName, HeaderValue, Method,
    header::{AUTHORIZATION, CONTENT_TYPE},
};
use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;
use serde_json::Value;
use tokio::time::Instant;
use url::Url;

use crate::{
    Client, HttpError, Limits, Response, Streaming,
    error::{origin, redact_url},
    exchanges,
    gate::{Gate, GatedBody},
    rehearsal,
};

/// A request under construction. `send` reports the first part that could not be built, and sends nothing then.
#[must_use = "a request does nothing until it is sent"]
pub struct Request<'a> {
    client: &'a Client,
    method: Method,
    url: Result<Url, HttpError>,
    headers: HeaderMap,
    body: Option<Bytes>,
    deadline: Duration,
    max_body_bytes: u64,
    has_secret_path: bool,
    is_tenants: bool,
    in_rehearsal: InRehearsal,
    fault: Option<HttpError>,
}

/// What a rehearsal does with a request.
enum InRehearsal {
    /// It changes nothing elsewhere: it is sent.
    Sent,
    /// It is noted, and answered by this.
    Answered(Value),
    /// Nothing: it fails.
    Refused,
}

impl<'a> Request<'a> {
    pub(crate) fn new(client: &'a Client, method: Method, url: &str) -> Self {
        let is_safe = method.is_safe();
        Self {
            client,
            method,
            url: Url::parse(url).map_err(|_| HttpError::BadUrl("it does not parse")),
            headers: HeaderMap::new(),
            body: None,
            deadline: client.options.deadline,
            max_body_bytes: client.options.max_body_bytes,
            has_secret_path: false,
            is_tenants: false,
            in_rehearsal: if is_safe {
                InRehearsal::Sent
            } else {
                InRehearsal::Refused
            },
            fault: None,
        }
    }

    /// Says that the request changes nothing elsewhere, although its method is not `GET`: a [rehearsal](crate::rehearse)
    /// sends it.
    pub fn only_reads(mut self) -> Self {
        self.in_rehearsal = InRehearsal::Sent;
        self
    }

    /// Says what a [rehearsal](crate::rehearse) is answered in place of the other side. Outside of one nothing is made.
    pub fn stand_in(mut self, answer: impl FnOnce() -> Value) -> Self {
        if rehearsal::is_rehearsal() {
            self.in_rehearsal = InRehearsal::Answered(answer());
        }
        self
    }

    /// Adds a header.
    pub fn header(self, name: impl TryInto<HeaderName>, value: impl AsRef<str>) -> Self {
        self.insert(name, HeaderValue::from_str(value.as_ref()).ok())
    }

    /// Adds a header whose value is never printed.
    pub fn secret_header(self, name: impl TryInto<HeaderName>, value: &SecretString) -> Self {
        self.insert(name, sensitive(value.expose_secret()))
    }

    /// Marks the path as a secret, as in the URLs of chat webhooks: logs and errors name the host alone.
    pub fn secret_path(mut self) -> Self {
        self.has_secret_path = true;
        self
    }

    /// Says that a tenant has entered the URL: only public addresses are called then, and this machine where that is
    /// allowed for tenants.
    pub fn to_a_tenants_url(mut self) -> Self {
        self.is_tenants = true;
        self
    }

    /// Adds `Authorization: Bearer …`.
    pub fn bearer(self, token: &SecretString) -> Self {
        let value = sensitive(&format!("Bearer {}", token.expose_secret()));
        self.insert(AUTHORIZATION, value)
    }

    /// Appends parameters to the query, encoded.
    pub fn query(mut self, pairs: &[(&str, &str)]) -> Self {
        if let (Ok(url), false) = (&mut self.url, pairs.is_empty()) {
            url.query_pairs_mut().extend_pairs(pairs);
        }
        self
    }

    /// Sets a JSON body and its content type.
    pub fn json<T: Serialize + ?Sized>(self, value: &T) -> Self {
        match serde_json::to_vec(value) {
            Ok(bytes) => self.body("application/json", bytes),
            Err(_) => self.faulty("its body cannot be written as JSON"),
        }
    }

    /// Sets a form body and its content type.
    pub fn form<T: Serialize + ?Sized>(self, value: &T) -> Self {
        match serde_urlencoded::to_string(value) {
            Ok(text) => self.body("application/x-www-form-urlencoded", text),
            Err(_) => self.faulty("its body cannot be written as a form"),
        }
    }

    /// Sets the body and its content type.
    pub fn body(mut self, content_type: &str, bytes: impl Into<Bytes>) -> Self {
        self.body = Some(bytes.into());
        self.header(CONTENT_TYPE, content_type)
    }

    /// Sets the time from the call to the last byte of the answer.
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    /// Sets the largest answer that [`send`](Self::send) reads.
    pub fn max_body_bytes(mut self, limit: u64) -> Self {
        self.max_body_bytes = limit;
        self
    }

    /// Sends the request and reads the whole answer. Any status is an answer, not an error.
    ///
    /// Dropping the future gives the call up. Whether it was received is unknown then.
    ///
    /// # Errors
    /// [`HttpError`], whose variants say whether the request may have been received.
    pub async fn send(self) -> Result<Response, HttpError> {
        if rehearsal::is_rehearsal()
            && let InRehearsal::Answered(answer) = &self.in_rehearsal
        {
            if let Some(fault) = self.fault {
                return Err(fault);
            }
            let shown = self.shown();
            return Ok(rehearsal::answer(
                self.method.clone(),
                shown,
                self.body.as_ref(),
                answer,
            ));
        }
        let limits = Limits {
            max_bytes: self.max_body_bytes,
            idle: self.deadline,
            total: self.deadline,
        };
        if !exchanges::is_wanted() {
            return self.send_streaming(limits).await?.into_response().await;
        }
        let sent = self.body.clone();
        let answer = async { self.send_streaming(limits).await?.into_response().await };
        let answer = answer.await;
        exchanges::note(sent.as_ref(), &answer);
        answer
    }

    /// Sends the request and returns the answer piece by piece. `limits.total` replaces the deadline.
    ///
    /// # Errors
    /// [`HttpError`], whose variants say whether the request may have been received.
    pub async fn send_streaming(self, limits: Limits) -> Result<Streaming, HttpError> {
        let shown = self.shown();
        let url = self.url?;
        if let Some(fault) = self.fault {
            return Err(fault);
        }
        if rehearsal::is_rehearsal() && !matches!(self.in_rehearsal, InRehearsal::Sent) {
            return Err(HttpError::BadUrl("a rehearsal has no answer for it"));
        }
        let way = if self.is_tenants {
            &self.client.tenants
        } else {
            &self.client.ours
        };
        way.resolver.policy.check(&url)?;

        let started = Instant::now();
        let ends_at = started + limits.total;
        let mut request = reqwest::Request::new(self.method.clone(), url.clone());
        *request.headers_mut() = self.headers;
        // Without a body there is nothing to withhold, so giving up may come too late.
        let gate = self
            .body
            .as_ref()
            .filter(|body| !body.is_empty())
            .map(|_| Gate::default());
        *request.body_mut() = match (self.body, gate.clone()) {
            (Some(body), Some(gate)) => Some(reqwest::Body::wrap(GatedBody::new(body, gate))),
            (Some(body), None) => Some(body.into()),
            (None, _) => None,
        };
        let answer = tokio::time::timeout_at(ends_at, way.http.execute(request)).await;
        let result = match answer {
            Ok(Ok(answer)) => Ok(Streaming::new(answer, shown.clone(), limits, ends_at)),
            Ok(Err(error)) => Err(HttpError::before_answer(
                &error,
                &url,
                shown.clone(),
                gate.as_ref(),
            )),
            Err(_) => Err(HttpError::given_up(
                shown.clone(),
                gate.as_ref(),
                "the deadline passed".to_owned(),
            )),
        };
        tracing::debug!(
            method = %self.method,
            url = shown,
            status = result.as_ref().ok().map(|answer| answer.status.as_u16()),
            error = result.as_ref().err().map(tracing::field::display),
            latency_ms = started.elapsed().as_secs_f64() * 1_000.0,
            "called out"
        );
        result
    }

    /// The URL as it may be printed.
    fn shown(&self) -> String {
        match &self.url {
            Ok(url) if self.has_secret_path => origin(url) + "/…",
            Ok(url) => redact_url(url),
            Err(_) => String::new(),
        }
    }

    fn insert(mut self, name: impl TryInto<HeaderName>, value: Option<HeaderValue>) -> Self {
        match (name.try_into(), value) {
            (Ok(name), Some(value)) => {
                self.headers.insert(name, value);
                self
            }
            (Err(_), _) => self.faulty("a header's name has characters that are not allowed"),
            (_, None) => self.faulty("a header's value has characters that are not allowed"),
        }
    }

    fn faulty(mut self, what: &'static str) -> Self {
        self.fault.get_or_insert(HttpError::BadRequest(what));
        self
    }
}

impl fmt::Debug for Request<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request")
            .field("method", &self.method)
            .field("url", &self.shown())
            .finish_non_exhaustive()
    }
}

fn sensitive(text: &str) -> Option<HeaderValue> {
    let mut value = HeaderValue::from_str(text).ok()?;
    value.set_sensitive(true);
    Some(value)
}
