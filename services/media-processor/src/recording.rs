//! The stage `recording`: a call's details and its audio.

use std::{collections::BTreeSet, time::Duration};

use async_trait::async_trait;
use blobs::{BlobError, BlobKey, BoxError, ByteStream};
use bytes::Bytes;
use domain::{
    Audio, CallFacts, Claimed, ConnectionName, Disposition, NoAudio, Outcome, RecordingSection,
    Section, Stage, StageError, StageHandler, later,
};
use futures::{StreamExt as _, stream};
use http_client::{HttpError, Limits, Streaming};
use secrets::{SecretName, SecretsError};
use sources::callrail::api::{Account, ApiError};
use tokio::sync::mpsc;

use crate::{Deps, gives_up, probe};

/// The tenant's account for CallRail's API is the connection of this name.
const CONNECTION: &str = "callrail";

/// What a recording may take. CallRail states no size; an hour of stereo MP3 at 256 kbit/s has 115 MB.
const LIMITS: Limits = Limits {
    max_bytes: 250_000_000,
    idle: Duration::from_secs(30),
    total: Duration::from_secs(10 * 60),
};

/// A smaller file holds no speech: two seconds of the poorest MP3 have more.
const MIN_BYTES: usize = 1024;

/// How often a call that CallRail does not know is looked for: new calls may take a while to show.
const UNKNOWN_LOOKS: u32 = 3;

/// Fetches a call's details and archives its audio.
///
/// In: a call. Out: its `recording` section, and every id of the call that CallRail shows. A recording that is not
/// there yet is waited for, then the call goes on without. A repeat fetches again and stores the same under the same
/// name; audio that is stored is not fetched again.
pub(crate) struct Recording(pub(crate) Deps);

#[async_trait]
impl StageHandler for Recording {
    fn stage(&self) -> Stage {
        Stage::Recording
    }

    async fn handle(&self, job: &Claimed) -> Result<Outcome, StageError> {
        let Some(access) = self.access(job).await? else {
            return Ok(without(job, NoAudio::NotConnected));
        };
        let Some(call_id) = job.request.document.source.call.call_id.as_deref() else {
            return Ok(without(job, NoAudio::UnknownCall));
        };
        let call = match self.0.callrail.call(&access.account, call_id).await {
            Ok(call) => call,
            Err(ApiError::NotFound) => {
                return Ok(self
                    .wait(job, UNKNOWN_LOOKS, "CallRail does not know the call yet")
                    .unwrap_or_else(|| without(job, NoAudio::UnknownCall)));
            }
            Err(error) => {
                let error = access.failed(&error);
                if gives_up(job, &error) {
                    return Ok(without(job, NoAudio::NeverArrived));
                }
                return Err(error);
            }
        };
        let best_known = call.facts.or(&job.request.document.source.call);
        let audio = match stored(job) {
            Some(audio) => audio,
            None if is_not_recorded(&best_known) => Audio::Absent {
                reason: NoAudio::NotRecorded,
            },
            None => match self.fetch(job, &access, &call.canonical_id).await {
                Err(error) if gives_up(job, &error) => Audio::Absent {
                    reason: NoAudio::NeverArrived,
                },
                Err(error) => return Err(error),
                Ok(Fetched::Audio(audio)) => audio,
                Ok(Fetched::NotYet { at_last }) => {
                    match self.wait(job, u32::MAX, "the recording is not there yet") {
                        Some(wait) => return Ok(wait),
                        None => Audio::Absent { reason: at_last },
                    }
                }
            },
        };
        Ok(Outcome::Done {
            sections: vec![section(job, Some(call.facts), audio)],
            aliases: call.aliases,
        })
    }
}

/// The way to a tenant's calls.
struct Access {
    connection: (ConnectionName, u64),
    account: Account,
}

/// What came of looking for the audio.
enum Fetched {
    Audio(Audio),
    /// Worth another look; when there is none left, this is why there is no audio.
    NotYet {
        at_last: NoAudio,
    },
}

impl Recording {
    /// The tenant's account and its companies; none when it has no account.
    async fn access(&self, job: &Claimed) -> Result<Option<Access>, StageError> {
        let tenant = &job.request.tenant;
        let name = ConnectionName::new(CONNECTION).expect("a valid slug");
        let found = self
            .0
            .store
            .connection(tenant, &name)
            .await
            .map_err(|error| StageError::ours(&error))?;
        let Some(connection) = found else {
            return Ok(None);
        };
        let sources = self
            .0
            .store
            .sources(tenant)
            .await
            .map_err(|error| StageError::ours(&error))?;

        let setting = |key| {
            connection
                .settings
                .get(key)
                .map(String::as_str)
                .unwrap_or_default()
        };
        let own = setting("company_ids")
            .split(',')
            .map(str::trim)
            .filter(|id| !id.is_empty())
            .map(str::to_owned);
        let source = sources
            .into_iter()
            .find(|source| source.id == job.request.document.source.source);
        let of_source = source.map(|source| source.accounts).unwrap_or_default();
        let company_ids: BTreeSet<_> = own.chain(of_source).collect();
        let account_id = setting("account_id");
        if account_id.is_empty() {
            return Err(StageError::permanent(
                "the CallRail connection names no account: enter its account_id",
            ));
        }

        let secret = SecretName::new(CONNECTION).expect("a valid name");
        let versions = (name, connection.version);
        match self
            .0
            .secrets
            .get(tenant, &secret, Some(connection.secret_version))
            .await
        {
            Ok(token) => Ok(Some(Access {
                account: Account {
                    id: account_id.to_owned(),
                    token,
                    company_ids: company_ids.into_iter().collect(),
                },
                connection: versions,
            })),
            Err(error @ SecretsError::Store(_)) => Err(StageError::ours(&error)),
            Err(error @ (SecretsError::NotFound | SecretsError::Damaged)) => Err(StageError {
                disposition: Disposition::Hold,
                connection: Some(versions),
                ..StageError::ours(&error)
            }),
        }
    }

    /// Waits as the office's configuration says, `looks` times at most; none when it is time to go on.
    fn wait(&self, job: &Claimed, looks: u32, reason: &str) -> Option<Outcome> {
        let pause = job
            .config
            .workflow
            .recording
            .wait(job.row.waits)
            .filter(|_| job.row.waits < looks)?;
        Some(Outcome::wait(later(self.0.clock.now(), pause), reason))
    }

    async fn fetch(
        &self,
        job: &Claimed,
        access: &Access,
        call_id: &str,
    ) -> Result<Fetched, StageError> {
        let name = format!("{call_id}.mp3");
        let key = BlobKey::new(&job.request.tenant, &name)
            .map_err(|error| StageError::permanent(error.to_string()))?;
        match self.try_fetch(&access.account, call_id, &key).await {
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

    async fn try_fetch(
        &self,
        account: &Account,
        call_id: &str,
        key: &BlobKey,
    ) -> Result<Fetched, FetchError> {
        let nothing = Fetched::NotYet {
            at_last: NoAudio::NeverArrived,
        };
        let Some(url) = self.0.callrail.recording(account, call_id).await? else {
            return Ok(nothing);
        };
        let Some(mut answer) = self.0.callrail.download(&url, LIMITS).await? else {
            return Ok(nothing);
        };
        let (mut head, mut head_bytes) = (Vec::new(), 0);
        while head_bytes < MIN_BYTES {
            let piece = answer.chunk().await.map_err(ApiError::from)?;
            let Some(piece) = piece else {
                return Ok(Fetched::NotYet {
                    at_last: NoAudio::Empty,
                });
            };
            head_bytes += piece.len();
            head.push(piece);
        }
        let (probe, length) = probe::measure();
        let stored = self.0.blobs.put(key, probed(head, answer, probe)).await?;
        match length.await {
            Ok(Some(length)) => Ok(Fetched::Audio(Audio::Stored {
                name: key.name().to_owned(),
                sha256: stored.sha256,
                size_bytes: stored.size_bytes,
                duration_ms: u64::try_from(length.as_millis()).unwrap_or(u64::MAX),
            })),
            // A demuxer that panics over a file can read it as little as one that finds no audio.
            Ok(None) | Err(_) => {
                self.0.blobs.delete(key).await?;
                Ok(Fetched::NotYet {
                    at_last: NoAudio::Unreadable,
                })
            }
        }
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
    /// A source that failed is CallRail's failure, or the storage's behind it.
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

impl Access {
    fn failed(&self, error: &ApiError) -> StageError {
        StageError::from_provider(error, Some(self.connection.clone()))
    }
}

/// The audio, when it is archived already.
fn stored(job: &Claimed) -> Option<Audio> {
    let audio = &job.request.document.recording.as_ref()?.audio;
    matches!(audio, Audio::Stored { .. }).then(|| audio.clone())
}

/// Nobody answered, no message was left: there is nothing to wait for.
fn is_not_recorded(call: &CallFacts) -> bool {
    call.is_answered == Some(false)
        && call.is_voicemail != Some(true)
        && call.duration_seconds.unwrap_or(0) == 0
        && call.has_recording != Some(true)
}

/// The section; without new facts the ones that are known stay.
fn section(job: &Claimed, facts: Option<CallFacts>, audio: Audio) -> Section {
    let document = &job.request.document;
    let revision = document.revisions.recording;
    let before = document.recording.as_ref();
    Section::Recording(Box::new(RecordingSection {
        revision,
        is_refetched: facts.is_some() && revision > 0,
        call: facts
            .or_else(|| before.map(|section| section.call.clone()))
            .unwrap_or_default(),
        audio,
    }))
}

/// On without asking CallRail; audio that is archived stays.
fn without(job: &Claimed, reason: NoAudio) -> Outcome {
    Outcome::done(section(
        job,
        None,
        stored(job).unwrap_or(Audio::Absent { reason }),
    ))
}
