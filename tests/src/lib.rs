//! What whole-product stories are told with: a [`World`] runs every service, in one process or as a [`fleet`], on free
//! ports and a folder of its own, with simulated providers over real HTTP.
#![expect(clippy::unwrap_used, reason = "tests")]

mod callrail;
mod company;
pub mod crash;
pub mod fleet;
pub mod live;
pub mod simulation;
mod sources;
mod world;

use std::path::PathBuf;

use testkit::emulators::{PubSub, Spanner, unless_missing};

pub use callrail::{CallBody, brief, form_encoded, sha1_signature, sha256_signature};
pub use company::Company;
pub use sources::TRIAL;
pub use world::{Answer, Form, Rows, Watcher, World};

/// Whether a fleet can run here; where it cannot, a line says why, and a test of one returns early.
pub fn has_emulators() -> bool {
    let installed = Spanner::installed().and_then(|()| PubSub::installed());
    unless_missing(installed).is_some()
}

/// Where cargo puts the services' programs, seen from a test: the folder above its own.
pub fn programs() -> PathBuf {
    let itself = std::env::current_exe().unwrap();
    itself.parent().unwrap().parent().unwrap().to_owned()
}

/// Tells each of these stories twice: of one process, and of a fleet. A story is an `async fn` of a [`Form`].
#[macro_export]
macro_rules! in_both_forms {
    ($($story:ident),+ $(,)?) => {
        mod in_one_process {
            $(
                #[tokio::test]
                async fn $story() {
                    super::$story($crate::Form::OneProcess).await;
                }
            )+
        }

        mod in_a_fleet {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $story() {
                    if $crate::has_emulators() {
                        super::$story($crate::Form::Fleet).await;
                    }
                }
            )+
        }
    };
}
