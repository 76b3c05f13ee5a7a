//! How `state.json` vouches for itself: its first key is the digest of all that comes after that key.
//!
//! The digest is of bytes and not of values, so it does not depend on how numbers or keys are read and written again.

use octo_data::digest;

/// What the file begins with, up to the digest.
const BEFORE: &str = "{\n  \"digest\": \"";
/// What stands between the digest and the bytes that it is of.
const AFTER: &str = "\",";
/// Characters of a digest.
const DIGEST: usize = "sha256:".len() + 64;

/// The text of a JSON object with several keys, as `serde_json` writes it over several lines, with its digest.
pub(super) fn sealed(text: &[u8]) -> Vec<u8> {
    let rest = text.strip_prefix(b"{").unwrap_or(text);
    [BEFORE.as_bytes(), digest::of_bytes(rest).as_bytes(), AFTER.as_bytes(), rest].concat()
}

/// The text that was sealed; else what is wrong with it.
pub(super) fn opened(text: &[u8]) -> Result<Vec<u8>, &'static str> {
    let sealed = text.strip_prefix(BEFORE.as_bytes()).and_then(|text| text.split_at_checked(DIGEST));
    let Some((recorded, rest)) = sealed.and_then(|(digest, rest)| Some((digest, rest.strip_prefix(AFTER.as_bytes())?)))
    else {
        return Err("does not begin with its digest: it is damaged, or of a build of Octo that wrote none");
    };
    if digest::of_bytes(rest).as_bytes() != recorded {
        return Err("is not what was written: its digest is another");
    }
    Ok([b"{", rest].concat())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sealed_text_is_json_that_no_changed_byte_gets_past() {
        let text = b"{\n  \"step\": 4,\n  \"loss\": 0.25\n}";
        let whole = sealed(text);
        assert_eq!(opened(&whole), Ok(text.to_vec()));
        let value: serde_json::Value = serde_json::from_slice(&whole).expect("is JSON");
        assert_eq!((&value["step"], &value["loss"]), (&4.into(), &0.25.into()));
        for at in 0..whole.len() {
            for flip in [1, 0x20, 0x80] {
                let mut damaged = whole.clone();
                damaged[at] ^= flip;
                assert!(opened(&damaged).is_err(), "byte {at}");
            }
            assert!(opened(&whole[..at]).is_err(), "{at} bytes");
        }
        let older = "does not begin with its digest: it is damaged, or of a build of Octo that wrote none";
        assert_eq!(opened(text), Err(older));
    }
}
