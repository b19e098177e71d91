//! How every source answers, by one table: each of its samples, signed in each way that it knows.

use std::{
    fs,
    path::PathBuf,
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

use axum::http::{HeaderMap, StatusCode};
use bytes::Bytes;
use domain::{Clock as _, RequestId, Status, TenantId};
use sources::{ReadAs, SOURCES, Sample, Source, Verification, contract::Signer};
use store::{Deliveries as _, DeliveryQuery, PING, Store as _};

use crate::{
    forms::BotService,
    world::{Answer, World},
};

/// A source, one of the ways to sign for it, and one of its samples.
struct Row<'r> {
    world: &'r World,
    source: &'static dyn Source,
    signer: &'r Signer,
    sample: &'static Sample,
    /// How many deliveries were sent: each comes from an address of its own, so that none is limited for another's faults.
    sent: &'r AtomicU32,
}

impl Row<'_> {
    /// What an assertion says of it.
    fn name(&self) -> String {
        let slug = self.source.spec().slug;
        format!("{slug}, {}, {}", self.signer.name(), self.sample.name)
    }

    /// A tenant of its own, which knows the signer's key.
    async fn tenant(&self) -> TenantId {
        let slug = self.source.spec().slug;
        self.world.tenant_with(slug, self.signer.key()).await
    }

    /// The headers of a delivery that is signed now.
    fn signed(&self, body: &[u8]) -> HeaderMap {
        self.signer.sign(body, self.world.clock.now())
    }

    async fn send(&self, to: &TenantId, headers: &HeaderMap, kind: &str, body: &[u8]) -> Answer {
        let number = self.sent.fetch_add(1, Ordering::Relaxed);
        let address = format!("10.{}.{}.1", number / 256, number % 256);
        let is_public = self.source.spec().verification.is_public();
        let path = match self.sample.event {
            _ if is_public => format!("/v1/forms/{to}"),
            Some(event) => format!("/v1/hooks/{to}/{event}"),
            None => format!("/v1/hooks/{to}"),
        };
        let mut sent = vec![("content-type", kind)];
        for (name, value) in headers {
            sent.push((name.as_str(), value.to_str().unwrap()));
        }
        let body = Bytes::copy_from_slice(body);
        self.world.send(&address, &path, &sent, body).await
    }

    async fn genuine(&self, to: &TenantId, body: &[u8]) -> Answer {
        let headers = self.signed(body);
        self.send(to, &headers, self.sample.content_type, body)
            .await
    }

    /// Sends what is not genuine, and checks that it is refused.
    async fn is_refused(&self, to: &TenantId, headers: &HeaderMap, body: &[u8], why: &str) {
        let answer = self.send(to, headers, self.sample.content_type, body).await;
        let name = self.name();
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{name}: {why}");
        assert_eq!(answer.body["type"], "/problems/unauthorized");
    }

    async fn forgeries(&self, tenant: &TenantId) {
        let body = self.sample.body;
        let right = self.signed(body);
        for header in right.keys() {
            let mut without = right.clone();
            without.remove(header);
            self.is_refused(tenant, &without, body, "without a header")
                .await;
        }
        let other = self.signer.with_another_key();
        let other = other.sign(body, self.world.clock.now());
        self.is_refused(tenant, &other, body, "another key").await;
        // A shared key says who sends, not what, nor when.
        let Some(scheme) = self.signer.scheme() else {
            return;
        };
        for at in [0, body.len() / 2, body.len() - 1] {
            let mut tampered = body.to_vec();
            tampered[at] ^= 1;
            self.is_refused(tenant, &right, &tampered, "another body")
                .await;
        }
        let Some(time) = scheme.time else { return };
        let now = self.world.clock.now();
        let second = Duration::from_secs(1);
        for at in [now - time.max_age - second, now + time.max_ahead + second] {
            let stale = self.signer.sign(body, at);
            self.is_refused(tenant, &stale, body, "another time").await;
        }
        let seconds = now.as_second();
        for strange in [
            format!("+{seconds}"),
            format!("0{seconds}"),
            format!("{seconds}.0"),
            "0".to_owned(),
            String::new(),
        ] {
            let signed = self.signer.sign_at_text(body, &strange).unwrap();
            self.is_refused(tenant, &signed, body, "no time").await;
        }
    }

    async fn sizes_and_types(&self, tenant: &TenantId) {
        let (name, spec) = (self.name(), self.source.spec());
        let kind = self.sample.content_type;
        let limit = match self.source.door() {
            Some(door) => door.body_limit(Some(kind)).unwrap(),
            None => spec.body_limit_bytes,
        };
        let large = vec![b' '; limit + 1];
        let answer = self.genuine(tenant, &large).await;
        assert_eq!(answer.status, StatusCode::PAYLOAD_TOO_LARGE, "{name}");

        // A form's type says how it is read; a webhook's body is what was signed, whatever it is called.
        let body = self.sample.body;
        let headers = self.signed(body);
        let answer = self.send(tenant, &headers, "text/plain", body).await;
        if self.source.door().is_some() {
            assert_eq!(answer.status, StatusCode::UNSUPPORTED_MEDIA_TYPE, "{name}");
        } else {
            assert_eq!(answer.status, StatusCode::OK, "{name}");
            let named = self.genuine(&self.tenant().await, body).await;
            assert_eq!(answer.body["message"], named.body["message"], "{name}");
        }
    }

    async fn repeats(&self, tenant: &TenantId) {
        let name = self.name();
        let first = self.genuine(tenant, self.sample.body).await;
        assert_eq!(first.status, self.taken(), "{name}: {first:?}");
        if self.is_lead() && id_of(&first).is_some() {
            let (status, _) = self.request(tenant, &first).await;
            assert_ne!(status, Status::Parked, "{name}");
        }
        // A provider that sends again signs again.
        self.world.clock.advance(Duration::from_secs(1));
        let again = self.genuine(tenant, self.sample.body).await;
        assert_eq!(again.status, self.taken(), "{name}: {again:?}");
        assert_eq!(id_of(&again), id_of(&first), "{name}");
        let is_told = self.sample.read_as != ReadAs::Ping && self.source.door().is_none();
        assert_eq!(again.body["duplicate"] == true, is_told, "{name}");
        assert_ne!(first.body["duplicate"], true, "{name}");
    }

    /// A ping proves the connection: it makes no request and is no other one's repeat, however often it comes. One a minute is
    /// noted, with no lead.
    async fn pings(&self) {
        let (name, tenant) = (self.name(), self.tenant().await);
        let second = self.world.clock.now().as_second().rem_euclid(60);
        let to_the_minute = u64::try_from(60 - second).unwrap();
        for seconds in [to_the_minute, 1, 60] {
            self.world.clock.advance(Duration::from_secs(seconds));
            let answer = self.genuine(&tenant, self.sample.body).await;
            assert_eq!(answer.status, self.taken(), "{name}: {answer:?}");
            assert_eq!(answer.body["message"], "the URL works", "{name}");
            assert_eq!(id_of(&answer), None, "{name}");
            assert_ne!(answer.body["duplicate"], true, "{name}");
        }
        let query = DeliveryQuery {
            limit: 10,
            ..DeliveryQuery::default()
        };
        let noted = self.world.store.deliveries(&tenant, &query).await.unwrap();
        let noted: Vec<_> = noted
            .items
            .into_iter()
            .map(|delivery| (delivery.request, delivery.remark))
            .collect();
        let ping = (None, Some(PING.to_owned()));
        assert_eq!(noted, [ping.clone(), ping], "{name}");
        self.forgeries(&tenant).await;
    }

    /// What breaks off but is genuine is kept for a person: many providers do not send it again.
    async fn breaks_off(&self) {
        let (name, kind) = (self.name(), self.sample.content_type);
        let body = self.sample.body;
        for cut in [&body[..1], &body[..body.len() / 2]] {
            let tenant = self.tenant().await;
            let answer = self.genuine(&tenant, cut).await;
            // Parts without their end are no form, and whoever sends it is told so.
            if kind.starts_with("multipart/") && answer.status == StatusCode::BAD_REQUEST {
                continue;
            }
            assert_eq!(answer.status, self.taken(), "{name}: {answer:?}");
            // A form of pairs may end anywhere and be a form.
            let is_nothing = cut.len() == 1;
            if !self.is_lead() || !(is_nothing || kind.ends_with("json")) {
                continue;
            }
            // What only adds to something that nobody knows is stored without a request.
            if !is_nothing && id_of(&answer).is_none() {
                continue;
            }
            let (status, is_told) = self.request(&tenant, &answer).await;
            let is_kept = status == Status::Parked || (is_told && !is_nothing);
            assert!(is_kept, "{name}: {} bytes are {status:?}", cut.len());
        }
    }

    const fn is_lead(&self) -> bool {
        matches!(self.sample.read_as, ReadAs::News(_))
    }

    /// The request of an answer: its status, and whether it tells that something could not be read.
    async fn request(&self, tenant: &TenantId, answer: &Answer) -> (Status, bool) {
        let id = id_of(answer).unwrap_or_else(|| panic!("{}: {answer:?}", self.name()));
        let view = self.world.store.request(tenant, id).await.unwrap().unwrap();
        let unread = &view.request.document.source.said.unread_fields;
        (view.request.status, !unread.is_empty())
    }

    fn taken(&self) -> StatusCode {
        match self.source.door() {
            Some(_) => StatusCode::ACCEPTED,
            None => StatusCode::OK,
        }
    }
}

fn id_of(answer: &Answer) -> Option<RequestId> {
    let ids = ["request_id", "lead_id"].map(|name| answer.body[name].as_str());
    let id = ids.into_iter().flatten().next()?;
    Some(id.parse().unwrap())
}

/// Every row of a source, in one world.
async fn each(source: &'static dyn Source, check: impl AsyncFn(Row<'_>)) {
    let (bot_service, config) = BotService::start().await;
    let world = World::with(config).await;
    let sent = AtomicU32::new(0);
    let signers = Signer::all(source.spec());
    assert!(!signers.is_empty(), "nothing is verified");
    for signer in &signers {
        for sample in source.spec().samples {
            let row = Row {
                world: &world,
                source,
                signer,
                sample,
                sent: &sent,
            };
            check(row).await;
        }
    }
    assert!(sent.into_inner() > 0, "nothing was sent");
    // Nobody outside is asked while a sender waits: not even who tells people from programs, unless a form says so.
    assert_eq!(bot_service.asked().await, Vec::<String>::new());
}

#[tokio::test]
async fn what_is_not_genuine_is_refused() {
    for source in SOURCES {
        if !source.spec().verification.needs_key() {
            continue;
        }
        each(*source, async |row: Row<'_>| {
            let tenant = row.tenant().await;
            row.forgeries(&tenant).await;
            // It was refused for what it was: the same tenant takes the same body.
            let genuine = row.genuine(&tenant, row.sample.body).await;
            assert_eq!(genuine.status, row.taken(), "{}", row.name());
        })
        .await;
    }
}

#[tokio::test]
async fn what_is_genuine_is_taken_once() {
    for source in SOURCES {
        each(*source, async |row: Row<'_>| {
            row.repeats(&row.tenant().await).await;
        })
        .await;
    }
}

#[tokio::test]
async fn a_ping_proves_the_connection_and_is_no_lead() {
    let mut pinging = Vec::new();
    for source in SOURCES {
        let spec = source.spec();
        let is_ping = |sample: &Sample| sample.read_as == ReadAs::Ping;
        if !spec.samples.iter().any(is_ping) {
            continue;
        }
        pinging.push(spec.slug);
        each(*source, async |row: Row<'_>| {
            if is_ping(row.sample) {
                row.pings().await;
            }
        })
        .await;
    }
    assert_eq!(
        pinging,
        ["intercom"],
        "each source that is pinged has its rows"
    );
}

#[tokio::test]
async fn sizes_and_types_are_held_to() {
    for source in SOURCES {
        each(*source, async |row: Row<'_>| {
            row.sizes_and_types(&row.tenant().await).await;
        })
        .await;
    }
}

#[tokio::test]
async fn what_breaks_off_is_kept_for_a_person() {
    for source in SOURCES {
        each(*source, async |row: Row<'_>| row.breaks_off().await).await;
    }
}

#[test]
fn every_way_to_sign_has_its_rows() {
    let ways = |slug: &str| -> Vec<&'static str> {
        let source = SOURCES.iter().find(|source| source.spec().slug == slug);
        let spec = source.unwrap().spec();
        Signer::all(spec).iter().map(Signer::name).collect()
    };
    assert_eq!(
        ways("zendesk"),
        ["zendesk-sha256", Verification::SHARED_KEY],
        "Sunshine Conversations sends a key"
    );
    assert_eq!(ways("callrail").len(), 2);
    assert_eq!(ways("signedwebhook").len(), 3);
}

/// Whoever answers a sender waits for the store and for keys alone. The one client that the edge is given goes to those who
/// tell people from programs, which a form's settings have to ask for.
#[test]
fn only_bot_checks_have_a_client() {
    let mut folders = vec![PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/src"))];
    let mut found = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let file = path.file_name().unwrap().to_str().unwrap().to_owned();
            let text = fs::read_to_string(&path).unwrap();
            let code = text.lines().map(str::trim);
            let code = code.filter(|line| !line.starts_with("//"));
            let words = [
                "http_client",
                "Client,",
                "Client>",
                "(http",
                "Apis",
                ".apis",
            ];
            for line in code.filter(|line| words.iter().any(|word| line.contains(word))) {
                found.push(format!("{file}: {line}"));
            }
        }
    }
    found.sort();
    assert_eq!(
        found,
        [
            "lib.rs: bot_checks: BotChecks::new(http, config.bot_checks),",
            "lib.rs: pub http: Client,",
            "lib.rs: use http_client::Client;",
        ]
    );
}
