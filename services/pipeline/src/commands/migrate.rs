//! `pipeline migrate`.

use std::path::PathBuf;

use anyhow::{Context as _, bail};
use clap::ValueEnum;
use runtime::SystemClock;
use settings::Settings;
use store_spanner::SpannerStore;
use store_sqlite::SqliteStore;

use super::{data_dir, say};
use crate::data_folder::DataFolder;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Whose database: the data folder's, or the fleet's on Spanner. The fleet's is found by the settings
    /// `GOOGLE_PROJECT`, `SPANNER_INSTANCE` and `SPANNER_DATABASE`, an emulator's by `SPANNER_EMULATOR_URL` and
    /// `SPANNER_EMULATOR_REST_URL`; there, instance and database are created.
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

pub(super) async fn run(settings: &Settings, args: Args) -> anyhow::Result<()> {
    let clock = SystemClock::default();
    let (database, steps) = match args.engine {
        Engine::Embedded => {
            let folder = DataFolder::open(&data_dir(settings, args.data_dir)?)?;
            let steps = SqliteStore::migrate(&folder.database(), &clock)?;
            (folder.database().display().to_string(), steps)
        }
        Engine::Google => {
            if args.data_dir.is_some() {
                bail!("`--engine google` has no data folder: leave `--data-dir` out");
            }
            let config = settings.load(|reader| {
                let project: String = reader.required(
                    "GOOGLE_PROJECT",
                    "The Google Cloud project that has the database.",
                );
                fleet::spanner(reader, &project)
            })?;
            let name = format!("{}/{}/{}", config.project, config.instance, config.database);
            let steps = SpannerStore::migrate(&config, &clock)
                .await
                .with_context(|| format!("migrating the Spanner database {name}"))?;
            (name, steps)
        }
    };
    match steps {
        0 => say(&format!("{database} is up to date")),
        1 => say(&format!("{database}: applied 1 migration")),
        steps => say(&format!("{database}: applied {steps} migrations")),
    }
}
