-- The lists of refusals: from one address, for one reason, both.
CREATE INDEX security_events_by_address ON security_events (tenant_id, address, minute, reason, provider);
CREATE INDEX security_events_by_reason ON security_events (tenant_id, reason, minute, address, provider);
CREATE INDEX security_events_by_address_and_reason ON security_events (tenant_id, address, reason, minute, provider);
