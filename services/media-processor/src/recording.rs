//! The stage `recording`: a call's audio.

use std::{io::Cursor, panic::catch_unwind, time::Duration};

use async_trait::async_trait;
use blobs::{BlobError, BlobKey, BoxError, ByteStream};
use bytes::Bytes;
use domain::{
    Audio, Claimed, DetailsAnswer, Document, Facts, NoAudio, NoDetails, Outcome, RecordingSection,
    Section, Stage, StageError, StageHandler,
};
use futures::{StreamExt as _, stream};
use http_client::{HttpError, Limits, Streaming};
use sources::{ApiError, RecordingsApi};
use tokio::sync::mpsc;

use crate::{Deps, access::Access, gives_up, probe};

/// What a recording may take. An hour of stereo MP3 at 256 kbit/s has 115 MB.
const LIMITS: Limits = Limits {
    max_bytes: 250_000_000,
    idle: Duration::from_secs(30),
    total: Duration::from_secs(10 * 60),
};

/// Audio up to this size is taken into memory, measured and stored in one go; longer audio is streamed.
const GATHERED_BYTES: usize = 1024 * 1024;
/// A smaller file holds no speech: two seconds of the poorest MP3 have more.
const MIN_BYTES: usize = 1024;

/// Archives a call's audio.
///
/// In: a call whose details were asked for. Out: its `recording` section. A recording that is not there yet is waited
/// for, then the call goes on without. A repeat fetches again and stores the same under the same name; audio that is
/// stored is not fetched again.
pub(crate) struct Recording(pub(crate) Deps);

#[async_trait]
impl StageHandler for Recording {
    fn stage(&self) -> Stage {
        Stage::Recording
    }

    async fn handle(&self, job: &Claimed) -> Result<Outcome, StageError> {
        match self.recording(job).await {
            Err(error) if gives_up(job, &error) => Ok(without(job, NoAudio::NeverArrived)),
            result => result,
        }
    }
}

/// What came of asking for the audio.
enum Fetched {
    Audio(Audio),
    /// Worth another try; after the last one, this is why there is no audio.
    NotYet {
        at_last: NoAudio,
    },
}

impl Recording {
    async fn recording(&self, job: &Claimed) -> Result<Outcome, StageError> {
        let document = &job.request.document;
        if let Some(audio) = stored(document) {
            return Ok(done(job, audio));
        }
        let apis = self.0.apis.get(&document.source.provider);
        let Some(recordings) = apis.and_then(|apis| apis.recordings.as_deref()) else {
            return Ok(without(job, NoAudio::NotRecorded));
        };
        let call_id = match call_to_fetch(document) {
            Ok(call_id) => call_id,
            Err(reason) => return Ok(without(job, reason)),
        };
        let Some(mut access) = Access::open(&self.0, job).await? else {
            return Ok(without(job, NoAudio::NotConnected));
        };
        match self.fetch(job, recordings, &mut access, call_id).await? {
            Fetched::Audio(audio) => Ok(done(job, audio)),
            Fetched::NotYet { at_last } => {
                let wait = self.0.wait(job, u32::MAX, "the recording is not there yet");
                Ok(wait.unwrap_or_else(|| without(job, at_last)))
            }
        }
    }

    async fn fetch(
        &self,
        job: &Claimed,
        recordings: &dyn RecordingsApi,
        access: &mut Access<'_>,
        call_id: &str,
    ) -> Result<Fetched, StageError> {
        let name = format!("{call_id}.mp3");
        let key = BlobKey::new(&job.request.tenant, &name)
            .map_err(|error| StageError::permanent(error.to_string()))?;
        // The link, and the download, should it count.
        access.count(2).await?;
        let mut answer = recordings.recording(&access.account, call_id, LIMITS).await;
        if let Err(error) = &answer
            && access.is_refreshed(error).await?
        {
            answer = recordings.recording(&access.account, call_id, LIMITS).await;
        }
        let fetched = match answer {
            Ok(Some(answer)) => self.archive(answer, &key).await,
            Ok(None) => Ok(Fetched::NotYet {
                at_last: NoAudio::NeverArrived,
            }),
            Err(error) => Err(error.into()),
        };
        match fetched {
            Ok(fetched) => Ok(fetched),
            Err(FetchError::Api(error)) if error.is_too_large() => {
                Ok(Fetched::Audio(Audio::Absent {
                    reason: NoAudio::TooLarge,
                }))
            }
            Err(FetchError::Api(error)) => Err(access.failed(&error)),
            Err(FetchError::Blobs(error)) => Err(StageError::ours(&error)),
        }
    }

    async fn archive(&self, mut answer: Streaming, key: &BlobKey) -> Result<Fetched, FetchError> {
        let (mut head, mut head_bytes) = (Vec::new(), 0);
        let is_whole = loop {
            if head_bytes >= GATHERED_BYTES {
                break false;
            }
            let Some(piece) = answer.chunk().await.map_err(ApiError::from)? else {
                break true;
            };
            head_bytes += piece.len();
            head.push(piece);
        };
        let not_yet = |at_last| Ok(Fetched::NotYet { at_last });
        if is_whole && head_bytes < MIN_BYTES {
            return not_yet(NoAudio::Empty);
        }
        let (stored, length) = if is_whole {
            let whole: Bytes = head.concat().into();
            // A demuxer that panics over a file can read it as little as one that finds no audio.
            let audio = Cursor::new(whole.clone());
            let length = catch_unwind(|| probe::length(audio)).ok().flatten();
            if length.is_none() {
                return not_yet(NoAudio::Unreadable);
            }
            (self.0.blobs.put(key, blobs::content(whole)).await?, length)
        } else {
            let (probe, length) = probe::measure();
            let stored = self.0.blobs.put(key, probed(head, answer, probe)).await?;
            (stored, length.await.ok().flatten())
        };
        let Some(length) = length else {
            self.0.blobs.delete(key).await?;
            return not_yet(NoAudio::Unreadable);
        };
        Ok(Fetched::Audio(Audio::Stored {
            name: key.name().to_owned(),
            sha256: stored.sha256,
            size_bytes: stored.size_bytes,
            duration_ms: u64::try_from(length.as_millis()).unwrap_or(u64::MAX),
        }))
    }
}

/// The whole content; each piece passes the probe on its way.
fn probed(head: Vec<Bytes>, rest: Streaming, probe: mpsc::Sender<Bytes>) -> ByteStream {
    let rest = rest
        .into_stream()
        .map(|piece| piece.map_err(BoxError::from));
    let pieces = stream::iter(head.into_iter().map(Ok)).chain(rest);
    pieces
        .then(move |piece| {
            let probe = probe.clone();
            async move {
                if let Ok(piece) = &piece {
                    // It may know enough already; the file is stored all the same.
                    probe.send(piece.clone()).await.ok();
                }
                piece
            }
        })
        .boxed()
}

/// Why audio could not be fetched.
enum FetchError {
    Api(ApiError),
    Blobs(BlobError),
}

impl From<ApiError> for FetchError {
    fn from(error: ApiError) -> Self {
        Self::Api(error)
    }
}

impl From<BlobError> for FetchError {
    /// A source that failed is the provider's failure, or that of the storage behind it.
    fn from(error: BlobError) -> Self {
        match error {
            BlobError::Source(cause) => match cause.downcast::<HttpError>() {
                Ok(cause) => Self::Api(ApiError::Http(*cause)),
                Err(cause) => Self::Blobs(BlobError::Source(cause)),
            },
            error => Self::Blobs(error),
        }
    }
}

/// The audio, if it is archived already.
fn stored(document: &Document) -> Option<Audio> {
    let audio = &document.recording.as_ref()?.audio;
    matches!(audio, Audio::Stored { .. }).then(|| audio.clone())
}

/// The provider's id of the call whose audio is to be fetched, or why there is nothing to fetch.
///
/// Only the details say that the call is the tenant's own: one credential may see calls of other companies. So without
/// them no audio is fetched.
fn call_to_fetch(document: &Document) -> Result<&str, NoAudio> {
    let said = &document.source.said;
    let details = match document.details.as_ref().map(|section| &section.answer) {
        Some(DetailsAnswer::Known(details)) => details,
        Some(DetailsAnswer::Absent(NoDetails::Unknown)) => return Err(NoAudio::UnknownCall),
        Some(DetailsAnswer::Absent(NoDetails::Unavailable)) => return Err(NoAudio::NeverArrived),
        Some(DetailsAnswer::Absent(NoDetails::NotConnected)) | None => {
            return Err(NoAudio::NotConnected);
        }
    };
    if is_not_recorded(details, said) {
        return Err(NoAudio::NotRecorded);
    }
    let call_id = details.external_id.as_deref();
    call_id
        .or(said.external_id.as_deref())
        .ok_or(NoAudio::UnknownCall)
}

/// Nobody answered, no message was left: there is nothing to wait for, however long it rang. What the API says of a
/// call outranks its first reports.
fn is_not_recorded(details: &Facts, said: &Facts) -> bool {
    let best_known = details.or(said);
    let is_announced = [details, said]
        .iter()
        .any(|facts| facts.about.call().and_then(|call| call.has_recording) == Some(true));
    !is_announced
        && best_known
            .about
            .call()
            .is_some_and(|call| call.is_answered == Some(false) && call.is_voicemail != Some(true))
}

fn done(job: &Claimed, audio: Audio) -> Outcome {
    let revision = job.request.document.revisions.of(Stage::Recording);
    Outcome::done(Section::Recording(RecordingSection { revision, audio }))
}

/// On without audio.
fn without(job: &Claimed, reason: NoAudio) -> Outcome {
    done(job, Audio::Absent { reason })
}
