//! `pipeline send`.

use std::path::PathBuf;

use anyhow::{Context as _, bail};
use clap::builder::PossibleValuesParser;
use domain::Clock as _;
use http::Method;
use http_client::{Client, Options};
use runtime::SystemClock;
use serde_json::{Value, json};
use settings::Settings;
use simulators::Choices;

use super::{api::Api, data_dir, say};
use crate::{data_folder::running_server, demo, samples};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The provider that a sample is from.
    /// `lead` posts one to the direct API.
    #[arg(value_parser = PossibleValuesParser::new(samples::all().map(|(slug, _)| slug).chain([LEAD])))]
    source: String,
    /// The event. Default: the provider's usual one. A wrong one is answered with the list.
    event: Option<String>,
    /// The data folder of the running server. Default: the setting `DATA_DIR`, else `.data`.
    #[arg(long, value_name = "FOLDER")]
    data_dir: Option<PathBuf>,
    /// The provider's id of the call, or of whatever the sample is about, to send a later event of one that is known.
    /// Default: a fresh one.
    #[arg(long, value_name = "ID")]
    call: Option<String>,
    /// The person's telephone number.
    #[arg(long, value_name = "NUMBER")]
    caller: Option<String>,
    /// The recording that the simulated provider has for it: kitchen-quote, bathroom-leak, out-of-area, …
    #[arg(long, value_name = "NAME")]
    recording: Option<String>,
    /// The person's own words, where the sample is a text message or a form.
    #[arg(long, value_name = "TEXT")]
    words: Option<String>,
}

/// In the place of a provider: a lead that another system posts to the direct API.
const LEAD: &str = "lead";

/// Who posts, as the audit log shows it.
const DEMO: &str = "demo";

/// Samples are signed with the demo tenant's keys, and posted to its URLs.
///
/// # Errors
/// When the server has no such tenant.
async fn needs_demo(api: &Api) -> anyhow::Result<()> {
    let path = format!("/v1/tenants/{}", demo::TENANT);
    if let Err(error) = api.call(Method::GET, &path, None, None).await {
        bail!(
            "samples are the demo tenant's, and this server has none ({error}): send to one that was started without --no-demo"
        );
    }
    Ok(())
}

pub(super) async fn run(settings: &Settings, args: Args) -> anyhow::Result<()> {
    if args.source == LEAD {
        return send_lead(settings, args).await;
    }
    let sample = samples::of(&args.source, args.event.as_deref())?;
    let folder = data_dir(settings, args.data_dir)?;
    let server = running_server(&folder)?;
    let api = Api::open(settings, &folder, DEMO.to_owned()).await?;
    needs_demo(&api).await?;
    let http = Client::new(Options {
        allow_loopback: true,
        ..Options::default()
    })?;
    let choices = Choices {
        id: args.call,
        phone: args.caller,
        recording: args.recording,
        words: args.words,
        at: SystemClock::default().now(),
    };
    let address = server.address;
    let answer = samples::send(
        &http,
        address,
        &server.simulators,
        &args.source,
        sample,
        &choices,
    );
    let answer = answer.await?;
    let shown: Value = answer.json().context("reading the server's answer")?;
    say(&serde_json::to_string_pretty(&shown)?)?;
    if !answer.status.is_success() {
        bail!("the server answered {}", answer.status);
    }
    Ok(())
}

/// Posts a lead of the demo tenant to the direct API; one that is known by its id is changed.
async fn send_lead(settings: &Settings, args: Args) -> anyhow::Result<()> {
    let folder = data_dir(settings, args.data_dir)?;
    running_server(&folder)?;
    let api = Api::open(settings, &folder, DEMO.to_owned()).await?;
    needs_demo(&api).await?;
    let now = SystemClock::default().now();
    let id = args.call;
    let id = id.unwrap_or_else(|| format!("demo-{}", now.as_millisecond()));
    let phone = args.caller;
    let phone = phone.unwrap_or_else(|| "(512) 555-0188".to_owned());
    let lead = json!({
        "external_id": id,
        "occurred_at": now,
        "contact": { "name": "Nora Whitlock", "phone": phone, "email": "nora.whitlock@example.com" },
        "place": { "address": "1204 Cedar Bend", "city": "Round Rock", "state": "Texas", "postal_code": "78664" },
        "project": { "type": "Bathroom", "budget": "$25,000", "timeline": "this spring" },
        "message": "We would like a quote for remodeling our bathroom with a walk-in shower.",
        "attribution": {
            "first": { "source": "google", "medium": "cpc", "campaign": "bath-remodel", "gclid": "demo-click" },
            "last": { "source": "newsletter", "landing_page": "https://demo.example.com/baths" },
        },
        "consent": { "text": "You may call and text me about my project.", "at": now },
    });
    let path = format!("/v1/tenants/{}/leads", demo::TENANT);
    let answer = api.call(Method::POST, &path, Some(&lead), None).await?;
    say(&serde_json::to_string_pretty(&answer)?)
}
