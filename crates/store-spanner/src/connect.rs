//! Where the database is, and how to reach it.

use domain::StoreError;
use google_cloud_auth::credentials::anonymous;
use google_cloud_spanner::{
    builder::SpannerBuilderExt as _,
    channel_pool::StaticChannelPoolConfig,
    client::{DatabaseClient, Spanner},
};

use crate::fault;

/// Where the database is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SpannerConfig {
    /// The project's id.
    pub project: String,
    /// The instance's id.
    pub instance: String,
    /// The database's id.
    pub database: String,
    /// The emulator, where it is to be used instead of Google's service.
    pub emulator: Option<Emulator>,
}

/// Google's Spanner emulator. It is reached without credentials.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Emulator {
    /// Of its gRPC side: `http://127.0.0.1:9010`.
    pub grpc: String,
    /// Of its REST side, which creates instances and databases: `http://127.0.0.1:9020`.
    pub rest: String,
}

impl SpannerConfig {
    /// `projects/…/instances/…`
    pub(crate) fn instance_path(&self) -> String {
        format!("projects/{}/instances/{}", self.project, self.instance)
    }

    /// `projects/…/instances/…/databases/…`
    pub(crate) fn database_path(&self) -> String {
        format!("{}/databases/{}", self.instance_path(), self.database)
    }

    /// A client of the database. Nothing is asked of an unreachable one for longer than the caller waits.
    pub(crate) async fn client(&self) -> Result<DatabaseClient, StoreError> {
        let mut builder = Spanner::builder();
        if let Some(emulator) = &self.emulator {
            builder = builder
                .with_endpoint(emulator.grpc.clone())
                .with_credentials(anonymous::Builder::new().build())
                .with_channel_pool(StaticChannelPoolConfig::new(1));
        }
        let spanner = builder
            .build()
            .await
            .map_err(|error| StoreError::Failed(format!("no Spanner client: {error}")))?;
        spanner
            .database_client(self.database_path())
            .build()
            .await
            .map_err(|error| fault::store_error(&error))
    }
}
