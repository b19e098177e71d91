//! `pipeline send`.

use std::path::PathBuf;

use anyhow::{Context as _, bail};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use clap::ValueEnum;
use domain::Clock as _;
use hmac::{Hmac, KeyInit as _, Mac as _};
use http_client::{Client, Options};
use runtime::SystemClock;
use secrecy::SecretString;
use serde_json::{Value, json};
use settings::Settings;
use sha1::Sha1;

use super::{data_dir, say};
use crate::{
    data_folder::{Simulated, running_server},
    demo,
};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Whose sample.
    source: Sample,
    /// Which event.
    #[arg(default_value = "post-call")]
    event: Event,
    /// The data folder of the running server. Default: the setting `DATA_DIR`, else `.data`.
    #[arg(long, value_name = "FOLDER")]
    data_dir: Option<PathBuf>,
    /// The call's id, to send a later event of a call that is known. Default: a fresh one.
    #[arg(long, value_name = "CAL…")]
    call: Option<String>,
    /// The caller's number.
    #[arg(long, value_name = "NUMBER")]
    caller: Option<String>,
    /// The recording that the simulated CallRail has for the call: kitchen-quote, bathroom-leak, out-of-area, …
    #[arg(long, value_name = "NAME")]
    recording: Option<String>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Sample {
    Callrail,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Event {
    PostCall,
    CallModified,
}

pub(super) async fn run(settings: &Settings, args: Args) -> anyhow::Result<()> {
    let Sample::Callrail = args.source;
    let server = running_server(&data_dir(settings, args.data_dir)?)?;
    let http = Client::new(Options {
        allow_loopback: true,
        ..Options::default()
    })?;
    let call = args
        .call
        .clone()
        .unwrap_or_else(|| format!("CAL{}", hex::encode(rand::random::<[u8; 16]>())));
    if let Some(recording) = &args.recording {
        let simulators = server
            .simulators
            .as_ref()
            .context("--recording needs a server with simulated providers")?;
        choose_recording(&http, simulators, &call, recording).await?;
    }
    let body = sample(args.event, &call, args.caller.as_deref())?;
    let name = match args.event {
        Event::PostCall => "post-call",
        Event::CallModified => "call-modified",
    };
    let url = format!(
        "http://{}/v1/hooks/{}/{name}",
        server.address,
        demo::CALLRAIL_TOKEN
    );
    let answer = http
        .post(url)
        .secret_header("signature", &SecretString::from(signature(&body)?))
        .body("application/json", body)
        .send()
        .await
        .with_context(|| format!("posting to {}", server.address))?;
    let shown: Value = answer.json().context("reading the server's answer")?;
    say(&serde_json::to_string_pretty(&shown)?)?;
    if !answer.status.is_success() {
        bail!("the server answered {}", answer.status);
    }
    Ok(())
}

/// A sample with fresh ids and the present time.
fn sample(event: Event, call: &str, caller: Option<&str>) -> anyhow::Result<Vec<u8>> {
    let text = match event {
        Event::PostCall => include_str!("../samples/callrail-post-call.json"),
        Event::CallModified => include_str!("../samples/callrail-call-modified.json"),
    };
    let mut body: Value = serde_json::from_str(text)?;
    let now = SystemClock::default().now();
    let fields = body.as_object_mut().context("a sample is an object")?;
    fields.insert("resource_id".to_owned(), json!(call));
    // The call's number follows from its id, so that later events of one call carry the same.
    let number = call.bytes().fold(0u32, |number, byte| {
        number.wrapping_mul(31).wrapping_add(u32::from(byte))
    });
    fields.insert(
        "id".to_owned(),
        json!(100_000_000 + u64::from(number % 900_000_000)),
    );
    for key in ["start_time", "created_at", "timestamp"] {
        fields.insert(key.to_owned(), json!(now.to_string()));
    }
    if let Some(caller) = caller {
        fields.insert("customer_phone_number".to_owned(), json!(caller));
    }
    Ok(serde_json::to_vec(&body)?)
}

/// As CallRail signs: HMAC-SHA1 in base64. Source: CallRail API reference, "Validating payloads".
fn signature(body: &[u8]) -> anyhow::Result<String> {
    let mut mac = Hmac::<Sha1>::new_from_slice(demo::CALLRAIL_SIGNING_KEY.as_bytes())?;
    mac.update(body);
    Ok(STANDARD.encode(mac.finalize().into_bytes()))
}

async fn choose_recording(
    http: &Client,
    simulators: &Simulated,
    call: &str,
    recording: &str,
) -> anyhow::Result<()> {
    let answer = http
        .put(format!("{}/_sim/calls/{call}", simulators.callrail))
        .json(&json!({ "recording": recording }))
        .send()
        .await
        .context("asking the simulated CallRail")?;
    if !answer.status.is_success() {
        bail!(
            "the simulated CallRail has no recording `{recording}`: {}",
            answer.text_lossy(500)
        );
    }
    Ok(())
}
