//! Deliveries: what is stored before anything is acknowledged.

use std::collections::BTreeMap;

use bytes::Bytes;
use domain::{
    Alias, Channel, EventId, News, OfficeId, Origin, Plan, Reading, Receipt, RequestId,
    RequestState, SourceId, TenantId, Wake, transition,
};
use jiff::Timestamp;
use sha2::{Digest, Sha256};

/// Why news are kept apart.
const UNREADABLE: &str =
    "it is about a request that this build cannot read; redrive it with the build that can";

/// Why an addition is not used.
const ADDS_TO_NOTHING: &str = "it adds to a lead that is not known, and makes none by itself";

/// A delivery whose signature was verified, to be stored.
#[derive(Debug, Clone)]
pub struct Delivery {
    /// Whose it is.
    pub tenant: TenantId,
    /// The provider's slug.
    pub provider: String,
    /// The configured source.
    pub source: SourceId,
    /// The source's usual channel: what a delivery that cannot be read is taken for.
    pub channel: Channel,
    /// The source's office.
    pub office: Option<OfficeId>,
    /// The event that the URL names.
    pub event: Option<String>,
    /// Whether the body alone says what happened, whatever event the URL names.
    pub is_told_by_body: bool,
    /// Whose its ids are, where they are not the provider's own: equal ids and bodies of others are other deliveries.
    pub scope: Option<String>,
    /// The provider's own id of the delivery, where it has one. Else repeats are recognized by the body's hash.
    pub delivery_id: Option<String>,
    /// The scheme that verified it.
    pub scheme: String,
    /// Headers worth keeping; no signature, no secret.
    pub headers: BTreeMap<String, String>,
    /// The raw body.
    pub body: Bytes,
    /// W3C trace context.
    pub traceparent: Option<String>,
    /// What the source reads in it. An error says why it cannot be read: then it becomes a request that is parked in
    /// `reading`. A [`Reading::Ping`] is noted as [`PING`].
    pub reading: Result<Reading, String>,
}

/// The remark of a delivery by which a provider tries whether the URL works.
pub const PING: &str = "a test of the provider's: the connection works";

/// What a delivery makes that was not stored before.
#[derive(Debug)]
pub struct Received<'a> {
    /// What to write.
    pub plan: Plan,
    /// The request that it makes or changes; none for an event that is not used.
    pub request: Option<RequestId>,
    /// The names that lead to the request from now on.
    pub aliases: &'a [Alias],
    /// Why it is not used, or cannot be read.
    pub remark: Option<&'a str>,
}

impl Delivery {
    /// What a repeat is recognized by, unique within the tenant: the provider's delivery id, or event and body, each
    /// within [`scope`](Self::scope). Where the body tells everything, the same news are a repeat at every URL.
    pub fn deduplication_key(&self) -> [u8; 32] {
        self.key_within(self.scope.as_deref())
    }

    /// What a delivery is kept under that was stored when every id was taken for the provider's own. It is the first of
    /// this one only where both came to one source. None where nothing has changed.
    pub fn former_key(&self) -> Option<[u8; 32]> {
        self.scope.is_some().then(|| self.key_within(None))
    }

    fn key_within(&self, scope: Option<&str>) -> [u8; 32] {
        let mut hash = Sha256::new();
        let mut part = |bytes: &[u8]| {
            hash.update(u64::try_from(bytes.len()).unwrap_or(u64::MAX).to_be_bytes());
            hash.update(bytes);
        };
        part(self.provider.as_bytes());
        if let Some(scope) = scope {
            part(b"scope");
            part(scope.as_bytes());
        }
        match &self.delivery_id {
            Some(id) => {
                part(b"id");
                part(id.as_bytes());
            }
            None => {
                part(b"body");
                part(self.event_told_by_url());
                part(&self.body);
            }
        }
        hash.finalize().into()
    }

    /// What the URL adds to the body. What one URL does not use, or cannot read, another may.
    fn event_told_by_url(&self) -> &[u8] {
        match &self.reading {
            Ok(Reading::News(_)) if self.is_told_by_body => b"",
            Err(_) if self.is_told_by_body => b"?", // no event's name
            _ => self.event.as_deref().unwrap_or_default().as_bytes(),
        }
    }

    /// The names of what it is about; none if it is no lead.
    pub fn aliases(&self) -> &[Alias] {
        self.news().map_or(&[], |news| &news.aliases)
    }

    /// The names that a request has which was made when every id was taken for the provider's own. They are looked up
    /// and given to nobody; what they lead to counts if it [is of the same sender](Self::is_of_sender_of).
    pub fn former_aliases(&self) -> Vec<Alias> {
        let mut former: Vec<Alias> = Vec::new();
        for alias in self.aliases().iter().filter_map(Alias::unscoped) {
            if !former.contains(&alias) {
                former.push(alias);
            }
        }
        former
    }

    /// Whether a request came by the same source.
    pub fn is_of_sender_of(&self, state: &RequestState) -> bool {
        state.request().document.source.source == self.source
    }

    /// What became of messages of ours: their effects happened.
    pub fn receipts(&self) -> &[Receipt] {
        match &self.reading {
            Ok(Reading::Receipts(receipts)) => receipts,
            Ok(Reading::News(_) | Reading::Ignored { .. } | Reading::Ping) | Err(_) => &[],
        }
    }

    /// What became of messages of ours that will not arrive, by the request that each was about.
    pub fn undelivered(&self) -> BTreeMap<RequestId, Vec<&Receipt>> {
        let mut undelivered = BTreeMap::<_, Vec<_>>::new();
        for receipt in self
            .receipts()
            .iter()
            .filter(|receipt| receipt.is_undelivered)
        {
            if let Some(request) = receipt.effect.request() {
                undelivered.entry(request).or_default().push(receipt);
            }
        }
        undelivered
    }

    fn news(&self) -> Option<&News> {
        match &self.reading {
            Ok(Reading::News(news)) => Some(news),
            Ok(Reading::Receipts(_) | Reading::Ignored { .. } | Reading::Ping) | Err(_) => None,
        }
    }

    /// Decides what the delivery makes if it was not stored before. `known` are the requests that its
    /// [`aliases`](Self::aliases) lead to, in their order, then those of its
    /// [`former_aliases`](Self::former_aliases), or `None` if this build cannot read one of them; those that are known to be
    /// of another thing, or of another person where that counts, do not count. `id` is that of a new one.
    ///
    /// News of a request that cannot be read are not refused, because their sender may not send them again: they are kept
    /// as a request that is parked in `reading`. When a person lets it run again, it is merged with the other.
    pub fn received(
        &self,
        event: EventId,
        id: RequestId,
        known: Option<Vec<RequestState>>,
        now: Timestamp,
    ) -> Received<'_> {
        let mut received = self.taken(event, id, known, now);
        received.plan.count_delivery(now, &self.origin(event));
        received
    }

    /// The same for a delivery that was stored and counted before as this event, and was no part of a request.
    pub fn taken(
        &self,
        event: EventId,
        id: RequestId,
        known: Option<Vec<RequestState>>,
        now: Timestamp,
    ) -> Received<'_> {
        let origin = self.origin(event);
        let parked = |reason: &str| transition::receive(id, &origin, Err(reason.to_owned()), now);
        let mut aliases = self.aliases();
        let is_same = |state: &RequestState| {
            let document = &state.request().document;
            self.news().is_none_or(|news| {
                let canonical_id = news.facts.canonical_id.as_deref();
                !document.is_other_than(canonical_id) && !news.is_apart_from(document)
            })
        };
        let known = known.map(|mut known| {
            known.retain(is_same);
            known
        });
        let (plan, remark) = match (&self.reading, known) {
            (Ok(Reading::News(_)), None) => {
                aliases = &[];
                (parked(UNREADABLE), Some(UNREADABLE))
            }
            (Ok(Reading::News(news)), Some(mut known)) if !known.is_empty() => {
                let first = known.remove(0);
                let plan = transition::receive_again(first, known, &origin, news, now);
                (plan, None)
            }
            (Ok(Reading::News(news)), Some(_)) if news.is_addition => {
                aliases = &[];
                (Plan::default(), Some(ADDS_TO_NOTHING))
            }
            (Ok(Reading::News(news)), Some(_)) => {
                let news = Ok(News::clone(news));
                (transition::receive(id, &origin, news, now), None)
            }
            (Err(reason), _) => (parked(reason), Some(reason.as_str())),
            (Ok(Reading::Ignored { reason }), _) => (Plan::default(), Some(&**reason)),
            (Ok(Reading::Ping), _) => (Plan::default(), Some(PING)),
            (Ok(Reading::Receipts(_)), _) => (Plan::default(), None),
        };
        Received {
            request: plan.changes.last().map(|change| change.request.id),
            aliases,
            plan,
            remark,
        }
    }

    /// Decides what the delivery makes if it was stored before, as `event`; `state` is the request that it made or
    /// changed then. Where newer deliveries came in between, the thing may have changed back, so its API is asked, or where
    /// our own users posted it, the repeat holds. The API is asked, too, where equal bodies may report two changes.
    pub fn repeated(&self, event: EventId, state: RequestState, now: Timestamp) -> Plan {
        let is_newest = state.request().document.source.last_event == event;
        let may_be_another =
            self.delivery_id.is_none() && self.news().is_some_and(|news| news.is_thin);
        if is_newest && !may_be_another {
            return Plan::default();
        }
        if let Some(news) = self.news()
            && state.request().document.channel() == Channel::Api
        {
            // Nobody can be asked, so what its sender says last holds.
            return transition::receive_again(state, Vec::new(), &self.origin(event), news, now);
        }
        transition::refetch(state, &self.origin(event), now)
    }

    fn origin(&self, event: EventId) -> Origin {
        Origin {
            tenant: self.tenant.clone(),
            provider: self.provider.clone(),
            channel: self.channel,
            source: self.source,
            office: self.office,
            event,
            recovered: self.recovered(),
            traceparent: self.traceparent.clone(),
        }
    }

    /// When the thing happened, if nobody delivered it: it was found at the provider ([`RECOVERED`]).
    pub fn recovered(&self) -> Option<Timestamp> {
        let at = self
            .headers
            .get(HAPPENED_AT)
            .filter(|_| self.scheme == RECOVERED)?;
        at.parse().ok()
    }
}

/// The scheme of what nobody delivered: it was found at the provider, through the tenant's account.
pub const RECOVERED: &str = "recovered";
/// The header in which such a thing is kept with the time when it happened.
pub const HAPPENED_AT: &str = "happened-at";

/// Proof that a delivery is durable. Only a store makes it, after its transaction is committed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Accepted {
    event: EventId,
    request: Option<RequestId>,
    is_duplicate: bool,
    wakes: Vec<Wake>,
}

impl Accepted {
    /// For stores, after the commit.
    pub fn committed(
        event: EventId,
        request: Option<RequestId>,
        is_duplicate: bool,
        wakes: Vec<Wake>,
    ) -> Self {
        Self {
            event,
            request,
            is_duplicate,
            wakes,
        }
    }

    /// The stored delivery: the first one, for a repeat.
    pub const fn event(&self) -> EventId {
        self.event
    }

    /// The request that it made or changed; none for an event that we do not use.
    pub const fn request(&self) -> Option<RequestId> {
        self.request
    }

    /// Whether it was there before.
    pub const fn is_duplicate(&self) -> bool {
        self.is_duplicate
    }

    /// Rows that are due now, to be handed over.
    pub fn into_wakes(self) -> Vec<Wake> {
        self.wakes
    }
}

/// A stored delivery.
#[derive(Debug, Clone)]
pub struct StoredEvent {
    /// Its id.
    pub id: EventId,
    /// The provider's slug.
    pub provider: String,
    /// The source that it came to.
    pub source: SourceId,
    /// The event that the URL named.
    pub event: Option<String>,
    /// The scheme that verified it.
    pub scheme: String,
    /// The kept headers.
    pub headers: BTreeMap<String, String>,
    /// The raw body.
    pub body: Bytes,
    /// The request that it made or changed.
    pub request: Option<RequestId>,
    /// Why it was not used, or could not be read.
    pub remark: Option<String>,
    /// When it was stored.
    pub received_at: Timestamp,
}
