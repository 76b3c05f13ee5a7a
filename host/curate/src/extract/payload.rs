//! Takes transfer and content encodings off what a server sent.
//!
//! Crawlers store a body as it came over the wire. Headers lie: a body that says it is chunked or compressed and is not
//! is taken as it stands, and one that is compressed and does not say so is unpacked all the same.

use octo_record::NoDocument;
use std::borrow::Cow;
use std::io::Read;

/// A body without its encodings, at most `longest` bytes of it.
///
/// # Errors
/// The body is longer, breaks off or is damaged.
pub fn decoded<'a>(
    body: &'a [u8],
    transfer: Option<&str>,
    content: Option<&str>,
    longest: usize,
) -> Result<Cow<'a, [u8]>, NoDocument> {
    let mut out = Cow::Borrowed(body);
    if transfer.is_some_and(|encoding| encoding.to_ascii_lowercase().contains("chunked"))
        && let Some(whole) = without_chunks(&out)?
    {
        out = Cow::Owned(whole);
    }
    let named = content.unwrap_or("").to_ascii_lowercase();
    let unpacked = if out.starts_with(&[0x1f, 0x8b]) {
        Some(unpacked(flate2::read::MultiGzDecoder::new(&*out), longest)?)
    } else if out.starts_with(&[0x28, 0xb5, 0x2f, 0xfd]) {
        let decoder = zstd::stream::read::Decoder::new(&*out).map_err(|_| NoDocument::BrokenBody)?;
        Some(unpacked(decoder, longest)?)
    } else if named.contains("deflate") {
        // Some servers send bare deflate and some with zlib's header; what is neither was not compressed.
        unpacked(flate2::read::ZlibDecoder::new(&*out), longest)
            .or_else(|_| unpacked(flate2::read::DeflateDecoder::new(&*out), longest))
            .ok()
    } else if named.contains("br") && std::str::from_utf8(&out[..out.len().min(64)]).is_err() {
        Some(unpacked(brotli_decompressor::Decompressor::new(&*out, 1 << 14), longest)?)
    } else {
        None
    };
    if let Some(unpacked) = unpacked {
        out = Cow::Owned(unpacked);
    }
    if out.len() > longest { Err(NoDocument::TooLarge) } else { Ok(out) }
}

fn unpacked(reader: impl Read, longest: usize) -> Result<Vec<u8>, NoDocument> {
    let mut out = Vec::new();
    let limit = u64::try_from(longest).unwrap_or(u64::MAX).saturating_add(1);
    reader.take(limit).read_to_end(&mut out).map_err(|_| NoDocument::BrokenBody)?;
    if out.len() > longest { Err(NoDocument::TooLarge) } else { Ok(out) }
}

/// The body of a chunked transfer; None where it does not begin as one.
fn without_chunks(body: &[u8]) -> Result<Option<Vec<u8>>, NoDocument> {
    let mut whole = Vec::with_capacity(body.len());
    let mut rest = body;
    let mut begun = false;
    loop {
        let Some(end) = memchr::memchr(b'\n', rest) else {
            return if begun { Err(NoDocument::BrokenBody) } else { Ok(None) };
        };
        let line = std::str::from_utf8(&rest[..end]).unwrap_or("").trim();
        let digits = line.split(';').next().unwrap_or("").trim();
        let Ok(size) = usize::from_str_radix(digits, 16) else {
            return if begun { Err(NoDocument::BrokenBody) } else { Ok(None) };
        };
        begun = true;
        rest = &rest[end + 1..];
        if size == 0 {
            return Ok(Some(whole));
        }
        let Some(chunk) = rest.get(..size) else { return Err(NoDocument::BrokenBody) };
        whole.extend_from_slice(chunk);
        rest = &rest[size..];
        rest = rest.strip_prefix(b"\r\n").or_else(|| rest.strip_prefix(b"\n")).unwrap_or(rest);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn gzip(text: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(text).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn encodings_come_off_in_the_order_they_were_put_on() {
        let packed = gzip(b"<p>page</p>");
        let mut chunked = format!("{:x}\r\n", 5).into_bytes();
        chunked.extend_from_slice(&packed[..5]);
        chunked.extend_from_slice(format!("\r\n{:x};a=b\r\n", packed.len() - 5).as_bytes());
        chunked.extend_from_slice(&packed[5..]);
        chunked.extend_from_slice(b"\r\n0\r\n\r\n");
        let both = decoded(&chunked, Some("chunked"), Some("gzip"), 100).unwrap();
        assert_eq!(&*both, b"<p>page</p>");
    }

    #[test]
    fn headers_that_lie_change_nothing() {
        for (transfer, content) in
            [(Some("chunked"), None), (None, Some("gzip")), (None, Some("deflate")), (None, Some("br"))]
        {
            assert_eq!(
                &*decoded(b"<p>page</p>", transfer, content, 100).unwrap(),
                b"<p>page</p>",
                "{transfer:?} {content:?}"
            );
        }
        assert_eq!(&*decoded(&gzip(b"<p>"), None, None, 100).unwrap(), b"<p>");
    }

    #[test]
    fn what_breaks_off_or_unpacks_to_too_much_is_named() {
        let packed = gzip(&[b'a'; 10_000]);
        assert_eq!(decoded(&packed[..packed.len() / 2], None, Some("gzip"), 20_000), Err(NoDocument::BrokenBody));
        assert_eq!(decoded(&packed, None, Some("gzip"), 9_999), Err(NoDocument::TooLarge));
        assert_eq!(decoded(b"5\r\nabc", Some("chunked"), None, 100), Err(NoDocument::BrokenBody));
        assert_eq!(decoded(b"abcdef", None, None, 5), Err(NoDocument::TooLarge));
    }
}
