//! Who belongs to which tenant.

use async_trait::async_trait;
use domain::{EmailAddress, StoreError, TenantId, UserId};
use google_cloud_spanner::{key::KeySet, mutation::Mutation, statement::Statement};
use jiff::Timestamp;
use store::{
    AuditAction, IdSource, Member, Page, People, TenantRole, User,
    people::{members::folded, rows},
    rows::signed,
    stored::PageReader,
};

use crate::{
    SpannerStore,
    adapter::again,
    fault::Fault,
    rows::{Row, Write, key, mutation, time_value},
    sessions,
    tx::{Reader, Tx},
};

type Result<T, E = Fault> = std::result::Result<T, E>;

const MEMBERS: &str = "SELECT users.user_id, email, name, created_at, role, since FROM memberships \
                       JOIN users ON users.user_id = memberships.user_id WHERE tenant_id = @tenant";

#[async_trait]
impl People for SpannerStore {
    async fn user_across_tenants(&self, user: UserId) -> store::Result<Option<User>> {
        self.read(async |reader| self::user(&reader, user).await)
            .await
    }

    async fn user_by_email_across_tenants(
        &self,
        email: &EmailAddress,
    ) -> store::Result<Option<User>> {
        let email = folded(email)?;
        self.read(async |reader| by_email(&reader, &email).await)
            .await
    }

    async fn ensure_user_across_tenants(
        &self,
        email: &EmailAddress,
        name: &str,
    ) -> store::Result<User> {
        let (email, name, ids) = (folded(email)?, name.to_owned(), self.ids.clone());
        let work = again!([email, name, ids] | tx | ensure(&tx, &ids, &email, &name));
        self.write("user.ensure", work).await
    }

    async fn memberships_across_tenants(
        &self,
        user: UserId,
    ) -> store::Result<Vec<(TenantId, TenantRole)>> {
        self.read(async |reader| tenants(&reader, user).await).await
    }

    async fn members(
        &self,
        tenant: &TenantId,
        after: Option<UserId>,
        limit: u32,
    ) -> store::Result<Page<Member>> {
        self.read(async |reader| {
            let mut page = PageReader::new(limit);
            let statement = Statement::builder(format!(
                "{MEMBERS} AND memberships.user_id > @after ORDER BY memberships.user_id LIMIT @wanted"
            ))
            .add_param("tenant", tenant.as_str().to_owned())
            .add_param(
                "after",
                after.map_or_else(String::new, |user| user.to_string()),
            )
            .add_param("wanted", signed(page.wanted()));
            let found = reader.query(statement.build()).await?;
            let read = found.iter().map(|row| rows::member(row).map(Some));
            page.take(read.collect::<store::Result<_>>()?);
            Ok(page.finish())
        })
        .await
    }

    async fn member(&self, tenant: &TenantId, user: UserId) -> store::Result<Option<Member>> {
        self.read(async |reader| self::member(&reader, tenant, user).await)
            .await
    }

    async fn set_member_role(
        &self,
        tenant: &TenantId,
        user: UserId,
        role: TenantRole,
        act: &AuditAction,
    ) -> store::Result<Member> {
        let id = tenant.clone();
        let change = again!([id] | tx | set_role(&tx, &id, user, role));
        let changed = self.act_if(tenant, act, change, |(_, is_change)| *is_change);
        Ok(changed.await?.0)
    }

    async fn remove_member(
        &self,
        tenant: &TenantId,
        user: UserId,
        act: &AuditAction,
    ) -> store::Result<Member> {
        let id = tenant.clone();
        let change = again!([id] | tx | remove(&tx, &id, user));
        self.act(tenant, act, change).await
    }
}

async fn set_role(
    tx: &Tx,
    tenant: &TenantId,
    user: UserId,
    role: TenantRole,
) -> Result<(Member, bool)> {
    let member = checked(tx, tenant, user, Some(role)).await?;
    let is_change = member.role != role;
    put_member(tx, tenant, user, role, member.since)?;
    if is_change {
        sessions::close_invitations(tx, tenant, &member.user.email).await?;
    }
    Ok((Member { role, ..member }, is_change))
}

async fn remove(tx: &Tx, tenant: &TenantId, user: UserId) -> Result<Member> {
    let member = checked(tx, tenant, user, None).await?;
    let key = key([tenant.as_str(), &user.to_string()]);
    tx.write([Mutation::delete("memberships", key.into())])?;
    sessions::close_invitations(tx, tenant, &member.user.email).await?;
    Ok(member)
}

/// A member whose role may become `after`.
async fn checked(
    reader: &Reader,
    tenant: &TenantId,
    user: UserId,
    after: Option<TenantRole>,
) -> Result<Member> {
    let member = member(reader, tenant, user).await?;
    let member = member.ok_or(StoreError::NotFound)?;
    let statement = Statement::builder(
        "SELECT user_id FROM memberships WHERE tenant_id = @tenant AND role = @role AND user_id != @user LIMIT 1",
    )
    .add_param("tenant", tenant.as_str().to_owned())
    .add_param("role", TenantRole::TenantAdmin.as_str().to_owned())
    .add_param("user", user.to_string());
    let others = reader.query(statement.build()).await?;
    member.check_change(after, others.len())?;
    Ok(member)
}

pub(crate) async fn user(reader: &Reader, user: UserId) -> Result<Option<User>> {
    let key = key([&user.to_string()]);
    let found = reader.row("users", rows::USER_COLUMNS, key).await?;
    Ok(found.map(|row| rows::user(&*row)).transpose()?)
}

pub(crate) async fn by_email(reader: &Reader, email: &EmailAddress) -> Result<Option<User>> {
    let index = ("users", "users_by_email");
    let keys = KeySet::from(key([email.as_str()]));
    let found = reader.rows_by(index, "user_id", keys).await?;
    match found.first() {
        Some(row) => user(reader, row.parsed("user_id")?).await,
        None => Ok(None),
    }
}

/// The user with this address, which is in lower case; one that is not there is made.
pub(crate) async fn ensure(
    tx: &Tx,
    ids: &IdSource,
    email: &EmailAddress,
    name: &str,
) -> Result<User> {
    if let Some(known) = by_email(tx, email).await? {
        return Ok(known);
    }
    let user = User {
        id: UserId::from_uuid(ids.next()),
        email: email.clone(),
        name: name.to_owned(),
        created_at: tx.now(),
    };
    tx.write([mutation(
        Write::Insert,
        "users",
        [
            ("user_id", user.id.to_string().into()),
            ("email", email.as_str().to_owned().into()),
            ("name", name.to_owned().into()),
            ("created_at", time_value(user.created_at)),
        ],
    )])?;
    Ok(user)
}

pub(crate) async fn member(
    reader: &Reader,
    tenant: &TenantId,
    user: UserId,
) -> Result<Option<Member>> {
    let statement = Statement::builder(format!("{MEMBERS} AND memberships.user_id = @user"))
        .add_param("tenant", tenant.as_str().to_owned())
        .add_param("user", user.to_string());
    let found = reader.query(statement.build()).await?;
    Ok(found.first().map(|row| rows::member(&**row)).transpose()?)
}

/// The tenants of a user, with the role in each.
pub(crate) async fn tenants(reader: &Reader, user: UserId) -> Result<Vec<(TenantId, TenantRole)>> {
    let statement = Statement::builder(
        "SELECT tenant_id, role FROM memberships@{FORCE_INDEX=memberships_by_user} \
         WHERE user_id = @user ORDER BY tenant_id",
    )
    .add_param("user", user.to_string());
    let found = reader.query(statement.build()).await?;
    let read = |row: &Row| Ok((row.parsed("tenant_id")?, row.parsed("role")?));
    found.iter().map(read).collect()
}

/// How many people a tenant has.
pub(crate) async fn count(reader: &Reader, tenant: &TenantId) -> Result<u32> {
    let statement =
        Statement::builder("SELECT COUNT(*) AS people FROM memberships WHERE tenant_id = @tenant")
            .add_param("tenant", tenant.as_str().to_owned());
    let found = reader.query(statement.build()).await?;
    let people = found.first().map(|row| row.number("people")).transpose()?;
    Ok(people.unwrap_or(0))
}

pub(crate) fn put_member(
    tx: &Tx,
    tenant: &TenantId,
    user: UserId,
    role: TenantRole,
    since: Timestamp,
) -> Result<()> {
    tx.write([mutation(
        Write::Put,
        "memberships",
        [
            ("tenant_id", tenant.as_str().to_owned().into()),
            ("user_id", user.to_string().into()),
            ("role", role.as_str().to_owned().into()),
            ("since", time_value(since)),
        ],
    )])
}
