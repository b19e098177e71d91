-- What changed, for whoever watches a tenant, in the order of commits: a snapshot shows every commit up to its time, so
-- what is committed after a read comes behind it. `tie` tells events of one commit time apart. The tenant comes first, so
-- one tenant's newest are one tablet's, as its newest requests are. Nothing scans them by time: the database removes what is
-- old. Readers are sent on only from places of the last 24 hours.
CREATE TABLE IF NOT EXISTS live_events (
    tenant_id STRING(64) NOT NULL,
    committed_at TIMESTAMP NOT NULL OPTIONS (allow_commit_timestamp = true),
    tie INT64 NOT NULL,
    kind STRING(32) NOT NULL,
    object STRING(MAX) NOT NULL,
    version INT64 NOT NULL DEFAULT (0),
    cause STRING(MAX) NOT NULL
) PRIMARY KEY (tenant_id, committed_at, tie),
  ROW DELETION POLICY (OLDER_THAN(committed_at, INTERVAL 2 DAY));
