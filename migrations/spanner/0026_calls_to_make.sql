-- True while somebody should call the person behind a request; else nothing.
ALTER TABLE requests ADD COLUMN IF NOT EXISTS to_call BOOL;
CREATE NULL_FILTERED INDEX IF NOT EXISTS requests_to_call ON requests (tenant_id, to_call);
