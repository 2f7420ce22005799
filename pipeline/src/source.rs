//! A file's bytes as UTF-8 text: unpacked, hashed, decoded.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use encoding_rs::Encoding;
use encoding_rs_io::DecodeReaderBytesBuilder;
use serde::Deserialize;

use crate::error::{PipelineError, Result};

const BUFFER: usize = 1 << 18;
/// Bytes from which an encoding without a mark is told.
const HEAD: usize = 4096;

/// A hash that a reader fills while others wait for it.
#[derive(Clone, Default)]
pub struct SharedHash(Arc<Mutex<blake3::Hasher>>);

impl SharedHash {
    /// The hash of what went through, hexadecimal.
    #[must_use]
    pub fn hex(&self) -> String {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).finalize().to_hex().to_string()
    }
}

/// Reads every byte of a file through a hash.
struct Hashed<R> {
    inner: R,
    hash: Option<SharedHash>,
}

impl<R: Read> Read for Hashed<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        if let Some(SharedHash(hash)) = &self.hash {
            hash.lock().unwrap_or_else(PoisonError::into_inner).update(&buffer[..read]);
        }
        Ok(read)
    }
}

/// The encoding of this name.
///
/// # Errors
/// With a sentence that says which names are known.
pub fn encoding(name: &str) -> std::result::Result<&'static Encoding, String> {
    // The Encoding Standard reads Latin-1 as Windows-1252, which has the same letters and more; so do browsers.
    let label = if name.eq_ignore_ascii_case("latin-1") { "latin1" } else { name };
    Encoding::for_label(label.as_bytes()).ok_or_else(|| {
        format!("encoding {name:?} is not known; write it like utf-8, windows-1252, latin-1, iso-8859-15 or utf-16le")
    })
}

/// A file as text.
pub struct Source {
    /// The text; bytes that are not UTF-8 stand as they are where no encoding was stated or found.
    pub text: Box<dyn BufRead + Send>,
    /// The encoding, where it is not UTF-8.
    pub encoding: Option<&'static Encoding>,
}

/// How much a packed file may hold. A file of some kilobytes that unpacks to terabytes would fill the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Unpacking {
    /// Times its own size that a packed file may unpack to.
    pub unpacked_ratio: u64,
    /// Gigabytes that a packed file may unpack to.
    pub unpacked_gigabytes: u64,
}

impl Default for Unpacking {
    fn default() -> Self {
        Self { unpacked_ratio: 200, unpacked_gigabytes: 200 }
    }
}

/// Bytes that any packed file may unpack to.
const ALWAYS: u64 = 16 << 20;

impl Unpacking {
    /// What is wrong with the settings.
    ///
    /// # Errors
    /// With a sentence, where one is 0.
    pub fn check(&self) -> std::result::Result<(), String> {
        if self.unpacked_ratio == 0 || self.unpacked_gigabytes == 0 {
            return Err("unpacked_ratio and unpacked_gigabytes must be above 0".to_owned());
        }
        Ok(())
    }

    /// Bytes that a packed file of this size may unpack to.
    fn of(&self, packed: u64) -> u64 {
        packed.saturating_mul(self.unpacked_ratio).max(ALWAYS).min(self.unpacked_gigabytes.saturating_mul(1 << 30))
    }
}

/// Lets no more than so many bytes through.
struct Bounded<R> {
    inner: R,
    left: u64,
    packed: u64,
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        match self.left.checked_sub(read as u64) {
            Some(left) => self.left = left,
            None => {
                self.left = 0;
                return Err(io::Error::other(format!(
                    "{} packed bytes unpack to more than [limits] in carecoord.toml allows; if the file is right, raise \
                     unpacked_ratio or unpacked_gigabytes there",
                    self.packed
                )));
            }
        }
        Ok(read)
    }
}

/// Opens a file, unpacking it where its first bytes say gzip or zstd, whatever its name, and decoding it by the encoding
/// stated, or by a byte-order mark, or as UTF-16 where every other byte of its beginning is zero.
///
/// # Errors
/// When it cannot be read. A packed file that holds more than the limits allow fails while it is read.
pub fn open(
    path: &Path,
    stated: Option<&'static Encoding>,
    hash: Option<SharedHash>,
    limits: Option<&Unpacking>,
) -> Result<Source> {
    let read_error = |error| PipelineError::read(path, error);
    let mut magic = [0_u8; 4];
    let mut file = File::open(path).map_err(read_error)?;
    let length = file.read(&mut magic).map_err(read_error)?;
    let file = File::open(path).map_err(read_error)?;
    let packed = file.metadata().map_err(read_error)?.len();
    let left = limits.map_or(u64::MAX, |limits| limits.of(packed));
    let raw = BufReader::with_capacity(BUFFER, Hashed { inner: file, hash });
    let mut unpacked: Box<dyn BufRead + Send> = match &magic[..length] {
        [0x1f, 0x8b, ..] => {
            let inner = flate2::bufread::MultiGzDecoder::new(raw);
            Box::new(BufReader::with_capacity(BUFFER, Bounded { inner, left, packed }))
        }
        [0x28, 0xb5, 0x2f, 0xfd] => {
            let inner = zstd::stream::read::Decoder::with_buffer(raw).map_err(read_error)?;
            Box::new(BufReader::with_capacity(BUFFER, Bounded { inner, left, packed }))
        }
        _ => Box::new(raw),
    };
    // A damaged archive fails again when it is read, and is named there.
    let found = unpacked.fill_buf().map_or(None, |head| found_in(&head[..head.len().min(HEAD)]));
    let encoding = found.or(stated).filter(|encoding| *encoding != encoding_rs::UTF_8);
    let Some(encoding) = encoding else { return Ok(Source { text: unpacked, encoding: None }) };
    let decoded = DecodeReaderBytesBuilder::new().encoding(Some(encoding)).build(unpacked);
    Ok(Source { text: Box::new(BufReader::with_capacity(BUFFER, decoded)), encoding: Some(encoding) })
}

/// The UTF-16 that a beginning says: by its mark, or because every other byte is zero, as in text of Western letters.
fn found_in(head: &[u8]) -> Option<&'static Encoding> {
    match head {
        [0xff, 0xfe, ..] => return Some(encoding_rs::UTF_16LE),
        [0xfe, 0xff, ..] => return Some(encoding_rs::UTF_16BE),
        _ => {}
    }
    let pairs = head.len() / 2;
    let zeros = |at: usize| head.iter().skip(at).step_by(2).take(pairs).filter(|byte| **byte == 0).count();
    let (even, odd) = (zeros(0), zeros(1));
    match pairs {
        8.. if odd * 10 > pairs * 9 && even == 0 => Some(encoding_rs::UTF_16LE),
        8.. if even * 10 > pairs * 9 && odd == 0 => Some(encoding_rs::UTF_16BE),
        _ => None,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn read(bytes: &[u8], stated: Option<&str>) -> String {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.csv");
        std::fs::write(&path, bytes).unwrap();
        let mut text = String::new();
        open(&path, stated.map(|name| encoding(name).unwrap()), None, None)
            .unwrap()
            .text
            .read_to_string(&mut text)
            .unwrap();
        text
    }

    #[test]
    fn marks_and_zeros_tell_utf_16_and_the_mapping_tells_the_rest() {
        let utf16 = |text: &str| text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>();
        let text = "id,name\n1,Zo\u{eb}\n2,Ren\u{e9}\n";
        assert_eq!(read(&utf16(&format!("\u{feff}{text}")), None), text);
        assert_eq!(read(&utf16(text), None), text);
        assert_eq!(read(b"id,name\n1,Zo\xeb\n", Some("windows-1252")), "id,name\n1,Zo\u{eb}\n");
        assert_eq!(read(b"1,\x80\n", Some("latin-1")), "1,\u{20ac}\n");
        assert!(encoding("ebcdic").unwrap_err().contains("windows-1252"));
    }

    #[test]
    fn a_file_that_unpacks_to_far_more_than_its_size_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("bomb.csv.zst");
        std::fs::write(&path, zstd::encode_all(&vec![b'x'; 64 << 20][..], 19).unwrap()).unwrap();
        let read =
            |limits: &Unpacking| io::copy(&mut open(&path, None, None, Some(limits)).unwrap().text, &mut io::sink());
        let refused = read(&Unpacking::default()).unwrap_err().to_string();
        assert!(refused.contains("unpacked_ratio"), "{refused}");
        let raised = Unpacking { unpacked_ratio: 1_000_000, ..Unpacking::default() };
        assert_eq!(read(&raised).unwrap(), 64 << 20);
    }
}
