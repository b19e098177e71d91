-- What a tenant calls a source, and how often it was changed.
ALTER TABLE sources ADD COLUMN name TEXT;
ALTER TABLE sources ADD COLUMN version INTEGER NOT NULL DEFAULT 1;
