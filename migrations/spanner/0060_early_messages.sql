-- What a company wrote in a conversation before the person did: it makes no lead by itself, and belongs to the one that the
-- person's first message makes.
CREATE TABLE IF NOT EXISTS early_messages (
    tenant_id STRING(64) NOT NULL,
    provider STRING(64) NOT NULL,
    conversation STRING(MAX) NOT NULL,
    event_id STRING(64) NOT NULL,
    facts STRING(MAX) NOT NULL
) PRIMARY KEY (tenant_id, provider, conversation, event_id);
