//! `.env.example` and `.env.fleet.example` say what can be set.

use std::{collections::BTreeSet, fs, path::Path};

use blobs_gcs::GcsConfig;
use management_api::{auth::OutsideConfig, sign_in::oidc::SignInConfig};
use pipeline::config::Config;
use settings::{Reader, Reference, Settings};

fn references(read: impl FnOnce(&mut Reader<'_>)) -> Vec<Reference> {
    let settings = Settings::from_pairs([("GOOGLE_PROJECT", "any")]);
    let mut reader = settings.reader();
    read(&mut reader);
    reader.references().to_vec()
}

fn embedded() -> Vec<Reference> {
    references(|reader| drop(Config::read(reader)))
}

fn file(head: &str, entries: &[Reference]) -> String {
    let entries: Vec<_> = entries.iter().map(ToString::to_string).collect();
    format!("{head}\n\n{}\n", entries.join("\n\n"))
}

/// Compares a file at the repository's root, or renews it.
#[expect(
    clippy::disallowed_methods,
    reason = "a switch for developers, not a setting of the product"
)]
fn assert_file(name: &str, expected: &str) {
    let path = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/..")).join(name);
    if std::env::var_os("UPDATE_EXAMPLES").is_some() {
        fs::write(&path, expected).unwrap();
    }
    assert!(
        fs::read_to_string(&path).unwrap() == expected,
        "{name} is not what the code reads. Renew it: UPDATE_EXAMPLES=1 cargo test -p tests settings"
    );
}

#[test]
fn the_example_file_lists_every_setting_as_described() {
    let expected = file(
        "# Every setting of the pipeline, with its default. `make run` needs none of them: it simulates the providers\n\
         # and the Google project. A file of such lines is read with `pipeline --env-file FILE`; the environment\n\
         # outranks it.",
        &embedded(),
    );
    assert_file(".env.example", &expected);
}

#[test]
fn the_fleets_example_file_lists_what_its_services_read() {
    let known: BTreeSet<_> = embedded().iter().map(|known| known.key).collect();
    let mut own = references(|reader| {
        drop(fleet::Config::read(reader));
        drop(GcsConfig::read(reader));
        drop(OutsideConfig::read(reader));
        drop(SignInConfig::read(reader));
    });
    own.retain(|reference| !known.contains(reference.key) || reference.key == "GOOGLE_PROJECT");
    let expected = file(
        "# What the services of the fleet read, besides what `.env.example` says of their parts. `make fleet` sets all of\n\
         # it. HOST is 0.0.0.0 here by default, and METRICS_PORT none.",
        &own,
    );
    assert_file(".env.fleet.example", &expected);
}
