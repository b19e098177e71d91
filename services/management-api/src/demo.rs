//! Trying the product: samples that simulated providers send, and a provider that refuses its secret for a while. Where
//! providers are real there is nothing of it.

use axum::extract::State;
use domain::{RequestId, TenantId};
use futures::future::BoxFuture;
use runtime::{Json, Problem};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    Deps,
    auth::{TenantOperator, TenantReader},
    body::Body,
    faults::BODY,
    problems::{BodyProblems, Conflict, TenantProblems},
};

/// What a sample is of: a genuine call, one that sells something, one from outside of the service area, or a website's form.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum DemoSample {
    Call,
    Robocall,
    OutOfAreaCall,
    Form,
}

/// A simulated provider that can be made to refuse its secret.
#[derive(Debug, Serialize, ToSchema)]
pub struct DemoProvider {
    /// Its slug.
    pub provider: String,
    /// The secret that it takes while it refuses none. It opens nothing but the simulator, and is the same everywhere.
    pub secret: String,
    /// Whether it refuses every secret now.
    pub is_refusing: bool,
}

/// Why a simulated provider could not be told.
pub type DemoError = Box<dyn std::error::Error + Send + Sync>;

/// What simulated providers are told by whoever tries the product.
pub trait Demo: Send + Sync {
    /// The tenant whose providers they are.
    fn tenant(&self) -> &TenantId;

    /// What can be sent.
    fn samples(&self) -> Vec<DemoSample>;

    /// Sends one, as its provider would. Returns the request that it became, if it became one at once.
    ///
    /// # Errors
    /// When it could not be sent, or was refused.
    fn send(&self, sample: DemoSample) -> BoxFuture<'_, Result<Option<RequestId>, DemoError>>;

    /// The providers that can be made to refuse.
    ///
    /// # Errors
    /// When one of them does not answer.
    fn providers(&self) -> BoxFuture<'_, Result<Vec<DemoProvider>, DemoError>>;

    /// Has one of [`Demo::providers`] refuse every secret from now on.
    ///
    /// # Errors
    /// When it does not answer.
    fn refuse<'a>(&'a self, provider: &'a str) -> BoxFuture<'a, Result<(), DemoError>>;

    /// Has all of them work again.
    ///
    /// # Errors
    /// When one of them does not answer.
    fn mend(&self) -> BoxFuture<'_, Result<(), DemoError>>;
}

/// What can be tried here.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DemoWorld {
    /// What can be sent.
    samples: Vec<DemoSample>,
    /// The providers that can be made to refuse.
    providers: Vec<DemoProvider>,
}

/// What is to be sent.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "sample": "call" }))]
pub(crate) struct NewDemoDelivery {
    /// What it is of.
    sample: DemoSample,
}

/// What came of a sample.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DemoDelivery {
    /// The request that it became; null: it is still being read.
    request_id: Option<String>,
}

/// What is to go wrong.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "provider": crm::CONNECTORS[0].slug }))]
pub(crate) struct NewDemoFault {
    /// The slug of the provider that refuses every secret from now on.
    provider: String,
}

/// What can be tried with a tenant whose providers are simulated. For every other tenant it is answered that there is no
/// such thing.
#[utoipa::path(
    get,
    path = "/v1/tenants/{tenant_id}/demo",
    tag = "demo",
    security(("bearer" = [])),
    params(("tenant_id" = String, Path, description = "The tenant's slug.")),
    responses((status = OK, description = "What can be tried.", body = DemoWorld), TenantProblems)
)]
pub(crate) async fn show_demo(
    reader: TenantReader,
    State(deps): State<Deps>,
) -> Result<Json<DemoWorld>, Problem> {
    shown(of(&deps, reader.tenant())?).await
}

/// Has a simulated provider send a sample, as it would send a real delivery. It is refused as that would be: by a source
/// that is disabled, or has another key.
#[utoipa::path(
    post,
    path = "/v1/tenants/{tenant_id}/demo/deliveries",
    tag = "demo",
    security(("bearer" = [])),
    params(("tenant_id" = String, Path, description = "The tenant's slug.")),
    request_body = NewDemoDelivery,
    responses(
        (status = OK, description = "What came of it.", body = DemoDelivery),
        BodyProblems,
        Conflict,
        TenantProblems
    )
)]
pub(crate) async fn send_demo_delivery(
    operator: TenantOperator,
    State(deps): State<Deps>,
    body: Body<NewDemoDelivery>,
) -> Result<Json<DemoDelivery>, Problem> {
    let demo = of(&deps, operator.tenant())?;
    let request = demo.send(body.read()?.sample).await;
    let not_taken =
        |error: DemoError| Problem::conflict(format!("The sample was not taken: {error}"));
    let request = request.map_err(not_taken)?;
    Ok(Json(DemoDelivery {
        request_id: request.map(|id| id.to_string()),
    }))
}

/// Has a simulated provider refuse every secret, until it is mended.
#[utoipa::path(
    post,
    path = "/v1/tenants/{tenant_id}/demo/faults",
    tag = "demo",
    security(("bearer" = [])),
    params(("tenant_id" = String, Path, description = "The tenant's slug.")),
    request_body = NewDemoFault,
    responses(
        (status = OK, description = "What can be tried now.", body = DemoWorld),
        BodyProblems,
        TenantProblems
    )
)]
pub(crate) async fn break_demo(
    operator: TenantOperator,
    State(deps): State<Deps>,
    body: Body<NewDemoFault>,
) -> Result<Json<DemoWorld>, Problem> {
    let demo = of(&deps, operator.tenant())?;
    let (new, mut faults) = body.open();
    let known = demo.providers().await.map_err(Problem::internal)?;
    if !known.iter().any(|one| one.provider == new.provider) {
        let slugs: Vec<_> = known.iter().map(|one| one.provider.as_str()).collect();
        faults.add("provider", format!("one of {}", slugs.join(", ")));
    }
    faults.finish(BODY)?;
    let broken = demo.refuse(&new.provider).await;
    broken.map_err(Problem::internal)?;
    shown(demo).await
}

/// Has every simulated provider work again. What was held goes on once its connection has a secret that is taken.
#[utoipa::path(
    delete,
    path = "/v1/tenants/{tenant_id}/demo/faults",
    tag = "demo",
    security(("bearer" = [])),
    params(("tenant_id" = String, Path, description = "The tenant's slug.")),
    responses((status = OK, description = "What can be tried now.", body = DemoWorld), TenantProblems)
)]
pub(crate) async fn mend_demo(
    operator: TenantOperator,
    State(deps): State<Deps>,
) -> Result<Json<DemoWorld>, Problem> {
    let demo = of(&deps, operator.tenant())?;
    demo.mend().await.map_err(Problem::internal)?;
    shown(demo).await
}

async fn shown(demo: &dyn Demo) -> Result<Json<DemoWorld>, Problem> {
    Ok(Json(DemoWorld {
        samples: demo.samples(),
        providers: demo.providers().await.map_err(Problem::internal)?,
    }))
}

/// What drives the tenant's simulated providers.
fn of<'a>(deps: &'a Deps, tenant: &TenantId) -> Result<&'a dyn Demo, Problem> {
    let demo = deps.demo.as_deref();
    let demo = demo.filter(|demo| demo.tenant() == tenant);
    demo.ok_or_else(|| Problem::not_found("Nothing is simulated for this tenant."))
}
