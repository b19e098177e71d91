-- Times are microseconds since 1970 in UTC. Ids are text with their prefix.
--
-- For this and every later step, as on Spanner: statements of the build before must still run on what a step leaves
-- behind. So a step adds tables, indexes, and columns that are nullable or have a default; it renames and drops neither
-- tables nor columns, and limits no words of a column that newer builds add words to.

CREATE TABLE tenants (
    tenant_id TEXT NOT NULL PRIMARY KEY,
    name TEXT NOT NULL,
    status TEXT NOT NULL DEFAULT 'active' CHECK (status IN ('active', 'suspended'))
) WITHOUT ROWID;

-- Only ever added to: a change is a new version.
CREATE TABLE configs (
    tenant_id TEXT NOT NULL,
    kind TEXT NOT NULL,
    name TEXT NOT NULL,
    version INTEGER NOT NULL,
    json TEXT NOT NULL,
    author TEXT NOT NULL,
    note TEXT NOT NULL DEFAULT '',
    created_at INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, kind, name, version)
) WITHOUT ROWID;

CREATE TABLE sources (
    tenant_id TEXT NOT NULL,
    source_id TEXT NOT NULL,
    provider TEXT NOT NULL,
    office_id TEXT,
    connection TEXT,
    token_hash BLOB UNIQUE,
    accounts TEXT NOT NULL DEFAULT '[]',
    key_names TEXT NOT NULL DEFAULT '[]',
    schemes TEXT NOT NULL DEFAULT '[]',
    state TEXT NOT NULL DEFAULT 'active',
    PRIMARY KEY (tenant_id, source_id)
) WITHOUT ROWID;

-- A provider's account belongs to one source of one tenant.
CREATE TABLE source_accounts (
    provider TEXT NOT NULL,
    account TEXT NOT NULL,
    tenant_id TEXT NOT NULL,
    source_id TEXT NOT NULL,
    PRIMARY KEY (provider, account)
) WITHOUT ROWID;

CREATE TABLE webhook_events (
    tenant_id TEXT NOT NULL,
    event_id TEXT NOT NULL,
    deduplication_key BLOB NOT NULL,
    provider TEXT NOT NULL,
    source_id TEXT NOT NULL,
    event TEXT,
    scheme TEXT NOT NULL,
    headers TEXT NOT NULL,
    body BLOB NOT NULL,
    request_id TEXT,
    remark TEXT,
    received_at INTEGER NOT NULL
);
CREATE UNIQUE INDEX webhook_events_by_id ON webhook_events (tenant_id, event_id);
CREATE UNIQUE INDEX webhook_events_by_deduplication_key ON webhook_events (tenant_id, deduplication_key);

CREATE TABLE requests (
    tenant_id TEXT NOT NULL,
    request_id TEXT NOT NULL,
    status TEXT NOT NULL,
    version INTEGER NOT NULL,
    person_id TEXT,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    channel TEXT,
    document TEXT NOT NULL
);
CREATE UNIQUE INDEX requests_by_id ON requests (tenant_id, request_id);
CREATE INDEX requests_by_status ON requests (tenant_id, status, request_id);

CREATE TABLE request_aliases (
    tenant_id TEXT NOT NULL,
    provider TEXT NOT NULL,
    kind TEXT NOT NULL,
    value TEXT NOT NULL,
    request_id TEXT NOT NULL,
    PRIMARY KEY (tenant_id, provider, kind, value)
) WITHOUT ROWID;

CREATE TABLE request_log (
    tenant_id TEXT NOT NULL,
    request_id TEXT NOT NULL,
    version INTEGER NOT NULL,
    position INTEGER NOT NULL,
    entry TEXT NOT NULL,
    PRIMARY KEY (tenant_id, request_id, version, position)
) WITHOUT ROWID;

CREATE TABLE work (
    tenant_id TEXT NOT NULL,
    request_id TEXT NOT NULL,
    stage TEXT NOT NULL,
    target TEXT NOT NULL,
    state TEXT NOT NULL,
    lane TEXT NOT NULL,
    token INTEGER NOT NULL,
    due_at INTEGER NOT NULL,
    next_wake_at INTEGER,
    lease_until INTEGER,
    wakes INTEGER NOT NULL,
    claims INTEGER NOT NULL,
    failures INTEGER NOT NULL,
    waits INTEGER NOT NULL,
    rerun_requested INTEGER NOT NULL,
    deadline INTEGER,
    held_for TEXT,
    held_version INTEGER,
    park_cause TEXT,
    traceparent TEXT,
    reason TEXT,
    answer TEXT,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, request_id, stage, target)
) WITHOUT ROWID;
CREATE INDEX work_by_wake ON work (tenant_id, stage, next_wake_at) WHERE next_wake_at IS NOT NULL;
CREATE INDEX work_by_held_for ON work (tenant_id, held_for) WHERE held_for IS NOT NULL;

CREATE TABLE effects (
    tenant_id TEXT NOT NULL,
    effect_key TEXT NOT NULL,
    owner TEXT NOT NULL,
    state TEXT NOT NULL,
    intended_at INTEGER NOT NULL,
    attempts INTEGER NOT NULL,
    remote_id TEXT,
    PRIMARY KEY (tenant_id, effect_key)
) WITHOUT ROWID;

CREATE TABLE persons (
    tenant_id TEXT NOT NULL,
    person_id TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, person_id)
) WITHOUT ROWID;

-- Numbers and addresses are kept as fingerprints: they are only ever compared.
CREATE TABLE person_aliases (
    tenant_id TEXT NOT NULL,
    kind TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    person_id TEXT NOT NULL,
    PRIMARY KEY (tenant_id, kind, fingerprint)
) WITHOUT ROWID;

CREATE TABLE connections (
    tenant_id TEXT NOT NULL,
    name TEXT NOT NULL,
    provider TEXT NOT NULL,
    version INTEGER NOT NULL,
    secret_version INTEGER NOT NULL,
    state TEXT NOT NULL,
    settings TEXT NOT NULL,
    PRIMARY KEY (tenant_id, name)
) WITHOUT ROWID;

CREATE TABLE crm_integrations (
    tenant_id TEXT NOT NULL,
    request_id TEXT NOT NULL,
    dispatch_id TEXT NOT NULL,
    attempt TEXT NOT NULL,
    PRIMARY KEY (tenant_id, request_id, dispatch_id)
) WITHOUT ROWID;

CREATE TABLE notifications (
    tenant_id TEXT NOT NULL,
    request_id TEXT NOT NULL,
    notification_id TEXT NOT NULL,
    message TEXT NOT NULL,
    PRIMARY KEY (tenant_id, request_id, notification_id)
) WITHOUT ROWID;

CREATE TABLE usage_ledger (
    tenant_id TEXT NOT NULL,
    request_id TEXT NOT NULL,
    at INTEGER NOT NULL,
    position INTEGER NOT NULL,
    unit TEXT NOT NULL,
    amount INTEGER NOT NULL,
    by TEXT NOT NULL,
    PRIMARY KEY (tenant_id, request_id, at, position)
) WITHOUT ROWID;

CREATE TABLE security_events (
    minute INTEGER NOT NULL,
    address TEXT NOT NULL,
    reason TEXT NOT NULL,
    provider TEXT NOT NULL,
    tenant_id TEXT NOT NULL,
    count INTEGER NOT NULL,
    trace_id TEXT NOT NULL,
    PRIMARY KEY (minute, address, reason, provider, tenant_id)
) WITHOUT ROWID;
