//! Scores the documents of JSON Lines on standard input: the score and the shares per line.
//!
//! ```sh
//! cargo run --release -p filter_math_score --example score < documents.jsonl
//! ```

use filter_math_score::Shares;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    for line in std::io::stdin().lines() {
        let record: serde_json::Value = serde_json::from_str(&line?)?;
        let shares = Shares::of(record["text"].as_str().unwrap_or_default());
        let named: serde_json::Map<String, serde_json::Value> =
            shares.named().into_iter().map(|(name, share)| (name.to_owned(), share.into())).collect();
        println!("{}", serde_json::json!({ "score": shares.score(), "shares": named }));
    }
    Ok(())
}
