//! As much of MPEG audio as a provider needs: is this audio, and how long is it?

use std::time::Duration;

/// Adds up the frames of audio that arrives in pieces, in constant memory.
#[derive(Debug, Default)]
pub(crate) struct Probe {
    rest: Vec<u8>,
    skip_bytes: usize,
    frames: u64,
    nanoseconds: u64,
    started: bool,
    wav: Option<Wav>,
    total_bytes: u64,
}

#[derive(Debug)]
struct Wav {
    bytes_per_second: u32,
}

impl Probe {
    /// Takes the next piece.
    pub(crate) fn push(&mut self, piece: &[u8]) {
        self.total_bytes += piece.len() as u64;
        if self.wav.is_some() {
            return;
        }
        let skipped = self.skip_bytes.min(piece.len());
        self.skip_bytes -= skipped;
        self.rest
            .extend_from_slice(piece.get(skipped..).unwrap_or_default());
        if !self.started && self.rest.len() >= 44 {
            self.started = true;
            self.begin();
        }
        if self.started && self.wav.is_none() {
            self.walk();
        }
    }

    /// The length of the audio. `None` if it cannot be decoded.
    pub(crate) fn finish(&self) -> Option<Duration> {
        if let Some(wav) = &self.wav {
            let data = self.total_bytes.saturating_sub(44);
            return (data > 0 && wav.bytes_per_second > 0)
                .then(|| Duration::from_millis(data * 1000 / u64::from(wav.bytes_per_second)));
        }
        (self.frames >= 3).then(|| Duration::from_nanos(self.nanoseconds))
    }

    fn begin(&mut self) {
        if self.rest.starts_with(b"RIFF") && self.rest.get(8..12) == Some(b"WAVE") {
            let rate = self
                .rest
                .get(28..32)
                .and_then(|bytes| bytes.try_into().ok())
                .map_or(0, u32::from_le_bytes);
            self.wav = Some(Wav {
                bytes_per_second: rate,
            });
            self.rest = Vec::new();
        } else if self.rest.starts_with(b"ID3") {
            // The tag's length is four bytes of seven bits each.
            let size = self.rest.get(6..10).map_or(0, |bytes| {
                bytes
                    .iter()
                    .fold(0, |sum, byte| (sum << 7) | usize::from(byte & 0x7f))
            });
            self.advance(size + 10);
        }
    }

    fn walk(&mut self) {
        let mut at = 0;
        while let Some(header) = self.rest.get(at..).and_then(|rest| rest.first_chunk::<4>()) {
            if let Some(frame) = Frame::read(*header) {
                self.frames += 1;
                self.nanoseconds += frame.nanoseconds;
                at += frame.bytes;
            } else {
                // Out of sync: skip to the next byte that can start a frame.
                let next = self.rest.iter().skip(at + 1).position(|byte| *byte == 0xff);
                at = next.map_or(self.rest.len(), |found| at + 1 + found);
            }
        }
        self.advance(at);
    }

    fn advance(&mut self, bytes: usize) {
        let here = bytes.min(self.rest.len());
        self.rest.drain(..here);
        self.skip_bytes = bytes - here;
    }
}

struct Frame {
    bytes: usize,
    nanoseconds: u64,
}

impl Frame {
    /// Reads the header of a layer III frame.
    fn read(header: [u8; 4]) -> Option<Self> {
        const V1: [usize; 15] = [
            0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320,
        ];
        const V2: [usize; 15] = [0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160];
        if header[0] != 0xff || header[1] & 0xe0 != 0xe0 || (header[1] >> 1) & 0b11 != 0b01 {
            return None;
        }
        let version = (header[1] >> 3) & 0b11;
        let (rates, divisor, samples) = match version {
            0b11 => (V1, 1, 1152),
            0b10 => (V2, 2, 576),
            0b00 => (V2, 4, 576),
            _ => return None,
        };
        let kilobits = *rates
            .get(usize::from(header[2] >> 4))
            .filter(|rate| **rate > 0)?;
        let hertz = [44_100, 48_000, 32_000].get(usize::from((header[2] >> 2) & 0b11))? / divisor;
        let padding = usize::from((header[2] >> 1) & 1);
        let bytes = samples / 8 * kilobits * 1000 / hertz + padding;
        Some(Self {
            bytes,
            nanoseconds: samples as u64 * 1_000_000_000 / hertz as u64,
        })
    }
}

/// One frame of silence at 320 kbit/s, 44.1 kHz, mono: for recordings of any size.
pub(crate) fn silent_frame() -> Vec<u8> {
    let mut frame = vec![0_u8; 1044];
    frame[..4].copy_from_slice(&[0xff, 0xfb, 0xe0, 0xc4]);
    frame
}

/// A header of 44 bytes without any sound.
pub(crate) fn bare_header() -> Vec<u8> {
    let mut header =
        b"RIFF\x24\0\0\0WAVEfmt \x10\0\0\0\x01\0\x01\0\x40\x1f\0\0\x80\x3e\0\0\x02\0\x10\0data"
            .to_vec();
    header.resize(44, 0);
    header
}

#[cfg(test)]
mod tests {
    use super::*;

    fn duration(audio: &[u8]) -> Option<Duration> {
        let mut probe = Probe::default();
        audio.chunks(1000).for_each(|piece| probe.push(piece));
        probe.finish()
    }

    #[test]
    fn silent_frames_add_up_to_their_time() {
        let audio = silent_frame().repeat(1000);
        let seconds = duration(&audio).unwrap().as_secs_f64();
        assert!((seconds - 26.122).abs() < 0.01, "{seconds}");
    }

    #[test]
    fn text_and_a_bare_header_are_not_audio() {
        assert_eq!(duration(&b"no sound at all, only words ".repeat(50)), None);
        assert_eq!(duration(&bare_header()), None);
    }
}
