-- What could not be read, and what is not used, by source: few of all that came.
CREATE INDEX webhook_events_unread_by_source ON webhook_events (tenant_id, source_id, event_id)
    WHERE request_id IS NOT NULL AND remark IS NOT NULL;
CREATE INDEX webhook_events_unused_by_source ON webhook_events (tenant_id, source_id, event_id) WHERE request_id IS NULL;
