//! The door of website forms: where a post may be from, when its page was loaded, whether a person sent it.

use async_trait::async_trait;
use aws_lc_rs::hmac;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use http::{HeaderMap, HeaderName, header};
use jiff::Timestamp;
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use url::Url;

use super::{
    settings::{BotCheck, Service, Settings},
    snippet,
};
use crate::{
    Door, Turned, Verification, Verified, Visit,
    body::{Body, Unacceptable},
};

/// What the door notes among a delivery's headers.
pub(super) const RECEIVED: &str = "received-at";
pub(super) const PAGE: &str = "page-loaded";
pub(super) const BOT_CHECK: &str = "bot-check";

/// The field in which a page says when it was loaded.
pub(super) const PAGE_TOKEN_FIELD: &str = "page_token";

/// Fields that differ each time a form is sent, also where a person sends the same again.
pub(super) const ONCE_FIELDS: [&str; 5] = [
    "cf-turnstile-response",
    "g-recaptcha-response",
    "h-captcha-response",
    "elapsed_ms",
    PAGE_TOKEN_FIELD,
];

/// The largest body without files.
const LIMIT: usize = 256 * 1024;
/// The largest body with files. It is stored whole, and a column of Spanner's holds 10 MiB.
pub(super) const LIMIT_WITH_FILES: usize = 8 * 1024 * 1024;
/// The longest token of a bot check.
const MAX_TOKEN: usize = 2_048;
/// Whoever sends a form sooner is quick for a person, and later, old.
const SOONEST_SECONDS: i64 = 3;
const LATEST_SECONDS: i64 = 24 * 60 * 60;
/// What is below is no person, where a tenant says nothing else.
const MIN_SCORE: f64 = 0.5;

/// The door.
pub(super) struct FormDoor;

const TYPE: Turned = Turned {
    status: 415,
    reason: "wrong_content_type",
    detail: "application/json, application/x-www-form-urlencoded or multipart/form-data",
};

const ELSEWHERE: Turned = Turned {
    status: 403,
    reason: "wrong_origin",
    detail: "This form is not posted from one of its website's domains. Add the domain to the source's settings.",
};

const NOWHERE: Turned = Turned {
    status: 403,
    reason: "no_origin",
    detail: "The post does not say which page it is from. A server that posts signs with the source's key.",
};

#[async_trait]
impl Door for FormDoor {
    fn body_limit(&self, content_type: Option<&str>) -> Result<usize, Turned> {
        match Named::of(content_type) {
            Named::Parts => Ok(LIMIT_WITH_FILES),
            Named::Form | Named::Unsaid => Ok(LIMIT),
            Named::Other => Err(TYPE),
        }
    }

    fn is_welcome(&self, settings: &Value, origin: &str) -> bool {
        host_of(origin).is_some_and(|host| Settings::of(settings).is_own_host(&host))
    }

    fn page_token(&self, keys: &[SecretString], now: Timestamp) -> Option<String> {
        let time = URL_SAFE_NO_PAD.encode(now.as_millisecond().to_string());
        let signature = signed(keys.first()?, &time);
        Some(format!("{time}.{}", URL_SAFE_NO_PAD.encode(signature)))
    }

    fn needs_secret(&self, settings: &Value) -> bool {
        Settings::of(settings).bot_check.is_some()
    }

    async fn screen(&self, visit: &Visit<'_>, delivery: Verified) -> Result<Verified, Turned> {
        let settings = Settings::of(visit.settings);
        let content_type = delivery.content_type().map(str::to_owned);
        let content_type = content_type.as_deref();
        if Named::of(content_type) == Named::Unsaid
            && !Body::is_a_form(content_type, delivery.body())
        {
            return Err(TYPE);
        }
        Body::check(content_type, delivery.body()).map_err(|fault| match fault {
            Unacceptable::TooMuch(detail) => Turned {
                status: 413,
                reason: "too_much",
                detail,
            },
            Unacceptable::Broken(detail) => Turned {
                status: 400,
                reason: "broken_body",
                detail,
            },
        })?;
        let is_signed = delivery.scheme() != Verification::PUBLIC_FORM_KEY;
        if !is_signed && !settings.domains.is_empty() {
            let from = from(visit.headers).ok_or(NOWHERE)?;
            if !settings.is_own_host(&from) {
                return Err(ELSEWHERE);
            }
        }
        // What cannot be read is parked, and says nothing of tokens.
        let body = Body::of(content_type, delivery.body()).unwrap_or_default();
        let loaded = body
            .value(PAGE_TOKEN_FIELD)
            .map(|token| loaded(visit.keys, token, visit.now));
        let mut delivery = delivery
            .noted(RECEIVED, &visit.now.to_string())
            .noted(PAGE, loaded.unwrap_or("unsaid"));
        if let Some(check) = settings.bot_check.as_ref().filter(|_| !is_signed) {
            let word = asked(visit, &settings, check, &body).await;
            delivery = delivery.noted(BOT_CHECK, word);
        }
        Ok(delivery)
    }

    fn thank_you_url(&self, settings: &Value) -> Option<String> {
        Settings::of(settings).thank_you_url
    }

    fn snippet(&self, settings: &Value, url: &str) -> String {
        snippet::of(&Settings::of(settings), url)
    }
}

/// What a type says of a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Named {
    /// A form with parts, which may be files.
    Parts,
    /// JSON, or names and values.
    Form,
    /// Nothing: its sender left it out, or does not know. The body tells.
    Unsaid,
    /// Something that is no form.
    Other,
}

impl Named {
    fn of(content_type: Option<&str>) -> Self {
        let whole = content_type.unwrap_or_default().to_ascii_lowercase();
        let (kind, parameters) = whole.split_once(';').unwrap_or((&whole, ""));
        match kind.trim() {
            "multipart/form-data" => Self::Parts,
            "application/json"
            | "application/x-www-form-urlencoded"
            | "text/json"
            | "application/x-json" => Self::Form,
            kind if kind.starts_with("application/") && kind.ends_with("+json") => Self::Form,
            ""
            | "*/*"
            | "application/octet-stream"
            | "binary/octet-stream"
            | "application/form-data"
            | "application/www-form-urlencoded"
            | "application/form-urlencoded"
            | "application/x-form-urlencoded"
            | "application/javascript"
            | "text/javascript"
            | "json"
            | "application" => Self::Unsaid,
            // So a browser names what a script of a page sends to elsewhere, whatever the script says. A form of a page
            // that says it itself has no charset, and cannot be taken apart.
            "text/plain" if parameters.contains("charset") => Self::Unsaid,
            _ => Self::Other,
        }
    }
}

/// The host of the page that a post is from: `Origin`, else `Referer`. A hidden origin is none.
fn from(headers: &HeaderMap) -> Option<String> {
    let text = |name: HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    let origin = text(header::ORIGIN).filter(|origin| *origin != "null");
    host_of(origin.or_else(|| text(header::REFERER))?)
}

fn host_of(url: &str) -> Option<String> {
    let url = Url::parse(url).ok()?;
    let is_page = matches!(url.scheme(), "http" | "https");
    url.host_str().filter(|_| is_page).map(str::to_owned)
}

/// The page's time is signed for this purpose alone, so that no other signature by the same key can stand in.
fn signed(key: &SecretString, time: &str) -> hmac::Tag {
    let key = hmac::Key::new(hmac::HMAC_SHA256, key.expose_secret().as_bytes());
    hmac::sign(&key, format!("page-loaded:{time}").as_bytes())
}

/// What a page's token says: `ok`, `quick`, `old`, or `forged`.
fn loaded(keys: &[SecretString], token: &str, now: Timestamp) -> &'static str {
    let read = || {
        let (time, signature) = token.split_once('.')?;
        let signature = URL_SAFE_NO_PAD.decode(signature).ok()?;
        let is_ours = keys.iter().fold(false, |found, key| {
            let key = hmac::Key::new(hmac::HMAC_SHA256, key.expose_secret().as_bytes());
            let text = format!("page-loaded:{time}");
            hmac::verify(&key, text.as_bytes(), &signature).is_ok() | found
        });
        let millis = String::from_utf8(URL_SAFE_NO_PAD.decode(time).ok()?).ok()?;
        let at = Timestamp::from_millisecond(millis.parse().ok()?).ok()?;
        is_ours.then_some(at)
    };
    let Some(at) = read() else {
        return "forged";
    };
    let seconds = now.duration_since(at).as_secs();
    if seconds < SOONEST_SECONDS {
        "quick"
    } else if seconds > LATEST_SECONDS {
        "old"
    } else {
        "ok"
    }
}

/// What the check says: `passed`, `failed`, `missing`, or `unknown` where it could not be asked.
async fn asked(
    visit: &Visit<'_>,
    settings: &Settings,
    check: &BotCheck,
    body: &Body,
) -> &'static str {
    let Some(token) = body.value(check.service.field()) else {
        return "missing";
    };
    let Some(secret) = visit.secret else {
        return "unknown";
    };
    if token.len() > MAX_TOKEN {
        return "failed";
    }
    let (service, of) = (check.service.asked(), click(token, body));
    let Some(answer) = visit.checks.ask(service, secret, token, &of).await else {
        return "unknown";
    };
    // The service's complaint about our own key says nothing of the person.
    let is_ours = |code: &String| code.ends_with("-input-secret") || code == "internal-error";
    if answer.error_codes.iter().any(is_ours) {
        return "unknown";
    }
    let is_here = answer
        .hostname
        .as_deref()
        .is_some_and(|host| settings.is_own_host(host));
    let is_action = check
        .action
        .as_ref()
        .is_none_or(|action| answer.action.as_ref() == Some(action));
    let is_score = match (check.service, answer.score) {
        (Service::Recaptcha, Some(score)) => score >= check.min_score.unwrap_or(MIN_SCORE),
        (Service::Recaptcha | Service::Turnstile, _) => true,
    };
    if answer.success && is_here && is_action && is_score {
        "passed"
    } else {
        "failed"
    }
}

/// Names a click on the page's button, as a UUID (RFC 9562, version 8): people click twice, and the same words with the
/// same token are the same click.
fn click(token: &str, body: &Body) -> String {
    let hash = Sha256::digest(format!("{token}\n{}", body.hash(&ONCE_FIELDS)));
    let hex = hex::encode(hash);
    let part = |from: usize, to: usize| hex.get(from..to).unwrap_or_default();
    format!(
        "{}-{}-8{}-8{}-{}",
        part(0, 8),
        part(8, 12),
        part(13, 16),
        part(17, 20),
        part(20, 32)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_says_when_it_was_loaded_and_nobody_else_can() {
        let key = |text: &str| SecretString::from(text);
        let at: Timestamp = "2026-11-28T12:00:00Z".parse().unwrap();
        let later = |seconds| Timestamp::from_second(at.as_second() + seconds).unwrap();
        let (ours, other) = ([key("form-hmac-key-0001")], [key("another-key-0002")]);
        let token = FormDoor.page_token(&ours, at).unwrap();
        for (seconds, word) in [
            (-60, "quick"),
            (2, "quick"),
            (3, "ok"),
            (86_400, "ok"),
            (86_401, "old"),
        ] {
            assert_eq!(loaded(&ours, &token, later(seconds)), word, "{seconds}");
        }
        let both = [key("another-key-0002"), key("form-hmac-key-0001")];
        assert_eq!(
            loaded(&both, &token, later(60)),
            "ok",
            "a key that is replaced"
        );
        for forged in [
            (&other[..], token.as_str()),
            (&[], token.as_str()),
            (&ours, ""),
            (&ours, "MTc5.AAAA"),
            (&ours, "."),
        ] {
            assert_eq!(loaded(forged.0, forged.1, later(60)), "forged");
        }
        assert_eq!(FormDoor.page_token(&[], at), None);
    }

    #[test]
    fn a_body_of_another_type_is_turned_away() {
        let limit = |kind: Option<&str>| FormDoor.body_limit(kind);
        assert_eq!(limit(Some("application/json; charset=utf-8")), Ok(LIMIT));
        assert_eq!(limit(Some("application/vnd.api+json")), Ok(LIMIT));
        assert_eq!(limit(Some("Application/X-WWW-Form-Urlencoded")), Ok(LIMIT));
        assert_eq!(
            limit(Some("multipart/form-data; boundary=x")),
            Ok(LIMIT_WITH_FILES)
        );
        for unsaid in [
            None,
            Some(""),
            Some("application/octet-stream"),
            Some("text/plain;charset=UTF-8"),
        ] {
            assert_eq!(limit(unsaid), Ok(LIMIT), "{unsaid:?}: its body tells");
        }
        for other in [
            "text/plain",
            "application/xml",
            "image/png",
            "text/html; charset=utf-8",
        ] {
            assert_eq!(limit(Some(other)), Err(TYPE), "{other:?}");
        }
    }

    #[test]
    fn a_post_is_from_the_page_that_its_headers_name() {
        let from = |pairs: &[(HeaderName, &str)]| {
            let pairs = pairs.iter().cloned();
            from(
                &pairs
                    .map(|(name, value)| (name, value.parse().unwrap()))
                    .collect(),
            )
        };
        let host = Some("www.example.com".to_owned());
        let (origin, referer) = (header::ORIGIN, header::REFERER);
        assert_eq!(from(&[(origin.clone(), "https://www.example.com")]), host);
        assert_eq!(
            from(&[(referer.clone(), "https://www.example.com/a?b")]),
            host
        );
        let hidden = [
            (origin.clone(), "null"),
            (referer, "https://www.example.com/"),
        ];
        assert_eq!(from(&hidden), host);
        assert_eq!(from(&[(origin, "file:///etc")]), None);
        assert_eq!(from(&[]), None);
    }

    #[test]
    fn a_domain_stands_for_its_subdomains_alone() {
        let settings = serde_json::json!({ "domains": ["Example.com"] });
        for (origin, is_welcome) in [
            ("https://example.com", true),
            ("https://www.example.com:8443", true),
            ("http://EXAMPLE.com", true),
            ("https://badexample.com", false),
            ("https://example.com.evil.net", false),
            ("null", false),
            ("", false),
        ] {
            assert_eq!(
                FormDoor.is_welcome(&settings, origin),
                is_welcome,
                "{origin}"
            );
        }
    }
}
