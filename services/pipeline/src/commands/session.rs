//! What every handle for people has in common: whose data, which tenant, and how answers are shown.

use std::{io::Write, path::PathBuf};

use anyhow::bail;
use domain::{ConnectionName, OfficeId, TenantId};
use http::Method;
use http_client::Streaming;
use serde_json::Value;
use settings::Settings;

use super::{
    api::{Api, Refused},
    data_dir,
    table::table,
};

/// The header that says which version is changed.
const IF_MATCH: &str = "if-match";
/// Tenants that an error names at most.
const MAX_NAMED: usize = 20;

/// Options of every handle.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Whose data, and how it is shown")]
pub(super) struct Common {
    /// The data folder. Default: the setting `DATA_DIR`, else `.data`.
    #[arg(long, value_name = "FOLDER", global = true)]
    pub(super) data_dir: Option<PathBuf>,
    /// Prints the API's answer as JSON.
    #[arg(long, global = true)]
    json: bool,
    /// Who you are, as the audit log shows it. Default: the name of your user.
    #[arg(long = "as", value_name = "NAME", global = true)]
    actor: Option<String>,
}

/// What every handle for one tenant is told.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Whose data, and how it is shown")]
pub(super) struct TenantArgs<C: clap::Subcommand> {
    /// The tenant. Default: the only one there is.
    #[arg(long, value_name = "TENANT", global = true)]
    tenant: Option<TenantId>,
    #[command(flatten)]
    common: Common,
    #[command(subcommand)]
    command: C,
}

/// How much of a list is shown.
#[derive(Debug, clap::Args)]
pub(super) struct Paging {
    /// At most so many.
    #[arg(long, value_name = "NUMBER", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=200))]
    limit: u32,
    /// Goes on behind a page: the cursor that it ended with.
    #[arg(long, value_name = "CURSOR")]
    cursor: Option<String>,
}

impl Paging {
    /// As parameters of a query.
    pub(super) fn query(&self) -> Vec<(&'static str, String)> {
        let limit = ("limit", self.limit.to_string());
        let cursor = self.cursor.clone().map(|cursor| ("cursor", cursor));
        [Some(limit), cursor].into_iter().flatten().collect()
    }
}

/// Of which time a list is.
#[derive(Debug, clap::Args)]
pub(super) struct Period {
    /// Only what was then or later: a day (2026-11-27) by the office's clock, or a time (2026-11-27T14:00:00Z).
    #[arg(long, value_name = "WHEN")]
    since: Option<String>,
    /// Only what was up to the end of this day, or before this time.
    #[arg(long, value_name = "WHEN")]
    until: Option<String>,
}

impl Period {
    /// As parameters of a query.
    pub(super) fn query(&self) -> Vec<(&'static str, String)> {
        let times = [("from", &self.since), ("to", &self.until)].into_iter();
        times
            .filter_map(|(name, when)| Some((name, when.clone()?)))
            .collect()
    }
}

/// A command at work on a data folder.
pub(super) struct Session<'a> {
    pub(super) api: Api,
    out: &'a mut dyn Write,
    is_json: bool,
}

/// A command at work for one tenant.
pub(super) struct TenantSession<'a> {
    /// What is printed, and how.
    pub(super) session: Session<'a>,
    /// How the program is set.
    pub(super) settings: &'a Settings,
    base: String,
}

impl<'a> Session<'a> {
    pub(super) async fn open(
        settings: &Settings,
        common: &Common,
        out: &'a mut dyn Write,
    ) -> anyhow::Result<Self> {
        let folder = data_dir(settings, common.data_dir.clone())?;
        let user = settings.load(|reader| reader.optional::<String>("USER", ""))?;
        let actor = common.actor.clone().or(user);
        let actor = actor.unwrap_or_else(|| "operator".to_owned());
        Ok(Self {
            api: Api::open(settings, &folder, actor).await?,
            out,
            is_json: common.json,
        })
    }

    /// Every tenant.
    pub(super) async fn tenants(&self) -> anyhow::Result<Vec<Value>> {
        self.items("/v1/tenants").await
    }

    /// Everything in a list, page by page.
    async fn items(&self, path: &str) -> anyhow::Result<Vec<Value>> {
        let (mut all, mut query) = (Vec::new(), vec![("limit", "200".to_owned())]);
        loop {
            let mut page = self.get(path, &query).await?;
            if let Value::Array(items) = page["items"].take() {
                all.extend(items);
            }
            match page["next_cursor"].as_str() {
                Some(cursor) => {
                    query.truncate(1);
                    query.push(("cursor", cursor.to_owned()));
                }
                None => return Ok(all),
            }
        }
    }

    /// Asks for something that is no tenant's.
    pub(super) async fn get(&self, path: &str, query: &[(&str, String)]) -> anyhow::Result<Value> {
        let path = with_query(path, query);
        self.api.call(Method::GET, &path, None, None).await
    }

    /// Prints a line.
    pub(super) fn say(&mut self, line: &str) -> anyhow::Result<()> {
        super::print(self.out, line)
    }

    /// Prints an answer as JSON where that is wanted, else as `show` does.
    pub(super) fn show(
        &mut self,
        answer: &Value,
        show: impl FnOnce(&mut Self) -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        if self.is_json {
            let json = serde_json::to_string_pretty(answer)?;
            return self.say(&json);
        }
        show(self)
    }

    /// Prints a page of a list as a table; `empty` is said where there is nothing.
    pub(super) fn show_list(
        &mut self,
        page: &Value,
        columns: &[(&str, &str)],
        empty: &str,
    ) -> anyhow::Result<()> {
        self.show(page, |session| {
            let items = page["items"].as_array().cloned().unwrap_or_default();
            if items.is_empty() {
                return session.say(empty);
            }
            session.say(&table(columns, &items))?;
            match page["next_cursor"].as_str() {
                Some(cursor) => session.say(&format!("There are more: --cursor {cursor}")),
                None => Ok(()),
            }
        })
    }

    /// Says when what is due will run, where no server runs that would do it now.
    pub(super) fn say_when_it_runs(&mut self) -> anyhow::Result<()> {
        if self.api.is_alone() && !self.is_json {
            self.say("No server runs on this data folder: what is due runs when one starts.")?;
        }
        Ok(())
    }
}

/// Does what is asked for one tenant: where its data are, whose they are and how answers are shown is found out here, for
/// every such command alike.
pub(super) async fn for_tenant<C: clap::Subcommand>(
    settings: &Settings,
    args: TenantArgs<C>,
    out: &mut dyn Write,
    run: impl AsyncFnOnce(&mut TenantSession<'_>, C) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let (mut tenant, command) = args.open(settings, out).await?;
    run(&mut tenant, command).await
}

impl<C: clap::Subcommand> TenantArgs<C> {
    /// What is to be done.
    pub(super) const fn command(&self) -> &C {
        &self.command
    }

    /// Finds the tenant, the one that is named, else the only one; and what is to be done for it.
    async fn open<'a>(
        self,
        settings: &'a Settings,
        out: &'a mut dyn Write,
    ) -> anyhow::Result<(TenantSession<'a>, C)> {
        let session = Session::open(settings, &self.common, out).await?;
        let tenants = session.tenants().await?;
        let mut known = tenants
            .iter()
            .filter_map(|tenant| tenant["tenant_id"].as_str());
        let tenant = match (&self.tenant, tenants.len()) {
            (_, 0) => bail!("there is no tenant yet: create one with `pipeline tenant create`"),
            (Some(given), _) if known.clone().any(|id| id == given.as_str()) => given.to_string(),
            (None, 1) => known.next().unwrap_or_default().to_owned(),
            (Some(given), _) => bail!("there is no tenant `{given}`: there are {}", named(known)),
            (None, _) => bail!("say which tenant (--tenant): there are {}", named(known)),
        };
        let base = format!("/v1/tenants/{tenant}");
        let tenant = TenantSession {
            session,
            settings,
            base,
        };
        Ok((tenant, self.command))
    }
}

impl TenantSession<'_> {
    /// The tenant's id.
    pub(super) fn id(&self) -> &str {
        self.base.rsplit('/').next().unwrap_or_default()
    }

    /// Asks for something under the tenant.
    pub(super) async fn get(&self, path: &str, query: &[(&str, String)]) -> anyhow::Result<Value> {
        let path = format!("{}/{path}", self.base);
        self.session.get(&path, query).await
    }

    /// Refuses to call the provider of a connection where it cannot be: see [`Api::needs_provider`]. What is not there is
    /// told by the call itself.
    pub(super) async fn needs_provider_of(
        &self,
        connection: &ConnectionName,
    ) -> anyhow::Result<()> {
        if !self.session.api.is_alone() {
            return Ok(());
        }
        for known in self.items("connections").await? {
            if known["name"] == connection.as_str() {
                let provider = known["provider"].as_str().unwrap_or_default();
                self.session.api.needs_provider(provider)?;
            }
        }
        Ok(())
    }

    /// Everything in a list under the tenant.
    pub(super) async fn items(&self, path: &str) -> anyhow::Result<Vec<Value>> {
        self.session.items(&format!("{}/{path}", self.base)).await
    }

    /// Listens to a stream under the tenant, behind the event with this id.
    pub(super) async fn listen(
        &self,
        path: &str,
        after: Option<&str>,
    ) -> anyhow::Result<Streaming> {
        let path = format!("{}/{path}", self.base);
        self.session.api.listen(&path, after).await
    }

    /// Has something done under the tenant.
    pub(super) async fn call(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
        idempotency_key: Option<&str>,
    ) -> anyhow::Result<Value> {
        let path = format!("{}/{path}", self.base);
        let api = &self.session.api;
        api.call(method, &path, body, idempotency_key).await
    }
}

impl TenantSession<'_> {
    /// The office that is meant: the one that is named, else the only one. Its path, under the tenant.
    pub(super) async fn office(&self, named: Option<OfficeId>) -> anyhow::Result<String> {
        if let Some(office) = named {
            return Ok(format!("offices/{office}"));
        }
        let list = self.get("offices", &[]).await?;
        let offices = list["items"].as_array().map_or(&[][..], Vec::as_slice);
        let id = |office: &Value| office["office_id"].as_str().unwrap_or_default().to_owned();
        match offices {
            [] => bail!("the tenant has no office yet: add one with `pipeline office add`"),
            [only] => Ok(format!("offices/{}", id(only))),
            offices => {
                let ids: Vec<_> = offices.iter().map(id).collect();
                bail!("say which office (--office): there are {}", ids.join(", "))
            }
        }
    }

    /// Has a version of something changed under the tenant, and no other. Where somebody else was faster, both versions
    /// are printed as JSON, if JSON is wanted; else the refusal says them.
    pub(super) async fn change(
        &mut self,
        method: Method,
        path: &str,
        body: Option<&Value>,
        version: u64,
    ) -> anyhow::Result<Value> {
        let path = format!("{}/{path}", self.base);
        let tag = format!("\"{version}\"");
        let header = Some((IF_MATCH, tag.as_str()));
        let api = &self.session.api;
        let changed = api.call_with(method, &path, body, header).await;
        let refused = changed.as_ref().err();
        let refused = refused.and_then(|error| error.downcast_ref::<Refused>());
        if self.session.is_json
            && let Some(versions) = refused.and_then(Refused::versions)
        {
            let json = serde_json::to_string_pretty(&versions)?;
            self.session.say(&json)?;
        }
        changed
    }
}

/// Names in a sentence, the first of many.
fn named<'a>(known: impl Iterator<Item = &'a str>) -> String {
    let mut names: Vec<_> = known.collect();
    let more = names.len().saturating_sub(MAX_NAMED);
    names.truncate(MAX_NAMED);
    let names = names.join(", ");
    if more == 0 {
        names
    } else {
        format!("{names} and {more} more (`pipeline tenant list`)")
    }
}

fn with_query(path: &str, query: &[(&str, String)]) -> String {
    let mut pairs = url::form_urlencoded::Serializer::new(String::new());
    pairs.extend_pairs(query);
    match pairs.finish() {
        query if query.is_empty() => path.to_owned(),
        query => format!("{path}?{query}"),
    }
}

/// The link of an answer that signs somebody in, or its code where there is none.
pub(super) fn link_or_code(answer: &Value) -> &str {
    let link = answer["link"].as_str();
    link.or(answer["code"].as_str()).unwrap_or_default()
}

/// Text as one segment of a path.
pub(super) fn segment(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes())
        .collect::<String>()
        .replace('+', "%20")
}
