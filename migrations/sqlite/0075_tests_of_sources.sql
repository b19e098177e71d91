-- When a source was last tested, and why that failed; null where the test arrived.
ALTER TABLE sources ADD COLUMN tested_at INTEGER;
ALTER TABLE sources ADD COLUMN test_fault TEXT;
