//! Whatever a provider's API answers: each client asks a server on this machine that answers everything with the input.
//!
//! Beside that, who tells people from programs answers with it, and it is posted as a lead to the product's own API.

use std::sync::{LazyLock, Mutex, PoisonError};

use bytes::Bytes;
use domain::{
    About, Account, BookingFacts, Channel, ConnectionName, Facts, News, PostedLead, Reading, Span,
    TenantId,
};
use http::{HeaderMap, HeaderValue, header};
use jiff::Timestamp;
use secrecy::SecretString;
use serde_json::json;
use sources::{
    ApiSet, Apis, Asked, BotCheckConfig, BotChecks, Config, Found, Source, Sources, Verified,
    Visit, contract, webforms::WebForms,
};

use crate::answering::Server;

/// Everybody who asks the server.
struct World {
    server: Server,
    apis: ApiSet,
    bot_checks: BotChecks,
}

/// One at a time, as there is one answer.
static WORLD: LazyLock<Mutex<World>> = LazyLock::new(|| Mutex::new(World::begin()));

/// Answers with `data`.
pub fn check(data: &[u8]) {
    if let Ok(json) = serde_json::from_slice(data)
        && let Ok(lead) = PostedLead::read(&json)
    {
        let again = PostedLead::read(&json);
        assert_eq!(again.map(|lead| lead.facts).ok(), Some(lead.facts));
    }
    let world = WORLD.lock().unwrap_or_else(PoisonError::into_inner);
    world.server.asked(data, async {
        for source in Sources::standard().iter() {
            if let Some(apis) = world.apis.get(source.spec().slug) {
                ask(source, apis).await;
            }
        }
        is_person(&world.bot_checks).await;
    });
}

impl World {
    fn begin() -> Self {
        let server = Server::begin();
        let sources = Sources::standard();
        let specs = sources.iter().map(|source| source.spec());
        let config = specs.fold(Config::default(), |config, spec| {
            config.with_url(spec.slug, server.url.clone())
        });
        let services = BotCheckConfig {
            turnstile: server.url.clone(),
            recaptcha: server.url.clone(),
        };
        Self {
            apis: ApiSet::new(&server.client, &sources, &config),
            bot_checks: BotChecks::new(server.client.clone(), services),
            server,
        }
    }
}

/// Asks all that can be asked, and has webhooks registered, whose answers tell the keys that sign.
async fn ask(source: &dyn Source, apis: &Apis) {
    let spec = source.spec();
    let settings = spec.account.iter().flat_map(|account| account.settings);
    let settings = settings.map(|setting| {
        let value = if setting.key == "region" { "us" } else { "7" };
        (setting.key.to_owned(), value.to_owned())
    });
    let (Ok(tenant), Ok(connection)) = (TenantId::new("tenant"), ConnectionName::new("name"))
    else {
        panic!("both are names")
    };
    let account = Account {
        tenant,
        connection,
        version: 1,
        secret: SecretString::from("secret"),
        settings: settings.collect(),
    };
    let accounts = ["7".to_owned()];
    let channels = spec.channels.iter();
    for (channel, id) in channels.flat_map(|channel| IDS.map(|id| (*channel, id))) {
        let facts = Facts {
            external_id: Some(id.to_owned()),
            canonical_id: Some(id.to_owned()),
            ..Facts::nothing(channel)
        };
        for accounts in [&accounts[..], &[]] {
            let Ok(details) = apis.details.details(&account, accounts, &facts).await else {
                continue;
            };
            let news = News {
                delivery_id: None,
                aliases: Vec::new(),
                is_modified: false,
                is_thin: false,
                is_addition: false,
                apart: domain::Apart::Never,
                delay: std::time::Duration::ZERO,
                facts: details.facts,
            };
            // A chat may have more messages than one body holds.
            let told = news.facts.about.channel();
            if told == channel && channel != Channel::Chat {
                contract::assert_bounded(spec, &Reading::News(Box::new(news)));
            }
            assert!(!details.aliases.is_empty(), "{}: it has no name", spec.slug);
        }
    }
    let booking = BookingFacts {
        calendar_ids: Some(vec!["7".to_owned()]),
        ..BookingFacts::default()
    };
    let hour = jiff::SignedDuration::from_hours(1);
    let from = Timestamp::UNIX_EPOCH;
    let span = from
        .checked_add(hour)
        .ok()
        .and_then(|to| Span::new(from, to));
    if let (Some(busy), Some(span)) = (&apis.busy, span) {
        for id in IDS {
            busy.busy(&account, id, &booking, span).await.ok();
        }
    }
    if let Some(webhooks) = &apis.webhooks {
        webhooks.check(&account, &accounts).await.ok();
        webhooks.registered(&account, &accounts).await.ok();
        let wanted = webhooks.wanted(&account, "https://leads.example/v1/hooks/token");
        let key = SecretString::from("key");
        let registered = webhooks.register(&account, &accounts, &wanted, Some(&key));
        registered.await.ok();
    }
    let Some(listing) = &apis.listing else { return };
    for kind in listing.kinds() {
        let asked = Asked {
            kind,
            from,
            to: Timestamp::MAX,
            place: None,
        };
        let Ok(page) = listing.list(&account, &accounts, &asked).await else {
            continue;
        };
        for listed in page.things.into_iter().take(3) {
            match listed.found {
                Found::Here(thing) => is_read(source, thing.event, thing.content_type, thing.body),
                Found::Elsewhere(place) => {
                    let fetched = listing.fetch(&account, &accounts, &place).await;
                    for listed in fetched.into_iter().flatten().take(3) {
                        if let Found::Here(thing) = listed.found {
                            is_read(source, thing.event, thing.content_type, thing.body);
                        }
                    }
                }
            }
        }
    }
}

/// Ids as providers have them.
const IDS: [&str; 3] = [
    "7",
    "CAL0199f3a1c2d47e5fb8a61234567890ab",
    "https://api.calendly.com/scheduled_events/a/invitees/b",
];

/// What a list has of a thing is read as its webhook would be.
fn is_read(source: &dyn Source, event: Option<&str>, kind: &str, body: Bytes) {
    let delivery = Verified::recovered(source.spec(), kind, body);
    if let Ok(reading) = source.read(&delivery, event) {
        contract::assert_bounded(source.spec(), &reading);
    }
}

/// Posts a form whose check is answered with the input: whatever it is, the form is taken, and what is noted is a word.
async fn is_person(checks: &BotChecks) {
    let Some(door) = WebForms.door() else {
        panic!("forms have a door")
    };
    for (service, field) in [
        ("turnstile", "cf-turnstile-response"),
        ("recaptcha", "g-recaptcha-response"),
    ] {
        let settings = json!({ "domains": ["example.com"], "bot_check": { "service": service, "action": "a" } });
        let origin = HeaderValue::from_static("https://www.example.com");
        let headers = HeaderMap::from_iter([(header::ORIGIN, origin)]);
        let secret = SecretString::from("secret");
        let visit = Visit {
            settings: &settings,
            keys: &[],
            secret: Some(&secret),
            headers: &headers,
            checks,
            now: Timestamp::UNIX_EPOCH,
        };
        let kind = ("content-type", "application/x-www-form-urlencoded");
        let kind = [(kind.0.to_owned(), kind.1.to_owned())];
        let body = format!("name=Ada+Fenn&email=a%40example.com&{field}=token");
        let scheme = sources::Verification::PUBLIC_FORM_KEY;
        let delivery = Verified::restored(WebForms.spec(), scheme, kind.into(), body.into());
        let Some(delivery) = delivery else {
            panic!("forms are taken without a signature")
        };
        let screened = match door.screen(&visit, delivery).await {
            Ok(screened) => screened,
            Err(turned) => panic!("a form is turned away for its check: {turned:?}"),
        };
        let Ok(Reading::News(news)) = WebForms.read_by(&settings, &screened, None) else {
            panic!("a form is a lead")
        };
        let About::Form(_) = news.facts.about else {
            panic!("a form is read as something else")
        };
        let word = news.facts.extra.get("bot_check").map(String::as_str);
        assert!(
            matches!(word, Some("passed" | "failed" | "unknown")),
            "{word:?}"
        );
    }
}
