//! From the bytes of a page to its text: which charset they are in.
//!
//! In this order: a byte order mark; UTF-8 where the bytes are valid and hold more than ASCII; what the page declares and
//! what the server says, where the bytes fit; what the bytes look like (`chardetng`).

use encoding_rs::{Encoding, UTF_8, WINDOWS_1252};

/// Bytes at the start of a page in which it may declare its charset. HTML 5 looks at 1,024; pages with long comments in
/// front declare it later.
const HEAD: usize = 8 << 10;

/// The text of a page and the name of the charset that it was in.
pub fn decode(bytes: &[u8], from_server: Option<&str>) -> (String, &'static str) {
    if let Some((encoding, mark)) = Encoding::for_bom(bytes) {
        return (encoding.decode_without_bom_handling(&bytes[mark..]).0.into_owned(), encoding.name());
    }
    if let Ok(text) = std::str::from_utf8(bytes) {
        // ASCII with escapes is ISO-2022-JP; anything else of ASCII is UTF-8.
        if !bytes.contains(&0x1b) {
            return (text.to_owned(), UTF_8.name());
        }
    }
    let declared = declared(&bytes[..bytes.len().min(HEAD)]);
    let server = from_server.and_then(|label| Encoding::for_label(label.trim().trim_matches(['"', '\'']).as_bytes()));
    let mut tried: Option<(String, &'static Encoding, usize)> = None;
    for encoding in [declared, server].into_iter().flatten() {
        let (text, _, wrong) = encoding.decode(bytes);
        // A single byte's charset fits anything; a declared one of several bytes that fits is right.
        let doubtful = encoding == WINDOWS_1252 && looks_otherwise(bytes);
        if !wrong && !doubtful {
            return (text.into_owned(), encoding.name());
        }
        let faults = if wrong { text.matches('\u{fffd}').count() } else { usize::MAX };
        if tried.as_ref().is_none_or(|(_, _, held)| faults < *held) {
            tried = Some((text.into_owned(), encoding, faults));
        }
    }
    // A page of a few broken bytes is still what it says it is.
    if let Some((text, encoding, faults)) = tried
        && faults != usize::MAX
        && faults * 200 < text.chars().count()
    {
        return (text, encoding.name());
    }
    let encoding = guess(bytes);
    (encoding.decode(bytes).0.into_owned(), encoding.name())
}

fn guess(bytes: &[u8]) -> &'static Encoding {
    let mut detector = chardetng::EncodingDetector::new(chardetng::Iso2022JpDetection::Allow);
    detector.feed(bytes, true);
    detector.guess(None, chardetng::Utf8Detection::Allow)
}

/// Whether bytes that were said to be Latin-1 look like a charset of several bytes or another alphabet.
fn looks_otherwise(bytes: &[u8]) -> bool {
    let high = bytes.iter().filter(|byte| **byte >= 0x80).count();
    if high < 6 {
        return false;
    }
    let guessed = guess(bytes);
    guessed != WINDOWS_1252 && high * 12 > bytes.len().min(high * 100) && {
        let (_, _, wrong) = guessed.decode(bytes);
        !wrong
    }
}

/// The charset that `<meta charset>`, `<meta http-equiv>` or `<?xml encoding>` declares.
fn declared(head: &[u8]) -> Option<&'static Encoding> {
    let lower = head.to_ascii_lowercase();
    for word in [b"charset".as_slice(), b"encoding".as_slice()] {
        let mut from = 0;
        while let Some(at) = memchr::memmem::find(&lower[from..], word) {
            let rest = &head[from + at + word.len()..];
            from += at + word.len();
            let blank = |byte: &u8| byte.is_ascii_whitespace();
            let rest = &rest[rest.iter().take_while(|byte| blank(byte)).count()..];
            let Some(rest) = rest.strip_prefix(b"=") else { continue };
            let start = rest.iter().take_while(|byte| blank(byte) || matches!(byte, b'"' | b'\'')).count();
            let label = &rest[start..];
            let end = label.iter().take_while(|byte| byte.is_ascii_alphanumeric() || b"-_:.".contains(byte)).count();
            if let Some(encoding) = Encoding::for_label(&label[..end]) {
                return Some(encoding);
            }
        }
    }
    None
}
