//! Rows of every kind that were written without a look at the rules, and that these judged wrongly at first.

use crate::{all, all_choices};

const PROBLEM_1: &str = "Which metal is liquid at room temperature?\nA) Iron\nB) Mercury\nC) Gold\nD) Tin";
const PROBLEM_2: &str = "Who wrote it?\n(A) Austen\n(B) Bronte\n(C) Conrad\n(D) Dickens";
const PROBLEM_3: &str = "Which is right?\n(A) mass\n(B) charge\n(C) spin\n(D) colour\n(E) flavour";
const PROBLEM_4: &str = r#"{"label": ["A","B","C"], "text": ["12", "18", "24"]}"#;
const PROBLEM_5: &str = r#"{"A": "12", "B": "18", "C": "24"}"#;

#[test]
fn headings_checks_and_pointers() {
    all(
        true,
        &[
            ("6", "Hence x = 6.\n\nCheck: 6 × 3 = 18. ✓"),
            ("21", "By another way, 42/2 = 21.\n#### 21\n\n#### Remark 2\nWe never used that."),
            ("12", "The answer is 12 (by equation (7))."),
            ("60", "So x = 60. The answer checks out since 60 + 40 = 100."),
            ("8", "The side is 8. (Indeed, 8 squared is 64.)"),
            ("30", "The price is 30. To check: 30 + 12 = 42."),
            ("30", "The price is 30. This works because 30 + 12 = 42."),
            ("30", "The price is 30, because 30 + 12 = 42."),
            ("30", "The price is $30$.\nCheck: $30+12=42$."),
            ("52", "The train needs 52 minutes. Verification: 52 + 8 = 60."),
            ("65", "5. Finally, add: 60 + 5 = 65."),
            ("65", "We get 65 from (1) and (2)."),
            ("65", "The number is 65 [2, p. 14]."),
            ("65", "65 is correct since 60+5 = 65 and 65-5 = 60."),
            ("28", "Therefore, 28 students. (We verify: 28/4 = 7.)"),
            ("28", "So there are 28 students, as 28/4 = 7."),
            ("47", "Hence 47 tiles. Double-check: 47 × 2 = 94, half of 188."),
            ("47", "We conclude that x = 47. Indeed 2x = 94."),
        ],
    );
    all(
        false,
        &[
            ("18", "Hence x = 6.\n\nCheck: 6 × 3 = 18. ✓"),
            ("2", "By another way, 42/2 = 21.\n#### 21\n\n#### Solution 2"),
            ("100", "So x = 60. The answer checks out since 60 + 40 = 100."),
            ("64", "The side is 8. (Indeed, 8 squared is 64.)"),
            ("42", "The price is 30. To check: 30 + 12 = 42."),
            ("42", "The price is 30. This works because 30 + 12 = 42."),
            ("42", "The price is 30, because 30 + 12 = 42."),
            ("42", "The price is $30$.\nCheck: $30+12=42$."),
            ("1", "Footnote 1."),
            ("10", "The sides are 4 and 6. (Check: 4+6 = 10.)"),
            ("60", "The train needs 52 minutes. Verification: 52 + 8 = 60."),
            ("2", "Conclusion: the speed is 52 km/h on day 2."),
            ("130", "The bus carries 65 people. We can check: 65 + 65 = 130 people on both."),
            ("2", "We get 65 from (1) and (2)."),
            ("14", "The number is 65 [2, p. 14]."),
            ("17", "Options: (a) 15 (b) 16 (c) 17"),
            ("60", "65 is correct since 60+5 = 65 and 65-5 = 60."),
            ("7", "Therefore, 28 students. (We verify: 28/4 = 7.)"),
            ("7", "So there are 28 students, as 28/4 = 7."),
            ("36", "A. 20\nB. 28\nC. 36"),
            ("188", "Hence 47 tiles. Double-check: 47 × 2 = 94, half of 188."),
            ("94", "x = 47, and indeed 2 · 47 = 94."),
            ("94", "We conclude that x = 47. Indeed 2x = 94."),
        ],
    );
}

#[test]
fn guesses_and_bounds() {
    all(
        true,
        &[
            ("70", "The answer isn't 60 but 70."),
            ("12", "I would say 12, though 11 was my first thought."),
            ("12", "Twelve."),
            ("12", "Twelve, not eleven."),
            ("12", "So twelve pupils remain."),
        ],
    );
    all(
        false,
        &[
            ("16", "Possible answers: 14, 15, 16."),
            ("16", "The answer could be 15. It could also be 16."),
            ("12", "The answer exceeds 12."),
            ("14", "The answer is 14... no wait, 15."),
            ("80", "60? 70? 80?"),
            ("70", "Anything above 70 works."),
            ("80", "Around 70 to 80."),
            ("80", "Roughly 70-80."),
            ("33", "Answers: 31; 32; 33"),
            ("33", "First guess 31, second guess 32, third guess 33."),
            ("9", "It must be one of 7, 8, 9."),
            ("9", "The answer is 8, or is it 9?"),
            ("9", "He has under 9."),
            ("9", "He has over 9 marbles."),
            ("9", "Either x = 8 or x = 9."),
            ("9", "There's no way it is 9."),
            ("40", "The answer is in the range 30-40."),
            ("40", "The answer must be below 40."),
            ("40", "Candidates: 20, 40."),
            ("40", "If it is 30, fine; if it is 40, also fine."),
            ("12", "Is it 11? Is it 12?"),
            ("12", "Less than or equal to 12."),
            ("12", "The answer is more than 11 but at most 12."),
            ("11", "I would say 12, though 11 was my first thought."),
        ],
    );
    all_choices(
        true,
        &[
            ("B", "I'd say (B), though (C) was tempting.", PROBLEM_1),
            ("B", "Neither A nor C; B.", PROBLEM_1),
            ("C", "It wasn't Austen or Dickens. It was Conrad.", PROBLEM_2),
        ],
    );
    all_choices(
        false,
        &[("C", "I'd say (B), though (C) was tempting.", PROBLEM_1), ("D", "Everything except D is solid.", PROBLEM_1)],
    );
}

#[test]
fn words_that_turn_a_number() {
    all(
        true,
        &[
            ("Ann: 4, Bob: 9", r"So we get $\boxed{\text{Bob: 9, Ann: 4}}$."),
            ("Ann: 4, Bob: 9", "Ann has 4 and Bob has 9."),
            ("7:45 a.m.", r"So we get $\boxed{7{:}45\text{ AM}}$."),
            ("500 yen", r"So we get $\boxed{¥500}$."),
            ("4 apples, 6 pears", "She buys 4 apples and 6 pears."),
            ("Lee 12, Kim 20", "Kim gets 20 and Lee gets 12."),
            ("15 quarters and 3 pennies", "He has 3 pennies and 15 quarters."),
            ("36", "He bought three dozen eggs."),
            ("-3", "So x is negative three."),
        ],
    );
    all(
        false,
        &[
            (r"3\text{ years ago}", r"So we get $\boxed{\text{in 3 years}}$."),
            ("5 red and 8 blue", r"So we get $\boxed{\text{red}: 8, \text{blue}: 5}$."),
            ("5", "He needs 5 dozen eggs."),
            ("length 8, width 3", r"So we get $\boxed{\text{length }3,\text{ width }8}$."),
            ("length 8, width 3", "The length is 3 and the width is 8."),
            ("12 noon", r"So we get $\boxed{12\text{ midnight}}$."),
            ("x = 12 pens, y = 20 books", r"So we get $\boxed{20\text{ pens}, 12\text{ books}}$."),
            (r"18\%\text{ increase}", "It went down by 18%."),
            ("7 km uphill", r"So we get $\boxed{7\text{ km downhill}}$."),
            (r"\$5 \text{ cheaper}", r"So we get $\boxed{\$5\text{ more expensive}}$."),
        ],
    );
}

#[test]
fn letters_and_sets() {
    all(
        true,
        &[
            (r"\mathbb{Q}", r"So we get $\boxed{\text{the rational numbers}}$."),
            (r"\mathbb{Z}", r"So we get $\boxed{\text{all integers}}$."),
            ("P", "The point is P."),
            ("T", "The triangle is T."),
            (r"\mathbb{R}^+", r"So we get $\boxed{(0,\infty)}$."),
            (r"\mathbb{Z}^+", r"So we get $\boxed{\mathbb{N}^+}$."),
            (r"\mathbb{R}^-", r"So we get $\boxed{(-\infty,0)}$."),
            ("R", "The radius is R."),
        ],
    );
}

#[test]
fn near_numbers_and_letters_of_formulas() {
    all_choices(
        true,
        &[
            ("C", "The potential $V = E d$ shows it. The correct choice is C.", PROBLEM_3),
            ("B", r"By $F = ma$ and $A = \pi r^2$ we choose B.", PROBLEM_3),
        ],
    );
}

#[test]
fn announcements_and_remarks() {
    all(
        true,
        &[
            ("22", "So n = 22. The answer is a multiple of 11."),
            ("22", "So n = 22, and the answer is consistent with 3 of the conditions."),
            ("63", "x = 63. The answer is divisible by 7."),
            (r"\frac{1}{4}", r"Final Answer: The probability is $\frac{1}{4}$, i.e. 25%."),
            ("16", "My friend's answer is 15. Mine is 16."),
            ("57", "So it's 57. The answer is a solution of x - 50 = 7."),
        ],
    );
    all(
        false,
        &[
            ("2", "He pays $8.50 for the 2 tickets."),
            ("11", "The answer is a multiple of 11."),
            ("11", "So n = 22. The answer is a multiple of 11."),
            ("3", "So n = 22, and the answer is consistent with 3 of the conditions."),
            ("7", "x = 63. The answer is divisible by 7."),
            ("20", "The answer is 20. Wait, I forgot one, so 21."),
            ("15", "My friend's answer is 15. Mine is 16."),
        ],
    );
}

#[test]
fn other_languages_and_boxes() {
    all(true, &[("6", "**Step 1:** 4 apples\n**Step 2:** 2 more\nSo six apples.")]);
}

#[test]
fn chains_names_and_parts() {
    all(
        true,
        &[
            ("n^2+n+1", r"So we get $\boxed{\max f = n^2+n+1}$."),
            ("n^2+n+1", r"So we get $\boxed{\max = n^2+n+1}$."),
            ("30", "The answer is ca. 30 km."),
            ("2.5 hours", r"So we get $\boxed{2\text{ h }30\text{ min}}$."),
            ("2.5 hours", "The answer is 2 h 30 min."),
            ("1.75 hours", r"So we get $\boxed{1\text{ hr }45\text{ min}}$."),
            ("1.75 hours", "The answer is 105 min."),
            ("53", "My calculation gives 53, though my teacher says 54."),
            (r"\frac{n(n-1)}{2}", r"So we get $\boxed{\max_{G} e(G)=\frac{n(n-1)}{2}}$."),
            ("13", "The answer is 13, rounded from 12.97."),
            ("4.25 hours", r"So we get $\boxed{4\text{ h }15\text{ min}}$."),
            ("2 min 30 s", r"So we get $\boxed{150\text{ s}}$."),
            ("2 min 30 s", r"So we get $\boxed{2.5\text{ min}}$."),
            ("66", r"So we get $\boxed{66\text{ (not }67)}$."),
            ("1 hour 6 minutes", r"So we get $\boxed{1\text{ h }6\text{ min}}$."),
            ("2 km 300 m", r"So we get $\boxed{2.3\text{ km}}$."),
            ("n!-1", r"So we get $\boxed{\max k = n!-1}$."),
            ("3.2 hours", r"So we get $\boxed{3\text{ h }12\text{ min}}$."),
            ("84", "I get 84, but others claim 85."),
            ("1.5 hours", r"So we get $\boxed{1\text{ h }30\text{ min}}$."),
        ],
    );
    all(
        false,
        &[
            ("43", "I got 42 but the book says 43."),
            ("54", "My calculation gives 53, though my teacher says 54."),
            ("66", r"So we get $\boxed{\text{Total} = 60 + 7 = 66}$."),
            ("86", r"So we get $\boxed{m\cdot n = 12\cdot 7 = 86}$."),
            ("85", "I get 84, but others claim 85."),
        ],
    );
}

#[test]
fn functions_and_equations() {
    all(
        true,
        &[
            ("xy=1", r"So we get $\boxed{y=1/x}$."),
            ("xy=1", r"So we get $\boxed{x=\frac{1}{y}}$."),
            (r"y=\frac{3}{x}", r"So we get $\boxed{xy=3}$."),
            ("x^2y=4", r"So we get $\boxed{y=\frac{4}{x^2}}$."),
            (r"\frac{x}{a}+\frac{y}{b}=1", r"So we get $\boxed{bx+ay=ab}$."),
            (r"\sqrt{x-7}\sqrt{x+7}", r"So we get $\boxed{\sqrt{x^2-49}}$."),
            (r"y=\frac{x+1}{x}", r"So we get $\boxed{xy=x+1}$."),
            (r"x=\frac{2}{y^2}", r"So we get $\boxed{xy^2=2}$."),
            ("xy+2x=5", r"So we get $\boxed{y=\frac{5}{x}-2}$."),
            ("xy+2x=5", r"So we get $\boxed{y=\frac{5-2x}{x}}$."),
            ("x^3y=2", r"So we get $\boxed{y=2x^{-3}}$."),
            (r"\frac{1}{x}+\frac{1}{y}=1", r"So we get $\boxed{x+y=xy}$."),
            (r"\sqrt{x-12}\sqrt{x+12}", r"So we get $\boxed{\sqrt{x^2-144}}$."),
            ("yx^2=7", r"So we get $\boxed{y=\frac{7}{x^2}}$."),
        ],
    );
}

#[test]
fn characters() {
    all(true, &[("1,036", "The answer is １，０３６.")]);
}

#[test]
fn spellings() {
    all(
        true,
        &[
            (r"\begin{pmatrix}3\\-4\end{pmatrix}", r"So we get $\boxed{[3\ {-4}]^T}$."),
            (r"\{1,2,3\}", r"So we get $\boxed{\{n\in\mathbb{Z}^+ : n<4\}}$."),
            ("odd", "So n must be odd."),
        ],
    );
    all_choices(true, &[("B", "The result is 18.", PROBLEM_4), ("C", r"\boxed{24}", PROBLEM_5)]);
}

#[test]
fn forms_of_hard_inputs() {
    all(
        true,
        &[
            ("3rd quadrant", r"So we get $\boxed{\text{third quadrant}}$."),
            (r"\text{All odd integers }", r"So we get $\boxed{\text{odd integers}}$."),
            (r"\text{second quadrant}", r"So we get $\boxed{\text{2nd quadrant}}$."),
            ("fourth quadrant", r"So we get $\boxed{\text{4th quadrant}}$."),
        ],
    );
}
