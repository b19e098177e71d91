//! Tenants, and the configuration that applies to a request.

use domain::{OfficeConfig, OfficeId, StoreError, Tenant, TenantId, TenantStatus};
use google_cloud_spanner::{key::KeySet, statement::Statement};
use store::{
    Config, ConfigKind, Page,
    configs::office_config,
    rows::{self, signed},
    stored::PageReader,
};

use crate::{
    configs,
    fault::Fault,
    rows::{Write, key, mutation},
    tx::{Reader, Tx},
};

type Result<T, E = Fault> = std::result::Result<T, E>;

const COLUMNS: &str = "tenant_id, name, status";

pub(crate) fn put_tenant(tx: &Tx, tenant: &Tenant) -> Result<()> {
    tx.write([mutation(
        Write::Put,
        "tenants",
        [
            ("tenant_id", tenant.id.as_str().to_owned().into()),
            ("name", tenant.name.clone().into()),
            ("status", tenant.status.as_str().to_owned().into()),
        ],
    )])
}

pub(crate) async fn create(tx: &Tx, new: &Tenant) -> Result<()> {
    if tenant(tx, &new.id).await?.is_some() {
        let reason = format!("there is a tenant `{}` already", new.id);
        return Err(StoreError::Conflict(reason).into());
    }
    put_tenant(tx, new)
}

pub(crate) async fn set_status(tx: &Tx, id: &TenantId, status: TenantStatus) -> Result<()> {
    let known = tenant(tx, id).await?.ok_or(StoreError::NotFound)?;
    put_tenant(tx, &Tenant { status, ..known })
}

pub(crate) async fn rename(tx: &Tx, id: &TenantId, name: &str) -> Result<()> {
    let known = tenant(tx, id).await?.ok_or(StoreError::NotFound)?;
    let name = name.to_owned();
    put_tenant(tx, &Tenant { name, ..known })
}

pub(crate) async fn all_across_tenants(reader: &Reader) -> Result<Vec<Tenant>> {
    let found = reader.rows("tenants", COLUMNS, KeySet::all()).await?;
    let tenants = found.iter().map(|row| rows::tenant(row));
    Ok(tenants.collect::<store::Result<_>>()?)
}

pub(crate) async fn page_across_tenants(
    reader: &Reader,
    after: Option<&TenantId>,
    limit: u32,
) -> Result<Page<Tenant>> {
    let mut page = PageReader::new(limit);
    let statement = Statement::builder(format!(
        "SELECT {COLUMNS} FROM tenants WHERE tenant_id > @after ORDER BY tenant_id LIMIT @limit"
    ))
    .add_param("after", after.map_or("", TenantId::as_str).to_owned())
    .add_param("limit", signed(page.wanted()));
    let found = reader.query(statement.build()).await?;
    let tenants = found.iter().map(|row| rows::tenant(row).map(Some));
    page.take(tenants.collect::<store::Result<_>>()?);
    Ok(page.finish())
}

pub(crate) async fn tenant(reader: &Reader, tenant: &TenantId) -> Result<Option<Tenant>> {
    let found = reader
        .row("tenants", COLUMNS, key([tenant.as_str()]))
        .await?;
    Ok(found.map(|row| rows::tenant(&row)).transpose()?)
}

/// The configuration that applies to an office's requests.
pub(crate) async fn config(
    reader: &Reader,
    id: &TenantId,
    office: Option<OfficeId>,
) -> Result<OfficeConfig> {
    let name = tenant(reader, id).await?.map(|tenant| tenant.name);
    let kinds = [ConfigKind::Office, ConfigKind::Workflow];
    let (offices, workflows): (Vec<_>, Vec<Config>) = configs::newest(reader, id, &kinds)
        .await?
        .into_iter()
        .partition(|config| config.kind == ConfigKind::Office);
    let name = name.unwrap_or_default();
    Ok(office_config(name, &offices, &workflows, office)?)
}
