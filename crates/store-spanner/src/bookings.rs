//! Which request takes which time in which calendar.

use domain::{LeadRequest, RequestId, Slot, Span, TenantId, Wake, transition};
use google_cloud_spanner::{mutation::Mutation, statement::Statement, types};
use store::{Booked, rows::signed, stored::corrupt};

use crate::{
    fault::Fault,
    requests,
    rows::{Write, mutation, time_value, under},
    tx::{Reader, Tx},
};

type Result<T, E = Fault> = std::result::Result<T, E>;

/// Keeps the time that a request takes now, in place of what it took.
pub(crate) fn put(tx: &Tx, request: &LeadRequest, is_new: bool) -> Result<()> {
    let (tenant, id) = (request.tenant.as_str(), request.id.to_string());
    if !is_new {
        tx.write([Mutation::delete("bookings", under([tenant, &id]))])?;
    }
    let Some(slot) = request.document.slot() else {
        return Ok(());
    };
    tx.write(slot.calendars.iter().map(|calendar| {
        mutation(
            Write::Insert,
            "bookings",
            [
                ("tenant_id", tenant.to_owned().into()),
                ("request_id", id.clone().into()),
                ("calendar", calendar.clone().into()),
                ("starts_at", time_value(slot.span.from)),
                ("ends_at", time_value(slot.span.to)),
                ("event", slot.event.clone().into()),
            ],
        )
    }))
}

/// Other requests that take a part of a slot.
pub(crate) async fn of_slot(
    reader: &Reader,
    tenant: &TenantId,
    slot: &Slot,
    except: RequestId,
) -> Result<Vec<Booked>> {
    // None takes longer than the longest span, so no other one that began before reaches into it.
    const SQL: &str = "SELECT request_id, starts_at, ends_at, event FROM bookings@{FORCE_INDEX=bookings_by_time} \
                       WHERE tenant_id = @tenant AND calendar = @calendar AND starts_at >= @earliest \
                       AND starts_at < @until AND ends_at > @since AND request_id <> @except \
                       ORDER BY starts_at, request_id LIMIT @wanted";
    let earliest = slot.span.from.checked_sub(Span::LONGEST);
    let earliest = earliest.unwrap_or(slot.span.from);
    let mut found = Vec::new();
    for calendar in &slot.calendars {
        let statement = Statement::builder(SQL)
            .add_param("tenant", tenant.as_str().to_owned())
            .add_param("calendar", calendar.clone())
            .add_typed_param("earliest", time_value(earliest), types::timestamp())
            .add_typed_param("until", time_value(slot.span.to), types::timestamp())
            .add_typed_param("since", time_value(slot.span.from), types::timestamp())
            .add_param("except", except.to_string())
            .add_param("wanted", signed(Booked::LIMIT));
        for row in reader.query(statement.build()).await? {
            let span = Span::new(row.time("starts_at")?, row.time("ends_at")?);
            found.push(Booked {
                request: row.parsed("request_id")?,
                span: span
                    .ok_or_else(|| corrupt("a booking's time", "it ends before it begins"))?,
                event: row.text_option("event")?,
            });
        }
    }
    Ok(Booked::of_slot(found, slot))
}

pub(crate) async fn recheck(tx: &Tx, tenant: &TenantId, request: RequestId) -> Result<Vec<Wake>> {
    let Some(state) = requests::state(tx, tenant, request).await? else {
        return Ok(Vec::new());
    };
    let plan = transition::recheck_booking(state, tx.now());
    requests::write(tx, &plan)?;
    Ok(plan.wakes)
}
