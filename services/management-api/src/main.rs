//! `management-api` as a process of the fleet: tokens are an outside issuer's.

use std::{process::ExitCode, sync::Arc};

use accounts::Accounts;
use blobs_gcs::{GcsBlobs, GcsConfig};
use crm::Connectors;
use management_api::{
    AuditConfig, Deps, JobBell, LimitsConfig, Outward,
    auth::{KeyRing, OutsideConfig},
    service,
    sign_in::{
        Postman, SignIn, SignInMailConfig,
        oidc::{Oidc, SignInConfig},
        own_trust,
    },
};
use notify::Channels;
use settings::Reader;
use sources::{ApiSet, Sources};
use store::IdSource;
use url::Url;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

struct Config {
    public_url: Option<Url>,
    tokens: OutsideConfig,
    sign_in: SignInConfig,
    sign_in_mail: Option<SignInMailConfig>,
    notify: notify::Config,
    limits: LimitsConfig,
    sources: sources::Config,
    crm: crm::Config,
    audit: AuditConfig,
    blobs: GcsConfig,
}

impl Config {
    fn read(reader: &mut Reader<'_>) -> Self {
        let public_url = reader.optional_url(
            "PUBLIC_URL",
            "What webhooks' URLs begin with, where senders reach the server by another name.",
        );
        let tokens = OutsideConfig::read(reader);
        let sign_in = SignInConfig::read(reader);
        let sign_in_mail = SignInMailConfig::read(reader);
        if sign_in_mail.is_some() && public_url.is_none() {
            let remedy =
                "SIGN_IN_MAIL_FROM mails links to it: write it as in https://leads.example.com";
            reader.fault("PUBLIC_URL", "it is missing", remedy);
        }
        if sign_in.oidc.is_some() && public_url.is_none() {
            let remedy =
                "OIDC_ISSUER leads people back to it: write it as in https://leads.example.com";
            reader.fault("PUBLIC_URL", "it is missing", remedy);
        }
        Self {
            public_url,
            tokens,
            sign_in,
            sign_in_mail,
            notify: notify::Config::read(reader),
            limits: LimitsConfig::read(reader),
            sources: sources::Config::read(reader),
            crm: crm::Config::read(reader),
            audit: AuditConfig::read(reader),
            blobs: GcsConfig::read(reader),
        }
    }
}

fn main() -> ExitCode {
    fleet::main("management-api", Config::read, async |config, engine| {
        let clock = engine.clock.clone();
        let mut verifier = config.tokens.verifier(engine.http.clone(), clock.clone());
        let url = config.public_url.as_ref().map_or("", Url::as_str);
        let url = url.trim_end_matches('/').to_owned();
        let mut sign_in = None;
        if let Some(session_key) = &config.sign_in.session_key {
            let key = session_key.signing_key()?;
            verifier = verifier.with_own(own_trust(), key.key_set());
            let mut here = SignIn::new(key, own_trust(), clock.clone());
            if let Some(sender) = config.sign_in_mail {
                let channels = Channels::new(&engine.http, &clock, &config.notify);
                here = here.with_mail(Postman::new(sender, &url, &channels));
            }
            if let Some(oidc) = config.sign_in.oidc {
                let admins = oidc.platform_admins.clone();
                let http = engine.http.clone();
                let oidc = Oidc::new(&oidc, &url, session_key, http, clock.clone());
                here = here.with_oidc(oidc?, admins);
            }
            sign_in = Some(Arc::new(here));
        }
        let (http, tokens) = (engine.http.clone(), engine.tokens.clone());
        let blobs = GcsBlobs::open(http, tokens, config.blobs).await?;
        let sources = Sources::standard();
        let mut endpoints = config.crm.token_endpoints();
        endpoints.extend(config.sources.token_endpoints(sources));
        let accounts = Accounts::new(
            engine.store.clone(),
            engine.secrets.clone(),
            engine.http.clone(),
            clock.clone(),
            endpoints,
        );
        let outward = Outward {
            accounts,
            apis: ApiSet::new(&engine.http, &sources, &config.sources),
            crms: Connectors::new(&engine.http, &engine.clock, &config.crm),
            channels: Channels::new(&engine.http, &engine.clock, &config.notify),
            http: engine.http.clone(),
            config: config.audit,
        };
        Ok(service(Deps {
            outward: Some(outward),
            demo: None,
            store: engine.store.clone(),
            bus: engine.bus.clone(),
            sources,
            blobs: Arc::new(blobs),
            secrets: engine.secrets.clone(),
            job_bell: JobBell::default(),
            ids: Arc::new(IdSource::new(clock.clone())),
            api_keys: Arc::new(KeyRing::new(engine.store.clone(), clock.clone())),
            clock,
            verifier: Arc::new(verifier),
            sign_in,
            is_simulated: false,
            public_url: url,
            limits: config.limits,
        }))
    })
}
