//! A tenant changes over to another CRM, by commands alone.

use std::fs;

use domain::Status;
use pipeline::demo;
use serde_json::{Value, json};
use simulators::{Simulators, customcrm, pipedrive, salesforce};
use tests::{CallBody, Form, World, in_both_forms};

use super::{command, json_of, secret_file};

in_both_forms![
    an_office_changes_over_to_a_system_of_its_own,
    an_office_changes_over_to_a_crm_by_an_oauth_app,
    a_url_that_leads_inside_is_refused_when_it_is_entered,
];

/// A CRM, the OAuth app that its simulator accepts, and how many persons and jobs it has.
type ByApp = (&'static str, &'static str, fn(&Simulators) -> [usize; 2]);

const BY_APP: &[ByApp] = &[
    ("salesforce", salesforce::APP, |simulators| {
        let salesforce = simulators.salesforce();
        [salesforce.leads().len(), salesforce.tasks().len()]
    }),
    ("pipedrive", pipedrive::APP, |simulators| {
        let pipedrive = simulators.pipedrive();
        [pipedrive.persons().len(), pipedrive.leads().len()]
    }),
];

/// Lets the demo office send its leads there alone.
async fn send_to(world: &World, connector: &str) {
    let shown = command(world, &["config", "show", "--tenant", demo::TENANT]).await;
    let mut config: Value = serde_json::from_str(&shown.unwrap()).unwrap();
    config["destinations"] = json!([{ "connector": connector, "connection": connector }]);
    let file = world.data_folder().join("config.json");
    fs::write(&file, config.to_string()).unwrap();
    let file = file.to_str().unwrap();
    let line = ["config", "set", file, "--tenant", demo::TENANT];
    command(world, &line).await.unwrap();
}

async fn an_office_changes_over_to_a_system_of_its_own(form: Form) {
    let world = World::with(form, [("TENANTS_ALLOW_LOOPBACK", "true")]).await;
    let receiver = world.simulators().customcrm();
    let key = secret_file(&world, customcrm::KEY);
    let url = format!("url={}", receiver.url());
    let line = [
        "secret",
        "set",
        "customcrm",
        "--tenant",
        demo::TENANT,
        "--provider",
        "customcrm",
        "--setting",
        &url,
        "--setting",
        r#"mapping={"customer":"{{contact.name}}","tel":"{{contact.phone}}"}"#,
        "--file",
        &key,
    ];
    let set = json_of(&world, &line).await;
    assert_eq!(
        (&set["provider"], &set["version"]),
        (&json!("customcrm"), &json!(1))
    );
    let tested = command(
        &world,
        &["secret", "test", "customcrm", "--tenant", demo::TENANT],
    )
    .await;
    let tested = tested.unwrap();
    assert!(
        tested.contains("takes the account") && receiver.leads().is_empty(),
        "{tested}"
    );
    send_to(&world, "customcrm").await;

    let request = world
        .deliver("post-call", &CallBody::post_call("CALown1"))
        .await
        .request_id();
    world.becomes(request, Status::Completed).await;
    let leads = receiver.leads();
    assert_eq!(leads.len(), 1, "{leads:?}");
    assert_eq!(leads[0].data["lead_id"], request.to_string());
    assert!(leads[0].data["tel"].is_string(), "{leads:?}");
    assert!(world.simulators().hubspot().deals().is_empty());
    let shown = world.shown(request).await;
    let dispatch = &shown["dispatches"][0];
    assert_eq!(dispatch["connector"], "customcrm", "{shown}");
    assert!(!world.logs().contains(customcrm::KEY));
    world.finish().await;
}

async fn an_office_changes_over_to_a_crm_by_an_oauth_app(form: Form) {
    // A fleet's services keep a configuration for some seconds: a second change would be seen late.
    let changes = match form {
        Form::OneProcess => BY_APP.len(),
        Form::Fleet => 1,
    };
    let world = World::of(form).await;
    for (slug, app, records) in BY_APP.iter().take(changes) {
        let secret = secret_file(&world, app);
        let line = [
            "secret",
            "set",
            slug,
            "--tenant",
            demo::TENANT,
            "--provider",
            slug,
            "--file",
            &secret,
        ];
        let set = json_of(&world, &line).await;
        assert_eq!(set["provider"], *slug);
        send_to(&world, slug).await;
        let call = CallBody::post_call(&format!("CAL{slug}1"));
        let request = world.deliver("post-call", &call).await.request_id();
        world.becomes(request, Status::Completed).await;
        assert_eq!(records(world.simulators()), [1, 1], "{slug}");
    }
    assert!(world.simulators().hubspot().deals().is_empty());
    world.finish().await;
}

async fn a_url_that_leads_inside_is_refused_when_it_is_entered(form: Form) {
    let world = World::of(form).await;
    let key = secret_file(&world, customcrm::KEY);
    for url in [
        "http://127.0.0.1:8080/leads",
        "https://10.0.0.7/leads",
        "https://169.254.169.254/computeMetadata/v1/",
        "https://metadata.google.internal.:22/",
        "https://2130706433/",
        "https://0177.0.0.1/",
        "https://0xa9fea9fe/",
        "https://[::ffff:169.254.169.254]/",
        "https://[64:ff9b::a9fe:a9fe]/",
        "https://[fd00:ec2::254]/",
        "https://localhost/",
        "https://ann:pw@crm.example.com/",
        "http://crm.example.com/",
        "ftp://crm.example.com/",
        "no URL",
    ] {
        let entered = format!("url={url}");
        let line = [
            "secret",
            "set",
            "customcrm",
            "--tenant",
            demo::TENANT,
            "--provider",
            "customcrm",
            "--setting",
            &entered,
            "--file",
            &key,
        ];
        let refused = command(&world, &line).await.unwrap_err();
        assert!(
            refused.contains("that the internet reaches"),
            "{url}: {refused}"
        );
    }
    let unsigned = secret_file(&world, "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
    let line = [
        "secret",
        "set",
        "customcrm",
        "--tenant",
        demo::TENANT,
        "--provider",
        "customcrm",
        "--setting",
        "url=https://crm.example.com/leads",
        "--setting",
        r#"mapping={"a":"{{nothing}}"}"#,
        "--file",
        &unsigned,
    ];
    let refused = command(&world, &line).await.unwrap_err();
    assert!(refused.contains("whsec_"), "{refused}");
    world.finish().await;
}
