//! Documents for people to read, chosen without looking at anything but the documents.
//!
//! Of every filter and reason, and of what was kept, the documents whose hashes are smallest stay. The smallest of two
//! choices put together are the smallest of all, so the choice is the same however the work was cut.

use octo_data::record;
use octo_record::{Became, DocumentExample};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use twox_hash::XxHash64;

/// Documents of one filter and reason.
const EACH: usize = 4;
/// Documents that were kept.
const KEPT: usize = 24;
/// Pairs of filter and reason, the first by name; documents dropped for others are not shown.
const REASONS: usize = 64;
/// Bytes of a text that are shown, and of a field.
const TEXT: usize = 1500;
const FIELD: usize = 200;
/// Fields that are shown.
const FIELDS: usize = 24;

/// What an example is one of.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Group {
    became: Became,
    by: Option<String>,
    reason: Option<String>,
}

/// The documents of a group, by their hashes.
type Chosen = BTreeMap<u64, DocumentExample>;

/// The documents chosen so far.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Vec<(Group, Chosen)>", into = "Vec<(Group, Chosen)>")]
pub(crate) struct Examples {
    groups: BTreeMap<Group, Chosen>,
}

impl From<Vec<(Group, Chosen)>> for Examples {
    fn from(groups: Vec<(Group, Chosen)>) -> Examples {
        Examples { groups: groups.into_iter().collect() }
    }
}

impl From<Examples> for Vec<(Group, Chosen)> {
    fn from(examples: Examples) -> Self {
        examples.groups.into_iter().collect()
    }
}

impl Examples {
    /// Takes the document, if it is among those with the smallest digests. `by` is the filter that dropped it or failed on
    /// it, with why.
    pub(crate) fn offer(&mut self, document: &record::Document, became: Became, by: Option<(&str, &str)>) {
        let (by, reason) = by.map(|(filter, reason)| (filter.to_owned(), cut(reason, FIELD).0.to_owned())).unzip();
        let group = Group { became, by, reason };
        let most = group.most();
        let chosen = self.groups.entry(group.clone()).or_default();
        // Fast, since every document of a corpus has it made.
        let id = XxHash64::oneshot(0, document.id.as_bytes());
        let key = XxHash64::oneshot(id, document.text.as_bytes());
        if chosen.len() >= most && chosen.last_key_value().is_some_and(|(last, _)| *last < key) {
            return;
        }
        chosen.insert(key, group.example(document));
        if chosen.len() > most {
            chosen.pop_last();
        }
        self.forget_the_last_groups();
    }

    /// Takes what was chosen among other documents.
    pub(crate) fn add(&mut self, other: Examples) {
        for (group, examples) in other.groups {
            let most = group.most();
            let chosen = self.groups.entry(group).or_default();
            chosen.extend(examples);
            while chosen.len() > most {
                chosen.pop_last();
            }
        }
        self.forget_the_last_groups();
    }

    /// Those that stay are the first by name, so that they too do not depend on how the documents were cut.
    fn forget_the_last_groups(&mut self) {
        while self.groups.len() > REASONS {
            self.groups.pop_last();
        }
    }

    /// The documents: those kept first, then by filter and reason.
    pub(crate) fn documents(&self) -> impl Iterator<Item = &DocumentExample> {
        self.groups.values().flat_map(BTreeMap::values)
    }
}

impl Group {
    fn most(&self) -> usize {
        if self.became == Became::Kept { KEPT } else { EACH }
    }

    fn example(self, document: &record::Document) -> DocumentExample {
        let (text, cut_off) = cut(&document.text, TEXT);
        let fields = document.fields.iter().take(FIELDS);
        DocumentExample {
            became: self.became,
            by: self.by,
            reason: self.reason,
            id: cut(&document.id, FIELD).0.to_owned(),
            url: document.url.as_deref().map(|url| cut(url, FIELD).0.to_owned()),
            year: document.year,
            text: text.to_owned(),
            cut: cut_off,
            fields: fields.map(|(name, value)| (name.clone(), cut(value, FIELD).0.to_owned())).collect(),
        }
    }
}

/// The beginning of a text, in at most `most` bytes, and whether it goes on.
fn cut(text: &str, most: usize) -> (&str, bool) {
    let end = text.floor_char_boundary(most);
    (&text[..end], end < text.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn document(number: usize) -> record::Document {
        let text = format!("{number} is a number. ").repeat(200);
        record::Document { id: number.to_string(), text, ..record::Document::default() }
    }

    fn chosen(numbers: impl Iterator<Item = usize>) -> Examples {
        let mut examples = Examples::default();
        for number in numbers {
            match number % 3 {
                0 => examples.offer(&document(number), Became::Kept, None),
                1 => examples.offer(&document(number), Became::Dropped, Some(("words", "too-short"))),
                _ => examples.offer(&document(number), Became::Failed, Some(("words", "fuel"))),
            }
        }
        examples
    }

    #[test]
    fn the_choice_does_not_depend_on_how_the_documents_were_cut() {
        let whole = chosen(0..300);
        let mut cut = chosen((200..300).rev());
        cut.add(chosen(0..70));
        cut.add(chosen(70..200));
        assert_eq!(cut, whole);
        let written = serde_json::to_string(&whole).unwrap();
        assert_eq!(serde_json::from_str::<Examples>(&written).unwrap(), whole);
        let shown: Vec<&DocumentExample> = whole.documents().collect();
        assert_eq!(shown.len(), KEPT + 2 * EACH);
        assert!(shown.iter().all(|example| example.text.len() == TEXT && example.cut));
        assert_eq!((shown[0].became, shown[0].by.as_deref()), (Became::Kept, None));
        let last = shown[shown.len() - 1];
        assert_eq!(
            (last.became, last.by.as_deref(), last.reason.as_deref()),
            (Became::Failed, Some("words"), Some("fuel"))
        );
    }

    #[test]
    fn reasons_without_end_are_bounded() {
        let chosen = |numbers: &mut dyn Iterator<Item = usize>| {
            let mut examples = Examples::default();
            for number in numbers {
                examples.offer(&document(number), Became::Dropped, Some(("words", &number.to_string())));
            }
            examples
        };
        let examples = chosen(&mut (0..1000));
        assert_eq!(examples.documents().count(), REASONS);
        assert_eq!(chosen(&mut (0..1000).rev()), examples);
    }
}
