//! No page points at what is not there: every relative link of every `*.md` leads to a file and a heading, every path of
//! the repository that a page names exists, and every page can be reached from the README.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Component, Path, PathBuf};

use octo_test_support::repository;

/// Folders of the repository by which a path in a page is recognised as one of its own.
const FOLDERS: [&str; 10] = ["docs", "examples", "fuzz", "host", "plugins", "recipes", "sdk", "setup", "tests", "wit"];

/// A page, taken apart as far as these tests need it.
struct Page {
    /// Path from the root of the repository.
    path: PathBuf,
    /// Anchors of its headings, as GitHub makes them.
    anchors: BTreeSet<String>,
    /// Targets of its links, with their lines.
    links: Vec<(usize, String)>,
    /// Words in code, inline or in blocks, with their lines.
    code: Vec<(usize, String)>,
}

impl Page {
    fn read(path: PathBuf) -> Page {
        let full = repository().join(&path);
        let text = std::fs::read_to_string(&full).unwrap_or_else(|error| panic!("{}: {error}", full.display()));
        let mut page = Page { path, anchors: BTreeSet::new(), links: Vec::new(), code: Vec::new() };
        // What closes the block that is open.
        let mut fence: Option<String> = None;
        for (number, line) in (1..).zip(text.lines()) {
            let marks: String = line.trim_start().chars().take_while(|letter| *letter == '`').collect();
            match &fence {
                Some(open) if line.trim() == open => fence = None,
                Some(_) => page.code.extend(line.split_whitespace().map(|word| (number, word.to_owned()))),
                None if marks.len() >= 3 => fence = Some(marks),
                None => page.line(number, line),
            }
        }
        page
    }

    /// A line outside of blocks.
    fn line(&mut self, number: usize, line: &str) {
        // Text and inline code take turns.
        for (index, part) in line.split('`').enumerate() {
            if index % 2 == 1 {
                self.code.extend(part.split_whitespace().map(|word| (number, word.to_owned())));
            }
        }
        // A link's own text may be code, its target is not.
        let targets = line.split("](").skip(1).filter_map(|rest| rest.split_once(')')).map(|(target, _)| target);
        let defined = line.strip_prefix('[').and_then(|rest| rest.split_once("]: ")).map(|(_, target)| target.trim());
        self.links.extend(targets.chain(defined).map(|target| (number, target.to_owned())));
        if let Some(heading) = line.strip_prefix('#') {
            let anchor = anchor(heading.trim_start_matches('#'));
            let further = (1..).map(|count| format!("{anchor}-{count}"));
            let free = std::iter::once(anchor.clone()).chain(further).find(|anchor| !self.anchors.contains(anchor));
            self.anchors.extend(free);
        }
    }
}

/// The anchor that GitHub gives a heading: lower case, hyphens for spaces, and no punctuation.
fn anchor(heading: &str) -> String {
    // Of a link only its text is shown.
    let mut text = String::new();
    let mut rest = heading.trim();
    while let Some((before, after)) = rest.split_once("](") {
        text += before;
        rest = after.split_once(')').map_or("", |(_, after)| after);
    }
    text += rest;
    let kept = |letter: &char| letter.is_alphanumeric() || " -_".contains(*letter);
    text.to_lowercase().chars().filter(kept).collect::<String>().replace(' ', "-")
}

/// Every page of the repository by its path from the root.
fn pages() -> BTreeMap<PathBuf, Page> {
    let mut found = Vec::new();
    markdown_files(Path::new(""), &mut found);
    found.into_iter().map(|path| (path.clone(), Page::read(path))).collect()
}

/// Files that end in `.md` below `folder`, but for those of builds, runs and hidden folders.
fn markdown_files(folder: &Path, found: &mut Vec<PathBuf>) {
    let full = repository().join(folder);
    for entry in std::fs::read_dir(&full).unwrap_or_else(|error| panic!("{}: {error}", full.display())) {
        let entry = entry.expect("an entry of a folder can be read");
        let name = entry.file_name().to_string_lossy().into_owned();
        let path = folder.join(&name);
        let of_a_build = ["target", "runs", "corpus", "artifacts", "coverage"].contains(&name.as_str());
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            if !of_a_build && !name.starts_with('.') {
                markdown_files(&path, found);
            }
        } else if name.ends_with(".md") {
            found.push(path);
        }
    }
}

/// Where a relative link of a page leads, from the root of the repository, and the anchor there.
fn target(page: &Path, link: &str) -> (PathBuf, Option<String>) {
    let (path, anchor) = match link.split_once('#') {
        Some((path, anchor)) => (path, Some(anchor.to_owned())),
        None => (link, None),
    };
    if path.is_empty() {
        return (page.to_owned(), anchor);
    }
    let mut plain = PathBuf::new();
    for part in page.parent().unwrap_or(Path::new("")).join(path).components() {
        match part {
            Component::ParentDir => assert!(plain.pop(), "{}: {link} leads out of the repository", page.display()),
            Component::CurDir => {}
            part => plain.push(part),
        }
    }
    (plain, anchor)
}

fn is_elsewhere(link: &str) -> bool {
    ["http://", "https://", "mailto:"].iter().any(|scheme| link.starts_with(scheme))
}

#[test]
fn every_link_leads_to_a_file_and_a_heading() {
    let pages = pages();
    let mut wrong = Vec::new();
    for page in pages.values() {
        for (line, link) in page.links.iter().filter(|(_, link)| !is_elsewhere(link)) {
            let (path, anchor) = target(&page.path, link);
            let place = format!("{}:{line}: {link}", page.path.display());
            if !repository().join(&path).exists() {
                wrong.push(format!("{place}: there is no {}", path.display()));
            } else if let Some(anchor) = anchor {
                match pages.get(&path) {
                    Some(other) if other.anchors.contains(&anchor) => {}
                    Some(_) => wrong.push(format!("{place}: {} has no heading with that anchor", path.display())),
                    None => wrong.push(format!("{place}: {} is not a page with headings", path.display())),
                }
            }
        }
    }
    assert!(wrong.is_empty(), "links that lead nowhere:\n  {}", wrong.join("\n  "));
}

#[test]
fn every_page_is_reached_from_the_readme() {
    let pages = pages();
    let leads_to = |page: &Page| -> BTreeSet<PathBuf> {
        let own = page.links.iter().filter(|(_, link)| !is_elsewhere(link));
        own.map(|(_, link)| target(&page.path, link).0).collect()
    };
    let from_readme = leads_to(&pages[Path::new("README.md")]);
    let from_any: BTreeSet<PathBuf> = pages.values().flat_map(leads_to).collect();
    for path in pages.keys().filter(|path| *path != Path::new("README.md")) {
        // Pages for everybody lie at the root and in docs; those of one folder are linked where it is spoken of.
        let for_everybody = path.parent().is_some_and(|folder| folder == Path::new("") || folder == Path::new("docs"));
        let reached = if for_everybody { &from_readme } else { &from_any };
        let from = if for_everybody { "the README" } else { "any page" };
        assert!(reached.contains(path), "{} is not linked from {from}", path.display());
    }
}

#[test]
fn every_path_that_a_page_names_exists() {
    let mut wrong = Vec::new();
    for page in pages().values() {
        for (line, word) in &page.code {
            let Some(path) = path_in(word) else { continue };
            if !repository().join(path).exists() && !path.split('/').any(is_placeholder) {
                wrong.push(format!("{}:{line}: there is no {path}", page.path.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "paths that do not exist:\n  {}", wrong.join("\n  "));
}

/// The path of the repository that a word in code is, if it is one.
fn path_in(word: &str) -> Option<&str> {
    let path = word.trim_start_matches('@').trim_end_matches([',', ';', ':', '.']);
    let plain = path.chars().all(|letter| letter.is_ascii_alphanumeric() || "/._-".contains(letter));
    let (folder, rest) = path.split_once('/')?;
    (plain && FOLDERS.contains(&folder) && !rest.starts_with('/')).then_some(path)
}

/// Whether a part of a path stands for a name that the reader chooses: `NAME.rs`, `KIND_NAME`.
fn is_placeholder(part: &str) -> bool {
    let stem = part.split('.').next().unwrap_or_default();
    !stem.is_empty() && stem != "README" && stem.chars().all(|letter| letter.is_ascii_uppercase() || letter == '_')
        || part == "vX.Y.Z"
}

#[test]
fn anchors_are_made_as_github_makes_them() {
    for (heading, made) in [
        (" Write a plugin", "write-a-plugin"),
        (" SmolLM2's question", "smollm2s-question"),
        (" From flag to file: `octo-host --plugin x`", "from-flag-to-file-octo-host---plugin-x"),
        (" [Unreleased](x.md) and more", "unreleased-and-more"),
    ] {
        assert_eq!(anchor(heading), made);
    }
}
