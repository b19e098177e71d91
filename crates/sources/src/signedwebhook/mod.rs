//! Signed webhooks: leads of any system that signs what it posts, read by the tenant's own mapping.
//!
//! - Delivery: `POST`, JSON or a form.
//! - Identity: the id that the signature covers (`webhook-id`), else the field that the mapping names, else the body.
//! - Signature: Standard Webhooks, or `X-Hub-Signature-256` as GitHub signs, or as the tenant's settings say. The second
//!   covers neither time nor id, so a replayed delivery is told by its contents alone.
//!
//! Source: standardwebhooks.com, "Standard Webhooks specification"; docs.github.com, "Validating webhook deliveries"
//! (read 2026-11).

mod samples;

use domain::{
    Channel, ConfigFault, Reading, RequiredField,
    shape::{Member, Shape, Text},
};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{
    OwnScheme, ReadError, Scheme, SettingsSpec, Source, SourceSpec, Thing, Verification, Verified,
    body::Body,
    ignored,
    mapping::{self, MAPPING, Mapping, named},
    verification::SIGNATURE,
};

/// The source.
pub struct SignedWebhook;

static SPEC: SourceSpec = SourceSpec {
    slug: "signedwebhook",
    name: "Signed webhook",
    channels: &[Channel::Form],
    verification: Verification::Signed(&[
        Scheme::STANDARD_WEBHOOKS,
        Scheme::GITHUB,
        Scheme::AS_SET,
    ]),
    settings: Some(SETTINGS_SPEC),
    set_up: "Enter the URL and the signing key at the sender. It signs as Standard Webhooks say, or as GitHub does; for a \
             key of its own, create the source with that scheme alone. One that signs otherwise: create the source with \
             `as-set`, and say how in its settings, `signature`. Say there, too, which field means what.",
    samples: samples::SAMPLES,
    ..SourceSpec::DEFAULT
};

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Settings {
    signature: Option<OwnScheme>,
    mapping: Mapping,
    required_fields: Vec<String>,
    event_path: Option<String>,
    events: Vec<String>,
}

const PATH: Text = mapping::name("a path with dots such as `data.type`, of 1 to 128 characters");

const SHAPE: Shape = Shape::Object(&[
    Member::optional(
        "signature",
        SIGNATURE,
        "How the sender signs, if neither as Standard Webhooks say nor as GitHub does. Then nothing else is accepted.",
    ),
    Member::optional(
        "mapping",
        MAPPING,
        "The paths that the bodies have for our fields, such as `data.contact.email`; common names are known.",
    ),
    Member::optional(
        "required_fields",
        RequiredField::LIST,
        "Fields that a lead of this source should have, beside those of the workflow configuration. What is missing is shown, and \
         the lead is kept.",
    ),
    Member::optional(
        "event_path",
        Shape::OrNull(&Shape::Text(&PATH)),
        "Where a body says what happened. Null: every delivery is a lead.",
    ),
    Member::optional(
        "events",
        Shape::List {
            of: &Shape::Text(&PATH),
            min: 0,
            max: 50,
        },
        "What has to stand at `event_path` for a delivery to be a lead; the others are stored and not used.",
    ),
]);

const SETTINGS_SPEC: SettingsSpec = SettingsSpec {
    shape: &SHAPE,
    defaults: || json!({ "signature": null, "mapping": {}, "required_fields": [], "event_path": null, "events": [] }),
    contradictions,
};

fn contradictions(settings: &Value) -> Vec<ConfigFault> {
    let settings = Settings::deserialize(settings).unwrap_or_default();
    let signature = settings.signature.as_ref();
    let mut faults = signature.map_or_else(Vec::new, |own| own.contradictions("signature"));
    match (&settings.event_path, settings.events.as_slice()) {
        (None, [_, ..]) => faults.push(ConfigFault::new(
            "event_path",
            "a path, because `events` says what has to stand there",
        )),
        (Some(_), []) => faults.push(ConfigFault::new(
            "events",
            "at least one, because `event_path` says where it stands",
        )),
        _ => {}
    }
    faults
}

/// The member of a test of ours.
const TEST: &str = "lead_intake_test";

impl Source for SignedWebhook {
    fn spec(&self) -> &'static SourceSpec {
        &SPEC
    }

    fn signed_as(&self, settings: &Value) -> Option<OwnScheme> {
        Settings::deserialize(settings).ok()?.signature
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
        // They were checked when they were saved; those of another build must not cost a lead.
        let settings = Settings::deserialize(settings).unwrap_or_default();
        let body = Body::read(delivery)?;
        if body.value(TEST).is_some() {
            return Ok(ignored(crate::TEST_REMARK));
        }
        if let Some(path) = &settings.event_path
            && let Some(event) = body.value(path)
            && !settings.events.iter().any(|wanted| wanted == event)
        {
            return Ok(ignored("an event that the source's settings do not name"));
        }
        let is_event = |name: &str| settings.event_path.as_deref() == Some(name);
        let mapped = settings.mapping.map(&body, is_event);
        if !mapped.is_lead() {
            return Err(ReadError::Unmapped {
                looked_for: settings.mapping.looked_for(),
            });
        }
        let own = mapped.submission_id().map(str::to_owned);
        let id = match (own, delivery.delivery_id()) {
            (Some(id), _) => id,
            (None, Some(id)) => id,
            (None, None) if body.is_cut => return Err(ReadError::Cut),
            (None, None) => body.hash(&[]),
        };
        let mut facts = mapped.into_facts(None, None);
        facts.required_fields = settings.required_fields.into_iter().collect();
        facts.unread_fields.extend(named(&body.unread));
        Ok(Reading::News(delivery.news("lead", &[id], facts)))
    }
}

#[cfg(test)]
mod tests;
