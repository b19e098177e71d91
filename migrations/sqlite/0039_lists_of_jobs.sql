-- The lists of jobs: of one state, of one kind, of both.
CREATE INDEX jobs_by_state ON jobs (tenant_id, state, job_id);
CREATE INDEX jobs_by_kind ON jobs (tenant_id, kind, job_id);
CREATE INDEX jobs_by_kind_and_state ON jobs (tenant_id, kind, state, job_id);
