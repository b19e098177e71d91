//! `pipeline migrate`.

use std::path::PathBuf;

use runtime::SystemClock;
use settings::Settings;
use store_sqlite::SqliteStore;

use super::{data_dir, say};
use crate::data_folder::DataFolder;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The data folder. Default: the setting `DATA_DIR`, else `.data`.
    #[arg(long, value_name = "FOLDER")]
    data_dir: Option<PathBuf>,
}

pub(super) fn run(settings: &Settings, args: Args) -> anyhow::Result<()> {
    let folder = DataFolder::open(&data_dir(settings, args.data_dir)?)?;
    let steps = SqliteStore::migrate(&folder.database(), &SystemClock::default())?;
    let database = folder.database();
    match steps {
        0 => say(&format!("{} is up to date", database.display())),
        1 => say(&format!("{}: applied 1 migration", database.display())),
        steps => say(&format!(
            "{}: applied {steps} migrations",
            database.display()
        )),
    }
}
