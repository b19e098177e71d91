//! What a service consists of, whatever process it runs in.

use std::{fmt, sync::Arc};

use axum::Router;
use domain::StageHandler;
use futures::future::BoxFuture;
use tokio_util::sync::CancellationToken;

/// A service: what it answers, which stages it handles, what it does in the background.
pub struct Service {
    /// Its name, as in logs and deployments.
    pub name: &'static str,
    /// All its routes.
    pub routes: Router,
    /// The stages whose work it handles.
    pub stages: Vec<Arc<dyn StageHandler>>,
    /// What it does in the background for as long as the process lives.
    pub tasks: Vec<Task>,
}

type Run = Box<dyn FnOnce(CancellationToken) -> BoxFuture<'static, ()> + Send>;

/// Background work. It runs until its token is cancelled, then ends soon; ending earlier, or a panic, is a fault
/// that ends the process.
pub struct Task {
    /// Its name, as in logs.
    pub name: &'static str,
    pub(crate) run: Run,
}

impl Task {
    /// Background work from an async function or closure.
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
