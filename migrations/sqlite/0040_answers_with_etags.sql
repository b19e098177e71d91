-- The `ETag` of a kept answer: a repeat has it, too.
ALTER TABLE api_calls ADD COLUMN etag TEXT;
