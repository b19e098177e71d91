-- When a source was last tested, and why that failed; null where the test arrived.
ALTER TABLE sources ADD COLUMN IF NOT EXISTS tested_at TIMESTAMP;
ALTER TABLE sources ADD COLUMN IF NOT EXISTS test_fault STRING(MAX);
