//! Website forms: what people enter on a company's own pages, posted by the browser, by a script, or by the tool that
//! made the form.
//!
//! - Delivery: `POST` to `/v1/forms/{key}`: JSON, urlencoded, or multipart with files. Browsers do not repeat; people
//!   click twice.
//! - Identity: the tool's id of the submission with form and person, else the sender's `Idempotency-Key` and what it posts by it, else form,
//!   e-mail address, number and message within ten minutes, unless the names differ. An address or a number that is no one
//!   person's has no part in it: without another only equal words are one. What says all the same is a repeat, what says
//!   more a correction. All of it at one source: two sites are two senders.
//! - Signature: none is needed. The key in the URL stands in the page's source, so it tells whose the form is and proves
//!   nothing. A server that posts may sign, as GitHub, Typeform, Webflow or Standard Webhooks do; then its page's address is not
//!   asked for.
//! - What keeps programs out: `door.rs`; what is made of it: `judgment.rs`.
//!
//! Source: this product's own door. Turnstile and reCAPTCHA: their documents on checking tokens at the server (read
//! 2026-11). UNCONFIRMED: details of what form tools send.

mod door;
mod judgment;
mod samples;
mod settings;
mod snippet;

use std::collections::BTreeMap;

use domain::{
    About, AccountSpec, Apart, Channel, ContactSection, DocumentFacts, E164, EmailAddress, Facts,
    PersonFacts, Reading, name,
};
use http::Method;
use jiff::Timestamp;
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use self::{judgment::Judgment, settings::Settings};
use crate::{
    Door, EndpointSpec, Purpose, ReadError, Scheme, Source, SourceSpec, Thing, Verification,
    Verified, body::Body, ignored, mapping::Mapped,
};

/// The source.
pub struct WebForms;

const PATH: &str = "/v1/forms/{token}";
/// Where a page asks for the token by which it says later when it was loaded.
const PAGE_TOKEN_PATH: &str = "/v1/forms/{token}/page-token";

static SPEC: SourceSpec = SourceSpec {
    slug: "webforms",
    name: "Website forms",
    channels: &[Channel::Form],
    verification: Verification::PublicOrSigned(&[
        Scheme::GITHUB,
        Scheme::TYPEFORM,
        Scheme::WEBFLOW,
        Scheme::STANDARD_WEBHOOKS,
    ]),
    endpoints: &[
        EndpointSpec {
            method: Method::POST,
            path: PATH,
            purpose: Purpose::Delivery,
        },
        EndpointSpec {
            method: Method::OPTIONS,
            path: PATH,
            purpose: Purpose::Preflight,
        },
        EndpointSpec {
            method: Method::GET,
            path: PAGE_TOKEN_PATH,
            purpose: Purpose::PageToken,
        },
    ],
    kept_headers: &["origin", "idempotency-key"],
    account: Some(AccountSpec {
        secret: "the secret key of Turnstile or reCAPTCHA, if the forms have such a check",
        settings: &[],
        refresh: None,
        check: None,
    }),
    body_limit_bytes: door::LIMIT_WITH_FILES,
    is_resent: false,
    settings: Some(settings::SPEC),
    set_up: "Enter the URL as the form's action, or as the webhook of the tool that makes the form; `pipeline source \
             snippet` prints a form to paste. List the domains of the website in the source's settings.",
    samples: samples::SAMPLES,
    ..SourceSpec::DEFAULT
};

/// The field of a test of ours.
const TEST: &str = "lead_intake_test";

impl Source for WebForms {
    fn spec(&self) -> &'static SourceSpec {
        &SPEC
    }

    fn door(&self) -> Option<&'static dyn Door> {
        Some(&door::FormDoor)
    }

    fn test(&self, mark: &str) -> Option<Thing> {
        Some(Thing::test(TEST, mark))
    }

    fn read(&self, delivery: &Verified, event: Option<&str>) -> Result<Reading, ReadError> {
        self.read_by(&Value::Null, delivery, event)
    }

    fn read_by(
        &self,
        settings: &Value,
        delivery: &Verified,
        _: Option<&str>,
    ) -> Result<Reading, ReadError> {
        let settings = Settings::of(settings);
        let body = Body::read(delivery)?;
        // Only who has the key makes a test: nobody hides a lead so.
        if delivery.scheme() != Verification::PUBLIC_FORM_KEY && body.value(TEST).is_some() {
            return Ok(ignored(crate::TEST_REMARK));
        }
        let judgment = Judgment::of(&settings, delivery, &body);
        let mapped = settings
            .mapping
            .map(&body, |name| settings.is_internal(name));
        if !mapped.is_lead() && !judgment.is_spam {
            return Err(ReadError::Unmapped {
                looked_for: settings.mapping.looked_for(),
            });
        }
        let mut names = Names::of(delivery, &body, &mapped);
        if judgment.is_spam {
            names.set_apart();
        }
        if body.is_cut && names.is_told_by_words {
            // What is missing may be what tells it from others.
            return Err(ReadError::Cut);
        }
        let received_at = received_at(delivery);
        let mut facts = mapped.into_facts(received_at, settings.consent_text.as_deref());
        facts.required_fields = settings.required_fields.iter().cloned().collect();
        facts.marked_spam = judgment.is_spam.then_some(true);
        facts.suspicions = (!judgment.suspicions.is_empty()).then_some(judgment.suspicions);
        if let Some(word) = judgment.bot_check {
            facts.extra.insert("bot_check".to_owned(), word);
        }
        facts
            .unread_fields
            .extend(crate::mapping::named(&body.unread));
        if let About::Form(form) = &mut facts.about {
            form.documents = documents(&body);
        }
        let mut news = delivery.news("submission", &names.aliases, facts);
        if names.own_id.is_some() {
            news.facts.external_id = names.own_id;
        }
        news.delivery_id = Some(names.delivery);
        news.apart = names.apart;
        Ok(Reading::News(news))
    }
}

/// When it came, as the door noted it.
fn received_at(delivery: &Verified) -> Option<Timestamp> {
    delivery.headers().get(door::RECEIVED)?.parse().ok()
}

/// The files, each by its content: another delivery of the submission may bring another file in the same place.
fn documents(body: &Body) -> BTreeMap<String, DocumentFacts> {
    let files = body.files.iter();
    files
        .map(|file| {
            let facts = DocumentFacts {
                field: domain::text::line(&file.field, 100).unwrap_or_default(),
                name: file.name.clone(),
                kind: file.kind.to_owned(),
                bytes: u64::try_from(file.content.len()).unwrap_or(u64::MAX),
                sha256: file.sha256.clone(),
            };
            let hash: String = facts.sha256.chars().take(16).collect();
            (format!("file-{hash}"), facts)
        })
        .collect()
}

/// What tells a submission from others, and repeats from new ones. A repeat says all the same; whoever sends other words about
/// the same submission corrects it.
struct Names {
    delivery: String,
    aliases: Vec<String>,
    /// The sender's own id of it. Without one, its words tell which it is.
    own_id: Option<String>,
    /// Whether what the form says has a part in its names.
    is_told_by_words: bool,
    /// When it is another person's than what its names lead to.
    apart: Apart,
}

/// How long the same words of the same person are one submission.
const WINDOW_SECONDS: i64 = 10 * 60;

impl Names {
    fn of(delivery: &Verified, body: &Body, mapped: &Mapped) -> Self {
        let words = body.hash(&door::ONCE_FIELDS);
        let form = mapped.get("form").unwrap_or_default();
        let phone: String = mapped
            .get("phone")
            .unwrap_or_default()
            .chars()
            .filter(char::is_ascii_digit)
            .collect();
        let digits = phone.len();
        let phone = phone.get(digits.saturating_sub(10)..).unwrap_or_default();
        let email = mapped.get("email").unwrap_or_default().to_lowercase();
        if let Some(id) = mapped.submission_id() {
            return Self {
                delivery: format!("submission-{}", hashed(&[id, form, &email, phone, &words])),
                aliases: submission_names(id, form, &email, phone),
                own_id: Some(id.to_owned()),
                is_told_by_words: true,
                apart: Apart::OfOtherPerson,
            };
        }
        // Whose key it is does not matter, so that it must not be shown. A key that a script makes once for all its
        // posts must hide nobody: another body by the same key is another lead. A refusal would be lost, since a page
        // shows nobody what it is answered.
        if let Some(key) = delivery.headers().get("idempotency-key") {
            let id = format!("key-{}", hashed(&[key, &words]));
            return Self {
                delivery: id.clone(),
                aliases: vec![id],
                own_id: None,
                is_told_by_words: false,
                apart: Apart::Never,
            };
        }
        let message = mapped.get("message").unwrap_or_default();
        let contact = contact(mapped);
        let who = who(&contact);
        let same = match &who {
            Some(who) => hashed(&[form, who, message]),
            None => words.clone(),
        };
        // Of several who share a number each has names of their own, too, so that their corrections find them.
        let named = contact.name.as_deref().filter(|_| who.is_some());
        let named = named.map(|name| hashed(&[&same, &name::distinguishing(name).join(" ")]));
        // Of two windows that follow each other each submission has both names, so that the second click finds the
        // first also across their border.
        let window = received_at(delivery).map_or(0, |at| at.as_second() / WINDOW_SECONDS);
        let within = |what: &String, window: i64| format!("{what}-{window}");
        let all = named.iter().chain([&same]);
        Self {
            delivery: format!("{}-{words}", within(&same, window)),
            aliases: all
                .flat_map(|what| [within(what, window), within(what, window + 1)])
                .collect(),
            own_id: None,
            is_told_by_words: true,
            apart: Apart::OfOtherName,
        }
    }
}

impl Names {
    /// What is taken for spam joins nothing that is not: else a program that posts a person's words first would hide the person,
    /// and one that posts them later would take the lead away.
    fn set_apart(&mut self) {
        self.delivery = format!("apart-{}", self.delivery);
        for alias in &mut self.aliases {
            *alias = format!("apart-{alias}");
        }
    }
}

/// How the person can be reached, as far as the form's fields say it.
fn contact(mapped: &Mapped) -> ContactSection {
    let text = |field: &str| mapped.get(field).map(str::to_owned);
    let person = PersonFacts {
        name: text("name"),
        phone: text("phone"),
        email: text("email"),
        ..PersonFacts::default()
    };
    let facts = Facts {
        person,
        ..Facts::default()
    };
    facts.contact()
}

/// What tells the person: number, what is dialed behind it, and address, each if it is one person's. None where neither is,
/// such as `0000000000` and `info@`.
fn who(contact: &ContactSection) -> Option<String> {
    let phone = contact.phone.as_ref().filter(|phone| phone.is_personal());
    let email = contact.email.as_ref().filter(|email| email.is_personal());
    if phone.is_none() && email.is_none() {
        return None;
    }
    let extension = contact.extension.as_deref().unwrap_or_default();
    Some(hashed(&[
        phone.map_or("", E164::as_str),
        extension,
        &email.map_or("", EmailAddress::as_str).to_lowercase(),
    ]))
}

/// The names of a submission that its sender has an id for. Forms of one website may count each for itself, and a tool that
/// fills nothing in sends one id for everybody: so form and person belong to its name, and whoever shares neither address nor
/// number with another is another lead.
fn submission_names(id: &str, form: &str, email: &str, phone: &str) -> Vec<String> {
    let named = |kind: &str, value: &str| {
        let hash = hashed(&[form, kind, value]);
        format!("{id}-{}", hash.get(..16).unwrap_or(&hash))
    };
    let by_person = [("email", email), ("phone", phone)];
    let by_person = by_person.iter().filter(|(_, value)| !value.is_empty());
    let names: Vec<_> = by_person.map(|(kind, value)| named(kind, value)).collect();
    if names.is_empty() {
        vec![named("", "")]
    } else {
        names
    }
}

/// A short hash of texts that are apart.
fn hashed(texts: &[&str]) -> String {
    let mut hash = Sha256::new();
    for text in texts {
        hash.update(text.len().to_be_bytes());
        hash.update(text);
    }
    let hex = hex::encode(hash.finalize());
    hex.get(..32).unwrap_or(&hex).to_owned()
}

#[cfg(test)]
mod tests;
