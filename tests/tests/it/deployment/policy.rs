//! What the modules say against what the code needs and what nobody may have.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

use blobs_gcs::GcsConfig;
use domain::Stage;
use google::{DocumentAiConfig, MapsConfig};
use hcl::{Expression, ObjectKey};
use management_api::{auth::OutsideConfig, sign_in::oidc::SignInConfig};
use settings::{Reader, Settings};

use super::modules::Modules;

const SERVICES: [&str; 6] = [
    "ai-analyzer",
    "crm-dispatcher",
    "management-api",
    "media-processor",
    "notifier",
    "webhook-ingest",
];

/// Every role that may be granted, and what needs it.
const ROLES: [(&str, &str); 19] = [
    ("roles/aiplatform.user", "the analyzer asks Gemini"),
    (
        "roles/bigquery.dataEditor",
        "Pub/Sub writes the events' table",
    ),
    (
        "roles/bigquery.metadataViewer",
        "Pub/Sub reads the table's schema",
    ),
    (
        "roles/cloudkms.cryptoKeyEncrypterDecrypter",
        "Cloud Storage encrypts recordings",
    ),
    ("roles/cloudtrace.agent", "services write traces"),
    (
        "roles/documentai.apiUser",
        "media-processor has files of forms read",
    ),
    (
        "roles/iam.serviceAccountTokenCreator",
        "Pub/Sub signs its pushes",
    ),
    ("roles/logging.logWriter", "services write logs"),
    ("roles/monitoring.metricWriter", "services write metrics"),
    ("roles/pubsub.publisher", "services send wake-ups"),
    ("roles/pubsub.subscriber", "Pub/Sub moves refused events on"),
    ("roles/run.invoker", "Pub/Sub calls the workers"),
    (
        "roles/secretmanager.admin",
        "management-api keeps tenants' credentials",
    ),
    (
        "roles/secretmanager.secretAccessor",
        "services open tenants' credentials",
    ),
    (
        "roles/spanner.databaseAdmin",
        "the migrator changes the schema",
    ),
    ("roles/spanner.databaseUser", "services read and write"),
    ("roles/speech.client", "media-processor transcribes"),
    (
        "roles/storage.objectUser",
        "media-processor keeps recordings",
    ),
    (
        "roles/storage.objectViewer",
        "management-api hands out files of forms",
    ),
];

fn key(key: &ObjectKey) -> String {
    match key {
        ObjectKey::Identifier(name) => name.to_string(),
        ObjectKey::Expression(Expression::String(name)) => name.clone(),
        other => panic!("a key that is no name: {other}"),
    }
}

/// A map of the locals. Members that are put together from several, or given under a condition, are joined.
fn members(value: &Expression) -> BTreeMap<String, Expression> {
    match value {
        Expression::Object(object) => object
            .iter()
            .map(|(name, value)| (key(name), value.clone()))
            .collect(),
        Expression::FuncCall(call) => call.args.iter().flat_map(members).collect(),
        Expression::Conditional(choice) => {
            let mut all = members(&choice.true_expr);
            all.extend(members(&choice.false_expr));
            all
        }
        Expression::Parenthesis(inner) => members(inner),
        _ => BTreeMap::new(),
    }
}

pub(super) fn assert_stages(modules: &Modules) {
    let mut pushed = BTreeMap::new();
    for (service, stages) in members(&modules.local("stages")) {
        let Expression::Array(stages) = stages else {
            panic!("the stages of {service} are no list")
        };
        for stage in stages {
            let Expression::String(stage) = stage else {
                panic!("a stage of {service} is no text")
            };
            pushed.insert(stage, service.clone());
        }
    }
    let stages: BTreeSet<_> = Stage::ALL.iter().map(|stage| stage.to_string()).collect();
    let named: BTreeSet<_> = pushed.keys().cloned().collect();
    assert_eq!(named, stages, "`stages` of terraform/main.tf");
}

fn read_by(service: &str) -> BTreeMap<&'static str, bool> {
    let settings = Settings::from_pairs([("GOOGLE_PROJECT", "any")]);
    let mut reader: Reader<'_> = settings.reader();
    drop(fleet::Config::read(&mut reader));
    match service {
        "webhook-ingest" => drop(webhook_ingest::Config::read(&mut reader)),
        "management-api" => {
            reader.optional_url("PUBLIC_URL", "");
            drop(OutsideConfig::read(&mut reader));
            drop(SignInConfig::read(&mut reader));
            management_api::LimitsConfig::read(&mut reader);
            drop(GcsConfig::read(&mut reader));
        }
        "ai-analyzer" => drop(MapsConfig::read(&mut reader)),
        "media-processor" => {
            drop(GcsConfig::read(&mut reader));
            drop(DocumentAiConfig::read(&mut reader));
        }
        _ => {}
    }
    let references = reader.references();
    references
        .iter()
        .map(|reference| (reference.key, reference.to_string().starts_with('#')))
        .collect()
}

pub(super) fn assert_settings(modules: &Modules) {
    let shared = members(&modules.local("shared_settings"));
    let own = members(&modules.local("own_settings"));
    let secret = members(&modules.local("secret_settings"));
    assert_eq!(own.keys().map(String::as_str).collect::<Vec<_>>(), SERVICES);
    for service in SERVICES {
        let read = read_by(service);
        let mut set: BTreeSet<String> = shared.keys().cloned().collect();
        set.extend(members(&own[service]).into_keys());
        set.extend(
            secret
                .get(service)
                .map(members)
                .unwrap_or_default()
                .into_keys(),
        );
        for name in &set {
            assert!(
                read.contains_key(name.as_str()),
                "{service} does not read {name}: take it out of terraform/main.tf"
            );
        }
    }
}

/// Settings whose value must not stand in Terraform's state.
fn is_secret(name: &str) -> bool {
    [
        "SECRET",
        "TOKEN",
        "MAPS_KEY",
        "SESSION_KEY",
        "SEALING_KEY",
        "PASSWORD",
    ]
    .iter()
    .any(|part| name.contains(part))
        && name != "SECRETS_PREFIX"
}

pub(super) fn plain_secrets(modules: &Modules) -> Vec<String> {
    let mut faults = Vec::new();
    for (service, own) in members(&modules.local("own_settings")) {
        for name in members(&own).into_keys().filter(|name| is_secret(name)) {
            faults.push(format!("{service}: {name} is a secret"));
        }
    }
    faults
}

pub(super) fn unlisted_roles(modules: &Modules) -> Vec<String> {
    let mut faults = Vec::new();
    for block in modules.blocks("resource").chain(modules.blocks("locals")) {
        let text = hcl::format::to_string(block.body()).unwrap();
        for word in text.split('"').filter(|word| word.starts_with("roles/")) {
            if !ROLES.iter().any(|(role, _)| *role == word) {
                let labels: Vec<_> = block.labels().iter().map(hcl::BlockLabel::as_str).collect();
                faults.push(format!("{}: {word}", labels.join(".")));
            }
        }
    }
    faults
}

pub(super) fn assert_images(root: &Path) {
    let dockerfile = fs::read_to_string(root.join("Dockerfile")).unwrap();
    let build = fs::read_to_string(root.join("cloudbuild.yaml")).unwrap();
    for service in SERVICES {
        assert!(
            dockerfile.contains(&format!("FROM base AS {service}\n")),
            "the Dockerfile has no image of {service}"
        );
        // Built, pushed, given a share, given everything.
        assert_eq!(
            build.matches(service).count(),
            4,
            "{service} in cloudbuild.yaml"
        );
    }
    for line in dockerfile.lines().filter(|line| line.starts_with("FROM ")) {
        assert!(
            !line.contains(":latest"),
            "an image without a version: {line}"
        );
    }
    assert!(
        dockerfile.contains("\nUSER 65532:65532\n"),
        "images run as nobody"
    );
}
