//! All routes of this service, grouped by who calls them.

use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    Deps, audit, connections, deliveries,
    jobs::{self, create as start, try_config},
    jwks, live, openapi,
    requests::{self, decide, find, replay},
    sources::{self, create, keys},
    tenants, work,
};

/// Every route, with its description.
pub(crate) fn routes() -> OpenApiRouter<Deps> {
    OpenApiRouter::with_openapi(openapi::base())
        // Anybody.
        .routes(routes!(jwks::show_jwks))
        .routes(routes!(openapi::show_openapi))
        // Who may read a tenant.
        .routes(routes!(find::list_requests))
        .routes(routes!(find::count_requests))
        .routes(routes!(requests::show_request))
        .routes(routes!(work::list_work))
        .routes(routes!(work::count_work))
        .routes(routes!(connections::list_connections))
        .routes(routes!(audit::list_audit))
        .routes(routes!(live::watch_tenant))
        .routes(routes!(jobs::show_job, jobs::cancel_job))
        // Who may see deliveries as they came, decide, and set stopped work going.
        .routes(routes!(deliveries::show_delivery))
        .routes(routes!(decide::approve_request))
        .routes(routes!(decide::reject_request))
        .routes(routes!(decide::release_request))
        .routes(routes!(replay::replay_request))
        .routes(routes!(work::redrive_work))
        .routes(routes!(jobs::list_jobs, start::create_job))
        // Who may change a tenant's set-up; its sources are listed for who may read.
        .routes(routes!(sources::list_sources, create::create_source))
        .routes(routes!(sources::disable_source))
        .routes(routes!(sources::enable_source))
        .routes(routes!(keys::add_source_key))
        .routes(routes!(keys::remove_source_key))
        .routes(routes!(connections::set_connection_secret))
        .routes(routes!(try_config::try_config))
        // Who may create and suspend tenants.
        .routes(routes!(tenants::list_tenants, tenants::create_tenant))
        .routes(routes!(tenants::suspend_tenant))
        .routes(routes!(tenants::resume_tenant))
}
