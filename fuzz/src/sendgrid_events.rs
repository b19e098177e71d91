//! A proven list of SendGrid's events.

use std::collections::BTreeMap;

use bytes::Bytes;
use sources::{Reading, Receipt, Source as _, Verified, sendgrid::SendGrid};

use crate::text::assert_line;

/// Reads `data` as a body.
pub fn check(data: &[u8]) {
    let body = Bytes::copy_from_slice(data);
    let Some(delivery) = Verified::restored("sendgrid-ecdsa", BTreeMap::new(), body) else {
        panic!("the scheme has another name now")
    };
    let reading = SendGrid.read(&delivery, None);
    match &reading {
        Ok(Reading::Receipts(receipts)) => {
            assert!((1..=5_000).contains(&receipts.len()));
            receipts.iter().for_each(assert_receipt);
        }
        Ok(Reading::Ignored { .. }) | Err(_) => {}
        Ok(Reading::Lead(_)) => panic!("SendGrid sends no leads"),
    }
    assert_eq!(SendGrid.read(&delivery, None), reading, "another reading");
}

fn assert_receipt(receipt: &Receipt) {
    let Receipt {
        message_id,
        event,
        provider_message_id,
        event_id,
        at: _,
        reason,
    } = receipt;
    assert_line(message_id, 300);
    assert_line(event, 50);
    for (text, max) in [(provider_message_id, 200), (event_id, 100)] {
        if !text.is_empty() {
            assert_line(text, max);
        }
    }
    if let Some(reason) = reason {
        assert_line(reason, 500);
    }
}
