//! How values stand in the tables, alike in every adapter.

use std::{fmt::Display, str::FromStr};

use bytes::Bytes;
use domain::{
    ConnectionName, Document, DueWake, Effect, EventId, Lane, LeadRequest, Status, Tenant,
    TenantId, Wake, WorkKey, WorkRow, WorkState, figures::Counted,
};
use jiff::Timestamp;
use serde::de::DeserializeOwned;

use crate::{
    AuditEntry, CallAnswer, Config, ConfigKind, Connection, ConnectionState, DeliverySummary, Job,
    Result, SecurityEvent, Source, SourceState, SourceTest, StopKind, StoppedCount, StoredEvent,
    TokenHash,
    calls::StoredCall,
    figures,
    jobs::{JobKind, JobResult, JobState, OpenJob},
    stored::{self, corrupt, from_json},
    sweeps::{DayCount, DayLine, Sweep},
};

/// A row as a database's client hands it over. A column that is not there, or holds a value of another type, is an error.
pub trait Row {
    /// A text; none for NULL.
    fn text_option(&self, column: &str) -> Result<Option<String>>;

    /// A whole number.
    fn integer(&self, column: &str) -> Result<i64>;

    /// A claim that is true or false.
    fn flag(&self, column: &str) -> Result<bool>;

    /// Bytes; none for NULL.
    fn bytes_option(&self, column: &str) -> Result<Option<Vec<u8>>>;

    /// A time; none for NULL.
    fn time_option(&self, column: &str) -> Result<Option<Timestamp>>;
}

impl dyn Row + '_ {
    /// A text.
    pub fn text(&self, column: &str) -> Result<String> {
        required(column, self.text_option(column)?)
    }

    /// A time.
    pub fn time(&self, column: &str) -> Result<Timestamp> {
        required(column, self.time_option(column)?)
    }

    /// A number that is not negative, and no larger than its type.
    pub fn number<T: TryFrom<i64, Error: Display>>(&self, column: &str) -> Result<T> {
        T::try_from(self.integer(column)?).map_err(|error| corrupt(column, error))
    }

    /// What is stored as text.
    pub fn parsed<T: FromStr<Err: Display>>(&self, column: &str) -> Result<T> {
        required(column, self.parsed_option(column)?)
    }

    /// What is stored as text; none for NULL.
    pub fn parsed_option<T: FromStr<Err: Display>>(&self, column: &str) -> Result<Option<T>> {
        let parsed = self.text_option(column)?.map(|text| text.parse());
        parsed.transpose().map_err(|error| corrupt(column, error))
    }

    /// What is stored as JSON; `what` names it in an error.
    pub fn json<T: DeserializeOwned>(&self, column: &str, what: &str) -> Result<T> {
        from_json(what, &self.text(column)?)
    }
}

fn required<T>(column: &str, value: Option<T>) -> Result<T> {
    value.ok_or_else(|| corrupt(column, "no value"))
}

/// A number as databases keep it.
pub fn signed(value: impl TryInto<i64>) -> i64 {
    value.try_into().unwrap_or(i64::MAX)
}

/// Columns that [`request`] reads.
pub const REQUEST_COLUMNS: &str =
    "tenant_id, request_id, status, version, person_id, created_at, updated_at, counted, document";

/// A request.
pub fn request(row: &dyn Row) -> Result<LeadRequest> {
    let document = stored::document(&row.text("document")?)?;
    let created_at = row.time("created_at")?;
    Ok(LeadRequest {
        id: row.parsed("request_id")?,
        tenant: row.parsed("tenant_id")?,
        version: row.number("version")?,
        created_at,
        updated_at: row.time("updated_at")?,
        status: Status::from_stored(&row.text("status")?),
        person: row.parsed_option("person_id")?,
        counted: counted(row, &document, created_at)?.into(),
        document,
    })
}

/// What the figures count of a request.
pub fn counted(row: &dyn Row, document: &Document, created_at: Timestamp) -> Result<Counted> {
    let text = row.text_option("counted")?;
    Ok(figures::counted(text.as_deref(), document, created_at))
}

/// The key of a row of work.
pub fn work_key(row: &dyn Row) -> Result<WorkKey> {
    Ok(WorkKey {
        tenant: row.parsed::<TenantId>("tenant_id")?,
        request: row.parsed("request_id")?,
        stage: row.parsed("stage")?,
        target: row.text("target")?,
    })
}

/// Names a row of work in the log, even if it cannot be read.
pub fn work_name(row: &dyn Row) -> String {
    ["request_id", "stage", "target"]
        .map(|column| row.text(column).unwrap_or_default())
        .join("/")
}

/// A row of work.
pub fn work(row: &dyn Row) -> Result<WorkRow> {
    let state = match row.text("state")?.as_str() {
        "ready" => WorkState::Ready,
        "in_flight" => WorkState::InFlight {
            lease_until: row.time("lease_until")?,
        },
        "held" => WorkState::Held {
            connection: row.parsed::<ConnectionName>("held_for")?,
            version: row.number("held_version")?,
        },
        "parked" => WorkState::Parked {
            cause: row.parsed("park_cause")?,
        },
        other => return Err(corrupt("work.state", other)),
    };
    Ok(WorkRow {
        key: work_key(row)?,
        state,
        lane: Lane::from_stored(&row.text("lane")?),
        token: row.number("token")?,
        due_at: row.time("due_at")?,
        next_wake_at: row.time_option("next_wake_at")?,
        wakes: row.number("wakes")?,
        claims: row.number("claims")?,
        failures: row.number("failures")?,
        waits: row.number("waits")?,
        rerun_requested: row.flag("rerun_requested")?,
        deadline: row.time_option("deadline")?,
        traceparent: row.text_option("traceparent")?,
        reason: row.text_option("reason")?,
        answer: row.text_option("answer")?,
        created_at: row.time("created_at")?,
    })
}

/// The columns of `work` that its state takes.
#[derive(Debug, Default)]
pub struct StateColumns<'a> {
    /// The state as a word.
    pub state: &'static str,
    /// Of a row in flight.
    pub lease_until: Option<Timestamp>,
    /// Of a held row.
    pub held_for: Option<&'a str>,
    /// Of a held row.
    pub held_version: Option<i64>,
    /// Of a parked row.
    pub park_cause: Option<&'static str>,
}

impl<'a> StateColumns<'a> {
    /// What [`work`] reads as this state.
    pub fn of(state: &'a WorkState) -> Self {
        let mut columns = Self::default();
        match state {
            WorkState::Ready => columns.state = "ready",
            WorkState::InFlight { lease_until } => {
                columns.state = "in_flight";
                columns.lease_until = Some(*lease_until);
            }
            WorkState::Held {
                connection,
                version,
            } => {
                columns.state = "held";
                columns.held_for = Some(connection.as_str());
                columns.held_version = Some(signed(*version));
            }
            WorkState::Parked { cause } => {
                columns.state = "parked";
                columns.park_cause = Some(cause.as_str());
            }
        }
        columns
    }
}

/// A hint for a row of work.
pub fn wake(row: &dyn Row) -> Result<Wake> {
    Ok(Wake {
        v: Wake::VERSION,
        key: work_key(row)?,
        token: row.number("token")?,
    })
}

/// A row of work whose wake-up is due.
pub fn due_wake(row: &dyn Row) -> Result<DueWake> {
    Ok(DueWake {
        wake: wake(row)?,
        next_wake_at: row.time("next_wake_at")?,
        wakes: row.number("wakes")?,
    })
}

/// One reason for which work stopped. `count` is the name of the column of how many rows that are.
pub fn stopped_count(row: &dyn Row, count: &str) -> Result<StoppedCount> {
    Ok(StoppedCount {
        stop: StopKind::from_stored(&row.text("state")?),
        stage: row.parsed("stage")?,
        cause: row.parsed_option("park_cause")?,
        connection: row.parsed_option("held_for")?,
        rows: row.number(count)?,
        oldest: row.time("oldest")?,
    })
}

/// A stored delivery.
pub fn event(row: &dyn Row, id: EventId) -> Result<StoredEvent> {
    Ok(StoredEvent {
        id,
        provider: row.text("provider")?,
        source: row.parsed("source_id")?,
        event: row.text_option("event")?,
        scheme: row.text("scheme")?,
        headers: row.json("headers", "an event's headers")?,
        body: Bytes::from(required("body", row.bytes_option("body")?)?),
        request: row.parsed_option("request_id")?,
        remark: row.text_option("remark")?,
        received_at: row.time("received_at")?,
    })
}

/// A stored delivery without its content.
pub fn delivery(row: &dyn Row) -> Result<DeliverySummary> {
    Ok(DeliverySummary {
        id: row.parsed("event_id")?,
        provider: row.text("provider")?,
        source: row.parsed("source_id")?,
        event: row.text_option("event")?,
        scheme: row.text("scheme")?,
        request: row.parsed_option("request_id")?,
        remark: row.text_option("remark")?,
        received_at: row.time("received_at")?,
        body_bytes: row.number("body_bytes")?,
        repeats: row.number("repeats")?,
    })
}

/// A call of the API.
pub fn call(row: &dyn Row) -> Result<StoredCall> {
    let answer = match row.text("state")?.as_str() {
        "running" => None,
        "not_kept" => Some(CallAnswer::NotKept),
        "itself" => Some(CallAnswer::Itself),
        "kept" => Some(CallAnswer::Kept {
            status: row.number("status")?,
            content_type: row.text("content_type")?,
            location: row.text_option("location")?,
            etag: row.text_option("etag")?,
            body: required("answer", row.bytes_option("answer")?)?,
        }),
        other => return Err(corrupt("api_calls.state", other)),
    };
    Ok(StoredCall {
        request: required("request_hash", row.bytes_option("request_hash")?)?,
        started_at: row.time("started_at")?,
        answer,
    })
}

/// An outside effect.
pub fn effect(row: &dyn Row) -> Result<Effect> {
    Ok(Effect {
        owner: row.text("owner")?,
        state: row.parsed("state")?,
        intended_at: row.time("intended_at")?,
        attempts: row.number("attempts")?,
        remote_id: row.text_option("remote_id")?,
    })
}

/// A tenant.
pub fn tenant(row: &dyn Row) -> Result<Tenant> {
    Ok(Tenant {
        id: row.parsed("tenant_id")?,
        name: row.text("name")?,
        status: row.parsed("status")?,
    })
}

/// A version of a configuration.
pub fn config(row: &dyn Row, kind: ConfigKind) -> Result<Config> {
    Ok(Config {
        tenant: row.parsed("tenant_id")?,
        kind,
        name: row.text("name")?,
        version: row.number("version")?,
        json: row.json("json", "a configuration")?,
        author: row.text("author")?,
        note: row.text("note")?,
        created_at: row.time("created_at")?,
    })
}

/// A source.
pub fn source(row: &dyn Row) -> Result<Source> {
    let token = row.bytes_option("token_hash")?.map(<[u8; 32]>::try_from);
    let token = token
        .transpose()
        .map_err(|_| corrupt("a URL token's hash", "another length"))?;
    Ok(Source {
        id: row.parsed("source_id")?,
        tenant: row.parsed("tenant_id")?,
        provider: row.text("provider")?,
        name: row.text_option("name")?,
        office: row.parsed_option("office_id")?,
        connection: row.parsed_option("connection")?,
        token: token.map(TokenHash::from_bytes),
        accounts: row.json("accounts", "a source's accounts")?,
        key_names: row.json("key_names", "a source's keys")?,
        schemes: row.json("schemes", "a source's schemes")?,
        state: SourceState::from_stored(&row.text("state")?),
        version: row.number("version")?,
    })
}

/// What came of a source's last test; none if it was never tested.
pub fn source_test(row: &dyn Row) -> Result<Option<SourceTest>> {
    let fault = row.text_option("test_fault")?;
    let at = row.time_option("tested_at")?;
    Ok(at.map(|at| SourceTest { at, fault }))
}

/// A connection.
pub fn connection(row: &dyn Row) -> Result<Connection> {
    Ok(Connection {
        tenant: row.parsed("tenant_id")?,
        name: row.parsed("name")?,
        provider: row.text("provider")?,
        version: row.number("version")?,
        secret_version: row.number("secret_version")?,
        state: ConnectionState::from_stored(&row.text("state")?),
        settings: row.json("settings", "a connection's settings")?,
    })
}

/// An entry of the audit log. `at` and `hash` are the names of these columns, which no database has in common.
pub fn audit_entry(row: &dyn Row, at: &str, hash: &str) -> Result<AuditEntry> {
    Ok(AuditEntry {
        id: row.parsed("audit_id")?,
        tenant: row.parsed("tenant_id")?,
        at: row.time(at)?,
        actor: row.text("actor")?,
        action: row.text("action")?,
        object: row.text("object")?,
        detail: row.text("detail")?,
        previous: row.text("previous")?,
        hash: row.text(hash)?,
    })
}

/// A count of refusals.
pub fn security_event(row: &dyn Row) -> Result<SecurityEvent> {
    Ok(SecurityEvent {
        minute: row.time("minute")?,
        address: row.text("address")?,
        reason: row.text("reason")?,
        provider: row.text("provider")?,
        tenant: Some(row.text("tenant_id")?).filter(|tenant| !tenant.is_empty()),
        count: row.number("count")?,
        trace_id: row.text("trace_id")?,
    })
}

/// Columns that [`job`] reads; `result` apart, which lists leave out.
pub const JOB_COLUMNS: &str = "tenant_id, job_id, task, state, total, done, stopped, started_by, created_at, started_at, \
                               finished_at, failure, job_cursor, owner, lease_until, token, call_hash";

/// A job. `has_result` says whether its result was read, too.
pub fn job(row: &dyn Row, has_result: bool) -> Result<Job> {
    let cursor = row.text_option("job_cursor")?;
    let total: i64 = row.integer("total")?;
    Ok(Job {
        id: row.parsed("job_id")?,
        tenant: row.parsed("tenant_id")?,
        task: row.json("task", "a job's task")?,
        state: row.parsed("state")?,
        total: u64::try_from(total).ok(),
        done: row.number("done")?,
        stopped: row.number("stopped")?,
        by: row.text("started_by")?,
        created_at: row.time("created_at")?,
        started_at: row.time_option("started_at")?,
        finished_at: row.time_option("finished_at")?,
        failure: row.text_option("failure")?,
        result: if has_result {
            row.json("result", "a job's result")?
        } else {
            JobResult::default()
        },
        cursor: cursor
            .map(|cursor| from_json("a job's cursor", &cursor))
            .transpose()?,
        owner: row.text_option("owner")?,
        lease_until: row.time_option("lease_until")?,
        token: row.number("token")?,
        call: row.text_option("call_hash")?,
    })
}

/// What the choice of the next job needs to know.
pub fn open_job(row: &dyn Row) -> Result<OpenJob> {
    Ok(OpenJob {
        id: row.parsed("job_id")?,
        is_known: row.text("kind")?.parse::<JobKind>().is_ok(),
        is_running: row.text("state")? == JobState::Running.as_str(),
        lease_until: row.time_option("lease_until")?,
    })
}

/// Columns that [`sweep`] reads.
pub const SWEEP_COLUMNS: &str = "tenant_id, source_id, kind, state, due_at, token";

/// A sweep.
pub fn sweep(row: &dyn Row) -> Result<Sweep> {
    Ok(Sweep {
        tenant: row.parsed("tenant_id")?,
        source: row.parsed("source_id")?,
        kind: row.text("kind")?,
        state: row.json("state", "a sweep's state")?,
        due_at: row.time("due_at")?,
        token: row.number("token")?,
    })
}

/// Columns that [`day_line`] reads.
pub const DAY_LINE_COLUMNS: &str =
    "source_id, day, kind, at_provider, held, recovered, missing, checked_at";

/// What an audit found of a day.
pub fn day_line(row: &dyn Row) -> Result<DayLine> {
    Ok(DayLine {
        source: row.parsed("source_id")?,
        day: row.parsed("day")?,
        kind: row.text("kind")?,
        count: DayCount {
            at_provider: row.number("at_provider")?,
            held: row.number("held")?,
            recovered: row.number("recovered")?,
            missing: row.number("missing")?,
        },
        checked_at: row.time("checked_at")?,
    })
}
