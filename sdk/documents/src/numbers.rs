//! The numbers of a text, each written in one way.

/// Calls `found` with each number of a text, written in one way: without separators of thousands and without zeros that
/// say nothing (`1,200.50` is `1200.5`, `007` is `7`). A sign is not part of it. Digits inside of words (`x2`, `H2O`,
/// `sha256`) are no numbers, and neither are those that count the items of a list at the start of a line (`3.`, `(3)`).
pub(crate) fn each(text: &str, mut found: impl FnMut(&str)) {
    for line in text.lines() {
        let bytes = line.as_bytes();
        let mut at = list_marker(line);
        while at < bytes.len() {
            if !bytes[at].is_ascii_digit() {
                at += 1;
                continue;
            }
            let in_word = line[..at].chars().next_back().is_some_and(|before| before.is_alphabetic());
            let (end, digits) = number(bytes, at);
            if !in_word {
                found(&in_one_way(&digits));
            }
            at = end;
        }
    }
}

/// The end of the marker of a list item at the start of a line, 0 without one.
fn list_marker(line: &str) -> usize {
    let start = line.len() - line.trim_start().len();
    let rest = &line[start..];
    let rest = rest.strip_prefix('(').unwrap_or(rest);
    let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
    let after = &rest[digits..];
    let ends = after.starts_with(['.', ')']) && after[1..].chars().next().is_none_or(char::is_whitespace);
    if (1..=3).contains(&digits) && ends { line.len() - after.len() + 1 } else { 0 }
}

/// The end of the number that begins here, and its digits without separators.
fn number(bytes: &[u8], start: usize) -> (usize, String) {
    let digits_from = |at: usize| bytes[at..].iter().take_while(|byte| byte.is_ascii_digit()).count();
    let mut digits = String::new();
    let mut take = |from: usize, to: usize| digits.extend(bytes[from..to].iter().map(|byte| char::from(*byte)));
    let mut end = start + digits_from(start);
    take(start, end);
    // Thousands: after one to three digits, groups of three.
    if end - start <= 3 {
        while bytes.get(end) == Some(&b',') && digits_from(end + 1) == 3 {
            take(end + 1, end + 4);
            end += 4;
        }
    }
    if bytes.get(end) == Some(&b'.') && end + 1 < bytes.len() && digits_from(end + 1) > 0 {
        let fraction = end + 1 + digits_from(end + 1);
        take(end, fraction);
        end = fraction;
    }
    (end, digits)
}

fn in_one_way(digits: &str) -> String {
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let whole = whole.trim_start_matches('0');
    let whole = if whole.is_empty() { "0" } else { whole };
    match fraction.trim_end_matches('0') {
        "" => whole.to_owned(),
        fraction => format!("{whole}.{fraction}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(text: &str) -> Vec<String> {
        let mut all = Vec::new();
        each(text, |number| all.push(number.to_owned()));
        all
    }

    #[test]
    fn numbers_are_written_in_one_way() {
        assert_eq!(numbers("It cost 1,200.50 in 1999, not 1200.5."), ["1200.5", "1999", "1200.5"]);
        assert_eq!(numbers("007 and 0.50 and 0"), ["7", "0.5", "0"]);
        assert_eq!(numbers("3/4 of 50% is -37.5"), ["3", "4", "50", "37.5"]);
        assert_eq!(numbers("(1,2) and 12,34 and 1,2345"), ["1", "2", "12", "34", "1", "2345"]);
        assert_eq!(numbers("1.2.3"), ["1.2", "3"]);
        assert_eq!(numbers("été 5. 6"), ["5", "6"]);
    }

    #[test]
    fn digits_of_words_and_of_list_markers_are_no_numbers() {
        assert_eq!(numbers("H2O, x2 and sha256 but 2x"), ["2"]);
        assert_eq!(numbers("1. first of 3\n  2) second\n(3) third\n4.5 metres\n2024. A year"), ["3", "4.5", "2024"]);
        assert_eq!(numbers("$x_1 = 2$"), ["1", "2"]);
    }
}
