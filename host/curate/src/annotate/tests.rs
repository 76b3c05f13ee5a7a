use std::sync::atomic::AtomicUsize;

use octo_data::jsonl::{JsonLines, JsonlWriter};
use octo_endpoint::{Deliver, Prices, Usage};
use octo_plugin::types::Field;
use serde_json::json;

use super::*;
use crate::{DEAD_LETTER, DROPPED, KEPT, STATISTICS};

/// Asks about documents that are not empty, and reads `N points` as a score; low ones are dropped.
struct Scores;

impl Annotates for Scores {
    fn ask(&self, documents: &[Document]) -> Vec<Result<Option<Request>, Failure>> {
        let ask = |document: &Document| match document.text.as_str() {
            "empty" => Ok(None),
            "refused" => Err(Failure { kind: FailureKind::PluginError, message: "cannot ask".into() }),
            text => Ok(Some(Request {
                prompt: Prompt::Chat(vec![Message { role: Role::User, content: format!("Score: {text}") }]),
                sampling: Sampling { max_tokens: 9, ..Sampling::default() },
            })),
        };
        documents.iter().map(ask).collect()
    }

    fn read(&self, answered: Vec<(Document, Answer)>) -> Vec<Result<Decision, Failure>> {
        let read = |(_, answer): (Document, Answer)| {
            let score = answer.text.strip_suffix(" points").and_then(|score| score.parse::<u32>().ok());
            match score {
                None => {
                    Err(Failure { kind: FailureKind::PluginError, message: format!("no score in {}", answer.text) })
                }
                Some(0) => Ok(Decision::Drop("low".into())),
                Some(score) => Ok(Decision::Annotate(vec![Field { name: "score".into(), value: score.to_string() }])),
            }
        };
        answered.into_iter().map(read).collect()
    }
}

/// Answers what is asked by the words in it, backwards; `calls` counts.
#[derive(Default)]
struct Model {
    calls: AtomicUsize,
    /// Halts before this call.
    halts_at: Option<usize>,
}

impl LanguageModel for Model {
    fn name(&self) -> &str {
        "points"
    }

    fn answer(&self, requests: &[Request], stop: &AtomicBool, deliver: &Deliver<'_>) -> Result<(), Halt> {
        for (index, request) in requests.iter().enumerate().rev() {
            if stop.load(Ordering::Relaxed) {
                return Err(Halt::Stopped);
            }
            if self.halts_at.is_some_and(|at| self.calls.load(Ordering::Relaxed) >= at) {
                return Err(Halt::Engine("out of memory".into()));
            }
            self.calls.fetch_add(1, Ordering::Relaxed);
            let Prompt::Chat(messages) = &request.prompt else { unreachable!("only chats are asked") };
            let seed = request.sampling.seed;
            let text = messages[0].content.strip_prefix("Score: ").unwrap().to_owned();
            let number: usize = text.rsplit(' ').next().unwrap().parse().unwrap_or(0);
            let answer = match text.as_str() {
                _ if text.starts_with("silent") => {
                    let why = "it answered with status 500".to_owned();
                    deliver(index, Err(NoAnswer { why, tries: 3 }))?;
                    continue;
                }
                _ if text.starts_with("mumbles") && seed.is_none_or(|seed| seed < number as u64) => "well".to_owned(),
                _ => format!("{} points", number % 6),
            };
            deliver(index, Ok(Answer::of_engine(&answer, Finish::Stop, Usage { prompt_tokens: 5, answer_tokens: 2 })))?;
        }
        Ok(())
    }
}

struct Corpus {
    folder: tempfile::TempDir,
    inputs: Vec<PathBuf>,
}

fn corpus(texts: &[String]) -> Corpus {
    let folder = tempfile::tempdir().unwrap();
    let inputs = vec![folder.path().join("a.jsonl.zst")];
    let mut writer = JsonlWriter::create(&inputs[0]).unwrap();
    for (number, text) in texts.iter().enumerate() {
        writer.write(&json!({ "id": number.to_string(), "text": text })).unwrap();
    }
    writer.finish().unwrap();
    Corpus { folder, inputs }
}

fn annotate(
    corpus: &Corpus,
    model: &dyn LanguageModel,
    asking: Asking,
    out: &str,
) -> (Result<Statistics, AnnotateError>, AnnotationStanding) {
    let cache = Cache::open(&corpus.folder.path().join("answers"), "test").unwrap();
    let stop = AtomicBool::new(false);
    let annotation = Annotation::new(&Scores, model, &cache, asking, &stop);
    let out = corpus.folder.path().join(out);
    let ended = annotation.run(&corpus.inputs, "score", &out, &Options::default(), &|_, _| {});
    (ended, annotation.standing())
}

fn lines(corpus: &Corpus, path: &str) -> Vec<Value> {
    let lines = JsonLines::open(&corpus.folder.path().join(path)).unwrap();
    lines.map(|line| serde_json::from_str(&line.unwrap().row.to_json_with(&[])).unwrap()).collect()
}

fn texts(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

#[test]
fn a_document_is_decided_on_by_its_answer_and_one_without_is_a_dead_letter_and_no_zero() {
    let corpus = corpus(&texts(&["page 3", "page 6", "empty", "silent 1", "mumbles 2", "refused", "page 3"]));
    let model = Model::default();
    let (statistics, standing) = annotate(&corpus, &model, Asking::default(), "out");
    let statistics = statistics.unwrap();
    let kept = lines(&corpus, &format!("out/{KEPT}"));
    assert_eq!(
        kept,
        [
            json!({"id": "0", "text": "page 3", "fields": {"score": "3"}}),
            json!({"id": "2", "text": "empty"}),
            json!({"id": "6", "text": "page 3", "fields": {"score": "3"}}),
        ]
    );
    let dropped = lines(&corpus, &format!("out/{DROPPED}"));
    assert_eq!(dropped, [json!({"id": "1", "text": "page 6", "dropped_by": "score", "reason": "low"})]);
    let dead = lines(&corpus, &format!("out/{DEAD_LETTER}"));
    let letter = |id: &str, text: &str, failure: &str, message: &str| json!({"id": id, "text": text, "failed_in": "score", "failure": failure, "message": message});
    assert_eq!(
        dead,
        [
            letter("3", "silent 1", "no-reply", "the model gave no answer in 3 tries: it answered with status 500"),
            letter("4", "mumbles 2", "plugin-error", "no score in well"),
            letter("5", "refused", "plugin-error", "cannot ask"),
        ]
    );
    let filter = &statistics.filters[0];
    assert_eq!((filter.seen, filter.kept, filter.annotated), (7, 1, 2));
    assert_eq!(filter.failed, [("no-reply".to_owned(), 1), ("plugin-error".to_owned(), 2)].into());
    assert_eq!(model.calls.into_inner(), 4, "equal requests are one call");
    assert_eq!(standing, AnnotationStanding { decided: 7, without_answer: 1, from_cache: 0 });
}

#[test]
fn an_answer_that_cannot_be_read_is_asked_for_again_with_the_next_seed() {
    let corpus = corpus(&texts(&["mumbles 2", "mumbles 9", "page 1"]));
    let model = Model::default();
    let asking = Asking { ask_again: 3, temperature: Some(0.7), ..Asking::default() };
    let (statistics, _) = annotate(&corpus, &model, asking.clone(), "out");
    assert_eq!(statistics.unwrap().total.kept, 2);
    assert_eq!(lines(&corpus, &format!("out/{KEPT}"))[0]["fields"]["score"], "2");
    assert_eq!(lines(&corpus, &format!("out/{DEAD_LETTER}"))[0]["message"], "no score in well");
    assert_eq!(model.calls.load(Ordering::Relaxed), 3 + 2 + 2 + 1);
    // All of it is in the cache, the unreadable answers too: more rounds ask only what is new.
    let (statistics, standing) = annotate(&corpus, &model, Asking { ask_again: 9, ..asking }, "again");
    assert_eq!(statistics.unwrap().total.kept, 3);
    assert_eq!((model.calls.load(Ordering::Relaxed), standing.from_cache), (8 + 6, 8));
}

#[test]
fn a_model_that_halts_keeps_no_half_decided_chunk_and_no_call_is_repeated() {
    let pages: Vec<String> = (0..3000).map(|number| format!("page {number}")).collect();
    let corpus = corpus(&pages);
    let whole = {
        let (statistics, _) = annotate(&corpus, &Model::default(), Asking::default(), "whole");
        let names = [KEPT, DROPPED, DEAD_LETTER, STATISTICS];
        assert_eq!(statistics.unwrap().total.kept, 2500);
        names.map(|name| std::fs::read(corpus.folder.path().join("whole").join(name)).unwrap())
    };
    std::fs::remove_dir_all(corpus.folder.path().join("answers")).unwrap();
    let halting = Model { halts_at: Some(1500), ..Model::default() };
    let (ended, _) = annotate(&corpus, &halting, Asking::default(), "out");
    assert_eq!(ended.unwrap_err().to_string(), "out of memory");
    assert!(!corpus.folder.path().join("out").join(KEPT).exists());
    let model = Model::default();
    let (ended, standing) = annotate(&corpus, &model, Asking::default(), "out");
    assert_eq!(ended.unwrap().total.kept, 2500);
    assert_eq!((model.calls.into_inner(), standing.from_cache), (1500, 1500));
    for (name, bytes) in [KEPT, DROPPED, DEAD_LETTER, STATISTICS].iter().zip(whole) {
        assert!(std::fs::read(corpus.folder.path().join("out").join(name)).unwrap() == bytes, "{name}");
    }
}

#[test]
fn a_stop_ends_it_and_what_was_answered_is_there_for_the_next_call() {
    let corpus = corpus(&texts(&["page 1", "page 2"]));
    let cache = Cache::open(&corpus.folder.path().join("answers"), "test").unwrap();
    let stop = AtomicBool::new(true);
    let model = Model::default();
    let annotation = Annotation::new(&Scores, &model, &cache, Asking::default(), &stop);
    let out = corpus.folder.path().join("out");
    let ended = annotation.run(&corpus.inputs, "score", &out, &Options::default(), &|_, _| {});
    assert!(matches!(ended, Err(AnnotateError::Curate(CurateError::Stopped))));
    assert_eq!(model.calls.into_inner(), 0);
}

#[test]
fn an_annotator_that_forgets_a_document_is_named() {
    struct Forgetful;
    impl Annotates for Forgetful {
        fn ask(&self, documents: &[Document]) -> Vec<Result<Option<Request>, Failure>> {
            Scores.ask(&documents[1..])
        }
        fn read(&self, _: Vec<(Document, Answer)>) -> Vec<Result<Decision, Failure>> {
            Vec::new()
        }
    }
    let corpus = corpus(&texts(&["page 1", "page 2"]));
    let cache = Cache::open(&corpus.folder.path().join("answers"), "test").unwrap();
    let stop = AtomicBool::new(false);
    let model = Model::default();
    let annotation = Annotation::new(&Forgetful, &model, &cache, Asking::default(), &stop);
    let out = corpus.folder.path().join("out");
    let error = annotation.run(&corpus.inputs, "score", &out, &Options::default(), &|_, _| {}).unwrap_err();
    assert_eq!(error.to_string(), "the annotator gave 1 results for 2 documents");
}

#[test]
fn a_recipe_overrides_what_the_annotator_asks_for() {
    let request = to_request(types::Request {
        messages: vec![types::Message { role: types::Role::System, content: "Be brief.".into() }],
        max_tokens: 100,
        temperature: 1.0,
        top_p: 0.9,
        stop: vec!["\n".into()],
    });
    assert_eq!(Asking::default().apply(request.clone(), 0), request);
    let extra: Map<String, Value> = [("top_k".to_owned(), json!(5))].into_iter().collect();
    let asking = Asking {
        max_tokens: Some(50),
        temperature: Some(0.0),
        top_p: Some(1.0),
        seed: Some(7),
        extra: extra.clone(),
        ask_again: 2,
    };
    let asked = asking.apply(request.clone(), 2);
    let stop = vec!["\n".to_owned()];
    let sampling = Sampling { max_tokens: 50, seed: Some(9), stop, temperature: 0.0, top_p: 1.0, extra };
    assert_eq!(asked, Request { prompt: request.prompt.clone(), sampling });
    assert_eq!(Asking::default().apply(request, 1).sampling.seed, Some(1));
    let cut = |finish| to_reply(Answer::of_engine("x", finish, Usage::default())).finish;
    assert_eq!(cut(Finish::Stop), types::FinishReason::Stop);
    assert_eq!(cut(Finish::Length), types::FinishReason::Length);
    assert_eq!(cut(Finish::Other("content_filter".into())), types::FinishReason::Length);
}

#[test]
fn an_estimate_counts_small_files_and_guesses_large_ones() {
    let few = corpus(&texts(&["page 1", "empty", "refused", "page 22"]));
    let estimate = Estimate::of_files(&few.inputs, &Scores, &Asking::default()).unwrap();
    // `Score: page 1` has 13 characters and `Score: page 22` has 14.
    assert_eq!(estimate, Estimate { documents: 4.0, calls: 2.0, prompt_tokens: 16.0, answer_tokens: 18.0 });
    assert_eq!(estimate.for_documents(400.0).calls, 200.0);
    assert_eq!(estimate.money(Prices { input: 1e6, output: 2e6 }), 16.0 + 36.0);
    let many = corpus(&(0..500).map(|number| format!("page {number}")).collect::<Vec<_>>());
    let capped = Asking { max_tokens: Some(3), ..Asking::default() };
    let estimate = Estimate::of_files(&many.inputs, &Scores, &capped).unwrap();
    assert_eq!((estimate.documents, estimate.calls, estimate.answer_tokens), (500.0, 500.0, 1500.0));
}
