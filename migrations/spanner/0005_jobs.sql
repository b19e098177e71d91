-- Bulk work. `total` is negative while nobody knows it.
CREATE TABLE IF NOT EXISTS jobs (
    tenant_id STRING(64) NOT NULL,
    job_id STRING(64) NOT NULL,
    kind STRING(32) NOT NULL,
    task JSON NOT NULL,
    state STRING(16) NOT NULL,
    is_open BOOL,
    total INT64 NOT NULL,
    done INT64 NOT NULL,
    stopped INT64 NOT NULL,
    started_by STRING(MAX) NOT NULL,
    created_at TIMESTAMP NOT NULL,
    started_at TIMESTAMP,
    finished_at TIMESTAMP,
    failure STRING(MAX),
    result JSON NOT NULL,
    job_cursor STRING(MAX),
    owner STRING(MAX),
    lease_until TIMESTAMP,
    token INT64 NOT NULL,
    call_hash STRING(64)
) PRIMARY KEY (tenant_id, job_id DESC);

-- What waits or runs: `is_open` is there as long. There are never many.
CREATE NULL_FILTERED INDEX IF NOT EXISTS jobs_open ON jobs (is_open, tenant_id, job_id)
    STORING (kind, state, lease_until);

CREATE NULL_FILTERED INDEX IF NOT EXISTS jobs_finished ON jobs (finished_at);

CREATE UNIQUE NULL_FILTERED INDEX IF NOT EXISTS jobs_by_call ON jobs (tenant_id, call_hash);

-- Which requests a job changed: none is changed by it twice, and what stopped again is found by them.
CREATE TABLE IF NOT EXISTS job_requests (
    tenant_id STRING(64) NOT NULL,
    job_id STRING(64) NOT NULL,
    request_id STRING(64) NOT NULL
) PRIMARY KEY (tenant_id, job_id DESC, request_id);

-- When each tenant last had its turn: tenants' jobs are claimed in turns.
CREATE TABLE IF NOT EXISTS job_turns (
    tenant_id STRING(64) NOT NULL,
    turn INT64 NOT NULL
) PRIMARY KEY (tenant_id);
