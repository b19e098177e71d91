-- The lists of refusals: from one address, for one reason, both. What changes with each refusal is not in them.
CREATE INDEX IF NOT EXISTS security_events_by_address
    ON security_events (tenant_id, address, minute DESC, reason DESC, provider DESC);

CREATE INDEX IF NOT EXISTS security_events_by_reason
    ON security_events (tenant_id, reason, minute DESC, address DESC, provider DESC);

CREATE INDEX IF NOT EXISTS security_events_by_address_and_reason
    ON security_events (tenant_id, address, reason, minute DESC, provider DESC);
