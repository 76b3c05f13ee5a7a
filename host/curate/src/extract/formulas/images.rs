//! Formulas that pages show as pictures: known by class, by the service that draws them, or by what their `alt` says.

use super::{Decision, bare};
use crate::extract::tree::{Id, Tree};

/// A picture of a formula: by its class, by where it comes from, or by what its `alt` says.
pub(super) fn image(tree: &Tree, id: Id) -> Decision {
    let source = tree.attribute(id, "src").or_else(|| tree.attribute(id, "data-src")).unwrap_or("");
    let alt = tree.attribute(id, "alt").unwrap_or("").trim();
    let title = tree.attribute(id, "title").unwrap_or("").trim();
    let classes = tree.attribute(id, "class").unwrap_or("");
    let has = |wanted: &[&str]| {
        classes.split_ascii_whitespace().any(|class| wanted.iter().any(|name| class.eq_ignore_ascii_case(name)))
    };
    let standing = has(&[
        "latexdisplay",
        "latexcenter",
        "latexblock",
        "formulaDsp",
        "math-display",
        "tex-display",
        "mwe-math-fallback-image-display",
    ]);
    let lower = source.get(..source.len().min(400)).unwrap_or("").to_ascii_lowercase();
    let of_alt = |alt: &str| {
        let (tex, display) = bare(alt);
        Decision::Formula(tex.to_owned(), display || standing)
    };
    let marked = has(&[
        "latex",
        "latexcenter",
        "latexdisplay",
        "latexblock",
        "tex",
        "math",
        "formula",
        "formulainl",
        "formuladsp",
        "x-ck12-math",
        "x-ck12-hwpmath",
        "mwe-math-fallback-image-inline",
        "mwe-math-fallback-image-display",
        "equation",
        "math-inline",
        "math-display",
        "tex-display",
        "ql-img-inline-formula",
        "ql-img-displayed-equation",
        "mathtex",
        "wp-latex",
        "latexmath",
        "equation_image",
        "ee_img",
    ]);
    let drawn = [
        "latex.codecogs.com",
        "codecogs.com/",
        "latex.php",
        "mathtex.cgi",
        "mimetex.cgi",
        "/render/math",
        "chart?cht=tx",
        "/math/render/",
        "/images/math/",
        "wp.com/latex",
        "quicklatex.com",
        "latex2image",
        "zhihu.com/equation",
    ];
    if let Some(service) = drawn.iter().find(|service| lower.contains(**service)) {
        let query = source_of(source, service);
        let from_query = query.filter(|tex| !tex.trim().is_empty());
        // The alt has been read by the page's own author; the query may be escaped twice.
        let tex = if !alt.is_empty() && (alt.contains(['\\', '^', '_', '=']) || from_query.is_none()) {
            alt.to_owned()
        } else {
            from_query.unwrap_or_default()
        };
        return of_alt(tex.trim());
    }
    let data = ["data-equation-content", "data-latex", "data-tex", "data-formula"]
        .iter()
        .find_map(|name| tree.attribute(id, name));
    if let Some(tex) = data.filter(|tex| !tex.trim().is_empty()) {
        return of_alt(tex);
    }
    if marked && !alt.is_empty() && !looks_like_name(alt) {
        return of_alt(alt);
    }
    let delimited = |text: &str| {
        text.len() > 2
            && (text.starts_with('$') && text.ends_with('$')
                || text.starts_with("\\(")
                || text.starts_with("\\[")
                || text.starts_with("\\begin{"))
    };
    if delimited(alt) {
        return of_alt(alt);
    }
    // LaTeX2HTML's later versions leave the dollars away, and some pages lost the backslashes.
    if alt.starts_with("begin{") && alt.contains("end{") {
        return of_alt(&with_backslashes(alt));
    }
    let tex =
        alt.contains('\\') && (alt.contains(['{', '^', '_']) || alt.matches('\\').count() > 1) && !alt.contains(":\\");
    if tex {
        return of_alt(alt);
    }
    if delimited(title) {
        return of_alt(title);
    }
    Decision::Nothing
}

/// The TeX in the address of a service that draws formulas.
fn source_of(address: &str, service: &str) -> Option<String> {
    let query = address.split_once('?').map(|(_, query)| query)?;
    let raw = match service {
        "latex.codecogs.com" | "codecogs.com/" | "mathtex.cgi" | "mimetex.cgi" => query,
        _ => query.split('&').find_map(|part| {
            let (key, value) = part.split_once('=')?;
            matches!(key, "latex" | "tex" | "chl" | "formula" | "eq" | "math").then_some(value)
        })?,
    };
    let plus = service != "latex.codecogs.com" && service != "codecogs.com/";
    Some(percent_decoded(raw, plus))
}

fn percent_decoded(text: &str, plus: bool) -> String {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let hex = |place: usize| bytes.get(place).and_then(|digit| char::from(*digit).to_digit(16));
        match bytes[at] {
            b'%' => match (hex(at + 1), hex(at + 2)) {
                (Some(high), Some(low)) => {
                    out.push((high * 16 + low) as u8);
                    at += 2;
                }
                _ => out.push(b'%'),
            },
            b'+' if plus => out.push(b' '),
            byte => out.push(byte),
        }
        at += 1;
    }
    String::from_utf8_lossy(&out).into_owned()
}

fn looks_like_name(alt: &str) -> bool {
    let lower = alt.to_ascii_lowercase();
    [".png", ".gif", ".jpg", ".svg"].iter().any(|end| lower.ends_with(end))
        || matches!(lower.as_str(), "image" | "formula" | "equation" | "math" | "latex")
}

/// Commands that get their backslash back where a page lost it. Only whole words that are no names of quantities.
fn with_backslashes(text: &str) -> String {
    const COMMANDS: [&str; 34] = [
        "begin",
        "end",
        "frac",
        "left",
        "right",
        "sqrt",
        "sum",
        "int",
        "times",
        "cdot",
        "alpha",
        "beta",
        "gamma",
        "delta",
        "epsilon",
        "lambda",
        "mu",
        "nu",
        "pi",
        "rho",
        "sigma",
        "tau",
        "phi",
        "psi",
        "omega",
        "theta",
        "partial",
        "infty",
        "vert",
        "langle",
        "rangle",
        "displaystyle",
        "mathrm",
        "rm",
    ];
    let mut out = String::with_capacity(text.len() + 32);
    let mut rest = text;
    while !rest.is_empty() {
        let word: String = rest.chars().take_while(char::is_ascii_alphabetic).collect();
        if word.is_empty() {
            let first = rest.chars().next().unwrap_or(' ');
            out.push(first);
            rest = &rest[first.len_utf8()..];
            continue;
        }
        let command = COMMANDS.iter().find(|command| word == **command).or_else(|| {
            COMMANDS.iter().take(4).find(|command| word.starts_with(**command) && word.len() == command.len() + 1)
        });
        if let Some(command) = command
            && !out.ends_with('{')
            && !out.ends_with('\\')
        {
            out.push('\\');
            out.push_str(command);
            if word.len() > command.len() {
                out.push(' ');
            }
            out.push_str(&word[command.len()..]);
        } else {
            out.push_str(&word);
        }
        rest = &rest[word.len()..];
    }
    out
}
