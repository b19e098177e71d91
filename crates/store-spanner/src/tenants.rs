//! Tenants and offices, and the configuration that applies to a request.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use domain::{
    Office, OfficeConfig, OfficeId, StoreError, Tenant, TenantId, TenantStatus, WorkflowConfig,
};
use google_cloud_spanner::{key::KeySet, result::Row};

use crate::{
    fault::Fault,
    rows::{self, Write, corrupt, get, key, mutation, signed, to_json},
    tx::{Reader, Tx},
};

type Result<T, E = Fault> = std::result::Result<T, E>;

const TENANT: [&str; 3] = ["tenant_id", "name", "status"];
const OFFICE: [&str; 7] = [
    "tenant_id",
    "office_id",
    "name",
    "address",
    "time_zone",
    "workflow_config",
    "config_version",
];

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

pub(crate) async fn all_across_tenants(reader: &Reader) -> Result<Vec<Tenant>> {
    let found = reader.rows("tenants", &TENANT, KeySet::all()).await?;
    found.iter().map(read_tenant).collect()
}

pub(crate) async fn tenant(reader: &Reader, tenant: &TenantId) -> Result<Option<Tenant>> {
    let found = reader
        .row("tenants", &TENANT, key([tenant.as_str()]))
        .await?;
    found.as_ref().map(read_tenant).transpose()
}

fn read_tenant(row: &Row) -> Result<Tenant> {
    Ok(Tenant {
        id: rows::parsed(row, "tenant_id")?,
        name: get(row, "name")?,
        status: rows::parsed(row, "status")?,
    })
}

pub(crate) async fn put_office(tx: &Tx, office: &Office) -> Result<()> {
    office
        .config
        .check()
        .map_err(|error| StoreError::Conflict(error.to_string()))?;
    let known = offices(tx, &office.tenant).await?;
    let version = known
        .iter()
        .find(|known| known.id == office.id)
        .map_or(1, |known| {
            known.config_version + u64::from(known.config != office.config)
        });
    tx.write([mutation(
        Write::Put,
        "offices",
        [
            ("tenant_id", office.tenant.as_str().to_owned().into()),
            ("office_id", office.id.to_string().into()),
            ("name", office.name.clone().into()),
            ("address", office.address.clone().into()),
            ("time_zone", office.time_zone.clone().into()),
            ("workflow_config", to_json(&office.config)?.into()),
            ("config_version", signed(version).into()),
        ],
    )])
}

pub(crate) async fn offices(reader: &Reader, tenant: &TenantId) -> Result<Vec<Office>> {
    let found = reader
        .rows("offices", &OFFICE, rows::under([tenant.as_str()]))
        .await?;
    found.iter().map(read_office).collect()
}

fn read_office(row: &Row) -> Result<Office> {
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

/// How long another service's change of a configuration may stay unseen.
const CONFIG_AGE: Duration = Duration::from_secs(5);

/// A configuration, and when it was read.
type Read = (Arc<OfficeConfig>, Instant);

/// Configurations in memory, by tenant and office, for a short time. What this process writes, it sees at once.
#[derive(Default)]
pub(crate) struct ConfigCache {
    configs: Mutex<HashMap<(TenantId, Option<OfficeId>), Read>>,
}

impl ConfigCache {
    /// The configuration of an office: the given one, else the tenant's first, else the defaults.
    pub(crate) async fn get(
        &self,
        reader: &Reader,
        tenant: &TenantId,
        office: Option<OfficeId>,
    ) -> Result<Arc<OfficeConfig>> {
        let key = (tenant.clone(), office);
        let asked = Instant::now();
        let known = self.lock().get(&key).cloned();
        if let Some((config, read)) = known
            && asked.saturating_duration_since(read) < CONFIG_AGE
        {
            return Ok(config);
        }
        let config = Arc::new(read_config(reader, tenant, office).await?);
        self.lock().insert(key, (config.clone(), asked));
        Ok(config)
    }

    /// Forgets everything.
    pub(crate) fn clear(&self) {
        self.lock().clear();
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<(TenantId, Option<OfficeId>), Read>> {
        self.configs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn read_config(
    reader: &Reader,
    id: &TenantId,
    office: Option<OfficeId>,
) -> Result<OfficeConfig> {
    let offices = offices(reader, id).await?;
    let chosen = office
        .and_then(|id| offices.iter().find(|candidate| candidate.id == id))
        .or_else(|| offices.first());
    let tenant_name = tenant(reader, id)
        .await?
        .map(|found| found.name)
        .unwrap_or_default();
    Ok(match chosen {
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
    })
}
