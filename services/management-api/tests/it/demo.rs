//! Trying the product: samples and refusals of simulated providers.

use std::sync::Mutex;

use domain::{RequestId, TenantId};
use futures::future::BoxFuture;
use management_api::{
    Demo, DemoError, DemoProvider, DemoSample,
    auth::Role::{Operator, Viewer},
};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::{
    openapi::assert_is_as_described,
    world::{World, body, problem, tenant, wrong_fields},
};

/// Stands for the simulated providers of tenant `a`, and notes what it is told.
pub(crate) struct Rehearsal {
    tenant: TenantId,
    sent: Mutex<Vec<DemoSample>>,
    refusing: Mutex<bool>,
}

impl Rehearsal {
    pub(crate) fn new() -> Self {
        Self {
            tenant: tenant("a"),
            sent: Mutex::default(),
            refusing: Mutex::default(),
        }
    }

    fn set(&self, is_refusing: bool) -> BoxFuture<'_, Result<(), DemoError>> {
        *self.refusing.lock().unwrap() = is_refusing;
        Box::pin(std::future::ready(Ok(())))
    }
}

impl Demo for Rehearsal {
    fn tenant(&self) -> &TenantId {
        &self.tenant
    }

    fn samples(&self) -> Vec<DemoSample> {
        vec![DemoSample::Call, DemoSample::OutOfAreaCall]
    }

    fn send(&self, sample: DemoSample) -> BoxFuture<'_, Result<Option<RequestId>, DemoError>> {
        self.sent.lock().unwrap().push(sample);
        let came_of_it = match sample {
            DemoSample::Call => Ok(Some(RequestId::from_uuid(Uuid::from_u128(7)))),
            DemoSample::OutOfAreaCall => Ok(None),
            DemoSample::Robocall | DemoSample::Form => Err("the source is disabled".into()),
        };
        Box::pin(std::future::ready(came_of_it))
    }

    fn providers(&self) -> BoxFuture<'_, Result<Vec<DemoProvider>, DemoError>> {
        let known = DemoProvider {
            provider: "hubspot".to_owned(),
            secret: "its-secret".to_owned(),
            is_refusing: *self.refusing.lock().unwrap(),
        };
        Box::pin(std::future::ready(Ok(vec![known])))
    }

    fn refuse<'a>(&'a self, _: &'a str) -> BoxFuture<'a, Result<(), DemoError>> {
        self.set(true)
    }

    fn mend(&self) -> BoxFuture<'_, Result<(), DemoError>> {
        self.set(false)
    }
}

const PATH: &str = "/v1/tenants/a/demo";

fn world_with(is_refusing: bool) -> Value {
    json!({
        "samples": ["call", "out_of_area_call"],
        "providers": [{ "provider": "hubspot", "secret": "its-secret", "is_refusing": is_refusing }],
    })
}

#[tokio::test]
async fn a_sample_that_the_product_refuses_is_no_defect() {
    let world = World::start().await;
    let asked = json!({ "sample": "form" });
    let answer = world
        .call_as(
            Operator,
            "POST",
            &format!("{PATH}/deliveries"),
            Some(&asked),
        )
        .await;
    let detail = problem(&answer, 409)["detail"].clone();
    assert_eq!(detail, "The sample was not taken: the source is disabled");
}

#[tokio::test]
async fn what_can_be_tried_is_told_sent_broken_and_mended() {
    let world = World::start().await;
    let shown = body(&world.call_as(Viewer, "GET", PATH, None).await);
    assert_is_as_described(&shown, "DemoWorld");
    assert_eq!(shown, world_with(false));

    let deliveries = format!("{PATH}/deliveries");
    for (sample, is_known) in [("call", true), ("out_of_area_call", false)] {
        let asked = json!({ "sample": sample });
        let sent = body(
            &world
                .call_as(Operator, "POST", &deliveries, Some(&asked))
                .await,
        );
        assert_is_as_described(&sent, "DemoDelivery");
        assert_eq!(sent["request_id"].is_string(), is_known, "{sent}");
    }
    let sent = world.demo.sent.lock().unwrap().clone();
    assert_eq!(sent, [DemoSample::Call, DemoSample::OutOfAreaCall]);

    let faults = format!("{PATH}/faults");
    let asked = json!({ "provider": "hubspot" });
    let broken = body(&world.call_as(Operator, "POST", &faults, Some(&asked)).await);
    assert_eq!(broken, world_with(true));
    let mended = body(&world.call_as(Operator, "DELETE", &faults, None).await);
    assert_eq!(mended, world_with(false));
}

#[tokio::test]
async fn what_is_not_simulated_cannot_be_tried() {
    let world = World::start().await;
    let faults = format!("{PATH}/faults");
    let asked = json!({ "provider": "pipedrive" });
    let refused = world.call_as(Operator, "POST", &faults, Some(&asked)).await;
    assert_eq!(wrong_fields(&refused), ["provider"]);
    let asked = json!({ "sample": "pigeon" });
    let refused = world
        .call_as(
            Operator,
            "POST",
            &format!("{PATH}/deliveries"),
            Some(&asked),
        )
        .await;
    assert_eq!(wrong_fields(&refused), ["sample"]);
    let asked = json!({ "sample": "call" });
    let refused = world
        .call_as(Viewer, "POST", &format!("{PATH}/deliveries"), Some(&asked))
        .await;
    problem(&refused, 403);
    assert!(world.demo.sent.lock().unwrap().is_empty());
    // Another tenant's providers are real, as far as it is told.
    let token = world.token(&[Viewer], &["a", "b"]);
    problem(&world.get_with("/v1/tenants/b/demo", &token).await, 404);
    body(&world.get_with(PATH, &token).await);
}
