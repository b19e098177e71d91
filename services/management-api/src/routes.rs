//! All routes of this service, grouped by who calls them.

use utoipa_axum::router::OpenApiRouter;

use crate::{
    Deps, audit, connections,
    deliveries::{self, refusals},
    docs,
    jobs::{self, create as start, try_config},
    jwks, live, openapi, problem_pages,
    requests::{self, decide, replay},
    roles::routes,
    sources::{self, create, keys},
    tenants, work,
};

/// Every route, with its description.
pub(crate) fn routes() -> OpenApiRouter<Deps> {
    OpenApiRouter::with_openapi(openapi::base())
        // Anybody.
        .routes(routes!(jwks::show_jwks))
        .routes(routes!(openapi::show_openapi))
        .routes(routes!(docs::show_docs))
        .routes(routes!(problem_pages::show_problem_type))
        // Who may read a tenant.
        .routes(routes!(requests::list_requests))
        .routes(routes!(requests::show_request))
        .routes(routes!(work::list_work))
        .routes(routes!(work::count_work))
        .routes(routes!(connections::list_connections))
        .routes(routes!(audit::list_audit))
        .routes(routes!(deliveries::list_deliveries))
        .routes(routes!(live::watch_tenant))
        .routes(routes!(jobs::show_job, jobs::cancel_job))
        .routes(routes!(deliveries::show_delivery))
        .routes(routes!(refusals::list_security_events))
        // Who may decide, and set stopped work going.
        .routes(routes!(deliveries::replay_delivery))
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
        .routes(routes!(refusals::list_security_events_of_nobody))
}
