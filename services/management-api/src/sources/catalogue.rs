//! What can be connected, and what has to be entered for it.

use axum::extract::State;
use runtime::{Json, Problem};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{Deps, auth::TenantReader, problems::TenantProblems};

/// A provider whose webhooks can be taken.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Connectable {
    /// The provider's slug.
    provider: String,
    /// Its name.
    name: String,
    /// Whether it is connected by one call, which registers the webhooks. If not, a person enters the URLs there.
    is_connected_by_call: bool,
    /// Whether what did not come is looked for.
    is_audited: bool,
    /// What to enter, in this order.
    fields: Vec<Field>,
    /// What to do, in this order.
    steps: Vec<String>,
    /// The signature schemes that are taken, the usual one first.
    schemes: Vec<String>,
}

/// Something to be entered.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ConnectField)]
pub(crate) struct Field {
    /// Its name: `secret`, or that of a setting.
    name: String,
    /// What to call it.
    label: String,
    /// What to enter, and where to find it.
    help: String,
    /// How it is entered.
    kind: FieldKind,
    /// A regular expression that a value matches.
    pattern: String,
    /// Whether it is never shown again.
    is_secret: bool,
    /// Whether it has to be entered.
    is_required: bool,
}

/// How something is entered.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = ConnectFieldKind)]
pub(crate) enum FieldKind {
    /// A line of text.
    Text,
    /// Hidden while it is typed.
    Password,
}

/// What can be connected.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Catalogue {
    /// The providers.
    items: Vec<Connectable>,
    /// Always null: there is one page.
    next_cursor: Option<String>,
}

/// What can be connected, and what has to be entered for it.
#[utoipa::path(
    get,
    path = "/v1/tenants/{tenant_id}/source-catalogue",
    tag = "sources",
    security(("bearer" = [])),
    params(("tenant_id" = String, Path, description = "The tenant's slug.")),
    responses((status = OK, description = "The providers.", body = Catalogue), TenantProblems)
)]
pub(crate) async fn show_source_catalogue(
    _reader: TenantReader,
    State(deps): State<Deps>,
) -> Result<Json<Catalogue>, Problem> {
    let items = deps.sources.iter().map(|source| {
        let spec = source.spec();
        let outward = deps.outward.as_ref();
        let apis = outward.and_then(|outward| outward.apis.get(spec.slug));
        let is_connected_by_call = spec.is_connected_by_call;
        Connectable {
            provider: spec.slug.to_owned(),
            name: spec.name.to_owned(),
            is_connected_by_call,
            is_audited: apis.is_some_and(|apis| apis.listing.is_some()),
            fields: fields(spec),
            steps: steps(spec, is_connected_by_call),
            schemes: names(spec),
        }
    });
    Ok(Json(Catalogue {
        items: items.collect(),
        next_cursor: None,
    }))
}

fn names(spec: &::sources::SourceSpec) -> Vec<String> {
    let names = spec.verification.names().into_iter();
    names.map(str::to_owned).collect()
}

fn fields(spec: &::sources::SourceSpec) -> Vec<Field> {
    let Some(account) = spec.account else {
        return Vec::new();
    };
    let secret = Field {
        name: "secret".to_owned(),
        label: "Secret".to_owned(),
        help: account.secret.to_owned(),
        kind: FieldKind::Password,
        pattern: r"^[!-~]{1,8192}$".to_owned(),
        is_secret: true,
        is_required: true,
    };
    let settings = account.settings.iter().map(|setting| Field {
        name: setting.key.to_owned(),
        label: label(setting.key),
        help: setting.about.to_owned(),
        kind: FieldKind::Text,
        pattern: r"^[ -~]{1,1000}$".to_owned(),
        is_secret: false,
        is_required: setting.is_required,
    });
    [secret].into_iter().chain(settings).collect()
}

/// `account_id` is `Account ID`.
fn label(key: &str) -> String {
    let words = key.split('_').enumerate().map(|(at, word)| match word {
        "id" => "ID".to_owned(),
        "ids" => "IDs".to_owned(),
        word if at == 0 => {
            let mut letters = word.chars();
            let first = letters.next().map(|first| first.to_ascii_uppercase());
            first.into_iter().chain(letters).collect()
        }
        word => word.to_owned(),
    });
    words.collect::<Vec<String>>().join(" ")
}

fn steps(spec: &::sources::SourceSpec, is_connected_by_call: bool) -> Vec<String> {
    if !is_connected_by_call {
        return vec![
            "Connect or create the source. Its URLs are shown then.".to_owned(),
            spec.set_up.to_owned(),
        ];
    }
    let secret = spec
        .account
        .map_or("the account's secret", |account| account.secret);
    vec![
        format!("Enter {secret}, and what belongs to it."),
        format!(
            "The secret is checked at {}, and nothing is kept if it is refused.",
            spec.name
        ),
        format!(
            "The webhooks are registered at {}, beside those of others, and their signing key is kept.",
            spec.name
        ),
        "A test delivery is sent through the public URL.".to_owned(),
    ]
}

#[cfg(test)]
mod tests {
    use super::label;

    #[test]
    fn a_setting_has_a_label() {
        assert_eq!(label("account_id"), "Account ID");
        assert_eq!(label("company_ids"), "Company IDs");
        assert_eq!(label("users"), "Users");
    }
}
