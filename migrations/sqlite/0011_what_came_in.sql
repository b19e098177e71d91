-- Deliveries as people look for them: by their source, and by the request that they made or changed. Both grow at their
-- ends, as ids do, so that accepting writes few pages more.
CREATE INDEX webhook_events_by_source ON webhook_events (tenant_id, source_id, event_id);
CREATE INDEX webhook_events_by_request ON webhook_events (tenant_id, request_id, event_id) WHERE request_id IS NOT NULL;
-- What could not be read, and what is not used: few of all that came.
CREATE INDEX webhook_events_unread ON webhook_events (tenant_id, event_id)
    WHERE request_id IS NOT NULL AND remark IS NOT NULL;
CREATE INDEX webhook_events_unused ON webhook_events (tenant_id, event_id) WHERE request_id IS NULL;

-- How often a delivery came again. A row of its own, because the delivery's holds its body.
CREATE TABLE delivery_repeats (
    tenant_id TEXT NOT NULL,
    event_id TEXT NOT NULL,
    repeats INTEGER NOT NULL,
    last_at INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, event_id)
) WITHOUT ROWID;

CREATE INDEX security_events_by_tenant ON security_events (tenant_id, minute, address, reason, provider);

-- Calls of the API that their callers gave an `Idempotency-Key`. `tenant_id` is empty for those of no tenant.
CREATE TABLE api_calls (
    tenant_id TEXT NOT NULL,
    call_hash BLOB NOT NULL,
    request_hash BLOB NOT NULL,
    started_at INTEGER NOT NULL,
    state TEXT NOT NULL,
    status INTEGER,
    content_type TEXT,
    location TEXT,
    answer BLOB,
    PRIMARY KEY (tenant_id, call_hash)
) WITHOUT ROWID;
CREATE INDEX api_calls_by_time ON api_calls (started_at);
