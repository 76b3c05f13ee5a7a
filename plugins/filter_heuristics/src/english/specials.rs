//! Words that English splits in its own way, or keeps whole against the other rules: contractions, abbreviations, times
//! and emoticons, as spaCy 3.8 has them (`lang/en/tokenizer_exceptions.py`, MIT).

use std::collections::HashMap;
use std::hash::BuildHasherDefault;

use crate::repetition::AlreadyHashed;

/// Longest of all, in bytes; nothing longer need be looked up.
const LONGEST: usize = 40;

/// Where a special word is split: up to three cuts, in bytes; 0 for none.
pub type Cuts = [u8; 3];

/// All special words, by hash.
pub struct Specials {
    words: HashMap<u64, (Box<str>, Cuts), BuildHasherDefault<AlreadyHashed>>,
    /// One bit for each hash, so that most words need no look into the map.
    seen: [u64; 256],
    /// By length in bytes, the first and the last bytes that occur: most words need no hash either.
    ends: [[[u64; 4]; 2]; LONGEST + 1],
    /// By the first two bytes, as `pair` numbers them, the longest word in bytes.
    longest: [u8; 1024],
}

impl Specials {
    /// The words of English, about 1,350.
    pub fn english() -> Self {
        let mut specials = Specials {
            words: HashMap::with_capacity_and_hasher(1_400, Default::default()),
            seen: [0; 256],
            ends: [[[0; 4]; 2]; LONGEST + 1],
            longest: [0; 1024],
        };
        specials.contractions();
        specials.times();
        for word in WHOLE.split_ascii_whitespace() {
            specials.both_apostrophes(&[word]);
        }
        for word in [" ", "\t", "\n", "\u{a0}"] {
            specials.add(&[word]);
        }
        for unit in ["c", "f", "k", "C", "F", "K"] {
            specials.add(&["°", unit, "."]);
        }
        specials
    }

    /// The cuts of `word`, where it is a special one.
    pub fn get(&self, word: &str) -> Option<Cuts> {
        if self.may_be(word) { self.get_hashed(word, hash(word)) } else { None }
    }

    /// Whether a special word has this length, beginning and end.
    fn may_be(&self, word: &str) -> bool {
        let bytes = word.as_bytes();
        match (self.ends.get(bytes.len()), bytes.first(), bytes.last()) {
            (Some([firsts, lasts]), Some(first), Some(last)) => has(firsts, *first) && has(lasts, *last),
            _ => false,
        }
    }

    /// Most bytes of a special word that begins as `text` does; 0 where none does.
    pub fn longest_like(&self, text: &str) -> usize {
        pair(text.as_bytes()).and_then(|pair| self.longest.get(pair)).map_or(0, |longest| usize::from(*longest))
    }

    /// The same for a word whose hash is known.
    pub fn get_hashed(&self, word: &str, hash: u64) -> Option<Cuts> {
        let bit = self.seen.get((hash >> 6) as usize & 255).is_some_and(|bits| bits >> (hash & 63) & 1 == 1);
        if !bit {
            return None;
        }
        self.words.get(&hash).filter(|(text, _)| **text == *word).map(|(_, cuts)| *cuts)
    }

    fn add(&mut self, pieces: &[&str]) {
        let word = pieces.concat();
        let mut cuts = Cuts::default();
        let mut end = 0;
        for (piece, cut) in pieces.iter().take(pieces.len() - 1).zip(&mut cuts) {
            end += piece.len();
            *cut = end as u8;
        }
        let bytes = word.as_bytes();
        if let (Some([firsts, lasts]), Some(first), Some(last)) =
            (self.ends.get_mut(bytes.len()), bytes.first(), bytes.last())
        {
            for (bits, byte) in [(firsts, *first), (lasts, *last)] {
                if let Some(bits) = bits.get_mut(usize::from(byte >> 6)) {
                    *bits |= 1 << (byte & 63);
                }
            }
        }
        if let Some(longest) = pair(bytes).and_then(|pair| self.longest.get_mut(pair)) {
            *longest = (*longest).max(bytes.len() as u8);
        }
        let hash = hash(&word);
        if let Some(bits) = self.seen.get_mut((hash >> 6) as usize & 255) {
            *bits |= 1 << (hash & 63);
        }
        self.words.insert(hash, (word.into(), cuts));
    }

    /// With the apostrophe of typewriters, and with that of print.
    fn both_apostrophes(&mut self, pieces: &[&str]) {
        self.add(pieces);
        if pieces.iter().any(|piece| piece.contains('\'')) {
            let printed: Vec<String> = pieces.iter().map(|piece| piece.replace('\'', "’")).collect();
            self.add(&printed.iter().map(String::as_str).collect::<Vec<_>>());
        }
    }

    /// `start` with each list of endings, with apostrophes and without, in small letters and with a capital. What is an
    /// ordinary word without its apostrophe is left alone.
    fn contract(&mut self, start: &str, endings: &[&[&str]]) {
        for start in [start.to_owned(), capitalised(start)] {
            for ending in endings {
                let mut pieces = vec![start.as_str()];
                pieces.extend(*ending);
                self.both_apostrophes(&pieces);
                let bare: Vec<String> = pieces.iter().map(|piece| piece.replace('\'', "")).collect();
                if !ORDINARY.contains(&bare.concat().to_lowercase().as_str()) {
                    self.add(&bare.iter().map(String::as_str).collect::<Vec<_>>());
                }
            }
        }
    }

    fn contractions(&mut self) {
        let will_and_would: &[&[&str]] = &[&["'ll"], &["'ll", "'ve"], &["'d"], &["'d", "'ve"]];
        self.contract("i", &[&["'m"], &["'m", "a"]]);
        for pronoun in ["i", "you", "he", "she", "it", "we", "they"] {
            self.contract(pronoun, will_and_would);
        }
        for pronoun in ["i", "you", "we", "they"] {
            self.contract(pronoun, &[&["'ve"]]);
        }
        for pronoun in ["you", "we", "they"] {
            self.contract(pronoun, &[&["'re"]]);
        }
        for pronoun in ["he", "she", "it"] {
            self.contract(pronoun, &[&["'s"]]);
        }
        for word in ["who", "what", "when", "where", "why", "how", "there", "that", "this", "these", "those"] {
            self.contract(word, will_and_would);
            if !matches!(word, "these" | "those") {
                self.contract(word, &[&["'s"]]);
            }
            if !matches!(word, "that" | "this") {
                self.contract(word, &[&["'re"], &["'ve"]]);
            }
        }
        for verb in [
            "ca", "could", "do", "does", "did", "had", "may", "might", "must", "need", "ought", "sha", "should", "wo",
            "would",
        ] {
            self.contract(verb, &[&["n't"], &["n't", "'ve"]]);
        }
        for verb in ["could", "might", "must", "should", "would"] {
            self.contract(verb, &[&["'ve"]]);
        }
        for verb in ["ai", "are", "is", "was", "were", "have", "has", "dare"] {
            self.contract(verb, &[&["n't"]]);
        }
        self.contract("not", &[&["'ve"]]);
        for start in ["how", "How"] {
            self.both_apostrophes(&[start, "'d", "'y"]);
        }
        for pieces in [["y'", "all"], ["y", "all"], ["c'm", "on"], ["C'm", "on"], ["let", "'s"], ["Let", "'s"]] {
            self.both_apostrophes(&pieces);
        }
        for [start, end] in [["can", "not"], ["gon", "na"], ["got", "ta"]] {
            self.add(&[start, end]);
            self.add(&[&capitalised(start), end]);
        }
    }

    fn times(&mut self) {
        for hour in 1..=12 {
            for half in ["a.m.", "am", "p.m.", "pm"] {
                self.add(&[&hour.to_string(), half]);
            }
        }
    }
}

/// A number for the first two bytes, which others may share; nothing for a shorter text.
fn pair(bytes: &[u8]) -> Option<usize> {
    match bytes {
        [first, second, ..] => Some((usize::from(*first) * 37 + usize::from(*second)) % 1024),
        _ => None,
    }
}

fn has(bits: &[u64; 4], byte: u8) -> bool {
    bits.get(usize::from(byte >> 6)).is_some_and(|bits| bits >> (byte & 63) & 1 == 1)
}

fn capitalised(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// FNV-1a, finished.
pub fn hash(word: &str) -> u64 {
    crate::page::mix(word.bytes().fold(super::HASH_START, super::extend))
}

/// Contractions without their apostrophe that are words of their own.
const ORDINARY: [&str; 8] = ["ill", "its", "hell", "shell", "shed", "were", "well", "whore"];

/// Words that stay whole.
const WHOLE: &str = r#"
' '' \") \t \n — <space> C++ and/or w/o
'S 's ‘S ‘s 're 'd 'Cause 'cause 'Cos 'cos 'Coz 'coz 'Cuz 'cuz 'bout 'em em 'll ll 'nuff nuff ma'am Ma'am o'clock O'clock
doin Doin doin' Doin' goin Goin goin' Goin' nothin Nothin nothin' Nothin' nuthin Nuthin nuthin' Nuthin' ol Ol ol' Ol'
somethin Somethin somethin' Somethin' lovin Lovin lovin' Lovin' havin Havin havin' Havin'
a. b. c. d. e. f. g. h. i. j. k. l. m. n. o. p. q. r. s. t. u. v. w. x. y. z. ä. ö. ü.
Mt. Ak. Ala. Apr. Ariz. Ark. Aug. Calif. Colo. Conn. Dec. Del. Feb. Fla. Ga. Ia. Id. Ill. Ind. Jan. Jul. Jun. Kan. Kans.
Ky. La. Mar. Mass. Mich. Minn. Miss. N.C. N.D. N.H. N.J. N.M. N.Y. Neb. Nebr. Nev. Nov. Oct. Okla. Ore. Pa. S.C. Sep.
Sept. Tenn. Va. Wash. Wis. a.m. Adm. Bros. co. Co. Corp. D.C. Dr. e.g. E.g. E.G. Gen. Gov. i.e. I.e. I.E. Inc. Jr. Ltd.
Md. Messrs. Mo. Mont. Mr. Mrs. Ms. p.m. Ph.D. Prof. Rep. Rev. Sen. St. vs. v.s.
:) :-) :)) :-)) :))) :-))) (: (-: =) (= :] :-] [: [-: [= =] :o) (o: :} :-} 8) 8-) (-8 ;) ;-) (; (-; :( :-( :(( :-((
:((( :-((( ): )-: =( >:( :') :'-) :'( :'-( :/ :-/ =/ =| :| :-| ]= =[ :1 :P :-P :p :-p :O :-O :o :-o :0 :-0 :() >:o :*
:-* :3 :-3 =3 :> :-> :X :-X :x :-x :D :-D ;D ;-D =D xD XD xDD XDD 8D 8-D ^_^ ^__^ ^___^ >.< >.> <.< ._. ;_; -_- -__- v.v
V.V v_v V_V o_o o_O O_o O_O 0_o o_0 0_0 o.O O.o O.O o.o 0.0 o.0 0.o @_@ <3 <33 <333 </3 (^_^) (-_-) (._.) (>_<) (*_*)
(¬_¬) ಠ_ಠ ಠ︵ಠ (ಠ_ಠ) ¯\(ツ)/¯ (╯°□°）╯︵┻━┻ ><(((*>
"#;

#[cfg(test)]
mod tests {
    use super::*;

    /// A special word with its pieces parted by bars.
    fn pieces(specials: &Specials, word: &str) -> Option<String> {
        let cuts = specials.get(word)?;
        let mut shown = word.to_owned();
        for cut in cuts.into_iter().rev().filter(|cut| *cut > 0) {
            shown.insert(usize::from(cut), '|');
        }
        Some(shown)
    }

    #[test]
    fn contractions_are_cut_with_either_apostrophe_and_without_one() {
        let specials = Specials::english();
        for shown in [
            "can|not",
            "Gon|na",
            "ca|n't",
            "ca|n’t",
            "ca|nt",
            "Should|n't|'ve",
            "i|m",
            "I|'m",
            "they|'d|'ve",
            "10|p.m.",
            "y|all",
            "how|'d|'y",
            "He|’ll",
            "who|s",
            "that|'s",
            "°|C|.",
            "o'clock",
            "Mr.",
            ":-)",
            "doin’",
        ] {
            assert_eq!(pieces(&specials, &shown.replace('|', "")).as_deref(), Some(shown));
        }
        for word in ["its", "well", "Hell", "shed", "thatre", "13am", "n't", "cat", "", "mr.", "thisve"] {
            assert_eq!(pieces(&specials, word), None, "{word}");
        }
    }
}
