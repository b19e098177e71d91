-- What the figures count of a request, as JSON; NULL for one that was never counted.
ALTER TABLE requests ADD COLUMN counted TEXT;

-- What transactions added to their tenant's sums, in their order, until it is folded into the rows of sums.
CREATE TABLE metric_additions (
    position INTEGER PRIMARY KEY,
    tenant_id TEXT NOT NULL,
    additions TEXT NOT NULL
);

-- The sums of one name in one dimension, packed, 96 in a row: of days in UTC (`grain` 1), of hours (2), or of quarters of
-- an hour (3). Rows of a grain are counted from 1970.
CREATE TABLE metric_sums (
    tenant_id TEXT NOT NULL,
    grain INTEGER NOT NULL,
    dimension INTEGER NOT NULL,
    block INTEGER NOT NULL,
    name TEXT NOT NULL,
    sums BLOB NOT NULL,
    PRIMARY KEY (tenant_id, grain, dimension, block, name)
) WITHOUT ROWID;
