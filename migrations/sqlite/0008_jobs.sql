-- Bulk work. `result` and `task` are JSON; `total` is negative while nobody knows it.
CREATE TABLE jobs (
    tenant_id TEXT NOT NULL,
    job_id TEXT NOT NULL,
    kind TEXT NOT NULL,
    task TEXT NOT NULL,
    state TEXT NOT NULL,
    total INTEGER NOT NULL,
    done INTEGER NOT NULL,
    stopped INTEGER NOT NULL,
    started_by TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    started_at INTEGER,
    finished_at INTEGER,
    failure TEXT,
    result TEXT NOT NULL,
    job_cursor TEXT,
    owner TEXT,
    lease_until INTEGER,
    token INTEGER NOT NULL,
    call_hash TEXT,
    PRIMARY KEY (tenant_id, job_id)
);
-- What waits or runs. There are never many.
CREATE INDEX jobs_open ON jobs (tenant_id, job_id) WHERE state IN ('queued', 'running');
CREATE INDEX jobs_finished ON jobs (finished_at) WHERE finished_at IS NOT NULL;
CREATE UNIQUE INDEX jobs_by_call ON jobs (tenant_id, call_hash) WHERE call_hash IS NOT NULL;

-- Which requests a job changed: none is changed by it twice, and what stopped again is found by them.
CREATE TABLE job_requests (
    tenant_id TEXT NOT NULL,
    job_id TEXT NOT NULL,
    request_id TEXT NOT NULL,
    PRIMARY KEY (tenant_id, job_id, request_id)
) WITHOUT ROWID;

-- When each tenant last had its turn: tenants' jobs are claimed in turns.
CREATE TABLE job_turns (
    tenant_id TEXT NOT NULL PRIMARY KEY,
    turn INTEGER NOT NULL
) WITHOUT ROWID;
