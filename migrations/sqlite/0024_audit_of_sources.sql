-- What audits of sources remember: how far each list of a provider was read. A row that is at work is due again when its
-- owner's time is over. `state` is JSON.
CREATE TABLE sweeps (
    tenant_id TEXT NOT NULL,
    source_id TEXT NOT NULL,
    kind TEXT NOT NULL,
    state TEXT NOT NULL,
    due_at INTEGER NOT NULL,
    token INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, source_id, kind)
) WITHOUT ROWID;
CREATE INDEX sweeps_due ON sweeps (due_at);

-- What audits found: a line for each day (`2026-11-27`), by the office's time zone, and each kind of thing.
CREATE TABLE completeness (
    tenant_id TEXT NOT NULL,
    day TEXT NOT NULL,
    source_id TEXT NOT NULL,
    kind TEXT NOT NULL,
    at_provider INTEGER NOT NULL,
    held INTEGER NOT NULL,
    recovered INTEGER NOT NULL,
    missing INTEGER NOT NULL,
    checked_at INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, day, source_id, kind)
) WITHOUT ROWID;

-- Requests that were made of an account at a provider, which several tenants may share. `used` is JSON.
CREATE TABLE provider_requests (
    account TEXT NOT NULL PRIMARY KEY,
    used TEXT NOT NULL
) WITHOUT ROWID;
