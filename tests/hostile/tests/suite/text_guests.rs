//! Guests in WebAssembly text, by the name of their misbehaviour; and the Rust ones with bytes that no string has.

use octo_plugin::Kind;

use crate::built;
use crate::guests::{
    CONFIGURE, DESCRIBE, Identity, PLAIN, bomb, contract, encode, guest, guest_of, importing, module, obedient_verifier,
};
use crate::subject::built_name;

const SPIN: &str = "(loop $again (br $again))";
const LOG_FOR_EVER: &str = "(loop $again (call $log (i32.const 1) (i32.const 0) (i32.const 0)) (br $again))";
/// Never called.
const VERIFY: &str =
    r#"(func (export "octo:plugin/verifier@0.1.0#verify") (param i32 i32) (result i32) (i32.const 0))"#;

/// A plugin, and what the item in the middle of three says to it.
pub fn named(misbehaviour: &str, kind: Kind) -> (Vec<u8>, &'static str) {
    let rust = || built::bytes(built_name(kind));
    let order = match misbehaviour {
        "grows its table" => "q",
        "divides by zero" => "w",
        "reads out of bounds" => "x",
        "crashes with last words" => "v",
        "reason that is not UTF-8" => "b",
        "reason out of bounds" => "o",
        "outcome that there is not" => "d",
        "reason of a gigabyte" => "g",
        "list of a gigabyte" => "h",
        "refusal that is not UTF-8" => {
            return (patched(&rust(), b"an item asked to be refused", b"an item \xff\xfeked to be refused"), "REFUSE");
        }
        "drop's reason that is not UTF-8" => return (patched(&rust(), b"asked-for", b"\xff\xfeked-for"), "DROP"),
        "field's name that is not UTF-8" => return (patched(&rust(), b"note", b"\xff\xfete"), "NOTE"),
        "logs what is not UTF-8" => "i",
        "logs out of bounds" => "j",
        "logs at a level that there is not" => "k",
        _ => return (of_its_own(misbehaviour), ""),
    };
    (obedient_verifier(), order)
}

fn of_its_own(misbehaviour: &str) -> Vec<u8> {
    let whole = obedient_verifier();
    match misbehaviour {
        "cut short" => whole[..whole.len() / 2].to_vec(),
        "not WebAssembly" => b"#!/bin/sh\nrm -rf /\n".to_vec(),
        "asks for a clock" => wat::parse_str(
            r#"(component (import "wasi:clocks/wall-clock@0.2.0" (instance)) (instance $none)
                 (export "octo:plugin/verifier@0.3.0" (instance $none)))"#,
        )
        .expect("a component"),
        "much to compile" => bomb(40, 1500),
        "much to compile at once" => bomb(8, 20_000),
        "large memory from the start" => {
            let small = module(&PLAIN, &format!("{DESCRIBE}{CONFIGURE}{VERIFY}"));
            let large = small.replace("(memory (export \"memory\") 4)", "(memory (export \"memory\") 2000)");
            encode(&contract("0.1.0"), "verifier-plugin", &large).expect("a component")
        }
        "large table from the start" => guest("verifier-plugin", &format!("{VERIFY} (table 50000 funcref)")),
        "spins while it starts" => guest("verifier-plugin", &format!("{VERIFY} (func $s {SPIN}) (start $s)")),
        "logs for ever while it starts" => {
            // `log` is called through a table that the component fills in only once its core module has started.
            guest("verifier-plugin", &format!("{VERIFY} (func $s {SPIN} {LOG_FOR_EVER}) (start $s)"))
        }
        "grows its memory by nothing for ever" => starting_with("(drop (memory.grow (i32.const 0)))"),
        "grows its memory in vain for ever" => starting_with("(drop (memory.grow (i32.const -1)))"),
        "grows its table by nothing for ever" => starting_with("(drop (table.grow $t (ref.null func) (i32.const 0)))"),
        "fills no bytes for ever" => starting_with("(memory.fill (i32.const 0) (i32.const 0) (local.get $none))"),
        "copies no bytes for ever" => starting_with("(memory.copy (i32.const 0) (i32.const 8) (local.get $none))"),
        "names a function for ever" => starting_with("(drop (ref.func $named))"),
        "drops elements for ever" => starting_with("(elem.drop $e)"),
        "takes no elements for ever" => {
            starting_with("(table.init $t $e (i32.const 0) (i32.const 0) (local.get $none))")
        }
        "schema of many patterns" => described(Identity { schema: &many_patterns(1500), ..PLAIN }),
        "schema of a long pattern" => {
            described(Identity { schema: &format!(r#"{{"pattern": "{}"}}"#, "(a|b)".repeat(2000)), ..PLAIN })
        }
        "schema of a pattern that is much to compile" => {
            described(Identity { schema: r#"{"properties": {"a": {"pattern": "((a|b|c){999}){999}"}}}"#, ..PLAIN })
        }
        "name that is not UTF-8" => patched(&whole, b"guest", b"g\xff\xfest"),
        "name of control characters" => described(Identity { name: "a\n\u{1b}[2Jb", ..PLAIN }),
        "name that is a path" => described(Identity { name: "../../etc/passwd", ..PLAIN }),
        "version that is none" => described(Identity { version: "newest", ..PLAIN }),
        "schema that is not JSON" => described(Identity { schema: "{", ..PLAIN }),
        "schema of another machine" => described(Identity { schema: r#"{"$ref": "file:///etc/passwd"}"#, ..PLAIN }),
        "text of 2 GiB" => {
            let huge =
                DESCRIBE.replace("(i32.const 64)", "(i32.store (i32.const 68) (i32.const 0x7fffffff)) (i32.const 64)");
            guest_of("verifier-plugin", &PLAIN, &format!("{huge}{CONFIGURE}{VERIFY}"))
        }
        "makes handles" => handles(),
        "memory out of bounds" => guest(
            "schedule-plugin",
            r#"
  (func (export "octo:plugin/memory@0.1.0#save") (result i32)
    (i32.store (i32.const 516) (i32.const 0xfffffff0))
    (i32.store (i32.const 520) (i32.const 4096))
    (i32.const 516))
  (func (export "octo:plugin/memory@0.1.0#restore") (param i32 i32) (result i32) (i32.const 0))
  (func (export "octo:plugin/rollout-schedule@0.1.0#plan")
    (param i32 i32 i64 i64 i64 i64 i32 i32) (result i32) (i32.const 0))"#,
        ),
        other => panic!("no guest of the name {other:?}"),
    }
}

/// A verifier that does one thing again and again when it starts.
fn starting_with(deed: &str) -> Vec<u8> {
    let deeds = deed.repeat(8);
    guest(
        "verifier-plugin",
        &format!(
            "{VERIFY} (table $t 1 1 funcref) (elem $e func) (elem declare func $named) (func $named)
             (func $s (local $none i32) (loop $again {deeds} (br $again))) (start $s)"
        ),
    )
}

/// Each takes the most that one may.
fn many_patterns(count: usize) -> String {
    let keys: Vec<String> =
        (0..count).map(|key| format!(r#""{key}":{{"pattern":"(a|b|c){{{}}}"}}"#, 3000 + key)).collect();
    format!(r#"{{"properties":{{{}}}}}"#, keys.join(","))
}

fn described(identity: Identity) -> Vec<u8> {
    guest_of("verifier-plugin", &identity, &format!("{DESCRIBE}{CONFIGURE}{VERIFY}"))
}

/// A verifier with a resource of its own, of which it makes one after another and drops none.
fn handles() -> Vec<u8> {
    let wit = format!(
        "{} interface hoard {{ resource thing; make: func() -> thing; }}
         world hoarder {{ import log; export plugin; export verifier; export hoard; }}",
        contract("0.1.0")
    );
    let functions = r#"
  (func $hoard_handles (loop $again (drop (call $new (i32.const 1))) (br $again)))
  (func (export "octo:plugin/verifier@0.1.0#verify") (param i32 i32) (result i32)
    (call $hoard_handles) (i32.const 0))
  (func (export "octo:plugin/hoard@0.1.0#make") (result i32) (call $new (i32.const 1)))"#;
    let new =
        r#"(import "[export]octo:plugin/hoard@0.1.0" "[resource-new]thing" (func $new (param i32) (result i32)))"#;
    let module = importing(&module(&PLAIN, &format!("{DESCRIBE}{CONFIGURE}{functions}")), new);
    encode(&wit, "hoarder", &module).expect("a component")
}

/// The bytes with the last occurrence of one text replaced by another of the same length.
pub fn patched(bytes: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    assert_eq!(from.len(), to.len(), "lengths are part of the format");
    let at = bytes.windows(from.len()).rposition(|window| window == from).expect("the text to replace");
    let mut patched = bytes.to_vec();
    patched[at..at + to.len()].copy_from_slice(to);
    patched
}
