//! Responses as texts: what a reader sees of one, and what ends one.

use octo_data::tokenizer::Tokenizer;
use octo_model::{Finish, Model, Response};

/// The text that a verifier judges. Generation keeps the stop text that ended it in the tokens; a reader of the
/// response, like vLLM's, does not want it. Special tokens are left out.
pub(crate) fn response_text(tokenizer: &Tokenizer, response: &Response, stop: &[String]) -> String {
    let mut text = tokenizer.decode(&response.tokens, true);
    if response.finish == Finish::Stop {
        if let Some(end) = first(&text, stop) {
            text.truncate(end);
        } else if names_special(tokenizer, stop) {
            return before_special(tokenizer, &response.tokens, stop).unwrap_or(text);
        }
    }
    text
}

/// Whether a stop text has the name of a special token, and is to be looked for where these are shown.
pub(crate) fn names_special(tokenizer: &Tokenizer, stop: &[String]) -> bool {
    stop.iter().any(|stop| tokenizer.names_special(stop))
}

/// Where the first of the stop texts begins.
fn first(text: &str, stop: &[String]) -> Option<usize> {
    stop.iter().filter(|stop| !stop.is_empty()).filter_map(|stop| text.find(stop.as_str())).min()
}

/// What is in front of a stop text that is there only among the names of special tokens.
fn before_special(tokenizer: &Tokenizer, tokens: &[u32], stop: &[String]) -> Option<String> {
    let named = tokenizer.decode(tokens, false);
    let end = first(&named, stop)?;
    // The stop text was found as soon as it was whole, so it begins in one of the last tokens.
    let shown = |count: usize| tokens.get(..count).map(|tokens| tokenizer.decode(tokens, false)).unwrap_or_default();
    let (count, length) =
        (0..tokens.len()).rev().map(|count| (count, shown(count).len())).find(|(_, length)| *length <= end)?;
    let before = tokenizer.decode(tokens.get(..count)?, true);
    Some(before + named.get(length..end).unwrap_or_default())
}

/// Tokens at which a response ends: the tokenizer's and the model's.
pub(crate) fn end_tokens(model: &Model, tokenizer: &Tokenizer) -> Vec<u32> {
    let mut tokens = tokenizer.end_tokens().to_vec();
    tokens.extend(&model.config().eos_token_id);
    tokens.sort_unstable();
    tokens.dedup();
    tokens
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_ends_before_its_stop_text_however_that_is_written() {
        let documents = ["so it is 42. Problem: next"; 3];
        let tokenizer = Tokenizer::train(documents, 300, &["<|im_end|>", "<|think|>"]).expect("trains");
        let text = |text: &str, stop: &[&str], finish: Finish| {
            let tokens = tokenizer.encode(text).expect("encodes");
            let response = Response { log_probabilities: vec![0.0; tokens.len()], tokens, finish };
            let stop: Vec<String> = stop.iter().map(|text| (*text).to_owned()).collect();
            response_text(&tokenizer, &response, &stop)
        };
        for (response, stop, expected) in [
            ("<|think|>it is 42<|im_end|>", &["<|im_end|>"][..], "it is 42"),
            ("it is<|think|> 42.<|im_end|>", &["\n", "2.<|im_end|>"], "it is 4"),
            ("it is 42<|im_end|> P", &["<|im_end|> P"], "it is 42"),
            ("<|think|>it is 42. P", &["<|im_end|>", ". P"], "it is 42"),
            ("it is 42<|im_end|>", &["x"], "it is 42"),
        ] {
            assert_eq!(text(response, stop, Finish::Stop), expected, "{response}");
        }
        assert_eq!(text("a. P", &[". P"], Finish::Length), "a. P", "a response that no stop text ended is whole");
    }
}
