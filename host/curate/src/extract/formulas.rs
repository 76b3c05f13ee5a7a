//! The pass over a page that finds its formulas and puts their TeX in place of what shows them.
//!
//! It runs before anything is pruned: formulas hide in scripts, hidden elements, pictures and attributes. In this order of
//! trust: the source that the page carries (`<script type="math/tex">`, annotations, `data-latex`, `alt`), then MathML
//! converted, then what is left of a KaTeX page without a source. Formulas written in the text with delimiters are left to
//! [`delimiters`](super::delimiters), which sees whole paragraphs.

mod images;

use super::mathml;
use super::tree::{Id, Tree};

/// The longest formula that is kept, in bytes. What is longer is not one.
pub const LONGEST: usize = 20_000;

/// Puts formulas in place of the elements that show them; says how many there were.
pub fn replace(tree: &mut Tree) -> usize {
    let mut found = 0;
    let mut at = Some(Tree::ROOT);
    while let Some(id) = at {
        let mut skip = false;
        match decide(tree, id) {
            Decision::Formula(tex, display) => {
                let tex = tex.trim();
                if tex.is_empty() || tex.len() > LONGEST {
                    at = tree.after(id, Tree::ROOT);
                    tree.remove(id);
                    continue;
                }
                let tex = tex.to_owned();
                tree.replace_by_formula(id, tex, display);
                found += 1;
                skip = true;
            }
            Decision::Shadow => {
                at = tree.after(id, Tree::ROOT);
                tree.remove(id);
                continue;
            }
            Decision::Nothing => {}
        }
        at = if skip { tree.after(id, Tree::ROOT) } else { tree.following(id, Tree::ROOT) };
    }
    found
}

enum Decision {
    /// The element is a formula: its TeX, and whether it stands alone.
    Formula(String, bool),
    /// The element shows a formula whose source lies elsewhere.
    Shadow,
    Nothing,
}

fn decide(tree: &Tree, id: Id) -> Decision {
    let name = tree.name(id);
    if name.is_empty() {
        return Decision::Nothing;
    }
    let local = name.rsplit(':').next().unwrap_or(name);
    match local {
        "script" => script(tree, id),
        "math" => Decision::Formula(of_math(tree, id), is_display(tree, id)),
        "mjx-container" => mathjax3(tree, id),
        "img" | "image" | "amp-img" => images::image(tree, id),
        "tex" | "latex" if name == local => Decision::Formula(tree.text(id), false),
        _ => by_attributes(tree, id),
    }
}

fn script(tree: &Tree, id: Id) -> Decision {
    let Some(kind) = tree.attribute(id, "type") else { return Decision::Nothing };
    let kind = kind.to_ascii_lowercase();
    let display = kind.contains("mode=display");
    let source = || without_cdata(&tree.text(id)).to_owned();
    if kind.starts_with("math/tex") || kind.starts_with("math/latex") {
        return Decision::Formula(source(), display);
    }
    if kind.starts_with("math/asciimath") {
        return Decision::Formula(super::asciimath::latex(&source()), display);
    }
    if kind.starts_with("math/mml") {
        return match Tree::parse(&source()) {
            Ok(inner) => {
                let math = inner.within(Tree::ROOT).find(|node| inner.name(*node) == "math");
                Decision::Formula(math.map(|math| of_math(&inner, math)).unwrap_or_default(), display)
            }
            Err(_) => Decision::Shadow,
        };
    }
    Decision::Nothing
}

/// The TeX of a `<math>`: its annotation, its `alttext`, MathJax's `data-latex`, or what it converts to.
fn of_math(tree: &Tree, math: Id) -> String {
    if let Some(tex) = annotation(tree, math) {
        return tex;
    }
    for name in ["alttext", "data-latex", "data-tex"] {
        if let Some(tex) = tree.attribute(math, name).filter(|tex| !tex.trim().is_empty()) {
            return bare(tex).0.to_owned();
        }
    }
    // MathJax 3 keeps the source on the outermost row.
    let row = tree.within(math).skip(1).find(|node| tree.attribute(*node, "data-latex").is_some());
    if let Some(row) = row
        && tree.parent(row) == Some(math)
        && tree.children(math).filter(|child| !tree.name(*child).is_empty()).count() == 1
        && let Some(tex) = tree.attribute(row, "data-latex")
    {
        return tex.to_owned();
    }
    mathml::latex(tree, math)
}

fn annotation(tree: &Tree, within: Id) -> Option<String> {
    tree.within(within)
        .filter(|node| tree.name(*node).ends_with("annotation"))
        .find(|node| {
            tree.attribute(*node, "encoding").is_some_and(|encoding| {
                let encoding = encoding.to_ascii_lowercase();
                encoding.contains("x-tex") || encoding.contains("x-latex") || encoding == "latex" || encoding == "tex"
            })
        })
        .map(|node| tree.text(node))
        .filter(|tex| !tex.trim().is_empty())
        .map(|tex| bare(&tex).0.to_owned())
}

fn is_display(tree: &Tree, math: Id) -> bool {
    let block = |id: Id| {
        tree.attribute(id, "display").is_some_and(|display| display == "block" || display == "true")
            || tree.attribute(id, "mode").is_some_and(|mode| mode == "display")
    };
    block(math)
        || tree
            .parent(math)
            .is_some_and(|parent| tree.name(parent) == "td" && tree.has_class(parent, &["ltx_eqn_cell"]))
}

fn mathjax3(tree: &Tree, id: Id) -> Decision {
    let display = is_display(tree, id);
    if let Some(tex) = tree.attribute(id, "data-latex").or_else(|| tree.attribute(id, "data-tex")) {
        return Decision::Formula(tex.to_owned(), display);
    }
    let outer = tree.within(id).find(|node| {
        let name = tree.name(*node);
        (name == "mjx-math" || name == "math" || tree.attribute(*node, "data-mml-node") == Some("math"))
            && tree.attribute(*node, "data-latex").is_some()
    });
    if let Some(tex) = outer.and_then(|node| tree.attribute(node, "data-latex")) {
        return Decision::Formula(tex.to_owned(), display);
    }
    let math = tree.within(id).find(|node| tree.name(*node) == "math");
    if let Some(math) = math {
        return Decision::Formula(of_math(tree, math), display || is_display(tree, math));
    }
    for name in ["aria-label", "title"] {
        if let Some(spoken) = tree.attribute(id, name).filter(|text| text.contains('\\')) {
            return Decision::Formula(spoken.to_owned(), display);
        }
    }
    // The letters that are drawn, where nothing else is left.
    let drawn: String = tree
        .within(id)
        .filter_map(|node| tree.attribute(node, "data-c"))
        .filter_map(|code| u32::from_str_radix(code, 16).ok().and_then(char::from_u32))
        .collect();
    let shown: String = if drawn.is_empty() { tree.text(id) } else { drawn };
    Decision::Formula(super::symbols::spelled(&shown), display)
}

fn by_attributes(tree: &Tree, id: Id) -> Decision {
    for name in
        ["data-katex", "data-expr", "data-tex", "data-latex", "data-math", "data-formula", "data-entry", "data-display"]
    {
        let Some(tex) = tree.attribute(id, name) else { continue };
        let says = match name {
            "data-display" => tree.has_class(id, &["wp-katex-eq"]),
            "data-entry" => tree.has_class(id, &["hurmet-tex", "hurmet-calc"]),
            "data-expr" => tree.has_class(id, &["tex"]),
            "data-math" | "data-formula" => tex.contains(['\\', '^', '_', '=']),
            _ => true,
        };
        if !says || tex.trim().is_empty() {
            continue;
        }
        if name == "data-display" {
            return Decision::Formula(tree.text(id), tex == "true");
        }
        let (tex, display) = bare(tex);
        return Decision::Formula(
            tex.to_owned(),
            display || tree.has_class(id, &["display", "display-math", "math-display"]),
        );
    }
    let Some(classes) = tree.attribute(id, "class") else { return Decision::Nothing };
    let has = |wanted: &[&str]| classes.split_ascii_whitespace().any(|class| wanted.contains(&class));
    if has(&["katex", "katex-display", "katex--inline", "katex--display", "mwe-math-element"]) {
        return rendered(tree, id, has(&["katex-display", "katex--display"]));
    }
    if has(&["MathJax_Preview", "MJX_Assistive_MathML"]) {
        return Decision::Shadow;
    }
    if has(&[
        "MathJax",
        "MathJax_Display",
        "MathJax_SVG",
        "MathJax_SVG_Display",
        "MathJax_CHTML",
        "mjx-chtml",
        "MathJax_MathML",
        "MathJax_SVG_Hidden",
    ]) {
        return mathjax2(tree, id);
    }
    if has(&["texerror"]) {
        return Decision::Formula(tree.text(id), false);
    }
    if has(&["language-math"]) && tree.name(id) == "code" {
        let display = tree.parent(id).is_some_and(|parent| tree.name(parent) == "pre");
        return Decision::Formula(tree.text(id), display);
    }
    Decision::Nothing
}

/// What KaTeX or MediaWiki made of a formula: an annotation, MathML, or the letters that are shown.
fn rendered(tree: &Tree, id: Id, display: bool) -> Decision {
    let display = display
        || tree.parent(id).is_some_and(|parent| tree.has_class(parent, &["katex-display", "katex--display"]))
        || tree.within(id).any(|node| tree.has_class(node, &["katex-display", "mwe-math-mathml-display"]));
    if let Some(tex) = annotation(tree, id) {
        return Decision::Formula(tex, display);
    }
    if let Some(math) = tree.within(id).find(|node| tree.name(*node).ends_with("math") && !tree.name(*node).is_empty())
    {
        return Decision::Formula(of_math(tree, math), display || is_display(tree, math));
    }
    let image = tree.within(id).find(|node| tree.name(*node) == "img");
    if let Some(alt) = image.and_then(|image| tree.attribute(image, "alt")).filter(|alt| !alt.trim().is_empty()) {
        return Decision::Formula(bare(alt).0.to_owned(), display);
    }
    // A page that lost its MathML holds the letters, and after them the source.
    if let Some(held) = tree.within(id).find(|node| tree.has_class(*node, &["katex-mathml"])) {
        let text = tree.text(held);
        let source = text.trim_end().rsplit("\n\n").next().unwrap_or("").trim();
        let spelled = if source.is_empty() { super::symbols::spelled(&text) } else { source.to_owned() };
        return Decision::Formula(spelled, display);
    }
    let shown: String = tree.text(id).chars().filter(|c| !matches!(c, '\u{200b}' | '\u{feff}')).collect();
    Decision::Formula(super::symbols::spelled(&shown), display)
}

/// What MathJax 2 made of a formula. The script beside it has the source; a saved page may have lost it.
fn mathjax2(tree: &Tree, id: Id) -> Decision {
    let mut beside = tree.next(id);
    for _ in 0..3 {
        let Some(node) = beside else { break };
        if tree.name(node) == "script" && tree.attribute(node, "type").is_some_and(|kind| kind.starts_with("math/")) {
            return Decision::Shadow;
        }
        beside = tree.next(node);
    }
    let inner = tree.within(id).take(2_000).find(|node| {
        tree.name(*node) == "script" && tree.attribute(*node, "type").is_some_and(|kind| kind.starts_with("math/"))
    });
    if inner.is_some() {
        return Decision::Nothing;
    }
    let display = tree.has_class(id, &["MathJax_Display", "MathJax_SVG_Display"]);
    if let Some(written) = tree.within(id).find_map(|node| tree.attribute(node, "data-mathml"))
        && let Ok(page) = Tree::parse(written)
        && let Some(math) = page.within(Tree::ROOT).find(|node| page.name(*node) == "math")
    {
        return Decision::Formula(of_math(&page, math), display || is_display(&page, math));
    }
    if let Some(math) = tree.within(id).find(|node| tree.name(*node) == "math") {
        return Decision::Formula(of_math(tree, math), display);
    }
    let parent = tree.parent(id).and_then(|parent| tree.next(parent));
    let shadow = parent.is_some_and(|node| {
        tree.name(node) == "script" && tree.attribute(node, "type").is_some_and(|kind| kind.starts_with("math/"))
    });
    if shadow { Decision::Shadow } else { Decision::Formula(super::symbols::spelled(&tree.text(id)), display) }
}

/// A formula without the delimiters around it, and whether they set it on lines of its own.
pub fn bare(tex: &str) -> (&str, bool) {
    let mut tex = tex.trim();
    let mut display = false;
    for _ in 0..3 {
        let pairs = [
            ("$$", "$$", true),
            ("\\[", "\\]", true),
            ("\\(", "\\)", false),
            ("$", "$", false),
            ("\\begin{displaymath}", "\\end{displaymath}", true),
            ("\\begin{math}", "\\end{math}", false),
        ];
        let found = pairs.iter().find_map(|(open, close, sets)| {
            let inner = tex.strip_prefix(open)?.strip_suffix(close)?;
            (!inner.contains(open) || open.len() > 2).then_some((inner, *sets))
        });
        let Some((inner, sets)) = found else { break };
        tex = inner.trim();
        display |= sets;
    }
    (tex, display)
}

fn without_cdata(text: &str) -> &str {
    let text = text.trim();
    let text = text
        .strip_prefix("% <![CDATA[")
        .or_else(|| text.strip_prefix("<![CDATA["))
        .or_else(|| text.strip_prefix("//<![CDATA["))
        .unwrap_or(text);
    text.strip_suffix("%]]>")
        .or_else(|| text.strip_suffix("]]>"))
        .or_else(|| text.strip_suffix("//]]>"))
        .unwrap_or(text)
        .trim()
}
