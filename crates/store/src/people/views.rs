//! What people set up for themselves: preferences, and views of lists, which they can share.

use async_trait::async_trait;
use domain::{StoreError, TenantId};
use jiff::Timestamp;
use serde_json::Value;

use crate::{AuditAction, Result};

/// Most views of one person in one tenant.
pub const MAX_VIEWS: usize = 50;
/// Most views that a list shows.
pub const MAX_LISTED: u32 = 200;
/// The largest preferences, in bytes of JSON.
pub const MAX_PREFERENCES_BYTES: usize = 8 * 1024;

/// A view of a list that somebody saved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SavedView {
    /// Whose tenant's.
    pub tenant: TenantId,
    /// Its id, chosen by who saves it: unique among those that are shared in the tenant, and among a person's own.
    pub id: String,
    /// The subject of who saved it.
    pub owner: String,
    /// Its name, as people read it.
    pub name: String,
    /// The page that it is of.
    pub page: String,
    /// What is asked for there, as in a URL.
    pub search: String,
    /// Whether everybody in the tenant sees it.
    pub is_shared: bool,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

/// The ids under which stores keep the views that one id means to a person: their private ones have ids of their own, so
/// that nobody learns of another's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ViewPlaces {
    /// Of the person's private view.
    pub own: String,
    /// Of the view that everybody sees. The build before kept private ones here, too.
    pub common: String,
}

impl ViewPlaces {
    /// Of this id, to this person.
    pub fn of(id: &str, subject: &str) -> Self {
        Self {
            // No id of a caller's has this sign.
            own: format!("{id}@{subject}"),
            common: id.to_owned(),
        }
    }
}

/// The id of a view that stands at a place.
pub fn id_at(place: &str) -> &str {
    place.split_once('@').map_or(place, |(id, _)| id)
}

/// A saved view, as it is found under an id that means it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FoundViews {
    /// In the person's own place.
    pub own: Option<SavedView>,
    /// In everybody's place.
    pub common: Option<SavedView>,
}

impl FoundViews {
    /// The one that the person sees, and its place: their own hides one that another shares.
    pub fn seen(self, places: ViewPlaces, subject: &str) -> Option<(String, SavedView)> {
        let common = self.common.filter(|view| view.is_seen_by(subject));
        let own = self.own.map(|view| (places.own, view));
        own.or_else(|| Some((places.common, common?)))
    }
}

/// What saving a view writes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ViewChange {
    /// The places that are empty from then on.
    pub removed: Vec<String>,
    /// What stands where.
    pub put: Vec<(String, SavedView)>,
}

impl SavedView {
    /// Whether this person sees it.
    pub fn is_seen_by(&self, subject: &str) -> bool {
        self.is_shared || self.owner == subject
    }

    /// Decides how it is saved over what its id means; `owned` is how many views its owner has in the tenant.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when the id belongs to a view that another person shares, or the person has too many.
    /// What others keep to themselves is in nobody's way.
    pub fn saved_over(self, known: &FoundViews, owned: usize) -> Result<ViewChange> {
        let ViewPlaces { own, common } = ViewPlaces::of(&self.id, &self.owner);
        let mine = |view: &&Self| view.owner == self.owner;
        let others = known.common.as_ref().filter(|view| !mine(view));
        if others.is_some_and(|view| view.is_shared) && known.own.is_none() {
            return Err(StoreError::Conflict(
                "a view that another person shares has this id: choose another".to_owned(),
            ));
        }
        if others.is_some_and(|view| view.is_shared) && self.is_shared {
            return Err(StoreError::Conflict(
                "another person shares a view with this id: choose another to share yours"
                    .to_owned(),
            ));
        }
        let is_new = known.own.is_none() && known.common.as_ref().filter(mine).is_none();
        if is_new && owned >= MAX_VIEWS {
            return Err(StoreError::Conflict(format!(
                "you have {MAX_VIEWS} views here: remove one first"
            )));
        }
        if !self.is_shared {
            let is_moved = known.common.as_ref().filter(mine).is_some();
            return Ok(ViewChange {
                removed: is_moved.then_some(common).into_iter().collect(),
                put: vec![(own, self)],
            });
        }
        // A private one that the build before kept there goes to its owner's place.
        let moved = others.cloned().map(|view| {
            let place = ViewPlaces::of(&view.id, &view.owner).own;
            (place, view)
        });
        Ok(ViewChange {
            removed: known.own.is_some().then_some(own).into_iter().collect(),
            put: moved.into_iter().chain([(common, self)]).collect(),
        })
    }

    /// Checks whether this person may remove it; `is_admin`: they administer the tenant.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when they do not see it; [`StoreError::Conflict`] when it is another person's.
    pub fn check_removal(&self, subject: &str, is_admin: bool) -> Result<()> {
        if self.owner == subject || (self.is_shared && is_admin) {
            return Ok(());
        }
        if !self.is_shared {
            return Err(StoreError::NotFound);
        }
        Err(StoreError::Conflict(
            "the view is another person's: they, or a `tenant_admin`, can remove it".to_owned(),
        ))
    }
}

/// A list of views as a person sees it: by id, each id once, their own before one that another shares.
pub fn listed(mut views: Vec<SavedView>, subject: &str) -> Vec<SavedView> {
    views.sort_by_key(|view| (view.id.clone(), view.owner != subject));
    views.dedup_by(|later, kept| later.id == kept.id);
    views
}

/// Preferences and views.
#[async_trait]
pub trait SavedViews {
    /// What a person prefers.
    async fn preferences_across_tenants(&self, subject: &str) -> Result<Option<Value>>;

    /// Replaces what a person prefers; the caller has bounded it.
    async fn put_preferences_across_tenants(
        &self,
        subject: &str,
        preferences: &Value,
    ) -> Result<()>;

    /// The views of a tenant that a person sees, by id, at most 200.
    async fn views(&self, tenant: &TenantId, subject: &str) -> Result<Vec<SavedView>>;

    /// The view that this id means to a person.
    async fn view(&self, tenant: &TenantId, id: &str, subject: &str) -> Result<Option<SavedView>>;

    /// Saves a view. Its `updated_at` is not used.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] as [`SavedView::saved_over`] says.
    async fn put_view(&self, view: &SavedView, act: &AuditAction) -> Result<()>;

    /// Removes a view; `is_admin`: the person administers the tenant.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when there is none that the person sees; [`StoreError::Conflict`] as
    /// [`SavedView::check_removal`] says.
    async fn remove_view(
        &self,
        tenant: &TenantId,
        id: &str,
        subject: &str,
        is_admin: bool,
        act: &AuditAction,
    ) -> Result<()>;
}
