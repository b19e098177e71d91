//! From a recording's link to its bytes.

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use futures::stream;

use super::calls::digits_of;
use super::{CallRail, Provider, Sim, lock};
use crate::extract::{Path, Query};
use crate::fault::Fault;
use crate::mp3;

/// A link that works without the API key.
pub(super) fn link(base_url: &str, provider: &CallRail, id: &str, tail: &str) -> String {
    format!(
        "{base_url}/calls/{id}/{tail}?access_key={}",
        key(provider, id)
    )
}

fn key(provider: &CallRail, id: &str) -> String {
    digits_of(&format!("{} {id}", provider.media_key), 20)
}

/// `GET /calls/{id}/recording/redirect`: redirects to the storage that holds the file.
pub(super) async fn redirect(
    State(sim): Sim,
    Path(id): Path<String>,
    query: Query<CallRail>,
) -> Response {
    if query.text("access_key") != Some(key(&sim.provider, &id).as_str()) {
        return CallRail::refuse(StatusCode::NOT_FOUND);
    }
    let file = format!("{id}.mp3");
    let location = format!(
        "{}/media/{file}?access_key={}",
        sim.base_url,
        key(&sim.provider, &file)
    );
    (StatusCode::FOUND, [(header::LOCATION, location)]).into_response()
}

/// `GET /media/{id}.mp3`: stands in for the storage host.
pub(super) async fn download(
    State(sim): Sim,
    Path(file): Path<String>,
    query: Query<CallRail>,
) -> Response {
    if query.text("access_key") != Some(key(&sim.provider, &file).as_str()) {
        return CallRail::refuse(StatusCode::FORBIDDEN);
    }
    let now = sim.control.now();
    let known = file
        .strip_suffix(".mp3")
        .and_then(|id| lock(&sim.provider.calls).find(id, now));
    let Some(known) = known.filter(|known| known.has_recording(&sim.provider.config, now)) else {
        return CallRail::refuse(StatusCode::NOT_FOUND);
    };
    let line = format!("GET /media/{file}");
    if sim.control.strikes(&line, &Fault::EmptyRecording) {
        return audio(0, Body::empty());
    }
    if sim.control.strikes(&line, &Fault::TinyRecording) {
        return audio(44, Body::from(mp3::bare_header()));
    }
    match (
        known.call.recording_bytes,
        known.recording(&sim.provider.config),
    ) {
        (Some(bytes), _) => audio(bytes, silence(bytes)),
        (None, Some(recording)) => audio(recording.mp3.len() as u64, Body::from(recording.mp3)),
        (None, None) => CallRail::refuse(StatusCode::NOT_FOUND),
    }
}

fn audio(bytes: u64, body: Body) -> Response {
    let headers = [
        (header::CONTENT_TYPE, "audio/mpeg".to_owned()),
        (header::CONTENT_LENGTH, bytes.to_string()),
    ];
    (headers, body).into_response()
}

/// This many bytes of silent frames; the last one may be cut.
fn silence(bytes: u64) -> Body {
    let block = Bytes::from(mp3::silent_frame().repeat(64));
    Body::from_stream(stream::unfold(bytes, move |left| {
        let length = usize::try_from(left).unwrap_or(usize::MAX).min(block.len());
        let piece = block.slice(..length);
        async move { (length > 0).then(|| (Ok::<_, std::io::Error>(piece), left - length as u64)) }
    }))
}
