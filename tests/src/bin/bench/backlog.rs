//! What waiting requests cost: lists, counts and a start beside a small backlog and a large one.

use std::time::Duration;

use crate::{
    load::{Load, closed_loop_of},
    product::Product,
};

/// How many requests wait, a few and many.
pub(crate) const SIZES: [u64; 2] = [10_000, 650_000];
const CONNECTIONS: usize = 64;

/// What was measured beside a backlog.
pub(crate) struct Figures {
    pub(crate) waiting: u64,
    /// `GET …/requests?status=received`.
    pub(crate) list: Duration,
    /// `GET …/work/counts`.
    pub(crate) counts: Duration,
    /// From the start of the process to ready, after a kill.
    pub(crate) start: Duration,
}

pub(crate) async fn measure(target: &str) -> Vec<Figures> {
    let paused = [("WORKERS_PER_STAGE", "0")];
    let mut product = Product::start(&paused).await;
    let mut figures = Vec::new();
    let mut sent = 0;
    for waiting in SIZES {
        closed_loop_of(
            &Load::new(product.address, target),
            CONNECTIONS,
            waiting - sent,
        )
        .await;
        sent = waiting;
        let list = product.answers_after("requests?status=received").await;
        let counts = product.answers_after("work/counts").await;
        product = Product::start_in(product.kill(), &paused).await;
        figures.push(Figures {
            waiting,
            list,
            counts,
            start: product.ready_after,
        });
    }
    figures
}
