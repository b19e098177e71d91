-- The product's tables on Spanner (GoogleSQL). Ids are text with their prefix and are ordered by time; the tenant
-- comes first in every key, and what lists show newest first has its id in descending order, because Spanner does not
-- read a key backwards. What belongs to a request lies with it. Statements can be repeated.
--
-- For this and every later step: the build before must go on with what a step leaves behind, because both run side by side
-- during a rollout. So a step adds tables, indexes, and columns that are nullable or have a default; it renames and drops
-- neither tables nor columns, and limits no words of a column that newer builds add words to. An index over a large table
-- is a step of its own. What nothing reads any more goes two releases later.

CREATE TABLE IF NOT EXISTS tenants (
    tenant_id STRING(64) NOT NULL,
    name STRING(MAX) NOT NULL,
    status STRING(16) NOT NULL DEFAULT ('active'),
    CONSTRAINT tenants_status CHECK (status IN ('active', 'suspended'))
) PRIMARY KEY (tenant_id);

-- Only ever added to: a change is a new version, and the newest comes first.
CREATE TABLE IF NOT EXISTS configs (
    tenant_id STRING(64) NOT NULL,
    kind STRING(64) NOT NULL,
    name STRING(128) NOT NULL,
    version INT64 NOT NULL,
    json JSON NOT NULL,
    author STRING(MAX) NOT NULL,
    note STRING(MAX) NOT NULL DEFAULT (''),
    created_at TIMESTAMP NOT NULL
) PRIMARY KEY (tenant_id, kind, name, version DESC);

CREATE TABLE IF NOT EXISTS sources (
    tenant_id STRING(64) NOT NULL,
    source_id STRING(64) NOT NULL,
    provider STRING(64) NOT NULL,
    office_id STRING(64),
    connection STRING(128),
    token_hash BYTES(32),
    accounts JSON NOT NULL DEFAULT (JSON '[]'),
    key_names JSON NOT NULL DEFAULT (JSON '[]'),
    schemes JSON NOT NULL DEFAULT (JSON '[]'),
    state STRING(16) NOT NULL DEFAULT ('active')
) PRIMARY KEY (tenant_id, source_id);

CREATE UNIQUE NULL_FILTERED INDEX IF NOT EXISTS sources_by_token ON sources (token_hash);

-- A provider's account belongs to one source of one tenant.
CREATE TABLE IF NOT EXISTS source_accounts (
    provider STRING(64) NOT NULL,
    account STRING(MAX) NOT NULL,
    tenant_id STRING(64) NOT NULL,
    source_id STRING(64) NOT NULL
) PRIMARY KEY (provider, account);

-- Deliveries as they came. They go after 13 months: providers keep their own records for longer.
CREATE TABLE IF NOT EXISTS webhook_events (
    tenant_id STRING(64) NOT NULL,
    event_id STRING(64) NOT NULL,
    deduplication_key BYTES(32) NOT NULL,
    provider STRING(64) NOT NULL,
    source_id STRING(64) NOT NULL,
    event STRING(MAX),
    scheme STRING(64) NOT NULL,
    headers JSON NOT NULL,
    body BYTES(MAX) NOT NULL,
    request_id STRING(64),
    remark STRING(MAX),
    received_at TIMESTAMP NOT NULL
) PRIMARY KEY (tenant_id, event_id),
  ROW DELETION POLICY (OLDER_THAN(received_at, INTERVAL 400 DAY));

CREATE UNIQUE INDEX IF NOT EXISTS webhook_events_by_deduplication_key
    ON webhook_events (tenant_id, deduplication_key) STORING (request_id);

CREATE TABLE IF NOT EXISTS requests (
    tenant_id STRING(64) NOT NULL,
    request_id STRING(64) NOT NULL,
    status STRING(32) NOT NULL,
    version INT64 NOT NULL,
    person_id STRING(64),
    created_at TIMESTAMP NOT NULL,
    updated_at TIMESTAMP NOT NULL,
    channel STRING(32),
    document JSON NOT NULL
) PRIMARY KEY (tenant_id, request_id DESC);

CREATE INDEX IF NOT EXISTS requests_by_status ON requests (tenant_id, status, request_id DESC);

CREATE TABLE IF NOT EXISTS request_log (
    tenant_id STRING(64) NOT NULL,
    request_id STRING(64) NOT NULL,
    version INT64 NOT NULL,
    position INT64 NOT NULL,
    entry JSON NOT NULL
) PRIMARY KEY (tenant_id, request_id DESC, version, position),
  INTERLEAVE IN PARENT requests ON DELETE CASCADE;

-- `shard` spreads what the relay scans over the fleet's tablets; it is there while `next_wake_at` is.
CREATE TABLE IF NOT EXISTS work (
    tenant_id STRING(64) NOT NULL,
    request_id STRING(64) NOT NULL,
    stage STRING(32) NOT NULL,
    target STRING(128) NOT NULL,
    state STRING(16) NOT NULL,
    lane STRING(16) NOT NULL,
    token INT64 NOT NULL,
    due_at TIMESTAMP NOT NULL,
    shard INT64,
    next_wake_at TIMESTAMP,
    lease_until TIMESTAMP,
    wakes INT64 NOT NULL,
    claims INT64 NOT NULL,
    failures INT64 NOT NULL,
    waits INT64 NOT NULL,
    rerun_requested BOOL NOT NULL,
    deadline TIMESTAMP,
    held_for STRING(128),
    held_version INT64,
    park_cause STRING(64),
    traceparent STRING(MAX),
    reason STRING(MAX),
    answer STRING(MAX),
    created_at TIMESTAMP NOT NULL
) PRIMARY KEY (tenant_id, request_id DESC, stage, target),
  INTERLEAVE IN PARENT requests ON DELETE CASCADE;

CREATE NULL_FILTERED INDEX IF NOT EXISTS work_by_wake ON work (shard, next_wake_at)
    STORING (state, token, wakes);

CREATE NULL_FILTERED INDEX IF NOT EXISTS work_by_stage ON work (tenant_id, stage, next_wake_at)
    STORING (state, due_at, token, wakes);

CREATE NULL_FILTERED INDEX IF NOT EXISTS work_by_held_for ON work (tenant_id, held_for);

CREATE INDEX IF NOT EXISTS work_by_state ON work (tenant_id, state, request_id);

CREATE TABLE IF NOT EXISTS crm_integrations (
    tenant_id STRING(64) NOT NULL,
    request_id STRING(64) NOT NULL,
    dispatch_id STRING(64) NOT NULL,
    attempt JSON NOT NULL
) PRIMARY KEY (tenant_id, request_id DESC, dispatch_id),
  INTERLEAVE IN PARENT requests ON DELETE CASCADE;

CREATE TABLE IF NOT EXISTS notifications (
    tenant_id STRING(64) NOT NULL,
    request_id STRING(64) NOT NULL,
    notification_id STRING(64) NOT NULL,
    message JSON NOT NULL
) PRIMARY KEY (tenant_id, request_id DESC, notification_id),
  INTERLEAVE IN PARENT requests ON DELETE CASCADE;

CREATE TABLE IF NOT EXISTS usage_ledger (
    tenant_id STRING(64) NOT NULL,
    request_id STRING(64) NOT NULL,
    usage_id STRING(64) NOT NULL,
    occurred_at TIMESTAMP NOT NULL,
    unit STRING(MAX) NOT NULL,
    amount INT64 NOT NULL,
    billed_by STRING(MAX) NOT NULL
) PRIMARY KEY (tenant_id, request_id DESC, usage_id),
  INTERLEAVE IN PARENT requests ON DELETE CASCADE;

CREATE TABLE IF NOT EXISTS request_aliases (
    tenant_id STRING(64) NOT NULL,
    provider STRING(64) NOT NULL,
    kind STRING(64) NOT NULL,
    value STRING(MAX) NOT NULL,
    request_id STRING(64) NOT NULL
) PRIMARY KEY (tenant_id, provider, kind, value);

CREATE TABLE IF NOT EXISTS effects (
    tenant_id STRING(64) NOT NULL,
    effect_key STRING(MAX) NOT NULL,
    owner STRING(MAX) NOT NULL,
    state STRING(16) NOT NULL,
    intended_at TIMESTAMP NOT NULL,
    attempts INT64 NOT NULL,
    remote_id STRING(MAX)
) PRIMARY KEY (tenant_id, effect_key);

CREATE TABLE IF NOT EXISTS persons (
    tenant_id STRING(64) NOT NULL,
    person_id STRING(64) NOT NULL,
    created_at TIMESTAMP NOT NULL
) PRIMARY KEY (tenant_id, person_id);

-- Numbers and addresses are kept as fingerprints: they are only ever compared.
CREATE TABLE IF NOT EXISTS person_aliases (
    tenant_id STRING(64) NOT NULL,
    kind STRING(16) NOT NULL,
    fingerprint STRING(64) NOT NULL,
    person_id STRING(64) NOT NULL
) PRIMARY KEY (tenant_id, kind, fingerprint);

CREATE TABLE IF NOT EXISTS connections (
    tenant_id STRING(64) NOT NULL,
    name STRING(128) NOT NULL,
    provider STRING(64) NOT NULL,
    version INT64 NOT NULL,
    secret_version INT64 NOT NULL,
    state STRING(16) NOT NULL,
    settings JSON NOT NULL
) PRIMARY KEY (tenant_id, name);

-- What people changed. Entries are only ever added; each holds the hash of the one before it.
CREATE TABLE IF NOT EXISTS audit_log (
    tenant_id STRING(64) NOT NULL,
    audit_id STRING(64) NOT NULL,
    occurred_at TIMESTAMP NOT NULL,
    actor STRING(MAX) NOT NULL,
    action STRING(MAX) NOT NULL,
    object STRING(MAX) NOT NULL,
    detail STRING(MAX) NOT NULL,
    previous STRING(64) NOT NULL,
    entry_hash STRING(64) NOT NULL
) PRIMARY KEY (tenant_id, audit_id DESC);

-- Refusals: no tenant is known for most of them. The shard keeps the newest minute from being one tablet's alone.
CREATE TABLE IF NOT EXISTS security_events (
    shard INT64 NOT NULL,
    minute TIMESTAMP NOT NULL,
    address STRING(64) NOT NULL,
    reason STRING(64) NOT NULL,
    provider STRING(64) NOT NULL,
    tenant_id STRING(64) NOT NULL,
    count INT64 NOT NULL,
    trace_id STRING(64) NOT NULL
) PRIMARY KEY (shard, minute DESC, address, reason, provider, tenant_id);

-- Events for the outside, published at least once.
CREATE TABLE IF NOT EXISTS outbox (
    tenant_id STRING(64) NOT NULL,
    event_id STRING(64) NOT NULL,
    shard INT64 NOT NULL,
    created_at TIMESTAMP NOT NULL,
    payload STRING(MAX) NOT NULL
) PRIMARY KEY (tenant_id, event_id);

CREATE INDEX IF NOT EXISTS outbox_by_time ON outbox (shard, created_at);
