//! Connecting sources: by one call where the provider registers webhooks, else as far as that goes.

use std::collections::BTreeMap;

use domain::TenantId;
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};
use simulators::{Choices, SIMULATORS, callrail, intercom, zendesk};
use tests::World;

use crate::audit::requests;

/// A secret and what belongs to it, as the simulated provider takes them.
fn account(slug: &str, settings: &Value) -> Value {
    let spec = SIMULATORS.iter().find(|spec| spec.slug == slug).unwrap();
    json!({
        "provider": slug, "connection": format!("our-{slug}"), "secret": spec.credential, "settings": settings,
    })
}

async fn connect(world: &World, tenant: &TenantId, body: &Value) -> Value {
    let answer = world.post_as_admin(tenant, "sources/connect", body).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.body
}

/// The words of the step at which it ended.
fn last(connected: &Value) -> &str {
    let steps = connected["steps"].as_array().unwrap();
    steps.last().unwrap()["detail"].as_str().unwrap()
}

/// Whether a test delivery came through the source's public URL.
async fn is_tested(world: &World, tenant: &TenantId, connected: &Value) -> bool {
    let source = connected["source"]["source_id"].as_str().unwrap();
    let path = format!("sources/{source}/test");
    let tested = world.post_as_admin(tenant, &path, &json!({})).await;
    tested.body["is_arrived"] == json!(true)
}

async fn has_requests(world: &World, tenant: &TenantId, count: usize) {
    world
        .eventually("the webhook arrives", async || {
            requests(world, tenant).await.len() == count
        })
        .await;
}

/// Takes CallRail's company from the demo tenant, so that another may have it.
async fn leave_company(world: &World) {
    let sources = world.store.sources(&world.tenant()).await.unwrap();
    for source in sources {
        if source.provider == "callrail" {
            let left = store::Source {
                accounts: Vec::new(),
                ..source
            };
            world.store.put_source(&left).await.unwrap();
        }
    }
}

/// The source of the tenant's that a call connected.
async fn source_of(world: &World, tenant: &TenantId, connected: &Value) -> store::Source {
    let id = connected["source"]["source_id"].as_str().unwrap();
    let sources = world.store.sources(tenant).await.unwrap();
    let mut sources = sources.into_iter();
    sources.find(|known| known.id.to_string() == id).unwrap()
}

#[tokio::test]
async fn a_company_is_one_sources_and_one_that_is_no_longer_chosen_is_let_go() {
    const MISTYPED: &str = "COM00000000000000000000000000000999";
    let world = World::start().await;
    let tenant = world.add_tenant("acme").await.tenant;
    let callrail = world.simulators().callrail();
    let before = callrail.webhook_urls();
    let of = |companies: &str| {
        let settings = json!({ "account_id": callrail::ACCOUNT, "company_ids": companies });
        account("callrail", &settings)
    };
    let both = format!("{},{}", callrail::COMPANIES[0], callrail::COMPANIES[1]);

    // The company is the demo tenant's: nobody else gets what its callers say.
    let refused = connect(&world, &tenant, &of(&both)).await;
    assert_eq!(refused["is_connected"], json!(false), "{refused}");
    let words = last(&refused);
    assert!(words.contains("belongs to another source"), "{words}");
    assert_eq!(callrail.webhook_urls(), before);
    let connections = world.store.connections(&tenant).await.unwrap();
    let is_kept = |name: &str| connections.iter().any(|known| known.name.as_str() == name);
    assert!(!is_kept("our-callrail"), "nothing is kept");

    // A company that was mistyped is the source's until another is chosen.
    let mistyped = connect(&world, &tenant, &of(MISTYPED)).await;
    assert_eq!(mistyped["is_connected"], json!(true), "{mistyped}");
    let source = source_of(&world, &tenant, &mistyped).await;
    assert_eq!(source.accounts, [MISTYPED]);
    assert_eq!(callrail.webhook_urls_of(MISTYPED).len(), 5);
    let wrong_key = source.key_names.clone();

    leave_company(&world).await;
    let connected = connect(&world, &tenant, &of(&both)).await;
    assert_eq!(connected["is_connected"], json!(true), "{connected}");
    let source = source_of(&world, &tenant, &connected).await;
    assert_eq!(source.accounts, callrail::COMPANIES[..2]);
    assert_eq!(callrail.webhook_urls_of(MISTYPED), []);
    assert_eq!(callrail.webhook_urls().len(), before.len() + 5);
    assert_eq!(source.key_names.len(), 1, "{:?}", source.key_names);
    assert_ne!(source.key_names, wrong_key);

    // One more company is added, and all others stay; the same again changes nothing.
    let wider = connect(&world, &tenant, &of(&format!("{both},{MISTYPED}"))).await;
    assert_eq!(wider["is_connected"], json!(true), "{wider}");
    assert_eq!(callrail.webhook_urls_of(MISTYPED).len(), 5);
    assert_eq!(callrail.webhook_urls().len(), before.len() + 5);
    let mut same = of(&both);
    same.as_object_mut().unwrap().remove("settings");
    let again = connect(&world, &tenant, &same).await;
    assert_eq!(again["is_connected"], json!(true), "{again}");
    assert_eq!(again["source"], wider["source"]);
    world.stop_early().await;
}

#[tokio::test]
async fn callrails_own_key_is_fetched_and_others_urls_stay() {
    const LISTS: [(&str, &str); 2] = [
        ("post_call_webhook", "/post-call"),
        ("updated_call_webhook", "/call-modified"),
    ];
    let world = World::start().await;
    let tenant = world.add_tenant("acme").await.tenant;
    leave_company(&world).await;
    let callrail = world.simulators().callrail();
    let other = format!("{}/nobodys-hook", world.base);
    let theirs = [("post_call_webhook".to_owned(), vec![other.clone()])];
    callrail.set_webhooks(theirs.into());

    let settings =
        json!({ "account_id": callrail::ACCOUNT, "company_ids": callrail::COMPANIES[1] });
    let body = account("callrail", &settings);
    let connected = connect(&world, &tenant, &body).await;
    assert_eq!(connected["is_connected"], json!(true), "{connected}");
    assert_eq!(connected["by_hand"], json!([]));
    let urls = callrail.webhook_urls();
    assert!(urls.contains(&(other.clone(), true)), "{urls:?}");
    assert_eq!(urls.len(), 6, "five of ours beside theirs: {urls:?}");

    // Nobody entered the key: it is CallRail's, and verifies what it posts.
    let secrets = world.secrets_of(&tenant).await;
    let key = callrail::SIGNING_KEY;
    assert!(
        secrets
            .iter()
            .any(|(_, secret)| secret.expose_secret() == key)
    );
    assert!(is_tested(&world, &tenant, &connected).await);
    let happened = Choices {
        at: world.now(),
        ..Choices::default()
    };
    callrail.happen("form-submission", &happened).unwrap();
    has_requests(&world, &tenant, 1).await;

    // Again: nothing is added, nothing is lost.
    let again = connect(&world, &tenant, &body).await;
    assert_eq!(again["source"], connected["source"], "{again}");
    assert_eq!(callrail.webhook_urls(), urls);

    // Webhooks at an address of before, where nobody listens any more, are registered at this server's.
    let moved: BTreeMap<_, _> = urls
        .iter()
        .map(|(url, _)| url.replace(&world.base, "https://before.example"))
        .filter_map(|url| Some((LISTS.iter().find(|(_, end)| url.ends_with(end))?.0, url)))
        .map(|(list, url)| (list.to_owned(), vec![url]))
        .collect();
    assert_eq!(moved.len(), LISTS.len());
    callrail.set_webhooks(moved);
    let after = connect(&world, &tenant, &body).await;
    assert_eq!(after["is_connected"], json!(true), "{after}");
    let here = callrail.webhook_urls();
    let ours = urls.iter().filter(|(url, _)| *url != other);
    for known in ours {
        assert!(here.contains(known), "{known:?} of {here:?}");
    }
    world.stop_early().await;
}

#[tokio::test]
async fn acuitys_limit_is_told_before_some_webhooks_are_made() {
    let world = World::start().await;
    let tenant = world.add_tenant("acme").await.tenant;
    let acuity = world.simulators().acuity();
    while acuity.subscriptions().len() < 22 {
        acuity.subscribe("https://other.example/hook", &["appointment.changed"]);
    }
    let before = acuity.subscriptions();
    let settings = json!({ "user_id": simulators::acuity::USER_ID });
    let body = account("acuity", &settings);
    // The audit of the demo tenant shares the account's requests a second.
    let within_quota = async || loop {
        let connected = connect(&world, &tenant, &body).await;
        if !last(&connected).contains("are used up") {
            return connected;
        }
    };
    let refused = within_quota().await;
    assert_eq!(refused["is_connected"], json!(false), "{refused}");
    let words = last(&refused);
    assert!(
        words.contains("25 webhooks") && words.contains("remove some") && !words.contains("status"),
        "{words}"
    );
    assert_eq!(acuity.subscriptions(), before, "not even some of ours");

    // Whoever makes room goes on where it stopped.
    assert!(acuity.unsubscribe(before[before.len() - 1].0));
    let connected = within_quota().await;
    assert_eq!(connected["is_connected"], json!(true), "{connected}");
    let id = |connected: &Value| connected["source"]["source_id"].clone();
    assert_eq!(id(&connected), id(&refused));
    assert_eq!(acuity.subscriptions().len(), 25);
    assert!(is_tested(&world, &tenant, &connected).await);
    acuity.book(simulators::acuity::Wanted::default());
    has_requests(&world, &tenant, 1).await;
    world.stop_early().await;
}

#[tokio::test]
async fn zendesk_registers_and_tells_its_secret() {
    let world = World::start().await;
    let tenant = world.add_tenant("acme").await.tenant;
    let zendesk = world.simulators().zendesk();
    let before = zendesk.subscriptions();
    let settings = json!({ "subdomain": "demo", "email": zendesk::EMAIL });
    let body = account("zendesk", &settings);
    let mut wrong = body.clone();
    wrong["settings"]["email"] = json!("nobody@example.com");
    let refused = connect(&world, &tenant, &wrong).await;
    assert_eq!(refused["is_connected"], json!(false), "{refused}");
    assert_eq!(refused["steps"][0]["step"], json!("credentials"));
    assert_eq!(zendesk.subscriptions(), before);

    let connected = connect(&world, &tenant, &body).await;
    assert_eq!(connected["is_connected"], json!(true), "{connected}");
    assert!(is_tested(&world, &tenant, &connected).await);
    let now = zendesk.subscriptions();
    let (others, ours) = now.split_at(before.len());
    assert_eq!(others, before);
    assert_eq!(ours.len(), 1, "{ours:?}");
    assert_eq!(ours[0].1.len(), 6, "{ours:?}");
    zendesk.make(zendesk::Wanted::default());
    has_requests(&world, &tenant, 1).await;

    // What was switched off there is switched on, and no second webhook is made.
    zendesk.switch_webhooks(false);
    let again = connect(&world, &tenant, &body).await;
    assert_eq!(again["is_connected"], json!(true), "{again}");
    let mended = zendesk.subscriptions();
    assert_eq!(mended.last(), now.last(), "{mended:?}");
    assert_eq!(mended.len(), now.len());
    world.stop_early().await;
}

/// An app of Sunshine Conversations has no agent: its own key opens it, and its webhook's secret proves what it posts.
#[tokio::test]
async fn an_app_of_sunshine_conversations_is_connected_by_its_key() {
    let world = World::start().await;
    let tenant = world.add_tenant("acme").await.tenant;
    let zendesk = world.simulators().zendesk();
    let before = zendesk.subscriptions();
    let settings =
        json!({ "subdomain": "demo", "app_id": zendesk::APP, "key_id": zendesk::KEY_ID });
    let body = account("zendesk", &settings);
    let mut wrong = body.clone();
    wrong["settings"]["app_id"] = json!("000000000000000000000000");
    let refused = connect(&world, &tenant, &wrong).await;
    assert_eq!(
        refused["steps"][0]["step"],
        json!("credentials"),
        "{refused}"
    );
    assert_eq!(refused["is_connected"], json!(false));

    let connected = connect(&world, &tenant, &body).await;
    assert_eq!(connected["is_connected"], json!(true), "{connected}");
    assert!(
        connected["steps"]
            .to_string()
            .contains("conversation:message")
    );
    assert!(is_tested(&world, &tenant, &connected).await);
    zendesk.write("67ab5f53a96f98663935c3f4", "A kitchen, please.");
    has_requests(&world, &tenant, 1).await;
    let found = requests(&world, &tenant).await;
    let person = &found[0].document.source.said.person;
    assert_eq!(person.email.as_deref(), Some("sam.reyes@example.com"));

    // One webhook is enough, however often it is connected; those of tickets are left alone.
    let again = connect(&world, &tenant, &body).await;
    assert_eq!(again["is_connected"], json!(true), "{again}");
    assert_eq!(zendesk.subscriptions().len(), before.len() + 1);
    world.stop_early().await;
}

#[tokio::test]
async fn what_has_no_api_for_webhooks_says_what_a_person_does() {
    let world = World::start().await;
    let tenant = world.add_tenant("acme").await.tenant;
    let path = format!("/v1/tenants/{}/source-catalogue", world.tenant());
    let catalogue = world.get(&path).await.body;
    let by_call: Vec<_> = catalogue["items"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|one| one["is_connected_by_call"] == json!(true))
        .map(|one| one["provider"].as_str().unwrap())
        .collect();
    assert!(
        by_call.contains(&"zendesk") && !by_call.contains(&"intercom"),
        "{by_call:?}"
    );

    let mut body = account("intercom", &json!({}));
    let mut without = body.clone();
    without.as_object_mut().unwrap().remove("secret");
    let refused = connect(&world, &tenant, &without).await;
    assert!(last(&refused).contains("Enter `secret`"), "{refused}");
    let begun = connect(&world, &tenant, &body).await;
    assert_eq!(begun["is_connected"], json!(false), "{begun}");
    let url = begun["webhooks"][0]["url"].as_str().unwrap().to_owned();
    let hook = url.strip_prefix(&world.base).expect("it is ours");
    let by_hand = begun["by_hand"].to_string();
    for what in ["Developer Hub", "add-key", "connect it again"] {
        assert!(by_hand.contains(what), "{what}: {by_hand}");
    }

    // The same again, until it is done.
    body.as_object_mut().unwrap().remove("secret");
    let again = connect(&world, &tenant, &body).await;
    assert_eq!(again["webhooks"], begun["webhooks"], "{again}");
    let source = begun["source"]["source_id"].as_str().unwrap();
    let key = json!({ "signing_key": intercom::CLIENT_SECRET });
    let added = world
        .post_as_admin(&tenant, &format!("sources/{source}/keys"), &key)
        .await;
    assert_eq!(added.status, 201, "{added:?}");

    // Intercom tries the URL. It makes no lead, and a person sees that it works.
    let spec = SIMULATORS.iter().find(|spec| spec.slug == "intercom");
    let samples = spec.unwrap().demo.unwrap().samples;
    let ping = samples.iter().find(|sample| sample.event == "ping");
    let ping = ping.unwrap().deliver(&Choices {
        at: world.now(),
        ..Choices::default()
    });
    world
        .eventually("the new key counts", async || {
            let mut headers = vec![("content-type", ping.content_type)];
            let signature = ping.signature.iter();
            headers.extend(signature.map(|(name, value)| (*name, value.as_str())));
            let answer = world.post_once(hook, &headers, ping.body.clone()).await;
            answer.status == 200
        })
        .await;
    let health = format!("sources/{source}/health");
    let health = world.get_as_admin(&tenant, &health).await.body;
    assert!(health["last_ping_at"].is_string(), "{health}");
    assert_eq!(health["last_at"], Value::Null, "{health}");
    assert_eq!(health["state"], json!("healthy"), "{health}");
    let detail = health["detail"].as_str().unwrap();
    assert!(detail.starts_with("The connection works"), "{detail}");
    assert!(requests(&world, &tenant).await.is_empty());
    let connected = connect(&world, &tenant, &body).await;
    assert_eq!(connected["is_connected"], json!(true), "{connected}");
    assert_eq!(connected["webhooks"], json!([]));
    assert_eq!(connected["by_hand"], json!([]));
    world.stop_early().await;
}

/// A tool that takes a key of our choice gets one, this once.
#[tokio::test]
async fn a_key_that_is_made_is_shown_once() {
    let world = World::start().await;
    let tenant = world.add_tenant("acme").await.tenant;
    let body = json!({ "provider": "webforms" });
    let begun = connect(&world, &tenant, &body).await;
    assert_eq!(begun["is_connected"], json!(false), "{begun}");
    assert!(begun["signing_key"].is_string(), "{begun}");
    let again = connect(&world, &tenant, &body).await;
    assert_eq!(again["webhooks"], begun["webhooks"]);
    assert_eq!(again["signing_key"], Value::Null);
    // A test of our own is no delivery of theirs.
    assert!(is_tested(&world, &tenant, &begun).await);
    let tested = connect(&world, &tenant, &body).await;
    assert_eq!(tested["is_connected"], json!(false), "{tested}");

    let unknown = json!({ "provider": "nobody" });
    let refused = world
        .post_as_admin(&tenant, "sources/connect", &unknown)
        .await;
    assert_eq!(refused.status, 422, "{refused:?}");
    assert!(refused.body.to_string().contains("one of"), "{refused:?}");
    world.stop_early().await;
}
