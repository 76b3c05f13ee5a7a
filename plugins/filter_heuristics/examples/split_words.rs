//! Splits the texts of JSON Lines on standard input into words, for `tests/datatrove/make.py --compare`: an array of
//! words per line.

use filter_heuristics::english::Splitter;
use std::io::Write;

fn main() -> std::io::Result<()> {
    let splitter = Splitter::english();
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    for line in std::io::stdin().lines() {
        let record: serde_json::Value = serde_json::from_str(&line?)?;
        let mut words = Vec::new();
        splitter.words(record["text"].as_str().unwrap_or_default(), |word| words.push(word.text));
        serde_json::to_writer(&mut out, &words)?;
        out.write_all(b"\n")?;
    }
    out.flush()
}
