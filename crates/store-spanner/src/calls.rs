//! Calls of the API that their callers named. Old ones go by the table's deletion policy.

use async_trait::async_trait;
use google_cloud_spanner::{key::Key, mutation::Mutation};
use store::{Begun, Call, CallAnswer, Calls, calls::StoredCall, rows};

use crate::{
    SpannerStore,
    fault::Fault,
    rows::{Write, mutation, time_value},
    tx::Tx,
};

type Result<T, E = Fault> = std::result::Result<T, E>;

#[async_trait]
impl Calls for SpannerStore {
    async fn begin_call_across_tenants(&self, call: &Call) -> store::Result<Begun> {
        let call = call.clone();
        let work = move |tx: Tx| {
            let call = call.clone();
            async move { begin(&tx, &call).await }
        };
        self.write("call.begin", work).await
    }

    async fn end_call_across_tenants(
        &self,
        call: &Call,
        answer: Option<&CallAnswer>,
    ) -> store::Result<()> {
        let (call, answer) = (call.clone(), answer.cloned());
        let work = move |tx: Tx| {
            let (call, answer) = (call.clone(), answer.clone());
            async move { end(&tx, &call, answer.as_ref()) }
        };
        self.write("call.end", work).await
    }
}

fn key(call: &Call) -> Key {
    Key::new(vec![
        call.tenant_column().to_owned().into(),
        call.id.to_vec().into(),
    ])
}

async fn begin(tx: &Tx, call: &Call) -> Result<Begun> {
    const COLUMNS: &str =
        "request_hash, started_at, state, status, content_type, location, etag, answer";
    let row = tx.row("api_calls", COLUMNS, key(call)).await?;
    let known = row.map(|row| rows::call(&row)).transpose()?;
    let begun = StoredCall::begun(known, call, tx.now());
    if begun == Begun::Now {
        tx.write([mutation(
            Write::Put,
            "api_calls",
            [
                ("tenant_id", call.tenant_column().to_owned().into()),
                ("call_hash", call.id.to_vec().into()),
                ("request_hash", call.request.to_vec().into()),
                ("started_at", time_value(tx.now())),
                ("state", "running".to_owned().into()),
                ("status", None::<i64>.into()),
                ("content_type", None::<String>.into()),
                ("location", None::<String>.into()),
                ("etag", None::<String>.into()),
                ("answer", None::<Vec<u8>>.into()),
            ],
        )])?;
    }
    Ok(begun)
}

fn end(tx: &Tx, call: &Call, answer: Option<&CallAnswer>) -> Result<()> {
    let Some(answer) = answer else {
        return tx.write([Mutation::delete("api_calls", key(call).into())]);
    };
    let columns = CallAnswer::columns(answer);
    tx.write([mutation(
        Write::Update,
        "api_calls",
        [
            ("tenant_id", call.tenant_column().to_owned().into()),
            ("call_hash", call.id.to_vec().into()),
            ("state", columns.state.to_owned().into()),
            ("status", columns.status.into()),
            (
                "content_type",
                columns.content_type.map(str::to_owned).into(),
            ),
            ("location", columns.location.map(str::to_owned).into()),
            ("etag", columns.etag.map(str::to_owned).into()),
            ("answer", columns.body.map(<[u8]>::to_vec).into()),
        ],
    )])
}
