//! Every route of the service. All are called by the senders of webhooks.
//!
//! Every source has the two URLs with its token. What else its provider calls, the source declares: further paths, shared
//! ones, other methods.

use std::sync::Arc;

use axum::{
    Router,
    extract::{RawPathParams, Request, rejection::RawPathParamsRejection},
    response::Response,
    routing::{MethodFilter, on},
};
use http::Method;
use sources::{HOOK, HOOK_OF_EVENT, Purpose, Source, Sources};

use crate::{
    answer,
    deliver::{Ingest, Target},
};

/// What is called at one path by one method.
#[derive(Clone)]
struct Call {
    path: &'static str,
    method: Method,
    purpose: Purpose,
    /// The sources that declare it. Empty for the URLs that every source has.
    of: Vec<&'static dyn Source>,
}

type Params = Result<RawPathParams, RawPathParamsRejection>;

/// The routes.
pub(crate) fn routes(ingest: &Arc<Ingest>) -> Router {
    let mut router = Router::new();
    for call in calls(ingest.sources) {
        let Ok(method) = MethodFilter::try_from(call.method.clone()) else {
            tracing::error!(
                "the method {} at {} cannot be served",
                call.method,
                call.path
            );
            continue;
        };
        let (ingest, path) = (ingest.clone(), call.path);
        let handler = async move |params: Params, request: Request| {
            take(&ingest, &call, params, request).await
        };
        router = router.route(path, on(method, handler));
    }
    router
}

/// Every path and method that a sender may call, each once.
fn calls(sources: Sources) -> Vec<Call> {
    let hook = |path| Call {
        path,
        method: Method::POST,
        purpose: Purpose::Delivery,
        of: Vec::new(),
    };
    let mut calls = vec![hook(HOOK), hook(HOOK_OF_EVENT)];
    for source in sources.iter() {
        for endpoint in source.spec().endpoints {
            let is_same =
                |call: &&mut Call| call.path == endpoint.path && call.method == endpoint.method;
            match calls.iter_mut().find(is_same) {
                Some(call) if call.of.is_empty() => {}
                Some(call) => call.of.push(source),
                None => calls.push(Call {
                    path: endpoint.path,
                    method: endpoint.method.clone(),
                    purpose: endpoint.purpose,
                    of: vec![source],
                }),
            }
        }
    }
    calls
}

async fn take(ingest: &Ingest, call: &Call, params: Params, request: Request) -> Response {
    // A path that is no text names no token. It must not pass for the URL that all tenants share.
    let (mut token, mut event) = (None, None);
    for (name, value) in params.iter().flatten() {
        match name {
            "token" => token = Some(value),
            "event" => event = Some(value),
            _ => {}
        }
    }
    let is_tenants_own = call.path.contains("{token}");
    let target = match (token, call.of.first()) {
        (Some(token), _) if is_tenants_own => Target::Token {
            token,
            event,
            of: &call.of,
        },
        (_, Some(of)) if !is_tenants_own => Target::Shared { of: *of },
        _ => return answer::not_verified(),
    };
    match call.purpose {
        Purpose::Delivery => ingest.deliver(target, request).await,
        Purpose::Ping => ingest.ping(target, request).await,
        Purpose::Preflight => ingest.preflight(target, request).await,
        Purpose::PageToken => ingest.page_token(target, request).await,
    }
}
