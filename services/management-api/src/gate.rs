//! What every call passes before its handler: whose it is, their limits, and the call's name (`Idempotency-Key`).

use std::sync::Arc;

use axum::{
    body::Body,
    extract::{RawPathParams, Request, State},
    middleware::Next,
    response::{IntoResponse as _, Response},
};
use domain::TenantId;
use http::Method;
use runtime::Problem;

use crate::{Deps, auth, bodiless, idempotency, limits::Limits};

/// What the gate needs.
#[derive(Clone)]
pub(crate) struct Gate {
    deps: Deps,
    limits: Arc<Limits>,
}

impl Gate {
    pub(crate) fn new(deps: &Deps) -> Self {
        Self {
            limits: Arc::new(Limits::new(deps.limits, deps.clock.clone())),
            deps: deps.clone(),
        }
    }
}

/// Lets a call through to its handler, which decides who may call. Without a genuine token nothing is counted and no
/// call is named.
pub(crate) async fn pass(
    State(gate): State<Gate>,
    params: Result<RawPathParams, axum::extract::rejection::RawPathParamsRejection>,
    request: Request,
    next: Next,
) -> Response {
    let (mut parts, body) = request.into_parts();
    let caller = auth::caller(&parts, &gate.deps).await;
    let caller = match caller {
        Ok(caller) => caller,
        Err(refusal) => {
            parts.extensions.insert(auth::Turned::new(refusal));
            // Whoever is asked who they are is told that first.
            return match bodiless::check_open(Request::from_parts(parts, body)).await {
                Ok(request) => next.run(request).await.map(Body::new),
                Err(problem) => problem.into_response(),
            };
        }
    };
    let named = params.as_ref().ok().and_then(|params| {
        let named = params.iter().find(|(name, _)| *name == "tenant_id");
        named.map(|(_, text)| text.to_owned())
    });
    let tenant = named.as_deref().and_then(|text| TenantId::new(text).ok());
    let tenant = tenant.filter(|tenant| caller.sees(tenant));
    let standing = gate.limits.count(caller.subject(), tenant.as_ref());
    // Whoever is not let in has nothing to repeat.
    let may_name = named.is_some() == tenant.is_some() && parts.method == Method::POST;
    let key = match idempotency::key(&parts.headers) {
        Ok(key) => key.filter(|_| may_name),
        Err(problem) if parts.method == Method::POST => return problem.into_response(),
        Err(_) => None,
    };
    parts.extensions.insert(caller.clone());
    let request = Request::from_parts(parts, body);
    let checked = match standing.wait() {
        Some(wait) => Err(Problem::too_many_requests(wait)),
        None => bodiless::check(request).await,
    };
    let mut response = match (checked, key) {
        (Err(problem), _) => problem.into_response(),
        (Ok(request), Some(key)) => {
            let named = idempotency::Named {
                role: tenant.as_ref().and_then(|tenant| caller.role_in(tenant)),
                tenant,
                subject: caller.subject().to_owned(),
                key,
            };
            let answered = idempotency::answer(gate.deps.store.clone(), named, request, next).await;
            answered.unwrap_or_else(|problem| problem.into_response())
        }
        (Ok(request), None) => next.run(request).await,
    };
    standing.write(response.headers_mut());
    response.map(Body::new)
}
