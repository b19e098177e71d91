-- What a company wrote in a conversation before the person did: it makes no lead by itself, and belongs to the one that the
-- person's first message makes.
CREATE TABLE early_messages (
    tenant_id TEXT NOT NULL,
    provider TEXT NOT NULL,
    conversation TEXT NOT NULL,
    event_id TEXT NOT NULL,
    facts TEXT NOT NULL,
    PRIMARY KEY (tenant_id, provider, conversation, event_id)
) STRICT, WITHOUT ROWID;
