//! The table: which export of which kind misbehaves, how, and which limit it meets.

use octo_plugin::{Kind, Limits};

/// Where a plugin misbehaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Export {
    /// Before any export is called: reading, compiling and instantiating.
    Load,
    Describe,
    Configure,
    /// The function of the kind.
    Call,
    /// An annotator's second function.
    Read,
    Save,
    Restore,
}

/// One row of the table; a case for each of its kinds.
pub struct Row {
    pub kinds: &'static [Kind],
    pub export: Export,
    /// A mode of the hostile plugins, or the name of a guest in WebAssembly text.
    pub misbehaviour: &'static str,
    pub in_text: bool,
    /// Size of what the huge modes make.
    pub bytes: Option<u64>,
    /// What one item in three says; only that one then goes wrong.
    pub item: Option<&'static str>,
    /// A memory to restore that is not the plugin's.
    pub memory: Option<&'static [u8]>,
    pub limits: fn(&mut Limits),
    /// The limit that the case meets, which its error names.
    pub meets: &'static str,
}

impl Row {
    const fn bytes(mut self, bytes: u64) -> Row {
        self.bytes = Some(bytes);
        self
    }

    const fn item(mut self, item: &'static str) -> Row {
        self.item = Some(item);
        self
    }

    const fn memory(mut self, memory: &'static [u8]) -> Row {
        self.memory = Some(memory);
        self
    }

    const fn with(mut self, limits: fn(&mut Limits)) -> Row {
        self.limits = limits;
        self
    }

    const fn meets(mut self, limit: &'static str) -> Row {
        self.meets = limit;
        self
    }
}

/// A row about the plugins of `tests/hostile_plugin`, one per kind, switched by their config (and, while they describe
/// themselves, by a mark).
const fn rust(kinds: &'static [Kind], export: Export, misbehaviour: &'static str) -> Row {
    let (bytes, item, memory, meets) = (None, None, None, "");
    Row { kinds, export, misbehaviour, in_text: false, bytes, item, memory, limits: |_| (), meets }
}

/// A row about a guest in WebAssembly text, which does what safe Rust cannot.
const fn text(kinds: &'static [Kind], export: Export, misbehaviour: &'static str) -> Row {
    Row { in_text: true, ..rust(kinds, export, misbehaviour) }
}

/// What every case may use, unless its row says otherwise.
pub fn limits() -> Limits {
    Limits { fuel_per_item: 50_000_000, memory_bytes: 16 << 20, hostcall_bytes: 1 << 20, ..Limits::default() }
}

const ALL: &[Kind] = &Kind::ALL;
const VERIFIER: &[Kind] = &[Kind::Verifier];
const REWARD: &[Kind] = &[Kind::Reward];
const FILTER: &[Kind] = &[Kind::Filter];
const ANNOTATOR: &[Kind] = &[Kind::Annotator];
const SCHEDULE: &[Kind] = &[Kind::Schedule];
const MIXTURE: &[Kind] = &[Kind::Mixture];
/// Kinds of stateful plugins.
const STATEFUL: &[Kind] = &[Kind::Mixture, Kind::Schedule];
/// Kinds that return a list, of one answer per item or one weight per source.
const LISTS: &[Kind] = &[Kind::Verifier, Kind::Reward, Kind::Filter, Kind::Annotator, Kind::Mixture];
/// Kinds that return numbers.
const NUMBERS: &[Kind] = &[Kind::Reward, Kind::Annotator, Kind::Mixture, Kind::Schedule];
/// Kinds that return text.
const TEXTS: &[Kind] = &[Kind::Verifier, Kind::Reward, Kind::Filter, Kind::Annotator];
/// Kinds that return lists of named things.
const NAMED: &[Kind] = &[Kind::Reward, Kind::Filter];

fn fuel_off(limits: &mut Limits) {
    *limits = Limits { fuel_per_item: u64::MAX, deadline_ms: 100, ..limits.clone() };
}

#[rustfmt::skip]
pub const TABLE: &[Row] = &[
    // ---- before anything is called ------------------------------------------------------------------------------
    text(VERIFIER, Export::Load, "cut short"),
    text(VERIFIER, Export::Load, "not WebAssembly"),
    text(VERIFIER, Export::Load, "asks for a clock").meets("wasi"),
    text(VERIFIER, Export::Load, "much to compile").with(|l| l.compile_seconds = 1).meets("compile_seconds"),
    text(VERIFIER, Export::Load, "much to compile at once").with(|l| l.compile_memory_bytes = 256 << 20).meets("compile_memory_bytes"),
    text(VERIFIER, Export::Load, "large memory from the start").meets("memory_bytes"),
    text(VERIFIER, Export::Load, "large table from the start").meets("table_elements"),
    text(VERIFIER, Export::Load, "spins while it starts").meets("fuel_per_item"),
    text(VERIFIER, Export::Load, "grows its memory by nothing for ever").meets("fuel_per_item"),
    text(VERIFIER, Export::Load, "grows its memory in vain for ever").meets("memory_bytes"),
    text(VERIFIER, Export::Load, "grows its table by nothing for ever").meets("fuel_per_item"),
    text(VERIFIER, Export::Load, "fills no bytes for ever").meets("fuel_per_item"),
    text(VERIFIER, Export::Load, "copies no bytes for ever").meets("fuel_per_item"),
    text(VERIFIER, Export::Load, "names a function for ever").meets("fuel_per_item"),
    text(VERIFIER, Export::Load, "drops elements for ever").meets("fuel_per_item"),
    text(VERIFIER, Export::Load, "takes no elements for ever").meets("fuel_per_item"),
    text(VERIFIER, Export::Load, "logs for ever while it starts").with(fuel_off).meets("deadline_ms"),
    rust(ALL,      Export::Load, "good").with(|l| l.instances = 1).meets("instances"),

    // ---- describe -----------------------------------------------------------------------------------------------
    rust(VERIFIER, Export::Describe, "spin").meets("fuel_per_item"),
    rust(REWARD,   Export::Describe, "spin").with(fuel_off).meets("deadline_ms"),
    rust(FILTER,   Export::Describe, "allocate").meets("memory_bytes"),
    rust(MIXTURE,  Export::Describe, "panic"),
    rust(SCHEDULE, Export::Describe, "unreachable"),
    rust(VERIFIER, Export::Describe, "stack-overflow").with(|l| l.stack_bytes = 64 << 10),
    rust(REWARD,   Export::Describe, "huge-text").meets("hostcall_bytes"),
    rust(FILTER,   Export::Describe, "huge-text").with(|l| l.hostcall_bytes = 16 << 20),
    rust(MIXTURE,  Export::Describe, "control-characters"),
    rust(SCHEDULE, Export::Describe, "no-answers"),
    rust(VERIFIER, Export::Describe, "endless-texts"),
    rust(REWARD,   Export::Describe, "log-flood").meets("log_lines"),
    rust(FILTER,   Export::Describe, "log-huge").meets("hostcall_bytes"),
    rust(MIXTURE,  Export::Describe, "log-control-characters"),
    rust(SCHEDULE, Export::Describe, "log-for-ever").with(fuel_off).meets("deadline_ms"),
    text(VERIFIER, Export::Describe, "name that is not UTF-8"),
    text(VERIFIER, Export::Describe, "name of control characters"),
    text(VERIFIER, Export::Describe, "name that is a path"),
    text(VERIFIER, Export::Describe, "version that is none"),
    text(VERIFIER, Export::Describe, "schema that is not JSON"),
    text(VERIFIER, Export::Describe, "schema of another machine"),
    text(VERIFIER, Export::Describe, "schema of many patterns"),
    text(VERIFIER, Export::Describe, "schema of a long pattern"),
    text(VERIFIER, Export::Describe, "schema of a pattern that is much to compile"),
    text(VERIFIER, Export::Describe, "text of 2 GiB"),

    // ---- configure ----------------------------------------------------------------------------------------------
    rust(ALL,      Export::Configure, "spin").meets("fuel_per_item"),
    rust(MIXTURE,  Export::Configure, "spin").with(fuel_off).meets("deadline_ms"),
    rust(ALL,      Export::Configure, "allocate").meets("memory_bytes"),
    rust(ALL,      Export::Configure, "panic"),
    rust(REWARD,   Export::Configure, "unreachable"),
    rust(FILTER,   Export::Configure, "stack-overflow").with(|l| l.stack_bytes = 64 << 10),
    rust(ALL,      Export::Configure, "refuse"),
    rust(VERIFIER, Export::Configure, "refuse-control-characters"),
    rust(REWARD,   Export::Configure, "refuse-huge").bytes(4 << 20).meets("hostcall_bytes"),
    rust(FILTER,   Export::Configure, "refuse-huge").bytes(100_000),
    rust(MIXTURE,  Export::Configure, "log-flood").meets("log_lines"),
    rust(SCHEDULE, Export::Configure, "log-huge").bytes(4 << 20).meets("hostcall_bytes"),
    rust(VERIFIER, Export::Configure, "log-for-ever").with(fuel_off).meets("deadline_ms"),
    rust(ALL,      Export::Configure, "no-such-mode"),

    // ---- the function of the kind: crashes, loops and hoards ----------------------------------------------------
    rust(ALL,      Export::Call, "spin").meets("fuel_per_item"),
    rust(ALL,      Export::Call, "spin").with(fuel_off).meets("deadline_ms"),
    rust(ALL,      Export::Call, "allocate").meets("memory_bytes"),
    rust(ALL,      Export::Call, "panic"),
    rust(ALL,      Export::Call, "unreachable"),
    rust(ALL,      Export::Call, "stack-overflow"),
    rust(VERIFIER, Export::Call, "stack-overflow").with(|l| l.stack_bytes = 1 << 20),
    text(VERIFIER, Export::Call, "grows its table").meets("table_elements"),
    text(VERIFIER, Export::Call, "makes handles").with(|l| l.handles = 10).meets("handles"),
    text(VERIFIER, Export::Call, "divides by zero"),
    text(VERIFIER, Export::Call, "reads out of bounds"),

    // ---- one item of a batch goes wrong and its neighbours do not ------------------------------------------------
    rust(ALL,      Export::Call, "good").item("BOOM"),
    rust(ALL,      Export::Call, "good").item("SPIN"),
    rust(TEXTS,    Export::Call, "good").item("EAT"),
    rust(ALL,      Export::Call, "good").item("REFUSE"),
    rust(VERIFIER, Export::Call, "good").item("SPIN").with(|l| l.batch_items = 2).meets("batch_items"),

    // ---- host services -------------------------------------------------------------------------------------------
    rust(ALL,      Export::Call, "log-flood").meets("log_lines"),
    rust(ALL,      Export::Call, "log-empty-lines").meets("log_lines"),
    rust(REWARD,   Export::Call, "log-flood").with(|l| l.log_bytes = 100).meets("log_bytes"),
    rust(ALL,      Export::Call, "log-huge").bytes(4 << 20).meets("hostcall_bytes"),
    rust(FILTER,   Export::Call, "log-huge").bytes(100_000).meets("log_bytes"),
    rust(ALL,      Export::Call, "log-control-characters"),
    rust(ALL,      Export::Call, "log-for-ever").meets("fuel_per_item"),
    rust(ALL,      Export::Call, "log-for-ever").with(fuel_off).meets("deadline_ms"),
    rust(FILTER,   Export::Call, "classify-for-ever").meets("fuel_per_item"),
    rust(FILTER,   Export::Call, "classify-for-ever").with(fuel_off).meets("deadline_ms"),
    text(VERIFIER, Export::Call, "logs what is not UTF-8"),
    text(VERIFIER, Export::Call, "logs out of bounds"),
    text(VERIFIER, Export::Call, "logs at a level that there is not"),
    text(VERIFIER, Export::Call, "crashes with last words"),

    // ---- refusals ------------------------------------------------------------------------------------------------
    rust(ALL,      Export::Call, "refuse"),
    rust(ALL,      Export::Call, "refuse-control-characters"),
    rust(ALL,      Export::Call, "refuse-huge").bytes(100_000),
    rust(ALL,      Export::Call, "refuse-huge").bytes(4 << 20).meets("hostcall_bytes"),
    rust(ALL,      Export::Call, "refuse-huge").meets("memory_bytes"),

    // ---- answers: how many, how large, of what -------------------------------------------------------------------
    rust(LISTS,    Export::Call, "too-few"),
    rust(LISTS,    Export::Call, "too-many"),
    rust(LISTS,    Export::Call, "no-answers"),
    rust(LISTS,    Export::Call, "huge-list").bytes(4 << 20),
    rust(LISTS,    Export::Call, "huge-list").meets("memory_bytes"),
    rust(TEXTS,    Export::Call, "huge-text").bytes(100_000),
    rust(VERIFIER, Export::Call, "huge-text").bytes(70_000).meets("returned_string_bytes"),
    rust(TEXTS,    Export::Call, "huge-text").bytes(4 << 20),
    rust(TEXTS,    Export::Call, "huge-text").meets("memory_bytes"),
    rust(TEXTS,    Export::Call, "control-characters"),
    rust(TEXTS,    Export::Call, "empty-text"),
    rust(TEXTS,    Export::Call, "endless-texts"),
    rust(NAMED,    Export::Call, "repeated-names"),
    rust(NAMED,    Export::Call, "many-entries").meets("returned_list_items"),
    rust(NUMBERS,  Export::Call, "not-a-number"),
    rust(NUMBERS,  Export::Call, "infinite"),
    rust(NUMBERS,  Export::Call, "negative"),
    rust(NUMBERS,  Export::Call, "zero"),
    rust(NUMBERS,  Export::Call, "enormous"),
    text(VERIFIER, Export::Call, "reason that is not UTF-8"),
    text(ALL,      Export::Call, "refusal that is not UTF-8"),
    text(FILTER,   Export::Call, "drop's reason that is not UTF-8"),
    text(FILTER,   Export::Call, "field's name that is not UTF-8"),
    text(VERIFIER, Export::Call, "reason out of bounds"),
    text(VERIFIER, Export::Call, "outcome that there is not"),
    text(VERIFIER, Export::Call, "reason of a gigabyte").with(|l| l.memory_bytes = 2 << 30).meets("hostcall_bytes"),
    text(VERIFIER, Export::Call, "list of a gigabyte").with(|l| l.memory_bytes = 2 << 30).meets("hostcall_bytes"),

    // ---- an annotator's read ------------------------------------------------------------------------------------
    rust(ANNOTATOR, Export::Call, "many-entries").meets("returned_list_items"),
    rust(ANNOTATOR, Export::Read, "spin").meets("fuel_per_item"),
    rust(ANNOTATOR, Export::Read, "spin").with(fuel_off).meets("deadline_ms"),
    rust(ANNOTATOR, Export::Read, "allocate").meets("memory_bytes"),
    rust(ANNOTATOR, Export::Read, "panic"),
    rust(ANNOTATOR, Export::Read, "unreachable"),
    rust(ANNOTATOR, Export::Read, "stack-overflow"),
    rust(ANNOTATOR, Export::Read, "good").item("BOOM"),
    rust(ANNOTATOR, Export::Read, "good").item("SPIN"),
    rust(ANNOTATOR, Export::Read, "good").item("REFUSE"),
    rust(ANNOTATOR, Export::Read, "log-flood").meets("log_lines"),
    rust(ANNOTATOR, Export::Read, "refuse"),
    rust(ANNOTATOR, Export::Read, "refuse-control-characters"),
    rust(ANNOTATOR, Export::Read, "refuse-huge").bytes(4 << 20).meets("hostcall_bytes"),
    rust(ANNOTATOR, Export::Read, "too-few"),
    rust(ANNOTATOR, Export::Read, "too-many"),
    rust(ANNOTATOR, Export::Read, "no-answers"),
    rust(ANNOTATOR, Export::Read, "huge-list").meets("memory_bytes"),
    rust(ANNOTATOR, Export::Read, "huge-text").bytes(100_000),
    rust(ANNOTATOR, Export::Read, "huge-text").meets("memory_bytes"),
    rust(ANNOTATOR, Export::Read, "control-characters"),
    rust(ANNOTATOR, Export::Read, "empty-text"),
    rust(ANNOTATOR, Export::Read, "repeated-names"),
    rust(ANNOTATOR, Export::Read, "many-entries").meets("returned_list_items"),

    // ---- save and restore ----------------------------------------------------------------------------------------
    rust(STATEFUL, Export::Save, "spin").meets("fuel_per_item"),
    rust(MIXTURE,  Export::Save, "spin").with(fuel_off).meets("deadline_ms"),
    rust(STATEFUL, Export::Save, "allocate").meets("memory_bytes"),
    rust(STATEFUL, Export::Save, "panic"),
    rust(MIXTURE,  Export::Save, "unreachable"),
    rust(SCHEDULE, Export::Save, "stack-overflow"),
    rust(STATEFUL, Export::Save, "huge-text").bytes(4 << 20).meets("hostcall_bytes"),
    rust(STATEFUL, Export::Save, "huge-text").meets("memory_bytes"),
    rust(STATEFUL, Export::Save, "log-flood").meets("log_lines"),
    rust(SCHEDULE, Export::Save, "log-for-ever").with(fuel_off).meets("deadline_ms"),
    text(SCHEDULE, Export::Save, "memory out of bounds"),
    rust(STATEFUL, Export::Restore, "spin").meets("fuel_per_item"),
    rust(SCHEDULE, Export::Restore, "spin").with(fuel_off).meets("deadline_ms"),
    rust(STATEFUL, Export::Restore, "allocate").meets("memory_bytes"),
    rust(STATEFUL, Export::Restore, "panic"),
    rust(SCHEDULE, Export::Restore, "unreachable"),
    rust(MIXTURE,  Export::Restore, "stack-overflow"),
    rust(STATEFUL, Export::Restore, "refuse"),
    rust(MIXTURE,  Export::Restore, "refuse-control-characters"),
    rust(SCHEDULE, Export::Restore, "refuse-huge").bytes(4 << 20).meets("hostcall_bytes"),
    rust(STATEFUL, Export::Restore, "log-flood").meets("log_lines"),
    rust(MIXTURE,  Export::Restore, "log-for-ever").with(fuel_off).meets("deadline_ms"),
    rust(STATEFUL, Export::Restore, "good").memory(b"not its own"),
];
