//! Which request takes which time in which calendar.

use domain::{LeadRequest, RequestId, Slot, Span, TenantId, Wake, transition};
use jiff::Timestamp;
use rusqlite::{Connection, params};
use store::{Booked, Result, rows::signed, stored::corrupt};

use crate::{requests, rows::micros, sql};

/// Keeps the time that a request takes now, in place of what it took.
pub(crate) fn put(db: &Connection, request: &LeadRequest, is_new: bool) -> Result<()> {
    const DELETE: &str = "DELETE FROM bookings WHERE tenant_id = ?1 AND request_id = ?2";
    const INSERT: &str = "INSERT INTO bookings (tenant_id, request_id, calendar, starts_at, ends_at, event) \
                          VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
    let (tenant, id) = (request.tenant.as_str(), request.id.to_string());
    if !is_new {
        sql::execute(db, DELETE, params![tenant, id])?;
    }
    let Some(slot) = request.document.slot() else {
        return Ok(());
    };
    let (from, to) = (micros(slot.span.from), micros(slot.span.to));
    for calendar in &slot.calendars {
        sql::execute(
            db,
            INSERT,
            params![tenant, id, calendar, from, to, slot.event],
        )?;
    }
    Ok(())
}

/// Other requests that take a part of a slot.
pub(crate) fn of_slot(
    db: &Connection,
    tenant: &TenantId,
    slot: &Slot,
    except: RequestId,
) -> Result<Vec<Booked>> {
    // None takes longer than the longest span, so no other one that began before reaches into it.
    const SQL: &str = "SELECT request_id, starts_at, ends_at, event FROM bookings \
                       WHERE tenant_id = ?1 AND calendar = ?2 AND starts_at > ?3 AND starts_at < ?4 AND ends_at > ?5 \
                       AND request_id <> ?6 ORDER BY starts_at, request_id LIMIT ?7";
    let earliest = slot.span.from.checked_sub(Span::LONGEST);
    let earliest = earliest.map_or(i64::MIN, micros);
    let (from, to) = (micros(slot.span.from), micros(slot.span.to));
    let mut found = Vec::new();
    for calendar in &slot.calendars {
        let values = params![
            tenant.as_str(),
            calendar,
            earliest - 1,
            to,
            from,
            except.to_string(),
            signed(Booked::LIMIT)
        ];
        found.extend(sql::all(db, SQL, values, |row| {
            let span = Span::new(row.time("starts_at")?, row.time("ends_at")?);
            Ok(Booked {
                request: row.parsed("request_id")?,
                span: span
                    .ok_or_else(|| corrupt("a booking's time", "it ends before it begins"))?,
                event: row.text_option("event")?,
            })
        })?);
    }
    Ok(Booked::of_slot(found, slot))
}

pub(crate) fn recheck(
    db: &Connection,
    tenant: &TenantId,
    request: RequestId,
    now: Timestamp,
) -> Result<Vec<Wake>> {
    let Some(state) = requests::state(db, tenant, request)? else {
        return Ok(Vec::new());
    };
    let plan = transition::recheck_booking(state, now);
    requests::write(db, &plan)?;
    Ok(plan.wakes)
}
