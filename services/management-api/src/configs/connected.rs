//! Whether a configuration leads only to what is there. Checked when it is saved, so that no lead finds out.

use catalogue::Provider;
use domain::{ChannelRecipient, ConfigFault, ConnectionName, Destination, WorkflowConfig};
use store::Connection;

/// What a configuration names and the tenant, or this build, does not have.
pub(super) fn faults(
    config: &WorkflowConfig,
    connections: &[Connection],
    providers: &[Provider],
) -> Vec<ConfigFault> {
    let slugs = |is_meant: fn(&Provider) -> bool| -> Vec<&str> {
        let meant = providers.iter().filter(|provider| is_meant(provider));
        meant.map(|provider| provider.slug).collect()
    };
    let (crms, channels) = (
        slugs(|provider| provider.is_crm),
        slugs(|provider| provider.is_mailer),
    );
    let mut faults = Vec::new();
    for (index, destination) in config.destinations.iter().enumerate() {
        let Destination {
            connector,
            connection,
        } = destination;
        let path = |member: &str| format!("destinations.{index}.{member}");
        if !crms.contains(&connector.as_str()) {
            let wanted = format!("a CRM that this build knows: one of {}", crms.join(", "));
            faults.push(fault(path("connector"), wanted));
        }
        match provider_of(connection, connections) {
            None => {
                let known = crms
                    .contains(&connector.as_str())
                    .then_some(connector.as_str());
                faults.push(fault(path("connection"), missing(connection, known)));
            }
            Some(provider) if provider != connector => faults.push(fault(
                path("connection"),
                format!("a connection to {connector}: `{connection}` belongs to {provider}"),
            )),
            Some(_) => {}
        }
    }
    let path = "notifications.connection".to_owned();
    let is_channel = |connection: &Connection| channels.contains(&connection.provider.as_str());
    let provider = channels.first().unwrap_or(&"…");
    match &config.notifications.connection {
        // Without a name it is the first that sends e-mail.
        None if config.notifications.email.is_empty() || connections.iter().any(is_channel) => {}
        None => faults.push(fault(
            path,
            format!(
                "a connection to a provider of e-mail, one of {}: recipients cannot be told without one. Create it first, \
                 with `pipeline secret set {provider} --provider {provider}` or PUT …/connections/{provider}/secret",
                channels.join(", ")
            ),
        )),
        Some(connection) => match provider_of(connection, connections) {
            None => faults.push(fault(path, missing(connection, channels.first().copied()))),
            Some(provider) if !channels.contains(&provider) => faults.push(fault(
                path,
                format!(
                    "a connection to a provider of e-mail, one of {}: `{connection}` belongs to {provider}",
                    channels.join(", ")
                ),
            )),
            Some(_) => {}
        },
    }
    let places = config.notifications.channels.iter().enumerate();
    faults.extend(places.flat_map(|(index, place)| {
        let path = format!("notifications.channels.{index}");
        place_faults(&path, place, connections, providers)
    }));
    faults
}

/// What a place in a team's chat names that is not there, or what cannot be one.
fn place_faults(
    path: &str,
    place: &ChannelRecipient,
    connections: &[Connection],
    providers: &[Provider],
) -> Vec<ConfigFault> {
    let ChannelRecipient {
        channel,
        connection: name,
        to,
        shows_contact: _,
    } = place;
    let mut faults = Vec::new();
    let chats = providers
        .iter()
        .filter_map(|known| Some((known.slug, known.chat?)));
    let chats: Vec<_> = chats.collect();
    let check = chats.iter().find(|(slug, _)| slug == channel);
    if check.is_none() {
        let slugs: Vec<_> = chats.iter().map(|(slug, _)| *slug).collect();
        let wanted = format!(
            "a team's chat that this build knows: one of {}",
            slugs.join(", ")
        );
        faults.push(fault(format!("{path}.channel"), wanted));
    }
    let connection = connections.iter().find(|known| known.name == *name);
    match (connection, check) {
        (None, check) => {
            let known = check.map(|(slug, _)| *slug);
            faults.push(fault(format!("{path}.connection"), missing(name, known)));
        }
        (Some(connection), _) if connection.provider != *channel => faults.push(fault(
            format!("{path}.connection"),
            format!(
                "a connection to {channel}: `{name}` belongs to {}",
                connection.provider
            ),
        )),
        (Some(connection), Some((_, check))) => {
            if let Err(expected) = check(&connection.settings, to.as_deref()) {
                faults.push(fault(format!("{path}.to"), expected));
            }
        }
        (Some(_), None) => {}
    }
    faults
}

fn provider_of<'a>(name: &ConnectionName, connections: &'a [Connection]) -> Option<&'a str> {
    let mut known = connections.iter();
    let found = known.find(|connection| connection.name == *name);
    found.map(|connection| connection.provider.as_str())
}

/// What is said of a connection that is not there, and how to create it; not that, where the provider that is meant is
/// none.
fn missing(name: &ConnectionName, provider: Option<&str>) -> String {
    let Some(provider) = provider else {
        return format!("a connection that is there: none is called `{name}`");
    };
    format!(
        "a connection that is there: create `{name}` first, with `pipeline secret set {name} --provider {provider}` or \
         PUT …/connections/{name}/secret"
    )
}

fn fault(path: String, message: String) -> ConfigFault {
    ConfigFault::new(path, message)
}
