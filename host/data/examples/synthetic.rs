//! Writes the demo's corpora into a folder: `cargo run --release -p octo-data --example synthetic -- OUT [SEED] [CONFIG]`,
//! with CONFIG as JSON (`{"web_pages": 100}`).

use octo_data::synthetic::{SyntheticConfig, generate};
use std::error::Error;
use std::path::PathBuf;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let out = PathBuf::from(arguments.next().ok_or("usage: synthetic OUT [SEED] [CONFIG]")?);
    let seed = arguments.next().map_or(Ok(7), |seed| seed.parse())?;
    let config: SyntheticConfig = match arguments.next() {
        Some(text) => serde_json::from_str(&text)?,
        None => SyntheticConfig::default(),
    };
    std::fs::create_dir_all(&out)?;
    let manifest = generate(&config, seed, &out)?;
    println!("{}", serde_json::to_string_pretty(&manifest)?);
    Ok(())
}
