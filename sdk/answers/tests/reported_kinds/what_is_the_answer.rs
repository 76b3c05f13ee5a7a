//! Which part of a response is its answer: headings, checks, remarks, steps, undecided runs, sentences.

use crate::{all, all_choices};

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
            ("n^2-n-1", r"Hence it is $\boxed{m_{\max}=n^{2}-n-1}$."),
            ("n^2-n-1", r"Hence it is $\boxed{f_{\text{max}} = n^2-n-1}$."),
            ("42", "The answer is 42 (rounded from 41.97)."),
            ("42", r"\boxed{42} not 41"),
            ("5 ft 6 in", "The answer is 5 ft. 6 in."),
            ("12", "The answer is approx. 12 km."),
            ("12", "The answer is approximately 12 km."),
            ("12", "The answer is about 12."),
            ("42", r"Hence it is $\boxed{42\text{ (rounded from 41.97)}}$."),
            ("42", r"Hence it is $\boxed{42,\text{ not }41}$."),
            (r"5 \text{ ft } 6 \text{ in}", r"Hence it is $\boxed{5\text{ ft}. 6\text{ in}.}$."),
            ("7", "a = 3, so a + 4 = 7"),
            ("7", "We have x = 7."),
            ("x=7", "We have x = 7."),
            ("x^2+y^2=25", r"Hence it is $\boxed{x^2+y^2=25}$."),
            ("100", r"Hence it is $\boxed{A_{\text{total}} = 100}$."),
            ("5", r"Hence it is $\boxed{|AB| = 5}$."),
            ("5", r"Hence it is $\boxed{AB = \sqrt{9+16} = \sqrt{25} = 5}$."),
            (r"\frac{1}{6}", r"Hence it is $\boxed{P(A) = \frac{1}{6}}$."),
            ("n^2", r"Hence it is $\boxed{S_n = n^2}$."),
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
