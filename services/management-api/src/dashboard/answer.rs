//! How a file is answered: compressed if the browser takes that, kept as long as it cannot change, and with the headers
//! that let a page do nothing but what ours do.

use axum::{
    body::Body,
    response::{Html, IntoResponse as _, Response},
};
use http::{
    HeaderMap, HeaderName, HeaderValue, StatusCode,
    header::{
        ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_SECURITY_POLICY, CONTENT_TYPE,
        ETAG, IF_NONE_MATCH, STRICT_TRANSPORT_SECURITY, VARY,
    },
};
use runtime::Problem;

use super::{File, Files};
use crate::problem_pages;

/// What the dashboard's page may load: what comes from here, and no script or style that stands in the page itself.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; font-src 'self'; img-src 'self' data:; \
                      media-src 'self'; connect-src 'self'; frame-src 'self'; base-uri 'none'; form-action 'self'; \
                      frame-ancestors 'none'";
/// What a page of ours never asks a browser for.
const NO_FEATURES: &str = "accelerometer=(), autoplay=(), bluetooth=(), camera=(), display-capture=(), fullscreen=(), \
                           geolocation=(), gyroscope=(), hid=(), magnetometer=(), microphone=(), midi=(), payment=(), \
                           publickey-credentials-get=(), serial=(), usb=(), xr-spatial-tracking=()";
/// The folder whose files have a hash in their names.
const HASHED: &str = "assets/";
/// Encodings of twins and how their names end, the smaller first.
const TWINS: [(&str, &str); 2] = [("br", ".br"), ("gzip", ".gz")];

const PERMISSIONS_POLICY: HeaderName = HeaderName::from_static("permissions-policy");
const OPENER_POLICY: HeaderName = HeaderName::from_static("cross-origin-opener-policy");
const RESOURCE_POLICY: HeaderName = HeaderName::from_static("cross-origin-resource-policy");

/// A file, in the smallest form that is taken.
///
/// # Errors
/// 404 when there is no such file.
pub(super) fn file(files: &Files, path: &str, asked: &HeaderMap) -> Result<Response, Problem> {
    // Twins are answers, not files of their own.
    let is_twin = TWINS.iter().any(|(_, end)| path.ends_with(end));
    let plain = files.0.get(path).filter(|_| !is_twin);
    let plain = plain.ok_or_else(|| Problem::not_found("The dashboard has no such file."))?;
    let twins = TWINS.iter().filter(|(name, _)| takes(asked, name));
    let mut twins =
        twins.filter_map(|(name, end)| Some((name, files.0.get(&format!("{path}{end}"))?)));
    let (encoding, file) = match twins.next() {
        Some((name, twin)) => (Some(*name), twin),
        None => (None, plain),
    };
    let tag = HeaderValue::try_from(format!("\"{}\"", hex::encode(file.sha256)));
    let tag = tag.map_err(Problem::internal)?;
    let is_known = is_known(asked, &tag);
    let mut response = match is_known {
        true => StatusCode::NOT_MODIFIED.into_response(),
        false => whole(file, path),
    };
    let headers = response.headers_mut();
    headers.insert(ETAG, tag);
    headers.insert(VARY, HeaderValue::from_static("accept-encoding"));
    let keep = if path.starts_with(HASHED) {
        "public, max-age=31536000, immutable"
    } else {
        "no-cache"
    };
    headers.insert(CACHE_CONTROL, HeaderValue::from_static(keep));
    if let Some(encoding) = encoding.filter(|_| !is_known) {
        headers.insert(CONTENT_ENCODING, HeaderValue::from_static(encoding));
    }
    headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    Ok(response)
}

/// A page whose style stands in it.
pub(super) fn page(html: String) -> Result<Response, Problem> {
    let policy = problem_pages::policy()?;
    Ok(([(CONTENT_SECURITY_POLICY, policy)], Html(html)).into_response())
}

/// The answer with what every page of ours forbids.
pub(super) fn guarded(mut response: Response, is_https: bool) -> Response {
    let headers = response.headers_mut();
    for (name, value) in [
        (PERMISSIONS_POLICY, NO_FEATURES),
        (OPENER_POLICY, "same-origin"),
        (RESOURCE_POLICY, "same-origin"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    if is_https {
        let year = HeaderValue::from_static("max-age=31536000");
        headers.insert(STRICT_TRANSPORT_SECURITY, year);
    }
    response
}

fn whole(file: &File, path: &str) -> Response {
    let body = match &file.bytes {
        std::borrow::Cow::Borrowed(bytes) => Body::from(*bytes),
        std::borrow::Cow::Owned(bytes) => Body::from(bytes.clone()),
    };
    let mut response = Response::new(body);
    let kind = HeaderValue::from_static(kind_of(path));
    response.headers_mut().insert(CONTENT_TYPE, kind);
    response
}

/// The media type, by how the file's name ends. The build makes no others; `nosniff` keeps a browser from guessing.
fn kind_of(path: &str) -> &'static str {
    match path.rsplit('.').next() {
        Some("html") => "text/html; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("json") => "application/json",
        Some("svg") => "image/svg+xml",
        Some("woff2") => "font/woff2",
        Some("txt") => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}

/// Whether the browser takes this encoding. One that it names with `q=0` it does not.
fn takes(asked: &HeaderMap, encoding: &str) -> bool {
    let lines = asked.get_all(ACCEPT_ENCODING).iter();
    let mut named = lines
        .filter_map(|line| line.to_str().ok())
        .flat_map(|line| line.split(','));
    named.any(|one| {
        let mut parts = one.split(';').map(str::trim);
        let is_named = parts
            .next()
            .is_some_and(|name| name.eq_ignore_ascii_case(encoding));
        let weight = parts.find_map(|part| part.strip_prefix("q="));
        is_named && weight.is_none_or(|weight| weight.parse::<f32>().is_ok_and(|q| q > 0.0))
    })
}

/// Whether the browser has this very answer.
fn is_known(asked: &HeaderMap, tag: &HeaderValue) -> bool {
    let lines = asked.get_all(IF_NONE_MATCH).iter();
    let mut tags = lines
        .filter_map(|line| line.to_str().ok())
        .flat_map(|line| line.split(','));
    tags.any(|one| {
        let one = one.trim();
        one == "*" || one.strip_prefix("W/").unwrap_or(one).as_bytes() == tag.as_bytes()
    })
}
