//! How long audio is: measured from its frames while it is streamed, in constant memory.

use std::{
    io::{self, Read},
    time::Duration,
};

use bytes::{Buf as _, Bytes};
use symphonia::{
    core::{
        formats::{FormatOptions, TrackType, probe::Hint},
        io::{MediaSourceStream, MediaSourceStreamOptions, ReadOnlySource},
        meta::MetadataOptions,
    },
    default::get_probe,
};
use tokio::{sync::mpsc, task::JoinHandle};

/// Pieces that wait for the demuxer; a sender that is ahead by more waits for it.
const WAITING_PIECES: usize = 4;

/// Starts to measure on a thread of its own: audio goes into the sender, and once that is dropped, the task returns its
/// length. `None`: there is not one frame of audio. A sender whose receiver is gone has nothing left to measure.
pub(crate) fn measure() -> (mpsc::Sender<Bytes>, JoinHandle<Option<Duration>>) {
    let (sender, pieces) = mpsc::channel(WAITING_PIECES);
    let audio = Pieces {
        pieces,
        piece: Bytes::new(),
    };
    (sender, tokio::task::spawn_blocking(move || length(audio)))
}

/// How long audio is; `None`: there is not one frame of it. Takes about a millisecond for a megabyte.
pub(crate) fn length(audio: impl Read + Send + Sync + 'static) -> Option<Duration> {
    let stream = MediaSourceStream::new(
        Box::new(ReadOnlySource::new(audio)),
        MediaSourceStreamOptions::default(),
    );
    let (format, metadata) = (FormatOptions::default(), MetadataOptions::default());
    let mut reader = get_probe()
        .probe(Hint::new().with_extension("mp3"), stream, format, metadata)
        .ok()?;
    let track = reader.default_track(TrackType::Audio)?;
    let (id, time_base) = (track.id, track.time_base?);
    let mut ticks = 0u64;
    loop {
        match reader.next_packet() {
            Ok(Some(packet)) if packet.track_id == id => {
                ticks = ticks.saturating_add(packet.block_dur().get());
            }
            Ok(Some(_)) => {}
            // The file is cut or broken from here on. What came before counts.
            Ok(None) | Err(_) => break,
        }
    }
    let nanos = u128::from(ticks) * u128::from(time_base.numer.get()) * 1_000_000_000
        / u128::from(time_base.denom.get());
    let length = Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX));
    (!length.is_zero()).then_some(length)
}

/// Reads what is sent, until the sender is dropped.
struct Pieces {
    pieces: mpsc::Receiver<Bytes>,
    piece: Bytes,
}

impl Read for Pieces {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.piece.is_empty() {
            match self.pieces.blocking_recv() {
                Some(piece) => self.piece = piece,
                None => return Ok(0),
            }
        }
        let length = buffer.len().min(self.piece.len());
        self.piece.copy_to_slice(&mut buffer[..length]);
        Ok(length)
    }
}
