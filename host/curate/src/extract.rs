//! From crawled pages to documents that kept their mathematics.
//!
//! A page goes through these, in order:
//!
//! | file | what it does |
//! |---|---|
//! | `sources.rs` | finds the files that the inputs name, and what each of them is |
//! | `records.rs` | reads WARC and WET files, HTML files and tables, a page at a time |
//! | `payload.rs` | takes transfer and content encodings off what a server sent |
//! | `charset.rs` | turns bytes into text |
//! | `tree.rs` | parses the text by the rules of HTML 5 |
//! | `formulas.rs` | puts TeX in place of whatever shows a formula, with `mathml.rs`, `asciimath.rs` and `symbols.rs` |
//! | `content.rs` | finds the part that is the page's content and takes navigation and the like out of it |
//! | `render.rs` | writes what is left as text, with `delimiters.rs` for formulas that stood in the text |
//! | `units.rs` | does all that for many files side by side, and counts what became of each page |
//!
//! Formulas come out as `$…$` and `$$…$$`. The forms are those that OpenWebMath (arXiv 2310.06786) lists, and MathJax 3's;
//! nothing is drawn at random, and a page gives the same text wherever it stands.
//!
//! # Bounds
//!
//! Pages are hostile. A page has at most [`PageLimits::bytes`] once its encodings are off, its elements nest at most
//! [`tree::DEEPEST`] deep, a formula has at most [`formulas::LONGEST`] bytes and its text [`render::LONGEST`]. Parsing holds
//! about ten times a page's bytes, and one page per thread is parsed at a time. A file that is read holds 16 MiB of pages
//! and one page more; there are at most as many such files as threads.

mod asciimath;
mod charset;
mod content;
mod delimiters;
mod formulas;
mod mathml;
mod payload;
mod records;
mod render;
mod sources;
mod symbols;
mod tree;
mod units;

pub use records::{Body, Page, PageLimits, Record, Records};
pub use sources::{Columns, Form, Source, sources};
pub use units::{ExtractError, ExtractOptions, extract};

use octo_record::NoDocument;

/// What came of a page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Extracted {
    /// The text, with formulas between dollars.
    pub text: String,
    /// What the page calls itself.
    pub title: String,
    /// How many formulas the text has.
    pub formulas: usize,
    /// The charset that the page was in, by the names of the Encoding Standard.
    pub charset: &'static str,
    /// The language that the page says it is in, such as `en` or `pt-br`; empty where it says none.
    pub language: String,
}

/// The text of an HTML page.
///
/// `charset` is what the server says. Whether the page reads backquotes as AsciiMath is seen from the scripts it loads.
///
/// # Errors
/// Why the page gives no document.
pub fn page(html: &[u8], charset: Option<&str>) -> Result<Extracted, NoDocument> {
    let (source, charset) = charset::decode(html, charset);
    let mut page = tree::Tree::parse(&source).map_err(|tree::TooDeep| NoDocument::NestedTooDeeply)?;
    let asciimath = reads_asciimath(&page);
    let (title, language) = (title(&page), language(&page));
    formulas::replace(&mut page);
    let root = content::prune(&mut page);
    let render::Text { text, formulas } = render::text(&page, root, asciimath);
    if text.is_empty() {
        return Err(NoDocument::NoText);
    }
    Ok(Extracted { text, title, formulas, charset, language })
}

fn language(page: &tree::Tree) -> String {
    let html = page.children(tree::Tree::ROOT).find(|node| page.name(*node) == "html");
    let language = html.and_then(|node| page.attribute(node, "lang")).unwrap_or_default().trim().to_ascii_lowercase();
    let is_tag = language.len() <= 35 && language.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    if is_tag { language } else { String::new() }
}

fn title(page: &tree::Tree) -> String {
    let title = page.within(tree::Tree::ROOT).find(|node| page.name(*node) == "title");
    let text = title.map(|node| page.text(node)).unwrap_or_default();
    text.split_whitespace().collect::<Vec<_>>().join(" ").chars().take(300).collect()
}

/// Whether a page loads ASCIIMathML, or MathJax set up for AsciiMath.
fn reads_asciimath(page: &tree::Tree) -> bool {
    page.within(tree::Tree::ROOT).filter(|node| page.name(*node) == "script").any(|node| {
        let names = |text: &str| text.to_ascii_lowercase().contains("asciimath");
        let configured = |text: &str| text.contains("AM_HTMLorMML") || text.contains("AM_CHTML");
        page.attribute(node, "src").is_some_and(|source| names(source) || configured(source))
            || configured(&page.text(node))
            || names(&page.text(node))
    })
}

#[cfg(test)]
mod tests;
