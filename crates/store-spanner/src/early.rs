//! What a company wrote in a conversation before the person did.

use domain::{Alias, EventId, RequestId, TenantId};
use google_cloud_spanner::mutation::Mutation;
use store::{
    Delivery, Early, MAX_EARLY,
    stored::{from_json, to_json},
};

use crate::{
    fault::Fault,
    rows::{Write, mutation, under},
    tx::{Reader, Tx},
};

type Result<T, E = Fault> = std::result::Result<T, E>;

const TABLE: &str = "early_messages";

/// The newest pieces that are kept of a conversation, in the order in which they came.
pub(crate) async fn of(
    reader: &Reader,
    tenant: &TenantId,
    conversation: &Alias,
) -> Result<Vec<Early>> {
    let keys = under([tenant.as_str(), &conversation.provider, &conversation.value]);
    let rows = reader.rows(TABLE, "event_id, facts", keys).await?;
    let newest = rows.len().saturating_sub(MAX_EARLY);
    let mut early = Vec::new();
    for row in rows.iter().skip(newest) {
        let event = row.parsed("event_id")?;
        // What another build wrote must not cost the lead.
        let facts = from_json("early_messages.facts", &row.text("facts")?);
        early.extend(facts.ok().map(|facts| Early { event, facts }));
    }
    Ok(early)
}

/// Makes these deliveries part of the request that they are the beginning of.
pub(crate) fn taken(
    tx: &Tx,
    tenant: &TenantId,
    conversation: &Alias,
    early: &[Early],
    request: RequestId,
) -> Result<()> {
    if early.is_empty() {
        return Ok(());
    }
    let parts = early.iter().map(|early| {
        mutation(
            Write::Update,
            "webhook_events",
            [
                ("tenant_id", tenant.as_str().to_owned().into()),
                ("event_id", early.event.to_string().into()),
                ("request_id", request.to_string().into()),
                ("remark", None::<String>.into()),
            ],
        )
    });
    tx.write(parts)?;
    let (provider, value) = (&conversation.provider, &conversation.value);
    let done = under([tenant.as_str(), provider, value]);
    tx.write([Mutation::delete(TABLE, done)])
}

/// Keeps what a delivery says, which was stored as no part of a request, if a lead may come of its conversation.
pub(crate) fn keep(tx: &Tx, delivery: &Delivery, event: EventId) -> Result<()> {
    let Some((conversation, facts)) = delivery.kept_for_later(tx.now()) else {
        return Ok(());
    };
    tx.write([mutation(
        Write::Insert,
        TABLE,
        [
            ("tenant_id", delivery.tenant.as_str().to_owned().into()),
            ("provider", conversation.provider.clone().into()),
            ("conversation", conversation.value.clone().into()),
            ("event_id", event.to_string().into()),
            ("facts", to_json(&facts)?.into()),
        ],
    )])
}
