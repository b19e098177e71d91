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
    /// Its id: unique in the tenant, chosen by who saves it.
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

impl SavedView {
    /// Whether this person sees it.
    pub fn is_seen_by(&self, subject: &str) -> bool {
        self.is_shared || self.owner == subject
    }

    /// Checks whether it may be saved over `known`; `owned` is how many views its owner has in the tenant.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when the id belongs to another person's view, or the person has too many.
    pub fn check_put(&self, known: Option<&Self>, owned: usize) -> Result<()> {
        match known {
            Some(known) if known.owner != self.owner => Err(StoreError::Conflict(
                "another person's view has this id: choose another".to_owned(),
            )),
            None if owned >= MAX_VIEWS => Err(StoreError::Conflict(format!(
                "you have {MAX_VIEWS} views here: remove one first"
            ))),
            _ => Ok(()),
        }
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

    /// A view, whoever's it is.
    async fn view(&self, tenant: &TenantId, id: &str) -> Result<Option<SavedView>>;

    /// Saves a view. Its `updated_at` is not used.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] as [`SavedView::check_put`] says.
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
