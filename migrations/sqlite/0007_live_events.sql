-- What changed, for whoever watches a tenant. One writer commits in the order of the numbers, so nothing ever appears
-- between two that were read. Each tenant's newest stays when the others go: the numbers never begin anew.
CREATE TABLE live_events (
    tenant_id TEXT NOT NULL,
    seq INTEGER NOT NULL,
    at INTEGER NOT NULL,
    kind TEXT NOT NULL,
    object TEXT NOT NULL,
    version INTEGER NOT NULL DEFAULT 0,
    cause TEXT NOT NULL,
    PRIMARY KEY (tenant_id, seq)
) WITHOUT ROWID;
