//! Any system of a company's own: each lead is one signed `POST` to its URL.
//!
//! - Wire: Standard Webhooks 1.0.0. `webhook-id` is the same for every repeat of one version of a lead, so that the
//!   receiver takes it once; `webhook-timestamp` is the attempt's; `webhook-signature` has one entry for each key.
//! - Once: we send at least once, the receiver drops a `webhook-id` that it knows. `data.lead_id` is the lead's name, the
//!   same in every version; `data.version` grows, and an older one that arrives late is to be dropped.
//! - Body: `{type, timestamp, data}`. The account's `mapping` replaces the members of `data` by the receiver's own
//!   (see `mapping`); `lead_id`, `tenant_id` and `version` are always there. At most 20,000 bytes: what is longer is cut,
//!   and says where the rest is.
//! - The URL is a tenant's: it is checked when it is entered and at every call, and no redirect is followed.
//! - Keys: `whsec_` and base64 of 24 to 64 bytes. Two keys sign while the receiver changes over from one to the other.
//!
//! Source: "Standard Webhooks specification" 1.0.0 (read 2026-11). Ours are: what each status means beside 2xx, 410 and
//! 429, the names in `data`, and that a receiver may answer `{"external_id": "…"}`.

mod api;
mod keys;
mod mapping;
mod template;

use std::{collections::BTreeMap, sync::Arc};

use async_trait::async_trait;
use domain::{Account, AccountFault, AccountSpec, Brief, Effects, RemoteIds, SettingSpec};
use secrecy::SecretString;
use serde_json::json;
use sha2::{Digest as _, Sha256};

use self::{api::Api, keys::Keys, template::Template};
use crate::{
    Connector, ConnectorSpec, CrmField, CrmObject, Holds, Inspection, Known, Mapping, Place,
    PushError, Pushed,
};

/// The setting with the URL that leads are posted to.
const URL: &str = "url";
/// The setting with the receiver's own names.
const MAPPING: &str = "mapping";
/// Our word for the record that a request becomes.
const LEAD: &str = "lead";

/// The custom webhook, before it is made.
pub(crate) static SPEC: ConnectorSpec = ConnectorSpec {
    slug: "customcrm",
    name: "Custom CRM (webhook)",
    account: AccountSpec {
        secret: "the key that signs: whsec_ and base64 of 24 to 64 bytes; while you change it, the new one and the old \
            one, separated by a comma",
        settings: &[
            SettingSpec {
                key: URL,
                about: "where leads are posted: https, a public address, port 443 or 8443, and no redirect",
                is_required: true,
                is_url: true,
            },
            SettingSpec {
                key: MAPPING,
                about: "the members of `data` by your names, as a JSON object: {\"customer\":\"{{contact.name}}\"}; left \
                    out, ours are sent",
                is_required: false,
                is_url: false,
            },
        ],
        refresh: None,
        check: Some(check),
    },
    place: Place::OfAccount {
        new: |http, clock, timeout| {
            Arc::new(CustomCrm {
                api: Api::new(http, clock, timeout),
            })
        },
    },
    mapping: &mapping::FIELDS,
};

/// Posts leads to a company's own system.
struct CustomCrm {
    api: Api,
}

#[async_trait]
impl Connector for CustomCrm {
    fn slug(&self) -> &'static str {
        SPEC.slug
    }

    async fn push(
        &self,
        brief: &Brief,
        mapping: &Mapping,
        account: &Account,
        known: &Known,
        _effects: &Effects, // the receiver drops what it knows by `webhook-id`
    ) -> Result<Pushed, PushError> {
        let (keys, template) = read(account)?;
        let mapped = &mapping.of(brief);
        let standard = mapping::data(brief, account);
        let fields_hash = mapped.hash(fields_hash(&standard, account.setting(MAPPING)));
        if known.fields_hash.as_deref() == Some(&fields_hash) {
            return Ok(Pushed {
                remote_ids: known.remote_ids.clone(),
                fields_hash,
                is_changed: false,
            });
        }
        // One version of a lead can still read differently, if what its person did before was learned in between.
        let digest: String = fields_hash.chars().take(16).collect();
        let id = format!(
            "msg_{}_{}_{}_{digest}",
            brief.request, account.connection, brief.version
        );
        let kind = if known.remote_ids.get(LEAD).is_some() {
            "lead.updated"
        } else {
            "lead.accepted"
        };
        let data = mapping::mapped(&standard, template.as_ref());
        let data = mapping::fitted(mapping::map(data, mapped));
        let answer = self.api.post(account, &keys, &id, kind, &data).await?;
        let lead = answer
            .external_id
            .or_else(|| known.remote_ids.get(LEAD).map(str::to_owned))
            .unwrap_or_else(|| brief.request.to_string());
        Ok(Pushed {
            remote_ids: RemoteIds::default().with(LEAD, lead),
            fields_hash,
            is_changed: true,
        })
    }

    /// Posts `connection.test`, which a receiver answers like a lead, and keeps nothing of.
    async fn inspect(&self, account: &Account) -> Result<Inspection, PushError> {
        let (keys, template) = read(account)?;
        let id = format!(
            "msg_test_{}_{}",
            account.connection,
            self.api.now().as_second()
        );
        let data = json!({ "lead_id": "test", "tenant_id": account.tenant.as_str(), "version": 0 });
        let answer = self.api.post(account, &keys, &id, "connection.test", &data);
        answer.await?;
        let names: Vec<String> = match &template {
            Some(template) => template.members(),
            None => mapping::PLACES
                .iter()
                .map(|place| (*place).to_owned())
                .collect(),
        };
        let fields = names.into_iter().map(|name| CrmField {
            label: name.clone(),
            name,
            kind: "json".to_owned(),
            holds: Holds::Anything,
            ..CrmField::default()
        });
        Ok(Inspection {
            objects: vec![CrmObject {
                name: LEAD.to_owned(),
                fields: fields.collect(),
            }],
            notes: Vec::new(),
        })
    }
}

/// Says what of an account cannot be right, when it is entered.
fn check(secret: &SecretString, settings: &BTreeMap<String, String>) -> Vec<AccountFault> {
    let of_secret = Keys::parse(secret).err().map(AccountFault::of_secret);
    let mapping = settings.get(MAPPING);
    let template = mapping.map(|text| Template::parse(text, mapping::PLACES));
    let of_mapping = template.and_then(Result::err);
    let of_mapping = of_mapping.map(|expected| AccountFault::of_setting(MAPPING, expected));
    of_secret.into_iter().chain(of_mapping).collect()
}

/// The keys and the template of an account. They were checked when they were entered, by a build that may be another.
fn read(account: &Account) -> Result<(Keys, Option<Template>), PushError> {
    let keys = Keys::parse(&account.secret).map_err(PushError::Misconfigured)?;
    let template = match account.setting(MAPPING) {
        "" => None,
        text => Some(
            Template::parse(text, mapping::PLACES)
                .map_err(|expected| PushError::Misconfigured(format!("{MAPPING}: {expected}")))?,
        ),
    };
    Ok((keys, template))
}

/// SHA-256 of what is sent, in lower-case hexadecimal. The version is no part of it: a lead that only came by again is
/// not sent again.
fn fields_hash(data: &serde_json::Value, mapping: &str) -> String {
    let mut data = data.clone();
    if let Some(members) = data.as_object_mut() {
        members.remove("version");
    }
    let mut hash = Sha256::new();
    hash.update(data.to_string());
    hash.update([0]);
    hash.update(mapping);
    hex::encode(hash.finalize())
}
