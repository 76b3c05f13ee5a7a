//! Judges made-up responses, natively or in the sandbox: what `tests/bench/instructions.sh` counts the instructions of.
//!
//! `judge native|sandbox ITEMS`. The work is the same on both sides and in every run, on one thread.

use std::path::Path;

use octo_plugin::types::Attempt;
use octo_plugin::{Host, Limits};
use octo_sdk::{Plugin as _, Verifier as _};
use serde_json::json;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (side, items) = match arguments.as_slice() {
        [side, items] => (side.as_str(), items.parse::<usize>().unwrap_or_default()),
        _ => ("", 0),
    };
    let responses = (0..items).map(|index| {
        let steps = format!("Take {index} and add {}, which is {}. ", index % 7, index + index % 7).repeat(10);
        (format!("{steps}So the answer is \\boxed{{{}}}.", index + index % 7), (index + index % 5).to_string())
    });
    match side {
        "native" => {
            let attempts: Vec<_> = responses
                .map(|(response, reference)| octo_sdk::Attempt {
                    problem: String::new(),
                    response,
                    references: vec![reference],
                    fields: Vec::new(),
                })
                .collect();
            let verifier = verifier_math::MathVerifier::new(Default::default()).expect("the default config");
            println!("{} verdicts", verifier.verify_batch(&attempts).len());
        }
        "sandbox" => {
            let attempts: Vec<_> = responses
                .map(|(response, reference)| Attempt {
                    problem: String::new(),
                    response,
                    references: vec![reference],
                    fields: Vec::new(),
                })
                .collect();
            let limits = Limits { batch_items: 256, ..Limits::default() };
            let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/plugins/verifier_math.wasm");
            let host = Host::new().expect("a supported machine");
            let plugin =
                host.load(&path, &json!({}), &limits).unwrap_or_else(|error| panic!("{error}; run `make plugins`"));
            let verifier = plugin.into_verifier().expect("a verifier");
            let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().expect("a thread");
            println!("{} verdicts", pool.install(|| verifier.verify(&attempts)).len());
        }
        _ => {
            eprintln!("usage: judge native|sandbox ITEMS");
            std::process::exit(2);
        }
    }
}
