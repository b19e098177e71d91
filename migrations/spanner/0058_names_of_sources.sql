-- What a tenant calls a source, and how often it was changed.
ALTER TABLE sources ADD COLUMN IF NOT EXISTS name STRING(MAX);
ALTER TABLE sources ADD COLUMN IF NOT EXISTS version INT64 NOT NULL DEFAULT (1);
