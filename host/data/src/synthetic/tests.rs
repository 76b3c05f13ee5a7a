use super::*;
use crate::field_map::FieldMap;
use crate::jsonl::{read_documents, read_problems};
use std::collections::BTreeSet;
use std::path::PathBuf;

const SEED: u64 = 11;

fn small() -> SyntheticConfig {
    SyntheticConfig {
        prose_documents: 300,
        web_pages: 1_500,
        qa_documents: 400,
        long_documents: 400,
        instruction_documents: 400,
        train_problems: 300,
        held_out_problems: 120,
        ..SyntheticConfig::default()
    }
}

struct Generated {
    folder: tempfile::TempDir,
    manifest: Manifest,
}

impl Generated {
    fn new(config: &SyntheticConfig, seed: u64) -> Generated {
        let folder = tempfile::tempdir().unwrap();
        let manifest = generate(config, seed, folder.path()).unwrap();
        Generated { folder, manifest }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(format!("{name}.jsonl.zst"))
    }

    fn documents(&self, name: &str) -> Vec<Document> {
        read_documents(&self.path(name)).unwrap().map(Result::unwrap).collect()
    }

    fn problems(&self, name: &str) -> Vec<Problem> {
        read_problems(&[self.path(name)], &FieldMap::default(), None).unwrap()
    }
}

/// The three numbers of every problem in `text`: a story's numbers come before "How many", a sum's before its "?".
fn asked_triples(text: &str) -> Vec<[u32; 3]> {
    let mut triples = Vec::new();
    for (end, _) in text.match_indices('?') {
        let start = text[..end].rfind(['\n', ':']).map_or(0, |at| at + 1);
        let question = &text[start..end];
        // "Example. Mia has 3 apples." shares its line with nothing but the question.
        let numbers: Vec<u32> = question
            .split(|character: char| !character.is_ascii_digit())
            .filter_map(|number| number.parse().ok())
            .collect();
        if let [.., first, second, third] = numbers[..] {
            triples.push([first, second, third]);
        }
    }
    triples
}

#[test]
fn no_held_out_triple_is_asked_about_anywhere_else() {
    let made = Generated::new(&small(), SEED);
    let held_out: BTreeSet<[u32; 3]> =
        made.problems("problems-held-out").iter().flat_map(|problem| asked_triples(&problem.problem)).collect();
    assert!(held_out.len() > 50, "{} triples", held_out.len());
    let mut seen = BTreeSet::new();
    for name in ["prose", "web", "qa", "long", "instructions"] {
        for document in made.documents(name) {
            seen.extend(asked_triples(&document.text));
        }
    }
    for problem in made.problems("problems-train") {
        seen.extend(asked_triples(&problem.problem));
    }
    assert!(seen.len() > 400, "{} triples", seen.len());
    let leaked: Vec<_> = seen.intersection(&held_out).collect();
    assert!(leaked.is_empty(), "{leaked:?}");
}

#[test]
fn prose_has_no_mathematics() {
    let made = Generated::new(&small(), SEED);
    for document in made.documents("prose") {
        let mathematical = |character: char| character.is_ascii_digit() || "+-=\\{}".contains(character);
        assert!(!document.text.contains(mathematical), "{}", document.text);
    }
}

#[test]
fn every_equation_that_a_solution_works_is_right() {
    let made = Generated::new(&small(), SEED);
    let mut checked = 0;
    for name in ["qa", "long", "instructions", "web"] {
        for document in made.documents(name) {
            if document.fields.get("page").is_some_and(|page| page == "noise") {
                continue;
            }
            for word in document.text.split([' ', '\n']) {
                let word = word.trim_end_matches(['.', ',']);
                let Some((sum, result)) = word.split_once('=') else {
                    continue;
                };
                let worked = match sum.split_once('+') {
                    Some((left, right)) => left.parse::<i64>().unwrap() + right.parse::<i64>().unwrap(),
                    None => {
                        let (left, right) = sum.split_once('-').unwrap();
                        left.parse::<i64>().unwrap() - right.parse::<i64>().unwrap()
                    }
                };
                assert_eq!(worked.to_string(), result, "{}", document.text);
                checked += 1;
            }
        }
    }
    assert!(checked > 5_000, "{checked}");
}

#[test]
fn solutions_end_in_the_reference() {
    let made = Generated::new(&small(), SEED);
    for name in ["problems-train", "problems-held-out"] {
        for problem in made.problems(name) {
            let solution = &problem.fields["solution"];
            assert!(solution.ends_with(&format!("={}.", problem.references[0])), "{} {solution}", problem.problem);
        }
    }
}

#[test]
fn long_solutions_work_in_steps_and_check_themselves() {
    let made = Generated::new(&small(), SEED);
    let mean = |name: &str| {
        let documents = made.documents(name);
        documents.iter().map(|document| document.text.len()).sum::<usize>() / documents.len()
    };
    assert!(mean("long") > mean("qa") * 3 / 2);
    let long = made.documents("long");
    assert!(long.iter().all(|document| document.text.contains("Check backwards:")));
    let bridged = long.iter().filter(|document| document.text.contains("=10, 10")).count();
    assert!(bridged > 40, "{bridged} of {} steps go over ten", long.len());
}

#[test]
fn bad_pages_are_marked_and_thin_out_over_the_years() {
    let made = Generated::new(&small(), SEED);
    let pages = made.documents("web");
    let bad_share = |early: bool| {
        let year_of = |page: &Document| page.year.unwrap();
        let chosen: Vec<_> = pages.iter().filter(|page| (year_of(page) < 2019) == early).collect();
        let bad = chosen.iter().filter(|page| page.fields["quality"] == "bad").count();
        bad as f64 / chosen.len() as f64
    };
    assert!((0.25..0.50).contains(&bad_share(true)), "{}", bad_share(true));
    assert!((0.12..0.32).contains(&bad_share(false)), "{}", bad_share(false));
    let kinds: BTreeSet<&str> = pages.iter().map(|page| page.fields["page"].as_str()).collect();
    assert_eq!(kinds.len(), 8, "{kinds:?}");
    assert!(pages.iter().all(|page| page.url.is_some() && !page.source.is_empty()));
}

#[test]
fn instructions_box_their_answer_when_the_rule_is_given_and_only_then() {
    let made = Generated::new(&small(), SEED);
    let mut ruled = 0;
    for document in made.documents("instructions") {
        let (user, assistant) = document.text.split_once("\nAssistant: ").unwrap();
        assert!(user.starts_with("User: "));
        let rule = user.ends_with(dialogue::BOX_RULE);
        assert_eq!(rule, assistant.contains("\\boxed{"), "{}", document.text);
        ruled += usize::from(rule);
    }
    assert!((100..220).contains(&ruled), "{ruled}");
}

#[test]
fn a_seed_gives_the_same_bytes_and_another_seed_others() {
    let (one, again, other) =
        (Generated::new(&small(), SEED), Generated::new(&small(), SEED), Generated::new(&small(), SEED + 1));
    assert_eq!(one.manifest, again.manifest);
    assert_eq!(one.manifest.files.len(), 7);
    for file in one.manifest.files.keys() {
        let bytes = |made: &Generated| std::fs::read(made.folder.path().join(file)).unwrap();
        assert!(bytes(&one) == bytes(&again), "{file} differs");
        assert!(bytes(&one) != bytes(&other), "{file} is the same for another seed");
    }
}

#[test]
fn held_out_problems_are_all_different() {
    let made = Generated::new(&small(), SEED);
    let problems = made.problems("problems-held-out");
    let texts: BTreeSet<&str> = problems.iter().map(|problem| problem.problem.as_str()).collect();
    assert_eq!(texts.len(), 120);
}

#[test]
fn a_config_out_of_range_is_refused_with_its_key() {
    let refused = |config: SyntheticConfig| config.validate().unwrap_err().to_string();
    assert!(refused(SyntheticConfig { bad_page_share: 0.9, ..small() }).contains("bad_page_share is 0.9"));
    assert!(refused(SyntheticConfig { web_error_share: f64::NAN, ..small() }).contains("web_error_share"));
    assert!(refused(SyntheticConfig { largest_operand: 0, ..small() }).contains("largest_operand is 0"));
    let too_many = refused(SyntheticConfig { held_out_problems: 1_000_000, ..small() });
    assert!(too_many.contains("held_out_problems is 1000000"), "{too_many}");
    assert!(serde_json::from_str::<SyntheticConfig>(r#"{"web_page": 3}"#).is_err());
}
