//! Misbehaviour while describing: it comes before any config, so a mark in the component's bytes says how.

use std::hint::black_box;

use schemars::Schema;
use serde::Deserialize;
use serde::de::value::{Error, StrDeserializer};

use crate::answers::CONTROL_CHARACTERS;
use crate::{Mode, deeds};

/// How `describe` misbehaves: a mode's name, padded with spaces. A test writes another into the component.
static MARK: [u8; 48] = *b"hostile while describing:good                   ";

/// What the huge modes make.
const HUGE: usize = 2 << 20;

/// Called while the config's schema is made, which is when `describe` runs.
pub(crate) fn misbehave(schema: &mut Schema) {
    // Read at run time: the mark that was compiled in must not be what is compiled to.
    let mark = black_box(&MARK);
    let mode = std::str::from_utf8(mark).ok().and_then(|mark| mark.split_once(':')).map(|(_, mode)| mode.trim());
    let mode = mode.map(|mode| Mode::deserialize(StrDeserializer::<Error>::new(mode)));
    match mode {
        Some(Ok(Mode::NoAnswers)) => *schema = Schema::from(true),
        Some(Ok(Mode::HugeText)) => describe(schema, "x".repeat(HUGE)),
        Some(Ok(Mode::ControlCharacters)) => describe(schema, CONTROL_CHARACTERS.to_owned()),
        Some(Ok(Mode::EndlessTexts)) => {
            schema.insert("$ref".to_owned(), "#".into());
        }
        // A description cannot be refused.
        Some(Ok(mode)) => drop(deeds::deed(mode, HUGE)),
        Some(Err(error)) => panic!("the mark is not a mode: {error}"),
        None => panic!("the mark is damaged"),
    }
}

fn describe(schema: &mut Schema, text: String) {
    schema.insert("description".to_owned(), text.into());
}

#[cfg(test)]
mod tests {
    #[test]
    fn unmarked_the_schema_is_what_it_should_be() {
        let schema = schemars::schema_for!(crate::Config);
        assert!(schema.get("properties").is_some_and(|properties| properties.get("mode").is_some()));
    }
}
