//! What spaCy takes for an address of the web, and then does not split inside: with or without protocol, user, port and
//! path, a dotted name whose end has two letters or more, or a public address of four numbers.

use super::characters::{LOWER, kinds};

/// Whether a word is an address, by the parts that it must have.
pub fn is_address(word: &str) -> bool {
    let protocol = word.find("://").filter(|at| {
        let name = word.get(..*at).unwrap_or_default();
        name.chars().count() >= 2
            && name.chars().all(|one| one.is_alphanumeric() || matches!(one, '_' | '+' | '-' | '.'))
    });
    let after = protocol.and_then(|at| word.get(at + 3..));
    [Some(word), after].into_iter().flatten().any(|rest| {
        // A user may stand before any at sign, if there is anything before it.
        let users = rest.match_indices('@').filter(|(at, _)| *at > 0).filter_map(|(at, _)| rest.get(at + 1..));
        // Each part is read to its end, so many signs would cost the square of a long word.
        std::iter::once(rest).chain(users.take(MOST_USERS)).any(is_host_and_path)
    })
}

/// At signs that are tried.
const MOST_USERS: usize = 16;

fn is_host_and_path(text: &str) -> bool {
    let end = text.find([':', '/', '?', '#']).unwrap_or(text.len());
    let (host, rest) = text.split_at(end);
    (is_name(host) || is_numbers(host)) && is_port_and_path(rest)
}

fn is_port_and_path(text: &str) -> bool {
    let Some(port) = text.strip_prefix(':') else { return true };
    let digits = port.bytes().take_while(u8::is_ascii_digit).count();
    let rest = port.get(digits..).unwrap_or_default();
    (2..=5).contains(&digits) && (rest.is_empty() || rest.starts_with(['/', '?', '#']))
}

/// Labels and an end, parted by full stops.
fn is_name(host: &str) -> bool {
    let Some((labels, end)) = host.rsplit_once('.') else { return false };
    let letters = end.chars().count();
    (2..=63).contains(&letters)
        && end.chars().all(|one| kinds(one) & LOWER != 0)
        && labels.split('.').all(|label| {
            let inner = |one: char| one.is_ascii_alphanumeric() || ('\u{a1}'..='\u{ffff}').contains(&one);
            let count = label.chars().count();
            (1..=64).contains(&count)
                && label.chars().all(|one| inner(one) || matches!(one, '_' | '-'))
                && label.chars().next().is_some_and(inner)
                && label.chars().next_back().is_some_and(inner)
        })
}

/// Four numbers of a public address.
fn is_numbers(host: &str) -> bool {
    let parts: Vec<&str> = host.split('.').collect();
    let [first, second, third, fourth] = parts[..] else { return false };
    let number = |part: &str| match part.len() {
        1..=3 if part.bytes().all(|byte| byte.is_ascii_digit()) => part.parse::<u32>().ok(),
        _ => None,
    };
    let (Some(a), Some(b), Some(c), Some(d)) = (number(first), number(second), number(third), number(fourth)) else {
        return false;
    };
    let plain = |part: &str| !part.starts_with('0');
    let private = matches!((a, b), (10 | 127, _) | (169, 254) | (192, 168) | (172, 16..=31));
    plain(first) && a <= 223 && b <= 255 && c <= 255 && plain(fourth) && (1..=254).contains(&d) && !private
}
