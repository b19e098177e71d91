//! Finding requests that are older than the index.

use std::{sync::Arc, time::Duration};

use domain::{Channel, Status, TenantId};
use futures::future::join_all;
use rusqlite::Connection;
use store::{
    FindQuery, Finding as _, RequestFilter, RequestSort, Store as _,
    contract::delivery,
    finding::{MAX_EXACT, MAX_FRESH, Place},
};
use store_sqlite::SqliteStore;

use crate::clock;

fn all() -> RequestFilter {
    RequestFilter {
        channel: Some(Channel::Api),
        ..RequestFilter::default()
    }
}

/// How many requests a walk shows; each once.
async fn walked(store: &SqliteStore, tenant: &TenantId, sort: RequestSort) -> usize {
    let (mut ids, mut after) = (Vec::new(), None);
    loop {
        let query = FindQuery {
            filter: all(),
            sort,
            limit: 200,
            after,
        };
        let page = store.find_requests(tenant, &query).await.unwrap();
        after = page.items.last().map(Place::of);
        ids.extend(page.items.iter().map(|request| request.id));
        if !page.has_more {
            let shown = ids.len();
            ids.sort_unstable();
            ids.dedup();
            assert_eq!(ids.len(), shown);
            return shown;
        }
    }
}

#[tokio::test]
async fn old_data_is_indexed_in_steps_over_every_restart() {
    const OLD: usize = 1_100;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("pipeline.db");
    let clock = clock();
    let open = || SqliteStore::open(&path, Arc::new(clock.clone())).unwrap();
    let tenant = TenantId::new("a").unwrap();
    let store = open();
    // The index is made from the newest back, so that this one is the last in it.
    store.accept(delivery(&tenant, "oldest")).await.unwrap();
    clock.advance(Duration::from_secs(1));
    let old: Vec<_> = (1..OLD).map(|number| number.to_string()).collect();
    let accepting = old.iter().map(|lead| store.accept(delivery(&tenant, lead)));
    for accepted in join_all(accepting).await {
        accepted.unwrap();
    }
    let steps = [90, 200, 7, 300];
    let mut indexed = 0;
    for step in steps {
        // Whoever dies here leaves the rest to the next.
        let store = open();
        let done = store.index_requests_across_tenants(step).await.unwrap();
        assert_eq!((done.requests, done.has_more), (step, true));
        indexed += usize::try_from(step).unwrap();
        let counted = store.count_requests(&tenant, &all()).await.unwrap();
        assert!(!counted.is_exact);
        assert_eq!(usize::try_from(counted.count).unwrap(), indexed);
    }
    // A new one and an old one that changes show at once, in the middle of it.
    // Ids are in the order of time, which stands still unless told: what is new is looked for among the newest ids.
    let store = open();
    clock.advance(Duration::from_secs(1));
    store.accept(delivery(&tenant, "new")).await.unwrap();
    let mut again = delivery(&tenant, "oldest");
    again.body = "another body".into();
    store.accept(again).await.unwrap();
    let shown = walked(&store, &tenant, RequestSort::Oldest).await;
    assert_eq!(shown, indexed + 2);
    while store
        .index_requests_across_tenants(100)
        .await
        .unwrap()
        .has_more
    {}
    let counted = store.count_requests(&tenant, &all()).await.unwrap();
    assert!(counted.is_exact);
    assert_eq!(usize::try_from(counted.count).unwrap(), OLD + 1);
    for sort in [RequestSort::Newest, RequestSort::Oldest, RequestSort::Score] {
        assert_eq!(walked(&store, &tenant, sort).await, OLD + 1);
    }
    // The index has each once, and nothing is left.
    let db = Connection::open(&path).unwrap();
    let number = |sql: &str| {
        let found: u32 = db.query_row(sql, [], |row| row.get(0)).unwrap();
        usize::try_from(found).unwrap()
    };
    assert_eq!(
        number("SELECT count(*) FROM request_tokens_docsize"),
        OLD + 1
    );
    assert_eq!(number("SELECT count(*) FROM request_changes"), 0);
    assert_eq!(number("SELECT back FROM request_index"), 0);
}

#[tokio::test]
async fn what_no_longer_agrees_is_not_shown_however_much_is_fresh() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("pipeline.db");
    let store = SqliteStore::open(&path, Arc::new(clock())).unwrap();
    let tenant = TenantId::new("a").unwrap();
    let leads: Vec<_> = (0..MAX_FRESH + 100).map(|lead| lead.to_string()).collect();
    let accepting = leads
        .iter()
        .map(|lead| store.accept(delivery(&tenant, lead)));
    for accepted in join_all(accepting).await {
        accepted.unwrap();
    }
    while store
        .index_requests_across_tenants(1_000)
        .await
        .unwrap()
        .has_more
    {}
    let db = Connection::open(&path).unwrap();
    let changed = "UPDATE requests SET status = 'completed', version = version + 1";
    assert_eq!(db.execute(changed, []).unwrap(), leads.len());
    let told =
        "INSERT INTO request_changes (tenant_id, place) SELECT tenant_id, rowid FROM requests";
    assert_eq!(db.execute(told, []).unwrap(), leads.len());
    let of = |statuses: &[Status]| FindQuery {
        filter: RequestFilter {
            statuses: statuses.to_vec(),
            ..RequestFilter::default()
        },
        limit: 200,
        ..FindQuery::default()
    };
    let waiting = of(&[Status::Received, Status::Processing]);
    let page = store.find_requests(&tenant, &waiting).await.unwrap();
    assert!(page.items.is_empty() && !page.has_more);
    let done = of(&[Status::Completed, Status::Merged]);
    let page = store.find_requests(&tenant, &done).await.unwrap();
    assert_eq!(page.items.len(), MAX_FRESH);
}

#[tokio::test]
async fn what_is_indexed_while_it_changes_is_as_it_is_at_last() {
    let folder = tempfile::tempdir().unwrap();
    let clock = clock();
    let path = folder.path().join("pipeline.db");
    let store = SqliteStore::open(&path, Arc::new(clock.clone())).unwrap();
    let tenant = TenantId::new("a").unwrap();
    let changing = async {
        for number in 0..40 {
            for lead in 0..5 {
                let mut news = delivery(&tenant, &lead.to_string());
                news.body = format!("{lead} {number}").into();
                store.accept(news).await.unwrap();
            }
        }
    };
    let indexing = async {
        for _ in 0..60 {
            store.index_requests_across_tenants(3).await.unwrap();
        }
    };
    tokio::join!(changing, indexing);
    while store
        .index_requests_across_tenants(3)
        .await
        .unwrap()
        .has_more
    {}
    let db = Connection::open(&path).unwrap();
    let left = "SELECT count(*) FROM request_changes";
    assert_eq!(db.query_row(left, [], |row| row.get(0)), Ok(0));
    let counted = store.count_requests(&tenant, &all()).await.unwrap();
    assert_eq!((counted.count, counted.is_exact), (5, true));
}

/// Makes so many requests of the one that is there, by SQL: taking in ten thousand deliveries would take its time.
fn multiply(path: &std::path::Path, more: u32) {
    let db = Connection::open(path).unwrap();
    let mut columns = db
        .prepare("SELECT name FROM pragma_table_info('requests') WHERE name <> 'request_id'")
        .unwrap();
    let columns = columns
        .query_map([], |row| row.get::<_, String>(0))
        .unwrap();
    let columns: Vec<_> = columns.map(Result::unwrap).collect();
    let columns = columns.join(", ");
    let sql = format!(
        "WITH RECURSIVE numbers (number) AS (SELECT 1 UNION ALL SELECT number + 1 FROM numbers WHERE number < ?1), \
         first AS (SELECT * FROM requests LIMIT 1) \
         INSERT INTO requests (request_id, {columns}) \
         SELECT substr(request_id, 1, 28) || printf('%08x', number), {columns} FROM numbers, first"
    );
    let made = db.execute(&sql, [more]).unwrap();
    assert_eq!(made, usize::try_from(more).unwrap());
}

#[tokio::test]
async fn counts_are_exact_up_to_the_most_that_is_counted() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("pipeline.db");
    let store = SqliteStore::open(&path, Arc::new(clock())).unwrap();
    let tenant = TenantId::new("a").unwrap();
    store.accept(delivery(&tenant, "first")).await.unwrap();
    multiply(&path, MAX_EXACT - 1);
    let index = async || {
        while store
            .index_requests_across_tenants(1_000)
            .await
            .unwrap()
            .has_more
        {}
    };
    // By the index of requests alone, and by the tokens of one of their facts.
    let filters = [RequestFilter::default(), all()];
    let counts = async || {
        index().await;
        let counted = filters
            .each_ref()
            .map(|filter| store.count_requests(&tenant, filter));
        join_all(counted).await.into_iter().map(Result::unwrap)
    };
    for counted in counts().await {
        assert_eq!((counted.count, counted.is_exact), (MAX_EXACT, true));
    }
    store.accept(delivery(&tenant, "one more")).await.unwrap();
    for counted in counts().await {
        assert_eq!((counted.count, counted.is_exact), (MAX_EXACT, false));
    }
}
