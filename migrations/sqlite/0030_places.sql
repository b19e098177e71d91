-- What a map said of addresses, by hash, until it must be forgotten. Each tenant has its own.
CREATE TABLE places (
    tenant_id TEXT NOT NULL,
    address_hash BLOB NOT NULL,
    answer TEXT NOT NULL,
    kept_until INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, address_hash)
) STRICT, WITHOUT ROWID;

CREATE INDEX places_by_age ON places (kept_until);
