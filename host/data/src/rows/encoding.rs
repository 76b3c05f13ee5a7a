//! What a file's first bytes say it is, and its bytes without compression.

use crate::error::DataError;
use std::io::{self, BufRead, BufReader, Cursor, Read};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Bytes that are held of a file between the disk and the lines of it.
const BUFFER: usize = 1 << 16;
/// Bytes by which a file is recognised.
const MAGIC: usize = 6;
/// The longest window of zstd, as a power of two: what `zstd --long=31` writes. The window is held, 2 GiB of it where a
/// file has as much.
const ZSTD_WINDOW: u32 = 31;
/// The most memory that unpacking xz takes, in bytes; `xz -9` needs 65 MiB.
const XZ_MEMORY: u64 = 2 << 30;

/// A file's bytes.
pub(crate) struct Unpacked {
    /// Without compression.
    pub reader: Box<dyn BufRead + Send>,
    /// Bytes taken in so far, as they lie on disk.
    pub read: Arc<AtomicU64>,
}

enum Encoding {
    Plain,
    Zstd,
    Gzip,
    Xz,
    Bzip2,
}

impl Encoding {
    fn of(start: &[u8]) -> Encoding {
        match start {
            // A frame, or a skippable frame before one.
            [0x28, 0xB5, 0x2F, 0xFD, ..] | [0x50..=0x5F, 0x2A, 0x4D, 0x18, ..] => Encoding::Zstd,
            [0x1F, 0x8B, ..] => Encoding::Gzip,
            [0xFD, b'7', b'z', b'X', b'Z', 0] => Encoding::Xz,
            [b'B', b'Z', b'h', b'1'..=b'9', ..] => Encoding::Bzip2,
            _ => Encoding::Plain,
        }
    }
}

/// Whether bytes are compressed, and in a way that may be cut.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Packed {
    No,
    Zstd,
    Otherwise,
}

/// What the first bytes of a file say of it.
pub(crate) fn packed(start: &[u8]) -> Packed {
    match Encoding::of(start) {
        Encoding::Plain => Packed::No,
        Encoding::Zstd => Packed::Zstd,
        Encoding::Gzip | Encoding::Xz | Encoding::Bzip2 => Packed::Otherwise,
    }
}

/// The plain bytes of `reader`, whatever they look like.
pub(crate) fn plain(reader: impl Read + Send + 'static) -> Unpacked {
    let read = Arc::new(AtomicU64::new(0));
    let reader = Counted { inner: reader, read: Arc::clone(&read) };
    Unpacked { reader: Box::new(BufReader::with_capacity(BUFFER, reader)), read }
}

/// Takes the compression off `reader`, whichever it is.
///
/// # Errors
/// Where it cannot be read, or is of a kind that holds no rows as text: Parquet inside of another compression, UTF-16.
pub(crate) fn unpack(path: &Path, reader: impl Read + Send + 'static) -> Result<Unpacked, DataError> {
    let read = Arc::new(AtomicU64::new(0));
    let mut reader = Counted { inner: reader, read: Arc::clone(&read) };
    let mut start = Vec::with_capacity(MAGIC);
    (&mut reader).take(MAGIC as u64).read_to_end(&mut start).map_err(|error| DataError::file("read", path, error))?;
    let encoding = Encoding::of(&start);
    let whole = BufReader::with_capacity(BUFFER, Cursor::new(start).chain(reader));
    let mut reader: Box<dyn BufRead + Send> = match encoding {
        Encoding::Plain => Box::new(whole),
        Encoding::Zstd => {
            let failed = |error| DataError::file("decompress", path, error);
            let mut decoder = zstd::stream::read::Decoder::with_buffer(whole).map_err(failed)?;
            decoder.window_log_max(ZSTD_WINDOW).map_err(failed)?;
            Box::new(BufReader::with_capacity(BUFFER, decoder))
        }
        Encoding::Gzip => Box::new(BufReader::with_capacity(BUFFER, flate2::bufread::MultiGzDecoder::new(whole))),
        Encoding::Xz => {
            let stream = liblzma::stream::Stream::new_stream_decoder(XZ_MEMORY, liblzma::stream::CONCATENATED)
                .map_err(|error| DataError::file("decompress", path, error.into()))?;
            Box::new(BufReader::with_capacity(BUFFER, liblzma::bufread::XzDecoder::new_stream(whole, stream)))
        }
        Encoding::Bzip2 => Box::new(BufReader::with_capacity(BUFFER, bzip2::bufread::MultiBzDecoder::new(whole))),
    };
    let start = reader.fill_buf().map_err(|error| broken(path, "at its beginning", error))?;
    let other = match start {
        [b'P', b'A', b'R', b'1', ..] => {
            "is Parquet inside of another compression or in a pipe; Parquet is read from a file of its own"
        }
        [0xFF, 0xFE, ..] | [0xFE, 0xFF, ..] => "is UTF-16, which is not read; convert it to UTF-8",
        _ => return Ok(Unpacked { reader, read }),
    };
    Err(DataError::Format { path: path.to_path_buf(), message: other.into() })
}

/// The error of a file that cannot be read any further; `after` says where, as in "after line 7".
pub(crate) fn broken(path: &Path, after: &str, error: io::Error) -> DataError {
    let message = match error.kind() {
        // What the operating system reports is no damage.
        _ if error.raw_os_error().is_some() => return DataError::file("read", path, error),
        io::ErrorKind::UnexpectedEof => {
            format!("is cut short {after}: its compressed data has no end. Write or copy it again")
        }
        io::ErrorKind::OutOfMemory => format!("{after} needs more memory than it may take: {error}"),
        _ => format!("is damaged {after}: {error}. Write or copy it again"),
    };
    DataError::Format { path: path.to_path_buf(), message }
}

/// Counts the bytes that pass.
struct Counted<R> {
    inner: R,
    read: Arc<AtomicU64>,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.read.fetch_add(read as u64, Ordering::Relaxed);
        Ok(read)
    }
}
