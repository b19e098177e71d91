-- Deliveries of one thing lie together in the index that tells repeats, and things come about in their names' order:
-- by the bare hash, every delivery wrote a page of its own.
ALTER TABLE webhook_events ADD COLUMN about TEXT NOT NULL DEFAULT '';
DROP INDEX webhook_events_by_deduplication_key;
CREATE UNIQUE INDEX webhook_events_by_deduplication_key ON webhook_events (tenant_id, about, deduplication_key);

-- What a request's timeline began with, as a JSON array: most of what is accepted has one such entry.
ALTER TABLE requests ADD COLUMN opening TEXT NOT NULL DEFAULT '[]';

-- Nobody stays `received` for long: those are found by their work.
DROP INDEX requests_by_status;
CREATE INDEX requests_by_status ON requests (tenant_id, status, request_id) WHERE status <> 'received';
