//! Guests written in WebAssembly text, so that they can break the contract in ways that no SDK lets through, and the
//! records to hand them.
#![allow(dead_code, reason = "each test file is a crate of its own and uses some of these")]

use octo_plugin::types::{Attempt, DataSource, Document, FinishReason, Metric, Outcome, Progress, Rollout, Verdict};
use octo_plugin::{Failure, FailureKind, Host, Limits, LoadError, LoadedPlugin, Verifier, component};
use wit_parser::Resolve;

/// The oldest contract, since what these guests do wrong is the same in all, and its adapter is then tried too. What
/// is new in a later one has guests of its own.
const TYPES: &str = include_str!("../../../../wit/v0.1.0/types.wit");
const WORLDS: &str = include_str!("../../../../wit/v0.1.0/worlds.wit");

/// A host that leaves nothing in the user's cache.
pub fn host() -> Host {
    Host::with_cache_folder(None).expect("a supported machine")
}

/// Limits that end bad guests soon.
pub fn tight() -> Limits {
    Limits { fuel_per_item: 1_000_000, memory_bytes: 4 << 20, ..Limits::default() }
}

/// What a guest says about itself.
pub struct Identity<'i> {
    pub name: &'i str,
    pub version: &'i str,
    pub summary: &'i str,
    pub schema: &'i str,
}

pub const PLAIN: Identity =
    Identity { name: "guest", version: "0.1.0", summary: "A guest of the tests.", schema: r#"{"type": "object"}"# };

/// Parts of the `plugin` interface that a test replaces.
pub const DESCRIBE: &str = r#"(func (export "octo:plugin/plugin@0.1.0#describe") (result i32) (i32.const 64))"#;
pub const CONFIGURE: &str =
    r#"(func (export "octo:plugin/plugin@0.1.0#configure") (param i32 i32) (result i32) (i32.const 0))"#;

/// A component of `world` with a plain description, whose kind is implemented by `body`.
pub fn guest(world: &str, body: &str) -> Vec<u8> {
    guest_of(world, &PLAIN, &format!("{DESCRIBE}{CONFIGURE}{body}"))
}

/// A component of `world` from all of its functions.
pub fn guest_of(world: &str, identity: &Identity, functions: &str) -> Vec<u8> {
    encode(&contract("0.1.0"), world, &module(identity, functions)).expect("a guest that fits its world")
}

/// The same module with one more import, which has to come before everything else.
pub fn importing(module: &str, import: &str) -> String {
    module.replacen("(module", &format!("(module {import}"), 1)
}

pub const CLASSIFY: &str =
    r#"(import "octo:plugin/classifier@0.1.0" "classify" (func $classify (param i32 i32 i32 i32 i32 i32)))"#;

/// A core module: memory, an allocator, the log, and a description at address 64 (addresses 0 to 63 stay zero, which
/// reads as `ok` for every result without a payload).
pub fn module(identity: &Identity, functions: &str) -> String {
    let mut record = Vec::new();
    let mut strings = Vec::new();
    for text in [identity.name, identity.version, identity.summary, identity.schema] {
        record.extend(u32::try_from(4096 + strings.len()).expect("small").to_le_bytes());
        record.extend(u32::try_from(text.len()).expect("small").to_le_bytes());
        strings.extend(text.as_bytes());
    }
    assert!(strings.len() < 60_000, "the heap starts at 65536");
    format!(
        r#"(module
  (import "octo:plugin/log@0.1.0" "log" (func $log (param i32 i32 i32)))
  (memory (export "memory") 4)
  (global $heap (mut i32) (i32.const 65536))
  (func $allocate (export "cabi_realloc") (param i32 i32) (param $align i32) (param $size i32) (result i32)
    (local $at i32) (local $missing i32)
    (local.set $at (i32.and
      (i32.add (global.get $heap) (i32.sub (local.get $align) (i32.const 1)))
      (i32.sub (i32.const 0) (local.get $align))))
    (global.set $heap (i32.add (local.get $at) (local.get $size)))
    (local.set $missing (i32.sub (global.get $heap) (i32.mul (memory.size) (i32.const 65536))))
    (if (i32.gt_s (local.get $missing) (i32.const 0))
      (then (drop (memory.grow (i32.add (i32.div_u (local.get $missing) (i32.const 65536)) (i32.const 1))))))
    (local.get $at))
  (data (i32.const 64) "{}")
  (data (i32.const 4096) "{}")
  {functions})"#,
        escaped(&record),
        escaped(&strings)
    )
}

fn escaped(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("\\{byte:02x}")).collect()
}

/// The contract's text as of `version`.
pub fn contract(version: &str) -> String {
    let worlds = WORLDS.replace("package octo:plugin@0.1.0;", "");
    format!("{TYPES}\n{worlds}").replace("0.1.0", version)
}

/// Makes a component of a core module in text.
pub fn encode(wit: &str, world: &str, text: &str) -> Result<Vec<u8>, String> {
    let mut module = wat::parse_str(text).map_err(|error| error.to_string())?;
    let mut resolve = Resolve::new();
    let package = resolve.push_str("contract.wit", wit).map_err(|error| format!("{error:?}"))?;
    let world = resolve.select_world(&[package], Some(world)).map_err(|error| format!("{error:?}"))?;
    wit_component::embed_component_metadata(&mut module, &resolve, world, wit_component::StringEncoding::UTF8)
        .map_err(|error| format!("{error:?}"))?;
    component::encode(&module).map_err(|error| error.to_string())
}

/// A verifier that does what the first letter of each response orders, and calls the rest correct, with the response as
/// the reason.
///
/// `u` crashes, `v` crashes with last words, `l` loops, `m` and `q` grow memory and table for ever, `s` recurses for
/// ever, `t` logs for ever, `w` divides by zero, `x` reads out of bounds; `e` refuses; `f` and `a` give one verdict too
/// few and too many; `b` gives a reason that is not UTF-8, `o` one out of bounds, `d` an outcome that there is not; `g`
/// a reason of 1 GiB, `h` a list of 1 GiB; `r` a reason of 100 kB; `i`, `j` and `k` log what is not UTF-8, what is out of
/// bounds, and at a level that there is not; `.` does no more work for a longer response.
pub fn obedient_verifier() -> Vec<u8> {
    guest(
        "verifier-plugin",
        r#"
  (table $table 1 funcref)
  (data (i32.const 2048) "last\nwords\1b[2J")
  (data (i32.const 2080) "\ff\fe")
  (func $crash_on_purpose unreachable)
  (func $spin_on_purpose (loop $again (br $again)))
  (func $hoard_memory (loop $again (drop (memory.grow (i32.const 16))) (br $again)))
  (func $hoard_table (loop $again (drop (table.grow $table (ref.null func) (i32.const 1000))) (br $again)))
  (func $recurse (param i32) (result i32) (i32.add (call $recurse (local.get 0)) (i32.const 1)))
  (func $log_for_ever (loop $again (call $log (i32.const 1) (i32.const 131072) (i32.const 60000)) (br $again)))
  (func (export "octo:plugin/verifier@0.1.0#verify") (param $items i32) (param $count i32) (result i32)
    (local $index i32) (local $verdicts i32) (local $attempt i32) (local $verdict i32) (local $order i32)
    (local $answers i32) (local $left i32)
    (local.set $answers (local.get $count))
    (local.set $verdicts (call $allocate (i32.const 0) (i32.const 0) (i32.const 8)
      (i32.mul (i32.add (local.get $count) (i32.const 1)) (i32.const 24))))
    (block $done (loop $next
      (br_if $done (i32.ge_u (local.get $index) (local.get $count)))
      (local.set $attempt (i32.add (local.get $items) (i32.mul (local.get $index) (i32.const 32))))
      (local.set $verdict (i32.add (local.get $verdicts) (i32.mul (local.get $index) (i32.const 24))))
      (local.set $order (i32.load8_u (i32.load offset=8 (local.get $attempt))))
      (i32.store offset=16 (local.get $verdict) (i32.load offset=8 (local.get $attempt)))
      (i32.store offset=20 (local.get $verdict) (i32.load offset=12 (local.get $attempt)))
      (if (i32.eq (local.get $order) (i32.const 0x75)) (then (call $crash_on_purpose)))
      (if (i32.eq (local.get $order) (i32.const 0x76)) (then
        (call $log (i32.const 3) (i32.const 2048) (i32.const 14)) (call $crash_on_purpose)))
      (if (i32.eq (local.get $order) (i32.const 0x6c)) (then (call $spin_on_purpose)))
      (if (i32.eq (local.get $order) (i32.const 0x6d)) (then (call $hoard_memory)))
      (if (i32.eq (local.get $order) (i32.const 0x71)) (then (call $hoard_table)))
      (if (i32.eq (local.get $order) (i32.const 0x73)) (then (drop (call $recurse (i32.const 0)))))
      (if (i32.eq (local.get $order) (i32.const 0x74)) (then (call $log_for_ever)))
      (if (i32.eq (local.get $order) (i32.const 0x69)) (then
        (call $log (i32.const 1) (i32.const 2080) (i32.const 2))))
      (if (i32.eq (local.get $order) (i32.const 0x6a)) (then
        (call $log (i32.const 1) (i32.const 0xfffffff0) (i32.const 4096))))
      (if (i32.eq (local.get $order) (i32.const 0x6b)) (then
        (call $log (i32.const 9) (i32.const 2048) (i32.const 5))))
      (if (i32.eq (local.get $order) (i32.const 0x77)) (then (drop (i32.div_u (i32.const 1) (i32.const 0)))))
      (if (i32.eq (local.get $order) (i32.const 0x78)) (then (drop (i32.load (i32.const 0x7fffffff)))))
      (if (i32.eq (local.get $order) (i32.const 0x65)) (then
        (i32.store8 (i32.const 256) (i32.const 1))
        (i32.store8 (i32.const 260) (i32.const 2))
        (i32.store (i32.const 264) (i32.load offset=8 (local.get $attempt)))
        (i32.store (i32.const 268) (i32.load offset=12 (local.get $attempt)))
        (return (i32.const 256))))
      (if (i32.eq (local.get $order) (i32.const 0x66)) (then
        (local.set $answers (i32.sub (local.get $answers) (i32.const 1)))))
      (if (i32.eq (local.get $order) (i32.const 0x61)) (then
        (local.set $answers (i32.add (local.get $answers) (i32.const 1)))))
      (if (i32.eq (local.get $order) (i32.const 0x62)) (then
        (i32.store offset=16 (local.get $verdict) (i32.const 2080))
        (i32.store offset=20 (local.get $verdict) (i32.const 2))))
      (if (i32.eq (local.get $order) (i32.const 0x6f)) (then
        (i32.store offset=16 (local.get $verdict) (i32.const 0xfffffff0))))
      (if (i32.eq (local.get $order) (i32.const 0x64)) (then (i32.store8 (local.get $verdict) (i32.const 9))))
      (if (i32.eq (local.get $order) (i32.const 0x67)) (then
        (drop (memory.grow (i32.const 16384)))
        (i32.store offset=16 (local.get $verdict) (i32.const 131072))
        (i32.store offset=20 (local.get $verdict) (i32.const 0x40000000))))
      (if (i32.eq (local.get $order) (i32.const 0x68)) (then
        (drop (memory.grow (i32.const 16384)))
        (local.set $verdicts (i32.const 131072))
        (local.set $answers (i32.const 44739242))))
      (if (i32.eq (local.get $order) (i32.const 0x72)) (then
        (i32.store offset=16 (local.get $verdict) (i32.const 131072))
        (i32.store offset=20 (local.get $verdict) (i32.const 100000))))
      ;; Work that grows with the response, as of a real verifier; `.` asks for none.
      (local.set $left (i32.load offset=12 (local.get $attempt)))
      (if (i32.eq (local.get $order) (i32.const 0x2e)) (then (local.set $left (i32.const 0))))
      (block $read (loop $more
        (br_if $read (i32.eqz (local.get $left)))
        (local.set $left (i32.sub (local.get $left) (i32.const 1)))
        (br $more)))
      (local.set $index (i32.add (local.get $index) (i32.const 1)))
      (br $next)))
    (i32.store8 (i32.const 256) (i32.const 0))
    (i32.store (i32.const 260) (local.get $verdicts))
    (i32.store (i32.const 264) (local.get $answers))
    (i32.const 256))"#,
    )
}

/// A verifier with `functions` functions of `blocks` branches over 200 variables each: little to read, much to compile.
pub fn bomb(functions: usize, blocks: usize) -> Vec<u8> {
    let variables = "i64 ".repeat(200);
    let mut body = String::new();
    for block in 0..blocks {
        let (one, other) = (block % 200, (block * 7 + 1) % 200);
        body.push_str(&format!(
            "(if (i64.eqz (local.get {one})) (then (local.set {other} (i64.mul (local.get {one}) (local.get {other})))) \
             (else (local.set {one} (i64.div_u (local.get {other}) (local.get {one})))))"
        ));
    }
    let mut text: String = (0..functions)
        .map(|index| format!("(func (export \"f{index}\") (param i64) (local {variables}) {body})"))
        .collect();
    text.push_str(r#"(func (export "octo:plugin/verifier@0.1.0#verify") (param i32 i32) (result i32) (i32.const 0))"#);
    guest("verifier-plugin", &text)
}

/// Loads a guest with an empty config.
pub fn load(host: &Host, bytes: &[u8], limits: &Limits) -> Result<LoadedPlugin, LoadError> {
    host.load_bytes("guest", bytes, &serde_json::json!({}), limits)
}

pub fn verifier(host: &Host, limits: &Limits) -> Verifier {
    load(host, &obedient_verifier(), limits).expect("loads").into_verifier().expect("a verifier")
}

pub fn attempt(response: &str) -> Attempt {
    Attempt {
        problem: "1 + 1".to_owned(),
        response: response.to_owned(),
        references: vec!["2".to_owned()],
        fields: Vec::new(),
    }
}

pub fn attempts(responses: &[&str]) -> Vec<Attempt> {
    responses.iter().map(|response| attempt(response)).collect()
}

pub fn rollout(group: u32, tokens: u32, response: &str) -> Rollout {
    Rollout {
        attempt: attempt(response),
        verdict: Verdict { outcome: Outcome::Correct, extracted: None, reason: String::new() },
        group,
        tokens,
        finish: FinishReason::Stop,
    }
}

pub fn document(id: &str, text: &str) -> Document {
    Document {
        id: id.to_owned(),
        text: text.to_owned(),
        url: None,
        source: "web".to_owned(),
        year: Some(2020),
        fields: Vec::new(),
    }
}

pub fn source(name: &str) -> DataSource {
    DataSource { name: name.to_owned(), tokens_available: 1000, tokens_seen: 10, loss: Some(2.5) }
}

pub fn progress(stage: &str, step: u64) -> Progress {
    Progress {
        stage: stage.to_owned(),
        step,
        total_steps: 100,
        tokens: step * 1000,
        total_tokens: 100_000,
        metrics: vec![Metric { name: "loss".to_owned(), value: 2.5 }],
    }
}

/// The kinds of failures of a call's answers; `None` for a result.
pub fn kinds<T>(answers: &[Result<T, Failure>]) -> Vec<Option<FailureKind>> {
    answers.iter().map(|answer| answer.as_ref().err().map(|failure| failure.kind)).collect()
}
