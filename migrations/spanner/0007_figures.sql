-- What the figures count of a request, as JSON; NULL for one that was never counted.
ALTER TABLE requests ADD COLUMN IF NOT EXISTS counted STRING(MAX);

-- What transactions added to their tenant's sums, until it is folded into the rows of sums. Each transaction inserts a
-- row of its own: no two of them wait for each other's sum.
CREATE TABLE IF NOT EXISTS metric_additions (
    tenant_id STRING(64) NOT NULL,
    addition_id STRING(128) NOT NULL,
    additions STRING(MAX) NOT NULL
) PRIMARY KEY (tenant_id, addition_id);

-- The sums of one name in one dimension, packed, 96 in a row: of days in UTC (`grain` 1), of hours (2), or of quarters of
-- an hour (3). Rows of a grain are counted from 1970.
CREATE TABLE IF NOT EXISTS metric_sums (
    tenant_id STRING(64) NOT NULL,
    grain INT64 NOT NULL,
    dimension INT64 NOT NULL,
    block INT64 NOT NULL,
    name STRING(MAX) NOT NULL,
    sums BYTES(MAX) NOT NULL
) PRIMARY KEY (tenant_id, grain, dimension, block, name);
