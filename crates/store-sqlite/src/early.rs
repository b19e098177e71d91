//! What a company wrote in a conversation before the person did.

use domain::{Alias, EventId, RequestId, TenantId};
use jiff::Timestamp;
use rusqlite::{Connection, params};
use store::{
    Delivery, Early, MAX_EARLY, Result,
    stored::{from_json, to_json},
};

use crate::sql;

/// The newest pieces that are kept of a conversation, in the order in which they came.
pub(crate) fn of(db: &Connection, tenant: &TenantId, conversation: &Alias) -> Result<Vec<Early>> {
    const SQL: &str = "SELECT event_id, facts FROM early_messages WHERE tenant_id = ?1 AND provider = ?2 AND conversation = ?3 \
                       ORDER BY event_id DESC LIMIT ?4";
    let Alias {
        provider, value, ..
    } = conversation;
    let most = i64::try_from(MAX_EARLY).unwrap_or(i64::MAX);
    let values = params![tenant.as_str(), provider, value, most];
    // What another build wrote must not cost the lead.
    let early = sql::all(db, SQL, values, |row| {
        let facts = from_json("early_messages.facts", &row.text("facts")?);
        let event = row.parsed("event_id")?;
        Ok(facts.ok().map(|facts| Early { event, facts }))
    })?;
    Ok(early.into_iter().rev().flatten().collect())
}

/// Makes these deliveries part of the request that they are the beginning of.
pub(crate) fn taken(
    db: &Connection,
    tenant: &TenantId,
    conversation: &Alias,
    early: &[Early],
    request: RequestId,
) -> Result<()> {
    const TAKEN: &str = "UPDATE webhook_events SET request_id = ?3, remark = NULL WHERE tenant_id = ?1 AND event_id = ?2";
    const DONE: &str =
        "DELETE FROM early_messages WHERE tenant_id = ?1 AND provider = ?2 AND conversation = ?3";
    for early in early {
        let values = params![
            tenant.as_str(),
            early.event.to_string(),
            request.to_string()
        ];
        sql::execute(db, TAKEN, values)?;
    }
    let values = params![tenant.as_str(), conversation.provider, conversation.value];
    sql::execute(db, DONE, values)?;
    Ok(())
}

/// Keeps what a delivery says, which was stored as no part of a request, if a lead may come of its conversation.
pub(crate) fn keep(
    db: &Connection,
    now: Timestamp,
    delivery: &Delivery,
    event: EventId,
) -> Result<()> {
    const SQL: &str = "INSERT INTO early_messages (tenant_id, provider, conversation, event_id, facts) \
                       VALUES (?1, ?2, ?3, ?4, ?5)";
    let Some((conversation, facts)) = delivery.kept_for_later(now) else {
        return Ok(());
    };
    let values = params![
        delivery.tenant.as_str(),
        conversation.provider,
        conversation.value,
        event.to_string(),
        to_json(&facts)?,
    ];
    sql::execute(db, SQL, values)?;
    Ok(())
}
