//! All routes of this service, grouped by who calls them.

use utoipa_axum::router::OpenApiRouter;

use crate::{
    Deps, audit,
    configs::{self, schema, versions},
    connection_test, connections,
    deliveries::{self, refusals},
    demo, docs,
    jobs::{self, create as start, try_config},
    jwks, leads, live,
    mapping::{self, fields, preview, versions as of_mapping},
    me, metrics, needs,
    offices::{self, create as office, remove},
    openapi,
    people::{self, api_keys, invitations},
    problem_pages,
    requests::{
        self, decide, documents, find, links as of_persons, recording, replay,
        schema as of_requests, touch,
    },
    roles::routes,
    sign_in::{codes, devices, links, oidc, page, session},
    sources::{
        self, catalogue, completeness, connect, create, health, keys, settings, snippet, test,
        update,
    },
    tenants, views, work,
};

/// Every route, with its description.
pub(crate) fn routes() -> OpenApiRouter<Deps> {
    OpenApiRouter::with_openapi(openapi::base())
        // Anybody.
        .routes(routes!(jwks::show_jwks))
        .routes(routes!(openapi::show_openapi))
        .routes(routes!(schema::show_workflow_schema))
        .routes(routes!(of_requests::show_request_schema))
        .routes(routes!(mapping::show_mapping_schema))
        .routes(routes!(settings::show_source_schema))
        .routes(routes!(docs::show_docs))
        .routes(routes!(problem_pages::show_problem_type))
        // Whoever signs in, by a cookie that only these read.
        .routes(routes!(session::sign_in, session::sign_out))
        .routes(routes!(session::refresh_sign_in))
        .routes(routes!(devices::list_devices))
        .routes(routes!(devices::sign_out_device))
        .routes(routes!(page::show_sign_in))
        .routes(routes!(links::ask_for_link))
        .routes(routes!(oidc::start_oidc))
        .routes(routes!(oidc::finish_oidc))
        // Whoever has a token.
        .routes(routes!(me::show_me))
        .routes(routes!(me::put_preferences))
        .routes(routes!(needs::list_my_tenants))
        // Who may read a tenant.
        .routes(routes!(views::list_views))
        .routes(routes!(
            views::show_view,
            views::put_view,
            views::remove_view
        ))
        .routes(routes!(find::list_requests))
        .routes(routes!(find::count_requests))
        .routes(routes!(requests::show_request))
        .routes(routes!(recording::hear_recording))
        .routes(routes!(recording::link_recording))
        .routes(routes!(work::list_work))
        .routes(routes!(work::count_work))
        .routes(routes!(connections::list_connections))
        .routes(routes!(audit::list_audit))
        .routes(routes!(deliveries::list_deliveries))
        .routes(routes!(live::watch_tenant))
        .routes(routes!(jobs::show_job, jobs::cancel_job))
        .routes(routes!(metrics::list_figures))
        .routes(routes!(metrics::show_summary))
        .routes(routes!(metrics::show_series))
        .routes(routes!(metrics::show_histogram))
        .routes(routes!(metrics::list_places))
        .routes(routes!(deliveries::show_delivery))
        .routes(routes!(refusals::list_security_events))
        .routes(routes!(catalogue::show_source_catalogue))
        .routes(routes!(health::show_source_health))
        .routes(routes!(completeness::list_completeness))
        .routes(routes!(demo::show_demo))
        // Who may post leads.
        .routes(routes!(leads::post_lead))
        // Who may decide, and set stopped work going.
        .routes(routes!(documents::download_document))
        .routes(routes!(deliveries::replay_delivery))
        .routes(routes!(touch::touch_request))
        .routes(routes!(decide::approve_request))
        .routes(routes!(decide::reject_request))
        .routes(routes!(decide::release_request))
        .routes(routes!(replay::replay_request))
        .routes(routes!(of_persons::unlink_requests))
        .routes(routes!(work::redrive_work))
        .routes(routes!(jobs::list_jobs, start::create_job))
        .routes(routes!(demo::send_demo_delivery))
        .routes(routes!(demo::break_demo, demo::mend_demo))
        // Who may change a tenant's set-up; what it is, those who may read see.
        .routes(routes!(sources::list_sources, create::create_source))
        .routes(routes!(connect::connect_source))
        .routes(routes!(update::show_source, update::update_source))
        .routes(routes!(test::test_source))
        .routes(routes!(sources::disable_source))
        .routes(routes!(sources::enable_source))
        .routes(routes!(keys::add_source_key))
        .routes(routes!(keys::remove_source_key))
        .routes(routes!(
            settings::show_source_settings,
            settings::save_source_settings
        ))
        .routes(routes!(snippet::show_source_snippet))
        .routes(routes!(connections::set_connection_secret))
        .routes(routes!(connections::remove_connection))
        .routes(routes!(connection_test::test_connection))
        .routes(routes!(fields::show_connection_schema))
        .routes(routes!(mapping::show_mapping, mapping::save_mapping))
        .routes(routes!(of_mapping::list_mapping_versions))
        .routes(routes!(of_mapping::show_mapping_version))
        .routes(routes!(of_mapping::diff_mapping))
        .routes(routes!(of_mapping::restore_mapping_version))
        .routes(routes!(preview::preview_mapping))
        .routes(routes!(offices::list_offices, office::create_office))
        .routes(routes!(
            offices::show_office,
            offices::update_office,
            remove::remove_office
        ))
        .routes(routes!(configs::show_config, configs::save_config))
        .routes(routes!(versions::list_config_versions))
        .routes(routes!(versions::show_config_version))
        .routes(routes!(versions::diff_config))
        .routes(routes!(versions::restore_config_version))
        .routes(routes!(try_config::try_config))
        .routes(routes!(people::list_people))
        .routes(routes!(people::set_person_role, people::remove_person))
        .routes(routes!(
            invitations::list_invitations,
            invitations::create_invitation
        ))
        .routes(routes!(invitations::withdraw_invitation))
        .routes(routes!(api_keys::list_api_keys, api_keys::create_api_key))
        .routes(routes!(api_keys::revoke_api_key))
        // Who may create and suspend tenants.
        .routes(routes!(codes::create_code))
        .routes(routes!(links::create_link_code))
        .routes(routes!(tenants::list_tenants, tenants::create_tenant))
        .routes(routes!(tenants::show_tenant, tenants::rename_tenant))
        .routes(routes!(tenants::suspend_tenant))
        .routes(routes!(tenants::resume_tenant))
        .routes(routes!(refusals::list_security_events_of_nobody))
}
