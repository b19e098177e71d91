//! Tenants and offices, and the configuration that applies to a request.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use domain::{
    Office, OfficeConfig, OfficeId, StoreError, Tenant, TenantId, TenantStatus, WorkflowConfig,
};
use rusqlite::{Connection, OptionalExtension, Row, params};

use crate::rows::{self, corrupt, get, store_error, to_json};

type Result<T> = std::result::Result<T, StoreError>;

pub(crate) fn put_tenant(db: &Connection, tenant: &Tenant) -> Result<()> {
    db.prepare_cached(
        "INSERT INTO tenants (tenant_id, name, status) VALUES (?1, ?2, ?3) \
         ON CONFLICT (tenant_id) DO UPDATE SET name = excluded.name, status = excluded.status",
    )
    .map_err(store_error)?
    .execute(params![
        tenant.id.as_str(),
        tenant.name,
        tenant.status.as_str()
    ])
    .map_err(store_error)?;
    Ok(())
}

pub(crate) fn create(db: &Connection, new: &Tenant) -> Result<()> {
    if tenant(db, &new.id)?.is_some() {
        return Err(StoreError::Conflict(format!(
            "there is a tenant `{}` already",
            new.id
        )));
    }
    put_tenant(db, new)
}

pub(crate) fn set_status(db: &Connection, id: &TenantId, status: TenantStatus) -> Result<()> {
    let known = tenant(db, id)?.ok_or(StoreError::NotFound)?;
    put_tenant(db, &Tenant { status, ..known })
}

pub(crate) fn all(db: &Connection) -> Result<Vec<Tenant>> {
    let mut statement = db
        .prepare_cached("SELECT tenant_id, name, status FROM tenants ORDER BY tenant_id")
        .map_err(store_error)?;
    let mut found = statement.query([]).map_err(store_error)?;
    let mut tenants = Vec::new();
    while let Some(row) = found.next().map_err(store_error)? {
        tenants.push(Tenant {
            id: rows::parsed(row, "tenant_id")?,
            name: get(row, "name")?,
            status: rows::parsed(row, "status")?,
        });
    }
    Ok(tenants)
}

pub(crate) fn tenant(db: &Connection, tenant: &TenantId) -> Result<Option<Tenant>> {
    db.prepare_cached("SELECT name, status FROM tenants WHERE tenant_id = ?1")
        .map_err(store_error)?
        .query_row([tenant.as_str()], |row| {
            Ok(get(row, "name").and_then(|name| {
                Ok(Tenant {
                    id: tenant.clone(),
                    name,
                    status: rows::parsed(row, "status")?,
                })
            }))
        })
        .optional()
        .map_err(store_error)?
        .transpose()
}

pub(crate) fn put_office(db: &Connection, office: &Office) -> Result<()> {
    office
        .config
        .check()
        .map_err(|error| StoreError::Conflict(error.to_string()))?;
    db.prepare_cached(
        "INSERT INTO offices (tenant_id, office_id, name, address, time_zone, workflow_config, config_version) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, 1) \
         ON CONFLICT (tenant_id, office_id) DO UPDATE SET name = excluded.name, address = excluded.address, \
         time_zone = excluded.time_zone, workflow_config = excluded.workflow_config, \
         config_version = config_version + (workflow_config <> excluded.workflow_config)",
    )
    .map_err(store_error)?
    .execute(params![
        office.tenant.as_str(),
        office.id.to_string(),
        office.name,
        office.address,
        office.time_zone,
        to_json(&office.config)?
    ])
    .map_err(store_error)?;
    Ok(())
}

fn office(row: &Row<'_>) -> Result<Office> {
    let config = WorkflowConfig::parse(&get::<String>(row, "workflow_config")?)
        .map_err(|error| corrupt("an office's configuration", error))?;
    Ok(Office {
        id: rows::parsed(row, "office_id")?,
        tenant: rows::parsed(row, "tenant_id")?,
        name: get(row, "name")?,
        address: get(row, "address")?,
        time_zone: get(row, "time_zone")?,
        config,
        config_version: rows::unsigned(row, "config_version")?,
    })
}

pub(crate) fn offices(db: &Connection, tenant: &TenantId) -> Result<Vec<Office>> {
    let mut statement = db
        .prepare_cached("SELECT * FROM offices WHERE tenant_id = ?1 ORDER BY office_id")
        .map_err(store_error)?;
    let mut found = statement.query([tenant.as_str()]).map_err(store_error)?;
    let mut offices = Vec::new();
    while let Some(row) = found.next().map_err(store_error)? {
        offices.push(office(row)?);
    }
    Ok(offices)
}

type Configs = HashMap<(TenantId, Option<OfficeId>), Arc<OfficeConfig>>;

/// Configurations in memory, by tenant and office. Writes of tenants and offices pass through the same store and
/// empty it.
#[derive(Default)]
pub(crate) struct ConfigCache {
    configs: Mutex<Configs>,
}

impl ConfigCache {
    /// The configuration of an office: the given one, else the tenant's first, else the defaults.
    pub(crate) fn get(
        &self,
        db: &Connection,
        tenant: &TenantId,
        office: Option<OfficeId>,
    ) -> Result<Arc<OfficeConfig>> {
        let key = (tenant.clone(), office);
        if let Some(config) = self.lock().get(&key) {
            return Ok(config.clone());
        }
        let offices = offices(db, tenant)?;
        let chosen = office
            .and_then(|id| offices.iter().find(|candidate| candidate.id == id))
            .or_else(|| offices.first());
        let tenant_name = self::tenant(db, tenant)?
            .map(|found| found.name)
            .unwrap_or_default();
        let config = Arc::new(match chosen {
            Some(office) => OfficeConfig {
                tenant_name,
                time_zone: office.time_zone.clone(),
                workflow: office.config.clone(),
                version: office.config_version,
            },
            None => OfficeConfig {
                tenant_name,
                ..OfficeConfig::default()
            },
        });
        self.lock().insert(key, config.clone());
        Ok(config)
    }

    /// Forgets everything.
    pub(crate) fn clear(&self) {
        self.lock().clear();
    }

    fn lock(&self) -> MutexGuard<'_, Configs> {
        self.configs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
