-- Which requests have which facts: status, channel, score and such. A filter without words is answered from sets of rows,
-- because meeting one long list of the index of words after the other takes longer the more requests there are.

-- The facts of a row, as its sets have it: so that a change touches no other set than those that it leaves or enters.
CREATE TABLE request_facts (
    place INTEGER NOT NULL PRIMARY KEY,
    facts TEXT NOT NULL
);

-- A set: for 4096 rows each, two bytes for each that is in it, or a bit for each of all.
CREATE TABLE request_sets (
    tenant_id TEXT NOT NULL,
    fact TEXT NOT NULL,
    block INTEGER NOT NULL,
    rows BLOB NOT NULL,
    PRIMARY KEY (tenant_id, fact, block)
) WITHOUT ROWID;

-- What was indexed before has no sets: until this is 1, nothing counts as indexed, and it is taken in again.
ALTER TABLE request_index ADD COLUMN has_sets INTEGER NOT NULL DEFAULT 0;
