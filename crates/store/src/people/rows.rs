//! How people, sessions and keys stand in the tables, alike in every adapter.

use domain::EmailAddress;

use super::{
    ApiKey, Device, Holder, Invitation, Member, OneTimeCode, Purpose, SavedView, Scope, Session,
    User,
};
use crate::{Result, TokenHash, rows::Row, stored::corrupt};

/// Columns that [`user`] reads.
pub const USER_COLUMNS: &str = "user_id, email, name, created_at";
/// Columns that [`code`] reads.
pub const CODE_COLUMNS: &str = "code_hash, code_id, purpose, tenant_id, email, subject, role, created_by, created_at, \
                                expires_at, used_at";
/// Columns that [`session`] reads.
pub const SESSION_COLUMNS: &str = "session_id, subject, user_id, tenant_id, role, family_hash, current_hash, \
                                   previous_hash, salt, created_at, used_at, ends_at, user_agent, address, issuer_token, \
                                   confirmed_at";
/// Columns that [`api_key`] reads.
pub const API_KEY_COLUMNS: &str = "tenant_id, key_id, key_hash, prefix, name, scopes, created_by, created_at, \
                                   last_used_at, expires_at, revoked_at";
/// Columns that [`view`] reads.
pub const VIEW_COLUMNS: &str =
    "tenant_id, view_id, owner, name, page, search, is_shared, updated_at";

/// A user.
pub fn user(row: &dyn Row) -> Result<User> {
    Ok(User {
        id: row.parsed("user_id")?,
        email: email(&row.text("email")?)?,
        name: row.text("name")?,
        created_at: row.time("created_at")?,
    })
}

/// A person of a tenant: the columns of both tables in one row.
pub fn member(row: &dyn Row) -> Result<Member> {
    Ok(Member {
        user: user(row)?,
        role: row.parsed("role")?,
        since: row.time("since")?,
    })
}

/// A code that signs in once.
pub fn code(row: &dyn Row) -> Result<OneTimeCode> {
    let address = || email(&row.text("email")?);
    let purpose = match row.text("purpose")?.as_str() {
        "console" => Purpose::Console {
            subject: row.text("subject")?,
            tenant: row.parsed("tenant_id")?,
            role: row.parsed("role")?,
        },
        "invitation" => Purpose::Invitation(Invitation {
            tenant: row.parsed("tenant_id")?,
            email: address()?,
            role: row.parsed("role")?,
        }),
        "link" => Purpose::Link { email: address()? },
        _ => return Err(corrupt("a code's purpose", "another word")),
    };
    Ok(OneTimeCode {
        id: row.parsed("code_id")?,
        hash: hash(row, "code_hash")?,
        purpose,
        created_by: row.text("created_by")?,
        created_at: row.time("created_at")?,
        expires_at: row.time("expires_at")?,
        used_at: row.time_option("used_at")?,
    })
}

/// A session.
pub fn session(row: &dyn Row) -> Result<Session> {
    let holder = match row.parsed_option("user_id")? {
        Some(user) => Holder::User(user),
        None => Holder::Console {
            subject: row.text("subject")?,
            tenant: row.parsed("tenant_id")?,
            role: row.parsed("role")?,
        },
    };
    let previous = row.bytes_option("previous_hash")?;
    Ok(Session {
        id: row.parsed("session_id")?,
        holder,
        family: hash(row, "family_hash")?,
        current: hash(row, "current_hash")?,
        previous: previous
            .map(|bytes| digest(bytes).map(TokenHash::from_bytes))
            .transpose()?,
        salt: digest(row.bytes_option("salt")?.unwrap_or_default())?,
        created_at: row.time("created_at")?,
        used_at: row.time("used_at")?,
        ends_at: row.time("ends_at")?,
        device: Device {
            user_agent: row.text("user_agent")?,
            address: row.text("address")?,
        },
        issuer_token: row.bytes_option("issuer_token")?,
        confirmed_at: row.time_option("confirmed_at")?,
    })
}

/// A key. Scopes that this build does not know open nothing in it.
pub fn api_key(row: &dyn Row) -> Result<ApiKey> {
    let scopes = row.text("scopes")?;
    let known = scopes
        .split(' ')
        .filter_map(|word| word.parse::<Scope>().ok());
    Ok(ApiKey {
        id: row.parsed("key_id")?,
        tenant: row.parsed("tenant_id")?,
        hash: hash(row, "key_hash")?,
        prefix: row.text("prefix")?,
        name: row.text("name")?,
        scopes: known.collect(),
        created_by: row.text("created_by")?,
        created_at: row.time("created_at")?,
        last_used_at: row.time_option("last_used_at")?,
        expires_at: row.time_option("expires_at")?,
        revoked_at: row.time_option("revoked_at")?,
    })
}

/// The scopes of a key as [`api_key`] reads them.
pub fn scopes(key: &ApiKey) -> String {
    let words: Vec<_> = key.scopes.iter().map(|scope| scope.as_str()).collect();
    words.join(" ")
}

/// A view.
pub fn view(row: &dyn Row) -> Result<SavedView> {
    Ok(SavedView {
        tenant: row.parsed("tenant_id")?,
        id: super::views::id_at(&row.text("view_id")?).to_owned(),
        owner: row.text("owner")?,
        name: row.text("name")?,
        page: row.text("page")?,
        search: row.text("search")?,
        is_shared: row.flag("is_shared")?,
        updated_at: row.time("updated_at")?,
    })
}

fn email(text: &str) -> Result<EmailAddress> {
    EmailAddress::parse(text).map_err(|error| corrupt("a user's address", error))
}

fn hash(row: &dyn Row, column: &str) -> Result<TokenHash> {
    let bytes = row.bytes_option(column)?.unwrap_or_default();
    digest(bytes).map(TokenHash::from_bytes)
}

fn digest(bytes: Vec<u8>) -> Result<[u8; 32]> {
    <[u8; 32]>::try_from(bytes).map_err(|_| corrupt("a hash", "another length"))
}
