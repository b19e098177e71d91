//! What the dashboard orders of the simulated providers: samples, and a refused secret.

use std::{net::SocketAddr, sync::Arc};

use anyhow::{Context as _, bail, ensure};
use domain::{Channel, Clock, RequestId, TenantId};
use futures::future::BoxFuture;
use http_client::Client;
use management_api::{Demo, DemoError, DemoProvider, DemoSample};
use serde_json::{Value, json};
use simulators::{Choices, SIMULATORS, Sample, SimulatorSpec, Urls};

use crate::{demo, samples};

/// What a simulator does that refuses every secret.
const REFUSAL: &str = "revoked_token";

/// The simulated providers of the demo tenant, driven as `pipeline send` and their own control APIs drive them.
pub(crate) struct TryIt {
    http: Client,
    clock: Arc<dyn Clock>,
    /// Where the product takes webhooks.
    server: SocketAddr,
    simulators: Urls,
    tenant: TenantId,
}

impl TryIt {
    /// For the product at this address, whose providers are simulated at these URLs.
    ///
    /// # Errors
    /// When the demo tenant's id is not valid.
    pub(crate) fn new(
        http: Client,
        clock: Arc<dyn Clock>,
        server: SocketAddr,
        simulators: Urls,
    ) -> anyhow::Result<Self> {
        let tenant = TenantId::new(demo::TENANT).context("the demo tenant's id")?;
        Ok(Self {
            http,
            clock,
            server,
            simulators,
            tenant,
        })
    }

    async fn post(&self, sample: DemoSample) -> anyhow::Result<Option<RequestId>> {
        let now = self.clock.now();
        let (channel, recording) = match sample {
            DemoSample::Call => (Channel::Phone, Some("kitchen-quote")),
            DemoSample::Robocall => (Channel::Phone, Some("spam-robocall")),
            DemoSample::OutOfAreaCall => (Channel::Phone, Some("out-of-area")),
            DemoSample::Form => (Channel::Form, None),
        };
        let (source, sample) = usual(channel).context("there is no such sample")?;
        // Numbers that are nobody's, and not always the same person's.
        let number = now.as_millisecond().rem_euclid(100);
        let choices = Choices {
            phone: Some(format!("+173755501{number:02}")),
            recording: recording.map(str::to_owned),
            at: now,
            ..Choices::default()
        };
        let (http, server, simulators) = (&self.http, self.server, &self.simulators);
        let answer = samples::send(http, server, simulators, source, sample, &choices).await?;
        let shown = answer.json::<Value>();
        if !answer.status.is_success() {
            let shown = shown.unwrap_or_default();
            let why = shown["detail"].as_str().unwrap_or("it does not say why");
            bail!("the product answered {}: {why}", answer.status);
        }
        let shown = shown.context("reading the product's answer")?;
        let id = ["request_id", "lead_id"]
            .iter()
            .find_map(|name| shown[name].as_str());
        Ok(id.and_then(|id| id.parse().ok()))
    }

    /// The CRMs in which the tenant has an account, and where their simulators are.
    fn crms(&self) -> impl Iterator<Item = (&'static SimulatorSpec, &str)> {
        let is_crm = |slug: &str| {
            let mut providers = catalogue::providers().into_iter();
            providers.any(|provider| provider.slug == slug && provider.is_crm)
        };
        let specs = SIMULATORS
            .iter()
            .filter(move |spec| spec.demo.is_some() && is_crm(spec.slug));
        specs.filter_map(|spec| Some((spec, self.simulators.get(spec.slug)?.as_str())))
    }

    async fn all(&self) -> anyhow::Result<Vec<DemoProvider>> {
        let mut all = Vec::new();
        for (spec, url) in self.crms() {
            let answer = self.http.get(format!("{url}/_sim/faults")).send().await?;
            let shown: Value = answer.json()?;
            let faults = shown["faults"].as_array();
            let is_refusing = faults
                .into_iter()
                .flatten()
                .any(|injected| injected["fault"]["kind"] == REFUSAL);
            all.push(DemoProvider {
                provider: spec.slug.to_owned(),
                secret: spec.credential.to_owned(),
                is_refusing,
            });
        }
        Ok(all)
    }

    async fn inject(&self, provider: &str) -> anyhow::Result<()> {
        let (_, url) = self
            .crms()
            .find(|(spec, _)| spec.slug == provider)
            .context("no such provider is simulated")?;
        // Without a number of times it lasts; one is enough.
        self.clear(url).await?;
        let body = json!({ "fault": { "kind": REFUSAL }, "times": null });
        let answer = self.http.post(format!("{url}/_sim/faults")).json(&body);
        let answer = answer.send().await?;
        ensure!(answer.status.is_success(), "{}", answer.text_lossy(500));
        Ok(())
    }

    async fn clear(&self, url: &str) -> anyhow::Result<()> {
        let answer = self
            .http
            .delete(format!("{url}/_sim/faults"))
            .send()
            .await?;
        ensure!(answer.status.is_success(), "{}", answer.text_lossy(500));
        Ok(())
    }

    async fn clear_all(&self) -> anyhow::Result<()> {
        for (_, url) in self.crms() {
            self.clear(url).await?;
        }
        Ok(())
    }
}

/// The usual sample of the first source whose leads come by this channel.
fn usual(channel: Channel) -> Option<(&'static str, &'static Sample)> {
    let mut sources = ::sources::SOURCES.iter().map(|source| source.spec());
    sources.find_map(|spec| {
        let is_meant = spec.channels.first() == Some(&channel);
        let sample = is_meant
            .then(|| samples::of(spec.slug, None).ok())
            .flatten();
        sample.map(|sample| (spec.slug, sample))
    })
}

impl Demo for TryIt {
    fn tenant(&self) -> &TenantId {
        &self.tenant
    }

    fn samples(&self) -> Vec<DemoSample> {
        vec![
            DemoSample::Call,
            DemoSample::Robocall,
            DemoSample::OutOfAreaCall,
            DemoSample::Form,
        ]
    }

    fn send(&self, sample: DemoSample) -> BoxFuture<'_, Result<Option<RequestId>, DemoError>> {
        Box::pin(async move { Ok(self.post(sample).await?) })
    }

    fn providers(&self) -> BoxFuture<'_, Result<Vec<DemoProvider>, DemoError>> {
        Box::pin(async { Ok(self.all().await?) })
    }

    fn refuse<'a>(&'a self, provider: &'a str) -> BoxFuture<'a, Result<(), DemoError>> {
        Box::pin(async move { Ok(self.inject(provider).await?) })
    }

    fn mend(&self) -> BoxFuture<'_, Result<(), DemoError>> {
        Box::pin(async { Ok(self.clear_all().await?) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_and_forms_have_samples() {
        for channel in [Channel::Phone, Channel::Form] {
            assert!(usual(channel).is_some(), "{channel:?}");
        }
    }
}
