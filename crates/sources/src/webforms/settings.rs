//! What a tenant sets for its forms.

use domain::{
    ConfigFault, RequiredField,
    shape::{Bounds, Member, Shape, Text},
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use url::Url;

use super::door;
use crate::{
    SettingsSpec,
    door::BotService,
    mapping::{self, MAPPING, Mapping},
};

/// The settings, read: what cannot be read has its default.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct Settings {
    pub(super) domains: Vec<String>,
    pub(super) thank_you_url: Option<String>,
    pub(super) honeypots: Option<Vec<String>>,
    pub(super) mapping: Mapping,
    pub(super) required_fields: Vec<String>,
    pub(super) consent_text: Option<String>,
    pub(super) bot_check: Option<BotCheck>,
    pub(super) quarantine_from: Option<u32>,
}

/// A check that tells people from programs.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct BotCheck {
    pub(super) service: Service,
    #[serde(default)]
    pub(super) action: Option<String>,
    #[serde(default)]
    pub(super) min_score: Option<f64>,
    #[serde(default)]
    pub(super) on_outage: OnOutage,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Service {
    Turnstile,
    Recaptcha,
}

/// What becomes of a form whose check could not be asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum OnOutage {
    /// It is taken: a lost lead costs more than spam.
    #[default]
    Accept,
    /// It waits for a person.
    Quarantine,
}

impl Service {
    pub(super) const fn asked(self) -> BotService {
        match self {
            Self::Turnstile => BotService::Turnstile,
            Self::Recaptcha => BotService::Recaptcha,
        }
    }

    /// The field in which a page sends the token.
    pub(super) const fn field(self) -> &'static str {
        match self {
            Self::Turnstile => "cf-turnstile-response",
            Self::Recaptcha => "g-recaptcha-response",
        }
    }
}

/// From this score on a form is quarantined.
const QUARANTINE_FROM: u32 = 60;
/// Names that programs like to fill in.
const HONEYPOTS: [&str; 2] = ["website", "company_url"];

impl Settings {
    /// Settings as they are stored. They were checked when they were saved; one of another build that cannot be read
    /// must not cost a lead.
    pub(super) fn of(json: &Value) -> Self {
        Self::deserialize(json).unwrap_or_default()
    }

    pub(super) fn quarantine_from(&self) -> u32 {
        self.quarantine_from.unwrap_or(QUARANTINE_FROM)
    }

    pub(super) fn is_honeypot(&self, name: &str) -> bool {
        match &self.honeypots {
            Some(names) => names.iter().any(|known| known == name),
            None => HONEYPOTS.contains(&name),
        }
    }

    pub(super) fn first_honeypot(&self) -> Option<&str> {
        match &self.honeypots {
            Some(names) => names.first().map(String::as_str),
            None => HONEYPOTS.first().copied(),
        }
    }

    /// Whether a page at this host, without a port, is one of the company's: a domain stands for its subdomains too.
    pub(super) fn is_own_host(&self, host: &str) -> bool {
        let host = host.to_ascii_lowercase();
        self.domains.iter().any(|domain| {
            let domain = domain.to_ascii_lowercase();
            host == domain
                || host
                    .strip_suffix(&domain)
                    .is_some_and(|sub| sub.ends_with('.'))
        })
    }

    /// Whether a field means something to a form's tool or to the door alone.
    pub(super) fn is_internal(&self, name: &str) -> bool {
        const NAMES: [&str; 9] = [
            "cf-turnstile-response",
            "g-recaptcha-response",
            "h-captcha-response",
            "elapsed_ms",
            "_wpnonce",
            "_wp_http_referer",
            "rawRequest",
            "pretty",
            door::PAGE_TOKEN_FIELD,
        ];
        const PREFIXES: [&str; 4] = ["_wpcf7", "gform_", "is_submit_", "event_id"];
        NAMES.contains(&name)
            || self.is_honeypot(name)
            || PREFIXES.iter().any(|prefix| name.starts_with(prefix))
    }
}

const DOMAIN: Text = Text {
    about: "a domain such as `example.com`, which stands for its subdomains too, without scheme, port or path",
    pattern: r"^([A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?\.)*[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?$",
    max: 253,
    is_valid: |text| {
        !text.is_empty()
            && text.split('.').all(|label| {
                let is_edge = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_alphanumeric);
                let bytes = label.as_bytes();
                is_edge(bytes.first())
                    && is_edge(bytes.last())
                    && bytes
                        .iter()
                        .all(|byte| byte.is_ascii_alphanumeric() || *byte == b'-')
            })
    },
};

const PAGE: Text = Text {
    about: "an address that begins with `https://`",
    pattern: r"^https://[^\s\u0000-\u001f]+$",
    max: 500,
    is_valid: |text| {
        let is_plain = !text.chars().any(|c| c.is_whitespace() || c.is_control());
        let url = text.starts_with("https://").then(|| Url::parse(text));
        is_plain && url.is_some_and(|url| url.is_ok_and(|url| url.has_host()))
    },
};

const NAME: Text = mapping::name("the name of a field, of 1 to 128 characters");

const WORDS: Text = Text {
    about: "1 to 2000 characters",
    pattern: "^[^\\u0000]+$",
    max: 2_000,
    is_valid: |text| !text.is_empty() && !text.contains('\0'),
};

const BOT_CHECK: Shape = Shape::Object(&[
    Member::required(
        "service",
        Shape::Word(&["turnstile", "recaptcha"]),
        "Whose check the page has. Its secret key is that of the source's connection.",
    ),
    Member::optional(
        "action",
        Shape::OrNull(&Shape::Text(&NAME)),
        "The action that the page names. A token of another one is refused.",
    ),
    Member::optional(
        "min_score",
        Shape::OrNull(&Shape::Number(Bounds::new(0.0, 1.0))),
        "For reCAPTCHA v3: what is below is no person. Null: 0.5.",
    ),
    Member::optional(
        "on_outage",
        Shape::Word(&["accept", "quarantine"]),
        "What becomes of a form while the check cannot be asked.",
    ),
]);

const SETTINGS: Shape = Shape::Object(&[
    Member::optional(
        "domains",
        Shape::List {
            of: &Shape::Text(&DOMAIN),
            min: 0,
            max: 50,
        },
        "Where the forms are: posts from pages elsewhere are refused, and only scripts of these pages read the answer. \
         Empty: pages are not asked for.",
    ),
    Member::optional(
        "thank_you_url",
        Shape::OrNull(&Shape::Text(&PAGE)),
        "Where a browser goes that has posted a plain form. Null: a short page of thanks.",
    ),
    Member::optional(
        "honeypots",
        Shape::List {
            of: &Shape::Text(&NAME),
            min: 0,
            max: 10,
        },
        "Fields that nobody sees. Whoever fills one in is a program.",
    ),
    Member::optional(
        "mapping",
        MAPPING,
        "The names that the forms have for our fields; common ones are known.",
    ),
    Member::optional(
        "required_fields",
        RequiredField::LIST,
        "Fields that a lead of this source should have, beside those of the workflow configuration. What is missing is shown, and \
         the lead is kept.",
    ),
    Member::optional(
        "consent_text",
        Shape::OrNull(&Shape::Text(&WORDS)),
        "The words beside the box by which people agree, kept with each lead whose box is ticked.",
    ),
    Member::optional(
        "bot_check",
        Shape::OrNull(&BOT_CHECK),
        "A check that tells people from programs.",
    ),
    Member::optional(
        "quarantine_from",
        Shape::Whole { max: 1_000 },
        "From this score on a form is quarantined: 100 for a field that nobody sees or a failed check; for a form that was sent \
         within 3 seconds, for links and the like 55 at most, together.",
    ),
]);

fn defaults() -> Value {
    json!({
        "domains": [], "thank_you_url": null, "honeypots": HONEYPOTS, "mapping": {}, "required_fields": [],
        "consent_text": null, "bot_check": null, "quarantine_from": QUARANTINE_FROM,
    })
}

/// Bot checks of pages that may be anywhere cannot tell whose page a token is from.
fn contradictions(settings: &Value) -> Vec<ConfigFault> {
    let settings = Settings::of(settings);
    if settings.bot_check.is_some() && settings.domains.is_empty() {
        return vec![ConfigFault::new(
            "domains",
            "at least one, because `bot_check` is on: a token that was earned on another page must fail",
        )];
    }
    Vec::new()
}

pub(super) const SPEC: SettingsSpec = SettingsSpec {
    shape: &SETTINGS,
    defaults,
    contradictions,
};
