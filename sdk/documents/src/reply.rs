//! A model's reply, without what stands around the answer.

/// The answer in a reply: without the thoughts that some models put before it (`<think>…</think>`), and without a fence
/// of code around all of it. `None` where thoughts were begun and not ended, so that there is no answer after them.
pub fn answer(reply: &str) -> Option<&str> {
    let answer = match reply.rfind("</think>") {
        Some(end) => &reply[end + "</think>".len()..],
        None if reply.trim_start().starts_with("<think>") => return None,
        None => reply,
    };
    Some(without_fence(answer.trim()))
}

/// What one fence encloses, where that is all there is.
fn without_fence(text: &str) -> &str {
    let Some(inside) = text.strip_prefix("```").and_then(|rest| rest.strip_suffix("```")) else { return text };
    let Some((language, inside)) = inside.split_once('\n') else { return text };
    if inside.contains("```") || language.trim().contains(char::is_whitespace) {
        return text;
    }
    inside.trim()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thoughts_and_a_fence_around_everything_go() {
        for (reply, expected) in [
            ("  a text \n", Some("a text")),
            ("<think>a score of 5?</think>\n\nScore: 3", Some("Score: 3")),
            ("a score of 5?</think>Score: 3", Some("Score: 3")),
            ("<think>so long that it was cut", None),
            ("```markdown\n# A text\n\n1 + 1\n```", Some("# A text\n\n1 + 1")),
            ("```\na text\n```", Some("a text")),
            ("```\na\n```\nand\n```\nb\n```", Some("```\na\n```\nand\n```\nb\n```")),
            ("A program:\n```\na\n```", Some("A program:\n```\na\n```")),
            ("```", Some("```")),
            ("", Some("")),
        ] {
            assert_eq!(answer(reply), expected, "{reply:?}");
        }
    }
}
