//! What an element says of itself by tag, role, class and identifier: whether it is chrome.

use crate::extract::tree::{Id, Tree};
use std::collections::HashMap;

/// Words of classes and identifiers that name what is not content.
const CHROME: [&str; 93] = [
    "nav",
    "navbar",
    "navigation",
    "navbox",
    "nav-links",
    "menu",
    "submenu",
    "megamenu",
    "sidebar",
    "sidenav",
    "sphinxsidebar",
    "footer",
    "breadcrumb",
    "breadcrumbs",
    "crumbs",
    "cookie",
    "cookies",
    "consent",
    "gdpr",
    "advert",
    "advertisement",
    "adsense",
    "adslot",
    "ads",
    "promo",
    "promotion",
    "sponsor",
    "sponsored",
    "share",
    "sharing",
    "sharedaddy",
    "social",
    "related",
    "recommend",
    "recommended",
    "recommendations",
    "popular",
    "trending",
    "newsletter",
    "subscribe",
    "subscription",
    "signup",
    "login",
    "signin",
    "register",
    "pagination",
    "pager",
    "paginator",
    "pagenav",
    "prevnext",
    "toc",
    "tableofcontents",
    "widget",
    "widgets",
    "popup",
    "modal",
    "overlay",
    "masthead",
    "topbar",
    "toolbar",
    "searchbox",
    "searchform",
    "noprint",
    "copyright",
    "skip",
    "skiplink",
    "disqus",
    "addthis",
    "sharethis",
    "taglist",
    "tagcloud",
    "editsection",
    "headerlink",
    "mwe-editsection",
    "siteheader",
    "sitefooter",
    "pageheader",
    "pagefooter",
    "printfooter",
    "catlinks",
    "jumpnav",
    "announcement",
    "outbrain",
    "taboola",
    "feedback",
    "rating",
    "backtotop",
    "morelinks",
    "languages",
    "languageswitcher",
    "signature",
    "signaturecontainer",
    "signatures",
];

/// Joined names that say it where their words alone do not.
const CHROME_NAMES: [&str; 44] = [
    "site-header",
    "site-footer",
    "page-header",
    "page-footer",
    "global-header",
    "global-footer",
    "main-header",
    "header-wrapper",
    "top-bar",
    "bottom-bar",
    "back-to-top",
    "skip-link",
    "skip-to",
    "sr-only",
    "screen-reader",
    "visually-hidden",
    "visuallyhidden",
    "edit-link",
    "edit-page",
    "edit-this",
    "last-updated",
    "post-meta",
    "entry-meta",
    "entry-footer",
    "post-footer",
    "post-tags",
    "article-tags",
    "author-box",
    "author-bio",
    "comment-form",
    "comment-respond",
    "reply-link",
    "post-navigation",
    "nav-previous",
    "nav-next",
    "prev-next",
    "table-of-contents",
    "see-also-links",
    "site-name",
    "site-nav",
    "mw-jump",
    "mw-indicators",
    "vector-menu",
    "search-form",
];

/// Words that name content, beside which a word of chrome does not count: `article-with-sidebar`.
const CONTENT: [&str; 10] =
    ["article", "content", "main", "body", "post", "entry", "text", "document", "page", "wrapper"];

fn words_of(name: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut word = String::new();
    let mut lower_before = false;
    for c in name.chars() {
        let breaks = !c.is_alphanumeric() || c.is_ascii_uppercase() && lower_before;
        if breaks && !word.is_empty() {
            words.push(std::mem::take(&mut word));
        }
        if c.is_alphanumeric() {
            word.extend(c.to_lowercase());
        }
        lower_before = c.is_ascii_lowercase();
    }
    if !word.is_empty() {
        words.push(word);
    }
    words
}

/// How sure it is that an element is chrome, by what it says of itself: 0 not at all, 1 by a word, 2 by tag or role.
pub fn says_chrome(tree: &Tree, id: Id, known: &mut HashMap<String, bool>) -> u8 {
    let name = tree.name(id);
    if name.is_empty() || matches!(name, "html" | "body" | "main") {
        return 0;
    }
    match name {
        "nav" | "menu" => return 2,
        "footer" => {
            let quoted = ancestors(tree, id).any(|up| matches!(tree.name(up), "blockquote" | "figure"));
            return if quoted { 0 } else { 2 };
        }
        "header" => {
            let within = ancestors(tree, id).any(|up| matches!(tree.name(up), "article" | "main" | "section"));
            let heads = tree.within(id).take(400).any(|node| tree.name(node) == "h1");
            return if within || heads { 0 } else { 2 };
        }
        "aside" => return 1,
        _ => {}
    }
    match tree.attribute(id, "role").unwrap_or("") {
        "navigation" | "contentinfo" | "search" | "dialog" | "alertdialog" | "menu" | "menubar" | "toolbar"
        | "tablist" | "button" => return 2,
        "banner" | "complementary" | "alert" => return 1,
        "main" | "article" => return 0,
        _ => {}
    }
    if is_hidden(tree, id) {
        return 2;
    }
    // Words in a sentence carry classes of their own: `<code class="nav">`.
    if matches!(
        name,
        "code"
            | "pre"
            | "em"
            | "strong"
            | "b"
            | "i"
            | "math"
            | "sup"
            | "sub"
            | "td"
            | "th"
            | "tr"
            | "tbody"
            | "var"
            | "kbd"
            | "samp"
    ) {
        return 0;
    }
    let mut named = |attribute| tree.attribute(id, attribute).is_some_and(|value: &str| names_chrome(value, known));
    u8::from(named("class") || named("id"))
}

/// Whether classes or an identifier name what is not content. `known` remembers those that were read before.
fn names_chrome(value: &str, known: &mut HashMap<String, bool>) -> bool {
    if value.len() > 600 {
        return false;
    }
    if let Some(held) = known.get(value) {
        return *held;
    }
    let mut sure = false;
    {
        for class in value.split_ascii_whitespace() {
            let lower = class.to_ascii_lowercase();
            if CHROME_NAMES.iter().any(|name| lower.contains(name)) {
                sure = true;
                continue;
            }
            let words = words_of(class);
            let has = |list: &[&str]| words.iter().any(|word| list.contains(&word.as_str()));
            // `no-sidebar`, `has-toc`, `with-nav` speak of something else.
            let of_other = words.first().is_some_and(|word| {
                matches!(word.as_str(), "no" | "has" | "with" | "without" | "is" | "hide" | "show")
            });
            let last_is = words.last().is_some_and(|word| CHROME.contains(&word.as_str()));
            if has(&CHROME) && !of_other && (last_is || !has(&CONTENT)) {
                sure = true;
            }
        }
    }
    known.insert(value.to_owned(), sure);
    sure
}

fn is_hidden(tree: &Tree, id: Id) -> bool {
    if tree.attribute(id, "hidden").is_some_and(|value| value != "until-found") {
        return true;
    }
    if tree.attribute(id, "aria-hidden") == Some("true") {
        return true;
    }
    tree.attribute(id, "style").is_some_and(|style| {
        let style: String =
            style.chars().filter(|c| !c.is_whitespace()).take(400).collect::<String>().to_ascii_lowercase();
        style.contains("display:none") || style.contains("visibility:hidden")
    })
}

fn ancestors(tree: &Tree, id: Id) -> impl Iterator<Item = Id> + '_ {
    std::iter::successors(tree.parent(id), |at| tree.parent(*at))
}
