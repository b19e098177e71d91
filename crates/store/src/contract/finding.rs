//! Finding requests: before they are in the index, and after.

use std::collections::{BTreeMap, BTreeSet};

use domain::{About, FormFacts, Status};

use super::*;
use crate::{
    Count, FindQuery, RequestFilter, RequestSort, SearchText,
    finding::{Area, Place},
};

/// A request, and what a test knows of it.
#[derive(Debug, Clone)]
struct Known {
    id: RequestId,
    status: Status,
    channel: Channel,
    source: u128,
    office: Option<u128>,
    judged: Option<Judged>,
}

#[derive(Debug, Clone, Copy)]
struct Judged {
    score: u8,
    project: ProjectType,
    intent: Intent,
    area: Area,
}

impl Subject {
    /// Takes everything into the index.
    async fn index(&self) {
        while self
            .store
            .index_requests_across_tenants(7)
            .await
            .unwrap()
            .has_more
        {}
    }

    /// A lead of a form, with these facts.
    async fn form(&self, tenant: &TenantId, id: &str, fill: impl FnOnce(&mut Facts)) -> RequestId {
        let mut lead = Lead::new(tenant, id);
        lead.facts.about = About::Form(FormFacts::default());
        fill(&mut lead.facts);
        self.request(&lead).await
    }

    async fn judged(&self, tenant: &TenantId, id: RequestId, judged: Judged, summary: &str) {
        let job = self.claim(tenant, id, Stage::Analysis, "").await;
        let Section::Analysis(mut said) = analysis(&job.request, 1.0) else {
            unreachable!()
        };
        said.lead_score = judged.score;
        said.project_type = judged.project;
        said.intent = judged.intent;
        summary.clone_into(&mut said.summary);
        let Section::Qualification(mut section) =
            qualification(&job.request, SpamGate::Pass, &["crm"])
        else {
            unreachable!()
        };
        section.area = match judged.area {
            Area::In => AreaVerdict::In(AreaBasis::Everywhere),
            Area::Out => AreaVerdict::Out(AreaBasis::Everywhere),
            Area::Unknown => AreaVerdict::Unknown,
        };
        let sections = vec![Section::Analysis(said), Section::Qualification(section)];
        let aliases = Vec::new();
        self.settle(&job, Outcome::Done { sections, aliases }).await;
    }

    async fn found(&self, tenant: &TenantId, query: &FindQuery) -> (Vec<LeadRequest>, bool) {
        let page = self.store.find_requests(tenant, query).await.unwrap();
        (page.items, page.has_more)
    }

    /// Every page of a list.
    async fn walk(
        &self,
        tenant: &TenantId,
        filter: &RequestFilter,
        sort: RequestSort,
        limit: u32,
    ) -> Vec<LeadRequest> {
        let (mut walked, mut after) = (Vec::new(), None);
        loop {
            let query = FindQuery {
                filter: filter.clone(),
                sort,
                limit,
                after,
            };
            let (items, has_more) = self.found(tenant, &query).await;
            assert!(items.len() <= usize::try_from(limit).unwrap());
            after = items.last().map(Place::of);
            walked.extend(items);
            if !has_more {
                return walked;
            }
        }
    }

    async fn count(&self, tenant: &TenantId, filter: &RequestFilter) -> Count {
        self.store.count_requests(tenant, filter).await.unwrap()
    }

    /// Requests that differ in everything that a filter can ask for.
    async fn variety(&self, tenant: &TenantId, from: u128, to: u128) -> Vec<Known> {
        let mut all = Vec::new();
        for number in from..to {
            let mut lead = Lead::new(tenant, &number.to_string());
            if number.is_multiple_of(3) {
                lead.facts.about = About::Form(FormFacts::default());
            }
            let channel = lead.facts.about.channel();
            let mut delivery = lead.delivery();
            let (source, office) = (
                number % 2,
                (!number.is_multiple_of(5)).then_some(number % 3),
            );
            delivery.source = SourceId::from_uuid(Uuid::from_u128(source));
            delivery.office = office.map(office_id);
            let accepted = self.store.accept(delivery).await.unwrap();
            let id = accepted.request().unwrap();
            let judged = (!number.is_multiple_of(4)).then(|| Judged {
                score: u8::try_from(number * 37 % 101).unwrap(),
                project: ProjectType::ALL[usize::try_from(number % 3).unwrap()],
                intent: Intent::ALL[usize::try_from(number % 2).unwrap()],
                area: [Area::In, Area::In, Area::Out, Area::Unknown]
                    [usize::try_from(number / 2 % 4).unwrap()],
            });
            if let Some(judged) = judged {
                self.judged(tenant, id, judged, "A kitchen.").await;
            }
            let status = self.lead(tenant, id).await.status;
            all.push(Known {
                id,
                status,
                channel,
                source,
                office,
                judged,
            });
        }
        all
    }
}

/// What the test's own eyes say.
fn agrees(known: &Known, filter: &RequestFilter) -> bool {
    let judged = known.judged.as_ref();
    let score = judged.map(|judged| judged.score);
    (filter.statuses.is_empty() || filter.statuses.contains(&known.status))
        && filter
            .channel
            .is_none_or(|channel| channel == known.channel)
        && filter
            .source
            .is_none_or(|source| source == SourceId::from_uuid(Uuid::from_u128(known.source)))
        && filter.office.is_none_or(|office| match known.office {
            Some(known) => office_id(known) == office,
            None => filter.or_no_office,
        })
        && filter
            .score_from
            .is_none_or(|from| score.is_some_and(|score| score >= from))
        && filter
            .score_to
            .is_none_or(|to| score.is_some_and(|score| score <= to))
        && filter
            .area
            .is_none_or(|area| judged.is_some_and(|judged| judged.area == area))
        && filter
            .project_type
            .is_none_or(|project| judged.is_some_and(|judged| judged.project == project))
        && filter
            .intent
            .is_none_or(|intent| judged.is_some_and(|judged| judged.intent == intent))
}

fn filters() -> Vec<RequestFilter> {
    let any = RequestFilter::default;
    let source = |number| Some(SourceId::from_uuid(Uuid::from_u128(number)));
    let mut filters = vec![
        any(),
        RequestFilter {
            statuses: vec![Status::Received],
            ..any()
        },
        RequestFilter {
            statuses: vec![Status::Received, Status::OutOfArea],
            ..any()
        },
        RequestFilter {
            channel: Some(Channel::Form),
            ..any()
        },
        RequestFilter {
            source: source(1),
            office: Some(office_id(2)),
            ..any()
        },
        RequestFilter {
            office: Some(office_id(1)),
            or_no_office: true,
            ..any()
        },
        RequestFilter {
            area: Some(Area::Unknown),
            ..any()
        },
        RequestFilter {
            area: Some(Area::In),
            project_type: Some(ProjectType::Bathroom),
            intent: Some(Intent::Appointment),
            ..any()
        },
        RequestFilter {
            statuses: vec![Status::Completed, Status::Merged],
            source: source(0),
            ..any()
        },
        RequestFilter {
            score_from: Some(60),
            score_to: Some(40),
            ..any()
        },
    ];
    for (from, to) in [
        (Some(0), None),
        (None, Some(100)),
        (Some(50), Some(73)),
        (Some(37), Some(37)),
    ] {
        filters.push(RequestFilter {
            score_from: from,
            score_to: to,
            ..any()
        });
    }
    filters
}

fn ids(requests: &[LeadRequest]) -> Vec<RequestId> {
    requests.iter().map(|request| request.id).collect()
}

async fn check_filters(subject: &Subject, tenant: &TenantId, all: &[Known]) {
    for filter in filters() {
        let agreeing = all.iter().rev().filter(|known| agrees(known, &filter));
        let expected: Vec<_> = agreeing.map(|known| known.id).collect();
        let found = subject.walk(tenant, &filter, RequestSort::Newest, 4).await;
        assert_eq!(ids(&found), expected, "{filter:?}");
        let counted = Count {
            count: u32::try_from(expected.len()).unwrap(),
            is_exact: true,
        };
        assert_eq!(subject.count(tenant, &filter).await, counted, "{filter:?}");
    }
}

pub async fn a_filter_finds_what_agrees_with_all_of_it(subject: &Subject) {
    let tenant = subject.tenant("a");
    let mut all = subject.variety(&tenant, 0, 13).await;
    check_filters(subject, &tenant, &all).await;
    subject.index().await;
    check_filters(subject, &tenant, &all).await;
    // Half is in the index.
    all.extend(subject.variety(&tenant, 13, 20).await);
    check_filters(subject, &tenant, &all).await;
}

pub async fn every_order_shows_each_request_once(subject: &Subject) {
    let tenant = subject.tenant("a");
    let mut all = subject.variety(&tenant, 0, 9).await;
    subject.index().await;
    all.extend(subject.variety(&tenant, 9, 14).await);
    let any = RequestFilter::default();
    for _ in ["some of it is in the index", "all of it"] {
        let walk = async |sort| ids(&subject.walk(&tenant, &any, sort, 3).await);
        let mut newest: Vec<_> = all.iter().map(|known| known.id).collect();
        assert_eq!(walk(RequestSort::Oldest).await, newest);
        newest.reverse();
        assert_eq!(walk(RequestSort::Newest).await, newest);
        let waits = |known: &&Known| RequestSort::WAITING.contains(&known.status);
        let waiting: Vec<_> = all.iter().filter(waits).map(|known| known.id).collect();
        assert!(waiting.len() < all.len());
        assert_eq!(walk(RequestSort::Waiting).await, waiting);
        let mut scored: Vec<_> = all.iter().rev().collect();
        scored.sort_by_key(|known| {
            std::cmp::Reverse(known.judged.map(|judged| judged.score + 1).unwrap_or(0))
        });
        let scored: Vec<_> = scored.iter().map(|known| known.id).collect();
        assert_eq!(walk(RequestSort::Score).await, scored);
        subject.index().await;
    }
    // Nobody completed waits.
    let filter = RequestFilter {
        statuses: vec![Status::Completed],
        ..any
    };
    let none = subject
        .walk(&tenant, &filter, RequestSort::Waiting, 3)
        .await;
    assert_eq!(ids(&none), []);
}

pub async fn a_walk_beside_changes_shows_each_request_once(subject: &Subject) {
    let tenant = subject.tenant("a");
    let all = subject.variety(&tenant, 0, 10).await;
    subject.index().await;
    let filter = RequestFilter {
        source: Some(SourceId::from_uuid(Uuid::from_u128(0))),
        ..RequestFilter::default()
    };
    let of_source = all.iter().filter(|known| agrees(known, &filter));
    let expected: BTreeSet<_> = of_source.map(|known| known.id).collect();
    let mut number = 100;
    for sort in [RequestSort::Newest, RequestSort::Oldest, RequestSort::Score] {
        let (mut walked, mut after) = (Vec::new(), None);
        loop {
            let query = FindQuery {
                filter: filter.clone(),
                sort,
                limit: 2,
                after,
            };
            let (items, has_more) = subject.found(&tenant, &query).await;
            after = items.last().map(Place::of);
            walked.extend(ids(&items));
            // New ones come, an old one changes, and the index follows at its own pace.
            if number < 120 {
                subject.variety(&tenant, number, number + 2).await;
                let known = &all[usize::try_from(number % 10).unwrap()];
                let note = Lead::new(&tenant, &(number % 10).to_string())
                    .body(&number.to_string())
                    .note(&number.to_string());
                assert_eq!(subject.request(&note).await, known.id);
                subject
                    .store
                    .index_requests_across_tenants(3)
                    .await
                    .unwrap();
                number += 2;
            }
            if !has_more {
                break;
            }
        }
        let once: BTreeSet<_> = walked.iter().copied().collect();
        assert_eq!(once.len(), walked.len(), "{sort:?}");
        assert!(expected.is_subset(&once), "{sort:?}");
    }
}

fn search(text: &str) -> RequestFilter {
    RequestFilter {
        text: Some(SearchText::parse(text).unwrap()),
        ..RequestFilter::default()
    }
}

pub async fn words_and_numbers_are_found_in_every_form(subject: &Subject) {
    let tenant = subject.tenant("a");
    let person = |name: &str, phone: &str, email: &str, message: &str| {
        let said = [name, phone, email, message].map(|text| Some(text.to_owned()));
        let [name, phone, email, message] = said;
        |facts: &mut Facts| {
            facts.person.name = name;
            facts.person.phone = phone;
            facts.person.email = email;
            if let About::Form(form) = &mut facts.about {
                form.message = message;
                form.answers = BTreeMap::from([("Room?".to_owned(), "Mudroom".to_owned())]);
            }
        }
    };
    let ann = person(
        "Ann O'Brien",
        "(512) 555-0142",
        "ann.obrien@example.com",
        "New tiles, please",
    );
    let jose = person(
        "José Núñez",
        "+1 737 555 0199",
        "jose@example.org",
        "We want walnut cabinets",
    );
    let ann = subject.form(&tenant, "1", ann).await;
    let jose = subject.form(&tenant, "2", jose).await;
    let judged = Judged {
        score: 90,
        project: ProjectType::Kitchen,
        intent: Intent::Quote,
        area: Area::In,
    };
    let summary = "Wants the backsplash redone before May.";
    subject.judged(&tenant, ann, judged, summary).await;
    for _ in ["looked at", "indexed"] {
        for (text, expected) in [
            ("ann", vec![ann]),
            ("O’BRIEN", vec![ann]),
            ("obri", vec![ann]),
            ("nunez jos", vec![jose]),
            ("512-555-0142", vec![ann]),
            ("+15125550142", vec![ann]),
            ("5550199", vec![jose]),
            ("0199", vec![jose]),
            ("737", vec![jose]),
            ("jose@example.org", vec![jose]),
            ("example", vec![jose, ann]),
            ("backsplash may", vec![ann]),
            ("Mudroom", vec![jose, ann]),
            ("mudroom tiles", vec![ann]),
            ("tiles walnut", vec![]),
            ("\"walnut\" OR tiles*", vec![]),
            ("nobody", vec![]),
        ] {
            let found = subject
                .walk(&tenant, &search(text), RequestSort::Newest, 10)
                .await;
            assert_eq!(ids(&found), expected, "{text}");
            let counted = subject.count(&tenant, &search(text)).await.count;
            assert_eq!(usize::try_from(counted).unwrap(), expected.len(), "{text}");
        }
        subject.index().await;
    }
    let both = RequestFilter {
        score_from: Some(90),
        ..search("mudroom")
    };
    let found = subject.walk(&tenant, &both, RequestSort::Score, 10).await;
    assert_eq!(ids(&found), [ann]);
}

pub async fn a_change_is_found_at_once(subject: &Subject) {
    let tenant = subject.tenant("a");
    let id = subject
        .form(&tenant, "1", |facts| {
            facts.person.name = Some("Ann Lee".to_owned());
        })
        .await;
    subject.index().await;
    let of = |status| RequestFilter {
        statuses: vec![status],
        ..search("ann")
    };
    let is = async |status| subject.count(&tenant, &of(status)).await.count == 1;
    assert!(is(Status::Received).await);
    let job = subject.claim(&tenant, id, FIRST, "").await;
    assert!(is(Status::Processing).await && !is(Status::Received).await);
    subject.index().await;
    assert!(is(Status::Processing).await && !is(Status::Received).await);
    let park = Outcome::Park {
        cause: domain::ParkCause::Permanent,
        reason: "a person must look".to_owned(),
        answer: None,
    };
    subject.settle(&job, park).await;
    assert!(is(Status::Parked).await && !is(Status::Processing).await);
    let renamed = Lead::new(&tenant, "1").body("2");
    let mut renamed = renamed;
    renamed.facts.about = About::Form(FormFacts::default());
    renamed.facts.person.name = Some("Beth Lee".to_owned());
    subject.request(&renamed).await;
    for _ in ["looked at", "indexed"] {
        assert_eq!(subject.count(&tenant, &search("ann")).await.count, 0);
        assert_eq!(subject.count(&tenant, &search("beth")).await.count, 1);
        subject.index().await;
    }
}

pub async fn days_are_found_by_when_a_request_came(subject: &Subject) {
    let tenant = subject.tenant("a");
    let day = Duration::from_secs(24 * 3600);
    let begin = (subject.now)();
    let mut expected = Vec::new();
    for number in 0..4 {
        let lead = Lead::new(&tenant, &number.to_string());
        expected.push(subject.request(&lead).await);
        subject.wait(day).await;
    }
    let after = |days: u32| Some(domain::later(begin, day * days));
    for _ in ["looked at", "indexed"] {
        for (from, to, range) in [
            (None, None, 0..4),
            (after(0), None, 0..4),
            (after(1), None, 1..4),
            (None, after(1), 0..1),
            (after(1), after(3), 1..3),
            (after(4), None, 0..0),
            (after(3), after(1), 0..0),
        ] {
            let filter = RequestFilter {
                from,
                to,
                ..RequestFilter::default()
            };
            let found = subject.walk(&tenant, &filter, RequestSort::Oldest, 2).await;
            assert_eq!(ids(&found), expected[range.clone()], "{range:?}");
            let counted = subject.count(&tenant, &filter).await.count;
            assert_eq!(usize::try_from(counted).unwrap(), range.len());
        }
        subject.index().await;
    }
}

pub async fn another_tenants_requests_are_not_found(subject: &Subject) {
    let (one, other) = (subject.tenant("a"), subject.tenant("b"));
    let named = |facts: &mut Facts| facts.person.name = Some("Ann Lee".to_owned());
    let mine = subject.form(&one, "1", named).await;
    let theirs = subject.form(&other, "1", named).await;
    for _ in ["looked at", "indexed"] {
        for sort in [
            RequestSort::Newest,
            RequestSort::Score,
            RequestSort::Waiting,
        ] {
            for filter in [search("ann"), RequestFilter::default()] {
                let found = subject.walk(&one, &filter, sort, 10).await;
                assert_eq!(ids(&found), [mine]);
                let found = subject.walk(&other, &filter, sort, 10).await;
                assert_eq!(ids(&found), [theirs]);
            }
        }
        subject.index().await;
    }
    let nobody = subject.tenant("c");
    assert_eq!(subject.count(&nobody, &search("ann")).await.count, 0);
}

pub async fn what_cannot_be_read_breaks_no_search(subject: &Subject) {
    let tenant = subject.tenant("a");
    let mut all = Vec::new();
    for number in 0..6 {
        all.push(subject.form(&tenant, &number.to_string(), |_| ()).await);
    }
    let newer = format!(
        "UPDATE requests SET document = JSON '{{\"v\":2}}', version = version + 1 \
         WHERE tenant_id = '{tenant}' AND request_id = '{}'",
        all[3]
    );
    assert_eq!((subject.sql)(newer).await, 1);
    all.remove(3);
    let filter = RequestFilter {
        channel: Some(Channel::Form),
        ..RequestFilter::default()
    };
    for _ in ["looked at", "indexed"] {
        for sort in [RequestSort::Oldest, RequestSort::Score] {
            let mut found = ids(&subject.walk(&tenant, &filter, sort, 2).await);
            found.sort();
            assert_eq!(found, all);
        }
        subject.index().await;
    }
}
