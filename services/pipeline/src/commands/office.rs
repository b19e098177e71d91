//! `pipeline office`.

use domain::{OfficeId, TimeOfDay};
use http::Method;
use serde_json::{Value, json};

use super::{session::TenantSession, table::cell};

/// The days as the API names them.
const DAYS: [&str; 7] = [
    "monday",
    "tuesday",
    "wednesday",
    "thursday",
    "friday",
    "saturday",
    "sunday",
];

#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Adds an office. Its configuration begins with the defaults: `pipeline config set` changes it.
    #[command(
        after_help = "Example:\n  pipeline office add --tenant acme --name Austin --zone America/Chicago \
                      --address \"500 Example Ave, Austin, TX 78701\" --hours monday-friday=08:00-12:00,13:00-17:30"
    )]
    Add {
        /// Its name, as people read it.
        #[arg(long)]
        name: String,
        /// Its time zone's IANA name.
        #[arg(long, value_name = "ZONE")]
        zone: String,
        /// Where it stands, in one line.
        #[arg(long)]
        address: Option<String>,
        #[command(flatten)]
        hours: Hours,
        /// Names this call, so that a script can repeat it.
        #[arg(long, value_name = "KEY")]
        idempotency_key: Option<String>,
    },
    /// Lists a tenant's offices.
    #[command(after_help = "Example:\n  pipeline office list --tenant acme")]
    List,
    /// Shows an office with its business hours.
    #[command(after_help = "Example:\n  pipeline office show --tenant acme")]
    Show {
        /// The office. Default: the tenant's only one.
        office: Option<OfficeId>,
    },
    /// Changes an office: only what is named.
    #[command(
        after_help = "Example:\n  pipeline office set --tenant acme --hours monday-friday=09:00-17:00 --hours \
                      saturday=10:00-14:00"
    )]
    Set {
        /// The office. Default: the tenant's only one.
        office: Option<OfficeId>,
        /// Its name, as people read it.
        #[arg(long)]
        name: Option<String>,
        /// Its time zone's IANA name.
        #[arg(long, value_name = "ZONE")]
        zone: Option<String>,
        /// Where it stands, in one line.
        #[arg(long)]
        address: Option<String>,
        #[command(flatten)]
        hours: Hours,
        /// Nobody says any more when it is open.
        #[arg(long, conflicts_with = "hours")]
        no_hours: bool,
    },
    /// Removes an office that no source leads to, and of which no request is under way.
    #[command(after_help = "Example:\n  pipeline office remove ofc_… --tenant acme")]
    Remove {
        /// The office.
        office: OfficeId,
    },
}

/// When an office is open.
#[derive(Debug, clap::Args)]
pub(super) struct Hours {
    /// When it is open on a day or some: `friday=08:00-12:00,13:00-17:30`, `monday-friday=08:00-17:00`; can be repeated.
    /// On days that are not named it is closed.
    #[arg(long = "hours", value_name = "DAYS=SPANS", value_parser = days)]
    hours: Vec<Days>,
}

/// Days with the same spans.
#[derive(Debug, Clone)]
struct Days {
    days: &'static [&'static str],
    spans: Vec<Value>,
}

impl Hours {
    /// As the API takes them; `None` where nothing is said.
    fn json(&self) -> Option<Value> {
        if self.hours.is_empty() {
            return None;
        }
        let mut hours = json!({});
        for Days { days, spans } in &self.hours {
            for day in *days {
                hours[*day] = json!(spans);
            }
        }
        Some(hours)
    }
}

/// Reads `monday-friday=08:00-12:00,13:00-17:30`.
fn days(text: &str) -> Result<Days, String> {
    const SHAPE: &str = "write it as friday=08:00-12:00,13:00-17:30 or monday-friday=08:00-17:00";
    let (days, spans) = text.split_once('=').ok_or(SHAPE)?;
    let (first, last) = days.split_once('-').unwrap_or((days, days));
    let place = |day: &str| {
        let day = day.trim().to_lowercase();
        let found = DAYS.iter().position(|known| *known == day);
        found.ok_or_else(|| format!("`{day}` is not one of {}", DAYS.join(", ")))
    };
    let days = DAYS
        .get(place(first)?..=place(last)?)
        .filter(|days| !days.is_empty())
        .ok_or("the first day must come before the last, from monday to sunday")?;
    let spans = spans.split(',').filter(|span| !span.trim().is_empty());
    let spans = spans.map(|span| {
        let (from, to) = span.split_once('-').ok_or(SHAPE)?;
        let time = |text: &str| text.trim().parse::<TimeOfDay>().map(String::from);
        Ok(json!({ "from": time(from)?, "to": time(to)? }))
    });
    Ok(Days {
        days,
        spans: spans.collect::<Result<_, &str>>()?,
    })
}

pub(super) async fn run(tenant: &mut TenantSession<'_>, command: Command) -> anyhow::Result<()> {
    match command {
        Command::Add {
            name,
            zone,
            address,
            hours,
            idempotency_key,
        } => {
            let mut body = json!({ "name": name, "time_zone": zone });
            if let Some(address) = address {
                body["address"] = address.into();
            }
            if let Some(hours) = hours.json() {
                body["business_hours"] = hours;
            }
            let key = idempotency_key.as_deref();
            let added = tenant
                .call(Method::POST, "offices", Some(&body), key)
                .await?;
            tenant.session.show(&added, |session| {
                session.say(&format!(
                    "The office {} is there. What happens with its leads: `pipeline config set`.",
                    cell(&added["office_id"])
                ))
            })
        }
        Command::List => {
            let list = tenant.all("offices").await?;
            let columns = [
                ("office", "office_id"),
                ("name", "name"),
                ("zone", "time_zone"),
                ("open", "is_open"),
                ("config", "config_version"),
                ("address", "address"),
            ];
            let empty = "The tenant has no office yet: add one with `pipeline office add`.";
            tenant.session.show_list(&list, &columns, empty)
        }
        Command::Show { office } => {
            let path = tenant.office(office).await?;
            let office = tenant.get(&path, &[]).await?;
            show(tenant, &office)
        }
        Command::Set {
            office,
            name,
            zone,
            address,
            hours,
            no_hours,
        } => {
            let path = tenant.office(office).await?;
            let known = tenant.get(&path, &[]).await?;
            let hours = match (hours.json(), no_hours) {
                (Some(hours), _) => hours,
                (None, true) => Value::Null,
                (None, false) => known["business_hours"].clone(),
            };
            let kept = |given: Option<String>, field: &str| match given {
                Some(given) => Value::from(given),
                None => known[field].clone(),
            };
            let body = json!({
                "name": kept(name, "name"),
                "time_zone": kept(zone, "time_zone"),
                "address": kept(address, "address"),
                "business_hours": hours,
            });
            let version = known["version"].as_u64().unwrap_or_default();
            let now = tenant
                .change(Method::PUT, &path, Some(&body), version)
                .await?;
            show(tenant, &now)
        }
        Command::Remove { office } => {
            let path = tenant.office(Some(office)).await?;
            let known = tenant.get(&path, &[]).await?;
            let version = known["version"].as_u64().unwrap_or_default();
            let gone = tenant.change(Method::DELETE, &path, None, version).await?;
            tenant.session.show(&gone, |session| {
                session.say(&format!("The office {} is removed.", cell(&gone["name"])))
            })
        }
    }
}

fn show(tenant: &mut TenantSession<'_>, office: &Value) -> anyhow::Result<()> {
    tenant.session.show(office, |session| {
        for (heading, field) in [
            ("office", "office_id"),
            ("name", "name"),
            ("address", "address"),
            ("zone", "time_zone"),
            ("open now", "is_open"),
            ("config", "config_version"),
        ] {
            session.say(&format!("{heading:<9} {}", cell(&office[field])))?;
        }
        let hours = &office["business_hours"];
        if hours.is_null() {
            return session.say("hours     nobody has said");
        }
        for day in DAYS {
            let spans = hours[day].as_array().map_or(&[][..], Vec::as_slice);
            let spans: Vec<_> = spans
                .iter()
                .map(|span| format!("{}-{}", cell(&span["from"]), cell(&span["to"])))
                .collect();
            let spans = if spans.is_empty() {
                "closed".to_owned()
            } else {
                spans.join(", ")
            };
            session.say(&format!("{day:<9} {spans}"))?;
        }
        Ok(())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hours_are_read_by_days_and_spans() {
        let hours = |texts: &[&str]| Hours {
            hours: texts.iter().map(|text| days(text).unwrap()).collect(),
        };
        assert_eq!(hours(&[]).json(), None);
        let read = hours(&[
            "monday-wednesday=08:00-17:00",
            "Tuesday=08:00-12:00, 13:00-24:00",
            "sunday=",
        ]);
        let whole = json!([{ "from": "08:00", "to": "17:00" }]);
        let parts = json!([{ "from": "08:00", "to": "12:00" }, { "from": "13:00", "to": "24:00" }]);
        let expected =
            json!({ "monday": whole, "tuesday": parts, "wednesday": whole, "sunday": [] });
        assert_eq!(read.json(), Some(expected));
        for wrong in [
            "monday",
            "mon=08:00-09:00",
            "friday-monday=08:00-09:00",
            "friday=8-9",
            "friday=08:00",
        ] {
            assert!(days(wrong).is_err(), "{wrong}");
        }
    }
}
