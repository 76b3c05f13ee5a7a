//! Characters that the way from a model to here changed, or that only look different: full-width digits and signs,
//! `<sup>` and `<sub>`, and backslashes that a JSON reader took for the beginning of a control character.

use std::borrow::Cow;

/// What a control character and the letters after it were before a JSON reader saw `\f`, `\t`, `\b` and the like.
///
/// Only those that can mean nothing else: a tab in front of "an" may be a tab.
const EATEN: [(char, &str, &str); 26] = [
    ('\u{c}', "rac", "\\f"),
    ('\u{c}', "orall", "\\f"),
    ('\u{c}', "box{", "\\f"),
    ('\u{c}', "loor", "\\f"),
    ('\t', "imes", "\\t"),
    ('\t', "ext{", "\\t"),
    ('\t', "extbf{", "\\t"),
    ('\t', "extit{", "\\t"),
    ('\t', "extrm{", "\\t"),
    ('\t', "frac{", "\\t"),
    ('\t', "heta", "\\t"),
    ('\t', "riangle", "\\t"),
    ('\t', "binom{", "\\t"),
    ('\u{8}', "oxed", "\\b"),
    ('\u{8}', "inom", "\\b"),
    ('\u{8}', "egin{", "\\b"),
    ('\u{8}', "eta", "\\b"),
    ('\u{8}', "ar{", "\\b"),
    ('\u{8}', "mod", "\\b"),
    ('\r', "ight", "\\r"),
    ('\r', "angle", "\\r"),
    ('\r', "floor", "\\r"),
    ('\r', "ceil", "\\r"),
    ('\u{7}', "lpha", "\\a"),
    ('\u{b}', "ec{", "\\v"),
    ('\u{b}', "arnothing", "\\v"),
];

/// A reference with the usual characters. A tab in front of `ext{` stays: public suites hold such references to be
/// unreadable.
pub(crate) fn plain_reference(text: &str) -> Cow<'_, str> {
    if text.contains("\text{") { Cow::Borrowed(text) } else { plain(text).0 }
}

/// A text with the usual characters, and whether backslashes were put back.
pub(crate) fn plain(text: &str) -> (Cow<'_, str>, bool) {
    let wide = !text.is_ascii() && text.chars().any(|c| ascii(c).is_some());
    let eaten = text.bytes().any(|byte| (7..=13).contains(&byte) && byte != b'\n');
    let raised = super::search::has(text, "<su");
    if !wide && !eaten && !raised {
        return (Cow::Borrowed(text), false);
    }
    let mut out = String::with_capacity(text.len() + 16);
    let mut mended = false;
    let mut rest = text;
    while let Some(character) = rest.chars().next() {
        let after = &rest[character.len_utf8()..];
        if character == '<' {
            let tags = [("<sup>", "^{"), ("<sub>", "_{"), ("</sup>", "}"), ("</sub>", "}")];
            if let Some((tag, latex)) = tags.iter().find(|(tag, _)| rest.starts_with(tag)) {
                out.push_str(latex);
                rest = &rest[tag.len()..];
                continue;
            }
        }
        let lost = EATEN.iter().find(|(control, letters, _)| *control == character && after.starts_with(letters));
        match lost {
            Some((_, _, backslash)) => {
                mended = true;
                out.push_str(backslash);
            }
            None if character == '，'
                && out.ends_with(|c: char| c.is_ascii_digit())
                && after.starts_with(|c: char| ascii(c).unwrap_or(c).is_ascii_digit()) =>
            {
                out.push(',');
            }
            None => out.push(ascii(character).unwrap_or(character)),
        }
        rest = after;
    }
    (Cow::Owned(out), mended)
}

/// Where the ten digits of other scripts begin: Arabic, Persian, Devanagari, Bengali, Gujarati, Tamil, Telugu, Thai.
const ZEROS: [char; 8] = ['٠', '۰', '०', '০', '૦', '௦', '౦', '๐'];

/// The ASCII character of a full-width digit, letter or sign of mathematics, or of a digit of another script. Colons and
/// commas stay: they are punctuation of their own.
fn ascii(character: char) -> Option<char> {
    if ('\u{660}'..='\u{e59}').contains(&character) {
        let digit = |zero: &char| (character as u32).checked_sub(*zero as u32).filter(|digit| *digit < 10);
        return ZEROS.iter().find_map(digit).and_then(|digit| char::from_digit(digit, 10));
    }
    match character {
        '０'..='９'
        | 'Ａ'..='Ｚ'
        | 'ａ'..='ｚ'
        | '．'
        | '＋'
        | '－'
        | '＝'
        | '＜'
        | '＞'
        | '％'
        | '／'
        | '＊'
        | '（'
        | '）'
        | '［'
        | '］'
        | '｛'
        | '｝'
        | '＾'
        | '＿'
        | '＄'
        | '＼'
        | '！'
        | '｜' => char::from_u32(character as u32 - 0xFEE0),
        '\u{3000}' => Some(' '),
        _ => None,
    }
}
