//! The product as a fleet on this machine, on emulators, ports and a folder of its own.

use std::path::PathBuf;

use management_api::auth::SigningKey;
use simulators::Simulators;
use tempfile::TempDir;
use tokio::sync::OnceCell;

use super::{Parts, one_process::NO_LIMITS};
use crate::{
    fleet::{Fleet, FleetOptions, Reader},
    programs,
};

/// The running fleet. Dropping it ends everything.
pub(super) struct SixServices {
    fleet: Fleet,
    folder: TempDir,
    reader: OnceCell<Reader>,
}

impl SixServices {
    pub(super) async fn start(settings: &[(&str, &str)]) -> (Self, Parts) {
        let folder = tempfile::tempdir().unwrap();
        let own = |(key, value): &(&str, &str)| ((*key).to_owned(), (*value).to_owned());
        let options = FleetOptions {
            port: 0,
            programs: programs(),
            ingest: "webhook-ingest-trial",
            settings: NO_LIMITS.iter().chain(settings).map(own).collect(),
            simulators: simulators::Config::default(),
        };
        let fleet = Box::pin(Fleet::start(folder.path(), options))
            .await
            .unwrap_or_else(|error| panic!("{error:?}"));
        let parts = Parts {
            base: fleet.base(),
            store: fleet.store.clone(),
            secrets: fleet.secrets.clone(),
            key: SigningKey::open(fleet.folder.path()).unwrap(),
        };
        let services = Self {
            fleet,
            folder,
            reader: OnceCell::new(),
        };
        (services, parts)
    }

    pub(super) fn stop(&mut self) {
        self.fleet.stop();
    }

    pub(super) async fn restart(&mut self) {
        self.fleet.stop();
        self.fleet.start_again().await.unwrap();
    }

    pub(super) fn data_folder(&self) -> PathBuf {
        self.folder.path().to_owned()
    }

    /// Who reads in the database.
    pub(super) async fn reader(&self) -> &Reader {
        let open = async || Reader::open(&self.fleet.database).await.unwrap();
        self.reader.get_or_init(open).await
    }

    pub(super) fn recordings(&self) -> Vec<String> {
        let objects = self.fleet.simulators.storage().objects();
        objects.into_iter().map(|object| object.name).collect()
    }

    pub(super) const fn simulators(&self) -> &Simulators {
        &self.fleet.simulators
    }

    /// What every process logged, one after the other.
    pub(super) fn logs(&self) -> String {
        let logs = self.fleet.instances.iter().map(|instance| {
            let name = instance.name.as_str();
            format!("== {name}\n{}", instance.logged())
        });
        logs.collect()
    }
}
