//! A proven body of CallRail, read as each kind of delivery that it may come as.

use std::{collections::BTreeMap, time::Duration};

use bytes::Bytes;
use domain::{Alias, CallFacts, Inbound};
use sources::{ReadError, Reading, Source as _, Verified, callrail::CallRail};

use crate::text::{assert_bounded, assert_line};

/// Reads `data` as a body.
pub fn check(data: &[u8]) {
    let body = Bytes::copy_from_slice(data);
    for content_type in [
        None,
        Some("application/json"),
        Some("application/x-www-form-urlencoded"),
    ] {
        let headers = content_type
            .map(|kind| ("content-type".to_owned(), kind.to_owned()))
            .into_iter()
            .collect::<BTreeMap<_, _>>();
        let Some(delivery) = Verified::restored("callrail-v3", headers, body.clone()) else {
            panic!("the scheme has another name now")
        };
        for event in [None, Some("post-call"), Some("call-modified"), Some("?")] {
            let reading = CallRail.read(&delivery, event);
            match &reading {
                Ok(Reading::Lead(inbound)) => assert_lead(inbound, event),
                Ok(Reading::Ignored { .. }) | Err(_) => {}
                Ok(Reading::Receipts(_)) => panic!("CallRail sends no receipts"),
            }
            if let Err(ReadError::Json { line, .. }) = reading {
                assert!(line <= 1 + data.iter().filter(|byte| **byte == b'\n').count());
            }
            assert_eq!(CallRail.read(&delivery, event), reading, "another reading");
        }
    }
}

fn assert_lead(inbound: &Inbound, event: Option<&str>) {
    let Inbound {
        aliases,
        is_modified,
        delay,
        call,
    } = inbound;
    assert!((1..=3).contains(&aliases.len()), "{aliases:?}");
    for (at, alias) in aliases.iter().enumerate() {
        let Alias {
            provider,
            kind,
            value,
        } = alias;
        assert_eq!((provider.as_str(), kind.as_str()), ("callrail", "call"));
        assert!((1..=64).contains(&value.len()), "{value:?}");
        let is_safe = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
        assert!(value.bytes().all(is_safe), "{value:?}");
        assert!(!aliases[..at].contains(alias), "{aliases:?}");
    }
    assert_eq!(call.call_id.as_ref(), aliases.first().map(|id| &id.value));
    assert!(*delay == Duration::ZERO || *delay == Duration::from_secs(60));
    assert!(delay.is_zero() || (event.is_none() && !is_modified));
    assert!(*is_modified || event != Some("call-modified"));
    assert!(event != Some("?"), "an event that is not used");
    assert_facts(call);
}

/// The bounds of everything that a call's facts hold.
fn assert_facts(call: &CallFacts) {
    for (text, max) in [
        (&call.caller_name, 200),
        (&call.caller_number, 64),
        (&call.caller_email, 254),
        (&call.caller_city, 100),
        (&call.caller_state, 50),
        (&call.caller_country, 50),
        (&call.caller_postal_code, 20),
        (&call.tracking_number, 64),
        (&call.business_number, 64),
        (&call.lead_status, 50),
    ] {
        if let Some(text) = text {
            assert_line(text, max);
        }
    }
    for (text, max) in [(&call.note, 5_000), (&call.value, 100)] {
        if let Some(text) = text {
            assert_bounded(text, max);
        }
    }
    let tags = call.tags.iter().flatten();
    assert!(tags.clone().count() <= 50);
    tags.for_each(|tag| assert_line(tag, 100));
    assert!(call.marketing.len() <= 40);
    for (name, value) in &call.marketing {
        assert!((1..=50).contains(&name.len()), "{name:?}");
        assert_line(value, 500);
    }
}
