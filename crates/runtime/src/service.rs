//! What a service consists of, in whichever process it runs.

use std::{fmt, sync::Arc};

use axum::Router;
use domain::StageHandler;
use futures::future::BoxFuture;
use tokio_util::sync::CancellationToken;

pub struct Service {
    /// As in logs and deployments.
    pub name: &'static str,
    pub routes: Router,
    /// The stages whose work it handles.
    pub stages: Vec<Arc<dyn StageHandler>>,
    pub tasks: Vec<Task>,
}

type Run = Box<dyn FnOnce(CancellationToken) -> BoxFuture<'static, ()> + Send>;

/// Background work. It must run until its token is cancelled, and end soon after that. Ending earlier, or a panic, ends the
/// process.
pub struct Task {
    /// As in logs.
    pub name: &'static str,
    pub(crate) run: Run,
}

impl Task {
    pub fn new<F>(
        name: &'static str,
        run: impl FnOnce(CancellationToken) -> F + Send + 'static,
    ) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        Self {
            name,
            run: Box::new(move |stop| Box::pin(run(stop))),
        }
    }
}

impl fmt::Debug for Task {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Task").field(&self.name).finish()
    }
}

impl fmt::Debug for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let stages: Vec<_> = self.stages.iter().map(|handler| handler.stage()).collect();
        f.debug_struct("Service")
            .field("name", &self.name)
            .field("stages", &stages)
            .field("tasks", &self.tasks)
            .finish_non_exhaustive()
    }
}
