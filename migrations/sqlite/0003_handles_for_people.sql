-- What people changed. Entries are only ever added; each holds the hash of the one before it.
CREATE TABLE audit_log (
    tenant_id TEXT NOT NULL,
    audit_id TEXT NOT NULL,
    at INTEGER NOT NULL,
    actor TEXT NOT NULL,
    action TEXT NOT NULL,
    object TEXT NOT NULL,
    detail TEXT NOT NULL,
    previous TEXT NOT NULL,
    hash TEXT NOT NULL,
    PRIMARY KEY (tenant_id, audit_id)
) WITHOUT ROWID;

-- Work that waits for somebody, in the order that it is listed in.
CREATE INDEX work_by_stop ON work (tenant_id, request_id, stage, target) WHERE state IN ('held', 'parked');
