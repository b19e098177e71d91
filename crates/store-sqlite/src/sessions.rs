//! Codes that sign in once, and who is signed in.

use async_trait::async_trait;
use domain::{EmailAddress, InvitationId, SessionId, StoreError, TenantId};
use jiff::Timestamp;
use rusqlite::{Connection, params};
use store::{
    AuditAction, Holder, IdSource, Invitation, LiveChange, NewSession, OneTimeCode, Purpose,
    Refreshed, Result, Session, SessionCookie, Sessions, TokenHash, User,
    people::{
        REMOVED_AT_ONCE,
        codes::KEPT_FOR,
        members::{check_joining, folded},
        rows,
        sessions::{accepted, superseded},
    },
};

use crate::{SqliteStore, audit, noted, people, rows::micros, sql, tenants};

#[async_trait]
impl Sessions for SqliteStore {
    async fn invite(&self, tenant: &TenantId, code: &OneTimeCode, act: &AuditAction) -> Result<()> {
        let (id, code) = (tenant.clone(), code.clone());
        self.act(tenant, act, move |db, now| {
            tenants::tenant(db, &id)?.ok_or(StoreError::NotFound)?;
            Invitation::check_room(open(db, &id)?.len())?;
            put_code(db, &code, now)
        })
        .await
    }

    async fn invitations(&self, tenant: &TenantId) -> Result<Vec<OneTimeCode>> {
        let tenant = tenant.clone();
        self.read(move |db| open(db, &tenant)).await
    }

    async fn withdraw_invitation(
        &self,
        tenant: &TenantId,
        invitation: InvitationId,
        act: &AuditAction,
    ) -> Result<()> {
        let id = tenant.clone();
        self.act(tenant, act, move |db, _| {
            let waiting = open(db, &id)?;
            let found = waiting.iter().find(|code| code.id == invitation);
            remove_code(db, found.ok_or(StoreError::NotFound)?)
        })
        .await
    }

    async fn keep_code_across_tenants(&self, code: &OneTimeCode, act: &AuditAction) -> Result<()> {
        let (code, act) = (code.clone(), act.clone());
        let (ids, clock) = (self.ids.clone(), self.clock.clone());
        self.write(move |db| {
            let now = clock.now();
            put_code(db, &code, now)?;
            for tenant in opened(db, &code.purpose)? {
                audit::record(db, &ids, now, &tenant, &act)?;
            }
            Ok(())
        })
        .await
    }

    async fn remove_console_codes_across_tenants(&self) -> Result<()> {
        const SQL: &str = "DELETE FROM one_time_codes WHERE purpose = 'console'";
        self.write(move |db| sql::execute(db, SQL, []).map(drop))
            .await
    }

    async fn redeem_code_across_tenants(
        &self,
        code: &TokenHash,
        new: &NewSession,
    ) -> Result<Session> {
        let (code, new) = (*code, new.clone());
        let (ids, clock) = (self.ids.clone(), self.clock.clone());
        self.write(move |db| redeem(db, &ids, clock.now(), &code, &new))
            .await
    }

    async fn accept_invitations_across_tenants(
        &self,
        email: &EmailAddress,
        name: &str,
    ) -> Result<Option<User>> {
        const SQL: &str = "SELECT * FROM one_time_codes WHERE email = ?1 AND purpose = 'invitation' ORDER BY code_id";
        let (email, name) = (folded(email)?, name.to_owned());
        let (ids, clock) = (self.ids.clone(), self.clock.clone());
        self.write(move |db| {
            let now = clock.now();
            for code in sql::all(db, SQL, [email.as_str()], rows::code)? {
                let Ok(code) = code.used(now) else { continue };
                if let Purpose::Invitation(invitation) = &code.purpose {
                    let user = people::ensure(db, &ids, now, &email, &name)?;
                    match join(db, &ids, now, &code, invitation, &user) {
                        Err(StoreError::Conflict(_)) => {}
                        joined => {
                            joined?;
                            use_code(db, &code.hash, now)?;
                        }
                    }
                }
            }
            people::by_email(db, &email)
        })
        .await
    }

    async fn open_session_across_tenants(
        &self,
        holder: &Holder,
        new: &NewSession,
    ) -> Result<Session> {
        let (holder, new) = (holder.clone(), new.clone());
        let (ids, clock) = (self.ids.clone(), self.clock.clone());
        self.write(move |db| begin(db, &ids, clock.now(), &holder, &new))
            .await
    }

    async fn session_across_tenants(&self, family: &TokenHash) -> Result<Option<Session>> {
        let family = *family;
        self.read(move |db| by_family(db, &family)).await
    }

    async fn refresh_session_across_tenants(
        &self,
        cookie: &SessionCookie,
        salt: [u8; 32],
        address: &str,
    ) -> Result<Refreshed> {
        let (cookie, address) = (cookie.clone(), address.to_owned());
        let clock = self.clock.clone();
        self.write(move |db| {
            let Some(session) = by_family(db, &TokenHash::of(&cookie.family))? else {
                return Ok(Refreshed::Ended);
            };
            let refreshed = session.refreshed(&cookie, salt, &address, clock.now());
            match &refreshed {
                Refreshed::Goes {
                    session,
                    is_repeat: false,
                    ..
                } => put(db, session)?,
                Refreshed::Stolen(id) => drop(remove(db, *id)?),
                Refreshed::Goes { .. } | Refreshed::Ended => {}
            }
            Ok(refreshed)
        })
        .await
    }

    async fn confirm_session_across_tenants(
        &self,
        session: SessionId,
        issuer_token: &[u8],
    ) -> Result<()> {
        const SQL: &str =
            "UPDATE sessions SET issuer_token = ?2, confirmed_at = ?3 WHERE session_id = ?1";
        let (token, clock) = (issuer_token.to_vec(), self.clock.clone());
        self.write(move |db| {
            let values = params![session.to_string(), token, micros(clock.now())];
            sql::execute(db, SQL, values).map(drop)
        })
        .await
    }

    async fn sessions_of_across_tenants(&self, holder: &Holder) -> Result<Vec<Session>> {
        let holder = holder.clone();
        self.read(move |db| {
            let mut sessions = of(db, &holder)?;
            sessions.sort_by_key(|session| std::cmp::Reverse(session.used_at));
            Ok(sessions)
        })
        .await
    }

    async fn end_session_across_tenants(&self, session: SessionId) -> Result<bool> {
        self.write(move |db| remove(db, session)).await
    }
}

/// The tenants that a code opens.
fn opened(db: &Connection, purpose: &Purpose) -> Result<Vec<TenantId>> {
    Ok(match purpose {
        Purpose::Console { tenant, .. } => vec![tenant.clone()],
        Purpose::Invitation(invitation) => vec![invitation.tenant.clone()],
        Purpose::Link { email } => match people::by_email(db, email)? {
            Some(user) => people::tenants(db, user.id)?
                .into_iter()
                .map(|(tenant, _)| tenant)
                .collect(),
            None => Vec::new(),
        },
    })
}

fn redeem(
    db: &Connection,
    ids: &IdSource,
    now: Timestamp,
    hash: &TokenHash,
    new: &NewSession,
) -> Result<Session> {
    const FIND: &str = "SELECT * FROM one_time_codes WHERE code_hash = ?1";
    let code = sql::first(db, FIND, [hash.as_bytes()], rows::code)?;
    let code = code.ok_or(StoreError::NotFound)?.used(now)?;
    use_code(db, hash, now)?;
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
            let user = people::by_email(db, email)?.ok_or(StoreError::NotFound)?;
            Holder::User(user.id)
        }
        Purpose::Invitation(invitation) => {
            let user = people::ensure(db, ids, now, &invitation.email, "")?;
            join(db, ids, now, &code, invitation, &user)?;
            Holder::User(user.id)
        }
    };
    begin(db, ids, now, &holder, new)
}

/// Makes a user a person of the tenant that invited them. Writes nothing when that is not possible.
fn join(
    db: &Connection,
    ids: &IdSource,
    now: Timestamp,
    code: &OneTimeCode,
    invitation: &Invitation,
    user: &User,
) -> Result<()> {
    let tenant = &invitation.tenant;
    let known = people::member(db, tenant, user.id)?;
    if known.is_none() {
        check_joining(
            people::count(db, tenant)?,
            people::tenants(db, user.id)?.len(),
        )?;
    }
    let role = invitation.role_over(known.as_ref().map(|known| known.role));
    let since = known.map_or(now, |known| known.since);
    people::put_member(db, tenant, user.id, role, since)?;
    let act = accepted(user.id, code.id, role);
    audit::record(db, ids, now, tenant, &act)?;
    if let Some(change) = LiveChange::of_act(&act) {
        noted::tell(now, tenant, change);
    }
    Ok(())
}

fn use_code(db: &Connection, code: &TokenHash, now: Timestamp) -> Result<()> {
    const SQL: &str = "UPDATE one_time_codes SET used_at = ?2 WHERE code_hash = ?1";
    sql::execute(db, SQL, params![code.as_bytes(), micros(now)]).map(drop)
}

/// Opens a session, and removes what has ended.
fn begin(
    db: &Connection,
    ids: &IdSource,
    now: Timestamp,
    holder: &Holder,
    new: &NewSession,
) -> Result<Session> {
    const ENDED: &str = "DELETE FROM sessions WHERE session_id IN ( \
                         SELECT session_id FROM sessions WHERE ends_at <= ?1 ORDER BY ends_at LIMIT ?2)";
    for id in superseded(of(db, holder)?, now) {
        remove(db, id)?;
    }
    sql::execute(db, ENDED, params![micros(now), REMOVED_AT_ONCE])?;
    let session = Session::begin(SessionId::from_uuid(ids.next()), holder.clone(), new, now);
    put(db, &session)?;
    Ok(session)
}

fn by_family(db: &Connection, family: &TokenHash) -> Result<Option<Session>> {
    const SQL: &str = "SELECT * FROM sessions WHERE family_hash = ?1";
    sql::first(db, SQL, [family.as_bytes()], rows::session)
}

fn of(db: &Connection, holder: &Holder) -> Result<Vec<Session>> {
    const SQL: &str = "SELECT * FROM sessions WHERE subject = ?1 ORDER BY session_id";
    let mut sessions = sql::all(db, SQL, [holder.subject()], rows::session)?;
    // A console's subject is free text.
    sessions.retain(|session| session.holder == *holder);
    Ok(sessions)
}

fn put(db: &Connection, session: &Session) -> Result<()> {
    const SQL: &str = "INSERT INTO sessions (session_id, subject, user_id, tenant_id, role, family_hash, current_hash, \
                       previous_hash, salt, created_at, used_at, ends_at, user_agent, address, issuer_token, confirmed_at) \
                       VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16) \
                       ON CONFLICT (session_id) DO UPDATE SET current_hash = excluded.current_hash, \
                       previous_hash = excluded.previous_hash, salt = excluded.salt, used_at = excluded.used_at, \
                       ends_at = excluded.ends_at, address = excluded.address";
    let (user, tenant, role) = match &session.holder {
        Holder::User(user) => (Some(user.to_string()), None, None),
        Holder::Console { tenant, role, .. } => (None, Some(tenant.as_str()), Some(role.as_str())),
    };
    let values = params![
        session.id.to_string(),
        session.holder.subject(),
        user,
        tenant,
        role,
        session.family.as_bytes(),
        session.current.as_bytes(),
        session.previous.as_ref().map(TokenHash::as_bytes),
        session.salt,
        micros(session.created_at),
        micros(session.used_at),
        micros(session.ends_at),
        session.device.user_agent,
        session.device.address,
        session.issuer_token,
        session.confirmed_at.map(micros),
    ];
    sql::execute(db, SQL, values).map(drop)
}

fn remove(db: &Connection, session: SessionId) -> Result<bool> {
    const SQL: &str = "DELETE FROM sessions WHERE session_id = ?1";
    Ok(sql::execute(db, SQL, [session.to_string()])? > 0)
}

/// The invitations of a tenant that wait for an answer.
fn open(db: &Connection, tenant: &TenantId) -> Result<Vec<OneTimeCode>> {
    const SQL: &str = "SELECT * FROM one_time_codes WHERE tenant_id = ?1 AND purpose = 'invitation' ORDER BY code_id";
    let mut codes = sql::all(db, SQL, [tenant.as_str()], rows::code)?;
    codes.retain(OneTimeCode::is_open_invitation);
    Ok(codes)
}

/// Ends what still invites this address into the tenant: what was decided about the person later outranks it.
pub(crate) fn close_invitations(
    db: &Connection,
    tenant: &TenantId,
    email: &EmailAddress,
) -> Result<()> {
    let open = open(db, tenant)?;
    let theirs = open.iter().filter(|code| code.email() == Some(email));
    theirs
        .into_iter()
        .try_for_each(|code| remove_code(db, code))
}

/// Keeps a code, and removes what nobody asks for any more.
fn put_code(db: &Connection, code: &OneTimeCode, now: Timestamp) -> Result<()> {
    const SQL: &str = "INSERT INTO one_time_codes (code_hash, code_id, purpose, tenant_id, email, subject, role, \
                       created_by, created_at, expires_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)";
    const OLD: &str = "DELETE FROM one_time_codes WHERE code_hash IN ( \
                       SELECT code_hash FROM one_time_codes WHERE expires_at <= ?1 ORDER BY expires_at LIMIT ?2)";
    let before = now.checked_sub(KEPT_FOR).unwrap_or(Timestamp::MIN);
    sql::execute(db, OLD, params![micros(before), REMOVED_AT_ONCE])?;
    let (tenant, subject, role) = code.columns();
    let values = params![
        code.hash.as_bytes(),
        code.id.to_string(),
        code.purpose.as_str(),
        tenant.map(TenantId::as_str),
        code.email().map(|email| email.as_str()),
        subject,
        role.map(|role| role.as_str()),
        code.created_by,
        micros(code.created_at),
        micros(code.expires_at),
    ];
    sql::execute(db, SQL, values).map(drop)
}

fn remove_code(db: &Connection, code: &OneTimeCode) -> Result<()> {
    const SQL: &str = "DELETE FROM one_time_codes WHERE code_hash = ?1";
    sql::execute(db, SQL, [code.hash.as_bytes()]).map(drop)
}
