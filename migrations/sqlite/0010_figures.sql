-- What the figures count of a request, as JSON; NULL for one that was never counted.
ALTER TABLE requests ADD COLUMN counted TEXT;

-- What transactions added to their tenant's sums, in their order, until it is folded into the rows of days.
CREATE TABLE metric_additions (
    position INTEGER PRIMARY KEY,
    tenant_id TEXT NOT NULL,
    additions TEXT NOT NULL
);

-- The sums of one day in UTC (counted from 1970), of one name in one dimension, packed by quarters of an hour.
CREATE TABLE metric_days (
    tenant_id TEXT NOT NULL,
    dimension INTEGER NOT NULL,
    day INTEGER NOT NULL,
    name TEXT NOT NULL,
    sums BLOB NOT NULL,
    PRIMARY KEY (tenant_id, dimension, day, name)
) WITHOUT ROWID;
