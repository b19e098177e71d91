//! Who is signed in where. A browser holds a cookie of two secrets: one that stays, by which its session is found, and
//! one that each refresh replaces. A secret that was replaced is taken for a few seconds more, for tabs that refresh at
//! once; after that somebody uses a copy, and the session ends for both.

use std::{fmt, time::Duration};

use async_trait::async_trait;
use domain::{EmailAddress, InvitationId, SessionId, TenantId, UserId, later};
use jiff::Timestamp;
use sha2::{Digest, Sha256};

use super::{
    codes::OneTimeCode,
    members::{TenantRole, User},
};
use crate::{AuditAction, Result, TokenHash};

/// A session that is not used for this long ends.
pub const IDLE: Duration = Duration::from_secs(12 * 60 * 60);
/// A session ends after this time however much it is used.
pub const LONGEST: Duration = Duration::from_secs(30 * 24 * 60 * 60);
/// How long a secret is taken after it was replaced.
pub const LEEWAY: Duration = Duration::from_secs(10);
/// Most sessions of one person. The one that was used the longest ago makes room for another.
pub const MAX_SESSIONS: usize = 20;

/// The longest part of a cookie that is looked at.
const MAX_PART: usize = 64;

/// The secrets that a browser holds.
#[derive(Clone, PartialEq, Eq)]
pub struct SessionCookie {
    /// The secret that stays.
    pub family: String,
    /// The secret that each refresh replaces.
    pub rotating: String,
}

impl SessionCookie {
    /// Reads [`SessionCookie::value`].
    pub fn parse(value: &str) -> Option<Self> {
        let (family, rotating) = value.split_once('.')?;
        let is_part = |part: &str| {
            (32..=MAX_PART).contains(&part.len())
                && part
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
        };
        (is_part(family) && is_part(rotating)).then(|| Self {
            family: family.to_owned(),
            rotating: rotating.to_owned(),
        })
    }

    /// As the browser holds it.
    pub fn value(&self) -> String {
        format!("{}.{}", self.family, self.rotating)
    }

    /// The cookie that replaces this one: the same each time it is asked with the same salt, which only the store knows.
    fn successor(&self, salt: &[u8; 32]) -> Self {
        let mut hash = Sha256::new();
        hash.update(salt);
        hash.update(&self.rotating);
        Self {
            family: self.family.clone(),
            rotating: hex::encode(hash.finalize()),
        }
    }
}

impl fmt::Debug for SessionCookie {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SessionCookie(redacted)")
    }
}

/// Who is signed in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Holder {
    /// A user, with the roles that they have at each refresh.
    User(UserId),
    /// The operator, by a code of the console.
    Console {
        /// Who it is, as the audit log shows it.
        subject: String,
        /// Where.
        tenant: TenantId,
        /// What they may do there.
        role: TenantRole,
    },
}

impl Holder {
    /// As tokens and the audit log call them.
    pub fn subject(&self) -> String {
        match self {
            Self::User(user) => user.to_string(),
            Self::Console { subject, .. } => subject.clone(),
        }
    }
}

/// Where somebody is signed in, as they see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Device {
    /// What the browser says of itself, cut.
    pub user_agent: String,
    /// The address that it last came from.
    pub address: String,
}

/// A device on which somebody is signed in.
#[derive(Clone, PartialEq, Eq)]
pub struct Session {
    /// Its id.
    pub id: SessionId,
    /// Who is signed in.
    pub holder: Holder,
    /// The hash of the secret that stays. Unique.
    pub family: TokenHash,
    /// The hash of the secret that is in use.
    pub current: TokenHash,
    /// The hash of the one before.
    pub previous: Option<TokenHash>,
    /// What the one in use was made of, beside the one before.
    pub salt: [u8; 32],
    /// When they signed in.
    pub created_at: Timestamp,
    /// When it was last used: its secret was replaced then.
    pub used_at: Timestamp,
    /// When it ends if it is not used before.
    pub ends_at: Timestamp,
    /// Where.
    pub device: Device,
    /// The sealed token by which the issuer that they signed in at is asked whether they still may; none where they
    /// signed in at no issuer.
    pub issuer_token: Option<Vec<u8>>,
    /// When the issuer last said so.
    pub confirmed_at: Option<Timestamp>,
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session")
            .field("id", &self.id)
            .field("holder", &self.holder)
            .finish_non_exhaustive()
    }
}

/// A session to be opened.
#[derive(Debug, Clone)]
pub struct NewSession {
    /// The secrets that the browser gets.
    pub cookie: SessionCookie,
    /// 32 random bytes.
    pub salt: [u8; 32],
    /// Where.
    pub device: Device,
    /// The issuer's sealed token, where they signed in at one.
    pub issuer_token: Option<Vec<u8>>,
}

/// What came of a refresh.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refreshed {
    /// The session goes on. The browser gets this cookie.
    Goes {
        /// The session as it is now.
        session: Box<Session>,
        /// The cookie.
        cookie: SessionCookie,
        /// Whether another call has replaced the secret just before.
        is_repeat: bool,
    },
    /// There is no such session, or it has ended.
    Ended,
    /// A secret came that was replaced long ago: the session was ended.
    Stolen(SessionId),
}

impl Session {
    /// A session that begins now.
    pub fn begin(id: SessionId, holder: Holder, new: &NewSession, now: Timestamp) -> Self {
        Self {
            id,
            holder,
            family: TokenHash::of(&new.cookie.family),
            current: TokenHash::of(&new.cookie.rotating),
            previous: None,
            salt: new.salt,
            created_at: now,
            used_at: now,
            ends_at: later(now, IDLE),
            device: new.device.clone(),
            confirmed_at: new.issuer_token.as_ref().map(|_| now),
            issuer_token: new.issuer_token.clone(),
        }
    }

    /// Whether the cookie is the one in use, or was until a moment ago, and the session has not ended.
    pub fn is_held_by(&self, cookie: &SessionCookie, now: Timestamp) -> bool {
        now < self.ends_at && (self.is_current(cookie) || self.is_just_replaced(cookie, now))
    }

    fn is_current(&self, cookie: &SessionCookie) -> bool {
        TokenHash::of(&cookie.rotating) == self.current
    }

    fn is_just_replaced(&self, cookie: &SessionCookie, now: Timestamp) -> bool {
        Some(TokenHash::of(&cookie.rotating)) == self.previous && now < later(self.used_at, LEEWAY)
    }

    /// What comes of a refresh with this cookie, whose secret that stays led to this session; `salt` is 32 random bytes.
    pub fn refreshed(
        self,
        cookie: &SessionCookie,
        salt: [u8; 32],
        address: &str,
        now: Timestamp,
    ) -> Refreshed {
        if now >= self.ends_at {
            return Refreshed::Ended;
        }
        if self.is_current(cookie) {
            let successor = cookie.successor(&salt);
            let ends_at = later(now, IDLE).min(later(self.created_at, LONGEST));
            return Refreshed::Goes {
                session: Box::new(Self {
                    previous: Some(self.current),
                    current: TokenHash::of(&successor.rotating),
                    salt,
                    used_at: now,
                    ends_at,
                    device: Device {
                        address: address.to_owned(),
                        ..self.device
                    },
                    ..self
                }),
                cookie: successor,
                is_repeat: false,
            };
        }
        if self.is_just_replaced(cookie, now) {
            return Refreshed::Goes {
                cookie: cookie.successor(&self.salt),
                session: Box::new(self),
                is_repeat: true,
            };
        }
        Refreshed::Stolen(self.id)
    }
}

/// Which of a person's sessions end when another begins: those that have ended, and the oldest beyond the most.
pub fn superseded(mut known: Vec<Session>, now: Timestamp) -> Vec<SessionId> {
    known.sort_by_key(|session| std::cmp::Reverse(session.used_at));
    let mut kept = 0;
    known.retain(|session| {
        let stays = now < session.ends_at && kept + 1 < MAX_SESSIONS;
        kept += usize::from(stays);
        !stays
    });
    known.into_iter().map(|session| session.id).collect()
}

/// What the audit log says of an invitation that was accepted.
pub fn accepted(user: UserId, invitation: InvitationId, role: TenantRole) -> AuditAction {
    AuditAction::new(user.to_string(), "invitation.accept", &invitation)
        .saying(format!("role {role}"))
}

/// Codes that sign in, and who is signed in.
#[async_trait]
pub trait Sessions {
    /// Keeps an invitation.
    ///
    /// # Errors
    /// [`StoreError::Conflict`](domain::StoreError::Conflict) when too many wait for an answer; [`StoreError::NotFound`](domain::StoreError::NotFound) when
    /// there is no such tenant.
    async fn invite(&self, tenant: &TenantId, code: &OneTimeCode, act: &AuditAction) -> Result<()>;

    /// A tenant's invitations that wait for an answer, by id, those that have expired among them.
    async fn invitations(&self, tenant: &TenantId) -> Result<Vec<OneTimeCode>>;

    /// Withdraws an invitation that waits for an answer.
    ///
    /// # Errors
    /// [`StoreError::NotFound`](domain::StoreError::NotFound) when there is no such.
    async fn withdraw_invitation(
        &self,
        tenant: &TenantId,
        invitation: InvitationId,
        act: &AuditAction,
    ) -> Result<()>;

    /// Keeps a code that is no invitation. Each tenant that it opens gets the act into its audit log: that of the console's
    /// code, those of which the link's person is a member.
    async fn keep_code_across_tenants(&self, code: &OneTimeCode, act: &AuditAction) -> Result<()>;

    /// Removes every code of the console.
    async fn remove_console_codes_across_tenants(&self) -> Result<()>;

    /// Uses a code, once, and opens a session for whom it signs in. An invitation makes its person a member, and leaves
    /// an entry `invitation.accept` in the tenant's audit log.
    ///
    /// # Errors
    /// [`StoreError::NotFound`](domain::StoreError::NotFound) when there is no such code, or nobody whom it signs in; [`StoreError::Conflict`](domain::StoreError::Conflict)
    /// when it was used or has expired, or the tenant has too many people.
    async fn redeem_code_across_tenants(
        &self,
        code: &TokenHash,
        new: &NewSession,
    ) -> Result<Session>;

    /// Accepts every invitation to an address whose owner has proven elsewhere that it is theirs, each as
    /// [`Sessions::redeem_code_across_tenants`] does; one that cannot be accepted waits on. Returns the user, who is made
    /// if there is an invitation; none when nobody is known by this address and nobody invited it.
    async fn accept_invitations_across_tenants(
        &self,
        email: &EmailAddress,
        name: &str,
    ) -> Result<Option<User>>;

    /// Opens a session for somebody who has proven elsewhere who they are.
    async fn open_session_across_tenants(
        &self,
        holder: &Holder,
        new: &NewSession,
    ) -> Result<Session>;

    /// The session that a cookie's secret that stays leads to, whether or not it has ended.
    async fn session_across_tenants(&self, family: &TokenHash) -> Result<Option<Session>>;

    /// Replaces the cookie's secret; `salt` is 32 random bytes. A session that was stolen is removed.
    async fn refresh_session_across_tenants(
        &self,
        cookie: &SessionCookie,
        salt: [u8; 32],
        address: &str,
    ) -> Result<Refreshed>;

    /// Records that the issuer said now that the person still may, and the token to ask it with next.
    async fn confirm_session_across_tenants(
        &self,
        session: SessionId,
        issuer_token: &[u8],
    ) -> Result<()>;

    /// Where somebody is signed in, the last used first.
    async fn sessions_of_across_tenants(&self, holder: &Holder) -> Result<Vec<Session>>;

    /// Ends a session; returns whether there was one.
    async fn end_session_across_tenants(&self, session: SessionId) -> Result<bool>;
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Timestamp {
        later(Timestamp::UNIX_EPOCH, Duration::from_secs(seconds))
    }

    fn cookie() -> SessionCookie {
        SessionCookie {
            family: "f".repeat(43),
            rotating: "r".repeat(43),
        }
    }

    fn session() -> Session {
        let new = NewSession {
            cookie: cookie(),
            salt: [0; 32],
            device: Device {
                user_agent: "browser".to_owned(),
                address: "192.0.2.1".to_owned(),
            },
            issuer_token: None,
        };
        let holder = Holder::User(UserId::from_uuid(uuid::Uuid::nil()));
        let id = SessionId::from_uuid(uuid::Uuid::nil());
        Session::begin(id, holder, &new, at(0))
    }

    #[track_caller]
    fn goes(refreshed: Refreshed) -> (Session, SessionCookie, bool) {
        match refreshed {
            Refreshed::Goes {
                session,
                cookie,
                is_repeat,
            } => (*session, cookie, is_repeat),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_replaced_secret_is_taken_for_a_moment_and_then_ends_the_session() {
        let (session, next, is_repeat) = goes(session().refreshed(&cookie(), [1; 32], "a", at(5)));
        assert!(!is_repeat && next != cookie());
        let again = session.clone().refreshed(&cookie(), [2; 32], "b", at(14));
        let (same, again, is_repeat) = goes(again);
        assert!(is_repeat);
        assert_eq!((&same, &again), (&session, &next));
        assert!(session.is_held_by(&cookie(), at(14)) && !session.is_held_by(&cookie(), at(15)));
        let late = session.clone().refreshed(&cookie(), [2; 32], "a", at(15));
        assert_eq!(late, Refreshed::Stolen(session.id));
        let (session, ..) = goes(session.refreshed(&next, [3; 32], "a", at(20)));
        let oldest = session.clone().refreshed(&cookie(), [4; 32], "a", at(21));
        assert_eq!(oldest, Refreshed::Stolen(session.id));
    }

    #[test]
    fn a_session_ends_when_it_is_idle_and_after_thirty_days() {
        let idle = IDLE.as_secs();
        assert_eq!(
            session().refreshed(&cookie(), [1; 32], "a", at(idle)),
            Refreshed::Ended
        );
        let (mut session, mut next, _) =
            goes(session().refreshed(&cookie(), [1; 32], "a", at(idle - 1)));
        let mut now = idle - 1;
        loop {
            now += idle - 1;
            match session.clone().refreshed(&next, [1; 32], "a", at(now)) {
                Refreshed::Goes {
                    session: after,
                    cookie,
                    ..
                } => (session, next) = (*after, cookie),
                other => {
                    assert_eq!(other, Refreshed::Ended);
                    break;
                }
            }
        }
        assert!(now >= LONGEST.as_secs() && session.ends_at == at(LONGEST.as_secs()));
    }

    #[test]
    fn the_oldest_session_makes_room() {
        let session = |number: u64| Session {
            id: SessionId::from_uuid(uuid::Uuid::from_u128(number.into())),
            used_at: at(number),
            ends_at: at(if number == 7 { 1 } else { 1_000 }),
            ..session()
        };
        let known: Vec<_> = (1..=21).map(session).collect();
        let ended = superseded(known, at(100));
        let ids: Vec<_> = [7, 1].map(|number| session(number).id).to_vec();
        assert_eq!(ended, ids);
    }

    #[test]
    fn a_cookie_reads_back() {
        assert_eq!(SessionCookie::parse(&cookie().value()), Some(cookie()));
        let long = "a".repeat(65);
        for value in [
            "",
            ".",
            "a.b",
            &format!("{long}.{long}"),
            &format!("{0}.é{0}", "a".repeat(40)),
        ] {
            assert_eq!(SessionCookie::parse(value), None, "{value}");
        }
    }
}
