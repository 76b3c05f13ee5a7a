//! Rows that were written without a look at the rules, and that these first judged wrongly.

use crate::{all, all_choices};

const GASES: &str = "Which gas is most of the air?\nA) Oxygen\nB) Nitrogen\nC) Argon\nD) Helium";
const DISTANCES: &str = "How far? a ) 15 km , b ) 20 km , c ) 25 km , d ) none of these";

#[test]
fn right_answers() {
    all(
        true,
        &[
            ("15", "Ans. 15"),
            ("15", "Adding up.\nAns: 15"),
            ("42", r"Thus $\boxed{٤٢}$."),
            ("42", "उत्तर: ४२"),
            ("3", r"Thus $\boxed{3 = x}$."),
            ("1/6", r"The probability is $\frac{1}{6}$, or about 0.167."),
            ("12 m/s", r"\boxed{12\ \mathrm{m/s}}"),
            ("12 m^2", r"\boxed{12\text{ square meters}}"),
            ("0.5 m", r"\boxed{50\text{ cm}}"),
            ("1234", r"\boxed{1 234}"),
        ],
    );
}

#[test]
fn wrong_answers() {
    all(
        false,
        &[
            ("4 hours early", r"Thus $\boxed{4 \text{ hours late}}$."),
            ("3 kg heavier", r"Thus $\boxed{3 \text{ kg lighter}}$."),
            ("x", r"Thus $\boxed{3 = x}$."),
            ("12", r"\boxed{1 2}"),
            ("123", r"\boxed{1 2 3}"),
            ("42", "The answer can't be 42."),
            ("12 m", r"\boxed{12\text{ square meters}}"),
            ("0.5 m", r"\boxed{50\text{ mm}}"),
            ("12 m/s", r"\boxed{12\ \mathrm{km/h}}"),
        ],
    );
}

#[test]
fn choices() {
    all_choices(
        true,
        &[
            ("B", "A is incorrect because oxygen is 21 %. The correct one is B.", GASES),
            ("A", "B is wrong. A is right.", GASES),
            ("D", "A can't be, so D.", GASES),
            ("C", "explanation : 5 * 5 = 25 answer : c", DISTANCES),
        ],
    );
    all_choices(
        false,
        &[
            ("B", "Could be A, could be B.", GASES),
            ("B", "Might be A but might be B.", GASES),
            ("B", "B is wrong. A is right.", GASES),
            ("I", "I am unsure.", ""),
        ],
    );
}
