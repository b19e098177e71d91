//! What providers list, for an audit: every lead as its webhook would have said it, and by the names that this leaves.

use std::{collections::BTreeMap, sync::Arc};

use domain::{About, Account, Alias, ConnectionName, News, Reading, TenantId};
use http_client::{Client, Options};
use jiff::Timestamp;
use serde_json::{Value, json};
use simulators::{Choices, Simulators, acuity, calendly};
use sources::{ApiSet, Asked, Config, Found, Listed, Sources, Thing, Verified, read_for};

const COMPANY: &str = "COM3f2a9c7d51e84b0aa6c1d2e3f4a5b6c7";

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// Simulators at the noon of a day.
async fn simulators() -> Simulators {
    let config = simulators::Config {
        now: Arc::new(|| at("2026-03-17T18:00:00Z")),
        ..simulators::Config::default()
    };
    Simulators::start(config).await.unwrap()
}

fn client() -> Client {
    let options = Options {
        allow_loopback: true,
        ..Options::default()
    };
    Client::new(options).unwrap()
}

/// Everything of a kind that happened on 2026-03-17, and how many pages that took.
async fn listed(
    simulators: &Simulators,
    slug: &'static str,
    account: (&str, &[(&str, &str)]),
    kind: &str,
) -> (Vec<Listed>, u32) {
    listed_on(simulators, slug, account, kind, "2026-03-17").await
}

/// The same of another day.
async fn listed_on(
    simulators: &Simulators,
    slug: &'static str,
    (secret, settings): (&str, &[(&str, &str)]),
    kind: &str,
    day: &str,
) -> (Vec<Listed>, u32) {
    let from = at(&format!("{day}T05:00:00Z"));
    let account = Account {
        tenant: TenantId::new("tenant_demo").unwrap(),
        connection: ConnectionName::new(slug).unwrap(),
        version: 1,
        secret: secret.to_owned().into(),
        settings: settings
            .iter()
            .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
            .collect::<BTreeMap<_, _>>(),
    };
    let url = simulators.urls()[slug].parse().unwrap();
    let config = Config::default().with_url(slug, url);
    let set = ApiSet::new(&client(), &Sources::standard(), &config);
    let listing = set.get(slug).unwrap().listing.clone().unwrap();
    assert!(listing.kinds().contains(&kind), "{:?}", listing.kinds());
    let (mut all, mut place, mut pages) = (Vec::new(), None, 0);
    loop {
        let asked = Asked {
            kind,
            from,
            to: from + std::time::Duration::from_secs(24 * 60 * 60),
            place: place.as_deref(),
        };
        let page = listing.list(&account, &[], &asked).await.unwrap();
        pages += 1;
        for thing in page.things {
            match &thing.found {
                Found::Here(_) => all.push(thing),
                Found::Elsewhere(place) => {
                    all.extend(listing.fetch(&account, &[], place).await.unwrap());
                }
            }
        }
        place = page.next;
        if place.is_none() {
            return (all, pages);
        }
    }
}

async fn of_callrail(simulators: &Simulators, kind: &str) -> Vec<Listed> {
    let settings = [("account_id", "ACC1"), ("company_ids", COMPANY)];
    let account = ("simulated-callrail-key", settings.as_slice());
    listed(simulators, "callrail", account, kind).await.0
}

/// What the source's own reader makes of a thing.
fn read(slug: &str, thing: &Thing) -> News {
    let sources = Sources::standard();
    let source = sources.get(slug).unwrap();
    let delivery = Verified::recovered(source.spec(), thing.content_type, thing.body.clone());
    match read_for(source, &[], &delivery, thing.event) {
        Ok(Reading::News(news)) => *news,
        other => panic!("{other:?}"),
    }
}

fn here(listed: &Listed) -> &Thing {
    match &listed.found {
        Found::Here(thing) => thing,
        Found::Elsewhere(place) => panic!("only its place: {place}"),
    }
}

fn of_body(event: &'static str, body: &Value) -> News {
    let thing = Thing {
        event: Some(event),
        content_type: "application/json",
        body: body.to_string().into(),
    };
    read("callrail", &thing)
}

fn shared<'a>(listed: &'a Listed, news: &News) -> Vec<&'a Alias> {
    let names = listed.aliases.iter();
    names.filter(|name| news.aliases.contains(name)).collect()
}

/// Puts what a webhook said to where the API has it.
async fn put(simulators: &Simulators, path: &str, body: &Value) {
    let url = format!("{}{path}", simulators.urls()["callrail"]);
    let answer = client().put(&url).json(body).send().await.unwrap();
    assert!(answer.status.is_success(), "{}", answer.status);
}

fn fixture(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

#[tokio::test]
async fn a_listed_text_has_the_name_that_its_webhook_leaves() {
    let simulators = simulators().await;
    let received = fixture(include_str!(
        "../../src/callrail/fixtures/sms-received.json"
    ));
    let sent = fixture(include_str!("../../src/callrail/fixtures/sms-sent.json"));
    let mut second = received.clone();
    second["resource_id"] = json!("SCI00000000000000000000000000000002");
    second["content"] = json!("And when?");
    second["timestamp"] = json!("2026-03-17T10:06:30.000-05:00");
    for message in [&received, &sent, &second] {
        put(&simulators, "/_sim/texts/k7pQx", message).await;
    }
    // What the company wrote is no lead.
    let listed = of_callrail(&simulators, "texts").await;
    assert_eq!(listed.len(), 2, "{listed:?}");
    for webhook in [&received, &second] {
        let news = of_body("sms-received", webhook);
        let same = listed.iter().filter(|one| !shared(one, &news).is_empty());
        let same: Vec<_> = same.collect();
        assert_eq!(same.len(), 1, "{news:?}");
        // Taken, it is of the same conversation, with the same words at the same time, and leaves the same names.
        let taken = read("callrail", here(same[0]));
        assert_eq!(taken.aliases, news.aliases);
        assert!(taken.aliases.contains(&same[0].aliases[0]));
        assert_eq!(taken.facts.contact().phone, news.facts.contact().phone);
        assert!(!taken.is_addition);
        assert_eq!(Some(same[0].at), webhook["timestamp"].as_str().map(at));
        assert!(same[0].due_at > Some(same[0].at));
    }
}

#[tokio::test]
async fn clocks_that_differ_by_less_than_a_minute_are_one() {
    let simulators = simulators().await;
    let mut received = fixture(include_str!(
        "../../src/callrail/fixtures/sms-received.json"
    ));
    put(&simulators, "/_sim/texts/k7pQx", &received).await;
    let listed = of_callrail(&simulators, "texts").await;
    for (timestamp, is_same) in [
        ("2026-03-17T10:04:50.000-05:00", true),
        ("2026-03-17T10:06:40.000-05:00", true),
        ("2026-03-17T10:08:00.000-05:00", false),
        ("2026-03-17T10:03:00.000-05:00", false),
    ] {
        received["timestamp"] = json!(timestamp);
        let news = of_body("sms-received", &received);
        assert_eq!(
            !shared(&listed[0], &news).is_empty(),
            is_same,
            "{timestamp}"
        );
    }
    // Other words at the same time, and the same words in another conversation, are other messages.
    received["timestamp"] = json!("2026-03-17T10:05:44.310-05:00");
    for (name, value) in [("content", "No."), ("conversation_id", "kOther")] {
        let mut other = received.clone();
        other[name] = json!(value);
        let news = of_body("sms-received", &other);
        assert!(shared(&listed[0], &news).is_empty(), "{name}");
    }
}

#[tokio::test]
async fn a_listed_form_has_the_name_that_its_webhook_leaves() {
    let simulators = simulators().await;
    let form = fixture(include_str!(
        "../../src/callrail/fixtures/form-submission.json"
    ));
    put(&simulators, "/_sim/forms/330091245", &form).await;
    let listed = of_callrail(&simulators, "forms").await;
    assert_eq!(listed.len(), 1, "{listed:?}");
    let listed = &listed[0];
    // Canonical is the list's own name: it marks what was taken.
    assert!(listed.aliases[0].value.starts_with("FOR"), "{listed:?}");
    let news = of_body("form-submission", &form);
    assert_eq!(shared(listed, &news).len(), 1, "{:?}", news.aliases);
    let taken = read("callrail", here(listed));
    assert_eq!(taken.facts.person.email, news.facts.person.email);
    assert_eq!(taken.facts.about, news.facts.about);
    assert_eq!(taken.aliases, listed.aliases);

    let mut other = form.clone();
    other["id"] = json!(330_091_246);
    other["form_data"]["email"] = json!("DANA.Whitfield@example.com");
    other["form_data"]["phone"] = json!("+1 512.555.0142");
    let written_otherwise = of_body("form-submission", &other);
    assert_eq!(shared(listed, &written_otherwise).len(), 1);
    for (name, value) in [("email", "eve@example.com"), ("phone", "512-555-0199")] {
        let mut other = form.clone();
        other["form_data"][name] = json!(value);
        assert!(shared(listed, &of_body("form-submission", &other)).is_empty());
    }
    other["submitted_at"] = json!("2026-03-17T09:36:19.000-05:00");
    assert!(shared(listed, &of_body("form-submission", &other)).is_empty());
}

#[tokio::test]
async fn long_lists_are_read_to_their_end_once() {
    let simulators = simulators().await;
    for number in 0..260_u32 {
        let choices = Choices {
            id: Some(format!("{}", 330_000_000 + number)),
            phone: Some(format!("512-555-{number:04}")),
            at: at("2026-03-17T12:00:00Z") + std::time::Duration::from_secs(number.into()),
            ..Choices::default()
        };
        simulators
            .callrail()
            .happen("form-submission", &choices)
            .unwrap();
    }
    let settings = [("account_id", "ACC1"), ("company_ids", COMPANY)];
    let account = ("simulated-callrail-key", settings.as_slice());
    let (all, pages) = listed(&simulators, "callrail", account, "forms").await;
    let names: std::collections::BTreeSet<_> = all.iter().map(|one| &one.aliases[0]).collect();
    assert_eq!((all.len(), names.len(), pages), (260, 260, 2));
}

#[tokio::test]
async fn what_another_company_got_is_not_listed() {
    let simulators = simulators().await;
    let form = fixture(include_str!(
        "../../src/callrail/fixtures/form-submission.json"
    ));
    put(&simulators, "/_sim/forms/330091245", &form).await;
    let settings = [("account_id", "ACC1"), ("company_ids", "COMother")];
    let account = ("simulated-callrail-key", settings.as_slice());
    for kind in ["calls", "texts", "forms"] {
        let (all, _) = listed(&simulators, "callrail", account, kind).await;
        assert!(all.is_empty(), "{kind}: {all:?}");
    }
}

#[tokio::test]
async fn a_booking_that_is_canceled_says_at_what_time_it_was() {
    let simulators = simulators().await;
    let starts_at = at("2026-03-20T16:00:00Z");
    let canceled = async |slug, account, kind| {
        let (found, _) = listed(&simulators, slug, account, kind).await;
        found.iter().map(|one| one.canceled).collect::<Vec<_>>()
    };
    let calendly = ("simulated-calendly-token", [].as_slice());
    let invitee = simulators.calendly().book(calendly::Wanted {
        starts_at,
        ..calendly::Wanted::default()
    });
    assert_eq!(canceled("calendly", calendly, "bookings").await, [None]);
    simulators.calendly().cancel(&invitee);
    let found = canceled("calendly", calendly, "bookings").await;
    assert_eq!(found, [Some(starts_at)]);

    simulators.acuity().register(
        "914500777",
        acuity::Wanted {
            starts_at,
            ..acuity::Wanted::default()
        },
    );
    let settings = [("user_id", acuity::USER_ID)];
    let acuity = (acuity::API_KEY, settings.as_slice());
    assert_eq!(canceled("acuity", acuity, "appointments").await, [None]);
    simulators.acuity().cancel("914500777");
    assert_eq!(
        canceled("acuity", acuity, "canceled").await,
        [Some(starts_at)]
    );

    // On a later day both are listed still, although nothing was booked on it: whoever holds that they stand is wrong.
    let later = "2026-03-19";
    for (slug, account, kind) in [
        ("calendly", calendly, "bookings"),
        ("acuity", acuity, "canceled"),
    ] {
        let (found, _) = listed_on(&simulators, slug, account, kind, later).await;
        let found: Vec<_> = found.iter().map(|one| one.canceled).collect();
        assert_eq!(found, [Some(starts_at)], "{slug}");
    }
    let (found, _) = listed_on(&simulators, "acuity", acuity, "appointments", later).await;
    assert!(found.is_empty(), "{found:?}");
}

#[tokio::test]
async fn a_company_that_is_known_by_its_number_alone_is_listed() {
    let simulators = simulators().await;
    put(
        &simulators,
        "/_sim/calls/CAL0142aa",
        &json!({ "start_time": "2026-03-17T09:41:02.101-05:00" }),
    )
    .await;
    let form = fixture(include_str!(
        "../../src/callrail/fixtures/form-submission.json"
    ));
    put(&simulators, "/_sim/forms/330091245", &form).await;
    let settings = [("account_id", "ACC1"), ("company_ids", "481516234")];
    let account = ("simulated-callrail-key", settings.as_slice());
    for kind in ["calls", "forms"] {
        let (all, _) = listed(&simulators, "callrail", account, kind).await;
        assert_eq!(all.len(), 1, "{kind}: {all:?}");
    }
}

/// A name in the place of an address would turn every booking away, so it is told when it is entered.
#[tokio::test]
async fn a_persons_name_where_their_address_belongs_is_refused() {
    let simulators = simulators().await;
    let url = simulators.urls()["calendly"].parse().unwrap();
    let config = Config::default().with_url("calendly", url);
    let set = ApiSet::new(&client(), &Sources::standard(), &config);
    let webhooks = set.get("calendly").unwrap().webhooks.clone().unwrap();
    let users = "https://api.calendly.com/users/AAAA, https://api.calendly.com/users/BBBB";
    let form = "https://api.calendly.com/routing_forms/AAAA";
    for (key, value, is_taken) in [
        ("users", "", true),
        ("users", users, true),
        ("users", "Luis Ortega", false),
        ("users", form, false),
        ("routing_forms", form, true),
        ("routing_forms", "Kitchens", false),
    ] {
        let settings = BTreeMap::from([(key.to_owned(), value.to_owned())]);
        let account = Account {
            tenant: TenantId::new("tenant_demo").unwrap(),
            connection: ConnectionName::new("calendly").unwrap(),
            version: 1,
            secret: "simulated-calendly-token".to_owned().into(),
            settings,
        };
        let checked = webhooks.check(&account, &[]).await;
        assert_eq!(checked.is_ok(), is_taken, "{key}={value}: {checked:?}");
    }
}

/// Each company signs with a key of its own: what the second posts would be refused.
#[tokio::test]
async fn two_companies_of_callrail_are_two_sources() {
    let simulators = simulators().await;
    let url = simulators.urls()["callrail"].parse().unwrap();
    let config = Config::default().with_url("callrail", url);
    let set = ApiSet::new(&client(), &Sources::standard(), &config);
    let webhooks = set.get("callrail").unwrap().webhooks.clone().unwrap();
    let two = format!("{COMPANY},COM00000000000000000000000000000000");
    for (ids, is_taken) in [
        (COMPANY.to_owned(), true),
        (format!("481516234, {COMPANY}"), true),
        (two, false),
    ] {
        let settings = [("account_id", "ACC1"), ("company_ids", ids.as_str())];
        let settings = settings.map(|(key, value)| (key.to_owned(), value.to_owned()));
        let account = Account {
            tenant: TenantId::new("tenant_demo").unwrap(),
            connection: ConnectionName::new("callrail").unwrap(),
            version: 1,
            secret: "simulated-callrail-key".to_owned().into(),
            settings: settings.into(),
        };
        let checked = webhooks.check(&account, &[]).await;
        assert_eq!(checked.is_ok(), is_taken, "{ids}: {checked:?}");
    }
}

/// A webhook that the provider gets nothing through to is not off yet, and is told apart from one that works.
#[tokio::test]
async fn calendly_tells_since_when_a_webhook_fails() {
    let simulators = simulators().await;
    let url = simulators.urls()["calendly"].parse().unwrap();
    let config = Config::default().with_url("calendly", url);
    let set = ApiSet::new(&client(), &Sources::standard(), &config);
    let webhooks = set.get("calendly").unwrap().webhooks.clone().unwrap();
    let account = Account {
        tenant: TenantId::new("tenant_demo").unwrap(),
        connection: ConnectionName::new("calendly").unwrap(),
        version: 1,
        secret: "simulated-calendly-token".to_owned().into(),
        settings: BTreeMap::new(),
    };
    let failing = async || {
        let known = webhooks.registered(&account, &[]).await.unwrap();
        assert!(known.iter().all(|known| known.is_on), "{known:?}");
        known.first().and_then(|known| known.failing_since)
    };
    let calendly = simulators.calendly();
    // Nobody listens there.
    calendly.subscribe("http://127.0.0.1:1/hooks", &["invitee.created"]);
    assert_eq!(failing().await, None);
    calendly.book(calendly::Wanted::default());
    let deadline = tokio::time::Instant::now() + std::time::Duration::from_secs(20);
    while failing().await != Some(at("2026-03-17T18:00:00Z")) {
        assert!(
            tokio::time::Instant::now() < deadline,
            "it is told to fail: {:?}",
            calendly.subscriptions()
        );
        tokio::task::yield_now().await;
    }
}

/// What the provider was asked for of a company is told, so that it is kept and nobody asks again after a restart.
#[tokio::test]
async fn a_companys_other_id_is_asked_for_once_and_told() {
    let simulators = simulators().await;
    let settings = BTreeMap::from([("account_id".to_owned(), "ACC1".to_owned())]);
    let account = Account {
        tenant: TenantId::new("tenant_demo").unwrap(),
        connection: ConnectionName::new("callrail").unwrap(),
        version: 1,
        secret: "simulated-callrail-key".to_owned().into(),
        settings,
    };
    let url = simulators.urls()["callrail"].parse().unwrap();
    let config = Config::default().with_url("callrail", url);
    let set = ApiSet::new(&client(), &Sources::standard(), &config);
    let listing = set.get("callrail").unwrap().listing.clone().unwrap();
    let number = ["481516234".to_owned()];
    assert_eq!(listing.learned(&account, &number), Vec::<String>::new());
    let asked = Asked {
        kind: "calls",
        from: at("2026-03-17T05:00:00Z"),
        to: at("2026-03-18T05:00:00Z"),
        place: None,
    };
    listing.list(&account, &number, &asked).await.unwrap();
    assert_eq!(listing.learned(&account, &number), [COMPANY]);
}

#[tokio::test]
async fn bookings_are_listed_whether_their_webhooks_came_or_not() {
    let simulators = simulators().await;
    let starts_at = at("2026-03-20T16:00:00Z");
    simulators.calendly().book(calendly::Wanted {
        starts_at,
        ..calendly::Wanted::default()
    });
    let account = ("simulated-calendly-token", [].as_slice());
    let (found, _) = listed(&simulators, "calendly", account, "bookings").await;
    assert_eq!(found.len(), 1, "{found:?}");
    let news = read("calendly", here(&found[0]));
    assert!(
        found[0]
            .aliases
            .iter()
            .any(|name| news.aliases.contains(name))
    );
    let About::Calendar(booking) = &news.facts.about else {
        panic!("{news:?}");
    };
    assert_eq!(booking.starts_at, Some(starts_at));

    simulators.acuity().register(
        "914500777",
        acuity::Wanted {
            starts_at,
            ..acuity::Wanted::default()
        },
    );
    let settings = [("user_id", acuity::USER_ID)];
    let account = (acuity::API_KEY, settings.as_slice());
    let (found, _) = listed(&simulators, "acuity", account, "appointments").await;
    assert_eq!(found.len(), 1, "{found:?}");
    let news = read("acuity", here(&found[0]));
    assert_eq!(news.aliases[0], found[0].aliases[0]);
}
