//! The one setting of a server's HTTP/2 that we need, and that the HTTP/2 library does not tell: how many
//! streams it takes at once.

use std::sync::OnceLock;
use std::sync::{Mutex, PoisonError};

/// What lies before the settings in a frame: its length (3 bytes), type, flags and stream (4).
const FRAME_HEAD: usize = 9;
const SETTINGS: u8 = 4;
const MAX_CONCURRENT_STREAMS: u16 = 3;
/// A settings frame of a server has a few settings of 6 bytes.
const LONGEST: usize = 300;
const UNLIMITED: u32 = u32::MAX;

/// What the server's first frame says. It is a settings frame, by the protocol.
#[derive(Default)]
pub(super) struct Settings {
    /// The first bytes, until the frame is complete.
    start: Mutex<Vec<u8>>,
    most_streams: OnceLock<u32>,
}

impl Settings {
    /// How many streams the server takes at once, as far as it said.
    pub(super) fn most_streams(&self) -> u32 {
        self.most_streams.get().copied().unwrap_or(UNLIMITED)
    }

    /// The server sent these bytes, after `before` others.
    pub(super) fn read(&self, before: u64, bytes: &[u8]) {
        if before >= LONGEST as u64 || self.most_streams.get().is_some() {
            return;
        }
        let mut start = self.start.lock().unwrap_or_else(PoisonError::into_inner);
        start.extend_from_slice(&bytes[..bytes.len().min(LONGEST)]);
        if let Some(most) = parse(&start) {
            let _ = self.most_streams.set(most);
            *start = Vec::new();
        }
    }
}

/// `None` if the frame is not complete.
fn parse(start: &[u8]) -> Option<u32> {
    let (head, rest) = start.split_at_checked(FRAME_HEAD)?;
    let length = usize::from(head[1]) << 8 | usize::from(head[2]);
    if head[0] != 0 || head[3] != SETTINGS || length > LONGEST - FRAME_HEAD {
        return Some(UNLIMITED); // not what the protocol says: the HTTP/2 library will see
    }
    let mut settings = rest.get(..length)?.chunks_exact(6);
    let most = settings.rfind(|it| u16::from_be_bytes([it[0], it[1]]) == MAX_CONCURRENT_STREAMS);
    Some(most.map_or(UNLIMITED, |it| u32::from_be_bytes([it[2], it[3], it[4], it[5]])))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(settings: &[(u16, u32)]) -> Vec<u8> {
        let length = u8::try_from(settings.len() * 6).unwrap();
        let mut bytes = vec![0, 0, length, SETTINGS, 0, 0, 0, 0, 0];
        for (id, value) in settings {
            bytes.extend(id.to_be_bytes());
            bytes.extend(value.to_be_bytes());
        }
        bytes
    }

    #[test]
    fn the_limit_is_read_however_the_bytes_come() {
        let bytes = [frame(&[(4, 65_535), (3, 1), (5, 16_384)]), vec![0; 500]].concat();
        for size in [1, 2, 7, bytes.len()] {
            let (settings, mut before) = (Settings::default(), 0);
            for part in bytes.chunks(size) {
                settings.read(before, part);
                before += part.len() as u64;
            }
            assert_eq!(settings.most_streams(), 1, "in parts of {size}");
        }
    }

    #[test]
    fn without_a_limit_there_is_none() {
        for bytes in [frame(&[]), frame(&[(4, 1)]), b"HTTP/1.1 400 Bad Request".to_vec()] {
            let settings = Settings::default();
            settings.read(0, &bytes);
            assert_eq!(settings.most_streams(), UNLIMITED);
        }
    }
}
