//! CallRail's API client against the simulated CallRail, over real HTTP.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use domain::{Account, Classify as _, ConnectionName, Disposition, Facts, TenantId};
use http_client::{Client, Limits, Options, StatusCode, Streaming, Url};
use serde_json::json;
use simulators::{Fault, Late, Simulators, callrail};
use sources::{ApiError, ApiSet, Apis, Config, Details, Sources};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpListener,
};

const COMPANY: &str = "COM3f2a9c7d51e84b0aa6c1d2e3f4a5b6c7";
const CALL: &str = "CAL0199f3a1c2d47e5fb8a61234567890ab";

const LIMITS: Limits = Limits {
    max_bytes: 1024 * 1024,
    idle: Duration::from_secs(60),
    total: Duration::from_secs(60),
};

struct World {
    simulators: Simulators,
    apis: Apis,
    account: Account,
}

impl World {
    async fn start() -> Self {
        Self::with(callrail::Config::default()).await
    }

    async fn with(config: callrail::Config) -> Self {
        let account = account(&config.account_id, &config.api_keys[0]);
        let config = simulators::Config::default().with(config);
        let simulators = Simulators::start(config).await.unwrap();
        let apis = apis(&simulators.urls()["callrail"]);
        Self {
            simulators,
            apis,
            account,
        }
    }

    fn callrail(&self) -> &callrail::Simulator {
        self.simulators.callrail()
    }

    async fn details(&self, call: &str) -> Result<Details, ApiError> {
        details(&self.apis, &self.account, call).await
    }

    /// The recording's bytes; none when there is none.
    async fn bytes(&self) -> Result<Option<Vec<u8>>, ApiError> {
        let Some(mut answer) = recording(&self.apis, &self.account).await? else {
            return Ok(None);
        };
        let mut bytes = Vec::new();
        while let Some(piece) = answer.chunk().await? {
            bytes.extend_from_slice(&piece);
        }
        Ok(Some(bytes))
    }
}

fn apis(base_url: &str) -> Apis {
    let client = Client::new(Options {
        allow_loopback: true,
        ..Options::default()
    })
    .unwrap();
    let config = Config::default().with_url("callrail", base_url.parse().unwrap());
    let set = ApiSet::new(&client, &Sources::standard(), &config);
    assert!(set.get("sendgrid").is_none());
    set.get("callrail").unwrap().clone()
}

fn account(id: &str, key: &str) -> Account {
    Account {
        tenant: TenantId::new("tenant_demo").unwrap(),
        connection: ConnectionName::new("callrail").unwrap(),
        version: 1,
        secret: key.to_owned().into(),
        settings: BTreeMap::from([
            ("account_id".to_owned(), id.to_owned()),
            ("company_ids".to_owned(), format!("481516234, {COMPANY},")),
        ]),
    }
}

async fn details(apis: &Apis, account: &Account, call: &str) -> Result<Details, ApiError> {
    let facts = Facts {
        external_id: Some(call.to_owned()),
        ..Facts::default()
    };
    apis.details.details(account, &[], &facts).await
}

async fn recording(apis: &Apis, account: &Account) -> Result<Option<Streaming>, ApiError> {
    let recordings = apis.recordings.as_ref().unwrap();
    recordings.recording(account, CALL, LIMITS).await
}

#[tokio::test]
async fn a_calls_details_come_with_every_id_that_is_known() {
    let world = World::start().await;
    let fields = json!({ "numeric_id": 902_134_477, "tags": ["kitchen"], "zip_code": "78664", "value": null });
    world.callrail().register(CALL, fields).unwrap();

    let Details { facts, aliases } = world.details("902134477").await.unwrap();
    let names = aliases.iter();
    let names: Vec<_> = names.map(|alias| (&*alias.kind, &*alias.value)).collect();
    let [ids @ .., ("beginning", at)] = names.as_slice() else {
        panic!("{names:?}")
    };
    assert_eq!(ids, [("call", CALL), ("call", "902134477")]);
    let began = facts.about.call().unwrap().started_at.unwrap();
    assert!(at.starts_with(&began.as_millisecond().to_string()), "{at}");
    assert_eq!(facts.external_id.as_deref(), Some(CALL));
    let call = facts.about.call().unwrap();
    assert_eq!(
        (call.is_answered, call.has_recording),
        (Some(true), Some(true))
    );
    assert!(call.duration_seconds.unwrap() > 10);
    assert!(call.started_at.is_some());
    assert_eq!(facts.person.postal_code.as_deref(), Some("78664"));
    let labels = &facts.labels;
    assert_eq!(labels.tags, Some(vec!["kitchen".to_owned()]));
    assert_eq!(
        (labels.note.as_deref(), labels.value.as_deref()),
        (Some(""), Some("")),
        "the API says: none"
    );
    assert_eq!(facts.attribution["medium"], "direct");
    assert_eq!(
        world.callrail().requests().len(),
        1,
        "one request has it all"
    );
}

/// What the API says of a call when it answers with this.
async fn answered(call: &str, answer: &[u8]) -> Result<Details, ApiError> {
    let text = String::from_utf8_lossy(answer).into_owned();
    let server = Scripted::start(move |_, _| (200, text.clone())).await;
    let apis = apis(server.base.as_str());
    details(&apis, &account("ACC1", "s3cret"), call).await
}

#[tokio::test]
async fn a_broken_answer_is_read_as_far_as_it_goes() {
    for broken in [
        r#""half \ud83d""#,
        "1e400",
        "NaN",
        "\"a NUL \0\"",
        "\"\u{fffd}\"",
        "",
    ] {
        let answer = format!(
            r#"{{"call_summary": {broken}, "id": "{CALL}", "company_id": "{COMPANY}", "duration": 31}}"#
        );
        let found = answered(CALL, answer.as_bytes()).await.unwrap();
        let call = found.facts.about.call().unwrap();
        assert_eq!(call.duration_seconds, Some(31), "{broken}");
        assert!(found.facts.unread_fields.is_empty());
    }
    let odd = format!(
        r#"{{"id": "{CALL}", "company_id": "{COMPANY}", "duration": NaN, "tags": [{{"name": "hot", "id": 7}}],
            "start_time": "2026-07-01 12:15:04", "company_time_zone": "America/Chicago"}}"#
    );
    let found = answered(CALL, odd.as_bytes()).await.unwrap();
    assert_eq!(found.facts.labels.tags, Some(vec!["hot".to_owned()]));
    let unread: Vec<_> = found.facts.unread_fields.iter().collect();
    assert_eq!(unread, ["duration"]);
    let started_at = found.facts.about.call().unwrap().started_at;
    assert_eq!(started_at, Some("2026-07-01T17:15:04Z".parse().unwrap()));
    // One that breaks off can be asked for again.
    let cut = odd.split_at(odd.len() - 20).0;
    let page = "<html><style>body{margin:0}</style><p>We are back soon.</p></html>";
    for unreadable in [cut, page, ""] {
        let error = answered(CALL, unreadable.as_bytes()).await.unwrap_err();
        assert!(matches!(error, ApiError::Unreadable(_)), "{error:?}");
        assert_eq!(error.disposition(), Disposition::Retry { after: None });
    }
}

#[tokio::test]
async fn an_answer_without_an_id_is_of_the_call_asked_for() {
    for id in ["0", "null", "\"-\"", "[]", "\"no id\""] {
        let answer = format!(r#"{{"id": {id}, "company_id": "{COMPANY}", "duration": 31}}"#);
        let found = answered(CALL, answer.as_bytes()).await.unwrap();
        let ids: Vec<_> = found
            .aliases
            .iter()
            .map(|alias| alias.value.as_str())
            .collect();
        assert_eq!(ids, [CALL], "{id}");
        assert_eq!(found.facts.canonical_id.as_deref(), Some(CALL));
    }
    let other = format!(r#"{{"id": "CAL0142bb", "company_id": "{COMPANY}"}}"#);
    let error = answered(CALL, other.as_bytes()).await.unwrap_err();
    assert!(matches!(error, ApiError::Unreadable(_)), "{error:?}");
    let by_number = answered("904110142", other.as_bytes()).await.unwrap();
    let ids: Vec<_> = by_number
        .aliases
        .iter()
        .map(|alias| alias.value.as_str())
        .collect();
    assert_eq!(ids, ["CAL0142bb", "904110142"]);
}

#[tokio::test]
async fn a_call_of_another_company_is_not_shown() {
    let world = World::start().await;
    for company in [json!("COMother"), json!(null)] {
        world
            .callrail()
            .register(CALL, json!({ "company_id": company }))
            .unwrap();
        let error = world.details(CALL).await.unwrap_err();
        assert!(matches!(error, ApiError::Foreign), "{error:?}");
        assert_eq!(error.disposition(), Disposition::Park);
    }
}

#[tokio::test]
async fn a_source_may_know_the_companies_as_well() {
    let world = World::start().await;
    let (mut unbound, mut nobodys) = (world.account.clone(), world.account.clone());
    unbound.settings.remove("company_ids");
    nobodys.settings.remove("account_id");
    for account in [&unbound, &nobodys] {
        let error = details(&world.apis, account, CALL).await.unwrap_err();
        assert!(matches!(error, ApiError::NotConfigured(_)), "{error:?}");
        assert_eq!(error.disposition(), Disposition::Park);
    }
    let facts = Facts {
        external_id: Some(CALL.to_owned()),
        ..Facts::default()
    };
    let of_source = [COMPANY.to_owned()];
    let asked = world
        .apis
        .details
        .details(&unbound, &of_source, &facts)
        .await;
    assert!(asked.is_ok(), "{asked:?}");
    let nothing = Facts::default();
    let asked = world
        .apis
        .details
        .details(&world.account, &[], &nothing)
        .await;
    assert!(matches!(asked, Err(ApiError::NotFound)), "{asked:?}");
}

#[tokio::test]
async fn an_unknown_call_is_not_one_without_a_recording() {
    let world = World::start().await;
    world
        .callrail()
        .register(CALL, json!({ "missing": true }))
        .unwrap();
    assert!(matches!(world.details(CALL).await, Err(ApiError::NotFound)));

    world
        .callrail()
        .register(CALL, json!({ "recording": null }))
        .unwrap();
    let found = world.details(CALL).await.unwrap();
    assert_eq!(found.facts.about.call().unwrap().has_recording, None);
    assert_eq!(world.bytes().await.unwrap(), None);
}

#[tokio::test]
async fn a_recording_is_fetched_without_the_key() {
    let world = World::start().await;
    let bytes = world.bytes().await.unwrap().unwrap();
    assert_eq!(
        bytes,
        simulators::recordings::recording("kitchen-quote")
            .unwrap()
            .mp3
    );
}

#[tokio::test]
async fn a_late_recording_is_not_there_yet() {
    let world = World::start().await;
    world
        .callrail()
        .answer_next(Fault::LateRecording(Late::Never));
    assert_eq!(world.bytes().await.unwrap(), None);
    world.callrail().clear_faults();
    assert!(world.bytes().await.unwrap().is_some());
}

#[tokio::test]
async fn a_recording_over_the_limit_is_not_read() {
    let world = World::start().await;
    world
        .callrail()
        .register(CALL, json!({ "recording_bytes": LIMITS.max_bytes + 1 }))
        .unwrap();
    let error = world.bytes().await.unwrap_err();
    assert!(error.is_too_large(), "{error:?}");
    assert_eq!(error.disposition(), Disposition::Park);
}

#[tokio::test]
async fn every_refusal_says_what_to_do_next() {
    let world = World::start().await;
    let later = |seconds| Disposition::Retry {
        after: Some(Duration::from_secs(seconds)),
    };
    let soon = Disposition::Retry { after: None };
    let with_wish = Fault::Answer {
        status: 503,
        retry_after_seconds: Some(7),
        body: None,
    };
    for (fault, expected) in [
        (Fault::RevokedToken, Disposition::Hold),
        (Fault::Status(403), Disposition::Hold),
        (Fault::RateLimit, soon),
        (Fault::Status(500), soon),
        (with_wish, later(7)),
        (Fault::Status(400), Disposition::Park),
        (Fault::Status(422), Disposition::Park),
        (Fault::Status(404), soon),
        (Fault::Malformed, soon),
        (Fault::ResetAfterWrite, soon),
    ] {
        let name = format!("{fault:?}");
        world.callrail().answer_next(fault);
        let error = world.details(CALL).await.unwrap_err();
        assert_eq!(error.disposition(), expected, "{name}: {error:?}");
    }
    world.callrail().answer_next(Fault::Status(422));
    let error = world.details(CALL).await.unwrap_err();
    assert!(
        matches!(
            &error,
            ApiError::Rejected {
                status: StatusCode::UNPROCESSABLE_ENTITY,
                ..
            }
        ),
        "{error:?}"
    );
    assert!(error.answer().is_some());
}

#[tokio::test]
async fn a_wrong_key_is_refused_and_not_printed() {
    let world = World::start().await;
    let account = Account {
        secret: "s3cret".to_owned().into(),
        ..world.account.clone()
    };
    let error = details(&world.apis, &account, CALL).await.unwrap_err();
    assert!(
        matches!(
            error,
            ApiError::Unauthorized {
                status: StatusCode::UNAUTHORIZED
            }
        ),
        "{error:?}"
    );
    assert!(!format!("{error:?} {error} {account:?}").contains("s3cret"));
}

#[tokio::test]
async fn the_hourly_limit_is_felt_as_a_bare_429() {
    let world = World::with(callrail::Config {
        hourly_limit: Some(1),
        ..Default::default()
    })
    .await;
    world.details(CALL).await.unwrap();
    let error = world.details(CALL).await.unwrap_err();
    assert!(
        matches!(error, ApiError::Throttled { retry_after: None }),
        "{error:?}"
    );
}

/// A server that answers each path by `answer`: a status, and a `Location` or a body. Keeps the heads it received.
struct Scripted {
    base: Url,
    heads: Arc<Mutex<Vec<String>>>,
}

impl Scripted {
    async fn start(answer: impl Fn(&str, u16) -> (u16, String) + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let heads = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&heads);
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let mut head = vec![0; 4096];
                let length = stream.read(&mut head).await.unwrap();
                let head = String::from_utf8_lossy(&head[..length]).to_ascii_lowercase();
                let (status, text) = answer(head.split(' ').nth(1).unwrap(), port);
                let (location, body) = if status == 302 {
                    (text.as_str(), "")
                } else {
                    ("/", text.as_str())
                };
                let length = body.len();
                let answer = format!(
                    "HTTP/1.1 {status} Answer\r\nlocation: {location}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}"
                );
                stream.write_all(answer.as_bytes()).await.unwrap();
                kept.lock().unwrap().push(head);
            }
        });
        Self {
            base: format!("http://127.0.0.1:{port}").parse().unwrap(),
            heads,
        }
    }

    /// What comes of the recording of a call.
    async fn download(&self) -> Result<Option<StatusCode>, ApiError> {
        let apis = apis(self.base.as_str());
        let answer = recording(&apis, &account("ACC1", "s3cret")).await?;
        Ok(answer.map(|answer| answer.status))
    }

    /// How many requests came, and how many of them carried the key.
    fn received(&self) -> (usize, usize) {
        let heads = self.heads.lock().unwrap();
        (
            heads.len(),
            heads.iter().filter(|head| head.contains("s3cret")).count(),
        )
    }
}

#[tokio::test]
async fn an_endless_redirect_is_given_up() {
    let server = Scripted::start(|path, port| match path {
        "/loop" => (302, "/loop".to_owned()),
        _ => (200, format!(r#"{{"url": "http://127.0.0.1:{port}/loop"}}"#)),
    })
    .await;
    let error = server.download().await.unwrap_err();
    assert!(matches!(error, ApiError::BadLink(_)), "{error:?}");
    assert_eq!(
        server.received(),
        (1 + 6, 1),
        "the link and five redirects; only the API gets the key"
    );
}

#[tokio::test]
async fn a_storage_host_may_not_send_on_to_others() {
    let storage = |hop: fn(u16) -> String| {
        Scripted::start(move |path, port| match path {
            "/file" => (200, "audio".to_owned()),
            "/store" => (302, hop(port)),
            _ => (
                200,
                format!(r#"{{"url": "http://localhost:{port}/store"}}"#),
            ),
        })
    };
    for hop in [
        |_| "/file".to_owned(),
        |port| format!("http://127.0.0.1:{port}/file"),
    ] as [fn(u16) -> String; 2]
    {
        assert_eq!(
            storage(hop).await.download().await.unwrap(),
            Some(StatusCode::OK)
        );
    }
    let error = storage(|port| format!("http://127.0.0.2:{port}/file"))
        .await
        .download()
        .await
        .unwrap_err();
    assert!(matches!(error, ApiError::BadLink(_)), "{error:?}");
    assert_eq!(error.disposition(), Disposition::Park);
}

#[tokio::test]
async fn links_that_ended_differ_from_bad_ones() {
    for (status, link, expected) in [
        (404, "/x", Ok(None)),
        (410, "/x", Ok(None)),
        (403, "/x", Err(Disposition::Retry { after: None })),
        (503, "/x", Err(Disposition::Retry { after: None })),
        (429, "/x", Err(Disposition::Retry { after: None })),
        (302, "http://", Err(Disposition::Park)),
        (302, "ftp://127.0.0.1/x", Err(Disposition::Park)),
    ] {
        let server = Scripted::start(move |path, port| match path {
            "/x" => (status, link.to_owned()),
            _ => (200, format!(r#"{{"url": "http://127.0.0.1:{port}/x"}}"#)),
        })
        .await;
        let outcome = server.download().await.map_err(|error| error.disposition());
        assert_eq!(outcome, expected, "{status} {link}");
    }
    let nothing = Scripted::start(|_, _| (200, r#"{"url": null}"#.to_owned())).await;
    assert_eq!(nothing.download().await.unwrap(), None);
    let no_url = Scripted::start(|_, _| (200, r#"{"url": "/x"}"#.to_owned())).await;
    assert!(matches!(no_url.download().await, Err(ApiError::BadLink(_))));
}
