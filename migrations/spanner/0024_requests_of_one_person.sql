-- Which requests have a telephone number or an e-mail address, by the hash of it: what links are made from. Written where a
-- person is asked for, never where a delivery is accepted. The newest first, because that is how they are read.
CREATE TABLE IF NOT EXISTS request_identities (
    tenant_id STRING(64) NOT NULL,
    kind STRING(16) NOT NULL,
    fingerprint STRING(64) NOT NULL,
    request_id STRING(64) NOT NULL
) PRIMARY KEY (tenant_id, kind, fingerprint, request_id DESC);
