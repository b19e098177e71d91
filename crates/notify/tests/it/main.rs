//! What mails say, and how they are carried.
#![expect(clippy::unwrap_used, reason = "tests")]

mod mail;
mod sendgrid;

use domain::{Document, LeadRequest, OfficeConfig, RequestId, Status, TenantId};

/// The sample request, with changes.
fn request(change: impl FnOnce(&mut Document)) -> LeadRequest {
    let mut document = serde_json::from_str(include_str!("fixtures/document.json")).unwrap();
    change(&mut document);
    LeadRequest {
        id: RequestId::from_uuid(uuid::Uuid::from_u128(1)),
        tenant: TenantId::new("tenant_demo").unwrap(),
        version: 1,
        created_at: jiff::Timestamp::UNIX_EPOCH,
        updated_at: jiff::Timestamp::UNIX_EPOCH,
        status: Status::Processing,
        person: None,
        document,
    }
}

fn office() -> OfficeConfig {
    OfficeConfig {
        tenant_name: "Demo Company".to_owned(),
        time_zone: "America/Chicago".to_owned(),
        ..OfficeConfig::default()
    }
}
