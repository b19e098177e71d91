//! The suite that every bus must pass, on the emulator.

use std::{collections::HashMap, sync::Arc};

use bus::{LocalBus, LocalBusConfig, contract::Subject};
use bus_pubsub::{PushLimits, push_routes};
use domain::Stage;
use tokio::sync::Mutex;

use crate::{
    emulator::{connect, project},
    queue::{Counting, Rows, runner},
};

/// A bus, and a service for each stage that receives what is pushed to it.
async fn pubsub() -> Option<Subject> {
    let config = project().await?;
    let (mut routes, mut hints) = (Vec::new(), HashMap::new());
    for stage in Stage::ALL {
        let rows = Arc::new(Rows::default());
        hints.insert(stage, Mutex::new(rows.hints()));
        let nowhere = LocalBus::new(LocalBusConfig::default());
        let runner = runner(&rows, nowhere, &Counting::new(stage));
        routes.push((stage, push_routes(runner, None, PushLimits::default())));
    }
    let bus = connect(&config, routes).await;
    let hints = Arc::new(hints);
    let receive = move |stage| {
        let hints = hints.clone();
        Box::pin(async move { hints[&stage].lock().await.recv().await.unwrap() }) as _
    };
    Some(Subject {
        bus,
        receive: Box::new(receive),
    })
}

bus::contract_suite!(pubsub);
