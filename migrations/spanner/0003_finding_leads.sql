-- What the index of tokens knows of a request. The generated column is there while that is behind, whoever wrote the
-- request: also for rows of before, and for those that the build before writes during a rollout.
ALTER TABLE requests ADD COLUMN IF NOT EXISTS indexed_version INT64;
ALTER TABLE requests ADD COLUMN IF NOT EXISTS indexed_status STRING(32);
ALTER TABLE requests ADD COLUMN IF NOT EXISTS indexed_tokens STRING(MAX);
ALTER TABLE requests ADD COLUMN IF NOT EXISTS is_unindexed BOOL
    AS (IF(version = indexed_version AND status = indexed_status, NULL, TRUE)) STORED;

CREATE NULL_FILTERED INDEX IF NOT EXISTS requests_unindexed ON requests (tenant_id, is_unindexed, request_id DESC);

-- Which request has which token. A score of -1 stands for none.
CREATE TABLE IF NOT EXISTS request_tokens (
    tenant_id STRING(64) NOT NULL,
    token STRING(300) NOT NULL,
    request_id STRING(64) NOT NULL,
    score INT64 NOT NULL
) PRIMARY KEY (tenant_id, token, request_id DESC);
