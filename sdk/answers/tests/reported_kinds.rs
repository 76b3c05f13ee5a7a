//! Kinds of answers that users of graders reported as judged wrongly: right answers that were refused, wrong ones that
//! passed. A row is a reference and a whole response.

use octo_answers::config::Preset;
use octo_answers::{Outcome, choices, judge};

/// Judges each response and names every row that is not as it should be.
fn all(correct: bool, rows: &[(&str, &str)]) {
    let rules = Preset::MathVerify.rules();
    let wrong: Vec<String> = rows
        .iter()
        .map(|(reference, response)| (reference, response, judge(response, &[(*reference).to_string()], &rules)))
        .filter(|(.., verdict)| (verdict.outcome == Outcome::Correct) != correct)
        .map(|(reference, response, verdict)| format!("{reference:?} and {response:?}: {}", verdict.reason))
        .collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// The same for choices: a reference, a response and the problem.
fn all_choices(correct: bool, rows: &[(&str, &str, &str)]) {
    let rules = Preset::MathVerify.rules();
    let judged = |reference: &str, response: &str, problem: &str| {
        choices::judge(response, &[reference.to_string()], &choices::options(problem), &rules)
    };
    let wrong: Vec<String> = rows
        .iter()
        .map(|(reference, response, problem)| (reference, response, judged(reference, response, problem)))
        .filter(|(.., verdict)| (verdict.outcome == Outcome::Correct) != correct)
        .map(|(reference, response, verdict)| format!("{reference:?} and {response:?}: {}", verdict.reason))
        .collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn groups_of_thousands_that_pass() {
    all(
        true,
        &[
            ("10,000", r"So we get $\boxed{10,000}$."),
            ("10,000", r"So we get $\boxed{10000}$."),
            ("58,500", r"So we get $\boxed{58500}$."),
            ("(58,500)", r"So we get $\boxed{(58,500)}$."),
            ("1,234,567", r"So we get $\boxed{1234567}$."),
            ("2, 101", r"So we get $\boxed{2,101}$."),
        ],
    );
}

#[test]
fn groups_of_thousands_that_are_refused() {
    all(
        false,
        &[
            ("10,000", r"So we get $\boxed{\{10,0\}}$."),
            ("$58,500$", r"So we get $\boxed{(58,500)}$."),
            (r"\$10,000", r"So we get $\boxed{(10,0)}$."),
            (r"10,000 \text{ dollars}", r"So we get $\boxed{(10,0)}$."),
            ("1,000", r"So we get $\boxed{(1,0)}$."),
            ("-10,000", r"So we get $\boxed{(-10,0)}$."),
        ],
    );
}

#[test]
fn headings_checks_and_options_that_pass() {
    all(
        true,
        &[
            ("5", "#### 5"),
            ("5", "#### 5\n\n#### Note\nDone"),
            ("7", "1. First\n2. Then we get 7."),
            ("42", "The answer is 42. Check: this answer is right since 2*42+4 = 88."),
            ("42", "**Step 3: Conclusion**\n\nSo the total is 42."),
            ("42", "## Step 1\n6*7=42\n\n**Final Answer**\n\n42"),
        ],
    );
}

#[test]
fn headings_checks_and_options_that_are_refused() {
    all(
        false,
        &[
            ("3", "#### Step 3: Done\nThe answer is 5."),
            ("2", "1. First\n2. Then we get 7."),
            ("88", "The answer is 42. Check: this answer is right since 2*42+4 = 88."),
            ("15", "A: 12\nB: 15\nC: 18"),
            ("3", "### Step 3\nWe are done, the total is 42."),
        ],
    );
}

#[test]
fn undecided_answers_and_bounds_that_pass() {
    all(true, &[("2", "120 minutes or 2 hours")]);
}

#[test]
fn undecided_answers_and_bounds_that_are_refused() {
    all(
        false,
        &[
            ("9", "0 1 2 3 4 5 6 7 8 9"),
            ("42", "The answer is either 41 or 42."),
            ("41", "The answer is more than 41."),
            ("41", "It is more than 41."),
            ("42", "Maybe 41? Or 42?"),
            ("42", "It could be 41, or 42."),
            ("42", "Perhaps 41, perhaps 42."),
            ("42", "39, 40, 41, 42"),
            ("41", r"\boxed{\text{more than }41}"),
            ("41", "The answer is less than 41."),
            ("41", r"\boxed{>41}"),
            ("41", "The answer is not 41."),
            ("42", "So the answer is 42 or 43."),
            ("42", "41/42/43"),
        ],
    );
}

#[test]
fn choices_undecided_answers_and_bounds_that_pass() {
    all_choices(true, &[("D", "D", "")]);
}

#[test]
fn choices_undecided_answers_and_bounds_that_are_refused() {
    all_choices(
        false,
        &[
            ("D", "Maybe A? Or D?", ""),
            ("D", "A or D", ""),
            ("D", "I think it is either (A) or (D).", ""),
            ("D", "The answer is A or D.", ""),
        ],
    );
}

#[test]
fn words_that_turn_a_number_over_that_pass() {
    all(
        true,
        &[
            (r"5\% \text{ increase}", r"So we get $\boxed{5\%}$."),
            (r"20^\circ\text{C}", r"So we get $\boxed{20^\circ\text{C}}$."),
            ("20", r"So we get $\boxed{20^\circ\text{C}}$."),
            (r"\$12", r"So we get $\boxed{12}$."),
            ("12", r"So we get $\boxed{€12}$."),
            ("36", r"So we get $\boxed{3\text{ dozen}}$."),
            (r"3 \text{ dozen}", r"So we get $\boxed{36}$."),
            ("7 hens and 12 goats", "There are 7 hens and 12 goats."),
            ("7 hens, 12 goats", r"\boxed{7\text{ hens}, 12\text{ goats}}"),
            ("7 hens and 12 goats", r"\boxed{12\text{ goats}, 7\text{ hens}}"),
            ("5", r"So we get $\boxed{5\text{ more}}$."),
        ],
    );
}

#[test]
fn words_that_turn_a_number_over_that_are_refused() {
    all(
        false,
        &[
            (r"3\text{ miles north}", r"So we get $\boxed{3\text{ miles south}}$."),
            (r"5 \text{ days ago}", r"So we get $\boxed{5\text{ days from now}}$."),
            (r"20^\circ\text{C}", r"So we get $\boxed{20\text{ K}}$."),
            ("20°C", r"So we get $\boxed{20°F}$."),
            (r"\$12", r"So we get $\boxed{12\text{ euros}}$."),
            (r"\$12", r"So we get $\boxed{€12}$."),
            ("3", r"So we get $\boxed{3\text{ dozen}}$."),
            ("3 dozen", r"So we get $\boxed{3}$."),
            ("5% increase", "The answer is a 5% decrease."),
            ("$3 profit", "The answer is a $3 loss."),
            ("a profit of $3", "The answer is a loss of $3."),
            ("3 units to the left", "3 units to the right"),
            (r"\text{left }3", r"So we get $\boxed{\text{right }3}$."),
            ("7 hens and 12 goats", "There are 12 hens and 7 goats."),
            (r"5 \text{ apples}, 3 \text{ pears}", r"So we get $\boxed{3\text{ apples},5\text{ pears}}$."),
            (r"3 \text{ hours ago}", r"So we get $\boxed{3\text{ hours from now}}$."),
            (r"30 \text{ mph slower}", r"So we get $\boxed{30\text{ mph faster}}$."),
            (r"3 \text{ meters above}", r"So we get $\boxed{3\text{ meters below}}$."),
        ],
    );
}

#[test]
fn names_of_one_letter_that_pass() {
    all(
        true,
        &[
            ("y", r"So we get $\boxed{y}$."),
            (r"\mathbb{R}", r"So we get $\boxed{R}$."),
            (r"\mathbb{R}", r"So we get $\boxed{\mathbb{R}}$."),
            (r"\text{Yes}", r"So we get $\boxed{yes}$."),
            ("C", "The answer is C."),
        ],
    );
}

#[test]
fn names_of_one_letter_that_are_refused() {
    all(
        false,
        &[
            ("y", r"So we get $\boxed{\text{Yes}}$."),
            ("r", r"So we get $\boxed{\mathbb{R}}$."),
            ("R", r"So we get $\boxed{r}$."),
            ("C", r"So we get $\boxed{\mathbb{C}}$."),
            ("n", r"So we get $\boxed{\text{No}}$."),
            ("N", r"So we get $\boxed{\mathbb{N}}$."),
            ("Z", r"So we get $\boxed{\mathbb{Z}}$."),
            ("Q", r"So we get $\boxed{\mathbb{Q}}$."),
            ("x", r"So we get $\boxed{X}$."),
            ("y", "The answer is Yes."),
            ("T", r"So we get $\boxed{\text{True}}$."),
            ("R", r"\boxed{(-\infty,\infty)}"),
            ("f", r"\boxed{\text{False}}"),
        ],
    );
}

#[test]
fn near_decimals_that_pass() {
    all(true, &[("0.3333333333", r"So we get $\boxed{\frac13}$."), ("0.333", r"So we get $\boxed{\frac13}$.")]);
}

#[test]
fn near_decimals_that_are_refused() {
    all(
        false,
        &[
            ("0.999999999", r"So we get $\boxed{1}$."),
            ("2.99999999", r"So we get $\boxed{3}$."),
            ("0.99999999", r"So we get $\boxed{1}$."),
            ("1", r"So we get $\boxed{0.999999999}$."),
            ("3", r"So we get $\boxed{2.99999999}$."),
            ("100", r"So we get $\boxed{99.99999999}$."),
            ("1", r"So we get $\boxed{0.9999999999999999}$."),
            ("0.5", r"So we get $\boxed{0.4999999999}$."),
            (r"\frac12", r"So we get $\boxed{0.49999999999}$."),
            ("0.49999999999", r"So we get $\boxed{\frac12}$."),
            ("0.3", r"So we get $\boxed{0.30000000004}$."),
            ("0.1249999999", r"So we get $\boxed{\frac18}$."),
            (r"\frac18", r"So we get $\boxed{0.1249999999}$."),
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
fn remarks_after_the_answer_that_pass() {
    all(
        true,
        &[
            ("34", "Final Answer: The largest $n$ is 34."),
            ("34", "Final Answer: The largest $n$ is $34$. I hope it is correct."),
            ("10455", "So she has $10,200 + $255 = $10,455. Final Answer: The final answer is $10,455$."),
            (
                "10,455",
                "Thus the total is $10,200 + $255 = $10,455. Final Answer: The final answer is $10,455$. I hope it is correct.",
            ),
            ("42", "The answer is 42. The answer is unique."),
            ("7", "The answer is as follows: <answer>7</answer>"),
            ("7", "<answer>7</answer> This answer is correct."),
            ("7", r"\[ 7 \] This answer is correct."),
            ("$5$", "The answer is $5$. The answer is unique because the map is injective."),
            ("70000", "He paid $80,000 + $50,000 = $130,000. So the profit is $200,000 - $130,000 = $70,000."),
            (r"\frac{1}{2}", r"Final Answer: The final answer is $\frac{1}{2}$. I hope it is correct."),
            ("34", "The largest possible value of $n$ is thus 34."),
            ("12", "Final Answer: There are 12 ways."),
            ("12", "**Final Answer:** There are 12 ways."),
            ("18", "Final answer: Janet makes $18 every day."),
        ],
    );
}

#[test]
fn remarks_after_the_answer_that_are_refused() {
    all(false, &[("255", "So she has $10,200 + $255 = $10,455. Final Answer: The final answer is $10,455$.")]);
}

#[test]
fn boxes_steps_and_other_languages_that_pass() {
    all(
        true,
        &[
            ("7", r"So \boxed{7}, which I put in \boxed as asked."),
            ("7", r"So \boxed{7}. \boxed{}"),
            ("7", r"\boxed{7} (in \boxed{} as asked)"),
            ("220", "Réponse : Janeth aura encore 220 $ à payer."),
            ("220", "Réponse : Janeth aura encore 220 $ à payer"),
            ("220", "La réponse est 220 $."),
            ("18", "Antwort: Sie verdient 18 Dollar pro Tag."),
            ("18", "Respuesta: Gana 18 dólares al día."),
            ("18", "答案：她每天赚18美元。"),
            ("18", "答：她每天赚18美元。"),
            ("14", "**Step 1:** 7 × 2 = 14\n\n**Step 2:** check\n\nSo she has 14 apples."),
            ("14", "#### Step 1:\n3+4\n#### Step 2:\nTotal is 14"),
            ("18", "La respuesta final es 18."),
            ("18", "Die Antwort ist 18."),
            ("18", "Ответ: 18"),
            ("18", "Risposta: 18 dollari"),
        ],
    );
}

#[test]
fn chains_equations_and_names_that_pass() {
    all(
        true,
        &[
            ("293", r"\boxed{m+n = 293}"),
            ("y=2x+3", "The line is y = 2x + 3"),
            ("y = 2x + 3", "Therefore, the equation of the line is y = 2x + 3."),
            ("n^2-n-1", r"So we get $\boxed{m_{\max}=n^{2}-n-1}$."),
            ("n^2-n-1", r"So we get $\boxed{f_{\text{max}} = n^2-n-1}$."),
            ("42", "The answer is 42 (rounded from 41.97)."),
            ("42", r"\boxed{42} not 41"),
            ("5 ft 6 in", "The answer is 5 ft. 6 in."),
            ("12", "The answer is approx. 12 km."),
            ("12", "The answer is approximately 12 km."),
            ("12", "The answer is about 12."),
            ("42", r"So we get $\boxed{42\text{ (rounded from 41.97)}}$."),
            ("42", r"So we get $\boxed{42,\text{ not }41}$."),
            (r"5 \text{ ft } 6 \text{ in}", r"So we get $\boxed{5\text{ ft}. 6\text{ in}.}$."),
            ("7", "a = 3, so a + 4 = 7"),
            ("7", "We have x = 7."),
            ("x=7", "We have x = 7."),
            ("x^2+y^2=25", r"So we get $\boxed{x^2+y^2=25}$."),
            ("100", r"So we get $\boxed{A_{\text{total}} = 100}$."),
            ("5", r"So we get $\boxed{|AB| = 5}$."),
            ("5", r"So we get $\boxed{AB = \sqrt{9+16} = \sqrt{25} = 5}$."),
            (r"\frac{1}{6}", r"So we get $\boxed{P(A) = \frac{1}{6}}$."),
            ("n^2", r"So we get $\boxed{S_n = n^2}$."),
        ],
    );
}

#[test]
fn chains_equations_and_names_that_are_refused() {
    all(
        false,
        &[
            ("3", "The line is y = 2x + 3."),
            ("41.97", "The answer is 42 (rounded from 41.97)."),
            ("41", "The answer is 42, not 41."),
        ],
    );
}

#[test]
fn functions_on_narrow_domains_that_pass() {
    all(
        true,
        &[
            (r"2\arcsin\sqrt{a}", r"So we get $\boxed{\arccos(1-2a)}$."),
            (r"\frac{d!}{2k(d-k)!}", r"So we get $\boxed{\binom{d}{k}\frac{(k-1)!}{2}}$."),
            (
                r"(\pm\sqrt2,0,\pm\sqrt2)",
                r"So we get $\boxed{(\sqrt2,0,\sqrt2),(\sqrt2,0,-\sqrt2),(-\sqrt2,0,\sqrt2),(-\sqrt2,0,-\sqrt2)}$.",
            ),
            (r"(\pm\sqrt2,0,\pm\sqrt2)", r"So we get $\boxed{(\sqrt2,0,\sqrt2),(-\sqrt2,0,-\sqrt2)}$."),
            ("(0,1)", r"So we get $\boxed{0<f(x)<1}$."),
            (r"\binom{n}{2}", r"So we get $\boxed{\frac{n(n-1)}{2}}$."),
            ("n!", r"So we get $\boxed{n\cdot(n-1)!}$."),
            (r"\sqrt{1-x^2}", r"So we get $\boxed{\cos(\arcsin x)}$."),
            (r"\binom{2n}{n}", r"So we get $\boxed{\frac{(2n)!}{(n!)^2}}$."),
            (r"\arctan\frac{x}{\sqrt{1-x^2}}", r"So we get $\boxed{\arcsin x}$."),
            (r"\ln(1-x)-\ln x", r"So we get $\boxed{\ln\frac{1-x}{x}}$."),
            (r"\sqrt{x-x^2}", r"So we get $\boxed{\sqrt{x(1-x)}}$."),
        ],
    );
}

#[test]
fn functions_on_narrow_domains_that_are_refused() {
    all(
        false,
        &[
            (r"\frac{d!}{2k(d-k)!}", r"So we get $\boxed{\binom{d}{k}\frac{k!}{2}}$."),
            ("n!", r"So we get $\boxed{(n-1)!}$."),
            (r"\binom{2n}{n}", r"So we get $\boxed{\frac{(2n)!}{n!}}$."),
            (r"\arcsin x", r"So we get $\boxed{\arccos x}$."),
            (r"\sqrt{x-x^2}", r"So we get $\boxed{\sqrt{x}(1-x)}$."),
        ],
    );
}

#[test]
fn characters_and_decoration_that_pass() {
    all(
        true,
        &[
            ("x^2", r"So we get $\boxed{x<sup>2</sup>}$."),
            ("x_1", r"So we get $\boxed{x<sub>1</sub>}$."),
            ("x^2", "x<sup>2</sup>"),
            (r"\large 12", r"So we get $\boxed{12}$."),
            (r"\therefore 12", r"So we get $\boxed{12}$."),
            ("-3", r"So we get $\boxed{－３}$."),
            ("1/2", r"So we get $\boxed{１／２}$."),
            ("12", r"So we get $\boxed{\textcolor{red}{12}}$."),
            (r"{\color{blue}12}", r"So we get $\boxed{12}$."),
            ("0.5", "\\boxed{\u{c}rac{1}{2}}"),
            ("6", "So we get $\\boxed{2 \times 3}$."),
            ("7", "\u{8}oxed{7}"),
            (r"\text{Yes}", "So we get $\\boxed{\text{Yes}}$."),
            (r"\boxed{12}", r"So we get $\boxed{12}$."),
            (r"\bf{12}", r"So we get $\boxed{12}$."),
            (r"12\ \blacksquare", r"So we get $\boxed{12}$."),
            ("３", r"So we get $\boxed{3}$."),
            ("½", r"So we get $\boxed{0.5}$."),
            (r"1\,000", r"So we get $\boxed{1000}$."),
            ("x=3", r"So we get $\boxed{ｘ＝３}$."),
            (r"\displaystyle\frac12", r"So we get $\boxed{1/2}$."),
            (r"\mathbf{12}", r"So we get $\boxed{12}$."),
            (r"\colorbox{yellow}{$12$}", r"So we get $\boxed{12}$."),
            (r"12\qquad\blacksquare", r"So we get $\boxed{12}$."),
            (r"\underline{12}", r"So we get $\boxed{12}$."),
            (r"12\tag{1}", r"So we get $\boxed{12}$."),
            (r"\boldsymbol{12}", r"So we get $\boxed{12}$."),
            (r"\color{red}{12}", r"So we get $\boxed{12}$."),
            (r"\underbrace{12}", r"So we get $\boxed{12}$."),
        ],
    );
}

#[test]
fn other_spellings_that_pass() {
    all(
        true,
        &[
            ("(1,2)", r"So we get $\boxed{\hat{i}+2\hat{j}}$."),
            ("(1,-2,3)", r"So we get $\boxed{\mathbf{i}-2\mathbf{j}+3\mathbf{k}}$."),
            ("(1,2)", r"So we get $\boxed{\vec i+2\vec j}$."),
            (r"\hat\imath+2\hat\jmath", r"So we get $\boxed{(1,2)}$."),
            (r"2 \pmod 5", r"So we get $\boxed{7\pmod 5}$."),
            (r"x\equiv 2\pmod 5", r"So we get $\boxed{x \equiv 7 \pmod{5}}$."),
            (r"x \equiv 2\pmod 5", r"So we get $\boxed{x=5k+2}$."),
            ("1010_2", r"So we get $\boxed{1010_{\text{two}}}$."),
            ("1010_2", r"So we get $\boxed{1010_{\text{base }2}}$."),
            (r"\begin{pmatrix}5\\12\end{pmatrix}", r"So we get $\boxed{[5\ 12]^T}$."),
            (r"\begin{pmatrix}5\\12\end{pmatrix}", r"So we get $\boxed{(5,12)^T}$."),
            (r"\begin{pmatrix}5\\12\end{pmatrix}", r"So we get $\boxed{[5, 12]^\top}$."),
            (r"(3,\infty)", r"So we get $\boxed{]3,\infty[}$."),
            ("(3,5]", r"So we get $\boxed{]3,5]}$."),
            ("[3,5)", r"So we get $\boxed{[3,5[}$."),
            (r"\{1,2,3,4,5\}", r"So we get $\boxed{\{1,\ldots,5\}}$."),
            (r"\{2,4,6,8\}", r"So we get $\boxed{\{2,4,\dots,8\}}$."),
            (r"\{-1,0,1\}", r"So we get $\boxed{\{n\in\mathbb{Z}\mid |n|\le 1\}}$."),
            (r"\{1,2,3\}", r"So we get $\boxed{\{n\in\mathbb{N}:n\le 3\}}$."),
            (r"\{1,2,3\}", r"So we get $\boxed{\{x\in\mathbb{Z}\mid 0<x<4\}}$."),
            ("2.50", r"So we get $\boxed{2\text{ dollars and }50\text{ cents}}$."),
            (r"\$2.50", r"So we get $\boxed{2 dollars and 50 cents}$."),
            ("$2.50", "The answer is 2 dollars and 50 cents."),
            ("2.5", "The answer is 2 dollars and 50 cents."),
            (r"250\text{ cents}", r"So we get $\boxed{2\text{ dollars and }50\text{ cents}}$."),
            ("4", r"So we get $\boxed{4^{th}}$."),
            ("4^{th}", r"So we get $\boxed{4}$."),
            (r"4^{\text{th}}", r"So we get $\boxed{4}$."),
            ("21", r"So we get $\boxed{21^{st}}$."),
            (r"2(\cos 30^\circ+i\sin 30^\circ)", r"So we get $\boxed{2\text{cis}(30^\circ)}$."),
            (r"2\operatorname{cis}30^\circ", r"So we get $\boxed{\sqrt3+i}$."),
            (r"2\cis{30^\circ}", r"So we get $\boxed{\sqrt3+i}$."),
            ("x=1,y=2", r"So we get $\boxed{\begin{aligned}x&=1\\y&=2\end{aligned}}$."),
            ("5", r"So we get $\boxed{\begin{aligned}x&=2+3\\&=5\end{aligned}}$."),
            ("3", r"So we get $\boxed{\begin{align*}a&=1+2\\&=3\end{align*}}$."),
            (r"\frac{1}{2}", r"So we get $\boxed{\nicefrac12}$."),
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
            ("1:2", r"So we get $\boxed{1\text{ to }2}$."),
            ("1'000", "1000"),
            ("1000", r"So we get $\boxed{1’000}$."),
            ("f'", r"So we get $\boxed{f'}$."),
        ],
    );
}

#[test]
fn other_spellings_that_are_refused() {
    all(
        false,
        &[
            ("(1,2)", r"So we get $\boxed{2\vec{i}+\vec{j}}$."),
            (r"2\pmod 5", r"So we get $\boxed{3 \pmod 5}$."),
            ("1010_2", r"So we get $\boxed{1010_{\text{ten}}}$."),
            ("(3,5)", r"So we get $\boxed{[3,5[}$."),
            (r"\{1,2,3,4,5\}", r"So we get $\boxed{\{1,\ldots,6\}}$."),
            (r"\{1,2,3\}", r"So we get $\boxed{\{n\in\mathbb{Z}:1\le n\le 4\}}$."),
            ("2.05", r"So we get $\boxed{2\text{ dollars and }50\text{ cents}}$."),
            (r"\text{cis }30^\circ", r"So we get $\boxed{\text{cis }60^\circ}$."),
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

#[test]
fn plain_sentences_that_pass() {
    all(
        true,
        &[
            ("18", "She makes 9 * 2 = $18 every day."),
            ("5", "Let x = 5 and y = 6. So x = 5"),
            ("42", "So 42 or so."),
            ("3", "In 2010 he had 2, in 2011 he had 3."),
            ("2,3", "x = 2 or x = 3"),
            ("2, 3", "The solutions are 2 and 3."),
            ("2,3", "x = 2, 3"),
            ("50", "There are 50% more."),
            ("36", "The answer is 36, since 6 x 6 = 36."),
            (r"\frac{3}{4}", "The probability is 3/4."),
            ("4", "2. 4"),
            ("-2", "The answer is -2"),
            ("0.75", "It is 75%"),
            ("60", "6 boxes at 10 each is 60 apples"),
            ("15", "The answer is 15, as required."),
            ("a=1 or a=-2", "a=1 or a=-2"),
            ("x>5", "The answer is x > 5."),
            ("at least 5", r"\boxed{\text{at least }5}"),
            ("10", "She needs at least 10 boxes."),
            ("7", "That is 3 more than 4, so 7"),
            ("6", "Answer: 5\nAnswer: 6"),
            ("11", "The final answer is: 11"),
            ("250", "He earned more than $100 each, i.e. 250"),
            ("7", "Total = 3 + 4 = 7 (see equation 2)"),
            ("12", "$x=3$ and $y=4$, so $xy = 12$"),
            ("0,25", r"\boxed{0.25}"),
            ("3,14", r"\boxed{3.14}"),
            ("5", "Answer: $x = 5$"),
            ("5", "Answer: x = 5."),
        ],
    );
}

#[test]
fn plain_sentences_that_are_refused() {
    all(
        false,
        &[
            ("5", "The answer is x > 5."),
            ("3", "Step 3"),
            ("100", "He earned more than $100 each, i.e. 250"),
            ("1,2", r"\boxed{1.2}"),
        ],
    );
}

#[test]
fn further_forms_that_pass() {
    all(
        true,
        &[
            ("18", "Janet sells 16 - 3 - 4 = 9 eggs, so she makes 9 x 2 = $18."),
            ("12", "3 x 4 = 12"),
            ("500", "So 5 m = 500 cm"),
            ("500", "So 5 m = 500"),
            ("14", "So 2x = 14"),
            ("7", "2x = 14, so x = 7"),
            ("DNE", "NONE"),
            ("AB", r"So we get $\boxed{BA}$."),
            (r"\triangle ABC", r"So we get $\boxed{\triangle ABC}$."),
            ("5", "The answer is 5. Thank you!"),
            ("5", "The answer is 5, I think."),
            ("yes", "The answer is yes."),
            ("Yes", "The answer is correct."),
            ("true", "The statement is true."),
            ("True", "True"),
            ("no", "No, because 3 < 4."),
            ("Yes", "Yes, it is."),
            ("x=3", "x = 3"),
            (r"x = 3 \text{ or } x = 4", "x = 3 or x = 4"),
            ("3, 4", "x=3, x=4"),
            ("y=2x+3", "y-2x=3"),
            ("y=2x+3", "The line has equation y = 2x + 3"),
            ("2x+3", "f(x) = 2x + 3"),
            ("2x+3", "So f(x) = 2x + 3."),
            ("x^2+1", "Thus the polynomial is x^2 + 1."),
            ("x < 5", "so x < 5"),
            (r"(-\infty,5)", "Hence x < 5."),
            ("1/2", "The probability is 1/2."),
            ("10%", "That is 10%."),
            ("10:30", "The time is 10:30."),
            ("3/4 cup", "She needs 3/4 cup."),
            ("-5", "The temperature is -5 degrees."),
            ("1,234", "It costs $1,234."),
            ("1234", "It costs $1,234.00."),
            ("2.5", "It is 2.5."),
            ("3.14", "Pi is 3.14."),
            ("5", "5 is the answer."),
            ("5", "The answer: 5"),
            ("5", "ANSWER: 5"),
            ("5", "Final answer = 5"),
            ("5", "The final answer is therefore 5."),
            ("5", "The answer to the question is 5."),
            ("5", "Answer\n5"),
            ("5", "### Answer\n\n5"),
            ("5", "**Answer**: 5"),
            ("5", "**Answer:** 5"),
            ("5", "The answer is:\n\n5"),
            ("5", "The answer is:\n\n\\[5\\]"),
            ("5", "The answer is \n$$5$$\n"),
            ("5", "Thus, the answer is $5$ and we are done."),
            ("5", "The correct answer is 5."),
            ("5", "So the answer must be 5."),
            ("5", "Therefore 5 apples remain."),
            ("5", "The answer is 5. The answer is correct because 2+3 = 5."),
            ("42", "The answer is 42. As the answer is below 50, it is plausible."),
            ("42", "The answer is 42. This answer is less than 50."),
            ("42", "The answer is 42. The answer is even, as expected."),
            ("42", "The answer is 42. This answer is consistent with 84/2 = 42."),
            ("42", "The answer is 42. This answer is divisible by 2."),
            ("42", "The answer is 42. The answer is given in metres."),
            ("42", "The answer is 42. The answer is an integer."),
            ("42", "The answer is 42. My answer is based on 3 assumptions."),
            ("42", "The answer is 42. The answer is obtained by adding 40 and 2."),
            ("42", "The answer is shown below.\n\n42"),
            ("42", r"The answer is in the box: \boxed{42}"),
            ("42", "The answer is found by adding 40 and 2. That is 42."),
            ("42", "The answer is clearly 42."),
            ("42", "The answer is simply 42."),
            ("42", "The answer is, of course, 42."),
            ("42", "The answer is thus 42."),
            ("42", "The answer is exactly 42."),
            ("42", "The answer is indeed 42."),
            ("42", "The answer is also 42."),
            ("42", "The answer is always 42."),
            ("42", "The answer is likely 42."),
            ("5", "We get 5 (not 6)."),
            ("5", "We get 5, not 6."),
            ("5", "We get 5 instead of 6."),
            ("5", "It is not 6 but 5."),
            ("42", "So the total is 42 (see equation 3)."),
            ("42", "So the total is 42 [1]."),
            ("42", "So the total is 42 (from step 2 above)."),
            ("42", "By Theorem 3, it is 42."),
            ("42", "So we have 42, by Lemma 2."),
            ("42", "1) Add\n2) Subtract\n3) Done, 42"),
            ("42", "1. 42"),
            ("42", "42 or 42"),
            (r"3\%", r"So we get $\boxed{3\% \text{ loss}}$."),
            (r"50\text{ cm}", r"So we get $\boxed{0.5\text{ m}}$."),
            (r"5\text{ pounds}", r"So we get $\boxed{£5}$."),
            (r"2\text{ hours }30\text{ minutes}", r"So we get $\boxed{2.5\text{ hours}}$."),
            (r"2.5 \text{ hours}", r"So we get $\boxed{2\text{ hours and }30\text{ minutes}}$."),
            (r"150\text{ minutes}", r"So we get $\boxed{2\text{ hours and }30\text{ minutes}}$."),
            (r"5\text{ feet }6\text{ inches}", r"So we get $\boxed{66\text{ inches}}$."),
            (r"x\equiv 1,3\pmod 4", r"So we get $\boxed{x\equiv 3,1\pmod 4}$."),
            (r"1\pmod 4", r"So we get $\boxed{-3\pmod 4}$."),
            ("3", r"So we get $\boxed{3\pmod 4}$."),
            ("2+3i", r"So we get $\boxed{2+3\mathbf{i}}$."),
            (r"e^{i\pi/3}", r"So we get $\boxed{\text{cis}\frac{\pi}{3}}$."),
            (r"2\hat{i}", r"So we get $\boxed{2\mathbf{i}}$."),
            (r"3\hat{i}-\hat{k}", r"So we get $\boxed{(3,0,-1)}$."),
            (r"\begin{pmatrix}1\\2\end{pmatrix}", r"So we get $\boxed{\mathbf{i}+2\mathbf{j}}$."),
            (r"\{1,2,3\}", r"So we get $\boxed{\{x \mid x\in\mathbb{Z},\ 1\le x\le3\}}$."),
            (r"1,2,3,\ldots,10", r"So we get $\boxed{1,2,3,4,5,6,7,8,9,10}$."),
            (r"\{2,4,8,16,32\}", r"So we get $\boxed{\{2,4,8,\ldots,32\}}$."),
            (r"(1,3)\cup(5,7)", r"So we get $\boxed{]1,3[\cup]5,7[}$."),
            ("[1,3)", r"So we get $\boxed{1\le x<3}$."),
            (r"x\in(1,3)", r"So we get $\boxed{1<x<3}$."),
            (r"(-\infty,3]", r"So we get $\boxed{]-\infty,3]}$."),
            ("[0,1]", r"So we get $\boxed{[0;1]}$."),
            ("4", r"So we get $\boxed{4\text{th}}$."),
            ("12_{8}", r"So we get $\boxed{12_{\text{eight}}}$."),
            ("0.5", r"So we get $\boxed{0,5}$."),
            ("1000", r"So we get $\boxed{1 000}$."),
            ("0.1", r"So we get $\boxed{10\%}$."),
            (r"1\frac12", r"So we get $\boxed{1.5}$."),
            (r"\sqrt{8}", r"So we get $\boxed{2\sqrt2}$."),
            (r"\frac{\sqrt2}{2}", r"So we get $\boxed{\frac{1}{\sqrt2}}$."),
            ("5!", r"So we get $\boxed{120}$."),
            (r"\infty", r"So we get $\boxed{\infty}$."),
            (r"\emptyset", r"So we get $\boxed{\text{no solution}}$."),
            (r"\{\}", r"So we get $\boxed{\emptyset}$."),
            (r"1-\sqrt2,1+\sqrt2", r"So we get $\boxed{1\pm\sqrt2}$."),
            ("a+b", r"So we get $\boxed{b+a}$."),
            ("1,2", r"So we get $\boxed{2,1}$."),
            (r"\text{(C)}", r"So we get $\boxed{C}$."),
            ("C", r"So we get $\boxed{\text{(C)}}$."),
            ("A", r"So we get $\boxed{a}$."),
            ("E", r"So we get $\boxed{E}$."),
            (r"\sqrt2", r"So we get $\boxed{1.4142}$."),
            ("0.333", r"So we get $\boxed{1/3}$."),
            (r"\frac{1}{x^2-1}", r"So we get $\boxed{\frac{1}{(x-1)(x+1)}}$."),
            (r"\sin^2 x", r"So we get $\boxed{1-\cos^2 x}$."),
            (r"\log_2 8", r"So we get $\boxed{3}$."),
            (r"\binom{5}{2}", r"So we get $\boxed{10}$."),
            ("2^{10}", r"So we get $\boxed{1024}$."),
            ("i", r"So we get $\boxed{\sqrt{-1}}$."),
            ("|x|", r"So we get $\boxed{\sqrt{x^2}}$."),
            (r"\ln x^2", r"So we get $\boxed{2\ln x}$."),
            (r"\arccos x", r"So we get $\boxed{\frac{\pi}{2}-\arcsin x}$."),
            (r"\text{arctanh } x", r"So we get $\boxed{\frac12\ln\frac{1+x}{1-x}}$."),
            (r"\frac{n!}{(n-2)!}", r"So we get $\boxed{n(n-1)}$."),
            ("(n+1)!", r"So we get $\boxed{(n+1)n!}$."),
            (r"\binom{n}{k}", r"So we get $\boxed{\binom{n}{n-k}}$."),
            ("7", "Question: 3+4?\nAnswer: 7\n\nQuestion: 5+5?\nAnswer: 10"),
            ("12", r"\boxed{12} km"),
            ("12", r"$\boxed{12}$, as was to be shown. \boxed is used."),
            ("12", r"\boxed 12"),
            ("5", r"\boxed5"),
            ("x", r"\boxed x"),
            ("3", r"\fbox{3}"),
            ("7", "\\boxed{7}\n\n\\boxed{ }"),
            ("220", "Resposta: Janete ainda terá 220 reais para pagar."),
            ("220", "Ответ: Джанет останется заплатить 220 долларов."),
            ("220", "答え：220ドル"),
            ("220", "Die Antwort lautet: Janeth muss noch 220 $ bezahlen."),
            ("220", "La respuesta es: a Janeth le quedan 220 $ por pagar."),
            ("220", "答案：珍妮丝还剩220美元。"),
            ("220", "La risposta è che restano 220 $."),
            ("18", "Jawaban: 18"),
            ("18", "উত্তর: 18"),
            ("18", "คำตอบคือ 18"),
            ("18", "Jibu ni 18"),
        ],
    );
}

#[test]
fn further_forms_that_are_refused() {
    all(
        false,
        &[
            ("ABC", r"So we get $\boxed{CBA}$."),
            ("False", "The answer is True."),
            ("3", "x = 3 or x = 4"),
            ("4", "x = 3 or x = 4"),
            ("5", "Hence x < 5."),
            ("5", r"so x \le 5"),
            ("5", "Hence x >= 5."),
            ("6", "The answer is 5. The answer is wrong: 6 is what is left."),
            ("50", "The answer is 42. As the answer is below 50, it is plausible."),
            ("50", "The answer is 42. This answer is less than 50."),
            ("2", "The answer is 42. This answer is divisible by 2."),
            ("3", "The answer is 42. My answer is based on 3 assumptions."),
            ("2", "The answer is 42. The answer is obtained by adding 40 and 2."),
            ("6", "We get 5 instead of 6."),
            ("2", "1) Add\n2) Subtract\n3) Done, 42"),
            ("1", "1. Add the numbers."),
            ("42", "40, 41, or 42?"),
            ("42", "Either 41 apples or 42 apples."),
            ("42", "It must be 42 or 43"),
            ("42", "41 or 42 or 43."),
            ("42", "between 41 and 42"),
            ("42", "The answer is between 41 and 43."),
            ("43", "The answer is between 41 and 43."),
            ("42", "41-42"),
            ("42", "41 and 42"),
            ("42", "The answer could be 41 or 42."),
            ("42", "The possible values are 41 and 42."),
            ("42", "The answer is 41, 42."),
            ("42", "The answer is 41, or maybe 42."),
            ("41", "The answer is 41, or maybe 42."),
            ("42", "I guess 42? Maybe 43?"),
            ("42", "The answer is 42 or 43 or 44"),
            ("42", "41 42 43"),
            ("42", "40; 41; 42; 43"),
            ("-3", r"So we get $\boxed{3\text{ decrease}}$."),
            (r"5\text{ m}", r"So we get $\boxed{5\text{ kg}}$."),
            (r"68^\circ\text{F}", r"So we get $\boxed{20^\circ\text{C}}$."),
            (r"300\text{ K}", r"So we get $\boxed{300^\circ\text{C}}$."),
            (r"\$5", r"So we get $\boxed{5\text{ cents}}$."),
            (r"\text{£}5", r"So we get $\boxed{\$5}$."),
            ("101", r"So we get $\boxed{101_2}$."),
            ("1000", r"So we get $\boxed{1.000}$."),
            (r"-\infty", r"So we get $\boxed{\infty}$."),
            ("(1,2)", r"So we get $\boxed{(2,1)}$."),
            (r"\text{C}", r"So we get $\boxed{\text{D}}$."),
            ("e", r"So we get $\boxed{E}$."),
            ("m", r"So we get $\boxed{M}$."),
            (r"\pi", r"So we get $\boxed{3.14}$."),
            (r"\frac{22}{7}", r"So we get $\boxed{\pi}$."),
            ("1/3", r"So we get $\boxed{0.33}$."),
            ("x", r"So we get $\boxed{\sqrt{x^2}}$."),
            (r"\binom{n}{k}", r"So we get $\boxed{\binom{n}{k+1}}$."),
            ("2^n", r"So we get $\boxed{n^2}$."),
            ("n!", r"So we get $\boxed{n^2}$."),
            (r"\frac{(2n)!}{2^n n!}", r"So we get $\boxed{\frac{(2n)!}{2^n n}}$."),
            ("10", "Q: 3+4?\nA: 7\n\nQ: 5+5?\nA: 10"),
        ],
    );
}

#[test]
fn choices_further_forms_that_pass() {
    all_choices(
        true,
        &[
            ("D", "It is A. No, it is D.", ""),
            ("D", "I choose D because A is wrong.", ""),
            ("D", "The answer is D, not A.", ""),
            ("D", "(D)", ""),
            ("D", "Option D is correct", ""),
            ("D", "D is correct", ""),
            ("D", "D) Jupiter", ""),
            ("D", "The correct option is D.", ""),
            ("D", r"\boxed{D}", ""),
            ("D", r"\boxed{\text{D}}", ""),
            ("D", r"\boxed{D. Jupiter}", ""),
            ("A,D", "Both A and D", ""),
            ("D", "Could be D", ""),
            ("D", "Jupiter", "Which planet is largest?\nA) Mars\nB) Venus\nC) Earth\nD) Jupiter"),
            ("D", "jupiter.", "Which planet is largest?\nA) Mars\nB) Venus\nC) Earth\nD) Jupiter"),
            ("D", "I think it is Jupiter.", "Which planet is largest?\nA) Mars\nB) Venus\nC) Earth\nD) Jupiter"),
            ("D", "Not Mars, Jupiter.", "Which planet is largest?\nA) Mars\nB) Venus\nC) Earth\nD) Jupiter"),
        ],
    );
}

#[test]
fn choices_further_forms_that_are_refused() {
    all_choices(
        false,
        &[
            ("D", "A, B, C, D", ""),
            ("A", "The answer is D, not A.", ""),
            ("A", "Answer: A or B", ""),
            ("D", "Both A and D", ""),
            ("B", "perhaps B or maybe C", ""),
            ("C", "perhaps B or maybe C", ""),
            ("D", "Mars or Jupiter", "Which planet is largest?\nA) Mars\nB) Venus\nC) Earth\nD) Jupiter"),
            ("A", "Mars or Jupiter", "Which planet is largest?\nA) Mars\nB) Venus\nC) Earth\nD) Jupiter"),
            ("A", "Not Mars, Jupiter.", "Which planet is largest?\nA) Mars\nB) Venus\nC) Earth\nD) Jupiter"),
            ("D", "It is not Jupiter.", "Which planet is largest?\nA) Mars\nB) Venus\nC) Earth\nD) Jupiter"),
            ("D", "I do not know.", "Which planet is largest?\nA) Mars\nB) Venus\nC) Earth\nD) Jupiter"),
        ],
    );
}

#[test]
fn more_forms_that_pass() {
    all(
        true,
        &[
            ("10,000", r"So we get $\boxed{(10{,}000)}$."),
            ("10,000", r"So we get $\boxed{10\,000}$."),
            ("0,5", r"So we get $\boxed{(0,5)}$."),
            ("12,345.67", r"So we get $\boxed{12345.67}$."),
            (r"5,280\text{ feet}", r"So we get $\boxed{5280 ft}$."),
            ("12", "#### 6. Conclusion\nThus the answer is 12."),
            ("9", "## Step 4\nThe total is 9."),
            ("12", "approximately 12"),
            ("12", "around 12"),
            ("42", "The answer is 42, I am sure."),
            (r"20\text{ dollars}", r"So we get $\boxed{\$20}$."),
            (r"20\text{ euros}", r"So we get $\boxed{€20}$."),
            (r"2\text{ dozen}", r"So we get $\boxed{24}$."),
            ("24", r"So we get $\boxed{2\text{ dozen eggs}}$."),
            (r"5\text{ boys and }3\text{ girls}", r"So we get $\boxed{3\text{ girls and }5\text{ boys}}$."),
            (r"5\text{ boys},3\text{ girls}", r"So we get $\boxed{5\text{ boys},3\text{ girls}}$."),
            (r"a = 3\text{ hens}, b=4", r"So we get $\boxed{a=3, b=4}$."),
            ("increase of 5%", "It increased by 5%."),
            (r"8\text{ PM}", r"So we get $\boxed{8\text{ pm}}$."),
            (r"5\text{ in debt}", r"So we get $\boxed{5}$."),
            (r"3^\text{rd}", r"So we get $\boxed{3}$."),
            (r"2\text{ pairs}", r"So we get $\boxed{2}$."),
            ("half", r"So we get $\boxed{\frac12}$."),
            (r"\mathbb{Z}", r"So we get $\boxed{Z}$."),
            (r"\mathbb{N}", r"So we get $\boxed{N}$."),
            ("0.66666666", r"So we get $\boxed{\frac23}$."),
            ("0.66666667", r"So we get $\boxed{\frac23}$."),
            ("0.6666666", r"So we get $\boxed{\frac23}$."),
            ("1.41421356", r"So we get $\boxed{\sqrt2}$."),
            ("2.5", r"So we get $\boxed{2.50}$."),
            ("5", "The answer is correct. So 5 it is."),
            ("17", "So the answer is 17. The answer is complete."),
            ("17", "Answer: 17. This answer is the smallest possible."),
            ("17", "The answer is 17, which is correct."),
            ("17", "Thus 17. The answer is right."),
            ("17", "Final Answer: 17. This is the correct answer: 17"),
            ("17", "The answer is below.\n\n17"),
            ("17", "The answer is given below: 17"),
            ("17", "The answer is the following: 17"),
            ("17", "The answer is as follows: $17$."),
            ("17", "My answer is this: 17."),
            ("17", "The answer is what we computed above: 17."),
            ("17", "Final Answer: The final answer is $17$. I hope it is correct."),
            ("1/6", "Final Answer: The final answer is $1/6$. I hope it is correct."),
            ("120", "The cost is $100 + $20 = $120. Final Answer: The final answer is $120$. I hope it is correct."),
            ("120", "It costs $100 and then $20 more, i.e. $120 in total."),
            ("3.50", "She pays $1.25 + $2.25 = $3.50."),
            ("x^2", "She paid $5. The function is $x^2$."),
            ("34", "Final Answer: The largest value of $n$ for which $n^2 < 1200$ is 34."),
            ("34", "**Final Answer**: The smallest such $n$ is $34$."),
            (r"\frac12", r"Final Answer: The probability is $\frac{1}{2}$."),
            ("n+1", "Final Answer: The number of ways is $n+1$."),
            ("12", "Final Answer: $x$ is 12"),
            ("12", "Final Answer: The sum of $a$ and $b$ equals 12."),
            ("12", "Final Answer: there are exactly 12 such triples."),
            ("7", "The answer is seven."),
            ("7", "The answer is: seven (7)."),
            ("-7", "So the final answer is $-7$."),
            ("(1,2)", "So the solution is (1, 2)."),
            ("(1,2)", "The answer is the point (1,2)."),
            ("(1,2)", "The vertex is at (1,2)."),
            ("[1,2]", "The interval is [1,2]."),
            ("x=2", "Thus x equals 2."),
            ("7", "So x = 7 is the answer."),
            ("7", "The value of x is 7."),
            (r"3\sqrt{2}", "So it is 3√2."),
            (r"3\sqrt{2}", r"It is 3\sqrt{2}."),
            (r"2\pi", "The circumference is 2π."),
            (r"2\pi", "It is 2*pi."),
            (r"\frac{3}{5}", r"So we get \frac{3}{5}."),
            ("3/5", "It is 3/5 of them."),
            ("7", r"$\boxed{7}$ and that is what I wrote inside \boxed{}."),
            ("7", r"\boxed{7}. (The \boxed{} command is used.)"),
            ("7", "\\boxed{7}\n\\boxed{...}"),
            ("7", "\\[\\boxed{7}\\]\n\nStep 3: done"),
            ("7", r"\boxed{\boxed{7}}"),
            ("7", r"\boxed{x = 7}"),
            ("7", r"\boxed{\text{The answer is }7}"),
            ("7", r"\boxed{7 \text{ apples}}"),
            ("7", r"\boxed{$7$}"),
            ("7", r"\boxed{\$7}"),
            ("7", r"\boxed{7.}"),
            ("7", r"\boxed{\mathbf{7}}"),
            ("7", r"\boxed{7}\text{ cm}"),
            ("18", "Respuesta: 18 dólares"),
            ("18", "La respuesta es 18 dólares."),
            ("18", "Réponse finale : 18"),
            ("18", "Die endgültige Antwort ist 18."),
            ("18", "Ответ: 18 долларов."),
            ("18", "最终答案是18。"),
            ("18", "所以答案是 18 美元。"),
            ("18", "答案: 18"),
            ("18", "정답: 18"),
            ("18", "답은 18달러입니다."),
            ("18", "答えは18ドルです。"),
            ("18", "उत्तर: 18"),
            ("18", "الجواب: 18"),
            ("18", "A resposta final é 18."),
            ("18", "Het antwoord is 18."),
            ("18", "Odpowiedź: 18"),
            ("18", "Cevap: 18"),
            ("18", "Svar: 18"),
            ("18", "Đáp án: 18"),
            ("18", "Réponse : elle gagne 18 $ par jour."),
            ("18", "Antwort: 18 Dollar"),
            ("18", "因此，她每天赚18美元。"),
            ("2^{n-1}", r"So we get $\boxed{a_n=2^{n-1}}$."),
            ("a_n=2^{n-1}", r"So we get $\boxed{2^{n-1}}$."),
            ("5", r"So we get $\boxed{\frac{a}{b}=5}$."),
            ("5", r"So we get $\boxed{x=5}$."),
            (r"\sqrt{5}", r"So we get $\boxed{|z|=\sqrt5}$."),
            ("5", r"So we get $\boxed{\angle A = 5}$."),
            ("5", r"So we get $\boxed{d(A,B)=5}$."),
            ("5", r"So we get $\boxed{x_1+x_2=5}$."),
            ("5", r"So we get $\boxed{f(2)=5}$."),
            ("5", r"So we get $\boxed{f(2)=2^2+1=5}$."),
            ("5", r"So we get $\boxed{2+3=5}$."),
            ("293", r"So we get $\boxed{m+n=293}$."),
            ("293", r"So we get $\boxed{m+n=256+37=293}$."),
            ("n^2-n-1", r"So we get $\boxed{m_{max}=n^2-n-1}$."),
            ("n^2-n-1", r"So we get $\boxed{m_{\text{max}}=n^{2}-n-1}$."),
            ("n^2-n-1", r"So we get $\boxed{\text{maximum}=n^2-n-1}$."),
            ("6", r"So we get $\boxed{|S|=6}$."),
            ("6", r"So we get $\boxed{S_{\triangle ABC}=6}$."),
            ("6", r"So we get $\boxed{\text{Area}=6}$."),
            ("6", r"So we get $\boxed{V=\frac{1}{3}\cdot 18=6}$."),
            ("42", r"So we get $\boxed{42 \approx 41.97}$."),
            (r"12\text{ km}", r"So we get $\boxed{\approx 12\text{ km}}$."),
            ("12", "approx. 12"),
            ("12", "The answer is 12 km (approx.)."),
            ("12", "The answer is 12 (see above)."),
            ("5", "The answer is 5 (since 2+3=5)."),
            (r"-\ln(1-x)", r"So we get $\boxed{\ln\frac{1}{1-x}}$."),
            (r"\arcsin x", r"So we get $\boxed{\arctan\frac{x}{\sqrt{1-x^2}}}$."),
            (r"\sqrt{1-x}\sqrt{1+x}", r"So we get $\boxed{\sqrt{1-x^2}}$."),
            (r"\frac{n(n-1)}{2}", r"So we get $\boxed{\binom n2}$."),
            (r"\frac{(n+k)!}{n!k!}", r"So we get $\boxed{\binom{n+k}{k}}$."),
            (r"\binom{n+1}{k}", r"So we get $\boxed{\binom nk+\binom n{k-1}}$."),
            (r"n\cdot n!", r"So we get $\boxed{(n+1)!-n!}$."),
            (r"\frac{n!}{k!(n-k)!}", r"So we get $\boxed{\binom{n}{k}}$."),
            (r"\frac{m!n!}{(m+n)!}", r"So we get $\boxed{\frac{1}{\binom{m+n}{n}}}$."),
            (r"(\pm1,\pm1)", r"So we get $\boxed{(1,1),(1,-1),(-1,1),(-1,-1)}$."),
            (r"(\pm 1,\pm 2)", r"So we get $\boxed{(1,2),(-1,-2)}$."),
            (r"\arccos(1-2a)", r"So we get $\boxed{2\arcsin\sqrt a}$."),
            ("x^x", r"So we get $\boxed{e^{x\ln x}}$."),
            (r"\log_a b", r"So we get $\boxed{\frac{\ln b}{\ln a}}$."),
            ("x^{2}", r"So we get $\boxed{x²}$."),
            ("x^2", r"So we get $\boxed{x^{2}}$."),
            ("x_1", r"So we get $\boxed{x₁}$."),
            ("12", r"So we get $\boxed{12\square}$."),
            ("12", r"So we get $\boxed{12\ \square}$."),
            ("12", r"So we get $\boxed{12 ∎}$."),
            ("12", r"So we get $\boxed{12\qed}$."),
            (r"\mathrm{12}", r"So we get $\boxed{12}$."),
            (r"\Large{12}", r"So we get $\boxed{12}$."),
            (r"{\large 12}", r"So we get $\boxed{12}$."),
            (r"12\hfill\blacksquare", r"So we get $\boxed{12}$."),
            (r"\therefore x=12", r"So we get $\boxed{12}$."),
            ("12", r"So we get $\boxed{\therefore 12}$."),
            ("12", r"So we get $\boxed{∴12}$."),
            (r"\textbf{12}", r"So we get $\boxed{12}$."),
            (r"\color{blue}{12}", r"So we get $\boxed{12}$."),
            (r"\textcolor{blue}{x^2}", r"So we get $\boxed{x^2}$."),
            ("$12$", r"So we get $\boxed{12}$."),
            (r"\(12\)", r"So we get $\boxed{12}$."),
            ("12", r"So we get $\boxed{\(12\)}$."),
            ("12", r"So we get $\boxed{１２}$."),
            ("1/2", r"So we get $\boxed{½}$."),
            ("３＋４", r"So we get $\boxed{7}$."),
            ("x＝５", r"So we get $\boxed{5}$."),
            ("5", "答えは５です。"),
            ("12", r"\boxed{１２％}"),
            ("（1，2）", r"So we get $\boxed{(1,2)}$."),
            ("x<sup>2</sup>+1", r"So we get $\boxed{x^2+1}$."),
            ("H<sub>2</sub>O", r"So we get $\boxed{H_2O}$."),
            ("6", "So we get $\\boxed{2 \times 3}$."),
            ("x\theta", r"So we get $\boxed{x\theta}$."),
            ("8", "\u{8}oxed{8}"),
            (r"\beta", "So we get $\\boxed{\u{8}eta}$."),
            (r"\frac12", "So we get $\\boxed{\u{c}rac{1}{2}}$."),
            ("\u{c}rac{1}{2}", r"So we get $\boxed{\frac12}$."),
            ("\\left(1,2\right)", r"So we get $\boxed{(1,2)}$."),
            ("2 \times 3", r"So we get $\boxed{6}$."),
        ],
    );
}

#[test]
fn more_forms_that_are_refused() {
    all(
        false,
        &[
            ("10,000", "The answer is (10, 0)."),
            ("100,000", r"So we get $\boxed{100,0}$."),
            ("3,500", r"So we get $\boxed{(3,500)}$."),
            ("3{,}500", r"So we get $\boxed{(3,500)}$."),
            ("1,000,000", r"So we get $\boxed{\{1,0,0\}}$."),
            (r"5,280 \text{ feet}", r"So we get $\boxed{(5,280)}$."),
            ("6", "#### 6. Conclusion\nThus the answer is 12."),
            ("4", "## Step 4\nThe total is 9."),
            ("15", "(A) 12 (B) 15 (C) 18\nThe sum is 12."),
            ("12", "A) 12\nB) 15\n\nI would go with 15."),
            ("3", "Steps:\n1. Add\n2. Subtract\n3. Multiply"),
            ("3", "Step 1: add. Step 2: subtract. Step 3: multiply."),
            ("42", "42, or maybe 43"),
            ("43", "42, or maybe 43"),
            ("7", "7 or 8 or 9"),
            ("9", "1, 2, 3, 4, 5, 6, 7, 8, 9"),
            ("9", "1 2 3 4 5 6 7 8 9"),
            ("41", "At least 41."),
            ("41", "over 41"),
            ("41", "It is greater than 41."),
            ("41", "under 41"),
            ("41", r"\boxed{x > 41}"),
            ("41", "The answer is above 41."),
            ("41", "The answer is at most 41."),
            ("42", "The answer could be 40, 41 or 42."),
            ("5", "It is 5 or possibly 6."),
            ("5", r"\boxed{5} or \boxed{6}"),
            ("6", r"\boxed{5} or \boxed{6}"),
            ("5", "The answer is 5 (or 6)."),
            ("6", "The answer is 5 (or 6)."),
            (r"3\text{ units right}", r"So we get $\boxed{3\text{ units left}}$."),
            (r"10\%\text{ gain}", r"So we get $\boxed{10\%\text{ loss}}$."),
            (r"12^\circ\text{ C}", r"So we get $\boxed{12^\circ\text{ F}}$."),
            (r"12^\circ\text{C}", r"So we get $\boxed{12\text{ K}}$."),
            (r"-5^\circ\text{C}", r"So we get $\boxed{-5^\circ\text{F}}$."),
            (r"\$20", r"So we get $\boxed{20 \text{ euros}}$."),
            (r"20\text{ dollars}", r"So we get $\boxed{€20}$."),
            ("2", r"So we get $\boxed{2\text{ dozen eggs}}$."),
            (r"5\text{ boys and }3\text{ girls}", r"So we get $\boxed{3\text{ boys and }5\text{ girls}}$."),
            ("increase of 5", "a decrease of 5"),
            ("decrease of 5%", "It increased by 5%."),
            (r"3\text{ km east}", r"So we get $\boxed{3\text{ km west}}$."),
            (r"5\text{ points higher}", r"So we get $\boxed{5\text{ points lower}}$."),
            (r"2\text{ years older}", r"So we get $\boxed{2\text{ years younger}}$."),
            (r"8\text{ a.m.}", r"So we get $\boxed{8\text{ p.m.}}$."),
            (r"5\text{ feet above sea level}", r"So we get $\boxed{5\text{ feet below sea level}}$."),
            (r"5\text{ BC}", r"So we get $\boxed{5\text{ AD}}$."),
            ("gain", r"So we get $\boxed{loss}$."),
            (r"\text{up}", r"So we get $\boxed{\text{down}}$."),
            (r"7\text{ to the left}", r"So we get $\boxed{7\text{ to the right}}$."),
            ("double", r"So we get $\boxed{2}$."),
            (r"5\text{ positive}", r"So we get $\boxed{5\text{ negative}}$."),
            (r"5\text{ more}", r"So we get $\boxed{5\text{ fewer}}$."),
            (r"4\text{ wins}", r"So we get $\boxed{4\text{ losses}}$."),
            (r"40^\circ\text{ N}", r"So we get $\boxed{40^\circ\text{ S}}$."),
            (r"40\text{ N}", r"So we get $\boxed{40\text{ S}}$."),
            (r"2\text{ inches taller}", r"So we get $\boxed{2\text{ inches shorter}}$."),
            (r"\text{Yes}", r"So we get $\boxed{\text{No}}$."),
            (r"\text{true}", r"So we get $\boxed{\text{false}}$."),
            ("x", r"So we get $\boxed{X}$."),
            ("n", r"So we get $\boxed{N}$."),
            ("s", r"So we get $\boxed{S}$."),
            ("Y", r"So we get $\boxed{\text{Yes}}$."),
            ("N", r"So we get $\boxed{\text{No}}$."),
            ("P", r"So we get $\boxed{p}$."),
            ("R", r"So we get $\boxed{\text{all real numbers}}$."),
            ("i", r"So we get $\boxed{I}$."),
            ("V", r"So we get $\boxed{5}$."),
            ("X", r"So we get $\boxed{10}$."),
            ("D", r"So we get $\boxed{500}$."),
            ("M", r"So we get $\boxed{1000}$."),
            ("r", r"So we get $\boxed{\mathcal{R}}$."),
            ("Q", r"So we get $\boxed{\mathbb{Q}}$."),
            ("K", r"So we get $\boxed{k}$."),
            ("t", r"So we get $\boxed{\text{true}}$."),
            ("f", r"So we get $\boxed{\text{false}}$."),
            (r"\text{r}", r"So we get $\boxed{\text{R}}$."),
            ("O", r"So we get $\boxed{0}$."),
            ("l", r"So we get $\boxed{1}$."),
            ("9.99999999", r"So we get $\boxed{10}$."),
            ("0.99", r"So we get $\boxed{1}$."),
            ("1.00000001", r"So we get $\boxed{1}$."),
            ("1", r"So we get $\boxed{1.00000001}$."),
            ("4.999999999", r"So we get $\boxed{5}$."),
            ("-0.999999999", r"So we get $\boxed{-1}$."),
            ("0.66666668", r"So we get $\boxed{\frac23}$."),
            ("1.9999999999", r"So we get $\boxed{\sqrt4}$."),
            ("0.12345678", r"So we get $\boxed{0.123456789}$."),
            ("2.4999999", r"So we get $\boxed{\frac52}$."),
            (r"\frac52", r"So we get $\boxed{2.4999999}$."),
            (r"\frac52", r"So we get $\boxed{2.49999999999}$."),
            ("1.0000000001", r"So we get $\boxed{\frac{3}{3}}$."),
            ("99.9999999", r"So we get $\boxed{10^2}$."),
            ("20", "The cost is $100 + $20 = $120. Final Answer: The final answer is $120$. I hope it is correct."),
            ("8", r"\boxed{7}. (The \boxed{} command is used.)"),
            ("3", r"So we get $\boxed{5=3}$."),
            (r"\binom{n+1}{k}", r"So we get $\boxed{\binom nk+\binom n{k+1}}$."),
            (r"(\pm 1,\pm 2)", r"So we get $\boxed{(1,2),(-1,2)}$."),
            (r"\arccos(1-2a)", r"So we get $\boxed{2\arcsin a}$."),
        ],
    );
}

#[test]
fn lists_of_any_length_match_in_any_order() {
    let written = |numbers: &mut dyn Iterator<Item = u32>, entry: &dyn Fn(u32) -> String| -> String {
        numbers.map(entry).collect::<Vec<_>>().join(",")
    };
    let forms: [&dyn Fn(u32) -> String; 3] =
        [&|n| n.to_string(), &|n| format!("({n},{})", n + 1), &|n| format!("\\frac{{{n}}}{{7}}")];
    for form in forms {
        let gold = written(&mut (0..100), form);
        let answer = written(&mut (0..100).rev(), form);
        all(true, &[(&gold, &format!("\\boxed{{{answer}}}"))]);
        let other = written(&mut (1..101).rev(), form);
        all(false, &[(&gold, &format!("\\boxed{{{other}}}"))]);
    }
}

#[test]
fn backslashes_that_were_put_back_are_named_in_the_reason() {
    let verdict = judge("\\boxed{\u{c}rac{1}{2}}", &["0.5".to_string()], &Preset::MathVerify.rules());
    assert_eq!(verdict.outcome, Outcome::Correct);
    assert!(verdict.reason.ends_with("after lost backslashes were put back"), "{}", verdict.reason);
}

#[test]
fn options_are_read_from_every_shape_that_data_sets_use() {
    let fields = [
        r#"{"label": ["A", "B", "C"], "text": ["15", "20", "25 km"]}"#,
        r#"{"A": "15", "B": "20", "C": "25 km"}"#,
        r#"["15", "20", "25 km"]"#,
        r#"["a ) 15", "b ) 20", "c ) 25 km"]"#,
        "a ) 15 , b ) 20 , c ) 25 km",
        "A) 15\nB) 20\nC) 25 km",
    ];
    for field in fields {
        let options = choices::options_of_field(field);
        let texts: Vec<(char, &str)> = options.iter().map(|(letter, text)| (*letter, text.as_str())).collect();
        assert_eq!(texts, [('A', "15"), ('B', "20"), ('C', "25 km")], "{field}");
    }
}
