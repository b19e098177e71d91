//! Accepting deliveries.

use domain::{About, Alias, Author, ChatMessage, ParkCause, Receipt, Status, TextFacts, WorkState};
use futures::future::join_all;
use jiff::Timestamp;

use super::*;

pub async fn a_first_delivery_becomes_a_request_with_its_first_step(subject: &Subject) {
    let tenant = subject.tenant("a");
    let accepted = subject.accept(&Lead::new(&tenant, "1").note("hello")).await;
    assert!(!accepted.is_duplicate());
    let (event, id) = (accepted.event(), accepted.request().unwrap());
    let view = subject.view(&tenant, id).await;
    assert_eq!(view.request.status, Status::Received);
    assert_eq!(view.request.version, 1);
    assert_eq!(view.request.created_at, (subject.now)());
    assert_eq!(
        view.request.document.source.said.labels.note.as_deref(),
        Some("hello")
    );
    assert_eq!(view.request.document.source.events, 1);
    let [row] = view.work.as_slice() else {
        panic!("one step is open: {:?}", view.work)
    };
    assert_eq!((row.key.stage, &row.state), (FIRST, &WorkState::Ready));
    assert_eq!(accepted.into_wakes(), [row.wake()]);
    let stored = subject.store.event(&tenant, event).await.unwrap().unwrap();
    assert_eq!(stored.request, Some(id));
    assert_eq!(stored.body, "body of 1");
    assert_eq!(stored.scheme, "hmac_sha1");
    assert_eq!(stored.headers.len(), 1);
    assert_eq!(stored.remark, None);
    assert_eq!(stored.received_at, (subject.now)());
}

pub async fn a_request_can_wait_for_a_later_event(subject: &Subject) {
    let tenant = subject.tenant("a");
    let mut lead = Lead::phone(&tenant, "1");
    lead.delay = 60 * SECOND;
    let accepted = subject.accept(&lead).await;
    let id = accepted.request().unwrap();
    assert!(accepted.into_wakes().is_empty());
    let row = subject.row(&tenant, id, Stage::Details, "").await.unwrap();
    assert_eq!(row.due_at, subject.after(60 * SECOND));
    assert_eq!(row.next_wake_at, Some(row.due_at));
    // The later event comes.
    let later = subject
        .accept(&Lead::phone(&tenant, "1").body("more"))
        .await;
    assert_eq!(later.into_wakes().len(), 1);
    subject.claim(&tenant, id, Stage::Details, "").await;
}

pub async fn an_addition_makes_no_request_by_itself(subject: &Subject) {
    let tenant = subject.tenant("a");
    let mut addition = Lead::new(&tenant, "1").body("more");
    addition.is_addition = true;
    let alone = subject.accept(&addition).await;
    assert_eq!(alone.request(), None);
    let stored = subject.store.event(&tenant, alone.event()).await;
    let remark = stored.unwrap().unwrap().remark;
    assert!(remark.is_some_and(|remark| remark.contains("not known")));
    assert!(alone.into_wakes().is_empty());
    // It left no name behind that leads nowhere.
    let request = subject.request(&Lead::new(&tenant, "1")).await;
    let known = subject.accept(&addition.body("even more")).await;
    assert_eq!(known.request(), Some(request));
    let lead = subject.lead(&tenant, request).await;
    assert_eq!(lead.document.source.events, 2);
}

/// A text of the conversation `k1`, written at a minute. The company's makes no lead.
fn text_of(tenant: &TenantId, from: Author, words: &str, minute: i64) -> Lead {
    let at = Timestamp::from_second(1_795_190_400 + minute * 60).ok();
    let message = ChatMessage::new(from, at, words);
    let mut lead = Lead::new(tenant, "k1").body(words);
    lead.facts.about = About::Text(TextFacts {
        messages: [(words.to_owned(), message)].into(),
        ..TextFacts::default()
    });
    lead.is_addition = from == Author::Agent;
    lead
}

/// What was written in a request's conversation, in order.
async fn thread(subject: &Subject, tenant: &TenantId, request: RequestId) -> Vec<String> {
    let facts = subject.lead(tenant, request).await.document.facts();
    let About::Text(text) = facts.about else {
        panic!("it is a text");
    };
    let ordered = domain::lead::thread::in_order(&text.messages).into_iter();
    ordered.map(|(_, message)| message.text.clone()).collect()
}

/// A company may write first. Its words make no lead, and are the beginning of the conversation once the person answers.
pub async fn what_a_company_wrote_first_is_the_beginning_of_the_conversation(subject: &Subject) {
    let tenant = subject.tenant("a");
    let text = |from: Author, id: &str, minute: i64| text_of(&tenant, from, id, minute);
    let mut first = text(Author::Agent, "offer", 0);
    first.facts.labels.note = Some("older".to_owned());
    let first = subject.accept(&first).await;
    let second = subject.accept(&text(Author::Agent, "reminder", 1)).await;
    assert_eq!((first.request(), second.request()), (None, None));
    // Another conversation, another tenant, and what was told twice, bring nothing along.
    let mut other = text(Author::Agent, "to another", 0);
    other.aliases = vec![alias("k2")];
    subject.accept(&other).await;
    let mut foreign = text(Author::Agent, "of another tenant", 0);
    foreign.tenant = subject.tenant("b");
    subject.accept(&foreign).await;
    assert!(
        subject
            .accept(&text(Author::Agent, "reminder", 1))
            .await
            .is_duplicate()
    );

    let mut answer = text(Author::Customer, "yes, please", 2);
    answer.facts.labels.note = Some("newer".to_owned());
    let request = subject.accept(&answer).await.request().unwrap();
    assert_eq!(
        thread(subject, &tenant, request).await,
        ["offer", "reminder", "yes, please"]
    );
    let lead = subject.lead(&tenant, request).await;
    let note = lead.document.facts().labels.note;
    assert_eq!(note.as_deref(), Some("newer"));
    for early in [&first, &second] {
        let event = subject.store.event(&tenant, early.event()).await;
        let event = event.unwrap().unwrap();
        assert_eq!((event.request, event.remark), (Some(request), None));
    }
    // What comes later is added as ever, and what came first is taken once.
    subject.accept(&text(Author::Agent, "when?", 3)).await;
    subject.accept(&text(Author::Customer, "friday", 4)).await;
    assert_eq!(
        thread(subject, &tenant, request).await,
        ["offer", "reminder", "yes, please", "when?", "friday"]
    );
    let mut alone = text(Author::Customer, "hello", 5);
    alone.aliases = vec![alias("k3")];
    let alone = subject.accept(&alone).await.request().unwrap();
    assert_eq!(thread(subject, &tenant, alone).await, ["hello"]);
}

/// The person's first text may be read only later: what the company wrote until then is part of it all the same.
pub async fn a_conversation_that_is_read_late_is_whole(subject: &Subject) {
    let tenant = subject.tenant("a");
    let text = |from: Author, id: &str, minute: i64| text_of(&tenant, from, id, minute);
    let first = subject.accept(&text(Author::Agent, "offer", 0)).await;
    let answer = text(Author::Customer, "yes, please", 1);
    let unreadable = Delivery {
        reading: Err("broken JSON".to_owned()),
        ..answer.clone().delivery()
    };
    let accepted = subject.store.accept(unreadable).await.unwrap();
    let request = accepted.request().unwrap();
    // Nobody knows yet whose conversation this is part of.
    let second = subject.accept(&text(Author::Agent, "when?", 2)).await;
    assert_eq!(second.request(), None);

    let row = subject.row(&tenant, request, Stage::Reading, "").await;
    let keys = [row.unwrap().key];
    subject.store.redrive(&tenant, &keys, &act()).await.unwrap();
    let job = subject.claim(&tenant, request, Stage::Reading, "").await;
    let mut source = job.request.document.source.clone();
    source.unread = None;
    source.said = answer.facts.clone();
    let read = Outcome::Done {
        sections: vec![Section::Source(Box::new(source))],
        aliases: answer.aliases.clone(),
    };
    subject.settle(&job, read).await;
    let whole = ["offer", "yes, please", "when?"];
    assert_eq!(thread(subject, &tenant, request).await, whole);
    for early in [&first, &second] {
        let event = subject.store.event(&tenant, early.event()).await;
        let event = event.unwrap().unwrap();
        assert_eq!((event.request, event.remark), (Some(request), None));
    }
    let later = subject.accept(&text(Author::Agent, "friday?", 3)).await;
    assert_eq!(later.request(), Some(request));

    // So is one whose first text was not used, and is replayed.
    let tenant = subject.tenant("b");
    let text = |from: Author, id: &str, minute: i64| text_of(&tenant, from, id, minute);
    subject.accept(&text(Author::Agent, "offer", 0)).await;
    let answer = text(Author::Customer, "yes, please", 1).delivery();
    let unused = Delivery {
        reading: Ok(Reading::Ignored {
            reason: "of another account".into(),
        }),
        ..answer.clone()
    };
    let event = subject.store.accept(unused).await.unwrap().event();
    let (store, act) = (&subject.store, act());
    let replayed = store.replay_delivery(&tenant, event, Some(answer), &act);
    let request = replayed.await.unwrap().request;
    let whole = ["offer", "yes, please"];
    assert_eq!(thread(subject, &tenant, request).await, whole);
}

/// Not every piece of a conversation names its thread; two threads of one conversation are two.
pub async fn a_conversation_is_one_whichever_of_its_names_is_told(subject: &Subject) {
    let tenant = subject.tenant("a");
    let text = |from: Author, words: &str, minute: i64| text_of(&tenant, from, words, minute);
    let threaded = |id: &str, words: &str, minute: i64| {
        text(Author::Customer, words, minute)
            .named(&[id, "k1"])
            .canonical(id)
    };
    subject.accept(&text(Author::Agent, "offer", 0)).await;
    let request = subject.request(&threaded("t1", "yes", 1)).await;
    for more in [
        text(Author::Customer, "a deck", 2),
        text(Author::Agent, "when?", 3),
        threaded("t1", "friday", 4),
    ] {
        assert_eq!(subject.request(&more).await, request);
    }
    let whole = ["offer", "yes", "a deck", "when?", "friday"];
    assert_eq!(thread(subject, &tenant, request).await, whole);
    let other = subject.request(&threaded("t2", "a fence", 5)).await;
    assert_ne!(other, request);

    // The thread may be told only later.
    let tenant = subject.tenant("b");
    let text = |words: &str, minute: i64| text_of(&tenant, Author::Customer, words, minute);
    let request = subject.request(&text("a deck", 0)).await;
    let named = text("in may", 1).named(&["t1", "k1"]).canonical("t1");
    assert_eq!(subject.request(&named).await, request);
}

pub async fn a_hundred_equal_deliveries_at_once_become_one(subject: &Subject) {
    let tenant = subject.tenant("a");
    let lead = Lead::new(&tenant, "1");
    let accepted = join_all((0..100).map(|_| subject.accept(&lead))).await;
    let first = &accepted[0];
    assert!(
        accepted
            .iter()
            .all(|one| one.event() == first.event() && one.request() == first.request())
    );
    let new = accepted.iter().filter(|one| !one.is_duplicate()).count();
    assert_eq!(new, 1);
    let lead = subject.lead(&tenant, first.request().unwrap()).await;
    assert_eq!((lead.version, lead.document.source.events), (1, 1));
}

pub async fn equal_deliveries_at_once_stay_with_their_tenants(subject: &Subject) {
    let leads = ["a", "b"].map(|name| Lead::new(&subject.tenant(name), "1"));
    let accepted = join_all((0..40).map(|number| subject.accept(&leads[number % 2]))).await;
    for (number, one) in accepted.iter().enumerate() {
        assert_eq!(one.request(), accepted[number % 2].request());
    }
    assert_ne!(accepted[0].request(), accepted[1].request());
    for (name, first) in ["a", "b"].into_iter().zip(&accepted) {
        let tenant = subject.tenant(name);
        let lead = subject.lead(&tenant, first.request().unwrap()).await;
        assert_eq!((lead.version, lead.document.source.events), (1, 1));
    }
}

pub async fn a_repeated_delivery_is_accepted_and_stored_once(subject: &Subject) {
    let tenant = subject.tenant("a");
    let lead = Lead::new(&tenant, "1");
    let first = subject.accept(&lead).await;
    subject.wait(SECOND).await;
    let second = subject.accept(&lead).await;
    assert!(second.is_duplicate());
    assert_eq!(second.event(), first.event());
    assert_eq!(second.request(), first.request());
    assert!(second.into_wakes().is_empty());
    let lead = subject.lead(&tenant, first.request().unwrap()).await;
    assert_eq!(lead.version, 1);
}

pub async fn a_delivery_id_tells_repeats_whatever_the_body(subject: &Subject) {
    let tenant = subject.tenant("a");
    let mut lead = Lead::new(&tenant, "1");
    lead.delivery_id = Some("d-1".to_owned());
    let first = subject.accept(&lead).await;
    let again = subject.accept(&lead.clone().body("else")).await;
    assert!(again.is_duplicate());
    assert_eq!(again.event(), first.event());
    lead.delivery_id = Some("d-2".to_owned());
    assert!(!subject.accept(&lead).await.is_duplicate());
}

pub async fn the_same_body_for_another_event_is_no_repeat(subject: &Subject) {
    let tenant = subject.tenant("a");
    let lead = Lead::new(&tenant, "1");
    let first = subject.accept(&lead.clone().event("created")).await;
    let second = subject.accept(&lead.event("changed")).await;
    assert!(!second.is_duplicate());
    assert_ne!(second.event(), first.event());
    assert_eq!(second.request(), first.request());
}

pub async fn equal_news_at_two_urls_are_one_delivery(subject: &Subject) {
    let tenant = subject.tenant("a");
    let mut lead = Lead::new(&tenant, "1");
    lead.is_told_by_body = true;
    let unused = Delivery {
        reading: Ok(Reading::Ignored {
            reason: "an event that is not used".into(),
        }),
        ..lead.clone().event("rings").delivery()
    };
    let unreadable = Delivery {
        reading: Err("not here".to_owned()),
        ..lead.clone().event("test").delivery()
    };
    for other in [unused, unreadable] {
        assert!(!subject.store.accept(other).await.unwrap().is_duplicate());
    }
    // What one URL does not use is no reason to lose it at another.
    let first = subject.accept(&lead.clone().event("ended")).await;
    assert!(!first.is_duplicate());
    for url in [Some("edited"), None] {
        lead.event = url.map(str::to_owned);
        let again = subject.accept(&lead).await;
        assert!(again.is_duplicate(), "{url:?}");
        assert_eq!(again.request(), first.request());
    }
    let events = subject.lead(&tenant, first.request().unwrap()).await;
    assert_eq!(events.document.source.events, 1);
}

pub async fn two_canonical_ids_are_two_requests(subject: &Subject) {
    let tenant = subject.tenant("a");
    // An id that says nothing is named by both.
    let lead = |id: &str| {
        let lead = Lead::new(&tenant, id).named(&[id, "7"]);
        lead.body(id).canonical(id)
    };
    let first = subject.request(&lead("long-1")).await;
    let second = subject.request(&lead("long-2")).await;
    assert_ne!(first, second);
    for (body, names, canonical, expected) in [
        ("later", &["long-2", "7"][..], "long-2", second),
        ("last", &["long-1", "7"], "long-1", first),
    ] {
        let later = Lead::new(&tenant, body).named(names).canonical(canonical);
        assert_eq!(subject.request(&later).await, expected, "{body}");
    }
    for id in [first, second] {
        let lead = subject.lead(&tenant, id).await;
        assert_eq!(lead.document.merged_into, None);
        assert_eq!(lead.document.source.events, 2);
    }
}

pub async fn a_later_event_updates_the_request_that_it_names(subject: &Subject) {
    let tenant = subject.tenant("a");
    let first = subject.accept(&Lead::new(&tenant, "1").note("one")).await;
    let second = subject
        .accept(&Lead::new(&tenant, "1").body("2").note("two"))
        .await;
    let id = first.request().unwrap();
    assert_eq!(second.request(), Some(id));
    assert!(!second.is_duplicate());
    let lead = subject.lead(&tenant, id).await;
    let source = &lead.document.source;
    assert_eq!(source.said.labels.note.as_deref(), Some("two"));
    assert_eq!((source.events, source.last_event), (2, second.event()));
    assert_eq!(lead.version, 2);
    assert_eq!(subject.view(&tenant, id).await.work.len(), 1);
}

pub async fn an_older_body_that_comes_again_asks_the_provider(subject: &Subject) {
    let tenant = subject.tenant("a");
    let (older, newer) = (
        Lead::phone(&tenant, "1").note("one"),
        Lead::phone(&tenant, "1").body("2").note("two"),
    );
    let id = subject.request(&older).await;
    subject.accept(&newer).await;
    let asks = async || subject.row(&tenant, id, Stage::Details, "").await;
    let answer = async || {
        subject
            .run(&tenant, id, Stage::Details, "", no_details)
            .await
    };
    answer().await;
    assert!(asks().await.is_none());

    let repeated = subject.accept(&older).await;
    assert!(repeated.is_duplicate());
    assert_eq!(repeated.request(), Some(id));
    let row = asks().await.unwrap();
    assert!(repeated.into_wakes().contains(&row.wake()));
    let lead = subject.lead(&tenant, id).await;
    let said = &lead.document.source.said;
    assert_eq!(said.labels.note.as_deref(), Some("two"));

    // What comes last is the newest: it is repeated without effect, and the other is older now.
    answer().await;
    subject.accept(&older).await;
    assert!(asks().await.is_none());
    subject.accept(&newer).await;
    assert!(asks().await.is_some());

    // Two thin bodies may report two changes and be equal.
    let thin = Lead::phone(&tenant, "1").body("changed").thin();
    subject.accept(&thin).await;
    for _ in 0..2 {
        assert!(asks().await.is_some());
        answer().await;
        assert!(asks().await.is_none());
        assert!(subject.accept(&thin).await.is_duplicate());
    }
}

pub async fn what_was_posted_last_holds_though_it_was_posted_before(subject: &Subject) {
    let tenant = subject.tenant("a");
    let (older, newer) = (
        Lead::new(&tenant, "1").note("one"),
        Lead::new(&tenant, "1").body("2").note("two"),
    );
    let id = subject.request(&older).await;
    let noted = async || {
        let lead = subject.lead(&tenant, id).await;
        lead.document.source.said.labels.note.unwrap()
    };
    subject.accept(&newer).await;
    assert_eq!(noted().await, "two");
    let again = subject.accept(&older).await;
    assert!(again.is_duplicate());
    assert_eq!(
        (again.request(), noted().await),
        (Some(id), "one".to_owned())
    );
    let version = subject.lead(&tenant, id).await.version;
    subject.accept(&older).await;
    assert_eq!(subject.lead(&tenant, id).await.version, version);
    subject.accept(&newer).await;
    assert_eq!(noted().await, "two");
}

pub async fn a_request_is_found_by_any_of_its_names(subject: &Subject) {
    let tenant = subject.tenant("a");
    let id = subject
        .request(&Lead::new(&tenant, "long-1").named(&["long-1", "111"]))
        .await;
    for (body, names) in [
        ("2", &["111"][..]),
        ("3", &["long-1"]),
        ("4", &["111", "third"]),
        ("5", &["third"]),
    ] {
        let lead = Lead::new(&tenant, "").body(body).named(names);
        assert_eq!(subject.request(&lead).await, id, "{names:?}");
    }
}

pub async fn names_of_another_kind_or_provider_are_other_things(subject: &Subject) {
    let tenant = subject.tenant("a");
    let id = subject.request(&Lead::new(&tenant, "1")).await;
    let mut kind = Lead::new(&tenant, "1").body("another kind");
    kind.aliases[0].kind = "visit".to_owned();
    assert_ne!(subject.request(&kind).await, id);
    let mut other = Lead::new(&tenant, "1").body("other");
    other.aliases[0].provider = "bookings".to_owned();
    assert_ne!(subject.request(&other).await, id);
}

/// The lead `7` of this sender, in its delivery of this id.
fn sent(tenant: &TenantId, source: u128, event: &str) -> Lead {
    let mut lead = Lead::new(tenant, "7").body(event);
    let scope = format!("src_{source}");
    lead.aliases = vec![alias("7").scoped(&scope)];
    lead.delivery_id = Some(event.to_owned());
    (lead.source, lead.scope) = (source, Some(scope));
    lead
}

/// Two senders of one tenant may count by the same ids: what one says is lost for nothing of the other's.
pub async fn ids_of_one_sender_are_nothing_of_anothers(subject: &Subject) {
    let tenant = subject.tenant("a");
    let one = subject.accept(&sent(&tenant, 1, "evt_1")).await;
    let other = subject.accept(&sent(&tenant, 2, "evt_1")).await;
    assert!(!other.is_duplicate());
    assert_ne!(other.event(), one.event());
    assert_ne!(other.request(), one.request());
    for (source, first) in [(1, one), (2, other)] {
        let again = subject.accept(&sent(&tenant, source, "evt_1")).await;
        assert!(again.is_duplicate());
        assert_eq!(again.event(), first.event());
        let news = subject.request(&sent(&tenant, source, "evt_2")).await;
        assert_eq!(Some(news), first.request());
    }
    // The same without ids of deliveries.
    let mut unnumbered = [1, 2].map(|source| sent(&tenant, source, "one body"));
    for lead in &mut unnumbered {
        lead.delivery_id = None;
    }
    let [one, other] = &unnumbered;
    let (one, other) = (subject.accept(one).await, subject.accept(other).await);
    assert!(!other.is_duplicate());
    assert_ne!(other.request(), one.request());
}

/// Earlier builds took every id for the provider's own.
pub async fn what_was_stored_under_ids_of_everybody_is_found_by_its_sender(subject: &Subject) {
    let tenant = subject.tenant("a");
    let mut former = sent(&tenant, 1, "evt_1");
    (former.aliases, former.scope) = (vec![alias("7")], None);
    let first = subject.accept(&former).await;
    let again = subject.accept(&sent(&tenant, 1, "evt_1")).await;
    assert!(again.is_duplicate());
    assert_eq!(again.event(), first.event());
    // Another sender's is another, both by its delivery and by its name.
    let other = subject.accept(&sent(&tenant, 2, "evt_1")).await;
    assert!(!other.is_duplicate());
    assert_ne!(other.request(), first.request());
    for event in ["evt_2", "evt_3"] {
        let news = subject.request(&sent(&tenant, 1, event)).await;
        assert_eq!(Some(news), first.request(), "{event}");
        let news = subject.request(&sent(&tenant, 2, event)).await;
        assert_eq!(Some(news), other.request(), "{event}");
    }
}

fn said_by(lead: Lead, name: Option<&str>, phone: Option<&str>) -> Lead {
    let mut lead = lead;
    lead.facts.person.name = name.map(str::to_owned);
    lead.facts.person.phone = phone.map(str::to_owned);
    lead
}

/// A number may be two people's.
pub async fn a_name_that_several_people_have_makes_one_request_of_each(subject: &Subject) {
    const PHONE: Option<&str> = Some("512-555-0221");
    let tenant = subject.tenant("a");
    let lead = |body: &str, names: &[&str], name: Option<&str>| {
        let mut lead = Lead::new(&tenant, "").body(body).named(names);
        lead.apart = Apart::OfOtherName;
        said_by(lead, name, PHONE)
    };
    let ann = lead("1", &["ann", "line"], Some("Ann Smith"));
    let ann = subject.request(&ann).await;
    let tom = lead("2", &["tom", "line"], Some("Tom Smith"));
    let tom = subject.request(&tom).await;
    assert_ne!(tom, ann);
    for (body, names, name, whose) in [
        ("3", &["ann", "line"][..], Some("ANN SMITH"), ann),
        ("4", &["tom", "line"], Some("Tom Smith"), tom),
        ("5", &["line"], None, ann),
    ] {
        let corrected = lead(body, names, name);
        assert_eq!(subject.request(&corrected).await, whose, "{body}");
    }
}

/// Two systems of a tenant may both count from 1.
pub async fn an_id_that_two_senders_gave_two_people_makes_two_requests(subject: &Subject) {
    let tenant = subject.tenant("a");
    let lead = |body: &str, names: &[&str], name: Option<&str>, phone: Option<&str>| {
        let mut lead = Lead::new(&tenant, "").body(body).named(names);
        lead.apart = Apart::OfOtherPerson;
        said_by(lead, name, phone)
    };
    let (anns, bobs) = (Some("512-555-0171"), Some("512-555-0172"));
    let ann = lead("1", &["7", "7 ann"], Some("Ann Lee"), anns);
    let ann = subject.request(&ann).await;
    let bob = lead("2", &["7", "7 bob"], Some("Bob Ray"), bobs);
    let bob = subject.request(&bob).await;
    assert_ne!(bob, ann);
    for (body, names, name, phone, whose) in [
        ("3", &["7", "7 bob"][..], Some("Bob Ray"), bobs, bob),
        // Who corrects the name or the number is the same.
        ("4", &["7"], Some("Anna Lee-Fenn"), anns, ann),
        (
            "5",
            &["7"],
            Some("Anna Lee-Fenn"),
            Some("512-555-0173"),
            ann,
        ),
        ("6", &["7"], None, None, ann),
    ] {
        let news = lead(body, names, name, phone);
        assert_eq!(subject.request(&news).await, whose, "{body}");
    }
}

pub async fn names_by_circumstances_join_no_deliveries(subject: &Subject) {
    let tenant = subject.tenant("a");
    let lead = |id: &str| {
        let mut lead = Lead::new(&tenant, id).named(&[id, "then"]);
        lead.aliases[1].kind = Alias::BEGINNING.to_owned();
        lead
    };
    let first = subject.request(&lead("1")).await;
    assert_ne!(subject.request(&lead("2")).await, first);
    // Who has another of its names is it all the same.
    let again = lead("1").body("again");
    assert_eq!(subject.request(&again).await, first);
}

pub async fn one_delivery_that_names_two_requests_merges_them(subject: &Subject) {
    let tenant = subject.tenant("a");
    let first = subject.request(&Lead::new(&tenant, "long-1")).await;
    let second = subject
        .request(&Lead::new(&tenant, "111").note("kept"))
        .await;
    assert_ne!(first, second);
    let both = Lead::new(&tenant, "")
        .body("both")
        .named(&["111", "long-1"]);
    let accepted = subject.accept(&both).await;
    assert_eq!(accepted.request(), Some(first), "the lower id survives");
    let view = subject.view(&tenant, second).await;
    assert_eq!(view.request.id, first);
    let document = view.request.document;
    assert_eq!(document.source.said.labels.note.as_deref(), Some("kept"));
    assert_eq!(document.source.events, 3);
    assert_eq!(document.source.last_event, accepted.event());
    assert!(
        subject
            .store
            .open_work(&tenant, second)
            .await
            .unwrap()
            .is_empty()
    );
    // Either name leads to the survivor, repeats included.
    for id in ["long-1", "111"] {
        let lead = Lead::new(&tenant, id).body(&format!("after {id}"));
        assert_eq!(subject.request(&lead).await, first);
    }
    assert_eq!(
        subject
            .request(&Lead::new(&tenant, "111").note("kept"))
            .await,
        first
    );
}

pub async fn three_requests_become_one(subject: &Subject) {
    let tenant = subject.tenant("a");
    let mut ids = Vec::new();
    for id in ["1", "2", "3", "4"] {
        ids.push(subject.request(&Lead::new(&tenant, id)).await);
    }
    subject
        .request(&Lead::new(&tenant, "").body("two").named(&["2", "4"]))
        .await;
    let all = Lead::new(&tenant, "")
        .body("all")
        .named(&["3", "4", "2", "1"]);
    assert_eq!(subject.request(&all).await, ids[0]);
    for id in &ids {
        assert_eq!(subject.lead(&tenant, *id).await.id, ids[0]);
    }
    assert_eq!(
        subject.lead(&tenant, ids[0]).await.document.source.events,
        6
    );
}

pub async fn the_request_that_was_dispatched_goes_on(subject: &Subject) {
    let tenant = subject.tenant("a");
    let older = subject.request(&Lead::new(&tenant, "1")).await;
    let newer = subject.qualified(&Lead::new(&tenant, "2"), &["crm"]).await;
    let both = Lead::new(&tenant, "").body("both").named(&["1", "2"]);
    assert_eq!(subject.request(&both).await, newer);
    assert_eq!(subject.lead(&tenant, older).await.id, newer);
}

pub async fn two_requests_that_were_dispatched_stay_apart(subject: &Subject) {
    let tenant = subject.tenant("a");
    let first = subject.qualified(&Lead::new(&tenant, "1"), &["crm"]).await;
    let second = subject.qualified(&Lead::new(&tenant, "2"), &["crm"]).await;
    let both = Lead::new(&tenant, "").body("both").named(&["2", "1"]);
    assert_eq!(subject.request(&both).await, second, "the first name leads");
    assert_eq!(subject.lead(&tenant, first).await.id, first);
    let view = subject.view(&tenant, second).await;
    assert_eq!(view.request.id, second);
    assert!(
        view.timeline
            .iter()
            .any(|entry| entry.outcome == "kept_apart")
    );
}

pub async fn an_ignored_event_is_stored_without_a_request(subject: &Subject) {
    let tenant = subject.tenant("a");
    let delivery = Delivery {
        reading: Ok(Reading::Ignored {
            reason: "an SMS receipt".into(),
        }),
        ..Lead::new(&tenant, "1").delivery()
    };
    let accepted = subject.store.accept(delivery.clone()).await.unwrap();
    assert_eq!(accepted.request(), None);
    let stored = subject
        .store
        .event(&tenant, accepted.event())
        .await
        .unwrap();
    assert_eq!(stored.unwrap().remark.as_deref(), Some("an SMS receipt"));
    let again = subject.store.accept(delivery).await.unwrap();
    assert!(again.is_duplicate());
    assert_eq!((again.event(), again.request()), (accepted.event(), None));
}

pub async fn an_unreadable_delivery_is_parked_in_reading(subject: &Subject) {
    let tenant = subject.tenant("a");
    let delivery = Delivery {
        reading: Err("broken JSON".to_owned()),
        ..Lead::new(&tenant, "1").delivery()
    };
    let accepted = subject.store.accept(delivery.clone()).await.unwrap();
    let id = accepted.request().unwrap();
    let event = accepted.event();
    assert!(accepted.into_wakes().is_empty());
    let view = subject.view(&tenant, id).await;
    assert_eq!(view.request.status, Status::Parked);
    let [row] = view.work.as_slice() else {
        panic!("one step is open: {:?}", view.work)
    };
    assert_eq!(row.key.stage, Stage::Reading);
    let cause = ParkCause::Unreadable;
    assert_eq!(row.state, WorkState::Parked { cause });
    assert_eq!(
        (row.reason.as_deref(), row.next_wake_at),
        (Some("broken JSON"), None)
    );
    assert!(
        subject
            .store
            .claim(&row.wake(), LEASE)
            .await
            .unwrap()
            .is_none()
    );
    assert_eq!(
        subject
            .store
            .event(&tenant, event)
            .await
            .unwrap()
            .unwrap()
            .remark
            .as_deref(),
        Some("broken JSON")
    );
    let again = subject.store.accept(delivery).await.unwrap();
    assert_eq!((again.is_duplicate(), again.request()), (true, Some(id)));
}

fn receipt(effect: &domain::EffectKey, remote_id: &str) -> Receipt {
    Receipt {
        is_undelivered: false,
        effect: effect.clone(),
        event: "delivered".to_owned(),
        remote_id: remote_id.to_owned(),
        at: None,
        reason: None,
    }
}

pub async fn a_receipt_concludes_an_open_effect(subject: &Subject) {
    let tenant = subject.tenant("a");
    let id = subject.request(&Lead::new(&tenant, "1")).await;
    let job = subject.claim(&tenant, id, FIRST, "").await;
    let key = domain::EffectKey::new("email", &id, "recipient", &0);
    let intent = subject
        .store
        .intend(&job.claim_token(), &key, SECOND)
        .await
        .unwrap();
    assert_eq!(intent, domain::EffectIntent::Begin);
    // Providers report a message several times, in one delivery too.
    let receipts = vec![receipt(&key, "m-1"), receipt(&key, "m-2")];
    let delivery = Delivery {
        reading: Ok(Reading::Receipts(receipts)),
        ..Lead::new(&tenant, "receipt").delivery()
    };
    let accepted = subject.store.accept(delivery).await.unwrap();
    assert_eq!(accepted.request(), None);
    assert_eq!(
        subject
            .store
            .intend(&job.claim_token(), &key, SECOND)
            .await
            .unwrap(),
        domain::EffectIntent::Done {
            remote_id: "m-1".to_owned()
        }
    );
}

pub async fn a_receipt_for_nothing_of_ours_is_only_stored(subject: &Subject) {
    let tenant = subject.tenant("a");
    let id = subject.request(&Lead::new(&tenant, "1")).await;
    let key = domain::EffectKey::new("email", &id, "recipient", &0);
    let receipts = vec![receipt(&key, "m-1")];
    let delivery = Delivery {
        reading: Ok(Reading::Receipts(receipts)),
        ..Lead::new(&tenant, "receipt").delivery()
    };
    subject.store.accept(delivery).await.unwrap();
    let job = subject.claim(&tenant, id, FIRST, "").await;
    let intent = subject
        .store
        .intend(&job.claim_token(), &key, SECOND)
        .await
        .unwrap();
    assert_eq!(intent, domain::EffectIntent::Begin);
}

pub async fn a_mail_that_will_not_arrive_reaches_its_request(subject: &Subject) {
    let tenant = subject.tenant("a");
    let id = subject.qualified(&Lead::new(&tenant, "1"), &["crm"]).await;
    let dispatch = |request: &LeadRequest| dispatched(request, "crm");
    subject
        .run(&tenant, id, Stage::Dispatch, "crm", dispatch)
        .await;
    let message_id = |hash: &str| format!("{id}.{hash}.0");
    let hashes = ["0a1b2c3d4e5f6071", "0a1b2c3d4e5f6072"];
    let message = |hash: &str| domain::Message {
        channel: "email".to_owned(),
        recipient: format!("{hash}@example.com"),
        id: Some(message_id(hash)),
        is_sent: true,
        provider_id: None,
        reason: None,
    };
    let section = domain::NotificationsSection {
        is_done: true,
        messages: hashes.map(message).to_vec(),
    };
    let told = |_: &LeadRequest| Section::Notifications(section);
    subject
        .run(&tenant, id, Stage::Notification, "", told)
        .await;
    assert_eq!(subject.lead(&tenant, id).await.status, Status::Completed);

    let lost = |hash: &str| Receipt {
        is_undelivered: true,
        event: "dropped".to_owned(),
        reason: Some("Bounced Address".to_owned()),
        ..receipt(
            &domain::EffectKey::of_message(&message_id(hash)).unwrap(),
            "m",
        )
    };
    let stranger = RequestId::from_uuid(uuid::Uuid::from_u128(7));
    let of_nobody = domain::EffectKey::new("email", &stranger, hashes[0], &0);
    let strange = Receipt {
        is_undelivered: true,
        ..receipt(&of_nobody, "m")
    };
    // Both in one delivery, and beside one that is about nothing of ours.
    let receipts = vec![lost(hashes[0]), strange, lost(hashes[1])];
    let delivery = Delivery {
        reading: Ok(Reading::Receipts(receipts)),
        ..Lead::new(&tenant, "receipt").delivery()
    };
    subject.store.accept(delivery.clone()).await.unwrap();
    let again = subject.store.accept(delivery).await.unwrap();
    assert!(again.is_duplicate());
    let view = subject.view(&tenant, id).await;
    assert_eq!(view.request.status, Status::Parked);
    let section = view.request.document.notifications.unwrap();
    assert!(section.told_nobody(), "{section:?}");
    let [row] = view.work.as_slice() else {
        panic!("one step is open: {:?}", view.work)
    };
    let cause = ParkCause::Unreached;
    assert_eq!(row.key.stage, Stage::Notification);
    assert_eq!(row.state, WorkState::Parked { cause });
}
