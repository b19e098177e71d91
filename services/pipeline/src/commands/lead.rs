//! `pipeline lead`.

use std::{
    fs::File,
    io::{self, Read as _},
    path::PathBuf,
};

use anyhow::{Context as _, bail};
use domain::OfficeId;
use http::Method;
use serde_json::{Map, Value, json};

use super::{api::Flags, session::TenantSession, table::cell};

/// The largest file that is read: as much as the API takes.
const MAX_BYTES: u64 = 256 * 1024;

/// What stands for the members of a lead on the command line.
const FLAGS: Flags = &[
    ("contact.name", "--name"),
    ("contact.phone", "--phone"),
    ("contact.email", "--email"),
    ("contact", "--name, --phone or --email"),
    ("place.address", "--address"),
    ("place.city", "--city"),
    ("place.state", "--state"),
    ("place.postal_code", "--zip"),
    ("project.type", "--project"),
    ("project.budget", "--budget"),
    ("project.timeline", "--timeline"),
    ("message", "--message"),
    ("office_id", "--office"),
    ("external_id", "--external-id"),
    ("Idempotency-Key", "--idempotency-key"),
];

#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Posts a lead that came by another way, such as a card from a home show.
    #[command(after_help = "Examples:\n  \
        pipeline lead add --name 'Ann Lee' --phone '512 555 0142' --message 'We want a new kitchen.'\n  \
        pipeline lead add --file lead.json\n  \
        echo '{\"contact\": {\"email\": \"ann@example.com\"}}' | pipeline lead add --file -")]
    Add(Box<AddArgs>),
}

#[derive(Debug, clap::Args)]
pub(super) struct AddArgs {
    /// The whole lead as JSON, as `POST /v1/tenants/{tenant_id}/leads` takes it; `-` for the standard input. The other
    /// options add to it.
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,
    /// The person's name.
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// Their telephone number.
    #[arg(long, value_name = "NUMBER")]
    phone: Option<String>,
    /// Their e-mail address.
    #[arg(long, value_name = "ADDRESS")]
    email: Option<String>,
    /// The street address of the project.
    #[arg(long, value_name = "ADDRESS")]
    address: Option<String>,
    /// The town.
    #[arg(long, value_name = "TOWN")]
    city: Option<String>,
    /// The state.
    #[arg(long, value_name = "STATE")]
    state: Option<String>,
    /// The ZIP code.
    #[arg(long, value_name = "CODE")]
    zip: Option<String>,
    /// What is to be remodeled.
    #[arg(long, value_name = "TYPE")]
    project: Option<String>,
    /// What it may cost, in the person's words.
    #[arg(long, value_name = "WORDS")]
    budget: Option<String>,
    /// When it should begin, in the person's words.
    #[arg(long, value_name = "WORDS")]
    timeline: Option<String>,
    /// What the person said or wrote.
    #[arg(long, value_name = "WORDS")]
    message: Option<String>,
    /// The office that it is for. Default: the tenant's first.
    #[arg(long, value_name = "OFFICE")]
    office: Option<OfficeId>,
    /// Another system's id of the lead: a later post with the same one changes this lead.
    #[arg(long, value_name = "ID")]
    external_id: Option<String>,
    /// The name of this call: with the same one, it can be repeated safely.
    #[arg(long, value_name = "KEY")]
    idempotency_key: Option<String>,
}

pub(super) async fn run(tenant: &mut TenantSession<'_>, command: Command) -> anyhow::Result<()> {
    let Command::Add(args) = command;
    // What a file says is told by its own paths.
    if args.file.is_none() {
        tenant.says(FLAGS);
    }
    let key = args.idempotency_key.clone();
    let body = args.body()?;
    let added = tenant
        .call(Method::POST, "leads", Some(&body), key.as_deref())
        .await?;
    tenant.session.show(&added, |session| {
        let request = cell(&added["request_id"]);
        session.say(&match added["status"].as_str() {
            Some("duplicate") => format!("It was posted before: it is the request {request}."),
            _ => format!("The lead is stored as the request {request}."),
        })?;
        for warning in added["warnings"].as_array().into_iter().flatten() {
            let (field, message) = (cell(&warning["field"]), cell(&warning["message"]));
            session.say(&format!("{field}: {message}"))?;
        }
        Ok(())
    })?;
    tenant.session.say_when_it_runs()
}

impl AddArgs {
    fn body(self) -> anyhow::Result<Value> {
        let mut body = match &self.file {
            Some(file) => read(file)?,
            None => json!({ "contact": {} }),
        };
        let Some(members) = body.as_object_mut() else {
            bail!("the file holds no lead: write it as {{\"contact\": {{…}}, …}}");
        };
        let office = self.office.map(|office| office.to_string());
        for (part, name, value) in [
            ("contact", "name", self.name),
            ("contact", "phone", self.phone),
            ("contact", "email", self.email),
            ("place", "address", self.address),
            ("place", "city", self.city),
            ("place", "state", self.state),
            ("place", "postal_code", self.zip),
            ("project", "type", self.project),
            ("project", "budget", self.budget),
            ("project", "timeline", self.timeline),
            ("", "message", self.message),
            ("", "office_id", office),
            ("", "external_id", self.external_id),
        ] {
            let Some(value) = value else { continue };
            let part = match part {
                "" => &mut *members,
                part => {
                    let part = members.entry(part).or_insert_with(|| Map::new().into());
                    let Some(part) = part.as_object_mut() else {
                        continue; // The API says what is wrong with it.
                    };
                    part
                }
            };
            part.insert(name.to_owned(), value.into());
        }
        Ok(body)
    }
}

fn read(file: &PathBuf) -> anyhow::Result<Value> {
    let mut text = String::new();
    let read = if file.as_os_str() == "-" {
        io::stdin().take(MAX_BYTES).read_to_string(&mut text)
    } else {
        File::open(file).and_then(|opened| opened.take(MAX_BYTES).read_to_string(&mut text))
    };
    read.with_context(|| format!("reading {}", file.display()))?;
    serde_json::from_str(&text).with_context(|| format!("{} is not JSON", file.display()))
}
