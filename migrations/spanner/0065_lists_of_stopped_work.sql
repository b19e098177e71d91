-- The lists of work that stopped, by each of their filters: rows of one state, stage, cause or connection lie next to each
-- other. `stopped` is there while a row has stopped, whoever wrote it, so that no other row is in the indexes.
ALTER TABLE work ADD COLUMN IF NOT EXISTS stopped STRING(16)
    AS (IF(state IN ('held', 'parked'), state, NULL)) STORED;

CREATE NULL_FILTERED INDEX IF NOT EXISTS work_by_stop ON work (tenant_id, request_id, stage, target, stopped);

CREATE NULL_FILTERED INDEX IF NOT EXISTS work_stopped_by_state
    ON work (tenant_id, stopped, request_id, stage, target);

CREATE NULL_FILTERED INDEX IF NOT EXISTS work_stopped_by_state_and_stage
    ON work (tenant_id, stopped, stage, request_id, target);

CREATE NULL_FILTERED INDEX IF NOT EXISTS work_stopped_by_stage
    ON work (tenant_id, stage, request_id, target, stopped);

CREATE NULL_FILTERED INDEX IF NOT EXISTS work_stopped_by_cause
    ON work (tenant_id, park_cause, request_id, stage, target);

CREATE NULL_FILTERED INDEX IF NOT EXISTS work_stopped_by_cause_and_stage
    ON work (tenant_id, park_cause, stage, request_id, target);

CREATE NULL_FILTERED INDEX IF NOT EXISTS work_stopped_by_connection
    ON work (tenant_id, held_for, request_id, stage, target);

CREATE NULL_FILTERED INDEX IF NOT EXISTS work_stopped_by_connection_and_stage
    ON work (tenant_id, held_for, stage, request_id, target);
