//! Who belongs to which tenant.

use async_trait::async_trait;
use domain::{EmailAddress, StoreError, TenantId, UserId};
use jiff::Timestamp;
use rusqlite::{Connection, params};
use store::{
    AuditAction, IdSource, Member, Page, People, Result, TenantRole, User,
    people::{members::folded, rows},
    rows::signed,
    stored::PageReader,
};

use crate::{SqliteStore, rows::micros, sessions, sql};

#[async_trait]
impl People for SqliteStore {
    async fn user_across_tenants(&self, user: UserId) -> Result<Option<User>> {
        self.read(move |db| self::user(db, user)).await
    }

    async fn user_by_email_across_tenants(&self, email: &EmailAddress) -> Result<Option<User>> {
        let email = folded(email)?;
        self.read(move |db| by_email(db, &email)).await
    }

    async fn ensure_user_across_tenants(&self, email: &EmailAddress, name: &str) -> Result<User> {
        let (email, name) = (folded(email)?, name.to_owned());
        let (ids, clock) = (self.ids.clone(), self.clock.clone());
        self.write(move |db| ensure(db, &ids, clock.now(), &email, &name))
            .await
    }

    async fn memberships_across_tenants(
        &self,
        user: UserId,
    ) -> Result<Vec<(TenantId, TenantRole)>> {
        self.read(move |db| tenants(db, user)).await
    }

    async fn members(
        &self,
        tenant: &TenantId,
        after: Option<UserId>,
        limit: u32,
    ) -> Result<Page<Member>> {
        const SQL: &str = "SELECT users.*, role, since FROM memberships JOIN users USING (user_id) \
                           WHERE tenant_id = ?1 AND user_id > ?2 ORDER BY user_id LIMIT ?3";
        let tenant = tenant.clone();
        self.read(move |db| {
            let mut page = PageReader::new(limit);
            let after = after.map_or_else(String::new, |user| user.to_string());
            let values = params![tenant.as_str(), after, signed(page.wanted())];
            page.take(sql::all(db, SQL, values, |row| {
                rows::member(row).map(Some)
            })?);
            Ok(page.finish())
        })
        .await
    }

    async fn member(&self, tenant: &TenantId, user: UserId) -> Result<Option<Member>> {
        let tenant = tenant.clone();
        self.read(move |db| self::member(db, &tenant, user)).await
    }

    async fn set_member_role(
        &self,
        tenant: &TenantId,
        user: UserId,
        role: TenantRole,
        act: &AuditAction,
    ) -> Result<Member> {
        let id = tenant.clone();
        let change = move |db: &Connection, _| {
            let member = checked(db, &id, user, Some(role))?;
            let is_change = member.role != role;
            put_member(db, &id, user, role, member.since)?;
            if is_change {
                sessions::close_invitations(db, &id, &member.user.email)?;
            }
            Ok((Member { role, ..member }, is_change))
        };
        let changed = self.act_if(tenant, act, change, |(_, is_change)| *is_change);
        Ok(changed.await?.0)
    }

    async fn remove_member(
        &self,
        tenant: &TenantId,
        user: UserId,
        act: &AuditAction,
    ) -> Result<Member> {
        const SQL: &str = "DELETE FROM memberships WHERE tenant_id = ?1 AND user_id = ?2";
        let id = tenant.clone();
        self.act(tenant, act, move |db, _| {
            let member = checked(db, &id, user, None)?;
            sql::execute(db, SQL, params![id.as_str(), user.to_string()])?;
            sessions::close_invitations(db, &id, &member.user.email)?;
            Ok(member)
        })
        .await
    }
}

/// A member whose role may become `after`.
fn checked(
    db: &Connection,
    tenant: &TenantId,
    user: UserId,
    after: Option<TenantRole>,
) -> Result<Member> {
    const OTHERS: &str = "SELECT user_id FROM memberships WHERE tenant_id = ?1 AND role = ?2 AND user_id <> ?3 LIMIT 1";
    let member = member(db, tenant, user)?.ok_or(StoreError::NotFound)?;
    let admin = TenantRole::TenantAdmin.as_str();
    let values = params![tenant.as_str(), admin, user.to_string()];
    let others = sql::all(db, OTHERS, values, |_| Ok(()))?;
    member.check_change(after, others.len())?;
    Ok(member)
}

pub(crate) fn user(db: &Connection, user: UserId) -> Result<Option<User>> {
    const SQL: &str = "SELECT * FROM users WHERE user_id = ?1";
    sql::first(db, SQL, [user.to_string()], rows::user)
}

pub(crate) fn by_email(db: &Connection, email: &EmailAddress) -> Result<Option<User>> {
    const SQL: &str = "SELECT * FROM users WHERE email = ?1";
    sql::first(db, SQL, [email.as_str()], rows::user)
}

/// The user with this address, which is in lower case; one that is not there is made.
pub(crate) fn ensure(
    db: &Connection,
    ids: &IdSource,
    now: Timestamp,
    email: &EmailAddress,
    name: &str,
) -> Result<User> {
    const SQL: &str =
        "INSERT INTO users (user_id, email, name, created_at) VALUES (?1, ?2, ?3, ?4)";
    if let Some(known) = by_email(db, email)? {
        return Ok(known);
    }
    let user = User {
        id: UserId::from_uuid(ids.next()),
        email: email.clone(),
        name: name.to_owned(),
        created_at: now,
    };
    let values = params![user.id.to_string(), email.as_str(), name, micros(now)];
    sql::execute(db, SQL, values)?;
    Ok(user)
}

pub(crate) fn member(db: &Connection, tenant: &TenantId, user: UserId) -> Result<Option<Member>> {
    const SQL: &str = "SELECT users.*, role, since FROM memberships JOIN users USING (user_id) \
                       WHERE tenant_id = ?1 AND user_id = ?2";
    let values = params![tenant.as_str(), user.to_string()];
    sql::first(db, SQL, values, rows::member)
}

/// The tenants of a user, with the role in each.
pub(crate) fn tenants(db: &Connection, user: UserId) -> Result<Vec<(TenantId, TenantRole)>> {
    const SQL: &str =
        "SELECT tenant_id, role FROM memberships WHERE user_id = ?1 ORDER BY tenant_id";
    sql::all(db, SQL, [user.to_string()], |row| {
        Ok((row.parsed("tenant_id")?, row.parsed("role")?))
    })
}

/// How many people a tenant has.
pub(crate) fn count(db: &Connection, tenant: &TenantId) -> Result<u32> {
    const SQL: &str = "SELECT count(*) AS people FROM memberships WHERE tenant_id = ?1";
    let found = sql::first(db, SQL, [tenant.as_str()], |row| row.number("people"))?;
    Ok(found.unwrap_or(0))
}

pub(crate) fn put_member(
    db: &Connection,
    tenant: &TenantId,
    user: UserId,
    role: TenantRole,
    since: Timestamp,
) -> Result<()> {
    const SQL: &str = "INSERT INTO memberships (tenant_id, user_id, role, since) VALUES (?1, ?2, ?3, ?4) \
                       ON CONFLICT (tenant_id, user_id) DO UPDATE SET role = excluded.role";
    let values = params![
        tenant.as_str(),
        user.to_string(),
        role.as_str(),
        micros(since)
    ];
    sql::execute(db, SQL, values).map(drop)
}
