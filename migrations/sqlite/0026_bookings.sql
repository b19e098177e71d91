-- Which request takes which time in which calendar. A booking that was called off has no row.
CREATE TABLE bookings (
    tenant_id TEXT NOT NULL,
    request_id TEXT NOT NULL,
    calendar TEXT NOT NULL,
    starts_at INTEGER NOT NULL,
    ends_at INTEGER NOT NULL,
    event TEXT,
    PRIMARY KEY (tenant_id, request_id, calendar)
) STRICT, WITHOUT ROWID;

CREATE INDEX bookings_by_time ON bookings (tenant_id, calendar, starts_at);
