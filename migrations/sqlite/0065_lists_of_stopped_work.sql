-- The lists of work that stopped, by each of their filters: rows of one state, stage, cause or connection lie next to each
-- other. Only a row that stops is written to them.
CREATE INDEX work_stopped_by_state ON work (tenant_id, state, request_id, stage, target)
    WHERE state IN ('held', 'parked');
CREATE INDEX work_stopped_by_state_and_stage ON work (tenant_id, state, stage, request_id, target)
    WHERE state IN ('held', 'parked');
CREATE INDEX work_stopped_by_stage ON work (tenant_id, stage, request_id, target)
    WHERE state IN ('held', 'parked');
CREATE INDEX work_stopped_by_cause ON work (tenant_id, park_cause, request_id, stage, target)
    WHERE park_cause IS NOT NULL;
CREATE INDEX work_stopped_by_cause_and_stage ON work (tenant_id, park_cause, stage, request_id, target)
    WHERE park_cause IS NOT NULL;
CREATE INDEX work_stopped_by_connection ON work (tenant_id, held_for, request_id, stage, target)
    WHERE held_for IS NOT NULL;
CREATE INDEX work_stopped_by_connection_and_stage ON work (tenant_id, held_for, stage, request_id, target)
    WHERE held_for IS NOT NULL;
