//! Codes that sign in once, and who is signed in.

use std::{collections::BTreeSet, sync::Arc};

use async_trait::async_trait;
use domain::{EmailAddress, InvitationId, SessionId, StoreError, TenantId};
use google_cloud_spanner::{
    key::{Key, KeySet},
    mutation::Mutation,
    statement::Statement,
    types,
};
use jiff::Timestamp;
use store::{
    AuditAction, Holder, IdSource, Invitation, LiveChange, NewSession, OneTimeCode, Purpose,
    Refreshed, Session, SessionCookie, Sessions, TokenHash, User,
    people::{
        REMOVED_AT_ONCE,
        codes::KEPT_FOR,
        members::{check_joining, folded},
        rows::{self, CODE_COLUMNS, SESSION_COLUMNS},
        sessions::{accepted, superseded},
    },
};

use crate::{
    SpannerStore,
    adapter::again,
    audit,
    fault::Fault,
    live, people,
    rows::{Row, Write, key, mutation, time_value},
    tenants,
    tx::{Reader, Tx},
};

type Result<T, E = Fault> = std::result::Result<T, E>;

#[async_trait]
impl Sessions for SpannerStore {
    async fn invite(
        &self,
        tenant: &TenantId,
        code: &OneTimeCode,
        act: &AuditAction,
    ) -> store::Result<()> {
        let (id, code) = (tenant.clone(), code.clone());
        let change = again!([id, code] | tx | keep_invitation(&tx, &id, &code));
        self.act(tenant, act, change).await
    }

    async fn invitations(&self, tenant: &TenantId) -> store::Result<Vec<OneTimeCode>> {
        self.read(async |reader| open(&reader, tenant).await).await
    }

    async fn withdraw_invitation(
        &self,
        tenant: &TenantId,
        invitation: InvitationId,
        act: &AuditAction,
    ) -> store::Result<()> {
        let id = tenant.clone();
        let change = again!([id] | tx | withdraw(&tx, &id, invitation));
        self.act(tenant, act, change).await
    }

    async fn keep_code_across_tenants(
        &self,
        code: &OneTimeCode,
        act: &AuditAction,
    ) -> store::Result<()> {
        let (code, act, ids) = (code.clone(), act.clone(), self.ids.clone());
        let work = again!([code, act, ids] | tx | keep_code(&tx, &ids, &code, &act));
        self.write("code.keep", work).await
    }

    async fn remove_console_codes_across_tenants(&self) -> store::Result<()> {
        let work = again!([] | tx | remove_console_codes(&tx));
        self.write("code.remove_console", work).await
    }

    async fn redeem_code_across_tenants(
        &self,
        code: &TokenHash,
        new: &NewSession,
    ) -> store::Result<Session> {
        let (code, new, ids) = (*code, Arc::new(new.clone()), self.ids.clone());
        let work = again!([new, ids] | tx | redeem(&tx, &ids, &code, &new));
        self.write("code.redeem", work).await
    }

    async fn accept_invitations_across_tenants(
        &self,
        email: &EmailAddress,
        name: &str,
    ) -> store::Result<Option<User>> {
        let (email, name, ids) = (folded(email)?, name.to_owned(), self.ids.clone());
        let work = again!([email, name, ids] | tx | accept(&tx, &ids, &email, &name));
        self.write("invitation.accept", work).await
    }

    async fn open_session_across_tenants(
        &self,
        holder: &Holder,
        new: &NewSession,
    ) -> store::Result<Session> {
        let (holder, new, ids) = (holder.clone(), Arc::new(new.clone()), self.ids.clone());
        let work = again!([holder, new, ids] | tx | begin(&tx, &ids, &holder, &new));
        self.write("session.open", work).await
    }

    async fn session_across_tenants(&self, family: &TokenHash) -> store::Result<Option<Session>> {
        self.read(async |reader| by_family(&reader, family).await)
            .await
    }

    async fn refresh_session_across_tenants(
        &self,
        cookie: &SessionCookie,
        salt: [u8; 32],
        address: &str,
    ) -> store::Result<Refreshed> {
        let (cookie, address) = (cookie.clone(), address.to_owned());
        let work = again!([cookie, address] | tx | refresh(&tx, &cookie, salt, &address));
        self.write("session.refresh", work).await
    }

    async fn confirm_session_across_tenants(
        &self,
        session: SessionId,
        issuer_token: &[u8],
    ) -> store::Result<()> {
        let token = issuer_token.to_vec();
        let work = again!([token] | tx | confirm(&tx, session, &token));
        self.write("session.confirm", work).await
    }

    async fn sessions_of_across_tenants(&self, holder: &Holder) -> store::Result<Vec<Session>> {
        self.read(async |reader| {
            let mut sessions = of(&reader, holder).await?;
            sessions.sort_by_key(|session| std::cmp::Reverse(session.used_at));
            Ok(sessions)
        })
        .await
    }

    async fn end_session_across_tenants(&self, session: SessionId) -> store::Result<bool> {
        let work = again!([] | tx | end(&tx, session));
        self.write("session.end", work).await
    }
}

async fn keep_code(tx: &Tx, ids: &IdSource, code: &OneTimeCode, act: &AuditAction) -> Result<()> {
    // What is read comes before what is written.
    let opened = opened(tx, &code.purpose).await?;
    put_code(tx, code).await?;
    for tenant in &opened {
        audit::record(tx, ids, tenant, act).await?;
    }
    Ok(())
}

/// The tenants that a code opens.
async fn opened(reader: &Reader, purpose: &Purpose) -> Result<Vec<TenantId>> {
    Ok(match purpose {
        Purpose::Console { tenant, .. } => vec![tenant.clone()],
        Purpose::Invitation(invitation) => vec![invitation.tenant.clone()],
        Purpose::Link { email } => match people::by_email(reader, email).await? {
            Some(user) => people::tenants(reader, user.id)
                .await?
                .into_iter()
                .map(|(tenant, _)| tenant)
                .collect(),
            None => Vec::new(),
        },
    })
}

async fn keep_invitation(tx: &Tx, tenant: &TenantId, code: &OneTimeCode) -> Result<()> {
    tenants::tenant(tx, tenant)
        .await?
        .ok_or(StoreError::NotFound)?;
    Invitation::check_room(open(tx, tenant).await?.len())?;
    put_code(tx, code).await
}

async fn withdraw(tx: &Tx, tenant: &TenantId, invitation: InvitationId) -> Result<()> {
    let waiting = open(tx, tenant).await?;
    let found = waiting.iter().find(|code| code.id == invitation);
    let found = found.ok_or(StoreError::NotFound)?;
    let key = code_key(&found.hash);
    tx.write([Mutation::delete("one_time_codes", key.into())])
}

async fn remove_console_codes(tx: &Tx) -> Result<()> {
    let statement =
        Statement::builder("SELECT code_hash FROM one_time_codes WHERE purpose = 'console'");
    delete_found(tx, "one_time_codes", statement.build()).await
}

/// Removes the rows whose keys a query finds.
async fn delete_found(tx: &Tx, table: &str, statement: Statement) -> Result<()> {
    for row in tx.query(statement).await? {
        let key = Key::new(row.0.raw_values().to_vec());
        tx.write([Mutation::delete(table, key.into())])?;
    }
    Ok(())
}

async fn refresh(
    tx: &Tx,
    cookie: &SessionCookie,
    salt: [u8; 32],
    address: &str,
) -> Result<Refreshed> {
    let Some(session) = by_family(tx, &TokenHash::of(&cookie.family)).await? else {
        return Ok(Refreshed::Ended);
    };
    let refreshed = session.refreshed(cookie, salt, address, tx.now());
    match &refreshed {
        Refreshed::Goes {
            session,
            is_repeat: false,
            ..
        } => put(tx, session)?,
        Refreshed::Stolen(id) => remove(tx, *id)?,
        Refreshed::Goes { .. } | Refreshed::Ended => {}
    }
    Ok(refreshed)
}

async fn confirm(tx: &Tx, session: SessionId, token: &[u8]) -> Result<()> {
    let key = key([&session.to_string()]);
    if tx.row("sessions", "session_id", key).await?.is_none() {
        return Ok(());
    }
    tx.write([mutation(
        Write::Update,
        "sessions",
        [
            ("session_id", session.to_string().into()),
            ("issuer_token", token.to_vec().into()),
            ("confirmed_at", time_value(tx.now())),
        ],
    )])
}

async fn end(tx: &Tx, session: SessionId) -> Result<bool> {
    let key = key([&session.to_string()]);
    let was_there = tx.row("sessions", "session_id", key).await?.is_some();
    remove(tx, session)?;
    Ok(was_there)
}

async fn redeem(tx: &Tx, ids: &IdSource, hash: &TokenHash, new: &NewSession) -> Result<Session> {
    let found = tx
        .row("one_time_codes", CODE_COLUMNS, code_key(hash))
        .await?;
    let code = rows::code(&*found.ok_or(StoreError::NotFound)?)?.used(tx.now())?;
    use_code(tx, hash)?;
    let holder = match &code.purpose {
        Purpose::Console {
            subject,
            tenant,
            role,
        } => Holder::Console {
            subject: subject.clone(),
            tenant: tenant.clone(),
            role: *role,
        },
        Purpose::Link { email } => {
            let user = people::by_email(tx, email).await?;
            Holder::User(user.ok_or(StoreError::NotFound)?.id)
        }
        Purpose::Invitation(invitation) => {
            let user = people::ensure(tx, ids, &invitation.email, "").await?;
            join(tx, ids, &code, invitation, &user).await?;
            Holder::User(user.id)
        }
    };
    begin(tx, ids, &holder, new).await
}

/// Accepts the invitations of one who has proven the address, a tenant's once.
async fn accept(tx: &Tx, ids: &IdSource, email: &EmailAddress, name: &str) -> Result<Option<User>> {
    let statement = Statement::builder(format!(
        "SELECT {CODE_COLUMNS} FROM one_time_codes@{{FORCE_INDEX=one_time_codes_by_email}} \
         WHERE email = @email AND purpose = 'invitation' ORDER BY code_id"
    ))
    .add_param("email", email.as_str().to_owned());
    let found = tx.query(statement.build()).await?;
    let mut user = people::by_email(tx, email).await?;
    // This transaction does not see what it wrote, so a tenant's further invitations wait on.
    let mut joined = BTreeSet::new();
    for row in &found {
        let Ok(code) = rows::code(&**row)?.used(tx.now()) else {
            continue;
        };
        let Purpose::Invitation(invitation) = &code.purpose else {
            continue;
        };
        if !joined.insert(invitation.tenant.clone()) {
            continue;
        }
        let user = match &user {
            Some(user) => user,
            None => user.insert(people::ensure(tx, ids, email, name).await?),
        };
        match join(tx, ids, &code, invitation, user).await {
            Err(Fault::Ours(StoreError::Conflict(_))) => {}
            joined => {
                joined?;
                use_code(tx, &code.hash)?;
            }
        }
    }
    Ok(user)
}

/// Makes a user a person of the tenant that invited them. Writes nothing when that is not possible.
async fn join(
    tx: &Tx,
    ids: &IdSource,
    code: &OneTimeCode,
    invitation: &Invitation,
    user: &User,
) -> Result<()> {
    let tenant = &invitation.tenant;
    let known = people::member(tx, tenant, user.id).await?;
    if known.is_none() {
        let (people, tenants) = (
            people::count(tx, tenant).await?,
            people::tenants(tx, user.id).await?,
        );
        check_joining(people, tenants.len())?;
    }
    let role = invitation.role_over(known.as_ref().map(|known| known.role));
    let since = known.map_or(tx.now(), |known| known.since);
    people::put_member(tx, tenant, user.id, role, since)?;
    let act = accepted(user.id, code.id, role);
    audit::record(tx, ids, tenant, &act).await?;
    match LiveChange::of_act(&act) {
        Some(change) => live::append(tx, tenant, &change),
        None => Ok(()),
    }
}

fn use_code(tx: &Tx, code: &TokenHash) -> Result<()> {
    tx.write([mutation(
        Write::Update,
        "one_time_codes",
        [
            ("code_hash", code.as_bytes().to_vec().into()),
            ("used_at", time_value(tx.now())),
        ],
    )])
}

/// Opens a session, and removes what has ended.
async fn begin(tx: &Tx, ids: &IdSource, holder: &Holder, new: &NewSession) -> Result<Session> {
    let now = tx.now();
    for id in superseded(of(tx, holder).await?, now) {
        remove(tx, id)?;
    }
    let ended = Statement::builder(
        "SELECT session_id FROM sessions@{FORCE_INDEX=sessions_by_end} WHERE ends_at <= @now \
         ORDER BY ends_at LIMIT @limit",
    )
    .add_typed_param("now", time_value(now), types::timestamp())
    .add_param("limit", i64::from(REMOVED_AT_ONCE));
    delete_found(tx, "sessions", ended.build()).await?;
    let session = Session::begin(SessionId::from_uuid(ids.next()), holder.clone(), new, now);
    put(tx, &session)?;
    Ok(session)
}

async fn by_family(reader: &Reader, family: &TokenHash) -> Result<Option<Session>> {
    let index = ("sessions", "sessions_by_family");
    let found = reader
        .rows_by(index, "session_id", KeySet::from(code_key(family)))
        .await?;
    let Some(found) = found.first() else {
        return Ok(None);
    };
    let key = key([&found.text("session_id")?]);
    let row = reader.row("sessions", SESSION_COLUMNS, key).await?;
    Ok(row.map(|row| rows::session(&*row)).transpose()?)
}

async fn of(reader: &Reader, holder: &Holder) -> Result<Vec<Session>> {
    let statement = Statement::builder(format!(
        "SELECT {SESSION_COLUMNS} FROM sessions@{{FORCE_INDEX=sessions_by_subject}} WHERE subject = @subject \
         ORDER BY session_id"
    ))
    .add_param("subject", holder.subject());
    let found = reader.query(statement.build()).await?;
    let read = |row: &Row| rows::session(&**row);
    let mut sessions = found.iter().map(read).collect::<store::Result<Vec<_>>>()?;
    // A console's subject is free text.
    sessions.retain(|session| session.holder == *holder);
    Ok(sessions)
}

fn put(tx: &Tx, session: &Session) -> Result<()> {
    let (user, tenant, role) = match &session.holder {
        Holder::User(user) => (Some(user.to_string()), None, None),
        Holder::Console { tenant, role, .. } => (
            None,
            Some(tenant.as_str().to_owned()),
            Some(role.as_str().to_owned()),
        ),
    };
    let previous = session.previous.map(|hash| hash.as_bytes().to_vec());
    let columns = [
        ("session_id", session.id.to_string().into()),
        ("subject", session.holder.subject().into()),
        ("user_id", user.into()),
        ("tenant_id", tenant.into()),
        ("role", role.into()),
        ("family_hash", session.family.as_bytes().to_vec().into()),
        ("current_hash", session.current.as_bytes().to_vec().into()),
        ("previous_hash", previous.into()),
        ("salt", session.salt.to_vec().into()),
        ("created_at", time_value(session.created_at)),
        ("used_at", time_value(session.used_at)),
        ("ends_at", time_value(session.ends_at)),
        ("user_agent", session.device.user_agent.clone().into()),
        ("address", session.device.address.clone().into()),
        ("issuer_token", session.issuer_token.clone().into()),
        ("confirmed_at", session.confirmed_at.map(time_value).into()),
    ];
    tx.write([mutation(Write::Put, "sessions", columns)])
}

fn remove(tx: &Tx, session: SessionId) -> Result<()> {
    let key = key([&session.to_string()]);
    tx.write([Mutation::delete("sessions", key.into())])
}

fn code_key(hash: &TokenHash) -> Key {
    Key::new(vec![hash.as_bytes().to_vec().into()])
}

/// The invitations of a tenant that wait for an answer.
async fn open(reader: &Reader, tenant: &TenantId) -> Result<Vec<OneTimeCode>> {
    let statement = Statement::builder(format!(
        "SELECT {CODE_COLUMNS} FROM one_time_codes@{{FORCE_INDEX=one_time_codes_by_tenant}} \
         WHERE tenant_id = @tenant AND purpose = 'invitation' ORDER BY code_id"
    ))
    .add_param("tenant", tenant.as_str().to_owned());
    let found = reader.query(statement.build()).await?;
    let read = |row: &Row| rows::code(&**row);
    let mut codes = found.iter().map(read).collect::<store::Result<Vec<_>>>()?;
    codes.retain(OneTimeCode::is_open_invitation);
    Ok(codes)
}

/// Ends what still invites this address into the tenant: what was decided about the person later outranks it.
pub(crate) async fn close_invitations(
    tx: &Tx,
    tenant: &TenantId,
    email: &EmailAddress,
) -> Result<()> {
    let open = open(tx, tenant).await?;
    let theirs = open.iter().filter(|code| code.email() == Some(email));
    tx.write(theirs.map(|code| Mutation::delete("one_time_codes", code_key(&code.hash).into())))
}

/// Keeps a code, and removes what nobody asks for any more.
async fn put_code(tx: &Tx, code: &OneTimeCode) -> Result<()> {
    let before = tx.now().checked_sub(KEPT_FOR).unwrap_or(Timestamp::MIN);
    let old = Statement::builder(
        "SELECT code_hash FROM one_time_codes@{FORCE_INDEX=one_time_codes_by_end} WHERE expires_at <= @before \
         ORDER BY expires_at LIMIT @limit",
    )
    .add_typed_param("before", time_value(before), types::timestamp())
    .add_param("limit", i64::from(REMOVED_AT_ONCE));
    delete_found(tx, "one_time_codes", old.build()).await?;
    let (tenant, subject, role) = code.columns();
    let email = code.email().map(|email| email.as_str().to_owned());
    tx.write([mutation(
        Write::Insert,
        "one_time_codes",
        [
            ("code_hash", code.hash.as_bytes().to_vec().into()),
            ("code_id", code.id.to_string().into()),
            ("purpose", code.purpose.as_str().to_owned().into()),
            ("tenant_id", tenant.map(|id| id.as_str().to_owned()).into()),
            ("email", email.into()),
            ("subject", subject.map(str::to_owned).into()),
            ("role", role.map(|role| role.as_str().to_owned()).into()),
            ("created_by", code.created_by.clone().into()),
            ("created_at", time_value(code.created_at)),
            ("expires_at", time_value(code.expires_at)),
        ],
    )])
}
