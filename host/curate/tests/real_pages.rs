//! Real pages with their truth, where the folder that OCTO_SHARED names has them: formulas kept, main text kept, chrome
//! leaked, each beside what the best of other extractors reaches (`tests/bench/extraction.py`).

use octo_curate::extract::{Body, PageLimits, Records, page};
use octo_test_support::shared;
use serde_json::Value;
use std::collections::HashMap;

/// Without white space and dollars, as the pages' own grader compares.
fn bare(text: &str) -> String {
    text.chars().filter(|c| !c.is_whitespace() && *c != '$').collect()
}

#[test]
fn formulas_and_text_of_real_pages_are_kept_and_their_chrome_is_not() {
    let Some(folder) = shared("data/web") else { return };
    let mut texts = HashMap::new();
    let mut archives: Vec<_> = std::fs::read_dir(&folder)
        .expect("lists")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("pages-")))
        .collect();
    archives.sort();
    for path in &archives {
        for record in Records::open(path, PageLimits::default()).expect("opens") {
            let Ok(found) = record.page else { continue };
            let Body::Html(html) = &found.body else { continue };
            let text = page(html, found.charset.as_deref()).map(|extracted| bare(&extracted.text)).unwrap_or_default();
            texts.insert(found.record.clone().expect("records have names"), text);
        }
    }
    let truth = std::fs::read_to_string(folder.join("truth.jsonl")).expect("reads");
    let mut shares: HashMap<&str, (usize, usize)> = HashMap::new();
    for line in truth.lines() {
        let row: Value = serde_json::from_str(line).expect("a row");
        let text = texts.get(row["record_id"].as_str().expect("a name")).map_or("", String::as_str);
        for field in ["formulas", "must_contain", "must_not_contain"] {
            let share = shares.entry(field).or_default();
            for phrase in row[field].as_array().expect("a list") {
                share.0 += usize::from(text.contains(&bare(phrase.as_str().expect("a text"))));
                share.1 += 1;
            }
        }
    }
    let share = |field: &str| shares[field].0 as f64 / shares[field].1 as f64;
    let found = (share("formulas"), share("must_contain"), share("must_not_contain"));
    assert!(found.0 >= 0.99 && found.1 >= 0.98 && found.2 <= 0.045, "{found:?} of {shares:?}");
}
