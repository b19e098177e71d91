//! The fleet's database, seen by a client that is not the product's.

use anyhow::Context as _;
use google_cloud_auth::credentials::anonymous;
use google_cloud_spanner::{
    builder::SpannerBuilderExt as _,
    channel_pool::StaticChannelPoolConfig,
    client::{DatabaseClient, Spanner},
    result::Row,
    statement::Statement,
};
use store_spanner::SpannerConfig;

/// A client of it that reads.
pub struct Reader(DatabaseClient);

impl Reader {
    /// Opens one.
    ///
    /// # Errors
    /// When the emulator does not answer.
    pub async fn open(config: &SpannerConfig) -> anyhow::Result<Self> {
        let emulator = config
            .emulator
            .as_ref()
            .context("it is not on an emulator")?;
        let spanner = Spanner::builder()
            .with_endpoint(emulator.grpc.clone())
            .with_credentials(anonymous::Builder::new().build())
            .with_channel_pool(StaticChannelPoolConfig::new(1))
            .build()
            .await?;
        let path = format!(
            "projects/{}/instances/{}/databases/{}",
            config.project, config.instance, config.database
        );
        Ok(Self(spanner.database_client(path).build().await?))
    }

    /// What a query finds.
    ///
    /// # Errors
    /// When the emulator does not answer, or refuses the query.
    pub async fn rows(&self, sql: &str) -> anyhow::Result<Vec<Row>> {
        let read = self.0.single_use().build();
        let mut found = read.execute_query(Statement::builder(sql).build()).await?;
        let mut rows = Vec::new();
        while let Some(row) = found.next().await {
            rows.push(row?);
        }
        Ok(rows)
    }
}

/// What a query finds, for whoever asks once.
///
/// # Errors
/// When the emulator does not answer, or refuses the query.
pub async fn read_rows(config: &SpannerConfig, sql: &str) -> anyhow::Result<Vec<Row>> {
    Reader::open(config).await?.rows(sql).await
}
