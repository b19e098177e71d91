//! All routes of this service, grouped by who calls them.

use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{Deps, jwks, openapi, requests};

/// Every route, with its description.
pub(crate) fn routes() -> OpenApiRouter<Deps> {
    OpenApiRouter::with_openapi(openapi::base())
        // Anybody.
        .routes(routes!(jwks::show_jwks))
        .routes(routes!(openapi::show_openapi))
        // Who may read a tenant.
        .routes(routes!(requests::list_requests))
        .routes(routes!(requests::show_request))
}
