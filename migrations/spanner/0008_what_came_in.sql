-- Deliveries as people look for them, newest first: Spanner does not read a key backwards.
CREATE INDEX IF NOT EXISTS webhook_events_newest ON webhook_events (tenant_id, event_id DESC);

CREATE INDEX IF NOT EXISTS webhook_events_by_source ON webhook_events (tenant_id, source_id, event_id DESC);

CREATE INDEX IF NOT EXISTS webhook_events_by_request
    ON webhook_events (tenant_id, request_id, event_id DESC);

-- How often a delivery came again. A row of its own, because the delivery's holds its body.
CREATE TABLE IF NOT EXISTS delivery_repeats (
    tenant_id STRING(64) NOT NULL,
    event_id STRING(64) NOT NULL,
    repeats INT64 NOT NULL,
    last_at TIMESTAMP NOT NULL
) PRIMARY KEY (tenant_id, event_id DESC),
  ROW DELETION POLICY (OLDER_THAN(last_at, INTERVAL 400 DAY));

CREATE INDEX IF NOT EXISTS security_events_by_tenant
    ON security_events (tenant_id, minute DESC, address DESC, reason DESC, provider DESC) STORING (count, trace_id);

-- Calls of the API that their callers gave an `Idempotency-Key`. `tenant_id` is empty for those of no tenant.
CREATE TABLE IF NOT EXISTS api_calls (
    tenant_id STRING(64) NOT NULL,
    call_hash BYTES(32) NOT NULL,
    request_hash BYTES(32) NOT NULL,
    started_at TIMESTAMP NOT NULL,
    state STRING(16) NOT NULL,
    status INT64,
    content_type STRING(MAX),
    location STRING(MAX),
    answer BYTES(MAX)
) PRIMARY KEY (tenant_id, call_hash),
  ROW DELETION POLICY (OLDER_THAN(started_at, INTERVAL 2 DAY));
