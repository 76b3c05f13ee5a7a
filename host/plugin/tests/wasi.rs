//! WASI is refused unless it is allowed; a plugin that is allowed it sees the same clock and the same random bytes every
//! time, no files, no environment and no sockets, and cannot wait in the host.

mod guests;

use std::time::{Duration, Instant};

use guests::{CONFIGURE, DESCRIBE, PLAIN, attempts, contract, encode, importing, load, module, tight};
use octo_plugin::{FailureKind, Limits, LoadError, Verifier};

/// The parts of WASI that the guest below asks for.
const WASI: &str = r#"
package wasi:io@0.2.0 {
  interface poll { resource pollable { block: func(); } }
}
package wasi:clocks@0.2.0 {
  interface wall-clock { record datetime { seconds: u64, nanoseconds: u32 } now: func() -> datetime; }
  interface monotonic-clock {
    use wasi:io/poll@0.2.0.{pollable};
    now: func() -> u64;
    subscribe-duration: func(when: u64) -> pollable;
  }
}
package wasi:random@0.2.0 { interface random { get-random-u64: func() -> u64; } }
package wasi:cli@0.2.0 {
  interface environment { get-environment: func() -> list<tuple<string, string>>; }
  interface exit { exit: func(status: result); }
}
package wasi:filesystem@0.2.0 {
  interface types { resource descriptor; }
  interface preopens { use types.{descriptor}; get-directories: func() -> list<tuple<descriptor, string>>; }
}
package wasi:sockets@0.2.0 {
  interface network { resource network; }
  interface instance-network { use network.{network}; instance-network: func() -> network; }
}
"#;

const WORLD: &str = "
world curious {
  import log;
  import wasi:io/poll@0.2.0; import wasi:clocks/wall-clock@0.2.0; import wasi:clocks/monotonic-clock@0.2.0;
  import wasi:random/random@0.2.0; import wasi:cli/environment@0.2.0; import wasi:cli/exit@0.2.0;
  import wasi:filesystem/preopens@0.2.0; import wasi:sockets/instance-network@0.2.0;
  export plugin; export verifier;
}
";

const IMPORTS: &str = r#"
  (import "wasi:clocks/wall-clock@0.2.0" "now" (func $wall (param i32)))
  (import "wasi:clocks/monotonic-clock@0.2.0" "now" (func $monotonic (result i64)))
  (import "wasi:clocks/monotonic-clock@0.2.0" "subscribe-duration" (func $subscribe (param i64) (result i32)))
  (import "wasi:io/poll@0.2.0" "[method]pollable.block" (func $block (param i32)))
  (import "wasi:random/random@0.2.0" "get-random-u64" (func $random (result i64)))
  (import "wasi:cli/environment@0.2.0" "get-environment" (func $environment (param i32)))
  (import "wasi:cli/exit@0.2.0" "exit" (func $exit (param i32)))
  (import "wasi:filesystem/preopens@0.2.0" "get-directories" (func $directories (param i32)))
  (import "wasi:sockets/instance-network@0.2.0" "instance-network" (func $network (result i32)))
"#;

/// Judges one response at a time. The reason is what it sees, a letter for each four bits: the wall clock, the monotonic
/// clock, random bits, and how many variables and folders there are. A response `w` waits for a year first, `s` asks for
/// a socket, `x` exits, `h` hoards waits, `r` asks for random bits for ever.
const SEES: &str = r#"
  (func $letters (param $at i32) (param $bits i64)
    (local $index i32)
    (loop $next
      (i32.store8 (i32.add (local.get $at) (local.get $index))
        (i32.add (i32.const 97) (i32.wrap_i64 (i64.and (local.get $bits) (i64.const 15)))))
      (local.set $bits (i64.shr_u (local.get $bits) (i64.const 4)))
      (local.set $index (i32.add (local.get $index) (i32.const 1)))
      (br_if $next (i32.lt_u (local.get $index) (i32.const 16)))))
  (func (export "octo:plugin/verifier@0.1.0#verify") (param $items i32) (param i32) (result i32)
    (local $order i32)
    (local.set $order (i32.load8_u (i32.load offset=8 (local.get $items))))
    (if (i32.eq (local.get $order) (i32.const 0x77)) (then
      (call $block (call $subscribe (i64.const 31536000000000000)))))
    (if (i32.eq (local.get $order) (i32.const 0x68)) (then
      (loop $again (drop (call $subscribe (i64.const 1))) (br $again))))
    (if (i32.eq (local.get $order) (i32.const 0x72)) (then (loop $again (drop (call $random)) (br $again))))
    (if (i32.eq (local.get $order) (i32.const 0x73)) (then (drop (call $network))))
    (if (i32.eq (local.get $order) (i32.const 0x78)) (then (call $exit (i32.const 1))))
    (call $wall (i32.const 512))
    (call $letters (i32.const 1024) (i64.load (i32.const 512)))
    (call $letters (i32.const 1040) (call $monotonic))
    (call $letters (i32.const 1056) (call $random))
    (call $environment (i32.const 512))
    (call $letters (i32.const 1072) (i64.extend_i32_u (i32.load offset=4 (i32.const 512))))
    (call $directories (i32.const 512))
    (call $letters (i32.const 1088) (i64.extend_i32_u (i32.load offset=4 (i32.const 512))))
    (i32.store (i32.const 784) (i32.const 1024))
    (i32.store (i32.const 788) (i32.const 80))
    (i32.store (i32.const 260) (i32.const 768))
    (i32.store (i32.const 264) (i32.const 1))
    (i32.const 256))
"#;

fn curious() -> Vec<u8> {
    let text = importing(&module(&PLAIN, &format!("{DESCRIBE}{CONFIGURE}{SEES}")), IMPORTS);
    encode(&format!("{}{WORLD}{WASI}", contract("0.1.0")), "curious", &text).expect("a component")
}

fn allowed() -> Verifier {
    let limits = Limits { wasi: true, batch_items: 1, ..tight() };
    load(&guests::host(), &curious(), &limits).expect("loads").into_verifier().expect("a verifier")
}

fn letters(bits: u64) -> String {
    (0..16).map(|index| char::from(b'a' + ((bits >> (4 * index)) & 15) as u8)).collect()
}

#[test]
fn wasi_is_refused_by_name_unless_it_is_allowed() {
    let error = load(&guests::host(), &curious(), &tight()).err().expect("not allowed");
    let message = error.to_string();
    assert!(matches!(error, LoadError::Imports { .. }), "{message}");
    for word in ["wasi:clocks/wall-clock@0.2.0", "wasi:random/random@0.2.0", "octo:plugin/log@0.1.0", "`wasi = true`"] {
        assert!(message.contains(word), "no {word} in {message}");
    }
}

#[test]
fn every_instance_sees_the_same_moment_the_same_random_bytes_and_nothing_else() {
    let seen: Vec<String> = [allowed(), allowed()]
        .iter()
        .flat_map(|plugin| plugin.verify(&attempts(&["a", "b", "c"])))
        .map(|verdict| verdict.expect("judged").reason)
        .collect();
    assert!(seen.iter().all(|reason| *reason == seen[0]), "{seen:?}");
    let parts: Vec<&str> = (0..5).map(|part| &seen[0][16 * part..16 * part + 16]).collect();
    // 1 January 2025; the monotonic clock at its start; no variable of the environment, and no folder.
    assert_eq!(
        [parts[0], parts[1], parts[3], parts[4]],
        [&letters(1_735_689_600), &letters(0), &letters(0), &letters(0)].map(String::as_str)
    );
    assert_ne!(parts[2], letters(0), "random bits are not all zero");
}

#[test]
fn a_wait_of_a_year_is_over_at_once() {
    let started = Instant::now();
    assert!(allowed().verify(&attempts(&["w"]))[0].is_ok());
    assert!(started.elapsed() < Duration::from_secs(3600), "it waited");
}

#[test]
fn what_hoards_the_hosts_own_objects_or_calls_it_for_ever_ends_at_its_limits() {
    let answers = allowed().verify(&attempts(&["hoard", "fine"]));
    let failure = answers[0].as_ref().expect_err("1000 handles at most");
    assert_eq!(failure.kind, FailureKind::Memory);
    assert!(failure.message.contains("`handles`"), "{failure}");
    assert!(answers[1].is_ok());

    let fuel = allowed().verify(&attempts(&["random"])).remove(0).expect_err("no fuel is without end");
    assert_eq!(fuel.kind, FailureKind::Fuel);
    let limits = Limits { wasi: true, batch_items: 1, fuel_per_item: u64::MAX, deadline_ms: 100, ..tight() };
    let patient = load(&guests::host(), &curious(), &limits).expect("loads").into_verifier().expect("a verifier");
    let deadline = patient.verify(&attempts(&["random"])).remove(0).expect_err("it is always in the host");
    assert_eq!(deadline.kind, FailureKind::Deadline);
}

#[test]
fn sockets_trap_and_an_exit_is_the_items_own() {
    let answers = allowed().verify(&attempts(&["s", "x", "fine"]));
    let socket = answers[0].as_ref().expect_err("no sockets");
    assert_eq!(socket.kind, FailureKind::Trap);
    assert!(socket.message.contains("wasi:sockets"), "{socket}");
    let exit = answers[1].as_ref().expect_err("exits");
    assert_eq!(exit.kind, FailureKind::Trap);
    assert!(exit.message.contains("exited with status 1"), "{exit}");
    assert!(answers[2].is_ok());
}
