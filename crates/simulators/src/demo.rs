//! What the demo tenant has at a provider, and signed samples of the webhooks that the provider sends it.

use jiff::Timestamp;
use serde_json::Value;

/// What the demo tenant has at a provider. All of it is fixed and public, so that documented samples verify as they
/// stand.
#[derive(Debug)]
pub struct Demo {
    /// What is entered beside the credential to connect the account, by the setting's name.
    pub settings: &'static [(&'static str, &'static str)],
    /// The account in every form in which webhooks name it.
    pub accounts: &'static [&'static str],
    /// The key that verifies its webhooks. `None` if there are none, or the simulator makes a key at each start:
    /// [`Simulators::webhook_key`](crate::Simulators::webhook_key).
    pub signing_key: Option<&'static str>,
    /// Webhooks to send by hand, the usual one first.
    pub samples: &'static [Sample],
}

/// A webhook to send by hand.
#[derive(Debug)]
pub struct Sample {
    /// The event, as it stands at the end of its URL.
    pub event: &'static str,
    pub(crate) make: fn(&Choices) -> SampleDelivery,
}

/// How a sample differs from the usual one.
#[derive(Debug, Clone, Default)]
pub struct Choices {
    /// The provider's id of the thing, to send a later event of one that is known. A fresh one if absent.
    pub id: Option<String>,
    /// The person's telephone number.
    pub phone: Option<String>,
    /// The recording that the simulated provider has, by name.
    pub recording: Option<String>,
    /// The person's own words, where the sample is something that they wrote.
    pub words: Option<String>,
    /// When it happened.
    pub at: Timestamp,
}

/// A signed webhook.
#[derive(Debug)]
pub struct SampleDelivery {
    /// The provider's id of the thing.
    pub id: String,
    /// The media type of the body.
    pub content_type: &'static str,
    /// What verifies it, by header.
    pub signature: Vec<(&'static str, String)>,
    /// The body.
    pub body: Vec<u8>,
    /// What the simulated provider must have before: a path below its base URL, and the body to `PUT` there.
    pub preparation: Option<(String, Value)>,
}

impl Sample {
    /// The webhook.
    pub fn deliver(&self, choices: &Choices) -> SampleDelivery {
        (self.make)(choices)
    }
}
