-- 1 while somebody should call the person behind a request; else nothing.
ALTER TABLE requests ADD COLUMN to_call INTEGER;
CREATE INDEX requests_to_call ON requests (tenant_id) WHERE to_call = 1;
