//! Calls that take no body: what one says would be thrown away, so one that says something is refused.

use std::{collections::HashMap, sync::LazyLock};

use axum::{
    body::Body,
    extract::{MatchedPath, Request},
};
use domain::text;
use runtime::{Problem, read_body};
use serde_json::Value;

use crate::{
    body::Said,
    faults::{BODY, Faults},
    openapi,
};

/// The longest body that is looked at.
const MAX_BODY_BYTES: usize = 64 * 1024;
/// Most members that are told at once, and how much of their names, in characters.
const MAX_MEMBERS: usize = 100;
const MAX_NAME: usize = 60;

/// Method and path of each call that takes none, as the description says it, and whether it takes a token.
static BODILESS: LazyLock<HashMap<(String, String), bool>> = LazyLock::new(openapi::without_a_body);

/// Lets a call through that takes a body, or that brings none. `{}` and `null` say nothing, either.
///
/// # Errors
/// 422 for a body that says something; 413 and 408 as of every body.
pub(crate) async fn check(request: Request) -> Result<Request, Problem> {
    match takes_token(&request) {
        Some(_) => read(request).await,
        None => Ok(request),
    }
}

/// The same for calls that take no token. Others refuse whoever brings none by themselves.
pub(crate) async fn check_open(request: Request) -> Result<Request, Problem> {
    match takes_token(&request) {
        Some(false) => read(request).await,
        Some(true) | None => Ok(request),
    }
}

/// Whether a call without a body takes a token; none for one with a body.
fn takes_token(request: &Request) -> Option<bool> {
    let path = request.extensions().get::<MatchedPath>()?;
    let call = (
        request.method().as_str().to_owned(),
        path.as_str().to_owned(),
    );
    BODILESS.get(&call).copied()
}

async fn read(request: Request) -> Result<Request, Problem> {
    let (parts, body) = request.into_parts();
    let bytes = read_body(body, MAX_BODY_BYTES).await?;
    says_nothing(&bytes)?;
    Ok(Request::from_parts(parts, Body::from(bytes)))
}

fn says_nothing(bytes: &[u8]) -> Result<(), Problem> {
    if bytes.trim_ascii().is_empty() {
        return Ok(());
    }
    let mut faults = Faults::default();
    match serde_json::from_slice::<Said>(bytes).map(|said| said.value) {
        Ok(Value::Null) => {}
        Ok(Value::Object(members)) => {
            for name in members.keys().take(MAX_MEMBERS) {
                let message = "not a field: this call takes no body";
                faults.add_coded(text::bounded(name, MAX_NAME), "unknown_field", message);
            }
        }
        _ => faults.add_coded("", "wrong_type", "left out: this call takes no body"),
    }
    faults.finish(BODY)
}
