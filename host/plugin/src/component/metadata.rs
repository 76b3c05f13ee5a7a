//! Who made a component and on what terms: the custom sections that WebAssembly's tools and registries share.
//!
//! One section per field, its content the text; names and layout are those of the `wasm-metadata` crate, whose sections
//! `wasm-tools metadata show` prints. That crate is not used: for four texts it brings a dozen others (tables of
//! licences, URLs, compression), and a component with one bad field could not be read at all.

use wasm_encoder::{ComponentSection, CustomSection};
use wasmparser::{BinaryReaderError, Encoding, Parser, Payload};

use crate::text::for_people;

/// Longest text that is read, in bytes.
const LONGEST: usize = 1000;

/// Who made a component and on what terms. The component says so of itself, and nobody has checked it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Metadata {
    /// Names, with addresses if they give any, joined by `, `.
    pub authors: Option<String>,
    /// What the component is, in one line.
    pub description: Option<String>,
    /// An SPDX licence expression.
    pub license: Option<String>,
    /// URL of the source code.
    pub repository: Option<String>,
}

impl Metadata {
    /// What a component says of itself: one clean line per field, of at most 1000 bytes. What modules and components
    /// inside it say is theirs.
    ///
    /// # Errors
    /// For bytes that are not WebAssembly.
    pub fn read(component: &[u8]) -> Result<Metadata, BinaryReaderError> {
        let mut metadata = Metadata::default();
        let mut depth = 0usize;
        for payload in Parser::new(0).parse_all(component) {
            match payload? {
                Payload::Version { encoding: Encoding::Component | Encoding::Module, .. } => depth += 1,
                Payload::End(_) => depth = depth.saturating_sub(1),
                Payload::CustomSection(section) if depth == 1 => {
                    let field = match section.name() {
                        "authors" => &mut metadata.authors,
                        "description" => &mut metadata.description,
                        "licenses" => &mut metadata.license,
                        "source" => &mut metadata.repository,
                        _ => continue,
                    };
                    let data = section.data();
                    // The cleaned text is no longer than the bytes, and a section may have megabytes.
                    let text = String::from_utf8_lossy(&data[..data.len().min(4 * LONGEST)]);
                    *field = Some(for_people(text.trim(), LONGEST)).filter(|text| !text.is_empty());
                }
                _ => {}
            }
        }
        Ok(metadata)
    }

    /// Adds the fields that are not empty to the end of a component. The same fields give the same bytes.
    pub fn append_to(&self, component: &mut Vec<u8>) {
        let fields = [
            ("authors", &self.authors),
            ("description", &self.description),
            ("licenses", &self.license),
            ("source", &self.repository),
        ];
        for (name, text) in fields {
            if let Some(text) = text.as_deref().map(str::trim).filter(|text| !text.is_empty()) {
                CustomSection { name: name.into(), data: text.as_bytes().into() }.append_to_component(component);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The smallest component and the smallest module: magic number, version and layer.
    const COMPONENT: &[u8] = b"\0asm\x0d\0\x01\0";
    const MODULE: &[u8] = b"\0asm\x01\0\0\0";

    fn full() -> Metadata {
        Metadata {
            authors: Some("Ada <ada@example.org>, Grace".to_owned()),
            description: Some("Judges answers.".to_owned()),
            license: Some("Apache-2.0 OR MIT".to_owned()),
            repository: Some("https://example.org/judge".to_owned()),
        }
    }

    #[test]
    fn what_is_written_is_read_again_and_always_the_same_bytes() {
        let written = || {
            let mut component = COMPONENT.to_vec();
            full().append_to(&mut component);
            component
        };
        assert_eq!(Metadata::read(&written()).expect("a component"), full());
        assert_eq!(written(), written());
    }

    /// The layout is that of other tools too: a section named `licenses` whose content is the text, and no more.
    #[test]
    fn a_section_is_its_name_and_its_text() {
        let mut component = COMPONENT.to_vec();
        Metadata { license: Some("MIT".to_owned()), ..Metadata::default() }.append_to(&mut component);
        assert_eq!(&component[COMPONENT.len()..], b"\0\x0c\x08licensesMIT");
    }

    #[test]
    fn fields_left_out_and_empty_ones_add_nothing() {
        let mut component = COMPONENT.to_vec();
        Metadata { authors: Some("  ".to_owned()), ..Metadata::default() }.append_to(&mut component);
        assert_eq!(component, COMPONENT);
        assert_eq!(Metadata::read(COMPONENT).expect("a component"), Metadata::default());
    }

    #[test]
    fn what_a_module_inside_says_is_not_taken_for_the_components_own() {
        let mut module = MODULE.to_vec();
        full().append_to(&mut module);
        let mut component = COMPONENT.to_vec();
        component.push(1);
        component.push(u8::try_from(module.len()).expect("below 128") | 0x80);
        component.push(u8::try_from(module.len() >> 7).expect("small"));
        component.extend(module);
        assert_eq!(Metadata::read(&component).expect("a component"), Metadata::default());
    }

    #[test]
    fn hostile_text_is_one_clean_line_of_moderate_length() {
        let mut component = COMPONENT.to_vec();
        let authors = format!("a\u{1b}[31m\nb{}", "c".repeat(100_000));
        Metadata { authors: Some(authors), ..Metadata::default() }.append_to(&mut component);
        CustomSection { name: "licenses".into(), data: (&b"\xff\xfeMIT"[..]).into() }
            .append_to_component(&mut component);
        let read = Metadata::read(&component).expect("a component");
        let authors = read.authors.expect("authors");
        assert!(authors.starts_with("a[31m bccc") && authors.ends_with('…') && authors.len() < 1010, "{authors}");
        assert!(read.license.is_some_and(|license| license.ends_with("MIT")));
    }

    #[test]
    fn bytes_that_are_not_a_component_are_an_error() {
        for bytes in [&b""[..], b"text", b"\0asm", b"\0asm\x0d\0\x01\0\0\x7f"] {
            assert!(Metadata::read(bytes).is_err(), "{bytes:?}");
        }
    }
}
