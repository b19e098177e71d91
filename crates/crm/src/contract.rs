//! What every [`Connector`] does, as tests. [`contract_suite!`](crate::contract_suite) runs them over
//! [`CONNECTORS`], each against its [`Bench`].
#![expect(clippy::unwrap_used, reason = "tests")]
#![expect(missing_docs, reason = "the names of tests are their descriptions")]

use std::{
    collections::{BTreeMap, BTreeSet},
    future::Future,
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use domain::{
    Account, Brief, Channel, Claim, Classify as _, Clock, Disposition, E164, Effect, EffectEnd,
    EffectIntent, EffectKey, EffectLog, Effects, EmailAddress, PersonId, RequestId, Stage,
    StoreError, WorkKey, effect,
    lead::brief::{Conversation, Happened},
};
use futures::{StreamExt as _, future::join_all, stream};
use jiff::Timestamp;
use secrecy::ExposeSecret as _;
use serde_json::json;

use crate::{
    CONNECTORS, Connector, Known, Mapping, MappingSpec, PushError, Pushed, cell::is_formula,
    preview,
};

/// A simulated CRM with our connector to it, both new.
pub trait Bench: Send + Sync + Sized {
    /// The connector's slug.
    const SLUG: &'static str;

    /// Starts one: its CRM is empty, and gives the same ids as the one before. Its connector gives a call up after a
    /// while, but not because the machine is busy.
    fn start() -> impl Future<Output = Self> + Send;

    /// The connector.
    fn connector(&self) -> &dyn Connector;

    /// An account that the CRM accepts.
    fn account(&self) -> Account;

    /// The clock that effects go by.
    fn clock(&self) -> Arc<dyn Clock>;

    /// The record of effects: for all pushes the same.
    fn effects(&self) -> Arc<EffectsInMemory>;

    /// Each request so far, as `METHOD /path`, in order.
    fn requests(&self) -> Vec<String>;

    /// Has something go wrong with the next request of this `METHOD /path`.
    fn fail_next(&self, request: &str, fault: Fault);

    /// Adds a field of texts to what a person becomes, as an administrator would: the CRM's names of the kind of record and
    /// of the field.
    fn add_field(&self) -> (&'static str, String);

    /// Removes it again; false if the CRM has no fields of its own.
    fn remove_field(&self, field: &str) -> bool;

    /// The connector as a rehearsal has it.
    fn rehearsing(&self) -> Arc<dyn Connector>;

    /// Every record with its fields.
    fn records(&self) -> Vec<BTreeMap<String, String>>;
}

/// What goes wrong with a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// It is done, and never answered.
    Unanswered,
    /// It is done, and the connection breaks.
    Broken,
    /// It is done, and the answer is truncated.
    Truncated,
    /// It is done, and the answer takes longer than usual.
    Slow,
    /// It is not done, and answered with this status and the CRM's usual words.
    Status {
        status: u16,
        retry_after_seconds: Option<u64>,
    },
    /// The CRM no longer accepts the credential.
    Revoked,
}

/// A lead of a channel, qualified, from a person who is known. Two are equal.
pub type MakeBrief = fn(Channel) -> Brief;

/// Expands to a module of `#[tokio::test]`s. `$brief` is a [`MakeBrief`](crate::contract::MakeBrief); each bench is a
/// type that implements [`Bench`](crate::contract::Bench).
#[macro_export]
macro_rules! contract_suite {
    ($brief:path; $($bench:ty),+ $(,)?) => {
        $crate::contract_suite!(@tests $brief; [$($bench),+];
            a_lead_of_every_channel_is_shown,
            a_lead_of_which_nothing_is_known_is_shown,
            text_from_outside_is_no_formula,
            twice_is_once,
            many_pushes_at_once_are_one,
            an_unchanged_lead_is_not_sent,
            a_changed_lead_reaches_the_same_records,
            a_lost_answer_is_once,
            a_slow_answer_is_waited_for,
            an_outage_is_tried_again,
            a_requested_pause_is_kept,
            a_refused_credential_holds,
            a_missing_permission_holds,
            a_refused_lead_parks_with_the_crms_words,
            an_account_is_inspected,
            a_mapped_field_lands_in_the_record,
            a_mapping_that_changes_reaches_the_same_records,
            a_mapped_field_that_vanished_parks,
            a_number_in_a_field_of_texts_is_a_text,
            what_a_record_needs_is_as_usual_where_its_mapping_is_empty,
            two_people_of_one_number_at_once_are_two,
            an_apostrophe_is_searched_for,
            a_preview_is_what_the_push_sends,
            what_is_usual_is_what_is_sent,
        );

        #[test]
        fn every_connector_has_a_bench() {
            let benches = [$(<$bench as $crate::contract::Bench>::SLUG),+];
            let connectors: Vec<_> = $crate::CONNECTORS.iter().map(|spec| spec.slug).collect();
            assert_eq!(connectors, benches);
        }
    };
    (@tests $brief:path; $benches:tt; $($name:ident),+ $(,)?) => {
        $($crate::contract_suite!(@test $brief; $benches; $name);)+
    };
    (@test $brief:path; [$($bench:ty),+]; $name:ident) => {
        #[tokio::test]
        async fn $name() {
            $($crate::contract::$name::<$bench>($brief).await;)+
        }
    };
}

/// Pushes a lead of which nothing is known.
///
/// # Errors
/// [`PushError`] says what to do next.
pub async fn first_push(bench: &impl Bench, brief: &Brief) -> Result<Pushed, PushError> {
    push(bench, brief, &Known::default()).await
}

/// Pushes a lead.
///
/// # Errors
/// [`PushError`] says what to do next.
pub async fn push(bench: &impl Bench, brief: &Brief, known: &Known) -> Result<Pushed, PushError> {
    push_mapped(bench, brief, &Mapping::default(), known).await
}

/// Pushes a lead through a mapping.
///
/// # Errors
/// [`PushError`] says what to do next.
pub async fn push_mapped(
    bench: &impl Bench,
    brief: &Brief,
    mapping: &Mapping,
    known: &Known,
) -> Result<Pushed, PushError> {
    let account = bench.account();
    let key = WorkKey {
        tenant: account.tenant.clone(),
        request: brief.request,
        stage: Stage::Dispatch,
        target: account.connection.to_string(),
    };
    let claim = Claim { key, token: 1 };
    let effects = Effects::new(bench.effects(), bench.clock(), claim);
    let connector = bench.connector();
    connector
        .push(brief, mapping, &account, known, &effects)
        .await
}

/// What is known after a push.
pub fn known(pushed: &Pushed) -> Known {
    Known {
        remote_ids: pushed.remote_ids.clone(),
        fields_hash: Some(pushed.fields_hash.clone()),
    }
}

/// A record of effects in memory. Every claim is valid.
#[derive(Debug, Default)]
pub struct EffectsInMemory(Mutex<BTreeMap<EffectKey, Effect>>);

impl EffectsInMemory {
    fn begin(&self, claim: &Claim, key: &EffectKey, is_seen_absent: bool) -> EffectIntent {
        let mut effects = self.0.lock().unwrap();
        let known = effects.get(key);
        let now = Timestamp::UNIX_EPOCH;
        let (intent, changed) = effect::intend(known, claim, now, is_seen_absent);
        effects.extend(changed.map(|effect| (key.clone(), effect)));
        intent
    }
}

#[async_trait]
impl EffectLog for EffectsInMemory {
    async fn intend(
        &self,
        claim: &Claim,
        key: &EffectKey,
        _: Duration,
    ) -> Result<EffectIntent, StoreError> {
        Ok(self.begin(claim, key, false))
    }

    async fn intend_again(
        &self,
        claim: &Claim,
        key: &EffectKey,
        _: Duration,
    ) -> Result<EffectIntent, StoreError> {
        Ok(self.begin(claim, key, true))
    }

    async fn conclude(
        &self,
        claim: &Claim,
        key: &EffectKey,
        end: EffectEnd,
    ) -> Result<(), StoreError> {
        let mut effects = self.0.lock().unwrap();
        let known = effects.get(key).cloned();
        let changed = known.and_then(|known| effect::conclude(known, claim, &end));
        effects.extend(changed.map(|effect| (key.clone(), effect)));
        Ok(())
    }
}

const fn status(status: u16) -> Fault {
    Fault::Status {
        status,
        retry_after_seconds: None,
    }
}

/// The requests that a first push makes, each once, and how many records it leaves.
async fn undisturbed<B: Bench>(brief: &Brief) -> (BTreeSet<String>, usize) {
    let bench = B::start().await;
    first_push(&bench, brief).await.unwrap();
    let requests = bench.requests().into_iter().collect();
    (requests, bench.records().len())
}

/// Everything that people see in the CRM, a line for each field.
fn shown(bench: &impl Bench) -> String {
    let records = bench.records().into_iter().flatten();
    records
        .map(|(_, value)| value)
        .collect::<Vec<_>>()
        .join("\n")
}

/// Has a fault happen to each request of a first push in turn. The push meets it as `disposition` says, and the next one
/// leaves the same records as if nothing had happened.
async fn at_each_request<B: Bench>(brief: MakeBrief, fault: Fault, disposition: Disposition) {
    let brief = &brief(Channel::Phone);
    let (requests, records) = undisturbed::<B>(brief).await;
    let run = async |request: String| {
        let bench = B::start().await;
        bench.fail_next(&request, fault);
        let error = first_push(&bench, brief).await.unwrap_err();
        let at = format!("{} {fault:?} {request}: {error:?}", B::SLUG);
        assert_eq!(error.disposition(), disposition, "{at}");
        let secret = bench.account().secret;
        assert!(
            !at.contains(secret.expose_secret())
                && !error.to_string().contains(secret.expose_secret()),
            "{at}"
        );
        if disposition == Disposition::Park {
            assert!(error.answer().is_some(), "{at}");
        }
        let pushed = first_push(&bench, brief).await;
        assert!(pushed.is_ok(), "{at}, then {pushed:?}");
        assert_eq!(bench.records().len(), records, "{at}");
    };
    let runs = requests.into_iter().map(run);
    stream::iter(runs).buffer_unordered(8).collect::<()>().await;
}

pub async fn a_lead_of_every_channel_is_shown<B: Bench>(brief: MakeBrief) {
    for channel in Channel::ALL {
        let (bench, brief) = (B::start().await, brief(channel));
        let pushed = first_push(&bench, &brief).await.unwrap();
        assert!(
            pushed.is_changed && !pushed.remote_ids.is_empty(),
            "{pushed:?}"
        );
        let shown = shown(&bench);
        let said = brief.conversation.utterances.first();
        let expected = [
            Some(brief.request.to_string()),
            Some(brief.title()),
            Some(brief.happened.describe()),
            said.map(|utterance| utterance.text.clone()),
            brief.phone.as_ref().map(|phone| phone.as_str().to_owned()),
            brief.email.as_ref().map(|email| email.as_str().to_owned()),
            brief.note.clone(),
            brief.lead_status.clone(),
        ];
        for text in expected.into_iter().flatten() {
            assert!(
                shown.contains(&text),
                "{} {channel}: no {text} in {shown}",
                B::SLUG
            );
        }
    }
}

pub async fn a_lead_of_which_nothing_is_known_is_shown<B: Bench>(brief: MakeBrief) {
    let bench = B::start().await;
    let bare = Brief {
        happened: Happened::default(),
        name: None,
        phone: None,
        email: None,
        city: None,
        state: None,
        postal_code: None,
        address: None,
        conversation: Conversation::default(),
        judgment: None,
        tags: Vec::new(),
        note: None,
        value: None,
        lead_status: None,
        attribution: BTreeMap::new(),
        ..brief(Channel::Api)
    };
    first_push(&bench, &bare).await.unwrap();
    assert!(shown(&bench).contains(&bare.request.to_string()));
}

pub async fn text_from_outside_is_no_formula<B: Bench>(brief: MakeBrief) {
    let bench = B::start().await;
    let mut hostile = brief(Channel::Phone);
    let formula = || "=HYPERLINK(\"http://evil.example\")".to_owned();
    for text in [
        &mut hostile.name,
        &mut hostile.city,
        &mut hostile.state,
        &mut hostile.address,
        &mut hostile.note,
        &mut hostile.value,
        &mut hostile.lead_status,
        &mut hostile.conversation.recording,
        &mut hostile.happened.at,
    ] {
        *text = Some(formula());
    }
    hostile.email = EmailAddress::parse("=1+1@example.com").ok();
    hostile.tags = vec![formula()];
    hostile.attribution = BTreeMap::from([("source".to_owned(), formula())]);
    for utterance in &mut hostile.conversation.utterances {
        utterance.text = formula();
    }
    first_push(&bench, &hostile).await.unwrap();
    let phone = hostile.phone.as_ref().map(E164::as_str);
    for (name, value) in bench.records().into_iter().flatten() {
        let is_phone = phone == Some(&value);
        assert!(
            is_phone || !is_formula(&value),
            "{} {name}: {value}",
            B::SLUG
        );
    }
}

pub async fn twice_is_once<B: Bench>(brief: MakeBrief) {
    let (bench, brief) = (B::start().await, brief(Channel::Phone));
    let first = first_push(&bench, &brief).await.unwrap();
    let records = bench.records().len();
    let second = first_push(&bench, &brief).await.unwrap();
    assert_eq!(known(&first), known(&second), "{}", B::SLUG);
    assert_eq!(bench.records().len(), records, "{}", B::SLUG);
}

pub async fn many_pushes_at_once_are_one<B: Bench>(brief: MakeBrief) {
    let (bench, brief) = (B::start().await, brief(Channel::Phone));
    let pushes = (0..50).map(|_| first_push(&bench, &brief));
    let pushed: Vec<_> = join_all(pushes)
        .await
        .into_iter()
        .map(Result::unwrap)
        .collect();
    let records = bench.records().len();
    let alone = first_push(&bench, &brief).await.unwrap();
    for pushed in &pushed {
        assert_eq!(known(pushed), known(&alone), "{}", B::SLUG);
    }
    assert_eq!(records, undisturbed::<B>(&brief).await.1, "{}", B::SLUG);
}

/// The CRM's id of whom a lead is from.
fn person_of(pushed: &Pushed) -> &str {
    let mut words = ["contact", "person", "lead"].into_iter();
    let id = words.find_map(|word| pushed.remote_ids.get(word));
    id.unwrap()
}

/// To us, all who call from one number are one person.
pub async fn two_people_of_one_number_at_once_are_two<B: Bench>(brief: MakeBrief) {
    if spec(B::SLUG).is_open {
        return; // the receiver knows no persons
    }
    let bench = B::start().await;
    let caller = |number: u32, name: &str| Brief {
        request: format!("req_{number:032x}").parse::<RequestId>().unwrap(),
        name: Some(name.to_owned()),
        email: None,
        ..brief(Channel::Phone)
    };
    let briefs = [
        caller(1, "Theo Hart"),
        caller(2, "Nia Voss"),
        caller(3, "Theo Hart"),
    ];
    let pushes = briefs.iter().map(|brief| first_push(&bench, brief));
    let pushed: Vec<_> = join_all(pushes)
        .await
        .into_iter()
        .map(Result::unwrap)
        .collect();
    let persons: Vec<_> = pushed.iter().map(person_of).collect();
    assert_eq!(persons[0], persons[2], "{}", B::SLUG);
    assert_ne!(persons[0], persons[1], "{}", B::SLUG);
    let shown = shown(&bench);
    let notice = "has the number +15125550142, and none has the name";
    assert!(shown.contains(notice), "{}: {shown}", B::SLUG);
    // Each goes on with their own.
    for (brief, before) in briefs.iter().zip(&pushed) {
        let changed = Brief {
            tags: vec!["signed yesterday".to_owned()],
            ..brief.clone()
        };
        let again = push(&bench, &changed, &known(before)).await.unwrap();
        assert_eq!(again.remote_ids, before.remote_ids, "{}", B::SLUG);
    }
}

pub async fn an_apostrophe_is_searched_for<B: Bench>(brief: MakeBrief) {
    if spec(B::SLUG).is_open {
        return;
    }
    let bench = B::start().await;
    let lead = |number: u32| Brief {
        request: format!("req_{number:032x}").parse::<RequestId>().unwrap(),
        name: Some("Kate O'Brien".to_owned()),
        email: EmailAddress::parse("kate.o'brien@example.com").ok(),
        ..brief(Channel::Form)
    };
    let first = first_push(&bench, &lead(1)).await.unwrap();
    // Another person to us, so that the address alone leads there.
    let other = format!("per_{:032x}", 77).parse::<PersonId>().unwrap();
    let second = first_push(&bench, &lead(2).from_person(other)).await;
    assert_eq!(
        person_of(&second.unwrap()),
        person_of(&first),
        "{}",
        B::SLUG
    );
    assert!(shown(&bench).contains("O'Brien"), "{}", B::SLUG);
}

pub async fn a_number_in_a_field_of_texts_is_a_text<B: Bench>(brief: MakeBrief) {
    if spec(B::SLUG).is_open {
        return;
    }
    let (bench, brief) = (B::start().await, brief(Channel::Phone));
    let (object, field) = bench.add_field();
    let json = json!({ "fields": { object: { &field: "judgment.score" } } });
    let mapping = Mapping::read(spec(B::SLUG), &json).unwrap();
    push_mapped(&bench, &brief, &mapping, &Known::default())
        .await
        .unwrap();
    let is_there = shown(&bench).lines().any(|line| line == "82");
    assert!(is_there, "{}", B::SLUG);
}

pub async fn what_a_record_needs_is_as_usual_where_its_mapping_is_empty<B: Bench>(
    brief: MakeBrief,
) {
    let brief = Brief {
        extension: None,
        ..brief(Channel::Phone)
    };
    let usual = B::start().await;
    first_push(&usual, &brief).await.unwrap();
    let needed = spec(B::SLUG).fields.iter().filter(|field| field.is_needed);
    for field in needed {
        let bench = B::start().await;
        let json = json!({ "fields": { field.object: { field.field: "contact.extension" } } });
        let mapping = Mapping::read(spec(B::SLUG), &json).unwrap();
        let pushed = push_mapped(&bench, &brief, &mapping, &Known::default()).await;
        assert!(pushed.is_ok(), "{} {}: {pushed:?}", B::SLUG, field.field);
        assert_eq!(shown(&bench), shown(&usual), "{} {}", B::SLUG, field.field);
        let none = json!({ "fields": { field.object: { field.field: null } } });
        let refused = Mapping::read(spec(B::SLUG), &none).map(drop).unwrap_err();
        assert_eq!(refused.faults[0].code, "required", "{}", field.field);
    }
}

pub async fn an_unchanged_lead_is_not_sent<B: Bench>(brief: MakeBrief) {
    let (bench, brief) = (B::start().await, brief(Channel::Phone));
    let first = first_push(&bench, &brief).await.unwrap();
    let requests = bench.requests().len();
    let second = push(&bench, &brief, &known(&first)).await.unwrap();
    assert!(!second.is_changed, "{}", B::SLUG);
    assert_eq!(known(&second), known(&first), "{}", B::SLUG);
    assert_eq!(bench.requests().len(), requests, "{}", B::SLUG);
}

pub async fn a_changed_lead_reaches_the_same_records<B: Bench>(brief: MakeBrief) {
    let (bench, brief) = (B::start().await, brief(Channel::Phone));
    let first = first_push(&bench, &brief).await.unwrap();
    let records = bench.records().len();
    let changed = Brief {
        tags: vec!["signed yesterday".to_owned()],
        ..brief
    };
    let second = push(&bench, &changed, &known(&first)).await.unwrap();
    assert!(second.is_changed, "{}", B::SLUG);
    assert_eq!(second.remote_ids, first.remote_ids, "{}", B::SLUG);
    assert_ne!(second.fields_hash, first.fields_hash, "{}", B::SLUG);
    assert_eq!(bench.records().len(), records, "{}", B::SLUG);
    assert!(shown(&bench).contains("signed yesterday"), "{}", B::SLUG);
}

pub async fn a_lost_answer_is_once<B: Bench>(brief: MakeBrief) {
    let retry = Disposition::Retry { after: None };
    for fault in [Fault::Unanswered, Fault::Broken, Fault::Truncated] {
        at_each_request::<B>(brief, fault, retry).await;
    }
}

pub async fn a_slow_answer_is_waited_for<B: Bench>(brief: MakeBrief) {
    let brief = brief(Channel::Phone);
    let (requests, _) = undisturbed::<B>(&brief).await;
    let bench = B::start().await;
    for request in &requests {
        bench.fail_next(request, Fault::Slow);
    }
    let pushed = first_push(&bench, &brief).await;
    assert!(pushed.is_ok(), "{}: {pushed:?}", B::SLUG);
}

pub async fn an_outage_is_tried_again<B: Bench>(brief: MakeBrief) {
    let retry = Disposition::Retry { after: None };
    for number in [500, 502, 503] {
        at_each_request::<B>(brief, status(number), retry).await;
    }
}

pub async fn a_requested_pause_is_kept<B: Bench>(brief: MakeBrief) {
    for number in [429, 503] {
        let fault = Fault::Status {
            status: number,
            retry_after_seconds: Some(7),
        };
        let after = Some(Duration::from_secs(7));
        at_each_request::<B>(brief, fault, Disposition::Retry { after }).await;
    }
}

pub async fn a_refused_credential_holds<B: Bench>(brief: MakeBrief) {
    at_each_request::<B>(brief, Fault::Revoked, Disposition::Hold).await;
}

/// At the first request: a connector may do without a permission that it uses later.
pub async fn a_missing_permission_holds<B: Bench>(brief: MakeBrief) {
    let brief = brief(Channel::Phone);
    let bench = B::start().await;
    first_push(&bench, &brief).await.unwrap();
    let first = bench.requests().remove(0);
    let bench = B::start().await;
    bench.fail_next(&first, status(403));
    let error = first_push(&bench, &brief).await.unwrap_err();
    assert_eq!(
        error.disposition(),
        Disposition::Hold,
        "{}: {error:?}",
        B::SLUG
    );
    assert!(bench.records().is_empty(), "{}", B::SLUG);
}

/// Nothing stays of it, and a credential that is not accepted is known by it.
pub async fn an_account_is_inspected<B: Bench>(_: MakeBrief) {
    let bench = B::start().await;
    let account = bench.account();
    let inspection = bench.connector().inspect(&account).await.unwrap();
    let fields = inspection.objects.iter().map(|object| object.fields.len());
    assert!(fields.sum::<usize>() > 0, "{}: {inspection:?}", B::SLUG);
    assert!(bench.records().is_empty(), "{}", B::SLUG);
    for request in bench.requests() {
        bench.fail_next(&request, Fault::Revoked);
        let error = bench.connector().inspect(&account).await.unwrap_err();
        assert_eq!(
            error.disposition(),
            Disposition::Hold,
            "{}: {error:?}",
            B::SLUG
        );
    }
}

pub async fn a_refused_lead_parks_with_the_crms_words<B: Bench>(brief: MakeBrief) {
    at_each_request::<B>(brief, status(400), Disposition::Park).await;
}

/// A mapping that fills the bench's own field from the town.
fn town_mapping(bench: &impl Bench) -> (Mapping, &'static str, String) {
    let (object, field) = bench.add_field();
    let json = json!({ "fields": { object: {
        field.as_str(): { "from": "property.city", "then": ["upper", { "default": "NOWHERE" }] },
    } } });
    let mapping = Mapping::saved(spec(bench.connector().slug()), &json, 3).unwrap();
    (mapping, object, field)
}

fn spec(slug: &str) -> &'static MappingSpec {
    let found = CONNECTORS.iter().find(|spec| spec.slug == slug);
    found.unwrap().mapping
}

/// How many records have this value in some field.
fn count(bench: &impl Bench, wanted: &str) -> usize {
    let records = bench.records().into_iter();
    records
        .filter(|record| record.values().any(|value| value == wanted))
        .count()
}

pub async fn a_mapped_field_lands_in_the_record<B: Bench>(brief: MakeBrief) {
    let (bench, brief) = (B::start().await, brief(Channel::Phone));
    let (mapping, _, _) = town_mapping(&bench);
    let nothing = Known::default();
    let pushed = push_mapped(&bench, &brief, &mapping, &nothing)
        .await
        .unwrap();
    assert_eq!(
        count(&bench, "ROUND ROCK"),
        1,
        "{}: {:?}",
        B::SLUG,
        bench.records()
    );
    let records = bench.records().len();
    assert_eq!(records, undisturbed::<B>(&brief).await.1, "{}", B::SLUG);
    let again = push_mapped(&bench, &brief, &mapping, &known(&pushed)).await;
    assert!(!again.unwrap().is_changed, "{}", B::SLUG);
    let again = push_mapped(&bench, &brief, &mapping, &nothing)
        .await
        .unwrap();
    assert_eq!(known(&again), known(&pushed), "{}", B::SLUG);
    assert_eq!(bench.records().len(), records, "{}: twice is once", B::SLUG);
}

pub async fn a_mapping_that_changes_reaches_the_same_records<B: Bench>(brief: MakeBrief) {
    let (bench, brief) = (B::start().await, brief(Channel::Phone));
    let first = first_push(&bench, &brief).await.unwrap();
    let records = bench.records().len();
    let (mapping, _, _) = town_mapping(&bench);
    let second = push_mapped(&bench, &brief, &mapping, &known(&first)).await;
    let second = second.unwrap();
    assert!(second.is_changed, "{}", B::SLUG);
    assert_eq!(second.remote_ids, first.remote_ids, "{}", B::SLUG);
    assert_eq!(bench.records().len(), records, "{}", B::SLUG);
    assert_eq!(count(&bench, "ROUND ROCK"), 1, "{}", B::SLUG);
}

pub async fn a_mapped_field_that_vanished_parks<B: Bench>(brief: MakeBrief) {
    let (bench, brief) = (B::start().await, brief(Channel::Phone));
    let (mapping, _, field) = town_mapping(&bench);
    if !bench.remove_field(&field) {
        return;
    }
    let nothing = Known::default();
    let parked = push_mapped(&bench, &brief, &mapping, &nothing).await;
    let error = parked.unwrap_err();
    assert_eq!(
        error.disposition(),
        Disposition::Park,
        "{}: {error:?}",
        B::SLUG
    );
    assert_eq!(error.word(), "schema", "{}", B::SLUG);
    let told = error.to_string();
    assert!(
        told.contains(&field) && told.contains("redrive"),
        "{}: {told}",
        B::SLUG
    );
    // Without the rule, what was begun is finished.
    first_push(&bench, &brief).await.unwrap();
    let records = bench.records().len();
    assert_eq!(records, undisturbed::<B>(&brief).await.1, "{}", B::SLUG);
}

pub async fn a_preview_is_what_the_push_sends<B: Bench>(brief: MakeBrief) {
    let (bench, brief) = (B::start().await, brief(Channel::Phone));
    let (mapping, object, field) = town_mapping(&bench);
    let account = bench.account();
    let connector = bench.rehearsing();
    let objects = match spec(B::SLUG).is_open {
        true => Vec::new(),
        false => connector.inspect(&account).await.unwrap().objects,
    };
    let look = async |known: &Known| {
        preview::preview(
            &*bench.rehearsing(),
            spec(B::SLUG),
            (&brief, &mapping),
            (&account, known),
            bench.clock(),
            &objects,
        )
        .await
    };
    let before = bench.records();
    let seen = look(&Known::default()).await;
    assert!(seen.error.is_none(), "{}: {:?}", B::SLUG, seen.error);
    assert_eq!(
        bench.records(),
        before,
        "{}: a preview has written",
        B::SLUG
    );
    let shown: Vec<_> = seen.calls.iter().flat_map(|call| &call.records).collect();
    let mapped = shown.iter().filter(|record| record.object == object);
    let mapped: Vec<_> = mapped
        .flat_map(|record| &record.fields)
        .filter(|shown| shown.name == field)
        .collect();
    assert_eq!(mapped.len(), 1, "{}: {shown:?}", B::SLUG);
    assert_eq!(mapped[0].value, "ROUND ROCK", "{}", B::SLUG);
    assert!(
        mapped[0].is_mapped && mapped[0].from == "property.city",
        "{:?}",
        mapped[0]
    );
    assert_eq!(mapped[0].state, preview::State::Ok, "{}", B::SLUG);
    // Each call that was shown is made, and no other that is no reading. Ids are known only then.
    let plain = |call: &str| {
        let kept = call.chars().filter(|c| !c.is_ascii_digit());
        kept.collect::<String>()
    };
    let told = seen.calls.iter().map(|call| {
        let url = http_client::Url::parse(&call.request.url).unwrap();
        plain(&format!("{} {}", call.request.method, url.path()))
    });
    let mut told: Vec<_> = told.collect();
    let asked = bench.requests().len();
    let pushed = push_mapped(&bench, &brief, &mapping, &Known::default()).await;
    let pushed = pushed.unwrap();
    let made = bench.requests().split_off(asked).into_iter();
    let only_reads = |call: &String| {
        let is_search = ["/batch/read", "/search"]
            .iter()
            .any(|end| call.ends_with(end));
        call.starts_with("GET ") || is_search
    };
    let made = made.filter(|call| !only_reads(call));
    let mut made: Vec<_> = made.map(|call| plain(&call)).collect();
    told.sort();
    made.sort();
    // A URL that is a tenant's is shown without its path.
    if !spec(B::SLUG).is_open {
        assert_eq!(told, made, "{}", B::SLUG);
    }
    assert_eq!(told.len(), made.len(), "{}", B::SLUG);
    // What is there already is said to be.
    let seen = look(&known(&pushed)).await;
    assert!(
        seen.is_up_to_date && seen.error.is_none(),
        "{}: {seen:?}",
        B::SLUG
    );
}

/// What a mapping is said to stand beside is what is sent without one: field by field.
pub async fn what_is_usual_is_what_is_sent<B: Bench>(brief: MakeBrief) {
    let spec = spec(B::SLUG);
    let mut sent = BTreeSet::new();
    for channel in Channel::ALL {
        let (bench, brief) = (B::start().await, brief(channel));
        let seen = preview::preview(
            &*bench.rehearsing(),
            spec,
            (&brief, &Mapping::default()),
            (&bench.account(), &Known::default()),
            bench.clock(),
            &[],
        )
        .await;
        sent.extend(preview::values(&seen.calls).into_keys());
    }
    // Some CRMs' own fields have keys of the company's; the table names what they stand in.
    let is_own_key = |name: &str| name.len() == 40 && name.bytes().all(|b| b.is_ascii_hexdigit());
    for (object, name) in sent {
        assert!(
            is_own_key(&name) || spec.field(object, &name).is_some(),
            "{}: {object}.{name} is sent, and no one is told",
            B::SLUG
        );
    }
}
