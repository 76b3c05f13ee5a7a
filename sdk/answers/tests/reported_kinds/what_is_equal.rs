//! Which answers are equal: thousands, opposite words, one-letter names, decimals, functions, characters, spellings.

use crate::{all, all_choices};

#[test]
fn groups_of_thousands_that_pass() {
    all(
        true,
        &[
            ("10,000", r"Hence it is $\boxed{10,000}$."),
            ("10,000", r"Hence it is $\boxed{10000}$."),
            ("58,500", r"Hence it is $\boxed{58500}$."),
            ("(58,500)", r"Hence it is $\boxed{(58,500)}$."),
            ("1,234,567", r"Hence it is $\boxed{1234567}$."),
            ("2, 101", r"Hence it is $\boxed{2,101}$."),
        ],
    );
}

#[test]
fn groups_of_thousands_that_are_refused() {
    all(
        false,
        &[
            ("10,000", r"Hence it is $\boxed{\{10,0\}}$."),
            ("$58,500$", r"Hence it is $\boxed{(58,500)}$."),
            (r"\$10,000", r"Hence it is $\boxed{(10,0)}$."),
            (r"10,000 \text{ dollars}", r"Hence it is $\boxed{(10,0)}$."),
            ("1,000", r"Hence it is $\boxed{(1,0)}$."),
            ("-10,000", r"Hence it is $\boxed{(-10,0)}$."),
        ],
    );
}

#[test]
fn words_that_turn_a_number_over_that_pass() {
    all(
        true,
        &[
            (r"5\% \text{ increase}", r"Hence it is $\boxed{5\%}$."),
            (r"20^\circ\text{C}", r"Hence it is $\boxed{20^\circ\text{C}}$."),
            ("20", r"Hence it is $\boxed{20^\circ\text{C}}$."),
            (r"\$12", r"Hence it is $\boxed{12}$."),
            ("12", r"Hence it is $\boxed{€12}$."),
            ("36", r"Hence it is $\boxed{3\text{ dozen}}$."),
            (r"3 \text{ dozen}", r"Hence it is $\boxed{36}$."),
            ("7 hens and 12 goats", "There are 7 hens and 12 goats."),
            ("7 hens, 12 goats", r"\boxed{7\text{ hens}, 12\text{ goats}}"),
            ("7 hens and 12 goats", r"\boxed{12\text{ goats}, 7\text{ hens}}"),
            ("5", r"Hence it is $\boxed{5\text{ more}}$."),
        ],
    );
}

#[test]
fn words_that_turn_a_number_over_that_are_refused() {
    all(
        false,
        &[
            (r"3\text{ miles north}", r"Hence it is $\boxed{3\text{ miles south}}$."),
            (r"5 \text{ days ago}", r"Hence it is $\boxed{5\text{ days from now}}$."),
            (r"20^\circ\text{C}", r"Hence it is $\boxed{20\text{ K}}$."),
            ("20°C", r"Hence it is $\boxed{20°F}$."),
            (r"\$12", r"Hence it is $\boxed{12\text{ euros}}$."),
            (r"\$12", r"Hence it is $\boxed{€12}$."),
            ("3", r"Hence it is $\boxed{3\text{ dozen}}$."),
            ("3 dozen", r"Hence it is $\boxed{3}$."),
            ("5% increase", "The answer is a 5% decrease."),
            ("$3 profit", "The answer is a $3 loss."),
            ("a profit of $3", "The answer is a loss of $3."),
            ("3 units to the left", "3 units to the right"),
            (r"\text{left }3", r"Hence it is $\boxed{\text{right }3}$."),
            ("7 hens and 12 goats", "There are 12 hens and 7 goats."),
            (r"5 \text{ apples}, 3 \text{ pears}", r"Hence it is $\boxed{3\text{ apples},5\text{ pears}}$."),
            (r"3 \text{ hours ago}", r"Hence it is $\boxed{3\text{ hours from now}}$."),
            (r"30 \text{ mph slower}", r"Hence it is $\boxed{30\text{ mph faster}}$."),
            (r"3 \text{ meters above}", r"Hence it is $\boxed{3\text{ meters below}}$."),
        ],
    );
}

#[test]
fn names_of_one_letter_that_pass() {
    all(
        true,
        &[
            ("y", r"Hence it is $\boxed{y}$."),
            (r"\mathbb{R}", r"Hence it is $\boxed{R}$."),
            (r"\mathbb{R}", r"Hence it is $\boxed{\mathbb{R}}$."),
            (r"\text{Yes}", r"Hence it is $\boxed{yes}$."),
            ("C", "The answer is C."),
        ],
    );
}

#[test]
fn names_of_one_letter_that_are_refused() {
    all(
        false,
        &[
            ("y", r"Hence it is $\boxed{\text{Yes}}$."),
            ("r", r"Hence it is $\boxed{\mathbb{R}}$."),
            ("R", r"Hence it is $\boxed{r}$."),
            ("C", r"Hence it is $\boxed{\mathbb{C}}$."),
            ("n", r"Hence it is $\boxed{\text{No}}$."),
            ("N", r"Hence it is $\boxed{\mathbb{N}}$."),
            ("Z", r"Hence it is $\boxed{\mathbb{Z}}$."),
            ("Q", r"Hence it is $\boxed{\mathbb{Q}}$."),
            ("x", r"Hence it is $\boxed{X}$."),
            ("y", "The answer is Yes."),
            ("T", r"Hence it is $\boxed{\text{True}}$."),
            ("R", r"\boxed{(-\infty,\infty)}"),
            ("f", r"\boxed{\text{False}}"),
        ],
    );
}

#[test]
fn near_decimals_that_pass() {
    all(true, &[("0.3333333333", r"Hence it is $\boxed{\frac13}$."), ("0.333", r"Hence it is $\boxed{\frac13}$.")]);
}

#[test]
fn near_decimals_that_are_refused() {
    all(
        false,
        &[
            ("0.999999999", r"Hence it is $\boxed{1}$."),
            ("2.99999999", r"Hence it is $\boxed{3}$."),
            ("0.99999999", r"Hence it is $\boxed{1}$."),
            ("1", r"Hence it is $\boxed{0.999999999}$."),
            ("3", r"Hence it is $\boxed{2.99999999}$."),
            ("100", r"Hence it is $\boxed{99.99999999}$."),
            ("1", r"Hence it is $\boxed{0.9999999999999999}$."),
            ("0.5", r"Hence it is $\boxed{0.4999999999}$."),
            (r"\frac12", r"Hence it is $\boxed{0.49999999999}$."),
            ("0.49999999999", r"Hence it is $\boxed{\frac12}$."),
            ("0.3", r"Hence it is $\boxed{0.30000000004}$."),
            ("0.1249999999", r"Hence it is $\boxed{\frac18}$."),
            (r"\frac18", r"Hence it is $\boxed{0.1249999999}$."),
        ],
    );
}

#[test]
fn choices_near_decimals_that_pass() {
    all_choices(true, &[("D", r"The gap is $\Delta E$. Answer: D", "")]);
}

#[test]
fn choices_near_decimals_that_are_refused() {
    all_choices(false, &[("E", r"The gap is $\Delta E$. Answer: D", ""), ("E", r"\boxed{\Delta E}", "")]);
}

#[test]
fn functions_on_narrow_domains_that_pass() {
    all(
        true,
        &[
            (r"2\arcsin\sqrt{a}", r"Hence it is $\boxed{\arccos(1-2a)}$."),
            (r"\frac{d!}{2k(d-k)!}", r"Hence it is $\boxed{\binom{d}{k}\frac{(k-1)!}{2}}$."),
            (
                r"(\pm\sqrt2,0,\pm\sqrt2)",
                r"Hence it is $\boxed{(\sqrt2,0,\sqrt2),(\sqrt2,0,-\sqrt2),(-\sqrt2,0,\sqrt2),(-\sqrt2,0,-\sqrt2)}$.",
            ),
            (r"(\pm\sqrt2,0,\pm\sqrt2)", r"Hence it is $\boxed{(\sqrt2,0,\sqrt2),(-\sqrt2,0,-\sqrt2)}$."),
            ("(0,1)", r"Hence it is $\boxed{0<f(x)<1}$."),
            (r"\binom{n}{2}", r"Hence it is $\boxed{\frac{n(n-1)}{2}}$."),
            ("n!", r"Hence it is $\boxed{n\cdot(n-1)!}$."),
            (r"\sqrt{1-x^2}", r"Hence it is $\boxed{\cos(\arcsin x)}$."),
            (r"\binom{2n}{n}", r"Hence it is $\boxed{\frac{(2n)!}{(n!)^2}}$."),
            (r"\arctan\frac{x}{\sqrt{1-x^2}}", r"Hence it is $\boxed{\arcsin x}$."),
            (r"\ln(1-x)-\ln x", r"Hence it is $\boxed{\ln\frac{1-x}{x}}$."),
            (r"\sqrt{x-x^2}", r"Hence it is $\boxed{\sqrt{x(1-x)}}$."),
        ],
    );
}

#[test]
fn functions_on_narrow_domains_that_are_refused() {
    all(
        false,
        &[
            (r"\frac{d!}{2k(d-k)!}", r"Hence it is $\boxed{\binom{d}{k}\frac{k!}{2}}$."),
            ("n!", r"Hence it is $\boxed{(n-1)!}$."),
            (r"\binom{2n}{n}", r"Hence it is $\boxed{\frac{(2n)!}{n!}}$."),
            (r"\arcsin x", r"Hence it is $\boxed{\arccos x}$."),
            (r"\sqrt{x-x^2}", r"Hence it is $\boxed{\sqrt{x}(1-x)}$."),
        ],
    );
}

#[test]
fn characters_and_decoration_that_pass() {
    all(
        true,
        &[
            ("x^2", r"Hence it is $\boxed{x<sup>2</sup>}$."),
            ("x_1", r"Hence it is $\boxed{x<sub>1</sub>}$."),
            ("x^2", "x<sup>2</sup>"),
            (r"\large 12", r"Hence it is $\boxed{12}$."),
            (r"\therefore 12", r"Hence it is $\boxed{12}$."),
            ("-3", r"Hence it is $\boxed{－３}$."),
            ("1/2", r"Hence it is $\boxed{１／２}$."),
            ("12", r"Hence it is $\boxed{\textcolor{red}{12}}$."),
            (r"{\color{blue}12}", r"Hence it is $\boxed{12}$."),
            ("0.5", "\\boxed{\u{c}rac{1}{2}}"),
            ("6", "Hence it is $\\boxed{2 \times 3}$."),
            ("7", "\u{8}oxed{7}"),
            (r"\text{Yes}", "Hence it is $\\boxed{\text{Yes}}$."),
            (r"\boxed{12}", r"Hence it is $\boxed{12}$."),
            (r"\bf{12}", r"Hence it is $\boxed{12}$."),
            (r"12\ \blacksquare", r"Hence it is $\boxed{12}$."),
            ("３", r"Hence it is $\boxed{3}$."),
            ("½", r"Hence it is $\boxed{0.5}$."),
            (r"1\,000", r"Hence it is $\boxed{1000}$."),
            ("x=3", r"Hence it is $\boxed{ｘ＝３}$."),
            (r"\displaystyle\frac12", r"Hence it is $\boxed{1/2}$."),
            (r"\mathbf{12}", r"Hence it is $\boxed{12}$."),
            (r"\colorbox{yellow}{$12$}", r"Hence it is $\boxed{12}$."),
            (r"12\qquad\blacksquare", r"Hence it is $\boxed{12}$."),
            (r"\underline{12}", r"Hence it is $\boxed{12}$."),
            (r"12\tag{1}", r"Hence it is $\boxed{12}$."),
            (r"\boldsymbol{12}", r"Hence it is $\boxed{12}$."),
            (r"\color{red}{12}", r"Hence it is $\boxed{12}$."),
            (r"\underbrace{12}", r"Hence it is $\boxed{12}$."),
        ],
    );
}

#[test]
fn other_spellings_that_pass() {
    all(
        true,
        &[
            ("(1,2)", r"Hence it is $\boxed{\hat{i}+2\hat{j}}$."),
            ("(1,-2,3)", r"Hence it is $\boxed{\mathbf{i}-2\mathbf{j}+3\mathbf{k}}$."),
            ("(1,2)", r"Hence it is $\boxed{\vec i+2\vec j}$."),
            (r"\hat\imath+2\hat\jmath", r"Hence it is $\boxed{(1,2)}$."),
            (r"2 \pmod 5", r"Hence it is $\boxed{7\pmod 5}$."),
            (r"x\equiv 2\pmod 5", r"Hence it is $\boxed{x \equiv 7 \pmod{5}}$."),
            (r"x \equiv 2\pmod 5", r"Hence it is $\boxed{x=5k+2}$."),
            ("1010_2", r"Hence it is $\boxed{1010_{\text{two}}}$."),
            ("1010_2", r"Hence it is $\boxed{1010_{\text{base }2}}$."),
            (r"\begin{pmatrix}5\\12\end{pmatrix}", r"Hence it is $\boxed{[5\ 12]^T}$."),
            (r"\begin{pmatrix}5\\12\end{pmatrix}", r"Hence it is $\boxed{(5,12)^T}$."),
            (r"\begin{pmatrix}5\\12\end{pmatrix}", r"Hence it is $\boxed{[5, 12]^\top}$."),
            (r"(3,\infty)", r"Hence it is $\boxed{]3,\infty[}$."),
            ("(3,5]", r"Hence it is $\boxed{]3,5]}$."),
            ("[3,5)", r"Hence it is $\boxed{[3,5[}$."),
            (r"\{1,2,3,4,5\}", r"Hence it is $\boxed{\{1,\ldots,5\}}$."),
            (r"\{2,4,6,8\}", r"Hence it is $\boxed{\{2,4,\dots,8\}}$."),
            (r"\{-1,0,1\}", r"Hence it is $\boxed{\{n\in\mathbb{Z}\mid |n|\le 1\}}$."),
            (r"\{1,2,3\}", r"Hence it is $\boxed{\{n\in\mathbb{N}:n\le 3\}}$."),
            (r"\{1,2,3\}", r"Hence it is $\boxed{\{x\in\mathbb{Z}\mid 0<x<4\}}$."),
            ("2.50", r"Hence it is $\boxed{2\text{ dollars and }50\text{ cents}}$."),
            (r"\$2.50", r"Hence it is $\boxed{2 dollars and 50 cents}$."),
            ("$2.50", "The answer is 2 dollars and 50 cents."),
            ("2.5", "The answer is 2 dollars and 50 cents."),
            (r"250\text{ cents}", r"Hence it is $\boxed{2\text{ dollars and }50\text{ cents}}$."),
            ("4", r"Hence it is $\boxed{4^{th}}$."),
            ("4^{th}", r"Hence it is $\boxed{4}$."),
            (r"4^{\text{th}}", r"Hence it is $\boxed{4}$."),
            ("21", r"Hence it is $\boxed{21^{st}}$."),
            (r"2(\cos 30^\circ+i\sin 30^\circ)", r"Hence it is $\boxed{2\text{cis}(30^\circ)}$."),
            (r"2\operatorname{cis}30^\circ", r"Hence it is $\boxed{\sqrt3+i}$."),
            (r"2\cis{30^\circ}", r"Hence it is $\boxed{\sqrt3+i}$."),
            ("x=1,y=2", r"Hence it is $\boxed{\begin{aligned}x&=1\\y&=2\end{aligned}}$."),
            ("5", r"Hence it is $\boxed{\begin{aligned}x&=2+3\\&=5\end{aligned}}$."),
            ("3", r"Hence it is $\boxed{\begin{align*}a&=1+2\\&=3\end{align*}}$."),
            (r"\frac{1}{2}", r"Hence it is $\boxed{\nicefrac12}$."),
            ("odd", "odd"),
            ("odd", "The answer is odd."),
            ("odd", "It is odd."),
            ("odd", "The function is odd."),
            ("even", r"\boxed{even}"),
            ("odd", "**odd**"),
            ("Tom", "Tom"),
            ("Wednesday", "It is Wednesday."),
            ("Jupiter", "It is Jupiter."),
            ("3:4", "The ratio is 3 to 4."),
            ("1:2", r"Hence it is $\boxed{1\text{ to }2}$."),
            ("1'000", "1000"),
            ("1000", r"Hence it is $\boxed{1’000}$."),
            ("f'", r"Hence it is $\boxed{f'}$."),
        ],
    );
}

#[test]
fn other_spellings_that_are_refused() {
    all(
        false,
        &[
            ("(1,2)", r"Hence it is $\boxed{2\vec{i}+\vec{j}}$."),
            (r"2\pmod 5", r"Hence it is $\boxed{3 \pmod 5}$."),
            ("1010_2", r"Hence it is $\boxed{1010_{\text{ten}}}$."),
            ("(3,5)", r"Hence it is $\boxed{[3,5[}$."),
            (r"\{1,2,3,4,5\}", r"Hence it is $\boxed{\{1,\ldots,6\}}$."),
            (r"\{1,2,3\}", r"Hence it is $\boxed{\{n\in\mathbb{Z}:1\le n\le 4\}}$."),
            ("2.05", r"Hence it is $\boxed{2\text{ dollars and }50\text{ cents}}$."),
            (r"\text{cis }30^\circ", r"Hence it is $\boxed{\text{cis }60^\circ}$."),
            ("odd", "even"),
            ("even", r"\boxed{\text{odd}}"),
            ("blue", "The ball is not blue."),
        ],
    );
}

#[test]
fn choices_other_spellings_that_pass() {
    all_choices(
        true,
        &[
            ("c", "25 km", "How far? a ) 15 km , b ) 20 km , c ) 25 km , d ) 30 km , e ) none of these"),
            ("c", "The answer is 25 km.", "How far? a ) 15 km , b ) 20 km , c ) 25 km , d ) 30 km , e ) none of these"),
            ("c", "c ) 25 km", "How far? a ) 15 km , b ) 20 km , c ) 25 km , d ) 30 km , e ) none of these"),
        ],
    );
}

#[test]
fn choices_other_spellings_that_are_refused() {
    all_choices(
        false,
        &[
            ("c", "20 km", "How far? a ) 15 km , b ) 20 km , c ) 25 km , d ) 30 km , e ) none of these"),
            ("c", "the answer is b", "How far? a ) 15 km , b ) 20 km , c ) 25 km , d ) 30 km , e ) none of these"),
        ],
    );
}
