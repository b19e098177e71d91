//! The names of all metrics: `<noun>_<unit>_total`, `_seconds` or `_bytes`. They are on dashboards for ever.

/// Requests answered, by `method`, `path` (the route's pattern) and `status` (`2xx` … `5xx`).
pub const HTTP_REQUESTS_TOTAL: &str = "http_requests_total";
/// Time from the head of a request to the head of its answer, by `path`.
pub const HTTP_REQUEST_DURATION_SECONDS: &str = "http_request_duration_seconds";
/// Connections that are open, by `endpoint`.
pub const CONNECTIONS_OPEN: &str = "connections_open";
/// Connections accepted, by `endpoint`.
pub const CONNECTIONS_TOTAL: &str = "connections_total";
/// Connections turned away, by `endpoint` and `reason` (`total`, `address`).
pub const CONNECTIONS_REFUSED_TOTAL: &str = "connections_refused_total";
/// Connections closed by us for being too slow or idle, by `endpoint` and `reason`.
pub const CONNECTIONS_CLOSED_TOTAL: &str = "connections_closed_total";
/// Bodies that were not read because the memory for bodies was used up.
pub const BODIES_REFUSED_TOTAL: &str = "bodies_refused_total";
/// Deliveries that are durable, by `provider`.
pub const DELIVERIES_ACCEPTED_TOTAL: &str = "deliveries_accepted_total";
/// Deliveries that were not proven genuine, by `reason`; `too_many_failures` for those that were not looked at.
pub const DELIVERIES_REFUSED_TOTAL: &str = "deliveries_refused_total";
/// Genuine deliveries to the URL of an app that serves many companies, of an account that none of them has, by `provider`.
pub const DELIVERIES_UNROUTABLE_TOTAL: &str = "deliveries_unroutable_total";
/// Alarms that the deliveries of a source are refused one after the other, by `provider` and `reason` of the last.
pub const REFUSAL_ALARMS_TOTAL: &str = "refusal_alarms_total";
/// Refusals that came too fast to be recorded.
pub const REFUSALS_NOT_RECORDED_TOTAL: &str = "refusals_not_recorded_total";
/// Steps that were settled, by `stage` and `outcome` (`done`, `waiting`, `retry`, `held`, `parked`, `merged`).
pub const STAGE_OUTCOMES_TOTAL: &str = "stage_outcomes_total";
/// Time that a step ran, by `stage`.
pub const STAGE_DURATION_SECONDS: &str = "stage_duration_seconds";
/// Wake-ups that the relay published because nobody had handed them over.
pub const RELAY_WAKES_TOTAL: &str = "relay_wakes_total";
/// Stored rows that were skipped because this build cannot read them, by `table` (`work`, `requests`, `configs`). Each
/// read counts.
pub const STORED_ROWS_SKIPPED_TOTAL: &str = "stored_rows_skipped_total";
/// Units of work that the embedded store committed together.
pub const STORE_GROUP_UNITS: &str = "store_group_units";
/// Leads that were found at their provider, because their webhook had not come, by `provider`.
pub const LEADS_RECOVERED_TOTAL: &str = "leads_recovered_total";
/// Webhooks that were found switched off at their provider, by `provider`.
pub const WEBHOOKS_OFF_TOTAL: &str = "webhooks_off_total";
/// Looks of an audit that did not come to their end.
pub const AUDIT_FAILURES_TOTAL: &str = "audit_failures_total";
