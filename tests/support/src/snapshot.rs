//! Snapshots of what the program printed, without what differs between machines and moments.

/// Patterns and what takes their place, in the order in which they are applied.
pub const FILTERS: [(&str, &str); 20] = [
    // Time and speed.
    (r"in (\d+ms|\d+\.\d\ds) \([\d,]+/s\)", "in [time] ([rate]/s)"),
    (r"\b(done|failed) in \d[^\n,;]*", "$1 in [time]"),
    // Content: digests of plugins and outputs, keys of stages.
    (r"sha256:[0-9a-f]{64}", "sha256:[digest]"),
    (r"\b[0-9a-f]{24}\b", "[key]"),
    (r"-[0-9a-f]{8,16}\.json\b", "-[digest].json"),
    // What an edit of a guest or another compiler changes.
    (r"fuel      [\d,]+ of [\d,]+", "fuel      [some] of [its limit]"),
    (r"deeds\.rs:\d+:\d+", "deeds.rs:[place]"),
    (r" in [^:\n]+(::[^:\n]+)+(:[^: \n]+)*: panicked", " in [functions]: panicked"),
    (r" in \S+( ← \S+)+", " in [functions]"),
    // When a run was interrupted.
    (r"checkpoint of step \d+ could not", "checkpoint of step [some] could not"),
    (r"\.partial-step-\d+", ".partial-step-[some]"),
    // A guest that panics on many items says so for each; how often depends on how they are batched.
    (r"(ERROR panicked at [^\n]*\n)+", "$1"),
    (r"where     [^\n]+\n(          [^(\n][^\n]*\n)*", "where     [functions]\n"),
    (r"(default limits [^\n]*\n)(  \w+ +\S+\n)+", "$1  [limits]\n"),
    (r"size      [\d,]+ bytes", "size      [some] bytes"),
    // A line of JSON is as long as the paths in it.
    (r"at line 1 column \d{3,}", "at line 1 column [some]"),
    // Places: the build's plugins, the test's own folder, the repository.
    (r#"/[^ ,;:)"]*/(target/\S+/)?plugins/"#, "[plugins]/"),
    (r#"(/[^ ,;:)"]*)?/\.tmp\w+"#, "[folder]"),
    (r#"/[^ ,;:)"]*/target/(release|debug)\b"#, "[build]"),
    (r#"/[^ ,;:)"]*/recipes/"#, "[recipes]/"),
];

/// The [`FILTERS`] as `insta` takes them.
pub fn filters() -> Vec<(&'static str, &'static str)> {
    FILTERS.to_vec()
}

/// Compares what a call [showed](crate::Ended::shown) with a snapshot: one that stands in the test
/// (`assert_shown!(ended, @"…")`), or, for long texts, a file in the folder `snapshots` beside the test
/// (`assert_shown!(ended)`). `cargo insta review` shows and accepts what has changed.
#[macro_export]
macro_rules! assert_shown {
    ($ended:expr) => {
        $crate::insta::with_settings!({
            prepend_module_to_snapshot => false,
            omit_expression => true,
            filters => $crate::snapshot::filters(),
        }, { $crate::insta::assert_snapshot!($ended.shown()) })
    };
    ($ended:expr, @$shown:literal) => {
        $crate::insta::with_settings!({ filters => $crate::snapshot::filters() }, {
            $crate::insta::assert_snapshot!($ended.shown(), @$shown)
        })
    };
}
