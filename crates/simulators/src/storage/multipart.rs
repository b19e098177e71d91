//! Uploads in one request with their metadata: `multipart/related`.

use axum::body::{Body, Bytes, to_bytes};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use serde_json::Value;

use super::{Provider as _, Storage, invalid};

/// The largest body with metadata. Larger ones need a resumable upload.
const MULTIPART_LIMIT_BYTES: usize = 64 * 1024 * 1024;

/// The content part of a body.
pub(super) struct Media {
    pub(super) bytes: Bytes,
    pub(super) content_type: Option<String>,
}

/// The metadata, the content, and the metadata that may follow it.
pub(super) async fn multipart(
    headers: &HeaderMap,
    body: Body,
) -> Result<(Value, Media, Value), Response> {
    let malformed = || invalid("Malformed multipart body.");
    let body = to_bytes(body, MULTIPART_LIMIT_BYTES).await;
    let too_large = |_| Storage::error(StatusCode::PAYLOAD_TOO_LARGE, "Use a resumable upload.");
    let body = body.map_err(too_large)?;
    let kind = text(headers, "content-type").unwrap_or_default();
    let boundary = kind
        .strip_prefix("multipart/related")
        .and_then(|rest| {
            rest.split(';')
                .find_map(|part| part.trim().strip_prefix("boundary="))
        })
        .ok_or_else(malformed)?;
    let mut parts = parts(&body, boundary.trim_matches('"'))
        .ok_or_else(malformed)?
        .into_iter();
    let (Some((_, json)), Some((kind, bytes))) = (parts.next(), parts.next()) else {
        return Err(malformed());
    };
    let read = |json: &Bytes| serde_json::from_slice(json).map_err(|_| invalid("Parse Error"));
    let trailer = parts
        .next()
        .map_or(Ok(Value::Null), |(_, json)| read(&json))?;
    Ok((
        read(&json)?,
        Media {
            bytes,
            content_type: kind,
        },
        trailer,
    ))
}

/// The parts of a body with their content types.
fn parts(body: &Bytes, boundary: &str) -> Option<Vec<(Option<String>, Bytes)>> {
    let line = format!("--{boundary}");
    let opening = find(body, line.as_bytes(), 0)?;
    let mut parts = Vec::new();
    let mut at = opening + line.len();
    let line = format!("\r\n{line}");
    while body.get(at..at + 2)? == b"\r\n" {
        let head_end = find(body, b"\r\n\r\n", at)?;
        let end = find(body, line.as_bytes(), head_end + 2)?;
        let head = std::str::from_utf8(body.get(at..head_end)?).ok()?;
        let kind = head.lines().find_map(|line| {
            let (name, value) = line.split_once(':')?;
            name.eq_ignore_ascii_case("content-type")
                .then(|| value.trim().to_owned())
        });
        let begin = (head_end + 4).min(end);
        parts.push((kind, body.slice(begin..end)));
        at = end + line.len();
    }
    (body.get(at..at + 2)? == b"--").then_some(parts)
}

fn find(body: &[u8], wanted: &[u8], from: usize) -> Option<usize> {
    let rest = body.get(from..)?;
    rest.windows(wanted.len())
        .position(|window| window == wanted)
        .map(|at| at + from)
}

/// A header's value.
pub(super) fn text(headers: &HeaderMap, name: &str) -> Option<String> {
    headers.get(name)?.to_str().ok().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_separated_whatever_they_contain() {
        let body = b"--b\r\nContent-Type: application/json\r\n\r\n{}\r\n--b\r\n\r\nline\r\n\r\n--\r\n\r\n--b--\r\n";
        let parts = parts(&Bytes::from_static(body), "b").unwrap();
        assert_eq!(
            parts,
            [
                (Some("application/json".to_owned()), Bytes::from("{}")),
                (None, Bytes::from("line\r\n\r\n--\r\n")),
            ]
        );
        for cut in 0..body.len() - 4 {
            assert_eq!(
                super::parts(&Bytes::from_static(&body[..cut]), "b"),
                None,
                "{cut}"
            );
        }
    }
}
