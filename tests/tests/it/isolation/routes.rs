//! Every route of the API's description, as somebody who may do everything with a tenant and nothing with another's.

use std::collections::BTreeMap;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use domain::TenantId;
use http::{Method, StatusCode};
use jiff::Timestamp;
use management_api::auth::{Role, SigningKey};
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};
use store::SecurityEvent;
use tests::{CallBody, Form, Rows, World, in_both_forms};
use uuid::Uuid;

use super::{
    Api, Reply, Tenant,
    description::{Objects, Route, routes},
    makers::MAKERS,
};

/// Routes that anybody may call: there is nothing of a tenant in their answers.
const PUBLIC: [&str; 9] = [
    "/.well-known/jwks.json",
    "/problems/{problem}",
    "/sign-in",
    "/v1/docs",
    "/v1/openapi.json",
    "/v1/schemas/field-mapping",
    "/v1/schemas/request",
    "/v1/schemas/source-settings/{provider}",
    "/v1/schemas/workflow-config",
];

/// What a browser's own cookie opens, which no token does: its tests are those of the API.
const OF_A_COOKIE: &str = "/v1/sign-in";

/// What a caller may see and change of themselves, whatever their token opens.
const OF_ONESELF: &str = "/v1/me";

/// Lists of a tenant that have no second page here: what fills them is another suite's.
const SHORT: [&str; 0] = [];

const SETTINGS: [(&str, &str); 1] = [("MODEL_TRIES", "1")];

/// Makes a tenant with requests in every state, stopped work, and a source and a connection of its own.
async fn tenant(api: &Api<'_>, name: &str) -> (Tenant, Objects) {
    let tenant = Tenant::create(api, name).await;
    let world = api.world;
    let mark = format!("markof{name}");
    let mut objects = BTreeMap::from([
        ("tenant_id", tenant.id().to_string()),
        ("mark", mark.clone()),
    ]);
    let call = |number: usize, tag: &str| {
        CallBody::post_call(&format!("CAL{mark}{number}"))
            .with("customer_name", json!(mark))
            .with("tags", json!([tag]))
    };
    tenant.deliver(api, "post-call", &call(1, "kitchen")).await;
    world.rest().await;
    for maker in MAKERS {
        let object = (maker.make)(api, &tenant, &objects).await;
        objects.insert(maker.parameter, object);
    }
    for connection in ["hubspot", "callrail"] {
        tenant.spoil(api, connection).await;
        tenant.deliver(api, "post-call", &call(3, connection)).await;
        tenant.deliver(api, "post-call", &call(4, connection)).await;
        world.rest().await;
    }
    let refusals = ["192.0.2.1", "192.0.2.2"].map(|address| SecurityEvent {
        minute: Timestamp::from_second(1_800_000_000).unwrap(),
        address: address.to_owned(),
        reason: format!("for_{mark}"),
        provider: "callrail".to_owned(),
        tenant: Some(tenant.id().to_string()),
        count: 1,
        trace_id: mark.clone(),
    });
    let recorded = world
        .store
        .record_security_events_across_tenants(refusals.into());
    recorded.await.unwrap();
    (tenant, objects)
}

/// Things that nobody has.
fn nobodys() -> Objects {
    let mut objects: Objects = MAKERS
        .iter()
        .map(|maker| (maker.parameter, maker.of_nobody()))
        .collect();
    objects.insert("tenant_id", "tenant_nobody".to_owned());
    objects
}

/// An answer without what tells one call from another: its id, its time, and what was asked for.
pub(super) fn neutral(reply: &Reply, asked: &Objects) -> (StatusCode, String) {
    let mut body = reply.body.clone();
    if let Some(fields) = body.as_object_mut() {
        for name in [
            "request_id",
            "created_at",
            "updated_at",
            "job_id",
            "version",
        ] {
            fields.remove(name);
        }
    }
    let text = asked.values().fold(body.to_string(), |text, object| {
        text.replace(object.as_str(), "…")
    });
    (reply.status, text)
}

/// What of a tenant may stand in no answer to another: its ids, and the marks of its people.
fn names_of(rows: &Rows, objects: &Objects) -> Vec<String> {
    let is_id = |word: &&str| {
        let hex = word.rsplit('_').next().unwrap_or_default();
        word.contains('_') && hex.len() == 32 && hex.bytes().all(|byte| byte.is_ascii_hexdigit())
    };
    let words = rows
        .values()
        .flatten()
        .flat_map(|row| row.split(|c: char| !c.is_ascii_alphanumeric() && c != '_'));
    // Every tenant of these stories has the same office and source of this number.
    let shared = Uuid::from_u128(1).simple().to_string();
    let mut names: Vec<String> = words
        .filter(is_id)
        .filter(|word| !word.ends_with(&shared))
        .map(str::to_owned)
        .collect();
    // Names of connections and views are their tenant's choice: another may choose the same.
    names.extend(
        objects
            .iter()
            .filter(|(name, _)| !["connection", "view_id"].contains(*name))
            .map(|(_, object)| object.clone()),
    );
    names.sort();
    names.dedup();
    names
}

/// Two tenants, and things that nobody has.
pub(super) struct Scene<'a> {
    api: &'a Api<'a>,
    pub(super) ann: (Tenant, Objects),
    pub(super) bob: (Tenant, Objects),
    pub(super) nobody: Objects,
}

impl Scene<'_> {
    pub(super) async fn as_ann(&self, route: &Route, path: &str, body: Option<&Value>) -> Reply {
        let shown = path.split("/versions/").next().unwrap();
        let mut version = None;
        if route.is_of_a_version {
            // As whoever has just read it, so that nothing is refused for its version. Of what is not hers, any.
            let shown = self.as_ann_again(&Method::GET, shown, None, &[]).await;
            version = Some(shown.etag.unwrap_or_else(|| "\"1\"".to_owned()));
        }
        let headers = version.iter().map(|version| ("if-match", version.as_str()));
        let headers: Vec<_> = headers.collect();
        self.as_ann_again(&route.method, path, body, &headers).await
    }

    /// Asks, and once again when nobody could answer: the emulator does one transaction at a time, and her jobs may have it.
    async fn as_ann_again(
        &self,
        method: &Method,
        path: &str,
        body: Option<&Value>,
        headers: &[(&str, &str)],
    ) -> Reply {
        let token = Some(self.ann.0.admin.as_str());
        let ask = || self.api.call_with(token, method, path, body, headers);
        let reply = ask().await;
        if reply.status != StatusCode::SERVICE_UNAVAILABLE {
            return reply;
        }
        self.api.world.rest().await;
        ask().await
    }

    /// Everything that is bob's: rows, secrets, recordings.
    async fn all_of_bob(&self) -> (Rows, Vec<String>) {
        let (world, tenant) = (self.api.world, self.bob.0.id());
        let secrets = world.secrets_of(tenant).await;
        let mut others: Vec<_> = secrets
            .into_iter()
            .map(|(name, secret)| format!("{name:?} {}", secret.expose_secret()))
            .collect();
        let recordings = world.recordings().into_iter();
        others.extend(recordings.filter(|name| name.starts_with(tenant.as_str())));
        others.sort();
        (world.rows_of(tenant).await, others)
    }

    /// The same question about bob's things and about nobody's has the same answer.
    pub(super) async fn is_as_of_nobody(
        &self,
        route: &Route,
        what: &str,
        of_bob: (&str, Option<&Value>),
        of_nobody: (&str, Option<&Value>),
    ) -> Reply {
        let nobodys = self.as_ann(route, of_nobody.0, of_nobody.1).await;
        let bobs = self.as_ann(route, of_bob.0, of_bob.1).await;
        assert_eq!(
            neutral(&bobs, &self.bob.1),
            neutral(&nobodys, &self.nobody),
            "{}: {what} of another tenant is not answered as one that does not exist",
            route.name()
        );
        bobs
    }

    /// As ann: bob's tenant, with his things and with hers; her tenant with his things.
    async fn foreign_path(&self, route: &Route) {
        let (hers, his) = (&self.ann.1, &self.bob.1);
        let body = route.example();
        let mut hers_in_his = hers.clone();
        hers_in_his.insert("tenant_id", his["tenant_id"].clone());
        for objects in [his, &hers_in_his] {
            let mut nobodys = objects.clone();
            nobodys.insert("tenant_id", self.nobody["tenant_id"].clone());
            let (of_bob, of_nobody) = (route.filled(objects), route.filled(&nobodys));
            let reply = self
                .is_as_of_nobody(route, "the tenant", (&of_bob, body), (&of_nobody, body))
                .await;
            assert_eq!(
                reply.status,
                StatusCode::NOT_FOUND,
                "{}: {reply:?}",
                route.name()
            );
        }
        for param in route.objects() {
            let with = |objects: &Objects| {
                let mut mixed = hers.clone();
                let (name, object) = objects.get_key_value(param.as_str()).unwrap();
                mixed.insert(name, object.clone());
                route.filled(&mixed)
            };
            let (of_bob, of_nobody) = (with(his), with(&self.nobody));
            let reply = self
                .is_as_of_nobody(route, param, (&of_bob, body), (&of_nobody, body))
                .await;
            // What a PUT names need not be there. Connections are named by their tenant: one that a PUT made under the
            // same name is hers from then on.
            let is_hers = route.method == Method::PUT || param == "connection";
            let is_made = is_hers && reply.status.is_success();
            assert!(
                is_made || reply.status == StatusCode::NOT_FOUND,
                "{}: {reply:?}",
                route.name()
            );
        }
    }

    /// As ann, about her own tenant: bob's things in the query and in the body.
    async fn foreign_content(&self, route: &Route) {
        let path = route.filled(&self.ann.1);
        for param in &route.query {
            let object = match param.as_str() {
                "request" | "request_id" => "request_id",
                "connection" | "target" => "connection",
                "source" | "source_id" => "source_id",
                "office_id" => "office_id",
                "q" => {
                    let search = format!("{path}?q={}", self.bob.1["mark"]);
                    let reply = self.as_ann(route, &search, None).await;
                    assert_eq!(reply.status, StatusCode::OK, "{}: {reply:?}", route.name());
                    self.holds_nothing_of_bob(route, &reply).await;
                    continue;
                }
                "cursor" => {
                    self.foreign_cursor(route, &path).await;
                    continue;
                }
                "office" => "office_id",
                other if MAKERS.iter().any(|maker| maker.parameter == other) => other,
                // A place in the stream of the tenant in the path, whosever it was.
                "last_event_id" => continue,
                other if other.ends_with("_id") => panic!(
                    "{}: this test does not know what `{other}` in the query means: add what makes one to `MAKERS` \
                     in tests/tests/it/isolation/makers.rs",
                    route.name()
                ),
                // It names nothing of a tenant.
                _ => continue,
            };
            let with = |objects: &Objects| format!("{path}?{param}={}", objects[object]);
            let (of_bob, of_nobody) = (with(&self.bob.1), with(&self.nobody));
            self.is_as_of_nobody(route, param, (&of_bob, None), (&of_nobody, None))
                .await;
        }
        let Some(body) = &route.body else { return };
        for member in &body.members {
            let object = match member.as_str() {
                // A new source writes down a name of its own tenant's, whose connection may be made later.
                "connection"
                    if route.method == Method::POST && route.path.ends_with("/sources") =>
                {
                    continue;
                }
                "target" => "connection",
                // What the caller's own system calls it.
                "external_id" => continue,
                other if MAKERS.iter().any(|maker| maker.parameter == other) => other,
                other if other.ends_with("_id") && other != "tenant_id" => {
                    panic!(
                        "{}: this test does not know what `{other}` in the body means: add what makes one to `MAKERS` \
                         in tests/tests/it/isolation/makers.rs",
                        route.name()
                    )
                }
                _ => continue,
            };
            let with = |objects: &Objects| {
                let mut body = body.example.clone();
                body[member] = json!(objects[object]);
                body
            };
            let (of_bob, of_nobody) = (with(&self.bob.1), with(&self.nobody));
            self.is_as_of_nobody(
                route,
                member,
                (&path, Some(&of_bob)),
                (&path, Some(&of_nobody)),
            )
            .await;
        }
    }

    /// Where a page of bob's ended leads ann to nothing of his.
    async fn foreign_cursor(&self, route: &Route, path: &str) {
        let his = route.filled(&self.bob.1);
        let page = self
            .api
            .call(
                Some(&self.bob.0.admin),
                &route.method,
                &format!("{his}?limit=1"),
                None,
            )
            .await;
        if page.status == StatusCode::FORBIDDEN {
            return;
        }
        let cursor = page.body["next_cursor"].as_str();
        if cursor.is_none() && SHORT.contains(&route.path.as_str()) {
            return;
        }
        let cursor =
            cursor.unwrap_or_else(|| panic!("{}: bob has no second page: {page:?}", route.name()));
        let reply = self
            .as_ann(route, &format!("{path}?cursor={cursor}"), None)
            .await;
        assert_eq!(reply.status, StatusCode::OK, "{}: {reply:?}", route.name());
        self.holds_nothing_of_bob(route, &reply).await;
    }

    async fn holds_nothing_of_bob(&self, route: &Route, reply: &Reply) {
        let mut body = reply.body.clone();
        // What she asked of her jobs is hers, whatever she wrote there.
        let is_list = body.get("items").is_some_and(Value::is_array);
        let jobs = match is_list {
            true => body["items"].as_array_mut().into_iter().flatten().collect(),
            false => vec![&mut body],
        };
        for job in jobs {
            if job.get("job_id").is_some_and(Value::is_string) {
                job["filter"] = Value::Null;
            }
        }
        let shown = body.to_string();
        let rows = self.api.world.rows_of(self.bob.0.id()).await;
        for name in names_of(&rows, &self.bob.1) {
            assert!(
                !shown.contains(&name),
                "{}: `{name}` of another tenant is in {shown}",
                route.name()
            );
        }
    }

    /// Nobody is let in without a genuine token that is still good, and one for no tenant opens none.
    async fn tokens(&self, route: &Route, bad: &[(&str, String)]) {
        let path = route.filled(&self.ann.1);
        for (what, token) in bad {
            let reply = self
                .api
                .call(Some(token), &route.method, &path, route.example())
                .await;
            assert_eq!(
                reply.status,
                StatusCode::UNAUTHORIZED,
                "{} with {what}: {reply:?}",
                route.name()
            );
        }
        let reply = self
            .api
            .call(None, &route.method, &path, route.example())
            .await;
        assert_eq!(
            reply.status,
            StatusCode::UNAUTHORIZED,
            "{} without a token: {reply:?}",
            route.name()
        );
        for role in Role::ALL {
            if role == Role::PlatformAdmin {
                continue;
            }
            let of_no_tenant = self.api.token(role, &[], self.api.world.now());
            let reply = self
                .api
                .call(Some(&of_no_tenant), &route.method, &path, route.example())
                .await;
            if route.path.starts_with(OF_ONESELF) {
                assert!(reply.status.is_success(), "{}: {reply:?}", route.name());
                continue;
            }
            let expected = if route.is_of_a_tenant() {
                StatusCode::NOT_FOUND
            } else {
                StatusCode::FORBIDDEN
            };
            assert_eq!(
                reply.status,
                expected,
                "{} with a token for no tenant: {reply:?}",
                route.name()
            );
        }
    }

    /// A route's example that names what is hers.
    fn with_hers(&self, route: &Route, example: &Value) -> Value {
        let mut body = example.clone();
        // A new tenant is nobody's yet.
        if let Some(tenant) = body
            .get_mut("tenant_id")
            .filter(|_| route.path != "/v1/tenants")
        {
            *tenant = json!(self.ann.1["tenant_id"]);
        }
        // Only who has been let in gets a link.
        if let Some(email) = body
            .get_mut("email")
            .filter(|_| route.path.starts_with(OF_A_COOKIE))
        {
            *email = json!(format!("{}@example.com", self.ann.1["mark"]));
        }
        if let Some(request) = body.get_mut("request_id") {
            *request = json!(self.ann.1["request_id"]);
        }
        body
    }

    /// Her own things are there: what was refused was refused for whose it was.
    async fn own(&self, route: &Route) {
        let path = route.filled(&self.ann.1) + &route.needed;
        let body = route
            .example()
            .map(|example| self.with_hers(route, example));
        let body = body.as_ref();
        let mut reply = self.as_ann(route, &path, body).await;
        if reply.status == StatusCode::FORBIDDEN {
            assert!(
                !reply.body.to_string().contains(&self.bob.1["tenant_id"]),
                "{reply:?}"
            );
            let platform = self
                .api
                .token(Role::PlatformAdmin, &[], self.api.world.now());
            reply = self
                .api
                .call(Some(&platform), &route.method, &path, body)
                .await;
        } else {
            self.holds_nothing_of_bob(route, &reply).await;
        }
        // In this fleet, people bring tokens of their issuer; and no simulator of these stories is the demo tenant's.
        let detail = reply.body["detail"].to_string();
        let is_of_no_use = [
            "Nobody signs in at this server",
            "Nothing is simulated for this tenant",
        ]
        .iter()
        .any(|said| detail.contains(*said));
        assert!(
            reply.status.is_success() || is_of_no_use || reply.status == StatusCode::CONFLICT,
            "{}: her own things are refused: {reply:?}",
            route.name()
        );
    }
}

/// Tokens that prove nothing, each with what is wrong with it.
fn bad_tokens(api: &Api<'_>, tenant: &TenantId) -> Vec<(&'static str, String)> {
    let now = api.world.now();
    let good = api.token(Role::PlatformAdmin, &[tenant], now);
    let [header, claims, signature]: [&str; 3] =
        good.split('.').collect::<Vec<_>>().try_into().unwrap();
    let with_header = |name: &str, value: &str| {
        let mut header: Value =
            serde_json::from_slice(&URL_SAFE_NO_PAD.decode(header).unwrap()).unwrap();
        header[name] = json!(value);
        URL_SAFE_NO_PAD.encode(header.to_string())
    };
    let long_ago = now
        .checked_sub(jiff::SignedDuration::from_hours(91 * 24))
        .unwrap();
    let elsewhere = tempfile::tempdir().unwrap();
    let other = Api {
        world: api.world,
        key: SigningKey::open(elsewhere.path()).unwrap(),
    };
    let others = other.token(Role::PlatformAdmin, &[tenant], now);
    let (others_head, others_signature) = others.rsplit_once('.').unwrap();
    let (_, others_claims) = others_head.split_once('.').unwrap();
    vec![
        (
            "a token that has expired",
            api.token(Role::PlatformAdmin, &[tenant], long_ago),
        ),
        ("a token of another key", others.clone()),
        (
            "another key's signature under our key's name",
            format!("{header}.{others_claims}.{others_signature}"),
        ),
        (
            "`alg: none`",
            format!("{}.{claims}.", with_header("alg", "none")),
        ),
        (
            "`alg: none` and a signature",
            format!("{}.{claims}.{signature}", with_header("alg", "none")),
        ),
        (
            "`alg: HS256`",
            format!("{}.{claims}.{signature}", with_header("alg", "HS256")),
        ),
        ("no signature", format!("{header}.{claims}.")),
        ("a token that is none", "x".to_owned()),
    ]
}

in_both_forms![every_route_answers_for_anothers_things_as_for_nothing];

async fn every_route_answers_for_anothers_things_as_for_nothing(form: Form) {
    let world = match form {
        Form::OneProcess => World::on_manual_clock_with(SETTINGS).await,
        Form::Fleet => World::with(form, SETTINGS).await,
    };
    every_route(world, form, false).await;
}

#[tokio::test]
#[should_panic(expected = "is not answered as one that does not exist")]
async fn a_token_that_opens_two_tenants_is_noticed() {
    let world = World::on_manual_clock_with(SETTINGS).await;
    every_route(world, Form::OneProcess, true).await;
}

/// Calls every route as tenant `ann`; her token may be good for both tenants, which must not pass.
async fn every_route(world: World, form: Form, is_good_for_both: bool) {
    world
        .simulators()
        .gemini()
        .answer_with_when("unsuremark", json!({ "spam_likelihood": 60 }));
    let api = Api::of(&world);
    let mut scene = Scene {
        ann: tenant(&api, "ann").await,
        bob: tenant(&api, "bob").await,
        nobody: nobodys(),
        api: &api,
    };
    if is_good_for_both {
        let both = [scene.ann.0.id(), scene.bob.0.id()];
        scene.ann.0.admin = api.token(Role::TenantAdmin, &both, world.now());
    }
    let bad = bad_tokens(&api, scene.ann.0.id());
    let routes = routes();
    let before = scene.all_of_bob().await;
    assert!(
        before.0.values().filter(|rows| !rows.is_empty()).count() > 10 && !before.1.is_empty(),
        "{before:?}"
    );

    // To read all that a tenant has takes the emulator a second. One process says which route it was.
    let routes_between_looks = match form {
        Form::OneProcess => 1,
        Form::Fleet => 20,
    };
    for (number, route) in routes.iter().enumerate() {
        if route.is_public {
            assert!(
                PUBLIC.contains(&route.path.as_str()) || route.path.starts_with(OF_A_COOKIE),
                "{}: anybody may call it",
                route.name()
            );
            continue;
        }
        scene.tokens(route, &bad).await;
        if route.is_of_a_tenant() {
            scene.foreign_path(route).await;
            scene.foreign_content(route).await;
            if form == Form::OneProcess {
                scene.foreign_parts(route).await;
            }
        }
        if number % routes_between_looks != 0 {
            continue;
        }
        world.rest().await;
        assert_eq!(
            scene.all_of_bob().await,
            before,
            "{}: it has changed what is another tenant's, or one before it",
            route.name()
        );
    }
    world.rest().await;
    assert_eq!(
        scene.all_of_bob().await,
        before,
        "what is another tenant's was changed"
    );
    // What removes things comes last.
    let mut hers: Vec<_> = routes.iter().filter(|route| !route.is_public).collect();
    hers.sort_by_key(|route| route.method == Method::DELETE);
    for route in hers {
        scene.own(route).await;
    }
    world.rest().await;
    assert_eq!(
        scene.all_of_bob().await,
        before,
        "acts of one tenant have changed what is another's"
    );
    drop(scene);
    world.stop_early().await;
}

#[tokio::test]
async fn one_idempotency_key_names_a_call_of_each_tenant() {
    let world = World::on_manual_clock_with([("WORKERS_PER_STAGE", "0")]).await;
    let api = Api::of(&world);
    let mut ids = Vec::new();
    let mut tenants = Vec::new();
    for name in ["ann", "bob"] {
        let tenant = Tenant::create(&api, name).await;
        let new =
            json!({ "provider": "callrail", "signing_key": "0f1e2d3c4b5a69788796a5b4c3d2e1f0" });
        let path = format!("/v1/tenants/{}/sources", tenant.id());
        let headers = [("idempotency-key", "the-same-for-both")];
        let created = api
            .call_with(
                Some(&tenant.admin),
                &Method::POST,
                &path,
                Some(&new),
                &headers,
            )
            .await;
        assert_eq!(created.status, StatusCode::CREATED, "{created:?}");
        // A call that was there before has no URLs to show.
        assert_ne!(created.body["webhooks"], json!([]), "{created:?}");
        ids.push(
            created.body["source"]["source_id"]
                .as_str()
                .unwrap()
                .to_owned(),
        );
        tenants.push(tenant);
    }
    assert_ne!(ids[0], ids[1]);
    for (tenant, other) in tenants.iter().zip(ids.iter().rev()) {
        let sources = tenant.list(&api, "sources").await;
        assert!(
            !Value::from(sources.clone()).to_string().contains(other),
            "{sources:?}"
        );
    }
    world.stop_early().await;
}
