//! The known name that a misspelt one is nearest to, for "did you mean".

/// The name of `known` that `key` is most likely meant to be: the nearest by edits (Damerau and Levenshtein: a character
/// added, left out, replaced, or swapped with its neighbour), and of equally near ones the shortest, the first. `None`
/// where the nearest is more than one edit away and one more for every three characters of `key`.
pub fn nearest(key: &str, known: impl IntoIterator<Item = String>) -> Option<String> {
    let length = key.chars().count();
    let most = 1 + length / 3;
    known
        .into_iter()
        // Names that differ more in length differ more in edits, and those of a guest may be very long.
        .filter(|name| name.chars().count().abs_diff(length) <= most)
        .map(|name| (strsim::damerau_levenshtein(key, &name), name))
        .filter(|(distance, _)| *distance <= most)
        .min_by_key(|(distance, name)| (*distance, name.len()))
        .map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(key: &str, known: &[&str]) -> Option<String> {
        nearest(key, known.iter().map(|name| (*name).to_owned()))
    }

    #[test]
    fn a_misspelt_name_is_found() {
        for (key, name) in
            [("tokns", "tokens"), ("tokesn", "tokens"), ("stp", "step"), ("learning_rat", "learning_rate")]
        {
            assert_eq!(found(key, &["tokens", "step", "learning_rate", "seed"]).as_deref(), Some(name), "{key}");
        }
    }

    #[test]
    fn what_is_far_from_all_names_is_near_to_none() {
        assert_eq!(found("seed", &[]), None);
        assert_eq!(found("ab", &["xyz"]), None);
        assert_eq!(found("wholly_different", &["tokens", "step"]), None);
    }

    #[test]
    fn the_shorter_of_two_equally_near_names_is_meant() {
        assert_eq!(found("step", &["steps2", "stepx", "stop"]).as_deref(), Some("stop"));
    }
}
