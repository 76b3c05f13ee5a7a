//! Hostile plugins can't hurt: every line of [`table::TABLE`] ends as the error that was reviewed and kept in
//! `errors.txt`, and after each the same process serves a good plugin, has its memory back, and has no thread stuck.
//!
//! Each case is a test by its name: `cargo test --release -p octo-hostile-tests --test suite verifier::verify::spin`.
//! They run one after another in one process, so that what the process holds after a case is that case's doing.

#[path = "../../../../host/plugin/tests/guests/built.rs"]
mod built;
mod case;
mod golden;
mod guest_lines;
#[path = "../../../../host/plugin/tests/guests/mod.rs"]
mod guests;
mod process;
mod subject;
mod table;
mod text_guests;

use std::collections::BTreeSet;
use std::path::Path;
use std::process::ExitCode;
use std::sync::LazyLock;

use libtest_mimic::{Arguments, Failed, Trial};
use octo_plugin::{Host, Kind, Limits};
use serde_json::Value;

use crate::case::Case;
use crate::guest_lines::GuestLines;
use crate::process::Held;
use crate::table::TABLE;

fn main() -> ExitCode {
    let mut arguments = Arguments::from_args();
    arguments.test_threads = Some(1);
    let names: Vec<String> = case::all().map(|case| case.name()).collect();
    let mut trials: Vec<Trial> =
        case::all().map(|case| Trial::test(case.name(), move || hurts_nobody(&case))).collect();
    trials.push(Trial::test("table::every_limit_is_met", every_limit_is_met));
    trials.push(Trial::test("table::every_case_has_a_name_of_its_own", {
        let names = names.clone();
        move || names_differ(&names)
    }));
    trials.push(Trial::test("table::errors_txt_has_a_line_for_every_case", {
        let names = names.clone();
        move || golden::is_complete(&names)
    }));
    let conclusion = libtest_mimic::run(&arguments, trials);
    golden::write(&names);
    conclusion.exit_code()
}

/// What all cases share: the host that they load into, its log, and what the process held before the first.
struct Process {
    host: Host,
    lines: GuestLines,
    /// The answers of a good plugin of each kind.
    good: [String; Kind::ALL.len()],
    held: Held,
}

static PROCESS: LazyLock<Process> = LazyLock::new(|| {
    let lines = GuestLines::captured();
    let host = built::host().compiling_with(Path::new(env!("CARGO_BIN_EXE_octo-hostile-tests")));
    let good = Kind::ALL.map(|kind| case::good_answers(&host, kind));
    assert!(good.iter().all(|answers| !answers.contains("fails")), "{good:?}");
    Process { host, lines, good, held: Held::now() }
});

/// Runs a case, compares how it ended, and looks for what it has left.
fn hurts_nobody(case: &Case) -> Result<(), Failed> {
    let Process { host, lines, good, held } = &*PROCESS;
    lines.forget();
    let outcome = case.run(host);
    let logged = lines.count();
    let log = if logged > 0 { format!(" [{logged} lines of log]") } else { String::new() };
    let outcome = format!("{outcome}{log}");
    if let Some(limit) = case.unmet_limit(&outcome, lines) {
        return Err(format!("does not meet `{limit}`: {outcome}").into());
    }
    let index = Kind::ALL.iter().position(|kind| *kind == case.kind).expect("a kind");
    if case::good_answers(host, case.kind) != good[index] {
        return Err("a good plugin is not served as before".into());
    }
    if let Some(problem) = held.not_back() {
        return Err(problem.into());
    }
    golden::compare(&case.name(), &outcome)
}

/// Every limit that there is has a case in which a hostile plugin meets it.
fn every_limit_is_met() -> Result<(), Failed> {
    let Value::Object(all) = serde_json::to_value(Limits::default())? else { panic!("limits are an object") };
    let met: BTreeSet<&str> = TABLE.iter().map(|row| row.meets).collect();
    // A stack's end is a trap like any other; its cases are named for it.
    let missing: Vec<_> = all.keys().filter(|limit| !met.contains(limit.as_str()) && *limit != "stack_bytes").collect();
    if missing.is_empty() { Ok(()) } else { Err(format!("no case meets {missing:?}").into()) }
}

fn names_differ(names: &[String]) -> Result<(), Failed> {
    let different: BTreeSet<&String> = names.iter().collect();
    assert!(names.len() >= 100, "{} cases", names.len());
    if different.len() == names.len() {
        return Ok(());
    }
    let twice: Vec<_> = names.iter().filter(|name| names.iter().filter(|other| other == name).count() > 1).collect();
    Err(format!("named twice: {twice:?}").into())
}
