//! Which tokens are taken, and what they open.

use std::{fs, os::unix::fs::PermissionsExt as _};

use aws_lc_rs::{
    hmac,
    signature::{Ed25519KeyPair, KeyPair as _},
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use management_api::auth::{KeyError, Role, SigningKey};
use runtime::CapturedLogs;
use secrecy::ExposeSecret as _;
use secrets::KeyFileError;
use serde_json::{Value, json};

use crate::world::{World, body, problem};

const PATH: &str = "/v1/tenants/a/requests";

/// Makes tokens of every kind, genuine and not.
struct Forge {
    pair: Ed25519KeyPair,
    kid: String,
    now: i64,
}

impl Forge {
    fn of(world: &World) -> Self {
        let jwks = serde_json::to_value(world.key.key_set().jwks()).unwrap();
        Self {
            pair: Ed25519KeyPair::from_pkcs8(&fs::read(world.key_file()).unwrap()).unwrap(),
            kid: jwks["keys"][0]["kid"].as_str().unwrap().to_owned(),
            now: world.now().as_second(),
        }
    }

    fn header(&self) -> Value {
        json!({ "alg": "EdDSA", "typ": "JWT", "kid": self.kid })
    }

    fn claims(&self) -> Value {
        json!({
            "iss": "https://pipeline.example", "aud": "management-api", "sub": "ann",
            "exp": self.now + 60, "roles": ["viewer"], "tenants": ["a"],
        })
    }

    /// A genuine signature over this header and these claims.
    fn sign(&self, header: &Value, claims: &Value) -> String {
        seal(header, claims, |message| {
            self.pair.sign(message).as_ref().to_vec()
        })
    }

    fn with_header(&self, changes: &Value) -> String {
        self.sign(&changed(self.header(), changes), &self.claims())
    }

    fn with_claims(&self, changes: &Value) -> String {
        self.sign(&self.header(), &changed(self.claims(), changes))
    }
}

fn seal(header: &Value, claims: &Value, sign: impl Fn(&[u8]) -> Vec<u8>) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let message = format!("{}.{}", part(header), part(claims));
    let signature = URL_SAFE_NO_PAD.encode(sign(message.as_bytes()));
    format!("{message}.{signature}")
}

/// Null takes a field away.
fn changed(mut base: Value, changes: &Value) -> Value {
    let fields = base.as_object_mut().unwrap();
    for (name, value) in changes.as_object().unwrap() {
        match value {
            Value::Null => fields.remove(name),
            value => fields.insert(name.clone(), value.clone()),
        };
    }
    base
}

#[tokio::test]
async fn a_token_that_is_not_genuine_valid_and_ours_is_refused() {
    let (logs, _guard) = CapturedLogs::begin();
    let world = World::start().await;
    let forge = Forge::of(&world);
    let (header, claims, now) = (forge.header(), forge.claims(), forge.now);
    let public = forge.pair.public_key().as_ref().to_vec();
    let jwks = serde_json::to_string(world.key.key_set().jwks()).unwrap();
    let attacker = Ed25519KeyPair::generate().unwrap();
    let attackers_key = json!({
        "kty": "OKP", "crv": "Ed25519", "kid": forge.kid,
        "x": URL_SAFE_NO_PAD.encode(attacker.public_key().as_ref()),
    });
    let by_attacker = |header: &Value| {
        seal(header, &claims, |message| {
            attacker.sign(message).as_ref().to_vec()
        })
    };
    let by_secret = |secret: &[u8]| {
        let header = changed(header.clone(), &json!({ "alg": "HS256" }));
        let key = hmac::Key::new(hmac::HMAC_SHA256, secret);
        seal(&header, &claims, |message| {
            hmac::sign(&key, message).as_ref().to_vec()
        })
    };
    let unsigned = |algorithm: &str| {
        let header = changed(header.clone(), &json!({ "alg": algorithm }));
        seal(&header, &claims, |_| Vec::new())
    };
    let genuine = forge.sign(&header, &claims);
    let (genuine_head, genuine_signature) = genuine.rsplit_once('.').unwrap();
    let (genuine_header, _) = genuine_head.split_once('.').unwrap();
    let admin = changed(claims.clone(), &json!({ "roles": ["platform_admin"] }));
    let swapped_claims = URL_SAFE_NO_PAD.encode(admin.to_string());

    let cases = [
        ("alg none", unsigned("none")),
        ("alg None", unsigned("None")),
        ("alg NONE", unsigned("NONE")),
        ("no alg", forge.with_header(&json!({ "alg": null }))),
        ("EdDSA without a signature", unsigned("EdDSA")),
        ("signature cut off", format!("{genuine_head}.")),
        ("two parts", genuine_head.to_owned()),
        ("four parts", format!("{genuine}.{genuine_signature}")),
        ("HS256 with the public key", by_secret(&public)),
        (
            "HS256 with the public key in hexadecimal",
            by_secret(
                public
                    .iter()
                    .map(|b| format!("{b:02x}"))
                    .collect::<String>()
                    .as_bytes(),
            ),
        ),
        ("HS256 with the JWKS", by_secret(jwks.as_bytes())),
        ("HS256 with an empty secret", by_secret(b"")),
        (
            "RS256 with our kid",
            forge.with_header(&json!({ "alg": "RS256" })),
        ),
        (
            "ES256 with our kid",
            forge.with_header(&json!({ "alg": "ES256" })),
        ),
        ("no kid", forge.with_header(&json!({ "kid": null }))),
        ("unknown kid", forge.with_header(&json!({ "kid": "other" }))),
        (
            "kid of a path",
            forge.with_header(&json!({ "kid": "../../../../dev/null" })),
        ),
        (
            "kid of SQL",
            forge.with_header(&json!({ "kid": "x' UNION SELECT 'key" })),
        ),
        (
            "kid of a URL",
            forge.with_header(&json!({ "kid": "http://127.0.0.1/jwks.json" })),
        ),
        (
            "kid of another type",
            forge.with_header(&json!({ "kid": [forge.kid] })),
        ),
        (
            "kid in other case",
            forge.with_header(&json!({ "kid": forge.kid.to_lowercase() })),
        ),
        ("another key under our kid", by_attacker(&header)),
        (
            "a key of its own",
            by_attacker(&changed(header.clone(), &json!({ "jwk": attackers_key }))),
        ),
        (
            "a key set of its own",
            by_attacker(&changed(
                header.clone(),
                &json!({ "jku": "http://127.0.0.1/", "x5u": "http://127.0.0.1/" }),
            )),
        ),
        (
            "a critical header",
            forge.with_header(&json!({ "crit": ["b64"], "b64": false })),
        ),
        (
            "other claims under a genuine signature",
            format!("{genuine_header}.{swapped_claims}.{genuine_signature}"),
        ),
        ("expired", forge.with_claims(&json!({ "exp": now - 30 }))),
        ("expired long ago", forge.with_claims(&json!({ "exp": 0 }))),
        ("no exp", forge.with_claims(&json!({ "exp": null }))),
        (
            "exp as text",
            forge.with_claims(&json!({ "exp": "2999999999" })),
        ),
        (
            "exp a fraction too old",
            forge.with_claims(&json!({ "exp": now as f64 - 30.5 })),
        ),
        (
            "exp far below zero",
            forge.with_claims(&json!({ "exp": -1e300 })),
        ),
        ("nbf far ahead", forge.with_claims(&json!({ "nbf": 1e300 }))),
        ("exp below zero", forge.with_claims(&json!({ "exp": -1 }))),
        ("not yet", forge.with_claims(&json!({ "nbf": now + 31 }))),
        ("nbf as text", forge.with_claims(&json!({ "nbf": "0" }))),
        ("wrong aud", forge.with_claims(&json!({ "aud": "other" }))),
        (
            "aud of others",
            forge.with_claims(&json!({ "aud": ["other", "another"] })),
        ),
        ("no aud", forge.with_claims(&json!({ "aud": null }))),
        (
            "aud of another type",
            forge.with_claims(&json!({ "aud": 1 })),
        ),
        (
            "wrong iss",
            forge.with_claims(&json!({ "iss": "https://other.example" })),
        ),
        (
            "iss with a slash more",
            forge.with_claims(&json!({ "iss": "https://pipeline.example/" })),
        ),
        (
            "several iss",
            forge.with_claims(&json!({ "iss": ["https://pipeline.example", "x"] })),
        ),
        ("no iss", forge.with_claims(&json!({ "iss": null }))),
        ("no sub", forge.with_claims(&json!({ "sub": null }))),
        (
            "roles of another type",
            forge.with_claims(&json!({ "roles": "platform_admin" })),
        ),
        (
            "too long",
            forge.with_claims(&json!({ "padding": "x".repeat(9_000) })),
        ),
        ("no token at all", "not-a-token".to_owned()),
    ];
    for (name, token) in &cases {
        let header = format!("Bearer {token}");
        let answer = world.send("GET", PATH, Some(&header)).await;
        let shown = problem(&answer, 401).to_string();
        assert_eq!(
            answer.header("www-authenticate"),
            Some(r#"Bearer error="invalid_token""#),
            "{name}"
        );
        assert!(
            !shown.contains(token.as_str()),
            "{name}: the token is repeated"
        );
        assert!(
            !logs.text().contains(token.as_str()),
            "{name}: the token is logged"
        );
    }
    assert!(logs.text().contains("it has expired"), "why is logged");
    let signature = |token: &str| token.rsplit('.').next().unwrap_or_default().to_owned();
    for (name, token) in &cases {
        let signature = signature(token);
        assert!(
            signature.len() < 20 || !logs.text().contains(&signature),
            "{name}: its signature is logged"
        );
    }
}

#[tokio::test]
async fn a_refusal_says_what_is_wrong_with_the_token() {
    let world = World::start().await;
    let forge = Forge::of(&world);
    let genuine = forge.sign(&forge.header(), &forge.claims());
    let unsigned = seal(&forge.header(), &forge.claims(), |_| vec![0; 64]);
    for (token, why) in [
        ("not-a-token".to_owned(), "not a token of a supported kind"),
        (format!("{genuine}.x"), "not a token of a supported kind"),
        (forge.with_header(&json!({ "kid": "other" })), "unknown key"),
        (
            forge.with_header(&json!({ "alg": "ES256" })),
            "not its key's",
        ),
        (unsigned, "signature is invalid"),
        (
            forge.with_claims(&json!({ "iss": "https://other.example" })),
            "another issuer",
        ),
        (
            forge.with_claims(&json!({ "aud": "other" })),
            "another audience",
        ),
        (
            forge.with_claims(&json!({ "exp": null })),
            "It needs `iss`, `aud`, `sub` and `exp`",
        ),
        (
            forge.with_claims(&json!({ "sub": 1 })),
            "It needs `iss`, `aud`, `sub` and `exp`",
        ),
        (forge.with_claims(&json!({ "exp": 0 })), "has expired"),
        (
            forge.with_claims(&json!({ "nbf": forge.now + 60 })),
            "not valid yet",
        ),
    ] {
        let header = format!("Bearer {token}");
        let shown = problem(&world.send("GET", PATH, Some(&header)).await, 401);
        let detail = shown["detail"].as_str().unwrap();
        assert!(detail.contains(why), "{detail}, not: {why}");
    }
}

#[tokio::test]
async fn a_token_of_eight_kibibytes_is_read_and_a_longer_one_is_not() {
    let world = World::start().await;
    let forge = Forge::of(&world);
    // Not every length can be had of one header: base64 skips some.
    let of_length = |bytes: usize| {
        let sizes = (0..4).flat_map(|header| (5_000..6_100).map(move |claims| (header, claims)));
        let mut tokens = sizes.map(|(header, claims)| {
            let header = changed(forge.header(), &json!({ "x": "x".repeat(header) }));
            let claims = changed(forge.claims(), &json!({ "x": "x".repeat(claims) }));
            (header, claims)
        });
        let length = |(header, claims): &(Value, Value)| {
            seal(header, claims, |_| vec![0; 64]).len() // a signature has this length
        };
        let (header, claims) = tokens.find(|token| length(token) == bytes).unwrap();
        forge.sign(&header, &claims)
    };
    for (bytes, status) in [(8 * 1024, 200), (8 * 1024 + 1, 401)] {
        let header = format!("Bearer {}", of_length(bytes));
        let answer = world.send("GET", PATH, Some(&header)).await;
        assert_eq!(answer.status, status, "{bytes}: {}", answer.text_lossy(300));
    }
}

#[tokio::test]
async fn a_genuine_token_is_taken_within_the_leeway_of_clocks() {
    let world = World::start().await;
    let forge = Forge::of(&world);
    let cases = [
        ("as it is", json!({})),
        ("expired 29 s ago", json!({ "exp": forge.now - 29 })),
        ("valid in 30 s", json!({ "nbf": forge.now + 30 })),
        ("a fraction of a second", json!({ "exp": 1_600_000_000.5 })),
        (
            "fractions in every time",
            json!({ "iat": forge.now as f64 + 0.125, "nbf": forge.now as f64 - 0.5, "exp": 1_600_000_000.999 }),
        ),
        (
            "a time without digits behind the point",
            json!({ "nbf": 1.0e9 }),
        ),
        (
            "several audiences",
            json!({ "aud": ["other", "management-api"] }),
        ),
        (
            "roles of others beside",
            json!({ "roles": ["poet", "viewer"] }),
        ),
        (
            "tenants of others beside",
            json!({ "tenants": ["Not a slug!", "a"] }),
        ),
    ];
    for (name, changes) in cases {
        let header = format!("bearer {}", forge.with_claims(&changes));
        let answer = world.send("GET", PATH, Some(&header)).await;
        assert_eq!(answer.status, 200, "{name}: {}", answer.text_lossy(300));
    }
}

#[tokio::test]
async fn a_minted_token_ends_by_our_clock() {
    let world = World::start().await;
    let token = world.token(&[Role::Viewer], &["a"]);
    body(&world.get_with(PATH, &token).await);
    world.clock.advance(std::time::Duration::from_secs(3629));
    body(&world.get_with(PATH, &token).await);
    world.clock.advance(std::time::Duration::from_secs(1));
    problem(&world.get_with(PATH, &token).await, 401);
}

#[tokio::test]
async fn without_a_bearer_token_nothing_is_answered_but_a_challenge() {
    let world = World::start().await;
    let genuine = world.token(&[Role::PlatformAdmin], &[]);
    let genuine = genuine.expose_secret();
    let other_scheme = format!("Token {genuine}");
    let no_scheme = genuine.to_owned();
    for header in [
        None,
        Some(""),
        Some("Bearer"),
        Some("Basic YTpi"),
        Some(other_scheme.as_str()),
        Some(no_scheme.as_str()),
    ] {
        for path in [
            PATH,
            "/v1/tenants/unknown/requests",
            "/v1/tenants/a/requests/req_0",
            "/v1/tenants/a/requests?limit=0",
        ] {
            let answer = world.send("GET", path, header).await;
            problem(&answer, 401);
            assert_eq!(answer.header("www-authenticate"), Some("Bearer"));
        }
    }
}

#[tokio::test]
async fn a_tenant_that_the_token_is_not_for_does_not_exist() {
    let world = World::start().await;
    let of_b = world.call_of("b", 1).await;
    world.call_of("a", 2).await;
    let token = world.token(&[Role::TenantAdmin, Role::Operator], &["a", "gone"]);
    let mut answers = Vec::new();
    for tenant in ["b", "unknown", "gone", "UPPER", "a%2F", "%FF"] {
        let list = format!("/v1/tenants/{tenant}/requests");
        for path in [format!("{list}/{of_b}"), list] {
            let mut answer = problem(&world.get_with(&path, &token).await, 404);
            answer.as_object_mut().unwrap().remove("request_id");
            answers.push(answer);
        }
    }
    answers.dedup();
    assert_eq!(answers.len(), 1, "all are answered alike: {answers:?}");

    // Through a tenant of one's own, another's request is as unknown as any.
    let through_a = format!("/v1/tenants/a/requests/{of_b}");
    problem(&world.get_with(&through_a, &token).await, 404);
    let list = body(&world.get_with(PATH, &token).await);
    assert_eq!(list["items"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn every_role_reads_and_none_is_forbidden() {
    let world = World::start().await;
    for role in Role::ALL {
        body(&world.get_with(PATH, &world.token(&[role], &["a"])).await);
    }
    let nobody = world.token(&[], &["a"]);
    let shown = problem(&world.get_with(PATH, &nobody).await, 403);
    assert!(
        shown["detail"].as_str().unwrap().contains("viewer"),
        "{shown}"
    );
}

#[tokio::test]
async fn a_platform_administrator_sees_every_tenant_there_is() {
    let world = World::start().await;
    let token = world.token(&[Role::PlatformAdmin], &[]);
    body(&world.get_with(PATH, &token).await);
    body(&world.get_with("/v1/tenants/b/requests", &token).await);
    problem(&world.get_with("/v1/tenants/c/requests", &token).await, 404);
}

#[tokio::test]
async fn the_public_key_is_published_and_nothing_private_with_it() {
    let world = World::start().await;
    let answer = world.get_openly("/.well-known/jwks.json").await;
    let jwks = body(&answer);
    let key = jwks["keys"][0].as_object().unwrap();
    let names: Vec<_> = key.keys().map(String::as_str).collect();
    assert_eq!(names, ["alg", "crv", "kid", "kty", "use", "x"]);
    assert_eq!(key["kid"], Forge::of(&world).kid);
    assert_eq!(answer.header("cache-control"), Some("public, max-age=300"));
}

#[tokio::test]
async fn the_signing_key_is_made_once_and_is_its_owners_alone() {
    let world = World::start().await;
    let (file, token) = (world.key_file(), world.token(&[Role::Viewer], &["a"]));
    let mode = |path: &std::path::Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&file), 0o600);
    assert_eq!(mode(file.parent().unwrap()), 0o700);

    let again = SigningKey::open(world.folder()).unwrap();
    assert_eq!(again.key_set().jwks(), world.key.key_set().jwks());
    assert!(!format!("{again:?}").contains(token.expose_secret()));

    fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).unwrap();
    let refused = SigningKey::open(world.folder());
    assert!(
        matches!(
            refused,
            Err(KeyError::File(KeyFileError::Exposed { mode: 0o640, .. }))
        ),
        "{refused:?}"
    );

    fs::write(&file, b"no key").unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
    let refused = SigningKey::open(world.folder());
    assert!(
        matches!(refused, Err(KeyError::Malformed { .. })),
        "{refused:?}"
    );
    assert_eq!(fs::read(&file).unwrap(), b"no key", "it is left as it was");
}

#[test]
fn a_key_that_cannot_be_looked_at_is_no_missing_key() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("keys/jwt.pk8");
    fs::create_dir(folder.path().join("keys")).unwrap();
    std::os::unix::fs::symlink(&file, &file).unwrap();
    let refused = SigningKey::open(folder.path());
    assert!(
        matches!(&refused, Err(KeyError::File(KeyFileError::Io { path, .. })) if *path == file),
        "{refused:?}"
    );
    assert!(file.is_symlink(), "it is left as it was");
}
