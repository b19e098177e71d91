//! The suite that every bus must pass. An adapter takes it as one line: `bus::contract_suite!(make);`

use std::{sync::Arc, time::Duration};

use domain::{RequestId, Stage, TenantId, Wake, WorkKey};
use futures::future::BoxFuture;

use crate::Bus;

/// A bus under test, and how its consumer gets a stage's next wake-up.
pub struct Subject {
    /// The bus.
    pub bus: Arc<dyn Bus>,
    /// Takes and acknowledges the next wake-up of a stage.
    pub receive: Box<dyn Fn(Stage) -> BoxFuture<'static, Wake> + Send + Sync>,
}

/// Longest wait for a wake-up.
const PATIENCE: Duration = Duration::from_secs(60);

impl Subject {
    async fn received(&self, stage: Stage) -> Wake {
        tokio::time::timeout(PATIENCE, (self.receive)(stage))
            .await
            .expect("a wake-up arrives in time")
    }
}

/// Lets `make` return a [`Subject`] or an `Option` of one.
pub fn subject(made: impl Into<Option<Subject>>) -> Option<Subject> {
    made.into()
}

/// A wake-up for tests: `number` makes it another request's.
pub fn wake(tenant: &str, stage: Stage, number: u128) -> Wake {
    let key = WorkKey {
        tenant: TenantId::new(tenant).expect("a slug"),
        request: RequestId::from_uuid(uuid::Uuid::from_u128(number)),
        stage,
        target: if stage == Stage::Dispatch {
            "crm".to_owned()
        } else {
            String::new()
        },
    };
    Wake {
        v: Wake::VERSION,
        key,
        token: 7,
    }
}

/// A wake-up arrives at its stage as it was published.
pub async fn a_wake_up_arrives_at_its_stage_unchanged(subject: Subject) {
    for (number, stage) in Stage::ALL.into_iter().enumerate() {
        let sent = wake("tenant_a", stage, number as u128);
        subject
            .bus
            .publish(vec![sent.clone()])
            .await
            .expect("published");
        assert_eq!(subject.received(stage).await, sent);
    }
}

/// An adapter may deliver a wake-up of a batch twice, but never lose one.
pub async fn every_wake_up_of_a_batch_arrives(subject: Subject) {
    let sent: Vec<_> = (0..50)
        .map(|number| wake("tenant_a", Stage::Analysis, number))
        .collect();
    subject.bus.publish(sent.clone()).await.expect("published");
    let mut missing = sent;
    while !missing.is_empty() {
        let wake = subject.received(Stage::Analysis).await;
        missing.retain(|sent| *sent != wake);
    }
}

/// A stage's consumer sees no other stage's wake-ups.
pub async fn stages_do_not_see_each_others_wake_ups(subject: Subject) {
    let (first, second) = (
        wake("tenant_a", Stage::Recording, 1),
        wake("tenant_a", Stage::Dispatch, 2),
    );
    subject
        .bus
        .publish(vec![first.clone(), second.clone()])
        .await
        .expect("published");
    assert_eq!(subject.received(Stage::Dispatch).await, second);
    assert_eq!(subject.received(Stage::Recording).await, first);
}

/// A tenant with many wake-ups does not keep another one waiting behind all of them.
pub async fn a_quiet_tenant_is_served_beside_a_loud_one(subject: Subject) {
    let loud: Vec<_> = (0..100)
        .map(|number| wake("tenant_loud", Stage::Dispatch, number))
        .collect();
    subject.bus.publish(loud).await.expect("published");
    let quiet = wake("tenant_quiet", Stage::Dispatch, 1_000);
    subject
        .bus
        .publish(vec![quiet.clone()])
        .await
        .expect("published");
    // A tenant without wake-ups always has capacity, or a relay would publish none of its.
    let third = TenantId::new("tenant_third").expect("a slug");
    assert!(subject.bus.capacity(&third, Stage::Dispatch) > 0);
    while subject.received(Stage::Dispatch).await != quiet {}
}

/// Runs the whole suite against `$make`: an async function that returns a new [`Subject`], or `None` if what it needs is
/// not installed.
#[macro_export]
macro_rules! contract_suite {
    ($make:path) => {
        $crate::contract_suite!(@ $make:
            a_wake_up_arrives_at_its_stage_unchanged,
            every_wake_up_of_a_batch_arrives,
            stages_do_not_see_each_others_wake_ups,
            a_quiet_tenant_is_served_beside_a_loud_one,
        );
    };
    (@ $make:path: $($name:ident,)+) => {$(
        #[tokio::test]
        async fn $name() {
            if let Some(subject) = $crate::contract::subject($make().await) {
                $crate::contract::$name(subject).await;
            }
        }
    )+};
}
