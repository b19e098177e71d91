//! Extractors whose rejections are the provider's errors. axum's own would answer in plain text.

use std::marker::PhantomData;
use std::str::FromStr;
use std::sync::Arc;

use axum::body::to_bytes;
use axum::extract::path::ErrorKind;
use axum::extract::rejection::PathRejection;
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::Response;
use serde::de::DeserializeOwned;
use url::form_urlencoded;

use crate::provider::{Provider, Shared};

/// What the credential of the request gives access to.
pub(crate) struct Authorized<P: Provider>(pub(crate) P::Caller);

impl<P: Provider> FromRequestParts<Arc<Shared<P>>> for Authorized<P> {
    type Rejection = Response;

    async fn from_request_parts(
        parts: &mut Parts,
        sim: &Arc<Shared<P>>,
    ) -> Result<Self, Self::Rejection> {
        P::authorize(sim, parts).map(Self)
    }
}

/// The parameters of a path.
pub(crate) struct Path<T>(pub(crate) T);

impl<P: Provider, T: DeserializeOwned + Send> FromRequestParts<Arc<Shared<P>>> for Path<T> {
    type Rejection = Response;

    async fn from_request_parts(
        parts: &mut Parts,
        sim: &Arc<Shared<P>>,
    ) -> Result<Self, Self::Rejection> {
        let rejection = match axum::extract::Path::from_request_parts(parts, sim).await {
            Ok(axum::extract::Path(value)) => return Ok(Self(value)),
            Err(rejection) => rejection,
        };
        Err(match rejection {
            PathRejection::FailedToDeserializePathParams(error) => match error.into_kind() {
                ErrorKind::DeserializeError { message, .. } | ErrorKind::Message(message) => {
                    P::error(StatusCode::BAD_REQUEST, &message)
                }
                // Nothing has such a path, for example one that is not UTF-8.
                _ => P::refuse(StatusCode::NOT_FOUND),
            },
            _ => P::refuse(StatusCode::NOT_FOUND),
        })
    }
}

/// A body of JSON.
pub(crate) struct JsonBody<T>(pub(crate) T);

impl<P: Provider, T: DeserializeOwned> FromRequest<Arc<Shared<P>>> for JsonBody<T> {
    type Rejection = Response;

    async fn from_request(
        request: Request,
        _sim: &Arc<Shared<P>>,
    ) -> Result<Self, Self::Rejection> {
        let (parts, body) = request.into_parts();
        let body = to_bytes(body, P::BODY_LIMIT_BYTES)
            .await
            .map_err(|_| P::refuse(StatusCode::PAYLOAD_TOO_LARGE))?;
        json::<P, T>(&parts.headers, &body).map(Self)
    }
}

/// Reads a body of JSON. A request without a content type is taken at its word.
pub(crate) fn json<P: Provider, T: DeserializeOwned>(
    headers: &HeaderMap,
    body: &[u8],
) -> Result<T, Response> {
    let kind = headers.get(header::CONTENT_TYPE);
    let is_json = |kind: &str| {
        let kind = kind.split(';').next().unwrap_or_default().trim();
        kind.eq_ignore_ascii_case("application/json")
    };
    if kind.is_some_and(|kind| !kind.to_str().is_ok_and(is_json)) {
        return Err(P::refuse(StatusCode::UNSUPPORTED_MEDIA_TYPE));
    }
    serde_json::from_slice(body).map_err(|error| P::bad_json(&error.to_string()))
}

/// The parameters of a query, in the order in which they were sent. A name may be repeated.
pub(crate) struct Query<P> {
    pairs: Vec<(String, String)>,
    provider: PhantomData<fn() -> P>,
}

impl<P: Provider> FromRequestParts<Arc<Shared<P>>> for Query<P> {
    type Rejection = Response;

    async fn from_request_parts(
        parts: &mut Parts,
        _sim: &Arc<Shared<P>>,
    ) -> Result<Self, Self::Rejection> {
        let query = parts.uri.query().unwrap_or_default();
        Ok(Self {
            pairs: form_urlencoded::parse(query.as_bytes())
                .into_owned()
                .collect(),
            provider: PhantomData,
        })
    }
}

impl<P: Provider> Query<P> {
    /// The values of a name.
    pub(crate) fn all(&self, name: &str) -> impl Iterator<Item = &str> {
        let named = self.pairs.iter().filter(move |(key, _)| key == name);
        named.map(|(_, value)| value.as_str())
    }

    /// The value of a name, the last of several. An empty value counts as absent.
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.all(name).last().filter(|text| !text.is_empty())
    }

    /// The values of a name, whether it is repeated or lists them with commas. `None` if it is absent.
    pub(crate) fn list(&self, name: &str) -> Option<Vec<String>> {
        let values = self.all(name).flat_map(|value| value.split(','));
        let values: Vec<_> = values.map(|value| value.trim().to_owned()).collect();
        (!values.is_empty()).then_some(values)
    }

    /// The value of a name as a number, or whatever else can be parsed.
    ///
    /// # Errors
    /// The provider's 400 for a value that cannot be parsed.
    pub(crate) fn parsed<T: FromStr>(&self, name: &str) -> Result<Option<T>, Response> {
        let Some(text) = self.text(name) else {
            return Ok(None);
        };
        text.parse().map(Some).map_err(|_| {
            let message = format!("Invalid value for the parameter \"{name}\": \"{text}\"");
            P::error(StatusCode::BAD_REQUEST, &message)
        })
    }

    /// The same query with another value of one name, for a link to the next page.
    pub(crate) fn with(&self, name: &str, value: &str) -> String {
        let others = self.pairs.iter().filter(|(key, _)| key != name);
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.extend_pairs(others).append_pair(name, value);
        query.finish()
    }
}
