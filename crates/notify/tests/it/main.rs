//! What mails say, and the channels that they leave by.
#![expect(clippy::unwrap_used, reason = "tests")]

mod mail;
mod sendgrid;
mod slack;

use domain::{Brief, Channel, Document};
use notify::{Content, lead_mail};
use testkit::lead;

/// The mail about the sample lead of a channel, with changes.
fn mail(channel: Channel, change: impl FnOnce(&mut Document)) -> Content {
    let mut request = lead::qualified(channel);
    request.document.details = None;
    change(&mut request.document);
    let office = lead::office();
    let brief = Brief::new(&request, &office);
    lead_mail(&brief, &office.tenant_name, crm_name).unwrap()
}

fn crm_name(slug: &str) -> &str {
    if slug == lead::CRM { "The CRM" } else { slug }
}
