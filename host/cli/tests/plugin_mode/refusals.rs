//! What octo-host does not run, and how it says so.

use octo_test_support::{Ended, Workdir, assert_shown, octo_host, plugin};

#[test]
fn a_file_that_is_not_a_plugin_is_refused_with_what_it_is() {
    let refused = |name: &str, bytes: &[u8]| {
        let workdir = Workdir::new();
        workdir.write(name, bytes);
        workdir.run(&["--plugin", &format!("./{name}")])
    };
    assert_shown!(refused("notes.wasm", b"just some notes"), @"
    exit 1
    --- stderr
    error: plugin notes: not WebAssembly; name the .wasm file that `octo-host plugin build` wrote
    ");
    assert_shown!(refused("empty.wasm", b""), @"
    exit 1
    --- stderr
    error: plugin empty: an empty file; build or copy it again
    ");
    assert_shown!(refused("core.wasm", b"\0asm\x01\0\0\0"), @"
    exit 1
    --- stderr
    error: plugin core: a core WebAssembly module, not a component; build it with `octo-host plugin build`, which makes it one
    ");
    assert_shown!(refused("other.wasm", b"\0asm\x0d\0\x01\0"), @"
    exit 1
    --- stderr
    error: plugin other: a component of another world: it exports nothing, and a plugin exports one of octo:plugin/verifier@0.3.0, octo:plugin/reward-function@0.3.0, octo:plugin/data-filter@0.3.0, octo:plugin/annotator@0.3.0, octo:plugin/mixture-policy@0.3.0, octo:plugin/rollout-schedule@0.3.0; add `octo_sdk::export!` to its crate
    ");
    assert_shown!(refused("cut.wasm", b"\0asm\x0d\0\x01\0\x07\xff"), @"
    exit 1
    --- stderr
    error: plugin cut: damaged WebAssembly (unexpected end-of-file (at offset 0xa)); build or copy it again
    ");
}

#[test]
fn a_plugin_that_is_nowhere_is_reported_with_the_places() {
    assert_shown!(octo_host(&["--plugin", "verifier_maths"]).run(), @r#"
    exit 1
    --- stderr
    error: no plugin "verifier_maths"; looked, in this order, for [plugins]/verifier_maths, [plugins]/verifier_maths.wasm, [plugins]/verifier_maths, [plugins]/verifier_maths.wasm, [plugins]/verifier_maths, [plugins]/verifier_maths.wasm, verifier_maths. Give a path, set OCTO_PLUGIN_PATH, or build it with `octo-host plugin build`
    "#);
}

#[test]
fn wrong_usage_exits_with_2() {
    let used = |arguments: &[&str]| octo_host(arguments).run();
    assert_shown!(used(&[]), @r#"
    exit 2
    --- stderr
    Run WebAssembly plugins over records, and training recipes made of them

    Usage: octo-host --plugin <REF> [OPTIONS] [FILE]...
           octo-host <COMMAND>

    Commands:
      run          Run a recipe; finished stages are never run again
      prompt       Show the prompts of a stage, as its model reads them
      generate     Let a model answer problems: a file of them, or one per line as they are typed
      runs         List runs with their stages and sizes; remove what no run refers to; make a folder of
                   a run that travels
      compare      Compare two files of verdicts: flips, the difference with its interval, McNemar's
                   exact test
      report       Write a run's report as one HTML file
      tokenize     Turn documents into token shards to train on; resumes where it was stopped
      keys         Show the keys of recipes, of each kind of stage and of limits, and the variables that
                   Octo reads
      plugin       Build, inspect and debug plugins
      completions  Print what a shell needs to complete this command
      man          Print the manual page
      help         Print this message or the help of the given subcommand(s)

    Arguments:
      [FILE]...  Files of records, or patterns such as 'part-*.parquet': JSON Lines, one JSON array,
                 CSV, TSV or Parquet, the text formats plain or with gzip, xz, bzip2 or zstd; `-` or
                 nothing reads standard input [repeatable]

    Options:
          --plugin <REF[:WEIGHT]>         Plugin to run: a path, or the name of one in $OCTO_PLUGIN_PATH
                                          or beside octo-host. Rewards may be several, each with a
                                          weight: their totals add up, and parts are named PLUGIN.PART
                                          [repeatable]
          --config <JSON|@FILE>           The plugin's config, as JSON or as @FILE; of several plugins
                                          the first one's, then the second's, and so on [default: {}]
                                          [repeatable]
          --map <FIELD=COLUMN>            Read a record's FIELD from COLUMN: a key, or a path such as
                                          choices.0.text, messages.-1.content or generations.*, which is
                                          every item [repeatable]
          --fields <COLUMN,...>           Columns to hand to the plugin as fields
          --verifier <REF>                Verifier that fills in the verdicts that rollouts lack (reward
                                          plugins only)
          --verifier-config <JSON|@FILE>  The --verifier's config, as JSON or as @FILE [default: {}]
          --limits <JSON|@FILE>           Limits other than the defaults, as JSON or as @FILE:
                                          {"fuel_per_item": 100000000} [default: {}]
          --strict                        Stop at the first line that can't be read
          --threads <N>                   Threads to run the plugin on; results don't depend on it
                                          [default: all cores]
          --out <OUT>                     Write the answers of a verifier to OUT instead of standard
                                          output: JSON Lines, CSV or Parquet by its name. Stopped or
                                          killed, the same command resumes, and judges nothing twice
          --join <COLUMN>                 Write each row with its own columns, and its verdict in COLUMN
          --by <COLUMN,...>               Show accuracy by the values of COLUMN, or of several together
                                          [repeatable]
          --group <COLUMN>                Rows with the same text in COLUMN are attempts at one problem:
                                          show pass@k and maj@k
          --at <K,...>                    The k of pass@k and maj@k [default: 1, 2, 4 and so on, and the
                                          most attempts at a problem]
          --problems <FILE>               Write pass@k and maj@k of each problem to FILE: JSON Lines,
                                          CSV or Parquet by its name
          --summary <FORMAT>              How the summary on standard error is written; json is one
                                          object, on the last line [default: text] [possible values:
                                          text, json]
          --save-failures <DIR>           Save each failed item to a file in DIR, at most 100; `plugin
                                          replay` runs one again, alone
          --profile <FILE>                Sample where the plugin spends its time, on one thread, for
                                          https://profiler.firefox.com
      -v, --verbose...                    Say more on standard error: all that plugins log, and what
                                          Octo does beside; -vv also shows details for debugging
      -q, --quiet                         Say nothing on standard error but errors: no progress, no
                                          summary, no warnings
      -h, --help                          Print help (see more with '--help')
      -V, --version                       Print version
    "#);
    assert_shown!(used(&["responses.jsonl"]), @"
    exit 2
    --- stderr
    error: the following required arguments were not provided:
      --plugin <REF[:WEIGHT]>

    Usage: octo-host --plugin <REF> [OPTIONS] [FILE]...
           octo-host <COMMAND>

    For more information, try '--help'.
    ");
    assert_shown!(used(&["--plugin"]), @"
    exit 2
    --- stderr
    error: a value is required for '--plugin <REF[:WEIGHT]>' but none was supplied

    For more information, try '--help'.
    ");
    assert_shown!(used(&["--plugin", "verifier_math", "--threads", "0"]), @"
    exit 2
    --- stderr
    error: invalid value '0' for '--threads <N>': must be at least 1

    For more information, try '--help'.
    ");
    assert_shown!(used(&["--plugin", "verifier_math", "--map", "response"]), @"
    exit 2
    --- stderr
    error: invalid value 'response' for '--map <FIELD=COLUMN>': expected FIELD=COLUMN, as in response=solution

    For more information, try '--help'.
    ");
    assert_shown!(used(&["--plugin", "verifier_math", "--verifier-config", "{}"]), @"
    exit 2
    --- stderr
    error: the following required arguments were not provided:
      --verifier <REF>

    Usage: octo-host --plugin <REF> [OPTIONS] [FILE]...
           octo-host <COMMAND>

    For more information, try '--help'.
    ");
    assert_shown!(used(&["--plugin", "verifier_math", "--no-such-flag"]), @"
    exit 2
    --- stderr
    error: unexpected argument '--no-such-flag' found

      tip: to pass '--no-such-flag' as a value, use '-- --no-such-flag'

    Usage: octo-host --plugin <REF> [OPTIONS] [FILE]...
           octo-host <COMMAND>

    For more information, try '--help'.
    ");
    assert_shown!(used(&["plugin"]), @"
    exit 2
    --- stderr
    Build, inspect and debug plugins

    Usage: octo-host plugin [OPTIONS] <COMMAND>

    Commands:
      build    Build plugin crates into components; the bytes don't depend on the machine
      inspect  Show what a plugin is, needs and accepts
      replay   Run one failed item again, alone, and show all that can be said about it
      help     Print this message or the help of the given subcommand(s)

    Options:
      -v, --verbose...  Say more on standard error: all that plugins log, and what Octo does beside; -vv
                        also shows details for debugging
      -q, --quiet       Say nothing on standard error but errors: no progress, no summary, no warnings
      -h, --help        Print help
    ");
    assert_shown!(used(&["plugin", "build"]), @"
    exit 2
    --- stderr
    error: the following required arguments were not provided:
      <PATH>...

    Usage: octo-host plugin build <PATH>...

    For more information, try '--help'.
    ");
    assert_shown!(used(&["run"]), @"
    exit 2
    --- stderr
    error: the following required arguments were not provided:
      <RECIPE>

    Usage: octo-host run <RECIPE>

    For more information, try '--help'.
    ");
}

#[test]
fn arguments_that_do_not_fit_the_plugin_are_explained() {
    let with = |arguments: &[&str]| -> Ended { plugin("verifier_math", arguments).run() };
    assert_shown!(with(&["--config", "{not JSON"]), @"
    exit 1
    --- stderr
    error: --config is not JSON: {not JSON
      because: key must be a string at line 1 column 2
    ");
    assert_shown!(with(&["--config", "@/no/such/file"]), @"
    exit 1
    --- stderr
    error: --config cannot be taken from its file
      because: cannot open /no/such/file: No such file or directory (os error 2)
    ");
    assert_shown!(with(&["--config", r#"{"no_such_key": 1}"#]), @"
    exit 1
    --- stderr
    error: config of plugin verifier_math: unknown key `no_such_key`; it takes boxed_only, extraction, fractions, inequality_as_interval, letter_case, list_as_set, list_order, max_answer_bytes, max_response_bytes, percent, polynomial_divisors, preset, rounded_decimal_places, stated_digits, thinking, thinking_ends, tolerance, tolerance_for, unevaluated_answers, units
    ");
    assert_shown!(with(&["--limits", r#"{"fuel": 1}"#]), @"
    exit 1
    --- stderr
    error: --limits doesn't describe limits
      because: unknown field `fuel`, expected one of `fuel_per_item`, `deadline_ms`, `memory_bytes`, `table_elements`, `instances`, `stack_bytes`, `handles`, `hostcall_bytes`, `log_bytes`, `log_lines`, `returned_string_bytes`, `returned_list_items`, `compile_seconds`, `compile_memory_bytes`, `wasi`, `batch_items`
    ");
    assert_shown!(with(&["--limits", r#"{"fuel_per_item": 0}"#]), @"
    exit 1
    --- stderr
    error: plugin verifier_math: limit `fuel_per_item` is 0; give a number from 1 to 18446744073709551615
    ");
    assert_shown!(with(&["--map", "text=body"]), @"
    exit 1
    --- stderr
    error: --map text=…: this plugin has no use for `text`; it reads id, problem, response, reference, references
    ");
    assert_shown!(with(&["--map", "response=a", "--map", "response=b"]), @"
    exit 1
    --- stderr
    error: --map response=…: `response` is mapped twice
    ");
    assert_shown!(with(&["--verifier", "verifier_math"]), @"
    exit 1
    --- stderr
    error: --verifier is for reward plugins; this is a verifier
    ");
}

#[test]
fn the_short_help_names_every_flag() {
    assert_shown!(octo_host(&["-h"]).run());
}
