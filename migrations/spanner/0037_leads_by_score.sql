-- Every request once, by its score: of its tokens only the one that all requests have is ranked.
ALTER TABLE request_tokens ADD COLUMN IF NOT EXISTS ranked INT64 AS (IF(token = 'all', score, NULL)) STORED;

CREATE NULL_FILTERED INDEX IF NOT EXISTS request_tokens_by_rank
    ON request_tokens (tenant_id, ranked DESC, request_id DESC) STORING (score);
