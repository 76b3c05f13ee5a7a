//! Writes the seeds of all targets to `seeds/`: inputs that are right, for a fuzzer to make wrong.

use std::fs;
use std::path::Path;

use octo_plugin::types::{Document, Field, FinishReason, Metric, Progress, Reply};
use octo_plugin::{CaseSetup, Failure, FailureKind, Host, Memory, Origin, Record};
use serde_json::json;

#[path = "../src/copying.rs"]
mod copying;
#[path = "../../host/plugin/tests/guests/mod.rs"]
mod guests;

use copying::{AREA, FORMS};

fn main() -> anyhow::Result<()> {
    let seeds = Path::new(env!("CARGO_MANIFEST_DIR")).join("seeds");
    let write = |target: &str, name: &str, bytes: &[u8]| -> std::io::Result<()> {
        fs::create_dir_all(seeds.join(target))?;
        fs::write(seeds.join(target).join(name), bytes)
    };

    write("component_bytes", "obedient-verifier.wasm", &guests::obedient_verifier())?;
    for form in FORMS {
        write("component_bytes", &format!("{}-{}.wasm", form.world, form.version), &form.component())?;
    }
    for (name, form, items, answer) in answers() {
        write("returned_values", name, &[&[form, items], answer.as_slice()].concat())?;
    }
    for (name, parts) in configs() {
        write("config_json", name, parts.join("\0").as_bytes())?;
    }
    for (name, preset, reference, response) in ANSWERS {
        write("answer_text", name, &[&[preset], reference.as_bytes(), b"\0", response.as_bytes()].concat())?;
    }
    for (name, text) in RECIPES {
        write("recipe_text", name, text.as_bytes())?;
    }
    let plugin = FORMS[0].load(&Host::with_cache_folder(None)?);
    let config = json!({"strict": true, "rules": [1, 0.1, -1e300, "a"]});
    let setup = CaseSetup::of(Path::new("judge.wasm"), &plugin, &config, &copying::limits());
    let failure = Failure { kind: FailureKind::Trap, message: "unreachable".to_owned() };
    for record in records() {
        let kind = record.kind();
        let origin = Origin { input: "answers.jsonl".to_owned(), line: Some(3), id: Some(json!("a")) };
        write("case_file", &format!("{kind}.json"), &setup.case(record, &failure, Some(origin)).to_json()?)?;
    }
    Ok(())
}

/// References and responses, each with the number of its preset.
const ANSWERS: [(&str, u8, &str, &str); 8] = [
    ("box", 0, "\\frac{1}{2}", "So it is $\\boxed{0.5}$."),
    ("gsm8k", 1, "#### 1,234", "Add them.\n#### $1234"),
    ("interval", 0, "(-\\infty, 1] \\cup (2, \\infty)", "\\boxed{x \\le 1 \\text{ or } x > 2}"),
    ("ellipsis", 0, "a_1+a_2+\\cdots+a_n", "\\boxed{a_n+a_{n-1}+\\cdots+a_1}"),
    ("series", 0, "\\sum_{k=0}^{\\infty} \\frac{2^k}{k!}", "the answer is $e^2$"),
    ("words", 2, "all real numbers except 0", "**x ≠ 0**"),
    (
        "matrix",
        3,
        "\\begin{pmatrix}1&2\\\\3&4\\end{pmatrix}",
        "\\boxed{\\left[\\begin{array}{cc}1&2\\\\3&4\\end{array}\\right]}",
    ),
    ("units", 4, "1.5 hours", "It takes 90 minutes."),
];

/// Bytes of an answer, with pointers to what follows.
#[derive(Default)]
struct Answer(Vec<u8>);

impl Answer {
    fn number(mut self, number: u32) -> Answer {
        self.0.extend(number.to_le_bytes());
        self
    }

    fn double(mut self, number: f64) -> Answer {
        self.0.extend(number.to_le_bytes());
        self
    }

    /// Pointer and length of what stands `offset` bytes into the answer.
    fn list(self, offset: u32, length: u32) -> Answer {
        self.number(AREA + offset).number(length)
    }

    fn text(mut self, text: &str) -> Vec<u8> {
        self.0.extend(text.as_bytes());
        self.0
    }
}

/// One right answer or more a form: its name, the form, the items less one, and the bytes.
fn answers() -> Vec<(&'static str, u8, u8, Vec<u8>)> {
    let new = Answer::default;
    vec![
        // list<result<verdict, error>>: a verdict with an extracted answer, and a refusal.
        (
            "verifier",
            0,
            1,
            new()
                .list(8, 2)
                .number(0)
                .number(0)
                .number(1)
                .list(64, 2)
                .list(66, 5)
                .number(1)
                .number(2)
                .list(71, 4)
                .number(0)
                .number(0)
                .number(0)
                .text("42equalnope"),
        ),
        (
            "reward",
            1,
            0,
            new()
                .list(8, 1)
                .number(0)
                .number(0)
                .double(1.5)
                .list(40, 1)
                .number(0)
                .number(0)
                .list(56, 5)
                .double(0.5)
                .text("parts"),
        ),
        ("filter-drop", 2, 0, new().list(8, 1).number(0).number(3).list(28, 5).number(0).text("short")),
        (
            "filter-rewrite",
            2,
            0,
            new().list(8, 1).number(0).number(2).list(48, 4).list(32, 1).list(52, 4).list(56, 5).text("textnamevalue"),
        ),
        ("mixture", 3, 1, new().number(0).list(16, 2).number(0).double(1.0).double(3.0).text("")),
        ("schedule", 4, 0, new().number(0).number(0).number(64).number(0).double(1.0).double(0.9).text("")),
        // result<list<verdict>, error>
        (
            "verifier-0.1.0",
            5,
            0,
            new().number(0).list(12, 1).number(1).number(0).number(0).number(0).list(36, 5).text("wrong"),
        ),
        ("reward-0.1.0", 6, 0, new().number(0).list(16, 1).number(0).double(-1.0).number(0).number(0).text("")),
        ("filter-0.1.0", 7, 0, new().number(0).list(12, 1).number(0).number(0).number(0).number(0).number(0).text("")),
        ("refused-0.1.0", 5, 0, new().number(1).number(3).list(16, 6).text("refuse")),
    ]
}

/// Schemas, configs and what else a guest says of itself, zero bytes between.
fn configs() -> Vec<(&'static str, Vec<&'static str>)> {
    let plain = r##"{"type":"object","properties":{"correct":{"type":"number","description":"Pay."},"preset":{"enum":["lenient","strict"]},"stairs":{"type":"array","items":{"$ref":"#/$defs/stair"},"uniqueItems":true}},"required":["correct"],"additionalProperties":false,"$defs":{"stair":{"type":"object","properties":{"step":{"type":"integer","minimum":0,"multipleOf":2}},"additionalProperties":false}}}"##;
    let combined = r##"{"anyOf":[{"type":"string"},{"oneOf":[{"const":1},{"$ref":"#/$defs/a"}]}],"not":{"required":["z"]},"patternProperties":{"^a+":{"pattern":"b{1,9}$"}},"unevaluatedProperties":false,"dependentSchemas":{"b":{"minProperties":1}},"propertyNames":{"maxLength":5},"if":{"contains":{"format":"date"}},"then":{"prefixItems":[true]},"else":false,"$defs":{"a":{"allOf":[{"maximum":1e300}]}}}"##;
    vec![
        (
            "fits",
            vec![
                plain,
                r#"{"correct":1.0,"preset":"lenient","stairs":[{"step":2}]}"#,
                "1.2.3-rc.1+b",
                "Says\tso",
                "guest",
            ],
        ),
        ("misspelt", vec![plain, r#"{"corect":true,"preset":"x","stairs":[{"step":-1.5},{"stp":1}]}"#, "0.1.0"]),
        ("combined", vec![combined, r#"{"aa":"bbb","b":{"c":[1,null]}}"#]),
        (
            "recursive",
            vec![
                r##"{"properties":{"left":{"$ref":"#"},"right":{"$dynamicRef":"#"}}}"##,
                r#"{"left":{"left":{},"right":{"left":1}}}"#,
            ],
        ),
        (
            "own-name",
            vec![
                r##"{"$schema":"http://json-schema.org/draft-07/schema#","$id":"http://a/b","$ref":"#/$defs/c","$defs":{"c":{"$anchor":"d","type":"object"},"e":{"$id":"http://a/b","$ref":"#/$defs/c"}}}"##,
                r#"{"f":1}"#,
            ],
        ),
    ]
}

const RECIPES: [(&str, &str); 3] = [
    (
        "training",
        r#"#set learn.steps=3
[plugins]
v = "verifier_math"
r = "reward_outcome"
s = "schedule_staircase"
m = "mixture_static"
[stages.read]
kind = "midtrain"
tokenizer = "tok"
architecture = { hidden_size = 8, intermediate_size = 16, num_hidden_layers = 1, num_attention_heads = 1 }
sources = { web = ["w.jsonl", "x.jsonl"], qa = "q.jsonl" }
max_epochs = { qa = 2.0 }
mixture = "m"
tokens = 1_000
context = 16
sequences_per_step = 2
learning_rate = 1e-3
schedule = "decay"
[stages.learn]
kind = "rl"
model = "@read:20"
problems = { path = "p.jsonl", map = { problem = "q" }, rows = "0..8" }
held_out = { easy = "e.jsonl", hard = { path = "h.jsonl", rows = "1..2" } }
verifier = "v"
reward = ["r", { role = "r", weight = 0.5 }]
schedule = "s"
template = "chat"
prompt = "{problem}"
alarms = { stop = ["failures"], patience = 2 }
algorithm = "dapo"
[stages.ask]
kind = "eval"
model = "@learn/model"
problems = "p.jsonl"
verifier = "v"
prompt = "{problem}"
max_response_tokens = 8
"#,
    ),
    (
        "stages",
        r#"#set clean.skip_bad_lines=false
name = "small"
seed = 3
[plugins]
math = "verifier_math"
filter = { plugin = "./filter.wasm", config = { shortest = 3 }, limits = { fuel_per_item = 1000 } }
[stages."clean-{each}"]
each = ["web", "code"]
kind = "curate"
inputs = ["@corpus/{each}.jsonl.zst", "${OCTO_DATA:-data}/more.jsonl"]
filters = ["filter"]
skip_bad_lines = true
[stages.clean]
kind = "curate"
inputs = "a.jsonl"
[stages.words]
kind = "tokenizer"
documents = ["@clean-web/kept.jsonl.zst"]
vocabulary = 512
seed = 4
"#,
    ),
    ("wrong", "#set plugins.math.config.strict='x'\nsede = 1\n[plugins]\nmath = 3\n[stages.rl]\nkind = \"lr\"\n"),
];

/// One item of each kind.
fn records() -> [Record; 7] {
    let metrics = [("loss", f64::INFINITY), ("none", f64::NAN), ("tiny", 5e-324), ("zero", -0.0)];
    let metrics = metrics.map(|(name, value)| Metric { name: name.to_owned(), value }).into();
    let at = Progress { step: u64::MAX, metrics, ..guests::progress("rl", 3) };
    let document = Document {
        url: Some("u".to_owned()),
        fields: vec![Field { name: "a".to_owned(), value: "\u{1b}".to_owned() }],
        ..guests::document("d", "text")
    };
    [
        Record::Verifier(guests::attempt("two")),
        Record::Reward {
            at: at.clone(),
            rollouts: vec![guests::rollout(7, 12, "a"), guests::rollout(7, 3, "b")],
            failed: 1,
        },
        Record::Filter(document.clone()),
        Record::Annotator { document: document.clone(), reply: None },
        Record::Annotator {
            document,
            reply: Some(Reply { text: "Score: 3".to_owned(), finish: FinishReason::Length }),
        },
        Record::Mixture { memory: Memory(Some(vec![0, 254])), at: at.clone(), sources: vec![guests::source("web")] },
        Record::Schedule { memory: Memory(None), at },
    ]
}
