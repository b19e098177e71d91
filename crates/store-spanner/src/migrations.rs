//! The schema: numbered steps that are only ever added. Each can be repeated, because Spanner changes its schema
//! outside of transactions: a process that dies between a change and its record repeats the change. A step only adds
//! nullable or defaulted columns, so that the build before can go on: the first file says the rule, and a test keeps it.

use std::time::{Duration, Instant};

use domain::StoreError;
use google_cloud_auth::credentials::anonymous;
use google_cloud_lro::Poller as _;
use google_cloud_spanner::statement::Statement;
use google_cloud_spanner_admin_database_v1::client::DatabaseAdmin;
use google_cloud_spanner_admin_instance_v1::{client::InstanceAdmin, model::Instance};
use jiff::Timestamp;

use crate::{
    connect::{Emulator, SpannerConfig},
    fault,
    rows::{Write, mutation, time_value},
};

/// Every step, in order. A file lands here with its number.
const MIGRATIONS: &[(i64, &str, &str)] = &[
    (
        1,
        "first_tables",
        include_str!("../../../migrations/spanner/0001_first_tables.sql"),
    ),
    (
        3,
        "finding_leads",
        include_str!("../../../migrations/spanner/0003_finding_leads.sql"),
    ),
    (
        4,
        "live_events",
        include_str!("../../../migrations/spanner/0004_live_events.sql"),
    ),
    (
        5,
        "jobs",
        include_str!("../../../migrations/spanner/0005_jobs.sql"),
    ),
    (
        6,
        "people_and_keys",
        include_str!("../../../migrations/spanner/0006_people_and_keys.sql"),
    ),
    (
        7,
        "figures",
        include_str!("../../../migrations/spanner/0007_figures.sql"),
    ),
    (
        8,
        "what_came_in",
        include_str!("../../../migrations/spanner/0008_what_came_in.sql"),
    ),
    (
        21,
        "audit_of_sources",
        include_str!("../../../migrations/spanner/0021_audit_of_sources.sql"),
    ),
    (
        23,
        "bookings",
        include_str!("../../../migrations/spanner/0023_bookings.sql"),
    ),
    (
        24,
        "requests_of_one_person",
        include_str!("../../../migrations/spanner/0024_requests_of_one_person.sql"),
    ),
    (
        26,
        "calls_to_make",
        include_str!("../../../migrations/spanner/0026_calls_to_make.sql"),
    ),
    (
        27,
        "places",
        include_str!("../../../migrations/spanner/0027_places.sql"),
    ),
    (
        36,
        "lists_of_jobs",
        include_str!("../../../migrations/spanner/0036_lists_of_jobs.sql"),
    ),
    (
        37,
        "leads_by_score",
        include_str!("../../../migrations/spanner/0037_leads_by_score.sql"),
    ),
    (
        40,
        "answers_with_etags",
        include_str!("../../../migrations/spanner/0040_answers_with_etags.sql"),
    ),
    (
        58,
        "names_of_sources",
        include_str!("../../../migrations/spanner/0058_names_of_sources.sql"),
    ),
    (
        60,
        "early_messages",
        include_str!("../../../migrations/spanner/0060_early_messages.sql"),
    ),
    (
        65,
        "lists_of_stopped_work",
        include_str!("../../../migrations/spanner/0065_lists_of_stopped_work.sql"),
    ),
    (
        66,
        "lists_of_refusals",
        include_str!("../../../migrations/spanner/0066_lists_of_refusals.sql"),
    ),
    (
        67,
        "lists_of_the_audit_log",
        include_str!("../../../migrations/spanner/0067_lists_of_the_audit_log.sql"),
    ),
    (
        75,
        "tests_of_sources",
        include_str!("../../../migrations/spanner/0075_tests_of_sources.sql"),
    ),
];

/// Where the steps that were taken are on record.
const RECORD: &str = "CREATE TABLE IF NOT EXISTS schema_migrations ( \
                      version INT64 NOT NULL, name STRING(MAX) NOT NULL, applied_at TIMESTAMP NOT NULL \
                      ) PRIMARY KEY (version)";

/// Brings the schema to this build's version; returns how many steps were taken. On the emulator, instance and
/// database are created when they are not there.
pub(crate) async fn apply(config: &SpannerConfig, now: Timestamp) -> Result<u32, StoreError> {
    if let Some(emulator) = &config.emulator {
        create_on(emulator, config).await?;
    }
    let admin = admin(config).await?;
    change(&admin, config, vec![RECORD.to_owned()]).await?;
    let client = config.client().await?;
    let current = current(&client).await?;
    if current > newest() {
        return Err(StoreError::Conflict(format!(
            "the data was written by a newer build (schema {current}, this build knows {}): run that build",
            newest()
        )));
    }
    let mut applied = 0;
    for (version, name, sql) in MIGRATIONS.iter().filter(|(version, ..)| *version > current) {
        change(&admin, config, statements(sql)).await?;
        let record = mutation(
            Write::Put,
            "schema_migrations",
            [
                ("version", (*version).into()),
                ("name", (*name).to_owned().into()),
                ("applied_at", time_value(now)),
            ],
        );
        client
            .write_only_transaction()
            .build()
            .write_at_least_once([record])
            .await
            .map_err(|error| fault::store_error(&error))?;
        applied += 1;
    }
    Ok(applied)
}

/// Whether this build can work with the schema. A newer one is taken: a rollout migrates first, while processes of the
/// build before still start, and steps only widen what is there.
pub(crate) async fn check(
    client: &google_cloud_spanner::client::DatabaseClient,
) -> Result<(), StoreError> {
    let current = current(client).await?;
    let newest = newest();
    if current > newest {
        tracing::info!(current, newest, "the schema is newer than this build");
    }
    if current < newest {
        return Err(StoreError::Conflict(format!(
            "the schema is older than this build (schema {current}, this build needs {newest}): run `pipeline migrate`"
        )));
    }
    Ok(())
}

fn newest() -> i64 {
    MIGRATIONS.last().map_or(0, |(version, ..)| *version)
}

/// The version that the database has.
async fn current(client: &google_cloud_spanner::client::DatabaseClient) -> Result<i64, StoreError> {
    let asked = Statement::builder("SELECT MAX(version) AS version FROM schema_migrations").build();
    let read = async {
        let mut found = client.single_use().build().execute_query(asked).await?;
        let row = found.next().await.transpose()?;
        row.map_or(Ok(None), |row| row.get::<Option<i64>>("version"))
    };
    let current = read
        .await
        .map_err(
            |error: google_cloud_spanner::Error| match fault::store_error(&error) {
                StoreError::Failed(reason) if reason.contains("Table not found") => {
                    StoreError::Conflict(
                        "the database has no tables: run `pipeline migrate`".to_owned(),
                    )
                }
                other => other,
            },
        )?
        .unwrap_or(0);
    Ok(current)
}

/// The statements of a step, without its comments.
fn statements(sql: &str) -> Vec<String> {
    let lines = sql
        .lines()
        .filter(|line| !line.trim_start().starts_with("--"));
    let code = lines.collect::<Vec<_>>().join("\n");
    let parts = code.split(';').map(str::trim);
    parts
        .filter(|part| !part.is_empty())
        .map(str::to_owned)
        .collect()
}

/// How long a change of the schema waits for others to end, and how often it asks.
const OTHERS_END_WITHIN: Duration = Duration::from_secs(60);
const PAUSE: Duration = Duration::from_millis(200);

async fn change(
    admin: &DatabaseAdmin,
    config: &SpannerConfig,
    statements: Vec<String>,
) -> Result<(), StoreError> {
    let began = Instant::now();
    loop {
        let changed = admin
            .update_database_ddl()
            .set_database(config.database_path())
            .set_statements(statements.clone())
            .poller()
            .until_done()
            .await;
        match changed {
            Ok(_) => return Ok(()),
            // The emulator refuses what Spanner would queue.
            Err(error)
                if error.to_string().contains("concurrent schema change")
                    && began.elapsed() < OTHERS_END_WITHIN =>
            {
                tokio::time::sleep(PAUSE).await;
            }
            Err(error) => return Err(failed("the schema cannot be changed", &error)),
        }
    }
}

async fn admin(config: &SpannerConfig) -> Result<DatabaseAdmin, StoreError> {
    let mut builder = DatabaseAdmin::builder();
    if let Some(emulator) = &config.emulator {
        builder = builder
            .with_endpoint(emulator.rest.clone())
            .with_credentials(anonymous::Builder::new().build());
    }
    let built = builder.build().await;
    built.map_err(|error| StoreError::Failed(format!("no client for Spanner's schema: {error}")))
}

/// Creates instance and database. The emulator's errors do not say what is there already, so it is asked first and
/// afterwards.
async fn create_on(emulator: &Emulator, config: &SpannerConfig) -> Result<(), StoreError> {
    let instances = InstanceAdmin::builder()
        .with_endpoint(emulator.rest.clone())
        .with_credentials(anonymous::Builder::new().build())
        .build()
        .await
        .map_err(|error| {
            StoreError::Failed(format!("no client for Spanner's instances: {error}"))
        })?;
    let project = format!("projects/{}", config.project);
    let path = config.instance_path();
    if !has_instance(&instances, &project, &path).await? {
        let instance = Instance::new()
            .set_config(format!("{project}/instanceConfigs/emulator-config"))
            .set_display_name(&config.instance)
            .set_node_count(1);
        let created = instances
            .create_instance()
            .set_parent(&project)
            .set_instance_id(&config.instance)
            .set_instance(instance)
            .poller()
            .until_done()
            .await;
        if let Err(error) = created
            && !has_instance(&instances, &project, &path).await?
        {
            return Err(failed("the instance cannot be created", &error));
        }
    }
    create_database(config).await
}

async fn has_instance(
    instances: &InstanceAdmin,
    project: &str,
    path: &str,
) -> Result<bool, StoreError> {
    let known = instances
        .list_instances()
        .set_parent(project)
        .send()
        .await
        .map_err(|error| failed("the instances cannot be listed", &error))?;
    Ok(known.instances.iter().any(|instance| instance.name == path))
}

async fn create_database(config: &SpannerConfig) -> Result<(), StoreError> {
    let admin = admin(config).await?;
    if has_database(&admin, config).await? {
        return Ok(());
    }
    let created = admin
        .create_database()
        .set_parent(config.instance_path())
        .set_create_statement(format!("CREATE DATABASE `{}`", config.database))
        .poller()
        .until_done()
        .await;
    match created {
        Err(error) if !has_database(&admin, config).await? => {
            Err(failed("the database cannot be created", &error))
        }
        _ => Ok(()),
    }
}

async fn has_database(admin: &DatabaseAdmin, config: &SpannerConfig) -> Result<bool, StoreError> {
    let known = admin
        .list_databases()
        .set_parent(config.instance_path())
        .send()
        .await
        .map_err(|error| failed("the databases cannot be listed", &error))?;
    let path = config.database_path();
    Ok(known.databases.iter().any(|database| database.name == path))
}

fn failed(what: &str, error: &google_cloud_gax::error::Error) -> StoreError {
    StoreError::Failed(format!("{what}: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_is_cut_into_its_statements() {
        let sql = "-- A comment; with a semicolon.\nCREATE TABLE a (\n    -- Inside.\n    b INT64\n);\n\nDROP TABLE c;\n";
        assert_eq!(
            statements(sql),
            ["CREATE TABLE a (\n    b INT64\n)", "DROP TABLE c"]
        );
    }

    #[test]
    fn steps_are_numbered_and_only_widen() {
        let mut before = 0;
        for (version, name, sql) in MIGRATIONS {
            assert!(*version > before, "{name}");
            before = *version;
            assert_eq!(store::contract::narrowing(sql), None::<String>, "{name}");
        }
    }
}
