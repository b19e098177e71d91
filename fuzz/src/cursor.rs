//! Where a page of the management API ended, as callers send it back.

use std::fmt::Debug;

use domain::{AuditId, RequestId, Stage, TenantId};
use management_api::cursor::Cursor;
use uuid::Uuid;

type Step = (RequestId, Stage, String);

/// Reads `data` as a cursor of each list, and makes cursors of what it stands for.
pub fn check(data: &[u8]) {
    if let Ok(text) = std::str::from_utf8(data) {
        let lists = [
            is_of::<RequestId>(text),
            is_of::<AuditId>(text),
            is_of::<TenantId>(text),
            is_of::<Step>(text),
        ];
        let lists = lists.into_iter().filter(|is_of| *is_of).count();
        assert!(lists <= 1, "{text:?} is a cursor of {lists} lists");
        if let Ok(tenant) = TenantId::new(text) {
            assert_kept(&tenant);
        }
    }
    if let Some((id, rest)) = data.split_first_chunk::<16>() {
        let id = Uuid::from_bytes(*id);
        assert_kept(&RequestId::from_uuid(id));
        assert_kept(&AuditId::from_uuid(id));
        let target = String::from_utf8_lossy(rest);
        for stage in Stage::ALL {
            assert_kept(&(RequestId::from_uuid(id), stage, target.to_string()));
        }
    }
}

/// Whether this is a cursor of the list. Each position has one cursor.
fn is_of<C: Cursor>(text: &str) -> bool {
    match C::decode(text) {
        Ok(position) => {
            assert_eq!(position.encode(), text);
            true
        }
        Err(_) => false,
    }
}

fn assert_kept<C: Cursor + Debug + PartialEq>(position: &C) {
    assert_eq!(C::decode(&position.encode()).as_ref(), Ok(position));
}
