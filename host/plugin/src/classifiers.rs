//! Text classifiers that filters may ask by name: who implements them, and what is checked of what they answer.
//!
//! A classifier is the host's own code, and runs natively. What it costs is charged to the guest that asks, in fuel per
//! byte of text (`sandbox/services.rs`), so that a limit on fuel bounds this work too.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use crate::text::{nearest, short};

/// Most labels of one text that a guest gets, whatever it asks for.
pub(crate) const MOST_LABELS: u32 = 1000;

/// Labels text. It is asked from many threads at once, and what it says of a text depends on that text alone.
pub trait TextClassifier: Send + Sync {
    /// The most probable labels of each text, at most `top` of them (and `top` may be more than there are), best first:
    /// names as the model spells them, with probabilities from 0 to 1. One list per text, in order.
    ///
    /// # Errors
    /// Why there is no answer, in words for a person. The guest is told, and refuses its document or does without.
    fn classify(&self, texts: &[&str], top: u32) -> Result<Vec<Vec<(String, f32)>>, String>;
}

/// The classifiers of a host, by the names under which plugins ask for them. Cheap to clone.
#[derive(Clone, Default)]
pub struct Classifiers(Arc<BTreeMap<String, Arc<dyn TextClassifier>>>);

impl FromIterator<(String, Arc<dyn TextClassifier>)> for Classifiers {
    fn from_iter<I: IntoIterator<Item = (String, Arc<dyn TextClassifier>)>>(named: I) -> Classifiers {
        Classifiers(Arc::new(named.into_iter().collect()))
    }
}

impl fmt::Debug for Classifiers {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_set().entries(self.0.keys()).finish()
    }
}

/// Why a guest gets no labels.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum NoLabels {
    /// The host has no classifiers at all.
    NoneConfigured(String),
    /// It has others.
    Unknown(String),
    /// The classifier failed, or answered what cannot be passed on.
    Failed(String),
}

impl Classifiers {
    /// Names of the classifiers, in order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// The classifier of a name, or which names there are.
    pub(crate) fn find(&self, name: &str) -> Result<&Arc<dyn TextClassifier>, NoLabels> {
        let shown = short(name);
        if self.0.is_empty() {
            return Err(NoLabels::NoneConfigured(format!(
                "no classifier named `{shown}` is configured on this host, and no other; name it among the classifiers \
                 of the stage"
            )));
        }
        self.0.get(name).ok_or_else(|| {
            let known: Vec<String> = self.names().take(20).map(|known| format!("`{}`", short(known))).collect();
            let more = if self.0.len() > known.len() { ", ..." } else { "" };
            let meant = nearest(name, self.0.keys().cloned())
                .map(|near| format!("; did you mean `{near}`?"))
                .unwrap_or_default();
            NoLabels::Unknown(format!(
                "no classifier named `{shown}` is configured on this host; there is {}{more}{meant}",
                known.join(", ")
            ))
        })
    }
}

/// Asks a classifier about some texts, and checks what it answers: one list per text, probabilities that are numbers (a
/// float's rounding over 1 is cut), best first and equal ones by name, and no more than `top`.
pub(crate) fn ask(
    name: &str,
    classifier: &dyn TextClassifier,
    texts: &[&str],
    top: u32,
) -> Result<Vec<Vec<(String, f32)>>, NoLabels> {
    let top = top.min(MOST_LABELS);
    let failed = |why: String| NoLabels::Failed(format!("classifier `{}` {why}", short(name)));
    let mut lists = classifier.classify(texts, top).map_err(|error| failed(format!("failed: {}", short(&error))))?;
    if lists.len() != texts.len() {
        return Err(failed(format!("gave {} lists of labels for {} texts", lists.len(), texts.len())));
    }
    for labels in &mut lists {
        for (label, probability) in labels.iter_mut() {
            if !probability.is_finite() {
                return Err(failed(format!("gave label `{}` the probability {probability}", short(label))));
            }
            *probability = probability.clamp(0.0, 1.0);
        }
        labels.sort_by(|one, other| other.1.total_cmp(&one.1).then_with(|| one.0.cmp(&other.0)));
        labels.truncate(top as usize);
    }
    Ok(lists)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Answers what it is made of, for each text.
    struct Fixed(Result<Vec<(&'static str, f32)>, &'static str>, usize);

    impl TextClassifier for Fixed {
        fn classify(&self, texts: &[&str], _top: u32) -> Result<Vec<Vec<(String, f32)>>, String> {
            let labels = self.0.clone().map_err(str::to_owned)?;
            let labels: Vec<_> = labels.into_iter().map(|(name, probability)| (name.to_owned(), probability)).collect();
            Ok(vec![labels; texts.len() + self.1])
        }
    }

    fn asked(fixed: Fixed, top: u32) -> Result<Vec<Vec<(String, f32)>>, NoLabels> {
        ask("math", &fixed, &["a text"], top)
    }

    #[test]
    fn labels_come_best_first_within_top_and_from_0_to_1() {
        let labels = vec![("b", 0.25), ("c", 1.000_01), ("a", 0.25), ("d", -0.000_01)];
        let named =
            |list: &[(&str, f32)]| vec![list.iter().map(|(name, p)| ((*name).to_owned(), *p)).collect::<Vec<_>>()];
        let all = named(&[("c", 1.0), ("a", 0.25), ("b", 0.25), ("d", 0.0)]);
        assert_eq!(asked(Fixed(Ok(labels.clone()), 0), u32::MAX), Ok(all));
        assert_eq!(asked(Fixed(Ok(labels.clone()), 0), 2), Ok(named(&[("c", 1.0), ("a", 0.25)])));
        assert_eq!(asked(Fixed(Ok(labels), 0), 0), Ok(named(&[])));
        let many = asked(Fixed(Ok(vec![("x", 0.0); 5000]), 0), u32::MAX).expect("labels");
        assert_eq!(many[0].len(), MOST_LABELS as usize);
    }

    #[test]
    fn answers_that_cannot_be_passed_on_are_the_classifiers_failure() {
        let failed = |words: &str| Err(NoLabels::Failed(format!("classifier `math` {words}")));
        assert_eq!(asked(Fixed(Err("out of\nmemory"), 0), 1), failed("failed: out of memory"));
        assert_eq!(asked(Fixed(Ok(vec![("a", f32::NAN)]), 0), 1), failed("gave label `a` the probability NaN"));
        assert_eq!(asked(Fixed(Ok(Vec::new()), 1), 1), failed("gave 2 lists of labels for 1 texts"));
    }

    #[test]
    fn an_unknown_name_is_refused_with_the_names_that_there_are() {
        let fixed = || Arc::new(Fixed(Ok(Vec::new()), 0)) as Arc<dyn TextClassifier>;
        let two: Classifiers = [("math".to_owned(), fixed()), ("prose".to_owned(), fixed())].into_iter().collect();
        assert!(two.find("math").is_ok());
        assert_eq!(
            two.find("maths").map(|_| ()),
            Err(NoLabels::Unknown(
                "no classifier named `maths` is configured on this host; there is `math`, `prose`; did you mean `math`?"
                    .to_owned()
            ))
        );
        assert_eq!(
            Classifiers::default().find("a\u{1b}[2Jb").map(|_| ()),
            Err(NoLabels::NoneConfigured(
                "no classifier named `a[2Jb` is configured on this host, and no other; name it among the classifiers of \
                 the stage"
                    .to_owned()
            ))
        );
    }
}
