//! Tenants, and the configuration that applies to a request.

use domain::{OfficeConfig, OfficeId, StoreError, Tenant, TenantId, TenantStatus};
use rusqlite::{Connection, params};
use store::{
    ConfigKind, Page, Result,
    configs::office_config,
    rows::{self, signed},
    stored::PageReader,
};

use crate::{configs, sql};

pub(crate) fn put_tenant(db: &Connection, tenant: &Tenant) -> Result<()> {
    const SQL: &str = "INSERT INTO tenants (tenant_id, name, status) VALUES (?1, ?2, ?3) \
                       ON CONFLICT (tenant_id) DO UPDATE SET name = excluded.name, status = excluded.status";
    let values = params![tenant.id.as_str(), tenant.name, tenant.status.as_str()];
    sql::execute(db, SQL, values).map(drop)
}

pub(crate) fn create(db: &Connection, new: &Tenant) -> Result<()> {
    if tenant(db, &new.id)?.is_some() {
        let reason = format!("there is a tenant `{}` already", new.id);
        return Err(StoreError::Conflict(reason));
    }
    put_tenant(db, new)
}

pub(crate) fn set_status(db: &Connection, id: &TenantId, status: TenantStatus) -> Result<()> {
    let known = tenant(db, id)?.ok_or(StoreError::NotFound)?;
    put_tenant(db, &Tenant { status, ..known })
}

pub(crate) fn rename(db: &Connection, id: &TenantId, name: &str) -> Result<()> {
    let known = tenant(db, id)?.ok_or(StoreError::NotFound)?;
    let name = name.to_owned();
    put_tenant(db, &Tenant { name, ..known })
}

pub(crate) fn all(db: &Connection) -> Result<Vec<Tenant>> {
    const SQL: &str = "SELECT tenant_id, name, status FROM tenants ORDER BY tenant_id";
    sql::all(db, SQL, [], rows::tenant)
}

pub(crate) fn page(db: &Connection, after: Option<&TenantId>, limit: u32) -> Result<Page<Tenant>> {
    const SQL: &str = "SELECT tenant_id, name, status FROM tenants WHERE tenant_id > ?1 ORDER BY tenant_id LIMIT ?2";
    let mut page = PageReader::new(limit);
    let after = after.map_or("", TenantId::as_str);
    let values = params![after, signed(page.wanted())];
    page.take(sql::all(db, SQL, values, |row| {
        rows::tenant(row).map(Some)
    })?);
    Ok(page.finish())
}

pub(crate) fn tenant(db: &Connection, tenant: &TenantId) -> Result<Option<Tenant>> {
    const SQL: &str = "SELECT tenant_id, name, status FROM tenants WHERE tenant_id = ?1";
    sql::first(db, SQL, [tenant.as_str()], rows::tenant)
}

/// The configuration that applies to an office's requests.
pub(crate) fn config(
    db: &Connection,
    id: &TenantId,
    office: Option<OfficeId>,
) -> Result<OfficeConfig> {
    let name = tenant(db, id)?.map_or_else(String::new, |tenant| tenant.name);
    let offices = configs::newest(db, id, ConfigKind::Office)?;
    let workflows = configs::newest(db, id, ConfigKind::Workflow)?;
    office_config(name, &offices, &workflows, office)
}
