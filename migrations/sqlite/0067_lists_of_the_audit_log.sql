-- The lists of the audit log, by each of their filters and all of them together: who, what, to what. People write it, so
-- seven indexes cost nobody anything.
CREATE INDEX audit_log_by_actor ON audit_log (tenant_id, actor, audit_id);
CREATE INDEX audit_log_by_action ON audit_log (tenant_id, action, audit_id);
CREATE INDEX audit_log_by_object ON audit_log (tenant_id, object, audit_id);
CREATE INDEX audit_log_by_actor_and_action ON audit_log (tenant_id, actor, action, audit_id);
CREATE INDEX audit_log_by_actor_and_object ON audit_log (tenant_id, actor, object, audit_id);
CREATE INDEX audit_log_by_action_and_object ON audit_log (tenant_id, action, object, audit_id);
CREATE INDEX audit_log_by_actor_and_action_and_object ON audit_log (tenant_id, actor, action, object, audit_id);
