//! What must hold after every step, and once everything has come to rest.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use domain::{
    EffectKey, LeadRequest, OpenWork, ParkCause, RequestId, Stage, Status, TranscriptState,
    WorkRow, WorkState,
    transition::LogEntry,
    workflow::{self, Route},
};
use rusqlite::{Connection as Db, OpenFlags};
use store::{RequestQuery, RequestView, Store as _};
use store_sqlite::SqliteStore;

use super::{
    audit::Newest,
    outside::{self, Medium, Shown},
    scene::Scene,
    stages,
};

/// After every step that wrote the request.
pub(super) fn of_one(request: &LeadRequest, work: &[WorkRow]) -> Result<(), String> {
    let open = OpenWork::new(work.to_vec());
    let expected = workflow::status(&request.document, &open);
    if request.status != expected {
        return Err(format!(
            "{} is {:?}, its document and work say {expected:?}",
            request.id, request.status
        ));
    }
    let missing = workflow::next(request, &open);
    if !missing.is_empty() {
        return Err(format!("{} lacks steps: {missing:?}", request.id));
    }
    if request.status.is_terminal() != work.is_empty() && request.status != Status::InReview {
        return Err(format!(
            "{} is {:?} with {work:?}",
            request.id, request.status
        ));
    }
    Ok(())
}

/// The whole promise, once nothing is left to do.
pub(super) async fn at_rest(
    scene: &Scene,
    store: &SqliteStore,
    path: &Path,
    is_repaired: bool,
) -> Result<(), String> {
    let query = RequestQuery {
        limit: 200,
        ..RequestQuery::default()
    };
    let page = store.list_requests(&scene.tenant, &query).await.unwrap();
    let requests: BTreeMap<_, _> = page
        .items
        .into_iter()
        .map(|found| (found.id, found))
        .collect();
    let mut views = BTreeMap::new();
    for request in requests
        .values()
        .filter(|found| found.status != Status::Merged)
    {
        let view = store.request(&scene.tenant, request.id).await.unwrap();
        views.insert(request.id, view.expect("it was listed"));
    }
    for request in requests.values() {
        scene.count("rests", request.status.as_str());
        if request.status == Status::Merged {
            let left = store.open_work(&scene.tenant, request.id).await.unwrap();
            if !left.is_empty() {
                return Err(format!("{} was merged and has work: {left:?}", request.id));
            }
        }
    }
    for view in views.values() {
        let named = |fault: String| format!("{}: {fault}", scene.audit.name(view.request.id));
        rests(scene, view, is_repaired).map_err(named)?;
        timeline(view).map_err(named)?;
        knows_the_newest(scene, view, &requests).map_err(named)?;
        is_shown(scene, view).map_err(named)?;
        was_notified(scene, view).map_err(named)?;
    }
    effects_are_settled(scene, &requests, &views, path)?;
    names_are_one(scene, &requests, &views)
}

/// Every acknowledged delivery is stored.
pub(super) async fn is_stored(scene: &Scene, store: &SqliteStore) -> Result<(), String> {
    for (event, body) in scene.audit.acknowledged() {
        let stored = store.event(&scene.tenant, event).await.unwrap();
        if stored.is_none_or(|stored| stored.body != body.as_bytes()) {
            return Err(format!("acknowledged, but not stored: {body}"));
        }
    }
    Ok(())
}

/// Whether the row's delivery can never be read.
pub(super) fn is_never_read(row: &WorkRow) -> bool {
    let is_unreadable = matches!(
        row.state,
        WorkState::Parked {
            cause: ParkCause::Unreadable
        }
    );
    is_unreadable && row.reason.as_deref() == Some(stages::UNREADABLE)
}

/// Unfinished work is held or parked, with a reason.
fn rests(scene: &Scene, view: &RequestView, is_repaired: bool) -> Result<(), String> {
    for row in &view.work {
        let is_explained = row.reason.as_ref().is_some_and(|reason| !reason.is_empty());
        match &row.state {
            WorkState::Held { .. } if is_explained && !is_repaired => {}
            WorkState::Parked { cause } if is_explained && (!is_repaired || is_never_read(row)) => {
                scene.count("parked", cause.as_str());
            }
            state => {
                return Err(format!(
                    "{} is left {state:?}: {:?}",
                    row.key.stage, row.reason
                ));
            }
        }
    }
    if is_repaired && view.request.status == Status::InReview {
        return Err("it is in review although it was decided about".to_owned());
    }
    Ok(())
}

fn timeline(view: &RequestView) -> Result<(), String> {
    let ends = |entry: &LogEntry| {
        let status = entry.outcome.parse::<Status>();
        entry.stage.is_none() && status.is_ok_and(Status::is_terminal) && entry.outcome != "merged"
    };
    let mut last_end: Option<&str> = None;
    for pair in view.timeline.windows(2) {
        if ends(&pair[0]) && ends(&pair[1]) {
            return Err(format!("it ended twice in a row: {:?}", pair[1]));
        }
    }
    for entry in &view.timeline {
        if ends(entry) {
            last_end = Some(&entry.outcome);
        }
    }
    let status = view.request.status;
    if status.is_terminal() && last_end != Some(status.as_str()) {
        return Err(format!("it is {status:?}, its timeline says {last_end:?}"));
    }
    for (index, entry) in view.timeline.iter().enumerate() {
        let is_let_go = matches!(entry.outcome.as_str(), "released" | "redriven");
        let Some(stage) = entry.stage.filter(|_| is_let_go) else {
            continue;
        };
        let ran = view.timeline[index + 1..].iter().any(|later| {
            // A merge can make a step needless.
            later.stage == Some(stage) && later.target == entry.target || later.outcome == "merged"
        });
        if !ran {
            return Err(format!("{stage} was {} and never ran", entry.outcome));
        }
    }
    Ok(())
}

/// The request that a merged one goes on as.
fn follow(requests: &BTreeMap<RequestId, LeadRequest>, mut id: RequestId) -> Option<RequestId> {
    while let Some(into) = requests.get(&id)?.document.merged_into {
        id = into;
    }
    Some(id)
}

/// No news was lost.
fn knows_the_newest(
    scene: &Scene,
    view: &RequestView,
    requests: &BTreeMap<RequestId, LeadRequest>,
) -> Result<(), String> {
    if view.work.iter().any(|row| row.key.stage == Stage::Details) {
        // The provider has yet to be asked which of several deliveries is the newest.
        return Ok(());
    }
    let own = view.request.id;
    let family = requests
        .keys()
        .filter(|id| follow(requests, **id) == Some(own));
    let delivered = family.filter_map(|id| scene.audit.newest(*id));
    let Some(newest) = delivered.max_by_key(Newest::rank) else {
        return Ok(());
    };
    let known = outside::version(&view.request.document.facts());
    if known < Some(newest.version) {
        let newest = newest.version;
        return Err(format!(
            "version {newest} was delivered, it knows {known:?}"
        ));
    }
    Ok(())
}

/// Every CRM shows what is known.
fn is_shown(scene: &Scene, view: &RequestView) -> Result<(), String> {
    let document = &view.request.document;
    if view.request.status != Status::Completed {
        return Ok(());
    }
    let destinations = document
        .qualification
        .as_ref()
        .map(|section| &section.destinations);
    let expected = Shown::of(&document.facts());
    for name in destinations.into_iter().flat_map(BTreeMap::keys) {
        let Some(record) = scene.outside.record(name, view.request.id) else {
            return Err(format!("{name} does not show it"));
        };
        if record.is_overwritten_late {
            scene.count(
                "frozen",
                "a CRM's record was written by a worker with a stale claim",
            );
        } else if record.shown != expected {
            return Err(format!(
                "{name} shows {}, known is {expected}",
                record.shown
            ));
        }
    }
    Ok(())
}

/// Everybody who counts as notified has a message.
fn was_notified(scene: &Scene, view: &RequestView) -> Result<(), String> {
    let Some(notifications) = &view.request.document.notifications else {
        return Ok(());
    };
    let revision = view.request.document.revisions.of(Stage::Notification);
    for message in notifications
        .messages
        .iter()
        .filter(|message| message.is_sent)
    {
        let kind = Medium::Mail.kind();
        let key = EffectKey::new(kind, &view.request.id, &message.recipient, &revision);
        if scene.audit.times_taken(&key) == 0 {
            return Err(format!("{} was not notified", message.recipient));
        }
    }
    Ok(())
}

/// An effect that stands as intended.
struct OpenEffect {
    key: String,
    kind: String,
    request: RequestId,
    target: String,
    revision: u32,
}

fn open_effects(path: &Path) -> Vec<OpenEffect> {
    let db = Db::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap();
    let sql = "SELECT effect_key FROM effects WHERE state = 'intended'";
    let mut statement = db.prepare(sql).unwrap();
    let open = statement.query_map([], |row| {
        let key: String = row.get(0)?;
        let mut parts = key.split('/').map(str::to_owned);
        let mut part = || parts.next().unwrap();
        Ok(OpenEffect {
            kind: part(),
            request: part().parse().unwrap(),
            target: part(),
            revision: part().parse().unwrap(),
            key,
        })
    });
    open.unwrap().map(Result::unwrap).collect()
}

/// No effect stays between intended and settled, unless the request says why.
fn effects_are_settled(
    scene: &Scene,
    requests: &BTreeMap<RequestId, LeadRequest>,
    views: &BTreeMap<RequestId, RequestView>,
    path: &Path,
) -> Result<(), String> {
    for effect in open_effects(path) {
        if requests[&effect.request].status == Status::Merged {
            continue;
        }
        if !is_accounted_for(&effect, &views[&effect.request]) {
            let name = scene.audit.name(effect.request);
            return Err(format!("{name}: {} stays intended", effect.key));
        }
    }
    Ok(())
}

/// Whether the request says why an effect of it is open.
fn is_accounted_for(effect: &OpenEffect, view: &RequestView) -> bool {
    let document = &view.request.document;
    let is_withheld = workflow::route(document) != Some(Route::Dispatch);
    let (stage, target, is_explained) = match effect.kind.as_str() {
        "email" => (Stage::Notification, "", is_withheld),
        "note" => (Stage::Dispatch, effect.target.as_str(), is_withheld),
        _ => {
            // By a replay, or by the transcript of a request that was merged.
            let is_merged = view.timeline.iter().any(|entry| entry.outcome == "merged");
            let is_superseded =
                is_merged || effect.revision < document.revisions.of(Stage::Transcript);
            let state = document.transcript.as_ref().map(|section| &section.state);
            // The step may be given up while nobody knows what came of the start.
            let is_given_up = matches!(state, Some(TranscriptState::Unavailable { .. }));
            (Stage::Transcript, "", is_superseded || is_given_up)
        }
    };
    let is_stopped = |row: &WorkRow| row.key.stage == stage && row.key.target == target;
    is_explained || view.work.iter().any(is_stopped)
}

/// Every name leads to one request, unless CRMs already showed two when they turned out to be one.
fn names_are_one(
    scene: &Scene,
    requests: &BTreeMap<RequestId, LeadRequest>,
    views: &BTreeMap<RequestId, RequestView>,
) -> Result<(), String> {
    for (name, known) in scene.audit.names() {
        let leads_to: Option<BTreeSet<_>> = known.iter().map(|id| follow(requests, *id)).collect();
        let Some(leads_to) = leads_to else {
            return Err(format!("{name} leads to a request that is not there"));
        };
        let is_kept_apart = |id: &RequestId| {
            let mut timeline = views[id].timeline.iter();
            timeline.any(|entry| entry.outcome == "kept_apart")
        };
        if leads_to.len() > 1 {
            if !leads_to.iter().any(is_kept_apart) {
                let names: Vec<_> = leads_to.iter().map(|id| scene.audit.name(*id)).collect();
                return Err(format!("{name} leads to {}", names.join(" and ")));
            }
            scene.count("rests", "kept apart");
        }
    }
    Ok(())
}
