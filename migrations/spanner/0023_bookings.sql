-- Which request takes which time in which calendar. A booking that was called off has no row.
CREATE TABLE IF NOT EXISTS bookings (
    tenant_id STRING(64) NOT NULL,
    request_id STRING(64) NOT NULL,
    calendar STRING(MAX) NOT NULL,
    starts_at TIMESTAMP NOT NULL,
    ends_at TIMESTAMP NOT NULL,
    event STRING(MAX)
) PRIMARY KEY (tenant_id, request_id, calendar);

CREATE INDEX IF NOT EXISTS bookings_by_time ON bookings (tenant_id, calendar, starts_at) STORING (ends_at, event);
