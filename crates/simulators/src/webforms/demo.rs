//! The demo company's website: its key, and samples of what its forms post.

use rand::random;

use super::tools::{Tool, Wanted};
use crate::demo::{Choices, Demo, Sample, SampleDelivery};

/// The key that servers sign by, and that signs when a page was loaded.
pub const SIGNING_KEY: &str = "form-hmac-key-0001";

/// The demo company's website.
pub(super) static DEMO: Demo = Demo {
    settings: &[],
    accounts: &[],
    signing_key: Some(SIGNING_KEY),
    samples: &[
        Sample {
            event: "json",
            make: |choices| deliver(Tool::Json, "", choices),
        },
        Sample {
            event: "urlencoded",
            make: |choices| deliver(Tool::Urlencoded, "", choices),
        },
        Sample {
            event: "multipart",
            make: |choices| deliver(Tool::Multipart, "", choices),
        },
        Sample {
            event: "honeypot-tripped",
            make: |choices| deliver(Tool::Urlencoded, "https://spam.example.com", choices),
        },
        Sample {
            event: "contact-form-7",
            make: |choices| deliver(Tool::ContactForm7, "", choices),
        },
        Sample {
            event: "gravity-forms",
            make: |choices| deliver(Tool::GravityForms, "", choices),
        },
        Sample {
            event: "elementor",
            make: |choices| deliver(Tool::Elementor, "", choices),
        },
        Sample {
            event: "webflow",
            make: |choices| deliver(Tool::Webflow, "", choices),
        },
        Sample {
            event: "typeform",
            make: |choices| deliver(Tool::Typeform, "", choices),
        },
        Sample {
            event: "jotform",
            make: |choices| deliver(Tool::Jotform, "", choices),
        },
    ],
};

fn deliver(tool: Tool, trap: &str, choices: &Choices) -> SampleDelivery {
    let usual = Wanted::default();
    let wanted = Wanted {
        phone: choices.phone.clone().unwrap_or(usual.phone),
        message: choices.words.clone().unwrap_or(usual.message),
        trap: trap.to_owned(),
        ..usual
    };
    let id = choices.id.clone().unwrap_or_else(fresh);
    let post = tool.post(&wanted, &id, SIGNING_KEY, choices.at);
    let mut headers = post.headers;
    if !tool.has_ids() {
        // The same words of the same person within ten minutes would be taken for a second click.
        headers.push(("idempotency-key", id.clone()));
    }
    SampleDelivery {
        id,
        content_type: post.content_type,
        signature: headers,
        body: post.body,
        preparation: None,
    }
}

/// An id that no submission had.
pub(super) fn fresh() -> String {
    hex::encode(random::<[u8; 12]>())
}
