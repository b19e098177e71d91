-- Which requests have a telephone number or an e-mail address, by the hash of it: what links are made from. Written where a
-- person is asked for, never where a delivery is accepted.
CREATE TABLE request_identities (
    tenant_id TEXT NOT NULL,
    kind TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    request_id TEXT NOT NULL,
    PRIMARY KEY (tenant_id, kind, fingerprint, request_id)
) WITHOUT ROWID;
