//! The names of all metrics: `<noun>_<unit>_total`, `_seconds` or `_bytes`. They are on dashboards for ever.

/// Requests answered, by `method`, `path` (the route's pattern) and `status` (`2xx` … `5xx`).
pub const HTTP_REQUESTS_TOTAL: &str = "http_requests_total";
/// Time from the head of a request to the head of its answer, by `path`.
pub const HTTP_REQUEST_DURATION_SECONDS: &str = "http_request_duration_seconds";
/// Connections that are open, by `door`.
pub const CONNECTIONS_OPEN: &str = "connections_open";
/// Connections accepted, by `door`.
pub const CONNECTIONS_TOTAL: &str = "connections_total";
/// Connections turned away, by `door` and `reason` (`total`, `address`).
pub const CONNECTIONS_REFUSED_TOTAL: &str = "connections_refused_total";
/// Connections closed by us for being too slow or idle, by `door` and `reason`.
pub const CONNECTIONS_CLOSED_TOTAL: &str = "connections_closed_total";
