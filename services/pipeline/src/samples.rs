//! Samples of webhooks, sent as their providers send them: to the demo tenant's URLs, signed with its keys.

use std::net::SocketAddr;

use anyhow::{Context as _, bail};
use http_client::{Client, Response};
use secrecy::SecretString;
use serde_json::Value;
use simulators::{Choices, SIMULATORS, Sample, SampleDelivery, Urls};

use crate::demo;

/// The providers that have samples.
pub fn all() -> impl Iterator<Item = (&'static str, &'static [Sample])> {
    let demos = SIMULATORS
        .iter()
        .filter_map(|spec| Some((spec, spec.demo?)));
    demos
        .filter(|(_, demo)| !demo.samples.is_empty())
        .map(|(spec, demo)| (spec.slug, demo.samples))
}

/// The sample of an event, or of the provider's usual one.
///
/// # Errors
/// When the provider has no such sample; names those that it has.
pub fn of(source: &str, event: Option<&str>) -> anyhow::Result<&'static Sample> {
    let samples = all().find(|(slug, _)| *slug == source);
    let samples = samples.map(|(_, samples)| samples).unwrap_or_default();
    let is_meant = |sample: &&Sample| event.is_none_or(|event| sample.event == event);
    samples.iter().find(is_meant).with_context(|| {
        let events: Vec<_> = samples.iter().map(|sample| sample.event).collect();
        format!(
            "{source} has no such sample: choose one of {}",
            events.join(", ")
        )
    })
}

/// Posts a sample to a server, having given the simulated provider what it is about.
///
/// # Errors
/// When the server cannot be reached, or the simulated provider is not there or refuses. What the server answers is no
/// error.
pub async fn send(
    http: &Client,
    server: SocketAddr,
    simulators: &Urls,
    source: &str,
    sample: &Sample,
    choices: &Choices,
) -> anyhow::Result<Response> {
    let SampleDelivery {
        content_type,
        signature,
        body,
        preparation,
        ..
    } = sample.deliver(choices);
    if let Some((path, content)) = preparation {
        let url = simulators
            .get(source)
            .context("this sample needs a server with simulated providers")?;
        prepare(http, source, &format!("{url}{path}"), &content).await?;
    }
    let path = demo::hook_of(source, sample.event);
    let url = format!("http://{server}{path}");
    let request = signature
        .into_iter()
        .fold(http.post(url), |request, (header, value)| {
            request.secret_header(header, &SecretString::from(value))
        });
    request
        .body(content_type, body)
        .send()
        .await
        .with_context(|| format!("posting to {server}"))
}

/// Gives the simulated provider what the sample is about.
async fn prepare(http: &Client, source: &str, url: &str, content: &Value) -> anyhow::Result<()> {
    let answer = http.put(url).json(content).send();
    let answer = answer.await.context("asking the simulated provider")?;
    if !answer.status.is_success() {
        bail!("the simulated {source} refused: {}", answer.text_lossy(500));
    }
    Ok(())
}
