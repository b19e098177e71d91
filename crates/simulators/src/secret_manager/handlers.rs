//! The calls of the API, by method and path.

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::secrets::{State as VersionState, not_usable};
use super::{SecretManager, Sim};
use crate::extract::{Authorized, Path, Query, json as read_json};
use crate::fault::Fault;
use crate::google;
use crate::provider::{Provider, Shared, lock};

/// Source: discovery document, `SecretPayload.data`.
const DATA_LIMIT_BYTES: usize = 64 * 1024;
const PAGE_MAX: usize = 25_000;

/// A request, its path taken apart.
struct Call<'a> {
    sim: &'a Shared<SecretManager>,
    line: String,
    /// `projects/p` or `projects/p/locations/l`.
    parent: String,
    query: Query<SecretManager>,
    headers: &'a HeaderMap,
    body: &'a [u8],
}

/// Everything below `/v1`.
pub(super) async fn call(
    State(sim): Sim,
    _: Authorized<SecretManager>,
    method: Method,
    Path(path): Path<String>,
    query: Query<SecretManager>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Response> {
    let (path, verb) = path.split_once(':').unwrap_or((&path, ""));
    let (parent, rest) = path.split_once("/secrets").ok_or_else(unknown)?;
    let parts: Vec<&str> = parent.split('/').collect();
    if !matches!(
        parts.as_slice(),
        ["projects", _] | ["projects", _, "locations", _]
    ) {
        return Err(unknown());
    }
    let call = Call {
        line: format!("{method} /v1/{path}"),
        sim: &sim,
        parent: parent.to_owned(),
        query,
        headers: &headers,
        body: &body,
    };
    let rest: Vec<&str> = rest.split('/').skip(1).collect();
    let answer = match (method.as_str(), rest.as_slice(), verb) {
        ("GET", [], "") => call.list(),
        ("POST", [], "") => call.create(),
        ("GET", [id], "") => call.show(id),
        ("DELETE", [id], "") => lock(&sim.provider.secrets).delete(&call.parent, id),
        ("POST", [id], "addVersion") => call.add(id),
        ("GET", [id, "versions"], "") => call.list_versions(id),
        ("GET", [id, "versions", version], "access") => call.access(id, version),
        ("GET", [id, "versions", version], "") => call.version(id, version, None),
        ("POST", [id, "versions", version], "enable") => {
            call.version(id, version, Some(VersionState::Enabled))
        }
        ("POST", [id, "versions", version], "disable") => {
            call.version(id, version, Some(VersionState::Disabled))
        }
        ("POST", [id, "versions", version], "destroy") => {
            call.version(id, version, Some(VersionState::Destroyed))
        }
        _ => Err(unknown()),
    };
    Ok(Json(answer?).into_response())
}

fn unknown() -> Response {
    SecretManager::refuse(StatusCode::NOT_FOUND)
}

impl Call<'_> {
    fn json(&self) -> Result<Value, Response> {
        read_json::<SecretManager, _>(self.headers, self.body)
    }

    fn name(&self, id: &str) -> String {
        format!("{}/secrets/{id}", self.parent)
    }

    fn create(&self) -> Result<Value, Response> {
        let now = self.sim.control.now();
        let mut secrets = lock(&self.sim.provider.secrets);
        let id = self.query.text("secretId").unwrap_or_default();
        secrets.create(&self.parent, id, &self.json()?, now)
    }

    fn show(&self, id: &str) -> Result<Value, Response> {
        let mut secrets = lock(&self.sim.provider.secrets);
        let secret = secrets.find(&self.parent, id)?;
        Ok(secret.resource(&self.parent, id))
    }

    fn list(&self) -> Result<Value, Response> {
        let wanted = self.filter("name:")?;
        let found = lock(&self.sim.provider.secrets).list(&self.parent, wanted);
        self.page("secrets", found)
    }

    fn add(&self, id: &str) -> Result<Value, Response> {
        let body = self.json()?;
        let payload = &body["payload"];
        let data = payload["data"].as_str().unwrap_or_default();
        let data = STANDARD
            .decode(data)
            .map_err(|_| google::invalid("Invalid value at 'payload.data' (TYPE_BYTES)"))?;
        if data.is_empty() {
            return Err(google::invalid("Secret Payload cannot be empty."));
        }
        if data.len() > DATA_LIMIT_BYTES {
            return Err(google::invalid(
                "The secret payload exceeds the limit of 65536 bytes.",
            ));
        }
        let checksum = payload["dataCrc32c"].as_str();
        let mut arrived = crc32c::crc32c(&data);
        if self.sim.control.strikes(&self.line, &Fault::Altered) {
            arrived = !arrived;
        }
        if checksum.is_some_and(|checksum| checksum.parse() != Ok(arrived)) {
            return Err(google::invalid(
                "The checksum of the payload does not match its data.",
            ));
        }
        let now = self.sim.control.now();
        let mut secrets = lock(&self.sim.provider.secrets);
        let secret = secrets.find(&self.parent, id)?;
        let number = secret.add(data, checksum.is_some(), now);
        let name = format!("{}/versions/{number}", self.name(id));
        Ok(secret
            .version(number)
            .map_or(Value::Null, |version| version.resource(&name)))
    }

    fn access(&self, id: &str, wanted: &str) -> Result<Value, Response> {
        let mut secrets = lock(&self.sim.provider.secrets);
        let secret = secrets.find(&self.parent, id)?;
        let number = secret.number(&self.name(id), wanted)?;
        let version = secret.version(number).ok_or_else(unknown)?;
        if version.state != VersionState::Enabled {
            return Err(not_usable(version.state));
        }
        let checksum = crc32c::crc32c(&version.data).to_string();
        let mut data = version.data.clone();
        if let (Some(first), true) = (
            data.first_mut(),
            self.sim.control.strikes(&self.line, &Fault::Altered),
        ) {
            *first ^= 1;
        }
        Ok(json!({
            "name": format!("{}/versions/{number}", self.name(id)),
            "payload": { "data": STANDARD.encode(data), "dataCrc32c": checksum },
        }))
    }

    fn version(&self, id: &str, wanted: &str, to: Option<VersionState>) -> Result<Value, Response> {
        let mut secrets = lock(&self.sim.provider.secrets);
        let secret = secrets.find(&self.parent, id)?;
        let number = secret.number(&self.name(id), wanted)?;
        let version = secret.version(number).ok_or_else(unknown)?;
        if let Some(to) = to {
            version.change(to)?;
        }
        Ok(version.resource(&format!("{}/versions/{number}", self.name(id))))
    }

    /// Newest first.
    fn list_versions(&self, id: &str) -> Result<Value, Response> {
        let wanted = self.filter("state:")?;
        let mut secrets = lock(&self.sim.provider.secrets);
        let secret = secrets.find(&self.parent, id)?;
        let numbered = secret.versions.iter().enumerate().rev();
        let found =
            numbered.filter(|(_, version)| wanted.is_empty() || version.state.as_str() == wanted);
        let found = found.map(|(index, version)| {
            version.resource(&format!("{}/versions/{}", self.name(id), index + 1))
        });
        self.page("versions", found.collect())
    }

    /// What a filter wants of the one field that it may name. Empty without a filter.
    fn filter(&self, field: &str) -> Result<&str, Response> {
        let Some(filter) = self.query.text("filter") else {
            return Ok("");
        };
        filter
            .strip_prefix(field)
            .ok_or_else(|| google::invalid("This filter is not simulated."))
    }

    fn page(&self, field: &str, all: Vec<Value>) -> Result<Value, Response> {
        let total = all.len();
        let from = self.query.parsed("pageToken")?.unwrap_or(0);
        let size = match self.query.parsed("pageSize")? {
            None | Some(0) => PAGE_MAX,
            Some(size) => PAGE_MAX.min(size),
        };
        let shown: Vec<_> = all.into_iter().skip(from).take(size).collect();
        let next = from + shown.len();
        let mut page = json!({ field: shown, "totalSize": total });
        if next < total {
            page["nextPageToken"] = next.to_string().into();
        }
        Ok(page)
    }
}
