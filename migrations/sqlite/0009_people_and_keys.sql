-- Who signs in: one row for each e-mail address, in lower case.
CREATE TABLE users (
    user_id TEXT NOT NULL PRIMARY KEY,
    email TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    created_at INTEGER NOT NULL
) WITHOUT ROWID;

-- What they may do, tenant by tenant.
CREATE TABLE memberships (
    tenant_id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    role TEXT NOT NULL,
    since INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, user_id)
) WITHOUT ROWID;

CREATE INDEX memberships_by_user ON memberships (user_id, tenant_id);

-- Codes that sign in once, by their hashes.
CREATE TABLE one_time_codes (
    code_hash BLOB NOT NULL PRIMARY KEY,
    code_id TEXT NOT NULL,
    purpose TEXT NOT NULL,
    tenant_id TEXT,
    email TEXT,
    subject TEXT,
    role TEXT,
    created_by TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    used_at INTEGER
) WITHOUT ROWID;

CREATE INDEX one_time_codes_by_tenant ON one_time_codes (tenant_id, code_id) WHERE purpose = 'invitation';
CREATE INDEX one_time_codes_by_email ON one_time_codes (email, code_id) WHERE purpose = 'invitation';
CREATE INDEX one_time_codes_by_end ON one_time_codes (expires_at);

-- Where people are signed in, by the hashes of what their browsers hold.
CREATE TABLE sessions (
    session_id TEXT NOT NULL PRIMARY KEY,
    subject TEXT NOT NULL,
    user_id TEXT,
    tenant_id TEXT,
    role TEXT,
    family_hash BLOB NOT NULL UNIQUE,
    current_hash BLOB NOT NULL,
    previous_hash BLOB,
    salt BLOB NOT NULL,
    created_at INTEGER NOT NULL,
    used_at INTEGER NOT NULL,
    ends_at INTEGER NOT NULL,
    user_agent TEXT NOT NULL,
    address TEXT NOT NULL,
    issuer_token BLOB,
    confirmed_at INTEGER
) WITHOUT ROWID;

CREATE INDEX sessions_by_subject ON sessions (subject, session_id);
CREATE INDEX sessions_by_end ON sessions (ends_at);

-- Keys by which programs call the API, by their hashes.
CREATE TABLE api_keys (
    tenant_id TEXT NOT NULL,
    key_id TEXT NOT NULL,
    key_hash BLOB NOT NULL UNIQUE,
    prefix TEXT NOT NULL,
    name TEXT NOT NULL,
    scopes TEXT NOT NULL,
    created_by TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    last_used_at INTEGER,
    expires_at INTEGER,
    revoked_at INTEGER,
    PRIMARY KEY (tenant_id, key_id)
) WITHOUT ROWID;

-- What people set up for themselves.
CREATE TABLE preferences (
    subject TEXT NOT NULL PRIMARY KEY,
    preferences TEXT NOT NULL
) WITHOUT ROWID;

CREATE TABLE saved_views (
    tenant_id TEXT NOT NULL,
    view_id TEXT NOT NULL,
    owner TEXT NOT NULL,
    name TEXT NOT NULL,
    page TEXT NOT NULL,
    search TEXT NOT NULL,
    is_shared INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, view_id)
) WITHOUT ROWID;
