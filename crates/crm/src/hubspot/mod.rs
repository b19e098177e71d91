//! HubSpot: a contact for the person, a deal for the request.
//!
//! - Auth: `Authorization: Bearer …` with a service key, a private app's token, or an access token of an OAuth app,
//!   which expires after 30 minutes and is refreshed at `POST /oauth/v1/token` (by `accounts`). Scopes:
//!   `crm.objects.contacts.read/write`, `crm.objects.deals.read/write`, `crm.schemas.contacts.write`,
//!   `crm.schemas.deals.write`.
//! - Once: contacts and deals are written by unique properties of our own (`lead_external_id` is the person,
//!   `deal_external_id` the request), and associating the two is idempotent. So every write can be repeated after
//!   an answer that was lost.
//! - Duplicates: before a write we look for the contact by the id of the last push, our property, e-mail address, then
//!   telephone number, and complete the one that is there. Search reads an index that lags behind, so it only finds
//!   contacts that others made; the unique property alone prevents duplicates of our own.
//! - A telephone number leads to a contact only while no other name speaks against it (see `person`). Else the lead gets
//!   a contact of its own, with a notice on it and on the deal. A person's first contact is made by one push at a time,
//!   by our record of effects, so that another person of the number does not write over it.
//! - A value that HubSpot rejects is left out, and stands in the deal's details; only our keys park the lead. A stage
//!   that is gone is looked for again at once, and pushed once more.
//! - A company's own properties are filled while they are empty and never changed, the stage of a deal included;
//!   ours always show the newest (see `mapping`). `lifecyclestage` is never written.
//!
//! Source: HubSpot developer documentation, "Contacts", "Deals", "Properties", "Search the CRM", "Associations v4",
//! "Error handling", "OAuth tokens" (read 2026-11). UNCONFIRMED: whether an upsert by our property reports a taken e-mail address as
//! 409 or as a row of a 207 (both are handled); whether reading a batch by the id of a merged contact answers the
//! remaining one (else it is found by property, address or number).

mod api;
mod fault;
mod mapping;
mod person;

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use async_trait::async_trait;
use domain::{
    Account, AccountSpec, BaseUrl, Brief, Clock, ConnectionName, E164, Effects, EmailAddress,
    Lookup, RefreshSpec, RemoteIds, TenantId, text,
};
use futures::lock::Mutex;
use http_client::{Client, Url};
use moka::future::Cache;
use secrecy::SecretString;

use self::{
    api::{Api, Kind, Pipeline, Record},
    fault::is_stage,
    mapping::{
        CONTACT_KEY, CONTACT_PROPERTIES, DEAL_KEY, DEAL_PROPERTIES, NOTICE, OwnProperty,
        PortalTakes, Properties,
    },
    person::Match,
};
use crate::{
    Connector, ConnectorSpec, CrmField, CrmObject, Holds, Inspection, Known, Mapped, Mapping,
    Place, PushError, Pushed,
    mapping::Takes,
    names,
    once::{First, Once},
};

/// HubSpot, before it is made.
pub(crate) static SPEC: ConnectorSpec = ConnectorSpec {
    slug: "hubspot",
    name: "HubSpot",
    account: AccountSpec {
        secret: "a service key, a private app's access token, or JSON with an OAuth app's client_id, client_secret and \
            refresh_token",
        settings: &[],
        refresh: Some(RefreshSpec::at("/oauth/v1/token")),
        check: None,
    },
    place: Place::Known {
        base_url: BaseUrl {
            key: "HUBSPOT_BASE_URL",
            url: "https://api.hubapi.com",
            about: "Base URL of HubSpot's API.",
        },
        new: |http, clock, url, timeout| Arc::new(HubSpot::new(http, url, clock, timeout)),
    },
    mapping: &mapping::MAPPING,
};

/// How long what we know of a portal is taken for true.
const PORTAL_KEPT: Duration = Duration::from_secs(3_600);
/// Our words for the records that a request becomes.
const CONTACT: &str = "contact";
const DEAL: &str = "deal";

/// Pushes leads into HubSpot.
struct HubSpot {
    api: Api,
    clock: Arc<dyn Clock>,
    portals: Cache<PortalKey, Portal>,
    /// One lock for each person that is being pushed.
    persons: Cache<(PortalKey, String), Arc<Mutex<()>>>,
}

/// Tenant, connection and version of its secret.
type PortalKey = (TenantId, (ConnectionName, u64));

/// A company's HubSpot that has our properties: where new deals begin, and what its properties take.
#[derive(Debug, Clone)]
struct Portal {
    pipeline: Arc<str>,
    stage: Arc<str>,
    /// The stages that the pipeline offers, for people; empty if the credential may not see them.
    offers: Arc<str>,
    /// The stages of each pipeline in order, by the pipeline's id.
    stages: Arc<BTreeMap<String, Vec<String>>>,
    takes: Arc<PortalTakes>,
}

/// How many options of a property are remembered; of more, none is compared.
const MAX_OPTIONS: usize = 200;

/// The first contact of a person, in our record of effects.
const FIRST_CONTACT: &str = "first_contact";

/// What one push works with.
#[derive(Clone, Copy)]
struct Push<'a> {
    lead: Lead<'a>,
    account: &'a Account,
    portal: &'a Portal,
    effects: &'a Effects,
}

/// What one push brings: the lead, and what the mapping says of it.
#[derive(Clone, Copy)]
struct Lead<'a> {
    brief: &'a Brief,
    mapped: &'a Mapped,
}

/// A person's contact.
struct Contact {
    id: String,
    /// What people should know of it; empty as a rule.
    notice: String,
}

impl From<Record> for Contact {
    fn from(record: Record) -> Self {
        Self {
            notice: record.get(NOTICE).to_owned(),
            id: record.id,
        }
    }
}

#[async_trait]
impl Connector for HubSpot {
    fn slug(&self) -> &'static str {
        SPEC.slug
    }

    async fn push(
        &self,
        brief: &Brief,
        mapping: &Mapping,
        account: &Account,
        known: &Known,
        effects: &Effects,
    ) -> Result<Pushed, PushError> {
        let lead = &Lead {
            brief,
            mapped: &mapping.of(brief),
        };
        let fields_hash = lead.mapped.hash(mapping::fields_hash(brief));
        if known.fields_hash.as_deref() == Some(&fields_hash) {
            return Ok(Pushed {
                remote_ids: known.remote_ids.clone(),
                fields_hash,
                is_changed: false,
            });
        }
        let mut written = self.write(lead, account, known, effects).await;
        let is_stage_gone =
            |error: &PushError| matches!(error, PushError::Outdated { field } if is_stage(field));
        if written.as_ref().is_err_and(is_stage_gone) {
            self.portals.invalidate(&portal_key(account)).await;
            written = self.write(lead, account, known, effects).await;
            if written.as_ref().is_err_and(is_stage_gone) {
                written = Err(self.no_stage(account).await?);
            }
        }
        if matches!(
            written,
            Err(PushError::Outdated { .. } | PushError::Misconfigured(_))
        ) {
            self.portals.invalidate(&portal_key(account)).await;
        }
        Ok(Pushed {
            remote_ids: written?,
            fields_hash,
            is_changed: true,
        })
    }

    async fn inspect(&self, account: &Account) -> Result<Inspection, PushError> {
        let mut objects = Vec::new();
        for kind in [Kind::Contacts, Kind::Deals] {
            let fields = self.api.properties(&account.secret, kind).await?;
            objects.push(CrmObject {
                name: kind.as_str().to_owned(),
                fields: fields.into_iter().map(Into::into).collect(),
            });
        }
        Ok(Inspection {
            objects,
            notes: Vec::new(),
        })
    }
}

impl HubSpot {
    fn new(http: Client, base_url: &Url, clock: Arc<dyn Clock>, timeout: Duration) -> Self {
        let portals = Cache::builder()
            .max_capacity(10_000)
            .time_to_live(PORTAL_KEPT)
            .build();
        Self {
            api: Api::new(http, base_url, clock.clone(), timeout),
            clock,
            portals,
            persons: Cache::builder()
                .max_capacity(100_000)
                .time_to_idle(PORTAL_KEPT)
                .build(),
        }
    }

    async fn write(
        &self,
        lead: &Lead<'_>,
        account: &Account,
        known: &Known,
        effects: &Effects,
    ) -> Result<RemoteIds, PushError> {
        let portal = &self.portal(account).await?;
        let token = &account.secret;
        let push = Push {
            lead: *lead,
            account,
            portal,
            effects,
        };
        let lock = (portal_key(account), lead.brief.person_key());
        let lock = self.persons.get_with(lock, async { Arc::default() }).await;
        let contact = {
            let _alone = lock.lock().await;
            self.write_contact(&push, known.remote_ids.get(CONTACT))
                .await?
        };
        let deal = self
            .write_deal(token, lead, portal, &contact.notice)
            .await?;
        let contact = contact.id;
        // Without a hash a person asked for all of it again.
        let is_associated = known.fields_hash.is_some()
            && known.remote_ids.get(CONTACT) == Some(&contact)
            && known.remote_ids.get(DEAL) == Some(&deal);
        if !is_associated {
            self.api.associate(token, &contact, &deal).await?;
        }
        Ok(RemoteIds::default().with(CONTACT, contact).with(DEAL, deal))
    }

    /// The portal, prepared once for each version of the account's secret; pushes that come meanwhile wait for that.
    async fn portal(&self, account: &Account) -> Result<Portal, PushError> {
        let prepared = self
            .portals
            .try_get_with(portal_key(account), self.prepare(&account.secret))
            .await;
        prepared.map_err(|error: Arc<PushError>| PushError::clone(&error))
    }

    /// Defines our properties that are missing, and finds where new deals begin.
    async fn prepare(&self, token: &SecretString) -> Result<Portal, PushError> {
        let mut takes = PortalTakes::new();
        for (kind, key, own) in [
            (
                Kind::Contacts,
                &mapping::CONTACT_KEY_PROPERTY,
                mapping::OWN_OF_CONTACTS,
            ),
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
                    "its property `{}` of {} must require unique values; delete it, and the next push creates it",
                    key.name,
                    kind.as_str()
                )));
            }
            for property in own.iter().filter(|property| find(property).is_none()) {
                self.api
                    .create_property(token, kind, property, false)
                    .await?;
            }
            let fields = existing.into_iter().map(CrmField::from);
            let fields = fields.filter(|field| {
                let is_text = matches!(field.holds, Holds::Text | Holds::Other);
                !is_text && !field.is_read_only && field.options.len() <= MAX_OPTIONS
            });
            takes.extend(fields.map(|field| {
                let name = (kind.as_str(), field.name.clone());
                (name, Takes::of(field, false))
            }));
        }
        let portal = self.first_stage(token).await?;
        Ok(Portal {
            takes: Arc::new(takes),
            ..portal
        })
    }

    /// The first stage of the first pipeline. If the credential may not see pipelines, the one that every portal begins
    /// with.
    async fn first_stage(&self, token: &SecretString) -> Result<Portal, PushError> {
        let pipelines = match self.api.pipelines(token).await {
            Err(PushError::MissingScopes { .. } | PushError::Moved { .. }) => Vec::new(),
            pipelines => pipelines?,
        };
        let first = |all: Vec<Pipeline>| {
            let used = all.into_iter().filter(|one| !one.archived);
            used.min_by_key(|one| one.display_order)
        };
        let mut stages = BTreeMap::new();
        for pipeline in pipelines.iter().filter(|pipeline| !pipeline.archived) {
            let mut used: Vec<&Pipeline> = pipeline.stages.iter().collect();
            used.retain(|stage| !stage.archived);
            used.sort_by_key(|stage| stage.display_order);
            let used = used.into_iter().map(|stage| stage.id.clone()).collect();
            stages.insert(pipeline.id.clone(), used);
        }
        let found = first(pipelines).and_then(|pipeline| {
            let used = pipeline.stages.iter().filter(|stage| !stage.archived);
            let offers: Vec<&str> = used.map(|stage| stage.id.as_str()).take(20).collect();
            let offers = text::bounded(&offers.join("`, `"), 500);
            Some((pipeline.id, first(pipeline.stages)?.id, offers))
        });
        let (pipeline, stage, offers) = found.unwrap_or_else(|| {
            let [pipeline, stage] = ["default", "appointmentscheduled"].map(str::to_owned);
            (pipeline, stage, String::new())
        });
        Ok(Portal {
            pipeline: pipeline.into(),
            stage: stage.into(),
            offers: offers.into(),
            stages: Arc::new(stages),
            takes: Arc::default(),
        })
    }

    /// Says that the portal takes no deal in the stage that it has just named.
    async fn no_stage(&self, account: &Account) -> Result<PushError, PushError> {
        let Portal {
            pipeline,
            stage,
            offers,
            ..
        } = self.portal(account).await?;
        let offers = match &*offers {
            "" => "its stages cannot be read".to_owned(),
            offers => format!("it offers `{offers}`"),
        };
        Ok(PushError::Misconfigured(format!(
            "the stage `{stage}` is not in the pipeline `{pipeline}`; {offers}; correct the stages of deals, and redrive"
        )))
    }

    /// The person's contact, completed or made. An address that HubSpot rejects, or that it gives to a contact which it
    /// does not name, is not written: the deal's details have it.
    async fn write_contact(
        &self,
        push: &Push<'_>,
        known: Option<&str>,
    ) -> Result<Contact, PushError> {
        let written = Box::pin(self.find_or_make_contact(push, known)).await;
        let is_about_address = match &written {
            Err(PushError::Rejected { field, .. }) => field == "email",
            Err(PushError::Moved { holder }) => holder.is_none(),
            _ => false,
        };
        if is_about_address && push.lead.brief.email.is_some() {
            let brief = &Brief {
                email: None,
                ..push.lead.brief.clone()
            };
            let mapped = &push.lead.mapped.without(Kind::Contacts.as_str(), "email");
            let without = Push {
                lead: Lead { brief, mapped },
                ..*push
            };
            return Box::pin(self.find_or_make_contact(&without, known)).await;
        }
        written
    }

    /// Two people can have one number, and so one key. Of two first writes, the second one looks whose contact it is.
    async fn find_or_make_contact(
        &self,
        push: &Push<'_>,
        known: Option<&str>,
    ) -> Result<Contact, PushError> {
        let (token, brief) = (&push.account.secret, push.lead.brief);
        let mut found = self.find_contact(token, &push.lead, known).await?;
        if found.contact.is_none() {
            let once = Once {
                effects: push.effects,
                clock: self.clock.clone(),
                target: push.account.connection.as_str(),
                call_deadline: self.api.timeout(),
                lag: Duration::ZERO,
            };
            let key = found.key.clone().unwrap_or_else(|| brief.person_key());
            let kind = Kind::Contacts;
            let look = async || {
                let read = self.api.read(token, kind, Some(CONTACT_KEY), &key, &[]);
                let id = read.await?.map(|contact| contact.id);
                Ok(id.map_or(Lookup::Absent, Lookup::Found))
            };
            let notice = found.notice.as_deref();
            let write = async || {
                let contact = self.make_contact(push, &key, notice).await?;
                Ok((contact.id.clone(), contact))
            };
            match once.first(FIRST_CONTACT, &key, look, write).await? {
                First::Made(contact) => return Ok(contact),
                First::Before => found = self.find_contact(token, &push.lead, None).await?,
            }
        }
        let Match {
            contact,
            key,
            notice,
        } = found;
        let key = key.unwrap_or_else(|| brief.person_key());
        match contact {
            Some(existing) => self.complete_contact(push, existing, &key).await,
            // Made before, and deleted since; or a third person's of this number.
            None => self.make_contact(push, &key, notice.as_deref()).await,
        }
    }

    async fn make_contact(
        &self,
        push: &Push<'_>,
        key: &str,
        notice: Option<&str>,
    ) -> Result<Contact, PushError> {
        let (token, lead) = (&push.account.secret, &push.lead);
        let mut properties = mapping::contact(lead.brief);
        mapping::map_new(&mut properties, lead, Kind::Contacts, &push.portal.takes);
        mapping::part_name(&mut properties, lead, None);
        // A mapping can take away what a contact must have one of.
        mapping::stand_in(&mut properties);
        properties.insert(CONTACT_KEY.into(), key.to_owned());
        properties.extend(notice.map(|notice| (NOTICE.into(), notice.to_owned())));
        let upserted = self
            .upsert(token, Kind::Contacts, key, properties, lead.mapped)
            .await;
        match upserted {
            Ok(contact) => Ok(Contact {
                id: contact.id,
                notice: notice.unwrap_or_default().to_owned(),
            }),
            // Somebody else made it since we looked, or it has the address as a second one, which looking does not see.
            Err(PushError::Moved { holder: Some(id) }) => {
                let existing = self
                    .read_contact(token, None, &id, lead.mapped)
                    .await?
                    .ok_or(PushError::Moved { holder: None })?;
                self.complete_contact(push, existing, key).await
            }
            Err(error) => Err(error),
        }
    }

    /// Looks by what is surest first: the id of the last push, our property, address, number.
    async fn find_contact(
        &self,
        token: &SecretString,
        lead: &Lead<'_>,
        known: Option<&str>,
    ) -> Result<Match, PushError> {
        let Lead { brief, mapped } = *lead;
        if let Some(id) = known
            && let Some(found) = self.read_contact(token, None, id, mapped).await?
        {
            // One that was merged answers by another id: whoever merged it knows whose it is.
            if found.id != id || person::is_known(&found, brief) {
                return Ok(Match::of(found));
            }
        }
        let by_key = |key| async move {
            self.read_contact(token, Some(CONTACT_KEY), key, mapped)
                .await
        };
        let (mut key, mut anothers) = (None, Vec::new());
        if let Some(found) = by_key(&brief.person_key()).await? {
            if !person::is_another(&found, brief) {
                return Ok(Match::of(found));
            }
            anothers.push(found);
            let own = names::own_key(brief);
            if let Some(found) = by_key(&own).await? {
                return Ok(Match::of(found));
            }
            key = Some(own);
        }
        let email = brief.email.as_ref().map(EmailAddress::as_str);
        if let Some(email) = email
            && let Some(found) = self
                .read_contact(token, Some("email"), email, mapped)
                .await?
        {
            return Ok(Match {
                key,
                ..Match::of(found)
            });
        }
        let Some(phone) = &brief.phone else {
            return Ok(Match {
                key,
                ..Match::default()
            });
        };
        let mut found = self.find_by_phone(token, phone, mapped).await?;
        anothers.retain(|other| !found.iter().any(|found| found.id == other.id));
        found.extend(anothers);
        Ok(Match {
            key,
            ..person::by_number(found, brief, phone)
        })
    }

    async fn read_contact(
        &self,
        token: &SecretString,
        key: Option<&str>,
        value: &str,
        mapped: &Mapped,
    ) -> Result<Option<Record>, PushError> {
        let names = mapping::names(CONTACT_PROPERTIES, mapped, Kind::Contacts);
        self.api
            .read(token, Kind::Contacts, key, value, &names)
            .await
    }

    /// Contacts that may have the number: HubSpot indexes its digits without the country code.
    async fn find_by_phone(
        &self,
        token: &SecretString,
        phone: &E164,
        mapped: &Mapped,
    ) -> Result<Vec<Record>, PushError> {
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
        let names = mapping::names(CONTACT_PROPERTIES, mapped, Kind::Contacts);
        self.api.search_contacts(token, &alternatives, &names).await
    }

    /// Fills what an existing contact lacks. A unique value that another contact has stays with that one.
    async fn complete_contact(
        &self,
        push: &Push<'_>,
        existing: Record,
        key: &str,
    ) -> Result<Contact, PushError> {
        let (token, mapped) = (&push.account.secret, push.lead.mapped);
        let mut missing = mapping::missing_in_contact(&existing, &push.lead, &push.portal.takes);
        if let Some(wanted) = missing.get_mut(CONTACT_KEY) {
            key.clone_into(wanted);
        }
        let mut existing = Contact::from(existing);
        let mut unique = ["email", CONTACT_KEY].into_iter();
        while !missing.is_empty() {
            match self
                .api
                .update(token, Kind::Contacts, &existing.id, &missing)
                .await
            {
                Ok(contact) => {
                    existing.id = contact.id;
                    break;
                }
                Err(PushError::Moved { holder: Some(_) })
                    if unique.any(|name| missing.remove(name).is_some()) => {}
                Err(error) if mapping::leave_out(&error, &mut missing, mapped, Kind::Contacts) => {}
                Err(error) => return Err(of_mapped(error, mapped, Kind::Contacts)),
            }
        }
        Ok(existing)
    }

    /// Writes by a unique property of ours, without the values that HubSpot rejects.
    async fn upsert(
        &self,
        token: &SecretString,
        kind: Kind,
        value: &str,
        mut properties: Properties,
        mapped: &Mapped,
    ) -> Result<Record, PushError> {
        let key = match kind {
            Kind::Contacts => CONTACT_KEY,
            Kind::Deals => DEAL_KEY,
        };
        let mut needs_name = kind == Kind::Contacts;
        loop {
            let written = self.api.upsert(token, kind, key, value, &properties).await;
            match written {
                Err(error) if mapping::leave_out(&error, &mut properties, mapped, kind) => {}
                written => return written.map_err(|error| of_mapped(error, mapped, kind)),
            }
            // Once only: a portal that refuses the stand-in, too, takes the contact without a name or not at all.
            needs_name = needs_name && !mapping::stand_in(&mut properties);
        }
    }

    /// The request's deal, brought up to date or made.
    async fn write_deal(
        &self,
        token: &SecretString,
        lead: &Lead<'_>,
        portal: &Portal,
        notice: &str,
    ) -> Result<String, PushError> {
        let Lead { brief, mapped } = *lead;
        let names = mapping::names(DEAL_PROPERTIES, mapped, Kind::Deals);
        let request = brief.request.to_string();
        let existing = self
            .api
            .read(token, Kind::Deals, Some(DEAL_KEY), &request, &names)
            .await?;
        let mut properties = mapping::own_properties(brief);
        let deal = if let Some(existing) = existing {
            properties.extend(mapping::missing_in_deal(&existing, brief));
            mapping::map_existing(&mut properties, lead, Kind::Deals, &portal.takes, &existing);
            portal.place(&mut properties, lead, false);
            mapping::add_notice(&mut properties, notice);
            self.update_deal(token, &existing.id, properties, mapped)
                .await?
        } else {
            properties.extend(mapping::deal(brief));
            properties.insert(DEAL_KEY.into(), request.clone());
            properties.insert("pipeline".into(), portal.pipeline.to_string());
            properties.insert("dealstage".into(), portal.stage.to_string());
            mapping::map_new(&mut properties, lead, Kind::Deals, &portal.takes);
            portal.place(&mut properties, lead, true);
            mapping::add_notice(&mut properties, notice);
            self.upsert(token, Kind::Deals, &request, properties, mapped)
                .await?
        };
        Ok(deal.id)
    }

    /// The same as [`Self::upsert`], for a deal that is there.
    async fn update_deal(
        &self,
        token: &SecretString,
        id: &str,
        mut properties: Properties,
        mapped: &Mapped,
    ) -> Result<Record, PushError> {
        let kind = Kind::Deals;
        loop {
            let written = self.api.update(token, kind, id, &properties).await;
            match written {
                Err(error) if mapping::leave_out(&error, &mut properties, mapped, kind) => {}
                written => return written.map_err(|error| of_mapped(error, mapped, kind)),
            }
        }
    }
}

impl Portal {
    /// Makes stage and pipeline fit each other where the mapping speaks of one of them alone: HubSpot takes no deal at a
    /// stage of another pipeline.
    fn place(&self, properties: &mut Properties, lead: &Lead<'_>, is_new: bool) {
        let has = |name| lead.mapped.has(Kind::Deals.as_str(), name);
        let first = |pipeline: &String| self.stages.get(pipeline)?.first().cloned();
        if has("pipeline") && !has("dealstage") {
            let stage = properties.get("pipeline").and_then(first);
            properties.extend(stage.map(|stage| ("dealstage".into(), stage)));
        } else if has("dealstage") && !has("pipeline") && is_new {
            let stage = properties.get("dealstage");
            let mut pipelines = self.stages.iter();
            let found = pipelines.find(|(_, stages)| stage.is_some_and(|it| stages.contains(it)));
            let found = found.map(|(pipeline, _)| pipeline.clone());
            properties.extend(found.map(|pipeline| ("pipeline".into(), pipeline)));
        }
    }
}

/// The error, where it is about a property that the mapping speaks of, as one that only a person can mend.
fn of_mapped(error: PushError, mapped: &Mapped, kind: Kind) -> PushError {
    error.of_mapped(|field| mapped.has(kind.as_str(), field))
}

fn portal_key(account: &Account) -> PortalKey {
    (account.tenant.clone(), account.held_by())
}
