//! Guests that return what they are told to: each decodes the text that it is handed into its memory at [`AREA`], and
//! says that its answer stands there. So a fuzzer chooses every byte that the host lifts and checks.

use octo_plugin::{Host, Limits, LoadedPlugin};

use crate::guests;

/// Address of the answer. Small, so that pointers into it are small numbers, which a fuzzer finds sooner.
pub const AREA: u32 = 1024;
/// Longest answer.
pub const LONGEST: usize = 16384;

/// A world and a version of the contract.
#[derive(Clone, Copy, Debug)]
pub struct Form {
    /// Name of the world, and of the file of a seed.
    pub world: &'static str,
    /// Version of the contract.
    pub version: &'static str,
    interface: &'static str,
    function: &'static str,
    /// A second function of the same interface, of the same parameters.
    another: Option<&'static str>,
    /// Parameters before the pointer and length of the text or of the first item.
    before: &'static str,
    /// Parameters after them.
    after: &'static str,
    /// Where an item has pointer and length of its text; `None` where the parameters are the text.
    text_at: Option<u32>,
}

const PROGRESS: &str = "(param i32 i32 i64 i64 i64 i64 i32 i32)";

const VERIFIER: Form = Form {
    world: "verifier-plugin",
    version: "0.3.0",
    interface: "verifier",
    function: "verify",
    another: None,
    before: "",
    after: "",
    text_at: Some(8),
};
const REWARD: Form =
    Form { world: "reward-plugin", interface: "reward-function", function: "score", before: PROGRESS, ..VERIFIER };
const FILTER: Form = Form { world: "filter-plugin", interface: "data-filter", function: "filter", ..VERIFIER };
const ANNOTATOR: Form =
    Form { world: "annotator-plugin", interface: "annotator", function: "ask", another: Some("read"), ..VERIFIER };
const MIXTURE: Form = Form {
    world: "mixture-plugin",
    interface: "mixture-policy",
    function: "weights",
    after: "(param i64 i64 i64 i64 i32 i32 i32 i32)",
    text_at: None,
    ..VERIFIER
};
const SCHEDULE: Form = Form {
    world: "schedule-plugin",
    interface: "rollout-schedule",
    function: "plan",
    after: "(param i64 i64 i64 i64 i32 i32)",
    text_at: None,
    ..VERIFIER
};

/// All of them, in the order in which an input's first byte names them.
pub const FORMS: [Form; 12] = [
    VERIFIER,
    REWARD,
    FILTER,
    MIXTURE,
    SCHEDULE,
    Form { version: "0.1.0", ..VERIFIER },
    Form { version: "0.1.0", ..REWARD },
    Form { version: "0.1.0", ..FILTER },
    ANNOTATOR,
    Form { version: "0.2.0", ..VERIFIER },
    Form { version: "0.2.0", ..REWARD },
    Form { version: "0.2.0", ..FILTER },
];

impl Form {
    /// The component.
    pub fn component(&self) -> Vec<u8> {
        let Form { version, interface, function, another, before, after, .. } = self;
        let text = match self.text_at {
            Some(offset) => {
                format!("(i32.load offset={offset} (local.get $at)) (i32.load offset={} (local.get $at))", offset + 4)
            }
            None => "(local.get $at) (local.get $length)".to_owned(),
        };
        let memory = format!(
            r#"
  (func (export "octo:plugin/memory@0.1.0#save") (result i32) (i32.const {AREA}))
  (func (export "octo:plugin/memory@0.1.0#restore") (param i32 i32) (result i32) (i32.const 0))"#
        );
        let memory = if self.text_at.is_none() { memory.as_str() } else { "" };
        let answering = |function: &str| {
            format!(
                r#"
  (func (export "octo:plugin/{interface}@0.1.0#{function}") {before} (param $at i32) (param $length i32) {after}
    (result i32)
    (call $take {text})
    (i32.const {AREA}))"#
            )
        };
        let answering: String = std::iter::once(*function).chain(*another).map(answering).collect();
        let functions = format!(
            r#"
  (func $take (param $at i32) (param $length i32) (local $index i32)
    (memory.fill (i32.const {AREA}) (i32.const 0) (i32.const {LONGEST}))
    (block $done (loop $next
      (br_if $done (i32.ge_u (i32.shl (local.get $index) (i32.const 1)) (local.get $length)))
      (i32.store8 offset={AREA} (local.get $index)
        (i32.or
          (i32.shl (i32.sub (i32.load8_u (local.get $at)) (i32.const 97)) (i32.const 4))
          (i32.sub (i32.load8_u offset=1 (local.get $at)) (i32.const 97))))
      (local.set $at (i32.add (local.get $at) (i32.const 2)))
      (local.set $index (i32.add (local.get $index) (i32.const 1)))
      (br $next)))
    ;; What was handed over is not needed any more, and a policy's instance lives on.
    (global.set $heap (i32.const 65536)))
  {answering}"#
        );
        let all = format!("{}{}{memory}{functions}", guests::DESCRIBE, guests::CONFIGURE);
        let module = guests::module(&guests::PLAIN, &all).replace("@0.1.0", &format!("@{version}"));
        let wit = match *version {
            "0.1.0" => guests::contract(version),
            "0.2.0" => whole(include_str!("../../wit/v0.2.0/types.wit"), include_str!("../../wit/v0.2.0/worlds.wit")),
            _ => whole(include_str!("../../wit/types.wit"), include_str!("../../wit/worlds.wit")),
        };
        guests::encode(&wit, self.world, &module).expect("a guest that fits its world")
    }

    /// The plugin, under limits that an answer of [`LONGEST`] bytes can break.
    pub fn load(&self, host: &Host) -> LoadedPlugin {
        guests::load(host, &self.component(), &limits()).expect("loads")
    }
}

/// The limits of [`Form::load`].
pub fn limits() -> Limits {
    Limits { returned_string_bytes: 1000, returned_list_items: 8, hostcall_bytes: 1 << 16, ..guests::tight() }
}

/// An answer's bytes as the text that the guests decode: two letters of `a` to `p` each.
pub fn as_text(answer: &[u8]) -> String {
    answer.iter().flat_map(|byte| [byte >> 4, byte & 15]).map(|half| char::from(b'a' + half)).collect()
}

/// The contract's text of its two files, of which the second names the package again.
fn whole(types: &str, worlds: &str) -> String {
    let (_package, worlds) = worlds.split_once('\n').unwrap_or_default();
    format!("{types}\n{worlds}")
}
