//! Which part of a page is its content: what is chrome (navigation, footers, consent boxes, link lists) is taken out.
//!
//! Three steps, each on figures of the page alone:
//!
//! 1. what can never be content goes: scripts, forms' controls, hidden elements, elements that say by name, role or class
//!    what they are — but never one that holds most of the page's text;
//! 2. the smallest element that is marked as the main part and holds enough of what is left becomes the root;
//! 3. within it, blocks that are links and little else go, and short lines that speak about the page and not of its subject.

mod chrome;

use super::tree::{Data, Id, Tree};
use chrome::says_chrome;
use std::collections::HashMap;

/// How much text a node holds, in characters without white space; a formula counts as its TeX.
#[derive(Debug, Clone, Copy, Default)]
struct Mass {
    text: u32,
    linked: u32,
    links: u32,
    formulas: u32,
    controls: u32,
    paragraphs: u32,
}

/// Prunes a page and says which element its content is in.
pub fn prune(tree: &mut Tree) -> Id {
    remove_never(tree);
    let body = tree.within(Tree::ROOT).find(|node| tree.name(*node) == "body").unwrap_or(Tree::ROOT);
    remove_chrome(tree, body);
    let root = main_part(tree, body);
    remove_link_blocks(tree, root);
    remove_asides(tree, root);
    root
}

/// Characters that are not white space.
fn solid(text: &str) -> u32 {
    let count = if text.is_ascii() {
        text.bytes().filter(|byte| !matches!(byte, b' ' | b'\n' | b'\r' | b'\t' | 0xc)).count()
    } else {
        text.chars().filter(|c| !c.is_whitespace()).count()
    };
    u32::try_from(count).unwrap_or(u32::MAX)
}

fn weigh(tree: &Tree, root: Id) -> Vec<Mass> {
    let order: Vec<Id> = tree.within(root).collect();
    let mut mass = vec![Mass::default(); tree.len()];
    for id in order.iter().rev() {
        let at = *id as usize;
        match tree.data(*id) {
            Data::Text(text) => mass[at].text += solid(text),
            Data::Formula(tex, _) => {
                mass[at].text += tex.len().min(200) as u32;
                mass[at].formulas += 1;
            }
            Data::Element(name, _) => match &*name.local {
                "a" => {
                    mass[at].linked = mass[at].text;
                    mass[at].links += 1;
                }
                "button" | "input" | "select" | "textarea" => mass[at].controls += 1,
                "p" if mass[at].text.saturating_sub(mass[at].linked) > 60 => mass[at].paragraphs += 1,
                _ => {}
            },
            _ => {}
        }
        if let Some(parent) = tree.parent(*id)
            && *id != root
        {
            let own = mass[at];
            let held = &mut mass[parent as usize];
            held.text += own.text;
            held.linked += own.linked;
            held.links += own.links;
            held.formulas += own.formulas;
            held.controls += own.controls;
            held.paragraphs += own.paragraphs;
        }
    }
    mass
}

/// Scripts, styles and what is never text.
fn remove_never(tree: &mut Tree) {
    let mut at = Some(Tree::ROOT);
    while let Some(id) = at {
        let never = match tree.name(id) {
            "script" | "style" | "template" | "svg" | "canvas" | "iframe" | "frame" | "object" | "embed" | "applet"
            | "audio" | "video" | "map" | "select" | "textarea" | "button" | "input" | "datalist" | "link" | "meta"
            | "title" | "base" | "area" | "source" | "track" | "progress" | "meter" | "optgroup" | "dialog" => true,
            "noscript" => true,
            // The sign beside a heading that links to it.
            "a" => matches!(tree.text(id).trim(), "¶" | "#" | "§" | "🔗" | "⚓"),
            "" => matches!(tree.data(id), Data::Other),
            _ => false,
        };
        let next = if never { tree.after(id, Tree::ROOT) } else { tree.following(id, Tree::ROOT) };
        if never {
            tree.remove(id);
        }
        at = next;
    }
}

fn remove_chrome(tree: &mut Tree, body: Id) {
    let mass = weigh(tree, body);
    let whole = mass[body as usize];
    let mut known = HashMap::new();
    let mut at = Some(body);
    while let Some(id) = at {
        let sure = says_chrome(tree, id, &mut known);
        let own = mass[id as usize];
        // What holds most of the page is the page, whatever it calls itself.
        let share = own.text as f64 / f64::from(whole.text.max(1));
        let prose = own.text.saturating_sub(own.linked);
        let goes = match sure {
            2 => share < 0.6 || own.linked * 2 > own.text,
            1 => {
                share < 0.35 && own.formulas * 3 <= whole.formulas.max(1) && own.paragraphs < 6
                    || prose < 40 && own.formulas == 0
            }
            _ => false,
        } || is_form(tree, id) && share < 0.2 && own.paragraphs < 2;
        let next = if goes { tree.after(id, body) } else { tree.following(id, body) };
        if goes && id != body {
            tree.remove(id);
        }
        at = next;
    }
}

/// A form that is filled in, and not one that is put around a whole page.
fn is_form(tree: &Tree, id: Id) -> bool {
    matches!(tree.name(id), "form" | "fieldset")
}

/// The smallest element that is marked as the main part and holds enough of the text.
fn main_part(tree: &Tree, body: Id) -> Id {
    let mass = weigh(tree, body);
    let prose = |id: Id| {
        let own = mass[id as usize];
        own.text.saturating_sub(own.linked)
    };
    let whole = prose(body).max(1);
    let mut best: Option<(Id, u32)> = None;
    for id in tree.within(body) {
        let name = tree.name(id);
        if name.is_empty() || id == body {
            continue;
        }
        let named = |list: &[&str]| {
            ["id", "class", "itemprop"].iter().any(|attribute| {
                tree.attribute(id, attribute).is_some_and(|value| {
                    value.split_ascii_whitespace().any(|one| list.iter().any(|name| one.eq_ignore_ascii_case(name)))
                })
            })
        };
        let least = if name == "main"
            || tree.attribute(id, "role") == Some("main")
            || named(&["articleBody", "mw-parser-output", "markdown-body", "mw-content-text"])
        {
            0.35
        } else if name == "article"
            || tree.attribute(id, "role") == Some("article")
            || named(&[
                "entry-content",
                "post-content",
                "article-content",
                "article-body",
                "post-body",
                "article__body",
                "story-body",
                "main-content",
                "maincontent",
                "theme-doc-markdown",
                "md-content",
                "rst-content",
            ])
        {
            0.5
        } else if named(&[
            "content",
            "main",
            "contents",
            "bodyContent",
            "body",
            "document",
            "page-content",
            "post",
            "documentation",
            "docs-content",
            "container-main",
        ]) {
            0.6
        } else {
            continue;
        };
        let share = f64::from(prose(id)) / f64::from(whole);
        if share >= least {
            // Of those within each other the innermost that still holds nearly all of the outer.
            match best {
                Some((_, held)) if f64::from(prose(id)) < 0.8 * f64::from(held) => {}
                _ => best = Some((id, prose(id))),
            }
        }
    }
    best.map_or(body, |(id, _)| id)
}

fn is_block(name: &str) -> bool {
    matches!(
        name,
        "ul" | "ol"
            | "dl"
            | "div"
            | "section"
            | "table"
            | "p"
            | "td"
            | "center"
            | "tr"
            | "li"
            | "span"
            | "h4"
            | "h5"
            | "h6"
            | "dd"
            | "details"
    )
}

/// Blocks that are links and little else.
fn remove_link_blocks(tree: &mut Tree, root: Id) {
    let mass = weigh(tree, root);
    let whole = mass[root as usize];
    // A page that is a list of links has no other content.
    if whole.linked * 10 > whole.text * 7 {
        return;
    }
    let mut at = Some(root);
    while let Some(id) = at {
        let own = mass[id as usize];
        let name = tree.name(id);
        let linked = f64::from(own.linked) / f64::from(own.text.max(1));
        let each = own.linked / own.links.max(1);
        let share = f64::from(own.text) / f64::from(whole.text.max(1));
        let goes = id != root
            && is_block(name)
            && own.formulas == 0
            && own.links > 0
            && share < 0.3
            && match name {
                "ul" | "ol" | "table" | "dl" => own.links >= 3 && (linked > 0.75 && each < 70 || linked > 0.9),
                "div" | "section" | "center" | "details" => own.links >= 3 && linked > 0.7 && each < 60,
                "p" | "td" | "tr" => own.links >= 3 && linked > 0.8 && each < 30,
                _ => false,
            };
        let next = if goes { tree.after(id, root) } else { tree.following(id, root) };
        if goes {
            tree.remove(id);
        }
        at = next;
    }
}

/// Short blocks that speak about the page: who may copy it, where to go next.
fn remove_asides(tree: &mut Tree, root: Id) {
    /// Whole blocks, in the languages of the pages tried: names of networks, of forms and of lists of links.
    const LABELS: [&str; 62] = [
        "facebook",
        "twitter",
        "tweet",
        "linkedin",
        "pinterest",
        "reddit",
        "whatsapp",
        "email",
        "e-mail",
        "print",
        "share",
        "like",
        "follow",
        "rss",
        "login",
        "log in",
        "sign in",
        "sign up",
        "register",
        "logout",
        "reply",
        "quote",
        "report",
        "search",
        "search tags",
        "tags",
        "add comment",
        "add a comment",
        "comments",
        "no comments",
        "leave a comment",
        "related questions",
        "related posts",
        "related articles",
        "related content",
        "see also:",
        "table of contents",
        "contents",
        "on this page",
        "in this article",
        "policies",
        "privacy",
        "terms of use",
        "contact",
        "contact us",
        "about us",
        "home",
        "menu",
        "navigation",
        "advertisement",
        "advertisements",
        "anzeige",
        "werbung",
        "publicité",
        "publicidad",
        "реклама",
        "広告",
        "广告",
        "pdf version",
        "printable version",
        "permalink",
        "subscribe",
    ];
    const OPENINGS: [&str; 34] = [
        "skip to ",
        "jump to ",
        "back to top",
        "return to top",
        "share this",
        "share on",
        "follow us",
        "sign up",
        "subscribe",
        "all rights reserved",
        "copyright ©",
        "© ",
        "copyright (c)",
        "powered by",
        "edit this page",
        "edit on github",
        "suggest edits",
        "was this page",
        "was this helpful",
        "previous",
        "next",
        "prev",
        "click here to",
        "log in",
        "sign in",
        "read more",
        "leave a comment",
        "leave a reply",
        "posted in",
        "filed under",
        "tagged",
        "view all",
        "print this",
        "report a bug",
    ];
    let mass = weigh(tree, root);
    let mut at = Some(root);
    while let Some(id) = at {
        let own = mass[id as usize];
        let short = own.text > 0 && own.text < 90 && own.formulas == 0 && id != root;
        let block = matches!(
            tree.name(id),
            "p" | "div"
                | "ul"
                | "ol"
                | "li"
                | "table"
                | "address"
                | "small"
                | "center"
                | "section"
                | "h2"
                | "h3"
                | "h4"
                | "h5"
        );
        let goes = short && block && {
            let text = tree.text(id).split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase();
            LABELS.contains(&text.trim_end_matches([':', '»', '>', '…', ' ']))
                || (text.starts_with("posted in ") || text.starts_with("filed under ")) && own.links > 0
                || OPENINGS.iter().any(|opening| text.starts_with(opening))
                    && (own.links > 0 || text.contains("rights") || text.contains('©') || text.contains("copyright"))
                || text.contains("all rights reserved")
                || text.contains("privacy policy") && own.links > 0
        };
        let next = if goes { tree.after(id, root) } else { tree.following(id, root) };
        if goes {
            tree.remove(id);
        }
        at = next;
    }
}
