//! HubSpot: a contact for the person, a deal for the request.
//!
//! - Auth: `Authorization: Bearer …` with a private app's or a service key's token. Scopes:
//!   `crm.objects.contacts.read/write`, `crm.objects.deals.read/write`, `crm.schemas.contacts.write`,
//!   `crm.schemas.deals.write`.
//! - Once: contacts and deals are written by unique properties of our own (`lead_external_id` is the person,
//!   `deal_external_id` the request), and tying the two together is idempotent. So every write can be repeated after
//!   an answer that was lost, and needs no record of ours.
//! - Duplicates: before the first write for a person we look by our property, by e-mail address, then by telephone
//!   number, and complete the contact that is there. Search reads an index that lags behind, so it only finds
//!   contacts that others made; against our own duplicates the unique property stands.
//! - A company's own properties are filled while they are empty and never changed, the stage of a deal included;
//!   ours always show the newest (see `mapping`). `lifecyclestage` is never written.
//!
//! Source: HubSpot developer documentation, "Contacts", "Deals", "Properties", "Search the CRM", "Associations v4",
//! "Error handling" (read 2026-11). UNCONFIRMED: whether an upsert by our property reports a taken e-mail address as
//! 409 or as a row of a 207 (both are handled); whether reading a batch by the id of a merged contact answers the
//! remaining one (else it is found by property, address or number).

mod api;
mod mapping;

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use domain::{Clock, ConnectionName, E164, Effects, TenantId};
use http_client::{Client, Url};
use moka::future::Cache;
use secrecy::SecretString;

use self::{
    api::{Api, Kind, Record},
    mapping::{CONTACT_KEY, CONTACT_PROPERTIES, DEAL_KEY, DEAL_PROPERTIES, OwnProperty},
};
use crate::{Connector, ConnectorSpec, Credential, Known, Lead, PushError, Pushed, Written};

/// HubSpot, before it is made.
pub const SPEC: ConnectorSpec = ConnectorSpec {
    slug: "hubspot",
    name: "HubSpot",
    url_key: "HUBSPOT_BASE_URL",
    url_about: "Base URL of HubSpot's API.",
    url: "https://api.hubapi.com",
    new: |http, clock, url, timeout| Arc::new(HubSpot::new(http, url, clock, timeout)),
};

/// How long what we know of an account is taken for true.
const ACCOUNT_KEPT: Duration = Duration::from_secs(3_600);

/// Pushes leads into HubSpot.
pub struct HubSpot {
    api: Api,
    accounts: Cache<(TenantId, ConnectionName, u64), Account>,
}

/// An account that has our properties: where new deals begin.
#[derive(Debug, Clone)]
struct Account {
    pipeline: Arc<str>,
    stage: Arc<str>,
}

#[async_trait]
impl Connector for HubSpot {
    fn slug(&self) -> &'static str {
        SPEC.slug
    }

    async fn ensure(&self, credential: &Credential) -> Result<(), PushError> {
        self.account(credential).await.map(drop)
    }

    async fn push(
        &self,
        lead: &Lead,
        credential: &Credential,
        known: Option<&Known>,
        _effects: &Effects, // every write here has a unique key
    ) -> Result<Pushed, PushError> {
        let fields_hash = mapping::fields_hash(lead);
        if let Some(known) = known.filter(|known| known.fields_hash == fields_hash) {
            return Ok(Pushed {
                contact_id: known.contact_id.clone(),
                deal_id: known.deal_id.clone(),
                fields_hash,
                contact: Written::Unchanged,
                deal: Written::Unchanged,
            });
        }
        let pushed = self.write(lead, credential, known, fields_hash).await;
        if matches!(pushed, Err(PushError::Outdated { .. })) {
            self.accounts.invalidate(&account_key(credential)).await;
        }
        pushed
    }
}

impl HubSpot {
    /// A connector to the HubSpot at this URL; no call takes longer than `timeout`.
    pub fn new(http: Client, base_url: &Url, clock: Arc<dyn Clock>, timeout: Duration) -> Self {
        let accounts = Cache::builder()
            .max_capacity(10_000)
            .time_to_live(ACCOUNT_KEPT)
            .build();
        Self {
            api: Api::new(http, base_url, clock, timeout),
            accounts,
        }
    }

    async fn write(
        &self,
        lead: &Lead,
        credential: &Credential,
        known: Option<&Known>,
        fields_hash: String,
    ) -> Result<Pushed, PushError> {
        let account = self.account(credential).await?;
        let token = &credential.token;
        let (contact_id, contact) = self.write_contact(token, lead, known).await?;
        let (deal_id, deal) = self.write_deal(token, lead, &account).await?;
        let is_tied =
            known.is_some_and(|known| known.contact_id == contact_id && known.deal_id == deal_id);
        if !is_tied {
            self.api.associate(token, &contact_id, &deal_id).await?;
        }
        Ok(Pushed {
            contact_id,
            deal_id,
            fields_hash,
            contact,
            deal,
        })
    }

    /// The account, looked at once for each version of its credential; pushes that come meanwhile wait for that.
    async fn account(&self, credential: &Credential) -> Result<Account, PushError> {
        let looked_at = self
            .accounts
            .try_get_with(account_key(credential), self.prepare(&credential.token))
            .await;
        looked_at.map_err(|error: Arc<PushError>| PushError::clone(&error))
    }

    /// Defines our properties where they are missing, and finds where new deals begin.
    async fn prepare(&self, token: &SecretString) -> Result<Account, PushError> {
        for (kind, key, own) in [
            (Kind::Contacts, &mapping::CONTACT_KEY_PROPERTY, &[][..]),
            (Kind::Deals, &mapping::DEAL_KEY_PROPERTY, mapping::OWN),
        ] {
            let existing = self.api.properties(token, kind).await?;
            let find = |wanted: &OwnProperty| {
                existing
                    .iter()
                    .find(|property| property.name == wanted.name)
            };
            let is_unique = match find(key) {
                Some(found) => found.has_unique_value,
                None => {
                    self.api
                        .create_property(token, kind, key, true)
                        .await?
                        .has_unique_value
                }
            };
            if !is_unique {
                return Err(PushError::Misconfigured(format!(
                    "its property `{}` of {} must require unique values; remove it, and it is made anew",
                    key.name,
                    kind.as_str()
                )));
            }
            for property in own.iter().filter(|property| find(property).is_none()) {
                self.api
                    .create_property(token, kind, property, false)
                    .await?;
            }
        }
        self.first_stage(token).await
    }

    /// The first stage of the first pipeline. Where the credential does not show pipelines, the one that every
    /// account begins with.
    async fn first_stage(&self, token: &SecretString) -> Result<Account, PushError> {
        let pipelines = match self.api.pipelines(token).await {
            Err(PushError::MissingScopes { .. } | PushError::Moved { .. }) => Vec::new(),
            pipelines => pipelines?,
        };
        let first = pipelines
            .iter()
            .filter(|pipeline| !pipeline.archived)
            .min_by_key(|pipeline| pipeline.display_order);
        let stage = first.and_then(|pipeline| {
            let stages = pipeline.stages.iter().filter(|stage| !stage.archived);
            Some((pipeline, stages.min_by_key(|stage| stage.display_order)?))
        });
        let (pipeline, stage) = stage
            .map_or(("default", "appointmentscheduled"), |(pipeline, stage)| {
                (pipeline.id.as_str(), stage.id.as_str())
            });
        Ok(Account {
            pipeline: pipeline.into(),
            stage: stage.into(),
        })
    }

    /// The person's contact, completed or made. An address that HubSpot takes for none, or gives to a contact that
    /// it does not name, is left out: the deal's details have it.
    async fn write_contact(
        &self,
        token: &SecretString,
        lead: &Lead,
        known: Option<&Known>,
    ) -> Result<(String, Written), PushError> {
        let written = self.find_or_make_contact(token, lead, known).await;
        let is_about_address = match &written {
            Err(PushError::Rejected { field, .. }) => field == "email",
            Err(PushError::Moved { holder }) => holder.is_none(),
            _ => false,
        };
        if is_about_address && lead.email.is_some() {
            let without = Lead {
                email: None,
                ..lead.clone()
            };
            return self.find_or_make_contact(token, &without, known).await;
        }
        written
    }

    async fn find_or_make_contact(
        &self,
        token: &SecretString,
        lead: &Lead,
        known: Option<&Known>,
    ) -> Result<(String, Written), PushError> {
        if let Some(existing) = self.find_contact(token, lead, known).await? {
            return self.complete_contact(token, existing, lead).await;
        }
        let person = lead.person.to_string();
        match self
            .api
            .upsert(
                token,
                Kind::Contacts,
                CONTACT_KEY,
                &person,
                &mapping::contact(lead),
            )
            .await
        {
            Ok(contact) => Ok((contact.id, written(contact.is_new))),
            // Made by somebody else since we looked, or under a second address, which looking does not see.
            Err(PushError::Moved { holder: Some(id) }) => {
                let existing = self
                    .read_contact(token, None, &id)
                    .await?
                    .ok_or(PushError::Moved { holder: None })?;
                self.complete_contact(token, existing, lead).await
            }
            Err(error) => Err(error),
        }
    }

    /// By what is surest first: the id of the last push, our property, address, number.
    async fn find_contact(
        &self,
        token: &SecretString,
        lead: &Lead,
        known: Option<&Known>,
    ) -> Result<Option<Record>, PushError> {
        if let Some(known) = known
            && let Some(found) = self.read_contact(token, None, &known.contact_id).await?
        {
            return Ok(Some(found));
        }
        if let Some(found) = self
            .read_contact(token, Some(CONTACT_KEY), &lead.person.to_string())
            .await?
        {
            return Ok(Some(found));
        }
        if let Some(email) = &lead.email
            && let Some(found) = self
                .read_contact(token, Some("email"), email.as_str())
                .await?
        {
            return Ok(Some(found));
        }
        match &lead.phone {
            Some(phone) => self.find_by_phone(token, phone).await,
            None => Ok(None),
        }
    }

    async fn read_contact(
        &self,
        token: &SecretString,
        key: Option<&str>,
        value: &str,
    ) -> Result<Option<Record>, PushError> {
        self.api
            .read(token, Kind::Contacts, key, value, CONTACT_PROPERTIES)
            .await
    }

    /// HubSpot indexes a number's digits without its country code; a hit counts only if it is our number in full. Of
    /// several, the oldest.
    async fn find_by_phone(
        &self,
        token: &SecretString,
        phone: &E164,
    ) -> Result<Option<Record>, PushError> {
        let full = phone.as_str();
        let national = full
            .strip_prefix("+1")
            .unwrap_or(full)
            .trim_start_matches('+');
        let alternatives = [
            ("hs_searchable_calculated_phone_number", national),
            ("phone", full),
            ("mobilephone", full),
        ];
        let found = self
            .api
            .search_contacts(token, &alternatives, CONTACT_PROPERTIES)
            .await?;
        let same = found
            .into_iter()
            .filter(|contact| mapping::phones(contact).contains(phone));
        Ok(same.min_by_key(|contact| contact.id.parse::<u64>().unwrap_or(u64::MAX)))
    }

    /// Fills what an existing contact lacks. What is unique and stands on another contact is left to that one.
    async fn complete_contact(
        &self,
        token: &SecretString,
        existing: Record,
        lead: &Lead,
    ) -> Result<(String, Written), PushError> {
        let mut missing = mapping::missing_in_contact(&existing, lead);
        let mut unique = ["email", CONTACT_KEY].into_iter();
        while !missing.is_empty() {
            match self
                .api
                .update(token, Kind::Contacts, &existing.id, &missing)
                .await
            {
                Ok(contact) => return Ok((contact.id, Written::Updated)),
                Err(PushError::Moved { holder: Some(_) })
                    if unique.any(|name| missing.remove(name).is_some()) => {}
                Err(error) => return Err(error),
            }
        }
        Ok((existing.id, Written::Unchanged))
    }

    /// The request's deal, brought up to date or made.
    async fn write_deal(
        &self,
        token: &SecretString,
        lead: &Lead,
        account: &Account,
    ) -> Result<(String, Written), PushError> {
        let request = lead.request.to_string();
        let mut properties = mapping::own_properties(lead);
        match self
            .api
            .read(
                token,
                Kind::Deals,
                Some(DEAL_KEY),
                &request,
                DEAL_PROPERTIES,
            )
            .await?
        {
            Some(existing) => {
                properties.extend(mapping::missing_in_deal(&existing, lead));
                let deal = self
                    .api
                    .update(token, Kind::Deals, &existing.id, &properties)
                    .await?;
                Ok((deal.id, Written::Updated))
            }
            None => {
                properties.extend(mapping::deal(lead));
                properties.insert(DEAL_KEY, request.clone());
                properties.insert("pipeline", account.pipeline.to_string());
                properties.insert("dealstage", account.stage.to_string());
                let deal = self
                    .api
                    .upsert(token, Kind::Deals, DEAL_KEY, &request, &properties)
                    .await?;
                Ok((deal.id, written(deal.is_new)))
            }
        }
    }
}

fn account_key(credential: &Credential) -> (TenantId, ConnectionName, u64) {
    (
        credential.tenant.clone(),
        credential.connection.clone(),
        credential.version,
    )
}

const fn written(is_new: bool) -> Written {
    if is_new {
        Written::Created
    } else {
        Written::Updated
    }
}
