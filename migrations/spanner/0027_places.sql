-- What a map said of addresses, by hash, until it must be forgotten. Each tenant has its own. The database removes what is
-- old within three days.
CREATE TABLE IF NOT EXISTS places (
    tenant_id STRING(64) NOT NULL,
    address_hash BYTES(32) NOT NULL,
    answer STRING(MAX) NOT NULL,
    kept_until TIMESTAMP NOT NULL
) PRIMARY KEY (tenant_id, address_hash),
  ROW DELETION POLICY (OLDER_THAN(kept_until, INTERVAL 0 DAY));
