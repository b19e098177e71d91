//! What a map said of addresses. What is old goes by the table's deletion policy.

use async_trait::async_trait;
use domain::{MapAnswer, TenantId};
use google_cloud_spanner::key::Key;
use store::{
    PlaceKey, Places,
    places::{answer, kept_until},
    stored::to_json,
};

use crate::{
    SpannerStore,
    rows::{Write, mutation, time_value},
    tx::Tx,
};

#[async_trait]
impl Places for SpannerStore {
    async fn place(&self, tenant: &TenantId, key: &PlaceKey) -> store::Result<Option<MapAnswer>> {
        let key = Key::new(vec![
            tenant.as_str().to_owned().into(),
            key.as_bytes().to_vec().into(),
        ]);
        self.read(async |reader| {
            let row = reader.row("places", "answer, kept_until", key).await?;
            let found = row.map(|row| answer(&*row, reader.now())).transpose()?;
            Ok(found.flatten())
        })
        .await
    }

    async fn keep_place(
        &self,
        tenant: &TenantId,
        key: &PlaceKey,
        answer: &MapAnswer,
    ) -> store::Result<()> {
        let (tenant, key) = (tenant.as_str().to_owned(), key.as_bytes().to_vec());
        let (text, answer) = (to_json(answer)?, *answer);
        let work = move |tx: Tx| {
            let written = mutation(
                Write::Put,
                "places",
                [
                    ("tenant_id", tenant.clone().into()),
                    ("address_hash", key.clone().into()),
                    ("answer", text.clone().into()),
                    ("kept_until", time_value(kept_until(&answer, tx.now()))),
                ],
            );
            async move { tx.write([written]) }
        };
        self.write("place.keep", work).await
    }
}
