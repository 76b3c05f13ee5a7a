//! Pages of our own that hold each form of a formula and each kind of chrome, and pages that mean harm.

use super::*;
use octo_record::NoDocument;

fn text(html: &str) -> String {
    page(html.as_bytes(), None).unwrap().text
}

fn body(inner: &str) -> String {
    text(&format!("<html><body><p>Some words so that there is a page around it.</p>{inner}</body></html>"))
}

/// What a page says after its first paragraph.
fn after(inner: &str) -> String {
    body(inner).strip_prefix("Some words so that there is a page around it.").unwrap().trim().to_owned()
}

#[test]
fn formulas_in_every_form() {
    let rows = [
        (r#"<p>let <script type="math/tex">x^2</script></p>"#, "let $x^2$"),
        (r#"<script type="math/tex; mode=display">x^2</script>"#, "$$x^2$$"),
        (
            r#"<p><span class="MathJax_Preview">x2</span><span class="MathJax">x2</span><script type="math/tex">x^2</script></p>"#,
            "$x^2$",
        ),
        (r#"<p><span class="MathJax" data-mathml="<math><mi>x</mi></math>">x</span></p>"#, "$x$"),
        (r#"<p><math alttext="x^{2}"><msup><mi>x</mi><mn>2</mn></msup></math></p>"#, "$x^{2}$"),
        (
            r#"<p><math><semantics><mi>x</mi><annotation encoding="application/x-tex">x_0</annotation></semantics></math></p>"#,
            "$x_0$",
        ),
        (r#"<math display="block"><mfrac><mn>1</mn><mi>n</mi></mfrac></math>"#, r"$$\frac{1}{n}$$"),
        (
            r#"<p><span class="katex"><span class="katex-mathml"><math><semantics><mi>x</mi><annotation encoding="application/x-tex">x</annotation></semantics></math></span><span class="katex-html" aria-hidden="true">x</span></span></p>"#,
            "$x$",
        ),
        (
            r#"<p><mjx-container><mjx-math data-latex="a \le b">ab</mjx-math><mjx-assistive-mml><math><mi>a</mi></math></mjx-assistive-mml></mjx-container></p>"#,
            r"$a \le b$",
        ),
        (r#"<p><img class="latex" alt="\kappa" src="x.png"></p>"#, r"$\kappa$"),
        (r#"<p><img src="https://latex.codecogs.com/gif.latex?%5Cfrac%7B1%7D%7B2%7D"></p>"#, r"$\frac{1}{2}$"),
        (r#"<p><img src="https://s0.wp.com/latex.php?latex=x%5E2&bg=fff" alt=""></p>"#, "$x^2$"),
        (r#"<p><img alt="\begin{displaymath}x &gt; 1\end{displaymath}" src="i.gif"></p>"#, "$$x > 1$$"),
        (r#"<p><img class="formulaDsp" alt="\[ X = 1 \]" src="f.png"></p>"#, "$$X = 1$$"),
        (r#"<p><span class="tex" data-expr="x+1"></span></p>"#, "$x+1$"),
        (r"<p>so \(x+1\) and \[y\]</p>", "so $x+1$ and $$y$$"),
        (r"<p>\begin{align}a&amp;=b\end{align}</p>", r"$$\begin{align}a&=b\end{align}$$"),
        (r"<p>let $x_1$ be</p>", "let $x_1$ be"),
        ("<p>[itex]e^x[/itex]</p>", "$e^x$"),
        ("<p>10<sup>3</sup> and H<sub>2</sub>O, on the 4<sup>th</sup></p>", "10^{3} and H_{2}O, on the 4th"),
        (r#"<pre><code class="language-math">x^2</code></pre>"#, "```\nx^2\n```"),
        ("<p>𝑥 is a letter of a formula in Unicode</p>", "𝑥 is a letter of a formula in Unicode"),
    ];
    for (html, wanted) in rows {
        assert_eq!(after(html), wanted, "{html}");
    }
}

#[test]
fn a_pictures_name_is_not_a_formula() {
    for html in [
        r#"<p>a<img src="cat.png" alt="a cat"></p>"#,
        r#"<p>a<img class="math" src="x.png" alt="image"></p>"#,
        r#"<p>a<img src="x" alt="C:\temp"></p>"#,
    ] {
        assert_eq!(after(html), "a", "{html}");
    }
}

#[test]
fn money_is_escaped_beside_formulas_and_nowhere_else() {
    assert_eq!(after("<p>from $5 to $10</p>"), "from $5 to $10");
    assert_eq!(after(r"<p>from $5 to $10 for \(x\)</p>"), r"from \$5 to \$10 for $x$");
}

#[test]
fn asciimath_is_read_where_the_page_loads_it() {
    let page_of = |head: &str| {
        text(&format!("<html><head>{head}</head><body><p>Let `x^2` be a number of this page.</p></body></html>"))
    };
    assert_eq!(page_of(r#"<script src="ASCIIMathML.js"></script>"#), "Let $x^{2}$ be a number of this page.");
    assert_eq!(page_of(""), "Let `x^2` be a number of this page.");
}

#[test]
fn lists_tables_and_code_stay_readable() {
    assert_eq!(
        after("<h2>Title <a href=#t>¶</a></h2><ul><li>one<li>two<ul><li>inner</ul></ul><ol start=3><li>three</ol>"),
        "## Title\n\n- one\n- two\n  - inner\n\n3. three"
    );
    assert_eq!(after("<table><tr><th>a<th>b<tr><td>1<td>2 <b>x</b></table>"), "a | b\n1 | 2 x");
    assert_eq!(after("<pre>\nfn main() {\n    run();\n}\n</pre>"), "```\nfn main() {\n    run();\n}\n```");
}

#[test]
fn chrome_goes_and_content_stays() {
    let long = "This sentence is part of the article and says something of substance. ".repeat(6);
    let html = format!(
        r##"<html><body><header><a href="/">Site</a></header><nav><a href=1>Home</a><a href=2>About</a></nav>
        <div class="cookie-banner">We use cookies.</div>
        <main><article><h1>Heading</h1><p>{long}</p><div class="share-buttons"><a href=x>Tweet</a></div>
        <ul class="related"><li><a href=a>Another one</a></li><li><a href=b>One more</a></li></ul></article></main>
        <aside>Advertisement</aside><footer>© 2021 All rights reserved</footer></body></html>"##
    );
    assert_eq!(text(&html), format!("# Heading\n\n{}", long.trim()));
    // A page that calls all of itself a sidebar is still a page.
    let named = format!(r#"<body><div class="sidebar"><p>{long}</p></div></body>"#);
    assert_eq!(text(&named), long.trim());
}

#[test]
fn charsets_by_declaration_and_by_look() {
    let of = |bytes: &[u8], server: Option<&str>| {
        let found = page(bytes, server).unwrap();
        (found.text, found.charset)
    };
    assert_eq!(of("<p>naïve</p>".as_bytes(), Some("iso-8859-1")), ("naïve".into(), "UTF-8"));
    assert_eq!(of(b"<meta charset=iso-8859-15><p>na\xefve</p>", None), ("naïve".into(), "ISO-8859-15"));
    let (japanese, _, _) = encoding_rs::SHIFT_JIS.encode("<p>これは日本語の文章です。数学の問題を解きます。</p>");
    let (said, name) = of(&japanese, Some("iso-8859-1"));
    assert_eq!((said.as_str(), name), ("これは日本語の文章です。数学の問題を解きます。", "Shift_JIS"));
}

#[test]
fn hostile_pages_are_named_or_read_and_never_hang() {
    let deep = "<div>".repeat(100_000);
    assert_eq!(page(deep.as_bytes(), None), Err(NoDocument::NestedTooDeeply));
    let math = format!("<p>x</p><math>{}<mi>x</mi></math>", "<mrow>".repeat(1_500));
    assert!(page(math.as_bytes(), None).is_ok());
    let lists = format!("{}<p>end of it</p>", "<ul><li>".repeat(900));
    assert!(text(&lists).ends_with("end of it"));
    let unclosed = format!("<p>{}</p>", "$".repeat(50_000));
    assert!(page(unclosed.as_bytes(), None).is_ok());
    let brackets = format!("<p>{}</p>", "\\(".repeat(50_000));
    assert!(page(brackets.as_bytes(), None).is_ok());
    let held = text("<p>a\u{e000}b\u{0}c\u{7}d</p>");
    assert!(held.chars().all(|c| c != '\u{e000}' && !c.is_control()), "{held:?}");
    assert_eq!(text("<pre>a\u{e000}b <script type='math/tex'>x</script></pre>"), "```\nab x\n```");
    let nested = format!("<p>x</p>{}{}", "<header><sup>".repeat(800), "<b></b>".repeat(50_000));
    assert!(page(nested.as_bytes(), None).is_ok());
    assert_eq!(page(b"<p> </p>", None), Err(NoDocument::NoText));
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(200))]
    /// Tags, attributes, delimiters and nonsense in any order.
    #[test]
    fn any_page_is_read(pieces in proptest::collection::vec(proptest::sample::select(vec![
        "<p>", "</p>", "<math>", "</math>", "<mfrac>", "<msup>", "<mi>x", "<table>", "<td>", "<tr>", "<ul>", "<li>", "<pre>", "</pre>", "<script type='math/tex'>", "</script>",
        "<img class=latex alt='", "'>", "$", "$$", "\\(", "\\)", "\\[", "\\begin{align}", "`", "é", "<nav>", "<main>", "<span class=katex>", "text ", "<mtable><mtr><mtd>", "<sup>", "<br>", "<a href=x>", "</a>", "<template>", "<svg>", "<select>",
    ]), 0..60)) {
        let html = pieces.concat();
        let first = page(html.as_bytes(), None);
        proptest::prop_assert_eq!(first, page(html.as_bytes(), None));
    }
}
