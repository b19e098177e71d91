-- Which request has which tokens; a document's rowid is that of its row in `requests`. A token has its tenant in front,
-- so that one tenant's are never read for another. Kept are the lists of rows alone: neither texts nor positions.
CREATE VIRTUAL TABLE request_tokens USING fts5(
    tokens, content = '', contentless_delete = 1, detail = none, tokenize = "ascii tokenchars '_-./:@%'"
);

-- How far the index is: it has the rows over `back` up to `front`. Newer ones come in from the front; older ones, of
-- before there was an index, from the back, until that is 0. No row: nothing was begun.
CREATE TABLE request_index (
    id INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
    front INTEGER NOT NULL,
    back INTEGER NOT NULL
);

-- Rows that the index has as they were before.
CREATE TABLE request_changes (
    tenant_id TEXT NOT NULL,
    place INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, place)
) WITHOUT ROWID;
