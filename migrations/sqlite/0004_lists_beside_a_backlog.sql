-- `received` requests in the order that they are listed in: found by their work, they cost as much as there were of them.
CREATE INDEX requests_received ON requests (tenant_id, request_id) WHERE status = 'received';

-- What a process had at work when it died, found at the next start. There are never more than workers.
CREATE INDEX work_in_flight ON work (tenant_id, request_id, stage, target) WHERE state = 'in_flight';
