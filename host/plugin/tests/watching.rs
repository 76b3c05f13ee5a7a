//! Watching guests shows what they did and changes nothing of it.

mod guests;
#[path = "guests/processed_profile.rs"]
mod processed_profile;

use guests::{attempts, host, kinds, obedient_verifier, tight};
use octo_plugin::types::Verdict;
use octo_plugin::{Failure, FailureKind, Host, Limits, LogLine, Profiler, Transcript};
use serde_json::Value;

fn verdicts(host: &Host, limits: &Limits, responses: &[&str]) -> Vec<Result<Verdict, Failure>> {
    guests::verifier(host, limits).verify(&attempts(responses))
}

#[test]
fn the_log_before_a_trap_is_kept_with_the_place_and_the_fuel() {
    let transcript = Transcript::default();
    let host = host().with_transcript(&transcript);
    let verifier = guests::verifier(&host, &tight());
    transcript.take();
    let answers = verifier.verify(&attempts(&["v"]));
    assert_eq!(kinds(&answers), [Some(FailureKind::Trap)]);
    let [instance] = &transcript.take()[..] else { panic!("one item, one instance") };
    assert_eq!(instance.log, [LogLine { level: "error", text: "last words[2J".to_owned() }]);
    assert_eq!(instance.calls.len(), 2, "configure and verify");
    assert_eq!(instance.calls[1].given, tight().fuel_per_item);
    assert!((1..10_000).contains(&instance.calls[1].used), "{:?}", instance.calls);
    assert_eq!(instance.frames[0].function, "crash_on_purpose");
    assert!(instance.frames.iter().all(|frame| frame.source.is_none()), "it has no debug information");
}

#[test]
fn a_log_is_kept_up_to_its_limit_and_says_that_there_was_more() {
    let transcript = Transcript::default();
    let host = host().with_transcript(&transcript);
    let verifier = guests::verifier(&host, &Limits { log_bytes: 150_000, ..tight() });
    transcript.take();
    assert_eq!(kinds(&verifier.verify(&attempts(&["talk"]))), [Some(FailureKind::Fuel)]);
    let kept = transcript.take();
    assert_eq!((kept[0].log.len(), kept[0].log_cut), (2, true), "lines of 60,000 bytes");
}

#[test]
fn results_are_the_same_however_they_are_watched() {
    let responses = ["c one", "u", "c two", "l", "e no", "v", "m", "s", "c three"];
    let plain = verdicts(&host(), &tight(), &responses);
    let transcript = Transcript::default();
    assert_eq!(verdicts(&host().with_transcript(&transcript), &tight(), &responses), plain);
    assert_eq!(verdicts(&host().with_source_lines().expect("an engine"), &tight(), &responses), plain);
    assert_eq!(verdicts(&host().with_profiler(&Profiler::new()).expect("an engine"), &tight(), &responses), plain);
}

/// Debug information is the guest's to write, and is parsed where source lines were asked for.
#[test]
fn debug_information_that_is_garbage_costs_its_source_lines_alone() {
    let crash = r#"
  (func $crash_on_purpose unreachable)
  (func (export "octo:plugin/verifier@0.1.0#verify") (param i32 i32) (result i32)
    (call $crash_on_purpose) (i32.const 0))"#;
    let sections = [".debug_info", ".debug_abbrev", ".debug_line", ".debug_str", ".debug_ranges", ".debug_aranges"];
    let host = host().with_source_lines().expect("an engine");
    // Small numbers more often than chance has it: they are the tags, forms and lengths of DWARF.
    let mut state = 1u32;
    let mut byte = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let byte = (state >> 24) as u8;
        if state & 0x30_0000 == 0 { byte } else { byte % 12 }
    };
    for length in (0..60).map(|round| round * 7) {
        let mut text = String::new();
        for section in sections {
            // The header that a parser reads first: length, version 4, and the rest left to chance.
            let mut content = u32::try_from(length + 2).expect("small").to_le_bytes().to_vec();
            content.extend([4, 0]);
            content.extend((0..length).map(|_| byte()));
            let content: String = content.iter().map(|byte| format!("\\{byte:02x}")).collect();
            text += &format!("(@custom \"{section}\" \"{content}\")");
        }
        let bytes = guests::guest("verifier-plugin", &format!("{crash}{text}"));
        assert!(bytes.windows(11).any(|name| name == b".debug_info"), "it is in the component");
        let verifier = guests::load(&host, &bytes, &tight()).expect("loads").into_verifier().expect("a verifier");
        let failure = verifier.verify(&attempts(&["a"])).remove(0).expect_err("it crashes");
        assert!(failure.message.contains("crash_on_purpose"), "{failure}");
    }
}

/// The function names of a profile in Firefox's processed format, in which strings are named by their index.
fn function_names(profile: &Value) -> Vec<String> {
    let thread = &profile["threads"][0];
    let strings = [&thread["stringArray"], &profile["shared"]["stringArray"]];
    let strings = strings.into_iter().find_map(Value::as_array).expect("strings");
    let symbols = thread["funcTable"]["name"].as_array().expect("functions");
    symbols
        .iter()
        .filter_map(|index| strings.get(usize::try_from(index.as_u64()?).ok()?)?.as_str().map(str::to_owned))
        .collect()
}

#[test]
fn a_profile_is_json_with_the_guests_function_names() {
    let profiler = Profiler::new();
    let host = host().with_profiler(&profiler).expect("an engine");
    let limits = Limits { fuel_per_item: 300_000_000, ..tight() };
    let one_thread = rayon::ThreadPoolBuilder::new().num_threads(1).build().expect("a thread");
    let answers = one_thread.install(|| verdicts(&host, &limits, &["loop"]));
    assert_eq!(kinds(&answers), [Some(FailureKind::Fuel)]);
    let mut written = Vec::new();
    let samples = profiler.write(&mut written).expect("a profile");
    assert!(samples > 0, "300 million instructions take longer than a tick of the clock");
    let profile: Value = serde_json::from_slice(&written).expect("JSON");
    assert_eq!(processed_profile::samples(&profile), samples);
    let names = function_names(&profile);
    assert!(names.iter().any(|name| name.contains("spin_on_purpose")), "{names:?}");
    assert!(profiler.write(Vec::new()).is_err(), "a profile is written once");
}

#[test]
fn deadlines_hold_while_a_guest_is_profiled() {
    let host = host().with_profiler(&Profiler::new()).expect("an engine");
    let limits = Limits { fuel_per_item: u64::MAX, deadline_ms: 100, ..tight() };
    assert_eq!(kinds(&verdicts(&host, &limits, &["loop"])), [Some(FailureKind::Deadline)]);
    // Neither does a tick of the finer clock count for one of the usual.
    let patient = Limits { fuel_per_item: 1_000_000_000, deadline_ms: 60_000, ..tight() };
    assert_eq!(kinds(&verdicts(&host, &patient, &["loop"])), [Some(FailureKind::Fuel)]);
}

#[test]
fn a_profiler_follows_the_first_plugin_that_is_loaded() {
    let profiler = Profiler::new();
    let host = host().with_profiler(&profiler).expect("an engine");
    let first = guests::load(&host, &obedient_verifier(), &tight()).expect("loads");
    // A slow machine may have sampled the first while it described itself.
    let before = profiler.samples();
    let limits = Limits { fuel_per_item: 100_000_000, ..tight() };
    verdicts(&host, &limits, &["loop"]);
    assert_eq!(profiler.samples(), before, "the second is not sampled");
    drop(first);
}
