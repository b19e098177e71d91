//! The fleet on this machine, for whoever wants to try it: `make fleet`.
#![expect(clippy::print_stdout, reason = "it talks to a person")]

use std::{path::PathBuf, process::ExitCode};

use anyhow::Context as _;
use clap::Parser;
use pipeline::demo;
use tests::fleet::{Fleet, FleetOptions, PLATFORM_ADMIN};

/// Google's emulators, simulated providers and the six services, each as a process of its own.
#[derive(Parser)]
struct Args {
    /// The port of the front; 0 takes any free one.
    #[arg(long, default_value_t = 8080)]
    port: u16,
    /// The folder of the key that signs tokens, and of the logs. Nothing is left when the fleet ends in order.
    #[arg(long, default_value = ".data-fleet")]
    data_dir: PathBuf,
}

#[tokio::main]
async fn main() -> ExitCode {
    runtime::exit_code(run(Args::parse()).await)
}

async fn run(args: Args) -> anyhow::Result<()> {
    let itself = std::env::current_exe()?;
    let programs = itself.parent().context("a program lies in a folder")?;
    println!("Starting Google's emulators, the simulated providers and six services …");
    let options = FleetOptions {
        port: args.port,
        programs: programs.to_owned(),
        ingest: "webhook-ingest",
        settings: Vec::new(),
        simulators: simulators::Config::default(),
    };
    let fleet = tokio::select! {
        started = Box::pin(Fleet::start(&args.data_dir, options)) => started?,
        () = runtime::shutdown_signal() => return Ok(()),
    };
    greet(&fleet, &programs.join("pipeline").display().to_string());
    runtime::shutdown_signal().await;
    println!("Ending …");
    fleet.end()
}

/// What is where, and what to try.
fn greet(fleet: &Fleet, program: &str) {
    let (base, urls) = (fleet.base(), fleet.simulators.urls());
    let folder = fleet.folder.path().display();
    let (program, quoted) = (quoted(program), quoted(&folder.to_string()));
    println!(
        "\nThe fleet is up: six services on emulated Spanner and Pub/Sub, other providers simulated.\n\
         \n  dashboard         {base} (sign in at the simulated issuer as {PLATFORM_ADMIN})\
         \n  API and webhooks  {base} (a front that stands for the load balancer)\
         \n  Spanner           {} (gRPC), {} (REST), {}/{}/{}\
         \n  Pub/Sub           {}\
         \n  logs              {folder}/*.log\
         \n  demo tenant       {} (Demo Company, Austin TX)\
         \n  its webhook URL   {base}/v1/hooks/{}/post-call\
         \n  simulators        CallRail {}, HubSpot {}, SendGrid {}, Cloud Storage {}",
        fleet.spanner.grpc,
        fleet.spanner.rest,
        fleet.database.project,
        fleet.database.instance,
        fleet.database.database,
        fleet.pubsub.endpoint,
        demo::TENANT,
        demo::token("callrail"),
        urls["callrail"],
        urls["hubspot"],
        urls["sendgrid"],
        urls["storage"],
    );
    for instance in &fleet.instances {
        let process = instance.process().unwrap_or_default();
        println!("  {:<17} process {process}", instance.name.as_str());
    }
    println!("\nTry it; each line works as it stands, from any folder:\n");
    println!("{program} send callrail --data-dir {quoted}");
    println!(
        "curl -sS -H \"Authorization: Bearer $({program} token --data-dir {quoted})\" {base}/v1/tenants/{}/requests",
        demo::TENANT
    );
    println!(
        "curl -sS {}/_sim/view\n\nCtrl-C ends it all.\n",
        urls["hubspot"]
    );
}

/// Text as one word of a shell.
fn quoted(text: &str) -> String {
    let is_plain = text
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || b"/._-+".contains(&byte));
    if is_plain {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}
