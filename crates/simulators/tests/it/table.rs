//! The table of simulators, and what is configured and asked by slug.

use std::path::PathBuf;
use std::time::Duration;

use simulators::{Config, SIMULATORS, Simulators, gemini, hubspot};

#[tokio::test]
async fn every_line_of_the_table_is_started_and_found_by_slug() {
    let simulators = Simulators::start(Config::default()).await.unwrap();
    let urls = simulators.urls();
    let slugs: Vec<_> = SIMULATORS.iter().map(|spec| spec.slug.to_owned()).collect();
    assert_eq!(urls.keys().cloned().collect::<Vec<_>>(), slugs);
    assert_eq!(urls["hubspot"], simulators.hubspot().base_url());
    assert_eq!(
        simulators.get::<hubspot::HubSpot>().base_url(),
        urls["hubspot"]
    );
}

#[tokio::test]
async fn ports_are_given_by_slug_and_unknown_slugs_are_refused() {
    let first = Simulators::start(Config::default()).await.unwrap();
    let port = first.hubspot().address().port();
    drop(first);
    let mut config = Config::default();
    config.ports.insert("hubspot", port);
    // The port may still be closing, or be in use by another test: what counts is that this one is asked for.
    match Simulators::start(config).await {
        Ok(second) => assert_eq!(second.hubspot().address().port(), port),
        Err(error) => assert_eq!(error.kind(), std::io::ErrorKind::AddrInUse),
    }
    let mut config = Config::default();
    config.ports.insert("roofbase", 0);
    let error = Simulators::start(config).await.unwrap_err();
    assert!(error.to_string().contains("roofbase"), "{error}");
}

#[test]
fn each_provider_has_a_configuration_of_its_own() {
    let mut config = Config::default().with(hubspot::Config {
        search_lag: Duration::from_secs(5),
        ..hubspot::Config::default()
    });
    config.of::<gemini::Config>().models.clear();
    config.blob_root = Some(PathBuf::from("blobs"));
    let mut copy = config.clone();
    copy.of::<gemini::Config>()
        .models
        .push("gemini-9".to_owned());
    assert_eq!(config.of::<gemini::Config>().models.len(), 0);
    assert_eq!(copy.of::<gemini::Config>().models, ["gemini-9"]);
    assert_eq!(
        copy.of::<hubspot::Config>().search_lag,
        Duration::from_secs(5)
    );
}

#[tokio::test]
async fn webhooks_are_configured_by_slug_where_a_provider_posts_any() {
    let simulators = Simulators::start(Config::default()).await.unwrap();
    for spec in SIMULATORS {
        let posts = simulators.webhook_key(spec.slug).is_some();
        // A key that is fixed needs no setting: the demo tenant has it.
        let demo_key = spec.demo.and_then(|demo| demo.signing_key);
        if posts {
            assert_eq!(spec.webhook_key_setting.is_some(), demo_key.is_none());
        } else {
            assert_eq!(spec.webhook_key_setting, None);
        }
        let url = "http://127.0.0.1:9/hook";
        assert_eq!(simulators.post_webhooks_to(spec.slug, url), posts);
    }
    assert_eq!(
        simulators.webhook_key("sendgrid"),
        Some(simulators.sendgrid().public_key())
    );
    assert_eq!(simulators.webhook_key("roofbase"), None);
}
