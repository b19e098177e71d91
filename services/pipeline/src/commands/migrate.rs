//! `pipeline migrate`.

use std::path::PathBuf;

use clap::ValueEnum;
use runtime::SystemClock;
use settings::Settings;
use store_sqlite::SqliteStore;

use super::{data_dir, say};
use crate::data_folder::DataFolder;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Which database to migrate: the data folder's, or the fleet's on Spanner. The settings `GOOGLE_PROJECT`,
    /// `SPANNER_INSTANCE` and `SPANNER_DATABASE` name the fleet's, `SPANNER_EMULATOR_URL` and
    /// `SPANNER_EMULATOR_REST_URL` an emulator's; on an emulator, the command creates instance and database. `google`
    /// needs a program built with `cargo build --package pipeline --features google`.
    #[arg(long, value_enum, default_value_t = Engine::Embedded)]
    engine: Engine,
    /// The data folder. Default: the setting `DATA_DIR`, else `.data`.
    #[arg(long, value_name = "FOLDER")]
    data_dir: Option<PathBuf>,
}

/// What the product runs on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Engine {
    /// SQLite in a data folder.
    Embedded,
    /// Spanner.
    Google,
}

#[cfg_attr(
    not(feature = "google"),
    expect(clippy::unused_async, reason = "Spanner alone is waited for")
)]
pub(super) async fn run(settings: &Settings, args: Args) -> anyhow::Result<()> {
    let (database, steps) = match args.engine {
        Engine::Embedded => {
            let folder = DataFolder::open(&data_dir(settings, args.data_dir)?)?;
            let steps = SqliteStore::migrate(&folder.database(), &SystemClock::default())?;
            (folder.database().display().to_string(), steps)
        }
        #[cfg(feature = "google")]
        Engine::Google => migrate_spanner(settings, args.data_dir).await?,
        #[cfg(not(feature = "google"))]
        Engine::Google => return Err(not_built_in().into()),
    };
    match steps {
        0 => say(&format!("{database} is up to date")),
        1 => say(&format!("{database}: applied 1 migration")),
        steps => say(&format!("{database}: applied {steps} migrations")),
    }
}

#[cfg(feature = "google")]
async fn migrate_spanner(
    settings: &Settings,
    data_dir: Option<PathBuf>,
) -> anyhow::Result<(String, u32)> {
    use anyhow::Context as _;
    use store_spanner::SpannerStore;

    if data_dir.is_some() {
        anyhow::bail!("`--engine google` has no data folder: leave `--data-dir` out");
    }
    let config = settings.load(|reader| {
        let project: String = reader.required(
            "GOOGLE_PROJECT",
            "The Google Cloud project that has the database.",
        );
        fleet::spanner(reader, &project)
    })?;
    let name = format!("{}/{}/{}", config.project, config.instance, config.database);
    let steps = SpannerStore::migrate(&config, &SystemClock::default())
        .await
        .with_context(|| format!("migrating the Spanner database {name}"))?;
    Ok((name, steps))
}

/// Google's clients are a third of what there is to compile, and no other command uses them.
#[cfg(any(test, not(feature = "google")))]
fn not_built_in() -> settings::SettingsError {
    settings::SettingsError {
        faults: vec![settings::Fault {
            key: "--engine google".to_owned(),
            problem: "this program was built without Google's clients".to_owned(),
            hint: "build it with `cargo build --package pipeline --features google`".to_owned(),
        }],
    }
}

#[cfg(test)]
mod tests {
    use std::process::ExitCode;

    use super::*;

    #[test]
    fn a_missing_engine_is_a_usage_error_with_a_remedy() {
        let error = not_built_in();
        assert_eq!(
            error.to_string(),
            "1 setting needs attention:\n  --engine google: this program was built without Google's clients; \
             build it with `cargo build --package pipeline --features google`"
        );
        assert_eq!(runtime::exit_code(Err(error.into())), ExitCode::from(64));
    }
}
