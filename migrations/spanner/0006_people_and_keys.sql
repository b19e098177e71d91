-- Who signs in: one row for each e-mail address, in lower case.
CREATE TABLE IF NOT EXISTS users (
    user_id STRING(MAX) NOT NULL,
    email STRING(MAX) NOT NULL,
    name STRING(MAX) NOT NULL,
    created_at TIMESTAMP NOT NULL
) PRIMARY KEY (user_id);

CREATE UNIQUE INDEX IF NOT EXISTS users_by_email ON users (email);

-- What they may do, tenant by tenant.
CREATE TABLE IF NOT EXISTS memberships (
    tenant_id STRING(64) NOT NULL,
    user_id STRING(MAX) NOT NULL,
    role STRING(MAX) NOT NULL,
    since TIMESTAMP NOT NULL
) PRIMARY KEY (tenant_id, user_id);

CREATE INDEX IF NOT EXISTS memberships_by_user ON memberships (user_id, tenant_id) STORING (role);

-- Codes that sign in once, by their hashes.
CREATE TABLE IF NOT EXISTS one_time_codes (
    code_hash BYTES(32) NOT NULL,
    code_id STRING(MAX) NOT NULL,
    purpose STRING(MAX) NOT NULL,
    tenant_id STRING(64),
    email STRING(MAX),
    subject STRING(MAX),
    role STRING(MAX),
    created_by STRING(MAX) NOT NULL,
    created_at TIMESTAMP NOT NULL,
    expires_at TIMESTAMP NOT NULL,
    used_at TIMESTAMP
) PRIMARY KEY (code_hash);

CREATE INDEX IF NOT EXISTS one_time_codes_by_tenant ON one_time_codes (tenant_id, purpose, code_id);

CREATE INDEX IF NOT EXISTS one_time_codes_by_email ON one_time_codes (email, purpose, code_id);

CREATE INDEX IF NOT EXISTS one_time_codes_by_end ON one_time_codes (expires_at);

-- Where people are signed in, by the hashes of what their browsers hold.
CREATE TABLE IF NOT EXISTS sessions (
    session_id STRING(MAX) NOT NULL,
    subject STRING(MAX) NOT NULL,
    user_id STRING(MAX),
    tenant_id STRING(64),
    role STRING(MAX),
    family_hash BYTES(32) NOT NULL,
    current_hash BYTES(32) NOT NULL,
    previous_hash BYTES(32),
    salt BYTES(32) NOT NULL,
    created_at TIMESTAMP NOT NULL,
    used_at TIMESTAMP NOT NULL,
    ends_at TIMESTAMP NOT NULL,
    user_agent STRING(MAX) NOT NULL,
    address STRING(MAX) NOT NULL,
    issuer_token BYTES(MAX),
    confirmed_at TIMESTAMP
) PRIMARY KEY (session_id);

CREATE UNIQUE INDEX IF NOT EXISTS sessions_by_family ON sessions (family_hash);

CREATE INDEX IF NOT EXISTS sessions_by_subject ON sessions (subject, session_id);

CREATE INDEX IF NOT EXISTS sessions_by_end ON sessions (ends_at);

-- Keys by which programs call the API, by their hashes.
CREATE TABLE IF NOT EXISTS api_keys (
    tenant_id STRING(64) NOT NULL,
    key_id STRING(MAX) NOT NULL,
    key_hash BYTES(32) NOT NULL,
    prefix STRING(MAX) NOT NULL,
    name STRING(MAX) NOT NULL,
    scopes STRING(MAX) NOT NULL,
    created_by STRING(MAX) NOT NULL,
    created_at TIMESTAMP NOT NULL,
    last_used_at TIMESTAMP,
    expires_at TIMESTAMP,
    revoked_at TIMESTAMP
) PRIMARY KEY (tenant_id, key_id);

CREATE UNIQUE INDEX IF NOT EXISTS api_keys_by_hash ON api_keys (key_hash);

-- What people set up for themselves.
CREATE TABLE IF NOT EXISTS preferences (
    subject STRING(MAX) NOT NULL,
    preferences STRING(MAX) NOT NULL
) PRIMARY KEY (subject);

CREATE TABLE IF NOT EXISTS saved_views (
    tenant_id STRING(64) NOT NULL,
    view_id STRING(MAX) NOT NULL,
    owner STRING(MAX) NOT NULL,
    name STRING(MAX) NOT NULL,
    page STRING(MAX) NOT NULL,
    search STRING(MAX) NOT NULL,
    is_shared BOOL NOT NULL,
    updated_at TIMESTAMP NOT NULL
) PRIMARY KEY (tenant_id, view_id);
