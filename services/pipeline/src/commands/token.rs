//! `pipeline token`.

use std::{path::PathBuf, time::Duration};

use anyhow::bail;
use domain::{Clock as _, TenantId};
use management_api::auth::{Grant, Role, SigningKey};
use runtime::SystemClock;
use secrecy::ExposeSecret as _;
use settings::Settings;

use super::{data_dir, say};
use crate::{app::trust, demo};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The data folder whose key signs. Default: the setting `DATA_DIR`, else `.data`.
    #[arg(long, value_name = "FOLDER")]
    data_dir: Option<PathBuf>,
    /// A tenant that the bearer may see; can be repeated. Default: the demo tenant.
    #[arg(long = "tenant", value_name = "TENANT", default_value = demo::TENANT)]
    tenants: Vec<TenantId>,
    /// What the bearer may do.
    #[arg(long, value_name = "ROLE", default_value = "tenant_admin")]
    role: Role,
    /// Who the bearer is, as audit logs show it.
    #[arg(long, value_name = "NAME", default_value = "operator")]
    subject: String,
    /// How many minutes the token is good for.
    #[arg(long, value_name = "MINUTES", default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..=1440))]
    minutes: u64,
}

pub(super) fn run(settings: &Settings, args: Args) -> anyhow::Result<()> {
    let folder = data_dir(settings, args.data_dir)?;
    if !folder.join("keys/jwt.pk8").exists() {
        bail!(
            "the data folder {} has no key yet: start a server on it first (`make run`)",
            folder.display()
        );
    }
    let key = SigningKey::open(&folder)?;
    let grant = Grant {
        subject: args.subject,
        roles: vec![args.role],
        tenants: args.tenants,
        valid_for: Duration::from_secs(args.minutes * 60),
    };
    let token = key.mint(&trust(), &grant, SystemClock::default().now())?;
    say(token.expose_secret())
}
