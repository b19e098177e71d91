-- What audits of sources remember: how far each list of a provider was read. A row that is at work is due again when its
-- owner's time is over. `state` is JSON.
CREATE TABLE IF NOT EXISTS sweeps (
    tenant_id STRING(64) NOT NULL,
    source_id STRING(64) NOT NULL,
    kind STRING(64) NOT NULL,
    state STRING(MAX) NOT NULL,
    due_at TIMESTAMP NOT NULL,
    token INT64 NOT NULL
) PRIMARY KEY (tenant_id, source_id, kind);

CREATE INDEX IF NOT EXISTS sweeps_due ON sweeps (due_at);

-- What audits found: a line for each day (`2026-11-27`), by the office's time zone, and each kind of thing.
CREATE TABLE IF NOT EXISTS completeness (
    tenant_id STRING(64) NOT NULL,
    day STRING(16) NOT NULL,
    source_id STRING(64) NOT NULL,
    kind STRING(64) NOT NULL,
    at_provider INT64 NOT NULL,
    held INT64 NOT NULL,
    recovered INT64 NOT NULL,
    missing INT64 NOT NULL,
    checked_at TIMESTAMP NOT NULL
) PRIMARY KEY (tenant_id, day, source_id, kind);

-- Requests that were made of an account at a provider, which several tenants may share. `used` is JSON.
CREATE TABLE IF NOT EXISTS provider_requests (
    account STRING(MAX) NOT NULL,
    used STRING(MAX) NOT NULL
) PRIMARY KEY (account);
